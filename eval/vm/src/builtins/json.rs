//! JSON in both directions.

use super::{Builtin, Want, list, row, strict};
use crate::error::{Error, ErrorKind};
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Args, Native, Step, traced};
use frazil_syntax::symbol::Symbol;
use frazil_text::json::{self, Event, Reader};
use frazil_value::{Slot, Tag, Val};
use std::collections::BTreeMap;

pub(super) const TABLE: &[Builtin] = &[
    row("toJSON", 1, &[], |_, a| {
        // A call of its own, as each value inside of another is.
        crate::native::then(Step::Run(Box::new(ToJson::new(a[0], true))), &[], |_, _, text| {
            Ok(Step::Done(text))
        })
    }),
    row(
        "fromJSON",
        1,
        &[strict(0, Want::Plain, "while evaluating the first argument passed to builtins.fromJSON")],
        |m, a| from_json(m, m.heap.bytes(a[0])).map(Step::Done),
    ),
];

// ---- writing ------------------------------------------------------------------------------------------

enum Task {
    Value(Val),
    /// The elements of a list from this one on.
    List(Val, usize),
    /// The attributes of a set from this one on.
    Attrs(Val, usize),
}

impl Task {
    fn value(&self) -> Val {
        let (Task::Value(v) | Task::List(v, _) | Task::Attrs(v, _)) = self;
        *v
    }
}

/// A value as JSON, with the context of all its strings; forces all of it if `strict`.
pub struct ToJson {
    strict: bool,
    tasks: Vec<Task>,
    out: Vec<u8>,
    context: u32,
    /// Whether the value waited for is a result of `__toString`, to be coerced.
    coercing: bool,
    /// Whether paths stay as they are, instead of being copied to the store.
    plain_paths: bool,
}

impl ToJson {
    /// The conversion of `v`.
    pub fn new(v: Val, strict: bool) -> ToJson {
        let tasks = vec![Task::Value(v)];
        ToJson { strict, tasks, out: Vec::new(), context: 0, coercing: false, plain_paths: false }
    }

    /// The same, but for paths, which stay as they are.
    pub fn with_plain_paths(self) -> ToJson {
        ToJson { plain_paths: true, ..self }
    }

    fn string(&mut self, m: &mut Machine<'_>, v: Val) -> Result<(), Error> {
        let string = m.heap.string(v);
        self.context = m.st.contexts.union(self.context, string.context);
        json::string_into(string.bytes, &mut self.out).map_err(|e| Error::eval(e.to_string()))
    }

    /// Writes a value; asks for what it needs to do so.
    fn value(&mut self, m: &mut Machine<'_>, v: Val) -> Result<Option<Step>, Error> {
        // A value that is shared many times over is small in the heap, and may be huge as text.
        m.tick(self.out.len() as u64)?;
        match v.tag() {
            Tag::String => self.string(m, v)?,
            Tag::Int => {
                self.out.extend_from_slice(v.as_small_int().expect("an integer").to_string().as_bytes())
            }
            Tag::Immediate if v == Val::NULL => self.out.extend_from_slice(b"null"),
            Tag::Immediate => self.out.extend_from_slice(if v == Val::TRUE { b"true" } else { b"false" }),
            Tag::Boxed if m.heap.as_path(v).is_some() => {
                let string = m.path_string(v, !self.plain_paths)?;
                self.string(m, string)?;
            }
            Tag::Boxed => match (m.heap.as_int(v), m.heap.as_float(v)) {
                (Some(n), _) => self.out.extend_from_slice(n.to_string().as_bytes()),
                (_, Some(f)) => frazil_text::float::json_into(f, &mut self.out),
                _ => return Err(self.refuse(m, v)),
            },
            Tag::List => {
                self.out.push(b'[');
                self.open(m, Task::List(v, 0))?;
            }
            Tag::Attrs => return self.set(m, v),
            Tag::Func | Tag::Thunk => return Err(self.refuse(m, v)),
        }
        Ok(None)
    }

    fn set(&mut self, m: &mut Machine<'_>, v: Val) -> Result<Option<Step>, Error> {
        if let Some(to_string) = m.attr(v, m.st.known.to_string()) {
            self.coercing = true;
            return Ok(Some(Step::Call(to_string.get(), Args::from_slice(&[v]))));
        }
        if let Some(out_path) = m.attr(v, m.st.known.out_path()) {
            let v = out_path.get();
            self.tasks.push(Task::Value(v));
            return Ok(None);
        }
        self.out.push(b'{');
        let v = m.flat(v);
        self.open(m, Task::Attrs(v, 0))?;
        Ok(None)
    }

