//! One round's work on a device: arm by arm, slice by slice.

use std::collections::VecDeque;
use std::sync::Arc;

use super::arm_work::{ArmDone, ArmWork, Setting};
use super::owed::Owed;
use crate::attack::{Attacker, Mischief};
use crate::by_name::ByName;
use crate::config::TrainingConfig;
use crate::data::LocalData;
use crate::encoding::Encoding;
use crate::ids::{Round, RunId, Slot};
use crate::model::{Network, Workspace};
use crate::params::Params;
use crate::rng::{Purpose, Stream};
use crate::train::EVALUATION_BATCH;
use crate::wire::{ArmReport, Carried, Report, RoundOpened, Start, Update, beside};

/// One round's work, done slice by slice.
#[derive(Debug)]
pub(super) struct Job {
    run: RunId,
    /// Whether weights are asked for.
    upload: bool,
    /// How they are to be sent.
    encoding: Encoding,
    mischief: Option<Mischief>,
    setting: Setting,
    /// The arm under way comes first.
    ahead: VecDeque<ArmWork>,
    done: Vec<ArmDone>,
    /// One per arm, as far as it has been measured.
    reports: Vec<ArmReport>,
    work: Workspace,
    slices_done: usize,
    slices: usize,
}

/// What an update is made of, and what stays on the device.
pub(super) struct Done {
    pub(super) round: Round,
    pub(super) body: Arc<[u8]>,
    pub(super) mischief: Option<Mischief>,
    /// New weights of the arms that keep some on the device.
    pub(super) own: Vec<(String, Arc<Params>)>,
}

/// Weights that are to be sent.
struct Sent<'a> {
    name: String,
    /// What they were trained from.
    start: Option<&'a Arc<Params>>,
    values: &'a [f32],
}

impl<'a> Sent<'a> {
    /// The values, or what an attacker sends instead.
    fn values_or(&self, poisoned: Option<&'a Update>) -> &'a [f32] {
        let poisoned = poisoned.and_then(|update| update.weights.get(&self.name));
        poisoned.map_or(self.values, Params::values)
    }
}

impl Job {
    /// The work of a round. `own` are the weights that arms keep on the device, `training` is the run's, for arms that
    /// train when the round asks for no weights.
    pub(super) fn new(
        network: &Arc<Network>,
        opened: RoundOpened,
        own: &ByName<Arc<Params>>,
        data: &Arc<LocalData>,
        training: &TrainingConfig,
        seed: u32,
        slot: Slot,
    ) -> Self {
        let upload = opened.training.is_some();
        let setting = Setting {
            network: Arc::clone(network),
            data: Arc::clone(data),
            training: opened.training.unwrap_or_else(|| training.clone()),
            seed,
            slot,
            round: opened.round,
        };
        let batch = setting.training.batch as usize;
        let reports = vec![ArmReport::default(); opened.arms.len()];
        let arms = opened.arms.into_iter().map(|plan| {
            let own = own.get(&plan.name);
            ArmWork::new(plan, own, upload, &setting)
        });
        let ahead: VecDeque<ArmWork> = arms.collect();
        Self {
            run: opened.run,
            upload,
            encoding: opened.upload,
            mischief: None,
            done: Vec::new(),
            reports,
            work: network.workspace(EVALUATION_BATCH.max(batch)),
            slices_done: 0,
            slices: ahead.iter().map(|arm| arm.slices(&setting)).sum(),
            ahead,
            setting,
        }
    }

    /// The same, done by a device that is difficult, if it is.
    pub(super) fn difficult(mut self, mischief: Option<Mischief>) -> Self {
        self.mischief = mischief;
        if mischief == Some(Mischief::LabelFlip) {
            let Setting { network, data, .. } = &self.setting;
            let flipped = data.with_flipped_labels(network.classes() as u8);
            self.setting.data = Arc::new(flipped);
        }
        self
    }

    pub(super) fn round(&self) -> Round {
        self.setting.round
    }

    pub(super) fn is_done(&self) -> bool {
        self.ahead.is_empty()
    }

    pub(super) fn arms_done(&self) -> usize {
        self.done.len()
    }

