//! Who may do what: every address, with every kind of token.

use constellation_server::{Addresses, AdminToken, RoomMakers, ServerConfig};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{TestServer, fine, problem, small};

const ADMIN: &str = "sixteen letters, and some";

/// Every call of a room that is no socket, and the kind of token that it is for.
const CALLS: [(&str, &str, Option<&str>); 20] = [
    ("GET", "", None),
    ("POST", "/devices", None),
    ("GET", "/arms/fed_avg/models/global", None),
    ("GET", "/arms/fed_avg/memberships", None),
    ("GET", "/arms/fed_avg/distances", None),
    ("GET", "/export", None),
    ("GET", "/export?format=csv", None),
    ("GET", "/export?format=replay", None),
    ("GET", "/join", None),
    ("GET", "/qr.svg", None),
    ("POST", "/rounds/1/updates", Some("device")),
    ("POST", "/desk/lock", Some("desk")),
    ("POST", "/desk/unlock", Some("desk")),
    ("POST", "/desk/start", Some("desk")),
    ("POST", "/desk/step", Some("desk")),
    ("POST", "/desk/pause", Some("desk")),
    ("POST", "/desk/mischief", Some("desk")),
    ("POST", "/desk/remove", Some("desk")),
    ("POST", "/desk/configure", Some("desk")),
    ("POST", "/desk/reset", Some("desk")),
];

/// A body that each call takes.
fn body(path: &str, device: u32) -> Value {
    match path {
        "/desk/mischief" => json!({ "allowed": true }),
        "/desk/remove" => json!({ "device": device }),
        "/desk/configure" => json!({ "config": small() }),
        _ => json!({}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_with_every_kind_of_token() {
    let server = TestServer::start().await;
    let (room, other) = (server.room(&small()).await, server.room(&small()).await);
    let (device, of_another_room) = (room.join().await, other.join().await);
    let (removed, spare) = (room.join().await, room.join().await);
    let put_out = room.desk("remove", &json!({ "device": removed.id })).await;
    fine(put_out, 200).await;
    let tokens = [
        ("none", None),
        ("no token", Some("guess")),
        (
            "another room's device",
            Some(of_another_room.token.as_str()),
        ),
        ("another room's desk", Some(other.desk_token.as_str())),
        ("removed device", Some(removed.token.as_str())),
        ("device", Some(device.token.as_str())),
        ("desk", Some(room.desk_token.as_str())),
    ];
    every_call_of_a_room_is_one_of_these(&server).await;
    for (method, path, opened_by) in CALLS {
        for (kind, token) in tokens {
            let method: Method = method.parse().unwrap();
            let request = server.request(method.clone(), &room.path(path));
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let request = match method {
                Method::POST => request.json(&body(path, spare.id)),
                _ => request,
            };
            let status = request.send().await.unwrap().status().as_u16();
            let what = format!("{method} {path} with {kind}: {status}");
            match opened_by {
                // Tokens are of no meaning where none is asked for.
                None => assert!((200..300).contains(&status), "{what}"),
                // The body is no update, which is looked at after the token.
                Some("device") if kind == "device" => assert_eq!(status, 422, "{what}"),
                Some(opener) if opener == kind => assert_eq!(status, 200, "{what}"),
                Some(_) => assert_eq!(status, 401, "{what}"),
            }
        }
    }
}

/// By the description that the server gives of itself.
async fn every_call_of_a_room_is_one_of_these(server: &TestServer) {
    let request = server.request(Method::GET, "/api/openapi.json");
    let described: Value = request.send().await.unwrap().json().await.unwrap();
    for (path, calls) in described["paths"].as_object().unwrap() {
        let Some(of_room) = path.strip_prefix("/api/rooms/{room}") else {
            continue;
        };
        // Sockets have tests of their own.
        if of_room == "/live" || of_room.ends_with("/socket") {
            continue;
        }
        // A part in braces stands for anything.
        let is_it = |call: &str| {
            let call = call.split('?').next().unwrap_or_default();
            let (described, call) = (of_room.split('/'), call.split('/'));
            described.clone().count() == call.clone().count()
                && described
                    .zip(call)
                    .all(|(a, b)| a == b || a.starts_with('{'))
        };
        for method in calls.as_object().unwrap().keys() {
            let known =
                |call: &(&str, &str, _)| call.0.eq_ignore_ascii_case(method) && is_it(call.1);
            assert!(CALLS.iter().any(known), "{method} {path} is not tried");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sockets_token_is_its_devices() {
    let server = TestServer::start().await;
    let (room, other) = (server.room(&small()).await, server.room(&small()).await);
    let (device, neighbour) = (room.join().await, room.join().await);
    let of_another_room = other.join().await;
    for token in [
        "guess",
        neighbour.token.as_str(),
        of_another_room.token.as_str(),
        room.desk_token.as_str(),
    ] {
        let path = room.path(&format!("/devices/{}/socket", device.id));
        let mut socket = server.socket(&path).await;
        let hello = json!({ "message": "hello", "token": token });
        socket.send_json(&hello).await;
        assert_eq!(socket.closed().await, (4_401, "wrong_token".to_owned()));
    }
    room.connect(&device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_change_nothing() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let post = |path: String, origin: String| {
        let request = server.request(Method::POST, &path).header("origin", origin);
        let request = request.bearer_auth(&room.desk_token).json(&json!({}));
        async { request.send().await.unwrap() }
    };
    let own = format!("http://{}", server.address);
    for path in [
        "/api/rooms".to_owned(),
        room.path("/devices"),
        room.path("/desk/lock"),
    ] {
        let foreign = post(path.clone(), "http://evil.example".to_owned()).await;
        problem(foreign, 403, "wrong_origin").await;
        let answer = post(path, own.clone()).await;
        assert!(answer.status().is_success(), "{}", answer.status());
    }
    let looked = server.request(Method::GET, &room.path(""));
    let looked = looked.header("origin", "http://evil.example");
    fine(looked.send().await.unwrap(), 200).await;
}

/// Asks for a room at a server behind a proxy, where nobody is known to be on the server's computer.
async fn ask_for_room(makers: RoomMakers, token: Option<&str>) -> Response {
    let server = TestServer::with(ServerConfig {
        addresses: Addresses {
            public_url: Some("https://example.org".to_owned()),
            ..Addresses::default()
        },
        room_makers: makers,
        ..ServerConfig::default()
    })
    .await;
    let request = server.request(Method::POST, "/api/rooms").json(&json!({}));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_made_by_whom_the_server_was_told() {
    let admin = || RoomMakers::HereOr(AdminToken::new(ADMIN).unwrap());
    let refused = |makers, token| async move {
        problem(ask_for_room(makers, token).await, 403, "rooms_not_open").await
    };
    refused(RoomMakers::Here, None).await;
    refused(RoomMakers::Here, Some(ADMIN)).await;
    refused(admin(), None).await;
    problem(
        ask_for_room(admin(), Some("guess")).await,
        401,
        "wrong_token",
    )
    .await;
    fine(ask_for_room(admin(), Some(ADMIN)).await, 201).await;
    fine(ask_for_room(RoomMakers::Everybody, None).await, 201).await;
    assert!(AdminToken::new("fifteen letters").is_none());
}
