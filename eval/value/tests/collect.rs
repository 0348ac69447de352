//! The collector: what the roots reach stays as it was, the rest is room for new values.

use frazil_syntax::symbol::Symbols;
use frazil_value::{Claim, Heap, LayoutId, Layouts, Overlay, Slot, Val};
use proptest::prelude::*;

/// Fewer of something where every step is checked and takes a thousand times as long.
const fn scaled(n: usize) -> usize {
    if cfg!(miri) { n.div_ceil(40) } else { n }
}

/// At most so many objects are made at a time.
const MANY: usize = if cfg!(miri) { 10 } else { 60 };

/// Bytes of an object that has a chunk for itself.
const LONG: usize = if cfg!(miri) { 33_000 } else { 40_000 };

/// How to make one object; numbers choose its parts among the objects before it.
#[derive(Clone, Debug)]
enum Recipe {
    Text(usize),
    Path(usize),
    Float(f64),
    BigInt(i64),
    List(Vec<usize>),
    LongList(usize, usize),
    Attrs(Vec<usize>),
    Overlay(usize, usize, Option<usize>),
    Closure(Vec<usize>),
    Partial(usize, Vec<usize>),
    Thunk(Vec<usize>),
    Unfilled(usize),
    Select(usize),
    Apply(usize, Vec<usize>),
    Done(usize),
    Failed(u32),
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let part = any::<usize>;
    let parts = || prop::collection::vec(any::<usize>(), 0..6);
    prop_oneof![
        (0..200usize).prop_map(Recipe::Text),
        (LONG..LONG + scaled(10_000)).prop_map(Recipe::Text),
        (0..100usize).prop_map(Recipe::Path),
        any::<f64>().prop_map(Recipe::Float),
        any::<i64>().prop_map(Recipe::BigInt),
        parts().prop_map(Recipe::List),
        (part(), LONG / 8 - scaled(2000)..LONG / 8 + scaled(2000))
            .prop_map(|(part, n)| Recipe::LongList(part, n)),
        parts().prop_map(Recipe::Attrs),
        (part(), part(), prop::option::of(part())).prop_map(|(a, b, c)| Recipe::Overlay(a, b, c)),
        parts().prop_map(Recipe::Closure),
        (part(), parts()).prop_map(|(f, parts)| Recipe::Partial(f, parts)),
        parts().prop_map(Recipe::Thunk),
        (0..5usize).prop_map(Recipe::Unfilled),
        part().prop_map(Recipe::Select),
        (part(), parts()).prop_map(|(f, parts)| Recipe::Apply(f, parts)),
        part().prop_map(Recipe::Done),
        any::<u32>().prop_map(Recipe::Failed),
    ]
}

impl Recipe {
    /// Whether the object refers to no other, which may be gone.
    fn has_no_parts(&self) -> bool {
        matches!(self, Recipe::Text(_) | Recipe::Path(_) | Recipe::Float(_) | Recipe::BigInt(_))
    }
}

/// A heap with objects, and layouts of 0 to 5 keys.
struct World {
    heap: Heap,
    layouts: Layouts,
    sizes: Vec<LayoutId>,
    made: Vec<Made>,
}

struct Made {
    recipe: Recipe,
    v: Val,
    /// The values that it holds.
    parts: Vec<Val>,
}

impl World {
    fn new() -> World {
        let (layouts, mut symbols) = (Layouts::new(), Symbols::new());
        let keys: Vec<_> = (b'a'..=b'f').map(|name| symbols.intern(&[name])).collect();
        let sizes = (0..=keys.len()).map(|n| layouts.intern(&keys[..n])).collect();
        World { heap: Heap::new(), layouts, sizes, made: Vec::new() }
    }

    /// The object that a number chooses among the first `n`.
    fn part(&self, n: usize, number: usize) -> Val {
        if n == 0 { Val::TRUE } else { self.made[number % n].v }
    }

    fn parts(&self, n: usize, numbers: &[usize]) -> Vec<Val> {
        numbers.iter().map(|&number| self.part(n, number)).collect()
    }

