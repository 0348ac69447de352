//! Instructions for one unit, made when it first runs.

use crate::file::{FileCode, Group, Place, Unit, UnitKind, Var};
use crate::notes::{Context, Notes, Piece, Selection, Use, What};
use crate::op::{Condition, Op, Reg};
use frazil_syntax::expr::*;
use frazil_syntax::symbol::Symbol;

/// A constant, as data: the machine makes a value of it when it links the chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Const {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string in the text of the tree.
    Str(Run),
    /// A path literal as written, in the text of the tree.
    Path(Run),
    /// `__curPos` at that offset.
    CurPos(Offset),
    /// A builtin by the name it has in scope everywhere.
    Global(Symbol),
    /// `{ }`
    EmptySet,
    /// `[ ]`
    EmptyList,
    /// A boolean.
    Bool(bool),
}

/// A unit made by this one, and from where it takes its captures.
#[derive(Clone, Debug)]
pub struct Child {
    /// The unit, among those of the file.
    pub unit: u32,
    /// Whether a closure is made of it; otherwise a thunk.
    pub is_lambda: bool,
    /// In [`Chunk::sources`]: registers, or this unit's own captures from [`Child::CAPTURE`] on.
    pub captures: Run,
}

impl Child {
    /// Added to the index of a capture of the running unit.
    pub const CAPTURE: u16 = 256;
}

/// The keys of a set, and where each stands.
#[derive(Clone, Debug)]
pub struct Shape {
    /// In the order of their names.
    pub keys: Box<[Symbol]>,
    /// Where each key is defined.
    pub pos: Box<[Offset]>,
}

/// The code of one unit.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// The instructions.
    pub ops: Vec<Op>,
    /// For each instruction, the position that its errors name.
    pub pos: Vec<Offset>,
    /// Constants.
    pub consts: Vec<Const>,
    /// The names that instructions select by.
    pub sites: Vec<Symbol>,
    /// Units made.
    pub children: Vec<Child>,
    /// From where they take their captures.
    pub sources: Vec<u16>,
    /// Sets made.
    pub shapes: Vec<Shape>,
    /// How many registers a frame needs.
    pub n_regs: u16,
    /// How many arguments it takes: the first registers.
    pub params: u8,
    /// How many captures there are; they follow the arguments in registers if `captures_in_registers`.
    pub captures: u16,
    /// See `captures`.
    pub captures_in_registers: bool,
    /// The pattern of the last argument, in order of the names: name, and whether there is a default.
    pub formals: Vec<(Symbol, bool)>,
    /// Whether the last argument has a pattern.
    pub has_pattern: bool,
    /// Whether the pattern takes further attributes.
    pub ellipsis: bool,
}

impl Chunk {
    /// From where a unit made takes its captures.
    pub fn captures_of(&self, child: &Child) -> &[u16] {
        &self.sources[child.captures.range()]
    }

    /// An empty chunk with the room that this one has.
    fn cleared(mut self) -> Chunk {
        self.ops.clear();
        self.pos.clear();
        self.consts.clear();
        self.sites.clear();
        self.children.clear();
        self.sources.clear();
        self.shapes.clear();
        self.formals.clear();
        let Chunk { ops, pos, consts, sites, children, sources, shapes, formals, .. } = self;
        Chunk { ops, pos, consts, sites, children, sources, shapes, formals, ..Chunk::default() }
    }
}

/// As many captures are copied into registers when a frame begins.
const MAX_CAPTURES: u32 = 24;
/// As many values are gathered in registers for one set, list, call or interpolation.
const MAX_GATHERED: u32 = 24;

const LESS: &str = "while calling the 'lessThan' builtin";
const SUB: &str = "while calling the 'sub' builtin";
const MUL: &str = "while calling the 'mul' builtin";
const DIV: &str = "while calling the 'div' builtin";
const RIGHT: &str = "in the right operand of the update (//) operator";
const LEFT: &str = "in the left operand of the update (//) operator";

struct Emitter<'a> {
    file: &'a FileCode,
    chunk: Chunk,
    /// The register of each local in scope.
    locals: Vec<Reg>,
    next: Reg,
    pos: Offset,
    /// Notes for errors, if they are wanted.
    notes: Option<Notes>,
}

/// Emits the code of a unit.
pub fn emit(file: &FileCode, unit: u32) -> Chunk {
    emit_into(file, unit, Chunk::default())
}

/// The same in the room of another chunk.
pub fn emit_into(file: &FileCode, unit: u32, room: Chunk) -> Chunk {
    emit_unit(file, unit, room, None).chunk
}

/// The notes on the code of a unit.
pub fn notes(file: &FileCode, unit: u32) -> Notes {
    emit_unit(file, unit, Chunk::default(), Some(Notes::default())).notes.expect("asked for")
}

fn emit_unit(file: &FileCode, unit: u32, room: Chunk, notes: Option<Notes>) -> Emitter<'_> {
    let Unit { kind, body, captures, params, locals } = file.unit(unit);
    let in_registers = captures.len <= MAX_CAPTURES;
    let chunk = Chunk {
        params,
        captures: captures.len as u16,
        captures_in_registers: in_registers,
        ..room.cleared()
    };
    let mut emitter = Emitter { file, chunk, locals: vec![0; locals as usize], next: 0, pos: 0, notes };
    for local in 0..params {
        emitter.locals[local as usize] = emitter.temp();
    }
    if in_registers {
        for _ in 0..captures.len {
            emitter.temp();
        }
    }
    if let UnitKind::Lambda(first) = kind {
        emitter.pattern(first, params);
    }
    let src = emitter.body(body);
    emitter.at(file.exprs.pos(body));
    emitter.op(Op::Return { src });
    emitter
}

impl<'a> Emitter<'a> {
    fn op(&mut self, op: Op) {
        self.chunk.ops.push(op);
        self.chunk.pos.push(self.pos);
    }

    fn at(&mut self, pos: Offset) {
        self.pos = pos;
    }

    // ---- notes --------------------------------------------------------------------------------------

    fn here(&self) -> u32 {
        self.chunk.ops.len() as u32
    }

    /// Errors of the instructions since `from` have a line of trace.
    fn context(&mut self, from: u32, text: &'static str, pos: Offset) {
        self.note(from, None, What::Text(text, pos));
    }

