//! A device's life in a room: joins, connects, trains, posts, comes back when the connection is lost.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use constellation_core::attack::Mischief;
use constellation_core::data::{DatasetName, TableError};
use constellation_core::device::{Device, DrawingError, Effect, Input, Part, PostAnswer, Refusal};
use constellation_core::ids::Round;
use constellation_core::view::{Activity, DeviceEvent, Guess, Identity, SentFile};
use constellation_core::wire::{DeviceNews, Farewell, RoomNews};
use js_sys::{Function, JSON};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::http::{Failure, Server};
use crate::socket::{Socket, SocketEvent};
use crate::worker::{Interval, Pump, now_ms, sleep};

/// Training goes on for so long before messages get their turn.
const SLICE_MS: f64 = 20.0;
/// Least time between two views for the page, unless the device does something else.
const VIEW_MS: f64 = 100.0;
/// "I am alive"; the server gives a device up after a few times that.
const HEARTBEAT_MS: i32 = 4_000;
/// First wait before another try; doubled every time, up to the longest.
const FIRST_WAIT_MS: i32 = 500;
/// Longest wait before another try.
const LONGEST_WAIT_MS: i32 = 8_000;
/// Close codes of a server that does not know the device: 4000 and the HTTP status.
const UNKNOWN: [u16; 2] = [4_401, 4_404];

/// A device in a room.
#[derive(Debug)]
pub(crate) struct Session {
    on_event: Function,
    server: Server,
    name: String,
    identity: RefCell<Option<Identity>>,
    device: RefCell<Device>,
    socket: RefCell<Option<Socket>>,
    pump: RefCell<Option<Rc<Pump>>>,
    heartbeat: RefCell<Option<Interval>>,
    /// Counts connections, so that what was begun for an earlier one ends.
    connection: Cell<u32>,
    /// Tries in a row that gave nothing.
    failures: Cell<u32>,
    /// Milliseconds that a server which stops has asked for, before the next try.
    told_to_wait: Cell<Option<i32>>,
    /// The device has left; nothing happens any more.
    over: Cell<bool>,
    shown: Cell<Shown>,
}

/// What the page was told last, and when.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    at_ms: f64,
    activity: Activity,
    mischief_allowed: bool,
}

impl Session {
    pub(crate) fn start(
        on_event: Function,
        origin: String,
        room: String,
        name: String,
        identity: Option<Identity>,
    ) -> Result<Rc<Self>, JsValue> {
        let session = Rc::new(Self {
            on_event,
            server: Server { origin, room },
            name,
            identity: RefCell::new(identity),
            device: RefCell::new(Device::guessing()),
            socket: RefCell::new(None),
            pump: RefCell::new(None),
            heartbeat: RefCell::new(None),
            connection: Cell::new(0),
            failures: Cell::new(0),
            told_to_wait: Cell::new(None),
            over: Cell::new(false),
            shown: Cell::new(Shown::default()),
        });
        // Weak: timers must not keep a session alive that the page has dropped.
        let weak = Rc::downgrade(&session);
        let pump = Pump::new(move || {
            if let Some(session) = weak.upgrade() {
                session.work();
            }
        })?;
        let weak = Rc::downgrade(&session);
        let heartbeat = Interval::new(HEARTBEAT_MS, move || {
            if let Some(session) = weak.upgrade() {
                session.say(&DeviceNews::Heartbeat);
            }
        })?;
        session.pump.replace(Some(pump));
        session.heartbeat.replace(Some(heartbeat));
        spawn_local(Rc::clone(&session).connect());
        Ok(session)
    }

    /// Leaves for good. Over a lost connection the room finds out by the silence.
    pub(crate) fn leave(self: &Rc<Self>) {
        self.say(&DeviceNews::Leave);
        if self.failures.get() > 0 || self.identity.borrow().is_none() {
            self.end("left", "This device has left the room.");
        }
    }

    /// What the device's models take an image for; nothing if it is no image for them.
    pub(crate) fn guess(&self, image: &[f32]) -> Option<Guess> {
        self.device.borrow().guess(image).ok()
    }

    /// Teaches the device an image and tells the page what it has now; else says why not.
    pub(crate) fn teach(&self, image: &[f32], label: u8) -> Result<(), DrawingError> {
        self.device.borrow_mut().teach(image, label)?;
        self.tell_view(now_ms());
        Ok(())
    }

    /// Gives the device the table that it asked for; else says why it does not fit.
    pub(crate) fn read_table(self: &Rc<Self>, file: &[u8]) -> Result<(), TableError> {
        let effects = self.device.borrow_mut().read_table(file)?;
        self.obey(effects);
        self.tell_view(now_ms());
        self.go_on();
        Ok(())
    }

