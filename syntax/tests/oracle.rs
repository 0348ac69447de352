//! Trees and messages against those of CppNix 2.34.8, on files of Nixpkgs and on what is left of them.
//!
//! `FRAZIL_ORACLE` is a folder with `bin/nix-instantiate`, `FRAZIL_NIXPKGS` a checkout; by default both are below
//! `$XDG_CACHE_HOME/frazil`. Without them the tests say so and do nothing.
//! `FRAZIL_SAMPLE` is how many files are looked at.
#![expect(clippy::disallowed_methods, reason = "this test reads files that are not in the checkout")]

use frazil_syntax::show::{Places, show};
use frazil_syntax::symbol::Symbols;
use frazil_syntax::{Options, parse, parse_lossless};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const OPTIONS: Options = Options { pipe_operators: true };

fn place(variable: &str, default: &str) -> Option<PathBuf> {
    let cache = || match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => Some(PathBuf::from(cache)),
        None => Some(std::env::home_dir()?.join(".cache")),
    };
    let place = match std::env::var_os(variable) {
        Some(place) => PathBuf::from(place),
        None => cache()?.join(default),
    };
    if place.exists() {
        return Some(place);
    }
    println!("SKIPPED: {} is absent; set {variable}", place.display());
    None
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("readable");
        let kind = entry.file_type().expect("known");
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() && entry.path().extension().is_some_and(|extension| extension == "nix") {
            files.push(entry.path());
        }
    }
}

/// Files from all over Nixpkgs, the same each time.
fn sample(nixpkgs: &Path, default: usize) -> Vec<PathBuf> {
    let wanted = std::env::var("FRAZIL_SAMPLE").ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let mut files = Vec::new();
    collect(nixpkgs, &mut files);
    files.sort();
    let step = (files.len() / wanted).max(1);
    files.into_iter().step_by(step).collect()
}

fn instantiate(oracle: &Path, args: impl IntoIterator<Item = OsString>) -> std::process::Output {
    let mut command = Command::new(oracle.join("bin/nix-instantiate"));
    command.args(["--option", "experimental-features", "pipe-operators", "--parse"]).args(args);
    command.output().expect("the oracle runs")
}

fn ours(source: &[u8], file: &Path) -> Result<Vec<u8>, String> {
    let mut symbols = Symbols::new();
    let place = |offset: u32| {
        let before = &source[..offset as usize];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        format!("{}:{line}:{column}", file.display())
    };
    let exprs = parse(source, &mut symbols, &OPTIONS).map_err(|error| {
        let message = error.render(place);
        format!("{} at {}", String::from_utf8_lossy(&message), place(error.offset))
    })?;
    let base = file.parent().expect("a file is in a folder").as_os_str().as_bytes();
    let home = std::env::home_dir().unwrap_or_default();
    Ok(show(&exprs, &symbols, Places { base, home: home.as_os_str().as_bytes() }))
}

#[test]
fn trees() {
    let (Some(oracle), Some(nixpkgs)) =
        (place("FRAZIL_ORACLE", "frazil/cppnix"), place("FRAZIL_NIXPKGS", "frazil/nixpkgs"))
    else {
        return;
    };
    for files in sample(&nixpkgs, 2000).chunks(400) {
        let output = instantiate(&oracle, files.iter().map(|file| file.clone().into_os_string()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = output.stdout.strip_suffix(b"\n").expect("a line per file").split(|&byte| byte == b'\n');
        for (file, expected) in files.iter().zip(lines) {
            let source = std::fs::read(file).expect("readable");
            let found = ours(&source, file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert!(found == expected, "{} has another tree", file.display());
        }
    }
}

/// Files that end too early, or lack some bytes.
#[test]
fn messages() {
    let (Some(oracle), Some(nixpkgs)) =
        (place("FRAZIL_ORACLE", "frazil/cppnix"), place("FRAZIL_NIXPKGS", "frazil/nixpkgs"))
    else {
        return;
    };
    let broken = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken.nix");
    for (at, file) in sample(&nixpkgs, 200).iter().enumerate() {
        let mut source = std::fs::read(file).expect("readable");
        let cut = at * 7919 % (source.len() + 1);
        let end = if at % 2 == 0 { source.len() } else { (cut + at % 5).min(source.len()) };
        source.drain(cut..end);
        std::fs::write(&broken, &source).expect("writable");
        let output = instantiate(&oracle, [broken.clone().into_os_string()]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let Err(error) = ours(&source, &broken) else {
            // Whether a variable exists is not the parser's business.
            assert!(output.status.success() || stderr.contains("undefined variable"), "{stderr}");
            continue;
        };
        let (_, text) = stderr.split_once("error: ").expect("the oracle refuses it, too");
        let (message, rest) = text.split_once("\n       at ").expect("an error has a place");
        let (place, _) = rest.split_once(":\n").expect("a place is on one line");
        assert_eq!(error, format!("{message} at {place}"), "{} without {cut}..{end}", file.display());
    }
}

#[test]
fn lossless_trees_have_every_byte() {
    let Some(nixpkgs) = place("FRAZIL_NIXPKGS", "frazil/nixpkgs") else { return };
    for file in sample(&nixpkgs, 2000) {
        let source = String::from_utf8(std::fs::read(&file).expect("readable")).expect("UTF-8");
        let (tree, errors) = parse_lossless(&source, &OPTIONS);
        assert!(tree.text() == source.as_str(), "{}", file.display());
        assert_eq!(errors, [], "{}", file.display());
    }
}
