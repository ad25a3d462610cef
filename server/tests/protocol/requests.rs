//! Requests that are refused, at each limit and one past it.

use std::time::Duration;

use constellation_core::view::Phase;
use constellation_server::{Limits, ServerConfig, limits};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{TestServer, fine, problem, small, soon};

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_json() {
    let server = TestServer::start().await;
    let send = |content_type: &'static str, body: String| {
        server
            .request(Method::POST, "/api/rooms")
            .header("content-type", content_type)
            .body(body)
            .send()
    };
    let json_type = "application/json";
    problem(
        send(json_type, "{".to_owned()).await.unwrap(),
        400,
        "malformed_json",
    )
    .await;
    problem(
        send(json_type, "{} {}".to_owned()).await.unwrap(),
        400,
        "malformed_json",
    )
    .await;
    fine(send(json_type, "null".to_owned()).await.unwrap(), 201).await;
    problem(
        send("text/plain", "{}".to_owned()).await.unwrap(),
        415,
        "wrong_content_type",
    )
    .await;
    problem(
        send(json_type, "[]".to_owned()).await.unwrap(),
        422,
        "wrong_fields",
    )
    .await;
    problem(
        send(json_type, r#"{"conf":{}}"#.to_owned()).await.unwrap(),
        422,
        "wrong_fields",
    )
    .await;
    let config = |config: Value| send(json_type, json!({ "config": config }).to_string());
    problem(
        config(json!({ "rounds": 0 })).await.unwrap(),
        422,
        "bad_config",
    )
    .await;
    problem(
        config(json!({ "training": { "batch": "big" } }))
            .await
            .unwrap(),
        422,
        "bad_config",
    )
    .await;
    problem(
        config(json!({ "arms": [{ "strategy": { "kind": "magic" } }] }))
            .await
            .unwrap(),
        422,
        "bad_config",
    )
    .await;
    let padded = |len: usize| format!("{{}}{}", " ".repeat(len - 2));
    assert_eq!(
        send(json_type, padded(limits::JSON_BODY))
            .await
            .unwrap()
            .status(),
        201
    );
    problem(
        send(json_type, padded(limits::JSON_BODY + 1))
            .await
            .unwrap(),
        413,
        "body_too_large",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_must_arrive_in_time() {
    let limits = Limits {
        body: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = TestServer::with(ServerConfig {
        limits,
        ..ServerConfig::default()
    })
    .await;
    let answer = answer_to(&server, "content-length: 2\r\n\r\n{").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("body_timeout"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_no_body() {
    let server = TestServer::start().await;
    let no_length_of_a_chunk = "transfer-encoding: chunked\r\n\r\nnone\r\n";
    let answer = answer_to(&server, no_length_of_a_chunk).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("body_broken"), "{answer}");
}

/// What a server says to the rest of a request that no HTTP library would send.
async fn answer_to(server: &TestServer, rest: &str) -> String {
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    let head = format!(
        "POST /api/rooms HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n{rest}",
        server.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let n = soon("the answer", stream.read(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer[..n]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_lead_nowhere() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let cases = [
        ("/api", 404, "unknown_path"),
        ("/api/", 404, "unknown_path"),
        ("/api/nothing", 404, "unknown_path"),
        ("/api/rooms/AAAA", 404, "unknown_room"),
        ("/api/rooms/short", 404, "unknown_room"),
        ("/api/rooms/AAAA/live", 404, "unknown_room"),
        ("/api/rooms/AAAA/export", 404, "unknown_room"),
        ("/api/rooms/AAAA/qr.svg", 404, "unknown_room"),
        (
            "/api/rooms/AAAA/arms/fed_avg/models/global",
            404,
            "unknown_room",
        ),
        (
            "/api/rooms/AAAA/arms/fed_avg/memberships",
            404,
            "unknown_room",
        ),
        (
            "/api/rooms/AAAA/arms/fed_avg/distances",
            404,
            "unknown_room",
        ),
        ("/data/mnist-small/secrets", 404, "unknown_path"),
        ("/data/nothing/train-images-idx3-ubyte", 404, "unknown_path"),
        ("/%ff", 404, "unknown_path"),
    ];
    for (path, status, code) in cases {
        problem(server.get(path).await, status, code).await;
    }
    for (rest, status, code) in [
        ("/nothing", 404, "unknown_path"),
        ("/arms/none/models/global", 404, "unknown_arm"),
        ("/arms/fed_avg/models/best", 404, "unknown_model"),
        ("/arms/fed_avg/models/77", 404, "unknown_model"),
        (
            "/arms/fed_avg/models/global?format=pickle",
            400,
            "unknown_format",
        ),
        ("/arms/local_only/models/global", 404, "unknown_model"),
        ("/arms/%ff/models/global", 400, "bad_path"),
        ("/arms/none/memberships", 404, "unknown_arm"),
        ("/arms/fed_avg/memberships?after=all", 400, "bad_path"),
        ("/arms/fed_avg/memberships?from=1", 400, "bad_path"),
        ("/arms/none/distances", 404, "unknown_arm"),
        ("/export?format=xml", 400, "unknown_format"),
        ("/live", 426, "websocket_expected"),
        ("/devices/1/socket", 426, "websocket_expected"),
        ("/devices/one/socket", 400, "bad_path"),
        ("/devices", 405, "method_not_allowed"),
        ("/rounds/1/updates", 405, "method_not_allowed"),
        ("/desk/start", 405, "method_not_allowed"),
    ] {
        problem(server.get(&room.path(rest)).await, status, code).await;
    }
    problem(server.get("/api/rooms").await, 405, "method_not_allowed").await;
    problem(
        server.post("/api/rooms/AAAA/devices", &json!({})).await,
        404,
        "unknown_room",
    )
    .await;
    let device = room.join().await;
    let path = room.path("/rounds/one/updates");
    let response = server
        .request(Method::POST, &path)
        .bearer_auth(&device.token)
        .send()
        .await
        .unwrap();
    problem(response, 400, "bad_path").await;
    // A code works in either case.
    assert_eq!(
        server.get(&room.path("").to_lowercase()).await.status(),
        200
    );
    assert_eq!(room.view().await.phase, Phase::Lobby);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_have_a_limit() {
    let limits = Limits {
        rooms: 3,
        ..Limits::default()
    };
    let server = TestServer::with(ServerConfig {
        limits,
        ..ServerConfig::default()
    })
    .await;
    for _ in 0..3 {
        server.room(&small()).await;
    }
    problem(
        server.post("/api/rooms", &json!({})).await,
        503,
        "rooms_full",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_take_so_many_devices() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let most = constellation_core::config::limits::DEVICES;
    for _ in 0..most {
        let response = server.post(&room.path("/devices"), &json!({})).await;
        assert_eq!(response.status(), 201);
    }
    problem(
        server.post(&room.path("/devices"), &json!({})).await,
        409,
        "room_full",
    )
    .await;
    assert_eq!(room.view().await.devices.len(), most as usize);
}

/// Whoever begins a request and never gets to its end must not hold a connection for it.
#[tokio::test(flavor = "multi_thread")]
async fn heads_that_do_not_come_to_an_end_are_cut_off() {
    let server = TestServer::with(ServerConfig {
        limits: Limits {
            head: Duration::from_millis(100),
            ..Limits::default()
        },
        ..ServerConfig::default()
    })
    .await;
    for beginning in ["", "GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: "] {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let end = stream.read_to_string(&mut answer);
        soon("the end of the connection", end).await.unwrap();
        assert_eq!(answer, "");
    }
    assert_eq!(server.get("/healthz").await.status(), 200);
}
