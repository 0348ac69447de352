//! How a tolerant parser goes on after a token that does not fit: it puts one in, or leaves it out.

use super::{ACCEPT, ACTIONS, DEFAULTS, ERROR, N_STATES, PRODUCTIONS, Parser, Sink, goto};
use crate::error::SyntaxError;
use crate::kind::SyntaxKind;
use crate::lexer::Token;

/// What may have been forgotten, the likeliest first. An identifier stands for a whole expression.
const FORGOTTEN: [SyntaxKind; 13] = [
    SyntaxKind::Semicolon,
    SyntaxKind::ParenClose,
    SyntaxKind::BracketClose,
    SyntaxKind::BraceClose,
    SyntaxKind::Quote,
    SyntaxKind::IndClose,
    SyntaxKind::Ident,
    SyntaxKind::Then,
    SyntaxKind::Else,
    SyntaxKind::In,
    SyntaxKind::Assign,
    SyntaxKind::Colon,
    SyntaxKind::Comma,
];

pub(super) enum Repair {
    /// The parser can go on.
    Done,
    /// The text ends too early.
    Hopeless,
}

impl<S: Sink> Parser<'_, '_, S> {
    /// Reports a token that does not fit, and makes the parser go on.
    pub(super) fn repair(&mut self, token: Token) -> Result<Repair, SyntaxError> {
        let at_end = token.kind == SyntaxKind::Eof;
        // The end is reported once, however much is put in before it.
        let error = self.unexpected(token);
        self.sink.error(error);
        if let Some(kind) = FORGOTTEN.into_iter().find(|&kind| self.takes(&[kind, token.kind])) {
            self.put_in(kind, token)?;
            return Ok(Repair::Done);
        }
        if !at_end {
            self.sink.skip(token);
            self.lookahead = None;
            return Ok(Repair::Done);
        }
        // Everything that is open must be closed; each level takes a few tokens at most.
        for _ in 0..FORGOTTEN.len() * (self.stack.len() + 1) {
            let Some(kind) = FORGOTTEN.into_iter().find(|&kind| self.takes(&[kind])) else { break };
            self.put_in(kind, token)?;
            if self.takes(&[SyntaxKind::Eof]) {
                return Ok(Repair::Done);
            }
        }
        Ok(Repair::Hopeless)
    }

    /// Whether the tokens could follow. The stack is not touched: `above` has the states that would be pushed.
    fn takes(&self, kinds: &[SyntaxKind]) -> bool {
        let (mut below, mut above) = (self.stack.len(), Vec::new());
        let mut state = self.state;
        for &kind in kinds {
            loop {
                let mut action = DEFAULTS[usize::from(state)];
                if action == ERROR {
                    action = ACTIONS[usize::from(state)][kind as usize];
                }
                match action {
                    ERROR => return false,
                    ACCEPT => break,
                    shifted if shifted < N_STATES => {
                        above.push(shifted);
                        state = shifted;
                        break;
                    }
                    reduced => {
                        let production = &PRODUCTIONS[usize::from(reduced - N_STATES)];
                        let len = usize::from(production.len);
                        below -= len.saturating_sub(above.len());
                        above.truncate(above.len().saturating_sub(len));
                        let top = match above.last() {
                            Some(&state) => state,
                            None if below == 0 => 0,
                            None => self.stack[below - 1].state,
                        };
                        state = goto(top, production);
                        above.push(state);
                    }
                }
            }
        }
        true
    }

    /// Takes an empty token of a kind that fits, before `token`.
    fn put_in(&mut self, kind: SyntaxKind, token: Token) -> Result<(), SyntaxError> {
        loop {
            let mut action = DEFAULTS[usize::from(self.state)];
            if action == ERROR {
                action = ACTIONS[usize::from(self.state)][kind as usize];
            }
            if action < N_STATES {
                self.shift(Token { kind, start: token.start, end: token.start }, action);
                return Ok(());
            }
            self.reduce(&PRODUCTIONS[usize::from(action - N_STATES)])?;
        }
    }
}
