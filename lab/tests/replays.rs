//! The recorded runs that ship with the pages are what their experiment files make.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use constellation_core::recording::{Frame, Header};
use constellation_core::view::{Phase, View};
use constellation_lab::folder::IfThere;
use constellation_lab::run::{Options, run};
use flate2::read::GzDecoder;

/// Bytes that a page loads for one, at most.
const MOST: u64 = 150_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn shipped() -> PathBuf {
    root().join("web/public/replays")
}

fn names(folder: PathBuf) -> BTreeSet<OsString> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

/// Holds a shipped recording against what its experiment makes now, and gives its frames.
fn replay(name: &str) -> Vec<Frame> {
    let path = shipped().join(format!("{name}.replay.jsonl.gz"));
    assert!(
        path.metadata().unwrap().len() <= MOST,
        "{name} is too large"
    );
    let mut text = String::new();
    let mut file = GzDecoder::new(File::open(path).unwrap());
    file.read_to_string(&mut text).unwrap();

    let out = tempfile::tempdir().unwrap();
    let experiment = root().join(format!("lab/replays/{name}.toml"));
    let experiment = fs::read_to_string(experiment).unwrap();
    let options = Options {
        out: out.path().join("run"),
        if_there: IfThere::Refuse,
        data: root().join("data"),
        threads: 1,
    };
    run(&experiment, &options).unwrap();
    let made = fs::read_to_string(options.out.join("run.replay.jsonl")).unwrap();
    assert!(
        made == text,
        "{name} is not what its experiment makes; write it anew with\ncargo xtask replays"
    );

    let (header, lines) = text.split_once('\n').unwrap();
    let header: Header = serde_json::from_str(header).unwrap();
    assert_eq!(header, Header::default());
    let frames: Vec<Frame> = lines
        .lines()
        .map(|line| {
            let frame: Frame = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&frame).unwrap(), line);
            frame
        })
        .collect();
    assert!(frames.is_sorted_by(|a, b| a.time_ms <= b.time_ms && a.view.seq < b.view.seq));
    let last = &frames[frames.len() - 1].view;
    assert_eq!(last.phase, Phase::Finished);
    frames
}

/// Mean accuracy of an arm, in points.
fn points(view: &View, arm: &str) -> f64 {
    let arm = view.arms.iter().find(|a| a.name == arm).unwrap();
    100.0 * arm.accuracy.unwrap().mean
}

/// Agreement of an arm's coalitions with the hidden groups.
fn agreement(view: &View, arm: &str) -> Option<f64> {
    view.arms.iter().find(|a| a.name == arm).unwrap().agreement
}

#[test]
fn every_experiment_has_its_recording() {
    let experiments = names(root().join("lab/replays"));
    let recordings = names(shipped());
    let stem = |names: &BTreeSet<OsString>, end: &str| -> Vec<String> {
        let names = names.iter().map(|name| name.to_str().unwrap());
        names
            .map(|n| n.strip_suffix(end).unwrap().to_owned())
            .collect()
    };
    let shown = stem(&recordings, ".replay.jsonl.gz");
    assert_eq!(stem(&experiments, ".toml"), shown);
    assert_eq!(shown.len(), 3);
}

#[test]
fn why_averaging_fails() {
    let frames = replay("why-averaging-fails");
    let last = &frames[frames.len() - 1].view;
    assert!(points(last, "fed_avg") + 10.0 < points(last, "local_only"));
    assert!(points(last, "local_only") + 10.0 < points(last, "oracle_groups"));
}

#[test]
fn coalitions_find_the_groups() {
    let frames = replay("coalitions-find-the-groups");
    let arm = "coalition_models";
    let found = |frame: &&Frame| agreement(&frame.view, arm) == Some(1.0);
    let first = frames.iter().find(|f| agreement(&f.view, arm).is_some());
    assert!(
        agreement(&first.unwrap().view, arm) < Some(0.8),
        "not at once"
    );
    assert!(frames.iter().find(found).unwrap().view.round.0 < 6);
    let last = &frames[frames.len() - 1];
    assert!(found(&last));
    assert!(points(&last.view, arm) > points(&last.view, "fed_avg") + 20.0);
}

#[test]
fn an_attacker() {
    let frames = replay("an-attacker");
    let difficult = |view: &View| view.devices.iter().filter(|d| d.mischief.is_some()).count();
    let at = frames.iter().position(|f| difficult(&f.view) == 1).unwrap();
    let last = &frames[frames.len() - 1].view;
    let before = &frames[at - 1].view;
    assert!((before.round.0, difficult(last)) == (9, 1));
    assert!(points(last, "fed_avg") + 10.0 < points(before, "fed_avg"));
    // Alone in a coalition it counts for a quarter of the global model.
    let shares = |f: &Frame| {
        f.view
            .arms
            .iter()
            .any(|a| a.influence.iter().any(|i| i.global == 0.25))
    };
    assert!(frames.iter().any(shares));
    assert!(points(last, "coalition_models") > points(last, "fed_avg") + 20.0);
}
