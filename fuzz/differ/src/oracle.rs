//! CppNix's answers. A process answers many programs, one after the other, up to the first that fails.

use crate::answer::Answer;
use crate::ours::FEATURES;
use crate::world::FOLDER;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// CppNix.
pub struct Oracle {
    program: PathBuf,
    /// How many processes were started.
    pub started: usize,
}

/// Stands between two programs, on standard output as well as on standard error.
const MARK: &str = "@@ next @@";

impl Oracle {
    /// The oracle below this folder.
    pub fn at(folder: &Path) -> Option<Oracle> {
        let program = folder.join("bin/nix-instantiate");
        program.exists().then_some(Oracle { program, started: 0 })
    }

    /// The answers to programs, in order. Those that are `risky` have processes of their own.
    pub fn answers(&mut self, programs: &[(&str, bool)]) -> io::Result<Vec<Answer>> {
        let mut answers: Vec<Option<Answer>> = vec![None; programs.len()];
        let mut waiting: Vec<usize> = Vec::new();
        for (at, (program, risky)) in programs.iter().enumerate() {
            if *risky {
                answers[at] = self.run(&[program])?.pop();
            } else {
                waiting.push(at);
            }
        }
        let mut rest = &waiting[..];
        while !rest.is_empty() {
            let batch: Vec<&str> = rest.iter().map(|&at| programs[at].0).collect();
            let found = self.run(&batch)?;
            for (&at, answer) in rest.iter().zip(&found) {
                answers[at] = Some(answer.clone());
            }
            rest = &rest[found.len()..];
        }
        Ok(answers.into_iter().map(|answer| answer.expect("each program was run")).collect())
    }

    /// The answers to programs up to and with the first that fails; at least one.
    fn run(&mut self, programs: &[&str]) -> io::Result<Vec<Answer>> {
        self.started += 1;
        let mark = format!("builtins.trace {MARK:?} {MARK:?}");
        let limited = "ulimit -v 6000000; ulimit -c 0; exec timeout 20 \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", limited, "sh"]).arg(&self.program).args(["--eval", "--strict"]);
        command.args(["-I", &format!("world={FOLDER}"), "-E"]);
        for program in programs {
            command.args([*program, &mark]);
        }
        command.current_dir(FOLDER).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/homeless");
        command.env("NIX_CONFIG", format!("experimental-features = {FEATURES}"));
        let output = command.output()?;
        let (out, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let mut answers = Vec::new();
        let mut out = out.as_ref();
        let mut errors = errors.as_ref();
        let (after_value, after_trace) = (format!("\n{MARK:?}\n"), format!("trace: {MARK}\n"));
        while let (Some((text, rest)), Some((traced, later))) =
            (out.split_once(&after_value), errors.split_once(&after_trace))
        {
            answers.push(Answer::Value { text: text.to_owned(), traced: traced.to_owned() });
            (out, errors) = (rest, later);
        }
        if answers.len() < programs.len() {
            answers.push(match output.status.code() {
                Some(1) if errors.contains("stack overflow (possible infinite recursion)") => {
                    Answer::Exhausted
                }
                // An unknown hash algorithm counts as a mistake of the command line.
                Some(1) if errors.contains("error:") && !errors.contains("unrecognised flag") => {
                    let hint = "Try 'nix-instantiate --help' for more information.\n";
                    Answer::Error(errors.trim_end_matches(hint).to_owned())
                }
                Some(124) | None => Answer::Exhausted,
                _ => Answer::Broken(errors.to_owned()),
            });
        }
        Ok(answers)
    }
}
