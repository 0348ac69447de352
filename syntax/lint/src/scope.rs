//! What each name means: names that mean nothing, and bindings that nothing means.

use crate::attrs::static_name;
use crate::{Finding, Rule, range, token_range};
use frazil_syntax::SyntaxKind;
use frazil_syntax::ast::{
    AstNode, Binding, CallExpr, Expr, HasBindings, InheritBinding, Lambda, LetBodyExpr, LetExpr, SetExpr,
    Var, WithExpr,
};
use frazil_syntax::tree::SyntaxNode;
use std::collections::BTreeMap;
use std::ops::Range;

/// What binds a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Let,
    Attribute,
    Formal,
    Argument,
    Alias,
}

struct Bound {
    kind: Kind,
    name: Range<usize>,
    /// All of the text that goes if it goes, if that changes nothing else.
    whole: Option<Range<usize>>,
    used: bool,
}

enum Layer {
    Names(BTreeMap<String, Bound>),
    With(With),
}

struct With {
    keyword: Range<usize>,
    /// From the keyword to the body.
    head: Range<usize>,
    used: bool,
    /// The attributes, if the set stands in the text.
    attrs: Option<Vec<String>>,
}

struct Scopes<'a> {
    layers: Vec<Layer>,
    is_global: &'a dyn Fn(&str) -> bool,
    globals: &'a [&'a str],
    findings: &'a mut Vec<Finding>,
}

/// Finds names without definition, and definitions without use.
pub(crate) fn check(
    tree: &SyntaxNode,
    is_global: &dyn Fn(&str) -> bool,
    globals: &[&str],
    findings: &mut Vec<Finding>,
) {
    Scopes { layers: Vec::new(), is_global, globals, findings }.children(tree);
}

