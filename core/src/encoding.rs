//! Models in fewer bytes: the delta to a model that the other side has, coarsened.
//!
//! All of them work on a whole model's numbers in their order, with sums and rotations in a fixed order, so that the
//! sender knows to the bit what the receiver makes of it.

use core::fmt;

use half::f16;
use serde::{Deserialize, Serialize};

use crate::params::Params;
use crate::rng::{Purpose, Stream};

/// How the numbers of models cross the wire.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Encoding {
    /// Weights as they are: 4 bytes each.
    F32 {},
    /// Deltas as half-precision numbers: 2 bytes each.
    F16 {},
    /// Deltas as whole numbers from -127 to 127, with a scale for every [`INT8_BLOCK`] of them: about a byte each.
    Int8 {},
    /// The signs of the randomly rotated delta and a scale for every [`ROTATED_BLOCK`] of them: about a bit each (DRIVE,
    /// Vargaftik et al. 2021). What is lost is added to the next delta.
    OneBit {},
    /// The largest numbers of the delta alone: 8 bytes each (Aji and Heafield 2017). What is lost is added to the next
    /// delta.
    TopK {
        /// Part of a model's numbers that is sent, above 0, up to [`MOST_SHARE`].
        #[serde(default = "default_share")]
        share: f64,
    },
}

/// An encoding by its name, other than plain weights, which everybody can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// [`Encoding::F16`].
    F16,
    /// [`Encoding::Int8`].
    Int8,
    /// [`Encoding::OneBit`].
    OneBit,
    /// [`Encoding::TopK`].
    TopK,
}

impl Kind {
    /// All of them: what a device of this program can read and write.
    pub const ALL: [Self; 4] = [Self::F16, Self::Int8, Self::OneBit, Self::TopK];

    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Int8 => "int8",
            Self::OneBit => "one_bit",
            Self::TopK => "top_k",
        }
    }
}

/// Numbers of a delta that share a scale in [`Encoding::Int8`].
pub const INT8_BLOCK: usize = 256;
/// Numbers of a delta that are rotated together in [`Encoding::OneBit`]; the last of them are filled up to a power of two.
pub const ROTATED_BLOCK: usize = 4_096;
/// Largest part of a delta that [`Encoding::TopK`] sends: more would take more bytes than plain weights.
pub const MOST_SHARE: f64 = 0.5;

/// A hundredth, as in most of what is published about such deltas.
fn default_share() -> f64 {
    0.01
}

impl Default for Encoding {
    fn default() -> Self {
        Self::F32 {}
    }
}

impl Encoding {
    /// Its name, unless it is plain weights.
    #[must_use]
    pub fn kind(self) -> Option<Kind> {
        match self {
            Self::F32 {} => None,
            Self::F16 {} => Some(Kind::F16),
            Self::Int8 {} => Some(Kind::Int8),
            Self::OneBit {} => Some(Kind::OneBit),
            Self::TopK { .. } => Some(Kind::TopK),
        }
    }

    /// The delta in this encoding. `rotation` names a stream of randomness, another one for every delta. `None` if it is
    /// one that this encoding cannot say: plain weights can.
    #[must_use]
    pub fn encode(self, delta: &[f32], rotation: u32) -> Option<Payload> {
        let finite = delta.iter().all(|v| v.is_finite());
        let payload = match self {
            Self::F32 {} => return None,
            _ if delta.iter().all(|v| *v == 0.0) => Payload::Same,
            Self::F16 {} => Payload::F16(delta.iter().map(|v| f16::from_f32(*v)).collect()),
            Self::Int8 {} => int8(delta),
            Self::OneBit {} => one_bit(delta, rotation),
            Self::TopK { share } => top_k(delta, share),
        };
        // Numbers too large for the encoding come out infinite.
        (finite && payload.is_finite()).then_some(payload)
    }

