//! The states of a thunk, on one thread and on many.

use frazil_value::{Claim, Heap, ThunkCode, Val};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const RUN: Claim = Claim::Run(ThunkCode::Unit(1));

fn one() -> Val {
    Val::small_int(1).expect("small")
}

fn thunk(heap: &Heap) -> Val {
    heap.new_thunk(1, std::iter::empty())
}

fn a_thunk_runs_once<const SHARED: bool>() {
    let heap = Heap::new();
    let v = thunk(&heap);
    assert_eq!(heap.peek(v), None);
    assert_eq!([heap.claim::<SHARED>(v), heap.claim::<SHARED>(v)], [RUN, Claim::Busy]);
    heap.finish(v, one());
    assert_eq!((heap.claim::<SHARED>(v), heap.peek(v)), (Claim::Done(one()), Some(one())));
}

#[test]
fn a_thunk_runs_once_alone() {
    a_thunk_runs_once::<false>();
}

#[test]
fn a_thunk_runs_once_shared() {
    a_thunk_runs_once::<true>();
}

#[test]
fn a_failure_is_remembered() {
    let heap = Heap::new();
    let v = thunk(&heap);
    assert_eq!(heap.claim::<false>(v), RUN);
    heap.fail(v, 4);
    assert_eq!((heap.claim::<false>(v), heap.peek(v)), (Claim::Failed(4), None));
}

#[test]
fn a_thunk_given_back_runs_again() {
    let heap = Heap::new();
    let v = heap.new_thunk(1, [one()].into_iter());
    assert_eq!(heap.claim::<false>(v), RUN);
    heap.release(v);
    assert_eq!(heap.captures(v)[0].get(), one());
    assert_eq!(heap.claim::<false>(v), RUN);
}

#[test]
fn an_unfilled_thunk_is_nobodys() {
    let heap = Heap::new();
    let v = heap.new_unfilled_thunk(1, 1);
    assert_eq!(heap.claim::<false>(v), Claim::Busy);
    heap.fill_captures(v, [one()].into_iter());
    assert_eq!(heap.claim::<false>(v), RUN);
}

/// A heap whose thunks several threads claim, and do nothing else.
struct Shared(Heap);

// SAFETY: the threads only call `claim`, `finish` and `peek`, which touch nothing but words of objects, as atomics (H3).
unsafe impl Sync for Shared {}

impl Shared {
    /// Claims until there is a value; answers whether this thread ran the thunk.
    fn force(&self, v: Val) -> bool {
        let Shared(heap) = self;
        loop {
            match heap.claim::<true>(v) {
                Claim::Run(_) => {
                    heap.finish(v, one());
                    return true;
                }
                Claim::Done(value) => {
                    assert_eq!((value, heap.peek(v)), (one(), Some(one())));
                    return false;
                }
                Claim::Busy => std::hint::spin_loop(),
                Claim::Failed(_) => panic!("nobody fails it"),
            }
        }
    }
}

#[test]
fn of_many_threads_one_runs_a_thunk() {
    const THREADS: usize = 8;
    const THUNKS: usize = 500;
    let heap = Heap::new();
    let thunks: Vec<Val> = (0..THUNKS).map(|_| heap.new_thunk(1, [Val::NULL].into_iter())).collect();
    let (shared, start) = (Shared(heap), Barrier::new(THREADS));
    let runs: Vec<AtomicUsize> = thunks.iter().map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for (&v, runs) in thunks.iter().zip(&runs) {
                    runs.fetch_add(shared.force(v) as usize, Relaxed);
                }
            });
        }
    });
    assert!(runs.iter().all(|runs| runs.load(Relaxed) == 1));
}
