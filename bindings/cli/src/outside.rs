//! The process's own environment and files, for settings.
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use frazil::settings::{Outside, SettingsError, Unreadable};

/// The world as this process sees it.
pub struct Process;

impl Outside for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn read(&self, path: &str) -> Result<String, Unreadable> {
        match fs::read(path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            // A link to nowhere is there, and cannot be read.
            Err(_) if self.exists(path) => Err(Unreadable::Other),
            Err(_) => Err(Unreadable::Missing),
        }
    }

    fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(path).is_ok()
    }

    fn working_directory(&self) -> String {
        // Without one, relative files are not found, as they would not be under any name.
        std::env::current_dir().map_or_else(|_| "/".to_owned(), |dir| dir.to_string_lossy().into_owned())
    }
}

/// The content of a file that a command line names, or why it cannot be read.
pub fn read_argument(path: &[u8]) -> Result<Vec<u8>, String> {
    let file = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
    let why = |error: &std::io::Error| {
        let text = error.to_string();
        text.split(" (os error").next().unwrap_or_default().to_owned()
    };
    let open = fs::File::open(file);
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
        let link = dir.0.join("link");
        std::os::unix::fs::symlink("nowhere", &link).expect("a link");
        assert_eq!(Process.read(&link.to_string_lossy()), Err(Unreadable::Other));
        assert_eq!(Process.read(&dir.0.to_string_lossy()), Err(Unreadable::Other));
        assert_eq!(Process.read(&dir.0.join("nowhere").to_string_lossy()), Err(Unreadable::Missing));
    }

    struct Scratch(std::path::PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            // What cannot be removed is left to the system's own cleaning of temporary files.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
