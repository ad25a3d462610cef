//! The models that a device guesses with: its own, its coalition's, the one of all.

use std::sync::Arc;

use super::arm_work::ArmDone;
use crate::config::{ArmConfig, StrategyConfig};
use crate::params::{ParamSpec, Params};
use crate::wire::{ArmPlan, Start};

/// The models of the last round the device was asked for, as far as there are some.
#[derive(Debug, Default)]
pub(super) struct Guessing {
    /// The arm whose model is its coalition's, once it is in one.
    grouped: Option<String>,
    pub(super) own: Option<Arc<Params>>,
    pub(super) coalition: Option<Arc<Params>>,
    pub(super) global: Option<Arc<Params>>,
}

impl Guessing {
    /// Takes the models of a round that opens, in a run with these arms.
    pub(super) fn received(&mut self, arms: &[ArmConfig], plans: &[ArmPlan]) {
        let grouped = grouped_plan(arms, plans);
        self.coalition = grouped.and_then(|plan| model(&plan.task.start));
        self.grouped = grouped.map(|plan| plan.name.clone());
        self.global = global_of(arms, plans);
    }

    /// Takes the weights of a round's work.
    pub(super) fn trained(&mut self, arms: &[ArmConfig], done: &[ArmDone], spec: &Arc<ParamSpec>) {
        let of = |name: &str| done.iter().find(|arm| arm.plan.name == name);
        let grouped = self.grouped.as_deref().and_then(of);
        if let Some(arm) = grouped {
            // Only now it is known which of several models it is.
            self.coalition = Some(Arc::clone(&arm.start));
        }
        let alone = arms
            .iter()
            .find(|arm| arm.strategy == StrategyConfig::LocalOnly {});
        let own = alone.and_then(|arm| of(&arm.name)).or(grouped);
        // An evaluation trains nothing, and training may end in infinity: then those from before stay.
        if let Some(arm) = own.or(done.last())
            && let Ok(own) = Params::try_new(arm.trained.clone(), spec)
        {
            self.own = Some(Arc::new(own));
        }
    }
}

/// The arm that the page shows the device's coalition by, among those whose coalitions have models: the one named
/// `coalition_models`, else the last one.
fn grouped_plan<'a>(arms: &[ArmConfig], plans: &'a [ArmPlan]) -> Option<&'a ArmPlan> {
    let is_grouped = |plan: &&ArmPlan| {
        let arm = arms.iter().find(|arm| arm.name == plan.name);
        plan.coalition.is_some() && arm.is_some_and(|arm| !arm.strategy.has_one_model())
    };
    let named = plans.iter().find(|plan| plan.name == "coalition_models");
    let last = || plans.iter().rfind(is_grouped);
    named.filter(is_grouped).or_else(last)
}

/// The model of plain averaging, else of any arm that has one for all, else what an arm gives devices that are in
/// no coalition, or beside their coalition's.
fn global_of(arms: &[ArmConfig], plans: &[ArmPlan]) -> Option<Arc<Params>> {
    let of = |is: fn(&StrategyConfig) -> bool| {
        let arm = arms.iter().find(|arm| is(&arm.strategy))?;
        model(&plans.iter().find(|plan| plan.name == arm.name)?.task.start)
    };
    let common = |plan: &ArmPlan| match plan.coalition {
        None => model(&plan.task.start),
        Some(_) => plan.task.beside.clone(),
    };
    of(|strategy| *strategy == StrategyConfig::FedAvg {})
        .or_else(|| of(StrategyConfig::has_one_model))
        .or_else(|| plans.iter().find_map(common))
}

/// The one model that a device starts from, if the room sends one.
fn model(start: &Start) -> Option<Arc<Params>> {
    match start {
        Start::Model(model) => Some(Arc::clone(model)),
        Start::Own | Start::BestOf(_) => None,
    }
}
