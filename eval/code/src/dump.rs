//! Stable text of a chunk, for `frazil explain --bytecode` and for tests.

use crate::emit::{Child, Chunk, Const};
use crate::file::FileCode;
use crate::op::Op;
use frazil_syntax::symbol::{Symbol, Symbols};
use std::fmt::Write;

/// The instructions of a chunk of `file`, one a line, with what they take from its tables behind a semicolon.
pub fn dump(chunk: &Chunk, file: &FileCode, symbols: &Symbols) -> String {
    let Chunk { params, captures, n_regs, .. } = chunk;
    let mut text = format!("params {params} captures {captures} registers {n_regs}\n");
    let dumper = Dumper { chunk, file, symbols };
    if chunk.has_pattern {
        writeln!(text, "pattern {}", dumper.pattern()).expect("a String takes all");
    }
    for (i, &op) in chunk.ops.iter().enumerate() {
        let line = format!(
            "{i:4}  {op:?}{}",
            dumper.note(op).map_or_else(String::new, |note| format!("  ; {note}"))
        );
        writeln!(text, "{line}").expect("a String takes all");
    }
    text
}

struct Dumper<'a> {
    chunk: &'a Chunk,
    file: &'a FileCode,
    symbols: &'a Symbols,
}

impl Dumper<'_> {
    fn name(&self, name: Symbol) -> String {
        String::from_utf8_lossy(self.symbols.name(name)).into_owned()
    }

    fn names(&self, names: impl Iterator<Item = Symbol>) -> String {
        names.map(|name| self.name(name)).collect::<Vec<_>>().join(" ")
    }

    fn pattern(&self) -> String {
        let formals = self.chunk.formals.iter().map(|&(name, default)| {
            let mark = if default { " ?" } else { "" };
            format!("{}{mark}", self.name(name))
        });
        formals.chain(self.chunk.ellipsis.then(|| "...".to_owned())).collect::<Vec<_>>().join(", ")
    }

    /// What an instruction takes from the tables.
    fn note(&self, op: Op) -> Option<String> {
        let chunk = self.chunk;
        Some(match op {
            Op::Const { k, .. } | Op::ConstDefault { k, .. } => self.constant(chunk.consts[k as usize]),
            Op::SlotDefault { child, .. } => self.child(&chunk.children[child as usize]),
            Op::Thunk { child, .. }
            | Op::Closure { child, .. }
            | Op::NewThunk { child, .. }
            | Op::NewClosure { child, .. }
            | Op::NewDefault { child, .. }
            | Op::Fill { child, .. }
            | Op::FillDefault { child, .. } => self.child(&chunk.children[child as usize]),
            Op::LazySelect { site, .. }
            | Op::TryWith { site, .. }
            | Op::Overrides { site, .. }
            | Op::Select { site, .. }
            | Op::SelectOr { site, .. }
            | Op::Has { site, .. }
            | Op::With { site, .. }
            | Op::Undefined { site } => self.name(chunk.sites[site as usize]),
            Op::Set { shape, .. } | Op::NewSet { shape, .. } | Op::FormalsBoxed { shape, .. } => {
                self.names(chunk.shapes[shape as usize].keys.iter().copied())
            }
            _ => return None,
        })
    }

    fn constant(&self, constant: Const) -> String {
        match constant {
            Const::Str(run) | Const::Path(run) => {
                format!("{:?}", String::from_utf8_lossy(self.file.exprs.bytes(run)))
            }
            Const::Global(name) => self.name(name),
            Const::Int(n) => n.to_string(),
            Const::Float(f) => format!("{f:?}"),
            Const::Bool(b) => b.to_string(),
            Const::CurPos(_) => "__curPos".into(),
            Const::EmptySet => "{ }".into(),
            Const::EmptyList => "[ ]".into(),
        }
    }

    /// A child's number, and the registers and captures that it captures.
    fn child(&self, child: &Child) -> String {
        let captures =
            self.chunk.captures_of(child).iter().map(|&from| match from.checked_sub(Child::CAPTURE) {
                Some(capture) => format!(" c{capture}"),
                None => format!(" r{from}"),
            });
        format!("unit {}{}", child.unit, captures.collect::<String>())
    }
}
