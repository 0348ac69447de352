//! The machine: a loop over instructions, and frames that it pushes and pops instead of recursing.

use crate::builtins;
use crate::builtins::Want;
use crate::calls::{Apply, BuiltinArgs, CallFunctor, OverApply, SELECTING, SelectThunk, TracedCall};
use crate::coerce::{self, CoerceTo};
use crate::compare;
use crate::error::{Error, ErrorKind};
use crate::files::Pos;
use crate::link::Code;
use crate::native::{Args, Native, Step};
use crate::trace::{Trail, Waiting};
use crate::world::{State, World};
use frazil_code::op::Op;
use frazil_syntax::expr::ExprId;
use frazil_syntax::symbol::Symbol;
use frazil_value::heap::NO_UNIT;
use frazil_value::{Claim, Heap, Kind, Layouts, ThunkCode, Val};
use std::sync::Arc;

/// Whether several threads force the same thunks. One evaluator is one thread's for now.
const SHARED: bool = false;
/// Frames entered between two looks at clock, memory and cancellation.
const POLL_EVERY: u32 = 1024;
/// Registers that a frame may reach from its base.
const WINDOW: usize = 256;

/// A call, a thunk being run, or a builtin being resumed.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'w> {
    /// `None` for a builtin, which is on the stack of builtins.
    code: Option<&'w Code>,
    /// The thunk that the result belongs to, or absent.
    pub(crate) update: Val,
    /// The closure or thunk with the captures.
    env: Val,
    /// The instruction that it stopped at; of a builtin's first frame, one more than the builtin's number.
    pub(crate) ip: u32,
    /// Whether that instruction gets its value from the frame above, so that the frame goes on behind it;
    /// otherwise it runs the instruction again.
    pub(crate) done: bool,
    /// The frame's first register.
    pub(crate) base: u32,
    /// The register of the frame below that takes the result.
    dst: u8,
    /// Whether it counts as a nested call.
    pub(crate) counts: bool,
}

/// One evaluation at work in a [`World`].
pub struct Machine<'w> {
    /// Values.
    pub heap: &'w Heap,
    /// Layouts of sets.
    pub layouts: &'w Layouts,
    pub(crate) codes: &'w boxcar::Vec<Code>,
    /// Everything else.
    pub st: &'w mut State,
    frames: Vec<Frame<'w>>,
    /// The builtin of each builtin's frame; `None` if the frame only passes its input on.
    natives: Vec<Option<Box<dyn Native>>>,
    regs: Vec<Val>,
    /// What the builtin on top is to be resumed with.
    input: Val,
    depth: u32,
    poll: u32,
    /// Whether the heap may be collected: whoever runs the machine has pinned the values that it holds.
    collects: bool,
    /// Whether the heap is to be collected between the next two frames.
    wants_collection: bool,
    /// Whether the next call has been announced already.
    pub(crate) said_call: bool,
    /// What is known of the place of the error that is thrown next.
    pub(crate) trail: Trail,
}

/// A capture that has no register: few units have so many, and those that do need it in one place.
#[inline(never)]
fn capture(heap: &Heap, env: Val, i: u16) -> Val {
    heap.captures(env)[i as usize].get()
}

fn window(regs: &mut [Val], base: usize) -> &mut [Val; WINDOW] {
    (&mut regs[base..base + WINDOW]).try_into().expect("the slice has that length")
}

impl World {
    /// Opens the world for evaluation.
    pub fn machine(&mut self) -> Machine<'_> {
        let World { heap, layouts, codes, state } = self;
        state.start_limits();
        Machine {
            heap,
            layouts,
            codes,
            st: state,
            frames: Vec::new(),
            natives: Vec::new(),
            regs: Vec::new(),
            input: Val::ABSENT,
            depth: 0,
            poll: POLL_EVERY,
            collects: false,
            wants_collection: false,
            said_call: false,
            trail: Trail::default(),
        }
    }
}

/// What starting something led to: its value at once, or a frame.
type Started = Option<Val>;

impl<'w> Machine<'w> {
    /// Forces a value.
    pub fn force(&mut self, v: Val) -> Result<Val, Error> {
        match self.heap.peek(v) {
            Some(value) => Ok(value),
            None => self.run(Step::Return(v)),
        }
    }

    /// Calls a function.
    pub fn call(&mut self, function: Val, args: &[Val]) -> Result<Val, Error> {
        self.run(Step::ReturnCall(function, Args::from_slice(args)))
    }

    /// Runs a builtin's state machine.
    pub fn run_native(&mut self, native: impl Native + 'static) -> Result<Val, Error> {
        self.run(Step::ReturnRun(Box::new(native)))
    }

    /// Runs a step to its end.
    pub fn run(&mut self, step: Step) -> Result<Val, Error> {
        let mut regs = std::mem::take(&mut self.regs);
        let floor = self.frames.len();
        let result = self.run_on(&mut regs, floor, step);
        self.regs = regs;
        result
    }

