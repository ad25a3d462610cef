//! What a coordinator must do, said a second time and without models: who is in the cohort, who has answered.

use super::refusals::assert_unchanged;
use super::*;

/// A room as plain sets and counters.
#[derive(Debug)]
pub(super) struct Reference {
    rounds: u32,
    least: usize,
    participation: Option<Participation>,
    /// The devices of the room, and whether they are connected.
    members: BTreeMap<u32, bool>,
    capabilities: BTreeMap<u32, f64>,
    run: RunId,
    closed: u32,
    open: Option<Open>,
    finished: bool,
    /// No round may open earlier, in ms.
    not_before: u64,
    /// Nobody answered the round that opens next when it was open before.
    again: bool,
    /// The round that a device answered last.
    sent: BTreeMap<u32, u32>,
    /// How often the steps of a device are halved, of those that were late.
    halvings: BTreeMap<u32, u32>,
    refused: u32,
    pub(super) rounds_closed: u32,
    pub(super) runs_finished: u32,
}

#[derive(Debug)]
struct Open {
    round: u32,
    cohort: BTreeSet<u32>,
    answered: BTreeSet<u32>,
    /// Gone, or sent rubbish.
    excused: BTreeSet<u32>,
    opened_ms: u64,
    /// `None` once it has passed.
    deadline_ms: Option<u64>,
}

impl Open {
    fn is_due(&self, now_ms: u64) -> bool {
        self.deadline_ms.is_none_or(|deadline| now_ms >= deadline)
    }

    fn awaited(&self) -> impl Iterator<Item = u32> {
        self.cohort
            .iter()
            .filter(|device| !self.answered.contains(device) && !self.excused.contains(device))
            .copied()
    }

    fn excuse(&mut self, device: u32) {
        if self.awaited().any(|awaited| awaited == device) {
            self.excused.insert(device);
        }
    }
}

impl Reference {
    pub(super) fn new(config: &RunConfig) -> Self {
        Self {
            rounds: config.rounds,
            least: config.pacing.min_devices as usize,
            participation: config.pacing.participation,
            members: BTreeMap::new(),
            capabilities: BTreeMap::new(),
            run: RunId(1),
            closed: 0,
            open: None,
            finished: false,
            not_before: 0,
            again: false,
            sent: BTreeMap::new(),
            halvings: BTreeMap::new(),
            refused: 0,
            rounds_closed: 0,
            runs_finished: 0,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn awaited(&self) -> Vec<u32> {
        self.open.iter().flat_map(Open::awaited).collect()
    }

    pub(super) fn last_sent(&self, device: u32) -> Option<u32> {
        self.sent.get(&device).copied()
    }

    /// Compares what the coordinator made of an input with what should come of it.
    pub(super) fn check(&mut self, room: &Room, input: &Input, outcome: &Outcome, before: &View) {
        let expected = self.answer_to(input, before.phase);
        match expected {
            Ok(()) => assert!(outcome.answer.is_ok(), "{:?}", outcome.answer),
            Err(code) => {
                assert_eq!(outcome.answer.as_ref().map_err(Rejection::code), Err(code));
                self.refused += u32::from(
                    matches!(input, Input::Update { device, .. } if self.members.contains_key(&device.0)),
                );
                assert_unchanged(before, &room.view());
            }
        }
        if expected.is_ok() {
            self.apply(input, room, outcome, before);
        }
        for event in outcome.events() {
            self.observe(event, room, outcome);
        }
        self.settle(room.now_ms);
        self.compare(room);
    }

    /// Whether an input should be taken, or the code of its refusal.
    fn answer_to(&self, input: &Input, phase: Phase) -> Result<(), &'static str> {
        let known = |device: &DeviceId| {
            if self.members.contains_key(&device.0) {
                Ok(())
            } else {
                Err("unknown_device")
            }
        };
        let over = matches!(phase, Phase::Evaluating | Phase::Finished);
        match input {
            Input::Connected(device)
            | Input::Left(device)
            | Input::Desk(Command::Remove(device)) => known(device),
            Input::Desk(Command::Start | Command::Step) if over => Err("wrong_phase"),
            Input::Desk(Command::Pause) if over || phase == Phase::Lobby => Err("wrong_phase"),
            Input::Update { device, update, .. } => {
                known(device).and_then(|()| self.answer_to_update(device.0, update))
            }
            _ => Ok(()),
        }
    }

    fn answer_to_update(&self, device: u32, update: &Update) -> Result<(), &'static str> {
        let (round, over) = (update.round.0, self.closed + u32::from(self.finished));
        if update.run != self.run {
            return Err("stale");
        }
        if self.sent.get(&device) == Some(&round) {
            return Ok(());
        }
        match &self.open {
            Some(open) if round > open.round => Err("future_round"),
            None if round > over => Err("future_round"),
            Some(open) if round == open.round => {
                if !open.cohort.contains(&device) {
                    Err("not_in_cohort")
                } else if update.weights.is_empty() == (round <= self.rounds) {
                    Err("wrong_kind")
                } else {
                    Ok(())
                }
            }
            _ => Err("stale"),
        }
    }

