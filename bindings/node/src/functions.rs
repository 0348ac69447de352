//! Functions of JavaScript's, called from evaluations on its own thread and on others.

use frazil::Event;
use napi::Status;
use napi::bindgen_prelude::{Env, Function, FunctionRef};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use std::cell::Cell;
use std::sync::mpsc;

thread_local! {
    /// JavaScript's environment, while its own thread evaluates.
    static ENV: Cell<Option<Env>> = const { Cell::new(None) };
}

/// Does work on JavaScript's thread that may call its functions.
pub(crate) fn with_env<R>(env: Env, work: impl FnOnce() -> R) -> R {
    /// Puts back what was there before, also when a panic ends the work.
    struct Restore(Option<Env>);
    impl Drop for Restore {
        fn drop(&mut self) {
            ENV.set(self.0.take());
        }
    }
    let _restore = Restore(ENV.replace(Some(env)));
    work()
}

/// JavaScript's environment, if this is its own thread and evaluates.
pub(crate) fn environment() -> Option<Env> {
    ENV.get()
}

/// Neither told of errors, since it throws none, nor a reason for the process to live on.
type FromElsewhere = ThreadsafeFunction<String, String, String, Status, false, true>;

/// A function from a text to a text that does not throw.
pub(crate) struct Callback {
    here: FunctionRef<String, String>,
    elsewhere: FromElsewhere,
}

impl Callback {
    pub(crate) fn new(function: Function<'_, String, String>) -> napi::Result<Callback> {
        let elsewhere =
            function.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
        Ok(Callback { here: function.create_ref()?, elsewhere })
    }

    fn call(&self, text: String) -> napi::Result<String> {
        if let Some(env) = environment() {
            return self.here.borrow_back(&env)?.call(text);
        }
        let (answer, answered) = mpsc::channel();
        let send = move |text: napi::Result<String>, _| {
            // The evaluation that waits for it may have ended with its thread.
            let _ = answer.send(text);
            Ok(())
        };
        let status = self.elsewhere.call_with_return_value(text, ThreadsafeFunctionCallMode::Blocking, send);
        let gone = || napi::Error::from_reason("JavaScript's thread is gone");
        if status == Status::Ok { answered.recv().map_err(|_| gone())? } else { Err(gone()) }
    }

    /// The answer to arguments as JSON.
    pub(crate) fn answer(&self, arguments: &[u8]) -> Result<Vec<u8>, String> {
        let answer = self
            .call(String::from_utf8_lossy(arguments).into_owned())
            .map_err(|error| error.reason.to_string())?;
        let answer: serde_json::Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        match (&answer["error"], answer.get("ok")) {
            (serde_json::Value::String(text), _) => Err(text.clone()),
            (_, Some(ok)) => Ok(ok.to_string().into_bytes()),
            _ => Err("the function answered nothing that JSON has".to_owned()),
        }
    }

    /// Tells an event; nobody waits for its answer.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        let (kind, text) = match event {
            Event::Trace(text) => ("trace", text),
            Event::Warn(text) => ("warn", text),
            Event::Read(text) => ("read", text),
            Event::Derivation(text) => ("derivation", text),
            Event::Message(text) => ("message", text),
            _ => return,
        };
        let _ = self.call(serde_json::json!([kind, text]).to_string());
    }
}
