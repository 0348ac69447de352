//! Values as strings: coercion, interpolation, and `+`.

use crate::error::Error;
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Args, Native, Step, traced};
use frazil_value::{Kind, Tag, Val};

/// How far a value may be from a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoerceTo {
    /// Null, booleans, numbers and lists too.
    pub more: bool,
    /// A path becomes its place in the store, as if it were copied there.
    pub copy: bool,
}

impl CoerceTo {
    /// Only strings, paths as they are, and sets that say how.
    pub const PLAIN: CoerceTo = CoerceTo { more: false, copy: false };
    /// As `toString` does.
    pub const MORE: CoerceTo = CoerceTo { more: true, copy: false };
    /// As an attribute of a derivation.
    pub const ATTRIBUTE: CoerceTo = CoerceTo { more: true, copy: true };
}

/// The string of a value. `pos` and `context` say where and in what, for an error.
pub fn to_string(v: Val, to: CoerceTo, pos: Pos, context: &'static str) -> Step {
    Step::ReturnRun(Box::new(Coerce::new(v, to, pos, context)))
}

enum Task {
    /// Force this and coerce it.
    Value(Val),
    /// Go on with the list from this element.
    List(Val, usize),
}

impl Task {
    fn value(&self) -> Val {
        let (Task::Value(v) | Task::List(v, _)) = self;
        *v
    }
}

/// A coercion at work.
pub struct Coerce {
    tasks: Vec<Task>,
    to: CoerceTo,
    pos: Pos,
    context: &'static str,
    /// The text so far.
    text: Vec<u8>,
    string_context: u32,
    /// The only part so far, if it is a string.
    single: Option<Val>,
    parts: usize,
    /// Whether the value waited for is a result of `__toString`.
    converted: bool,
    /// How many sets led to the value waited for.
    through: usize,
    /// Whether errors of forcing the value itself have the context, too.
    says_why_forced: bool,
}

impl Coerce {
    /// The coercion of `v`.
    pub fn new(v: Val, to: CoerceTo, pos: Pos, context: &'static str) -> Coerce {
        Coerce {
            tasks: vec![Task::Value(v)],
            to,
            pos,
            context,
            text: Vec::new(),
            string_context: 0,
            single: None,
            parts: 0,
            converted: false,
            through: 0,
            says_why_forced: false,
        }
    }

    /// The coercion of what means a path: errors of forcing it have the context, too.
    pub fn to_path(v: Val, pos: Pos, context: &'static str) -> Coerce {
        Coerce { says_why_forced: true, ..Coerce::new(v, CoerceTo::PLAIN, pos, context) }
    }

    fn push(&mut self, m: &mut Machine<'_>, v: Val) {
        let string = m.heap.string(v);
        if self.parts == 0 {
            self.single = Some(v);
        } else {
            if let Some(first) = self.single.take() {
                self.text.extend_from_slice(m.heap.bytes(first));
            }
            self.text.extend_from_slice(string.bytes);
        }
        self.string_context = m.st.contexts.union(self.string_context, string.context);
        self.parts += 1;
    }

    fn push_text(&mut self, m: &mut Machine<'_>, text: &[u8]) {
        let v = m.heap.new_string(text, 0);
        self.push(m, v);
    }

    fn value(&mut self, m: &mut Machine<'_>, v: Val) -> Result<Option<Step>, Error> {
        m.tick(self.text.len() as u64)?;
        match v.tag() {
            Tag::String => self.push(m, v),
            Tag::Attrs => return self.set(m, v).map(Some),
            Tag::Boxed if let Some(path) = m.heap.as_path(v) => {
                let string = match self.says_why_forced {
                    // The evaluator's own files have another name for the program.
                    true => m.heap.new_string(path, 0),
                    false => m.path_string(v, self.to.copy)?,
                };
                self.push(m, string);
            }
            _ if self.to.more && !v.is_func() => match v {
                Val::TRUE => self.push_text(m, b"1"),
                Val::FALSE | Val::NULL => self.push_text(m, b""),
                _ if v.is_list() => self.tasks.push(Task::List(v, 0)),
                _ => match (m.heap.as_int(v), m.heap.as_float(v)) {
                    (Some(n), _) => self.push_text(m, n.to_string().as_bytes()),
                    (_, Some(f)) => self.push_text(m, format!("{f:.6}").as_bytes()),
                    _ => return Err(self.refuse(m, v)),
                },
            },
            _ => return Err(self.refuse(m, v)),
        }
        Ok(None)
    }

