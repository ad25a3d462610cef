//! One arm of a run: its strategy's state, and what pages see of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::distances::distances;
use super::memberships::PastMemberships;
use super::round::Counted;
use crate::config::{ArmConfig, limits};
use crate::ids::{CoalitionId, DeviceId, Round, RunId};
use crate::layout::{self, Place};
use crate::metrics::{accuracy_over_devices, adjusted_rand_index};
use crate::params::Params;
use crate::strategy::{
    ArmUpdate, Beginning, Coalition, RoundUpdates, Strategy, coalition_of, strategy,
};
use crate::view::{
    Accuracy, ArmTraffic, ArmView, CoalitionView, DeviceAccuracy, Distances, HistoryRow, Influence,
    MapBarycenter, MapPlace, MapPoint, MapView, RoundMemberships,
};
use crate::wire::{ArmPlan, Report, Start, beside, candidate};

/// One arm of a run.
#[derive(Debug)]
pub(super) struct Arm {
    run: RunId,
    config: ArmConfig,
    strategy: Box<dyn Strategy>,
    agreement: Option<f64>,
    accuracy: Option<Accuracy>,
    own_accuracy: Option<Accuracy>,
    history: Vec<HistoryRow>,
    map: Option<MapView>,
    devices: Vec<DeviceAccuracy>,
    influence: Vec<Influence>,
    memberships: PastMemberships,
    distances: Arc<Distances>,
}

