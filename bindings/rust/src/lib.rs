//! Frazil: an embeddable evaluator for the Nix language that behaves as CppNix 2.34.8 does.
//!
//! An [`Engine`] holds what evaluations share: the [`Host`], settings, [`Limits`]. Its [`Evaluator`]s evaluate, each with
//! a heap and a cache of files of its own. Values that stay outside are [`Handle`]s; inside of [`Evaluator::enter`] they
//! are plain [`Value`]s that cost nothing.
//!
//! ```
//! use frazil::{Engine, Limits};
//!
//! let engine = Engine::builder().limits(Limits::default()).build();
//! let mut evaluator = engine.evaluator();
//! let value = evaluator.eval("{ answer = 6 * 7; }")?;
//! let answer = evaluator.select(&value, "answer")?;
//! assert_eq!(evaluator.to_json(&answer)?, "42");
//! # Ok::<(), frazil::Error>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "serde")]
mod data;
mod engine;
mod error;
mod evaluator;
#[cfg(feature = "serde")]
mod functions;
mod hosts;
#[cfg(feature = "serde")]
mod javascript;
mod jobs;
#[cfg(feature = "lint")]
pub mod lint;
#[cfg(feature = "serde")]
mod options;
mod scope;
mod session;

#[cfg(feature = "serde")]
pub use data::from_str;
pub use engine::{Builder, Engine};
pub use error::{Error, Frame};
pub use evaluator::{Counts, Evaluator, Force, Handle};
pub use frazil_engine::settings;
pub use frazil_engine::{
    About, DrvFile, ErrorKind, FileKind, Host, HostError, HostResult, Limits, MAX_ARITY, Position, Sink,
    Source, Span, Stamp, Stamped, Stats, TreePart, View,
};
#[cfg(feature = "disk")]
pub use frazil_engine::{Cache, Disk};
#[cfg(feature = "macros")]
pub use frazil_macros::function;
#[cfg(feature = "serde")]
pub use functions::{HostFunction, read_arguments, write_answer};
pub use hosts::{Access, Event, Guarded, Inputs, Memory, Overlay};
pub use jobs::{Job, JobOptions, JobRecord, Jobs, Shard};
#[cfg(feature = "serde")]
pub use options::{EvalSpec, LimitOptions, Memory as MemoryOption, Options};
pub use scope::{Arguments, Derivation, Scope, Type, Value};
pub use session::{Root, Session};

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[cfg_attr(feature = "serde", doc = include_str!("../README.md"))]
mod readme {}
