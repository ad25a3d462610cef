//! All rooms of a server.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use constellation_core::config::CheckedConfig;
use constellation_core::coordinator::Roster;
use serde::{Deserialize, Serialize};
use tracing::{Instrument as _, error, info, info_span};
use utoipa::ToSchema;

use crate::config::limits;
use crate::error::ApiError;
use crate::room::{Actor, End, RoomHandle, Setup};
use crate::server::Server;
use crate::store::{StoreError, StoredRoom};
use crate::token::{RoomCode, Token};

/// How long a room lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifetime {
    /// Until nobody has used it for long.
    WhileUsed,
    /// As long as the server.
    Forever,
}

/// What whoever creates a room gets.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    /// The room of this code, in either case.
    pub(crate) fn get(&self, code: &str) -> Option<Arc<RoomHandle>> {
        let code: RoomCode = code.parse().ok()?;
        self.table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&code)
            .cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<RoomHandle>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.values().cloned().collect()
    }

    fn remove(&self, code: RoomCode) {
        self.write().remove(&code);
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<RoomCode, Arc<RoomHandle>>> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a room out of the table when its task ends, however it ends. One that could not be kept stays, so that whoever
/// asks for it is told why nobody answers.
struct Removal {
    server: Server,
    code: RoomCode,
    end: End,
}

impl Drop for Removal {
    fn drop(&mut self) {
        if self.end != End::Failed {
            self.server.rooms().remove(self.code);
        }
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
        let desk = Token::random();
        let stored = StoredRoom {
            desks: vec![desk.hash()],
            lifetime,
            roster: Roster::empty(config.clone()),
            created_with: config,
            next_device: 1,
        };
        let code = {
            let mut table = self.rooms().write();
            let most = self.config().limits.rooms;
            if table.len() >= most {
                return Err(ApiError::RoomsFull(most));
            }
            // There are 923,521 codes and a few rooms.
            let code = loop {
                let code = RoomCode::random();
                if !table.contains_key(&code) {
                    break code;
                }
            };
            let kept = self.keep(code, &stored);
            let started = kept.and_then(|()| self.start_room(&mut table, code, stored, lifetime));
            started.map_err(|why| {
                error!(%why, "a new room cannot be kept");
                ApiError::StoreFailed
            })?;
            code
        };
        info!(room.id = %code, "room created");
        Ok(self.announce(code, &desk, host))
    }

    /// Starts the rooms that are kept. One that this configuration's first room was created as is that one again.
    pub(crate) fn find_rooms(&self) -> Result<(), StoreError> {
        let stored = self
            .store()
            .map_or_else(|| Ok(BTreeMap::new()), |store| store.rooms())?;
        let first = self.config().first_room.as_ref();
        let mut found = false;
        for (code, mut stored) in stored {
            let is_first = !found
                && stored.lifetime == Lifetime::Forever
                && first == Some(&stored.created_with);
            let desk = is_first.then(Token::random);
            let mut lifetime = Lifetime::WhileUsed;
            if let Some(desk) = &desk {
                // Whoever starts the server has its desk, and only hashes of earlier tokens are kept.
                (found, lifetime) = (true, Lifetime::Forever);
                let known = stored.desks.len().saturating_sub(limits::DESK_TOKENS - 1);
                stored.desks.drain(..known);
                stored.desks.push(desk.hash());
                self.keep(code, &stored)?;
            }
            self.start_room(&mut self.rooms().write(), code, stored, lifetime)?;
            if let Some(desk) = desk {
                self.announce(code, &desk, None);
            }
        }
        if let (false, Some(config)) = (found, first) {
            let created = self.create_room(config.clone(), Lifetime::Forever, None);
            created.map_err(|error| StoreError::Failed(error.to_string()))?;
        }
        Ok(())
    }

    fn keep(&self, code: RoomCode, stored: &StoredRoom) -> Result<(), StoreError> {
        self.store().map_or(Ok(()), |store| store.put(code, stored))
    }

    fn start_room(
        &self,
        table: &mut BTreeMap<RoomCode, Arc<RoomHandle>>,
        code: RoomCode,
        stored: StoredRoom,
        lifetime: Lifetime,
    ) -> Result<(), StoreError> {
        let setup = Setup {
            code,
            stored,
            lifetime,
            store: self.store().cloned(),
            limits: self.config().limits.clone(),
            metrics: Arc::clone(self.metrics()),
            stopping: self.stop().clone(),
        };
        let stop = self.stop().subscribe();
        let (actor, inbox, handle) = Actor::new(setup)?;
        table.insert(code, Arc::new(handle));
        let removal = Removal {
            server: self.clone(),
            code,
            end: End::Over,
        };
        let life = async move {
            let mut removal = removal;
            removal.end = actor.run(inbox, stop).await;
        };
        tokio::spawn(life.instrument(info_span!("room", room.id = %code)));
        Ok(())
    }

    /// Tells whoever runs the server of a room.
    fn announce(&self, code: RoomCode, desk: &Token, host: Option<&str>) -> NewRoom {
        let base = self.config().addresses.base(host);
        let room = NewRoom {
            room: code.to_string(),
            desk_token: desk.reveal().to_owned(),
            board_url: format!("{base}/board/{code}#desk={}", desk.reveal()),
            join_url: join_url(&base, code),
        };
        if let Some(announce) = self.config().announce {
            announce(&room);
        }
        room
    }
}

/// Where devices join a room.
pub(crate) fn join_url(base: &str, code: RoomCode) -> String {
    format!("{base}/join/{code}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use constellation_core::config::RunConfig;
    use constellation_core::coordinator::{Command, Profile};
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::config::ServerConfig;
    use crate::room::Request;

    /// The room of a server in which time passes by itself as soon as nobody has anything to do.
    fn room(lifetime: Lifetime) -> (Server, Arc<RoomHandle>) {
        let server = Server::new(ServerConfig::default()).unwrap();
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
        assert_eq!(server.rooms().all().len(), 0);
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
        assert_eq!(server.rooms().all().len(), 1);
        drop(board);
        assert!(timeout(2 * limits::IDLE_ROOM, room.closed()).await.is_ok());
    }

    #[tokio::test]
    async fn what_strangers_are_refused_does_not_fill_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(ServerConfig {
            data_dir: Some(folder.path().to_owned()),
            ..ServerConfig::default()
        });
        let server = server.unwrap();
        let config = RunConfig::default().check().unwrap();
        let room = server
            .create_room(config, Lifetime::WhileUsed, None)
            .unwrap();
        let room = server.rooms().get(&room.room).unwrap();
        let join = || {
            room.ask(|reply| Request::Join {
                name: None,
                profile: Profile::default(),
                reply,
            })
        };
        let kept = || {
            let mut entries = 0;
            let mut count = |_: &[u8]| {
                entries += 1;
                Ok(())
            };
            let store = server.store().unwrap();
            store.journal(room.code(), &mut count).unwrap();
            entries
        };
        assert!(join().await.unwrap().is_ok());
        assert_eq!(kept(), 1);
        let lock = room.ask(|reply| Request::Desk {
            command: Command::Lock,
            reply,
        });
        lock.await.unwrap().unwrap();
        assert_eq!(kept(), 2);
        for _ in 0..50 {
            assert!(join().await.unwrap().is_err());
            let code = "wrong_token";
            room.tell(Request::StrangerRefused { code }).await.unwrap();
        }
        let view = room.ask(|reply| Request::View { reply }).await.unwrap();
        assert_eq!(view.refusals["wrong_token"], 50);
        assert_eq!(kept(), 2);
    }

    /// Starts a server in a folder, has it find its rooms, and stops it; which rooms there were.
    async fn rooms_of(folder: &Path, first_room: Option<RunConfig>) -> Vec<RoomCode> {
        let server = Server::new(ServerConfig {
            data_dir: Some(folder.to_owned()),
            first_room: first_room.map(|config| config.check().unwrap()),
            ..ServerConfig::default()
        });
        let server = server.unwrap();
        server.find_rooms().unwrap();
        let codes = server
            .rooms()
            .all()
            .iter()
            .map(|room| room.code())
            .collect();
        server.stop().send_replace(true);
        server.stop().closed().await;
        codes
    }

    #[tokio::test]
    async fn the_first_room_is_found_again_unless_it_is_to_be_another() {
        let folder = tempfile::tempdir().unwrap();
        let rooms = async |seed: Option<u32>| {
            let config = seed.map(|seed| RunConfig {
                seed,
                ..RunConfig::default()
            });
            rooms_of(folder.path(), config).await
        };
        let first = rooms(Some(1)).await;
        assert_eq!(first.len(), 1);
        assert_eq!(rooms(Some(1)).await, first);
        assert_eq!(rooms(None).await, first, "it is a room like any other then");
        let both = rooms(Some(2)).await;
        assert_eq!(both.len(), 2);
        assert!(both.contains(&first[0]));
        for seed in [1, 2] {
            assert_eq!(rooms(Some(seed)).await, both);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_room_stays_whatever_happens() {
        let (server, room) = room(Lifetime::Forever);
        let week = Duration::from_secs(7 * 24 * 3600);
        assert!(timeout(week, room.closed()).await.is_err());
        assert_eq!(server.rooms().all().len(), 1);
    }
}
