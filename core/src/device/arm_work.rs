//! One arm's work in a round: judge models, measure the one that serves the device, train.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::config::TrainingConfig;
use crate::data::{Examples, LocalData};
use crate::ids::{Round, Slot};
use crate::model::{Loss, Network, Packed, Workspace};
use crate::params::Params;
use crate::rng::{Purpose, Stream};
use crate::train::{EVALUATION_BATCH, Pull, Training, evaluate};
use crate::wire::{ArmPlan, ArmReport, Choice, Serves, Start, Validation};

/// What every arm of a round has in common.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) network: Arc<Network>,
    pub(super) data: Arc<LocalData>,
    pub(super) training: TrainingConfig,
    /// How often its steps are halved.
    pub(super) halvings: u32,
    pub(super) seed: u32,
    pub(super) slot: Slot,
    pub(super) round: Round,
}

/// One arm's work, done slice by slice.
#[derive(Debug)]
pub(super) struct ArmWork {
    plan: ArmPlan,
    /// Models to start from, at least one.
    starts: Vec<Arc<Params>>,
    /// Which of them it is, and its mean loss where that was the question.
    picked: (usize, f64),
    /// The device's own weights of the round before, where they may serve it.
    own: Option<Arc<Params>>,
    ahead: VecDeque<Action>,
    step: Option<Step>,
    report: ArmReport,
    trained: Vec<f32>,
    trained_beside: Vec<f32>,
}

/// What an arm leaves behind. Values are in the order of the spec, and none after an evaluation.
#[derive(Debug)]
pub(super) struct ArmDone {
    pub(super) plan: ArmPlan,
    pub(super) report: ArmReport,
    /// What it started from.
    pub(super) start: Arc<Params>,
    pub(super) trained: Vec<f32>,
    pub(super) trained_beside: Vec<f32>,
}

/// Something to do, in several slices. Which model it concerns may hang on what was done before.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// Loss of a model to start from, on the training examples.
    Try(usize),
    /// Loss of a model to judge, on the training examples, every label counting alike.
    Judge(usize),
    /// Right answers of a model that may serve the device, on the validation part.
    Validate(Choice),
    /// The model that serves the device on the balanced sample.
    Balanced,
    /// The model that serves the device on its held-out examples.
    OwnBefore,
    /// Training from the start.
    Train,
    /// The trained model on the held-out examples.
    OwnAfter,
    /// Training of the model beside it.
    TrainBeside,
}

/// The action under way.
#[derive(Debug)]
enum Step {
    Measure {
        action: Action,
        weights: Packed,
        /// Counts evaluation batches.
        slice: usize,
        loss: Loss,
    },
    Judge {
        weights: Packed,
        /// Example to go on with.
        at: usize,
        by_label: Vec<Loss>,
    },
    Train {
        action: Action,
        training: Box<Training>,
    },
}

impl ArmWork {
    /// The work of `plan`; a round without `upload` trains only what must be trained to be measured. `own` are the
    /// device's weights of the round before.
    pub(super) fn new(
        plan: ArmPlan,
        own: Option<&Arc<Params>>,
        upload: bool,
        setting: &Setting,
    ) -> Self {
        let starts = match &plan.task.start {
            Start::Own => vec![own.map_or_else(
                || Arc::new(setting.network.initial(setting.seed)),
                Arc::clone,
            )],
            Start::Model(model) => vec![Arc::clone(model)],
            Start::BestOf(models) => models.clone(),
        };
        let mut ahead = VecDeque::new();
        if starts.len() > 1 {
            ahead.extend((0..starts.len()).map(Action::Try));
        }
        ahead.extend((0..plan.task.judge.len()).map(Action::Judge));
        let own = own.filter(|_| plan.task.serves.by_validation());
        match plan.task.serves {
            Serves::Tuned => ahead.extend([Action::Train, Action::Balanced, Action::OwnBefore]),
            Serves::Received | Serves::Chosen | Serves::Best => {
                if plan.task.serves.by_validation() && !setting.data.validation.is_empty() {
                    ahead.push_back(Action::Validate(Choice::Received));
                    let beside = plan.task.beside.as_ref();
                    ahead.extend(beside.map(|_| Action::Validate(Choice::Beside)));
                    ahead.extend(own.map(|_| Action::Validate(Choice::Own)));
                }
                ahead.extend([Action::Balanced, Action::OwnBefore]);
                if upload {
                    ahead.extend([Action::Train, Action::OwnAfter]);
                }
            }
        }
        if upload && plan.task.beside.is_some() {
            ahead.push_back(Action::TrainBeside);
        }
        Self {
            starts,
            picked: (0, f64::INFINITY),
            own: own.cloned(),
            ahead,
            step: None,
            report: ArmReport::default(),
            trained: Vec::new(),
            trained_beside: Vec::new(),
            plan,
        }
    }

