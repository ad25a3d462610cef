//! SCAFFOLD: Karimireddy, Kale, Mohri, Reddi, Stich and Suresh, "SCAFFOLD: Stochastic Controlled Averaging for Federated
//! Learning" (ICML 2020), with the second of its two control variates.
//!
//! In the paper a device keeps its control variate and sends the change of it beside its weights. Here the server works
//! it out, from what it knows anyway: the model `x` that the device started from, its weights `y` after training, the
//! number of steps and their size. The mathematics are the same; a device sends one model, and receives two: `x` and
//! the correction that it adds to every gradient.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ArmUpdate, FedAvg, RoundUpdates, Shares, Strategy};
use crate::config::TrainingConfig;
use crate::ids::DeviceId;
use crate::params::Params;
use crate::wire::Task;

/// One model, as in [`FedAvg`], and for every device an estimate of its gradient: its control variate `c_i`. With `c`,
/// their mean, every gradient of a device is corrected by `c − c_i`, so that devices go where all of them want to go
/// together.
#[derive(Debug)]
pub(super) struct Scaffold {
    average: FedAvg,
    training: TrainingConfig,
    /// Mean of the control variates of all devices of the room; those that never sent anything count as 0.
    mean: Vec<f32>,
    variates: BTreeMap<DeviceId, Variate>,
}

/// What is known of a device's gradient.
#[derive(Debug)]
struct Variate {
    examples: u32,
    gradient: Vec<f32>,
}

impl Scaffold {
    pub(super) fn new(training: TrainingConfig, initial: Arc<Params>) -> Self {
        Self {
            mean: vec![0.0; initial.values().len()],
            average: FedAvg::new(initial),
            training,
            variates: BTreeMap::new(),
        }
    }

    /// `c − c_i`, with 0 for a device of which nothing is known.
    fn correction(&self, device: DeviceId) -> Vec<f32> {
        match self.variates.get(&device) {
            Some(own) => self
                .mean
                .iter()
                .zip(&own.gradient)
                .map(|(c, own)| c - own)
                .collect(),
            None => self.mean.clone(),
        }
    }

    /// The gradient that a device followed, less what it was corrected by: `c_i − c + (x − y) / (steps · rate)`. None
    /// where it took no step, or went too far to be reckoned with.
    fn followed(&self, update: &ArmUpdate) -> Option<Variate> {
        let steps = self.effective_steps(update.examples, update.halvings);
        if steps <= 0.0 {
            return None;
        }
        let length = steps * self.training.learning_rate;
        let (x, y) = (update.start.values(), update.weights.values());
        let gradient: Vec<f32> = self
            .correction(update.device)
            .iter()
            .zip(x.iter().zip(y))
            .map(|(c, (x, y))| ((f64::from(*x) - f64::from(*y)) / length - f64::from(*c)) as f32)
            .collect();
        gradient.iter().all(|g| g.is_finite()).then_some(Variate {
            examples: update.examples,
            gradient,
        })
    }

    /// Steps of a round. With momentum m a constant gradient goes as far in K steps as in `Σ (1 − m^k) / (1 − m)`, k = 1
    /// to K, plain ones, and that is what counts: the paper has no momentum.
    fn effective_steps(&self, examples: u32, halvings: u32) -> f64 {
        let steps = self.training.steps(examples, halvings);
        let (steps, m) = (f64::from(steps), self.training.momentum);
        let rest = m * (1.0 - libm::pow(m, steps)) / (1.0 - m);
        (steps - rest) / (1.0 - m)
    }

    /// The mean of the control variates by number of examples. Devices of the room that never sent anything count as 0,
    /// with as many examples as the others have on average.
    fn mean_variate(&self, devices: usize) -> Vec<f32> {
        let known: f64 = self.variates.values().map(|v| f64::from(v.examples)).sum();
        let total = known * devices as f64 / self.variates.len().max(1) as f64;
        let mut sums = vec![0.0; self.mean.len()];
        for variate in self.variates.values() {
            for (sum, g) in sums.iter_mut().zip(&variate.gradient) {
                *sum += f64::from(variate.examples) * f64::from(*g);
            }
        }
        if total > 0.0 {
            sums.into_iter().map(|sum| (sum / total) as f32).collect()
        } else {
            vec![0.0; self.mean.len()]
        }
    }
}

impl Strategy for Scaffold {
    fn task(&self, device: DeviceId) -> Task {
        let task = self.average.task(device);
        // Nothing is known before the first round, and nothing is sent.
        let correction = (!self.variates.is_empty())
            .then(|| Params::try_new(self.correction(device), self.global().spec()).ok())
            .flatten();
        Task {
            correction: correction.map(Arc::new),
            ..task
        }
    }

