//! Devices come, come back and go.

use constellation_core::view::{DeviceState, Phase, View};
use constellation_core::wire::{Farewell, RoomNews};
use constellation_server::{Limits, ServerConfig, limits};
use futures_util::SinkExt as _;
use serde_json::json;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{TestServer, fine, problem, small};

fn state(view: &View, device: usize) -> Option<DeviceState> {
    view.devices.get(device).map(|device| device.state)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_socket_takes_over_and_the_round_is_asked_again() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let mut board = room.live().await;
    let (a, b) = (room.join().await, room.join().await);
    let (mut first, _) = room.connect(&a).await;
    let (_b_socket, _) = room.connect(&b).await;
    fine(room.desk("start", &json!({})).await, 200).await;
    let (opened, _) = first.round(&a).await;

    let (mut second, configured) = room.connect(&a).await;
    assert_eq!(configured.device.0, a.id);
    assert_eq!(first.farewell().await, (Farewell::Replaced, 1_000));
    let (again, _) = second.round(&a).await;
    assert_eq!(again.round, opened.round);
    fine(
        room.post_update(&a, again.round, a.update(&again, 1.0).encode())
            .await,
        202,
    )
    .await;
    // The end of the first socket is not the end of the device.
    let view = board
        .view_where("the update", |view| {
            state(view, 0) == Some(DeviceState::Sent)
        })
        .await;
    assert_eq!(view.devices.len(), 2);
    second.send_json(&json!({ "message": "heartbeat" })).await;
    second.send_json(&json!({ "message": "leave" })).await;
    assert_eq!(second.farewell().await, (Farewell::Left, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_out_for_good() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let a = room.join().await;
    let (mut socket, _) = room.connect(&a).await;
    socket.send_json(&json!({ "message": "leave" })).await;
    assert_eq!(socket.farewell().await, (Farewell::Left, 1_000));
    assert!(room.view().await.devices.is_empty());

    let mut back = server
        .socket(&room.path(&format!("/devices/{}/socket", a.id)))
        .await;
    back.send_json(&json!({ "message": "hello", "token": a.token }))
        .await;
    assert_eq!(back.closed().await, (4_404, "unknown_device".to_owned()));
    let response = room
        .post_update(&a, constellation_core::ids::Round(1), Vec::new())
        .await;
    problem(response, 401, "wrong_token").await;
    // The slot is free, the number is not.
    let b = room.join().await;
    assert!(b.id > a.id);
    assert_eq!(room.view().await.devices[0].slot.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_socket_leaves_the_device_in_the_room() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let mut board = room.live().await;
    let a = room.join().await;
    let (socket, _) = room.connect(&a).await;
    board
        .view_where("the device", |view| {
            state(view, 0) == Some(DeviceState::Ready)
        })
        .await;
    drop(socket);
    board
        .view_where("its absence", |view| {
            state(view, 0) == Some(DeviceState::Away)
        })
        .await;
    let (_socket, configured) = room.connect(&a).await;
    assert_eq!(configured.slot.0, 0);
    board
        .view_where("its return", |view| {
            state(view, 0) == Some(DeviceState::Ready)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_needs_no_message_name() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let a = room.join().await;
    let mut socket = server
        .socket(&room.path(&format!("/devices/{}/socket", a.id)))
        .await;
    socket.send_json(&json!({ "token": a.token })).await;
    assert!(matches!(socket.news().await, RoomNews::Configured(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_says_nothing_is_disconnected() {
    let limits = Limits {
        heartbeat: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = TestServer::with(ServerConfig {
        limits,
        ..ServerConfig::default()
    })
    .await;
    let room = server.room(&small()).await;
    let a = room.join().await;
    let (mut socket, _) = room.connect(&a).await;
    assert_eq!(socket.closed().await, (4_408, "silent".to_owned()));
    let mut board = room.live().await;
    board
        .view_where("its absence", |view| {
            state(view, 0) == Some(DeviceState::Away)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_must_say_who_it_is() {
    let limits = Limits {
        hello: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = TestServer::with(ServerConfig {
        limits,
        ..ServerConfig::default()
    })
    .await;
    let room = server.room(&small()).await;
    let (a, b) = (room.join().await, room.join().await);
    let path = room.path(&format!("/devices/{}/socket", a.id));

    let mut socket = server.socket(&path).await;
    assert_eq!(socket.closed().await, (4_408, "hello_timeout".to_owned()));
    for first in [
        json!({ "message": "heartbeat" }),
        json!({ "message": "leave", "token": a.token }),
        json!({ "token": 5 }),
        json!("hello"),
    ] {
        let mut socket = server.socket(&path).await;
        socket.send_json(&first).await;
        assert_eq!(
            socket.closed().await,
            (4_400, "hello_expected".to_owned()),
            "{first}"
        );
    }
    let mut socket = server.socket(&path).await;
    socket
        .0
        .send(Message::binary(a.token.clone()))
        .await
        .unwrap();
    assert_eq!(socket.closed().await, (4_400, "hello_expected".to_owned()));
    for wrong in ["", "guess", b.token.as_str(), room.desk_token.as_str()] {
        let mut socket = server.socket(&path).await;
        socket
            .send_json(&json!({ "message": "hello", "token": wrong }))
            .await;
        assert_eq!(socket.closed().await, (4_401, "wrong_token".to_owned()));
    }
    let mut socket = server.socket(&room.path("/devices/99/socket")).await;
    socket
        .send_json(&json!({ "message": "hello", "token": a.token }))
        .await;
    assert_eq!(socket.closed().await, (4_404, "unknown_device".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_device_says_is_refused_and_counted() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let mut board = room.live().await;
    let a = room.join().await;
    let (mut socket, _) = room.connect(&a).await;
    let messages = [
        Message::text("{"),
        Message::text(r#"{"message":"dance"}"#),
        Message::text(r#"{"message":5}"#),
        Message::text(format!(r#"{{"message":"hello","token":"{}"}}"#, a.token)),
        Message::binary(vec![0; 8]),
    ];
    let count = u32::try_from(messages.len()).unwrap();
    for message in messages {
        socket.0.send(message).await.unwrap();
        let RoomNews::Refused { code, detail } = socket.news().await else {
            panic!("a refusal is answered")
        };
        assert_eq!(code, "bad_message");
        assert!(!detail.is_empty() && !detail.contains(&a.token), "{detail}");
    }
    let view = board
        .view_where("the refusals", |view| {
            view.refusals.get("bad_message") == Some(&count)
        })
        .await;
    assert_eq!(
        (
            view.devices[0].refused,
            view.devices[0].last_refusal.as_deref()
        ),
        (count, Some("bad_message"))
    );
    // It goes on.
    assert_eq!(view.phase, Phase::Lobby);
    socket.send_json(&json!({ "message": "leave" })).await;
    assert_eq!(socket.farewell().await.0, Farewell::Left);
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_messages_have_a_longest() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let a = room.join().await;
    let (mut socket, _) = room.connect(&a).await;
    let padded = |len: usize| {
        let message = r#"{"message":"heartbeat"}"#;
        Message::text(format!("{message}{}", " ".repeat(len - message.len())))
    };
    socket.0.send(padded(limits::SOCKET_MESSAGE)).await.unwrap();
    // Answered in order: had the long heartbeat been refused, this would not be the first answer.
    socket.0.send(Message::text("?")).await.unwrap();
    assert!(matches!(socket.news().await, RoomNews::Refused { code, .. } if code == "bad_message"));
    socket
        .0
        .send(padded(limits::SOCKET_MESSAGE + 1))
        .await
        .unwrap();
    assert_eq!(
        socket.closed().await,
        (4_413, "message_too_large".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_floods_is_closed() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let mut board = room.live().await;
    let a = room.join().await;
    let (mut socket, _) = room.connect(&a).await;
    let heartbeat = || Message::text(r#"{"message":"heartbeat"}"#);
    for _ in 0..limits::SOCKET_MESSAGES {
        socket.0.send(heartbeat()).await.unwrap();
    }
    // So many are fine: the room still answers. The bucket may have got back a few meanwhile, never this many.
    for _ in 0..2 * limits::SOCKET_MESSAGES {
        if socket.0.send(heartbeat()).await.is_err() {
            break;
        }
    }
    assert_eq!(
        socket.closed().await,
        (4_429, "too_many_requests".to_owned())
    );
    board
        .view_where("the refusal", |view| {
            view.refusals.contains_key("too_many_requests")
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capability_is_read_from_the_profile_and_must_be_a_number() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let path = room.path("/devices");
    for profile in [
        json!({ "capability": 0 }),
        json!({ "capability": 812.5, "cores": 4 }),
        json!({ "cores": 4 }),
        json!("a phone"),
        json!(null),
    ] {
        fine(
            server.post(&path, &json!({ "profile": profile })).await,
            201,
        )
        .await;
    }
    for bad in [json!(-1), json!("fast"), json!(null), json!([1])] {
        let body = json!({ "profile": { "capability": bad } });
        problem(server.post(&path, &body).await, 422, "wrong_fields").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_kept_and_bounded() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let path = room.path("/devices");
    let longest = "é".repeat(limits::NAME);
    fine(
        server
            .post(
                &path,
                &json!({ "name": longest, "profile": { "cores": 4 } }),
            )
            .await,
        201,
    )
    .await;
    fine(server.post(&path, &json!({ "name": null })).await, 201).await;
    problem(
        server
            .post(&path, &json!({ "name": format!("{longest}x") }))
            .await,
        422,
        "bad_name",
    )
    .await;
    problem(
        server.post(&path, &json!({ "name": "a\u{7}" })).await,
        422,
        "bad_name",
    )
    .await;
    let names: Vec<String> = room
        .view()
        .await
        .devices
        .into_iter()
        .map(|device| device.name)
        .collect();
    assert_eq!(names, [longest, "device 2".to_owned()]);
}
