//! A round while it is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{DeviceId, Round};
use crate::params::Params;
use crate::wire::Update;

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

    fn awaited(&self) -> impl Iterator<Item = DeviceId> {
        let participants = self.cohort.iter();
        let awaited = participants.filter(|(_, p)| matches!(p, Participant::Awaited));
        awaited.map(|(&device, _)| device)
    }

    /// Number of updates counted.
    pub(super) fn answered(&self) -> usize {
        self.cohort
            .values()
            .filter(|participant| matches!(participant, Participant::Answered(_)))
            .count()
    }

    /// The updates, in device order, and the devices of the cohort that gave none.
    pub(super) fn into_updates(self) -> (BTreeMap<DeviceId, Counted>, Vec<DeviceId>) {
        let (mut updates, mut missing) = (BTreeMap::new(), Vec::new());
        for (device, participant) in self.cohort {
            match participant {
                Participant::Answered(counted) => {
                    updates.insert(device, *counted);
                }
                Participant::Awaited | Participant::Refused | Participant::Gone => {
                    missing.push(device);
                }
            }
        }
        (updates, missing)
    }
}
