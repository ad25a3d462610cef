//! Seeded randomness: one stream per `(run seed, purpose, round, device or slot)`, so that no order of events and no
//! number of threads changes what is drawn.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What random numbers are drawn for. Streams of different purposes have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The run's initial model.
    InitialModel = 1,
    /// Order of a class's examples before they are dealt out.
    Deal = 2,
    /// A slot's mix of labels.
    LabelMix = 3,
    /// Order of a device's examples in a round.
    Shuffle = 4,
    /// First centers of a formation.
    Centers = 5,
    /// A group's swaps of labels.
    LabelSwap = 6,
    /// The devices that a round asks.
    Cohort = 7,
    /// A slot's number of examples.
    Quantity = 8,
    /// Signs of a rotation, under which a step crosses the wire.
    Rotation = 9,
    /// Where a delta's numbers go in its sketch.
    Sketch = 10,
    /// What goes wrong in the laboratory: who is slow, lost, late, or an attacker.
    Trouble = 20,
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of a purpose, with two numbers that tell its uses apart (round and device, or 0).
    #[must_use]
    pub fn new(seed: u32, purpose: Purpose, a: u32, b: u32) -> Self {
        let mut key = [0; 32];
        for (bytes, word) in key
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .zip([seed, purpose as u32, a, b])
        {
            *bytes = word.to_le_bytes();
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform in [0, 1), with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in 0..n, without bias (Lemire 2019). `n` must not be 0.
    pub fn below(&mut self, n: u32) -> u32 {
        debug_assert!(n > 0);
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(n);
            if product as u32 >= n.wrapping_neg() % n {
                return (product >> 32) as u32;
            }
        }
    }

    /// Puts a slice in random order (Fisher and Yates). Slices are shorter than 2³².
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u32 + 1) as usize);
        }
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        radius * libm::cos(2.0 * core::f64::consts::PI * self.uniform())
    }

    /// Gamma with the given shape and scale 1 (Marsaglia and Tsang 2000). With `libm` throughout, because the standard
    /// library's functions give other bits in the browser.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(1.0 - self.uniform(), 1.0 / shape);
            return boost * self.gamma(shape + 1.0);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            if libm::log(1.0 - self.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_in_every_coordinate() {
        let draw = |seed, purpose, a, b| Stream::new(seed, purpose, a, b).uniform();
        let base = draw(7, Purpose::Shuffle, 1, 2);
        assert_eq!(base, draw(7, Purpose::Shuffle, 1, 2));
        for other in [
            draw(8, Purpose::Shuffle, 1, 2),
            draw(7, Purpose::Centers, 1, 2),
            draw(7, Purpose::Shuffle, 2, 2),
            draw(7, Purpose::Shuffle, 1, 3),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut stream = Stream::new(1, Purpose::LabelMix, 0, 0);
        let n = 40_000;
        let mean =
            |draw: &mut dyn FnMut() -> f64| (0..n).map(|_| draw()).sum::<f64>() / f64::from(n);
        assert!((mean(&mut || stream.uniform()) - 0.5).abs() < 0.01);
        assert!(mean(&mut || stream.normal()).abs() < 0.02);
        assert!((mean(&mut || stream.normal().powi(2)) - 1.0).abs() < 0.03);
        for shape in [0.3, 0.5, 1.0, 4.0] {
            let found = mean(&mut || stream.gamma(shape));
            assert!(
                (found - shape).abs() < 0.04 * shape.max(1.0),
                "{shape}: {found}"
            );
        }
    }

    #[test]
    fn below_hits_every_number_equally_often() {
        let mut stream = Stream::new(1, Purpose::Shuffle, 0, 0);
        let mut counts = [0; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        assert!(
            counts.iter().all(|c| (9_600..10_400).contains(c)),
            "{counts:?}"
        );
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Stream::new(3, Purpose::Shuffle, 0, 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
