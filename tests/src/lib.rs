//! What the end-to-end tests stand on: a real server, real browsers, and waits that end.
//!
//! `cargo xtask test --only end-to-end` builds what these need and says where it is.

use std::path::{Path, PathBuf};

mod browser;
mod program;
mod relay;
mod room;
mod server;
mod tab;

pub use browser::{Browser, Engine};
pub use program::{Program, python};
pub use relay::Relay;
pub use room::Room;
pub use server::Server;
pub use tab::{PATIENCE, Tab};

/// The folder with the data sets.
#[must_use]
pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data")
}

/// Makes two tests of each `async fn(Engine) -> Result<()>`: `chromium::…` and `firefox::…`.
#[macro_export]
macro_rules! in_each_browser {
    ($($test:ident),+ $(,)?) => {
        mod chromium {
            $(
                #[tokio::test]
                async fn $test() -> anyhow::Result<()> {
                    super::$test($crate::Engine::Chromium).await
                }
            )+
        }

        mod firefox {
            $(
                #[tokio::test]
                async fn $test() -> anyhow::Result<()> {
                    super::$test($crate::Engine::Firefox).await
                }
            )+
        }
    };
}
