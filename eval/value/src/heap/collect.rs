//! The collector: marks what is reachable, then finds the lines that hold nothing of it.
//!
//! After Blackburn and McKinley, "Immix: a mark-region garbage collector" (2008), without evacuation: live
//! lines are kept where they are, runs of free lines are allocated into. Objects are fetched into the processor's
//! cache some steps before they are looked at, after Cher, Hosking and Vijaykumar, "Software prefetching for
//! mark-sweep garbage collection" (2004).
//!
//! Most collections look at young objects only, after Demers et al., "Combining generational and conservative garbage
//! collection" (1990): what survived a collection keeps its mark, and the heap remembers where old objects got young values.

use super::region::{CHUNK, Chunk, HEADER, LINE, LINES, is_old, mark_lines};
use super::{
    Heap, LARGE, MARK, MEDIUM, NO_SYMBOL, NO_UNIT, POSITIONS_MASK, POSITIONS_SHIFT, Relaxed, Slot, aux_of,
    id_of, kind_of, small_of, state, state_of, word,
};
use crate::layout::{LayoutId, Layouts};
use crate::val::{Kind, Val};

/// Shows a collection every root.
pub type Roots<'a> = dyn FnMut(&mut dyn FnMut(Val)) + 'a;

/// What a live object refers to by number, in tables that are not the heap's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reference {
    /// The code unit of a closure or of a thunk that has not run.
    Unit(u32),
    /// The layout of a set, and where its attributes are defined.
    Set(LayoutId, u32),
    /// The error that a thunk failed with.
    Failure(u32),
    /// The symbol that a string is known to be.
    Symbol(u32),
}

/// Slots whose objects are on their way into the cache.
const FETCHED: usize = 16;
/// Runs of free space of at least this many bytes are kept for objects that small ones have no room for.
const BIG: usize = 2 << 10;

impl Heap {
    /// Frees what is not reachable from `roots`. Needs `&mut self`: no machine runs, nothing is borrowed.
    ///
    /// Every value that will be used afterwards must be reachable (H5). Answers the bytes of live objects.
    pub fn collect(&mut self, roots: &mut Roots<'_>, layouts: &Layouts) -> u64 {
        let live = self.mark_all::<false>(roots, layouts, &mut |_| {});
        self.sweep(true);
        live
    }

    /// The same, and tells what live objects refer to outside of the heap, some of it more than once.
    pub fn collect_telling(
        &mut self,
        roots: &mut Roots<'_>,
        layouts: &Layouts,
        tell: &mut dyn FnMut(Reference),
    ) -> u64 {
        let live = self.mark_all::<true>(roots, layouts, tell);
        self.sweep(true);
        live
    }

    /// The same while a machine runs: at a point where it holds no reference into the heap, only roots (H6). Memory is kept
    /// for what comes.
    pub fn collect_at_safepoint(&self, roots: &mut Roots<'_>, layouts: &Layouts) -> u64 {
        let live = self.mark_all::<false>(roots, layouts, &mut |_| {});
        self.sweep(false);
        live
    }

    /// Frees those of the young objects that neither `roots` nor old objects reach; roots that are old may be left out. At the
    /// same points as [`Heap::collect_at_safepoint`]. The others are old from now on: answers their bytes.
    pub fn collect_young(&self, roots: &mut Roots<'_>, layouts: &Layouts) -> u64 {
        let grown = self.mark_young::<false>(roots, layouts, &mut |_| {});
        self.sweep(false);
        grown
    }

    fn mark_all<const TELLS: bool>(
        &self,
        roots: &mut Roots<'_>,
        layouts: &Layouts,
        tell: &mut dyn FnMut(Reference),
    ) -> u64 {
        // All that is alive has one mark then, whose meaning flips.
        self.mark_young::<false>(roots, layouts, &mut |_| {});
        self.unmarked.set(self.unmarked.get() ^ MARK);
        self.chunks.borrow().iter().for_each(Chunk::clear_lines);
        self.mark_young::<TELLS>(roots, layouts, tell)
    }

