//! Every number has a range, and every range two ends.

use super::*;

/// Each entry: where the value goes, values just within the range, values just outside, and what is allowed.
/// Values are JSON text, so that they go the way a person's go.
const RANGES: &[(&str, &[&str], &[&str], &str)] = &[
    ("rounds", &["1", "100000"], &["0", "100001"], "1 to 100000"),
    (
        "model.hidden",
        &["[1]", "[4096]", "[1,1,1,1,1,1,1,1]"],
        &["[0]", "[4097]", "[8,0]"],
        "1 to 4096",
    ),
    (
        "model.hidden",
        &[],
        &["[]", "[1,1,1,1,1,1,1,1,1]"],
        "1 to 8 layers",
    ),
    (
        "data.examples",
        &["1", "20000"],
        &["0", "20001"],
        "1 to 20000",
    ),
    ("data.spread", &["0", "2"], &["-0.1", "2.1"], "0 to 2"),
    ("data.validation", &["0", "20000"], &["20001"], "0 to 20000"),
    (
        "data.held_out",
        &["1", "20000"],
        &["0", "20001"],
        "1 to 20000",
    ),
    (
        "data.balanced_per_label",
        &["1", "1000"],
        &["0", "1001"],
        "1 to 1000",
    ),
    (
        "data.partition.alpha",
        &["0.001", "1000000"],
        &["0", "0.0009", "-1", "1000001", "1e300"],
        "0.001 to 1000000",
    ),
    (
        "data.partition.labels_per_device",
        &["1", "10"],
        &["0", "11"],
        "1 to 10",
    ),
    ("training.epochs", &["1", "100"], &["0", "101"], "1 to 100"),
    (
        "training.batch",
        &["1", "1024"],
        &["0", "1025"],
        "1 to 1024",
    ),
    (
        "training.learning_rate",
        &["1e-9", "10"],
        &["0", "-0.1", "10.1", "1e300"],
        "above 0, up to 10",
    ),
    (
        "training.momentum",
        &["0", "0.999"],
        &["-0.1", "1", "1e300"],
        "0 to below 1",
    ),
    (
        "training.weight_decay",
        &["0", "1"],
        &["-0.1", "1.01"],
        "0 to 1",
    ),
    (
        "pacing.min_devices",
        &["1", "2000"],
        &["0", "2001"],
        "1 to 2000",
    ),
    (
        "pacing.start_at",
        &["2", "2000", "null"],
        &["0", "1", "2001"],
        "2 to 2000",
    ),
    (
        "pacing.deadline_ms",
        &["100", "3600000"],
        &["99", "3600001"],
        "100 to 3600000",
    ),
    (
        "pacing.pace_ms",
        &["0", "3600000"],
        &["3600001"],
        "0 to 3600000",
    ),
    (
        "pacing.participation.fraction",
        &["1e-300", "0.5", "1"],
        &["0", "-0.1", "1.001", "1e300"],
        "above 0, up to 1",
    ),
    (
        "pacing.participation.max_devices",
        &["2", "2000", "null"],
        &["0", "1", "2001"],
        "2 to 2000",
    ),
    (
        "arms[0].strategy.formation.k",
        &["1", "1000"],
        &["0", "1001"],
        "1 to 1000",
    ),
    (
        "arms[0].strategy.formation.warm_up",
        &["0", "100000"],
        &["100001"],
        "0 to 100000",
    ),
    (
        "arms[0].strategy.formation.reform_every",
        &["1", "100000", "null"],
        &["0", "100001"],
        "1 to 100000",
    ),
    (
        "arms[0].strategy.formation.freeze_after",
        &["1", "100000", "null"],
        &["0", "100001"],
        "1 to 100000",
    ),
    (
        "arms[0].strategy.formation.min_size",
        &["1", "2000"],
        &["0", "2001"],
        "1 to 2000",
    ),
    (
        "arms[0].strategy.formation.restarts",
        &["1", "1000"],
        &["0", "1001"],
        "1 to 1000",
    ),
    (
        "arms[0].strategy.formation.max_iterations",
        &["1", "10000"],
        &["0", "10001"],
        "1 to 10000",
    ),
    (
        "arms[0].strategy.formation.sketches.resting.after",
        &["1", "100000"],
        &["0", "100001"],
        "1 to 100000",
    ),
    (
        "arms[0].strategy.formation.sketches.resting.share",
        &["1e-300", "0.5", "1"],
        &["0", "-0.1", "1.001"],
        "above 0, up to 1",
    ),
];

/// The strategy, its option, values just within the range, values just outside, and what is allowed.
type Options = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

