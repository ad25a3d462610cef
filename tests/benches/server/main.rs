//! What a server gets through: updates a second, short rounds, real tabs, and a thousand devices: `cargo xtask bench`.
//! Names of parts behind `--` measure those alone.

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
    let named: Vec<String> = env::args().skip(1).collect();
    let wanted = |part: &str| {
        let mut names = named.iter().filter(|name| !name.starts_with("--"));
        names.clone().next().is_none() || names.any(|name| name == part)
    };
    if wanted("ingest") {
        ingest::measure().await?;
    }
    if wanted("rounds") {
        rounds::measure().await?;
    }
    if wanted("tabs") {
        tabs::measure().await?;
    }
    if wanted("thousand") {
        thousand::measure().await?;
    }
    Ok(())
}

/// Prints a row: what was measured, how much it is, and what it should be.
fn print(name: &str, value: f64, goal: &str) {
    println!("{name:44} {value:10.2}  {goal}");
}

/// The value in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
