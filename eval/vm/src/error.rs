//! Errors of evaluation: a closed set of kinds, a message, and the trace of frames it passed.

use crate::files::Pos;
use std::borrow::Cow;
use std::fmt;

/// What went wrong, for those who decide by it. The message is for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `throw`, and what behaves like it: a `<path>` that is not found.
    Thrown,
    /// A failed `assert`.
    Assertion,
    /// `abort`
    Abort,
    /// The text is no program.
    Syntax,
    /// A variable that is bound nowhere.
    UndefinedVariable,
    /// An attribute that is not there.
    MissingAttribute,
    /// A value of another type than wanted.
    Type,
    /// A value that depends on itself.
    InfiniteRecursion,
    /// More nested calls than `max-call-depth`.
    CallDepth,
    /// The step limit of the evaluation.
    Steps,
    /// The memory limit of the evaluation.
    Memory,
    /// The time limit of the evaluation.
    Time,
    /// The host cancelled the evaluation.
    Cancelled,
    /// The host could not read a file or directory.
    File,
    /// The access rules forbid it.
    Restricted,
    /// It needs a store or a network that this evaluator has not.
    Unavailable,
    /// An argument that names nothing there is: CppNix says how to get help.
    Usage,
    /// A function of the embedder's failed.
    Embedder,
    /// The evaluator is in use elsewhere.
    Busy,
    /// A mistake of the evaluator's own.
    Internal,
    /// Any other error of evaluation.
    Eval,
}

impl ErrorKind {
    /// Whether `tryEval` turns it into `false`.
    pub fn is_catchable(self) -> bool {
        matches!(self, ErrorKind::Thrown | ErrorKind::Assertion)
    }

    /// Whether a limit from outside stopped the evaluation: the program may well have a value.
    pub fn is_limit(self) -> bool {
        matches!(self, ErrorKind::Steps | ErrorKind::Memory | ErrorKind::Time | ErrorKind::Cancelled)
    }
}

/// When a line of a trace is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Even when the trace is cut short: what the program says itself with `addErrorContext`.
    Always,
    /// Unless the trace is cut short before it.
    Usually,
    /// With `--show-trace` only: calls of functions.
    InFull,
}

/// A line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Where; may be nowhere.
    pub pos: Pos,
    /// What was being done.
    pub text: Cow<'static, str>,
    /// When it is shown.
    pub shown: Shown,
}

/// An error of evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Data>);

/// The parts of an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The message, without `error:`.
    pub message: String,
    /// Where.
    pub pos: Pos,
    /// What was being done, innermost first.
    pub traces: Vec<Trace>,
    /// Names that may have been meant.
    pub suggestions: Vec<String>,
    /// The number of its record, once a thunk has failed with it.
    pub(crate) failure: Option<u32>,
}

impl Error {
    /// An error without position.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Data {
            kind,
            message: message.into(),
            pos: Pos::NONE,
            traces: Vec::new(),
            suggestions: Vec::new(),
            failure: None,
        }))
    }

    /// A general error of evaluation.
    pub fn eval(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Eval, message)
    }

    /// A type error.
    pub fn typed(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Type, message)
    }

    /// The same error at `pos`, if it has none yet.
    pub fn at(mut self, pos: Pos) -> Error {
        if self.0.pos == Pos::NONE {
            self.0.pos = pos;
        }
        self
    }

    /// Says where it happened.
    pub(crate) fn set_pos(&mut self, pos: Pos) {
        self.0.pos = pos;
    }

    /// The same error with names that may have been meant.
    pub fn suggest(mut self, suggestions: Vec<String>) -> Error {
        self.0.suggestions = suggestions;
        self
    }

    /// The same error with a line of trace around the others.
    pub fn while_(mut self, pos: Pos, text: impl Into<Cow<'static, str>>) -> Error {
        self.add_trace(pos, text);
        self
    }

    /// Adds a line of trace around the others.
    pub fn add_trace(&mut self, pos: Pos, text: impl Into<Cow<'static, str>>) {
        self.add_shown(pos, text, Shown::Usually);
    }

    /// Adds a line of trace around the others that is shown at such times.
    pub fn add_shown(&mut self, pos: Pos, text: impl Into<Cow<'static, str>>, shown: Shown) {
        self.0.traces.push(Trace { pos, text: text.into(), shown });
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The parts.
    pub fn data(&self) -> &Data {
        &self.0
    }

    /// The parts, to be changed.
    pub fn data_mut(&mut self) -> &mut Data {
        &mut self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}
