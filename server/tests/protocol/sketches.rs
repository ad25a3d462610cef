//! Updates in two parts, over real sockets.

use constellation_core::by_name::ByName;
use constellation_core::ids::{CoalitionId, Round};
use constellation_core::sketch::{NUMBERS, Sketch};
use constellation_core::view::DeviceState;
use constellation_core::wire::{RoomNews, RoundOpened, SendWeights, Update};
use serde_json::{Value, json};

use crate::support::{FakeDevice, Room, Socket, TestServer, fine, problem, small};

const ARM: &str = "coalition_models";

fn config() -> Value {
    let mut config = small();
    config["arms"] = json!([{ "strategy": {
        "kind": ARM,
        "formation": { "k": 2, "distance": "unit_deltas", "sketches": {} }
    } }]);
    config
}

struct Tab {
    device: FakeDevice,
    socket: Socket,
    opened: RoundOpened,
}

impl Tab {
    /// The devices of a room, with its first round open.
    async fn all(room: &Room<'_>, count: usize) -> Vec<Self> {
        let mut connected = Vec::new();
        for _ in 0..count {
            let device = room.join().await;
            let (socket, _) = room.connect(&device).await;
            connected.push((device, socket));
        }
        fine(room.desk("start", &json!({})).await, 200).await;
        let mut tabs = Vec::new();
        for (device, mut socket) in connected {
            let (opened, _) = socket.round(&device).await;
            assert!(opened.arms[0].task.sketch);
            tabs.push(Self {
                device,
                socket,
                opened,
            });
        }
        tabs
    }

    fn sketches(&self) -> Vec<u8> {
        let mut numbers = vec![0; NUMBERS];
        numbers[self.device.id as usize % 2] = 1;
        let sketch = Sketch::try_new(numbers).unwrap();
        let update = Update {
            weights: ByName::new(),
            sketches: ByName::from([(ARM.to_owned(), sketch)]),
            ..self.device.update(&self.opened, 0.0)
        };
        update.encode()
    }

    async fn wanted(&mut self) -> SendWeights {
        match self.socket.news().await {
            RoomNews::SendWeights(wanted) => wanted,
            other => panic!("weights are wanted next, and not {other:?}"),
        }
    }

    fn weights(&self, wanted: &SendWeights, value: f32) -> Update {
        Update {
            coalitions: wanted.coalitions.clone(),
            ..self.device.update(&self.opened, value)
        }
    }
}

#[tokio::test]
async fn sketches_come_first_and_weights_when_they_are_wanted() {
    let server = TestServer::start().await;
    let room = server.room(&config()).await;
    let mut tabs = Tab::all(&room, 2).await;
    let post = async |tab: &Tab, body| room.post_update(&tab.device, Round(1), body).await;

    let early = tabs[0].device.update(&tabs[0].opened, 1.0);
    // Without a coalition its weights are of nobody.
    problem(post(&tabs[0], early.encode()).await, 422, "unknown_tensor").await;
    let accepted = fine(post(&tabs[0], tabs[0].sketches()).await, 202).await;
    assert_eq!(accepted["status"], "accepted");
    let again = fine(post(&tabs[0], tabs[0].sketches()).await, 200).await;
    assert_eq!(again["status"], "duplicate");
    fine(post(&tabs[1], tabs[1].sketches()).await, 202).await;

    let mut wanted = Vec::new();
    for tab in &mut tabs {
        wanted.push(tab.wanted().await);
    }
    assert_ne!(wanted[0].coalitions, wanted[1].coalitions);
    let elsewhere = tabs[0].weights(&wanted[1], 1.0);
    problem(
        post(&tabs[0], elsewhere.encode()).await,
        422,
        "wrong_coalition",
    )
    .await;
    let large = tabs[0].weights(&wanted[0], 4_096.0);
    problem(post(&tabs[0], large.encode()).await, 422, "too_large").await;
    let sketched = room.view().await.traffic.bytes_up;
    for (tab, wanted) in tabs.iter().zip(&wanted) {
        let update = tab.weights(wanted, tab.device.id as f32);
        fine(post(tab, update.encode()).await, 202).await;
    }
    let view = room.view().await;
    assert_eq!(view.traffic.rounds, 1);
    let weights = view.traffic.bytes_up - sketched;
    assert!(weights > 2 * 4 * tabs[0].device.models.spec.len() as u64);
    let coalitions: Vec<CoalitionId> = view.arms[0].coalitions.iter().map(|c| c.id).collect();
    assert_eq!(coalitions.len(), 2);
    // Both parts are in the record.
    let record = server.get(&room.path("/export?format=jsonl")).await;
    let record = record.text().await.unwrap();
    for event in ["sketched", "coalitions_formed", "accepted"] {
        assert!(
            record.contains(&format!("\"event\":\"{event}\"")),
            "{record}"
        );
    }
}

#[tokio::test]
async fn coalitions_do_not_wait_for_the_sketches_of_the_late() {
    let server = TestServer::start().await;
    let mut config = config();
    config["pacing"]["min_devices"] = json!(1);
    config["pacing"]["deadline_ms"] = json!(300);
    let room = server.room(&config).await;
    let mut tabs = Tab::all(&room, 2).await;
    let response = room.post_update(&tabs[0].device, Round(1), tabs[0].sketches());
    fine(response.await, 202).await;
    let wanted = tabs[0].wanted().await;
    let late = room.post_update(&tabs[1].device, Round(1), tabs[1].sketches());
    let refusal = problem(late.await, 409, "stale").await;
    assert!(refusal["detail"].as_str().unwrap().contains("sketches"));
    let view = room.view().await;
    let state = |id| view.devices.iter().find(|d| d.id.0 == id).unwrap().state;
    assert_eq!(state(tabs[1].device.id), DeviceState::Late);
    let update = tabs[0].weights(&wanted, 1.0);
    let response = room.post_update(&tabs[0].device, Round(1), update.encode());
    fine(response.await, 202).await;
    assert_eq!(room.view().await.traffic.rounds, 1);
}
