//! The machine: code to values. Frames live on the heap's side of the wall, never on Rust's stack.
#![forbid(unsafe_code)]

mod assert;
pub mod attrs;
pub mod builtins;
#[cfg(feature = "cache")]
pub mod cache;
mod calls;
pub mod coerce;
pub mod compare;
pub mod contexts;
pub mod error;
pub mod files;
pub mod forces;
pub mod host;
pub mod inputs;
pub mod link;
pub mod lint;
pub mod machine;
pub mod message;
mod names;
pub mod native;
pub mod print;
mod reclaim;
pub mod restrict;
mod slots;
mod trace;
pub mod world;

pub use error::{Error, ErrorKind, Trace};
pub use files::{Files, Pos};
pub use host::{FileKind, Host, HostError, Stamp, Stamped, TreePart};
pub use machine::Machine;
pub use native::{Native, Step};
pub use world::{Limits, Settings, Stats, World};
