//! What devices send: taken, counted before, or refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::round::{Counted, OpenRound, Participant, Purpose, Sketched, Step};
use super::{Answer, Coordinator, Effects, Event, Stage};
use crate::aggregate::ExactSum;
use crate::ids::{DeviceId, Round};
use crate::rejection::{Code, Rejection};
use crate::view::DeviceState;
use crate::wire::{Alone, ArmCoalition, Models, Update, WireError};

impl Coordinator {
    /// A model message has been handed to a device's socket.
    pub(super) fn sent(&mut self, device: DeviceId, bytes: u64, alone: &Alone) {
        let run = &mut self.run;
        run.traffic.down(bytes, alone, run.span());
        if let Some(member) = self.members.get_mut(&device) {
            member.bytes_down += bytes;
        }
        let trains = matches!(&run.stage, Stage::Open(open) if open.purpose == Purpose::Train);
        // A device that comes back in time is sent the models again.
        if trains && !run.cohort.received.contains(&device) {
            run.cohort.received.push(device);
        }
    }

    pub(super) fn update(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        bytes: u64,
        update: Update,
        effects: &mut Effects,
    ) -> Result<Answer, Rejection> {
        let run = &mut self.run;
        let alone = update.alone(&run.models);
        run.traffic.up(bytes, &alone, run.span());
        if let Some(member) = self.members.get_mut(&device) {
            member.bytes_up += bytes;
        }
        let (report, is_sketch) = (update.report.clone(), !update.sketches.is_empty());
        let (round, answer) = match self.accept(now_ms, device, update) {
            Ok(accepted) => accepted,
            Err(rejection) => {
                self.count_refusal(device, rejection.code().into(), effects);
                match &rejection {
                    Rejection::Update(WireError::OtherReference { .. }) => {
                        self.send_in_full(device, effects);
                    }
                    Rejection::Update(WireError::Values { .. }) | Rejection::TooLarge { .. } => {
                        self.wait_no_more(device);
                    }
                    _ => {}
                }
                return Err(rejection);
            }
        };
        match (answer, is_sketch) {
            (Answer::Accepted, true) => effects.record(Event::Sketched {
                round,
                device,
                bytes,
                report,
            }),
            (Answer::Accepted, false) => effects.record(Event::Accepted {
                round,
                device,
                bytes,
                report,
            }),
            _ => {}
        }
        Ok(answer)
    }

    fn accept(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        mut update: Update,
    ) -> Result<(Round, Answer), Rejection> {
        let current = self.run.current_round();
        let member = self
            .members
            .get_mut(&device)
            .ok_or(Rejection::UnknownDevice(device))?;
        let sent = update.round;
        if update.run != self.run.id {
            let (sent, current) = (update.run, self.run.id);
            return Err(WireError::OtherRun { sent, current }.into());
        }
        if member.answered == sent && sent > Round(0) {
            return Ok((sent, Answer::Duplicate));
        }
        if sent > current {
            return Err(Rejection::FutureRound { sent, current });
        }
        let open = match &mut self.run.stage {
            Stage::Open(open) if open.round == sent => open,
            _ => return Err(Rejection::Stale { sent, current }),
        };
        if !open.cohort.contains_key(&device) {
            return Err(Rejection::NotInCohort {
                device,
                round: sent,
            });
        }
        if !update.sketches.is_empty() && open.sketched.contains_key(&device) {
            return Ok((sent, Answer::Duplicate));
        }
        open.check_kind(device, &update, &self.run.models)?;
        let mut starts = BTreeMap::new();
        for arm in &self.run.arms {
            let given = arm
                .start_name(device, &update.report)
                .and_then(|name| member.given.get(&name));
            starts.extend(given.map(|given| (arm.name().to_owned(), Arc::clone(&given.model))));
        }
        update.resolve(|name, _| {
            let beside = || member.given.get(name).map(|given| &given.model);
            starts.get(name).or_else(beside)
        })?;
        for ArmCoalition { arm, .. } in &update.coalitions {
            if let Some(weights) = update.weights.get(arm) {
                ExactSum::check(weights).map_err(|source| Rejection::TooLarge {
                    arm: arm.clone(),
                    source,
                })?;
            }
        }
        if open.trains() {
            let took_ms = now_ms.saturating_sub(open.opened_ms);
            member.fit_plan(Some(took_ms), &self.run.config.pacing);
        }
        member.examples = Some(update.report.examples);
        member.mischief = update.report.mischief;
        // The post of a device whose socket is lost may still arrive.
        if member.connected {
            member.state = DeviceState::Sent;
        }
        if !update.sketches.is_empty() {
            open.cohort.insert(device, Participant::Sketched);
            let sketched = Sketched {
                update,
                starts,
                coalitions: Vec::new(),
            };
            open.sketched.insert(device, sketched);
            return Ok((sent, Answer::Accepted));
        }
        for arm in &mut self.run.arms {
            // Added up at once, these are in memory no longer than the post.
            if arm.asks_for_sketches()
                && let Some(weights) = update.weights.remove(arm.name())
            {
                arm.add(device, &weights);
            }
        }
        let counted = Box::new(Counted { update, starts });
        open.cohort.insert(device, Participant::Answered(counted));
        member.answered = sent;
        if open.purpose == Purpose::Train {
            self.run.cohort.answered.push(device);
        }
        Ok((sent, Answer::Accepted))
    }

    /// A device whose update could not be read is no longer waited for in this round. A better one may still come.
    pub(super) fn wait_no_more(&mut self, device: DeviceId) {
        if let Stage::Open(open) = &mut self.run.stage
            && let Some(participant @ Participant::Awaited) = open.cohort.get_mut(&device)
        {
            *participant = Participant::Refused;
            if let Some(member) = self.members.get_mut(&device) {
                member.state = DeviceState::Ready;
            }
        }
    }

    pub(super) fn count_refusal(&mut self, device: DeviceId, code: Code, effects: &mut Effects) {
        let Some(member) = self.members.get_mut(&device) else {
            return;
        };
        member.refused += 1;
        member.last_refusal = Some(code.clone());
        let count = self.run.refusals.entry(code.clone().into_owned());
        *count.or_default() += 1;
        effects.record(Event::Refused { device, code });
    }
}

impl OpenRound {
    /// Whether an update has what the round wants of its device now.
    fn check_kind(
        &self,
        device: DeviceId,
        update: &Update,
        models: &Models,
    ) -> Result<(), Rejection> {
        let (is_bare, has_sketches) = (update.is_bare(), !update.sketches.is_empty());
        let in_steps = self.purpose == Purpose::Train && !models.sketching.is_empty();
        let says = match (self.purpose, self.step) {
            (Purpose::Evaluate, _) if !is_bare => {
                "this round asks for a report only, and the update has more"
            }
            (Purpose::Train, Step::Sketches) if !has_sketches => {
                "this round asks for sketches first, and the update has none"
            }
            (Purpose::Train, Step::Weights) if in_steps => {
                let Some(sketched) = self.sketched.get(&device) else {
                    return Err(Rejection::SketchesClosed(self.round));
                };
                if update.coalitions != sketched.coalitions {
                    return Err(Rejection::WrongCoalition(self.round));
                }
                return Ok(());
            }
            (Purpose::Train, _) if is_bare && !models.uploading.is_empty() => {
                "this round asks for weights, and the update has none"
            }
            _ => return Ok(()),
        };
        Err(Rejection::WrongKind(says))
    }
}
