//! In a real worker of a real browser.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    reason = "a failing test may panic; clippy knows only tests of the standard kind"
)]

use constellation_core::golden;
use constellation_core::view::{DeviceArm, DeviceEvent, DeviceView};
use constellation_session::DeviceClient;
use js_sys::{Function, JSON, Object, Reflect};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn the_mlp_trains_to_the_native_bits() {
    assert_eq!(golden::mlp(), golden::MLP);
}

#[wasm_bindgen_test]
fn the_cnn_trains_to_the_native_bits() {
    assert_eq!(golden::cnn(), golden::CNN);
}

#[wasm_bindgen_test]
fn an_identity_that_is_none_is_refused() {
    let identity = Object::new();
    Reflect::set(&identity, &"device".into(), &"three".into()).unwrap();
    let mut client = DeviceClient::new(Function::new_no_args(""));
    let joined = client.join(
        "http://127.0.0.1:1".to_owned(),
        "K7QF".to_owned(),
        String::new(),
        identity.into(),
    );
    let error: js_sys::Error = joined.unwrap_err().dyn_into().unwrap();
    assert!(
        String::from(error.message()).contains("not what is known here"),
        "{:?}",
        error.message()
    );
}

#[wasm_bindgen_test]
fn events_are_the_objects_that_serde_would_make() {
    let arm = DeviceArm {
        name: "\"fed avg\"\n".to_owned(),
        own_before: Some(0.1),
        loss: Some(1.5e-9),
        ..DeviceArm::default()
    };
    let view = DeviceView {
        progress: 1.0 / 3.0,
        arms: vec![arm],
        bytes_up: 1 << 40,
        ..DeviceView::default()
    };
    let event = DeviceEvent::View {
        view: Box::new(view),
    };
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    let theirs = event.serialize(&serializer).unwrap();
    let ours = JSON::parse(&event.to_json()).unwrap();
    let text = |value| String::from(JSON::stringify(value).unwrap());
    assert_eq!(text(&ours), text(&theirs));
}

/// A promise that resolves with the first event of a type, and the callback that makes it so.
fn first_event(kind: &str) -> (js_sys::Promise, Function) {
    let mut callback = None;
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let body = format!("if (event.type === '{kind}') this.resolve(event)");
        let receiver = Object::new();
        Reflect::set(&receiver, &"resolve".into(), &resolve).unwrap();
        callback = Some(Function::new_with_args("event", &body).bind0(&receiver));
    });
    (promise, callback.unwrap())
}

#[wasm_bindgen_test]
async fn a_server_that_is_not_there_is_said_so_and_leaving_ends_it() {
    let (offline, callback) = first_event("connection");
    let mut client = DeviceClient::new(callback);
    // Nothing listens on the discard port.
    client
        .join(
            "http://127.0.0.1:9".to_owned(),
            "K7QF".to_owned(),
            "a tab".to_owned(),
            JsValue::UNDEFINED,
        )
        .unwrap();
    let event = wasm_bindgen_futures::JsFuture::from(offline).await.unwrap();
    assert_eq!(
        Reflect::get(&event, &"online".into()).unwrap(),
        JsValue::FALSE
    );
    client.leave();
}
