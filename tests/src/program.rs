//! Child processes that say on their output when they are ready.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a program may take to say that it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Starts a program and waits for the line of its output that contains `sign`; returns that line's rest.
/// The program is killed when the handle goes.
pub(crate) async fn start<I, S>(
    program: &OsStr,
    arguments: I,
    sign: &str,
) -> Result<(Child, String)>
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
    Ok((child, rest))
}

async fn find_line(lines: &mut Lines<BufReader<ChildStdout>>, sign: &str) -> Result<String> {
    while let Some(line) = lines.next_line().await? {
        if let Some((_, rest)) = line.split_once(sign) {
            return Ok(rest.trim().to_owned());
        }
    }
    bail!("its output ended without {sign:?}")
}
