//! Rounds of devices that answer at once.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use constellation_tests::Server;
use futures_util::future::try_join_all;

use crate::median;
use crate::trivial::{self, Connection, Device};

const ROUNDS: u32 = 40;
/// The first rounds, which are not counted.
const WARM_UP: usize = 5;

/// Prints what came out.
pub(crate) async fn measure() -> Result<()> {
    let server = Server::start(&["--no-room", "--log", "warn"]).await?;
    for (count, goal) in [(10, 10), (50, 25)] {
        let room = trivial::room(&server, count, ROUNDS).await?;
        let devices = trivial::devices(&server, &room, count).await?;
        let updates: Arc<[Vec<u8>]> = (1..=ROUNDS).map(trivial::update).collect();
        let tasks = devices.into_iter().map(|device| {
            let answering = answer(device, trivial::address(&server), Arc::clone(&updates));
            async { tokio::spawn(answering).await? }
        });
        let asked: Vec<Vec<Instant>> = try_join_all(tasks).await?;
        // When the first device was asked.
        let opened: Vec<Instant> = (0..ROUNDS as usize)
            .filter_map(|round| asked.iter().map(|times| times[round]).min())
            .collect();
        let times = opened.windows(2).skip(WARM_UP);
        let times = times.map(|pair| 1e3 * (pair[1] - pair[0]).as_secs_f64());
        crate::print(
            &format!("round of {count} trivial devices, ms"),
            median(times.collect()),
            &format!("(goal {goal})"),
        );
    }
    server.kill().await
}

/// Answers all rounds; when it was asked for each.
async fn answer(
    mut device: Device,
    address: Arc<str>,
    updates: Arc<[Vec<u8>]>,
) -> Result<Vec<Instant>> {
    let mut connection = Connection::open(&address).await?;
    let mut asked = Vec::new();
    for (round, update) in (1..).zip(updates.iter()) {
        device.asked().await?;
        asked.push(Instant::now());
        connection.send(&device.request(round, update)).await?;
    }
    Ok(asked)
}
