//! The tools that a build or a test needs: found, fetched where we may, else named.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::project::{NPM, Project, WASM_TARGET, say};
use crate::stamp::Stamp;

/// The oldest Node.js that the pages' build tool runs on: major, minor.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// Adds the wasm32 target to the Rust toolchain if it lacks it.
pub(crate) fn ensure_wasm_target(project: &Project) -> Result<()> {
    let shell = project.shell();
    let sysroot = cmd!(shell, "rustc --print sysroot").quiet().read()?;
    if Path::new(&sysroot)
        .join("lib/rustlib")
        .join(WASM_TARGET)
        .exists()
    {
        return Ok(());
    }
    ensure!(
        find("rustup").is_some(),
        "the Rust toolchain lacks the target {WASM_TARGET}: install rustup (https://rustup.rs), or this target with your system's packages"
    );
    say("adding the WebAssembly target to the Rust toolchain");
    cmd!(shell, "rustup target add {WASM_TARGET}")
        .run()
        .context("the WebAssembly target could not be added: check the network and run this again")
}

/// Adds rustfmt and clippy to the Rust toolchain if it lacks them.
pub(crate) fn ensure_components(project: &Project) -> Result<()> {
    let shell = project.shell();
    for (program, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if cmd!(shell, "cargo {program} --version")
            .quiet()
            .ignore_stdout()
            .ignore_stderr()
            .run()
            .is_ok()
        {
            continue;
        }
        say(&format!("adding {component} to the Rust toolchain"));
        cmd!(shell, "rustup component add {component}").run().with_context(|| {
            format!("{component} could not be added: check that rustup is installed and reaches the network, and run this again")
        })?;
    }
    Ok(())
}

/// Checks that Node.js is new enough and that npm is there.
pub(crate) fn check_node(project: &Project) -> Result<()> {
    let (major, minor) = OLDEST_NODE;
    let how = format!("install Node.js {major}.{minor} or newer (https://nodejs.org)");
    ensure!(find("node").is_some(), "Node.js is missing: {how}");
    ensure!(find(NPM).is_some(), "npm is missing: {how}");
    let shell = project.shell();
    let version = cmd!(shell, "node --version").quiet().read()?;
    let parsed = parse_version(&version)
        .with_context(|| format!("`node --version` printed {version:?}: {how}"))?;
    ensure!(
        parsed >= OLDEST_NODE,
        "Node.js {version} is too old for the pages' build: {how}"
    );
    Ok(())
}

/// `v20.19.4` → `(20, 19)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Makes sure that there is a Python environment with the packages of `tests/requirements.txt`;
/// returns its interpreter.
pub(crate) fn ensure_python(project: &Project) -> Result<PathBuf> {
    let environment = project.target().join("python");
    let interpreter = interpreter(&environment);
    let requirements = project.root().join("tests/requirements.txt");
    let stamp = Stamp::new(
        environment.join("constellation-packages"),
        std::slice::from_ref(&requirements),
        &[],
    )?;
    if stamp.is_current() && interpreter.exists() {
        return Ok(interpreter);
    }
    let shell = project.shell();
    if !python_makes_environments(shell) {
        install_packages(shell, &["python3", "python3-venv"]).context(
            "the tests of the protocol need Python 3 with its venv module: install both (Debian: `apt-get install python3 python3-venv`) and run this again",
        )?;
    }
    say("installing the Python packages of the protocol's tests");
    cmd!(shell, "python3 -m venv --clear {environment}")
        .run()
        .context("Python could not make an environment")?;
    cmd!(
        shell,
        "{interpreter} -m pip install --disable-pip-version-check --quiet --requirement {requirements}"
    )
    .run()
    .context("the Python packages could not be installed: check that pip reaches its index and run this again")?;
    stamp.write()?;
    Ok(interpreter)
}

/// Where an environment of Python has its interpreter.
pub(crate) fn interpreter(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    })
}

fn python_makes_environments(shell: &Shell) -> bool {
    find("python3").is_some()
        && cmd!(shell, "python3 -c 'import venv, ensurepip'")
            .quiet()
            .ignore_stderr()
            .run()
            .is_ok()
}

/// Whether cargo-nextest is there, which runs tests faster and reports them better than cargo.
pub(crate) fn has_nextest() -> bool {
    find("cargo-nextest").is_some()
}

/// Builds a tool of others from its registry, once; returns the program. It is built as for tests: that is quick, and
/// what it does here is little.
pub(crate) fn ensure_cargo_tool(project: &Project, name: &str, version: &str) -> Result<PathBuf> {
    let root = project.target().join("tools");
    let program = root
        .join("bin")
        .join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let shell = project.shell();
    let installed = fs::read_to_string(root.join(".crates.toml")).unwrap_or_default();
    if !installed.contains(&format!("\"{name} {version} ")) || !program.exists() {
        say(&format!(
            "building {name}: minutes the first time, nothing after that"
        ));
        cmd!(
            shell,
            "cargo install --quiet --debug --locked --root {root} --version {version} {name}"
        )
        .run()
        .with_context(|| {
            format!("{name} could not be built: check the network and run this again")
        })?;
    }
    Ok(program)
}

/// Installs Debian packages if this machine has them and lets us.
pub(crate) fn install_packages(shell: &Shell, packages: &[&str]) -> Result<()> {
    ensure!(
        find("apt-get").is_some(),
        "this machine has no apt-get to install them with"
    );
    // `sudo -n` fails rather than asks for a password.
    let (program, arguments): (&str, &[&str]) = if is_root(shell) {
        ("env", &[])
    } else if find("sudo").is_some()
        && cmd!(shell, "sudo -n true")
            .quiet()
            .ignore_stderr()
            .run()
            .is_ok()
    {
        ("sudo", &["-n", "env"])
    } else {
        bail!("installing packages here takes root or sudo without a password");
    };
    say(&format!(
        "installing {} with apt-get",
        packages.join(" and ")
    ));
    let quiet = "DEBIAN_FRONTEND=noninteractive";
    cmd!(
        shell,
        "{program} {arguments...} {quiet} apt-get update --quiet"
    )
    .run()?;
    cmd!(
        shell,
        "{program} {arguments...} {quiet} apt-get install --yes --quiet --no-install-recommends {packages...}"
    )
    .run()?;
    Ok(())
}

fn is_root(shell: &Shell) -> bool {
    cmd!(shell, "id -u")
        .quiet()
        .read()
        .is_ok_and(|id| id.trim() == "0")
}

/// The first file of this name on the PATH.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let file = if Path::new(name).extension().is_some() {
        name.to_owned()
    } else {
        format!("{name}{}", env::consts::EXE_SUFFIX)
    };
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_compare_by_number_not_by_text() {
        assert_eq!(parse_version("v20.19.4\n"), Some((20, 19)));
        assert!(parse_version("v100.0.0") > Some(OLDEST_NODE));
        assert!(parse_version("v20.9.0") < Some(OLDEST_NODE));
        assert_eq!(parse_version("nonsense"), None);
    }
}
