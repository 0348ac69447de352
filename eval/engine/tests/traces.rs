//! What CppNix 2.34.8 says of errors, with all of the trace; its answers were recorded by running it.

use frazil_engine::disk::Disk;
use frazil_engine::evaluator::{Evaluator, Source};
use frazil_vm::{Limits, Settings};
use std::sync::Arc;

/// The error of a program, as printed with `--show-trace`.
fn error(text: &str) -> String {
    let mut evaluator = Evaluator::new(Arc::new(Disk), Settings::default(), Limits::default());
    let result = evaluator.eval(&Source::text(text, "/"));
    evaluator.render(&result.expect_err("the program fails"), true)
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(error(text), expected.trim_start_matches('\n'), "{text}");
}

#[test]
fn a_selection_says_where_the_attribute_is_defined() {
    check(
        r#"let a = { b.c = throw "cc"; }; in a.b.c + 1"#,
        r#"
error:
       … while evaluating the attribute 'b.c'
         at «string»:1:11:
            1| let a = { b.c = throw "cc"; }; in a.b.c + 1
             |           ^

       … while calling the 'throw' builtin
         at «string»:1:17:
            1| let a = { b.c = throw "cc"; }; in a.b.c + 1
             |                 ^

       error: cc"#,
    );
}

#[test]
fn a_missing_attribute_suggests_others() {
    check(
        "{ abc = 1; }.abd",
        r#"
error: attribute 'abd' missing
       at «string»:1:1:
            1| { abc = 1; }.abd
             | ^
       Did you mean abc?"#,
    );
}

#[test]
fn calls_say_what_is_called_and_from_where() {
    check(
        "let f = x: x + null; in f 1",
        r#"
error:
       … from call site
         at «string»:1:25:
            1| let f = x: x + null; in f 1
             |                         ^

       … while calling 'f'
         at «string»:1:9:
            1| let f = x: x + null; in f 1
             |         ^

       error: cannot add null to an integer
       at «string»:1:16:
            1| let f = x: x + null; in f 1
             |                ^"#,
    );
}

#[test]
fn an_assertion_says_how_the_sides_differ() {
    check(
        "assert { a = [ 1 ]; } == { a = [ 2 ]; }; 1",
        r#"
error:
       … while evaluating the condition of the assertion '({ a = [ (1) ]; } == { a = [ (2) ]; })'
         at «string»:1:1:
            1| assert { a = [ 1 ]; } == { a = [ 2 ]; }; 1
             | ^

       … while comparing attribute 'a'

       … where left hand side is
         at «string»:1:10:
            1| assert { a = [ 1 ]; } == { a = [ 2 ]; }; 1
             |          ^

       … where right hand side is
         at «string»:1:28:
            1| assert { a = [ 1 ]; } == { a = [ 2 ]; }; 1
             |                            ^

       … while comparing list element 0

       error: an integer with value '1' is not equal to an integer with value '2'"#,
    );
}

