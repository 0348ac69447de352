//! Programs on texts.
//!
//! A program is a graph of steps; between two branches there is only one way to go. So a search is
//! a walk from branch to branch, and a branch once tried at one place of the text is not tried
//! there again.

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use super::compile::{Program, Step, StepIdx};
use super::{Group, Match};

/// How many bits a search may take to remember where it was. Beyond, it remembers in a hash set:
/// slower, but in proportion to the ways tried.
const MAX_DENSE_BITS: usize = 1 << 26;

/// A group's begin or end that was not met.
const UNSET: usize = usize::MAX;

/// A place in the program and in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Node {
    at: StepIdx,
    /// Loops up to this height have taken nothing since their body began.
    fresh: u32,
    pos: usize,
}

/// Where the way to the next branch ends.
enum Stop {
    Branch(Node),
    Accept { pos: usize },
    Fail,
}

#[derive(Clone, Copy)]
struct Walker<'a> {
    program: &'a Program,
    text: &'a [u8],
}

impl Walker<'_> {
    fn start(&self, pos: usize) -> Node {
        Node { at: self.program.start, fresh: 0, pos }
    }

    /// Goes on to the next branch, telling which group begins or ends where.
    fn follow(&self, mut node: Node, mut on_slot: impl FnMut(usize, usize)) -> Stop {
        loop {
            let Node { at, pos, .. } = node;
            let takes = |next, matches: bool| matches.then_some(Node { at: next, fresh: 0, pos: pos + 1 });
            let passes = |next, matches: bool| matches.then_some(Node { at: next, ..node });
            let byte = self.text.get(pos).copied();
            let next = match self.program.steps[at as usize] {
                Step::Byte { byte: wanted, next } => takes(next, byte == Some(wanted)),
                Step::Any { next } => takes(next, byte.is_some()),
                Step::Set { set, next } => {
                    let set = &self.program.sets[set as usize];
                    takes(next, byte.is_some_and(|c| set.contains(c)))
                }
                Step::AtStart { next } => passes(next, pos == 0),
                Step::AtEnd { next } => passes(next, byte.is_none()),
                Step::Open { group, next } => {
                    on_slot(2 * group as usize, pos);
                    passes(next, true)
                }
                Step::Close { group, next } => {
                    on_slot(2 * group as usize + 1, pos);
                    passes(next, true)
                }
                Step::Again { repeat, height, .. } if height > node.fresh => passes(repeat, true),
                Step::Again { height, next, .. } => Some(leave(node, height, next)),
                Step::Skip { next } => passes(next, true),
                Step::Either { .. } | Step::Repeat { .. } => return Stop::Branch(node),
                Step::Accept => return Stop::Accept { pos },
            };
            match next {
                Some(next) => node = next,
                None => return Stop::Fail,
            }
        }
    }

    /// Both ways from a branch, the preferred one first, and whether the longer one wins.
    fn ways(&self, node: Node) -> (Node, Node, bool) {
        match self.program.steps[node.at as usize] {
            Step::Either { first, second } => (Node { at: first, ..node }, Node { at: second, ..node }, true),
            Step::Repeat { body, height, next } => {
                let body = Node { at: body, fresh: node.fresh.max(height), ..node };
                (body, leave(node, height, next), false)
            }
            _ => unreachable!("follow stops at branches only"),
        }
    }
}

/// Leaves a loop: if those around it have taken something, nothing is fresh any more.
fn leave(node: Node, height: u32, next: StepIdx) -> Node {
    let fresh = if node.fresh <= height { 0 } else { node.fresh };
    Node { at: next, fresh, ..node }
}

/// The groups of a match of all of `text`.
pub(super) fn match_whole(program: &Program, text: &[u8]) -> Option<Vec<Group>> {
    if let Some(literal) = &program.literal {
        return (literal == text).then(Vec::new);
    }
    let can_begin = match (&program.first_bytes, text.first()) {
        (None, _) => true,
        (Some(first_bytes), Some(&c)) => first_bytes.contains(c),
        (Some(_), None) => false,
    };
    if !can_begin {
        return None;
    }
    let walker = Walker { program, text };
    let mut first = FirstFound::new(walker);
    first.find(0, |end| end == text.len())?;
    Some(groups(&first.slots))
}

fn groups(slots: &[usize]) -> Vec<Group> {
    slots.chunks_exact(2).map(|slot| (slot[1] != UNSET).then_some(slot[0]..slot[1])).collect()
}

/// Finds the first way in order of preference.
struct FirstFound<'a> {
    walker: Walker<'a>,
    visited: Visited,
    jobs: Vec<Job>,
    slots: Vec<usize>,
}

enum Job {
    Try(Node),
    Restore { slot: usize, pos: usize },
}

