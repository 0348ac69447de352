//! TOML 1.0 as `builtins.fromTOML` reads it.

use std::collections::BTreeMap;
use std::fmt;

/// How deep tables and arrays may be nested. CppNix sets no limit and overflows its stack.
pub const MAX_DEPTH: usize = 256;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Toml {
    /// A string.
    String(String),
    /// An integer.
    Int(i64),
    /// A float, which may be infinite or no number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A date, a time, or both, as CppNix prints them. It takes them only with the experimental
    /// feature `parse-toml-timestamps`, and else says `Dates and times are not supported`.
    Timestamp(String),
    /// An array.
    Array(Vec<Toml>),
    /// A table.
    Table(BTreeMap<String, Toml>),
}

/// Reads a document.
pub fn parse(text: &[u8]) -> Result<BTreeMap<String, Toml>, TomlError> {
    let valid = std::str::from_utf8(text).unwrap_or_else(|error| {
        // What is no UTF-8 ends the text, and with it some string.
        std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default()
    });
    let mut reader = Reader { text: valid, at: 0 };
    let document = reader.document();
    match document {
        Ok(document) if valid.len() == text.len() => Ok(document),
        Ok(_) => Err(TomlError::of(text, &[Fault::new(valid.len(), BAD_STRING, "expected \"")])),
        Err(faults) => Err(TomlError::of(text, &faults)),
    }
}

/// Why a text is no TOML; [`Display`](fmt::Display) is CppNix's message after its `while parsing TOML: `, which is toml11's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlError {
    text: String,
}

const TOO_LARGE: &str = "toml::parse_dec_integer: too large integer: current max digits = 2^63";

impl TomlError {
    fn of(text: &[u8], faults: &[Fault]) -> TomlError {
        TomlError { text: faults.iter().map(|fault| fault.show(text)).collect() }
    }
}

impl fmt::Display for TomlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for TomlError {}

/// A part of the text that an error is about.
#[derive(Clone, Debug)]
struct Mark {
    from: usize,
    to: usize,
    note: &'static str,
}

/// An error before its lines are known.
#[derive(Clone, Debug)]
struct Fault {
    message: &'static str,
    marks: Vec<Mark>,
    hints: &'static [&'static str],
    /// Of what is still open at the end of the text, where its statement starts.
    open: Option<usize>,
    /// The text that it is about, if that is not the document.
    temporary: Option<String>,
}

const INTEGER_HINTS: &[&str] =
    &["valid  : -42, 1_000, 1_2_3_4_5, 0xC0FFEE, 0b0010, 0o755", "invalid: _42, 1__000, 0123"];
const FLOAT_HINTS: &[&str] =
    &["valid  : +1.0, -2e-2, 3.141_592_653_589, inf, nan", "invalid: .0, 1., _1.0, 1.0_, 1_.0, 1.0__0"];
const KEY_HINTS: &[&str] = &["non-ASCII scripts are allowed in toml v1.1.0, but not in v1.0.0."];

impl Fault {
    fn new(at: usize, message: &'static str, note: &'static str) -> Fault {
        let marks = vec![Mark { from: at, to: at + 1, note }];
        Fault { message, marks, hints: &[], open: None, temporary: None }
    }

    /// An error about what is being added, and what is there.
    fn clash(message: &'static str, new: (Span, &'static str), old: (Span, &'static str)) -> Fault {
        let mark = |((from, to), note): (Span, &'static str)| Mark { from, to, note };
        Fault { message, marks: vec![mark(new), mark(old)], hints: &[], open: None, temporary: None }
    }

    fn hint(self, hints: &'static [&'static str]) -> Fault {
        Fault { hints, ..self }
    }

    fn show(&self, text: &[u8]) -> String {
        let text = self.temporary.as_ref().map_or(text, |text| text.as_bytes());
        let line_of = |at: usize| text[..at.min(text.len())].iter().filter(|&&c| c == b'\n').count() + 1;
        let last = text.trim_ascii_end().len();
        let width = match self.open {
            Some(_) => line_of(last) + 1,
            None => self.marks.iter().map(|mark| line_of(mark.from)).max().unwrap_or(1),
        };
        let width = width.to_string().len();
        let file = if self.temporary.is_some() { "internal temporary" } else { "fromTOML" };
        let blank = " ".repeat(width + 1);
        let mut out = format!("[error] {}\n{}--> {file}\n{blank} |\n", self.message, " ".repeat(width));
        let mut line = |number: usize, source: &[u8], column: usize, underline: &str| {
            out.push_str(&format!(" {number:>width$} | {}\n", visible(source)));
            out.push_str(&format!("{blank} | {}{underline}\n", " ".repeat(column)));
        };
        if let (Some(start), [mark, ..]) = (self.open, &self.marks[..]) {
            let number = line_of(last);
            let final_line = line_at(text, last);
            line(number, final_line, final_line.len(), "--");
            let carets = "^".repeat(line_at(text, start).len() + 1);
            line(number + 1, &text[start..last], 0, &format!("{carets}-- {}", mark.note));
            return out;
        }
        for (i, mark) in self.marks.iter().enumerate() {
            if i > 0 {
                out.push_str(&format!("{blank} | ...\n{blank} |\n"));
            }
            let from = mark.from.min(text.len());
            let start = text[..from].iter().rposition(|&c| c == b'\n').map_or(0, |newline| newline + 1);
            let carets = "^".repeat(mark.to.saturating_sub(mark.from).max(1));
            out.push_str(&format!(" {:>width$} | {}\n", line_of(from), visible(line_at(text, from))));
            out.push_str(&format!("{blank} | {}{carets}-- {}\n", " ".repeat(from - start), mark.note));
        }
        for hint in self.hints {
            out.push_str(&format!("Hint: {hint}\n"));
        }
        out
    }
}

