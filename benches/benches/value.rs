//! The heap and its collector, and layouts.

mod samples;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use frazil_syntax::symbol::{Symbol, Symbols};
use frazil_value::{Claim, Heap, LayoutId, Layouts, Val};

fn thunks(c: &mut Criterion) {
    c.bench_function("thunk, made and forced", |b| {
        let mut heap = Heap::new();
        let layouts = Layouts::new();
        b.iter(|| {
            for _ in 0..1000 {
                let thunk = heap.new_thunk(0, [Val::NULL, Val::TRUE].into_iter());
                if let Claim::Run(_) = heap.claim::<false>(thunk) {
                    heap.finish(thunk, Val::NULL);
                }
            }
            // Without this, memory would run out before the clock does.
            heap.collect(&mut |_| {}, &layouts)
        });
    });
}

fn collections(c: &mut Criterion) {
    let mut heap = Heap::new();
    let root = (0..100_000).fold(Val::NULL, |rest, _| heap.new_list([rest, Val::TRUE].into_iter()));
    let layouts = Layouts::new();
    c.bench_function("collect 100,000 lists", |b| {
        b.iter(|| heap.collect(&mut |visit| visit(root), &layouts));
    });
}

fn layouts(c: &mut Criterion) {
    let mut symbols = Symbols::new();
    let mut keys: Vec<Symbol> = (0..40).map(|i| symbols.intern(format!("key{i:02}").as_bytes())).collect();
    let layouts = Layouts::new();
    let (all, odd) = (layouts.intern(&keys), keys.iter().skip(1).step_by(2).copied().collect::<Vec<_>>());
    let odd = layouts.intern(&odd);
    c.bench_function("find in 40 keys", |b| {
        b.iter(|| keys.iter().filter_map(|&key| layouts.find(all, key)).sum::<u32>());
    });
    c.bench_function("plan an update again", |b| b.iter(|| layouts.update(all, odd, &symbols).layout));
    keys.reverse();
    c.bench_function("intern 40 keys out of order", |b| {
        b.iter_batched(
            Layouts::new,
            |layouts| -> LayoutId { layouts.intern_unsorted(&keys, &symbols).0 },
            BatchSize::LargeInput,
        );
    });
}

criterion_group!(name = benches; config = samples::criterion(); targets = thunks, collections, layouts);
criterion_main!(benches);
