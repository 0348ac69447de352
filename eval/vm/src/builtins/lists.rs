//! Lists, and the functions that call the program's functions on their elements.

use super::{Builtin, Want, list, row, strict};
use crate::compare::{self, Equal};
use crate::error::Error;
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Args, Native, Step, traced};
use frazil_syntax::symbol::Symbol;
use frazil_value::heap::NO_UNIT;
use frazil_value::{Slot, Val};
use rustc_hash::FxHashMap;

macro_rules! function_and_list {
    ($name:literal) => {
        &[
            strict(
                0,
                Want::Function,
                concat!("while evaluating the first argument passed to builtins.", $name),
            ),
            strict(1, Want::List, concat!("while evaluating the second argument passed to builtins.", $name)),
        ]
    };
}

pub(super) const TABLE: &[Builtin] = &[
    row(
        "length",
        1,
        &[strict(0, Want::List, "while evaluating the first argument passed to builtins.length")],
        |m, a| Ok(Step::Done(m.heap.new_int(m.heap.list(a[0]).len() as i64))),
    ),
    row(
        "elemAt",
        2,
        &[
            strict(1, Want::Int, "while evaluating the second argument passed to 'builtins.elemAt'"),
            strict(0, Want::List, "while evaluating the first argument passed to 'builtins.elemAt'"),
        ],
        elem_at,
    ),
    row(
        "head",
        1,
        &[strict(0, Want::List, "while evaluating the first argument passed to 'builtins.head'")],
        head,
    ),
    row(
        "tail",
        1,
        &[strict(0, Want::List, "while evaluating the first argument passed to 'builtins.tail'")],
        tail,
    ),
    row(
        "map",
        2,
        &[strict(1, Want::List, "while evaluating the second argument passed to builtins.map")],
        map,
    ),
    row(
        "filter",
        2,
        &[strict(1, Want::List, "while evaluating the second argument passed to builtins.filter")],
        filter,
    ),
    row(
        "elem",
        2,
        &[strict(1, Want::List, "while evaluating the second argument passed to builtins.elem")],
        elem,
    ),
    row(
        "concatLists",
        1,
        &[strict(0, Want::List, "while evaluating the first argument passed to builtins.concatLists")],
        |_, a| Ok(run(ConcatLists { lists: a[0], i: 0 })),
    ),
    row(
        "foldl'",
        3,
        &[
            strict(0, Want::Function, "while evaluating the first argument passed to builtins.foldlStrict"),
            strict(2, Want::List, "while evaluating the third argument passed to builtins.foldlStrict"),
        ],
        fold,
    ),
    row("any", 2, function_and_list!("any"), |_, a| Ok(run(Quantifier::new(a, true)))),
    row("all", 2, function_and_list!("all"), |_, a| Ok(run(Quantifier::new(a, false)))),
    row(
        "genList",
        2,
        &[strict(1, Want::Int, "while evaluating the second argument passed to builtins.genList")],
        gen_list,
    ),
    row(
        "sort",
        2,
        &[strict(1, Want::List, "while evaluating the second argument passed to builtins.sort")],
        sort,
    ),
    row("partition", 2, function_and_list!("partition"), |_, a| {
        Ok(run(Partition { f: a[0], list: a[1], i: 0, forced: false, right: Vec::new(), wrong: Vec::new() }))
    }),
    row("groupBy", 2, function_and_list!("groupBy"), |_, a| {
        Ok(run(GroupBy { f: a[0], list: a[1], i: 0, names: Vec::new(), groups: FxHashMap::default() }))
    }),
    row("concatMap", 2, function_and_list!("concatMap"), |_, a| {
        Ok(run(ConcatMap { f: a[0], list: a[1], i: 0, lists: Vec::new() }))
    }),
    row(
        "genericClosure",
        1,
        &[strict(0, Want::Attrs, "while evaluating the first argument passed to builtins.genericClosure")],
        generic_closure,
    ),
];

fn run(native: impl Native + 'static) -> Step {
    Step::ReturnRun(Box::new(native))
}

fn one(v: Val) -> Args {
    Args::from_slice(&[v])
}

