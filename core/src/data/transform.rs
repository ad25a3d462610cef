//! How a hidden group sees an example.

use crate::config::{DataConfig, GroupKind};
use crate::ids::Slot;
use crate::rng::{Purpose, Stream};

/// A group's way of seeing images and labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupView {
    quarter_turns: u32,
    /// What each label is called in this group.
    labels: Vec<u8>,
}

impl GroupView {
    /// The view of the group that a slot belongs to: slot s is in group s mod count.
    #[must_use]
    pub fn new(config: &DataConfig, seed: u32, slot: Slot) -> Self {
        let mut labels: Vec<u8> = (0..config.dataset.classes() as u8).collect();
        let mut quarter_turns = 0;
        if let Some(groups) = &config.groups {
            let group = groups.of(slot);
            match groups.kind {
                // Two groups are half a turn apart.
                GroupKind::Rotation => quarter_turns = group * (4 / groups.count.max(1)),
                GroupKind::LabelSwap if groups.pairs.is_some() => {
                    let pairs = groups.pairs.unwrap_or_default();
                    swap_some(&mut labels, seed, group, pairs as usize);
                }
                GroupKind::LabelSwap if group > 0 => swap_in_pairs(&mut labels, seed, group),
                GroupKind::LabelSwap => {}
            }
        }
        Self {
            quarter_turns,
            labels,
        }
    }

    /// Upright, with so many labels called as they are.
    pub(super) fn of_nobody(classes: u32) -> Self {
        Self {
            quarter_turns: 0,
            labels: (0..classes as u8).collect(),
        }
    }

    /// The image as this group sees it: turned anticlockwise.
    #[must_use]
    pub fn image<P: Copy>(&self, pixels: &[P], width: usize) -> Vec<P> {
        (0..self.quarter_turns).fold(pixels.to_vec(), |image, _| quarter_turn(&image, width))
    }

    /// The label as this group calls it.
    #[must_use]
    pub fn label(&self, label: u8) -> u8 {
        self.labels[usize::from(label)]
    }

    /// What this group calls each label, in order.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// By how many quarters this group sees images turned, anticlockwise.
    #[must_use]
    pub fn quarter_turns(&self) -> u32 {
        self.quarter_turns
    }
}

/// Pairs all labels at random and swaps the two of each pair. With an odd number one label stays.
fn swap_in_pairs(labels: &mut [u8], seed: u32, group: u32) {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    Stream::new(seed, Purpose::LabelSwap, group, 0).shuffle(&mut order);
    for [a, b] in order.as_chunks::<2>().0 {
        labels.swap(*a, *b);
    }
}

/// Swaps so many pairs, group after group taking the next labels of one random order, wrapping round. Where a group
/// would swap what one before it does, the labels pair anew, so that no two groups are the same.
fn swap_some(labels: &mut [u8], seed: u32, group: u32, pairs: usize) {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    Stream::new(seed, Purpose::LabelSwap, 0, 0).shuffle(&mut order);
    let group = group as usize;
    // After so many groups one starts at the first label again.
    let lap = (1..=order.len()).find(|groups| (groups * 2 * pairs).is_multiple_of(order.len()));
    let order = paired_anew(&order, group / lap.unwrap_or(1));
    for pair in 0..pairs {
        let at = 2 * (group * pairs + pair);
        let (a, b) = (order[at % order.len()], order[(at + 1) % order.len()]);
        labels.swap(a, b);
    }
}

/// Neighbours of an order, two by two, as a round of a tournament pairs them (circle method): with an even number n
/// nobody meets the same one twice in n - 1 rounds. Round 0 leaves them as they are.
fn paired_anew(order: &[usize], round: usize) -> Vec<usize> {
    let n = order.len();
    let down = order.iter().step_by(2);
    let up = order.iter().skip(1).step_by(2).rev();
    let mut circle: Vec<usize> = down.chain(up).copied().collect();
    if let Some(others) = circle.get_mut(1..).filter(|others| !others.is_empty()) {
        others.rotate_right(round % others.len());
    }
    let place = |i: usize| {
        if i.is_multiple_of(2) {
            i / 2
        } else {
            n - 1 - i / 2
        }
    };
    (0..n).map(|i| circle[place(i)]).collect()
}

