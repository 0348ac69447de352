//! Errors as an embedder sees them: plain data that outlives its evaluator.

use frazil_engine::{ErrorKind, Evaluator, Position, bytes, lossy};
use std::borrow::Cow;
use std::fmt;

/// Why an evaluation has no value.
///
/// ```
/// use frazil::{Engine, ErrorKind};
///
/// let mut evaluator = Engine::new().evaluator();
/// let error = evaluator.eval("1 +\n  throw \"no\"").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Thrown);
/// assert_eq!(error.message(), "no");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Data>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Data {
    kind: ErrorKind,
    message: String,
    position: Option<Position>,
    trace: Vec<Frame>,
    suggestions: Vec<String>,
    short: String,
    full: String,
    /// The same in the program's own bytes, where they are not UTF-8.
    raw: Option<Box<[Vec<u8>; 2]>>,
}

/// A line of a trace: what was being done, and where.
///
/// ```
/// let mut evaluator = frazil::Engine::new().evaluator();
/// let error = evaluator.eval("builtins.addErrorContext \"while adding\" (abort \"x\")").unwrap_err();
/// assert!(error.trace().iter().any(|frame| frame.text == "while adding"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What was being done.
    pub text: String,
    /// Where, if CppNix says so.
    pub position: Option<Position>,
}

impl Error {
    /// The error with its places found, for they are known to its evaluator only.
    pub(crate) fn placed(error: frazil_engine::Error, evaluator: &Evaluator) -> Error {
        let (short, full) = (evaluator.render(&error, false), evaluator.render(&error, true));
        let raw = [&short, &full].map(|text| bytes(text));
        let raw =
            raw.iter().any(|text| matches!(text, Cow::Owned(_))).then(|| Box::new(raw.map(Cow::into_owned)));
        let data = error.data();
        let frame = |line: &_| frame(line, evaluator);
        Error(Box::new(Data {
            kind: data.kind,
            message: lossy(data.message.clone()),
            position: evaluator.locate(data.pos),
            trace: data.traces.iter().map(frame).collect(),
            suggestions: data.suggestions.iter().cloned().map(lossy).collect(),
            short: lossy(short),
            full: lossy(full),
            raw,
        }))
    }

