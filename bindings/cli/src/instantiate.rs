//! What the drop-in `nix-instantiate` does with its command line.

use crate::args::{self, Request, Verbosity};
use crate::outside::{Process, complaint};
use crate::session::{Failure, Session, complain, say};
use crate::store::Store;
use frazil::Disk;
use frazil::settings::{Outside, Settings};
use std::io::{self, Write};
use std::process::ExitCode;

/// The version of CppNix that the drop-in stands for.
const VERSION: &str = "nix-instantiate (Nix) 2.34.8";
const HELP: &str =
    "Usage: nix-instantiate [FLAGS] [FILES]\n\nTakes the flags of CppNix 2.34's nix-instantiate.";

/// Runs the drop-in; the words are those behind its name.
pub fn run(words: Vec<Vec<u8>>) -> ExitCode {
    match try_run(words) {
        Ok(code) => code,
        Err(message) => {
            complain(&message);
            ExitCode::FAILURE
        }
    }
}

fn try_run(words: Vec<Vec<u8>>) -> Result<ExitCode, Vec<u8>> {
    let mut settings = Settings::load(&Process).map_err(|e| complaint(&e))?;
    let request = args::parse(words, &mut settings).map_err(|e| complaint(&e))?;
    let args = match request {
        Request::Version => return Ok(answer(VERSION)),
        Request::Help => return Ok(answer(HELP)),
        Request::Run(args) => *args,
    };
    let mut args = args;
    if args.root.is_some() && store_uri(args.store.as_deref()).starts_with("dummy:") {
        // A store without a folder has no roots either.
        (args.root, args.root_warning) = (None, false);
    }
    if args.verbosity >= Verbosity::WARN {
        settings.take_warnings().iter().for_each(|warning| say(&format!("warning: {warning}")));
    }
    check_store(&store_uri(args.store.as_deref()))?;
    let store = if args.read_only { None } else { plain_store(args.store.as_deref())? };
    let mut session = Session::of(&settings, &args, store.clone());
    let outcome = session.run(&args);
    if Process.variable("NIX_SHOW_STATS").is_some_and(|value| value != "0") {
        say(&session.stats());
    }
    let failure = outcome.err().map(|failure| match failure {
        Failure::Eval(error) => Failure::Eval(Session::explain(&settings, &args, store, error)),
        failure => failure,
    });
    // CppNix does not mind when its reader has gone.
    match failure.and_then(|failure| failure.complaint(settings.show_trace())) {
        None => Ok(ExitCode::SUCCESS),
        Some(message) => Err(message),
    }
}

/// Schemes of stores that CppNix can open.
const STORE_SCHEMES: &[&str] = &[
    "daemon",
    "dummy",
    "file",
    "ftp",
    "http",
    "https",
    "legacy-ssh",
    "local",
    "local-overlay",
    "mounted-ssh-ng",
    "s3",
    "ssh",
    "ssh-ng",
    "unix",
];

/// An error if no store can be meant. Nothing is asked of a store that is far away.
fn check_store(uri: &str) -> Result<(), Vec<u8>> {
    if let Some(directory) =
        Process.variable("NIX_STORE_DIR").filter(|d| !d.is_empty() && !d.starts_with('/'))
    {
        return Err(format!("error: not an absolute path: \"{directory}\"").into_bytes());
    }
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
    let is_scheme = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    match scheme.filter(is_scheme) {
        Some(scheme) if !scheme.is_empty() && !STORE_SCHEMES.contains(&scheme) => {
            Err(format!("error: don't know how to open Nix store with scheme '{scheme}'").into_bytes())
        }
        _ => Ok(()),
    }
}

/// What names the store: the flag, or `NIX_REMOTE`.
fn store_uri(flag: Option<&str>) -> String {
    flag.map_or_else(|| Process.variable("NIX_REMOTE").unwrap_or_default(), str::to_owned)
}

/// The store to be written to, where that is a plain directory: `NIX_STORE_DIR`, or `nix/store` below the folder that
/// is the store. A daemon's store, or the system's, is not written to.
fn plain_store(flag: Option<&str>) -> Result<Option<Store>, Vec<u8>> {
    let uri = store_uri(flag);
    let logical = Process.variable("NIX_STORE_DIR");
    let (logical, physical) = match logical {
        logical if uri.starts_with('/') => {
            let logical = logical.unwrap_or_else(|| "/nix/store".to_owned());
            let physical = format!("{uri}{logical}");
            (logical, physical)
        }
        Some(logical) if matches!(uri.as_str(), "" | "local" | "auto") => (logical.clone(), logical),
        _ => return Ok(None),
    };
    let written = Disk::to_system(physical.as_bytes());
    let written = written.map_err(|_| format!("error: cannot write to a store at '{physical}'"))?;
    Ok(Some(Store { physical: written.into_owned(), logical }))
}

/// Prints a text that was asked for; a reader that has gone does not want it.
fn answer(text: &str) -> ExitCode {
    let _ = writeln!(io::stdout().lock(), "{text}");
    ExitCode::SUCCESS
}