fn element(m: &Machine<'_>, list: Val, i: usize) -> Option<Val> {
    m.heap.list(list).get(i).map(Slot::get)
}

fn elem_at(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let index = m.heap.as_int(a[1]).expect("checked");
    let elements = m.heap.list(a[0]);
    match usize::try_from(index).ok().and_then(|i| elements.get(i)) {
        Some(slot) => Ok(Step::Return(slot.get())),
        None => Err(Error::eval(format!(
            "'builtins.elemAt' called with index {index} on a list of size {}",
            elements.len()
        ))),
    }
}

fn head(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let first = element(m, a[0], 0);
    first.map(Step::Return).ok_or_else(|| Error::eval("'builtins.head' called on an empty list"))
}

fn tail(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    match m.heap.list(a[0]) {
        [] => Err(Error::eval("'builtins.tail' called on an empty list")),
        [_, rest @ ..] => Ok(Step::Done(m.heap.new_list(rest.iter().map(Slot::get)))),
    }
}

/// `map f xs`: each element a thunk of the call. The function is forced, unless the list is empty.
fn map(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    if m.heap.list(a[1]).is_empty() {
        return Ok(Step::Done(a[1]));
    }
    let (function, xs) = (a[0], a[1]);
    with_function(
        m,
        function,
        &[xs],
        "while evaluating the first argument passed to builtins.map",
        move |m, f| {
            let heap = m.heap;
            let elements = heap.list(xs);
            m.st.stats.thunks += elements.len() as u64;
            let thunks = elements.iter().map(|x| heap.new_apply_thunk(NO_UNIT, 0, f, &[x.get()]));
            Ok(Step::Done(heap.new_list(thunks)))
        },
    )
}

/// Goes on with `f`, forced and checked to be a function; `go_on` holds no values but `held`.
fn with_function(
    m: &mut Machine<'_>,
    f: Val,
    held: &[Val],
    context: &'static str,
    mut go_on: impl FnMut(&mut Machine<'_>, Val) -> Result<Step, Error> + Send + 'static,
) -> Result<Step, Error> {
    match m.heap.peek(f) {
        Some(f) => {
            m.expect(f, Want::Function, context)?;
            go_on(m, f)
        }
        None => crate::native::then_expected(f, Want::Function, context, held, go_on),
    }
}

fn filter(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    if m.heap.list(a[1]).is_empty() {
        return Ok(Step::Done(a[1]));
    }
    let xs = a[1];
    with_function(
        m,
        a[0],
        &[xs],
        "while evaluating the first argument passed to builtins.filter",
        move |_, f| Ok(run(Filter { f, list: xs, i: 0, kept: Vec::new() })),
    )
}

struct Filter {
    f: Val,
    list: Val,
    i: usize,
    kept: Vec<Val>,
}

impl Native for Filter {
    traced!(self, visit: [self.f, self.list], &self.kept);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            const CONTEXT: &str =
                "while evaluating the return value of the filtering function passed to builtins.filter";
            if m.expect(input, Want::Bool, CONTEXT)? == Val::TRUE {
                self.kept.extend(element(m, self.list, self.i - 1));
            }
        }
        self.i += 1;
        Ok(match element(m, self.list, self.i - 1) {
            Some(x) => Step::Call(self.f, one(x)),
            None if self.kept.len() == m.heap.list(self.list).len() => Step::Done(self.list),
            None => Step::Done(list(m.heap, std::mem::take(&mut self.kept))),
        })
    }
}

fn elem(_: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    Ok(run(Elem { x: a[0], list: a[1], i: 0, forced: false }))
}

/// How many elements count as a step.
const AT_ONCE: usize = 1024;

struct Elem {
    x: Val,
    list: Val,
    i: usize,
    forced: bool,
}

