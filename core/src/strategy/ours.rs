//! This project's own strategy: federated averaging until the devices' deltas show groups, then a model for each,
//! tried against the one model before it is trusted.
//!
//! - *Gathering.* Every device trains the one model, as in federated averaging, while unit-length deltas add up, the
//!   latest counting most. After the warm-up, coalitions form by [`label_agreement`]; a single one is possible, and
//!   then the next look is after twice as many rounds.
//! - *Trial.* Coalitions train their models and, beside them, the one model; devices judge every model on their own
//!   examples, each label counting alike. Who is better served by another coalition's model than by the one model and
//!   by its own coalition's, moves there. Deltas of the one model go on adding up. After two thirds of the trial
//!   members who disagree part, and from then on coalitions that agree are one: by then devices have found their like,
//!   and what many say together is clearer than what each says. After the trial the coalitions stay if the devices'
//!   validation parts speak for them; else it is back to gathering.
//! - *Settled.* Each coalition averages for itself. Coalitions whose models are nearest to each other are tried as one,
//!   a pair a round: its members measure the mean of both models beside their own, and the two join unless that serves
//!   one of them worse. Members whose deltas have become opposed part. From time to time devices judge all models again and move where another serves them better. A
//!   newcomer judges them in its first round, and goes where it is served best.
//!
//! Throughout, a device is served by the model it trains unless the one model, or what it made of its own in the round
//! before, is better on its validation part by more than chance ([`Serves::Chosen`]). Where examples are few and labels
//! uneven, groups drown in noise, and no device alone has the examples to prove that its own model is better; then the
//! devices prove it together ([`OWN_PAYS`]), and each takes what is best for it ([`Serves::Best`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::grouping::coalition;
use super::{
    ArmUpdate, Coalition, RoundUpdates, Shares, Strategy, coalition_of, shares_by_examples,
    shares_of_coalitions,
};
use crate::aggregate::weighted_mean;
use crate::coalition::keep_ids;
use crate::coalition::label_agreement::{self, LabelRows, output_layer};
use crate::config::{OursOptions, Weighting, limits};
use crate::distance::{delta, norm};
use crate::ids::{CoalitionId, DeviceId};
use crate::params::{ParamSpec, Params};
use crate::wire::{Serves, Start, Task};

/// The cosine that is asked for between coalitions on trial. Lower than between devices before: by then the one model
/// knows what all have in common, so those who see the same move less alike, and others much less.
const COALITIONS_AGREE: f64 = 0.71;

/// The cosine that is asked for between members of a coalition on trial, who have come together for a reason.
const MEMBERS_AGREE: f64 = 0.55;

/// The cosine that is asked for between members of a settled coalition, whose examples are what they differ by: with
/// less they have drifted apart, or one of them sends what it has not learned.
const STILL_AGREE: f64 = 0.2;

/// Deltas that a member of a settled coalition has sent before it is asked for that.
const HEARD: u32 = 4;

/// What a round's delta counts for one round later.
const FADING: f64 = 0.6;

/// A coalition of so many devices or fewer serves them well whatever it is worth to others: its model is almost theirs.
const FEW: usize = 2;

/// Standard errors by which the coalitions' models must be better than the one model after a trial.
const BETTER_THAN_ONE: f64 = 1.0;

/// The part of a coalition's validation examples that the mean of its model and another's may get wrong more than its
/// own does, if the two are of a kind. Halves of a hidden group lose a little by the mean at first, because each has its
/// own mix of labels (0.02 in `forty-swap`); coalitions of different groups lose much (0.15 and more).
const WORSE_AS_ONE: f64 = 0.05;

/// The part of all validation examples that the devices' own models must get right beyond those that the models they
/// train get right, to be worth giving up what others know. Where coalitions are the hidden groups it is 0.01 to 0.04,
/// where they are not it is 0.07 to 0.3 (`few-examples`).
const OWN_PAYS: f64 = 0.06;

/// Who is with whom.
type Members = BTreeMap<CoalitionId, BTreeSet<DeviceId>>;

/// Fading sums of unit-length deltas.
type Sums = BTreeMap<DeviceId, Sum>;

/// Of the deltas only the output layer is kept.
#[derive(Clone, Debug, Default)]
struct Sum {
    values: Vec<f32>,
    /// Deltas in it.
    deltas: u32,
}

