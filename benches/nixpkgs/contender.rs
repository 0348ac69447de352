//! Who is measured, and one measured run.

use std::ffi::OsString;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

use crate::workload::Workload;

/// One way to run `nix-instantiate`.
#[derive(Clone)]
pub(crate) struct Contender {
    /// What the report calls it.
    pub(crate) name: &'static str,
    /// The program and its first arguments; a workload's follow.
    command: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

/// What one run cost.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) wall: Duration,
    /// Largest resident set in bytes.
    pub(crate) peak: u64,
}

/// One finished run.
pub(crate) struct Run {
    pub(crate) sample: Sample,
    /// Standard output.
    pub(crate) output: Vec<u8>,
    /// Why the run does not count: its exit status and the end of its standard error.
    pub(crate) complaint: Option<String>,
}

impl Contender {
    /// Frazil's binary, or any `nix-instantiate` in its place.
    pub(crate) fn frazil(binary: &Path) -> Result<Contender, String> {
        let binary = binary.canonicalize().map_err(|error| {
            format!("{}: {error}; build it (cargo build --release) or give --frazil", binary.display())
        })?;
        let drop_in = binary.file_name().is_some_and(|name| name == "nix-instantiate");
        let mut command = vec![binary.into_os_string()];
        if !drop_in {
            command.push("nix-instantiate".into());
        }
        // Every text is parsed in each run, as CppNix does.
        Ok(Contender { name: "frazil", command, environment: vec![("FRAZIL_CACHE", "".into())] })
    }

    /// The same with code of earlier runs in `cache`.
    pub(crate) fn keeping_code(mut self, cache: &Path) -> Contender {
        self.name = "frazil, code kept";
        self.environment = vec![("FRAZIL_CACHE", cache.into())];
        self
    }

    /// CppNix in `dir`. Where `dir/bin/nix-instantiate` is a script that starts the loader of `dir/root`, the loader is
    /// called directly: a shell's millisecond is none of CppNix's.
    pub(crate) fn oracle(dir: &Path) -> Result<Contender, String> {
        let wrapper = dir.join("bin/nix-instantiate");
        let text = std::fs::read(&wrapper).map_err(|error| format!("{}: {error}", wrapper.display()))?;
        let words = String::from_utf8(text).ok().and_then(|script| {
            let line = script.lines().find(|line| line.starts_with("exec "))?;
            let words: Vec<OsString> = line
                .split_whitespace()
                .skip(1)
                .take_while(|word| *word != "\"$@\"")
                .map(OsString::from)
                .collect();
            (words.len() > 1).then_some(words)
        });
        let command = words.unwrap_or_else(|| vec![wrapper.into_os_string()]);
        Ok(Contender { name: "oracle", command, environment: Vec::new() })
    }

    /// The same with Boehm's collector switched off.
    pub(crate) fn without_collector(mut self) -> Contender {
        self.name = "oracle, no gc";
        self.environment.push(("GC_DONT_GC", "1".into()));
        self
    }

    /// Runs `workload` once and waits for it.
    pub(crate) fn run(&self, workload: &Workload) -> Result<Run, String> {
        let failed = |error: io::Error| format!("{}: {error}", self.command[0].display());
        let scratch = Scratch::new().map_err(failed)?;
        let (mut output, mut errors) =
            (scratch.file("out").map_err(failed)?, scratch.file("err").map_err(failed)?);
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .args(&workload.args)
            // Neither side reads settings or search paths of whoever measures, nor writes to a store of theirs.
            .env("NIX_PATH", "")
            .env("NIX_CONFIG", "")
            .env("NIX_USER_CONF_FILES", "")
            .env("NIX_CONF_DIR", &scratch.dir)
            .env("NIX_STATE_DIR", scratch.dir.join("state"))
            .env("NIX_LOG_DIR", scratch.dir.join("log"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(errors.try_clone().map_err(failed)?);
        let start = Instant::now();
        let child = command.spawn().map_err(failed)?;
        let end = child.wait4().map_err(failed)?;
        let sample = Sample {
            user: end.rusage.utime,
            system: end.rusage.stime,
            wall: start.elapsed(),
            peak: end.rusage.maxrss,
        };
        let output = read_back(&mut output).map_err(failed)?;
        let complaint = if end.status.success() {
            None
        } else {
            let errors = read_back(&mut errors).map_err(failed)?;
            Some(format!("{}: {}", end.status, tail(&errors)))
        };
        Ok(Run { sample, output, complaint })
    }
}

/// A folder of one run, removed with it.
struct Scratch {
    dir: std::path::PathBuf,
}

impl Scratch {
    fn new() -> io::Result<Scratch> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let dir =
            std::env::temp_dir().join(format!("frazil-bench.{}.{}", std::process::id(), now.as_nanos()));
        std::fs::create_dir(&dir)?;
        Ok(Scratch { dir })
    }

    fn file(&self, name: &str) -> io::Result<std::fs::File> {
        std::fs::File::options().read(true).write(true).create_new(true).open(self.dir.join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning of temporary files.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn read_back(file: &mut std::fs::File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last lines of a message, as many as one reads.
fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(4)..].join("\n")
}