    fn note(&mut self, from: u32, reg: Option<Reg>, what: What) {
        let to = self.here();
        if let Some(notes) = &mut self.notes {
            notes.contexts.push(Context { from, to, reg, what });
        }
    }

    /// The operands of the next instruction have these positions.
    fn parts(&mut self, pos: impl Iterator<Item = Offset>) {
        let at = self.here();
        if let Some(notes) = &mut self.notes {
            notes.parts.push((at, pos.collect()));
        }
    }

    /// The variable `id` in `reg` is forced by a later instruction.
    fn used(&mut self, id: ExprId, reg: Reg) {
        let (at, pos) = (self.here(), Some(self.file.exprs.pos(id)));
        if let Some(notes) = &mut self.notes {
            notes.uses.push(Use { at, reg, pos, selection: None });
        }
    }

    /// The instructions since `from` make a selection, whose value, in `dst`, the instruction at `forced` or a later one
    /// forces.
    fn selected(&mut self, from: u32, forced: u32, dst: Reg, selection: Selection, pos: Offset) {
        self.note(from, None, What::Selection(selection));
        let here = self.here();
        if let Some(notes) = &mut self.notes {
            let selection = Some(notes.contexts.len() as u32 - 1);
            notes.uses.extend([forced, here].map(|at| Use { at, reg: dst, pos: Some(pos), selection }));
        }
    }

    // ---- registers and tables -----------------------------------------------------------------------

    fn temp(&mut self) -> Reg {
        let reg = self.next;
        self.next = reg.checked_add(1).expect("scope resolution keeps units within their registers");
        self.chunk.n_regs = self.chunk.n_regs.max(self.next as u16);
        reg
    }

    fn constant(&mut self, constant: Const) -> u32 {
        // Units may have thousands of constants, which mostly differ.
        const SEARCHED: usize = 32;
        let consts = &mut self.chunk.consts;
        let start = consts.len().saturating_sub(SEARCHED);
        let known = consts[start..].iter().position(|c| *c == constant).map(|i| start + i);
        known.unwrap_or_else(|| {
            consts.push(constant);
            consts.len() - 1
        }) as u32
    }

    fn site(&mut self, name: Symbol) -> u32 {
        self.chunk.sites.push(name);
        self.chunk.sites.len() as u32 - 1
    }

    fn shape(&mut self, attrs: &[(Symbol, Offset)]) -> u32 {
        let (keys, pos): (Vec<_>, Vec<_>) = attrs.iter().copied().unzip();
        self.chunk.shapes.push(Shape { keys: keys.into(), pos: pos.into() });
        self.chunk.shapes.len() as u32 - 1
    }

    // ---- places -------------------------------------------------------------------------------------

    fn source(&self, place: Place) -> u16 {
        match place {
            Place::Local(local) => self.locals[local as usize] as u16,
            Place::Capture(i) if self.chunk.captures_in_registers => self.chunk.params as u16 + i as u16,
            Place::Capture(i) => Child::CAPTURE + i as u16,
        }
    }

    /// The register that holds the value in a place.
    fn place(&mut self, place: Place) -> Reg {
        let source = self.source(place);
        Reg::try_from(source).unwrap_or_else(|_| {
            let dst = self.temp();
            self.op(Op::LoadCapture { dst, i: (source - Child::CAPTURE) as u32 });
            dst
        })
    }

    fn child(&mut self, unit: u32) -> u32 {
        let known = self.file.unit(unit);
        let captures = Run { start: self.chunk.sources.len() as u32, len: known.captures.len };
        for place in self.file.captures(&known) {
            let source = self.source(place);
            self.chunk.sources.push(source);
        }
        let is_lambda = matches!(known.kind, UnitKind::Lambda(_));
        self.chunk.children.push(Child { unit, is_lambda, captures });
        self.chunk.children.len() as u32 - 1
    }

    fn unit_at(&self, id: ExprId) -> Option<(u32, bool)> {
        let unit = self.file.unit_at(id)?;
        Some((unit, matches!(self.file.unit(unit).kind, UnitKind::Lambda(_))))
    }

    // ---- expressions --------------------------------------------------------------------------------

    /// The unit's own expression; answers the register of its value.
    fn body(&mut self, id: ExprId) -> Reg {
        if let (Expr::Var(_), false) = (self.file.exprs.get(id), self.is_lambda(id))
            && let Var::At(place) = self.file.var(id)
        {
            let reg = self.place(place);
            self.used(id, reg);
            return reg;
        }
        let dst = self.temp();
        if self.is_lambda(id) {
            self.strict(id, dst)
        } else {
            self.run(id, dst)
        }
        dst
    }

    fn is_lambda(&self, id: ExprId) -> bool {
        matches!(self.file.exprs.get(id), Expr::Lambda(_))
    }

    /// The value of an expression, which the next instruction forces: the register of a variable, or a new one.
    fn operand(&mut self, id: ExprId) -> Reg {
        if self.unit_at(id).is_none()
            && let Expr::Var(_) = self.file.exprs.get(id)
            && let Var::At(place) = self.file.var(id)
        {
            let reg = self.place(place);
            self.used(id, reg);
            return reg;
        }
        let dst = self.temp();
        self.strict(id, dst);
        if let Expr::Let(_, body) | Expr::With(_, body) = self.file.exprs.get(id)
            && let Expr::Select(_) = self.file.exprs.get(body)
            && self.may_be_thunk(id)
        {
            // What it was selected from may be gone afterwards, and is named in traces.
            self.op(Op::Force { src: dst });
        }
        dst
    }

    /// `operand`, forced at once if what is evaluated next could tell the difference.
    fn operand_before(&mut self, id: ExprId, next: ExprId) -> Reg {
        let reg = self.operand(id);
        if self.may_be_thunk(id) && !self.is_inert(next) {
            self.op(Op::Force { src: reg });
        }
        reg
    }

    /// Whether `strict` may leave a thunk.
    fn may_be_thunk(&self, id: ExprId) -> bool {
        let mut id = id;
        loop {
            match self.file.exprs.get(id) {
                Expr::Var(_) | Expr::Select(_) => return true,
                Expr::Let(_, body) | Expr::With(_, body) | Expr::Assert(_, body)
                    if self.unit_at(id).is_none() =>
                {
                    id = body
                }
                _ => return false,
            }
        }
    }