/// Gathering, trial, settled: see the module.
#[derive(Debug)]
pub(super) struct Ours {
    options: OursOptions,
    /// The one model, as long as it is trained; then the coalitions' mean.
    global: Arc<Params>,
    global_shares: Shares,
    coalitions: Vec<Coalition>,
    phase: Phase,
    /// What serves the devices in the next round.
    serves: Serves,
    /// Rounds closed so far.
    rounds: u32,
}

#[derive(Debug)]
enum Phase {
    Gathering {
        /// Round after which coalitions are looked for.
        look_at: u32,
        sums: Sums,
    },
    Trial {
        /// Rounds still to come.
        left: u32,
        found: Evidence,
        sums: Sums,
    },
    Settled {
        /// Two coalitions that are tried as one in this round.
        joint: Option<Joint>,
        /// Those that were, and are better apart.
        apart: BTreeSet<Pair>,
        /// Deltas of the coalitions' models.
        sums: Sums,
    },
}

/// Two coalitions, the lower id first.
type Pair = (CoalitionId, CoalitionId);

/// Two coalitions tried as one.
#[derive(Debug)]
struct Joint {
    pair: Pair,
    /// The mean of their models.
    model: Arc<Params>,
}

/// What the devices' validation parts said of the coalitions' models and of one beside them.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    examples: u32,
    /// Right answers of the coalitions' models.
    coalitions: u32,
    /// Right answers of the model beside.
    beside: u32,
}

impl Ours {
    pub(super) fn new(options: OursOptions, initial: Arc<Params>) -> Self {
        Self {
            global: initial,
            global_shares: Shares::new(),
            coalitions: Vec::new(),
            phase: Phase::Gathering {
                look_at: options.warm_up,
                sums: BTreeMap::new(),
            },
            serves: Serves::Chosen,
            rounds: 0,
            options,
        }
    }

    /// Models to judge: the coalitions' by id, then the global one. None if it would be too many.
    fn candidates(&self) -> Vec<Arc<Params>> {
        let models = self.coalitions.iter().map(|c| &c.barycenter);
        let models: Vec<_> = models.chain([&self.global]).cloned().collect();
        if models.len() <= limits::CANDIDATES as usize {
            models
        } else {
            Vec::new()
        }
    }

    fn gather(&mut self, round: &RoundUpdates) {
        if let Some(mean) = by_examples(round.updates.iter().map(|u| (u, &u.weights))) {
            self.global = Arc::new(mean);
            self.global_shares = shares_by_examples(round.updates.iter());
        }
        let (rounds, options) = (self.rounds, self.options.clone());
        let Phase::Gathering { look_at, sums } = &mut self.phase else {
            return;
        };
        for update in &round.updates {
            let sum = sums.entry(update.device).or_default();
            sum.add(&update.weights, &update.start);
        }
        sums.retain(|device, _| round.in_room.contains_key(device));
        let devices: Vec<DeviceId> = sums.keys().copied().collect();
        let mut members = vec![(0..devices.len()).collect()];
        if rounds >= *look_at {
            *look_at = rounds * 2;
            let rows = label_rows(sums, 1, self.global.spec()).into_values();
            members = label_agreement::form(&rows.collect::<Vec<_>>(), options.agreement);
        }
        if members.len() > 1 {
            self.phase = Phase::Trial {
                left: options.trial,
                found: Evidence::default(),
                sums: std::mem::take(sums),
            };
        }
        let members = members
            .into_iter()
            .map(|m| m.into_iter().map(|i| devices[i]).collect());
        self.take_barycenters(round, (0..).map(CoalitionId).zip(members).collect());
    }

    fn try_out(&mut self, round: &RoundUpdates) {
        let mut members = self.moved(round, true);
        let Phase::Trial { left, found, sums } = &mut self.phase else {
            return;
        };
        *left -= 1;
        // The first half of the trial is for finding one's place.
        if *left < self.options.trial.div_ceil(2) {
            round.updates.iter().for_each(|update| found.add(update));
        }
        let beside = || {
            let trained = round.updates.iter();
            trained.filter_map(|u| Some((u, u.beside.as_ref()?)))
        };
        for (update, weights) in beside() {
            let sum = sums.entry(update.device).or_default();
            sum.add(weights, &self.global);
        }
        let last_third = self.options.trial / 3;
        if *left <= last_third {
            let rows = label_rows(sums, 1, self.global.spec());
            let mut parts: Vec<_> = members.values().cloned().collect();
            if *left == last_third {
                parts = parts
                    .iter()
                    .flat_map(|part| parted(part, &rows, MEMBERS_AGREE))
                    .collect();
            }
            members = named(&members, joined(&parts, &rows));
        }
        let (over, found) = (*left == 0, *found);
        self.take_barycenters(round, members);
        if let Some(global) = by_examples(beside()) {
            self.global = Arc::new(global);
            self.global_shares = shares_by_examples(beside().map(|(update, _)| update));
        }
        // Without validation parts nothing speaks against what the devices' own judgement has left.
        let better = found
            .for_coalitions()
            .is_none_or(|errors| errors > BETTER_THAN_ONE);
        if over && !better || self.coalitions.len() == 1 {
            self.give_up(round);
        } else if over {
            self.average_coalitions();
            self.settle(BTreeSet::new(), Sums::new());
        }
    }

