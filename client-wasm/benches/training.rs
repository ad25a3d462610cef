//! Samples per second of local training in a dedicated worker of a real browser, in the profile that tabs get:
//!
//! ```text
//! cargo xtask bench --only worker
//! ```
//!
//! It prints; it fails only if training gives nothing. Each model is warmed up first, then the median and the best of
//! several runs are printed: on a busy machine the best is nearest to the truth. Then come products of
//! matrices by themselves, next to numbers that stay in registers.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    reason = "a failing test may panic; clippy knows only tests of the standard kind"
)]

use core::arch::wasm32::{f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_splat};
use std::hint::black_box;
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
use web_sys::WorkerGlobalScope;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const RUNS: usize = 7;

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

/// Milliseconds since the worker started.
fn now() -> f64 {
    let scope = global().unchecked_into::<WorkerGlobalScope>();
    scope.performance().unwrap().now()
}

/// Prints a row: so much of something per run and millisecond, in runs of `work`.
fn print(name: &str, unit: &str, amount: f64, mut work: impl FnMut()) {
    let mut rates: Vec<f64> = (0..=RUNS)
        .map(|_| {
            let started = now();
            work();
            amount / (now() - started)
        })
        // The first run compiles.
        .skip(1)
        .collect();
    rates.sort_by(f64::total_cmp);
    console_log!(
        "{name:32}{:10.0}{:10.0}  {unit}",
        rates[RUNS / 2],
        rates[RUNS - 1]
    );
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
    let name = format!("{name}, batch {batch}");
    print(&name, "samples/s", 1e3 * count as f64, || {
        let shuffle = Stream::new(1, Purpose::Shuffle, 1, 0);
        let mut training = Training::new(
            &network,
            &network.initial(1),
            Pull::default(),
            &config,
            &examples,
            shuffle,
        );
        while !training.is_done() {
            training.step(&examples, &mut work);
        }
        assert!(training.finish().loss.sum > 0.0);
    });
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

/// Products of dense layers, by themselves.
fn multiply(batch: usize, side: usize) {
    let labels = vec![0; batch];
    let x = vec![0.5; batch * side];
    let product = 2.0 * (batch * side * side) as f64;
    let calls = (3e8 / product).ceil();
    let one = square(side, 1);
    let (weights, mut work) = (vec![0.01; one.packed_len], one.workspace(batch));
    let name = format!("{batch}x{side}x{side}, forward");
    print(&name, "MFLOP/s", 1e-3 * calls * product, || {
        for _ in 0..calls as u32 {
            black_box(one.evaluate(&weights, &x, &labels, &mut work));
        }
    });
    // Two products forward, two for the weights' gradients, one for the slope between them.
    let two = square(side, 2);
    let (weights, mut work) = (vec![0.01; two.packed_len], two.workspace(batch));
    let mut gradient = weights.clone();
    let name = format!("{batch}x{side}x{side}, and backward");
    print(&name, "MFLOP/s", 5e-3 * calls * product, || {
        for _ in 0..calls as u32 {
            black_box(two.gradient(&weights, &x, &labels, &mut work, &mut gradient));
        }
    });
}

#[wasm_bindgen_test]
fn training_in_a_worker() {
    let mlp = |hidden: &[u32]| ModelConfig::Mlp {
        hidden: hidden.to_vec(),
    };
    for batch in [32, 10] {
        train("mlp 784-128-10", &mlp(&[128]), batch, 20_000);
        train("mlp 784-200-200-10", &mlp(&[200, 200]), batch, 10_000);
        train("cnn 21,840", &ModelConfig::Cnn {}, batch, 4_500);
    }
}

#[wasm_bindgen_test]
fn products_in_a_worker() {
    const ROUNDS: u32 = 4_000_000;
    let operations = f64::from(ROUNDS) * 10.0 * 8.0;
    print("in registers alone", "MFLOP/s", 1e-3 * operations, || {
        black_box(in_registers(ROUNDS));
    });
    for (batch, side) in [(64, 200), (128, 400)] {
        multiply(batch, side);
    }
}
