//! The world that programs see: a few files, the same for both evaluators.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// The folder that relative paths start from. It lies deep, so that few programs reach what is around it.
pub const FOLDER: &str = "/tmp/frazil-differ/1/2/3/4/5/world";

/// Where the oracle would note what is valid in its store: nothing is.
pub const STATE: &str = "/tmp/frazil-differ/state";

/// Makes the folders anew.
pub fn make() -> io::Result<PathBuf> {
    let folder = PathBuf::from(FOLDER);
    for old in [FOLDER, STATE] {
        match fs::remove_dir_all(old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::create_dir_all(folder.join("data/deep/er"))?;
    let files = [
        ("x.nix", "{ a = 1; b = \"two\"; }"),
        ("fun.nix", "{ a ? 1, ... }: a"),
        ("rec.nix", "rec { a = b; b = [ ./x.nix 1.5 ]; }"),
        ("broken.nix", "{ a = ; }"),
        ("text", "line\nüber\n"),
        ("data/a.json", "{\"a\": [1, 2.5, null, \"x\"]}"),
        ("data/deep/er/leaf", ""),
        ("default.nix", "x: x"),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text)?;
    }
    symlink("x.nix", folder.join("link"))?;
    symlink("nowhere", folder.join("dangling"))?;
    Ok(folder)
}
