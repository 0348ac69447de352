//! Text to trees.

mod samples;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frazil_syntax::symbol::Symbols;
use frazil_syntax::{Options, parse, parse_lossless};

fn trees(c: &mut Criterion) {
    let text = samples::program();
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("compact", |b| {
        b.iter(|| {
            parse(text.as_bytes(), &mut Symbols::new(), &Options::default()).map_err(|error| error.offset)
        });
    });
    group.bench_function("lossless", |b| b.iter(|| parse_lossless(&text, &Options::default()).1.len()));
}

criterion_group!(name = benches; config = samples::criterion(); targets = trees);
criterion_main!(benches);