impl Native for Elem {
    traced!(self, visit: [self.x, self.list]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input == Val::TRUE && self.i > 0 {
            return Ok(Step::Done(Val::TRUE));
        }
        if m.heap.list(self.list).is_empty() {
            return Ok(Step::Done(Val::FALSE));
        }
        if !self.forced {
            self.forced = true;
            return Ok(Step::Force(self.x));
        }
        while let Some(y) = element(m, self.list, self.i) {
            self.i += 1;
            if self.i.is_multiple_of(AT_ONCE) {
                m.tick(0)?;
            }
            match (m.heap.peek(self.x), m.heap.peek(y)) {
                (Some(x), Some(y)) => match compare::equal_now(m, x, y) {
                    Some(true) => return Ok(Step::Done(Val::TRUE)),
                    Some(false) => {}
                    None => return Ok(Step::Run(Box::new(Equal::new(x, y, false)))),
                },
                _ => return Ok(Step::Run(Box::new(Equal::new(self.x, y, false)))),
            }
        }
        Ok(Step::Done(Val::FALSE))
    }
}

struct ConcatLists {
    lists: Val,
    i: usize,
}

impl Native for ConcatLists {
    traced!(self, visit: [self.lists]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            m.expect(
                input,
                Want::List,
                "while evaluating a value of the list passed to builtins.concatLists",
            )?;
        }
        let lists = m.heap.list(self.lists);
        if let Some(next) = lists.get(self.i) {
            self.i += 1;
            return Ok(Step::Force(next.get()));
        }
        let lists: Vec<Val> = lists.iter().filter_map(|l| m.heap.peek(l.get())).collect();
        m.concat_lists(&lists).map(Step::Done)
    }
}

fn fold(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    if m.heap.list(a[2]).is_empty() {
        return Ok(Step::Return(a[1]));
    }
    Ok(run(Fold { f: a[0], acc: a[1], list: a[2], i: 0 }))
}

/// `foldl'`: the first accumulator is passed on as it is, later ones are forced by being results.
struct Fold {
    f: Val,
    acc: Val,
    list: Val,
    i: usize,
}

impl Native for Fold {
    traced!(self, visit: [self.f, self.acc, self.list]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            self.acc = input;
        }
        self.i += 1;
        Ok(match element(m, self.list, self.i - 1) {
            Some(x) => Step::Call(self.f, Args::from_slice(&[self.acc, x])),
            None => Step::Done(self.acc),
        })
    }
}

/// `any`, which stops at the first true, and `all`, which stops at the first false.
struct Quantifier {
    f: Val,
    list: Val,
    i: usize,
    stop: bool,
}

impl Quantifier {
    fn new(a: &[Val], stop: bool) -> Quantifier {
        Quantifier { f: a[0], list: a[1], i: 0, stop }
    }
}

impl Native for Quantifier {
    traced!(self, visit: [self.f, self.list]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            let context = match self.stop {
                true => "while evaluating the return value of the function passed to builtins.any",
                false => "while evaluating the return value of the function passed to builtins.all",
            };
            if m.expect(input, Want::Bool, context)? == Val::bool(self.stop) {
                return Ok(Step::Done(input));
            }
        }
        self.i += 1;
        Ok(match element(m, self.list, self.i - 1) {
            Some(x) => Step::Call(self.f, one(x)),
            None => Step::Done(Val::bool(!self.stop)),
        })
    }
}

fn gen_list(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let len = m.heap.as_int(a[1]).expect("checked");
    let Ok(n) = u32::try_from(len) else {
        return Err(if len < 0 {
            Error::eval(format!("cannot create list of size {len}"))
        } else {
            Error::new(crate::ErrorKind::Memory, format!("cannot create list of size {len}"))
        });
    };
    m.room_for(n as u64 * 32)?;
    with_function(
        m,
        a[0],
        &[],
        "while evaluating the first argument passed to builtins.genList",
        move |m, f| {
            let heap = m.heap;
            m.st.stats.thunks += n as u64;
            let thunks = (0..n).map(|i| heap.new_apply_thunk(NO_UNIT, 0, f, &[heap.new_int(i as i64)]));
            Ok(Step::Done(heap.new_list(thunks)))
        },
    )
}

fn sort(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let xs = a[1];
    if m.heap.list(xs).is_empty() {
        return Ok(Step::Done(xs));
    }
    with_function(
        m,
        a[0],
        &[xs],
        "while evaluating the first argument passed to builtins.sort",
        move |m, f| {
            let is_less_than = f == m.global(b"__lessThan");
            Ok(run(Sort::new(f, is_less_than, m.heap.list(xs).iter().map(Slot::get).collect())))
        },
    )
}

