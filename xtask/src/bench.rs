//! `cargo xtask bench`: what is measured, where the reader's own machine decides, and docs/benchmarks.md.

pub(crate) mod ours;

use std::fs;
use std::thread::available_parallelism;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use xshell::{Cmd, cmd};

use crate::project::{Project, say};
use crate::{browsers, build, peers, sizes, tools};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One part alone; it is printed, and docs/benchmarks.md stays as it is.
    #[arg(long)]
    only: Option<Part>,
    /// Other programs that do the same as well, by turns with ours; see bench/peers.
    #[arg(long)]
    peers: bool,
}

/// A part of what is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// Training in a worker of Chromium.
    Worker,
    /// The same, by turns with TensorFlow.js there and with PyTorch natively.
    WorkerPeers,
    /// A device in a tab: its start, its end, and how it trains while nobody looks.
    Tab,
    /// Training and evaluation natively.
    Native,
    /// The same, by turns with PyTorch.
    NativePeers,
    /// Distances, coalitions and barycenters of many devices.
    Formation,
    /// The same, by turns with numpy and scikit-learn.
    FormationPeers,
    /// How those grow up to ten thousand devices.
    Growth,
    /// Updates a second, short rounds, real tabs, and a thousand devices at one server.
    Server,
    /// Rounds, by turns with Flower.
    ServerPeers,
    /// The board with a hundred devices, in Chromium and in Firefox.
    Board,
    /// What a tab downloads.
    Sizes,
}

impl Part {
    /// Whether it is about other programs, and left out if nobody asks for them.
    fn is_about_peers(self) -> bool {
        matches!(
            self,
            Self::WorkerPeers | Self::NativePeers | Self::FormationPeers | Self::ServerPeers
        )
    }

