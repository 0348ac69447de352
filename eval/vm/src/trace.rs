//! Traces: what each frame says of the work that an error passed through.
//!
//! A code frame knows the instruction at which it stands, and from the notes on its unit what CppNix says of errors
//! there. Some lines need a position that only a frame further down has, that of a call; they wait for it.

use crate::builtins::{self, Want};
use crate::error::{Error, ErrorKind, Shown};
use crate::files::{Origin, Pos};
use crate::link::Code;
use crate::machine::{Frame, Machine};
use crate::print::FunctionKind;
use frazil_code::notes::{Piece, Selection, What};
use frazil_code::{Notes, Op, Reg};
use frazil_syntax::expr::{Expr, ExprId, Offset};
use frazil_syntax::show::{Places, name, show_expr};
use frazil_syntax::symbol::Symbol;
use frazil_value::heap::NO_UNIT;
use frazil_value::{Kind, ThunkCode, Val};
use std::borrow::Cow;

/// In place of the instruction that made a delayed call: `mapAttrs` made it, of which CppNix does not say where it was called
/// when all of the set is forced.
pub(crate) const BY_MAP_ATTRS: u16 = 1;

/// What is needed of a unit when an error passes through it.
pub(crate) struct Explained {
    notes: Notes,
    /// Of a lambda, its name and position.
    name: Option<Symbol>,
    pos: Pos,
}

/// What an error on its way through the frames still has to learn.
#[derive(Default)]
pub(crate) struct Trail {
    /// The register of the frame on top for whose value the error happened.
    pub(crate) operand: Option<Reg>,
    /// Whether the value waits for itself, and where that is has not been said.
    pub(crate) busy: bool,
    /// What waits for the position of a call.
    pub(crate) waiting: Waiting,
}

/// What waits for the position of a call.
#[derive(Default)]
pub(crate) enum Waiting {
    #[default]
    Nothing,
    /// The error itself.
    Error,
    /// A line of the trace.
    Line {
        text: Cow<'static, str>,
        shown: Shown,
        /// Whether it is said even if the call is nowhere.
        always: bool,
    },
}

impl Trail {
    /// A function of the language failed with its argument, unless it said more.
    fn wait_for_call(&mut self) {
        if matches!(self.waiting, Waiting::Nothing) {
            self.waiting =
                Waiting::Line { text: "from call site".into(), shown: Shown::Usually, always: false };
        }
    }

    /// The call was at `pos`.
    pub(crate) fn settle(&mut self, error: &mut Error, pos: Pos) {
        match std::mem::take(&mut self.waiting) {
            Waiting::Nothing => {}
            Waiting::Error => error.set_pos(pos),
            Waiting::Line { text, shown, always } => {
                if always || pos != Pos::NONE {
                    error.add_shown(pos, text, shown);
                }
            }
        }
    }
}

impl<'w> Machine<'w> {
    /// Adds what a frame of code was doing.
    pub(crate) fn trace_code(
        &mut self,
        regs: &[Val],
        frame: &Frame<'w>,
        code: &'w Code,
        trail: &mut Trail,
        error: &mut Error,
    ) {
        let explained = self.explained(code);
        let ip = frame.ip as usize;
        let window = &regs[frame.base as usize..];
        // A value that is there already is being coerced, not forced.
        // A set that is updated is not: that it is none is known as soon as it is forced.
        let is_update = matches!(code.ops[ip], Op::Update { .. } | Op::RightSet { .. });
        let operand =
            trail.operand.filter(|&reg| !frame.done && (is_update || window[reg as usize].is_thunk()));
        if let Some(reg) = operand {
            let pos = match code.ops[ip] {
                // In CppNix these are calls of builtins, which do not know where their arguments stand.
                Op::Sub { .. } | Op::Mul { .. } | Op::Div { .. } | Op::Less { .. }
                    if !explained.notes.is_selection(reg, ip as u32) =>
                {
                    Pos::NONE
                }
                Op::Call { base, .. } if reg != base => match self.heap.function(window[base as usize]) {
                    (Kind::Primop, index) => self.argument_pos(index),
                    _ => Pos::NONE,
                },
                Op::With { .. } => code.pos_at(ip),
                Op::Formals { .. } | Op::FormalsBoxed { .. } => self.lambda_pos(code),
                _ => self.use_pos(code, explained, window, reg, ip),
            };
            if std::mem::take(&mut trail.busy) {
                error.set_pos(pos);
            }
            trail.settle(error, pos);
        }
        if let Op::TracedCall { base, .. } = code.ops[ip]
            && operand != Some(base)
        {
            // A builtin that it calls has a frame of its own.
            trail.settle(error, code.pos_at(ip));
        }
        if let Op::Call { base, n, .. } = code.ops[ip] {
            self.trace_call(window, code, ip, (base, n), frame.done, operand, trail, error);
        }
        self.place_parts(explained, code, ip, error);
        for what in explained.notes.at(ip as u32, operand) {
            match what {
                What::Text(text, pos) => error.add_trace(code.position(*pos), *text),
                // The value of one that is updated may be there already.
                What::Selection(_)
                    if is_update && operand.is_some_and(|reg| !window[reg as usize].is_thunk()) => {}
                What::Selection(selection) => self.trace_selection(code, window, selection, error),
                What::AssertEqual(condition, pos) => self.trace_assertion(code, *condition, *pos, error),
            }
        }
        if frame.counts {
            self.trace_lambda(code, ip, explained, trail, error);
        }
        self.trace_file(frame, code, error);
    }

