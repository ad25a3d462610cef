//! Who was in which coalition in the rounds that are over.

use std::collections::VecDeque;

use crate::ids::Round;
use crate::strategy::Coalition;
use crate::view::{Membership, RoundMemberships};

/// The last rounds' coalitions of an arm, as many as a number of memberships allows.
#[derive(Debug)]
pub(super) struct PastMemberships {
    rounds: VecDeque<RoundMemberships>,
    /// Memberships in all rounds together.
    kept: usize,
    most: usize,
}

impl PastMemberships {
    pub(super) fn new(most: usize) -> Self {
        Self {
            rounds: VecDeque::new(),
            kept: 0,
            most,
        }
    }

    /// Adds a round, unless it has no coalitions, and forgets the oldest ones if there are too many. The last one stays.
    pub(super) fn add(&mut self, round: Round, agreement: Option<f64>, coalitions: &[Coalition]) {
        if coalitions.is_empty() {
            return;
        }
        let row = RoundMemberships {
            round,
            agreement,
            coalitions: coalitions
                .iter()
                .map(|coalition| Membership {
                    id: coalition.id,
                    members: coalition.members.iter().copied().collect(),
                })
                .collect(),
        };
        self.kept += memberships(&row);
        self.rounds.push_back(row);
        while self.kept > self.most && self.rounds.len() > 1 {
            self.kept -= self.rounds.pop_front().map_or(0, |row| memberships(&row));
        }
    }

    /// The rounds after one, in order.
    pub(super) fn after(&self, round: Round) -> Vec<RoundMemberships> {
        let first = self.rounds.partition_point(|row| row.round <= round);
        self.rounds.range(first..).cloned().collect()
    }
}

fn memberships(row: &RoundMemberships) -> usize {
    row.coalitions
        .iter()
        .map(|coalition| coalition.members.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CoalitionId, DeviceId};
    use crate::strategy::Shares;
    use crate::strategy::testing::model;

    fn coalition(members: &[u32]) -> Coalition {
        Coalition {
            id: CoalitionId(0),
            members: members.iter().copied().map(DeviceId).collect(),
            center: DeviceId(members[0]),
            barycenter: model(&[0.0]),
            spread: 0.0,
            weight: 1.0,
            shares: Shares::new(),
        }
    }

    fn rounds(past: &PastMemberships, after: u32) -> Vec<u32> {
        past.after(Round(after))
            .iter()
            .map(|row| row.round.0)
            .collect()
    }

    #[test]
    fn the_oldest_rounds_go_when_there_are_too_many_memberships() {
        let mut past = PastMemberships::new(6);
        for round in 1..=3 {
            past.add(Round(round), None, &[coalition(&[1, 2])]);
        }
        assert_eq!(rounds(&past, 0), [1, 2, 3], "six are as many as may be");
        past.add(Round(4), None, &[coalition(&[1])]);
        assert_eq!(rounds(&past, 0), [2, 3, 4]);
        past.add(Round(5), None, &[coalition(&[1, 2, 3, 4, 5, 6, 7])]);
        assert_eq!(rounds(&past, 0), [5], "the last round is always there");
    }

    #[test]
    fn rounds_without_coalitions_are_left_out() {
        let mut past = PastMemberships::new(6);
        past.add(Round(1), None, &[]);
        past.add(Round(2), Some(0.5), &[coalition(&[4, 2])]);
        past.add(Round(4), None, &[coalition(&[4])]);
        assert_eq!(rounds(&past, 0), [2, 4]);
        assert_eq!(rounds(&past, 2), [4]);
        assert_eq!(rounds(&past, 3), [4]);
        assert_eq!(rounds(&past, 4), [] as [u32; 0]);
        let first = &past.after(Round(0))[0];
        assert_eq!(first.agreement, Some(0.5));
        assert_eq!(first.coalitions[0].members, [DeviceId(2), DeviceId(4)]);
    }
}
