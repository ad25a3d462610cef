//! Models and their training arithmetic: forward, softmax cross-entropy, backward.
//!
//! A [`Network`] is a chain of layers over one flat vector of *packed* weights: dense weights in panels (see
//! [`constellation_kernels`]), everything padded to eight values. Training works on packed weights from its first step to its
//! last; [`Network::pack`] and [`Network::unpack`] translate from and to [`Params`], which have the order of the
//! equivalent `torch.nn.Sequential`.

mod builder;
mod onnx;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, limits, range, require};
use crate::data::Shape;
use crate::params::{ParamSpec, Params, TensorSpec};
use crate::rng::{Purpose, Stream};

use builder::Builder;
use constellation_kernels::{Chain, Weighted};
pub use constellation_kernels::{Loss, Packed, Workspace};

/// Which model a run trains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelConfig {
    /// Multinomial logistic regression.
    Softmax {},
    /// Dense layers with `ReLU` between them.
    Mlp {
        /// Units of each hidden layer.
        hidden: Vec<u32>,
    },
    /// Convolution 5×5×10, max-pool, convolution 5×5×20, max-pool, dense 50: 21,840 parameters on 28×28 images.
    Cnn {},
    /// Convolution 5×5×16, max-pool, convolution 5×5×32, max-pool, dense 64: 46,730 parameters on 28×28 images.
    CnnWide {},
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self::Mlp { hidden: vec![64] }
    }
}

impl ModelConfig {
    pub(crate) fn check(&self, shape: Shape) -> Result<(), ConfigError> {
        match self {
            Self::Softmax {} => Ok(()),
            Self::Mlp { hidden } => {
                let layers = hidden.len();
                let field = "model.hidden";
                require(
                    (1..=limits::HIDDEN_LAYERS).contains(&layers),
                    field,
                    format!("a list of {layers}"),
                    "1 to 8 layers",
                )?;
                for &units in hidden {
                    range(field, units, 1, limits::HIDDEN_UNITS)?;
                }
                // Only now: layers within their limits cannot make this large.
                let parameters = Network::new(self, shape).spec.len();
                require(
                    parameters <= limits::PARAMETERS as usize,
                    field,
                    format!("{hidden:?}, which makes {parameters} parameters"),
                    format!("layers that make up to {} parameters", limits::PARAMETERS),
                )
            }
            Self::Cnn {} | Self::CnnWide {} => {
                let name = match self {
                    Self::CnnWide {} => "cnn_wide",
                    _ => "cnn",
                };
                require(
                    shape.image == Some((28, 28)),
                    "model.kind",
                    name,
                    format!("another model: {name} is for images of 28×28"),
                )
            }
        }
    }
}

/// A model's layers and the shape of its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    chain: Chain,
    spec: Arc<ParamSpec>,
}

/// Two convolutions, each pooled, and two dense layers, on images of 28×28.
fn convolutional(builder: &mut Builder, [first, second, dense]: [usize; 3], classes: usize) {
    builder.conv(1, first, 28);
    builder.max_pool(first, 24);
    builder.relu();
    builder.conv(first, second, 12);
    builder.max_pool(second, 8);
    builder.relu();
    builder.flatten();
    builder.dense(dense);
    builder.relu();
    builder.dense(classes);
}

impl Network {
    /// The network of a configuration, for examples of a shape.
    #[must_use]
    pub fn new(config: &ModelConfig, shape: Shape) -> Self {
        let inputs = shape.inputs as usize;
        let classes = shape.classes as usize;
        let mut builder = Builder::new(inputs);
        match config {
            ModelConfig::Softmax {} => builder.dense(classes),
            ModelConfig::Mlp { hidden } => {
                for &units in hidden {
                    builder.dense(units as usize);
                    builder.relu();
                }
                builder.dense(classes);
            }
            ModelConfig::Cnn {} => convolutional(&mut builder, [10, 20, 50], classes),
            ModelConfig::CnnWide {} => convolutional(&mut builder, [16, 32, 64], classes),
        }
        builder.finish(inputs, classes)
    }

    /// Names and shapes of the parameters.
    #[must_use]
    pub fn spec(&self) -> &Arc<ParamSpec> {
        &self.spec
    }

    /// Values of one example, padded to a multiple of eight with zeros.
    #[must_use]
    pub fn input_stride(&self) -> usize {
        self.chain.input_stride()
    }

