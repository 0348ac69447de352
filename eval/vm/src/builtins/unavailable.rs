//! Builtins that need a network or a store: they say so.

use super::{Builtin, row};
use crate::error::{Error, ErrorKind};
use crate::machine::Machine;
use crate::native::Step;

macro_rules! unavailable {
    ($($name:literal),*) => {
        &[$(row($name, 1, &[], |m, _| unavailable(m, $name))),*]
    };
}

pub(super) const TABLE: &[Builtin] = unavailable!(
    "fetchClosure",
    "fetchGit",
    "fetchMercurial",
    "fetchTarball",
    "fetchTree",
    "fetchurl",
    "flakeRefToString",
    "getFlake",
    "parseFlakeRef"
);

fn unavailable(_: &mut Machine<'_>, name: &str) -> Result<Step, Error> {
    Err(Error::new(
        ErrorKind::Unavailable,
        format!("'builtins.{name}' is not available: this evaluator has no access to the network"),
    ))
}
