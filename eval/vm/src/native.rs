//! Builtins that run the program's code: state machines on frames of their own, resumed with each result.

use crate::error::Error;
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

    /// The value to go on with if what it asked for failed. `None` passes the error on.
    fn catch(&mut self, m: &mut Machine<'_>, error: &Error) -> Option<Val> {
        let _ = (m, error);
        None
    }

    /// Adds to the trace of an error that what it asked for failed with.
    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        let _ = (m, error);
    }

    /// Where the function that it called was called, for the trace. `None` if that is where the builtin itself was.
    fn call_site(&self, m: &mut Machine<'_>) -> Option<Pos> {
        let _ = m;
        Some(Pos::NONE)
    }

    /// A line of trace with the position at which the builtin was called.
    fn site_line(&self) -> Option<&'static str> {
        None
    }
}

/// A closure as a [`Native`] of two steps: ask for something, then go on with it.
pub struct Then<F>(pub Option<Step>, pub F);

impl<F> Native for Then<F>
where
    F: FnMut(&mut Machine<'_>, Val) -> Result<Step, Error> + Send,
{
    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        match self.0.take() {
            Some(step) => Ok(step),
            None => (self.1)(m, input),
        }
    }
}

/// Asks for `first`, then goes on with `then`.
pub fn then<F>(first: Step, then: F) -> Result<Step, Error>
where
    F: FnMut(&mut Machine<'_>, Val) -> Result<Step, Error> + Send + 'static,
{
    Ok(Step::ReturnRun(Box::new(Then(Some(first), then))))
}

// SAFETY-free: steps hold plain words and boxes of `Send` builtins.
const _: () = {
    const fn send<T: Send>() {}
    send::<Step>();
};
