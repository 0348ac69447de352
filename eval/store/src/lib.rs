//! The formats of the Nix store, and never a store: hashes, paths, string contexts, archives,
//! written derivations, and how a derivation's paths follow from its content.
//!
//! Nothing here reads a file or knows the language. Messages of errors are CppNix's.

#![forbid(unsafe_code)]

mod error;

pub mod aterm;
pub mod base32;
pub mod context;
pub mod derivation;
pub mod hash;
pub mod nar;
pub mod path;

pub use context::{ContextElem, ContextError, DerivedPath, OutputName, placeholder};
pub use derivation::{
    Derivation, DerivationError, Draft, Env, Finished, HashModulo, HashesModulo, InputDrvs, Output, Scratch,
};
pub use hash::{Algorithm, Format, Hash, HashError, Hasher};
pub use path::{Method, NameError, PathError, StoreDir, StorePath};
