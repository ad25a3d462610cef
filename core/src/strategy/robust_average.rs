//! Averaging that bears bad updates; the rules are those of [`crate::aggregate::robust`].

use std::sync::Arc;

use super::set_aside::set_aside;
use super::{RoundUpdates, Shares, Strategy};
use crate::aggregate::robust::{Combined, Entry, combine};
use crate::config::Aggregation;
use crate::ids::DeviceId;
use crate::params::Params;
use crate::view::{Place, SetAside};
use crate::wire::{Start, Task};

/// One model of all weights. Every device counts the same: numbers of examples are what devices say of themselves.
#[derive(Debug)]
pub(super) struct RobustAverage {
    aggregation: Aggregation,
    global: Arc<Params>,
    shares: Shares,
}

impl RobustAverage {
    pub(super) fn new(aggregation: Aggregation, initial: Arc<Params>) -> Self {
        Self {
            aggregation,
            global: initial,
            shares: Shares::new(),
        }
    }
}

impl Strategy for RobustAverage {
    fn task(&self, _: DeviceId) -> Task {
        Start::Model(Arc::clone(&self.global)).into()
    }

    fn close(&mut self, round: &RoundUpdates) {
        let updates = round.updates.iter();
        let entries: Vec<Entry<'_>> = updates.clone().map(|update| update.entry()).collect();
        if let Some(Combined { model, shares }) = combine(&self.aggregation, &entries) {
            self.global = Arc::new(model);
            self.shares = updates.map(|update| update.device).zip(shares).collect();
        }
    }

    fn global(&self) -> &Arc<Params> {
        &self.global
    }

    fn global_shares(&self) -> Shares {
        self.shares.clone()
    }

    fn set_aside(&self) -> Vec<SetAside> {
        let fair = 1.0 / self.shares.len() as f64;
        let counted = self
            .shares
            .iter()
            .map(|(device, counts)| (*device, *counts, fair));
        set_aside(Place::Global, Some(self.aggregation.rule), counted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{model, round};
    use super::*;
    use crate::config::Rule;

    #[test]
    fn whoever_is_far_from_all_others_is_set_aside() {
        let aggregation = Aggregation {
            rule: Rule::MultiKrum,
            bad: 0.25,
        };
        let mut strategy = RobustAverage::new(aggregation, model(&[9.0]));
        assert_eq!(strategy.set_aside(), []);
        let updates: [(u32, &[f32]); 4] = [(1, &[1.0]), (9_999, &[50.0]), (1, &[2.0]), (1, &[3.0])];
        strategy.close(&round(1, &updates));
        assert_eq!(strategy.global().values(), [2.0]);
        let aside = SetAside {
            device: DeviceId(2),
            place: Place::Global,
            rule: Some(Rule::MultiKrum),
            counts: 0.0,
            fair: 0.25,
        };
        assert_eq!(strategy.set_aside(), [aside]);
        assert_eq!(strategy.global_shares()[&DeviceId(1)], 1.0 / 3.0);
    }
}
