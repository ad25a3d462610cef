//! Clustered federated learning (CFL): Sattler, Müller and Samek, "Clustered Federated Learning: Model-Agnostic
//! Distributed Multi-Task Optimization under Privacy Constraints" (arXiv 1910.01991, 2019; IEEE Transactions on Neural
//! Networks and Learning Systems, 2020).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::grouping::Members;
use super::{ArmUpdate, Coalition, Federations, RoundUpdates, Strategy, coalition_of};
use crate::coalition::{Agglomerative, Method, Until, keep_ids};
use crate::config::{CflOptions, Metric};
use crate::distance::{Gram, delta, norm, normalize};
use crate::ids::{CoalitionId, DeviceId};
use crate::params::Params;
use crate::rng::{Purpose, Stream};
use crate::wire::{Start, Task};

/// One cluster at first, a federation of all. A cluster whose members no longer agree, because their deltas are long but
/// their mean is short, is split in two by the angles between the deltas; and so on with the parts.
///
/// The paper compares the lengths with two numbers of its own models, ε₁ = 0.4 for the mean and ε₂ = 1.6 for the
/// longest. Here the mean is compared with the longest, which fits any model. The paper's parts are those whose most
/// similar members across are least similar, which is [`Linkage::Single`](crate::config::Linkage), the default.
///
/// Devices that were absent when their cluster was split, and new ones, start from the global model and join a cluster
/// by their next update. The paper asks them to go down the tree of splits instead.
#[derive(Debug)]
pub(super) struct Cfl {
    options: CflOptions,
    federations: Federations,
    /// Rounds closed so far.
    rounds: u32,
}

impl Cfl {
    pub(super) fn new(options: CflOptions, initial: Arc<Params>) -> Self {
        Self {
            options,
            federations: Federations::new(initial),
            rounds: 0,
        }
    }

    /// The two parts of a cluster that is to be split.
    fn split(
        &self,
        round: &RoundUpdates,
        id: CoalitionId,
        members: &BTreeSet<DeviceId>,
    ) -> Option<[BTreeSet<DeviceId>; 2]> {
        let before = self.federations.coalitions();
        // Deltas from another model than the cluster's say nothing about it.
        let started_here = |device: DeviceId| {
            before.is_empty() || coalition_of(before, device).is_some_and(|c| c.id == id)
        };
        let updates: Vec<&ArmUpdate> = round
            .updates
            .iter()
            .filter(|u| members.contains(&u.device) && started_here(u.device))
            .collect();
        let mut deltas: Vec<Vec<f32>> = updates
            .iter()
            .map(|u| delta(&u.weights, &u.start))
            .collect();
        let longest = deltas.iter().map(|d| norm(d)).fold(0.0, f64::max);
        if mean_length(&updates, &deltas)? >= self.options.split_below * longest {
            return None;
        }
        for delta in &mut deltas {
            normalize(delta);
        }
        let gram = Gram::of(&deltas);
        let method = Agglomerative {
            metric: Metric::Cosine,
            linkage: self.options.linkage,
            until: Until::Count(2),
        };
        let mut stream = Stream::new(round.seed, Purpose::Centers, round.round.0, id.0);
        let [a, b]: [Vec<usize>; 2] = method.form(&gram, &mut stream).members.try_into().ok()?;
        // √((1 − cos) / 2) is half the distance of two vectors of length 1.
        let across = a
            .iter()
            .flat_map(|&i| b.iter().map(move |&j| (i, j)))
            .map(|(i, j)| libm::sqrt(gram.squared_distance(i, j)) / 2.0)
            .fold(f64::INFINITY, f64::min);
        let large_enough = a.len().min(b.len()) >= self.options.min_size as usize;
        let devices = |part: Vec<usize>| part.into_iter().map(|i| updates[i].device).collect();
        (large_enough && across > self.options.gamma).then(|| [devices(a), devices(b)])
    }
}

/// Length of the mean of deltas by number of examples. None where there are no examples.
fn mean_length(updates: &[&ArmUpdate], deltas: &[Vec<f32>]) -> Option<f64> {
    let total: f64 = updates.iter().map(|u| f64::from(u.examples)).sum();
    let mut mean = vec![0.0; deltas.first()?.len()];
    for (update, delta) in updates.iter().zip(deltas) {
        for (sum, d) in mean.iter_mut().zip(delta) {
            *sum += f64::from(update.examples) * f64::from(*d);
        }
    }
    let squares: f64 = mean.iter().map(|sum| sum * sum).sum();
    (total > 0.0).then(|| libm::sqrt(squares) / total)
}

impl Strategy for Cfl {
    fn task(&self, device: DeviceId) -> Task {
        Start::Model(Arc::clone(self.federations.model_of(device))).into()
    }

    fn close(&mut self, round: &RoundUpdates) {
        self.rounds += 1;
        let before: Members = if self.federations.coalitions().is_empty() {
            let all = round.updates.iter().map(|update| update.device);
            vec![(CoalitionId(0), all.collect())]
        } else {
            self.federations.members(round)
        };
        let mut after: Vec<BTreeSet<DeviceId>> = Vec::new();
        for (id, members) in &before {
            let parts = (self.rounds > self.options.warm_up)
                .then(|| self.split(round, *id, members))
                .flatten();
            match parts {
                Some(parts) => after.extend(parts),
                None => after.push(members.clone()),
            }
        }
        let members = keep_ids(&before, &after).into_iter().zip(after).collect();
        self.federations.close(round, members);
    }

    fn global(&self) -> &Arc<Params> {
        self.federations.global()
    }

    fn coalitions(&self) -> &[Coalition] {
        self.federations.coalitions()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, model, round, start};
    use super::*;
    use crate::config::Linkage;

