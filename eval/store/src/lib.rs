//! The formats of the Nix store, and never a store: hashes, paths, string contexts, archives,
//! written derivations, and how a derivation's paths follow from its content.
//!
//! Nothing here reads a file or knows the language. Messages of errors are CppNix's.

#![forbid(unsafe_code)]

mod error;

pub mod base32;
pub mod hash;
pub mod path;

pub use hash::{Algorithm, Format, Hash, HashError, Hasher};
pub use path::{Method, NameError, PathError, StoreDir, StorePath};
