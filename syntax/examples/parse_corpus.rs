//! Parses every `.nix` file below a folder into the compact tree, and prints how fast, and what was refused.
//!
//! `cargo run --release -p frazil-syntax --example parse_corpus -- FOLDER`
#![expect(clippy::disallowed_methods, reason = "a measurement meets the system itself")]

use frazil_syntax::symbol::Symbols;
use frazil_syntax::{Options, parse};
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() {
    let root = std::env::args_os().nth(1).expect("the folder is the argument");
    let mut files = Vec::new();
    collect(Path::new(&root), &mut files);
    files.sort();
    let sources: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).expect("readable")).collect();
    let bytes: usize = sources.iter().map(Vec::len).sum();
    let mut refused = Vec::new();
    let mut symbols = Symbols::new();
    let start = Instant::now();
    for (file, source) in files.iter().zip(&sources) {
        if let Err(error) = parse(source, &mut symbols, &Options::default()) {
            refused.push((file, error));
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    for (file, error) in &refused {
        let message = error.render(|offset| format!("byte {offset}"));
        println!("{}: byte {}: {}", file.display(), error.offset, String::from_utf8_lossy(&message));
    }
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{} files, {megabytes:.1} MB, {:.1} MB/s, {} refused",
        files.len(),
        megabytes / seconds,
        refused.len()
    );
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("readable");
        let kind = entry.file_type().expect("known");
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() && entry.path().extension().is_some_and(|ext| ext == "nix") {
            files.push(entry.path());
        }
    }
}