    /// Deltas from 0: the mean is [0.5, 0], the longest is √32.
    const APART: [(u32, &[f32]); 4] = [
        (1, &[3.0, 4.0]),
        (1, &[3.0, -4.0]),
        (1, &[0.0, 4.0]),
        (1, &[-4.0, -4.0]),
    ];

    fn strategy(options: CflOptions) -> Cfl {
        Cfl::new(options, model(&[0.0, 0.0]))
    }

    fn options() -> CflOptions {
        CflOptions {
            warm_up: 0,
            ..CflOptions::default()
        }
    }

    fn found(options: CflOptions, updates: &[(u32, &[f32])]) -> Vec<Vec<u32>> {
        let mut strategy = strategy(options);
        strategy.close(&round(1, updates));
        members(strategy.coalitions())
    }

    #[test]
    fn a_cluster_splits_when_its_members_pull_apart() {
        let mut strategy = strategy(CflOptions {
            warm_up: 1,
            ..options()
        });
        strategy.close(&round(1, &APART));
        assert_eq!(members(strategy.coalitions()), [vec![1, 2, 3, 4]]);
        let mut second = round(2, &APART);
        second.in_room.insert(DeviceId(5), None);
        strategy.close(&second);
        assert_eq!(members(strategy.coalitions()), [vec![1, 3], vec![2, 4]]);
        assert_eq!(start(&strategy, 1), [1.5, 4.0]);
        assert_eq!(start(&strategy, 2), [-0.5, -4.0]);
        assert_eq!(start(&strategy, 5), [0.5, 0.0]);
    }

    #[test]
    fn members_that_agree_stay_together() {
        // A mean of [1.5, 0], and the longest delta is √(3² + 4²) = 5: 0.3 of it.
        let updates: [(u32, &[f32]); 4] = [
            (1, &[3.0, 4.0]),
            (1, &[3.0, -4.0]),
            (1, &[0.0, 4.0]),
            (1, &[0.0, -4.0]),
        ];
        let below = |split_below| {
            found(
                CflOptions {
                    split_below,
                    ..options()
                },
                &updates,
            )
            .len()
        };
        assert_eq!((below(0.29), below(0.31)), (1, 2));
        // With more examples on the left the mean is shorter: [1, 0].
        let mut weighted = updates;
        weighted[2].0 = 2;
        weighted[3].0 = 2;
        let options = CflOptions {
            split_below: 0.21,
            ..options()
        };
        assert_eq!(found(options, &weighted).len(), 2);
    }

    #[test]
    fn parts_are_large_and_different_enough() {
        let with = |min_size, gamma| {
            found(
                CflOptions {
                    gamma,
                    min_size,
                    ..options()
                },
                &APART,
            )
            .len()
        };
        assert_eq!((with(2, 0.0), with(3, 0.0)), (2, 1));
        let lone: [(u32, &[f32]); 4] = [
            (1, &[1.0, 0.0]),
            (1, &[1.0, 0.0]),
            (1, &[1.0, 0.0]),
            (1, &[-3.0, 0.0]),
        ];
        let least = |min_size| CflOptions {
            min_size,
            ..options()
        };
        assert_eq!(found(least(1), &lone), [vec![1, 2, 3], vec![4]]);
        assert_eq!(found(least(2), &lone), [vec![1, 2, 3, 4]]);
        // The most similar across are devices 1 and 2, cos = (9 − 16) / 25 = −0.28: √0.64.
        assert_eq!((with(2, 0.79), with(2, 0.81)), (2, 1));
    }

    #[test]
    fn the_linkage_is_an_option() {
        // Directions 0°, 50°, 90°, 130°, 180° and 270°, which shortens the mean. Complete: {50°, 90°} and {130°, 180°}
        // merge first, single: all but 270°.
        let at = |degrees: f64| {
            let angle = degrees.to_radians();
            [libm::cos(angle) as f32, libm::sin(angle) as f32]
        };
        let points = [0.0, 50.0, 90.0, 130.0, 180.0, 270.0].map(at);
        let updates = points.each_ref().map(|p| (1, &p[..]));
        let with = |linkage| {
            found(
                CflOptions {
                    linkage,
                    min_size: 1,
                    ..options()
                },
                &updates,
            )
        };
        assert_eq!(with(Linkage::Single), [vec![1, 2, 3, 4, 5], vec![6]]);
        assert_eq!(with(Linkage::Complete).len(), 2);
        assert_ne!(with(Linkage::Complete), with(Linkage::Single));
    }

    #[test]
    fn who_was_absent_is_placed_by_its_next_update() {
        let mut strategy = strategy(options());
        let agree: [(u32, &[f32]); 5] = [(1, &[1.0, 0.0]); 5];
        strategy.close(&round(1, &agree));
        assert_eq!(members(strategy.coalitions()), [vec![1, 2, 3, 4, 5]]);
        let mut second = round(2, &APART);
        second.in_room.insert(DeviceId(5), None);
        strategy.close(&second);
        assert_eq!(members(strategy.coalitions()), [vec![1, 3], vec![2, 4]]);
        assert_eq!(start(&strategy, 5), [0.5, 0.0]);
        let mut third = round(
            3,
            &[
                (1, &[1.5, 4.0]),
                (1, &[-0.5, -4.0]),
                (1, &[1.5, 4.0]),
                (1, &[-0.5, -4.0]),
                (1, &[0.5, 1.0]),
            ],
        );
        for update in &mut third.updates {
            let model = strategy.federations.model_of(update.device);
            update.start = Arc::clone(model);
        }
        strategy.close(&third);
        assert_eq!(members(strategy.coalitions()), [vec![1, 3, 5], vec![2, 4]]);
    }
}