    /// Back to one model, and to looking for coalitions after twice as many rounds.
    fn give_up(&mut self, round: &RoundUpdates) {
        self.phase = Phase::Gathering {
            look_at: self.rounds * 2,
            sums: BTreeMap::new(),
        };
        let all = round.in_room.keys().copied().collect();
        self.take_barycenters(round, BTreeMap::from([(CoalitionId(0), all)]));
    }

    fn go_on(&mut self, round: &RoundUpdates) {
        let moved = self.moved(round, false);
        let Phase::Settled { joint, apart, sums } = &mut self.phase else {
            return;
        };
        let (joint, mut apart, mut sums) =
            (joint.take(), std::mem::take(apart), std::mem::take(sums));
        for update in &round.updates {
            let sum = sums.entry(update.device).or_default();
            sum.add(&update.weights, &update.start);
        }
        // What a device did to another model says nothing here.
        let stayed = |device: &DeviceId| {
            coalition_of(&self.coalitions, *device)
                .is_some_and(|c| moved.get(&c.id).is_some_and(|m| m.contains(device)))
        };
        sums.retain(|device, _| stayed(device));
        let rows = label_rows(&sums, HEARD, self.global.spec());
        let parts = moved
            .values()
            .flat_map(|part| parted(part, &rows, STILL_AGREE));
        let mut members = named(&moved, parts.collect());
        if let Some(Joint { pair, .. }) = joint.filter(|_| members == moved) {
            if self.better_as_one(pair, round) {
                let joins = members.remove(&pair.1).unwrap_or_default();
                let one = members.entry(pair.0).or_default();
                one.extend(joins);
                // Examples have spoken; what deltas of two models said does not count against it.
                sums.retain(|device, _| !one.contains(device));
                // What was found before was not about the coalition that they are now.
                apart.retain(|of| of.0 != pair.0 && of.1 != pair.0);
            } else {
                apart.insert(pair);
            }
        }
        self.take_barycenters(round, members);
        self.average_coalitions();
        if self.coalitions.len() == 1 {
            self.give_up(round);
        } else {
            self.settle(apart, sums);
        }
    }

    /// The coalitions stay; the next two are tried as one.
    fn settle(&mut self, apart: BTreeSet<Pair>, sums: Sums) {
        let joint = self.nearest(&apart).and_then(|(a, b)| {
            let models = [a, b]
                .into_iter()
                .map(|c| (c.barycenter.as_ref(), c.weight));
            Some(Joint {
                pair: (a.id, b.id),
                model: Arc::new(weighted_mean(models)?),
            })
        });
        self.phase = Phase::Settled { joint, apart, sums };
    }

    /// The two coalitions with the least distance between their models, of those where one is the other's nearest and
    /// that were not found to be better apart.
    fn nearest(&self, apart: &BTreeSet<Pair>) -> Option<(&Coalition, &Coalition)> {
        let pairs = self.coalitions.iter().filter_map(|a| {
            let others = self.coalitions.iter().filter(|b| b.id != a.id);
            let distances = others.map(|b| (norm(&delta(&a.barycenter, &b.barycenter)), b));
            let (distance, b) = distances.min_by(|(x, _), (y, _)| x.total_cmp(y))?;
            Some((distance, if a.id < b.id { (a, b) } else { (b, a) }))
        });
        let open = pairs.filter(|(_, (a, b))| !apart.contains(&(a.id, b.id)));
        Some(open.min_by(|(x, _), (y, _)| x.total_cmp(y))?.1)
    }

