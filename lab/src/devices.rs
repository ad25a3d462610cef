//! Headless devices: the protocol of a tab, spoken natively by the same [`Device`], for load and for demonstrations.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use constellation_core::data::{Dataset, DatasetName};
use constellation_core::device::{Device, Effect, Input, Part, PostAnswer, Refusal};
use constellation_core::encoding::Kind;
use constellation_core::ids::{DeviceId, Round};
use constellation_core::wire::{DeviceNews, Farewell, RoomNews};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::data::{DataError, load};

/// "I am alive"; as a tab does.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// Training goes on for so long before messages get their turn.
const SLICE: Duration = Duration::from_millis(20);
/// Wait before another try.
const RETRY: Duration = Duration::from_millis(500);
/// Close codes of a server that does not know the device: 4000 and the HTTP status.
const UNKNOWN: [u16; 2] = [4_401, 4_404];
/// Largest frame taken: four arms of the largest model that a configuration can ask for fit many times.
const LARGEST_FRAME: usize = 1 << 30;

/// Why headless devices stopped.
#[derive(Debug, Error)]
pub enum DevicesError {
    /// The server cannot be reached.
    #[error("cannot reach {url}: {source}. Is the server running, and is the address right?")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The server says no.
    #[error("the server refused: {detail} ({code})")]
    Refused {
        /// The stable code.
        code: String,
        /// The sentence.
        detail: String,
    },
    /// The server's answer is none of this protocol.
    #[error("{url} answered something that is not of this protocol; is it a Constellation server?")]
    NotOurs {
        /// The address.
        url: String,
    },
    /// The room's devices bring tables of their own.
    #[error("in this room everybody brings a table of their own, and headless devices have none")]
    Table,
    /// A data set cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// The room that devices join.
#[derive(Clone, Debug)]
pub struct RoomAddress {
    /// The server, as in `http://127.0.0.1:8080`.
    pub url: String,
    /// The room's code.
    pub room: String,
    /// The project's folder of data sets.
    pub data: PathBuf,
}

/// Joins a room with so many devices, one after the other so that they get the same numbers and slots every time, and
/// runs them until all have left. Returns how many left because the room said so.
///
/// # Errors
/// The first device that cannot join, or has no data.
pub async fn run(address: RoomAddress, count: u32) -> Result<u32, DevicesError> {
    let shared = Arc::new(Shared {
        http: reqwest::Client::new(),
        address,
        datasets: Mutex::default(),
    });
    let mut devices = JoinSet::new();
    for number in 1..=count {
        let identity = shared.join(&format!("headless-{number}")).await?;
        devices.spawn(Arc::clone(&shared).live(identity));
    }
    let mut left = 0;
    while let Some(ended) = devices.join_next().await {
        // A task that panicked is a bug; its panic has been printed.
        if let Ok(ended) = ended {
            ended?;
            left += 1;
        }
    }
    Ok(left)
}

/// What all devices of the process share.
struct Shared {
    http: reqwest::Client,
    address: RoomAddress,
    /// Read once for all.
    datasets: Mutex<BTreeMap<&'static str, Arc<Dataset>>>,
}

#[derive(Serialize)]
struct Join<'a> {
    name: &'a str,
    profile: JoinProfile,
}

#[derive(Serialize)]
struct JoinProfile {
    encodings: [Kind; 4],
}

#[derive(Clone, Deserialize)]
struct Identity {
    device: DeviceId,
    device_token: String,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How a connection ended.
enum Ended {
    /// The room wants no more of the device.
    ForGood,
    /// It was lost.
    Lost,
    /// The server stops, and says when to try again.
    Stopped(Duration),
}

impl Shared {
    fn room_address(&self) -> String {
        format!(
            "{}/api/rooms/{}",
            self.address.url.trim_end_matches('/'),
            self.address.room
        )
    }

    async fn join(&self, name: &str) -> Result<Identity, DevicesError> {
        let url = format!("{}/devices", self.room_address());
        let profile = JoinProfile {
            encodings: Kind::ALL,
        };
        let body = Join { name, profile };
        let response = self.http.post(&url).json(&body).send().await;
        let response = response.map_err(|source| DevicesError::Unreachable {
            url: url.clone(),
            source,
        })?;
        if response.status().is_success() {
            return response
                .json()
                .await
                .map_err(|_| DevicesError::NotOurs { url });
        }
        let Refusal { code, detail } = response
            .json()
            .await
            .map_err(|_| DevicesError::NotOurs { url })?;
        Err(DevicesError::Refused { code, detail })
    }

    async fn dataset(&self, name: DatasetName) -> Result<Arc<Dataset>, DataError> {
        let mut datasets = self.datasets.lock().await;
        if let Some(dataset) = datasets.get(name.as_str()) {
            return Ok(Arc::clone(dataset));
        }
        let dataset = Arc::new(load(&self.address.data, name)?);
        datasets.insert(name.as_str(), Arc::clone(&dataset));
        Ok(dataset)
    }

