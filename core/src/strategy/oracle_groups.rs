//! Federated averaging within the hidden groups. No method: the ceiling for those that must find the groups out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::grouping::Members;
use super::{Coalition, Federations, RoundUpdates, Strategy};
use crate::ids::{CoalitionId, DeviceId};
use crate::params::Params;
use crate::wire::{Start, Task};

/// One model per hidden group, whose number is the coalition's id; devices without a group are together, one past the
/// highest group. A newcomer starts from its group's model as soon as a round has closed with it in the room, whether
/// it sent an update or not.
#[derive(Debug)]
pub(super) struct OracleGroups {
    federations: Federations,
}

impl OracleGroups {
    pub(super) fn new(initial: Arc<Params>) -> Self {
        Self {
            federations: Federations::new(initial),
        }
    }
}

impl Strategy for OracleGroups {
    fn task(&self, device: DeviceId) -> Task {
        Start::Model(Arc::clone(self.federations.model_of(device))).into()
    }

    fn close(&mut self, round: &RoundUpdates) {
        let groups = round.in_room.values().flatten();
        let none = groups.max().map_or(0, |highest| highest + 1);
        let mut members: BTreeMap<u32, BTreeSet<DeviceId>> = BTreeMap::new();
        for (device, group) in &round.in_room {
            let together = members.entry(group.unwrap_or(none)).or_default();
            together.insert(*device);
        }
        let members: Members = members
            .into_iter()
            .map(|(group, devices)| (CoalitionId(group), devices))
            .collect();
        self.federations.close(round, members);
    }

    fn global(&self) -> &Arc<Params> {
        self.federations.global()
    }

    fn coalitions(&self) -> &[Coalition] {
        self.federations.coalitions()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{model, round, start};
    use super::*;

    #[test]
    fn groups_are_federations() {
        let mut strategy = OracleGroups::new(model(&[0.0]));
        let mut first = round(1, &[(1, &[1.0]), (3, &[5.0]), (1, &[10.0]), (1, &[20.0])]);
        // Device 6 has sent nothing, and neither has anybody of group 1.
        first.in_room = [
            (1, Some(2)),
            (2, Some(2)),
            (3, Some(0)),
            (4, None),
            (5, Some(1)),
            (6, Some(0)),
        ]
        .map(|(device, group)| (DeviceId(device), group))
        .into();
        strategy.close(&first);
        let ids: Vec<u32> = strategy.coalitions().iter().map(|c| c.id.0).collect();
        assert_eq!(ids, [0, 2, 3]);
        assert_eq!(start(&strategy, 1), [4.0]);
        assert_eq!(start(&strategy, 2), [4.0]);
        assert_eq!(start(&strategy, 3), [10.0]);
        assert_eq!(start(&strategy, 4), [20.0]);
        assert_eq!(start(&strategy, 6), [10.0], "its group is known");
        let global = (4.0 * 4.0 + 10.0 + 20.0) / 6.0;
        assert!(
            (start(&strategy, 5)[0] - global).abs() < 1e-6,
            "its group has no model"
        );
        assert_eq!(start(&strategy, 5), start(&strategy, 9));
    }
}
