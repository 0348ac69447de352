//! Calls and selections that have to wait for something first: the builtins that the machine itself runs.

use crate::builtins;
use crate::error::{Error, Shown};
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Args, Native, Step, traced};
use frazil_syntax::symbol::Symbol;
use frazil_value::Val;

pub(crate) const SELECTING: &str = "while selecting an attribute";

/// A thunk of `base.name` whose base has to be forced first.
pub(crate) struct SelectThunk {
    pub(crate) base: Val,
    pub(crate) name: Symbol,
    pub(crate) pos: Pos,
}

impl Native for SelectThunk {
    traced!(self, visit: [self.base]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input == Val::ABSENT {
            return Ok(Step::Force(self.base));
        }
        if !input.is_attrs() {
            return Err(m.wanted("a set", input).while_(self.pos, SELECTING));
        }
        match m.attr(input, self.name) {
            Some(slot) => Ok(Step::Return(slot.get())),
            None => Err(m.missing(input, self.name, self.pos)),
        }
    }
}

/// A call that says when it begins and ends: `trace-function-calls`.
pub(crate) struct TracedCall {
    pub(crate) f: Val,
    pub(crate) args: Args,
    pub(crate) pos: Pos,
    pub(crate) called: bool,
}

impl TracedCall {
    fn say(&self, m: &Machine<'_>, what: &str) {
        m.st.say(&format!("function-trace {what} {} at {}", m.st.show_pos(self.pos), m.st.host.clock()));
    }
}

impl Native for TracedCall {
    traced!(self, visit: [self.f], &self.args);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if self.called {
            self.say(m, "exited");
            return Ok(Step::Done(input));
        }
        self.called = true;
        self.say(m, "entered");
        m.said_call = true;
        Ok(Step::Call(self.f, std::mem::take(&mut self.args)))
    }

    fn catch(&mut self, m: &mut Machine<'_>, _: &Error) -> Option<Val> {
        self.say(m, "exited");
        None
    }

    fn call_site(&self, _: &mut Machine<'_>) -> Option<Pos> {
        None
    }
}

/// A call whose function has to be forced first.
pub(crate) struct Apply {
    pub(crate) f: Val,
    pub(crate) args: Args,
    pub(crate) forced: bool,
}

impl Native for Apply {
    traced!(self, visit: [self.f], &self.args);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if self.forced {
            m.said_call = true;
            return Ok(Step::ReturnCall(input, std::mem::take(&mut self.args)));
        }
        self.forced = true;
        Ok(Step::Force(self.f))
    }

    fn call_site(&self, _: &mut Machine<'_>) -> Option<Pos> {
        None
    }
}

/// A call of a set with `__functor`, by that and then by the arguments.
pub(crate) struct CallFunctor {
    pub(crate) set: Val,
    pub(crate) functor: Val,
    pub(crate) args: Args,
    pub(crate) called: bool,
}

impl Native for CallFunctor {
    traced!(self, visit: [self.set, self.functor], &self.args);

    fn resume(&mut self, _: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if self.called {
            let args = Args::from_slice(&self.args[1..]);
            return Ok(if args.is_empty() { Step::Done(input) } else { Step::ReturnCall(input, args) });
        }
        self.called = true;
        Ok(Step::Call(self.functor, Args::from_slice(&[self.set, self.args[0]])))
    }

    fn call_site(&self, m: &mut Machine<'_>) -> Option<Pos> {
        Some(m.attr_pos(self.set, m.st.known.functor()))
    }

    fn site_line(&self) -> Option<(&'static str, Shown, bool)> {
        const LINE: &str = "while calling a functor (an attribute set with a '__functor' attribute)";
        Some((LINE, Shown::Usually, true))
    }
}

/// A call with more arguments than the function takes.
pub(crate) struct OverApply {
    pub(crate) f: Val,
    pub(crate) now: Args,
    pub(crate) later: Args,
    pub(crate) called: bool,
}

impl Native for OverApply {
    traced!(self, visit: [self.f], &self.now, &self.later);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        // Both calls are one in the program.
        m.said_call = true;
        if self.called {
            return Ok(Step::ReturnCall(input, std::mem::take(&mut self.later)));
        }
        self.called = true;
        Ok(Step::Call(self.f, std::mem::take(&mut self.now)))
    }

    fn call_site(&self, _: &mut Machine<'_>) -> Option<Pos> {
        None
    }
}

/// A call of a builtin some of whose arguments have to be forced first.
pub(crate) struct BuiltinArgs {
    pub(crate) index: u32,
    pub(crate) args: Args,
    pub(crate) next: usize,
}

impl Native for BuiltinArgs {
    traced!(self, visit: &self.args);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let builtin = &builtins::TABLE[self.index as usize];
        if input != Val::ABSENT {
            let strict = &builtin.strict[self.next];
            m.check_want(input, strict)?;
            self.args[strict.arg as usize] = input;
            self.next += 1;
        }
        if let Some(strict) = builtin.strict.get(self.next) {
            return Ok(Step::Force(self.args[strict.arg as usize]));
        }
        m.st.stats.builtin_calls += 1;
        match (builtin.run)(m, &self.args)? {
            Step::Force(v) => Ok(Step::Return(v)),
            Step::Call(f, args) => Ok(Step::ReturnCall(f, args)),
            Step::Run(native) => Ok(Step::ReturnRun(native)),
            step => Ok(step),
        }
    }

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        let builtin = &builtins::TABLE[self.index as usize];
        if let Some(strict) = builtin.strict.get(self.next).filter(|strict| strict.want.says_why_forced()) {
            error.add_trace(Pos::NONE, strict.context());
        }
    }

    fn call_site(&self, m: &mut Machine<'_>) -> Option<Pos> {
        Some(m.argument_pos(self.index))
    }
}
