//! What WebDriver has no command for, and each browser has its own.

use anyhow::{Context, Result};
use fantoccini::Client;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use serde_json::Value;

use super::bidi::Bidi;
use super::{Engine, chromium, firefox};

/// A browser's own ways.
#[derive(Debug)]
pub(crate) enum Vendor {
    /// Extension commands, which need nothing but the client.
    Chromium,
    /// WebDriver BiDi, for which there is a socket beside the client.
    Firefox(Box<Bidi>),
}

impl Vendor {
    pub(super) async fn connect(engine: Engine, client: &Client) -> Result<Self> {
        Ok(match engine {
            Engine::Chromium => Self::Chromium,
            Engine::Firefox => {
                let url = client
                    .capabilities()
                    .and_then(|all| all.get("webSocketUrl"));
                let url = url.and_then(Value::as_str);
                let bidi = Bidi::connect(url.context("the driver offers no BiDi")?).await?;
                firefox::listen(&bidi).await?;
                Self::Firefox(Box::new(bidi))
            }
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Chromium => Engine::Chromium,
            Self::Firefox(_) => Engine::Firefox,
        }
    }

    /// The errors on the console since the last call.
    pub(super) async fn console_errors(&self, client: &Client) -> Result<Vec<String>> {
        match self {
            Self::Chromium => chromium::console_errors(client).await,
            Self::Firefox(bidi) => firefox::console_errors(bidi).await,
        }
    }

    /// Gives the page in `window`, the current one, a size in pixels.
    pub(crate) async fn resize(
        &self,
        client: &Client,
        window: &WindowHandle,
        width: u32,
        height: u32,
    ) -> Result<()> {
        match self {
            Self::Chromium => chromium::resize(client, width, height).await,
            Self::Firefox(bidi) => firefox::resize(bidi, window, width, height).await,
        }
    }

    /// Runs a script in every page that `window`, the current one, opens from now on, before the page's own.
    pub(crate) async fn run_first(
        &self,
        client: &Client,
        window: &WindowHandle,
        script: &str,
    ) -> Result<()> {
        match self {
            Self::Chromium => chromium::run_first(client, script).await,
            Self::Firefox(bidi) => firefox::run_first(bidi, window, script).await,
        }
    }

    /// Puts the current tab in front of the others of its window.
    pub(crate) async fn bring_to_front(&self, client: &Client) -> Result<()> {
        match self {
            Self::Chromium => chromium::bring_to_front(client).await,
            // There the current tab is the one in front.
            Self::Firefox(_) => Ok(()),
        }
    }

    /// Makes the current tab's system one that prefers dark colours.
    pub(crate) async fn prefer_dark(&self, client: &Client) -> Result<()> {
        match self {
            Self::Chromium => chromium::prefer_dark(client).await,
            Self::Firefox(_) => firefox::prefer_dark(client).await,
        }
    }
}

/// An extension command: a path below the session, and its body.
#[derive(Debug)]
pub(super) struct Extension {
    pub(super) path: &'static str,
    pub(super) body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(
        &self,
        base_url: &url::Url,
        session_id: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        let session = session_id.unwrap_or_default();
        base_url.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
