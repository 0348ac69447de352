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
    let valid = std::str::from_utf8(text).map_err(|error| {
        let text = String::from_utf8_lossy(&text[..error.valid_up_to()]);
        TomlError::at(&text, text.len(), "toml::parse_basic_string: invalid string format", "expected \"")
    })?;
    let mut reader = Reader { text: valid, at: 0 };
    reader.document().map_err(|Fault { at, message, note }| TomlError::at(valid, at, message, note))
}

/// Why a text is no TOML; [`Display`](fmt::Display) is like CppNix's message after its
/// `while parsing TOML: `, though not always in the same words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlError {
    message: &'static str,
    note: &'static str,
    /// From one.
    line: usize,
    /// The line's text.
    source: String,
    /// In bytes, from zero.
    column: usize,
}

const TOO_LARGE: &str = "toml::parse_dec_integer: too large integer: current max digits = 2^63";

impl TomlError {
    fn at(text: &str, at: usize, message: &'static str, note: &'static str) -> TomlError {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[..start].bytes().filter(|&c| c == b'\n').count() + 1;
        let source = text[start..].lines().next().unwrap_or_default().into();
        TomlError { message, note, line, source, column: at - start }
    }
}

impl fmt::Display for TomlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TomlError { message, note, line, source, column } = self;
        let width = line.to_string().len() + 1;
        let blank = " ".repeat(width);
        // toml11 words this error by another of its functions, whose arrow stands one to the left.
        let arrow = if *message == TOO_LARGE { &blank[1..] } else { &blank };
        writeln!(f, "[error] {message}\n{arrow}--> fromTOML\n{blank} |")?;
        writeln!(f, "{line:>width$} | {source}")?;
        writeln!(f, "{blank} | {}^-- {note}", " ".repeat(*column))
    }
}

impl std::error::Error for TomlError {}

/// An error before its line is known.
struct Fault {
    at: usize,
    message: &'static str,
    note: &'static str,
}

type Read<T> = Result<T, Fault>;

/// A table while it may still grow.
struct Table {
    kind: Kind,
    items: BTreeMap<String, Item>,
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
    Value(Toml),
    Table(Table),
    /// An array of tables; the last is the one that may grow.
    Tables(Vec<Table>),
}

impl Table {
    fn new(kind: Kind) -> Table {
        Table { kind, items: BTreeMap::new() }
    }

    /// Recursive: tables are nested no deeper than [`MAX_DEPTH`].
    fn finish(self) -> BTreeMap<String, Toml> {
        self.items.into_iter().map(|(key, item)| (key, item.finish())).collect()
    }

    /// The table at a header's path, but for the last key; tables on the way are made.
    fn walk(&mut self, path: &[String], at: usize) -> Read<&mut Table> {
        path.iter().try_fold(self, |table, key| {
            let item =
                table.items.entry(key.clone()).or_insert_with(|| Item::Table(Table::new(Kind::Implicit)));
            match item {
                Item::Table(table) => Ok(table),
                Item::Tables(tables) => Ok(tables.last_mut().expect("made with one")),
                Item::Value(_) => Err(redefined(at)),
            }
        })
    }

    /// Adds what stands for a table under a header, and returns it.
    fn define(&mut self, key: &str, at: usize) -> Read<&mut Table> {
        let new = || Item::Table(Table::new(Kind::Implicit));
        match self.items.entry(key.into()).or_insert_with(new) {
            Item::Table(table) if table.kind == Kind::Implicit => {
                table.kind = Kind::Header;
                Ok(table)
            }
            _ => Err(redefined(at)),
        }
    }

    /// Adds a table to an array of tables, and returns it.
    fn append(&mut self, key: &str, at: usize) -> Read<&mut Table> {
        match self.items.entry(key.into()).or_insert_with(|| Item::Tables(Vec::new())) {
            Item::Tables(tables) => {
                tables.push(Table::new(Kind::Header));
                Ok(tables.last_mut().expect("just pushed"))
            }
            _ => Err(redefined(at)),
        }
    }

