use std::collections::BTreeMap;
use std::fs;

use constellation_core::recording::{Frame, Header};
use serde_json::Value;

use super::*;
use crate::verify::verify;

const TINY: &str = "\
name = \"tiny\"
about = \"a test\"
seeds = [4, 2]
devices = 5

[run]
rounds = 4
model = { kind = \"mlp\", hidden = [8] }

[run.data]
examples = 40
held_out = 10
balanced_per_label = 2
";

fn options(folder: &Path, threads: usize, if_there: IfThere) -> Options {
    Options {
        out: folder.to_owned(),
        data: Path::new(env!("CARGO_MANIFEST_DIR")).join("../data"),
        threads,
        if_there,
    }
}

fn run_tiny(folder: &Path, conditions: &str, threads: usize, if_there: IfThere) -> Summary {
    let text = format!("{TINY}{conditions}");
    run(&text, &options(folder, threads, if_there)).unwrap().0
}

/// The rows without their two columns of seconds, which no second run repeats.
fn repeatable(folder: &Path) -> Vec<String> {
    let rows = fs::read_to_string(folder.join("rounds.csv")).unwrap();
    let without = |row: &str| row.rsplitn(3, ',').last().unwrap_or_default().to_owned();
    rows.lines().map(without).collect()
}

fn record(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("run.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let trouble = "\n[conditions]\nlost = 0.2\nslow = { fraction = 0.2, factor = 40.0 }\n\
                   late = { rate = 0.2, delay_ms = 40000 }\nfailing = { rate = 0.2, rounds = 1 }\n\
                   attackers = { fraction = 0.2, kind = \"sign_flip\" }\n";
    let mut fingerprints = Vec::new();
    for conditions in ["", trouble] {
        let one = folder.path().join(format!("{}-one", conditions.len()));
        let two = folder.path().join(format!("{}-two", conditions.len()));
        let (a, b) = (
            run_tiny(&one, conditions, 1, IfThere::Refuse),
            run_tiny(&two, conditions, 2, IfThere::Refuse),
        );
        assert_eq!(a.fingerprints, b.fingerprints);
        assert_eq!(a.fingerprints.len(), 2);
        assert_eq!(record(&one), record(&two));
        fingerprints.push(a.fingerprint);
    }
    assert_ne!(fingerprints[0], fingerprints[1]);
}

#[test]
fn an_interrupted_run_is_resumed_to_the_same_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let whole = run_tiny(&out, "", 2, IfThere::Refuse);
    let text = fs::read_to_string(out.join("run.jsonl")).unwrap();
    // The second seed is cut off behind its third round, in the record and in the rows in the middle of a line.
    let second = text.rfind("run_configured").unwrap();
    let round = "round_closed\",\"round\":3";
    let closed = second + text[second..].find(round).unwrap();
    let end = closed + text[closed..].find('\n').unwrap() + 1;
    let rows = fs::read_to_string(out.join("rounds.csv")).unwrap();
    let interrupt = |record: &str, rows: &str| {
        fs::write(out.join("run.jsonl"), record).unwrap();
        fs::write(out.join("rounds.csv"), rows).unwrap();
    };
    let whole_rows = repeatable(&out);
    let second_round = rows.find("\n2,2,").unwrap();
    interrupt(&text[..end + 20], &rows[..second_round + 20]);
    let resumed = run_tiny(&out, "", 1, IfThere::Resume);
    assert_eq!(resumed.fingerprints, whole.fingerprints);
    assert_eq!(fs::read_to_string(out.join("run.jsonl")).unwrap(), text);
    assert_eq!(repeatable(&out), whole_rows);

    // All is recorded, but a row of the second seed's last round was not written any more: the seed is computed again.
    let last_row = rows[..rows.len() - 1].rfind('\n').unwrap() + 1;
    interrupt(&text, &rows[..last_row]);
    let resumed = run_tiny(&out, "", 1, IfThere::Resume);
    assert_eq!(resumed.fingerprints, whole.fingerprints);
    assert_eq!(fs::read_to_string(out.join("run.jsonl")).unwrap(), text);
    assert_eq!(repeatable(&out), whole_rows);

    // A recorded round that comes out otherwise is named.
    let at = closed + text[closed..].find("fingerprint\":\"").unwrap() + 14;
    let digit = if &text[at..=at] == "0" { "1" } else { "0" };
    let tampered = format!("{}{digit}{}", &text[..at], &text[at + 1..end]);
    interrupt(&tampered, &rows[..second_round + 1]);
    let error = run(TINY, &options(&out, 1, IfThere::Resume)).unwrap_err();
    assert!(
        matches!(
            error,
            RunError::Otherwise {
                seed: 2,
                round: 3,
                ..
            }
        ),
        "{error}"
    );
    // What was computed before that is there to be looked at: the first seed, and the second one's first round.
    let left = fs::read_to_string(out.join("rounds.csv")).unwrap();
    let first = |rows: &str| rows.lines().filter(|row| row.starts_with("2,")).count();
    let arms = whole.arms.len();
    assert_eq!((first(&left), first(&rows)), (arms, 4 * arms));
}

#[test]
fn a_folder_with_something_in_it_is_left_alone_and_an_overwritten_one_has_no_old_summary() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("note.txt"), "mine").unwrap();
    fs::write(folder.path().join("summary.json"), "{}").unwrap();
    let error = run(TINY, &options(folder.path(), 1, IfThere::Refuse)).unwrap_err();
    assert!(
        matches!(error, RunError::Folder(FolderError::NotEmpty(_))),
        "{error}"
    );
    let nowhere = Options {
        data: folder.path().join("nowhere"),
        ..options(folder.path(), 1, IfThere::Overwrite)
    };
    assert!(run(TINY, &nowhere).is_err());
    let summary = folder.path().join("summary.json");
    assert!(
        summary.exists(),
        "a run that cannot begin overwrites nothing"
    );
    let experiment = Experiment::parse(TINY).unwrap();
    Folder::open(folder.path(), &experiment, TINY, IfThere::Overwrite).unwrap();
    assert!(!summary.exists());
    assert!(folder.path().join("note.txt").exists());
}