    /// The delta from one model to another in this encoding, with what is still owed of those before, which may be
    /// nothing. `None` where [`Self::encode`] has none.
    #[must_use]
    pub fn split(self, from: &Params, to: &[f32], owed: &[f32], rotation: u32) -> Option<Split> {
        self.kind()?;
        let pairs = to.iter().zip(from.values());
        let mut delta: Vec<f32> = pairs.map(|(to, from)| to - from).collect();
        for (delta, owed) in delta.iter_mut().zip(owed) {
            *delta += owed;
        }
        let payload = self.encode(&delta, rotation)?;
        let said = payload.decode(delta.len())?;
        if self.owes() {
            for (delta, said) in delta.iter_mut().zip(&said) {
                *delta -= said;
            }
        } else {
            delta.clear();
        }
        Some(Split {
            payload,
            said,
            owed: delta,
        })
    }

    /// Whether so much is lost of a delta that the sender must remember it.
    #[must_use]
    pub fn owes(self) -> bool {
        matches!(self, Self::OneBit {} | Self::TopK { .. })
    }
}

/// What is sent of a delta, and what is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// What is sent.
    pub payload: Payload,
    /// What a receiver makes of it.
    pub said: Vec<f32>,
    /// What is to be added to the next delta; empty where so little is lost that nothing is.
    pub owed: Vec<f32>,
}

/// An encoded delta.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// No delta at all.
    Same,
    /// One number each.
    F16(Vec<f16>),
    /// One number each, times the scale of its block.
    Int8 {
        /// From -127 to 127.
        values: Vec<i8>,
        /// One per [`INT8_BLOCK`].
        scales: Vec<f32>,
    },
    /// Signs of the rotated delta.
    OneBit {
        /// Eight to a byte, the first in the lowest bit; 1 for positive.
        signs: Vec<u8>,
        /// One per [`ROTATED_BLOCK`].
        scales: Vec<f32>,
        /// Which stream of randomness the rotation is of.
        rotation: u32,
    },
    /// The largest numbers.
    TopK {
        /// Where they are, in order.
        indices: Vec<u32>,
        /// What they are.
        values: Vec<f32>,
    },
}

impl Payload {
    /// The delta that a receiver makes of it: `len` numbers. `None` if it is not about so many.
    #[must_use]
    pub fn decode(&self, len: usize) -> Option<Vec<f32>> {
        match self {
            Self::Same => Some(vec![0.0; len]),
            Self::F16(values) => {
                (values.len() == len).then(|| values.iter().map(|v| v.to_f32()).collect())
            }
            Self::Int8 { values, scales } => {
                let fits = values.len() == len && scales.len() == Sizes::of(len).int8_scales;
                let blocks = values.chunks(INT8_BLOCK).zip(scales);
                let scaled = blocks.flat_map(|(block, scale)| {
                    block.iter().map(move |value| f32::from(*value) * scale)
                });
                fits.then(|| scaled.collect())
            }
            Self::OneBit {
                signs,
                scales,
                rotation,
            } => {
                let Sizes {
                    sign_bytes,
                    rotated_scales,
                    ..
                } = Sizes::of(len);
                let fits = signs.len() == sign_bytes && scales.len() == rotated_scales;
                fits.then(|| from_signs(signs, scales, *rotation, len))
            }
            Self::TopK { indices, values } => {
                let mut delta = vec![0.0; len];
                for (index, value) in indices.iter().zip(values) {
                    *delta.get_mut(*index as usize)? = *value;
                }
                (indices.len() == values.len()).then_some(delta)
            }
        }
    }

    /// Whether no number of it is infinite.
    fn is_finite(&self) -> bool {
        match self {
            Self::Same => true,
            Self::F16(values) => values.iter().all(|v| v.is_finite()),
            Self::Int8 { scales, .. } | Self::OneBit { scales, .. } => {
                scales.iter().all(|v| v.is_finite())
            }
            Self::TopK { values, .. } => values.iter().all(|v| v.is_finite()),
        }
    }
}

/// Names a model by its numbers, so that both sides can tell whether they speak of the same: FNV-1a of 64 bits over the
/// little-endian bytes of its f32s. Good against mistakes, not against malice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelHash(u64);

impl ModelHash {
    /// Of a model's numbers.
    #[must_use]
    pub fn of(model: &Params) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for value in model.values() {
            for byte in value.to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        Self(hash)
    }

    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u64::from_str_radix(text, 16)
            .ok()
            .filter(|_| digits)
            .map(Self)
    }
}

