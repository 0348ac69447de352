//! The disk as Windows has it: drives, names in UTF-16, no bit that makes a file executable.
#![expect(clippy::disallowed_methods, reason = "this is where an evaluation meets the system")]

use super::drives;
use frazil_vm::host::{HostError, HostResult, Stamp, Stamped};
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn to_nix(path: PathBuf) -> HostResult<Vec<u8>> {
    let not_unicode = || format!("the name '{}' is not Unicode", path.display());
    let nix = path.to_str().ok_or_else(not_unicode).and_then(drives::to_nix);
    nix.map(String::into_bytes).map_err(HostError::Failed)
}

pub(super) fn to_system(path: &[u8]) -> HostResult<Cow<'_, Path>> {
    let path = str::from_utf8(path).ok().and_then(drives::to_system);
    path.map(|path| PathBuf::from(path).into()).ok_or(HostError::NotFound)
}

/// The target of a link. One from the root of the link's drive gets that drive.
pub(super) fn read_link(link: &Path) -> io::Result<PathBuf> {
    let target = std::fs::read_link(link)?;
    Ok(if target.has_root() { link.join(target) } else { target })
}

/// What a file is to be executed by is its name's business here.
pub(super) fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}

/// Not every system of files here says when something changed.
pub(super) fn stamp(_: &Path, _: Stamped) -> Option<Stamp> {
    None
}

/// A variable, of which what is not Unicode is replaced.
pub(super) fn variable(name: &[u8]) -> Option<Vec<u8>> {
    let value = std::env::var_os(str::from_utf8(name).ok()?)?;
    Some(value.to_string_lossy().into_owned().into_bytes())
}
