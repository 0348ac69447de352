//! Chunks of memory, the bits of their lines, and regions that objects are bumped into.

use crate::val::MAX_ADDRESS;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of a chunk, and its alignment. A large object has a chunk of its own, which is longer.
pub(super) const CHUNK: usize = 256 << 10;
/// Bytes of a line, the unit in which dead space is found again.
pub(super) const LINE: usize = 16;
/// Lines of a chunk.
pub(super) const LINES: usize = CHUNK / LINE;
/// Bytes at the start of a chunk that hold no objects: its index among the heap's chunks, a bit for each line with a part of a
/// live object, and one for each of which the last collection found that.
pub(super) const HEADER: usize = (8 + 2 * LINES / 8usize).next_multiple_of(LINE);
/// The word of the header from which on the latter are.
const OLD: usize = 1 + LINES / 64;

/// A chunk of the heap. Freed by [`Chunk::free`].
pub(super) struct Chunk {
    pub(super) base: usize,
    pub(super) bytes: usize,
    /// Up to where objects were put by bumping.
    pub(super) top: usize,
}

impl Chunk {
    /// A new chunk, the `index`th of its heap, without a line in use.
    pub(super) fn new(bytes: usize, index: usize) -> Chunk {
        let base = system::take(bytes);
        // SAFETY: the chunk is longer than its header.
        unsafe { base.write_bytes(0, HEADER) };
        let base = base.expose_provenance();
        assert!(((base + bytes) as u64) < MAX_ADDRESS, "H1: a value has no room for a higher address");
        let chunk = Chunk { base, bytes, top: base + HEADER };
        chunk.set_index(index);
        chunk
    }

    /// Where objects start.
    pub(super) fn start(&self) -> usize {
        self.base + HEADER
    }

    /// Whether an object that starts at `at` would be of this chunk.
    pub(super) fn holds(&self, at: usize) -> bool {
        self.base == at & !(CHUNK - 1)
    }

    /// Whether it belongs to one large object.
    pub(super) fn is_large(&self) -> bool {
        self.bytes != CHUNK
    }

    pub(super) fn set_index(&self, index: usize) {
        word(self.base, 0).store(index as u64, Relaxed);
    }

    /// The bits of lines `64 * i` on.
    pub(super) fn lines(&self, i: usize) -> u64 {
        word(self.base, 1 + i).load(Relaxed)
    }

    pub(super) fn clear_lines(&self) {
        (1..OLD + LINES / 64).for_each(|i| word(self.base, i).store(0, Relaxed));
    }

    /// Ends a marking: what is alive is old from now on.
    pub(super) fn age(&self) {
        (0..LINES / 64).for_each(|i| word(self.base, OLD + i).store(self.lines(i), Relaxed));
    }

    pub(super) fn free(&self) {
        // SAFETY: taken by `new` with the same size, and freed once: the heap drops the chunk with this call.
        unsafe { system::give_back(std::ptr::with_exposed_provenance_mut(self.base), self.bytes) };
    }
}

/// Memory from the kernel itself: between chunks of the allocator's there would be gaps, whose memory is of little use to others.
#[cfg(all(unix, not(miri)))]
mod system {
    use super::CHUNK;
    use std::alloc::{Layout, handle_alloc_error};
    use std::ptr::null_mut;

    /// Memory of at least `bytes` bytes, aligned for a chunk.
    pub(super) fn take(bytes: usize) -> *mut u8 {
        // The kernel puts one mapping below the other, so that most are aligned as they come.
        let mut base = map(bytes);
        if !base.addr().is_multiple_of(CHUNK) {
            // SAFETY: mapped right now, and nobody has it.
            unsafe { give_back(base, bytes) };
            let all = map(bytes + CHUNK);
            let before = all.addr().wrapping_neg() % CHUNK;
            // SAFETY: both ends lie in what was mapped right now, and nobody has them.
            unsafe {
                base = all.add(before);
                give_back(all, before);
                let end = bytes.next_multiple_of(page());
                give_back(base.add(end), CHUNK - before);
            }
        }
        populate(base, bytes);
        base
    }

    /// # Safety
    /// The memory is of [`take`], and nobody uses it from now on.
    pub(super) unsafe fn give_back(base: *mut u8, bytes: usize) {
        if bytes > 0 {
            // SAFETY: so the caller says. It can fail only where too many mappings are left over, and then memory is lost.
            unsafe { libc::munmap(base.cast(), bytes) };
        }
    }

