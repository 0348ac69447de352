//! Errors in CppNix's format: message, position, excerpt, trace.

use frazil_vm::error::{Data, Shown, Trace};
use frazil_vm::files::Files;
use frazil_vm::{Error, ErrorKind, message};

/// How many lines of a trace are shown before it is cut short; a position counts as one, too.
const SHORT: usize = 3;
/// As many repeated lines of a trace are shown; more of them are only counted.
const MAX_REPEATED: usize = 5;

/// An error as CppNix prints it, beginning with `error:`, without a newline at the end.
pub fn render(error: &Error, files: &Files, show_trace: bool) -> String {
    let data = error.data();
    let mut out = String::new();
    let traces = data.traces.iter().rev().filter(|t| !t.text.is_empty());
    let traces: Vec<&Trace> = traces.filter(|t| show_trace || t.shown != Shown::InFull).collect();
    if !traces.is_empty() {
        TraceWriter { files, out: &mut out, shown: 0, seen: Vec::new(), repeated: Vec::new() }
            .write(&traces, show_trace);
        out.push_str("\nerror: ");
    }
    out.push_str(&data.message);
    let kept = ends_with_value(data).then_some(out.len());
    out.push('\n');
    message::place(&mut out, files, data.pos, "");
    if !data.suggestions.is_empty() {
        out.push_str(&format!("Did you mean {}?\n", alternatives(&data.suggestions)));
    }
    message::behind_but("error:", &out, kept)
}

/// Whether the message ends with a value or another's words, whose last blanks CppNix keeps, behind which it ends a colour;
/// not with what the program wrote itself.
fn ends_with_value(data: &Data) -> bool {
    matches!(data.kind, ErrorKind::Eval | ErrorKind::Type)
}

struct TraceWriter<'a> {
    files: &'a Files,
    out: &'a mut String,
    shown: usize,
    /// Lines shown since repeated ones were counted.
    seen: Vec<&'a Trace>,
    /// Lines in a row that were all shown before.
    repeated: Vec<&'a Trace>,
}

impl<'a> TraceWriter<'a> {
    fn write(&mut self, traces: &[&'a Trace], show_trace: bool) {
        let mut truncated = false;
        for &trace in traces {
            truncated |= !show_trace && self.shown > SHORT;
            if truncated && trace.shown != Shown::Always {
                continue;
            }
            if self.seen.iter().any(|seen| (seen.pos, &seen.text) == (trace.pos, &trace.text)) {
                self.repeated.push(trace);
                continue;
            }
            self.seen.push(trace);
            self.repeated();
            self.shown += 1;
            self.line(trace);
        }
        self.repeated();
        if truncated {
            self.out
                .push_str("\n(stack trace truncated; use '--show-trace' to show the full, detailed trace)\n");
        }
    }

    fn line(&mut self, trace: &Trace) {
        self.out.push_str(&format!("\n… {}\n", trace.text));
        if message::place(self.out, self.files, trace.pos, "  ") {
            self.shown += 1;
        }
    }

    /// Shows the repeated lines, or how many they are.
    fn repeated(&mut self) {
        let repeated = std::mem::take(&mut self.repeated);
        if repeated.len() > MAX_REPEATED {
            self.out.push_str(&format!("\n({} duplicate frames omitted)\n", repeated.len()));
        } else {
            repeated.into_iter().for_each(|trace| self.line(trace));
        }
    }
}

fn alternatives(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [first @ .., last] => format!("one of {} or {last}", first.join(", ")),
        [] => String::new(),
    }
}
