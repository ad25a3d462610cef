//! Strategies: what turns a round's updates into the next round's models.
//!
//! Each owns its models and whatever it remembers from round to round, says what a device is to do next, and gets the
//! round's updates in device order when the round closes. A strategy never fails: what it cannot use, it leaves out.

mod bounded_confidence;
mod cfl;
mod clusters;
mod coalition_global;
mod coalition_models;
mod fed_avg;
mod fed_avg_fine_tune;
mod fed_prox;
mod federations;
mod fesem;
mod fl_hc;
mod grouping;
mod ifca;
mod local_only;
mod oracle_groups;
mod ours;
mod robust_average;
mod scaffold;
mod set_aside;
mod shares;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::aggregate::robust::Entry;
use crate::config::{StrategyConfig, TrainingConfig};
use crate::distance::Gram;
use crate::ids::{CoalitionId, DeviceId, Round};
use crate::params::Params;
use crate::view::{CoalitionView, SetAside};
use crate::wire::{ArmReport, Task};

use bounded_confidence::BoundedConfidence;
use cfl::Cfl;
use coalition_global::CoalitionGlobal;
use coalition_models::CoalitionModels;
use fed_avg::FedAvg;
use fed_avg_fine_tune::FedAvgFineTune;
use fed_prox::FedProx;
use federations::Federations;
use fesem::Fesem;
use fl_hc::FlHc;
use grouping::Grouping;
use ifca::Ifca;
use local_only::LocalOnly;
use oracle_groups::OracleGroups;
use ours::Ours;
use robust_average::RobustAverage;
use scaffold::Scaffold;
pub use shares::Shares;
use shares::{shares_by_examples, shares_of, shares_of_coalitions};

/// A coalition after a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Coalition {
    /// Kept from round to round.
    pub id: CoalitionId,
    /// Its devices. Never empty.
    pub members: BTreeSet<DeviceId>,
    /// The member nearest to the barycenter, of those whose updates arrived last.
    pub center: DeviceId,
    /// Mean of the members' weights, or what a rule makes of them.
    pub barycenter: Arc<Params>,
    /// Root mean square distance of the members to the barycenter.
    pub spread: f64,
    /// What it counts in the global model where that is a mean.
    pub weight: f64,
    /// What each device's update counts in the barycenter. The sum is 1, or less where steps were shortened.
    pub shares: Shares,
}

/// One device's update for one arm.
#[derive(Clone, Debug)]
pub struct ArmUpdate {
    /// The device.
    pub device: DeviceId,
    /// Its number of training examples.
    pub examples: u32,
    /// How often its steps were halved.
    pub halvings: u32,
    /// The model it started from.
    pub start: Arc<Params>,
    /// Its weights after training.
    pub weights: Params,
    /// The second model that it trained, where it was asked to and did.
    pub beside: Option<Params>,
    /// What it measured.
    pub report: ArmReport,
}

impl ArmUpdate {
    /// Its weights among others that become one model, in which every device counts the same.
    fn entry(&self) -> Entry<'_> {
        Entry {
            start: &self.start,
            model: &self.weights,
            weight: 1.0,
        }
    }
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
    /// All devices of the room, whether they sent an update or not, with their hidden groups.
    pub in_room: BTreeMap<DeviceId, Option<u32>>,
    weights_gram: OnceCell<Gram>,
}

impl RoundUpdates {
    /// Updates, which must be in device order.
    #[must_use]
    pub fn new(
        seed: u32,
        round: Round,
        updates: Vec<ArmUpdate>,
        in_room: BTreeMap<DeviceId, Option<u32>>,
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
            let weights = self.updates.iter().map(|update| &update.weights);
            Gram::of(&weights.collect::<Vec<_>>())
        })
    }

    fn of(&self, device: DeviceId) -> Option<&ArmUpdate> {
        self.updates
            .binary_search_by_key(&device, |update| update.device)
            .ok()
            .map(|at| &self.updates[at])
    }
}

/// What one device says of its training before it sends weights, for one arm.
#[derive(Clone, Debug)]
pub struct DeviceSketch {
    /// The device.
    pub device: DeviceId,
    /// Its number of training examples.
    pub examples: u32,
    /// The model it started from.
    pub start: Arc<Params>,
    /// The [direction](crate::sketch) in which it went from there, of length 1.
    pub direction: Vec<f32>,
}

/// A round's sketches for one arm.
#[derive(Debug)]
pub struct RoundSketches {
    /// The run's seed.
    pub seed: u32,
    /// The round.
    pub round: Round,
    /// In device order.
    pub sketches: Vec<DeviceSketch>,
    /// All devices of the room, whether they sent a sketch or not, with their hidden groups.
    pub in_room: BTreeMap<DeviceId, Option<u32>>,
    gram: OnceCell<Gram>,
}

impl RoundSketches {
    /// Sketches, which must be in device order.
    #[must_use]
    pub fn new(
        seed: u32,
        round: Round,
        sketches: Vec<DeviceSketch>,
        in_room: BTreeMap<DeviceId, Option<u32>>,
    ) -> Self {
        debug_assert!(sketches.is_sorted_by_key(|sketch| sketch.device));
        Self {
            seed,
            round,
            sketches,
            in_room,
            gram: OnceCell::new(),
        }
    }

    /// Inner products of all sketches; made once, for whoever asks first.
    pub fn sketches_gram(&self) -> &Gram {
        self.gram.get_or_init(|| {
            let directions = self.sketches.iter().map(|sketch| &sketch.direction);
            Gram::of(&directions.collect::<Vec<_>>())
        })
    }

