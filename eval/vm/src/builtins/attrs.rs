//! Attribute sets.

use super::{Builtin, Want, list, row, strict};
use crate::attrs::PositionsId;
use crate::error::Error;
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Native, Step, traced};
use crate::trace::BY_MAP_ATTRS;
use frazil_syntax::symbol::Symbol;
use frazil_value::heap::NO_UNIT;
use frazil_value::{Overlay, Slot, Val};
use rustc_hash::FxHashMap;

macro_rules! two {
    ($name:literal, $first:ident, $second:ident) => {
        &[
            strict(
                0,
                Want::$first,
                concat!("while evaluating the first argument passed to builtins.", $name),
            ),
            strict(
                1,
                Want::$second,
                concat!("while evaluating the second argument passed to builtins.", $name),
            ),
        ]
    };
}

pub(super) const TABLE: &[Builtin] = &[
    row(
        "attrNames",
        1,
        &[strict(0, Want::Attrs, "while evaluating the argument passed to builtins.attrNames")],
        attr_names,
    ),
    row(
        "attrValues",
        1,
        &[strict(0, Want::Attrs, "while evaluating the argument passed to builtins.attrValues")],
        |m, a| {
            let values = m.attrs(a[0]).1;
            Ok(Step::Done(m.heap.new_list(values.iter().map(Slot::get))))
        },
    ),
    row("getAttr", 2, two!("getAttr", Plain, Attrs), |m, a| {
        let name = m.symbol(a[0]);
        m.required_attr(a[1], name, "in the attribute set under consideration").map(Step::Return)
    }),
    row("hasAttr", 2, two!("hasAttr", Plain, Attrs), |m, a| {
        let name = m.symbol(a[0]);
        Ok(Step::Done(Val::bool(m.attr(a[1], name).is_some())))
    }),
    row("unsafeGetAttrPos", 2, two!("unsafeGetAttrPos", Plain, Attrs), |m, a| {
        let name = m.symbol(a[0]);
        let pos = m.attr_pos(a[1], name);
        Ok(Step::Done(m.position_value(pos)))
    }),
    row("removeAttrs", 2, two!("removeAttrs", Attrs, List), |_, a| {
        Ok(Step::ReturnRun(Box::new(Remove { set: a[0], names: a[1], i: 0, removed: Vec::new() })))
    }),
    row(
        "listToAttrs",
        1,
        &[strict(0, Want::List, "while evaluating the argument passed to builtins.listToAttrs")],
        |m, a| {
            let n = m.heap.list(a[0]).len();
            let pairs = Pairs {
                list: a[0],
                i: 0,
                names: Vec::with_capacity(n),
                values: Vec::with_capacity(n),
                pos: Vec::with_capacity(n),
                pair: Val::ABSENT,
            };
            Ok(Step::ReturnRun(Box::new(pairs)))
        },
    ),
    row("intersectAttrs", 2, two!("intersectAttrs", Attrs, Attrs), intersect),
    row("catAttrs", 2, two!("catAttrs", Plain, List), |m, a| {
        let name = m.symbol(a[0]);
        Ok(Step::ReturnRun(Box::new(Cat { name, list: a[1], i: 0, found: Vec::new() })))
    }),
    row(
        "mapAttrs",
        2,
        &[strict(1, Want::Attrs, "while evaluating the second argument passed to builtins.mapAttrs")],
        map_attrs,
    ),
    row(
        "zipAttrsWith",
        2,
        &[
            strict(0, Want::Function, "while evaluating the first argument passed to builtins.zipAttrsWith"),
            strict(1, Want::List, "while evaluating the second argument passed to builtins.zipAttrsWith"),
        ],
        |_, a| Ok(Step::ReturnRun(Box::new(Zip { f: a[0], list: a[1], i: 0 }))),
    ),
];

fn attr_names(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let (keys, _) = m.attrs(a[0]);
    let names: Vec<Val> = keys.iter().map(|&key| m.symbol_string(key)).collect();
    Ok(Step::Done(list(m.heap, names)))
}

struct Remove {
    set: Val,
    names: Val,
    i: usize,
    removed: Vec<Symbol>,
}

impl Remove {
    const CONTEXT: &str = "while evaluating the values of the second argument passed to builtins.removeAttrs";
}

impl Native for Remove {
    traced!(self, visit: [self.set, self.names]);

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        error.add_trace(Pos::NONE, Remove::CONTEXT);
    }

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let mut input = input;
        loop {
            if input != Val::ABSENT {
                m.expect(input, Want::Plain, Remove::CONTEXT)?;
                let name = m.symbol(input);
                self.removed.push(name);
            }
            let Some(next) = m.heap.list(self.names).get(self.i) else { break };
            self.i += 1;
            match m.heap.peek(next.get()) {
                Some(v) => input = v,
                None => return Ok(Step::Force(next.get())),
            }
        }
        Ok(Step::Done(m.without(self.set, &self.removed)))
    }
}

