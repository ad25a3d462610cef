//! What browsers load, and what comes with every answer.

use reqwest::Method;
use serde_json::json;

use crate::support::{TestServer, fine, small};

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_security_headers() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let paths = [
        "/".to_owned(),
        format!("/board/{}", room.code),
        format!("/join/{}", room.code),
        "/guide".to_owned(),
        "/replay".to_owned(),
        "/nothing".to_owned(),
        "/api/nothing".to_owned(),
        room.path(""),
        room.path("/devices"),
        room.path("/qr.svg"),
        room.path("/export"),
        "/data/mnist-small/train-labels-idx1-ubyte".to_owned(),
        "/healthz".to_owned(),
        "/metrics".to_owned(),
    ];
    for path in paths {
        let response = server.get(&path).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"),
            "{path}: {policy}"
        );
        assert!(
            policy.ends_with("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sets_come_zipped_and_once() {
    let server = TestServer::start().await;
    for set in ["mnist-small", "fashion-mnist-small"] {
        for (file, magic) in [
            ("train-images-idx3-ubyte", 3),
            ("train-labels-idx1-ubyte", 1),
            ("t10k-images-idx3-ubyte", 3),
            ("t10k-labels-idx1-ubyte", 1),
        ] {
            let path = format!("/data/{set}/{file}");
            let response = server.get(&path).await;
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(response.headers()["content-encoding"], "gzip");
            assert_eq!(
                response.headers()["content-type"],
                "application/octet-stream"
            );
            assert!(response.headers().contains_key("cache-control"));
            let tag = response.headers()["etag"].clone();
            // The client of these tests does not unzip.
            let bytes = response.bytes().await.unwrap();
            assert_eq!(bytes[..2], [0x1f, 0x8b], "{path}, dimensions {magic}");
            let again = server
                .request(Method::GET, &path)
                .header("if-none-match", tag)
                .send()
                .await
                .unwrap();
            assert_eq!(again.status(), 304);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_there_or_say_why_not() {
    let server = TestServer::start().await;
    for path in ["/", "/board/K7QF", "/join/K7QF"] {
        let response = server.get(path).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let built = status == 200 && text.contains("<!doctype html>");
        let not_built = status == 503 && text.contains("cargo xtask build");
        assert!(built || not_built, "{path}: {status} {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_into_a_room() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let join_url = format!("http://{}/join/{}", server.address, room.code);
    assert_eq!(room.made["join_url"], join_url);
    let board_url = format!(
        "http://{}/board/{}#desk={}",
        server.address, room.code, room.desk_token
    );
    assert_eq!(room.made["board_url"], board_url);
    let join = fine(server.get(&room.path("/join")).await, 200).await;
    assert_eq!(
        join,
        json!({ "join_url": join_url, "qr_svg_url": room.path("/qr.svg") })
    );
    let response = server.get(&room.path("/qr.svg")).await;
    assert_eq!(response.headers()["content-type"], "image/svg+xml");
    assert!(response.text().await.unwrap().contains("<svg"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_the_server_can_count() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let a = room.join().await;
    let _socket = room.connect(&a).await;
    server.get("/api/nothing").await;
    assert_eq!(server.get("/healthz").await.text().await.unwrap(), "ok\n");
    assert_eq!(server.get("/readyz").await.text().await.unwrap(), "ready\n");
    let text = server.get("/metrics").await.text().await.unwrap();
    for line in [
        "constellation_rooms 1",
        "constellation_devices_connected 1",
        "constellation_refusals_total{code=\"unknown_path\"} 1",
        "constellation_updates_total{result=\"accepted\"} 0",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in:\n{text}"
        );
    }
    assert!(!text.contains(&a.token) && !text.contains(&room.desk_token));
}

#[tokio::test(flavor = "multi_thread")]
async fn text_travels_zipped_to_who_unzips() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let encoding = async |path: &str, accepted: &str| {
        let request = server.request(Method::GET, path);
        let response = request
            .header("accept-encoding", accepted)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let encoding = response.headers().get("content-encoding");
        encoding.map(|encoding| encoding.to_str().unwrap().to_owned())
    };
    let view = room.path("");
    assert_eq!(
        encoding(&view, "gzip, deflate, br").await.as_deref(),
        Some("gzip")
    );
    assert_eq!(encoding(&view, "identity").await, None);
    // Not worth it.
    assert_eq!(encoding("/healthz", "gzip").await, None);
    let model = room.path("/arms/fed_avg/models/global");
    assert_eq!(encoding(&model, "gzip").await, None);
}
