//! The Nix archive: a tree of files as one stream of bytes, the same for the same tree.
//!
//! Writer and reader speak in [`Event`]s, so that the caller decides where files come from and
//! where they go, and no file need be held whole.

use std::fmt;

use crate::error::Lossy;
use crate::hash::Hasher;

/// How deep directories may be nested.
pub const MAX_DEPTH: usize = 64;

/// The longest name of a directory's entry, in bytes.
pub const MAX_NAME_LEN: usize = 255;

/// The longest target of a link, in bytes.
pub const MAX_TARGET_LEN: usize = 4095;

/// The longest of the format's own words, in bytes, and then some.
const MAX_WORD_LEN: usize = 32;

const MAGIC: &[u8] = b"nix-archive-1";

/// One step through a tree.
///
/// A node is `Regular` and then its contents in pieces; or `Symlink`; or `Directory`, then an
/// `Entry` and a node for each entry in byte order of name, then `End`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A file of this many bytes, which follow as `Contents`.
    Regular {
        /// Whether it may be run.
        executable: bool,
        /// The length of its contents, in bytes.
        len: u64,
    },
    /// The next bytes of the file.
    Contents(&'a [u8]),
    /// A link to this target.
    Symlink(&'a [u8]),
    /// A directory begins.
    Directory,
    /// The next entry of the directory has this name; its node follows.
    Entry(&'a [u8]),
    /// The directory ends.
    End,
}

/// Where an archive is written: into memory, or only into a hash.
pub trait Sink {
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for Hasher {
    fn put(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl<S: Sink> Sink for &mut S {
    fn put(&mut self, bytes: &[u8]) {
        (**self).put(bytes);
    }
}

/// Writes the archive of the tree it is told.
#[derive(Debug)]
pub struct Writer<S> {
    sink: S,
    walk: Walk,
}

impl<S: Sink> Writer<S> {
    /// A writer at the tree's root.
    pub fn new(mut sink: S) -> Writer<S> {
        put_string(&mut sink, MAGIC);
        Writer { sink, walk: Walk::default() }
    }

    /// Writes one step. Fails on names, targets and depths no archive holds.
    ///
    /// # Panics
    /// If the step cannot follow the one before, as [`Event`] tells.
    pub fn event(&mut self, event: Event<'_>) -> Result<(), NarError> {
        self.walk.step(event)?;
        match event {
            Event::Regular { executable, len } => {
                self.words(&[b"(", b"type", b"regular"]);
                if executable {
                    self.words(&[b"executable", b""]);
                }
                self.words(&[b"contents"]);
                self.sink.put(&len.to_le_bytes());
                if len == 0 {
                    self.close();
                }
            }
            Event::Contents(bytes) => {
                self.sink.put(bytes);
                if !matches!(self.walk.expect, Expect::Contents(_)) {
                    put_padding(&mut self.sink, self.walk.file_len);
                    self.close();
                }
            }
            Event::Symlink(target) => {
                self.words(&[b"(", b"type", b"symlink", b"target", target]);
                self.close();
            }
            Event::Directory => self.words(&[b"(", b"type", b"directory"]),
            Event::Entry(name) => self.words(&[b"entry", b"(", b"name", name, b"node"]),
            Event::End => self.close(),
        }
        Ok(())
    }

    /// Writes a whole file.
    pub fn file(&mut self, executable: bool, contents: &[u8]) -> Result<(), NarError> {
        self.event(Event::Regular { executable, len: contents.len() as u64 })?;
        if contents.is_empty() { Ok(()) } else { self.event(Event::Contents(contents)) }
    }

    /// What was written into.
    ///
    /// # Panics
    /// If the tree is not whole.
    pub fn finish(self) -> S {
        assert!(self.walk.is_done(), "an archive ends where its root does");
        self.sink
    }

    /// Closes a node, and the entry it stands in, if any.
    fn close(&mut self) {
        self.words(&[b")"]);
        if !self.walk.is_done() {
            self.words(&[b")"]);
        }
    }

    fn words(&mut self, words: &[&[u8]]) {
        for word in words {
            put_string(&mut self.sink, word);
        }
    }
}

/// Writes a string: its length, its bytes, zeros to a multiple of eight.
fn put_string(sink: &mut impl Sink, string: &[u8]) {
    let len = string.len();
    // The format's own words and most names fit, and one write is cheaper than three.
    let mut scratch = [0; 8 + MAX_WORD_LEN];
    scratch[..8].copy_from_slice(&(len as u64).to_le_bytes());
    match scratch.get_mut(8..8 + len) {
        Some(room) => {
            room.copy_from_slice(string);
            sink.put(&scratch[..8 + len.next_multiple_of(8)]);
        }
        None => {
            sink.put(&scratch[..8]);
            sink.put(string);
            put_padding(sink, len as u64);
        }
    }
}

fn put_padding(sink: &mut impl Sink, len: u64) {
    sink.put(&[0; 8][..padding(len)]);
}

/// How many zeros follow `len` bytes: fewer than eight.
fn padding(len: u64) -> usize {
    (len.wrapping_neg() % 8) as usize
}

/// Which step may come next: the grammar of [`Event`]s.
#[derive(Debug, Default)]
struct Walk {
    expect: Expect,
    /// The name of the last entry in each open directory; none before the first.
    last_names: Vec<Option<Vec<u8>>>,
    /// The length of the last file, in bytes.
    file_len: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expect {
    #[default]
    Node,
    /// An entry of the innermost directory, or its end.
    Entry,
    /// So many more bytes of a file.
    Contents(u64),
    Nothing,
}

impl Walk {
    fn is_done(&self) -> bool {
        self.expect == Expect::Nothing
    }

    fn step(&mut self, event: Event<'_>) -> Result<(), NarError> {
        if self.expect == Expect::Node && self.last_names.len() >= MAX_DEPTH {
            return Err(NarError::TooDeep);
        }
        match (self.expect, event) {
            (Expect::Node, Event::Regular { len, .. }) => {
                self.file_len = len;
                self.expect = Expect::Contents(len);
                self.contents(len, 0);
            }
            (Expect::Contents(left), Event::Contents(bytes)) => self.contents(left, bytes.len() as u64),
            (Expect::Node, Event::Symlink(target)) => {
                check_target(target)?;
                self.leave();
            }
            (Expect::Node, Event::Directory) => {
                self.last_names.push(None);
                self.expect = Expect::Entry;
            }
            (Expect::Entry, Event::Entry(name)) => self.entry(name)?,
            (Expect::Entry, Event::End) => {
                self.last_names.pop();
                self.leave();
            }
            (expect, event) => panic!("{event:?} where {expect:?} should come"),
        }
        Ok(())
    }

    fn contents(&mut self, left: u64, taken: u64) {
        match left.checked_sub(taken).expect("a file has no more bytes than it said") {
            0 => self.leave(),
            left => self.expect = Expect::Contents(left),
        }
    }

    fn entry(&mut self, name: &[u8]) -> Result<(), NarError> {
        check_name(name)?;
        let last = self.last_names.last_mut().expect("entries are expected inside directories");
        if last.as_ref().is_some_and(|last| **last >= *name) {
            return Err(NarError::Unsorted);
        }
        *last = Some(name.into());
        self.expect = Expect::Node;
        Ok(())
    }

    fn leave(&mut self) {
        self.expect = if self.last_names.is_empty() { Expect::Nothing } else { Expect::Entry };
    }
}

fn check_name(name: &[u8]) -> Result<(), NarError> {
    let is_bad = matches!(name, b"" | b"." | b"..") || name.contains(&b'/') || name.contains(&0);
    if is_bad { Err(NarError::BadName { name: name.into() }) } else { Ok(()) }
}

fn check_target(target: &[u8]) -> Result<(), NarError> {
    if target.is_empty() || target.contains(&0) { Err(NarError::BadTarget) } else { Ok(()) }
}

/// Reads an archive held in memory; what follows its end is not looked at.
///
/// An iterator of events, which ends after the tree or after the first error.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    walk: Walk,
    has_begun: bool,
    has_failed: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the archive's first byte.
    pub fn new(archive: &'a [u8]) -> Reader<'a> {
        Reader { rest: archive, walk: Walk::default(), has_begun: false, has_failed: false }
    }

    /// What follows the events read so far: after the last one, what follows the archive.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn read(&mut self) -> Result<Event<'a>, NarError> {
        if !self.has_begun {
            self.has_begun = true;
            self.magic()?;
        }
        let event = match self.walk.expect {
            Expect::Contents(len) => self.contents(len)?,
            Expect::Entry => self.entry()?,
            Expect::Node | Expect::Nothing => self.node()?,
        };
        self.close(event)?;
        Ok(event)
    }

    fn magic(&mut self) -> Result<(), NarError> {
        match self.string(MAGIC.len()) {
            Ok(MAGIC) => Ok(()),
            _ => Err(NarError::NotAnArchive),
        }
    }

    fn node(&mut self) -> Result<Event<'a>, NarError> {
        if self.walk.last_names.len() >= MAX_DEPTH {
            return Err(NarError::TooDeep);
        }
        self.expect("(")?;
        self.expect("type")?;
        let event = match self.word()? {
            b"regular" => self.regular()?,
            b"directory" => Event::Directory,
            b"symlink" => {
                self.expect("target")?;
                Event::Symlink(self.string(MAX_TARGET_LEN)?)
            }
            kind => return Err(NarError::UnknownType { kind: kind.into() }),
        };
        self.walk.step(event)?;
        Ok(event)
    }

    fn regular(&mut self) -> Result<Event<'a>, NarError> {
        let mut word = self.word()?;
        let executable = word == b"executable";
        if executable {
            self.string(0)?;
            word = self.word()?;
        }
        match word {
            b"contents" => Ok(Event::Regular { executable, len: self.number()? }),
            _ => Err(NarError::Expected { expected: "contents", found: word.into() }),
        }
    }

    fn contents(&mut self, len: u64) -> Result<Event<'a>, NarError> {
        let event = Event::Contents(self.take(len)?);
        self.padding(len)?;
        self.walk.step(event)?;
        Ok(event)
    }

    fn entry(&mut self) -> Result<Event<'a>, NarError> {
        match self.word()? {
            b")" => {
                self.walk.step(Event::End)?;
                Ok(Event::End)
            }
            b"entry" => {
                self.expect("(")?;
                self.expect("name")?;
                let event = Event::Entry(self.string(MAX_NAME_LEN)?);
                // Before what follows the name, as CppNix does.
                self.walk.step(event)?;
                self.expect("node")?;
                Ok(event)
            }
            word => Err(NarError::ExpectedEntry { found: word.into() }),
        }
    }

    /// Reads what closes the node that ends with this event, and the entry it stands in, if any.
    fn close(&mut self, event: Event<'a>) -> Result<(), NarError> {
        match event {
            Event::Regular { len: 1.., .. } | Event::Directory | Event::Entry(_) => return Ok(()),
            // A directory's own parenthesis was read to find its end.
            Event::End => {}
            Event::Regular { .. } | Event::Contents(_) | Event::Symlink(_) => self.expect(")")?,
        }
        if self.walk.is_done() { Ok(()) } else { self.expect(")") }
    }

    fn expect(&mut self, expected: &'static str) -> Result<(), NarError> {
        match self.word()? {
            word if word == expected.as_bytes() => Ok(()),
            word => Err(NarError::Expected { expected, found: word.into() }),
        }
    }

    fn word(&mut self) -> Result<&'a [u8], NarError> {
        self.string(MAX_WORD_LEN)
    }

    fn string(&mut self, max_len: usize) -> Result<&'a [u8], NarError> {
        let len = self.number()?;
        if len > max_len as u64 {
            return Err(NarError::TooLong);
        }
        let string = self.take(len)?;
        self.padding(len)?;
        Ok(string)
    }

    fn number(&mut self) -> Result<u64, NarError> {
        let (number, rest) = self.rest.split_first_chunk().ok_or(NarError::Truncated)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*number))
    }

    fn padding(&mut self, len: u64) -> Result<(), NarError> {
        match self.take(padding(len) as u64)?.iter().all(|&c| c == 0) {
            true => Ok(()),
            false => Err(NarError::BadPadding),
        }
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], NarError> {
        let len = usize::try_from(len).ok().filter(|&len| len <= self.rest.len());
        let (taken, rest) = self.rest.split_at(len.ok_or(NarError::Truncated)?);
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Event<'a>, NarError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed || self.walk.is_done() {
            return None;
        }
        let event = self.read();
        self.has_failed = event.is_err();
        Some(event)
    }
}

