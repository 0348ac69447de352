//! Plain directories that store objects and derivations are written to.
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use crate::platform;
use frazil::{Disk, HostError, HostResult, TreePart};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// A failure at a path, in the system's words.
fn at(path: &Path) -> impl FnOnce(io::Error) -> String {
    move |error| {
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or(&text);
        format!("cannot write '{}': {text}", path.display())
    }
}

/// Writes derivations into a folder under their names. Either all are written, or what was there stays as it was.
pub fn write_derivations(folder: &Path, derivations: &BTreeMap<String, &[u8]>) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let mut written = Vec::new();
    let outcome = write_aside(folder, derivations, &mut written);
    if outcome.is_err() {
        for (aside, _) in &written {
            // It is ours, and of no use; what cannot be removed stays.
            let _ = fs::remove_file(aside);
        }
    }
    outcome
}

fn write_aside(
    folder: &Path,
    derivations: &BTreeMap<String, &[u8]>,
    written: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), String> {
    for (path, text) in derivations {
        let name = path.rsplit('/').next().unwrap_or(path);
        let aside = folder.join(format!(".{name}.{}", std::process::id()));
        written.push((aside.clone(), folder.join(name)));
        fs::write(&aside, text).map_err(at(&aside))?;
    }
    for (aside, place) in written.iter() {
        fs::rename(aside, place).map_err(at(place))?;
    }
    Ok(())
}

/// Makes the link `root` to a store path, and the folders on the way to it. Only a link into the store is replaced.
pub fn add_root(root: &Path, target: &str, store_dir: &str) -> Result<(), String> {
    let is_ours = |link: PathBuf| link.to_string_lossy().starts_with(&format!("{store_dir}/"));
    if fs::symlink_metadata(root).is_ok() && !fs::read_link(root).is_ok_and(is_ours) {
        return Err(format!("cannot create symlink '{}'; already exists", root.display()));
    }
    let folder = root.parent().unwrap_or(Path::new("/"));
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    fs::create_dir_all(folder).map_err(at(folder))?;
    let made = platform::symlink(target.as_bytes(), &aside).and_then(|()| fs::rename(&aside, root));
    made.map_err(|error| {
        remove(&aside);
        at(root)(error)
    })
}

/// A store that is nothing but its directory.
#[derive(Clone)]
pub struct Store {
    /// The store paths begin with this.
    pub logical: String,
    /// The directory that they are written to.
    pub physical: PathBuf,
}

impl Store {
    fn place(&self, path: &str) -> PathBuf {
        let name = path.strip_prefix(&self.logical).unwrap_or(path).trim_start_matches('/');
        self.physical.join(name)
    }

    /// Writes an object aside and then gives it its name; one that is there already stays.
    fn add(&self, path: &str, make: impl FnOnce(&Path) -> io::Result<()>) -> HostResult<()> {
        let place = self.place(path);
        if fs::symlink_metadata(&place).is_ok() {
            return Ok(());
        }
        let aside = place.with_file_name(format!(
            ".{}.{}",
            place.file_name().unwrap_or_default().to_string_lossy(),
            std::process::id()
        ));
        let made = fs::create_dir_all(&self.physical)
            .and_then(|()| make(&aside))
            .and_then(|()| fs::rename(&aside, &place));
        made.map_err(|error| {
            remove(&aside);
            HostError::Failed(at(&place)(error))
        })
    }

    /// Adds a text.
    pub fn write(&self, path: &str, contents: &[u8]) -> HostResult<()> {
        self.add(path, |aside| {
            fs::write(aside, contents)?;
            settle(aside, false)
        })
    }

    /// Adds a copy of these files.
    pub fn copy(&self, path: &str, parts: &[TreePart]) -> HostResult<()> {
        self.add(path, |aside| copy(parts, aside))
    }
}

/// What cannot be removed stays.
fn remove(path: &Path) {
    let _ = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        _ => fs::remove_file(path),
    };
}

/// What a store object looks like: read only, from the first second of 1970.
fn settle(path: &Path, executable: bool) -> io::Result<()> {
    platform::settle(path, UNIX_EPOCH + Duration::from_secs(1), executable)
}

/// The system's path of one that a program knows.
fn system(path: &[u8]) -> io::Result<Cow<'_, Path>> {
    Disk::to_system(path).map_err(|_| ErrorKind::NotFound.into())
}

/// Copies files, links and directories.
fn copy(parts: &[TreePart], target: &Path) -> io::Result<()> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut at = target.to_path_buf();
    for part in parts {
        match part {
            TreePart::Directory => {
                fs::create_dir(&at)?;
                folders.push(at.clone());
            }
            TreePart::Entry(name) => {
                let folder = folders.last().ok_or(ErrorKind::InvalidInput)?;
                at = folder.join(system(name)?);
            }
            TreePart::File { path, executable } => {
                fs::write(&at, fs::read(system(path)?)?)?;
                settle(&at, *executable)?;
            }
            TreePart::Symlink(link) => platform::symlink(link, &at)?,
            // Nothing can be added to a settled folder.
            TreePart::End => settle(&folders.pop().ok_or(ErrorKind::InvalidInput)?, true)?,
        }
    }
    Ok(())
}
