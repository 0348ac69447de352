//! Worlds outside that are no disk: files in memory, and one host laid over another.

mod memory;
mod overlay;

pub use memory::Memory;
pub use overlay::Overlay;
