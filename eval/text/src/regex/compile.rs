//! Expressions to programs.
//!
//! The grammar, the order in which things are refused and the count of states are those of
//! libstdc++. Nested groups are kept on a stack of our own, so that any depth is fine.

use super::RegexError;
use super::classes::{ByteSet, class, collating_element, equivalents};

/// How many states libstdc++ allows.
const MAX_STATES: u64 = 100_000;

/// The index of a step.
pub(super) type StepIdx = u32;

/// No step yet: where a fragment ends until it is joined to the next.
const OPEN: StepIdx = StepIdx::MAX;

/// What to do at one point of the text, and where to go on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Take this byte.
    Byte { byte: u8, next: StepIdx },
    /// Take any byte. (libstdc++ would not take a zero, but no string of Nix holds one.)
    Any { next: StepIdx },
    /// Take a byte of this set, given by its index.
    Set { set: u32, next: StepIdx },
    /// Only at the text's start.
    AtStart { next: StepIdx },
    /// Only at the text's end.
    AtEnd { next: StepIdx },
    /// A group begins.
    Open { group: u32, next: StepIdx },
    /// A group ends.
    Close { group: u32, next: StepIdx },
    /// Either of two, equally good but for the length of what they match.
    Either { first: StepIdx, second: StepIdx },
    /// Once more, or if that leads nowhere, on. `height` is zero unless the body can match nothing;
    /// see [`Step::Again`].
    Repeat { body: StepIdx, height: u32, next: StepIdx },
    /// The end of a body that can match nothing. If it did match nothing, it is not repeated.
    ///
    /// `height` counts how deep such loops are nested inside this one, from one.
    Again { repeat: StepIdx, height: u32, next: StepIdx },
    /// Go on.
    Skip { next: StepIdx },
    /// The expression has matched.
    Accept,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) sets: Vec<ByteSet>,
    pub(super) start: StepIdx,
    pub(super) n_groups: usize,
    /// One more than the greatest `height` of a step.
    pub(super) n_heights: u32,
    /// Whether there is a [`Step::Either`].
    pub(super) has_alternatives: bool,
    /// The bytes a match may begin with, or `None` if one may be empty.
    pub(super) first_bytes: Option<ByteSet>,
    /// The text the expression stands for, if it matches nothing else and has no groups.
    pub(super) literal: Option<Vec<u8>>,
}

impl Program {
    pub(super) fn held(&self) -> u64 {
        (size_of::<Program>() + size_of_val(&self.steps[..]) + size_of_val(&self.sets[..])) as u64
    }
}

/// Compiles an expression.
pub(super) fn compile(pattern: &[u8]) -> Result<Program, RegexError> {
    let mut compiler = Compiler {
        rest: pattern,
        steps: Vec::new(),
        sets: Vec::new(),
        n_groups: 0,
        // libstdc++ makes a group of the whole.
        n_states: 1,
        open: vec![OpenGroup::default()],
        repeatable: false,
    };
    compiler.expression()?;
    Ok(compiler.finish())
}

/// Steps that begin at one and end, by going to [`OPEN`], at another.
#[derive(Clone, Copy, Debug)]
struct Fragment {
    start: StepIdx,
    end: StepIdx,
    /// How many states libstdc++ has for it.
    n_states: u64,
    can_be_empty: bool,
    /// The greatest height of a loop inside, or zero.
    height: u32,
    /// Where its steps lie: all that may be reached, and nothing outside.
    first_step: StepIdx,
    after_steps: StepIdx,
}

/// A group whose end was not met yet; the first is the whole expression.
#[derive(Debug, Default)]
struct OpenGroup {
    index: u32,
    /// Alternatives complete.
    alternatives: Vec<Fragment>,
    /// The terms of the alternative at hand.
    terms: Vec<Fragment>,
}

struct Compiler<'a> {
    rest: &'a [u8],
    steps: Vec<Step>,
    sets: Vec<ByteSet>,
    n_groups: u32,
    /// How many states libstdc++ would have by now, used or not.
    n_states: u64,
    open: Vec<OpenGroup>,
    /// Whether the last term may be followed by `*` and the like.
    repeatable: bool,
}

