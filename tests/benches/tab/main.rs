//! What a device in a tab does: how soon it trains, how soon it stops, and what it does while nobody looks:
//! `cargo xtask bench`. The pages, their worker and the server are the real ones.

#![expect(clippy::print_stdout, reason = "a bench prints")]

mod hidden;

use anyhow::{Context, Result};
use constellation_tests::{Browser, Engine, PATIENCE, Room, Server, Tab};
use serde_json::{Value, json};

/// The script that notes what happens, in front of the page's own.
const NOTES: &str = include_str!("notes.js");
const REPETITIONS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    println!("{:44} {:>10}{:>10}", "", "Chromium", "Firefox");
    let server = Server::start(&["--no-room", "--log", "warn"]).await?;
    let in_chromium = measure(&server, Engine::Chromium).await?;
    let in_firefox = measure(&server, Engine::Firefox).await?;
    for ((name, goal, ours), (_, _, others)) in in_chromium.into_iter().zip(in_firefox) {
        println!("{name:44} {ours:10.2}{others:10.2}  (goal {goal})");
    }
    server.kill().await
}

/// What is measured, what it should be, and what it is.
type Row = (&'static str, &'static str, f64);

async fn measure(server: &Server, engine: Engine) -> Result<[Row; 8]> {
    let mut first = Start::default();
    let mut again = Start::default();
    let mut stopped = Vec::new();
    for _ in 0..REPETITIONS {
        let mut browser = Browser::start(engine).await?;
        let tab = browser.open("about:blank").await?;
        tab.run_first(NOTES).await?;
        for start in [&mut first, &mut again] {
            let room = long_rounds(server).await?;
            tab.goto(&room.join_url).await?;
            happened(&tab, "trained").await?;
            leave(&tab).await?;
            happened(&tab, "left").await?;
            let notes = tab.eval("return notes[0]", vec![]).await?;
            start.joined.push(span(&notes, "started", "joined")?);
            start.read.push(span(&notes, "started", "samples")?);
            start.trained.push(span(&notes, "started", "trained")?);
            stopped.push(span(&notes, "told", "left")?);
        }
    }
    let hidden = hidden::measure(server, engine).await?;
    Ok([
        (
            "from a worker's start to joined, ms",
            "-",
            median(first.joined),
        ),
        ("until it has its data", "-", median(first.read)),
        ("until it trains", "60", median(first.trained)),
        (
            "not for the first time: to joined",
            "-",
            median(again.joined),
        ),
        ("until it has its data", "-", median(again.read)),
        ("until it trains", "60", median(again.trained)),
        (
            "from \"leave\" amid training to left, ms",
            "50",
            median(stopped),
        ),
        ("speed of a hidden tab, of a visible one's", "1", hidden),
    ])
}

/// Milliseconds from workers' starts until they had come so far.
#[derive(Default)]
struct Start {
    joined: Vec<f64>,
    read: Vec<f64>,
    trained: Vec<f64>,
}

/// A room that begins with its first device, and whose first round is long.
async fn long_rounds(server: &Server) -> Result<Room> {
    room(server, 100).await
}

/// A room that begins with its first device.
async fn room(server: &Server, epochs: u32) -> Result<Room> {
    let config = json!({
        "rounds": 200,
        "model": { "kind": "mlp", "hidden": [128] },
        "training": { "epochs": epochs, "batch": 32 },
        "arms": [{ "strategy": { "kind": "fed_avg" } }],
        "pacing": { "min_devices": 1, "start_at": 1, "pace_ms": 0, "deadline_ms": 600_000 }
    });
    Room::create(server, config).await
}

/// As a person does it.
async fn leave(tab: &Tab) -> Result<()> {
    tab.click("[data-testid=leave-device]").await?;
    tab.click("[data-testid=leave-confirm]").await
}

async fn happened(tab: &Tab, what: &str) -> Result<()> {
    let has = "args[0] in document.documentElement.dataset";
    tab.wait_until(what, has, vec![json!(what)], PATIENCE)
        .await?;
    Ok(())
}

/// Milliseconds.
fn span(notes: &Value, from: &str, to: &str) -> Result<f64> {
    let at = |what: &str| notes[what].as_f64().with_context(|| format!("no {what}"));
    Ok(at(to)? - at(from)?)
}

/// The value in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
