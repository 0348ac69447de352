//! An LALR(1) automaton with bison's choice of default reductions, so that an erroneous text is refused at the
//! same token and with the same list of expected tokens as by CppNix.

use crate::grammar::{Assoc, Grammar, Symbol};
use std::collections::{BTreeMap, HashMap};

/// A set of terminals, of which there are at most 64.
type Terminals = u64;

/// A production and how much of it has been read.
type Item = (usize, usize);

/// The items a state starts from, with what may follow each once it is complete.
type Kernel = BTreeMap<Item, Terminals>;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Action {
    Error,
    /// An error that the default does not cover: the operator does not associate.
    Refuse,
    Shift(usize),
    Reduce(usize),
}

pub(crate) struct Row {
    /// By terminal, without what the default covers.
    pub(crate) actions: Vec<Action>,
    /// By nonterminal.
    pub(crate) gotos: Vec<Option<usize>>,
    pub(crate) default: Option<usize>,
}

pub(crate) struct Tables {
    pub(crate) rows: Vec<Row>,
    /// The state after the start symbol.
    pub(crate) accept: usize,
}

pub(crate) fn tables(grammar: &Grammar) -> Tables {
    assert!(grammar.terminals.len() <= 64, "a set of terminals is a u64");
    let automaton = Automaton::new(grammar);
    let rows = (0..automaton.kernels.len()).map(|state| automaton.row(state)).collect();
    let start = grammar.productions[0].lhs;
    Tables { rows, accept: automaton.edges[0][&start] }
}

struct Automaton<'a> {
    grammar: &'a Grammar,
    /// By nonterminal: which terminals it may start with, and whether it may be empty.
    firsts: Vec<(Terminals, bool)>,
    kernels: Vec<Kernel>,
    edges: Vec<BTreeMap<Symbol, usize>>,
}

