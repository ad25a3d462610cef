//! A device's socket: round messages to the device, heartbeats back.
//!
//! Weights do not come this way, so what a device may send is small, and one task does both directions.

use std::sync::Arc;

use axum::extract::{Request as HttpRequest, State};
use axum::response::Response;
use constellation_core::ids::DeviceId;
use constellation_core::wire::{DeviceNews, Farewell, RoomNews};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument as _, debug, info_span};

use super::board_socket::close;
use super::paths::OfDevice;
use crate::body::Segments;
use crate::config::{Limits, limits};
use crate::error::{ApiError, Refusal};
use crate::rate::Rate;
use crate::room::{ConnectionId, Ending, Line, Request, RoomHandle};
use crate::server::{Server, stopped};
use crate::socket::{Message, Socket, Upgrade, broken};
use crate::token::TokenHash;

/// The first message. `message` may be left out, because only one message can come first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hello {
    #[serde(default, rename = "message")]
    _message: Option<HelloWord>,
    token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum HelloWord {
    Hello,
}

/// How a socket ended.
enum End {
    /// The device closed it, or it broke.
    Gone,
    /// The room, or this task, closes it.
    Closing(Ending),
}

/// A device's WebSocket: its first message brings its token, and round messages come back.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/devices/{device}/socket",
    operation_id = "device_socket",
    tag = "devices",
    params(OfDevice),
    responses((status = SWITCHING_PROTOCOLS, description = "The WebSocket opens"), Refusal)
)]
pub(super) async fn open(
    State(server): State<Server>,
    Segments(OfDevice { room, device }): Segments<OfDevice>,
    request: HttpRequest,
) -> Result<Response, ApiError> {
    let room = server.room(&room)?;
    let span = info_span!("device", room.id = %room.code(), device.id = %device);
    let upgrade = Upgrade::of(&server, request)?;
    Ok(upgrade.on_upgrade(move |socket| live(server, room, device, socket).instrument(span)))
}

/// The socket's life.
async fn live(server: Server, room: Arc<RoomHandle>, device: DeviceId, mut socket: Socket) {
    // Held until the end, so that a server that stops knows when the last socket is closed.
    let mut stop = server.stop().subscribe();
    let limits = &server.config().limits;
    let greeted = tokio::select! {
        greeted = greet(&room, device, &mut socket, limits) => greeted,
        () = stopped(&mut stop) => Err(ApiError::ServerStops),
    };
    let (connection, mut messages, mut ended) = match greeted {
        Ok(greeted) => greeted,
        Err(error) => {
            debug!(code = error.code(), "socket refused");
            let code = error.code();
            server.metrics().refused(code);
            // If the room is gone, so are its boards.
            let _ = room.tell(Request::StrangerRefused { code }).await;
            return close(socket, error.close_code(), error.code()).await;
        }
    };
    let connected = server.metrics().device();
    let mut conversation = Conversation {
        server: &server,
        room: &room,
        device,
        heard: Instant::now(),
        rate: Rate::new(
            Instant::now(),
            limits::SOCKET_MESSAGES,
            limits::SOCKET_MESSAGES_PER_SECOND,
        ),
    };
    let end = conversation
        .run(&mut socket, &mut messages, &mut ended)
        .await;
    drop(connected);
    // If the room is gone, it need not be told.
    let _ = room.tell(Request::Closed { device, connection }).await;
    match end {
        End::Gone => {}
        End::Closing(Ending::Farewell(farewell)) => {
            let text = serde_json::to_string(&RoomNews::Farewell(farewell))
                .expect("news have string keys");
            // A device that does not listen finds out by the closed socket.
            let _ = timeout(limits.stop / 2, socket.send(Message::text(text))).await;
            let (code, reason) = match farewell {
                Farewell::Removed => (1_000, "removed"),
                Farewell::Left => (1_000, "left"),
                Farewell::Replaced => (1_000, "replaced"),
                Farewell::ServerStops { .. } => (1_001, "server_stops"),
            };
            close(socket, code, reason).await;
        }
        End::Closing(Ending::Failure(error)) => {
            debug!(code = error.code(), "socket closed");
            server.metrics().refused(error.code());
            close(socket, error.close_code(), error.code()).await;
        }
    }
}

type Greeted = (
    ConnectionId,
    mpsc::Receiver<Message>,
    oneshot::Receiver<Ending>,
);

/// Waits for the hello and takes the device's place in the room.
async fn greet(
    room: &RoomHandle,
    device: DeviceId,
    socket: &mut Socket,
    limits: &Limits,
) -> Result<Greeted, ApiError> {
    let token = timeout(limits.hello, hello(socket))
        .await
        .map_err(|_| ApiError::HelloTimeout)??;
    let (queue, messages) = mpsc::channel(limits.device_queue);
    let (end, ended) = oneshot::channel();
    let line = Line { queue, end };
    let connection = room
        .ask(|reply| Request::Open {
            device,
            token,
            line,
            reply,
        })
        .await??;
    Ok((connection, messages, ended))
}

