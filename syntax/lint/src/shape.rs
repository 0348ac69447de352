//! Expressions that could be shorter, or that say what is out of use.

use crate::attrs::static_name;
use crate::{Finding, Rule, range, text, token_range};
use frazil_syntax::SyntaxKind;
use frazil_syntax::ast::{
    AstNode, BinaryExpr, Binding, CallExpr, Expr, HasBindings, IfExpr, InheritBinding, Lambda, LetBodyExpr,
    LetExpr, Literal, ParenExpr, SelectExpr, SetExpr, UnaryExpr,
};
use frazil_syntax::tree::SyntaxNode;
use std::collections::BTreeMap;

/// Finds them.
pub(crate) fn check(tree: &SyntaxNode, findings: &mut Vec<Finding>) {
    for node in tree.descendants() {
        let found = match node.kind() {
            SyntaxKind::BinaryExpr => BinaryExpr::cast(node).and_then(|node| binary(&node)),
            SyntaxKind::UnaryExpr => UnaryExpr::cast(node).and_then(|node| negation(&node)),
            SyntaxKind::IfExpr => IfExpr::cast(node).and_then(|node| choice(&node)),
            SyntaxKind::LetExpr => LetExpr::cast(node).and_then(|node| let_expr(&node)),
            SyntaxKind::LetBodyExpr => LetBodyExpr::cast(node).map(|node| legacy_let(&node)),
            SyntaxKind::ParenExpr => ParenExpr::cast(node).and_then(|node| parens(&node)),
            SyntaxKind::Lambda => Lambda::cast(node).and_then(|node| lambda(&node)),
            SyntaxKind::CallExpr => CallExpr::cast(node).and_then(|node| call(&node)),
            SyntaxKind::Literal => Literal::cast(node).and_then(|node| literal(&node)),
            SyntaxKind::InheritBinding => InheritBinding::cast(node).and_then(|node| inherit(&node)),
            SyntaxKind::Binding => Binding::cast(node).and_then(|node| binding(&node)),
            SyntaxKind::SetExpr => SetExpr::cast(node).and_then(|node| set(&node)),
            _ => None,
        };
        findings.extend(found);
    }
}

fn finding(rule: Rule, node: &impl AstNode, message: &str) -> Finding {
    Finding::new(rule, range(node.syntax()), message)
}

/// The finding with the whole node replaced.
fn replaced(rule: Rule, node: &impl AstNode, message: &str, with: String) -> Finding {
    finding(rule, node, message).hint(format!("write '{}'", short(&with))).edit(range(node.syntax()), with)
}

/// A text for a hint, which stands in one line.
fn short(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn source(expr: &Expr) -> String {
    text(expr.syntax())
}

fn var_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var(var) => Some(var.name()?.text().to_owned()),
        _ => None,
    }
}