    /// Makes the device difficult, or honest again, and tells the page how it is now.
    pub(crate) fn misbehave(&self, mischief: Option<Mischief>) {
        self.device.borrow_mut().misbehave(mischief);
        self.tell_view(now_ms());
    }

    /// Joins if need be, and opens the socket; tries again until that works or the server says no.
    async fn connect(self: Rc<Self>) {
        while !self.over.get() {
            match self.try_connect().await {
                Ok(()) => return,
                Err(Failure::Refused {
                    // No such room or device, no place left, or the room is locked.
                    status: 404 | 409 | 423,
                    refusal,
                }) => {
                    return self.end(&refusal.code, &refusal.detail);
                }
                Err(Failure::Refused { refusal, .. }) => self.tell_refusal(refusal),
                Err(Failure::Unreachable) => {}
            }
            self.wait().await;
        }
    }

    async fn try_connect(self: &Rc<Self>) -> Result<(), Failure> {
        let known = self.identity.borrow().clone();
        let identity = match known {
            Some(identity) => identity,
            None => {
                let identity = self.server.join(&self.name).await?;
                self.identity.replace(Some(identity.clone()));
                self.tell(&DeviceEvent::Joined {
                    identity: identity.clone(),
                });
                identity
            }
        };
        if self.failures.get() > 0 {
            // A socket that cannot be opened does not say why; this does.
            self.server.look().await?;
        }
        let weak = Rc::downgrade(self);
        let socket = Socket::open(&self.server.socket_address(identity.device), move |event| {
            if let Some(session) = weak.upgrade() {
                session.socket_event(event);
            }
        });
        let socket = socket.map_err(|_| Failure::Unreachable)?;
        if !self.over.get() {
            self.connection.set(self.connection.get() + 1);
            self.socket.replace(Some(socket));
        }
        Ok(())
    }

    /// Waits, as the server has said or longer every time, and says so.
    async fn wait(&self) {
        let failures = self.failures.get();
        self.failures.set(failures + 1);
        let longer_every_time = FIRST_WAIT_MS
            .saturating_mul(1 << failures.min(8))
            .min(LONGEST_WAIT_MS);
        let ms = self.told_to_wait.take().unwrap_or(longer_every_time);
        let detail = format!(
            "No connection to the server; trying again in {} s.",
            (ms + 999) / 1_000
        );
        self.tell(&DeviceEvent::Connection {
            online: false,
            detail,
        });
        sleep(ms).await;
    }

    fn socket_event(self: &Rc<Self>, event: SocketEvent) {
        match event {
            SocketEvent::Opened => {
                if let Some(Identity { token, .. }) = self.identity.borrow().clone() {
                    self.say(&DeviceNews::Hello { token });
                }
            }
            SocketEvent::Text(text) => match RoomNews::from_json(&text) {
                Ok(news) => {
                    if matches!(news, RoomNews::Configured(_)) {
                        self.failures.set(0);
                        let detail = "Connected.".to_owned();
                        self.tell(&DeviceEvent::Connection {
                            online: true,
                            detail,
                        });
                    }
                    self.handle(Input::News(news));
                }
                Err(error) => self.tell_refusal(Refusal {
                    code: "unreadable_message".to_owned(),
                    detail: format!(
                        "The server sent a message that this page does not know: {error}"
                    ),
                }),
            },
            SocketEvent::Binary(frame) => self.handle(Input::Round(frame)),
            SocketEvent::Closed { code } => self.lost(code),
        }
    }

    /// The socket is closed, and not by us.
    fn lost(self: &Rc<Self>, code: u16) {
        self.socket.replace(None);
        self.connection.set(self.connection.get() + 1);
        if self.over.get() {
            return;
        }
        self.handle(Input::Disconnected);
        if UNKNOWN.contains(&code) {
            // Removed while it was away. The page can join as a new device if its user wants to.
            return self.end(
                "removed",
                "This device is no longer in the room: the desk has removed it.",
            );
        }
        let session = Rc::clone(self);
        spawn_local(async move {
            session.wait().await;
            session.connect().await;
        });
    }

    fn handle(self: &Rc<Self>, input: Input) {
        let effects = self.device.borrow_mut().handle(input);
        self.obey(effects);
        self.show();
        self.go_on();
    }

    /// Trains for a slice of time.
    fn work(self: &Rc<Self>) {
        let until = now_ms() + SLICE_MS;
        while !self.over.get() && self.device.borrow().has_work() {
            let effects = self.device.borrow_mut().work();
            self.obey(effects);
            if now_ms() >= until {
                break;
            }
        }
        self.show();
        self.go_on();
    }

    /// Asks for another slice if there is work.
    fn go_on(&self) {
        if self.device.borrow().has_work()
            && let Some(pump) = &*self.pump.borrow()
        {
            pump.turn();
        }
    }

