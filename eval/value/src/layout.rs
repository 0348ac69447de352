//! Layouts: the keys of attribute sets, shared by all sets with the same keys.
//!
//! Keys are kept in the order of their names' bytes, which is the order of every iteration that shows.
//! After the hidden classes of Self (Chambers, Ungar, Lee 1989), for sets that never change.

use frazil_syntax::symbol::{Symbol, Symbols};
use hashbrown::{HashMap, HashTable};
use rustc_hash::FxBuildHasher;
use std::cell::{Cell, RefCell};
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

/// The number of a layout. Layout 0 has no keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LayoutId(pub u32);

impl LayoutId {
    /// The layout without keys.
    pub const EMPTY: LayoutId = LayoutId(0);
}

/// How to make a set of `layout` from the values of two others.
pub struct Plan {
    /// The layout of the result.
    pub layout: LayoutId,
    /// For each slot of the result, where its value comes from.
    pub sources: Sources,
}

/// Where values come from, in as many bytes as the numbers of slots need. The highest bit is set when a slot is the right set's.
pub enum Sources {
    /// Slots below 2^15.
    Narrow(Box<[u16]>),
    /// Slots below 2^31.
    Wide(Box<[u32]>),
}

/// Where one value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source {
    /// Of which set: 0 is the left one, 1 the right one.
    pub set: usize,
    /// Of which slot.
    pub slot: usize,
}

impl Sources {
    const NARROW: u32 = 15;
    const WIDE: u32 = 31;
    /// The slots of the right set begin with this.
    const RIGHT: u32 = 1 << Sources::WIDE;

    /// Those of slots below `end`, each given as a wide one.
    fn new(end: usize, wide: Vec<u32>) -> Sources {
        if end > 1 << Sources::NARROW {
            return Sources::Wide(wide.into());
        }
        let narrow = |&source: &u32| source as u16 | ((source >> Sources::WIDE) << Sources::NARROW) as u16;
        Sources::Narrow(wide.iter().map(narrow).collect())
    }

    /// One of the narrow ones.
    #[inline(always)]
    pub fn narrow(packed: u16) -> Source {
        let (set, slot) = (packed >> Sources::NARROW, packed & ((1 << Sources::NARROW) - 1));
        Source { set: set as usize, slot: slot as usize }
    }

    /// One of the wide ones.
    #[inline(always)]
    pub fn wide(packed: u32) -> Source {
        let (set, slot) = (packed >> Sources::WIDE, packed & (Sources::RIGHT - 1));
        Source { set: set as usize, slot: slot as usize }
    }
}

struct Keys {
    keys: Box<[Symbol]>,
    /// Slots by key, for layouts of more than [`SCANNED`] keys; made at the first search.
    index: OnceLock<Index>,
}

/// Layouts of at most this many keys are searched one by one.
const SCANNED: usize = 12;
/// Plans of at most this many slots are remembered.
const MAX_REMEMBERED: usize = 1 << 15;
/// Entries of the cache of searches.
const CACHE: usize = 8192;

/// Slots by key, in as many bytes as their numbers need.
enum Index {
    Tiny(Table<u8>),
    Narrow(Table<u16>),
    Wide(Table<u32>),
}

impl Index {
    fn new(keys: &[Symbol]) -> Index {
        if keys.len() < u8::MAX as usize {
            Index::Tiny(Table::new(keys))
        } else if keys.len() < u16::MAX as usize {
            Index::Narrow(Table::new(keys))
        } else {
            Index::Wide(Table::new(keys))
        }
    }

    fn find(&self, keys: &[Symbol], key: Symbol) -> Option<u32> {
        match self {
            Index::Tiny(table) => table.find(keys, key),
            Index::Narrow(table) => table.find(keys, key),
            Index::Wide(table) => table.find(keys, key),
        }
    }
}

/// The number of a slot, or none.
trait SlotNumber: Copy + PartialEq {
    const NONE: Self;
    fn new(slot: u32) -> Self;
    fn get(self) -> u32;
}

impl SlotNumber for u8 {
    const NONE: u8 = u8::MAX;
    fn new(slot: u32) -> u8 {
        slot as u8
    }
    fn get(self) -> u32 {
        self as u32
    }
}

impl SlotNumber for u16 {
    const NONE: u16 = u16::MAX;
    fn new(slot: u32) -> u16 {
        slot as u16
    }
    fn get(self) -> u32 {
        self as u32
    }
}

impl SlotNumber for u32 {
    const NONE: u32 = u32::MAX;
    fn new(slot: u32) -> u32 {
        slot
    }
    fn get(self) -> u32 {
        self
    }
}

/// A table of slots with open addressing, at most half full.
struct Table<N>(Box<[N]>);