    /// Where the sketches of these devices are, of those that sent one.
    #[must_use]
    pub fn numbers_of(&self, devices: &BTreeSet<DeviceId>) -> Vec<usize> {
        let sketches = self.sketches.iter().enumerate();
        let own = sketches.filter(|(_, sketch)| devices.contains(&sketch.device));
        own.map(|(number, _)| number).collect()
    }
}

/// What turns a round's updates into the next round's models.
pub trait Strategy: fmt::Debug + Send + Sync {
    /// What a device does in the next round.
    fn task(&self, device: DeviceId) -> Task;

    /// Takes a round's updates, of which there is at least one.
    fn close(&mut self, round: &RoundUpdates);

    /// In a strategy whose [`Task`]s ask for sketches, this and the next two stand in for [`Self::close`]. Takes a round's
    /// sketches, and says who is to send its weights, for which coalition. Not before [`Self::settle`] has anything
    /// changed that others can see.
    fn form(&mut self, _round: &RoundSketches) -> BTreeMap<DeviceId, CoalitionId> {
        BTreeMap::new()
    }

    /// Takes the weights of a device that was to send them, each once, in any order.
    fn add(&mut self, _device: DeviceId, _weights: &Params) {}

    /// Goes on from the weights that have been added.
    fn settle(&mut self) {}

    /// The one model for everybody, or the mean of several.
    fn global(&self) -> &Arc<Params>;

    /// What each device's update counts in the global model; nothing where no update does.
    fn global_shares(&self) -> Shares {
        shares_of_coalitions(self.coalitions())
    }

    /// The devices whose updates count less than half of what they would in a mean, because of how the strategy makes models one.
    fn set_aside(&self) -> Vec<SetAside> {
        Vec::new()
    }

    /// The coalitions after the last round, by id. None where the strategy forms none, and before the first round.
    fn coalitions(&self) -> &[Coalition] {
        &[]
    }
}

/// What a strategy is told of its run before the first round.
#[derive(Clone)]
pub struct Beginning<'a> {
    /// The run's initial model.
    pub initial: Arc<Params>,
    /// Further initial models, by number from 1; 0 is `initial`.
    pub another: &'a dyn Fn(u32) -> Arc<Params>,
    /// What a device does in a round.
    pub training: &'a TrainingConfig,
}

impl fmt::Debug for Beginning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beginning")
            .field("training", self.training)
            .finish_non_exhaustive()
    }
}

/// The strategy of an arm, before its first round.
#[must_use]
pub fn strategy(config: &StrategyConfig, beginning: &Beginning<'_>) -> Box<dyn Strategy> {
    let initial = Arc::clone(&beginning.initial);
    match config {
        StrategyConfig::LocalOnly {} => Box::new(LocalOnly::new(initial)),
        StrategyConfig::FedAvg {} => Box::new(FedAvg::new(initial)),
        StrategyConfig::Ours(options) => Box::new(Ours::new(options.clone(), initial)),
        StrategyConfig::FedAvgFineTune {} => Box::new(FedAvgFineTune::new(initial)),
        StrategyConfig::FedProx { mu } => Box::new(FedProx::new(*mu, initial)),
        StrategyConfig::RobustAverage(aggregation) => {
            Box::new(RobustAverage::new(*aggregation, initial))
        }
        StrategyConfig::Scaffold {} => Box::new(Scaffold::new(beginning.training.clone(), initial)),
        StrategyConfig::OracleGroups {} => Box::new(OracleGroups::new(initial)),
        StrategyConfig::Ifca { k } => Box::new(Ifca::new(
            std::iter::once(initial)
                .chain((1..*k).map(beginning.another))
                .collect(),
        )),
        StrategyConfig::Fesem { k } => Box::new(Fesem::new(*k, initial)),
        StrategyConfig::Cfl(options) => Box::new(Cfl::new(options.clone(), initial)),
        StrategyConfig::FlHc(options) => Box::new(FlHc::new(options.clone(), initial)),
        StrategyConfig::BoundedConfidence(options) => {
            Box::new(BoundedConfidence::new(options, initial))
        }
        StrategyConfig::CoalitionGlobal { formation } => {
            Box::new(CoalitionGlobal::new(formation.clone(), initial))
        }
        StrategyConfig::CoalitionModels { formation } => {
            Box::new(CoalitionModels::new(formation.clone(), initial))
        }
    }
}

/// The coalition that a device is in.
#[must_use]
pub fn coalition_of(coalitions: &[Coalition], device: DeviceId) -> Option<&Coalition> {
    coalitions
        .iter()
        .find(|coalition| coalition.members.contains(&device))
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
    use crate::wire::Start;

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
                halvings: 0,
                start: model(&vec![0.0; weights.len()]),
                weights: (*model(weights)).clone(),
                beside: None,
                report: ArmReport::default(),
            })
            .collect();
        let in_room = updates.iter().map(|update| (update.device, None)).collect();
        RoundUpdates::new(7, Round(number), updates, in_room)
    }

    /// The model that a device is to start from.
    pub(crate) fn start(strategy: &dyn Strategy, device: u32) -> Vec<f32> {
        match strategy.task(DeviceId(device)).start {
            Start::Own | Start::BestOf(_) => Vec::new(),
            Start::Model(params) => params.values().to_vec(),
        }
    }

    /// Members of all coalitions, those with the first device first: which coalition has which id is drawn by lot.
    pub(crate) fn members(coalitions: &[Coalition]) -> Vec<Vec<u32>> {
        let mut members: Vec<Vec<u32>> = coalitions
            .iter()
            .map(|c| c.members.iter().map(|d| d.0).collect())
            .collect();
        members.sort();
        members
    }
}
