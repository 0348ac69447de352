//! Builtins that run the program's code: state machines on frames of their own, resumed with each result.

use crate::builtins::Want;
use crate::error::{Error, Shown};
use crate::files::Pos;
use crate::machine::Machine;
use frazil_value::Val;
use smallvec::SmallVec;

/// Arguments of a call.
pub type Args = SmallVec<[Val; 4]>;

/// What a builtin wants next.
pub enum Step {
    /// It is done with this value, which is no thunk.
    Done(Val),
    /// It is done with the value of this.
    Return(Val),
    /// It is done with the result of this call.
    ReturnCall(Val, Args),
    /// It is done with what this builtin gives.
    ReturnRun(Box<dyn Native>),
    /// Resume it with the value of this.
    Force(Val),
    /// Resume it with the result of this call.
    Call(Val, Args),
    /// Resume it with what this builtin gives.
    Run(Box<dyn Native>),
}

/// A builtin in the middle of its work.
pub trait Native: Send {
    /// Goes on with `input`, the value that it asked for; [`Val::ABSENT`] the first time.
    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error>;

    /// Shows all values that it holds to a collection. A builtin that cannot, and answers `false`, puts the collection
    /// off until it is done.
    fn values(&self, visit: &mut dyn FnMut(Val)) -> bool {
        let _ = visit;
        false
    }

    /// The value to go on with if what it asked for failed. `None` passes the error on.
    fn catch(&mut self, m: &mut Machine<'_>, error: &Error) -> Option<Val> {
        let _ = (m, error);
        None
    }

    /// Adds to the trace of an error that what it asked for failed with.
    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        let _ = (m, error);
    }

    /// Where the function that it called was called, or the value that it waits for is asked for, for the trace. `None` if
    /// that is where the builtin itself was.
    fn call_site(&self, m: &mut Machine<'_>) -> Option<Pos> {
        let _ = m;
        Some(Pos::NONE)
    }

    /// A line of trace with the position at which the builtin was called, and whether it is said even if that is nowhere.
    fn site_line(&self) -> Option<(&'static str, Shown, bool)> {
        None
    }
}

/// What a [`Then`] goes on with: the machine, the values that it kept, and the one that it asked for.
pub type GoOn = fn(&mut Machine<'_>, &[Val], Val) -> Result<Step, Error>;

/// A [`Native`] of two steps: ask for something, then go on with it.
pub struct Then {
    first: Option<Step>,
    kept: Args,
    go_on: GoOn,
}

impl Native for Then {
    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        match self.first.take() {
            Some(step) => Ok(step),
            None => (self.go_on)(m, &self.kept, input),
        }
    }

    fn values(&self, visit: &mut dyn FnMut(Val)) -> bool {
        self.kept.iter().for_each(|&v| visit(v));
        self.first.is_none()
    }
}

/// Asks for `first`, then goes on with it and the values `kept`.
pub fn then(first: Step, kept: &[Val], go_on: GoOn) -> Result<Step, Error> {
    Ok(Step::ReturnRun(Box::new(Then { first: Some(first), kept: Args::from_slice(kept), go_on })))
}

/// A value that a builtin wants forced, and what it must be then.
struct Expected {
    v: Val,
    want: Want,
    context: &'static str,
}

impl Native for Expected {
    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        match input {
            Val::ABSENT => Ok(Step::Force(self.v)),
            v => m.expect(v, self.want, self.context).map(Step::Done),
        }
    }

    fn values(&self, visit: &mut dyn FnMut(Val)) -> bool {
        visit(self.v);
        true
    }

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        error.add_trace(Pos::NONE, self.context);
    }
}

/// What forces a value that must be of some type; the context is for the trace.
pub(crate) fn expected(v: Val, want: Want, context: &'static str) -> Step {
    Step::Run(Box::new(Expected { v, want, context }))
}

/// A closure as a [`Native`] of two steps, with the values that it holds.
pub struct Closure<F> {
    first: Option<Step>,
    held: Args,
    /// What the trace says if the first step fails; may be empty.
    context: &'static str,
    go_on: F,
}

impl<F> Closure<F> {
    /// Runs a closure, which holds no values but `held`, as a builtin of its own.
    pub fn at_once(held: &[Val], go_on: F) -> Closure<F> {
        Closure { first: None, held: Args::from_slice(held), context: "", go_on }
    }
}

impl<F> Native for Closure<F>
where
    F: FnMut(&mut Machine<'_>, Val) -> Result<Step, Error> + Send,
{
    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        match self.first.take() {
            Some(step) => Ok(step),
            None => (self.go_on)(m, input),
        }
    }

    fn values(&self, visit: &mut dyn FnMut(Val)) -> bool {
        self.held.iter().for_each(|&v| visit(v));
        self.first.is_none()
    }

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        if !self.context.is_empty() {
            error.add_trace(Pos::NONE, self.context);
        }
    }
}

/// Asks for `first`, then goes on with a closure, which holds no values but `held`.
pub fn then_closure<F>(first: Step, held: &[Val], go_on: F) -> Result<Step, Error>
where
    F: FnMut(&mut Machine<'_>, Val) -> Result<Step, Error> + Send + 'static,
{
    let native = Closure { first: Some(first), held: Args::from_slice(held), context: "", go_on };
    Ok(Step::ReturnRun(Box::new(native)))
}

/// Asks for `v` as what it must be, then goes on with a closure, which holds no values but `held`. The context is for the
/// trace, of a value that fails as well as of one of another type.
pub(crate) fn then_expected<F>(
    v: Val,
    want: Want,
    context: &'static str,
    held: &[Val],
    mut go_on: F,
) -> Result<Step, Error>
where
    F: FnMut(&mut Machine<'_>, Val) -> Result<Step, Error> + Send + 'static,
{
    let go_on = move |m: &mut Machine<'_>, v: Val| {
        m.expect(v, want, context)?;
        go_on(m, v)
    };
    let native = Closure { first: Some(Step::Force(v)), held: Args::from_slice(held), context, go_on };
    Ok(Step::ReturnRun(Box::new(native)))
}

/// [`Native::values`] for a builtin whose values are in these fields, each of which iterates over values or is one.
macro_rules! traced {
    ($self:ident, $visit:ident: $($values:expr),* $(,)?) => {
        fn values(&$self, $visit: &mut dyn FnMut(frazil_value::Val)) -> bool {
            $(for v in $values {
                $visit(*std::borrow::Borrow::<frazil_value::Val>::borrow(&v));
            })*
            true
        }
    };
}
pub(crate) use traced;
