//! Bytes to tokens: one logos lexer per mode, and the stack of modes that strings, paths and `${` need.

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::expr::Offset;
use crate::kind::SyntaxKind;
use crate::literal;
use logos::Logos;

/// A piece of the text. Tokens tile it: each starts where the one before ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) kind: SyntaxKind,
    pub(crate) start: Offset,
    pub(crate) end: Offset,
}

/// What kind of text the lexer is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Between tokens; the bottom of the stack is always this.
    Code,
    /// Within `"`.
    Str,
    /// Within `''`.
    IndStr,
    /// Behind a part of a path.
    Path,
    /// Behind a part of a path that ends in a slash, so that more must follow.
    PathSlash,
}

#[derive(Logos, Clone, Copy, PartialEq, Debug)]
#[logos(utf8 = false)]
#[logos(subpattern pathchar = r"[a-zA-Z0-9._+\-]")]
enum Code {
    #[regex("[0-9]+", priority = 3)]
    Int,
    #[regex(r"(([1-9][0-9]*\.[0-9]*)|(0?\.[0-9]+))([Ee][+-]?[0-9]+)?", priority = 3)]
    Float,
    #[regex(r"~/\$\{", priority = 2)]
    HomeInterpolated,
    #[regex(r"~(/(?&pathchar)+)+/?", priority = 2)]
    Home,
    #[regex(r"<(?&pathchar)+(/(?&pathchar)+)*>", priority = 2)]
    Search,
    #[token("==")]
    EqEq,
    #[token("!=")]
    NotEq,
    #[token("<=")]
    LessEq,
    #[token(">=")]
    GreaterEq,
    #[token("//")]
    Update,
    #[token("++")]
    Concat,
    #[token("&&")]
    AndAnd,
    #[token("||")]
    OrOr,
    #[token("->")]
    Implies,
    #[token("<|")]
    PipeFrom,
    #[token("|>")]
    PipeInto,
    #[token("${")]
    DollarBrace,
    #[regex(r"''( *\n)?")]
    IndOpen,
    #[token("...", priority = 10)]
    Ellipsis,
    #[token("<")]
    Less,
    #[token(">")]
    Greater,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("?")]
    Question,
    #[token(":")]
    Colon,
    #[token("@")]
    At,
    #[token(";")]
    Semicolon,
    #[token("!")]
    Bang,
    #[token(".")]
    Dot,
    #[token("\"")]
    Quote,
    #[token("(")]
    ParenOpen,
    #[token(")")]
    ParenClose,
    #[token("{")]
    BraceOpen,
    #[token("}")]
    BraceClose,
    #[token("[")]
    BracketOpen,
    #[token("]")]
    BracketClose,
    #[token("=")]
    Assign,
    #[token(",")]
    Comma,
    #[regex(r"(?-u)#[^\r\n]*", allow_greedy = true)]
    #[regex(r"(?-u)/\*([^*]|\*+[^*/])*\*+/", priority = 2)]
    Comment,
    #[regex(r"(?-u)/\*\*[^/*]([^*]|\*+[^*/])*\*+/", priority = 5)]
    DocComment,
}

/// What may start like a token of [`Code`] but is longer; [`Lexer::long`] knows when it is there, so that no
/// text is scanned for it again and again.
#[derive(Logos, Clone, Copy, PartialEq, Debug)]
#[logos(utf8 = false)]
#[logos(subpattern pathchar = r"[a-zA-Z0-9._+\-]")]
enum Long {
    #[regex(r"(?&pathchar)*/\$\{")]
    PathInterpolated,
    #[regex(r"(?&pathchar)*(/(?&pathchar)+)+/?")]
    Path,
    #[regex(r"[a-zA-Z][a-zA-Z0-9+\-.]*:[a-zA-Z0-9%/?:@&=+$,\-_.!~*']+")]
    Uri,
}

#[derive(Logos, Clone, Copy, PartialEq, Debug)]
#[logos(utf8 = false)]
enum Str {
    /// A dollar sign before the closing quote belongs to the text, but no regex can say so.
    #[regex(r#"(?s-u)([^$"\\]|\$[^{"\\]|\\.|\$\\.)+"#)]
    Text,
    #[token("${")]
    DollarBrace,
    #[token("\"")]
    Quote,
}

