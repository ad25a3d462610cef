//! How the cost of a round's end grows with the devices: time and memory, and the exponent of their growth.
//!
//! `cargo bench -p constellation-core --features parallel --bench growth` prints a table. Numbers of devices behind `--`
//! are measured instead of the usual ones, and `--weights FOLDER` leaves there what was measured, for other programs to
//! do the same with: weights as rows of f32, and the coalition that each device is in.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench reads the clock and prints"
)]

mod synthetic;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use constellation_core::strategy::{RoundUpdates, Strategy};

/// Devices. The last makes four gigabytes of weights.
const DEVICES: [u32; 4] = [10, 100, 1_000, 10_000];
/// Of so many devices and more a single repetition says enough.
const MANY: u32 = 2_000;
const REPETITIONS: usize = 5;

/// What a number of devices costs.
struct Cost {
    devices: u32,
    distances_ms: f64,
    coalitions_ms: f64,
    /// Beside the weights themselves.
    memory_mib: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut named: Vec<u32> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    if named.is_empty() {
        named.extend(DEVICES);
    }
    let folder = arguments.iter().position(|a| a == "--weights");
    let folder = folder
        .and_then(|at| arguments.get(at + 1))
        .map(PathBuf::from);
    println!(
        "{:>8} {:>14} {:>27} {:>11}",
        "devices", "distances, ms", "coalitions, barycenters, ms", "memory, MiB"
    );
    let costs: Vec<Cost> = named
        .iter()
        .map(|&devices| {
            let cost = measure(devices, folder.as_deref());
            println!(
                "{:8} {:14.2} {:27.2} {:11.0}",
                cost.devices, cost.distances_ms, cost.coalitions_ms, cost.memory_mib
            );
            cost
        })
        .collect();
    if costs.len() > 2 {
        println!(
            "{:>8} {:14.2} {:27.2} {:11.2}",
            "exponent",
            exponent(&costs, |cost| cost.distances_ms),
            exponent(&costs, |cost| cost.coalitions_ms),
            exponent(&costs, |cost| cost.memory_mib)
        );
    }
}

fn measure(devices: u32, folder: Option<&Path>) -> Cost {
    let initial = synthetic::initial();
    let mut round = synthetic::round(&initial, devices);
    let repetitions = if devices < MANY { REPETITIONS } else { 1 };
    let (mut distances, mut coalitions) = (Vec::new(), Vec::new());
    let before = peak_memory(true);
    // One after the other, as other programs are timed: neither finds the other's data in the caches.
    for _ in 0..repetitions {
        // The distances of a round are kept with it.
        round = RoundUpdates::new(round.seed, round.round, round.updates, round.in_room);
        distances.push(timed(|| {
            round.weights_gram();
        }));
    }
    for _ in 0..repetitions {
        let mut strategy = synthetic::forming(&initial, devices);
        coalitions.push(timed(|| strategy.close(&round)));
        if let (Some(folder), true) = (folder, coalitions.len() == repetitions) {
            keep(folder, &round, strategy.as_ref());
        }
    }
    Cost {
        devices,
        distances_ms: median(distances),
        coalitions_ms: median(coalitions),
        memory_mib: peak_memory(false) - before,
    }
}

/// Milliseconds.
fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    1e3 * start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Most memory that this process has had, in MiB, since it was `forgotten` last; NaN where the system does not say.
fn peak_memory(forgotten: bool) -> f64 {
    if forgotten {
        // Where it cannot be forgotten, the peak of what came before counts.
        let _ = fs::write("/proc/self/clear_refs", "5");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1_024.0)
}

/// The slope of the straight line that is nearest to the costs on logarithmic axes.
fn exponent(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    let points = costs
        .iter()
        .map(|cost| (f64::from(cost.devices).ln(), of(cost).ln()));
    let points: Vec<(f64, f64)> = points.filter(|(_, y)| y.is_finite()).collect();
    let n = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
    let across: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let along: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    across / along
}

/// Leaves `N.f32` and `N.coalitions`.
fn keep(folder: &Path, round: &RoundUpdates, strategy: &dyn Strategy) {
    let n = round.updates.len();
    let weights: Vec<u8> = round
        .updates
        .iter()
        .flat_map(|update| update.weights.values())
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let coalition_of = |update: &constellation_core::strategy::ArmUpdate| {
        let mut coalitions = strategy.coalitions().iter();
        let own = coalitions.find(|coalition| coalition.members.contains(&update.device));
        own.map_or_else(String::new, |coalition| format!("{}\n", coalition.id.0))
    };
    let coalitions: String = round.updates.iter().map(coalition_of).collect();
    fs::write(folder.join(format!("{n}.f32")), weights).expect("the folder can be written");
    fs::write(folder.join(format!("{n}.coalitions")), coalitions)
        .expect("the folder can be written");
}