    /// Adds a value under a key, which may have dots.
    fn insert(&mut self, path: &[String], value: Toml, at: usize) -> Read<()> {
        let (last, way) = path.split_last().expect("a key has one part at least");
        let table = way.iter().try_fold(self, |table, key| {
            let new = || Item::Table(Table::new(Kind::Dotted));
            match table.items.entry(key.clone()).or_insert_with(new) {
                Item::Table(table) if table.kind == Kind::Dotted => Ok(table),
                _ => Err(redefined(at)),
            }
        })?;
        match table.items.insert(last.clone(), Item::Value(value)) {
            None => Ok(()),
            Some(_) => Err(redefined(at)),
        }
    }
}

impl Item {
    fn finish(self) -> Toml {
        match self {
            Item::Value(value) => value,
            Item::Table(table) => Toml::Table(table.finish()),
            Item::Tables(tables) => {
                Toml::Array(tables.into_iter().map(|table| Toml::Table(table.finish())).collect())
            }
        }
    }
}

fn redefined(at: usize) -> Fault {
    Fault { at, message: "toml::insert_value: value already exists", note: "inserting this" }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

const BAD_STRING: &str = "toml::parse_basic_string: invalid string format";
const BAD_VALUE: &str = "bad format: unknown value appeared";
const BAD_NUMBER: &str =
    "bad integer: `_` must be surrounded by digits, and no digit may follow a leading zero";

impl Reader<'_> {
    fn document(&mut self) -> Read<BTreeMap<String, Toml>> {
        let mut root = Table::new(Kind::Header);
        let mut header = Vec::new();
        self.statements(&mut root)?;
        while self.peek() == Some(b'[') {
            let at = self.at;
            let is_array = self.text[at..].starts_with("[[");
            self.at += if is_array { 2 } else { 1 };
            header.clear();
            self.key(&mut header)?;
            let closing = if is_array { "]]" } else { "]" };
            if !self.eat(closing) {
                return self.fault("toml::parse_table: table header is not closed", "expected ]");
            }
            let (last, way) = header.split_last().expect("a key has one part at least");
            let parent = root.walk(way, at)?;
            let table = if is_array { parent.append(last, at)? } else { parent.define(last, at)? };
            self.end_of_line()?;
            self.statements(table)?;
        }
        if self.at < self.text.len() {
            return self.fault("toml::parse_file: unknown line appeared", "here");
        }
        Ok(root.finish())
    }

    /// All lines up to the next header.
    fn statements(&mut self, table: &mut Table) -> Read<()> {
        self.blank_lines()?;
        while self.peek().is_some_and(|c| c != b'[') {
            let at = self.at;
            let mut path = Vec::new();
            self.key(&mut path)?;
            let value = self.assigned(0)?;
            table.insert(&path, value, at)?;
            self.end_of_line()?;
            self.blank_lines()?;
        }
        Ok(())
    }

    /// The value after a key's equals sign.
    fn assigned(&mut self, depth: usize) -> Read<Toml> {
        if !self.eat("=") {
            return self.fault("toml::parse_key_value_pair: invalid key value separator", "expected =");
        }
        self.spaces();
        self.value(depth)
    }

    /// A key with dots, and the spaces after it.
    fn key(&mut self, path: &mut Vec<String>) -> Read<()> {
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
                return self.fault("toml::parse_key: invalid key", "expected a key");
            }
            if path.len() == MAX_DEPTH {
                return self.too_deep();
            }
            path.push(part);
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
            values.push(self.value(depth + 1)?);
            self.blank_lines()?;
            if !self.eat(",") && self.peek() != Some(b']') {
                return self.fault("toml::parse_array: expected value-separator `,` or closing `]`", "here");
            }
        }
    }

    fn inline_table(&mut self, depth: usize) -> Read<Toml> {
        self.at += 1;
        let mut table = Table::new(Kind::Header);
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
            let at = self.at;
            let mut path = Vec::new();
            self.key(&mut path)?;
            let value = self.assigned(depth + path.len())?;
            table.insert(&path, value, at)?;
            self.spaces();
            if self.eat("}") {
                return Ok(Toml::Table(table.finish()));
            }
            if !self.eat(",") {
                const MESSAGE: &str = "toml::parse_inline_table: missing `,` or closing `}`";
                return self.fault(MESSAGE, "expected `}`");
            }
        }
    }

    fn literal_string(&mut self) -> Read<String> {
        self.at += 1;
        let text = self.run(|c| c != '\'' && is_printable(c)).to_string();
        if self.eat("'") { Ok(text) } else { self.fault(BAD_STRING, "expected '") }
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
                return self.fault(BAD_STRING, "expected the closing quotes");
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
                self.at -= 1;
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
                self.fault("toml::parse_utf8_codepoint: [0xD800, 0xDFFF] is not a valid UTF-8", "here")
            }
            None => self.fault(BAD_STRING, "expected hexadecimal digits"),
        }
    }

    fn scalar(&mut self) -> Read<Toml> {
        let at = self.at;
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.' | ':');
        let mut token = self.run(word).to_string();
        // A date and a time may be apart.
        let rest = &self.text.as_bytes()[self.at..];
        if is_date(&token) && matches!(rest, [b' ', b'0'..=b'9', ..]) {
            self.at += 1;
            token = format!("{token}T{}", self.run(word));
        }
        let number = || -> Result<Toml, &'static str> {
            match &*token {
                "true" => Ok(Toml::Bool(true)),
                "false" => Ok(Toml::Bool(false)),
                "" => Err(BAD_VALUE),
                _ if token.contains(':') || is_date(&token) => timestamp(&token).map(Toml::Timestamp),
                _ => number(&token),
            }
        };
        number().map_err(|message| match message {
            TOO_LARGE => Fault { at: self.at, message, note: "must be < 2^63" },
            _ => Fault { at, message, note: "here" },
        })
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

    fn end_of_line(&mut self) -> Read<()> {
        self.spaces();
        self.comment()?;
        if self.newline() || self.at == self.text.len() {
            return Ok(());
        }
        self.fault("toml::parse_table: newline (LF / CRLF) or EOF is expected", "here")
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
        Err(Fault { at: self.at, message, note })
    }
}

