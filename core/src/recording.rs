//! A run as its boards saw it, to be watched again without room and devices: a text of JSON lines.
//!
//! The first line is a [`Header`], each further one a [`Frame`]. A frame is kept when something has changed that a
//! board's audience would miss, see [`Moment`]; single updates that arrive are no such thing. A recording is bounded:
//! past its limit it becomes coarser everywhere, so that a long run can be watched from its beginning to its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, Round, RunId};
use crate::view::{Distances, Phase, View};

/// What the first line of a recording says that it is.
pub const FORMAT: &str = "constellation-replay";
/// Version of the format.
pub const VERSION: u32 = 1;

/// The first line of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
        }
    }
}

/// Any further line of a recording. Frames are of one run of one room, in order of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Frame {
    /// Milliseconds since the run was configured.
    #[cfg_attr(test, ts(type = "number"))]
    pub time_ms: u64,
    /// The room as its boards saw it. `seq` is larger than in the frame before.
    pub view: View,
    /// Distances between the devices' weights, by arm. Left out where there are none, or where no round has been closed
    /// since the frame before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<BTreeMap<String, Distances>>"))]
    pub distances: BTreeMap<String, Distances>,
}

/// What of a room is worth a frame whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The run.
    pub run: RunId,
    /// What the room is doing.
    pub phase: Phase,
    /// The round under way, or the last one closed.
    pub round: Round,
    /// The last closed round.
    pub closed: Round,
    /// The devices of the room, in order, and whether a round can ask them.
    pub devices: Vec<(DeviceId, bool)>,
}

/// The frames of one run, of bounded size.
#[derive(Debug)]
pub struct Recording {
    /// Bytes that frames may take, the first and the last one excepted.
    limit: usize,
    /// When the run was configured, in the driver's milliseconds.
    began_ms: u64,
    frames: Vec<Encoded>,
    bytes: usize,
    /// What the last frame is of.
    last: Option<(Moment, View)>,
}

/// A frame as JSON, in the pieces that thinning needs.
#[derive(Debug)]
struct Encoded {
    time_ms: u64,
    view: String,
    distances: Option<String>,
}

impl Recording {
    /// Nothing yet of a run that was configured at `began_ms`. Frames take up to `limit` bytes.
    #[must_use]
    pub fn new(limit: usize, began_ms: u64) -> Self {
        Self {
            limit,
            began_ms,
            frames: Vec::new(),
            bytes: 0,
            last: None,
        }
    }

    /// Whether a moment is worth a frame: whether it is another one than the last frame's.
    #[must_use]
    pub fn awaits(&self, moment: &Moment) -> bool {
        self.last.as_ref().is_none_or(|(last, _)| last != moment)
    }

    /// Keeps a frame.
    pub fn keep(
        &mut self,
        now_ms: u64,
        moment: Moment,
        view: View,
        distances: impl Fn(&str) -> Option<Arc<Distances>>,
    ) {
        let frame = self.encode(now_ms, &view, distances);
        self.bytes += frame.len();
        self.frames.push(frame);
        self.last = Some((moment, view));
        while self.bytes > self.limit && self.frames.len() > 2 {
            self.thin();
        }
    }

    /// The whole text, with the room as it is now as its last frame.
    #[must_use]
    pub fn export(
        &self,
        now_ms: u64,
        view: &View,
        distances: impl Fn(&str) -> Option<Arc<Distances>>,
    ) -> String {
        let shown = self.last.as_ref().is_some_and(|(_, last)| {
            *view
                == View {
                    seq: view.seq,
                    ..last.clone()
                }
        });
        let present = (!shown).then(|| self.encode(now_ms, view, distances));
        let header = serde_json::to_string(&Header::default()).expect("two fields");
        let mut text = String::with_capacity(self.bytes + 64 * self.frames.len() + 4_096);
        text.push_str(&header);
        text.push('\n');
        for frame in self.frames.iter().chain(&present) {
            frame.write(&mut text);
        }
        text
    }

    fn encode(
        &self,
        now_ms: u64,
        view: &View,
        distances: impl Fn(&str) -> Option<Arc<Distances>>,
    ) -> Encoded {
        let closed = self.last.as_ref().map_or(Round(0), |(last, _)| last.closed);
        let names = view.arms.iter().map(|arm| arm.name.as_str());
        let new: BTreeMap<&str, Arc<Distances>> = names
            .filter_map(|name| Some((name, distances(name)?)))
            .filter(|(_, distances)| distances.round > closed && !distances.devices.is_empty())
            .collect();
        let new: BTreeMap<&str, &Distances> = new.iter().map(|(name, d)| (*name, &**d)).collect();
        let json = "views and distances have string keys";
        Encoded {
            time_ms: now_ms.saturating_sub(self.began_ms),
            view: serde_json::to_string(view).expect(json),
            distances: (!new.is_empty()).then(|| serde_json::to_string(&new).expect(json)),
        }
    }