    fn map(bytes: usize) -> *mut u8 {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping changes none that is there.
        let base = unsafe { libc::mmap(null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            handle_alloc_error(Layout::from_size_align(bytes, CHUNK).expect("a chunk's size is sane"));
        }
        base.cast()
    }

    fn page() -> usize {
        // SAFETY: it only asks.
        unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
    }

    /// Has the kernel provide the pages at once, which costs half of what a fault for each does.
    fn populate(base: *mut u8, bytes: usize) {
        #[cfg(target_os = "linux")]
        // SAFETY: the memory was just mapped; older kernels refuse, which is as good.
        unsafe {
            libc::madvise(base.cast(), bytes, libc::MADV_POPULATE_WRITE);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (base, bytes);
    }
}

/// Memory from the allocator.
#[cfg(not(all(unix, not(miri))))]
mod system {
    use super::CHUNK;
    use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, CHUNK).expect("a chunk's size is sane")
    }

    /// Memory of at least `bytes` bytes, aligned for a chunk.
    pub(super) fn take(bytes: usize) -> *mut u8 {
        // SAFETY: the size is not zero.
        let base = unsafe { alloc(layout(bytes)) };
        if base.is_null() {
            handle_alloc_error(layout(bytes));
        }
        base
    }

    /// # Safety
    /// The memory is of [`take`], with so many bytes, and nobody uses it from now on.
    pub(super) unsafe fn give_back(base: *mut u8, bytes: usize) {
        // SAFETY: so the caller says.
        unsafe { dealloc(base, layout(bytes)) };
    }
}

/// A word of a chunk's header.
#[inline(always)]
fn word<'a>(base: usize, i: usize) -> &'a AtomicU64 {
    let at: *mut u64 = std::ptr::with_exposed_provenance_mut(base);
    // SAFETY: callers have a chunk at `base`, whose header is longer, was written when it was made, and is only used as atomics.
    unsafe { AtomicU64::from_ptr(at.add(i)) }
}

/// The number of the chunk that the object at `at` lies in: chunks are aligned, and objects start within their first
/// [`CHUNK`] bytes.
pub(super) fn chunk_index(at: usize) -> usize {
    word(at & !(CHUNK - 1), 0).load(Relaxed) as usize
}

/// Whether the object at `at` survived the last collection: objects made since are in lines of their own.
#[inline(always)]
pub(super) fn is_old(at: usize) -> bool {
    let base = at & !(CHUNK - 1);
    let line = (at - base) / LINE;
    word(base, OLD + line / 64).load(Relaxed) >> (line % 64) & 1 == 1
}

/// Sets the bits of the lines that the object of `bytes` at `at` touches. Of a large object, which has the chunk for
/// itself, those of the first `CHUNK` bytes do.
#[inline(always)]
pub(super) fn mark_lines(at: usize, bytes: usize) {
    let base = at & !(CHUNK - 1);
    let first = (at - base) / LINE;
    let last = ((at - base + bytes - 1) / LINE).min(LINES - 1);
    let (from, to) = (u64::MAX << (first % 64), u64::MAX >> (63 - last % 64));
    let set = |i: usize, lines: u64| {
        let bits = word(base, 1 + i);
        bits.store(bits.load(Relaxed) | lines, Relaxed);
    };
    match (first / 64, last / 64) {
        (i, j) if i == j => set(i, from & to),
        (i, j) => {
            set(i, from);
            (i + 1..j).for_each(|i| set(i, u64::MAX));
            set(j, to);
        }
    }
}

/// A run of free space that objects are put into one after the other.
#[derive(Default)]
pub(super) struct Region {
    at: Cell<usize>,
    end: Cell<usize>,
}

impl Region {
    /// The address of `bytes` bytes, if there are as many.
    #[inline(always)]
    pub(super) fn take(&self, bytes: usize) -> Option<usize> {
        let at = self.at.get();
        (bytes <= self.end.get() - at).then(|| {
            self.at.set(at + bytes);
            at
        })
    }

    /// Bytes that are left.
    pub(super) fn room(&self) -> usize {
        self.end.get() - self.at.get()
    }

    pub(super) fn open(&self, start: usize, end: usize) {
        self.at.set(start);
        self.end.set(end);
    }

    /// Leaves the run; answers up to where it was filled, if there was one.
    pub(super) fn close(&self) -> Option<usize> {
        self.end.set(0);
        let at = self.at.replace(0);
        (at != 0).then_some(at)
    }
}
