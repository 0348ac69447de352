//! What the drop-in `nix-instantiate` does with its command line.
#![expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]

use crate::args::{self, AutoArg, Input, InstantiateArgs, Mode, Output, Request, Verbosity};
use crate::outside::{Process, complaint};
use frazil::settings::{Feature, Outside, Settings};
use frazil::{AutoArgs, Disk, Error, Evaluator, Limits, Source};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

/// The version of CppNix that the drop-in stands for.
const VERSION: &str = "nix-instantiate (Nix) 2.34.8";

/// Runs the drop-in; the words are those behind its name.
pub fn run(words: Vec<Vec<u8>>) -> ExitCode {
    match try_run(words) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{}", message.trim_end_matches('\n'));
            ExitCode::FAILURE
        }
    }
}

fn try_run(words: Vec<Vec<u8>>) -> Result<ExitCode, String> {
    let mut settings = Settings::load(&Process).map_err(|e| complaint(&e))?;
    let request = args::parse(words, &mut settings).map_err(|e| complaint(&e))?;
    let args = match request {
        Request::Version => {
            println!("{VERSION}");
            return Ok(ExitCode::SUCCESS);
        }
        Request::Help => {
            println!("Usage: nix-instantiate [FLAGS] [FILES]\n\nTakes the flags of CppNix 2.34's nix-instantiate.");
            return Ok(ExitCode::SUCCESS);
        }
        Request::Run(args) => *args,
    };
    if args.verbosity >= Verbosity::WARN {
        settings.take_warnings().iter().for_each(|w| eprintln!("warning: {w}"));
    }
    let mut session = Session::new(&args, &settings);
    let outcome = session.run(&args);
    session.show_stats();
    match outcome {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Failure::Eval(error)) => Err(session.evaluator.render(&error, settings.show_trace())),
        Err(Failure::Output(error)) => Err(format!("error: writing to standard output: {error}")),
    }
}