#[derive(Logos, Clone, Copy, PartialEq, Debug)]
#[logos(utf8 = false)]
enum IndStr {
    #[regex(r"(?-u)([^$']|\$[^{']|'[^'$])+")]
    #[token("$")]
    #[token("''$")]
    #[token("'''")]
    #[regex(r"(?s-u)''\\.")]
    #[token("'")]
    Text,
    #[token("${")]
    DollarBrace,
    #[token("''")]
    Close,
}

#[derive(Logos, Clone, Copy, PartialEq, Debug)]
#[logos(utf8 = false)]
#[logos(subpattern pathchar = r"[a-zA-Z0-9._+\-]")]
enum PathRest {
    #[regex(r"(?&pathchar)*(/(?&pathchar)+)+/?")]
    #[regex(r"(?&pathchar)*/", priority = 1)]
    #[regex(r"(?&pathchar)+")]
    Text,
    #[token("${")]
    DollarBrace,
}

/// The tokens of a text, one by one.
pub(crate) struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    /// Where the token before starts.
    last: usize,
    /// Where the token before that starts.
    before_last: usize,
    /// Where the end of the last path is reported if it does not fit: CppNix has a token before it there.
    path_end: usize,
    /// Where the end of the text is reported: CppNix takes the start of a path that it ends with.
    end: usize,
    modes: Vec<Mode>,
    pipe_operators: bool,
    tolerant: bool,
    /// Whether no comment ends from here on, so that none starts.
    no_comment_ends: bool,
    /// The last one looked at.
    run: Run,
    errors: Vec<SyntaxError>,
}

