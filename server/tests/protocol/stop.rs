//! The end of a server.

use constellation_core::wire::Farewell;

use crate::support::{TestServer, small, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_goodbye() {
    let mut server = TestServer::start().await;
    let shutdown = server.shutdown.take().unwrap();
    let room = server.room(&small()).await;
    let a = room.join().await;
    let (mut socket, _) = room.connect(&a).await;
    let mut board = room.live().await;
    board.view().await;
    let mut silent = server
        .socket(&room.path(&format!("/devices/{}/socket", a.id)))
        .await;
    shutdown.send(()).unwrap();
    assert_eq!(socket.farewell().await, (Farewell::ServerStops, 1_001));
    assert_eq!(board.closed().await, (1_001, "server_stops".to_owned()));
    assert_eq!(silent.closed().await, (4_503, "server_stops".to_owned()));
    drop((socket, board, silent));
    soon("the end of the server", server.task)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_in_time_whoever_does_not_listen() {
    let limits = constellation_server::Limits {
        stop: std::time::Duration::from_millis(500),
        ..constellation_server::Limits::default()
    };
    let config = constellation_server::ServerConfig {
        limits,
        ..constellation_server::ServerConfig::default()
    };
    let mut server = TestServer::with(config).await;
    let shutdown = server.shutdown.take().unwrap();
    let room = server.room(&small()).await;
    let a = room.join().await;
    let _deaf = room.connect(&a).await;
    shutdown.send(()).unwrap();
    let started = std::time::Instant::now();
    soon("the end of the server", server.task)
        .await
        .unwrap()
        .unwrap();
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}
