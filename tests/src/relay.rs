//! The Wi-Fi between tabs and server, which a test can switch off and on.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Server;

/// Passes connections on to a server, while it is up.
#[derive(Debug)]
pub struct Relay {
    base: String,
    server: String,
    is_up: Arc<watch::Sender<bool>>,
    accepts: JoinHandle<()>,
}

impl Relay {
    /// A relay on a free port of the loopback, up.
    pub async fn start(server: &Server) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let to: SocketAddr = server.base().trim_start_matches("http://").parse()?;
        let is_up = Arc::new(watch::Sender::new(true));
        let accepts = tokio::spawn(accept(listener, to, Arc::clone(&is_up)));
        Ok(Self {
            base,
            server: server.base().to_owned(),
            is_up,
            accepts,
        })
    }

    /// An address of the server, by way of the relay.
    pub fn through(&self, url: &str) -> String {
        url.replacen(&self.server, &self.base, 1)
    }

    /// Breaks every connection, and every one that is tried from now on.
    pub fn go_down(&self) {
        self.is_up.send_replace(false);
    }

    /// Lets connections through again.
    pub fn come_up(&self) {
        self.is_up.send_replace(true);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, is_up: Arc<watch::Sender<bool>>) {
    while let Ok((tab, _)) = listener.accept().await {
        let mut is_up = is_up.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = is_up.wait_for(|is_up| !is_up) => {}
                _ = pass_on(tab, server) => {}
            }
        });
    }
}

async fn pass_on(mut tab: TcpStream, server: SocketAddr) -> Result<()> {
    let mut server = TcpStream::connect(server).await?;
    copy_bidirectional(&mut tab, &mut server).await?;
    Ok(())
}
