//! Strategies: what turns a round's updates into the next round's models.
//!
//! Each gets the state of its arm and the round's updates in device order, and gives the next state. None of them
//! changes anything in place, so a round that cannot be closed leaves no trace.

mod coalition_global;
mod coalition_models;
mod fed_avg;
mod grouping;
mod local_only;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::config::StrategyConfig;
use crate::distance::Gram;
use crate::ids::{CoalitionId, DeviceId, Round};
use crate::params::Params;
use crate::view::CoalitionView;
use crate::wire::Start;

pub use grouping::Grouping;

/// A coalition after a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Coalition {
    /// Kept from round to round.
    pub id: CoalitionId,
    /// Its devices. Never empty.
    pub members: BTreeSet<DeviceId>,
    /// The member nearest to the barycenter, of those whose updates arrived last.
    pub center: DeviceId,
    /// Mean of the members' weights.
    pub barycenter: Arc<Params>,
    /// Root mean square distance of the members to the barycenter.
    pub spread: f64,
    /// What it counts in the global model.
    pub weight: f64,
}

/// An arm between two rounds.
#[derive(Clone, Debug)]
pub struct ArmState {
    /// The global model, from the initial one on.
    pub global: Arc<Params>,
    /// The coalitions, by id. Empty where the strategy forms none, and before the first round.
    pub coalitions: Vec<Coalition>,
    /// What coalition formation remembers.
    pub grouping: Grouping,
}

/// One device's update for one arm.
#[derive(Clone, Debug)]
pub struct ArmUpdate {
    /// The device.
    pub device: DeviceId,
    /// Its number of training examples.
    pub examples: u32,
    /// The model it started from.
    pub start: Arc<Params>,
    /// Its weights after training.
    pub weights: Params,
}

/// A round's updates for one arm.
#[derive(Debug)]
pub struct RoundUpdates {
    /// The run's seed.
    pub seed: u32,
    /// The round.
    pub round: Round,
    /// In device order.
    pub updates: Vec<ArmUpdate>,
    /// All devices of the room, whether they sent an update or not.
    pub in_room: BTreeSet<DeviceId>,
    weights_gram: OnceCell<Gram>,
}

impl RoundUpdates {
    /// Updates, which must be in device order.
    #[must_use]
    pub fn new(
        seed: u32,
        round: Round,
        updates: Vec<ArmUpdate>,
        in_room: BTreeSet<DeviceId>,
    ) -> Self {
        debug_assert!(updates.is_sorted_by_key(|update| update.device));
        Self {
            seed,
            round,
            updates,
            in_room,
            weights_gram: OnceCell::new(),
        }
    }

    /// Inner products of all weights; made once, for whoever asks first.
    pub fn weights_gram(&self) -> &Gram {
        self.weights_gram.get_or_init(|| {
            Gram::of(
                &self
                    .updates
                    .iter()
                    .map(|update| update.weights.values())
                    .collect::<Vec<_>>(),
            )
        })
    }

    fn of(&self, device: DeviceId) -> Option<&ArmUpdate> {
        self.updates
            .binary_search_by_key(&device, |update| update.device)
            .ok()
            .map(|at| &self.updates[at])
    }
}

/// What turns a round's updates into the next round's models.
pub trait Strategy: fmt::Debug + Send + Sync {
    /// Where a device starts the next round from.
    fn start(&self, state: &ArmState, device: DeviceId) -> Start;

    /// The state after a round. Called with at least one update.
    fn next(&self, state: &ArmState, round: &RoundUpdates) -> ArmState;
}

/// The strategy of a configuration.
#[must_use]
pub fn strategy(config: &StrategyConfig) -> Box<dyn Strategy> {
    match config {
        StrategyConfig::LocalOnly {} => Box::new(local_only::LocalOnly),
        StrategyConfig::FedAvg {} => Box::new(fed_avg::FedAvg),
        StrategyConfig::CoalitionGlobal { formation } => {
            Box::new(coalition_global::CoalitionGlobal {
                formation: formation.clone(),
            })
        }
        StrategyConfig::CoalitionModels { formation } => {
            Box::new(coalition_models::CoalitionModels {
                formation: formation.clone(),
            })
        }
    }
}

impl ArmState {
    /// An arm before its first round.
    #[must_use]
    pub fn new(initial: Arc<Params>) -> Self {
        Self {
            global: initial,
            coalitions: Vec::new(),
            grouping: Grouping::default(),
        }
    }

    /// The coalition a device is in.
    #[must_use]
    pub fn coalition_of(&self, device: DeviceId) -> Option<&Coalition> {
        self.coalitions
            .iter()
            .find(|coalition| coalition.members.contains(&device))
    }
}

impl Coalition {
    /// For pages.
    #[must_use]
    pub fn view(&self) -> CoalitionView {
        CoalitionView {
            id: self.id,
            members: self.members.iter().copied().collect(),
            center: self.center,
            spread: self.spread,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! One-parameter models, so that every mean can be had by hand.

    use super::*;
    use crate::params::ParamSpec;

    pub(crate) fn model(values: &[f32]) -> Arc<Params> {
        let spec = Arc::new(ParamSpec::new([("w".to_owned(), vec![values.len()])]));
        Arc::new(Params::try_new(values.to_vec(), &spec).unwrap())
    }

    /// Updates of devices 1, 2, … that all started from 0, with `examples` and weights.
    pub(crate) fn round(number: u32, updates: &[(u32, &[f32])]) -> RoundUpdates {
        let updates: Vec<ArmUpdate> = (1..)
            .zip(updates)
            .map(|(device, (examples, weights))| ArmUpdate {
                device: DeviceId(device),
                examples: *examples,
                start: model(&vec![0.0; weights.len()]),
                weights: (*model(weights)).clone(),
            })
            .collect();
        let in_room = updates.iter().map(|update| update.device).collect();
        RoundUpdates::new(7, Round(number), updates, in_room)
    }

    /// Members of all coalitions, those with the first device first: which coalition has which id is drawn by lot.
    pub(crate) fn members(state: &ArmState) -> Vec<Vec<u32>> {
        let mut members: Vec<Vec<u32>> = state
            .coalitions
            .iter()
            .map(|c| c.members.iter().map(|d| d.0).collect())
            .collect();
        members.sort();
        members
    }
}