#[test]
fn a_failed_device_is_back_after_as_many_rounds_as_the_conditions_say() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    run_tiny(
        &out,
        "\n[conditions]\nfailing = { rate = 0.3, rounds = 1 }\n",
        2,
        IfThere::Refuse,
    );
    let (mut cohorts, mut returned) = (BTreeMap::new(), 0);
    for line in record(&out) {
        match line["event"].as_str() {
            Some("run_configured") => cohorts.clear(),
            Some("round_opened") => {
                let cohort = line["cohort"].as_array().unwrap().clone();
                cohorts.insert(line["round"].as_u64().unwrap(), (cohort, Vec::new()));
            }
            Some("round_closed") => {
                let round = line["round"].as_u64().unwrap();
                let missing = line["missing"].as_array().unwrap();
                cohorts.get_mut(&round).unwrap().1.clone_from(missing);
                let Some((cohort, _)) = cohorts.get(&round) else {
                    continue;
                };
                let before = |n: u64| round.checked_sub(n).and_then(|r| cohorts.get(&r));
                for device in before(1).map_or(&[][..], |(_, missing)| missing) {
                    assert!(!cohort.contains(device), "it is away in round {round}");
                }
                for device in before(2).map_or(&[][..], |(_, missing)| missing) {
                    assert!(cohort.contains(device), "it is back in round {round}");
                    returned += 1;
                }
            }
            _ => {}
        }
    }
    assert!(returned > 0);
}

#[test]
fn rounds_in_which_nothing_arrives_are_done_again_and_the_run_gets_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let lost = run_tiny(
        &folder.path().join("lost"),
        "\n[conditions]\nlost = 1.0\n",
        2,
        IfThere::Refuse,
    );
    let plain = run_tiny(&folder.path().join("plain"), "", 2, IfThere::Refuse);
    assert_eq!(lost.fingerprints, plain.fingerprints);
}

/// The recording that a run left, and its text.
fn recording(folder: &Path) -> (Vec<Frame>, String) {
    let text = fs::read_to_string(folder.join("run.replay.jsonl")).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    let header: Header = serde_json::from_str(header).unwrap();
    assert_eq!(header, Header::default());
    let frames = lines.lines();
    let frames = frames.map(|line| serde_json::from_str(line).unwrap());
    (frames.collect(), text)
}

