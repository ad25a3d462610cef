//! Coalitions whose weights are added up as they arrive: formed from sketches first, then summed, then settled. However
//! many devices send, only one sum a coalition is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::{Coalition, RoundSketches, shares_of};
use super::{Grouping, Members, Past, still_there, unchanged};
use crate::aggregate::ExactSum;
use crate::config::{Resting, Weighting};
use crate::distance::Gram;
use crate::ids::{CoalitionId, DeviceId};
use crate::params::Params;

/// The weights of a round, on their way into its coalitions.
#[derive(Debug)]
pub(super) struct Gathering {
    /// What formation will remember if the round is closed; one that nobody answers is opened again.
    past: Past,
    gathered: Vec<Gathered>,
}

/// One coalition's.
#[derive(Debug)]
struct Gathered {
    id: CoalitionId,
    members: BTreeSet<DeviceId>,
    /// The member whose sketch is nearest to the mean of the members' sketches; none if none sent any.
    center: Option<DeviceId>,
    weight: f64,
    sum: ExactSum,
    /// Squared lengths of the weights in the sum.
    squares: BTreeMap<DeviceId, f64>,
}

impl Grouping {
    /// Forms coalitions from a round's sketches, and says who is to send its weights, for which coalition.
    pub(in crate::strategy) fn form(
        &mut self,
        round: &RoundSketches,
    ) -> BTreeMap<DeviceId, CoalitionId> {
        let mut past = self.past.clone();
        let members = self.members(&mut past, round);
        let stand_still = past.rounds > self.options.warm_up
            && members == still_there(&self.coalitions, &round.in_room);
        past.still = if stand_still { past.still + 1 } else { 0 };
        let asked = self.asked(&mut past, round, &members);
        let gathered = members.into_iter().map(|(id, members)| {
            let (gram, here) = (round.sketches_gram(), round.numbers_of(&members));
            Gathered {
                id,
                center: center(gram, &here).map(|number| round.sketches[number].device),
                weight: self.weight(round, &here),
                members,
                sum: ExactSum::new(self.global.spec()),
                squares: BTreeMap::new(),
            }
        });
        self.gathering = Some(Gathering {
            gathered: gathered.collect(),
            past,
        });
        asked
    }

    /// Adds weights to the sum of the coalition that their device was asked to send them for.
    pub(in crate::strategy) fn add(&mut self, device: DeviceId, weights: &Params) {
        let gathered = self.gathering.iter_mut().flat_map(|g| &mut g.gathered);
        if let Some(own) = gathered
            .into_iter()
            .find(|gathered| gathered.members.contains(&device))
        {
            own.sum.add(weights);
            own.squares.insert(device, square(weights));
        }
    }

    /// Takes the barycenters of what has been added, once nothing more comes, and the global model.
    pub(in crate::strategy) fn settle(&mut self) {
        let Some(Gathering { past, gathered }) = self.gathering.take() else {
            return;
        };
        self.past = past;
        let coalitions = gathered.into_iter().filter_map(|gathered| {
            match (gathered.sum.mean(), gathered.center) {
                (Some(mean), Some(center)) => Some(gathered.around(mean, center)),
                _ => unchanged(&self.coalitions, gathered.id, gathered.members),
            }
        });
        self.take(coalitions.collect());
    }

    /// Everybody whose sketch has come; of coalitions that have stood still for long enough a part, in turn: those that
    /// were asked the longest ago, so that nobody stands for a coalition for long.
    fn asked(
        &self,
        past: &mut Past,
        round: &RoundSketches,
        members: &Members,
    ) -> BTreeMap<DeviceId, CoalitionId> {
        let resting = self.options.sketches.and_then(|sketches| sketches.resting);
        let resting = resting.filter(|resting| past.still >= resting.after);
        let mut asked = BTreeMap::new();
        for (id, members) in members {
            let numbers = round.numbers_of(members);
            let mut here: Vec<DeviceId> = numbers
                .into_iter()
                .map(|number| round.sketches[number].device)
                .collect();
            if let Some(Resting { share, .. }) = resting {
                here.sort_by_key(|device| past.asked.get(device));
                here.truncate((share * here.len() as f64).ceil() as usize);
            }
            for device in here {
                past.asked.insert(device, past.rounds);
                asked.insert(device, *id);
            }
        }
        past.asked
            .retain(|device, _| round.in_room.contains_key(device));
        asked
    }

    fn weight(&self, round: &RoundSketches, numbers: &[usize]) -> f64 {
        match self.options.weighting {
            Weighting::Coalitions => 1.0,
            Weighting::Size => numbers.len() as f64,
            Weighting::Examples => {
                let examples = numbers
                    .iter()
                    .map(|n| f64::from(round.sketches[*n].examples));
                examples.sum()
            }
        }
    }
}

impl Gathered {
    /// The coalition around the mean of what was sent.
    fn around(self, mean: Params, center: DeviceId) -> Coalition {
        // The mean square of the distances to a mean is the mean square less the mean's.
        let squares = self.squares.values().sum::<f64>() / f64::from(self.sum.count());
        let variance = squares - square(&mean);
        Coalition {
            id: self.id,
            center,
            spread: libm::sqrt(variance.max(0.0)),
            weight: self.weight,
            shares: shares_of(self.squares.keys().map(|device| (*device, 1.0))),
            barycenter: Arc::new(mean),
            members: self.members,
        }
    }
}

/// The one of these vectors that is nearest to their mean, ties to the first.
fn center(gram: &Gram, numbers: &[usize]) -> Option<usize> {
    let distances = numbers
        .iter()
        .copied()
        .zip(gram.squared_distances_to_mean(numbers));
    let nearest = distances.min_by(|(_, a), (_, b)| a.total_cmp(b));
    nearest.map(|(number, _)| number)
}

/// Squared length of a model.
fn square(model: &Params) -> f64 {
    let squares = model.values().iter().map(|v| f64::from(*v) * f64::from(*v));
    squares.sum()
}
