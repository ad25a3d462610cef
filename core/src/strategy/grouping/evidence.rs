//! What coalitions form from: the weights that devices have sent, or their sketches.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::{ArmUpdate, RoundSketches, RoundUpdates};
use crate::aggregate::squared_distance;
use crate::config::{DistanceKind, Formation, LayerScale};
use crate::distance::{Gram, Vectors, delta, features, norm, unit};
use crate::ids::{DeviceId, Round};
use crate::params::Params;
use crate::sketch;

/// What is known of a round's devices when coalitions form.
pub(super) trait Evidence {
    /// The run's seed, and the round.
    fn seed_and_round(&self) -> (u32, Round);

    /// All devices of the room, with their hidden groups.
    fn in_room(&self) -> &BTreeMap<DeviceId, Option<u32>>;

    /// Those of which something is known, in order.
    fn devices(&self) -> Vec<DeviceId>;

    /// Their unit-length deltas, or what stands for these.
    fn unit_deltas(&self, layers: LayerScale) -> Box<dyn Vectors + '_>;

    /// Inner products of what the options take distances between, scaled to length 1 for a method that goes by angles.
    fn gram(&self, options: &Formation, by_angle: bool) -> Cow<'_, Gram>;

    /// How far the device of this number is from a coalition, as [`strangeness`] says.
    fn strangeness(&self, number: usize, kind: DistanceKind, barycenter: &Params) -> f64;
}

impl Evidence for RoundUpdates {
    fn seed_and_round(&self) -> (u32, Round) {
        (self.seed, self.round)
    }

    fn in_room(&self) -> &BTreeMap<DeviceId, Option<u32>> {
        &self.in_room
    }

    fn devices(&self) -> Vec<DeviceId> {
        self.updates.iter().map(|update| update.device).collect()
    }

    fn unit_deltas(&self, layers: LayerScale) -> Box<dyn Vectors + '_> {
        update_features(DistanceKind::UnitDeltas, layers, self)
    }

    fn gram(&self, options: &Formation, by_angle: bool) -> Cow<'_, Gram> {
        let (distance, layers) = (options.distance, options.layers);
        if (distance, layers, by_angle) == (DistanceKind::Weights, LayerScale::Raw, false) {
            return Cow::Borrowed(self.weights_gram());
        }
        let vectors = update_features(distance, layers, self);
        let vectors = if by_angle { unit(vectors) } else { vectors };
        Cow::Owned(Gram::of(vectors.as_ref()))
    }

    fn strangeness(&self, number: usize, kind: DistanceKind, barycenter: &Params) -> f64 {
        strangeness(kind, &self.updates[number], barycenter)
    }
}

/// Sketches have length 1, and are of deltas.
impl Evidence for RoundSketches {
    fn seed_and_round(&self) -> (u32, Round) {
        (self.seed, self.round)
    }

    fn in_room(&self) -> &BTreeMap<DeviceId, Option<u32>> {
        &self.in_room
    }

    fn devices(&self) -> Vec<DeviceId> {
        self.sketches.iter().map(|sketch| sketch.device).collect()
    }

    fn unit_deltas(&self, _: LayerScale) -> Box<dyn Vectors + '_> {
        let directions = self.sketches.iter().map(|sketch| &sketch.direction);
        Box::new(directions.collect::<Vec<_>>())
    }

    fn gram(&self, _: &Formation, _: bool) -> Cow<'_, Gram> {
        Cow::Borrowed(self.sketches_gram())
    }

    fn strangeness(&self, number: usize, _: DistanceKind, barycenter: &Params) -> f64 {
        let known = &self.sketches[number];
        let (to, start) = (barycenter.values(), known.start.values());
        let way = sketch::direction_of(to, start, self.seed);
        1.0 - sketch::cosine(&known.direction, &way)
    }
}

/// Vectors that distances of a round's devices are taken between.
pub(in crate::strategy) fn update_features(
    kind: DistanceKind,
    layers: LayerScale,
    round: &RoundUpdates,
) -> Box<dyn Vectors + '_> {
    let weights = round.updates.iter().map(|update| &update.weights);
    let starts = round.updates.iter().map(|update| update.start.as_ref());
    features(kind, layers, weights.collect(), starts.collect())
}

/// How far an update is from a coalition: by direction, seen from the model that the device started from, where
/// distances are between unit-length deltas; else by squared distance to the barycenter.
pub(in crate::strategy) fn strangeness(
    kind: DistanceKind,
    update: &ArmUpdate,
    barycenter: &Params,
) -> f64 {
    match kind {
        DistanceKind::Weights | DistanceKind::Deltas => {
            squared_distance(&update.weights, barycenter)
        }
        DistanceKind::UnitDeltas => {
            let (own, theirs) = (
                delta(&update.weights, &update.start),
                delta(barycenter, &update.start),
            );
            let product: f64 = own
                .iter()
                .zip(&theirs)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum();
            let lengths = norm(&own) * norm(&theirs);
            if lengths > 0.0 {
                1.0 - product / lengths
            } else {
                1.0
            }
        }
    }
}
