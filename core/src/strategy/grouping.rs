//! Coalitions from round to round: warm-up, forming anew, freezing, newcomers, devices that stay away.

mod evidence;
mod global;
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{ArmUpdate, Coalition, RoundUpdates, Shares, coalition_of, shares_of};
use crate::aggregate::robust::{Combined, Entry, combine};
use crate::aggregate::{squared_distance, weighted_mean};
use crate::coalition::{Formed, Method, keep_ids};
use crate::config::{Aggregation, Formation, Weighting};
use crate::distance::{Gram, Vectors, unit};
use crate::ids::{CoalitionId, DeviceId};
use crate::parallel;
use crate::params::Params;
use crate::rng::{Purpose, Stream};

use evidence::Evidence;
pub(super) use evidence::{strangeness, update_features};
use sums::Gathering;

/// An arm's coalitions, their models, and what coalition formation remembers from round to round.
#[derive(Debug)]
pub(super) struct Grouping {
    options: Formation,
    method: Box<dyn Method>,
    global: Arc<Params>,
    coalitions: Vec<Coalition>,
    /// What each coalition counts in the global model, as fractions of 1.
    counts: Vec<f64>,
    past: Past,
    /// The weights of the open round, where coalitions form from sketches.
    gathering: Option<Gathering>,
}

/// What coalition formation remembers from round to round.
#[derive(Clone, Debug, Default)]
struct Past {
    /// Rounds closed so far.
    rounds: u32,
    /// Formations in a row that gave the same coalitions.
    unchanged: u32,
    /// The warm-up's sums of unit-length deltas, or of their sketches, and how many were added.
    sums: BTreeMap<DeviceId, Sum>,
    /// Rounds in a row, after the warm-up, in which nobody changed its coalition.
    still: u32,
    /// The round in which a device was last asked for its weights.
    asked: BTreeMap<DeviceId, u32>,
}

#[derive(Clone, Debug)]
struct Sum {
    total: Vec<f32>,
    count: u32,
}

/// Means of such sums.
struct Means<'a>(Vec<&'a Sum>);

impl Vectors for Means<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn dimension(&self) -> usize {
        self.0.first().map_or(0, |sum| sum.total.len())
    }

    fn read(&self, vector: usize, from: usize, values: &mut [f32]) {
        let sum = self.0[vector];
        for (value, total) in values.iter_mut().zip(&sum.total[from..]) {
            *value = total / sum.count as f32;
        }
    }
}

/// Who is with whom.
pub(super) type Members = Vec<(CoalitionId, BTreeSet<DeviceId>)>;

impl Grouping {
    /// Coalitions as [`crate::coalition::paper_like`] forms them.
    pub(super) fn new(options: Formation, initial: Arc<Params>) -> Self {
        let method = Box::new(options.clone());
        Self::with_method(options, method, initial)
    }

    /// Coalitions as `method` forms them, when and on what `options` says.
    pub(super) fn with_method(
        options: Formation,
        method: Box<dyn Method>,
        initial: Arc<Params>,
    ) -> Self {
        Self {
            options,
            method,
            global: initial,
            coalitions: Vec::new(),
            counts: Vec::new(),
            past: Past::default(),
            gathering: None,
        }
    }

    /// Whether coalitions form from sketches, by [`Self::form`], [`Self::add`] and [`Self::settle`], and not from
    /// weights, by [`Self::close`].
    pub(super) fn asks_for_sketches(&self) -> bool {
        self.options.sketches.is_some()
    }

    /// The mean of the barycenters.
    pub(super) fn global(&self) -> &Arc<Params> {
        &self.global
    }

    /// By id.
    pub(super) fn coalitions(&self) -> &[Coalition] {
        &self.coalitions
    }

    /// The barycenter of a device's coalition; during the warm-up, and before it has a coalition, the global model.
    pub(super) fn model_of(&self, device: DeviceId) -> &Arc<Params> {
        let own = if self.past.rounds < self.options.warm_up {
            None
        } else {
            coalition_of(&self.coalitions, device)
        };
        own.map_or(&self.global, |coalition| &coalition.barycenter)
    }

    /// Forms coalitions anew or keeps them, as the options say, and takes their barycenters and the global model, which
    /// is the barycenters' mean.
    pub(super) fn close(&mut self, round: &RoundUpdates) {
        let mut past = core::mem::take(&mut self.past);
        let members = self.members(&mut past, round);
        self.past = past;
        let weighting = self.options.weighting;
        let coalitions =
            members
                .into_iter()
                .filter_map(|(id, devices)| match &self.options.barycenters {
                    None => coalition(weighting, |_| 1.0, &self.coalitions, round, id, devices),
                    Some(rule) => self.robust_coalition(rule, round, id, devices),
                });
        self.take(coalitions.collect());
    }

