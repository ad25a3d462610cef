//! The end of a server.

use std::time::{Duration, Instant};

use constellation_core::wire::Farewell;
use constellation_server::{Limits, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{TestServer, small, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_goodbye() {
    let mut server = TestServer::start().await;
    let shutdown = server.shutdown.take().unwrap();
    let room = server.room(&small()).await;
    let a = room.join().await;
    let (mut socket, _) = room.connect(&a).await;
    let (mut other, _) = room.connect(&room.join().await).await;
    let mut board = room.live().await;
    board.view().await;
    let mut silent = server
        .socket(&room.path(&format!("/devices/{}/socket", a.id)))
        .await;
    shutdown.send(()).unwrap();
    let (farewell, code) = socket.farewell().await;
    let Farewell::ServerStops { retry_after_ms } = farewell else {
        panic!("the server stops, and says {farewell:?}")
    };
    assert_eq!(code, 1_001);
    assert!((1_000..3_000).contains(&retry_after_ms));
    let (farewell, _) = other.farewell().await;
    assert!(
        matches!(farewell, Farewell::ServerStops { retry_after_ms: ms } if ms != retry_after_ms)
    );
    assert_eq!(board.closed().await, (1_001, "server_stops".to_owned()));
    assert_eq!(silent.closed().await, (4_503, "server_stops".to_owned()));
    drop((socket, other, board, silent));
    soon("the end of the server", server.task)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_in_time_whoever_does_not_listen() {
    let limits = Limits {
        stop: Duration::from_millis(500),
        ..Limits::default()
    };
    let mut server = TestServer::with(ServerConfig {
        limits,
        ..ServerConfig::default()
    })
    .await;
    let shutdown = server.shutdown.take().unwrap();
    let room = server.room(&small()).await;
    let a = room.join().await;
    let _deaf = room.connect(&a).await;
    // A request whose body never comes would be waited for as long as bodies may take.
    let mut endless = tokio::net::TcpStream::connect(&server.address)
        .await
        .unwrap();
    let head =
        "POST /api/rooms HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    endless.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body as soon as it begins to wait for it.
    let mut answer = [0; 12];
    soon("the request's turn", endless.read_exact(&mut answer))
        .await
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    shutdown.send(()).unwrap();
    let started = Instant::now();
    soon("the end of the server", server.task)
        .await
        .unwrap()
        .unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
}
