//! Depth costs heap, never the machine's stack: everything here runs on a stack of 256 KB.

use frazil::{Engine, ErrorKind, Evaluator, Limits};

/// How deep.
const N: usize = 1_000_000;

/// What a program may end in.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    /// This value.
    Value(&'static str),
    /// The error that calls are nested too deep.
    TooDeep,
}
use Answer::{TooDeep, Value};

fn small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(work).expect("a thread");
    thread.join().expect("no panic");
}

fn check(evaluator: &mut Evaluator, program: &str, wanted: Answer) {
    let shown = &program[..program.len().min(200)];
    let found = evaluator.eval(program).and_then(|value| evaluator.print(&value));
    match (found, wanted) {
        (Ok(text), Value(wanted)) => assert_eq!(text, wanted, "{shown}"),
        (Err(error), TooDeep) => {
            assert_eq!(error.kind(), ErrorKind::CallDepth, "{shown}: {}", error.message())
        }
        (Ok(_), TooDeep) => panic!("{shown}: a value, where the limit forbids it"),
        (Err(error), _) => panic!("{shown}: {}", error.message()),
    }
}

/// Checks programs with a limit of depth that none of them reaches.
fn unlimited(programs: Vec<(String, Answer)>) {
    small_stack(move || {
        for (program, wanted) in programs {
            let limits = Limits { depth: u32::MAX, ..Limits::default() };
            let mut evaluator = Engine::builder().limits(limits).build().evaluator();
            check(&mut evaluator, &program, wanted);
            evaluator.collect();
            check(&mut evaluator, "1 + 1", Value("2"));
        }
    });
}

/// Checks programs with CppNix's limit, which all of them breach.
fn limited(programs: Vec<String>) {
    small_stack(move || {
        let mut evaluator = Engine::new().evaluator();
        for program in programs {
            check(&mut evaluator, &program, TooDeep);
            check(&mut evaluator, "1 + 1", Value("2"));
        }
    });
}

