//! A device of Constellation in a browser's worker, linked.
pub use constellation_session::DeviceClient;
