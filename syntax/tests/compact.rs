//! The compact tree, and what CppNix 2.34.8 says of texts that have none.

use frazil_syntax::error::SyntaxErrorKind;
use frazil_syntax::expr::{Args, AttrValue, Expr, Exprs, LintKind, NO_POS};
use frazil_syntax::show::{Places, show};
use frazil_syntax::symbol::Symbols;
use frazil_syntax::{Options, parse};

const OPTIONS: Options = Options { pipe_operators: true };

/// What `nix-instantiate --parse` prints, or its message with the byte it points at.
fn check(source: impl AsRef<[u8]>, expected: &str) {
    let mut symbols = Symbols::new();
    let found = match parse(source.as_ref(), &mut symbols, &OPTIONS) {
        Ok(exprs) => show(&exprs, &symbols, Places { base: b"/base", home: b"/home/u" }),
        Err(error) => {
            let message = error.render(|offset| format!("byte {offset}"));
            [format!("{}: ", error.offset).as_bytes(), &message].concat()
        }
    };
    let source = String::from_utf8_lossy(source.as_ref()).into_owned();
    assert_eq!(String::from_utf8_lossy(&found), expected, "of {source:?}");
}

fn tree(source: &str) -> (Exprs, Symbols) {
    let mut symbols = Symbols::new();
    let exprs = parse(source.as_bytes(), &mut symbols, &OPTIONS).expect("it is right");
    (exprs, symbols)
}

#[test]
fn operators() {
    check("1 + 2 * 3 - 4", "(__sub (1 + (__mul 2 3)) 4)");
    check("a: a ++ a ++ a", "(a: (a ++ (a ++ a)))");
    check("-1 ? a", "(((__sub 0 1)) ? a)");
    check("!a && b -> c || d", "(((! a) && b) -> (c || d))");
    check("a <= b", "(! (__lessThan b a))");
    check("a > b", "(__lessThan b a)");
    check("a == b == c", "7: syntax error, unexpected '=='");
    check("a |> f x |> g", "(g (f x a))");
    check("f <| g <| a", "(f (g a))");
}

#[test]
fn calls() {
    check("f a b", "(f a b)");
    check("(f a) b", "(f a b)");
    check("(-1) 2 3", "(__sub 0 1 2 3)");
    check("<a/b> c", "(__findFile __nixPath \"a/b\" c)");
    check("<a> or", "((__findFile __nixPath \"a\") or)");
    check("(f f) or 2", "((f f) or 2)");
    check("f or a", "(f or a)");
    check("a.b or c d", "((a).b or (c) d)");
    let many = "f 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18";
    check(format!("({many}) 19"), &format!("({many} 19)"));
}

#[test]
fn strings() {
    check("\"a\\n\\t\\x$${b}\\${c}$\"", "\"a\\n\\tx$\\${b}\\${c}$\"");
    check("\"a${b}c\"", "(\"a\" + b + \"c\")");
    check("\"\r\n\r\"", "\"\\n\\n\"");
    check("''\n  a\n    b\n  ''", "\"a\\n  b\\n\"");
    check("''\n  a\n   ${b}\n ''", "(\"a\\n \" + b + \"\\n\")");
    check("''a''$b'''c''\\nd''", "(\"a\" + \"$\" + \"b\" + \"''\" + \"c\" + \"\\n\" + \"d\")");
    check("''${\"a\"}''", "\"a\"");
    check("''''", "\"\"");
    check("http://a.b/c", "\"http://a.b/c\"");
}

#[test]
fn any_bytes() {
    check(b"\"\xff\"", "\"\u{fffd}\"");
    check(b"''\xff''", "\"\u{fffd}\"");
    check(b"1 # \xff", "1");
    check(b"1 /* \xff */", "1");
    check(b"\xff", "0: syntax error, unexpected invalid token");
    check("1 \0 2", "1");
    check(
        "\"a\0b\"",
        "1: input string 'a␀b' cannot be represented as Nix string because it contains null bytes",
    );
    check(
        "''a\0b''",
        "2: input string 'a␀b' cannot be represented as Nix string because it contains null bytes",
    );
}

