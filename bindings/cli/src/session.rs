//! One command line at work: an evaluator, its inputs, and what is printed of their values.

use crate::args::{AutoArg, Input, InstantiateArgs, Mode, Output};
use crate::outside::Process;
use crate::plain::plain;
use crate::platform;
use crate::process::{Outer, Progress};
use crate::store::Store;
use frazil::settings::{Outside, Settings};
use frazil::{
    Arguments, Builder, Cache, Disk, Engine, Error, ErrorKind, Evaluator, Host, Scope, Source, Value,
};
use std::io::{self, Read, Write};
use std::mem::ManuallyDrop;

/// Why a command line ends without success.
#[derive(Debug)]
pub enum Failure {
    /// A program has no value.
    Eval(Error),
    /// Standard input or output failed.
    Stream(io::Error),
    /// Anything else, in words.
    Other(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Eval(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Stream(error)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Failure {
        Failure::Other(text)
    }
}

impl Failure {
    /// What standard error says. A reader that has gone wants to hear nothing.
    pub fn complaint(&self, show_trace: bool) -> Option<Vec<u8>> {
        match self {
            Failure::Eval(error) if error.kind() == ErrorKind::Usage => {
                let advice = &b"\nTry 'nix-instantiate --help' for more information."[..];
                Some([error.render_bytes(show_trace), advice].concat())
            }
            Failure::Eval(error) => Some(error.render_bytes(show_trace).to_owned()),
            Failure::Stream(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Failure::Stream(error) => Some(format!("error: {error}").into_bytes()),
            Failure::Other(text) => Some(format!("error: {text}").into_bytes()),
        }
    }
}

/// Says why a command failed.
pub fn complain(complaint: &[u8]) {
    let end = complaint.iter().rposition(|&c| c != b'\n').map_or(0, |last| last + 1);
    // Nobody is left to tell if standard error is gone.
    let _ = io::stderr().lock().write_all(&[&plain(&complaint[..end]), &b"\n"[..]].concat());
}

/// Says a line on standard error; nobody is left to tell if that is gone.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// An evaluator set up as settings and command line say.
pub struct Session {
    /// The evaluator. The process ends when it is no longer needed, so its memory is not given back piece by piece.
    pub evaluator: ManuallyDrop<Evaluator>,
    /// The working directory.
    pub here: Vec<u8>,
    /// The line of progress.
    pub progress: Progress,
    /// Paths of the derivations that were printed.
    pub derivations: Vec<String>,
    started: u64,
    /// Whether it only wants to know why it fails, and prints nothing.
    is_quiet: bool,
}

/// Entries of a search path: `NAME=PATH` or `PATH`.
fn search_entry(entry: &str) -> (&str, &str) {
    entry.split_once('=').unwrap_or(("", entry))
}

/// The engine of settings, a search path and a host.
pub fn engine(settings: &Settings, includes: &[Vec<u8>], host: impl Host + 'static) -> Engine {
    builder(settings, includes, host).build()
}

fn builder(settings: &Settings, includes: &[Vec<u8>], host: impl Host + 'static) -> Builder {
    let includes: Vec<String> = includes.iter().map(|i| String::from_utf8_lossy(i).into_owned()).collect();
    let mut builder = Engine::builder().host(host).settings(settings);
    for entry in settings.search_path(&includes, &Process) {
        let (name, path) = search_entry(&entry);
        // What is an address, or on no drive, stays.
        builder = builder.search_path(name, Disk::to_nix(path).unwrap_or_else(|_| path.into()));
    }
    if let Some(directory) = Process.variable("NIX_STORE_DIR") {
        builder = builder.store_dir(&directory);
    }
    if let Some(home) = Process.variable("HOME") {
        builder = builder.home(home);
    }
    match cache() {
        Some(cache) => builder.cache(&cache),
        None => builder,
    }
}

/// Where code of files and listings of directories are kept: `FRAZIL_CACHE`, in which nothing stands for nowhere, or a directory
/// in the user's cache.
fn cache() -> Option<Cache> {
    let in_home = |home: String| format!("{home}/.cache");
    let dir = Process.variable("FRAZIL_CACHE").or_else(|| {
        let caches = Process.variable("XDG_CACHE_HOME").filter(|dir| dir.starts_with('/'));
        Some(caches.or_else(|| Process.variable("HOME").map(in_home))? + "/frazil")
    });
    let dir = dir.filter(|dir| dir.starts_with('/'))?;
    Some(Cache::new(Disk::to_system(dir.as_bytes()).ok()?, Cache::MAX))
}

/// Whether what is printed shows what is not evaluated.
fn shows_thunks(args: &InstantiateArgs) -> bool {
    args.mode == Mode::Evaluate && !args.strict && args.output != Output::Raw
}

impl Session {
    /// Sets an evaluator up, which writes store objects to `store`.
    pub fn new(settings: &Settings, includes: &[Vec<u8>], store: Option<Store>) -> Session {
        Session::set_up(settings, includes, store, false, false)
    }

    /// Sets an evaluator up for what a command line asks for.
    pub fn of(settings: &Settings, args: &InstantiateArgs, store: Option<Store>) -> Session {
        Session::set_up(settings, &args.includes, store, shows_thunks(args), false)
    }

    /// Asks again why a command line fails, of an evaluator that leaves unevaluated what CppNix does: values in messages show
    /// that, and so do traces. Nothing is printed.
    pub fn explain(settings: &Settings, args: &InstantiateArgs, store: Option<Store>, error: Error) -> Error {
        let reads_stdin = args.inputs.contains(&Input::Stdin)
            || args.auto_args.iter().any(|(_, arg)| matches!(arg, AutoArg::Stdin));
        if shows_thunks(args) || reads_stdin || error.kind() == ErrorKind::Syntax {
            return error;
        }
        let mut session = Session::set_up(settings, &args.includes, store, true, true);
        match session.run(args) {
            // The world may have changed in between.
            Err(Failure::Eval(again)) if again.kind() == error.kind() => again,
            _ => error,
        }
    }

    fn set_up(
        settings: &Settings,
        includes: &[Vec<u8>],
        store: Option<Store>,
        patient: bool,
        is_quiet: bool,
    ) -> Session {
        let progress = Progress::new();
        let host = Outer { progress: progress.clone(), store, is_quiet };
        let started = host.clock();
        let evaluator = builder(settings, includes, host).patient(patient).build().evaluator();
        let here = Process.working_directory().into_bytes();
        let evaluator = ManuallyDrop::new(evaluator);
        Session { evaluator, here, progress, derivations: Vec::new(), started, is_quiet }
    }

    /// Does what a command line asks for.
    pub fn run(&mut self, args: &InstantiateArgs) -> Result<(), Failure> {
        let Session { evaluator, here, progress, derivations, is_quiet, .. } = self;
        let is_quiet = *is_quiet;
        let outcome = evaluator.enter(|scope| {
            let arguments = auto_arguments(scope, here, args)?;
            let warned = !args.root_warning || args.root.is_some() || is_quiet;
            Run { scope, here, progress, args, arguments, warned, derivations, is_quiet }.all()
        });
        self.progress.clear();
        outcome
    }

    /// What was counted, as `NIX_SHOW_STATS` shows it.
    pub fn stats(&mut self) -> String {
        let elapsed = Disk.clock() - self.started;
        crate::stats::json(&mut self.evaluator, std::time::Duration::from_nanos(elapsed))
    }
}

/// The arguments that a command line gives to functions on the way.
pub fn auto_arguments<'v>(
    scope: &mut Scope<'_, 'v>,
    here: &[u8],
    args: &InstantiateArgs,
) -> Result<Arguments<'v>, Failure> {
    let mut arguments = Arguments::default();
    for (name, argument) in &args.auto_args {
        let v = match argument {
            AutoArg::Expression(text) => scope.delay(text, here)?,
            AutoArg::String(text) => scope.string(text),
            AutoArg::File(path) => scope.string(crate::outside::read_argument(path)?),
            AutoArg::Stdin => scope.string(read_stdin()?),
        };
        arguments.add(name, v);
    }
    Ok(arguments)
}

/// A path of a command line as seen from a directory.
pub fn absolute(here: &[u8], path: &[u8]) -> Result<Vec<u8>, Failure> {
    let path = Disk::to_nix(platform::path(path)?).map_err(Error::from)?;
    let path = path.strip_prefix(b"./").unwrap_or(&path);
    Ok(if path.starts_with(b"/") { path.to_vec() } else { [here, b"/", path].concat() })
}

fn read_stdin() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text)?;
    Ok(text)
}

