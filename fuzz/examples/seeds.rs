//! Writes what is right into the corpora, one file for each kind: fuzzers hardly come upon that by themselves.
//!
//! `cargo run --manifest-path fuzz/Cargo.toml --example seeds`

use std::fs;
use std::path::Path;

use constellation_core::config::RunConfig;
use constellation_core::coordinator::{Effect, Input, Message, Profile};
use constellation_core::ids::{DeviceId, Round};
use constellation_core::wire::{DeviceNews, Farewell, RoomNews};
use constellation_fuzz::{small_room, update};

fn main() {
    let mut room = small_room();
    let mut effects = Vec::new();
    for device in [1, 2].map(DeviceId) {
        let joined = Input::Joined {
            device,
            name: String::new(),
            profile: Profile::of_ours(),
        };
        let run = room.models().run;
        for input in [
            joined,
            Input::Connected(device),
            Input::Ready { device, run },
        ] {
            effects.extend(room.handle(0, input).effects);
        }
    }
    let models = room.models();
    for (name, bare) in [("trained", false), ("evaluated", true)] {
        keep(
            "update",
            name,
            &update(models, models.run, Round(1), bare).encode(),
        );
    }
    for effect in effects {
        match effect {
            Effect::Send {
                message: Message::RoundOpened(round),
                ..
            } => {
                keep("round", "opened", &round.encode());
            }
            Effect::Send {
                message: Message::Configured(configured),
                ..
            } => {
                keep_message("configured", &RoomNews::Configured(configured));
            }
            _ => {}
        }
    }
    let retry_after_ms = 1_250;
    keep_message(
        "farewell",
        &RoomNews::Farewell(Farewell::ServerStops { retry_after_ms }),
    );
    let hello = DeviceNews::Hello {
        token: "secret".to_owned(),
    };
    keep("message", "hello", hello.to_json().as_bytes());
    keep("config", "defaults", text(&RunConfig::default()).as_bytes());
    keep("config", "table", text(&**room.config()).as_bytes());
    keep("data", "table", b"x,\"z\",y\r\n1,2.5e-1,a\n-3,0,b\n");
    let images = [
        [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28].as_slice(),
        &[7; 784],
    ]
    .concat();
    let labels = [[0, 0, 8, 1, 0, 0, 0, 1, 3].as_slice(), &[0; 791]].concat();
    keep("data", "images", &[images, labels].concat());
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("its keys are strings")
}

fn keep_message(name: &str, news: &RoomNews) {
    keep("message", name, text(news).as_bytes());
}

fn keep(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&folder).expect("the corpus can be written");
    fs::write(folder.join(name), bytes).expect("the corpus can be written");
}
