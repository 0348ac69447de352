//! Scopes: which binding each variable means, and which parts of a file become units of their own.
//!
//! One pass over the tree with a stack of its own, so that nesting costs no machine stack. It finds undefined
//! variables, gives every binding a place (a register of its unit, or a slot of a set of bindings where there
//! are many), and every unit the list of what it captures. Closures are flat (Cardelli, "Compiling a
//! functional language", 1984): a unit holds the values it uses, not the environments around it.

use crate::file::{FileCode, Group, Names, Place, UnitKind, Var};
use frazil_syntax::expr::*;
use frazil_syntax::symbol::Symbol;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// More bindings than this share a set instead of taking registers.
const MAX_FLAT: u32 = 40;
/// As many locals may be live in registers at once.
const MAX_LIVE: u32 = 90;
/// What nested strict expressions may use of registers and of the emitter's own recursion, before a part becomes a unit.
const BUDGET: u8 = 110;
/// Below this, the rest becomes a unit.
const LOW: u8 = 40;
/// More sources of `inherit (e)` than this share a list.
const MAX_SOURCES: u32 = 8;
/// The start of no group of bindings: all that are in scope are there.
const NO_GROUP: u32 = u32::MAX;
/// The longest chain of lambdas that is one unit.
const MAX_PARAMS: usize = 8;

/// Why scopes cannot be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeError {
    /// A variable is bound nowhere.
    Undefined {
        /// The variable.
        name: Symbol,
        /// Where it stands.
        pos: Offset,
    },
    /// An expression needs more values from around it than a unit can capture.
    TooManyCaptures {
        /// Where it stands.
        pos: Offset,
    },
}

#[derive(Clone, Copy)]
enum Home {
    Local(u32),
    Boxed { local: u32, slot: u32 },
    Scoped { local: u32 },
}

struct Binding {
    name: Symbol,
    /// The binding of the same name that this one hides.
    hides: u32,
    /// How many units are around it.
    depth: u32,
    home: Home,
}

struct WithScope {
    depth: u32,
    local: u32,
    pos: Offset,
}

struct OpenUnit {
    index: u32,
    captures: Captures,
    locals: u32,
    live: u32,
}

/// The places around a unit that it captures, each once.
#[derive(Default)]
struct Captures {
    places: SmallVec<[Place; 8]>,
    /// The number of each, for units that capture more than [`Captures::SCANNED`].
    numbers: FxHashMap<Place, u32>,
}

impl Captures {
    const SCANNED: usize = 16;

    /// The number of a place among those captured, which it belongs to from now on.
    fn number(&mut self, place: Place) -> u32 {
        let known = if self.places.len() <= Captures::SCANNED {
            self.places.iter().position(|&p| p == place).map(|i| i as u32)
        } else {
            self.numbers.get(&place).copied()
        };
        known.unwrap_or_else(|| self.add(place))
    }

    fn add(&mut self, place: Place) -> u32 {
        self.places.push(place);
        if self.places.len() > Captures::SCANNED {
            let unknown = self.numbers.len()..self.places.len();
            self.numbers.extend(unknown.map(|i| (self.places[i], i as u32)));
        }
        self.places.len() as u32 - 1
    }
}

enum Work {
    /// Visit an expression whose value is wanted now.
    Strict(ExprId, u8),
    /// Visit an expression whose value may never be wanted.
    Lazy(ExprId),
    /// Visit an expression as a unit of its own.
    Delay(ExprId),
    EndBindings {
        count: u32,
        live: u32,
    },
    BeginWith(ExprId),
    EndWith,
    EndUnit,
}

struct Resolver<'a> {
    code: FileCode,
    globals: &'a dyn Fn(Symbol) -> bool,
    names: Names,
    bindings: Vec<Binding>,
    innermost: FxHashMap<Symbol, u32>,
    withs: Vec<WithScope>,
    open: Vec<OpenUnit>,
    work: Vec<Work>,
    /// Variables that are bound nowhere.
    undefined: Vec<ExprId>,
}

