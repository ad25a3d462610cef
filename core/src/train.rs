//! One device's training for one arm and round: mini-batch SGD in slices.

use std::sync::Arc;

use constellation_kernels::Descent;

use crate::config::TrainingConfig;
use crate::data::Examples;
use crate::model::{Loss, Network, Packed, Workspace};
use crate::params::Params;
use crate::rng::Stream;

/// Training under way. Every [`Training::step`] is one mini-batch, so a worker can look up between two.
#[derive(Debug)]
pub struct Training {
    network: Arc<Network>,
    config: TrainingConfig,
    weights: Packed,
    /// Empty without momentum.
    velocity: Packed,
    gradient: Packed,
    shuffle: Stream,
    /// Half of it times the squared distance to `anchor` is added to the loss.
    proximal: f32,
    /// Empty where nothing pulls.
    anchor: Packed,
    /// Added to every gradient; empty for none.
    correction: Packed,
    order: Vec<u32>,
    /// Next place in `order`.
    at: usize,
    /// Mini-batches to go.
    left: u32,
    epoch_loss: Loss,
    /// Examples of a batch, gathered.
    batch: Vec<f32>,
    labels: Vec<u8>,
}

/// What pulls at training besides the examples.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pull<'a> {
    /// Half of it times the squared distance to the start is added to the loss (FedProx). 0 for none.
    pub proximal: f64,
    /// Added to every gradient (SCAFFOLD).
    pub correction: Option<&'a Params>,
}

/// What training gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Values in the order of the spec. Not all finite if training diverged.
    pub values: Vec<f32>,
    /// Loss over the last epoch, or as much of it as was trained; each batch measured before its step.
    pub loss: Loss,
}

impl Training {
    /// Training from `start`, shuffled by `shuffle`, which epochs draw from one after the other.
    #[must_use]
    pub fn new(
        network: &Arc<Network>,
        start: &Params,
        pull: Pull<'_>,
        config: &TrainingConfig,
        examples: &Examples,
        shuffle: Stream,
    ) -> Self {
        let weights = network.pack(start);
        let batch = config.batch.min(examples.len() as u32) as usize;
        let mut training = Self {
            velocity: if config.momentum > 0.0 {
                vec![0.0; weights.len()]
            } else {
                Vec::new()
            },
            gradient: vec![0.0; weights.len()],
            proximal: pull.proximal as f32,
            anchor: if pull.proximal > 0.0 {
                weights.clone()
            } else {
                Vec::new()
            },
            correction: pull.correction.map_or_else(Vec::new, |c| network.pack(c)),
            weights,
            network: Arc::clone(network),
            config: config.clone(),
            shuffle,
            order: (0..examples.len() as u32).collect(),
            at: 0,
            left: config.steps(examples.len() as u32, 0),
            epoch_loss: Loss::default(),
            batch: vec![0.0; batch * examples.stride()],
            labels: Vec::with_capacity(batch),
        };
        training.shuffle.shuffle(&mut training.order);
        training
    }

    /// The same before its first step, halved so many times: it ends earlier.
    #[must_use]
    pub fn halved(mut self, halvings: u32) -> Self {
        self.left = self.config.steps(self.order.len() as u32, halvings);
        self
    }

    /// Whether all mini-batches are done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.left == 0
    }

    /// Trains on one mini-batch; the last of an epoch may be smaller. Does nothing once all are done.
    pub fn step(&mut self, examples: &Examples, work: &mut Workspace) {
        if self.is_done() {
            return;
        }
        if self.at == 0 {
            self.epoch_loss = Loss::default();
        }
        let end = (self.at + self.config.batch as usize).min(self.order.len());
        self.labels.clear();
        let stride = examples.stride();
        for (&example, row) in self.order[self.at..end]
            .iter()
            .zip(self.batch.chunks_exact_mut(stride))
        {
            row.copy_from_slice(examples.x(example as usize));
            self.labels.push(examples.labels()[example as usize]);
        }
        let x = &self.batch[..self.labels.len() * stride];
        let descent = Descent {
            rate: self.config.learning_rate as f32,
            momentum: self.config.momentum as f32,
            weight_decay: self.config.weight_decay as f32,
            proximal: self.proximal,
            anchor: &self.anchor,
            correction: &self.correction,
        };
        let (network, labels) = (&self.network, &self.labels);
        let (weights, gradient) = (&mut self.weights, &mut self.gradient);
        let loss = if descent.is_plain() {
            network.descend(weights, x, labels, work, gradient, descent.rate)
        } else {
            let loss = network.gradient(weights, x, labels, work, gradient);
            descent.step(weights, gradient, &mut self.velocity);
            loss
        };
        self.epoch_loss = self.epoch_loss.plus(loss);
        self.at = end;
        self.left -= 1;
        if end == self.order.len() {
            self.at = 0;
            if !self.is_done() {
                self.shuffle.shuffle(&mut self.order);
            }
        }
    }

    /// What training gave so far.
    #[must_use]
    pub fn finish(self) -> Trained {
        Trained {
            values: self.network.unpack(&self.weights),
            loss: self.epoch_loss,
        }
    }
}

/// Examples that one call of [`evaluate`] looks at, so that a worker can look up between two.
pub const EVALUATION_BATCH: usize = 50;

