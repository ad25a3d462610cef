//! What pages, tests and outside programs read. Fields may be added; these keep their names and meaning.
//!
//! Accuracies are fractions of 1. `accuracy` and `history` are in the balanced view where there is one.
//! Nothing here is derived on the page that could be derived here.

mod event;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attack::Mischief;
use crate::config::{Rule, RunConfig};
use crate::data::{DatasetName, TableConfig};
use crate::ids::{CoalitionId, DeviceId, Round, RunId, Slot};
use crate::json::{self, Value};
use crate::wire::safetensors;

/// A room as its boards see it: the body of `GET /api/rooms/{room}` and of every message of the live feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct View {
    /// Counts the views of the room; a larger one is newer.
    pub seq: u32,
    /// The room's code.
    pub room: String,
    /// Counts the runs of the room.
    pub run: RunId,
    /// What the room is doing.
    pub phase: Phase,
    /// The round under way, or the last one closed; 0 before the first.
    pub round: Round,
    /// Whether the desk lets nobody new in.
    pub locked: bool,
    /// The run's seed.
    pub seed: u32,
    /// Hash of all models of all finished rounds, as 64 hexadecimal digits; empty before the first round closed.
    pub fingerprint: String,
    /// Everything a run can be repeated from.
    pub config: RunConfig,
    /// Whether the desk allows devices to be difficult.
    pub mischief_allowed: bool,
    /// The devices of the room, in the order of joining.
    pub devices: Vec<DeviceRow>,
    /// One per arm, in the order of the configuration.
    pub arms: Vec<ArmView>,
    /// Who takes part in the training round under way, or took part in the last one.
    pub cohort: CohortView,
    /// Model bytes of this run.
    pub traffic: Traffic,
    /// How often something was refused in this run, by code.
    pub refusals: BTreeMap<String, u32>,
    /// What happened to devices in this run, the newest first; of many entries, the last ones.
    pub feed: Vec<FeedEntry>,
}

/// Something that happened to a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeedEntry {
    /// A later entry has a larger one.
    pub number: u32,
    /// The round under way, or the last one; 0 before the first.
    pub round: Round,
    /// The device. It may have left since.
    pub device: DeviceId,
    /// What happened.
    pub event: FeedEvent,
    /// Why it was refused.
    pub code: Option<String>,
    /// How often, one time after the other.
    pub count: u32,
}

/// What can happen to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FeedEvent {
    /// It joined the room.
    Joined,
    /// Its connection is lost.
    Away,
    /// It is connected again.
    Back,
    /// It left for good.
    Left,
    /// The desk removed it.
    Removed,
    /// The round closed without its update.
    Late,
    /// Something of it was refused.
    Refused,
}

/// Who takes part in a training round. What happened in it stays: devices that have left since are not taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CohortView {
    /// The round; 0 before the first.
    pub round: Round,
    /// Whom it was opened with, in device order.
    pub asked: Vec<DeviceId>,
    /// Whom its models were sent to, in the order in which they were sent.
    pub received: Vec<DeviceId>,
    /// Whose updates are counted, in the order in which they arrived.
    pub answered: Vec<DeviceId>,
    /// Who was to send sketches and no weights, in device order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<DeviceId>>"))]
    pub resting: Vec<DeviceId>,
}

