//! A room told again from what its driver has kept of it.

use super::refusals::assert_unchanged;
use super::*;
use crate::journal::{Entry, JournalError, decode};

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

    /// Gives the room an input, as a driver does that keeps it.
    pub(super) fn give(&mut self, room: &mut Coordinator, now_ms: u64, input: Input) -> Outcome {
        let mut before = Vec::new();
        let due = room.next_deadline().is_some_and(|due| due <= now_ms);
        if Entry::may_be_refused(&input) && due {
            before = self.give(room, now_ms, Input::Tick).effects;
        }
        if input.begins_run() {
            *self = Self::new(&room.roster());
        }
        let entry = Entry::of(now_ms, &input, room.run.id);
        let Outcome { answer, effects } = room.handle(now_ms, input);
        self.entries.extend(entry.answered(&answer));
        before.extend(effects);
        Outcome {
            answer,
            effects: before,
        }
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
        assert_same(&again, &self.coordinator);
        self.coordinator = again;
    }
}

/// Fails where two rooms differ in more than what refusals have changed.
fn assert_same(again: &Coordinator, room: &Coordinator) {
    let views = [again, room].map(|room| room.view("K7QF", 1));
    assert_unchanged(&views[0], &views[1]);
    assert_eq!(again.next_deadline(), room.next_deadline());
    for arm in &views[1].arms {
        let ids = arm.coalitions.iter().map(|coalition| Some(coalition.id));
        for id in ids.chain([None]) {
            assert_eq!(again.model(&arm.name, id), room.model(&arm.name, id));
        }
    }
}

#[test]
fn a_room_told_again_is_where_it_was_at_every_moment() {
    let mut room = Room::started(3, config());
    for round in 1..=3_u64 {
        for device in 1..=3 {
            room.answer(device);
            assert_same(&room.journal.retell(), &room.coordinator);
        }
        room.tick_at(round * PACE_MS);
        assert_same(&room.journal.retell(), &room.coordinator);
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
    assert_same(&room.journal.retell(), &room.coordinator);
}

#[test]
fn what_is_no_entry_is_said_to_be_none() {
    let room = Room::new(config());
    let models = room.coordinator.models();
    let encode = |at_ms, input: &Input| {
        let entry = Entry::of(at_ms, input, RunId(1));
        entry.answered(&Ok(Answer::Accepted)).unwrap()
    };
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

#[test]
fn what_is_refused_is_not_kept_but_what_it_does_to_the_round() {
    let mut room = Room::started(3, config());
    let before = room.journal.entries.len();
    room.give(Input::StrangerRefused {
        code: "wrong_token".into(),
    });
    room.post(1, room.update(1, 7));
    assert_eq!(room.journal.entries.len(), before);
    room.answer(1);
    assert_eq!(room.journal.entries.len(), before + 1);
    room.answer(1);
    assert_eq!(room.journal.entries.len(), before + 1, "a duplicate");
    // It cannot be read, and nobody waits for its device.
    room.garbage(2);
    assert_eq!(room.journal.entries.len(), before + 2);
    assert_same(&room.journal.retell(), &room.coordinator);
}