    fn title(self) -> &'static str {
        match self {
            Self::Worker => "Training in a worker of Chromium",
            Self::WorkerPeers => "Training in a worker, and TensorFlow.js and PyTorch",
            Self::Tab => "A device in a tab",
            Self::Native => "Training natively, on one core",
            Self::NativePeers => "Training natively, and PyTorch",
            Self::Formation => "Forming coalitions",
            Self::FormationPeers => "Forming coalitions, and numpy and scikit-learn",
            Self::Growth => "How the forming of coalitions grows",
            Self::Server => "The server",
            Self::ServerPeers => "The server, and Flower",
            Self::Board => "The board with a hundred devices",
            Self::Sizes => "What a tab downloads",
        }
    }

    /// What the numbers are, and what they should be.
    fn about(self) -> &'static str {
        match self {
            Self::Worker => {
                "Examples a second on one core, in the profile that tabs get. \
                 Goals at batch 32: 74,000 for the MLP, 35,000 for the deep one, 9,500 for the CNN; at batch 10 0.9 of that. \
                 Products are held against what the core does with numbers that stay in registers: 90 % is the goal."
            }
            Self::WorkerPeers => {
                "By turns with programs of `bench/peers`: examples a second, medians, and the median of the turns' ratios. \
                 TensorFlow.js trains with its wasm backend in a worker of the same browser, PyTorch natively on one thread."
            }
            Self::Tab => {
                "The built pages and their worker, with the real server. From the worker's start until its page knows that it \
                 trains: the program is loaded, the device has joined and connected, has its data set, and has measured the \
                 first model. For the first time means in a browser that has just been installed. From \"leave\" on, the room \
                 has let it go as well."
            }
            Self::Native => {
                "Examples a second at batch 32 and batch 10, with the same bits as in a tab. \
                 Goal: 100,000 for the MLP 784-128-10 at batch 32."
            }
            Self::NativePeers => {
                "Examples a second on one core, by turns with PyTorch on one thread: medians, and the median of the turns' \
                 ratios."
            }
            Self::Formation => {
                "What the server does once a round's updates are in, with the 101,770 weights of the MLP 784-128-10 a \
                 device, on every core: medians, between the bounds of what is likely. Goals for the distances of 10, 100 \
                 and 1,000 devices: 0.6, 12 and 420 ms; for the coalitions and barycenters of 1,000: 30 ms."
            }
            Self::FormationPeers => {
                "By turns with programs of `bench/peers`: medians of ours, and of how many times as long the others took. \
                 numpy and scikit-learn for the distances; numpy for the barycenters of our coalitions and one assignment \
                 to their centers; scikit-learn's k-means for all. Apart are pairs of devices that are in one coalition \
                 with us and in two with them, or the other way round; k-means chooses its centers by itself, and ends \
                 elsewhere."
            }
            Self::Growth => {
                "The same, with synthetic weights. Memory is the most that was taken beside the weights themselves. Time \
                 or memory is proportional to the number of devices to the power of the exponent."
            }
            Self::Server => {
                "With devices on the same machine, which they share with the server. A bare axum handler reads bodies and does \
                 nothing else."
            }
            Self::ServerPeers => {
                "By turns with Flower: milliseconds of a round, medians, and the median of the turns' ratios. Trivial devices \
                 send back 101,770 weights, to Flower over gRPC. Training ones have 600 examples each: ours are ten workers of \
                 one Chromium, which also measure the models, Flower's train with numpy in its simulation."
            }
            Self::Board => {
                "Milliseconds that the page's thread works for one of ten updates a second. \
                 Goal: 8 at the median and 16 at the 95th percentile."
            }
            Self::Sizes => {
                "Bytes, zipped. Goals: 120,000 for a page with all its scripts, 90,000 for the device's program."
            }
        }
    }

    /// The command by which a reader gets this part alone.
    fn command(self) -> String {
        let value = self.to_possible_value();
        let name = value.as_ref().map_or("", |value| value.get_name());
        format!("cargo xtask bench --only {name}")
    }

    fn measure(self, project: &Project) -> Result<String> {
        say(self.title());
        match self {
            Self::Worker => ours::worker(project),
            Self::WorkerPeers => peers::worker(project),
            Self::Tab => ours::tab(project),
            Self::Native => ours::native(project),
            Self::NativePeers => peers::training(project),
            Self::Formation => ours::formation(project),
            Self::FormationPeers => peers::formation(project),
            Self::Growth => ours::growth(project, &[]),
            Self::Server => ours::server(project, &[]),
            Self::ServerPeers => peers::server(project),
            Self::Board => ours::board(project),
            Self::Sizes => sizes::table(project),
        }
    }
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    build::all(project)?;
    if let Some(part) = options.only {
        println!("{}", part.measure(project)?);
        return Ok(());
    }
    let mut page = format!("# Benchmarks\n\n{}\n", introduction(project)?);
    let mut failed = Vec::new();
    let parts = Part::value_variants().iter();
    for part in parts.filter(|part| options.peers || !part.is_about_peers()) {
        // What the others have measured is worth minutes.
        let measured = part.measure(project).unwrap_or_else(|error| {
            failed.push(part.title());
            format!("not measured: {error:#}")
        });
        println!("{measured}\n");
        page += &format!(
            "\n## {}\n\n{}\n\n```sh\n{}\n```\n\n```text\n{}\n```\n",
            part.title(),
            part.about(),
            part.command(),
            measured.trim_matches('\n')
        );
    }
    let path = project.root().join("docs").join("benchmarks.md");
    fs::write(&path, page).with_context(|| format!("{} cannot be written", path.display()))?;
    say(&format!("{} is written", path.display()));
    ensure!(
        failed.is_empty(),
        "not measured, and the page says why: {}",
        failed.join("; ")
    );
    Ok(())
}

/// When and on what it was measured.
fn introduction(project: &Project) -> Result<String> {
    let shell = project.shell();
    let read = |command: Cmd<'_>| command.quiet().ignore_stderr().read();
    let date = read(cmd!(shell, "date -u +%Y-%m-%d")).context("the date is not known")?;
    let rustc = read(cmd!(shell, "rustc --version"))?;
    let rustc = rustc.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let mut machine = vec![processor(), rustc];
    browsers::ensure_chromium(project)?;
    browsers::ensure_firefox(project)?;
    for browser in ["chromium", "firefox", "firefox-esr"] {
        let version = tools::find(browser).map(|program| read(cmd!(shell, "{program} --version")));
        machine.extend(version.and_then(Result::ok));
    }
    machine.dedup();
    Ok(format!(
        "Written by `cargo xtask bench` on {date}: {}.\n\
         A machine that does other things at the same time is slower, so compare only what one run has measured.",
        machine.join(", ")
    ))
}

/// The processor's name, where the system says it, and how many of its cores there are.
fn processor() -> String {
    let cores = available_parallelism().map_or(1, |cores| cores.get());
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.split_once(": "));
    let name = lines.find(|(key, _)| key.trim_end() == "model name");
    let name = name.map_or("an unknown processor", |(_, name)| name);
    format!("{cores} cores of {name}")
}