    /// An error that no evaluator knows more of.
    ///
    /// ```
    /// let error = frazil::Error::new(frazil::ErrorKind::Type, "expected a port");
    /// assert_eq!(error.render(), "error: expected a port");
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        let message = message.into();
        let text = format!("error: {message}");
        let (position, trace, suggestions, raw) = (None, Vec::new(), Vec::new(), None);
        let (short, full) = (text.clone(), text);
        Error(Box::new(Data { kind, message, position, trace, suggestions, short, full, raw }))
    }

    /// What went wrong, as a word that is the same in all languages and versions.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// assert_eq!(evaluator.eval("assert false; 1").unwrap_err().code(), "assertion");
    /// ```
    pub fn code(&self) -> &'static str {
        match self.0.kind {
            ErrorKind::Thrown => "thrown",
            ErrorKind::Assertion => "assertion",
            ErrorKind::Abort => "abort",
            ErrorKind::Syntax => "syntax",
            ErrorKind::UndefinedVariable => "undefined-variable",
            ErrorKind::MissingAttribute => "missing-attribute",
            ErrorKind::Type => "type",
            ErrorKind::InfiniteRecursion => "infinite-recursion",
            ErrorKind::CallDepth => "call-depth",
            ErrorKind::Steps => "steps",
            ErrorKind::Memory => "memory",
            ErrorKind::Time => "time",
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::File => "file",
            ErrorKind::Restricted => "restricted",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Embedder => "host-function",
            ErrorKind::Busy => "busy",
            ErrorKind::Internal => "internal",
            _ => "eval",
        }
    }

    /// What went wrong, for programs.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// assert_eq!(evaluator.eval("let x = x; in x").unwrap_err().kind(), frazil::ErrorKind::InfiniteRecursion);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What went wrong, for people: one sentence, without `error:`.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// assert_eq!(evaluator.eval("1 / 0").unwrap_err().message(), "division by zero");
    /// ```
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it went wrong.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let error = evaluator.eval("{\n  a = b;\n}").unwrap_err();
    /// let position = error.position().expect("syntax has a place");
    /// assert_eq!((position.file.as_str(), position.line, position.column), ("«string»", 2, 7));
    /// ```
    pub fn position(&self) -> Option<&Position> {
        self.0.position.as_ref()
    }

    /// What was being done, innermost first.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let error = evaluator.eval("builtins.addErrorContext \"outside\" (throw \"inside\")").unwrap_err();
    /// assert!(!error.trace().is_empty());
    /// ```
    pub fn trace(&self) -> &[Frame] {
        &self.0.trace
    }

    /// Names that may have been meant.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// assert_eq!(evaluator.eval("{ colour = 1; }.color").unwrap_err().suggestions(), ["colour"]);
    /// ```
    pub fn suggestions(&self) -> &[String] {
        &self.0.suggestions
    }

    /// The error as CppNix prints it, with excerpts of the source; the trace is cut short.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// assert!(evaluator.eval("{").unwrap_err().render().starts_with("error: syntax error"));
    /// ```
    pub fn render(&self) -> &str {
        &self.0.short
    }

    /// The error as CppNix prints it with `--show-trace`.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let error = evaluator.eval("builtins.addErrorContext \"while testing\" (throw \"x\")").unwrap_err();
    /// assert!(error.render_full().contains("… while testing"));
    /// ```
    pub fn render_full(&self) -> &str {
        &self.0.full
    }

    /// [`Error::render`], or with `show_trace` [`Error::render_full`], where the program is quoted to the byte.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let error = evaluator.eval(frazil::Source::text(b"throw \"\xff\"", "/")).unwrap_err();
    /// assert!(error.render_bytes(false).ends_with(b"error: \xff") && error.message() == "\u{FFFD}");
    /// ```
    pub fn render_bytes(&self, show_trace: bool) -> &[u8] {
        match &self.0.raw {
            Some(raw) => &raw[show_trace as usize],
            None if show_trace => self.0.full.as_bytes(),
            None => self.0.short.as_bytes(),
        }
    }
}

/// Errors as other languages and processes read them.
#[cfg(feature = "serde")]
impl serde::Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("Error", 7)?;
        fields.serialize_field("code", self.code())?;
        fields.serialize_field("message", self.message())?;
        fields.serialize_field("position", &self.position().map(Place::from))?;
        let frames: Vec<_> = self.trace().iter().map(Line::from).collect();
        fields.serialize_field("trace", &frames)?;
        fields.serialize_field("suggestions", self.suggestions())?;
        fields.serialize_field("rendered", self.render())?;
        fields.serialize_field("rendered_full", self.render_full())?;
        fields.end()
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Serialize)]
struct Place<'a> {
    file: &'a str,
    line: u32,
    column: u32,
}

#[cfg(feature = "serde")]
impl<'a> From<&'a Position> for Place<'a> {
    fn from(position: &'a Position) -> Place<'a> {
        Place { file: &position.file, line: position.line, column: position.column }
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Serialize)]
struct Line<'a> {
    text: &'a str,
    position: Option<Place<'a>>,
}

#[cfg(feature = "serde")]
impl<'a> From<&'a Frame> for Line<'a> {
    fn from(frame: &'a Frame) -> Line<'a> {
        Line { text: &frame.text, position: frame.position.as_ref().map(Place::from) }
    }
}

fn frame(line: &frazil_engine::Trace, evaluator: &Evaluator) -> Frame {
    Frame { text: lossy(line.text.clone().into_owned()), position: evaluator.locate(line.pos) }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}
