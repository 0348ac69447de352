//! What is taken of a program's value: attribute paths, automatic calls, derivations.

use frazil_value::{Slot, Val};
use frazil_vm::coerce::{Coerce, CoerceTo};
use frazil_vm::{Error, Machine, Pos};
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
                let pos = m.formal_pos(v, name);
                let name = frazil_vm::message::text(m.st.symbols.name(name));
                return Err(Error::typed(format!(
                    "cannot evaluate a function that has an argument without a value ('{name}')\nNix attempted to \
                     evaluate a function as a top level expression; in\nthis case it must have its arguments supplied \
                     either by default\nvalues, or passed explicitly with '--arg' or '--argstr'. \
                     See\nhttps://nix.dev/manual/nix/stable/language/syntax.html#functions."
                ))
                .at(pos));
            }
        }
    }
    let set = m.new_attrs(&names, &values);
    m.call(v, &[set])
}

/// A set or list on the way to a value, from the outside in.
struct Step {
    outer: Option<usize>,
    /// Of an attribute, its name and where it is defined.
    attr: Option<(Vec<u8>, Pos)>,
}

/// A value that may be a derivation.
struct Candidate {
    v: Val,
    /// Its attribute path.
    path: Vec<u8>,
    /// In the list of steps; the outermost value has none.
    step: Option<usize>,
    depth: usize,
    /// Whether a set is looked into only if it asks for that.
    must_ask: bool,
}

/// A derivation that was found.
struct Found {
    set: Val,
    path: Vec<u8>,
}

/// The derivations that a value is or holds, in order: a derivation itself, or those among the attributes of a set or the
/// elements of a list, and further inside of lists, and of sets with `recurseForDerivations`. Those before an error are
/// answered, too.
pub fn derivations(m: &mut Machine<'_>, v: Val, args: &AutoArgs) -> (Vec<Instance>, Result<(), Error>) {
    let mut found = Vec::new();
    let outcome = find(m, v, args).and_then(|all| {
        all.iter().try_for_each(|drv| {
            found.push(instance(m, drv)?);
            Ok(())
        })
    });
    (found, outcome)
}

fn find(m: &mut Machine<'_>, v: Val, args: &AutoArgs) -> Result<Vec<Found>, Error> {
    let (mut found, mut seen, mut steps) = (Vec::new(), FxHashSet::default(), Vec::new());
    let mut todo = vec![Candidate { v, path: Vec::new(), step: None, depth: 0, must_ask: false }];
    while let Some(candidate) = todo.pop() {
        let step = candidate.step;
        if let Err(mut error) = look(m, candidate, args, &mut found, &mut seen, &mut steps, &mut todo) {
            let mut at = step;
            while let Some(Step { outer, attr }) = at.map(|at| &steps[at]) {
                if let Some((name, pos)) = attr {
                    let name = frazil_vm::message::text(name);
                    error.add_trace(*pos, format!("while evaluating the attribute '{name}'"));
                }
                at = *outer;
            }
            return Err(error);
        }
    }
    Ok(found)
}

