//! The process's own environment and files, for settings.
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use std::fs;
use std::io::Read;

use frazil::settings::{Outside, SettingsError, Unreadable};
use frazil::{Disk, Host};

use crate::platform;

/// The world as this process sees it.
pub struct Process;

impl Outside for Process {
    fn variable(&self, name: &str) -> Option<String> {
        platform::variable(name)
    }

    fn read(&self, path: &str) -> Result<String, Unreadable> {
        match fs::read(Disk::to_system(path.as_bytes()).map_err(|_| Unreadable::Missing)?) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            // A link to nowhere is there, and cannot be read.
            Err(_) if self.exists(path) => Err(Unreadable::Other),
            Err(_) => Err(Unreadable::Missing),
        }
    }

    fn exists(&self, path: &str) -> bool {
        Disk::to_system(path.as_bytes()).is_ok_and(|path| fs::symlink_metadata(path).is_ok())
    }

    fn working_directory(&self) -> String {
        String::from_utf8_lossy(&Disk.working_directory()).into_owned()
    }
}

/// The content of a file that a command line names, or why it cannot be read.
pub fn read_argument(path: &[u8]) -> Result<Vec<u8>, String> {
    let why = |error: &std::io::Error| {
        let text = error.to_string();
        text.split(" (os error").next().unwrap_or_default().to_owned()
    };
    let open = platform::path(path).and_then(fs::File::open);
    let mut open =
        open.map_err(|e| format!("opening file \"{}\": {}", String::from_utf8_lossy(path), why(&e)))?;
    let mut text = Vec::new();
    open.read_to_end(&mut text).map_err(|e| format!("read of 65536 bytes: {}", why(&e)))?;
    Ok(text)
}

/// What standard error says of settings or arguments that could not be taken.
pub fn complaint(error: &SettingsError) -> Vec<u8> {
    let text = match error {
        SettingsError::Failure(message) => format!("error: {message}\n"),
        SettingsError::Usage(message) => {
            format!("error: {message}\nTry 'nix-instantiate --help' for more information.\n")
        }
    };
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_broken_link_are_there_and_cannot_be_read() {
        let dir = std::env::temp_dir().join(format!("frazil-outside.{}", std::process::id()));
        fs::create_dir(&dir).expect("a scratch folder");
        let dir = Scratch(dir);
        let read = |file: &str| {
            let path = Disk::to_nix(dir.0.join(file)).expect("a path");
            Process.read(&String::from_utf8_lossy(&path))
        };
        assert_eq!(read(""), Err(Unreadable::Other));
        assert_eq!(read("nowhere"), Err(Unreadable::Missing));
        if cfg!(unix) {
            platform::symlink(b"nowhere", &dir.0.join("link")).expect("a link");
            assert_eq!(read("link"), Err(Unreadable::Other));
        }
    }

    struct Scratch(std::path::PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            // What cannot be removed is left to the system's own cleaning of temporary files.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
