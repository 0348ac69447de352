//! What is wrong with a text, and how CppNix says it.

use crate::expr::Offset;
use crate::kind::SyntaxKind;
use crate::parser::name;

/// The first thing wrong with a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Where, as CppNix reports it.
    pub offset: Offset,
    /// What.
    pub kind: SyntaxErrorKind,
}

/// What is wrong with a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyntaxErrorKind {
    /// A token that does not fit, and those that would have: none if there are more than four.
    Unexpected {
        /// The token.
        found: SyntaxKind,
        /// What would have fitted.
        expected: Vec<SyntaxKind>,
    },
    /// Two definitions of one attribute.
    DuplicateAttr {
        /// The path, as it is printed.
        path: Box<[u8]>,
        /// Where the first definition stands.
        previous: Offset,
    },
    /// A formal, or a formal and the name of the whole argument, have one name, as it is printed.
    DuplicateFormal(Box<[u8]>),
    /// `let ${a} = 1; in 2`
    DynamicInLet,
    /// `inherit ${a};`
    DynamicInInherit,
    /// An integer that does not fit into 64 bits.
    InvalidInt(Box<[u8]>),
    /// A float too large or too small.
    InvalidFloat(Box<[u8]>),
    /// `./a/`
    TrailingSlash,
    /// A NUL byte in this string.
    NulByte(Box<[u8]>),
    /// A pipe operator, without [`Options::pipe_operators`](crate::Options::pipe_operators).
    PipeOperators,
    /// The text has 512 MiB or more.
    TooLong,
    /// The text is nested more than [`MAX_DEPTH`](crate::tree::MAX_DEPTH) deep; of the lossless tree only.
    TooDeep,
}

impl SyntaxError {
    /// CppNix's message; `position` renders the place that a message names besides [`SyntaxError::offset`].
    pub fn render(&self, position: impl FnOnce(Offset) -> String) -> Vec<u8> {
        let text = match &self.kind {
            SyntaxErrorKind::Unexpected { found, expected } => unexpected(*found, expected),
            SyntaxErrorKind::DuplicateAttr { path, previous } => {
                let place = position(*previous);
                return [b"attribute '", &path[..], b"' already defined at ", place.as_bytes()].concat();
            }
            SyntaxErrorKind::DuplicateFormal(name) => {
                return [b"duplicate formal function argument '", &name[..], b"'"].concat();
            }
            SyntaxErrorKind::DynamicInLet => "dynamic attributes not allowed in let".to_owned(),
            SyntaxErrorKind::DynamicInInherit => "dynamic attributes not allowed in inherit".to_owned(),
            SyntaxErrorKind::InvalidInt(text) => return [b"invalid integer '", &text[..], b"'"].concat(),
            SyntaxErrorKind::InvalidFloat(text) => return [b"invalid float '", &text[..], b"'"].concat(),
            SyntaxErrorKind::TrailingSlash => "path has a trailing slash".to_owned(),
            SyntaxErrorKind::NulByte(text) => return nul_byte(text),
            SyntaxErrorKind::PipeOperators => "experimental Nix feature 'pipe-operators' is disabled; \
                add '--extra-experimental-features pipe-operators' to enable it"
                .to_owned(),
            SyntaxErrorKind::TooDeep => "the text is nested too deeply for a lossless tree".to_owned(),
            SyntaxErrorKind::TooLong => "the text has 512 MiB or more".to_owned(),
        };
        text.into_bytes()
    }
}

fn unexpected(found: SyntaxKind, expected: &[SyntaxKind]) -> String {
    let mut text = format!("syntax error, unexpected {}", name(found));
    for (at, &kind) in expected.iter().enumerate() {
        text += if at == 0 { ", expecting " } else { " or " };
        text += name(kind);
    }
    text
}

fn nul_byte(text: &[u8]) -> Vec<u8> {
    let mut out = b"input string '".to_vec();
    for &byte in text {
        if byte == 0 {
            out.extend_from_slice("␀".as_bytes());
        } else {
            out.push(byte);
        }
    }
    out.extend_from_slice(b"' cannot be represented as Nix string because it contains null bytes");
    out
}
