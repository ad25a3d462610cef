//! What a server can be told, with a default for everything.

use std::path::PathBuf;
use std::time::Duration;

use constellation_core::config::{CheckedConfig, ConfigError, RunConfig};
use constellation_core::data::DatasetName;

use crate::address::Addresses;
use crate::rooms::NewRoom;
use crate::tls::Tls;
use crate::token::TokenHash;

/// The limits' default values. Each has a test one past it.
pub mod limits {
    use std::time::Duration;

    use constellation_core::ids::DeviceId;

    /// Rooms at a time.
    pub const ROOMS: usize = 64;
    /// Tokens that open a room's desk: each start of the server makes one for the first room.
    pub const DESK_TOKENS: usize = 16;
    /// Characters of a device's name.
    pub const NAME: usize = 40;
    /// Bytes of a JSON body.
    pub const JSON_BODY: usize = 64 * 1024;
    /// Bytes of a body that are still read after it has been refused.
    pub const DISCARDED: usize = 8 * 1024 * 1024;
    /// Bytes of a message that a device or a board sends over its socket.
    pub const SOCKET_MESSAGE: usize = 4 * 1024;
    /// Bytes in which longer messages to a device leave.
    pub const SOCKET_PIECE: usize = 16 * 1024;
    /// Bytes of updates that are decoded between other work; those of larger models get a thread to themselves.
    pub const SMALL_UPDATE: usize = 2 * 1024 * 1024;
    /// Messages that may wait for a device's socket; a device that is further behind is disconnected.
    pub const DEVICE_QUEUE: usize = 16;
    /// Requests that may wait for a room; further ones wait before they are put in.
    pub const ROOM_QUEUE: usize = 256;
    /// Posts in a row of one device that come to nothing; then [`FUTILE_POSTS_PER_SECOND`] more each second.
    /// Posts that are accepted cost nothing, because a round accepts one per device anyway.
    pub const FUTILE_POSTS: u32 = 20;
    /// See [`FUTILE_POSTS`].
    pub const FUTILE_POSTS_PER_SECOND: u32 = 2;
    /// Messages in a row over one socket; then [`SOCKET_MESSAGES_PER_SECOND`] more each second.
    pub const SOCKET_MESSAGES: u32 = 20;
    /// See [`SOCKET_MESSAGES`].
    pub const SOCKET_MESSAGES_PER_SECOND: u32 = 2;
    /// Bytes of a room's record of the current run; past it the oldest lines go, and the export says so.
    pub const RECORD: usize = 32 * 1024 * 1024;
    /// Bytes of a room's recording of the current run; past it every second frame goes.
    pub const RECORDING: usize = 32 * 1024 * 1024;
    /// A device that says nothing for so long is disconnected.
    pub const HEARTBEAT: Duration = Duration::from_secs(15);
    /// A device's socket must say who it is within so long.
    pub const HELLO: Duration = Duration::from_secs(5);
    /// Bytes of a request that are read before they are asked for; its head must fit.
    pub const READ_AHEAD: usize = 16 * 1024;
    /// The head of a request must have arrived within so long of the connection's beginning, or of the answer before.
    pub const HEAD: Duration = Duration::from_secs(30);
    /// A body must have arrived within so long.
    pub const BODY: Duration = Duration::from_secs(60);
    /// Devices that were here when the server ended may take so long to come back before they count as away.
    pub const RETURNING: Duration = Duration::from_secs(20);
    /// A message must have left for a socket within so long.
    pub const SEND: Duration = Duration::from_secs(30);
    /// A board that does not answer pings for so long is disconnected.
    pub const BOARD: Duration = Duration::from_secs(60);
    /// A room without device and board is removed after so long.
    pub const IDLE_ROOM: Duration = Duration::from_secs(3600);
    /// Least time between two views of the live feed.
    pub const PUBLISH_EVERY: Duration = Duration::from_millis(50);
    /// A server that was told to stop takes at most so long.
    pub const STOP: Duration = Duration::from_secs(5);

    /// When a device should come back to a server that stops: after a second, and thirty phones one after the other.
    pub(crate) fn retry_after_ms(device: DeviceId) -> u32 {
        1_000 + device.0.wrapping_mul(67) % 2_000
    }
}

