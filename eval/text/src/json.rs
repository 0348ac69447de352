//! JSON as `builtins.fromJSON` reads and `builtins.toJSON` writes it.
//!
//! CppNix uses nlohmann's library, so what is accepted and what is said of the rest is its.

use std::borrow::Cow;
use std::fmt;

/// One step through a JSON text.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction or exponent that fits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string, never with a zero byte.
    String(Cow<'a, [u8]>),
    /// The name of the member whose value follows; of equal names the last counts.
    Key(Cow<'a, [u8]>),
    /// `{`
    ObjectStart,
    /// `}`
    ObjectEnd,
    /// `[`
    ArrayStart,
    /// `]`
    ArrayEnd,
}

/// Reads one JSON text as events; ends after it, or after the first error.
#[derive(Debug)]
pub struct Reader<'a> {
    lexer: Lexer<'a>,
    /// What is open, innermost last.
    open: Vec<Container>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A value.
    Value,
    /// A value or the end of the array just begun.
    FirstElement,
    /// A name or the end of the object just begun.
    FirstKey,
    /// What may follow a value here.
    AfterValue,
    Done,
}

impl<'a> Reader<'a> {
    /// A reader at the text's first byte.
    pub fn new(text: &'a [u8]) -> Reader<'a> {
        Reader { lexer: Lexer::new(text), open: Vec::new(), state: State::Value }
    }

    fn step(&mut self) -> Result<Option<Event<'a>>, JsonError> {
        match self.state {
            State::Done => Ok(None),
            State::Value => {
                let token = self.lexer.next();
                self.value(token).map(Some)
            }
            State::FirstElement => match self.lexer.next() {
                Token::ArrayEnd => Ok(Some(self.close(Event::ArrayEnd))),
                token => self.value(token).map(Some),
            },
            State::FirstKey => match self.lexer.next() {
                Token::ObjectEnd => Ok(Some(self.close(Event::ObjectEnd))),
                token => self.key(token).map(Some),
            },
            State::AfterValue => self.after_value(),
        }
    }

