//! How messages look: a prefix, a text as far to the right as it, and excerpts of the source.

use crate::files::{Files, Pos, lines};
pub use frazil_text::bytes::{bytes, lossy, text};

/// A message behind a prefix such as `error:`, each further line as far to the right as the text behind it.
pub fn behind(prefix: &str, text: &str) -> String {
    behind_but(prefix, text, None)
}

/// The same, the line that ends at `kept` with the blanks at its end.
pub fn behind_but(prefix: &str, text: &str, kept: Option<usize>) -> String {
    let indent = " ".repeat(prefix.len() + 1);
    let mut out = String::new();
    let mut end = 0;
    for line in text[..text.trim_end().len().max(kept.unwrap_or(0))].split('\n') {
        let start = if end == 0 { prefix.to_owned() + " " } else { format!("\n{indent}") };
        end += line.len();
        let line = start + line;
        out.push_str(if kept == Some(end) { &line } else { line.trim_end_matches([' ', '\t', '\r']) });
        end += 1;
    }
    out
}

/// Adds where something is, with an excerpt. Answers whether it is anywhere.
pub fn place(out: &mut String, files: &Files, pos: Pos, indent: &str) -> bool {
    let Some(at) = files.locate(pos).filter(|_| pos != Pos::NONE) else { return false };
    out.push_str(&format!("{indent}at {}:{}:{}:", at.origin, at.line, at.column));
    // The line before, the line with a caret under the column, and the line after.
    let first = at.line.saturating_sub(1).max(1);
    let source = files.text(at.file);
    if source.is_empty() {
        out.push('\n');
        return true;
    }
    let shown = (1..).zip(lines(&source)).skip(first as usize - 1).take((at.line + 2 - first) as usize);
    for (number, text) in shown {
        out.push_str(&format!("\n {number:>5}| {}", self::text(text)));
        if number == at.line {
            out.push_str(&format!("\n      |{}^", " ".repeat(at.column as usize)));
        }
    }
    out.push('\n');
    true
}