/// Takes a derivation, or looks for some inside.
fn look(
    m: &mut Machine<'_>,
    candidate: Candidate,
    args: &AutoArgs,
    found: &mut Vec<Found>,
    seen: &mut FxHashSet<u64>,
    steps: &mut Vec<Step>,
    todo: &mut Vec<Candidate>,
) -> Result<(), Error> {
    let Candidate { v, path, step, depth, must_ask } = candidate;
    let inner = step.is_some();
    if inner {
        let v = m.force(v)?;
        if take(m, v, &path, found, seen)? || must_ask && !(v.is_attrs() && recurses(m, v)?) {
            return Ok(());
        }
    }
    m.check_nesting(depth)?;
    let v = auto_call(m, v, args)?;
    m.st.pins.push(v);
    if take(m, v, &path, found, seen)? {
        return Ok(());
    }
    let first = todo.len();
    let mut add = |m: &mut Machine<'_>, v: Val, path: Vec<u8>, attr: Option<(Vec<u8>, Pos)>, must_ask| {
        m.st.pins.push(v);
        steps.push(Step { outer: step, attr });
        todo.push(Candidate { v, path, step: Some(steps.len() - 1), depth: depth + 1, must_ask });
    };
    if v.is_attrs() {
        let all = m.st.symbols.find(b"_combineChannels").is_some_and(|name| m.attr(v, name).is_some());
        let (keys, values) = m.attrs(v);
        for (&key, value) in keys.iter().zip(values) {
            let name = m.st.symbols.name(key).to_vec();
            if is_attr_name(&name) {
                let pos = m.attr_pos(v, key);
                add(m, value.get(), join(&path, &name), Some((name, pos)), !all);
            }
        }
    } else if v.is_list() {
        for (i, value) in m.heap.list(v).iter().enumerate() {
            add(m, value.get(), join(&path, i.to_string().as_bytes()), None, false);
        }
    } else {
        return Err(Error::typed("expression does not evaluate to a derivation (or a set or list of those)"));
    }
    todo[first..].reverse();
    Ok(())
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
    const CONTEXT: &str = "while evaluating the attribute `recurseForDerivations`";
    let name = m.st.known.recurse();
    let Some(flag) = m.attr(v, name).map(Slot::get) else { return Ok(false) };
    let pos = m.attr_pos(v, name);
    let flag = m.force(flag).map_err(|e| e.while_(pos, CONTEXT))?;
    flag.as_bool().ok_or_else(|| m.wanted("a Boolean", flag).at(pos).while_(pos, CONTEXT))
}

/// Takes a value that is a derivation, unless it was found before. Answers whether it is one.
fn take(
    m: &mut Machine<'_>,
    v: Val,
    path: &[u8],
    found: &mut Vec<Found>,
    seen: &mut FxHashSet<u64>,
) -> Result<bool, Error> {
    if !v.is_attrs() {
        return Ok(false);
    }
    let Some(kind) = m.attr(v, m.st.known.type_()).map(Slot::get) else { return Ok(false) };
    let kind = m.force(kind)?;
    if !(kind.is_string() && m.heap.bytes(kind) == b"derivation") {
        return Ok(false);
    }
    if !seen.insert(v.bits()) {
        return Ok(true);
    }
    const CONTEXT: &str = "while evaluating the 'name' attribute of a derivation";
    let Some(name) = m.attr(v, m.st.known.name()).map(Slot::get) else {
        return Err(Error::typed("derivation name missing"));
    };
    plain(m, name, CONTEXT)?;
    found.push(Found { set: v, path: path.to_vec() });
    Ok(true)
}

/// A value that must be a string without context.
fn plain(m: &mut Machine<'_>, v: Val, context: &'static str) -> Result<Vec<u8>, Error> {
    let v = m.force(v).map_err(|e| e.while_(Pos::NONE, context))?;
    m.expect_plain(v, context).map(<[u8]>::to_vec)
}

/// What a derivation is in a store.
fn instance(m: &mut Machine<'_>, found: &Found) -> Result<Instance, Error> {
    const DRV_PATH: &str = "while evaluating the 'drvPath' attribute of a derivation";
    const OUTPUT: &str = "while evaluating the output name of a derivation";
    let (set, name) = (found.set, m.st.known.drv_path());
    let Some(drv_path) = m.attr(set, name).map(Slot::get) else {
        return Err(Error::eval("derivation does not contain a 'drvPath' attribute"));
    };
    let pos = m.attr_pos(set, name);
    let drv_path = m.run_native(Coerce::new(drv_path, CoerceTo::PLAIN, pos, DRV_PATH))?;
    let drv_path = m.heap.bytes(drv_path).to_vec();
    let shown = frazil_vm::message::text(&drv_path).into_owned();
    let Ok(parsed) = m.st.settings.store_dir.parse(&drv_path) else {
        let text = format!("path '{shown}' is not in the Nix store");
        return Err(Error::eval(text).while_(pos, DRV_PATH));
    };
    if !parsed.is_derivation() {
        let text = format!("store path '{}' is not a valid derivation path", parsed.as_str());
        return Err(Error::eval(text).while_(pos, DRV_PATH));
    }
    let output = match m.attr(set, m.st.known.output_name()).map(Slot::get) {
        Some(output) => plain(m, output, OUTPUT)?,
        None => Vec::new(),
    };
    if output.is_empty() {
        return Err(Error::eval(format!("derivation '{shown}' lacks an 'outputName' attribute")));
    }
    Ok(Instance { attr: found.path.clone(), drv_path, output })
}
