//! The live feed: the newest view of a room, for as many boards as want it.
//!
//! A board that comes late gets the present view at once; a slow one skips what it has no time for.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument as _, debug, info_span};

use super::device_socket::close_frame;
use super::paths::OfRoom;
use crate::body::{Segments, check_origin};
use crate::config::limits;
use crate::error::{ApiError, Refusal};
use crate::room::Request;
use crate::server::Server;

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
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let room = server.room(&room)?;
    let upgrade = upgrade(&server, &headers, socket)?;
    let views = room.ask(|reply| Request::Watch { reply }).await?;
    let span = info_span!("board", room.id = %room.code());
    Ok(upgrade.on_upgrade(move |socket| live(server, views, socket).instrument(span)))
}

/// Checks where a socket's page is from, and bounds what it may send.
pub(super) fn upgrade(
    server: &Server,
    headers: &HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<WebSocketUpgrade, ApiError> {
    check_origin(headers, server.config().addresses.public_url.as_deref())?;
    let socket = socket.map_err(|rejection| ApiError::NotAWebSocket(rejection.body_text()))?;
    Ok(socket
        .read_buffer_size(limits::SOCKET_MESSAGE)
        .max_message_size(limits::SOCKET_MESSAGE)
        .max_frame_size(limits::SOCKET_MESSAGE))
}

async fn live(server: Server, mut views: watch::Receiver<Utf8Bytes>, mut socket: WebSocket) {
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
pub(super) async fn close(mut socket: WebSocket, code: u16, reason: &'static str) {
    let goodbye = async {
        if socket.send(close_frame(code, reason)).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // Whoever does not take note in time is disconnected without.
    let _ = timeout(CLOSING, goodbye).await;
}