    fn after_value(&mut self) -> Result<Option<Event<'a>>, JsonError> {
        let token = self.lexer.next();
        match (self.open.last(), token) {
            (None, Token::End) => {
                self.state = State::Done;
                Ok(None)
            }
            (None, token) => Err(self.unexpected(&token, "value", "end of input")),
            (Some(Container::Array), Token::Comma) => {
                let token = self.lexer.next();
                self.value(token).map(Some)
            }
            (Some(Container::Array), Token::ArrayEnd) => Ok(Some(self.close(Event::ArrayEnd))),
            (Some(Container::Array), token) => Err(self.unexpected(&token, "array", "']'")),
            (Some(Container::Object), Token::Comma) => {
                let token = self.lexer.next();
                self.key(token).map(Some)
            }
            (Some(Container::Object), Token::ObjectEnd) => Ok(Some(self.close(Event::ObjectEnd))),
            (Some(Container::Object), token) => Err(self.unexpected(&token, "object", "'}'")),
        }
    }

    fn value(&mut self, token: Token<'a>) -> Result<Event<'a>, JsonError> {
        self.state = State::AfterValue;
        match token {
            Token::Null => Ok(Event::Null),
            Token::Bool(value) => Ok(Event::Bool(value)),
            Token::Int(value) => Ok(Event::Int(value)),
            Token::Unsigned(value) => Err(JsonError::Unsigned { value }),
            Token::Float(value) if value.is_finite() => Ok(Event::Float(value)),
            Token::Float(_) => Err(JsonError::Overflow { text: self.lexer.token_text() }),
            Token::String(value) => without_nul(value).map(Event::String),
            Token::ArrayStart => {
                self.open.push(Container::Array);
                self.state = State::FirstElement;
                Ok(Event::ArrayStart)
            }
            Token::ObjectStart => {
                self.open.push(Container::Object);
                self.state = State::FirstKey;
                Ok(Event::ObjectStart)
            }
            Token::End if self.lexer.n_read == 1 => Err(self.lexer.syntax_error(
                "attempting to parse an empty input; \
                 check that your input string or stream contains the expected JSON"
                    .into(),
            )),
            // Of a token that is none the lexer has said what should have come.
            Token::Bad(_) => Err(self.unexpected(&token, "value", "")),
            _ => Err(self.unexpected(&token, "value", "'[', '{', or a literal")),
        }
    }

    fn key(&mut self, token: Token<'a>) -> Result<Event<'a>, JsonError> {
        let Token::String(name) = token else {
            return Err(self.unexpected(&token, "object key", "string literal"));
        };
        let name = without_nul(name)?;
        match self.lexer.next() {
            Token::Colon => {
                self.state = State::Value;
                Ok(Event::Key(name))
            }
            token => Err(self.unexpected(&token, "object separator", "':'")),
        }
    }

    fn close(&mut self, event: Event<'a>) -> Event<'a> {
        self.open.pop();
        self.state = State::AfterValue;
        event
    }

    fn unexpected(&self, token: &Token<'_>, context: &str, expected: &str) -> JsonError {
        let mut message = format!("syntax error while parsing {context} - ");
        match token {
            Token::Bad(reason) => {
                message += &format!("{reason}; last read: '{}'", self.lexer.token_text());
            }
            _ => message += &format!("unexpected {}", token.name()),
        }
        if !expected.is_empty() {
            message += &format!("; expected {expected}");
        }
        self.lexer.syntax_error(message)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Event<'a>, JsonError>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.step();
        if event.is_err() {
            self.state = State::Done;
        }
        event.transpose()
    }
}

/// Nix strings end at a zero byte in C, so CppNix refuses to make one.
fn without_nul(text: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, JsonError> {
    if text.contains(&0) { Err(JsonError::Nul { text: text.into_owned() }) } else { Ok(text) }
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Beyond `i64`.
    Unsigned(u64),
    Float(f64),
    String(Cow<'a, [u8]>),
    ArrayStart,
    ArrayEnd,
    ObjectStart,
    ObjectEnd,
    Colon,
    Comma,
    End,
    Bad(Cow<'static, str>),
}

impl Token<'_> {
    fn name(&self) -> &'static str {
        match self {
            Token::Null => "null literal",
            Token::Bool(true) => "true literal",
            Token::Bool(false) => "false literal",
            Token::Int(_) | Token::Unsigned(_) | Token::Float(_) => "number literal",
            Token::String(_) => "string literal",
            Token::ArrayStart => "'['",
            Token::ArrayEnd => "']'",
            Token::ObjectStart => "'{'",
            Token::ObjectEnd => "'}'",
            Token::Colon => "':'",
            Token::Comma => "','",
            Token::End => "end of input",
            Token::Bad(_) => "<parse error>",
        }
    }
}

/// Characters to tokens. Reading past the end counts as reading a character, once per attempt: the
/// columns of messages depend on it.
#[derive(Debug)]
struct Lexer<'a> {
    text: &'a [u8],
    /// The next byte to read.
    at: usize,
    /// How many characters were read, the end among them.
    n_read: usize,
    /// Where the text quoted in messages starts: at the last string or number.
    quoted_from: usize,
    /// How many times the end was read without going back.
    past_end: usize,
}

const ILL_FORMED: &str = "invalid string: ill-formed UTF-8 byte";

impl<'a> Lexer<'a> {
    fn new(text: &'a [u8]) -> Lexer<'a> {
        Lexer { text, at: 0, n_read: 0, quoted_from: 0, past_end: 0 }
    }

    fn next(&mut self) -> Token<'a> {
        if self.n_read == 0 && !self.skip_bom() {
            return bad("invalid BOM; must be 0xEF 0xBB 0xBF if given");
        }
        let c = loop {
            match self.get() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => {}
                c => break c,
            }
        };
        match c {
            Some(b'[') => Token::ArrayStart,
            Some(b']') => Token::ArrayEnd,
            Some(b'{') => Token::ObjectStart,
            Some(b'}') => Token::ObjectEnd,
            Some(b':') => Token::Colon,
            Some(b',') => Token::Comma,
            Some(b't') => self.literal(b"rue", Token::Bool(true)),
            Some(b'f') => self.literal(b"alse", Token::Bool(false)),
            Some(b'n') => self.literal(b"ull", Token::Null),
            Some(b'"') => self.string(),
            Some(c @ (b'-' | b'0'..=b'9')) => self.number(c),
            Some(0) | None => Token::End,
            Some(_) => bad("invalid literal"),
        }
    }

    fn get(&mut self) -> Option<u8> {
        self.n_read += 1;
        let c = self.text.get(self.at).copied();
        match c {
            Some(_) => self.at += 1,
            None => self.past_end += 1,
        }
        c
    }

    fn unget(&mut self) {
        self.n_read -= 1;
        match self.past_end {
            0 => self.at -= 1,
            _ => self.past_end -= 1,
        }
    }

    fn skip_bom(&mut self) -> bool {
        if self.get() == Some(0xef) {
            return self.get() == Some(0xbb) && self.get() == Some(0xbf);
        }
        self.unget();
        true
    }

    fn literal(&mut self, rest: &[u8], token: Token<'a>) -> Token<'a> {
        for &c in rest {
            if self.get() != Some(c) {
                return bad("invalid literal");
            }
        }
        token
    }

    /// A number after its first character.
    fn number(&mut self, first: u8) -> Token<'a> {
        let start = self.at - 1;
        self.quoted_from = start;
        let mut c = Some(first);
        if c == Some(b'-') {
            c = self.get();
            if !is_digit(c) {
                return bad("invalid number; expected digit after '-'");
            }
        }
        // A leading zero stands alone.
        let leads_with_zero = c == Some(b'0');
        c = self.get();
        if !leads_with_zero {
            c = self.digits(c);
        }
        let mut is_float = false;
        if c == Some(b'.') {
            is_float = true;
            c = self.get();
            if !is_digit(c) {
                return bad("invalid number; expected digit after '.'");
            }
            c = self.digits(c);
        }
        if let Some(b'e' | b'E') = c {
            is_float = true;
            c = self.get();
            let is_signed = matches!(c, Some(b'+' | b'-'));
            if is_signed {
                c = self.get();
            }
            match is_digit(c) {
                true => _ = self.digits(c),
                false if is_signed => return bad("invalid number; expected digit after exponent sign"),
                false => return bad("invalid number; expected '+', '-', or digit after exponent"),
            }
        }
        self.unget();
        let text = std::str::from_utf8(&self.text[start..self.at]).expect("numbers are ASCII");
        number_of(text, is_float)
    }

    /// Reads on while there are digits; returns what comes after.
    fn digits(&mut self, mut c: Option<u8>) -> Option<u8> {
        while is_digit(c) {
            c = self.get();
        }
        c
    }

    /// A string after its first quote.
    fn string(&mut self) -> Token<'a> {
        self.quoted_from = self.at - 1;
        let mut value = Cow::Borrowed(b"".as_slice());
        loop {
            let start = self.at;
            let run = self.text[start..].iter().position(|&c| !is_plain(c));
            self.skip(run.unwrap_or(self.text.len() - start));
            append(&mut value, &self.text[start..self.at]);
            let error = match self.get() {
                None => return bad("invalid string: missing closing quote"),
                Some(b'"') => return Token::String(value),
                Some(b'\\') => self.escape(value.to_mut()),
                Some(c @ ..0x20) => return Token::Bad(control_message(c).into()),
                Some(c) => {
                    let start = self.at - 1;
                    let valid = self.multibyte(c);
                    append(&mut value, &self.text[start..self.at]);
                    valid
                }
            };
            if let Err(reason) = error {
                return bad(reason);
            }
        }
    }

    /// Reads bytes known to be there, and to be no newline.
    fn skip(&mut self, n: usize) {
        self.at += n;
        self.n_read += n;
    }

    fn escape(&mut self, value: &mut Vec<u8>) -> Result<(), &'static str> {
        let c = match self.get() {
            Some(c @ (b'"' | b'\\' | b'/')) => c,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let c = self.unicode_escape()?;
                value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err("invalid string: forbidden character after backslash"),
        };
        value.push(c);
        Ok(())
    }

    fn unicode_escape(&mut self) -> Result<char, &'static str> {
        const LONE_HIGH: &str = "invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF";
        const LONE_LOW: &str = "invalid string: surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF";
        let first = self.code_unit()?;
        match first {
            0xd800..=0xdbff => {
                if self.get() != Some(b'\\') || self.get() != Some(b'u') {
                    return Err(LONE_HIGH);
                }
                let second = self.code_unit()?;
                let pair = char::decode_utf16([first, second]).next();
                pair.and_then(Result::ok).ok_or(LONE_HIGH)
            }
            0xdc00..=0xdfff => Err(LONE_LOW),
            _ => Ok(char::from_u32(first.into()).expect("no surrogate")),
        }
    }

    fn code_unit(&mut self) -> Result<u16, &'static str> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.get().and_then(|c| char::from(c).to_digit(16));
            let digit = digit.ok_or("invalid string: '\\u' must be followed by 4 hex digits")?;
            unit = unit << 4 | digit as u16;
        }
        Ok(unit)
    }

    /// The rest of a UTF-8 sequence.
    fn multibyte(&mut self, first: u8) -> Result<(), &'static str> {
        let (second, n_more) = match first {
            0xc2..=0xdf => (0x80..=0xbf, 0),
            0xe0 => (0xa0..=0xbf, 1),
            0xe1..=0xec | 0xee..=0xef => (0x80..=0xbf, 1),
            0xed => (0x80..=0x9f, 1),
            0xf0 => (0x90..=0xbf, 2),
            0xf1..=0xf3 => (0x80..=0xbf, 2),
            0xf4 => (0x80..=0x8f, 2),
            _ => return Err(ILL_FORMED),
        };
        let ranges = std::iter::once(second).chain(std::iter::repeat_n(0x80..=0xbf, n_more));
        for range in ranges {
            if !self.get().is_some_and(|c| range.contains(&c)) {
                return Err(ILL_FORMED);
            }
        }
        Ok(())
    }

    /// What was read since the last string or number began, control characters made visible.
    fn token_text(&self) -> String {
        let mut visible = Vec::new();
        for &c in &self.text[self.quoted_from..self.at] {
            match c {
                ..0x20 => visible.extend_from_slice(format!("<U+{c:04X}>").as_bytes()),
                _ => visible.push(c),
            }
        }
        String::from_utf8_lossy(&visible).into_owned()
    }

    fn syntax_error(&self, message: String) -> JsonError {
        let read = &self.text[..self.at];
        let line = read.iter().filter(|&&c| c == b'\n').count() + 1;
        let line_start = read.iter().rposition(|&c| c == b'\n').map_or(0, |at| at + 1);
        JsonError::Syntax { line, column: self.at - line_start + self.past_end, message }
    }
}

