//! Where systems differ for a command line: words that are paths, variables, and how a store's directory looks.

#[cfg_attr(unix, path = "platform/unix.rs")]
#[cfg_attr(windows, path = "platform/windows.rs")]
mod system;

use std::io;
use std::path::Path;
use std::time::SystemTime;

/// The path that a word of a command line is.
pub fn path(word: &[u8]) -> io::Result<&Path> {
    system::path(word)
}

/// A variable of the environment, as settings take it.
///
/// On Windows those that hold paths may say `C:\x`, and lists of them have `;` in between; `HOME` is the profile's folder
/// where it is not set.
pub fn variable(name: &str) -> Option<String> {
    system::variable(name)
}

/// Makes a link of a store's, which Windows refuses: links there are to a file or to a folder, and their targets on a drive.
pub fn symlink(target: &[u8], link: &Path) -> io::Result<()> {
    system::symlink(target, link)
}

/// Makes a file or folder read only, from that time on unchanged. On Windows no file is executable, and folders stay open.
pub fn settle(path: &Path, time: SystemTime, executable: bool) -> io::Result<()> {
    system::settle(path, time, executable)
}
