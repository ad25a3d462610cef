//! Models and their training arithmetic: forward, softmax cross-entropy, backward.
//!
//! A [`Network`] is a chain of layers over one flat vector of *packed* weights: dense weights in panels (see
//! [`crate::linalg`]), everything padded to eight values. Training works on packed weights from its first step to its
//! last; [`Network::pack`] and [`Network::unpack`] translate from and to [`Params`], which have the order of the
//! equivalent `torch.nn.Sequential`.

mod builder;
mod conv;
mod dense;
mod loss;
mod onnx;
mod pool;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, limits, range, require};
use crate::data::Shape;
use crate::linalg::{self, LANES};
use crate::params::{ParamSpec, Params, TensorSpec};
use crate::rng::{Purpose, Stream};

use builder::Builder;
use conv::Conv;
use dense::Dense;
pub use loss::Loss;
use pool::MaxPool;

/// Which model a run trains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
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
    layers: Vec<Placed>,
    spec: Arc<ParamSpec>,
    inputs: usize,
    classes: usize,
    packed_len: usize,
}

/// A layer and where its weights lie among the packed ones.
#[derive(Clone, Debug)]
struct Placed {
    layer: Layer,
    weights: core::ops::Range<usize>,
    /// Values of one example behind this layer, padded.
    stride: usize,
}

#[derive(Clone, Debug)]
enum Layer {
    Dense(Dense),
    Conv(Conv),
    MaxPool(MaxPool),
    Relu,
}

/// A layer with weights, as far as packing must know it.
trait Weighted {
    /// Shapes of weight and bias in the order of PyTorch.
    fn shapes(&self) -> [Vec<usize>; 2];
    /// Inputs of one unit: the bound of its first weights is one over its root.
    fn fan_in(&self) -> usize;
    /// Number of packed values.
    fn packed_len(&self) -> usize;
    /// From weight and bias to packed.
    fn pack(&self, weight: &[f32], bias: &[f32], packed: &mut [f32]);
    /// From packed to weight and bias.
    fn unpack(&self, packed: &[f32], weight: &mut [f32], bias: &mut [f32]);
}

impl Layer {
    fn weighted(&self) -> Option<&dyn Weighted> {
        match self {
            Self::Dense(dense) => Some(dense),
            Self::Conv(conv) => Some(conv),
            Self::MaxPool(_) | Self::Relu => None,
        }
    }
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

/// Packed weights of a network, or their gradient.
pub type Packed = Vec<f32>;

/// Buffers of a training step, allocated once for the largest batch.
#[derive(Clone, Debug)]
pub struct Workspace {
    batch: usize,
    /// What each layer gave for the batch, one behind the other.
    outputs: Vec<Vec<f32>>,
    /// Loss by what each layer gave.
    slopes: Vec<Vec<f32>>,
    /// Patches of one image, for the convolutions.
    patches: Vec<f32>,
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
        self.inputs.next_multiple_of(LANES)
    }