    fn mark_young<const TELLS: bool>(
        &self,
        roots: &mut Roots<'_>,
        layouts: &Layouts,
        tell: &mut dyn FnMut(Reference),
    ) -> u64 {
        self.collected.set(true);
        self.close(&self.small);
        self.close(&self.medium);
        let unmarked = self.unmarked.get();
        let nothing = Slot::new(Val::NULL);
        let results: Vec<Slot> = self.results.take().into_iter().map(Slot::new).collect();
        let mut marker =
            Marker::<TELLS> { heap: self, layouts, unmarked, waiting: Vec::new(), live: 0, tell };
        marker.waiting.push(results.iter());
        for v in self.changed.take() {
            marker.push_parts(v, extent(self.header(v), layouts).1);
        }
        let mut root = |v: Val| {
            if v.is_pointer() && !is_old(v.address()) {
                // A root stays what it is, even a thunk that has run.
                let head = self.header(v.object());
                if head & MARK == unmarked {
                    marker.mark(v.object(), head);
                }
            }
        };
        [self.empty_list(), self.empty_attrs(), self.empty_string()].into_iter().for_each(&mut root);
        roots(&mut root);
        marker.run(&nothing);
        let live = marker.live;
        self.chunks.borrow().iter().for_each(Chunk::age);
        live
    }

    /// Lists the free lines of all chunks. Chunks without live objects are freed if `give_back`, and large ones in any case.
    fn sweep(&self, give_back: bool) {
        let mut chunks = self.chunks.borrow_mut();
        let mut kept: Vec<Chunk> = Vec::with_capacity(chunks.len());
        let mut big = Vec::new();
        for mut chunk in std::mem::take(&mut *chunks) {
            let is_dead = (0..LINES / 64).all(|i| chunk.lines(i) == 0);
            if is_dead && (give_back || chunk.is_large()) {
                self.reserved.set(self.reserved.get() - chunk.bytes as u64);
                chunk.free();
                continue;
            }
            chunk.set_index(kept.len());
            if !chunk.is_large() {
                let mut runs = Runs::of(&chunk);
                while let Some((start, end)) = runs.next(&chunk) {
                    if cfg!(debug_assertions) {
                        poison(chunk.base + start * LINE, chunk.base + end * LINE);
                    }
                    if (end - start) * LINE >= BIG {
                        big.push((chunk.base + start * LINE, chunk.base + end * LINE));
                    }
                }
                chunk.top = chunk.base + CHUNK;
            }
            kept.push(chunk);
        }
        big.sort_by_key(|&(start, end)| end - start);
        *chunks = kept;
        let runs = chunks.first().map_or_else(Runs::default, Runs::of);
        *self.holes.borrow_mut() = Holes { chunk: 0, runs, swept: chunks.len(), big };
    }
}

/// The work of one marking.
struct Marker<'h, 't, const TELLS: bool> {
    heap: &'h Heap,
    layouts: &'h Layouts,
    unmarked: u64,
    /// Slots whose young objects are to be fetched: of each object those that are left, as children would be many more.
    waiting: Vec<std::slice::Iter<'h, Slot>>,
    /// Bytes of the objects marked.
    live: u64,
    /// Told of references, if `TELLS`.
    tell: &'t mut dyn FnMut(Reference),
}

