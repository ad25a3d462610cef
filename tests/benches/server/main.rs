//! What a server gets through: updates a second, short rounds, a thousand devices, and real tabs: `cargo xtask bench`.

#![expect(clippy::print_stdout, reason = "a bench prints")]

mod bare;
mod ingest;
mod rounds;
mod tabs;
mod thousand;
mod trivial;

use std::env;

use anyhow::Result;

#[tokio::main]
async fn main() -> Result<()> {
    if env::args().nth(1).as_deref() == Some(bare::ARGUMENT) {
        return bare::serve().await;
    }
    ingest::measure().await?;
    rounds::measure().await?;
    tabs::measure().await?;
    thousand::measure().await
}

/// The value in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
