//! `cargo xtask test`: sets up what the tests need and runs all of them, step by step.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use xshell::{Cmd, cmd};

use crate::browsers;
use crate::build;
use crate::dependencies;
use crate::fuzz;
use crate::project::{NPM, Project, WASM_TARGET, say};
use crate::tools;

/// Training in a debug build takes longer than the runner's 20 seconds: seconds per test file.
const WASM_TEST_LIMIT: &str = "300";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run one step, with what it needs.
    #[arg(long, value_enum)]
    only: Option<Step>,
    /// List the steps.
    #[arg(long, conflicts_with = "only")]
    list: bool,
}

/// The steps, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Tools and packages that later steps need, installed where that is possible.
    SetUp,
    /// rustfmt.
    Format,
    /// Lint and format of the pages.
    Lint,
    /// The release build of everything.
    Build,
    /// clippy, for this machine and for wasm32.
    Clippy,
    /// Tests of the Rust packages, documentation examples included.
    Rust,
    /// Tests of the browser's part, in a headless Chromium.
    Wasm,
    /// Unit tests of the pages.
    Pages,
    /// Licences, sources and advisories of what we build on.
    Dependencies,
    /// Made-up inputs for every decoder and for the coordinator.
    Fuzz,
    /// Real server, real tabs in Chromium and in Firefox, a stranger's Python program, and calls made up from the API's
    /// description.
    EndToEnd,
}

/// A step that ran, for the table at the end.
#[derive(Debug)]
struct Ran {
    step: Step,
    took: Duration,
    passed: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    if options.list {
        for step in Step::value_variants() {
            println!("{:<12}{}", step.name(), step.about());
        }
        return Ok(());
    }
    let steps = match &options.only {
        Some(step) => std::slice::from_ref(step),
        None => Step::value_variants(),
    };
    let mut ran = Vec::new();
    for &step in steps {
        eprintln!("\n== {}: {}", step.name(), step.about());
        let started = Instant::now();
        let outcome = step.run(project);
        let took = started.elapsed();
        eprintln!("== {} took {:.1} s", step.name(), took.as_secs_f64());
        ran.push(Ran {
            step,
            took,
            passed: outcome.is_ok(),
        });
        if let Err(error) = outcome {
            print_summary(&ran);
            return Err(error.context(format!(
                "the step `{0}` failed; alone it is `cargo xtask test --only {0}`",
                step.name()
            )));
        }
    }
    print_summary(&ran);
    Ok(())
}

fn print_summary(ran: &[Ran]) {
    println!("\n{:<12}{:>9}", "step", "seconds");
    for Ran { step, took, passed } in ran {
        let outcome = if *passed { "" } else { "  failed" };
        println!("{:<12}{:>9.1}{outcome}", step.name(), took.as_secs_f64());
    }
    let total: Duration = ran.iter().map(|one| one.took).sum();
    println!("{:<12}{:>9.1}", "all", total.as_secs_f64());
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn about(self) -> String {
        self.to_possible_value()
            .and_then(|value| value.get_help().map(ToString::to_string))
            .unwrap_or_default()
    }

    fn run(self, project: &Project) -> Result<()> {
        match self {
            Self::SetUp => set_up(project),
            Self::Format => format(project),
            Self::Lint => lint(project),
            Self::Build => build::all(project),
            Self::Clippy => clippy(project),
            Self::Rust => rust(project),
            Self::Wasm => wasm(project),
            Self::Pages => pages(project),
            Self::Dependencies => dependencies::check(project),
            Self::Fuzz => fuzz::run(project),
            Self::EndToEnd => end_to_end(project),
        }
    }
}

fn set_up(project: &Project) -> Result<()> {
    tools::ensure_components(project)?;
    tools::ensure_wasm_target(project)?;
    build::ensure_page_packages(project)?;
    browsers::ensure_chromium(project)?;
    browsers::ensure_firefox(project)?;
    tools::ensure_python(project)?;
    if !tools::has_nextest() {
        say(
            "cargo-nextest is not installed: the Rust tests run with `cargo test`, which is slower",
        );
    }
    Ok(())
}