    fn set(&mut self, m: &mut Machine<'_>, v: Val) -> Result<Step, Error> {
        self.through += 1;
        self.check_nesting(m, self.through)?;
        if let Some(to_string) = m.attr(v, m.st.known.to_string()) {
            self.converted = true;
            return Ok(Step::Call(to_string.get(), Args::from_slice(&[v])));
        }
        match m.attr(v, m.st.known.out_path()) {
            Some(out_path) => Ok(Step::Force(out_path.get())),
            None => Err(self.refuse(m, v)),
        }
    }

    fn refuse(&self, m: &mut Machine<'_>, v: Val) -> Error {
        let (what, value) = (m.describe(v), m.show_short(v));
        let mut error = Error::typed(format!("cannot coerce {what} to a string: {value}"));
        let lists = self.tasks.iter().filter(|task| matches!(task, Task::List(..))).count();
        self.trace_lists(lists + 1, &mut error);
        error
    }
}

impl Native for Coerce {
    traced!(self, visit: self.tasks.iter().map(Task::value), self.single.iter());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            let empty_list = m.heap.empty_list();
            if let Some(step) = self.value(m, input)? {
                return Ok(step);
            }
            self.through = 0;
            self.check_nesting(m, 0)?;
            // An element is followed by a space, unless it is an empty list or the last.
            let at = self.tasks.len();
            if let Some(Task::List(list, i)) = self.tasks.last()
                && at > 0
                && *i > 0
                && *i < m.heap.list(*list).len()
                && input != empty_list
            {
                self.push_text(m, b" ");
            }
        }
        loop {
            match self.tasks.pop() {
                None => break,
                Some(Task::Value(v)) => return Ok(Step::Force(v)),
                Some(Task::List(list, i)) => {
                    let elements = m.heap.list(list);
                    if i < elements.len() {
                        self.tasks.push(Task::List(list, i + 1));
                        return Ok(Step::Force(elements[i].get()));
                    }
                    // A list within a list: the space behind it is due now.
                    if i > 0
                        && let Some(Task::List(outer, j)) = self.tasks.last()
                        && *j < m.heap.list(*outer).len()
                    {
                        self.push_text(m, b" ");
                    }
                }
            }
        }
        Ok(Step::Done(match self.single {
            Some(v) => v,
            None => m.heap.new_string(&self.text, self.string_context),
        }))
    }

    /// Elements of a list are coerced as such, and the list in the context of the whole. A value's own forcing says nothing.
    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        let lists = self.tasks.iter().filter(|task| matches!(task, Task::List(..))).count();
        self.trace_lists(lists, error);
        if self.says_why_forced && lists == 0 && self.through == 0 {
            error.add_trace(self.pos, self.context);
        }
    }

    fn call_site(&self, _: &mut Machine<'_>) -> Option<Pos> {
        Some(self.pos)
    }
}

impl Coerce {
    /// An error if so many sets inside of the lists at work are nested too deeply.
    fn check_nesting(&self, m: &Machine<'_>, through: usize) -> Result<(), Error> {
        m.check_nesting(self.tasks.len() + through).map_err(|error| {
            let mut error = error.at(self.pos);
            self.trace_lists(self.tasks.len(), &mut error);
            error
        })
    }

    fn trace_lists(&self, lists: usize, error: &mut Error) {
        for outer in (0..lists).rev() {
            error.add_trace(self.pos, self.context(outer));
        }
    }

    /// The context of a value inside of so many lists.
    fn context(&self, lists: usize) -> &'static str {
        if lists > 0 {
            "while evaluating one element of the list"
        } else if self.converted {
            "while evaluating the result of the `__toString` attribute"
        } else {
            self.context
        }
    }
}

/// What is said of an operand of `+`.
const SEGMENT: &str = "while evaluating a path segment";

/// `a + b` of forced values, if no code of the program has to run for it.
pub fn plus_now(m: &mut Machine<'_>, a: Val, b: Val) -> Result<Option<Val>, Error> {
    if let (Some(x), Some(y)) = (a.as_small_int(), b.as_small_int()) {
        // Two numbers of 61 bits do not overflow.
        return Ok(Some(m.heap.new_int(x + y)));
    }
    if a.is_string() && b.is_string() {
        return m.concat_strings(&[a, b]).map(Some);
    }
    if m.heap.as_int(a).is_some() || m.heap.as_float(a).is_some() {
        return add_numbers(m, a, b).map(Some);
    }
    if m.heap.as_path(a).is_some() && b.is_string() {
        return m.concat_path(&[a, b]).map(Some);
    }
    Ok(None)
}

