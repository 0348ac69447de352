//! Trees to bytecode.

mod samples;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use frazil_code::file::Names;
use frazil_syntax::symbol::Symbols;

fn resolve_and_emit(c: &mut Criterion) {
    let text = samples::program();
    let parse = || match frazil_syntax::parse(text.as_bytes(), &mut Symbols::new(), &Default::default()) {
        Ok(tree) => tree,
        Err(error) => panic!("no program: {}", error.offset),
    };
    let resolve =
        |tree| frazil_code::resolve(tree, &|_| true, Names::default(), None, false).expect("all is global");
    let mut group = c.benchmark_group("code");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("resolve", |b| b.iter_batched(parse, resolve, BatchSize::LargeInput));
    let file = resolve(parse());
    group.bench_function("emit", |b| {
        b.iter(|| {
            (0..file.unit_count() as u32).map(|unit| frazil_code::emit(&file, unit).ops.len()).sum::<usize>()
        });
    });
}

criterion_group!(name = benches; config = samples::criterion(); targets = resolve_and_emit);
criterion_main!(benches);
