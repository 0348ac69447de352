//! The tables as Rust.

use crate::grammar::Grammar;
use crate::lalr::{Action, Row, Tables};
use std::fmt::Write;

pub(crate) fn rust(grammar: &Grammar, tables: &Tables) -> String {
    let n_states = tables.rows.len();
    let mut out = String::new();
    terminals(&mut out, grammar);
    rules(&mut out, grammar);
    let writer = Writer { grammar, n_states, accept: tables.accept };
    let array = |name: &str, what: &str, cell: &dyn Fn(usize, &Row) -> String| {
        let cells: Vec<String> = tables.rows.iter().enumerate().map(|(at, row)| cell(at, row)).collect();
        format!("pub(crate) static {name}: [{what}; {n_states}] = [\n{}\n];\n", cells.join(",\n"))
    };
    let n_terminals = grammar.terminals.len();
    let n_nonterminals = grammar.nonterminals.len();
    out += &format!("pub(crate) const N_STATES: u16 = {n_states};\n");
    out += &array("ACTIONS", &format!("[u16; {n_terminals}]"), &|at, row| writer.actions(at, row));
    out += &array("DEFAULTS", "u16", &|_, row| writer.default(row).to_string());
    out += &array("EXPECTED", "u64", &|at, row| writer.expected(at, row).to_string());
    out += &array("GOTOS", &format!("[u8; {n_nonterminals}]"), &|_, row| gotos(row));
    out
}

struct Writer<'a> {
    grammar: &'a Grammar,
    n_states: usize,
    accept: usize,
}

impl Writer<'_> {
    fn reduce(&self, production: usize) -> usize {
        self.n_states + production
    }

    fn actions(&self, state: usize, row: &Row) -> String {
        let default = row.default.map_or(0, |production| self.reduce(production));
        let cells = row.actions.iter().enumerate().map(|(terminal, action)| match *action {
            Action::Error if state == self.accept && terminal == 0 => usize::from(u16::MAX),
            Action::Error => default,
            Action::Refuse => 0,
            Action::Shift(state) => state,
            Action::Reduce(production) => self.reduce(production),
        });
        format!("{:?}", cells.collect::<Vec<_>>())
    }

    /// The reduction of a state that need not look ahead.
    fn default(&self, row: &Row) -> usize {
        if row.actions.iter().all(|&action| action == Action::Error) {
            row.default.map_or(0, |production| self.reduce(production))
        } else {
            0
        }
    }

    /// The terminals that a state has a use for of its own; what the default takes is not among them.
    fn expected(&self, state: usize, row: &Row) -> u64 {
        if state == self.accept {
            return 1;
        }
        let useful =
            |terminal: &usize| matches!(row.actions[*terminal], Action::Shift(_) | Action::Reduce(_));
        (0..self.grammar.terminals.len()).filter(useful).fold(0, |set, terminal| set | 1 << terminal)
    }
}

fn gotos(row: &Row) -> String {
    let states: Vec<u8> = row
        .gotos
        .iter()
        .map(|state| u8::try_from(state.unwrap_or(0)).expect("fewer than 256 states after nonterminals"))
        .collect();
    format!("{states:?}")
}

fn terminals(out: &mut String, grammar: &Grammar) {
    let n_terminals = grammar.terminals.len();
    writeln!(out, "pub(crate) const TERMINALS: [(SyntaxKind, &str); {n_terminals}] = [")
        .expect("a String grows");
    for (kind, name) in &grammar.terminals {
        writeln!(out, "    (SyntaxKind::{kind}, {name:?}),").expect("a String grows");
    }
    *out += "];\n";
}

fn rules(out: &mut String, grammar: &Grammar) {
    let mut names: Vec<&str> = Vec::new();
    for rule in grammar.productions.iter().filter_map(|production| production.rule.as_deref()) {
        if !names.contains(&rule) {
            names.push(rule);
        }
    }
    *out += "/// What a sink is told when a production is complete; `grammar.txt` says which.\n";
    *out += "#[derive(Clone, Copy, PartialEq, Eq, Debug)]\n#[repr(u8)]\npub(crate) enum Rule {\n";
    for name in names {
        writeln!(out, "    {name},").expect("a String grows");
    }
    *out += "}\n";
    let n_productions = grammar.productions.len();
    writeln!(out, "pub(crate) static PRODUCTIONS: [Production; {n_productions}] = [")
        .expect("a String grows");
    for production in &grammar.productions {
        let lhs = production.lhs - grammar.terminals.len();
        let len = production.rhs.len();
        let rule = production.rule.as_ref().map_or("None".to_owned(), |rule| format!("Some(Rule::{rule})"));
        writeln!(out, "    Production {{ lhs: {lhs}, len: {len}, rule: {rule} }},").expect("a String grows");
    }
    *out += "];\n";
}
