//! Frazil: an embeddable evaluator for the Nix language.
#![forbid(unsafe_code)]

pub use frazil_engine::settings;
pub use frazil_engine::{AutoArgs, Disk, Evaluator, Source};
pub use frazil_store::StoreDir;
pub use frazil_value::Val;
pub use frazil_vm::{Error, ErrorKind, FileKind, Host, HostError, Limits, Settings};
