//! Has TensorFlow.js train in a worker of Chromium, and prints what `bench/peers/tfjs` found: `cargo xtask bench --peers`.
//! The argument is that folder with its packages.

#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::env;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use constellation_tests::{Browser, Engine};
use tokio::net::TcpListener;

/// How long all models may take.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.find(|argument| !argument.starts_with("--"));
    let folder = PathBuf::from(folder.context("which folder?")?);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let app = Router::new().fallback(file).with_state(folder);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut browser = Browser::start(Engine::Chromium).await?;
    let page = browser
        .open(&format!("http://{address}/index.html"))
        .await?;
    let over = "/^(end|failed.*)$/m.test(document.querySelector('pre').textContent) \
        && document.querySelector('pre').textContent";
    let printed = page
        .wait_until("TensorFlow.js's end", over, vec![], PATIENCE)
        .await?;
    let printed = printed.as_str().context("the page says no text")?;
    let rows = printed.trim_end().strip_suffix("end");
    println!("{}", rows.with_context(|| printed.to_owned())?.trim_end());
    ensure!(
        browser.console_errors().await?.is_empty(),
        "the page logged errors"
    );
    Ok(())
}

async fn file(State(folder): State<PathBuf>, uri: Uri) -> Response {
    let path = Path::new(uri.path().trim_start_matches('/'));
    let is_below = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let content = is_below.then(|| std::fs::read(folder.join(path)).ok());
    let Some(content) = content.flatten() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind)], content).into_response()
}
