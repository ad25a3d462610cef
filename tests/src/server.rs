//! The release build of the server, on a port of its own.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::Program;

/// A running `constellation`. Ends with this value.
#[derive(Debug)]
pub struct Server {
    base: String,
    program: Program,
}

impl Server {
    /// Starts a server that keeps nothing on a free port, with further arguments, and waits until it listens.
    pub async fn start(arguments: &[&str]) -> Result<Self> {
        Self::start_at("0", &[&["--ephemeral"], arguments].concat()).await
    }

    /// Starts a server that keeps its rooms in a folder, on a port; 0 takes any free one.
    pub async fn keeping(folder: &Path, port: u16, arguments: &[&str]) -> Result<Self> {
        let folder = folder.to_str().context("the folder's name is no text")?;
        let arguments = [&["--data-dir", folder], arguments].concat();
        Self::start_at(&port.to_string(), &arguments).await
    }

    async fn start_at(port: &str, arguments: &[&str]) -> Result<Self> {
        let arguments = ["--port", port]
            .into_iter()
            .chain(arguments.iter().copied());
        let (program, base) = Program::start(&binary(), arguments, "listening on ").await?;
        Ok(Self { base, program })
    }

    /// The server's address, without a slash at the end: `http://127.0.0.1:40123`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The port that it listens on.
    pub fn port(&self) -> Result<u16> {
        let port = self
            .base
            .rsplit(':')
            .next()
            .context("the address has a port")?;
        Ok(port.parse()?)
    }

    /// The address of a page or call: `url("/join")`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The most memory that the server has held at once, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        self.program.peak_memory()
    }

    /// The memory that the server holds, in bytes.
    pub fn memory(&self) -> Result<u64> {
        self.program.memory()
    }

    /// Number of files and sockets that the server has open.
    pub fn open_files(&self) -> Result<usize> {
        self.program.open_files()
    }

    /// Kills the server, as a power cut would, and waits until it is gone.
    pub async fn kill(self) -> Result<()> {
        self.program
            .kill()
            .await
            .context("the server cannot be killed")
    }
}

/// `CONSTELLATION_BIN`, or where `cargo build --release` leaves it.
fn binary() -> OsString {
    env::var_os("CONSTELLATION_BIN").unwrap_or_else(|| {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
            PathBuf::from,
        );
        let name = format!("constellation{}", env::consts::EXE_SUFFIX);
        target.join("release").join(name).into()
    })
}
