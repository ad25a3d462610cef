//! One round's work on a device: arm by arm, slice by slice.

use std::collections::VecDeque;
use std::sync::Arc;

use super::arm_work::{ArmDone, ArmWork, Setting};
use super::finished::{Finished, Trained};
use crate::attack::Mischief;
use crate::by_name::ByName;
use crate::config::TrainingConfig;
use crate::data::LocalData;
use crate::encoding::Encoding;
use crate::ids::{Round, RunId, Slot};
use crate::model::{Network, Workspace};
use crate::params::Params;
use crate::train::EVALUATION_BATCH;
use crate::wire::{ArmPlan, ArmReport, Report, RoundOpened, Start, Update, beside};

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

/// What comes of a round's work.
pub(super) struct Done {
    pub(super) finished: Finished,
    /// New weights of the arms that keep some on the device.
    pub(super) own: Vec<(String, Arc<Params>)>,
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
            halvings: opened.halvings,
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

    /// What was trained and measured, once everything is done.
    pub(super) fn finish(self) -> Done {
        let spec = self.setting.network.spec();
        let mut report = Report {
            examples: self.setting.data.train.len() as u32,
            own_data: self.setting.data.own,
            halvings: self.setting.halvings,
            mischief: self.mischief,
            arms: ByName::new(),
        };
        for (arm, found) in self.done.iter().zip(&self.reports) {
            report.arms.insert(arm.plan.name.clone(), found.clone());
        }
        let mut poisoned = self.poisoned(&report);
        let mut finished = Finished {
            run: self.run,
            round: self.setting.round,
            seed: self.setting.seed,
            slot: self.setting.slot,
            spec: Arc::clone(spec),
            encoding: self.encoding,
            mischief: self.mischief,
            report,
            models: Vec::new(),
        };
        let mut own = Vec::new();
        for arm in self.done {
            let ArmPlan { name, task, .. } = arm.plan;
            let keeps = matches!(task.start, Start::Own) || task.serves.by_validation();
            // Weights that training drove to infinity are dropped; the device goes on from those before.
            if keeps && let Ok(params) = Params::try_new(arm.trained.clone(), spec) {
                own.push((name.clone(), Arc::new(params)));
            }
            if !self.upload || matches!(task.start, Start::Own) {
                continue;
            }
            let main = Trained {
                name: name.clone(),
                start: Some(arm.start),
                values: arm.trained,
                sketch: task.sketch,
            };
            let second = Trained {
                name: beside(&name),
                start: task.beside,
                values: arm.trained_beside,
                sketch: false,
            };
            for mut model in [main, second] {
                if let Some(params) = poisoned.remove(&model.name) {
                    model.values = params.values().to_vec();
                }
                if !model.values.is_empty() {
                    finished.models.push(model);
                }
            }
        }
        Done { finished, own }
    }

    /// What an attacker sends instead. Nothing if training ended in infinity, which a room refuses as it is.
    fn poisoned(&self, report: &Report) -> ByName<Params> {
        let attacker = self.mischief.and_then(Mischief::attacker);
        let Some(attacker) = attacker.filter(|_| self.upload) else {
            return ByName::new();
        };
        let spec = self.setting.network.spec();
        let mut weights = ByName::new();
        for arm in &self.done {
            if matches!(arm.plan.task.start, Start::Own) {
                continue;
            }
            let name = &arm.plan.name;
            let second = (beside(name), &arm.trained_beside);
            for (name, values) in [(name.clone(), &arm.trained), second] {
                if values.is_empty() {
                    continue;
                }
                let Ok(params) = Params::try_new(values.clone(), spec) else {
                    return ByName::new();
                };
                weights.insert(name, params);
            }
        }
        let mut update = Update {
            run: self.run,
            round: self.setting.round,
            report: report.clone(),
            weights,
            deltas: ByName::new(),
            sketches: ByName::new(),
            coalitions: Vec::new(),
        };
        let plans: Vec<_> = self.done.iter().map(|arm| &arm.plan).collect();
        attacker.poison(self.setting.seed, self.setting.slot, &plans, &mut update);
        update.weights
    }
}
