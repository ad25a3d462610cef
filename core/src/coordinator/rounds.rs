//! Rounds open and close.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::publishing::{GivenModels, Publishing};
use super::round::{Answers, OpenRound, Participant, Purpose, Step};
use super::{
    Coordinator, Effects, Event, Maps, Member, Message, ShorterPlan, Stage, Will, round_opened,
};
use crate::config::RunConfig;
use crate::ids::{DeviceId, Round};
use crate::view::{CohortView, DeviceState};
use crate::wire::{ArmPlan, RoundOpened};

/// Least time between two openings of a round that nobody answered.
pub(super) const RETRY_MS: u64 = 1_000;

impl Coordinator {
    /// Opens and closes rounds as far as time, devices and desk allow.
    pub(super) fn advance(&mut self, now_ms: u64, effects: &mut Effects) {
        loop {
            let connected = self.connected_devices();
            let pacing = &self.run.config.pacing;
            if self.will == Will::Gather
                && pacing
                    .start_at
                    .is_some_and(|enough| connected >= enough as usize)
            {
                self.will = Will::Go;
            }
            let enough = connected >= pacing.min_devices as usize;
            match &mut self.run.stage {
                Stage::Resting(until) if now_ms >= *until => self.run.stage = Stage::Idle,
                Stage::Idle if self.run.closed.0 >= self.run.config.rounds => {
                    self.open(now_ms, Purpose::Evaluate, effects);
                }
                Stage::Idle if enough && matches!(self.will, Will::Go | Will::OneRound) => {
                    self.open(now_ms, Purpose::Train, effects);
                }
                Stage::Open(open) if open.is_complete() => self.go_on(now_ms, effects),
                Stage::Open(open) if open.deadline_ms.is_none_or(|deadline| now_ms >= deadline) => {
                    let least = if open.purpose == Purpose::Train {
                        pacing.min_devices as usize
                    } else {
                        0
                    };
                    if open.answered() >= least {
                        self.go_on(now_ms, effects);
                    } else {
                        // What has been accepted is not thrown away; the room waits for the minimum it was told.
                        open.deadline_ms = None;
                        return;
                    }
                }
                Stage::Resting(_) | Stage::Idle | Stage::Open(_) | Stage::Finished => return,
            }
        }
    }

    /// Ends a step of the open round.
    fn go_on(&mut self, now_ms: u64, effects: &mut Effects) {
        let Stage::Open(open) = &self.run.stage else {
            return;
        };
        if open.trains() {
            for device in open.awaited() {
                if let Some(member) = self.members.get_mut(&device) {
                    member.fit_plan(None, &self.run.config.pacing);
                }
            }
        }
        // Of no sketches at all no coalitions form.
        if open.step == Step::Sketches && !open.sketched.is_empty() {
            self.ask_for_weights(now_ms, effects);
        } else {
            self.close(now_ms, effects);
        }
    }

    fn open(&mut self, now_ms: u64, purpose: Purpose, effects: &mut Effects) {
        let round = self.run.closed.next();
        let cohort = match purpose {
            Purpose::Train => self.cohort(round),
            Purpose::Evaluate => self.present(),
        };
        let halvings: BTreeMap<DeviceId, u32> = cohort
            .iter()
            .map(|device| (*device, self.members[device].halvings))
            .filter(|(_, halvings)| *halvings > 0)
            .collect();
        let run = &mut self.run;
        if purpose == Purpose::Train {
            run.traffic.open_round();
            run.cohort = CohortView {
                round,
                asked: cohort.clone(),
                ..CohortView::default()
            };
            effects.record(Event::RoundOpened {
                round,
                cohort: cohort.clone(),
                shorter_plans: halvings
                    .iter()
                    .map(|(&device, &halvings)| ShorterPlan { device, halvings })
                    .collect(),
            });
        }
        let plans: Vec<Vec<ArmPlan>> = cohort
            .iter()
            .map(|&device| run.arms.iter().map(|arm| arm.plan(device)).collect())
            .collect();
        let given = given(&run.config, round, &cohort, &plans, &self.members);
        // Devices that start from the same models share one message, which is then encoded once.
        let mut messages: Vec<Arc<RoundOpened>> = Vec::new();
        for ((device, plans), given) in cohort.iter().zip(&plans).zip(given) {
            let Some(member) = self.members.get_mut(device) else {
                continue;
            };
            let halvings = member.halvings;
            let message = round_opened(run, round, purpose, halvings, plans, member, given);
            let shared = messages
                .iter()
                .find(|known| known.same_models(&message))
                .cloned();
            let shared = shared.unwrap_or_else(|| {
                let message = Arc::new(message);
                messages.push(Arc::clone(&message));
                message
            });
            effects.send(*device, Message::RoundOpened(shared));
        }
        for (id, member) in &mut self.members {
            if cohort.binary_search(id).is_ok() {
                member.state = DeviceState::Training;
            } else if member.connected {
                member.state = member.idle_state();
            }
        }
        run.stage = Stage::Open(OpenRound {
            round,
            purpose,
            opened_ms: now_ms,
            deadline_ms: Some(now_ms + u64::from(run.config.pacing.deadline_ms)),
            cohort: cohort
                .into_iter()
                .map(|device| (device, Participant::Awaited))
                .collect(),
            halvings,
            step: match purpose {
                Purpose::Train if !run.models.sketching.is_empty() => Step::Sketches,
                Purpose::Train | Purpose::Evaluate => Step::Weights,
            },
            sketched: BTreeMap::new(),
        });
    }

