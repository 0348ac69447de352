//! Every kind of object comes back as it was made, small or large, and costs what it should.

use frazil_syntax::symbol::Symbols;
use frazil_value::heap::NO_UNIT;
use frazil_value::{Claim, Heap, Kind, LayoutId, Layouts, Overlay, Slot, ThunkCode, Val};

/// A length that needs a chunk of its own; Miri takes its time.
const LONG: usize = if cfg!(miri) { 33_000 } else { 300_000 };

fn ints(n: i64) -> Vec<Val> {
    (0..n).map(|i| Val::small_int(i).expect("small")).collect()
}

fn values(slots: &[Slot]) -> Vec<Val> {
    slots.iter().map(Slot::get).collect()
}

/// The bytes that `make` takes of the heap.
fn cost(heap: &Heap, make: impl FnOnce(&Heap) -> Val) -> u64 {
    let before = heap.allocated();
    make(heap);
    heap.allocated() - before
}

#[test]
fn immediates_are_words() {
    assert_eq!([Val::bool(true), Val::bool(false)], [Val::TRUE, Val::FALSE]);
    assert_eq!([Val::TRUE, Val::FALSE, Val::NULL].map(Val::as_bool), [Some(true), Some(false), None]);
    assert_eq!(
        format!("{:?}", [Val::NULL, Val::TRUE, Val::FALSE, Val::ABSENT]),
        "[null, true, false, absent]"
    );
    let all = [Val::NULL, Val::TRUE, Val::FALSE, Val::ABSENT];
    assert!(all.iter().all(|v| !v.is_thunk() && !v.is_list() && v.as_small_int().is_none()));
}

#[test]
fn integers_of_every_size() {
    let heap = Heap::new();
    let edge = 1 << 60;
    for n in [0, 1, -1, 42, edge - 1, -edge, edge, -edge - 1, i64::MAX, i64::MIN] {
        let v = heap.new_int(n);
        assert_eq!(heap.as_int(v), Some(n));
        assert_eq!(v.as_small_int().is_some(), (-edge..edge).contains(&n), "{n}");
    }
    assert_eq!(cost(&heap, |heap| heap.new_int(edge - 1)), 0);
    assert_eq!(cost(&heap, |heap| heap.new_int(edge)), 16);
    assert_eq!(heap.as_int(Val::NULL), None);
    assert_eq!(heap.as_int(heap.new_float(1.0)), None);
}

#[test]
fn floats_keep_their_bits() {
    let heap = Heap::new();
    for f in [0.0, -0.0, 1.5, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN] {
        assert_eq!(heap.as_float(heap.new_float(f)).map(f64::to_bits), Some(f.to_bits()));
    }
    assert_eq!(heap.as_float(heap.new_int(1)), None);
}

#[test]
fn strings_of_every_length() {
    let heap = Heap::new();
    for len in (0..40).chain([4095, 32 << 10, LONG]) {
        let text: Vec<u8> = (0..len).map(|i| i as u8).collect();
        let v = heap.new_string(&text, 7);
        assert_eq!((heap.bytes(v), heap.string(v).context), (&*text, 7));
        let (left, right) = text.split_at(len / 3);
        assert_eq!(heap.bytes(heap.new_string_of(&[left, b"", right], 0)), text);
        let path = heap.new_path(&text);
        assert_eq!((heap.as_path(path), heap.boxed_kind(path)), (Some(&*text), Kind::Path));
        assert_eq!(heap.as_path(v), None);
    }
    assert_eq!(heap.bytes(heap.empty_string()), b"");
}

#[test]
fn a_string_remembers_its_symbol() {
    let heap = Heap::new();
    let v = heap.new_string(b"name", 3);
    assert_eq!(heap.cached_symbol(v), None);
    heap.cache_symbol(v, 9);
    assert_eq!(heap.cached_symbol(v), Some(9));
    assert_eq!((heap.bytes(v), heap.string(v).context), (&b"name"[..], 3));
}

#[test]
fn lists_of_every_length() {
    let heap = Heap::new();
    for len in [0, 1, 2, 100, 4096, LONG / 3] {
        let elements = ints(len as i64);
        assert_eq!(values(heap.list(heap.new_list(elements.iter().copied()))), elements);
    }
    assert_eq!(heap.new_list(std::iter::empty()), heap.empty_list());
}

#[test]
fn a_slot_takes_another_value() {
    let heap = Heap::new();
    let list = heap.new_list(ints(3).into_iter());
    heap.list(list)[1].set(Val::TRUE);
    assert_eq!(values(heap.list(list))[1], Val::TRUE);
}

