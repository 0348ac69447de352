//! The definitions of sets and `let`s: those of open sets wait on a stack, and are sorted and merged at the end of
//! the set, with CppNix's errors.

use super::{SyntaxError, SyntaxErrorKind};
use crate::expr::{Attr, AttrName, AttrSet, AttrValue, Dynamic, Expr, ExprId, Exprs, NO_POS, Offset, Run};
use crate::show;
use crate::symbol::{Symbol, Symbols};
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::ops::Range;

/// A definition as written.
enum Def {
    Static(Attr),
    Dynamic(Dynamic),
    /// A path of more than one name.
    Path(Path),
}

#[derive(Clone, Copy)]
struct Path {
    /// In [`Bindings::paths`].
    names: Run,
    pos: Offset,
    value: ExprId,
}

/// Where the definitions of a set that is being read start.
#[derive(Clone, Copy)]
struct Marks {
    defs: u32,
    paths: u32,
    sources: u32,
}

/// The definitions of all sets that are being read, the innermost on top.
#[derive(Default)]
pub(super) struct Bindings {
    defs: Vec<Def>,
    paths: Vec<AttrName>,
    sources: Vec<ExprId>,
    open: Vec<Marks>,
}

impl Bindings {
    /// A set starts.
    pub(super) fn open(&mut self) {
        let marks = self.end();
        self.open.push(marks);
    }

    /// `path = value;`
    pub(super) fn bind(&mut self, path: &[AttrName], pos: Offset, value: ExprId) {
        self.defs.push(match *path {
            [AttrName::Static(name)] => Def::Static(Attr::new(name, pos, AttrValue::Plain(value))),
            [AttrName::Dynamic(name)] => Def::Dynamic(Dynamic { name, value, pos }),
            _ => {
                let names = Run { start: self.paths.len() as u32, len: path.len() as u32 };
                self.paths.extend_from_slice(path);
                Def::Path(Path { names, pos, value })
            }
        });
    }

    /// `inherit name;`, or one name of `inherit (e) name;`
    pub(super) fn inherit(&mut self, name: Symbol, pos: Offset, value: AttrValue) {
        self.defs.push(Def::Static(Attr::new(name, pos, value)));
    }

    /// The `e` of `inherit (e) …;`; the result is its number in the set.
    pub(super) fn source(&mut self, source: ExprId) -> u32 {
        let first = self.open.last().expect("a definition stands in a set").sources;
        self.sources.push(source);
        self.sources.len() as u32 - 1 - first
    }

    /// The innermost set ends; the result is its index for [`Exprs::set`].
    pub(super) fn close(
        &mut self,
        recursive: bool,
        exprs: &mut Exprs,
        symbols: &Symbols,
    ) -> Result<u32, SyntaxError> {
        let marks = *self.open.last().expect("a set that ends has started");
        let end = self.end();
        match self.build(marks, end, recursive, exprs, symbols) {
            Ok(set) => {
                self.open.pop();
                self.defs.truncate(marks.defs as usize);
                self.paths.truncate(marks.paths as usize);
                self.sources.truncate(marks.sources as usize);
                Ok(set)
            }
            Err(error) => Err(error),
        }
    }

    /// Checks the sets that are still open, outermost first, which is the order of their definitions.
    pub(super) fn check_open(&mut self, exprs: &mut Exprs, symbols: &Symbols) -> Result<(), SyntaxError> {
        for at in 0..self.open.len() {
            let end = self.open.get(at + 1).copied().unwrap_or(self.end());
            self.build(self.open[at], end, false, exprs, symbols)?;
        }
        Ok(())
    }

    fn end(&self) -> Marks {
        Marks {
            defs: self.defs.len() as u32,
            paths: self.paths.len() as u32,
            sources: self.sources.len() as u32,
        }
    }

