//! `frazil repl`: reads an expression, evaluates it, prints the value. What is bound stays bound.

mod complete;
mod show;

use crate::own::print;
use crate::session::{Failure, Session, absolute, complain, say};
use frazil::settings::{Outside, Settings};
use frazil::{Arguments, Disk, Error, ErrorKind, Handle, Position, Scope, Source, Type, Value};
use rustyline::error::ReadlineError;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::rc::Rc;

const HELP: &str = "\
<expr>           evaluates and prints an expression
<x> = <expr>     binds a name; so does any other binding, as `inherit (e) a b`
:a, :add EXPR    binds all attributes of a set
:l, :load FILE   binds all attributes of a file's set; functions are called
:r, :reload      loads all files again
:ll              names what was bound last
:p, :print EXPR  evaluates to the bottom and prints; a string is printed as it is
:t EXPR          says what a value is
:doc EXPR        shows the documentation of a function
:e, :edit EXPR   opens the place of a function or package in $EDITOR
:b EXPR          prints the paths of a derivation, which is not built
:te [BOOL]       turns full traces of errors on or off
:?, :help        shows this
:q, :quit        ends
";

/// Every command, for completion.
const COMMANDS: &[&str] = &[
    ":a", ":add", ":b", ":doc", ":e", ":edit", ":help", ":l", ":ll", ":load", ":p", ":print", ":q", ":quit",
    ":r", ":reload", ":t", ":te", ":?",
];

/// What builtins do, each in a line: a call, a bar, a sentence.
const BUILTINS: &str = include_str!("builtins.txt");

/// The names that are bound.
type Names = BTreeMap<Vec<u8>, Handle>;

/// What stays between lines.
struct State {
    session: Session,
    names: Names,
    /// Files that were loaded, in order.
    loaded: Vec<String>,
    /// What the last command bound.
    last: Vec<String>,
    show_trace: bool,
}

/// Whether to go on reading.
#[derive(PartialEq)]
enum After {
    Line,
    End,
}

/// Reads and evaluates until the input ends, or `:q`.
pub fn run(session: Session, settings: &Settings) -> Result<(), Failure> {
    let state = State {
        session,
        names: Names::new(),
        loaded: Vec::new(),
        last: Vec::new(),
        show_trace: settings.show_trace(),
    };
    if io::stdin().is_terminal() && io::stdout().is_terminal() { edited(state) } else { plain(state) }
}

/// Reads lines as they come; an expression may go over several.
fn plain(mut state: State) -> Result<(), Failure> {
    let mut text = String::new();
    let mut lines = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let is_end = lines.read_until(b'\n', &mut line)? == 0;
        text.push_str(&String::from_utf8_lossy(&line));
        if !is_end && state.is_incomplete(&text) {
            continue;
        }
        if state.run(&std::mem::take(&mut text))? == After::End || is_end {
            return Ok(());
        }
    }
}

