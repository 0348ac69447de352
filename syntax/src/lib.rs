//! The text of the Nix language: tokens, a compact tree for evaluation, and a lossless tree for tools.
#![forbid(unsafe_code)]

pub mod ast;
mod compact;
pub mod error;
pub mod expr;
pub mod kind;
mod lexer;
mod literal;
mod parser;
pub mod show;
pub mod symbol;
pub mod tree;
pub mod words;

pub use error::{SyntaxError, SyntaxErrorKind};
pub use kind::SyntaxKind;
pub use tree::{diagnose, parse_lossless};

use compact::Compact;
use expr::Exprs;
use lexer::Lexer;
use symbol::Symbols;

/// What of CppNix's settings changes how a text is read.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Options {
    /// The experimental feature `pipe-operators`: `a |> f` and `f <| a`.
    pub pipe_operators: bool,
}

/// The longest text. There is at most one node for each byte, and 29 bits are kept for nodes and units in tables.
const MAX_LEN: usize = (1 << 29) - 1;

/// The compact tree of a text, or the first thing that is wrong with it, as CppNix has it.
pub fn parse(source: &[u8], symbols: &mut Symbols, options: &Options) -> Result<Exprs, SyntaxError> {
    if source.len() > MAX_LEN {
        return Err(SyntaxError { offset: 0, kind: SyntaxErrorKind::TooLong });
    }
    let mut lexer = Lexer::new(source, options.pipe_operators);
    let mut sink = Compact::new(source, symbols);
    match parser::parse(&mut lexer, &mut sink) {
        Ok(root) => Ok(sink.finish(root)),
        Err(error) => Err(sink.first_error(error)),
    }
}
