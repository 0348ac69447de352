//! What an evaluation asks the world for, noted and told.

use frazil_engine::{FileKind, Host, HostResult, Stats, TreePart};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Nanoseconds between two questions whether the embedder wants an evaluation to end.
const PAUSE: u64 = 20_000_000;

/// What happens in an evaluation.
///
/// ```
/// use frazil::{Engine, Event};
/// use std::sync::{Arc, Mutex};
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let log = seen.clone();
/// let engine = Engine::builder().on_event(move |event| {
///     if let Event::Trace(text) = event {
///         log.lock().unwrap().push((*text).to_owned());
///     }
/// });
/// engine.build().evaluator().eval("builtins.trace \"here\" 1")?;
/// assert_eq!(*seen.lock().unwrap(), ["here"]);
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The text of a `builtins.trace`.
    Trace(&'a str),
    /// The text of a warning.
    Warn(&'a str),
    /// Any other line for people.
    Message(&'a str),
    /// A file was read.
    Read(&'a str),
    /// A derivation was made.
    Derivation(&'a str),
}

/// What an evaluator has asked the world for: what its answers depend on.
///
/// ```
/// use frazil::{Engine, Memory};
///
/// let host = Memory::new().file("/a.nix", "import ./b.nix").file("/b.nix", "1");
/// let mut evaluator = Engine::builder().host(host).build().evaluator();
/// evaluator.eval("builtins.seq (builtins.getEnv \"LANG\") (import /a.nix)")?;
/// let inputs = evaluator.inputs();
/// assert_eq!(inputs.files, ["/a.nix", "/b.nix"]);
/// assert_eq!(inputs.variables, ["LANG"]);
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Files that were read.
    pub files: Vec<String>,
    /// Directories that were listed.
    pub directories: Vec<String>,
    /// Paths of which it was asked whether, or as what, they are there, but not what they hold.
    pub looked_at: Vec<String>,
    /// Variables of the environment.
    pub variables: Vec<String>,
}

#[derive(Default)]
struct Noted {
    files: BTreeSet<Vec<u8>>,
    directories: BTreeSet<Vec<u8>>,
    looked_at: BTreeSet<Vec<u8>>,
    variables: BTreeSet<Vec<u8>>,
}

/// Whom to tell of events.
pub(crate) type OnEvent = Arc<dyn Fn(&Event<'_>) + Send + Sync>;
/// Whom to ask whether an evaluation is to end.
pub(crate) type Interrupt = Arc<dyn Fn() -> bool + Send + Sync>;

/// Flags that other threads may set.
#[derive(Default)]
pub(crate) struct Tokens {
    /// Of the limits.
    pub(crate) limits: Option<Arc<AtomicBool>>,
    /// Of the call at work.
    pub(crate) call: Option<Arc<AtomicBool>>,
}

/// The host of one evaluator.
pub(crate) struct Watched {
    host: Arc<dyn Host>,
    noted: Mutex<Noted>,
    on_event: Option<OnEvent>,
    interrupt: Option<Interrupt>,
    /// Stops the evaluation.
    stop: Arc<AtomicBool>,
    /// What others set to stop it: the limits' and the call's.
    tokens: Mutex<Tokens>,
    /// When the embedder is asked next.
    next: AtomicU64,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Watched {
    pub(crate) fn new(
        host: Arc<dyn Host>,
        on_event: Option<OnEvent>,
        interrupt: Option<Interrupt>,
        stop: Arc<AtomicBool>,
    ) -> Watched {
        let (noted, tokens, next) = (Mutex::default(), Mutex::default(), AtomicU64::new(0));
        Watched { host, noted, on_event, interrupt, stop, tokens, next }
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, path: &[u8], set: impl FnOnce(&mut Noted) -> &mut BTreeSet<Vec<u8>>) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let set = set(&mut noted);
        if !set.contains(path) {
            set.insert(path.to_vec());
        }
    }

    fn tell(&self, event: Event<'_>) {
        self.on_event.iter().for_each(|on_event| on_event(&event));
    }

    pub(crate) fn inputs(&self) -> Inputs {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = |set: &BTreeSet<Vec<u8>>| set.iter().map(|bytes| text(bytes)).collect();
        let seen = |path: &&Vec<u8>| !noted.files.contains(*path) && !noted.directories.contains(*path);
        Inputs {
            files: texts(&noted.files),
            directories: texts(&noted.directories),
            looked_at: noted.looked_at.iter().filter(seen).map(|bytes| text(bytes)).collect(),
            variables: texts(&noted.variables),
        }
    }
}

impl Host for Watched {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        self.note(path, |noted| &mut noted.files);
        if self.on_event.is_some() {
            self.tell(Event::Read(&text(path)));
        }
        self.host.read_file(path)
    }

    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        self.note(path, |noted| &mut noted.directories);
        self.host.read_dir(path)
    }

    /// Who wants to be told what is read has everything read.
    #[cfg(feature = "disk")]
    fn stamp(&self, path: &[u8], of: frazil_engine::Stamped) -> Option<frazil_engine::Stamp> {
        use frazil_engine::Stamped;
        match of {
            Stamped::Text if self.on_event.is_some() => return None,
            Stamped::Text => self.note(path, |noted| &mut noted.files),
            Stamped::Listing => self.note(path, |noted| &mut noted.directories),
        }
        self.host.stamp(path, of)
    }

    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        self.note(path, |noted| &mut noted.looked_at);
        self.host.kind(path)
    }

    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        self.note(path, |noted| &mut noted.looked_at);
        self.host.read_link(path)
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.note(name, |noted| &mut noted.variables);
        self.host.env(name)
    }

    fn working_directory(&self) -> Vec<u8> {
        self.host.working_directory()
    }

    fn now(&self) -> i64 {
        self.host.now()
    }

    fn clock(&self) -> u64 {
        self.host.clock()
    }

    fn message(&self, line: &str) {
        if self.on_event.is_none() {
            return self.host.message(line);
        }
        let warning = line.strip_prefix("evaluation warning: ").or_else(|| line.strip_prefix("warning: "));
        self.tell(match (line.strip_prefix("trace: "), warning) {
            (Some(text), _) => Event::Trace(text),
            (_, Some(text)) => Event::Warn(text),
            _ => Event::Message(line),
        });
    }

    fn message_bytes(&self, line: &[u8]) {
        match self.on_event {
            Some(_) => self.message(&String::from_utf8_lossy(line)),
            None => self.host.message_bytes(line),
        }
    }

    fn progress(&self, stats: &Stats) {
        self.host.progress(stats);
        let Tokens { limits, call } = &*self.tokens();
        if [limits, call].into_iter().flatten().any(|token| token.load(Relaxed)) {
            self.stop.store(true, Relaxed);
        }
        let Some(interrupt) = &self.interrupt else { return };
        let now = self.host.clock();
        if now >= self.next.load(Relaxed) {
            self.next.store(now + PAUSE, Relaxed);
            if interrupt() {
                self.stop.store(true, Relaxed);
            }
        }
    }

    /// Derivations are told when they are written.
    fn writes_store(&self) -> bool {
        self.on_event.is_some() || self.host.writes_store()
    }

    fn write_store(&self, path: &str, contents: &[u8]) -> HostResult<()> {
        if path.ends_with(".drv") {
            self.tell(Event::Derivation(path));
        }
        if self.host.writes_store() { self.host.write_store(path, contents) } else { Ok(()) }
    }

    fn copy_to_store(&self, path: &str, source: &[u8], parts: &[TreePart]) -> HostResult<()> {
        if self.host.writes_store() { self.host.copy_to_store(path, source, parts) } else { Ok(()) }
    }
}
