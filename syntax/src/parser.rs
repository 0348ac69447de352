//! The LALR(1) machine: tokens in, rules out. Its stack is a `Vec`, so no text can overflow the Rust stack.

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::expr::Offset;
use crate::kind::SyntaxKind;
use crate::lexer::{Lexer, Token};

mod tables {
    use super::Production;
    use crate::kind::SyntaxKind;
    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}

pub(crate) use tables::Rule;
use tables::{ACTIONS, DEFAULTS, EXPECTED, GOTOS, N_STATES, PRODUCTIONS, TERMINALS};

const ERROR: u16 = 0;
const ACCEPT: u16 = u16::MAX;

/// CppNix's parser lists this many tokens that would have fitted, or none if there are more.
const MAX_EXPECTED: u32 = 4;

pub(crate) struct Production {
    lhs: u8,
    len: u8,
    rule: Option<Rule>,
}

const _: () = {
    let mut at = 0;
    while at < TERMINALS.len() {
        assert!(TERMINALS[at].0 as usize == at, "tokens are in the order of grammar.txt");
        at += 1;
    }
};

/// How messages call a token.
pub(crate) fn name(kind: SyntaxKind) -> &'static str {
    TERMINALS[kind as usize].1
}

/// A symbol of the grammar that has been read: where it starts, and what the sink made of it.
#[derive(Clone, Copy)]
pub(crate) struct Slot<V> {
    pub(crate) value: V,
    pub(crate) start: Offset,
    state: u16,
}

/// What makes something of a text as it is parsed.
pub(crate) trait Sink {
    /// What is kept for each symbol on the stack.
    type Value: Copy;

    /// A comment or whitespace, given as it is read, before the token that follows it.
    fn trivia(&mut self, token: Token);

    /// A token of the grammar is taken.
    fn token(&mut self, token: Token) -> Self::Value;

    /// A production is complete; `args` has a slot for each symbol of its right side.
    fn reduce(&mut self, rule: Rule, args: &[Slot<Self::Value>]) -> Result<Self::Value, SyntaxError>;
}

/// Parses a whole text; the result is the sink's value of the file.
pub(crate) fn parse<S: Sink>(lexer: &mut Lexer<'_>, sink: &mut S) -> Result<S::Value, SyntaxError> {
    let mut stack: Vec<Slot<S::Value>> = Vec::with_capacity(64);
    let mut state = 0;
    let mut lookahead = None;
    loop {
        let mut action = DEFAULTS[usize::from(state)];
        if action == ERROR {
            let token = match lookahead {
                Some(token) => token,
                None => *lookahead.insert(next(lexer, sink)?),
            };
            action = ACTIONS[usize::from(state)][token.kind as usize];
            if action == ERROR {
                return Err(unexpected(state, token));
            }
            if action < N_STATES {
                let value = sink.token(token);
                state = action;
                stack.push(Slot { value, start: token.start, state });
                lookahead = None;
                continue;
            }
            if action == ACCEPT {
                return Ok(stack[0].value);
            }
        }
        state = reduce(&PRODUCTIONS[usize::from(action - N_STATES)], &mut stack, sink)?;
    }
}

fn next<S: Sink>(lexer: &mut Lexer<'_>, sink: &mut S) -> Result<Token, SyntaxError> {
    loop {
        let token = lexer.next()?;
        if !token.kind.is_trivia() {
            return Ok(token);
        }
        sink.trivia(token);
    }
}

/// Puts the left side in the place of the right side, and returns the state after it.
fn reduce<S: Sink>(
    production: &Production,
    stack: &mut Vec<Slot<S::Value>>,
    sink: &mut S,
) -> Result<u16, SyntaxError> {
    let base = stack.len() - usize::from(production.len);
    let below = if base == 0 { 0 } else { stack[base - 1].state };
    let state = u16::from(GOTOS[usize::from(below)][usize::from(production.lhs)]);
    match production.rule {
        Some(rule) => {
            let args = &stack[base..];
            let value = sink.reduce(rule, args)?;
            let start = args.first().map_or(0, |slot| slot.start);
            stack.truncate(base);
            stack.push(Slot { value, start, state });
        }
        // The first symbol stands for all.
        None => {
            stack.truncate(base + 1);
            stack[base].state = state;
        }
    }
    Ok(state)
}

fn unexpected(state: u16, token: Token) -> SyntaxError {
    let set = EXPECTED[usize::from(state)];
    let fits = |kind: &SyntaxKind| set >> *kind as u32 & 1 == 1;
    let expected = if set.count_ones() <= MAX_EXPECTED {
        TERMINALS.iter().map(|&(kind, _)| kind).filter(fits).collect()
    } else {
        Vec::new()
    };
    let offset = if token.kind == SyntaxKind::Eof { token.end } else { token.start };
    SyntaxError { offset, kind: SyntaxErrorKind::Unexpected { found: token.kind, expected } }
}