/// Why bytes are no archive, or a tree has none; [`Display`](fmt::Display) is CppNix's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NarError {
    /// The first string is not the format's name.
    NotAnArchive,
    /// Another word than the one that must come here.
    Expected {
        /// The word that must come.
        expected: &'static str,
        /// The word that came.
        found: Vec<u8>,
    },
    /// Neither an entry nor the directory's end.
    ExpectedEntry {
        /// The word that came.
        found: Vec<u8>,
    },
    /// A node that is neither file, link nor directory.
    UnknownType {
        /// The word that came.
        kind: Vec<u8>,
    },
    /// A name no entry can have.
    BadName {
        /// The name.
        name: Vec<u8>,
    },
    /// Entries not in byte order of name, or two of one name.
    Unsorted,
    /// A target no link can have.
    BadTarget,
    /// Directories nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// A string longer than its place allows.
    TooLong,
    /// Padding that is not zero.
    BadPadding,
    /// The archive ends too soon.
    Truncated,
}

impl fmt::Display for NarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NarError::NotAnArchive => f.write_str("bad archive: input doesn't look like a Nix archive"),
            NarError::Expected { expected, found } => {
                write!(f, "bad archive: expected tag '{expected}', got '{}'", Lossy(found))
            }
            NarError::ExpectedEntry { found } => {
                write!(f, "bad archive: expected tag 'entry' or ')', got '{}'", Lossy(found))
            }
            NarError::UnknownType { kind } => write!(f, "bad archive: unknown file type '{}'", Lossy(kind)),
            NarError::BadName { name } => {
                write!(f, "bad archive: NAR contains invalid file name '{}'", Lossy(name))
            }
            NarError::Unsorted => f.write_str("bad archive: NAR directory is not sorted"),
            NarError::BadTarget => f.write_str("bad archive: NAR contains invalid symlink target"),
            NarError::TooDeep => {
                write!(f, "bad archive: NAR directory nesting exceeds maximum depth of {MAX_DEPTH}")
            }
            NarError::TooLong => f.write_str("string is too long"),
            NarError::BadPadding => f.write_str("non-zero padding"),
            NarError::Truncated => f.write_str("unexpected end-of-file"),
        }
    }
}

