//! The laboratory's command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use constellation_lab::devices::{self, RoomAddress};

/// Constellation natively: headless devices for a room.
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
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let Command::Devices {
        url,
        room,
        count,
        data,
    } = arguments.command;
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
