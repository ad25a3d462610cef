//! Experiment files: what to run, as TOML, and errors that name the line.
//!
//! TOML has no word for nothing, so the text `"none"` stands for it: `run.data.groups = "none"`.

use constellation_core::config::{
    ArmConfig, CheckedConfig, ConfigError, PacingConfig, Partition, RunConfig, limits,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml_edit::{Document, DocumentMut, Item, Table, Value};

use crate::conditions::Conditions;

/// Most seeds of an experiment.
pub const SEEDS: usize = 100;
/// Most devices of an experiment.
pub const DEVICES: u32 = 2_000;

/// What to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Experiment {
    /// Its name, which is also that of its folder.
    pub name: String,
    /// What it is for, in a sentence or two.
    pub about: String,
    /// One run for each. The seed of `run` is not used.
    pub seeds: Vec<u32>,
    /// Number of devices.
    pub devices: u32,
    /// The run. Its pacing starts it by itself, without pauses.
    pub run: RunConfig,
    /// What goes wrong, on purpose.
    pub conditions: Conditions,
}

/// An experiment file that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{reason}", place(.line.as_ref()))]
pub struct ExperimentError {
    /// Number and text of the line, where one is to blame.
    pub line: Option<(usize, String)>,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

fn place(line: Option<&(usize, String)>) -> String {
    line.map_or_else(String::new, |(number, text)| {
        format!("line {number}: {}\n  ", text.trim())
    })
}

impl Default for Experiment {
    fn default() -> Self {
        Self {
            name: String::new(),
            about: String::new(),
            seeds: vec![1, 2, 3],
            devices: 20,
            run: RunConfig::default(),
            conditions: Conditions::default(),
        }
    }
}

impl Experiment {
    /// Reads an experiment file and checks everything that can be checked without its data.
    ///
    /// # Errors
    /// The line, what is wrong with it, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, ExperimentError> {
        let table: toml::Table = toml::from_str(text).map_err(|error| ExperimentError {
            line: error.span().map(|span| line_at(text, span.start)),
            reason: error.message().to_owned(),
        })?;
        let value = json(toml::Value::Table(table));
        let experiment: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let reason = error.into_inner().to_string();
            // The path leads to the table; the key that nobody knows is in the sentence only.
            let unknown = reason.strip_prefix("unknown field `");
            let key = unknown.and_then(|rest| rest.split('`').next());
            ExperimentError {
                line: line_of(
                    text,
                    &key.map_or(path.clone(), |key| format!("{path}.{key}")),
                ),
                reason,
            }
        })?;
        experiment.check(text)?;
        Ok(experiment)
    }

    /// The run of a seed, as it is simulated.
    ///
    /// # Errors
    /// A value is out of range, or devices bring tables of their own, which nobody here could give them.
    pub fn run_of(&self, seed: u32) -> Result<CheckedConfig, ConfigError> {
        if self.run.data.table.is_some() {
            return Err(ConfigError {
                field: "data.table".to_owned(),
                value: "there".to_owned(),
                allowed: "none in an experiment, whose devices have a data set".to_owned(),
            });
        }
        let pacing = PacingConfig {
            start_at: Some(self.devices),
            min_devices: 1,
            // Nobody waits in virtual time. Devices that come back do so between two rounds, not into the next one.
            pace_ms: self.run.pacing.deadline_ms.min(limits::WAIT_MS - 1) + 1,
            ..self.run.pacing.clone()
        };
        RunConfig {
            seed,
            pacing,
            ..self.run.clone()
        }
        .check()
    }

    /// Checks that a data set with so many training examples of so many people has enough for all devices. A person's
    /// windows are as many as there are, whatever is asked for, and for one device.
    ///
    /// # Errors
    /// Examples would be given out twice.
    pub fn check_supply(
        &self,
        text: &str,
        pool: usize,
        people: u32,
    ) -> Result<(), ExperimentError> {
        let data = &self.run.data;
        if let Partition::Person {} = data.partition {
            let enough = self.devices <= people;
            return enough.then_some(()).ok_or_else(|| ExperimentError {
                line: line_of(text, "devices"),
                reason: format!(
                    "devices is {}; allowed: up to {people}, one for each person",
                    self.devices
                ),
            });
        }
        let checked = data.check_for_devices(self.devices, pool);
        checked.map_err(|error| {
            let path = format!("run.{}", error.field);
            ExperimentError {
                line: line_of(text, &path),
                reason: format!("{path} is {}; allowed: {}", error.value, error.allowed),
            }
        })
    }

    fn check(&self, text: &str) -> Result<(), ExperimentError> {
        let wrong = |path: &str, value: &str, allowed: &str| ExperimentError {
            line: line_of(text, path),
            reason: format!("{path} is {value}; allowed: {allowed}"),
        };
        let name_is_plain = self
            .name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if self.name.is_empty() || !name_is_plain || self.name.starts_with('.') {
            let value = format!("{:?}", self.name);
            return Err(wrong("name", &value, "letters, digits, -, _ and ."));
        }
        let mut distinct = self.seeds.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if !(1..=SEEDS).contains(&self.seeds.len()) || distinct.len() < self.seeds.len() {
            let value = format!("{:?}", self.seeds);
            return Err(wrong("seeds", &value, "1 to 100 different numbers"));
        }
        if !(2..=DEVICES).contains(&self.devices) {
            return Err(wrong("devices", &self.devices.to_string(), "2 to 2000"));
        }
        self.conditions.check().map_err(|unusable| {
            let path = format!("conditions.{}", unusable.field);
            wrong(&path, &unusable.value.to_string(), unusable.allowed)
        })?;
        self.run_of(0).map_err(|error| {
            let path = format!("run.{}", error.field);
            wrong(&path, &error.value, &error.allowed)
        })?;
        Ok(())
    }
}

