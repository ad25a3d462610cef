//! A fixed number of models, of which every device has one: what IFCA and FeSEM have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::federations::average;
use super::grouping::{around, unchanged};
use super::{Coalition, RoundUpdates};
use crate::aggregate::weighted_mean;
use crate::ids::{CoalitionId, DeviceId};
use crate::params::Params;

/// Models, and the coalitions of those who have the same. A model that nobody has stays, and waits.
#[derive(Debug)]
pub(super) struct Clusters {
    models: Vec<Arc<Params>>,
    /// The index of each device's model.
    belongs: BTreeMap<DeviceId, usize>,
    global: Arc<Params>,
    coalitions: Vec<Coalition>,
}

impl Clusters {
    /// `models`, at least one, belong to nobody yet; `global` is for those who have none.
    pub(super) fn new(models: Vec<Arc<Params>>, global: Arc<Params>) -> Self {
        Self {
            models,
            belongs: BTreeMap::new(),
            global,
            coalitions: Vec::new(),
        }
    }

    pub(super) fn models(&self) -> &[Arc<Params>] {
        &self.models
    }

    /// The mean of the models that somebody has, by number of examples.
    pub(super) fn global(&self) -> &Arc<Params> {
        &self.global
    }

    /// By id, which is the index of the model.
    pub(super) fn coalitions(&self) -> &[Coalition] {
        &self.coalitions
    }

    /// A device's model, or the global one.
    pub(super) fn model_of(&self, device: DeviceId) -> &Arc<Params> {
        self.belongs
            .get(&device)
            .map_or(&self.global, |&at| &self.models[at])
    }

    /// Takes a round's updates, each for the model whose index comes with it; one without an index, or with one that
    /// there is not, is left out. A model becomes the mean of its updates by number of examples. Devices that sent
    /// nothing stay where they were.
    pub(super) fn close(&mut self, round: &RoundUpdates, indices: &[Option<usize>]) {
        let mut sent = vec![BTreeSet::new(); self.models.len()];
        for (update, index) in round.updates.iter().zip(indices) {
            if let Some(at) = index.filter(|at| *at < self.models.len()) {
                sent[at].insert(update.device);
                self.belongs.insert(update.device, at);
            }
        }
        self.belongs
            .retain(|device, _| round.in_room.contains_key(device));
        let mut coalitions = Vec::new();
        for (at, (model, sent)) in self.models.iter_mut().zip(&sent).enumerate() {
            let id = CoalitionId(at as u32);
            let here = self.belongs.iter().filter(|(_, index)| **index == at);
            let members: BTreeSet<DeviceId> = here.map(|(device, _)| *device).collect();
            coalitions.extend(match average(round, sent) {
                Some(average) => {
                    *model = Arc::new(average.model);
                    let (shares, examples) = (average.shares, average.examples);
                    around(Arc::clone(model), shares, examples, round, id, members)
                }
                None => unchanged(&self.coalitions, id, members),
            });
        }
        self.coalitions = coalitions;
        let models = self.coalitions.iter().map(|c| (&*c.barycenter, c.weight));
        if let Some(global) = weighted_mean(models) {
            self.global = Arc::new(global);
        }
    }
}
