//! A device of Constellation in a browser's worker.
//!
//! JavaScript sees one class, [`DeviceClient`], and one callback that gets
//! [`DeviceEvent`](constellation_core::view::DeviceEvent)s. The socket, training and weights stay in here.
//! Everything runs on the worker's one thread: a slice of training, then whatever the browser has waiting, and so on.

mod http;
mod session;
mod socket;
mod worker;

use std::rc::Rc;

use constellation_core::attack::Mischief;
use constellation_core::json::{self, JsonError, Read};
use constellation_core::view::Identity;
use js_sys::{Function, JSON};
use wasm_bindgen::prelude::*;

use session::Session;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"import type { DeviceEvent, Guess, Identity, Mischief, TableError } from "../src/types.gen";"#;

/// One device. Made in a worker, joins one room, and is of no use after it has left.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DeviceClient {
    on_event: Function,
    session: Option<Rc<Session>>,
}

#[wasm_bindgen]
impl DeviceClient {
    /// A device that tells `on_event` what happens to it.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "(event: DeviceEvent) => void")] on_event: Function,
    ) -> Self {
        Self {
            on_event,
            session: None,
        }
    }

    /// Joins a room of the server at `origin`, as who it was before if `identity` says so. Everything else comes as
    /// events. Does nothing the second time.
    ///
    /// # Errors
    /// `identity` is not what a "joined" event gave, or this is not a worker.
    pub fn join(
        &mut self,
        origin: String,
        room: String,
        name: String,
        #[wasm_bindgen(unchecked_param_type = "Identity | undefined")] identity: JsValue,
    ) -> Result<(), JsValue> {
        if self.session.is_none() {
            let identity: Option<Identity> = read(&identity)?;
            self.session = Some(Session::start(
                self.on_event.clone(),
                origin,
                room,
                name,
                identity,
            )?);
        }
        Ok(())
    }

    /// What the device's models take an image for: pixels from 0 to 1, row by row, upright. Nothing while it has no
    /// examples, or if it is no such image.
    #[wasm_bindgen(unchecked_return_type = "Guess | undefined")]
    pub fn guess(&self, pixels: &[f32]) -> JsValue {
        let guess = self.session.as_ref().and_then(|s| s.guess(pixels));
        guess
            .and_then(|guess| JSON::parse(&guess.to_json()).ok())
            .unwrap_or_default()
    }

    /// Makes an image, as `guess` takes it, a training example from the next round on; a "view" event counts it.
    /// Otherwise says in a sentence why not.
    pub fn teach(&self, pixels: &[f32], label: u8) -> Option<String> {
        let session = self.session.as_ref()?;
        let refusal = session.teach(pixels, label).err()?;
        Some(refusal.to_string())
    }

    /// Gives the device the file that the event "table_wanted" asked for; a "view" event counts its rows. Otherwise says
    /// where it does not fit.
    #[wasm_bindgen(unchecked_return_type = "TableError | undefined")]
    pub fn table(&self, file: &[u8]) -> JsValue {
        let session = self.session.as_ref();
        let refusal = session.and_then(|session| session.read_table(file).err());
        refusal
            .and_then(|refusal| JSON::parse(&refusal.to_json()).ok())
            .unwrap_or_default()
    }

    /// Makes the device difficult from the next round on, or honest again; a "view" event says how it is. Nothing comes
    /// of it where the desk does not allow it.
    ///
    /// # Errors
    /// `mischief` is none that there is.
    pub fn misbehave(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Mischief | null")] mischief: JsValue,
    ) -> Result<(), JsValue> {
        let mischief: Option<Mischief> = read(&mischief)?;
        if let Some(session) = &self.session {
            session.misbehave(mischief);
        }
        Ok(())
    }

    /// Leaves the room for good; the event "left" says when that is done.
    pub fn leave(&self) {
        if let Some(session) = &self.session {
            session.leave();
        }
    }
}

/// Reads what the page hands over, as the room's messages are read; nothing if it is `null` or `undefined`.
fn read<T: Read>(value: &JsValue) -> Result<Option<T>, JsValue> {
    // Of `undefined` there is no text.
    let Some(text) = JSON::stringify(value)?.as_string() else {
        return Ok(None);
    };
    let read = json::parse(&text).and_then(|value| Read::read(&value).ok_or(JsonError::Misfit));
    read.map_err(|error| JsError::new(&error.to_string()).into())
}
