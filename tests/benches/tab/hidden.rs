//! Rounds of one device whose tab is behind another, by turns with rounds in front of it.

use std::time::Instant;

use anyhow::{Result, ensure};
use constellation_tests::{Browser, Engine, Room, Server};

use crate::{NOTES, median, room};

/// How often the tab is in front, and how often behind.
const TURNS: usize = 5;
/// Rounds of a turn that count; the one amid which the tab comes or goes does not.
const ROUNDS: u32 = 8;
/// Of a quarter of a second or so a round.
const EPOCHS: u32 = 30;

/// The speed of a hidden tab, as a part of a visible one's: the median of the turns.
pub(crate) async fn measure(server: &Server, engine: Engine) -> Result<f64> {
    let room = room(server, EPOCHS).await?;
    let mut browser = Browser::start(engine).await?;
    let device = browser.open("about:blank").await?;
    device.run_first(NOTES).await?;
    device.goto(&room.join_url).await?;
    let other = browser.open("about:blank").await?;
    let mut ratios = Vec::new();
    for _ in 0..TURNS {
        device.bring_to_front().await?;
        let visible = seconds(&room).await?;
        other.bring_to_front().await?;
        let hidden = seconds(&room).await?;
        ratios.push(visible / hidden);
    }
    let seen = device.eval("return seen", vec![]).await?;
    let turns = ["visible", "hidden"].repeat(TURNS);
    let seen: Vec<String> = serde_json::from_value(seen)?;
    ensure!(
        seen.windows(turns.len()).any(|part| part == turns),
        "the tab was not seen and hidden by turns, but {seen:?}"
    );
    Ok(median(ratios))
}

/// How long some rounds take.
async fn seconds(room: &Room) -> Result<f64> {
    let now = room.view().await?.traffic.rounds;
    let (mut first, mut last) = (None, None);
    room.wait_until("some rounds", |view| {
        if view.traffic.rounds > now && first.is_none() {
            first = Some(Instant::now());
        }
        if view.traffic.rounds > now + ROUNDS {
            last = Some(Instant::now());
        }
        last.is_some()
    })
    .await?;
    let span = first.zip(last).map(|(first, last)| last - first);
    Ok(span.map_or(f64::NAN, |span| span.as_secs_f64()))
}