    /// Whether it is at once what can be the left operand of `+`.
    fn is_addend(&self, id: ExprId) -> bool {
        match self.file.exprs.get(id) {
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Path(_) => true,
            Expr::Interpolation(_) | Expr::PathInterpolation(_) | Expr::Plus(..) => {
                self.unit_at(id).is_none()
            }
            _ => false,
        }
    }

    /// Whether evaluating it neither runs code of the program nor fails.
    fn is_inert(&self, id: ExprId) -> bool {
        let exprs = &self.file.exprs;
        match exprs.get(id) {
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Path(_) | Expr::CurPos => true,
            Expr::Lambda(_) | Expr::List(_) => true,
            Expr::Var(_) => matches!(self.file.var(id), Var::Global),
            Expr::AttrSet(set) => {
                let set = exprs.set(set);
                !set.recursive && set.dynamics.len == 0
            }
            _ => false,
        }
    }

    /// Puts the value of an expression that is wanted now into `dst`; a variable's may be a thunk still.
    fn strict(&mut self, id: ExprId, dst: Reg) {
        match self.unit_at(id) {
            Some((_, true)) => self.delayed(id, dst),
            Some((_, false)) => {
                self.delayed(id, dst);
                self.op(Op::Force { src: dst });
            }
            None => {
                self.run(id, dst);
                if let Expr::Var(_) = self.file.exprs.get(id) {
                    self.used(id, dst);
                }
            }
        }
    }

    /// `strict`, and no thunk either; for code that meets other code that puts something else into `dst`.
    fn forced(&mut self, id: ExprId, dst: Reg) {
        self.strict(id, dst);
        if self.may_be_thunk(id) {
            self.op(Op::Force { src: dst });
        }
    }

    /// Puts the thunk or closure of the unit that starts at `id` into `dst`.
    fn delayed(&mut self, id: ExprId, dst: Reg) {
        let (unit, is_lambda) = self.unit_at(id).expect("a unit starts here");
        let mark = self.next;
        self.at(self.file.exprs.pos(id));
        if let (Expr::Var(name), Var::With(with)) = (self.file.exprs.get(id), self.file.var(id))
            && self.file.patient.is_none()
        {
            self.try_with(unit, name, with, dst);
        }
        let child = self.child(unit);
        self.op(if is_lambda { Op::Closure { dst, child } } else { Op::Thunk { dst, child } });
        self.next = mark;
    }

    /// If the innermost scope of a delayed `with` variable is at hand, its attribute can be taken at once.
    /// The variable's places are those of its own unit, so they are captures.
    fn try_with(&mut self, unit: u32, name: Symbol, with: u32, dst: Reg) {
        let places = self.file.withs[with as usize];
        let (Place::Capture(i), _) = self.file.with_places[places.start as usize] else { return };
        let outer = self.file.captures(&self.file.unit(unit)).nth(i as usize).expect("a capture of the unit");
        let scope = self.place(outer);
        let site = self.site(name);
        self.op(Op::TryWith { dst, scope, site });
    }

    /// The unit of the thunk that stands for a lambda, in patient code.
    fn lambda_thunk(&self, id: ExprId) -> Option<u32> {
        self.file.patient.as_ref()?.get(&id).copied()
    }

    /// The unit whose thunk or closure stands for an expression that may never be wanted, and whether that is a closure.
    fn lazy_unit(&self, id: ExprId) -> Option<(u32, bool)> {
        self.lambda_thunk(id).map(|unit| (unit, false)).or_else(|| self.unit_at(id))
    }

    /// Puts the value of an expression that may never be wanted into `dst`.
    fn lazy(&mut self, id: ExprId, dst: Reg) {
        if let Some(unit) = self.lambda_thunk(id) {
            self.at(self.file.exprs.pos(id));
            let child = self.child(unit);
            return self.op(Op::Thunk { dst, child });
        }
        if self.unit_at(id).is_some() {
            return self.delayed(id, dst);
        }
        self.at(self.file.exprs.pos(id));
        let mark = self.next;
        match self.file.exprs.get(id) {
            Expr::Select(select) => {
                let Select { base, path, .. } = self.file.exprs.selects[select as usize];
                let AttrName::Static(name) = self.file.exprs.name(path.start as usize) else {
                    unreachable!("only a plain select is simple")
                };
                let base = self.operand(base);
                self.at(self.file.exprs.pos(id));
                let site = self.site(name);
                self.op(Op::LazySelect { dst, base, site });
            }
            Expr::Call(function, args) => {
                let base = self.gather(std::iter::once(function).chain(self.list(args.run())));
                self.at(self.file.exprs.pos(id));
                self.op(Op::LazyCall { dst, base, n: args.run().len as u8 });
            }
            _ => self.run(id, dst),
        }
        self.next = mark;
    }

