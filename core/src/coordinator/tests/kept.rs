//! A room told again from what its driver has kept of it.

use crate::journal::{JournalError, decode, encode};

use super::*;

/// What a driver keeps of a room: the roster of its run's beginning, and what has happened since.
pub(super) struct Journal {
    roster: String,
    entries: Vec<Vec<u8>>,
}

impl Journal {
    pub(super) fn new(roster: &Roster) -> Self {
        Self {
            roster: serde_json::to_string(roster).unwrap(),
            entries: Vec::new(),
        }
    }

    /// Takes an input that the room is about to be given.
    pub(super) fn keep(&mut self, room: &Coordinator, now_ms: u64, input: &Input) {
        if input.begins_run() {
            *self = Self::new(&room.roster());
        }
        self.entries.push(encode(now_ms, input));
    }

    /// The room as a driver that starts finds it.
    fn retell(&self) -> Coordinator {
        let mut room = Coordinator::from_roster(serde_json::from_str(&self.roster).unwrap());
        for entry in &self.entries {
            let (at_ms, input) = decode(entry, room.models()).unwrap();
            room.handle(at_ms, input);
        }
        room
    }
}

impl Room {
    /// The driver's process ends and is started again.
    pub(super) fn crash(&mut self) {
        let again = self.journal.retell();
        assert_eq!(seen(&again), seen(&self.coordinator));
        self.coordinator = again;
    }
}

/// All that can be seen of a room, and when it wants to be woken.
fn seen(room: &Coordinator) -> (View, Option<u64>, Vec<Option<Arc<Params>>>) {
    let view = room.view("K7QF", 1);
    let arms = view.arms.iter();
    let models = arms.flat_map(|arm| {
        let ids = arm.coalitions.iter().map(|coalition| Some(coalition.id));
        let ids: Vec<_> = ids.chain([None]).collect();
        ids.into_iter().map(|id| room.model(&arm.name, id))
    });
    let models = models.collect();
    (view, room.next_deadline(), models)
}

#[test]
fn a_room_told_again_is_where_it_was_at_every_moment() {
    let mut room = Room::started(3, config());
    for round in 1..=3_u64 {
        for device in 1..=3 {
            room.answer(device);
            assert_eq!(seen(&room.journal.retell()), seen(&room.coordinator));
        }
        room.tick_at(round * PACE_MS);
        assert_eq!(seen(&room.journal.retell()), seen(&room.coordinator));
    }
    let finished = room.view().fingerprint;
    assert_eq!(finished.len(), 64);
    room.desk(Command::Mischief { allowed: true });
    room.desk(Command::Lock);
    room.disconnect(2);
    room.desk(Command::Reset(Some(9)));
    assert_eq!(
        room.journal.entries.len(),
        1,
        "the run that is over is forgotten"
    );
    assert_eq!(seen(&room.journal.retell()), seen(&room.coordinator));
}

#[test]
fn what_is_no_entry_is_said_to_be_none() {
    let room = Room::new(config());
    let models = room.coordinator.models();
    let entry = encode(7, &Input::Connected(DeviceId(3)));
    assert_eq!(
        decode(&entry, models).unwrap(),
        (7, Input::Connected(DeviceId(3)))
    );
    assert!(matches!(
        decode(&entry[..3], models),
        Err(JournalError::CutOff(3))
    ));
    let cut = &entry[..entry.len() - 1];
    assert!(matches!(decode(cut, models), Err(JournalError::CutOff(_))));
    let mut other = entry.clone();
    other[5] = b'#';
    assert!(matches!(
        decode(&other, models),
        Err(JournalError::Header(_))
    ));
    let update = Input::Update {
        device: DeviceId(1),
        bytes: POST,
        update: Box::new(room.update(1, 1)),
    };
    let entry = encode(7, &update);
    assert_eq!(decode(&entry, models).unwrap(), (7, update));
    assert!(matches!(
        decode(&entry[..entry.len() - 1], models),
        Err(JournalError::Update(_))
    ));
}
