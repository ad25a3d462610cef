//! The commands behind the parts that measure our own programs.

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, cmd};

use crate::browsers;
use crate::project::{Project, WASM_TARGET};

/// Training in a worker of Chromium, a row for each model and batch.
pub(crate) fn worker(project: &Project) -> Result<String> {
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
    let rows = measured.lines().map(str::trim);
    let rows: Vec<&str> = rows.filter(|line| line.ends_with("/s")).collect();
    ensure!(
        !rows.is_empty(),
        "the runner printed no speeds:\n{measured}"
    );
    Ok(format!(
        "{:32}{:>10}{:>10}\n{}",
        "",
        "median",
        "best",
        rows.join("\n")
    ))
}

/// Training natively on one core.
pub(crate) fn native(project: &Project) -> Result<String> {
    let shell = project.shell();
    cmd!(
        shell,
        "cargo bench --package constellation-core --bench kernels"
    )
    .read()
    .context("training was not measured natively")
}

/// The forming of coalitions on all cores, by criterion.
pub(crate) fn formation(project: &Project) -> Result<String> {
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

/// The forming of coalitions of more and more devices; `arguments` are the bench's.
pub(crate) fn growth(project: &Project, arguments: &[&str]) -> Result<String> {
    let shell = project.shell();
    cmd!(
        shell,
        "cargo bench --package constellation-core --features parallel --bench growth -- {arguments...}"
    )
    .read()
    .context("the growth was not measured")
}

/// The server, or the named parts of what is measured about it.
pub(crate) fn server(project: &Project, parts: &[&str]) -> Result<String> {
    in_browsers(project, "server", parts)?
        .read()
        .context("the server was not measured")
}

/// A device in a tab of each browser.
pub(crate) fn tab(project: &Project) -> Result<String> {
    with_firefox(project, in_browsers(project, "tab", &[])?)?
        .read()
        .context("the tab was not measured")
}

/// The board in each browser.
pub(crate) fn board(project: &Project) -> Result<String> {
    with_firefox(project, in_browsers(project, "board", &[])?)?
        .read()
        .context("the board was not measured")
}

/// A bench of the end-to-end tests' package, which needs Chromium and our programs.
pub(crate) fn in_browsers<'p>(
    project: &'p Project,
    bench: &str,
    arguments: &[&str],
) -> Result<Cmd<'p>> {
    let shell = project.shell();
    let bench = cmd!(
        shell,
        "cargo bench --package constellation-tests --bench {bench} -- {arguments...}"
    );
    Ok(bench
        .env("CHROMEDRIVER", browsers::ensure_chromium(project)?)
        .env("CONSTELLATION_BIN", project.program("constellation")))
}

fn with_firefox<'p>(project: &Project, bench: Cmd<'p>) -> Result<Cmd<'p>> {
    Ok(bench.env("GECKODRIVER", browsers::ensure_firefox(project)?))
}
