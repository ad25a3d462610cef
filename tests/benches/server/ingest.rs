//! Updates a second, side by side with a server that only reads them.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use constellation_tests::Server;
use futures_util::future::try_join_all;

use crate::median;
use crate::trivial::{self, Connection};

const CONNECTIONS: usize = 16;
/// Devices whose updates are counted in each round.
const DEVICES: u32 = 160;
const ROUNDS: u32 = 15;

/// Prints what came out.
pub(crate) async fn measure() -> Result<()> {
    let server = Server::start(&["--no-room", "--log", "warn"]).await?;
    let (_bare, bare_address) = crate::bare::start().await?;
    // One more, who keeps the round open until it has been measured.
    let room = trivial::room(&server, DEVICES + 1, ROUNDS).await?;
    let mut devices = trivial::devices(&server, &room, DEVICES + 1).await?;
    let mut ours = connections(&trivial::address(&server)).await?;
    let mut theirs = connections(&bare_address).await?;
    let (mut rates, mut bare_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut update_len = 0;
    for round in 1..=ROUNDS {
        for device in &mut devices {
            device.asked().await?;
        }
        let update = trivial::update(round);
        update_len = update.len();
        let mut requests: Vec<Arc<[u8]>> = devices
            .iter()
            .map(|device| device.request(round, &update).into())
            .collect();
        let last = requests.split_off(DEVICES as usize);
        let plain: Arc<[u8]> = trivial::request("/", "", &update).into();
        let bare_rate = rate(&mut theirs, &vec![plain; DEVICES as usize]).await?;
        let rate = rate(&mut ours, &requests).await?;
        rates.push(rate);
        bare_rates.push(bare_rate);
        ratios.push(rate / bare_rate);
        for request in last {
            ours[0].send(&request).await?;
        }
    }
    let what = format!("({} kB over {CONNECTIONS} connections)", update_len / 1_000);
    crate::print("updates accepted by a room, 1/s", median(rates), &what);
    crate::print("read by a bare axum handler, 1/s", median(bare_rates), "");
    crate::print("ratio", median(ratios), "(goal 0.8)");
    server.kill().await
}

async fn connections(address: &str) -> Result<Vec<Connection>> {
    try_join_all((0..CONNECTIONS).map(|_| Connection::open(address))).await
}

/// Requests a second, each connection sending its part one after the other.
async fn rate(connections: &mut [Connection], requests: &[Arc<[u8]>]) -> Result<f64> {
    let start = Instant::now();
    let parts = requests.chunks(requests.len().div_ceil(connections.len()));
    try_join_all(
        connections
            .iter_mut()
            .zip(parts)
            .map(async |(connection, part)| {
                for request in part {
                    connection.send(request).await?;
                }
                anyhow::Ok(())
            }),
    )
    .await?;
    Ok(requests.len() as f64 / start.elapsed().as_secs_f64())
}
