//! Experiments that ship with the program.

use crate::experiment::Experiment;

/// An experiment that ships with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Its experiment file.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        /// All of them, those that most people want first.
        pub const PRESETS: &[Preset] = &[$(Preset {
            name: $name,
            text: include_str!(concat!("../presets/", $name, ".toml")),
        }),*];
    };
}

presets![
    "groups-rotation",
    "groups-swap",
    "unequal-groups",
    "sketches-rotation",
    "sketches-swap",
    "few-examples",
    "paper-iid",
    "paper-noniid",
    "attackers",
    "robust",
    "robust-groups",
    "flaky",
    "slow-devices",
    "forty-rotation",
    "forty-swap",
    "watch",
    "thousand",
];

/// The preset of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// A line or two on each.
#[must_use]
pub fn list() -> String {
    let one = |preset: &Preset| match Experiment::parse(preset.text) {
        Ok(experiment) => format!(
            "{:17} {}\n{:17} {} devices, {} rounds, {} arms, {} seeds\n",
            preset.name,
            experiment.about,
            "",
            experiment.devices,
            experiment.run.rounds,
            experiment.run.arms.len(),
            experiment.seeds.len(),
        ),
        Err(error) => format!("{:17} {error}\n", preset.name),
    };
    PRESETS.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_an_experiment_of_its_name() {
        for preset in PRESETS {
            let experiment = Experiment::parse(preset.text).map_err(|error| error.to_string());
            assert_eq!(experiment.map(|e| e.name), Ok(preset.name.to_owned()));
        }
    }
}
