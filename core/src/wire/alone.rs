//! What a message would weigh if it were about one arm alone: what that arm costs when nothing is compared.

use serde::{Deserialize, Serialize};

use super::carried::{Carried, delta_headers, encoded_len};
use super::codec::{ArmHeader, PLAN, ROUND_OPENED, RoundHeader, StartHeader, UPDATE, UpdateHeader};
use super::message::{ArmPlan, ArmReport, Models, Report, RoundOpened, Serves, Update, beside};
use crate::by_name::ByName;
use crate::encoding::Encoding;
use crate::params::ParamSpec;

/// Name of the arm in a run that does nothing but plain averaging.
const PLAIN: &str = "fed_avg";

/// Bytes of whole files. Nothing is encoded to know them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alone {
    /// Of the file with one arm alone, in the order of the arms.
    pub arms: Vec<u64>,
    /// Of the file in a run that does nothing but plain averaging, whether this run does it or not.
    pub plain: u64,
}

impl RoundOpened {
    /// What the frame would weigh with one arm alone, or with plain averaging of models of shape `spec`.
    #[must_use]
    pub fn alone(&self, spec: &ParamSpec) -> Alone {
        let of_arm = |arm: &ArmPlan| {
            let header = self.header(core::slice::from_ref(arm));
            let models: Vec<_> = self.carried(arm).collect();
            encoded_len(ROUND_OPENED, PLAN, &header.to_json(), &models)
        };
        let plain = RoundHeader {
            run: self.run,
            round: self.round,
            training: self.training.clone(),
            halvings: 0,
            upload: Encoding::default(),
            arms: vec![ArmHeader::plain()],
            deltas: Vec::new(),
        };
        let weights = (PLAIN.to_owned(), Carried::Weights(spec, &[]));
        Alone {
            arms: self.arms.iter().map(of_arm).collect(),
            plain: encoded_len(ROUND_OPENED, PLAN, &plain.to_json(), &[weights]),
        }
    }
}

impl ArmHeader {
    fn plain() -> Self {
        Self {
            name: PLAIN.to_owned(),
            coalition: None,
            start: StartHeader::Model,
            proximal: 0.0,
            correction: false,
            beside: false,
            judge: 0,
            serves: Serves::Received,
            sketch: false,
        }
    }
}

impl Update {
    /// What the body would weigh with one arm alone, or with plain averaging.
    #[must_use]
    pub fn alone(&self, models: &Models) -> Alone {
        let len = |arm: &str, report: ArmReport, models: &[(String, Carried<'_>)]| {
            let header = UpdateHeader {
                run: self.run,
                round: self.round,
                report: Report {
                    examples: self.report.examples,
                    own_data: self.report.own_data,
                    halvings: self.report.halvings,
                    mischief: None,
                    arms: ByName::from([(arm.to_owned(), report)]),
                },
                coalitions: self
                    .coalitions
                    .iter()
                    .filter(|wanted| wanted.arm == arm)
                    .cloned()
                    .collect(),
                deltas: delta_headers(models),
            };
            encoded_len(UPDATE, UPDATE, &header.to_json(), models)
        };
        let weights = Carried::Weights(&models.spec, &[]);
        // An update in two parts: what asks for no sketches would send all of it at once.
        let in_parts = !models.sketching.is_empty();
        let is_first = in_parts && !self.sketches.is_empty();
        let is_second = in_parts && self.has_weights();
        let of_arm = |name: &String| {
            let report = self.report.arms.get(name)?;
            let carried = |name: String| {
                let sent = match (self.sketches.get(&name), self.deltas.get(&name)) {
                    (Some(sketch), _) => Carried::Sketch(sketch),
                    (None, Some(delta)) => Carried::Delta(&delta.encoded),
                    (None, None) => self.weights.get(&name).map(|_| weights)?,
                };
                Some((name, sent))
            };
            let sent: Vec<_> = [name.clone(), beside(name)]
                .into_iter()
                .filter_map(carried)
                .collect();
            let uploads = models.uploading.contains(name);
            let has_no_part = (is_first && uploads || is_second) && sent.is_empty();
            Some(if has_no_part {
                0
            } else {
                len(name, report.clone(), &sent)
            })
        };
        // Every arm's report says the same of training; what else methods ask for, plain averaging does not.
        let reports = &self.report.arms;
        let report = reports.get(PLAIN).or_else(|| reports.values().next());
        let report = report.map_or_else(ArmReport::default, |report| ArmReport {
            balanced_before: report.balanced_before,
            own_before: report.own_before,
            own_after: report.own_after,
            loss: report.loss,
            ..ArmReport::default()
        });
        let trained = report.loss.is_some() || !self.is_bare();
        let sent = [(PLAIN.to_owned(), weights)];
        Alone {
            arms: models
                .arms
                .iter()
                .map(|name| of_arm(name).unwrap_or(0))
                .collect(),
            plain: if is_second {
                0
            } else {
                len(PLAIN, report, if trained { &sent } else { &[] })
            },
        }
    }
}
