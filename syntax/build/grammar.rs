//! The grammar as data.

use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Assoc {
    Left,
    Right,
    None,
}

/// How tightly a terminal or a production binds.
#[derive(Clone, Copy)]
pub(crate) struct Precedence {
    pub(crate) level: usize,
    pub(crate) assoc: Assoc,
}

/// Symbols below `Grammar::terminals.len()` are terminals, those from there on nonterminals.
pub(crate) type Symbol = usize;

pub(crate) struct Production {
    pub(crate) lhs: Symbol,
    pub(crate) rhs: Vec<Symbol>,
    pub(crate) rule: Option<String>,
    pub(crate) precedence: Option<Precedence>,
}

pub(crate) struct Grammar {
    /// Kind and name in messages; `Eof` is the first.
    pub(crate) terminals: Vec<(String, String)>,
    pub(crate) nonterminals: Vec<String>,
    /// Of each terminal.
    pub(crate) precedences: Vec<Option<Precedence>>,
    /// The first is that of the start symbol.
    pub(crate) productions: Vec<Production>,
}

impl Grammar {
    pub(crate) fn is_terminal(&self, symbol: Symbol) -> bool {
        symbol < self.terminals.len()
    }
}

pub(crate) fn read(text: &str) -> Grammar {
    let mut terminals = Vec::new();
    let mut levels = HashMap::new();
    let mut lines = Vec::new();
    let mut level = 0;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (head, rest) = line.split_once(' ').expect("every line has two words");
        let assoc = match head {
            "token" => {
                let (kind, name) = rest.split_once(' ').expect("a token has a kind and a name");
                terminals.push((kind.to_owned(), name.to_owned()));
                continue;
            }
            "left" => Assoc::Left,
            "right" => Assoc::Right,
            "none" => Assoc::None,
            _ => {
                lines.push(line);
                continue;
            }
        };
        level += 1;
        levels.extend(rest.split(' ').map(|word| (word.to_owned(), Precedence { level, assoc })));
    }
    let mut names: Vec<String> = terminals.iter().map(|(kind, _)| kind.clone()).collect();
    for line in &lines {
        let lhs = line.split(' ').next().expect("a split has a first part").to_owned();
        if !names.contains(&lhs) {
            names.push(lhs);
        }
    }
    let productions = lines.iter().map(|line| production(line, &names, terminals.len(), &levels)).collect();
    let precedences = terminals.iter().map(|(kind, _)| levels.get(kind).copied()).collect();
    let nonterminals = names.split_off(terminals.len());
    Grammar { terminals, nonterminals, precedences, productions }
}

fn production(
    line: &str,
    names: &[String],
    n_terminals: usize,
    levels: &HashMap<String, Precedence>,
) -> Production {
    let symbol = |word: &str| {
        names.iter().position(|name| name == word).unwrap_or_else(|| panic!("unknown symbol {word}"))
    };
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let lhs = symbol(words.next().expect("a production has a left side"));
    assert_eq!(words.next(), Some("="), "{line}");
    let (mut rhs, mut rule, mut precedence) = (Vec::new(), None, None);
    while let Some(word) = words.next() {
        match word {
            ">" => rule = words.next().map(str::to_owned),
            "%" => precedence = Some(levels[words.next().expect("`%` is followed by a token")]),
            _ => rhs.push(symbol(word)),
        }
    }
    if precedence.is_none() {
        let last = rhs.iter().rev().find(|&&symbol| symbol < n_terminals);
        precedence = last.and_then(|&symbol| levels.get(&names[symbol]).copied());
    }
    Production { lhs, rhs, rule, precedence }
}
