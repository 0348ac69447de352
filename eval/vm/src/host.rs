//! Every way out of the machine: files, environment, clock, messages. One trait, so that the same evaluator runs on a
//! disk, in memory, in a browser and under restriction.

use crate::world::Stats;
use std::sync::Arc;

/// What a path names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum FileKind {
    /// A regular file.
    Regular {
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, socket, or the like.
    Other,
}

/// What tells the states of a file or a directory apart: nothing but whether it is another is to be seen in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Stamp(pub [u64; 4]);

/// What a stamp is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stamped {
    /// What [`Host::read_file`] answers.
    Text,
    /// What [`Host::read_dir`] answers.
    Listing,
}

/// A part of a tree of files, in the order of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TreePart {
    /// A directory begins; entries follow, up to its end.
    Directory,
    /// The name of an entry, whose content follows.
    Entry(Vec<u8>),
    /// A regular file with the content of the one at this path.
    File {
        /// Where its content is.
        path: Vec<u8>,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link to this target.
    Symlink(Vec<u8>),
    /// The directory that began last ends.
    End,
}

/// Why the host did not answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostError {
    /// There is nothing at that path.
    NotFound,
    /// The access rules forbid it; the text says which.
    Forbidden(String),
    /// Another failure, in the system's words.
    Failed(String),
}

/// The host's answer.
pub type HostResult<T> = Result<T, HostError>;

/// The world outside an evaluator. Paths are absolute and canonical: no `.`, `..` or double slash; links are the
/// caller's business.
pub trait Host: Send + Sync {
    /// The bytes of a regular file.
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>>;
    /// The names in a directory, in any order; the kind where it is known without another look.
    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>>;
    /// What `path` itself names, links not followed.
    fn kind(&self, path: &[u8]) -> HostResult<FileKind>;
    /// The target of a symbolic link.
    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>>;
    /// An environment variable.
    fn env(&self, name: &[u8]) -> Option<Vec<u8>>;
    /// The directory that relative entries of the search path start from.
    fn working_directory(&self) -> Vec<u8> {
        b"/".to_vec()
    }
    /// Seconds since 1970.
    fn now(&self) -> i64;
    /// Nanoseconds since some fixed moment; for limits and traces.
    fn clock(&self) -> u64;
    /// Shows a line for people: `trace:`, `warning:`.
    fn message(&self, line: &str);
    /// Shows a line that quotes a program, which need not be UTF-8.
    fn message_bytes(&self, line: &[u8]) {
        self.message(&String::from_utf8_lossy(line));
    }
    /// Is told every so often what an evaluation at work has counted.
    fn progress(&self, stats: &Stats) {
        let _ = stats;
    }
    /// Whether store objects are really written; see [`Host::write_store`].
    fn writes_store(&self) -> bool {
        false
    }
    /// Adds a text object to the store: a `.drv`, or a file of `toFile`.
    fn write_store(&self, path: &str, contents: &[u8]) -> HostResult<()> {
        let _ = (path, contents);
        Ok(())
    }
    /// Copies those parts of what is at `source` to the store as `path` that a filter has left.
    fn copy_to_store(&self, path: &str, source: &[u8], parts: &[TreePart]) -> HostResult<()> {
        let _ = (path, source, parts);
        Ok(())
    }
    /// What is another whenever the host would answer something else, so that a cache may answer in its place. `None` if the
    /// host cannot tell, or not surely.
    fn stamp(&self, path: &[u8], of: Stamped) -> Option<Stamp> {
        let _ = (path, of);
        None
    }
}
