//! XML, one way.

use super::{Builtin, row};
use crate::error::Error;
use crate::files::{Location, Origin, Pos};
use crate::machine::Machine;
use crate::native::{Native, Step};
use frazil_code::UnitKind;
use frazil_text::xml::Writer;
use frazil_value::{Kind, Slot, Tag, Val};
use rustc_hash::FxHashSet;

pub(super) const TABLE: &[Builtin] =
    &[row("toXML", 1, &[], |_, a| Ok(Step::ReturnRun(Box::new(ToXml::new(a[0], true, false)))))];

enum Task {
    Value(Val),
    List(Val, usize),
    Attrs(Val, usize),
    /// Close an element.
    Close,
}

enum Wait {
    Value,
    /// For the `type` of a set.
    Type(Val),
    /// For `drvPath` and `outPath` of a derivation.
    DrvPath(Val),
    OutPath(Val, Option<Val>),
}

/// A value as XML; forces all of it if `strict`, and says where things are defined if `location`.
pub struct ToXml {
    strict: bool,
    location: bool,
    tasks: Vec<Task>,
    wait: Wait,
    writer: Writer,
    context: u32,
    seen: FxHashSet<Vec<u8>>,
}

impl ToXml {
    /// The conversion of `v`.
    pub fn new(v: Val, strict: bool, location: bool) -> ToXml {
        let mut writer = Writer::default();
        writer.open("expr", &[]);
        ToXml {
            strict,
            location,
            tasks: vec![Task::Value(v)],
            wait: Wait::Value,
            writer,
            context: 0,
            seen: FxHashSet::default(),
        }
    }

    fn simple(&mut self, name: &'static str, value: &[u8]) {
        self.writer.empty(name, &[("value", value)]);
    }

    fn value(&mut self, m: &mut Machine<'_>, v: Val) -> Result<Option<Step>, Error> {
        m.tick(self.writer.written() as u64)?;
        match v.tag() {
            Tag::Thunk => self.writer.empty("unevaluated", &[]),
            Tag::Int => self.simple("int", v.as_small_int().expect("an integer").to_string().as_bytes()),
            Tag::Immediate if v == Val::NULL => self.writer.empty("null", &[]),
            Tag::Immediate => self.simple("bool", if v == Val::TRUE { b"true" } else { b"false" }),
            Tag::String => {
                let string = m.heap.string(v);
                self.context = m.st.contexts.union(self.context, string.context);
                self.simple("string", string.bytes);
            }
            Tag::Boxed => match (m.heap.as_path(v), m.heap.as_int(v), m.heap.as_float(v)) {
                (Some(path), ..) => self.simple("path", path),
                (_, Some(n), _) => self.simple("int", n.to_string().as_bytes()),
                (.., Some(f)) => self.simple("float", frazil_text::float::to_general(f).as_bytes()),
                _ => self.writer.empty("unevaluated", &[]),
            },
            Tag::List => {
                self.writer.open("list", &[]);
                self.tasks.push(Task::List(v, 0));
                m.check_nesting(self.tasks.len() / 2)?;
            }
            Tag::Func => self.function(m, v),
            Tag::Attrs => {
                m.check_nesting(self.tasks.len() / 2)?;
                let v = m.flat(v);
                let Some(kind) = m.attr(v, m.st.known.type_()) else {
                    self.set(v);
                    return Ok(None);
                };
                self.wait = Wait::Type(v);
                return Ok(Some(Step::Force(kind.get())));
            }
        }
        Ok(None)
    }

    fn set(&mut self, v: Val) {
        self.writer.open("attrs", &[]);
        self.tasks.push(Task::Attrs(v, 0));
    }

    /// Asks for an attribute of a derivation. Without forcing, only one at hand counts.
    fn ask(&self, m: &Machine<'_>, slot: Option<&Slot>) -> Option<Step> {
        let v = slot?.get();
        (self.strict || m.heap.peek(v).is_some()).then_some(Step::Force(v))
    }

    fn derivation(&mut self, m: &mut Machine<'_>, v: Val, drv_path: Option<Val>, out_path: Option<Val>) {
        let text = |v: Option<Val>| v.filter(|v| v.is_string()).map(|v| m.heap.bytes(v));
        let (drv_path, out_path) = (text(drv_path), text(out_path));
        let mut attrs: Vec<(&str, &[u8])> = Vec::new();
        attrs.extend(drv_path.map(|p| ("drvPath", p)));
        attrs.extend(out_path.map(|p| ("outPath", p)));
        self.writer.open("derivation", &attrs);
        match drv_path {
            Some(path) if !path.is_empty() && self.seen.insert(path.to_vec()) => {
                self.tasks.push(Task::Attrs(v, 0));
            }
            _ => {
                self.writer.empty("repeated", &[]);
                self.writer.close();
            }
        }
    }

    fn function(&mut self, m: &mut Machine<'_>, v: Val) {
        let (Kind::Closure, unit) = m.heap.function(v) else {
            // A lambda that has some of its arguments is one still.
            if let (Kind::Partial, _) = m.heap.function(v)
                && let (f, args) = m.heap.partial(v)
                && let (Kind::Closure, unit) = m.heap.function(f)
            {
                return self.lambda(m, unit, args.len());
            }
            return self.writer.empty("unevaluated", &[]);
        };
        self.lambda(m, unit, 0);
    }

