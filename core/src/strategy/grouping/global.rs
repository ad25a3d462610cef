//! The global step: what comes of the coalitions' barycenters together, and who counts less in it than others.

use std::sync::Arc;

use super::super::set_aside::set_aside;
use super::super::{Coalition, Shares};
use super::Grouping;
use crate::aggregate::robust::{Combined, Entry, combine, mean};
use crate::config::Aggregation;
use crate::view::{Place, SetAside};

impl Grouping {
    /// Goes on from these coalitions.
    pub(in crate::strategy) fn take(&mut self, coalitions: Vec<Coalition>) {
        self.coalitions = coalitions;
        let entries: Vec<Entry<'_>> = self
            .coalitions
            .iter()
            .map(|coalition| Entry {
                start: &self.global,
                model: &coalition.barycenter,
                weight: coalition.weight * self.vote(coalition),
            })
            .collect();
        let combined = match &self.options.global {
            None => mean(&entries),
            Some(rule) => combine(rule, &entries),
        };
        // Without any weight the global model stays, and none of these coalitions has made it.
        self.counts.clear();
        if let Some(Combined { model, shares }) = combined {
            self.global = Arc::new(model);
            self.counts = shares;
        }
    }

    /// How full a coalition's vote is, up to 1.
    fn vote(&self, coalition: &Coalition) -> f64 {
        let full = self.options.full_vote.unwrap_or(1);
        (coalition.members.len() as f64 / f64::from(full)).min(1.0)
    }

    /// What each device's update counts in the global model.
    pub(in crate::strategy) fn global_shares(&self) -> Shares {
        let mut all = Shares::new();
        for (coalition, counts) in self.coalitions.iter().zip(&self.counts) {
            for (device, share) in &coalition.shares {
                *all.entry(*device).or_default() += share * counts;
            }
        }
        all
    }

    /// Who was set aside when barycenters and the global model were made.
    pub(in crate::strategy) fn set_aside(&self) -> Vec<SetAside> {
        let total: f64 = self.coalitions.iter().map(|c| c.weight).sum();
        let mut aside = Vec::new();
        for (coalition, counts) in self.coalitions.iter().zip(&self.counts) {
            if let Some(Aggregation { rule, .. }) = self.options.barycenters {
                let fair = 1.0 / coalition.shares.len() as f64;
                let shares = coalition
                    .shares
                    .iter()
                    .map(|(device, share)| (*device, *share, fair));
                aside.extend(set_aside(Place::Coalition, Some(rule), shares));
            }
            let has_full_vote = self.vote(coalition) == 1.0;
            let rule = self
                .options
                .global
                .filter(|_| has_full_vote)
                .map(|global| global.rule);
            let fair = coalition.weight / total;
            let members = coalition
                .members
                .iter()
                .map(|device| (*device, *counts, fair));
            aside.extend(set_aside(Place::Global, rule, members));
        }
        aside
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{members, model, round};
    use super::*;
    use crate::config::{Formation, Rule};
    use crate::ids::DeviceId;

    /// Three near 1, three near 11, and one that is alone at -90.
    const UPDATES: [(u32, &[f32]); 7] = [
        (1, &[0.0]),
        (1, &[1.0]),
        (1, &[2.0]),
        (1, &[9.0]),
        (1, &[10.0]),
        (1, &[14.0]),
        (1, &[-90.0]),
    ];

    fn after(options: &Formation) -> Grouping {
        let options = Formation {
            k: 3,
            restarts: 50,
            ..options.clone()
        };
        let mut grouping = Grouping::new(options, model(&[0.0]));
        grouping.close(&round(1, &UPDATES));
        let expected = [vec![1, 2, 3], vec![4, 5, 6], vec![7]];
        assert_eq!(members(grouping.coalitions()), expected);
        grouping
    }

    const MEDIAN: Aggregation = Aggregation {
        rule: Rule::Median,
        bad: 0.0,
    };

    /// Devices, places, and by which rule.
    fn aside(grouping: &Grouping) -> Vec<(u32, Place, Option<Rule>)> {
        let aside = grouping.set_aside().into_iter();
        let mut aside: Vec<_> = aside.map(|a| (a.device.0, a.place, a.rule)).collect();
        aside.sort_by_key(|(device, ..)| *device);
        aside
    }

    #[test]
    fn without_rules_nobody_is_set_aside() {
        let grouping = after(&Formation::default());
        assert_eq!(aside(&grouping), []);
        assert_eq!(grouping.global().values(), [(1.0 + 11.0 - 90.0) / 3.0]);
        assert_eq!(grouping.global_shares()[&DeviceId(7)], 1.0 / 3.0);
    }

    #[test]
    fn a_lone_device_has_a_part_of_a_vote() {
        let grouping = after(&Formation {
            full_vote: Some(4),
            ..Formation::default()
        });
        // ¾, ¾ and ¼ of a vote.
        assert!((grouping.global().values()[0] - (3.0 + 33.0 - 90.0) / 7.0).abs() < 1e-5);
        let few = (7, Place::Global, None);
        assert_eq!(aside(&grouping), [few]);
        assert!((grouping.global_shares()[&DeviceId(7)] - 1.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn barycenters_and_the_global_model_follow_rules() {
        let grouping = after(&Formation {
            barycenters: Some(MEDIAN),
            global: Some(MEDIAN),
            ..Formation::default()
        });
        let mut barycenters: Vec<f32> = grouping
            .coalitions()
            .iter()
            .map(|coalition| coalition.barycenter.values()[0])
            .collect();
        barycenters.sort_by(f32::total_cmp);
        assert_eq!(barycenters, [-90.0, 1.0, 10.0]);
        assert_eq!(grouping.global().values(), [1.0]);
        let (inside, outside) = (Place::Coalition, Place::Global);
        let rule = Some(Rule::Median);
        assert_eq!(
            aside(&grouping),
            [
                (1, inside, rule),
                (3, inside, rule),
                (4, inside, rule),
                (4, outside, rule),
                (5, outside, rule),
                (6, inside, rule),
                (6, outside, rule),
                (7, outside, rule),
            ]
        );
    }
}
