//! What a device posts.

#![no_main]

use constellation_core::wire::Update;
use constellation_fuzz::small_room;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let room = small_room();
    if let Ok(update) = Update::decode(bytes, room.models()) {
        for (_, params) in update.weights.iter() {
            assert!(params.values().iter().all(|value| value.is_finite()));
        }
    }
});