/// Reads from a terminal, with line editing, history and completion.
fn edited(state: State) -> Result<(), Failure> {
    let state = Rc::new(RefCell::new(state));
    let broken = |error: ReadlineError| Failure::Other(error.to_string());
    let mut editor =
        rustyline::Editor::<complete::Helper, rustyline::history::FileHistory>::new().map_err(broken)?;
    editor.set_helper(Some(complete::Helper { state: state.clone() }));
    let history = history();
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    print(&format!("Frazil {}. Type :? for help.\n", env!("CARGO_PKG_VERSION")))?;
    let outcome = loop {
        match editor.readline("frazil> ") {
            Ok(line) => {
                if !line.trim().is_empty() {
                    let _ = editor.add_history_entry(line.as_str());
                }
                match state.borrow_mut().run(&line) {
                    Ok(After::Line) => {}
                    Ok(After::End) => break Ok(()),
                    Err(failure) => break Err(failure),
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break Ok(()),
            Err(error) => break Err(broken(error)),
        }
    };
    if let Some(file) = &history {
        // A history that cannot be kept is no reason to fail.
        let _ = editor.save_history(file);
    }
    outcome
}

/// Where the lines of former sessions are kept; its folder is there.
#[expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]
fn history() -> Option<PathBuf> {
    use crate::outside::Process;
    let system = |dir: String| Disk::to_system(dir.as_bytes()).map(Cow::into_owned).ok();
    let data = Process.variable("XDG_DATA_HOME").filter(|dir| dir.starts_with('/')).and_then(system);
    let home = || Process.variable("HOME").and_then(system).map(|home| home.join(".local").join("share"));
    let folder = data.or_else(home)?.join("frazil");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("repl-history"))
}

impl State {
    /// Whether more lines belong to what was read.
    fn is_incomplete(&mut self, text: &str) -> bool {
        let expr = match text.trim_start().strip_prefix(':') {
            None => text,
            Some(command) => match command.split_once(char::is_whitespace) {
                Some((word, rest)) if takes_expression(word) => rest,
                _ => return false,
            },
        };
        !expr.trim().is_empty() && self.session.evaluator.is_incomplete(expr)
    }

    /// Does what was read.
    fn run(&mut self, text: &str) -> Result<After, Failure> {
        let words = text.trim();
        if words.is_empty() {
            return Ok(After::Line);
        }
        let outcome = match words.strip_prefix(':') {
            None => self.line(words),
            Some(command) => {
                let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
                match word {
                    "q" | "quit" => return Ok(After::End),
                    _ => self.command(word, rest.trim()),
                }
            }
        };
        self.session.progress.clear();
        match outcome {
            Ok(text) => print(&text)?,
            Err(failure) => {
                failure.complaint(self.show_trace).iter().for_each(|complaint| complain(complaint))
            }
        }
        Ok(After::Line)
    }

    fn command(&mut self, word: &str, rest: &str) -> Result<String, Failure> {
        match word {
            "?" | "h" | "help" => Ok(HELP.to_owned()),
            "a" | "add" => self.inside(|inside| {
                let set = inside.eval(rest)?;
                inside.add(set)
            }),
            "l" | "load" => self.load(rest.to_owned(), true),
            "r" | "reload" => {
                // Files that were read are read anew.
                let files = std::mem::take(&mut self.loaded);
                self.names.clear();
                self.session.evaluator.forget_files();
                files.into_iter().map(|file| self.load(file, true)).collect()
            }
            "ll" | "last-loaded" => Ok(self.last.iter().map(|name| format!("{name}\n")).collect()),
            "p" | "print" => self.inside(|inside| {
                let v = inside.eval(rest)?;
                let v = inside.scope.force_deep(v)?;
                match inside.scope.as_bytes(v) {
                    Some(text) if inside.scope.type_of(v) == Type::String => {
                        Ok(format!("{}\n", String::from_utf8_lossy(&text)))
                    }
                    _ => Ok(show::value(inside.scope, v, usize::MAX) + "\n"),
                }
            }),
            "t" => self.inside(|inside| {
                let v = inside.eval(rest)?;
                Ok(format!("{}\n", inside.describe(v)))
            }),
            "doc" => self.inside(|inside| inside.documentation(rest)),
            "b" => self.inside(|inside| inside.paths(rest)),
            "e" | "edit" => {
                let place = self.inside_with(|inside| inside.place(rest))?;
                edit(&place)
            }
            "te" | "trace-enable" => {
                self.show_trace = match rest {
                    "true" => true,
                    "false" => false,
                    _ => !self.show_trace,
                };
                Ok(format!("full traces are {}\n", if self.show_trace { "on" } else { "off" }))
            }
            _ => Err(Failure::Other(format!("unknown command ':{word}'"))),
        }
    }

    /// Works with the evaluator; what is bound goes to the names.
    fn inside(
        &mut self,
        work: impl for<'v> FnOnce(&mut Inside<'_, '_, 'v>) -> Result<String, Failure>,
    ) -> Result<String, Failure> {
        self.inside_with(work)
    }

    fn inside_with<R>(
        &mut self,
        work: impl for<'v> FnOnce(&mut Inside<'_, '_, 'v>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let State { session, names, last, .. } = self;
        let here = session.here.clone();
        session.evaluator.enter(|scope| work(&mut Inside { scope, names, last, here: &here }))
    }

    fn load(&mut self, file: String, remember: bool) -> Result<String, Failure> {
        if file.is_empty() {
            return Err(Failure::Other("':l' needs a file".to_owned()));
        }
        let bound = self.inside(|inside| {
            let source = match file.strip_prefix('<').and_then(|name| name.strip_suffix('>')) {
                Some(name) => Source::file(inside.scope.find_file(name)?),
                None => Source::file(absolute(inside.here, file.as_bytes())?),
            };
            let v = inside.scope.eval(source)?;
            let v = inside.scope.call_auto(v, &Arguments::default())?;
            let v = inside.scope.force(v)?;
            inside.add(v)
        });
        if remember && !self.loaded.contains(&file) {
            self.loaded.push(file);
        }
        bound
    }

    fn line(&mut self, text: &str) -> Result<String, Failure> {
        self.inside(|inside| inside.line(text))
    }
}

