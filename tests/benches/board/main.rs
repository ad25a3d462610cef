//! How long the board works for an update when a hundred devices take part: `cargo xtask bench`.
//!
//! A real room with a hundred headless devices is recorded first. Then, with nothing else running, the built board gets
//! its views again at ten a second in each browser, and its page is measured from within (`measure.js`): an update is
//! the message's handler and the frame that draws what it changed, with styles, layout and paint.

#![expect(clippy::print_stdout, reason = "a bench prints")]

mod playback;
mod recording;

use std::time::Duration;

use anyhow::Result;
use constellation_tests::{Browser, Engine, Server};
use playback::Playback;
use recording::Recording;
use serde::Deserialize;
use serde_json::json;

const DEVICES: u32 = 100;
const UPDATES_A_SECOND: u32 = 10;
/// Updates that are played in each case.
const UPDATES: usize = 300;
/// The first of them, which are not counted: the browser compiles what it runs often.
const WARM_UP: usize = 50;
const ROUNDS: u32 = 12;
/// A projector.
const SIZE: (u32, u32) = (1920, 1080);
/// How long all updates of a case may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Milliseconds: median, 95th percentile.
const GOAL: (f64, f64) = (8.0, 16.0);

/// What `measure.js` has measured, in milliseconds.
#[derive(Debug, Deserialize)]
struct Measured {
    updates: Vec<Update>,
    /// Every frame without an update: marks glide for some time after a round.
    glides: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct Update {
    /// The handling of its message.
    message: f64,
    /// The frame that drew it.
    frame: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = Server::start(&["--no-room", "--log", "warn"]).await?;
    println!("recording a room with {DEVICES} devices …");
    let recording = Recording::make(&server, DEVICES, ROUNDS, UPDATES).await?;
    server.kill().await?;
    let size = recording.views.iter().map(String::len).max().unwrap_or(0);
    println!(
        "{} views of {ROUNDS} rounds, the largest of {} kB, at {UPDATES_A_SECOND} a second; milliseconds, median and 95th percentile:\n",
        recording.views.len(),
        size / 1000
    );
    println!(
        "{:<10}{:<10}{:>16}{:>16}{:>16}{:>16}",
        "browser", "listing", "update", "its message", "its frame", "other frames"
    );
    let mut met = true;
    for engine in [Engine::Chromium, Engine::Firefox] {
        for listing in ["rounds", "devices"] {
            let measured = measure(&recording, engine, listing).await?;
            let counted = measured.updates.get(WARM_UP..).unwrap_or_default();
            let of = |part: fn(&Update) -> f64| counted.iter().map(part).collect::<Vec<_>>();
            let updates = of(|update| update.message + update.frame);
            println!(
                "{:<10}{listing:<10}{:>16}{:>16}{:>16}{:>16}",
                format!("{engine:?}"),
                in_short(&updates),
                in_short(&of(|update| update.message)),
                in_short(&of(|update| update.frame)),
                in_short(&measured.glides)
            );
            met &= quantile(&updates, 0.5) < GOAL.0 && quantile(&updates, 0.95) < GOAL.1;
        }
    }
    let (median, tail) = GOAL;
    let outcome = if met { "met" } else { "missed" };
    println!("\nThe goal, an update below {median} and {tail} ms, is {outcome}.");
    Ok(())
}

async fn measure(recording: &Recording, engine: Engine, listing: &str) -> Result<Measured> {
    let playback = Playback::start(recording).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open("about:blank").await?;
    board.resize(SIZE.0, SIZE.1).await?;
    board.goto(&playback.board_url()).await?;
    let ready = "document.querySelector('[data-testid=map-device]')";
    board
        .wait_until("the first view", ready, vec![], PATIENCE)
        .await?;
    board
        .click(&format!("[data-testid=listing-{listing}]"))
        .await?;
    playback.play(UPDATES_A_SECOND);
    let all = "document.documentElement.dataset.messages >= args[0]";
    let count = json!(recording.views.len() - 1);
    board
        .wait_until("every update", all, vec![count], PATIENCE)
        .await?;
    board.screenshot(&format!("bench-board-{listing}")).await?;
    let measured = board.eval("return measured", vec![]).await?;
    Ok(serde_json::from_value(measured)?)
}

fn in_short(times: &[f64]) -> String {
    format!("{:.1}  {:.1}", quantile(times, 0.5), quantile(times, 0.95))
}

/// The smallest of the values that at least this part of all does not exceed.
fn quantile(times: &[f64], part: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}