/// Where the program of an input is.
pub fn source(scope: &mut Scope<'_, '_>, here: &[u8], input: &Input) -> Result<Source, Failure> {
    Ok(match input {
        Input::Stdin => Source::Stdin(read_stdin()?, here.to_vec()),
        Input::Expression(text) => Source::text(text, here),
        Input::File(name) => match name.strip_prefix(b"<").and_then(|name| name.strip_suffix(b">")) {
            Some(name) => Source::file(scope.find_file(name)?),
            None => Source::file(absolute(here, name)?),
        },
    })
}

/// The inputs of a command line, one after the other.
struct Run<'a, 'e, 'v> {
    scope: &'a mut Scope<'e, 'v>,
    here: &'a [u8],
    progress: &'a Progress,
    args: &'a InstantiateArgs,
    arguments: Arguments<'v>,
    /// Whether a missing `--add-root` was warned of.
    warned: bool,
    derivations: &'a mut Vec<String>,
    is_quiet: bool,
}

impl<'v> Run<'_, '_, 'v> {
    fn all(&mut self) -> Result<(), Failure> {
        self.args.inputs.iter().try_for_each(|input| self.input(input))
    }

    fn input(&mut self, input: &Input) -> Result<(), Failure> {
        if let (Mode::FindFile, Input::File(name) | Input::Expression(name)) = (self.args.mode, input) {
            let found = self.scope.find_file(name)?;
            return self.line(&found);
        }
        let source = source(self.scope, self.here, input)?;
        if self.args.mode == Mode::Parse {
            let text = self.scope.parse(&source)?;
            return self.line(&text);
        }
        let root = self.scope.eval(&source)?;
        for path in &self.args.attributes {
            let v = self.scope.select(root, path, &self.arguments)?;
            let v = self.scope.force(v)?;
            if self.args.mode == Mode::Evaluate { self.show(v)? } else { self.instantiate(v)? }
        }
        Ok(())
    }