impl<'a> Lexer<'a> {
    /// A lexer of `source`, which is shorter than 512 MiB.
    pub(crate) fn new(source: &'a [u8], pipe_operators: bool) -> Lexer<'a> {
        Lexer {
            source,
            at: 0,
            last: 0,
            before_last: 0,
            path_end: 0,
            end: source.len(),
            modes: vec![Mode::Code],
            pipe_operators,
            tolerant: false,
            no_comment_ends: false,
            run: Run { end: 0, underscore: None },
            errors: Vec::new(),
        }
    }

    /// A lexer that goes on after what it finds wrong; [`Lexer::into_errors`] has that.
    pub(crate) fn tolerant(source: &'a [u8], pipe_operators: bool) -> Lexer<'a> {
        Lexer { tolerant: true, ..Lexer::new(source, pipe_operators) }
    }

    /// What a tolerant lexer found wrong.
    pub(crate) fn into_errors(self) -> Vec<SyntaxError> {
        self.errors
    }

    /// The next token, trivia included; at the end of the text it is empty and comes again and again.
    pub(crate) fn next(&mut self) -> Result<Token, SyntaxError> {
        match self.mode() {
            Mode::Code => self.code(),
            Mode::Str => self.str(),
            Mode::IndStr => self.ind_str(),
            Mode::Path | Mode::PathSlash => self.path(),
        }
    }

    /// Where CppNix reports a token that does not fit.
    pub(crate) fn reported(&self, token: Token) -> Offset {
        match token.kind {
            SyntaxKind::Eof => token.end,
            SyntaxKind::PathEnd => self.path_end as Offset,
            _ => token.start,
        }
    }

    fn mode(&self) -> Mode {
        *self.modes.last().expect("the bottom is never popped")
    }

    fn rest(&self) -> &'a [u8] {
        &self.source[self.at..]
    }

    /// The next `len` bytes as a token.
    fn take(&mut self, kind: SyntaxKind, len: usize) -> Token {
        let start = self.at;
        self.before_last = self.last;
        self.last = start;
        self.at += len;
        if self.tolerant {
            self.at += self.rest().iter().take_while(|&&byte| is_continuation(byte)).count();
        }
        // The source is shorter than 512 MiB.
        Token { kind, start: start as Offset, end: self.at as Offset }
    }

    /// Something is wrong with a token; a tolerant lexer goes on.
    fn fault(&mut self, offset: usize, kind: SyntaxErrorKind) -> Result<(), SyntaxError> {
        let error = SyntaxError { offset: offset as Offset, kind };
        if !self.tolerant {
            return Err(error);
        }
        self.errors.push(error);
        Ok(())
    }

    fn check(&mut self, literal: Result<(), SyntaxErrorKind>) -> Result<(), SyntaxError> {
        literal.or_else(|kind| self.fault(self.at, kind))
    }

    fn code(&mut self) -> Result<Token, SyntaxError> {
        let rest = self.rest();
        let Some(&first) = rest.first() else {
            let end = self.end as Offset;
            return Ok(Token { kind: SyntaxKind::Eof, start: end, end });
        };
        // Most of a text is whitespace and words, which a table finds faster than an automaton.
        if is(first, SPACE) {
            return Ok(self.take(SyntaxKind::Whitespace, prefix(rest, SPACE)));
        }
        if is(first, WORD_START) {
            return Ok(self.word());
        }
        self.other()
    }

    /// An identifier or a keyword, or a path or URI that starts like one.
    fn word(&mut self) -> Token {
        let rest = self.rest();
        let len = prefix(rest, WORD);
        if let Some(&next) = rest.get(len)
            && may_be_long(rest[0], next)
            && let Some(long) = self.long(len)
        {
            return long;
        }
        self.take(keyword(&rest[..len]).unwrap_or(SyntaxKind::Ident), len)
    }

    /// What is neither whitespace nor starts with a word.
    fn other(&mut self) -> Result<Token, SyntaxError> {
        let rest = self.rest();
        let opens_comment = rest.starts_with(b"/*");
        if opens_comment && self.no_comment_ends {
            return Ok(self.take(SyntaxKind::Slash, 1));
        }
        let mut logos = Code::lexer(rest);
        let found = logos.next().unwrap_or(Err(()));
        let len = logos.slice().len();
        // Bytes that may stand in a path start one even where they make no token.
        if let Some(&next) = rest.get(len)
            && may_be_long(rest[0], next)
            && let Some(long) = self.long(len)
        {
            return Ok(long);
        }
        let Ok(code) = found else { return Ok(self.stray()) };
        match code {
            Code::Slash => self.no_comment_ends |= opens_comment,
            Code::Home => self.modes.push(after_path(logos.slice())),
            Code::HomeInterpolated => {
                self.modes.push(Mode::PathSlash);
                return Ok(self.take(code.kind(), len - "${".len()));
            }
            Code::DollarBrace | Code::BraceOpen => self.modes.push(Mode::Code),
            Code::BraceClose if self.modes.len() > 1 => {
                self.modes.pop();
            }
            Code::Quote => self.modes.push(Mode::Str),
            Code::IndOpen => self.modes.push(Mode::IndStr),
            Code::Int => self.check(literal::int(logos.slice()).map(drop))?,
            Code::Float => self.check(literal::float(logos.slice()).map(drop))?,
            Code::PipeFrom | Code::PipeInto if !self.pipe_operators => {
                self.fault(self.at, SyntaxErrorKind::PipeOperators)?;
            }
            _ => {}
        }
        Ok(self.take(code.kind(), len))
    }

    /// A path or a URI, of which a shorter token of `len` bytes has been read.
    fn long(&mut self, len: usize) -> Option<Token> {
        let from = if self.rest()[0] == b'/' { self.at } else { self.at + len };
        if self.run.end < from {
            self.run = Run::new(self.source, from);
        }
        let Run { end, underscore } = self.run;
        let is_long = match self.source[end..] {
            [b'/', b'$', b'{', ..] => true,
            [b'/', next, ..] => is_path_byte(next),
            [b':', next, ..] => is_uri_byte(next) && underscore.is_none_or(|at| at < self.at),
            _ => false,
        };
        if !is_long {
            return None;
        }
        let mut logos = Long::lexer(self.rest());
        let long = logos.next()?.ok()?;
        let text = logos.slice();
        Some(match long {
            Long::Uri => self.take(SyntaxKind::Uri, text.len()),
            Long::Path => {
                self.modes.push(after_path(text));
                self.take(SyntaxKind::Path, text.len())
            }
            Long::PathInterpolated => {
                self.modes.push(Mode::PathSlash);
                self.take(SyntaxKind::Path, text.len() - "${".len())
            }
        })
    }

    /// A byte that starts no token. CppNix's lexer hands NUL to the parser, who takes it for the end.
    fn stray(&mut self) -> Token {
        let kind = if self.rest()[0] == 0 { SyntaxKind::Eof } else { SyntaxKind::Invalid };
        self.take(kind, 1)
    }

    fn str(&mut self) -> Result<Token, SyntaxError> {
        let mut logos = Str::lexer(self.rest());
        let found = logos.next();
        match found {
            Some(Ok(Str::Text)) => {
                let len = logos.slice().len();
                let dollar = self.rest()[len..].starts_with(b"$\"");
                self.text(len + usize::from(dollar))
            }
            Some(Err(())) if self.rest().starts_with(b"$\"") => self.text(1),
            Some(Ok(Str::DollarBrace)) => {
                self.modes.push(Mode::Code);
                Ok(self.take(SyntaxKind::DollarBrace, 2))
            }
            Some(Ok(Str::Quote)) => {
                self.modes.pop();
                Ok(self.take(SyntaxKind::Quote, 1))
            }
            // Half an escape before the end of the text.
            Some(Err(())) | None => Ok(self.take(SyntaxKind::Eof, self.rest().len())),
        }
    }

    fn text(&mut self, len: usize) -> Result<Token, SyntaxError> {
        let text = &self.rest()[..len];
        if text.contains(&0) {
            self.check(literal::check_nul(text))?;
        }
        Ok(self.take(SyntaxKind::StrText, len))
    }

    fn ind_str(&mut self) -> Result<Token, SyntaxError> {
        let mut logos = IndStr::lexer(self.rest());
        let found = logos.next();
        let slice = logos.slice();
        match found {
            Some(Ok(IndStr::Text)) => {
                if slice.contains(&0) {
                    self.check(literal::check_ind_nul(slice))?;
                }
                Ok(self.take(SyntaxKind::IndText, slice.len()))
            }
            Some(Ok(IndStr::DollarBrace)) => {
                self.modes.push(Mode::Code);
                Ok(self.take(SyntaxKind::DollarBrace, 2))
            }
            Some(Ok(IndStr::Close)) => {
                self.modes.pop();
                Ok(self.take(SyntaxKind::IndClose, 2))
            }
            Some(Err(())) | None => Ok(self.take(SyntaxKind::Eof, self.rest().len())),
        }
    }

    fn path(&mut self) -> Result<Token, SyntaxError> {
        let mut logos = PathRest::lexer(self.rest());
        let found = logos.next();
        let slice = logos.slice();
        match found {
            Some(Ok(PathRest::Text)) => {
                *self.modes.last_mut().expect("the bottom is never popped") = after_path(slice);
                Ok(self.take(SyntaxKind::StrText, slice.len()))
            }
            Some(Ok(PathRest::DollarBrace)) => {
                *self.modes.last_mut().expect("the bottom is never popped") = Mode::Path;
                self.modes.push(Mode::Code);
                Ok(self.take(SyntaxKind::DollarBrace, 2))
            }
            _ => self.path_end(),
        }
    }

    fn path_end(&mut self) -> Result<Token, SyntaxError> {
        let at_end = self.rest().is_empty();
        if self.mode() == Mode::PathSlash {
            // CppNix reports the byte that should not be there, and without one the token before.
            let at = if at_end { self.last } else { self.at };
            self.fault(at, SyntaxErrorKind::TrailingSlash)?;
        }
        self.modes.pop();
        self.path_end = if at_end { self.before_last } else { self.last };
        self.end = if at_end { self.last } else { self.source.len() };
        Ok(self.take(SyntaxKind::PathEnd, 0))
    }
}

/// Bytes that may stand between the slashes of a path, which is what identifiers and numbers are made of, too.
#[derive(Clone, Copy)]
struct Run {
    /// The first byte behind them.
    end: usize,
    /// The last underscore, which no scheme of a URI has.
    underscore: Option<usize>,
}

impl Run {
    fn new(source: &[u8], from: usize) -> Run {
        let len = prefix(&source[from..], PATH);
        let underscore = source[..from + len].iter().rposition(|&byte| byte == b'_' || !is_path_byte(byte));
        let underscore = underscore.filter(|&at| source[at] == b'_');
        Run { end: from + len, underscore }
    }
}

/// Whether a token that starts with `first` and is followed by `next` may in truth be a path or a URI.
fn may_be_long(first: u8, next: u8) -> bool {
    (first == b'/' || is_path_byte(first)) && (matches!(next, b'/' | b':' | b'$') || is_path_byte(next))
}

fn is_path_byte(byte: u8) -> bool {
    is(byte, PATH)
}

fn is_uri_byte(byte: u8) -> bool {
    is(byte, URI)
}

/// What a word means, if it may not be a name.
fn keyword(word: &[u8]) -> Option<SyntaxKind> {
    Some(match word {
        b"if" => SyntaxKind::If,
        b"then" => SyntaxKind::Then,
        b"else" => SyntaxKind::Else,
        b"assert" => SyntaxKind::Assert,
        b"with" => SyntaxKind::With,
        b"let" => SyntaxKind::Let,
        b"in" => SyntaxKind::In,
        b"rec" => SyntaxKind::Rec,
        b"inherit" => SyntaxKind::Inherit,
        b"or" => SyntaxKind::OrKw,
        _ => return None,
    })
}

const SPACE: u8 = 1;
const WORD_START: u8 = 2;
const WORD: u8 = 4;
const PATH: u8 = 8;
const URI: u8 = 16;

/// The classes of each byte.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let sets: [(u8, &[u8]); 5] = [
        (SPACE, b" \t\r\n"),
        (WORD_START, b"_"),
        (WORD, b"_'-"),
        (PATH, b"._-+"),
        (URI, b"%/?:@&=+$,-_.!~*'"),
    ];
    let mut at = 0;
    while at < sets.len() {
        let (class, bytes) = sets[at];
        let mut byte = 0;
        while byte < bytes.len() {
            classes[bytes[byte] as usize] |= class;
            byte += 1;
        }
        at += 1;
    }
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphabetic() {
            classes[byte as usize] |= WORD_START | WORD | PATH | URI;
        } else if byte.is_ascii_digit() {
            classes[byte as usize] |= WORD | PATH | URI;
        }
        byte += 1;
    }
    classes
};

fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// How many bytes of a class `text` starts with.
fn prefix(text: &[u8], class: u8) -> usize {
    text.iter().position(|&byte| !is(byte, class)).unwrap_or(text.len())
}

/// Whether a byte continues a character of UTF-8: a lossless tree is made of whole characters.
fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

fn after_path(text: &[u8]) -> Mode {
    if text.ends_with(b"/") { Mode::PathSlash } else { Mode::Path }
}

impl Code {
    fn kind(self) -> SyntaxKind {
        match self {
            Code::Int => SyntaxKind::Int,
            Code::Float => SyntaxKind::Float,
            Code::Home | Code::HomeInterpolated => SyntaxKind::HomePath,
            Code::Search => SyntaxKind::SearchPath,
            Code::EqEq => SyntaxKind::EqEq,
            Code::NotEq => SyntaxKind::NotEq,
            Code::LessEq => SyntaxKind::LessEq,
            Code::GreaterEq => SyntaxKind::GreaterEq,
            Code::Update => SyntaxKind::Update,
            Code::Concat => SyntaxKind::Concat,
            Code::AndAnd => SyntaxKind::AndAnd,
            Code::OrOr => SyntaxKind::OrOr,
            Code::Implies => SyntaxKind::Implies,
            Code::PipeFrom => SyntaxKind::PipeFrom,
            Code::PipeInto => SyntaxKind::PipeInto,
            Code::DollarBrace => SyntaxKind::DollarBrace,
            Code::IndOpen => SyntaxKind::IndOpen,
            Code::Ellipsis => SyntaxKind::Ellipsis,
            Code::Less => SyntaxKind::Less,
            Code::Greater => SyntaxKind::Greater,
            Code::Plus => SyntaxKind::Plus,
            Code::Minus => SyntaxKind::Minus,
            Code::Star => SyntaxKind::Star,
            Code::Slash => SyntaxKind::Slash,
            Code::Question => SyntaxKind::Question,
            Code::Colon => SyntaxKind::Colon,
            Code::At => SyntaxKind::At,
            Code::Semicolon => SyntaxKind::Semicolon,
            Code::Bang => SyntaxKind::Bang,
            Code::Dot => SyntaxKind::Dot,
            Code::Quote => SyntaxKind::Quote,
            Code::ParenOpen => SyntaxKind::ParenOpen,
            Code::ParenClose => SyntaxKind::ParenClose,
            Code::BraceOpen => SyntaxKind::BraceOpen,
            Code::BraceClose => SyntaxKind::BraceClose,
            Code::BracketOpen => SyntaxKind::BracketOpen,
            Code::BracketClose => SyntaxKind::BracketClose,
            Code::Assign => SyntaxKind::Assign,
            Code::Comma => SyntaxKind::Comma,
            Code::Comment => SyntaxKind::Comment,
            Code::DocComment => SyntaxKind::DocComment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds and texts of all tokens; they tile the source.
    fn check(source: &str, expected: &[(SyntaxKind, &str)]) {
        let mut lexer = Lexer::new(source.as_bytes(), true);
        let (mut found, mut at) = (Vec::new(), 0);
        loop {
            let token = lexer.next().expect("the tokens are right");
            if token.kind == SyntaxKind::Eof {
                break;
            }
            assert_eq!(token.start, at, "{source}");
            at = token.end;
            found.push((token.kind, &source[token.start as usize..token.end as usize]));
        }
        assert_eq!(at as usize, source.len(), "{source}");
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn the_longest_token_wins() {
        use SyntaxKind::*;
        check("a-b'c", &[(Ident, "a-b'c")]);
        check("iff", &[(Ident, "iff")]);
        check("a:b", &[(Uri, "a:b")]);
        check("a_:b", &[(Ident, "a_"), (Colon, ":"), (Ident, "b")]);
        check("a: b", &[(Ident, "a"), (Colon, ":"), (Whitespace, " "), (Ident, "b")]);
        check("a.b/c", &[(Path, "a.b/c"), (PathEnd, "")]);
        check("a'b/c", &[(Ident, "a'b"), (Path, "/c"), (PathEnd, "")]);
        check("1/2", &[(Path, "1/2"), (PathEnd, "")]);
        check("1 /2", &[(Int, "1"), (Whitespace, " "), (Path, "/2"), (PathEnd, "")]);
        check("a.b.c", &[(Ident, "a"), (Dot, "."), (Ident, "b"), (Dot, "."), (Ident, "c")]);
        check("<a/b>", &[(SearchPath, "<a/b>")]);
        check("<a/b", &[(Less, "<"), (Path, "a/b"), (PathEnd, "")]);
        check("0.5e3.5", &[(Float, "0.5e3"), (Float, ".5")]);
        check("//", &[(Update, "//")]);
    }

    #[test]
    fn modes() {
        use SyntaxKind::*;
        check("\"$${a$\"", &[(Quote, "\""), (StrText, "$${a$"), (Quote, "\"")]);
        check(
            "a/${b}c",
            &[
                (Path, "a/"),
                (DollarBrace, "${"),
                (Ident, "b"),
                (BraceClose, "}"),
                (StrText, "c"),
                (PathEnd, ""),
            ],
        );
        check("''  \n a''$''", &[(IndOpen, "''  \n"), (IndText, " a"), (IndText, "''$"), (IndClose, "''")]);
        check("/**/ /** a */", &[(Comment, "/**/"), (Whitespace, " "), (DocComment, "/** a */")]);
    }
}
