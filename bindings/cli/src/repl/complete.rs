//! What the terminal asks while a line is being written: completions, and whether the line is at its end.

use super::{COMMANDS, State};
use frazil::{Disk, Type};
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Result};
use std::cell::RefCell;
use std::rc::Rc;

/// The terminal's helper.
pub(super) struct Helper {
    pub(super) state: Rc<RefCell<State>>,
}

impl rustyline::Helper for Helper {}
impl Highlighter for Helper {}

impl Hinter for Helper {
    type Hint = String;
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let is_incomplete = self.state.borrow_mut().is_incomplete(context.input());
        Ok(if is_incomplete { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for Helper {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> Result<(usize, Vec<String>)> {
        Ok(self.state.borrow_mut().completions(&line[..at]))
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-'".contains(c)
}

impl State {
    /// Where the word at the end of a line starts, and what it may become.
    pub(super) fn completions(&mut self, line: &str) -> (usize, Vec<String>) {
        if line.starts_with(':') && !line.contains(char::is_whitespace) {
            return (0, matching(COMMANDS.iter().map(|&command| command.to_owned()), line));
        }
        let word_start = line
            .rfind(|c: char| c.is_whitespace() || "()[]{};=,\"".contains(c))
            .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
        let word = &line[word_start..];
        let is_file = ["./", "../", "/", "~/"].iter().any(|start| word.starts_with(start));
        if is_file || line.starts_with(":l ") || line.starts_with(":load ") {
            return (word_start, self.files(word));
        }
        let start = line
            .rfind(|c: char| !(is_of_name(c) || c == '.'))
            .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
        let path = &line[start..];
        match path.rsplit_once('.') {
            None => (start, self.names_with(path)),
            Some((set, prefix)) => (start + set.len() + 1, self.attributes(set, prefix)),
        }
    }

    /// Variables that start so.
    fn names_with(&mut self, prefix: &str) -> Vec<String> {
        let bound: Vec<String> =
            self.names.keys().filter_map(|name| String::from_utf8(name.clone()).ok()).collect();
        let globals = self.session.evaluator.globals();
        let all = globals.into_iter().filter(|name| !name.starts_with("__") || prefix.starts_with('_'));
        matching(bound.into_iter().chain(all), prefix)
    }

    /// Attributes of a set that start so; what fails has none.
    fn attributes(&mut self, set: &str, prefix: &str) -> Vec<String> {
        let names = self.inside_with(|inside| {
            let v = inside.eval(set)?;
            if inside.scope.type_of(v) != Type::Attrs {
                return Ok(Vec::new());
            }
            let attrs = inside.scope.attrs(v).into_iter();
            Ok(attrs.filter_map(|(name, _)| String::from_utf8(name).ok()).collect())
        });
        matching(
            names.unwrap_or_default().into_iter().filter(|name: &String| name.chars().all(is_of_name)),
            prefix,
        )
    }

    /// Files whose paths start so.
    #[expect(clippy::disallowed_methods, reason = "this is where a command line meets its process")]
    fn files(&self, word: &str) -> Vec<String> {
        let (folder, prefix) = word.rsplit_once('/').map_or(("", word), |(folder, prefix)| (folder, prefix));
        let shown = if word.contains('/') { format!("{folder}/") } else { String::new() };
        let home = || {
            use frazil::settings::Outside;
            crate::outside::Process.variable("HOME").unwrap_or_default()
        };
        let place = match folder {
            "" if word.starts_with('/') => "/".to_owned(),
            "" => ".".to_owned(),
            "~" => home(),
            _ => match folder.strip_prefix("~/") {
                Some(rest) => format!("{}/{rest}", home()),
                None => folder.to_owned(),
            },
        };
        let Ok(Ok(entries)) = Disk::to_system(place.as_bytes()).map(std::fs::read_dir) else {
            return Vec::new();
        };
        let mut found: Vec<String> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let name = entry.file_name().into_string().ok()?;
                let end = if entry.path().is_dir() { "/" } else { "" };
                // Hidden files are for those who ask for them.
                let is_shown = !name.starts_with('.') || prefix.starts_with('.');
                (name.starts_with(prefix) && is_shown).then(|| format!("{shown}{name}{end}"))
            })
            .collect();
        found.sort_unstable();
        found
    }
}

fn matching(names: impl Iterator<Item = String>, prefix: &str) -> Vec<String> {
    let mut found: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::super::Names;
    use super::*;
    use crate::outside::Process;
    use crate::session::Session;
    use frazil::settings::Settings;

    fn completions(before: &[&str], line: &str) -> (usize, Vec<String>) {
        let settings = Settings::load(&Process).expect("settings");
        let mut state = State {
            session: Session::new(&settings, &[], None),
            names: Names::new(),
            loaded: Vec::new(),
            last: Vec::new(),
            show_trace: false,
        };
        for line in before {
            assert!(state.run(line).is_ok());
        }
        state.completions(line)
    }

    #[test]
    fn words_are_completed_by_what_they_are() {
        let before = ["abc = { def.ghi = 1; deg = 2; \"x y\" = 3; }"];
        assert_eq!(completions(&before, "1 + ab"), (4, vec!["abc".to_owned(), "abort".to_owned()]));
        assert_eq!(completions(&before, "abc.de"), (4, vec!["def".to_owned(), "deg".to_owned()]));
        assert_eq!(completions(&before, "f (abc.def.g"), (11, vec!["ghi".to_owned()]));
        assert_eq!(completions(&before, "(throw \"x\").a"), (12, Vec::new()));
        assert_eq!(completions(&[], "builtins.elemA"), (9, vec!["elemAt".to_owned()]));
        assert_eq!(completions(&[], ":lo"), (0, vec![":load".to_owned()]));
        assert_eq!(
            completions(&[], "import ./src/rep"),
            (7, vec!["./src/repl.rs".to_owned(), "./src/repl/".to_owned(), "./src/report.rs".to_owned()])
        );
    }
}
