//! Tells the cache of code what reads texts: code that another state of the compiler made is not used.
#![expect(clippy::disallowed_methods, reason = "a build script reads files")]

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// What makes code of texts. In a published crate they are not there, and its version says it all.
const READERS: [&str; 2] = ["../../syntax/src", "../code/src"];

fn main() {
    let mut files = Vec::new();
    for reader in READERS.map(Path::new).into_iter().filter(|reader| reader.is_dir()) {
        println!("cargo::rerun-if-changed={}", reader.display());
        add_files(reader, &mut files);
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in &files {
        fs::read(file).expect("a source file").hash(&mut hasher);
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=FRAZIL_READER={:016x}", hasher.finish());
}

fn add_files(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() { add_files(&entry, files) } else { files.push(entry) }
    }
}
