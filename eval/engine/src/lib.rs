//! The hallway: sources, attribute paths, lists of derivations, errors as people read them.
#![forbid(unsafe_code)]

pub mod disk;
pub mod evaluator;
pub mod render;
pub mod select;
pub mod settings;

pub use disk::Disk;
pub use evaluator::{Evaluator, Source};
pub use select::AutoArgs;
