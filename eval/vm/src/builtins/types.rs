//! What a value is.

use super::{Builtin, Strict, Want, row, strict};
use crate::error::Error;
use crate::machine::Machine;
use crate::native::Step;
use frazil_value::{Kind, Tag, Val};

const FORCED: &[Strict] = &[strict(0, Want::Any, "")];

pub(super) const TABLE: &[Builtin] = &[
    row("typeOf", 1, FORCED, |m, a| {
        let name = m.st.symbols.intern(type_name(m, a[0]).as_bytes());
        Ok(Step::Done(m.symbol_string(name)))
    }),
    row("isNull", 1, FORCED, |_, a| is(a[0] == Val::NULL)),
    row("isFunction", 1, FORCED, |_, a| is(a[0].is_func())),
    row("isInt", 1, FORCED, |m, a| is(m.heap.as_int(a[0]).is_some())),
    row("isFloat", 1, FORCED, |m, a| is(m.heap.as_float(a[0]).is_some())),
    row("isString", 1, FORCED, |_, a| is(a[0].is_string())),
    row("isBool", 1, FORCED, |_, a| is(a[0].as_bool().is_some())),
    row("isPath", 1, FORCED, |m, a| is(m.heap.as_path(a[0]).is_some())),
    row("isAttrs", 1, FORCED, |_, a| is(a[0].is_attrs())),
    row("isList", 1, FORCED, |_, a| is(a[0].is_list())),
];

fn is(b: bool) -> Result<Step, Error> {
    Ok(Step::Done(Val::bool(b)))
}

/// The name that `typeOf` gives.
pub(crate) fn type_name(m: &Machine<'_>, v: Val) -> &'static str {
    match v.tag() {
        Tag::Thunk => "thunk",
        Tag::Attrs => "set",
        Tag::List => "list",
        Tag::String => "string",
        Tag::Func => "lambda",
        Tag::Int => "int",
        Tag::Immediate if v == Val::NULL => "null",
        Tag::Immediate => "bool",
        Tag::Boxed => match m.heap.boxed_kind(v) {
            Kind::Path => "path",
            Kind::Float => "float",
            Kind::BigInt => "int",
            _ => "external",
        },
    }
}