    pub(super) fn is_training(&self) -> bool {
        self.ahead.front().is_some_and(ArmWork::is_training)
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
    pub(super) fn work(&mut self) {
        let Some(arm) = self.ahead.front_mut() else {
            return;
        };
        let more = arm.work(&self.setting, &mut self.work);
        self.slices_done += 1;
        self.reports[self.done.len()].clone_from(arm.report());
        if !more && let Some(arm) = self.ahead.pop_front() {
            let done = arm.finish();
            self.reports[self.done.len()] = done.report.clone();
            self.done.push(done);
        }
    }

    /// The arms that are done.
    pub(super) fn done(&self) -> &[ArmDone] {
        &self.done
    }

    /// The update, once everything is done. `owed` is what earlier deltas have lost.
    pub(super) fn finish(self, owed: &mut Owed) -> Done {
        let spec = self.setting.network.spec();
        let mut report = Report {
            examples: self.setting.data.train.len() as u32,
            own_data: self.setting.data.own,
            mischief: self.mischief,
            arms: ByName::new(),
        };
        for (arm, found) in self.done.iter().zip(&self.reports) {
            report.arms.insert(arm.plan.name.clone(), found.clone());
        }
        let sent: Vec<Sent<'_>> = self
            .done
            .iter()
            .filter(|arm| self.upload && !matches!(arm.plan.task.start, Start::Own))
            .flat_map(|arm| {
                let main = Sent {
                    name: arm.plan.name.clone(),
                    start: Some(&arm.start),
                    values: &arm.trained,
                };
                let second = Sent {
                    name: beside(&arm.plan.name),
                    start: arm.plan.task.beside.as_ref(),
                    values: &arm.trained_beside,
                };
                [main, second]
            })
            .filter(|sent| !sent.values.is_empty())
            .collect();
        let attacker = self.mischief.and_then(Mischief::attacker);
        let poisoned = attacker.and_then(|attacker| self.poisoned(attacker, &report, &sent));
        let Setting {
            seed, round, slot, ..
        } = self.setting;
        let mut rotations = Stream::new(seed, Purpose::Rotation, round.0, slot.0);
        let mut encoded = Vec::with_capacity(sent.len());
        for sent in &sent {
            let Sent { name, start, .. } = sent;
            let rotation = rotations.bits();
            encoded.push(owed.encode(
                name,
                *start,
                sent.values_or(poisoned.as_ref()),
                self.encoding,
                rotation,
            ));
        }
        let mut models = Vec::with_capacity(sent.len());
        for (sent, encoded) in sent.iter().zip(&encoded) {
            let weights = || Carried::Weights(spec, sent.values_or(poisoned.as_ref()));
            let carried = encoded.as_ref().map_or_else(weights, Carried::Delta);
            models.push((sent.name.clone(), carried));
        }
        let body = Update::encode_models(self.run, round, &report, &models);
        let keeps = |arm: &ArmDone| {
            matches!(arm.plan.task.start, Start::Own) || arm.plan.task.serves.by_validation()
        };
        let own = self
            .done
            .into_iter()
            .filter(keeps)
            // Weights that training drove to infinity are dropped; the device goes on from those before.
            .filter_map(|arm| {
                let params = Params::try_new(arm.trained, spec).ok()?;
                Some((arm.plan.name, Arc::new(params)))
            })
            .collect();
        Done {
            round: self.setting.round,
            body: body.into(),
            mischief: self.mischief,
            own,
        }
    }

    /// What an attacker sends instead. None if training ended in infinity, which a room refuses as it is.
    fn poisoned(&self, attacker: Attacker, report: &Report, honest: &[Sent<'_>]) -> Option<Update> {
        let spec = self.setting.network.spec();
        let mut weights = ByName::new();
        for sent in honest {
            let params = Params::try_new(sent.values.to_vec(), spec).ok()?;
            weights.insert(sent.name.clone(), params);
        }
        let mut update = Update {
            run: self.run,
            round: self.setting.round,
            report: report.clone(),
            weights,
            deltas: ByName::new(),
        };
        let plans: Vec<_> = self.done.iter().map(|arm| &arm.plan).collect();
        attacker.poison(self.setting.seed, self.setting.slot, &plans, &mut update);
        Some(update)
    }
}