enum Failure {
    Eval(Error),
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Eval(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// An evaluator set up as settings and command line say.
pub struct Session {
    /// The evaluator.
    pub evaluator: Evaluator,
    here: Vec<u8>,
    started: std::time::Instant,
}

/// The working directory.
fn here() -> Vec<u8> {
    std::env::current_dir().map_or_else(|_| b"/".to_vec(), |dir| dir.as_os_str().as_bytes().to_vec())
}

/// Entries of a search path: `NAME=PATH` or `PATH`.
fn search_entries(entries: Vec<String>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let split = |entry: String| match entry.split_once('=') {
        Some((name, path)) => (name.as_bytes().to_vec(), path.as_bytes().to_vec()),
        None => (Vec::new(), entry.into_bytes()),
    };
    entries.into_iter().map(split).collect()
}

impl Session {
    /// Sets an evaluator up.
    pub fn new(args: &InstantiateArgs, settings: &Settings) -> Session {
        let includes: Vec<String> =
            args.includes.iter().map(|i| String::from_utf8_lossy(i).into_owned()).collect();
        let nix_path = search_entries(settings.search_path(&includes, &Process));
        let store_dir = Process.variable("NIX_STORE_DIR").and_then(|dir| frazil::StoreDir::new(&dir));
        let eval = frazil::Settings {
            system: settings.current_system().as_bytes().to_vec(),
            store_dir: store_dir.unwrap_or_default(),
            nix_path,
            home: Process.variable("HOME").map(String::into_bytes),
            pure: settings.pure_eval(),
            restricted: settings.restrict_eval(),
            trace_verbose: settings.trace_verbose(),
            abort_on_warn: settings.abort_on_warn(),
            trace_calls: settings.trace_function_calls(),
            pipe_operators: settings.has_feature(Feature::PipeOperators),
            toml_timestamps: settings.has_feature(Feature::ParseTomlTimestamps),
        };
        let limits = Limits { depth: settings.max_call_depth(), ..Limits::default() };
        let started = std::time::Instant::now();
        Session { evaluator: Evaluator::new(Arc::new(Disk), eval, limits), here: here(), started }
    }

    fn run(&mut self, args: &InstantiateArgs) -> Result<(), Failure> {
        let auto_args = self.auto_args(args)?;
        let mut warned = !args.root_warning || args.root.is_some();
        for input in &args.inputs {
            if args.mode == Mode::FindFile {
                let (Input::File(name) | Input::Expression(name)) = input else { continue };
                let found = self.evaluator.find_file(name)?;
                line(&found)?;
                continue;
            }
            let source = self.source(input)?;
            if args.mode == Mode::Parse {
                line(&self.evaluator.parse(&source)?)?;
                continue;
            }
            let root = self.evaluator.eval(&source)?;
            for path in &args.attributes {
                let v = self.evaluator.select(root, path, &auto_args)?;
                let v = self.evaluator.force(v)?;
                if args.mode == Mode::Evaluate {
                    self.show(v, args, &auto_args)?;
                    continue;
                }
                for found in self.evaluator.derivations(v, &auto_args)? {
                    if !warned {
                        warned = true;
                        eprintln!(
                            "warning: you did not specify '--add-root'; the result might be removed by the garbage collector"
                        );
                    }
                    let mut text = found.drv_path;
                    if found.output != b"out" {
                        text.push(b'!');
                        text.extend_from_slice(&found.output);
                    }
                    line(&text)?;
                }
            }
        }
        Ok(())
    }

    fn auto_args(&mut self, args: &InstantiateArgs) -> Result<AutoArgs, Failure> {
        let mut values = Vec::new();
        for (name, arg) in &args.auto_args {
            let v = match arg {
                AutoArg::Expression(text) => self.evaluator.delay(text, &self.here)?,
                AutoArg::String(text) => self.evaluator.string(text),
                AutoArg::File(path) => {
                    let path = self.absolute(path);
                    let text = self.evaluator.read_file(&path)?;
                    self.evaluator.string(&text)
                }
                AutoArg::Stdin => {
                    let text = read_stdin()?;
                    self.evaluator.string(&text)
                }
            };
            values.push((name.clone(), v));
        }
        Ok(AutoArgs(values))
    }

    fn absolute(&self, path: &[u8]) -> Vec<u8> {
        if path.starts_with(b"/") { path.to_vec() } else { [&self.here[..], b"/", path].concat() }
    }

    fn source(&mut self, input: &Input) -> Result<Source, Failure> {
        Ok(match input {
            Input::Stdin => Source::Stdin(read_stdin()?, self.here.clone()),
            Input::Expression(text) => Source::Text(text.clone(), self.here.clone()),
            Input::File(name) => match name.strip_prefix(b"<").and_then(|n| n.strip_suffix(b">")) {
                Some(name) => Source::File(self.evaluator.find_file(name)?),
                None => Source::File(self.absolute(name)),
            },
        })
    }

    fn show(&mut self, v: frazil::Val, args: &InstantiateArgs, auto_args: &AutoArgs) -> Result<(), Failure> {
        let v = if args.auto_args.is_empty() { v } else { self.evaluator.auto_call(v, auto_args)? };
        let v = if args.strict { self.evaluator.force_deep(v)? } else { v };
        match args.output {
            Output::Raw => {
                let text = self.evaluator.to_text(v, "while generating the nix-instantiate output")?;
                io::stdout().write_all(&text)?;
            }
            Output::Xml => io::stdout().write_all(&self.evaluator.to_xml(v, args.strict, args.locations)?)?,
            Output::Json => line(&self.evaluator.to_json(v, args.strict)?)?,
            Output::Plain => line(&self.evaluator.print(v)?)?,
        }
        Ok(())
    }

    /// `NIX_SHOW_STATS`
    fn show_stats(&mut self) {
        let shown = Process.variable("NIX_SHOW_STATS").is_some_and(|v| v != "0");
        if shown {
            eprintln!("{}", crate::stats::json(&mut self.evaluator, self.started.elapsed()));
        }
    }
}

fn read_stdin() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text)?;
    Ok(text)
}

fn line(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.write_all(b"\n")
}