fn is_printable(c: char) -> bool {
    c == '\t' || !c.is_ascii_control()
}

fn number(token: &str) -> Result<Toml, &'static str> {
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    match unsigned {
        "inf" | "nan" => {
            let value = if unsigned == "inf" { f64::INFINITY } else { f64::NAN };
            return Ok(Toml::Float(if token.starts_with('-') { -value } else { value }));
        }
        _ if !unsigned.starts_with(|c: char| c.is_ascii_digit()) => return Err(BAD_VALUE),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = token.strip_prefix(prefix) {
            return i64::from_str_radix(&digits_of(digits, radix)?, radix)
                .map(Toml::Int)
                .map_err(|_| "toml::parse_integer: too large integer: current max value = 2^63");
        }
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, decimals) = match mantissa.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (mantissa, None),
    };
    let whole = digits_of(whole, 10)?;
    if whole.len() > 1 && whole.starts_with('0') {
        return Err(BAD_NUMBER);
    }
    let decimals = decimals.map(|digits| digits_of(digits, 10)).transpose()?;
    let exponent_digits = exponent.map(|e| digits_of(e.strip_prefix(['+', '-']).unwrap_or(e), 10));
    exponent_digits.transpose()?;
    let plain = token.replace('_', "");
    if decimals.is_none() && exponent.is_none() {
        return plain.parse().map(Toml::Int).map_err(|_| TOO_LARGE);
    }
    match plain.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Toml::Float(value)),
        _ => Err("toml::parse_floating: failed to read floating point value"),
    }
}

/// Digits without the underscores, each of which must stand between two digits.
fn digits_of(digits: &str, radix: u32) -> Result<String, &'static str> {
    let are_digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_digit(radix));
    if digits.split('_').all(are_digits) { Ok(digits.replace('_', "")) } else { Err(BAD_NUMBER) }
}

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
    if (1..=n_days).contains(&day) { Ok(()) } else { Err("toml::parse_local_date: invalid date.") }
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
