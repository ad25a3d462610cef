//! A headless Chromium with an empty profile, driven over WebDriver.

use std::env;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fantoccini::wd::{Capabilities, TimeoutConfiguration, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Child;

use crate::program;
use crate::tab::Tab;

/// How long one call to the browser may take, a page's loading included.
const CALL_LIMIT: Duration = Duration::from_secs(60);
/// How long the browser may take to end before it is killed.
const END_LIMIT: Duration = Duration::from_secs(5);

/// As in `client-wasm/webdriver.json`: as root, offline, without a screen.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// A running browser. Ends with this value.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Child,
    port: u16,
    /// The tab that a new browser has, until it is asked for.
    first: Option<Tab>,
    // Removed after the browser has ended: fields go after `drop`.
    _profile: TempDir,
}

impl Browser {
    /// Starts chromedriver (`CHROMEDRIVER`, or the one on the PATH) on a free port, and a browser.
    pub async fn start() -> Result<Self> {
        let program = env::var_os("CHROMEDRIVER").unwrap_or_else(|| OsString::from("chromedriver"));
        let (driver, port) =
            program::start(&program, ["--port=0"], "started successfully on port ").await?;
        let port: u16 = port
            .trim_end_matches('.')
            .parse()
            .with_context(|| format!("chromedriver names the port {port:?}"))?;
        let profile = tempfile::tempdir().context("no folder for the browser's profile")?;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("the browser does not start")?;
        client
            .update_timeouts(TimeoutConfiguration::new(
                Some(CALL_LIMIT),
                Some(CALL_LIMIT),
                None,
            ))
            .await?;
        let first = Tab::new(client.clone(), client.window().await?);
        Ok(Self {
            client,
            driver,
            port,
            first: Some(first),
            _profile: profile,
        })
    }

    /// Opens `url` in a new tab and waits until it has loaded.
    pub async fn open(&mut self, url: &str) -> Result<Tab> {
        let tab = match self.first.take() {
            Some(tab) => tab,
            None => Tab::new(
                self.client.clone(),
                self.client.new_window(true).await?.handle,
            ),
        };
        tab.goto(url).await?;
        Ok(tab)
    }

    /// The errors that all tabs put on the console since the last call: thrown and not caught, rejected and
    /// not handled, not loaded, refused by the content security policy, or logged as errors.
    pub async fn console_errors(&self) -> Result<Vec<String>> {
        let entries = self.client.issue_cmd(BrowserLog).await?;
        let entries = entries.as_array().context("the browser's log is no list")?;
        Ok(entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| match &entry["message"] {
                Value::String(message) => message.clone(),
                other => other.to_string(),
            })
            .collect())
    }
}

impl Drop for Browser {
    /// A killed driver would leave its browser behind, so it is asked first.
    fn drop(&mut self) {
        if ask_to_end(self.port).is_ok() {
            let deadline = Instant::now() + END_LIMIT;
            while matches!(self.driver.try_wait(), Ok(None)) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(10));
            }
        }
        // What is left goes with the handle, which kills on drop.
    }
}

/// Without the runtime, which a failing test may have left already.
fn ask_to_end(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(END_LIMIT))?;
    write!(
        stream,
        "GET /shutdown HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    )?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}

fn capabilities(profile: &TempDir) -> Capabilities {
    let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
    flags.push(format!("--user-data-dir={}", profile.path().display()));
    let mut capabilities = Capabilities::new();
    capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": flags }));
    capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
    capabilities
}

/// The entries of the console since the last time, a command of Chromium's driver alone.
#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(
        &self,
        base_url: &url::Url,
        session_id: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base_url.join(&format!(
            "session/{}/se/log",
            session_id.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({ "type": "browser" }).to_string();
        (http::Method::POST, Some(body))
    }
}