    fn make(&mut self, recipe: Recipe) {
        let (heap, n) = (&self.heap, self.made.len());
        let part = |&number: &usize| self.part(n, number);
        let parts = |numbers: &[usize]| self.parts(n, numbers).into_iter();
        let v = match &recipe {
            Recipe::Text(len) => heap.new_string(&vec![b'x'; *len], n as u32),
            Recipe::Path(len) => heap.new_path(&vec![b'/'; *len]),
            Recipe::Float(f) => heap.new_float(*f),
            Recipe::BigInt(i) => heap.new_int(*i),
            Recipe::List(numbers) => heap.new_list(parts(numbers)),
            Recipe::LongList(number, len) => heap.new_list(vec![part(number); *len].into_iter()),
            Recipe::Attrs(numbers) => heap.new_attrs(self.sizes[numbers.len()], 1, parts(numbers)),
            Recipe::Overlay(base, delta, flat) => {
                let v = heap.new_overlay(1, 64, part(base), part(delta));
                if let Some(flat) = flat.as_ref().map(part).filter(|v| v.is_attrs()) {
                    heap.set_flattened(v, flat);
                }
                v
            }
            Recipe::Closure(numbers) => heap.new_closure(2, parts(numbers)),
            Recipe::Partial(f, numbers) => heap.new_partial(part(f), parts(numbers)),
            Recipe::Thunk(numbers) => heap.new_thunk(3, parts(numbers)),
            Recipe::Unfilled(len) => heap.new_unfilled_thunk(4, *len),
            Recipe::Select(number) => heap.new_select_thunk(5, 6, part(number)),
            Recipe::Apply(f, numbers) => heap.new_apply_thunk(7, 8, part(f), &self.parts(n, numbers)),
            Recipe::Done(number) => {
                // The captures of a thunk that has run are nobody's: they must not be followed.
                let v = heap.new_thunk(9, std::iter::repeat_n(Val::ABSENT, 3));
                assert!(matches!(heap.claim::<false>(v), Claim::Run(_)));
                heap.finish(v, heap.peek(part(number)).unwrap_or(Val::NULL));
                v
            }
            Recipe::Failed(error) => {
                let v = heap.new_thunk(10, std::iter::empty());
                assert!(matches!(heap.claim::<false>(v), Claim::Run(_)));
                heap.fail(v, *error);
                v
            }
        };
        // A collection may put the value of a thunk that has run into the thunk's place.
        let parts = self.parts_of(&recipe).into_iter().map(|v| self.heap.peek(v).unwrap_or(v)).collect();
        self.made.push(Made { recipe, v, parts });
    }

    /// The parts of an object made now.
    fn parts_of(&self, recipe: &Recipe) -> Vec<Val> {
        let at = self.made.len();
        let parts = |numbers: &[usize]| self.parts(at, numbers);
        match recipe {
            Recipe::List(numbers)
            | Recipe::Attrs(numbers)
            | Recipe::Closure(numbers)
            | Recipe::Thunk(numbers) => parts(numbers),
            Recipe::LongList(number, len) => vec![self.part(at, *number); *len],
            Recipe::Overlay(base, delta, flat) => {
                // The flat set takes the place of the others.
                let flat = flat.map(|flat| self.part(at, flat)).filter(|v| v.is_attrs());
                flat.map_or_else(|| parts(&[*base, *delta]), |flat| vec![flat])
            }
            Recipe::Partial(f, numbers) | Recipe::Apply(f, numbers) => {
                [parts(&[*f]), parts(numbers)].concat()
            }
            Recipe::Select(number) => parts(&[*number]),
            Recipe::Done(number) => vec![self.heap.peek(self.part(at, *number)).unwrap_or(Val::NULL)],
            Recipe::Unfilled(len) => vec![Val::ABSENT; *len],
            _ => Vec::new(),
        }
    }

