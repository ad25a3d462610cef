//! Federated learning by coalitions, without I/O.
//!
//! Two state machines do it all: [`coordinator::Coordinator`] for a room and [`device::Device`] for one participant.
//! Time and randomness are arguments, so that the server, a browser's worker, the laboratory and the tests drive the
//! same code and get the same numbers, to the bit.

#![warn(missing_docs, clippy::pedantic)]
#![allow(
    // Counts, sizes and pixel values are far below the bounds where these conversions lose anything; every place that
    // reads a number from outside checks it first.
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_lossless,
    // Same bits is what is promised, so same bits is what is tested.
    clippy::float_cmp,
    // The kernels, whose loops must end up in their callers to be vectorised for them.
    clippy::inline_always,
    // An `expect` states the invariant that keeps it from panicking; that is no matter for the caller.
    clippy::missing_panics_doc,
    // Matrices and formulas are written with their papers' letters.
    clippy::many_single_char_names,
    clippy::similar_names
)]

pub mod aggregate;
pub mod attack;
pub mod by_name;
pub mod coalition;
pub mod config;
pub mod coordinator;
pub mod data;
mod decimal;
pub mod device;
pub mod distance;
pub mod encoding;
#[cfg(any(test, feature = "golden"))]
#[doc(hidden)]
pub mod golden;
pub mod ids;
pub mod journal;
pub mod json;
pub mod layout;
pub mod metrics;
pub mod model;
mod parallel;
pub mod params;
pub mod recording;
pub mod rejection;
pub mod rng;
pub mod sketch;
pub mod strategy;
pub mod train;
pub mod view;
pub mod wire;

#[cfg(test)]
mod settings;
#[cfg(test)]
mod typescript;
