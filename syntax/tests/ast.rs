//! Typed views find what they are named after.

use frazil_syntax::ast::{AstNode, Expr, File, HasBindings, HasInterpolations};
use frazil_syntax::{Options, parse_lossless};

fn expr(source: &str) -> Expr {
    let (tree, errors) = parse_lossless(source, &Options::default());
    assert_eq!(errors, []);
    File::cast(tree).and_then(|file| file.expr()).expect("the file has an expression")
}

fn text(node: Option<impl AstNode>) -> String {
    node.map(|node| node.syntax().text().to_string()).unwrap_or_default()
}

#[test]
fn lambdas() {
    let Expr::Lambda(lambda) = expr("{ a, b ? 1, ... }@c: d") else { panic!("a lambda") };
    let pattern = lambda.pattern().expect("it has a pattern");
    assert_eq!(pattern.formals().map(|formal| text(formal.default())).collect::<Vec<_>>(), ["", "1"]);
    assert!(pattern.has_ellipsis());
    assert_eq!(lambda.arg().map(|arg| arg.text().to_owned()).as_deref(), Some("c"));
    assert_eq!(text(lambda.body()), "d");
}

#[test]
fn sets() {
    let Expr::SetExpr(set) = expr("rec { a.\"b\".${c} = 1; inherit (d) e f; }") else { panic!("a set") };
    assert!(set.is_recursive());
    let binding = set.bindings().next().expect("it has a binding");
    assert_eq!(binding.path().map(|name| text(Some(name))).collect::<Vec<_>>(), ["a", "\"b\"", "${c}"]);
    assert_eq!(text(binding.value()), "1");
    let inherit = set.inherits().next().expect("it inherits");
    assert_eq!((text(inherit.from()), inherit.names().count()), ("d".to_owned(), 2));
}

#[test]
fn operators() {
    let Expr::BinaryExpr(sum) = expr("a.b.c or d + -1") else { panic!("a sum") };
    assert_eq!(sum.operator().map(|token| token.text().to_owned()).as_deref(), Some("+"));
    let Some(Expr::SelectExpr(select)) = sum.left() else { panic!("a selection") };
    assert_eq!(
        (text(select.base()), select.path().count(), text(select.default())),
        ("a".into(), 2, "d".into())
    );
    assert_eq!(text(sum.right()), "-1");
}

#[test]
fn strings() {
    let Expr::StringExpr(string) = expr("\"a${b}c${d}\"") else { panic!("a string") };
    let found: Vec<_> = string.interpolations().map(|interpolation| text(interpolation.expr())).collect();
    assert_eq!(found, ["b", "d"]);
}