fn takes_expression(command: &str) -> bool {
    matches!(command, "a" | "add" | "p" | "print" | "t" | "doc" | "b" | "e" | "edit")
}

/// Opens a place in the user's editor.
fn edit(place: &Position) -> Result<String, Failure> {
    use crate::outside::Process;
    let editor = Process.variable("EDITOR").filter(|editor| !editor.trim().is_empty());
    let editor = editor.ok_or_else(|| Failure::Other("$EDITOR is not set".to_owned()))?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let mut command = std::process::Command::new(program);
    command.args(words);
    // Most editors know this way to name a line.
    if ["vi", "vim", "nvim", "emacs", "nano", "kak", "pico"].iter().any(|known| program.ends_with(known)) {
        command.arg(format!("+{}", place.line));
    }
    let file = Disk::to_system(place.file.as_bytes()).map_err(Error::from)?;
    let status = command.arg(&*file).status()?;
    if status.success() {
        return Ok(String::new());
    }
    Err(Failure::Other(format!("'{program}' ended with {status}")))
}

/// A command at work.
struct Inside<'a, 'e, 'v> {
    scope: &'a mut Scope<'e, 'v>,
    names: &'a mut Names,
    last: &'a mut Vec<String>,
    here: &'a [u8],
}

impl<'v> Inside<'_, '_, 'v> {
    fn eval(&mut self, text: &str) -> Result<Value<'v>, Error> {
        let bound: Vec<(&[u8], Value<'v>)> =
            self.names.iter().map(|(name, handle)| (name.as_slice(), self.scope.value(handle))).collect();
        self.scope.eval_with(text, self.here, &bound)
    }