/// What the command line changes in an experiment file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Other seeds; the file's if empty.
    pub seeds: Vec<u32>,
    /// Another number of rounds.
    pub rounds: Option<u32>,
    /// Only arms of these names; all if empty.
    pub arms: Vec<String>,
}

impl Changes {
    /// The file's text with the changes, so that the run's folder can be repeated from it.
    ///
    /// # Errors
    /// It is no experiment file, or has no arm of a name.
    pub fn apply(&self, text: &str) -> Result<String, ExperimentError> {
        if *self == Self::default() {
            return Ok(text.to_owned());
        }
        let experiment = Experiment::parse(text)?;
        let mut document = editable(text)?;
        if !self.seeds.is_empty() {
            let seeds = self.seeds.iter().map(|seed| i64::from(*seed));
            document["seeds"] = toml_edit::value(seeds.collect::<toml_edit::Array>());
        }
        if let Some(rounds) = self.rounds {
            document["run"]["rounds"] = toml_edit::value(i64::from(rounds));
        }
        if !self.arms.is_empty() {
            let names: Vec<&str> = experiment.run.arms.iter().map(ArmConfig::shown).collect();
            if let Some(unknown) = self.arms.iter().find(|arm| !names.contains(&arm.as_str())) {
                return Err(ExperimentError {
                    line: None,
                    reason: format!(
                        "there is no arm {unknown:?}; there are {}",
                        names.join(", ")
                    ),
                });
            }
            if let Some(arms) = document["run"]["arms"].as_array_of_tables_mut() {
                for at in (0..names.len()).rev() {
                    if !self.arms.iter().any(|arm| arm == names[at]) {
                        arms.remove(at);
                    }
                }
            }
        }
        Ok(document.to_string())
    }
}

/// An experiment file with one value changed. `path` leads through tables; `arms.NAME.` to an arm's strategy.
///
/// # Errors
/// It is no experiment file, there is no such arm, or the value is none.
pub fn with_value(text: &str, path: &str, value: &str) -> Result<String, ExperimentError> {
    let experiment = Experiment::parse(text)?;
    let mut document = editable(text)?;
    let wrong = |reason: String| ExperimentError { line: None, reason };
    let value: Value = value
        .parse()
        .or_else(|_| format!("{value:?}").parse())
        .map_err(|_| wrong(format!("{value:?} is no value")))?;
    let mut steps: Vec<&str> = path.split('.').collect();
    let mut item = document.as_item_mut();
    if let ["arms", name, ..] = steps.as_slice() {
        let arms = &experiment.run.arms;
        let at = arms.iter().position(|arm| arm.shown() == *name);
        let at = at.ok_or_else(|| wrong(format!("there is no arm {name:?}")))?;
        item = &mut item["run"]["arms"][at]["strategy"];
        steps.drain(..2);
    }
    for step in steps {
        if item.is_none() {
            *item = toml_edit::value(toml_edit::InlineTable::new());
        }
        item = &mut item[step];
    }
    *item = Item::Value(value);
    let text = document.to_string();
    Experiment::parse(&text)?;
    Ok(text)
}

