//! How far the coalitions of two arms of a run agree, round by round.

use std::collections::BTreeMap;

use constellation_core::ids::{DeviceId, Round};
use constellation_core::metrics::adjusted_rand_index;
use constellation_core::view::CoalitionView;
use serde::Deserialize;
use thiserror::Error;

/// Why two arms cannot be compared.
#[derive(Debug, Error)]
pub enum AgreementError {
    /// A line is none of a record.
    #[error("line {line} cannot be read: {source}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// No round has coalitions of both.
    #[error("no round of the record has coalitions of \"{0}\" and of \"{1}\"")]
    Nothing(String, String),
}

/// A seed's rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedAgreement {
    /// The seed.
    pub seed: u32,
    /// Adjusted Rand index of the arms' coalitions after a round, over the devices that are in one of both.
    pub rounds: Vec<(Round, f64)>,
}

impl SeedAgreement {
    /// Mean from a round on; none if it ends before.
    #[must_use]
    pub fn mean_from(&self, round: Round) -> Option<f64> {
        let late = self.rounds.iter().filter(|(other, _)| *other >= round);
        let (count, sum) = late.fold((0_u32, 0.0), |(n, sum), (_, index)| (n + 1, sum + index));
        (count > 0).then(|| sum / f64::from(count))
    }
}

/// A line of a record, as far as it is needed.
#[derive(Deserialize)]
struct Line {
    event: String,
    config: Option<Config>,
    round: Option<Round>,
    coalitions: Option<BTreeMap<String, Vec<CoalitionView>>>,
}

#[derive(Deserialize)]
struct Config {
    seed: u32,
}

/// Compares two arms of a record.
///
/// # Errors
/// A line that cannot be read, or no round with coalitions of both.
pub fn agreement(
    record: &str,
    one: &str,
    other: &str,
) -> Result<Vec<SeedAgreement>, AgreementError> {
    let mut seeds: Vec<SeedAgreement> = Vec::new();
    for (number, line) in record.lines().enumerate() {
        let line: Line = serde_json::from_str(line).map_err(|source| AgreementError::Line {
            line: number + 1,
            source,
        })?;
        if let ("run_configured", Some(Config { seed })) = (line.event.as_str(), line.config) {
            let rounds = Vec::new();
            seeds.push(SeedAgreement { seed, rounds });
        }
        if let ("round_closed", Some(round), Some(coalitions), Some(seed)) = (
            line.event.as_str(),
            line.round,
            line.coalitions,
            seeds.last_mut(),
        ) {
            let found = of_round(&coalitions, one, other);
            seed.rounds.extend(found.map(|index| (round, index)));
        }
    }
    seeds.retain(|seed| !seed.rounds.is_empty());
    if seeds.is_empty() {
        return Err(AgreementError::Nothing(one.to_owned(), other.to_owned()));
    }
    Ok(seeds)
}

fn of_round(
    coalitions: &BTreeMap<String, Vec<CoalitionView>>,
    one: &str,
    other: &str,
) -> Option<f64> {
    let members = |arm: &str| -> Option<BTreeMap<DeviceId, u32>> {
        let coalitions = coalitions.get(arm)?.iter();
        let members = coalitions.flat_map(|c| c.members.iter().map(|device| (*device, c.id.0)));
        Some(members.collect())
    };
    let (one, other) = (members(one)?, members(other)?);
    let pairs = one
        .iter()
        .filter_map(|(device, a)| Some((*a, *other.get(device)?)));
    let (one, other): (Vec<u32>, Vec<u32>) = pairs.unzip();
    adjusted_rand_index(&one, &other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(round: u32, a: [&[u32]; 2], b: [&[u32]; 2]) -> String {
        let of = |coalitions: [&[u32]; 2]| -> Vec<CoalitionView> {
            let view = |(id, members): (u32, &[u32])| CoalitionView {
                id: constellation_core::ids::CoalitionId(id),
                members: members.iter().copied().map(DeviceId).collect(),
                center: DeviceId(members[0]),
                spread: 1.0,
            };
            (0..).zip(coalitions).map(view).collect()
        };
        serde_json::json!({
            "event": "round_closed", "round": round, "fingerprint": "", "missing": [],
            "coalitions": { "a": of(a), "b": of(b) },
        })
        .to_string()
    }

    #[test]
    fn names_do_not_matter_and_rounds_are_counted_from_one_on() {
        let record = [
            r#"{"event":"run_configured","run":1,"config":{"seed":7}}"#.to_owned(),
            // Two of the six pairs are together in both, in different coalitions by name; none in the second round.
            closed(1, [&[1, 2], &[3, 4]], [&[3, 4], &[1, 2]]),
            closed(2, [&[1, 2], &[3, 4]], [&[1, 3], &[2, 4]]),
        ];
        let found = agreement(&record.join("\n"), "a", "b").unwrap();
        assert_eq!(found[0].rounds[0], (Round(1), 1.0));
        let near = |round, expected: f64| {
            let mean = found[0].mean_from(Round(round)).unwrap();
            assert!((mean - expected).abs() < 1e-9, "{mean}");
        };
        near(1, 0.25);
        near(2, -0.5);
        assert_eq!(found[0].mean_from(Round(3)), None);
        let nothing = agreement(&record.join("\n"), "a", "c").unwrap_err();
        assert!(nothing.to_string().contains("\"c\""), "{nothing}");
        let bad = agreement("{}\nx", "a", "b").unwrap_err();
        assert!(bad.to_string().starts_with("line 1"), "{bad}");
    }
}
