//! The worked example of docs/protocol.md is what happens.

use std::collections::BTreeMap;

use constellation_core::wire::safetensors::Tensors;
use constellation_core::wire::{ArmReport, Report, RoomNews, Update};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{TestServer, fine};

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

/// The code blocks of the worked example that are JSON.
fn examples() -> Vec<Value> {
    let (_, example) = DOCUMENT
        .split_once("## A worked example")
        .expect("the document has one");
    let blocks = example.split("```json\n").skip(1);
    blocks
        .map(|block| serde_json::from_str(block.split_once("```").unwrap().0).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worked_example_is_what_happens() {
    let [create, join, hello, plan, update, accepted] = examples().try_into().expect("six blocks");
    let server = TestServer::start().await;
    let room = server.room(&create["config"]).await;
    assert_eq!(
        fine(server.post("/api/rooms", &create).await, 201).await["room"]
            .as_str()
            .unwrap()
            .len(),
        4
    );
    let device = room.join().await;
    assert_eq!(join, json!({ "name": "mine" }));
    let mut socket = server
        .socket(&room.path(&format!("/devices/{}/socket", device.id)))
        .await;
    let mut said = hello;
    assert_eq!(said["message"], "hello");
    said["token"] = json!(device.token);
    socket.send_json(&said).await;
    let RoomNews::Configured(configured) = socket.news().await else {
        panic!("the configuration comes first")
    };

    // The round, to the byte.
    let Message::Binary(frame) = socket.next().await else {
        panic!("then the round")
    };
    let file = Tensors::parse(&frame).unwrap();
    let found: Value = serde_json::from_str(file.metadata("plan").unwrap()).unwrap();
    assert_eq!(found, plan);
    says("round", frame.len());
    says("header of the round", header(&frame));

    // The update, to the byte.
    let arm: ArmReport =
        serde_json::from_value(update["report"]["arms"]["fed_avg"].clone()).unwrap();
    let mut weights = BTreeMap::new();
    for (name, params) in device
        .update(
            &constellation_core::wire::RoundOpened::decode(&frame, &device.models.spec).unwrap(),
            0.5,
        )
        .weights
    {
        weights.insert(name, params);
    }
    let body = Update {
        run: configured.run,
        round: constellation_core::ids::Round(1),
        report: Report {
            examples: 400,
            own_data: 0,
            mischief: None,
            arms: [("fed_avg".to_owned(), arm)].into(),
        },
        weights,
    }
    .encode();
    let file = Tensors::parse(&body).unwrap();
    let found: Value = serde_json::from_str(file.metadata("update").unwrap()).unwrap();
    assert_eq!(found, update);
    says("update", body.len());
    says("header of the update", header(&body));
    says("longest update", device.models.longest_update());
    let answer = fine(
        room.post_update(&device, constellation_core::ids::Round(1), body)
            .await,
        202,
    )
    .await;
    assert_eq!(answer, accepted);
}

/// Length of a file's header.
fn header(file: &[u8]) -> u64 {
    u64::from_le_bytes(file[..8].try_into().unwrap())
}

/// Checks that the document has a row of its table of sizes with this number.
fn says(what: &str, bytes: impl std::fmt::Display) {
    let row = format!("| {what} | {bytes} |");
    assert!(
        DOCUMENT.lines().any(|line| line == row),
        "docs/protocol.md lacks: {row}"
    );
}
