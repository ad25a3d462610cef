//! All rooms of a server.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use constellation_core::config::CheckedConfig;
use serde::Serialize;
use tracing::{Instrument as _, info_span};

use crate::error::ApiError;
use crate::room::{Actor, RoomHandle, Setup};
use crate::server::Server;
use crate::token::{RoomCode, Token};

/// How long a room lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until nobody has used it for long.
    WhileUsed,
    /// As long as the server.
    Forever,
}

/// What whoever creates a room gets.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct NewRoom {
    /// The room's code.
    pub room: String,
    /// Opens the desk. A secret.
    pub desk_token: String,
    /// The board, with the desk's token in the fragment, which browsers keep to themselves. A secret.
    pub board_url: String,
    /// Where devices join.
    pub join_url: String,
}

impl std::fmt::Debug for NewRoom {
    /// Without the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewRoom")
            .field("room", &self.room)
            .field("join_url", &self.join_url)
            .finish_non_exhaustive()
    }
}

/// The table of rooms. Locked only to look up, add or remove a handle; nothing of a room itself is in it.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    table: RwLock<BTreeMap<RoomCode, Arc<RoomHandle>>>,
}

impl Rooms {
    pub(crate) fn len(&self) -> usize {
        self.table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// The room of this code, in either case.
    pub(crate) fn get(&self, code: &str) -> Option<Arc<RoomHandle>> {
        let code: RoomCode = code.parse().ok()?;
        self.table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&code)
            .cloned()
    }

    fn remove(&self, code: RoomCode) {
        self.table
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&code);
    }
}

/// Takes a room out of the table when its task ends, however it ends.
struct Removal {
    server: Server,
    code: RoomCode,
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.server.rooms().remove(self.code);
    }
}

impl Server {
    /// Creates a room and starts its task. `host` is how whoever asks reaches this server.
    pub(crate) fn create_room(
        &self,
        config: CheckedConfig,
        lifetime: Lifetime,
        host: Option<&str>,
    ) -> Result<NewRoom, ApiError> {
        let limits = self.config().limits.clone();
        let desk = Token::random();
        let code = {
            let mut table = self
                .rooms()
                .table
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if table.len() >= limits.rooms {
                return Err(ApiError::RoomsFull(limits.rooms));
            }
            // There are 923,521 codes and a few rooms.
            let code = loop {
                let code = RoomCode::random();
                if !table.contains_key(&code) {
                    break code;
                }
            };
            let metrics = Arc::clone(self.metrics());
            let stopping = self.stop().clone();
            let setup = Setup {
                code,
                desk: desk.hash(),
                config,
                lifetime,
                limits,
                metrics,
                stopping,
            };
            let stop = self.stop().subscribe();
            let (actor, inbox, handle) = Actor::new(setup);
            table.insert(code, Arc::new(handle));
            let removal = Removal {
                server: self.clone(),
                code,
            };
            let span = info_span!("room", room.id = %code);
            let life = async move {
                let _removal = removal;
                actor.run(inbox, stop).await;
            };
            tokio::spawn(life.instrument(span));
            code
        };
        let base = self.config().addresses.base(host);
        let new = NewRoom {
            room: code.to_string(),
            desk_token: desk.reveal().to_owned(),
            board_url: format!("{base}/board/{code}#desk={}", desk.reveal()),
            join_url: join_url(&base, code),
        };
        if let Some(announce) = self.config().announce {
            announce(&new);
        }
        Ok(new)
    }
}

/// Where devices join a room.
pub(crate) fn join_url(base: &str, code: RoomCode) -> String {
    format!("{base}/join/{code}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use constellation_core::config::RunConfig;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::config::{ServerConfig, limits};
    use crate::room::Request;

    /// The room of a server in which time passes by itself as soon as nobody has anything to do.
    fn room(lifetime: Lifetime) -> (Server, Arc<RoomHandle>) {
        let server = Server::new(ServerConfig::default());
        let config = RunConfig::default().check().unwrap();
        let room = server.create_room(config, lifetime, None).unwrap();
        let handle = server.rooms().get(&room.room).unwrap();
        (server, handle)
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_that_nobody_uses_is_removed() {
        let (server, room) = room(Lifetime::WhileUsed);
        let started = Instant::now();
        room.closed().await;
        let lived = started.elapsed();
        assert!(lived >= limits::IDLE_ROOM, "{lived:?}");
        assert!(
            lived <= limits::IDLE_ROOM + limits::IDLE_ROOM / 9,
            "{lived:?}"
        );
        // The task takes the room out of the table as its very last deed.
        sleep(Duration::from_millis(1)).await;
        assert_eq!(server.rooms().len(), 0);
        let asked = room.ask(|reply| Request::View { reply }).await;
        assert_eq!(
            asked.unwrap_err(),
            ApiError::UnknownRoom(room.code().to_string())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_that_somebody_watches_stays() {
        let (server, room) = room(Lifetime::WhileUsed);
        let board = room.ask(|reply| Request::Watch { reply }).await.unwrap();
        let day = Duration::from_secs(24 * 3600);
        assert!(timeout(day, room.closed()).await.is_err());
        assert_eq!(server.rooms().len(), 1);
        drop(board);
        assert!(timeout(2 * limits::IDLE_ROOM, room.closed()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_room_stays_whatever_happens() {
        let (server, room) = room(Lifetime::Forever);
        let week = Duration::from_secs(7 * 24 * 3600);
        assert!(timeout(week, room.closed()).await.is_err());
        assert_eq!(server.rooms().len(), 1);
    }
}
