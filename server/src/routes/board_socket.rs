//! The live feed: the newest view of a room, for as many boards as want it.
//!
//! A board that comes late gets the present view at once; a slow one skips what it has no time for.

use std::time::Duration;

use axum::extract::{Request as HttpRequest, State};
use axum::response::Response;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument as _, debug, info_span};

use super::paths::OfRoom;
use crate::body::Segments;
use crate::error::{ApiError, Refusal};
use crate::room::Request;
use crate::server::Server;
use crate::socket::{Message, Socket, Upgrade, Utf8Bytes, close_frame};

/// How long a closing socket is waited for.
const CLOSING: Duration = Duration::from_secs(1);

/// The live feed: a WebSocket that brings the room's view whenever it has changed.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/live",
    operation_id = "live",
    tag = "rooms",
    params(OfRoom),
    responses((status = SWITCHING_PROTOCOLS, description = "The WebSocket opens"), Refusal)
)]
pub(super) async fn open(
    State(server): State<Server>,
    Segments(OfRoom { room }): Segments<OfRoom>,
    request: HttpRequest,
) -> Result<Response, ApiError> {
    let room = server.room(&room)?;
    let upgrade = Upgrade::of(&server, request)?;
    let views = room.ask(|reply| Request::Watch { reply }).await?;
    let span = info_span!("board", room.id = %room.code());
    Ok(upgrade.on_upgrade(move |socket| live(server, views, socket).instrument(span)))
}

async fn live(server: Server, mut views: watch::Receiver<Utf8Bytes>, mut socket: Socket) {
    // Held until the end, so that a server that stops knows when the last socket is closed.
    let _stop = server.stop().subscribe();
    let limits = &server.config().limits;
    let connected = server.metrics().board();
    views.mark_changed();
    let mut heard = Instant::now();
    let mut next_ping = heard + limits.board / 3;
    let (code, reason) = loop {
        let message = tokio::select! {
            received = socket.recv() => match received {
                // Boards have nothing to say but that they are there.
                Some(Ok(message)) if !matches!(message, Message::Close(_)) => {
                    heard = Instant::now();
                    continue;
                }
                _ => return,
            },
            changed = views.changed() => {
                if changed.is_err() {
                    // The room is gone.
                    let reason = if server.is_stopping() { "server_stops" } else { "room_removed" };
                    break (1_001, reason);
                }
                let view = views.borrow_and_update().clone();
                Message::Text(view)
            }
            () = sleep_until(heard + limits.board) => break (4_408, "silent"),
            () = sleep_until(next_ping) => {
                next_ping = Instant::now() + limits.board / 3;
                Message::Ping(axum::body::Bytes::new())
            }
        };
        match timeout(limits.send, socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => break (4_408, "too_slow"),
        }
    };
    drop(connected);
    debug!(reason, "board closed");
    close(socket, code, reason).await;
}

/// Closes a socket and waits a moment for the other side to take note, lest the last messages be lost.
pub(super) async fn close(mut socket: Socket, code: u16, reason: &'static str) {
    let goodbye = async {
        if socket.send(close_frame(code, reason)).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // Whoever does not take note in time is disconnected without.
    let _ = timeout(CLOSING, goodbye).await;
}