    /// Whether neither of two coalitions is served worse by the mean of their models. No without validation parts.
    fn better_as_one(&self, (a, b): Pair, round: &RoundUpdates) -> bool {
        [a, b].into_iter().all(|id| {
            let mut found = Evidence::default();
            if let Some(coalition) = self.coalitions.iter().find(|c| c.id == id) {
                let members = coalition.members.iter().filter_map(|d| round.of(*d));
                members.for_each(|update| found.add(update));
            }
            let lost = f64::from(found.coalitions) - f64::from(found.beside);
            found.examples > 0 && lost <= WORSE_AS_ONE * f64::from(found.examples)
        })
    }

    /// Where the devices belong after what they said of the models that they judged. On `trial` the global model is the
    /// measure: who is served no better than by that, has no reason to move.
    fn moved(&self, round: &RoundUpdates, trial: bool) -> Members {
        let ids: Vec<CoalitionId> = self.coalitions.iter().map(|c| c.id).collect();
        let here = |device: &DeviceId| round.in_room.contains_key(device);
        let mut members: Members = self
            .coalitions
            .iter()
            .map(|c| {
                (
                    c.id,
                    c.members.iter().copied().filter(|d| here(d)).collect(),
                )
            })
            .collect();
        let judged = |update: &&ArmUpdate| update.report.losses.len() == ids.len() + 1;
        for update in round.updates.iter().filter(judged) {
            let losses = &update.report.losses;
            let home = coalition_of(&self.coalitions, update.device).map(|c| c.id);
            let best = (0..ids.len())
                .filter(|&i| Some(ids[i]) != home)
                .min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
            let Some(best) = best else { continue };
            let goes = match home.and_then(|home| ids.iter().position(|id| *id == home)) {
                None => true,
                Some(home) => {
                    let few = members.get(&ids[home]).is_some_and(|m| m.len() <= FEW);
                    let better = losses[best] < losses[home];
                    (better || trial && few) && (!trial || losses[best] < losses[ids.len()])
                }
            };
            if goes {
                for devices in members.values_mut() {
                    devices.remove(&update.device);
                }
                members.entry(ids[best]).or_default().insert(update.device);
            }
        }
        members.retain(|_, devices| !devices.is_empty());
        members
    }

    fn take_barycenters(&mut self, round: &RoundUpdates, members: Members) {
        let examples = |update: &ArmUpdate| f64::from(update.examples);
        self.coalitions = members
            .into_iter()
            .filter_map(|(id, devices)| {
                coalition(
                    Weighting::Examples,
                    examples,
                    &self.coalitions,
                    round,
                    id,
                    devices,
                )
            })
            .collect();
    }

    fn average_coalitions(&mut self) {
        let models = self
            .coalitions
            .iter()
            .map(|c| (c.barycenter.as_ref(), c.weight));
        if let Some(mean) = weighted_mean(models) {
            self.global = Arc::new(mean);
            self.global_shares = shares_of_coalitions(&self.coalitions);
        }
    }
}

impl Strategy for Ours {
    fn task(&self, device: DeviceId) -> Task {
        let home = coalition_of(&self.coalitions, device);
        let model = |c: Option<&Coalition>| Arc::clone(c.map_or(&self.global, |c| &c.barycenter));
        let task = |model| Task {
            serves: self.serves,
            ..Task::from(Start::Model(model))
        };
        match self.phase {
            Phase::Gathering { .. } => task(Arc::clone(&self.global)),
            Phase::Trial { .. } => Task {
                beside: Some(Arc::clone(&self.global)),
                judge: self.candidates(),
                ..task(model(home))
            },
            Phase::Settled { ref joint, .. } => {
                let looks = self.rounds.is_multiple_of(self.options.judge_every);
                let tries = |joint: &&Joint| {
                    home.is_some_and(|c| c.id == joint.pair.0 || c.id == joint.pair.1)
                };
                let joint = joint.as_ref().filter(tries);
                let judge = if looks || home.is_none() {
                    self.candidates()
                } else {
                    Vec::new()
                };
                Task {
                    judge,
                    beside: joint.map(|joint| Arc::clone(&joint.model)),
                    ..task(model(home))
                }
            }
        }
    }

    fn close(&mut self, round: &RoundUpdates) {
        self.rounds += 1;
        self.serves = if own_pays(round) {
            Serves::Best
        } else {
            Serves::Chosen
        };
        match self.phase {
            Phase::Gathering { .. } => self.gather(round),
            Phase::Trial { .. } => self.try_out(round),
            Phase::Settled { .. } => self.go_on(round),
        }
    }

    fn global(&self) -> &Arc<Params> {
        &self.global
    }