    /// The parts of the object `at` as the heap has them.
    fn stored_parts(&self, at: usize) -> Vec<Val> {
        let (heap, Made { recipe, v, .. }) = (&self.heap, &self.made[at]);
        let values = |slots: &[Slot]| slots.iter().map(Slot::get).collect::<Vec<_>>();
        match recipe {
            Recipe::List(_) | Recipe::LongList(..) => values(heap.list(*v)),
            Recipe::Attrs(_) => values(heap.attr_values(*v, &self.layouts)),
            Recipe::Closure(_)
            | Recipe::Thunk(_)
            | Recipe::Unfilled(_)
            | Recipe::Select(_)
            | Recipe::Apply(..) => values(heap.captures(*v)),
            Recipe::Overlay(..) => match heap.overlay(*v) {
                Overlay::Layers { base, delta, .. } => vec![base, delta],
                Overlay::Flat(flat) => vec![flat],
            },
            Recipe::Partial(..) => {
                let (function, arguments) = heap.partial(*v);
                std::iter::once(function).chain(values(arguments)).collect()
            }
            Recipe::Done(_) => vec![heap.peek(*v).expect("it has run")],
            _ => Vec::new(),
        }
    }

    /// Whether the object `at` is what its recipe says.
    fn check(&self, at: usize) {
        let (heap, Made { recipe, v, parts }) = (&self.heap, &self.made[at]);
        match recipe {
            Recipe::Text(len) => {
                let text = heap.string(*v);
                assert_eq!((text.bytes.len(), text.context), (*len, at as u32));
                assert!(text.bytes.iter().all(|&c| c == b'x'));
            }
            Recipe::Path(len) => assert_eq!(heap.as_path(*v), Some(&*vec![b'/'; *len])),
            Recipe::Float(f) => assert_eq!(heap.as_float(*v).map(f64::to_bits), Some(f.to_bits())),
            Recipe::BigInt(i) => assert_eq!(heap.as_int(*v), Some(*i)),
            Recipe::Failed(error) => assert_eq!(heap.claim::<false>(*v), Claim::Failed(*error)),
            _ => assert_eq!(
                self.stored_parts(at).into_iter().map(|v| heap.peek(v).unwrap_or(v)).collect::<Vec<_>>(),
                *parts,
                "{recipe:?}"
            ),
        }
    }

    /// Which objects can be reached from `roots`.
    fn reachable(&self, roots: &[usize]) -> Vec<bool> {
        let mut seen = vec![false; self.made.len()];
        let mut stack: Vec<Val> = roots.iter().map(|&root| self.made[root].v).collect();
        while let Some(v) = stack.pop() {
            for at in (0..self.made.len()).filter(|&at| self.made[at].v == v) {
                if !std::mem::replace(&mut seen[at], true) {
                    stack.extend(&self.made[at].parts);
                }
            }
        }
        seen
    }

