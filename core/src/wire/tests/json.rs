//! Control messages, letter by letter: what is written here is what programs in other languages rely on.

use super::*;

fn both_ways<T>(message: &T, json: &str)
where
    T: Serialize + for<'a> Deserialize<'a> + PartialEq + std::fmt::Debug,
{
    assert_eq!(serde_json::to_string(message).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(json).unwrap(), message);
}

#[test]
fn what_the_room_says() {
    both_ways(&RoomNews::RunFinished, r#"{"message":"run_finished"}"#);
    for (farewell, reason) in [
        (Farewell::Removed, "removed"),
        (Farewell::Left, "left"),
        (Farewell::ServerStops, "server_stops"),
        (Farewell::Replaced, "replaced"),
    ] {
        both_ways(
            &RoomNews::Farewell(farewell),
            &format!(r#"{{"message":"farewell","reason":"{reason}"}}"#),
        );
    }
    let refused = RoomNews::Refused {
        code: "bad_message".to_owned(),
        detail: "that was no JSON".to_owned(),
    };
    both_ways(
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
    both_ways(
        &RoomNews::Configured(Box::new(configured)),
        concat!(
            r#"{"message":"configured","protocol":1,"run":2,"device":3,"slot":4,"config":{"seed":7,"rounds":30,"#,
            r#""model":{"kind":"mlp","hidden":[64]},"#,
            r#""data":{"dataset":"mnist-small","partition":{"kind":"dirichlet","alpha":0.5},"#,
            r#""groups":{"count":4,"kind":"rotation"},"examples":400,"spread":0.0,"held_out":100,"validation":0,"balanced_per_label":50},"#,
            r#""training":{"epochs":2,"batch":20,"learning_rate":0.05,"momentum":0.0,"weight_decay":0.0},"#,
            r#""pacing":{"min_devices":2,"start_at":null,"deadline_ms":30000,"pace_ms":1000},"arms":[]}}"#
        ),
    );
}

#[test]
fn what_a_device_says() {
    let hello = DeviceNews::Hello {
        token: "s3cret".to_owned(),
    };
    both_ways(&hello, r#"{"message":"hello","token":"s3cret"}"#);
    both_ways(&DeviceNews::Heartbeat, r#"{"message":"heartbeat"}"#);
    both_ways(
        &DeviceNews::Ready { run: RunId(3) },
        r#"{"message":"ready","run":3}"#,
    );
    both_ways(&DeviceNews::Leave, r#"{"message":"leave"}"#);
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
        arms: BTreeMap::new(),
        ..report()
    };
    both_ways(&report, r#"{"examples":400,"arms":{}}"#);
    report.own_data = 12;
    both_ways(&report, r#"{"examples":400,"own_data":12,"arms":{}}"#);
}

#[test]
fn mischief_is_named_only_where_there_is_some() {
    let mut report = Report {
        arms: BTreeMap::new(),
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
}
