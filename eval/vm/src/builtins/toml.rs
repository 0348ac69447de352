//! TOML, one way.

use super::{Builtin, Want, list, row, strict};
use crate::error::Error;
use crate::machine::Machine;
use crate::native::Step;
use frazil_syntax::symbol::Symbol;
use frazil_text::toml::{Toml, parse};
use frazil_value::Val;

pub(super) const TABLE: &[Builtin] = &[row(
    "fromTOML",
    1,
    &[strict(0, Want::Plain, "while evaluating the argument passed to builtins.fromTOML")],
    |m, a| {
        let table = parse(m.heap.bytes(a[0])).map_err(|e| Error::eval(format!("while parsing TOML: {e}")))?;
        value(m, Toml::Table(table)).map(Step::Done)
    },
)];

/// A table or array whose members are being made.
struct Open {
    members: std::vec::IntoIter<(Option<Symbol>, Toml)>,
    names: Vec<Symbol>,
    values: Vec<Val>,
    is_table: bool,
}

fn open(m: &mut Machine<'_>, toml: Toml) -> Result<Open, Val> {
    let (members, is_table): (Vec<_>, bool) = match toml {
        Toml::Table(table) => {
            let members = table.into_iter().map(|(name, v)| (Some(m.st.symbols.intern(name.as_bytes())), v));
            (members.collect(), true)
        }
        Toml::Array(values) => (values.into_iter().map(|v| (None, v)).collect(), false),
        Toml::String(text) => return Err(m.heap.new_string(text.as_bytes(), 0)),
        Toml::Int(n) => return Err(m.heap.new_int(n)),
        Toml::Float(f) => return Err(m.heap.new_float(f)),
        Toml::Bool(b) => return Err(Val::bool(b)),
        Toml::Timestamp(text) => {
            let kind = m.st.symbols.intern(b"_type");
            let value = m.st.known.value();
            let texts = [m.heap.new_string(b"timestamp", 0), m.heap.new_string(text.as_bytes(), 0)];
            return Err(m.new_attrs(&[kind, value], &texts));
        }
    };
    Ok(Open { members: members.into_iter(), names: Vec::new(), values: Vec::new(), is_table })
}

/// An error if a string or name in it holds a NUL, which no string of Nix does.
fn check_nul(toml: &Toml) -> Result<(), Error> {
    let mut texts: Box<dyn Iterator<Item = &str>> = match toml {
        Toml::String(text) => Box::new(std::iter::once(text.as_ref())),
        Toml::Table(table) => Box::new(table.keys().map(|name| name.as_ref())),
        _ => return Ok(()),
    };
    match texts.find(|text| text.contains('\0')) {
        None => Ok(()),
        Some(text) => Err(Error::eval(format!(
            "while parsing TOML: error: input string '{}' cannot be represented as Nix string because it contains null bytes",
            text.replace('\0', "␀")
        ))),
    }
}

fn value(m: &mut Machine<'_>, toml: Toml) -> Result<Val, Error> {
    let mut stack: Vec<Open> = Vec::new();
    let mut next = toml;
    loop {
        if matches!(next, Toml::Timestamp(_)) && !m.st.settings.toml_timestamps {
            return Err(Error::eval("while parsing TOML: Dates and times are not supported"));
        }
        check_nul(&next)?;
        let mut done = match open(m, next) {
            Ok(opened) => {
                stack.push(opened);
                None
            }
            Err(v) => Some(v),
        };
        loop {
            let Some(top) = stack.last_mut() else {
                return Ok(done.expect("what was closed last is the whole"));
            };
            top.values.extend(done.take());
            if let Some((name, member)) = top.members.next() {
                top.names.extend(name);
                next = member;
                break;
            }
            let Open { names, values, is_table, .. } = stack.pop().expect("just looked at");
            done = Some(if is_table { m.new_attrs(&names, &values) } else { list(m.heap, values) });
        }
    }
}