/// What a room is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Devices gather; no round has been opened.
    Lobby,
    /// Too few devices are connected to open the next round.
    Waiting,
    /// Devices train and send their updates.
    Training,
    /// A round is closed, the next one opens by itself when the pace allows.
    Resting,
    /// A round is closed, the next one waits for the desk.
    Paused,
    /// All rounds are closed; devices say how the final models serve them.
    Evaluating,
    /// The run is over.
    Finished,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceRow {
    /// Its number.
    pub id: DeviceId,
    /// Its index in the partition of the data.
    pub slot: Slot,
    /// What its user calls it.
    pub name: String,
    /// What it is doing.
    pub state: DeviceState,
    /// Its hidden group, where there are some.
    pub group: Option<u32>,
    /// Its number of training examples, by its last report in this run or else its share of the data set.
    pub examples: u32,
    /// Its share of the data set by label, as its group calls them; none where only the device knows.
    pub labels: Vec<u32>,
    /// Model bytes received from it in this run.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes_up: u64,
    /// Model bytes sent to it in this run.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes_down: u64,
    /// Updates of it that were refused in this run.
    pub refused: u32,
    /// Code of the last refusal.
    pub last_refusal: Option<String>,
    /// How it was difficult in its last update of this run, by what it says itself.
    pub mischief: Option<Mischief>,
    /// How often its steps are halved in the rounds to come, since it was late.
    #[serde(default)] // Recordings of older versions have none.
    #[cfg_attr(test, ts(optional, as = "Option<u32>"))]
    pub halvings: u32,
}

/// What a device is doing, as far as the room knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Connected; it has not been given its table yet.
    WithoutData,
    /// Connected, not in this round's cohort.
    Ready,
    /// In the cohort; its update is awaited.
    Training,
    /// Its update for this round, or as much of it as is wanted so far, has been accepted.
    Sent,
    /// Its sketches are all that this round wants of it.
    Resting,
    /// It missed the round's deadline.
    Late,
    /// Not connected. It may come back with its identity.
    Away,
}

impl DeviceState {
    /// Its name, as in the view.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WithoutData => "without_data",
            Self::Ready => "ready",
            Self::Training => "training",
            Self::Sent => "sent",
            Self::Resting => "resting",
            Self::Late => "late",
            Self::Away => "away",
        }
    }
}

/// One arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArmView {
    /// The arm's name.
    pub name: String,
    /// The strategy's name, as in the configuration.
    pub strategy: String,
    /// How the last measured models serve the devices, balanced view.
    pub accuracy: Option<Accuracy>,
    /// The same on the devices' own held-out examples.
    pub own_accuracy: Option<Accuracy>,
    /// The coalitions after the last closed round.
    pub coalitions: Vec<CoalitionView>,
    /// Adjusted Rand index of coalitions with hidden groups, where there are some.
    pub agreement: Option<f64>,
    /// One row per round whose models have been measured. Devices measure a round's models when they receive them, so
    /// the row of round r appears when round r + 1 closes, and the last one after the closing evaluation.
    pub history: Vec<HistoryRow>,
    /// Picture of the distances between the devices' weights, where weights were sent.
    pub map: Option<MapView>,
    /// How the last measured models serve each of the devices that measured them, in device order.
    pub devices: Vec<DeviceAccuracy>,
    /// What the updates of difficult devices count in the models of the last closed round, in device order.
    pub influence: Vec<Influence>,
    /// Devices whose updates count less than half of what they would in a mean, because of how the arm makes models one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<SetAside>>"))]
    pub set_aside: Vec<SetAside>,
    /// What this arm alone would have cost.
    pub traffic: ArmTraffic,
}

/// What one device's update counts in the models of an arm, as fractions of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Influence {
    /// The device.
    pub device: DeviceId,
    /// Its share of its coalition's barycenter, where it is in one.
    pub coalition: Option<f64>,
    /// Its share of the global model.
    pub global: f64,
}

/// A device whose update was set aside when models of an arm became one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetAside {
    /// The device.
    pub device: DeviceId,
    /// Of which model it is a smaller part.
    pub place: Place,
    /// The rule that found its weights, or its coalition's barycenter, too far from the others; `None` where its
    /// coalition has too few members for a full vote.
    pub rule: Option<Rule>,
    /// What its update counts, or that of its coalition, as a fraction of 1.
    pub counts: f64,
    /// What it would count in a mean.
    pub fair: f64,
}

/// Which model of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The barycenter of the device's coalition.
    Coalition,
    /// The global model.
    Global,
}