#[test]
fn paths() {
    check("./a", "/base/a");
    check("a/../b", "/base/b");
    check("../../a", "/a");
    check("~/a", "/home/u/a");
    check("./a/${b}/c", "(/base/a/ + b + \"/c\")");
    check("/${b}", "(/ + b)");
    check("[ ./a/]", "6: path has a trailing slash");
    check("[ ./a/", "2: path has a trailing slash");
    check("[ a/b//c ]", "6: syntax error, unexpected end of path, expecting '${'");
    check("[ a/b//c", "2: syntax error, unexpected end of path, expecting '${'");
    check("[ 1 a/b", "4: syntax error, unexpected end of file");
}

#[test]
fn numbers() {
    check("9223372036854775807", "9223372036854775807");
    check("9223372036854775808", "0: invalid integer '9223372036854775808'");
    check("1.5e400", "0: invalid float '1.5e400'");
    check("1.5", "1.5");
    check("1000000.0", "1e+06");
    check("123456.7", "123457");
    check("0.00001", "1e-05");
    check("0.0", "0");
}

#[test]
fn sets() {
    check("{ b = 1; a = 2; }", "{ a = 2; b = 1; }");
    check("{ a.b = 1; a.c = 2; }", "{ a = { b = 1; c = 2; }; }");
    check("{ a = { b = 1; }; a.c.d = 2; a.c.e = 3; }", "{ a = { b = 1; c = { d = 2; e = 3; }; }; }");
    check("{ a = rec { b = 1; }; a = { c = 2; }; }", "{ a = rec { b = 1; c = 2; }; }");
    check("{ a = { b = 1; }; a = rec { c = 2; }; }", "{ a = { b = 1; c = 2; }; }");
    check(
        "{ a = { inherit (x) b; }; a = { inherit (y) c; inherit d; ${e} = 1; }; }",
        "{ a = { inherit d; inherit (x) b; inherit (y) c; \"${e}\" = 1; }; }",
    );
    check("{ ${a}.b = 1; ${a}.c = 2; }", "{ \"${a}\" = { b = 1; }; \"${a}\" = { c = 2; }; }");
    check("{ ${\"a\"} = 1; \"b c\" = 2; \"if\" = 3; }", "{ a = 1; \"b c\" = 2; \"if\" = 3; }");
    check("let { body = 1; }", "(rec { body = 1; }).body");
    check("{ a.or = 1; }.a.or", "({ a = { or = 1; }; }).a.or");
}

#[test]
fn duplicates() {
    check("{ a = 1; a = 2; }", "9: attribute 'a' already defined at byte 2");
    check("{ a.b = 1; a.b.c = 2; }", "11: attribute 'a.b' already defined at byte 2");
    check("{ a = { b = 1; }; a.b = 2; }", "18: attribute 'a.b' already defined at byte 8");
    check("{ inherit a; a.b = 1; }", "13: attribute 'a' already defined at byte 10");
    check("{ a = 1; inherit (x) \"a\"; }", "21: attribute 'a' already defined at byte 2");
    check("{ a = { b = 1; }; a = { b = 2; }; }", "24: attribute 'a.b' already defined at byte 8");
    // The first error is reported, though the set has not ended where the second is.
    check("{ a = 1; a = 2; b = {c = 1; c = 2;}; ! }", "9: attribute 'a' already defined at byte 2");
    check("{ a, b, a }: 1", "8: duplicate formal function argument 'a'");
    check("a@{ a }: 1", "0: duplicate formal function argument 'a'");
    check("let ${a} = 1; in 1", "0: dynamic attributes not allowed in let");
    check("{ inherit ${a}; }", "10: dynamic attributes not allowed in inherit");
}

#[test]
fn syntax_errors() {
    check("", "0: syntax error, unexpected end of file");
    check("{ a = 1 b = 2; }", "10: syntax error, unexpected '=', expecting ';'");
    check("{ 1.5 = x; }", "2: syntax error, unexpected floating-point literal, expecting 'inherit'");
    check("{ a ... }", "4: syntax error, unexpected '...', expecting '.' or '='");
    check("a.if", "2: syntax error, unexpected 'if', expecting identifier or 'or' or '${' or '\"'");
    check("/* a", "0: syntax error, unexpected '/'");
    check("\"a$", "3: syntax error, unexpected end of file, expecting '\"'");
}

