//! Why two values that should be equal are not: the detail of a failed `assert a == b`.

use crate::attrs::SlotPairs;
use crate::compare;
use crate::error::{Error, ErrorKind};
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Native, Step};
use frazil_syntax::symbol::Symbol;
use frazil_value::{Kind, Slot, Tag, Val};

/// An error that says how `a` and `b` differ; null if they do not.
pub(crate) fn equal(a: Val, b: Val, pos: Pos) -> Step {
    Step::ReturnRun(Box::new(AssertEqual { pair: (a, b), pos, inside: Vec::new(), wait: Wait::Left }))
}

/// What two values are inside of.
enum Inside {
    /// Lists, at this element.
    Lists(Val, Val, usize),
    Attrs(Sets),
    /// Two derivations.
    Derivations,
}

/// Two sets of the same size, at one of their attributes.
struct Sets {
    a: Val,
    b: Val,
    /// The slots of names that both have, as [`Machine::met_pairs`] has them.
    pairs: SlotPairs,
    /// Names after these that are not the same.
    differ: Option<(Symbol, Symbol)>,
    at: usize,
}

enum Wait {
    Left,
    Right(Val),
    /// For the `type` of the left set of two.
    LeftType(Val, Val),
    /// For the `type` of the right one.
    RightType(Val, Val),
}

struct AssertEqual {
    /// The values to be compared next.
    pair: (Val, Val),
    pos: Pos,
    inside: Vec<Inside>,
    wait: Wait,
}

impl AssertEqual {
    fn force_pair(&mut self, a: Val, b: Val) -> Step {
        self.pair = (a, b);
        self.wait = Wait::Left;
        Step::Force(a)
    }

    /// Goes on with what is next to the values that were equal.
    fn next(&mut self, m: &mut Machine<'_>) -> Result<Step, Error> {
        loop {
            match self.inside.last_mut() {
                None => return Ok(Step::Done(Val::NULL)),
                Some(Inside::Derivations) => {}
                Some(Inside::Lists(a, b, i)) => {
                    *i += 1;
                    let (xs, ys) = (m.heap.list(*a), m.heap.list(*b));
                    if let (Some(x), Some(y)) = (xs.get(*i).map(Slot::get), ys.get(*i).map(Slot::get)) {
                        return Ok(self.force_pair(x, y));
                    }
                }
                Some(Inside::Attrs(sets)) => {
                    sets.at += 1;
                    return self.attribute(m);
                }
            }
            self.inside.pop();
        }
    }

    /// Goes on with the attribute that the innermost sets are at.
    fn attribute(&mut self, m: &mut Machine<'_>) -> Result<Step, Error> {
        let Some(Inside::Attrs(sets)) = self.inside.last() else { unreachable!("inside of sets") };
        let (a, b) = (sets.a, sets.b);
        if let Some(&(x, y)) = sets.pairs.get(sets.at) {
            let (xs, ys) = (m.attrs(a).1, m.attrs(b).1);
            return Ok(self.force_pair(xs[x as usize].get(), ys[y as usize].get()));
        }
        let differ = sets.differ;
        self.inside.pop();
        match differ {
            Some((left, right)) => Err(self.names(m, a, b, left, right)),
            None => self.next(m),
        }
    }

    /// Compares two forced values.
    fn compare(&mut self, m: &mut Machine<'_>, a: Val, b: Val) -> Result<Step, Error> {
        let is_number = |v| m.heap.as_int(v).is_some() || m.heap.as_float(v).is_some();
        if is_number(a) && is_number(b) {
            return if compare::equal_now(m, a, b) == Some(true) {
                self.next(m)
            } else {
                Err(self.numbers(m, a, b))
            };
        }
        match (a.tag(), b.tag()) {
            (Tag::List, Tag::List) => self.lists(m, a, b),
            (Tag::Attrs, Tag::Attrs) => match m.attr(a, m.st.known.type_()) {
                Some(kind) => {
                    self.wait = Wait::LeftType(a, b);
                    Ok(Step::Force(kind.get()))
                }
                None => self.sets(m, a, b),
            },
            (Tag::Func, Tag::Func) if a == b && !self.inside.is_empty() => self.next(m),
            (Tag::Func, Tag::Func) => Err(failed(
                "distinct functions and immediate comparisons of identical functions compare as unequal"
                    .into(),
            )),
            _ if compare::equal_now(m, a, b) == Some(true) => self.next(m),
            _ => Err(self.simple(m, a, b)),
        }
    }

    fn numbers(&self, m: &mut Machine<'_>, a: Val, b: Val) -> Error {
        let [what_a, what_b] = [m.describe(a), m.describe(b)];
        let [a, b] = [m.show_short(a), m.show_short(b)];
        failed(format!("{what_a} with value '{a}' is not equal to {what_b} with value '{b}'"))
    }

