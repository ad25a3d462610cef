//! The same work, done by others: our benches and `bench/peers/` by turns.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use xshell::{Cmd, cmd};

use crate::project::{Project, say};
use crate::tools;

/// How often each side has its turn.
const TURNS: usize = 3;
const DEVICES: [&str; 3] = ["10", "100", "1000"];

/// What both sides printed in each turn.
struct Turns(Vec<[Rows; 2]>);

/// Numbers behind a name.
type Rows = BTreeMap<String, Vec<f64>>;

impl Turns {
    /// Has both print their tables, in which names take so many columns.
    fn take(ours: impl Fn() -> Result<String>, theirs: &Cmd<'_>, names: usize) -> Result<Self> {
        let turn = |_| Ok([rows(&ours()?, names), rows(&theirs.read()?, names)]);
        Ok(Self((0..TURNS).map(turn).collect::<Result<_>>()?))
    }

    /// The median over the turns of something about the rows of one name, ours and theirs.
    fn median(&self, name: &str, of: impl Fn(&[f64], &[f64]) -> Option<f64>) -> Result<f64> {
        let values = self.0.iter().map(|[ours, theirs]| {
            let (ours, theirs) = (ours.get(name)?, theirs.get(name)?);
            of(ours, theirs)
        });
        let values: Option<Vec<f64>> = values.collect();
        let mut values = values.with_context(|| format!("no numbers for {name} on both sides"))?;
        values.sort_by(f64::total_cmp);
        Ok(values[TURNS / 2])
    }
}

fn rows(printed: &str, names: usize) -> Rows {
    let row = |line: &str| {
        let (name, numbers) = line.split_at_checked(names)?;
        let numbers: Vec<f64> = numbers
            .split_whitespace()
            .map_while(|number| number.parse().ok())
            .collect();
        (!numbers.is_empty()).then(|| (name.trim().to_owned(), numbers))
    };
    printed.lines().filter_map(row).collect()
}

/// Forming coalitions, with numpy and scikit-learn.
pub(crate) fn formation(project: &Project) -> Result<String> {
    let shell = project.shell();
    let folder = project.root().join("target").join("peers");
    let python = folder.join("bin").join("python");
    if !python.exists() {
        say("numpy and scikit-learn are installed into target/peers");
        cmd!(shell, "python3 -m venv {folder}").run()?;
    }
    let requirements = project.root().join("bench/peers/requirements.txt");
    cmd!(
        shell,
        "{python} -m pip install --quiet --disable-pip-version-check --requirement {requirements}"
    )
    .run()
    .context("numpy and scikit-learn are not to be had")?;
    let weights = folder.join("weights");
    shell.create_dir(&weights)?;
    let ours = || {
        let growth = cmd!(
            shell,
            "cargo bench --package constellation-core --features parallel --bench growth -- --weights {weights} {DEVICES...}"
        );
        Ok(growth.read()?)
    };
    let program = project.root().join("bench/peers/formation.py");
    let theirs = cmd!(shell, "{python} {program} {weights} {DEVICES...}");
    let turns = Turns::take(ours, &theirs, 8)?;
    let mut table = format!(
        "{:8} {:>13} {:>8} {:>15} {:>14} {:>10} {:>10}",
        "devices",
        "distances, ms",
        "numpy, ×",
        "scikit-learn, ×",
        "coalitions, ms",
        "k-means, ×",
        "agreement"
    );
    for devices in DEVICES {
        let median = |of: fn(&[f64], &[f64]) -> Option<f64>| turns.median(devices, of);
        table += &format!(
            "\n{devices:>8} {:13.2} {:8.1} {:15.1} {:14.2} {:10.1} {:10.3}",
            median(|ours, _| ours.first().copied())?,
            median(|ours, theirs| Some(theirs.first()? / ours.first()?))?,
            median(|ours, theirs| Some(theirs.get(1)? / ours.first()?))?,
            median(|ours, _| Some(ours.first()? + ours.get(1)?))?,
            median(|ours, theirs| Some(theirs.get(2)? / (ours.first()? + ours.get(1)?)))?,
            median(|_, theirs| theirs.get(3).copied())?,
        );
    }
    Ok(table)
}

/// Training natively on one core, with PyTorch.
pub(crate) fn training(project: &Project) -> Result<String> {
    let shell = project.shell();
    let python = tools::find("python3").context("there is no python3")?;
    let torch = cmd!(shell, "{python} -c 'import torch'");
    if torch.quiet().ignore_stderr().run().is_err() {
        return Ok(
            "not measured: python3 has no PyTorch; bench/peers/README.md says how".to_owned(),
        );
    }
    let ours = || {
        let bench = cmd!(
            shell,
            "cargo bench --package constellation-core --bench kernels"
        );
        Ok(bench.read()?)
    };
    let program = project.root().join("bench/peers/training.py");
    let turns = Turns::take(ours, &cmd!(shell, "{python} {program}"), 18)?;
    let mut table = format!("{:18} {:>9} {:>12}", "model", "ours, 1/s", "PyTorch, 1/s");
    for name in [
        "mlp 784-64-10",
        "mlp 784-128-10",
        "mlp 784-200-200-10",
        "cnn",
    ] {
        table += &format!(
            "\n{name:18} {:9.0} {:12.0}",
            turns.median(name, |ours, _| ours.first().copied())?,
            turns.median(name, |_, theirs| theirs.first().copied())?,
        );
    }
    Ok(table)
}