fn editable(text: &str) -> Result<DocumentMut, ExperimentError> {
    text.parse::<DocumentMut>()
        .map_err(|error| ExperimentError {
            line: None,
            reason: error.to_string(),
        })
}

/// The same value as JSON, the text "none" as null.
fn json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) if text == "none" => serde_json::Value::Null,
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, json(value)))
            .collect(),
    }
}

/// The line that a byte is on.
fn line_at(text: &str, byte: usize) -> (usize, String) {
    let before = text.get(..byte).unwrap_or(text);
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    (number, line.to_owned())
}

/// The line of a value such as `run.arms[0].strategy.k`, or of the innermost table above it that is in the file.
fn line_of(text: &str, path: &str) -> Option<(usize, String)> {
    let document = Document::parse(text).ok()?;
    let mut span = None;
    let mut at = Node::Table(document.as_table());
    let steps = path
        .split(['.', '['])
        .map(|step| step.trim_end_matches(']'));
    for step in steps.filter(|step| !step.is_empty()) {
        let Some((next, found)) = at.child(step) else {
            break;
        };
        span = found.or(span);
        at = next;
    }
    span.map(|start| line_at(text, start))
}

/// A place in the document.
enum Node<'a> {
    Table(&'a Table),
    Item(&'a Item),
    Value(&'a Value),
}

impl<'a> Node<'a> {
    /// A child by key or index, and the byte at which it begins.
    fn child(&self, step: &str) -> Option<(Node<'a>, Option<usize>)> {
        let index = || step.parse::<usize>().ok();
        let start = |span: Option<core::ops::Range<usize>>| span.map(|span| span.start);
        match self {
            Node::Table(table) => {
                let (key, item) = table.get_key_value(step)?;
                Some((Node::Item(item), start(key.span()).or(start(item.span()))))
            }
            Node::Item(Item::Table(table)) => Node::Table(table).child(step),
            Node::Item(Item::Value(value)) => Node::Value(value).child(step),
            Node::Item(Item::ArrayOfTables(tables)) => {
                let table = tables.get(index()?)?;
                Some((Node::Table(table), start(table.span())))
            }
            Node::Item(Item::None) => None,
            Node::Value(Value::InlineTable(table)) => {
                let value = table.get(step)?;
                Some((Node::Value(value), start(value.span())))
            }
            Node::Value(Value::Array(values)) => {
                let value = values.get(index()?)?;
                Some((Node::Value(value), start(value.span())))
            }
            Node::Value(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Experiment::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_name_is_a_whole_experiment() {
        let experiment = Experiment::parse("name = \"plain\"").unwrap();
        assert_eq!(experiment.devices, 20);
        assert_eq!(experiment.run_of(5).unwrap().seed, 5);
        assert_eq!(experiment.run, RunConfig::default());
    }

    #[test]
    fn none_is_nothing() {
        let text = "name = \"x\"\nrun.data.groups = \"none\"\n";
        assert_eq!(Experiment::parse(text).unwrap().run.data.groups, None);
    }

    #[test]
    fn unknown_keys_are_named_with_their_line() {
        let text = "name = \"x\"\n[run.training]\nepocs = 3\n";
        let error = error(text);
        assert!(error.starts_with("line 3: epocs = 3\n"), "{error}");
        assert!(error.contains("epochs"), "says what is allowed: {error}");
        let error = Experiment::parse("device = 3").unwrap_err().to_string();
        assert!(error.starts_with("line 1: device = 3\n"), "{error}");
    }

    #[test]
    fn values_out_of_range_are_named_with_their_line() {
        let found = error("name = \"x\"\n\n[run.training]\nepochs = 1\nbatch = 0\n");
        assert_eq!(
            found,
            "line 5: batch = 0\n  run.training.batch is 0; allowed: 1 to 1024"
        );
        let found = error(
            "name = \"x\"\n[[run.arms]]\nstrategy = { kind = \"fed_avg\" }\n[[run.arms]]\nstrategy = { kind = \
             \"coalition_models\", formation = { k = 0 } }\n",
        );
        assert!(found.starts_with("line 5: strategy = {"), "{found}");
        assert!(
            found.ends_with("arms[1].strategy.formation.k is 0; allowed: 1 to 1000"),
            "{found}"
        );
        let found = error("name = \"x\"\ndevices = 1\n");
        assert_eq!(
            found,
            "line 2: devices = 1\n  devices is 1; allowed: 2 to 2000"
        );
        let found = error("name = \"x\"\nconditions.lost = 2.0\n");
        assert!(
            found.starts_with("line 2: conditions.lost = 2.0\n"),
            "{found}"
        );
        let found = error("name = \"x\"\nseeds = [1, 1]\n");
        assert!(
            found.ends_with("allowed: 1 to 100 different numbers"),
            "{found}"
        );
        assert!(error("name = \"../x\"").contains("name is \"../x\""));
    }

    #[test]
    fn more_than_there_is_cannot_be_dealt_out() {
        let text = "name = \"x\"\ndevices = 4\n[run.data]\nexamples = 21\n";
        let experiment = Experiment::parse(text).unwrap();
        let error = experiment.check_supply(text, 100, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 4: examples = 21\n  run.data.examples is 21; allowed: up to 20 with 4 devices"
        );
        assert_eq!(experiment.check_supply(text, 105, 1), Ok(()));
    }

    #[test]
    fn a_person_is_one_device() {
        let text = "name = \"x\"\ndevices = 11\n[run.data]\ndataset = \"watch\"\ngroups = \"none\"\npartition = { kind = \"person\" }\n";
        let experiment = Experiment::parse(text).unwrap();
        let error = experiment.check_supply(text, 0, 10).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2: devices = 11\n  devices is 11; allowed: up to 10, one for each person"
        );
        assert_eq!(experiment.check_supply(text, 0, 11), Ok(()));
    }

    #[test]
    fn broken_files_are_named_with_their_line() {
        assert!(error("name = \"x\"\nseeds = [1, 2\n").starts_with("line "));
        assert!(error("name = 5").starts_with("line 1: name = 5\n"));
    }

    #[test]
    fn the_command_line_changes_the_file() {
        let text = "name = \"x\"\n[[run.arms]]\nstrategy = { kind = \"fed_avg\" }\n[[run.arms]]\nname = \"g\"\nstrategy = { \
                    kind = \"coalition_models\" }\n";
        let changes = Changes {
            seeds: vec![4],
            rounds: Some(2),
            arms: vec!["g".to_owned()],
        };
        let changed = Experiment::parse(&changes.apply(text).unwrap()).unwrap();
        assert_eq!((changed.seeds, changed.run.rounds), (vec![4], 2));
        assert_eq!(changed.run.arms.len(), 1);
        let unknown = Changes {
            arms: vec!["h".to_owned()],
            ..Changes::default()
        };
        let error = unknown.apply(text).unwrap_err().to_string();
        assert_eq!(error, "there is no arm \"h\"; there are fed_avg, g");
        assert_eq!(Changes::default().apply(text).unwrap(), text);
    }

    #[test]
    fn single_values_are_changed_by_their_path() {
        let text = "name = \"x\"\n[[run.arms]]\nname = \"g\"\nstrategy = { kind = \"coalition_models\" }\n";
        let changed = with_value(text, "run.training.learning_rate", "0.2").unwrap();
        let rate = Experiment::parse(&changed)
            .unwrap()
            .run
            .training
            .learning_rate;
        assert_eq!(rate, 0.2);
        let changed = with_value(text, "arms.g.formation.k", "7").unwrap();
        assert!(changed.contains("k = 7"), "{changed}");
        assert!(with_value(text, "arms.g.formation.k", "0").is_err());
        assert!(with_value(text, "arms.h.formation.k", "3").is_err());
        assert!(with_value(text, "run.training.rate", "3").is_err());
    }
}