/// Up to so many elements are sorted by insertion.
const SORTED_BY_INSERTION: usize = 16;

/// A stable merge sort that looks for runs in the middle (peeksort of Munro and Wild, "Nearly-Optimal Mergesorts", 2018), which
/// asks for one comparison at a time, in CppNix's order.
struct Sort {
    f: Val,
    /// Whether `f` is `lessThan`, which needs no call.
    is_less_than: bool,
    /// How many elements were forced, before the first comparison.
    forced: usize,
    values: Vec<Val>,
    /// What is being merged: the left run, then the right one.
    buffer: Vec<Val>,
    /// What is still to be done, the next last.
    todo: Vec<SortTask>,
    at_work: Sorting,
}

#[derive(Clone, Copy)]
enum SortTask {
    /// Sort from `begin` to `end`; up to `left` and from `right` on it is sorted.
    Range { begin: usize, end: usize, left: usize, right: usize },
    /// Merge two sorted neighbours.
    Merge { begin: usize, middle: usize, end: usize },
}

/// What the next comparison is for.
#[derive(Clone, Copy)]
enum Sorting {
    Nothing,
    /// The element at `at` goes down to its place among those from `begin` on; then the one at `next` does.
    Insert {
        begin: usize,
        end: usize,
        at: usize,
        next: usize,
    },
    /// Whether the run in the middle of a range falls.
    Peek {
        begin: usize,
        end: usize,
        left: usize,
        right: usize,
    },
    /// How far the run in the middle goes to the left: it starts at `from` or before.
    Before {
        begin: usize,
        end: usize,
        left: usize,
        right: usize,
        falls: bool,
        from: usize,
    },
    /// How far it goes to the right: it starts at `from`, and `last` is in it.
    Behind {
        begin: usize,
        end: usize,
        left: usize,
        right: usize,
        falls: bool,
        from: usize,
        last: usize,
    },
    /// The elements in the buffer at `x`, before `middle`, and at `y` go to `out`.
    Merge {
        out: usize,
        x: usize,
        middle: usize,
        y: usize,
    },
}

impl Sort {
    fn new(f: Val, is_less_than: bool, values: Vec<Val>) -> Sort {
        let end = values.len();
        Sort {
            f,
            is_less_than,
            forced: 0,
            values,
            buffer: Vec::new(),
            todo: vec![SortTask::Range { begin: 0, end, left: 0, right: end }],
            at_work: Sorting::Nothing,
        }
    }

    /// The next two elements to compare: whether the first is less than the second. `None` at the end.
    fn next(&mut self) -> Option<(Val, Val)> {
        loop {
            match self.at_work {
                Sorting::Nothing => match self.todo.pop()? {
                    SortTask::Range { begin, end, left, right } => self.start(begin, end, left, right),
                    SortTask::Merge { begin, middle, end } => {
                        self.buffer.clear();
                        self.buffer.extend_from_slice(&self.values[begin..end]);
                        let middle = middle - begin;
                        self.at_work = Sorting::Merge { out: begin, x: 0, middle, y: middle };
                    }
                },
                Sorting::Insert { begin, end, at, next } => {
                    if at > begin {
                        return Some((self.values[at], self.values[at - 1]));
                    }
                    self.at_work = match next < end {
                        true => Sorting::Insert { begin, end, at: next, next: next + 1 },
                        false => Sorting::Nothing,
                    };
                }
                Sorting::Peek { begin, end, .. } => {
                    let middle = begin + (end - begin) / 2;
                    return Some((self.values[middle], self.values[middle - 1]));
                }
                Sorting::Before { begin, end, left, right, falls, from } => {
                    if from > left {
                        return Some((self.values[from], self.values[from - 1]));
                    }
                    let last = begin + (end - begin) / 2 - 1;
                    self.at_work = Sorting::Behind { begin, end, left, right, falls, from, last };
                }
                Sorting::Behind { begin, end, left, right, falls, from, last } => {
                    if last + 1 < right {
                        return Some((self.values[last + 1], self.values[last]));
                    }
                    self.found(begin, end, left, right, falls, (from, last + 1));
                }
                Sorting::Merge { out, x, middle, y } => {
                    if x < middle && y < self.buffer.len() {
                        // The right one goes first only if it is less: so equal elements keep their order.
                        return Some((self.buffer[y], self.buffer[x]));
                    }
                    let rest = if x < middle { x..middle } else { y..self.buffer.len() };
                    self.values[out..out + rest.len()].copy_from_slice(&self.buffer[rest]);
                    self.at_work = Sorting::Nothing;
                }
            }
        }
    }