    fn collect(&mut self, roots: &[usize]) -> u64 {
        let roots: Vec<Val> = roots.iter().map(|&root| self.made[root].v).collect();
        self.heap.collect(&mut |visit| roots.iter().for_each(|&v| visit(v)), &self.layouts)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: scaled(128) as u32, failure_persistence: None, ..Default::default() })]

    /// Twice over: objects made in the holes of the first collection are no danger to those that survived it.
    #[test]
    fn what_the_roots_reach_stays(
        first in prop::collection::vec(recipe(), 1..MANY),
        second in prop::collection::vec(recipe(), 0..MANY),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut world = World::new();
        first.into_iter().for_each(|recipe| world.make(recipe));
        let roots: Vec<usize> = picks.iter().map(|pick| pick.index(world.made.len())).collect();
        let alive = world.reachable(&roots);
        let live = world.collect(&roots);
        let mut usable: Vec<usize> = (0..world.made.len()).filter(|&at| alive[at]).collect();
        let survivors = usable.clone();
        survivors.iter().for_each(|&at| world.check(at));

        for recipe in second.into_iter().filter(Recipe::has_no_parts) {
            usable.push(world.made.len());
            world.make(recipe);
        }
        usable.iter().for_each(|&at| world.check(at));
        prop_assert_eq!(world.collect(&roots), live, "the second collection finds the same objects");
        survivors.iter().for_each(|&at| world.check(at));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: scaled(128) as u32, failure_persistence: None, ..Default::default() })]

    /// Collections of young objects, between which old ones get young values, free nothing that can be reached.
    #[test]
    fn what_old_objects_got_stays(
        rounds in prop::collection::vec((prop::collection::vec(any::<prop::sample::Index>(), 0..6), any::<bool>()), 1..12),
    ) {
        let mut world = World::new();
        // Thunks get a text as their capture, and later a list of it and another as their result; the mapping gets calls, the
        // overlay its flat set.
        let thunks: Vec<Val> = (0..24).map(|_| world.heap.new_unfilled_thunk(1, 1)).collect();
        let list = world.heap.new_list(vec![Val::NULL; 24].into_iter());
        let source = world.heap.new_attrs(world.sizes[3], 1, vec![Val::TRUE; 3].into_iter());
        let mapped = world.heap.new_mapped_attrs(source, source, &world.layouts).expect("a small set");
        let overlay = world.heap.new_overlay(1, 64, source, source);
        let texts = |n: usize| format!("text {n}, long enough to fill a line or two").into_bytes();
        let roots = [list, mapped, overlay];
        let mut filled = [None; 24];
        let mut called = [None; 3];
        let mut flat = None;
        for (thunk, slot) in thunks.iter().zip(world.heap.list(list)) {
            slot.set(*thunk);
        }
        for (n, (picks, all)) in rounds.into_iter().enumerate() {
            for pick in &picks {
                let at = pick.index(24);
                let text = || world.heap.new_string(&texts(n), 0);
                if filled[at].is_none() {
                    filled[at] = Some(n);
                    world.heap.fill_captures(world.heap.list(list)[at].get(), [text()].into_iter());
                } else if let v = world.heap.list(list)[at].get()
                    && world.heap.is_waiting(v)
                {
                    let captured = world.heap.captures(v)[0].get();
                    assert!(matches!(world.heap.claim::<false>(v), Claim::Run(_)));
                    world.heap.finish(v, world.heap.new_list([captured, text()].into_iter()));
                }
                let element = world.heap.attr(mapped, (at % 3) as u32).get();
                if at < 3 && element.is_thunk() && world.heap.peek(element).is_none() && called[at].is_none() {
                    called[at] = Some(n);
                    world.heap.set_call(element, text());
                }
                if at == 23 {
                    flat = Some(n);
                    let values = vec![text(), text(), text()];
                    world.heap.set_flattened(overlay, world.heap.new_attrs(world.sizes[3], 1, values.into_iter()));
                }
            }
            let visit = &mut |visit: &mut dyn FnMut(Val)| roots.iter().for_each(|&v| visit(v));
            if all {
                world.heap.collect(visit, &world.layouts);
            } else {
                world.heap.collect_young(visit, &world.layouts);
            }
            // What was freed is written over.
            for _ in 0..200 {
                world.heap.new_string(&[b'#'; 40], 0);
            }
            for (at, filled) in filled.iter().enumerate() {
                let v = world.heap.list(list)[at].get();
                let first = match (world.heap.peek(v), filled) {
                    (Some(done), Some(_)) => world.heap.list(done)[0].get(),
                    (None, Some(_)) => world.heap.captures(v)[0].get(),
                    _ => continue,
                };
                prop_assert_eq!(world.heap.bytes(first), texts(filled.expect("matched")));
            }
            for (at, called) in called.iter().enumerate() {
                if let Some(n) = *called {
                    let v = world.heap.attr(mapped, at as u32).get();
                    prop_assert_eq!(world.heap.bytes(world.heap.peek(v).expect("its call")), texts(n));
                }
            }
            if let Some(n) = flat {
                let Overlay::Flat(flat) = world.heap.overlay(overlay) else { panic!("it was flattened") };
                prop_assert_eq!(world.heap.bytes(world.heap.attr(flat, 1).get()), texts(n));
            }
        }
    }
}

