//! Coalitions of devices that agree about labels, whatever their mix of labels: this project's own method.
//!
//! A device's delta says two things: which labels its examples have, and what it takes them to look like. The first is
//! loud and does not matter here; distances between whole deltas are mostly about it. So devices are compared label by
//! label on the output layer, where the row of weights that leads to a label moves towards what the device sees under
//! that label. Two devices agree on a label if their rows moved in the same direction, and only labels that both have
//! count: those whose bias both have raised.
//!
//! From every device alone, the two coalitions that agree most are joined, until all that are left disagree: their
//! evidence is below minus [`PRESUMED`]. The number of coalitions comes out by
//! itself, and one is possible: where all devices see the same, all agree, however few labels each has. Joining by
//! summed evidence is correlation clustering (Bansal, Blum and Chawla, "Correlation clustering", 2004), done greedily.

use crate::params::ParamSpec;

/// What speaks for joining before anything is seen: devices of which nothing is known are together.
const PRESUMED: f64 = 0.25;

/// How one device, or several together, moved the output layer, label by label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelRows {
    /// Direction times mass, for every label, `[labels, inputs]`.
    rows: Vec<Vec<f64>>,
    /// How much of a label there is: how far its bias was raised, 0 where it was not, as a share of all that was
    /// raised. Several devices together have the sum of their masses.
    mass: Vec<f64>,
}

impl LabelRows {
    /// Of the output layer's part of a delta, or of a sum of deltas: weights `[labels, inputs]`, then biases.
    #[must_use]
    pub fn new(output: &[f32], labels: usize) -> Self {
        let (weights, biases) = output.split_at(output.len().saturating_sub(labels));
        let raised = || biases.iter().map(|bias| f64::from(*bias).max(0.0));
        let all: f64 = raised().sum();
        let share = |raised: f64| if all > 0.0 { raised / all } else { 0.0 };
        let mass: Vec<f64> = raised().map(share).collect();
        let inputs = (weights.len() / mass.len().max(1)).max(1);
        let rows = weights.chunks_exact(inputs).zip(&mass);
        Self {
            rows: rows.map(|(row, mass)| directed(row, *mass)).collect(),
            mass,
        }
    }

    /// Evidence that both see the same: over the labels that both have, how far their rows agree, times the geometric
    /// mean of the masses. 1 for two devices with the same mix of labels and the same rows.
    fn agreement(&self, other: &Self, asked: f64) -> f64 {
        let labels = self.rows.iter().zip(&self.mass);
        labels
            .zip(other.rows.iter().zip(&other.mass))
            .map(|((a, mass_a), (b, mass_b))| {
                let lengths = libm::sqrt(dot(a, a) * dot(b, b));
                if lengths > 0.0 {
                    libm::sqrt(mass_a * mass_b) * agreement_of(dot(a, b) / lengths, asked)
                } else {
                    0.0
                }
            })
            .sum()
    }

    /// Of several devices together; nothing, of none.
    #[must_use]
    pub fn together<'a>(devices: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut devices = devices.into_iter();
        let mut all = devices.next().cloned().unwrap_or_default();
        devices.for_each(|device| all.join(device));
        all
    }

    fn join(&mut self, other: &Self) {
        for (a, b) in self.rows.iter_mut().zip(&other.rows) {
            for (a, b) in a.iter_mut().zip(b) {
                *a += b;
            }
        }
        for (a, b) in self.mass.iter_mut().zip(&other.mass) {
            *a += b;
        }
    }
}

/// What a cosine says: 1 for the same direction, 0 for the cosine that is `asked` for, and below that the less the
/// faster, as for the logarithm of a normal density: one label that two devices see in quite another way outweighs many
/// that they see alike, as it must where groups differ in a few labels. No more is said by less than a right angle.
fn agreement_of(cosine: f64, asked: f64) -> f64 {
    let apart = (1.0 - cosine.max(0.0)) / (1.0 - asked).max(f64::EPSILON);
    1.0 - apart * apart
}

/// Where in a model's values the output layer begins, and its number of labels: the last two tensors are its weights
/// and biases.
#[must_use]
pub fn output_layer(spec: &ParamSpec) -> (usize, usize) {
    match spec.tensors() {
        [.., weights, biases] => (weights.offset, biases.len),
        _ => (0, 0),
    }
}

