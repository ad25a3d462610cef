//! One arm of a run: its strategy's state, and what pages see of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::distances::{Seen, distances};
use super::memberships::PastMemberships;
use super::round::{Counted, Sketched};
use crate::config::{ArmConfig, limits};
use crate::ids::{CoalitionId, DeviceId, Round, RunId};
use crate::layout::{self, Place};
use crate::metrics::{accuracy_over_devices, adjusted_rand_index};
use crate::params::Params;
use crate::strategy::{
    ArmUpdate, Beginning, Coalition, DeviceSketch, RoundSketches, RoundUpdates, Strategy,
    coalition_of, strategy,
};
use crate::view::{
    Accuracy, ArmTraffic, ArmView, CoalitionView, DeviceAccuracy, Distances, HistoryRow, Influence,
    MapBarycenter, MapPlace, MapPoint, MapView, RoundMemberships, SetAside,
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
    set_aside: Vec<SetAside>,
    memberships: PastMemberships,
    distances: Arc<Distances>,
    /// The sketches that the open round's coalitions have formed from.
    sketches: Option<RoundSketches>,
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
            set_aside: Vec::new(),
            memberships: PastMemberships::new(limits::MEMBERSHIPS),
            distances: Arc::new(Distances {
                run,
                ..Distances::default()
            }),
            sketches: None,
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
        reports: &BTreeMap<DeviceId, Report>,
        groups: &BTreeMap<DeviceId, Option<u32>>,
    ) {
        let reports: Vec<_> = reports
            .iter()
            .filter_map(|(device, report)| Some((*device, report.arms.get(&self.config.name)?)))
            .collect();
        let group = |device: &DeviceId| groups.get(device).copied().flatten();
        let own: Vec<_> = reports
            .iter()
            .filter_map(|(device, report)| Some((group(device), report.own_before?)))
            .collect();
        let balanced: Vec<_> = reports
            .iter()
            // Data without a test set has only its own view.
            .filter_map(|(device, report)| {
                let measured = report.balanced_before.or(report.own_before)?;
                Some((group(device), measured))
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
        self.devices = reports
            .iter()
            .map(|&(device, report)| DeviceAccuracy {
                device,
                balanced: report.balanced_before,
                own: report.own_before,
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

    /// Whether devices send sketches for it first, and weights when its coalitions have formed.
    pub(super) fn asks_for_sketches(&self) -> bool {
        self.config.strategy.sketches().is_some()
    }

    /// Forms coalitions from sketches, and says who is to send its weights, for which coalition.
    pub(super) fn form(
        &mut self,
        seed: u32,
        round: Round,
        sketched: &BTreeMap<DeviceId, Sketched>,
        groups: &BTreeMap<DeviceId, Option<u32>>,
    ) -> BTreeMap<DeviceId, CoalitionId> {
        let sketches = sketched.iter().filter_map(|(&device, sketched)| {
            Some(DeviceSketch {
                device,
                examples: sketched.update.report.examples,
                start: Arc::clone(sketched.starts.get(&self.config.name)?),
                direction: sketched.update.sketches.get(&self.config.name)?.direction(),
            })
        });
        let sketches = RoundSketches::new(seed, round, sketches.collect(), groups.clone());
        let asked = self.strategy.form(&sketches);
        self.sketches = Some(sketches);
        asked
    }

    /// Adds weights that a device was asked for.
    pub(super) fn add(&mut self, device: DeviceId, weights: &Params) {
        self.strategy.add(device, weights);
    }

    /// Turns a round's updates, or what has been added of them, into the next round's models. Says what is to be seen of
    /// the round; `None` if the arm was sent nothing.
    pub(super) fn close(
        &mut self,
        seed: u32,
        round: Round,
        updates: &mut BTreeMap<DeviceId, Counted>,
        groups: &BTreeMap<DeviceId, Option<u32>>,
    ) -> Option<Seen> {
        let difficult: Vec<DeviceId> = updates
            .iter()
            .filter(|(_, counted)| counted.update.report.mischief.is_some())
            .map(|(device, _)| *device)
            .collect();
        let seen = if let Some(sketches) = self.sketches.take() {
            self.strategy.settle();
            Seen::Sketches(sketches)
        } else {
            let updates = self.updates(updates);
            let round = RoundUpdates::new(seed, round, updates, groups.clone());
            if round.updates.is_empty() {
                return None;
            }
            self.strategy.close(&round);
            Seen::Updates(round)
        };
        self.influence = self.influence_of(&difficult);
        self.set_aside = self.strategy.set_aside();
        self.agreement = self.agreement_with(groups);
        let coalitions = self.strategy.coalitions();
        self.memberships.add(round, self.agreement, coalitions);
        Some(seen)
    }

    /// Takes this arm's weights out of the updates.
    fn updates(&self, updates: &mut BTreeMap<DeviceId, Counted>) -> Vec<ArmUpdate> {
        let updates = updates.iter_mut().filter_map(|(&device, counted)| {
            let Counted { update, starts } = counted;
            let weights = update.weights.remove(&self.config.name)?;
            let report = update.report.arms.get(&self.config.name)?.clone();
            Some(ArmUpdate {
                device,
                examples: update.report.examples,
                halvings: update.report.halvings,
                start: starts.remove(&self.config.name)?,
                weights,
                beside: update.weights.remove(&beside(&self.config.name)),
                report,
            })
        });
        updates.collect()
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
            set_aside: self
                .set_aside
                .iter()
                .filter(|aside| in_room.contains(&aside.device))
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
    pub(super) fn draw(&mut self, seen: &Seen) {
        self.distances = Arc::new(distances(self.run, seen, self.strategy.coalitions()));
        self.map = Some(self.map_of(seen));
    }

    /// Devices in the plane, as near as can be to where they were. A barycenter is drawn in the middle of its members,
    /// the global model in the middle of what it is the mean of.
    fn map_of(&self, seen: &Seen) -> MapView {
        let place_before = |device: DeviceId| {
            self.map
                .as_ref()?
                .points
                .iter()
                .find(|point| point.device == device)
                .map(|point| [point.x, point.y])
        };
        let devices = seen.devices();
        let before: Vec<Option<Place>> = devices
            .iter()
            .map(|(device, _)| place_before(*device))
            .collect();
        let layout = layout::arrange(seen.gram(), &before);
        let placed = || devices.iter().zip(&layout.places);
        let barycenters: Vec<(&Coalition, Place)> = self
            .strategy
            .coalitions()
            .iter()
            .filter_map(|coalition| {
                // A coalition that kept the model of an earlier round has nothing to be in the middle of.
                let members =
                    placed().filter(|((device, _), _)| coalition.members.contains(device));
                Some((coalition, middle(members.map(|(_, place)| (*place, 1.0)))?))
            })
            .collect();
        let global = if barycenters.is_empty() {
            middle(placed().map(|((_, examples), place)| (*place, f64::from(*examples))))
        } else {
            middle(
                barycenters
                    .iter()
                    .map(|(coalition, place)| (*place, coalition.weight)),
            )
        };
        MapView {
            points: placed()
                .map(|((device, _), [x, y])| MapPoint {
                    device: *device,
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