    fn obey(self: &Rc<Self>, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::LoadData(name) => spawn_local(Rc::clone(self).load(name)),
                Effect::Post {
                    round,
                    part,
                    body,
                    after_ms,
                } => spawn_local(Rc::clone(self).post(round, part, body, after_ms)),
                Effect::AskForTable(table) => self.tell(&DeviceEvent::TableWanted { table }),
                Effect::Ready(run) => self.say(&DeviceNews::Ready { run }),
                Effect::SendInFull(run) => self.say(&DeviceNews::SendInFull { run }),
                Effect::Show(samples) => self.tell(&DeviceEvent::Samples { samples }),
                Effect::Refused(refusal) => self.tell_refusal(refusal),
                Effect::Left(Farewell::Removed) => {
                    self.end("removed", "The desk has removed this device from the room.");
                }
                Effect::Left(Farewell::Left) => self.end("left", "This device has left the room."),
                Effect::Left(Farewell::Replaced) => {
                    self.end("replaced", "This device goes on in another tab.");
                }
                // The room may be back soon, and the device with it.
                Effect::Left(Farewell::ServerStops { retry_after_ms }) => {
                    let ms = i32::try_from(retry_after_ms).unwrap_or(LONGEST_WAIT_MS);
                    self.told_to_wait.set(Some(ms.min(LONGEST_WAIT_MS)));
                }
            }
        }
    }

    async fn load(self: Rc<Self>, name: DatasetName) {
        while !self.over.get() {
            match self.server.load(name).await {
                Ok(dataset) => return self.handle(Input::Data(name, Arc::new(dataset))),
                Err(Failure::Refused { refusal, .. }) => self.tell_refusal(refusal),
                Err(Failure::Unreachable) => {}
            }
            sleep(FIRST_WAIT_MS).await;
        }
    }

    /// Posts an update, after a while, until the room has said something about it, or the connection it was asked over
    /// is gone.
    async fn post(self: Rc<Self>, round: Round, part: Part, body: Arc<[u8]>, after_ms: u32) {
        let asked_over = self.connection.get();
        if after_ms > 0 {
            sleep(i32::try_from(after_ms).unwrap_or(i32::MAX)).await;
        }
        if let Some(file) = SentFile::of(round, &body) {
            self.tell(&DeviceEvent::Sent { file });
        }
        while self.connection.get() == asked_over {
            let Some(Identity { token, .. }) = self.identity.borrow().clone() else {
                return;
            };
            match self.server.post_update(&token, round, &body).await {
                Ok(()) => return self.handle(Input::Answer(PostAnswer::Accepted(round, part))),
                // Too many requests, or a server that is about to stop: worth another try.
                Err(
                    Failure::Refused {
                        status: 429 | 503, ..
                    }
                    | Failure::Unreachable,
                ) => sleep(FIRST_WAIT_MS).await,
                Err(Failure::Refused { refusal, .. }) => {
                    return self.handle(Input::Answer(PostAnswer::Refused(refusal)));
                }
            }
        }
    }

    fn say(&self, news: &DeviceNews) {
        if let Some(socket) = &*self.socket.borrow() {
            socket.send(&news.to_json());
        }
    }

    fn end(&self, code: &str, reason: &str) {
        if !self.over.replace(true) {
            self.socket.replace(None);
            self.heartbeat.replace(None);
            self.connection.set(self.connection.get() + 1);
            self.tell(&DeviceEvent::Left {
                code: code.to_owned(),
                reason: reason.to_owned(),
            });
        }
    }

    /// Tells the page what the device is doing, if it is something else or some time has passed, or what the desk allows it
    /// has changed, after which nothing else may happen for long.
    fn show(&self) {
        let (now, shown) = (now_ms(), self.shown.get());
        let is_new = {
            let device = self.device.borrow();
            let view = device.view();
            view.activity != shown.activity || view.mischief_allowed != shown.mischief_allowed
        };
        if is_new || now - shown.at_ms >= VIEW_MS {
            self.tell_view(now);
        }
    }

    fn tell_view(&self, now: f64) {
        let view = self.device.borrow().view().clone();
        self.shown.set(Shown {
            at_ms: now,
            activity: view.activity,
            mischief_allowed: view.mischief_allowed,
        });
        self.tell(&DeviceEvent::View {
            view: Box::new(view),
        });
    }

    fn tell_refusal(&self, Refusal { code, detail }: Refusal) {
        self.tell(&DeviceEvent::Refused { code, detail });
    }

    fn tell(&self, event: &DeviceEvent) {
        // The text is JSON.
        if let Ok(event) = JSON::parse(&event.to_json()) {
            // What the page's code throws is reported by the browser; the device goes on.
            let _ = self.on_event.call1(&JsValue::NULL, &event);
        }
    }
}