impl Machine<'_> {
    /// The set without these attributes.
    pub(crate) fn without(&mut self, set: Val, removed: &[Symbol]) -> Val {
        if removed.iter().all(|&name| self.attr(set, name).is_none()) {
            return set;
        }
        let set = self.flat(set);
        let (keys, values) = self.attrs(set);
        let (mut names, mut kept) = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        for (&key, value) in keys.iter().zip(values).filter(|(key, _)| !removed.contains(key)) {
            names.push(key);
            kept.push(value.get());
        }
        self.subset(set, &names, kept)
    }

    /// Some of the attributes of a plain set, in order.
    fn subset(&mut self, set: Val, names: &[Symbol], values: Vec<Val>) -> Val {
        let layout = self.heap.layout(set).expect("a plain set");
        let positions: PositionsId = self.st.positions.subset(self.heap.positions(set), layout);
        self.heap.new_attrs(self.layouts.intern(names), positions, values.into_iter())
    }

    /// `{ file, line, column }`, or null.
    pub fn position_value(&mut self, pos: Pos) -> Val {
        use crate::files::Origin;
        let Some(at) = self.st.files.locate(pos) else { return Val::NULL };
        let path = match at.origin {
            Origin::File(path) => path.clone(),
            Origin::Internal(name) => format!("/{name}").into_bytes(),
            _ => return Val::NULL,
        };
        let values = [
            self.heap.new_string(&path, 0),
            self.heap.new_int(at.line as i64),
            self.heap.new_int(at.column as i64),
        ];
        let names = [self.st.known.file(), self.st.known.line(), self.st.known.column()];
        self.new_attrs(&names, &values)
    }
}

const PAIR_NAME: &str =
    "while evaluating the `name` attribute of an element of the list passed to builtins.listToAttrs";

struct Pairs {
    list: Val,
    i: usize,
    names: Vec<Symbol>,
    values: Vec<Val>,
    pos: Vec<Pos>,
    /// The pair whose name is waited for.
    pair: Val,
}

impl Native for Pairs {
    traced!(self, visit: [self.list, self.pair], &self.values);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        const PAIR: &str = "in a {name=...; value=...;} pair";
        let mut input = input;
        loop {
            if input != Val::ABSENT && self.pair == Val::ABSENT {
                m.expect(
                    input,
                    Want::Attrs,
                    "while evaluating an element of the list passed to builtins.listToAttrs",
                )?;
                let name = m.required_attr(input, m.st.known.name(), PAIR)?;
                self.pair = input;
                match m.heap.peek(name) {
                    Some(name) => input = name,
                    None => return Ok(Step::Force(name)),
                }
            }
            if input != Val::ABSENT {
                if !m.fits(input, Want::Plain) {
                    let pos = m.attr_pos(self.pair, m.st.known.name());
                    return Err(m.unwanted_at(input, Want::Plain, pos, PAIR_NAME));
                }
                let name = m.symbol(input);
                let value = m.st.known.value();
                self.values.push(m.required_attr(self.pair, value, PAIR)?);
                self.pos.push(m.attr_pos(self.pair, value));
                self.names.push(name);
                self.pair = Val::ABSENT;
            }
            let Some(next) = m.heap.list(self.list).get(self.i) else { break };
            self.i += 1;
            match m.heap.peek(next.get()) {
                Some(v) => input = v,
                None => return Ok(Step::Force(next.get())),
            }
        }
        Ok(Step::Done(m.new_attrs_at(&self.names, &self.values, &self.pos)))
    }

    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        if self.pair != Val::ABSENT {
            let pos = m.attr_pos(self.pair, m.st.known.name());
            error.add_trace(pos, PAIR_NAME);
        }
    }

    fn call_site(&self, m: &mut Machine<'_>) -> Option<Pos> {
        let is_name = self.pair != Val::ABSENT;
        Some(if is_name { m.attr_pos(self.pair, m.st.known.name()) } else { Pos::NONE })
    }
}

/// The attributes of the right set whose names are in the left one.
fn intersect(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let empty = m.heap.empty_attrs();
    if a[0] == empty || a[1] == empty {
        return Ok(Step::Done(empty));
    }
    if m.heap.layout(a[0]).is_none() || m.heap.layout(a[1]).is_none() {
        return Ok(Step::Done(intersect_large(m, a[0], a[1])));
    }
    let (la, lb) = (m.heap.layout(a[0]).expect("plain"), m.heap.layout(a[1]).expect("plain"));
    if m.layouts.len(lb) > 256 {
        return Ok(Step::Done(intersect_large(m, a[0], a[1])));
    }
    let plan = m.layouts.intersection(la, lb);
    let positions = m.st.positions.subset(m.heap.positions(a[1]), lb);
    let (left, right) = (m.heap.attr_values(a[0], m.layouts), m.heap.attr_values(a[1], m.layouts));
    Ok(Step::Done(m.gather(&plan, [left, right], positions)))
}

