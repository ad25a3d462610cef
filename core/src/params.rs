//! A model's parameters: one flat vector of f32 with named, shaped views.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayViewD, IxDyn};
use thiserror::Error;

/// Names, shapes and places of a model's tensors, in the order of the equivalent `torch.nn.Sequential`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamSpec {
    tensors: Vec<TensorSpec>,
    len: usize,
}

/// One tensor within the flat vector, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name, as in `0.weight`.
    pub name: String,
    /// Its shape, as in `[out, in]`.
    pub shape: Vec<usize>,
    /// Index of its first value.
    pub offset: usize,
    /// Number of its values.
    pub len: usize,
}

/// Parameters that fit a spec: as many as it says, all finite. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Params {
    values: Values,
    spec: Arc<ParamSpec>,
}

/// Numbers in a row, which may lie among others: those of a message stay where they were read.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    all: Arc<Vec<f32>>,
    range: Range<usize>,
}

/// Values that are no parameters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamsError {
    /// Too few or too many.
    #[error("{found} values, and the model has {expected}")]
    Length {
        /// As many were given.
        found: usize,
        /// As many are needed.
        expected: usize,
    },
    /// Not a number, or infinite.
    #[error("{count} values are not finite, the first is value {first} of tensor \"{tensor}\"")]
    NonFinite {
        /// How many.
        count: usize,
        /// The first one's tensor.
        tensor: String,
        /// Its index there.
        first: usize,
    },
}

impl ParamSpec {
    /// Tensors in order, each behind the one before.
    #[must_use]
    pub fn new(tensors: impl IntoIterator<Item = (String, Vec<usize>)>) -> Self {
        let mut offset = 0;
        let tensors = tensors
            .into_iter()
            .map(|(name, shape)| {
                let len = shape.iter().product();
                let tensor = TensorSpec {
                    name,
                    shape,
                    offset,
                    len,
                };
                offset += len;
                tensor
            })
            .collect();
        Self {
            tensors,
            len: offset,
        }
    }

    /// The tensors, in order.
    #[must_use]
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// Number of values of all tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no values at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl TensorSpec {
    /// This tensor's part of the flat vector.
    #[must_use]
    pub fn of<'a>(&self, values: &'a [f32]) -> &'a [f32] {
        &values[self.offset..self.offset + self.len]
    }
}

impl Values {
    /// Those of `all` that lie in `range`, which must be within.
    pub(crate) fn among(all: &Arc<Vec<f32>>, range: Range<usize>) -> Self {
        debug_assert!(range.end <= all.len());
        Self {
            all: Arc::clone(all),
            range,
        }
    }

    fn as_slice(&self) -> &[f32] {
        &self.all[self.range.clone()]
    }
}

impl From<Vec<f32>> for Values {
    fn from(all: Vec<f32>) -> Self {
        Self {
            range: 0..all.len(),
            all: Arc::new(all),
        }
    }
}

/// Whether all values are finite: one pass, several values at a time.
fn all_finite(values: &[f32]) -> bool {
    // Without the sign, bits order as the values do, and infinity and its like come last.
    let magnitude = |value: &f32| (value.to_bits() & !(1 << 31)).cast_signed();
    let largest = values
        .iter()
        .fold(0, |most, value| most.max(magnitude(value)));
    largest < magnitude(&f32::INFINITY)
}

/// What is wrong with values of which some are not finite.
fn non_finite(values: &[f32], spec: &ParamSpec) -> ParamsError {
    let mut culprits = (0..).zip(values).filter(|(_, value)| !value.is_finite());
    let at = culprits.next().map_or(0, |(at, _)| at);
    let tensor = spec
        .tensors
        .iter()
        .find(|t| (t.offset..t.offset + t.len).contains(&at));
    ParamsError::NonFinite {
        count: 1 + culprits.count(),
        tensor: tensor.map(|t| t.name.clone()).unwrap_or_default(),
        first: at - tensor.map_or(0, |t| t.offset),
    }
}

impl AsRef<[f32]> for Params {
    fn as_ref(&self) -> &[f32] {
        self.values()
    }
}

impl PartialEq for Params {
    fn eq(&self, other: &Self) -> bool {
        self.values() == other.values() && self.spec == other.spec
    }
}

impl Params {
    /// Takes values that fit `spec`.
    ///
    /// # Errors
    /// A wrong number of values, or values that are not finite.
    pub fn try_new(values: Vec<f32>, spec: &Arc<ParamSpec>) -> Result<Self, ParamsError> {
        Self::of(values.into(), spec)
    }

    /// The same of values that may lie among others.
    pub(crate) fn of(values: Values, spec: &Arc<ParamSpec>) -> Result<Self, ParamsError> {
        let found = values.as_slice();
        if found.len() != spec.len {
            return Err(ParamsError::Length {
                found: found.len(),
                expected: spec.len,
            });
        }
        if !all_finite(found) {
            return Err(non_finite(found, spec));
        }
        Ok(Self {
            values,
            spec: Arc::clone(spec),
        })
    }

    /// All values, in the order of the spec.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        self.values.as_slice()
    }

    /// Names and shapes.
    #[must_use]
    pub fn spec(&self) -> &Arc<ParamSpec> {
        &self.spec
    }

    /// The parameters with `delta` added to them, a number to each.
    ///
    /// # Errors
    /// Sums that are not finite.
    pub fn plus(&self, delta: &[f32]) -> Result<Self, ParamsError> {
        let sums = self.values().iter().zip(delta).map(|(a, b)| a + b);
        Self::try_new(sums.collect(), &self.spec)
    }

    /// A tensor by name, in its shape.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<ArrayViewD<'_, f32>> {
        let tensor = self.spec.tensors.iter().find(|t| t.name == name)?;
        ArrayViewD::from_shape(IxDyn(&tensor.shape), tensor.of(self.values())).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Arc<ParamSpec> {
        Arc::new(ParamSpec::new([
            ("0.weight".to_owned(), vec![2, 3]),
            ("0.bias".to_owned(), vec![2]),
        ]))
    }

    #[test]
    fn views_have_names_and_shapes() {
        let params = Params::try_new((0..8).map(|v| v as f32).collect(), &spec()).unwrap();
        let weight = params.view("0.weight").unwrap();
        assert_eq!(weight.shape(), [2, 3]);
        assert_eq!(weight[[1, 0]], 3.0);
        assert_eq!(
            params.view("0.bias").unwrap().as_slice(),
            Some(&[6.0, 7.0][..])
        );
        assert_eq!(params.view("1.bias"), None);
    }

    #[test]
    fn refuses_wrong_lengths() {
        let error = Params::try_new(vec![0.0; 7], &spec()).unwrap_err();
        assert_eq!(
            error,
            ParamsError::Length {
                found: 7,
                expected: 8
            }
        );
    }

    #[test]
    fn names_the_first_value_that_is_not_finite() {
        let mut values = vec![0.0; 8];
        values[7] = f32::NAN;
        let error = Params::try_new(values.clone(), &spec()).unwrap_err();
        assert_eq!(
            error,
            ParamsError::NonFinite {
                count: 1,
                tensor: "0.bias".to_owned(),
                first: 1
            }
        );
        values[2] = f32::INFINITY;
        let error = Params::try_new(values, &spec()).unwrap_err();
        assert_eq!(
            error,
            ParamsError::NonFinite {
                count: 2,
                tensor: "0.weight".to_owned(),
                first: 2
            }
        );
    }
}
