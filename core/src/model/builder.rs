//! Strings a network's layers together.

use std::sync::Arc;

use constellation_kernels::linalg::LANES;
use constellation_kernels::{Chain, Conv, Dense, Layer, MaxPool, Placed};

use super::Network;
use crate::params::ParamSpec;

/// Strings layers together and counts what the names of PyTorch's tensors count.
pub(super) struct Builder {
    layers: Vec<Placed>,
    tensors: Vec<(String, Vec<usize>)>,
    /// Index in the equivalent `torch.nn.Sequential`.
    index: usize,
    /// Values of one example behind the last layer, without padding.
    values: usize,
    packed_len: usize,
}

impl Builder {
    pub(super) fn new(inputs: usize) -> Self {
        Self {
            layers: Vec::new(),
            tensors: Vec::new(),
            index: 0,
            values: inputs,
            packed_len: 0,
        }
    }

    pub(super) fn dense(&mut self, outputs: usize) {
        self.push(
            Layer::Dense(Dense {
                inputs: self.values,
                outputs,
            }),
            outputs,
        );
    }

    pub(super) fn conv(&mut self, channels: usize, filters: usize, side: usize) {
        let conv = Conv {
            channels,
            filters,
            side,
        };
        self.push(Layer::Conv(conv), conv.outputs());
    }

    pub(super) fn max_pool(&mut self, channels: usize, side: usize) {
        let pool = MaxPool { channels, side };
        self.push(Layer::MaxPool(pool), pool.outputs());
    }

    pub(super) fn relu(&mut self) {
        self.push(Layer::Relu, self.values);
    }

    /// Nothing to do here, but a place in PyTorch's chain.
    pub(super) fn flatten(&mut self) {
        self.index += 1;
    }

    fn push(&mut self, layer: Layer, outputs: usize) {
        let start = self.packed_len;
        if let Some(weighted) = layer.weighted() {
            let [weight, bias] = weighted.shapes();
            self.tensors
                .push((format!("{}.weight", self.index), weight));
            self.tensors.push((format!("{}.bias", self.index), bias));
            self.packed_len += weighted.packed_len();
        }
        let stride = outputs.next_multiple_of(LANES);
        self.layers.push(Placed {
            layer,
            weights: start..self.packed_len,
            stride,
        });
        self.index += 1;
        self.values = outputs;
    }

    pub(super) fn finish(self, inputs: usize, classes: usize) -> Network {
        let spec = Arc::new(ParamSpec::new(self.tensors));
        let chain = Chain {
            layers: self.layers,
            inputs,
            classes,
            packed_len: self.packed_len,
        };
        Network { chain, spec }
    }
}
