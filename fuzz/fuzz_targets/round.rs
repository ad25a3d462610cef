//! What a room sends a device when a round opens.

#![no_main]

use constellation_core::wire::RoundOpened;
use constellation_fuzz::small_room;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let room = small_room();
    let start = room.model("fed_avg", None);
    let _ = RoundOpened::decode_with(bytes, &room.models().spec, |_, _| start.clone());
});
