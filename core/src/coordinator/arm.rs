//! One arm of a run: its strategy's state, and what pages see of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::{ArmConfig, StrategyConfig};
use crate::ids::{CoalitionId, DeviceId, Round};
use crate::layout::{self, Place};
use crate::metrics::{accuracy_over_devices, adjusted_rand_index};
use crate::params::Params;
use crate::strategy::{ArmState, ArmUpdate, RoundUpdates, Strategy, strategy};
use crate::view::{
    Accuracy, ArmView, CoalitionView, HistoryRow, MapBarycenter, MapPlace, MapPoint, MapView,
};
use crate::wire::{ArmPlan, Start, Update};

/// One arm of a run.
#[derive(Debug)]
pub(super) struct Arm {
    config: ArmConfig,
    strategy: Box<dyn Strategy>,
    state: ArmState,
    agreement: Option<f64>,
    accuracy: Option<Accuracy>,
    own_accuracy: Option<Accuracy>,
    history: Vec<HistoryRow>,
    map: Option<MapView>,
}

impl Arm {
    pub(super) fn new(config: &ArmConfig, initial: &Arc<Params>) -> Self {
        Self {
            config: config.clone(),
            strategy: strategy(&config.strategy),
            state: ArmState::new(Arc::clone(initial)),
            agreement: None,
            accuracy: None,
            own_accuracy: None,
            history: Vec::new(),
            map: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// What a device does for this arm in the next round.
    pub(super) fn plan(&self, device: DeviceId) -> ArmPlan {
        ArmPlan {
            name: self.config.name.clone(),
            coalition: self
                .state
                .coalition_of(device)
                .map(|coalition| coalition.id),
            start: self.strategy.start(&self.state, device),
        }
    }

    /// Takes down how the models of `measured`, the last closed round, serve the devices.
    pub(super) fn measure(
        &mut self,
        measured: Round,
        updates: &BTreeMap<DeviceId, Update>,
        groups: &BTreeMap<DeviceId, Option<u32>>,
    ) {
        let reports: Vec<_> = updates
            .iter()
            .filter_map(|(device, update)| {
                let report = update.report.arms.get(&self.config.name)?;
                Some((groups.get(device).copied().flatten(), report))
            })
            .collect();
        let own: Vec<_> = reports
            .iter()
            .filter_map(|(group, report)| Some((*group, report.own_before?)))
            .collect();
        let balanced: Vec<_> = reports
            .iter()
            // Data without a test set has only its own view.
            .filter_map(|(group, report)| {
                Some((*group, report.balanced_before.or(report.own_before)?))
            })
            .collect();
        let (Some(accuracy), Some(own)) = (
            accuracy_over_devices(&balanced),
            accuracy_over_devices(&own),
        ) else {
            return;
        };
        if measured == Round(0) {
            return;
        }
        self.accuracy = Some(accuracy);
        self.own_accuracy = Some(own);
        self.history.push(HistoryRow {
            round: measured,
            mean: accuracy.mean,
            worst: accuracy.worst,
            best: accuracy.best,
            worst_group: accuracy.worst_group,
            own_mean: own.mean,
            own_worst: own.worst,
            own_best: own.best,
            agreement: self.agreement,
            coalitions: self.state.coalitions.len() as u32,
        });
    }

    /// Turns a round's updates into the next round's models.
    pub(super) fn close(
        &mut self,
        seed: u32,
        round: Round,
        updates: &BTreeMap<DeviceId, Update>,
        groups: &BTreeMap<DeviceId, Option<u32>>,
    ) {
        let updates = updates.iter().filter_map(|(&device, update)| {
            let weights = update.weights.get(&self.config.name)?.clone();
            let start = match self.strategy.start(&self.state, device) {
                Start::Model(start) => start,
                Start::Own => return None,
            };
            Some(ArmUpdate {
                device,
                examples: update.report.examples,
                start,
                weights,
            })
        });
        let round = RoundUpdates::new(
            seed,
            round,
            updates.collect(),
            groups.keys().copied().collect(),
        );
        if round.updates.is_empty() {
            return;
        }
        self.state = self.strategy.next(&self.state, &round);
        self.agreement = self.agreement_with(groups);
        self.map = Some(self.draw(&round));
    }

    /// A published model: the global one, or a coalition's barycenter.
    pub(super) fn model(&self, coalition: Option<CoalitionId>) -> Option<Arc<Params>> {
        self.published()
            .find(|(id, _)| *id == coalition)
            .map(|(_, model)| Arc::clone(model))
    }

    /// The global model, then the coalitions' barycenters by id. None where models never leave the devices.
    pub(super) fn published(&self) -> impl Iterator<Item = (Option<CoalitionId>, &Arc<Params>)> {
        let global = self
            .config
            .strategy
            .uploads()
            .then_some((None, &self.state.global));
        global.into_iter().chain(
            self.state
                .coalitions
                .iter()
                .map(|c| (Some(c.id), &c.barycenter)),
        )
    }

    pub(super) fn coalitions(&self) -> Vec<CoalitionView> {
        self.state
            .coalitions
            .iter()
            .map(|coalition| coalition.view())
            .collect()
    }

    /// What pages see; devices that have left meanwhile are in no coalition.
    pub(super) fn view(&self, in_room: &BTreeSet<DeviceId>) -> ArmView {
        let mut coalitions = self.coalitions();
        for coalition in &mut coalitions {
            coalition.members.retain(|device| in_room.contains(device));
            if let (false, Some(first)) = (
                in_room.contains(&coalition.center),
                coalition.members.first(),
            ) {
                coalition.center = *first;
            }
        }
        coalitions.retain(|coalition| !coalition.members.is_empty());
        ArmView {
            name: self.config.name.clone(),
            strategy: self.config.strategy.kind().to_owned(),
            accuracy: self.accuracy,
            own_accuracy: self.own_accuracy,
            coalitions,
            agreement: self.agreement,
            history: self.history.clone(),
            map: self.map.clone(),
        }
    }

    fn agreement_with(&self, groups: &BTreeMap<DeviceId, Option<u32>>) -> Option<f64> {
        let (found, hidden): (Vec<u32>, Vec<u32>) = groups
            .iter()
            .filter_map(|(device, group)| Some((self.state.coalition_of(*device)?.id.0, (*group)?)))
            .unzip();
        adjusted_rand_index(&found, &hidden)
    }

    /// Devices, barycenters and global model in the plane, as near as can be to where they were.
    fn draw(&self, round: &RoundUpdates) -> MapView {
        let n = round.updates.len();
        let mut weights: Vec<Vec<f64>> = (0..n).map(|i| unit(n, i)).collect();
        let mut global = vec![0.0; n];
        let mut barycenters = Vec::new();
        for coalition in &self.state.coalitions {
            let inside: Vec<usize> = (0..n)
                .filter(|&i| coalition.members.contains(&round.updates[i].device))
                .collect();
            // A coalition that kept the model of an earlier round is no mean of this round's weights.
            if let Some(barycenter) = shares(n, inside.iter().map(|&i| (i, 1.0))) {
                global
                    .iter_mut()
                    .zip(&barycenter)
                    .for_each(|(g, b)| *g += coalition.weight * b);
                barycenters.push(coalition.id);
                weights.push(barycenter);
            }
        }
        if let StrategyConfig::FedAvg {} = self.config.strategy {
            global = round
                .updates
                .iter()
                .map(|update| f64::from(update.examples))
                .collect();
        }
        let global = shares(n, global.into_iter().enumerate());
        weights.extend(global.clone());
        let mut before = self.places_before(round, &barycenters);
        before.truncate(weights.len());
        let layout = layout::arrange(&round.weights_gram().combine(&weights), &before);
        let place = |at: usize| MapPlace {
            x: layout.places[at][0],
            y: layout.places[at][1],
        };
        MapView {
            points: (0..n)
                .map(|i| MapPoint {
                    device: round.updates[i].device,
                    x: place(i).x,
                    y: place(i).y,
                })
                .collect(),
            barycenters: barycenters
                .iter()
                .enumerate()
                .map(|(i, id)| MapBarycenter {
                    coalition: *id,
                    x: place(n + i).x,
                    y: place(n + i).y,
                })
                .collect(),
            global: global.map(|_| place(n + barycenters.len())),
            loss: layout.stress,
        }
    }

    /// Where the points of the next picture are in the last one.
    fn places_before(
        &self,
        round: &RoundUpdates,
        barycenters: &[CoalitionId],
    ) -> Vec<Option<Place>> {
        let before = |find: &dyn Fn(&MapView) -> Option<Place>| self.map.as_ref().and_then(find);
        let devices = round.updates.iter().map(|update| {
            before(&|map| {
                map.points
                    .iter()
                    .find(|p| p.device == update.device)
                    .map(|p| [p.x, p.y])
            })
        });
        let coalitions = barycenters.iter().map(|id| {
            before(&|map| {
                map.barycenters
                    .iter()
                    .find(|b| b.coalition == *id)
                    .map(|b| [b.x, b.y])
            })
        });
        let global = before(&|map| map.global.map(|g| [g.x, g.y]));
        devices.chain(coalitions).chain([global]).collect()
    }
}

fn unit(n: usize, at: usize) -> Vec<f64> {
    (0..n).map(|i| f64::from(u8::from(i == at))).collect()
}

/// Weights of a mean, which sum to 1; `None` where there are none.
fn shares(n: usize, weights: impl Iterator<Item = (usize, f64)>) -> Option<Vec<f64>> {
    let mut shares = vec![0.0; n];
    weights.for_each(|(at, weight)| shares[at] += weight);
    let total: f64 = shares.iter().sum();
    (total > 0.0).then(|| shares.into_iter().map(|share| share / total).collect())
}
