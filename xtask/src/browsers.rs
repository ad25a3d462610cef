//! The browsers that the tests run in, and their drivers: found, fetched where we may, else named.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::cmd;

use crate::project::{Project, say};
use crate::tools::{find, install_packages};

/// The version of geckodriver that is built where there is none. Debian has no package of it.
const GECKODRIVER: &str = "0.37.1";

/// Makes sure that Chromium and its driver are installed; returns the driver.
pub(crate) fn ensure_chromium(project: &Project) -> Result<PathBuf> {
    if let Some(driver) = chromedriver() {
        return Ok(driver);
    }
    install_packages(project.shell(), &["chromium", "chromium-driver"]).context(
        "the tests in a browser need Chromium and chromedriver on the PATH: install both (Debian: `apt-get install chromium chromium-driver`) and run this again",
    )?;
    chromedriver()
        .context("chromium and chromium-driver are installed, but not on the PATH: add them")
}

/// The driver, where both it and a browser for it are there.
fn chromedriver() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .find_map(|name| find(name))?;
    env::var_os("CHROMEDRIVER")
        .map(PathBuf::from)
        .or_else(|| find("chromedriver"))
}

/// Makes sure that Firefox and its driver are installed; returns the driver.
pub(crate) fn ensure_firefox(project: &Project) -> Result<PathBuf> {
    if !has_firefox() {
        install_packages(project.shell(), &["firefox-esr"]).context(
            "the tests in a browser need Firefox on the PATH: install it (Debian: `apt-get install firefox-esr`) and run this again",
        )?;
    }
    env::var_os("GECKODRIVER")
        .map(PathBuf::from)
        .or_else(|| find("geckodriver"))
        .map_or_else(|| build_geckodriver(project), Ok)
}

fn has_firefox() -> bool {
    ["firefox", "firefox-esr"]
        .iter()
        .any(|name| find(name).is_some())
}

/// Builds the driver into cargo's output folder, where it stays.
fn build_geckodriver(project: &Project) -> Result<PathBuf> {
    let tools = project.target().join("tools");
    let driver = tools
        .join("bin")
        .join(format!("geckodriver{}", env::consts::EXE_SUFFIX));
    if driver.exists() {
        return Ok(driver);
    }
    say("building geckodriver: two minutes the first time, nothing after that");
    // It passes messages on and has time for it, so what is quickest to build will do.
    cmd!(
        project.shell(),
        "cargo install --locked --quiet --debug --root {tools} geckodriver@{GECKODRIVER}"
    )
    .env("CARGO_PROFILE_DEV_DEBUG", "0")
    .run()
    .context("geckodriver could not be built: put it on the PATH (https://github.com/mozilla/geckodriver), or check that cargo reaches its registry, and run this again")?;
    Ok(driver)
}
