//! A whole run in virtual time: one coordinator, its devices, nothing between them but function calls and the codecs
//! of the wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use constellation_core::config::CheckedConfig;
use constellation_core::coordinator::{Coordinator, Effect, Event, Input, Message};
use constellation_core::data::Dataset;
use constellation_core::device::{self, Device};
use constellation_core::ids::DeviceId;
use constellation_core::view::{Phase, View};
use constellation_core::wire::{RoomNews, Update};

/// Runs a configuration with so many devices, none of which is ever late or lost, and gives the view of every closed
/// round to `watch`. The configuration must start by itself; the result is the view of the finished run.
pub fn simulate(
    config: &CheckedConfig,
    devices: u32,
    dataset: &Arc<Dataset>,
    watch: impl FnMut(&View),
) -> View {
    let mut room = Room {
        coordinator: Coordinator::new(config.clone()),
        devices: BTreeMap::new(),
        dataset: Arc::clone(dataset),
        now_ms: 0,
        watch,
    };
    for id in (1..=devices).map(DeviceId) {
        room.devices.insert(id, Device::new());
        room.input(Input::Joined {
            device: id,
            name: String::new(),
            capability: 0.0,
        });
        room.input(Input::Connected(id));
    }
    loop {
        room.train();
        let view = room.coordinator.view("", 0);
        if view.phase == Phase::Finished {
            return view;
        }
        // Nothing to train: the next thing that happens is a deadline.
        let Some(deadline) = room.coordinator.next_deadline() else {
            return view;
        };
        room.now_ms = room.now_ms.max(deadline);
        room.input(Input::Tick);
    }
}

struct Room<W> {
    coordinator: Coordinator,
    devices: BTreeMap<DeviceId, Device>,
    dataset: Arc<Dataset>,
    now_ms: u64,
    watch: W,
}

impl<W: FnMut(&View)> Room<W> {
    /// Lets devices work, in device order, until none has any left: the last update of a round may open the next.
    fn train(&mut self) {
        while let Some(id) = self
            .devices
            .iter()
            .find(|(_, device)| device.has_work())
            .map(|(id, _)| *id)
        {
            while let Some(device) = self.devices.get_mut(&id).filter(|device| device.has_work()) {
                let effects = device.work();
                self.obey(id, effects);
            }
        }
    }

    fn input(&mut self, input: Input) {
        let outcome = self.coordinator.handle(self.now_ms, input);
        for effect in outcome.effects {
            match effect {
                Effect::Send { device, message } => self.deliver(device, message),
                Effect::Record(Event::RoundClosed { .. }) => {
                    (self.watch)(&self.coordinator.view("", 0))
                }
                Effect::Record(_) | Effect::Publish => {}
            }
        }
    }

    fn deliver(&mut self, id: DeviceId, message: Message) {
        let Some(device) = self.devices.get_mut(&id) else {
            return;
        };
        let effects = match message {
            Message::Configured(configured) => {
                device.handle(device::Input::News(RoomNews::Configured(configured)))
            }
            Message::RunFinished => device.handle(device::Input::News(RoomNews::RunFinished)),
            Message::Farewell(farewell) => {
                device.handle(device::Input::News(RoomNews::Farewell(farewell)))
            }
            Message::RoundOpened(round) => {
                let frame = round.encode();
                self.coordinator.handle(
                    self.now_ms,
                    Input::Sent {
                        device: id,
                        bytes: frame.len() as u64,
                    },
                );
                device.handle(device::Input::Round(frame))
            }
        };
        self.obey(id, effects);
    }

    fn obey(&mut self, id: DeviceId, effects: Vec<device::Effect>) {
        for effect in effects {
            match effect {
                device::Effect::LoadData(name) => {
                    let dataset = Arc::clone(&self.dataset);
                    if let Some(device) = self.devices.get_mut(&id) {
                        let more = device.handle(device::Input::Data(name, dataset));
                        self.obey(id, more);
                    }
                }
                device::Effect::Post { body, .. } => {
                    // A run in virtual time has no bad updates but diverged ones, which the room would refuse too.
                    match Update::decode(&body, self.coordinator.models()) {
                        Ok(update) => {
                            let bytes = body.len() as u64;
                            self.input(Input::Update {
                                device: id,
                                bytes,
                                update: Box::new(update),
                            });
                        }
                        Err(error) => {
                            let code = constellation_core::rejection::Rejection::from(error).code();
                            self.input(Input::Refused { device: id, code });
                        }
                    }
                }
                device::Effect::Show(_) | device::Effect::Refused(_) | device::Effect::Left(_) => {}
            }
        }
    }
}
