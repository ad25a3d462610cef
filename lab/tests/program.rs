//! The program as a stranger runs it: from a folder of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::process::{Command, Output};

use tempfile::{TempDir, tempdir};

const EXPERIMENT: &str = r#"
name = "small"
devices = 2
[run]
rounds = 1
model = { kind = "softmax" }
[run.data]
examples = 20
[[run.arms]]
strategy = { kind = "fed_avg" }
"#;

fn lab(folder: &TempDir, arguments: &[&str]) -> Output {
    fs::write(folder.path().join("small.toml"), EXPERIMENT).unwrap();
    Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn it_finds_the_data_sets_from_any_folder() {
    let folder = tempdir().unwrap();
    let output = lab(&folder, &["run", "small.toml"]);
    assert!(output.status.success(), "{output:?}");
    assert!(folder.path().join("runs/small/summary.json").exists());
}

#[test]
fn a_run_that_cannot_begin_says_why_once_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let output = lab(&folder, &["run", "small.toml", "--data", "nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
    assert!(said.contains("name it with --data"), "{said}");
    assert!(!folder.path().join("runs").exists());
}
