//! From what happens in a run to the rows of `rounds.csv`.

use std::collections::{BTreeMap, BTreeSet};

use constellation_core::config::{CheckedConfig, StrategyConfig};
use constellation_core::coordinator::Event;
use constellation_core::ids::{DeviceId, Slot};
use constellation_core::metrics::accuracy_over_devices;
use constellation_core::view::{Accuracy, View};
use constellation_core::wire::Report;

use crate::conditions::Conditions;
use crate::results::RoundRow;
use crate::simulate::Happening;

/// Collects what happens and gives a row for every arm and round.
///
/// Devices measure a round's models when they get them, so a round's row is whole once the next round, or the closing
/// evaluation, is over.
#[derive(Debug)]
pub struct Measure<'a> {
    config: &'a CheckedConfig,
    attackers: BTreeSet<Slot>,
    arms: BTreeMap<String, Sums>,
    /// What devices reported in the round under way.
    reports: BTreeMap<DeviceId, Report>,
    /// The round whose models they measured, and what its closing left; none before the first.
    closed: Option<Closed>,
}

/// What adds up for one arm in one round.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    up: u64,
    down: u64,
    train_seconds: f64,
}

/// A round that is closed, and whose models have not been measured yet.
#[derive(Debug)]
struct Closed {
    round: u32,
    sums: BTreeMap<String, Sums>,
    server_seconds: f64,
    /// Agreement and number of coalitions by arm.
    coalitions: BTreeMap<String, (Option<f64>, u32)>,
}

impl<'a> Measure<'a> {
    /// Nothing yet of a run.
    #[must_use]
    pub fn new(config: &'a CheckedConfig, conditions: &Conditions, devices: u32) -> Self {
        Self {
            config,
            attackers: conditions.attacking(config.seed, devices),
            arms: BTreeMap::new(),
            reports: BTreeMap::new(),
            closed: None,
        }
    }

    /// Takes what happens; gives the rows of a round that has been measured.
    pub fn observe(&mut self, happening: Happening<'_>) -> Vec<RoundRow> {
        match happening {
            Happening::Traffic { arm, up, down } => {
                let sums = self.sums_of(arm);
                sums.up += up;
                sums.down += down;
                Vec::new()
            }
            Happening::Trained { arm, time } => {
                self.sums_of(arm).train_seconds += time.as_secs_f64();
                Vec::new()
            }
            Happening::Event(Event::Accepted { device, report, .. }) => {
                self.reports.insert(*device, report.clone());
                Vec::new()
            }
            Happening::Event(Event::RunFinished) => self.measured(),
            Happening::Closed { view, time } => {
                let rows = self.measured();
                self.closed = Some(Closed {
                    round: view.traffic.rounds,
                    sums: core::mem::take(&mut self.arms),
                    server_seconds: time.as_secs_f64() / self.config.arms.len() as f64,
                    coalitions: coalitions(view),
                });
                rows
            }
            Happening::Event(_) => Vec::new(),
        }
    }

    fn sums_of(&mut self, arm: &str) -> &mut Sums {
        self.arms.entry(arm.to_owned()).or_default()
    }

    /// Rows of the round whose models the reports are about.
    fn measured(&mut self) -> Vec<RoundRow> {
        let reports = core::mem::take(&mut self.reports);
        let Some(closed) = self.closed.take() else {
            return Vec::new();
        };
        let rows = self.config.arms.iter().map(|arm| {
            let (agreement, n_coalitions) = match arm.strategy {
                StrategyConfig::LocalOnly {} | StrategyConfig::FedAvg {} => (None, 0),
                _ => closed
                    .coalitions
                    .get(&arm.name)
                    .copied()
                    .unwrap_or_default(),
            };
            let sums = closed.sums.get(&arm.name).copied().unwrap_or_default();
            let balanced = self.over_devices(&reports, &arm.name, |report| report.balanced_before);
            let own = self.over_devices(&reports, &arm.name, |report| report.own_before);
            RoundRow {
                seed: self.config.seed,
                round: closed.round,
                arm: arm.name.clone(),
                accuracy_mean: balanced.mean,
                accuracy_worst: balanced.worst,
                accuracy_worst_tenth: balanced.worst_tenth,
                accuracy_worst_group: balanced.worst_group,
                own_mean: own.mean,
                own_worst: own.worst,
                own_worst_tenth: own.worst_tenth,
                own_worst_group: own.worst_group,
                agreement,
                n_coalitions,
                bytes_up: sums.up,
                bytes_down: sums.down,
                train_seconds: sums.train_seconds,
                server_seconds: closed.server_seconds,
            }
        });
        rows.collect()
    }

    /// Accuracy over the honest devices that reported; not a number where none did.
    fn over_devices(
        &self,
        reports: &BTreeMap<DeviceId, Report>,
        arm: &str,
        which: impl Fn(&constellation_core::wire::ArmReport) -> Option<f64>,
    ) -> Accuracy {
        let found: Vec<(Option<u32>, f64)> = reports
            .iter()
            .filter_map(|(device, report)| {
                let slot = Slot(device.0 - 1);
                let groups = self.config.data.groups.as_ref();
                let group = groups.map(|groups| groups.of(slot));
                if self.attackers.contains(&slot) {
                    return None;
                }
                Some((group, which(report.arms.get(arm)?)?))
            })
            .collect();
        accuracy_over_devices(&found).unwrap_or(Accuracy {
            mean: f64::NAN,
            worst: f64::NAN,
            best: f64::NAN,
            worst_tenth: f64::NAN,
            worst_group: f64::NAN,
        })
    }
}

fn coalitions(view: &View) -> BTreeMap<String, (Option<f64>, u32)> {
    let arms = view.arms.iter();
    arms.map(|arm| {
        let found = (arm.agreement, arm.coalitions.len() as u32);
        (arm.name.clone(), found)
    })
    .collect()
}
