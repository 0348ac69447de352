//! A host without files, which keeps what it is told.

use frazil_engine::{Evaluator, Source};
use frazil_vm::host::{FileKind, Host, HostError, HostResult};
use frazil_vm::{Error, Limits, Settings};
use std::sync::{Arc, Mutex};

/// The host.
#[derive(Default)]
pub(crate) struct Quiet(Mutex<Vec<String>>);

impl Quiet {
    /// The messages since the last time.
    #[allow(dead_code, reason = "not every test listens")]
    pub(crate) fn messages(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }

    pub(crate) fn evaluator(self: &Arc<Self>) -> Evaluator {
        Evaluator::new(self.clone(), Settings::default(), Limits::default())
    }
}

/// The value of a text, forced with all that it holds, as `nix-instantiate --eval --strict` prints it.
pub(crate) fn answer(evaluator: &mut Evaluator, text: &str) -> Result<String, Error> {
    let v = evaluator.eval(&Source::Text(text.into(), b"/".to_vec()))?;
    evaluator.force_deep(v)?;
    Ok(String::from_utf8_lossy(&evaluator.print(v)?).into_owned())
}

impl Host for Quiet {
    fn read_file(&self, _: &[u8]) -> HostResult<Arc<[u8]>> {
        Err(HostError::NotFound)
    }
    fn read_dir(&self, _: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        Err(HostError::NotFound)
    }
    fn kind(&self, _: &[u8]) -> HostResult<FileKind> {
        Err(HostError::NotFound)
    }
    fn read_link(&self, _: &[u8]) -> HostResult<Vec<u8>> {
        Err(HostError::NotFound)
    }
    fn env(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn now(&self) -> i64 {
        0
    }
    fn clock(&self) -> u64 {
        0
    }
    fn message(&self, line: &str) {
        self.0.lock().expect("nobody panics with it").push(line.to_owned());
    }
}
