//! The views of a real room, and what else its board asks for.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use constellation_core::view::{Phase, View};
use constellation_tests::{Room, Server};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// How long the run may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A run as its board sees it.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) room: String,
    /// As the live feed sends them, in their order.
    pub(crate) views: Vec<String>,
    /// The number of closed rounds in each view.
    pub(crate) closed: Vec<u32>,
    /// By the arm's name: the answer to who was in which coalition in all rounds.
    pub(crate) memberships: BTreeMap<String, Value>,
    /// The answer to where devices join.
    pub(crate) join: Value,
}

impl Recording {
    /// Lets headless devices run to the end, and keeps at most so many views: those in which a round has closed, and
    /// as many of the others, evenly.
    pub(crate) async fn make(
        server: &Server,
        count: u32,
        rounds: u32,
        views: usize,
    ) -> Result<Self> {
        let config = json!({
            "rounds": rounds,
            "data": { "groups": { "count": 4, "kind": "rotation" } },
            "training": { "epochs": 1 },
            "pacing": { "start_at": count, "pace_ms": 1_000, "deadline_ms": 120_000 }
        });
        let room = Room::create(server, config).await?;
        let devices = room.headless(count);
        let api = server.url(&format!("/api/rooms/{}", room.room));
        let all = timeout(PATIENCE, follow(&format!("{api}/live")))
            .await
            .context("the run did not come to its end")??;
        let mut memberships = BTreeMap::new();
        for (arm, strategy) in all.last().map(arms).unwrap_or_default() {
            if strategy != "local_only" {
                let url = format!("{api}/arms/{arm}/memberships");
                memberships.insert(arm, reqwest::get(url).await?.json().await?);
            }
        }
        let join = reqwest::get(format!("{api}/join")).await?.json().await?;
        devices.abort();
        let kept = thin_out(all, views);
        Ok(Self {
            room: room.room,
            views: kept
                .iter()
                .map(serde_json::to_string)
                .collect::<Result<_, _>>()?,
            closed: kept.iter().map(|view| view.traffic.rounds).collect(),
            memberships,
            join,
        })
    }
}

fn arms(view: &View) -> Vec<(String, String)> {
    let name = |arm: &constellation_core::view::ArmView| (arm.name.clone(), arm.strategy.clone());
    view.arms.iter().map(name).collect()
}

/// The views from the first round's end to the last one's.
async fn follow(url: &str) -> Result<Vec<View>> {
    let (mut feed, _) = connect_async(url.replacen("http", "ws", 1)).await?;
    let mut views = Vec::new();
    while let Some(message) = feed.next().await {
        if let Message::Text(text) = message? {
            let view: View = serde_json::from_str(&text)?;
            let finished = view.phase == Phase::Finished;
            if view.traffic.rounds > 0 {
                views.push(view);
            }
            if finished {
                return Ok(views);
            }
        }
    }
    bail!("the feed ended before the run")
}

fn thin_out(all: Vec<View>, most: usize) -> Vec<View> {
    let step = all.len().div_ceil(most).max(1);
    let mut closed = 0;
    let keep = |(place, view): (usize, View)| {
        let closes = view.traffic.rounds > closed;
        closed = view.traffic.rounds;
        (closes || place % step == 0).then_some(view)
    };
    all.into_iter().enumerate().filter_map(keep).collect()
}