    /// What an input that is taken does by itself.
    fn apply(&mut self, input: &Input, room: &Room, outcome: &Outcome, before: &View) {
        match input {
            Input::Joined {
                device, profile, ..
            } => {
                self.members.insert(device.0, false);
                self.capabilities.insert(device.0, profile.capability);
            }
            Input::Connected(device) => {
                self.members.insert(device.0, true);
                let asked = |open: &&mut Open| {
                    open.cohort.contains(&device.0) && !open.answered.contains(&device.0)
                };
                if let Some(open) = self.open.as_mut().filter(asked) {
                    open.excused.remove(&device.0);
                    assert_eq!(outcome.asked()[&device.0].round.0, open.round);
                }
            }
            Input::Disconnected(device) => {
                self.members
                    .entry(device.0)
                    .and_modify(|connected| *connected = false);
                self.open.iter_mut().for_each(|open| open.excuse(device.0));
            }
            Input::Left(device) | Input::Desk(Command::Remove(device)) => {
                self.members.remove(&device.0);
                self.halvings.remove(&device.0);
                if let Some(open) = self
                    .open
                    .as_mut()
                    .filter(|open| !open.answered.contains(&device.0))
                {
                    open.cohort.remove(&device.0);
                }
            }
            Input::Update { device, update, .. } => {
                let first = self.sent.insert(device.0, update.round.0) != Some(update.round.0);
                let expected = if first {
                    Answer::Accepted
                } else {
                    Answer::Duplicate
                };
                assert_eq!(outcome.answer, Ok(expected));
                if let Some(open) = self.open.as_mut().filter(|_| first) {
                    open.answered.insert(device.0);
                    let took = room.now_ms - open.opened_ms;
                    if open.round <= self.rounds && took > DEADLINE_MS {
                        self.halve(device.0);
                    } else if open.round <= self.rounds && 3 * took <= DEADLINE_MS {
                        let halvings = self.halvings.entry(device.0).or_default();
                        *halvings = halvings.saturating_sub(1);
                    }
                }
            }
            Input::Refused { device, .. } => {
                self.refused += u32::from(self.members.contains_key(&device.0));
                self.open.iter_mut().for_each(|open| open.excuse(device.0));
            }
            Input::MessageRefused { device, .. } => {
                self.refused += u32::from(self.members.contains_key(&device.0));
                assert_unchanged(before, &room.view());
            }
            Input::Desk(Command::Reset(_)) => {
                (self.run, self.closed, self.refused) = (RunId(self.run.0 + 1), 0, 0);
                (self.open, self.finished, self.not_before) = (None, false, 0);
                self.again = false;
                self.sent.clear();
                self.halvings.clear();
            }
            _ => {}
        }
    }

