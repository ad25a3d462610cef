//! What a device sends of its weights as deltas, and what it still owes of them.

use std::sync::Arc;

use crate::encoding::{Encoding, ModelHash};
use crate::params::Params;
use crate::wire::Encoded;

/// What encodings have lost of a device's deltas, by the name under which they are sent. It is added to the next delta
/// of that name (error feedback, Karimireddy et al. 2019). No map: of another type it would be kilobytes more for phones.
#[derive(Debug, Default)]
pub(super) struct Owed(Vec<(String, Vec<f32>)>);

impl Owed {
    /// The delta from `start` to `values`, with what is owed. `None` if weights must be sent instead.
    pub(super) fn encode(
        &mut self,
        name: &str,
        start: Option<&Arc<Params>>,
        values: &[f32],
        encoding: Encoding,
        rotation: u32,
    ) -> Option<Encoded> {
        let start = start?;
        let known = self.0.iter_mut().find(|(other, _)| other == name);
        let known = known.map(|(_, owed)| owed);
        let before = known.as_deref().map_or(&[][..], Vec::as_slice);
        let split = encoding.split(start, values, before, rotation)?;
        match known {
            Some(owed) => *owed = split.owed,
            None if !split.owed.is_empty() => self.0.push((name.to_owned(), split.owed)),
            None => {}
        }
        Some(Encoded {
            reference: ModelHash::of(start),
            payload: split.payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ParamSpec;
    use crate::rng::{Purpose, Stream};

    /// What one delta loses the next ones bring: the sum of all that was said is never further off than a few deltas.
    #[test]
    fn what_is_owed_is_paid() {
        let spec = Arc::new(ParamSpec::new([("w".to_owned(), vec![600])]));
        let start = Arc::new(Params::try_new(vec![0.0; 600], &spec).unwrap());
        let mut stream = Stream::new(1, Purpose::Trouble, 0, 0);
        let delta: Vec<f32> = (0..600).map(|_| stream.normal() as f32).collect();
        let length = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>().sqrt();
        for encoding in [Encoding::OneBit {}, Encoding::TopK { share: 0.2 }] {
            let mut owed = Owed::default();
            let mut off = vec![0.0; 600];
            for round in 1..=50 {
                let encoded = owed.encode("a", Some(&start), &delta, encoding, round);
                let said = encoded.unwrap().payload.decode(600).unwrap();
                for ((off, delta), said) in off.iter_mut().zip(&delta).zip(said) {
                    *off += delta - said;
                }
            }
            let deltas = length(&off) / length(&delta);
            assert!((0.1..5.0).contains(&deltas), "{encoding:?}: {deltas}");
        }
    }

    #[test]
    fn without_a_start_or_an_encoding_weights_are_sent() {
        let spec = Arc::new(ParamSpec::new([("w".to_owned(), vec![1])]));
        let start = Arc::new(Params::try_new(vec![1.0], &spec).unwrap());
        let mut owed = Owed::default();
        let mut encode =
            |start, values: &[f32], encoding| owed.encode("a", start, values, encoding, 0);
        assert_eq!(encode(None, &[2.0], Encoding::Int8 {}), None);
        assert_eq!(encode(Some(&start), &[2.0], Encoding::F32 {}), None);
        assert_eq!(encode(Some(&start), &[f32::NAN], Encoding::OneBit {}), None);
        assert!(encode(Some(&start), &[2.0], Encoding::Int8 {}).is_some());
    }
}
