//! `==` and `<`, over structures of any depth.

use crate::attrs::SlotPairs;
use crate::error::Error;
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Native, Step, traced};
use frazil_value::{Slot, Tag, Val};
use std::cmp::Ordering;

/// `a == b` of forced values, if that can be told without forcing more. Functions equal nothing.
pub fn equal_now(m: &Machine<'_>, a: Val, b: Val) -> Option<bool> {
    match (a.tag(), b.tag()) {
        (Tag::String, Tag::String) => Some(a == b || m.heap.bytes(a) == m.heap.bytes(b)),
        (Tag::Immediate, Tag::Immediate) | (Tag::Int, Tag::Int) => Some(a == b),
        (Tag::Int | Tag::Boxed, Tag::Int | Tag::Boxed) => {
            Some(match (m.heap.as_path(a), m.heap.as_path(b)) {
                (Some(a), Some(b)) => a == b,
                _ => compare_numbers(m, a, b) == Some(Ordering::Equal),
            })
        }
        (Tag::List, Tag::List) => {
            let (la, lb) = (m.heap.list(a).len(), m.heap.list(b).len());
            if la != lb { Some(false) } else { (la == 0).then_some(true) }
        }
        (Tag::Attrs, Tag::Attrs) => None,
        _ => Some(false),
    }
}

