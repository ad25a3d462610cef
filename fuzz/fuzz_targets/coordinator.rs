//! Whatever can happen to a room, in any order.

#![no_main]

use std::collections::BTreeSet;

use arbitrary::Arbitrary;
use constellation_core::coordinator::{Answer, Command, Coordinator, Input, Profile};
use constellation_core::ids::{DeviceId, Round, RunId};
use constellation_core::wire::Update;
use constellation_fuzz::{small_room, update};
use libfuzzer_sys::fuzz_target;

/// Something that happens. Numbers name a device among all that ever joined, round and round.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Operation {
    Join,
    Connect(u8),
    Ready(u8),
    Disconnect(u8),
    Leave(u8),
    /// An update; the round under way is 0, the next one 1, the last one -1.
    Post {
        device: u8,
        rounds_on: i8,
        bare: bool,
    },
    OfRunBefore(u8),
    SendInFull(u8),
    Garbage(u8),
    Babble(u8),
    Stranger,
    Start,
    Pause,
    Step,
    Reset,
    Remove(u8),
    Lock,
    Unlock,
    Mischief(bool),
    /// Milliseconds.
    Pass(u16),
}

/// A room under test, and what must hold of it.
struct Room {
    coordinator: Coordinator,
    now_ms: u64,
    joined: u32,
    /// Whose update was accepted, for which round.
    accepted: BTreeSet<(RunId, Round, DeviceId)>,
}

fuzz_target!(|operations: Vec<Operation>| {
    let mut room = Room {
        coordinator: small_room(),
        now_ms: 0,
        joined: 0,
        accepted: BTreeSet::new(),
    };
    for operation in operations {
        room.perform(operation);
    }
    // A deadline that has passed is no deadline any more.
    for _ in 0..100 {
        let Some(deadline) = room.coordinator.next_deadline() else {
            break;
        };
        room.now_ms = room.now_ms.max(deadline);
        room.give(Input::Tick);
        let next = room.coordinator.next_deadline();
        assert!(
            next.is_none_or(|next| next > room.now_ms),
            "stuck at {deadline} ms"
        );
    }
});

impl Room {
    fn perform(&mut self, operation: Operation) {
        let named = |n: u8| DeviceId(u32::from(n) % self.joined.max(1) + 1);
        let models = self.coordinator.models();
        let (run, round) = (models.run, self.coordinator.moment().round);
        let post = |device, update: Update| Input::Update {
            device,
            bytes: 100,
            update: Box::new(update),
        };
        let input = match operation {
            Operation::Join => {
                self.joined += 1;
                Input::Joined {
                    device: DeviceId(self.joined),
                    name: String::new(),
                    profile: Profile::of_ours(),
                }
            }
            Operation::Connect(n) => Input::Connected(named(n)),
            Operation::Ready(n) => Input::Ready {
                device: named(n),
                run,
            },
            Operation::Disconnect(n) => Input::Disconnected(named(n)),
            Operation::Leave(n) => Input::Left(named(n)),
            Operation::Post {
                device,
                rounds_on,
                bare,
            } => {
                let round = Round(round.0.saturating_add_signed(rounds_on.into()));
                post(named(device), update(models, run, round, bare))
            }
            Operation::OfRunBefore(n) => {
                let before = RunId(run.0.saturating_sub(1));
                post(named(n), update(models, before, round, false))
            }
            Operation::SendInFull(n) => Input::SendInFull {
                device: named(n),
                run,
            },
            Operation::Garbage(n) => Input::Refused {
                device: named(n),
                code: "bad_file".into(),
            },
            Operation::Babble(n) => Input::MessageRefused {
                device: named(n),
                code: "bad_message".into(),
            },
            Operation::Stranger => Input::StrangerRefused {
                code: "wrong_token".into(),
            },
            Operation::Start => Input::Desk(Command::Start),
            Operation::Pause => Input::Desk(Command::Pause),
            Operation::Step => Input::Desk(Command::Step),
            Operation::Reset => Input::Desk(Command::Reset(None)),
            Operation::Remove(n) => Input::Desk(Command::Remove(named(n))),
            Operation::Lock => Input::Desk(Command::Lock),
            Operation::Unlock => Input::Desk(Command::Unlock),
            Operation::Mischief(allowed) => Input::Desk(Command::Mischief { allowed }),
            Operation::Pass(ms) => {
                self.now_ms += u64::from(ms);
                Input::Tick
            }
        };
        self.give(input);
    }

    fn give(&mut self, input: Input) {
        let before = (
            self.coordinator.models().run,
            self.coordinator.moment().closed,
        );
        let posted = match &input {
            Input::Update { device, update, .. } => Some((update.run, update.round, *device)),
            _ => None,
        };
        let outcome = self.coordinator.handle(self.now_ms, input);
        if let (Some(posted), Ok(Answer::Accepted)) = (posted, &outcome.answer) {
            assert!(self.accepted.insert(posted), "{posted:?} is counted twice");
        }
        let after = (
            self.coordinator.models().run,
            self.coordinator.moment().closed,
        );
        assert!(after >= before, "from {before:?} back to {after:?}");
    }
}
