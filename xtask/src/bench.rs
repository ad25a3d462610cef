//! `cargo xtask bench`: what is measured, where the reader's own machine decides, and docs/benchmarks.md.

use std::fs;
use std::thread::available_parallelism;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use xshell::{Cmd, cmd};

use crate::project::{Project, WASM_TARGET, say};
use crate::{browsers, build, sizes, tools};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One part alone; it is printed, and docs/benchmarks.md stays as it is.
    #[arg(long)]
    only: Option<Part>,
}

/// A part of what is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// Training in a worker of Chromium.
    Worker,
    /// Training, evaluation and distances natively.
    Native,
    /// The board with a hundred devices, in Chromium and in Firefox.
    Board,
    /// What a tab downloads.
    Sizes,
}

impl Part {
    const ALL: [Self; 4] = [Self::Worker, Self::Native, Self::Board, Self::Sizes];

    fn title(self) -> &'static str {
        match self {
            Self::Worker => "Training in a worker of Chromium",
            Self::Native => "Training natively, on one core",
            Self::Board => "The board with a hundred devices",
            Self::Sizes => "What a tab downloads",
        }
    }

    /// What the numbers are, and what they should be.
    fn about(self) -> &'static str {
        match self {
            Self::Worker => {
                "Examples a second at batch 32, on one core, in the profile that tabs get. \
                 Goals: 74,000 for the MLP, 35,000 for the deep one, 9,500 for the CNN."
            }
            Self::Native => {
                "Examples a second at batch 32, and distances between models, with the same bits as in a tab. \
                 Goal: 100,000 for the MLP 784-128-10."
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
    for part in Part::ALL {
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
        .filter(|line| line.contains("samples/s"))
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
