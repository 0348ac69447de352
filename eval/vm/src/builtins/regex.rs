//! Regular expressions: `match` and `split`.

use super::{Builtin, Want, list, row, strict};
use crate::error::Error;
use crate::machine::Machine;
use crate::native::Step;
use frazil_text::regex::Regex;
use frazil_value::Val;
use rustc_hash::FxHashMap;
use std::sync::Arc;

pub(super) const TABLE: &[Builtin] = &[
    row(
        "match",
        2,
        &[
            strict(0, Want::Plain, "while evaluating the first argument passed to builtins.match"),
            strict(1, Want::String, "while evaluating the second argument passed to builtins.match"),
        ],
        match_,
    ),
    row(
        "split",
        2,
        &[
            strict(0, Want::Plain, "while evaluating the first argument passed to builtins.split"),
            strict(1, Want::String, "while evaluating the second argument passed to builtins.split"),
        ],
        split,
    ),
];

/// Compiled expressions by their text. A program may make them without end, so that all are forgotten when they are many.
#[derive(Default)]
pub(crate) struct Cache {
    known: FxHashMap<Box<[u8]>, Arc<Regex>>,
    held: u64,
}

/// Bytes that compiled expressions may take.
const MOST_HELD: u64 = 8 << 20;

impl Cache {
    fn keep(&mut self, text: &[u8], regex: Arc<Regex>) {
        self.held += regex.held() + text.len() as u64;
        if self.held > MOST_HELD {
            self.clear();
        }
        self.known.insert(text.into(), regex);
    }

    pub(crate) fn clear(&mut self) {
        *self = Cache::default();
    }
}

fn compiled(m: &mut Machine<'_>, pattern: Val) -> Result<Arc<Regex>, Error> {
    let text = m.heap.bytes(pattern);
    if let Some(known) = m.st.regexes.known.get(text) {
        return Ok(known.clone());
    }
    let regex = Arc::new(Regex::new(text).map_err(|e| Error::eval(e.message(text)))?);
    m.st.regexes.keep(text, regex.clone());
    Ok(regex)
}

/// A group as a value: null if it took no part.
fn group(m: &Machine<'_>, text: &[u8], range: &Option<std::ops::Range<usize>>) -> Val {
    range.as_ref().map_or(Val::NULL, |range| m.heap.new_string(&text[range.clone()], 0))
}

fn match_(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let regex = compiled(m, a[0])?;
    let text = m.heap.bytes(a[1]);
    let Some(groups) = regex.match_whole(text) else { return Ok(Step::Done(Val::NULL)) };
    let groups = groups.iter().map(|range| group(m, text, range)).collect();
    Ok(Step::Done(list(m.heap, groups)))
}

fn split(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let regex = compiled(m, a[0])?;
    let text = m.heap.bytes(a[1]);
    let (mut parts, mut at) = (Vec::new(), 0);
    for found in regex.split_iter(text) {
        parts.push(m.heap.new_string(&text[at..found.range.start], 0));
        let groups = found.groups.iter().map(|range| group(m, text, range)).collect();
        parts.push(list(m.heap, groups));
        at = found.range.end;
    }
    if parts.is_empty() {
        // The string itself, with its context.
        parts.push(a[1]);
    } else {
        parts.push(m.heap.new_string(&text[at..], 0));
    }
    Ok(Step::Done(list(m.heap, parts)))
}
