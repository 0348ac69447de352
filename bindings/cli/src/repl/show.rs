//! Values as the REPL shows them: over several lines, what fails in its place.

use frazil::{Scope, Type, Value};

/// The deepest that is shown at all; what is deeper is cut short.
const DEEPEST: usize = 200;

/// A value as text, its parts down to a depth.
pub(super) fn value<'v>(scope: &mut Scope<'_, 'v>, v: Value<'v>, depth: usize) -> String {
    let mut out = String::new();
    write(scope, v, depth.min(DEEPEST), 0, &mut out);
    out
}

fn write<'v>(scope: &mut Scope<'_, 'v>, v: Value<'v>, depth: usize, indent: usize, out: &mut String) {
    let v = match scope.force(v) {
        Ok(v) => v,
        Err(error) => return out.push_str(&format!("«error: {}»", error.message())),
    };
    match scope.type_of(v) {
        Type::List => {
            let items = scope.items(v);
            if items.is_empty() {
                return out.push_str("[ ]");
            }
            if depth == 0 {
                return out.push_str("[ ... ]");
            }
            let parts: Vec<String> = items.into_iter().map(|item| part(scope, item, depth, indent)).collect();
            wrap("[", "]", parts, indent, out);
        }
        Type::Attrs => {
            if let Some(path) = derivation(scope, v) {
                return out.push_str(&format!("«derivation {path}»"));
            }
            let attrs = scope.attrs(v);
            if attrs.is_empty() {
                return out.push_str("{ }");
            }
            if depth == 0 {
                return out.push_str("{ ... }");
            }
            let parts: Vec<String> = attrs
                .into_iter()
                .map(|(key, v)| format!("{} = {};", name(&key), part(scope, v, depth, indent)))
                .collect();
            wrap("{", "}", parts, indent, out);
        }
        _ => out.push_str(&scope.show(v)),
    }
}

fn part<'v>(scope: &mut Scope<'_, 'v>, v: Value<'v>, depth: usize, indent: usize) -> String {
    let mut out = String::new();
    write(scope, v, depth - 1, indent + 2, &mut out);
    out
}

/// Parts on lines of their own, or all on one if there is only one and it is short.
fn wrap(open: &str, close: &str, parts: Vec<String>, indent: usize, out: &mut String) {
    match &parts[..] {
        [one] if !one.contains('\n') => out.push_str(&format!("{open} {one} {close}")),
        _ => {
            out.push_str(open);
            for part in &parts {
                out.push_str(&format!("\n{:1$}{part}", "", indent + 2));
            }
            out.push_str(&format!("\n{:1$}{close}", "", indent));
        }
    }
}

/// The path of a derivation, if a set is one.
fn derivation<'v>(scope: &mut Scope<'_, 'v>, v: Value<'v>) -> Option<String> {
    let kind = scope.get(v, "type")?;
    let kind = scope.force(kind).ok()?;
    if scope.as_bytes(kind)? != b"derivation" {
        return None;
    }
    let path = scope.get(v, "drvPath")?;
    let path = scope.force(path).ok()?;
    String::from_utf8(scope.as_bytes(path)?).ok()
}

/// An attribute's name as it is written.
fn name(key: &[u8]) -> String {
    const KEYWORDS: &[&str] = &["if", "then", "else", "assert", "with", "let", "in", "rec", "inherit"];
    let text = String::from_utf8_lossy(key);
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-'".contains(c))
        && !KEYWORDS.contains(&&*text);
    if is_plain { text.into_owned() } else { format!("{text:?}") }
}