    /// Number of labels.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
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
            let bound = 1.0 / libm::sqrt(layer.fan_in() as f64);
            let count: usize = tensors.iter().map(|t| t.len).sum();
            values.extend((0..count).map(|_| ((2.0 * stream.uniform() - 1.0) * bound) as f32));
        }
        Params::try_new(values, &self.spec).expect("as many values as the spec has, all bounded")
    }

    /// Parameters as training wants them.
    #[must_use]
    pub fn pack(&self, params: &Params) -> Packed {
        self.pack_values(params.values())
    }

    /// Values in the order of the spec as training wants them; they need not be finite.
    #[must_use]
    pub(crate) fn pack_values(&self, values: &[f32]) -> Packed {
        let mut packed = vec![0.0; self.packed_len];
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
        let buffers = || {
            self.layers
                .iter()
                .map(|placed| vec![0.0; batch * placed.stride])
                .collect::<Vec<_>>()
        };
        let patches = self.layers.iter().map(|placed| {
            if let Layer::Conv(conv) = &placed.layer {
                conv.patches_len()
            } else {
                0
            }
        });
        Workspace {
            batch,
            outputs: buffers(),
            slopes: buffers(),
            patches: vec![0.0; patches.max().unwrap_or(0)],
        }
    }

    /// Loss and correct answers of a batch. `x` is `[labels.len(), input_stride]`.
    pub fn evaluate(
        &self,
        packed: &Packed,
        x: &[f32],
        labels: &[u8],
        work: &mut Workspace,
    ) -> Loss {
        evaluate(self, packed, x, labels, work)
    }

    /// The probability of each class for one example. `x` is `[input_stride]`.
    #[must_use]
    pub fn probabilities(&self, packed: &Packed, x: &[f32], work: &mut Workspace) -> Vec<f32> {
        // Another forward pass of its own would be compiled into the tab's program once more.
        self.evaluate(packed, x, &[0], work);
        let (scores, _) = self.scores(1, work);
        loss::softmax(&scores[..self.classes])
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
        differentiate(self, packed, x, labels, work, gradient)
    }

    /// [`Self::gradient`], compiled for the vector width of its caller.
    #[inline(always)]
    fn backward(
        &self,
        packed: &Packed,
        x: &[f32],
        labels: &[u8],
        work: &mut Workspace,
        gradient: &mut Packed,
    ) -> Loss {
        let batch = labels.len();
        self.forward(packed, x, batch, work);
        let Some(last) = self.layers.len().checked_sub(1) else {
            return Loss::default();
        };
        let stride = self.layers[last].stride;
        let scores = &work.outputs[last][..batch * stride];
        let found = loss::differentiate(
            scores,
            stride,
            self.classes,
            labels,
            &mut work.slopes[last][..batch * stride],
        );
        for at in (0..=last).rev() {
            let placed = &self.layers[at];
            let (below, above) = work.slopes.split_at_mut(at);
            let slope = &above[0][..batch * placed.stride];
            let input_stride = if at == 0 {
                self.input_stride()
            } else {
                self.layers[at - 1].stride
            };
            let input = if at == 0 {
                x
            } else {
                &work.outputs[at - 1][..batch * input_stride]
            };
            // The slope by the network's input is nobody's business.
            let slope_below = below
                .last_mut()
                .map(|buffer| &mut buffer[..batch * input_stride]);
            let weights = &packed[placed.weights.clone()];
            let gradient = &mut gradient[placed.weights.clone()];
            match &placed.layer {
                Layer::Dense(dense) => {
                    dense.backward(weights, input, input_stride, slope, gradient, slope_below);
                }
                Layer::Conv(conv) => conv.backward(
                    weights,
                    input,
                    slope,
                    gradient,
                    slope_below,
                    &mut work.patches,
                ),
                Layer::MaxPool(pool) => {
                    if let Some(below) = slope_below {
                        pool.backward(input, slope, below);
                    }
                }
                Layer::Relu => {
                    if let Some(below) = slope_below {
                        for ((below, slope), input) in below.iter_mut().zip(slope).zip(input) {
                            *below = if *input > 0.0 { *slope } else { 0.0 };
                        }
                    }
                }
            }
        }
        found
    }

    #[inline(always)]
    fn forward(&self, packed: &Packed, x: &[f32], batch: usize, work: &mut Workspace) {
        assert!(
            batch <= work.batch,
            "a batch of {batch} in a workspace for {}",
            work.batch
        );
        let mut input_stride = self.input_stride();
        for (at, placed) in self.layers.iter().enumerate() {
            let (below, above) = work.outputs.split_at_mut(at);
            let input = below
                .last()
                .map_or(x, |buffer| &buffer[..batch * input_stride]);
            let output = &mut above[0][..batch * placed.stride];
            let weights = &packed[placed.weights.clone()];
            match &placed.layer {
                Layer::Dense(dense) => dense.forward(weights, input, input_stride, output),
                Layer::Conv(conv) => conv.forward(weights, input, output, &mut work.patches),
                Layer::MaxPool(pool) => pool.forward(input, output),
                Layer::Relu => {
                    for (y, x) in output.iter_mut().zip(input) {
                        *y = if *x > 0.0 { *x } else { 0.0 };
                    }
                }
            }
            input_stride = placed.stride;
        }
    }

    fn scores<'w>(&self, batch: usize, work: &'w Workspace) -> (&'w [f32], usize) {
        let stride = self.layers.last().map_or(0, |placed| placed.stride);
        (
            work.outputs
                .last()
                .map_or(&[], |buffer| &buffer[..batch * stride]),
            stride,
        )
    }

    /// The layers with weights, each with its two tensors.
    fn weighted(&self) -> impl Iterator<Item = (&dyn Weighted, &[TensorSpec])> {
        self.layers
            .iter()
            .filter_map(|placed| placed.layer.weighted())
            .zip(self.spec.tensors().chunks_exact(2))
    }

    fn weight_ranges(&self) -> impl Iterator<Item = core::ops::Range<usize>> {
        self.layers
            .iter()
            .filter(|placed| placed.layer.weighted().is_some())
            .map(|placed| placed.weights.clone())
    }
}

linalg::each_width! {
    /// [`Network::evaluate`], compiled for each vector width.
    fn evaluate(
        network: &Network,
        packed: &Packed,
        x: &[f32],
        labels: &[u8],
        work: &mut Workspace,
    ) -> Loss {
        network.forward(packed, x, labels.len(), work);
        let (scores, stride) = network.scores(labels.len(), work);
        loss::measure(scores, stride, network.classes, labels)
    }
}

linalg::each_width! {
    /// [`Network::gradient`], compiled for each vector width.
    fn differentiate(
        network: &Network,
        packed: &Packed,
        x: &[f32],
        labels: &[u8],
        work: &mut Workspace,
        gradient: &mut Packed,
    ) -> Loss {
        network.backward(packed, x, labels, work, gradient)
    }
}

#[cfg(test)]
mod tests;