/// Resolves the scopes of a file.
///
/// `globals` says which names are builtins in scope everywhere; `scope` lists further names, which the file's unit
/// then takes as the attributes of a set, its only parameter. `patient` code makes a thunk wherever CppNix does.
pub fn resolve(
    exprs: Exprs,
    globals: &dyn Fn(Symbol) -> bool,
    names: Names,
    scope: Option<&[Symbol]>,
    patient: bool,
) -> Result<FileCode, ScopeError> {
    let root = exprs.root.expect("a parsed file has a root");
    let code = FileCode::new(exprs, names, patient);
    let mut resolver = Resolver {
        code,
        globals,
        names,
        bindings: Vec::new(),
        innermost: FxHashMap::default(),
        withs: Vec::new(),
        open: Vec::new(),
        work: Vec::new(),
        undefined: Vec::new(),
    };
    resolver.open_unit(UnitKind::File, root, scope.is_some() as u8);
    if let Some(names) = scope {
        let local = resolver.new_local();
        for &name in names {
            resolver.bind(name, Home::Scoped { local });
        }
    }
    resolver.work.push(Work::EndUnit);
    resolver.work.push(Work::Strict(root, BUDGET));
    while let Some(work) = resolver.work.pop() {
        resolver.step(work)?;
    }
    if !resolver.undefined.is_empty() {
        let undefined = resolver.undefined.into_iter().collect();
        return Err(first_undefined(&resolver.code.exprs, root, &undefined));
    }
    let mut code = resolver.code;
    code.shrink();
    Ok(code)
}

/// The undefined variable that CppNix comes to first: it goes by the order in which names were first read.
#[cold]
fn first_undefined(exprs: &Exprs, root: ExprId, undefined: &FxHashSet<ExprId>) -> ScopeError {
    let mut todo = vec![root];
    while let Some(id) = todo.pop() {
        if let (Expr::Var(name), true) = (exprs.get(id), undefined.contains(&id)) {
            return ScopeError::Undefined { name, pos: exprs.pos(id) };
        }
        let start = todo.len();
        add_parts(exprs, id, &mut todo);
        todo[start..].reverse();
    }
    unreachable!("an undefined variable is part of the tree")
}

/// The expressions that one is made of, in CppNix's order.
fn add_parts(exprs: &Exprs, id: ExprId, parts: &mut Vec<ExprId>) {
    let add_path = |path: Run, parts: &mut Vec<ExprId>| {
        parts.extend(path.range().filter_map(|at| match exprs.name(at) {
            AttrName::Dynamic(e) => Some(e),
            AttrName::Static(_) => None,
        }));
    };
    let add_set = |set: u32, parts: &mut Vec<ExprId>| {
        let set = exprs.set(set);
        parts.extend(&exprs.lists[set.sources.range()]);
        let mut attrs: Vec<_> = exprs.attrs[set.attrs.range()].iter().collect();
        attrs.sort_by_key(|attr| attr.name);
        parts.extend(attrs.iter().filter_map(|attr| match attr.value() {
            AttrValue::Plain(e) | AttrValue::Inherited(e) => Some(e),
            AttrValue::InheritedFrom(_) => None,
        }));
        parts.extend(exprs.dynamics[set.dynamics.range()].iter().flat_map(|d| [d.name, d.value]));
    };
    match exprs.get(id) {
        Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Path(_) | Expr::SearchPath(_) => {}
        Expr::Var(_) | Expr::CurPos => {}
        Expr::Interpolation(run) | Expr::PathInterpolation(run) => {
            parts.extend(exprs.parts[run.range()].iter().map(|part| part.expr));
        }
        Expr::Plus(a, b) | Expr::Binary(_, a, b) | Expr::With(a, b) | Expr::Assert(a, b) => {
            parts.extend([a, b])
        }
        Expr::Not(a) | Expr::Negate(a) => parts.push(a),
        Expr::Select(i) | Expr::HasAttr(i) => {
            let Select { base, path, default } = exprs.selects[i as usize];
            parts.push(base);
            parts.extend(default);
            add_path(path, parts);
        }
        Expr::Call(f, args) => {
            parts.push(f);
            parts.extend(&exprs.lists[args.run().range()]);
        }
        Expr::Lambda(i) => {
            let lambda = &exprs.lambdas[i as usize];
            let mut formals: Vec<_> =
                lambda.formals.iter().flat_map(|f| &exprs.formals[f.formals.range()]).collect();
            formals.sort_by_key(|formal| formal.name);
            parts.extend(formals.iter().filter_map(|formal| formal.default));
            parts.push(lambda.body);
        }
        Expr::AttrSet(i) => add_set(i, parts),
        Expr::Let(i, body) => {
            add_set(i, parts);
            parts.push(body);
        }
        Expr::List(run) => parts.extend(&exprs.lists[run.range()]),
        Expr::If(at) => parts.extend(&exprs.lists[at as usize..at as usize + 3]),
    }
}

