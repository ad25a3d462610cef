//! Firefox: its preferences, and what it tells over WebDriver BiDi.

use std::ffi::OsString;

use anyhow::{Context, Result};
use fantoccini::Client;
use fantoccini::wd::{Capabilities, WindowHandle};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::bidi::Bidi;
use super::vendor::Extension;

/// The events that an error can come with.
const EVENTS: [&str; 3] = [
    "log.entryAdded",
    "network.responseCompleted",
    "network.fetchError",
];
/// The errors of a request that its own page or worker gave up, when it was left or closed: before
/// its answer, and amid it.
const GIVEN_UP: [&str; 2] = ["NS_BINDING_ABORTED", "NS_BASE_STREAM_CLOSED"];

pub(super) fn driver_arguments(profile: &TempDir) -> Vec<OsString> {
    vec![
        "--port=0".into(),
        "--websocket-port=0".into(),
        // For `prefer_dark`.
        "--allow-system-access".into(),
        "--profile-root".into(),
        profile.path().into(),
    ]
}

pub(super) fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::new();
    let arguments = ["-headless", "--width=1280", "--height=900"];
    let options = json!({
        "args": arguments,
        // On a busy machine Firefox would end scripts that it finds slow.
        "prefs": { "dom.max_script_run_time": 0 }
    });
    capabilities.insert("moz:firefoxOptions".to_owned(), options);
    capabilities.insert("webSocketUrl".to_owned(), json!(true));
    capabilities
}

/// From now on the socket hears of errors.
pub(super) async fn listen(bidi: &Bidi) -> Result<()> {
    bidi.call("session.subscribe", json!({ "events": EVENTS }))
        .await?;
    Ok(())
}

pub(super) async fn console_errors(bidi: &Bidi) -> Result<Vec<String>> {
    // An answer of each tab comes after all that the tab had to say before.
    let tree = bidi.call("browsingContext.getTree", json!({})).await?;
    let tabs = tree["contexts"].as_array().context("there are no tabs")?;
    for tab in tabs {
        let nothing = json!({
            "expression": "0",
            "target": { "context": tab["context"] },
            "awaitPromise": false
        });
        bidi.call("script.evaluate", nothing).await?;
    }
    let events = bidi.take_events().await;
    Ok(events.iter().filter_map(error).collect())
}

/// The error that an event tells of.
fn error(event: &Value) -> Option<String> {
    let what = &event["params"];
    let url = what["request"]["url"].as_str().unwrap_or_default();
    match event["method"].as_str()? {
        "log.entryAdded" if what["level"] == "error" => Some(what["text"].as_str()?.to_owned()),
        "network.responseCompleted" if what["response"]["status"].as_u64()? >= 400 => {
            Some(format!("{url}: status {}", what["response"]["status"]))
        }
        "network.fetchError" if !GIVEN_UP.iter().any(|name| what["errorText"] == *name) => {
            Some(format!("{url}: {}", what["errorText"]))
        }
        _ => None,
    }
}

pub(super) async fn resize(
    bidi: &Bidi,
    window: &WindowHandle,
    width: u32,
    height: u32,
) -> Result<()> {
    let size = json!({
        "context": String::from(window.clone()),
        "viewport": { "width": width, "height": height },
        "devicePixelRatio": 1
    });
    bidi.call("browsingContext.setViewport", size).await?;
    Ok(())
}

pub(super) async fn run_first(bidi: &Bidi, window: &WindowHandle, script: &str) -> Result<()> {
    let preload = json!({
        "functionDeclaration": format!("() => {{ {script} }}"),
        "contexts": [String::from(window.clone())]
    });
    bidi.call("script.addPreloadScript", preload).await?;
    Ok(())
}

/// There is no command for it, but a property of the tab that the browser's own scripts can set.
pub(super) async fn prefer_dark(client: &Client) -> Result<()> {
    let set = "gBrowser.selectedBrowser.browsingContext.prefersColorSchemeOverride = 'dark'";
    scripts_run_in(client, "chrome").await?;
    let outcome = client.execute(set, vec![]).await;
    scripts_run_in(client, "content").await?;
    outcome.context("Firefox does not let its colour scheme be set")?;
    Ok(())
}

/// Scripts run in the page (`content`) or in the browser's own window (`chrome`) from now on.
async fn scripts_run_in(client: &Client, context: &str) -> Result<()> {
    let command = Extension {
        path: "moz/context",
        body: json!({ "context": context }),
    };
    client.issue_cmd(command).await?;
    Ok(())
}