/// The same by looking each name of the left set up, which is cheap when that is the small one.
fn intersect_large(m: &mut Machine<'_>, a: Val, b: Val) -> Val {
    let (keys, _) = m.attrs(a);
    let found = m.attrs_with_pos(b, &keys);
    let names: Vec<Symbol> = found.iter().map(|&(name, ..)| name).collect();
    let values: Vec<Val> = found.iter().map(|&(_, value, _)| value).collect();
    if names.len() > 64 {
        return m.new_attrs(&names, &values);
    }
    let pos: Vec<Pos> = found.iter().map(|&(.., pos)| pos).collect();
    m.new_attrs_at(&names, &values, &pos)
}

struct Cat {
    name: Symbol,
    list: Val,
    i: usize,
    found: Vec<Val>,
}

impl Native for Cat {
    traced!(self, visit: [self.list], &self.found);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        const CONTEXT: &str =
            "while evaluating an element in the list passed as second argument to builtins.catAttrs";
        if input != Val::ABSENT {
            m.expect(input, Want::Attrs, CONTEXT)?;
            self.found.extend(m.attr(input, self.name).map(Slot::get));
        }
        match m.heap.list(self.list).get(self.i) {
            Some(next) => {
                self.i += 1;
                Ok(Step::Force(next.get()))
            }
            None => Ok(Step::Done(list(m.heap, std::mem::take(&mut self.found)))),
        }
    }
}

/// `mapAttrs f set`: each value a thunk of the call. The function is not looked at.
fn map_attrs(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    Ok(Step::Done(map_layers(m, a[0], a[1])))
}

/// Sets with as many attributes are mapped without a thunk for each: few of their values are asked for.
const MAPPED: usize = 8;

/// Maps a large set made of several layer by layer, so that their keys stay shared. It is as deep as overlays are.
fn map_layers(m: &mut Machine<'_>, f: Val, set: Val) -> Val {
    let Some(layout) = m.heap.layout(set) else {
        return match m.heap.overlay(set) {
            Overlay::Flat(flat) => map_layers(m, f, flat),
            Overlay::Layers { base, delta, depth } => {
                let (base, delta) = (map_layers(m, f, base), map_layers(m, f, delta));
                m.heap.new_overlay(depth, m.heap.overlay_size(set), base, delta)
            }
        };
    };
    let n = m.layouts.len(layout);
    if n >= MAPPED
        && let Some(mapped) = m.heap.new_mapped_attrs(f, set, m.layouts)
    {
        return mapped;
    }
    let (keys, values) = m.attrs(set);
    m.st.stats.thunks += n as u64;
    let mut mapped = Vec::with_capacity(n);
    for (&key, value) in keys.iter().zip(values) {
        let name = m.symbol_string(key);
        mapped.push(m.heap.new_apply_thunk(NO_UNIT, BY_MAP_ATTRS, f, &[name, value.get()]));
    }
    m.heap.new_attrs(layout, 0, mapped.into_iter())
}

struct Zip {
    f: Val,
    list: Val,
    i: usize,
}

impl Native for Zip {
    traced!(self, visit: [self.f, self.list]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        const CONTEXT: &str =
            "while evaluating a value of the list passed as second argument to builtins.zipAttrsWith";
        if input != Val::ABSENT {
            m.expect(input, Want::Attrs, CONTEXT)?;
        }
        if let Some(next) = m.heap.list(self.list).get(self.i) {
            self.i += 1;
            return Ok(Step::Force(next.get()));
        }
        let mut attrs = 0;
        for set in m.heap.list(self.list) {
            attrs += m.attr_count(m.heap.peek(set.get()).expect("forced above"));
        }
        m.room_for(attrs as u64 * 8)?;
        let mut names = Vec::new();
        let mut groups: FxHashMap<Symbol, Vec<Val>> = FxHashMap::default();
        for set in m.heap.list(self.list) {
            let set = m.heap.peek(set.get()).expect("forced above");
            let (keys, values) = m.attrs(set);
            for (&key, value) in keys.iter().zip(values) {
                let group = groups.entry(key).or_insert_with(|| {
                    names.push(key);
                    Vec::new()
                });
                group.push(value.get());
            }
        }
        let mut values = Vec::with_capacity(names.len());
        for &name in &names {
            let (string, group) =
                (m.symbol_string(name), list(m.heap, groups.remove(&name).unwrap_or_default()));
            values.push(m.heap.new_apply_thunk(NO_UNIT, 0, self.f, &[string, group]));
        }
        Ok(Step::Done(m.new_attrs(&names, &values)))
    }
}