    /// The error of two values that hold no others.
    fn simple(&self, m: &mut Machine<'_>, a: Val, b: Val) -> Error {
        let [shown_a, shown_b] = [m.show_short(a), m.show_short(b)];
        let kind = match (a.tag(), b.tag()) {
            (Tag::String, Tag::String) => "string",
            (Tag::Immediate, Tag::Immediate) if a != Val::NULL && b != Val::NULL => "boolean",
            (Tag::Boxed, Tag::Boxed) if [a, b].iter().all(|&v| m.heap.boxed_kind(v) == Kind::Path) => "path",
            _ => {
                let [what_a, what_b] = [m.describe(a), m.describe(b)];
                return failed(format!(
                    "{what_a} of value '{shown_a}' is not equal to {what_b} of value '{shown_b}'"
                ));
            }
        };
        failed(format!("{kind} '{shown_a}' is not equal to {kind} '{shown_b}'"))
    }

    fn lists(&mut self, m: &mut Machine<'_>, a: Val, b: Val) -> Result<Step, Error> {
        let [n, k] = [a, b].map(|list| m.heap.list(list).len());
        if n != k {
            let [a, b] = [m.show_short(a), m.show_short(b)];
            return Err(failed(format!(
                "list of size '{n}' is not equal to list of size '{k}', left hand side is '{a}', right hand side is '{b}'"
            )));
        }
        if n == 0 || a == b && !self.inside.is_empty() {
            return self.next(m);
        }
        self.inside.push(Inside::Lists(a, b, 0));
        let [x, y] = [a, b].map(|list| m.heap.list(list)[0].get());
        Ok(self.force_pair(x, y))
    }

    fn sets(&mut self, m: &mut Machine<'_>, a: Val, b: Val) -> Result<Step, Error> {
        let (a, b) = (m.flat(a), m.flat(b));
        if m.attr_count(a) != m.attr_count(b) {
            let [a, b] = [m.show_short(a), m.show_short(b)];
            return Err(failed(format!(
                "attribute names of attribute set '{a}' differs from attribute set '{b}'"
            )));
        }
        let (pairs, differ) = m.met_pairs(a, b);
        self.inside.push(Inside::Attrs(Sets { a, b, pairs, differ, at: 0 }));
        self.attribute(m)
    }

    /// The error of two sets one of which has a name that the other has not.
    fn names(&self, m: &mut Machine<'_>, a: Val, b: Val, left: Symbol, right: Symbol) -> Error {
        let [shown_a, shown_b] = [m.show_short(a), m.show_short(b)];
        if m.attr(b, left).is_none() {
            let name = m.shown_name(left);
            return failed(format!(
                "attribute name '{name}' is contained in '{shown_a}', but not in '{shown_b}'"
            ));
        }
        let name = m.shown_name(right);
        failed(format!("attribute name '{name}' is missing in '{shown_a}', but is contained in '{shown_b}'"))
    }

    fn is_derivation(m: &Machine<'_>, kind: Val) -> bool {
        kind.is_string() && m.heap.bytes(kind) == b"derivation"
    }

    /// Compares two derivations by their output path, if they have one.
    fn derivations(&mut self, m: &mut Machine<'_>, a: Val, b: Val) -> Result<Step, Error> {
        let [x, y] = [a, b].map(|set| m.attr(set, m.st.known.out_path()).map(Slot::get));
        match (x, y) {
            (Some(x), Some(y)) => {
                self.inside.push(Inside::Derivations);
                Ok(self.force_pair(x, y))
            }
            _ => self.sets(m, a, b),
        }
    }

    fn trace_inside(&self, m: &mut Machine<'_>, error: &mut Error) {
        for inside in self.inside.iter().rev() {
            match inside {
                Inside::Lists(_, _, i) => {
                    error.add_trace(self.pos, format!("while comparing list element {i}"))
                }
                Inside::Derivations => {
                    error.add_trace(self.pos, "while comparing a derivation by its 'outPath' attribute");
                }
                Inside::Attrs(sets) => {
                    let name = m.attrs(sets.a).0[sets.pairs[sets.at].0 as usize];
                    for (set, text) in
                        [(sets.b, "where right hand side is"), (sets.a, "where left hand side is")]
                    {
                        let pos = m.attr_pos(set, name);
                        if pos != Pos::NONE {
                            error.add_trace(pos, text);
                        }
                    }
                    let name = m.shown_name(name);
                    error.add_trace(self.pos, format!("while comparing attribute '{name}'"));
                }
            }
        }
    }
}

impl Native for AssertEqual {
    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input == Val::ABSENT {
            return Ok(Step::Force(self.pair.0));
        }
        let result = match std::mem::replace(&mut self.wait, Wait::Left) {
            Wait::Left => {
                self.wait = Wait::Right(input);
                return Ok(Step::Force(self.pair.1));
            }
            Wait::Right(a) => self.compare(m, a, input),
            Wait::LeftType(a, b) if Self::is_derivation(m, input) => match m.attr(b, m.st.known.type_()) {
                Some(kind) => {
                    self.wait = Wait::RightType(a, b);
                    Ok(Step::Force(kind.get()))
                }
                None => self.sets(m, a, b),
            },
            Wait::RightType(a, b) if Self::is_derivation(m, input) => self.derivations(m, a, b),
            Wait::LeftType(a, b) | Wait::RightType(a, b) => self.sets(m, a, b),
        };
        result.map_err(|mut error| {
            self.trace_inside(m, &mut error);
            error
        })
    }

    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        self.trace_inside(m, error);
    }
}

fn failed(text: String) -> Error {
    Error::new(ErrorKind::Assertion, text)
}