fn bad<'a>(reason: &'static str) -> Token<'a> {
    Token::Bad(reason.into())
}

fn is_digit(c: Option<u8>) -> bool {
    c.is_some_and(|c| c.is_ascii_digit())
}

/// Whether a string may hold this byte as it is, whatever comes next.
fn is_plain(c: u8) -> bool {
    (0x20..0x80).contains(&c) && c != b'"' && c != b'\\'
}

fn append<'a>(value: &mut Cow<'a, [u8]>, run: &'a [u8]) {
    match value {
        Cow::Borrowed(b"") => *value = Cow::Borrowed(run),
        _ if run.is_empty() => {}
        _ => value.to_mut().extend_from_slice(run),
    }
}

fn number_of<'a>(text: &str, is_float: bool) -> Token<'a> {
    if !is_float {
        if let Ok(value) = text.parse() {
            return Token::Int(value);
        }
        if let Ok(value) = text.parse() {
            return Token::Unsigned(value);
        }
    }
    Token::Float(text.parse().expect("JSON's numbers are Rust's"))
}

fn control_message(c: u8) -> String {
    const NAMES: [&str; 32] = [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO",
        "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS",
        "RS", "US",
    ];
    let short = match c {
        8 => " or \\b",
        b'\t' => " or \\t",
        b'\n' => " or \\n",
        12 => " or \\f",
        b'\r' => " or \\r",
        _ => "",
    };
    let name = NAMES[usize::from(c)];
    format!("invalid string: control character U+{c:04X} ({name}) must be escaped to \\u{c:04X}{short}")
}