    fn start(&mut self, begin: usize, end: usize, left: usize, right: usize) {
        if left == end || right == begin || end - begin < 2 {
            return;
        }
        if end - begin <= SORTED_BY_INSERTION {
            self.at_work = Sorting::Insert { begin, end, at: begin + 1, next: begin + 2 };
            return;
        }
        let middle = begin + (end - begin) / 2;
        if middle <= left {
            self.todo.push(SortTask::Merge { begin, middle: left, end });
            self.todo.push(SortTask::Range { begin: left, end, left: left + 1, right });
        } else if middle >= right {
            self.todo.push(SortTask::Merge { begin, middle: right, end });
            self.todo.push(SortTask::Range { begin, end: right, left, right: right - 1 });
        } else {
            self.at_work = Sorting::Peek { begin, end, left, right };
        }
    }

    /// The run in the middle of a range is known: what is beside it is sorted, and merged at the run's end that is nearer to
    /// the middle.
    fn found(
        &mut self,
        begin: usize,
        end: usize,
        left: usize,
        right: usize,
        falls: bool,
        (from, to): (usize, usize),
    ) {
        self.at_work = Sorting::Nothing;
        if falls {
            self.values[from..to].reverse();
        }
        if from == begin && to == end {
            return;
        }
        let middle = begin + (end - begin) / 2;
        if middle - from < to - middle {
            self.todo.push(SortTask::Merge { begin, middle: from, end });
            self.todo.push(SortTask::Range { begin: from, end, left: to, right });
            self.todo.push(SortTask::Range { begin, end: from, left, right: from.saturating_sub(1) });
        } else {
            self.todo.push(SortTask::Merge { begin, middle: to, end });
            self.todo.push(SortTask::Range { begin: to, end, left: to + 1, right });
            self.todo.push(SortTask::Range { begin, end: to, left, right: from });
        }
    }

    fn answer(&mut self, less: bool) {
        match self.at_work {
            Sorting::Nothing => unreachable!("nothing was asked"),
            Sorting::Insert { begin, end, at, next } => {
                if less {
                    self.values.swap(at, at - 1);
                }
                let at = if less { at - 1 } else { begin };
                self.at_work = Sorting::Insert { begin, end, at, next };
            }
            Sorting::Peek { begin, end, left, right } => {
                let from = begin + (end - begin) / 2 - 1;
                self.at_work = Sorting::Before { begin, end, left, right, falls: less, from };
            }
            Sorting::Before { begin, end, left, right, falls, from } => {
                self.at_work = match less == falls {
                    true => Sorting::Before { begin, end, left, right, falls, from: from - 1 },
                    false => {
                        let last = begin + (end - begin) / 2 - 1;
                        Sorting::Behind { begin, end, left, right, falls, from, last }
                    }
                };
            }
            Sorting::Behind { begin, end, left, right, falls, from, last } => match less == falls {
                true => {
                    let last = last + 1;
                    self.at_work = Sorting::Behind { begin, end, left, right, falls, from, last };
                }
                false => self.found(begin, end, left, right, falls, (from, last + 1)),
            },
            Sorting::Merge { out, mut x, middle, mut y } => {
                let at = if less { &mut y } else { &mut x };
                self.values[out] = self.buffer[*at];
                *at += 1;
                self.at_work = Sorting::Merge { out: out + 1, x, middle, y };
            }
        }
    }
}

