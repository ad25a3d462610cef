//! What the fuzz targets have in common: a room whose models are of six numbers, so that inputs can be short.

use constellation_core::config::{CheckedConfig, RunConfig};
use constellation_core::coordinator::Coordinator;
use constellation_core::ids::{Round, RunId};
use constellation_core::params::Params;
use constellation_core::wire::{ArmReport, Models, Report, Update};
use serde_json::json;

/// A room without devices, before its run.
#[must_use]
pub fn small_room() -> Coordinator {
    let config = json!({
        "rounds": 3,
        "model": { "kind": "softmax" },
        "data": {
            "partition": { "kind": "iid" },
            "groups": null,
            "table": {
                "label": "y",
                "labels": ["a", "b"],
                "columns": [{ "name": "x", "mean": 0, "sd": 1 }, { "name": "z", "mean": 1, "sd": 2 }],
            },
        },
        "pacing": { "min_devices": 2, "start_at": 2, "deadline_ms": 5000, "pace_ms": 0 },
        "arms": [
            { "strategy": { "kind": "fed_avg" } },
            { "strategy": { "kind": "coalition_models", "formation": { "k": 2, "warm_up": 1 } } },
        ],
    });
    let config: RunConfig =
        serde_json::from_value(config).expect("the fields are a configuration's");
    Coordinator::new(CheckedConfig::try_from(config).expect("the run is possible"))
}

/// What a device says after training, or with `bare` after an evaluation.
#[must_use]
pub fn update(models: &Models, run: RunId, round: Round, bare: bool) -> Update {
    let values = vec![round.0 as f32; models.spec.len()];
    let params = Params::try_new(values, &models.spec).expect("finite");
    let arms = models.arms.iter();
    let uploading = models.uploading.iter().filter(|_| !bare);
    Update {
        run,
        round,
        report: Report {
            examples: 10,
            own_data: 10,
            halvings: 0,
            mischief: None,
            arms: arms
                .map(|arm| (arm.clone(), ArmReport::default()))
                .collect(),
        },
        weights: uploading.map(|arm| (arm.clone(), params.clone())).collect(),
        deltas: Default::default(),
        sketches: Default::default(),
        coalitions: Vec::new(),
    }
}
