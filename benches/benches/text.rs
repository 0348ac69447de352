//! The texts that builtins read and write.

mod samples;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frazil_text::regex::Regex;
use frazil_text::{json, toml, version};

fn json(c: &mut Criterion) {
    let text =
        format!("[{}1]", r#"{"name": "some-package", "version": [1, 2.5, null], "ok": true}, "#.repeat(1000));
    let mut group = c.benchmark_group("JSON");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("read", |b| {
        b.iter(|| json::Reader::new(text.as_bytes()).filter(Result::is_ok).count())
    });
}

fn toml(c: &mut Criterion) {
    let text: String =
        (0..500).map(|i| format!("[[package]]\nname = \"p{i}\"\nlist = [ 1, 2.5, true ]\n")).collect();
    let mut group = c.benchmark_group("TOML");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("read", |b| b.iter(|| toml::parse(text.as_bytes()).map(|table| table.len())));
}

fn regex(c: &mut Criterion) {
    let pattern = br"([[:alnum:]_-]+)-([0-9.]+[a-z]*)\.tar\.(gz|xz|bz2)";
    c.bench_function("compile an expression", |b| {
        b.iter(|| Regex::new(pattern).map(|regex| regex.n_groups()))
    });
    let regex = Regex::new(pattern).expect("an expression");
    c.bench_function("match a file name", |b| {
        b.iter(|| regex.match_whole(b"some-package-with-a-name-1.2.34b.tar.bz2"))
    });
}

fn versions(c: &mut Criterion) {
    c.bench_function("compare versions", |b| b.iter(|| version::compare(b"1.2.3-pre4", b"1.2.3")));
}

criterion_group!(name = benches; config = samples::criterion(); targets = json, toml, regex, versions);
criterion_main!(benches);
