//! A room of a running server, as its desk and its boards know it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use constellation_core::view::View;
use constellation_lab::devices::{self, DevicesError, RoomAddress};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::{Server, data};

/// How long a test waits for a room to come to something. Reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A room and the right to its desk.
#[derive(Clone, Debug, Deserialize)]
pub struct Room {
    /// Its code.
    pub room: String,
    /// What the desk needs.
    pub desk_token: String,
    /// Address of the board, with the token in its fragment.
    pub board_url: String,
    /// Address that devices open.
    pub join_url: String,
    #[serde(skip)]
    base: String,
}

impl Room {
    /// Makes a room with a run's configuration.
    pub async fn create(server: &Server, config: Value) -> Result<Self> {
        let http = reqwest::Client::new();
        let response = http
            .post(server.url("/api/rooms"))
            .json(&json!({ "config": config }))
            .send()
            .await?;
        let room: Self = response.error_for_status()?.json().await?;
        Ok(Self {
            base: server.base().to_owned(),
            ..room
        })
    }

    /// Gives the desk a command.
    pub async fn desk(&self, command: &str, body: Value) -> Result<()> {
        let url = format!("{}/api/rooms/{}/desk/{command}", self.base, self.room);
        let request = reqwest::Client::new()
            .post(url)
            .bearer_auth(&self.desk_token)
            .json(&body);
        let response = request.send().await?;
        if !response.status().is_success() {
            bail!("the desk refused {command}: {}", response.text().await?);
        }
        Ok(())
    }

    /// Lets so many headless devices join, in this process. They stay until the task is aborted.
    pub fn headless(&self, count: u32) -> JoinHandle<Result<u32, DevicesError>> {
        self.headless_by(self.base.clone(), count)
    }

    /// The same by another address of the server.
    pub fn headless_by(&self, url: String, count: u32) -> JoinHandle<Result<u32, DevicesError>> {
        let address = RoomAddress {
            url,
            room: self.room.clone(),
            data: data(),
        };
        tokio::spawn(devices::run(address, count))
    }

    /// The room's view now.
    pub async fn view(&self) -> Result<View> {
        Ok(
            reqwest::get(format!("{}/api/rooms/{}", self.base, self.room))
                .await?
                .json()
                .await?,
        )
    }

    /// The current run's record, a line of JSON for each event.
    pub async fn record(&self) -> Result<String> {
        let url = format!("{}/api/rooms/{}/export", self.base, self.room);
        let response = reqwest::get(url).await?;
        Ok(response.error_for_status()?.text().await?)
    }

    /// Follows the live feed until a view is as it should be. `what` names that in the error.
    pub async fn wait_until(&self, what: &str, is_so: impl FnMut(&View) -> bool) -> Result<View> {
        self.wait_so_long(PATIENCE, what, is_so).await
    }

    /// The same, for what takes longer than anything in a test.
    pub async fn wait_so_long(
        &self,
        patience: Duration,
        what: &str,
        mut is_so: impl FnMut(&View) -> bool,
    ) -> Result<View> {
        let url = format!("{}/api/rooms/{}/live", self.base, self.room).replacen("http", "ws", 1);
        let (mut feed, _) = connect_async(url).await?;
        let mut last = None;
        let watch = async {
            while let Some(message) = feed.next().await {
                if let Message::Text(text) = message? {
                    let view: View =
                        serde_json::from_str(&text).context("the feed sent no view")?;
                    if is_so(&view) {
                        return Ok(view);
                    }
                    last = Some(view);
                }
            }
            bail!("the feed ended before {what}")
        };
        let outcome = timeout(patience, watch).await;
        match outcome {
            Ok(outcome) => outcome,
            Err(_) => bail!("{what} did not come within {patience:?}; the last view was {last:#?}"),
        }
    }
}
