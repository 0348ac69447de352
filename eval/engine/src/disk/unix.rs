//! The disk as Unix has it: its paths are a program's, byte for byte.
#![expect(clippy::disallowed_methods, reason = "this is where an evaluation meets the system")]

use frazil_vm::host::HostResult;
use std::borrow::Cow;
use std::ffi::OsStr;
pub(super) use std::fs::read_link;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub(super) fn to_nix(path: PathBuf) -> HostResult<Vec<u8>> {
    Ok(path.into_os_string().into_vec())
}

pub(super) fn to_system(path: &[u8]) -> HostResult<Cow<'_, Path>> {
    Ok(Path::new(OsStr::from_bytes(path)).into())
}

/// Whether its owner may execute the file.
pub(super) fn is_executable(metadata: &std::fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o100 != 0
}

pub(super) fn variable(name: &[u8]) -> Option<Vec<u8>> {
    std::env::var_os(OsStr::from_bytes(name)).map(OsStringExt::into_vec)
}
