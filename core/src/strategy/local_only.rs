//! Every device for itself: its weights never leave it.

use std::sync::Arc;

use super::{RoundUpdates, Strategy};
use crate::ids::DeviceId;
use crate::params::Params;
use crate::wire::{Start, Task};

/// Each device goes on from its own weights. There is nothing to send and nothing to do.
#[derive(Debug)]
pub(super) struct LocalOnly {
    initial: Arc<Params>,
}

impl LocalOnly {
    pub(super) fn new(initial: Arc<Params>) -> Self {
        Self { initial }
    }
}

impl Strategy for LocalOnly {
    fn task(&self, _: DeviceId) -> Task {
        Start::Own.into()
    }

    fn close(&mut self, _: &RoundUpdates) {}

    fn global(&self) -> &Arc<Params> {
        &self.initial
    }
}
