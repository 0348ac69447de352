//! The heap of one evaluator: bump allocation in aligned chunks, and a mark-region collector that runs
//! between calls from outside.
//!
//! After Blackburn and McKinley, "Immix: a mark-region garbage collector" (2008), without evacuation: live
//! lines are kept where they are, runs of free lines are allocated into.

use crate::layout::LayoutId;
use crate::val::{KINDS, Kind, Tag, Val};
use std::alloc::{Layout as Memory, alloc, dealloc};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering::*};

/// Bytes of a chunk, and its alignment.
const CHUNK: usize = 256 << 10;
/// Objects of more bytes than this get a chunk of their own.
const LARGE: usize = 32 << 10;
/// Bytes of a line, the unit in which dead space is found again.
const LINE: usize = 64;

const STATE_SHIFT: u32 = 8;
const SMALL_SHIFT: u32 = 12;
const AUX_SHIFT: u32 = 16;
const ID_SHIFT: u32 = 32;
const STATE_MASK: u64 = 0xf << STATE_SHIFT;

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

/// A word of an object that the machine may overwrite by an equal value: a thunk by its result.
#[repr(transparent)]
pub struct Slot(AtomicU64);

impl Slot {
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

struct Chunk {
    base: usize,
    bytes: usize,
    /// Where allocation ended; objects lie from `HEADER` to here.
    top: usize,
    /// A bit for each word of the chunk at which a live object starts; made by a collection.
    marks: Vec<u64>,
    /// A bit for each line with a part of a live object.
    lines: Vec<u64>,
}

/// Shows a collection every root.
pub type Roots<'a> = dyn FnMut(&mut dyn FnMut(Val)) + 'a;

/// Words at the start of a chunk: its index among the heap's chunks.
const HEADER: usize = 8;

/// The heap. Allocation takes `&self`, so that values can be read while others are made.
pub struct Heap {
    at: Cell<usize>,
    end: Cell<usize>,
    chunks: RefCell<Vec<Chunk>>,
    /// Runs of free lines that the last collection found: start and end addresses, largest last.
    holes: RefCell<Vec<(usize, usize)>>,
    /// Bytes of all chunks.
    reserved: Cell<u64>,
    /// Bytes handed out, ever.
    allocated: Cell<u64>,
    limit: Cell<u64>,
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
    KINDS[(header & 0xff) as usize]
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
            at: Cell::new(0),
            end: Cell::new(0),
            chunks: RefCell::default(),
            holes: RefCell::default(),
            reserved: Cell::new(0),
            allocated: Cell::new(0),
            limit: Cell::new(u64::MAX),
            empty_list: Cell::new(Val::NULL),
            empty_attrs: Cell::new(Val::NULL),
            empty_string: Cell::new(Val::NULL),
        };
        heap.empty_list.set(heap.object(Tag::List, header(Kind::List, 0, 0, 0), 0));
        heap.empty_attrs.set(heap.object(Tag::Attrs, header(Kind::Attrs, 0, 0, 0), 0));
        heap.empty_string.set(heap.new_string(b"", 0));
        heap
    }

    /// Sets the number of bytes that may be in use; [`Heap::over_limit`] tells of a breach.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.set(bytes);
    }

    /// Whether more memory is held than the limit allows.
    #[inline]
    pub fn over_limit(&self) -> bool {
        self.reserved.get() > self.limit.get()
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
        self.allocated.get() - (self.end.get() - self.at.get()) as u64
    }

    /// Allocates `words` words.
    #[inline(always)]
    fn allocate(&self, words: usize) -> *mut u64 {
        let bytes = words * 8;
        let at = self.at.get();
        if bytes <= self.end.get() - at {
            self.at.set(at + bytes);
            std::ptr::with_exposed_provenance_mut(at)
        } else {
            self.allocate_slowly(bytes)
        }
    }

    #[cold]
    #[inline(never)]
    fn allocate_slowly(&self, bytes: usize) -> *mut u64 {
        if bytes > LARGE {
            self.allocated.set(self.allocated.get() + bytes as u64);
            return std::ptr::with_exposed_provenance_mut(self.add_chunk(bytes + HEADER, bytes));
        }
        self.allocated.set(self.allocated());
        self.retire();
        // The largest hole is last. What it has no room for leaves the holes to smaller objects.
        let hole = self.holes.borrow_mut().pop_if(|(start, end)| *end - *start >= bytes);
        let (start, end) = hole.unwrap_or_else(|| {
            let start = self.add_chunk(CHUNK, 0);
            (start, start - HEADER + CHUNK)
        });
        self.open(start, end);
        self.allocate(bytes / 8)
    }

    fn open(&self, start: usize, end: usize) {
        self.allocated.set(self.allocated.get() + (end - start) as u64);
        self.at.set(start);
        self.end.set(end);
    }

    /// Notes how far the current chunk is filled.
    fn retire(&self) {
        let at = self.at.get();
        if at != 0 {
            let top = &mut self.chunks.borrow_mut()[chunk_index(at - 1)].top;
            *top = at.max(*top);
        }
        self.at.set(0);
        self.end.set(0);
    }

    /// A new chunk; answers where its objects start.
    fn add_chunk(&self, bytes: usize, used: usize) -> usize {
        let memory = Memory::from_size_align(bytes, CHUNK).expect("a chunk's size is sane");
        // SAFETY: the size is not zero.
        let base = unsafe { alloc(memory) };
        if base.is_null() {
            std::alloc::handle_alloc_error(memory);
        }
        let mut chunks = self.chunks.borrow_mut();
        // SAFETY: the chunk is longer than its header.
        unsafe { base.cast::<u64>().write(chunks.len() as u64) };
        let base = base.expose_provenance();
        chunks.push(Chunk { base, bytes, top: base + HEADER + used, marks: Vec::new(), lines: Vec::new() });
        self.reserved.set(self.reserved.get() + bytes as u64);
        base + HEADER
    }

    /// A new object with `payload` words that the caller fills.
    #[inline(always)]
    fn object(&self, tag: Tag, header: u64, payload: usize) -> Val {
        let at = self.allocate(1 + payload);
        // SAFETY: just allocated with room for the header.
        unsafe { at.write(header) };
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
        debug_assert!(v.is_pointer(), "{v:?}");
        // SAFETY: H1, every object has a header; callers have looked at the tag.
        unsafe { word(self, v, 0) }.load(Relaxed)
    }

    #[inline(always)]
    fn expect(&self, v: Val, tag: Tag) -> u64 {
        assert!(v.tag() as u8 == tag as u8, "expected {tag:?}, found {v:?}");
        let head = self.header(v);
        debug_assert!(self.owns(v) && tag_of(kind_of(head)) == tag, "H1: {v:?} is of another heap, or dead");
        head
    }

    /// Whether the object lies in a chunk of this heap.
    fn owns(&self, v: Val) -> bool {
        let at = (v.0 & !7) as usize;
        self.chunks.borrow().get(chunk_index(at)).is_some_and(|chunk| chunk.base == at & !(CHUNK - 1))
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
            && self.header(v) & STATE_MASK == state::UNFILLED << STATE_SHIFT
    }

    /// The code unit of a thunk of kind [`Kind::Thunk`], or of a closure.
    #[inline(always)]
    pub fn unit(&self, v: Val) -> u32 {
        id_of(self.header(v))
    }

    /// Fills the captures of a thunk or closure made by a recursive group.
    #[inline]
    pub fn fill_captures(&self, v: Val, captures: impl ExactSizeIterator<Item = Val>) {
        let head = self.header(v);
        assert!(aux_of(head) == captures.len(), "captures of another unit");
        self.fill(v, 1, captures);
        self.init(v, 0, head & !STATE_MASK);
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
        assert!(v.is_thunk());
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

    /// Whether a value is a thunk that has not begun to run.
    pub fn is_waiting(&self, v: Val) -> bool {
        v.is_thunk() && self.expect(v, Tag::Thunk) & STATE_MASK == state::NEW << STATE_SHIFT
    }

    /// Whether a value is a thunk that is running.
    pub fn is_busy(&self, v: Val) -> bool {
        v.is_thunk() && self.expect(v, Tag::Thunk) & STATE_MASK == state::BUSY << STATE_SHIFT
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
        // SAFETY: H1, a thunk has a header.
        let head = unsafe { word(self, v, 0) }.load(Acquire);
        (head & STATE_MASK == state::DONE << STATE_SHIFT).then(|| self.first(v))
    }

    #[inline(always)]
    fn settle(&self, v: Val, first: u64, state: u64) {
        let head = self.header(v) & !STATE_MASK | state << STATE_SHIFT;
        // SAFETY: H1, the word exists; the thunk is the caller's since it claimed it.
        unsafe { word(self, v, 1) }.store(first, Relaxed);
        // SAFETY: H1. Release publishes the word above.
        unsafe { word(self, v, 0) }.store(head, Release);
    }

    /// Ends a claimed thunk with its value.
    #[inline(always)]
    pub fn finish(&self, v: Val, result: Val) {
        debug_assert!(!result.is_thunk());
        self.settle(v, result.0, state::DONE);
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
        assert!(matches!(v.tag(), Tag::Thunk | Tag::Func));
        let head = self.header(v);
        let n = match kind_of(head) {
            Kind::SelectThunk | Kind::ApplyThunk => small_of(head),
            _ => aux_of(head),
        };
        self.slots(v, 1, n)
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
        let head = Kind::Attrs as u64 | (positions as u64) << 8 | (layout.0 as u64) << ID_SHIFT;
        let v = self.object(Tag::Attrs, head, n);
        self.fill(v, 1, values);
        v
    }

    /// `base // delta` without copying. Both are sets, and not empty. `depth` counts overlays upon overlays, at most 15;
    /// `size` is the most attributes that there can be.
    pub fn new_overlay(&self, depth: u32, size: u32, base: Val, delta: Val) -> Val {
        let v = self.object(Tag::Attrs, header(Kind::Overlay, depth as usize, 0, size), 3);
        self.fill(v, 1, [base, delta, Val::NULL].into_iter());
        v
    }

    /// The layout of a plain set; `None` for an overlay.
    #[inline(always)]
    pub fn layout(&self, v: Val) -> Option<LayoutId> {
        let head = self.expect(v, Tag::Attrs);
        (head & 0xff == Kind::Attrs as u64).then_some(LayoutId(id_of(head)))
    }

    /// The entry of the position table of a plain set.
    pub fn positions(&self, v: Val) -> u32 {
        let head = self.expect(v, Tag::Attrs);
        if kind_of(head) == Kind::Attrs { (head >> 8 & 0xff_ffff) as u32 } else { 0 }
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

    /// Base, delta and depth of an overlay; the flattened set, once there is one.
    #[inline]
    pub fn overlay(&self, v: Val) -> (Val, Val, u32, Option<Val>) {
        let head = self.expect(v, Tag::Attrs);
        assert!(kind_of(head) == Kind::Overlay);
        let words = self.slots(v, 1, 3);
        let flat = words[2].get();
        (words[0].get(), words[1].get(), small_of(head) as u32, flat.is_attrs().then_some(flat))
    }

    /// The most attributes that an overlay can have.
    pub fn overlay_size(&self, v: Val) -> u32 {
        let head = self.expect(v, Tag::Attrs);
        assert!(kind_of(head) == Kind::Overlay);
        id_of(head)
    }

    /// Remembers the plain set equal to an overlay.
    pub fn set_flattened(&self, v: Val, flat: Val) {
        let head = self.expect(v, Tag::Attrs);
        assert!(kind_of(head) == Kind::Overlay && flat.is_attrs());
        self.slots(v, 1, 3)[2].set(flat);
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
    /// can be walked so.
    pub fn census(&self, layouts: &crate::Layouts) -> Vec<(Kind, u64, u64)> {
        let mut counts = vec![(0, 0); KINDS.len()];
        let at_end = self.at.get();
        for chunk in self.chunks.borrow().iter() {
            let is_current = chunk.base == at_end.wrapping_sub(1) & !(CHUNK - 1);
            let top = if is_current { at_end } else { chunk.top };
            let mut at = chunk.base + HEADER;
            while at < top {
                let head = self.header(Val(at as u64));
                let words = self.size(head, layouts);
                let (n, bytes) = &mut counts[kind_of(head) as usize];
                *n += 1;
                *bytes += 8 * words as u64;
                at += 8 * words;
            }
        }
        KINDS.iter().zip(counts).map(|(&kind, (n, bytes))| (kind, n, bytes)).collect()
    }

    // ---- collection ---------------------------------------------------------------------------------

    /// Frees what is not reachable from `roots`. Needs `&mut self`: no machine runs, nothing is borrowed.
    ///
    /// Every value that will be used afterwards must be reachable (H5). Answers the bytes of live objects.
    pub fn collect(&mut self, roots: &mut Roots<'_>, layouts: &crate::Layouts) -> u64 {
        let live = self.mark_roots(roots, layouts);
        self.sweep(true);
        live
    }

    /// The same while a machine runs: at a point where it holds no reference into the heap, only roots (H6). Memory is kept
    /// for what comes.
    pub fn collect_at_safepoint(&self, roots: &mut Roots<'_>, layouts: &crate::Layouts) -> u64 {
        let live = self.mark_roots(roots, layouts);
        self.sweep(false);
        live
    }

    fn mark_roots(&self, roots: &mut Roots<'_>, layouts: &crate::Layouts) -> u64 {
        self.allocated.set(self.allocated());
        self.retire();
        let mut chunks = self.chunks.borrow_mut();
        for chunk in chunks.iter_mut() {
            chunk.marks.clear();
            chunk.marks.resize(chunk.bytes.min(CHUNK).div_ceil(64 * 8), 0);
            chunk.lines.clear();
            chunk.lines.resize(CHUNK / LINE / 64, 0);
        }
        let mut stack: Vec<Val> = vec![self.empty_list(), self.empty_attrs(), self.empty_string()];
        roots(&mut |v| stack.push(v));
        self.mark(&mut chunks, stack, layouts)
    }

    /// Marks what `stack` reaches; answers its bytes. Thunks that have run give way to their values.
    fn mark(&self, chunks: &mut [Chunk], mut stack: Vec<Val>, layouts: &crate::Layouts) -> u64 {
        let mut live = 0;
        while let Some(v) = stack.pop() {
            if !v.is_pointer() || !mark_object(chunks, v) {
                continue;
            }
            let head = self.header(v);
            let bytes = 8 * self.size(head, layouts);
            live += bytes as u64;
            mark_lines(chunks, v, bytes);
            let (from, len) = traced(head, layouts);
            for slot in self.slots(v, from, len) {
                let v = slot.get();
                let value = self.peek(v).unwrap_or(v);
                if value != v {
                    slot.set(value);
                }
                if value.is_pointer() {
                    stack.push(value);
                }
            }
        }
        live
    }

    /// Words of an object, with its header.
    fn size(&self, head: u64, layouts: &crate::Layouts) -> usize {
        1 + match kind_of(head) {
            Kind::Thunk => aux_of(head).max(1),
            Kind::SelectThunk | Kind::ApplyThunk => small_of(head),
            Kind::Closure => aux_of(head),
            Kind::Primop => 0,
            Kind::Partial => aux_of(head) + 1,
            Kind::Attrs => layouts.len(LayoutId(id_of(head))),
            Kind::Overlay => 3,
            Kind::List => id_of(head) as usize,
            Kind::String => 1 + (id_of(head) as usize).div_ceil(8),
            Kind::Path => (id_of(head) as usize).div_ceil(8),
            Kind::Float | Kind::BigInt | Kind::External => 1,
        }
    }

    /// Lists the free lines of all chunks. Chunks without live objects are freed if `give_back`, and large ones in any case.
    fn sweep(&self, give_back: bool) {
        let mut chunks = self.chunks.borrow_mut();
        let mut holes = Vec::new();
        let mut kept: Vec<Chunk> = Vec::with_capacity(chunks.len());
        for mut chunk in std::mem::take(&mut *chunks) {
            let is_dead = chunk.marks.iter().all(|&w| w == 0);
            if is_dead && (give_back || chunk.bytes != CHUNK) {
                self.reserved.set(self.reserved.get() - chunk.bytes as u64);
                free_chunk(&chunk);
                continue;
            }
            let base: *mut u64 = std::ptr::with_exposed_provenance_mut(chunk.base);
            // SAFETY: the first word of a chunk is its index, which changes as chunks before it go.
            unsafe { base.write(kept.len() as u64) };
            if chunk.bytes == CHUNK {
                find_holes(&chunk, &mut holes);
                chunk.top = chunk.base + CHUNK;
            }
            kept.push(chunk);
        }
        holes.sort_by_key(|&(start, end)| end - start);
        *chunks = kept;
        *self.holes.borrow_mut() = holes;
    }
}

/// Lists the runs of free lines of a chunk.
fn find_holes(chunk: &Chunk, holes: &mut Vec<(usize, usize)>) {
    let is_used = |line: usize| line == 0 || chunk.lines[line / 64] >> (line % 64) & 1 == 1;
    let mut line = 0;
    while line < CHUNK / LINE {
        let used = is_used(line);
        let end = (line..CHUNK / LINE).find(|&l| is_used(l) != used).unwrap_or(CHUNK / LINE);
        if !used {
            let (start, end) = (chunk.base + line * LINE, chunk.base + end * LINE);
            if cfg!(debug_assertions) {
                poison(start, end);
            }
            holes.push((start, end));
        }
        line = end;
    }
}

/// Sets the mark of an object; answers whether it was not set.
fn mark_object(chunks: &mut [Chunk], v: Val) -> bool {
    let at = (v.0 & !7) as usize;
    let chunk = &mut chunks[chunk_index(at)];
    let word = (at - chunk.base) / 8;
    let (i, bit) = (word / 64, 1u64 << (word % 64));
    let new = chunk.marks[i] & bit == 0;
    chunk.marks[i] |= bit;
    new
}

/// Sets the marks of the lines that an object of so many bytes touches. Large objects have chunks of their own.
fn mark_lines(chunks: &mut [Chunk], v: Val, bytes: usize) {
    let at = (v.0 & !7) as usize;
    let chunk = &mut chunks[chunk_index(at)];
    if chunk.bytes != CHUNK {
        return;
    }
    let start = at - chunk.base;
    for line in start / LINE..=(start + bytes - 1) / LINE {
        chunk.lines[line / 64] |= 1 << (line % 64);
    }
}

/// Overwrites dead objects by what is no object, so that a root which was forgotten (H5) shows.
fn poison(start: usize, end: usize) {
    let at: *mut u8 = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the hole lies in a chunk, and nothing in it is alive.
    unsafe { at.write_bytes(0xdd, end - start) };
}

/// The tag of values of a kind.
fn tag_of(kind: Kind) -> Tag {
    match kind {
        Kind::Thunk | Kind::SelectThunk | Kind::ApplyThunk => Tag::Thunk,
        Kind::Closure | Kind::Primop | Kind::Partial => Tag::Func,
        Kind::Attrs | Kind::Overlay => Tag::Attrs,
        Kind::List => Tag::List,
        Kind::String => Tag::String,
        Kind::Path | Kind::Float | Kind::BigInt | Kind::External => Tag::Boxed,
    }
}

/// Which words of an object hold values: first and number.
fn traced(head: u64, layouts: &crate::Layouts) -> (usize, usize) {
    match kind_of(head) {
        Kind::Thunk | Kind::SelectThunk | Kind::ApplyThunk => match state_of(head) {
            state::DONE => (1, 1),
            state::FAILED => (1, 0),
            _ if kind_of(head) == Kind::Thunk => (1, aux_of(head)),
            _ => (1, small_of(head)),
        },
        Kind::Closure => (1, aux_of(head)),
        Kind::Partial => (1, aux_of(head) + 1),
        Kind::Attrs => (1, layouts.len(LayoutId(id_of(head)))),
        Kind::Overlay => (1, 3),
        Kind::List => (1, id_of(head) as usize),
        Kind::Primop | Kind::String | Kind::Path | Kind::Float | Kind::BigInt | Kind::External => (1, 0),
    }
}

const NO_SYMBOL: u32 = u32::MAX;

/// The number of the chunk that `at` lies in (the first `CHUNK` bytes of it).
fn chunk_index(at: usize) -> usize {
    let base: *const u64 = std::ptr::with_exposed_provenance(at & !(CHUNK - 1));
    // SAFETY: chunks are aligned to `CHUNK`, and objects start within their first `CHUNK` bytes; the first word is the index.
    unsafe { base.read() as usize }
}

fn free_chunk(chunk: &Chunk) {
    let memory = Memory::from_size_align(chunk.bytes, CHUNK).expect("as it was made");
    // SAFETY: allocated by `add_chunk` with the same layout, and freed once.
    unsafe { dealloc(std::ptr::with_exposed_provenance_mut(chunk.base), memory) };
}

impl Drop for Heap {
    fn drop(&mut self) {
        self.chunks.get_mut().iter().for_each(free_chunk);
    }
}
