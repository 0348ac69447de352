//! Source files and positions: every byte of every file has a number of its own.

use crate::host::Host;
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
    files: Vec<File>,
    host: Arc<dyn Host>,
    /// Where the lines of files start in which a position was asked for.
    line_starts: Mutex<FxHashMap<u32, Arc<[u32]>>>,
    next_pos: u32,
    next_unit: u32,
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
        Files { files: Vec::new(), host, line_starts: Mutex::default(), next_pos: 0, next_unit: 0 }
    }

    /// Where the next file's positions will start.
    pub fn next_start(&self) -> u32 {
        self.next_pos + 1
    }

    /// Adds a file; answers its number.
    pub fn add(&mut self, origin: Origin, source: Arc<[u8]>, base_dir: Vec<u8>, code: FileCode) -> u32 {
        let start = self.next_start();
        self.next_pos = start.saturating_add(source.len() as u32 + 1);
        let first_unit = self.next_unit;
        self.next_unit += code.unit_count() as u32;
        let (code, len) = (Arc::new(code), source.len() as u32);
        let source = if matches!(origin, Origin::File(_)) { None } else { Some(source) };
        self.files.push(File { origin, source, len, base_dir, start, first_unit, code });
        self.files.len() as u32 - 1
    }

    /// Adds a text that is no program, for the position of its error.
    pub fn add_broken(&mut self, origin: Origin, source: Arc<[u8]>, base_dir: Vec<u8>) {
        self.add(origin, source, base_dir, FileCode::empty());
    }

    /// How many units all files have.
    pub fn unit_count(&self) -> usize {
        self.next_unit as usize
    }

    /// The file of that number.
    pub fn get(&self, file: u32) -> &File {
        &self.files[file as usize]
    }

    /// All files.
    pub fn iter(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The number of the file that a unit belongs to.
    pub fn of_unit(&self, unit: u32) -> u32 {
        self.files.partition_point(|f| f.first_unit <= unit) as u32 - 1
    }

    /// The text of a file; empty if it cannot be read any more.
    pub fn text(&self, file: u32) -> Arc<[u8]> {
        match &self.files[file as usize] {
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
        let file = self.files.partition_point(|f| f.start <= pos.0).checked_sub(1)?;
        self.files.get(file).map(|file| &file.origin)
    }

    /// The file, line and column of a position.
    pub fn locate(&self, pos: Pos) -> Option<Location<'_>> {
        let file = self.files.partition_point(|f| f.start <= pos.0).checked_sub(1)?;
        let File { origin, start, .. } = self.files.get(file)?;
        let file = file as u32;
        let starts = self.line_starts(file);
        let offset = pos.0 - start;
        let line = starts.partition_point(|&start| start <= offset) as u32;
        let column = 1 + offset - starts[line as usize - 1];
        Some(Location { origin, file, line, column })
    }
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