/// `{ l = [ [ … ] ]; s = { a = { … }; }; }`, nested `N` times, made without nested calls.
fn nested() -> String {
    format!(
        "rec {{
          fold = f: builtins.foldl' (a: _: f a) null (builtins.genList (n: n) {N});
          lists = fold (a: [ a ]);
          sets = fold (a: {{ inherit a; }});
          paths = fold (a: {{ outPath = if a == null then \"end\" else a; }});
          functors = fold (a: {{ __toString = _: if a == null then \"end\" else a; }});
          thunks = fold (a: {{ x = if a == null then 1 else a.x; }});
        }}"
    )
}

fn with_nested(body: &str) -> String {
    format!("with {}; {body}", nested())
}

const DEEP: &[(&str, &str)] = &[
    ("lists == fold (a: [ a ])", "true"),
    ("sets == fold (a: { inherit a; })", "true"),
    ("builtins.deepSeq lists 1", "1"),
    ("builtins.deepSeq sets 1", "1"),
    ("builtins.stringLength (builtins.toJSON lists)", "2000004"),
    ("builtins.stringLength (builtins.toJSON sets)", "6000004"),
    ("builtins.stringLength (toString lists)", "0"),
    ("toString paths", "\"end\""),
    ("toString functors", "\"end\""),
    ("\"${paths}\"", "\"end\""),
    ("thunks.x", "1"),
    ("builtins.seq (builtins.toXML lists) 1", "1"),
    ("(lists < fold (a: [ a ])) || true", "true"),
    ("builtins.elem lists [ 1 (fold (a: [ a ])) ]", "true"),
    ("builtins.stringLength (builtins.concatStringsSep \"\" [ (builtins.toJSON lists) ])", "2000004"),
];

#[test]
fn nested_values() {
    let programs = DEEP.iter().filter(|(body, _)| !body.contains("toXML"));
    unlimited(programs.map(|&(body, value)| (with_nested(body), Value(value))).collect());
}

#[test]
fn nested_values_at_the_limit() {
    // Chains of thunks count as no calls, and `<` stops at the first difference of structure.
    let programs = DEEP.iter().filter(|(body, _)| !body.contains('<') && !body.contains("thunks"));
    limited(programs.map(|(body, _)| with_nested(body)).collect());
}

#[test]
fn printing_nested_values() {
    limited(vec![with_nested("lists"), with_nested("sets")]);
}

#[test]
fn calls() {
    unlimited(vec![
        (format!("let f = n: if n == 0 then 0 else 1 + f (n - 1); in f {N}"), Value("1000000")),
        (format!("let f = n: if n == 0 then 0 else f (n - 1); in f {N}"), Value("0")),
        (
            "let f = n: if n == 0 then \"\" else \"a\" + f (n - 1); in builtins.stringLength (f 20000)"
                .to_owned(),
            Value("20000"),
        ),
        (
            format!(
                "let f = n: if n == 0 then 0 else builtins.foldl' (a: b: a + b) 1 [ (f (n - 1)) ]; in f {N}"
            ),
            Value("1000000"),
        ),
        (
            format!("let f = n: if n == 0 then [ ] else builtins.map (x: x) (f (n - 1)); in f {N}"),
            Value("[ ]"),
        ),
        (
            format!("let f = {{ n }}: if n == 0 then 0 else 1 + f {{ n = n - 1; }}; in f {{ n = {N}; }}"),
            Value("1000000"),
        ),
        (
            format!("builtins.foldl' (f: _: x: f (x + 1)) (x: x) (builtins.genList (n: n) {N}) 0"),
            Value("1000000"),
        ),
        (format!("builtins.foldl' (a: _: a + 1) 0 (builtins.genList (n: n) {N})"), Value("1000000")),
        (
            format!(
                "builtins.head (builtins.foldl' (a: _: [ (builtins.head a + 1) ]) [ 0 ] (builtins.genList (n: n) {N}))"
            ),
            Value("1000000"),
        ),
    ]);
    limited(vec![
        format!("let f = n: if n == 0 then 0 else 1 + f (n - 1); in f {N}"),
        "let f = n: f (n + 1); in f 0".to_owned(),
        "let f = n: builtins.map (x: x) (f (n + 1)); in f 0".to_owned(),
        "let f = { n }: 1 + f { inherit n; }; in f { n = 1; }".to_owned(),
        "let s = { __functor = self: x: self x; }; in s 1".to_owned(),
        "let s = { __toString = self: self; }; in toString s".to_owned(),
    ]);
}

#[test]
fn chains_of_operators() {
    let join = |item: &str, operator: &str| vec![item; N].join(operator);
    unlimited(vec![
        (join("1", "+"), Value("1000000")),
        (format!("builtins.length ({})", join("[ 1 ]", "++").replace("[ 1 ]++", "[ ]++")), Value("1")),
        (join("{ a = 1; }", "//"), Value("{ a = 1; }")),
        (format!("builtins.stringLength ({})", vec!["\"a\""; 20_000].join("+")), Value("20000")),
        (join("true", "&&"), Value("true")),
        (join("false", "||"), Value("false")),
        (join("true", " -> "), Value("true")),
        (join("1", "-"), Value("-999998")),
        (join("1", "*"), Value("1")),
    ]);
}

#[test]
fn deep_syntax() {
    let wrap =
        |open: &str, inner: &str, close: &str| [open.repeat(N), inner.to_owned(), close.repeat(N)].concat();
    unlimited(vec![
        (wrap("(", "1", ")"), Value("1")),
        (format!("builtins.isList {}", wrap("[", "", "]")), Value("true")),
        (format!("builtins.isAttrs {}", wrap("{a=", "1", ";}")), Value("true")),
        (format!("builtins.isFunction ({})", wrap("x: ", "x", "")), Value("true")),
        (format!("builtins.isFunction ({})", wrap("{ x ? 1 }: ", "x", "")), Value("true")),
        (wrap("if false then 0 else ", "1", ""), Value("1")),
        (wrap("let a = 1; in ", "a", ""), Value("1")),
        (format!("{}a", "with { a = 1; }; ".repeat(20_000)), Value("1")),
        (wrap("assert true; ", "1", ""), Value("1")),
        (wrap("!", "true", ""), Value("true")),
        (wrap("-", "1", "").replace("--", "- -"), Value("1")),
        (wrap("\"${", "\"x\"", "}\""), Value("\"x\"")),
        (format!("{{ }}{}.a or 1", ".a".repeat(N)), Value("1")),
        (wrap("let { body = ", "1", "; }"), Value("1")),
        (wrap("(x: x) (", "1", ")"), Value("1")),
    ]);
}

#[test]
fn broken_syntax() {
    small_stack(|| {
        for text in ["(", "[", "{a=", "x: ", "\"${", "''${", "!", "let a = ", "if ", "1 + ", "a.", "./${"] {
            let mut evaluator = Engine::new().evaluator();
            let error = evaluator.eval(text.repeat(N).as_str()).expect_err("it has no end");
            assert!(
                matches!(error.kind(), ErrorKind::Syntax | ErrorKind::UndefinedVariable),
                "{}",
                error.message()
            );
            assert!(!evaluator.check(text.repeat(N).as_str()).expect("a text").is_empty());
        }
    });
}
