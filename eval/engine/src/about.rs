//! What people ask about a function: what it is called, where it stands, what its comment says.

use crate::evaluator::{Evaluator, Position};
use frazil_syntax::tree::{SyntaxNode, SyntaxToken};
use frazil_syntax::{SyntaxKind, parse_lossless};
use frazil_value::Val;
use frazil_vm::Pos;
use frazil_vm::world::State;
use std::sync::Arc;

/// A function as people ask about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The name of a builtin.
    pub builtin: Option<&'static str>,
    /// Where a lambda stands.
    pub position: Option<Position>,
    /// The documentation comment before it (RFC 145), without its marks and its indentation.
    pub doc: Option<String>,
}

/// A piece of a source, as bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The file's path, `«string»` or `«stdin»`.
    pub file: String,
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

/// Of longer texts no tree is made for the end of a span, which is then that of the word there.
const MAX_PARSED: usize = 256 << 10;

impl Evaluator {
    /// What stands at a position: the largest expression, but no operation, that begins there.
    pub fn span(&self, pos: Pos) -> Option<Span> {
        let State { files, settings, .. } = self.state();
        let at = files.locate(pos).filter(|_| pos != Pos::NONE)?;
        let (text, start) = (files.text(at.file), pos.0 - files.get(at.file).start);
        let tail = text.get(start as usize..)?;
        let word = tail
            .iter()
            .position(|c| !(c.is_ascii_alphanumeric() || b"_'-".contains(c)))
            .unwrap_or(tail.len());
        let mut end = start + word.max(1).min(tail.len()) as u32;
        if text.len() <= MAX_PARSED
            && let Ok(text) = str::from_utf8(&text)
        {
            let options = frazil_syntax::Options { pipe_operators: settings.pipe_operators };
            end = extent(&parse_lossless(text, &options).0, start).unwrap_or(end);
        }
        Some(Span { file: at.origin.to_string(), start, end })
    }

    /// The text of the source that a position is in.
    pub fn source_text(&self, pos: Pos) -> Option<Arc<[u8]>> {
        let files = &self.state().files;
        let at = files.locate(pos).filter(|_| pos != Pos::NONE)?;
        Some(files.text(at.file))
    }

    /// What there is to know about a forced value, if it is a function.
    pub fn about(&mut self, v: Val) -> Option<About> {
        let options = self.options();
        let mut m = self.world().machine();
        if !v.is_func() {
            return None;
        }
        let builtin = m.builtin_name(v);
        let pos = m.function_pos(v);
        if builtin.is_some() || pos == Pos::NONE {
            return Some(About { builtin, position: None, doc: None });
        }
        let files = &m.st.files;
        let doc = files.locate(pos).and_then(|at| {
            let (text, start) = (files.text(at.file), files.get(at.file).start);
            let text = str::from_utf8(&text).ok()?;
            let (tree, _) = parse_lossless(text, &options);
            comment_of(&tree, pos.0 - start)
        });
        let _ = &mut m;
        Some(About { builtin, position: self.locate(pos), doc })
    }
}

/// Where the largest expression that begins at an offset ends, the word there if none does. An operation is no such
/// expression: its position is not that of its left operand.
fn extent(tree: &SyntaxNode, offset: u32) -> Option<u32> {
    let token = tree.token_at_offset(offset.into()).right_biased()?;
    let mut end = u32::from(token.text_range().end());
    for node in token.parent_ancestors() {
        // A node may begin with trivia.
        let inside = node.descendants_with_tokens().filter_map(|element| element.into_token());
        let (mut first, mut last) = (None, end);
        for token in inside.filter(|token| !token.kind().is_trivia()) {
            first = first.or(Some(u32::from(token.text_range().start())));
            last = u32::from(token.text_range().end());
        }
        if first != Some(offset)
            || matches!(node.kind(), SyntaxKind::BinaryExpr | SyntaxKind::Binding | SyntaxKind::File)
        {
            break;
        }
        end = last;
    }
    Some(end)
}

