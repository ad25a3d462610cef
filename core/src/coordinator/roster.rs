//! What of a room outlasts its runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::feed::Feed;
use super::{Coordinator, Maps, Member, Profile, Run, Will};
use crate::config::CheckedConfig;
use crate::ids::{DeviceId, RunId, Slot};

/// A room without what has come of its run: who is in it and what the desk has decided, with the configuration that a
/// reset begins again. A run that begins takes nothing else over, so a room can be told from a roster and what has
/// happened since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roster {
    run: RunId,
    config: CheckedConfig,
    locked: bool,
    mischief: bool,
    members: Vec<Entry>,
    /// Number of the feed's last entry.
    told: u32,
}

/// A device of the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    device: DeviceId,
    slot: Slot,
    name: String,
    profile: Profile,
    connected: bool,
    /// Whether it was connected before and is not now.
    away: bool,
}

impl Roster {
    /// Of a room without devices.
    #[must_use]
    pub fn empty(config: CheckedConfig) -> Self {
        Self {
            run: RunId(1),
            config,
            locked: false,
            mischief: false,
            members: Vec::new(),
            told: 0,
        }
    }
}

impl Coordinator {
    /// What of this room outlasts its run.
    #[must_use]
    pub fn roster(&self) -> Roster {
        let entry = |(&device, member): (&DeviceId, &Member)| Entry {
            device,
            slot: member.slot,
            name: member.name.clone(),
            profile: member.profile.clone(),
            connected: member.connected,
            away: self.feed.is_away(device),
        };
        Roster {
            run: self.run.id,
            config: self.run.config.clone(),
            locked: self.locked,
            mischief: self.mischief,
            members: self.members.iter().map(entry).collect(),
            told: self.feed.last_number(),
        }
    }

    /// The room of a roster, at the beginning of its run.
    #[must_use]
    pub fn from_roster(roster: Roster) -> Self {
        let run = Run::new(roster.run, roster.config);
        let (mut members, mut feed) = (BTreeMap::new(), Feed::from_number(roster.told));
        for entry in roster.members {
            feed.seat(entry.device, entry.away);
            let labels = run.labels_of(entry.slot);
            let mut member = Member::new(entry.slot, entry.name, entry.profile, labels);
            if entry.connected {
                member.connected = true;
                member.has_data = run.config.data.table.is_none();
                member.state = member.idle_state();
            }
            members.insert(entry.device, member);
        }
        Self {
            members,
            will: Will::Gather,
            locked: roster.locked,
            run,
            feed,
            maps: Maps::Drawn,
            mischief: roster.mischief,
        }
    }
}
