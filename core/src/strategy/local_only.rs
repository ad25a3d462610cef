//! Every device for itself: the baseline that says what taking part is worth.

use super::{ArmState, RoundUpdates, Start, Strategy};
use crate::ids::DeviceId;

/// Devices go on from their own weights, which never leave them.
#[derive(Debug)]
pub(super) struct LocalOnly;

impl Strategy for LocalOnly {
    fn start(&self, _: &ArmState, _: DeviceId) -> Start {
        Start::Own
    }

    fn next(&self, state: &ArmState, _: &RoundUpdates) -> ArmState {
        state.clone()
    }
}
