//! A round while it is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{DeviceId, Round};
use crate::params::Params;
use crate::wire::{ArmCoalition, Report, Update};

/// A round while it is open.
#[derive(Debug)]
pub(super) struct OpenRound {
    pub(super) round: Round,
    pub(super) purpose: Purpose,
    pub(super) opened_ms: u64,
    /// When it closes with at least the minimum; `None` once that has passed, and it closes with the update that makes
    /// the minimum.
    pub(super) deadline_ms: Option<u64>,
    /// Fixed when the round opens; only devices that leave for good drop out.
    pub(super) cohort: BTreeMap<DeviceId, Participant>,
    /// How often the steps of those are halved that were late before.
    pub(super) halvings: BTreeMap<DeviceId, u32>,
    pub(super) step: Step,
    /// What devices have said in [`Step::Sketches`].
    pub(super) sketched: BTreeMap<DeviceId, Sketched>,
}

/// What a round waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Sketches, from which coalitions will form. Only of rounds in which an arm asks for some, and before weights.
    Sketches,
    /// Weights, or the report alone where none are asked for.
    Weights,
}

/// The first part of an update that comes in two.
#[derive(Debug)]
pub(super) struct Sketched {
    pub(super) update: Update,
    /// What its weights were trained from, by arm.
    pub(super) starts: BTreeMap<String, Arc<Params>>,
    /// What it is asked for then.
    pub(super) coalitions: Vec<ArmCoalition>,
}

/// What a round asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Training, and measuring the models of the round before.
    Train,
    /// Measuring the models of the run's last round.
    Evaluate,
}

/// A device of a cohort.
#[derive(Debug)]
pub(super) enum Participant {
    /// The round waits for it.
    Awaited,
    /// It sent something that could not be taken. The round does not wait for it.
    Refused,
    /// Its connection is lost. The round does not wait for it.
    Gone,
    /// Its sketches are counted, and its coalitions are about to form.
    Sketched,
    /// Coalitions have formed without its sketches: it has no further part in the round.
    Missed,
    /// Its sketches are all that the round wants of it.
    Rests,
    /// Its update is counted.
    Answered(Box<Counted>),
}

/// An update that counts.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) update: Update,
    /// What its weights were trained from, by arm.
    pub(super) starts: BTreeMap<String, Arc<Params>>,
}

impl OpenRound {
    /// Whether there is nobody left to wait for.
    pub(super) fn is_complete(&self) -> bool {
        self.awaited().next().is_none()
    }

    /// Whether there is somebody else left to wait for than this device.
    pub(super) fn awaits_others_than(&self, device: DeviceId) -> bool {
        self.awaited().any(|awaited| awaited != device)
    }

    /// Devices that are connected and have not answered yet.
    pub(super) fn awaited(&self) -> impl Iterator<Item = DeviceId> {
        let participants = self.cohort.iter();
        let awaited = participants.filter(|(_, p)| matches!(p, Participant::Awaited));
        awaited.map(|(&device, _)| device)
    }

    /// Whether what it waits for now has to be trained: not weights that are asked for after their sketches.
    pub(super) fn trains(&self) -> bool {
        self.purpose == Purpose::Train && (self.step == Step::Sketches || self.sketched.is_empty())
    }

    /// Number of devices that have given all that this step wants of them.
    pub(super) fn answered(&self) -> usize {
        self.cohort.values().filter(|p| p.has_answered()).count()
    }

    /// What the devices of the cohort said and sent.
    pub(super) fn into_answers(self) -> Answers {
        let sketched = self.sketched.into_iter();
        let mut answers = Answers {
            reports: sketched.map(|(id, s)| (id, s.update.report)).collect(),
            ..Answers::default()
        };
        for (device, participant) in self.cohort {
            if !participant.has_answered() {
                answers.missing.push(device);
            } else if let Participant::Answered(counted) = participant {
                let report = counted.update.report.clone();
                answers.reports.insert(device, report);
                answers.updates.insert(device, *counted);
            } else {
                answers.resting.push(device);
            }
        }
        answers
    }
}

/// What came of a round, in device order.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Of everybody who said something, with sketches or with weights.
    pub(super) reports: BTreeMap<DeviceId, Report>,
    pub(super) updates: BTreeMap<DeviceId, Counted>,
    /// Devices whose sketches were all that the round wanted.
    pub(super) resting: Vec<DeviceId>,
    /// Devices that did not give what the round wanted.
    pub(super) missing: Vec<DeviceId>,
}

impl Participant {
    /// Whether it has given all that this step wants of it.
    pub(super) fn has_answered(&self) -> bool {
        matches!(self, Self::Answered(_) | Self::Sketched | Self::Rests)
    }
}
