//! What crossed the wire: whole messages as they were, and what each arm would have cost alone.

use crate::view::{ArmTraffic, Traffic};
use crate::wire::Alone;

/// Model bytes of a run.
#[derive(Debug, Default)]
pub(super) struct RunTraffic {
    total: ArmTraffic,
    /// In the order of the arms.
    arms: Vec<ArmTraffic>,
    plain: ArmTraffic,
}

/// Whether bytes belong to a training round or to the closing evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Round,
    Evaluation,
}

impl RunTraffic {
    pub(super) fn new(arms: usize) -> Self {
        Self {
            arms: vec![ArmTraffic::default(); arms],
            ..Self::default()
        }
    }

    /// A training round opens: what it costs is counted from 0.
    pub(super) fn open_round(&mut self) {
        for one in [&mut self.total, &mut self.plain]
            .into_iter()
            .chain(&mut self.arms)
        {
            (one.round_up, one.round_down) = (0, 0);
        }
    }

    /// A message of so many bytes went to a device.
    pub(super) fn down(&mut self, bytes: u64, alone: &Alone, span: Span) {
        self.each(bytes, alone, |one, bytes| {
            one.bytes_down += bytes;
            if span == Span::Round {
                one.round_down += bytes;
            }
        });
    }

    /// A message of so many bytes came from a device.
    pub(super) fn up(&mut self, bytes: u64, alone: &Alone, span: Span) {
        self.each(bytes, alone, |one, bytes| {
            one.bytes_up += bytes;
            if span == Span::Round {
                one.round_up += bytes;
            }
        });
    }

    fn each(&mut self, bytes: u64, alone: &Alone, mut add: impl FnMut(&mut ArmTraffic, u64)) {
        add(&mut self.total, bytes);
        add(&mut self.plain, alone.plain);
        for (arm, bytes) in self.arms.iter_mut().zip(&alone.arms) {
            add(arm, *bytes);
        }
    }

    pub(super) fn arms(&self) -> &[ArmTraffic] {
        &self.arms
    }

    pub(super) fn view(&self, rounds: u32) -> Traffic {
        let ArmTraffic {
            bytes_up,
            bytes_down,
            round_up,
            round_down,
        } = self.total;
        Traffic {
            bytes_up,
            bytes_down,
            round_up,
            round_down,
            rounds,
            plain_averaging: self.plain,
        }
    }
}
