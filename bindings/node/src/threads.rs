//! Threads of Frazil's own, which evaluate. In Node's pool, files and names would wait for evaluations; and a worker, or the
//! process, would not end before what is evaluated there does.

use crate::thrown;
use frazil::{Error, ErrorKind};
use napi::bindgen_prelude::{Env, Object, ToNapiValue, retain_current_module_for_unload_safety};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, available_parallelism};
use std::time::Duration;

/// How many there are at most: as many as processors, but no fewer than Node's own pool has.
static MOST: LazyLock<usize> =
    LazyLock::new(|| available_parallelism().map_or(4, |processors| processors.get().max(4)));
/// How long a thread waits for more work before it ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// Work, or what is to be done about a thread that there is none of.
type Job = Box<dyn FnOnce(Result<(), Error>) + Send>;

struct Pool {
    jobs: VecDeque<Job>,
    threads: usize,
    /// Those of them that wait for work.
    idle: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { jobs: VecDeque::new(), threads: 0, idle: 0 });
static CALL: Condvar = Condvar::new();

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a thread do the job.
fn start(job: Job) {
    let mut pool = pool();
    if pool.idle <= pool.jobs.len() && pool.threads < *MOST {
        // A module that is unloaded with its worker would take the thread's code away.
        retain_current_module_for_unload_safety();
        match Builder::new().name("frazil".to_owned()).spawn(take_jobs) {
            Ok(_) => pool.threads += 1,
            Err(error) if pool.threads == 0 => {
                drop(pool);
                let none = format!("there is no thread to evaluate on: {error}");
                return job(Err(Error::new(ErrorKind::Internal, none)));
            }
            // One of the others does it.
            Err(_) => {}
        }
    }
    pool.jobs.push_back(job);
    CALL.notify_one();
}

fn take_jobs() {
    let mut pool = self::pool();
    loop {
        if let Some(job) = pool.jobs.pop_front() {
            drop(pool);
            job(Ok(()));
            pool = self::pool();
            continue;
        }
        pool.idle += 1;
        let waited = CALL.wait_timeout(pool, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        pool = waited.0;
        pool.idle -= 1;
        if waited.1.timed_out() && pool.jobs.is_empty() {
            pool.threads -= 1;
            return;
        }
    }
}

/// A promise of what work comes to on another thread.
pub(crate) fn later<T: ToNapiValue + Send + 'static>(
    env: &Env,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> napi::Result<Object<'_>> {
    let (deferred, promise) = env.create_deferred()?;
    start(Box::new(move |thread| {
        let answer = catch_unwind(AssertUnwindSafe(|| thread.and_then(|()| work())));
        match answer.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the evaluation panicked"))) {
            Ok(value) => deferred.resolve(move |_| Ok(value)),
            Err(error) => deferred.reject(thrown(&error)),
        }
    }));
    Ok(promise)
}
