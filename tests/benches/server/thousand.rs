//! A thousand headless devices in one room.

use std::time::{Duration, Instant};

use anyhow::Result;
use constellation_core::view::{DeviceState, Phase};
use constellation_tests::{Room, Server};
use serde_json::json;

const DEVICES: u32 = 1_000;
const ROUNDS: u32 = 10;
/// 784-64-10 in f32.
const UPDATE: u64 = 50_890 * 4;
const MIB: u64 = 1 << 20;
/// How long the devices may take to join, and then to come to the end.
const PATIENCE: Duration = Duration::from_secs(300);

/// Prints what came out.
pub(crate) async fn measure() -> Result<()> {
    let server = Server::start(&["--no-room", "--log", "warn"]).await?;
    let config = json!({
        "rounds": ROUNDS,
        "model": { "kind": "mlp", "hidden": [64] },
        "data": { "examples": 100, "balanced_per_label": 5, "groups": { "count": 4, "kind": "rotation" } },
        "training": { "epochs": 1 },
        "arms": [{ "strategy": { "kind": "coalition_models" } }],
        "pacing": { "start_at": DEVICES, "pace_ms": 0, "deadline_ms": 600_000 }
    });
    let room = Room::create(&server, config).await?;
    let devices = room.headless(DEVICES);
    room.wait_so_long(PATIENCE, "a thousand devices", |view| {
        view.phase == Phase::Training
    })
    .await?;
    let (start, mut views, mut away) = (Instant::now(), 0, 0);
    let last = room
        .wait_so_long(PATIENCE, "the end of the run", |view| {
            views += 1;
            let states = view.devices.iter().map(|device| device.state);
            away = away.max(states.filter(|state| *state == DeviceState::Away).count());
            view.phase == Phase::Finished
        })
        .await?;
    let seconds = start.elapsed().as_secs_f64();
    devices.abort();
    let updates = u64::from(DEVICES) * UPDATE;
    let allowed = 3 * updates + 200 * MIB;
    let arm = &last.arms[0];
    println!("{DEVICES} headless devices, {ROUNDS} rounds of 784-64-10 with 80 training examples:");
    let everybody = format!("(goal {DEVICES})");
    crate::print("seconds, training included", seconds, "");
    crate::print("devices at the end", last.devices.len() as f64, &everybody);
    crate::print(
        "updates accepted in the last round",
        arm.devices.len() as f64,
        &everybody,
    );
    crate::print("most devices away at once", away as f64, "(goal 0)");
    let refusals: u32 = last.refusals.values().sum();
    crate::print("refusals", f64::from(refusals), "(goal 0)");
    crate::print("agreement", arm.agreement.unwrap_or(f64::NAN), "");
    crate::print(
        "peak memory of the server, MiB",
        (server.peak_memory()? / MIB) as f64,
        &format!("(goal {})", allowed / MIB),
    );
    crate::print("views to a board, 1/s", f64::from(views) / seconds, "");
    server.kill().await
}
