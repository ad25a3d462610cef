//! The server over real sockets, as devices and boards see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod board;
mod desk;
mod devices;
mod document;
mod encodings;
mod pages;
mod program;
mod requests;
mod rounds;
mod sketches;
mod stop;
mod support;
mod tls;
mod updates;