/// Loss and correct answers of the `slice`-th [`EVALUATION_BATCH`] examples; `None` past the last.
pub fn evaluate(
    network: &Network,
    weights: &Packed,
    examples: &Examples,
    slice: usize,
    work: &mut Workspace,
) -> Option<Loss> {
    let start = slice * EVALUATION_BATCH;
    let end = (start + EVALUATION_BATCH).min(examples.len());
    (start < end).then(|| {
        network.evaluate(
            weights,
            examples.rows(start..end),
            &examples.labels()[start..end],
            work,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::limits;
    use crate::data::DatasetName;
    use crate::model::ModelConfig;
    use crate::rng::Purpose;

    fn examples(count: usize) -> Examples {
        let mut examples = Examples::new(784);
        for i in 0..count {
            examples.push(
                (0..784).map(|p| if p % 10 == i % 10 { 1.0 } else { 0.0 }),
                (i % 10) as u8,
            );
        }
        examples
    }

    fn train(config: &TrainingConfig, model: &ModelConfig, examples: &Examples) -> Trained {
        let network = Arc::new(Network::new(model, DatasetName::MnistSmall.shape()));
        let mut work = network.workspace(config.batch as usize);
        let shuffle = Stream::new(1, Purpose::Shuffle, 0, 0);
        let mut training = Training::new(
            &network,
            &network.initial(1),
            Pull::default(),
            config,
            examples,
            shuffle,
        );
        while !training.is_done() {
            training.step(examples, &mut work);
        }
        training.finish()
    }

    #[test]
    fn every_model_learns_what_is_plain() {
        let examples = examples(100);
        for model in [
            ModelConfig::Softmax {},
            ModelConfig::default(),
            ModelConfig::Cnn {},
        ] {
            let config = TrainingConfig {
                epochs: 12,
                batch: 8,
                learning_rate: 0.1,
                ..TrainingConfig::default()
            };
            let trained = train(&config, &model, &examples);
            assert_eq!(trained.loss.examples, 100);
            assert!(
                trained.loss.accuracy().unwrap() > 0.95,
                "{model:?}: {:?}",
                trained.loss
            );
        }
    }

    /// One example, one class wrong by hand: with softmax over zero weights each class gets 1/10.
    #[test]
    fn momentum_and_weight_decay_are_those_of_pytorch() {
        let network = Arc::new(Network::new(
            &ModelConfig::Softmax {},
            DatasetName::MnistSmall.shape(),
        ));
        let mut one = Examples::new(784);
        one.push((0..784).map(|p| if p == 0 { 1.0 } else { 0.0 }), 3);
        let mut values = vec![0.0; network.spec().len()];
        values[1] = 1.0; // class 0, pixel 1: the example does not see it, only decay does
        let start = Params::try_new(values, network.spec()).unwrap();
        let config = TrainingConfig {
            epochs: 2,
            batch: 1,
            learning_rate: 0.5,
            momentum: 0.5,
            weight_decay: 0.1,
        };
        let mut training = Training::new(
            &network,
            &start,
            Pull::default(),
            &config,
            &one,
            Stream::new(1, Purpose::Shuffle, 0, 0),
        );
        let mut work = network.workspace(1);
        training.step(&one, &mut work);
        let first = network.unpack(&training.weights);
        // g = 0.1 * 1; v = g; w = 1 - 0.5 * 0.1
        assert!((first[1] - 0.95).abs() < 1e-6);
        // g = 1/10 - 1 for the label's class; w = 0.5 * 0.9
        assert!((first[3 * 784] - 0.45).abs() < 1e-6);
        training.step(&one, &mut work);
        let second = network.unpack(&training.weights);
        // g = 0.1 * 0.95; v = 0.5 * 0.1 + g = 0.145; w = 0.95 - 0.5 * 0.145
        assert!((second[1] - 0.8775).abs() < 1e-6);
        assert!(training.is_done());
    }

    #[test]
    fn the_last_batch_may_be_smaller() {
        let config = TrainingConfig {
            epochs: 3,
            batch: 8,
            ..TrainingConfig::default()
        };
        assert_eq!(
            train(&config, &ModelConfig::Softmax {}, &examples(13))
                .loss
                .examples,
            13
        );
    }

    #[test]
    fn a_halved_plan_is_the_beginning_of_the_whole_one() {
        let config = TrainingConfig {
            epochs: 3,
            batch: 8,
            ..TrainingConfig::default()
        };
        let network = Arc::new(Network::new(
            &ModelConfig::Softmax {},
            DatasetName::MnistSmall.shape(),
        ));
        let (examples, mut work) = (examples(13), network.workspace(8));
        let mut after = |halvings, most: usize| {
            let (start, shuffle) = (network.initial(1), Stream::new(1, Purpose::Shuffle, 0, 0));
            let pull = Pull::default();
            let training = Training::new(&network, &start, pull, &config, &examples, shuffle);
            let mut training = training.halved(halvings);
            let mut taken = 0;
            while taken < most && !training.is_done() {
                training.step(&examples, &mut work);
                taken += 1;
            }
            (taken, training.finish().values)
        };
        // Of six steps.
        for (halvings, steps) in [
            (0, 6),
            (1, 3),
            (2, 2),
            (3, 1),
            (limits::HALVINGS, 1),
            (99, 1),
        ] {
            assert_eq!(after(halvings, usize::MAX), after(0, steps), "{halvings}");
            assert_eq!(after(halvings, usize::MAX).0, steps, "{halvings}");
        }
    }

    #[test]
    fn evaluation_covers_every_example_once() {
        let network = Network::new(&ModelConfig::Softmax {}, DatasetName::MnistSmall.shape());
        let (examples, mut work) = (examples(120), network.workspace(EVALUATION_BATCH));
        let packed = network.pack(&network.initial(1));
        let slices: Vec<_> = (0..)
            .map_while(|i| evaluate(&network, &packed, &examples, i, &mut work))
            .collect();
        assert_eq!(
            slices.iter().map(|l| l.examples).collect::<Vec<_>>(),
            [50, 50, 20]
        );
    }
}