impl Native for Sort {
    traced!(self, visit: [self.f], &self.values, &self.buffer);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if self.forced < self.values.len() {
            if input != Val::ABSENT {
                self.values[self.forced] = input;
                self.forced += 1;
            }
            if let Some(&v) = self.values.get(self.forced) {
                return Ok(Step::Force(v));
            }
        } else {
            const CONTEXT: &str =
                "while evaluating the return value of the sorting function passed to builtins.sort";
            let less = m.expect(input, Want::Bool, CONTEXT)? == Val::TRUE;
            self.answer(less);
        }
        while let Some((a, b)) = self.next() {
            if !self.is_less_than {
                return Ok(Step::Call(self.f, Args::from_slice(&[a, b])));
            }
            match compare::less_now(m, a, b).map_err(|e| e.while_(Pos::NONE, ORDERING))? {
                Some(less) => self.answer(less),
                None => {
                    return Ok(match compare::less(a, b) {
                        Step::ReturnRun(native) => Step::Run(native),
                        step => step,
                    });
                }
            }
        }
        Ok(Step::Done(list(m.heap, std::mem::take(&mut self.values))))
    }

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        if self.is_less_than && self.forced == self.values.len() {
            error.add_trace(Pos::NONE, ORDERING);
        }
    }
}

const ORDERING: &str = "while evaluating the ordering function passed to builtins.sort";

struct Partition {
    f: Val,
    list: Val,
    i: usize,
    /// Whether the element was forced and is to be called with next.
    forced: bool,
    right: Vec<Val>,
    wrong: Vec<Val>,
}

impl Native for Partition {
    traced!(self, visit: [self.f, self.list], &self.right, &self.wrong);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if std::mem::take(&mut self.forced) {
            return Ok(Step::Call(self.f, one(input)));
        }
        if input != Val::ABSENT {
            const CONTEXT: &str =
                "while evaluating the return value of the partition function passed to builtins.partition";
            let is_right = m.expect(input, Want::Bool, CONTEXT)? == Val::TRUE;
            let to = if is_right { &mut self.right } else { &mut self.wrong };
            to.extend(element(m, self.list, self.i));
            self.i += 1;
        }
        if let Some(x) = element(m, self.list, self.i) {
            self.forced = true;
            return Ok(Step::Force(x));
        }
        let right = list(m.heap, std::mem::take(&mut self.right));
        let wrong = list(m.heap, std::mem::take(&mut self.wrong));
        let names = [m.st.known.right(), m.st.known.wrong()];
        Ok(Step::Done(m.new_attrs(&names, &[right, wrong])))
    }
}

struct GroupBy {
    f: Val,
    list: Val,
    i: usize,
    names: Vec<Symbol>,
    groups: FxHashMap<Symbol, Vec<Val>>,
}

impl Native for GroupBy {
    traced!(self, visit: [self.f, self.list], self.groups.values().flatten());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            const CONTEXT: &str =
                "while evaluating the return value of the grouping function passed to builtins.groupBy";
            m.expect(input, Want::Plain, CONTEXT)?;
            let name = m.symbol(input);
            let names = &mut self.names;
            let group = self.groups.entry(name).or_insert_with(|| {
                names.push(name);
                Vec::new()
            });
            group.extend(element(m, self.list, self.i - 1));
        }
        self.i += 1;
        if let Some(x) = element(m, self.list, self.i - 1) {
            return Ok(Step::Call(self.f, one(x)));
        }
        let groups = std::mem::take(&mut self.groups);
        let values: Vec<Val> = self.names.iter().map(|n| list(m.heap, groups[n].clone())).collect();
        Ok(Step::Done(m.new_attrs(&self.names, &values)))
    }
}

struct ConcatMap {
    f: Val,
    list: Val,
    i: usize,
    lists: Vec<Val>,
}

