//! Regular expressions as `builtins.match` and `builtins.split` know them: POSIX extended ones, as
//! libstdc++ reads them, on bytes.
//!
//! What libstdc++ refuses is refused, and of several ways to match the one it finds is found: the
//! first in order of preference, except that in a search the longer of two alternatives wins.
//! Unlike libstdc++, which tries all ways, no way is tried twice, so time is linear in the text.

mod classes;
mod compile;
mod search;

use std::fmt;
use std::ops::Range;

use compile::Program;

/// Where a group matched, in bytes of the text; `None` if it did not.
pub type Group = Option<Range<usize>>;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Regex {
    program: Program,
}

/// One match of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Where the whole expression matched.
    pub range: Range<usize>,
    /// Where its groups did.
    pub groups: Vec<Group>,
}

impl Regex {
    /// Compiles an expression.
    pub fn new(pattern: &[u8]) -> Result<Regex, RegexError> {
        Ok(Regex { program: compile::compile(pattern)? })
    }

    /// How many bytes the expression takes, about.
    pub fn held(&self) -> u64 {
        self.program.held()
    }

    /// How many groups the expression has.
    pub fn n_groups(&self) -> usize {
        self.program.n_groups
    }

    /// The groups, if the expression matches all of `text`: `builtins.match`.
    pub fn match_whole(&self, text: &[u8]) -> Option<Vec<Group>> {
        search::match_whole(&self.program, text)
    }

    /// The matches that do not overlap, first to last: what `builtins.split` splits at.
    pub fn split_iter<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Match> + 'a {
        search::Matches::new(&self.program, text)
    }
}

/// Why an expression is refused. CppNix's messages name the expression, which the caller has:
/// `invalid regular expression '…'` and `memory limit exceeded by regular expression '…'`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegexError {
    /// It is no expression.
    Invalid,
    /// It takes more states than libstdc++ allows.
    TooLarge,
}

impl RegexError {
    /// CppNix's message on this expression.
    pub fn message(self, pattern: &[u8]) -> String {
        format!("{self} '{}'", String::from_utf8_lossy(pattern))
    }
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RegexError::Invalid => "invalid regular expression",
            RegexError::TooLarge => "memory limit exceeded by regular expression",
        })
    }
}

impl std::error::Error for RegexError {}

#[cfg(test)]
mod tests;