    /// What the coordinator says that it has done must be what it may do.
    fn observe(&mut self, event: &Event, room: &Room, outcome: &Outcome) {
        let now_ms = room.now_ms;
        match event {
            Event::RoundOpened {
                round,
                cohort,
                shorter_plans,
            } => {
                assert!(self.open.is_none(), "a round opens while another is open");
                assert_eq!(round.0, self.closed + 1);
                assert!(now_ms >= self.not_before, "round {round} opens too soon");
                let cohort: BTreeSet<u32> = cohort.iter().map(|device| device.0).collect();
                self.compare_cohort(&cohort);
                assert!(cohort.len() >= self.least);
                let asked = outcome.asked();
                assert_eq!(asked.keys().copied().collect::<BTreeSet<_>>(), cohort);
                for (device, opened) in asked {
                    assert_eq!(opened.halvings, self.halvings_of(device));
                    let recorded = shorter_plans.iter().find(|p| p.device.0 == device);
                    assert_eq!(recorded.map_or(0, |p| p.halvings), opened.halvings);
                }
                self.open_round(now_ms, cohort);
            }
            Event::RoundClosed { round, missing, .. } => {
                let open = self.open.take().expect("only an open round closes");
                assert_eq!((round.0, open.round), (self.closed + 1, self.closed + 1));
                let complete = open.awaited().next().is_none();
                let in_time = open.is_due(now_ms) && open.answered.len() >= self.least;
                assert!(
                    complete || in_time,
                    "round {round} closes and others are awaited: {open:?}"
                );
                // Nobody counted twice, nobody lost, and nobody else.
                let global = room.coordinator.model(AVERAGED, None).unwrap();
                let found = counted(&global, self.run, *round);
                assert_eq!(found, open.answered.iter().copied().collect::<Vec<_>>());
                let missing: BTreeSet<u32> = missing.iter().map(|device| device.0).collect();
                assert_eq!(missing, &open.cohort - &open.answered);
                for device in open.awaited() {
                    self.halve(device);
                }
                self.closed = round.0;
                self.rounds_closed += 1;
                self.not_before = open.opened_ms + PACE_MS;
                self.again = false;
                if self.closed == self.rounds {
                    self.open_round(now_ms, self.connected());
                }
            }
            Event::Connected { device } => assert!(self.members[&device.0]),
            Event::Disconnected { device } => assert!(!self.members[&device.0]),
            Event::RunFinished => {
                let open = self.open.take().expect("a run ends with its evaluation");
                assert_eq!(open.round, self.rounds + 1);
                assert!(open.awaited().next().is_none() || open.is_due(now_ms));
                self.finished = true;
                self.runs_finished += 1;
            }
            _ => {}
        }
    }

    /// As many as asked for, all of them connected, and where capable ones come first nobody who can do more waits.
    fn compare_cohort(&self, cohort: &BTreeSet<u32>) {
        let connected = self.connected();
        let Some(Participation {
            fraction,
            max_devices,
            order,
        }) = self.participation
        else {
            assert_eq!(cohort, &connected);
            return;
        };
        let asked_for = (1..connected.len())
            .find(|&size| size as f64 / connected.len() as f64 >= fraction - 1e-12)
            .unwrap_or(connected.len());
        assert!(cohort.is_subset(&connected));
        let size = asked_for.max(self.least);
        let most = max_devices.map_or(size, |most| most as usize);
        assert_eq!(cohort.len(), size.min(most));
        if order == Order::CapableFirst && !self.again {
            for (asked, waits) in cohort
                .iter()
                .flat_map(|asked| (&connected - cohort).into_iter().map(move |w| (*asked, w)))
            {
                assert!(self.capabilities[&asked] >= self.capabilities[&waits]);
            }
        }
    }

    fn halve(&mut self, device: u32) {
        let halvings = self.halvings.entry(device).or_default();
        *halvings = limits::HALVINGS.min(*halvings + 1);
    }

    fn halvings_of(&self, device: u32) -> u32 {
        self.halvings.get(&device).copied().unwrap_or(0)
    }