fn boolean(expr: &Expr) -> Option<bool> {
    match var_name(expr)?.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// What stands in parentheses, however many.
fn inside(expr: Expr) -> Expr {
    match &expr {
        Expr::ParenExpr(paren) => paren.expr().map_or_else(|| expr.clone(), inside),
        _ => expr,
    }
}

/// An expression as it stands where only a tight one may.
fn tight(expr: &Expr) -> String {
    let is_tight = matches!(
        expr,
        Expr::Var(_)
            | Expr::Literal(_)
            | Expr::StringExpr(_)
            | Expr::IndStringExpr(_)
            | Expr::PathExpr(_)
            | Expr::ParenExpr(_)
            | Expr::SetExpr(_)
            | Expr::ListExpr(_)
            | Expr::LetBodyExpr(_)
            | Expr::SelectExpr(_)
    );
    if is_tight { source(expr) } else { format!("({})", source(expr)) }
}

fn operator(node: &BinaryExpr) -> Option<SyntaxKind> {
    Some(node.operator()?.kind())
}

/// Whether an expression has parentheses of its own or needs none where `node` stands.
fn replaces(node: &SyntaxNode, with: &Expr) -> String {
    let stands_alone = node.parent().is_none_or(|parent| {
        matches!(
            parent.kind(),
            SyntaxKind::ParenExpr
                | SyntaxKind::Binding
                | SyntaxKind::File
                | SyntaxKind::Interpolation
                | SyntaxKind::LetExpr
                | SyntaxKind::IfExpr
                | SyntaxKind::Lambda
        )
    });
    if stands_alone { source(with) } else { tight(with) }
}

fn binary(node: &BinaryExpr) -> Option<Finding> {
    let (left, right) = (node.left()?, node.right()?);
    let operator = operator(node)?;
    match operator {
        SyntaxKind::EqEq | SyntaxKind::NotEq => {
            let (value, other) = match (boolean(&left), boolean(&right)) {
                (Some(value), None) => (value, right),
                (None, Some(value)) => (value, left),
                _ => return None,
            };
            let keeps = value == (operator == SyntaxKind::EqEq);
            let with = if keeps { replaces(node.syntax(), &other) } else { format!("!{}", tight(&other)) };
            // What is no Boolean is unequal to each, but fails by itself.
            let message = "a Boolean needs no comparison";
            Some(finding(Rule::BoolComparison, node, message).hint(format!("write '{}'", short(&with))))
        }
        SyntaxKind::Concat => {
            let is_empty =
                |expr: &Expr| matches!(expr, Expr::ListExpr(list) if list.items().next().is_none());
            let other = if is_empty(&left) { right } else { is_empty(&right).then_some(left)? };
            let with = replaces(node.syntax(), &other);
            Some(replaced(Rule::EmptyConcat, node, "an empty list adds nothing", with))
        }
        SyntaxKind::Update => {
            let is_empty = |expr: &Expr| matches!(expr, Expr::SetExpr(set) if set.bindings().next().is_none() && set.inherits().next().is_none());
            let other = if is_empty(&left) { right } else { is_empty(&right).then_some(left)? };
            let with = replaces(node.syntax(), &other);
            Some(replaced(Rule::EmptyUpdate, node, "an empty set adds nothing", with))
        }
        _ => None,
    }
}

fn negation(node: &UnaryExpr) -> Option<Finding> {
    if node.operator()?.kind() != SyntaxKind::Bang {
        return None;
    }
    let Expr::BinaryExpr(inner) = inside(node.operand()?) else { return None };
    let sign = match operator(&inner)? {
        SyntaxKind::EqEq => "!=",
        SyntaxKind::NotEq => "==",
        // The others are no opposites: nothing is less than a float that is no number.
        _ => return None,
    };
    let with = format!("{} {sign} {}", source(&inner.left()?), source(&inner.right()?));
    let parent = node.syntax().parent().map(|parent| parent.kind());
    let is_operand = matches!(parent, Some(SyntaxKind::BinaryExpr | SyntaxKind::UnaryExpr));
    let with = if is_operand { format!("({with})") } else { with };
    Some(replaced(Rule::NegatedComparison, node, "a comparison says this without '!'", with))
}

fn choice(node: &IfExpr) -> Option<Finding> {
    let (condition, then, otherwise) = (node.condition()?, node.then()?, node.otherwise()?);
    if let (Some(a), Some(b)) = (boolean(&then), boolean(&otherwise))
        && a != b
    {
        let with = if a { replaces(node.syntax(), &condition) } else { format!("!{}", tight(&condition)) };
        return Some(replaced(Rule::BoolIf, node, "the condition says this itself", with));
    }
    // `if x ? a then x.a else b`
    let Expr::HasAttrExpr(has) = inside(condition) else { return None };
    let Expr::SelectExpr(select) = inside(then) else { return None };
    if select.default().is_some() || source(&has.base()?) != source(&select.base()?) {
        return None;
    }
    let path = |names: Vec<String>| names.join(".");
    let asked = path(has.path().map(|name| text(name.syntax())).collect());
    let selected = path(select.path().map(|name| text(name.syntax())).collect());
    if asked != selected || !is_plain(&select) {
        return None;
    }
    let with = format!("{} or {}", text(select.syntax()), tight(&otherwise));
    let hint = format!("write '{}'", short(&with));
    Some(finding(Rule::GuardedSelect, node, "'or' selects an attribute that may be missing").hint(hint))
}

/// Whether all names of a selection stand in the text.
fn is_plain(select: &SelectExpr) -> bool {
    select.path().all(|name| static_name(&name).is_some())
}

fn let_expr(node: &LetExpr) -> Option<Finding> {
    let body = node.body()?;
    if node.bindings().next().is_none() && node.inherits().next().is_none() {
        let with = replaces(node.syntax(), &body);
        return Some(replaced(Rule::EmptyLet, node, "this 'let' binds nothing", with));
    }
    let Expr::LetExpr(_) = body else { return None };
    let keyword = body.syntax().first_token()?;
    Some(
        Finding::new(
            Rule::NestedLet,
            token_range(&keyword),
            "this 'let' could be one with the 'let' around it",
        )
        .related(token_range(&node.syntax().first_token()?), "the 'let' around it")
        .hint("move the bindings, if they hide no name that the others use"),
    )
}

fn legacy_let(node: &LetBodyExpr) -> Finding {
    finding(Rule::LegacyLet, node, "'let { … }' is out of use")
        .hint("write 'let … in …', with 'body' behind 'in'")
}

fn parens(node: &ParenExpr) -> Option<Finding> {
    let inner = node.expr()?;
    let is_useless = match node.syntax().parent()?.kind() {
        SyntaxKind::Binding | SyntaxKind::File | SyntaxKind::ParenExpr | SyntaxKind::Interpolation => true,
        // A body takes all that follows, with or without them; but `in (…)` and the like may end a part of something else.
        SyntaxKind::LetExpr | SyntaxKind::IfExpr => {
            matches!(
                inner,
                Expr::Var(_) | Expr::Literal(_) | Expr::StringExpr(_) | Expr::SetExpr(_) | Expr::ListExpr(_)
            )
        }
        SyntaxKind::ListExpr | SyntaxKind::CallExpr | SyntaxKind::SelectExpr | SyntaxKind::BinaryExpr => {
            matches!(
                inner,
                Expr::Var(_)
                    | Expr::StringExpr(_)
                    | Expr::IndStringExpr(_)
                    | Expr::SetExpr(_)
                    | Expr::ListExpr(_)
                    | Expr::ParenExpr(_)
            )
        }
        _ => false,
    };
    if !is_useless {
        return None;
    }
    let whole = range(node.syntax());
    let inner = range(inner.syntax());
    Some(
        finding(Rule::UselessParens, node, "these parentheses change nothing")
            .hint("leave them out")
            .edit(whole.start..whole.start + 1, edge(node, inner.start, true))
            .edit(whole.end - 1..whole.end, edge(node, inner.end, false)),
    )
}

/// What has to stand where a parenthesis stood, so that words do not run together.
fn edge(node: &ParenExpr, _inner: usize, opens: bool) -> &'static str {
    let token = if opens { node.syntax().first_token() } else { node.syntax().last_token() };
    let next = token.and_then(|token| if opens { token.prev_token() } else { token.next_token() });
    match next {
        Some(next) if !next.kind().is_trivia() && next.text().ends_with(|c: char| c.is_alphanumeric()) => " ",
        _ => "",
    }
}

