//! Devices that train nothing: what is left is what the server costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use constellation_core::by_name::ByName;
use constellation_core::data::DatasetName;
use constellation_core::ids::{Round, RunId};
use constellation_core::model::{ModelConfig, Network};
use constellation_core::wire::{ArmReport, Report, Update};
use constellation_tests::{Room, Server};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A device that is connected to a room.
pub(crate) struct Device {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    token: String,
    room: String,
    /// When it last said that it is there.
    said: Instant,
}

/// The server gives up who says nothing for several times as long.
const HEARTBEAT: Duration = Duration::from_secs(4);

impl Device {
    /// Joins and connects.
    pub(crate) async fn join(server: &Server, room: &Room) -> Result<Self> {
        let devices = server.url(&format!("/api/rooms/{}/devices", room.room));
        let request = reqwest::Client::new().post(&devices).json(&json!({}));
        let joined: Value = request.send().await?.error_for_status()?.json().await?;
        let token = joined["device_token"].as_str().context("no token")?;
        let url = format!("{devices}/{}/socket", joined["device"]).replacen("http", "ws", 1);
        let (mut socket, _) = connect_async(url).await?;
        let hello = json!({ "message": "hello", "token": token });
        socket.send(Message::text(hello.to_string())).await?;
        Ok(Self {
            socket,
            token: token.to_owned(),
            room: room.room.clone(),
            said: Instant::now(),
        })
    }

    /// Waits until a round is opened.
    pub(crate) async fn asked(&mut self) -> Result<()> {
        if self.said.elapsed() > HEARTBEAT {
            let heartbeat = json!({ "message": "heartbeat" });
            self.socket
                .send(Message::text(heartbeat.to_string()))
                .await?;
            self.said = Instant::now();
        }
        loop {
            let message = self
                .socket
                .next()
                .await
                .context("the socket has closed")??;
            if let Message::Binary(_) = message {
                return Ok(());
            }
        }
    }

    /// The request that answers a round.
    pub(crate) fn request(&self, round: u32, update: &[u8]) -> Vec<u8> {
        let path = format!("/api/rooms/{}/rounds/{round}/updates", self.room);
        request(
            &path,
            &format!("authorization: Bearer {}\r\n", self.token),
            update,
        )
    }
}

/// A room whose one arm is the plain mean of a 784-128-10 network, 101,770 weights.
pub(crate) async fn room(server: &Server, devices: u32, rounds: u32) -> Result<Room> {
    let config = json!({
        "rounds": rounds,
        "model": { "kind": "mlp", "hidden": [128] },
        "arms": [{ "strategy": { "kind": "fed_avg" } }],
        "pacing": { "start_at": devices, "pace_ms": 0, "deadline_ms": 600_000 }
    });
    Room::create(server, config).await
}

/// An update for a round of such a room.
pub(crate) fn update(round: u32) -> Vec<u8> {
    let network = Network::new(
        &ModelConfig::Mlp { hidden: vec![128] },
        DatasetName::Mnist.shape(),
    );
    let report = ArmReport {
        balanced_before: Some(0.25),
        own_before: Some(0.5),
        own_after: Some(0.75),
        loss: Some(1.5),
        ..ArmReport::default()
    };
    let arm = "fed_avg".to_owned();
    Update {
        run: RunId(1),
        round: Round(round),
        report: Report {
            examples: 400,
            own_data: 0,
            halvings: 0,
            mischief: None,
            arms: ByName::from([(arm.clone(), report)]),
        },
        weights: ByName::from([(arm, network.initial(round))]),
        deltas: ByName::new(),
        sketches: ByName::new(),
        coalitions: Vec::new(),
    }
    .encode()
}

/// A post with a body; `headers` end with a line break each.
pub(crate) fn request(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-type: application/octet-stream\r\ncontent-length: {len}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// A connection that stays open, and as little around it as can be: what is measured is the server.
pub(crate) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects to a server, as in `127.0.0.1:40123`.
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            answer: Vec::new(),
        })
    }

    /// Sends a request and waits for its answer, which must be one of success.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the server has closed the connection");
            if let Some(len) = answer_len(&self.answer)?
                && self.answer.len() >= len
            {
                return Ok(());
            }
        }
    }
}

/// The length of an answer, once its headers are there.
fn answer_len(answer: &[u8]) -> Result<Option<usize>> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
    ensure!(
        text.starts_with("http/1.1 20"),
        "the server answered {text}"
    );
    let body = text.split("content-length: ").nth(1);
    let body = body.and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
    Ok(Some(
        head + 4 + body.context("an answer of unknown length")?,
    ))
}

/// Devices of a room, all connected.
pub(crate) async fn devices(server: &Server, room: &Room, count: u32) -> Result<Vec<Device>> {
    let mut devices = Vec::new();
    for _ in 0..count {
        devices.push(Device::join(server, room).await?);
    }
    Ok(devices)
}

/// Where a server listens, as in `127.0.0.1:40123`.
pub(crate) fn address(server: &Server) -> Arc<str> {
    server.base().trim_start_matches("http://").into()
}
