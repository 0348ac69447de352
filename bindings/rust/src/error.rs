//! Errors as an embedder sees them: plain data that outlives its evaluator.

use frazil_engine::{ErrorKind, Evaluator, HostError, Position, Span, bytes, lossy};
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
    span: Option<Span>,
    /// The text that the span is of.
    #[cfg(feature = "miette")]
    source: Option<std::sync::Arc<str>>,
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
        // What a program throws itself has the place of the call that threw.
        let places = std::iter::once(data.pos).chain(data.traces.iter().map(|line| line.pos));
        let place = places.into_iter().find(|&pos| evaluator.locate(pos).is_some());
        Error(Box::new(Data {
            kind: data.kind,
            message: lossy(data.message.clone()),
            position: evaluator.locate(data.pos),
            span: place.and_then(|pos| evaluator.span(pos)),
            #[cfg(feature = "miette")]
            source: place
                .and_then(|pos| evaluator.source_text(pos))
                .and_then(|text| str::from_utf8(&text).ok().map(std::sync::Arc::from)),
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
        Error(Box::new(Data {
            kind,
            message,
            position: None,
            span: None,
            #[cfg(feature = "miette")]
            source: None,
            trace: Vec::new(),
            suggestions: Vec::new(),
            short: text.clone(),
            full: text,
            raw: None,
        }))
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
            ErrorKind::Usage => "usage",
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

    /// The piece of the program to point at: the expression at [`Error::position`], or else the innermost one of the trace
    /// that has a place.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let text = "{ a = 1 + throw \"no\"; }.a";
    /// let error = evaluator.eval(text).unwrap_err();
    /// let span = error.span().expect("it has a place");
    /// assert_eq!(&text[span.start as usize..span.end as usize], "throw \"no\"");
    /// ```
    pub fn span(&self) -> Option<&Span> {
        self.0.span.as_ref()
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
        let mut fields = serializer.serialize_struct("Error", 8)?;
        fields.serialize_field("code", self.code())?;
        fields.serialize_field("message", self.message())?;
        fields.serialize_field("position", &self.position().map(Place::from))?;
        let span = self.span().map(|Span { file, start, end }| Piece { file, start: *start, end: *end });
        fields.serialize_field("span", &span)?;
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
#[derive(serde::Serialize)]
struct Piece<'a> {
    file: &'a str,
    start: u32,
    end: u32,
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

/// A host's failure where no evaluation is at work.
///
/// ```
/// let error = frazil::Error::from(frazil::HostError::NotFound);
/// assert_eq!((error.kind(), error.message()), (frazil::ErrorKind::File, "there is no such path"));
/// ```
impl From<HostError> for Error {
    fn from(error: HostError) -> Error {
        match error {
            HostError::NotFound => Error::new(ErrorKind::File, "there is no such path"),
            HostError::Forbidden(why) => Error::new(ErrorKind::Restricted, why),
            HostError::Failed(why) => Error::new(ErrorKind::File, why),
        }
    }
}

/// Errors for those who show them with miette: code, help, and the source with the place in it.
///
/// ```
/// use miette::Diagnostic;
///
/// let mut evaluator = frazil::Engine::new().evaluator();
/// let error = evaluator.eval("{ colour = 1; }.color").unwrap_err();
/// assert_eq!(error.code().to_string(), "missing-attribute");
/// assert_eq!(error.help().unwrap().to_string(), "Did you mean colour?");
/// assert_eq!(error.labels().unwrap().count(), 1);
/// ```
#[cfg(feature = "miette")]
impl miette::Diagnostic for Error {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("frazil::{}", self.code())))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let suggestions = self.suggestions();
        (!suggestions.is_empty())
            .then(|| Box::new(format!("Did you mean {}?", suggestions.join(" or "))) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.0.source.as_ref().map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let Span { start, end, .. } = self.span()?;
        let (start, len) = (*start as usize, (end - start) as usize);
        Some(Box::new(std::iter::once(miette::LabeledSpan::new(Some(self.message().to_owned()), start, len))))
    }
}
