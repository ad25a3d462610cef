//! The live feed.

use constellation_core::view::{Distances, Memberships, Phase, View};
use constellation_server::{Limits, ServerConfig};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, http};

use crate::support::{Socket, TestServer, fine, small};

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_comes_late_gets_the_present_view_at_once() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    room.join().await;
    let mut first = room.live().await;
    let view = first.view().await;
    assert_eq!(
        (view.room.as_str(), view.phase, view.devices.len()),
        (room.code.as_str(), Phase::Lobby, 1)
    );
    room.join().await;
    let newer = first
        .view_where("the second device", |view| view.devices.len() == 2)
        .await;
    assert!(newer.seq > view.seq);
    let mut late = room.live().await;
    let now = late.view().await;
    assert_eq!(now.devices.len(), 2);
    assert!(now.seq >= newer.seq);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_comes_late_can_ask_for_the_rounds_before() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let memberships = async |rest: &str| -> Memberships {
        let path = room.path(&format!("/arms/coalition_models/memberships{rest}"));
        let answer = fine(server.get(&path).await, 200).await;
        serde_json::from_value(answer).unwrap()
    };
    let distances = async |arm: &str| -> Distances {
        let path = room.path(&format!("/arms/{arm}/distances"));
        serde_json::from_value(fine(server.get(&path).await, 200).await).unwrap()
    };
    assert_eq!(memberships("").await.rounds, []);
    assert_eq!(distances("fed_avg").await.devices, []);
    let (a, b) = (room.join().await, room.join().await);
    let (mut a_socket, _) = room.connect(&a).await;
    let (mut b_socket, _) = room.connect(&b).await;
    fine(room.desk("start", &json!({})).await, 200).await;
    for _ in 1..=2 {
        for (device, socket, value) in [(&a, &mut a_socket, 1.0), (&b, &mut b_socket, 3.0)] {
            let (opened, _) = socket.round(device).await;
            let body = device.update(&opened, value).encode();
            fine(room.post_update(device, opened.round, body).await, 202).await;
        }
    }

    let view = room.view().await;
    let past = memberships("").await;
    assert_eq!(past.run, view.run);
    let rounds: Vec<u32> = past.rounds.iter().map(|row| row.round.0).collect();
    assert_eq!(rounds, [1, 2]);
    let last: Vec<_> = past.rounds[1]
        .coalitions
        .iter()
        .map(|coalition| (coalition.id, coalition.members.clone()))
        .collect();
    let now: Vec<_> = view.arms[2]
        .coalitions
        .iter()
        .map(|coalition| (coalition.id, coalition.members.clone()))
        .collect();
    assert_eq!(last, now);
    assert_eq!(memberships("?after=1").await.rounds, past.rounds[1..]);

    // All 7,850 weights differ by 2.
    let far = 2.0 * 7_850.0_f32.sqrt();
    let found = distances("fed_avg").await;
    assert_eq!((found.run, found.round.0), (view.run, 2));
    assert_eq!(found.devices.len(), 2);
    assert!((found.distances[0][1] - far).abs() < 0.01, "{found:?}");
    assert_eq!(found.to_barycenter, [None, None]);
    assert_eq!(distances("coalition_models").await.to_barycenter.len(), 2);
    assert_eq!(distances("local_only").await.devices, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn views_count_up_and_come_no_faster_than_people_can_see() {
    let every = Duration::from_secs(1);
    let limits = Limits {
        publish_every: every,
        ..Limits::default()
    };
    let server = TestServer::with(ServerConfig {
        limits,
        ..ServerConfig::default()
    })
    .await;
    let room = server.room(&small()).await;
    let mut board = room.live().await;
    let first: View = board.view().await;
    for _ in 0..5 {
        room.join().await;
    }
    // Five changes, one view.
    let second = board.view().await;
    assert!(second.seq > first.seq);
    assert_eq!(second.devices.len(), 5);
    assert!(room.view().await.seq > second.seq);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_get_no_socket() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let device = room.join().await;
    for path in [
        room.path("/live"),
        room.path(&format!("/devices/{}/socket", device.id)),
    ] {
        let attempt = |origin: String| {
            let mut request = format!("ws://{}{path}", server.address)
                .into_client_request()
                .unwrap();
            request
                .headers_mut()
                .insert("origin", origin.parse().unwrap());
            connect_async(request)
        };
        let error = attempt("http://evil.example".to_owned()).await.unwrap_err();
        let Error::Http(response) = error else {
            panic!("{error}")
        };
        assert_eq!(response.status(), http::StatusCode::FORBIDDEN);
        let problem: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
        assert_eq!(problem["code"], "wrong_origin");
        let own = attempt(format!("http://{}", server.address)).await;
        assert!(own.is_ok(), "{:?}", own.err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn boards_that_talk_too_long_are_closed() {
    let server = TestServer::start().await;
    let room = server.room(&small()).await;
    let mut board: Socket = room.live().await;
    board.view().await;
    board.send_json(&json!("x".repeat(5_000))).await;
    // Whatever the end looks like, it comes, and other boards do not notice.
    let mut other = room.live().await;
    fine(room.desk("reset", &json!({ "seed": 11 })).await, 200).await;
    other
        .view_where("the new seed", |view| view.seed == 11)
        .await;
}
