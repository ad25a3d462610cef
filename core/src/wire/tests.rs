//! The messages, held against themselves, against bytes written out by hand, and against damage.

mod alone;
mod damage;
mod deltas;
mod json;
mod refusals;
mod round_trip;
mod sketches;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codec::UpdateHeader;
use super::safetensors::{Builder, Tensors};
use super::*;
use crate::attack::Mischief;
use crate::by_name::ByName;
use crate::config::{RunConfig, StrategyConfig, TrainingConfig};
use crate::ids::{CoalitionId, DeviceId, Round, RunId, Slot};
use crate::params::{ParamSpec, Params};

/// Tensors of different shapes, so that no two can be mistaken for each other.
fn spec() -> Arc<ParamSpec> {
    Arc::new(ParamSpec::new([
        ("0.weight".to_owned(), vec![2, 3]),
        ("0.bias".to_owned(), vec![2]),
    ]))
}

fn models() -> Models {
    Models {
        run: RunId(2),
        examples: 400,
        spec: spec(),
        arms: ["local_only", "fed_avg", "grouped"]
            .map(str::to_owned)
            .into(),
        uploading: ["fed_avg", "grouped"].map(str::to_owned).into(),
        beside: vec![beside("grouped")],
        sketching: Vec::new(),
    }
}

fn params(first: f32) -> Params {
    Params::try_new((0..8).map(|i| first + i as f32).collect(), &spec()).unwrap()
}

fn report() -> Report {
    let measured = ArmReport {
        balanced_before: Some(0.25),
        own_before: Some(0.5),
        own_after: Some(0.75),
        loss: Some(1.5),
        ..ArmReport::default()
    };
    Report {
        examples: 400,
        own_data: 0,
        halvings: 0,
        mischief: None,
        arms: models()
            .arms
            .into_iter()
            .map(|arm| (arm, measured.clone()))
            .collect(),
    }
}

fn update() -> Update {
    Update {
        run: RunId(2),
        round: Round(5),
        report: report(),
        weights: ByName::from([
            ("fed_avg".to_owned(), params(0.0)),
            ("grouped".to_owned(), params(100.0)),
        ]),
        deltas: ByName::new(),
        sketches: ByName::new(),
        coalitions: Vec::new(),
    }
}

/// An update file that is made tensor by tensor.
fn file(header: &str, tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let mut builder = Builder::new();
    builder.metadata("message", "update");
    builder.metadata("update", header);
    for (name, shape, values) in tensors {
        builder.tensor(name, shape, values);
    }
    builder.finish()
}

fn header() -> String {
    serde_json::to_string(&UpdateHeader {
        run: RunId(2),
        round: Round(5),
        report: report(),
        coalitions: Vec::new(),
        deltas: Vec::new(),
    })
    .unwrap()
}

const WEIGHT: (&[usize], &[f32]) = (&[2, 3], &[0.0; 6]);
const BIAS: (&[usize], &[f32]) = (&[2], &[0.0; 2]);

/// The tensors that an update must have.
const TENSORS: [(&str, &[usize], &[f32]); 4] = [
    ("fed_avg/0.weight", WEIGHT.0, WEIGHT.1),
    ("fed_avg/0.bias", BIAS.0, BIAS.1),
    ("grouped/0.weight", WEIGHT.0, WEIGHT.1),
    ("grouped/0.bias", BIAS.0, BIAS.1),
];
