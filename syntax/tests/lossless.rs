//! The lossless tree keeps every byte, whatever the text.

use frazil_syntax::tree::{MAX_DEPTH, SyntaxNode};
use frazil_syntax::{Options, SyntaxErrorKind, parse_lossless};
use std::fmt::Write;

fn tree(source: &str) -> SyntaxNode {
    let (tree, _) = parse_lossless(source, &Options::default());
    assert_eq!(tree.text(), source);
    tree
}

fn messages(source: &str) -> Vec<String> {
    let (tree, errors) = parse_lossless(source, &Options::default());
    assert_eq!(tree.text(), source);
    let message = |error: &frazil_syntax::SyntaxError| {
        let text = error.render(|offset| offset.to_string());
        format!("{}: {}", error.offset, String::from_utf8_lossy(&text))
    };
    errors.iter().map(message).collect()
}

/// The tree on one line: nodes by kind, tokens by text, trivia left out.
fn outline(node: &SyntaxNode) -> String {
    let mut out = format!("{:?}(", node.kind());
    for (at, child) in node.children_with_tokens().filter(|child| !child.kind().is_trivia()).enumerate() {
        if at > 0 {
            out.push(' ');
        }
        match child {
            rowan::NodeOrToken::Node(node) => out += &outline(&node),
            rowan::NodeOrToken::Token(token) => write!(out, "{}", token.text()).expect("a String grows"),
        }
    }
    out + ")"
}

#[test]
fn nodes() {
    for (source, expected) in [
        ("f a b # c", "File(CallExpr(CallExpr(Var(f) Var(a)) Var(b)))"),
        (
            "{ a.\"b\" = 1; inherit (x) y; }",
            "File(SetExpr({ Binding(Name(a) . Name(\" b \") = Literal(1) ;) \
             InheritBinding(inherit ( Var(x) ) Name(y) ;) }))",
        ),
        (
            "{ a ? 1, ... }@b: ./c/${a}",
            "File(Lambda(Pattern({ Formal(a ? Literal(1)) , ... }) @ b : \
             PathExpr(./c/ Interpolation(${ Var(a) }))))",
        ),
        (
            "a.b or c + -1 ? d",
            "File(BinaryExpr(SelectExpr(Var(a) . Name(b) or Var(c)) + \
             HasAttrExpr(UnaryExpr(- Literal(1)) ? Name(d))))",
        ),
        (
            "\"a${b}\" ++ ''c''",
            "File(BinaryExpr(StringExpr(\" a Interpolation(${ Var(b) }) \") ++ IndStringExpr('' c '')))",
        ),
        ("{ a = ; b = 1; }", "File(SetExpr({ Binding(Name(a) = Var() ;) Binding(Name(b) = Literal(1) ;) }))"),
    ] {
        assert_eq!(outline(&tree(source)), expected);
    }
}

#[test]
fn recovery() {
    let cases: &[(&str, &[&str])] = &[
        ("{ a = 1 }", &["8: syntax error, unexpected '}', expecting ';'"]),
        (
            "{ a = ; b = ) 2; c = [ 1; d = 3; }",
            &[
                "6: syntax error, unexpected ';'",
                "12: syntax error, unexpected ')'",
                "24: syntax error, unexpected ';'",
            ],
        ),
        ("{ a = [ (f \"b", &["13: syntax error, unexpected end of file, expecting '\"'"]),
        (
            "{ a = 1; a = 2; b = 99999999999999999999; }",
            &["9: attribute 'a' already defined at 2", "20: invalid integer '99999999999999999999'"],
        ),
        (
            "let x = 1; ¬ in ''\\ä x",
            &[
                "11: syntax error, unexpected invalid token, expecting 'in' or 'inherit'",
                "24: syntax error, unexpected end of file, \
                 expecting indented string or '${' or end of an indented string",
            ],
        ),
        ("1 \0 rest", &[]),
        ("", &["0: syntax error, unexpected end of file"]),
    ];
    for (source, expected) in cases {
        assert_eq!(messages(source), *expected, "{source}");
    }
}

#[test]
fn a_deep_tree_is_flat_at_the_top() {
    for unit in ["[", "(", "{a=", "a: ", "1+(", "!", "if a then b else ", "\"${", "a (", "- "] {
        let source = unit.repeat(100_000);
        let (tree, errors) = parse_lossless(&source, &Options::default());
        assert_eq!(tree.text(), source.as_str());
        assert!(errors.iter().any(|error| error.kind == SyntaxErrorKind::TooDeep), "{unit}");
        let depth = tree.descendants().map(|node| node.ancestors().count()).max();
        assert!(depth.is_some_and(|depth| depth <= MAX_DEPTH as usize + 1), "{unit}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text(source in ".{0,60}") {
        tree(&source);
    }

    #[test]
    fn any_tokens(tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..40)) {
        tree(&tokens.concat());
    }
}

const TOKENS: &[&str] = &[
    "a", " ", "or ", "if ", "then ", "else ", "assert ", "with ", "let ", "in ", "rec ", "inherit ", "1",
    "2.5", "./p", "./p/", "~/h", "<s/t>", "u:v", "\"", "''", "''$", "''\\", "\\", "$", "${", "}", "{", "(",
    ")", "[", "]", "=", ";", ":", "@", ",", "...", ".", "?", "!", "-", "+", "*", "/", "//", "++", "==", "<",
    "&&", "->", "|>", "# c\n", "/* c */", "/** d */", "/*", "\n", "\r\n", "'", "^", "\0", "ä", "€",
];
