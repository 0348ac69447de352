//! Each rule at work, and what its fixes leave behind.

use frazil_lint::{Finding, Level, Rule, check};
use frazil_syntax::{Options, parse_lossless};

const GLOBALS: &[&str] =
    &["builtins", "map", "toString", "true", "false", "null", "throw", "isNull", "import"];
const OPTIONS: Options = Options { pipe_operators: false };

fn findings(source: &str) -> Vec<Finding> {
    check(source, &OPTIONS, &|name| GLOBALS.contains(&name), GLOBALS, true)
}

/// The text with a finding's fix.
fn fixed(source: &str, finding: &Finding) -> Option<String> {
    let mut edits = finding.fix.clone();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
    let mut text = source.to_owned();
    edits.iter().for_each(|edit| text.replace_range(edit.range.clone(), &edit.text));
    (!edits.is_empty()).then_some(text)
}

fn report(sources: &[&str]) -> String {
    let mut out = String::new();
    for source in sources {
        out += &format!("{source}\n");
        for finding in findings(source) {
            let Finding { rule, range, message, related, hint, .. } = &finding;
            out += &format!("  {:?} {} {:?}: {message}\n", rule.level(), rule.name(), &source[range.clone()]);
            for (place, text) in related {
                out += &format!("    {}..{} {:?}: {text}\n", place.start, place.end, &source[place.clone()]);
            }
            hint.iter().for_each(|hint| out += &format!("    hint: {hint}\n"));
            fixed(source, &finding).iter().for_each(|text| out += &format!("    fixed: {text}\n"));
        }
    }
    out
}

/// Texts that are no programs.
const BROKEN: &[&str] = &[
    "{ a = 1 }",
    "{ a = 1 b = 2; }",
    "[ 1, 2 ]",
    "{ a = 1, b = 2 }",
    "{ a = [ 1 2; b = (3; }",
    "let x = 1; x",
    "if true then 1",
    "\"abc",
    "''abc",
    "{ a = if true then { b = 1; ; }",
    "f: { x = 1; y == 2; }",
    "1 +",
    "a = 1;",
    "(1",
    "./a/",
    "{ a = 1; a = 2; b = c; }",
    "let inherit (x) a; a = 1; in a",
    "{ x.y = 1; x = { y = 2; }; x.y.z = 3; x.w = { }; x.w.v = 1; }",
    "{ a, b, a }: a",
    "a@{ a, ... }: a",
    "¬",
    "99999999999999999999",
    "let ${x} = 1; in 2",
    "x |> f",
];

/// Names and their definitions.
const SCOPES: &[&str] = &[
    "undefinedd",
    "let foo = 1; in fo",
    "lib.id 1",
    "[ a b (x: x + y) ]",
    "let a = 1; b = 2; in b",
    "let a = a; in 1",
    "let _a = 1; in 2",
    "let a.x = 1; a.y = 2; in 3",
    "let inherit (builtins) map length; in length",
    "{ a, b, ... }: a",
    "{ a, b }@args: args.b + a",
    "args@{ a, ... }: a",
    "x: 1",
    "_x: 1",
    "final: prev: { inherit (prev) a; }",
    "with builtins; 1",
    "with builtins; length [ ]",
    "with { a = 1; }; a",
    "with { a = 1; }; b",
    "a: b: with a; with b; c",
    "let a = 1; in with { a = 2; }; a",
    "rec { a = 1; b = 2; }",
    "rec { a = 1; b = a; }",
    "rec { a = 1; b = { inherit a; }; }",
    "rec { __overrides = { a = 2; }; a = 1; }",
    "let __sub = a: b: a; in 1 - 2",
    "let __nixPath = [ ]; in <x>",
    "{ a = 1; b = a; }",
    "let x = 1; in { inherit x y; }",
    "__curPos.line",
    "let \"a b\" = 1; in 2",
];

/// Expressions that could be shorter.
const SHAPES: &[&str] = &[
    "x: x == true",
    "x: false == x && x != true",
    "x: if x then true else false",
    "x: [ (if x then false else true) ]",
    "x: !(x == 1)",
    "x: !(x < 1)",
    "x: y: !(x == y) && true",
    "let in 1 + 2",
    "let a = 1; in let b = a; in b",
    "let { x = 1; body = x; }",
    "((1 + 2))",
    "[ (map) (1 + 2) (\"a\") ]",
    "map (x: x) ([ 1 ])",
    "{ a = (1 + 2); b = \"${(toString 1)}\"; }",
    "if(true)then(1)else(2)",
    "map (x: toString x)",
    "map (x: builtins.add x)",
    "map (x: builtins.add x x)",
    "{ ... }: 1",
    "{ ... }@args: args.a",
    "a: [ ] ++ a",
    "a: { } // a // { }",
    "a: b: [ ([ ] ++ a b) ]",
    "x: if x ? a then x.a else 1",
    "x: if x ? a.b then x.a.b else x.c 1",
    "x: if x ? a then x.b else 1",
    "isNull 1",
    "x: if isNull x then 1 else 2",
    "builtins.toPath \"/a\"",
    "[ https://example.org/a?b=c ]",
    "rec { or = 1; x = map or; }",
    "{ inherit; inherit (builtins) map; }",
    "x: { x = x; y = x.y; z = x.y.z; w = (x 1).w; }",
    "x: rec { x = x; y = x; }",
    "{ a.b = 1; a.c = 2; a.d = 3; }",
];

#[test]
fn broken_texts() {
    insta::assert_snapshot!(report(BROKEN));
}

#[test]
fn scopes() {
    insta::assert_snapshot!(report(SCOPES));
}

#[test]
fn shapes() {
    insta::assert_snapshot!(report(SHAPES));
}

#[test]
fn every_rule_has_an_example() {
    let all: Vec<&str> = [BROKEN, SCOPES, SHAPES].concat();
    let shown: Vec<Rule> = all.iter().flat_map(|source| findings(source)).map(|f| f.rule).collect();
    let missing: Vec<&Rule> = Rule::ALL.iter().filter(|rule| !shown.contains(rule)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_fixed_lint_leaves_a_program_and_goes() {
    for source in [SCOPES, SHAPES].concat() {
        for finding in findings(source).into_iter().filter(|finding| finding.rule.level() != Level::Error) {
            let Some(text) = fixed(source, &finding) else { continue };
            assert_eq!(parse_lossless(&text, &OPTIONS).1, [], "{source}\n{text}");
            let before = findings(source).iter().filter(|f| f.rule == finding.rule).count();
            let after = findings(&text).iter().filter(|f| f.rule == finding.rule).count();
            assert!(after < before, "{} stays in {text}", finding.rule.name());
        }
    }
}

#[test]
fn names_of_rules_are_unique() {
    let mut names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
}
