//! The laboratory's command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::{Parser, Subcommand};
use constellation_core::config::{PacingConfig, RunConfig};
use constellation_core::view::View;
use constellation_lab::data::load;
use constellation_lab::devices::{self, RoomAddress};
use constellation_lab::{coalitions, simulate, verify};

/// Constellation natively: headless devices for a room, and runs without one.
#[derive(Parser)]
#[command(name = "lab", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Join a room with headless devices, which train as tabs do, and stay until the room ends or Ctrl-C.
    ///
    /// Example: lab devices --url http://127.0.0.1:8080 --room K7QF --count 12
    Devices {
        /// The server's address.
        #[arg(long, default_value = "http://127.0.0.1:8080")]
        url: String,
        /// The room's code, as the board shows it.
        #[arg(long)]
        room: String,
        /// Number of devices.
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=2_000))]
        count: u32,
        /// The folder with the data sets.
        #[arg(long, default_value = "data")]
        data: PathBuf,
    },
    /// Run the default configuration in virtual time, without a server, and print every round and the fingerprint.
    ///
    /// A room with the same configuration, seed and number of devices prints the same on its board.
    Simulate {
        /// Number of devices.
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(2..=2_000))]
        devices: u32,
        /// Number of rounds.
        #[arg(long, default_value_t = 30)]
        rounds: u32,
        /// Source of all randomness of the run.
        #[arg(long, default_value_t = 7)]
        seed: u32,
        /// The folder with the data sets.
        #[arg(long, default_value = "data")]
        data: PathBuf,
    },
    /// Form coalitions of devices from weights of any framework, and print them as JSON.
    ///
    /// Example: lab coalitions weights.safetensors --k 3 --restarts 20
    Coalitions(coalitions::Wanted),
    /// Compute a recorded run again, of `lab run` or exported from a room, and compare every round's fingerprint.
    ///
    /// Example: lab verify runs/groups-rotation/run.jsonl
    Verify {
        /// The record, one JSON object a line.
        #[arg(value_name = "RUN.jsonl")]
        record: PathBuf,
        /// The folder with the data sets.
        #[arg(long, default_value = "data")]
        data: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        Command::Devices {
            url,
            room,
            count,
            data,
        } => devices(url, &room, count, data).await?,
        Command::Simulate {
            devices,
            rounds,
            seed,
            data,
        } => simulate(devices, rounds, seed, &data)?,
        Command::Coalitions(wanted) => {
            println!(
                "{}",
                serde_json::to_string(&coalitions::coalitions(&wanted)?)?
            );
        }
        Command::Verify { record, data } => return verify(&record, &data),
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(record: &Path, data: &Path) -> Result<ExitCode> {
    let text = std::fs::read_to_string(record)
        .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", record.display()))?;
    let verdicts = verify::verify(&text, |config| Ok(Arc::new(load(data, config.dataset)?)))?;
    for verdict in &verdicts {
        println!("{verdict}");
    }
    let same = verdicts.iter().all(verify::RunVerdict::is_same);
    Ok(ExitCode::from(u8::from(!same)))
}

fn simulate(devices: u32, rounds: u32, seed: u32, data: &Path) -> Result<()> {
    let mut config = RunConfig {
        rounds,
        seed,
        ..RunConfig::default()
    };
    config.pacing = PacingConfig {
        start_at: Some(devices),
        min_devices: 2,
        pace_ms: 0,
        ..config.pacing
    };
    let config = config.check()?;
    let dataset = Arc::new(load(data, config.data.dataset)?);
    let line = |view: &View| {
        let arms = view.arms.iter().map(|arm| match arm.accuracy {
            Some(accuracy) => format!("{} {:.1} %", arm.name, 100.0 * accuracy.mean),
            None => format!("{} -", arm.name),
        });
        format!(
            "{}  {}",
            arms.collect::<Vec<_>>().join("  "),
            &view.fingerprint[..16]
        )
    };
    println!("balanced accuracy of the models of the round before, and the fingerprint so far:");
    let end = simulate::simulate(&config, devices, &dataset, |view| {
        println!("round {:>3}  {}", view.round, line(view))
    });
    println!("at the end {}", line(&end));
    Ok(())
}

async fn devices(url: String, room: &str, count: u32, data: PathBuf) -> Result<()> {
    let address = RoomAddress {
        url: url.clone(),
        room: room.to_uppercase(),
        data,
    };
    println!(
        "{count} headless devices join room {} of {url}",
        address.room
    );
    tokio::select! {
        ended = devices::run(address, count) => {
            let left = ended?;
            println!("{left} devices have left the room");
        }
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