/// The line around a place, without its end.
fn line_at(text: &[u8], at: usize) -> &[u8] {
    let at = at.min(text.len());
    let start = text[..at].iter().rposition(|&c| c == b'\n').map_or(0, |newline| newline + 1);
    let line = text[start..].split(|&c| c == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A text as toml11 shows it: bytes that are no printable ASCII by their numbers.
fn visible(text: &[u8]) -> String {
    let mut out = String::new();
    for &c in text {
        match c {
            b' '..=b'~' => out.push(c as char),
            b'\t' => out.push_str("0x09(TAB)"),
            b'\n' => out.push_str("0x0a(LINE FEED)"),
            b'\r' => out.push_str("0x0d(CARRIAGE RETURN)"),
            _ => out.push_str(&format!("0x{c:02x}")),
        }
    }
    out
}

/// Where something stands: its first byte, and the one behind its last.
type Span = (usize, usize);

type Read<T> = Result<T, Fault>;

/// A table while it may still grow.
struct Table {
    kind: Kind,
    items: BTreeMap<String, Item>,
    /// The header or key that brought it about.
    span: Span,
}

/// By what a table came about, which decides what may still be added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The way to a table of a header.
    Implicit,
    /// A header of its own.
    Header,
    /// A key with dots.
    Dotted,
}

enum Item {
    /// A value that is complete, inline tables among them.
    Value(Toml, Span),
    Table(Table),
    /// An array of tables; the last is the one that may grow.
    Tables(Vec<Table>),
}

impl Table {
    fn new(kind: Kind, span: Span) -> Table {
        Table { kind, items: BTreeMap::new(), span }
    }

    /// Recursive: tables are nested no deeper than [`MAX_DEPTH`].
    fn finish(self) -> BTreeMap<String, Toml> {
        self.items.into_iter().map(|(key, item)| (key, item.finish())).collect()
    }

    /// The table at a header's path, but for the last key; tables on the way are made.
    fn walk(&mut self, path: &[String], header: Span) -> Read<&mut Table> {
        path.iter().try_fold(self, |table, key| {
            let new = || Item::Table(Table::new(Kind::Implicit, header));
            match table.items.entry(key.clone()).or_insert_with(new) {
                Item::Table(table) => Ok(table),
                Item::Tables(tables) => Ok(tables.last_mut().expect("made with one")),
                Item::Value(value, span) => Err(blocked(value, header, *span)),
            }
        })
    }

    /// Adds what stands for a table under a header, and returns it.
    fn define(&mut self, key: &str, header: Span) -> Read<&mut Table> {
        let new = || Item::Table(Table::new(Kind::Implicit, header));
        let item = self.items.entry(key.into()).or_insert_with(new);
        let old = item.span();
        match item {
            Item::Table(table) if table.kind == Kind::Implicit => {
                (table.kind, table.span) = (Kind::Header, header);
                Ok(table)
            }
            _ => Err(Fault::clash(
                "toml::insert_value: failed to insert a table, table already defined",
                (header, "inserting this"),
                (old, "this table is explicitly defined"),
            )),
        }
    }

    /// Adds a table to an array of tables, and returns it.
    fn append(&mut self, key: &str, header: Span) -> Read<&mut Table> {
        match self.items.entry(key.into()).or_insert_with(|| Item::Tables(Vec::new())) {
            Item::Tables(tables) => {
                tables.push(Table::new(Kind::Header, header));
                Ok(tables.last_mut().expect("just pushed"))
            }
            old => Err(Fault::clash(
                "toml::insert_value: failed to insert an array of tables, value already exists",
                (header, "while inserting this"),
                (old.span(), "non-table value already exists"),
            )),
        }
    }

    /// Adds a value under a key, which may have dots.
    fn insert(&mut self, path: &[String], key: Span, value: Toml, span: Span) -> Read<()> {
        let (last, way) = path.split_last().expect("a key has one part at least");
        let table = way.iter().try_fold(self, |table, part| {
            let new = || Item::Table(Table::new(Kind::Dotted, key));
            let item = table.items.entry(part.clone()).or_insert_with(new);
            let old = item.span();
            match item {
                Item::Table(table) => match table.kind {
                    Kind::Dotted => Ok(table),
                    _ => Err(Fault::clash(
                        "toml::insert_value: reopening a table using dotted keys",
                        (key, "dotted key cannot reopen a table"),
                        (old, "this table is already closed"),
                    )),
                },
                Item::Value(value, _) => Err(blocked(value, key, old)),
                Item::Tables(_) => Err(blocked(&Toml::Bool(false), key, old)),
            }
        })?;
        match table.items.insert(last.clone(), Item::Value(value, span)) {
            None => Ok(()),
            Some(old) => {
                let fault =
                    Fault::clash(EXISTS, (key, "inserting this"), (old.span(), "but value already exists"));
                // The first one stays.
                table.items.insert(last.clone(), old);
                Err(fault)
            }
        }
    }
}

const EXISTS: &str = "toml::insert_value: failed to insert a value, value already exists";

/// The error that a value stands where a table would have to be.
fn blocked(value: &Toml, new: Span, old: Span) -> Fault {
    match value {
        Toml::Table(_) => Fault::clash(
            "toml::insert_value: failed to insert a value: inline table is immutable",
            (new, "inserting this"),
            (old, "to this table"),
        ),
        _ => Fault::clash(EXISTS, (new, "while inserting this"), (old, "non-table value already exists")),
    }
}

impl Item {
    fn finish(self) -> Toml {
        match self {
            Item::Value(value, _) => value,
            Item::Table(table) => Toml::Table(table.finish()),
            Item::Tables(tables) => {
                Toml::Array(tables.into_iter().map(|table| Toml::Table(table.finish())).collect())
            }
        }
    }

    fn span(&self) -> Span {
        match self {
            Item::Value(_, span) => *span,
            Item::Table(table) => table.span,
            Item::Tables(tables) => tables.first().map_or((0, 0), |table| table.span),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

const BAD_STRING: &str = "toml::parse_basic_string: invalid string format";
const BAD_VALUE: &str = "bad format: unknown value appeared";
const NEWLINE: &str = "toml::parse_table: newline (LF / CRLF) or EOF is expected";

impl Reader<'_> {
    /// The document, or the errors of the first table that has some.
    fn document(&mut self) -> Result<BTreeMap<String, Toml>, Vec<Fault>> {
        let one = |fault| vec![fault];
        let mut root = Table::new(Kind::Header, (0, 0));
        self.statements(&mut root)?;
        while self.peek() == Some(b'[') {
            let (path, header, is_array) = self.header().map_err(one)?;
            let (last, way) = path.split_last().expect("a key has one part at least");
            let parent = root.walk(way, header).map_err(one)?;
            let table = if is_array { parent.append(last, header) } else { parent.define(last, header) };
            let table = table.map_err(one)?;
            self.end_of_line("toml::parse_file: newline (or EOF) expected", "expected 0x0a(LINE FEED) or ")
                .map_err(one)?;
            self.statements(table)?;
        }
        if self.at < self.text.len() {
            return Err(one(Fault::new(self.at, "toml::parse_file: unknown line appeared", "here")));
        }
        Ok(root.finish())
    }

    /// The path of a header, where it stands, and whether it is one of an array.
    fn header(&mut self) -> Read<(Vec<String>, Span, bool)> {
        let start = self.at;
        let is_array = self.text[start..].starts_with("[[");
        let (closing, message, note) = match is_array {
            true => ("]]", "toml::parse_file: invalid array-table key", "expected ]]"),
            false => ("]", "toml::parse_file: invalid table key", "expected ]"),
        };
        self.at += closing.len();
        let (mut path, mut end) = (Vec::new(), self.at);
        self.key(&mut path, &mut end).map_err(|_| match path.is_empty() {
            true => Fault::new(end, message, "expected basic key([a-zA-Z0-9_-]) or quoted key(\" or ')"),
            false => Fault::new(end, message, note),
        })?;
        if !self.eat(closing) {
            return Err(Fault::new(self.at, message, note));
        }
        Ok((path, (start, self.at), is_array))
    }

    /// All lines up to the next header. What is wrong with one does not keep the others from being read.
    fn statements(&mut self, table: &mut Table) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        loop {
            let outcome = self.blank_lines();
            let start = self.at;
            match outcome.and_then(|()| self.statement(table)) {
                Ok(true) => {}
                Ok(false) => break,
                Err(mut fault) => {
                    fault.open = fault.open.map(|_| start);
                    faults.push(fault);
                    let rest = &self.text[start..];
                    self.at = start + rest.find('\n').map_or(rest.len(), |newline| newline + 1);
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// A key and its value. Answers whether there is one.
    fn statement(&mut self, table: &mut Table) -> Read<bool> {
        if self.peek().is_none_or(|c| c == b'[') {
            return Ok(false);
        }
        let (start, mut end, mut path) = (self.at, self.at, Vec::new());
        self.key(&mut path, &mut end)?;
        let (value, span) = self.assigned(0)?;
        table.insert(&path, (start, end), value, span)?;
        self.end_of_line(NEWLINE, "here")?;
        Ok(true)
    }

    /// The value after a key's equals sign.
    fn assigned(&mut self, depth: usize) -> Read<(Toml, Span)> {
        if !self.eat("=") {
            return self.fault("toml::parse_key_value_pair: invalid key value separator `=`", "expected =");
        }
        self.spaces();
        let start = self.at;
        let value = self.value(depth)?;
        Ok((value, (start, self.at)))
    }

    /// A key with dots, and the spaces after it; `end` is where the last part that was read ends.
    fn key(&mut self, path: &mut Vec<String>, end: &mut usize) -> Read<()> {
        loop {
            self.spaces();
            let part = match self.peek() {
                Some(b'"') => self.basic_string()?,
                Some(b'\'') => self.literal_string()?,
                _ => {
                    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                    self.run(bare).to_string()
                }
            };
            let is_quoted = matches!(self.text[..self.at].bytes().last(), Some(b'"' | b'\''));
            if part.is_empty() && !is_quoted {
                const MESSAGE: &str = "toml::parse_simple_key: invalid key: key must be \"quoted\", 'quoted-literal', or bare key.";
                const NOTE: &str = "expected alpha [a-zA-Z], digit [0-9], -, or _";
                return Err(Fault::new(self.at, MESSAGE, NOTE).hint(KEY_HINTS));
            }
            if path.len() == MAX_DEPTH {
                return self.too_deep();
            }
            path.push(part);
            *end = self.at;
            self.spaces();
            if !self.eat(".") {
                return Ok(());
            }
        }
    }

    /// Recursive, hence the limit on `depth`.
    fn value(&mut self, depth: usize) -> Read<Toml> {
        if depth > MAX_DEPTH {
            return self.too_deep();
        }
        let rest = &self.text[self.at..];
        match self.peek() {
            _ if rest.starts_with("\"\"\"") => self.multiline("\"\"\"").map(Toml::String),
            _ if rest.starts_with("'''") => self.multiline("'''").map(Toml::String),
            Some(b'"') => self.basic_string().map(Toml::String),
            Some(b'\'') => self.literal_string().map(Toml::String),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.inline_table(depth),
            _ => self.scalar(),
        }
    }

    fn array(&mut self, depth: usize) -> Read<Toml> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.blank_lines()?;
            if self.eat("]") {
                return Ok(Toml::Array(values));
            }
            if self.peek().is_none() {
                return self
                    .unclosed("toml::parse_array: missing closing bracket `]`", "expected `]`, reached EOF");
            }
            values.push(self.value(depth + 1)?);
            self.blank_lines()?;
            if self.peek().is_none() {
                return self
                    .unclosed("toml::parse_array: missing closing bracket `]`", "expected `]`, reached EOF");
            }
            if !self.eat(",") && self.peek() != Some(b']') {
                return self.fault("toml::parse_array: expected value-separator `,` or closing `]`", "here");
            }
        }
    }

    fn inline_table(&mut self, depth: usize) -> Read<Toml> {
        self.at += 1;
        let mut table = Table::new(Kind::Header, (0, 0));
        self.spaces();
        if self.eat("}") {
            return Ok(Toml::Table(BTreeMap::new()));
        }
        loop {
            self.spaces();
            if self.peek() == Some(b'}') {
                const MESSAGE: &str =
                    "toml::parse_inline_table: trailing comma is not allowed in TOML-v1.0.0)";
                return self.fault(MESSAGE, "here");
            }
            let (start, mut end, mut path) = (self.at, self.at, Vec::new());
            self.key(&mut path, &mut end)?;
            let (value, span) = self.assigned(depth + path.len())?;
            table.insert(&path, (start, end), value, span)?;
            self.spaces();
            if self.eat("}") {
                return Ok(Toml::Table(table.finish()));
            }
            if !self.eat(",") {
                const MESSAGE: &str = "toml::parse_inline_table: expected value-separator `,` or closing `}`";
                return self.fault(MESSAGE, "here");
            }
        }
    }

    fn literal_string(&mut self) -> Read<String> {
        self.at += 1;
        let text = self.run(|c| c != '\'' && is_printable(c)).to_string();
        if self.eat("'") {
            return Ok(text);
        }
        self.fault("toml::parse_literal_string: invalid string format", "expected '")
    }

    fn basic_string(&mut self) -> Read<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            text.push_str(self.run(|c| !matches!(c, '"' | '\\') && is_printable(c)));
            if self.eat("\"") {
                return Ok(text);
            }
            if !self.eat("\\") {
                return self.fault(BAD_STRING, "expected \"");
            }
            text.push(self.escape()?);
        }
    }

    fn multiline(&mut self, quotes: &'static str) -> Read<String> {
        let quote = if quotes == "'''" { '\'' } else { '"' };
        let is_basic = quote == '"';
        self.at += 3;
        let _ = self.eat("\r\n") || self.eat("\n");
        let mut text = String::new();
        loop {
            let plain = |c: char| c != quote && !(is_basic && c == '\\') && (is_printable(c) || c == '\n');
            text.push_str(self.run(plain));
            if self.eat(quotes) {
                // Up to two quotes may stand before those that close.
                for _ in 0..2 {
                    if self.eat(&quotes[..1]) {
                        text.push(quote);
                    }
                }
                return Ok(text);
            } else if self.eat(&quotes[..1]) {
                text.push(quote);
            } else if self.eat("\r\n") {
                text.push_str("\r\n");
            } else if is_basic && self.eat("\\") {
                if !self.line_continuation() {
                    text.push(self.escape()?);
                }
            } else {
                let (message, note) = match is_basic {
                    true => ("toml::parse_ml_basic_string: invalid string format", "expected \"\"\""),
                    false => ("toml::parse_ml_literal_string: invalid string format", "expected '''"),
                };
                return if self.peek().is_none() {
                    self.unclosed(message, note)
                } else {
                    self.fault(message, note)
                };
            }
        }
    }

    /// After a backslash: spaces, if a newline is among them.
    fn line_continuation(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let spaces = &rest[..rest.len() - trimmed.len()];
        let first_line = spaces.trim_start_matches([' ', '\t']);
        if !(first_line.starts_with('\n') || first_line.starts_with("\r\n")) {
            return false;
        }
        self.at += spaces.len();
        true
    }

    fn escape(&mut self) -> Read<char> {
        let backslash = self.at - 1;
        let c = self.peek();
        self.at += 1;
        let n_digits = match c {
            Some(b'b') => return Ok('\u{8}'),
            Some(b't') => return Ok('\t'),
            Some(b'n') => return Ok('\n'),
            Some(b'f') => return Ok('\u{c}'),
            Some(b'r') => return Ok('\r'),
            Some(c @ (b'"' | b'\\')) => return Ok(c.into()),
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => {
                self.at = backslash;
                return self.fault(BAD_STRING, "expected \"");
            }
        };
        let digits = self.text.get(self.at..self.at + n_digits).unwrap_or_default();
        let is_hex = digits.bytes().all(|c| c.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
        match code.map(char::from_u32) {
            Some(Some(c)) => {
                self.at += n_digits;
                Ok(c)
            }
            Some(None) => {
                const MESSAGE: &str = "toml::parse_utf8_codepoint: [0xD800, 0xDFFF] is not a valid UTF-8";
                let temporary = self.text[backslash..self.at + n_digits].to_owned();
                let marks = vec![Mark { from: 1, to: temporary.len(), note: "here" }];
                Err(Fault { marks, temporary: Some(temporary), ..Fault::new(0, MESSAGE, "") })
            }
            None => {
                self.at = backslash;
                self.fault(BAD_STRING, "expected \"")
            }
        }
    }

    fn scalar(&mut self) -> Read<Toml> {
        let at = self.at;
        let rest = &self.text[at..];
        match rest.as_bytes() {
            [b't' | b'f', ..] => {
                for (word, value) in [("true", true), ("false", false)] {
                    if self.eat(word) {
                        return Ok(Toml::Bool(value));
                    }
                }
                const MESSAGE: &str = "toml::parse_boolean: invalid boolean: boolean must be `true` or `false`, in \
                                       lowercase. string must be surrounded by `\"`";
                self.fault(MESSAGE, "expected true or false")
            }
            [b'0'..=b'9', b'0'..=b'9', b':', ..] => self.timestamp(),
            [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..] => self.timestamp(),
            [b'.', ..] => {
                const MESSAGE: &str = "bad float: integer part is required before decimal point";
                Err(Fault::new(at, MESSAGE, "missing integer part").hint(FLOAT_HINTS))
            }
            [b'_', ..] => {
                const MESSAGE: &str = "bad number: `_` must be surrounded by digits";
                Err(Fault::new(at, MESSAGE, "digits required before `_`").hint(INTEGER_HINTS))
            }
            [b'0'..=b'9' | b'+' | b'-' | b'i' | b'n', ..] => self.number(),
            _ => self.fault(BAD_VALUE, "here"),
        }
    }

    fn timestamp(&mut self) -> Read<Toml> {
        let at = self.at;
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.' | ':');
        let mut token = self.run(word).to_string();
        // A date and a time may be apart.
        let rest = &self.text.as_bytes()[self.at..];
        if is_date(&token) && matches!(rest, [b' ', b'0'..=b'9', ..]) {
            self.at += 1;
            token = format!("{token}T{}", self.run(word));
        }
        timestamp(&token).map(Toml::Timestamp).map_err(|message| match message {
            BAD_DATE => {
                const NOTE: &str =
                    "month must be 01-12, day must be any of 01-28,29,30,31 depending on the month/year.";
                Fault::new(at, message, NOTE)
            }
            _ => Fault::new(at, message, "here"),
        })
    }

    fn number(&mut self) -> Read<Toml> {
        let start = self.at;
        let is_negative = self.peek() == Some(b'-');
        let has_sign = self.eat("+") || self.eat("-");
        for (word, value) in [("inf", f64::INFINITY), ("nan", f64::NAN)] {
            if self.eat(word) {
                return Ok(Toml::Float(if is_negative { -value } else { value }));
            }
        }
        match self.peek() {
            Some(b'0'..=b'9') => {}
            Some(c @ (b'i' | b'n')) if !has_sign => {
                let message = match c {
                    b'i' => {
                        "toml::parse_value: `inf` must be in lowercase. A string must be surrounded by quotes."
                    }
                    _ => {
                        "toml::parse_value: `nan` must be in lowercase. A string must be surrounded by quotes."
                    }
                };
                return self.fault(message, "expected from `1` to `9` or digit [0-9] or inf or nan");
            }
            _ => return Err(Fault::new(start, BAD_VALUE, "here")),
        }
        for (prefix, radix, message, too_large, note) in RADIXES {
            if !has_sign && self.eat(prefix) {
                let digits = self.digits(*radix, BAD_INTEGER, INTEGER_HINTS)?;
                if digits.is_empty() {
                    return self.fault(message, note);
                }
                return match i64::from_str_radix(&digits, *radix) {
                    Ok(n) => Ok(Toml::Int(n)),
                    Err(_) => self.fault(too_large, "must be < 2^63"),
                };
            }
        }
        let first = self.at;
        self.digits(10, BAD_INTEGER, INTEGER_HINTS)?;
        if self.at > first + 1 && self.text[first..].starts_with('0') {
            const MESSAGE: &str = "bad integer: invalid digit after an integer";
            return Err(Fault::new(first + 1, MESSAGE, "this digit is not allowed").hint(INTEGER_HINTS));
        }
        let whole = self.at;
        for exponent in [false, true] {
            let at = self.at;
            let found = if exponent { self.eat("e") || self.eat("E") } else { self.eat(".") };
            if found {
                let _ = exponent && (self.eat("+") || self.eat("-"));
                let has_digits = self.peek().is_some_and(|c| c.is_ascii_digit());
                if !has_digits {
                    return Err(Fault::new(at, "bad float: invalid format", "here").hint(FLOAT_HINTS));
                }
                self.digits(10, "bad float: `_` must be surrounded by digits", FLOAT_HINTS)?;
            }
        }
        let plain = self.text[start..self.at].replace('_', "");
        if self.at == whole {
            return plain.parse().map(Toml::Int).or_else(|_| self.fault(TOO_LARGE, "must be < 2^63"));
        }
        match plain.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Toml::Float(value)),
            _ => self.fault("toml::parse_floating: failed to read floating point value from stream", "here"),
        }
    }

    /// Digits without the underscores, each of which must stand between two digits.
    fn digits(&mut self, radix: u32, message: &'static str, hints: &'static [&'static str]) -> Read<String> {
        let start = self.at;
        let text = self.run(|c| c.is_digit(radix) || c == '_').to_owned();
        let is_digit =
            |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(|&c| c != b'_');
        for (i, _) in text.match_indices('_') {
            if !is_digit(i.checked_sub(1)) || !is_digit(Some(i + 1)) {
                return Err(Fault::new(start + i, message, "invalid underscore").hint(hints));
            }
        }
        Ok(text.replace('_', ""))
    }

    /// Passes blank lines and comments.
    fn blank_lines(&mut self) -> Read<()> {
        loop {
            self.spaces();
            self.comment()?;
            if !self.newline() {
                return Ok(());
            }
        }
    }

    fn end_of_line(&mut self, message: &'static str, note: &'static str) -> Read<()> {
        self.spaces();
        self.comment()?;
        if self.newline() || self.at == self.text.len() {
            return Ok(());
        }
        self.fault(message, note)
    }

    fn comment(&mut self) -> Read<()> {
        if self.eat("#") {
            self.run(is_printable);
            let rest = &self.text[self.at..];
            if !(rest.is_empty() || rest.starts_with('\n') || rest.starts_with("\r\n")) {
                return self.fault("bad format: control characters are not allowed in comments", "here");
            }
        }
        Ok(())
    }

    fn newline(&mut self) -> bool {
        self.eat("\n") || self.eat("\r\n")
    }

    fn spaces(&mut self) {
        self.run(|c| matches!(c, ' ' | '\t'));
    }

    fn run(&mut self, includes: impl Fn(char) -> bool) -> &str {
        let rest = &self.text[self.at..];
        let len = rest.find(|c| !includes(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn eat(&mut self, text: &str) -> bool {
        let eats = self.text[self.at..].starts_with(text);
        self.at += if eats { text.len() } else { 0 };
        eats
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn too_deep<T>(&self) -> Read<T> {
        self.fault("tables and arrays are nested too deeply", "here")
    }

    fn fault<T>(&self, message: &'static str, note: &'static str) -> Read<T> {
        Err(Fault::new(self.at, message, note))
    }

    /// The error that the text ends before what was begun.
    fn unclosed<T>(&self, message: &'static str, note: &'static str) -> Read<T> {
        Err(Fault { open: Some(0), ..Fault::new(self.at, message, note) })
    }
}

fn is_printable(c: char) -> bool {
    c == '\t' || !c.is_ascii_control()
}

const BAD_INTEGER: &str = "bad integer: `_` must be surrounded by digits";
const BAD_DATE: &str = "toml::parse_local_date: invalid date.";

/// Prefixes of integers, with their radix and what is said where no digit follows or the number is too large.
const RADIXES: &[(&str, u32, &str, &str, &str)] = &[
    (
        "0x",
        16,
        "toml::parse_hex_integer: invalid integer: hex_int must be like: 0xC0FFEE, 0xdead_beef",
        "toml::parse_hex_integer: too large integer: current max value = 2^63",
        "expected hex [0-9a-fA-F]",
    ),
    (
        "0o",
        8,
        "toml::parse_oct_integer: invalid integer: oct_int must be like: 0o775, 0o04_44",
        "toml::parse_oct_integer: too large integer: current max value = 2^63",
        "expected from `0` to `7`",
    ),
    (
        "0b",
        2,
        "toml::parse_bin_integer: invalid integer: bin_int must be like: 0b0101, 0b1111_0000",
        "toml::parse_bin_integer: too large integer: current max value = 2^63",
        "expected 0 or 1",
    ),
];

/// Whether a token looks like a date, with or without a time.
fn is_date(token: &str) -> bool {
    let shape = token.as_bytes();
    shape.len() >= 10
        && shape[..4].iter().all(u8::is_ascii_digit)
        && shape[4] == b'-'
        && shape[7] == b'-'
        && matches!(shape.get(10), None | Some(b'T' | b't'))
}

/// A date, a time, or both, checked and in the form CppNix prints.
fn timestamp(token: &str) -> Result<String, &'static str> {
    if !is_date(token) {
        let (time, offset) = time(token)?;
        return if offset.is_empty() { Ok(time) } else { Err(BAD_VALUE) };
    }
    let date = token.get(..10).ok_or(BAD_VALUE)?;
    check_date(date)?;
    match token.get(11..) {
        None => Ok(date.into()),
        Some(text) => {
            let (time, offset) = time(text)?;
            Ok(format!("{date}T{time}{offset}"))
        }
    }
}

fn check_date(date: &str) -> Result<(), &'static str> {
    let field = |range: std::ops::Range<usize>| two_digits(date.get(range).unwrap_or_default());
    let year = date[..4].parse::<u32>().map_err(|_| BAD_VALUE)?;
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (month, day) = (field(5..7).ok_or(BAD_VALUE)?, field(8..10).ok_or(BAD_VALUE)?);
    let n_days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if (1..=n_days).contains(&day) { Ok(()) } else { Err(BAD_DATE) }
}

/// A time with its fraction in threes of digits, and its offset.
fn time(text: &str) -> Result<(String, String), &'static str> {
    const BAD_TIME: &str = "toml::parse_local_time: invalid time.";
    let clock = text.get(..8).ok_or(BAD_VALUE)?;
    let fields: Vec<u32> = clock.split(':').map(two_digits).collect::<Option<_>>().ok_or(BAD_VALUE)?;
    let [hour, minute, second] = fields[..] else { return Err(BAD_VALUE) };
    if hour > 23 || minute > 59 || second > 60 {
        return Err(BAD_TIME);
    }
    let rest = &text[8..];
    let (fraction, offset) = match rest.strip_prefix('.') {
        None => (String::new(), rest),
        Some(rest) => {
            let len = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            if len == 0 {
                return Err(BAD_VALUE);
            }
            (fraction(&rest[..len]), &rest[len..])
        }
    };
    Ok((format!("{clock}{fraction}"), offset_of(offset)?))
}

/// At most nanoseconds, as few threes of digits as it takes.
fn fraction(digits: &str) -> String {
    let nanos = format!("{digits:0<9.9}");
    match nanos.trim_end_matches('0').len().next_multiple_of(3) {
        0 => String::new(),
        len => format!(".{}", &nanos[..len]),
    }
}

fn offset_of(offset: &str) -> Result<String, &'static str> {
    match offset {
        "" => Ok(String::new()),
        "Z" | "z" | "+00:00" | "-00:00" => Ok("Z".into()),
        _ => {
            let (hour, minute) = offset[1..].split_once(':').ok_or(BAD_VALUE)?;
            let is_signed = offset.starts_with(['+', '-']);
            let hour = two_digits(hour).filter(|&hour| hour < 24);
            let minute = two_digits(minute).filter(|&minute| minute < 60);
            let is_good = is_signed && hour.is_some() && minute.is_some();
            if is_good { Ok(offset.into()) } else { Err("toml::parse_offset: invalid offset.") }
        }
    }
}

fn two_digits(text: &str) -> Option<u32> {
    if text.len() == 2 && text.bytes().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The document as JSON; timestamps as strings, what is not finite as null.
    fn json(text: &str) -> String {
        show(&Toml::Table(parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))))
    }

    fn show(value: &Toml) -> String {
        match value {
            Toml::String(text) | Toml::Timestamp(text) => format!("{text:?}"),
            Toml::Int(value) => value.to_string(),
            Toml::Float(value) if value.is_finite() => format!("{value:?}"),
            Toml::Float(_) => "null".into(),
            Toml::Bool(value) => value.to_string(),
            Toml::Array(values) => format!("[{}]", values.iter().map(show).collect::<Vec<_>>().join(",")),
            Toml::Table(items) => {
                let items = items.iter().map(|(key, value)| format!("{key:?}:{}", show(value)));
                format!("{{{}}}", items.collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn documents() {
        let cases = [
            ("x = 0x7FFFFFFFFFFFFFFF", "{\"x\":9223372036854775807}"),
            ("x = [1,2,]", "{\"x\":[1,2]}"),
            ("x = [\n1, # one\n\n2\n]", "{\"x\":[1,2]}"),
            (
                "x = [nan, inf, -inf, +1.5, 1e5, 1_000, 0b101, 0o17]",
                "{\"x\":[null,null,null,1.5,100000.0,1000,5,15]}",
            ),
            ("[a.b]\nc=1\n[a]\nd=2", "{\"a\":{\"b\":{\"c\":1},\"d\":2}}"),
            ("[[a]]\nx=1\n[[a]]\n[a.b]\ny=1", "{\"a\":[{\"x\":1},{\"b\":{\"y\":1}}]}"),
            ("\"\" = 1", "{\"\":1}"),
            ("x = \"\"\"\\\n  a\n b\\\n   c\"\"\"", "{\"x\":\"a\\n bc\"}"),
            ("x = '''\na''b'''", "{\"x\":\"a''b\"}"),
            ("a=[[1,2],[\"x\",{b=1}]]", "{\"a\":[[1,2],[\"x\",{\"b\":1}]]}"),
            ("a={b.c=1,b.d=2}", "{\"a\":{\"b\":{\"c\":1,\"d\":2}}}"),
            ("x=\"a\\u00e9\\U0001F600\"", "{\"x\":\"aé😀\"}"),
            ("x = -0", "{\"x\":0}"),
            ("x=1.0e-400", "{\"x\":0.0}"),
            ("[a.b.c]\n[a]\n[a.b]\nx=1", "{\"a\":{\"b\":{\"c\":{},\"x\":1}}}"),
            ("1.2=3", "{\"1\":{\"2\":3}}"),
            ("x=1\r\ny=2", "{\"x\":1,\"y\":2}"),
        ];
        for (text, expected) in cases {
            assert_eq!(json(text), expected);
        }
    }

    #[test]
    fn timestamps() {
        let cases = [
            ("1979-05-27T07:32:00Z", "1979-05-27T07:32:00Z"),
            ("1979-05-27 07:32:00.5-07:00", "1979-05-27T07:32:00.500-07:00"),
            ("1979-05-27", "1979-05-27"),
            ("07:32:00.1234567", "07:32:00.123456700"),
        ];
        for (text, expected) in cases {
            assert_eq!(json(&format!("x = {text}")), format!("{{\"x\":{expected:?}}}"));
        }
    }

    #[test]
    fn refusals() {
        let refused = [
            "x=",
            "x=1\nx=2",
            "[a]\n[a]",
            "x = 1 y = 2",
            "x = 01",
            "x = 9223372036854775808",
            "x = 0xFFFFFFFFFFFFFFFF",
            "x = {a=1,}",
            "x = {a=1,\n b=2}",
            "x=\"\\e\"",
            "x = 07:32",
            "x = 1979-02-30",
            "a.b=1\na.c=2\n[a]\nd=1",
            "a={}\n[a.b]",
            "a=[]\n[[a]]",
            "x=\"\\ud800\"",
            "x = 1e400",
            "x = 24:00:00",
            "x=+0x1",
            "# c\u{1}",
            "x=1\ry=2",
            "x = 1__0",
            "x = 1.",
            "x = .5",
            "x = \"a\nb\"",
            "=1",
            "a..b=1",
            "[a",
            "[[a]\n",
        ];
        for text in refused {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn message() {
        let error = parse(b"y=1\nx = 1 y = 2").unwrap_err().to_string();
        let expected = "[error] toml::parse_table: newline (LF / CRLF) or EOF is expected\n  \
            --> fromTOML\n   |\n 2 | x = 1 y = 2\n   |       ^-- here\n";
        assert_eq!(error, expected);
    }

    #[test]
    fn depth_is_limited() {
        for (open, close) in [("[", "]"), ("{a=", "}")] {
            let deep = format!("x={}1{}", open.repeat(100_000), close.repeat(100_000));
            assert!(parse(deep.as_bytes()).is_err());
        }
        assert!(parse(format!("{}a=1", "a.".repeat(100_000)).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[\\[\\]{}=.,\"'#a0-2_:TZ\n\\\\+-]{0,40}") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