async fn hello(socket: &mut Socket) -> Result<TokenHash, ApiError> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => {
                let Hello { token, .. } = serde_json::from_str(&text)
                    .map_err(|error| ApiError::HelloExpected(error.to_string()))?;
                return Ok(TokenHash::of(&token));
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Binary(_))) => {
                return Err(ApiError::HelloExpected("it was binary".to_owned()));
            }
            Some(Ok(Message::Close(_))) | None => {
                return Err(ApiError::HelloExpected("the socket was closed".to_owned()));
            }
            Some(Err(error)) => {
                return Err(broken(&error).unwrap_or(ApiError::HelloExpected(error.to_string())));
            }
        }
    }
}

/// A device that has said who it is.
struct Conversation<'a> {
    server: &'a Server,
    room: &'a RoomHandle,
    device: DeviceId,
    /// When it was last heard of.
    heard: Instant,
    rate: Rate,
}

impl Conversation<'_> {
    async fn run(
        &mut self,
        socket: &mut Socket,
        messages: &mut mpsc::Receiver<Message>,
        ended: &mut oneshot::Receiver<Ending>,
    ) -> End {
        let limits = &self.server.config().limits;
        loop {
            let step = tokio::select! {
                biased;
                ending = &mut *ended => Err(ending_of(ending)),
                received = socket.recv() => match received {
                    None | Some(Ok(Message::Close(_))) => Err(End::Gone),
                    Some(Err(error)) => Err(broken(&error).map_or(End::Gone, failure)),
                    Some(Ok(message)) => self.receive(message, socket).await,
                },
                message = messages.recv() => match message {
                    // The room dropped its end of the queue; `ended` says why.
                    None => Err(ending_of((&mut *ended).await)),
                    Some(message) => {
                        let started = Instant::now();
                        let sent = tokio::select! {
                            biased;
                            ending = &mut *ended => Err(ending_of(ending)),
                            sent = timeout(limits.send, socket.send(message)) => match sent {
                                Ok(Ok(())) => Ok(()),
                                Ok(Err(_)) => Err(End::Gone),
                                Err(_) => Err(failure(ApiError::TooSlow)),
                            },
                        };
                        // A device is not listened to while it is being talked to.
                        self.heard += started.elapsed();
                        sent
                    }
                },
                () = sleep_until(self.heard + limits.heartbeat) => Err(failure(ApiError::Silent)),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn receive(&mut self, message: Message, socket: &mut Socket) -> Result<(), End> {
        let now = Instant::now();
        self.heard = now;
        if !self.rate.take(now) {
            self.count(&ApiError::TooManyRequests).await;
            return Err(failure(ApiError::TooManyRequests));
        }
        let refusal = match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(DeviceNews::Heartbeat) => return Ok(()),
                Ok(DeviceNews::Leave) => {
                    // The room answers with a farewell; if it is gone, `ended` says so.
                    let _ = self
                        .room
                        .tell(Request::Leave {
                            device: self.device,
                        })
                        .await;
                    return Ok(());
                }
                Ok(DeviceNews::Ready { run }) => {
                    // As with leaving, `ended` says so if the room is gone.
                    let _ = self
                        .room
                        .tell(Request::Ready {
                            device: self.device,
                            run,
                        })
                        .await;
                    return Ok(());
                }
                Ok(DeviceNews::SendInFull { run }) => {
                    let _ = self
                        .room
                        .tell(Request::SendInFull {
                            device: self.device,
                            run,
                        })
                        .await;
                    return Ok(());
                }
                Ok(DeviceNews::Hello { .. }) => {
                    ApiError::BadMessage("the device has said hello before".to_owned())
                }
                Err(error) => ApiError::BadMessage(error.to_string()),
            },
            Message::Binary(_) => {
                ApiError::BadMessage("weights are posted, not sent over the socket".to_owned())
            }
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
                return Ok(());
            }
        };
        self.count(&refusal).await;
        self.server.metrics().refused(refusal.code());
        let news = RoomNews::Refused {
            code: refusal.code().to_owned(),
            detail: refusal.to_string(),
        };
        let text = serde_json::to_string(&news).expect("news have string keys");
        match timeout(
            self.server.config().limits.send,
            socket.send(Message::text(text)),
        )
        .await
        {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(failure(ApiError::TooSlow)),
        }
    }

    /// Has the room count a refusal, so that its boards show it.
    async fn count(&self, refusal: &ApiError) {
        // If the room is gone, so are its boards.
        let _ = self
            .room
            .tell(Request::MessageRefused {
                device: self.device,
                code: refusal.code(),
            })
            .await;
    }
}

fn failure(error: ApiError) -> End {
    End::Closing(Ending::Failure(error))
}

/// A room that ends without a word has failed, or has been removed while the socket was opening.
fn ending_of(ending: Result<Ending, oneshot::error::RecvError>) -> End {
    End::Closing(ending.unwrap_or(Ending::Failure(ApiError::Internal)))
}
