//! How a device writes what it says. The room reads it with serde; that both mean the same is tested.

use super::codec::UpdateHeader;
use super::delta::DeltaHeader;
use super::message::{ArmCoalition, ArmReport, DeviceNews, Report, Validation};
use crate::encoding::Kind;
use crate::json::{Write, object, writes};

impl DeviceNews {
    /// The control message's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        let mut fields: Vec<(&str, &dyn Write)> = Vec::new();
        let message = match self {
            Self::Hello { .. } => "hello",
            Self::Heartbeat => "heartbeat",
            Self::Ready { .. } => "ready",
            Self::SendInFull { .. } => "send_in_full",
            Self::Leave => "leave",
        };
        fields.push(("message", &message));
        match self {
            Self::Hello { token } => fields.push(("token", token)),
            Self::Ready { run } | Self::SendInFull { run } => fields.push(("run", &run.0)),
            Self::Heartbeat | Self::Leave => {}
        }
        object(&mut out, &fields);
        out
    }
}

impl UpdateHeader {
    pub(super) fn to_json(&self) -> String {
        let (coalitions, deltas) = (self.coalitions.as_slice(), self.deltas.as_slice());
        let mut fields: Vec<(&str, &dyn Write)> = vec![
            ("run", &self.run.0),
            ("round", &self.round.0),
            ("report", &self.report),
        ];
        if !coalitions.is_empty() {
            fields.push(("coalitions", &coalitions));
        }
        if !deltas.is_empty() {
            fields.push(("deltas", &deltas));
        }
        let mut out = String::new();
        object(&mut out, &fields);
        out
    }
}

impl Write for ArmCoalition {
    fn write(&self, out: &mut String) {
        object(out, &[("arm", &self.arm), ("coalition", &self.coalition.0)]);
    }
}

impl Write for DeltaHeader {
    fn write(&self, out: &mut String) {
        let reference = self.reference.to_string();
        let mut fields: Vec<(&str, &dyn Write)> = vec![
            ("model", &self.model),
            ("encoding", &self.encoding),
            ("reference", &reference),
        ];
        if self.rotation != 0 {
            fields.push(("rotation", &self.rotation));
        }
        object(out, &fields);
    }
}

impl Write for Report {
    fn write(&self, out: &mut String) {
        let arms = Arms(self);
        let mut fields: Vec<(&str, &dyn Write)> = vec![("examples", &self.examples)];
        if self.own_data > 0 {
            fields.push(("own_data", &self.own_data));
        }
        if self.halvings > 0 {
            fields.push(("halvings", &self.halvings));
        }
        if self.mischief.is_some() {
            fields.push(("mischief", &self.mischief));
        }
        fields.push(("arms", &arms));
        object(out, &fields);
    }
}

/// A report's arms by name.
struct Arms<'a>(&'a Report);

impl Write for Arms<'_> {
    fn write(&self, out: &mut String) {
        let arms = self.0.arms.iter();
        let fields: Vec<(&str, &dyn Write)> = arms
            .map(|(name, arm)| (name.as_str(), arm as &dyn Write))
            .collect();
        object(out, &fields);
    }
}

impl Write for ArmReport {
    fn write(&self, out: &mut String) {
        let losses = self.losses.as_slice();
        let mut fields: Vec<(&str, &dyn Write)> = vec![
            ("balanced_before", &self.balanced_before),
            ("own_before", &self.own_before),
            ("own_after", &self.own_after),
            ("loss", &self.loss),
        ];
        if self.picked.is_some() {
            fields.push(("picked", &self.picked));
        }
        if !losses.is_empty() {
            fields.push(("losses", &losses));
        }
        if self.validation.is_some() {
            fields.push(("validation", &self.validation));
        }
        object(out, &fields);
    }
}

writes!(Validation {
    examples,
    received,
    beside,
    own,
});

impl Write for Kind {
    fn write(&self, out: &mut String) {
        self.name().write(out);
    }
}
