//! The network between devices and server, which a test can switch off and on, or make a bad one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use constellation_core::rng::{Purpose, Stream};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::Server;

/// In a bad network, of a hundred connections so many come to nothing.
const LOST: u32 = 20;
/// So many more break off within an update.
const CUT_UP: u32 = 25;
/// So many more within an answer.
const CUT_DOWN: u32 = 25;
/// Bytes that these carry to the server, from it, and that all others carry either way before they break off, at most.
const WITHIN: [u32; 3] = [100_000, 400, 1_000_000];
/// Longest time that a piece of a message is held up.
const DELAY_MS: u32 = 8;

/// Passes connections on to a server, while it is up.
#[derive(Debug)]
pub struct Relay {
    base: String,
    server: String,
    is_up: Arc<watch::Sender<bool>>,
    faults: Arc<Faults>,
    accepts: JoinHandle<()>,
}

/// What a bad network does to its connections is drawn from here; nothing as long as it is a good one.
#[derive(Debug, Default)]
struct Faults(Mutex<Option<Stream>>);

/// What happens to a connection.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Fine,
    Lost,
    /// It is slow, and breaks off when it has carried so many bytes to the server, or so many from it.
    Slow {
        up: u64,
        down: u64,
    },
}

impl Relay {
    /// A relay on a free port of the loopback, up.
    pub async fn start(server: &Server) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let to: SocketAddr = server.base().trim_start_matches("http://").parse()?;
        let is_up = Arc::new(watch::Sender::new(true));
        let faults = Arc::default();
        let accepts = tokio::spawn(accept(
            listener,
            to,
            Arc::clone(&is_up),
            Arc::clone(&faults),
        ));
        Ok(Self {
            base,
            server: server.base().to_owned(),
            is_up,
            faults,
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

    /// From now on connections are lost, cut off and held up.
    pub fn go_bad(&self, seed: u32) {
        let stream = Stream::new(seed, Purpose::Trouble, 0, 0);
        *self.faults.stream() = Some(stream);
    }

    /// Connections from now on are fine.
    pub fn go_good(&self) {
        *self.faults.stream() = None;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

impl Faults {
    fn stream(&self) -> std::sync::MutexGuard<'_, Option<Stream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Fate {
        let mut faults = self.stream();
        let Some(stream) = faults.as_mut() else {
            return Fate::Fine;
        };
        match stream.below(100) {
            lost if lost < LOST => Fate::Lost,
            drawn => {
                let [update, answer, either] = WITHIN.map(|most| stream.below(most).into());
                let (up, down) = match drawn - LOST {
                    up if up < CUT_UP => (update, u64::MAX),
                    down if down < CUT_UP + CUT_DOWN => (u64::MAX, answer),
                    _ => (either, either),
                };
                Fate::Slow { up, down }
            }
        }
    }

    fn delay(&self) -> Duration {
        let ms = self.stream().as_mut().map_or(0, |s| s.below(DELAY_MS));
        Duration::from_millis(ms.into())
    }
}

async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    is_up: Arc<watch::Sender<bool>>,
    faults: Arc<Faults>,
) {
    while let Ok((tab, _)) = listener.accept().await {
        let mut is_up = is_up.subscribe();
        let faults = Arc::clone(&faults);
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = is_up.wait_for(|is_up| !is_up) => {}
                _ = pass_on(tab, server, &faults) => {}
            }
        });
    }
}

async fn pass_on(mut tab: TcpStream, server: SocketAddr, faults: &Faults) -> Result<()> {
    let fate = faults.next();
    if matches!(fate, Fate::Lost) {
        return Ok(());
    }
    let mut server = TcpStream::connect(server).await?;
    let Fate::Slow { up, down } = fate else {
        copy_bidirectional(&mut tab, &mut server).await?;
        return Ok(());
    };
    let (from_tab, to_tab) = tab.split();
    let (from_server, to_server) = server.split();
    // Whichever way breaks off first takes the other with it.
    tokio::select! {
        carried = carry(from_tab, to_server, up, faults) => carried,
        carried = carry(from_server, to_tab, down, faults) => carried,
    }
}

/// Carries so many bytes, piece by piece.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    limit: u64,
    faults: &Faults,
) -> Result<()> {
    let mut piece = [0; 16 * 1_024];
    let mut left = limit;
    loop {
        let len = from.read(&mut piece).await?;
        if len == 0 {
            return Ok(());
        }
        let len = len.min(usize::try_from(left).unwrap_or(usize::MAX));
        sleep(faults.delay()).await;
        to.write_all(&piece[..len]).await?;
        left -= len as u64;
        if left == 0 {
            return Ok(());
        }
    }
}