impl Compiler<'_> {
    fn expression(&mut self) -> Result<(), RegexError> {
        while let Some((&c, rest)) = self.rest.split_first() {
            self.rest = rest;
            self.token(c)?;
        }
        if self.open.len() > 1 {
            return Err(RegexError::Invalid);
        }
        // The end of the outermost group, and acceptance.
        self.end_alternative()?;
        self.count(2)
    }

    fn token(&mut self, c: u8) -> Result<(), RegexError> {
        match c {
            b'\\' => self.escape(),
            b'(' => self.open_group(),
            b')' => self.close_group(),
            b'[' => self.bracket(),
            b'{' => self.interval(),
            b'*' => self.star(),
            b'+' => self.plus(),
            b'?' => self.question_mark(),
            b'|' => self.end_alternative(),
            b'.' => self.atom(Step::Any { next: OPEN }),
            b'^' => self.assertion(Step::AtStart { next: OPEN }),
            b'$' => self.assertion(Step::AtEnd { next: OPEN }),
            byte => self.atom(Step::Byte { byte, next: OPEN }),
        }
    }

    /// Only what is special may be escaped.
    fn escape(&mut self) -> Result<(), RegexError> {
        match self.rest.split_first() {
            Some((&byte, rest)) if b".[\\()*+?{|^$".contains(&byte) => {
                self.rest = rest;
                self.atom(Step::Byte { byte, next: OPEN })
            }
            _ => Err(RegexError::Invalid),
        }
    }

    fn atom(&mut self, step: Step) -> Result<(), RegexError> {
        self.count(1)?;
        let fragment = self.single(step, false);
        self.push_term(fragment, true);
        Ok(())
    }

    fn assertion(&mut self, step: Step) -> Result<(), RegexError> {
        self.count(1)?;
        let fragment = self.single(step, true);
        self.push_term(fragment, false);
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), RegexError> {
        self.count(1)?;
        self.n_groups += 1;
        self.open.push(OpenGroup { index: self.n_groups, ..OpenGroup::default() });
        self.repeatable = false;
        Ok(())
    }

    fn close_group(&mut self) -> Result<(), RegexError> {
        if self.open.len() == 1 {
            return Err(RegexError::Invalid);
        }
        self.end_alternative()?;
        self.count(1)?;
        let closed = self.open.pop().expect("there are two");
        let body = self.join_alternatives(closed.alternatives);
        let group = closed.index - 1;
        let begin = self.single(Step::Open { group, next: OPEN }, true);
        let end = self.single(Step::Close { group, next: OPEN }, true);
        let fragment = self.concatenate(&[begin, body, end]);
        self.push_term(fragment, true);
        Ok(())
    }

    /// At a bar, or the end of a group.
    fn end_alternative(&mut self) -> Result<(), RegexError> {
        // A state after the last term; for every alternative but the first, two to join it.
        let n_joining = if self.group().alternatives.is_empty() { 0 } else { 2 };
        self.count(1 + n_joining)?;
        let terms = std::mem::take(&mut self.group().terms);
        let mut alternative = self.concatenate(&terms);
        alternative.n_states = terms.iter().map(|term| term.n_states).sum::<u64>() + 1;
        self.group().alternatives.push(alternative);
        self.repeatable = false;
        Ok(())
    }

    fn join_alternatives(&mut self, alternatives: Vec<Fragment>) -> Fragment {
        let mut alternatives = alternatives.into_iter();
        let first = alternatives.next().expect("end_alternative pushed one");
        alternatives.fold(first, |a, b| self.either(a, b))
    }

    fn either(&mut self, a: Fragment, b: Fragment) -> Fragment {
        let end = self.push(Step::Skip { next: OPEN });
        self.link(a, end);
        self.link(b, end);
        let start = self.push(Step::Either { first: a.start, second: b.start });
        Fragment {
            start,
            end,
            n_states: a.n_states + b.n_states + 2,
            can_be_empty: a.can_be_empty || b.can_be_empty,
            height: a.height.max(b.height),
            first_step: a.first_step.min(b.first_step),
            after_steps: start + 1,
        }
    }

    fn star(&mut self) -> Result<(), RegexError> {
        let body = self.repeated()?;
        self.count(1)?;
        let (repeat, exit, height) = self.repeat(body);
        let fragment = Fragment {
            start: repeat,
            end: exit,
            n_states: body.n_states + 1,
            can_be_empty: true,
            height,
            first_step: body.first_step,
            after_steps: exit + 1,
        };
        self.push_term(fragment, true);
        Ok(())
    }

    fn plus(&mut self) -> Result<(), RegexError> {
        let body = self.repeated()?;
        self.count(1)?;
        let (_, exit, height) = self.repeat(body);
        let fragment =
            Fragment { end: exit, n_states: body.n_states + 1, height, after_steps: exit + 1, ..body };
        self.push_term(fragment, true);
        Ok(())
    }

    fn question_mark(&mut self) -> Result<(), RegexError> {
        let body = self.repeated()?;
        self.count(2)?;
        let fragment = self.optional(body);
        self.push_term(fragment, true);
        Ok(())
    }

    fn optional(&mut self, body: Fragment) -> Fragment {
        let end = self.push(Step::Skip { next: OPEN });
        self.link(body, end);
        let start = self.push(Step::Repeat { body: body.start, height: 0, next: end });
        Fragment {
            start,
            end,
            n_states: body.n_states + 2,
            can_be_empty: true,
            after_steps: start + 1,
            ..body
        }
    }

    /// Makes a loop of `body`; returns where it repeats, where it goes on, and its height.
    fn repeat(&mut self, body: Fragment) -> (StepIdx, StepIdx, u32) {
        let height = if body.can_be_empty { body.height + 1 } else { 0 };
        let repeat = self.push(Step::Repeat { body: body.start, height, next: OPEN });
        let exit = if body.can_be_empty {
            let again = self.push(Step::Again { repeat, height, next: OPEN });
            self.link(body, again);
            let exit = self.push(Step::Skip { next: OPEN });
            set_next(&mut self.steps[again as usize], exit);
            exit
        } else {
            self.link(body, repeat);
            self.push(Step::Skip { next: OPEN })
        };
        set_next(&mut self.steps[repeat as usize], exit);
        (repeat, exit, height.max(body.height))
    }

    /// `{n}`, `{n,}` or `{n,m}`.
    fn interval(&mut self) -> Result<(), RegexError> {
        let body = self.repeated()?;
        let min = self.number()?;
        let max = match self.take(b',') {
            false => Some(min),
            true if self.rest.first().is_some_and(u8::is_ascii_digit) => Some(self.number()?),
            true => None,
        };
        if !self.take(b'}') {
            return Err(RegexError::Invalid);
        }
        self.count(1)?;
        for _ in 0..min {
            self.count(body.n_states)?;
        }
        let fragment = match max {
            None => self.at_least(body, min)?,
            Some(max) if max < min => return Err(RegexError::Invalid),
            Some(max) => self.between(body, min, max - min)?,
        };
        self.push_term(fragment, true);
        Ok(())
    }

    /// `min` times and then any number of times.
    fn at_least(&mut self, body: Fragment, min: u32) -> Result<Fragment, RegexError> {
        self.count(body.n_states + 1)?;
        let mut copies = self.copies(body, min + 1);
        let last = copies.pop().expect("there is one at least");
        let (repeat, exit, height) = self.repeat(last);
        copies.push(Fragment {
            start: repeat,
            end: exit,
            n_states: body.n_states + 1,
            can_be_empty: true,
            height,
            first_step: last.first_step,
            after_steps: exit + 1,
        });
        let mut fragment = self.concatenate(&copies);
        fragment.n_states += 1;
        Ok(fragment)
    }

    /// `min` times and then at most `n_more` times: each inside the one before, so that none is
    /// skipped.
    fn between(&mut self, body: Fragment, min: u32, n_more: u32) -> Result<Fragment, RegexError> {
        self.count(1)?;
        for _ in 0..n_more {
            self.count(body.n_states + 1)?;
        }
        let mut copies = self.copies(body, min + n_more);
        let mut tail = self.single(Step::Skip { next: OPEN }, true);
        for copy in copies.split_off(min as usize) {
            let inner = self.concatenate(&[copy, tail]);
            tail = self.optional(inner);
        }
        copies.push(tail);
        let mut fragment = self.concatenate(&copies);
        fragment.n_states = body.n_states * u64::from(min + n_more) + u64::from(n_more) + 2;
        Ok(fragment)
    }

    /// So many of a fragment: itself, and copies.
    fn copies(&mut self, body: Fragment, n: u32) -> Vec<Fragment> {
        // The copies first: what is linked cannot be copied.
        let copies: Vec<Fragment> = (1..n).map(|_| self.clone_of(body)).collect();
        std::iter::once(body).take(n as usize).chain(copies).collect()
    }

    fn number(&mut self) -> Result<u32, RegexError> {
        let n_digits = self.rest.iter().take_while(|c| c.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(n_digits);
        self.rest = rest;
        let digits = std::str::from_utf8(digits).expect("digits are ASCII");
        match digits.parse::<i64>() {
            // Beyond 32 bits the limit on states is passed in any case.
            Ok(n) => Ok(u32::try_from(n).unwrap_or(u32::MAX)),
            Err(_) => Err(RegexError::Invalid),
        }
    }

    fn bracket(&mut self) -> Result<(), RegexError> {
        let (set, rest) = Bracket::new(self.rest).parse()?;
        self.rest = rest;
        let index = self.sets.len() as u32;
        self.sets.push(set);
        self.atom(Step::Set { set: index, next: OPEN })
    }

    /// The term before `*` and the like.
    fn repeated(&mut self) -> Result<Fragment, RegexError> {
        if !self.repeatable {
            return Err(RegexError::Invalid);
        }
        Ok(self.group().terms.pop().expect("what is repeatable is a term"))
    }

    fn push_term(&mut self, fragment: Fragment, repeatable: bool) {
        self.group().terms.push(fragment);
        self.repeatable = repeatable;
    }

    fn group(&mut self) -> &mut OpenGroup {
        self.open.last_mut().expect("the outermost group stays open")
    }

    fn take(&mut self, c: u8) -> bool {
        let rest = self.rest.strip_prefix(&[c]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn count(&mut self, n: u64) -> Result<(), RegexError> {
        self.n_states = self.n_states.saturating_add(n);
        if self.n_states > MAX_STATES { Err(RegexError::TooLarge) } else { Ok(()) }
    }

    fn push(&mut self, step: Step) -> StepIdx {
        self.steps.push(step);
        (self.steps.len() - 1) as StepIdx
    }

    fn single(&mut self, step: Step, can_be_empty: bool) -> Fragment {
        let at = self.push(step);
        Fragment {
            start: at,
            end: at,
            n_states: 1,
            can_be_empty,
            height: 0,
            first_step: at,
            after_steps: at + 1,
        }
    }

    fn concatenate(&mut self, fragments: &[Fragment]) -> Fragment {
        let Some((&first, others)) = fragments.split_first() else {
            return self.single(Step::Skip { next: OPEN }, true);
        };
        others.iter().fold(first, |a, &b| {
            self.link(a, b.start);
            Fragment {
                start: a.start,
                end: b.end,
                n_states: a.n_states + b.n_states,
                can_be_empty: a.can_be_empty && b.can_be_empty,
                height: a.height.max(b.height),
                first_step: a.first_step.min(b.first_step),
                after_steps: a.after_steps.max(b.after_steps),
            }
        })
    }

    fn link(&mut self, fragment: Fragment, next: StepIdx) {
        set_next(&mut self.steps[fragment.end as usize], next);
    }

    /// A copy of a fragment not yet linked to anything.
    fn clone_of(&mut self, fragment: Fragment) -> Fragment {
        let shift = self.steps.len() as StepIdx - fragment.first_step;
        for at in fragment.first_step..fragment.after_steps {
            let step = self.steps[at as usize];
            self.steps.push(shifted(step, shift));
        }
        Fragment {
            start: fragment.start + shift,
            end: fragment.end + shift,
            first_step: fragment.first_step + shift,
            after_steps: fragment.after_steps + shift,
            ..fragment
        }
    }

    fn finish(mut self) -> Program {
        let whole = self.open.pop().expect("the outermost group stays open");
        let whole = self.join_alternatives(whole.alternatives);
        let accept = self.push(Step::Accept);
        self.link(whole, accept);
        let has_alternatives = self.steps.iter().any(|step| matches!(step, Step::Either { .. }));
        let mut program = Program {
            steps: self.steps,
            sets: self.sets,
            start: whole.start,
            n_groups: self.n_groups as usize,
            n_heights: whole.height + 1,
            has_alternatives,
            first_bytes: None,
            literal: None,
        };
        program.skip_skips();
        program.first_bytes = program.find_first_bytes();
        program.literal = program.find_literal();
        program
    }
}

fn set_next(step: &mut Step, target: StepIdx) {
    match step {
        Step::Byte { next, .. }
        | Step::Any { next }
        | Step::Set { next, .. }
        | Step::AtStart { next }
        | Step::AtEnd { next }
        | Step::Open { next, .. }
        | Step::Close { next, .. }
        | Step::Repeat { next, .. }
        | Step::Again { next, .. }
        | Step::Skip { next } => *next = target,
        Step::Either { .. } | Step::Accept => unreachable!("no fragment ends so"),
    }
}

/// The same step, all it goes to being `shift` further; but for what it is not linked to yet.
fn shifted(mut step: Step, shift: StepIdx) -> Step {
    for target in targets_mut(&mut step) {
        if *target != OPEN {
            *target += shift;
        }
    }
    step
}

fn targets_mut(step: &mut Step) -> impl Iterator<Item = &mut StepIdx> {
    let (first, second) = match step {
        Step::Byte { next, .. }
        | Step::Any { next }
        | Step::Set { next, .. }
        | Step::AtStart { next }
        | Step::AtEnd { next }
        | Step::Open { next, .. }
        | Step::Close { next, .. }
        | Step::Skip { next } => (Some(next), None),
        Step::Either { first, second } => (Some(first), Some(second)),
        Step::Repeat { body, next, .. } => (Some(body), Some(next)),
        Step::Again { repeat, next, .. } => (Some(repeat), Some(next)),
        Step::Accept => (None, None),
    };
    first.into_iter().chain(second)
}

impl Program {
    /// Makes nothing go to a [`Step::Skip`].
    fn skip_skips(&mut self) {
        let mut resolved = vec![OPEN; self.steps.len()];
        // Most go forward, so that from the end each is one look away from where it leads.
        for at in (0..self.steps.len() as StepIdx).rev() {
            let mut target = at;
            while let Some(Step::Skip { next }) = self.steps.get(target as usize) {
                let known = resolved.get(*next as usize).filter(|known| **known != OPEN);
                target = *known.unwrap_or(next);
            }
            resolved[at as usize] = target;
        }
        for step in &mut self.steps {
            for target in targets_mut(step) {
                // What was repeated no times leads nowhere.
                *target = resolved.get(*target as usize).copied().unwrap_or(OPEN);
            }
        }
        self.start = resolved[self.start as usize];
    }

    fn find_first_bytes(&self) -> Option<ByteSet> {
        let mut bytes = ByteSet::default();
        let mut seen = vec![false; self.steps.len()];
        let mut pending = vec![self.start];
        while let Some(at) = pending.pop() {
            if std::mem::replace(&mut seen[at as usize], true) {
                continue;
            }
            match self.steps[at as usize] {
                Step::Byte { byte, .. } => bytes.insert(byte),
                Step::Any { .. } => bytes = ByteSet::default().complement(),
                Step::Set { set, .. } => bytes = bytes.union(&self.sets[set as usize]),
                Step::Accept => return None,
                mut step => pending.extend(targets_mut(&mut step).map(|target| *target)),
            }
        }
        Some(bytes)
    }

    fn find_literal(&self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut at = self.start;
        loop {
            match self.steps[at as usize] {
                Step::Byte { byte, next } => {
                    text.push(byte);
                    at = next;
                }
                Step::Accept if !text.is_empty() => return Some(text),
                _ => return None,
            }
        }
    }
}

/// The inside of a bracket expression.
struct Bracket<'a> {
    rest: &'a [u8],
    is_negated: bool,
    is_at_start: bool,
    set: ByteSet,
    last: Last,
}

/// What came last in a bracket expression, as far as a dash after it cares.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    /// A byte, which may be the start of a range.
    Byte(u8),
    Class,
}

