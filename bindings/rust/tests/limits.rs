//! Every limit ends in an error of its kind, after which the evaluator works on.

use frazil::{Engine, ErrorKind, Evaluator, Limits};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Works for ever, in constant depth.
const FOREVER: &str =
    "builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }";

fn breach(evaluator: &mut Evaluator, program: &str, kind: ErrorKind) {
    let error = evaluator.eval(program).expect_err("the limit is too low for it");
    assert_eq!(error.kind(), kind, "{}", error.render());
}

/// The evaluator is as good as a new one.
fn works(evaluator: &mut Evaluator) {
    let program = "let f = n: if n == 0 then [ ] else [ n ] ++ f (n - 1); in { sum = builtins.foldl' (a: b: a + b) 0 (f 5); }";
    let value = evaluator.eval(program).expect("it works on");
    assert_eq!(evaluator.print(&value).expect("it works on"), "{ sum = 15; }");
}

fn evaluator(limits: Limits) -> Evaluator {
    Engine::builder().limits(limits).build().evaluator()
}

#[test]
fn steps() {
    let mut evaluator = evaluator(Limits { steps: 200_000, ..Limits::default() });
    for _ in 0..3 {
        breach(&mut evaluator, FOREVER, ErrorKind::Steps);
        works(&mut evaluator);
    }
}

#[test]
fn memory() {
    let mut evaluator = evaluator(Limits { heap: 64 << 20, ..Limits::default() });
    for _ in 0..3 {
        breach(&mut evaluator, FOREVER, ErrorKind::Memory);
        works(&mut evaluator);
        breach(&mut evaluator, "builtins.genList (n: n) 100000000", ErrorKind::Memory);
        works(&mut evaluator);
        let doubling = "let f = s: n: if n == 0 then s else f (s + s) (n - 1); in builtins.stringLength (f \"12345678\" 40)";
        breach(&mut evaluator, doubling, ErrorKind::Memory);
        works(&mut evaluator);
        let lists =
            "let f = l: n: if n == 0 then l else f (l ++ l) (n - 1); in builtins.length (f [ 1 2 ] 40)";
        breach(&mut evaluator, lists, ErrorKind::Memory);
        works(&mut evaluator);
    }
}

#[test]
fn depth() {
    let mut evaluator = evaluator(Limits { depth: 100, ..Limits::default() });
    breach(&mut evaluator, "let f = n: 1 + f n; in f 0", ErrorKind::CallDepth);
    works(&mut evaluator);
    let value =
        evaluator.eval("let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 90").expect("shallow enough");
    assert_eq!(evaluator.print(&value).expect("a number"), "90");
}

#[cfg(feature = "disk")]
#[test]
fn wall_time() {
    let limits = Limits { wall: Some(Duration::from_millis(50)), ..Limits::default() };
    let mut evaluator = Engine::builder().host(frazil::Disk).limits(limits).build().evaluator();
    breach(&mut evaluator, FOREVER, ErrorKind::Time);
    works(&mut evaluator);
}

#[test]
fn cancellation() {
    let cancel = Arc::new(AtomicBool::new(false));
    let mut evaluator = evaluator(Limits { cancel: Some(cancel.clone()), ..Limits::default() });
    let other = cancel.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        other.store(true, Ordering::Relaxed);
    });
    breach(&mut evaluator, FOREVER, ErrorKind::Cancelled);
    thread.join().expect("it only waits");
    cancel.store(false, Ordering::Relaxed);
    works(&mut evaluator);
}

#[test]
fn a_breach_is_no_value_of_the_thunk_it_stopped() {
    let mut evaluator = evaluator(Limits { steps: 20_000, ..Limits::default() });
    let set = evaluator
        .eval("rec { n = builtins.foldl' (a: b: a + b) 0 (builtins.genList (n: n) 100000); m = n; }");
    let set = set.expect("nothing is forced");
    assert_eq!(evaluator.select(&set, "m").expect_err("too many steps").kind(), ErrorKind::Steps);
    evaluator.set_limits(Limits::default());
    let m = evaluator.select(&set, "m").expect("enough steps");
    assert_eq!(evaluator.print(&m).expect("a number"), "4999950000");
}

#[test]
fn try_eval_catches_no_limit() {
    let mut evaluator = evaluator(Limits { steps: 200_000, ..Limits::default() });
    breach(&mut evaluator, &format!("(builtins.tryEval ({FOREVER})).success"), ErrorKind::Steps);
    works(&mut evaluator);
}
