//! Connections: taken, and served within limits.

use std::pin::pin;

use axum::Router;
use axum::http::Request;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tracing::debug;

use crate::config::{Limits, limits};
use crate::server::stopped;

/// Takes connections for as long as it is polled. Each is served by a task of its own, which holds a receiver of `stop`
/// to its end; once told to stop, it answers what has been asked and no more.
pub(crate) async fn accept(
    mut listener: TcpListener,
    app: Router,
    limits: &Limits,
    stop: &watch::Sender<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits::READ_AHEAD);
    loop {
        let (stream, peer) = Listener::accept(&mut listener).await;
        // A message leaves when it is written, and not when the one before has been confirmed.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "the connection was gone before it began");
            continue;
        }
        let is_here = stream
            .local_addr()
            .is_ok_and(|own| peer.ip().is_loopback() || peer.ip() == own.ip());
        let service = WithPeer {
            app: TowerToHyperService::new(app.clone()),
            peer: Peer { is_here },
        };
        tokio::spawn(live(http.clone(), stream, service, stop.subscribe()));
    }
}

/// Who is at a connection's other end. Every request has it among its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Whether it is on the server's own computer, or a proxy there is.
    pub(crate) is_here: bool,
}

/// The routes, told who asks.
#[derive(Clone)]
struct WithPeer {
    app: TowerToHyperService<Router>,
    peer: Peer,
}

impl Service<Request<Incoming>> for WithPeer {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.app.call(request)
    }
}

/// A connection's life, until it ends or becomes a WebSocket.
async fn live(
    http: http1::Builder,
    stream: TcpStream,
    service: WithPeer,
    mut stop: watch::Receiver<bool>,
) {
    let connection = http.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection broken");
    }
}