#[test]
fn operands_are_evaluated_in_order() {
    let first = |text: &str| error(text).lines().last().unwrap_or_default().trim().to_owned();
    // The right side of an update first, and checked before the left one is evaluated.
    assert_eq!(first(r#"(throw "left") // (throw "right")"#), "error: right");
    assert_eq!(first(r#"(throw "left") // 1"#), "error: expected a set but found an integer: 1");
    assert_eq!(first(r#"let a = throw "a"; f = x: throw "f"; in a + f 1"#), "error: a");
    assert_eq!(first(r#"let s.a = throw "a"; t = throw "t"; in s.a == t.b"#), "error: a");
    assert_eq!(first(r#"let a = throw "a"; f = x: throw "f"; in "${a}${f 1}""#), "error: a");
    // Both sides of `++` before either is checked.
    assert_eq!(first(r#"1 ++ throw "right""#), "error: right");
}

#[test]
fn a_function_given_to_a_builtin_is_said_to_be_its_argument() {
    check(
        r#"builtins.sort (throw "T") [ 2 1 ]"#,
        r#"
error:
       … while calling the 'sort' builtin
         at «string»:1:1:
            1| builtins.sort (throw "T") [ 2 1 ]
             | ^

       … while evaluating the first argument passed to builtins.sort

       … while calling the 'throw' builtin
         at «string»:1:16:
            1| builtins.sort (throw "T") [ 2 1 ]
             |                ^

       error: T"#,
    );
}

#[test]
fn a_pattern_that_a_builtin_calls_has_no_call_site() {
    check(
        "builtins.foldl' (a: { b }: b) 0 [ 1 ]",
        r#"
error:
       … while calling the 'foldl'' builtin
         at «string»:1:1:
            1| builtins.foldl' (a: { b }: b) 0 [ 1 ]
             | ^

       … while evaluating the value passed for the lambda argument
         at «string»:1:21:
            1| builtins.foldl' (a: { b }: b) 0 [ 1 ]
             |                     ^

       error: expected a set but found an integer: 1"#,
    );
}

#[test]
fn a_derivation_says_what_its_file_was_doing() {
    check(
        "derivation { outputs = 1; }",
        r#"
error:
       … from call site
         at «string»:1:1:
            1| derivation { outputs = 1; }
             | ^

       … while calling anonymous lambda
         at «nix-internal»/derivation-internal.nix:30:1:
           29| */
           30| drvAttrs@{
             | ^
           31|   outputs ? [ "out" ],

       … while calling the 'head' builtin
         at «nix-internal»/derivation-internal.nix:60:2:
           59| in
           60| (builtins.head outputsList).value
             |  ^
           61|

       … while calling the 'map' builtin
         at «nix-internal»/derivation-internal.nix:57:17:
           56|
           57|   outputsList = map outputToAttrListElement outputs;
             |                 ^
           58|

       … while evaluating the second argument passed to builtins.map

       error: expected a list but found an integer: 1"#,
    );
}

#[test]
fn an_operand_that_waits_for_itself_is_at_no_position() {
    check(
        "let x = 1 * x; in x",
        r#"
error:
       … while calling the 'mul' builtin
         at «string»:1:11:
            1| let x = 1 * x; in x
             |           ^

       error: infinite recursion encountered"#,
    );
}

#[test]
fn an_updated_operand_has_one_line() {
    check(
        "{ } // null null 1",
        r#"
error:
       … in the right operand of the update (//) operator
         at «string»:1:8:
            1| { } // null null 1
             |        ^

       error: attempt to call something which is not a function but null: null
       at «string»:1:8:
            1| { } // null null 1
             |        ^"#,
    );
}

#[test]
fn a_value_keeps_the_blanks_at_its_end() {
    check(
        r#"(/. + "a ") 1"#,
        "
error: attempt to call something which is not a function but a path: /a 
       at «string»:1:1:
            1| (/. + \"a \") 1
             | ^",
    );
    check(
        r#"(/. + "a \n") 1"#,
        "
error: attempt to call something which is not a function but a path: /a
       \n       at «string»:1:1:
            1| (/. + \"a \\n\") 1
             | ^",
    );
    check(
        r#"1 / (/. + "a ")"#,
        "
error:
       … while calling the 'div' builtin
         at «string»:1:3:
            1| 1 / (/. + \"a \")
             |   ^

       … while evaluating the second operand of the division

       error: expected a float but found a path: /a ",
    );
    check(
        r#"throw "a ""#,
        r#"
error:
       … while calling the 'throw' builtin
         at «string»:1:1:
            1| throw "a "
             | ^

       error: a"#,
    );
}

#[test]
fn what_waits_for_itself_is_placed_where_it_was_asked_for() {
    let answers = [
        (r#"let x = with x; a; in x"#, "«string»:1:9:"),
        (r#"let x = with (with x; y); a; in x"#, "«string»:1:15:"),
        (r#"let x = { outPath = "${x}"; }; in "${x}""#, "«string»:1:22:"),
        (r#"let x = { ${x} = 1; }; in x"#, "«string»:1:13:"),
        (r#"let x = derivation x; in x"#, "«nix-internal»/derivation-internal.nix:30:1:"),
        (r#"let x = builtins.listToAttrs [ { name = x; value = 1; } ]; in x"#, "«string»:1:34:"),
        (r#"let x = builtins.path { path = x; }; in x"#, "«string»:1:25:"),
        (r#"let x = builtins.path { name = x; path = ./.; }; in x"#, "«string»:1:25:"),
        (r#"let x = builtins.fetchurl { url = x; }; in x"#, "«string»:1:29:"),
        (
            r#"let x = builtins.appendContext "" { "/nix/store/i9s602wqnwlz1rz6979x039a1snpz3wf-x" = x; }; in x"#,
            "«string»:1:37:",
        ),
        (r#"let x = x - x; in x"#, ""),
        (r#"let x = { y = x.y - x.y; }; in x.y"#, "«string»:1:11:"),
    ];
    for (text, expected) in answers {
        let error = error(text);
        let (_, behind) = error.split_once("error: infinite recursion encountered").expect(text);
        let place = behind.lines().nth(1).unwrap_or_default().trim_start();
        assert_eq!(place.strip_prefix("at ").unwrap_or_default(), expected, "{text}");
    }
}

#[test]
fn lists_within_lists_say_so_of_too_many() {
    let error = error("let x = [ { outPath = x; } ]; in toString x");
    assert!(error.contains("… while evaluating one element of the list\n"), "{error}");
    assert!(error.ends_with("error: stack overflow; max-call-depth exceeded"), "{error}");
}

#[test]
fn a_builtin_that_is_one_call_too_many_is_placed() {
    check(
        "let f = x: builtins.tryEval (f x); in f 1",
        r#"
error:
       … from call site
         at «string»:1:39:
            1| let f = x: builtins.tryEval (f x); in f 1
             |                                       ^

       … while calling 'f'
         at «string»:1:9:
            1| let f = x: builtins.tryEval (f x); in f 1
             |         ^

       … while calling the 'tryEval' builtin
         at «string»:1:12:
            1| let f = x: builtins.tryEval (f x); in f 1
             |            ^

       … from call site
         at «string»:1:30:
            1| let f = x: builtins.tryEval (f x); in f 1
             |                              ^

       (14998 duplicate frames omitted)

       error: stack overflow; max-call-depth exceeded
       at «string»:1:12:
            1| let f = x: builtins.tryEval (f x); in f 1
             |            ^"#,
    );
}

#[test]
fn what_a_let_selects_is_named_in_an_operand() {
    check(
        r#"(let a = { x = throw "a"; }; in a.x) + 1"#,
        r#"
error:
       … while evaluating the attribute 'x'
         at «string»:1:12:
            1| (let a = { x = throw "a"; }; in a.x) + 1
             |            ^

       … while calling the 'throw' builtin
         at «string»:1:16:
            1| (let a = { x = throw "a"; }; in a.x) + 1
             |                ^

       error: a"#,
    );
}
