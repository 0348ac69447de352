//! The command line.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use clap::Parser;
use frazil_cli::command::{Cli, Invocation, invocation};
use std::process::ExitCode;

fn main() -> ExitCode {
    match invocation(std::env::args_os().collect()) {
        Invocation::DropIn(words) => frazil_cli::instantiate::run(words),
        Invocation::Own(words) => {
            let _ = Cli::parse_from(words);
            ExitCode::FAILURE
        }
    }
}
