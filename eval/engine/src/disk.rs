//! The host that is this process: its disk, its environment, its clock, its standard error.
#![expect(clippy::disallowed_methods, reason = "this is where an evaluation meets the system")]

use frazil_vm::host::{FileKind, Host, HostError, HostResult};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The disk of this machine, read only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
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
        FileKind::Regular { executable: metadata()?.permissions().mode() & 0o100 != 0 }
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
        fs::read(path(file)).map(Arc::from).map_err(failure)
    }

    fn read_dir(&self, dir: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        let entries = fs::read_dir(path(dir)).map_err(|error| match error.kind() {
            io::ErrorKind::NotADirectory => HostError::Failed(describe(&error)),
            _ => failure(error),
        })?;
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            // Whether a file is executable costs another look, which few ask for.
            let kind = kind(entry.file_type()?, || Err(io::ErrorKind::Unsupported.into()))
                .unwrap_or(FileKind::Regular { executable: false });
            Ok((entry.file_name().into_vec(), Some(kind)))
        };
        entries.map(entry).collect::<io::Result<_>>().map_err(failure)
    }

    fn kind(&self, file: &[u8]) -> HostResult<FileKind> {
        let metadata = fs::symlink_metadata(path(file)).map_err(failure)?;
        kind(metadata.file_type(), || Ok(metadata)).map_err(failure)
    }

    fn read_link(&self, file: &[u8]) -> HostResult<Vec<u8>> {
        fs::read_link(path(file)).map(|target| target.into_os_string().into_vec()).map_err(failure)
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        std::env::var_os(OsStr::from_bytes(name)).map(OsStringExt::into_vec)
    }

    fn working_directory(&self) -> Vec<u8> {
        // Without one, relative files are not found, as they would not be under any name.
        std::env::current_dir().map_or_else(|_| b"/".to_vec(), |dir| dir.into_os_string().into_vec())
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
