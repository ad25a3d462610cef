//! Training that must give the same bits everywhere: a fixed device trains a fixed round, and the hash of its update's
//! weights is compared with a constant.
//!
//! The constants were computed once, natively on x86-64. `client-wasm` computes the same in a browser, where every
//! difference in arithmetic (another `exp`, a fused multiply-add, sums in another order) shows as another hash.
//! A change that is meant to change the numbers changes the constants too, and says so.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::config::{DataConfig, Partition, RunConfig, TrainingConfig};
use crate::data::{Dataset, DatasetName, FILES};
use crate::device::{Device, Effect, Input};
use crate::ids::{DeviceId, Round, RunId, Slot};
use crate::model::{ModelConfig, Network};
use crate::wire::{ArmPlan, Configured, Models, PROTOCOL, RoomNews, RoundOpened, Start, Update};

/// What [`mlp`] must give.
pub const MLP: &str = "e33acdbe7548403b7f50f1db9624253669bde120408962e39b2193167e919289";
/// What [`cnn`] must give.
pub const CNN: &str = "0f136ba320b4fcc73807b6f8bb818c587a6f7bdc537a8eb5bcfc4a5d99b8181b";

/// SHA-256, in hexadecimal digits, of what a device trains with the model 784-64-10, momentum and weight decay.
#[must_use]
pub fn mlp() -> String {
    let training = TrainingConfig {
        momentum: 0.5,
        weight_decay: 0.001,
        ..training()
    };
    train(ModelConfig::Mlp { hidden: vec![64] }, training)
}

/// SHA-256, in hexadecimal digits, of what a device trains with the convolutional model.
#[must_use]
pub fn cnn() -> String {
    train(ModelConfig::Cnn {}, training())
}

fn training() -> TrainingConfig {
    TrainingConfig {
        epochs: 2,
        batch: 16,
        learning_rate: 0.1,
        ..TrainingConfig::default()
    }
}

/// A data set of 160 training and 40 test images: stripes by label, under noise.
#[must_use]
pub fn dataset() -> Dataset {
    let files =
        [(160, 3), (160, 1), (40, 3), (40, 1)].map(|(count, dimensions)| idx(count, dimensions));
    let [train_images, train_labels, test_images, test_labels] = &files;
    debug_assert_eq!(files.len(), FILES.len());
    Dataset::read(
        DatasetName::MnistSmall,
        [train_images, train_labels, test_images, test_labels],
    )
    .expect("files written below as the format asks for")
}

/// An IDX file of `count` images (3 dimensions) or labels (1 dimension).
fn idx(count: u32, dimensions: u8) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions];
    bytes.extend(count.to_be_bytes());
    if dimensions == 1 {
        bytes.extend((0..count).map(|i| (i % 10) as u8));
        return bytes;
    }
    bytes.extend([28_u32, 28].iter().flat_map(|side| side.to_be_bytes()));
    for image in 0..count {
        for pixel in 0..784_u32 {
            // Knuth's multiplicative hash, of which the upper bits are as good as random.
            let noise = ((image * 784 + pixel).wrapping_mul(2_654_435_761) >> 26) as u8;
            let stripe = (pixel / 28 + pixel % 28) % 10 == image % 10;
            bytes.push(if stripe { 190 + noise } else { noise });
        }
    }
    bytes
}

/// The second slot's data, so that rotation and an uneven mix of labels take part.
fn train(model: ModelConfig, training: TrainingConfig) -> String {
    let config = RunConfig {
        model,
        training,
        data: DataConfig {
            partition: Partition::Dirichlet { alpha: 0.5 },
            examples: 60,
            held_out: 20,
            balanced_per_label: 4,
            ..DataConfig::default()
        },
        ..RunConfig::default()
    }
    .check()
    .expect("all values are within their limits");
    let network = Network::new(&config.model, config.data.shape());
    let arm = "fed_avg".to_owned();
    let plan = ArmPlan {
        name: arm.clone(),
        coalition: None,
        task: Start::Model(Arc::new(network.initial(config.seed))).into(),
    };
    let training = Some(config.training.clone());
    let opened = RoundOpened::new(RunId(1), Round(1), training, vec![plan]);
    let models = Models {
        run: RunId(1),
        examples: config.data.examples,
        spec: Arc::clone(network.spec()),
        arms: vec![arm.clone()],
        uploading: vec![arm.clone()],
        beside: Vec::new(),
        sketching: Vec::new(),
    };
    let mut device = Device::new();
    device.handle(Input::News(RoomNews::Configured(Box::new(Configured {
        protocol: PROTOCOL,
        run: opened.run,
        device: DeviceId(2),
        slot: Slot(1),
        config: (*config).clone(),
        mischief: false,
    }))));
    device.handle(Input::Data(config.data.dataset, Arc::new(dataset())));
    device.handle(Input::Round(opened.encode()));
    let mut hash = Sha256::new();
    while device.has_work() {
        for effect in device.work() {
            if let Effect::Post { body, .. } = effect {
                let update =
                    Update::decode(&body, &models).expect("training at this rate stays finite");
                for value in update.weights[&arm].values() {
                    hash.update(value.to_le_bytes());
                }
            }
        }
    }
    let halves = hash
        .finalize()
        .into_iter()
        .flat_map(|byte| [byte >> 4, byte & 15]);
    halves
        .filter_map(|half| char::from_digit(half.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_gives_the_golden_bits() {
        assert_eq!(mlp(), MLP, "the model 784-64-10");
        assert_eq!(cnn(), CNN, "the convolutional model");
    }
}
