//! Many rounds: what a server holds does not grow with them.

use std::time::Duration;

use anyhow::Result;
use constellation_core::view::{Phase, View};
use constellation_tests::{Room, Server};
use serde_json::json;

/// Rounds of a run; after each the desk resets the room.
const ROUNDS: u32 = 100;
/// Longest that a run may take on a busy machine.
const RUN: Duration = Duration::from_secs(600);
/// What memory may grow by: allocators keep some of what they were given.
const SLACK: u64 = 24 << 20;

/// What a server holds.
#[derive(Debug, Default)]
struct Held {
    memory: u64,
    files: usize,
}

/// Plays runs until so many rounds are closed, and compares what the server holds at the end with the most that it held
/// in the first half. The first runs fill what is bounded: the record, the recording, buffers; which of them fills the
/// last is chance.
async fn soak(devices: u32, rounds: u32) -> Result<()> {
    let server = Server::start(&["--no-room", "--log", "warn"]).await?;
    let config = json!({
        "rounds": ROUNDS,
        "seed": 5,
        "model": { "kind": "softmax" },
        "data": { "examples": 20 },
        "pacing": { "min_devices": devices, "start_at": devices, "pace_ms": 0 }
    });
    let room = Room::create(&server, config).await?;
    let headless = room.headless(devices);
    let (runs, mut fingerprint) = (rounds.div_ceil(ROUNDS), String::new());
    let mut before = Held::default();
    for run in 1..=runs {
        let finished = |view: &View| view.run.0 == run && view.phase == Phase::Finished;
        let view = room.wait_so_long(RUN, "the end of a run", finished).await?;
        assert_eq!(view.traffic.rounds, ROUNDS);
        if run == 1 {
            fingerprint.clone_from(&view.fingerprint);
        }
        assert_eq!(view.fingerprint, fingerprint, "run {run}");
        let held = Held {
            memory: server.memory()?,
            files: server.open_files()?,
        };
        println!("after {} rounds: {held:?}", run * ROUNDS);
        if run <= runs / 2 {
            before.memory = before.memory.max(held.memory);
            before.files = before.files.max(held.files);
        } else if run == runs {
            assert!(
                held.memory < before.memory + SLACK,
                "{held:?} after {before:?}"
            );
            // A feed's socket may still be closing.
            assert!(held.files <= before.files + 2, "{held:?} after {before:?}");
        }
        if run < runs {
            room.desk("reset", json!({})).await?;
        }
    }
    headless.abort();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn some_hundred_rounds_leave_nothing_behind() -> Result<()> {
    soak(8, 1_000).await
}

/// `cargo nextest run -p constellation-tests --run-ignored only --no-capture an_hour`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour: run on demand, by the command above; the test before it is its short version"]
async fn an_hours_worth_of_rounds_leaves_nothing_behind() -> Result<()> {
    soak(50, 5_000).await
}