#[test]
fn a_run_can_be_watched_from_its_beginning_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let summary = run_tiny(&one, "", 1, IfThere::Refuse);
    run_tiny(&two, "", 2, IfThere::Refuse);
    let (frames, text) = recording(&one);
    assert_eq!(text, recording(&two).1, "the same seed, the same bytes");
    let seen: Vec<(u64, Phase, u32, bool)> = frames
        .iter()
        .map(|f| {
            (
                f.time_ms,
                f.view.phase,
                f.view.round.0,
                f.distances.is_empty(),
            )
        })
        .collect();
    let round = u64::from(frames[0].view.config.pacing.pace_ms);
    assert_eq!(
        seen,
        [
            (0, Phase::Training, 1, true),
            (1_000, Phase::Resting, 1, false),
            (round, Phase::Training, 2, true),
            (round + 1_000, Phase::Resting, 2, false),
            (2 * round, Phase::Training, 3, true),
            (2 * round + 1_000, Phase::Resting, 3, false),
            (3 * round, Phase::Training, 4, true),
            (3 * round + 1_000, Phase::Evaluating, 4, false),
            (3 * round + 2_000, Phase::Finished, 4, true),
        ]
    );
    assert!(frames.is_sorted_by(|a, b| a.view.seq < b.view.seq));
    assert!(frames.iter().all(|f| f.view.seed == 4), "of the first seed");
    let received = |frame: &Frame| frame.view.cohort.received.len() == 5;
    assert!(frames.iter().all(received), "rounds open with their models");
    assert_eq!(frames[0].view.devices[2].name, "device 3");
    let (first, last) = (&frames[1], &frames[8]);
    assert!(first.view.arms.iter().any(|arm| arm.map.is_some()));
    assert_eq!(summary.fingerprints[&4], last.view.fingerprint);
    // The last frame says of every arm what the tables say.
    let rows = fs::read_to_string(one.join("rounds.csv")).unwrap();
    let rows = crate::results::read_rounds_csv(&rows).unwrap();
    let last_rows = rows.iter().filter(|row| (row.seed, row.round) == (4, 4));
    let said: BTreeMap<&str, (f64, f64)> = last_rows
        .map(|row| (row.arm.as_str(), (row.accuracy_mean, row.own_worst)))
        .collect();
    let arms = last.view.arms.iter();
    let shown: BTreeMap<&str, (f64, f64)> = arms
        .map(|arm| {
            let (balanced, own) = (arm.accuracy.unwrap(), arm.own_accuracy.unwrap());
            (arm.name.as_str(), (balanced.mean, own.worst))
        })
        .collect();
    assert_eq!(shown, said);
}

#[test]
fn with_many_devices_a_recording_has_no_distances() {
    let folder = tempfile::tempdir().unwrap();
    for (devices, some) in [(40, true), (41, false)] {
        let text = TINY
            .replace("devices = 5", &format!("devices = {devices}"))
            .replace("rounds = 4", "rounds = 1")
            .replace("examples = 40", "examples = 10");
        let out = folder.path().join(devices.to_string());
        run(&text, &options(&out, 2, IfThere::Refuse)).unwrap();
        let (frames, _) = recording(&out);
        let has = frames.iter().any(|frame| !frame.distances.is_empty());
        assert_eq!(has, some, "{devices} devices");
    }
}

#[test]
fn difficult_devices_say_so_and_are_recomputed() {
    let folder = tempfile::tempdir().unwrap();
    let plain = run_tiny(&folder.path().join("plain"), "", 2, IfThere::Refuse);
    for how in ["sign_flip", "label_flip", "noise", "silence", "slowness"] {
        let out = folder.path().join(how);
        let difficult = format!(
            "\n[run.pacing]\ndeadline_ms = 9000\n\n[conditions]\ndifficult = {{ fraction = 0.2, how = \"{how}\", from = 3 }}\n"
        );
        let summary = run_tiny(&out, &difficult, 2, IfThere::Refuse);
        let fingerprint = &summary.fingerprints[&4];
        let as_if_honest = how == "slowness";
        assert_eq!(
            *fingerprint == plain.fingerprints[&4],
            as_if_honest,
            "{how}"
        );
        let said: BTreeMap<u64, usize> =
            record(&out).iter().fold(BTreeMap::new(), |mut said, line| {
                if line["event"] == "accepted" {
                    let says = line["report"]["mischief"] == how;
                    *said.entry(line["round"].as_u64().unwrap()).or_default() += usize::from(says);
                }
                said
            });
        // Two seeds, in each one of five devices.
        let each = if how == "silence" { 0 } else { 2 };
        assert_eq!(
            said,
            [(1, 0), (2, 0), (3, each), (4, each), (5, each)].into(),
            "{how}"
        );
        let at = |event: &str| {
            let lines = record(&out).into_iter();
            let mut lines = lines.filter(|line| line["event"] == event && line["round"] == 3);
            lines.next().unwrap()["time_ms"].as_u64().unwrap()
        };
        let waited = match how {
            "silence" => 9_000,
            "slowness" => 7_000,
            _ => 1_000,
        };
        assert_eq!(at("round_closed") - at("round_opened"), waited, "{how}");
        let text = fs::read_to_string(out.join("run.jsonl")).unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
        let verdicts = verify(&text, |config| Ok(Arc::new(load(&data, config.dataset)?))).unwrap();
        assert_eq!(verdicts.len(), 2);
        for verdict in &verdicts {
            assert!(verdict.is_same(), "{how}: {verdict}");
        }
    }
}