impl TryFrom<String> for ModelHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_hex(&text).ok_or("a model is named by 16 hexadecimal digits")
    }
}

impl From<ModelHash> for String {
    fn from(hash: ModelHash) -> Self {
        hash.to_string()
    }
}

impl fmt::Display for ModelHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

fn int8(delta: &[f32]) -> Payload {
    let mut values = Vec::with_capacity(delta.len());
    let mut scales = Vec::with_capacity(delta.len().div_ceil(INT8_BLOCK));
    for block in delta.chunks(INT8_BLOCK) {
        let largest = block.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let scale = largest / 127.0;
        scales.push(scale);
        // Of a block of zeros, or of numbers too small to be divided, nothing is left.
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        let inverse = if inverse.is_finite() { inverse } else { 0.0 };
        values.extend(block.iter().map(|v| libm::roundf(v * inverse) as i8));
    }
    Payload::Int8 { values, scales }
}

/// The k numbers with the largest magnitude; of equal ones the first.
fn top_k(delta: &[f32], share: f64) -> Payload {
    let k = libm::ceil(share * delta.len() as f64) as usize;
    let magnitude = |v: &f32| v.abs().to_bits();
    let above = |least: u32| delta.iter().filter(|v| magnitude(v) > least).count();
    // Magnitudes are ordered as their bits are: the smallest that leaves no more than k above it, bit by bit.
    let mut threshold = 0;
    for bit in (0..31).rev() {
        let raised = threshold | (1 << bit);
        if above(raised - 1) > k {
            threshold = raised;
        }
    }
    let mut ties = k.saturating_sub(above(threshold));
    let mut indices = Vec::with_capacity(k);
    let mut values = Vec::with_capacity(k);
    for (index, value) in (0..).zip(delta) {
        let taken = magnitude(value) > threshold || (magnitude(value) == threshold && ties > 0);
        if taken {
            if magnitude(value) == threshold {
                ties -= 1;
            }
            indices.push(index);
            values.push(*value);
        }
    }
    Payload::TopK { indices, values }
}

/// How many numbers the parts of a payload have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) int8_scales: usize,
    pub(crate) sign_bytes: usize,
    pub(crate) rotated_scales: usize,
}

impl Sizes {
    /// For a delta of `len` numbers.
    pub(crate) fn of(len: usize) -> Self {
        let last = len % ROTATED_BLOCK;
        let rotated = len - last + if last == 0 { 0 } else { filled(last) };
        Self {
            int8_scales: len.div_ceil(INT8_BLOCK),
            sign_bytes: rotated / 8,
            rotated_scales: len.div_ceil(ROTATED_BLOCK),
        }
    }
}

/// Numbers of a block that `len` are filled up to: a power of two, and whole bytes.
fn filled(len: usize) -> usize {
    len.next_power_of_two().max(8)
}

/// Signs by which numbers are multiplied before a rotation and after its reverse.
struct Flips(Stream);

impl Flips {
    fn new(rotation: u32) -> Self {
        Self(Stream::new(rotation, Purpose::Rotation, 0, 0))
    }

    fn apply(&mut self, block: &mut [f32]) {
        for numbers in block.chunks_mut(32) {
            let bits = self.0.bits();
            for (i, number) in numbers.iter_mut().enumerate() {
                if bits >> i & 1 == 1 {
                    *number = -*number;
                }
            }
        }
    }
}

