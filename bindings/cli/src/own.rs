//! What Frazil's own commands do.

use crate::args::{AutoArg, Input, InstantiateArgs, Mode, Output, Verbosity};
use crate::command::{Command, Eval, Explain, Instantiate, Selection, Source, World, pairs};
use crate::outside::{Process, complaint};
use crate::session::{Failure, Session, complain, say, source};
use crate::{check, jobs, repl, store};
use frazil::View;
use frazil::settings::Settings;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// Runs a command.
pub fn run(command: &Command) -> ExitCode {
    let outcome = match command {
        Command::Eval(args) => eval(args),
        Command::Instantiate(args) => instantiate(args),
        Command::Parse(args) => with_world(&World::default(), |settings| {
            Session::new(settings, &[], None).run(&request(
                Mode::Parse,
                args,
                &Selection::default(),
                &World::default(),
            ))
        }),
        Command::Jobs(args) => {
            let request =
                request(Mode::Instantiate, &args.wanted.source, &args.wanted.selection, &args.wanted.world);
            with_world(&args.wanted.world, |settings| jobs::run(args, &request, settings))
        }
        Command::Check(args) => with_world(&World::default(), |settings| check::run(args, settings)),
        Command::Explain(args) => explain(args),
        Command::Repl(world) => {
            with_world(world, |settings| repl::run(Session::new(settings, &includes(world), None), settings))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            message.iter().for_each(|message| complain(message));
            ExitCode::FAILURE
        }
    }
}

/// Runs a command in the settings of its world; an error is what standard error says, if anything.
fn with_world(
    world: &World,
    command: impl FnOnce(&Settings) -> Result<(), Failure>,
) -> Result<(), Option<Vec<u8>>> {
    let settings = settings(world)?;
    command(&settings).map_err(|failure| failure.complaint(settings.show_trace()))
}

fn settings(world: &World) -> Result<Settings, Vec<u8>> {
    let mut settings = Settings::load(&Process).map_err(|error| complaint(&error))?;
    for (name, value) in pairs(&world.options) {
        settings.set_option(&name, &value).map_err(|error| complaint(&error))?;
    }
    if world.show_trace {
        settings.set("show-trace", "true").map_err(|error| complaint(&error))?;
    }
    settings.finish();
    settings.take_warnings().iter().for_each(|warning| say(&format!("warning: {warning}")));
    Ok(settings)
}

fn bytes(word: &OsString) -> Vec<u8> {
    word.as_encoded_bytes().to_vec()
}

fn includes(world: &World) -> Vec<Vec<u8>> {
    world.includes.iter().map(bytes).collect()
}

fn input(source: &Source) -> Input {
    match (&source.expr, &source.file) {
        (Some(text), _) => Input::Expression(bytes(text)),
        (None, Some(file)) if file.as_os_str() == "-" => Input::Stdin,
        (None, Some(file)) => Input::File(file.as_os_str().as_encoded_bytes().to_vec()),
        (None, None) => Input::File(b"./default.nix".to_vec()),
    }
}

/// A command in the drop-in's words.
fn request(mode: Mode, source: &Source, selection: &Selection, world: &World) -> InstantiateArgs {
    let expressions =
        pairs(&selection.args).map(|(name, text)| (bytes(&name), AutoArg::Expression(bytes(&text))));
    let strings = pairs(&selection.strings).map(|(name, text)| (bytes(&name), AutoArg::String(bytes(&text))));
    let whole = selection.attr.is_empty().then(Vec::new);
    InstantiateArgs {
        mode,
        inputs: vec![input(source)],
        attributes: whole
            .into_iter()
            .chain(selection.attr.iter().map(|path| path.as_bytes().to_vec()))
            .collect(),
        auto_args: expressions.chain(strings).collect(),
        includes: includes(world),
        output: Output::Plain,
        strict: false,
        locations: true,
        read_only: true,
        repair: false,
        root: None,
        root_warning: false,
        store: None,
        eval_store: None,
        flake_overrides: Vec::new(),
        verbosity: Verbosity::INFO,
    }
}

fn eval(args: &Eval) -> Result<(), Option<Vec<u8>>> {
    let mut request =
        request(Mode::Evaluate, &args.wanted.source, &args.wanted.selection, &args.wanted.world);
    request.strict = args.strict;
    request.output = match args {
        Eval { json: true, .. } => Output::Json,
        Eval { raw: true, .. } => Output::Raw,
        Eval { xml: true, .. } => Output::Xml,
        _ => Output::Plain,
    };
    with_world(&args.wanted.world, |settings| Session::of(settings, &request, None).run(&request))
}

fn instantiate(args: &Instantiate) -> Result<(), Option<Vec<u8>>> {
    let request = request(Mode::Instantiate, &args.wanted.source, &args.wanted.selection, &args.wanted.world);
    with_world(&args.wanted.world, |settings| {
        let mut session = Session::new(settings, &request.includes, None);
        let Some(folder) = &args.derivations else { return session.run(&request) };
        session.evaluator.keep_derivations();
        session.run(&request)?;
        let closure = session.evaluator.derivation_closure(&session.derivations);
        Ok(store::write_derivations(folder, &closure)?)
    })
}

fn explain(args: &Explain) -> Result<(), Option<Vec<u8>>> {
    let mut world = args.world.clone();
    if args.trace {
        world.options.extend(["trace-function-calls", "true"].map(str::to_owned));
    }
    with_world(&world, |settings| {
        let mut session = Session::new(settings, &includes(&world), None);
        let here = session.here.clone();
        let source = session.evaluator.enter(|scope| source(scope, &here, &input(&args.source)))?;
        let view = match args {
            Explain { tokens: true, .. } => View::Tokens,
            Explain { tree: true, .. } => View::Tree,
            Explain { ir: true, .. } => View::Ir,
            Explain { bytecode: true, .. } => View::Bytecode,
            _ => {
                session.evaluator.eval(source)?;
                session.progress.clear();
                return if args.stats { print(&(session.stats() + "\n")) } else { Ok(()) };
            }
        };
        print(&session.evaluator.explain(view, source)?)
    })
}

/// Prints a text on standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}