/// Options of single strategies.
const OPTIONS: &[Options] = &[
    (
        "fed_prox",
        "mu",
        &["0", "10"],
        &["-0.001", "10.1", "1e300"],
        "0 to 10",
    ),
    (
        "bounded_confidence",
        "confidence",
        &["0.01", "10", "null"],
        &["0", "0.009", "10.1", "1e300"],
        "0.01 to 10",
    ),
    (
        "bounded_confidence",
        "warm_up",
        &["0", "100000"],
        &["100001"],
        "0 to 100000",
    ),
    (
        "bounded_confidence",
        "reform_every",
        &["1", "100000", "null"],
        &["0", "100001"],
        "1 to 100000",
    ),
    (
        "bounded_confidence",
        "max_iterations",
        &["1", "10000"],
        &["0", "10001"],
        "1 to 10000",
    ),
    (
        "cfl",
        "warm_up",
        &["0", "100000"],
        &["100001"],
        "0 to 100000",
    ),
    (
        "cfl",
        "split_below",
        &["0", "1"],
        &["-0.1", "1.01"],
        "0 to 1",
    ),
    ("cfl", "gamma", &["0", "1"], &["-0.1", "1.01"], "0 to 1"),
    (
        "cfl",
        "min_size",
        &["1", "2000"],
        &["0", "2001"],
        "1 to 2000",
    ),
    (
        "fl_hc",
        "rounds_before",
        &["0", "100000"],
        &["100001"],
        "0 to 100000",
    ),
    (
        "fl_hc",
        "threshold",
        &["0.01", "10"],
        &["0", "0.009", "10.1", "1e300"],
        "0.01 to 10",
    ),
    (
        "fl_hc",
        "k",
        &["1", "1000", "null"],
        &["0", "1001"],
        "1 to 1000",
    ),
    ("ifca", "k", &["1", "16"], &["0", "17"], "1 to 16"),
    ("fesem", "k", &["1", "1000"], &["0", "1001"], "1 to 1000"),
];

#[test]
fn every_option_of_a_strategy_is_checked_at_both_ends() {
    for (kind, option, inside, outside, allowed) in OPTIONS {
        let check = |value: &str| {
            read(&format!(
                r#"{{"arms":[{{"strategy":{{"kind":"{kind}","{option}":{value}}}}}]}}"#
            ))
            .check()
        };
        for value in *inside {
            assert!(check(value).is_ok(), "{kind}.{option} = {value}");
        }
        for value in *outside {
            let error = check(value).unwrap_err();
            let field = format!("arms[0].strategy.{option}");
            assert_eq!(
                (error.field, error.allowed.as_str()),
                (field, *allowed),
                "{kind}: {value}"
            );
        }
    }
}

/// A configuration in which nothing but one field is said.
fn with(field: &str, value: &str) -> RunConfig {
    let last = |prefix: &str| {
        field
            .strip_prefix(prefix)
            .map(|name| format!(r#""{name}":{value}"#))
    };
    let resting = "arms[0].strategy.formation.sketches.resting.";
    let json = if let Some(entry) = last(resting) {
        let formation =
            format!(r#"{{"distance":"unit_deltas","sketches":{{"resting":{{{entry}}}}}}}"#);
        format!(
            r#"{{"arms":[{{"strategy":{{"kind":"coalition_global","formation":{formation}}}}}]}}"#
        )
    } else if let Some(entry) = last("arms[0].strategy.formation.") {
        format!(
            r#"{{"arms":[{{"strategy":{{"kind":"coalition_global","formation":{{{entry}}}}}}}]}}"#
        )
    } else if let Some(entry) = last("data.partition.") {
        let kind = if field.ends_with("alpha") {
            "dirichlet"
        } else {
            "shards"
        };
        format!(r#"{{"data":{{"partition":{{"kind":"{kind}",{entry}}}}}}}"#)
    } else if let Some(entry) = last("pacing.participation.") {
        let fraction = if field.ends_with("fraction") {
            ""
        } else {
            r#""fraction":1,"#
        };
        format!(r#"{{"pacing":{{"participation":{{{fraction}"order":"random",{entry}}}}}}}"#)
    } else if let Some(entry) = last("model.") {
        format!(r#"{{"model":{{"kind":"mlp",{entry}}}}}"#)
    } else if let Some((part, name)) = field.split_once('.') {
        format!(r#"{{"{part}":{{"{name}":{value}}}}}"#)
    } else {
        format!(r#"{{"{field}":{value}}}"#)
    };
    read(&json)
}

#[test]
fn every_range_is_checked_at_both_ends() {
    for (field, inside, outside, allowed) in RANGES {
        for value in *inside {
            let mut config = with(field, value);
            if *field == "pacing.min_devices" {
                config.pacing.start_at = None;
            }
            let checked = config.check();
            assert!(checked.is_ok(), "{field} = {value}: {checked:?}");
        }
        for value in *outside {
            let error = with(field, value).check().unwrap_err();
            assert_eq!(
                (error.field.as_str(), error.allowed.as_str()),
                (*field, *allowed),
                "{value}"
            );
        }
    }
}

/// JSON has no such numbers, but programs do.
#[test]
fn numbers_that_are_none_are_refused() {
    type Field = fn(&mut RunConfig) -> &mut f64;

    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let fields: [(&str, Field); 6] = [
            ("data.spread", |c| &mut c.data.spread),
            ("training.learning_rate", |c| &mut c.training.learning_rate),
            ("training.momentum", |c| &mut c.training.momentum),
            ("training.weight_decay", |c| &mut c.training.weight_decay),
            ("data.partition.alpha", |c| match &mut c.data.partition {
                Partition::Dirichlet { alpha } => alpha,
                other => panic!("the default has an alpha: {other:?}"),
            }),
            ("pacing.participation.fraction", |c| {
                let half = Participation {
                    fraction: 0.5,
                    max_devices: None,
                    order: Order::Random,
                };
                &mut c.pacing.participation.get_or_insert(half).fraction
            }),
        ];
        for (field, field_of) in fields {
            let mut config = RunConfig::default();
            *field_of(&mut config) = bad;
            assert_eq!(config.check().unwrap_err().field, field, "{bad}");
        }
    }
}