    fn close(&mut self, round: &RoundUpdates) {
        let followed: Vec<(DeviceId, Variate)> = round
            .updates
            .iter()
            .filter_map(|update| Some((update.device, self.followed(update)?)))
            .collect();
        self.variates.extend(followed);
        self.variates
            .retain(|device, _| round.in_room.contains_key(device));
        self.mean = self.mean_variate(round.in_room.len());
        self.average.close(round);
    }

    fn global(&self) -> &Arc<Params> {
        self.average.global()
    }

    fn global_shares(&self) -> Shares {
        self.average.global_shares()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{model, round, start};
    use super::*;

    fn strategy(momentum: f64) -> Scaffold {
        let training = TrainingConfig {
            epochs: 2,
            batch: 10,
            learning_rate: 0.25,
            momentum,
            weight_decay: 0.0,
        };
        Scaffold::new(training, model(&[0.0]))
    }

    fn correction(strategy: &Scaffold, device: u32) -> Option<f32> {
        let correction = strategy.task(DeviceId(device)).correction?;
        Some(correction.values()[0])
    }

    /// 20 examples are 2 · 2 steps of 0.25: a device that goes from 0 to −2 has followed a gradient of 2.
    #[test]
    fn devices_are_corrected_by_how_they_differ() {
        let mut strategy = strategy(0.0);
        assert_eq!(correction(&strategy, 1), None, "nothing is known yet");
        strategy.close(&round(1, &[(20, &[-2.0]), (20, &[-4.0])]));
        assert_eq!(start(&strategy, 1), [-3.0]);
        assert_eq!(correction(&strategy, 1), Some(1.0), "mean 3, own 2");
        assert_eq!(correction(&strategy, 2), Some(-1.0));
        // Device 1 goes from −3 to −7 and has followed 4, of which 1 was the correction; device 2 stays where it is:
        // 0, less a correction of −1.
        let mut second = round(2, &[(20, &[-7.0]), (20, &[-3.0])]);
        for update in &mut second.updates {
            update.start = Arc::clone(strategy.global());
        }
        strategy.close(&second);
        assert_eq!(start(&strategy, 1), [-5.0]);
        assert_eq!(correction(&strategy, 1), Some(2.0 - 3.0));
        assert_eq!(correction(&strategy, 2), Some(2.0 - 1.0));
    }

    #[test]
    fn means_go_by_examples_and_an_incomplete_batch_is_a_step() {
        let mut strategy = strategy(0.0);
        // 4 steps of 0.25 and, with 59 examples, 12: gradients 2 and 1.
        strategy.close(&round(1, &[(20, &[-2.0]), (59, &[-3.0])]));
        let mean = (20.0 * 2.0 + 59.0 * 1.0) / 79.0;
        assert!((correction(&strategy, 1).unwrap() - (mean - 2.0)).abs() < 1e-6);
    }

    #[test]
    fn who_never_sent_anything_counts_as_zero() {
        let mut strategy = strategy(0.0);
        let mut first = round(1, &[(20, &[-2.0]), (20, &[-4.0])]);
        first
            .in_room
            .extend([(DeviceId(3), None), (DeviceId(4), None)]);
        strategy.close(&first);
        assert_eq!(correction(&strategy, 3), Some(1.5));
        assert_eq!(correction(&strategy, 1), Some(-0.5));
        // Devices 2 to 4 are gone. Device 1 goes from 0 to −2 with a correction of −0.5: its own gradient is 2.5.
        strategy.close(&round(2, &[(20, &[-2.0])]));
        assert_eq!(correction(&strategy, 3), Some(2.5));
    }

    #[test]
    fn devices_without_examples_took_no_step() {
        let mut strategy = strategy(0.0);
        strategy.close(&round(1, &[(0, &[0.0]), (20, &[-2.0])]));
        assert_eq!(correction(&strategy, 2), Some(1.0 - 2.0));
    }

    #[test]
    fn momentum_goes_farther_with_the_same_gradient() {
        // Velocities of a gradient of 1 with momentum 0.5: 1, 1.5, 1.75, 1.875.
        assert!((strategy(0.5).effective_steps(20, 0) - 6.125).abs() < 1e-12);
        assert_eq!(strategy(0.0).effective_steps(20, 0), 4.0);
        assert_eq!(strategy(0.0).effective_steps(20, 1), 2.0);
    }
}
