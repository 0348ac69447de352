//! The heap of one evaluator: bump allocation in aligned chunks, and a mark-region collector.

use crate::layout::LayoutId;
use crate::val::{KINDS, Kind, Tag, Val};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering::*};

mod collect;
mod region;

pub use collect::{Reference, Roots};
use region::{Chunk, Region};

/// Objects of more bytes than this get a chunk of their own.
const LARGE: usize = 32 << 10;
/// Objects of more bytes than this are not looked a small hole for.
const MEDIUM: usize = 32;

/// Calls of a larger mapping are kept in lists of so many, made when they are needed.
const PAGE: usize = 64;

/// The bit of a header that tells live objects from those not reached yet. Which of its values means what changes with
/// every collection, so that none has to clear it.
const MARK: u64 = 1 << 7;
const STATE_SHIFT: u32 = 8;
const SMALL_SHIFT: u32 = 12;
const AUX_SHIFT: u32 = 16;
const ID_SHIFT: u32 = 32;
const STATE_MASK: u64 = 0xf << STATE_SHIFT;
/// Of a set, where its attributes are defined lies in place of the three fields before the number.
const POSITIONS_SHIFT: u32 = STATE_SHIFT;
const POSITIONS_MASK: u64 = (1 << (ID_SHIFT - POSITIONS_SHIFT)) - 1;

/// The states of a thunk. It goes from `NEW` to `BUSY` by one compare-and-swap, then to `DONE` or `FAILED`
/// by a store, and back to `NEW` only when a limit stopped the evaluation.
mod state {
    pub(super) const NEW: u64 = 0;
    pub(super) const BUSY: u64 = 1;
    pub(super) const DONE: u64 = 2;
    pub(super) const FAILED: u64 = 3;
    /// Made by a recursive binding group, captures not filled yet.
    pub(super) const UNFILLED: u64 = 4;
}

/// A word of an object that the machine may overwrite by an equal value, a thunk by its result, and fills while the object
/// is new. Who overwrites it by another value has the heap [remember](Heap::remember) the object.
#[repr(transparent)]
pub struct Slot(AtomicU64);

impl Slot {
    fn new(v: Val) -> Slot {
        Slot(AtomicU64::new(v.0))
    }

    /// The value.
    #[inline(always)]
    pub fn get(&self) -> Val {
        Val(self.0.load(Relaxed))
    }

    /// Overwrites the value.
    #[inline(always)]
    pub fn set(&self, v: Val) {
        self.0.store(v.0, Relaxed);
    }
}

/// What a thunk is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThunkCode {
    /// A code unit with captures.
    Unit(u32),
    /// The select instruction `at` of `unit`, on the thunk's first word.
    Select {
        /// The code unit with the instruction.
        unit: u32,
        /// The instruction's index.
        at: u16,
    },
    /// A call of the thunk's first word with the others.
    Apply {
        /// The code unit with the call instruction, or [`NO_UNIT`].
        unit: u32,
        /// The instruction's index.
        at: u16,
    },
}

/// The code unit of apply thunks that builtins make: no call in any source.
pub const NO_UNIT: u32 = u32::MAX;

/// What a large set is that was made of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// `base // delta`, and how many overlays there are upon overlays.
    Layers {
        /// The left set.
        base: Val,
        /// The right set.
        delta: Val,
        /// At most 15.
        depth: u32,
    },
    /// A plain set, its attributes copied together.
    Flat(Val),
}

/// The answer to a machine that wants a thunk's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It has run: its value, which is no thunk.
    Done(Val),
    /// It has failed: the index in the evaluator's table of errors.
    Failed(u32),
    /// It is running: the value depends on itself.
    Busy,
    /// It is the asker's to run.
    Run(ThunkCode),
}

/// A string as its parts.
#[derive(Clone, Copy)]
pub struct StringParts<'h> {
    /// The text.
    pub bytes: &'h [u8],
    /// The context's number in the evaluator's table; 0 is the empty one.
    pub context: u32,
}

/// The heap. Allocation takes `&self`, so that values can be read while others are made.
pub struct Heap {
    /// Where small objects go.
    small: Region,
    /// Where objects go that the holes of `small` are too small for.
    medium: Region,
    chunks: RefCell<Vec<Chunk>>,
    /// Free space that the last collection found.
    holes: RefCell<collect::Holes>,
    /// Bytes of all chunks.
    reserved: Cell<u64>,
    /// Bytes handed out, ever.
    allocated: Cell<u64>,
    limit: Cell<u64>,
    collected: Cell<bool>,
    /// The value of [`MARK`] in young objects, those made since the last collection. In old ones it is the other.
    unmarked: Cell<u64>,
    /// Old objects that were given other values since the last collection.
    changed: RefCell<Vec<Val>>,
    /// The results of old thunks that ran since then.
    results: RefCell<Vec<Val>>,
    empty_list: Cell<Val>,
    empty_attrs: Cell<Val>,
    empty_string: Cell<Val>,
}

