//! The task that owns a room.

mod clock;
mod effects;

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use constellation_core::config::RunConfig;
use constellation_core::coordinator::{Answer, Coordinator, Effect, Event, Input, Profile};
use constellation_core::ids::DeviceId;
use constellation_core::journal;
use constellation_core::recording::Recording;
use constellation_core::view::View;
use constellation_core::wire::{Farewell, Models};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use super::admissions::Admissions;
use super::keeping::Keeping;
use super::record::Record;
use super::seats::Seats;
use super::{ConnectionId, Ending, Joined, Line, Reply, Request, RoomHandle};
use crate::config::{Limits, limits};
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::rooms::Lifetime;
use crate::server::stopped;
use crate::socket::Utf8Bytes;
use crate::store::{Store, StoreError, StoredRoom};
use crate::token::{RoomCode, Token, TokenHash};

use clock::Clock;

/// What a room starts from.
pub(crate) struct Setup {
    pub(crate) code: RoomCode,
    pub(crate) stored: StoredRoom,
    /// For this time; a first room that is not asked for is one like any other.
    pub(crate) lifetime: Lifetime,
    /// Where it is kept, if it is.
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stopping: watch::Sender<bool>,
}

/// How a room's task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nobody has used it for long: there is no such room any more.
    Over,
    /// The server stops.
    Stopped,
    /// What happens in it cannot be kept.
    Failed,
}

/// An answer that waits until it is safe to give it.
struct Waiting(Box<dyn FnOnce() + Send>);

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiting(…)")
    }
}

/// A room's state. Only its own task touches it.
#[derive(Debug)]
pub(crate) struct Actor {
    code: RoomCode,
    coordinator: Coordinator,
    keeping: Option<Keeping>,
    /// What the coordinator wants done once it is kept why.
    effects: Vec<Effect>,
    /// Answers that wait for the same.
    answers: Vec<Waiting>,
    seats: Seats,
    /// Until when devices that had a socket when the server ended are waited for.
    returning: Option<Instant>,
    record: Record,
    recording: Recording,
    models: watch::Sender<Arc<Models>>,
    live: watch::Sender<Utf8Bytes>,
    metrics: Arc<Metrics>,
    limits: Limits,
    lifetime: Lifetime,
    clock: Clock,
    last_used: Instant,
    idle_check: Instant,
    next_device: u32,
    /// Counts the views.
    seq: u32,
    /// Whether the live feed's view is out of date.
    dirty: bool,
    /// Whether a board has come that needs one at once.
    publish_now: bool,
    last_published: Option<Instant>,
    /// Tells the handle why there is nobody to ask any more.
    failed: Arc<AtomicBool>,
}

impl Actor {
    /// A room as it is kept, and the handle to it. Nothing happens before [`Actor::run`].
    ///
    /// # Errors
    /// What is kept of it cannot be read.
    pub(crate) fn new(
        setup: Setup,
    ) -> Result<(Self, mpsc::Receiver<Request>, RoomHandle), StoreError> {
        let Setup {
            code,
            stored,
            lifetime,
            store,
            limits,
            metrics,
            stopping,
        } = setup;
        let coordinator = Coordinator::from_roster(stored.roster.clone());
        let (inbox_sender, inbox) = mpsc::channel(limits::ROOM_QUEUE);
        let (models, models_receiver) = watch::channel(Arc::clone(coordinator.models()));
        let (live, _) = watch::channel(Utf8Bytes::default());
        let now = Instant::now();
        let admissions = Arc::new(Admissions::default());
        let failed = Arc::new(AtomicBool::new(false));
        let handle = RoomHandle {
            code,
            desks: stored.desks.clone(),
            admissions: Arc::clone(&admissions),
            inbox: inbox_sender,
            models: models_receiver,
            stopping,
            failed: Arc::clone(&failed),
        };
        let mut actor = Self {
            code,
            coordinator,
            keeping: None,
            effects: Vec::new(),
            answers: Vec::new(),
            seats: Seats::new(admissions),
            returning: None,
            record: Record::new(limits.record),
            recording: Recording::new(limits.recording, 0),
            models,
            live,
            metrics,
            limits,
            lifetime,
            clock: Clock::from(0),
            last_used: now,
            idle_check: now,
            next_device: stored.next_device,
            seq: 0,
            dirty: true,
            publish_now: false,
            last_published: None,
            failed,
        };
        // A new coordinator has no way to say so itself.
        let (run, config) = (
            actor.view().run,
            Box::new(RunConfig::clone(actor.coordinator.config())),
        );
        actor.note(&Event::RunConfigured { run, config });
        actor.watch();
        if let Some(store) = store {
            actor.recall(&*store)?;
            actor.keeping = Some(Keeping::new(store, code, stored));
        }
        Ok((actor, inbox, handle))
    }