#[test]
fn pipes_are_experimental() {
    let error = parse(b"a |> b", &mut Symbols::new(), &Options::default()).expect_err("off by default");
    let message = error.render(|_| unreachable!("no other place"));
    let expected = "experimental Nix feature 'pipe-operators' is disabled; \
        add '--extra-experimental-features pipe-operators' to enable it";
    assert_eq!((error.offset, String::from_utf8_lossy(&message)), (2, expected.into()));
}

#[test]
fn positions() {
    for (source, pos) in [
        ("a + b", 2),
        ("(a) + b", 4),
        ("a == b", NO_POS),
        ("!a", 1),
        ("f a b", 0),
        ("(f a) b", 1),
        ("a <| b", 2),
        ("a > b", 2),
        (" [ 1 a ]", NO_POS),
        (" [ a ]", 3),
        (" { }", 1),
        ("\"${a}\"", 1),
        ("let a = 1; in a", NO_POS),
        (" (1)", NO_POS),
    ] {
        let (exprs, _) = tree(source);
        assert_eq!(exprs.pos(exprs.root.expect("a tree has a root")), pos, "of {source:?}");
    }
}

#[test]
fn operands_of_plus_start_with_their_parentheses_and_quotes() {
    for (source, starts) in [
        ("a + b", [0, 4]),
        ("(a) + (b)", [0, 6]),
        (" [ 1 a ] + { }", [1, 11]),
        ("\"${a}\" + ''b''", [0, 9]),
        ("f a b + !c", [0, 8]),
        ("(f a) b + ((1))", [0, 10]),
        ("a + b + c", [0, 8]),
    ] {
        let (exprs, _) = tree(source);
        let root = exprs.root.expect("a tree has a root");
        assert_eq!(exprs.operand_starts(root), starts, "of {source:?}");
    }
}

#[test]
fn lambdas_have_names_and_doc_comments() {
    let (exprs, symbols) = tree("{ /** outer */ f = a: /** inner */ b: c: 1; x.g = (d: 2); ${k} = e: 3; }");
    let found: Vec<_> = exprs
        .lambdas
        .iter()
        .map(|lambda| {
            let text = |symbol| String::from_utf8_lossy(symbols.name(symbol)).into_owned();
            (lambda.arg.map(text).expect("named"), lambda.name.map(text), lambda.doc.map(|doc| doc.start))
        })
        .collect();
    let expected = [
        ("c", Some("f"), Some(22)),
        ("b", Some("f"), Some(22)),
        ("a", Some("f"), Some(2)),
        ("d", Some("g"), None),
        ("e", None, None),
    ];
    let expected = expected.map(|(arg, name, doc)| (arg.to_owned(), name.map(str::to_owned), doc));
    assert_eq!(found, expected);
    let documented: Vec<_> = exprs.docs.iter().map(|&(pos, doc)| (pos, doc.start)).collect();
    assert_eq!(documented, [(15, 2), (19, 2), (35, 22)]);
}

#[test]
fn calls_may_have_more_arguments_than_a_node() {
    let program = format!("f{}", " x".repeat(2 * Args::MAX as usize + 3));
    check(&program, &format!("({program})"));
    let (exprs, _) = tree(&program);
    let mut lengths = Vec::new();
    let mut at = exprs.root.expect("it is a program");
    while let Expr::Call(function, args) = exprs.get(at) {
        lengths.push(args.run().len);
        at = function;
    }
    assert_eq!(lengths, [3, Args::MAX, Args::MAX]);
}

#[test]
fn texts_without_end_are_refused() {
    let error = parse(&vec![0; 1 << 29], &mut Symbols::new(), &OPTIONS).expect_err("it is too long");
    assert_eq!(error.kind, SyntaxErrorKind::TooLong);
}

#[test]
fn formals_are_sorted() {
    let (exprs, symbols) = tree("{ b, a ? 1, c }: 1");
    let names: Vec<&[u8]> = exprs.formals.iter().map(|formal| symbols.name(formal.name)).collect();
    assert_eq!(names, [b"a", b"b", b"c"]);
}