/// One token of a bracket expression.
enum Element {
    Byte(u8),
    Dash,
    Class(ByteSet),
    Collating(u8),
    End,
}

impl<'a> Bracket<'a> {
    fn new(rest: &'a [u8]) -> Bracket<'a> {
        let negated = rest.strip_prefix(b"^");
        Bracket {
            rest: negated.unwrap_or(rest),
            is_negated: negated.is_some(),
            is_at_start: true,
            set: ByteSet::default(),
            last: Last::Nothing,
        }
    }

    fn parse(mut self) -> Result<(ByteSet, &'a [u8]), RegexError> {
        // First of all a dash stands for itself.
        let mut element = match self.element()? {
            Element::Dash => Element::Byte(b'-'),
            element => element,
        };
        while self.add(element)? {
            element = self.element()?;
        }
        let set = if self.is_negated { self.set.complement() } else { self.set };
        Ok((set, self.rest))
    }

    /// Adds an element; false at the end.
    fn add(&mut self, element: Element) -> Result<bool, RegexError> {
        match element {
            Element::End => return Ok(false),
            Element::Byte(byte) | Element::Collating(byte) => self.add_byte(byte),
            Element::Class(set) => {
                self.set = self.set.union(&set);
                self.last = Last::Class;
            }
            Element::Dash => return self.add_range(),
        }
        Ok(true)
    }

    fn add_byte(&mut self, byte: u8) {
        self.set.insert(byte);
        self.last = Last::Byte(byte);
    }

    /// After a dash that is not first: it is last, or there is a byte before and one after.
    fn add_range(&mut self) -> Result<bool, RegexError> {
        let end = self.element()?;
        let (first, last) = match (self.last, end) {
            (_, Element::End) => {
                self.set.insert(b'-');
                return Ok(false);
            }
            (Last::Byte(first), Element::Byte(last)) => (first, last),
            (Last::Byte(first), Element::Dash) => (first, b'-'),
            _ => return Err(RegexError::Invalid),
        };
        // libstdc++ compares characters, which are signed.
        let (first, last) = (first as i8, last as i8);
        if first > last {
            return Err(RegexError::Invalid);
        }
        self.set = self.set.union(&ByteSet::of(|c| (first..=last).contains(&(c as i8))));
        self.last = Last::Nothing;
        Ok(true)
    }

    fn element(&mut self) -> Result<Element, RegexError> {
        let (&c, rest) = self.rest.split_first().ok_or(RegexError::Invalid)?;
        self.rest = rest;
        let is_at_start = std::mem::replace(&mut self.is_at_start, false);
        match (c, rest.first()) {
            (b'-', _) => Ok(Element::Dash),
            (b']', _) if !is_at_start => Ok(Element::End),
            (b'[', None) => Err(RegexError::Invalid),
            (b'[', Some(&kind @ (b'.' | b':' | b'='))) => self.named(kind),
            _ => Ok(Element::Byte(c)),
        }
    }

    /// `[:name:]`, `[.name.]` or `[=name=]`, after its first bracket.
    fn named(&mut self, kind: u8) -> Result<Element, RegexError> {
        let text = &self.rest[1..];
        let len = text.iter().position(|&c| c == kind).ok_or(RegexError::Invalid)?;
        let (name, after) = text.split_at(len);
        self.rest = after[1..].strip_prefix(b"]").ok_or(RegexError::Invalid)?;
        let element = match kind {
            b':' => class(name).map(Element::Class),
            b'=' => equivalents(name).map(Element::Class),
            _ => collating_element(name).map(Element::Collating),
        };
        element.ok_or(RegexError::Invalid)
    }
}
