//! Tables of records as words of four bytes, the lowest byte first: how a tree is kept outside of the process that made it.

use crate::symbol::{Symbol, Symbols};

/// What is no number in a field that need not have one.
pub const NONE: u32 = u32::MAX;

/// A record of `N` words.
pub trait Words<const N: usize>: Sized {
    /// The words of it.
    fn words(&self) -> [u32; N];

    /// The record of those words, its names looked up among `names`. `None` if there is none.
    fn from_words(words: [u32; N], names: &[Symbol]) -> Option<Self>;
}

impl Words<1> for u32 {
    fn words(&self) -> [u32; 1] {
        [*self]
    }

    fn from_words([word]: [u32; 1], _: &[Symbol]) -> Option<u32> {
        Some(word)
    }
}

/// The number of a name that need not be there.
pub fn of_name(name: Option<Symbol>) -> u32 {
    name.map_or(NONE, |name| name.0)
}

/// The name of a number that [`of_name`] gave.
pub fn to_name(word: u32, names: &[Symbol]) -> Option<Option<Symbol>> {
    if word == NONE { Some(None) } else { names.get(word as usize).map(|&name| Some(name)) }
}

/// Adds tables to bytes.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Adds a table: the number of its records, and their words.
    pub fn table<T: Words<N>, const N: usize>(&mut self, records: &[T]) {
        self.bytes.reserve(4 + records.len() * N * 4);
        self.word(records.len() as u32);
        records.iter().flat_map(|record| record.words()).for_each(|word| self.word(word));
    }

    /// Adds bytes: their number, and themselves.
    pub fn text(&mut self, text: &[u8]) {
        self.word(text.len() as u32);
        self.bytes.extend_from_slice(text);
    }

    /// Adds the names of an interner, in the order in which they were met.
    pub fn names(&mut self, symbols: &Symbols) {
        let names = || (0..symbols.end() as u32).map(|at| symbols.name(Symbol(at)));
        self.table(&names().map(|name| name.len() as u32).collect::<Vec<_>>());
        self.text(&names().collect::<Vec<_>>().concat());
    }

    /// Adds a word.
    pub fn word(&mut self, word: u32) {
        self.bytes.extend_from_slice(&word.to_le_bytes());
    }

    /// What was added.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes from bytes what a [`Writer`] added to them. `None` stands for what no writer wrote.
pub struct Reader<'a> {
    rest: &'a [u8],
    names: Vec<Symbol>,
}

impl<'a> Reader<'a> {
    /// A reader of all of the bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes, names: Vec::new() }
    }

    /// Takes a table.
    pub fn table<T: Words<N>, const N: usize>(&mut self) -> Option<Vec<T>> {
        let len = self.word()? as usize;
        let words = self.take(len.checked_mul(N * 4)?)?;
        let mut records = Vec::with_capacity(len);
        for record in words.chunks_exact(N * 4) {
            let word = |i: usize| u32::from_le_bytes(record[i * 4..][..4].try_into().expect("four bytes"));
            records.push(T::from_words(std::array::from_fn(word), &self.names)?);
        }
        Some(records)
    }

    /// Takes bytes.
    pub fn text(&mut self) -> Option<&'a [u8]> {
        let len = self.word()? as usize;
        self.take(len)
    }

    /// Takes the names of an interner, and meets them in `symbols`: what follows has these names.
    pub fn names(&mut self, symbols: &mut Symbols) -> Option<()> {
        let lens: Vec<u32> = self.table()?;
        let mut text = self.text()?;
        self.names.reserve(lens.len());
        for len in lens {
            let (name, rest) = text.split_at_checked(len as usize)?;
            self.names.push(symbols.intern(name));
            text = rest;
        }
        text.is_empty().then_some(())
    }

    /// Takes a word.
    pub fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_le_bytes(*word))
    }

    /// Whether nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }
}
