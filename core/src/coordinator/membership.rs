//! Devices come and go.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::round::{Participant, Step};
use super::sketches::send_weights;
use super::{
    Answer, Coordinator, Effects, Event, Member, Message, Profile, Stage, configured, round_opened,
};
use crate::config::limits;
use crate::ids::{DeviceId, RunId, Slot};
use crate::rejection::Rejection;
use crate::view::DeviceState;
use crate::wire::{ArmPlan, Farewell};

impl Coordinator {
    pub(super) fn joined(
        &mut self,
        device: DeviceId,
        name: String,
        profile: Profile,
        effects: &mut Effects,
    ) -> Result<Answer, Rejection> {
        let Profile {
            capability,
            encodings,
        } = profile;
        if !(capability.is_finite() && capability >= 0.0) {
            return Err(Rejection::Capability(capability));
        }
        if self.locked {
            return Err(Rejection::RoomLocked);
        }
        if self.members.len() >= limits::DEVICES as usize {
            return Err(Rejection::RoomFull(limits::DEVICES));
        }
        let taken: BTreeSet<Slot> = self.members.values().map(|member| member.slot).collect();
        // One of so many must be free.
        let slot = (0..=limits::DEVICES)
            .map(Slot)
            .find(|slot| !taken.contains(slot))
            .unwrap_or_default();
        let profile = Profile {
            // Without the sign of -0, by which equal devices would differ.
            capability: capability.abs(),
            encodings: encodings.clone(),
        };
        let member = Member::new(slot, name, profile, self.run.labels_of(slot));
        self.members.insert(device, member);
        effects.record(Event::Joined {
            device,
            slot,
            encodings,
        });
        Ok(Answer::Joined(slot))
    }

    pub(super) fn connected(
        &mut self,
        device: DeviceId,
        effects: &mut Effects,
    ) -> Result<Answer, Rejection> {
        let member = self
            .members
            .get_mut(&device)
            .ok_or(Rejection::UnknownDevice(device))?;
        member.connected = true;
        // A tab that was loaded again has no models, and has to be given its table again.
        member.has.clear();
        member.has_data = self.run.config.data.table.is_none();
        member.state = member.idle_state();
        let slot = member.slot;
        effects.send(device, configured(&self.run, self.mischief, device, slot));
        effects.record(Event::Connected { device });
        self.ask_again(device, effects);
        Ok(Answer::Done)
    }

    pub(super) fn ready(&mut self, device: DeviceId, run: RunId, effects: &mut Effects) {
        // What was said of a run that is over says nothing of this one.
        if run == self.run.id
            && let Some(member) = self.members.get_mut(&device)
            && member.connected
            && !member.has_data
        {
            member.has_data = true;
            member.state = DeviceState::Ready;
            self.ask_again(device, effects);
        }
    }

    /// Tells a device that is back, or a reloaded tab that was never missed, where its round is.
    fn ask_again(&mut self, device: DeviceId, effects: &mut Effects) {
        let Some(member) = self.members.get_mut(&device) else {
            return;
        };
        match &mut self.run.stage {
            Stage::Finished => effects.send(device, Message::RunFinished),
            Stage::Open(open) => match open.cohort.get_mut(&device) {
                Some(
                    participant @ (Participant::Gone | Participant::Awaited | Participant::Refused),
                ) => {
                    if !member.has_data {
                        *participant = Participant::Gone;
                        return;
                    }
                    *participant = Participant::Awaited;
                    member.state = DeviceState::Training;
                    let (round, purpose) = (open.round, open.purpose);
                    let halvings = open.halvings.get(&device).copied().unwrap_or(0);
                    let given = member.given.clone();
                    let plans: Vec<ArmPlan> =
                        self.run.arms.iter().map(|arm| arm.plan(device)).collect();
                    let asked = open.sketched.get(&device);
                    let asked = asked.filter(|_| open.step == Step::Weights);
                    let asked = asked.map(|asked| send_weights(self.run.id, round, asked));
                    let message =
                        round_opened(&self.run, round, purpose, halvings, &plans, member, given);
                    effects.send(device, Message::RoundOpened(Arc::new(message)));
                    if let Some(asked) = asked {
                        effects.send(device, Message::SendWeights(asked));
                    }
                }
                Some(Participant::Answered(_) | Participant::Sketched) => {
                    member.state = DeviceState::Sent;
                }
                Some(Participant::Rests) => member.state = DeviceState::Resting,
                Some(Participant::Missed) | None => {}
            },
            Stage::Idle | Stage::Resting(_) => {}
        }
    }

    /// A device has lost what deltas are to be added to.
    pub(super) fn send_in_full(&mut self, device: DeviceId, effects: &mut Effects) {
        if let Some(member) = self
            .members
            .get_mut(&device)
            .filter(|member| member.connected)
        {
            member.has.clear();
            self.ask_again(device, effects);
        }
    }

    pub(super) fn disconnected(&mut self, device: DeviceId, effects: &mut Effects) {
        if let Some(member) = self.members.get_mut(&device) {
            if member.connected {
                effects.record(Event::Disconnected { device });
            }
            member.connected = false;
            member.state = DeviceState::Away;
        }
        if let Stage::Open(open) = &mut self.run.stage
            && let Some(participant @ (Participant::Awaited | Participant::Refused)) =
                open.cohort.get_mut(&device)
        {
            *participant = Participant::Gone;
        }
    }

    pub(super) fn left(
        &mut self,
        device: DeviceId,
        farewell: Farewell,
        effects: &mut Effects,
    ) -> Result<Answer, Rejection> {
        self.members
            .remove(&device)
            .ok_or(Rejection::UnknownDevice(device))?;
        if let Stage::Open(open) = &mut self.run.stage
            && let Some(participant) = open.cohort.get(&device)
            && !participant.has_answered()
        {
            open.cohort.remove(&device);
        }
        effects.send(device, Message::Farewell(farewell));
        effects.record(Event::Left {
            device,
            reason: farewell,
        });
        Ok(Answer::Done)
    }
}
