//! Samples per second of local training in a dedicated worker of a real browser, in the profile that tabs get:
//!
//! ```text
//! cargo xtask bench --only worker
//! ```
//!
//! It prints; it fails only if training gives nothing. Each model is warmed up first, then the best and the median of
//! several runs are printed: on a busy machine the best is nearest to the truth.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    reason = "a failing test may panic; clippy knows only tests of the standard kind"
)]

use std::sync::Arc;

use constellation_core::config::TrainingConfig;
use constellation_core::data::{DatasetName, Examples};
use constellation_core::model::{ModelConfig, Network};
use constellation_core::rng::{Purpose, Stream};
use constellation_core::train::{Pull, Training};
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

fn measure(name: &str, model: &ModelConfig, count: usize) {
    let performance = global()
        .unchecked_into::<WorkerGlobalScope>()
        .performance()
        .unwrap();
    let network = Arc::new(Network::new(model, DatasetName::MnistSmall.shape()));
    let config = TrainingConfig {
        epochs: 1,
        batch: 32,
        ..TrainingConfig::default()
    };
    let examples = examples(count);
    let mut work = network.workspace(32);
    let mut rates: Vec<f64> = (0..=RUNS)
        .map(|_| {
            let shuffle = Stream::new(1, Purpose::Shuffle, 1, 0);
            let mut training = Training::new(
                &network,
                &network.initial(1),
                Pull::default(),
                &config,
                &examples,
                shuffle,
            );
            let started = performance.now();
            while !training.is_done() {
                training.step(&examples, &mut work);
            }
            let seconds = (performance.now() - started) / 1_000.0;
            assert!(training.finish().loss.sum > 0.0);
            count as f64 / seconds
        })
        // The first run compiles.
        .skip(1)
        .collect();
    rates.sort_by(f64::total_cmp);
    console_log!(
        "{name}: median {:.0} samples/s, best {:.0}",
        rates[RUNS / 2],
        rates[RUNS - 1]
    );
}

#[wasm_bindgen_test]
fn training_in_a_worker() {
    measure(
        "mlp 784-128-10, batch 32",
        &ModelConfig::Mlp { hidden: vec![128] },
        20_000,
    );
    measure(
        "mlp 784-200-200-10, batch 32",
        &ModelConfig::Mlp {
            hidden: vec![200, 200],
        },
        10_000,
    );
    measure(
        "cnn of 21,840 parameters, batch 32",
        &ModelConfig::Cnn {},
        4_500,
    );
}
