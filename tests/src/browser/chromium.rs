//! Chromium: its flags, its console, and the DevTools protocol.

use std::ffi::OsString;

use anyhow::{Context, Result};
use fantoccini::Client;
use fantoccini::wd::Capabilities;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::vendor::Extension;

/// As in `client-wasm/webdriver.json`: as root, offline, without a screen.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

pub(super) fn driver_arguments() -> Vec<OsString> {
    vec!["--port=0".into()]
}

pub(super) fn capabilities(profile: &TempDir) -> Capabilities {
    let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
    flags.push(format!("--user-data-dir={}", profile.path().display()));
    let mut capabilities = Capabilities::new();
    capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": flags }));
    capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
    capabilities
}

pub(super) async fn console_errors(client: &Client) -> Result<Vec<String>> {
    let log = Extension {
        path: "se/log",
        body: json!({ "type": "browser" }),
    };
    let entries = client.issue_cmd(log).await?;
    let entries = entries.as_array().context("the browser's log is no list")?;
    Ok(entries
        .iter()
        .filter(|entry| entry["level"] == "SEVERE")
        .map(|entry| match &entry["message"] {
            Value::String(message) => message.clone(),
            other => other.to_string(),
        })
        .collect())
}

pub(super) async fn resize(client: &Client, width: u32, height: u32) -> Result<()> {
    let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    devtools(client, "Emulation.setDeviceMetricsOverride", size).await
}

pub(super) async fn prefer_dark(client: &Client) -> Result<()> {
    let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    devtools(client, "Emulation.setEmulatedMedia", dark).await
}

pub(super) async fn run_first(client: &Client, script: &str) -> Result<()> {
    let source = json!({ "source": script });
    devtools(client, "Page.addScriptToEvaluateOnNewDocument", source).await
}

pub(super) async fn bring_to_front(client: &Client) -> Result<()> {
    devtools(client, "Page.bringToFront", json!({})).await
}

/// Sends a command of the DevTools protocol to the current tab.
async fn devtools(client: &Client, command: &str, parameters: Value) -> Result<()> {
    let command = Extension {
        path: "goog/cdp/execute",
        body: json!({ "cmd": command, "params": parameters }),
    };
    client.issue_cmd(command).await?;
    Ok(())
}
