//! Source files and positions: every byte of every file has a number of its own.

use crate::host::Host;
use crate::slots::{Runs, Slots};
use frazil_code::FileCode;
use rustc_hash::FxHashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A position in some source: a number that [`Files`] resolves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Pos(pub u32);

impl Pos {
    /// Nowhere.
    pub const NONE: Pos = Pos(0);
    /// Positions from here on stand for operands, until the frame that has the operand says where it is.
    const PARTS: u32 = u32::MAX - u8::MAX as u32;

    /// Where the operand of that number of the instruction being run is.
    pub(crate) fn part(operand: u8) -> Pos {
        Pos(Pos::PARTS + operand as u32)
    }

    /// The number of the operand that it stands for.
    pub(crate) fn as_part(self) -> Option<usize> {
        self.0.checked_sub(Pos::PARTS).map(|operand| operand as usize)
    }
}

/// Where a source came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, by its path.
    File(Vec<u8>),
    /// Text given by the host: `«string»`.
    Text,
    /// Standard input: `«stdin»`.
    Stdin,
    /// Part of the evaluator, by the name of CppNix's file.
    Internal(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(path) => f.write_str(&crate::message::text(path)),
            Origin::Text => f.write_str("«string»"),
            Origin::Stdin => f.write_str("«stdin»"),
            Origin::Internal(name) => write!(f, "«nix-internal»/{name}"),
        }
    }
}

/// A source that was read.
pub struct File {
    /// Where it came from.
    pub origin: Origin,
    /// The text, for messages, if it cannot be read again.
    pub source: Option<Arc<[u8]>>,
    /// The text's length in bytes.
    pub len: u32,
    /// The directory that its relative paths start from.
    pub base_dir: Vec<u8>,
    /// The position number of its first byte.
    pub start: u32,
    /// The number of its first unit.
    pub first_unit: u32,
    /// The resolved tree.
    pub code: Arc<FileCode>,
}

/// All sources of an evaluator. The text of a file is not kept: it is read again when a position in it is asked for.
pub struct Files {
    files: Slots<File>,
    /// Whose positions are whose.
    positions: Runs,
    /// Whose units are whose.
    units: Runs,
    host: Arc<dyn Host>,
    /// Where the lines of files start in which a position was asked for.
    line_starts: Mutex<FxHashMap<u32, Arc<[u32]>>>,
    /// About how many bytes the files take that were added since it was last asked which are needed.
    added: u64,
}

/// A position as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location<'a> {
    /// The source.
    pub origin: &'a Origin,
    /// Its number among all.
    pub file: u32,
    /// The line, from 1.
    pub line: u32,
    /// The byte in the line, from 1.
    pub column: u32,
}

impl Files {
    /// No sources yet; files are read again from `host`.
    pub fn new(host: Arc<dyn Host>) -> Files {
        let (positions, units) = (Runs::new(Pos::NONE.0 + 1), Runs::new(0));
        Files { files: Slots::default(), positions, units, host, line_starts: Mutex::default(), added: 0 }
    }

    /// Where the next file's positions will start, if it has so many bytes.
    pub fn next_start(&mut self, len: usize) -> u32 {
        self.positions.next(positions(len))
    }

    /// Adds a file; answers its number.
    pub fn add(&mut self, origin: Origin, source: Arc<[u8]>, base_dir: Vec<u8>, code: FileCode) -> u32 {
        let len = source.len();
        let source = if matches!(origin, Origin::File(_)) { None } else { Some(source) };
        self.add_with(origin, len, source, base_dir, code)
    }

    /// Adds a file whose text, of so many bytes, was not read.
    #[cfg(feature = "cache")]
    pub(crate) fn add_unread(&mut self, path: Vec<u8>, len: u32, base_dir: Vec<u8>, code: FileCode) -> u32 {
        self.add_with(Origin::File(path), len as usize, None, base_dir, code)
    }

    fn add_with(
        &mut self,
        origin: Origin,
        len: usize,
        source: Option<Arc<[u8]>>,
        base_dir: Vec<u8>,
        code: FileCode,
    ) -> u32 {
        self.added += FILE_BYTES + BYTES_PER_BYTE * len as u64;
        let (start, len) = (self.next_start(len), len as u32);
        let unit_count = code.unit_count() as u32;
        let first_unit = self.units.next(unit_count);
        let file = File { origin, source, len, base_dir, start, first_unit, code: Arc::new(code) };
        let file = self.files.add(file);
        self.positions.take(positions(len as usize), file);
        if unit_count > 0 {
            self.units.take(unit_count, file);
        }
        file
    }

