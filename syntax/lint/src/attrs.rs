//! Attributes that are defined twice, and sets that are defined in pieces.

use crate::{Finding, Rule, range, text};
use frazil_syntax::SyntaxKind;
use frazil_syntax::ast::{
    AstNode, Binding, Expr, HasBindings, HasInterpolations, InheritBinding, LetExpr, Name, SetExpr,
};
use frazil_syntax::tree::SyntaxNode;
use std::collections::BTreeMap;
use std::ops::Range;

/// The name that a part of a path says, if it stands in the text.
pub(crate) fn static_name(name: &Name) -> Option<String> {
    if let Some(ident) = name.ident() {
        return Some(ident.text().to_owned());
    }
    match name.expr() {
        None if name.interpolations().next().is_some() => None,
        None => unquoted(&text(name.syntax())),
        // `${"a"}` is as good as `"a"`.
        Some(Expr::StringExpr(string)) if string.interpolations().next().is_none() => {
            unquoted(&text(string.syntax()))
        }
        Some(_) => None,
    }
}

/// The text between quotes, unless it has escapes.
fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['\\', '\r', '$'])).then(|| inner.to_owned())
}

/// The attributes of a set so far: by name, where each was first defined, and what is in it if it is a set.
#[derive(Default)]
struct Level(BTreeMap<String, (Range<usize>, Option<Level>)>);

/// Finds attributes that are defined twice.
pub(crate) fn check(tree: &SyntaxNode, findings: &mut Vec<Finding>) {
    for node in tree.descendants() {
        let mut level = Level::default();
        match node.kind() {
            SyntaxKind::SetExpr => SetExpr::cast(node).iter().for_each(|set| level.add_all(set, findings)),
            SyntaxKind::LetExpr => LetExpr::cast(node).iter().for_each(|set| level.add_all(set, findings)),
            _ => {}
        }
    }
}

impl Level {
    fn add_all(&mut self, set: &impl HasBindings, findings: &mut Vec<Finding>) {
        for child in set.syntax().children() {
            if let Some(binding) = Binding::cast(child.clone()) {
                let path: Vec<Name> = binding.path().collect();
                self.add(&path, &binding, &path, findings);
            } else if let Some(inherit) = InheritBinding::cast(child) {
                for name in inherit.names() {
                    if let Some(word) = static_name(&name) {
                        self.add_leaf(word, range(name.syntax()), &[name], findings);
                    }
                }
            }
        }
    }

    fn add(&mut self, path: &[Name], binding: &Binding, whole: &[Name], findings: &mut Vec<Finding>) {
        let [first, rest @ ..] = path else { return };
        let Some(word) = static_name(first) else { return };
        let place = range(whole[0].syntax()).start..range(first.syntax()).end;
        let inner = match (rest.is_empty(), binding.value()) {
            (true, Some(Expr::SetExpr(set))) => Some(set),
            (true, _) => return self.add_leaf(word, place, &whole[..whole.len() - rest.len()], findings),
            (false, _) => None,
        };
        let entry = self.0.entry(word).or_insert_with(|| (place.clone(), Some(Level::default())));
        match (&mut entry.1, inner) {
            (Some(level), None) => level.add(rest, binding, whole, findings),
            // What is twice inside of the set itself is found there.
            (Some(level), Some(set)) => {
                let mut inside = Vec::new();
                level.add_all(&set, &mut inside);
                let own = range(set.syntax());
                inside.retain(|finding| finding.related.iter().any(|(at, _)| at.start < own.start));
                findings.extend(inside);
            }
            (None, _) => {
                let previous = entry.0.clone();
                findings.push(duplicate(&whole[..whole.len() - rest.len()], place, previous));
            }
        }
    }

    fn add_leaf(&mut self, word: String, place: Range<usize>, path: &[Name], findings: &mut Vec<Finding>) {
        match self.0.get(&word) {
            Some((previous, _)) => findings.push(duplicate(path, place, previous.clone())),
            None => drop(self.0.insert(word, (place, None))),
        }
    }
}

fn duplicate(path: &[Name], place: Range<usize>, previous: Range<usize>) -> Finding {
    let path: Vec<String> = path.iter().map(|name| text(name.syntax())).collect();
    Finding::new(
        Rule::DuplicateAttribute,
        place,
        format!("attribute '{}' is already defined", path.join(".")),
    )
    .related(previous, "it is defined here already")
    .hint("leave one of the definitions out")
}
