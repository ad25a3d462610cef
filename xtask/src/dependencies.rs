//! What we build on: whether it may be used, and the list of it that a release is shipped with.

use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::cmd;

use crate::project::{Project, say};
use crate::tools;

/// Checks licences and sources as `deny.toml` says, and advisories where their database can be reached.
pub(crate) fn check(project: &Project) -> Result<()> {
    let deny = tools::ensure_cargo_tool(project, "cargo-deny", "0.20.2")?;
    let shell = project.shell();
    cmd!(shell, "{deny} check licenses bans sources")
        .run()
        .context("a dependency is not what deny.toml allows")?;
    if cmd!(shell, "{deny} fetch db")
        .ignore_stderr()
        .run()
        .is_err()
    {
        say(
            "advisories are NOT checked: their database cannot be reached; `cargo deny check advisories` does it elsewhere",
        );
        return Ok(());
    }
    cmd!(shell, "{deny} check --disable-fetch advisories")
        .run()
        .context("there is an advisory about a dependency")
}

/// Writes what the server's program is made of, as CycloneDX; returns where.
pub(crate) fn bill_of_materials(project: &Project) -> Result<PathBuf> {
    let cyclonedx = tools::ensure_cargo_tool(project, "cargo-cyclonedx", "0.5.9")?;
    let shell = project.shell();
    let server = project.root().join("server");
    let name = "constellation.cdx";
    cmd!(
        shell,
        "{cyclonedx} cyclonedx --manifest-path {server}/Cargo.toml --format json --spec-version 1.5 --no-build-deps --override-filename {name}"
    )
    .run()
    .context("the bill of materials could not be made")?;
    // It leaves a file beside every manifest of the workspace.
    let name = format!("{name}.json");
    let file = project.target().join(&name);
    shell.copy_file(server.join(&name), &file)?;
    for folder in project.members()? {
        shell.remove_path(folder.join(&name))?;
    }
    Ok(file)
}