    fn open(&mut self, m: &mut Machine<'_>, task: Task) -> Result<(), Error> {
        m.enter()?;
        self.tasks.push(task);
        Ok(())
    }

    /// The position of what is being converted: that of the innermost attribute.
    fn pos(&self, m: &mut Machine<'_>, tasks: usize) -> Pos {
        let attr = self.tasks[..tasks].iter().rev().find_map(|task| match *task {
            Task::Attrs(set, i) if i > 0 => Some((set, i)),
            _ => None,
        });
        attr.map_or(Pos::NONE, |(set, i)| {
            let name = m.attrs(set).0[i - 1];
            m.attr_pos(set, name)
        })
    }

    fn step(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let mut input = input;
        loop {
            if input != Val::ABSENT {
                if std::mem::take(&mut self.coercing) {
                    use crate::coerce::{Coerce, CoerceTo};
                    const CONTEXT: &str = "while evaluating the result of the `__toString` attribute";
                    return Ok(Step::Run(Box::new(Coerce::new(input, CoerceTo::PLAIN, Pos::NONE, CONTEXT))));
                }
                if let Some(step) = self.value(m, input)? {
                    return Ok(step);
                }
            }
            let next = match self.tasks.last_mut() {
                None => return Ok(Step::Done(m.heap.new_string(&self.out, self.context))),
                Some(Task::Value(v)) => {
                    let v = *v;
                    self.tasks.pop();
                    Some(v)
                }
                Some(Task::List(list, i)) => {
                    let next = m.heap.list(*list).get(*i).map(Slot::get);
                    if next.is_some() && *i > 0 {
                        self.out.push(b',');
                    }
                    *i += 1;
                    if next.is_none() {
                        self.out.push(b']');
                    }
                    next
                }
                Some(Task::Attrs(set, i)) => {
                    let (keys, values) = m.attrs(*set);
                    let next = values.get(*i).map(Slot::get);
                    if next.is_some() {
                        if *i > 0 {
                            self.out.push(b',');
                        }
                        json::string_into(m.st.symbols.name(keys[*i]), &mut self.out)
                            .map_err(|e| Error::eval(e.to_string()))?;
                        self.out.push(b':');
                    } else {
                        self.out.push(b'}');
                    }
                    *i += 1;
                    next
                }
            };
            input = match next {
                None => {
                    self.tasks.pop();
                    m.leave(1);
                    Val::ABSENT
                }
                Some(v) => match m.heap.peek(v) {
                    Some(v) => v,
                    None if self.strict => {
                        m.check_room()?;
                        return Ok(Step::Force(v));
                    }
                    None => v,
                },
            };
        }
    }

    fn refuse(&self, m: &mut Machine<'_>, v: Val) -> Error {
        let pos = match m.function_pos(v) {
            Pos::NONE => self.pos(m, self.tasks.len()),
            pos => pos,
        };
        Error::typed(format!("cannot convert {} to JSON", m.describe(v))).at(pos)
    }
}

impl Native for ToJson {
    traced!(self, visit: self.tasks.iter().map(Task::value));

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        self.step(m, input).map_err(|mut error| {
            if error.kind() == ErrorKind::CallDepth {
                let pos = self.pos(m, self.tasks.len());
                error = error.at(pos);
            }
            self.trace(m, &mut error);
            error
        })
    }

    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        m.leave(self.tasks.iter().filter(|task| !matches!(task, Task::Value(_))).count());
        for (outer, task) in self.tasks.iter().enumerate().rev() {
            match *task {
                Task::Attrs(set, i) if i > 0 => {
                    let name = m.attrs(set).0[i - 1];
                    let (pos, name) = (m.attr_pos(set, name), m.shown_name(name));
                    error.add_trace(pos, format!("while evaluating attribute '{name}'"));
                }
                Task::List(_, i) if i > 0 => {
                    let pos = self.pos(m, outer);
                    error.add_trace(pos, format!("while evaluating list element at index {}", i - 1));
                }
                _ => {}
            }
        }
    }

    fn call_site(&self, m: &mut Machine<'_>) -> Option<Pos> {
        Some(self.pos(m, self.tasks.len()))
    }
}

// ---- reading ------------------------------------------------------------------------------------------

enum Open {
    List(Vec<Val>),
    Set(Vec<Symbol>, Vec<Val>),
}

/// CppNix says where an error was only of those that its library finds.
fn unreadable(text: &str) -> Error {
    let error = Error::eval(text);
    let is_syntax = text.starts_with("[json.exception");
    if is_syntax { error.while_(Pos::NONE, "while decoding a JSON string") } else { error }
}