    fn lambda(&mut self, m: &mut Machine<'_>, unit: u32, given: usize) {
        let file = m.st.files.get(m.st.files.of_unit(unit));
        let tree = &file.code.exprs;
        let UnitKind::Lambda(first) = file.code.unit(unit - file.first_unit).kind else {
            return self.writer.empty("unevaluated", &[]);
        };
        let index = crate::print::nth_lambda(tree, first, given);
        let lambda = tree.lambdas[index as usize];
        let pos =
            crate::print::lambda_offset(tree, index).map_or(Pos::NONE, |offset| Pos(file.start + offset));
        let place = if self.location { Place::new(m.st.files.locate(pos)) } else { Place::default() };
        self.writer.open("function", &place.attrs(None));
        let name = lambda.arg.map(|arg| m.st.symbols.name(arg));
        match lambda.formals {
            Some(formals) => {
                let mut attrs: Vec<(&str, &[u8])> = Vec::new();
                attrs.extend(formals.ellipsis.then_some(("ellipsis", &b"1"[..])));
                attrs.extend(name.map(|name| ("name", name)));
                self.writer.open("attrspat", &attrs);
                for formal in &tree.formals[formals.formals.range()] {
                    self.writer.empty("attr", &[("name", m.st.symbols.name(formal.name))]);
                }
                self.writer.close();
            }
            None => self.writer.empty("varpat", &[("name", name.unwrap_or_default())]),
        }
        self.writer.close();
    }
}

/// Where something is defined, as texts.
#[derive(Default)]
struct Place {
    line: Option<String>,
    column: Option<String>,
    path: Option<Vec<u8>>,
}

impl Place {
    fn new(location: Option<Location<'_>>) -> Place {
        let Some(at) = location else { return Place::default() };
        let path = if let Origin::File(path) = at.origin { Some(path.clone()) } else { None };
        Place { line: Some(at.line.to_string()), column: Some(at.column.to_string()), path }
    }

    /// In the order of their names.
    fn attrs<'a>(&'a self, name: Option<&'a [u8]>) -> Vec<(&'static str, &'a [u8])> {
        let mut attrs = Vec::new();
        attrs.extend(self.column.as_ref().map(|c| ("column", c.as_bytes())));
        attrs.extend(self.line.as_ref().map(|l| ("line", l.as_bytes())));
        attrs.extend(name.map(|n| ("name", n)));
        attrs.extend(self.path.as_ref().map(|p| ("path", &p[..])));
        attrs
    }
}

impl Native for ToXml {
    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        self.step(m, input).inspect_err(|_| self.leave_unfinished(m))
    }

    fn trace(&self, m: &mut Machine<'_>, _: &mut Error) {
        self.leave_unfinished(m);
    }
}

impl ToXml {
    /// Keeps the document so far, all its elements closed: CppNix prints it as it goes.
    fn leave_unfinished(&self, m: &mut Machine<'_>) {
        m.st.unfinished = self.writer.clone().finish();
    }

    fn step(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let mut input = input;
        loop {
            if input != Val::ABSENT {
                match std::mem::replace(&mut self.wait, Wait::Value) {
                    Wait::Value => {
                        if let Some(step) = self.value(m, input)? {
                            return Ok(step);
                        }
                    }
                    Wait::Type(set) => {
                        if !(input.is_string() && m.heap.bytes(input) == b"derivation") {
                            self.set(set);
                        } else {
                            let slot = m.attr(set, m.st.known.drv_path());
                            self.wait = Wait::DrvPath(set);
                            if let Some(step) = self.ask(m, slot) {
                                return Ok(step);
                            }
                            input = Val::NULL;
                            continue;
                        }
                    }
                    Wait::DrvPath(set) => {
                        let drv_path = Some(input);
                        let slot = m.attr(set, m.st.known.out_path());
                        self.wait = Wait::OutPath(set, drv_path);
                        if let Some(step) = self.ask(m, slot) {
                            return Ok(step);
                        }
                        input = Val::NULL;
                        continue;
                    }
                    Wait::OutPath(set, drv_path) => self.derivation(m, set, drv_path, Some(input)),
                }
            }
            let next = match self.tasks.last_mut() {
                None => {
                    let text = std::mem::take(&mut self.writer).finish();
                    return Ok(Step::Done(m.heap.new_string(&text, self.context)));
                }
                Some(Task::Value(v)) => {
                    let v = *v;
                    self.tasks.pop();
                    Some(v)
                }
                Some(Task::List(list, i)) => {
                    *i += 1;
                    m.heap.list(*list).get(*i - 1).map(Slot::get)
                }
                Some(Task::Attrs(set, i)) => {
                    *i += 1;
                    let (set, i) = (*set, *i - 1);
                    let (keys, values) = m.attrs(set);
                    let next = values.get(i).map(Slot::get);
                    if next.is_some() {
                        let pos = if self.location { m.attr_pos(set, keys[i]) } else { Pos::NONE };
                        let place = Place::new(m.st.files.locate(pos).filter(|_| pos != Pos::NONE));
                        self.writer.open("attr", &place.attrs(Some(m.st.symbols.name(keys[i]))));
                        self.tasks.push(Task::Close);
                    }
                    next
                }
                Some(Task::Close) => {
                    self.writer.close();
                    self.tasks.pop();
                    input = Val::ABSENT;
                    continue;
                }
            };
            input = match next {
                None => {
                    if let Some(Task::List(..) | Task::Attrs(..)) = self.tasks.pop() {
                        self.writer.close();
                    }
                    Val::ABSENT
                }
                Some(v) => match m.heap.peek(v) {
                    Some(v) => v,
                    None if self.strict => return Ok(Step::Force(v)),
                    None => v,
                },
            };
        }
    }
}
