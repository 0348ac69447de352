//! The command line of Frazil: what it understands, and what it does.
#![forbid(unsafe_code)]

pub mod args;
pub mod check;
pub mod command;
pub mod instantiate;
pub mod jobs;
pub mod outside;
pub mod own;
pub mod plain;
pub mod platform;
pub mod process;
pub mod repl;
pub mod report;
pub mod session;
pub mod stats;
pub mod store;

use clap::Parser;
use command::{Cli, Invocation, invocation};
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what a command line says, its first word the program's name; answers the exit status.
pub fn run(words: Vec<OsString>) -> u8 {
    let outcome = match invocation(words) {
        Invocation::DropIn(words) => instantiate::run(words),
        Invocation::Own(words) => match Cli::try_parse_from(words) {
            Ok(cli) => own::run(&cli.command),
            Err(answer) => {
                // Nobody is left to tell if the reader has gone.
                let _ = answer.print();
                // Help and version are what was asked for.
                if answer.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
            }
        },
    };
    u8::from(outcome != ExitCode::SUCCESS)
}
