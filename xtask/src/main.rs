//! The project's commands: `cargo xtask build`, `cargo xtask demo`, `cargo xtask test`, `cargo xtask bench`,
//! `cargo xtask replays` and `cargo xtask sbom`.
//!
//! Whatever a command needs and can fetch, it fetches; what it cannot, it names in one sentence.

mod arithmetic;
mod bench;
mod browsers;
mod build;
mod demo;
mod dependencies;
mod fuzz;
mod peers;
mod processes;
mod project;
mod replays;
mod sizes;
mod stamp;
mod suite;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use project::Project;

/// The commands of Constellation.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure speeds and sizes, and write docs/benchmarks.md; some minutes, best with nothing else going on.
    Bench(bench::Options),
    /// Build the browser's part, the pages and the programs, in release.
    Build,
    /// Build, start the server and say where to go.
    Demo(demo::Options),
    /// Make the recorded runs that ship with the pages anew, from the experiment files in lab/replays.
    Replays,
    /// Write what the server's program is made of, for whoever ships it: target/constellation.cdx.json.
    Sbom,
    /// Set up what the tests need and run all of them.
    Test(suite::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = Project::find().and_then(|project| match arguments.command {
        Command::Bench(options) => bench::run(&project, &options),
        Command::Build => build::all(&project),
        Command::Demo(options) => demo::run(&project, &options),
        Command::Replays => replays::run(&project),
        Command::Sbom => dependencies::bill_of_materials(&project).map(|file| {
            println!("{}", file.display());
        }),
        Command::Test(options) => suite::run(&project, &options),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
