//! The world outside of an evaluation: this machine's disk, a line of progress, messages above it, and a plain directory
//! as the store where one is written to.

use crate::plain::plain;
use crate::store::Store;
use frazil::{Disk, FileKind, Host, HostResult, Stamp, Stamped, Stats, TreePart};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How long an evaluation is at work before it shows, and between two looks at it, in nanoseconds.
const PAUSE: u64 = 200_000_000;

/// The line of progress on standard error; none where that is no terminal.
#[derive(Clone)]
pub struct Progress {
    /// Absent where nothing is shown, so that nothing is paid.
    bar: Option<ProgressBar>,
    /// When it is next renewed, by [`Host::clock`].
    next: Arc<AtomicU64>,
}

impl Progress {
    /// A line that appears when the work takes long.
    pub fn new() -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
        });
        Progress { bar, next: Arc::new(AtomicU64::new(Disk.clock() + PAUSE)) }
    }

    fn show(&self, stats: &Stats) {
        let Some(bar) = &self.bar else { return };
        let now = Disk.clock();
        if now < self.next.load(Relaxed) {
            return;
        }
        self.next.store(now + PAUSE, Relaxed);
        let (files, derivations) = (stats.files, stats.derivations);
        bar.set_message(format!("{files} files read, {derivations} derivations made"));
        bar.tick();
    }

    /// Does what writes to the terminal, the line out of the way.
    pub fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::new()
    }
}

/// This process as a [`Host`].
pub struct Outer {
    /// What shows how far the work is.
    pub progress: Progress,
    /// Where store objects are written, if they are.
    pub store: Option<Store>,
    /// Whether messages are kept back, since they were shown before.
    pub is_quiet: bool,
}

impl Host for Outer {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        Disk.read_file(path)
    }

    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        Disk.read_dir(path)
    }

    fn stamp(&self, path: &[u8], of: Stamped) -> Option<Stamp> {
        Disk.stamp(path, of)
    }

    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        Disk.kind(path)
    }

    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        Disk.read_link(path)
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        Disk.env(name)
    }

    fn working_directory(&self) -> Vec<u8> {
        Disk.working_directory()
    }

    fn now(&self) -> i64 {
        Disk.now()
    }

    fn clock(&self) -> u64 {
        Disk.clock()
    }

    fn message(&self, line: &str) {
        self.message_bytes(line.as_bytes());
    }

    fn message_bytes(&self, line: &[u8]) {
        if !self.is_quiet {
            self.progress.aside(|| Disk.message_bytes(&plain(line)));
        }
    }

    fn progress(&self, stats: &Stats) {
        self.progress.show(stats);
    }

    fn writes_store(&self) -> bool {
        self.store.is_some()
    }

    fn write_store(&self, path: &str, contents: &[u8]) -> HostResult<()> {
        self.store.as_ref().map_or(Ok(()), |store| store.write(path, contents))
    }

    fn copy_to_store(&self, path: &str, _: &[u8], parts: &[TreePart]) -> HostResult<()> {
        self.store.as_ref().map_or(Ok(()), |store| store.copy(path, parts))
    }
}
