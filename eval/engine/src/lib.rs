//! The hallway: sources, attribute paths, lists of derivations, errors as people read them.
#![forbid(unsafe_code)]

pub mod about;
#[cfg(feature = "disk")]
pub mod cache;
#[cfg(feature = "disk")]
pub mod disk;
pub mod evaluator;
pub mod explain;
pub mod render;
pub mod select;
pub mod settings;
pub mod walk;

pub use about::{About, Span};
#[cfg(feature = "disk")]
pub use cache::Cache;
#[cfg(feature = "disk")]
pub use disk::Disk;
pub use evaluator::{DrvFile, Evaluator, Position, Source};
pub use explain::View;
pub use frazil_store::{StoreDir, path::StorePath};
pub use frazil_value::heap::Slot;
pub use frazil_value::{Kind, Tag, Val};
pub use frazil_vm::builtins::embedder::{Function, MAX_ARITY};
pub use frazil_vm::host::HostResult;
pub use frazil_vm::message::{bytes, lossy};
pub use frazil_vm::world::Features;
pub use frazil_vm::{
    Error, ErrorKind, FileKind, Host, HostError, Limits, Pos, Settings, Stamp, Stamped, Stats, Trace,
    TreePart, World,
};
pub use select::{AutoArgs, Instance};
pub use walk::Sink;
