//! The same work, done by others: our benches and the programs in `bench/peers/` by turns.

mod turns;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Cmd, cmd};

use self::turns::{NAMES, Rows, Turns};
use crate::bench::ours;
use crate::project::{NPM, Project, say};
use crate::stamp::Stamp;
use crate::tools;

/// Forming coalitions, with numpy and scikit-learn.
pub(crate) fn formation(project: &Project) -> Result<String> {
    const DEVICES: [&str; 3] = ["10", "100", "1000"];
    let python = environment(project, "formation")?;
    let weights = folder(project).join("weights");
    project.shell().create_dir(&weights)?;
    let path = weights.to_string_lossy();
    let arguments = [&["--weights", path.as_ref()], DEVICES.as_slice()].concat();
    let turns = Turns::take(
        8,
        || ours::growth(project, &arguments),
        || {
            let program = program(project, "formation.py");
            let shell = project.shell();
            let theirs = cmd!(shell, "{python} {program} {weights} {DEVICES...}");
            Ok(current_numpy(theirs).read()?)
        },
    )?;
    let mut table = format!(
        "{:8} {:>13} {:>8} {:>15} {:>15} {:>8} {:>10} {:>13} {:>15}",
        "devices",
        "distances, ms",
        "numpy, ×",
        "scikit-learn, ×",
        "coalitions, ms",
        "numpy, ×",
        "k-means, ×",
        "apart, numpy",
        "apart, k-means"
    );
    for devices in DEVICES {
        let at = |rows: &Rows, column: usize| rows.get(devices)?.get(column).copied();
        let ours = |column| turns.median(|ours, _| at(ours, column));
        let times = |theirs_column, of: fn(f64, f64) -> f64| {
            turns.median(|ours, theirs| {
                Some(at(theirs, theirs_column)? / of(at(ours, 0)?, at(ours, 1)?))
            })
        };
        let columns = [
            ours(0),
            times(0, |distances, _| distances),
            times(1, |distances, _| distances),
            ours(1),
            times(2, |_, coalitions| coalitions),
            times(3, |distances, coalitions| distances + coalitions),
            turns.median(|_, theirs| at(theirs, 4)),
            turns.median(|_, theirs| at(theirs, 5)),
        ];
        let columns: Option<Vec<f64>> = columns.into_iter().collect();
        let columns = columns.with_context(|| format!("no row of {devices} devices"))?;
        table += &format!("\n{devices:>8}");
        for (number, (width, digits)) in columns.into_iter().zip([
            (13, 2),
            (8, 1),
            (15, 1),
            (15, 2),
            (8, 1),
            (10, 1),
            (13, 0),
            (15, 0),
        ]) {
            table += &format!(" {number:width$.digits$}");
        }
    }
    Ok(table)
}

/// What the benches and programs of training call their models.
const MODELS: [&str; 6] = [
    "mlp 784-128-10, batch 32",
    "mlp 784-200-200-10, batch 32",
    "cnn 21,840, batch 32",
    "mlp 784-128-10, batch 10",
    "mlp 784-200-200-10, batch 10",
    "cnn 21,840, batch 10",
];
/// Columns that these names take.
const MODEL_NAMES: usize = 32;

/// Training natively on one core, with PyTorch.
pub(crate) fn training(project: &Project) -> Result<String> {
    with_torch(project, || ours::native(project))
}

/// Training in a worker of Chromium, with TensorFlow.js in another one, and with PyTorch natively.
pub(crate) fn worker(project: &Project) -> Result<String> {
    let with_tfjs = || {
        let packages = tfjs(project)?;
        let theirs = || {
            let bench = ours::in_browsers(project, "tfjs", &[&packages.to_string_lossy()])?;
            Ok(bench.read()?)
        };
        let turns = Turns::take(MODEL_NAMES, || ours::worker(project), theirs)?;
        turns.table("TensorFlow.js", &MODELS, more_is_better)
    };
    let natively = with_torch(project, || ours::worker(project));
    Ok(format!(
        "{}\n\n{}",
        or_why_not("TensorFlow.js", with_tfjs()),
        or_why_not("PyTorch", natively)
    ))
}

fn with_torch(project: &Project, ours: impl Fn() -> Result<String>) -> Result<String> {
    let shell = project.shell();
    let python = python_with_torch(project)?;
    let program = program(project, "training.py");
    let print_version = "import torch; print(torch.__version__)";
    let version = cmd!(shell, "{python} -c {print_version}").quiet().read()?;
    let theirs = || Ok(cmd!(shell, "{python} {program}").read()?);
    let turns = Turns::take(MODEL_NAMES, ours, theirs)?;
    turns.table(&format!("PyTorch {version}"), &MODELS, more_is_better)
}

