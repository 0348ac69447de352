//! An evaluator that is left running holds no more memory than at its start.

mod quiet;

use frazil_engine::{Evaluator, Source};
use frazil_vm::{ErrorKind, Limits};
use quiet::{Quiet, answer};
use std::sync::Arc;

/// A function that makes values of every kind, and a failure that is caught.
const WORK: &str = r#"
  n: let
    names = builtins.genList (i: "a${toString i}") 60;
    set = builtins.listToAttrs (map (name: { inherit name; value = name + toString n; }) names);
    sum = builtins.foldl' (a: b: a + b) 0.5 (builtins.genList (i: i * n) 50);
  in {
    inherit sum;
    update = set // { a3 = rec { x = y; y = n; }; };
    sorted = builtins.sort (a: b: a > b) (builtins.attrValues set);
    text = builtins.toJSON set + builtins.concatStringsSep "," names;
    path = /. + "x";
    big = 4611686018427387904 + n;
    caught = builtins.tryEval (throw "never seen");
    partial = map builtins.add [ n ];
  }
"#;

fn function(evaluator: &mut Evaluator) -> frazil_value::Val {
    let function = evaluator.eval(&Source::Text(WORK.into(), b"/".to_vec())).expect("a function");
    evaluator.world().state.handles.push(function);
    function
}

fn round(evaluator: &mut Evaluator, function: frazil_value::Val, n: i64) {
    let n = evaluator.world().heap.new_int(n);
    let result = evaluator.world().machine().call(function, &[n]).expect("a set");
    evaluator.force_deep(result).expect("it has values");
    evaluator.unpin(0);
    evaluator.world().collect();
}

#[test]
fn ten_thousand_rounds_keep_memory_flat() {
    let mut evaluator = Arc::new(Quiet::default()).evaluator();
    let function = function(&mut evaluator);
    (0..100).for_each(|n| round(&mut evaluator, function, n));
    let (held, live) = (evaluator.world().heap.reserved(), evaluator.world().collect());
    (100..10_000).for_each(|n| round(&mut evaluator, function, n));
    assert_eq!(evaluator.world().heap.reserved(), held);
    assert_eq!(evaluator.world().collect(), live);
}

#[test]
fn a_breached_limit_leaves_a_working_evaluator() {
    let mut evaluator = Arc::new(Quiet::default()).evaluator();
    let function = function(&mut evaluator);
    let breaches = [
        (
            Limits { steps: 100_000, ..Limits::default() },
            ErrorKind::Steps,
            "builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x) 1000000)",
        ),
        (
            Limits { heap: 64 << 20, ..Limits::default() },
            ErrorKind::Memory,
            "builtins.foldl' (a: b: a ++ a) [ 1 ] (builtins.genList (x: x) 30)",
        ),
        (Limits::default(), ErrorKind::CallDepth, "let f = x: 1 + f x; in f 1"),
    ];
    for (limits, kind, program) in breaches {
        evaluator.world().set_limits(limits);
        assert_eq!(answer(&mut evaluator, program).expect_err("too much").kind(), kind);
        evaluator.world().collect();
        assert_eq!(answer(&mut evaluator, "1 + 1").expect("small"), "2");
        evaluator.world().set_limits(Limits::default());
        round(&mut evaluator, function, 1);
    }
}

/// A thunk that a limit stopped has not failed: it runs again when there is room.
#[test]
fn a_stopped_thunk_runs_again() {
    let mut evaluator = Arc::new(Quiet::default()).evaluator();
    let text = b"builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x) 100000)";
    let thunk = evaluator.delay(text, b"/").expect("it parses");
    evaluator.world().state.handles.push(thunk);
    evaluator.world().set_limits(Limits { steps: 5_000, ..Limits::default() });
    assert_eq!(evaluator.force(thunk).expect_err("too long").kind(), ErrorKind::Steps);
    evaluator.world().collect();
    evaluator.world().set_limits(Limits::default());
    let sum = evaluator.force(thunk).expect("there is room");
    assert_eq!(evaluator.world().heap.as_int(sum), Some(4_999_950_000));
}

#[test]
fn a_failed_thunk_fails_alike_after_a_collection() {
    let mut evaluator = Arc::new(Quiet::default()).evaluator();
    let thunk = evaluator.delay(b"throw \"once\"", b"/").expect("it parses");
    evaluator.world().state.handles.push(thunk);
    let first = evaluator.force(thunk).expect_err("it throws");
    evaluator.world().collect();
    assert_eq!(evaluator.force(thunk).expect_err("it throws").to_string(), first.to_string());
}
