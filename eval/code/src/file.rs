//! A file whose scopes are resolved: its tree, its units, and what its variables mean. There is one for each file as
//! long as its evaluator lives, most of which never runs, so it is kept small.

mod pack;

use frazil_syntax::expr::{Expr, ExprId, Exprs, Offset, Run};
use frazil_syntax::symbol::Symbol;
use rustc_hash::FxHashMap;

/// A place that holds a variable's value, as its unit sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// A binding of this unit, numbered in order of declaration.
    Local(u32),
    /// A capture of this unit.
    Capture(u32),
}

/// A [`Place`] in one word: the high bit tells captures.
#[derive(Clone, Copy)]
struct PackedPlace(u32);

impl PackedPlace {
    const CAPTURE: u32 = 1 << 31;

    fn new(place: Place) -> PackedPlace {
        match place {
            Place::Local(n) => PackedPlace(n),
            Place::Capture(n) => PackedPlace(n | PackedPlace::CAPTURE),
        }
    }

    fn unpack(self) -> Place {
        match self.0 & PackedPlace::CAPTURE {
            0 => Place::Local(self.0),
            _ => Place::Capture(self.0 & !PackedPlace::CAPTURE),
        }
    }
}

/// What a variable means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Var {
    /// Not resolved: no variable stands at this node.
    None,
    /// The value in a place.
    At(Place),
    /// A slot of the set of bindings in a place: [`FileCode::boxed`].
    Boxed(u32),
    /// An attribute of the scope that `scopedImport` or a host gave: the place of that set.
    Scoped(Place),
    /// A builtin.
    Global,
    /// To be looked for in `with` scopes: [`FileCode::withs`].
    With(u32),
}

/// What is known of a node: of a variable or a `with` its [`Var`], of others the unit that they are the start of. Three
/// bits of sort, the rest a number.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Meaning(u32);

impl Meaning {
    const SORT: u32 = 29;
    /// Nothing.
    const NONE: Meaning = Meaning(0);

    fn new(sort: u32, n: u32) -> Meaning {
        debug_assert!(n < 1 << Meaning::SORT, "no text is long enough for so many variables and units");
        Meaning(sort << Meaning::SORT | n)
    }

    fn of_var(var: Var) -> Meaning {
        match var {
            Var::None => Meaning::NONE,
            Var::At(Place::Local(n)) => Meaning::new(1, n),
            Var::At(Place::Capture(n)) => Meaning::new(2, n),
            Var::Boxed(n) => Meaning::new(3, n),
            Var::Scoped(Place::Local(n)) => Meaning::new(4, n),
            Var::Scoped(Place::Capture(n)) => Meaning::new(5, n),
            Var::Global => Meaning::new(6, 0),
            Var::With(n) => Meaning::new(7, n),
        }
    }

    fn var(self) -> Var {
        let n = self.0 & ((1 << Meaning::SORT) - 1);
        match self.0 >> Meaning::SORT {
            0 => Var::None,
            1 => Var::At(Place::Local(n)),
            2 => Var::At(Place::Capture(n)),
            3 => Var::Boxed(n),
            4 => Var::Scoped(Place::Local(n)),
            5 => Var::Scoped(Place::Capture(n)),
            6 => Var::Global,
            _ => Var::With(n),
        }
    }

    /// The number of a unit is kept as one more, so that it is not [`Meaning::NONE`].
    fn of_unit(unit: u32) -> Meaning {
        Meaning::new(0, unit + 1)
    }

    fn unit(self) -> Option<u32> {
        self.0.checked_sub(1)
    }
}

/// What kind of code a unit is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnitKind {
    /// A whole file; its parameter, if it has one, is the set of names in scope.
    File,
    /// A delayed expression.
    Thunk,
    /// A chain of lambdas, the outermost of which is at that index of [`Exprs::lambdas`].
    Lambda(u32),
}

