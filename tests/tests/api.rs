//! The API is what its description says: thousands of calls made up from it, right ones and wrong ones.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use constellation_tests::{Room, Server, python};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

/// It takes half a minute.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test]
async fn calls_made_up_from_the_description_are_answered_as_it_says() -> Result<()> {
    let python = python()?;
    let server = Server::start(&["--no-room", "--open-rooms"]).await?;
    let room = Room::create(&server, json!({ "rounds": 2 })).await?;
    let joined = reqwest::Client::new()
        .post(server.url(&format!("/api/rooms/{}/devices", room.room)))
        .send()
        .await?;
    let joined: Value = joined.error_for_status()?.json().await?;
    let device_token = joined["device_token"]
        .as_str()
        .context("a device has a token")?;
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis.toml");
    let checks = Command::new(python)
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(settings)
        .args([
            "run",
            &server.url("/api/openapi.json"),
            "--seed",
            "1",
            "--max-examples",
            "50",
        ])
        .args(["--no-color", "--continue-on-failure"])
        // It leaves a cache where it runs.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env("CONSTELLATION_ROOM", &room.room)
        .env("CONSTELLATION_DESK_TOKEN", &room.desk_token)
        .env("CONSTELLATION_DEVICE_TOKEN", device_token)
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, checks)
        .await
        .context("the calls did not come to an end")??;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