fn compare_numbers(m: &Machine<'_>, a: Val, b: Val) -> Option<Ordering> {
    match (m.heap.as_int(a), m.heap.as_int(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (a_int, b_int) => {
            let a = a_int.map(|n| n as f64).or_else(|| m.heap.as_float(a))?;
            let b = b_int.map(|n| n as f64).or_else(|| m.heap.as_float(b))?;
            a.partial_cmp(&b)
        }
    }
}

/// `a == b` of forced values; the opposite if `negate`.
pub fn equal(a: Val, b: Val, negate: bool) -> Step {
    Step::ReturnRun(Box::new(Equal::new(a, b, negate)))
}

enum Task {
    Pair(Val, Val),
    Lists(Val, Val, usize),
    /// Two sets, and the slots still to be compared, the next ones last.
    Attrs(Val, Val, SlotPairs),
}

impl Task {
    fn values(&self) -> [Val; 2] {
        let (Task::Pair(a, b) | Task::Lists(a, b, _) | Task::Attrs(a, b, _)) = self;
        [*a, *b]
    }
}

enum Wait {
    Nothing,
    /// For the left side; this is the right one.
    Left(Val),
    /// For the right side; this is the left one.
    Right(Val),
    /// For the `type` of the left or right one of two sets.
    Type {
        a: Val,
        b: Val,
        right: bool,
    },
}

impl Wait {
    fn values(&self) -> [Val; 2] {
        match *self {
            Wait::Nothing => [Val::NULL; 2],
            Wait::Left(v) | Wait::Right(v) => [v; 2],
            Wait::Type { a, b, .. } => [a, b],
        }
    }
}

/// A comparison at work.
pub struct Equal {
    tasks: Vec<Task>,
    wait: Wait,
    negate: bool,
    /// Whether the pair is inside of something: there, a function equals itself.
    inside: bool,
}

impl Equal {
    /// The comparison of two values; the opposite if `negate`.
    pub fn new(a: Val, b: Val, negate: bool) -> Equal {
        Equal { tasks: vec![Task::Pair(a, b)], wait: Wait::Nothing, negate, inside: false }
    }

    fn next(&mut self, m: &mut Machine<'_>) -> Option<(Val, Val)> {
        loop {
            match self.tasks.pop()? {
                Task::Pair(a, b) => return Some((a, b)),
                Task::Lists(a, b, i) => {
                    let (xs, ys) = (m.heap.list(a), m.heap.list(b));
                    if i < xs.len() {
                        self.tasks.push(Task::Lists(a, b, i + 1));
                        return Some((xs[i].get(), ys[i].get()));
                    }
                }
                Task::Attrs(a, b, mut left) => {
                    if let Some((x, y)) = left.pop() {
                        let (xs, ys) = (m.attrs(a).1, m.attrs(b).1);
                        let pair = (xs[x as usize].get(), ys[y as usize].get());
                        self.tasks.push(Task::Attrs(a, b, left));
                        return Some(pair);
                    }
                }
            }
        }
    }

    /// Compares two forced values; what they hold becomes tasks. `Err` asks for a value first.
    fn pair(&mut self, m: &mut Machine<'_>, a: Val, b: Val) -> Result<bool, Step> {
        if self.inside && a == b {
            return Ok(true);
        }
        self.inside = true;
        if let Some(equal) = equal_now(m, a, b) {
            return Ok(equal);
        }
        if a.is_list() {
            self.tasks.push(Task::Lists(a, b, 0));
            return Ok(true);
        }
        match m.attr(a, m.st.known.type_()) {
            Some(kind) => {
                self.wait = Wait::Type { a, b, right: false };
                Err(Step::Force(kind.get()))
            }
            None => Ok(self.sets(m, a, b)),
        }
    }

    fn sets(&mut self, m: &mut Machine<'_>, a: Val, b: Val) -> bool {
        let (a, b) = (m.flat(a), m.flat(b));
        if m.attr_count(a) != m.attr_count(b) {
            return false;
        }
        if m.heap.layout(a) == m.heap.layout(b) {
            let (xs, ys) = (m.attrs(a).1, m.attrs(b).1);
            // Where all is at hand, no order shows.
            let now = |(x, y): (&Slot, &Slot)| {
                let (x, y) = (m.heap.peek(x.get())?, m.heap.peek(y.get())?);
                if x == y { Some(true) } else { equal_now(m, x, y) }
            };
            if let Some(all) = xs.iter().zip(ys).map(now).collect::<Option<Vec<bool>>>() {
                return all.iter().all(|&equal| equal);
            }
        }
        let (mut pairs, differ) = m.met_pairs(a, b);
        if differ.is_some() {
            if pairs.is_empty() {
                return false;
            }
            // What comes before the names that differ is looked at all the same.
            self.tasks.push(Task::Pair(Val::FALSE, Val::TRUE));
        }
        pairs.reverse();
        self.tasks.push(Task::Attrs(a, b, pairs));
        true
    }

    /// Goes on with two sets when the `type` of one is known.
    fn typed(&mut self, m: &mut Machine<'_>, a: Val, b: Val, right: bool, kind: Val) -> Result<bool, Step> {
        let is_derivation = kind.is_string() && m.heap.bytes(kind) == b"derivation";
        if !is_derivation {
            return Ok(self.sets(m, a, b));
        }
        if !right {
            return match m.attr(b, m.st.known.type_()) {
                Some(kind) => {
                    self.wait = Wait::Type { a, b, right: true };
                    Err(Step::Force(kind.get()))
                }
                None => Ok(self.sets(m, a, b)),
            };
        }
        let out_path = m.st.known.out_path();
        match (m.attr(a, out_path), m.attr(b, out_path)) {
            (Some(x), Some(y)) => {
                self.tasks.push(Task::Pair(x.get(), y.get()));
                Ok(true)
            }
            _ => Ok(self.sets(m, a, b)),
        }
    }
}

impl Native for Equal {
    traced!(self, visit: self.tasks.iter().flat_map(Task::values), self.wait.values());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let mut equal = match std::mem::replace(&mut self.wait, Wait::Nothing) {
            Wait::Nothing => Ok(true),
            Wait::Left(b) => {
                self.wait = Wait::Right(input);
                return Ok(Step::Force(b));
            }
            Wait::Right(a) => self.pair(m, a, input),
            Wait::Type { a, b, right } => self.typed(m, a, b, right, input),
        };
        loop {
            m.tick(0)?;
            m.check_nesting(self.tasks.len())?;
            match equal {
                Err(step) => return Ok(step),
                Ok(false) => return Ok(Step::Done(Val::bool(self.negate))),
                Ok(true) => {}
            }
            let Some((a, b)) = self.next(m) else { return Ok(Step::Done(Val::bool(!self.negate))) };
            equal = match (m.heap.peek(a), m.heap.peek(b)) {
                (Some(a), Some(b)) => self.pair(m, a, b),
                _ => {
                    self.wait = Wait::Left(b);
                    return Ok(Step::Force(a));
                }
            };
        }
    }
}

