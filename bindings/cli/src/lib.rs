//! The command line of Frazil: what it understands, apart from what it does.
#![forbid(unsafe_code)]

pub mod args;
pub mod command;
pub mod instantiate;
pub mod stats;
pub mod outside;
