//! What a round costs the server once all updates are in: distances, and then coalitions, barycenters and the mean.
//!
//! `cargo bench -p constellation-core --features parallel --bench formation`

mod synthetic;

use std::time::Duration;

use constellation_core::distance::Gram;
use constellation_core::params::Params;
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

/// Devices. The last makes four hundred megabytes of weights.
const DEVICES: [u32; 3] = [10, 100, 1_000];

criterion_group!(benches, formation);
criterion_main!(benches);

fn formation(criterion: &mut Criterion) {
    let initial = synthetic::initial();
    for devices in DEVICES {
        let round = synthetic::round(&initial, devices);
        let mut group = criterion.benchmark_group("formation");
        group
            .sample_size(10)
            .measurement_time(Duration::from_secs(2));
        group.bench_function(BenchmarkId::new("distances", devices), |bencher| {
            let weights = round.updates.iter().map(|update| &update.weights);
            let weights: Vec<&Params> = weights.collect();
            bencher.iter(|| Gram::of(&weights));
        });
        round.weights_gram();
        group.bench_function(
            BenchmarkId::new("coalitions and barycenters", devices),
            |bencher| {
                bencher.iter_batched(
                    || synthetic::forming(&initial, devices),
                    |mut strategy| {
                        strategy.close(&round);
                        strategy
                    },
                    BatchSize::PerIteration,
                );
            },
        );
        group.finish();
    }
}
