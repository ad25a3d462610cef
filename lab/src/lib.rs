//! Constellation natively: the same coordinator and devices that run in rooms and tabs, without a browser.

pub mod data;
pub mod devices;
pub mod report;
pub mod results;
pub mod simulate;