    /// A coalition whose barycenter a rule makes.
    fn robust_coalition(
        &self,
        rule: &Aggregation,
        round: &RoundUpdates,
        id: CoalitionId,
        members: BTreeSet<DeviceId>,
    ) -> Option<Coalition> {
        let updates: Vec<&ArmUpdate> = members.iter().filter_map(|d| round.of(*d)).collect();
        let entries: Vec<Entry<'_>> = updates.iter().map(|update| update.entry()).collect();
        let Some(Combined { model, shares }) = combine(rule, &entries) else {
            return unchanged(&self.coalitions, id, members);
        };
        let shares = updates.iter().map(|update| update.device).zip(shares);
        let weight = weight_of(self.options.weighting, updates.iter().copied());
        around(
            Arc::new(model),
            shares.collect(),
            weight,
            round,
            id,
            members,
        )
    }

    /// Who is with whom after a round, by id; no coalition is empty.
    fn members<E: Evidence>(&self, past: &mut Past, round: &E) -> Members {
        past.rounds += 1;
        let mut members = self.regroup(past, round);
        self.place_newcomers(round, &mut members);
        members.retain(|(_, devices)| !devices.is_empty());
        members.sort_by_key(|(id, _)| *id);
        members
    }

    fn regroup<E: Evidence>(&self, past: &mut Past, round: &E) -> Members {
        let before = still_there(&self.coalitions, round.in_room());
        let warming_up = past.rounds <= self.options.warm_up;
        let frozen = self
            .options
            .freeze_after
            .is_some_and(|limit| past.unchanged >= limit);
        let due = self.options.reform_every.is_some_and(|every| {
            (past.rounds - 1)
                .saturating_sub(self.options.warm_up)
                .is_multiple_of(every)
        });
        let (seed, number) = round.seed_and_round();
        let mut stream = Stream::new(seed, Purpose::Centers, number.0, 0);
        if warming_up {
            past.add_unit_deltas(round, &self.options);
            return self.form_on_sums(past, &before, &mut stream);
        }
        past.sums.clear();
        if before.iter().any(|(_, m)| !m.is_empty()) && (!due || frozen) {
            return before;
        }
        let formed = self.form_anew(round, &before, &mut stream);
        past.unchanged = if formed == before {
            past.unchanged + 1
        } else {
            0
        };
        formed
    }

    /// Forms on the mean of each device's unit-length deltas: the sum, but fair to those who missed a round.
    fn form_on_sums(&self, past: &Past, before: &Members, stream: &mut Stream) -> Members {
        let devices: Vec<DeviceId> = past.sums.keys().copied().collect();
        let mut means: Box<dyn Vectors + '_> = Box::new(Means(past.sums.values().collect()));
        if self.method.by_angle() {
            means = unit(means);
        }
        let formed = self.method.form(&Gram::of(means.as_ref()), stream);
        named(&formed, &devices, before)
    }

    fn form_anew<E: Evidence>(&self, round: &E, before: &Members, stream: &mut Stream) -> Members {
        let devices = round.devices();
        let gram = round.gram(&self.options, self.method.by_angle());
        let mut members = named(&self.method.form(&gram, stream), &devices, before);
        // Devices that sent nothing stay with the coalition they were in, if there still is one of that name.
        for (id, devices_before) in before {
            let absent = devices_before
                .iter()
                .filter(|device| !devices.contains(device));
            if let Some((_, devices)) = members.iter_mut().find(|(new, _)| new == id) {
                devices.extend(absent);
            }
        }
        members
    }

    /// A device without a coalition joins the one that it is closest to: by direction, seen from the model it started
    /// from, where distances are between unit-length deltas; else by distance to the barycenter.
    fn place_newcomers<E: Evidence>(&self, round: &E, members: &mut Members) {
        for (number, device) in round.devices().into_iter().enumerate() {
            if members.iter().any(|(_, devices)| devices.contains(&device)) {
                continue;
            }
            let there = |id| {
                members
                    .iter()
                    .any(|(other, m)| *other == id && !m.is_empty())
            };
            let coalitions = self.coalitions.iter().filter(|c| there(c.id));
            let strange = coalitions.map(|coalition| {
                let kind = self.options.distance;
                let far = round.strangeness(number, kind, &coalition.barycenter);
                (coalition.id, far)
            });
            let nearest = strange.min_by(|(_, a), (_, b)| a.total_cmp(b));
            if let Some((id, _)) = nearest
                && let Some((_, devices)) =
                    members.iter_mut().find(|(coalition, _)| *coalition == id)
            {
                devices.insert(device);
            }
        }
    }
}

