//! Which new coalition is which old one, so that colours and names stay.

use std::collections::BTreeSet;

use crate::ids::{CoalitionId, DeviceId};

/// Gives every coalition of `next` an id: that of the coalition of `previous` with which it has the most members in
/// common, largest overlaps first, ties to the lower id and the earlier coalition; what is left over gets the lowest
/// free ids.
#[must_use]
pub fn keep_ids(
    previous: &[(CoalitionId, BTreeSet<DeviceId>)],
    next: &[BTreeSet<DeviceId>],
) -> Vec<CoalitionId> {
    let mut overlaps: Vec<(usize, CoalitionId, usize)> = previous
        .iter()
        .flat_map(|(id, old)| {
            next.iter()
                .enumerate()
                .map(|(at, new)| (old.intersection(new).count(), *id, at))
        })
        .filter(|(overlap, _, _)| *overlap > 0)
        .collect();
    overlaps.sort_by_key(|(overlap, id, at)| (core::cmp::Reverse(*overlap), *id, *at));
    let mut ids: Vec<Option<CoalitionId>> = vec![None; next.len()];
    let mut taken = BTreeSet::new();
    for (_, id, at) in overlaps {
        if ids[at].is_none() && taken.insert(id) {
            ids[at] = Some(id);
        }
    }
    let mut free = (0..).map(CoalitionId).filter(|id| !taken.contains(id));
    ids.into_iter()
        .map(|id| id.or_else(|| free.next()).unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(devices: &[u32]) -> BTreeSet<DeviceId> {
        devices.iter().copied().map(DeviceId).collect()
    }

    #[test]
    fn ids_follow_the_members() {
        let previous = [
            (CoalitionId(0), set(&[1, 2, 3])),
            (CoalitionId(4), set(&[4, 5])),
        ];
        let ids = keep_ids(&previous, &[set(&[4, 5, 1]), set(&[6]), set(&[2, 3])]);
        assert_eq!(ids, [CoalitionId(4), CoalitionId(1), CoalitionId(0)]);
    }

    #[test]
    fn the_first_ids_count_from_zero() {
        assert_eq!(
            keep_ids(&[], &[set(&[1]), set(&[2])]),
            [CoalitionId(0), CoalitionId(1)]
        );
    }
}
