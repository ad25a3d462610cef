//! Models that travel as a delta to one that the other side has, as tensors beside those of whole models.

use half::f16;
use serde::{Deserialize, Serialize};

use super::carried::numbers;
use super::codec::is_default;
use super::message::WireError;
use super::safetensors::{Numbers, Tensors};
use crate::encoding::{ModelHash, Payload, Sizes};
use crate::params::Params;

/// An encoded delta, and the model that it is added to.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// That model.
    pub reference: ModelHash,
    /// The delta.
    pub payload: Payload,
}

/// A delta that a device sent instead of weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// As it was sent.
    pub encoded: Encoded,
    /// What it says, in the shape of the model.
    pub values: Params,
}

/// What the JSON of a message says of a model that travels as a delta.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeltaHeader {
    pub(super) model: String,
    pub(super) encoding: Form,
    pub(super) reference: ModelHash,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) rotation: u32,
}

/// What a payload looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    Same,
    F16,
    Int8,
    OneBit,
    TopK,
}

impl Encoded {
    pub(super) fn header(&self, model: &str) -> DeltaHeader {
        let (encoding, rotation) = match &self.payload {
            Payload::Same => (Form::Same, 0),
            Payload::F16(_) => (Form::F16, 0),
            Payload::Int8 { .. } => (Form::Int8, 0),
            Payload::OneBit { rotation, .. } => (Form::OneBit, *rotation),
            Payload::TopK { .. } => (Form::TopK, 0),
        };
        DeltaHeader {
            model: model.to_owned(),
            encoding,
            reference: self.reference,
            rotation,
        }
    }

    /// Its tensors, by what their names end in.
    pub(super) fn tensors(&self) -> Vec<(&'static str, Numbers<'_>)> {
        match &self.payload {
            Payload::Same => Vec::new(),
            Payload::F16(values) => vec![("f16", Numbers::F16(values))],
            Payload::Int8 { values, scales } => {
                vec![
                    ("int8", Numbers::I8(values)),
                    ("scale", Numbers::F32(scales)),
                ]
            }
            Payload::OneBit { signs, scales, .. } => vec![
                ("one_bit", Numbers::U8(signs)),
                ("scale", Numbers::F32(scales)),
            ],
            Payload::TopK { indices, values } => {
                vec![
                    ("top_k", Numbers::F32(values)),
                    ("index", Numbers::U32(indices)),
                ]
            }
        }
    }
}

impl Form {
    /// What its tensors' names end in.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Same => &[],
            Self::F16 => &["f16"],
            Self::Int8 => &["int8", "scale"],
            Self::OneBit => &["one_bit", "scale"],
            Self::TopK => &["top_k", "index"],
        }
    }
}

impl DeltaHeader {
    /// Whether a tensor, named without its model, is part of it.
    pub(super) fn has(&self, suffix: &str) -> bool {
        self.encoding.suffixes().contains(&suffix)
    }

    /// Reads the delta, of a model with `len` numbers.
    pub(super) fn read(&self, file: &Tensors<'_>, len: usize) -> Result<Encoded, WireError> {
        let numbers = |suffix: &str, dtype, expected| {
            numbers(file, format!("{}/{suffix}", self.model), dtype, expected)
        };
        let sizes = Sizes::of(len);
        let payload = match self.encoding {
            Form::Same => Payload::Same,
            Form::F16 => Payload::F16(each(numbers("f16", "F16", Some(len))?, f16::from_le_bytes)),
            Form::Int8 => Payload::Int8 {
                values: each(numbers("int8", "I8", Some(len))?, i8::from_le_bytes),
                scales: each(
                    numbers("scale", "F32", Some(sizes.int8_scales))?,
                    f32::from_le_bytes,
                ),
            },
            Form::OneBit => Payload::OneBit {
                signs: numbers("one_bit", "U8", Some(sizes.sign_bytes))?.to_vec(),
                scales: each(
                    numbers("scale", "F32", Some(sizes.rotated_scales))?,
                    f32::from_le_bytes,
                ),
                rotation: self.rotation,
            },
            Form::TopK => {
                let values = each(numbers("top_k", "F32", None)?, f32::from_le_bytes);
                let indices = numbers("index", "U32", Some(values.len()))?;
                Payload::TopK {
                    indices: each(indices, u32::from_le_bytes),
                    values,
                }
            }
        };
        Ok(Encoded {
            reference: self.reference,
            payload,
        })
    }
}

/// Numbers of `N` bytes each.
fn each<T, const N: usize>(bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|b| number(*b)).collect()
}