    /// Adds that a file was being evaluated, if it was imported.
    fn trace_file(&self, frame: &Frame<'w>, code: &Code, error: &mut Error) {
        let file = self.st.files.get(code.file);
        if code.unit != file.first_unit || code.params > 0 {
            return;
        }
        let Origin::File(path) = &file.origin else { return };
        if self.st.imports.get(&path[..]).is_some_and(|&v| v == frame.update) {
            let path = crate::message::text(path);
            error.add_trace(Pos::NONE, format!("while evaluating the file '{path}':"));
        }
    }

    /// What is said of the call of a builtin, and where a function was called.
    #[expect(clippy::too_many_arguments, reason = "what the unwinding of a frame knows")]
    fn trace_call(
        &mut self,
        window: &[Val],
        code: &Code,
        ip: usize,
        (base, n): (Reg, u8),
        done: bool,
        operand: Option<Reg>,
        trail: &mut Trail,
        error: &mut Error,
    ) {
        if operand == Some(base) {
            return;
        }
        let pos = code.pos_at(ip);
        let function = window[base as usize];
        let builtin = match function.is_func().then(|| self.heap.function(function)) {
            Some((Kind::Primop, index)) if builtins::TABLE[index as usize].arity == n => Some(index),
            _ => None,
        };
        let Some(index) = builtin else { return trail.settle(error, pos) };
        let builtin = &builtins::TABLE[index as usize];
        if builtin.is_lambda() {
            trail.wait_for_call();
            return trail.settle(error, pos);
        }
        if done && matches!(trail.waiting, Waiting::Error) && error.kind() == ErrorKind::CallDepth {
            // The call itself is one too many.
            return trail.settle(error, pos);
        }
        trail.settle(error, Pos::NONE);
        if let (false, Some(reg)) = (done, operand) {
            let strict = builtin.strict.iter().find(|strict| base + 1 + strict.arg == reg);
            strict.filter(|s| s.want.says_why_forced()).inspect(|s| error.add_trace(Pos::NONE, s.context()));
        }
        if builtin.is_traced() {
            error.add_trace(pos, builtin.trace_line());
        }
    }

    fn trace_lambda(
        &mut self,
        code: &Code,
        ip: usize,
        explained: &Explained,
        trail: &mut Trail,
        error: &mut Error,
    ) {
        if matches!(code.ops[ip], Op::Formals { .. } | Op::FormalsBoxed { .. }) {
            // Of an argument that is no set, the trace has said so already.
            let is_refused = error.kind() == ErrorKind::Type && error.data().traces.is_empty();
            let always = trail.operand.is_none() && is_refused;
            trail.waiting = Waiting::Line { text: "from call site".into(), shown: Shown::Usually, always };
            return;
        }
        let text = match explained.name {
            Some(name) => {
                format!("while calling '{}'", crate::message::text(self.st.symbols.name(name))).into()
            }
            None => Cow::Borrowed("while calling anonymous lambda"),
        };
        error.add_shown(explained.pos, text, Shown::InFull);
        trail.waiting = Waiting::Line { text: "from call site".into(), shown: Shown::InFull, always: false };
    }

    /// Adds what the frame of a builtin says, once the builtin itself has said what it was doing.
    pub(crate) fn trace_builtin(&self, index: u32, trail: &mut Trail, error: &mut Error) {
        let builtin = &builtins::TABLE[index as usize];
        if builtin.is_lambda() {
            return trail.wait_for_call();
        }
        trail.settle(error, Pos::NONE);
        if builtin.is_traced() {
            trail.waiting = Waiting::Line { text: builtin.trace_line(), shown: Shown::Usually, always: true };
        }
    }

    /// Where a builtin forces an argument: nowhere, unless it is a function of the language.
    pub(crate) fn argument_pos(&mut self, index: u32) -> Pos {
        if builtins::TABLE[index as usize].is_lambda() { self.derivation_lambda() } else { Pos::NONE }
    }