// SAFETY: all memory is owned, and no interior reference leaves but by `&self`; the `Cell`s keep it from being `Sync`.
unsafe impl Send for Heap {}

fn header(kind: Kind, small: usize, aux: usize, id: u32) -> u64 {
    debug_assert!(small < 16 && aux <= u16::MAX as usize);
    kind as u64 | (small as u64) << SMALL_SHIFT | (aux as u64) << AUX_SHIFT | (id as u64) << ID_SHIFT
}

fn kind_of(header: u64) -> Kind {
    KINDS[(header & 0xf) as usize]
}
fn state_of(header: u64) -> u64 {
    (header & STATE_MASK) >> STATE_SHIFT
}
fn small_of(header: u64) -> usize {
    (header >> SMALL_SHIFT & 0xf) as usize
}
fn aux_of(header: u64) -> usize {
    (header >> AUX_SHIFT & 0xffff) as usize
}
fn id_of(header: u64) -> u32 {
    (header >> ID_SHIFT) as u32
}
fn code_of(header: u64) -> ThunkCode {
    match kind_of(header) {
        Kind::Thunk => ThunkCode::Unit(id_of(header)),
        Kind::SelectThunk => ThunkCode::Select { unit: id_of(header), at: aux_of(header) as u16 },
        _ => ThunkCode::Apply { unit: id_of(header), at: aux_of(header) as u16 },
    }
}

/// The word `i` of the object at `v`.
///
/// # Safety
/// H1 and H2: `v` points to an object of `heap` with more than `i` words.
#[inline(always)]
unsafe fn word(_heap: &Heap, v: Val, i: usize) -> &AtomicU64 {
    let at: *mut u64 = std::ptr::with_exposed_provenance_mut((v.0 & !7) as usize);
    // SAFETY: the caller's promise; H3 makes every word initialised and shared only as an atomic.
    unsafe { AtomicU64::from_ptr(at.add(i)) }
}

impl Default for Heap {
    fn default() -> Heap {
        Heap::new()
    }
}

impl Heap {
    /// An empty heap without a limit.
    pub fn new() -> Heap {
        let heap = Heap {
            small: Region::default(),
            medium: Region::default(),
            chunks: RefCell::default(),
            holes: RefCell::default(),
            reserved: Cell::new(0),
            allocated: Cell::new(0),
            limit: Cell::new(u64::MAX),
            collected: Cell::new(false),
            unmarked: Cell::new(0),
            changed: RefCell::default(),
            results: RefCell::default(),
            empty_list: Cell::new(Val::NULL),
            empty_attrs: Cell::new(Val::NULL),
            empty_string: Cell::new(Val::NULL),
        };
        heap.empty_list.set(heap.object(Tag::List, header(Kind::List, 0, 0, 0), 0));
        heap.empty_attrs.set(heap.object(Tag::Attrs, header(Kind::Attrs, 0, 0, 0), 0));
        heap.empty_string.set(heap.new_string(b"", 0));
        heap
    }

