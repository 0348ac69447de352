//! What is taken of a program's value: attribute paths, automatic calls, derivations.

use frazil_value::{Slot, Val};
use frazil_vm::coerce::{Coerce, CoerceTo};
use frazil_vm::{Error, Machine};
use rustc_hash::FxHashSet;

/// Arguments for functions that are called automatically: names and values, which may be thunks.
#[derive(Clone, Debug, Default)]
pub struct AutoArgs(pub Vec<(Vec<u8>, Val)>);

/// A derivation found in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The attribute path that led there, as it was found.
    pub attr: Vec<u8>,
    /// The path of its `.drv`.
    pub drv_path: Vec<u8>,
    /// The output that the value stands for.
    pub output: Vec<u8>,
}

/// The pieces of an attribute path: `a."b.c".d`.
fn pieces(path: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let (mut pieces, mut piece) = (Vec::new(), Vec::new());
    let mut rest = path.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'.' => pieces.push(std::mem::take(&mut piece)),
            b'"' => loop {
                match rest.next() {
                    Some(b'"') => break,
                    Some(&byte) => piece.push(byte),
                    None => {
                        let path = frazil_vm::message::text(path);
                        return Err(Error::eval(format!("missing closing quote in selection path '{path}'")));
                    }
                }
            },
            _ => piece.push(byte),
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    Ok(pieces)
}

/// The value at an attribute path; functions on the way are called.
pub fn along_path(m: &mut Machine<'_>, v: Val, path: &[u8], args: &AutoArgs) -> Result<Val, Error> {
    let shown = frazil_vm::message::text(path).into_owned();
    let mut v = v;
    for piece in pieces(path)? {
        v = auto_call(m, v, args)?;
        let name = frazil_vm::message::text(&piece).into_owned();
        let index = name.parse::<u32>().ok();
        let wanted = |m: &Machine<'_>, what: &str, v| {
            let found = m.describe(v);
            Error::typed(format!(
                "the expression selected by the selection path '{shown}' should be {what} but is {found}"
            ))
        };
        v = match index {
            None => {
                if !v.is_attrs() {
                    return Err(wanted(m, "a set", v));
                }
                if piece.is_empty() {
                    return Err(Error::eval(format!("empty attribute name in selection path '{shown}'")));
                }
                let symbol = m.st.symbols.intern(&piece);
                match m.attr(v, symbol) {
                    Some(slot) => slot.get(),
                    None => {
                        let suggestions = m.suggestions(v, symbol);
                        let text = format!("attribute '{name}' in selection path '{shown}' not found");
                        return Err(
                            Error::new(frazil_vm::ErrorKind::MissingAttribute, text).suggest(suggestions)
                        );
                    }
                }
            }
            Some(i) => {
                if !v.is_list() {
                    return Err(wanted(m, "a list", v));
                }
                match m.heap.list(v).get(i as usize) {
                    Some(slot) => slot.get(),
                    None => {
                        return Err(Error::eval(format!(
                            "list index {i} in selection path '{shown}' is out of range"
                        )));
                    }
                }
            }
        };
        v = m.force(v)?;
    }
    Ok(v)
}

/// A function with a set pattern called with what `args` has for it; any other value as it is.
pub fn auto_call(m: &mut Machine<'_>, v: Val, args: &AutoArgs) -> Result<Val, Error> {
    let mut v = m.force(v)?;
    while v.is_attrs()
        && let Some(functor) = m.attr(v, m.st.known.functor()).map(Slot::get)
    {
        v = m.call(functor, &[v])?;
    }
    let Some((formals, ellipsis)) = m.formals(v) else { return Ok(v) };
    let given = |m: &Machine<'_>, name| {
        let text = m.st.symbols.name(name);
        args.0.iter().find(|(n, _)| n == text).map(|(_, v)| *v)
    };
    let (mut names, mut values) = (Vec::new(), Vec::new());
    if ellipsis {
        for (name, v) in &args.0 {
            names.push(m.st.symbols.intern(name));
            values.push(*v);
        }
    }
    for (name, has_default) in formals {
        match given(m, name) {
            Some(_) if ellipsis => {}
            Some(v) => {
                names.push(name);
                values.push(v);
            }
            None if has_default => {}
            None => {
                let name = frazil_vm::message::text(m.st.symbols.name(name));
                return Err(Error::typed(format!(
                    "cannot evaluate a function that has an argument without a value ('{name}')\nNix attempted to \
                     evaluate a function as a top level expression; in\nthis case it must have its arguments supplied \
                     either by default\nvalues, or passed explicitly with '--arg' or '--argstr'. \
                     See\nhttps://nix.dev/manual/nix/stable/language/syntax.html#functions."
                )));
            }
        }
    }
    let set = m.new_attrs(&names, &values);
    m.call(v, &[set])
}

