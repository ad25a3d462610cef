//! Forward and backward against a naive reference in f64 and its central differences.

use super::*;

use crate::data::DatasetName;

const DATASET: DatasetName = DatasetName::MnistSmall;

fn configs() -> [ModelConfig; 5] {
    [
        ModelConfig::Softmax {},
        ModelConfig::Mlp { hidden: vec![11] },
        ModelConfig::Mlp {
            hidden: vec![9, 16, 3],
        },
        ModelConfig::Cnn {},
        ModelConfig::CnnWide {},
    ]
}

/// Loss of one example, straight from the definitions, with parameters in the order of the spec.
fn reference_loss(
    config: &ModelConfig,
    spec: &ParamSpec,
    values: &[f64],
    x: &[f64],
    label: usize,
) -> f64 {
    let tensor = |i: usize| {
        let t = &spec.tensors()[i];
        &values[t.offset..t.offset + t.len]
    };
    let dense = |x: &[f64], at: usize| -> Vec<f64> {
        let row = |(w, b): (&[f64], &f64)| b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        tensor(2 * at)
            .chunks_exact(x.len())
            .zip(tensor(2 * at + 1))
            .map(row)
            .collect()
    };
    let relu = |x: Vec<f64>| x.into_iter().map(|v| v.max(0.0)).collect::<Vec<_>>();
    let conv = |x: &[f64], at: usize, channels: usize, side: usize| -> Vec<f64> {
        let (weight, bias, out) = (tensor(2 * at), tensor(2 * at + 1), side - 4);
        let mut y = Vec::new();
        for (filter, b) in bias.iter().enumerate() {
            for place in 0..out * out {
                let (row, column) = (place / out, place % out);
                let mut sum = *b;
                for k in 0..channels * 25 {
                    let pixel = (k / 25 * side + row + k / 5 % 5) * side + column + k % 5;
                    sum += weight[filter * channels * 25 + k] * x[pixel];
                }
                y.push(sum);
            }
        }
        y
    };
    let pool = |x: Vec<f64>, side: usize| -> Vec<f64> {
        let half = side / 2;
        (0..x.len() / 4)
            .map(|i| {
                let (channel, row, column) = (i / (half * half), i / half % half, i % half);
                let at = (channel * side + 2 * row) * side + 2 * column;
                x[at].max(x[at + 1]).max(x[at + side]).max(x[at + side + 1])
            })
            .collect()
    };
    let scores = match config {
        ModelConfig::Softmax {} => dense(x, 0),
        ModelConfig::Mlp { hidden } => {
            let last = (0..hidden.len()).fold(x.to_vec(), |x, at| relu(dense(&x, at)));
            dense(&last, hidden.len())
        }
        ModelConfig::Cnn {} | ModelConfig::CnnWide {} => {
            let filters = tensor(1).len();
            let first = relu(pool(conv(x, 0, 1, 28), 24));
            let second = relu(pool(conv(&first, 1, filters, 12), 8));
            dense(&relu(dense(&second, 2)), 3)
        }
    };
    let peak = scores.iter().copied().fold(f64::MIN, f64::max);
    scores.iter().map(|s| (s - peak).exp()).sum::<f64>().ln() - (scores[label] - peak)
}

fn examples(count: usize) -> (Vec<f32>, Vec<u8>) {
    let mut stream = Stream::new(5, Purpose::Shuffle, 0, 0);
    let x = (0..count * 784).map(|_| stream.uniform() as f32).collect();
    let labels = (0..count).map(|_| stream.below(10) as u8).collect();
    (x, labels)
}

#[test]
fn gradients_are_central_differences() {
    for config in configs() {
        let network = Network::new(&config, DATASET.shape());
        // Seven: neither a multiple of the tile's rows nor of eight.
        let (x, labels) = examples(7);
        let params = network.initial(3);
        let packed = network.pack(&params);
        let mut gradient = vec![f32::NAN; packed.len()];
        let mut work = network.workspace(8);
        let loss = network.gradient(&packed, &x, &labels, &mut work, &mut gradient);
        let gradient = network.unpack(&gradient);

        let wide = |v: &[f32]| v.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        let mean_loss = |values: &[f64]| {
            let losses = x.chunks_exact(784).zip(&labels).map(|(x, label)| {
                reference_loss(
                    &config,
                    network.spec(),
                    values,
                    &wide(x),
                    usize::from(*label),
                )
            });
            losses.sum::<f64>() / labels.len() as f64
        };
        let mut values = wide(params.values());
        assert!(
            (mean_loss(&values) - loss.mean().unwrap()).abs() < 1e-5,
            "{config:?}"
        );

        let mut stream = Stream::new(6, Purpose::Shuffle, 0, 0);
        for tensor in network.spec().tensors() {
            for _ in 0..12 {
                let at = tensor.offset + stream.below(tensor.len as u32) as usize;
                let (h, value) = (1e-5, values[at]);
                values[at] = value + h;
                let above = mean_loss(&values);
                values[at] = value - h;
                let below = mean_loss(&values);
                values[at] = value;
                let difference = (above - below) / (2.0 * h);
                let found = f64::from(gradient[at]);
                assert!(
                    (found - difference).abs() < 1e-5 + 1e-3 * difference.abs(),
                    "{config:?} {} at {at}: {found} and not {difference}",
                    tensor.name
                );
            }
        }
    }
}

