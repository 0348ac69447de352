//! The text of the Nix language: tokens, a compact tree for evaluation, and a lossless tree for tools.
#![forbid(unsafe_code)]

pub mod expr;
pub mod symbol;
