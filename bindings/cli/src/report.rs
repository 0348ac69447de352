//! Findings as people read them, as JSON, and as SARIF 2.1.0.

use frazil::lint::{Edit, Finding, Level, Rule};
use serde_json::{Value, json};
use std::ops::Range;

/// A file with what there is to say about it.
pub struct File {
    /// Its path, as it was given.
    pub path: String,
    /// Its text.
    pub text: String,
    /// What there is to say.
    pub findings: Vec<Finding>,
}

/// The word for a level.
pub fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// Where lines start.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

/// A place as programs want it: lines and columns from 1, columns in characters.
struct Place {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Lines<'a> {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Lines { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// The index of the line of an offset.
    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset) - 1
    }

    /// The text of a line, if there is one.
    fn get(&self, line: usize) -> Option<&'a str> {
        let start = *self.starts.get(line)?;
        let end = self.starts.get(line + 1).map_or(self.text.len(), |&next| next - 1);
        Some(self.text[start..end].trim_end_matches('\r'))
    }

    fn column(&self, offset: usize) -> usize {
        self.text[self.starts[self.line(offset)]..offset].chars().count() + 1
    }

    fn place(&self, range: &Range<usize>) -> Place {
        Place {
            line: self.line(range.start) + 1,
            column: self.column(range.start),
            end_line: self.line(range.end) + 1,
            end_column: self.column(range.end),
        }
    }

    /// `at FILE:LINE:COLUMN:`, and the lines around with carets under the range, as far as it goes in its first line.
    fn excerpt(&self, path: &str, range: &Range<usize>, out: &mut String) {
        let line = self.line(range.start);
        // Columns of messages are bytes, as CppNix counts them.
        let column = range.start - self.starts[line] + 1;
        out.push_str(&format!("       at {path}:{}:{column}:\n", line + 1));
        for shown in line.saturating_sub(1)..=line + 1 {
            let Some(text) = self.get(shown) else { continue };
            if shown != line && text.is_empty() {
                continue;
            }
            out.push_str(format!(" {:>12}| {text}", shown + 1).trim_end());
            out.push('\n');
            if shown == line {
                let before: String = text.chars().take(self.column(range.start) - 1).map(blank).collect();
                let end = range.end.min(self.starts[line] + text.len()).max(range.start);
                let width = self.text[range.start..end].chars().count().max(1);
                out.push_str(&format!("             | {before}{}\n", "^".repeat(width)));
            }
        }
    }
}

/// What takes as much room as a character, and shows nothing.
fn blank(c: char) -> char {
    if c == '\t' { '\t' } else { ' ' }
}

/// What people read.
pub fn human(files: &[File]) -> String {
    let mut out = String::new();
    for file in files {
        let lines = Lines::new(&file.text);
        for finding in &file.findings {
            let level = finding.rule.level();
            let name = match level {
                Level::Error => String::new(),
                _ => format!(" [{}]", finding.rule.name()),
            };
            out.push_str(&format!("{}: {}{name}\n", word(level), finding.message));
            lines.excerpt(&file.path, &finding.range, &mut out);
            for (range, text) in &finding.related {
                let place = lines.place(range);
                out.push_str(&format!("       {}:{}: {text}\n", place.line, place.column));
            }
            finding.hint.iter().for_each(|hint| out.push_str(&format!("       hint: {hint}\n")));
            out.push('\n');
        }
    }
    out
}

fn edits(lines: &Lines<'_>, edits: &[Edit]) -> Vec<Value> {
    let edit = |edit: &Edit| {
        let Place { line, column, end_line, end_column } = lines.place(&edit.range);
        json!({ "line": line, "column": column, "endLine": end_line, "endColumn": end_column, "text": edit.text })
    };
    edits.iter().map(edit).collect()
}

/// One JSON document.
pub fn json(files: &[File]) -> String {
    let mut findings = Vec::new();
    for file in files {
        let lines = Lines::new(&file.text);
        for finding in &file.findings {
            let Place { line, column, end_line, end_column } = lines.place(&finding.range);
            let related = |(range, text): &(Range<usize>, String)| {
                let place = lines.place(range);
                json!({ "line": place.line, "column": place.column, "message": text })
            };
            findings.push(json!({
                "file": file.path,
                "line": line,
                "column": column,
                "endLine": end_line,
                "endColumn": end_column,
                "level": word(finding.rule.level()),
                "rule": finding.rule.name(),
                "message": finding.message,
                "hint": finding.hint,
                "related": finding.related.iter().map(related).collect::<Vec<Value>>(),
                "fix": edits(&lines, &finding.fix),
            }));
        }
    }
    format!("{:#}\n", json!({ "files": files.len(), "findings": findings }))
}

/// A log of SARIF 2.1.0.
pub fn sarif(files: &[File]) -> String {
    let rules: Vec<Value> = Rule::ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.name(),
                "shortDescription": { "text": rule.about() },
                "defaultConfiguration": { "level": word(rule.level()) },
            })
        })
        .collect();
    let mut results = Vec::new();
    for file in files {
        let lines = Lines::new(&file.text);
        let artifact = json!({ "uri": uri(&file.path) });
        let location = |range: &Range<usize>| json!({ "physicalLocation": { "artifactLocation": artifact, "region": region(&lines, range) } });
        for finding in &file.findings {
            let text = match &finding.hint {
                Some(hint) => format!("{}; {hint}", finding.message),
                None => finding.message.clone(),
            };
            let mut result = json!({
                "ruleId": finding.rule.name(),
                "ruleIndex": Rule::ALL.iter().position(|rule| *rule == finding.rule),
                "level": word(finding.rule.level()),
                "message": { "text": text },
                "locations": [location(&finding.range)],
            });
            if !finding.related.is_empty() {
                let related = |(range, text): &(Range<usize>, String)| {
                    let mut place = location(range);
                    place["message"] = json!({ "text": text });
                    place
                };
                result["relatedLocations"] = finding.related.iter().map(related).collect();
            }
            if !finding.fix.is_empty() {
                let replacement = |edit: &Edit| {
                    json!({
                        "deletedRegion": region(&lines, &edit.range),
                        "insertedContent": { "text": edit.text },
                    })
                };
                let replacements: Vec<Value> = finding.fix.iter().map(replacement).collect();
                result["fixes"] = json!([{ "artifactChanges": [{ "artifactLocation": artifact, "replacements": replacements }] }]);
            }
            results.push(result);
        }
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "frazil", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn region(lines: &Lines<'_>, range: &Range<usize>) -> Value {
    let Place { line, column, end_line, end_column } = lines.place(range);
    json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
}

/// A path as a reference that URIs allow.
fn uri(path: &str) -> String {
    let mut out = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let text = "ä b\r\nc";
        let lines = Lines::new(text);
        let place = lines.place(&(3..4));
        assert_eq!((place.line, place.column, place.end_line, place.end_column), (1, 3, 1, 4));
        let end = lines.place(&(text.len()..text.len()));
        assert_eq!((end.line, end.column), (2, 2));
        assert_eq!(lines.get(0), Some("ä b"));
    }

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("a b/ä.nix"), "a%20b/%C3%A4.nix");
        assert_eq!(uri("/a"), "file:///a");
    }
}
