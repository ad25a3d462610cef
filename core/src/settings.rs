//! Every setting of a run for the pages, held against the committed file: what it may be, as the checks of the
//! configuration themselves say it, and what it is when nobody says otherwise.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{
    Aggregation, BoundedConfidenceOptions, DistanceKind, Encodings, FlHcOptions, Formation,
    GroupKind, Groups, Order, Participation, Partition, Resting, RunConfig, Sketches,
    StrategyConfig, limits,
};
use crate::encoding::Encoding;
use crate::model::ModelConfig;

const HEADER: &str = "\
// Generated from the configuration and its checks in core/. Do not edit.
// To write it anew: UPDATE_TYPES=1 cargo test -p constellation-core settings
";

/// Where the table's declaration is, which is left out where there is a data set and cannot be walked like others.
const TABLE: &str = "/data/table";

/// Parts of a configuration whose fields depend on their `kind`.
const BY_KIND: [&str; 4] = ["model", "data.partition", "encodings.up", "encodings.down"];

#[derive(Serialize)]
struct Setting {
    /// Where it is in the configuration, or in the strategy.
    path: String,
    #[serde(flatten)]
    range: Range,
    /// What it is when nobody says otherwise, or what it begins with when its part is chosen.
    start: Value,
    /// It may be `null`.
    optional: bool,
    /// The kind of its part that has it; `null` if all have.
    of: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Range {
    /// A whole number.
    Whole { least: f64, most: f64 },
    /// A number.
    Number {
        least: f64,
        most: f64,
        /// The ends that it may not be itself.
        without: Option<&'static str>,
    },
    /// Whole numbers.
    Wholes { least: f64, most: f64 },
    /// Yes or no.
    Flag,
    /// One of these names.
    Choice { options: Vec<String> },
    /// Whether its part is there at all.
    Part,
    /// The columns and labels of devices' own tables; the pages have a notation for it.
    Table,
}

/// Configurations that have every setting between them, each with a value, and with the widest range of each.
fn samples() -> Vec<RunConfig> {
    let mut whole = RunConfig::default();
    whole.data.groups = Some(Groups {
        count: 1,
        kind: GroupKind::LabelSwap,
        sizes: Some(vec![1]),
        pairs: Some(1),
    });
    whole.pacing.min_devices = 1;
    whole.pacing.start_at = Some(1);
    whole.pacing.participation = Some(Participation {
        fraction: 0.5,
        max_devices: Some(1),
        order: Order::Random,
    });
    let both = |encoding| Encodings {
        up: encoding,
        down: encoding,
    };
    let with = |change: &dyn Fn(&mut RunConfig)| {
        let mut other = whole.clone();
        change(&mut other);
        other
    };
    vec![
        with(&|c| c.model = ModelConfig::Softmax {}),
        with(&|c| c.model = ModelConfig::Cnn {}),
        with(&|c| c.model = ModelConfig::CnnWide {}),
        with(&|c| c.data.partition = Partition::Iid {}),
        with(&|c| {
            c.data.partition = Partition::Shards {
                labels_per_device: 2,
            };
        }),
        with(&|c| c.data.partition = Partition::Person {}),
        with(&|c| c.encodings = both(Encoding::F16 {})),
        with(&|c| c.encodings = both(Encoding::Int8 {})),
        with(&|c| c.encodings = both(Encoding::OneBit {})),
        with(&|c| c.encodings = both(Encoding::TopK { share: 0.01 })),
        whole,
    ]
}

/// One of each strategy, every option with a value.
fn strategies() -> Vec<StrategyConfig> {
    let formation = || Formation {
        reform_every: Some(1),
        freeze_after: Some(1),
        distance: DistanceKind::UnitDeltas,
        sketches: Some(Sketches {
            resting: Some(Resting::default()),
        }),
        barycenters: Some(Aggregation::default()),
        global: Some(Aggregation::default()),
        full_vote: Some(1),
        ..Formation::default()
    };
    let default = |kind: &str| serde_json::from_value(json!({ "kind": kind })).unwrap();
    vec![
        StrategyConfig::LocalOnly {},
        StrategyConfig::FedAvg {},
        StrategyConfig::FedAvgFineTune {},
        default("fed_prox"),
        default("robust_average"),
        StrategyConfig::Scaffold {},
        StrategyConfig::OracleGroups {},
        default("ifca"),
        default("fesem"),
        default("cfl"),
        StrategyConfig::FlHc(FlHcOptions {
            k: Some(1),
            ..FlHcOptions::default()
        }),
        StrategyConfig::BoundedConfidence(BoundedConfidenceOptions {
            confidence: Some(1.0),
            reform_every: Some(1),
            ..BoundedConfidenceOptions::default()
        }),
        StrategyConfig::CoalitionGlobal {
            formation: formation(),
        },
        StrategyConfig::CoalitionModels {
            formation: formation(),
        },
        default("ours"),
    ]
}

/// Puts a value into a configuration and asks for what is wrong with it: what serde says, or what the check says.
fn probe(sample: &Value, pointer: &str, value: Value) -> Result<(), Wrong> {
    let mut changed = sample.clone();
    *changed.pointer_mut(pointer).unwrap() = value;
    let config: RunConfig =
        serde_json::from_value(changed).map_err(|error| Wrong::Form(error.to_string()))?;
    config
        .check()
        .map(drop)
        .map_err(|error| Wrong::Range(error.allowed))
}

#[derive(Debug)]
enum Wrong {
    Form(String),
    Range(String),
}

/// The ends of a range, from the sentence in which the check says them.
fn ends(allowed: &str) -> (f64, f64, Option<&'static str>) {
    let (without, least, most) = if let Some(rest) = allowed.strip_prefix("above ") {
        let (least, most) = rest.split_once(", up to ").unwrap();
        (Some("least"), least, most)
    } else if let Some((least, most)) = allowed.split_once(" to below ") {
        (Some("most"), least, most)
    } else {
        let (least, most) = allowed.split_once(" to ").expect(allowed);
        (None, least, most)
    };
    (least.parse().unwrap(), most.parse().unwrap(), without)
}

/// What serde says would have been taken in place of a name that nothing has.
fn options(sample: &Value, pointer: &str) -> Vec<String> {
    expected(probe(sample, pointer, json!("?")))
}

/// Fails where the part at `pointer` has a field that the sample leaves out.
fn has_every_field(sample: &Value, pointer: &str) {
    let part = sample.pointer(pointer).unwrap();
    let mut with_another = part.clone();
    with_another["?"] = Value::Null;
    let fields = expected(probe(sample, pointer, with_another));
    for field in fields
        .iter()
        .filter(|field| format!("{pointer}/{field}") != TABLE)
    {
        assert!(
            part.get(field).is_some(),
            "the sample must have {pointer}/{field}"
        );
    }
}

/// The names that serde says it expected.
fn expected(refused: Result<(), Wrong>) -> Vec<String> {
    let Err(Wrong::Form(error)) = refused else {
        panic!("any name is taken");
    };
    let names = error.split_once("expected").map_or("", |(_, names)| names);
    let quoted = names.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

fn range_of(sample: &Value, pointer: &str) -> Range {
    let allowed = |value: Value| match probe(sample, pointer, value) {
        Err(Wrong::Range(allowed)) => Some(ends(&allowed)),
        Ok(()) => None,
        Err(Wrong::Form(error)) => panic!("{pointer}: {error}"),
    };
    match sample.pointer(pointer).unwrap() {
        Value::Bool(_) => Range::Flag,
        Value::String(_) => Range::Choice {
            options: options(sample, pointer),
        },
        Value::Number(_) if matches!(probe(sample, pointer, json!(0.5)), Err(Wrong::Form(_))) => {
            let any = (0.0, f64::from(u32::MAX), None);
            let (least, most, _) = allowed(json!(u32::MAX)).unwrap_or(any);
            Range::Whole { least, most }
        }
        Value::Number(_) => {
            let (least, most, without) = allowed(json!(1e300)).unwrap();
            Range::Number {
                least,
                most,
                without,
            }
        }
        Value::Array(items) => {
            let (least, most, _) = allowed(vec![0; items.len()].into()).unwrap();
            Range::Wholes { least, most }
        }
        Value::Object(_) => Range::Part,
        Value::Null => panic!("the sample must have a value at {pointer}"),
    }
}

/// Adds the settings of the part of `sample` at `root` and, in `path`, below; `default` is what the part is by default.
fn walk(sample: &Value, root: &str, path: &str, default: &Value, found: &mut Vec<Setting>) {
    let at = |path: &str| {
        if path.is_empty() {
            String::new()
        } else {
            format!("/{}", path.replace('.', "/"))
        }
    };
    let part = sample.pointer(&format!("{root}{}", at(path))).unwrap();
    has_every_field(sample, &format!("{root}{}", at(path)));
    for key in part.as_object().unwrap().keys() {
        let below = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if below == "arms" || (below == "kind" && !root.is_empty()) {
            continue;
        }
        let pointer = format!("{root}{}", at(&below));
        let value = sample.pointer(&pointer).unwrap();
        let mut without = sample.clone();
        *without.pointer_mut(&pointer).unwrap() = Value::Null;
        let optional = serde_json::from_value::<RunConfig>(without).is_ok();
        let known = found.iter().any(|setting| setting.path == below);
        if !known && (!value.is_object() || optional) {
            let range = range_of(sample, &pointer);
            let usual = default.pointer(&at(&below)).unwrap_or(&Value::Null);
            found.push(Setting {
                start: match range {
                    Range::Part => json!(usual.is_object()),
                    _ if usual.is_null() && !optional => value.clone(),
                    _ => usual.clone(),
                },
                optional: optional && !matches!(range, Range::Part),
                of: (BY_KIND.contains(&path) && key != "kind")
                    .then(|| part["kind"].as_str().unwrap().to_owned()),
                path: below.clone(),
                range,
            });
        }
        if value.is_object() {
            walk(sample, root, &below, default, found);
        }
    }
}

fn lines(settings: &[Setting], indent: &str) -> String {
    let line = |setting| format!("{indent}  {},\n", serde_json::to_string(setting).unwrap());
    settings.iter().map(line).collect()
}

fn declarations() -> String {
    let checked = RunConfig::default().check().unwrap();
    let default = serde_json::to_value(&*checked).unwrap();
    let samples: Vec<Value> = samples()
        .iter()
        .map(|config| serde_json::to_value(config).unwrap())
        .collect();
    let mut settings = Vec::new();
    for sample in &samples {
        walk(sample, "", "", &default, &mut settings);
    }
    settings.push(Setting {
        path: TABLE[1..].replace('/', "."),
        range: Range::Table,
        start: Value::Null,
        optional: true,
        of: None,
    });
    settings.sort_by(|a, b| a.path.cmp(&b.path));
    for part in BY_KIND {
        let pointer = format!("/{}/kind", part.replace('.', "/"));
        let all: BTreeSet<_> = options(&samples[0], &pointer).into_iter().collect();
        let kind = |sample: &Value| {
            sample
                .pointer(&pointer)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        };
        let sampled: BTreeSet<_> = samples.iter().map(kind).collect();
        assert_eq!(all, sampled, "samples() must have every {part}");
    }

    let mut kinds = Vec::new();
    let mut of_strategies = Vec::new();
    for strategy in strategies() {
        let kind = strategy.kind();
        let usual: StrategyConfig = serde_json::from_value(json!({ "kind": kind })).unwrap();
        let mut sample = samples[0].clone();
        sample["arms"] = json!([{ "name": "", "strategy": strategy }]);
        let mut found = Vec::new();
        let usual = serde_json::to_value(usual).unwrap();
        walk(&sample, "/arms/0/strategy", "", &usual, &mut found);
        of_strategies.push(format!("  {kind}: [\n{}  ],\n", lines(&found, "  ")));
        kinds.push(kind);
    }
    let all = options(&default, "/arms/0/strategy/kind");
    assert_eq!(kinds, all, "strategies() must have every strategy");
    let of_strategies = of_strategies.concat();

    format!(
        "{HEADER}
/** The most arms of a run, and the most characters of an arm's name. */
export const MOST_ARMS = {};
export const MOST_NAME = {};

/** The run of a room when nobody says otherwise. */
export const DEFAULT_RUN = {default};

/** The settings of a run but for its arms. */
export const SETTINGS = [
{}] as const;

/** The options of each strategy. */
export const STRATEGY_SETTINGS = {{
{of_strategies}}} as const;
",
        limits::ARMS,
        limits::ARM_NAME,
        lines(&settings, ""),
    )
}

#[test]
fn the_pages_have_the_settings_of_the_core() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/src/settings.gen.ts");
    let declared = declarations();
    if std::env::var_os("UPDATE_TYPES").is_some() {
        fs::write(&path, &declared).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == declared,
        "web/src/settings.gen.ts is not what the configuration says; write it anew with\n\
         UPDATE_TYPES=1 cargo test -p constellation-core settings"
    );
}