    /// Does again what has happened in the room since its run began.
    fn recall(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let (code, began) = (self.code, Instant::now());
        let mut entries = 0_u64;
        store.journal(code, &mut |entry| {
            let (at_ms, input) = journal::decode(entry, self.coordinator.models())
                .map_err(|error| StoreError::Damaged(format!("room {code}: {error}")))?;
            self.clock = Clock::stopped(at_ms);
            if let Input::Joined { device, .. } = &input {
                self.next_device = self.next_device.max(device.0 + 1);
            }
            // A recording looked at the room when all that an input led to had been sent.
            if !matches!(input, Input::Sent { .. }) {
                self.watch();
            }
            // What it refused then it refuses now.
            self.give(at_ms, input).ok();
            for effect in std::mem::take(&mut self.effects) {
                if let Effect::Record(event) = effect {
                    self.note(&event);
                }
            }
            entries += 1;
            Ok(())
        })?;
        self.watch();
        for (device, token) in store.devices(code)? {
            self.seats.add(device, token, Instant::now());
        }
        self.clock = Clock::from(self.clock.now_ms());
        self.share_models();
        self.returning = Some(Instant::now() + self.limits.returning);
        if entries > 0 {
            let ms = began.elapsed().as_millis();
            info!(room.id = %code, entries, ms, "room found again");
        }
        Ok(())
    }