/// A part of a file that runs in a frame of its own.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// What it is.
    pub kind: UnitKind,
    /// The expression to run: of a lambda, the body behind all merged parameters.
    pub body: ExprId,
    /// What it captures, as places of the unit around it: for [`FileCode::captures`].
    pub captures: Run,
    /// How many arguments it takes.
    pub params: u8,
    /// How many locals it declares.
    pub locals: u32,
}

/// A [`Unit`] in less space.
#[derive(Clone, Copy)]
struct PackedUnit {
    /// The index of its lambda, or its body.
    start: u32,
    first_capture: u32,
    locals: u32,
    captures: u16,
    params: u8,
    kind: PackedKind,
}

#[derive(Clone, Copy)]
enum PackedKind {
    File,
    Thunk,
    Lambda,
}

impl PackedUnit {
    fn unpack(self, exprs: &Exprs) -> Unit {
        let (kind, body) = match self.kind {
            PackedKind::File => (UnitKind::File, ExprId(self.start)),
            PackedKind::Thunk => (UnitKind::Thunk, ExprId(self.start)),
            PackedKind::Lambda => (UnitKind::Lambda(self.start), self.body(exprs)),
        };
        let captures = Run { start: self.first_capture, len: self.captures as u32 };
        Unit { kind, body, captures, params: self.params, locals: self.locals }
    }

    /// The body behind the lambdas that its parameters are of.
    fn body(self, exprs: &Exprs) -> ExprId {
        let outermost = exprs.lambdas[self.start as usize].body;
        (1..self.params).fold(outermost, |body, _| match exprs.get(body) {
            Expr::Lambda(next) => exprs.lambdas[next as usize].body,
            _ => unreachable!("each parameter is a lambda's"),
        })
    }
}

const _: () = assert!(size_of::<PackedUnit>() == 16, "there are a third as many as nodes");

/// A file's tree with its scopes resolved.
#[derive(Default)]
pub struct FileCode {
    /// Names with a meaning of their own.
    pub names: Names,
    /// The tree.
    pub exprs: Exprs,
    /// The first is the file itself.
    units: Vec<PackedUnit>,
    /// Captured places.
    captures: Vec<PackedPlace>,
    /// For each node, what is known of it.
    meanings: Vec<Meaning>,
    /// The units that start at variables and `with`s.
    delayed: FxHashMap<ExprId, u32>,
    /// Sets of bindings by place, with the slot.
    pub boxed: Vec<(Place, u32)>,
    /// Operators and search paths whose builtins the program binds itself: what they mean then. For a search path,
    /// `__findFile` is under `false`, `__nixPath` under `true`.
    pub rebound: FxHashMap<(ExprId, bool), Var>,
    /// Places of `with` scopes, innermost first: runs in `with_places`.
    pub withs: Vec<Run>,
    /// See `withs`; each with the position of the `with`.
    pub with_places: Vec<(Place, Offset)>,
    /// For each of the sets of `exprs`, where its bindings and its sources live.
    pub sets: Vec<Group>,
    /// For each of [`Exprs::lambdas`] that ends a chain, where its formals live.
    pub lambdas: Vec<Group>,
    /// Of code that makes a thunk wherever CppNix does, the thunks of lambdas; by default their closures, and other
    /// small values, are made at once.
    pub patient: Option<Box<FxHashMap<ExprId, u32>>>,
}

impl FileCode {
    /// The code of a text that is no program: no units.
    pub fn empty() -> FileCode {
        FileCode::default()
    }

    /// A tree whose scopes are still to be resolved; see [`FileCode::patient`].
    pub(crate) fn new(exprs: Exprs, names: Names, patient: bool) -> FileCode {
        FileCode {
            names,
            patient: patient.then(Box::default),
            meanings: vec![Meaning::NONE; exprs.nodes.len()],
            sets: vec![Group::default(); exprs.set_count()],
            lambdas: vec![Group::default(); exprs.lambdas.len()],
            exprs,
            ..FileCode::default()
        }
    }

    /// What the variable at a node means.
    pub fn var(&self, id: ExprId) -> Var {
        if self.has_var(id) { self.meanings[id.0 as usize].var() } else { Var::None }
    }

