//! Evaluation itself: `seq`, `deepSeq`, `tryEval`, `functionArgs`.

use super::{Builtin, Want, row, strict};
use crate::error::Error;
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Native, Step, traced};
use crate::print::nth_lambda;
use frazil_code::UnitKind;
use frazil_value::{Kind, Slot, Val};
use rustc_hash::FxHashSet;

pub(super) const TABLE: &[Builtin] = &[
    row("seq", 2, &[strict(0, Want::Any, "")], |_, a| Ok(Step::Return(a[1]))),
    row("deepSeq", 2, &[strict(0, Want::Any, "")], |_, a| {
        let deep = Step::Run(Box::new(DeepSeq::new(a[0])));
        crate::native::then(deep, &[a[1]], |_, kept, _| Ok(Step::Return(kept[0])))
    }),
    row("tryEval", 1, &[], |_, a| Ok(Step::ReturnRun(Box::new(TryEval { v: a[0], failed: false })))),
    row("functionArgs", 1, &[strict(0, Want::Any, "")], function_args),
];

/// Forces a value and all that it holds. Answers the value.
pub struct DeepSeq {
    root: Val,
    todo: Vec<Container>,
    seen: FxHashSet<u64>,
    started: bool,
    /// The function of the delayed call being forced.
    called: Val,
}

/// A list or set that is being forced.
struct Container {
    v: Val,
    /// Of a set, its slots in CppNix's order: that in which the names were first seen.
    order: Vec<u32>,
    /// How many of its values are done or being forced.
    next: usize,
}

impl Container {
    fn new(m: &mut Machine<'_>, v: Val) -> Container {
        if v.is_list() {
            return Container { v, order: Vec::new(), next: 0 };
        }
        let v = m.flat(v);
        Container { v, order: m.met_order(v), next: 0 }
    }

    /// The value in turn.
    fn get(&self, m: &Machine<'_>, i: usize) -> Option<Val> {
        if self.v.is_list() {
            return m.heap.list(self.v).get(i).map(Slot::get);
        }
        let slot = *self.order.get(i)? as usize;
        Some(m.heap.attr_values(self.v, m.layouts)[slot].get())
    }

    /// What the trace says of the value being forced.
    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        let Some(i) = self.next.checked_sub(1) else { return };
        if self.v.is_list() {
            return error.add_trace(Pos::NONE, format!("while evaluating list element at index {i}"));
        }
        let name = m.attrs(self.v).0[self.order[i] as usize];
        let (pos, name) = (m.attr_pos(self.v, name), m.shown_name(name));
        error.add_trace(pos, format!("while evaluating the attribute '{name}'"));
    }
}

impl DeepSeq {
    /// The deep forcing of `v`.
    pub fn new(v: Val) -> DeepSeq {
        DeepSeq { root: v, todo: Vec::new(), seen: FxHashSet::default(), started: false, called: Val::NULL }
    }

    fn enter(&mut self, m: &mut Machine<'_>, v: Val) -> Result<(), Error> {
        let is_container = v.is_attrs() || v.is_list();
        if is_container && self.seen.insert(v.bits()) {
            m.enter().map_err(|error| self.fail(m, error))?;
            let container = Container::new(m, v);
            self.todo.push(container);
        }
        Ok(())
    }

    /// The error that nesting is too deep.
    fn fail(&self, m: &mut Machine<'_>, error: Error) -> Error {
        let value = self.todo.last().and_then(|c| c.get(m, c.next.checked_sub(1)?));
        let mut error = error.at(value.map_or(Pos::NONE, |v| m.function_pos(m.called(v))));
        self.trace(m, &mut error);
        error
    }
}

impl Native for DeepSeq {
    traced!(self, visit: [self.root, self.called], self.todo.iter().map(|c| c.v));

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if !self.started {
            self.started = true;
            return Ok(Step::Force(self.root));
        }
        if self.todo.is_empty() && self.seen.is_empty() {
            self.root = input;
        }
        self.enter(m, input)?;
        while let Some(container) = self.todo.last_mut() {
            let value = container.get(m, container.next);
            container.next += 1;
            match value.map(|v| (v, m.heap.peek(v))) {
                None => {
                    self.todo.pop();
                    m.leave(1);
                }
                Some((_, Some(v))) => self.enter(m, v)?,
                Some((v, None)) => {
                    m.check_room().map_err(|error| self.fail(m, error))?;
                    self.called = m.called(v);
                    return Ok(Step::Force(v));
                }
            }
        }
        Ok(Step::Done(self.root))
    }

    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        m.leave(self.todo.len());
        self.todo.iter().rev().for_each(|container| container.trace(m, error));
    }

    fn call_site(&self, m: &mut Machine<'_>) -> Option<Pos> {
        Some(m.function_pos(self.called))
    }
}

