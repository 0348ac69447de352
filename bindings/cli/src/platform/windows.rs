//! A command line under Windows.
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use frazil::Disk;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

/// Variables that hold a path.
const PATHS: &[&str] = &[
    "FRAZIL_CACHE",
    "HOME",
    "NIX_CONF_DIR",
    "NIX_CONFIG_HOME",
    "NIX_STATE_DIR",
    "NIX_STATE_HOME",
    "NIX_STORE_DIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];
/// Variables that hold several, with `;` between them as in `PATH`.
const LISTS: &[&str] = &["NIX_PATH", "NIX_USER_CONF_FILES", "XDG_CONFIG_DIRS"];

/// The rights and the flag with which the times of files and folders can be set.
const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;

pub(crate) fn path(word: &[u8]) -> io::Result<&Path> {
    let shown = || String::from_utf8_lossy(word).into_owned();
    let not_unicode = |_| io::Error::new(ErrorKind::InvalidData, format!("'{}' is not Unicode", shown()));
    str::from_utf8(word).map(Path::new).map_err(not_unicode)
}

/// Paths are as programs know them, and the home is the profile's folder where `HOME` says no other.
pub(crate) fn variable(name: &str) -> Option<String> {
    let profile = || (name == "HOME").then(|| std::env::var_os("USERPROFILE")).flatten();
    let value = std::env::var_os(name).or_else(profile)?.to_string_lossy().into_owned();
    if LISTS.contains(&name) {
        Some(value.split(';').map(entry).collect::<Vec<_>>().join(":"))
    } else if PATHS.contains(&name) {
        Some(entry(&value))
    } else {
        Some(value)
    }
}

/// `PATH`, or `NAME=PATH`; what a program could know by no path stays, and is found nowhere.
fn entry(text: &str) -> String {
    let (name, path) = text.split_at(text.find('=').map_or(0, |at| at + 1));
    let path =
        Disk::to_nix(path).map_or_else(|_| path.into(), |path| String::from_utf8_lossy(&path).into_owned());
    format!("{name}{path}")
}

pub(crate) fn symlink(_: &[u8], _: &Path) -> io::Result<()> {
    Err(io::Error::new(ErrorKind::Unsupported, "Windows has no links to store paths"))
}

/// Nothing says that a file may be executed, and what is read only of a folder is not what is in it.
pub(crate) fn settle(path: &Path, time: SystemTime, _: bool) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.access_mode(FILE_WRITE_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    let file = options.open(path)?;
    file.set_modified(time)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Ok(());
    }
    let mut permissions = metadata.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}
