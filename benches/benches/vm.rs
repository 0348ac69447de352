//! Programs that do one thing over and over.

mod samples;

use criterion::{Criterion, criterion_group, criterion_main};
use frazil_engine::{Disk, Evaluator, Source};
use frazil_vm::{Limits, Settings};
use std::sync::Arc;

/// Names, and functions of a number of rounds.
const PROGRAMS: &[(&str, &str)] = &[
    ("force", "n: builtins.foldl' (a: x: a + x) 0 (builtins.genList (i: i) n)"),
    ("call", "n: let f = a: b: a; in builtins.foldl' (a: x: f (f a x) x) 0 (builtins.genList (i: i) n)"),
    ("select", "n: let s.a.b.c = 1; in builtins.foldl' (a: x: a + s.a.b.c) 0 (builtins.genList (i: i) n)"),
    ("set literal", "n: builtins.foldl' (a: x: { inherit a x; c = 1; }.c) 0 (builtins.genList (i: i) n)"),
    (
        "update",
        "n: builtins.foldl' (a: x: { a = 1; b = 2; } // { b = 3; c = a; }) 0 (builtins.genList (i: i) n)",
    ),
    ("interpolate", "n: builtins.foldl' (a: x: \"a${\"b\"}${toString x}\") \"\" (builtins.genList (i: i) n)"),
    (
        "sort",
        "n: builtins.length (builtins.sort (a: b: a < b) (builtins.genList (i: i * 7919 - i * 7919 / 1009 * 1009) n))",
    ),
    (
        "derivation",
        "n: builtins.foldl' (a: x: (derivation { name = \"n${toString x}\"; system = \"s\"; builder = \"b\"; inherit a; }).outPath) \
         \"\" (builtins.genList (i: i) (n / 10))",
    ),
];

fn programs(c: &mut Criterion) {
    for (name, program) in PROGRAMS {
        let mut evaluator = Evaluator::new(Arc::new(Disk), Settings::default(), Limits::default());
        let function =
            evaluator.eval(&Source::Text(program.as_bytes().into(), b"/".to_vec())).expect("a function");
        evaluator.world().state.handles.push(function);
        c.bench_function(&format!("{name}, 1,000 times"), |b| {
            b.iter(|| {
                let n = evaluator.world().heap.new_int(1000);
                let result = evaluator.world().machine().call(function, &[n]).expect("it has a value");
                evaluator.world().collect();
                result
            });
        });
    }
}

criterion_group!(name = benches; config = samples::criterion(); targets = programs);
criterion_main!(benches);
