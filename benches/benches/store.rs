//! Hashes, archives and store paths.

mod samples;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frazil_store::StoreDir;
use frazil_store::hash::sha256;
use frazil_store::nar::Writer;

fn hashes(c: &mut Criterion) {
    let bytes = vec![b'x'; 64 << 10];
    let mut group = c.benchmark_group("64 KiB");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("sha256", |b| b.iter(|| sha256(&bytes)));
    group.bench_function("archive", |b| {
        b.iter(|| {
            let mut writer = Writer::new(Vec::new());
            writer.file(false, &bytes).expect("a file can be archived");
            writer.finish().len()
        });
    });
}

fn paths(c: &mut Criterion) {
    let store = StoreDir::default();
    let text = b"/nix/store/q0snzhbwy4jnncslfgxn294yyp1xp62f-hello-2.12.1";
    c.bench_function("read a store path", |b| b.iter(|| store.parse(text).is_ok()));
}

criterion_group!(name = benches; config = samples::criterion(); targets = hashes, paths);
criterion_main!(benches);
