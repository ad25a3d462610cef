//! The worked example of docs/protocol.md is what happens.

use std::collections::BTreeSet;

use constellation_core::by_name::ByName;
use constellation_core::wire::safetensors::Tensors;
use constellation_core::wire::{ArmReport, Report, RoomNews, Update};
use constellation_server::limits;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{TestServer, fine, small};

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
    let mut weights = ByName::new();
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
        deltas: ByName::new(),
        sketches: ByName::new(),
        coalitions: Vec::new(),
        run: configured.run,
        round: constellation_core::ids::Round(1),
        report: Report {
            examples: 400,
            own_data: 0,
            halvings: 0,
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

/// The document says what a recording is, line by line and field by field.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_as_the_document_says() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (mut b_socket, _) = room.connect(&b).await;
    fine(room.desk("start", &json!({})).await, 200).await;
    for (device, socket) in [(&a, &mut a_socket), (&b, &mut b_socket)] {
        let (opened, _) = socket.round(device).await;
        let update = device.update(&opened, 1.0).encode();
        fine(room.post_update(device, opened.round, update).await, 202).await;
    }
    let (_, section) = DOCUMENT.split_once("\n## The recording\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let text = server.get(&room.path("/export?format=replay")).await;
    let text = text.text().await.unwrap();
    let (header, frames) = text.split_once('\n').unwrap();
    assert_eq!(section.split("```\n").nth(1).unwrap().trim_end(), header);
    let frames: Vec<Value> = frames
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let fields = frames
        .iter()
        .flat_map(|frame| frame.as_object().unwrap().keys());
    let found: BTreeSet<&str> = fields.map(String::as_str).collect();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<&str> = rows.map(|row| row.split_once('`').unwrap().0).collect();
    assert_eq!(listed, found);
}

#[test]
fn the_document_has_the_limit_of_a_recording() {
    let bytes = limits::RECORDING.to_string();
    let digits = bytes.as_bytes().rchunks(3).rev();
    let groups: Vec<&str> = digits.map(|d| std::str::from_utf8(d).unwrap()).collect();
    let row = format!("| bytes of a recording's frames | {};", groups.join(","));
    assert!(DOCUMENT.lines().any(|line| line.starts_with(&row)), "{row}");
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
