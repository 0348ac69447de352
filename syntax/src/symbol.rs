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
    /// Where each name starts and ends in `bytes`.
    places: Vec<(u32, u32)>,
    /// The first eight bytes of each name, the first one highest, zeros behind a shorter name: they decide most comparisons.
    heads: Vec<u64>,
    table: HashTable<u32>,
    /// Numbers of names that are gone, the lowest last.
    free: Vec<u32>,
    hasher: FxBuildHasher,
}

impl Symbols {
    /// An interner without names.
    pub fn new() -> Symbols {
        Symbols::default()
    }

    /// The symbol of `name`, made if it is new.
    pub fn intern(&mut self, name: &[u8]) -> Symbol {
        let Symbols { bytes, places, heads, table, free, hasher } = self;
        let hash = hasher.hash_one(name);
        if let Some(&found) = table.find(hash, |&at| text(bytes, places, at) == name) {
            return Symbol(found);
        }
        let start = bytes.len() as u32;
        bytes.extend_from_slice(name);
        let place = (start, u32::try_from(bytes.len()).expect("names take less than 4 GiB"));
        let new = if let Some(free) = free.pop() {
            (places[free as usize], heads[free as usize]) = (place, head(name));
            free
        } else {
            places.push(place);
            heads.push(head(name));
            u32::try_from(places.len() - 1).expect("fewer than 2^32 names")
        };
        table.insert_unique(hash, new, |&at| hasher.hash_one(text(bytes, places, at)));
        Symbol(new)
    }

    /// The symbol of `name`, if there is one already.
    pub fn find(&self, name: &[u8]) -> Option<Symbol> {
        let hash = self.hasher.hash_one(name);
        self.table.find(hash, |&at| text(&self.bytes, &self.places, at) == name).map(|&at| Symbol(at))
    }

    /// The name of `symbol`.
    pub fn name(&self, symbol: Symbol) -> &[u8] {
        text(&self.bytes, &self.places, symbol.0)
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
        self.places.len() - self.free.len()
    }

    /// A number more than any symbol has.
    pub fn end(&self) -> usize {
        self.places.len()
    }

    /// How many bytes they take, about.
    pub fn held(&self) -> u64 {
        /// A place, a head, and an entry of the table.
        const EACH: u64 = 24;
        self.bytes.len() as u64 + self.places.len() as u64 * EACH
    }

    /// Ends the names that are not to stay; their numbers will be those of others. Names that are met one after the other
    /// still have their order, but names that stay may be behind those that are met later.
    pub fn retain(&mut self, mut stays: impl FnMut(Symbol) -> bool) {
        let Symbols { bytes, places, heads, table, free, hasher } = self;
        let mut all: Vec<u32> = table.drain().filter(|&at| stays(Symbol(at))).collect();
        // In the order of the text, which moves to its start.
        all.sort_unstable_by_key(|&at| places[at as usize].0);
        let mut end = 0;
        let mut living = vec![false; places.len()];
        for &at in &all {
            let (from, to) = places[at as usize];
            bytes.copy_within(from as usize..to as usize, end as usize);
            places[at as usize] = (end, end + (to - from));
            end += to - from;
            living[at as usize] = true;
        }
        bytes.truncate(end as usize);
        let used = living.iter().rposition(|&lives| lives).map_or(0, |last| last + 1);
        places.truncate(used);
        heads.truncate(used);
        *free = (0..used as u32).rev().filter(|&at| !living[at as usize]).collect();
        for at in all {
            let hash = hasher.hash_one(text(bytes, places, at));
            table.insert_unique(hash, at, |&at| hasher.hash_one(text(bytes, places, at)));
        }
    }

    /// Whether there is no name yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn head(name: &[u8]) -> u64 {
    let mut head = [0; 8];
    let n = name.len().min(8);
    head[..n].copy_from_slice(&name[..n]);
    u64::from_be_bytes(head)
}

fn text<'a>(bytes: &'a [u8], places: &[(u32, u32)], at: u32) -> &'a [u8] {
    let (start, end) = places[at as usize];
    &bytes[start as usize..end as usize]
}

#[cfg(test)]
mod tests {
    use super::Symbols;

    #[test]
    fn names_that_are_gone_make_room() {
        let mut symbols = Symbols::new();
        let [a, b, c, d] = ["a", "bb", "ccc", ""].map(|name| symbols.intern(name.as_bytes()));
        symbols.retain(|symbol| symbol == b || symbol == d);
        assert_eq!((symbols.len(), symbols.name(b), symbols.name(d)), (2, &b"bb"[..], &b""[..]));
        assert_eq!((symbols.find(b"a"), symbols.find(b"bb"), symbols.find(b"")), (None, Some(b), Some(d)));
        assert_eq!([symbols.intern(b"x"), symbols.intern(b"yy")], [a, c]);
        assert!(symbols.compare(a, c).is_lt() && symbols.intern(b"z").0 == 4);
    }
}