impl Resolver<'_> {
    fn step(&mut self, work: Work) -> Result<(), ScopeError> {
        match work {
            Work::Strict(id, budget) => self.strict(id, budget)?,
            Work::Lazy(id) => self.lazy(id)?,
            Work::Delay(id) => self.delay(id),
            Work::EndBindings { count, live } => {
                for _ in 0..count {
                    self.unbind();
                }
                self.unit().live -= live;
            }
            Work::BeginWith(with) => {
                let local = self.new_local();
                self.code.set_var(with, Var::At(Place::Local(local)));
                self.unit().live += 1;
                let depth = self.depth();
                self.withs.push(WithScope { depth, local, pos: self.code.exprs.pos(with) });
            }
            Work::EndWith => {
                self.withs.pop();
                self.unit().live -= 1;
            }
            Work::EndUnit => self.close_unit()?,
        }
        Ok(())
    }

    // ---- units --------------------------------------------------------------------------------------

    fn unit(&mut self) -> &mut OpenUnit {
        self.open.last_mut().expect("a unit is open")
    }

    fn depth(&self) -> u32 {
        self.open.len() as u32
    }

    fn open_unit(&mut self, kind: UnitKind, body: ExprId, params: u8) -> u32 {
        let index = self.code.open_unit(kind, body, params);
        self.open.push(OpenUnit { index, captures: Captures::default(), locals: 0, live: params as u32 });
        index
    }

    fn close_unit(&mut self) -> Result<(), ScopeError> {
        let OpenUnit { index, captures, locals, .. } = self.open.pop().expect("a unit is open");
        if captures.places.len() > u16::MAX as usize {
            let body = self.code.unit(index).body;
            return Err(ScopeError::TooManyCaptures { pos: self.code.exprs.pos(body) });
        }
        self.code.close_unit(index, locals, &captures.places);
        Ok(())
    }

    /// Makes the expression a unit of its own, to be run when its value is wanted.
    fn delay(&mut self, id: ExprId) {
        let unit = self.open_unit(UnitKind::Thunk, id, 0);
        self.code.set_delayed(id, unit);
        self.work.push(Work::EndUnit);
        self.work.push(Work::Strict(id, BUDGET));
    }

    // ---- bindings -----------------------------------------------------------------------------------

    fn new_local(&mut self) -> u32 {
        let unit = self.unit();
        unit.locals += 1;
        unit.locals - 1
    }

    fn bind(&mut self, name: Symbol, home: Home) {
        let at = self.bindings.len() as u32;
        let hides = self.innermost.insert(name, at).unwrap_or(u32::MAX);
        let depth = self.depth();
        self.bindings.push(Binding { name, hides, depth, home });
    }

    fn unbind(&mut self) {
        let Binding { name, hides, .. } = self.bindings.pop().expect("a binding for each name");
        if hides == u32::MAX {
            self.innermost.remove(&name);
        } else {
            self.innermost.insert(name, hides);
        }
    }

    /// The place by which the innermost unit sees a local of the unit at `depth`.
    fn place(&mut self, depth: u32, local: u32) -> Place {
        let mut place = Place::Local(local);
        for unit in &mut self.open[depth as usize..] {
            place = Place::Capture(unit.captures.number(place));
        }
        place
    }

    fn resolve_var(&mut self, name: Symbol, pos: Offset) -> Result<Var, ScopeError> {
        if let Some(&at) = self.innermost.get(&name) {
            let Binding { depth, home, .. } = self.bindings[at as usize];
            return Ok(match home {
                Home::Local(local) => Var::At(self.place(depth, local)),
                Home::Scoped { local } => Var::Scoped(self.place(depth, local)),
                Home::Boxed { local, slot } => {
                    let place = self.place(depth, local);
                    self.code.boxed.push((place, slot));
                    Var::Boxed(self.code.boxed.len() as u32 - 1)
                }
            });
        }
        if (self.globals)(name) {
            return Ok(Var::Global);
        }
        if self.withs.is_empty() {
            return Err(ScopeError::Undefined { name, pos });
        }
        let start = self.code.with_places.len() as u32;
        for i in (0..self.withs.len()).rev() {
            let WithScope { depth, local, pos } = self.withs[i];
            let place = self.place(depth, local);
            self.code.with_places.push((place, pos));
        }
        let len = self.code.with_places.len() as u32 - start;
        self.code.withs.push(Run { start, len });
        Ok(Var::With(self.code.withs.len() as u32 - 1))
    }

    fn var(&mut self, id: ExprId, name: Symbol) -> Result<Var, ScopeError> {
        let var = match self.resolve_var(name, self.code.exprs.pos(id)) {
            // Which of several is named depends on all of them.
            Err(ScopeError::Undefined { .. }) => {
                self.undefined.push(id);
                Var::Global
            }
            var => var?,
        };
        self.code.set_var(id, var);
        Ok(var)
    }

    // ---- expressions --------------------------------------------------------------------------------

    /// Whether the value can be had by copying a register or constant. Variables bound by the innermost
    /// bindings from `group` on do not count: they may not be there yet.
    fn is_atom(&self, id: ExprId, group: u32) -> bool {
        match self.code.exprs.get(id) {
            Expr::Var(name) => match self.innermost.get(&name) {
                Some(&at) => at < group && !matches!(self.bindings[at as usize].home, Home::Scoped { .. }),
                None => (self.globals)(name),
            },
            _ => self.is_constant(id),
        }
    }

    fn is_constant(&self, id: ExprId) -> bool {
        match self.code.exprs.get(id) {
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Path(_) | Expr::CurPos => true,
            Expr::List(run) => run.len == 0,
            Expr::AttrSet(set) => {
                let set = self.code.exprs.set(set);
                set.attrs.len == 0 && set.dynamics.len == 0
            }
            Expr::Var(name) => !self.innermost.contains_key(&name) && (self.globals)(name),
            _ => false,
        }
    }

    /// Whether a set or list is small and plain enough to be made at once instead of a thunk that makes it.
    fn is_small_literal(&self, expr: Expr, group: u32) -> bool {
        let cheap = |id: ExprId| {
            self.is_atom(id, group) || group == NO_GROUP && matches!(self.code.exprs.get(id), Expr::Lambda(_))
        };
        match expr {
            Expr::List(run) => run.len <= 4 && self.code.exprs.lists[run.range()].iter().all(|&e| cheap(e)),
            Expr::AttrSet(set) => {
                let set = self.code.exprs.set(set);
                !set.recursive
                    && set.dynamics.len == 0
                    && set.sources.len == 0
                    && set.attrs.len <= 4
                    && self.code.exprs.attrs[set.attrs.range()].iter().all(|attr| match attr.value() {
                        AttrValue::Plain(e) | AttrValue::Inherited(e) => cheap(e),
                        AttrValue::InheritedFrom(_) => false,
                    })
            }
            _ => false,
        }
    }

    /// Whether a delayed expression needs no unit: its value, or a thunk of a simple kind, can be made in place.
    fn is_simple(&self, id: ExprId, group: u32) -> bool {
        let expr = self.code.exprs.get(id);
        match expr {
            Expr::Select(_) | Expr::AttrSet(_) | Expr::CurPos if self.code.patient.is_some() => false,
            Expr::List(run) if self.code.patient.is_some() => run.len == 0,
            Expr::Select(select) => self.is_plain_select(select, group),
            Expr::Call(function, args) => {
                args.run().len <= 3
                    && matches!(self.code.exprs.get(function), Expr::Var(_))
                    && self.is_atom(function, group)
                    && self.code.exprs.lists[args.run().range()].iter().all(|&arg| self.is_atom(arg, group))
            }
            _ => self.is_atom(id, group) || self.is_small_literal(expr, group),
        }
    }

    /// Whether it is `variable.name`.
    fn is_plain_select(&self, select: u32, group: u32) -> bool {
        let Select { base, path, default } = self.code.exprs.selects[select as usize];
        default.is_none()
            && path.len == 1
            && matches!(self.code.exprs.name(path.start as usize), AttrName::Static(_))
            && matches!(self.code.exprs.get(base), Expr::Var(_))
            && self.is_atom(base, group)
    }

    fn lazy(&mut self, id: ExprId) -> Result<(), ScopeError> {
        match self.code.exprs.get(id) {
            Expr::Lambda(_) if self.code.patient.is_some() => {
                self.delay(id);
                Ok(())
            }
            Expr::Lambda(lambda) => self.lambda(id, lambda),
            _ if self.is_simple(id, NO_GROUP) => self.strict(id, BUDGET),
            _ => {
                self.delay(id);
                Ok(())
            }
        }
    }

    /// Work for a value in a recursive group whose bindings start at `group`.
    fn recursive_value(&self, id: ExprId, group: u32) -> Work {
        let in_place = matches!(self.code.exprs.get(id), Expr::Lambda(_)) || self.is_simple(id, group);
        if in_place { Work::Lazy(id) } else { Work::Delay(id) }
    }

    /// Whether a value is a variable bound in the same group, which starts at `group`, to a value that CppNix has there
    /// before this one, of the name `own`: it goes by the order in which names were first read.
    fn is_alias(&self, id: ExprId, group: u32, own: Symbol) -> bool {
        let Expr::Var(name) = self.code.exprs.get(id) else { return false };
        name < own && self.innermost.get(&name).is_some_and(|&at| at >= group)
    }

    fn strict(&mut self, id: ExprId, budget: u8) -> Result<(), ScopeError> {
        let expr = self.code.exprs.get(id);
        if budget < LOW && !self.is_constant(id) && !matches!(expr, Expr::Lambda(_) | Expr::Var(_)) {
            self.delay(id);
            return Ok(());
        }
        let less = |cost: u32| budget.saturating_sub(cost.min(255) as u8);
        match expr {
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Path(_) | Expr::CurPos => {}
            Expr::SearchPath(_) => {
                self.rebound(id, false, self.names.find_file)?;
                self.rebound(id, true, self.names.nix_path)?;
            }
            Expr::Var(name) => {
                self.var(id, name)?;
            }
            Expr::Interpolation(run) | Expr::PathInterpolation(run) => {
                let cost = less(2 + run.len.min(32));
                for i in run.range().rev() {
                    let part = self.code.exprs.parts[i].expr;
                    self.work.push(Work::Strict(part, cost));
                }
            }
            Expr::Plus(a, b) => self.both(a, b, less(3)),
            Expr::Binary(op, a, b) => self.binary(id, op, a, b, less(3))?,
            Expr::Not(a) => self.work.push(Work::Strict(a, less(1))),
            Expr::Negate(a) => {
                let is_call = self.rebound(id, false, self.names.sub)?;
                self.work.push(if is_call { Work::Lazy(a) } else { Work::Strict(a, less(3)) });
            }
            Expr::Select(select) | Expr::HasAttr(select) => self.select(select, less(3)),
            Expr::Call(function, args) => {
                let args = args.run();
                for i in args.range().rev() {
                    self.work.push(Work::Lazy(self.code.exprs.lists[i]));
                }
                self.work.push(Work::Strict(function, less(2 + args.len.min(32))));
            }
            Expr::Lambda(lambda) => self.lambda(id, lambda)?,
            Expr::AttrSet(set) => self.bind_attrs(set, None)?,
            Expr::Let(set, body) => self.bind_attrs(set, Some(Work::Strict(body, less(1))))?,
            Expr::List(run) => {
                for i in run.range().rev() {
                    self.work.push(Work::Lazy(self.code.exprs.lists[i]));
                }
            }
            Expr::With(scope, body) => {
                self.work.push(Work::EndWith);
                self.work.push(Work::Strict(body, less(1)));
                self.work.push(Work::BeginWith(id));
                self.work.push(Work::Lazy(scope));
            }
            Expr::If(at) => {
                for i in (0..3).rev() {
                    let cost = less(if i == 0 { 2 } else { 1 });
                    self.work.push(Work::Strict(self.code.exprs.lists[at as usize + i], cost));
                }
            }
            Expr::Assert(condition, body) => self.both(condition, body, less(1)),
        }
        Ok(())
    }

    /// Notes what the builtin behind an operator means if the program binds its name; answers whether it does.
    fn rebound(&mut self, id: ExprId, second: bool, name: Symbol) -> Result<bool, ScopeError> {
        let is_bound = self.innermost.contains_key(&name);
        if is_bound {
            let var = self.resolve_var(name, self.code.exprs.pos(id))?;
            self.code.rebound.insert((id, second), var);
        }
        Ok(is_bound)
    }

    fn binary(&mut self, id: ExprId, op: BinOp, a: ExprId, b: ExprId, budget: u8) -> Result<(), ScopeError> {
        let is_call = match op {
            BinOp::Less => self.rebound(id, false, self.names.less_than)?,
            BinOp::Sub => self.rebound(id, false, self.names.sub)?,
            BinOp::Mul => self.rebound(id, false, self.names.mul)?,
            BinOp::Div => self.rebound(id, false, self.names.div)?,
            _ => false,
        };
        if is_call {
            self.work.extend([Work::Lazy(b), Work::Lazy(a)]);
        } else {
            self.both(a, b, budget);
        }
        Ok(())
    }

    fn both(&mut self, first: ExprId, second: ExprId, budget: u8) {
        self.work.push(Work::Strict(second, budget));
        self.work.push(Work::Strict(first, budget));
    }

    fn select(&mut self, select: u32, budget: u8) {
        let Select { base, path, default } = self.code.exprs.selects[select as usize];
        if let Some(default) = default {
            self.work.push(Work::Strict(default, budget));
        }
        for i in path.range().rev() {
            if let AttrName::Dynamic(name) = self.code.exprs.name(i) {
                self.work.push(Work::Strict(name, budget));
            }
        }
        self.work.push(Work::Strict(base, budget));
    }

    /// Gives a group of bindings its place and binds their names: registers, or a set of bindings if they are many or
    /// must be replaceable. Answers how many locals are live more.
    fn bind_group(&mut self, names: Vec<Symbol>, replaceable: bool) -> (Group, u32) {
        let count = names.len() as u32;
        let boxed = replaceable || count > MAX_FLAT || self.unit().live + count > MAX_LIVE;
        let local = self.unit().locals;
        self.unit().locals += if boxed { 1 } else { count };
        for (slot, name) in names.into_iter().enumerate() {
            let slot = slot as u32;
            self.bind(name, if boxed { Home::Boxed { local, slot } } else { Home::Local(local + slot) });
        }
        (Group { local, boxed, ..Group::default() }, if boxed { 1 } else { count })
    }

    fn lambda(&mut self, id: ExprId, first: u32) -> Result<(), ScopeError> {
        // A pattern is checked as soon as its argument is there, so it can only be the last.
        let mut chain = vec![first];
        let mut last = self.code.exprs.lambdas[first as usize];
        while last.formals.is_none() && chain.len() < MAX_PARAMS {
            let Expr::Lambda(next) = self.code.exprs.get(last.body) else { break };
            chain.push(next);
            last = self.code.exprs.lambdas[next as usize];
        }
        let unit = self.open_unit(UnitKind::Lambda(first), last.body, chain.len() as u8);
        self.code.set_unit(id, unit);
        self.unit().locals = chain.len() as u32;
        let mut count = 0;
        for (local, &i) in chain.iter().enumerate() {
            if let Some(arg) = self.code.exprs.lambdas[i as usize].arg {
                self.bind(arg, Home::Local(local as u32));
                count += 1;
            }
        }
        let mut live = 0;
        let mut defaults = Vec::new();
        let group = self.bindings.len() as u32;
        if let Some(Formals { formals, .. }) = last.formals {
            let formals = &self.code.exprs.formals[formals.range()];
            defaults.extend(formals.iter().filter_map(|f| Some((f.name, f.default?))));
            let names: Vec<Symbol> = formals.iter().map(|f| f.name).collect();
            count += names.len() as u32;
            let (group, more) = self.bind_group(names, false);
            self.code.lambdas[*chain.last().expect("not empty") as usize] = group;
            live = more;
        }
        self.unit().live += live;
        self.work.push(Work::EndUnit);
        self.work.push(Work::EndBindings { count, live });
        self.work.push(Work::Strict(last.body, BUDGET));
        for (name, default) in defaults.into_iter().rev() {
            let in_place = match self.code.exprs.get(default) {
                Expr::Lambda(_) => self.code.patient.is_none(),
                Expr::AttrSet(_) | Expr::CurPos if self.code.patient.is_some() => false,
                _ => self.is_constant(default) || self.is_alias(default, group, name),
            };
            self.work.push(if in_place { Work::Strict(default, BUDGET) } else { Work::Delay(default) });
        }
        Ok(())
    }

    fn inherited(&mut self, id: ExprId) -> Result<(), ScopeError> {
        let Expr::Var(name) = self.code.exprs.get(id) else { unreachable!("`inherit` names a variable") };
        if self.is_atom(id, NO_GROUP) {
            self.var(id, name)?;
        } else {
            let unit = self.open_unit(UnitKind::Thunk, id, 0);
            self.code.set_unit(id, unit);
            self.var(id, name)?;
            self.close_unit()?;
        }
        Ok(())
    }

    /// The bindings of a set or `let`, and what runs in their scope.
    fn bind_attrs(&mut self, index: u32, body: Option<Work>) -> Result<(), ScopeError> {
        let set = self.code.exprs.set(index);
        let attrs = set.attrs.range();
        for i in attrs.clone() {
            if let AttrValue::Inherited(var) = self.code.exprs.attrs[i].value() {
                self.inherited(var)?;
            }
        }
        let start = self.bindings.len() as u32;
        let (mut group, mut count, mut live) = (Group::default(), 0, 0);
        let mut replaceable = false;
        if set.recursive {
            let names: Vec<Symbol> = self.code.exprs.attrs[attrs.clone()].iter().map(|a| a.name).collect();
            count = names.len() as u32;
            replaceable = self.has_overrides(&names);
            (group, live) = self.bind_group(names, replaceable);
        }
        let sources = set.sources.len;
        group.sources_boxed = sources > MAX_SOURCES;
        group.sources = self.unit().locals;
        let more = if group.sources_boxed { 1 } else { sources };
        self.unit().locals += more;
        live += more;
        self.unit().live += live;
        self.code.sets[index as usize] = group;

        self.work.push(Work::EndBindings { count, live });
        self.work.extend(body);
        let delayed =
            |this: &Self, id| if set.recursive { this.recursive_value(id, start) } else { Work::Lazy(id) };
        for i in set.dynamics.range().rev() {
            let Dynamic { name, value, .. } = self.code.exprs.dynamics[i];
            self.work.push(Work::Lazy(value));
            self.work.push(Work::Lazy(name));
        }
        for i in attrs.rev() {
            let attr = self.code.exprs.attrs[i];
            if let AttrValue::Plain(value) = attr.value() {
                let is_alias = set.recursive && !replaceable && self.is_alias(value, start, attr.name);
                self.work.push(if is_alias { Work::Lazy(value) } else { delayed(self, value) });
            }
        }
        for i in set.sources.range().rev() {
            self.work.push(delayed(self, self.code.exprs.lists[i]));
        }
        Ok(())
    }

    fn has_overrides(&self, names: &[Symbol]) -> bool {
        names.contains(&self.names.overrides)
    }
}