/// Why a text is refused; [`Display`](fmt::Display) is CppNix's message.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonError {
    /// No JSON.
    Syntax {
        /// The line, from one.
        line: usize,
        /// How many bytes of the line were read.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A number too large for a float.
    Overflow {
        /// The number.
        text: String,
    },
    /// An integer too large for Nix.
    Unsigned {
        /// The integer.
        value: u64,
    },
    /// A string with a zero byte.
    Nul {
        /// The string.
        text: Vec<u8>,
    },
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonError::Syntax { line, column, message } => write!(
                f,
                "[json.exception.parse_error.101] parse error at line {line}, column {column}: {message}"
            ),
            JsonError::Overflow { text } => {
                write!(f, "[json.exception.out_of_range.406] number overflow parsing '{text}'")
            }
            JsonError::Unsigned { value } => {
                write!(f, "unsigned json number {value} outside of Nix integer range")
            }
            JsonError::Nul { text } => {
                let text = String::from_utf8_lossy(text).replace('\0', "␀");
                let reason = "cannot be represented as Nix string because it contains null bytes";
                write!(f, "input string '{text}' {reason}")
            }
        }
    }
}

impl std::error::Error for JsonError {}

/// Appends a string with its quotes. Fails at what is no UTF-8, leaving `out` as it was.
pub fn string_into(text: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidUtf8> {
    check_utf8(text)?;
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&c| c < 0x20 || c == b'"' || c == b'\\') {
        out.extend_from_slice(&rest[..at]);
        escape_into(rest[at], out);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
    Ok(())
}

fn escape_into(c: u8, out: &mut Vec<u8>) {
    match c {
        8 => out.extend_from_slice(b"\\b"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\n' => out.extend_from_slice(b"\\n"),
        12 => out.extend_from_slice(b"\\f"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', c]),
        _ => out.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
    }
}

fn check_utf8(text: &[u8]) -> Result<(), InvalidUtf8> {
    let Err(error) = std::str::from_utf8(text) else { return Ok(()) };
    match error.error_len() {
        None => Err(InvalidUtf8::Incomplete { last: text[text.len() - 1] }),
        // The byte that cannot stand where it does: the first, or one that does not continue it.
        Some(len) => {
            let start = error.valid_up_to();
            let is_start = !matches!(text[start], 0xc2..=0xf4);
            let index = if is_start { start } else { start + len };
            Err(InvalidUtf8::Byte { index, byte: text[index] })
        }
    }
}

/// Why a string cannot be written; [`Display`](fmt::Display) is CppNix's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidUtf8 {
    /// A byte that cannot stand where it does.
    Byte {
        /// Its index.
        index: usize,
        /// The byte.
        byte: u8,
    },
    /// The string ends inside a character.
    Incomplete {
        /// Its last byte.
        last: u8,
    },
}

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON serialization error: [json.exception.type_error.316] ")?;
        match self {
            InvalidUtf8::Byte { index, byte } => {
                write!(f, "invalid UTF-8 byte at index {index}: 0x{byte:02X}")
            }
            InvalidUtf8::Incomplete { last } => {
                write!(f, "incomplete UTF-8 string; last byte: 0x{last:02X}")
            }
        }
    }
}

