//! Errors, warnings and traces that the program asks for.

use super::{Builtin, Want, row, strict};
use crate::coerce::{Coerce, CoerceTo};
use crate::error::{Error, ErrorKind, Shown};
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Native, Step, then, traced};
use frazil_value::Val;

pub(super) const TABLE: &[Builtin] = &[
    row("throw", 1, &[], |_, a| {
        let message = Coerce::new(
            a[0],
            CoerceTo { more: false, copy: true },
            Pos::NONE,
            "while evaluating the error message passed to builtin.throw",
        );
        then(Step::Run(Box::new(message)), &[], |m, _, message| {
            Err(Error::new(ErrorKind::Thrown, text(m, message)))
        })
    }),
    row("abort", 1, &[], |_, a| {
        let message = Coerce::new(
            a[0],
            CoerceTo { more: false, copy: true },
            Pos::NONE,
            "while evaluating the error message passed to builtins.abort",
        );
        then(Step::Run(Box::new(message)), &[], |m, _, message| {
            let text = text(m, message);
            Err(Error::new(
                ErrorKind::Abort,
                format!("evaluation aborted with the following error message: '{text}'"),
            ))
        })
    }),
    row("trace", 2, &[strict(0, Want::Any, "")], |m, a| {
        trace(m, a[0]);
        Ok(Step::Return(a[1]))
    }),
    row("traceVerbose", 2, &[], |m, a| {
        let result = a[1];
        if !m.st.settings.trace_verbose {
            return Ok(Step::Return(result));
        }
        then(Step::Force(a[0]), &[result], |m, kept, message| {
            trace(m, message);
            Ok(Step::Return(kept[0]))
        })
    }),
    row(
        "warn",
        2,
        &[strict(
            0,
            Want::String,
            "while evaluating the first argument; the message passed to builtins.warn",
        )],
        |m, a| {
            let message = text(m, a[0]);
            // A blank message has no line of its own to stand in.
            m.st.say(&if message.trim_ascii().is_empty() {
                String::new()
            } else {
                crate::message::behind("evaluation warning:", &message)
            });
            if m.st.settings.abort_on_warn {
                return Err(Error::eval(
                    "aborting to reveal stack trace of warning, as abort-on-warn is set",
                ));
            }
            Ok(Step::Return(a[1]))
        },
    ),
    row("addErrorContext", 2, &[], |_, a| {
        Ok(Step::ReturnRun(Box::new(Context { message: a[0], v: a[1], failed: None })))
    }),
    row("break", 1, &[], |_, a| Ok(Step::Return(a[0]))),
];

fn text(m: &Machine<'_>, string: Val) -> String {
    crate::message::text(m.heap.bytes(string)).into_owned()
}

fn trace(m: &mut Machine<'_>, v: Val) {
    let shown = if v.is_string() { m.heap.bytes(v).to_vec() } else { m.show_value(v) };
    m.st.say(&format!("trace: {}", crate::message::text(&shown)));
}

/// `addErrorContext`: the message is only computed when the value failed.
struct Context {
    message: Val,
    v: Val,
    failed: Option<Error>,
}

impl Native for Context {
    traced!(self, visit: [self.message, self.v]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        match self.failed.take() {
            None if input == Val::ABSENT => Ok(Step::Force(self.v)),
            None => Ok(Step::Done(input)),
            // The failure was caught to compute the message, and goes on with it.
            Some(mut error) => {
                if input == Val::NULL {
                    const CONTEXT: &str =
                        "while evaluating the error message passed to builtins.addErrorContext";
                    self.failed = Some(error);
                    return Ok(Step::Run(Box::new(Coerce::new(
                        self.message,
                        CoerceTo::PLAIN,
                        Pos::NONE,
                        CONTEXT,
                    ))));
                }
                error.add_shown(Pos::NONE, text(m, input), Shown::Always);
                Err(error)
            }
        }
    }

    fn catch(&mut self, _: &mut Machine<'_>, error: &Error) -> Option<Val> {
        if self.failed.is_some() {
            // The message itself failed: that is the error then.
            return None;
        }
        self.failed = Some(error.clone());
        Some(Val::NULL)
    }
}
