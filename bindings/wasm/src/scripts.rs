//! Functions of JavaScript's, which stay on its thread, as things that may be sent anywhere.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use wasm_bindgen::{JsCast, JsValue};

thread_local! {
    static FUNCTIONS: RefCell<(u32, BTreeMap<u32, js_sys::Function>)> = const { RefCell::new((0, BTreeMap::new())) };
}

/// A function of JavaScript's. It can be called on the thread that made it.
#[derive(Clone)]
pub(crate) struct Script(Arc<Number>);

struct Number(u32);

impl Drop for Number {
    fn drop(&mut self) {
        let function = FUNCTIONS.with_borrow_mut(|(_, functions)| functions.remove(&self.0));
        drop(function);
    }
}

impl Script {
    pub(crate) fn new(function: js_sys::Function) -> Script {
        FUNCTIONS.with_borrow_mut(|(next, functions)| {
            *next += 1;
            functions.insert(*next, function);
            Script(Arc::new(Number(*next)))
        })
    }

    fn call(&self, arguments: &js_sys::Array) -> Result<JsValue, String> {
        let function = FUNCTIONS.with_borrow(|(_, functions)| functions.get(&self.0.0).cloned());
        let function = function.ok_or("it was made on another thread")?;
        function.apply(&JsValue::UNDEFINED, arguments).map_err(|error| said(&error))
    }

    /// The bytes from one number to another.
    pub(crate) fn read(&self, from: f64, to: f64) -> Result<Vec<u8>, String> {
        let bytes = self.call(&js_sys::Array::of2(&from.into(), &to.into()))?;
        bytes.dyn_into::<js_sys::Uint8Array>().map(|bytes| bytes.to_vec()).map_err(|other| said(&other))
    }

    /// The answer to arguments as JSON: `{ "ok": … }` or `{ "error": … }`.
    pub(crate) fn answer(&self, arguments: &[u8]) -> Result<Vec<u8>, String> {
        let answer = self.call(&js_sys::Array::of1(&String::from_utf8_lossy(arguments).as_ref().into()))?;
        let answer = answer.as_string().unwrap_or_default();
        let answer: serde_json::Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        match (&answer["error"], answer.get("ok")) {
            (serde_json::Value::String(text), _) => Err(text.clone()),
            (_, Some(ok)) => Ok(ok.to_string().into_bytes()),
            _ => Err("the function answered nothing that JSON has".to_owned()),
        }
    }

    /// Tells an event; nobody waits for its answer.
    pub(crate) fn tell(&self, kind: &str, text: &str) {
        let _ = self.call(&js_sys::Array::of2(&kind.into(), &text.into()));
    }

    /// Whether the function answers something true.
    pub(crate) fn is_true(&self) -> bool {
        self.call(&js_sys::Array::new()).is_ok_and(|answer| answer.is_truthy())
    }
}

fn said(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => format!("{error:?}"),
    }
}