impl<N: SlotNumber> Table<N> {
    fn new(keys: &[Symbol]) -> Table<N> {
        let mut table = Table(vec![N::NONE; (keys.len() * 2).next_power_of_two()].into_boxed_slice());
        for (slot, key) in (0..).zip(keys) {
            let mut at = table.first(*key);
            while table.0[at] != N::NONE {
                at = table.next(at);
            }
            table.0[at] = N::new(slot);
        }
        table
    }

    fn find(&self, keys: &[Symbol], key: Symbol) -> Option<u32> {
        let mut at = self.first(key);
        loop {
            let slot = self.0[at];
            if slot == N::NONE {
                return None;
            }
            if keys[slot.get() as usize] == key {
                return Some(slot.get());
            }
            at = self.next(at);
        }
    }

    fn first(&self, key: Symbol) -> usize {
        spread(key.0) as usize & (self.0.len() - 1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.0.len() - 1)
    }
}

/// Fibonacci hashing of a small number.
fn spread(n: u32) -> u32 {
    n.wrapping_mul(0x9E37_79B9).rotate_left(15)
}

/// All layouts of one evaluator, and what is remembered about pairs of them.
pub struct Layouts {
    table: RefCell<Vec<Arc<Keys>>>,
    /// Numbers of layouts that are gone.
    free: RefCell<Vec<u32>>,
    lens: RefCell<Vec<u32>>,
    interned: RefCell<HashTable<u32>>,
    updates: RefCell<HashMap<(LayoutId, LayoutId), Arc<Plan>, FxBuildHasher>>,
    intersections: RefCell<HashMap<(LayoutId, LayoutId), Arc<Plan>, FxBuildHasher>>,
    cache: Box<[Cell<(LayoutId, Symbol, u32)>]>,
}

impl Default for Layouts {
    fn default() -> Layouts {
        let layouts = Layouts {
            table: RefCell::default(),
            free: RefCell::default(),
            lens: RefCell::default(),
            interned: RefCell::default(),
            updates: RefCell::default(),
            intersections: RefCell::default(),
            cache: empty_cache(),
        };
        let empty = layouts.intern(&[]);
        debug_assert_eq!(empty, LayoutId::EMPTY);
        layouts
    }
}

fn empty_cache() -> Box<[Cell<(LayoutId, Symbol, u32)>]> {
    vec![Cell::new((LayoutId(u32::MAX), Symbol(0), 0)); CACHE].into_boxed_slice()
}

impl Layouts {
    /// Only the empty layout.
    pub fn new() -> Layouts {
        Layouts::default()
    }

    /// The layout of `keys`, which are in the order of their names and distinct.
    pub fn intern(&self, keys: &[Symbol]) -> LayoutId {
        let hash = FxBuildHasher.hash_one(keys);
        let mut table = self.table.borrow_mut();
        let mut interned = self.interned.borrow_mut();
        if let Some(&found) = interned.find(hash, |&i| &*table[i as usize].keys == keys) {
            return LayoutId(found);
        }
        let new = Arc::new(Keys { keys: keys.into(), index: OnceLock::new() });
        let mut lens = self.lens.borrow_mut();
        let id = if let Some(free) = self.free.borrow_mut().pop() {
            (table[free as usize], lens[free as usize]) = (new, keys.len() as u32);
            free
        } else {
            table.push(new);
            lens.push(keys.len() as u32);
            u32::try_from(table.len() - 1).expect("fewer than 2^32 layouts")
        };
        interned.insert_unique(hash, id, |&i| FxBuildHasher.hash_one(&*table[i as usize].keys));
        LayoutId(id)
    }

    /// The layout of `keys` in any order, and for each of its slots the place of the key in `keys`.
    /// Of equal keys the first counts.
    pub fn intern_unsorted(&self, keys: &[Symbol], symbols: &Symbols) -> (LayoutId, Vec<u32>) {
        let mut order: Vec<u32> = (0..keys.len() as u32).collect();
        let compare = |a: &u32, b: &u32| symbols.compare(keys[*a as usize], keys[*b as usize]);
        if !order.is_sorted_by(|a, b| compare(a, b).is_lt()) {
            order.sort_by(compare);
            order.dedup_by_key(|i| keys[*i as usize]);
        }
        let sorted: Vec<Symbol> = order.iter().map(|&i| keys[i as usize]).collect();
        (self.intern(&sorted), order)
    }

    /// How many keys the layout has.
    #[inline(always)]
    pub fn len(&self, id: LayoutId) -> usize {
        self.lens.borrow()[id.0 as usize] as usize
    }

    /// How many layouts there are.
    pub fn count(&self) -> usize {
        self.end() - self.free.borrow().len()
    }

    /// A number more than any layout has.
    pub fn end(&self) -> usize {
        self.lens.borrow().len()
    }

