//! What is to be done when JavaScript's environment ends: a worker's, or that of the process.

use crate::functions::environment;
use napi::bindgen_prelude::Env;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

thread_local! {
    /// Whether the environment of this thread has ended, once somebody wants to know.
    static ENDED: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Whether the environment of the process's first thread has ended.
static PROCESS_ENDS: AtomicBool = AtomicBool::new(false);

/// What tells evaluations that they are to end, since their environment does: on any thread.
pub(crate) fn interrupt(env: Env) -> napi::Result<impl Fn() -> bool + Send + Sync + 'static> {
    let ended = ENDED.with_borrow_mut(|known| {
        if let Some(ended) = known {
            return Ok::<_, napi::Error>(ended.clone());
        }
        let ended = Arc::new(AtomicBool::new(false));
        env.add_env_cleanup_hook(ended.clone(), |ended| {
            ended.store(true, Relaxed);
            // Another environment may follow on this thread.
            ENDED.take();
            PROCESS_ENDS.store(is_first_thread(), Relaxed);
        })?;
        *known = Some(ended.clone());
        PROCESS_ENDS.store(false, Relaxed);
        Ok(ended)
    })?;
    // A worker that is terminated while it evaluates on its own thread does not come to its hooks; but it no longer answers.
    let answers = |env: Env| env.strict_equals(env.get_global()?, env.get_global()?);
    let is_terminated = move || environment().is_some_and(|env| env.run_in_scope(|| answers(env)).is_err());
    Ok(move || ended.load(Relaxed) || is_terminated())
}

/// Keeps a session's memory when the process ends, which frees all at once.
pub(crate) fn spare(session: &frazil::Session) {
    if PROCESS_ENDS.load(Relaxed) {
        std::mem::forget(session.clone());
    }
}

/// Whether this is the thread whose end is that of the process; not known on every system.
#[cfg(target_os = "linux")]
fn is_first_thread() -> bool {
    #![expect(clippy::disallowed_methods, reason = "asks for no file, but who it is")]
    let (process, thread) = (std::fs::read_link("/proc/self"), std::fs::read_link("/proc/thread-self"));
    matches!((process, thread), (Ok(process), Ok(thread)) if thread.file_name() == process.file_name())
}

#[cfg(not(target_os = "linux"))]
fn is_first_thread() -> bool {
    false
}