    fn run_on(&mut self, regs: &mut Vec<Val>, floor: usize, step: Step) -> Result<Val, Error> {
        // A frame that everything below hangs on, so that a failure unwinds to it.
        self.push_native(None, 0, Val::ABSENT, false);
        let mut outcome = self.start_step(regs, step, 0, Val::ABSENT).map(|started| {
            if let Some(v) = started {
                self.input = v;
            }
        });
        loop {
            let error = match outcome {
                Ok(()) => match self.execute(regs, floor) {
                    Ok(v) => return Ok(v),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            outcome = self.unwind(regs, error, floor);
            if let Err(error) = outcome {
                return Err(error);
            }
        }
    }

    /// The same machine, allowed to collect the heap: the caller has pinned all values that it holds, apart from those that it
    /// hands to the machine.
    pub fn collecting(mut self) -> Self {
        self.collects = true;
        self
    }

    /// Collects the heap, unless some builtin at work hides its values.
    #[cold]
    fn collect(&mut self, regs: &mut [Val]) {
        self.wants_collection = false;
        let mut held = vec![self.input];
        if !self.natives.iter().flatten().all(|native| native.values(&mut |v| held.push(v))) {
            return;
        }
        // Registers above the frames hold what is gone; those of the frames were all written since they were cleared.
        let used = (self.top() + WINDOW).min(regs.len());
        regs[used..].fill(Val::ABSENT);
        held.extend_from_slice(&regs[..used]);
        held.extend(self.frames.iter().flat_map(|f| [f.update, f.env]));
        self.st.collect_beside(self.heap, self.layouts, self.codes, &held);
    }

    // ---- frames -------------------------------------------------------------------------------------

    /// The first register that no frame uses.
    fn top(&self) -> usize {
        self.frames.last().map_or(0, |f| f.base as usize + f.code.map_or(0, |c| c.n_regs as usize))
    }

    fn push_native(&mut self, native: Option<Box<dyn Native>>, dst: u8, update: Val, counts: bool) {
        let base = self.top() as u32;
        self.depth += counts as u32;
        self.natives.push(native);
        self.frames.push(Frame {
            code: None,
            update,
            env: Val::ABSENT,
            ip: 0,
            done: false,
            base,
            dst,
            counts,
        });
        self.input = Val::ABSENT;
    }

    /// Pushes a frame of `code`, whose arguments are in the registers from `base` on.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the parts of a frame, in registers of the processor")]
    fn push_code(
        &mut self,
        regs: &mut Vec<Val>,
        code: &'w Code,
        base: usize,
        dst: u8,
        env: Val,
        update: Val,
        counts: bool,
    ) {
        if regs.len() < base + 2 * WINDOW {
            regs.resize((2 * regs.len()).max(base + 4 * WINDOW), Val::ABSENT);
        }
        if code.captures_in_registers && code.captures > 0 {
            let from = base + code.params as usize;
            let to = &mut regs[from..from + code.captures as usize];
            for (to, from) in to.iter_mut().zip(self.heap.captures(env)) {
                *to = from.get();
            }
        }
        self.depth += counts as u32;
        self.frames.push(Frame {
            code: Some(code),
            update,
            env,
            ip: 0,
            done: false,
            base: base as u32,
            dst,
            counts,
        });
    }

    /// Looks at the limits; called for every frame that runs code of the program.
    #[inline(always)]
    fn poll(&mut self) -> Result<(), Error> {
        self.poll -= 1;
        if self.poll == 0 { self.poll_slowly() } else { Ok(()) }
    }

    /// Looks at the limits as each frame does, for work that needs none and has made a text of so many bytes.
    #[inline]
    pub fn tick(&mut self, bytes: u64) -> Result<(), Error> {
        if bytes > self.st.limits.heap {
            return Err(self.st.out_of_memory());
        }
        self.poll()
    }

    #[cold]
    fn poll_slowly(&mut self) -> Result<(), Error> {
        self.poll = POLL_EVERY;
        if self.st.steps_left < POLL_EVERY as u64 {
            let text = format!("step limit of {} exceeded", self.st.limits.steps);
            return Err(Error::new(ErrorKind::Steps, text));
        }
        self.st.steps_left -= POLL_EVERY as u64;
        self.wants_collection = self.collects && self.st.wants_collection(self.heap);
        self.st.check_limits(self.heap, self.layouts)
    }

    #[inline(always)]
    fn check_depth(&mut self) -> Result<(), Error> {
        if self.depth > self.st.limits.depth { Err(self.too_deep()) } else { Ok(()) }
    }

    /// One level of nesting that counts as a call, to be left by `leave`.
    pub(crate) fn enter(&mut self) -> Result<(), Error> {
        self.check_room()?;
        self.depth += 1;
        Ok(())
    }

    /// An error, at no position, if calls are nested too deeply for one more.
    pub(crate) fn check_room(&mut self) -> Result<(), Error> {
        self.check_depth().inspect_err(|_| self.trail.waiting = Waiting::Nothing)
    }

    /// Leaves so many levels of nesting.
    pub(crate) fn leave(&mut self, levels: usize) {
        self.depth -= levels as u32;
    }

    #[cold]
    fn too_deep(&mut self) -> Error {
        self.trail.waiting = Waiting::Error;
        Error::new(ErrorKind::CallDepth, "stack overflow; max-call-depth exceeded")
    }

    /// Ends the frame on top with `v`. Answers the value if it was the last one above `floor`.
    #[inline(always)]
    fn deliver(&mut self, regs: &mut [Val], v: Val, floor: usize) -> Option<Val> {
        let frame = self.frames.pop().expect("a frame ends");
        self.depth -= frame.counts as u32;
        if frame.update != Val::ABSENT {
            self.heap.finish(frame.update, v);
        }
        if self.frames.len() == floor {
            return Some(v);
        }
        let below = self.frames.last().expect("above the floor");
        match below.code {
            Some(_) => regs[below.base as usize + frame.dst as usize] = v,
            None => self.input = v,
        }
        None
    }

    /// Ends all frames above `floor`, or those above a builtin that catches the error.
    fn unwind(&mut self, regs: &[Val], mut error: Error, floor: usize) -> Result<(), Error> {
        let mut trail = std::mem::take(&mut self.trail);
        let mut outcome = Err(());
        while self.frames.len() > floor {
            let frame = *self.frames.last().expect("above the floor");
            match frame.code {
                Some(code) => self.trace_code(regs, &frame, code, &mut trail, &mut error),
                None => {
                    if self.unwind_native(&frame, &mut trail, &mut error) {
                        outcome = Ok(());
                        break;
                    }
                }
            }
            if frame.update != Val::ABSENT {
                self.trace_thunk(frame.update, &mut trail, &mut error);
                self.fail(frame.update, &mut error);
            }
            self.frames.pop();
            self.depth -= frame.counts as u32;
            trail = Trail { operand: Some(frame.dst), busy: false, ..trail };
        }
        if let Some(failure) = error.data().failure {
            // Thunks that fail with it later have the whole trace of the first time, as in CppNix.
            self.st.failures.replace(failure, Arc::new(error.clone()));
        }
        outcome.map_err(|()| error)
    }

    /// Ends the builtin on top, unless it catches the error.
    fn unwind_native(&mut self, frame: &Frame<'w>, trail: &mut Trail, error: &mut Error) -> bool {
        if let Some(mut native) = self.natives.pop().expect("a builtin for its frame") {
            if !error.kind().is_limit()
                && let Some(v) = native.catch(self, error)
            {
                self.natives.push(Some(native));
                self.input = v;
                return true;
            }
            if let Some(pos) = native.call_site(self) {
                trail.settle(error, pos);
                if trail.busy {
                    error.set_pos(pos);
                }
            }
            native.trace(self, error);
            if let Some((text, shown, always)) = native.site_line() {
                trail.waiting = Waiting::Line { text: text.into(), shown, always };
            }
        }
        if let Some(builtin) = frame.ip.checked_sub(1) {
            self.trace_builtin(builtin, trail, error);
        }
        false
    }

    /// Marks a thunk as failed, or as not run if only a limit was reached.
    fn fail(&mut self, thunk: Val, error: &mut Error) {
        if error.kind().is_limit() {
            return self.heap.release(thunk);
        }
        let failure = error.data().failure.unwrap_or_else(|| self.st.failures.add(Arc::new(error.clone())));
        error.data_mut().failure = Some(failure);
        self.heap.fail(thunk, failure);
    }

    /// A copy of the error that a thunk failed with, on a way of its own.
    fn failed(&self, failure: u32) -> Error {
        let mut error = Error::clone(self.st.failures.get(failure));
        error.data_mut().failure = None;
        error
    }

    // ---- starting things ----------------------------------------------------------------------------

    /// Starts a step whose result goes to `dst` of the frame on top, and to the thunk `update`.
    fn start_step(
        &mut self,
        regs: &mut Vec<Val>,
        step: Step,
        dst: u8,
        update: Val,
    ) -> Result<Started, Error> {
        match step {
            Step::Done(v) => {
                if update != Val::ABSENT {
                    self.heap.finish(update, v);
                }
                Ok(Some(v))
            }
            Step::Return(v) | Step::Force(v) => {
                if update == Val::ABSENT {
                    return self.start_force(regs, v, dst);
                }
                if let Some(v) = self.heap.peek(v) {
                    self.heap.finish(update, v);
                    return Ok(Some(v));
                }
                self.push_native(None, dst, update, false);
                let started = self.start_force(regs, v, 0)?;
                Ok(self.forward(started))
            }
            Step::ReturnCall(f, args) | Step::Call(f, args)
                if self.st.settings.trace_calls && !std::mem::take(&mut self.said_call) =>
            {
                let call = TracedCall { f, args, pos: Pos::NONE, called: false };
                self.push_native(Some(Box::new(call)), dst, update, false);
                Ok(None)
            }
            Step::ReturnCall(f, args) | Step::Call(f, args) => self.start_call(regs, f, &args, dst, update),
            Step::ReturnRun(native) | Step::Run(native) => {
                self.check_depth()?;
                self.push_native(Some(native), dst, update, true);
                Ok(None)
            }
        }
    }

    /// If what a passing frame waits for is there already, lets it be its input.
    fn forward(&mut self, started: Started) -> Started {
        if let Some(v) = started {
            self.input = v;
        }
        None
    }

    /// Forces a value into `dst` of the frame on top.
    fn start_force(&mut self, regs: &mut Vec<Val>, v: Val, dst: u8) -> Result<Started, Error> {
        if !v.is_thunk() {
            return Ok(Some(v));
        }
        let v = if v.is_element() { self.call_of(v) } else { v };
        if !v.is_thunk() {
            return Ok(Some(v));
        }
        match self.heap.claim::<SHARED>(v) {
            Claim::Done(value) => Ok(Some(value)),
            claim => self.start_claimed(regs, v, claim, dst),
        }
    }

    /// The thunk that the element of a mapping stands for, made now if nobody has asked for it; or its value.
    #[inline(never)]
    fn call_of(&mut self, v: Val) -> Val {
        if let Some(call) = self.heap.call_of(v) {
            return call;
        }
        let (function, source, slot) = self.heap.element(v);
        let layout = self.heap.layout(source).expect("mappings are of plain sets");
        let name = self.symbol_string(self.layouts.keys(layout)[slot as usize]);
        let value = self.heap.attr(source, slot).get();
        self.st.stats.thunks += 1;
        let call = self.heap.new_apply_thunk(NO_UNIT, 0, function, &[name, value]);
        self.heap.set_call(v, call);
        call
    }

    fn start_claimed(
        &mut self,
        regs: &mut Vec<Val>,
        v: Val,
        claim: Claim,
        dst: u8,
    ) -> Result<Started, Error> {
        if self.st.forces.room > 0
            && let Claim::Run(code) = claim
        {
            self.note_force(v, code, self.frames.len());
        }
        match claim {
            Claim::Done(value) => Ok(Some(value)),
            Claim::Failed(failure) => Err(self.failed(failure)),
            Claim::Busy => {
                self.trail.busy = true;
                Err(Error::new(ErrorKind::InfiniteRecursion, "infinite recursion encountered"))
            }
            Claim::Run(ThunkCode::Unit(unit)) => {
                self.st.stats.forced += 1;
                let base = self.top();
                let code = self.code(unit);
                self.push_code(regs, code, base, dst, v, v, false);
                self.poll()?;
                Ok(None)
            }
            Claim::Run(ThunkCode::Select { unit, at }) => {
                self.st.stats.forced += 1;
                self.start_select(regs, v, unit, at, dst)
            }
            Claim::Run(ThunkCode::Apply { .. }) => {
                self.st.stats.forced += 1;
                let words = self.heap.captures(v);
                let floor = self.frames.len();
                if let Some(f) = self.heap.peek(words[0].get()).filter(|f| f.is_func())
                    && let (Kind::Closure, unit) = self.heap.function(f)
                    && self.code(unit).params as usize == words.len() - 1
                    && !self.st.settings.trace_calls
                {
                    let args = words[1..].iter().map(|s| s.get());
                    return self.enter_closure(regs, f, unit, args, dst, v).inspect_err(|_| {
                        // The thunk has to fail with a frame.
                        if self.frames.len() == floor {
                            self.push_native(None, dst, v, false);
                        }
                    });
                }
                let args: Args = words[1..].iter().map(|s| s.get()).collect();
                if self.st.settings.trace_calls {
                    let pos = self.apply_pos(v);
                    let call = TracedCall { f: words[0].get(), args, pos, called: false };
                    self.push_native(Some(Box::new(call)), dst, v, false);
                    return Ok(None);
                }
                self.start_call(regs, words[0].get(), &args, dst, v).inspect_err(|_| {
                    // The thunk has to fail with a frame.
                    if self.frames.len() == floor {
                        self.push_native(None, dst, v, false);
                    }
                })
            }
        }
    }

    fn start_select(
        &mut self,
        regs: &mut Vec<Val>,
        v: Val,
        unit: u32,
        at: u16,
        dst: u8,
    ) -> Result<Started, Error> {
        let base = self.heap.captures(v)[0].get();
        let code = self.code(unit);
        let Op::LazySelect { site, .. } = code.ops[at as usize] else {
            unreachable!("a select thunk names the instruction that made it")
        };
        if let Some(set) = self.heap.peek(base)
            && set.is_attrs()
            && let Some(slot) = self.attr_at(set, &code.sites[site as usize])
        {
            return self.start_step(regs, Step::Return(slot.get()), dst, v);
        }
        let native =
            SelectThunk { base, name: code.sites[site as usize].name, pos: code.pos_at(at as usize) };
        self.push_native(Some(Box::new(native)), dst, v, false);
        Ok(None)
    }

    /// Calls a function, the result going to `dst` of the frame on top and to the thunk `update`.
    fn start_call(
        &mut self,
        regs: &mut Vec<Val>,
        f: Val,
        args: &[Val],
        dst: u8,
        update: Val,
    ) -> Result<Started, Error> {
        let Some(f) = self.heap.peek(f) else {
            let native = Apply { f, args: Args::from_slice(args), forced: false };
            self.push_native(Some(Box::new(native)), dst, update, false);
            return Ok(None);
        };
        if !f.is_func() {
            return self.call_functor(f, args, dst, update);
        }
        match self.heap.function(f) {
            (Kind::Closure, unit) => {
                let code = self.code(unit);
                let arity = code.params as usize;
                if args.len() == arity {
                    return self.enter_closure(regs, f, unit, args.iter().copied(), dst, update);
                }
                self.call_uneven(regs, f, arity, args, dst, update)
            }
            (Kind::Primop, index) => {
                let builtin = &builtins::TABLE[index as usize];
                if args.len() == builtin.arity as usize {
                    return self.call_builtin(regs, index, args, dst, update);
                }
                self.call_uneven(regs, f, builtin.arity as usize, args, dst, update)
            }
            _ => {
                let (function, first) = self.heap.partial(f);
                let all: Args = first.iter().map(|s| s.get()).chain(args.iter().copied()).collect();
                self.start_call(regs, function, &all, dst, update)
            }
        }
    }

    /// Begins a call of the closure `f`, whose code is `unit`, with as many arguments as it takes.
    #[inline(always)]
    fn enter_closure(
        &mut self,
        regs: &mut Vec<Val>,
        f: Val,
        unit: u32,
        args: impl Iterator<Item = Val>,
        dst: u8,
        update: Val,
    ) -> Result<Started, Error> {
        self.st.stats.calls += 1;
        let base = self.top();
        if regs.len() < base + 2 * WINDOW {
            regs.resize((2 * regs.len()).max(base + 4 * WINDOW), Val::ABSENT);
        }
        for (to, arg) in regs[base..base + WINDOW].iter_mut().zip(args) {
            *to = arg;
        }
        self.check_depth()?;
        let code = self.code(unit);
        self.push_code(regs, code, base, dst, f, update, true);
        self.poll()?;
        Ok(None)
    }

    /// Calls a function with fewer or more arguments than it takes.
    fn call_uneven(
        &mut self,
        regs: &mut Vec<Val>,
        f: Val,
        arity: usize,
        args: &[Val],
        dst: u8,
        update: Val,
    ) -> Result<Started, Error> {
        if args.len() < arity {
            let partial = self.heap.new_partial(f, args.iter().copied());
            return self.start_step(regs, Step::Done(partial), dst, update);
        }
        let (now, later) = args.split_at(arity);
        let native =
            OverApply { f, now: Args::from_slice(now), later: Args::from_slice(later), called: false };
        self.push_native(Some(Box::new(native)), dst, update, false);
        Ok(None)
    }

    fn call_functor(&mut self, f: Val, args: &[Val], dst: u8, update: Val) -> Result<Started, Error> {
        let functor = if f.is_attrs() { self.attr(f, self.st.known.functor()) } else { None };
        let Some(functor) = functor else {
            self.trail.waiting = Waiting::Error;
            let (what, value) = (self.describe(f), self.show_short(f));
            let text = format!("attempt to call something which is not a function but {what}: {value}");
            return Err(Error::typed(text));
        };
        // The call of the functor is one within the call of the set.
        self.check_depth()?;
        let native =
            CallFunctor { set: f, functor: functor.get(), args: Args::from_slice(args), called: false };
        self.push_native(Some(Box::new(native)), dst, update, true);
        Ok(None)
    }

    /// Calls a builtin with as many arguments as it takes.
    fn call_builtin(
        &mut self,
        regs: &mut Vec<Val>,
        index: u32,
        args: &[Val],
        dst: u8,
        update: Val,
    ) -> Result<Started, Error> {
        self.check_depth()?;
        let builtin = &builtins::TABLE[index as usize];
        let mut args = Args::from_slice(args);
        for strict in builtin.strict {
            let at = strict.arg as usize;
            match self.heap.peek(args[at]) {
                Some(v) if self.fits(v, strict.want) => args[at] = v,
                _ => {
                    let native = BuiltinArgs { index, args, next: 0 };
                    self.push_native(Some(Box::new(native)), dst, update, true);
                    self.name_builtin(index);
                    return Ok(None);
                }
            }
        }
        self.st.stats.builtin_calls += 1;
        match (builtin.run)(self, &args) {
            Ok(Step::Done(v)) => self.start_step(regs, Step::Done(v), dst, update),
            step => {
                // What it waits for, or why it failed, is to be known as the builtin's.
                self.push_native(None, dst, update, false);
                self.name_builtin(index);
                let started = self.start_step(regs, step?, 0, Val::ABSENT)?;
                Ok(self.forward(started))
            }
        }
    }

    /// Marks the frame on top as that of a builtin.
    fn name_builtin(&mut self, index: u32) {
        self.frames.last_mut().expect("just pushed").ip = index + 1;
    }

    // ---- the loop -----------------------------------------------------------------------------------

    /// Runs until the frames are down to `floor`, and answers the value of the last.
    fn execute(&mut self, regs: &mut Vec<Val>, floor: usize) -> Result<Val, Error> {
        loop {
            if self.wants_collection {
                self.collect(regs);
            }
            let frame = *self.frames.last().expect("above the floor");
            let done = match frame.code {
                Some(code) => self.execute_code(regs, frame, code, floor)?,
                None => match self.execute_native(regs)? {
                    Some(v) => self.deliver(regs, v, floor),
                    None => None,
                },
            };
            if let Some(v) = done {
                return Ok(v);
            }
        }
    }

    /// Resumes the builtin on top until it is done, or waits for a frame above it.
    fn execute_native(&mut self, regs: &mut Vec<Val>) -> Result<Option<Val>, Error> {
        let mut input = std::mem::replace(&mut self.input, Val::ABSENT);
        let Some(mut native) = self.natives.pop().expect("a builtin for its frame") else {
            return Ok(Some(input));
        };
        loop {
            self.st.stats.natives += 1;
            let step = match native.resume(self, input) {
                Ok(step) => step,
                Err(error) => {
                    self.natives.push(None);
                    return Err(error);
                }
            };
            match step {
                Step::Done(v) => return Ok(Some(v)),
                Step::Force(v) if let Some(v) = self.heap.peek(v) => input = v,
                Step::Return(v) if let Some(v) = self.heap.peek(v) => return Ok(Some(v)),
                step => {
                    let is_last = matches!(step, Step::Return(_) | Step::ReturnCall(..) | Step::ReturnRun(_));
                    self.natives.push((!is_last).then_some(native));
                    match self.start_step(regs, step, 0, Val::ABSENT)? {
                        None => return Ok(None),
                        Some(v) => match self.natives.pop().expect("pushed above") {
                            None => return Ok(Some(v)),
                            Some(waiting) => (native, input) = (waiting, v),
                        },
                    }
                }
            }
            self.poll().inspect_err(|_| self.natives.push(None))?;
        }
    }

    /// Runs instructions of the frame on top, whose code is `code`, and of those pushed on it or left below it. Answers the
    /// value of the last frame above `floor`, or `None` when there is a builtin to be resumed or the heap to be collected.
    fn execute_code(
        &mut self,
        regs: &mut Vec<Val>,
        frame: Frame<'w>,
        code: &'w Code,
        floor: usize,
    ) -> Result<Option<Val>, Error> {
        let heap = self.heap;
        let mut code = code;
        let mut ops: &[Op] = &code.ops;
        let (mut base, mut env) = (frame.base as usize, frame.env);
        let mut ip = frame.ip as usize + frame.done as usize;
        let mut w = window(regs, base);
        loop {
            'frame: {
                // Leaves the frame at an instruction: to be run again, or to go on with.
                macro_rules! leave {
                    ($done:expr) => {{
                        let frame = self.frames.last_mut().expect("this frame");
                        (frame.ip, frame.done) = (ip as u32, $done);
                    }};
                }
                macro_rules! fallible {
                    ($result:expr) => {
                        match $result {
                            Ok(v) => v,
                            Err(error) => {
                                leave!(false);
                                return Err(error);
                            }
                        }
                    };
                }
                macro_rules! fail {
                    ($error:expr) => {{
                        leave!(false);
                        return Err($error);
                    }};
                }
                macro_rules! force {
                    ($reg:expr) => {{
                        let reg = $reg as u8;
                        let v = w[reg as usize];
                        if !v.is_thunk() {
                            v
                        } else if let Some(value) = heap.result(v) {
                            w[reg as usize] = value;
                            value
                        } else {
                            leave!(false);
                            match self.start_force(regs, v, reg) {
                                Ok(None) => break 'frame,
                                Ok(Some(value)) => {
                                    w = window(regs, base);
                                    w[reg as usize] = value;
                                    value
                                }
                                Err(error) => {
                                    self.trail.operand = Some(reg);
                                    return Err(error);
                                }
                            }
                        }
                    }};
                }
                // Starts something that gives a register's value, before the instruction is run again or gone on with.
                macro_rules! begin {
                    ($done:expr, $reg:expr, $step:expr) => {{
                        let step = $step;
                        leave!($done);
                        match self.start_step(regs, step, $reg, Val::ABSENT)? {
                            Some(v) => {
                                w = window(regs, base);
                                w[$reg as usize] = v;
                            }
                            None => break 'frame,
                        }
                    }};
                }
                // Starts something that gives the value of this instruction.
                macro_rules! start {
                    ($dst:expr, $step:expr) => {
                        begin!(true, $dst, $step)
                    };
                }
                // Starts something that gives an operand of this instruction.
                macro_rules! start_operand {
                    ($reg:expr, $step:expr) => {
                        begin!(false, $reg, $step)
                    };
                }
                macro_rules! source {
                    ($from:expr) => {{
                        let from = $from;
                        if from < frazil_code::Child::CAPTURE {
                            w[from as usize]
                        } else {
                            capture(heap, env, from - frazil_code::Child::CAPTURE)
                        }
                    }};
                }
                'run: loop {
                    match ops[ip] {
                        Op::Const { dst, k } => w[dst as usize] = code.consts[k as usize],
                        Op::Move { dst, src } => w[dst as usize] = w[src as usize],
                        Op::LoadCapture { dst, i } => w[dst as usize] = heap.captures(env)[i as usize].get(),
                        Op::LoadSlot { dst, from, slot } => {
                            w[dst as usize] = self.slot(w[from as usize], slot)
                        }
                        Op::Thunk { dst, child } => {
                            let child = &code.children[child as usize];
                            let v =
                                heap.new_thunk(child.unit, code.sources(child).iter().map(|&c| source!(c)));
                            self.st.stats.thunks += 1;
                            w[dst as usize] = v;
                        }
                        Op::Closure { dst, child } => {
                            let child = &code.children[child as usize];
                            w[dst as usize] =
                                heap.new_closure(child.unit, code.sources(child).iter().map(|&c| source!(c)));
                        }
                        Op::NewThunk { dst, child } => {
                            let child = &code.children[child as usize];
                            self.st.stats.thunks += 1;
                            w[dst as usize] = heap.new_unfilled_thunk(child.unit, code.sources(child).len());
                        }
                        Op::NewClosure { dst, child } => {
                            let child = &code.children[child as usize];
                            w[dst as usize] =
                                heap.new_unfilled_closure(child.unit, code.sources(child).len());
                        }
                        Op::Fill { src, child } => {
                            let child = &code.children[child as usize];
                            heap.fill_captures(
                                w[src as usize],
                                code.sources(child).iter().map(|&c| source!(c)),
                            );
                        }
                        Op::NewDefault { dst, child } => {
                            if w[dst as usize] == Val::ABSENT {
                                let child = &code.children[child as usize];
                                w[dst as usize] = if child.is_lambda {
                                    heap.new_unfilled_closure(child.unit, code.sources(child).len())
                                } else {
                                    self.st.stats.thunks += 1;
                                    heap.new_unfilled_thunk(child.unit, code.sources(child).len())
                                };
                            }
                        }
                        Op::FillDefault { src, child } => {
                            let child = &code.children[child as usize];
                            let v = w[src as usize];
                            if heap.is_unfilled(v) && heap.unit(v) == child.unit {
                                heap.fill_captures(v, code.sources(child).iter().map(|&c| source!(c)));
                            }
                        }
                        Op::ConstDefault { dst, k } => {
                            if w[dst as usize] == Val::ABSENT {
                                w[dst as usize] = code.consts[k as usize];
                            }
                        }
                        Op::MoveDefault { dst, src } => {
                            if w[dst as usize] == Val::ABSENT {
                                w[dst as usize] = w[src as usize];
                            }
                        }
                        Op::SlotDefault { set, child, slot } => {
                            let of = w[set as usize];
                            let to = heap.attr(of, slot);
                            if to.get() == Val::ABSENT {
                                let child = &code.children[child as usize];
                                let captures = code.sources(child).iter().map(|&c| source!(c));
                                to.set(if child.is_lambda {
                                    heap.new_closure(child.unit, captures)
                                } else {
                                    self.st.stats.thunks += 1;
                                    heap.new_thunk(child.unit, captures)
                                });
                                heap.remember(of);
                            }
                        }
                        Op::LazySelect { dst, base: from, site } => {
                            let from = w[from as usize];
                            let site = &code.sites[site as usize];
                            w[dst as usize] = self.lazy_select(code, ip, from, site);
                        }
                        Op::TryWith { dst, scope, site } => {
                            if let Some(set) = heap.peek(w[scope as usize])
                                && set.is_attrs()
                                && let Some(slot) = self.attr_at(set, &code.sites[site as usize])
                            {
                                w[dst as usize] = slot.get();
                                ip += 1;
                            }
                        }
                        Op::LazyCall { dst, base: f, n } => {
                            let (unit, at) =
                                if ip <= u16::MAX as usize { (code.unit, ip as u16) } else { (NO_UNIT, 0) };
                            let args = &w[f as usize + 1..f as usize + 1 + n as usize];
                            self.st.stats.thunks += 1;
                            w[dst as usize] = heap.new_apply_thunk(unit, at, w[f as usize], args);
                        }
                        Op::Set { dst, base: first, shape } => {
                            let (layout, positions) = code.shapes[shape as usize];
                            let n = self.layouts.len(layout);
                            let values = w[first as usize..first as usize + n].iter().copied();
                            w[dst as usize] = heap.new_attrs(layout, positions, values);
                        }
                        Op::NewSet { dst, shape } => {
                            let (layout, positions) = code.shapes[shape as usize];
                            let n = self.layouts.len(layout);
                            w[dst as usize] =
                                heap.new_attrs(layout, positions, std::iter::repeat_n(Val::ABSENT, n));
                        }
                        Op::SetSlot { to, src, slot } => {
                            let to = w[to as usize];
                            let slots =
                                if to.is_list() { heap.list(to) } else { heap.attr_values(to, self.layouts) };
                            slots[slot as usize].set(w[src as usize]);
                            heap.remember(to);
                        }
                        Op::Dynamic { set, base: pair, .. } => {
                            let name = force!(pair);
                            if name != Val::NULL {
                                const CONTEXT: &str = "while evaluating the name of a dynamic attribute";
                                fallible!(self.check_name(name, code.pos_at(ip), CONTEXT));
                                let value = w[pair as usize + 1];
                                w[set as usize] = fallible!(self.add_dynamic(
                                    w[set as usize],
                                    name,
                                    value,
                                    code.pos_at(ip)
                                ));
                            }
                        }
                        Op::Overrides { dst, set, site } => {
                            let of = w[set as usize];
                            let slot = self
                                .attr(of, code.sites[site as usize].name)
                                .expect("the attribute is there");
                            w[dst as usize] = slot.get();
                            let overrides = force!(dst);
                            if !overrides.is_attrs() {
                                let error = self.wanted("a set", overrides);
                                fail!(
                                    error.while_(Pos::NONE, "while evaluating the `__overrides` attribute")
                                );
                            }
                            w[dst as usize] = self.override_attrs(of, overrides);
                        }
                        Op::List { dst, base: first, n } => {
                            let values = w[first as usize..first as usize + n as usize].iter().copied();
                            w[dst as usize] = heap.new_list(values);
                        }
                        Op::NewList { dst, n } => {
                            w[dst as usize] = heap.new_list(std::iter::repeat_n(Val::ABSENT, n as usize));
                        }
                        Op::Force { src } => {
                            force!(src);
                        }
                        Op::Select { dst, base: from, site } => {
                            let set = force!(from);
                            let site = &code.sites[site as usize];
                            if !set.is_attrs() {
                                fail!(self.wanted("a set", set).while_(code.pos_at(ip), SELECTING));
                            }
                            match self.attr_at(set, site) {
                                Some(slot) => {
                                    let v = slot.get();
                                    w[dst as usize] = match heap.peek(v) {
                                        Some(value) if v.is_thunk() => {
                                            slot.set(value);
                                            value
                                        }
                                        _ => v,
                                    };
                                }
                                None => fail!(self.missing(set, site.name, code.pos_at(ip))),
                            }
                        }
                        Op::SelectOr { dst, base: from, site } => {
                            let set = force!(from);
                            if set.is_attrs()
                                && let Some(slot) = self.attr_at(set, &code.sites[site as usize])
                            {
                                w[dst as usize] = slot.get();
                                ip += 1;
                            }
                        }
                        Op::Name { name } => {
                            let name = force!(name);
                            fallible!(self.check_name(
                                name,
                                code.pos_at(ip),
                                "while evaluating an attribute name"
                            ));
                        }
                        Op::SelectDynamic { dst, base: from, name } => {
                            let name = force!(name);
                            fallible!(self.check_name(
                                name,
                                code.pos_at(ip),
                                "while evaluating an attribute name"
                            ));
                            let set = force!(from);
                            if !set.is_attrs() {
                                fail!(self.wanted("a set", set).while_(code.pos_at(ip), SELECTING));
                            }
                            let symbol = self.symbol(name);
                            match self.attr(set, symbol) {
                                Some(slot) => w[dst as usize] = slot.get(),
                                None => fail!(self.missing(set, symbol, code.pos_at(ip))),
                            }
                        }
                        Op::SelectDynamicOr { dst, base: from, name } => {
                            let name = force!(name);
                            fallible!(self.check_name(
                                name,
                                code.pos_at(ip),
                                "while evaluating an attribute name"
                            ));
                            let set = force!(from);
                            let symbol = self.symbol(name);
                            if set.is_attrs()
                                && let Some(slot) = self.attr(set, symbol)
                            {
                                w[dst as usize] = slot.get();
                                ip += 1;
                            }
                        }
                        Op::Has { dst, base: from, site } => {
                            let set = force!(from);
                            let has =
                                set.is_attrs() && self.attr_at(set, &code.sites[site as usize]).is_some();
                            w[dst as usize] = Val::bool(has);
                        }
                        Op::HasDynamic { dst, base: from, name } => {
                            let name = force!(name);
                            fallible!(self.check_name(
                                name,
                                code.pos_at(ip),
                                "while evaluating an attribute name"
                            ));
                            let set = force!(from);
                            let symbol = self.symbol(name);
                            w[dst as usize] = Val::bool(set.is_attrs() && self.attr(set, symbol).is_some());
                        }
                        Op::With { dst, scope, site } => {
                            let set = force!(scope);
                            if !set.is_attrs() {
                                fail!(self.wanted("a set", set).while_(
                                    code.pos_at(ip),
                                    "while evaluating the first subexpression of a with expression"
                                ));
                            }
                            if let Some(slot) = self.attr_at(set, &code.sites[site as usize]) {
                                w[dst as usize] = slot.get();
                                ip += 1;
                            }
                        }
                        Op::Undefined { site } => {
                            fail!(self.undefined(code.sites[site as usize].name, code.pos_at(ip)))
                        }
                        Op::Call { dst, base: at, n } => {
                            let f = force!(at);
                            let first = at as usize + 1;
                            if f.is_func() {
                                match heap.function(f) {
                                    (Kind::Closure, unit) => {
                                        let callee = self.code(unit);
                                        if callee.params == n {
                                            self.st.stats.calls += 1;
                                            leave!(true);
                                            self.check_depth()?;
                                            self.poll()?;
                                            self.push_code(
                                                regs,
                                                callee,
                                                base + first,
                                                dst,
                                                f,
                                                Val::ABSENT,
                                                true,
                                            );
                                            break 'frame;
                                        }
                                    }
                                    (Kind::Primop, index) => {
                                        let builtin = &builtins::TABLE[index as usize];
                                        if builtin.arity == n {
                                            for strict in builtin.strict {
                                                let v = force!(at + 1 + strict.arg);
                                                fallible!(self.check_want(v, strict));
                                            }
                                            self.st.stats.builtin_calls += 1;
                                            let args = &w[first..first + n as usize];
                                            match fallible!((builtin.run)(self, args)) {
                                                Step::Done(v) => w[dst as usize] = v,
                                                step => start!(dst, step),
                                            }
                                            ip += 1;
                                            continue 'run;
                                        }
                                    }
                                    _ => {}
                                }
                            }
                            let args = Args::from_slice(&w[first..first + n as usize]);
                            start!(dst, Step::ReturnCall(f, args));
                        }
                        Op::TracedCall { dst, base: at, n } => {
                            let f = force!(at);
                            let first = at as usize + 1;
                            let call = TracedCall {
                                f,
                                args: Args::from_slice(&w[first..first + n as usize]),
                                pos: code.pos_at(ip),
                                called: false,
                            };
                            leave!(true);
                            self.push_native(Some(Box::new(call)), dst, Val::ABSENT, false);
                            return Ok(None);
                        }
                        Op::Return { src } => {
                            let v = force!(src);
                            if let Some(v) = self.deliver(regs, v, floor) {
                                return Ok(Some(v));
                            }
                            break 'frame;
                        }
                        Op::Jump { to } => {
                            ip = to as usize;
                            continue 'run;
                        }
                        Op::JumpIfFalse { cond, to, .. } => match force!(cond) {
                            Val::TRUE => {}
                            Val::FALSE => {
                                ip = to as usize;
                                continue 'run;
                            }
                            v => fail!(self.wanted_bool(v, code.pos_at(ip))),
                        },
                        Op::JumpIfTrue { cond, to, .. } => match force!(cond) {
                            Val::FALSE => {}
                            Val::TRUE => {
                                ip = to as usize;
                                continue 'run;
                            }
                            v => fail!(self.wanted_bool(v, code.pos_at(ip))),
                        },
                        Op::Bool { src, .. } => {
                            let v = force!(src);
                            if v.as_bool().is_none() {
                                fail!(self.wanted_bool(v, code.pos_at(ip)));
                            }
                        }
                        Op::AssertEqual { dst, a, b } => {
                            let (a, b) = (force!(a), force!(b));
                            start!(dst, crate::assert::equal(a, b, code.pos_at(ip)));
                        }
                        Op::AssertFailed { expr } => {
                            fail!(self.assertion_failed(code, expr, code.pos_at(ip)))
                        }
                        Op::Not { dst, src } => {
                            let v = force!(src);
                            match v.as_bool() {
                                Some(b) => w[dst as usize] = Val::bool(!b),
                                None => fail!(self.wanted_bool(v, code.pos_at(ip))),
                            }
                        }
                        Op::Eq { dst, a, b } => {
                            let (a, b) = (force!(a), force!(b));
                            match compare::equal_now(self, a, b) {
                                Some(equal) => w[dst as usize] = Val::bool(equal),
                                None => start!(dst, compare::equal(a, b, false)),
                            }
                        }
                        Op::NotEq { dst, a, b } => {
                            let (a, b) = (force!(a), force!(b));
                            match compare::equal_now(self, a, b) {
                                Some(equal) => w[dst as usize] = Val::bool(!equal),
                                None => start!(dst, compare::equal(a, b, true)),
                            }
                        }
                        Op::Less { dst, a, b } => {
                            let (a, b) = (force!(a), force!(b));
                            match fallible!(compare::less_now(self, a, b)) {
                                Some(less) => w[dst as usize] = Val::bool(less),
                                None => start!(dst, compare::less(a, b)),
                            }
                        }
                        Op::Sub { dst, a, b } => {
                            let (a, b) = (force!(a), force!(b));
                            w[dst as usize] = fallible!(builtins::numbers::subtract(self, a, b));
                        }
                        Op::Mul { dst, a, b } => {
                            let (a, b) = (force!(a), force!(b));
                            w[dst as usize] = fallible!(builtins::numbers::multiply(self, a, b));
                        }
                        Op::Div { dst, a, b } => {
                            let (a, b) = (force!(a), force!(b));
                            w[dst as usize] = fallible!(builtins::numbers::divide(self, a, b));
                        }
                        Op::Plus { dst, a, b, text } => {
                            let (a, b) = (force!(a), force!(b));
                            match fallible!(coerce::plus_now(self, a, b).map_err(|e| e.at(code.pos_at(ip)))) {
                                Some(v) => w[dst as usize] = v,
                                None => start!(dst, coerce::plus(a, b, w[text as usize], code.pos_at(ip))),
                            }
                        }
                        Op::Addend { dst, src } => {
                            let v = force!(src);
                            match fallible!(coerce::addend(self, v)) {
                                None => w[dst as usize] = v,
                                Some(step) => start!(dst, step),
                            }
                        }
                        Op::RightSet { src } => {
                            let right = force!(src);
                            if !right.is_attrs() {
                                fail!(self.wanted("a set", right));
                            }
                        }
                        Op::Update { dst, a, b } => {
                            for operand in [b, a] {
                                let v = force!(operand);
                                if !v.is_attrs() {
                                    self.trail.operand = Some(operand);
                                    fail!(self.wanted("a set", v));
                                }
                            }
                            w[dst as usize] = self.update(w[a as usize], w[b as usize]);
                        }
                        Op::Concat { dst, a, b } => {
                            let lists = [force!(a), force!(b)];
                            for list in lists {
                                if !list.is_list() {
                                    const CONTEXT: &str =
                                        "while evaluating one of the elements to concatenate";
                                    fail!(self.wanted("a list", list).while_(code.pos_at(ip), CONTEXT));
                                }
                            }
                            w[dst as usize] = fallible!(self.concat_lists(&lists));
                        }
                        Op::Interpolate { dst, base: first, n } => {
                            for reg in first..first + n {
                                let v = force!(reg);
                                if !v.is_string() {
                                    let to = CoerceTo { copy: true, ..CoerceTo::PLAIN };
                                    let step = coerce::to_string(
                                        v,
                                        to,
                                        Pos::part(reg - first),
                                        "while evaluating a path segment",
                                    );
                                    start_operand!(reg, step);
                                }
                            }
                            let parts = &w[first as usize..(first + n) as usize];
                            w[dst as usize] = fallible!(self.concat_strings(parts));
                        }
                        Op::InterpolatePath { dst, base: first, n } => {
                            for reg in first + 1..first + n {
                                let v = force!(reg);
                                if !v.is_string() {
                                    let step = coerce::to_string(
                                        v,
                                        CoerceTo::PLAIN,
                                        Pos::part(reg - first),
                                        "while evaluating a path segment",
                                    );
                                    start_operand!(reg, step);
                                }
                            }
                            let parts = &w[first as usize..(first + n) as usize];
                            w[dst as usize] =
                                fallible!(self.concat_path(parts).map_err(|e| e.at(code.pos_at(ip))));
                        }
                        Op::Formals { arg, first } => {
                            let set = force!(arg);
                            let to = &mut w[first as usize..first as usize + code.formals.len()];
                            fallible!(self.bind_formals(code, set, to));
                        }
                        Op::FormalsBoxed { arg, dst, shape } => {
                            let set = force!(arg);
                            let mut values = vec![Val::ABSENT; code.formals.len()];
                            fallible!(self.bind_formals(code, set, &mut values));
                            let (layout, positions) = code.shapes[shape as usize];
                            w[dst as usize] = heap.new_attrs(layout, positions, values.into_iter());
                        }
                    }
                    ip += 1;
                }
            }
            let frame = self.frames.last().expect("above the floor");
            let Some(next) = frame.code.filter(|_| !self.wants_collection) else { return Ok(None) };
            code = next;
            ops = &code.ops;
            (base, env) = (frame.base as usize, frame.env);
            ip = frame.ip as usize + frame.done as usize;
            w = window(regs, base);
        }
    }

