//! Requests to the server: joining, posting updates, loading data sets.

use constellation_core::data::{Dataset, DatasetName, FILES};
use constellation_core::device::Refusal;
use constellation_core::encoding::Kind;
use constellation_core::ids::{DeviceId, Round};
use constellation_core::json::{self, Read, Value, Write, object};
use constellation_core::view::Identity;
use js_sys::{ArrayBuffer, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Request, RequestInit, Response};

use crate::worker::scope;

/// Why a request gave nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server could not be reached, or broke off. Worth another try.
    Unreachable,
    /// The server is there and says no.
    Refused {
        /// HTTP status.
        status: u16,
        /// Code and sentence.
        refusal: Refusal,
    },
}

/// The server and the room that requests go to.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) origin: String,
    pub(crate) room: String,
}

/// What a device says of itself when it joins.
struct Profile;

impl Write for Profile {
    fn write(&self, out: &mut String) {
        object(out, &[("encodings", &Kind::ALL.as_slice())]);
    }
}

/// Who the room says that a device is.
struct Joined(Identity);

impl Read for Joined {
    fn read(answer: &Value) -> Option<Self> {
        Some(Self(Identity {
            device: answer.field("device")?,
            token: answer.field("device_token")?,
            slot: answer.field("slot")?,
        }))
    }
}

impl Server {
    fn room_address(&self) -> String {
        format!("{}/api/rooms/{}", self.origin, self.room)
    }

    /// Address of a device's socket.
    pub(crate) fn socket_address(&self, device: DeviceId) -> String {
        let address = self.room_address();
        // `ws` for `http`, `wss` for `https`.
        let address = address.strip_prefix("http").unwrap_or(&address);
        format!("ws{address}/devices/{device}/socket")
    }

    /// Asks for a place in the room.
    pub(crate) async fn join(&self, name: &str) -> Result<Identity, Failure> {
        let mut fields: Vec<(&str, &dyn Write)> = vec![("profile", &Profile)];
        if !name.is_empty() {
            fields.push(("name", &name));
        }
        let mut body = String::new();
        object(&mut body, &fields);
        let address = format!("{}/devices", self.room_address());
        let response = request(
            "POST",
            &address,
            &[("content-type", "application/json")],
            Some(&body.into()),
        )
        .await?;
        let Joined(identity) = read(&response).await?;
        Ok(identity)
    }

    /// Whether the room is still there.
    pub(crate) async fn look(&self) -> Result<(), Failure> {
        request("GET", &self.room_address(), &[], None)
            .await
            .map(|_| ())
    }

    /// Posts an update.
    pub(crate) async fn post_update(
        &self,
        token: &str,
        round: Round,
        body: &[u8],
    ) -> Result<(), Failure> {
        let address = format!("{}/rounds/{round}/updates", self.room_address());
        let bearer = format!("Bearer {token}");
        let headers = [
            ("content-type", "application/octet-stream"),
            ("authorization", bearer.as_str()),
        ];
        request(
            "POST",
            &address,
            &headers,
            Some(&Uint8Array::from(body).into()),
        )
        .await
        .map(|_| ())
    }

    /// Loads a data set; the browser unzips it.
    pub(crate) async fn load(&self, name: DatasetName) -> Result<Dataset, Failure> {
        // All at once; only what becomes of them is taken one by one.
        let asked = FILES.map(|file| {
            let address = format!("{}/data/{}/{file}", self.origin, name.as_str());
            send("GET", &address, &[], None)
        });
        let mut files: [Vec<u8>; 4] = Default::default();
        for (asked, content) in asked.into_iter().zip(&mut files) {
            *content = bytes(&answer(asked).await?).await?;
        }
        Dataset::read(name, files.each_ref().map(Vec::as_slice)).map_err(|error| Failure::Refused {
            status: 200,
            refusal: Refusal {
                code: "unreadable_data".to_owned(),
                detail: error.to_string(),
            },
        })
    }
}

async fn request(
    method: &str,
    address: &str,
    headers: &[(&str, &str)],
    body: Option<&JsValue>,
) -> Result<Response, Failure> {
    answer(send(method, address, headers, body)).await
}

/// What the server answers to what was sent.
async fn answer(sent: Result<Promise, JsValue>) -> Result<Response, Failure> {
    let response = async { JsFuture::from(sent?).await?.dyn_into::<Response>() };
    let response = response.await.map_err(|_| Failure::Unreachable)?;
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    // Whatever answers without a problem document is not our server.
    let refusal = read(&response).await.unwrap_or_else(|_| Refusal {
        code: format!("http_{status}"),
        detail: format!("the server answered with status {status}"),
    });
    Err(Failure::Refused { status, refusal })
}

/// Sends a request; its answer is promised.
fn send(
    method: &str,
    address: &str,
    headers: &[(&str, &str)],
    body: Option<&JsValue>,
) -> Result<Promise, JsValue> {
    let all = Headers::new()?;
    for (name, value) in headers {
        all.set(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method(method);
    init.set_headers(&all);
    if let Some(body) = body {
        init.set_body(body);
    }
    let request = Request::new_with_str_and_init(address, &init)?;
    Ok(scope()?.fetch_with_request(&request))
}

async fn bytes(response: &Response) -> Result<Vec<u8>, Failure> {
    let body = async {
        JsFuture::from(response.array_buffer()?)
            .await?
            .dyn_into::<ArrayBuffer>()
    };
    body.await
        .map(|buffer| Uint8Array::new(&buffer).to_vec())
        .map_err(|_| Failure::Unreachable)
}

/// Reads a body of JSON.
async fn read<T: Read>(response: &Response) -> Result<T, Failure> {
    let text = async { JsFuture::from(response.text()?).await };
    let text = text.await.ok().and_then(|text| text.as_string());
    let read = text.and_then(|text| T::read(&json::parse(&text).ok()?));
    read.ok_or(Failure::Unreachable)
}