    /// Slices that everything ahead takes.
    pub(super) fn slices(&self, setting: &Setting) -> usize {
        let evaluation = |examples: &Examples| examples.len().div_ceil(EVALUATION_BATCH);
        self.ahead
            .iter()
            .map(|action| match (action, action.examples(&setting.data)) {
                (Action::Judge(_), _) => label_slices(&setting.data.train).count(),
                (_, Some(examples)) => evaluation(examples),
                (_, None) => {
                    let examples = setting.data.train.len() as u32;
                    setting.training.steps(examples, setting.halvings) as usize
                }
            })
            .sum()
    }

    pub(super) fn is_training(&self) -> bool {
        matches!(self.step, Some(Step::Train { .. }))
    }

    /// What has been measured so far.
    pub(super) fn report(&self) -> &ArmReport {
        &self.report
    }

    /// Does one slice. False once nothing is left to do.
    pub(super) fn work(&mut self, setting: &Setting, work: &mut Workspace) -> bool {
        let step = match self.step.take() {
            Some(step) => step,
            None => match self.ahead.pop_front() {
                Some(action) => self.begin(action, setting),
                None => return false,
            },
        };
        self.step = match step {
            Step::Measure {
                action,
                weights,
                slice,
                loss,
            } => {
                let Some(examples) = action.examples(&setting.data) else {
                    return false;
                };
                let found = evaluate(&setting.network, &weights, examples, slice, work);
                let (loss, slice) = (loss.plus(found.unwrap_or_default()), slice + 1);
                if slice * EVALUATION_BATCH >= examples.len() {
                    self.measured(action, loss);
                    None
                } else {
                    Some(Step::Measure {
                        action,
                        weights,
                        slice,
                        loss,
                    })
                }
            }
            Step::Judge {
                weights,
                at,
                mut by_label,
            } => {
                let train = &setting.data.train;
                let slice = label_slice(train, at);
                if let Some(label) = train.labels().get(at) {
                    let (x, labels) = (train.rows(slice.clone()), &train.labels()[slice.clone()]);
                    let sum = &mut by_label[usize::from(*label)];
                    *sum = sum.plus(setting.network.evaluate(&weights, x, labels, work));
                }
                if slice.end >= train.len() {
                    self.report.losses.push(balanced_mean(&by_label));
                    None
                } else {
                    Some(Step::Judge {
                        weights,
                        at: slice.end,
                        by_label,
                    })
                }
            }
            Step::Train {
                action,
                mut training,
            } => {
                training.step(&setting.data.train, work);
                if training.is_done() {
                    self.trained(action, *training);
                    None
                } else {
                    Some(Step::Train { action, training })
                }
            }
        };
        self.step.is_some() || !self.ahead.is_empty()
    }

    pub(super) fn finish(mut self) -> ArmDone {
        if let Start::BestOf(_) = self.plan.task.start {
            self.report.picked = Some(self.picked.0 as u32);
        }
        ArmDone {
            start: Arc::clone(&self.starts[self.picked.0]),
            plan: self.plan,
            report: self.report,
            trained: self.trained,
            trained_beside: self.trained_beside,
        }
    }

    fn begin(&self, action: Action, setting: &Setting) -> Step {
        let network = &setting.network;
        let weights = match action {
            Action::Try(i) => network.pack(&self.starts[i]),
            Action::Judge(i) => {
                return Step::Judge {
                    weights: network.pack(&self.plan.task.judge[i]),
                    at: 0,
                    by_label: vec![Loss::default(); network.classes()],
                };
            }
            Action::Validate(choice) => network.pack(self.contender(choice)),
            Action::Balanced | Action::OwnBefore => match self.plan.task.serves {
                Serves::Tuned => network.pack_values(&self.trained),
                Serves::Received => network.pack(self.contender(Choice::Received)),
                serves @ (Serves::Chosen | Serves::Best) => {
                    let validation = self.report.validation;
                    let choice = validation.map_or(Choice::Received, |v| v.choice(serves));
                    network.pack(self.contender(choice))
                }
            },
            Action::OwnAfter => network.pack_values(&self.trained),
            Action::Train => return self.begin_training(action, Choice::Received, setting),
            Action::TrainBeside => return self.begin_training(action, Choice::Beside, setting),
        };
        Step::Measure {
            action,
            weights,
            slice: 0,
            loss: Loss::default(),
        }
    }

    /// A model that may serve the device. Only those that are there are asked for.
    fn contender(&self, choice: Choice) -> &Params {
        let start = &self.starts[self.picked.0];
        match choice {
            Choice::Received => start,
            Choice::Beside => self.plan.task.beside.as_ref().unwrap_or(start),
            Choice::Own => self.own.as_ref().unwrap_or(start),
        }
    }

