//! (being built)
#![forbid(unsafe_code)]

pub mod settings;
