//! A command line under Unix.
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

pub(crate) fn path(word: &[u8]) -> io::Result<&Path> {
    Ok(Path::new(OsStr::from_bytes(word)))
}

pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

pub(crate) fn symlink(target: &[u8], link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(OsStr::from_bytes(target), link)
}

pub(crate) fn settle(path: &Path, time: SystemTime, executable: bool) -> io::Result<()> {
    fs::File::open(path)?.set_modified(time)?;
    fs::set_permissions(path, fs::Permissions::from_mode(if executable { 0o555 } else { 0o444 }))
}
