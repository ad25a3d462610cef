//! The desk.

use constellation_core::attack::Mischief;
use constellation_core::ids::DeviceId;
use constellation_core::view::Phase;
use constellation_core::wire::{Farewell, RoomNews};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestServer, fine, problem, small};

#[tokio::test(flavor = "multi_thread")]
async fn start_pause_step_and_reset() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (_b_socket, _) = room.connect(&b).await;
    assert_eq!(room.view().await.phase, Phase::Lobby);
    let view = fine(room.desk("start", &json!({})).await, 200).await;
    assert_eq!(
        (view["phase"].as_str(), view["round"].as_u64()),
        (Some("training"), Some(1))
    );
    a_socket.round(&a).await;
    fine(room.desk("pause", &json!({})).await, 200).await;
    let view = fine(room.desk("reset", &json!({ "seed": 99 })).await, 200).await;
    assert_eq!(
        (
            view["phase"].as_str(),
            view["seed"].as_u64(),
            view["run"].as_u64()
        ),
        (Some("lobby"), Some(99), Some(2))
    );
    let RoomNews::Configured(configured) = a_socket.news().await else {
        panic!("a reset is told")
    };
    assert_eq!((configured.run.0, configured.config.seed), (2, 99));
    let view = fine(room.desk("step", &json!({})).await, 200).await;
    assert_eq!(view["phase"], "training");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_configuration_changes_what_updates_must_be() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (_b_socket, _) = room.connect(&b).await;
    fine(room.desk("start", &json!({})).await, 200).await;
    let (old, _) = a_socket.round(&a).await;
    let mut config = small();
    config["arms"] = json!([{ "name": "mean", "strategy": { "kind": "fed_avg" } }]);
    let view = fine(
        room.desk("configure", &json!({ "config": config })).await,
        200,
    )
    .await;
    assert_eq!(view["arms"][0]["name"], "mean");
    let response = room
        .post_update(&a, old.round, a.update(&old, 1.0).encode())
        .await;
    // Not "wrong shape": the device did nothing wrong, and is waited for in the new run.
    problem(response, 409, "stale").await;
    let RoomNews::Configured(configured) = a_socket.news().await else {
        panic!("a new run is told")
    };
    assert_eq!(configured.config.arms.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_told_that_they_may_be_difficult_and_the_view_says_who_is() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (mut b_socket, _) = room.connect(&b).await;
    assert!(!room.view().await.mischief_allowed);
    let view = fine(
        room.desk("mischief", &json!({ "allowed": true })).await,
        200,
    )
    .await;
    assert_eq!(view["mischief_allowed"], true);
    for socket in [&mut a_socket, &mut b_socket] {
        let RoomNews::Configured(configured) = socket.news().await else {
            panic!("devices are told")
        };
        assert!(configured.mischief);
    }
    fine(room.desk("start", &json!({})).await, 200).await;
    let (round, _) = a_socket.round(&a).await;
    let mut update = a.update(&round, 1.0);
    update.report.mischief = Some(Mischief::Noise);
    let response = room.post_update(&a, round.round, update.encode()).await;
    fine(response, 202).await;
    let devices = room.view().await.devices;
    assert_eq!(devices[0].mischief, Some(Mischief::Noise));
    assert_eq!(devices[1].mischief, None);
    for wrong in [
        json!({}),
        json!({ "allowed": 1 }),
        json!({ "allowed": true, "who": 1 }),
    ] {
        problem(room.desk("mischief", &wrong).await, 422, "wrong_fields").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_device_is_told_and_stays_out() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut socket, _) = room.connect(&a).await;
    let view = fine(room.desk("remove", &json!({ "device": a.id })).await, 200).await;
    assert_eq!(view["devices"].as_array().unwrap().len(), 1);
    assert_eq!(socket.farewell().await, (Farewell::Removed, 1_000));
    let mut back = server
        .socket(&room.path(&format!("/devices/{}/socket", a.id)))
        .await;
    back.send_json(&json!({ "message": "hello", "token": a.token }))
        .await;
    assert_eq!(back.closed().await, (4_404, "unknown_device".to_owned()));
    problem(
        room.desk("remove", &json!({ "device": a.id })).await,
        404,
        "unknown_device",
    )
    .await;
    // One that was never connected can be removed just as well.
    fine(room.desk("remove", &json!({ "device": b.id })).await, 200).await;
    assert!(
        room.view()
            .await
            .devices
            .iter()
            .all(|device| device.id != DeviceId(b.id))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_room_takes_back_its_own_devices_alone() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (b_socket, _) = room.connect(&b).await;
    let view = fine(room.desk("lock", &json!({})).await, 200).await;
    assert_eq!(view["locked"], true);
    let refused = server.post(&room.path("/devices"), &json!({})).await;
    problem(refused, 423, "room_locked").await;
    assert_eq!(room.view().await.refusals["room_locked"], 1);

    // Who is in the room works on, and comes back with its token.
    drop(b_socket);
    let (mut b_socket, _) = room.connect(&b).await;
    fine(room.desk("start", &json!({})).await, 200).await;
    for (device, socket) in [(&a, &mut a_socket), (&b, &mut b_socket)] {
        let (opened, _) = socket.round(device).await;
        let update = device.update(&opened, 1.0).encode();
        fine(room.post_update(device, opened.round, update).await, 202).await;
    }

    let view = fine(room.desk("unlock", &json!({})).await, 200).await;
    assert_eq!(view["locked"], false);
    fine(server.post(&room.path("/devices"), &json!({})).await, 201).await;
    problem(
        room.desk("lock", &json!({ "for": 5 })).await,
        422,
        "wrong_fields",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_configuration_names_the_field() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    for (config, field) in [
        (json!({ "training": { "batch": 0 } }), "training.batch"),
        (
            json!({ "arms": [{ "strategy": { "kind": "ifca", "k": 0 } }] }),
            "arms[0].strategy.k",
        ),
        (json!({ "data": { "dataset": "mnist" } }), "data.dataset"),
    ] {
        let response = room.desk("configure", &json!({ "config": config })).await;
        let problem = problem(response, 422, "bad_config").await;
        assert_eq!(problem["field"], field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_is_for_whoever_has_its_token() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let other = server.room(&small()).await;
    let device = room.join().await;
    let path = room.path("/desk/start");
    for token in ["guess", device.token.as_str(), other.desk_token.as_str()] {
        let response = server
            .request(Method::POST, &path)
            .bearer_auth(token)
            .json(&json!({}))
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        problem(response, 401, "wrong_token").await;
    }
    problem(server.post(&path, &json!({})).await, 401, "missing_token").await;
    let empty = server
        .request(Method::POST, &path)
        .header("authorization", "Bearer")
        .json(&json!({}));
    problem(empty.send().await.unwrap(), 401, "missing_token").await;
    let basic = server
        .request(Method::POST, &path)
        .header("authorization", "Basic eDp5")
        .json(&json!({}));
    problem(basic.send().await.unwrap(), 401, "missing_token").await;
    assert_eq!(room.view().await.phase, Phase::Lobby);
    // A command without a body is one with an empty body.
    let bare = server
        .request(Method::POST, &path)
        .bearer_auth(&room.desk_token)
        .send()
        .await
        .unwrap();
    fine(bare, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_desk_cannot_do() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    problem(room.desk("dance", &json!({})).await, 404, "unknown_command").await;
    problem(
        room.desk("start", &json!({ "fast": true })).await,
        422,
        "wrong_fields",
    )
    .await;
    problem(room.desk("remove", &json!({})).await, 422, "wrong_fields").await;
    problem(
        room.desk("reset", &json!({ "seed": -1 })).await,
        422,
        "wrong_fields",
    )
    .await;
    problem(room.desk("pause", &json!({})).await, 409, "wrong_phase").await;
    problem(
        room.desk("configure", &json!({ "config": { "rounds": 0 } }))
            .await,
        422,
        "bad_config",
    )
    .await;
    problem(
        room.desk("configure", &json!({ "config": { "rounds": "many" } }))
            .await,
        422,
        "bad_config",
    )
    .await;
    problem(
        room.desk("configure", &json!({ "config": { "speed": 3 } }))
            .await,
        422,
        "bad_config",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_counts_what_was_refused_before_it_was_known_whose_it_is() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let post = |path: String, token: &'static str, body: &'static str| {
        let request = server.request(Method::POST, &path).bearer_auth(token);
        request
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    problem(
        post(room.path("/desk/start"), "guess", "{}").await.unwrap(),
        401,
        "wrong_token",
    )
    .await;
    problem(
        post(room.path("/rounds/1/updates"), "guess", "")
            .await
            .unwrap(),
        401,
        "wrong_token",
    )
    .await;
    problem(
        post(room.path("/devices"), "", "{").await.unwrap(),
        400,
        "malformed_json",
    )
    .await;
    let bad = room
        .desk("configure", &json!({ "config": { "rounds": 0 } }))
        .await;
    problem(bad, 422, "bad_config").await;
    let refusals = room.view().await.refusals;
    let counted: Vec<(&str, u32)> = refusals
        .iter()
        .map(|(code, count)| (code.as_str(), *count))
        .collect();
    assert_eq!(
        counted,
        [("bad_config", 1), ("malformed_json", 1), ("wrong_token", 2)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_preset_of_the_board_is_taken() {
    let presets = include_str!("../../../web/src/presets.json");
    let presets: serde_json::Map<String, Value> = serde_json::from_str(presets).unwrap();
    assert!(!presets.is_empty());
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    for (name, preset) in presets {
        let body = json!({ "config": preset });
        let view = fine(room.desk("configure", &body).await, 200).await;
        for (key, value) in preset["data"].as_object().unwrap() {
            let taken = &view["config"]["data"][key];
            let differs = value
                .as_object()
                .is_some_and(|value| value.iter().any(|(key, value)| taken[key] != *value));
            assert!(
                !differs && value.is_null() == taken.is_null(),
                "{name}: {key} is {taken}"
            );
        }
    }
}
