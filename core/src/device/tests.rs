//! A device driven by hand, as its tab would, on a small data set.

mod drawing;
mod encodings;
mod mischief;
mod round;
mod run;
mod sketches;
mod table;

use super::*;
use crate::config::{ArmConfig, DataConfig, GroupKind, Groups, RunConfig, StrategyConfig};
use crate::golden::dataset;
use crate::ids::{CoalitionId, DeviceId, Slot};
use crate::model::ModelConfig;
use crate::wire::{ArmPlan, Models, PROTOCOL, Start, Task, Update};

const DATA: DatasetName = DatasetName::MnistSmall;

fn config() -> RunConfig {
    let arm = |strategy| ArmConfig {
        name: String::new(),
        strategy,
    };
    let config = RunConfig {
        rounds: 5,
        model: ModelConfig::Mlp { hidden: vec![8] },
        data: DataConfig {
            groups: Some(Groups::equal(2, GroupKind::Rotation)),
            examples: 60,
            held_out: 20,
            balanced_per_label: 4,
            ..DataConfig::default()
        },
        arms: vec![
            arm(StrategyConfig::LocalOnly {}),
            arm(StrategyConfig::FedAvg {}),
        ],
        ..RunConfig::default()
    };
    (*config.check().unwrap()).clone()
}

fn configured(run: u32, config: RunConfig) -> Configured {
    Configured {
        protocol: PROTOCOL,
        run: RunId(run),
        device: DeviceId(4),
        slot: Slot(1),
        config,
        mischief: false,
    }
}

/// A device and what its room knows of the run.
struct Tab {
    device: Device,
    config: RunConfig,
    network: Network,
}

impl Tab {
    fn new(config: RunConfig) -> Self {
        Self {
            device: Device::new(),
            network: Network::new(&config.model, config.data.shape()),
            config,
        }
    }

    /// Configured for run 1, with its data.
    fn ready(config: RunConfig) -> Self {
        let mut tab = Self::new(config);
        tab.configure(1);
        tab.data();
        tab
    }

    fn configure(&mut self, run: u32) -> Vec<Effect> {
        let configured = configured(run, self.config.clone());
        self.device
            .handle(Input::News(RoomNews::Configured(Box::new(configured))))
    }

    fn data(&mut self) -> Vec<Effect> {
        self.device.handle(Input::Data(DATA, Arc::new(dataset())))
    }

    fn models(&self) -> Models {
        Models {
            run: self.device.run().unwrap_or_default(),
            examples: 400,
            spec: Arc::clone(self.network.spec()),
            arms: vec!["local_only".to_owned(), "fed_avg".to_owned()],
            uploading: vec!["fed_avg".to_owned()],
            beside: Vec::new(),
            sketching: Vec::new(),
        }
    }

    /// A round that starts `fed_avg` from the initial model.
    fn round(&self, run: u32, round: u32) -> RoundOpened {
        let plan = |name: &str, start| ArmPlan {
            name: name.to_owned(),
            coalition: Some(CoalitionId(round)),
            task: Task::from(start),
        };
        let initial = Arc::new(self.network.initial(self.config.seed));
        let training = (round <= self.config.rounds).then(|| self.config.training.clone());
        let arms = vec![
            plan("local_only", Start::Own),
            plan("fed_avg", Start::Model(initial)),
        ];
        RoundOpened::new(RunId(run), Round(round), training, arms)
    }

    fn open(&mut self, run: u32, round: u32) -> Vec<Effect> {
        let frame = self.round(run, round).encode();
        self.device.handle(Input::Round(frame))
    }

    /// Works until there is nothing left to do.
    fn work(&mut self) -> (Round, Arc<[u8]>) {
        let mut effects = Vec::new();
        while self.device.has_work() {
            effects.extend(self.device.work());
        }
        posted(&effects)
    }

    /// The update of the round that the device works on.
    fn update(&mut self) -> Update {
        let (_, body) = self.work();
        self.decode(&body)
    }

    fn decode(&self, body: &[u8]) -> Update {
        Update::decode(body, &self.models()).unwrap()
    }
}

/// The post that is all that there is to do.
fn posted(effects: &[Effect]) -> (Round, Arc<[u8]>) {
    let [
        Effect::Post {
            round,
            body,
            after_ms: 0,
            ..
        },
    ] = effects
    else {
        panic!("one post is due, and nothing else: {effects:?}");
    };
    (*round, Arc::clone(body))
}
