//! `cargo xtask replays`: the recorded runs that ship with the pages, made anew from their experiment files.
//!
//! The laboratory is repeatable to the bit, and what is written here depends on nothing else: whoever runs this gets the
//! files that are committed.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use xshell::cmd;

use crate::project::{Project, say};

/// Runs every experiment of `lab/replays/` and writes its recording to `web/public/replays/`.
pub(crate) fn run(project: &Project) -> Result<()> {
    say("building the laboratory in release");
    let shell = project.shell();
    cmd!(shell, "cargo build --release --package constellation-lab")
        .run()
        .context("the laboratory does not build")?;
    let lab = project.program("lab");
    let shipped = project.web().join("public").join("replays");
    fs::create_dir_all(&shipped)
        .with_context(|| format!("{} cannot be made", shipped.display()))?;
    for experiment in experiments(project)? {
        let name = experiment
            .file_stem()
            .context("an experiment file has a name")?;
        let folder = project.target().join("replays").join(name);
        cmd!(shell, "{lab} run {experiment} --out {folder} --overwrite")
            .run()
            .with_context(|| format!("{} does not run", experiment.display()))?;
        let recording = folder.join("run.replay.jsonl");
        let text = fs::read(&recording)
            .with_context(|| format!("the run left no {}", recording.display()))?;
        let zipped = zipped(&text)?;
        let file = shipped.join(name).with_added_extension("replay.jsonl.gz");
        fs::write(&file, &zipped)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        say(&format!(
            "{} is ready: {} bytes",
            file.display(),
            zipped.len()
        ));
    }
    Ok(())
}

/// The experiment files, by name.
fn experiments(project: &Project) -> Result<Vec<PathBuf>> {
    let folder = project.root().join("lab").join("replays");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    paths.sort();
    Ok(paths)
}

/// Gzip without time and name, so that the same text has the same bytes.
fn zipped(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut zip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    zip.write_all(text)?;
    zip.finish()
}
