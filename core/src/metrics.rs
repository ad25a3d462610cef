//! Numbers about partitions and accuracies.

use std::collections::BTreeMap;

use crate::view::Accuracy;

/// Adjusted Rand index of two partitions of the same items (Hubert and Arabie 1985): 1 where they are the same, about
/// 0 where they agree as chance would have it. `None` of fewer than two items.
///
/// Where both put all items together, or both every item alone, the index is 0/0 and taken as 1: they are the same.
#[must_use]
pub fn adjusted_rand_index(a: &[u32], b: &[u32]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "two partitions of the same items");
    if a.len() < 2 {
        return None;
    }
    let (mut both, mut rows, mut columns) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (&a, &b) in a.iter().zip(b) {
        *both.entry((a, b)).or_insert(0_u64) += 1;
        *rows.entry(a).or_insert(0_u64) += 1;
        *columns.entry(b).or_insert(0_u64) += 1;
    }
    let pairs = |n: u64| (n * n.saturating_sub(1) / 2) as f64;
    let together: f64 = both.values().map(|&n| pairs(n)).sum();
    let in_a: f64 = rows.values().map(|&n| pairs(n)).sum();
    let in_b: f64 = columns.values().map(|&n| pairs(n)).sum();
    let expected = in_a * in_b / pairs(a.len() as u64);
    let most = f64::midpoint(in_a, in_b);
    Some(if most == expected {
        1.0
    } else {
        (together - expected) / (most - expected)
    })
}

/// Mean, worst, best and worst group of devices' accuracies, given as `(group, accuracy)`; `None` of no devices.
#[must_use]
pub fn accuracy_over_devices(devices: &[(Option<u32>, f64)]) -> Option<Accuracy> {
    let values = || devices.iter().map(|(_, accuracy)| *accuracy);
    let worst = values().reduce(f64::min)?;
    let best = values().reduce(f64::max)?;
    let mean = values().sum::<f64>() / devices.len() as f64;
    let mut groups: BTreeMap<u32, (f64, u32)> = BTreeMap::new();
    for (group, accuracy) in devices {
        if let Some(group) = group {
            let (sum, count) = groups.entry(*group).or_default();
            *sum += accuracy;
            *count += 1;
        }
    }
    let worst_group = groups
        .values()
        .map(|(sum, count)| sum / f64::from(*count))
        .reduce(f64::min)
        .unwrap_or(worst);
    let mut ascending: Vec<f64> = values().collect();
    ascending.sort_by(f64::total_cmp);
    let tenth = ascending.len().div_ceil(10);
    Some(Accuracy {
        mean,
        worst,
        best,
        worst_tenth: ascending[..tenth].iter().sum::<f64>() / tenth as f64,
        worst_group,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_hubert_and_arabie() {
        assert_eq!(adjusted_rand_index(&[0, 0, 1, 1], &[5, 5, 2, 2]), Some(1.0));
        let crossed = adjusted_rand_index(&[0, 0, 1, 1], &[0, 1, 0, 1]).unwrap();
        assert!((crossed + 0.5).abs() < 1e-12, "{crossed}");
        // Pairs together in both: 1 + 1; in a: 3 + 3; in b: 1 + 1 + 1; of 15 in all.
        let found = adjusted_rand_index(&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 1, 2, 2]).unwrap();
        let expected = (2.0 - 6.0 * 3.0 / 15.0) / (4.5 - 6.0 * 3.0 / 15.0);
        assert!((found - expected).abs() < 1e-12, "{found}");
    }

    #[test]
    fn the_index_of_partitions_without_a_choice() {
        assert_eq!(adjusted_rand_index(&[0, 0, 0], &[1, 1, 1]), Some(1.0));
        assert_eq!(adjusted_rand_index(&[0, 1, 2], &[2, 1, 0]), Some(1.0));
        assert_eq!(adjusted_rand_index(&[0, 0, 0], &[0, 1, 2]), Some(0.0));
        assert_eq!(adjusted_rand_index(&[0], &[0]), None);
    }

    #[test]
    fn accuracies_come_with_the_worst() {
        let found = accuracy_over_devices(&[
            (Some(0), 0.5),
            (Some(0), 0.7),
            (Some(1), 0.4),
            (Some(1), 1.0),
        ])
        .unwrap();
        assert!((found.mean - 0.65).abs() < 1e-12);
        assert_eq!((found.worst, found.best), (0.4, 1.0));
        assert_eq!(found.worst_tenth, 0.4);
        assert!((found.worst_group - 0.6).abs() < 1e-12);
        assert_eq!(
            accuracy_over_devices(&[(None, 0.5)]).unwrap().worst_group,
            0.5
        );
        assert_eq!(accuracy_over_devices(&[]), None);
        // The worst two of eleven: 0.1 and 0.2.
        let eleven: Vec<_> = (1..=11).map(|i| (None, f64::from(i) / 10.0)).collect();
        let tenth = accuracy_over_devices(&eleven).unwrap().worst_tenth;
        assert!((tenth - 0.15).abs() < 1e-12, "{tenth}");
    }
}
