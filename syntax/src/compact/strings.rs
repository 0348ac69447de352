//! Strings, indented strings, paths and the other literals.

use super::{Arg, Compact, Value};
use crate::expr::{Expr, Lint, LintKind, NO_POS, Number, Offset, Part, Run};
use crate::kind::SyntaxKind;
use crate::lexer::Token;
use crate::literal::{self, IndPiece, Indentation, Strip};

/// A piece of an indented string, kept until its indentation is known.
#[derive(Clone, Copy)]
pub(super) enum IndPart {
    /// A token of text.
    Text { start: Offset, end: Offset },
    /// What stands in `${…}`.
    Expr(Part),
}

impl Compact<'_> {
    pub(super) fn literal(&mut self, token: Token) -> Value {
        let text = self.slice(token);
        let (expr, pos) = match token.kind {
            SyntaxKind::StrText => (Expr::Str(self.unescaped(text)), NO_POS),
            SyntaxKind::Int => (Expr::Int(Number(literal::int(text).expect("the lexer checked it"))), NO_POS),
            SyntaxKind::Float => {
                (Expr::Float(Number(literal::float(text).expect("the lexer checked it"))), NO_POS)
            }
            SyntaxKind::SearchPath => (Expr::SearchPath(self.text(&text[1..text.len() - 1])), token.start),
            SyntaxKind::Uri => {
                self.lint(LintKind::Uri, token.start, token.end);
                (Expr::Str(self.text(text)), NO_POS)
            }
            _ => {
                match text[0] {
                    b'/' => self.lint(LintKind::AbsolutePath, token.start, token.end),
                    b'~' => self.lint(LintKind::HomePath, token.start, token.end),
                    b'.' => {}
                    _ => self.lint(LintKind::ShortPath, token.start, token.end),
                }
                (Expr::Path(self.text(text)), NO_POS)
            }
        };
        self.add(expr, pos, token.start)
    }

    pub(super) fn lint(&mut self, kind: LintKind, start: Offset, end: Offset) {
        self.exprs.lints.push(Lint { kind, start, end });
    }

    fn unescaped(&mut self, text: &[u8]) -> Run {
        let start = self.exprs.text.len();
        literal::unescape(text, &mut self.exprs.text);
        self.text_since(start)
    }

    fn text_since(&self, start: usize) -> Run {
        Run { start: start as u32, len: (self.exprs.text.len() - start) as u32 }
    }

    pub(super) fn push_part(&mut self, text: &Arg) {
        self.parts.push(Part { expr: text.value.expr(), pos: text.start });
    }

    /// Moves the parts above `mark` into the tree.
    pub(super) fn interpolation(&mut self, mark: usize, start: Offset) -> Value {
        let run = Run { start: self.exprs.parts.len() as u32, len: (self.parts.len() - mark) as u32 };
        self.exprs.parts.extend(self.parts.drain(mark..));
        self.add(Expr::Interpolation(run), start, start)
    }

    pub(super) fn path(&mut self, path: &Arg, mark: usize) -> Value {
        let run = Run { start: self.exprs.parts.len() as u32, len: (self.parts.len() - mark) as u32 + 1 };
        self.exprs.parts.push(Part { expr: path.value.expr(), pos: path.start });
        self.exprs.parts.extend(self.parts.drain(mark..));
        self.add(Expr::PathInterpolation(run), path.start, path.start)
    }

    /// Makes a string of the pieces above `mark`, without their indentation.
    pub(super) fn ind_string(&mut self, mark: usize, start: Offset) -> Value {
        let mut strip = Strip::new(self.indentation(mark));
        let first = self.parts.len();
        for at in mark..self.ind_parts.len() {
            match self.ind_parts[at] {
                IndPart::Expr(part) => {
                    strip.solid();
                    self.parts.push(part);
                }
                IndPart::Text { start, end } => {
                    let last = at + 1 == self.ind_parts.len();
                    self.ind_text(&mut strip, start, end, last);
                }
            }
        }
        self.ind_parts.truncate(mark);
        match self.parts[first..] {
            [] => self.add(Expr::Str(Run { start: 0, len: 0 }), NO_POS, start),
            [Part { expr, .. }] if matches!(self.exprs.get(expr), Expr::Str(_)) => {
                self.parts.truncate(first);
                self.exprs.starts[expr.0 as usize] = start;
                Value(expr.0)
            }
            _ => self.interpolation(first, start),
        }
    }

    fn indentation(&self, mark: usize) -> usize {
        let mut indentation = Indentation::new();
        for part in &self.ind_parts[mark..] {
            match *part {
                IndPart::Expr(_) => indentation.solid(),
                IndPart::Text { start, end } => {
                    match literal::ind_piece(&self.source[start as usize..end as usize]) {
                        IndPiece::Raw(text) => indentation.raw(text),
                        IndPiece::Escaped(_) | IndPiece::Backslash(_) => indentation.solid(),
                    }
                }
            }
        }
        indentation.least()
    }

    /// One token of an indented string; it makes no part if nothing of it is left.
    fn ind_text(&mut self, strip: &mut Strip, start: Offset, end: Offset, last: bool) {
        let source = &self.source[start as usize..end as usize];
        let from = self.exprs.text.len();
        match literal::ind_piece(source) {
            IndPiece::Raw(text) | IndPiece::Escaped(text) => strip.text(text, &mut self.exprs.text),
            IndPiece::Backslash(text) => {
                let mut value = Vec::new();
                literal::unescape(text, &mut value);
                strip.text(&value, &mut self.exprs.text);
            }
        }
        if last {
            let len = literal::without_blank_end(&self.exprs.text[from..]);
            self.exprs.text.truncate(from + len);
        }
        let text = self.text_since(from);
        if text.len > 0 {
            let expr = self.add(Expr::Str(text), NO_POS, start).expr();
            self.parts.push(Part { expr, pos: start });
        }
    }
}
