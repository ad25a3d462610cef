//! The least that a server can do with an update: axum reads the body into memory. A process of its own, as ours is.

use std::env;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use constellation_tests::Program;
use tokio::net::TcpListener;

/// Makes this bench be that server.
pub(crate) const ARGUMENT: &str = "serve-bare";

/// What it prints before its address.
const SIGN: &str = "listening on ";

/// Serves until the process is killed.
pub(crate) async fn serve() -> Result<()> {
    let read = async |body: Bytes| body.len().to_string();
    let app = Router::new()
        .route("/", post(read))
        .layer(DefaultBodyLimit::disable());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{SIGN}{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// Starts that server; its address, as in `127.0.0.1:40123`.
pub(crate) async fn start() -> Result<(Program, String)> {
    let bench = env::current_exe().context("this program does not know where it is")?;
    Program::start(bench.as_os_str(), [ARGUMENT], SIGN).await
}
