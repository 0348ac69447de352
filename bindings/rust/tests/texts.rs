//! An evaluator that is given ever new programs holds no more memory than at its start. Alone in its process, whose memory
//! is measured.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "the memory of a process is asked of a file")]

use frazil::{Engine, ErrorKind, Evaluator};

/// Kilobytes of memory that the process has.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("there is one");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it tells the memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number of kilobytes")
}

/// A few programs that nobody has seen before: values, functions, failures of all sorts, names, patterns.
fn round(evaluator: &mut Evaluator, n: u64) {
    let text = format!(
        "let v{n} = {{ a{n} = {n}; b = x: x + {n}; c = throw \"c{n}\"; d = builtins.match \"(a{n})*b\" \"b\"; \
         e = map (y: y * {n}) [ 1 2 3 ]; }}; in v{n} // {{ f = builtins.tryEval v{n}.c; g{n} = rec {{ h = i; i = {n}; }}; }}"
    );
    let value = evaluator.eval(&*text).expect("a set");
    let sum = evaluator.select(&value, "e").expect("a list");
    assert_eq!(evaluator.to_json(&sum).expect("numbers"), format!("[{},{},{}]", n, 2 * n, 3 * n));
    let error = evaluator.select(&value, "c").expect_err("it throws");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Thrown, &*format!("c{n}")));
    assert!(error.render().contains(&format!("throw \"c{n}\"")), "{}", error.render());
    assert_eq!(evaluator.eval(&*format!("{{ x = {n}; ")).unwrap_err().kind(), ErrorKind::Syntax);
    assert_eq!(evaluator.eval(&*format!("y{n}")).unwrap_err().kind(), ErrorKind::UndefinedVariable);
}

#[test]
fn ten_thousand_programs_keep_memory_flat() {
    let mut evaluator = Engine::new().evaluator();
    let early = evaluator.eval("{ early = n: n + 1; late = throw \"early\"; }").expect("a set");
    (0..2000).for_each(|n| round(&mut evaluator, n));
    let before = resident();
    (2000..12_000).for_each(|n| round(&mut evaluator, n));
    let after = resident();
    eprintln!("{before} kB after 2,000 rounds, {after} kB after 12,000: {:?}", evaluator.counts());
    assert!(after < before + 512, "{before} kB after 2,000 rounds, {after} kB after 12,000");

    // What was kept all the time is as it was, places included.
    let late = evaluator.select(&early, "late").expect_err("it throws");
    assert!(late.render().contains("{ early = n: n + 1; late = throw \"early\"; }"), "{}", late.render());
    let function = evaluator.select(&early, "early").expect("a function");
    let one = evaluator.eval("1").expect("a number");
    let two = evaluator.call(&function, &[&one]).expect("a number");
    assert_eq!(evaluator.to_json(&two).expect("a number"), "2");
}
