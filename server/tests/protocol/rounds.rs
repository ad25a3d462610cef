//! Whole rounds.

use constellation_core::ids::Round;
use constellation_core::recording::{Frame, Header};
use constellation_core::view::{DeviceState, Distances, Phase, View};
use constellation_core::wire::RoomNews;
use constellation_core::wire::safetensors::Tensors;
use constellation_server::ServerConfig;
use serde_json::json;

use crate::support::{TestServer, fine, small};

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_finish_a_run() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let mut board = room.live().await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, configured) = room.connect(&a).await;
    assert_eq!(
        (configured.protocol, configured.device.0, configured.slot.0),
        (1, a.id, 0)
    );
    let (mut b_socket, configured) = room.connect(&b).await;
    assert_eq!((configured.device.0, configured.slot.0), (b.id, 1));
    fine(room.desk("start", &json!({})).await, 200).await;

    let (mut sent, mut received) = (0, 0);
    for round in 1..=2 {
        for (device, socket, value) in [(&a, &mut a_socket, 1.0), (&b, &mut b_socket, 3.0)] {
            let (opened, bytes) = socket.round(device).await;
            assert_eq!(opened.round, Round(round));
            assert_eq!(
                opened
                    .arms
                    .iter()
                    .map(|arm| arm.name.as_str())
                    .collect::<Vec<_>>(),
                device.models.arms
            );
            let body = device.update(&opened, value).encode();
            received += bytes as u64;
            sent += body.len() as u64;
            let answer = fine(room.post_update(device, opened.round, body).await, 202).await;
            assert_eq!(answer, json!({ "status": "accepted" }));
        }
    }
    // The closing evaluation asks for reports only.
    for (device, socket) in [(&a, &mut a_socket), (&b, &mut b_socket)] {
        let (opened, bytes) = socket.round(device).await;
        assert_eq!((opened.round, &opened.training), (Round(3), &None));
        let body = device.update(&opened, 0.0).encode();
        received += bytes as u64;
        sent += body.len() as u64;
        fine(room.post_update(device, opened.round, body).await, 202).await;
    }
    assert_eq!(a_socket.news().await, RoomNews::RunFinished);
    assert_eq!(b_socket.news().await, RoomNews::RunFinished);

    let view = board
        .view_where("the end of the run", |view| view.phase == Phase::Finished)
        .await;
    assert_eq!(view.traffic.rounds, 2);
    assert_eq!(
        (view.traffic.bytes_up, view.traffic.bytes_down),
        (sent, received)
    );
    assert_eq!(view.fingerprint.len(), 64);
    assert_eq!(view.arms[1].history.len(), 2);
    assert!((view.arms[1].history[1].mean - 0.25).abs() < 1e-9);

    // The mean of the devices' weights is published, under the names PyTorch uses.
    let response = server.get(&room.path("/arms/fed_avg/models/global")).await;
    assert_eq!(response.status(), 200);
    let tag = response.headers()["etag"].clone();
    let bytes = response.bytes().await.unwrap();
    let file = Tensors::parse(&bytes).unwrap();
    let mut values = Vec::new();
    file.get("0.bias").unwrap().read_f32(&mut values);
    assert_eq!(values, [2.0; 10]);
    assert_eq!(file.get("0.weight").unwrap().shape, [10, 784]);
    assert_eq!(file.metadata("arm"), Some("fed_avg"));

    // Whoever has it is not sent it again.
    let path = room.path("/arms/fed_avg/models/global");
    let again = server
        .request(reqwest::Method::GET, &path)
        .header("if-none-match", tag.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(again.headers()["etag"], tag);
    assert!(again.bytes().await.unwrap().is_empty());
    let other = server
        .request(reqwest::Method::GET, &path)
        .header("if-none-match", "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 200);

    // The same model for programs that run models: another file, with the same weights in it.
    let response = server.get(&format!("{path}?format=onnx")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-disposition"],
        "attachment; filename=\"fed_avg-global.onnx\""
    );
    assert_ne!(response.headers()["etag"], tag);
    let onnx = response.bytes().await.unwrap();
    assert_eq!(onnx[..2], [8, 8], "version 8 of the format");
    let weights = 2.0_f32.to_le_bytes().repeat(10 * 784 + 10);
    let bias = 2.0_f32.to_le_bytes().repeat(10);
    let holds = |part: &[u8]| onnx.windows(part.len()).any(|window| window == part);
    assert!(holds(b"0.weight") && holds(&bias) && onnx.len() > weights.len());

    // A coalition's model goes by its number.
    let coalition = view.arms[2].coalitions[0].id;
    let response = server
        .get(&room.path(&format!("/arms/coalition_models/models/{coalition}")))
        .await;
    assert_eq!(response.status(), 200);
    assert_ne!(response.headers()["etag"], tag);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_comes_twice_counts_once() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (_b_socket, _) = room.connect(&b).await;
    fine(room.desk("start", &json!({})).await, 200).await;
    let (opened, _) = a_socket.round(&a).await;
    let body = a.update(&opened, 1.0).encode();
    assert_eq!(
        fine(room.post_update(&a, opened.round, body.clone()).await, 202).await["status"],
        "accepted"
    );
    assert_eq!(
        fine(room.post_update(&a, opened.round, body).await, 200).await["status"],
        "duplicate"
    );
    let view = room.view().await;
    assert_eq!(view.phase, Phase::Training);
    assert_eq!(view.devices[0].state, DeviceState::Sent);
    assert_eq!(view.devices[1].state, DeviceState::Training);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_does_not_wait_for_a_device_that_is_gone() {
    let server = TestServer::start().await;
    let mut config = small();
    config["pacing"]["min_devices"] = json!(1);
    let room = server.room(&config).await;
    let mut board = room.live().await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (b_socket, _) = room.connect(&b).await;
    fine(room.desk("step", &json!({})).await, 200).await;
    let (opened, _) = a_socket.round(&a).await;
    fine(
        room.post_update(&a, opened.round, a.update(&opened, 1.0).encode())
            .await,
        202,
    )
    .await;
    drop(b_socket);
    let view = board
        .view_where("the end of the round", |view| view.phase == Phase::Paused)
        .await;
    assert_eq!((view.round, view.traffic.rounds), (Round(1), 1));
    assert_eq!(view.devices[1].state, DeviceState::Away);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_passes_its_deadline_closes_by_itself() {
    let server = TestServer::start().await;
    let mut config = small();
    config["pacing"] = json!({ "min_devices": 1, "pace_ms": 0, "deadline_ms": 300 });
    let room = server.room(&config).await;
    let mut board = room.live().await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (_b_socket, _) = room.connect(&b).await;
    fine(room.desk("step", &json!({})).await, 200).await;
    let (opened, _) = a_socket.round(&a).await;
    fine(
        room.post_update(&a, opened.round, a.update(&opened, 1.0).encode())
            .await,
        202,
    )
    .await;
    let view = board
        .view_where("the end of the round", |view| view.phase == Phase::Paused)
        .await;
    assert_eq!(view.devices[1].state, DeviceState::Late);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_can_be_taken_home() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let mut board = room.live().await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (mut b_socket, _) = room.connect(&b).await;
    fine(room.desk("start", &json!({})).await, 200).await;
    for _ in 1..=2 {
        for (device, socket) in [(&a, &mut a_socket), (&b, &mut b_socket)] {
            let (opened, _) = socket.round(device).await;
            fine(
                room.post_update(device, opened.round, device.update(&opened, 1.0).encode())
                    .await,
                202,
            )
            .await;
        }
    }
    board
        .view_where("two rounds", |view| view.traffic.rounds == 2)
        .await;

    let response = server.get(&room.path("/export?format=jsonl")).await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.unwrap();
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names[..10],
        [
            "run_configured",
            "joined",
            "joined",
            "connected",
            "connected",
            "round_opened",
            "accepted",
            "accepted",
            "round_closed",
            "round_opened"
        ]
    );
    assert_eq!(events[0]["config"]["rounds"], 2);
    assert_eq!(events[5]["cohort"], json!([a.id, b.id]));
    let times: Vec<u64> = events
        .iter()
        .map(|event| event["time_ms"].as_u64().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");

    let response = server.get(&room.path("/export?format=csv")).await;
    assert_eq!(
        response.headers()["content-type"],
        "text/csv; charset=utf-8"
    );
    let text = response.text().await.unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows[0].split(',').count(), 11);
    // The first round's models are measured when the second closes.
    assert_eq!(
        rows.iter()
            .filter(|row| row.starts_with("fed_avg,1,0.25,0.25,0.25"))
            .count(),
        1,
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_can_be_watched_again() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (mut b_socket, _) = room.connect(&b).await;
    fine(room.desk("start", &json!({})).await, 200).await;
    // Two rounds, and the evaluation at the end.
    for _ in 1..=3 {
        for (device, socket, value) in [(&a, &mut a_socket, 1.0), (&b, &mut b_socket, 2.0)] {
            let (opened, _) = socket.round(device).await;
            let update = device.update(&opened, value).encode();
            fine(room.post_update(device, opened.round, update).await, 202).await;
        }
    }
    let path = room.path("/export?format=replay");
    let response = server.get(&path).await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let name = format!(
        "attachment; filename=\"constellation-{}.replay.jsonl\"",
        room.code
    );
    assert_eq!(response.headers()["content-disposition"], name);
    let frames = frames(&response.text().await.unwrap());

    let seen = |what: &dyn Fn(&Frame) -> bool| frames.iter().position(what).expect("it was seen");
    let opened = seen(&|frame| frame.view.phase == Phase::Training);
    let first = seen(&|frame| frame.view.traffic.rounds == 1);
    let second = seen(&|frame| frame.view.traffic.rounds == 2);
    let finished = seen(&|frame| frame.view.phase == Phase::Finished);
    assert!(opened < first && first < second && second < finished);
    for frame in &frames {
        let answered = frame.view.cohort.answered.len();
        assert_ne!(answered, 1, "nobody misses a single update");
    }
    assert_eq!(frames[opened].view.cohort.received.len(), 2);

    // What was closed is there once, for the arms that have weights.
    let closed: Vec<_> = frames
        .iter()
        .flat_map(|frame| frame.distances.iter())
        .map(|(arm, distances)| (arm.as_str(), distances.round.0))
        .collect();
    let arms = ["coalition_models", "fed_avg"];
    assert_eq!(
        closed,
        [1, 2].map(|round| arms.map(|arm| (arm, round))).concat()
    );
    for arm in arms {
        let asked = server
            .get(&room.path(&format!("/arms/{arm}/distances")))
            .await;
        let asked: Distances = asked.json().await.unwrap();
        assert_eq!(frames[second].distances[arm], asked);
    }

    // The room as it is, also where that is worth no frame of its own.
    fine(room.desk("lock", &json!({})).await, 200).await;
    let locked = self::frames(&server.get(&path).await.text().await.unwrap());
    assert_eq!(locked.len(), frames.len() + 1);
    for frames in [&frames, &locked] {
        let last = &frames[frames.len() - 1].view;
        let present = View {
            seq: last.seq,
            locked: last.locked,
            ..room.view().await
        };
        assert_eq!(*last, present);
    }
    assert!(locked[locked.len() - 1].view.locked);

    // Another run is another recording.
    fine(room.desk("reset", &json!({ "seed": 5 })).await, 200).await;
    let again = self::frames(&server.get(&path).await.text().await.unwrap());
    assert!(
        again
            .iter()
            .all(|frame| frame.view.seed == 5 && frame.view.run.0 == 2)
    );
    assert!(
        again[0].time_ms < frames[frames.len() - 1].time_ms,
        "time begins anew"
    );
}

/// The frames of a recording, which are in order.
fn frames(text: &str) -> Vec<Frame> {
    let (header, rest) = text.split_once('\n').unwrap();
    assert_eq!(
        serde_json::from_str::<Header>(header).unwrap(),
        Header::default()
    );
    let frames: Vec<Frame> = rest
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(frames.is_sorted_by(|a, b| a.time_ms <= b.time_ms && a.view.seq < b.view.seq));
    frames
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_has_a_limit() {
    let mut config = ServerConfig::default();
    config.limits.recording = 1;
    let server = TestServer::with(config).await;
    let room = server.room(&small()).await;
    for _ in 0..3 {
        room.join().await;
    }
    let text = server
        .get(&room.path("/export?format=replay"))
        .await
        .text()
        .await;
    let devices: Vec<usize> = frames(&text.unwrap())
        .iter()
        .map(|frame| frame.view.devices.len())
        .collect();
    assert_eq!(devices, [0, 3], "the first and the last");
}
