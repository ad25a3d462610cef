//! What devices send: taken, counted before, or refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::round::{Counted, Participant, Purpose};
use super::{Answer, Coordinator, Effects, Event, Stage};
use crate::ids::{DeviceId, Round};
use crate::rejection::Rejection;
use crate::view::DeviceState;
use crate::wire::{Alone, Update, WireError};

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
        let report = update.report.clone();
        let (round, answer) = match self.accept(device, update) {
            Ok(accepted) => accepted,
            Err(rejection) => {
                self.count_refusal(device, rejection.code(), effects);
                match &rejection {
                    Rejection::Update(WireError::OtherReference { .. }) => {
                        self.send_in_full(device, effects);
                    }
                    Rejection::Update(WireError::Values { .. }) => self.wait_no_more(device),
                    _ => {}
                }
                return Err(rejection);
            }
        };
        if answer == Answer::Accepted {
            effects.record(Event::Accepted {
                round,
                device,
                bytes,
                report,
            });
        }
        Ok(answer)
    }

    fn accept(
        &mut self,
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
        let participant = open.cohort.get_mut(&device).ok_or(Rejection::NotInCohort {
            device,
            round: sent,
        })?;
        let is_bare = update.weights.is_empty() && update.deltas.is_empty();
        match (
            open.purpose,
            is_bare && !self.run.models.uploading.is_empty(),
        ) {
            (Purpose::Train, true) => {
                return Err(Rejection::WrongKind(
                    "this round asks for weights, and the update has none",
                ));
            }
            (Purpose::Evaluate, _) if !is_bare => {
                return Err(Rejection::WrongKind(
                    "this round asks for a report only, and the update has weights",
                ));
            }
            _ => {}
        }
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
        member.examples = Some(update.report.examples);
        member.mischief = update.report.mischief;
        *participant = Participant::Answered(Box::new(Counted { update, starts }));
        member.answered = sent;
        if open.purpose == Purpose::Train {
            self.run.cohort.answered.push(device);
        }
        // The post of a device whose socket is lost may still arrive.
        if member.connected {
            member.state = DeviceState::Sent;
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

    pub(super) fn count_refusal(
        &mut self,
        device: DeviceId,
        code: &'static str,
        effects: &mut Effects,
    ) {
        let Some(member) = self.members.get_mut(&device) else {
            return;
        };
        member.refused += 1;
        member.last_refusal = Some(code);
        *self.run.refusals.entry(code.to_owned()).or_default() += 1;
        effects.record(Event::Refused { device, code });
    }
}