    /// Adds a text that is no program, for the position of its error.
    pub fn add_broken(&mut self, origin: Origin, source: Arc<[u8]>, base_dir: Vec<u8>) {
        self.add(origin, source, base_dir, FileCode::empty());
    }

    /// A number more than any unit has.
    pub fn unit_count(&self) -> usize {
        self.units.end() as usize
    }

    /// The file of that number.
    pub fn get(&self, file: u32) -> &File {
        self.files.get(file)
    }

    /// All files.
    pub fn iter(&self) -> impl Iterator<Item = &File> {
        self.files.iter().map(|(_, file)| file)
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// A number more than any file has.
    pub(crate) fn end(&self) -> usize {
        self.files.end()
    }

    /// The number of the file that a unit belongs to.
    pub fn of_unit(&self, unit: u32) -> u32 {
        self.units.owner(unit).expect("what has a unit keeps its file alive")
    }

    /// The number of the file that a position is in.
    pub(crate) fn of_pos(&self, pos: Pos) -> Option<u32> {
        self.positions.owner(pos.0)
    }

    /// About how many bytes the files take that were added since [`Files::retain`] was last called.
    pub(crate) fn added(&self) -> u64 {
        self.added
    }

    /// Ends the files that are not to stay. Their positions and units will be those of others.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(u32) -> bool) {
        self.positions.retain(&mut stays);
        self.units.retain(&mut stays);
        self.line_starts.get_mut().unwrap_or_else(PoisonError::into_inner).retain(|&file, _| stays(file));
        self.files.retain(|file, _| stays(file));
        self.added = 0;
    }

    /// The text of a file; empty if it cannot be read any more.
    pub fn text(&self, file: u32) -> Arc<[u8]> {
        match self.get(file) {
            File { source: Some(source), .. } => source.clone(),
            File { origin: Origin::File(path), .. } => self.host.read_file(path).unwrap_or_default(),
            _ => Arc::default(),
        }
    }

    fn line_starts(&self, file: u32) -> Arc<[u32]> {
        let mut known = self.line_starts.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(file).or_insert_with(|| line_starts(&self.text(file))).clone()
    }

    /// Where the source of a position came from.
    pub fn origin(&self, pos: Pos) -> Option<&Origin> {
        Some(&self.get(self.of_pos(pos)?).origin)
    }

    /// The file, line and column of a position.
    pub fn locate(&self, pos: Pos) -> Option<Location<'_>> {
        let file = self.of_pos(pos)?;
        let File { origin, start, .. } = self.get(file);
        let starts = self.line_starts(file);
        let offset = pos.0 - start;
        let line = starts.partition_point(|&start| start <= offset) as u32;
        let column = 1 + offset - starts[line as usize - 1];
        Some(Location { origin, file, line, column })
    }
}

/// About what a file and its code take beside what grows with its text, and for each byte of its text: measured over
/// short programs.
const FILE_BYTES: u64 = 4 << 10;
const BYTES_PER_BYTE: u64 = 40;

/// How many positions a text of so many bytes has: one before each byte, one at its end, and one behind that.
fn positions(len: usize) -> u32 {
    u32::try_from(len).map_or(u32::MAX, |len| len.saturating_add(2))
}

/// Where the lines of a text start, by [`lines`].
fn line_starts(text: &[u8]) -> Arc<[u32]> {
    let ends = memchr::memchr2_iter(b'\n', b'\r', text);
    let starts = ends.filter(|&end| !text[end..].starts_with(b"\r\n")).map(|end| end as u32 + 1);
    std::iter::once(0).chain(starts).collect()
}

/// The lines of a text. They end with a line feed, a carriage return, or both, as CppNix counts them.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.iter().position(|c| matches!(c, b'\n' | b'\r'));
        rest = end.map(|end| match &text[end..] {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => unreachable!("a line ends there"),
        });
        Some(&text[..end.unwrap_or(text.len())])
    })
}
