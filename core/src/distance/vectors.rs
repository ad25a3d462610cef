//! What distances are taken between, one vector a device: weights where they lie, and whatever follows from weights,
//! worked out part by part where it is needed. So no second copy of all devices' weights is ever made.

use crate::config::{DistanceKind, LayerScale};
use crate::distance::norm;
use crate::parallel;
use crate::params::{ParamSpec, Params};

/// Vectors of one length.
pub trait Vectors: Sync {
    /// How many.
    fn count(&self) -> usize;

    /// Values of each.
    fn dimension(&self) -> usize;

    /// Writes values of a vector, from value `from` on, as many as there is room for.
    fn read(&self, vector: usize, from: usize, values: &mut [f32]);

    /// All of a vector, if it lies in memory.
    fn in_memory(&self, _vector: usize) -> Option<&[f32]> {
        None
    }

    /// Values of a vector, from value `from` on, as many as there is room for: in that room, or where they lie.
    fn part<'a>(&'a self, vector: usize, from: usize, room: &'a mut [f32]) -> &'a [f32] {
        if let Some(values) = self.in_memory(vector) {
            return &values[from..][..room.len()];
        }
        self.read(vector, from, room);
        room
    }
}

impl<T: AsRef<[f32]> + Sync> Vectors for [T] {
    fn count(&self) -> usize {
        self.len()
    }

    fn dimension(&self) -> usize {
        self.first().map_or(0, |vector| vector.as_ref().len())
    }

    fn read(&self, vector: usize, from: usize, values: &mut [f32]) {
        values.copy_from_slice(&self[vector].as_ref()[from..][..values.len()]);
    }

    fn in_memory(&self, vector: usize) -> Option<&[f32]> {
        Some(self[vector].as_ref())
    }
}

impl<T: AsRef<[f32]> + Sync> Vectors for Vec<T> {
    fn count(&self) -> usize {
        self.as_slice().count()
    }

    fn dimension(&self) -> usize {
        self.as_slice().dimension()
    }

    fn read(&self, vector: usize, from: usize, values: &mut [f32]) {
        self.as_slice().read(vector, from, values);
    }

    fn in_memory(&self, vector: usize) -> Option<&[f32]> {
        self.as_slice().in_memory(vector)
    }
}

/// What the distance of devices is taken between. `starts` are the models the devices started from.
#[must_use]
pub fn features<'a>(
    kind: DistanceKind,
    scale: LayerScale,
    weights: Vec<&'a Params>,
    starts: Vec<&'a Params>,
) -> Box<dyn Vectors + 'a> {
    let spec = weights.first().map(|weights| weights.spec().as_ref());
    let vectors: Box<dyn Vectors + 'a> = match kind {
        DistanceKind::Weights => Box::new(weights),
        DistanceKind::Deltas | DistanceKind::UnitDeltas => Box::new(Deltas { weights, starts }),
    };
    let vectors = match (scale, spec) {
        (LayerScale::ByNorm, Some(spec)) => Box::new(Scaled::by_norm(vectors, spec)),
        (LayerScale::ByNorm, None) | (LayerScale::Raw, _) => vectors,
    };
    match kind {
        DistanceKind::UnitDeltas => unit(vectors),
        DistanceKind::Weights | DistanceKind::Deltas => vectors,
    }
}

/// Vectors scaled to length 1; a zero vector stays.
#[must_use]
pub fn unit<'a>(vectors: Box<dyn Vectors + 'a>) -> Box<dyn Vectors + 'a> {
    let lengths = of_each(vectors.as_ref(), norm);
    Box::new(Unit { vectors, lengths })
}

/// Something of every vector, on every core.
fn of_each<T: Clone + Default + Send>(
    vectors: &dyn Vectors,
    of: impl Fn(&[f32]) -> T + Sync + Send,
) -> Vec<T> {
    let mut results = vec![T::default(); vectors.count()];
    parallel::each_chunk(&mut results, 1, |vector, result| {
        let mut room = vec![0.0; vectors.dimension()];
        result[0] = of(vectors.part(vector, 0, &mut room));
    });
    results
}

/// Weights less the models they started from.
struct Deltas<'a> {
    weights: Vec<&'a Params>,
    starts: Vec<&'a Params>,
}

impl Vectors for Deltas<'_> {
    fn count(&self) -> usize {
        self.weights.count()
    }

    fn dimension(&self) -> usize {
        self.weights.dimension()
    }

    fn read(&self, vector: usize, from: usize, values: &mut [f32]) {
        let weights = &self.weights[vector].values()[from..];
        let start = &self.starts[vector].values()[from..];
        for ((value, w), s) in values.iter_mut().zip(weights).zip(start) {
            *value = w - s;
        }
    }
}

/// Vectors whose tensors are each divided by a number.
struct Scaled<'a> {
    vectors: Box<dyn Vectors + 'a>,
    spec: &'a ParamSpec,
    /// A tensor's, or 0 where there is nothing to divide.
    scales: Vec<f64>,
}

