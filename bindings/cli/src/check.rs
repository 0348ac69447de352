//! `frazil check`: what is wrong with files before they run.
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use crate::command::Check;
use crate::outside::Process;
use crate::session::{Failure, absolute, engine, say};
use frazil::settings::{Outside, Settings};
use frazil::{Disk, Engine, Source};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Says all that is wrong with each file.
pub fn run(args: &Check, settings: &Settings) -> Result<(), Failure> {
    let engine = engine(settings, &[], Disk);
    let (mut files, mut wrong) = (0, 0);
    for path in &args.paths {
        for file in files_at(path).map_err(|error| format!("cannot read '{}': {error}", path.display()))? {
            files += 1;
            wrong += errors_of(&engine, &file);
        }
    }
    if wrong > 0 {
        return Err(Failure::Other(format!(
            "{} found in {}",
            counted(wrong, "error"),
            counted(files, "file")
        )));
    }
    Ok(())
}

/// Says what is wrong with a file; answers how much it is.
fn errors_of(engine: &Engine, file: &Path) -> usize {
    let here = Process.working_directory();
    let path = absolute(here.as_bytes(), file.as_os_str().as_encoded_bytes());
    // Each file has an evaluator of its own, so that the sources of thousands need not stay.
    let errors = engine.evaluator().check(Source::file(path)).unwrap_or_else(|error| vec![error]);
    errors.iter().for_each(|error| say(error.render()));
    errors.len()
}

/// A file itself, or all `.nix` files below a folder, by name; links among them are not followed.
fn files_at(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let (mut files, mut folders) = (Vec::new(), vec![path.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "nix") {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
