//! What boards tell of devices.

use super::super::feed::KEPT;
use super::*;
use crate::view::FeedEvent;

/// Device, event, code and how often, the newest first.
fn told(room: &Room) -> Vec<(u32, FeedEvent, Option<String>, u32)> {
    let entries = room.view().feed;
    let told =
        |entry: crate::view::FeedEntry| (entry.device.0, entry.event, entry.code, entry.count);
    entries.into_iter().map(told).collect()
}

fn of(device: u32, event: FeedEvent) -> (u32, FeedEvent, Option<String>, u32) {
    (device, event, None, 1)
}

#[test]
fn the_feed_tells_who_comes_and_goes_the_newest_first() {
    let mut room = Room::new(config());
    room.enter();
    room.enter();
    room.disconnect(1);
    room.connect(1);
    room.leave(2);
    room.enter();
    room.desk(Command::Remove(DeviceId(3)));
    let expected = [
        of(3, FeedEvent::Removed),
        of(3, FeedEvent::Joined),
        of(2, FeedEvent::Left),
        of(1, FeedEvent::Back),
        of(1, FeedEvent::Away),
        of(2, FeedEvent::Joined),
        of(1, FeedEvent::Joined),
    ];
    assert_eq!(told(&room), expected);
    let numbers: Vec<u32> = room.view().feed.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn the_feed_tells_who_is_late_and_who_is_refused_and_why() {
    let mut room = Room::started(4, config());
    room.all_answer([1, 2]);
    room.garbage(3);
    room.garbage(3);
    room.tick_at(DEADLINE_MS);
    let refused = (3, FeedEvent::Refused, Some("bad_file".to_owned()), 2);
    assert_eq!(told(&room)[..2], [of(4, FeedEvent::Late), refused]);
    assert_eq!(room.view().feed[0].round, Round(1));
    // Whoever is away has been told of.
    room.disconnect(4);
    room.tick_at(DEADLINE_MS + PACE_MS);
    room.all_answer([1, 2, 3]);
    assert_eq!(told(&room)[0], of(4, FeedEvent::Away));
}

#[test]
fn the_feed_is_bounded_and_a_new_run_begins_a_new_one() {
    let mut room = Room::new(config());
    for _ in 0..=KEPT {
        room.enter();
    }
    assert_eq!(told(&room).len(), KEPT);
    assert_eq!(told(&room)[0].0 as usize, KEPT + 1);
    room.desk(Command::Reset(None));
    assert_eq!(told(&room), [], "nobody has joined again");
    room.disconnect(1);
    assert_eq!(told(&room), [of(1, FeedEvent::Away)]);
}