/// How an arm's last measured model serves one device.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceAccuracy {
    /// The device.
    pub device: DeviceId,
    /// Accuracy on the label-balanced sample, where there is one.
    pub balanced: Option<f64>,
    /// Accuracy on the device's own held-out examples, where it has some.
    pub own: Option<f64>,
}

/// An accuracy over devices: never a mean alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accuracy {
    /// Mean over devices.
    pub mean: f64,
    /// The worst device's.
    pub worst: f64,
    /// The best device's.
    pub best: f64,
    /// Mean of the worst tenth of the devices, rounded up.
    pub worst_tenth: f64,
    /// The worst hidden group's mean, where there are groups; else the worst device's.
    pub worst_group: f64,
}

/// A coalition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CoalitionView {
    /// Kept from round to round.
    pub id: CoalitionId,
    /// Its devices, in order. Never empty.
    pub members: Vec<DeviceId>,
    /// The member nearest to the barycenter.
    pub center: DeviceId,
    /// Root mean square distance of the members to the barycenter, in units of weight.
    pub spread: f64,
}

/// An arm after one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryRow {
    /// The round whose models were measured.
    pub round: Round,
    /// Mean accuracy over devices, balanced view.
    pub mean: f64,
    /// The worst device's.
    pub worst: f64,
    /// The best device's.
    pub best: f64,
    /// The worst hidden group's.
    pub worst_group: f64,
    /// Mean accuracy over devices on their own held-out examples.
    pub own_mean: f64,
    /// The worst device's.
    pub own_worst: f64,
    /// The best device's.
    pub own_best: f64,
    /// Adjusted Rand index with the hidden groups.
    pub agreement: Option<f64>,
    /// Number of coalitions.
    pub coalitions: u32,
}

/// Devices in the plane, near each other where their weights are near. One unit is one unit of weight distance.
/// The center of all points is the origin, and a picture is turned to fit the round's before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MapView {
    /// The devices whose weights arrived in the last closed round.
    pub points: Vec<MapPoint>,
    /// The coalitions' barycenters.
    pub barycenters: Vec<MapBarycenter>,
    /// The global model.
    pub global: Option<MapPlace>,
    /// Kruskal's stress-1: how far distances in the picture are from the real ones, as a fraction.
    pub loss: f64,
}

/// A place in the plane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MapPlace {
    /// To the right.
    pub x: f64,
    /// Upwards.
    pub y: f64,
}

/// A device's place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MapPoint {
    /// The device.
    pub device: DeviceId,
    /// To the right.
    pub x: f64,
    /// Upwards.
    pub y: f64,
}

/// A barycenter's place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MapBarycenter {
    /// The coalition.
    pub coalition: CoalitionId,
    /// To the right.
    pub x: f64,
    /// Upwards.
    pub y: f64,
}

/// Who was in which coalition of an arm: the body of `GET /api/rooms/{room}/arms/{arm}/memberships`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Memberships {
    /// The run.
    pub run: RunId,
    /// The closed rounds after which the arm had coalitions. Of a long run, the last ones.
    pub rounds: Vec<RoundMemberships>,
}

/// The coalitions after one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoundMemberships {
    /// The round.
    pub round: Round,
    /// Adjusted Rand index of the coalitions with the hidden groups, where there are some.
    pub agreement: Option<f64>,
    /// The coalitions.
    pub coalitions: Vec<Membership>,
}

/// Who is in a coalition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Membership {
    /// Kept from round to round.
    pub id: CoalitionId,
    /// Its devices, in order, those included that have left since.
    pub members: Vec<DeviceId>,
}