/// Coalitions of devices that do not disagree: `agreement` is the cosine that is asked for. Members in order; coalitions by first member.
#[must_use]
pub fn form(devices: &[LabelRows], agreement: f64) -> Vec<Vec<usize>> {
    let mut coalitions: Vec<(Vec<usize>, LabelRows)> = devices
        .iter()
        .enumerate()
        .map(|(i, rows)| (vec![i], rows.clone()))
        .collect();
    // `evidence[a][b]` for b < a, so that joining two costs one row and not all pairs.
    let mut evidence: Vec<Vec<f64>> = Vec::with_capacity(devices.len());
    for (a, rows) in devices.iter().enumerate() {
        let row = devices[..a].iter().map(|b| rows.agreement(b, agreement));
        evidence.push(row.collect());
    }
    while let Some((a, b)) = most(&evidence) {
        let (members, rows) = coalitions.remove(a);
        evidence.remove(a);
        for row in evidence.iter_mut().skip(a) {
            row.remove(a);
        }
        coalitions[b].0.extend(members);
        coalitions[b].1.join(&rows);
        for c in 0..coalitions.len() {
            if c != b {
                let found = coalitions[c].1.agreement(&coalitions[b].1, agreement);
                evidence[c.max(b)][c.min(b)] = found;
            }
        }
    }
    let mut members: Vec<Vec<usize>> = coalitions.into_iter().map(|(members, _)| members).collect();
    for coalition in &mut members {
        coalition.sort_unstable();
    }
    members.sort();
    members
}

/// The pair with the most evidence, the first of equals; none if all that are left disagree.
fn most(evidence: &[Vec<f64>]) -> Option<(usize, usize)> {
    let mut best = (-PRESUMED, None);
    for (a, row) in evidence.iter().enumerate() {
        for (b, &found) in row.iter().enumerate() {
            if found > best.0 {
                best = (found, Some((a, b)));
            }
        }
    }
    best.1
}

fn directed(row: &[f32], mass: f64) -> Vec<f64> {
    let length = crate::distance::norm(row);
    let scale = if length > 0.0 { mass / length } else { 0.0 };
    row.iter().map(|v| f64::from(*v) * scale).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two labels, two inputs: rows of weights, then biases.
    fn rows(delta: [f32; 6]) -> LabelRows {
        LabelRows::new(&delta, 2)
    }

    #[test]
    fn only_labels_that_both_have_count() {
        let a = rows([3.0, 4.0, 9.0, 9.0, 0.5, -1.0]);
        let b = rows([6.0, 8.0, -1.0, 0.0, 2.0, 2.5]);
        // The first label: same direction, masses 1 and 4/9. The second is not a's.
        assert!((a.agreement(&b, 0.8) - 2.0 / 3.0).abs() < 1e-6);
        let c = rows([-4.0, 3.0, 0.0, 0.0, 2.0, 0.0]);
        assert!(
            (a.agreement(&c, 0.8) + 24.0).abs() < 1e-6,
            "at right angles"
        );
    }

    #[test]
    fn devices_that_see_the_same_under_a_label_are_together() {
        let devices = [
            // Label 0 looks like input 0, label 1 like input 1.
            rows([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
            rows([0.9, 0.1, 0.0, 1.0, 1.0, 1.0]),
            rows([0.0, 0.0, 0.1, 0.9, 0.0, 1.0]),
            // The other way round.
            rows([0.0, 1.0, 1.0, 0.0, 1.0, 1.0]),
            rows([0.1, 0.9, 0.0, 0.0, 1.0, 0.0]),
        ];
        // 0 and 2 have no label in common; 1 brings them together.
        assert_eq!(form(&devices, 0.8), [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(form(&devices, -1.0), [vec![0, 1, 2, 3, 4]]);
        assert_eq!(form(&[], 0.8), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn nothing_speaks_against_devices_without_a_label_in_common() {
        let devices = [
            rows([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
            rows([0.0, 0.0, 1.0, 0.0, 0.0, 1.0]),
        ];
        assert_eq!(form(&devices, 0.8), [vec![0, 1]]);
    }

    #[test]
    fn a_little_disagreement_is_not_enough_to_part() {
        // Cosines of 0.6 and 0.8 under the one label that both have.
        let [a, b, c] =
            [[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]].map(|[x, y]| rows([x, y, 0.0, 0.0, 1.0, 0.0]));
        assert_eq!(form(&[a.clone(), b], 0.82), [vec![0], vec![1]]);
        assert_eq!(form(&[a, c], 0.82), [vec![0, 1]]);
    }

    #[test]
    fn one_label_seen_otherwise_outweighs_one_seen_alike() {
        let a = rows([1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let b = rows([1.0, 0.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!(form(&[a, b], 0.5), [vec![0], vec![1]]);
    }

    proptest! {
        #[test]
        fn every_device_is_in_one_coalition(
            deltas in prop::collection::vec(prop::array::uniform6(-1.0_f32..1.0), 0..12), agreement in -1.0..1.0,
        ) {
            let devices: Vec<LabelRows> = deltas.into_iter().map(rows).collect();
            let mut all = form(&devices, agreement).concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..devices.len()).collect::<Vec<_>>());
        }
    }
}
