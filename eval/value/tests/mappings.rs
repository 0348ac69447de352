//! Mapped sets: calls that take no memory until they are asked for.

use frazil_syntax::symbol::Symbol;
use frazil_value::heap::NO_UNIT;
use frazil_value::{Heap, Layouts, Val};

fn int(n: i64) -> Val {
    Val::small_int(n).expect("small")
}

/// A set of `n` numbers, and its mapping by a builtin.
fn mapped(heap: &Heap, layouts: &Layouts, n: u32) -> (Val, Val, Val) {
    let keys: Vec<Symbol> = (1..=n).map(Symbol).collect();
    let source = heap.new_attrs(layouts.intern(&keys), 0, (0..n).map(|i| int(i as i64)));
    let function = heap.new_primop(7);
    let set = heap.new_mapped_attrs(function, source, layouts).expect("small enough");
    (function, source, set)
}

#[test]
fn elements_know_their_call() {
    let (heap, layouts) = (Heap::new(), Layouts::new());
    let (function, source, set) = mapped(&heap, &layouts, 200);
    for (i, slot) in (0..).zip(heap.attr_values(set, &layouts)) {
        let element = slot.get();
        assert!(element.is_element() && element.is_thunk());
        assert_eq!(heap.element(element), (function, source, i));
        assert_eq!((heap.call_of(element), heap.peek(element)), (None, None));
    }
}

#[test]
fn copies_of_an_element_share_its_call() {
    let (heap, layouts) = (Heap::new(), Layouts::new());
    for n in [3, 64, 65, 200] {
        let (function, _, set) = mapped(&heap, &layouts, n);
        let last = heap.attr(set, n - 1).get();
        let copy = heap.list(heap.new_list([last].into_iter()))[0].get();
        let call = heap.new_apply_thunk(NO_UNIT, 0, function, &[int(1)]);
        heap.set_call(copy, call);
        assert_eq!(heap.call_of(last), Some(call));
        assert_eq!(heap.call_of(heap.attr(set, 0).get()), None);
        heap.finish(call, Val::NULL);
        assert_eq!(heap.peek(last), Some(Val::NULL));
    }
}

#[test]
fn a_collection_keeps_what_elements_need() {
    let (mut heap, layouts) = (Heap::new(), Layouts::new());
    let (function, source, set) = mapped(&heap, &layouts, 200);
    let [kept, asked, done] = [3, 100, 150].map(|i| heap.attr(set, i).get());
    let call = heap.new_apply_thunk(NO_UNIT, 0, function, &[heap.new_string(b"name", 0)]);
    heap.set_call(asked, call);
    let run = heap.new_apply_thunk(NO_UNIT, 0, function, &[]);
    heap.set_call(done, run);
    heap.finish(run, heap.new_string(b"value", 0));
    for _ in 0..2 {
        heap.collect(&mut |visit| [kept, asked, done].into_iter().for_each(visit), &layouts);
    }
    assert_eq!(heap.element(kept), (function, source, 3));
    assert_eq!(heap.attr(source, 3).get(), int(3));
    assert_eq!(heap.call_of(asked), Some(call));
    assert_eq!(heap.bytes(heap.captures(call)[1].get()), b"name");
    assert_eq!(heap.peek(done).map(|v| heap.bytes(v)), Some(&b"value"[..]));
}

#[test]
fn larger_sets_than_words_can_number_are_not_mapped() {
    let (heap, layouts) = (Heap::new(), Layouts::new());
    let keys: Vec<Symbol> = (1..=70_000).map(Symbol).collect();
    let source = heap.new_attrs(layouts.intern(&keys), 0, std::iter::repeat_n(Val::NULL, keys.len()));
    assert_eq!(heap.new_mapped_attrs(heap.new_primop(7), source, &layouts), None);
}
