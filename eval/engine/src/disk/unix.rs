//! The disk as Unix has it: its paths are a program's, byte for byte.
#![expect(clippy::disallowed_methods, reason = "this is where an evaluation meets the system")]

use frazil_vm::host::{HostResult, Stamp, Stamped};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::Metadata;
pub(super) use std::fs::read_link;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Two changes within so many nanoseconds may leave the same times: no system's are coarser.
const COARSE: i128 = 2_000_000_000;

pub(super) fn to_nix(path: PathBuf) -> HostResult<Vec<u8>> {
    Ok(path.into_os_string().into_vec())
}

pub(super) fn to_system(path: &[u8]) -> HostResult<Cow<'_, Path>> {
    Ok(Path::new(OsStr::from_bytes(path)).into())
}

/// Whether its owner may execute the file.
pub(super) fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o100 != 0
}

pub(super) fn stamp(path: &Path, of: Stamped) -> Option<Stamp> {
    stamp_at(&std::fs::metadata(path).ok()?, of, SystemTime::now())
}

/// The stamp of what is a file or a directory, as is asked for, unless it changed so lately that a further change need not show.
fn stamp_at(metadata: &Metadata, of: Stamped, now: SystemTime) -> Option<Stamp> {
    let is_such = match of {
        Stamped::Text => metadata.is_file(),
        Stamped::Listing => metadata.is_dir(),
    };
    // What is only made up, as in `/proc`, has no size, and times that say nothing.
    if !is_such || metadata.size() == 0 {
        return None;
    }
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let modified = nanos(metadata.mtime(), metadata.mtime_nsec());
    let changed = nanos(metadata.ctime(), metadata.ctime_nsec());
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_nanos() as i128;
    if now - modified.max(changed) < COARSE {
        return None;
    }
    Some(Stamp([metadata.dev(), metadata.ino(), modified as u64, changed as u64]))
}

pub(super) fn variable(name: &[u8]) -> Option<Vec<u8>> {
    std::env::var_os(OsStr::from_bytes(name)).map(OsStringExt::into_vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    #[test]
    fn a_change_shows_in_the_stamp() {
        let dir = std::env::temp_dir().join(format!("frazil-stamp.{}", std::process::id()));
        fs::create_dir_all(dir.join("inner")).expect("a directory");
        std::os::unix::fs::symlink("inner", dir.join("link")).expect("a link");
        let stamp = |name: &str, seconds| {
            // Longer than the clock of any system of files takes for a step.
            std::thread::sleep(Duration::from_millis(20));
            let metadata = fs::metadata(dir.join(name)).expect("it is there");
            stamp_at(&metadata, Stamped::Listing, SystemTime::now() + Duration::from_secs(seconds))
        };
        fs::write(dir.join("inner/a"), "").expect("a file");
        assert_eq!((stamp("inner", 0), stamp("inner/a", 3)), (None, None));
        let first = stamp("inner", 3);
        assert!(first.is_some());
        assert_eq!((stamp("inner", 3), stamp("link", 3)), (first, first));
        fs::write(dir.join("inner/b"), "").expect("a file");
        let added = stamp("inner", 3);
        fs::remove_file(dir.join("inner/a")).expect("it is there");
        let removed = stamp("inner", 3);
        fs::create_dir(dir.join("inner/a")).expect("a directory");
        let replaced = stamp("inner", 3);
        // Not even if somebody sets the time back.
        let time = fs::metadata(dir.join("link")).and_then(|inner| inner.modified()).expect("it has one");
        fs::write(dir.join("inner/c"), "").expect("a file");
        fs::File::open(dir.join("inner")).and_then(|inner| inner.set_modified(time)).expect("it can be set");
        let set_back = stamp("inner", 3);
        let mut stamps =
            [first, added, removed, replaced, set_back].map(|stamp| stamp.expect("old enough").0);
        stamps.sort();
        assert!(stamps.windows(2).all(|pair| pair[0] != pair[1]), "{stamps:?}");
        fs::remove_dir_all(&dir).expect("it is there");
    }
}