    // ---- what instructions do -----------------------------------------------------------------------

    fn slot(&self, from: Val, slot: u32) -> Val {
        let slots =
            if from.is_list() { self.heap.list(from) } else { self.heap.attr_values(from, self.layouts) };
        slots[slot as usize].get()
    }

    #[inline]
    fn lazy_select(&mut self, code: &Code, ip: usize, from: Val, site: &crate::link::Site) -> Val {
        if let Some(set) = self.heap.peek(from)
            && set.is_attrs()
            && !self.st.settings.patient
            && let Some(slot) = self.attr_at(set, site)
        {
            let v = slot.get();
            return self.heap.peek(v).unwrap_or(v);
        }
        self.st.stats.thunks += 1;
        if ip <= u16::MAX as usize {
            return self.heap.new_select_thunk(code.unit, ip as u16, from);
        }
        // An instruction too far away to be named by the thunk.
        let name = self.symbol_string(site.name);
        let get_attr = self.st.globals[&self.st.symbols.find(b"__getAttr").expect("a builtin")];
        self.heap.new_apply_thunk(NO_UNIT, 0, get_attr, &[name, from])
    }

    fn add_dynamic(&mut self, set: Val, name: Val, value: Val, pos: Pos) -> Result<Val, Error> {
        let symbol = self.symbol(name);
        if self.attr(set, symbol).is_some() {
            let defined = self.attr_pos(set, symbol);
            let name = self.shown_name(symbol);
            let text = format!("dynamic attribute '{name}' already defined at {}", self.st.show_pos(defined));
            return Err(Error::eval(text).at(pos));
        }
        let one = self.new_attrs_at(&[symbol], &[value], &[pos]);
        Ok(self.update(set, one))
    }

