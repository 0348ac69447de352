//! Code of files that is kept from one process to the next.

use frazil_code::FileCode;
use frazil_code::file::Names;
use frazil_syntax::Options;
use frazil_syntax::symbol::{Symbol, Symbols};

/// What code depends on beside its text.
pub struct Reading<'a> {
    /// Where names are met.
    pub symbols: &'a mut Symbols,
    /// Names with a meaning to the compiler.
    pub names: Names,
    /// The names of all builtins in scope.
    pub globals: &'a mut dyn Iterator<Item = Symbol>,
    /// How the text is read.
    pub options: Options,
}

/// Keeps what is known of texts, for one evaluator.
pub trait CodeCache: Send {
    /// The code of a text, its names met as if it had been read. `None` if the text has to be read: it is not kept, or is no
    /// program; names may have been met then, but none that it does not have, and in its order.
    fn code(&mut self, source: &[u8], reading: Reading<'_>) -> Option<FileCode>;
}
