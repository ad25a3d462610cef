//! The protocol is real when a stranger can speak it: a Python program that shares no code with this project.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use constellation_core::view::Phase;
use constellation_tests::{Room, Server, python};
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_python_program_takes_part_beside_our_own_devices() -> Result<()> {
    let python = python()?;
    let server = Server::start(&["--no-room"]).await?;
    // Rounds of four arms, then the closing evaluation: the stranger meets every kind of message.
    let config = json!({ "rounds": 2, "data": { "examples": 100 }, "pacing": { "start_at": 3, "pace_ms": 0 } });
    let room = Room::create(&server, config).await?;
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours = room.headless(2);
    let stranger = Command::new(python)
        .arg(project.join("stranger.py"))
        .args([server.base(), room.room.as_str(), "3"])
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, stranger)
        .await
        .context("the stranger did not come to an end")??;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        said,
        "round 1: 202 accepted\nround 2: 202 accepted\nround 3: 202 accepted\nleft\n"
    );

    let view = room
        .wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    assert!(view.refusals.is_empty(), "{:?}", view.refusals);
    assert_eq!(view.devices.len(), 2, "the stranger has left");
    assert_eq!(view.traffic.rounds, 2);
    ours.abort();
    Ok(())
}
