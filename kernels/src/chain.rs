//! Layers one behind the other: forward, loss, backward.

use crate::conv::{self, Conv};
use crate::dense::Dense;
use crate::descent::Target;
use crate::linalg::{LANES, lanes_mut};
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

/// What going backward is for: the gradient by these weights, or a step by the rate as well.
#[derive(Debug)]
enum Step<'a> {
    Gradient(&'a Packed),
    Descent(&'a mut Packed, f32),
}

/// Buffers of a training step, allocated once for the largest batch.
#[derive(Clone, Debug)]
pub struct Workspace {
    batch: usize,
    /// What each layer gave for the batch, one behind the other.
    outputs: Vec<Vec<f32>>,
    /// Loss by what each layer gave; empty where the next layer puts it in the outputs' place.
    slopes: Vec<Vec<f32>>,
    conv: conv::Work,
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
        let lengths = self.layers.iter().map(|placed| batch * placed.stride);
        let outputs = lengths.clone().map(|len| vec![0.0; len]);
        let slopes = lengths.enumerate().map(|(at, len)| {
            let len = if self.is_in_place(at + 1) { 0 } else { len };
            vec![0.0; len]
        });
        let mut conv = conv::Work::default();
        for placed in &self.layers {
            if let Layer::Conv(layer) = placed.layer {
                conv.grow(layer);
            }
        }
        Workspace {
            batch,
            outputs: outputs.collect(),
            slopes: slopes.collect(),
            conv,
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
        backward(self, Step::Gradient(packed), x, labels, work, gradient)
    }

    /// As [`Self::gradient`], and a step of plain SGD: takes `rate` times the gradient off the weights. What `gradient`
    /// holds then is nobody's business.
    pub fn descend(
        &self,
        packed: &mut Packed,
        x: &[f32],
        labels: &[u8],
        work: &mut Workspace,
        gradient: &mut Packed,
        rate: f32,
    ) -> Loss {
        forward(self, packed, x, labels.len(), work);
        backward(self, Step::Descent(packed, rate), x, labels, work, gradient)
    }

    /// Whether there is a layer `at` which has no weights.
    fn is_in_place(&self, at: usize) -> bool {
        let layer = self.layers.get(at);
        layer.is_some_and(|placed| placed.layer.weighted().is_none())
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
                Layer::Conv(conv) => conv.forward(weights, input, output, &mut work.conv),
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
        mut step: Step<'_>,
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
            let (inputs, outputs) = work.outputs.split_at_mut(at);
            let (below, slopes) = work.slopes.split_at_mut(at);
            let slope = if chain.is_in_place(at + 1) {
                &outputs[0]
            } else {
                &slopes[0]
            };
            let slope = &slope[..batch * placed.stride];
            let input_stride = match at.checked_sub(1) {
                Some(before) => chain.layers[before].stride,
                None => chain.input_stride(),
            };
            let input = inputs.last_mut();
            let input = input.map(|buffer| &mut buffer[..batch * input_stride]);
            // Layers without weights put their slope in the place of their input, which nobody needs any more. The slope by
            // the network's input is nobody's business.
            let (input, slope_below): (&[f32], _) = match (&placed.layer, input) {
                (Layer::MaxPool(pool), input) => {
                    if let Some(input) = input {
                        pool.backward(input, slope);
                    }
                    continue;
                }
                (Layer::Relu, input) => {
                    for (input, slope) in input.into_iter().flatten().zip(slope) {
                        *input = if *input > 0.0 { *slope } else { 0.0 };
                    }
                    continue;
                }
                (_, Some(input)) => {
                    let below = below.last_mut();
                    (input, below.map(|buffer| &mut buffer[..batch * input_stride]))
                }
                (_, None) => (x, None),
            };
            let range = placed.weights.clone();
            let weights = match &step {
                Step::Gradient(packed) => &packed[range.clone()],
                Step::Descent(packed, _) => &packed[range.clone()],
            };
            let gradient = &mut gradient[range.clone()];
            match &placed.layer {
                Layer::Dense(dense) => {
                    if let Some(below) = slope_below {
                        dense.slope_by_input(weights, slope, below, input_stride);
                    }
                    let mut target = match &mut step {
                        Step::Gradient(_) => Target::Gradient(lanes_mut(gradient)),
                        Step::Descent(packed, rate) => {
                            Target::Weights(lanes_mut(&mut packed[range]), *rate)
                        }
                    };
                    dense.backward(input, input_stride, slope, &mut target);
                }
                Layer::Conv(conv) => {
                    conv.backward(
                        weights,
                        input,
                        slope,
                        gradient,
                        slope_below,
                        &mut work.conv,
                    );
                    if let Step::Descent(packed, rate) = &mut step {
                        for (w, g) in packed[range].iter_mut().zip(gradient) {
                            *w -= *rate * *g;
                        }
                    }
                }
                Layer::MaxPool(_) | Layer::Relu => {}
            }
        }
        found
    }
}
