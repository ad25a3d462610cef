//! Rooms in one file, an embedded database.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::Path;

use constellation_core::ids::DeviceId;
use redb::{
    Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition,
    WriteTransaction,
};
use thiserror::Error;

use super::{Batch, Store, StoreError, StoredRoom};
use crate::token::{RoomCode, TokenHash};

/// Name of the file in its folder.
const FILE: &str = "rooms.redb";
/// Bytes of the file that are held in memory. Rooms are read once, when the server starts.
const CACHE: usize = 32 << 20;
/// What the tables below mean. Counts up with every change of it.
const FORMAT: u32 = 1;

/// One row, which says the format.
const ABOUT: TableDefinition<'_, &str, u32> = TableDefinition::new("about");
/// Rooms by code, as JSON.
const ROOMS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("rooms");
/// Hashes of tokens, by room and device.
const DEVICES: TableDefinition<'_, (&str, u32), [u8; 32]> = TableDefinition::new("devices");
/// Entries by room and position.
const JOURNAL: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("journal");

/// A folder with a database in it, which no other process has open.
#[derive(Debug)]
pub(crate) struct Disk(Database);

impl Disk {
    /// Opens the database of a folder; makes both if they are not there.
    ///
    /// # Errors
    /// If the folder cannot be made, or the file is in use, damaged, or of a newer version of this program.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |error: std::io::Error| StoreError::Failed(error.to_string());
        fs::create_dir_all(folder).map_err(failed)?;
        let mut options = Database::builder();
        options.set_cache_size(CACHE);
        let database = options
            .create(folder.join(FILE))
            .map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => StoreError::InUse,
                DatabaseError::Storage(error) => Failure::from(error).into(),
                other => StoreError::Damaged(other.to_string()),
            })?;
        let disk = Self(database);
        disk.check_format()?;
        Ok(disk)
    }

    /// Makes the tables of an empty file, and lets only files pass that have ours.
    fn check_format(&self) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut about = transaction.open_table(ABOUT)?;
            let found = about.get("format")?.map(|found| found.value());
            match found {
                None => drop(about.insert("format", FORMAT)?),
                Some(FORMAT) => {}
                Some(found) => {
                    return Err(StoreError::Newer {
                        found,
                        known: FORMAT,
                    }
                    .into());
                }
            }
            transaction.open_table(ROOMS)?;
            transaction.open_table(DEVICES)?;
            transaction.open_table(JOURNAL)?;
            Ok(())
        })
    }

    /// All of what `work` does, or nothing.
    fn write(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<(), Failure>,
    ) -> Result<(), StoreError> {
        let transaction = self.0.begin_write().map_err(Failure::from)?;
        work(&transaction)?;
        Ok(transaction.commit().map_err(Failure::from)?)
    }
}

impl Store for Disk {
    fn rooms(&self) -> Result<BTreeMap<RoomCode, StoredRoom>, StoreError> {
        let read = || -> Result<_, Failure> {
            let table = self.0.begin_read()?.open_table(ROOMS)?;
            let mut rooms = BTreeMap::new();
            for row in table.iter()? {
                let (code, stored) = row?;
                let damaged =
                    |what: String| StoreError::Damaged(format!("room {}: {what}", code.value()));
                let parsed = code.value().parse();
                let code = parsed.map_err(|()| damaged("is no code".to_owned()))?;
                let stored = serde_json::from_slice(stored.value());
                rooms.insert(code, stored.map_err(|error| damaged(error.to_string()))?);
            }
            Ok(rooms)
        };
        Ok(read()?)
    }

    fn devices(&self, room: RoomCode) -> Result<BTreeMap<DeviceId, TokenHash>, StoreError> {
        let read = || -> Result<_, Failure> {
            let table = self.0.begin_read()?.open_table(DEVICES)?;
            let mut devices = BTreeMap::new();
            let code = room.to_string();
            for row in table.range(all_devices(&code))? {
                let (key, token) = row?;
                devices.insert(
                    DeviceId(key.value().1),
                    TokenHash::from_bytes(token.value()),
                );
            }
            Ok(devices)
        };
        Ok(read()?)
    }

