//! Constellation natively: the same coordinator and devices that run in rooms and tabs, without a browser.

pub mod agreement;
mod attack;
pub mod coalitions;
pub mod conditions;
pub mod data;
pub mod devices;
pub mod experiment;
pub mod folder;
pub mod measure;
pub mod presets;
pub mod report;
pub mod results;
pub mod run;
pub mod simulate;
pub mod sweep;
pub mod verify;