#[test]
fn packing_keeps_every_value() {
    for config in configs() {
        let network = Network::new(&config, DATASET.shape());
        let params = network.initial(1);
        assert_eq!(network.unpack(&network.pack(&params)), params.values());
    }
}

#[test]
fn shapes_are_those_of_pytorch() {
    let shapes = |config: &ModelConfig| -> Vec<(String, Vec<usize>)> {
        let network = Network::new(config, DATASET.shape());
        network
            .spec()
            .tensors()
            .iter()
            .map(|t| (t.name.clone(), t.shape.clone()))
            .collect()
    };
    let named = |list: &[(&str, &[usize])]| {
        list.iter()
            .map(|(n, s)| ((*n).to_owned(), s.to_vec()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shapes(&ModelConfig::default()),
        named(&[
            ("0.weight", &[64, 784]),
            ("0.bias", &[64]),
            ("2.weight", &[10, 64]),
            ("2.bias", &[10])
        ])
    );
    assert_eq!(
        shapes(&ModelConfig::Cnn {}),
        named(&[
            ("0.weight", &[10, 1, 5, 5]),
            ("0.bias", &[10]),
            ("3.weight", &[20, 10, 5, 5]),
            ("3.bias", &[20]),
            ("7.weight", &[50, 320]),
            ("7.bias", &[50]),
            ("9.weight", &[10, 50]),
            ("9.bias", &[10]),
        ])
    );
    assert_eq!(
        shapes(&ModelConfig::CnnWide {}),
        named(&[
            ("0.weight", &[16, 1, 5, 5]),
            ("0.bias", &[16]),
            ("3.weight", &[32, 16, 5, 5]),
            ("3.bias", &[32]),
            ("7.weight", &[64, 512]),
            ("7.bias", &[64]),
            ("9.weight", &[10, 64]),
            ("9.bias", &[10]),
        ])
    );
    assert_eq!(
        Network::new(&ModelConfig::Cnn {}, DATASET.shape())
            .spec()
            .len(),
        21_840
    );
    assert_eq!(
        Network::new(&ModelConfig::CnnWide {}, DATASET.shape())
            .spec()
            .len(),
        46_730
    );
    assert_eq!(
        Network::new(&ModelConfig::default(), DATASET.shape())
            .spec()
            .len(),
        50_890
    );
}

#[test]
fn evaluation_counts_what_is_correct() {
    let network = Network::new(&ModelConfig::Softmax {}, DATASET.shape());
    // Class 3 answers to pixel 0, class 5 to pixel 1; everything else is silent.
    let mut values = vec![0.0; network.spec().len()];
    values[3 * 784] = 1.0;
    values[5 * 784 + 1] = 1.0;
    let packed = network.pack(&Params::try_new(values, network.spec()).unwrap());
    let mut x = vec![0.0; 3 * 784];
    x[0] = 1.0;
    x[784 + 1] = 1.0;
    x[2 * 784] = 1.0;
    let loss = network.evaluate(&packed, &x, &[3, 5, 5], &mut network.workspace(3));
    assert_eq!((loss.correct, loss.examples), (2, 3));
    // Nine scores of 0 and one of 1: ln(9 + e) - 1 for the right ones, ln(9 + e) for the wrong one.
    let expected = 3.0 * (9.0 + 1.0_f64.exp()).ln() - 2.0;
    assert!((loss.sum - expected).abs() < 1e-5);
}

#[test]
fn a_run_has_several_initial_models() {
    let network = Network::new(&configs()[0], DATASET.shape());
    assert_eq!(network.initial_of(7, 0), network.initial(7));
    assert_ne!(network.initial_of(7, 1), network.initial(7));
    assert_ne!(network.initial_of(7, 1), network.initial_of(7, 2));
    assert_ne!(network.initial_of(7, 1), network.initial_of(8, 1));
}