/// The Walsh-Hadamard transform, scaled so that it keeps lengths and is its own reverse.
fn hadamard(block: &mut [f32]) {
    let mut half = 1;
    while half < block.len() {
        for pair in block.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (block.len() as f32).sqrt();
    for number in block {
        *number *= scale;
    }
}

/// The scale makes the decoded delta right on average over rotations: ‖x‖² / ‖Rx‖₁.
fn one_bit(delta: &[f32], rotation: u32) -> Payload {
    let mut flips = Flips::new(rotation);
    let sizes = Sizes::of(delta.len());
    let mut signs = Vec::with_capacity(sizes.sign_bytes);
    let mut scales = Vec::with_capacity(sizes.rotated_scales);
    let mut block = Vec::with_capacity(ROTATED_BLOCK);
    for numbers in delta.chunks(ROTATED_BLOCK) {
        block.clear();
        block.extend_from_slice(numbers);
        block.resize(filled(numbers.len()), 0.0);
        flips.apply(&mut block);
        hadamard(&mut block);
        let square: f64 = numbers.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
        let taxicab: f64 = block.iter().map(|v| f64::from(v.abs())).sum();
        scales.push(if taxicab > 0.0 {
            (square / taxicab) as f32
        } else {
            0.0
        });
        for eight in block.as_chunks::<8>().0 {
            let bit = |(i, v): (usize, &f32)| u8::from(*v >= 0.0) << i;
            signs.push(eight.iter().enumerate().map(bit).sum());
        }
    }
    Payload::OneBit {
        signs,
        scales,
        rotation,
    }
}

/// What [`one_bit`]'s signs and scales say; there are as many as `len` numbers have.
fn from_signs(signs: &[u8], scales: &[f32], rotation: u32, len: usize) -> Vec<f32> {
    let mut flips = Flips::new(rotation);
    let mut delta = Vec::with_capacity(len);
    let mut block = Vec::with_capacity(ROTATED_BLOCK);
    for (bytes, scale) in signs.chunks(ROTATED_BLOCK / 8).zip(scales) {
        block.clear();
        for byte in bytes {
            block.extend((0..8).map(|i| if byte >> i & 1 == 1 { *scale } else { -scale }));
        }
        hadamard(&mut block);
        flips.apply(&mut block);
        let wanted = (len - delta.len()).min(block.len());
        delta.extend_from_slice(&block[..wanted]);
    }
    delta
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::params::ParamSpec;

    fn noise(len: usize, number: u32) -> Vec<f32> {
        let mut stream = Stream::new(number, Purpose::Trouble, 0, 0);
        (0..len).map(|_| stream.normal() as f32).collect()
    }

    fn decoded(encoding: Encoding, delta: &[f32], rotation: u32) -> Vec<f32> {
        let payload = encoding.encode(delta, rotation).unwrap();
        payload.decode(delta.len()).unwrap()
    }

    fn square(values: impl IntoIterator<Item = f32>) -> f64 {
        values
            .into_iter()
            .map(|v| f64::from(v) * f64::from(v))
            .sum()
    }

    /// Squared length of what is lost, as a part of the delta's.
    fn lost(encoding: Encoding, delta: &[f32], rotation: u32) -> f64 {
        let decoded = decoded(encoding, delta, rotation);
        square(delta.iter().zip(&decoded).map(|(a, b)| a - b)) / square(delta.iter().copied())
    }

    #[test]
    fn encodings_lose_what_they_may() {
        let delta = noise(10_000, 1);
        let f16 = lost(Encoding::F16 {}, &delta, 0).sqrt();
        assert!(f16 < 0.0004, "{f16}");
        let int8 = lost(Encoding::Int8 {}, &delta, 0).sqrt();
        assert!((0.004..0.01).contains(&int8), "{int8}");
        // π/2 - 1, for an unbiased estimate from the signs of Gaussian numbers.
        let one_bit = lost(Encoding::OneBit {}, &delta, 3);
        assert!((one_bit - 0.571).abs() < 0.02, "{one_bit}");
        let top = lost(Encoding::TopK { share: 0.5 }, &delta, 0);
        assert!((0.05..0.1).contains(&top), "{top}");
    }

    #[test]
    fn one_bit_is_right_on_average() {
        let delta = noise(1_000, 2);
        let times = 300;
        let mut mean = vec![0.0_f32; delta.len()];
        for rotation in 0..times {
            let decoded = decoded(Encoding::OneBit {}, &delta, rotation);
            for (sum, value) in mean.iter_mut().zip(&decoded) {
                *sum += value / times as f32;
            }
        }
        let off =
            square(delta.iter().zip(&mean).map(|(a, b)| a - b)) / square(delta.iter().copied());
        // Independent errors of 0.571 shrink to a 300th, and a bias would not.
        assert!(off < 2.0 * 0.571 / f64::from(times), "{off}");
    }

    #[test]
    fn a_delta_by_hand() {
        let delta = [0.0, -3.0, 1.0, 3.0, 0.5];
        let top = Encoding::TopK { share: 0.4 }.encode(&delta, 0).unwrap();
        let expected = Payload::TopK {
            indices: vec![1, 3],
            values: vec![-3.0, 3.0],
        };
        assert_eq!(top, expected);
        let first = Encoding::TopK { share: 0.2 }.encode(&delta, 0).unwrap();
        assert_eq!(first.decode(5).unwrap(), [0.0, -3.0, 0.0, 0.0, 0.0]);
        let int8 = Encoding::Int8 {}
            .encode(&[0.0, -127.0, 63.4, 12.5], 0)
            .unwrap();
        let expected = Payload::Int8 {
            values: vec![0, -127, 63, 13],
            scales: vec![1.0],
        };
        assert_eq!(int8, expected);
        let none = Encoding::OneBit {}.encode(&[0.0; 5], 0).unwrap();
        assert_eq!(none, Payload::Same);
    }

    #[test]
    fn what_an_encoding_cannot_say_is_not_said() {
        for encoding in [
            Encoding::F16 {},
            Encoding::Int8 {},
            Encoding::OneBit {},
            Encoding::TopK { share: 0.1 },
        ] {
            assert_eq!(encoding.encode(&[1.0, f32::INFINITY], 0), None);
            assert_eq!(encoding.encode(&[1.0, f32::NAN], 0), None);
        }
        assert_eq!(Encoding::F16 {}.encode(&[70_000.0], 0), None);
        assert_eq!(Encoding::F32 {}.encode(&[1.0], 0), None);
    }

    #[test]
    fn payloads_are_about_so_many_numbers() {
        let delta = noise(5_000, 4);
        for encoding in [Encoding::F16 {}, Encoding::Int8 {}, Encoding::OneBit {}] {
            let payload = encoding.encode(&delta, 1).unwrap();
            assert_eq!(payload.decode(delta.len() + 5_000), None, "{encoding:?}");
        }
        let outside = Payload::TopK {
            indices: vec![5_000],
            values: vec![1.0],
        };
        assert_eq!(outside.decode(5_000), None);
    }

    #[test]
    fn hashes_by_hand() {
        // FNV-1a of the bytes 00 00 80 3f, computed with another program.
        let spec = Arc::new(ParamSpec::new([("w".to_owned(), vec![1])]));
        let hash = ModelHash::of(&Params::try_new(vec![1.0], &spec).unwrap());
        assert_eq!(ModelHash::from_hex(&hash.to_string()), Some(hash));
        assert_eq!(hash.to_string(), "4b72477f9c5c2f98");
        assert_eq!(ModelHash::from_hex("+b72477f9c5c2f98"), None);
        assert_eq!(ModelHash::from_hex("4b72"), None);
    }

    proptest! {
        #[test]
        fn every_delta_comes_back_with_its_length(
            delta in vec(-1e3_f32..1e3, 1..9_000),
            share in 0.001..MOST_SHARE,
            rotation: u32,
        ) {
            for encoding in [
                Encoding::F16 {},
                Encoding::Int8 {},
                Encoding::OneBit {},
                Encoding::TopK { share },
            ] {
                let payload = encoding.encode(&delta, rotation).unwrap();
                prop_assert_eq!(payload.decode(delta.len()).unwrap().len(), delta.len());
                if let Payload::TopK { indices, values } = payload {
                    let k = (share * delta.len() as f64).ceil() as usize;
                    prop_assert_eq!(indices.len(), k);
                    prop_assert!(indices.is_sorted_by(|a, b| a < b));
                    let least = values.iter().fold(f32::INFINITY, |least, v| least.min(v.abs()));
                    let others = (0..).zip(&delta).filter(|(i, _)| !indices.contains(i));
                    prop_assert!(others.into_iter().all(|(_, v)| v.abs() <= least));
                }
            }
        }
    }
}
