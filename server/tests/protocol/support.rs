//! A server on a free port, and what talks to it.

use std::sync::Arc;
use std::time::Duration;

use constellation_core::by_name::ByName;
use constellation_core::config::{CheckedConfig, RunConfig};
use constellation_core::ids::{Round, RunId};
use constellation_core::model::Network;
use constellation_core::params::Params;
use constellation_core::view::View;
use constellation_core::wire::{
    ArmReport, Configured, Farewell, Models, Report, RoomNews, RoundOpened, Update,
};
use constellation_server::{Addresses, ServerConfig, StoreError, limits, serve};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// Longest that anything a test waits for may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A running server.
pub(crate) struct TestServer {
    pub(crate) address: String,
    pub(crate) client: Client,
    pub(crate) shutdown: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<Result<(), StoreError>>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(ServerConfig::default()).await
    }

    pub(crate) async fn with(mut config: ServerConfig) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        config.addresses = Addresses {
            port: address.port(),
            ..config.addresses
        };
        let (shutdown, told) = oneshot::channel();
        let task = tokio::spawn(serve(listener, config, async move {
            // A test that is over lets go of the server.
            let _ = told.await;
        }));
        let client = Client::builder().no_proxy().build().unwrap();
        Self {
            address: address.to_string(),
            client,
            shutdown: Some(shutdown),
            task,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
            .timeout(DEADLINE)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path)
            .json(body)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn socket(&self, path: &str) -> Socket {
        self.socket_with(path, WebSocketConfig::default()).await
    }

    async fn socket_with(&self, path: &str, config: WebSocketConfig) -> Socket {
        let address = format!("ws://{}{path}", self.address);
        let (socket, _) = connect_async_with_config(address, Some(config), false)
            .await
            .unwrap();
        Socket(socket)
    }

    pub(crate) async fn room(&self, config: &Value) -> Room<'_> {
        let response = self.post("/api/rooms", &json!({ "config": config })).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let made: Value = response.json().await.unwrap();
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        Room {
            server: self,
            code: text("room"),
            desk_token: text("desk_token"),
            made: made.clone(),
        }
    }
}

/// A room of a server.
pub(crate) struct Room<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) code: String,
    pub(crate) desk_token: String,
    pub(crate) made: Value,
}

impl Room<'_> {
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/rooms/{}{rest}", self.code)
    }

    pub(crate) async fn view(&self) -> View {
        let response = self.server.get(&self.path("")).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub(crate) async fn desk(&self, command: &str, body: &Value) -> Response {
        self.server
            .request(Method::POST, &self.path(&format!("/desk/{command}")))
            .bearer_auth(&self.desk_token)
            .json(body)
            .send()
            .await
            .unwrap()
    }

    /// The live feed.
    pub(crate) async fn live(&self) -> Socket {
        self.server.socket(&self.path("/live")).await
    }

    /// A device that has joined and has no socket yet.
    pub(crate) async fn join(&self) -> FakeDevice {
        let response = self.server.post(&self.path("/devices"), &json!({})).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        FakeDevice::of(response.json().await.unwrap())
    }

    /// A device's socket that has said hello and has got its configuration.
    pub(crate) async fn connect(&self, device: &FakeDevice) -> (Socket, Configured) {
        let path = self.path(&format!("/devices/{}/socket", device.id));
        // However long a message is, its frames are short.
        let config = WebSocketConfig::default().max_frame_size(Some(limits::SOCKET_PIECE));
        let mut socket = self.server.socket_with(&path, config).await;
        socket
            .send_json(&json!({ "message": "hello", "token": device.token }))
            .await;
        let RoomNews::Configured(configured) = socket.news().await else {
            panic!("the configuration comes first")
        };
        (socket, *configured)
    }

    pub(crate) async fn post_update(
        &self,
        device: &FakeDevice,
        round: Round,
        body: Vec<u8>,
    ) -> Response {
        self.server
            .request(
                Method::POST,
                &self.path(&format!("/rounds/{round}/updates")),
            )
            .bearer_auth(&device.token)
            .body(body)
            .send()
            .await
            .unwrap()
    }
}

/// What a device knows of itself.
#[derive(Clone, Debug)]
pub(crate) struct FakeDevice {
    pub(crate) id: u32,
    pub(crate) token: String,
    pub(crate) models: Arc<Models>,
}

impl FakeDevice {
    /// Whoever was welcomed so.
    pub(crate) fn of(welcome: Value) -> Self {
        let config: RunConfig = serde_json::from_value(welcome["config"].clone()).unwrap();
        Self {
            id: u32::try_from(welcome["device"].as_u64().unwrap()).unwrap(),
            token: welcome["device_token"].as_str().unwrap().to_owned(),
            models: models(&config.check().unwrap()),
        }
    }

