//! How a device's page is told what happens: as JSON, which JavaScript reads by itself. serde writes the same where there
//! is room for it; that both mean the same is tested.

use super::{Activity, DeviceArm, DeviceEvent, DeviceView, Guess, Identity, Samples, SentFile};
use crate::data::{Column, TableConfig, TableError};
use crate::json::{Write, names, object, writes};

impl DeviceEvent {
    /// The event's JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        json(self)
    }
}

impl Guess {
    /// The guess's JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        json(self)
    }
}

impl TableError {
    /// The error's JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        json(self)
    }
}

fn json(value: &dyn Write) -> String {
    let mut out = String::new();
    value.write(&mut out);
    out
}

/// A field of an event, if it has another one.
type Field<'a> = Option<(&'a str, &'a dyn Write)>;

impl Write for DeviceEvent {
    fn write(&self, out: &mut String) {
        // Its type, and up to two fields.
        let (kind, fields): (&str, [Field<'_>; 2]) = match self {
            Self::Joined { identity } => ("joined", [Some(("identity", identity)), None]),
            Self::View { view } => ("view", [Some(("view", view)), None]),
            Self::Samples { samples } => ("samples", [Some(("samples", samples)), None]),
            Self::Sent { file } => ("sent", [Some(("file", file)), None]),
            Self::TableWanted { table } => ("table_wanted", [Some(("table", table)), None]),
            Self::Refused { code, detail } => {
                ("refused", [Some(("code", code)), Some(("detail", detail))])
            }
            Self::Connection { online, detail } => {
                let fields = [
                    Some(("online", online as &dyn Write)),
                    Some(("detail", detail)),
                ];
                ("connection", fields)
            }
            Self::Left { code, reason } => {
                ("left", [Some(("code", code)), Some(("reason", reason))])
            }
        };
        tagged(out, "type", &kind, fields.into_iter().flatten());
    }
}

impl Write for TableError {
    fn write(&self, out: &mut String) {
        let mut fields: Vec<(&str, &dyn Write)> = Vec::new();
        let kind = match self {
            Self::Unwanted => "unwanted",
            Self::Bytes { found, most } => {
                fields.extend([("found", found as &dyn Write), ("most", most)]);
                "bytes"
            }
            Self::Encoding { row } => {
                fields.push(("row", row));
                "encoding"
            }
            Self::Empty => "empty",
            Self::Semicolons => "semicolons",
            Self::Missing { column } => {
                fields.push(("column", column));
                "missing"
            }
            Self::Twice { column } => {
                fields.push(("column", column));
                "twice"
            }
            Self::Quote { row } => {
                fields.push(("row", row));
                "quote"
            }
            Self::Fields {
                row,
                found,
                expected,
            } => {
                fields.extend([
                    ("row", row as &dyn Write),
                    ("found", found),
                    ("expected", expected),
                ]);
                "fields"
            }
            Self::Number { row, column, found } => {
                fields.extend([
                    ("row", row as &dyn Write),
                    ("column", column),
                    ("found", found),
                ]);
                "number"
            }
            Self::Far {
                row,
                column,
                found,
                least,
                most,
            } => {
                fields.extend([
                    ("row", row as &dyn Write),
                    ("column", column),
                    ("found", found),
                    ("least", least),
                    ("most", most),
                ]);
                "far"
            }
            Self::Label {
                row,
                column,
                found,
                labels,
            } => {
                fields.extend([
                    ("row", row as &dyn Write),
                    ("column", column),
                    ("found", found),
                    ("labels", labels),
                ]);
                "label"
            }
            Self::TooFew { found, least } => {
                fields.extend([("found", found as &dyn Write), ("least", least)]);
                "too_few"
            }
            Self::TooMany { row, most } => {
                fields.extend([("row", row as &dyn Write), ("most", most)]);
                "too_many"
            }
        };
        tagged(out, "kind", &kind, fields);
    }
}

/// Writes an object that says in a field of its own which kind it is.
fn tagged<'a>(
    out: &mut String,
    tag: &'a str,
    kind: &'a &'a str,
    fields: impl IntoIterator<Item = (&'a str, &'a dyn Write)>,
) {
    let mut all: Vec<(&str, &dyn Write)> = vec![(tag, kind)];
    all.extend(fields);
    object(out, &all);
}

