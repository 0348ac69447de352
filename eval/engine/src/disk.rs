//! The host that is this process: its disk, its environment, its clock, its standard error.
#![expect(clippy::disallowed_methods, reason = "this is where an evaluation meets the system")]

#[cfg(any(windows, test))]
mod drives;
#[cfg_attr(unix, path = "disk/unix.rs")]
#[cfg_attr(windows, path = "disk/windows.rs")]
mod system;

use frazil_vm::host::{FileKind, Host, HostError, HostResult, Stamp, Stamped};
use std::borrow::Cow;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The disk of this machine, read only.
///
/// A program's paths are those of Unix. On Windows the drive is the first name: `C:\x\y` is `/c/x/y`, and what is on no drive,
/// `/` among it, is not there. Names that are not Unicode are an error. No file is executable, so store paths that are made of
/// executable files are others than on Unix. Of shares on the network those are seen that have a drive's letter: a program that
/// may read nothing must not have the system call others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Disk {
    /// The path by which a program knows a path of the system; on Unix it is the same. One of Unix's form, or relative, keeps
    /// its names. Fails on Windows for what is on no drive, and for names that are not Unicode.
    ///
    /// ```
    /// let path = frazil_engine::Disk::to_nix(if cfg!(windows) { r"C:\src\x.nix" } else { "/c/src/x.nix" });
    /// assert_eq!(path, Ok(b"/c/src/x.nix".to_vec()));
    /// ```
    pub fn to_nix(path: impl Into<PathBuf>) -> HostResult<Vec<u8>> {
        system::to_nix(path.into())
    }

    /// The system's path of one that a program knows; on Unix it is the same. Fails on Windows for what cannot be there.
    ///
    /// ```
    /// let path = frazil_engine::Disk::to_system(b"/c/src").unwrap();
    /// assert_eq!(*path, *std::path::Path::new(if cfg!(windows) { r"\\?\C:\src" } else { "/c/src" }));
    /// ```
    pub fn to_system(path: &[u8]) -> HostResult<Cow<'_, Path>> {
        system::to_system(path)
    }
}

fn failure(error: io::Error) -> HostError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => HostError::NotFound,
        _ => HostError::Failed(describe(&error)),
    }
}

/// The system's words, without Rust's `(os error N)`.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn kind(kind: fs::FileType, metadata: impl FnOnce() -> io::Result<fs::Metadata>) -> io::Result<FileKind> {
    Ok(if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_symlink() {
        FileKind::Symlink
    } else if kind.is_file() {
        FileKind::Regular { executable: system::is_executable(&metadata()?) }
    } else {
        FileKind::Other
    })
}

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

impl Host for Disk {
    fn read_file(&self, file: &[u8]) -> HostResult<Arc<[u8]>> {
        fs::read(Disk::to_system(file)?).map(Arc::from).map_err(failure)
    }

    fn read_dir(&self, dir: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        let entries = fs::read_dir(Disk::to_system(dir)?).map_err(|error| match error.kind() {
            io::ErrorKind::NotADirectory => HostError::Failed(describe(&error)),
            _ => failure(error),
        })?;
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.map_err(failure)?;
            // Whether a file is executable costs another look, which few ask for.
            let kind = kind(entry.file_type().map_err(failure)?, || Err(io::ErrorKind::Unsupported.into()))
                .unwrap_or(FileKind::Regular { executable: false });
            Ok((Disk::to_nix(entry.file_name())?, Some(kind)))
        };
        entries.map(entry).collect()
    }

    fn stamp(&self, path: &[u8], of: Stamped) -> Option<Stamp> {
        system::stamp(&Disk::to_system(path).ok()?, of)
    }

    fn kind(&self, file: &[u8]) -> HostResult<FileKind> {
        let metadata = fs::symlink_metadata(Disk::to_system(file)?).map_err(failure)?;
        kind(metadata.file_type(), || Ok(metadata)).map_err(failure)
    }

    fn read_link(&self, file: &[u8]) -> HostResult<Vec<u8>> {
        Disk::to_nix(system::read_link(&Disk::to_system(file)?).map_err(failure)?)
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        system::variable(name)
    }

    fn working_directory(&self) -> Vec<u8> {
        // Without one, relative files are not found, as they would not be under any name.
        let dir = std::env::current_dir().map_err(failure).and_then(Disk::to_nix);
        dir.unwrap_or_else(|_| b"/".to_vec())
    }

    fn now(&self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
    }

    fn clock(&self) -> u64 {
        start().elapsed().as_nanos() as u64
    }

    fn message(&self, line: &str) {
        self.message_bytes(line.as_bytes());
    }

    fn message_bytes(&self, line: &[u8]) {
        // Nobody is left to tell if standard error is gone.
        let _ = io::stderr().lock().write_all(&[line, b"\n"].concat());
    }
}