impl Native for ConcatMap {
    traced!(self, visit: [self.f, self.list], &self.lists);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            const CONTEXT: &str =
                "while evaluating the return value of the function passed to builtins.concatMap";
            if !input.is_list() {
                let pos = match m.function_pos(input) {
                    Pos::NONE => m.function_pos(self.f),
                    pos => pos,
                };
                return Err(m.wanted("a list", input).while_(pos, CONTEXT));
            }
            self.lists.push(input);
        }
        self.i += 1;
        match element(m, self.list, self.i - 1) {
            Some(x) => Ok(Step::Call(self.f, one(x))),
            None => m.concat_lists(&self.lists).map(Step::Done),
        }
    }
}

fn generic_closure(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    const SET: &str = "in the attrset passed as argument to builtins.genericClosure";
    let set = a[0];
    let start = m.required_attr(set, m.st.known.start_set(), SET)?;
    crate::native::then(Step::Force(start), &[set], |m, kept, start| {
        let set = kept[0];
        const START: &str =
            "while evaluating the 'startSet' attribute passed as argument to builtins.genericClosure";
        m.expect(start, Want::List, START)?;
        if m.heap.list(start).is_empty() {
            return Ok(Step::Done(start));
        }
        let operator = m.required_attr(set, m.st.known.operator(), SET)?;
        const OPERATOR: &str =
            "while evaluating the 'operator' attribute passed as argument to builtins.genericClosure";
        let operator = crate::native::expected(operator, Want::Function, OPERATOR);
        crate::native::then(operator, &[start], |m, kept, operator| {
            let start = kept[0];
            Ok(run(Closure {
                operator,
                work: m.heap.list(start).iter().map(Slot::get).collect(),
                found: Vec::new(),
                keys: Keys::default(),
                state: Closing::Next,
            }))
        })
    })
}

/// The keys seen so far. Strings and integers are looked up; all others are compared with each.
#[derive(Default)]
struct Keys {
    strings: hashbrown::HashSet<Vec<u8>, rustc_hash::FxBuildHasher>,
    ints: std::collections::BTreeSet<i64>,
    /// All keys, if some are neither.
    all: Vec<Val>,
    /// One key of each sort, to compare with when a key is of another.
    sample: Option<Val>,
}

impl Keys {
    /// Whether the key is new. `None` if it has to be compared with all others by `<`.
    fn insert(&mut self, m: &mut Machine<'_>, key: Val) -> Result<Option<bool>, Error> {
        if let Some(sample) = self.sample {
            // Refuses keys that cannot be compared, in the words of `<`.
            compare::less_now(m, key, sample)?;
        }
        self.sample = Some(key);
        let only_sorted = self.all.len() == self.strings.len() + self.ints.len();
        let new = if key.is_string() && only_sorted {
            self.strings.insert(m.heap.bytes(key).to_vec())
        } else if let (Some(n), true) = (m.heap.as_int(key), only_sorted) {
            self.ints.insert(n)
        } else {
            return Ok(None);
        };
        if new {
            self.all.push(key);
        }
        Ok(Some(new))
    }
}

#[derive(Clone)]
enum Closing {
    Next,
    Element(Val),
    Key(Val),
    /// Comparing a key of an element with the known one at this place: is it less, then is it greater?
    Compare {
        element: Val,
        key: Val,
        i: usize,
        greater: bool,
    },
    Results,
    Elements {
        list: Val,
        i: usize,
    },
}

impl Closing {
    fn values(&self) -> [Val; 2] {
        match *self {
            Closing::Next | Closing::Results => [Val::NULL; 2],
            Closing::Element(v) | Closing::Key(v) | Closing::Elements { list: v, .. } => [v; 2],
            Closing::Compare { element, key, .. } => [element, key],
        }
    }
}

struct Closure {
    operator: Val,
    work: std::collections::VecDeque<Val>,
    found: Vec<Val>,
    keys: Keys,
    state: Closing,
}

impl Closure {
    fn accept(&mut self, element: Val) -> Step {
        self.found.push(element);
        self.state = Closing::Results;
        Step::Call(self.operator, one(element))
    }