impl<'a> FirstFound<'a> {
    fn new(walker: Walker<'a>) -> FirstFound<'a> {
        FirstFound { walker, visited: Visited::new(walker), jobs: Vec::new(), slots: Vec::new() }
    }

    /// The end of the first way from `start` whose end `accept` takes; its groups are in `slots`.
    ///
    /// Ways that failed are remembered, and not tried when they are met from another start.
    fn find(&mut self, start: usize, accept: impl Fn(usize) -> bool) -> Option<usize> {
        self.slots.clear();
        self.slots.resize(2 * self.walker.program.n_groups, UNSET);
        self.jobs.clear();
        self.jobs.push(Job::Try(self.walker.start(start)));
        while let Some(job) = self.jobs.pop() {
            match job {
                Job::Restore { slot, pos } => self.slots[slot] = pos,
                Job::Try(node) => {
                    if let Some(end) = self.try_from(node, &accept) {
                        return Some(end);
                    }
                }
            }
        }
        None
    }

    /// Takes the preferred way at each branch, and notes the other for later.
    fn try_from(&mut self, mut node: Node, accept: &impl Fn(usize) -> bool) -> Option<usize> {
        loop {
            let (jobs, slots) = (&mut self.jobs, &mut self.slots);
            let stop = self.walker.follow(node, |slot, pos| {
                jobs.push(Job::Restore { slot, pos: slots[slot] });
                slots[slot] = pos;
            });
            match stop {
                Stop::Accept { pos } if accept(pos) => return Some(pos),
                Stop::Accept { .. } | Stop::Fail => return None,
                Stop::Branch(branch) => {
                    if !self.visited.insert(branch) {
                        return None;
                    }
                    let (preferred, other, _) = self.walker.ways(branch);
                    self.jobs.push(Job::Try(other));
                    node = preferred;
                }
            }
        }
    }
}

/// The branches visited.
enum Visited {
    Dense { bits: Vec<u64>, touched: Vec<usize>, n_heights: usize, n_places: usize },
    Sparse(HashSet<Node, FxBuildHasher>),
}

impl Visited {
    fn new(walker: Walker<'_>) -> Visited {
        let (n_heights, n_places) = (walker.program.n_heights as usize, walker.text.len() + 1);
        let n_bits = (walker.program.steps.len() * n_heights).checked_mul(n_places);
        match n_bits.filter(|&n_bits| n_bits <= MAX_DENSE_BITS) {
            Some(n_bits) => {
                let bits = vec![0; n_bits.div_ceil(64)];
                Visited::Dense { bits, touched: Vec::new(), n_heights, n_places }
            }
            None => Visited::Sparse(HashSet::default()),
        }
    }

    /// Whether it was not there yet.
    fn insert(&mut self, node: Node) -> bool {
        match self {
            Visited::Sparse(nodes) => nodes.insert(node),
            Visited::Dense { bits, touched, n_heights, n_places } => {
                let row = node.at as usize * *n_heights + node.fresh as usize;
                let bit = row * *n_places + node.pos;
                let word = &mut bits[bit / 64];
                let mask = 1 << (bit % 64);
                if *word == 0 {
                    touched.push(bit / 64);
                }
                let is_new = *word & mask == 0;
                *word |= mask;
                is_new
            }
        }
    }

    /// Forgets all, at the cost of what there is.
    fn clear(&mut self) {
        match self {
            Visited::Sparse(nodes) => nodes.clear(),
            Visited::Dense { bits, touched, .. } => touched.drain(..).for_each(|word| bits[word] = 0),
        }
    }
}

/// Finds, of the ways libstdc++ would try, the first of the longest.
///
/// It tries both ways at an alternative, but a loop's end only if its body led nowhere. Where a
/// branch's best way ends does not depend on how the branch was reached.
struct Longest<'a> {
    walker: Walker<'a>,
    ends: HashMap<Node, Option<usize>, FxBuildHasher>,
    /// A match may not be empty at this place.
    not_empty_at: Option<usize>,
}

impl Longest<'_> {
    fn find(&mut self, start: usize, slots: &mut Vec<usize>) -> Option<usize> {
        let start = self.walker.start(start);
        let end = self.best_end(start)?;
        slots.clear();
        slots.resize(2 * self.walker.program.n_groups, UNSET);
        let mut node = start;
        while let Stop::Branch(branch) = self.walker.follow(node, |slot, pos| slots[slot] = pos) {
            let (preferred, other, longer_wins) = self.walker.ways(branch);
            let (a, b) = (self.known_end(preferred), self.known_end(other));
            let is_other_better = match (a, b) {
                (Known::End(a), Known::End(b)) if longer_wins => b > a,
                (Known::End(None), _) => true,
                _ => false,
            };
            node = if is_other_better { other } else { preferred };
        }
        Some(end)
    }

    fn best_end(&mut self, start: Node) -> Option<usize> {
        loop {
            let mut pending = match self.known_end(start) {
                Known::End(end) => return end,
                Known::Not(branch) => vec![branch],
            };
            while let Some(&branch) = pending.last() {
                match self.end_of_branch(branch) {
                    Known::Not(first) => pending.push(first),
                    Known::End(end) => {
                        self.ends.insert(branch, end);
                        pending.pop();
                    }
                }
            }
        }
    }

    /// The end of a branch's best way, or a branch that must be known before.
    fn end_of_branch(&self, branch: Node) -> Known {
        let (preferred, other, longer_wins) = self.walker.ways(branch);
        let a = match self.known_end(preferred) {
            Known::End(Some(end)) if !longer_wins => return Known::End(Some(end)),
            Known::End(end) => end,
            unknown => return unknown,
        };
        match self.known_end(other) {
            Known::End(b) => Known::End(a.max(b)),
            unknown => unknown,
        }
    }

    fn known_end(&self, node: Node) -> Known {
        match self.walker.follow(node, |_, _| {}) {
            Stop::Fail => Known::End(None),
            Stop::Accept { pos } => Known::End(Some(pos).filter(|_| self.not_empty_at != Some(pos))),
            Stop::Branch(branch) => match self.ends.get(&branch) {
                Some(&end) => Known::End(end),
                None => Known::Not(branch),
            },
        }
    }
}