writes!(Identity {
    device,
    token,
    slot
});
writes!(DeviceView {
    activity,
    round,
    rounds,
    progress,
    group,
    arms,
    examples,
    taught,
    label_histogram,
    models,
    updates_accepted,
    bytes_up,
    bytes_down,
    mischief_allowed,
    mischief,
    halvings,
});
writes!(DeviceArm {
    name,
    coalition,
    balanced_before,
    own_before,
    own_after,
    loss
});
writes!(Samples {
    dataset,
    quarter_turns,
    called,
    width,
    height,
    labels,
    pixels
});
writes!(Guess {
    own,
    coalition,
    global,
    seen
});
writes!(SentFile {
    round,
    bytes,
    header,
    numbers
});
writes!(TableConfig {
    label,
    labels,
    columns
});
writes!(Column { name, mean, sd });

names!(Activity {
    Connecting = "connecting",
    LoadingData = "loading_data",
    Choosing = "choosing",
    Waiting = "waiting",
    Evaluating = "evaluating",
    Training = "training",
    Sending = "sending",
    Finished = "finished",
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::Mischief;
    use crate::data::DatasetName;
    use crate::ids::{CoalitionId, DeviceId, Round, Slot};

    /// That a value is written as serde writes it.
    fn same(text: &str, value: &impl serde::Serialize) {
        let read: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(read, serde_json::to_value(value).unwrap());
    }

    #[test]
    fn events_are_written_as_serde_does() {
        let arm = DeviceArm {
            name: "a \"b\"\u{1f}".to_owned(),
            coalition: Some(CoalitionId(2)),
            own_before: Some(0.75),
            ..DeviceArm::default()
        };
        let view = DeviceView {
            activity: Activity::LoadingData,
            round: Round(3),
            progress: 0.1,
            group: Some(1),
            arms: vec![arm, DeviceArm::default()],
            label_histogram: vec![1, 0, 2],
            bytes_up: u64::MAX >> 11,
            mischief_allowed: true,
            mischief: Some(Mischief::SignFlip),
            ..DeviceView::default()
        };
        let column = Column {
            name: "x".to_owned(),
            mean: -1.5,
            sd: 1e-3,
        };
        let text = || "said".to_owned();
        for event in [
            DeviceEvent::Joined {
                identity: Identity {
                    device: DeviceId(4),
                    token: text(),
                    slot: Slot(0),
                },
            },
            DeviceEvent::View {
                view: Box::new(view),
            },
            DeviceEvent::Samples {
                samples: Samples {
                    dataset: DatasetName::FashionMnistSmall,
                    quarter_turns: 3,
                    called: vec![9, 0],
                    width: 2,
                    height: 1,
                    labels: vec![1],
                    pixels: vec![0, 255],
                },
            },
            DeviceEvent::Sent {
                file: SentFile {
                    round: Round(1),
                    bytes: 7,
                    header: "{\"é\"}".to_owned(),
                    numbers: vec![Some(0.1), Some(-0.0), Some(f32::MAX), None],
                },
            },
            DeviceEvent::TableWanted {
                table: Box::new(TableConfig {
                    label: text(),
                    labels: vec![text()],
                    columns: vec![column],
                }),
            },
            DeviceEvent::Refused {
                code: text(),
                detail: text(),
            },
            DeviceEvent::Connection {
                online: false,
                detail: text(),
            },
            DeviceEvent::Left {
                code: text(),
                reason: text(),
            },
        ] {
            same(&event.to_json(), &event);
        }
        let guess = Guess {
            own: Some(vec![0.25, 0.75]),
            coalition: None,
            global: Some(Vec::new()),
            seen: vec![3],
        };
        same(&guess.to_json(), &guess);
    }

    #[test]
    fn what_is_wrong_with_a_table_is_written_as_serde_does() {
        let (row, found, most, least, expected) = (2, 3, 4, 5, 6);
        let text = || "said".to_owned();
        for error in [
            TableError::Unwanted,
            TableError::Bytes { found, most },
            TableError::Encoding { row },
            TableError::Empty,
            TableError::Semicolons,
            TableError::Missing { column: text() },
            TableError::Twice { column: text() },
            TableError::Quote { row },
            TableError::Fields {
                row,
                found,
                expected,
            },
            TableError::Number {
                row,
                column: text(),
                found: text(),
            },
            TableError::Far {
                row,
                column: text(),
                found: 1e9,
                least: -0.5,
                most: 0.5,
            },
            TableError::Label {
                row,
                column: text(),
                found: text(),
                labels: text(),
            },
            TableError::TooFew { found, least },
            TableError::TooMany { row, most },
        ] {
            same(&error.to_json(), &error);
        }
    }
}
