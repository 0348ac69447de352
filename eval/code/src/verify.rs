//! What is true of every chunk: registers, jumps and table indices lie where they should.

use crate::emit::{Child, Chunk};
use crate::file::FileCode;
use crate::op::{MAX_REGS, Op};

/// The first thing that is wrong with the code of a unit of `file`, if anything is.
pub fn verify(chunk: &Chunk, file: &FileCode) -> Result<(), String> {
    let registers = chunk.n_regs as usize;
    let captured = if chunk.captures_in_registers { chunk.captures as usize } else { 0 };
    let first = chunk.params as usize + captured;
    if registers > MAX_REGS || registers < first {
        return Err(format!("{registers} registers, of which {first} are filled at the start"));
    }
    if chunk.pos.len() != chunk.ops.len() {
        return Err(format!("{} positions for {} instructions", chunk.pos.len(), chunk.ops.len()));
    }
    if !matches!(chunk.ops.last(), Some(Op::Return { .. })) {
        return Err("the last instruction is no return".into());
    }
    for child in &chunk.children {
        check_child(chunk, file, child)?;
    }
    for (at, &op) in chunk.ops.iter().enumerate() {
        if let Some(touched) = touched(chunk, at, op).into_iter().find(|touched| touched.index >= touched.len)
        {
            return Err(format!("{at}: {op:?}: {} {} of {}", touched.what, touched.index, touched.len));
        }
    }
    Ok(())
}

fn check_child(chunk: &Chunk, file: &FileCode, child: &Child) -> Result<(), String> {
    if child.unit as usize >= file.unit_count() {
        return Err("a child that is no unit".into());
    }
    let unit = file.unit(child.unit);
    if unit.captures.len != child.captures.len {
        return Err(format!(
            "unit {} captures {}, not {}",
            child.unit, unit.captures.len, child.captures.len
        ));
    }
    let has = |&from: &u16| match from.checked_sub(Child::CAPTURE) {
        Some(capture) => capture < chunk.captures,
        None => from < chunk.n_regs,
    };
    chunk
        .captures_of(child)
        .iter()
        .all(has)
        .then_some(())
        .ok_or_else(|| format!("unit {} captures nothing", child.unit))
}

/// An entry of a table that an instruction needs, and how many the table has.
struct Touched {
    what: &'static str,
    index: usize,
    len: usize,
}

