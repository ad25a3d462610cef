//! A run's fingerprint: a hash over every round's models.

use sha2::{Digest, Sha256};

use super::arm::Arm;
use crate::ids::Round;

/// SHA-256, round by round: of the hash before, the round's number, and for every arm its name, its global model and
/// its coalitions' barycenters with their ids, all numbers little-endian.
#[derive(Debug, Default)]
pub(super) struct Fingerprint(Option<[u8; 32]>);

impl Fingerprint {
    /// Adds a round that has been closed.
    pub(super) fn add(&mut self, round: Round, arms: &[Arm]) {
        let mut hash = Sha256::new();
        hash.update(self.0.unwrap_or_default());
        hash.update(round.0.to_le_bytes());
        for arm in arms {
            hash.update(arm.name().as_bytes());
            for (coalition, model) in arm.published() {
                hash.update(coalition.map_or(u32::MAX, |id| id.0).to_le_bytes());
                for value in model.values() {
                    hash.update(value.to_le_bytes());
                }
            }
        }
        self.0 = Some(hash.finalize().into());
    }

    /// 64 hexadecimal digits; empty before the first round.
    pub(super) fn to_hex(&self) -> String {
        self.0.map_or_else(String::new, |hash| {
            let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
            hash.iter()
                .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
                .collect()
        })
    }
}
