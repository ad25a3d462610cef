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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::debug;

use crate::config::{ServerConfig, limits};
use crate::server::stopped;

/// Takes connections for as long as it is polled. Each is served by a task of its own, which holds a receiver of `stop`
/// to its end; once told to stop, it answers what has been asked and no more.
pub(crate) async fn accept(
    mut listener: TcpListener,
    app: Router,
    config: &ServerConfig,
    stop: &watch::Sender<bool>,
) {
    let head = config.limits.head;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(head)
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
        let (http, stop) = (http.clone(), stop.subscribe());
        match config.tls.clone() {
            None => drop(tokio::spawn(live(http, stream, service, stop))),
            Some(tls) => drop(tokio::spawn(async move {
                match timeout(head, tls.accept(stream)).await {
                    Ok(Ok(stream)) => live(http, stream, service, stop).await,
                    Ok(Err(error)) => debug!(%error, "the connection is not encrypted"),
                    Err(_) => debug!("the connection took too long to be encrypted"),
                }
            })),
        }
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
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
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