impl Past {
    fn add_unit_deltas<E: Evidence>(&mut self, round: &E, options: &Formation) {
        let deltas = round.unit_deltas(options.layers);
        let mut delta = vec![0.0; deltas.dimension()];
        for (number, device) in round.devices().into_iter().enumerate() {
            let sum = self.sums.entry(device).or_insert_with(|| Sum {
                total: vec![0.0; delta.len()],
                count: 0,
            });
            deltas.read(number, 0, &mut delta);
            for (total, v) in sum.total.iter_mut().zip(&delta) {
                *total += v;
            }
            sum.count += 1;
        }
        self.sums
            .retain(|device, _| round.in_room().contains_key(device));
    }
}

/// Who is with whom, of those who are still in the room.
pub(super) fn still_there(
    coalitions: &[Coalition],
    in_room: &BTreeMap<DeviceId, Option<u32>>,
) -> Members {
    let here = |device: &&DeviceId| in_room.contains_key(device);
    coalitions
        .iter()
        .map(|c| (c.id, c.members.iter().filter(here).copied().collect()))
        .collect()
}

pub(super) fn named(formed: &Formed, devices: &[DeviceId], before: &Members) -> Members {
    let next: Vec<BTreeSet<DeviceId>> = formed
        .members
        .iter()
        .map(|members| members.iter().map(|&m| devices[m]).collect())
        .collect();
    let mut members: Members = keep_ids(before, &next).into_iter().zip(next).collect();
    members.sort_by_key(|(id, _)| *id);
    members
}

/// A coalition from its members' updates, of which each counts in the barycenter by its `share`. One whose members all
/// stayed away keeps what it had.
pub(super) fn coalition(
    weighting: Weighting,
    share: impl Fn(&ArmUpdate) -> f64,
    before: &[Coalition],
    round: &RoundUpdates,
    id: CoalitionId,
    members: BTreeSet<DeviceId>,
) -> Option<Coalition> {
    let updates = || members.iter().filter_map(|device| round.of(*device));
    let Some(barycenter) = weighted_mean(updates().map(|update| (&update.weights, share(update))))
    else {
        return unchanged(before, id, members);
    };
    let weight = weight_of(weighting, updates());
    let shares = shares_of(updates().map(|update| (update.device, share(update))));
    around(Arc::new(barycenter), shares, weight, round, id, members)
}

/// What a coalition counts in the mean of all by its members' updates.
fn weight_of<'a>(weighting: Weighting, updates: impl Iterator<Item = &'a ArmUpdate>) -> f64 {
    match weighting {
        Weighting::Coalitions => 1.0,
        Weighting::Size => updates.count() as f64,
        Weighting::Examples => updates.map(|update| f64::from(update.examples)).sum(),
    }
}

/// A coalition whose members all stayed away: it keeps the model that it had. None if it had none.
pub(super) fn unchanged(
    before: &[Coalition],
    id: CoalitionId,
    members: BTreeSet<DeviceId>,
) -> Option<Coalition> {
    let before = before.iter().find(|coalition| coalition.id == id)?;
    let center = if members.contains(&before.center) {
        before.center
    } else {
        *members.first()?
    };
    Some(Coalition {
        members,
        center,
        ..before.clone()
    })
}

