//! `frazil check`: what is wrong with files before they run, and what could be better.
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use crate::command::{Check, Format};
use crate::outside::Process;
use crate::own::print;
use crate::report::{self, File};
use crate::session::{Failure, absolute, engine, say};
use frazil::lint::{Finding, Level, Rule};
use frazil::settings::{Outside, Settings};
use frazil::{Disk, Engine, Error, ErrorKind, Source};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Says all that is wrong with each file.
pub fn run(args: &Check, settings: &Settings) -> Result<(), Failure> {
    let engine = engine(settings, &[], Disk);
    let mut files = Vec::new();
    for path in &args.paths {
        for file in files_at(path).map_err(|error| format!("cannot read '{}': {error}", path.display()))? {
            files.push(check(&engine, &file, args.lint)?);
        }
    }
    match args.format {
        Format::Human => {
            let text = report::human(&files);
            if !text.is_empty() {
                say(text.trim_end());
            }
        }
        Format::Json => print(&report::json(&files))?,
        Format::Sarif => print(&report::sarif(&files))?,
    }
    let worst = args.fail_on.map_or(Level::Error, Level::from);
    let of = |level: Level| {
        files.iter().flat_map(|file| &file.findings).filter(|finding| finding.rule.level() == level).count()
    };
    let counted: Vec<String> = [Level::Error, Level::Warning, Level::Note]
        .into_iter()
        .filter(|&level| level <= worst && of(level) > 0)
        .map(|level| counted(of(level), report::word(level)))
        .collect();
    if counted.is_empty() {
        return Ok(());
    }
    Err(Failure::Other(format!("{} found in {}", counted.join(", "), self::counted(files.len(), "file"))))
}

/// What there is to say about a file.
fn check(engine: &Engine, file: &Path, lint: bool) -> Result<File, Failure> {
    let here = Process.working_directory();
    let place = absolute(here.as_bytes(), file.as_os_str().as_encoded_bytes())?;
    let path = file.to_string_lossy().into_owned();
    // Each file has an evaluator of its own, so that the sources of thousands need not stay.
    let mut evaluator = engine.evaluator();
    let errors = evaluator.check(Source::file(place)).unwrap_or_else(|error| vec![error]);
    let Ok(text) = fs::read(file).map(String::from_utf8) else {
        let findings = errors.iter().map(|error| plain(error, "")).collect();
        return Ok(File { path, text: String::new(), findings });
    };
    let Ok(text) = text else {
        // The rules are about text; the evaluator reads bytes.
        let text =
            fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let findings = errors.iter().map(|error| plain(error, &text)).collect();
        return Ok(File { path, text, findings });
    };
    let mut findings = evaluator.findings(&text, lint);
    if errors.is_empty() {
        // What evaluates is no error, whatever the rules say.
        findings.retain(|finding| finding.rule.level() != Level::Error);
    } else if findings.iter().all(|finding| finding.rule.level() != Level::Error) {
        findings.extend(errors.iter().map(|error| plain(error, &text)));
    }
    Ok(File { path, text, findings })
}

/// An error of the evaluator's as a finding.
fn plain(error: &Error, text: &str) -> Finding {
    let rule = match error.kind() {
        ErrorKind::UndefinedVariable => Rule::UndefinedVariable,
        _ => Rule::Syntax,
    };
    let start = error.position().map_or(0, |position| {
        let mut lines = text.split_inclusive('\n');
        let before: usize = lines.by_ref().take(position.line as usize - 1).map(str::len).sum();
        let column = (position.column as usize - 1).min(lines.next().map_or(0, str::len));
        // A column of bytes may lie within a character that was replaced.
        (0..=before + column).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
    });
    Finding {
        rule,
        range: start..start,
        message: error.message().to_owned(),
        related: Vec::new(),
        hint: None,
        fix: Vec::new(),
    }
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
