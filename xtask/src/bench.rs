//! `cargo xtask bench`: how long a board of a hundred devices works for an update, in real browsers.

use anyhow::{Context, Result};
use xshell::cmd;

use crate::project::Project;
use crate::{browsers, build};

pub(crate) fn run(project: &Project) -> Result<()> {
    build::all(project)?;
    let shell = project.shell();
    cmd!(
        shell,
        "cargo bench --package constellation-tests --bench board"
    )
    .env("CHROMEDRIVER", browsers::ensure_chromium(project)?)
    .env("GECKODRIVER", browsers::ensure_firefox(project)?)
    .env("CONSTELLATION_BIN", project.program("constellation"))
    .run()
    .context("the board was not measured")
}
