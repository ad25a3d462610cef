//! Messages over a device's socket. The room's are read by a reader of our own, which takes whatever a room can say.

#![no_main]

use constellation_core::config::PacingConfig;
use constellation_core::wire::{DeviceNews, RoomNews};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = serde_json::from_str::<DeviceNews>(text);
    let _ = RoomNews::from_json(text);
    if let Ok(mut news) = serde_json::from_str::<RoomNews>(text) {
        let said = serde_json::to_string(&news).expect("news have string keys");
        if let RoomNews::Configured(configured) = &mut news {
            // What only a room needs to know.
            configured.config.pacing = PacingConfig::default();
        }
        assert_eq!(RoomNews::from_json(&said).ok(), Some(news));
    }
});
