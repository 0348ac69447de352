//! Lints: constructs that are allowed, but that CppNix can be told to warn of or to refuse.

use crate::error::{Error, ErrorKind};
use crate::files::Pos;
use crate::machine::Machine;
use crate::message;
use frazil_syntax::expr::{Lint as Found, LintKind};

/// What is done about a construct.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lint {
    /// Nothing.
    #[default]
    Ignore,
    /// A warning.
    Warn,
    /// An error.
    Fatal,
}

/// What is done about each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lints {
    /// `lint-url-literals`
    pub url_literals: Lint,
    /// `lint-short-path-literals`
    pub short_path_literals: Lint,
    /// `lint-absolute-path-literals`
    pub absolute_path_literals: Lint,
}

impl Lints {
    fn of(&self, kind: LintKind) -> Lint {
        match kind {
            LintKind::Uri => self.url_literals,
            LintKind::ShortPath => self.short_path_literals,
            LintKind::AbsolutePath | LintKind::HomePath => self.absolute_path_literals,
            LintKind::Or => Lint::Warn,
        }
    }
}

impl Machine<'_> {
    /// Says what there is to say about a file whose positions start at `start`.
    pub(crate) fn lint(&self, found: &[Found], source: &[u8], start: u32) -> Result<(), Error> {
        for lint in found {
            let literal = crate::message::text(&source[lint.start as usize..lint.end as usize]);
            if lint.kind == LintKind::HomePath && self.st.settings.pure {
                let text = format!("the path '{literal}' can not be resolved in pure mode");
                return Err(Error::new(ErrorKind::Restricted, text));
            }
            let (level, pos) = (self.st.settings.lints.of(lint.kind), Pos(start + lint.start));
            match level {
                Lint::Ignore => {}
                Lint::Warn if lint.kind == LintKind::Or => self.st.say(&self.warn_of_or(&literal, pos)),
                Lint::Warn => {
                    let mut text = text(lint.kind, &literal, level) + "\n";
                    message::place(&mut text, &self.st.files, pos, "");
                    self.st.say(&message::behind("warning:", &text));
                }
                Lint::Fatal => {
                    return Err(Error::new(ErrorKind::Syntax, text(lint.kind, &literal, level)).at(pos));
                }
            }
        }
        Ok(())
    }

    fn warn_of_or(&self, expression: &str, pos: Pos) -> String {
        format!(
            "warning: at {}: This expression uses `or` as an identifier in a way that will change in a future Nix \
             release.\nWrap this entire expression in parentheses to preserve its current meaning:\n    \
             ({expression})\nGive feedback at https://github.com/NixOS/nix/pull/11121",
            self.st.show_pos(pos)
        )
    }
}

fn text(kind: LintKind, literal: &str, level: Lint) -> String {
    let refused = if level == Lint::Fatal { "disallowed" } else { "discouraged" };
    let not_portable = |what| {
        format!(
            "{what} path literals are not portable. Consider replacing path literal '{literal}' by a string, relative \
             path, or parameter (lint-absolute-path-literals)"
        )
    };
    match kind {
        LintKind::Uri => {
            format!(
                "URL literals are {refused}. Consider using a string literal \"{literal}\" instead (lint-url-literals)"
            )
        }
        LintKind::AbsolutePath => not_portable("absolute"),
        LintKind::HomePath => not_portable("home"),
        LintKind::ShortPath => format!(
            "relative path literal '{literal}' should be prefixed with '.' for clarity: './{literal}' \
             (lint-short-path-literals)"
        ),
        LintKind::Or => unreachable!("said with its position"),
    }
}
