//! What a worker's global scope offers: time, timers, and a way to go on after everything that is waiting.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessagePort, WorkerGlobalScope};

/// The worker that this code runs in.
pub(crate) fn scope() -> Result<WorkerGlobalScope, JsValue> {
    js_sys::global()
        .dyn_into()
        .map_err(|_| JsValue::from_str("a device runs in a Web Worker"))
}

/// Milliseconds since the worker started.
pub(crate) fn now_ms() -> f64 {
    scope()
        .ok()
        .and_then(|scope| scope.performance())
        .map_or(0.0, |performance| performance.now())
}

/// Resolves after so many milliseconds. Timers of workers go on while their tab is hidden.
pub(crate) async fn sleep(ms: i32) {
    let promise = Promise::new(&mut |resolve: Function, _| {
        if let Ok(scope) = scope() {
            // If there is no timer, the promise never resolves, as if the time never passed.
            let _ = scope.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
        }
    });
    // The promise is never rejected.
    let _ = JsFuture::from(promise).await;
}

/// Calls back after everything that is waiting already, without the delay that browsers put on timers.
#[derive(Debug)]
pub(crate) struct Pump {
    port: MessagePort,
    /// What the browser calls; lives as long as the channel.
    _callback: Closure<dyn FnMut()>,
    far_end: MessagePort,
}

impl Pump {
    pub(crate) fn new(callback: impl FnMut() + 'static) -> Result<Rc<Self>, JsValue> {
        let channel = MessageChannel::new()?;
        let callback = Closure::new(callback);
        let far_end = channel.port2();
        far_end.set_onmessage(Some(callback.as_ref().unchecked_ref()));
        Ok(Rc::new(Self {
            port: channel.port1(),
            _callback: callback,
            far_end,
        }))
    }

    /// Asks for one call.
    pub(crate) fn turn(&self) {
        // Posting nothing to an open port cannot fail.
        let _ = self.port.post_message(&JsValue::NULL);
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.far_end.set_onmessage(None);
        self.port.close();
    }
}

/// Calls back every so many milliseconds until dropped.
#[derive(Debug)]
pub(crate) struct Interval {
    id: i32,
    /// What the browser calls; lives as long as the timer.
    _callback: Closure<dyn FnMut()>,
}

impl Interval {
    pub(crate) fn new(ms: i32, callback: impl FnMut() + 'static) -> Result<Self, JsValue> {
        let callback = Closure::new(callback);
        let function: &Function = callback.as_ref().unchecked_ref();
        let id = scope()?.set_interval_with_callback_and_timeout_and_arguments_0(function, ms)?;
        Ok(Self {
            id,
            _callback: callback,
        })
    }
}

impl Drop for Interval {
    fn drop(&mut self) {
        if let Ok(scope) = scope() {
            scope.clear_interval_with_handle(self.id);
        }
    }
}