/// All that an instruction touches; of consecutive registers, the last.
fn touched(chunk: &Chunk, at: usize, op: Op) -> Vec<Touched> {
    let mut all = Vec::new();
    let mut touch = |what, index, len| all.push(Touched { what, index, len });
    let mut registers = |indices: &[usize]| {
        for &index in indices {
            touch("register", index, chunk.n_regs as usize);
        }
    };
    let last = |base: u8, n: u8| base as usize + (n as usize).saturating_sub(1);
    match op {
        Op::Const { dst: a, .. }
        | Op::LoadCapture { dst: a, .. }
        | Op::Thunk { dst: a, .. }
        | Op::Closure { dst: a, .. }
        | Op::NewThunk { dst: a, .. }
        | Op::NewClosure { dst: a, .. }
        | Op::Fill { src: a, .. }
        | Op::NewDefault { dst: a, .. }
        | Op::FillDefault { src: a, .. }
        | Op::ConstDefault { dst: a, .. }
        | Op::SlotDefault { set: a, .. }
        | Op::NewSet { dst: a, .. }
        | Op::NewList { dst: a, .. }
        | Op::Force { src: a }
        | Op::RightSet { src: a }
        | Op::Name { name: a }
        | Op::Return { src: a }
        | Op::JumpIfFalse { cond: a, .. }
        | Op::JumpIfTrue { cond: a, .. }
        | Op::Bool { src: a, .. } => registers(&[a as usize]),
        Op::Move { dst: a, src: b }
        | Op::MoveDefault { dst: a, src: b }
        | Op::LoadSlot { dst: a, from: b, .. }
        | Op::LazySelect { dst: a, base: b, .. }
        | Op::TryWith { dst: a, scope: b, .. }
        | Op::SetSlot { to: a, src: b, .. }
        | Op::Overrides { dst: a, set: b, .. }
        | Op::Select { dst: a, base: b, .. }
        | Op::SelectOr { dst: a, base: b, .. }
        | Op::Has { dst: a, base: b, .. }
        | Op::With { dst: a, scope: b, .. }
        | Op::Not { dst: a, src: b }
        | Op::Addend { dst: a, src: b }
        | Op::FormalsBoxed { arg: a, dst: b, .. } => registers(&[a as usize, b as usize]),
        Op::SelectDynamic { dst, base: a, name: b }
        | Op::SelectDynamicOr { dst, base: a, name: b }
        | Op::HasDynamic { dst, base: a, name: b }
        | Op::AssertEqual { dst, a, b }
        | Op::Eq { dst, a, b }
        | Op::NotEq { dst, a, b }
        | Op::Less { dst, a, b }
        | Op::Sub { dst, a, b }
        | Op::Mul { dst, a, b }
        | Op::Div { dst, a, b }
        | Op::Update { dst, a, b }
        | Op::Concat { dst, a, b } => registers(&[dst as usize, a as usize, b as usize]),
        Op::Plus { dst, a, b, text } => registers(&[dst, a, b, text].map(usize::from)),
        Op::Call { dst, base, n } | Op::TracedCall { dst, base, n } | Op::LazyCall { dst, base, n } => {
            registers(&[dst as usize, base as usize + n as usize]);
        }
        Op::List { dst, base, n }
        | Op::Interpolate { dst, base, n }
        | Op::InterpolatePath { dst, base, n } => {
            registers(&[dst as usize, last(base, n)]);
        }
        Op::Set { dst, base, shape } => {
            let n = chunk.shapes.get(shape as usize).map_or(0, |shape| shape.keys.len());
            registers(&[dst as usize, (base as usize + n).saturating_sub(1)]);
        }
        Op::Dynamic { set, base, n } => registers(&[set as usize, last(base, 2 * n)]),
        Op::Formals { arg, first } => {
            registers(&[arg as usize, (first as usize + chunk.formals.len()).saturating_sub(1)]);
        }
        Op::Undefined { .. } | Op::Jump { .. } | Op::AssertFailed { .. } => {}
    }
    match op {
        Op::Const { k, .. } | Op::ConstDefault { k, .. } => touch("constant", k as usize, chunk.consts.len()),
        Op::LoadCapture { i, .. } => touch("capture", i as usize, chunk.captures as usize),
        Op::SlotDefault { child, .. } => touch("child", child as usize, chunk.children.len()),
        Op::Thunk { child, .. }
        | Op::Closure { child, .. }
        | Op::NewThunk { child, .. }
        | Op::NewClosure { child, .. }
        | Op::Fill { child, .. }
        | Op::NewDefault { child, .. }
        | Op::FillDefault { child, .. } => touch("child", child as usize, chunk.children.len()),
        Op::LazySelect { site, .. }
        | Op::Overrides { site, .. }
        | Op::Select { site, .. }
        | Op::Has { site, .. }
        | Op::Undefined { site } => touch("site", site as usize, chunk.sites.len()),
        // What is found skips the next instruction.
        Op::TryWith { site, .. } | Op::SelectOr { site, .. } | Op::With { site, .. } => {
            touch("site", site as usize, chunk.sites.len());
            touch("instruction", at + 2, chunk.ops.len());
        }
        Op::SelectDynamicOr { .. } => touch("instruction", at + 2, chunk.ops.len()),
        Op::Set { shape, .. } | Op::NewSet { shape, .. } | Op::FormalsBoxed { shape, .. } => {
            touch("shape", shape as usize, chunk.shapes.len());
        }
        Op::Jump { to } | Op::JumpIfFalse { to, .. } | Op::JumpIfTrue { to, .. } => {
            touch("instruction", to as usize, chunk.ops.len());
        }
        _ => {}
    }
    all
}