    /// All devices of the room, with their hidden groups.
    pub(super) fn groups(&self) -> BTreeMap<DeviceId, Option<u32>> {
        let members = self.members.iter();
        members
            .map(|(id, member)| (*id, self.run.group_of(member.slot)))
            .collect()
    }

    fn close(&mut self, now_ms: u64, effects: &mut Effects) {
        let groups = self.groups();
        let run = &mut self.run;
        let Stage::Open(open) = core::mem::replace(&mut run.stage, Stage::Idle) else {
            return;
        };
        let (round, next_ms) = (
            open.round,
            open.opened_ms + u64::from(run.config.pacing.pace_ms),
        );
        let Answers {
            reports,
            mut updates,
            resting,
            missing,
        } = open.into_answers();
        for (id, member) in &mut self.members {
            if missing.contains(id) && member.connected {
                member.state = DeviceState::Late;
            }
        }
        for arm in &mut run.arms {
            arm.measure(run.closed, &reports, &groups);
        }
        if round.0 > run.config.rounds {
            run.stage = Stage::Finished;
            effects.record(Event::RunFinished);
            for (&device, member) in self
                .members
                .iter_mut()
                .filter(|(_, member)| member.connected)
            {
                member.state = member.idle_state();
                effects.send(device, Message::RunFinished);
            }
            return;
        }
        if updates.is_empty() && resting.is_empty() {
            // Nobody answered: the round is opened again, not faster than rounds may follow each other.
            run.unanswered += 1;
            run.stage = Stage::Resting(next_ms.max(now_ms + RETRY_MS));
            return;
        }
        for arm in &mut run.arms {
            let seen = arm.close(run.config.seed, round, &mut updates, &groups);
            if let (Maps::Drawn, Some(seen)) = (self.maps, seen) {
                arm.draw(&seen);
            }
        }
        (run.closed, run.unanswered) = (round, 0);
        run.fingerprint.add(round, &run.arms);
        effects.record(Event::RoundClosed {
            round,
            fingerprint: run.fingerprint.to_hex(),
            missing,
            coalitions: run
                .arms
                .iter()
                .map(|arm| (arm.name().to_owned(), arm.coalitions()))
                .collect(),
        });
        if round.0 < run.config.rounds {
            run.stage = Stage::Resting(next_ms);
            if self.will == Will::OneRound {
                self.will = Will::Hold;
            }
        }
    }
}

/// The models that the devices of a cohort get for those of their plans.
fn given(
    config: &RunConfig,
    round: Round,
    cohort: &[DeviceId],
    plans: &[Vec<ArmPlan>],
    members: &BTreeMap<DeviceId, Member>,
) -> Vec<GivenModels> {
    let devices = cohort.iter().zip(plans);
    let before = devices.filter_map(|(device, plans)| {
        let member = members.get(device)?;
        Some((plans.as_slice(), &member.given))
    });
    let mut publishing = Publishing::new(config.encodings.down, config.seed, round, before);
    let mut given_to = |plans: &Vec<ArmPlan>| {
        let mut given = GivenModels::new();
        for ArmPlan {
            name: arm, task, ..
        } in plans
        {
            for (name, model) in task.models(arm) {
                let one = publishing.give(&name, model, task.trains(arm, &name));
                given.insert(name, one);
            }
        }
        given
    };
    plans.iter().map(&mut given_to).collect()
}