/// `a < b` of forced values, if that can be told without forcing more.
pub fn less_now(m: &mut Machine<'_>, a: Val, b: Val) -> Result<Option<bool>, Error> {
    if let (Some(x), Some(y)) = (a.as_small_int(), b.as_small_int()) {
        return Ok(Some(x < y));
    }
    if a.is_string() && b.is_string() {
        return Ok(Some(m.heap.bytes(a) < m.heap.bytes(b)));
    }
    if a.is_list() && b.is_list() {
        return Ok(None);
    }
    if let (Some(x), Some(y)) = (m.heap.as_path(a), m.heap.as_path(b)) {
        return Ok(Some(x < y));
    }
    let is_number = |v| m.heap.as_int(v).is_some() || m.heap.as_float(v).is_some();
    if is_number(a) && is_number(b) {
        return Ok(Some(compare_numbers(m, a, b) == Some(Ordering::Less)));
    }
    let (x, y) = (m.describe(a), m.describe(b));
    let (shown_a, shown_b) = (m.show_short(a), m.show_short(b));
    Err(Error::typed(if x == y {
        format!(
            "cannot compare {x} with {y}; values of that type are incomparable (values are {shown_a} and {shown_b})"
        )
    } else {
        format!("cannot compare {x} with {y}; values are {shown_a} and {shown_b}")
    }))
}

/// `a < b` of forced lists.
pub fn less(a: Val, b: Val) -> Step {
    Step::ReturnRun(Box::new(Less { a, b, i: 0, wait: LessWait::Nothing, outer: 0 }))
}

enum LessWait {
    Nothing,
    Equal,
    Left,
    Right(Val),
}

impl LessWait {
    fn value(&self) -> Val {
        if let LessWait::Right(v) = self { *v } else { Val::NULL }
    }
}

/// A comparison of lists at work: the first elements that are not equal decide.
struct Less {
    a: Val,
    b: Val,
    i: usize,
    wait: LessWait,
    /// How many lists these are inside of.
    outer: usize,
}

impl Less {
    fn elements(&self, m: &Machine<'_>) -> (Option<Val>, Option<Val>) {
        let at = |list| m.heap.list(list).get(self.i).map(Slot::get);
        (at(self.a), at(self.b))
    }
}

/// An error in comparing elements of so many lists in each other.
fn in_lists(mut error: Error, lists: usize) -> Error {
    for _ in 0..lists {
        error.add_trace(Pos::NONE, "while comparing two list elements");
    }
    error
}

impl Native for Less {
    traced!(self, visit: [self.a, self.b, self.wait.value()]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        match std::mem::replace(&mut self.wait, LessWait::Nothing) {
            LessWait::Nothing => {}
            LessWait::Equal if input == Val::TRUE => self.i += 1,
            LessWait::Equal => {
                self.wait = LessWait::Left;
                return Ok(Step::Force(self.elements(m).0.expect("compared already")));
            }
            LessWait::Left => {
                self.wait = LessWait::Right(input);
                return Ok(Step::Force(self.elements(m).1.expect("compared already")));
            }
            LessWait::Right(x) => {
                let inner = self.outer + 1;
                return match less_now(m, x, input).map_err(|error| in_lists(error, inner))? {
                    Some(less) => Ok(Step::Done(Val::bool(less))),
                    None => {
                        let less = Less { a: x, b: input, i: 0, wait: LessWait::Nothing, outer: inner };
                        Ok(Step::ReturnRun(Box::new(less)))
                    }
                };
            }
        }
        match self.elements(m) {
            (_, None) => Ok(Step::Done(Val::FALSE)),
            (None, _) => Ok(Step::Done(Val::TRUE)),
            (Some(x), Some(y)) => {
                self.wait = LessWait::Equal;
                Ok(Step::Run(Box::new(Equal { inside: true, ..Equal::new(x, y, false) })))
            }
        }
    }
}
