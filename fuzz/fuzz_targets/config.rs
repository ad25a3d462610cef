//! A run's configuration.

#![no_main]

use constellation_core::config::{CheckedConfig, RunConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(config) = serde_json::from_str::<RunConfig>(text) {
        let _ = CheckedConfig::try_from(config);
    }
});
