//! A server that knows one recorded room: it serves the built pages, and sends the room's views when it is told to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use crate::recording::Recording;

/// The script that measures, in front of the page's own.
const MEASURE: &str = include_str!("measure.js");
/// With these two the browser's clock is fine enough.
const ISOLATION: &str =
    "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp";

/// A running server of a recording.
#[derive(Debug)]
pub(crate) struct Playback {
    base: String,
    room: String,
    /// Updates a second; 0 before they begin.
    pace: watch::Sender<u32>,
}

/// What every connection shares.
struct Shared {
    room: String,
    views: Vec<String>,
    closed: Vec<u32>,
    memberships: std::collections::BTreeMap<String, Value>,
    join: Value,
    pace: watch::Receiver<u32>,
    /// The place of the view sent last.
    sent: watch::Sender<usize>,
}

impl Playback {
    pub(crate) async fn start(recording: &Recording) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let pace = watch::Sender::new(0);
        let shared = Arc::new(Shared {
            room: recording.room.clone(),
            views: recording.views.clone(),
            closed: recording.closed.clone(),
            memberships: recording.memberships.clone(),
            join: recording.join.clone(),
            pace: pace.subscribe(),
            sent: watch::Sender::new(0),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(Arc::clone(&shared), stream));
            }
        });
        Ok(Self {
            base,
            room: recording.room.clone(),
            pace,
        })
    }

    pub(crate) fn board_url(&self) -> String {
        format!("{}/board/{}", self.base, self.room)
    }

    /// Begins to send the updates, at so many a second.
    pub(crate) fn play(&self, updates_a_second: u32) {
        self.pace.send_replace(updates_a_second);
    }
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream) -> Result<()> {
    // The request stays in the stream, for the WebSocket's handshake.
    let mut start = [0; 512];
    let length = stream.peek(&mut start).await?;
    let start = String::from_utf8_lossy(&start[..length]).into_owned();
    let path = start.split(' ').nth(1).context("no request")?;
    if path.ends_with("/live") {
        return send_views(&shared, stream).await;
    }
    let read = stream.read(&mut [0; 16_384]).await?;
    ensure!(read > 0, "the browser hung up");
    let answer = shared.answer(path);
    let (status, kind, body) = match &answer {
        Some((kind, body)) => ("200 OK", *kind, body.as_slice()),
        None => ("404 Not Found", "text/plain", "not recorded".as_bytes()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{ISOLATION}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    Ok(())
}

/// The first view at once, the others at the pace.
async fn send_views(shared: &Shared, stream: TcpStream) -> Result<()> {
    let mut socket = accept_async(stream).await?;
    let mut views = shared.views.iter().map(|view| Message::text(view.clone()));
    socket.send(views.next().context("no views")?).await?;
    let pace = *shared.pace.clone().wait_for(|pace| *pace > 0).await?;
    let mut tick = interval(Duration::from_secs(1) / pace);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (place, view) in views.enumerate() {
        tick.tick().await;
        shared.sent.send_replace(place + 1);
        socket.send(view).await?;
    }
    // Open until the browser goes.
    shared.pace.clone().wait_for(|pace| *pace == 0).await?;
    Ok(())
}

impl Shared {
    fn answer(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        if path == "/measure.js" {
            return Some(("text/javascript", MEASURE.into()));
        }
        if path == format!("/board/{}", self.room) {
            let page = std::fs::read_to_string(pages().join("board.html")).ok()?;
            let measured =
                page.replacen("<head>", "<head><script src=\"/measure.js\"></script>", 1);
            return Some(("text/html", measured.into()));
        }
        if let Some(rest) = path.strip_prefix(&format!("/api/rooms/{}/", self.room)) {
            return Some(("application/json", self.recorded(rest)?.to_string().into()));
        }
        let kind = match Path::new(path).extension()?.to_str()? {
            "js" => "text/javascript",
            "css" => "text/css",
            "svg" => "image/svg+xml",
            _ => return None,
        };
        let file = std::fs::read(pages().join(path.trim_start_matches('/'))).ok()?;
        Some((kind, file))
    }

    /// What the room has answered, as far as the view sent last goes.
    fn recorded(&self, path: &str) -> Option<Value> {
        if path == "join" {
            return Some(self.join.clone());
        }
        let (arm, after) = path
            .strip_prefix("arms/")?
            .split_once("/memberships?after=")?;
        let after: u64 = after.parse().ok()?;
        let closed = u64::from(self.closed[*self.sent.borrow()]);
        let all = self.memberships.get(arm)?;
        let known = |row: &&Value| {
            let round = row["round"].as_u64();
            round.is_some_and(|round| round > after && round <= closed)
        };
        let rounds: Vec<&Value> = all["rounds"].as_array()?.iter().filter(known).collect();
        Some(json!({ "run": all["run"], "rounds": rounds }))
    }
}

fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist")
}
