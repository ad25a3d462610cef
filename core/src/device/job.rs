//! One round's work on a device: for every arm, measure the received model, train from it, measure again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::{Examples, LocalData};
use crate::ids::{Round, RunId, Slot};
use crate::model::{Loss, Network, Packed, Workspace};
use crate::params::Params;
use crate::rng::{Purpose, Stream};
use crate::train::{EVALUATION_BATCH, Training, evaluate};
use crate::wire::{ArmReport, Report, RoundOpened, Start, Update};

/// One round's work, done slice by slice.
#[derive(Debug)]
pub(super) struct Job {
    opened: RoundOpened,
    network: Arc<Network>,
    starts: Vec<Arc<Params>>,
    reports: Vec<ArmReport>,
    /// Weights of the arms that are done, in the order of the spec.
    trained: Vec<Vec<f32>>,
    seed: u32,
    slot: Slot,
    step: Step,
    work: Workspace,
    slices_done: usize,
    slices: usize,
}

/// What an update is made of, and what stays on the device.
pub(super) struct Done {
    pub(super) round: Round,
    pub(super) body: Arc<[u8]>,
    /// New weights of the arms that never leave the device.
    pub(super) own: Vec<(String, Arc<Params>)>,
}

/// Where in its arm the job is.
#[derive(Debug)]
enum Step {
    Measure {
        what: Measure,
        weights: Packed,
        /// Counts evaluation batches.
        slice: usize,
        loss: Loss,
    },
    Train(Box<Training>),
    /// All arms are done.
    Done,
}

/// What is measured, in this order; training comes before the last.
#[derive(Debug)]
enum Measure {
    /// The received model on the balanced sample.
    Balanced,
    /// The received model on the device's own held-out examples.
    OwnBefore,
    /// The trained model there; its values in the order of the spec.
    OwnAfter(Vec<f32>),
}

impl Step {
    fn measure(what: Measure, weights: Packed) -> Self {
        Self::Measure {
            what,
            weights,
            slice: 0,
            loss: Loss::default(),
        }
    }
}

impl Job {
    pub(super) fn new(
        network: &Arc<Network>,
        opened: RoundOpened,
        own: &BTreeMap<String, Arc<Params>>,
        data: &LocalData,
        seed: u32,
        slot: Slot,
    ) -> Self {
        let start = |arm: &crate::wire::ArmPlan| match &arm.start {
            Start::Model(params) => Arc::clone(params),
            Start::Own => own
                .get(&arm.name)
                .map_or_else(|| Arc::new(network.initial(seed)), Arc::clone),
        };
        let starts: Vec<Arc<Params>> = opened.arms.iter().map(start).collect();
        let batch = opened
            .training
            .as_ref()
            .map_or(0, |training| training.batch as usize);
        let slices_of = |examples: &Examples, batch: usize| examples.len().div_ceil(batch);
        let per_arm = slices_of(&data.balanced, EVALUATION_BATCH)
            + slices_of(&data.held_out, EVALUATION_BATCH)
            + opened.training.as_ref().map_or(0, |training| {
                slices_of(&data.train, training.batch as usize) * training.epochs as usize
                    + slices_of(&data.held_out, EVALUATION_BATCH)
            });
        let mut job = Self {
            reports: vec![ArmReport::default(); opened.arms.len()],
            trained: Vec::new(),
            work: network.workspace(batch.max(EVALUATION_BATCH)),
            slices: per_arm * opened.arms.len(),
            slices_done: 0,
            network: Arc::clone(network),
            step: Step::Done,
            opened,
            starts,
            seed,
            slot,
        };
        job.begin_arm();
        job
    }