fn format(project: &Project) -> Result<()> {
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        cmd!(project.shell(), "cargo fmt --manifest-path {manifest} --all --check")
            .run()
            .with_context(|| format!("the Rust code is not formatted: `cargo fmt --manifest-path {manifest} --all` does it"))?;
    }
    Ok(())
}

fn lint(project: &Project) -> Result<()> {
    build::ensure_page_packages(project)?;
    npm(project, "lint")
}

fn clippy(project: &Project) -> Result<()> {
    tools::ensure_wasm_target(project)?;
    let shell = project.shell();
    cmd!(
        shell,
        "cargo clippy --workspace --exclude constellation-client --exclude constellation-session --all-targets -- -D warnings"
    )
    .run()?;
    cmd!(
        shell,
        "cargo clippy --package constellation-client --package constellation-session --target {WASM_TARGET} --all-targets -- -D warnings"
    )
    .run()?;
    Ok(())
}

fn rust(project: &Project) -> Result<()> {
    let shell = project.shell();
    // The programs embed the pages, so their tests need the pages built.
    build::ensure_pages(project)?;
    if tools::has_nextest() {
        // The whole workspace is named in both nextest steps, so that nothing is compiled twice
        // with other features.
        cmd!(
            shell,
            "cargo nextest run --workspace --exclude constellation-client --exclude constellation-session -E 'not package(constellation-tests)' --no-fail-fast"
        )
        .run()?;
    } else {
        cmd!(
            shell,
            "cargo test --workspace --exclude constellation-client --exclude constellation-session --exclude constellation-tests --all-targets"
        )
        .run()?;
    }
    cmd!(shell, "cargo test --doc --package constellation-core").run()?;
    Ok(())
}

fn wasm(project: &Project) -> Result<()> {
    tools::ensure_wasm_target(project)?;
    let driver = browsers::ensure_chromium(project)?;
    let shell = project.shell();
    // cargo would build the runner too, but in the middle of a test and without a word.
    say("building the test runner: minutes the first time, nothing after that");
    cmd!(
        shell,
        "cargo build --package xtask --bin wasm-test-runner --features wasm-test-runner"
    )
    .run()?;
    cmd!(
        shell,
        "cargo test --package constellation-client --target {WASM_TARGET} --lib --tests"
    )
    .env_remove("RUSTFLAGS")
    .env_remove("CARGO_ENCODED_RUSTFLAGS")
    .env("CHROMEDRIVER", driver)
    .env("WASM_BINDGEN_TEST_TIMEOUT", WASM_TEST_LIMIT)
    .run()?;
    Ok(())
}

fn pages(project: &Project) -> Result<()> {
    build::ensure_page_packages(project)?;
    npm(project, "test")
}

fn end_to_end(project: &Project) -> Result<()> {
    build::all(project)?;
    let shell = project.shell();
    // One at a time: each has a server and several tabs that train.
    let tests = if tools::has_nextest() {
        cmd!(
            shell,
            "cargo nextest run --workspace --exclude constellation-client --exclude constellation-session -E 'package(constellation-tests)' --test-threads 1 --no-fail-fast"
        )
    } else {
        cmd!(
            shell,
            "cargo test --package constellation-tests --no-fail-fast -- --test-threads 1"
        )
    };
    // An error's own sentence is what is read; the frames below it are the test runner's.
    with_tools(project, tests)?
        .env("RUST_LIB_BACKTRACE", "0")
        .run()?;
    Ok(())
}

/// Tells the end-to-end tests where everything is.
fn with_tools<'a>(project: &Project, tests: Cmd<'a>) -> Result<Cmd<'a>> {
    let variables: [(&str, PathBuf); 5] = [
        ("CHROMEDRIVER", browsers::ensure_chromium(project)?),
        ("GECKODRIVER", browsers::ensure_firefox(project)?),
        ("CONSTELLATION_BIN", project.program("constellation")),
        ("CONSTELLATION_LAB_BIN", project.program("lab")),
        ("CONSTELLATION_PYTHON", tools::ensure_python(project)?),
    ];
    Ok(tests.envs(variables))
}

fn npm(project: &Project, script: &str) -> Result<()> {
    let shell = project.shell();
    let _in_web = shell.push_dir(project.web());
    cmd!(shell, "{NPM} run {script}").run()?;
    Ok(())
}