    /// Where a delayed call stands.
    pub(crate) fn apply_pos(&mut self, thunk: Val) -> Pos {
        match self.heap.thunk_code(thunk) {
            ThunkCode::Apply { unit: NO_UNIT, .. } | ThunkCode::Unit(_) | ThunkCode::Select { .. } => {
                self.function_pos(self.heap.captures(thunk)[0].get())
            }
            ThunkCode::Apply { unit, at } => self.code(unit).pos_at(at as usize),
        }
    }

    /// Adds what a thunk of a simple kind says.
    pub(crate) fn trace_thunk(&mut self, thunk: Val, trail: &mut Trail, error: &mut Error) {
        match self.heap.thunk_code(thunk) {
            ThunkCode::Unit(_) | ThunkCode::Apply { unit: NO_UNIT, at: 0 | BY_MAP_ATTRS } => {}
            ThunkCode::Apply { unit: NO_UNIT, at } => match self.internal_pos(at) {
                Some(pos) => trail.settle(error, pos),
                None => trail.waiting = Waiting::Nothing,
            },
            ThunkCode::Apply { unit, at } => {
                let pos = self.code(unit).pos_at(at as usize);
                trail.settle(error, pos);
            }
            ThunkCode::Select { unit, at } => {
                let code = self.code(unit);
                let Op::LazySelect { site, .. } = code.ops[at as usize] else {
                    unreachable!("a select thunk names the instruction that made it")
                };
                let name = code.sites[site as usize].name;
                let root = self.heap.captures(thunk)[0].get();
                let path = vec![Piece::Static(name)];
                let selection = Selection { root: 0, path };
                let pos = match self.selected(&[root], &selection) {
                    Pos::NONE => code.pos_at(at as usize),
                    pos => pos,
                };
                if std::mem::take(&mut trail.busy) {
                    error.set_pos(pos);
                }
                trail.settle(error, pos);
                self.trace_selection(code, &[root], &selection, error);
            }
        }
    }

    /// The function of a delayed call that has not begun; null of anything else.
    pub(crate) fn called(&self, call: Val) -> Val {
        match self.heap.is_waiting(call).then(|| self.heap.thunk_code(call)) {
            // It does not force its function, and where a function stands is known once it was.
            Some(ThunkCode::Apply { at: BY_MAP_ATTRS, unit: NO_UNIT }) => {
                let function = self.heap.captures(call)[0].get();
                let is_known = self.st.settings.patient && self.heap.peek(function).is_some();
                if is_known { function } else { Val::NULL }
            }
            Some(ThunkCode::Apply { .. }) => self.heap.captures(call)[0].get(),
            _ => Val::NULL,
        }
    }

    /// Where a function stands, if it is a lambda, or a set that is called.
    pub fn function_pos(&mut self, function: Val) -> Pos {
        let Some(f) = self.heap.peek(function) else { return Pos::NONE };
        if f.is_attrs() {
            return self.set_pos(f);
        }
        match f.is_func().then(|| self.function_kind(f)) {
            Some(FunctionKind::Lambda { pos, .. }) => pos,
            Some(FunctionKind::Derivation) => self.derivation_lambda(),
            _ => Pos::NONE,
        }
    }

    /// Where a set stands that is as the program has it.
    fn set_pos(&mut self, set: Val) -> Pos {
        let (keys, _) = self.attrs(set);
        let Some(first) = keys.first().map(|&key| self.attr_pos(set, key)).filter(|&pos| pos != Pos::NONE)
        else {
            return Pos::NONE;
        };
        let Some(place) = self.st.files.locate(first) else { return Pos::NONE };
        let file = self.st.files.get(place.file);
        let (exprs, start) = (&file.code.exprs, file.start);
        let defines = |i: u32, name: Symbol, pos: Pos| {
            let set = exprs.set(i);
            exprs.attrs[set.attrs.range()].iter().any(|a| a.name == name && start + a.pos == pos.0)
                || exprs.dynamics[set.dynamics.range()].iter().any(|attr| start + attr.pos == pos.0)
        };
        let found = exprs.nodes.iter().zip(&exprs.pos).find_map(|(node, pos)| match node {
            Expr::AttrSet(i) if defines(*i, keys[0], first) => Some((*i, Pos(start + pos))),
            _ => None,
        });
        match found {
            Some((i, pos)) if keys.iter().all(|&key| defines(i, key, self.attr_pos(set, key))) => pos,
            _ => Pos::NONE,
        }
    }

    // ---- selections ---------------------------------------------------------------------------------