#[test]
fn inherited_sources_are_counted_per_set() {
    let (exprs, _) = tree("{ inherit (a) b c; inherit (d) e; }");
    let sources: Vec<_> = exprs
        .attrs
        .iter()
        .map(|attr| match attr.value() {
            AttrValue::InheritedFrom(source) => source,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sources, [0, 0, 1]);
    assert_eq!(exprs.set(0).sources.len, 2);
}

#[test]
fn lints() {
    let (exprs, _) = tree("[ x:y /a ~/a a/b ./a (f or) f or ]");
    let found: Vec<_> = exprs.lints.iter().map(|lint| (lint.kind, lint.start, lint.end)).collect();
    let expected = [
        (LintKind::Uri, 2, 5),
        (LintKind::AbsolutePath, 6, 8),
        (LintKind::HomePath, 9, 12),
        (LintKind::ShortPath, 13, 16),
        (LintKind::Or, 28, 32),
    ];
    assert_eq!(found, expected);
}

/// How deep a text may be nested: as deep as it likes.
#[test]
fn depth() {
    const DEPTH: usize = 1_000_000;
    for (open, middle, close) in [
        ("[", "", "]"),
        ("(", "1", ")"),
        ("{a=", "1", ";}"),
        ("a: ", "1", ""),
        ("{ a }: ", "1", ""),
        ("1 + (", "1", ")"),
        ("a ++ ", "a", ""),
        ("a // ", "a", ""),
        ("a -> ", "a", ""),
        ("a <| ", "a", ""),
        ("!", "a", ""),
        ("- ", "1", ""),
        ("if a then b else ", "1", ""),
        ("if ", "a", " then b else c"),
        ("with a; ", "1", ""),
        ("assert a; ", "1", ""),
        ("let a = 1; in ", "1", ""),
        ("let a = ", "1", "; in a"),
        ("a.b or ", "c", ""),
        ("{ a ? ", "1", " }: 2"),
        ("\"${", "1", "}\""),
        ("''${", "1", "}''"),
        ("./${", "1", "}"),
        ("(", "f", " a)"),
        ("", "f", " a"),
        ("", "a", ".b"),
        ("", "a", " ? b"),
        ("", "a", " + a"),
        ("", "{ a.b", ".b"),
    ] {
        let ending = if middle == "{ a.b" { " = 1; }" } else { "" };
        let source = [&open.repeat(DEPTH), middle, &close.repeat(DEPTH), ending].concat();
        let mut symbols = Symbols::new();
        let exprs = parse(source.as_bytes(), &mut symbols, &OPTIONS);
        let exprs = exprs.unwrap_or_else(|error| panic!("{open}{middle}{close}: {error:?}"));
        assert!(!show(&exprs, &symbols, Places { base: b"/", home: b"/" }).is_empty());
        let cut = [&open.repeat(DEPTH), middle].concat();
        drop(parse(cut.as_bytes(), &mut symbols, &OPTIONS));
    }
}

/// What could tempt a lexer or a parser to read a text again and again: were it to, this would take hours.
#[test]
fn length() {
    const UNITS: &[&str] = &[
        "1.1",
        ".1",
        "+",
        "-",
        "/*a",
        "/**a",
        "''",
        "''$",
        "\"",
        "$",
        "a.b_",
        "a/",
        "/",
        "<a",
        "~/",
        "~/a",
        "a:",
        "\\",
        "a'b.c",
        "a=1;",
        "a.b=1;",
        "inherit a;",
        "\"a\".",
        "${a}.",
        "a@",
        "{a?",
        "...",
        ")",
        "if a",
        "let a=",
        "''a''${",
    ];
    for unit in UNITS {
        for start in ["", "{ ", "''", "\"", "[ "] {
            let source = start.to_owned() + &unit.repeat(200_000);
            drop(parse(source.as_bytes(), &mut Symbols::new(), &OPTIONS));
        }
    }
}

#[test]
fn current_position() {
    let (exprs, _) = tree("__curPos");
    assert_eq!(exprs.root.map(|root| exprs.get(root)), Some(Expr::CurPos));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(source: Vec<u8>) {
        drop(parse(&source, &mut Symbols::new(), &OPTIONS));
    }
}