    /// Sets the number of bytes that may be in use; [`Heap::has_room`] tells of a breach.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.set(bytes);
    }

    /// Whether `bytes` more would still be within the limit, and can be had at all.
    pub fn has_room(&self, bytes: u64) -> bool {
        bytes < 1 << 40 && self.reserved.get().saturating_add(bytes) <= self.limit.get()
    }

    /// Bytes held from the system.
    pub fn reserved(&self) -> u64 {
        self.reserved.get()
    }

    /// Bytes handed out to objects since the heap was made.
    pub fn allocated(&self) -> u64 {
        self.allocated.get() - (self.small.room() + self.medium.room()) as u64
    }

    /// Allocates `words` words.
    #[inline(always)]
    fn allocate(&self, words: usize) -> *mut u64 {
        let bytes = words * 8;
        match self.small.take(bytes) {
            Some(at) => std::ptr::with_exposed_provenance_mut(at),
            None => std::ptr::with_exposed_provenance_mut(self.allocate_slowly(bytes)),
        }
    }

    #[cold]
    #[inline(never)]
    fn allocate_slowly(&self, bytes: usize) -> usize {
        if bytes > LARGE {
            self.allocated.set(self.allocated.get() + bytes as u64);
            let (start, end) = self.add_chunk(region::HEADER + bytes);
            self.chunks.borrow_mut().last_mut().expect("just added").top = end;
            return start;
        }
        let region = if bytes > MEDIUM { &self.medium } else { &self.small };
        loop {
            if let Some(at) = region.take(bytes) {
                return at;
            }
            self.close(region);
            let hole = self.holes.borrow_mut().next(&self.chunks.borrow(), bytes);
            let (start, end) = hole.unwrap_or_else(|| self.add_chunk(region::CHUNK));
            self.allocated.set(self.allocated.get() + (end - start) as u64);
            region.open(start, end);
        }
    }

    /// Ends allocation into the run of free space that is open.
    fn close(&self, region: &Region) {
        self.allocated.set(self.allocated.get() - region.room() as u64);
        // Once it was collected, the heap cannot be walked any more.
        if let Some(at) = region.close().filter(|_| !self.collected.get()) {
            self.note_top(at);
        }
    }

    /// Notes that the chunk whose byte before `at` is filled has objects up to there.
    fn note_top(&self, at: usize) {
        let top = &mut self.chunks.borrow_mut()[region::chunk_index(at - 1)].top;
        *top = at.max(*top);
    }

    /// A new chunk; answers where its objects may lie.
    fn add_chunk(&self, bytes: usize) -> (usize, usize) {
        let mut chunks = self.chunks.borrow_mut();
        let chunk = Chunk::new(bytes, chunks.len());
        let (start, end) = (chunk.start(), chunk.base + bytes);
        chunks.push(chunk);
        self.reserved.set(self.reserved.get() + bytes as u64);
        (start, end)
    }

    /// A new object with `payload` words that the caller fills.
    #[inline(always)]
    fn object(&self, tag: Tag, header: u64, payload: usize) -> Val {
        let at = self.allocate(1 + payload);
        // SAFETY: just allocated with room for the header.
        unsafe { at.write(header | self.unmarked.get()) };
        Val(at as u64 | tag as u64)
    }

    /// Writes a word of an object that nobody else has seen.
    #[inline(always)]
    fn init(&self, v: Val, i: usize, value: u64) {
        // SAFETY: H1; the caller made the object with more than `i` words a moment ago.
        unsafe { word(self, v, i) }.store(value, Relaxed);
    }

    #[inline(always)]
    fn header(&self, v: Val) -> u64 {
        debug_assert!(v.is_pointer() && !v.is_element(), "{v:?}");
        // SAFETY: H1, every object has a header; callers have looked at the tag.
        unsafe { word(self, v, 0) }.load(Relaxed)
    }

    /// Has the next collection look at an object once more, if it is old: it has got values that may be young.
    #[inline]
    pub fn remember(&self, v: Val) {
        if self.header(v) & MARK != self.unmarked.get() {
            self.changed.borrow_mut().push(v);
        }
    }

    /// Flips the mark of an object whose header is `head`.
    #[inline(always)]
    fn flip_mark(&self, v: Val, head: u64) {
        // SAFETY: H1; a collection runs alone.
        unsafe { word(self, v, 0) }.store(head ^ MARK, Relaxed);
    }

    /// Has the processor fetch the start of an object.
    #[inline(always)]
    fn prefetch(&self, v: Val) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch reads nothing that the program could see.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::with_exposed_provenance((v.object().0 & !7) as usize));
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = v;
    }

    #[inline(always)]
    fn expect(&self, v: Val, tag: Tag) -> u64 {
        assert!(v.tag() as u8 == tag as u8 && !v.is_element(), "expected {tag:?}, found {v:?}");
        let head = self.header(v);
        debug_assert!(self.owns(v) && tag_of(kind_of(head)) == tag, "H1: {v:?} is of another heap, or dead");
        head
    }

    /// Whether the object lies in a chunk of this heap.
    fn owns(&self, v: Val) -> bool {
        let at = v.address();
        self.chunks.borrow().get(region::chunk_index(at)).is_some_and(|chunk| chunk.holds(at))
    }

    #[inline(always)]
    fn slots(&self, v: Val, from: usize, len: usize) -> &[Slot] {
        let at: *const Slot = std::ptr::with_exposed_provenance((v.0 & !7) as usize);
        // SAFETY: H1 to H3; `from + len` words are what the header promised to the caller.
        unsafe { std::slice::from_raw_parts(at.add(from), len) }
    }

    #[inline(always)]
    fn fill(&self, v: Val, from: usize, values: impl ExactSizeIterator<Item = Val>) {
        for (i, value) in values.enumerate() {
            self.init(v, from + i, value.0);
        }
    }

    // ---- thunks -------------------------------------------------------------------------------------

    /// A thunk of `unit` whose captures are still to be filled by [`Heap::fill_captures`].
    #[inline]
    pub fn new_unfilled_thunk(&self, unit: u32, n_captures: usize) -> Val {
        let head = header(Kind::Thunk, 0, n_captures, unit) | state::UNFILLED << STATE_SHIFT;
        let words = n_captures.max(1);
        let v = self.object(Tag::Thunk, head, words);
        self.fill(v, 1, std::iter::repeat_n(Val::ABSENT, words));
        v
    }

    /// A thunk of `unit` that captured `captures`.
    #[inline(always)]
    pub fn new_thunk(&self, unit: u32, captures: impl ExactSizeIterator<Item = Val>) -> Val {
        let n = captures.len();
        let v = self.object(Tag::Thunk, header(Kind::Thunk, 0, n, unit), n.max(1));
        if n == 0 {
            self.init(v, 1, Val::ABSENT.0);
        }
        self.fill(v, 1, captures);
        v
    }

    /// A thunk that runs the select instruction `at` of `unit` on `base`.
    #[inline(always)]
    pub fn new_select_thunk(&self, unit: u32, at: u16, base: Val) -> Val {
        let v = self.object(Tag::Thunk, header(Kind::SelectThunk, 1, at as usize, unit), 1);
        self.init(v, 1, base.0);
        v
    }

    /// A thunk that calls `function` with `arguments`, at most 14.
    #[inline(always)]
    pub fn new_apply_thunk(&self, unit: u32, at: u16, function: Val, arguments: &[Val]) -> Val {
        let n = 1 + arguments.len();
        let v = self.object(Tag::Thunk, header(Kind::ApplyThunk, n, at as usize, unit), n);
        self.init(v, 1, function.0);
        self.fill(v, 2, arguments.iter().copied());
        v
    }

    /// Whether it is a thunk or closure whose captures are to be filled.
    pub fn is_unfilled(&self, v: Val) -> bool {
        matches!(v.tag(), Tag::Thunk | Tag::Func)
            && !v.is_element()
            && self.header(v) & STATE_MASK == state::UNFILLED << STATE_SHIFT
    }

    /// The code unit of a thunk of kind [`Kind::Thunk`], or of a closure.
    #[inline(always)]
    pub fn unit(&self, v: Val) -> u32 {
        assert!(!v.is_element());
        id_of(self.header(v))
    }

    /// Fills the captures of a thunk or closure made by a recursive group.
    #[inline]
    pub fn fill_captures(&self, v: Val, captures: impl ExactSizeIterator<Item = Val>) {
        assert!(!v.is_element());
        let head = self.header(v);
        assert!(aux_of(head) == captures.len(), "captures of another unit");
        self.fill(v, 1, captures);
        self.init(v, 0, head & !STATE_MASK);
        self.remember(v);
    }

    /// Looks at a thunk and takes it if it has not run. `SHARED` says whether other threads may do the same.
    #[inline(always)]
    pub fn claim<const SHARED: bool>(&self, v: Val) -> Claim {
        let head = self.expect_thunk(v, if SHARED { Acquire } else { Relaxed });
        match state_of(head) {
            state::NEW => self.claim_new::<SHARED>(v, head),
            state::DONE => Claim::Done(self.first(v)),
            state::FAILED => Claim::Failed(self.first(v).0 as u32),
            _ => Claim::Busy,
        }
    }

    #[inline(always)]
    fn expect_thunk(&self, v: Val, order: std::sync::atomic::Ordering) -> u64 {
        assert!(v.is_thunk() && !v.is_element());
        // SAFETY: H1, a thunk has a header.
        unsafe { word(self, v, 0) }.load(order)
    }

    #[inline(always)]
    fn claim_new<const SHARED: bool>(&self, v: Val, head: u64) -> Claim {
        let busy = head | state::BUSY << STATE_SHIFT;
        // SAFETY: H1, as above.
        let at = unsafe { word(self, v, 0) };
        if SHARED {
            if at.compare_exchange(head, busy, Acquire, Relaxed).is_err() {
                return self.claim::<SHARED>(v);
            }
        } else {
            at.store(busy, Relaxed);
        }
        Claim::Run(code_of(head))
    }

    /// Whether a value is a thunk that has not begun to run, and no element of a mapping.
    pub fn is_waiting(&self, v: Val) -> bool {
        v.is_thunk()
            && !v.is_element()
            && self.expect(v, Tag::Thunk) & STATE_MASK == state::NEW << STATE_SHIFT
    }

    /// Whether a value is a thunk that is running.
    pub fn is_busy(&self, v: Val) -> bool {
        let thunk = if v.is_element() { self.call_of(v) } else { Some(v) };
        thunk.is_some_and(|v| {
            v.is_thunk() && self.expect(v, Tag::Thunk) & STATE_MASK == state::BUSY << STATE_SHIFT
        })
    }

    /// What a thunk runs, or ran.
    pub fn thunk_code(&self, v: Val) -> ThunkCode {
        code_of(self.expect(v, Tag::Thunk))
    }

    #[inline(always)]
    fn first(&self, v: Val) -> Val {
        // SAFETY: H1; every thunk has at least one word of payload.
        Val(unsafe { word(self, v, 1) }.load(Relaxed))
    }

    /// The value behind `v` if it is at hand: `v` itself, or the result of a thunk that has run.
    #[inline(always)]
    pub fn peek(&self, v: Val) -> Option<Val> {
        if !v.is_thunk() {
            return Some(v);
        }
        if v.is_element() {
            return self
                .call_of(v)
                .and_then(|call| if call.is_thunk() { self.peek_thunk(call) } else { Some(call) });
        }
        self.peek_thunk(v)
    }

    #[inline(always)]
    fn peek_thunk(&self, v: Val) -> Option<Val> {
        // SAFETY: H1, a thunk has a header.
        let head = unsafe { word(self, v, 0) }.load(Acquire);
        (head & STATE_MASK == state::DONE << STATE_SHIFT).then(|| self.first(v))
    }

    /// The result of a thunk that has run, if it is no element of a mapping.
    #[inline(always)]
    pub fn result(&self, v: Val) -> Option<Val> {
        debug_assert!(v.is_thunk());
        if v.is_element() { None } else { self.peek_thunk(v) }
    }

    /// Ends a claimed thunk; answers its header.
    #[inline(always)]
    fn settle(&self, v: Val, first: u64, state: u64) -> u64 {
        let head = self.header(v) & !STATE_MASK | state << STATE_SHIFT;
        // SAFETY: H1, the word exists; the thunk is the caller's since it claimed it.
        unsafe { word(self, v, 1) }.store(first, Relaxed);
        // SAFETY: H1. Release publishes the word above.
        unsafe { word(self, v, 0) }.store(head, Release);
        head
    }

    /// Ends a claimed thunk with its value.
    #[inline(always)]
    pub fn finish(&self, v: Val, result: Val) {
        debug_assert!(!result.is_thunk());
        let head = self.settle(v, result.0, state::DONE);
        if head & MARK != self.unmarked.get() && result.is_pointer() {
            self.results.borrow_mut().push(result);
        }
    }

    /// Ends a claimed thunk with an error of the evaluator's table.
    pub fn fail(&self, v: Val, error: u32) {
        self.settle(v, error as u64, state::FAILED);
    }

    /// Gives a claimed thunk back, to be run another time.
    pub fn release(&self, v: Val) {
        let head = self.header(v) & !STATE_MASK;
        // SAFETY: H1, the thunk is the caller's.
        unsafe { word(self, v, 0) }.store(head, Release);
    }

    /// The captures of a thunk or closure, or the words of a select or apply thunk, before it has run.
    #[inline(always)]
    pub fn captures(&self, v: Val) -> &[Slot] {
        assert!(matches!(v.tag(), Tag::Thunk | Tag::Func) && !v.is_element());
        let head = self.header(v);
        let n = match kind_of(head) {
            Kind::SelectThunk | Kind::ApplyThunk => small_of(head),
            _ => aux_of(head),
        };
        self.slots(v, 1, n)
    }

    // ---- mappings -----------------------------------------------------------------------------------

    /// A set with the keys of the plain set `source`, each value of which is the call of `function` with the name and the
    /// value there. The calls are elements of one mapping: thunks that take no memory until they are asked for. `None` if
    /// the set is too large for that.
    pub fn new_mapped_attrs(&self, function: Val, source: Val, layouts: &crate::Layouts) -> Option<Val> {
        let layout = self.layout(source)?;
        let n = layouts.len(layout);
        let mapping = self.object(Tag::Thunk, header(Kind::Mapping, 0, 0, n as u32), 3);
        self.fill(mapping, 1, [function, source, Val::ABSENT].into_iter());
        Val::element(mapping.0, n.checked_sub(1)?)?;
        let element = |i| Val::element(mapping.0, i).expect("the last one fits");
        Some(self.new_attrs(layout, 0, (0..n).map(element)))
    }

    /// The function and the source of the mapping that `v` is an element of, and the slot of the source that it is
    /// applied to.
    pub fn element(&self, v: Val) -> (Val, Val, u32) {
        let [function, source, _] = self.mapping(v);
        (function.get(), source.get(), v.element_number() as u32)
    }

    fn mapping(&self, v: Val) -> &[Slot; 3] {
        assert!(v.is_element() && kind_of(self.header(v.object())) == Kind::Mapping);
        self.slots(v.object(), 1, 3).try_into().expect("as many as asked for")
    }

    /// The thunk of the call that `v`, an element of a mapping, stands for, once there is one; or its value.
    pub fn call_of(&self, v: Val) -> Option<Val> {
        let (n, i) = (id_of(self.header(v.object())) as usize, v.element_number());
        let mut calls = self.mapping(v)[2].get();
        if n > PAGE && calls.is_list() {
            calls = self.list(calls)[i / PAGE].get();
        }
        let call = if calls.is_list() { self.list(calls)[i % PAGE].get() } else { Val::ABSENT };
        (call != Val::ABSENT).then_some(call)
    }

    /// Lets `v`, an element of a mapping, stand for the thunk `call`.
    pub fn set_call(&self, v: Val, call: Val) {
        let (n, i) = (id_of(self.header(v.object())) as usize, v.element_number());
        let first = if n > PAGE { n.div_ceil(PAGE) } else { n };
        let mut calls = self.made(v.object(), &self.mapping(v)[2], first);
        if n > PAGE {
            calls = self.made(calls, &self.list(calls)[i / PAGE], PAGE);
        }
        self.list(calls)[i % PAGE].set(call);
        self.remember(calls);
    }

    /// The list in a slot of `of`, of so many absent values if there is none yet.
    fn made(&self, of: Val, at: &Slot, n: usize) -> Val {
        if !at.get().is_list() {
            at.set(self.new_list(std::iter::repeat_n(Val::ABSENT, n)));
            self.remember(of);
        }
        at.get()
    }

    // ---- functions ----------------------------------------------------------------------------------

    /// A closure of `unit`, captures to be filled by [`Heap::fill_captures`].
    pub fn new_unfilled_closure(&self, unit: u32, n_captures: usize) -> Val {
        let head = header(Kind::Closure, 0, n_captures, unit) | state::UNFILLED << STATE_SHIFT;
        let v = self.object(Tag::Func, head, n_captures);
        self.fill(v, 1, std::iter::repeat_n(Val::ABSENT, n_captures));
        v
    }

    /// A closure of `unit`.
    #[inline(always)]
    pub fn new_closure(&self, unit: u32, captures: impl ExactSizeIterator<Item = Val>) -> Val {
        let n = captures.len();
        let v = self.object(Tag::Func, header(Kind::Closure, 0, n, unit), n);
        self.fill(v, 1, captures);
        v
    }

    /// The builtin of that index.
    pub fn new_primop(&self, index: u32) -> Val {
        self.object(Tag::Func, header(Kind::Primop, 0, 0, index), 0)
    }

    /// `function` applied to fewer arguments than it takes. `function` is no partial application.
    pub fn new_partial(&self, function: Val, arguments: impl ExactSizeIterator<Item = Val>) -> Val {
        let n = arguments.len();
        let v = self.object(Tag::Func, header(Kind::Partial, 0, n, 0), n + 1);
        self.init(v, 1, function.0);
        self.fill(v, 2, arguments);
        v
    }

    /// The kind and number of a function: code unit of a closure, index of a primop.
    #[inline(always)]
    pub fn function(&self, v: Val) -> (Kind, u32) {
        let head = self.expect(v, Tag::Func);
        (kind_of(head), id_of(head))
    }

    /// The function and the arguments of a partial application.
    #[inline]
    pub fn partial(&self, v: Val) -> (Val, &[Slot]) {
        let head = self.expect(v, Tag::Func);
        assert!(kind_of(head) == Kind::Partial);
        let words = self.slots(v, 1, aux_of(head) + 1);
        (words[0].get(), &words[1..])
    }

    // ---- attribute sets -----------------------------------------------------------------------------

    /// The set without attributes.
    pub fn empty_attrs(&self) -> Val {
        self.empty_attrs.get()
    }

    /// A set of `layout`; `values` are in its order. `positions` is below 2^24.
    #[inline(always)]
    pub fn new_attrs(
        &self,
        layout: LayoutId,
        positions: u32,
        values: impl ExactSizeIterator<Item = Val>,
    ) -> Val {
        let n = values.len();
        if n == 0 {
            return self.empty_attrs();
        }
        debug_assert!(positions < 1 << 24);
        let head = Kind::Attrs as u64 | (positions as u64) << POSITIONS_SHIFT | (layout.0 as u64) << ID_SHIFT;
        let v = self.object(Tag::Attrs, head, n);
        self.fill(v, 1, values);
        v
    }

    /// `base // delta` without copying. Both are sets, and not empty. `depth` counts overlays upon overlays, at most 15;
    /// `size` is the most attributes that there can be.
    pub fn new_overlay(&self, depth: u32, size: u32, base: Val, delta: Val) -> Val {
        let v = self.object(Tag::Attrs, header(Kind::Overlay, depth as usize, 0, size), 2);
        self.fill(v, 1, [base, delta].into_iter());
        v
    }

    /// The layout of a plain set; `None` for an overlay.
    #[inline(always)]
    pub fn layout(&self, v: Val) -> Option<LayoutId> {
        let head = self.expect(v, Tag::Attrs);
        (head & 0xf == Kind::Attrs as u64).then_some(LayoutId(id_of(head)))
    }

    /// The entry of the position table of a plain set.
    pub fn positions(&self, v: Val) -> u32 {
        let head = self.expect(v, Tag::Attrs);
        if kind_of(head) == Kind::Attrs { (head >> POSITIONS_SHIFT & POSITIONS_MASK) as u32 } else { 0 }
    }

    /// The values of a plain set whose layout has `n` keys.
    #[inline(always)]
    pub fn attr_values(&self, v: Val, layouts: &crate::Layouts) -> &[Slot] {
        let head = self.expect(v, Tag::Attrs);
        assert!(kind_of(head) == Kind::Attrs);
        self.slots(v, 1, layouts.len(LayoutId(id_of(head))))
    }

    /// The value at `slot` of a plain set, `slot` being one that [`Layouts::find`](crate::Layouts::find) gave for its layout.
    #[inline(always)]
    pub fn attr(&self, v: Val, slot: u32) -> &Slot {
        debug_assert!(self.layout(v).is_some());
        &self.slots(v, 1, slot as usize + 1)[slot as usize]
    }

    /// What an overlay is made of.
    #[inline]
    pub fn overlay(&self, v: Val) -> Overlay {
        let head = self.expect(v, Tag::Attrs);
        assert!(kind_of(head) == Kind::Overlay);
        let words = self.slots(v, 1, 2);
        match (words[0].get(), words[1].get()) {
            (flat, Val::ABSENT) => Overlay::Flat(flat),
            (base, delta) => Overlay::Layers { base, delta, depth: small_of(head) as u32 },
        }
    }

    /// The most attributes that an overlay can have.
    pub fn overlay_size(&self, v: Val) -> u32 {
        let head = self.expect(v, Tag::Attrs);
        assert!(kind_of(head) == Kind::Overlay);
        id_of(head)
    }

    /// Lets an overlay be the plain set equal to it, which takes the place of its layers.
    pub fn set_flattened(&self, v: Val, flat: Val) {
        let head = self.expect(v, Tag::Attrs);
        assert!(kind_of(head) == Kind::Overlay && flat.is_attrs());
        let words = self.slots(v, 1, 2);
        words[0].set(flat);
        words[1].set(Val::ABSENT);
        self.remember(v);
    }

    // ---- lists --------------------------------------------------------------------------------------

    /// `[ ]`
    pub fn empty_list(&self) -> Val {
        self.empty_list.get()
    }

    /// A list.
    #[inline]
    pub fn new_list(&self, elements: impl ExactSizeIterator<Item = Val>) -> Val {
        let n = elements.len();
        if n == 0 {
            return self.empty_list();
        }
        let len = u32::try_from(n).expect("a list has less than 2^32 elements");
        let v = self.object(Tag::List, header(Kind::List, 0, 0, len), n);
        self.fill(v, 1, elements);
        v
    }

    /// The elements of a list.
    #[inline(always)]
    pub fn list(&self, v: Val) -> &[Slot] {
        let head = self.expect(v, Tag::List);
        self.slots(v, 1, id_of(head) as usize)
    }

    // ---- strings and paths --------------------------------------------------------------------------

    fn new_bytes(&self, tag: Tag, head: u64, skip: usize, parts: &[&[u8]], len: usize) -> Val {
        let words = len.div_ceil(8);
        let v = self.object(tag, head, skip + words);
        if words > 0 {
            self.init(v, skip + words, 0);
        }
        let mut at: *mut u8 = std::ptr::with_exposed_provenance_mut((v.0 & !7) as usize + 8 * (1 + skip));
        for part in parts {
            // SAFETY: the object was just made with room for all parts, whose lengths add up to `len`.
            unsafe {
                at.copy_from_nonoverlapping(part.as_ptr(), part.len());
                at = at.add(part.len());
            }
        }
        v
    }

    /// A string, with the context of that number in the evaluator's table.
    pub fn new_string(&self, bytes: &[u8], context: u32) -> Val {
        self.new_string_of(&[bytes], context)
    }

    /// The string of all `parts` one after the other. Together they are shorter than 4 GiB.
    pub fn new_string_of(&self, parts: &[&[u8]], context: u32) -> Val {
        let len: usize = parts.iter().map(|p| p.len()).sum();
        let id = u32::try_from(len).expect("a string is shorter than 4 GiB");
        let v = self.new_bytes(Tag::String, header(Kind::String, 0, 0, id), 1, parts, len);
        self.init(v, 1, (context as u64) << 32 | NO_SYMBOL as u64);
        v
    }

    /// The empty string without context.
    pub fn empty_string(&self) -> Val {
        self.empty_string.get()
    }

    /// The bytes of a string or path.
    #[inline(always)]
    fn bytes_at(&self, v: Val, skip: usize, len: usize) -> &[u8] {
        let at: *const u8 = std::ptr::with_exposed_provenance((v.0 & !7) as usize + 8 * (1 + skip));
        // SAFETY: H1, H2 and H4; the header gives the length.
        unsafe { std::slice::from_raw_parts(at, len) }
    }

    /// The text and context of a string.
    #[inline]
    pub fn string(&self, v: Val) -> StringParts<'_> {
        let head = self.expect(v, Tag::String);
        // SAFETY: H1; a string has its symbol word.
        let extra = unsafe { word(self, v, 1) }.load(Relaxed);
        StringParts { bytes: self.bytes_at(v, 1, id_of(head) as usize), context: (extra >> 32) as u32 }
    }

    /// The text of a string.
    #[inline]
    pub fn bytes(&self, v: Val) -> &[u8] {
        let head = self.expect(v, Tag::String);
        self.bytes_at(v, 1, id_of(head) as usize)
    }

    /// The symbol that the string is known to be, if it was asked before.
    #[inline]
    pub fn cached_symbol(&self, v: Val) -> Option<u32> {
        self.expect(v, Tag::String);
        // SAFETY: H1; a string has its symbol word.
        let symbol = unsafe { word(self, v, 1) }.load(Relaxed) as u32;
        (symbol != NO_SYMBOL).then_some(symbol)
    }

    /// Remembers which symbol the string is.
    pub fn cache_symbol(&self, v: Val, symbol: u32) {
        self.expect(v, Tag::String);
        // SAFETY: H1; a string has its symbol word.
        let at = unsafe { word(self, v, 1) };
        at.store(at.load(Relaxed) & !0xffff_ffff | symbol as u64, Relaxed);
    }

    /// A path.
    pub fn new_path(&self, bytes: &[u8]) -> Val {
        let id = u32::try_from(bytes.len()).expect("a path is shorter than 4 GiB");
        self.new_bytes(Tag::Boxed, header(Kind::Path, 0, 0, id), 0, &[bytes], bytes.len())
    }

    // ---- boxed --------------------------------------------------------------------------------------

    /// What a boxed value is.
    #[inline]
    pub fn boxed_kind(&self, v: Val) -> Kind {
        kind_of(self.expect(v, Tag::Boxed))
    }

    /// The path, if it is one.
    #[inline]
    pub fn as_path(&self, v: Val) -> Option<&[u8]> {
        if v.tag() != Tag::Boxed {
            return None;
        }
        let head = self.header(v);
        (kind_of(head) == Kind::Path).then(|| self.bytes_at(v, 0, id_of(head) as usize))
    }

    fn boxed_word(&self, v: Val, kind: Kind) -> Option<u64> {
        if v.tag() != Tag::Boxed || kind_of(self.header(v)) != kind {
            return None;
        }
        // SAFETY: H1; these kinds have one word.
        Some(unsafe { word(self, v, 1) }.load(Relaxed))
    }

    fn new_boxed(&self, kind: Kind, payload: u64) -> Val {
        let v = self.object(Tag::Boxed, header(kind, 0, 0, 0), 1);
        self.init(v, 1, payload);
        v
    }

    /// A float.
    pub fn new_float(&self, f: f64) -> Val {
        self.new_boxed(Kind::Float, f.to_bits())
    }

    /// The float, if it is one.
    #[inline]
    pub fn as_float(&self, v: Val) -> Option<f64> {
        self.boxed_word(v, Kind::Float).map(f64::from_bits)
    }

    /// An integer.
    #[inline]
    pub fn new_int(&self, n: i64) -> Val {
        Val::small_int(n).unwrap_or_else(|| self.new_boxed(Kind::BigInt, n as u64))
    }

    /// The integer, if it is one.
    #[inline]
    pub fn as_int(&self, v: Val) -> Option<i64> {
        v.as_small_int().or_else(|| self.boxed_word(v, Kind::BigInt).map(|n| n as i64))
    }

    /// A value of the host, by its number in the evaluator's table.
    pub fn new_external(&self, number: u32) -> Val {
        self.new_boxed(Kind::External, number as u64)
    }

    /// The number of a host's value.
    pub fn as_external(&self, v: Val) -> Option<u32> {
        self.boxed_word(v, Kind::External).map(|n| n as u32)
    }

    /// Objects and bytes of each kind, dead ones included; for measurements. Only a heap that was never collected
    /// can be walked so; of another there is nothing to say.
    pub fn census(&self, layouts: &crate::Layouts) -> Vec<(Kind, u64, u64)> {
        if self.collected.get() {
            return Vec::new();
        }
        let mut counts = vec![(0, 0); KINDS.len()];
        self.close(&self.small);
        self.close(&self.medium);
        for chunk in self.chunks.borrow().iter() {
            let mut at = chunk.start();
            while at < chunk.top {
                let head = self.header(Val(at as u64));
                let words = 1 + collect::extent(head, layouts).0;
                let (n, bytes) = &mut counts[kind_of(head) as usize];
                *n += 1;
                *bytes += 8 * words as u64;
                at += 8 * words;
            }
        }
        KINDS[..=Kind::Mapping as usize]
            .iter()
            .zip(counts)
            .map(|(&kind, (n, bytes))| (kind, n, bytes))
            .collect()
    }
}

/// The tag of values of a kind.
fn tag_of(kind: Kind) -> Tag {
    match kind {
        Kind::Thunk | Kind::SelectThunk | Kind::ApplyThunk | Kind::Mapping => Tag::Thunk,
        Kind::Closure | Kind::Primop | Kind::Partial => Tag::Func,
        Kind::Attrs | Kind::Overlay => Tag::Attrs,
        Kind::List => Tag::List,
        Kind::String => Tag::String,
        Kind::Path | Kind::Float | Kind::BigInt | Kind::External => Tag::Boxed,
    }
}

const NO_SYMBOL: u32 = u32::MAX;

impl Drop for Heap {
    fn drop(&mut self) {
        self.chunks.get_mut().iter().for_each(Chunk::free);
    }
}