    fn journal(
        &self,
        room: RoomCode,
        read: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut read_all = || -> Result<(), Failure> {
            let table = self.0.begin_read()?.open_table(JOURNAL)?;
            let code = room.to_string();
            for row in table.range(all_entries(&code))? {
                let (_, entry) = row?;
                read(entry.value())?;
            }
            Ok(())
        };
        Ok(read_all()?)
    }

    fn put(&self, room: RoomCode, stored: &StoredRoom) -> Result<(), StoreError> {
        self.write(|transaction| put(transaction, &room.to_string(), stored))
    }

    fn add(&self, room: RoomCode, batch: &Batch) -> Result<(), StoreError> {
        let code = room.to_string();
        self.write(|transaction| {
            let mut journal = transaction.open_table(JOURNAL)?;
            if let Some(stored) = &batch.begun {
                put(transaction, &code, stored)?;
                clear(&mut journal, &code)?;
            }
            let last = journal.range(all_entries(&code))?.next_back().transpose()?;
            let next = last.map_or(0, |(key, _)| key.value().1 + 1);
            for (position, entry) in (next..).zip(&batch.entries) {
                journal.insert((code.as_str(), position), entry.as_slice())?;
            }
            let mut devices = transaction.open_table(DEVICES)?;
            for (device, token) in &batch.joined {
                devices.insert((code.as_str(), device.0), token.to_bytes())?;
            }
            for device in &batch.left {
                devices.remove((code.as_str(), device.0))?;
            }
            Ok(())
        })
    }

    fn remove(&self, room: RoomCode) -> Result<(), StoreError> {
        let code = room.to_string();
        self.write(|transaction| {
            transaction.open_table(ROOMS)?.remove(code.as_str())?;
            let mut devices = transaction.open_table(DEVICES)?;
            devices.retain_in(all_devices(&code), |_, _| false)?;
            clear(&mut transaction.open_table(JOURNAL)?, &code)
        })
    }
}

fn put(transaction: &WriteTransaction, code: &str, stored: &StoredRoom) -> Result<(), Failure> {
    let stored = serde_json::to_vec(stored).expect("rooms have string keys");
    let mut rooms = transaction.open_table(ROOMS)?;
    rooms.insert(code, stored.as_slice())?;
    Ok(())
}

fn clear(journal: &mut Table<'_, (&str, u64), &[u8]>, code: &str) -> Result<(), Failure> {
    Ok(journal.retain_in(all_entries(code), |_, _| false)?)
}

fn all_devices(code: &str) -> RangeInclusive<(&str, u32)> {
    (code, 0)..=(code, u32::MAX)
}

fn all_entries(code: &str) -> RangeInclusive<(&str, u64)> {
    (code, 0)..=(code, u64::MAX)
}