impl<'a> Scaled<'a> {
    /// Every tensor by the root mean square of its length over the vectors.
    fn by_norm(vectors: Box<dyn Vectors + 'a>, spec: &'a ParamSpec) -> Self {
        let tensors = spec.tensors();
        let lengths = of_each(vectors.as_ref(), |vector| -> Vec<f64> {
            tensors
                .iter()
                .map(|tensor| norm(tensor.of(vector)))
                .collect()
        });
        let scale = |tensor: usize| {
            let squares: f64 = lengths.iter().map(|of| of[tensor] * of[tensor]).sum();
            libm::sqrt(squares / lengths.len() as f64)
        };
        Self {
            scales: (0..tensors.len()).map(scale).collect(),
            vectors,
            spec,
        }
    }
}

impl Vectors for Scaled<'_> {
    fn count(&self) -> usize {
        self.vectors.count()
    }

    fn dimension(&self) -> usize {
        self.vectors.dimension()
    }

    fn read(&self, vector: usize, from: usize, values: &mut [f32]) {
        self.vectors.read(vector, from, values);
        for (tensor, scale) in self.spec.tensors().iter().zip(&self.scales) {
            let within = |place: usize| place.clamp(from, from + values.len()) - from;
            let range = within(tensor.offset)..within(tensor.offset + tensor.len);
            if *scale > 0.0 {
                divide(&mut values[range], *scale);
            }
        }
    }
}

/// Vectors of length 1.
struct Unit<'a> {
    vectors: Box<dyn Vectors + 'a>,
    lengths: Vec<f64>,
}

impl Vectors for Unit<'_> {
    fn count(&self) -> usize {
        self.vectors.count()
    }

    fn dimension(&self) -> usize {
        self.vectors.dimension()
    }

    fn read(&self, vector: usize, from: usize, values: &mut [f32]) {
        self.vectors.read(vector, from, values);
        if self.lengths[vector] > 0.0 {
            divide(values, self.lengths[vector]);
        }
    }
}

fn divide(values: &mut [f32], by: f64) {
    for value in values {
        *value = (f64::from(*value) / by) as f32;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn vector(vectors: &dyn Vectors, number: usize) -> Vec<f32> {
        let mut values = vec![0.0; vectors.dimension()];
        vectors.read(number, 0, &mut values);
        values
    }

    #[test]
    fn features_are_what_they_are_called() {
        let spec = Arc::new(ParamSpec::new([
            ("a".to_owned(), vec![1]),
            ("b".to_owned(), vec![2]),
        ]));
        let params = |v: [f32; 3]| Params::try_new(v.to_vec(), &spec).unwrap();
        let (start, w, other) = (
            params([1.0, 1.0, 1.0]),
            params([1.0, 4.0, 5.0]),
            params([3.0, 1.0, 1.0]),
        );
        let of = |kind, scale| features(kind, scale, vec![&w, &other], vec![&start, &start]);
        let first = |kind, scale| vector(of(kind, scale).as_ref(), 0);
        assert_eq!(
            first(DistanceKind::Weights, LayerScale::Raw),
            [1.0, 4.0, 5.0]
        );
        assert_eq!(
            first(DistanceKind::Deltas, LayerScale::Raw),
            [0.0, 3.0, 4.0]
        );
        assert_eq!(
            first(DistanceKind::UnitDeltas, LayerScale::Raw),
            [0.0, 0.6, 0.8]
        );
        // Root mean square lengths of the deltas: a: √(4/2), b: √(25/2).
        let scaled = of(DistanceKind::Deltas, LayerScale::ByNorm);
        for number in 0..2 {
            let length = norm(&vector(scaled.as_ref(), number));
            assert!((length - 2.0_f64.sqrt()).abs() < 1e-6);
        }
    }

    #[test]
    fn parts_are_of_the_whole() {
        let spec = Arc::new(ParamSpec::new([
            ("a".to_owned(), vec![5]),
            ("b".to_owned(), vec![4]),
        ]));
        let noise = |seed: usize| {
            let values = (0..9).map(|i| ((i * i + seed) % 7) as f32).collect();
            Params::try_new(values, &spec).unwrap()
        };
        let (weights, start) = ([noise(1), noise(3)], noise(2));
        for (kind, scale) in [
            (DistanceKind::Weights, LayerScale::Raw),
            (DistanceKind::Weights, LayerScale::ByNorm),
            (DistanceKind::UnitDeltas, LayerScale::ByNorm),
        ] {
            let vectors = features(kind, scale, weights.iter().collect(), vec![&start, &start]);
            for number in 0..2 {
                let whole = vector(vectors.as_ref(), number);
                for from in 0..9 {
                    for len in 0..=9 - from {
                        let mut room = vec![0.0; len];
                        let part = vectors.part(number, from, &mut room);
                        assert_eq!(part, &whole[from..from + len], "{kind:?}, {scale:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_vector_without_length_stays_so() {
        let still = unit(Box::new(vec![vec![0.0_f32; 3], vec![0.0, 3.0, 4.0]]));
        assert_eq!(vector(still.as_ref(), 0), [0.0; 3]);
        assert_eq!(vector(still.as_ref(), 1), [0.0, 0.6, 0.8]);
    }
}
