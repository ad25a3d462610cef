use sha2::{Digest as _, Sha256};

use crate::data::DatasetName;
use crate::model::{ModelConfig, Network};

/// Fields of a message: number, and a varint or bytes.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().expect("a varint that ends");
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return value;
        }
    }
    panic!("a varint of more than ten bytes");
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => Value::Number(varint(&mut bytes)),
            2 => {
                let len = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(len);
                bytes = rest;
                Value::Bytes(value)
            }
            kind => panic!("wire type {kind}"),
        };
        found.push((key >> 3, value));
    }
    found
}

fn all(bytes: &[u8], field: u64) -> Vec<&[u8]> {
    let of = fields(bytes).into_iter().filter(|(at, _)| *at == field);
    of.map(|(_, value)| match value {
        Value::Bytes(bytes) => bytes,
        Value::Number(_) => panic!("field {field} is a number"),
    })
    .collect()
}

fn numbers(bytes: &[u8], field: u64) -> Vec<u64> {
    let of = fields(bytes).into_iter().filter(|(at, _)| *at == field);
    of.map(|(_, value)| match value {
        Value::Number(number) => number,
        Value::Bytes(_) => panic!("field {field} is bytes"),
    })
    .collect()
}

fn texts(bytes: &[u8], field: u64) -> Vec<&str> {
    let of = all(bytes, field).into_iter();
    of.map(|text| str::from_utf8(text).expect("UTF-8"))
        .collect()
}

fn models() -> [(ModelConfig, Network); 4] {
    [
        ModelConfig::Softmax {},
        ModelConfig::Mlp {
            hidden: vec![12, 5],
        },
        ModelConfig::Cnn {},
        ModelConfig::CnnWide {},
    ]
    .map(|config| {
        let network = Network::new(&config, DatasetName::Mnist.shape());
        (config, network)
    })
}

fn graph(file: &[u8]) -> &[u8] {
    all(file, 7)[0]
}

#[test]
fn layers_are_operators_in_their_order_each_fed_by_the_one_before() {
    let convolutional: &[&str] = &[
        "Conv", "MaxPool", "Relu", "Conv", "MaxPool", "Relu", "Flatten", "Gemm", "Relu", "Gemm",
    ];
    let expected: [&[&str]; 4] = [
        &["Gemm"],
        &["Gemm", "Relu", "Gemm", "Relu", "Gemm"],
        convolutional,
        convolutional,
    ];
    for ((config, network), expected) in models().into_iter().zip(expected) {
        let file = network.onnx(&network.initial(7), &[]);
        let nodes = all(graph(&file), 1);
        let operators: Vec<_> = nodes.iter().flat_map(|node| texts(node, 4)).collect();
        assert_eq!(operators, expected, "{config:?}");
        let mut before = "input";
        for node in nodes {
            assert_eq!(texts(node, 1)[0], before, "{config:?}");
            before = texts(node, 2)[0];
        }
        assert_eq!(before, "logits", "{config:?}");
    }
}

#[test]
fn tensors_are_those_of_the_parameters_and_every_one_is_used() {
    for (config, network) in models() {
        let params = network.initial(7);
        let file = network.onnx(&params, &[]);
        let nodes = all(graph(&file), 1);
        let used: Vec<_> = nodes
            .iter()
            .flat_map(|node| texts(node, 1).split_off(1))
            .collect();
        let tensors = all(graph(&file), 5);
        assert_eq!(tensors.len(), params.spec().tensors().len());
        for (at, (tensor, spec)) in tensors.iter().zip(params.spec().tensors()).enumerate() {
            assert_eq!(texts(tensor, 8), [&spec.name], "{config:?}");
            assert_eq!(used[at], spec.name, "{config:?}");
            let shape: Vec<_> = spec.shape.iter().map(|&side| side as u64).collect();
            assert_eq!(numbers(tensor, 1), shape, "{config:?}");
            let (raw, _) = all(tensor, 9)[0].as_chunks::<4>();
            let values: Vec<_> = raw.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            assert_eq!(values, spec.of(params.values()), "{config:?}");
        }
    }
}

#[test]
fn what_it_is_stands_in_the_metadata() {
    let network = Network::new(&ModelConfig::Softmax {}, DatasetName::Mnist.shape());
    let file = network.onnx(&network.initial(7), &[("arm", "average"), ("model", "3")]);
    let entries = all(&file, 14);
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| (texts(entry, 1)[0], texts(entry, 2)[0]))
        .collect();
    assert_eq!(entries, [("arm", "average"), ("model", "3")]);
}

/// Files whose bytes were held against the real thing: checked by onnx 1.23.2 with its full check, and run by
/// onnxruntime 1.32.0, whose answers were those of the network to 1e-7.
#[test]
fn files_are_those_that_onnx_has_checked() {
    let found = models().map(|(_, network)| {
        let file = network.onnx(&network.initial(7), &[("arm", "average")]);
        let digits = Sha256::digest(file);
        digits
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .concat()
    });
    assert_eq!(
        found,
        [
            "0c0029c44c8c1c52ebfb200a123aeafc281fe18300092cfef05c00a40a4e1a4f",
            "72de7cdc90b822b55888bad4b806d914ea7379d50eae1224edc05261ee66bf14",
            "0e0fbf0fb8d3c3402fcaa781a7a1e9cc4c7e9bae79fc48a96a52af165ce3c4f9",
            "13b3ba23866123ddc19cc930d50fa6b9988720d93d9de15ea7618c10ab1df8c3"
        ]
    );
}