    fn global_shares(&self) -> Shares {
        self.global_shares.clone()
    }

    fn coalitions(&self) -> &[Coalition] {
        &self.coalitions
    }
}

impl Evidence {
    fn add(&mut self, update: &ArmUpdate) {
        let Some(validation) = update.report.validation else {
            return;
        };
        if let Some(beside) = validation.beside {
            self.examples += validation.examples;
            self.coalitions += validation.received;
            self.beside += beside;
        }
    }

    /// By how many standard errors the coalitions' models are better than the one beside; none without validation parts.
    fn for_coalitions(self) -> Option<f64> {
        let n = f64::from(self.examples);
        let share = |right: u32| f64::from(right) / n;
        let (ours, beside) = (share(self.coalitions), share(self.beside));
        let error = libm::sqrt((ours * (1.0 - ours) + beside * (1.0 - beside)) / n);
        // Two models that are always right do not differ.
        (self.examples > 0).then(|| (ours - beside) / error.max(f64::EPSILON))
    }
}

/// Whether the devices' own models serve them so much better that they need not prove it one by one.
fn own_pays(round: &RoundUpdates) -> bool {
    let validations = round.updates.iter().filter_map(|u| u.report.validation);
    let (examples, more) = validations.filter_map(|v| Some((v, v.own?))).fold(
        (0.0, 0.0),
        |(examples, more), (v, own)| {
            (
                examples + f64::from(v.examples),
                more + f64::from(own) - f64::from(v.received),
            )
        },
    );
    more > OWN_PAYS * examples
}

/// What the sums of so many deltas at least say.
fn label_rows(sums: &Sums, deltas: u32, spec: &ParamSpec) -> BTreeMap<DeviceId, LabelRows> {
    let (_, labels) = output_layer(spec);
    let heard = sums.iter().filter(|(_, sum)| sum.deltas >= deltas);
    heard
        .map(|(id, sum)| (*id, LabelRows::new(&sum.values, labels)))
        .collect()
}

/// Coalitions with the ids that they had before.
fn named(before: &Members, coalitions: Vec<BTreeSet<DeviceId>>) -> Members {
    let before: Vec<_> = before.clone().into_iter().collect();
    let ids = keep_ids(&before, &coalitions);
    ids.into_iter().zip(coalitions).collect()
}

/// Coalitions of the parts that are alike, taken together.
fn joined(
    parts: &[BTreeSet<DeviceId>],
    rows: &BTreeMap<DeviceId, LabelRows>,
) -> Vec<BTreeSet<DeviceId>> {
    let together = |part: &BTreeSet<DeviceId>| {
        LabelRows::together(part.iter().filter_map(|device| rows.get(device)))
    };
    let together: Vec<LabelRows> = parts.iter().map(together).collect();
    let alike = label_agreement::form(&together, COALITIONS_AGREE).into_iter();
    alike
        .map(|found| found.iter().flat_map(|&i| parts[i].clone()).collect())
        .collect()
}

/// The parts of a coalition that agree. Devices of which nothing is known stay with the largest.
fn parted(
    devices: &BTreeSet<DeviceId>,
    rows: &BTreeMap<DeviceId, LabelRows>,
    agreement: f64,
) -> Vec<BTreeSet<DeviceId>> {
    let (known, unknown): (Vec<DeviceId>, Vec<DeviceId>) =
        devices.iter().partition(|device| rows.contains_key(device));
    let of: Vec<LabelRows> = known.iter().map(|device| rows[device].clone()).collect();
    let mut parts: Vec<BTreeSet<DeviceId>> = label_agreement::form(&of, agreement)
        .into_iter()
        .map(|part| part.into_iter().map(|i| known[i]).collect())
        .collect();
    match parts.iter_mut().max_by_key(|part| part.len()) {
        Some(largest) => largest.extend(unknown),
        None => parts.push(unknown.into_iter().collect()),
    }
    parts
}

impl Sum {
    /// Adds the unit-length delta's part in the output layer to what has faded by a round.
    fn add(&mut self, weights: &Params, start: &Params) {
        let delta = delta(weights, start);
        let length = norm(&delta);
        let (from, _) = output_layer(weights.spec());
        let output = &delta[from..];
        self.values.resize(output.len(), 0.0);
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        for (sum, v) in self.values.iter_mut().zip(output) {
            *sum = (FADING * f64::from(*sum) + f64::from(*v) * scale) as f32;
        }
        self.deltas += 1;
    }
}

