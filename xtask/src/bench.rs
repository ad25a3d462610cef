//! `cargo xtask bench`: what is measured, where the reader's own machine decides, and docs/benchmarks.md.

use std::fs;
use std::thread::available_parallelism;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use xshell::{Cmd, cmd};

use crate::project::{Project, WASM_TARGET, say};
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
    /// Training and evaluation natively.
    Native,
    /// Distances, coalitions and barycenters of many devices.
    Formation,
    /// How those grow up to ten thousand devices.
    Growth,
    /// Updates a second, short rounds, real tabs, and a thousand devices at one server.
    Server,
    /// Forming coalitions, by turns with numpy and scikit-learn.
    FormationPeers,
    /// Training natively, by turns with PyTorch.
    TrainingPeers,
    /// The board with a hundred devices, in Chromium and in Firefox.
    Board,
    /// What a tab downloads.
    Sizes,
}

impl Part {
    const ALL: [Self; 9] = [
        Self::Worker,
        Self::Native,
        Self::TrainingPeers,
        Self::Formation,
        Self::FormationPeers,
        Self::Growth,
        Self::Server,
        Self::Board,
        Self::Sizes,
    ];

    /// Whether it is about other programs, and left out if nobody asks for them.
    fn is_about_peers(self) -> bool {
        matches!(self, Self::FormationPeers | Self::TrainingPeers)
    }

    fn title(self) -> &'static str {
        match self {
            Self::Worker => "Training in a worker of Chromium",
            Self::Native => "Training natively, on one core",
            Self::Formation => "Forming coalitions",
            Self::FormationPeers => "Forming coalitions, and numpy and scikit-learn",
            Self::TrainingPeers => "Training natively, and PyTorch",
            Self::Growth => "How the forming of coalitions grows",
            Self::Server => "The server",
            Self::Board => "The board with a hundred devices",
            Self::Sizes => "What a tab downloads",
        }
    }

    /// What the numbers are, and what they should be.
    fn about(self) -> &'static str {
        match self {
            Self::Worker => {
                "Examples a second on one core, in the profile that tabs get: medians of several runs. \
                 Goals at batch 32: 74,000 for the MLP, 35,000 for the deep one, 9,500 for the CNN; at batch 10 nine \
                 tenths of that. Products are held against what the core does with numbers that stay in registers: \
                 90 % is the goal."
            }
            Self::Native => {
                "Examples a second at batch 32, with the same bits as in a tab. \
                 Goal: 100,000 for the MLP 784-128-10."
            }
            Self::Formation => {
                "What the server does once a round's updates are in, with the 101,770 weights of the MLP 784-128-10 a \
                 device, on every core: medians, between the bounds of what is likely. Goals for the distances of 10, 100 \
                 and 1,000 devices: 0.6, 12 and 420 ms; for the coalitions and barycenters of 1,000: 30 ms."
            }
            Self::FormationPeers => {
                "By turns with programs of `bench/peers`: medians of ours, and of how many times as long the others took, \
                 numpy and scikit-learn for the distances, scikit-learn's k-means for all. The agreement is the adjusted \
                 Rand index of its groups and our coalitions."
            }
            Self::TrainingPeers => {
                "Examples a second at batch 32 on one core, by turns with PyTorch on one thread: medians."
            }
            Self::Growth => {
                "The same, with synthetic weights. Memory is the most that was taken beside the weights themselves. Time \
                 or memory is proportional to the number of devices to the power of the exponent."
            }
            Self::Server => {
                "With devices on the same machine, which they share with the server. Updates are read at least at 0.8 of \
                 the rate of a handler that does nothing else; the other goals stand beside what was measured."
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
            Self::Worker => worker(project),
            Self::Native => native(project),
            Self::Formation => formation(project),
            Self::FormationPeers => peers::formation(project),
            Self::TrainingPeers => peers::training(project),
            Self::Growth => growth(project),
            Self::Server => server(project),
            Self::Board => board(project),
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
    let parts = Part::ALL.into_iter();
    for part in parts.filter(|part| options.peers || !part.is_about_peers()) {
        let measured = part.measure(project)?;
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

fn worker(project: &Project) -> Result<String> {
    let shell = project.shell();
    let measured = cmd!(
        shell,
        "cargo test --profile browser --target {WASM_TARGET} --package constellation-client --bench training -- --nocapture"
    )
    .env_remove("RUSTFLAGS")
    .env("WASM_BINDGEN_TEST_TIMEOUT", "300")
    .env("CHROMEDRIVER", browsers::ensure_chromium(project)?)
    .read()
    .context("training in a worker was not measured")?;
    // The runner says more.
    let lines: Vec<&str> = measured
        .lines()
        .filter(|line| line.contains("samples/s") || line.contains("GFLOP/s"))
        .map(str::trim)
        .collect();
    ensure!(
        !lines.is_empty(),
        "the runner printed no speeds:\n{measured}"
    );
    Ok(lines.join("\n"))
}

fn native(project: &Project) -> Result<String> {
    let shell = project.shell();
    cmd!(
        shell,
        "cargo bench --package constellation-core --bench kernels"
    )
    .read()
    .context("training was not measured natively")
}

fn formation(project: &Project) -> Result<String> {
    let shell = project.shell();
    let measured = cmd!(
        shell,
        "cargo bench --package constellation-core --features parallel --bench formation -- --noplot"
    )
    .read()
    .context("the forming of coalitions was not measured")?;
    // Below each name and time, criterion says how that is to an earlier run, which nobody else has.
    let mut lines = Vec::new();
    let mut name = "";
    for line in measured.lines() {
        let (before, time) = line.split_once("time:").unwrap_or((line, ""));
        if !before.trim().is_empty() {
            name = before.trim();
        }
        if !time.is_empty() {
            lines.push(format!("{name:42} {}", time.trim()));
        }
    }
    ensure!(!lines.is_empty(), "criterion printed no times:\n{measured}");
    Ok(lines.join("\n"))
}

fn growth(project: &Project) -> Result<String> {
    let shell = project.shell();
    cmd!(
        shell,
        "cargo bench --package constellation-core --features parallel --bench growth"
    )
    .read()
    .context("the growth was not measured")
}

fn server(project: &Project) -> Result<String> {
    let shell = project.shell();
    cmd!(
        shell,
        "cargo bench --package constellation-tests --bench server"
    )
    .env("CHROMEDRIVER", browsers::ensure_chromium(project)?)
    .env("CONSTELLATION_BIN", project.program("constellation"))
    .read()
    .context("the server was not measured")
}

fn board(project: &Project) -> Result<String> {
    let shell = project.shell();
    cmd!(
        shell,
        "cargo bench --package constellation-tests --bench board"
    )
    .env("CHROMEDRIVER", browsers::ensure_chromium(project)?)
    .env("GECKODRIVER", browsers::ensure_firefox(project)?)
    .env("CONSTELLATION_BIN", project.program("constellation"))
    .read()
    .context("the board was not measured")
}
