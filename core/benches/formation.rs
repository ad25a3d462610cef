//! What a round costs the server once all updates are in: distances, and then coalitions, barycenters and the mean.
//!
//! `cargo bench -p constellation-core --features parallel --bench formation`

use std::sync::Arc;
use std::time::Duration;

use constellation_core::config::{DistanceKind, Formation, StrategyConfig, TrainingConfig};
use constellation_core::data::DatasetName;
use constellation_core::distance::Gram;
use constellation_core::ids::{DeviceId, Round};
use constellation_core::model::{ModelConfig, Network};
use constellation_core::params::Params;
use constellation_core::rng::{Purpose, Stream};
use constellation_core::strategy::{ArmUpdate, Beginning, RoundUpdates, strategy};
use constellation_core::wire::ArmReport;
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

/// Devices. The last makes four hundred megabytes of weights.
const DEVICES: [u32; 3] = [10, 100, 1_000];
const COALITIONS: u32 = 10;

criterion_group!(benches, formation);
criterion_main!(benches);

fn formation(criterion: &mut Criterion) {
    let network = Network::new(
        &ModelConfig::Mlp { hidden: vec![128] },
        DatasetName::Mnist.shape(),
    );
    let initial = Arc::new(network.initial(1));
    for devices in DEVICES {
        let updates = updates(&initial, devices);
        let mut group = criterion.benchmark_group("formation");
        group
            .sample_size(10)
            .measurement_time(Duration::from_secs(2));
        group.bench_with_input(
            BenchmarkId::new("distances", devices),
            &updates,
            |bencher, updates| {
                let weights: Vec<&[f32]> = updates
                    .iter()
                    .map(|update| update.weights.values())
                    .collect();
                bencher.iter(|| Gram::of(&weights));
            },
        );
        let round = RoundUpdates::new(
            7,
            Round(1),
            updates,
            (1..=devices)
                .map(|device| (DeviceId(device), None))
                .collect(),
        );
        round.weights_gram();
        let config = StrategyConfig::CoalitionModels {
            formation: Formation {
                k: COALITIONS.min(devices / 2),
                distance: DistanceKind::Weights,
                ..Formation::default()
            },
        };
        let training = TrainingConfig::default();
        group.bench_function(
            BenchmarkId::new("assignment and barycenters", devices),
            |bencher| {
                let beginning = Beginning {
                    initial: Arc::clone(&initial),
                    another: &|_| Arc::clone(&initial),
                    training: &training,
                };
                bencher.iter_batched(
                    || strategy(&config, &beginning),
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

/// Updates of devices in as many groups as there will be coalitions.
fn updates(initial: &Arc<Params>, devices: u32) -> Vec<ArmUpdate> {
    (1..=devices)
        .map(|device| {
            let mut group = Stream::new(device % COALITIONS, Purpose::Shuffle, 0, 0);
            let mut own = Stream::new(device, Purpose::Shuffle, 1, 0);
            let values = initial
                .values()
                .iter()
                .map(|v| v + (group.uniform() + 0.3 * own.uniform()) as f32)
                .collect();
            ArmUpdate {
                device: DeviceId(device),
                examples: 400,
                start: Arc::clone(initial),
                weights: Params::try_new(values, initial.spec()).expect("finite"),
                beside: None,
                report: ArmReport::default(),
            }
        })
        .collect()
}