    /// One device's life: connects, and connects again, until the room is gone or wants no more of it.
    async fn live(self: Arc<Self>, identity: Identity) -> Result<(), DevicesError> {
        let mut device = Device::new();
        loop {
            let mut wait = RETRY;
            let url = format!("{}/devices/{}/socket", self.room_address(), identity.device)
                .replacen("http", "ws", 1);
            let config = tungstenite::protocol::WebSocketConfig::default()
                .max_message_size(Some(LARGEST_FRAME))
                .max_frame_size(Some(LARGEST_FRAME));
            match connect_async_with_config(url, Some(config), true).await {
                Ok((socket, _)) => {
                    let mut connection = Connection {
                        shared: &self,
                        identity: &identity,
                        device: &mut device,
                        posts: JoinSet::new(),
                    };
                    match connection.serve(socket).await? {
                        Ended::ForGood => return Ok(()),
                        Ended::Lost => {}
                        Ended::Stopped(until_it_is_back) => wait = until_it_is_back,
                    }
                }
                // The server is there, and has no such room any more.
                Err(tungstenite::Error::Http(response)) if response.status() == 404 => {
                    return Ok(());
                }
                Err(_) => {}
            }
            device.handle(Input::Disconnected);
            sleep(wait).await;
        }
    }

    /// Posts an update until the room has said something about it.
    async fn post(
        self: Arc<Self>,
        identity: Identity,
        round: Round,
        part: Part,
        body: Arc<[u8]>,
    ) -> PostAnswer {
        let url = format!("{}/rounds/{round}/updates", self.room_address());
        loop {
            let request = self
                .http
                .post(&url)
                .bearer_auth(&identity.device_token)
                .body(body.to_vec());
            if let Ok(response) = request.send().await {
                match response.status().as_u16() {
                    200..300 => return PostAnswer::Accepted(round, part),
                    429 | 503 => {}
                    status => {
                        return PostAnswer::Refused(response.json().await.unwrap_or_else(|_| {
                            Refusal {
                                code: format!("http_{status}"),
                                detail: format!("the server answered with status {status}"),
                            }
                        }));
                    }
                }
            }
            sleep(RETRY).await;
        }
    }
}

/// A device while it is connected.
struct Connection<'a> {
    shared: &'a Arc<Shared>,
    identity: &'a Identity,
    device: &'a mut Device,
    /// Updates under way. They end with the connection, because the room asks again over the next.
    posts: JoinSet<PostAnswer>,
}

impl Connection<'_> {
    async fn serve(&mut self, mut socket: Socket) -> Result<Ended, DevicesError> {
        let hello = DeviceNews::Hello {
            token: self.identity.device_token.clone(),
        };
        if say(&mut socket, &hello).await.is_err() {
            return Ok(Ended::Lost);
        }
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let effects = tokio::select! {
                biased;
                _ = heartbeat.tick() => {
                    if say(&mut socket, &DeviceNews::Heartbeat).await.is_err() {
                        return Ok(Ended::Lost);
                    }
                    Vec::new()
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => match RoomNews::from_json(&text) {
                        Ok(news) => self.device.handle(Input::News(news)),
                        Err(error) => {
                            eprintln!("device {}: a message that cannot be read: {error}", self.identity.device);
                            Vec::new()
                        }
                    },
                    Some(Ok(Message::Binary(frame))) => self.device.handle(Input::Round(frame.to_vec())),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Vec::new(),
                    Some(Ok(Message::Close(Some(frame)))) if UNKNOWN.contains(&frame.code.into()) => {
                        return Ok(Ended::ForGood);
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(Ended::Lost),
                },
                Some(Ok(answer)) = self.posts.join_next() => self.device.handle(Input::Answer(answer)),
                effects = work(self.device), if self.device.has_work() => effects,
            };
            if let Some(ended) = self.obey(effects, &mut socket).await? {
                return Ok(ended);
            }
        }
    }

    async fn obey(
        &mut self,
        effects: Vec<Effect>,
        socket: &mut Socket,
    ) -> Result<Option<Ended>, DevicesError> {
        for effect in effects {
            match effect {
                Effect::LoadData(name) => {
                    let dataset = self.shared.dataset(name).await?;
                    let more = self.device.handle(Input::Data(name, dataset));
                    if let Some(ended) = Box::pin(self.obey(more, socket)).await? {
                        return Ok(Some(ended));
                    }
                }
                Effect::Post {
                    round, part, body, ..
                } => {
                    let identity = self.identity.clone();
                    let post = Arc::clone(self.shared).post(identity, round, part, body);
                    self.posts.spawn(post);
                }
                Effect::Refused(Refusal { code, detail }) => {
                    eprintln!("device {}: {detail} ({code})", self.identity.device);
                }
                Effect::Left(Farewell::ServerStops { retry_after_ms }) => {
                    let wait = Duration::from_millis(retry_after_ms.into());
                    return Ok(Some(Ended::Stopped(wait)));
                }
                Effect::Left(_) => return Ok(Some(Ended::ForGood)),
                Effect::AskForTable(_) => return Err(DevicesError::Table),
                Effect::SendInFull(run) => {
                    let asked = DeviceNews::SendInFull { run };
                    if say(socket, &asked).await.is_err() {
                        return Ok(Some(Ended::Lost));
                    }
                }
                Effect::Show(_) | Effect::Ready(_) => {}
            }
        }
        Ok(None)
    }
}

/// Trains for a slice of time, once everybody else has had a turn. The last effects end the slice.
async fn work(device: &mut Device) -> Vec<Effect> {
    yield_now().await;
    let until = Instant::now() + SLICE;
    while device.has_work() && Instant::now() < until {
        let effects = device.work();
        if !effects.is_empty() {
            return effects;
        }
    }
    Vec::new()
}

async fn say(socket: &mut Socket, news: &DeviceNews) -> Result<(), tungstenite::Error> {
    socket.send(Message::text(news.to_json())).await
}
