//! The demo's child processes: started, watched, and ended by their handles.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long a process that was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(20);

/// A running program of ours. Ends with this value, if not before.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
}

impl Process {
    /// Starts `program` with its output on our terminal.
    pub(crate) fn start(name: &'static str, program: &Path, arguments: &[String]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        // Ctrl-C goes to a terminal's whole foreground group.
        // In a group of its own the program gets one signal, from us, when its turn has come.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { name, child })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("{} cannot be watched", self.name))
    }

    /// Asks it to end, waits, and kills it if it does not.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        self.ask_to_end();
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if self.ended()?.is_some() {
                return Ok(());
            }
            thread::sleep(GLANCE);
        }
        eprintln!("{} did not end in {GRACE:?} and is killed", self.name);
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    #[cfg(unix)]
    fn ask_to_end(&self) {
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;
        // The child has not been waited for, so its id is still its own.
        if let Ok(id) = i32::try_from(self.child.id())
            && let Err(error) = kill(Pid::from_raw(id), Signal::SIGTERM)
        {
            eprintln!("{} cannot be asked to end: {error}", self.name);
        }
    }

    #[cfg(not(unix))]
    fn ask_to_end(&mut self) {
        // There is nothing gentler than this without a console of its own.
        if let Err(error) = self.child.kill() {
            eprintln!("{} cannot be ended: {error}", self.name);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("{} may still run: {error:#}", self.name);
        }
    }
}