struct TryEval {
    v: Val,
    failed: bool,
}

impl Native for TryEval {
    traced!(self, visit: [self.v]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input == Val::ABSENT {
            return Ok(Step::Force(self.v));
        }
        let names = [m.st.known.success(), m.st.known.value()];
        Ok(Step::Done(m.new_attrs(&names, &[Val::bool(!self.failed), input])))
    }

    fn catch(&mut self, _: &mut Machine<'_>, error: &Error) -> Option<Val> {
        self.failed = error.kind().is_catchable();
        self.failed.then_some(Val::FALSE)
    }
}

fn function_args(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let v = a[0];
    if !v.is_func() {
        return Err(Error::typed("'functionArgs' requires a function"));
    }
    let (function, given) = match m.heap.function(v) {
        (Kind::Partial, _) => {
            let (function, args) = m.heap.partial(v);
            (function, args.len())
        }
        _ => (v, 0),
    };
    let (kind, unit) = m.heap.function(function);
    if kind != Kind::Closure {
        let is_derivation = matches!(m.function_kind(v), crate::print::FunctionKind::Derivation);
        let formals = if is_derivation { vec![m.st.known.outputs()] } else { Vec::new() };
        return Ok(Step::Done(m.new_attrs(&formals, &vec![Val::TRUE; formals.len()])));
    }
    let code = m.code(unit);
    if code.formals.is_empty() || given + 1 < code.params as usize {
        return Ok(Step::Done(m.heap.empty_attrs()));
    }
    let names: Vec<_> = code.formals.iter().map(|(site, _)| site.name).collect();
    let values: Vec<Val> = code.formals.iter().map(|(_, has_default)| Val::bool(*has_default)).collect();
    let file = m.st.files.get(code.file);
    let tree = file.code.clone();
    let UnitKind::Lambda(first) = tree.unit(unit - file.first_unit).kind else {
        unreachable!("a closure is of a lambda")
    };
    let start = file.start;
    let lambda = crate::print::nth_lambda(&tree.exprs, first, code.params as usize - 1);
    let formals = tree.exprs.lambdas[lambda as usize].formals.expect("it has formals");
    let pos: Vec<_> =
        tree.exprs.formals[formals.formals.range()].iter().map(|f| crate::Pos(start + f.pos)).collect();
    Ok(Step::Done(m.new_attrs_at(&names, &values, &pos)))
}

impl Machine<'_> {
    /// The formals of a function with a set pattern, each with whether it has a default, and whether it takes more.
    pub fn formals(&mut self, v: Val) -> Option<(Vec<(frazil_syntax::symbol::Symbol, bool)>, bool)> {
        if !v.is_func() {
            return None;
        }
        let (function, given) = match self.heap.function(v).0 {
            Kind::Partial => (self.heap.partial(v).0, self.heap.partial(v).1.len()),
            _ => (v, 0),
        };
        let (Kind::Closure, unit) = self.heap.function(function) else { return None };
        let code = self.code(unit);
        let takes_set = code.params as usize == given + 1 && (!code.formals.is_empty() || code.has_pattern);
        takes_set.then(|| {
            (code.formals.iter().map(|(site, default)| (site.name, *default)).collect(), code.ellipsis)
        })
    }

    /// Where a function that takes a set names an attribute of it.
    pub fn formal_pos(&self, v: Val, name: frazil_syntax::symbol::Symbol) -> Pos {
        let function = match self.heap.function(v).0 {
            Kind::Partial => self.heap.partial(v).0,
            _ => v,
        };
        let (Kind::Closure, unit) = self.heap.function(function) else { return Pos::NONE };
        let file = self.st.files.get(self.st.files.of_unit(unit));
        let exprs = &file.code.exprs;
        let unit = file.code.unit(unit - file.first_unit);
        let frazil_code::UnitKind::Lambda(first) = unit.kind else { return Pos::NONE };
        let last = nth_lambda(exprs, first, unit.params as usize - 1);
        let formals =
            exprs.lambdas[last as usize].formals.map(|formals| &exprs.formals[formals.formals.range()]);
        let found = formals.into_iter().flatten().find(|formal| formal.name == name);
        found.map_or(Pos::NONE, |formal| Pos(file.start + formal.pos))
    }
}

/// The elements of a list, as values.
pub(crate) fn elements(m: &Machine<'_>, list: Val) -> Vec<Val> {
    m.heap.list(list).iter().map(Slot::get).collect()
}
