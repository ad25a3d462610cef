//! Rounds of ten devices in real workers of Chromium.

use std::time::Instant;

use anyhow::Result;
use constellation_core::view::Phase;
use constellation_tests::{Browser, Engine, Room, Server};
use serde_json::json;

use crate::median;

const DEVICES: u32 = 10;
const ROUNDS: u32 = 30;
const WARM_UP: usize = 5;

/// Prints what came out.
pub(crate) async fn measure() -> Result<()> {
    let server = Server::start(&["--no-room", "--log", "warn"]).await?;
    let config = json!({
        "rounds": ROUNDS,
        "model": { "kind": "mlp", "hidden": [128] },
        // A fifth of the examples is held out.
        "data": { "examples": 750, "balanced_per_label": 1 },
        "training": { "epochs": 1, "batch": 32 },
        "arms": [{ "strategy": { "kind": "fed_avg" } }],
        "pacing": { "start_at": DEVICES, "pace_ms": 0, "deadline_ms": 600_000 }
    });
    let room = Room::create(&server, config).await?;
    let mut browser = Browser::start(Engine::Chromium).await?;
    let tab = browser.open(&room.join_url).await?;
    for _ in 1..DEVICES {
        tab.click("[data-testid=add-device]").await?;
    }
    let (mut opened, mut seen) = (Vec::new(), 0);
    room.wait_until("the end of the run", |view| {
        if view.round.0 > seen {
            seen = view.round.0;
            opened.push(Instant::now());
        }
        view.phase == Phase::Finished
    })
    .await?;
    let times = opened.windows(2).skip(WARM_UP);
    let times = times.map(|pair| 1e3 * (pair[1] - pair[0]).as_secs_f64());
    crate::print(
        &format!("round of {DEVICES} training devices, ms"),
        median(times.collect()),
        "(goal 100; workers of one Chromium, 600 examples each)",
    );
    server.kill().await
}