/// How far the devices' weights are from each other in one arm: the body of
/// `GET /api/rooms/{room}/arms/{arm}/distances`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Distances {
    /// The run.
    pub run: RunId,
    /// The closed round whose updates these are; 0 before the first.
    pub round: Round,
    /// The devices whose weights arrived, in order. None where weights stay on the devices, or too many arrived.
    pub devices: Vec<DeviceId>,
    /// Euclidean distances, in units of weight: a row per device, in the order of `devices`.
    pub distances: Vec<Vec<f32>>,
    /// Each device's distance to its coalition's barycenter, in the same order.
    pub to_barycenter: Vec<Option<f32>>,
}

/// Model bytes as they crossed the wire: whole safetensors files, control messages not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Traffic {
    /// From devices.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes_up: u64,
    /// To devices.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes_down: u64,
    /// From devices in the training round under way, or else the last one.
    #[cfg_attr(test, ts(type = "number"))]
    pub round_up: u64,
    /// To devices in that round.
    #[cfg_attr(test, ts(type = "number"))]
    pub round_down: u64,
    /// Rounds closed.
    pub rounds: u32,
    /// What plain averaging alone would have cost: one model to every device that was sent models, one back.
    pub plain_averaging: ArmTraffic,
}

/// Model bytes as they would have crossed the wire for one arm alone: files with a header of their own, so that the
/// arms' sum is a little more than what crossed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArmTraffic {
    /// From devices.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes_up: u64,
    /// To devices.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes_down: u64,
    /// From devices in the training round under way, or else the last one.
    #[cfg_attr(test, ts(type = "number"))]
    pub round_up: u64,
    /// To devices in that round.
    #[cfg_attr(test, ts(type = "number"))]
    pub round_down: u64,
}

/// A device as its own page shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DeviceView {
    /// What it is doing.
    pub activity: Activity,
    /// The round it last took part in; 0 before the first.
    pub round: Round,
    /// Rounds of the run.
    pub rounds: u32,
    /// How much of this round's work is done, 0 to 1.
    pub progress: f64,
    /// Its hidden group, where there are some.
    pub group: Option<u32>,
    /// One per arm, in the order of the configuration.
    pub arms: Vec<DeviceArm>,
    /// Training examples.
    pub examples: u32,
    /// How many of them its user taught it.
    pub taught: u32,
    /// Training examples by label.
    pub label_histogram: Vec<u32>,
    /// Counts changes of what it guesses with: its models, and how its group sees images.
    pub models: u32,
    /// Updates the server accepted.
    pub updates_accepted: u32,
    /// Model bytes sent.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes_up: u64,
    /// Model bytes received.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes_down: u64,
    /// Whether the desk allows it to be difficult.
    pub mischief_allowed: bool,
    /// How it is difficult, from the next round on.
    pub mischief: Option<Mischief>,
    /// How often its steps are halved in this round, since it was late.
    pub halvings: u32,
}

/// What a device is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Not connected (yet, or for the moment).
    #[default]
    Connecting,
    /// Reading its data set.
    LoadingData,
    /// Waiting for the table that its user brings.
    Choosing,
    /// Connected; no round asks for it.
    Waiting,
    /// Measuring the models it received.
    Evaluating,
    /// Training.
    Training,
    /// Its update is on the way.
    Sending,
    /// The run is over.
    Finished,
}

/// One arm on a device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DeviceArm {
    /// The arm's name.
    pub name: String,
    /// The coalition whose model, or whose company, the device was given.
    pub coalition: Option<CoalitionId>,
    /// Accuracy of the received model on the balanced sample.
    pub balanced_before: Option<f64>,
    /// Accuracy of the received model on the device's own held-out examples.
    pub own_before: Option<f64>,
    /// The same after training.
    pub own_after: Option<f64>,
    /// Mean loss over the last training epoch.
    pub loss: Option<f64>,
}

/// Some of a device's examples, to show on its page. They stay in the tab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Samples {
    /// The data set they come from.
    pub dataset: DatasetName,
    /// By how many quarters the device's group sees images turned, anticlockwise.
    pub quarter_turns: u32,
    /// What the device's group calls each label.
    pub called: Vec<u8>,
    /// Pixels of a row.
    pub width: u32,
    /// Rows of an image.
    pub height: u32,
    /// One per image, as the device's group sees it.
    pub labels: Vec<u8>,
    /// Grey values 0 to 255, image after image, row after row.
    pub pixels: Vec<u8>,
}