impl<'h, const TELLS: bool> Marker<'h, '_, TELLS> {
    /// Marks all that the slots waiting reach. Thunks that have run give way to their values. `nothing` holds null.
    fn run(&mut self, nothing: &'h Slot) {
        // Slots whose objects are being fetched; the one at `at` has waited longest.
        let mut fetched = [(nothing, Val::NULL); FETCHED];
        let mut at = 0;
        loop {
            while let Some(next) = self.next() {
                self.heap.prefetch(next.1);
                let (slot, v) = std::mem::replace(&mut fetched[at], next);
                at = (at + 1) % FETCHED;
                self.visit(slot, v);
            }
            for (slot, v) in std::mem::replace(&mut fetched, [(nothing, Val::NULL); FETCHED]) {
                self.visit(slot, v);
            }
            if self.waiting.is_empty() {
                return;
            }
        }
    }

    /// The next slot that holds a young object, with what it holds.
    #[inline(always)]
    fn next(&mut self) -> Option<(&'h Slot, Val)> {
        while let Some(slots) = self.waiting.last_mut() {
            for slot in slots {
                let v = slot.get();
                if v.is_pointer() && !is_old(v.address()) {
                    return Some((slot, v));
                }
            }
            self.waiting.pop();
        }
        None
    }

    #[inline(always)]
    fn visit(&mut self, slot: &'h Slot, v: Val) {
        if v == Val::NULL {
            return;
        }
        if v.is_element()
            && let Some(call) = self.heap.call_of(v)
        {
            return self.replace(slot, call);
        }
        let v = v.object();
        let head = self.heap.header(v);
        if v.is_thunk() && state_of(head) == state::DONE {
            self.replace(slot, self.heap.first(v));
        } else if head & MARK == self.unmarked {
            self.mark(v, head);
        }
    }

    fn replace(&mut self, slot: &'h Slot, v: Val) {
        slot.set(v);
        self.waiting.push(std::slice::from_ref(slot).iter());
    }

    /// Marks an object, and lets those that it refers to wait.
    #[inline(always)]
    fn mark(&mut self, v: Val, head: u64) {
        self.heap.flip_mark(v, head);
        let (words, len) = extent(head, self.layouts);
        let bytes = 8 * (1 + words);
        self.live += bytes as u64;
        if TELLS {
            self.tell(v, head);
        }
        mark_lines(v.address(), bytes);
        self.push_parts(v, len);
    }

    /// Lets the values wait that the first `len` words of an object hold.
    #[inline(always)]
    fn push_parts(&mut self, v: Val, len: usize) {
        if len > 0 {
            self.waiting.push(self.heap.slots(v, 1, len).iter());
        }
    }
}

impl<const TELLS: bool> Marker<'_, '_, TELLS> {
    fn tell(&mut self, v: Val, head: u64) {
        match kind_of(head) {
            Kind::Attrs => {
                let positions = (head >> POSITIONS_SHIFT & POSITIONS_MASK) as u32;
                (self.tell)(Reference::Set(LayoutId(id_of(head)), positions));
            }
            Kind::Closure => (self.tell)(Reference::Unit(id_of(head))),
            Kind::Thunk | Kind::SelectThunk | Kind::ApplyThunk if state_of(head) != state::DONE => {
                if id_of(head) != NO_UNIT {
                    (self.tell)(Reference::Unit(id_of(head)));
                }
                if state_of(head) == state::FAILED {
                    (self.tell)(Reference::Failure(self.heap.first(v).0 as u32));
                }
            }
            Kind::String => {
                // SAFETY: H1; a string has its symbol word.
                let symbol = unsafe { word(self.heap, v, 1) }.load(Relaxed) as u32;
                if symbol != NO_SYMBOL {
                    (self.tell)(Reference::Symbol(symbol));
                }
            }
            _ => {}
        }
    }
}

/// Words of an object after its header, and how many of them, from the first on, hold values.
#[inline(always)]
pub(super) fn extent(head: u64, layouts: &Layouts) -> (usize, usize) {
    match kind_of(head) {
        Kind::Thunk => (aux_of(head).max(1), values_of_thunk(head, aux_of(head))),
        Kind::SelectThunk | Kind::ApplyThunk => (small_of(head), values_of_thunk(head, small_of(head))),
        Kind::Closure => (aux_of(head), aux_of(head)),
        Kind::Partial => (aux_of(head) + 1, aux_of(head) + 1),
        Kind::Attrs => {
            let n = layouts.len(LayoutId(id_of(head)));
            (n, n)
        }
        Kind::Overlay => (2, 2),
        Kind::Mapping => (3, 3),
        Kind::List => (id_of(head) as usize, id_of(head) as usize),
        Kind::String => (1 + (id_of(head) as usize).div_ceil(8), 0),
        Kind::Path => ((id_of(head) as usize).div_ceil(8), 0),
        Kind::Primop => (0, 0),
        Kind::Float | Kind::BigInt | Kind::External => (1, 0),
    }
}

