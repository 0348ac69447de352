//! Worlds outside that are no disk: files in memory, one host laid over another, and one seen through rules.

mod access;
mod memory;
mod overlay;
#[cfg(feature = "tar")]
mod tar;
mod watch;

pub use access::{Access, Guarded};
pub use memory::Memory;
pub use overlay::Overlay;
pub use watch::{Event, Inputs};
pub(crate) use watch::{Interrupt, OnEvent, Watched};