/// Turns a square image by 90 degrees, anticlockwise.
fn quarter_turn<P: Copy>(pixels: &[P], width: usize) -> Vec<P> {
    (0..pixels.len())
        .map(|to| pixels[to % width * width + (width - 1 - to / width)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Groups;

    fn view(kind: GroupKind, count: u32, slot: u32) -> GroupView {
        let config = DataConfig {
            groups: Some(Groups::equal(count, kind)),
            ..DataConfig::default()
        };
        GroupView::new(&config, 7, Slot(slot))
    }

    #[test]
    fn images_turn_by_quarters() {
        let image = [1, 2, 3, 4];
        let turned = |slot| view(GroupKind::Rotation, 4, slot).image(&image, 2);
        assert_eq!(turned(0), [1, 2, 3, 4]);
        assert_eq!(turned(1), [2, 4, 1, 3]);
        assert_eq!(turned(2), [4, 3, 2, 1]);
        assert_eq!(turned(3), [3, 1, 4, 2]);
        assert_eq!(turned(4), turned(0));
        assert_eq!(
            view(GroupKind::Rotation, 2, 1).image(&image, 2),
            [4, 3, 2, 1]
        );
    }

    #[test]
    fn swapped_labels_swap_back_and_none_stays() {
        assert!((0..10).all(|l| view(GroupKind::LabelSwap, 4, 0).label(l) == l));
        let mut seen = std::collections::BTreeSet::new();
        for slot in 1..4 {
            let view = view(GroupKind::LabelSwap, 4, slot);
            for label in 0..10 {
                assert_ne!(view.label(label), label);
                assert_eq!(view.label(view.label(label)), label);
            }
            assert!(
                seen.insert(view.labels.clone()),
                "every group has pairs of its own"
            );
        }
    }

    #[test]
    fn groups_may_swap_just_some_labels() {
        let groups = Groups {
            pairs: Some(1),
            ..Groups::equal(4, GroupKind::LabelSwap)
        };
        let config = DataConfig {
            groups: Some(groups),
            ..DataConfig::default()
        };
        let mut swapped = Vec::new();
        for slot in 0..4 {
            let view = GroupView::new(&config, 7, Slot(slot));
            let moved: Vec<u8> = (0..10).filter(|&l| view.label(l) != l).collect();
            assert_eq!(moved.len(), 2, "{moved:?}");
            swapped.extend(moved);
        }
        swapped.sort_unstable();
        swapped.dedup();
        assert_eq!(swapped.len(), 8, "each group has labels of its own");
    }
    #[test]
    fn no_two_groups_swap_the_same_pairs() {
        for (count, pairs) in [(10, 1), (10, 2), (10, 3), (10, 4), (9, 5)] {
            let groups = Groups {
                pairs: Some(pairs),
                ..Groups::equal(count, GroupKind::LabelSwap)
            };
            let config = DataConfig {
                groups: Some(groups),
                ..DataConfig::default()
            };
            let views: Vec<_> = (0..count)
                .map(|slot| GroupView::new(&config, 7, Slot(slot)))
                .collect();
            for (group, view) in views.iter().enumerate() {
                let moved = (0..10).filter(|&l| view.label(l) != l);
                assert_eq!(moved.count() as u32, 2 * pairs, "group {group}");
                assert!((0..10).all(|l| view.label(view.label(l)) == l));
                assert!(
                    !views[..group].contains(view),
                    "group {group}, {pairs} pairs"
                );
            }
        }
    }

    #[test]
    fn everybody_meets_everybody_once() {
        let order = [4, 0, 3, 1, 5, 2];
        assert_eq!(paired_anew(&order, 0), order);
        let mut met = std::collections::BTreeSet::new();
        for round in 0..5 {
            for &[a, b] in paired_anew(&order, round).as_chunks::<2>().0 {
                assert!(met.insert((a.min(b), a.max(b))), "round {round}");
            }
        }
        assert_eq!(met.len(), 15);
    }
}
