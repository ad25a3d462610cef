//! Files that hold examples: a table that a device's user brings, and data sets.

#![no_main]

use constellation_core::data::{DatasetName, Images};
use constellation_fuzz::small_room;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let room = small_room();
    let table = room
        .config()
        .data
        .table
        .as_ref()
        .expect("the room's run is of tables");
    let _ = table.read(file);
    let (images, labels) = file.split_at(file.len() / 2);
    let _ = Images::read(DatasetName::Mnist, images, labels);
});
