//! What a tab downloads: a device's session, [`constellation_session`], linked.
//!
//! A package of its own, because the package that is linked says how loops are compiled, and its own code with them: this
//! one is to be fast and has none, the session is to be small.

pub use constellation_session::DeviceClient;
