//! Values as plain data, told piece by piece to whoever builds something of them.

use frazil_value::{Slot, Tag, Val};
use frazil_vm::coerce::{Coerce, CoerceTo};
use frazil_vm::{Error, ErrorKind, Machine, Pos};
use std::ops::ControlFlow;

/// Is told a value piece by piece, in the order in which JSON has it, until it breaks off.
pub trait Sink {
    /// `null`
    fn null(&mut self) -> ControlFlow<()>;
    /// A boolean.
    fn bool(&mut self, b: bool) -> ControlFlow<()>;
    /// An integer.
    fn int(&mut self, n: i64) -> ControlFlow<()>;
    /// A float, which may be infinite or no number.
    fn float(&mut self, f: f64) -> ControlFlow<()>;
    /// A string or path, which need not be UTF-8.
    fn string(&mut self, bytes: &[u8]) -> ControlFlow<()>;
    /// A list of so many elements, which follow.
    fn begin_list(&mut self, len: usize) -> ControlFlow<()>;
    /// A set of so many attributes, which follow, each behind its name.
    fn begin_set(&mut self, len: usize) -> ControlFlow<()>;
    /// The name of the attribute that follows, with a number that the evaluator gives to no other name.
    fn name(&mut self, number: u32, name: &[u8]) -> ControlFlow<()>;
    /// The end of the innermost list or set.
    fn end(&mut self) -> ControlFlow<()>;
}

/// A list or set whose values are being told; from which one on.
enum Open {
    List(Val, usize),
    Set(Val, usize),
}

/// Bytes that a value told may need on the other side, beside its text.
const PER_VALUE: u64 = 16;

/// Tells `sink` a value, forced with all that it holds. Sets with `__toString` or `outPath` stand for that string, as in
/// JSON; paths are told as they are. Nested deeper than `max_depth`, it is an error, as it is if what was told would
/// fill the heap's limit.
pub fn walk(m: &mut Machine<'_>, v: Val, max_depth: usize, sink: &mut dyn Sink) -> Result<(), Error> {
    m.st.pins.push(v);
    let mut open: Vec<Open> = Vec::new();
    let mut told = 0;
    let mut next = Some(v);
    loop {
        if let Some(v) = next {
            let said = step(m, v, max_depth, sink, &mut open, &mut told);
            if said.map_err(|error| explain(m, &open, error))?.is_break() {
                return Ok(());
            }
        }
        let Some(container) = open.last_mut() else { return Ok(()) };
        next = match container {
            Open::List(list, i) => {
                let item = m.heap.list(*list).get(*i).map(Slot::get);
                *i += 1;
                item
            }
            Open::Set(set, i) => {
                let (keys, values) = m.attrs(*set);
                let value = values.get(*i).map(Slot::get);
                if value.is_some() {
                    let name = m.st.symbols.name(keys[*i]);
                    told += name.len() as u64;
                    if sink.name(keys[*i].0, name).is_break() {
                        return Ok(());
                    }
                }
                *i += 1;
                value
            }
        };
        if next.is_none() {
            open.pop();
            if sink.end().is_break() {
                return Ok(());
            }
        }
    }
}

/// Tells one value, or opens it.
fn step(
    m: &mut Machine<'_>,
    v: Val,
    max_depth: usize,
    sink: &mut dyn Sink,
    open: &mut Vec<Open>,
    told: &mut u64,
) -> Result<ControlFlow<()>, Error> {
    *told += PER_VALUE;
    m.tick(*told)?;
    let mut v = m.force(v)?;
    while v.is_attrs() {
        if let Some(to_string) = m.attr(v, m.st.known.to_string()).map(Slot::get) {
            let text = m.call(to_string, &[v])?;
            const CONTEXT: &str = "while evaluating the result of the `__toString` attribute";
            v = m.run_native(Coerce::new(text, CoerceTo::PLAIN, Pos::NONE, CONTEXT))?;
        } else if let Some(out_path) = m.attr(v, m.st.known.out_path()).map(Slot::get) {
            m.tick(*told)?;
            v = m.force(out_path)?;
        } else {
            break;
        }
        m.st.pins.push(v);
    }
    match v.tag() {
        Tag::String => {
            let bytes = m.heap.bytes(v);
            *told += bytes.len() as u64;
            Ok(sink.string(bytes))
        }
        Tag::Int => Ok(sink.int(m.heap.as_int(v).expect("an integer"))),
        Tag::Immediate if v == Val::NULL => Ok(sink.null()),
        Tag::Immediate => Ok(sink.bool(v == Val::TRUE)),
        Tag::Boxed => match (m.heap.as_path(v), m.heap.as_int(v), m.heap.as_float(v)) {
            (Some(path), ..) => Ok(sink.string(path)),
            (_, Some(n), _) => Ok(sink.int(n)),
            (.., Some(f)) => Ok(sink.float(f)),
            _ => Err(refuse(m, v)),
        },
        Tag::List | Tag::Attrs if open.len() >= max_depth => {
            let text = format!("data is nested more than {max_depth} levels deep");
            Err(Error::new(ErrorKind::CallDepth, text))
        }
        Tag::List => {
            open.push(Open::List(v, 0));
            Ok(sink.begin_list(m.heap.list(v).len()))
        }
        Tag::Attrs => {
            let v = m.flat(v);
            open.push(Open::Set(v, 0));
            Ok(sink.begin_set(m.attr_count(v)))
        }
        Tag::Func | Tag::Thunk => Err(refuse(m, v)),
    }
}

fn refuse(m: &Machine<'_>, v: Val) -> Error {
    Error::typed(format!("cannot convert {} to plain data", m.describe(v)))
}

/// The error with where in the value it happened.
fn explain(m: &mut Machine<'_>, open: &[Open], mut error: Error) -> Error {
    for container in open.iter().rev() {
        match *container {
            Open::Set(set, i) if i > 0 => {
                let name = m.attrs(set).0[i - 1];
                let text = String::from_utf8_lossy(m.st.symbols.name(name)).into_owned();
                error.add_trace(m.attr_pos(set, name), format!("while evaluating the attribute '{text}'"));
            }
            Open::List(_, i) if i > 0 => {
                error.add_trace(Pos::NONE, format!("while evaluating list element at index {}", i - 1));
            }
            _ => {}
        }
    }
    error
}
