//! Frazil's answers, in process.

use crate::answer::Answer;
use crate::world::FOLDER;
use frazil::settings::{Nothing, Settings};
use frazil::{Disk, Engine, ErrorKind, FileKind, Host, HostError, HostResult, Limits, Source};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What both evaluators are allowed.
pub const FEATURES: &str = "nix-command flakes pipe-operators fetch-tree ca-derivations dynamic-derivations";

/// What is said of a folder that is too large to be read.
const TOO_MUCH: &str = "not this one";

/// The files of this machine, and a place for what is traced.
struct World(Arc<Mutex<String>>);

impl Host for World {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        Disk.read_file(path)
    }
    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        // Whoever copies the whole machine to the store never comes back.
        if path == b"/" || path == b"/tmp" {
            return Err(HostError::Forbidden(TOO_MUCH.to_owned()));
        }
        Disk.read_dir(path)
    }
    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        Disk.kind(path)
    }
    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        Disk.read_link(path)
    }
    fn env(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn working_directory(&self) -> Vec<u8> {
        FOLDER.into()
    }
    fn now(&self) -> i64 {
        Disk.now()
    }
    fn clock(&self) -> u64 {
        Disk.clock()
    }
    fn message(&self, line: &str) {
        let mut traced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        traced.push_str(&plain(line.as_bytes()));
        traced.push('\n');
    }
}

/// A text for people as the oracle writes it.
fn plain(text: &[u8]) -> String {
    String::from_utf8_lossy(&frazil_cli::plain::plain(text)).into_owned()
}

/// Frazil.
pub struct Frazil {
    engine: Engine,
    traced: Arc<Mutex<String>>,
}

impl Frazil {
    /// Frazil with the oracle's settings.
    pub fn new() -> Frazil {
        let traced = Arc::<Mutex<String>>::default();
        let mut settings = Settings::load(&Nothing).expect("there is nothing wrong with nothing");
        settings.set("experimental-features", FEATURES).expect("they are features");
        settings.finish();
        let limits = Limits {
            steps: 20_000_000,
            heap: 1 << 30,
            wall: Some(Duration::from_secs(10)),
            ..Limits::default()
        };
        let builder =
            Engine::builder().patient(true).host(World(traced.clone())).limits(limits).settings(&settings);
        Frazil { engine: builder.search_path("world", FOLDER).home("/homeless").build(), traced }
    }

    fn take_traced(&self) -> String {
        std::mem::take(&mut *self.traced.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Its answer to a program.
    pub fn answer(&self, program: &str) -> Answer {
        self.take_traced();
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut evaluator = self.engine.evaluator();
            evaluator.enter(|scope| {
                let v = scope.eval(Source::text(program, FOLDER))?;
                let v = scope.force_deep(v)?;
                scope.print(v)
            })
        }));
        let traced = self.take_traced();
        match result {
            Ok(Ok(text)) => Answer::Value { text: String::from_utf8_lossy(&text).into_owned(), traced },
            Ok(Err(error)) => match error.kind() {
                ErrorKind::Steps | ErrorKind::Memory | ErrorKind::Time | ErrorKind::CallDepth => {
                    Answer::Exhausted
                }
                ErrorKind::Restricted if error.message() == TOO_MUCH => Answer::Exhausted,
                _ => Answer::Error(traced + &plain(error.render().as_bytes())),
            },
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Answer::Broken(text.unwrap_or_default())
            }
        }
    }
}