    /// An expression; or bindings, if it can only be that.
    fn line(&mut self, line: &str) -> Result<String, Failure> {
        match self.eval(line) {
            Ok(v) => Ok(show::value(self.scope, v, 1) + "\n"),
            Err(error) if error.kind() == ErrorKind::Syntax => {
                let end = if line.ends_with(';') { "\n}" } else { "\n;}" };
                match self.eval(&format!("{{{line}{end}")) {
                    Ok(set) => {
                        self.bind(set);
                        Ok(String::new())
                    }
                    Err(other) if other.kind() == ErrorKind::Syntax => Err(error.into()),
                    Err(other) => Err(other.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Binds all attributes of a set.
    fn bind(&mut self, set: Value<'v>) -> usize {
        let attrs = self.scope.attrs(set);
        *self.last = attrs.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect();
        for (name, v) in attrs {
            self.names.insert(name, self.scope.keep(v));
        }
        self.last.len()
    }

    fn add(&mut self, set: Value<'v>) -> Result<String, Failure> {
        let v = self.scope.force(set)?;
        if self.scope.type_of(v) != Type::Attrs {
            return Err(Failure::Other(format!("expected a set but found {}", self.describe(v))));
        }
        let n = self.bind(v);
        Ok(format!("Added {n} variables.\n"))
    }

    fn describe(&mut self, v: Value<'v>) -> String {
        match self.scope.about(v).and_then(|about| about.builtin) {
            Some(name) if self.scope.show(v).contains("partially") => {
                format!("the partially applied built-in function '{name}'")
            }
            Some(name) if name != "derivation" => format!("the built-in function '{name}'"),
            _ => self.scope.describe(v).to_owned(),
        }
    }

    /// The function that a value is or calls.
    fn function(&mut self, v: Value<'v>) -> Result<Option<Value<'v>>, Error> {
        match self.scope.type_of(v) {
            Type::Function => Ok(Some(v)),
            Type::Attrs => match self.scope.get(v, "__functor") {
                Some(functor) => self.scope.force(functor).map(Some),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    fn documentation(&mut self, text: &str) -> Result<String, Failure> {
        let v = self.eval(text)?;
        let about = match self.function(v)? {
            Some(function) => self.scope.about(function),
            None => None,
        };
        let none = || Failure::Other("value does not have documentation".to_owned());
        let about = about.ok_or_else(none)?;
        if let Some(name) = about.builtin {
            let line = BUILTINS.lines().find_map(|line| {
                line.split_once('|').filter(|(call, _)| call.split(' ').next() == Some(name))
            });
            let (call, sentence) = line.ok_or_else(none)?;
            return Ok(format!("Synopsis: builtins.{call}\n\n{sentence}\n"));
        }
        let doc = about.doc.ok_or_else(none)?;
        let place = about.position.map(|at| format!("Function at {}:{}:{}\n\n", at.file, at.line, at.column));
        Ok(format!("{}{doc}\n", place.unwrap_or_default()))
    }

    /// Where a function, a package or a path stands.
    fn place(&mut self, text: &str) -> Result<Position, Failure> {
        let v = self.eval(text)?;
        if let Some(position) = self.meta_position(v) {
            return Ok(position);
        }
        let function = self.function(v)?;
        let about = function.and_then(|function| self.scope.about(function));
        let position = about.and_then(|about| about.position).filter(|at| at.file.starts_with('/'));
        match (position, self.scope.type_of(v)) {
            (Some(position), _) => Ok(position),
            (None, Type::Path | Type::String) => {
                let file = self.scope.as_bytes(v).unwrap_or_default();
                Ok(Position { file: String::from_utf8_lossy(&file).into_owned(), line: 1, column: 1 })
            }
            _ => Err(Failure::Other("the value has no place in a file".to_owned())),
        }
    }

    /// `meta.position` of a package: `FILE:LINE`.
    fn meta_position(&mut self, v: Value<'v>) -> Option<Position> {
        let text = self.scope.select(v, "meta.position", &Arguments::default()).ok()?;
        let text = self.scope.force(text).ok()?;
        let text = String::from_utf8(self.scope.as_bytes(text)?).ok()?;
        let (file, line) = text.rsplit_once(':')?;
        Some(Position { file: file.to_owned(), line: line.parse().ok()?, column: 1 })
    }

    /// The paths of a derivation.
    fn paths(&mut self, text: &str) -> Result<String, Failure> {
        let v = self.eval(text)?;
        let mut out = String::new();
        for found in self.scope.derivations(v, &Arguments::default())? {
            out += &format!("{}\n", found.drv_path);
        }
        if out.is_empty() {
            return Err(Failure::Other("the value is no derivation".to_owned()));
        }
        say("note: Frazil builds nothing");
        Ok(out)
    }
}