    fn show(&mut self, v: Value<'v>) -> Result<(), Failure> {
        let (scope, strict) = (&mut *self.scope, self.args.strict);
        let v = if self.arguments.is_empty() { v } else { scope.call_auto(v, &self.arguments)? };
        match self.args.output {
            Output::Raw => {
                let text = scope.to_text(v, "while generating the nix-instantiate output")?;
                self.write(&text)
            }
            Output::Xml => {
                let text = scope.to_xml(v, strict, self.args.locations);
                if text.is_err() {
                    let unfinished = scope.unfinished_xml();
                    self.write(&unfinished)?;
                }
                self.write(&text?)
            }
            Output::Json => {
                let text = scope.to_json(v, strict)?;
                self.line(text.as_bytes())
            }
            Output::Plain => {
                let v = if strict { scope.force_deep(v)? } else { v };
                let text = scope.print(v)?;
                self.line(&text)
            }
        }
    }

    fn instantiate(&mut self, v: Value<'v>) -> Result<(), Failure> {
        let (all, outcome) = self.scope.derivations_before_error(v, &self.arguments);
        for found in all {
            if !self.warned {
                self.warned = true;
                self.progress.aside(|| {
                    say("warning: you did not specify '--add-root'; the result might be removed by the garbage collector");
                });
            }
            let output = if found.output == "out" { String::new() } else { format!("!{}", found.output) };
            let mut shown = found.drv_path.clone().into_bytes();
            if let (Some(root), false) = (&self.args.root, self.is_quiet) {
                let number = self.derivations.len() + 1;
                let suffix = if number > 1 { format!("-{number}") } else { String::new() };
                shown = [&absolute(self.here, root)?[..], suffix.as_bytes()].concat();
                let store_dir = found.drv_path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let root = Disk::to_system(&shown).map_err(Error::from)?;
                crate::store::add_root(&root, &found.drv_path, store_dir)?;
            }
            self.line(&[&shown[..], output.as_bytes()].concat())?;
            self.derivations.push(found.drv_path);
        }
        Ok(outcome?)
    }

    fn line(&self, text: &[u8]) -> Result<(), Failure> {
        self.write(&[text, b"\n"].concat())
    }

    fn write(&self, text: &[u8]) -> Result<(), Failure> {
        if self.is_quiet {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        Ok(self.progress.aside(|| out.write_all(text).and_then(|()| out.flush()))?)
    }
}
