//! CppNix's answers. A process answers many programs, one after the other, up to the first that fails.

use crate::answer::Answer;
use crate::ours::FEATURES;
use crate::world::{FOLDER, STATE};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

    /// The answers to programs, in order. Those that are `risky` have processes of their own, unless they are asked
    /// `at_once`, when positions and frames of errors may be others.
    pub fn answers(&mut self, programs: &[(&str, bool)], at_once: bool) -> io::Result<Vec<Answer>> {
        let mut answers: Vec<Option<Answer>> = vec![None; programs.len()];
        if at_once {
            self.talk(programs, &mut answers)?;
        }
        let mut waiting: Vec<usize> = Vec::new();
        for (at, (program, risky)) in programs.iter().enumerate() {
            if answers[at].is_some() {
            } else if *risky {
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

    /// The errors of risky programs, as far as one process that reads them line by line says them. Each program is the
    /// argument of a call, so positions are not its own: who finds a difference asks again.
    fn talk(&mut self, programs: &[(&str, bool)], answers: &mut [Option<Answer>]) -> io::Result<()> {
        let asked: Vec<usize> = (0..programs.len()).filter(|&at| programs[at].1).collect();
        let mut lines = String::new();
        for &at in &asked {
            lines.push_str(&format!("__deepSeq ({}) null\n__trace \"{MARK}{at}\" null\n", programs[at].0));
        }
        self.started += 1;
        let mut command = command(60, &self.program.with_file_name("nix"));
        // It writes to its store, which later answers must not depend on.
        command.args(["repl", "--store", "dummy://?read-only=false", "--option", "substituters", ""]);
        command.args(["-I", &format!("world={FOLDER}")]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().expect("it is piped");
        // Written by a thread of its own: whoever talks back fills the other pipe.
        let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
        let output = child.wait_with_output()?;
        // A process that has died does not read on.
        let _ = writer.join();
        let said = String::from_utf8_lossy(&output.stderr);
        let (mut rest, mut is_whole) = (&said[..], true);
        for at in asked {
            // A text that is not complete swallows the lines behind it.
            let Some((text, later)) = rest.split_once(&format!("trace: {MARK}{at}\n")) else {
                is_whole = false;
                continue;
            };
            if is_whole && text.contains("error:") && !text.contains("stack overflow") {
                answers[at] = Some(Answer::Error(text.to_owned()));
            }
            (rest, is_whole) = (later, true);
        }
        Ok(())
    }

    /// The answers to programs up to and with the first that fails; at least one.
    fn run(&mut self, programs: &[&str]) -> io::Result<Vec<Answer>> {
        self.started += 1;
        let mark = format!("builtins.trace {MARK:?} {MARK:?}");
        let mut command = command(20, &self.program);
        command.args(["--eval", "--strict"]);
        command.args(["-I", &format!("world={FOLDER}"), "-E"]);
        for program in programs {
            command.args([*program, &mark]);
        }
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

/// A program in the world, which may run for so many seconds.
fn command(seconds: u32, program: &Path) -> Command {
    let limited = format!("ulimit -v 6000000; ulimit -c 0; exec timeout {seconds} \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limited, "sh"]).arg(program);
    command.current_dir(FOLDER).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/homeless");
    command.env("NIX_CONFIG", format!("experimental-features = {FEATURES}")).env("NIX_STATE_DIR", STATE);
    command
}
