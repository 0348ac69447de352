//! Pure and restricted evaluation: a host that shows only what is allowed.

use crate::builtins::paths::{canonical, parent};
use crate::host::{FileKind, Host, HostError, HostResult, TreePart};
use crate::world::Stats;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

/// Links followed on the way to a file, at most.
const MAX_LINKS: usize = 1024;

/// Another host, whose files are seen only at and below allowed paths; the folders above them show the way there.
pub struct Restricted {
    inner: Arc<dyn Host>,
    allowed: RwLock<BTreeSet<Vec<u8>>>,
    /// How a message about a forbidden path ends.
    mode: &'static str,
}

impl Restricted {
    /// Nothing of `inner` is allowed yet.
    pub fn new(inner: Arc<dyn Host>, pure: bool) -> Restricted {
        let mode =
            if pure { "in pure evaluation mode (use '--impure' to override)" } else { "in restricted mode" };
        Restricted { inner, allowed: RwLock::default(), mode }
    }

    /// Allows a path and all below it.
    pub fn allow(&self, path: &[u8]) {
        self.allowed.write().unwrap_or_else(PoisonError::into_inner).insert(path.to_vec());
    }

    /// Whether a path may be seen.
    fn is_allowed(&self, path: &[u8]) -> bool {
        let allowed = self.allowed.read().unwrap_or_else(PoisonError::into_inner);
        let within = |inner: &[u8], outer: &[u8]| {
            outer == b"/" || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        };
        let next = allowed.range::<[u8], _>((Bound::Included(path), Bound::Unbounded)).next();
        next.is_some_and(|next| within(next, path)) || is_below(path, &allowed)
    }

    /// An error unless a path may be seen.
    pub fn check(&self, path: &[u8]) -> HostResult<()> {
        if self.is_allowed(path) {
            return Ok(());
        }
        let path = crate::message::text(path);
        Err(HostError::Forbidden(format!("access to absolute path '{path}' is forbidden {}", self.mode)))
    }

    /// The path with the links on the way to its end followed, all of which may be seen.
    fn resolve(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        let mut todo: Vec<Vec<u8>> = parts(path);
        let (mut at, mut links) = (b"/".to_vec(), 0);
        while let Some(part) = todo.pop() {
            at = canonical(&[&at[..], b"/", &part].concat());
            if todo.is_empty() {
                break;
            }
            // What may not be seen is no link; the end will be refused.
            if self.is_allowed(&at) && self.inner.kind(&at) == Ok(FileKind::Symlink) {
                links += 1;
                if links > MAX_LINKS {
                    return Err(HostError::Failed("Too many levels of symbolic links".into()));
                }
                let target = self.inner.read_link(&at)?;
                at = if target.starts_with(b"/") { b"/".to_vec() } else { parent(&at).to_vec() };
                todo.extend(parts(&target));
            }
        }
        self.check(&at)?;
        Ok(at)
    }

    /// The path of a file that is read: a link at its end is followed, too.
    fn resolve_all(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        let mut at = self.resolve(path)?;
        for _ in 0..MAX_LINKS {
            if self.inner.kind(&at) != Ok(FileKind::Symlink) {
                break;
            }
            let target = self.inner.read_link(&at)?;
            let base = if target.starts_with(b"/") { &b""[..] } else { parent(&at) };
            at = self.resolve(&canonical(&[base, b"/", &target].concat()))?;
        }
        Ok(at)
    }
}

/// Whether a path is one of those, or below one.
fn is_below(path: &[u8], allowed: &BTreeSet<Vec<u8>>) -> bool {
    let mut above = path;
    loop {
        if allowed.contains(above) {
            return true;
        }
        if above == b"/" {
            return false;
        }
        above = parent(above);
    }
}

/// The names on a path, the first last.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&c| c == b'/').filter(|part| !part.is_empty()).rev().map(<[u8]>::to_vec).collect()
}

impl Host for Restricted {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        self.inner.read_file(&self.resolve_all(path)?)
    }

    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        let path = self.resolve_all(path)?;
        let mut entries = self.inner.read_dir(&path)?;
        entries.retain(|(name, _)| self.is_allowed(&canonical(&[&path[..], b"/", name].concat())));
        Ok(entries)
    }

    /// Of what is shown as it is. Of the way to an allowed path, only a part is.
    #[cfg(feature = "cache")]
    fn stamp(&self, path: &[u8], of: crate::host::Stamped) -> Option<crate::host::Stamp> {
        let path = self.resolve_all(path).ok()?;
        let is_whole = of == crate::host::Stamped::Text
            || is_below(&path, &self.allowed.read().unwrap_or_else(PoisonError::into_inner));
        is_whole.then(|| self.inner.stamp(&path, of)).flatten()
    }

    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        self.inner.kind(&self.resolve(path)?)
    }

    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        self.inner.read_link(&self.resolve(path)?)
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.inner.env(name)
    }

    fn working_directory(&self) -> Vec<u8> {
        self.inner.working_directory()
    }

    fn now(&self) -> i64 {
        self.inner.now()
    }

    fn clock(&self) -> u64 {
        self.inner.clock()
    }

    fn message(&self, line: &str) {
        self.inner.message(line);
    }

    fn message_bytes(&self, line: &[u8]) {
        self.inner.message_bytes(line);
    }

    fn progress(&self, stats: &Stats) {
        self.inner.progress(stats);
    }

    fn writes_store(&self) -> bool {
        self.inner.writes_store()
    }

    fn write_store(&self, path: &str, contents: &[u8]) -> HostResult<()> {
        self.inner.write_store(path, contents)
    }

    fn copy_to_store(&self, path: &str, source: &[u8], parts: &[TreePart]) -> HostResult<()> {
        self.inner.copy_to_store(path, source, parts)
    }
}
