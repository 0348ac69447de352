//! The LALR(1) machine: tokens in, rules out. Its stack is a `Vec`, so no text can overflow the Rust stack.

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::expr::Offset;
use crate::kind::SyntaxKind;
use crate::lexer::{Lexer, Token};
use repair::Repair;

mod repair;

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

    /// Whether the parser goes on after an error. If not, neither [`Sink::skip`] nor [`Sink::error`] is called.
    const TOLERANT: bool;

    /// A comment or whitespace, given as it is read, before the token that follows it.
    fn trivia(&mut self, token: Token);

    /// A token of the grammar is taken; it is empty if the parser put it in to go on.
    fn token(&mut self, token: Token) -> Self::Value;

    /// A production is complete; `args` has a slot for each symbol of its right side.
    fn reduce(&mut self, rule: Rule, args: &[Slot<Self::Value>]) -> Result<Self::Value, SyntaxError>;

    /// A token is left out.
    fn skip(&mut self, token: Token);

    /// A token does not fit, but the parser goes on.
    fn error(&mut self, error: SyntaxError);
}

/// Parses a whole text; the result is the sink's value of the file, or `None` if a tolerant parser found none.
pub(crate) fn parse<S: Sink>(lexer: &mut Lexer<'_>, sink: &mut S) -> Result<Option<S::Value>, SyntaxError> {
    let mut parser = Parser { lexer, sink, stack: Vec::with_capacity(64), state: 0, lookahead: None };
    loop {
        let mut action = DEFAULTS[usize::from(parser.state)];
        if action == ERROR {
            let token = parser.peek()?;
            action = ACTIONS[usize::from(parser.state)][token.kind as usize];
            if action == ERROR {
                if !S::TOLERANT {
                    return Err(parser.unexpected(token));
                }
                match parser.repair(token)? {
                    Repair::Done => continue,
                    Repair::Hopeless => return Ok(None),
                }
            }
            if action < N_STATES {
                parser.shift(token, action);
                parser.lookahead = None;
                continue;
            }
            if action == ACCEPT {
                return Ok(parser.stack.first().map(|slot| slot.value));
            }
        }
        parser.reduce(&PRODUCTIONS[usize::from(action - N_STATES)])?;
    }
}

struct Parser<'p, 'a, S: Sink> {
    lexer: &'p mut Lexer<'a>,
    sink: &'p mut S,
    stack: Vec<Slot<S::Value>>,
    state: u16,
    lookahead: Option<Token>,
}

impl<S: Sink> Parser<'_, '_, S> {
    fn peek(&mut self) -> Result<Token, SyntaxError> {
        if let Some(token) = self.lookahead {
            return Ok(token);
        }
        loop {
            let token = self.lexer.next()?;
            if !token.kind.is_trivia() {
                self.lookahead = Some(token);
                return Ok(token);
            }
            self.sink.trivia(token);
        }
    }

    fn unexpected(&self, token: Token) -> SyntaxError {
        let kind = SyntaxErrorKind::Unexpected { found: token.kind, expected: expected(self.state) };
        SyntaxError { offset: self.lexer.reported(token), kind }
    }

    fn shift(&mut self, token: Token, state: u16) {
        let value = self.sink.token(token);
        self.stack.push(Slot { value, start: token.start, state });
        self.state = state;
    }

    /// Puts the left side in the place of the right side.
    fn reduce(&mut self, production: &Production) -> Result<(), SyntaxError> {
        let base = self.stack.len() - usize::from(production.len);
        let below = if base == 0 { 0 } else { self.stack[base - 1].state };
        self.state = goto(below, production);
        match production.rule {
            Some(rule) => {
                let args = &self.stack[base..];
                let value = self.sink.reduce(rule, args)?;
                let start = args.first().map_or(0, |slot| slot.start);
                self.stack.truncate(base);
                self.stack.push(Slot { value, start, state: self.state });
            }
            // The first symbol stands for all.
            None => {
                self.stack.truncate(base + 1);
                self.stack[base].state = self.state;
            }
        }
        Ok(())
    }
}

fn expected(state: u16) -> Vec<SyntaxKind> {
    let set = EXPECTED[usize::from(state)];
    if set.count_ones() > MAX_EXPECTED {
        return Vec::new();
    }
    let kinds = TERMINALS.iter().map(|&(kind, _)| kind);
    kinds.filter(|&kind| set >> kind as u32 & 1 == 1).collect()
}

fn goto(state: u16, production: &Production) -> u16 {
    u16::from(GOTOS[usize::from(state)][usize::from(production.lhs)])
}