    /// Drops every second frame, but neither the first nor the last.
    fn thin(&mut self) {
        let end = self.frames.len() - 1;
        let mut kept: Vec<Encoded> = Vec::with_capacity(end / 2 + 2);
        let mut dropped = None;
        for (at, mut frame) in core::mem::take(&mut self.frames).into_iter().enumerate() {
            if at % 2 == 1 && at < end {
                dropped = Some(frame);
            } else {
                if let Some(before) = dropped.take() {
                    frame.inherit(before);
                }
                kept.push(frame);
            }
        }
        self.bytes = kept.iter().map(Encoded::len).sum();
        self.frames = kept;
    }
}

impl Encoded {
    fn len(&self) -> usize {
        self.view.len() + self.distances.as_ref().map_or(0, String::len)
    }

    /// Takes over the distances of the frame before, which is dropped: they are still the last ones unless another
    /// round has been closed.
    fn inherit(&mut self, before: Self) {
        self.distances = self.distances.take().or(before.distances);
    }

    /// Adds the line, which is that of a [`Frame`].
    fn write(&self, text: &mut String) {
        let Self { time_ms, view, .. } = self;
        // Writing to a string cannot fail.
        let _ = write!(text, r#"{{"time_ms":{time_ms},"view":{view}"#);
        if let Some(distances) = &self.distances {
            let _ = write!(text, r#","distances":{distances}"#);
        }
        text.push_str("}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::coordinator::{Command, Coordinator, Input, Profile};

    /// A room in which nothing has happened, and which says what a test wants it to say.
    struct Told {
        view: View,
        moment: Moment,
    }

    impl Told {
        fn new() -> Self {
            let room = Coordinator::new(RunConfig::default().check().unwrap());
            Self {
                view: room.view("K7QF", 0),
                moment: room.moment(),
            }
        }

        /// Closes a round, and keeps a frame.
        fn close(&mut self, recording: &mut Recording, now_ms: u64) {
            self.moment.closed = self.moment.closed.next();
            self.keep(recording, now_ms);
        }

        fn keep(&mut self, recording: &mut Recording, now_ms: u64) {
            self.view.seq += 1;
            let (moment, view) = (self.moment.clone(), self.view.clone());
            recording.keep(now_ms, moment, view, |arm| Some(self.distances(arm)));
        }

        /// Those of the last closed round; the first arm has none.
        fn distances(&self, arm: &str) -> Arc<Distances> {
            let devices = if arm == self.view.arms[0].name {
                Vec::new()
            } else {
                vec![DeviceId(1)]
            };
            Arc::new(Distances {
                round: self.moment.closed,
                distances: vec![vec![0.5]; devices.len()],
                to_barycenter: vec![None; devices.len()],
                devices,
                ..Distances::default()
            })
        }

        fn export(&self, recording: &Recording, now_ms: u64) -> Vec<Frame> {
            let text = recording.export(now_ms, &self.view, |arm| Some(self.distances(arm)));
            let (header, frames) = text.split_once('\n').unwrap();
            assert_eq!(header, r#"{"format":"constellation-replay","version":1}"#);
            let frames = frames.lines().map(|line| {
                let frame: Frame = serde_json::from_str(line).unwrap();
                assert_eq!(serde_json::to_string(&frame).unwrap(), line);
                frame
            });
            frames.collect()
        }
    }

    /// Time, round of the distances (0 for none).
    fn outline(frames: &[Frame]) -> Vec<(u64, u32)> {
        let round = |frame: &Frame| frame.distances.values().next().map_or(0, |d| d.round.0);
        frames.iter().map(|f| (f.time_ms, round(f))).collect()
    }

    fn views(limit: usize) -> usize {
        let view = serde_json::to_string(&Told::new().view).unwrap();
        limit * view.len()
    }

    #[test]
    fn a_frame_has_the_view_and_the_distances_of_a_round_that_is_new() {
        let (mut told, mut recording) = (Told::new(), Recording::new(views(100), 1_000));
        told.keep(&mut recording, 1_000);
        told.close(&mut recording, 1_500);
        told.keep(&mut recording, 1_600);
        told.close(&mut recording, 2_000);
        let frames = told.export(&recording, 9_999);
        assert_eq!(outline(&frames), [(0, 0), (500, 1), (600, 0), (1_000, 2)]);
        let mut with: Vec<&String> = frames[1].distances.keys().collect();
        with.sort_unstable();
        let mut arms: Vec<&String> = told.view.arms[1..].iter().map(|arm| &arm.name).collect();
        arms.sort_unstable();
        assert_eq!(with, arms, "all but the first, which has none");
        assert_eq!(frames[3].view, told.view);
    }

    #[test]
    fn the_present_is_the_last_frame_if_it_is_another() {
        let (mut told, mut recording) = (Told::new(), Recording::new(views(100), 0));
        told.keep(&mut recording, 5);
        told.view.seq = 99;
        assert_eq!(outline(&told.export(&recording, 8)), [(5, 0)]);
        told.view.locked = true;
        let frames = told.export(&recording, 8);
        assert_eq!(outline(&frames), [(5, 0), (8, 0)]);
        assert_eq!(frames[1].view, told.view);
        // Asking for it has changed nothing.
        assert_eq!(told.export(&recording, 9)[1].time_ms, 9);
    }

    #[test]
    fn past_the_limit_every_second_frame_goes_but_neither_end() {
        let (mut told, mut recording) = (Told::new(), Recording::new(views(6), 0));
        for time in 0..6 {
            told.keep(&mut recording, time);
        }
        let times = |told: &Told, recording: &Recording| {
            let frames = told.export(recording, 0);
            frames.iter().map(|f| f.time_ms).collect::<Vec<_>>()
        };
        // The first `seq` has as many digits as the sixth, so six views are six times one view.
        assert_eq!(times(&told, &recording), [0, 1, 2, 3, 4, 5]);
        told.keep(&mut recording, 6);
        assert_eq!(times(&told, &recording), [0, 2, 4, 6]);
        for time in 7..10 {
            told.keep(&mut recording, time);
        }
        assert_eq!(times(&told, &recording), [0, 4, 7, 9]);
        for time in 10..1_000 {
            told.keep(&mut recording, time);
            let times = times(&told, &recording);
            assert!(times.len() <= 6 && times.is_sorted(), "{times:?}");
            assert_eq!((times[0], times[times.len() - 1]), (0, time));
        }
    }

    #[test]
    fn a_dropped_frame_leaves_its_distances_to_the_next_one() {
        let (mut told, mut recording) = (Told::new(), Recording::new(views(100), 0));
        // Rounds close at odd times and open at even ones.
        for time in 0..=8 {
            if time % 2 == 1 {
                told.close(&mut recording, time);
            } else {
                told.keep(&mut recording, time);
            }
        }
        recording.thin();
        let frames = told.export(&recording, 9);
        assert_eq!(outline(&frames), [(0, 0), (2, 1), (4, 2), (6, 3), (8, 4)]);
        // Where both have some, the later ones stay.
        recording.thin();
        let frames = told.export(&recording, 9);
        assert_eq!(outline(&frames), [(0, 0), (4, 2), (8, 4)]);
    }

    #[test]
    fn two_frames_stay_however_long_they_are() {
        let (mut told, mut recording) = (Told::new(), Recording::new(1, 0));
        for time in 0..5 {
            told.keep(&mut recording, time);
        }
        assert_eq!(outline(&told.export(&recording, 9)), [(0, 0), (4, 0)]);
    }

    #[test]
    fn coming_and_going_is_worth_a_frame_and_so_is_another_phase() {
        let mut room = Coordinator::new(RunConfig::default().check().unwrap());
        let mut recording = Recording::new(views(1_000), 0);
        let join = |device| Input::Joined {
            device: DeviceId(device),
            name: String::new(),
            profile: Profile::default(),
        };
        let mut worth = |input| {
            assert!(room.handle(0, input).answer.is_ok());
            let worth = recording.awaits(&room.moment());
            recording.keep(0, room.moment(), room.view("", 0), |_| None);
            worth
        };
        assert!(worth(Input::Tick), "the first frame of all");
        assert!(!worth(Input::Tick));
        assert!(worth(join(1)));
        assert!(worth(Input::Connected(DeviceId(1))));
        assert!(!worth(Input::Connected(DeviceId(1))));
        assert!(worth(join(2)));
        assert!(worth(Input::Connected(DeviceId(2))));
        assert!(!worth(Input::Desk(Command::Lock)));
        assert!(worth(Input::Desk(Command::Start)), "a round opens");
        let refused = Input::MessageRefused {
            device: DeviceId(1),
            code: "bad_message".into(),
        };
        assert!(!worth(refused));
        assert!(worth(Input::Disconnected(DeviceId(2))));
        assert!(worth(Input::Left(DeviceId(2))));
        assert!(worth(Input::Desk(Command::Reset(None))), "another run");
    }
}