    fn override_attrs(&mut self, set: Val, overrides: Val) -> Val {
        let (keys, values) = self.attrs(overrides);
        for (&key, value) in keys.iter().zip(values) {
            if let Some(slot) = self.attr(set, key) {
                slot.set(value.get());
                self.heap.remember(set);
            }
        }
        self.update(set, overrides)
    }

    #[inline]
    fn bind_formals(&mut self, code: &Code, set: Val, to: &mut [Val]) -> Result<(), Error> {
        if !set.is_attrs() {
            let pos = self.lambda_pos(code);
            const CONTEXT: &str = "while evaluating the value passed for the lambda argument";
            return Err(self.wanted("a set", set).while_(pos, CONTEXT));
        }
        let mut used = 0;
        for ((site, has_default), to) in code.formals.iter().zip(to) {
            match self.attr_at(set, site) {
                Some(slot) => {
                    used += 1;
                    let v = slot.get();
                    *to = self.heap.peek(v).unwrap_or(v);
                }
                None if *has_default => *to = Val::ABSENT,
                None => return Err(self.missing_argument(code, set)),
            }
        }
        if !code.ellipsis && used != self.attr_count(set) {
            return Err(self.unexpected_argument(code, set));
        }
        Ok(())
    }

    /// The list of all elements of `lists`.
    pub(crate) fn concat_lists(&self, lists: &[Val]) -> Result<Val, Error> {
        let mut filled = lists.iter().filter(|&&l| l != self.heap.empty_list());
        let Some(&first) = filled.next() else { return Ok(self.heap.empty_list()) };
        if filled.next().is_none() {
            return Ok(first);
        }
        let len: usize = lists.iter().map(|&l| self.heap.list(l).len()).sum();
        self.room_for(len as u64 * 8)?;
        let mut values = lists.iter().flat_map(|&l| self.heap.list(l)).map(|s| {
            let v = s.get();
            self.heap.peek(v).unwrap_or(v)
        });
        Ok(self.heap.new_list((0..len).map(|_| values.next().expect("as many as counted"))))
    }