/// How many words of a thunk of `n` captures hold values.
#[inline(always)]
fn values_of_thunk(head: u64, n: usize) -> usize {
    match state_of(head) {
        state::DONE => 1,
        state::FAILED => 0,
        _ => n,
    }
}

/// Free space that a collection found. Small runs are looked for when they are needed, in the order of the chunks.
#[derive(Default)]
pub(super) struct Holes {
    /// Where to look for the next run.
    chunk: usize,
    runs: Runs,
    /// How many chunks there were.
    swept: usize,
    /// Runs of at least [`BIG`] bytes: start and end. The largest is last.
    big: Vec<(usize, usize)>,
}

impl Holes {
    /// A run of free space for an object of so many bytes.
    pub(super) fn next(&mut self, chunks: &[Chunk], bytes: usize) -> Option<(usize, usize)> {
        if bytes <= MEDIUM
            && let Some(run) = self.next_small(chunks, bytes)
        {
            return Some(run);
        }
        self.big.pop_if(|(start, end)| *end - *start >= bytes)
    }

    fn next_small(&mut self, chunks: &[Chunk], bytes: usize) -> Option<(usize, usize)> {
        while self.chunk < self.swept {
            let chunk = &chunks[self.chunk];
            while let Some((start, end)) = self.runs.next(chunk) {
                if (bytes..BIG).contains(&((end - start) * LINE)) {
                    return Some((chunk.base + start * LINE, chunk.base + end * LINE));
                }
            }
            self.chunk += 1;
            self.runs = chunks.get(self.chunk).map_or_else(Runs::default, Runs::of);
        }
        None
    }
}

/// A walk over the runs of free lines of a chunk.
#[derive(Default)]
struct Runs {
    /// How many words with bits of lines were looked at.
    words: usize,
    /// Lines of the last of them that are free, and not in a run yet.
    free: u64,
}

impl Runs {
    /// All runs. A large object's chunk has none.
    fn of(chunk: &Chunk) -> Runs {
        let first = HEADER / LINE;
        if chunk.is_large() {
            return Runs { words: LINES / 64, free: 0 };
        }
        Runs { words: first / 64 + 1, free: !chunk.lines(first / 64) & u64::MAX << (first % 64) }
    }

    /// The next run: its first line, and the one behind its last.
    #[inline]
    fn next(&mut self, chunk: &Chunk) -> Option<(usize, usize)> {
        while self.free == 0 {
            self.free = self.next_word(chunk)?;
        }
        let bit = self.free.trailing_zeros();
        let start = 64 * (self.words - 1) + bit as usize;
        // Adding a one to the lowest run carries it into the bit behind that; or out of the word.
        let (rest, goes_on) = self.free.overflowing_add(1 << bit);
        if !goes_on {
            let end = 64 * (self.words - 1) + rest.trailing_zeros() as usize;
            self.free &= rest;
            return Some((start, end));
        }
        self.free = 0;
        while let Some(free) = self.next_word(chunk) {
            if free != u64::MAX {
                self.free = free & (free + 1);
                return Some((start, 64 * (self.words - 1) + free.trailing_ones() as usize));
            }
        }
        Some((start, LINES))
    }

    /// The free lines of the next word.
    fn next_word(&mut self, chunk: &Chunk) -> Option<u64> {
        (self.words < LINES / 64).then(|| {
            self.words += 1;
            !chunk.lines(self.words - 1)
        })
    }
}

/// Overwrites dead objects by what is no object, so that a root which was forgotten (H5) shows.
fn poison(start: usize, end: usize) {
    let at: *mut u8 = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the hole lies in a chunk, and nothing in it is alive.
    unsafe { at.write_bytes(0xdd, end - start) };
}

const _: () = assert!(LARGE < CHUNK - HEADER, "an empty chunk has room for any object that is not large");
