//! One host laid over another.

use frazil_engine::{FileKind, Host, HostError, HostResult, Stats, TreePart};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files and variables of `upper` where it has them, else those of `lower`. Directories hold the entries of both.
/// Messages, the clock and the store are the lower host's.
///
/// ```
/// use frazil::{Engine, Memory, Overlay};
///
/// let lower = Memory::new().file("/x/default.nix", "import ./n.nix").file("/x/n.nix", "1");
/// let upper = Memory::new().file("/x/n.nix", "2");
/// let mut evaluator = Engine::builder().host(Overlay { upper, lower }).build().evaluator();
/// let value = evaluator.eval("import /x")?;
/// assert_eq!(evaluator.print(&value)?, "2");
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Overlay<U, L> {
    /// What is asked first.
    pub upper: U,
    /// What is asked for the rest.
    pub lower: L,
}

/// The upper answer, or the lower one where the upper has nothing.
fn first<T>(upper: HostResult<T>, lower: impl FnOnce() -> HostResult<T>) -> HostResult<T> {
    if let Err(HostError::NotFound) = upper { lower() } else { upper }
}

impl<U: Host, L: Host> Host for Overlay<U, L> {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        first(self.upper.read_file(path), || self.lower.read_file(path))
    }

    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        let upper = match self.upper.read_dir(path) {
            Err(HostError::NotFound) => return self.lower.read_dir(path),
            upper => upper?,
        };
        let mut names: BTreeMap<Vec<u8>, Option<FileKind>> = match self.lower.read_dir(path) {
            // What may not be seen there is not there, since the directory is the upper host's.
            Err(HostError::NotFound | HostError::Forbidden(_)) => BTreeMap::new(),
            // Neither is a file there.
            Err(HostError::Failed(_)) if !matches!(self.lower.kind(path), Ok(FileKind::Directory)) => {
                BTreeMap::new()
            }
            lower => lower?.into_iter().collect(),
        };
        names.extend(upper);
        Ok(names.into_iter().collect())
    }

    /// Of what only the lower host has.
    #[cfg(feature = "disk")]
    fn stamp(&self, path: &[u8], of: frazil_engine::Stamped) -> Option<frazil_engine::Stamp> {
        (self.upper.kind(path) == Err(HostError::NotFound)).then(|| self.lower.stamp(path, of)).flatten()
    }

    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        first(self.upper.kind(path), || self.lower.kind(path))
    }

    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        first(self.upper.read_link(path), || self.lower.read_link(path))
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.upper.env(name).or_else(|| self.lower.env(name))
    }

    fn working_directory(&self) -> Vec<u8> {
        self.lower.working_directory()
    }

    fn now(&self) -> i64 {
        self.lower.now()
    }

    fn clock(&self) -> u64 {
        self.lower.clock()
    }

    fn message(&self, line: &str) {
        self.lower.message(line);
    }

    fn message_bytes(&self, line: &[u8]) {
        self.lower.message_bytes(line);
    }

    fn progress(&self, stats: &Stats) {
        self.lower.progress(stats);
    }

    fn writes_store(&self) -> bool {
        self.lower.writes_store()
    }

    fn write_store(&self, path: &str, contents: &[u8]) -> HostResult<()> {
        self.lower.write_store(path, contents)
    }

    fn copy_to_store(&self, path: &str, source: &[u8], parts: &[TreePart]) -> HostResult<()> {
        self.lower.copy_to_store(path, source, parts)
    }
}
