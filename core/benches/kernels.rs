//! Examples a second that training and evaluation get through on one thread.
//!
//! `cargo bench -p constellation-core --bench kernels` prints a line for each model: the median of several repetitions, what that is in
//! floating-point operations a second, and a sum of the gradient's bits, which must be the same on every machine.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench reads the clock and prints"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use constellation_core::data::DatasetName;
use constellation_core::model::{ModelConfig, Network};
use constellation_core::rng::{Purpose, Stream};

const BATCH: usize = 32;
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
            name: "cnn",
            config: ModelConfig::Cnn {},
            first: 24 * 24 * 10 * 25,
            others: 8 * 8 * 20 * 250 + 320 * 50 + 50 * 10,
        },
    ];
    println!(
        "{:18} {:>12} {:>10} {:>12} {:>10}  bits",
        "model", "train 1/s", "GFLOP/s", "evaluate 1/s", "GFLOP/s"
    );
    for case in &cases {
        measure(case);
    }
}

fn measure(case: &Case) {
    let network = Network::new(&case.config, DatasetName::Mnist.shape());
    let mut stream = Stream::new(5, Purpose::Shuffle, 0, 0);
    let x: Vec<f32> = (0..BATCH * network.input_stride())
        .map(|_| f32::from(stream.below(256) as u8) / 255.0)
        .collect();
    let labels: Vec<u8> = (0..BATCH).map(|_| stream.below(10) as u8).collect();
    let weights = network.pack(&network.initial(1));
    let mut gradient = vec![0.0; weights.len()];
    let mut work = network.workspace(BATCH);

    let train = rate(BATCH, || {
        black_box(network.gradient(&weights, &x, &labels, &mut work, &mut gradient));
    });
    let evaluate = rate(BATCH, || {
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
        "{:18} {train:12.0} {:10.1} {evaluate:12.0} {:10.1}  {bits:08x}",
        case.name,
        (forward + backward) * train,
        forward * evaluate,
    );
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
