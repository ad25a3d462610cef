//! Examples a second that training, with its steps, and evaluation get through on one thread.
//!
//! `cargo bench -p constellation-core --bench kernels` prints a line for each model: the median of several repetitions, what that is in
//! floating-point operations a second, and a sum of the gradient's bits, which must be the same on every machine.
//! Then a line for each product: how fast it is next to numbers that stay in registers.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench reads the clock and prints"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use constellation_core::config::TrainingConfig;
use constellation_core::data::{DatasetName, Examples};
use constellation_core::model::{ModelConfig, Network};
use constellation_core::rng::{Purpose, Stream};
use constellation_core::train::{Pull, Training};
use constellation_kernels::{Chain, Dense, Layer, Placed, Weighted, each_width};

const BATCHES: [usize; 2] = [32, 10];
const REPETITIONS: usize = 15;
/// What one repetition takes at least.
const SPAN: Duration = Duration::from_millis(60);

/// A model and its multiplications for one example: those of the first layer, and those of the others.
struct Case {
    name: &'static str,
    config: ModelConfig,
    first: usize,
    others: usize,
}

fn main() {
    let mlp = |name, hidden: u32| Case {
        name,
        config: ModelConfig::Mlp {
            hidden: vec![hidden],
        },
        first: 784 * hidden as usize,
        others: hidden as usize * 10,
    };
    let cases = [
        mlp("mlp 784-64-10", 64),
        mlp("mlp 784-128-10", 128),
        Case {
            name: "mlp 784-200-200-10",
            config: ModelConfig::Mlp {
                hidden: vec![200, 200],
            },
            first: 784 * 200,
            others: 200 * 200 + 200 * 10,
        },
        Case {
            name: "cnn 21,840",
            config: ModelConfig::Cnn {},
            first: 24 * 24 * 10 * 25,
            others: 8 * 8 * 20 * 250 + 320 * 50 + 50 * 10,
        },
    ];
    println!(
        "{:32} {:>12} {:>10} {:>12} {:>10}  bits",
        "model", "train 1/s", "GFLOP/s", "evaluate 1/s", "GFLOP/s"
    );
    for batch in BATCHES {
        for case in &cases {
            measure(case, batch);
        }
    }
    const ROUNDS: usize = 100_000;
    let peak = 1e-9 * rate(ROUNDS * 2 * SUMS * WIDTH, || in_registers(ROUNDS));
    println!("\n{:32} {peak:10.1} GFLOP/s", "in registers alone");
    for (batch, side) in [(64, 200), (128, 400)] {
        multiply(peak, batch, side);
    }
}

/// As many sums as keep a core busy, of as many numbers as the widest registers have.
const SUMS: usize = 10;
const WIDTH: usize = 16;

each_width! {
    /// Multiplications and additions of numbers that stay in registers.
    fn in_registers(rounds: usize) {
        let step = black_box([1e-7_f32; WIDTH]);
        let mut factor = black_box([0.5_f32; WIDTH]);
        let mut sums = [[0.0; WIDTH]; SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = core::array::from_fn(|i| sum[i] + factor[i] * step[i]);
            }
            factor = core::array::from_fn(|i| factor[i] + step[i]);
        }
        black_box(sums);
    }
}

/// Products of dense layers with as many outputs as inputs, whose loss is nearly free.
fn multiply(peak: f64, batch: usize, side: usize) {
    let dense = Dense {
        inputs: side,
        outputs: side,
    };
    let len = dense.packed_len();
    let chain = |layers: usize| Chain {
        layers: (0..layers)
            .map(|i| Placed {
                layer: Layer::Dense(dense),
                weights: i * len..(i + 1) * len,
                stride: side,
            })
            .collect(),
        inputs: side,
        classes: 1,
        packed_len: layers * len,
    };
    let (one, two) = (chain(1), chain(2));
    let (x, labels) = (vec![0.5; batch * side], vec![0; batch]);
    let weights = vec![0.01; 2 * len];
    let mut gradient = weights.clone();
    let flops = 2 * batch * side * side;
    let mut work = one.workspace(batch);
    let forward = rate(flops, || {
        black_box(one.evaluate(&weights, &x, &labels, &mut work));
    });
    // Two products forward, two for the weights' gradients, one for the slope between them.
    let mut work = two.workspace(batch);
    let all = rate(5 * flops, || {
        black_box(two.gradient(&weights, &x, &labels, &mut work, &mut gradient));
    });
    for (name, rate) in [("forward", forward), ("forward and backward", all)] {
        let name = format!("{batch}×{side}×{side}, {name}");
        let rate = 1e-9 * rate;
        println!(
            "{name:32} {rate:10.1} GFLOP/s, {:.0} % of that",
            100.0 * rate / peak
        );
    }
}

fn measure(case: &Case, batch: usize) {
    let network = Arc::new(Network::new(&case.config, DatasetName::Mnist.shape()));
    let mut stream = Stream::new(5, Purpose::Shuffle, 0, 0);
    let x: Vec<f32> = (0..batch * network.input_stride())
        .map(|_| f32::from(stream.below(256) as u8) / 255.0)
        .collect();
    let labels: Vec<u8> = (0..batch).map(|_| stream.below(10) as u8).collect();
    let weights = network.pack(&network.initial(1));
    let mut gradient = vec![0.0; weights.len()];
    let mut work = network.workspace(batch);

    let examples = examples(&mut stream);
    let config = TrainingConfig {
        epochs: u32::MAX,
        batch: batch as u32,
        ..TrainingConfig::default()
    };
    let mut training = Training::new(
        &network,
        &network.initial(1),
        Pull::default(),
        &config,
        &examples,
        stream,
    );
    let train = rate(batch, || training.step(&examples, &mut work));
    black_box(training.finish());

    network.gradient(&weights, &x, &labels, &mut work, &mut gradient);
    let evaluate = rate(batch, || {
        black_box(network.evaluate(&weights, &x, &labels, &mut work));
    });
    let bits = gradient
        .iter()
        .fold(0_u32, |sum, g| sum.rotate_left(5) ^ g.to_bits());
    // A multiplication and an addition each. Backward computes two products for a forward one, but for the first layer,
    // whose input needs no slope.
    let forward = 2e-9 * (case.first + case.others) as f64;
    let backward = 2e-9 * (case.first + 2 * case.others) as f64;
    println!(
        "{:32} {train:12.0} {:10.1} {evaluate:12.0} {:10.1}  {bits:08x}",
        format!("{}, batch {batch}", case.name),
        (forward + backward) * train,
        forward * evaluate,
    );
}

/// As many as a device has, in whole batches of either size.
fn examples(stream: &mut Stream) -> Examples {
    let mut examples = Examples::new(784);
    for i in 0..640 {
        // Half of a digit's pixels are black.
        let pixels = (0..784).map(|_| (stream.uniform() as f32 - 0.5).max(0.0) * 2.0);
        examples.push(pixels.collect::<Vec<_>>(), (i % 10) as u8);
    }
    examples
}

/// Items a second, `items` in each call: the median of the repetitions.
fn rate(items: usize, mut batch: impl FnMut()) -> f64 {
    batch();
    let mut rates: Vec<f64> = (0..REPETITIONS)
        .map(|_| {
            let (start, mut batches) = (Instant::now(), 0);
            while start.elapsed() < SPAN {
                batch();
                batches += 1;
            }
            (batches * items) as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[REPETITIONS / 2]
}
