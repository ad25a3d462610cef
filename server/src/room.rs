//! A room: one task that owns the coordinator, and the handle by which everybody else reaches it.

mod actor;
mod admissions;
mod keeping;
mod record;
mod seats;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use constellation_core::config::RunConfig;
use constellation_core::coordinator::{Answer, Command, Profile};
use constellation_core::ids::{CoalitionId, DeviceId, Round, RunId, Slot};
use constellation_core::params::Params;
use constellation_core::view::{DeviceState, Distances, Memberships, View};
use constellation_core::wire::{Farewell, Models, Update};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::error::ApiError;
use crate::socket::{Message, Utf8Bytes};
use crate::token::{RoomCode, Token, TokenHash};

use admissions::Admissions;

pub(crate) use actor::{Actor, End, Setup};

/// The way back to whoever asked.
pub(crate) type Reply<T> = oneshot::Sender<T>;

/// What a room can be asked. Requests are dealt with one after the other.
pub(crate) enum Request {
    /// A new device wants in.
    Join {
        name: Option<String>,
        /// Examples per second that it says it trains; 0 if it does not say.
        profile: Profile,
        reply: Reply<Result<Joined, ApiError>>,
    },
    /// A device's socket has said who it is.
    Open {
        device: DeviceId,
        token: TokenHash,
        line: Line,
        reply: Reply<Result<ConnectionId, ApiError>>,
    },
    /// A device's socket is closed.
    Closed {
        device: DeviceId,
        connection: ConnectionId,
    },
    /// A device has read its user's table.
    Ready { device: DeviceId, run: RunId },
    /// A device has not got what deltas are to be added to.
    SendInFull { device: DeviceId, run: RunId },
    /// A device leaves for good.
    Leave { device: DeviceId },
    /// An update of a device was refused before it came here.
    Refused {
        device: DeviceId,
        code: &'static str,
    },
    /// A request or a socket was refused before it was known whose it is.
    StrangerRefused { code: &'static str },
    /// A message of a device's socket was refused.
    MessageRefused {
        device: DeviceId,
        code: &'static str,
    },
    /// An update that is one of this run's.
    Update {
        device: DeviceId,
        bytes: u64,
        update: Box<Update>,
        reply: Reply<Result<Answer, ApiError>>,
    },
    /// The desk wants something.
    Desk {
        command: Command,
        reply: Reply<Result<View, ApiError>>,
    },
    /// What are the devices doing? Asked by whoever watches the server, which is no use of the room.
    DeviceStates { reply: Reply<Vec<DeviceState>> },
    /// How does the room look now?
    View { reply: Reply<View> },
    /// A board wants the live feed.
    Watch {
        reply: Reply<watch::Receiver<Utf8Bytes>>,
    },
    /// A published model, if there is one.
    Model {
        arm: String,
        coalition: Option<CoalitionId>,
        reply: Reply<Option<Arc<Params>>>,
    },
    /// Who was in which coalition after the rounds that follow one, if there is such an arm.
    Memberships {
        arm: String,
        after: Round,
        reply: Reply<Option<Memberships>>,
    },
    /// How far the devices' weights are from each other, if there is such an arm.
    Distances {
        arm: String,
        reply: Reply<Option<Arc<Distances>>>,
    },
    /// The run's record as JSON lines.
    Record { reply: Reply<String> },
    /// The run as its boards saw it, to be watched again, as JSON lines.
    Recording { reply: Reply<String> },
}

/// What a device gets when it joins.
pub(crate) struct Joined {
    pub(crate) device: DeviceId,
    pub(crate) token: Token,
    pub(crate) slot: Slot,
    pub(crate) config: RunConfig,
}

/// Tells a device's sockets apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionId(u64);

/// A room's end of a device's socket.
#[derive(Debug)]
pub(crate) struct Line {
    /// Messages, in order.
    pub(crate) queue: mpsc::Sender<Message>,
    /// Ends the socket, ahead of whatever still waits in the queue.
    pub(crate) end: oneshot::Sender<Ending>,
}

/// Why a room closes a device's socket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// The device is told so in a message first.
    Farewell(Farewell),
    /// The close frame alone says why.
    Failure(ApiError),
}

/// How everybody but the room itself reaches it.
#[derive(Debug)]
pub(crate) struct RoomHandle {
    code: RoomCode,
    desks: Vec<TokenHash>,
    admissions: Arc<Admissions>,
    inbox: mpsc::Sender<Request>,
    models: watch::Receiver<Arc<Models>>,
    stopping: watch::Sender<bool>,
    /// Whether what happens in the room could not be kept, after which nothing does.
    failed: Arc<AtomicBool>,
}

impl RoomHandle {
    pub(crate) fn code(&self) -> RoomCode {
        self.code
    }

    /// Whether the token is the desk's.
    pub(crate) fn check_desk(&self, token: TokenHash) -> Result<(), ApiError> {
        if self.desks.contains(&token) {
            Ok(())
        } else {
            Err(ApiError::WrongToken)
        }
    }

    /// Whose token this is, if its owner may post an update now.
    pub(crate) fn admit(&self, token: TokenHash) -> Result<DeviceId, ApiError> {
        self.admissions.admit(token, Instant::now())
    }

    /// Shape of the current run's models.
    pub(crate) fn models(&self) -> Arc<Models> {
        Arc::clone(&self.models.borrow())
    }

    /// Whether what happens in the room cannot be kept, so that nothing does.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Requests that wait for the room.
    pub(crate) fn waiting(&self) -> usize {
        self.inbox.max_capacity() - self.inbox.capacity()
    }

    /// Puts a request in, and waits for the room to have a place for it.
    pub(crate) async fn tell(&self, request: Request) -> Result<(), ApiError> {
        self.inbox.send(request).await.map_err(|_| self.gone())
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask<T>(
        &self,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, ApiError> {
        let (reply, answer) = oneshot::channel();
        self.tell(request(reply)).await?;
        answer.await.map_err(|_| self.gone())
    }

    /// Waits for the room's end.
    #[cfg(test)]
    pub(crate) async fn closed(&self) {
        self.inbox.closed().await;
    }

    fn gone(&self) -> ApiError {
        if *self.stopping.borrow() {
            ApiError::ServerStops
        } else if self.has_failed() {
            ApiError::StoreFailed
        } else {
            ApiError::UnknownRoom(self.code.to_string())
        }
    }
}
