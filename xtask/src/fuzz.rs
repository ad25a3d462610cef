//! Inputs that a fuzzer makes up, for every decoder and for the coordinator. `fuzz/` holds the targets and, in `corpus/`,
//! what fuzzers have come upon in longer runs.

use std::fs;

use anyhow::{Context, Result};
use xshell::cmd;

use crate::project::Project;
use crate::tools;

/// New inputs for each target, beside all of the corpus.
const RUNS: &str = "20000";

/// Gives every target its corpus and some new inputs. What makes one fail is in `target/fuzz/artifacts`.
pub(crate) fn run(project: &Project) -> Result<()> {
    let fuzz = tools::ensure_cargo_tool(project, "cargo-fuzz", "0.13.2")?;
    let shell = project.shell();
    let target = project.target().join("fuzz");
    // The code is safe Rust: what a sanitizer would look for it cannot do, and without one no nightly compiler is needed.
    let _beside_ours = shell.push_env("CARGO_TARGET_DIR", &target);
    cmd!(shell, "{fuzz} build --sanitizer none").run()?;
    let corpora = project.root().join("fuzz/corpus");
    let mut names = shell.read_dir(&corpora)?;
    names.sort();
    for corpus in names {
        let name = corpus.file_name().context("folders have names")?;
        let (found, artifacts) = (target.join("found").join(name), target.join("artifacts"));
        for folder in [&found, &artifacts] {
            fs::create_dir_all(folder)?;
        }
        cmd!(
            shell,
            "{fuzz} run --sanitizer none {name} {found} {corpus} -- -runs={RUNS} -seed=1 -verbosity=0 -artifact_prefix={artifacts}/"
        )
        .run()
        .with_context(|| format!("{} fails for the input named above", name.display()))?;
    }
    Ok(())
}