    fn build(
        &self,
        from: Marks,
        to: Marks,
        recursive: bool,
        exprs: &mut Exprs,
        symbols: &Symbols,
    ) -> Result<u32, SyntaxError> {
        let defs = &self.defs[from.defs as usize..to.defs as usize];
        let sources = &self.sources[from.sources as usize..to.sources as usize];
        if let Some(set) = plain(defs, sources, recursive, exprs, symbols) {
            return Ok(set);
        }
        let mut merge = Merge::new(exprs, symbols);
        let root = merge.new_set(recursive);
        for &source in sources {
            merge.sources.push((root, source));
        }
        merge.n_sources[root as usize] = sources.len() as u32;
        for def in defs {
            match *def {
                Def::Static(attr) => merge.define(root, attr, &mut vec![attr.name])?,
                Def::Dynamic(dynamic) => merge.dynamics.push((root, dynamic)),
                Def::Path(path) => merge.define_path(root, &self.paths[path.names.range()], path)?,
            }
        }
        Ok(merge.finish())
    }
}

/// The usual set, whose definitions are not merged: `None` if some are, or there is an error.
fn plain(
    defs: &[Def],
    sources: &[ExprId],
    recursive: bool,
    exprs: &mut Exprs,
    symbols: &Symbols,
) -> Option<u32> {
    let (first, first_dynamic) = (exprs.attrs.len(), exprs.dynamics.len());
    for def in defs {
        match *def {
            Def::Static(attr) => exprs.attrs.push(attr),
            Def::Dynamic(dynamic) => exprs.dynamics.push(dynamic),
            Def::Path(_) => break,
        }
    }
    let attrs = &mut exprs.attrs[first..];
    let paths = attrs.len() + exprs.dynamics.len() - first_dynamic < defs.len();
    if !paths {
        sort(attrs, symbols);
    }
    if paths || attrs.windows(2).any(|pair| pair[0].name == pair[1].name) {
        exprs.attrs.truncate(first);
        exprs.dynamics.truncate(first_dynamic);
        return None;
    }
    let attrs = Run { start: first as u32, len: attrs.len() as u32 };
    let n_dynamics = exprs.dynamics.len() - first_dynamic;
    let dynamics = Run { start: first_dynamic as u32, len: n_dynamics as u32 };
    let first_source = exprs.lists.len() as u32;
    exprs.lists.extend_from_slice(sources);
    let sources = Run { start: first_source, len: sources.len() as u32 };
    Some(exprs.add_set(AttrSet { recursive, attrs, dynamics, sources }))
}

fn sort(attrs: &mut [Attr], symbols: &Symbols) {
    attrs.sort_unstable_by(|a, b| symbols.name(a.name).cmp(symbols.name(b.name)));
}

/// A set of a [`Merge`].
type SetIdx = u32;

/// An attribute while sets are merged.
struct Entry {
    set: SetIdx,
    attr: Attr,
    /// The set that its value is, if that takes part in the merge.
    opened: Option<SetIdx>,
}

/// A set literal being merged into a set, attribute by attribute.
struct Frame {
    into: SetIdx,
    /// For [`Exprs::set`].
    from: u32,
    attrs: std::vec::IntoIter<Attr>,
    /// By how much the numbers of its sources grow.
    displacement: u32,
}

/// One set whose definitions are merged, with the sets inside it that are merged, too.
struct Merge<'a> {
    exprs: &'a mut Exprs,
    symbols: &'a Symbols,
    /// What each is for [`Exprs::set`].
    sets: Vec<u32>,
    n_sources: Vec<u32>,
    entries: Vec<Entry>,
    index: HashMap<(SetIdx, Symbol), u32, FxBuildHasher>,
    dynamics: Vec<(SetIdx, Dynamic)>,
    sources: Vec<(SetIdx, ExprId)>,
}

