//! The texts Nix builtins read and write: JSON, TOML, regular expressions, versions, floats, XML.
//!
//! All functions are pure, take bytes and know no values. None recurses with the nesting of its
//! input. Messages of errors are CppNix's.

#![forbid(unsafe_code)]

pub mod bytes;
pub mod float;
pub mod json;
pub mod regex;
pub mod toml;
pub mod url;
pub mod version;
pub mod xml;
