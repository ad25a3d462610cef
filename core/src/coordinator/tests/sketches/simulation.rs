//! Whatever happens to a round in two steps, it ends, and the sums hold those who were told so, once each.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Enter,
    Connect(u32),
    Disconnect(u32),
    Leave(u32),
    /// The device sends what it was asked for last, or its sketches.
    Post(u32),
    /// Everybody sends what it was asked for last.
    AllPost,
    Garbage(u32),
    Pass(u32),
    /// The driver's process ends and is started again.
    Crash,
}

/// A room, and what its devices have been told and have been promised.
struct Played {
    room: Room,
    wanted: BTreeMap<u32, SendWeights>,
    /// Whose weights were accepted in the open round, for which coalition.
    counted: BTreeMap<u32, CoalitionId>,
    closed: u32,
}

impl Played {
    fn perform(&mut self, operation: Operation) {
        use Operation::{AllPost, Connect, Crash, Disconnect, Enter, Garbage, Leave, Pass, Post};
        let named = |n: u32, joined: u32| n % joined.max(1) + 1;
        let joined = self.room.joined;
        let outcome = match operation {
            Enter if joined >= 10 => return,
            Enter => self.room.enter(),
            Connect(n) => self.room.connect(named(n, joined)),
            Disconnect(n) => self.room.disconnect(named(n, joined)),
            Leave(n) => self.room.leave(named(n, joined)),
            Garbage(n) => self.room.garbage(named(n, joined)),
            Pass(ms) => self.room.tick_at(self.room.now_ms + u64::from(ms)),
            Post(n) => return self.post(named(n, joined)),
            Crash => return self.room.crash(),
            AllPost => return (1..=joined).for_each(|device| self.post(device)),
        };
        self.look(&outcome);
    }

    fn post(&mut self, device: u32) {
        let round = self.room.coordinator.run.current_round();
        let wanted = self.wanted.get(&device).filter(|w| w.round == round);
        let update = match wanted {
            Some(wanted) if !wanted.coalitions.is_empty() => self.room.weights(device, wanted),
            _ => self.room.sketch(device, round.0),
        };
        let coalition = update.coalitions.first().map(|wanted| wanted.coalition);
        let outcome = self.room.post(device, update);
        if outcome.answer == Ok(Answer::Accepted)
            && let Some(coalition) = coalition
        {
            let twice = self.counted.insert(device, coalition);
            assert_eq!(twice, None, "device {device} is counted twice");
        }
        self.look(&outcome);
    }

    fn look(&mut self, outcome: &Outcome) {
        self.wanted.extend(outcome.wanted());
        if let Some((round, _)) = outcome.closed() {
            self.closed += 1;
            let counted = core::mem::take(&mut self.counted);
            self.compare(round, &counted);
        } else if self.room.phase() == Phase::Resting {
            // Nobody answered, and the round is opened again.
            assert_eq!(core::mem::take(&mut self.counted), BTreeMap::new());
        }
        let view = self.room.view();
        let awaited = |row: &DeviceRow| row.state == DeviceState::Training;
        if view.phase == Phase::Training {
            assert!(view.devices.iter().any(awaited), "a round waits for nobody");
        }
    }

    /// The coalitions' barycenters are the means of those who were counted.
    fn compare(&self, round: u32, counted: &BTreeMap<u32, CoalitionId>) {
        let coalitions: BTreeSet<CoalitionId> = counted.values().copied().collect();
        for id in coalitions {
            let sent = counted.iter().filter(|(_, coalition)| **coalition == id);
            let sent: Vec<u32> = sent.map(|(device, _)| *device).collect();
            let model = self.room.coordinator.model(GROUPED, Some(id)).unwrap();
            let run = self.room.coordinator.run.id;
            assert_eq!(super::counted(&model, run, Round(round)), sent);
        }
    }
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation::{AllPost, Connect, Crash, Disconnect, Enter, Garbage, Leave, Pass, Post};
    let device = 0_u32..10;
    let operation = prop_oneof![
        3 => Just(Enter),
        4 => device.clone().prop_map(Connect),
        3 => device.clone().prop_map(Disconnect),
        1 => device.clone().prop_map(Leave),
        12 => device.clone().prop_map(Post),
        8 => Just(AllPost),
        2 => device.prop_map(Garbage),
        1 => Just(Crash),
        6 => prop_oneof![Just(PACE_MS as u32), Just(DEADLINE_MS as u32), 0_u32..400].prop_map(Pass),
    ];
    prop::collection::vec(operation, 0..150)
}

fn play(resting: Option<Resting>, operations: &[Operation]) -> u32 {
    let mut config = sketching(resting);
    config.rounds = 1_000;
    config.pacing.start_at = Some(3);
    let mut played = Played {
        room: Room::new(config),
        wanted: BTreeMap::new(),
        counted: BTreeMap::new(),
        closed: 0,
    };
    for operation in operations {
        played.perform(*operation);
    }
    played.closed
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_402),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_rounds_end_and_everybody_counts_once(
        resting in prop::option::of((1_u32..3, 0.1..1.0)),
        list in operations(),
    ) {
        play(resting.map(|(after, share)| Resting { after, share }), &list);
    }
}

/// A simulation that never gets anywhere shows nothing.
#[test]
fn random_lists_close_rounds() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let lists = (0..50).map(|_| operations().new_tree(&mut runner).unwrap().current());
    let closed: u32 = lists.map(|list| play(None, &list)).sum();
    assert!(closed > 100, "{closed}");
}