impl Scopes<'_> {
    fn children(&mut self, node: &SyntaxNode) {
        node.children().for_each(|child| self.node(&child));
    }

    fn expr(&mut self, expr: Option<Expr>) {
        expr.iter().for_each(|expr| self.node(expr.syntax()));
    }

    fn node(&mut self, node: &SyntaxNode) {
        match node.kind() {
            SyntaxKind::Var => {
                if let Some(name) = Var::cast(node.clone()).and_then(|var| var.name()) {
                    self.meet(name.text(), token_range(&name));
                }
            }
            SyntaxKind::Literal => {
                if node.first_token().is_some_and(|token| token.kind() == SyntaxKind::SearchPath) {
                    ["__findFile", "__nixPath"].iter().for_each(|name| {
                        self.touch(name);
                    });
                }
            }
            SyntaxKind::CallExpr => {
                if CallExpr::cast(node.clone()).is_some_and(|call| call.argument().is_none()) {
                    self.touch("or");
                }
                self.children(node);
            }
            SyntaxKind::UnaryExpr | SyntaxKind::BinaryExpr => {
                // Operators call builtins by names that the program may have bound.
                ["__sub", "__mul", "__div", "__lessThan"].iter().for_each(|name| {
                    self.touch(name);
                });
                self.children(node);
            }
            SyntaxKind::LetExpr => LetExpr::cast(node.clone()).iter().for_each(|node| self.let_expr(node)),
            SyntaxKind::LetBodyExpr => LetBodyExpr::cast(node.clone()).iter().for_each(|node| {
                self.recursive(node, Kind::Attribute);
            }),
            SyntaxKind::SetExpr => SetExpr::cast(node.clone()).iter().for_each(|node| self.set(node)),
            SyntaxKind::Lambda => Lambda::cast(node.clone()).iter().for_each(|node| self.lambda(node)),
            SyntaxKind::WithExpr => WithExpr::cast(node.clone()).iter().for_each(|node| self.with(node)),
            _ => self.children(node),
        }
    }

    // ---- uses -----------------------------------------------------------------------------------------

    /// Marks a name as used, if the program binds it.
    fn touch(&mut self, name: &str) -> bool {
        for layer in self.layers.iter_mut().rev() {
            if let Layer::Names(names) = layer
                && let Some(bound) = names.get_mut(name)
            {
                bound.used = true;
                return true;
            }
        }
        false
    }

    fn meet(&mut self, name: &str, place: Range<usize>) {
        if self.touch(name) {
            return self.warn_of_hiding(name, place);
        }
        if name == "__curPos" || (self.is_global)(name) {
            return;
        }
        let mut withs: Vec<&mut With> = Vec::new();
        for layer in self.layers.iter_mut().rev() {
            if let Layer::With(with) = layer {
                withs.push(with);
            }
        }
        if withs.is_empty() {
            return self.undefined(name, place);
        }
        // What is known to be in a set is not looked for further out.
        let mut asked = Vec::new();
        for with in withs {
            match &with.attrs {
                Some(attrs) if attrs.iter().any(|attr| attr == name) => {
                    with.used = true;
                    asked.push(with.keyword.clone());
                    break;
                }
                Some(_) => {}
                None => {
                    with.used = true;
                    asked.push(with.keyword.clone());
                }
            }
        }
        if asked.is_empty() {
            return self.undefined(name, place);
        }
        if let [inner, outer @ ..] = &asked[..]
            && !outer.is_empty()
            && !self.findings.iter().any(|f| f.rule == Rule::AmbiguousWith && f.range == *inner)
        {
            let message = format!("'{name}' and other names may come from this set or from one further out");
            let mut finding = Finding::new(Rule::AmbiguousWith, inner.clone(), message)
                .related(place, "a name that is looked for in both")
                .hint("select names from the set that is meant, or inherit them");
            for keyword in outer {
                finding = finding.related(keyword.clone(), "this set is searched, too");
            }
            self.findings.push(finding);
        }
    }

    /// Bindings win over `with`, however far out they stand.
    fn warn_of_hiding(&mut self, name: &str, place: Range<usize>) {
        for layer in self.layers.iter().rev() {
            match layer {
                Layer::Names(names) if names.contains_key(name) => return,
                Layer::With(With { attrs: Some(attrs), keyword, .. })
                    if attrs.iter().any(|attr| attr == name) =>
                {
                    let keyword = keyword.clone();
                    let message =
                        format!("'{name}' is the binding further out, not the attribute that 'with' brings");
                    let finding = Finding::new(Rule::HiddenByBinding, place, message)
                        .related(keyword, "this set has the attribute")
                        .hint(format!("select '{name}' from the set, or rename the binding"));
                    self.findings.push(finding);
                    return;
                }
                _ => {}
            }
        }
    }

    fn undefined(&mut self, name: &str, place: Range<usize>) {
        let message = format!("undefined variable '{name}'");
        let mut finding = Finding::new(Rule::UndefinedVariable, place, message);
        let bound = self.layers.iter().filter_map(|layer| match layer {
            Layer::Names(names) => Some(names.keys().map(String::as_str)),
            Layer::With(_) => None,
        });
        let names = bound.flatten().chain(self.globals.iter().copied());
        let near = names.map(|other| (distance(name, other), other));
        let near = near.filter(|(d, other)| *d <= name.len().max(other.len()) / 3).min();
        if let Some((_, near)) = near {
            finding = finding.hint(format!("did you mean '{near}'?"));
        } else if matches!(name, "lib" | "pkgs" | "config" | "stdenv") {
            finding = finding.hint(format!("take it as an argument: '{{ {name}, ... }}:'"));
        }
        self.findings.push(finding);
    }

    // ---- definitions ----------------------------------------------------------------------------------

    /// The names that bindings define.
    fn names_of(set: &impl HasBindings, kind: Kind) -> BTreeMap<String, Bound> {
        let mut names: BTreeMap<String, Bound> = BTreeMap::new();
        for child in set.syntax().children() {
            if let Some(binding) = Binding::cast(child.clone()) {
                let Some(first) = binding.path().next() else { continue };
                let Some(word) = static_name(&first) else { continue };
                let whole = Some(range(binding.syntax()));
                let bound = Bound { kind, name: range(first.syntax()), whole, used: false };
                // What is defined in several pieces goes in several pieces.
                names.entry(word).and_modify(|bound| bound.whole = None).or_insert(bound);
            } else if let Some(inherit) = InheritBinding::cast(child) {
                let alone = inherit.names().count() == 1;
                for name in inherit.names() {
                    let Some(word) = static_name(&name) else { continue };
                    let own = range(name.syntax());
                    let whole = if alone { range(inherit.syntax()) } else { own.clone() };
                    names.insert(word, Bound { kind, name: own, whole: Some(whole), used: false });
                }
            }
        }
        names
    }

    /// The bindings of something whose values see its names. Answers how many of the names were used.
    fn recursive(&mut self, set: &impl HasBindings, kind: Kind) -> usize {
        // What is inherited plainly is of the scope around.
        for inherit in set.inherits().filter(|inherit| inherit.from().is_none()) {
            self.inherited(&inherit);
        }
        self.layers.push(Layer::Names(Self::names_of(set, kind)));
        for child in set.syntax().children() {
            match InheritBinding::cast(child.clone()) {
                Some(inherit) => self.expr(inherit.from()),
                None => self.node(&child),
            }
        }
        self.leave()
    }

    fn inherited(&mut self, inherit: &InheritBinding) {
        for name in inherit.names() {
            if let Some(word) = static_name(&name) {
                self.meet(&word, range(name.syntax()));
            }
        }
    }

    fn let_expr(&mut self, node: &LetExpr) {
        // The body is a child like the bindings.
        self.recursive(node, Kind::Let);
    }

    fn set(&mut self, node: &SetExpr) {
        if node.is_recursive() {
            let used = self.recursive(node, Kind::Attribute);
            let keyword = node
                .syntax()
                .children_with_tokens()
                .filter_map(|child| child.into_token())
                .find(|token| token.kind() == SyntaxKind::Rec);
            let overrides = Self::names_of(node, Kind::Attribute).contains_key("__overrides");
            if let (0, Some(keyword), false) = (used, keyword, overrides) {
                let keyword = token_range(&keyword);
                let end = node
                    .syntax()
                    .children_with_tokens()
                    .filter_map(|child| child.into_token())
                    .find(|token| token.kind() == SyntaxKind::BraceOpen)
                    .map_or(keyword.end, |brace| token_range(&brace).start);
                let finding =
                    Finding::new(Rule::UselessRec, keyword.clone(), "no attribute of this set uses another")
                        .hint("leave 'rec' out")
                        .edit(keyword.start..end, "");
                self.findings.push(finding);
            }
            return;
        }
        for child in node.syntax().children() {
            match InheritBinding::cast(child.clone()) {
                Some(inherit) if inherit.from().is_none() => self.inherited(&inherit),
                Some(inherit) => self.expr(inherit.from()),
                None => self.node(&child),
            }
        }
    }

    fn lambda(&mut self, node: &Lambda) {
        let mut names = BTreeMap::new();
        let pattern = node.pattern();
        let mut add = |word: String, bound: Bound, findings: &mut Vec<Finding>| {
            if let Some(previous) = names.get(&word).map(|bound: &Bound| bound.name.clone()) {
                let message = format!("duplicate formal function argument '{word}'");
                findings.push(
                    Finding::new(Rule::DuplicateFormal, bound.name, message)
                        .related(previous, "it stands here already"),
                );
            } else {
                names.insert(word, bound);
            }
        };
        if let Some(arg) = node.arg() {
            let kind = if pattern.is_some() { Kind::Alias } else { Kind::Argument };
            let bound = Bound { kind, name: token_range(&arg), whole: None, used: false };
            add(arg.text().to_owned(), bound, self.findings);
        }
        for formal in pattern.iter().flat_map(|pattern| pattern.formals()) {
            if let Some(name) = formal.name() {
                let bound = Bound { kind: Kind::Formal, name: token_range(&name), whole: None, used: false };
                add(name.text().to_owned(), bound, self.findings);
            }
        }
        self.layers.push(Layer::Names(names));
        pattern.iter().flat_map(|pattern| pattern.formals()).for_each(|formal| self.expr(formal.default()));
        self.expr(node.body());
        self.leave();
    }

    fn with(&mut self, node: &WithExpr) {
        self.expr(node.scope());
        let whole = range(node.syntax());
        let body = node.body().map(|body| range(body.syntax()));
        let attrs = match node.scope() {
            Some(Expr::SetExpr(set)) => {
                let names = Self::names_of(&set, Kind::Attribute);
                let all =
                    set.bindings().all(|b| b.path().next().is_some_and(|name| static_name(&name).is_some()));
                all.then(|| names.into_keys().collect())
            }
            _ => None,
        };
        self.layers.push(Layer::With(With {
            keyword: whole.start..whole.start + "with".len(),
            head: whole.start..body.map_or(whole.end, |body| body.start),
            used: false,
            attrs,
        }));
        self.expr(node.body());
        self.leave();
    }

    /// The innermost scope ends. Answers how many of its names were used.
    fn leave(&mut self) -> usize {
        match self.layers.pop() {
            Some(Layer::Names(names)) => {
                let has_used_alias = names.values().any(|bound| bound.kind == Kind::Alias && bound.used);
                let used = names.values().filter(|bound| bound.used).count();
                for (name, bound) in names {
                    if !bound.used && !name.starts_with('_') {
                        self.unused(&name, bound, has_used_alias);
                    }
                }
                used
            }
            Some(Layer::With(with)) => {
                if !with.used {
                    let finding =
                        Finding::new(Rule::UnusedWith, with.keyword, "no name is looked up in this set")
                            .hint("leave the 'with' out")
                            .edit(with.head, "");
                    self.findings.push(finding);
                }
                0
            }
            None => 0,
        }
    }

    fn unused(&mut self, name: &str, bound: Bound, has_used_alias: bool) {
        let place = bound.name.clone();
        let finding = match bound.kind {
            Kind::Attribute => return,
            // It may be used by way of the whole argument.
            Kind::Formal if has_used_alias => return,
            Kind::Let => {
                let finding =
                    Finding::new(Rule::UnusedLet, place, format!("'{name}' is bound, but not used"))
                        .hint("leave the binding out");
                match bound.whole {
                    Some(whole) => finding.edit(whole, ""),
                    None => finding,
                }
            }
            Kind::Formal => {
                Finding::new(Rule::UnusedFormal, place, format!("the formal '{name}' is not used"))
                    .hint("leave it out, with '...' for callers that pass it")
            }
            Kind::Argument => {
                Finding::new(Rule::UnusedArgument, place, format!("the argument '{name}' is not used"))
                    .hint(format!("call it '_{name}' to say so"))
                    .edit(bound.name, format!("_{name}"))
            }
            Kind::Alias => Finding::new(
                Rule::UnusedAlias,
                place,
                format!("the name '{name}' of the whole argument is not used"),
            )
            .hint("leave it out, with its '@'"),
        };
        self.findings.push(finding);
    }
}

/// How many characters have to be changed, put in or left out to make one word of another.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
