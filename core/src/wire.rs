//! Protocol version 1: what crosses the wire between a room and a device.
//!
//! Control messages are JSON text. Whatever carries weights is a safetensors file: its metadata holds the message's
//! JSON, its tensors are named `{arm}/{tensor}`, or `{arm}:{role}/{tensor}` where an arm has several models. One enum per direction.
//! `docs/protocol.md` says the same for people who write a device of their own.

mod alone;
mod buffer;
mod carried;
mod codec;
mod delta;
mod message;
mod read;
pub mod safetensors;
mod write;

pub use crate::json::JsonError;
pub use alone::Alone;
pub use buffer::Buffer;
pub(crate) use carried::Carried;
pub(crate) use codec::candidate;
pub use delta::{Delta, Encoded};
pub use message::{
    ArmCoalition, ArmPlan, ArmReport, Choice, Configured, DeviceNews, Farewell, Models, Report,
    RoomNews, RoundOpened, SendWeights, Serves, Start, Task, Update, Validation, WireError, beside,
};

/// Version of the protocol, in every `configured` message.
pub const PROTOCOL: u32 = 1;

#[cfg(test)]
mod tests;