pub(super) fn from_json(m: &mut Machine<'_>, text: &[u8]) -> Result<Val, Error> {
    let (mut open, mut whole): (Vec<Open>, _) = (Vec::new(), None);
    for event in Reader::new(text) {
        let event = event.map_err(|e| unreadable(&e.to_string()))?;
        let value = match event {
            Event::ArrayStart => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::ObjectStart => {
                open.push(Open::Set(Vec::new(), Vec::new()));
                continue;
            }
            Event::Key(name) => {
                let name = m.st.symbols.intern(&name);
                match open.last_mut() {
                    Some(Open::Set(names, _)) => names.push(name),
                    _ => unreachable!("names stand in objects"),
                }
                continue;
            }
            Event::ArrayEnd | Event::ObjectEnd => match open.pop() {
                Some(Open::List(values)) => list(m.heap, values),
                // Of equal names the last counts.
                Some(Open::Set(mut names, mut values)) => {
                    names.reverse();
                    values.reverse();
                    m.new_attrs(&names, &values)
                }
                None => unreachable!("the reader checks that ends follow starts"),
            },
            Event::Null => Val::NULL,
            Event::Bool(b) => Val::bool(b),
            Event::Int(n) => m.heap.new_int(n),
            Event::Float(f) => m.heap.new_float(f),
            Event::String(text) => m.heap.new_string(&text, 0),
        };
        match open.last_mut() {
            // Nothing may follow, which the reader checks.
            None => whole = Some(value),
            Some(Open::List(values)) | Some(Open::Set(_, values)) => values.push(value),
        }
    }
    Ok(whole.expect("the reader ends with a value or an error"))
}

/// An object that a program wrote itself, as CppNix writes it again: names sorted, the last of equal ones kept.
pub(super) fn given_object(text: &[u8]) -> Result<Vec<u8>, String> {
    enum Part {
        List(Vec<Vec<u8>>),
        Object(BTreeMap<Vec<u8>, Vec<u8>>, Vec<u8>),
    }
    fn joined(begin: u8, parts: impl Iterator<Item = Vec<u8>>, end: u8) -> Vec<u8> {
        let mut out = vec![begin];
        for (i, part) in parts.enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend(part);
        }
        out.push(end);
        out
    }
    let quoted = |text: &[u8]| {
        let mut out = Vec::new();
        json::string_into(text, &mut out).map_err(|e| e.to_string()).map(|()| out)
    };
    let (mut open, mut whole): (Vec<Part>, _) = (Vec::new(), None);
    for event in Reader::new(text) {
        let mut kind = "number";
        let value = match event.map_err(|e| e.to_string())? {
            Event::ArrayStart => {
                open.push(Part::List(Vec::new()));
                continue;
            }
            Event::ObjectStart => {
                open.push(Part::Object(BTreeMap::new(), Vec::new()));
                continue;
            }
            Event::Key(name) => {
                if let Some(Part::Object(_, key)) = open.last_mut() {
                    *key = name.into_owned();
                }
                continue;
            }
            Event::ArrayEnd | Event::ObjectEnd => {
                match open.pop().expect("the reader checks that ends follow starts") {
                    Part::List(parts) => {
                        kind = "array";
                        joined(b'[', parts.into_iter(), b']')
                    }
                    Part::Object(members, _) => {
                        kind = "object";
                        let members =
                            members.into_iter().map(|(name, value)| Ok([quoted(&name)?, value].join(&b':')));
                        joined(b'{', members.collect::<Result<Vec<_>, String>>()?.into_iter(), b'}')
                    }
                }
            }
            Event::Null => {
                kind = "null";
                b"null".to_vec()
            }
            Event::Bool(b) => {
                kind = "boolean";
                b.to_string().into_bytes()
            }
            Event::Int(n) => n.to_string().into_bytes(),
            Event::Float(f) => {
                let mut out = Vec::new();
                frazil_text::float::json_into(f, &mut out);
                out
            }
            Event::String(text) => {
                kind = "string";
                quoted(&text)?
            }
        };
        match open.last_mut() {
            None => whole = Some((kind, value)),
            Some(Part::List(parts)) => parts.push(value),
            Some(Part::Object(members, key)) => drop(members.insert(std::mem::take(key), value)),
        }
    }
    match whole.expect("the reader ends with a value or an error") {
        ("object", text) => Ok(text),
        (kind, _) => Err(format!("[json.exception.type_error.302] type must be object, but is {kind}")),
    }
}
