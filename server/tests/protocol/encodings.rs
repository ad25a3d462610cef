//! Models that travel as deltas, over real sockets.

use std::collections::BTreeMap;
use std::sync::Arc;

use constellation_core::config::RunConfig;
use constellation_core::encoding::{Encoding, ModelHash};
use constellation_core::ids::Round;
use constellation_core::model::Network;
use constellation_core::params::Params;
use constellation_core::wire::{Delta, Encoded, RoundOpened, Update};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{FakeDevice, Room, Socket, TestServer, fine, problem, small};

fn config() -> Value {
    let mut config = small();
    config["encodings"] = json!({ "up": { "kind": "int8" }, "down": { "kind": "int8" } });
    config
}

/// A device that knows encodings, and the models that it has.
struct Tab {
    device: FakeDevice,
    socket: Socket,
    initial: Arc<Params>,
    has: BTreeMap<String, Arc<Params>>,
}

impl Tab {
    async fn enter(room: &Room<'_>) -> Self {
        // One of a newer device's encodings, which this room does not know.
        let profile = json!({ "profile": { "encodings": ["int8", "morse"] } });
        let response = room.server.post(&room.path("/devices"), &profile).await;
        let device = FakeDevice::of(response.json().await.unwrap());
        let (socket, configured) = room.connect(&device).await;
        let RunConfig {
            model, data, seed, ..
        } = configured.config;
        Self {
            initial: Arc::new(Network::new(&model, data.shape()).initial(seed)),
            device,
            socket,
            has: BTreeMap::new(),
        }
    }

    /// Reads the next frame, which opens a round; its length as well.
    async fn round(&mut self) -> (RoundOpened, usize) {
        let Message::Binary(frame) = self.socket.next().await else {
            panic!("a round comes next")
        };
        let known = |name: &str, hash| {
            let models = self.has.get(name).into_iter().chain([&self.initial]);
            models
                .into_iter()
                .find(|model| ModelHash::of(model) == hash)
                .cloned()
        };
        let round = RoundOpened::decode_with(&frame, &self.device.models.spec, known).unwrap();
        for arm in ["fed_avg", "coalition_models"] {
            let report = self.device.update(&round, 0.0).report;
            let start = round.start_of(arm, &report).unwrap();
            self.has.insert(arm.to_owned(), Arc::clone(start));
        }
        (round, frame.len())
    }

    /// An answer in which every weight has grown by `step`.
    fn answer(&self, round: &RoundOpened, step: f32) -> Update {
        let mut update = self.device.update(round, 0.0);
        for (name, weights) in core::mem::take(&mut update.weights) {
            let delta = vec![step; weights.values().len()];
            let encoded = Encoded {
                reference: ModelHash::of(&self.has[&name]),
                payload: round.upload.encode(&delta, 0).unwrap(),
            };
            let values = Params::try_new(delta, weights.spec()).unwrap();
            update.deltas.insert(name, Delta { encoded, values });
        }
        update
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_know_an_encoding_use_it_and_what_they_lack_comes_whole() {
    let server = TestServer::start().await;
    let room = server.room(&config()).await;
    let mut tabs = [Tab::enter(&room).await, Tab::enter(&room).await];
    fine(room.desk("start", &json!({})).await, 200).await;
    let whole = 2 * 31_400;
    for tab in &mut tabs {
        let (round, bytes) = tab.round().await;
        assert_eq!(round.upload, Encoding::Int8 {});
        assert!(
            bytes < 1_000,
            "the initial models are not sent: {bytes} bytes"
        );
        let answer = tab.answer(&round, 0.5).encode();
        assert!(answer.len() < whole / 3, "{} bytes", answer.len());
        fine(room.post_update(&tab.device, Round(1), answer).await, 202).await;
    }
    let grown = tabs[0].initial.values()[0] + 0.5;
    for tab in &mut tabs {
        let (_, bytes) = tab.round().await;
        assert!((1_000..whole / 3).contains(&bytes), "{bytes} bytes");
        let value = tab.has["fed_avg"].values()[0];
        assert!((value - grown).abs() < 1e-3, "{value} is not {grown}");
    }

    let [tab, _] = &mut tabs;
    let asks = json!({ "message": "send_in_full", "run": 1 });
    tab.socket.send_json(&asks).await;
    let before = tab.has["fed_avg"].clone();
    let (round, bytes) = tab.round().await;
    assert!(bytes > whole, "{bytes} bytes");
    assert_eq!(tab.has["fed_avg"], before);

    tab.has
        .insert("fed_avg".to_owned(), Arc::clone(&tab.initial));
    let mistaken = tab.answer(&round, 0.5).encode();
    let response = room.post_update(&tab.device, Round(2), mistaken).await;
    problem(response, 409, "other_reference").await;
    let (round, bytes) = tab.round().await;
    assert!(bytes > whole, "{bytes} bytes");
    let answer = tab.answer(&round, 0.5).encode();
    fine(room.post_update(&tab.device, Round(2), answer).await, 202).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encodings_are_a_list_of_names() {
    let server = TestServer::start().await;
    let room = server.room(&config()).await;
    for bad in [json!("int8"), json!(8), json!(null), json!([8])] {
        let body = json!({ "profile": { "encodings": bad } });
        let response = server.post(&room.path("/devices"), &body).await;
        problem(response, 422, "wrong_fields").await;
    }
    let mut config = config();
    config["encodings"]["up"] = json!({ "kind": "top_k", "share": 0.6 });
    let refused = server
        .post("/api/rooms", &json!({ "config": config }))
        .await;
    problem(refused, 422, "bad_config").await;
}
