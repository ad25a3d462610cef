//! Layers one behind the other: forward, loss, backward.

use crate::conv::Conv;
use crate::dense::Dense;
use crate::linalg::LANES;
use crate::loss::{self, Loss};
use crate::pool::MaxPool;

/// Layers over one flat vector of packed weights.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The layers, in order.
    pub layers: Vec<Placed>,
    /// Values of one example.
    pub inputs: usize,
    /// Number of labels.
    pub classes: usize,
    /// Number of packed weights.
    pub packed_len: usize,
}

/// A layer and where its weights lie among the packed ones.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The layer.
    pub layer: Layer,
    /// Where its weights lie.
    pub weights: core::ops::Range<usize>,
    /// Values of one example behind this layer, padded.
    pub stride: usize,
}

/// What a layer does.
#[derive(Clone, Debug)]
pub enum Layer {
    /// `y = x · Wᵀ + b`.
    Dense(Dense),
    /// 5×5 without padding.
    Conv(Conv),
    /// The largest of every 2×2.
    MaxPool(MaxPool),
    /// What is above zero.
    Relu,
}

/// A layer with weights, as far as packing must know it.
pub trait Weighted {
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
    /// The layer, if it has weights.
    #[must_use]
    pub fn weighted(&self) -> Option<&dyn Weighted> {
        match self {
            Self::Dense(dense) => Some(dense),
            Self::Conv(conv) => Some(conv),
            Self::MaxPool(_) | Self::Relu => None,
        }
    }
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

impl Chain {
    /// Values of one example, padded to a multiple of eight with zeros.
    #[must_use]
    pub fn input_stride(&self) -> usize {
        self.inputs.next_multiple_of(LANES)
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
        forward(self, packed, x, labels.len(), work);
        let (scores, stride) = self.scores(labels.len(), work);
        loss::measure(scores, stride, self.classes, labels)
    }

    /// The probability of each class for one example. `x` is `[input_stride]`.
    #[must_use]
    pub fn probabilities(&self, packed: &Packed, x: &[f32], work: &mut Workspace) -> Vec<f32> {
        forward(self, packed, x, 1, work);
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
        forward(self, packed, x, labels.len(), work);
        backward(self, packed, x, labels, work, gradient)
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
}

each_width! {
    /// Fills the workspace with what each layer gives for a batch.
    fn forward(chain: &Chain, packed: &Packed, x: &[f32], batch: usize, work: &mut Workspace) {
        assert!(
            batch <= work.batch,
            "a batch of {batch} in a workspace for {}",
            work.batch
        );
        let mut input_stride = chain.input_stride();
        for (at, placed) in chain.layers.iter().enumerate() {
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
}

each_width! {
    /// The mean loss of a batch that has gone [`forward`], by every packed weight, in `gradient`.
    fn backward(
        chain: &Chain,
        packed: &Packed,
        x: &[f32],
        labels: &[u8],
        work: &mut Workspace,
        gradient: &mut Packed,
    ) -> Loss {
        let batch = labels.len();
        let Some(last) = chain.layers.len().checked_sub(1) else {
            return Loss::default();
        };
        let stride = chain.layers[last].stride;
        let scores = &work.outputs[last][..batch * stride];
        let found = loss::differentiate(
            scores,
            stride,
            chain.classes,
            labels,
            &mut work.slopes[last][..batch * stride],
        );
        for at in (0..=last).rev() {
            let placed = &chain.layers[at];
            let (below, above) = work.slopes.split_at_mut(at);
            let slope = &above[0][..batch * placed.stride];
            let input_stride = if at == 0 {
                chain.input_stride()
            } else {
                chain.layers[at - 1].stride
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
}
