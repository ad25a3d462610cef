//! Child processes that say on their output when they are ready.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a program may take to say that it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running program. Ends with this value.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts a program and waits for the line of its output that contains `sign`; returns that line's rest as well.
    pub async fn start<I, S>(program: &OsStr, arguments: I, sign: &str) -> Result<(Self, String)>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let name = program.to_string_lossy().into_owned();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} cannot be started; `cargo xtask test --only end-to-end` builds or installs it"))?;
        let output = child.stdout.take().context("the output was not piped")?;
        let mut lines = BufReader::new(output).lines();
        let rest = timeout(START_LIMIT, find_line(&mut lines, sign))
            .await
            .with_context(|| format!("{name} did not print {sign:?} within {START_LIMIT:?}"))?
            .with_context(|| format!("{name} did not start"))?;
        // A full pipe would stop the program.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((Self(child), rest))
    }

    /// The most memory that it has held at once, in bytes. Only Linux says.
    pub fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// The memory that it holds, in bytes. Only Linux says.
    pub fn memory(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// Number of files and sockets that it has open. Only Linux says.
    pub fn open_files(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.id()?))?.count())
    }

    fn id(&self) -> Result<u32> {
        self.0.id().context("the program has ended")
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kib.context("the system does not say")?.parse::<u64>()? * 1_024)
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Kills it, as a power cut would, and waits until it is gone.
    pub async fn kill(mut self) -> Result<()> {
        self.0.kill().await.context("it cannot be killed")
    }
}

/// The Python that has what `tests/requirements.txt` names.
pub fn python() -> Result<OsString> {
    env::var_os("CONSTELLATION_PYTHON").context(
        "CONSTELLATION_PYTHON must name a Python with tests/requirements.txt; `cargo xtask test --only end-to-end` sets it",
    )
}

async fn find_line(lines: &mut Lines<BufReader<ChildStdout>>, sign: &str) -> Result<String> {
    while let Some(line) = lines.next_line().await? {
        if let Some((_, rest)) = line.split_once(sign) {
            return Ok(rest.trim().to_owned());
        }
    }
    bail!("its output ended without {sign:?}")
}