impl std::error::Error for InvalidUtf8 {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(text: &str) -> Vec<Event<'_>> {
        Reader::new(text.as_bytes()).map(Result::unwrap).collect()
    }

    fn error(text: &str) -> String {
        let error = Reader::new(text.as_bytes()).find_map(Result::err);
        error.expect("the text is refused").to_string()
    }

    #[test]
    fn values() {
        use Event::*;
        let string = |text: &'static str| String(text.as_bytes().into());
        let key = |text: &'static str| Key(text.as_bytes().into());
        assert_eq!(
            events("{\"a\": [1, -2.5e1, true, null, \"x\\n\\u00e9\\ud83d\\ude00/\"], \"b\": {}}"),
            [
                ObjectStart,
                key("a"),
                ArrayStart,
                Int(1),
                Float(-25.0),
                Bool(true),
                Null,
                string("x\né😀/"),
                ArrayEnd,
                key("b"),
                ObjectStart,
                ObjectEnd,
                ObjectEnd
            ]
        );
        assert_eq!(events("18446744073709551616"), [Float(18446744073709551616.0)]);
        assert_eq!(events("-9223372036854775809"), [Float(-9223372036854775809.0)]);
        assert_eq!(events("-0"), [Int(0)]);
        assert_eq!(events("\u{feff}1"), [Int(1)]);
    }

    #[test]
    fn refusals() {
        let syntax = |text: &str| {
            let error = error(text);
            error.strip_prefix("[json.exception.parse_error.101] parse error at ").unwrap().to_string()
        };
        let cases = [
            (
                "",
                "line 1, column 1: attempting to parse an empty input; check that your input string or stream contains the expected JSON",
            ),
            (
                "  ",
                "line 1, column 3: syntax error while parsing value - unexpected end of input; expected '[', '{', or a literal",
            ),
            (
                "[1,nul]",
                "line 1, column 7: syntax error while parsing value - invalid literal; last read: '1,nul]'",
            ),
            (
                "\"a",
                "line 1, column 3: syntax error while parsing value - invalid string: missing closing quote; last read: '\"a'",
            ),
            (
                "{\"a\" 1}",
                "line 1, column 6: syntax error while parsing object separator - unexpected number literal; expected ':'",
            ),
            (
                "[1 2]",
                "line 1, column 4: syntax error while parsing array - unexpected number literal; expected ']'",
            ),
            (
                "\"\n\"",
                "line 2, column 0: syntax error while parsing value - invalid string: control character U+000A (LF) must be escaped to \\u000A or \\n; last read: '\"<U+000A>'",
            ),
            (
                "\"\\ud800\"",
                "line 1, column 8: syntax error while parsing value - invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF; last read: '\"\\ud800\"'",
            ),
            (
                "1 2",
                "line 1, column 3: syntax error while parsing value - unexpected number literal; expected end of input",
            ),
            (
                "\n\n[\n1,\n x]",
                "line 5, column 2: syntax error while parsing value - invalid literal; last read: '1,<U+000A> x'",
            ),
            (
                "-",
                "line 1, column 2: syntax error while parsing value - invalid number; expected digit after '-'; last read: '-'",
            ),
            (
                "{,}",
                "line 1, column 2: syntax error while parsing object key - unexpected ','; expected string literal",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(syntax(text), message);
        }
        assert_eq!(error("1e400"), "[json.exception.out_of_range.406] number overflow parsing '1e400'");
        assert_eq!(
            error("18446744073709551615"),
            "unsigned json number 18446744073709551615 outside of Nix integer range"
        );
        assert_eq!(
            error("\"\\u0000\""),
            "input string '␀' cannot be represented as Nix string because it contains null bytes"
        );
    }

    #[test]
    fn strings_written() {
        let write = |text: &[u8]| {
            let mut out = Vec::new();
            string_into(text, &mut out).map(|()| String::from_utf8(out).unwrap())
        };
        assert_eq!(write("a\"\\\n\x08\x01\x7fé/".as_bytes()).unwrap(), "\"a\\\"\\\\\\n\\b\\u0001\x7fé/\"");
        let prefix = "JSON serialization error: [json.exception.type_error.316] ";
        let error = |text: &[u8]| write(text).unwrap_err().to_string().replace(prefix, "");
        assert_eq!(error(b"\xff"), "invalid UTF-8 byte at index 0: 0xFF");
        assert_eq!(error(b"a\xc3"), "incomplete UTF-8 string; last byte: 0xC3");
        assert_eq!(error(b"a\xc3b"), "invalid UTF-8 byte at index 2: 0x62");
        assert_eq!(error(b"\xe2\x82z"), "invalid UTF-8 byte at index 2: 0x7A");
    }

    proptest! {
        #[test]
        fn strings_round_trip(text: String) {
            let mut out = Vec::new();
            string_into(text.as_bytes(), &mut out).unwrap();
            match Reader::new(&out).next().unwrap() {
                Ok(Event::String(read)) => prop_assert_eq!(&*read, text.as_bytes()),
                other => prop_assert!(text.contains('\0'), "{:?}", other),
            }
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            Reader::new(&bytes).for_each(drop);
            let _ = string_into(&bytes, &mut Vec::new());
        }

        #[test]
        fn any_tokens_are_read(tokens in proptest::collection::vec("[\\[\\]{}:,\"0-9eE+.\\\\utrfn -]{1,4}", 0..20)) {
            Reader::new(tokens.concat().as_bytes()).for_each(drop);
        }
    }
}
