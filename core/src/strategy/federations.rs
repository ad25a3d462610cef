//! Federations side by side: in each coalition federated averaging of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::grouping::{Members, around, still_there, strangeness, unchanged};
use super::{
    ArmUpdate, Coalition, RoundUpdates, Shares, coalition_of, shares_by_examples,
    shares_of_coalitions,
};
use crate::aggregate::weighted_mean;
use crate::config::DistanceKind;
use crate::ids::{CoalitionId, DeviceId};
use crate::params::Params;

/// Coalitions whose models are the means of their members' weights by number of examples.
#[derive(Debug)]
pub(super) struct Federations {
    global: Arc<Params>,
    coalitions: Vec<Coalition>,
}

impl Federations {
    pub(super) fn new(initial: Arc<Params>) -> Self {
        Self {
            global: initial,
            coalitions: Vec::new(),
        }
    }

    /// The mean of the coalitions' models by number of examples.
    pub(super) fn global(&self) -> &Arc<Params> {
        &self.global
    }

    /// What each update counts in the global model.
    pub(super) fn global_shares(&self) -> Shares {
        shares_of_coalitions(&self.coalitions)
    }

    /// By id.
    pub(super) fn coalitions(&self) -> &[Coalition] {
        &self.coalitions
    }

    /// The model of a device's coalition, or the global one.
    pub(super) fn model_of(&self, device: DeviceId) -> &Arc<Params> {
        coalition_of(&self.coalitions, device).map_or(&self.global, |c| &c.barycenter)
    }

    /// Who is with whom, of those who are still in the room. Devices of this round's updates that are in no coalition
    /// join the one whose model lies in the direction in which they went from the model that they started from.
    pub(super) fn members(&self, round: &RoundUpdates) -> Members {
        let mut members = still_there(&self.coalitions, &round.in_room);
        for update in &round.updates {
            if coalition_of(&self.coalitions, update.device).is_none()
                && let Some(id) = self.nearest(update)
                && let Some((_, devices)) = members.iter_mut().find(|(other, _)| *other == id)
            {
                devices.insert(update.device);
            }
        }
        members
    }

    fn nearest(&self, update: &ArmUpdate) -> Option<CoalitionId> {
        self.coalitions
            .iter()
            .map(|c| {
                (
                    c.id,
                    strangeness(DistanceKind::UnitDeltas, update, &c.barycenter),
                )
            })
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(id, _)| id)
    }

    /// Takes the coalitions' models and the global one from a round's updates. A coalition of which nobody with
    /// examples sent anything keeps its model; one that never had any is left out.
    pub(super) fn close(&mut self, round: &RoundUpdates, mut members: Members) {
        members.sort_by_key(|(id, _)| *id);
        self.coalitions = members
            .into_iter()
            .filter_map(|(id, devices)| match average(round, &devices) {
                Some(Average {
                    model,
                    examples,
                    shares,
                }) => around(Arc::new(model), shares, examples, round, id, devices),
                None => unchanged(&self.coalitions, id, devices),
            })
            .collect();
        let models = self.coalitions.iter().map(|c| (&*c.barycenter, c.weight));
        if let Some(global) = weighted_mean(models) {
            self.global = Arc::new(global);
        }
    }
}

/// Mean of some devices' weights by number of examples.
pub(super) struct Average {
    pub(super) model: Params,
    pub(super) examples: f64,
    pub(super) shares: Shares,
}

/// Mean of some devices' weights. None where there are no examples.
pub(super) fn average(round: &RoundUpdates, devices: &BTreeSet<DeviceId>) -> Option<Average> {
    let updates = || devices.iter().filter_map(|device| round.of(*device));
    let model = weighted_mean(updates().map(|u| (&u.weights, f64::from(u.examples))))?;
    Some(Average {
        model,
        examples: updates().map(|u| f64::from(u.examples)).sum(),
        shares: shares_by_examples(updates()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, model, round};
    use super::*;

    fn together(groups: &[&[u32]]) -> Members {
        (0..)
            .map(CoalitionId)
            .zip(
                groups
                    .iter()
                    .map(|g| g.iter().copied().map(DeviceId).collect()),
            )
            .collect()
    }

    fn two() -> Federations {
        let mut federations = Federations::new(model(&[0.0, 0.0]));
        let updates: [(u32, &[f32]); 3] = [(1, &[4.0, 0.0]), (3, &[8.0, 0.0]), (4, &[0.0, 1.0])];
        federations.close(&round(1, &updates), together(&[&[1, 2], &[3]]));
        federations
    }

    #[test]
    fn examples_are_weights_within_and_between() {
        let federations = two();
        assert_eq!(federations.model_of(DeviceId(1)).values(), [7.0, 0.0]);
        assert_eq!(federations.model_of(DeviceId(3)).values(), [0.0, 1.0]);
        assert_eq!(federations.model_of(DeviceId(9)).values(), [3.5, 0.5]);
        let first = &federations.coalitions()[0];
        assert_eq!((first.center, first.spread), (DeviceId(2), 5.0_f64.sqrt()));
    }

    #[test]
    fn a_newcomer_goes_where_its_delta_points() {
        let federations = two();
        let mut second = round(
            2,
            &[
                (1, &[4.0, 0.0]),
                (3, &[8.0, 0.0]),
                (4, &[0.0, 1.0]),
                (1, &[3.3, 0.6]),
            ],
        );
        second.updates[3].start = Arc::clone(federations.global());
        assert_eq!(federations.members(&second), together(&[&[1, 2], &[3, 4]]));
    }

    #[test]
    fn who_sends_nothing_stays_and_who_left_goes() {
        let mut federations = two();
        let mut second = round(2, &[(1, &[4.0, 0.0])]);
        second.in_room.insert(DeviceId(3), None);
        let still = federations.members(&second);
        assert_eq!(still, together(&[&[1], &[3]]));
        federations.close(&second, still);
        assert_eq!(members(federations.coalitions()), [vec![1], vec![3]]);
        assert_eq!(federations.model_of(DeviceId(3)).values(), [0.0, 1.0]);
        assert_eq!(federations.model_of(DeviceId(1)).values(), [4.0, 0.0]);
    }

    #[test]
    fn a_coalition_of_devices_without_examples_keeps_its_model() {
        let mut federations = two();
        let updates: [(u32, &[f32]); 3] = [(0, &[9.0, 9.0]), (0, &[9.0, 9.0]), (1, &[0.0, 2.0])];
        federations.close(&round(2, &updates), together(&[&[1, 2], &[3]]));
        assert_eq!(federations.model_of(DeviceId(1)).values(), [7.0, 0.0]);
        assert_eq!(federations.model_of(DeviceId(3)).values(), [0.0, 2.0]);
    }
}
