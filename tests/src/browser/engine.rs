//! The browsers that the pages must work in, and how each is started and ended.

use std::env;
use std::ffi::OsString;

use fantoccini::wd::Capabilities;
use tempfile::TempDir;

use super::{chromium, firefox};

/// A browser that the pages must work in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Chromium, by chromedriver.
    Chromium,
    /// Firefox, by geckodriver.
    Firefox,
}

impl Engine {
    /// `CHROMEDRIVER` or `GECKODRIVER`, or the driver on the PATH.
    pub(super) fn driver(self) -> OsString {
        let (variable, program) = match self {
            Self::Chromium => ("CHROMEDRIVER", "chromedriver"),
            Self::Firefox => ("GECKODRIVER", "geckodriver"),
        };
        env::var_os(variable).unwrap_or_else(|| OsString::from(program))
    }

    pub(super) fn driver_arguments(self, profile: &TempDir) -> Vec<OsString> {
        match self {
            Self::Chromium => chromium::driver_arguments(),
            Self::Firefox => firefox::driver_arguments(profile),
        }
    }

    /// What the driver prints before its port.
    pub(super) fn driver_sign(self) -> &'static str {
        match self {
            Self::Chromium => "started successfully on port ",
            Self::Firefox => "Listening on 127.0.0.1:",
        }
    }

    pub(super) fn capabilities(self, profile: &TempDir) -> Capabilities {
        match self {
            Self::Chromium => chromium::capabilities(profile),
            Self::Firefox => firefox::capabilities(),
        }
    }

    /// The request after which the browser is no more.
    pub(super) fn farewell(self, session: &str) -> String {
        match self {
            Self::Chromium => "GET /shutdown".to_owned(),
            Self::Firefox => format!("DELETE /session/{session}"),
        }
    }

    /// Whether the farewell ends the driver too.
    pub(super) fn driver_ends_itself(self) -> bool {
        self == Self::Chromium
    }

    /// The folder of its pictures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }
}
