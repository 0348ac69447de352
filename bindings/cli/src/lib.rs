//! The command line of Frazil: what it understands, and what it does.
#![forbid(unsafe_code)]

pub mod args;
pub mod check;
pub mod command;
pub mod instantiate;
pub mod outside;
pub mod own;
pub mod plain;
pub mod process;
pub mod repl;
pub mod report;
pub mod session;
pub mod stats;
pub mod store;