    /// Ends the layouts that are not to stay, and what is remembered of them; their numbers will be those of others. No set
    /// may have one of them, and no cache.
    pub fn retain(&mut self, stays: impl Fn(LayoutId) -> bool) {
        let stays = |id: LayoutId| id == LayoutId::EMPTY || stays(id);
        let (table, free) = (self.table.get_mut(), self.free.get_mut());
        self.interned.get_mut().retain(|&mut id| stays(LayoutId(id)));
        let gone = Arc::new(Keys { keys: Box::default(), index: OnceLock::new() });
        free.clear();
        for (id, keys) in (0..).zip(table).filter(|(id, _)| !stays(LayoutId(*id))) {
            *keys = gone.clone();
            free.push(id);
        }
        for plans in [&mut self.updates, &mut self.intersections] {
            plans.get_mut().retain(|(a, b), plan| stays(*a) && stays(*b) && stays(plan.layout));
        }
        self.cache = empty_cache();
    }

    /// The keys, in the order of their names.
    pub fn keys(&self, id: LayoutId) -> LayoutKeys {
        LayoutKeys(self.table.borrow()[id.0 as usize].clone())
    }

    /// The slot of `key`.
    #[inline]
    pub fn find(&self, id: LayoutId, key: Symbol) -> Option<u32> {
        let at = (spread(key.0) ^ spread(id.0).rotate_left(7)) as usize % CACHE;
        let (cached_id, cached_key, slot) = self.cache[at].get();
        if cached_id == id && cached_key == key {
            return (slot != u32::MAX).then_some(slot);
        }
        let found = self.search(id, key);
        self.cache[at].set((id, key, found.unwrap_or(u32::MAX)));
        found
    }

    /// The same for keys of which many are looked for, so that none is likely to have been.
    pub fn search(&self, id: LayoutId, key: Symbol) -> Option<u32> {
        let table = self.table.borrow();
        let Keys { keys, index } = &*table[id.0 as usize];
        if keys.len() <= SCANNED {
            keys.iter().position(|&k| k == key).map(|i| i as u32)
        } else {
            index.get_or_init(|| Index::new(keys)).find(keys, key)
        }
    }

    /// How to make `a // b`.
    pub fn update(&self, a: LayoutId, b: LayoutId, symbols: &Symbols) -> Arc<Plan> {
        if let Some(plan) = self.updates.borrow().get(&(a, b)) {
            return plan.clone();
        }
        let (left, right) = (self.keys(a), self.keys(b));
        let most = left.len() + right.len();
        let (mut keys, mut sources) = (Vec::with_capacity(most), Vec::with_capacity(most));
        merge(&left, &right, symbols, |key, l, r| {
            keys.push(key);
            sources.push(r.map_or_else(|| l.expect("from one side"), |r| r | Sources::RIGHT));
        });
        let sources = Sources::new(left.len().max(right.len()), sources);
        self.remember(&self.updates, (a, b), &keys, sources)
    }

    /// How to make `intersectAttrs a b`: the attributes of `b` whose names are in `a`.
    pub fn intersection(&self, a: LayoutId, b: LayoutId) -> Arc<Plan> {
        if let Some(plan) = self.intersections.borrow().get(&(a, b)) {
            return plan.clone();
        }
        let right = self.keys(b);
        let kept = right.iter().enumerate().filter(|(_, k)| self.search(a, **k).is_some());
        let (keys, sources): (Vec<Symbol>, Vec<u32>) =
            kept.map(|(slot, &key)| (key, slot as u32 | Sources::RIGHT)).unzip();
        self.remember(&self.intersections, (a, b), &keys, Sources::new(right.len(), sources))
    }

    fn remember(
        &self,
        table: &RefCell<HashMap<(LayoutId, LayoutId), Arc<Plan>, FxBuildHasher>>,
        layouts: (LayoutId, LayoutId),
        keys: &[Symbol],
        sources: Sources,
    ) -> Arc<Plan> {
        let plan = Arc::new(Plan { layout: self.intern(keys), sources });
        // Package sets are merged anew for each stage of a bootstrap, so plans of thousands of slots pay, too.
        if keys.len() <= MAX_REMEMBERED {
            table.borrow_mut().insert(layouts, plan.clone());
        }
        plan
    }
}

/// Walks two sorted key lists together; `each` gets a key and its slots.
fn merge(
    a: &[Symbol],
    b: &[Symbol],
    symbols: &Symbols,
    mut each: impl FnMut(Symbol, Option<u32>, Option<u32>),
) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let order = match (a.get(i), b.get(j)) {
            (Some(l), Some(r)) if l == r => std::cmp::Ordering::Equal,
            (Some(l), Some(r)) => symbols.compare(*l, *r),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        let (l, r) = (order.is_le().then_some(i as u32), order.is_ge().then_some(j as u32));
        each(if order.is_le() { a[i] } else { b[j] }, l, r);
        i += order.is_le() as usize;
        j += order.is_ge() as usize;
    }
}

/// The keys of a layout; derefs to a slice.
#[derive(Clone)]
pub struct LayoutKeys(Arc<Keys>);

impl std::ops::Deref for LayoutKeys {
    type Target = [Symbol];
    fn deref(&self) -> &[Symbol] {
        &self.0.keys
    }
}
