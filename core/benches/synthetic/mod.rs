//! Updates that nobody trained.

use std::sync::Arc;

use constellation_core::config::{DistanceKind, Formation, StrategyConfig, TrainingConfig};
use constellation_core::data::DatasetName;
use constellation_core::ids::{DeviceId, Round};
use constellation_core::model::{ModelConfig, Network};
use constellation_core::params::Params;
use constellation_core::rng::{Purpose, Stream};
use constellation_core::strategy::{ArmUpdate, Beginning, RoundUpdates, Strategy, strategy};
use constellation_core::wire::ArmReport;

const COALITIONS: u32 = 10;

/// A network's first weights: of 784-128-10, 101,770.
pub(crate) fn initial() -> Arc<Params> {
    let hidden = vec![128];
    let network = Network::new(&ModelConfig::Mlp { hidden }, DatasetName::Mnist.shape());
    Arc::new(network.initial(1))
}

/// A round of devices in as many groups as there will be coalitions.
pub(crate) fn round(initial: &Arc<Params>, devices: u32) -> RoundUpdates {
    let groups: Vec<Vec<f32>> = (0..groups(devices))
        .map(|group| noise(group, 0, initial.spec().len()))
        .collect();
    let update = |device: u32| {
        let group = &groups[(device % COALITIONS) as usize % groups.len()];
        let own = noise(device, 1, group.len());
        let values = initial.values().iter().zip(group).zip(own);
        let values = values.map(|((v, group), own)| v + group + 0.3 * own);
        ArmUpdate {
            device: DeviceId(device),
            examples: 400,
            halvings: 0,
            start: Arc::clone(initial),
            weights: Params::try_new(values.collect(), initial.spec()).expect("finite"),
            beside: None,
            report: ArmReport::default(),
        }
    };
    let in_room = (1..=devices).map(|device| (DeviceId(device), None));
    RoundUpdates::new(
        7,
        Round(1),
        (1..=devices).map(update).collect(),
        in_room.collect(),
    )
}

/// What forms coalitions by the weights' distances.
pub(crate) fn forming(initial: &Arc<Params>, devices: u32) -> Box<dyn Strategy> {
    let config = StrategyConfig::CoalitionModels {
        formation: Formation {
            k: groups(devices),
            distance: DistanceKind::Weights,
            ..Formation::default()
        },
    };
    let beginning = Beginning {
        initial: Arc::clone(initial),
        another: &|_| Arc::clone(initial),
        training: &TrainingConfig::default(),
    };
    strategy(&config, &beginning)
}

fn groups(devices: u32) -> u32 {
    COALITIONS.min(devices / 2)
}

/// Numbers from 0 to 1; as many as it takes, from few that are drawn.
fn noise(number: u32, kind: u32, len: usize) -> Vec<f32> {
    const DRAWN: usize = 4_099;
    let mut stream = Stream::new(number, Purpose::Shuffle, kind, 0);
    let drawn: Vec<f32> = (0..DRAWN).map(|_| stream.uniform() as f32).collect();
    drawn.into_iter().cycle().take(len).collect()
}