enum Known {
    End(Option<usize>),
    Not(Node),
}

/// The matches in a text, first to last.
pub(super) struct Matches<'a> {
    walker: Walker<'a>,
    finder: Finder<'a>,
    /// Where the last match lay.
    last: Option<(usize, usize)>,
    is_done: bool,
}

enum Finder<'a> {
    Literal(&'a [u8]),
    First(FirstFound<'a>),
    Longest(Longest<'a>, Vec<usize>),
}

impl<'a> Matches<'a> {
    pub(super) fn new(program: &'a Program, text: &'a [u8]) -> Matches<'a> {
        let walker = Walker { program, text };
        let finder = match &program.literal {
            Some(literal) => Finder::Literal(literal),
            None if program.has_alternatives => {
                let ends = HashMap::default();
                Finder::Longest(Longest { walker, ends, not_empty_at: None }, Vec::new())
            }
            None => Finder::First(FirstFound::new(walker)),
        };
        Matches { walker, finder, last: None, is_done: false }
    }

    /// As libstdc++'s iterator goes on: after an empty match it first looks for one that begins
    /// there and is not empty.
    fn find_next(&mut self) -> Option<Match> {
        match self.last {
            None => self.search(0),
            Some((start, end)) if start < end => self.search(end),
            Some((_, end)) if end == self.walker.text.len() => None,
            Some((_, end)) => self.find_not_empty(end).or_else(|| self.search(end + 1)),
        }
    }

    fn search(&mut self, from: usize) -> Option<Match> {
        if let Finder::Literal(literal) = self.finder {
            let start = from + find_literal(&self.walker.text[from..], literal)?;
            return Some(Match { range: start..start + literal.len(), groups: Vec::new() });
        }
        (from..=self.walker.text.len()).find_map(|start| self.find_at(start))
    }

    fn find_at(&mut self, start: usize) -> Option<Match> {
        if let Some(first_bytes) = &self.walker.program.first_bytes
            && !self.walker.text.get(start).is_some_and(|&c| first_bytes.contains(c))
        {
            return None;
        }
        match &mut self.finder {
            Finder::Literal(_) => unreachable!("literals are searched for otherwise"),
            Finder::First(first) => {
                let end = first.find(start, |_| true)?;
                // What was visited on the way to a match did not fail.
                first.visited.clear();
                Some(Match { range: start..end, groups: groups(&first.slots) })
            }
            Finder::Longest(longest, slots) => {
                let end = longest.find(start, slots)?;
                Some(Match { range: start..end, groups: groups(slots) })
            }
        }
    }

    fn find_not_empty(&mut self, start: usize) -> Option<Match> {
        match &mut self.finder {
            Finder::Literal(_) => None,
            Finder::First(first) => {
                let end = first.find(start, |end| end != start);
                first.visited.clear();
                Some(Match { range: start..end?, groups: groups(&first.slots) })
            }
            Finder::Longest(..) => {
                let (ends, not_empty_at) = (HashMap::default(), Some(start));
                let mut slots = Vec::new();
                let end = Longest { walker: self.walker, ends, not_empty_at }.find(start, &mut slots)?;
                Some(Match { range: start..end, groups: groups(&slots) })
            }
        }
    }
}

impl Iterator for Matches<'_> {
    type Item = Match;

    fn next(&mut self) -> Option<Match> {
        if self.is_done {
            return None;
        }
        let found = self.find_next();
        match &found {
            Some(found) => self.last = Some((found.range.start, found.range.end)),
            None => self.is_done = true,
        }
        found
    }
}

fn find_literal(text: &[u8], literal: &[u8]) -> Option<usize> {
    let (&first, others) = literal.split_first()?;
    let mut from = 0;
    loop {
        let at = from + text[from..].iter().position(|&c| c == first)?;
        if text[at + 1..].starts_with(others) {
            return Some(at);
        }
        from = at + 1;
    }
}
