//! Errors in CppNix's format: message, position, excerpt, trace.

use frazil_vm::files::{Files, Location, Origin};
use frazil_vm::{Error, Pos};

/// Lines of a trace shown before it is cut short.
const SHORT: usize = 3;

/// An error as CppNix prints it, beginning with `error:`, without a newline at the end.
pub fn render(error: &Error, files: &Files, show_trace: bool) -> String {
    let data = error.data();
    let mut out = String::from("error:");
    let mut shown = 0;
    for trace in data.traces.iter().rev() {
        if !show_trace && shown > SHORT {
            out.push_str("\n       (stack trace truncated; use '--show-trace' to show the full, detailed trace)\n");
            break;
        }
        shown += 1;
        out.push_str(&format!("\n       … {}", indented(&trace.text, "       ")));
        position(&mut out, files, trace.pos, "         ");
        out.push('\n');
    }
    let prefix = if shown > 0 { "\n       error: " } else { " " };
    out.push_str(prefix);
    out.push_str(&indented(&data.message, "       "));
    position(&mut out, files, data.pos, "       ");
    if !data.suggestions.is_empty() {
        out.push_str("\n       Did you mean ");
        out.push_str(&did_you_mean(&data.suggestions));
    }
    out
}

fn indented(text: &str, indent: &str) -> String {
    text.replace('\n', &format!("\n{indent}"))
}

fn did_you_mean(names: &[String]) -> String {
    match names {
        [one] => format!("{one}?"),
        [first @ .., last] => format!("one of {} or {last}?", first.join(", ")),
        [] => String::new(),
    }
}

fn position(out: &mut String, files: &Files, pos: Pos, indent: &str) {
    if pos == Pos::NONE {
        return;
    }
    let Some(at) = files.locate(pos) else { return };
    let name = match at.origin {
        Origin::File(path) => String::from_utf8_lossy(path).into_owned(),
        Origin::Text => "«string»".into(),
        Origin::Stdin => "«stdin»".into(),
    };
    out.push_str(&format!("\n{indent}at {name}:{}:{}:", at.line, at.column));
    excerpt(out, &at, indent);
}

/// The line before, the line with a caret under the column, and the line after.
fn excerpt(out: &mut String, at: &Location<'_>, indent: &str) {
    let lines: Vec<&[u8]> = at.source.split(|&c| c == b'\n').collect();
    let line = at.line as usize;
    for number in line.saturating_sub(1).max(1)..=line + 1 {
        let Some(text) = lines.get(number - 1) else { continue };
        if number == lines.len() && text.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{indent}{number:>5}| {}", String::from_utf8_lossy(text)));
        if number == line {
            let before = " ".repeat(at.column as usize - 1);
            out.push_str(&format!("\n{indent}     | {before}^"));
        }
    }
}