/// A coalition around a given barycenter, in which updates count by `shares`. None if none of its members sent anything.
pub(super) fn around(
    barycenter: Arc<Params>,
    shares: Shares,
    weight: f64,
    round: &RoundUpdates,
    id: CoalitionId,
    members: BTreeSet<DeviceId>,
) -> Option<Coalition> {
    let updates: Vec<&ArmUpdate> = members.iter().filter_map(|d| round.of(*d)).collect();
    let mut distances = vec![0.0; updates.len()];
    parallel::each_chunk(&mut distances, 1, |number, distance| {
        distance[0] = squared_distance(&updates[number].weights, &barycenter);
    });
    let total: f64 = distances.iter().sum();
    let distances = updates.iter().zip(&distances);
    let (center, _) = distances.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    Some(Coalition {
        id,
        center: center.device,
        barycenter,
        spread: libm::sqrt(total / updates.len() as f64),
        weight,
        shares,
        members,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, model, round};
    use super::*;

    const FAR: [(u32, &[f32]); 4] = [(1, &[0.0]), (1, &[1.0]), (1, &[10.0]), (1, &[11.0])];
    /// Device 2 has gone over.
    const MOVED: [(u32, &[f32]); 4] = [(1, &[0.0]), (1, &[9.0]), (1, &[10.0]), (1, &[11.0])];

    fn options() -> Formation {
        Formation {
            k: 2,
            restarts: 20,
            ..Formation::default()
        }
    }

    fn after(options: &Formation, rounds: &[&[(u32, &[f32])]]) -> Grouping {
        let mut grouping = Grouping::new(options.clone(), model(&[0.0]));
        for (number, updates) in (1..).zip(rounds) {
            grouping.close(&round(number, updates));
        }
        grouping
    }

    fn found(options: &Formation, rounds: &[&[(u32, &[f32])]]) -> Vec<Vec<u32>> {
        members(after(options, rounds).coalitions())
    }

    #[test]
    fn coalitions_form_anew_as_often_as_the_options_say() {
        let stay = vec![vec![1, 2], vec![3, 4]];
        let go = vec![vec![1], vec![2, 3, 4]];
        let every = |reform_every| Formation {
            reform_every,
            ..options()
        };
        assert_eq!(found(&every(Some(1)), &[&FAR, &MOVED]), go);
        assert_eq!(found(&every(None), &[&FAR, &MOVED]), stay);
        assert_eq!(found(&every(Some(2)), &[&FAR, &MOVED]), stay);
        assert_eq!(found(&every(Some(2)), &[&FAR, &MOVED, &MOVED]), go);
    }

    #[test]
    fn coalitions_freeze_when_they_have_not_changed() {
        let options = Formation {
            freeze_after: Some(2),
            ..options()
        };
        let stay = vec![vec![1, 2], vec![3, 4]];
        assert_ne!(
            found(&options, &[&FAR, &FAR, &MOVED]),
            stay,
            "unchanged once"
        );
        assert_eq!(
            found(&options, &[&FAR, &FAR, &FAR, &MOVED]),
            stay,
            "unchanged twice"
        );
    }

    #[test]
    fn a_coalition_whose_members_stay_away_keeps_its_model() {
        let options = Formation {
            reform_every: None,
            ..options()
        };
        let mut grouping = after(&options, &[&FAR]);
        let mut half = round(2, &FAR[..2]);
        half.in_room
            .extend([(DeviceId(3), None), (DeviceId(4), None)]);
        grouping.close(&half);
        assert_eq!(members(grouping.coalitions()), [vec![1, 2], vec![3, 4]]);
        let far = coalition_of(grouping.coalitions(), DeviceId(3)).unwrap();
        assert_eq!(far.barycenter.values(), [10.5]);
        assert_eq!(grouping.global().values(), [5.5]);
    }

    #[test]
    fn devices_that_left_are_in_no_coalition() {
        let options = Formation {
            reform_every: None,
            ..options()
        };
        let mut grouping = after(&options, &[&FAR]);
        grouping.close(&round(2, &FAR[..3]));
        assert_eq!(members(grouping.coalitions()), [vec![1, 2], vec![3]]);
        grouping.close(&round(3, &FAR[..2]));
        assert_eq!(members(grouping.coalitions()), [vec![1, 2]]);
    }

    #[test]
    fn a_newcomer_joins_the_nearest_barycenter() {
        let options = Formation {
            reform_every: None,
            ..options()
        };
        let mut grouping = after(&options, &[&FAR]);
        grouping.close(&round(2, &[&FAR[..], &[(1, &[8.0])]].concat()));
        assert_eq!(members(grouping.coalitions()), [vec![1, 2], vec![3, 4, 5]]);
    }

    #[test]
    fn the_warm_up_adds_up_what_single_rounds_hide() {
        // Each round one of two coordinates is noise that makes a wrong pair; over two rounds it averages out.
        let first: [(u32, &[f32]); 4] = [
            (1, &[1.0, 3.0, 0.0]),
            (1, &[1.0, 0.0, 3.0]),
            (1, &[-1.0, 3.0, 0.0]),
            (1, &[-1.0, 0.0, 3.0]),
        ];
        let second: [(u32, &[f32]); 4] = [
            (1, &[1.0, 0.0, 3.0]),
            (1, &[1.0, 3.0, 0.0]),
            (1, &[-1.0, 0.0, 3.0]),
            (1, &[-1.0, 3.0, 0.0]),
        ];
        let options = Formation {
            k: 2,
            warm_up: 2,
            ..Formation::with_warm_up()
        };
        let mut grouping = Grouping::new(options, model(&[0.0; 3]));
        grouping.close(&round(1, &first));
        assert_eq!(members(grouping.coalitions()), [vec![1, 3], vec![2, 4]]);
        grouping.close(&round(2, &second));
        assert_eq!(members(grouping.coalitions()), [vec![1, 2], vec![3, 4]]);
    }
}