    pub(super) fn round(&self) -> Round {
        self.opened.round
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    pub(super) fn is_training(&self) -> bool {
        matches!(self.step, Step::Train(_))
    }

    /// Fraction of the slices that are done.
    pub(super) fn progress(&self) -> f64 {
        if self.slices == 0 {
            1.0
        } else {
            (self.slices_done as f64 / self.slices as f64).min(1.0)
        }
    }

    /// What has been measured so far, one per arm.
    pub(super) fn reports(&self) -> &[ArmReport] {
        &self.reports
    }

    /// Does one slice.
    pub(super) fn work(&mut self, data: &LocalData) {
        self.step = match core::mem::replace(&mut self.step, Step::Done) {
            Step::Measure {
                what,
                weights,
                slice,
                loss,
            } => {
                let examples = match what {
                    Measure::Balanced => &data.balanced,
                    Measure::OwnBefore | Measure::OwnAfter(_) => &data.held_out,
                };
                match evaluate(&self.network, &weights, examples, slice, &mut self.work) {
                    Some(found) => {
                        self.slices_done += 1;
                        Step::Measure {
                            what,
                            weights,
                            slice: slice + 1,
                            loss: loss.plus(found),
                        }
                    }
                    None => self.measured(what, weights, loss, data),
                }
            }
            Step::Train(mut training) => {
                training.step(&data.train, &mut self.work);
                self.slices_done += 1;
                if training.is_done() {
                    self.trained(*training)
                } else {
                    Step::Train(training)
                }
            }
            Step::Done => return,
        };
        if self.is_done() {
            self.begin_arm();
        }
    }

    /// Takes down what was measured, and what comes after it.
    fn measured(&mut self, what: Measure, weights: Packed, loss: Loss, data: &LocalData) -> Step {
        let report = &mut self.reports[self.trained.len()];
        match what {
            Measure::Balanced => {
                report.balanced_before = loss.accuracy();
                Step::measure(Measure::OwnBefore, weights)
            }
            Measure::OwnBefore => {
                report.own_before = loss.accuracy();
                self.begin_training(data)
            }
            Measure::OwnAfter(values) => {
                report.own_after = loss.accuracy();
                self.trained.push(values);
                Step::Done
            }
        }
    }

    fn trained(&mut self, training: Training) -> Step {
        let trained = training.finish();
        self.reports[self.trained.len()].loss = trained.loss.mean().filter(|loss| loss.is_finite());
        let weights = self.network.pack_values(&trained.values);
        Step::measure(Measure::OwnAfter(trained.values), weights)
    }

    /// The update, once everything is done.
    pub(super) fn finish(self, run: RunId, examples: u32) -> Done {
        let round = self.opened.round;
        let spec = self.network.spec();
        let arms = || self.opened.arms.iter().zip(&self.trained);
        let names = self.opened.arms.iter().map(|arm| arm.name.clone());
        let report = Report {
            examples,
            arms: names.zip(self.reports.iter().copied()).collect(),
        };
        let sent = arms()
            .filter(|(arm, values)| matches!(arm.start, Start::Model(_)) && !values.is_empty())
            .map(|(arm, values)| (arm.name.as_str(), &**spec, values.as_slice()));
        let body = Update::encode_values(run, round, &report, sent).into();
        let own = arms()
            .filter(|(arm, _)| matches!(arm.start, Start::Own))
            // Weights that training drove to infinity are dropped; the device goes on from those before.
            .filter_map(|(arm, values)| {
                Some((
                    arm.name.clone(),
                    Arc::new(Params::try_new(values.clone(), spec).ok()?),
                ))
            })
            .collect();
        Done { round, body, own }
    }

    /// Goes to the next arm, if there is one. An arm that is only evaluated leaves no weights behind.
    fn begin_arm(&mut self) {
        if let Some(start) = self.starts.get(self.trained.len()) {
            self.step = Step::measure(Measure::Balanced, self.network.pack(start));
        }
    }

    fn begin_training(&mut self, data: &LocalData) -> Step {
        let Some(config) = &self.opened.training else {
            self.trained.push(Vec::new());
            return Step::Done;
        };
        let start = &self.starts[self.trained.len()];
        // The same order for all arms, so that they differ by their models alone.
        let shuffle = Stream::new(
            self.seed,
            Purpose::Shuffle,
            self.opened.round.0,
            self.slot.0,
        );
        Step::Train(Box::new(Training::new(
            &self.network,
            start,
            config,
            &data.train,
            shuffle,
        )))
    }
}
