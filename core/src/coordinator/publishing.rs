//! Models on their way to devices: as they are, or as deltas to what the devices were given before.
//!
//! What a delta cannot say is left out of the model itself, so that all devices start from the same one, whether they
//! get the delta or, being new or back again, all of it. The next model grows out of the one they got, so it has not
//! what was left out, which is added to the next delta.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::encoding::{Encoding, ModelHash, Payload, Split};
use crate::ids::Round;
use crate::params::Params;
use crate::rng::{Purpose, Stream};
use crate::wire::{ArmPlan, Encoded};

/// Rotations of models lie behind those of devices, whose streams go by slot.
const STREAM: u32 = 1 << 20;

/// A model as devices were given it.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) model: Arc<Params>,
    /// The model that was meant.
    meant: Arc<Params>,
    /// What the delta to it has lost; empty for nothing.
    owed: Vec<f32>,
    /// The model that it can be made from, and how.
    delta: Option<(Arc<Params>, Arc<Encoded>)>,
}

impl Given {
    /// What makes this model out of another one.
    pub(super) fn delta_to(&self, before: &Arc<Params>) -> Option<&Arc<Encoded>> {
        let (reference, encoded) = self.delta.as_ref()?;
        Arc::ptr_eq(reference, before).then_some(encoded)
    }
}

/// The models that a device was given last, by the names under which they travel.
pub(super) type GivenModels = BTreeMap<String, Arc<Given>>;

/// The models of a round on their way out.
#[derive(Debug)]
pub(super) struct Publishing<'a> {
    encoding: Encoding,
    rotations: Stream,
    /// How often each model given before is what a device has, by what a device is to get.
    references: BTreeMap<Target, Vec<(&'a Arc<Given>, usize)>>,
    published: BTreeMap<Target, Arc<Given>>,
}

/// A name, and the model that is to travel under it.
type Target = (String, *const Params);

impl<'a> Publishing<'a> {
    /// Of a round in which each of these devices is to get the models of its plans, and has been given others before.
    pub(super) fn new(
        encoding: Encoding,
        seed: u32,
        round: Round,
        devices: impl Iterator<Item = (&'a [ArmPlan], &'a GivenModels)>,
    ) -> Self {
        let mut references: BTreeMap<Target, Vec<(&Arc<Given>, usize)>> = BTreeMap::new();
        for (plans, given) in devices.filter(|_| encoding.kind().is_some()) {
            for (name, model) in plans.iter().flat_map(|plan| plan.task.models(&plan.name)) {
                let Some(before) = given.get(&name) else {
                    continue;
                };
                let known = references.entry((name, Arc::as_ptr(model))).or_default();
                match known
                    .iter_mut()
                    .find(|(other, _)| Arc::ptr_eq(other, before))
                {
                    Some((_, count)) => *count += 1,
                    None => known.push((before, 1)),
                }
            }
        }
        Self {
            encoding,
            rotations: Stream::new(seed, Purpose::Rotation, round.0, STREAM),
            references,
            published: BTreeMap::new(),
        }
    }

    /// What devices get under a name for a model: the model, or what a delta to what most of them have makes of it.
    /// `trained` models grow out of the ones that were given before.
    pub(super) fn give(&mut self, name: &str, model: &Arc<Params>, trained: bool) -> Arc<Given> {
        let target = (name.to_owned(), Arc::as_ptr(model));
        if let Some(given) = self.published.get(&target) {
            return Arc::clone(given);
        }
        // Of equally many the one that the first device has.
        let references = self.references.get(&target).into_iter().flatten();
        let most = references.rev().max_by_key(|(_, count)| *count);
        let delta = most.and_then(|(before, _)| {
            let rotation = self.rotations.bits();
            delta(before, model, self.encoding, rotation, trained)
        });
        let given = Arc::new(delta.unwrap_or_else(|| Given {
            model: Arc::clone(model),
            meant: Arc::clone(model),
            owed: Vec::new(),
            delta: None,
        }));
        self.published.insert(target, Arc::clone(&given));
        given
    }
}

/// The model that a delta from one given before makes of `meant`; `None` if no delta can say it.
fn delta(
    before: &Given,
    meant: &Arc<Params>,
    encoding: Encoding,
    rotation: u32,
    trained: bool,
) -> Option<Given> {
    // A model that is still the same lacks nothing.
    let lacks = trained && !Arc::ptr_eq(&before.meant, meant);
    let owed = if lacks { &before.owed[..] } else { &[] };
    let Split {
        payload,
        said,
        owed,
    } = encoding.split(&before.model, meant.values(), owed, rotation)?;
    let model = match payload {
        Payload::Same => Arc::clone(&before.model),
        _ => Arc::new(before.model.plus(&said).ok()?),
    };
    let encoded = Encoded {
        reference: ModelHash::of(&before.model),
        payload,
    };
    Some(Given {
        model,
        meant: Arc::clone(meant),
        owed,
        delta: Some((Arc::clone(&before.model), Arc::new(encoded))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ParamSpec;

    const LENGTH: usize = 600;
    const ENCODINGS: [Encoding; 2] = [Encoding::OneBit {}, Encoding::TopK { share: 0.2 }];

    fn model(values: Vec<f32>) -> Arc<Params> {
        let spec = Arc::new(ParamSpec::new([("w".to_owned(), vec![LENGTH])]));
        Arc::new(Params::try_new(values, &spec).unwrap())
    }

    fn noise() -> Vec<f32> {
        let mut stream = Stream::new(1, Purpose::Trouble, 0, 0);
        (0..LENGTH).map(|_| stream.normal() as f32).collect()
    }

    fn first() -> Given {
        let model = model(vec![0.0; LENGTH]);
        Given {
            meant: Arc::clone(&model),
            model,
            owed: Vec::new(),
            delta: None,
        }
    }

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
        squares.sum::<f32>().sqrt()
    }

    #[test]
    fn a_model_that_stays_is_approached() {
        let target = model(noise());
        for (encoding, trained) in ENCODINGS.into_iter().flat_map(|e| [(e, true), (e, false)]) {
            let mut given = first();
            for rotation in 0..30 {
                given = delta(&given, &target, encoding, rotation, trained).unwrap();
            }
            let off = distance(given.model.values(), target.values());
            assert!(
                off < 0.01 * distance(target.values(), &[0.0; LENGTH]),
                "{encoding:?}: {off}"
            );
        }
    }

    /// Devices train what they were given, so the room never sees again what it left out.
    #[test]
    fn what_is_left_out_of_a_trained_model_comes_later() {
        let step = noise();
        for encoding in ENCODINGS {
            let mut given = first();
            for round in 0..50 {
                let trained = given.model.plus(&step).unwrap();
                given = delta(&given, &Arc::new(trained), encoding, round, true).unwrap();
            }
            let all: Vec<f32> = step.iter().map(|v| 50.0 * v).collect();
            let steps = distance(given.model.values(), &all) / distance(&step, &[0.0; LENGTH]);
            assert!((0.1..5.0).contains(&steps), "{encoding:?}: {steps} steps");
        }
    }
}