fn by_examples<'a>(models: impl Iterator<Item = (&'a ArmUpdate, &'a Params)>) -> Option<Params> {
    weighted_mean(models.map(|(update, model)| (model, f64::from(update.examples))))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, round, start};
    use super::*;
    use crate::params::ParamSpec;
    use crate::wire::Validation;

    /// An output layer of two labels over two inputs: rows of weights, then biases.
    fn model(values: [f32; 6]) -> Arc<Params> {
        let spec = Arc::new(ParamSpec::new([
            ("0.weight".to_owned(), vec![2, 2]),
            ("0.bias".to_owned(), vec![2]),
        ]));
        Arc::new(Params::try_new(values.to_vec(), &spec).unwrap())
    }

    /// Label 0 looks like input 0, label 1 like input 1; and the other way round.
    const STRAIGHT: [f32; 6] = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    const CROSSED: [f32; 6] = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0];

    fn strategy() -> Ours {
        let options = OursOptions {
            warm_up: 1,
            trial: 2,
            judge_every: 10,
            ..OursOptions::default()
        };
        Ours::new(options, model([0.0; 6]))
    }

    /// Updates of devices 1, 2, … from the origin.
    fn updates(number: u32, weights: &[[f32; 6]]) -> RoundUpdates {
        let updates: Vec<(u32, &[f32])> = weights.iter().map(|w| (1, w.as_slice())).collect();
        let mut round = round(number, &updates);
        for (update, weights) in round.updates.iter_mut().zip(weights) {
            update.start = model([0.0; 6]);
            update.weights = (*model(*weights)).clone();
        }
        round
    }

    /// Every device trains the second model to what is in `beside` and says what it has to say.
    fn tried(
        number: u32,
        weights: &[[f32; 6]],
        beside: &[[f32; 6]],
        losses: &[&[f64]],
        validation: Option<(u32, u32)>,
    ) -> RoundUpdates {
        let mut round = updates(number, weights);
        let told = beside.iter().zip(losses);
        for (update, (beside, losses)) in round.updates.iter_mut().zip(told) {
            update.beside = Some((*model(*beside)).clone());
            update.report.losses = losses.to_vec();
            update.report.validation = validation.map(|(received, beside)| Validation {
                examples: 100,
                received,
                beside: Some(beside),
                own: None,
            });
        }
        round
    }

    fn split() -> Ours {
        let mut strategy = strategy();
        strategy.close(&updates(1, &[STRAIGHT, CROSSED, STRAIGHT, CROSSED]));
        strategy
    }

    #[test]
    fn devices_that_see_the_same_stay_one() {
        let mut strategy = strategy();
        strategy.close(&updates(1, &[STRAIGHT, STRAIGHT, STRAIGHT]));
        assert_eq!(members(strategy.coalitions()), [vec![1, 2, 3]]);
        assert_eq!(start(&strategy, 1), STRAIGHT);
        assert_eq!(strategy.task(DeviceId(1)).beside, None);
    }

    #[test]
    fn groups_are_found_and_tried_beside_the_one_model() {
        let strategy = split();
        assert_eq!(members(strategy.coalitions()), [vec![1, 3], vec![2, 4]]);
        let task = strategy.task(DeviceId(2));
        assert_eq!(start(&strategy, 2), CROSSED);
        assert_eq!(task.beside.as_ref(), Some(strategy.global()));
        assert_eq!(task.judge.len(), 3, "both coalitions' and the one");
        assert_eq!(strategy.global().values(), [0.5, 0.5, 0.5, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn a_device_moves_where_it_is_served_better_than_by_the_one_model() {
        let sent = [STRAIGHT, CROSSED, STRAIGHT, CROSSED];
        let after = |losses: &[&[f64]]| {
            let mut strategy = split();
            strategy.close(&tried(2, &sent, &sent, losses, None));
            members(strategy.coalitions())
        };
        let home: [&[f64]; 2] = [&[0.1, 2.0, 1.0], &[2.0, 0.1, 1.0]];
        // Device 3 says that the other coalition's model is the best for it.
        assert_eq!(
            after(&[home[0], home[1], &[0.5, 0.2, 1.0], home[1]]),
            [vec![1], vec![2, 3, 4]]
        );
        // It is, but not better than the one model.
        assert_eq!(
            after(&[home[0], home[1], &[0.9, 0.7, 0.6], home[1]]),
            [vec![1, 3], vec![2, 4]]
        );
    }

    #[test]
    fn coalitions_that_agree_on_trial_are_one() {
        let sent = [STRAIGHT, CROSSED, STRAIGHT, CROSSED];
        let mut strategy = split();
        let home: [&[f64]; 4] = [
            &[0.1, 2.0, 1.0],
            &[2.0, 0.1, 1.0],
            &[0.1, 2.0, 1.0],
            &[2.0, 0.1, 1.0],
        ];
        // Beside, all devices move the one model in the same direction.
        for (number, beside) in [
            (2, [1.5, 0.5, 0.5, 1.5, 2.0, 2.0]),
            (3, [2.5, 0.5, 0.5, 2.5, 3.0, 3.0]),
        ] {
            assert_eq!(members(strategy.coalitions()), [vec![1, 3], vec![2, 4]]);
            strategy.close(&tried(number, &sent, &[beside; 4], &home, Some((90, 60))));
        }
        assert_eq!(members(strategy.coalitions()), [vec![1, 2, 3, 4]]);
        assert_eq!(
            start(&strategy, 1),
            [2.5, 0.5, 0.5, 2.5, 3.0, 3.0],
            "the one model went on meanwhile"
        );
    }

    #[test]
    fn members_who_disagree_part_and_join_their_like() {
        let ids = |devices: &[u32]| -> BTreeSet<DeviceId> {
            devices.iter().map(|d| DeviceId(*d)).collect()
        };
        let before = Members::from([
            (CoalitionId(0), ids(&[1, 2, 3, 5])),
            (CoalitionId(1), ids(&[4])),
        ]);
        let sees = |delta: [f32; 6]| LabelRows::new(&delta, 2);
        let rows = BTreeMap::from([
            (DeviceId(1), sees(STRAIGHT)),
            (DeviceId(2), sees(CROSSED)),
            (DeviceId(3), sees(STRAIGHT)),
            (DeviceId(4), sees(CROSSED)),
        ]);
        let after = Members::from([
            (CoalitionId(0), ids(&[1, 3, 5])),
            (CoalitionId(1), ids(&[2, 4])),
        ]);
        let parts = before
            .values()
            .flat_map(|part| parted(part, &rows, MEMBERS_AGREE));
        let after_that = named(&before, joined(&parts.collect::<Vec<_>>(), &rows));
        assert_eq!(after_that, after, "of device 5 nothing is known");
    }

    #[test]
    fn coalitions_stay_only_if_they_serve_better() {
        let sent = [STRAIGHT, CROSSED, STRAIGHT, CROSSED];
        let home: [&[f64]; 4] = [
            &[0.1, 2.0, 1.0],
            &[2.0, 0.1, 1.0],
            &[0.1, 2.0, 1.0],
            &[2.0, 0.1, 1.0],
        ];
        let after = |validation| {
            let mut strategy = split();
            strategy.close(&tried(2, &sent, &sent, &home, Some(validation)));
            strategy.close(&tried(3, &sent, &sent, &home, Some(validation)));
            strategy
        };
        let stays = after((90, 60));
        assert_eq!(members(stays.coalitions()), [vec![1, 3], vec![2, 4]]);
        assert_eq!(start(&stays, 2), CROSSED);
        assert!(
            stays.task(DeviceId(2)).judge.is_empty(),
            "the trial is over"
        );
        let gives_up = after((70, 70));
        assert_eq!(members(gives_up.coalitions()), [vec![1, 2, 3, 4]]);
        assert_eq!(start(&gives_up, 2), [0.5, 0.5, 0.5, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn two_coalitions_that_lose_nothing_by_it_become_one() {
        let sent = [STRAIGHT, CROSSED, STRAIGHT, CROSSED];
        let after = |validation| {
            let mut strategy = split();
            for number in [2, 3] {
                let unjudged: [&[f64]; 4] = [&[]; 4];
                strategy.close(&tried(number, &sent, &sent, &unjudged, Some((90, 60))));
            }
            let beside = |strategy: &Ours| strategy.task(DeviceId(1)).beside;
            let mean = beside(&strategy).expect("the two are tried as one");
            assert_eq!(mean.values(), [0.5, 0.5, 0.5, 0.5, 1.0, 1.0]);
            let unjudged: [&[f64]; 4] = [&[]; 4];
            strategy.close(&tried(4, &sent, &sent, &unjudged, validation));
            assert_eq!(beside(&strategy), None, "once is enough");
            strategy
        };
        let one = after(Some((70, 65)));
        assert_eq!(members(one.coalitions()), [vec![1, 2, 3, 4]]);
        for found in [Some((70, 64)), None] {
            let two = after(found);
            assert_eq!(members(two.coalitions()), [vec![1, 3], vec![2, 4]]);
        }
    }

    #[test]
    fn devices_prove_together_that_their_own_models_are_better() {
        let after = |own: [u32; 4]| {
            let mut strategy = strategy();
            let mut round = updates(1, &[STRAIGHT; 4]);
            for (update, own) in round.updates.iter_mut().zip(own) {
                update.report.validation = Some(Validation {
                    examples: 50,
                    received: 30,
                    beside: None,
                    own: Some(own),
                });
            }
            strategy.close(&round);
            strategy.task(DeviceId(1)).serves
        };
        assert_eq!(after([33, 34, 32, 33]), Serves::Chosen, "12 of 200");
        assert_eq!(after([33, 34, 32, 34]), Serves::Best, "13 of 200");
        assert_eq!(strategy().task(DeviceId(1)).serves, Serves::Chosen);
    }

    #[test]
    fn members_who_drift_apart_part() {
        let sent = [STRAIGHT, CROSSED, STRAIGHT, CROSSED];
        let unjudged: [&[f64]; 4] = [&[]; 4];
        let mut strategy = split();
        for number in [2, 3] {
            strategy.close(&tried(number, &sent, &sent, &unjudged, Some((90, 60))));
        }
        assert_eq!(members(strategy.coalitions()), [vec![1, 3], vec![2, 4]]);
        // Device 3 now calls things by the other name, which is believed when it has said so for a while.
        let drifted = [STRAIGHT, CROSSED, CROSSED, CROSSED];
        for number in 4..4 + HEARD {
            assert_eq!(members(strategy.coalitions()), [vec![1, 3], vec![2, 4]]);
            strategy.close(&updates(number, &drifted));
        }
        assert_eq!(
            members(strategy.coalitions()),
            [vec![1], vec![2, 4], vec![3]]
        );
    }

    #[test]
    fn a_newcomer_goes_where_it_is_served_best() {
        let sent = [STRAIGHT, CROSSED, STRAIGHT, CROSSED];
        let home: [&[f64]; 4] = [
            &[0.1, 2.0, 1.0],
            &[2.0, 0.1, 1.0],
            &[0.1, 2.0, 1.0],
            &[2.0, 0.1, 1.0],
        ];
        let mut strategy = split();
        for number in [2, 3] {
            strategy.close(&tried(number, &sent, &sent, &home, Some((90, 60))));
        }
        assert_eq!(strategy.task(DeviceId(5)).judge.len(), 3);
        assert!(strategy.task(DeviceId(1)).judge.is_empty());
        let mut with_fifth = updates(4, &[STRAIGHT, CROSSED, STRAIGHT, CROSSED, STRAIGHT]);
        with_fifth.updates[4].report.losses = vec![2.0, 0.3, 1.0];
        strategy.close(&with_fifth);
        assert_eq!(members(strategy.coalitions()), [vec![1, 3], vec![2, 4, 5]]);
    }

    #[test]
    fn shares_are_those_of_the_model_that_is_the_global_one() {
        let unjudged: [&[f64]; 4] = [&[]; 4];
        let count = |strategy: &Ours, device| strategy.global_shares()[&DeviceId(device)];
        let sent = [STRAIGHT, CROSSED, STRAIGHT, CROSSED];
        let with_examples = |mut round: RoundUpdates| {
            round.updates[0].examples = 5;
            round
        };
        let mut strategy = strategy();
        strategy.close(&with_examples(updates(1, &sent)));
        assert_eq!(count(&strategy, 1), 5.0 / 8.0, "gathering");
        let mut round = with_examples(tried(2, &sent, &sent, &unjudged, Some((90, 60))));
        round.updates[3].beside = None;
        strategy.close(&round);
        assert_eq!(count(&strategy, 1), 5.0 / 7.0, "on trial");
        assert!(!strategy.global_shares().contains_key(&DeviceId(4)));
        let home = coalition_of(strategy.coalitions(), DeviceId(1)).unwrap();
        assert_eq!(home.shares[&DeviceId(1)], 5.0 / 6.0);
        strategy.close(&with_examples(tried(3, &sent, &sent, &[], Some((90, 60)))));
        assert_eq!(count(&strategy, 1), 5.0 / 8.0, "settled");
    }
}
