//! A network that loses, cuts off and holds up what goes over it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use constellation_core::config::DataConfig;
use constellation_core::view::{DeviceState, Phase, View};
use constellation_lab::data::load;
use constellation_lab::verify::{End, verify};
use constellation_tests::{Relay, Room, Server, data};
use serde_json::json;
use tokio::task::spawn_blocking;

const DEVICES: usize = 5;
const ROUNDS: u32 = 50;
/// Longest that the run may take: connections break, and half a second passes before the next.
const RUN: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread")]
async fn fifty_rounds_over_a_bad_network_are_fifty_honest_rounds() -> Result<()> {
    let server = Server::start(&["--no-room", "--log", "warn"]).await?;
    let network = Relay::start(&server).await?;
    let config = json!({
        "rounds": ROUNDS,
        "seed": 5,
        "model": { "kind": "softmax" },
        "data": { "examples": 60 },
        "pacing": { "min_devices": 2, "pace_ms": 20, "deadline_ms": 3_000 }
    });
    let room = Room::create(&server, config).await?;
    let through = network.through(server.base());
    let headless = room.headless_by(through, u32::try_from(DEVICES)?);
    room.wait_until("everybody", |view| {
        let ready = |state| state == DeviceState::Ready;
        view.devices
            .iter()
            .filter(|device| ready(device.state))
            .count()
            == DEVICES
    })
    .await?;
    network.go_bad(20_403);
    // Nobody keeps a connection from better times.
    network.go_down();
    let count = |view: &View, state| {
        let devices = view.devices.iter();
        devices.filter(|device| device.state == state).count()
    };
    room.wait_until("everybody away", |view| {
        count(view, DeviceState::Away) == DEVICES
    })
    .await?;
    network.come_up();
    room.wait_until("two devices back", |view| {
        count(view, DeviceState::Ready) >= 2
    })
    .await?;
    room.desk("start", json!({})).await?;
    let closed = |view: &View| view.traffic.rounds >= ROUNDS;
    room.wait_so_long(RUN, "fifty closed rounds", closed)
        .await?;
    network.go_good();
    let view = room
        .wait_so_long(RUN, "the end of the run", |view| {
            view.phase == Phase::Finished
        })
        .await?;
    headless.abort();
    assert_eq!(
        view.devices.len(),
        DEVICES,
        "nobody joined twice, nobody was lost"
    );
    // Posts whose answers were lost came again, and were not counted again.
    let metrics = reqwest::get(server.url("/metrics")).await?.text().await?;
    let duplicates = metrics
        .lines()
        .find_map(|line| line.strip_prefix("constellation_updates_total{result=\"duplicate\"} "))
        .context("duplicates are counted")?
        .parse::<u32>()?;
    assert!(
        duplicates > 0,
        "the network was not bad enough to show anything"
    );
    // Every model is the one that those whose updates were counted make.
    let record = room.record().await?;
    let missing = record.matches("\"event\":\"disconnected\"").count();
    assert!(missing > DEVICES, "connections broke {missing} times");
    let load = move |config: &DataConfig| load(&data(), config.dataset).map(Arc::new);
    let verdicts = spawn_blocking(move || verify(&record, load)).await??;
    let [verdict] = verdicts.as_slice() else {
        bail!("one run was recorded: {verdicts:?}");
    };
    assert_eq!((verdict.same, &verdict.end), (ROUNDS, &End::Record));
    println!("{duplicates} duplicates, connections broke {missing} times");
    Ok(())
}