/// A failure inside a transaction.
#[derive(Debug, Error)]
#[error(transparent)]
enum Failure {
    Store(#[from] StoreError),
    Transaction(#[from] redb::TransactionError),
    Table(#[from] redb::TableError),
    Storage(#[from] redb::StorageError),
    Commit(#[from] redb::CommitError),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let error: redb::Error = match failure {
            Failure::Store(error) => return error,
            Failure::Transaction(error) => error.into(),
            Failure::Table(error) => error.into(),
            Failure::Storage(error) => error.into(),
            Failure::Commit(error) => error.into(),
        };
        match &error {
            redb::Error::Corrupted(_) => Self::Damaged(error.to_string()),
            redb::Error::Io(io) if io.kind() == ErrorKind::InvalidData => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use constellation_core::config::RunConfig;
    use constellation_core::coordinator::Roster;
    use tempfile::{TempDir, tempdir};

    use super::*;
    use crate::rooms::Lifetime;

    fn folder() -> TempDir {
        tempdir().unwrap()
    }

    fn code(text: &str) -> RoomCode {
        text.parse().unwrap()
    }

    fn room(next_device: u32) -> StoredRoom {
        let config = RunConfig::default().check().unwrap();
        StoredRoom {
            desks: vec![TokenHash::of("desk")],
            lifetime: Lifetime::WhileUsed,
            roster: Roster::empty(config.clone()),
            created_with: config,
            next_device,
        }
    }

    fn entries(disk: &Disk, room: RoomCode) -> Vec<Vec<u8>> {
        let mut entries = Vec::new();
        let mut read = |entry: &[u8]| {
            entries.push(entry.to_vec());
            Ok(())
        };
        disk.journal(room, &mut read).unwrap();
        entries
    }

    #[test]
    fn rooms_are_found_again_without_what_was_before_their_run() {
        let folder = folder();
        let (ours, other) = (code("K7QF"), code("AB23"));
        let batch = |entries: &[&[u8]]| Batch {
            entries: entries.iter().map(|entry| entry.to_vec()).collect(),
            ..Batch::default()
        };
        {
            let disk = Disk::open(folder.path()).unwrap();
            disk.put(ours, &room(1)).unwrap();
            disk.put(other, &room(1)).unwrap();
            let (first, second) = (TokenHash::of("first"), TokenHash::of("second"));
            let came = Batch {
                joined: vec![(DeviceId(1), first), (DeviceId(2), second)],
                ..batch(&[b"came"])
            };
            disk.add(ours, &came).unwrap();
            disk.add(ours, &batch(&[b"said", b"said more"])).unwrap();
            disk.add(other, &batch(&[b"of another room"])).unwrap();
            assert_eq!(entries(&disk, ours), [&b"came"[..], b"said", b"said more"]);
            let begun = Batch {
                begun: Some(room(3)),
                left: vec![DeviceId(1)],
                ..batch(&[b"reset"])
            };
            disk.add(ours, &begun).unwrap();
        }
        let disk = Disk::open(folder.path()).unwrap();
        let rooms = BTreeMap::from([(ours, room(3)), (other, room(1))]);
        assert_eq!(disk.rooms().unwrap(), rooms);
        assert_eq!(entries(&disk, ours), [b"reset"]);
        let left = BTreeMap::from([(DeviceId(2), TokenHash::of("second"))]);
        assert_eq!(disk.devices(ours).unwrap(), left);
        disk.remove(ours).unwrap();
        assert_eq!(disk.rooms().unwrap(), BTreeMap::from([(other, room(1))]));
        assert_eq!(disk.devices(ours).unwrap(), BTreeMap::new());
        assert_eq!(entries(&disk, ours), Vec::<Vec<u8>>::new());
        assert_eq!(entries(&disk, other), [b"of another room"]);
    }

    #[test]
    fn a_folder_that_another_server_uses_is_refused() {
        let folder = folder();
        let _disk = Disk::open(folder.path()).unwrap();
        let refused = Disk::open(folder.path()).unwrap_err();
        assert!(matches!(refused, StoreError::InUse), "{refused}");
    }

    #[test]
    fn a_newer_file_is_refused_and_left_as_it_is() {
        let folder = folder();
        {
            let disk = Disk::open(folder.path()).unwrap();
            let newer = |transaction: &WriteTransaction| {
                transaction
                    .open_table(ABOUT)?
                    .insert("format", FORMAT + 1)?;
                Ok(())
            };
            disk.write(newer).unwrap();
        }
        for _ in 0..2 {
            let refused = Disk::open(folder.path()).unwrap_err();
            let (found, known) = (FORMAT + 1, FORMAT);
            assert!(
                matches!(refused, StoreError::Newer { found: f, known: k } if (f, k) == (found, known)),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let folder = folder();
        fs::write(
            folder.path().join(FILE),
            "no database at all, but long enough to be one".repeat(500),
        )
        .unwrap();
        let refused = Disk::open(folder.path()).unwrap_err();
        assert!(matches!(refused, StoreError::Damaged(_)), "{refused:?}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_refused() {
        let folder = folder();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = Disk::open(&file.join("inside")).unwrap_err();
        assert!(matches!(refused, StoreError::Failed(_)), "{refused:?}");
    }
}