impl<'a> Merge<'a> {
    fn new(exprs: &'a mut Exprs, symbols: &'a Symbols) -> Merge<'a> {
        Merge {
            exprs,
            symbols,
            sets: Vec::new(),
            n_sources: Vec::new(),
            entries: Vec::new(),
            index: HashMap::default(),
            dynamics: Vec::new(),
            sources: Vec::new(),
        }
    }

    fn new_set(&mut self, recursive: bool) -> SetIdx {
        let empty = Run { start: 0, len: 0 };
        let set = self.exprs.add_set(AttrSet { recursive, attrs: empty, dynamics: empty, sources: empty });
        self.open_set(set)
    }

    fn open_set(&mut self, set: u32) -> SetIdx {
        self.sets.push(set);
        self.n_sources.push(0);
        self.sets.len() as u32 - 1
    }

    fn insert(&mut self, set: SetIdx, attr: Attr, opened: Option<SetIdx>) {
        self.index.insert((set, attr.name), self.entries.len() as u32);
        self.entries.push(Entry { set, attr, opened });
    }

    /// The set that an attribute is, taken apart so that it can grow; `None` if it is something else.
    fn open_entry(&mut self, entry: u32) -> Option<SetIdx> {
        let Entry { attr, opened, .. } = self.entries[entry as usize];
        if opened.is_some() {
            return opened;
        }
        let from = self.literal(attr)?;
        let set = self.open_set(from);
        self.entries[entry as usize].opened = Some(set);
        let AttrSet { attrs, dynamics, sources, .. } = self.exprs.set(from);
        for at in attrs.range() {
            self.insert(set, self.exprs.attrs[at], None);
        }
        self.take_rest(set, dynamics, sources);
        Some(set)
    }

    fn take_rest(&mut self, set: SetIdx, dynamics: Run, sources: Run) {
        self.dynamics.extend(self.exprs.dynamics[dynamics.range()].iter().map(|&dynamic| (set, dynamic)));
        self.sources.extend(self.exprs.lists[sources.range()].iter().map(|&source| (set, source)));
        self.n_sources[set as usize] += sources.len;
    }

    /// The set literal that an attribute is, for [`Exprs::set`].
    fn literal(&self, attr: Attr) -> Option<u32> {
        let AttrValue::Plain(value) = attr.value() else { return None };
        match self.exprs.get(value) {
            Expr::AttrSet(set) => Some(set),
            _ => None,
        }
    }

    /// `a.b.c = value;`: the sets on the way are made, or grow.
    fn define_path(&mut self, root: SetIdx, names: &[AttrName], path: Path) -> Result<(), SyntaxError> {
        let Path { pos, value, .. } = path;
        let (last, way) = names.split_last().expect("a path has a name");
        let mut set = root;
        for (at, &name) in way.iter().enumerate() {
            set = match name {
                AttrName::Static(name) => match self.index.get(&(set, name)).copied() {
                    Some(entry) => match self.open_entry(entry) {
                        Some(nested) => nested,
                        None => return Err(self.duplicate(&statics(&names[..=at]), pos, entry)),
                    },
                    None => {
                        let (nested, node) = self.nested(pos);
                        self.insert(set, Attr::new(name, pos, AttrValue::Plain(node)), Some(nested));
                        nested
                    }
                },
                AttrName::Dynamic(name) => {
                    let (nested, node) = self.nested(pos);
                    self.dynamics.push((set, Dynamic { name, value: node, pos }));
                    nested
                }
            };
        }
        match *last {
            AttrName::Static(name) => {
                let attr = Attr::new(name, pos, AttrValue::Plain(value));
                self.define(set, attr, &mut statics(names))
            }
            AttrName::Dynamic(name) => {
                self.dynamics.push((set, Dynamic { name, value, pos }));
                Ok(())
            }
        }
    }

    /// A set that a path makes. CppNix gives it no position.
    fn nested(&mut self, start: Offset) -> (SetIdx, ExprId) {
        let set = self.new_set(false);
        let node = ExprId(self.exprs.nodes.len() as u32);
        self.exprs.nodes.push(Expr::AttrSet(self.sets[set as usize]));
        self.exprs.pos.push(NO_POS);
        self.exprs.starts.push(start);
        (set, node)
    }

    /// Adds an attribute; if there is one of its name, and both are sets, they become one. `path` ends with its name.
    fn define(&mut self, set: SetIdx, attr: Attr, path: &mut Vec<Symbol>) -> Result<(), SyntaxError> {
        let mut frames = Vec::new();
        self.define_one(set, attr, path, &mut frames)?;
        while let Some(frame) = frames.last_mut() {
            let Some(mut attr) = frame.attrs.next() else {
                let Frame { into, from, .. } = *frame;
                let AttrSet { dynamics, sources, .. } = self.exprs.set(from);
                self.take_rest(into, dynamics, sources);
                frames.pop();
                path.pop();
                continue;
            };
            if let AttrValue::InheritedFrom(source) = attr.value() {
                attr = Attr::new(attr.name, attr.pos, AttrValue::InheritedFrom(source + frame.displacement));
            }
            let into = frame.into;
            path.push(attr.name);
            let depth = frames.len();
            self.define_one(into, attr, path, &mut frames)?;
            if frames.len() == depth {
                path.pop();
            }
        }
        Ok(())
    }

    fn define_one(
        &mut self,
        set: SetIdx,
        attr: Attr,
        path: &[Symbol],
        frames: &mut Vec<Frame>,
    ) -> Result<(), SyntaxError> {
        let Some(entry) = self.index.get(&(set, attr.name)).copied() else {
            self.insert(set, attr, None);
            return Ok(());
        };
        let merged = self.literal(attr).and_then(|from| Some((from, self.open_entry(entry)?)));
        let Some((from, into)) = merged else { return Err(self.duplicate(path, attr.pos, entry)) };
        let mut attrs = self.exprs.attrs[self.exprs.set(from).attrs.range()].to_vec();
        // CppNix walks a map by symbol, which shows in which of several duplicates it names.
        attrs.sort_unstable_by_key(|attr| attr.name);
        let displacement = self.n_sources[into as usize];
        frames.push(Frame { into, from, attrs: attrs.into_iter(), displacement });
        Ok(())
    }

    fn duplicate(&self, path: &[Symbol], offset: Offset, entry: u32) -> SyntaxError {
        let names = path.iter().map(|&name| show::name(self.symbols.name(name)));
        let path = names.collect::<Vec<_>>().join(&b'.').into();
        let previous = self.entries[entry as usize].attr.pos;
        SyntaxError { offset, kind: SyntaxErrorKind::DuplicateAttr { path, previous } }
    }

    /// Writes the sets; the result is the outermost for [`Exprs::set`].
    fn finish(mut self) -> u32 {
        let symbols = self.symbols;
        self.entries.sort_unstable_by(|a, b| {
            let names = || symbols.name(a.attr.name).cmp(symbols.name(b.attr.name));
            a.set.cmp(&b.set).then_with(names)
        });
        self.dynamics.sort_by_key(|&(set, _)| set);
        self.sources.sort_by_key(|&(set, _)| set);
        let (mut attrs, mut dynamics, mut sources) = (0..0, 0..0, 0..0);
        for (idx, &set) in self.sets.iter().enumerate() {
            attrs = group(&self.entries, attrs.end, |entry| entry.set as usize == idx);
            dynamics = group(&self.dynamics, dynamics.end, |&(set, _)| set as usize == idx);
            sources = group(&self.sources, sources.end, |&(set, _)| set as usize == idx);
            let mut into = self.exprs.set(set);
            into.attrs =
                append(&mut self.exprs.attrs, self.entries[attrs.clone()].iter().map(|entry| entry.attr));
            let these = self.dynamics[dynamics.clone()].iter().map(|&(_, dynamic)| dynamic);
            into.dynamics = append(&mut self.exprs.dynamics, these);
            let these = self.sources[sources.clone()].iter().map(|&(_, source)| source);
            into.sources = append(&mut self.exprs.lists, these);
            self.exprs.change_set(set, into);
        }
        self.sets[0]
    }
}

fn group<T>(all: &[T], start: usize, belongs: impl Fn(&T) -> bool) -> Range<usize> {
    let len = all[start..].iter().take_while(|&one| belongs(one)).count();
    start..start + len
}

fn append<T>(all: &mut Vec<T>, these: impl Iterator<Item = T>) -> Run {
    let start = all.len() as u32;
    all.extend(these);
    Run { start, len: all.len() as u32 - start }
}

/// The names of a path for a message; there is none dynamic before a duplicate, as each makes a new set.
fn statics(names: &[AttrName]) -> Vec<Symbol> {
    let name = |name: &AttrName| match *name {
        AttrName::Static(name) => Some(name),
        AttrName::Dynamic(_) => None,
    };
    names.iter().filter_map(name).collect()
}