fn lambda(node: &Lambda) -> Option<Finding> {
    if let Some(pattern) = node.pattern() {
        if pattern.formals().next().is_some() || !pattern.has_ellipsis() {
            return None;
        }
        return Some(match node.arg() {
            Some(arg) => {
                let whole = range(node.syntax());
                let head = whole.start..node.body().map_or(whole.end, |body| range(body.syntax()).start);
                finding(Rule::UselessPattern, &pattern, "this pattern names nothing but the whole argument")
                    .hint(format!("write '{arg}:', which takes values that are no sets, too"))
                    .related(head, "the head of the function")
            }
            None => {
                finding(Rule::EmptyPattern, &pattern, "this pattern takes any set and names nothing of it")
                    .hint("write '_:', which takes values that are no sets, too")
            }
        });
    }
    // `x: f x`
    let arg = node.arg()?;
    let Expr::CallExpr(call) = node.body()? else { return None };
    let function = call.function()?;
    if var_name(&call.argument()?)? != arg.text() {
        return None;
    }
    // A call would be made early, and a name that the argument hides would mean something else.
    let is_name = match &function {
        Expr::Var(var) => var.name()?.text() != arg.text(),
        Expr::SelectExpr(select) => {
            select.default().is_none()
                && is_plain(select)
                && var_name(&select.base()?).is_some_and(|name| name != arg.text())
        }
        _ => false,
    };
    is_name.then(|| {
        finding(Rule::EtaExpansion, node, "this function only hands its argument on")
            .hint(format!("write '{}'", short(&source(&function))))
    })
}

