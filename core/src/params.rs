//! A model's parameters: one flat vector of f32 with named, shaped views.

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

/// Parameters that fit a spec: as many as it says, all finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    values: Vec<f32>,
    spec: Arc<ParamSpec>,
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

impl Params {
    /// Takes values that fit `spec`.
    ///
    /// # Errors
    /// A wrong number of values, or values that are not finite.
    pub fn try_new(values: Vec<f32>, spec: &Arc<ParamSpec>) -> Result<Self, ParamsError> {
        if values.len() != spec.len {
            return Err(ParamsError::Length {
                found: values.len(),
                expected: spec.len,
            });
        }
        // One pass without a branch per value; the search for the culprit only when there is one.
        let count = values.iter().filter(|v| !v.is_finite()).count();
        if count > 0 {
            let at = values
                .iter()
                .position(|v| !v.is_finite())
                .unwrap_or_default();
            let tensor = spec
                .tensors
                .iter()
                .find(|t| (t.offset..t.offset + t.len).contains(&at));
            return Err(ParamsError::NonFinite {
                count,
                tensor: tensor.map(|t| t.name.clone()).unwrap_or_default(),
                first: at - tensor.map_or(0, |t| t.offset),
            });
        }
        Ok(Self {
            values,
            spec: Arc::clone(spec),
        })
    }

    /// All values, in the order of the spec.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
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
        let sums = self.values.iter().zip(delta).map(|(a, b)| a + b);
        Self::try_new(sums.collect(), &self.spec)
    }

    /// A tensor by name, in its shape.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<ArrayViewD<'_, f32>> {
        let tensor = self.spec.tensors.iter().find(|t| t.name == name)?;
        ArrayViewD::from_shape(IxDyn(&tensor.shape), tensor.of(&self.values)).ok()
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
