//! The laboratory's command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use constellation_core::ids::Round;
use constellation_lab::data::{self, load};
use constellation_lab::devices::{self, RoomAddress};
use constellation_lab::experiment::{Changes, Experiment};
use constellation_lab::folder::{self, IfThere};
use constellation_lab::presets;
use constellation_lab::report::{
    compare_report, compare_table, markdown_table, pilot_report, run_table, sweep_report,
    sweep_table,
};
use constellation_lab::run::{self, Options};
use constellation_lab::sweep::Sweep;
use constellation_lab::{agreement, coalitions, verify};

/// Constellation natively: experiments that anyone can repeat, and headless devices for a room.
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
        /// The folder with the data sets; `data` here, or else the project's.
        #[arg(long, default_value_os_t = data::folder(), hide_default_value = true)]
        data: PathBuf,
    },
    /// Run an experiment in virtual time, on all cores, and leave a folder with its record, a recording for the
    /// board, tables, report and models.
    ///
    /// Example: lab run --preset groups-rotation
    ///
    /// An experiment file is TOML; `lab presets --show groups-rotation` prints one to begin with.
    Run(RunArguments),
    /// List the experiments that ship with the program, or print one.
    Presets {
        /// Print this one's file.
        #[arg(long, value_name = "NAME")]
        show: Option<String>,
    },
    /// Put finished runs side by side: a table here, and a page.
    ///
    /// Example: lab compare runs/groups-rotation runs/groups-swap
    Compare {
        /// Folders of finished runs.
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// The page.
        #[arg(long, default_value = "comparison.html")]
        out: PathBuf,
    },
    /// Print a finished run's table, or make a page for whoever decides about a pilot.
    ///
    /// Example: lab report --pilot runs/groups-rotation
    Report {
        /// Folder of a finished run.
        run: PathBuf,
        /// Make the one page for a manager.
        #[arg(long)]
        pilot: bool,
        /// Print the table as Markdown.
        #[arg(long, conflicts_with = "pilot")]
        markdown: bool,
        /// The page; left out, `pilot.html` in the run's folder.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Run an experiment once for every value of one or two parameters, and draw what comes out.
    ///
    /// Example: lab sweep --preset groups-rotation --vary run.training.learning_rate=0.02,0.05,0.1 --arms fed_avg,ours
    Sweep {
        #[command(flatten)]
        run: RunArguments,
        /// A parameter's place in the file and its values; once or twice. `arms.NAME.` leads to an arm's strategy.
        #[arg(long, required = true, num_args = 1, value_name = "PATH=A,B,C")]
        vary: Vec<String>,
    },
    /// Form coalitions of devices from weights of any framework, and print them as JSON.
    ///
    /// Example: lab coalitions weights.safetensors --k 3 --restarts 20
    Coalitions(coalitions::Wanted),
    /// Say how far the coalitions of two arms of a run agree, round by round: 1 where they are the same, 0 where by chance.
    ///
    /// Example: lab agreement runs/sketches-rotation/run.jsonl weights sketches --from 3
    Agreement {
        /// The record, one JSON object a line.
        #[arg(value_name = "RUN.jsonl")]
        record: PathBuf,
        /// One arm's name.
        one: String,
        /// The other's.
        other: String,
        /// The first round that counts in the mean.
        #[arg(long, default_value_t = 1)]
        from: u32,
    },
    /// Compute a recorded run again, of `lab run` or exported from a room, and compare every round's fingerprint.
    ///
    /// Example: lab verify runs/groups-rotation/run.jsonl
    Verify {
        /// The record, one JSON object a line.
        #[arg(value_name = "RUN.jsonl")]
        record: PathBuf,
        /// The folder with the data sets; `data` here, or else the project's.
        #[arg(long, default_value_os_t = data::folder(), hide_default_value = true)]
        data: PathBuf,
    },
}

#[derive(clap::Args)]
struct RunArguments {
    /// The experiment file.
    #[arg(required_unless_present = "preset")]
    experiment: Option<PathBuf>,
    /// An experiment that ships with the program, instead of a file.
    #[arg(long, conflicts_with = "experiment")]
    preset: Option<String>,
    /// The folder to leave; `runs/NAME` if left out.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Other seeds than the file's.
    #[arg(long, value_delimiter = ',')]
    seeds: Vec<u32>,
    /// Another number of rounds than the file's.
    #[arg(long)]
    rounds: Option<u32>,
    /// Only these arms of the file's.
    #[arg(long, value_delimiter = ',')]
    arms: Vec<String>,
    /// Threads to train on; all cores if 0. The result does not depend on it.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Go on where an interrupted run in the folder stopped.
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Replace what an earlier run left in the folder.
    #[arg(long)]
    overwrite: bool,
    /// The folder with the data sets; `data` here, or else the project's.
    #[arg(long, default_value_os_t = data::folder(), hide_default_value = true)]
    data: PathBuf,
}