/// Rounds at the server, with Flower.
pub(crate) fn server(project: &Project) -> Result<String> {
    let python = environment(project, "flower")?;
    let program = program(project, "flower.py");
    let shell = project.shell();
    let flower = |arguments: &[&str]| {
        let theirs = cmd!(shell, "{python} {program} {arguments...}");
        // It tells every round, and what of itself it gives up.
        Ok(current_numpy(theirs).ignore_stderr().read()?)
    };
    let compare = |part: &str, arguments: &[&str], names: &[&str]| {
        let turns = Turns::take(
            NAMES,
            || ours::server(project, &[part]),
            || flower(arguments),
        )?;
        turns.table("Flower", names, less_is_better)
    };
    let trivial = [
        "round of 10 trivial devices, ms",
        "round of 50 trivial devices, ms",
    ];
    let over_grpc = compare("rounds", &["grpc", "10", "50"], &trivial);
    let training = ["round of 10 training devices, ms"];
    let in_simulation = compare("tabs", &["simulation", "10"], &training);
    Ok(format!(
        "{}\n\n{}",
        or_why_not("Flower over gRPC", over_grpc),
        or_why_not("Flower's simulation", in_simulation)
    ))
}

/// What was measured, or why it was not: others' programs may be missing, and the rest counts all the same.
fn or_why_not(peer: &str, measured: Result<String>) -> String {
    measured.unwrap_or_else(|error| format!("{peer} was not measured: {error:#}"))
}

fn more_is_better(ours: f64, theirs: f64) -> f64 {
    ours / theirs
}

fn less_is_better(ours: f64, theirs: f64) -> f64 {
    theirs / ours
}

fn program(project: &Project, name: &str) -> PathBuf {
    project.root().join("bench").join("peers").join(name)
}

/// Where other programs are installed.
fn folder(project: &Project) -> PathBuf {
    project.target().join("peers")
}

/// A Python environment with the packages that `requirements/` names for a program; its interpreter.
fn environment(project: &Project, name: &str) -> Result<PathBuf> {
    let shell = project.shell();
    let folder = folder(project).join(name);
    let python = tools::interpreter(&folder);
    let requirements = program(project, "requirements").join(format!("{name}.txt"));
    let stamp = Stamp::new(
        folder.join("constellation-packages"),
        std::slice::from_ref(&requirements),
        &[],
    )?;
    if stamp.is_current() && python.exists() {
        return Ok(python);
    }
    say(&format!("installing the packages of bench/peers/{name}.py"));
    cmd!(shell, "python3 -m venv --clear {folder}")
        .run()
        .context("Python could not make an environment")?;
    cmd!(
        shell,
        "{python} -m pip install --quiet --disable-pip-version-check --requirement {requirements}"
    )
    .run()
    .with_context(|| {
        format!(
            "the packages of {} are not to be had",
            requirements.display()
        )
    })?;
    stamp.write()?;
    Ok(python)
}

/// An interpreter that has PyTorch: that of an environment which somebody made for it, or the system's, with Debian's
/// package where we may install it. What Python's own index has is made for graphics cards and takes gigabytes.
fn python_with_torch(project: &Project) -> Result<PathBuf> {
    let shell = project.shell();
    let imports = |python: &Path, what: &str| {
        let import = cmd!(shell, "{python} -c {what}");
        import.quiet().ignore_stderr().run().is_ok()
    };
    let own = tools::interpreter(&folder(project).join("training"));
    if imports(&own, "import torch") {
        return Ok(own);
    }
    // Debian's multiplies with whatever BLAS there is, and the one that comes with it is several times slower.
    let system = PathBuf::from("/usr/bin/python3");
    let both = "import torch, ctypes.util; assert ctypes.util.find_library('openblas')";
    if !imports(&system, both) {
        tools::install_packages(shell, &["python3-torch", "libopenblas0-pthread"])
            .context("no Python here has PyTorch; bench/peers/README.md says how")?;
    }
    Ok(system)
}

/// The folder of the page that trains with TensorFlow.js, packages included.
fn tfjs(project: &Project) -> Result<PathBuf> {
    tools::check_node(project)?;
    let shell = project.shell();
    let (source, folder) = (program(project, "tfjs"), folder(project).join("tfjs"));
    shell.create_dir(&folder)?;
    let files = [
        "index.html",
        "package.json",
        "package-lock.json",
        "training.js",
    ];
    for file in files {
        shell.copy_file(source.join(file), folder.join(file))?;
    }
    let stamp = Stamp::new(
        folder.join("constellation-packages"),
        &[source.join("package-lock.json")],
        &[],
    )?;
    if !stamp.is_current() {
        say("installing TensorFlow.js (npm ci)");
        let _in_folder = shell.push_dir(&folder);
        cmd!(shell, "{NPM} ci --ignore-scripts --no-audit --no-fund")
            .run()
            .context("TensorFlow.js is not to be had: check that npm reaches its registry")?;
        stamp.write()?;
    }
    Ok(folder)
}

/// A command for which numpy picks its kernels by itself. Where older builds of OpenBLAS crash these variables are set,
/// and a current one is slowed down by them.
fn current_numpy(command: Cmd<'_>) -> Cmd<'_> {
    command
        .env_remove("OPENBLAS_CORETYPE")
        .env_remove("OPENBLAS_L2_SIZE")
}