/// What a device's models take one image for: the probability of each label, or none where there is no such model yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Guess {
    /// By the weights that the device has trained itself.
    pub own: Option<Vec<f32>>,
    /// By the model of its coalition.
    pub coalition: Option<Vec<f32>>,
    /// By the one model of all devices.
    pub global: Option<Vec<f32>>,
    /// The image as the models saw it: grey values 0 to 255, row after row.
    pub seen: Vec<u8>,
}

/// Who a device is to its room. Kept by its page, so that a reloaded tab is the same device again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Identity {
    /// Its number.
    pub device: DeviceId,
    /// Proves it. Never shown, never logged.
    pub token: String,
    /// Its index in the partition of the data.
    pub slot: Slot,
}

/// A file that a device sends, but for most of its numbers: its page shows what leaves it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SentFile {
    /// The round that it is for.
    pub round: Round,
    /// Its length.
    pub bytes: u32,
    /// Its header: names, types, shapes and places of its tensors, and its metadata, as JSON.
    pub header: String,
    /// The first of its numbers, up to [`SentFile::NUMBERS`]; `null` for one that is not finite.
    pub numbers: Vec<Option<f32>>,
}

impl SentFile {
    /// Numbers that a page shows.
    pub const NUMBERS: usize = 4;

    /// Of a safetensors file, with numbers if those in front are f32, and not parts of a delta or a sketch; `None` of
    /// anything else.
    #[must_use]
    pub fn of(round: Round, file: &[u8]) -> Option<Self> {
        let (header, data) = safetensors::parts(file)?;
        let most = if begins_with_f32(header) {
            Self::NUMBERS
        } else {
            0
        };
        let numbers = data.as_chunks::<4>().0.iter().take(most);
        Some(Self {
            round,
            bytes: file.len() as u32,
            header: header.to_owned(),
            numbers: numbers
                .map(|bytes| Some(f32::from_le_bytes(*bytes)).filter(|n| n.is_finite()))
                .collect(),
        })
    }
}

/// Whether the first numbers of a safetensors file with this header are f32.
fn begins_with_f32(header: &str) -> bool {
    let Ok(Value::Object(tensors)) = json::parse(header) else {
        return false;
    };
    tensors.iter().any(|(_, tensor)| {
        let Value::List(offsets) = tensor.get("data_offsets") else {
            return false;
        };
        let is_first = matches!(offsets.first(), Some(Value::Number(begin)) if begin == "0");
        is_first && tensor.get("dtype").text() == Some("F32")
    })
}

/// What a device's page is told by its worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeviceEvent {
    /// The device has a place in the room.
    Joined {
        /// Who it is.
        identity: Identity,
    },
    /// Everything the page shows; at most about ten a second.
    View {
        /// What it shows.
        view: Box<DeviceView>,
    },
    /// Some of its own examples.
    Samples {
        /// The images.
        samples: Samples,
    },
    /// An update leaves the device.
    Sent {
        /// What it is.
        file: SentFile,
    },
    /// The run needs a table, which the device has not been given yet.
    TableWanted {
        /// What its rows hold.
        table: Box<TableConfig>,
    },
    /// The room refused something.
    Refused {
        /// The stable code.
        code: String,
        /// The sentence.
        detail: String,
    },
    /// The connection was lost, or is back.
    Connection {
        /// Whether there is one.
        online: bool,
        /// What happens next, as a sentence.
        detail: String,
    },
    /// The device is no longer in the room, for good.
    Left {
        /// Why, as a stable code: `left`, `removed`, `replaced`, or the server's.
        code: String,
        /// Why, as a sentence.
        reason: String,
    },
}
