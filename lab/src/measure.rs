//! From what happens in a run to the rows of `rounds.csv`.

use std::collections::{BTreeMap, BTreeSet};

use constellation_core::config::{CheckedConfig, StrategyConfig};
use constellation_core::coordinator::Event;
use constellation_core::ids::{DeviceId, Slot};
use constellation_core::metrics::{accuracy_over_devices, adjusted_rand_index};
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
            attackers: &conditions.attacking(config.seed, devices)
                | &conditions.difficult(config.seed, devices),
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
            Happening::Event(
                Event::Accepted { device, report, .. } | Event::Sketched { device, report, .. },
            ) => {
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
                    coalitions: self.coalitions(view),
                });
                rows
            }
            Happening::Event(_) | Happening::Settled { .. } => Vec::new(),
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

    fn is_honest(&self, slot: Slot) -> bool {
        !self.attackers.contains(&slot)
    }

    /// Agreement and number of coalitions by arm. An attacker has a hidden group, but nothing that it sends need show
    /// it, so agreement is that of the honest devices.
    fn coalitions(&self, view: &View) -> BTreeMap<String, (Option<f64>, u32)> {
        let honest = view.devices.iter().filter(|row| self.is_honest(row.slot));
        let groups: BTreeMap<DeviceId, u32> = honest
            .filter_map(|row| Some((row.id, row.group?)))
            .collect();
        let arms = view.arms.iter().map(|arm| {
            let coalitions = arm.coalitions.iter();
            let (found, hidden): (Vec<u32>, Vec<u32>) = coalitions
                .flat_map(|coalition| {
                    coalition
                        .members
                        .iter()
                        .map(|device| (coalition.id, device))
                })
                .filter_map(|(id, device)| Some((id.0, *groups.get(device)?)))
                .unzip();
            let agreement = adjusted_rand_index(&found, &hidden);
            (arm.name.clone(), (agreement, arm.coalitions.len() as u32))
        });
        arms.collect()
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
                self.is_honest(slot).then_some(())?;
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

#[cfg(test)]
mod tests {
    use constellation_core::config::RunConfig;
    use constellation_core::coordinator::{Coordinator, Input, Profile};
    use constellation_core::ids::CoalitionId;
    use constellation_core::view::CoalitionView;

    use super::*;
    use crate::conditions::{Attack, Attackers};

    #[test]
    fn where_attackers_are_is_no_matter_of_agreement() {
        const DEVICES: u32 = 8;
        let config = RunConfig::default().check().unwrap();
        let conditions = Conditions {
            attackers: Some(Attackers {
                fraction: 0.25,
                kind: Attack::LabelFlip,
                strength: 1.0,
            }),
            ..Conditions::default()
        };
        let mut room = Coordinator::new(config.clone());
        for device in (1..=DEVICES).map(DeviceId) {
            let name = String::new();
            let joined = Input::Joined {
                device,
                name,
                profile: Profile::of_ours(),
            };
            assert!(room.handle(0, joined).answer.is_ok());
        }
        let mut view = room.view("", 0);
        let measure = Measure::new(&config, &conditions, DEVICES);
        let honest = |slot| measure.is_honest(slot);
        assert_eq!(view.devices.iter().filter(|d| honest(d.slot)).count(), 6);
        // Honest devices are with their group, attackers together; then an honest one is with another group.
        for (strays, same) in [(0, true), (1, false)] {
            let mut strays = view.devices.iter().filter(|d| honest(d.slot)).take(strays);
            let stray = strays.next().map(|d| d.id);
            let mut members: BTreeMap<u32, Vec<DeviceId>> = BTreeMap::new();
            for device in &view.devices {
                let group = device.group.filter(|_| honest(device.slot));
                let astray = u32::from(Some(device.id) == stray);
                let coalition = group.map_or(9, |group| (group + astray) % 4);
                members.entry(coalition).or_default().push(device.id);
            }
            let coalitions = members.into_iter().map(|(id, members)| CoalitionView {
                id: CoalitionId(id),
                center: members[0],
                members,
                spread: 0.0,
            });
            view.arms[0].coalitions = coalitions.collect();
            let found = measure.coalitions(&view);
            let agreement = found[&view.arms[0].name].0.unwrap();
            assert_eq!(agreement == 1.0, same, "{agreement}");
        }
    }
}
