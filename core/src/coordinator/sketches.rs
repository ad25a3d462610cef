//! Rounds in two steps: sketches of everybody, then weights for the coalitions that have formed from them.

use super::round::{Participant, Sketched, Step};
use super::{Coordinator, Effects, Event, Message, Stage};
use crate::ids::{Round, RunId};
use crate::view::DeviceState;
use crate::wire::{ArmCoalition, SendWeights};

impl Coordinator {
    /// Forms the coalitions of every arm that asks for sketches, and asks for weights.
    pub(super) fn ask_for_weights(&mut self, now_ms: u64, effects: &mut Effects) {
        let groups = self.groups();
        let run = &mut self.run;
        let Stage::Open(open) = &mut run.stage else {
            return;
        };
        for arm in run.arms.iter_mut().filter(|arm| arm.asks_for_sketches()) {
            let asked = arm.form(run.config.seed, open.round, &open.sketched, &groups);
            for (device, coalition) in asked {
                if let Some(sketched) = open.sketched.get_mut(&device) {
                    let arm = arm.name().to_owned();
                    sketched.coalitions.push(ArmCoalition { arm, coalition });
                }
            }
        }
        // What asks for no sketches wants weights of everybody.
        let others = run.models.uploading.len() > run.models.sketching.len();
        let (mut missing, mut resting) = (Vec::new(), Vec::new());
        for (&device, participant) in &mut open.cohort {
            let member = self.members.get_mut(&device);
            *participant = match (open.sketched.get(&device), &*participant, member) {
                (Some(sketched), Participant::Sketched, Some(member)) => {
                    let message = send_weights(run.id, open.round, sketched);
                    if message.coalitions.is_empty() && !others {
                        resting.push(device);
                        member.answered = open.round;
                        if member.connected {
                            member.state = DeviceState::Resting;
                        }
                        effects.send(device, Message::SendWeights(message));
                        Participant::Rests
                    } else if member.connected {
                        member.state = DeviceState::Training;
                        effects.send(device, Message::SendWeights(message));
                        Participant::Awaited
                    } else {
                        Participant::Gone
                    }
                }
                (_, _, member) => {
                    missing.push(device);
                    if let Some(member) = member.filter(|member| member.connected) {
                        member.state = DeviceState::Late;
                    }
                    Participant::Missed
                }
            };
        }
        open.step = Step::Weights;
        open.deadline_ms = Some(now_ms + u64::from(run.config.pacing.deadline_ms));
        run.cohort.resting.clone_from(&resting);
        effects.record(Event::CoalitionsFormed {
            round: open.round,
            missing,
            resting,
        });
    }
}

/// What a device whose sketches are counted is asked for.
pub(super) fn send_weights(run: RunId, round: Round, sketched: &Sketched) -> SendWeights {
    SendWeights {
        run,
        round,
        coalitions: sketched.coalitions.clone(),
    }
}
