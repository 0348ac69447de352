//! What is kept of files and directories from one process to the next.

use crate::host::{FileKind, Stamp};
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

/// Keeps what is known of texts and directories, for one evaluator.
pub trait Keeper: Send {
    /// The code of a text, its names met as if it had been read. `None` if the text has to be read: it is not kept, or is no
    /// program; names may have been met then, but none that it does not have, and in its order. `place` is where the text was
    /// found, with the stamp that it had before.
    fn code(
        &mut self,
        source: &[u8],
        place: Option<(&[u8], Stamp)>,
        reading: Reading<'_>,
    ) -> Option<FileCode>;

    /// The same without the text, which it had when the file had this stamp; and the text's length in bytes.
    fn code_of_file(&mut self, path: &[u8], stamp: &Stamp, reading: Reading<'_>) -> Option<(u32, FileCode)>;

    /// Calls `entry` for each name in a directory, in the order in which they were listed, if the listing that it has with this
    /// stamp is known; answers whether it is. Else `entry` is not called.
    fn listing(&mut self, dir: &[u8], stamp: &Stamp, entry: &mut dyn FnMut(&[u8], FileKind)) -> bool;

    /// Keeps what the host listed of a directory that had this stamp before, and that was asked for. What has a name of unknown
    /// kind is not kept.
    fn keep_listing(&mut self, dir: &[u8], stamp: Stamp, entries: &[(Vec<u8>, Option<FileKind>)]);

    /// Writes what is kept and worth writing, when an evaluation ends. Costs nothing if there is nothing new.
    fn settle(&mut self);
}
