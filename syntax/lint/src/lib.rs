//! What is wrong with a Nix program, and what could be better, before it runs: errors all at once, and lints.
#![forbid(unsafe_code)]

mod attrs;
pub mod rule;
mod scope;
mod shape;
mod syntax;

pub use rule::{Level, Rule};

use frazil_syntax::symbol::Symbols;
use frazil_syntax::tree::{SyntaxNode, SyntaxToken};
use frazil_syntax::{Options, SyntaxErrorKind, SyntaxKind, diagnose};
use std::ops::Range;

/// Something to say about a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What it is about.
    pub rule: Rule,
    /// Where, in bytes.
    pub range: Range<usize>,
    /// What, in one sentence without a full stop.
    pub message: String,
    /// What else belongs to it: where, and what.
    pub related: Vec<(Range<usize>, String)>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Changes that do that and keep the meaning; none if the user has to choose.
    pub fix: Vec<Edit>,
}

/// A change of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What goes.
    pub range: Range<usize>,
    /// What comes in its place.
    pub text: String,
}

impl Finding {
    fn new(rule: Rule, range: Range<usize>, message: impl Into<String>) -> Finding {
        Finding { rule, range, message: message.into(), related: Vec::new(), hint: None, fix: Vec::new() }
    }

    fn related(mut self, range: Range<usize>, text: &str) -> Finding {
        self.related.push((range, text.to_owned()));
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }

    fn edit(mut self, range: Range<usize>, text: impl Into<String>) -> Finding {
        self.fix.push(Edit { range, text: text.into() });
        self
    }
}

/// All there is to say about a text, in its order: errors, and lints if `lints`. `is_global` knows the names that need no
/// definition.
pub fn check(
    source: &str,
    options: &Options,
    is_global: &dyn Fn(&str) -> bool,
    globals: &[&str],
    lints: bool,
) -> Vec<Finding> {
    let diagnosis = diagnose(source, options);
    let mut findings = syntax::findings(&diagnosis, source);
    attrs::check(&diagnosis.tree, &mut findings);
    let is_sound = findings.is_empty();
    scope::check(&diagnosis.tree, is_global, globals, &mut findings);
    if lints && is_sound {
        shape::check(&diagnosis.tree, &mut findings);
    }
    findings.retain(|finding| lints || finding.rule.level() == Level::Error);
    // What stands in a text that cannot be read may not be what was meant.
    findings.retain(|finding| is_sound || finding.rule.level() == Level::Error);
    findings.retain(|finding| {
        finding.rule != Rule::UndefinedVariable || !syntax::is_in_doubt(&diagnosis, &finding.range, source)
    });
    findings.sort_by_key(|finding| (finding.range.start, finding.range.end, finding.rule));
    // What the parser has said need not be said again.
    let same = |a: &Finding, b: &Finding| {
        a.rule == b.rule
            && (a.range.start == b.range.start || a.rule == Rule::DuplicateFormal && a.message == b.message)
    };
    findings.dedup_by(|a, b| same(a, b));
    findings
}

/// Whether a text only lacks its end to be an expression, or bindings as they stand between braces.
pub fn is_incomplete(source: &str, options: &Options) -> bool {
    let first_error = |text: &str| frazil_syntax::parse(text.as_bytes(), &mut Symbols::new(), options).err();
    let end = if source.trim_end().ends_with(';') { "" } else { ";" };
    let (expr, set) = (first_error(source), first_error(&format!("{{{source}\n{end}}}")));
    match (expr, set) {
        (Some(expr), Some(set)) => {
            let ends_early = matches!(expr.kind, SyntaxErrorKind::Unexpected { found: SyntaxKind::Eof, .. });
            // All of the bindings fit, but not what was put behind them.
            ends_early || set.offset as usize > source.len()
        }
        _ => false,
    }
}

/// The range of a node without the trivia at its ends.
fn range(node: &SyntaxNode) -> Range<usize> {
    let tokens = || node.descendants_with_tokens().filter_map(|element| element.into_token());
    let mut solid = tokens().filter(|token| !token.kind().is_trivia());
    let whole = span(node.text_range());
    let Some(first) = solid.next() else { return whole };
    let last = solid.last().unwrap_or_else(|| first.clone());
    span(first.text_range()).start..span(last.text_range()).end
}

fn token_range(token: &SyntaxToken) -> Range<usize> {
    span(token.text_range())
}

fn span(range: rowan::TextRange) -> Range<usize> {
    range.start().into()..range.end().into()
}

/// The text of a node without the trivia at its ends.
fn text(node: &SyntaxNode) -> String {
    let inner = range(node);
    let start: usize = node.text_range().start().into();
    node.text().to_string()[inner.start - start..inner.end - start].to_owned()
}