    fn open_round(&mut self, now_ms: u64, cohort: BTreeSet<u32>) {
        self.open = Some(Open {
            round: self.closed + 1,
            cohort,
            answered: BTreeSet::new(),
            excused: BTreeSet::new(),
            opened_ms: now_ms,
            deadline_ms: Some(now_ms + DEADLINE_MS),
        });
    }

    fn connected(&self) -> BTreeSet<u32> {
        self.members
            .iter()
            .filter(|(_, connected)| **connected)
            .map(|(device, _)| *device)
            .collect()
    }

    /// After every input: no round stays open for nobody, or past its deadline with enough answers.
    fn settle(&mut self, now_ms: u64) {
        let Some(open) = &mut self.open else { return };
        let trains = open.round <= self.rounds;
        if open.awaited().next().is_none() {
            assert!(
                trains && open.answered.is_empty(),
                "a round is stuck and nobody is awaited: {open:?}"
            );
            self.not_before = (open.opened_ms + PACE_MS).max(now_ms + RETRY_MS);
            self.open = None;
            self.again = true;
        } else if open.is_due(now_ms) {
            assert!(
                trains && open.answered.len() < self.least,
                "a round is stuck past its deadline: {open:?}"
            );
            open.deadline_ms = None;
        }
    }

    /// A driver that was started again does not know how often something was refused.
    pub(super) fn forget_refusals(&mut self, room: &Room) {
        self.refused = room.view().refusals.values().sum();
    }

    fn compare(&self, room: &Room) {
        let view = room.view();
        let next = room.coordinator.next_deadline();
        assert_eq!(
            (view.run, view.refusals.values().sum::<u32>()),
            (self.run, self.refused)
        );
        if let Some(open) = &self.open {
            let trains = open.round <= self.rounds;
            assert_eq!(view.phase == Phase::Training, trains);
            assert_eq!(view.phase == Phase::Evaluating, !trains);
            assert_eq!(view.round.0, open.round.min(self.rounds));
            assert_eq!(next, open.deadline_ms);
        } else {
            assert_eq!(
                (view.phase == Phase::Finished, view.round.0),
                (self.finished, self.closed)
            );
            match view.phase {
                Phase::Waiting => assert!(
                    self.connected().len() < self.least,
                    "nothing opens, and enough are there"
                ),
                Phase::Resting => assert_eq!(
                    next,
                    Some(self.not_before),
                    "it rests too short or too long"
                ),
                Phase::Training | Phase::Evaluating => panic!("a round is open that should not be"),
                Phase::Lobby | Phase::Paused | Phase::Finished => {}
            }
        }
        assert!(
            next.is_none_or(|next| next > room.now_ms),
            "a deadline that has passed"
        );
        let ids: Vec<u32> = view.devices.iter().map(|row| row.id.0).collect();
        assert_eq!(ids, self.members.keys().copied().collect::<Vec<_>>());
        let slots: BTreeSet<Slot> = view.devices.iter().map(|row| row.slot).collect();
        assert_eq!(slots.len(), ids.len(), "a slot is given twice");
        for row in &view.devices {
            assert_eq!(row.state == DeviceState::Away, !self.members[&row.id.0]);
            assert_eq!(row.halvings, self.halvings_of(row.id.0));
        }
        for arm in &view.arms {
            self.compare_arm(arm);
        }
    }

    fn compare_arm(&self, arm: &ArmView) {
        let mut seen = BTreeSet::new();
        for coalition in &arm.coalitions {
            assert!(!coalition.members.is_empty(), "an empty coalition");
            assert!(coalition.members.contains(&coalition.center));
            for member in &coalition.members {
                assert!(
                    self.members.contains_key(&member.0),
                    "a member that has left"
                );
                assert!(seen.insert(*member), "a device in two coalitions");
            }
        }
        assert!(
            arm.history.is_sorted_by_key(|row| row.round)
                && arm
                    .history
                    .windows(2)
                    .all(|rows| rows[0].round != rows[1].round)
        );
        assert!(
            arm.history
                .iter()
                .all(|row| (1..=self.closed).contains(&row.round.0))
        );
    }
}
