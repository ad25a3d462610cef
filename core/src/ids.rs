//! Small numbers that name things. Each is its own type, so that a slot is never taken for a device.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(ts_rs::TS))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl $name {
            /// The number as an index into a slice.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id! {
    /// One participant of a room. Given out in the order of joining, from 1, and never used twice in a room.
    DeviceId
}
id! {
    /// A device's index in the partition of the data, from 0. A freed slot goes to the next newcomer.
    Slot
}
id! {
    /// A round of a run. Rounds count from 1; 0 stands for "before the first".
    Round
}
id! {
    /// The how-manieth run of a room: counts up with every reset, so that an update of an earlier run is known as such.
    RunId
}
id! {
    /// A coalition's index within its arm. Kept from one formation to the next by the largest overlap of members.
    CoalitionId
}

impl Round {
    /// The round after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