    fn begin_training(&self, action: Action, from: Choice, setting: &Setting) -> Step {
        // The same order for all arms, so that they differ by their models alone.
        let shuffle = Stream::new(
            setting.seed,
            Purpose::Shuffle,
            setting.round.0,
            setting.slot.0,
        );
        let task = &self.plan.task;
        let pull = Pull {
            proximal: task.proximal,
            correction: task.correction.as_deref(),
        };
        let training = Training::new(
            &setting.network,
            self.contender(from),
            pull,
            &setting.training,
            &setting.data.train,
            shuffle,
        );
        Step::Train {
            action,
            training: Box::new(training.halved(setting.halvings)),
        }
    }

    fn measured(&mut self, action: Action, loss: Loss) {
        match action {
            Action::Try(i) => {
                if let Some(mean) = loss.mean().filter(|mean| *mean < self.picked.1) {
                    self.picked = (i, mean);
                }
            }
            Action::Validate(choice) => {
                let validation = self.report.validation.get_or_insert(Validation {
                    examples: loss.examples,
                    received: 0,
                    beside: None,
                    own: None,
                });
                match choice {
                    Choice::Received => validation.received = loss.correct,
                    Choice::Beside => validation.beside = Some(loss.correct),
                    Choice::Own => validation.own = Some(loss.correct),
                }
            }
            Action::Balanced => self.report.balanced_before = loss.accuracy(),
            Action::OwnBefore => {
                self.report.own_before = loss.accuracy();
                if self.plan.task.serves == Serves::Tuned {
                    self.report.own_after = loss.accuracy();
                }
            }
            Action::OwnAfter => self.report.own_after = loss.accuracy(),
            Action::Judge(_) | Action::Train | Action::TrainBeside => {}
        }
    }

    fn trained(&mut self, action: Action, training: Training) {
        let trained = training.finish();
        if let Action::TrainBeside = action {
            self.trained_beside = trained.values;
        } else {
            self.report.loss = trained.loss.mean().filter(|loss| loss.is_finite());
            self.trained = trained.values;
        }
    }
}

impl Action {
    /// What is measured on; none for training.
    fn examples(self, data: &LocalData) -> Option<&Examples> {
        match self {
            Self::Try(_) | Self::Judge(_) => Some(&data.train),
            Self::Validate(_) => Some(&data.validation),
            Self::Balanced => Some(&data.balanced),
            Self::OwnBefore | Self::OwnAfter => Some(&data.held_out),
            Self::Train | Self::TrainBeside => None,
        }
    }
}

/// Examples of a label that count in full; a label with fewer counts for less.
const ENOUGH: u32 = 10;

/// Mean loss with every label counting alike, so that the device's mix of labels does not decide.
fn balanced_mean(by_label: &[Loss]) -> f64 {
    let labels = by_label.iter().filter_map(|loss| {
        let weight = f64::from(loss.examples.min(ENOUGH));
        Some((weight, weight * loss.mean()?))
    });
    let (weights, sum) = labels.fold((0.0, 0.0), |(a, b), (weight, loss)| (a + weight, b + loss));
    if weights > 0.0 { sum / weights } else { 0.0 }
}

/// Examples with the same label from `at` on, as many as one slice takes.
fn label_slice(examples: &Examples, at: usize) -> core::ops::Range<usize> {
    let labels = &examples.labels()[at.min(examples.len())..];
    let same = labels
        .iter()
        .take(EVALUATION_BATCH)
        .take_while(|label| Some(*label) == labels.first())
        .count();
    at..at + same
}

fn label_slices(examples: &Examples) -> impl Iterator<Item = core::ops::Range<usize>> {
    let first = Some(label_slice(examples, 0));
    core::iter::successors(first, |slice| Some(label_slice(examples, slice.end)))
        .take_while(|slice| !slice.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(examples: u32, mean: f64) -> Loss {
        Loss {
            sum: mean * f64::from(examples),
            correct: 0,
            examples,
        }
    }

    #[test]
    fn labels_count_alike_but_those_with_few_examples() {
        // Weights 10, 10 and 5.
        let found = balanced_mean(&[loss(300, 1.0), loss(10, 2.0), loss(5, 4.0), loss(0, 0.0)]);
        assert!((found - 50.0 / 25.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn slices_have_one_label_each() {
        let mut examples = Examples::new(8);
        for label in [[3_u8; 60].as_slice(), &[1, 1, 3]].concat() {
            examples.push([], label);
        }
        let slices: Vec<_> = label_slices(&examples).collect();
        assert_eq!(slices, [0..50, 50..60, 60..62, 62..63]);
    }
}