    /// An answer to a round: every weight of every arm is `value`.
    pub(crate) fn update(&self, round: &RoundOpened, value: f32) -> Update {
        let report = ArmReport {
            balanced_before: Some(0.25),
            own_before: Some(0.5),
            own_after: round.training.as_ref().map(|_| 0.75),
            loss: round.training.as_ref().map(|_| 1.5),
            ..ArmReport::default()
        };
        let params =
            || Params::try_new(vec![value; self.models.spec.len()], &self.models.spec).unwrap();
        let uploading = if round.training.is_some() {
            self.models.uploading.as_slice()
        } else {
            &[]
        };
        Update {
            deltas: ByName::new(),
            sketches: ByName::new(),
            coalitions: Vec::new(),
            run: round.run,
            round: round.round,
            report: Report {
                examples: 400,
                own_data: 0,
                halvings: 0,
                mischief: None,
                arms: self
                    .models
                    .arms
                    .iter()
                    .map(|arm| (arm.clone(), report.clone()))
                    .collect(),
            },
            weights: uploading
                .iter()
                .map(|arm| (arm.clone(), params()))
                .collect(),
        }
    }
}

/// A WebSocket.
pub(crate) struct Socket<S = MaybeTlsStream<TcpStream>>(pub(crate) WebSocketStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(crate) async fn send_json(&mut self, value: &Value) {
        self.0.send(Message::text(value.to_string())).await.unwrap();
    }

    /// The next message; pings are answered on the way.
    pub(crate) async fn next(&mut self) -> Message {
        loop {
            let message = soon("a message", self.0.next())
                .await
                .expect("the socket is open")
                .unwrap();
            if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
                return message;
            }
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?} is no text"),
        }
    }

    pub(crate) async fn news(&mut self) -> RoomNews {
        serde_json::from_str(&self.text().await).unwrap()
    }

    pub(crate) async fn view(&mut self) -> View {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// Views until one is as awaited.
    pub(crate) async fn view_where(
        &mut self,
        what: &str,
        mut is_it: impl FnMut(&View) -> bool,
    ) -> View {
        let search = async {
            loop {
                let view = self.view().await;
                if is_it(&view) {
                    return view;
                }
            }
        };
        soon(what, search).await
    }

    /// The next message, which must open a round.
    pub(crate) async fn round(&mut self, device: &FakeDevice) -> (RoundOpened, usize) {
        match self.next().await {
            Message::Binary(bytes) => (
                RoundOpened::decode(&bytes, &device.models.spec).unwrap(),
                bytes.len(),
            ),
            other => panic!("{other:?} opens no round"),
        }
    }

    /// Reads on until the socket is closed; why?
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.next().await {
                let CloseFrame { code, reason } = frame.expect("a close frame says why");
                return (code.into(), reason.to_string());
            }
        }
    }

    /// A farewell, and then the end.
    pub(crate) async fn farewell(&mut self) -> (Farewell, u16) {
        let RoomNews::Farewell(farewell) = self.news().await else {
            panic!("the farewell comes last")
        };
        (farewell, self.closed().await.0)
    }
}

/// Three arms of which two upload, on the smallest model; two devices make a round, and nothing waits for the clock.
pub(crate) fn small() -> Value {
    json!({
        "model": { "kind": "softmax" },
        "rounds": 2,
        "pacing": { "min_devices": 2, "pace_ms": 0, "deadline_ms": 3_600_000 },
        "arms": [
            { "strategy": { "kind": "local_only" } },
            { "strategy": { "kind": "fed_avg" } },
            { "strategy": { "kind": "coalition_models", "formation": { "k": 2 } } }
        ]
    })
}

fn models(config: &CheckedConfig) -> Arc<Models> {
    let network = Network::new(&config.model, config.data.shape());
    Arc::new(Models::new(RunId(1), config, network.spec()))
}

/// Checks that an answer is a problem in the form of RFC 9457, and returns it.
pub(crate) async fn problem(response: Response, status: u16, code: &str) -> Value {
    let found = response.status().as_u16();
    let content_type = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    assert_eq!(content_type, "application/problem+json", "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{text}");
    assert_eq!(problem["status"], status, "{text}");
    assert_eq!(problem["type"], "about:blank");
    for sentence in ["title", "detail"] {
        assert!(
            problem[sentence]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{text}"
        );
    }
    problem
}

/// Checks that something worked, and returns its JSON.
pub(crate) async fn fine(response: Response, status: u16) -> Value {
    let found = response.status().as_u16();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap()
}
