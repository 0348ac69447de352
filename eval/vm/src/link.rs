//! From a chunk, which is data, to code of this evaluator: constants become values, keys become layouts,
//! selections get a cache.

use crate::attrs::PositionsId;
use crate::files::Pos;
use crate::machine::Machine;
use crate::trace::Explained;
use frazil_code::{Chunk, Const, Op};
use frazil_syntax::expr::{NO_POS, Offset};
use frazil_syntax::symbol::Symbol;
use frazil_value::{LayoutId, Val};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use thin_vec::ThinVec;

/// A place that selects by name, and what it found the last time.
pub(crate) struct Site {
    pub(crate) name: Symbol,
    /// Layout and slot, 32 bits each; the slot is `u32::MAX` where the layout has no such key.
    cache: AtomicU64,
}

impl Site {
    pub(crate) fn new(name: Symbol) -> Site {
        Site { name, cache: AtomicU64::new(u64::MAX) }
    }

    #[inline(always)]
    pub(crate) fn get(&self, layout: LayoutId) -> Option<Option<u32>> {
        let cached = self.cache.load(Relaxed);
        (cached >> 32 == layout.0 as u64).then(|| {
            let slot = cached as u32;
            (slot != u32::MAX).then_some(slot)
        })
    }

    /// Forgets what was found in a layout that is not to stay.
    pub(crate) fn forget(&self, stays: impl Fn(LayoutId) -> bool) {
        if !stays(LayoutId((self.cache.load(Relaxed) >> 32) as u32)) {
            self.cache.store(u64::MAX, Relaxed);
        }
    }

    #[inline(always)]
    pub(crate) fn set(&self, layout: LayoutId, slot: Option<u32>) {
        self.cache.store((layout.0 as u64) << 32 | slot.unwrap_or(u32::MAX) as u64, Relaxed);
    }
}

/// A unit that code makes thunks or closures of.
pub(crate) struct LinkedChild {
    pub(crate) unit: u32,
    pub(crate) is_lambda: bool,
    /// A run of [`Code::sources`].
    first: u32,
    len: u16,
}

/// Code ready to run. What every run needs comes first, to share a line of the processor's cache; of what most have none of,
/// there is only a word.
#[repr(C)]
pub struct Code {
    pub(crate) ops: Box<[Op]>,
    pub(crate) n_regs: u32,
    pub(crate) captures: u16,
    pub(crate) params: u8,
    pub(crate) captures_in_registers: bool,
    pub(crate) children: Box<[LinkedChild]>,
    /// From where all children take their captures.
    sources: Box<[u16]>,
    pub(crate) sites: Box<[Site]>,
    pub(crate) consts: ThinVec<Val>,
    pub(crate) shapes: ThinVec<(LayoutId, PositionsId)>,
    pub(crate) formals: ThinVec<(Site, bool)>,
    pub(crate) unit: u32,
    pub(crate) file: u32,
    pub(crate) pos: Box<[u32]>,
    pub(crate) has_pattern: bool,
    pub(crate) ellipsis: bool,
    /// The position of the first byte of its file.
    start: u32,
    /// What errors need of it, made for the first one.
    pub(crate) explained: OnceLock<Box<Explained>>,
}

impl Code {
    /// The position of an offset in the file.
    pub(crate) fn position(&self, offset: Offset) -> Pos {
        position(self.start, offset)
    }

    /// The position of the instruction at `ip`.
    pub(crate) fn pos_at(&self, ip: usize) -> Pos {
        Pos(self.pos.get(ip).copied().unwrap_or(0))
    }

    /// From where a child takes its captures.
    #[inline(always)]
    pub(crate) fn sources(&self, child: &LinkedChild) -> &[u16] {
        &self.sources[child.first as usize..child.first as usize + child.len as usize]
    }
}

/// The position of an offset in a file whose positions start at `start`.
pub(crate) fn position(start: u32, offset: u32) -> Pos {
    if offset == NO_POS { Pos::NONE } else { Pos(start + offset) }
}