/// The limits of a server that tests, or people with a reason, may want otherwise. See [`limits`].
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is the constant of the same name")]
pub struct Limits {
    pub rooms: usize,
    pub device_queue: usize,
    pub record: usize,
    pub recording: usize,
    pub heartbeat: Duration,
    pub hello: Duration,
    pub head: Duration,
    pub body: Duration,
    pub returning: Duration,
    pub send: Duration,
    pub board: Duration,
    pub idle_room: Duration,
    pub publish_every: Duration,
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rooms: limits::ROOMS,
            device_queue: limits::DEVICE_QUEUE,
            record: limits::RECORD,
            recording: limits::RECORDING,
            heartbeat: limits::HEARTBEAT,
            hello: limits::HELLO,
            head: limits::HEAD,
            body: limits::BODY,
            returning: limits::RETURNING,
            send: limits::SEND,
            board: limits::BOARD,
            idle_room: limits::IDLE_ROOM,
            publish_every: limits::PUBLISH_EVERY,
            stop: limits::STOP,
        }
    }
}

/// What a server can be told.
#[derive(Clone, Debug, Default)]
pub struct ServerConfig {
    /// Where people and devices reach it.
    pub addresses: Addresses,
    /// How much it takes.
    pub limits: Limits,
    /// A room that exists from the start and is never removed.
    pub first_room: Option<CheckedConfig>,
    /// Who may make rooms.
    pub room_makers: RoomMakers,
    /// Folder in which rooms are kept; `None` if they end with the server.
    pub data_dir: Option<PathBuf>,
    /// How connections are encrypted; `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// Called for every room that is created, to tell whoever runs the server.
    pub announce: Option<fn(&NewRoom)>,
}

/// Who may make rooms.
#[derive(Clone, Debug, Default)]
pub enum RoomMakers {
    /// Whoever is on the server's own computer.
    #[default]
    Here,
    /// These, and whoever has a token.
    HereOr(AdminToken),
    /// Everybody.
    Everybody,
}

/// A token that opens what only whoever runs the server may do. Known by its hash alone.
#[derive(Clone, Debug)]
pub struct AdminToken(pub(crate) TokenHash);

impl AdminToken {
    /// Fewest characters of a token that somebody thought of.
    pub const LEAST: usize = 16;

    /// The token, unless it is too short to be one.
    #[must_use]
    pub fn new(token: &str) -> Option<Self> {
        (token.len() >= Self::LEAST).then(|| Self(TokenHash::of(token)))
    }
}

/// Checks a configuration for a room, whose devices are tabs: they load their data from this server.
///
/// # Errors
/// A value is out of range, or the data set is none that the server has for tabs.
pub fn check_for_room(config: RunConfig) -> Result<CheckedConfig, ConfigError> {
    let name = config.data.dataset;
    let only = match name {
        DatasetName::MnistSmall | DatasetName::FashionMnistSmall => None,
        DatasetName::Mnist => Some("for the laboratory"),
        DatasetName::Watch => Some("for the laboratory for now"),
    };
    if let Some(only) = only {
        let name = name.as_str();
        return Err(ConfigError {
            field: "data.dataset".to_owned(),
            value: name.to_owned(),
            allowed: format!("mnist-small or fashion-mnist-small in a room; {name} is {only}"),
        });
    }
    config.check()
}

#[cfg(test)]
mod tests {
    use constellation_core::config::{DataConfig, Partition};

    use super::*;

    #[test]
    fn rooms_have_the_small_data_sets_alone() {
        let check = |dataset| {
            check_for_room(RunConfig {
                data: DataConfig {
                    dataset,
                    partition: Partition::Iid {},
                    groups: None,
                    ..DataConfig::default()
                },
                ..RunConfig::default()
            })
        };
        assert!(check(DatasetName::MnistSmall).is_ok());
        assert!(check(DatasetName::FashionMnistSmall).is_ok());
        for (dataset, refusal) in [
            (
                DatasetName::Mnist,
                "data.dataset is mnist; allowed: mnist-small or fashion-mnist-small in a room; mnist is for the laboratory",
            ),
            (
                DatasetName::Watch,
                "data.dataset is watch; allowed: mnist-small or fashion-mnist-small in a room; watch is for the laboratory for now",
            ),
        ] {
            assert_eq!(check(dataset).unwrap_err().to_string(), refusal);
        }
    }
}
