//! Who was set aside when models became one.

use crate::config::Rule;
use crate::ids::DeviceId;
use crate::view::{Place, SetAside};

/// Below this part of what it would count in a mean an update is set aside.
const SET_ASIDE: f64 = 0.5;

/// The devices that were set aside, of those with what they count and what they would count in a mean.
pub(super) fn set_aside(
    place: Place,
    rule: Option<Rule>,
    counted: impl Iterator<Item = (DeviceId, f64, f64)>,
) -> impl Iterator<Item = SetAside> {
    let aside = counted.filter(|(_, counts, fair)| *counts < SET_ASIDE * fair);
    aside.map(move |(device, counts, fair)| SetAside {
        device,
        place,
        rule,
        counts,
        fair,
    })
}
