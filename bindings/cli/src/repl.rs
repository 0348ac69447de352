//! `frazil repl`: reads a line, evaluates it, prints the value. What is bound stays bound.

use crate::own::print;
use crate::session::{Failure, Session, say};
use frazil::settings::Settings;
use frazil::{Error, ErrorKind, Handle, Scope, Type, Value};
use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};

const HELP: &str = "\
<expr>       evaluates and prints an expression
<x> = <expr> binds a name; so does any other binding, as `inherit (e) a b`
:a <expr>    binds all attributes of a set
:p <expr>    evaluates to the bottom and prints
:t <expr>    prints the type of a value
:?           shows this
:q           ends
";

/// The names that are bound.
type Names = BTreeMap<Vec<u8>, Handle>;

/// Reads and evaluates until the input ends, or `:q`.
pub fn run(mut session: Session, settings: &Settings) -> Result<(), Failure> {
    let mut names = Names::new();
    let prompt = io::stdin().is_terminal();
    let mut line = Vec::new();
    loop {
        if prompt {
            print_now("frazil> ")?;
        }
        line.clear();
        if io::stdin().lock().read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let words = line.trim_ascii();
        match words {
            b"" => continue,
            b":q" => return Ok(()),
            b":?" => print(HELP)?,
            _ => {
                let outcome = evaluate(&mut session, &mut names, words);
                session.progress.clear();
                match outcome {
                    Ok(text) => print(&text)?,
                    Err(error) if settings.show_trace() => say(error.render_full()),
                    Err(error) => say(error.render()),
                }
            }
        }
    }
}

fn print_now(text: &str) -> Result<(), Failure> {
    print(text)?;
    Ok(io::Write::flush(&mut io::stdout())?)
}

/// What is printed for a line.
fn evaluate(session: &mut Session, names: &mut Names, line: &[u8]) -> Result<String, Error> {
    let here = session.here.clone();
    session.evaluator.enter(|scope| {
        let mut inside = Inside { scope, names, here: &here };
        match line.split_at_checked(2) {
            Some((b":a", text)) => {
                let set = inside.eval(text)?;
                Ok(inside.bind(set))
            }
            Some((b":t", text)) => {
                let v = inside.eval(text)?;
                Ok(format!("{}\n", type_name(inside.scope.type_of(v))))
            }
            Some((b":p", text)) => {
                let v = inside.eval(text)?;
                let v = inside.scope.force_deep(v)?;
                inside.print(v)
            }
            _ => inside.line(line),
        }
    })
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Thunk => "a thunk",
        Type::Null => "null",
        Type::Bool => "a Boolean",
        Type::Int => "an integer",
        Type::Float => "a float",
        Type::String => "a string",
        Type::Path => "a path",
        Type::List => "a list",
        Type::Attrs => "a set",
        Type::Function => "a function",
        Type::External => "an external value",
    }
}

/// A line at work.
struct Inside<'a, 'e, 'v> {
    scope: &'a mut Scope<'e, 'v>,
    names: &'a mut Names,
    here: &'a [u8],
}

impl<'v> Inside<'_, '_, 'v> {
    fn eval(&mut self, text: &[u8]) -> Result<Value<'v>, Error> {
        let bound: Vec<(&[u8], Value<'v>)> =
            self.names.iter().map(|(name, handle)| (name.as_slice(), self.scope.value(handle))).collect();
        self.scope.eval_with(text, self.here, &bound)
    }

    /// An expression; or bindings, if it can only be that.
    fn line(&mut self, line: &[u8]) -> Result<String, Error> {
        match self.eval(line) {
            Ok(v) => self.print(v),
            Err(error) if error.kind() == ErrorKind::Syntax => {
                let end: &[u8] = if line.ends_with(b";") { b"\n}" } else { b"\n;}" };
                match self.eval(&[b"{", line, end].concat()) {
                    Ok(set) => Ok(self.bind(set)),
                    Err(other) if other.kind() == ErrorKind::Syntax => Err(error),
                    Err(other) => Err(other),
                }
            }
            Err(error) => Err(error),
        }
    }

    fn bind(&mut self, set: Value<'v>) -> String {
        for (name, v) in self.scope.attrs(set) {
            self.names.insert(name, self.scope.keep(v));
        }
        String::new()
    }

    fn print(&mut self, v: Value<'v>) -> Result<String, Error> {
        let text = self.scope.print(v)?;
        Ok(format!("{}\n", String::from_utf8_lossy(&text)))
    }
}
