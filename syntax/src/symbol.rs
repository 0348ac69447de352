//! Names as numbers: attribute names, variables and formals, each interned once per evaluator.
//!
//! A name may hold any bytes (`{ "\xff" = 1; }` is a legal set), so the interner stores bytes.

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::cmp::Ordering;
use std::hash::BuildHasher;

/// A name: an index into the [`Symbols`] that made it. The order of symbols is the order of interning and
/// must never show; compare the names' bytes where order is seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Symbol(pub u32);

/// The interner of one evaluator.
#[derive(Default)]
pub struct Symbols {
    bytes: Vec<u8>,
    /// Where each name ends in `bytes`; it starts where the one before ends.
    ends: Vec<u32>,
    /// The first eight bytes of each name, the first one highest, zeros behind a shorter name: they decide most comparisons.
    heads: Vec<u64>,
    table: HashTable<u32>,
    hasher: FxBuildHasher,
}

impl Symbols {
    /// An interner without names.
    pub fn new() -> Symbols {
        Symbols::default()
    }

    /// The symbol of `name`, made if it is new.
    pub fn intern(&mut self, name: &[u8]) -> Symbol {
        let Symbols { bytes, ends, heads, table, hasher } = self;
        let hash = hasher.hash_one(name);
        if let Some(&found) = table.find(hash, |&at| text(bytes, ends, at) == name) {
            return Symbol(found);
        }
        let new = u32::try_from(ends.len()).expect("fewer than 2^32 names");
        bytes.extend_from_slice(name);
        ends.push(u32::try_from(bytes.len()).expect("names take less than 4 GiB"));
        heads.push(head(name));
        table.insert_unique(hash, new, |&at| hasher.hash_one(text(bytes, ends, at)));
        Symbol(new)
    }

    /// The symbol of `name`, if there is one already.
    pub fn find(&self, name: &[u8]) -> Option<Symbol> {
        let hash = self.hasher.hash_one(name);
        self.table.find(hash, |&at| text(&self.bytes, &self.ends, at) == name).map(|&at| Symbol(at))
    }

    /// The name of `symbol`.
    pub fn name(&self, symbol: Symbol) -> &[u8] {
        text(&self.bytes, &self.ends, symbol.0)
    }

    /// The order of two names, by their bytes.
    #[inline]
    pub fn compare(&self, a: Symbol, b: Symbol) -> Ordering {
        match self.heads[a.0 as usize].cmp(&self.heads[b.0 as usize]) {
            Ordering::Equal if a != b => self.name(a).cmp(self.name(b)),
            order => order,
        }
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no name yet.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

fn head(name: &[u8]) -> u64 {
    let mut head = [0; 8];
    let n = name.len().min(8);
    head[..n].copy_from_slice(&name[..n]);
    u64::from_be_bytes(head)
}

fn text<'a>(bytes: &'a [u8], ends: &[u32], at: u32) -> &'a [u8] {
    let at = at as usize;
    let start = if at == 0 { 0 } else { ends[at - 1] as usize };
    &bytes[start..ends[at] as usize]
}
