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
    /// Starts the server on a free port, with further arguments, and waits until it listens.
    pub async fn start(arguments: &[&str]) -> Result<Self> {
        let arguments = ["--port", "0"].into_iter().chain(arguments.iter().copied());
        let (program, base) = Program::start(&binary(), arguments, "listening on ").await?;
        Ok(Self { base, program })
    }

    /// The server's address, without a slash at the end: `http://127.0.0.1:40123`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address of a page or call: `url("/join")`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The most memory that the server has held at once, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        self.program.peak_memory()
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
