//! The command line.
#![forbid(unsafe_code)]

use clap::Parser;
use frazil_cli::command::{Cli, Invocation, invocation};
use std::process::ExitCode;

fn main() -> ExitCode {
    match invocation(std::env::args_os().collect()) {
        Invocation::DropIn(words) => frazil_cli::instantiate::run(words),
        Invocation::Own(words) => match Cli::try_parse_from(words) {
            Ok(cli) => frazil_cli::own::run(&cli.command),
            Err(answer) => {
                // Nobody is left to tell if the reader has gone.
                let _ = answer.print();
                // Help and version are what was asked for.
                if answer.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
            }
        },
    }
}
