//! Where things are, and a shell that starts there.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// The target the browser's part is compiled for.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// npm's program name, which on Windows is a script.
pub(crate) const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// The checkout that this program was built from.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder of the workspace's Cargo.toml.
    root: PathBuf,
    /// cargo's output folder.
    target: PathBuf,
    shell: Shell,
}

impl Project {
    /// Finds the checkout and cargo's output folder.
    pub(crate) fn find() -> Result<Self> {
        // cargo sets the variable when it runs us; without cargo, the place we were compiled at is right.
        let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir
            .parent()
            .context("xtask's folder lies inside the checkout, but it has no parent folder")?
            .to_path_buf();
        let shell = Shell::new().context("the working directory cannot be read")?;
        shell.change_dir(&root);
        let metadata = metadata(&shell)?;
        let target = metadata["target_directory"]
            .as_str()
            .context("cargo's metadata names no target directory")?;
        Ok(Self {
            root,
            target: PathBuf::from(target),
            shell,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The folder of the pages.
    pub(crate) fn web(&self) -> PathBuf {
        self.root.join("web")
    }

    /// The folders of the workspace's packages.
    pub(crate) fn members(&self) -> Result<Vec<PathBuf>> {
        let metadata = metadata(&self.shell)?;
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let manifests = packages.filter_map(|package| package["manifest_path"].as_str());
        let folders = manifests.filter_map(|manifest| Path::new(manifest).parent());
        Ok(folders.map(Path::to_path_buf).collect())
    }

    /// A shell in the checkout's root.
    pub(crate) fn shell(&self) -> &Shell {
        &self.shell
    }

    /// A program of ours, built in release.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target
            .join("release")
            .join(format!("{name}{EXE_SUFFIX}"))
    }
}

/// What cargo knows of the workspace.
fn metadata(shell: &Shell) -> Result<serde_json::Value> {
    let metadata = cmd!(shell, "cargo metadata --no-deps --format-version 1")
        .quiet()
        .read()
        .context("cargo cannot read the workspace")?;
    serde_json::from_str(&metadata).context("cargo's metadata is not JSON")
}

/// Where the zipped copy of a built file is.
pub(crate) fn zipped(path: &Path) -> PathBuf {
    let mut zipped = path.as_os_str().to_owned();
    zipped.push(".gz");
    zipped.into()
}

/// Says what is going on, so that a long step is never silent.
pub(crate) fn say(what: &str) {
    eprintln!("-- {what}");
}
