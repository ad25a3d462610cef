//! A headless browser with an empty profile, driven over WebDriver.

mod bidi;
mod chromium;
mod engine;
mod firefox;
mod vendor;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fantoccini::wd::TimeoutConfiguration;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tempfile::TempDir;

pub use engine::Engine;
pub(crate) use vendor::Vendor;

use crate::Program;
use crate::tab::Tab;

/// How long one call to the browser may take, a page's loading included.
const CALL_LIMIT: Duration = Duration::from_secs(60);
/// How long the browser may take to end before it is killed.
const END_LIMIT: Duration = Duration::from_secs(5);

/// A running browser. Ends with this value.
#[derive(Debug)]
pub struct Browser {
    engine: Engine,
    client: Client,
    vendor: Arc<Vendor>,
    session: String,
    driver: Program,
    port: u16,
    /// The tab that a new browser has, until it is asked for.
    first: Option<Tab>,
    // Removed after the browser has ended: fields go after `drop`.
    _profile: TempDir,
}

impl Browser {
    /// Starts the engine's driver on a free port, and a browser.
    pub async fn start(engine: Engine) -> Result<Self> {
        let profile = tempfile::tempdir().context("no folder for the browser's profile")?;
        let (driver, port) = Program::start(
            &engine.driver(),
            engine.driver_arguments(&profile),
            engine.driver_sign(),
        )
        .await?;
        let port: u16 = port
            .trim_end_matches('.')
            .parse()
            .with_context(|| format!("the driver of {engine:?} names the port {port:?}"))?;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(engine.capabilities(&profile))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .with_context(|| format!("{engine:?} does not start"))?;
        client
            .update_timeouts(TimeoutConfiguration::new(
                Some(CALL_LIMIT),
                Some(CALL_LIMIT),
                None,
            ))
            .await?;
        let session = client.session_id().await?.context("there is no session")?;
        let vendor = Arc::new(Vendor::connect(engine, &client).await?);
        let window = client.window().await?;
        let first = Tab::new(client.clone(), window, Arc::clone(&vendor));
        Ok(Self {
            engine,
            client,
            vendor,
            session,
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
                Arc::clone(&self.vendor),
            ),
        };
        tab.goto(url).await?;
        Ok(tab)
    }

    /// The errors that all tabs put on the console since the last call: thrown and not caught, rejected and
    /// not handled, not loaded, refused by the content security policy, or logged as errors.
    pub async fn console_errors(&self) -> Result<Vec<String>> {
        self.vendor.console_errors(&self.client).await
    }
}

impl Drop for Browser {
    /// A killed driver would leave its browser behind, so it is asked first.
    fn drop(&mut self) {
        let asked = ask(self.port, &self.engine.farewell(&self.session)).is_ok();
        if asked && self.engine.driver_ends_itself() {
            let deadline = Instant::now() + END_LIMIT;
            while !self.driver.has_ended() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(10));
            }
        }
        // What is left goes with the handle, which kills on drop.
    }
}

/// Without the runtime, which a failing test may have left already.
fn ask(port: u16, request: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(END_LIMIT))?;
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    )?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}