#[test]
fn sets_have_layout_positions_and_values() {
    let (heap, layouts, mut symbols) = (Heap::new(), Layouts::new(), Symbols::new());
    let [a, b] = [b"a", b"b"].map(|name| symbols.intern(name));
    let layout = layouts.intern(&[a, b]);
    let set = heap.new_attrs(layout, 5, ints(2).into_iter());
    assert_eq!((heap.layout(set), heap.positions(set)), (Some(layout), 5));
    assert_eq!(values(heap.attr_values(set, &layouts)), ints(2));
    assert_eq!(heap.attr(set, layouts.find(layout, b).expect("a key")).get(), ints(2)[1]);
    assert_eq!(heap.new_attrs(LayoutId::EMPTY, 0, std::iter::empty()), heap.empty_attrs());
}

#[test]
fn a_set_of_two_takes_three_words() {
    let (heap, layouts, mut symbols) = (Heap::new(), Layouts::new(), Symbols::new());
    let layout = layouts.intern(&[b"a", b"b"].map(|name| symbols.intern(name)));
    assert_eq!(cost(&heap, |heap| heap.new_attrs(layout, 0, ints(2).into_iter())), 24);
}

#[test]
fn an_overlay_remembers_its_flat_set() {
    let (heap, layouts, mut symbols) = (Heap::new(), Layouts::new(), Symbols::new());
    let layout = layouts.intern(&[symbols.intern(b"a")]);
    let [base, delta, flat] = [0, 1, 2].map(|n| heap.new_attrs(layout, 0, [ints(3)[n]].into_iter()));
    let overlay = heap.new_overlay(4, 7, base, delta);
    assert_eq!(heap.overlay(overlay), Overlay::Layers { base, delta, depth: 4 });
    assert_eq!((heap.layout(overlay), heap.positions(overlay)), (None, 0));
    heap.set_flattened(overlay, flat);
    assert_eq!(heap.overlay(overlay), Overlay::Flat(flat));
}

#[test]
fn functions_of_every_kind() {
    let heap = Heap::new();
    let closure = heap.new_closure(3, ints(2).into_iter());
    assert_eq!((heap.function(closure), values(heap.captures(closure))), ((Kind::Closure, 3), ints(2)));
    let primop = heap.new_primop(11);
    assert_eq!(heap.function(primop), (Kind::Primop, 11));
    let partial = heap.new_partial(primop, ints(3).into_iter());
    let (function, arguments) = heap.partial(partial);
    assert_eq!((heap.function(partial).0, function, values(arguments)), (Kind::Partial, primop, ints(3)));
    assert!([closure, primop, partial].iter().all(|v| v.is_func()));
}

#[test]
fn recursive_groups_are_filled_later() {
    let heap = Heap::new();
    let (thunk, closure) = (heap.new_unfilled_thunk(1, 2), heap.new_unfilled_closure(2, 1));
    assert!(heap.is_unfilled(thunk));
    assert_eq!(values(heap.captures(thunk)), [Val::ABSENT; 2]);
    heap.fill_captures(thunk, [closure, thunk].into_iter());
    heap.fill_captures(closure, [thunk].into_iter());
    assert!(!heap.is_unfilled(thunk));
    assert_eq!(
        (values(heap.captures(thunk)), values(heap.captures(closure))),
        (vec![closure, thunk], vec![thunk])
    );
}

#[test]
fn thunks_say_what_they_run() {
    let heap = Heap::new();
    let function = heap.new_primop(0);
    let thunk = heap.new_thunk(5, ints(2).into_iter());
    let select = heap.new_select_thunk(6, 7, thunk);
    let apply = heap.new_apply_thunk(NO_UNIT, 0, function, &ints(3));
    assert_eq!(heap.unit(thunk), 5);
    assert_eq!(values(heap.captures(select)), [thunk]);
    assert_eq!(values(heap.captures(apply))[1..], ints(3));
    let codes = [thunk, select, apply].map(|v| heap.claim::<false>(v));
    assert_eq!(
        codes,
        [
            Claim::Run(ThunkCode::Unit(5)),
            Claim::Run(ThunkCode::Select { unit: 6, at: 7 }),
            Claim::Run(ThunkCode::Apply { unit: NO_UNIT, at: 0 }),
        ]
    );
}

#[test]
fn externals_are_numbers() {
    let heap = Heap::new();
    let v = heap.new_external(8);
    assert_eq!((heap.as_external(v), heap.boxed_kind(v)), (Some(8), Kind::External));
    assert_eq!(heap.as_external(heap.new_float(0.0)), None);
}

#[test]
fn the_limit_is_of_memory_held() {
    let heap = Heap::new();
    assert!(heap.has_room(1 << 39) && !heap.has_room(1 << 40), "more than any machine has");
    heap.set_limit(heap.reserved() + 1000);
    assert!(heap.has_room(1000) && !heap.has_room(1001));
    let kept = heap.new_list(vec![Val::NULL; LONG].into_iter());
    assert!(!heap.has_room(0));
    assert_eq!(heap.list(kept).len(), LONG);
    heap.set_limit(u64::MAX);
    assert!(heap.has_room(0));
}

#[test]
#[should_panic(expected = "expected List")]
fn a_value_of_another_type_is_refused() {
    let heap = Heap::new();
    heap.list(heap.new_float(1.0));
}