/// How a left operand of `+` becomes a string, if that is to be done before the right one is looked at: a set. An error if
/// `v` can be no left operand, whatever the right one is.
pub fn addend(m: &mut Machine<'_>, v: Val) -> Result<Option<Step>, Error> {
    let fits = match v.tag() {
        Tag::String | Tag::Int => true,
        Tag::Boxed => [Kind::Path, Kind::Float, Kind::BigInt].contains(&m.heap.boxed_kind(v)),
        _ => false,
    };
    if fits {
        return Ok(None);
    }
    let coercion = Coerce::new(v, CoerceTo::PLAIN, Pos::part(0), SEGMENT);
    if v.is_attrs() { Ok(Some(Step::ReturnRun(Box::new(coercion)))) } else { Err(coercion.refuse(m, v)) }
}

fn add_numbers(m: &mut Machine<'_>, a: Val, b: Val) -> Result<Val, Error> {
    match (m.heap.as_int(a), m.heap.as_int(b)) {
        (Some(x), Some(y)) => match x.checked_add(y) {
            Some(sum) => Ok(m.heap.new_int(sum)),
            None => Err(Error::eval(format!("integer overflow in adding {x} + {y}")).at(Pos::part(1))),
        },
        (x, y) => {
            let number = |m: &Machine<'_>, v, int: Option<i64>| int.map(|n| n as f64).or(m.heap.as_float(v));
            match (number(m, a, x), number(m, b, y)) {
                (Some(x), Some(y)) => Ok(m.heap.new_float(x + y)),
                _ => {
                    let to = if x.is_some() { "an integer" } else { "a float" };
                    Err(Error::eval(format!("cannot add {} to {to}", m.describe(b))).at(Pos::part(1)))
                }
            }
        }
    }
}

/// `a + b` of forced values one of which is to be coerced; `text` is `a`, or what it was coerced to already.
pub fn plus(a: Val, b: Val, text: Val, pos: Pos) -> Step {
    let first = (text.is_string() && a.is_attrs()).then_some(text);
    Step::ReturnRun(Box::new(Plus { a, b, pos, first }))
}

struct Plus {
    a: Val,
    b: Val,
    pos: Pos,
    first: Option<Val>,
}

impl Native for Plus {
    traced!(self, visit: [self.a, self.b], self.first.iter());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let is_path = m.heap.as_path(self.a).is_some();
        let to = CoerceTo { more: false, copy: self.a.is_string() };
        let coerced = |v, part| Ok(Step::Run(Box::new(Coerce::new(v, to, Pos::part(part), SEGMENT))));
        if input == Val::ABSENT {
            return if is_path || self.first.is_some() { coerced(self.b, 1) } else { coerced(self.a, 0) };
        }
        if is_path {
            return m.concat_path(&[self.a, input]).map(Step::Done).map_err(|e| e.at(self.pos));
        }
        match self.first {
            None => {
                self.first = Some(input);
                coerced(self.b, 1)
            }
            Some(first) => m.concat_strings(&[first, input]).map(Step::Done),
        }
    }
}

impl Machine<'_> {
    /// The string of all these strings, with all their contexts.
    pub fn concat_strings(&mut self, parts: &[Val]) -> Result<Val, Error> {
        if let [one] = parts {
            return Ok(*one);
        }
        let mut context = 0;
        let mut len = 0;
        let mut pieces: smallvec::SmallVec<[&[u8]; 16]> = smallvec::SmallVec::new();
        for &part in parts {
            let string = self.heap.string(part);
            if string.context != 0 {
                context = self.st.contexts.union(context, string.context);
            }
            len += string.bytes.len() as u64;
            pieces.push(string.bytes);
        }
        self.check_string_len(len)?;
        Ok(self.heap.new_string_of(&pieces, context))
    }

    /// An error if a string of `len` bytes cannot be.
    pub(crate) fn check_string_len(&self, len: u64) -> Result<(), Error> {
        if len >= u32::MAX as u64 {
            return Err(Error::new(crate::ErrorKind::Memory, format!("a string of {len} bytes is too long")));
        }
        self.room_for(len)
    }

    /// The path that begins with a path and goes on with strings.
    pub fn concat_path(&mut self, parts: &[Val]) -> Result<Val, Error> {
        let mut text = self.heap.as_path(parts[0]).expect("the first part is a path").to_vec();
        let more: usize = parts[1..].iter().map(|&part| self.heap.bytes(part).len()).sum();
        self.check_string_len((text.len() + more) as u64)?;
        for &part in &parts[1..] {
            let string = self.heap.string(part);
            if string.context != 0 {
                return Err(Error::eval("a string that refers to a store path cannot be appended to a path"));
            }
            text.extend_from_slice(string.bytes);
        }
        Ok(self.heap.new_path(&crate::builtins::paths::canonical(&text)))
    }
}
