//! TOML, one way.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