/// What went wrong and why. Most errors say their cause themselves, in the middle of their sentence.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lab: {}", sentence(&error));
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
        Command::Run(arguments) => run_experiment(&arguments)?,
        Command::Presets { show } => presets(show.as_deref())?,
        Command::Compare { runs, out } => compare(&runs, &out)?,
        Command::Report {
            run,
            pilot,
            markdown,
            out,
        } => report(&run, pilot, markdown, out)?,
        Command::Sweep { run, vary } => sweep(&run, &vary)?,
        Command::Coalitions(wanted) => {
            let found = coalitions::coalitions(&wanted)?;
            println!("{}", serde_json::to_string(&found)?);
        }
        Command::Agreement {
            record,
            one,
            other,
            from,
        } => print_agreement(&record, &one, &other, Round(from))?,
        Command::Verify { record, data } => return verify(&record, &data),
    }
    Ok(ExitCode::SUCCESS)
}

fn print_agreement(record: &Path, one: &str, other: &str, from: Round) -> Result<()> {
    let seeds = agreement::agreement(&read(record)?, one, other)?;
    let mut means = Vec::new();
    for seed in &seeds {
        let rounds = seed.rounds.iter().filter(|(round, _)| *round >= from);
        let least = rounds
            .map(|(_, index)| *index)
            .fold(f64::INFINITY, f64::min);
        if let Some(mean) = seed.mean_from(from) {
            println!("seed {}: mean {mean:.3}, least {least:.3}", seed.seed);
            means.push(mean);
        }
    }
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    if !means.is_empty() {
        println!("all seeds: mean {mean:.3}");
    }
    Ok(())
}

fn read(record: &Path) -> Result<String> {
    std::fs::read_to_string(record).with_context(|| format!("cannot read {}", record.display()))
}

fn verify(record: &Path, data: &Path) -> Result<ExitCode> {
    let verdicts = verify::verify(&read(record)?, |config| {
        Ok(Arc::new(load(data, config.dataset)?))
    })?;
    for verdict in &verdicts {
        println!("{verdict}");
    }
    let same = verdicts.iter().all(verify::RunVerdict::is_same);
    Ok(ExitCode::from(u8::from(!same)))
}

impl RunArguments {
    /// The experiment file's text, as the other arguments change it.
    fn text(&self) -> Result<String> {
        let text = match (&self.experiment, &self.preset) {
            (Some(path), _) => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?,
            (None, Some(name)) => presets::find(name)
                .with_context(|| {
                    format!("there is no preset {name:?}; lab presets lists those there are")
                })?
                .text
                .to_owned(),
            (None, None) => String::new(),
        };
        let changes = Changes {
            seeds: self.seeds.clone(),
            rounds: self.rounds,
            arms: self.arms.clone(),
        };
        Ok(changes.apply(&text)?)
    }

    fn options(&self, out: PathBuf) -> Options {
        Options {
            out,
            if_there: match (self.resume, self.overwrite) {
                (true, _) => IfThere::Resume,
                (_, true) => IfThere::Overwrite,
                (false, false) => IfThere::Refuse,
            },
            data: self.data.clone(),
            threads: self.threads,
        }
    }

    fn out(&self, experiment: &Experiment) -> PathBuf {
        self.out
            .clone()
            .unwrap_or_else(|| run::default_out(experiment))
    }
}

fn run_experiment(arguments: &RunArguments) -> Result<()> {
    let text = arguments.text()?;
    let out = arguments.out(&Experiment::parse(&text)?);
    let (summary, rows) = run::run(&text, &arguments.options(out.clone()))?;
    println!("{}", run_table(&summary.experiment, &summary, &rows));
    println!("fingerprint {}", summary.fingerprint);
    println!("report      {}", out.join("report.html").display());
    Ok(())
}

fn presets(show: Option<&str>) -> Result<()> {
    match show {
        None => print!("{}", presets::list()),
        Some(name) => {
            let preset = presets::find(name).with_context(|| {
                format!("there is no preset {name:?}; lab presets lists those there are")
            })?;
            print!("{}", preset.text);
        }
    }
    Ok(())
}

fn compare(runs: &[PathBuf], out: &Path) -> Result<()> {
    let read = |path: &PathBuf| {
        let (summary, rows) = folder::read_finished(path)?;
        Ok((summary.experiment.clone(), summary, rows))
    };
    let runs = runs.iter().map(read).collect::<Result<Vec<_>>>()?;
    println!("{}", compare_table(&runs));
    write_page(out, &compare_report(&runs))
}

fn report(run: &Path, pilot: bool, markdown: bool, out: Option<PathBuf>) -> Result<()> {
    let (summary, rows) = folder::read_finished(run)?;
    if pilot {
        let out = out.unwrap_or_else(|| run.join("pilot.html"));
        return write_page(&out, &pilot_report(&summary, &rows));
    }
    if markdown {
        print!("{}", markdown_table(&summary));
    } else {
        println!("{}", run_table(&summary.experiment, &summary, &rows));
    }
    Ok(())
}

fn sweep(arguments: &RunArguments, vary: &[String]) -> Result<()> {
    let text = arguments.text()?;
    let experiment = Experiment::parse(&text)?;
    let out = arguments.out(&experiment);
    let out = if arguments.out.is_some() {
        out
    } else {
        out.with_file_name(format!("{}-sweep", experiment.name))
    };
    let sweep = Sweep::new(&text, vary)?;
    let points = sweep.run(&out, |folder| arguments.options(folder))?;
    println!("\n{}", sweep_table(&sweep.names(), &points));
    write_page(
        &out.join("sweep.html"),
        &sweep_report(&sweep.names(), &points),
    )
}

fn write_page(path: &Path, page: &str) -> Result<()> {
    std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    println!("page        {}", path.display());
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
