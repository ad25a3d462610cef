//! Samples per second of local training in a dedicated worker of a real browser, in the profile that tabs get, and what
//! the core could do at most:
//!
//! ```text
//! cargo xtask bench --only worker
//! ```
//!
//! It prints; it fails only if training gives nothing. Each thing is warmed up first, then the best and the median of
//! several runs are printed: on a busy machine the best is nearest to the truth.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    reason = "a failing test may panic; clippy knows only tests of the standard kind"
)]

use core::arch::wasm32::{f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_splat};
use core::hint::black_box;
use std::sync::Arc;

use constellation_core::config::TrainingConfig;
use constellation_core::data::{DatasetName, Examples};
use constellation_core::model::{ModelConfig, Network};
use constellation_core::rng::{Purpose, Stream};
use constellation_core::train::{Pull, Training};
use constellation_kernels::{Chain, Dense, Layer, Placed, Weighted};
use js_sys::global;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Performance, WorkerGlobalScope};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const RUNS: usize = 7;

/// Best and median of how many of something a second there are.
struct Rate {
    best: f64,
    median: f64,
}

/// Runs something that does `count` of it and answers how many seconds that took.
fn rate(count: f64, mut run: impl FnMut(&Performance) -> f64) -> Rate {
    let scope = global().unchecked_into::<WorkerGlobalScope>();
    let performance = scope.performance().unwrap();
    // The first runs compile.
    run(&performance);
    run(&performance);
    let mut rates: Vec<f64> = (0..RUNS).map(|_| count / run(&performance)).collect();
    rates.sort_by(f64::total_cmp);
    Rate {
        best: rates[RUNS - 1],
        median: rates[RUNS / 2],
    }
}

/// Seconds that something takes.
fn seconds(performance: &Performance, work: impl FnOnce()) -> f64 {
    let started = performance.now();
    work();
    (performance.now() - started) / 1_000.0
}

fn examples(count: usize) -> Examples {
    let mut stream = Stream::new(1, Purpose::Shuffle, 0, 0);
    let mut examples = Examples::new(784);
    for i in 0..count {
        // Half of a digit's pixels are black.
        let pixels = (0..784).map(|_| (stream.uniform() as f32 - 0.5).max(0.0) * 2.0);
        examples.push(pixels.collect::<Vec<_>>(), (i % 10) as u8);
    }
    examples
}

fn train(name: &str, model: &ModelConfig, batch: u32, count: usize) {
    let network = Arc::new(Network::new(model, DatasetName::MnistSmall.shape()));
    let config = TrainingConfig {
        epochs: 1,
        batch,
        ..TrainingConfig::default()
    };
    let examples = examples(count);
    let mut work = network.workspace(batch as usize);
    let rate = rate(count as f64, |performance| {
        let shuffle = Stream::new(1, Purpose::Shuffle, 1, 0);
        let initial = network.initial(1);
        let mut training = Training::new(
            &network,
            &initial,
            Pull::default(),
            &config,
            &examples,
            shuffle,
        );
        let seconds = seconds(performance, || {
            while !training.is_done() {
                training.step(&examples, &mut work);
            }
        });
        assert!(training.finish().loss.sum > 0.0);
        seconds
    });
    console_log!(
        "{:42} {:7.0} samples/s, best {:7.0}",
        format!("{name}, batch {batch}:"),
        rate.median,
        rate.best
    );
}

#[wasm_bindgen_test]
fn training_in_a_worker() {
    let mlp = |hidden: &[u32]| ModelConfig::Mlp {
        hidden: hidden.to_vec(),
    };
    for batch in [32, 10] {
        train("mlp 784-128-10", &mlp(&[128]), batch, 20_000);
        train("mlp 784-200-200-10", &mlp(&[200, 200]), batch, 10_000);
        train(
            "cnn of 21,840 parameters",
            &ModelConfig::Cnn {},
            batch,
            4_500,
        );
    }
}

/// Multiplications and additions of numbers that stay in registers: as many sums as keep the core busy.
fn in_registers(rounds: u32) -> f32 {
    let step = f32x4_splat(black_box(1e-7));
    let mut factor = f32x4_splat(black_box(0.5));
    let mut sums = [f32x4_splat(0.0); 10];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = f32x4_add(*sum, f32x4_mul(factor, step));
        }
        factor = f32x4_add(factor, step);
    }
    let sum = sums.into_iter().reduce(|a, b| f32x4_add(a, b)).unwrap();
    f32x4_extract_lane::<0>(sum)
}

/// Dense layers of as many outputs as inputs, whose loss is nearly free.
fn square(side: usize, layers: usize) -> Chain {
    let dense = Dense {
        inputs: side,
        outputs: side,
    };
    let len = dense.packed_len();
    let layers = (0..layers).map(|i| Placed {
        layer: Layer::Dense(dense),
        weights: i * len..(i + 1) * len,
        stride: side,
    });
    let layers: Vec<_> = layers.collect();
    Chain {
        packed_len: layers.len() * len,
        layers,
        inputs: side,
        classes: 1,
    }
}

fn multiply(peak: &Rate, batch: usize, side: usize) {
    let report = |name: &str, rate: Rate| {
        console_log!(
            "{:42} {:7.1} GFLOP/s, best {:7.1}, {:.0} % of registers alone",
            format!("{batch}×{side}×{side}, {name}:"),
            rate.median / 1e9,
            rate.best / 1e9,
            100.0 * rate.best / peak.best
        );
    };
    let labels = vec![0; batch];
    let x = vec![0.5; batch * side];
    let product = 2.0 * (batch * side * side) as f64;
    let calls = (3e8 / product).ceil();
    let one = square(side, 1);
    let (weights, mut work) = (vec![0.01; one.packed_len], one.workspace(batch));
    let forward = rate(calls * product, |performance| {
        seconds(performance, || {
            for _ in 0..calls as u32 {
                black_box(one.evaluate(&weights, &x, &labels, &mut work));
            }
        })
    });
    report("forward", forward);
    // Two products forward, two for the weights' gradients, one for the slope between them.
    let two = square(side, 2);
    let (weights, mut work) = (vec![0.01; two.packed_len], two.workspace(batch));
    let mut gradient = weights.clone();
    let all = rate(5.0 * calls * product, |performance| {
        seconds(performance, || {
            for _ in 0..calls as u32 {
                black_box(two.gradient(&weights, &x, &labels, &mut work, &mut gradient));
            }
        })
    });
    report("forward and backward", all);
}

#[wasm_bindgen_test]
fn products_in_a_worker() {
    const ROUNDS: u32 = 4_000_000;
    let flops = f64::from(ROUNDS) * 10.0 * 8.0;
    let peak = rate(flops, |performance| {
        seconds(performance, || {
            black_box(in_registers(ROUNDS));
        })
    });
    console_log!(
        "{:42} {:7.1} GFLOP/s, best {:7.1}",
        "in registers alone:",
        peak.median / 1e9,
        peak.best / 1e9
    );
    for (batch, side) in [(64, 200), (128, 400)] {
        multiply(&peak, batch, side);
    }
}