    pub(crate) fn set_var(&mut self, id: ExprId, var: Var) {
        debug_assert!(self.has_var(id));
        self.meanings[id.0 as usize] = Meaning::of_var(var);
    }

    fn has_var(&self, id: ExprId) -> bool {
        matches!(self.exprs.get(id), Expr::Var(_) | Expr::With(..))
    }

    /// The unit that a node is the start of.
    pub fn unit_at(&self, id: ExprId) -> Option<u32> {
        if self.has_var(id) { self.delayed.get(&id).copied() } else { self.meanings[id.0 as usize].unit() }
    }

    pub(crate) fn set_unit(&mut self, id: ExprId, unit: u32) {
        if self.has_var(id) {
            self.delayed.insert(id, unit);
        } else {
            self.meanings[id.0 as usize] = Meaning::of_unit(unit);
        }
    }

    /// Lets a node be the start of a delayed expression's unit.
    pub(crate) fn set_delayed(&mut self, id: ExprId, unit: u32) {
        match (&mut self.patient, self.exprs.get(id)) {
            (Some(thunks), Expr::Lambda(_)) => drop(thunks.insert(id, unit)),
            _ => self.set_unit(id, unit),
        }
    }

    /// How many units there are.
    pub fn unit_count(&self) -> usize {
        self.units.len()
    }

    /// The unit of that number.
    pub fn unit(&self, unit: u32) -> Unit {
        self.units[unit as usize].unpack(&self.exprs)
    }

    /// The places that a unit captures.
    pub fn captures(&self, unit: &Unit) -> impl ExactSizeIterator<Item = Place> {
        self.captures[unit.captures.range()].iter().map(|place| place.unpack())
    }

    pub(crate) fn open_unit(&mut self, kind: UnitKind, body: ExprId, params: u8) -> u32 {
        let (kind, start) = match kind {
            UnitKind::File => (PackedKind::File, body.0),
            UnitKind::Thunk => (PackedKind::Thunk, body.0),
            UnitKind::Lambda(lambda) => (PackedKind::Lambda, lambda),
        };
        let unit = PackedUnit { start, first_capture: 0, locals: 0, captures: 0, params, kind };
        debug_assert_eq!(unit.unpack(&self.exprs).body, body);
        self.units.push(unit);
        self.units.len() as u32 - 1
    }

    /// Ends a unit, which captures at most `u16::MAX` places.
    pub(crate) fn close_unit(&mut self, unit: u32, locals: u32, captures: &[Place]) {
        let unit = &mut self.units[unit as usize];
        unit.locals = locals;
        unit.first_capture = self.captures.len() as u32;
        unit.captures = captures.len() as u16;
        self.captures.extend(captures.iter().map(|&place| PackedPlace::new(place)));
    }

    /// Gives back what was reserved for growth.
    pub(crate) fn shrink(&mut self) {
        self.exprs.shrink();
        self.units.shrink_to_fit();
        self.captures.shrink_to_fit();
        self.delayed.shrink_to_fit();
        self.boxed.shrink_to_fit();
        self.withs.shrink_to_fit();
        self.with_places.shrink_to_fit();
    }
}

/// Where the bindings of a set, `let` or pattern live.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Group {
    /// The local of the first binding, the others following; or the local of the set of bindings.
    pub local: u32,
    /// Whether they share a set of bindings.
    pub boxed: bool,
    /// The local of the first source of `inherit (e)`, the others following; or the local of a list of them.
    pub sources: u32,
    /// Whether the sources share a list.
    pub sources_boxed: bool,
}

/// Names with a meaning of their own. Operators are calls of builtins by these names, which a program may bind.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the builtins are named so, behind two underscores")]
pub struct Names {
    pub overrides: Symbol,
    pub find_file: Symbol,
    pub nix_path: Symbol,
    pub sub: Symbol,
    pub mul: Symbol,
    pub div: Symbol,
    pub less_than: Symbol,
}
