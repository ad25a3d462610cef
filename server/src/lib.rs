//! The rooms of Constellation behind HTTP and WebSockets: protocol version 1, and the pages that watch it.
//!
//! All logic is in `constellation_core`; this crate owns sockets, clocks, randomness and bytes.
//! Every room is one task that owns its coordinator and is reached by a bounded channel, so nothing about a room is
//! shared or locked. `docs/protocol.md` describes the protocol for programs that speak it.

#![warn(missing_docs)]

mod address;
mod blocking;
mod body;
mod config;
mod connections;
mod error;
mod metrics;
mod openapi;
mod pages;
mod qr;
mod rate;
mod room;
mod rooms;
mod routes;
mod server;
mod socket;
mod store;
mod tls;
mod token;

pub use address::{Addresses, lan_addresses};
pub use config::{AdminToken, Limits, RoomMakers, ServerConfig, check_for_room, limits};
pub use qr::for_terminal as qr_for_terminal;
pub use rooms::{Lifetime, NewRoom};
pub use routes::app;
pub use server::{Server, serve};
pub use store::StoreError;
pub use tls::{Tls, TlsError};