impl Arm {
    pub(super) fn new(run: RunId, config: &ArmConfig, beginning: &Beginning<'_>) -> Self {
        Self {
            run,
            config: config.clone(),
            strategy: strategy(&config.strategy, beginning),
            agreement: None,
            accuracy: None,
            own_accuracy: None,
            history: Vec::new(),
            map: None,
            devices: Vec::new(),
            influence: Vec::new(),
            memberships: PastMemberships::new(limits::MEMBERSHIPS),
            distances: Arc::new(Distances {
                run,
                ..Distances::default()
            }),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// What a device does for this arm in the next round.
    pub(super) fn plan(&self, device: DeviceId) -> ArmPlan {
        ArmPlan {
            name: self.config.name.clone(),
            coalition: coalition_of(self.strategy.coalitions(), device)
                .map(|coalition| coalition.id),
            task: self.strategy.task(device),
        }
    }

    /// The name of the model that a device's training of this arm began with; `report` says which of several it was.
    pub(super) fn start_name(&self, device: DeviceId, report: &Report) -> Option<String> {
        match self.strategy.task(device).start {
            Start::Own => None,
            Start::Model(_) => Some(self.config.name.clone()),
            Start::BestOf(_) => {
                let picked = report.arms.get(&self.config.name)?.picked?;
                Some(candidate(&self.config.name, picked))
            }
        }
    }

    /// Takes down how the models of `measured`, the last closed round, serve the devices.
    pub(super) fn measure(
        &mut self,
        measured: Round,
        updates: &BTreeMap<DeviceId, Counted>,
        groups: &BTreeMap<DeviceId, Option<u32>>,
    ) {
        let reports: Vec<_> = updates
            .iter()
            .filter_map(|(device, Counted { update, .. })| {
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
        self.devices = updates
            .iter()
            .filter_map(|(&device, Counted { update, .. })| {
                let report = update.report.arms.get(&self.config.name)?;
                Some(DeviceAccuracy {
                    device,
                    balanced: report.balanced_before,
                    own: report.own_before,
                })
            })
            .collect();
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
            coalitions: self.strategy.coalitions().len() as u32,
        });
    }

    /// Turns a round's updates into the next round's models. The weights are taken out of the updates, and given back
    /// with whatever else the arm was sent; `None` if it was sent nothing.
    pub(super) fn close(
        &mut self,
        seed: u32,
        round: Round,
        updates: &mut BTreeMap<DeviceId, Counted>,
        groups: &BTreeMap<DeviceId, Option<u32>>,
    ) -> Option<RoundUpdates> {
        let difficult: Vec<DeviceId> = updates
            .iter()
            .filter(|(_, counted)| counted.update.report.mischief.is_some())
            .map(|(device, _)| *device)
            .collect();
        let updates = updates.iter_mut().filter_map(|(&device, counted)| {
            let Counted { update, starts } = counted;
            let weights = update.weights.remove(&self.config.name)?;
            let report = update.report.arms.get(&self.config.name)?.clone();
            Some(ArmUpdate {
                device,
                examples: update.report.examples,
                start: starts.remove(&self.config.name)?,
                weights,
                beside: update.weights.remove(&beside(&self.config.name)),
                report,
            })
        });
        let round = RoundUpdates::new(seed, round, updates.collect(), groups.clone());
        if round.updates.is_empty() {
            return None;
        }
        self.strategy.close(&round);
        self.influence = self.influence_of(&difficult);
        self.agreement = self.agreement_with(groups);
        let coalitions = self.strategy.coalitions();
        self.memberships
            .add(round.round, self.agreement, coalitions);
        Some(round)
    }

    /// What some devices' updates count in the models that the round has left.
    fn influence_of(&self, devices: &[DeviceId]) -> Vec<Influence> {
        if devices.is_empty() {
            return Vec::new();
        }
        let global = self.strategy.global_shares();
        let of = |&device: &DeviceId| Influence {
            device,
            coalition: coalition_of(self.strategy.coalitions(), device)
                .map(|coalition| coalition.shares.get(&device).copied().unwrap_or(0.0)),
            global: global.get(&device).copied().unwrap_or(0.0),
        };
        devices.iter().map(of).collect()
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
            .then(|| (None, self.strategy.global()));
        global.into_iter().chain(
            self.strategy
                .coalitions()
                .iter()
                .map(|c| (Some(c.id), &c.barycenter)),
        )
    }

    pub(super) fn coalitions(&self) -> Vec<CoalitionView> {
        self.strategy
            .coalitions()
            .iter()
            .map(Coalition::view)
            .collect()
    }

    /// What pages see; devices that have left meanwhile are in no coalition.
    pub(super) fn view(&self, in_room: &BTreeSet<DeviceId>, traffic: ArmTraffic) -> ArmView {
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
        let mut map = self.map.clone();
        if let Some(map) = &mut map {
            map.points.retain(|point| in_room.contains(&point.device));
            map.barycenters.retain(|b| {
                coalitions
                    .iter()
                    .any(|coalition| coalition.id == b.coalition)
            });
        }
        ArmView {
            name: self.config.name.clone(),
            strategy: self.config.strategy.kind().to_owned(),
            accuracy: self.accuracy,
            own_accuracy: self.own_accuracy,
            coalitions,
            agreement: self.agreement,
            history: self.history.clone(),
            map,
            traffic,
            devices: self
                .devices
                .iter()
                .filter(|measured| in_room.contains(&measured.device))
                .copied()
                .collect(),
            influence: self
                .influence
                .iter()
                .filter(|influence| in_room.contains(&influence.device))
                .copied()
                .collect(),
        }
    }

    /// The coalitions of the closed rounds after one.
    pub(super) fn memberships(&self, after: Round) -> Vec<RoundMemberships> {
        self.memberships.after(after)
    }

    /// Distances between the weights of the last closed round.
    pub(super) fn distances(&self) -> &Arc<Distances> {
        &self.distances
    }

    fn agreement_with(&self, groups: &BTreeMap<DeviceId, Option<u32>>) -> Option<f64> {
        let (found, hidden): (Vec<u32>, Vec<u32>) = groups
            .iter()
            .filter_map(|(device, group)| {
                let coalition = coalition_of(self.strategy.coalitions(), *device)?;
                Some((coalition.id.0, (*group)?))
            })
            .unzip();
        adjusted_rand_index(&found, &hidden)
    }

    /// Measures the distances of a closed round, and draws its map.
    pub(super) fn draw(&mut self, round: &RoundUpdates) {
        self.distances = Arc::new(distances(self.run, round, self.strategy.coalitions()));
        self.map = Some(self.map_of(round));
    }

    /// Devices in the plane, as near as can be to where they were. A barycenter is drawn in the middle of its members,
    /// the global model in the middle of what it is the mean of.
    fn map_of(&self, round: &RoundUpdates) -> MapView {
        let place_before = |device: DeviceId| {
            self.map
                .as_ref()?
                .points
                .iter()
                .find(|point| point.device == device)
                .map(|point| [point.x, point.y])
        };
        let before: Vec<Option<Place>> = round
            .updates
            .iter()
            .map(|update| place_before(update.device))
            .collect();
        let layout = layout::arrange(round.weights_gram(), &before);
        let placed = || round.updates.iter().zip(&layout.places);
        let barycenters: Vec<(&Coalition, Place)> = self
            .strategy
            .coalitions()
            .iter()
            .filter_map(|coalition| {
                // A coalition that kept the model of an earlier round has nothing to be in the middle of.
                let members =
                    placed().filter(|(update, _)| coalition.members.contains(&update.device));
                Some((coalition, middle(members.map(|(_, place)| (*place, 1.0)))?))
            })
            .collect();
        let global = if barycenters.is_empty() {
            middle(placed().map(|(update, place)| (*place, f64::from(update.examples))))
        } else {
            middle(
                barycenters
                    .iter()
                    .map(|(coalition, place)| (*place, coalition.weight)),
            )
        };
        MapView {
            points: placed()
                .map(|(update, [x, y])| MapPoint {
                    device: update.device,
                    x: *x,
                    y: *y,
                })
                .collect(),
            barycenters: barycenters
                .iter()
                .map(|(coalition, [x, y])| MapBarycenter {
                    coalition: coalition.id,
                    x: *x,
                    y: *y,
                })
                .collect(),
            global: global.map(|[x, y]| MapPlace { x, y }),
            loss: layout.stress,
        }
    }
}

/// Weighted mean of places; `None` of no places.
fn middle(places: impl Iterator<Item = (Place, f64)>) -> Option<Place> {
    let (sum, total) = places.fold(([0.0; 2], 0.0), |([x, y], total), (place, weight)| {
        (
            [x + weight * place[0], y + weight * place[1]],
            total + weight,
        )
    });
    (total > 0.0).then(|| sum.map(|s| s / total))
}