/// The derivations that a value is or holds, in order: a derivation itself, or those among the attributes of a set or the
/// elements of a list, and further inside of sets with `recurseForDerivations`.
pub fn derivations(m: &mut Machine<'_>, v: Val, args: &AutoArgs) -> Result<Vec<Instance>, Error> {
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    let mut todo = vec![(v, Vec::new(), 0)];
    while let Some((v, attr, depth)) = todo.pop() {
        let top = depth == 0;
        m.check_nesting(depth)?;
        let v = auto_call(m, v, args)?;
        m.st.pins.push(v);
        if let Some(instance) = derivation(m, v, &attr, &mut seen)? {
            found.extend(instance);
            continue;
        }
        if v.is_attrs() {
            if !top && !recurses(m, v)? {
                continue;
            }
            let (keys, values) = m.attrs(v);
            for (&key, value) in keys.iter().zip(values).rev() {
                let name = m.st.symbols.name(key);
                if is_attr_name(name) {
                    m.st.pins.push(value.get());
                    todo.push((value.get(), join(&attr, name), depth + 1));
                }
            }
        } else if v.is_list() {
            for (i, value) in m.heap.list(v).iter().enumerate().rev() {
                m.st.pins.push(value.get());
                todo.push((value.get(), join(&attr, i.to_string().as_bytes()), depth + 1));
            }
        } else if top {
            return Err(Error::typed(
                "expression does not evaluate to a derivation (or a set or list of those)",
            ));
        }
    }
    Ok(found)
}

fn join(attr: &[u8], name: &[u8]) -> Vec<u8> {
    if attr.is_empty() { name.to_vec() } else { [attr, b".", name].concat() }
}

/// Only attributes with plain names are looked into.
fn is_attr_name(name: &[u8]) -> bool {
    let starts = name.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'_');
    starts && name.iter().all(|c| c.is_ascii_alphanumeric() || b"-_+".contains(c))
}

fn recurses(m: &mut Machine<'_>, v: Val) -> Result<bool, Error> {
    let Some(flag) = m.attr(v, m.st.known.recurse()).map(Slot::get) else { return Ok(false) };
    let flag = m.force(flag)?;
    flag.as_bool().ok_or_else(|| m.wanted("a Boolean", flag))
}

/// The derivation that a set is. `Some(None)` if it was found before.
fn derivation(
    m: &mut Machine<'_>,
    v: Val,
    attr: &[u8],
    seen: &mut FxHashSet<u64>,
) -> Result<Option<Option<Instance>>, Error> {
    if !v.is_attrs() {
        return Ok(None);
    }
    let Some(kind) = m.attr(v, m.st.known.type_()).map(Slot::get) else { return Ok(None) };
    let kind = m.force(kind)?;
    if !(kind.is_string() && m.heap.bytes(kind) == b"derivation") {
        return Ok(None);
    }
    if !seen.insert(v.bits()) {
        return Ok(Some(None));
    }
    let text = |m: &mut Machine<'_>, name, default: &[u8]| match m.attr(v, name).map(Slot::get) {
        None => Ok(default.to_vec()),
        Some(v) => {
            let v = m.run_native(Coerce::new(v, CoerceTo::PLAIN, frazil_vm::Pos::NONE, ""))?;
            Ok::<_, Error>(m.heap.bytes(v).to_vec())
        }
    };
    let drv_path = text(m, m.st.known.drv_path(), b"")?;
    if drv_path.is_empty() {
        return Err(Error::eval("derivation does not contain a 'drvPath' attribute"));
    }
    let output = text(m, m.st.known.output_name(), b"out")?;
    Ok(Some(Some(Instance { attr: attr.to_vec(), drv_path, output })))
}
