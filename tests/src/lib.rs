//! What the end-to-end tests stand on: a real server, a real browser, and waits that end.
//!
//! `cargo xtask test --only end-to-end` builds what these need and says where it is.

mod browser;
mod program;
mod room;
mod server;
mod tab;

pub use browser::Browser;
pub use room::Room;
pub use server::Server;
pub use tab::{PATIENCE, Tab};
