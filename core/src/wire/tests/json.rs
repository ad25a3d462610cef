//! Control messages, letter by letter: what is written here is what programs in other languages rely on.

use super::*;
use crate::config::PacingConfig;

fn both_ways<T>(message: &T, json: &str)
where
    T: Serialize + for<'a> Deserialize<'a> + PartialEq + std::fmt::Debug,
{
    assert_eq!(serde_json::to_string(message).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(json).unwrap(), message);
}

/// What serde writes, a device reads.
fn from_the_room(news: &RoomNews, json: &str) {
    both_ways(news, json);
    assert_eq!(RoomNews::from_json(json).as_ref(), Ok(news));
}

/// What a device writes, serde reads.
fn to_the_room(news: &DeviceNews, json: &str) {
    both_ways(news, json);
    assert_eq!(news.to_json(), json);
}

#[test]
fn what_the_room_says() {
    from_the_room(&RoomNews::RunFinished, r#"{"message":"run_finished"}"#);
    for (farewell, reason) in [
        (Farewell::Removed, "removed"),
        (Farewell::Left, "left"),
        (Farewell::Replaced, "replaced"),
    ] {
        from_the_room(
            &RoomNews::Farewell(farewell),
            &format!(r#"{{"message":"farewell","reason":"{reason}"}}"#),
        );
    }
    let retry_after_ms = 1_250;
    from_the_room(
        &RoomNews::Farewell(Farewell::ServerStops { retry_after_ms }),
        r#"{"message":"farewell","reason":"server_stops","retry_after_ms":1250}"#,
    );
    let refused = RoomNews::Refused {
        code: "bad_message".to_owned(),
        detail: "that was no JSON".to_owned(),
    };
    from_the_room(
        &refused,
        r#"{"message":"refused","code":"bad_message","detail":"that was no JSON"}"#,
    );
}

#[test]
fn what_the_room_says_first() {
    let configured = Configured {
        protocol: 1,
        run: RunId(2),
        device: DeviceId(3),
        slot: Slot(4),
        config: RunConfig {
            arms: Vec::new(),
            ..RunConfig::default()
        },
        mischief: false,
    };
    from_the_room(
        &RoomNews::Configured(Box::new(configured)),
        concat!(
            r#"{"message":"configured","protocol":1,"run":2,"device":3,"slot":4,"config":{"seed":7,"rounds":30,"#,
            r#""model":{"kind":"mlp","hidden":[64]},"#,
            r#""data":{"dataset":"mnist-small","partition":{"kind":"dirichlet","alpha":0.5},"#,
            r#""groups":{"count":4,"kind":"rotation"},"examples":400,"spread":0.0,"held_out":100,"validation":0,"balanced_per_label":50},"#,
            r#""training":{"epochs":2,"batch":20,"learning_rate":0.05,"momentum":0.0,"weight_decay":0.0},"#,
            r#""pacing":{"min_devices":2,"start_at":null,"deadline_ms":30000,"pace_ms":1000,"slow_devices":"shorter_plan"},"arms":[],"#,
            r#""encodings":{"up":{"kind":"f32"},"down":{"kind":"f32"}}}}"#
        ),
    );
}

#[test]
fn what_a_device_says() {
    let hello = DeviceNews::Hello {
        token: "s3cret".to_owned(),
    };
    to_the_room(&hello, r#"{"message":"hello","token":"s3cret"}"#);
    to_the_room(&DeviceNews::Heartbeat, r#"{"message":"heartbeat"}"#);
    to_the_room(
        &DeviceNews::Ready { run: RunId(3) },
        r#"{"message":"ready","run":3}"#,
    );
    to_the_room(&DeviceNews::Leave, r#"{"message":"leave"}"#);
}

#[test]
fn what_a_device_must_not_say() {
    for json in [
        "",
        "{",
        "null",
        "[]",
        r#""heartbeat""#,
        "{}",
        r#"{"message":"dance"}"#,
        r#"{"message":"hello"}"#,
        r#"{"message":"hello","token":7}"#,
        r#"{"message":"hello","token":"s3cret","and":"more"}"#,
        r#"{"message":"heartbeat"} {"message":"leave"}"#,
    ] {
        assert!(serde_json::from_str::<DeviceNews>(json).is_err(), "{json}");
    }
}

#[test]
fn data_of_its_own_are_named_only_where_there_are_some() {
    let mut report = Report {
        arms: ByName::new(),
        ..report()
    };
    both_ways(&report, r#"{"examples":400,"arms":{}}"#);
    report.own_data = 12;
    both_ways(&report, r#"{"examples":400,"own_data":12,"arms":{}}"#);
}

#[test]
fn a_shorter_plan_is_named_only_where_there_is_one() {
    let mut report = Report {
        arms: ByName::new(),
        ..report()
    };
    both_ways(&report, r#"{"examples":400,"arms":{}}"#);
    report.halvings = 3;
    both_ways(&report, r#"{"examples":400,"halvings":3,"arms":{}}"#);
}

#[test]
fn mischief_is_named_only_where_there_is_some() {
    let mut report = Report {
        arms: ByName::new(),
        ..report()
    };
    both_ways(&report, r#"{"examples":400,"arms":{}}"#);
    for (mischief, name) in [
        (Mischief::LabelFlip, "label_flip"),
        (Mischief::SignFlip, "sign_flip"),
        (Mischief::Noise, "noise"),
        (Mischief::Silence, "silence"),
        (Mischief::Slowness, "slowness"),
    ] {
        report.mischief = Some(mischief);
        let json = format!(r#"{{"examples":400,"mischief":"{name}","arms":{{}}}}"#);
        both_ways(&report, &json);
    }
    let unknown = r#"{"examples":400,"mischief":"worse","arms":{}}"#;
    assert!(serde_json::from_str::<Report>(unknown).is_err());
}

/// A newer room may say more than this device knows of.
#[test]
fn unknown_fields_in_what_the_room_says_are_passed_over() {
    let news: RoomNews = serde_json::from_str(r#"{"message":"run_finished","after":30}"#).unwrap();
    assert_eq!(news, RoomNews::RunFinished);
    let news = RoomNews::from_json(r#"{"message":"run_finished","after":30}"#);
    assert_eq!(news, Ok(RoomNews::RunFinished));
}

/// Every kind of everything that a configuration can hold: a device reads what serde writes, to the bit, and passes over
/// what only a room needs to know.
#[test]
fn a_device_reads_every_configuration() {
    let kinds = [
        "{}",
        r#"{"seed":4294967295,"model":{"kind":"softmax"},"data":{"dataset":"fashion-mnist-small","partition":{"kind":"iid"},"groups":null,"spread":0.1}}"#,
        r#"{"model":{"kind":"cnn"},"data":{"dataset":"mnist","partition":{"kind":"shards","labels_per_device":3},"groups":{"count":2,"kind":"label_swap","sizes":[3,5],"pairs":2}}}"#,
        r#"{"model":{"kind":"cnn_wide"},"data":{"dataset":"watch","partition":{"kind":"person"}},"pacing":{"start_at":3,"participation":{"fraction":0.3,"order":"random"}}}"#,
        r#"{"model":{"kind":"mlp","hidden":[1,2]},"pacing":{"participation":{"fraction":0.1,"order":"capable_first"}},"training":{"epochs":1,"batch":2,"learning_rate":0.30000000000000004,"momentum":1e-7,"weight_decay":5e-324}}"#,
        r#"{"data":{"table":{"label":"what \"it\" is","labels":["ä","b\\"],"columns":[{"name":"\u0007","mean":-1.5,"sd":1e22}]}}}"#,
        r#"{"arms":[{"strategy":{"kind":"local_only"}},{"name":"it","strategy":{"kind":"fed_avg"}},{"strategy":{"kind":"fed_avg_fine_tune"}},{"strategy":{"kind":"fed_prox"}},{"strategy":{"kind":"robust_average","rule":"norm_clipping"}},{"name":"b","strategy":{"kind":"robust_average","rule":"multi_krum","bad":0.1}},{"strategy":{"kind":"scaffold"}},{"strategy":{"kind":"oracle_groups"}},{"strategy":{"kind":"ifca","k":2}},{"strategy":{"kind":"fesem","k":3}}]}"#,
        r#"{"arms":[{"strategy":{"kind":"cfl","linkage":"single"}},{"strategy":{"kind":"cfl","linkage":"average"}},{"strategy":{"kind":"fl_hc","metric":"euclidean","linkage":"complete","k":3}},{"strategy":{"kind":"bounded_confidence","metric":"cosine","confidence":0.5,"reform_every":2}},{"strategy":{"kind":"ours","judge_every":3}}]}"#,
        r#"{"arms":[{"strategy":{"kind":"coalition_global","formation":{"first_centers":"random","distance":"weights","layers":"raw","weighting":"size","barycenters":{"rule":"median"},"global":{"rule":"trimmed_mean"},"full_vote":3}}},{"strategy":{"kind":"coalition_models","formation":{"distance":"deltas","global":{"rule":"geometric_median","bad":0.25},"layers":"by_norm","weighting":"examples","freeze_after":3}}},{"strategy":{"kind":"coalition_models"}}]}"#,
    ];
    let mut strategies = std::collections::BTreeSet::new();
    for kind in kinds {
        let config: RunConfig = serde_json::from_str(kind).unwrap();
        strategies.extend(config.arms.iter().map(|arm| number(&arm.strategy)));
        let configured = |config| {
            RoomNews::Configured(Box::new(Configured {
                protocol: 1,
                run: RunId(2),
                device: DeviceId(3),
                slot: Slot(4),
                config,
                mischief: true,
            }))
        };
        let json = serde_json::to_string(&configured(config.clone())).unwrap();
        let read = configured(RunConfig {
            pacing: PacingConfig::default(),
            ..config
        });
        assert_eq!(RoomNews::from_json(&json), Ok(read), "{json}");
    }
    assert_eq!(strategies, (0..15).collect());
}

/// Whoever adds a strategy is told by the compiler to look here, and at what a device reads.
fn number(strategy: &StrategyConfig) -> u32 {
    match strategy {
        StrategyConfig::LocalOnly {} => 0,
        StrategyConfig::FedAvg {} => 1,
        StrategyConfig::FedAvgFineTune {} => 2,
        StrategyConfig::FedProx { .. } => 3,
        StrategyConfig::Scaffold {} => 4,
        StrategyConfig::OracleGroups {} => 5,
        StrategyConfig::Ifca { .. } => 6,
        StrategyConfig::Fesem { .. } => 7,
        StrategyConfig::Cfl(_) => 8,
        StrategyConfig::FlHc(_) => 9,
        StrategyConfig::BoundedConfidence(_) => 10,
        StrategyConfig::CoalitionGlobal { .. } => 11,
        StrategyConfig::CoalitionModels { .. } => 12,
        StrategyConfig::Ours(_) => 13,
        StrategyConfig::RobustAverage(_) => 14,
    }
}

/// What a device reports is written as serde writes it.
#[test]
fn a_device_writes_every_report() {
    let validation = Some(Validation {
        examples: 9,
        received: 3,
        beside: Some(2),
        own: None,
    });
    let arm = |loss, losses: &[f64], picked, validation| ArmReport {
        loss,
        losses: losses.to_vec(),
        picked,
        validation,
        own_after: Some(0.1),
        ..ArmReport::default()
    };
    let mut header = UpdateHeader {
        run: RunId(2),
        round: Round(5),
        coalitions: Vec::new(),
        deltas: Vec::new(),
        report: Report {
            examples: 400,
            own_data: 3,
            halvings: 2,
            mischief: None,
            arms: ByName::from([
                ("diverged".to_owned(), arm(Some(f64::NAN), &[], None, None)),
                (
                    "\"\n\u{1}".to_owned(),
                    arm(Some(2.0), &[1.5, 0.1 + 0.2], Some(1), validation),
                ),
            ]),
        },
    };
    assert_eq!(header.to_json(), serde_json::to_string(&header).unwrap());
    for mischief in [
        Mischief::LabelFlip,
        Mischief::SignFlip,
        Mischief::Noise,
        Mischief::Silence,
        Mischief::Slowness,
    ] {
        header.report.mischief = Some(mischief);
        assert_eq!(header.to_json(), serde_json::to_string(&header).unwrap());
    }
}