    /// An error if that much memory is more than the limit leaves.
    pub(crate) fn room_for(&self, bytes: u64) -> Result<(), Error> {
        if bytes < 1 << 20 || self.heap.has_room(bytes) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Memory, format!("not enough memory for {bytes} bytes")))
    }

    // ---- errors -------------------------------------------------------------------------------------

    /// The error that a value is not of the wanted type.
    pub fn wanted(&mut self, what: &str, v: Val) -> Error {
        let found = self.describe(v);
        let value = self.show_short(v);
        Error::typed(format!("expected {what} but found {found}: {value}"))
    }

    #[inline]
    fn check_name(&mut self, v: Val, pos: Pos, context: &'static str) -> Result<(), Error> {
        if self.fits(v, Want::Plain) { Ok(()) } else { Err(self.unwanted_at(v, Want::Plain, pos, context)) }
    }

    fn wanted_bool(&mut self, v: Val, pos: Pos) -> Error {
        self.wanted("a Boolean", v).at(pos)
    }

    /// The error that a set has no such attribute.
    pub(crate) fn missing(&mut self, set: Val, name: Symbol, pos: Pos) -> Error {
        let suggestions = self.suggestions(set, name);
        let name = self.shown_name(name);
        Error::new(ErrorKind::MissingAttribute, format!("attribute '{name}' missing"))
            .at(pos)
            .suggest(suggestions)
    }

    fn undefined(&mut self, name: Symbol, pos: Pos) -> Error {
        let name = self.shown_name(name);
        Error::new(ErrorKind::UndefinedVariable, format!("undefined variable '{name}'")).at(pos)
    }

    fn assertion_failed(&mut self, code: &Code, expr: u32, pos: Pos) -> Error {
        let text = self.show_expr(code, ExprId(expr));
        Error::new(ErrorKind::Assertion, format!("assertion '{text}' failed")).at(pos)
    }
}
