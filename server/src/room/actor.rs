//! The task that owns a room.

mod effects;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use constellation_core::config::{CheckedConfig, RunConfig};
use constellation_core::coordinator::{Answer, Coordinator, Event, Input, Profile};
use constellation_core::ids::DeviceId;
use constellation_core::recording::Recording;
use constellation_core::view::View;
use constellation_core::wire::{Farewell, Models};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};

use super::admissions::Admissions;
use super::record::Record;
use super::seats::Seats;
use super::{ConnectionId, Ending, Joined, Line, Request, RoomHandle};
use crate::config::{Limits, limits};
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::rooms::Lifetime;
use crate::server::stopped;
use crate::token::{RoomCode, Token, TokenHash};

/// What a room starts from.
pub(crate) struct Setup {
    pub(crate) code: RoomCode,
    pub(crate) desk: TokenHash,
    pub(crate) config: CheckedConfig,
    pub(crate) lifetime: Lifetime,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stopping: watch::Sender<bool>,
}

/// A room's state. Only its own task touches it.
#[derive(Debug)]
pub(crate) struct Actor {
    code: RoomCode,
    coordinator: Coordinator,
    seats: Seats,
    record: Record,
    recording: Recording,
    models: watch::Sender<Arc<Models>>,
    live: watch::Sender<Utf8Bytes>,
    metrics: Arc<Metrics>,
    limits: Limits,
    lifetime: Lifetime,
    created: Instant,
    last_used: Instant,
    idle_check: Instant,
    next_device: u32,
    /// Counts the views.
    seq: u32,
    /// Whether the live feed's view is out of date.
    dirty: bool,
    last_published: Option<Instant>,
}

impl Actor {
    /// A room, and the handle to it. Nothing happens before [`Actor::run`].
    pub(crate) fn new(setup: Setup) -> (Self, mpsc::Receiver<Request>, RoomHandle) {
        let Setup {
            code,
            desk,
            config,
            lifetime,
            limits,
            metrics,
            stopping,
        } = setup;
        let coordinator = Coordinator::new(config);
        let (inbox_sender, inbox) = mpsc::channel(limits::ROOM_QUEUE);
        let (models, models_receiver) = watch::channel(Arc::clone(coordinator.models()));
        let (live, _) = watch::channel(Utf8Bytes::default());
        let now = Instant::now();
        let admissions = Arc::new(Admissions::default());
        let actor = Self {
            code,
            coordinator,
            seats: Seats::new(Arc::clone(&admissions)),
            record: Record::new(limits.record),
            recording: Recording::new(limits.recording, 0),
            models,
            live,
            metrics,
            limits,
            lifetime,
            created: now,
            last_used: now,
            idle_check: now,
            next_device: 1,
            seq: 0,
            dirty: true,
            last_published: None,
        };
        let handle = RoomHandle {
            code,
            desk,
            admissions,
            inbox: inbox_sender,
            models: models_receiver,
            stopping,
        };
        (actor, inbox, handle)
    }