impl Automaton<'_> {
    fn new(grammar: &Grammar) -> Automaton<'_> {
        let mut automaton =
            Automaton { grammar, firsts: firsts(grammar), kernels: Vec::new(), edges: Vec::new() };
        let start = grammar.productions[0].lhs;
        let kernel = (0..grammar.productions.len())
            .filter(|&at| grammar.productions[at].lhs == start)
            .map(|at| ((at, 0), 1))
            .collect();
        automaton.kernels.push(kernel);
        automaton.edges.push(BTreeMap::new());
        automaton.grow();
        automaton
    }

    /// Adds states, and lookaheads to states, until nothing is new.
    fn grow(&mut self) {
        let mut known: HashMap<Vec<Item>, usize> = HashMap::new();
        let mut todo = vec![0];
        while let Some(state) = todo.pop() {
            let mut successors: BTreeMap<Symbol, Kernel> = BTreeMap::new();
            for ((production, dot), follow) in self.closure(state) {
                if let Some(&symbol) = self.grammar.productions[production].rhs.get(dot) {
                    successors.entry(symbol).or_default().insert((production, dot + 1), follow);
                }
            }
            // The state after the start symbol has no items of its own: it only waits for the end.
            if state == 0 {
                successors.entry(self.grammar.productions[0].lhs).or_default();
            }
            for (symbol, kernel) in successors {
                let items = kernel.keys().copied().collect();
                let next = *known.entry(items).or_insert_with(|| {
                    self.kernels.push(kernel.keys().map(|&item| (item, 0)).collect());
                    self.edges.push(BTreeMap::new());
                    todo.push(self.kernels.len() - 1);
                    self.kernels.len() - 1
                });
                self.edges[state].insert(symbol, next);
                let mut grew = false;
                for (item, follow) in kernel {
                    let old = self.kernels[next].get_mut(&item).expect("same items");
                    grew |= follow & !*old != 0;
                    *old |= follow;
                }
                if grew && !todo.contains(&next) {
                    todo.push(next);
                }
            }
        }
    }

    fn closure(&self, state: usize) -> Kernel {
        let mut items = self.kernels[state].clone();
        let mut todo: Vec<Item> = items.keys().copied().collect();
        while let Some(item) = todo.pop() {
            let (production, dot) = item;
            let rhs = &self.grammar.productions[production].rhs;
            let Some(&symbol) = rhs.get(dot) else { continue };
            if self.grammar.is_terminal(symbol) {
                continue;
            }
            let follow = self.first_of(&rhs[dot + 1..], items[&item]);
            for (at, other) in self.grammar.productions.iter().enumerate() {
                if other.lhs != symbol {
                    continue;
                }
                let known = items.contains_key(&(at, 0));
                let old = items.entry((at, 0)).or_default();
                if !known || follow & !*old != 0 {
                    *old |= follow;
                    todo.push((at, 0));
                }
            }
        }
        items
    }

    fn first_of(&self, symbols: &[Symbol], follow: Terminals) -> Terminals {
        let mut set = 0;
        for &symbol in symbols {
            if self.grammar.is_terminal(symbol) {
                return set | 1 << symbol;
            }
            let (first, empty) = self.firsts[symbol - self.grammar.terminals.len()];
            set |= first;
            if !empty {
                return set;
            }
        }
        set | follow
    }

    fn row(&self, state: usize) -> Row {
        let n_terminals = self.grammar.terminals.len();
        let mut reductions: Vec<(usize, Terminals)> = self
            .closure(state)
            .into_iter()
            .filter(|&((production, dot), _)| self.grammar.productions[production].rhs.len() == dot)
            .map(|((production, _), follow)| (production, follow))
            .collect();
        let mut shifts: Terminals = self.edges[state]
            .keys()
            .filter(|&&symbol| symbol < n_terminals)
            .fold(0, |set, symbol| set | 1 << symbol);
        let consistent = reductions.len() == 1 && shifts == 0;
        let mut refused: Terminals = 0;
        for (production, follow) in &mut reductions {
            self.resolve(*production, follow, &mut shifts, &mut refused);
        }
        let action = |terminal: usize| {
            let reducing = reductions.iter().find(|(_, follow)| follow >> terminal & 1 == 1);
            if refused >> terminal & 1 == 1 {
                Action::Refuse
            } else if shifts >> terminal & 1 == 1 {
                assert!(reducing.is_none(), "conflict in state {state}");
                Action::Shift(self.edges[state][&terminal])
            } else {
                reducing.map_or(Action::Error, |&(production, _)| Action::Reduce(production))
            }
        };
        let mut actions: Vec<Action> = (0..n_terminals).map(action).collect();
        let default = default_reduction(&reductions, consistent, &actions);
        if let Some(default) = default {
            for action in &mut actions {
                if *action == Action::Reduce(default) {
                    *action = Action::Error;
                }
            }
        }
        let gotos = (n_terminals..n_terminals + self.grammar.nonterminals.len())
            .map(|symbol| self.edges[state].get(&symbol).copied())
            .collect();
        Row { actions, gotos, default }
    }

    /// Decides by precedence between shifting and reducing.
    fn resolve(
        &self,
        production: usize,
        follow: &mut Terminals,
        shifts: &mut Terminals,
        refused: &mut Terminals,
    ) {
        let Some(ours) = self.grammar.productions[production].precedence else { return };
        for terminal in 0..self.grammar.terminals.len() {
            let bit = 1 << terminal;
            let Some(theirs) = self.grammar.precedences[terminal] else { continue };
            if *follow & *shifts & bit == 0 {
                continue;
            }
            if theirs.level < ours.level || theirs.level == ours.level && theirs.assoc == Assoc::Left {
                *shifts &= !bit;
            } else if theirs.level > ours.level || theirs.assoc == Assoc::Right {
                *follow &= !bit;
            } else {
                *shifts &= !bit;
                *follow &= !bit;
                *refused |= bit;
            }
        }
    }
}

/// The reduction that most terminals ask for, the first of equals, as bison has it.
fn default_reduction(
    reductions: &[(usize, Terminals)],
    consistent: bool,
    actions: &[Action],
) -> Option<usize> {
    if consistent {
        return Some(reductions[0].0);
    }
    let (mut best, mut most) = (None, 0);
    for &(production, _) in reductions {
        let count = actions.iter().filter(|&&action| action == Action::Reduce(production)).count();
        if count > most {
            (best, most) = (Some(production), count);
        }
    }
    best
}

fn firsts(grammar: &Grammar) -> Vec<(Terminals, bool)> {
    let n_terminals = grammar.terminals.len();
    let mut firsts = vec![(0, false); grammar.nonterminals.len()];
    loop {
        let before = firsts.clone();
        for production in &grammar.productions {
            let (mut set, mut empty) = (0, true);
            for &symbol in &production.rhs {
                let (first, skip) = if grammar.is_terminal(symbol) {
                    (1 << symbol, false)
                } else {
                    firsts[symbol - n_terminals]
                };
                set |= first;
                if !skip {
                    empty = false;
                    break;
                }
            }
            let entry = &mut firsts[production.lhs - n_terminals];
            entry.0 |= set;
            entry.1 |= empty;
        }
        if before == firsts {
            return firsts;
        }
    }
}