    /// Lives until the server stops or nobody has used the room for long.
    pub(crate) async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Request>,
        mut stop: watch::Receiver<bool>,
    ) -> End {
        let end = self.live_on(&mut inbox, &mut stop).await;
        if end == End::Stopped {
            self.seats.end_all(|device| {
                Ending::Farewell(Farewell::ServerStops {
                    retry_after_ms: limits::retry_after_ms(device),
                })
            });
        }
        end
    }

    async fn live_on(
        &mut self,
        inbox: &mut mpsc::Receiver<Request>,
        stop: &mut watch::Receiver<bool>,
    ) -> End {
        loop {
            let deadline = self.coordinator.next_deadline().map(|ms| self.clock.at(ms));
            let publish_due = self.publish_due();
            let idle_check =
                matches!(self.lifetime, Lifetime::WhileUsed).then_some(self.idle_check);
            tokio::select! {
                () = stopped(stop) => {
                    return self.commit().map_or_else(|why| self.fail(&why), |()| End::Stopped);
                }
                request = inbox.recv() => {
                    let Some(request) = request else {
                        return End::Stopped;
                    };
                    self.answer(request);
                    // What has come meanwhile is kept in one go.
                    for _ in 1..limits::ROOM_QUEUE {
                        let Ok(request) = inbox.try_recv() else {
                            break;
                        };
                        self.answer(request);
                    }
                }
                () = at(deadline) => { self.take(Input::Tick).ok(); }
                () = at(self.returning) => self.give_up_the_lost(),
                () = at(publish_due) => self.publish(),
                () = at(idle_check) => {
                    let now = Instant::now();
                    // Ten looks in the time that a room may stand idle.
                    self.idle_check = now + self.limits.idle_room / 10;
                    if self.seats.any_connected() || self.live.receiver_count() > 0 {
                        self.last_used = now;
                    } else if now.duration_since(self.last_used) >= self.limits.idle_room {
                        info!("room removed: nobody has used it for long");
                        let forgotten = self.keeping.as_ref().map_or(Ok(()), Keeping::forget);
                        return forgotten.map_or_else(|why| self.fail(&why), |()| End::Over);
                    }
                }
            }
            if let Err(why) = self.settle() {
                return self.fail(&why);
            }
        }
    }

    /// Takes nothing more: what cannot be kept must not be acknowledged.
    fn fail(&mut self, why: &StoreError) -> End {
        error!(%why, "the room's data cannot be kept: it takes nothing more until the server is started again");
        self.failed.store(true, Ordering::Relaxed);
        self.seats
            .end_all(|_| Ending::Failure(ApiError::StoreFailed));
        End::Failed
    }

    /// Devices that were here when the server ended and have not come back are waited for no longer.
    fn give_up_the_lost(&mut self) {
        self.returning = None;
        let lost: Vec<DeviceId> = self
            .coordinator
            .with_sockets()
            .filter(|device| !self.seats.is_connected(*device))
            .collect();
        for device in lost {
            info!(device.id = device.0, "device has not come back");
            self.take(Input::Disconnected(device)).ok();
        }
    }

    /// Has an answer wait until what it says is safe.
    fn reply<T: Send + 'static>(&mut self, reply: Reply<T>, answer: T) {
        // Whoever asked may have gone away meanwhile; then nobody needs the answer.
        self.answers
            .push(Waiting(Box::new(move || drop(reply.send(answer)))));
    }

    fn answer(&mut self, request: Request) {
        if !matches!(request, Request::DeviceStates { .. }) {
            self.last_used = Instant::now();
        }
        match request {
            Request::DeviceStates { reply } => {
                let states = self.coordinator.device_states().collect();
                self.reply(reply, states);
            }
            Request::Join {
                name,
                profile,
                reply,
            } => {
                let joined = self.join(name, profile);
                self.reply(reply, joined);
            }
            Request::Open {
                device,
                token,
                line,
                reply,
            } => {
                let opened = self.open(device, token, line);
                self.reply(reply, opened);
            }
            Request::Closed { device, connection } => {
                if self.seats.disconnect(device, connection) {
                    info!(device.id = device.0, "device disconnected");
                    self.take(Input::Disconnected(device)).ok();
                }
            }
            Request::Ready { device, run } => {
                self.take(Input::Ready { device, run }).ok();
            }
            Request::SendInFull { device, run } => {
                self.take(Input::SendInFull { device, run }).ok();
            }
            Request::Leave { device } => {
                self.take(Input::Left(device)).ok();
            }
            Request::Refused { device, code } => {
                debug!(device.id = device.0, code, "update refused");
                self.take(Input::Refused {
                    device,
                    code: code.into(),
                })
                .ok();
            }
            Request::StrangerRefused { code } => {
                self.take(Input::StrangerRefused { code: code.into() }).ok();
            }
            Request::MessageRefused { device, code } => {
                debug!(device.id = device.0, code, "message refused");
                self.take(Input::MessageRefused {
                    device,
                    code: code.into(),
                })
                .ok();
            }
            Request::Update {
                device,
                bytes,
                update,
                reply,
            } => {
                let round = update.round;
                let result = self.take(Input::Update {
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
                self.reply(reply, result.map_err(ApiError::Room));
            }
            Request::Desk { command, reply } => {
                let result = self
                    .take(Input::Desk(command))
                    .map(|_| self.view())
                    .map_err(ApiError::Room);
                self.reply(reply, result);
            }
            Request::View { reply } => {
                let view = self.view();
                self.reply(reply, view);
            }
            Request::Watch { reply } => {
                self.publish_now = true;
                let live = self.live.subscribe();
                self.reply(reply, live);
            }
            Request::Model {
                arm,
                coalition,
                reply,
            } => {
                let model = self.coordinator.model(&arm, coalition);
                self.reply(reply, model);
            }
            Request::Memberships { arm, after, reply } => {
                let memberships = self.coordinator.memberships(&arm, after);
                self.reply(reply, memberships);
            }
            Request::Distances { arm, reply } => {
                let distances = self.coordinator.distances(&arm);
                self.reply(reply, distances);
            }
            Request::Record { reply } => {
                let record = self.record.export();
                self.reply(reply, record);
            }
            Request::Recording { reply } => {
                let view = self.view();
                let distances = |arm: &str| self.coordinator.distances(arm);
                let text = self.recording.export(self.clock.now_ms(), &view, distances);
                self.reply(reply, text);
            }
        }
    }

    fn join(&mut self, name: Option<String>, profile: Profile) -> Result<Joined, ApiError> {
        let device = DeviceId(self.next_device);
        let name = name.unwrap_or_else(|| format!("device {device}"));
        // The seat comes first, so that nothing the coordinator sends at once is lost.
        let token = Token::random();
        self.seats.add(device, token.hash(), Instant::now());
        match self.take(Input::Joined {
            device,
            name,
            profile,
        }) {
            Ok(Answer::Joined(slot)) => {
                self.next_device += 1;
                if let Some(keeping) = &mut self.keeping {
                    keeping.joined(device, token.hash());
                }
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
        self.take(Input::Connected(device))?;
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
            let (now, view) = (self.clock.now_ms(), self.view());
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
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
