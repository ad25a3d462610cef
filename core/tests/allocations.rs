//! What the paths that everything goes through ask of memory: counted, so that no change makes them slower unseen.
use std::sync::Arc;

use allocation_counter::measure;
use constellation_core::by_name::ByName;
use constellation_core::config::{RunConfig, TrainingConfig};
use constellation_core::data::{DatasetName, Examples};
use constellation_core::ids::{Round, RunId};
use constellation_core::model::{ModelConfig, Network};
use constellation_core::rng::{Purpose, Stream};
use constellation_core::train::{Pull, Training};
use constellation_core::wire::{ArmReport, Buffer, Models, Report, Update};

fn network(model: &ModelConfig) -> Arc<Network> {
    Arc::new(Network::new(model, DatasetName::MnistSmall.shape()))
}

#[test]
fn a_step_of_training_asks_for_no_memory() {
    let mut examples = Examples::new(784);
    for i in 0..50 {
        let pixels = (0..784).map(|p| ((p + i) % 10) as f32 / 10.0);
        examples.push(pixels, (i % 10) as u8);
    }
    let config = TrainingConfig {
        epochs: 2,
        batch: 20,
        momentum: 0.9,
        ..TrainingConfig::default()
    };
    for model in [
        ModelConfig::Softmax {},
        ModelConfig::default(),
        ModelConfig::Cnn {},
    ] {
        let network = network(&model);
        let initial = network.initial(1);
        let pull = Pull {
            proximal: 0.1,
            correction: Some(&initial),
        };
        let shuffle = Stream::new(1, Purpose::Shuffle, 0, 0);
        let mut training = Training::new(&network, &initial, pull, &config, &examples, shuffle);
        let mut work = network.workspace(config.batch as usize);
        // The last batch of an epoch is smaller, and the next epoch is shuffled anew.
        while !training.is_done() {
            let asked = measure(|| training.step(&examples, &mut work));
            assert_eq!(asked.count_total, 0, "{model:?}");
        }
    }
}

#[test]
fn an_update_stays_where_it_has_arrived() {
    let config = RunConfig::default().check().unwrap();
    let network = network(&config.model);
    let models = Models::new(RunId(1), &config, network.spec());
    let weights = models.uploading.iter();
    let reports = models.arms.iter();
    let update = Update {
        run: RunId(1),
        round: Round(1),
        report: Report {
            examples: 100,
            own_data: 0,
            halvings: 0,
            mischief: None,
            arms: reports
                .map(|arm| (arm.clone(), ArmReport::default()))
                .collect(),
        },
        weights: weights
            .map(|arm| (arm.clone(), network.initial(1)))
            .collect(),
        deltas: ByName::new(),
        sketches: ByName::new(),
        coalitions: Vec::new(),
    };
    let mut buffer = Some(Buffer::from(update.encode().as_slice()));
    let asked = measure(|| {
        let read = Update::decode_buffer(buffer.take().unwrap(), &models);
        assert!(read.is_ok());
    });
    let model = (network.spec().len() * size_of::<f32>()) as u64;
    assert!(asked.bytes_total < model / 10, "{asked:?} of {model}");
}
