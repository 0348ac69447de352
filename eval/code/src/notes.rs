//! Notes on a unit's instructions: what CppNix says of an error that happens in some of them.
//!
//! Nothing reads them until an error is thrown, so they are not kept: [`emit::notes`](crate::emit::notes) emits the unit once more.

use crate::op::Reg;
use frazil_syntax::expr::{ExprId, Offset};
use frazil_syntax::symbol::Symbol;

/// What is said of errors in a unit, the notes on inner expressions before those on outer ones.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Lines of the trace.
    pub contexts: Vec<Context>,
    /// Values that are forced as operands of a later instruction.
    pub uses: Vec<Use>,
    /// The positions of the operands of instructions that put texts together.
    pub parts: Vec<(u32, Vec<Offset>)>,
}

/// A line of the trace of errors from some instructions.
#[derive(Clone, Debug)]
pub struct Context {
    /// The first instruction.
    pub from: u32,
    /// The instruction behind the last.
    pub to: u32,
    /// If so, only errors of forcing this register count.
    pub reg: Option<Reg>,
    /// What is said.
    pub what: What,
}

/// What the trace says.
#[derive(Clone, Debug)]
pub enum What {
    /// This text, with that position.
    Text(&'static str, Offset),
    /// Which attribute was being evaluated, where it is defined.
    Selection(Selection),
    /// The assertion whose condition compares two values, with its position.
    AssertEqual(ExprId, Offset),
}

/// A selection by an attribute path.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The register of the set that it starts from.
    pub root: Reg,
    /// The names.
    pub path: Vec<Piece>,
}

/// A name in an attribute path.
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    /// As written.
    Static(Symbol),
    /// The string in a register, computed by an expression.
    Dynamic(Reg, ExprId),
}

impl Piece {
    /// Whether it is as written.
    pub fn is_static(&self) -> bool {
        matches!(self, Piece::Static(_))
    }
}

/// A variable or attribute whose value the first instruction to do so from `at` on forces.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// An instruction not behind the one that forces it.
    pub at: u32,
    /// The register that holds it.
    pub reg: Reg,
    /// The position of the variable or selection; `None` for an argument of a builtin, which does not know it.
    pub pos: Option<Offset>,
    /// The selection among the contexts, if it is one.
    pub selection: Option<u32>,
}

impl Notes {
    /// The position of an operand of the instruction at `ip`.
    pub fn part(&self, ip: u32, part: usize) -> Option<Offset> {
        let (_, parts) = self.parts.iter().find(|(at, _)| *at == ip)?;
        parts.get(part).copied()
    }

    /// The use for which the instruction at `ip` forces `reg`.
    pub fn use_of(&self, reg: Reg, ip: u32) -> Option<&Use> {
        let before = self.uses.iter().filter(|u| u.reg == reg && u.at <= ip);
        let latest = before.clone().map(|u| u.at).max()?;
        before.clone().find(|u| u.at == latest)
    }

    /// Whether what the instruction at `ip` forces `reg` for is a selection.
    pub fn is_selection(&self, reg: Reg, ip: u32) -> bool {
        self.use_of(reg, ip).is_some_and(|found| found.selection.is_some())
    }

    /// What is said of an error at `ip`, which came of forcing `reg` if there is one; inner first.
    pub fn at(&self, ip: u32, reg: Option<Reg>) -> impl Iterator<Item = &What> {
        let selection = reg.and_then(|reg| self.use_of(reg, ip)).and_then(|u| u.selection);
        let mut by_register = false;
        (0..)
            .zip(&self.contexts)
            .filter(move |(i, context)| {
                let inside = (context.from..context.to).contains(&ip);
                match context.reg {
                    None => inside || selection == Some(*i),
                    // Two operands may be one register: the first is the one that is forced.
                    Some(_) => inside && context.reg == reg && !std::mem::replace(&mut by_register, true),
                }
            })
            .map(|(_, context)| &context.what)
    }
}