    fn list(&self, run: Run) -> impl Iterator<Item = ExprId> + use<'a> {
        self.file.exprs.lists[run.range()].iter().copied()
    }

    /// Puts delayed expressions into consecutive registers; answers the first.
    fn gather(&mut self, ids: impl Iterator<Item = ExprId>) -> Reg {
        let base = self.next;
        for id in ids {
            let dst = self.temp();
            self.lazy(id, dst);
        }
        base
    }

    fn load(&mut self, constant: Const, dst: Reg) {
        let k = self.constant(constant);
        self.op(Op::Const { dst, k });
    }

    /// Runs an expression, whether or not a unit starts at it.
    fn run(&mut self, id: ExprId, dst: Reg) {
        let exprs = &self.file.exprs;
        let pos = exprs.pos(id);
        self.at(pos);
        let mark = self.next;
        match exprs.get(id) {
            Expr::Int(Number(n)) => self.load(Const::Int(n), dst),
            Expr::Float(Number(f)) => self.load(Const::Float(f), dst),
            Expr::Str(text) => self.load(Const::Str(text), dst),
            Expr::Path(text) => self.load(Const::Path(text), dst),
            Expr::CurPos => self.load(Const::CurPos(pos), dst),
            Expr::SearchPath(text) => self.search_path(id, text, dst),
            Expr::Var(name) => self.var(self.file.var(id), name, dst),
            Expr::Interpolation(parts) => self.interpolate(parts, dst, pos, false),
            Expr::PathInterpolation(parts) => self.interpolate(parts, dst, pos, true),
            Expr::Plus(a, b) => {
                let left = self.operand(a);
                let mut text = left;
                if !self.is_addend(a) && !self.is_inert(b) {
                    text = self.temp();
                    self.parts(std::iter::once(exprs.operand_starts(id)[0]));
                    self.op(Op::Addend { dst: text, src: left });
                }
                let right = self.operand(b);
                self.at(pos);
                self.parts(exprs.operand_starts(id).into_iter());
                self.op(Op::Plus { dst, a: left, b: right, text });
            }
            Expr::Binary(op, a, b) => self.operator(id, op, a, b, dst),
            Expr::Not(a) => {
                let from = self.here();
                let src = self.operand(a);
                self.at(pos);
                self.op(Op::Not { dst, src });
                self.context(from, "in the argument of the not operator", pos);
            }
            Expr::Negate(a) => self.negate(id, a, dst),
            Expr::Select(select) => self.select(exprs.selects[select as usize], pos, dst),
            Expr::HasAttr(select) => self.has_attr(exprs.selects[select as usize], pos, dst),
            Expr::Call(function, args) => self.call(function, args.run(), pos, dst),
            Expr::Lambda(_) => self.delayed(id, dst),
            Expr::AttrSet(set) => self.set(set, pos, dst),
            Expr::Let(set, body) => {
                self.bindings(set);
                self.strict(body, dst);
            }
            Expr::List(elements) => self.make_list(elements, dst),
            Expr::With(scope, body) => {
                let reg = self.temp();
                let Var::At(Place::Local(local)) = self.file.var(id) else {
                    unreachable!("a `with` has a local for its scope")
                };
                self.lazy(scope, reg);
                self.locals[local as usize] = reg;
                self.strict(body, dst);
            }
            Expr::If(at) => self.branch(at, pos, dst),
            Expr::Assert(condition, body) => self.assert(condition, body, pos, dst),
        }
        self.next = mark;
    }

    fn var(&mut self, var: Var, name: Symbol, dst: Reg) {
        match var {
            Var::None => unreachable!("every variable is resolved"),
            Var::At(place) => {
                let src = self.place(place);
                self.op(Op::Move { dst, src });
            }
            Var::Boxed(i) => {
                let (place, slot) = self.file.boxed[i as usize];
                let from = self.place(place);
                self.op(Op::LoadSlot { dst, from, slot });
            }
            Var::Scoped(place) => {
                let base = self.place(place);
                let site = self.site(name);
                self.op(Op::Select { dst, base, site });
            }
            Var::Global => self.load(Const::Global(name), dst),
            Var::With(i) => {
                let mut found = Vec::new();
                let var = self.pos;
                for at in self.file.withs[i as usize].range() {
                    let (place, pos) = self.file.with_places[at];
                    let mark = self.next;
                    let scope = self.place(place);
                    // The next scope may take the same register, or a long chain of them would need more than there are.
                    self.next = mark;
                    let site = self.site(name);
                    self.at(pos);
                    // A hit skips the jump to the next scope.
                    self.op(Op::With { dst, scope, site });
                    let next = self.chunk.ops.len() as u32 + 2;
                    self.op(Op::Jump { to: next });
                    found.push(self.jump());
                }
                let site = self.site(name);
                self.at(var);
                self.op(Op::Undefined { site });
                found.into_iter().for_each(|at| self.land(at));
            }
        }
    }

    /// A jump whose target is not known yet.
    fn jump(&mut self) -> usize {
        self.op(Op::Jump { to: 0 });
        self.chunk.ops.len() - 1
    }

    /// Lets the jump at `at` go on with the next instruction.
    fn land(&mut self, at: usize) {
        let here = self.chunk.ops.len() as u32;
        match &mut self.chunk.ops[at] {
            Op::Jump { to } | Op::JumpIfFalse { to, .. } | Op::JumpIfTrue { to, .. } => *to = here,
            op => unreachable!("{op:?} is no jump"),
        }
    }

    fn jump_if_false(&mut self, cond: Reg, what: Condition) -> usize {
        self.op(Op::JumpIfFalse { cond, what, to: 0 });
        self.chunk.ops.len() - 1
    }

    fn binary(&mut self, a: ExprId, b: ExprId, pos: Offset, op: impl FnOnce(Reg, Reg) -> Op) {
        let a = self.operand_before(a, b);
        let b = self.operand(b);
        self.at(pos);
        self.op(op(a, b));
    }

    /// An operator that is a call of a builtin.
    fn arithmetic(
        &mut self,
        a: ExprId,
        b: ExprId,
        pos: Offset,
        text: &'static str,
        op: impl FnOnce(Reg, Reg) -> Op,
    ) {
        let (from, exprs) = (self.here(), &self.file.exprs);
        self.binary(a, b, pos, op);
        self.context(from, text, pos);
        // A builtin does not know where the variables stand that are its arguments.
        let variables = [a, b].map(|id| matches!(exprs.get(id), Expr::Var(_)).then(|| exprs.pos(id)));
        let uses = self.notes.iter_mut().flat_map(|notes| &mut notes.uses);
        uses.filter(|u| u.pos.is_some() && variables.contains(&u.pos)).for_each(|u| u.pos = None);
    }

    /// `a // b`: the right side first, checked before anything is done for the left one.
    fn update(&mut self, a: ExprId, b: ExprId, pos: Offset, dst: Reg) {
        let right = self.update_operand(b, RIGHT);
        if !self.is_inert(a) {
            self.at(self.file.exprs.pos(b));
            let from = self.here();
            self.op(Op::RightSet { src: right });
            self.update_context(b, from, None, RIGHT);
        }
        let left = self.update_operand(a, LEFT);
        let from = self.here();
        self.at(pos);
        self.op(Op::Update { dst, a: left, b: right });
        self.update_context(b, from, Some(right), RIGHT);
        self.update_context(a, from, Some(left), LEFT);
    }

    fn update_operand(&mut self, id: ExprId, text: &'static str) -> Reg {
        let from = self.here();
        let reg = self.operand(id);
        self.update_context(id, from, None, text);
        reg
    }

    /// Updates in a row are one operation, and only its operands have a line of trace.
    fn update_context(&mut self, id: ExprId, from: u32, reg: Option<Reg>, text: &'static str) {
        if !matches!(self.file.exprs.get(id), Expr::Binary(BinOp::Update, ..)) {
            self.note(from, reg, What::Text(text, self.file.exprs.pos(id)));
        }
    }

    fn operator(&mut self, id: ExprId, op: BinOp, a: ExprId, b: ExprId, dst: Reg) {
        let pos = self.file.exprs.pos(id);
        if let Some(&function) = self.file.rebound.get(&(id, false)) {
            return self.rebound(function, &[a, b], pos, dst);
        }
        match op {
            BinOp::Eq => self.binary(a, b, pos, |a, b| Op::Eq { dst, a, b }),
            BinOp::NotEq => self.binary(a, b, pos, |a, b| Op::NotEq { dst, a, b }),
            BinOp::Less => self.arithmetic(a, b, pos, LESS, |a, b| Op::Less { dst, a, b }),
            BinOp::Sub => self.arithmetic(a, b, pos, SUB, |a, b| Op::Sub { dst, a, b }),
            BinOp::Mul => self.arithmetic(a, b, pos, MUL, |a, b| Op::Mul { dst, a, b }),
            BinOp::Div => self.arithmetic(a, b, pos, DIV, |a, b| Op::Div { dst, a, b }),
            BinOp::Update => self.update(a, b, pos, dst),
            BinOp::ConcatLists => self.binary(a, b, pos, |a, b| Op::Concat { dst, a, b }),
            BinOp::And => self.logical(a, b, pos, dst, Condition::AndLeft, Condition::AndRight),
            BinOp::Or => self.logical(a, b, pos, dst, Condition::OrLeft, Condition::OrRight),
            BinOp::Implies => self.implies(a, b, pos, dst),
        }
    }

    /// Calls a builtin's name that the program has bound itself.
    fn rebound(&mut self, function: Var, args: &[ExprId], pos: Offset, dst: Reg) {
        let base = self.temp();
        self.var(function, Symbol(0), base);
        for &arg in args {
            let reg = self.temp();
            self.lazy(arg, reg);
        }
        self.at(pos);
        self.op(Op::Call { dst, base, n: args.len() as u8 });
    }

    fn negate(&mut self, id: ExprId, a: ExprId, dst: Reg) {
        let pos = self.file.exprs.pos(id);
        let (base, from) = (self.temp(), self.here());
        let zero = self.temp();
        self.load(Const::Int(0), zero);
        if let Some(&function) = self.file.rebound.get(&(id, false)) {
            self.var(function, Symbol(0), base);
            let reg = self.temp();
            self.lazy(a, reg);
            self.at(pos);
            self.op(Op::Call { dst, base, n: 2 });
        } else {
            let b = self.operand(a);
            self.at(pos);
            self.op(Op::Sub { dst, a: zero, b });
            self.context(from, SUB, pos);
        }
    }

    fn logical(&mut self, a: ExprId, b: ExprId, pos: Offset, dst: Reg, left: Condition, right: Condition) {
        let from = self.here();
        self.strict(a, dst);
        self.at(pos);
        let is_and = left == Condition::AndLeft;
        let end = self.chunk.ops.len();
        let to = 0;
        self.op(if is_and {
            Op::JumpIfFalse { cond: dst, what: left, to }
        } else {
            Op::JumpIfTrue { cond: dst, what: left, to }
        });
        self.context(from, left.text(), pos);
        self.right_operand(b, pos, dst, right);
        self.land(end);
    }

    fn right_operand(&mut self, b: ExprId, pos: Offset, dst: Reg, what: Condition) {
        let from = self.here();
        self.strict(b, dst);
        self.at(pos);
        self.op(Op::Bool { src: dst, what });
        self.context(from, what.text(), pos);
    }

    fn implies(&mut self, a: ExprId, b: ExprId, pos: Offset, dst: Reg) {
        let from = self.here();
        self.strict(a, dst);
        self.at(pos);
        let no = self.jump_if_false(dst, Condition::ImpliesLeft);
        self.context(from, Condition::ImpliesLeft.text(), pos);
        self.right_operand(b, pos, dst, Condition::ImpliesRight);
        let end = self.jump();
        self.land(no);
        self.load(Const::Bool(true), dst);
        self.land(end);
    }

    fn branch(&mut self, at: u32, pos: Offset, dst: Reg) {
        let [condition, yes, no] = [0, 1, 2].map(|i| self.file.exprs.lists[at as usize + i]);
        let (mark, from) = (self.next, self.here());
        let cond = self.operand(condition);
        self.at(pos);
        let otherwise = self.jump_if_false(cond, Condition::If);
        self.context(from, Condition::If.text(), pos);
        self.next = mark;
        self.forced(yes, dst);
        let end = self.jump();
        self.land(otherwise);
        self.forced(no, dst);
        self.land(end);
    }

    fn assert(&mut self, condition: ExprId, body: ExprId, pos: Offset, dst: Reg) {
        let (mark, from) = (self.next, self.here());
        let cond = self.operand(condition);
        self.at(pos);
        let failed = self.jump_if_false(cond, Condition::Assert);
        self.context(from, Condition::Assert.text(), pos);
        let held = self.jump();
        self.land(failed);
        if let (Expr::Binary(BinOp::Eq, a, b), None) =
            (self.file.exprs.get(condition), self.unit_at(condition))
        {
            // Both sides once more, to say how they differ.
            let from = self.here();
            self.binary(a, b, self.file.exprs.pos(condition), |a, b| Op::AssertEqual { dst, a, b });
            self.note(from, None, What::AssertEqual(condition, pos));
            self.at(pos);
        }
        self.op(Op::AssertFailed { expr: condition.0 });
        self.land(held);
        self.next = mark;
        self.strict(body, dst);
    }

    fn search_path(&mut self, id: ExprId, text: Run, dst: Reg) {
        let pos = self.file.exprs.pos(id);
        let (base, list, name) = (self.temp(), self.temp(), self.temp());
        let global = |name| self.file.rebound.get(&(id, name)).copied().unwrap_or(Var::Global);
        self.var(global(false), self.file.names.find_file, base);
        self.var(global(true), self.file.names.nix_path, list);
        self.load(Const::Str(text), name);
        self.at(pos);
        self.op(Op::Call { dst, base, n: 2 });
    }

    fn interpolate(&mut self, parts: Run, dst: Reg, pos: Offset, path: bool) {
        let parts = &self.file.exprs.parts[parts.range()];
        let base = self.next;
        let mut rest = parts;
        let mut first = true;
        while !rest.is_empty() || first {
            let room = MAX_GATHERED as usize - !first as usize;
            let (now, later) = rest.split_at(rest.len().min(room));
            if !first {
                let acc = self.temp();
                self.op(Op::Move { dst: acc, src: dst });
            }
            for (i, part) in now.iter().enumerate() {
                let reg = self.temp();
                self.strict(part.expr, reg);
                let is_text = matches!(self.file.exprs.get(part.expr), Expr::Str(_));
                if !is_text && now[i + 1..].iter().chain(later).any(|next| !self.is_inert(next.expr)) {
                    self.finish_part(part, reg, path);
                }
            }
            self.at(pos);
            let whole = (!first).then_some(pos);
            self.parts(whole.into_iter().chain(now.iter().map(|part| part.pos)));
            let n = self.next - base;
            self.op(if path {
                Op::InterpolatePath { dst, base, n }
            } else {
                Op::Interpolate { dst, base, n }
            });
            self.next = base;
            (rest, first) = (later, false);
        }
    }

    /// Makes a string of a part before the next one is evaluated.
    fn finish_part(&mut self, part: &Part, reg: Reg, path: bool) {
        if path {
            return self.op(Op::Force { src: reg });
        }
        self.parts([part.pos].into_iter());
        self.op(Op::Interpolate { dst: reg, base: reg, n: 1 });
    }

    fn call(&mut self, function: ExprId, args: Run, pos: Offset, dst: Reg) {
        let base = self.temp();
        self.strict(function, base);
        let mut args = self.list(args).peekable();
        while args.peek().is_some() {
            let n = self.gather_after(base, args.by_ref().take(MAX_GATHERED as usize));
            self.at(pos);
            let more = args.peek().is_some();
            self.op(Op::Call { dst: if more { base } else { dst }, base, n });
        }
    }

    /// Puts delayed arguments into the registers behind `base`; answers how many.
    fn gather_after(&mut self, base: Reg, ids: impl Iterator<Item = ExprId>) -> u8 {
        self.next = base + 1;
        self.gather(ids);
        self.next - base - 1
    }

    fn select(&mut self, select: Select, pos: Offset, dst: Reg) {
        let Select { base, path, default } = select;
        let root = self.operand(base);
        if let AttrName::Dynamic(name) = self.file.exprs.name(path.start as usize)
            && !self.is_inert(name)
        {
            self.op(Op::Force { src: root });
        }
        let from = self.here();
        let (mut set, mut missing, mut pieces) = (root, Vec::new(), Vec::new());
        for i in path.range() {
            let piece = self.select_one(self.file.exprs.name(i), set, pos, dst, default.is_some());
            pieces.push(piece);
            if default.is_some() {
                missing.push(self.jump());
            }
            set = dst;
        }
        // What the trace is made of may not be there later.
        let in_place =
            matches!(self.file.exprs.get(base), Expr::Var(_)) && pieces.iter().all(Piece::is_static);
        let forced = self.here();
        if !in_place {
            self.op(Op::Force { src: dst });
        }
        if let Some(default) = default {
            let end = self.jump();
            missing.into_iter().for_each(|at| self.land(at));
            self.forced(default, dst);
            self.land(end);
        }
        self.selected(from, forced, dst, Selection { root, path: pieces }, pos);
    }

    fn select_one(&mut self, name: AttrName, set: Reg, pos: Offset, dst: Reg, has_default: bool) -> Piece {
        match name {
            AttrName::Static(name) => {
                let site = self.site(name);
                self.at(pos);
                self.op(match has_default {
                    false => Op::Select { dst, base: set, site },
                    true => Op::SelectOr { dst, base: set, site },
                });
                Piece::Static(name)
            }
            AttrName::Dynamic(id) => {
                let name = self.operand(id);
                self.at(self.file.exprs.pos(id));
                self.op(Op::Name { name });
                self.at(pos);
                self.op(match has_default {
                    false => Op::SelectDynamic { dst, base: set, name },
                    true => Op::SelectDynamicOr { dst, base: set, name },
                });
                Piece::Dynamic(name, id)
            }
        }
    }

    fn has_attr(&mut self, select: Select, pos: Offset, dst: Reg) {
        let Select { base, path, .. } = select;
        let mut from = self.operand(base);
        let mut missing = Vec::new();
        let last = path.range().end - 1;
        for i in path.range() {
            self.at(pos);
            let step = match self.file.exprs.name(i) {
                AttrName::Static(name) => {
                    let site = self.site(name);
                    if i == last {
                        Op::Has { dst, base: from, site }
                    } else {
                        Op::SelectOr { dst, base: from, site }
                    }
                }
                AttrName::Dynamic(id) => {
                    self.op(Op::Force { src: from });
                    let name = self.operand(id);
                    self.at(self.file.exprs.pos(id));
                    if i == last {
                        Op::HasDynamic { dst, base: from, name }
                    } else {
                        Op::SelectDynamicOr { dst, base: from, name }
                    }
                }
            };
            self.op(step);
            if i != last {
                missing.push(self.jump());
            }
            from = dst;
        }
        if !missing.is_empty() {
            let end = self.jump();
            missing.into_iter().for_each(|at| self.land(at));
            self.load(Const::Bool(false), dst);
            self.land(end);
        }
    }

    fn make_list(&mut self, elements: Run, dst: Reg) {
        if elements.len == 0 {
            return self.load(Const::EmptyList, dst);
        }
        let ids = self.list(elements);
        if elements.len <= MAX_GATHERED {
            let base = self.gather(ids);
            self.op(Op::List { dst, base, n: elements.len as u8 });
        } else {
            self.op(Op::NewList { dst, n: elements.len });
            self.fill_slots(dst, ids);
        }
    }

    fn fill_slots(&mut self, to: Reg, ids: impl Iterator<Item = ExprId>) {
        for (slot, id) in ids.enumerate() {
            let src = self.temp();
            self.lazy(id, src);
            self.op(Op::SetSlot { to, src, slot: slot as u32 });
            self.next = src;
        }
    }

    // ---- bindings -----------------------------------------------------------------------------------

    fn attrs(&self, set: u32) -> Vec<Attr> {
        self.file.exprs.attrs[self.file.exprs.set(set).attrs.range()].to_vec()
    }

    fn set_shape(&mut self, attrs: &[Attr]) -> u32 {
        let keys: Vec<_> = attrs.iter().map(|a| (a.name, a.pos)).collect();
        self.shape(&keys)
    }

    fn set(&mut self, index: u32, pos: Offset, dst: Reg) {
        let set = self.file.exprs.set(index);
        let attrs = self.attrs(index);
        if set.recursive {
            self.bindings(index);
            let Group { local, boxed, .. } = self.file.sets[index as usize];
            let first = self.locals.get(local as usize).copied().unwrap_or(0);
            self.at(pos);
            match attrs.iter().find(|a| a.name == self.file.names.overrides) {
                Some(overrides) => {
                    let site = self.site(overrides.name);
                    self.op(Op::Overrides { dst, set: first, site });
                }
                None if boxed => self.op(Op::Move { dst, src: first }),
                None if attrs.is_empty() => self.load(Const::EmptySet, dst),
                None => {
                    let shape = self.set_shape(&attrs);
                    self.op(Op::Set { dst, base: first, shape });
                }
            }
        } else {
            self.sources(index);
            self.plain_set(index, &attrs, dst);
        }
        for i in set.dynamics.range() {
            let Dynamic { name, value, pos } = self.file.exprs.dynamics[i];
            let base = self.gather([name, value].into_iter());
            if let Expr::Var(_) = self.file.exprs.get(name) {
                self.used(name, base);
            }
            self.at(pos);
            self.op(Op::Dynamic { set: dst, base, n: 1 });
            self.next = base;
        }
    }

    fn plain_set(&mut self, index: u32, attrs: &[Attr], dst: Reg) {
        if attrs.is_empty() {
            return self.load(Const::EmptySet, dst);
        }
        let shape = self.set_shape(attrs);
        if attrs.len() as u32 <= MAX_GATHERED {
            let base = self.next;
            for attr in attrs {
                let reg = self.temp();
                self.attr(index, attr, reg);
            }
            self.op(Op::Set { dst, base, shape });
        } else {
            self.op(Op::NewSet { dst, shape });
            self.fill_attrs(index, attrs, dst);
        }
    }

    /// Whether an attribute of a recursive set is bound to the value of another of it, which is to be there before.
    fn is_alias(&self, index: u32, attr: &Attr) -> bool {
        let AttrValue::Plain(id) = attr.value() else { return false };
        let Group { local, boxed, .. } = self.file.sets[index as usize];
        let set = self.file.exprs.set(index);
        if !set.recursive || !matches!(self.file.exprs.get(id), Expr::Var(_)) || self.unit_at(id).is_some() {
            return false;
        }
        match self.file.var(id) {
            Var::At(Place::Local(at)) => !boxed && (local..local + set.attrs.len).contains(&at),
            Var::Boxed(i) => boxed && self.file.boxed[i as usize].0 == Place::Local(local),
            _ => false,
        }
    }

    /// The attributes with their slots in the order in which their values are made: aliases last, in CppNix's order.
    fn in_order<'b>(&self, index: u32, attrs: &'b [Attr]) -> Vec<(usize, &'b Attr)> {
        let (mut aliases, mut all): (Vec<_>, Vec<_>) =
            attrs.iter().enumerate().partition(|(_, attr)| self.is_alias(index, attr));
        aliases.sort_unstable_by_key(|(_, attr)| attr.name);
        all.append(&mut aliases);
        all
    }

    fn fill_attrs(&mut self, index: u32, attrs: &[Attr], to: Reg) {
        for (slot, attr) in self.in_order(index, attrs) {
            let mark = self.next;
            let src = self.temp();
            self.attr(index, attr, src);
            self.op(Op::SetSlot { to, src, slot: slot as u32 });
            self.next = mark;
        }
    }

    /// The value of an attribute, delayed.
    fn attr(&mut self, set: u32, attr: &Attr, dst: Reg) {
        match attr.value() {
            AttrValue::Plain(id) | AttrValue::Inherited(id) => self.lazy(id, dst),
            AttrValue::InheritedFrom(source) => {
                let Group { sources, sources_boxed, .. } = self.file.sets[set as usize];
                let mark = self.next;
                self.at(attr.pos);
                let base = if sources_boxed {
                    let from = self.locals[sources as usize];
                    let base = self.temp();
                    self.op(Op::LoadSlot { dst: base, from, slot: source });
                    base
                } else {
                    self.locals[(sources + source) as usize]
                };
                let site = self.site(attr.name);
                self.op(Op::LazySelect { dst, base, site });
                self.next = mark;
            }
        }
    }

    /// The sources of `inherit (e)`, delayed, into their locals.
    fn sources(&mut self, index: u32) {
        let Group { sources, sources_boxed, .. } = self.file.sets[index as usize];
        let ids = self.list(self.file.exprs.set(index).sources);
        if sources_boxed {
            let list = self.temp();
            self.locals[sources as usize] = list;
            self.op(Op::NewList { dst: list, n: self.file.exprs.set(index).sources.len });
            self.fill_slots(list, ids);
        } else {
            for (i, id) in ids.enumerate() {
                let reg = self.temp();
                self.locals[sources as usize + i] = reg;
                self.lazy(id, reg);
            }
        }
    }

    /// The bindings of a recursive set or `let`, in their locals.
    fn bindings(&mut self, index: u32) {
        let Group { local, boxed, sources, sources_boxed } = self.file.sets[index as usize];
        let attrs = self.attrs(index);
        let shared = self.list(self.file.exprs.set(index).sources);
        if boxed {
            let shape = self.set_shape(&attrs);
            let dst = self.temp();
            self.locals[local as usize] = dst;
            self.op(Op::NewSet { dst, shape });
            self.sources(index);
            return self.fill_attrs(index, &attrs, dst);
        }
        for i in 0..attrs.len() {
            self.locals[local as usize + i] = self.temp();
        }
        // Thunks and closures first, since others may capture them; then their captures.
        let mut unfilled = Vec::new();
        if sources_boxed {
            let list = self.temp();
            self.locals[sources as usize] = list;
            self.op(Op::NewList { dst: list, n: self.file.exprs.set(index).sources.len });
            for (slot, id) in shared.enumerate() {
                let src = self.temp();
                self.recursive_value(id, src, &mut unfilled);
                self.op(Op::SetSlot { to: list, src, slot: slot as u32 });
            }
        } else {
            for (i, id) in shared.enumerate() {
                let reg = self.temp();
                self.locals[sources as usize + i] = reg;
                self.recursive_value(id, reg, &mut unfilled);
            }
        }
        for (i, attr) in self.in_order(index, &attrs) {
            let reg = self.locals[local as usize + i];
            match attr.value() {
                AttrValue::Plain(id) => self.recursive_value(id, reg, &mut unfilled),
                _ => self.attr(index, attr, reg),
            }
        }
        for (src, unit) in unfilled {
            let child = self.child(unit);
            self.op(Op::Fill { src, child });
        }
    }

    fn recursive_value(&mut self, id: ExprId, dst: Reg, unfilled: &mut Vec<(Reg, u32)>) {
        let Some((unit, is_lambda)) = self.lazy_unit(id) else { return self.lazy(id, dst) };
        self.at(self.file.exprs.pos(id));
        // Without captures there is nothing to fill, and nothing to wait for.
        if self.file.unit(unit).captures.len == 0 {
            return self.lazy(id, dst);
        }
        let child = self.child(unit);
        self.op(if is_lambda { Op::NewClosure { dst, child } } else { Op::NewThunk { dst, child } });
        unfilled.push((dst, unit));
    }

    /// Takes the argument of a set pattern apart.
    fn pattern(&mut self, first: u32, params: u8) {
        let mut last = first as usize;
        for _ in 1..params {
            let Expr::Lambda(next) = self.file.exprs.get(self.file.exprs.lambdas[last].body) else {
                unreachable!("merged lambdas follow each other")
            };
            last = next as usize;
        }
        let Some(Formals { formals, ellipsis }) = self.file.exprs.lambdas[last].formals else { return };
        let formals = &self.file.exprs.formals[formals.range()];
        self.chunk.formals = formals.iter().map(|f| (f.name, f.default.is_some())).collect();
        (self.chunk.has_pattern, self.chunk.ellipsis) = (true, ellipsis);
        let Group { local, boxed, .. } = self.file.lambdas[last];
        let arg = params - 1;
        if boxed {
            let keys: Vec<_> = formals.iter().map(|f| (f.name, f.pos)).collect();
            let shape = self.shape(&keys);
            let dst = self.temp();
            self.locals[local as usize] = dst;
            self.op(Op::FormalsBoxed { arg, dst, shape });
            self.boxed_defaults(formals, dst);
        } else {
            for i in 0..formals.len() {
                self.locals[local as usize + i] = self.temp();
            }
            let first = self.locals.get(local as usize).copied().unwrap_or(self.next);
            self.op(Op::Formals { arg, first });
            self.flat_defaults(formals, first);
        }
    }

    fn flat_defaults(&mut self, formals: &[Formal], first: Reg) {
        let (mut unfilled, mut aliases) = (Vec::new(), Vec::new());
        for (i, formal) in formals.iter().enumerate() {
            let (Some(default), dst) = (formal.default, first + i as u8) else { continue };
            self.at(formal.pos);
            if self.is_default_alias(default) {
                aliases.push((formal.name, default, dst));
            } else if let Some((unit, _)) = self.lazy_unit(default) {
                let child = self.child(unit);
                self.op(Op::NewDefault { dst, child });
                unfilled.push((dst, child));
            } else {
                let k = self.default_constant(default);
                self.op(Op::ConstDefault { dst, k });
            }
        }
        aliases.sort_unstable_by_key(|(name, ..)| *name);
        for (_, default, dst) in aliases {
            let Var::At(place) = self.file.var(default) else { unreachable!("a formal in a register") };
            let src = self.place(place);
            self.op(Op::MoveDefault { dst, src });
        }
        for (src, child) in unfilled {
            // Captures are known only now that all locals are.
            self.op(Op::FillDefault { src, child });
        }
    }

    /// Whether a default is another formal's value.
    fn is_default_alias(&self, default: ExprId) -> bool {
        matches!(self.file.exprs.get(default), Expr::Var(_))
            && self.unit_at(default).is_none()
            && matches!(self.file.var(default), Var::At(_) | Var::Boxed(_))
    }

    fn default_constant(&mut self, id: ExprId) -> u32 {
        let exprs = &self.file.exprs;
        self.constant(match exprs.get(id) {
            Expr::Int(Number(n)) => Const::Int(n),
            Expr::Float(Number(f)) => Const::Float(f),
            Expr::Str(text) => Const::Str(text),
            Expr::Path(text) => Const::Path(text),
            Expr::CurPos => Const::CurPos(exprs.pos(id)),
            Expr::Var(name) => Const::Global(name),
            Expr::List(_) => Const::EmptyList,
            Expr::AttrSet(_) => Const::EmptySet,
            other => unreachable!("{other:?} is no constant"),
        })
    }

    fn boxed_defaults(&mut self, formals: &[Formal], set: Reg) {
        let mut order: Vec<(usize, &Formal)> = formals.iter().enumerate().collect();
        order.sort_by_key(|(_, f)| f.default.filter(|&d| self.is_default_alias(d)).map(|_| f.name));
        for (slot, formal) in order {
            let Some(default) = formal.default else { continue };
            self.at(formal.pos);
            if self.is_default_alias(default) {
                let (dst, src) = (self.temp(), self.temp());
                self.op(Op::LoadSlot { dst, from: set, slot: slot as u32 });
                let Expr::Var(name) = self.file.exprs.get(default) else {
                    unreachable!("an alias is a variable")
                };
                self.var(self.file.var(default), name, src);
                self.op(Op::MoveDefault { dst, src });
                self.op(Op::SetSlot { to: set, src: dst, slot: slot as u32 });
                self.next = dst;
            } else if let Some((unit, _)) = self.lazy_unit(default) {
                let child = self.child(unit) as u16;
                self.op(Op::SlotDefault { set, child, slot: slot as u32 });
            } else {
                let k = self.default_constant(default);
                let src = self.temp();
                self.op(Op::LoadSlot { dst: src, from: set, slot: slot as u32 });
                self.op(Op::ConstDefault { dst: src, k });
                self.op(Op::SetSlot { to: set, src, slot: slot as u32 });
                self.next = src;
            }
        }
    }
}
