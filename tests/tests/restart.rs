//! A server that is killed, and started again in the same folder.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use constellation_core::rng::{Purpose, Stream};
use constellation_core::view::{DeviceState, Phase, View};
use constellation_tests::{Room, Server};
use serde_json::{Value, json};
use tokio::time::sleep;

const KILLS: u32 = 200;
const DEVICES: u32 = 3;
const ROUNDS: u32 = 40;
/// Longest time between a start and the next kill. Headless devices take half a second to come back.
const LONGEST_LIFE_MS: u32 = 1_200;

/// Rounds of a few milliseconds, and errors that devices make up for later: an update that is lost or counted twice
/// changes everything after it.
fn config() -> Value {
    let formation = json!({
        "k": 2, "distance": "unit_deltas", "warm_up": 1, "reform_every": null,
        "sketches": { "resting": { "after": 2, "share": 0.5 } }
    });
    json!({
        "rounds": ROUNDS,
        "seed": 5,
        "model": { "kind": "softmax" },
        "data": { "examples": 60 },
        "pacing": { "min_devices": DEVICES, "start_at": DEVICES, "pace_ms": 10, "deadline_ms": 600_000 },
        "arms": [
            { "strategy": { "kind": "local_only" } },
            { "strategy": { "kind": "fed_avg" } },
            { "strategy": { "kind": "coalition_models", "formation": formation } }
        ],
        "encodings": { "up": { "kind": "one_bit" }, "down": { "kind": "int8" } }
    })
}

fn is_finished(view: &View) -> bool {
    view.phase == Phase::Finished
}

/// Fingerprints of a run during which nothing goes wrong, by number of closed rounds.
async fn undisturbed() -> Result<BTreeMap<u32, String>> {
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, config()).await?;
    let devices = room.headless(DEVICES);
    room.wait_until("the end of the run", is_finished).await?;
    devices.abort();
    let mut fingerprints = BTreeMap::from([(0, String::new())]);
    for line in room.record().await?.lines() {
        let event: Value = serde_json::from_str(line)?;
        if event["event"] == "round_closed" {
            let round = event["round"].as_u64().context("rounds are numbers")?;
            let fingerprint = event["fingerprint"]
                .as_str()
                .context("and these are text")?;
            fingerprints.insert(u32::try_from(round)?, fingerprint.to_owned());
        }
    }
    ensure!(fingerprints.len() == ROUNDS as usize + 1);
    Ok(fingerprints)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_two_hundred_moments_it_goes_on_as_if_nothing_had_been() -> Result<()> {
    let expected = undisturbed().await?;
    let folder = tempfile::tempdir()?;
    let mut server = Server::keeping(folder.path(), 0, &["--no-room"]).await?;
    let room = Room::create(&server, config()).await?;
    let devices = room.headless(DEVICES);
    room.wait_until("everybody", |view| view.devices.len() == DEVICES as usize)
        .await?;
    let mut moments = Stream::new(20_401, Purpose::Trouble, 0, 0);
    let mut runs = 0;
    for kill in 1..=KILLS {
        sleep(Duration::from_millis(moments.below(LONGEST_LIFE_MS).into())).await;
        let before = room.view().await?;
        let port = server.port()?;
        server.kill().await?;
        server = Server::keeping(folder.path(), port, &["--no-room"]).await?;
        let view = room.view().await?;
        let closed = view.traffic.rounds;
        assert!(
            view.run > before.run || closed >= before.traffic.rounds,
            "kill {kill}: of {} rounds that boards had seen closed {closed} are left",
            before.traffic.rounds
        );
        assert_eq!(
            Some(&view.fingerprint),
            expected.get(&closed),
            "kill {kill}, round {closed}"
        );
        assert_eq!(view.devices.len(), DEVICES as usize, "kill {kill}");
        if is_finished(&view) {
            runs += 1;
            room.desk("reset", json!({})).await?;
        }
    }
    let view = room.wait_until("the end of the run", is_finished).await?;
    assert_eq!(Some(&view.fingerprint), expected.get(&ROUNDS));
    let refused: u32 = view.devices.iter().map(|device| device.refused).sum();
    assert_eq!(refused, 0, "{:?}", view.refusals);
    assert!(runs >= 3, "only {runs} runs were played in between");
    println!("{KILLS} kills during {runs} whole runs");
    devices.abort();
    Ok(())
}

#[tokio::test]
async fn whoever_does_not_come_back_is_not_waited_for_forever() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Server::keeping(folder.path(), 0, &["--no-room"]).await?;
    let room = Room::create(&server, config()).await?;
    let devices = room.headless(DEVICES);
    room.wait_until("a closed round", |view| view.traffic.rounds >= 1)
        .await?;
    devices.abort();
    let port = server.port()?;
    server.kill().await?;
    let _server = Server::keeping(folder.path(), port, &["--no-room"]).await?;
    let present = |view: &View| {
        let here = |state| !matches!(state, DeviceState::Away);
        view.devices
            .iter()
            .filter(|device| here(device.state))
            .count()
    };
    assert_eq!(
        present(&room.view().await?),
        DEVICES as usize,
        "they may be about to come back"
    );
    room.wait_until("everybody away", |view| present(view) == 0)
        .await?;
    Ok(())
}
