//! All that is wrong with a text before it runs, and what could be better, as JSON.

use frazil::lint::{Level, Rule};
use frazil::{Error, ErrorKind, Evaluator, Source};
use serde_json::{Value, json};

/// How places are counted.
pub(crate) struct Places<'a> {
    text: &'a str,
    utf16: bool,
}

impl<'a> Places<'a> {
    pub(crate) fn new(text: &'a str, utf16: bool) -> Places<'a> {
        Places { text, utf16 }
    }

    /// The place of a byte.
    fn at(&self, byte: usize) -> usize {
        let byte =
            (0..=byte.min(self.text.len())).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
        if self.utf16 { self.text[..byte].encode_utf16().count() } else { byte }
    }

    /// The byte of a line and a column, both from 1.
    fn byte(&self, line: u32, column: u32) -> usize {
        let mut lines = self.text.split_inclusive('\n');
        let before: usize = lines.by_ref().take(line as usize - 1).map(str::len).sum();
        before + (column as usize - 1).min(lines.next().map_or(0, str::len))
    }
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "info",
    }
}

/// What `frazil check` says, with places from the text's start.
pub(crate) fn check(evaluator: &mut Evaluator, text: &str, base: &str, lints: bool, utf16: bool) -> Value {
    let places = Places::new(text, utf16);
    let mut findings = evaluator.findings(text, lints);
    let errors = evaluator.check(Source::text(text, base)).unwrap_or_else(|error| vec![error]);
    let is_error = |rule: Rule| rule.level() == Level::Error;
    if errors.is_empty() {
        // What evaluates is no error, whatever the rules say.
        findings.retain(|finding| !is_error(finding.rule));
    }
    let plain = |error: &Error| {
        let at = error.position().map_or(0, |at| places.at(places.byte(at.line, at.column)));
        let rule = match error.kind() {
            ErrorKind::UndefinedVariable => Rule::UndefinedVariable,
            _ => Rule::Syntax,
        };
        json!({ "from": at, "to": at, "severity": "error", "rule": rule.name(), "message": error.message() })
    };
    let unsaid = findings.iter().all(|finding| !is_error(finding.rule));
    let said = findings.iter().map(|finding| {
        let range = |range: &std::ops::Range<usize>| (places.at(range.start), places.at(range.end));
        let (from, to) = range(&finding.range);
        let related = finding.related.iter().map(|(at, text)| {
            let (from, to) = range(at);
            json!({ "from": from, "to": to, "message": text })
        });
        let fix = finding.fix.iter().map(|edit| {
            let (from, to) = range(&edit.range);
            json!({ "from": from, "to": to, "insert": edit.text })
        });
        json!({
            "from": from, "to": to, "severity": severity(finding.rule.level()), "rule": finding.rule.name(),
            "message": finding.message, "hint": finding.hint,
            "related": related.collect::<Vec<_>>(), "fix": fix.collect::<Vec<_>>(),
        })
    });
    said.chain(errors.iter().filter(|_| unsaid).map(plain)).collect()
}
