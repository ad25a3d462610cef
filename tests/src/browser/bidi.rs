//! A WebDriver BiDi socket: commands with their answers, and events.

use std::mem;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::CALL_LIMIT;

/// A session's socket. Events wait in it and are read on the way to an answer.
#[derive(Debug)]
pub(crate) struct Bidi {
    socket: Mutex<Socket>,
}

#[derive(Debug)]
struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The number of commands so far, which is the last one's id.
    commands: u64,
    events: Vec<Value>,
}

impl Bidi {
    /// Opens the socket that the driver named.
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let (stream, _) = connect_async(url)
            .await
            .with_context(|| format!("{url} does not open"))?;
        Ok(Self {
            socket: Mutex::new(Socket {
                stream,
                commands: 0,
                events: Vec::new(),
            }),
        })
    }

    /// Sends a command and waits for its result.
    pub(super) async fn call(&self, method: &str, parameters: Value) -> Result<Value> {
        let mut socket = self.socket.lock().await;
        timeout(CALL_LIMIT, socket.call(method, parameters))
            .await
            .with_context(|| format!("{method} was not answered within {CALL_LIMIT:?}"))?
            .with_context(|| format!("{method} failed"))
    }

    /// The events that came before the last answer, each once.
    pub(super) async fn take_events(&self) -> Vec<Value> {
        mem::take(&mut self.socket.lock().await.events)
    }
}

impl Socket {
    async fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.commands += 1;
        let command = json!({ "id": self.commands, "method": method, "params": parameters });
        self.stream.send(Message::text(command.to_string())).await?;
        while let Some(message) = self.stream.next().await {
            let Message::Text(text) = message? else {
                continue;
            };
            let mut message: Value = serde_json::from_str(&text)?;
            if message["type"] == "event" {
                self.events.push(message);
            } else if message["id"] == self.commands {
                if message["type"] == "error" {
                    bail!("{}: {}", message["error"], message["message"]);
                }
                return Ok(message["result"].take());
            }
        }
        bail!("the socket has ended")
    }
}