    /// Number of labels.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.chain.classes
    }

    /// The initial model of a run: uniform within one over the root of a unit's inputs, as PyTorch does by default.
    #[must_use]
    pub fn initial(&self, seed: u32) -> Params {
        self.initial_of(seed, 0)
    }

    /// One of a run's initial models, for strategies that begin with several; number 0 is [`Self::initial`].
    #[must_use]
    pub fn initial_of(&self, seed: u32, number: u32) -> Params {
        let mut stream = Stream::new(seed, Purpose::InitialModel, number, 0);
        let mut values = Vec::with_capacity(self.spec.len());
        for (layer, tensors) in self.weighted() {
            let bound = 1.0 / (layer.fan_in() as f64).sqrt();
            let count: usize = tensors.iter().map(|t| t.len).sum();
            values.extend((0..count).map(|_| ((2.0 * stream.uniform() - 1.0) * bound) as f32));
        }
        let Ok(params) = Params::try_new(values, &self.spec) else {
            unreachable!("as many values as the spec has, all bounded");
        };
        params
    }

    /// Parameters as training wants them.
    #[must_use]
    pub fn pack(&self, params: &Params) -> Packed {
        self.pack_values(params.values())
    }

    /// Values in the order of the spec as training wants them; they need not be finite.
    #[must_use]
    pub(crate) fn pack_values(&self, values: &[f32]) -> Packed {
        let mut packed = vec![0.0; self.chain.packed_len];
        for ((layer, tensors), range) in self.weighted().zip(self.weight_ranges()) {
            layer.pack(
                tensors[0].of(values),
                tensors[1].of(values),
                &mut packed[range],
            );
        }
        packed
    }

    /// Packed weights in the order of the spec. They may be no [`Params`], if training diverged.
    #[must_use]
    pub fn unpack(&self, packed: &Packed) -> Vec<f32> {
        let mut values = vec![0.0; self.spec.len()];
        for ((layer, tensors), range) in self.weighted().zip(self.weight_ranges()) {
            let start = tensors[0].offset;
            let (weight, bias) =
                values[start..start + tensors[0].len + tensors[1].len].split_at_mut(tensors[0].len);
            layer.unpack(&packed[range], weight, bias);
        }
        values
    }

    /// Buffers for batches of up to `batch` examples.
    #[must_use]
    pub fn workspace(&self, batch: usize) -> Workspace {
        self.chain.workspace(batch)
    }

    /// Loss and correct answers of a batch. `x` is `[labels.len(), input_stride]`.
    pub fn evaluate(
        &self,
        packed: &Packed,
        x: &[f32],
        labels: &[u8],
        work: &mut Workspace,
    ) -> Loss {
        self.chain.evaluate(packed, x, labels, work)
    }

    /// The probability of each class for one example. `x` is `[input_stride]`.
    #[must_use]
    pub fn probabilities(&self, packed: &Packed, x: &[f32], work: &mut Workspace) -> Vec<f32> {
        self.chain.probabilities(packed, x, work)
    }

    /// Loss and correct answers of a batch, and in `gradient`, which is overwritten, the mean loss by every packed
    /// weight. `x` is `[labels.len(), input_stride]`.
    pub fn gradient(
        &self,
        packed: &Packed,
        x: &[f32],
        labels: &[u8],
        work: &mut Workspace,
        gradient: &mut Packed,
    ) -> Loss {
        self.chain.gradient(packed, x, labels, work, gradient)
    }

    /// As [`Self::gradient`], and a step of plain SGD: takes `rate` times the gradient off the weights. `gradient` is room
    /// to work in.
    pub fn descend(
        &self,
        packed: &mut Packed,
        x: &[f32],
        labels: &[u8],
        work: &mut Workspace,
        gradient: &mut Packed,
        rate: f32,
    ) -> Loss {
        self.chain.descend(packed, x, labels, work, gradient, rate)
    }

    /// The layers with weights, each with its two tensors.
    fn weighted(&self) -> impl Iterator<Item = (&dyn Weighted, &[TensorSpec])> {
        self.chain
            .layers
            .iter()
            .filter_map(|placed| placed.layer.weighted())
            .zip(self.spec.tensors().chunks_exact(2))
    }

    fn weight_ranges(&self) -> impl Iterator<Item = core::ops::Range<usize>> {
        self.chain
            .layers
            .iter()
            .filter(|placed| placed.layer.weighted().is_some())
            .map(|placed| placed.weights.clone())
    }
}

#[cfg(test)]
mod tests;
