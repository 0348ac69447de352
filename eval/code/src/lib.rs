//! From the compact tree to bytecode: scopes and units for a whole file, instructions for a unit when it first runs.
#![forbid(unsafe_code)]

pub mod dump;
pub mod emit;
pub mod file;
pub mod notes;
pub mod op;
pub mod scope;
pub mod verify;

pub use emit::{Child, Chunk, Const, Shape, emit, emit_into, notes};
pub use file::{FileCode, Unit, UnitKind};
pub use notes::Notes;
pub use op::{Op, Reg};
pub use scope::{ScopeError, resolve};
pub use verify::verify;