    /// Lives until the server stops or nobody has used the room for long.
    pub(crate) async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Request>,
        mut stop: watch::Receiver<bool>,
    ) {
        info!("room created");
        // A new coordinator has no way to say so itself.
        let (run, config) = (
            self.view().run,
            Box::new(RunConfig::clone(self.coordinator.config())),
        );
        self.note(&Event::RunConfigured { run, config });
        self.watch();
        loop {
            let deadline = self
                .coordinator
                .next_deadline()
                .map(|ms| self.created + Duration::from_millis(ms));
            let publish_due = self.publish_due();
            let idle_check =
                matches!(self.lifetime, Lifetime::WhileUsed).then_some(self.idle_check);
            tokio::select! {
                () = stopped(&mut stop) => {
                    self.seats.end_all(&Ending::Farewell(Farewell::ServerStops));
                    break;
                }
                request = inbox.recv() => match request {
                    Some(request) => {
                        self.last_used = Instant::now();
                        self.answer(request);
                    }
                    None => break,
                },
                () = at(deadline) => { self.drive(Input::Tick).ok(); }
                () = at(publish_due) => self.publish(),
                () = at(idle_check) => {
                    let now = Instant::now();
                    // Ten looks in the time that a room may stand idle.
                    self.idle_check = now + self.limits.idle_room / 10;
                    if self.seats.any_connected() || self.live.receiver_count() > 0 {
                        self.last_used = now;
                    } else if now.duration_since(self.last_used) >= self.limits.idle_room {
                        info!("room removed: nobody has used it for long");
                        break;
                    }
                }
            }
        }
    }

    fn answer(&mut self, request: Request) {
        // Whoever asked may have gone away meanwhile; then nobody needs the answer.
        match request {
            Request::Join {
                name,
                profile,
                reply,
            } => drop(reply.send(self.join(name, profile))),
            Request::Open {
                device,
                token,
                line,
                reply,
            } => drop(reply.send(self.open(device, token, line))),
            Request::Closed { device, connection } => {
                if self.seats.disconnect(device, connection) {
                    info!(device.id = device.0, "device disconnected");
                    self.drive(Input::Disconnected(device)).ok();
                }
            }
            Request::Ready { device, run } => {
                self.drive(Input::Ready { device, run }).ok();
            }
            Request::SendInFull { device, run } => {
                self.drive(Input::SendInFull { device, run }).ok();
            }
            Request::Leave { device } => {
                self.drive(Input::Left(device)).ok();
            }
            Request::Refused { device, code } => {
                debug!(device.id = device.0, code, "update refused");
                self.drive(Input::Refused { device, code }).ok();
            }
            Request::StrangerRefused { code } => {
                self.drive(Input::StrangerRefused { code }).ok();
            }
            Request::MessageRefused { device, code } => {
                debug!(device.id = device.0, code, "message refused");
                self.drive(Input::MessageRefused { device, code }).ok();
            }
            Request::Update {
                device,
                bytes,
                update,
                reply,
            } => {
                let round = update.round;
                let result = self.drive(Input::Update {
                    device,
                    bytes,
                    update,
                });
                match &result {
                    Ok(answer) => {
                        if matches!(answer, Answer::Accepted) {
                            self.seats.was_useful(device);
                        }
                        debug!(
                            device.id = device.0,
                            round = round.0,
                            bytes,
                            ?answer,
                            "update"
                        );
                    }
                    Err(rejection) => {
                        debug!(
                            device.id = device.0,
                            round = round.0,
                            code = rejection.code(),
                            "update refused"
                        );
                    }
                }
                drop(reply.send(result.map_err(ApiError::Room)));
            }
            Request::Desk { command, reply } => {
                let result = self
                    .drive(Input::Desk(command))
                    .map(|_| self.view())
                    .map_err(ApiError::Room);
                drop(reply.send(result));
            }
            Request::View { reply } => drop(reply.send(self.view())),
            Request::Watch { reply } => {
                if self.dirty {
                    self.publish();
                }
                drop(reply.send(self.live.subscribe()));
            }
            Request::Model {
                arm,
                coalition,
                reply,
            } => drop(reply.send(self.coordinator.model(&arm, coalition))),
            Request::Memberships { arm, after, reply } => {
                drop(reply.send(self.coordinator.memberships(&arm, after)));
            }
            Request::Distances { arm, reply } => {
                drop(reply.send(self.coordinator.distances(&arm)));
            }
            Request::Record { reply } => drop(reply.send(self.record.export())),
            Request::Recording { reply } => {
                let view = self.view();
                let distances = |arm: &str| self.coordinator.distances(arm);
                let text = self.recording.export(self.now_ms(), &view, distances);
                drop(reply.send(text));
            }
        }
    }

    fn join(&mut self, name: Option<String>, profile: Profile) -> Result<Joined, ApiError> {
        let device = DeviceId(self.next_device);
        let name = name.unwrap_or_else(|| format!("device {device}"));
        // The seat comes first, so that nothing the coordinator sends at once is lost.
        let token = Token::random();
        self.seats.add(device, token.hash(), Instant::now());
        match self.drive(Input::Joined {
            device,
            name,
            profile,
        }) {
            Ok(Answer::Joined(slot)) => {
                self.next_device += 1;
                info!(device.id = device.0, slot = slot.0, "device joined");
                Ok(Joined {
                    device,
                    token,
                    slot,
                    config: RunConfig::clone(self.coordinator.config()),
                })
            }
            Ok(other) => {
                warn!(
                    ?other,
                    "the coordinator answers joining with something else"
                );
                self.seats.remove(device);
                Err(ApiError::Internal)
            }
            Err(rejection) => {
                self.seats.remove(device);
                Err(rejection.into())
            }
        }
    }

    fn open(
        &mut self,
        device: DeviceId,
        token: TokenHash,
        line: Line,
    ) -> Result<ConnectionId, ApiError> {
        let (connection, before) = self.seats.connect(device, token, line)?;
        if let Some(before) = before {
            info!(
                device.id = device.0,
                "another socket of the same device takes over"
            );
            // A socket that is gone needs no ending.
            let _ = before.end.send(Ending::Farewell(Farewell::Replaced));
        } else {
            info!(device.id = device.0, "device connected");
        }
        self.drive(Input::Connected(device))?;
        Ok(connection)
    }

    fn view(&mut self) -> View {
        self.seq = self.seq.saturating_add(1);
        self.coordinator.view(&self.code.to_string(), self.seq)
    }

    /// Adds a frame to the recording if there is something new to see.
    fn watch(&mut self) {
        let moment = self.coordinator.moment();
        if self.recording.awaits(&moment) {
            let (now, view) = (self.now_ms(), self.view());
            let distances = |arm: &str| self.coordinator.distances(arm);
            self.recording.keep(now, moment, view, distances);
        }
    }

    /// Gives the boards the present view.
    fn publish(&mut self) {
        let view = serde_json::to_string(&self.view()).expect("views have string keys");
        self.live.send_replace(view.into());
        self.dirty = false;
        self.last_published = Some(Instant::now());
    }

    /// When the boards are due a view: never if nobody watches or nothing is new.
    fn publish_due(&self) -> Option<Instant> {
        (self.dirty && self.live.receiver_count() > 0).then(|| {
            self.last_published
                .map_or_else(Instant::now, |last| last + self.limits.publish_every)
        })
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
