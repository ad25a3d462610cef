//! A network and its parameters as an ONNX file, for programs that run models.
//!
//! ONNX is a protocol buffer; the few messages that a chain of layers needs are written by hand. Field numbers are
//! those of `onnx.proto3` in the ONNX specification. The file takes examples scaled as devices scale them, and gives
//! scores before the softmax.

use constellation_kernels::{Conv, Layer, Weighted as _};

use super::Network;
use crate::params::Params;

/// Version of the file's format.
const IR_VERSION: u64 = 8;
/// Version of the operators.
const OPSET: u64 = 17;
/// `TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;
/// `AttributeProto.AttributeType`.
const INT: u64 = 2;
const INTS: u64 = 7;

const INPUT: &str = "input";
const OUTPUT: &str = "logits";

impl Network {
    /// The network with these parameters as an ONNX file, with `metadata`.
    ///
    /// `input` is `[batch, values]`, or `[batch, channels, side, side]` where the first layer is a convolution;
    /// `logits` is `[batch, labels]`. Weights have the names and shapes they have in the safetensors file.
    #[must_use]
    pub fn onnx(&self, params: &Params, metadata: &[(&str, &str)]) -> Vec<u8> {
        assert_eq!(params.spec(), &self.spec, "parameters of another network");
        let mut file = Message::default();
        file.number(1, IR_VERSION);
        file.text(2, "constellation");
        file.message(7, &self.graph(params));
        let mut operators = Message::default();
        operators.text(1, "");
        operators.number(2, OPSET);
        file.message(8, &operators);
        for (key, value) in metadata {
            let mut entry = Message::default();
            entry.text(1, key);
            entry.text(2, value);
            file.message(14, &entry);
        }
        file.0
    }

    fn graph(&self, params: &Params) -> Message {
        let mut graph = Message::default();
        let nodes = self.nodes();
        let last = nodes.len().saturating_sub(1);
        let mut from = INPUT.to_owned();
        for (at, node) in nodes.iter().enumerate() {
            let to = if at == last {
                OUTPUT.to_owned()
            } else {
                format!("after.{at}")
            };
            graph.message(1, &node.message(at, &from, &to));
            from = to;
        }
        graph.text(2, "constellation");
        for tensor in self.spec.tensors() {
            graph.message(
                5,
                &initializer(&tensor.name, &tensor.shape, tensor.of(params.values())),
            );
        }
        let example = match self.chain.layers.first().map(|placed| &placed.layer) {
            Some(Layer::Conv(Conv { channels, side, .. })) => vec![*channels, *side, *side],
            _ => vec![self.chain.inputs],
        };
        graph.message(11, &value_info(INPUT, &example));
        graph.message(12, &value_info(OUTPUT, &[self.chain.classes]));
        graph
    }

    /// The layers as ONNX's operators; what PyTorch calls flatten is one of its own there.
    fn nodes(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut weights = self.spec.tensors().chunks_exact(2);
        let mut spatial = false;
        for placed in &self.chain.layers {
            let own = placed.layer.weighted().and_then(|_| weights.next());
            let weights = own.map_or_else(Vec::new, |pair| {
                pair.iter().map(|tensor| tensor.name.clone()).collect()
            });
            let (operator, attributes) = match &placed.layer {
                Layer::Dense(_) => {
                    if spatial {
                        nodes.push(Node {
                            operator: "Flatten",
                            weights: Vec::new(),
                            attributes: vec![("axis", Attribute::Int(1))],
                        });
                    }
                    spatial = false;
                    ("Gemm", vec![("transB", Attribute::Int(1))])
                }
                Layer::Conv(conv) => {
                    spatial = true;
                    let sides = conv.shapes()[0][2..].iter().map(|&n| n as u64).collect();
                    ("Conv", vec![("kernel_shape", Attribute::Ints(sides))])
                }
                Layer::MaxPool(_) => (
                    "MaxPool",
                    vec![
                        ("kernel_shape", Attribute::Ints(vec![2, 2])),
                        ("strides", Attribute::Ints(vec![2, 2])),
                    ],
                ),
                Layer::Relu => ("Relu", Vec::new()),
            };
            nodes.push(Node {
                operator,
                weights,
                attributes,
            });
        }
        nodes
    }
}

/// One operator, with the tensors it takes beside what the operator before it gave.
struct Node {
    operator: &'static str,
    weights: Vec<String>,
    attributes: Vec<(&'static str, Attribute)>,
}

enum Attribute {
    Int(u64),
    Ints(Vec<u64>),
}

impl Node {
    fn message(&self, at: usize, from: &str, to: &str) -> Message {
        let mut node = Message::default();
        node.text(1, from);
        for name in &self.weights {
            node.text(1, name);
        }
        node.text(2, to);
        node.text(3, &format!("{}.{at}", self.operator));
        node.text(4, self.operator);
        for (name, value) in &self.attributes {
            let mut attribute = Message::default();
            attribute.text(1, name);
            match value {
                Attribute::Int(number) => {
                    attribute.number(3, *number);
                    attribute.number(20, INT);
                }
                Attribute::Ints(numbers) => {
                    for number in numbers {
                        attribute.number(8, *number);
                    }
                    attribute.number(20, INTS);
                }
            }
            node.message(5, &attribute);
        }
        node
    }
}

fn initializer(name: &str, shape: &[usize], values: &[f32]) -> Message {
    let mut tensor = Message::default();
    for &side in shape {
        tensor.number(1, side as u64);
    }
    tensor.number(2, FLOAT);
    tensor.text(8, name);
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor.bytes(9, &raw);
    tensor
}

/// A batch of values of this shape.
fn value_info(name: &str, shape: &[usize]) -> Message {
    let mut sides = Message::default();
    let mut batch = Message::default();
    batch.text(2, "batch");
    sides.message(1, &batch);
    for &side in shape {
        let mut fixed = Message::default();
        fixed.number(1, side as u64);
        sides.message(1, &fixed);
    }
    let mut tensor = Message::default();
    tensor.number(1, FLOAT);
    tensor.message(2, &sides);
    let mut kind = Message::default();
    kind.message(1, &tensor);
    let mut value = Message::default();
    value.text(1, name);
    value.message(2, &kind);
    value
}

/// A protocol buffer's message, field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn text(&mut self, field: u64, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    fn message(&mut self, field: u64, value: &Self) {
        self.bytes(field, &value.0);
    }
}

#[cfg(test)]
mod tests;
