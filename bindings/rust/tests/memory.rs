//! An evaluator that lives long holds what it needs, not what it ever had.

use frazil::{Engine, Limits};

/// Makes and drops some 200 kB.
const WORK: &str = "r: let xs = builtins.genList (n: n + r) 2000; in { sum = builtins.foldl' (a: b: a + b) 0 xs; texts = map toString xs; }";

fn reserved_after(rounds: i64, limits: Limits) -> u64 {
    let mut evaluator = Engine::builder().limits(limits).build().evaluator();
    let function = evaluator.eval(WORK).expect("it is one");
    for round in 0..rounds {
        let n = evaluator.enter(|scope| {
            let v = scope.int(round);
            scope.keep(v)
        });
        let set = evaluator.call(&function, &[&n]).expect("little is needed");
        let json = evaluator.to_json(&set).expect("it is data");
        assert!(json.starts_with("{\"sum\":"));
    }
    evaluator.counts().reserved
}

#[test]
fn many_short_evaluations_take_no_more_than_some() {
    let (some, many) = (reserved_after(500, Limits::default()), reserved_after(2000, Limits::default()));
    assert!(many <= some + some / 4, "{some} bytes after some, {many} after many");
}

#[test]
fn garbage_breaks_no_limit() {
    let limit = 16 << 20;
    assert!(reserved_after(500, Limits { heap: limit, ..Limits::default() }) <= limit);
    let mut evaluator =
        Engine::builder().limits(Limits { heap: limit, ..Limits::default() }).build().evaluator();
    // Some 50 MB in all, of which little is needed at a time.
    let long = "builtins.foldl' (a: n: builtins.length (builtins.genList (x: x) 50) + a) 0 (builtins.genList (n: n) 20000)";
    let value = evaluator.eval(long).expect("the limit has room for what is live");
    assert_eq!(evaluator.print(&value).expect("a number"), "1000000");
}

#[test]
fn one_text_is_loaded_once() {
    let mut evaluator = Engine::new().evaluator();
    let mut symbols = Vec::new();
    for _ in 0..3 {
        assert!(evaluator.eval("{ a = x: x; }.a 1").is_ok());
        symbols.push(evaluator.counts().stats.source_bytes);
    }
    assert!(symbols[0] > 0 && symbols[2] == symbols[0], "{symbols:?}");
}