/// The documentation comment of the lambda at an offset.
fn comment_of(tree: &SyntaxNode, offset: u32) -> Option<String> {
    let token = tree.token_at_offset(offset.into()).right_biased()?;
    let mut node = token.parent_ancestors().find(|node| node.kind() == SyntaxKind::Lambda)?;
    loop {
        if let Some(comment) = before(&node) {
            return Some(content(comment.text()));
        }
        let parent = node.parent()?;
        match parent.kind() {
            // `a: b: …` has the comment before its first argument, and a binding before its name.
            SyntaxKind::Lambda | SyntaxKind::ParenExpr | SyntaxKind::Binding => node = parent,
            _ => return None,
        }
    }
}

/// The documentation comment right before a node.
fn before(node: &SyntaxNode) -> Option<SyntaxToken> {
    let mut token = node.first_token()?;
    if token.kind().is_trivia() {
        // Trivia may stand at the start of the node itself.
        let inside = node.descendants_with_tokens().filter_map(|element| element.into_token());
        token = inside.into_iter().find(|token| !token.kind().is_trivia())?;
    }
    let mut before = token.prev_token();
    while let Some(token) = before {
        match token.kind() {
            SyntaxKind::Whitespace => before = token.prev_token(),
            SyntaxKind::DocComment => return Some(token),
            _ => return None,
        }
    }
    None
}

/// What a comment says: without its marks, and without the indentation that all of its lines have.
fn content(comment: &str) -> String {
    let inner = comment.trim_start_matches("/**").trim_end_matches("*/");
    let mut lines = inner.lines();
    let first = lines.next().unwrap_or_default().trim();
    let rest: Vec<&str> = lines.collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let margin = rest.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let rest = rest.iter().map(|line| line.get(margin..).unwrap_or_default().trim_end());
    let all: Vec<&str> = std::iter::once(first).chain(rest).collect();
    all.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use frazil_syntax::Options;

    fn comment(text: &str) -> Option<String> {
        let offset = text.find('λ').expect("the lambda is marked");
        let text = text.replace('λ', "");
        let (tree, errors) = parse_lossless(&text, &Options::default());
        assert_eq!(errors, []);
        comment_of(&tree, offset as u32)
    }

    #[test]
    fn comments_stand_before_the_binding_or_the_function() {
        assert_eq!(comment("{ /** doc */ f = λx: x; }").as_deref(), Some("doc"));
        assert_eq!(comment("{ f = /** doc */ λx: y: x; }").as_deref(), Some("doc"));
        assert_eq!(comment("{ /** doc */ f = (x: λy: x); }").as_deref(), Some("doc"));
        assert_eq!(comment("/** doc */\nλ{ a }: a").as_deref(), Some("doc"));
        assert_eq!(comment("{ /* none */ f = λx: x; }"), None);
        assert_eq!(comment("{ /** other */ a = 1; f = λx: x; }"), None);
        assert_eq!(comment("{ /** none */ f = [ (λx: x) ]; }"), None);
    }

    #[test]
    fn an_expression_ends_behind_its_last_token() {
        let end = |text: &str, at: &str| {
            let (tree, _) = parse_lossless(text, &Options::default());
            let offset = text.find(at).expect("it is there");
            extent(&tree, offset as u32).map(|end| text[offset..end as usize].to_owned())
        };
        assert_eq!(end("{ a = throw \"no\" ; }", "throw").as_deref(), Some("throw \"no\""));
        assert_eq!(end("{ a = throw \"no\" + \"!\"; }", "throw").as_deref(), Some("throw \"no\""));
        assert_eq!(end("{ a.b = 1; }", "a").as_deref(), Some("a"));
        assert_eq!(end("{ a = ; }", ";").as_deref(), Some(";"));
        assert_eq!(end("1 + x.y.z # end", "x").as_deref(), Some("x.y.z"));
    }

    #[test]
    fn marks_and_indentation_go() {
        assert_eq!(
            comment("{\n  /**\n    One.\n\n      Two.\n    Three.\n  */\n  f = λx: x; }").as_deref(),
            Some("One.\n\n  Two.\nThree.")
        );
    }
}
