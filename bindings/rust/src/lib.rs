//! Frazil: an embeddable evaluator for the Nix language.
#![forbid(unsafe_code)]

pub use frazil_engine::settings;