    /// Goes on comparing a key with all known ones.
    fn compare(&mut self, element: Val, key: Val, i: usize, greater: bool) -> Step {
        let Some(&known) = self.keys.all.get(i) else {
            self.keys.all.push(key);
            return self.accept(element);
        };
        self.state = Closing::Compare { element, key, i, greater };
        let (a, b) = if greater { (known, key) } else { (key, known) };
        Step::Run(Box::new(crate::native::Closure::at_once(&[a, b], move |m: &mut Machine<'_>, _| {
            Ok(match compare::less_now(m, a, b)? {
                Some(less) => Step::Done(Val::bool(less)),
                None => compare::less(a, b),
            })
        })))
    }
}

impl Native for Closure {
    traced!(self, visit: [self.operator], &self.work, &self.found, &self.keys.all, self.keys.sample.iter(), self.state.values());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let at = self.state.clone();
        self.step(m, input).map_err(|mut error| {
            self.state = if matches!(self.state, Closing::Next) { at } else { self.state.clone() };
            self.blame(m, input, &mut error);
            error
        })
    }

    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        self.blame(m, Val::ABSENT, error);
    }
}

impl Closure {
    fn step(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        loop {
            match std::mem::replace(&mut self.state, Closing::Next) {
                Closing::Next => {
                    let Some(element) = self.work.pop_front() else {
                        return Ok(Step::Done(list(m.heap, std::mem::take(&mut self.found))));
                    };
                    self.state = Closing::Element(element);
                    return Ok(Step::Force(element));
                }
                Closing::Element(_) => {
                    m.expect(input, Want::Attrs, "")?;
                    let key = m.required_attr(input, m.st.known.key(), "")?;
                    self.state = Closing::Key(input);
                    return Ok(Step::Force(key));
                }
                Closing::Key(element) => match self.keys.insert(m, input)? {
                    Some(true) => return Ok(self.accept(element)),
                    Some(false) => {}
                    None => return Ok(self.compare(element, input, 0, false)),
                },
                Closing::Compare { element, key, i, greater } => {
                    if input == Val::TRUE {
                        return Ok(self.compare(element, key, i + 1, false));
                    }
                    if !greater {
                        return Ok(self.compare(element, key, i, true));
                    }
                    // Neither less nor greater: the element is known.
                }
                Closing::Results => {
                    const CONTEXT: &str = "while evaluating the return value of the `operator` passed to builtins.genericClosure";
                    let list = m.expect(input, Want::List, CONTEXT)?;
                    self.state = Closing::Elements { list, i: 0 };
                }
                Closing::Elements { list, i } => {
                    if i > 0 {
                        self.work.push_back(input);
                    }
                    if let Some(next) = element(m, list, i) {
                        self.state = Closing::Elements { list, i: i + 1 };
                        return Ok(Step::Force(next));
                    }
                }
            }
        }
    }

    /// What the trace says of an error in the state that it happened in; `input` is the value just received.
    fn blame(&self, m: &mut Machine<'_>, input: Val, error: &mut Error) {
        match self.state {
            Closing::Next => {}
            Closing::Element(element) => {
                let shown = m.show_short(element);
                error.add_trace(Pos::NONE, format!("in genericClosure element {shown}"));
            }
            // Nothing is said of computing the key, but of comparing it.
            Closing::Key(_) if input == Val::ABSENT => {}
            Closing::Key(element) | Closing::Compare { element, .. } => {
                let [other, element] = [self.found[0], element].map(|v| m.show_short(v));
                error.add_trace(Pos::NONE, format!("with element {other}"));
                error.add_trace(Pos::NONE, format!("while comparing element {element}"));
            }
            Closing::Results | Closing::Elements { .. } => {
                let element = *self.found.last().expect("the operator is called with an element");
                let shown = m.show_short(element);
                error.add_trace(
                    Pos::NONE,
                    format!("while calling operator on genericClosure element {shown}"),
                );
            }
        }
    }
}

impl Machine<'_> {
    /// An attribute that must be there.
    pub(crate) fn required_attr(
        &mut self,
        set: Val,
        name: Symbol,
        context: &'static str,
    ) -> Result<Val, Error> {
        match self.attr(set, name) {
            Some(slot) => Ok(slot.get()),
            None => {
                let name = self.shown_name(name);
                Err(Error::typed(format!("attribute '{name}' missing")).while_(Pos::NONE, context))
            }
        }
    }
}