impl std::error::Error for NarError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{Algorithm, Format};
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Tree {
        File(bool, Vec<u8>),
        Link(Vec<u8>),
        Dir(BTreeMap<Vec<u8>, Tree>),
    }

    fn write<S: Sink>(tree: &Tree, writer: &mut Writer<S>) {
        match tree {
            Tree::File(executable, contents) => {
                let len = contents.len() as u64;
                writer.event(Event::Regular { executable: *executable, len }).unwrap();
                for piece in contents.chunks(3) {
                    writer.event(Event::Contents(piece)).unwrap();
                }
            }
            Tree::Link(target) => writer.event(Event::Symlink(target)).unwrap(),
            Tree::Dir(entries) => {
                writer.event(Event::Directory).unwrap();
                for (name, tree) in entries {
                    writer.event(Event::Entry(name)).unwrap();
                    write(tree, writer);
                }
                writer.event(Event::End).unwrap();
            }
        }
    }

    fn archive(tree: &Tree) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        write(tree, &mut writer);
        writer.finish()
    }

    fn nar_hash(tree: &Tree) -> String {
        let mut writer = Writer::new(Hasher::new(Algorithm::Sha256));
        write(tree, &mut writer);
        writer.finish().finish().to_digits(Format::Base16)
    }

    /// Hashes of `nix-store --dump`.
    #[test]
    fn known_hashes() {
        let file = |text: &str| Tree::File(false, text.into());
        assert_eq!(
            nar_hash(&file("hello\n")),
            "1c37d01af40be2e80691de3cc3df44377a699afbb17c68f080964b2fd071fc13"
        );
        let tree = Tree::Dir(BTreeMap::from([
            (b"a".to_vec(), file("")),
            (b"b".to_vec(), Tree::Link(b"a".into())),
            (
                b"c".to_vec(),
                Tree::Dir(BTreeMap::from([(b"x".to_vec(), Tree::File(true, b"#!/bin/sh\n".into()))])),
            ),
            (b"d".to_vec(), Tree::Dir(BTreeMap::new())),
        ]));
        assert_eq!(nar_hash(&tree), "68f754f4a17bfd2737b3165de6a1154fb5fc65e7934bfa2fff6c5cc36fb3b2de");
    }

    #[test]
    fn depth_is_limited() {
        let nested = |n| {
            (0..n).fold(Tree::File(false, b"x".into()), |tree, _| {
                Tree::Dir(BTreeMap::from([(b"d".to_vec(), tree)]))
            })
        };
        let deepest = archive(&nested(MAX_DEPTH - 1));
        assert!(Reader::new(&deepest).all(|event| event.is_ok()));
        let mut writer = Writer::new(Vec::new());
        for _ in 0..MAX_DEPTH {
            writer.event(Event::Directory).unwrap();
            writer.event(Event::Entry(b"d")).unwrap();
        }
        assert_eq!(writer.file(false, b""), Err(NarError::TooDeep));
    }

    #[test]
    fn entries_are_sorted() {
        let mut writer = Writer::new(Vec::new());
        writer.event(Event::Directory).unwrap();
        writer.event(Event::Entry(b"b")).unwrap();
        writer.file(false, b"").unwrap();
        assert_eq!(writer.event(Event::Entry(b"a")), Err(NarError::Unsorted));
        assert_eq!(writer.event(Event::Entry(b"b")), Err(NarError::Unsorted));
    }

    fn trees() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            (any::<bool>(), any::<Vec<u8>>())
                .prop_map(|(executable, contents)| Tree::File(executable, contents)),
            vec(1u8.., 1..40).prop_map(Tree::Link),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| btree_map(vec(b'a'.., 1..40), inner, 0..5).prop_map(Tree::Dir))
    }

    proptest! {
        #[test]
        fn round_trip(tree in trees()) {
            let bytes = archive(&tree);
            let mut writer = Writer::new(Vec::new());
            for event in Reader::new(&bytes) {
                writer.event(event.unwrap()).unwrap();
            }
            prop_assert_eq!(writer.finish(), bytes);
        }

        #[test]
        fn damaged_archives_are_read(tree in trees(), at: prop::sample::Index, byte: u8) {
            let mut bytes = archive(&tree);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            Reader::new(&bytes).for_each(drop);
            Reader::new(&bytes[..at]).for_each(drop);
        }
    }
}