    /// Where the value in `reg`, forced by the instruction at `ip`, is named.
    fn use_pos(&mut self, code: &Code, explained: &Explained, window: &[Val], reg: Reg, ip: usize) -> Pos {
        let Some(found) = explained.notes.use_of(reg, ip as u32) else { return Pos::NONE };
        let selected = found.selection.and_then(|i| match &explained.notes.contexts[i as usize].what {
            What::Selection(selection) => Some(self.selected(window, selection)),
            _ => None,
        });
        match selected {
            Some(pos) if pos != Pos::NONE => pos,
            _ => found.pos.map_or(Pos::NONE, |pos| code.position(pos)),
        }
    }

    /// Where the last attribute of a selection that was found is defined.
    fn selected(&mut self, window: &[Val], selection: &Selection) -> Pos {
        let mut v = window[selection.root as usize];
        let mut pos = Pos::NONE;
        for &piece in &selection.path {
            let Some(set) = self.heap.peek(v).filter(|v| v.is_attrs()) else { break };
            let Some(name) = self.piece_name(window, piece) else { break };
            let Some(slot) = self.attr(set, name) else { break };
            v = slot.get();
            pos = self.attr_pos(set, name);
        }
        pos
    }

    fn piece_name(&mut self, window: &[Val], piece: Piece) -> Option<Symbol> {
        match piece {
            Piece::Static(name) => Some(name),
            Piece::Dynamic(reg, _) => {
                let name = self.heap.peek(window[reg as usize]).filter(|name| name.is_string())?;
                Some(self.symbol(name))
            }
        }
    }

    fn trace_selection(&mut self, code: &Code, window: &[Val], selection: &Selection, error: &mut Error) {
        let pos = self.selected(window, selection);
        if pos == Pos::NONE || matches!(self.st.files.origin(pos), Some(Origin::Internal(_))) {
            return;
        }
        let path: Vec<String> =
            selection.path.iter().map(|&piece| self.show_piece(code, window, piece)).collect();
        error.add_trace(pos, format!("while evaluating the attribute '{}'", path.join(".")));
    }

    fn show_piece(&mut self, code: &Code, window: &[Val], piece: Piece) -> String {
        match (self.piece_name(window, piece), piece) {
            (Some(name), _) => self.shown_name(name),
            (None, Piece::Dynamic(_, id)) => format!("\"${{{}}}\"", self.show_expr(code, id)),
            (None, Piece::Static(_)) => unreachable!("a static name is known"),
        }
    }

    // ---- details ------------------------------------------------------------------------------------

    /// A name as messages show it: quoted where it has to be.
    pub(crate) fn shown_name(&self, symbol: Symbol) -> String {
        crate::message::text(&name(self.st.symbols.name(symbol))).into_owned()
    }

    /// The text of an expression, as the parser understood it.
    pub(crate) fn show_expr(&self, code: &Code, id: ExprId) -> String {
        let file = self.st.files.get(code.file);
        let home = self.st.settings.home.as_deref().unwrap_or(b"/");
        let places = Places { base: &file.base_dir, home };
        let text = show_expr(&file.code.exprs, &self.st.symbols, places, id);
        crate::message::text(&text).into_owned()
    }

    fn trace_assertion(&mut self, code: &Code, condition: ExprId, pos: Offset, error: &mut Error) {
        if error.kind() == ErrorKind::Assertion {
            let text = self.show_expr(code, condition);
            error.add_trace(
                code.position(pos),
                format!("while evaluating the condition of the assertion '{text}'"),
            );
        }
    }

    /// Gives what was said of an operand the operand's position.
    fn place_parts(&mut self, explained: &Explained, code: &Code, ip: usize, error: &mut Error) {
        let place = |pos: &mut Pos| {
            if let Some(part) = pos.as_part() {
                *pos = explained.notes.part(ip as u32, part).map_or(Pos::NONE, |pos| code.position(pos));
            }
        };
        let data = error.data_mut();
        place(&mut data.pos);
        data.traces
            .iter_mut()
            .rev()
            .take_while(|t| t.pos.as_part().is_some())
            .for_each(|t| place(&mut t.pos));
    }

    fn explained(&self, code: &'w Code) -> &'w Explained {
        code.explained.get_or_init(|| {
            let file = self.st.files.get(code.file);
            let notes = frazil_code::notes(&file.code, code.unit - file.first_unit);
            let (name, pos) = self.lambda_of(code.unit, (code.params as usize).saturating_sub(1));
            Box::new(Explained { notes, name, pos })
        })
    }
}

impl Want {
    /// Whether CppNix's function that forces and checks a value adds its context to errors of forcing, too.
    pub(crate) fn says_why_forced(self) -> bool {
        !matches!(self, Want::Any | Want::List | Want::Attrs)
    }
}