impl<'w> Machine<'w> {
    /// The code of a unit, emitted if this is the first time that it runs.
    #[inline(always)]
    pub(crate) fn code(&mut self, unit: u32) -> &'w Code {
        match self.codes.get(self.st.units[unit as usize] as usize) {
            Some(code) => code,
            None => self.first_code(unit),
        }
    }

    #[cold]
    fn first_code(&mut self, unit: u32) -> &'w Code {
        let file = self.st.files.of_unit(unit);
        let source = self.st.files.get(file);
        let (tree, first, start) = (source.code.clone(), source.first_unit, source.start);
        let room = std::mem::take(&mut self.st.chunk);
        let chunk = frazil_code::emit_into(&tree, unit - first, room);
        debug_assert_eq!(frazil_code::verify(&chunk, &tree), Ok(()));
        let code = self.link(unit, file, first, start, &tree.exprs, &chunk);
        self.st.chunk = chunk;
        let index = self.codes.push(code);
        self.st.units[unit as usize] = index as u32;
        &self.codes[index]
    }

    fn link(
        &mut self,
        unit: u32,
        file: u32,
        first: u32,
        start: u32,
        exprs: &frazil_syntax::expr::Exprs,
        chunk: &Chunk,
    ) -> Code {
        let consts = chunk.consts.iter().map(|&c| self.constant(file, start, exprs, c)).collect();
        let shapes = chunk.shapes.iter().map(|shape| {
            let layout = self.layouts.intern(&shape.keys);
            let pos = shape.pos.iter().map(|&p| position(start, p)).collect();
            (layout, self.st.positions.literal(pos))
        });
        let shapes = shapes.collect();
        let children = chunk.children.iter().map(|child| {
            let (start, len) = (child.captures.start, child.captures.len as u16);
            LinkedChild { unit: first + child.unit, is_lambda: child.is_lambda, first: start, len }
        });
        let children = children.collect();
        let mut ops: Box<[Op]> = chunk.ops.as_slice().into();
        if self.st.settings.trace_calls {
            ops.iter_mut().for_each(announce);
        }
        Code {
            unit,
            file,
            pos: chunk.pos.iter().map(|&p| position(start, p).0).collect(),
            ops,
            consts,
            sites: chunk.sites.iter().map(|&name| Site::new(name)).collect(),
            children,
            sources: chunk.sources.as_slice().into(),
            shapes,
            formals: chunk.formals.iter().map(|&(name, default)| (Site::new(name), default)).collect(),
            has_pattern: chunk.has_pattern,
            ellipsis: chunk.ellipsis,
            n_regs: chunk.n_regs as u32,
            params: chunk.params,
            captures: chunk.captures,
            captures_in_registers: chunk.captures_in_registers,
            start,
            explained: OnceLock::new(),
        }
    }

    fn constant(
        &mut self,
        file: u32,
        start: u32,
        exprs: &frazil_syntax::expr::Exprs,
        constant: Const,
    ) -> Val {
        match constant {
            Const::Int(n) => self.heap.new_int(n),
            Const::Float(f) => self.heap.new_float(f),
            Const::Str(text) => self.heap.new_string(exprs.bytes(text), 0),
            Const::Path(text) => {
                let path = self.literal_path(file, exprs.bytes(text));
                self.heap.new_path(&path)
            }
            Const::CurPos(offset) => self.position_value(position(start, offset)),
            Const::Global(name) => self.st.globals[&name],
            Const::EmptySet => self.heap.empty_attrs(),
            Const::EmptyList => self.heap.empty_list(),
            Const::Bool(b) => Val::bool(b),
        }
    }

    /// The path that a literal means in its file.
    fn literal_path(&self, file: u32, text: &[u8]) -> Vec<u8> {
        let base: &[u8] = match text.first() {
            Some(b'/') => b"",
            Some(b'~') => self.st.settings.home.as_deref().unwrap_or(b"/"),
            _ => &self.st.files.get(file).base_dir,
        };
        let rest = text.strip_prefix(b"~").unwrap_or(text);
        let mut path = crate::builtins::paths::canonical(&[base, b"/", rest].concat());
        // The first part of an interpolated path keeps its slash.
        if text.ends_with(b"/") && path != b"/" {
            path.push(b'/');
        }
        path
    }
}

/// Makes a call one that says when it begins and ends.
fn announce(op: &mut Op) {
    if let Op::Call { dst, base, n } = *op {
        *op = Op::TracedCall { dst, base, n };
    }
}