fn call(node: &CallExpr) -> Option<Finding> {
    let function = source(&node.function()?);
    if node.argument().is_none() {
        // `f or`
        return Some(
            finding(Rule::OrName, node, "'or' as a name will mean something else in a future version of Nix")
                .hint("put the whole expression into parentheses, or rename the variable"),
        );
    }
    match function.strip_prefix("builtins.").unwrap_or(&function) {
        "isNull" | "__isNull" => {
            let with = format!("{} == null", tight(&node.argument()?));
            let is_operand = node.syntax().parent().is_some_and(|parent| Expr::cast(parent).is_some());
            let with = if is_operand { format!("({with})") } else { with };
            let message = "'isNull' is out of use";
            Some(finding(Rule::NullComparison, node, message).hint(format!("write '{}'", short(&with))))
        }
        "toPath" => Some(
            finding(Rule::DeprecatedBuiltin, node, "'toPath' is out of use")
                .hint("write '/. + string' for a path, or keep the string"),
        ),
        _ => None,
    }
}

fn literal(node: &Literal) -> Option<Finding> {
    let token = node.token()?;
    (token.kind() == SyntaxKind::Uri).then(|| {
        replaced(
            Rule::UrlLiteral,
            node,
            "URLs without quotes are deprecated",
            format!("\"{}\"", token.text()),
        )
    })
}

fn inherit(node: &InheritBinding) -> Option<Finding> {
    node.names().next().is_none().then(|| {
        finding(Rule::EmptyInherit, node, "this 'inherit' names nothing")
            .hint("leave it out")
            .edit(range(node.syntax()), "")
    })
}

/// `a = a;` and `a = x.a;`, of which the first has a meaning in sets only that are not recursive.
fn binding(node: &Binding) -> Option<Finding> {
    let mut path = node.path();
    let (name, None) = (path.next()?, path.next()) else { return None };
    let name = name.ident()?.text().to_owned();
    let parent = node.syntax().parent()?;
    match node.value()? {
        Expr::Var(var) if var.name()?.text() == name => {
            let set = SetExpr::cast(parent)?;
            (!set.is_recursive()).then(|| {
                replaced(
                    Rule::ManualInherit,
                    node,
                    "this binding repeats its name",
                    format!("inherit {name};"),
                )
            })
        }
        Expr::SelectExpr(select) if select.default().is_none() => {
            let names: Vec<_> = select.path().collect();
            let (last, before) = names.split_last()?;
            if last.ident()?.text() != name || !before.is_empty() {
                return None;
            }
            let base = source(&select.base()?);
            // In recursive bindings the source may be what is being bound.
            let root = base.split(['.', ' ']).next().unwrap_or(&base);
            if root == name {
                return None;
            }
            let base = base.strip_prefix('(').and_then(|base| base.strip_suffix(')')).unwrap_or(&base);
            Some(replaced(
                Rule::ManualInheritFrom,
                node,
                "this binding selects an attribute of its own name",
                format!("inherit ({base}) {name};"),
            ))
        }
        _ => None,
    }
}

fn set(node: &SetExpr) -> Option<Finding> {
    let mut pieces: BTreeMap<String, Vec<Binding>> = BTreeMap::new();
    for binding in node.bindings() {
        let path: Vec<_> = binding.path().collect();
        let ([first, _, ..], Some(word)) = (&path[..], path.first().and_then(static_name)) else { continue };
        let _ = first;
        pieces.entry(word).or_default().push(binding);
    }
    let (name, bindings) = pieces.into_iter().find(|(_, bindings)| bindings.len() >= 3)?;
    let mut ranges = bindings.iter().filter_map(|b| b.path().next()).map(|name| range(name.syntax()));
    let first = ranges.next()?;
    let message = format!("'{name}' is defined in {} pieces", bindings.len());
    let mut finding =
        Finding::new(Rule::SplitSet, first, message).hint(format!("write '{name} = {{ … }};' once"));
    for place in ranges {
        finding = finding.related(place, "and here");
    }
    Some(finding)
}