/// A chain of lists, each holding the one before: as deep as any program makes it.
#[test]
fn depth_costs_no_stack() {
    const DEPTH: usize = if cfg!(miri) { 1_000 } else { 1_000_000 };
    let mut world = World::new();
    let mut v = Val::NULL;
    for _ in 0..DEPTH {
        v = world.heap.new_list([v].into_iter());
    }
    let live = world.heap.collect(&mut |visit| visit(v), &world.layouts);
    assert!(live >= 16 * DEPTH as u64);
    let mut depth = 0;
    while v != Val::NULL {
        v = world.heap.list(v)[0].get();
        depth += 1;
    }
    assert_eq!(depth, DEPTH);
}

#[test]
fn cycles_are_collected() {
    let mut world = World::new();
    let before = world.collect(&[]);
    let (a, b) = (world.heap.new_unfilled_thunk(0, 1), world.heap.new_unfilled_closure(0, 1));
    world.heap.fill_captures(a, [b].into_iter());
    world.heap.fill_captures(b, [a].into_iter());
    assert_eq!(world.heap.collect(&mut |visit| visit(a), &world.layouts), before + 32);
    assert_eq!(world.collect(&[]), before);
}

#[test]
fn holes_are_used_again() {
    let mut world = World::new();
    // Every hundredth string stays, so that no chunk is free but almost all of each is.
    let strings: Vec<Val> = (0..scaled(50_000)).map(|_| world.heap.new_string(&[b'a'; 100], 0)).collect();
    let held = world.heap.reserved();
    let kept: Vec<Val> = strings.into_iter().step_by(100).collect();
    for _ in 0..scaled(20) {
        world.heap.collect(&mut |visit| kept.iter().for_each(|&v| visit(v)), &world.layouts);
        for _ in 0..scaled(40_000) {
            world.heap.new_string(&[b'b'; 100], 0);
        }
        assert_eq!(world.heap.reserved(), held);
        assert!(kept.iter().all(|&v| world.heap.bytes(v) == [b'a'; 100]));
    }
}

/// An object that fits in no hole leaves the holes to smaller ones.
#[test]
fn a_wide_object_leaves_the_holes() {
    let mut world = World::new();
    let strings: Vec<Val> = (0..scaled(50_000)).map(|_| world.heap.new_string(&[b'a'; 100], 0)).collect();
    let kept: Vec<Val> = strings.into_iter().step_by(100).collect();
    world.heap.collect(&mut |visit| kept.iter().for_each(|&v| visit(v)), &world.layouts);
    let before = world.heap.reserved();
    while world.heap.reserved() == before {
        world.heap.new_string(&[b'c'; 20_000], 0);
    }
    let held = world.heap.reserved();
    for _ in 0..scaled(30_000) {
        world.heap.new_string(&[b'b'; 100], 0);
    }
    assert_eq!(world.heap.reserved(), held);
}

#[test]
fn memory_is_given_back() {
    let mut world = World::new();
    let empty = world.heap.reserved();
    for _ in 0..scaled(20) {
        for _ in 0..scaled(10_000) {
            world.heap.new_list(vec![Val::NULL; 10].into_iter());
        }
        let large = world.heap.new_string(&vec![0; 1 << 20], 0);
        assert!(world.heap.reserved() > 1 << 20);
        world.heap.collect(&mut |visit| visit(large), &world.layouts);
        assert!(world.heap.reserved() >= 1 << 20);
        world.collect(&[]);
        assert_eq!(world.heap.reserved(), empty);
    }
}

#[test]
fn the_empty_values_survive() {
    let mut world = World::new();
    world.collect(&[]);
    let heap = &world.heap;
    assert!(heap.list(heap.empty_list()).is_empty() && heap.bytes(heap.empty_string()).is_empty());
    assert_eq!(heap.layout(heap.empty_attrs()), Some(LayoutId::EMPTY));
}
