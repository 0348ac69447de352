//! Texts that cannot be read, and how they get on.

use crate::{Edit, Finding, Rule};
use frazil_syntax::tree::{Diagnosis, Repair, SyntaxToken};
use frazil_syntax::{SyntaxError, SyntaxErrorKind, SyntaxKind};
use std::ops::Range;

/// What is wrong with the text. Of errors in a row, only the first is the user's: the others come of leaving tokens out.
pub(crate) fn findings(diagnosis: &Diagnosis, source: &str) -> Vec<Finding> {
    let mut skipped = None;
    let mut findings: Vec<Finding> = Vec::new();
    for error in &diagnosis.errors {
        let at = (error.offset as usize).min(source.len());
        // What stands behind it in the line has been taken for something else, too.
        let same_line = |end: usize| end <= at && !source[end..at].contains('\n');
        let follows = skipped.is_some_and(same_line)
            || skipped.is_some_and(|end: usize| end <= at && source[end..at].trim().is_empty());
        let skips =
            diagnosis.repairs.iter().filter(|repair| repair.error == error.offset && repair.put_in.is_none());
        skipped =
            skips.map(|repair| (repair.end as usize).min(source.len())).max().or(skipped.filter(|_| follows));
        if !(follows && matches!(error.kind, SyntaxErrorKind::Unexpected { .. })) {
            findings.push(finding(error, diagnosis, source));
        }
    }
    findings
}

/// Whether a place is beside a token that does not fit, so that what stands there may not be what was meant.
pub(crate) fn is_in_doubt(diagnosis: &Diagnosis, place: &Range<usize>, source: &str) -> bool {
    diagnosis.repairs.iter().any(|repair| {
        let [error, start, end] =
            [repair.error, repair.start, repair.end].map(|at| (at as usize).min(source.len()));
        let touches = |from: usize, to: usize| from <= to && source[from..to].trim().is_empty();
        touches(place.end, error) || touches(place.end, start) || touches(end, place.start)
    })
}

fn finding(error: &SyntaxError, diagnosis: &Diagnosis, source: &str) -> Finding {
    let at = (error.offset as usize).min(source.len());
    let rule = match error.kind {
        SyntaxErrorKind::DuplicateAttr { .. } => Rule::DuplicateAttribute,
        SyntaxErrorKind::DuplicateFormal(_) => Rule::DuplicateFormal,
        _ => Rule::Syntax,
    };
    let range = token_at(diagnosis, at, source);
    let place = |offset: u32| {
        let (line, column) = line_column(source, offset as usize);
        format!("line {line}, column {column}")
    };
    let message = String::from_utf8_lossy(&error.render(place)).into_owned();
    let mut finding = Finding::new(rule, range, message);
    match &error.kind {
        SyntaxErrorKind::DuplicateAttr { previous, .. } => {
            let previous = token_at(diagnosis, *previous as usize, source);
            finding = finding.related(previous, "it is defined here already");
        }
        SyntaxErrorKind::Unexpected { found, expected } => {
            let repairs: Vec<&Repair> =
                diagnosis.repairs.iter().filter(|repair| repair.error == error.offset).collect();
            if let Some((hint, edit)) = slip(*found, expected, diagnosis, at, source) {
                finding = finding.hint(hint);
                finding.fix.extend(edit);
                return finding;
            }
            finding.hint = hint(*found, &repairs);
            finding.fix = repairs.iter().filter_map(|repair| edit(repair, source)).collect();
            if finding.fix.len() != repairs.len() || finding.hint.is_none() {
                // Half a repair is none.
                finding.fix.clear();
            }
        }
        SyntaxErrorKind::TrailingSlash => finding = finding.hint("leave the last '/' of the path out"),
        SyntaxErrorKind::PipeOperators => {
            finding = finding.hint("enable the experimental feature 'pipe-operators'")
        }
        SyntaxErrorKind::DynamicInLet | SyntaxErrorKind::DynamicInInherit => {
            finding = finding.hint("only names that stand in the text can be bound here")
        }
        _ => {}
    }
    finding
}

fn closes(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::Semicolon
            | SyntaxKind::ParenClose
            | SyntaxKind::BracketClose
            | SyntaxKind::BraceClose
            | SyntaxKind::Quote
            | SyntaxKind::IndClose
    )
}

/// Slips that people make often, and what mends them; the parser's own repairs would lead elsewhere.
fn slip(
    found: SyntaxKind,
    expected: &[SyntaxKind],
    diagnosis: &Diagnosis,
    at: usize,
    source: &str,
) -> Option<(String, Option<Edit>)> {
    let wants = |kind| expected.contains(&kind);
    let token = token_at(diagnosis, at, source);
    let replace = |text: &str| Some(Edit { range: token.clone(), text: text.to_owned() });
    let before = solid_before(diagnosis, at);
    Some(match found {
        SyntaxKind::Comma if wants(SyntaxKind::Semicolon) => {
            ("attributes end in ';', not in ','".to_owned(), replace(";"))
        }
        SyntaxKind::Comma => ("elements of a list stand apart by blanks".to_owned(), replace("")),
        SyntaxKind::EqEq if wants(SyntaxKind::Assign) => {
            ("'==' compares; '=' binds".to_owned(), replace("="))
        }
        SyntaxKind::Assign if wants(SyntaxKind::Eof) => {
            ("bindings stand in '{ … }', or between 'let' and 'in'".to_owned(), None)
        }
        SyntaxKind::Assign => {
            let name = before.filter(|token| token.kind() == SyntaxKind::Ident)?;
            if !wants(SyntaxKind::Semicolon) {
                return None;
            }
            // What was taken for an argument is the name of the next binding.
            let place = solid_before(diagnosis, name.text_range().start().into())?;
            let end: usize = place.text_range().end().into();
            (
                format!("';' is missing before '{}'", name.text()),
                Some(Edit { range: end..end, text: ";".to_owned() }),
            )
        }
        _ if wants(SyntaxKind::Assign) && wants(SyntaxKind::Dot) => {
            let name = before.filter(|token| token.kind() == SyntaxKind::Ident)?;
            if !is_bound_by_let(&name) {
                return None;
            }
            let start: usize = name.text_range().start().into();
            (
                format!("'in' is missing before '{}'", name.text()),
                Some(Edit { range: start..start, text: "in ".to_owned() }),
            )
        }
        SyntaxKind::Invalid => {
            ("no program has this character outside of strings and comments".to_owned(), None)
        }
        _ => return None,
    })
}

/// Whether a token stands among the bindings of a `let`, by the tokens before it.
fn is_bound_by_let(token: &SyntaxToken) -> bool {
    let (mut closed, mut ended) = (0, 0);
    let mut before = token.prev_token();
    while let Some(token) = before {
        match token.kind() {
            SyntaxKind::BraceClose | SyntaxKind::ParenClose | SyntaxKind::BracketClose => closed += 1,
            SyntaxKind::BraceOpen
            | SyntaxKind::DollarBrace
            | SyntaxKind::ParenOpen
            | SyntaxKind::BracketOpen
                if closed == 0 =>
            {
                return false;
            }
            SyntaxKind::BraceOpen
            | SyntaxKind::DollarBrace
            | SyntaxKind::ParenOpen
            | SyntaxKind::BracketOpen => closed -= 1,
            SyntaxKind::In if closed == 0 => ended += 1,
            SyntaxKind::Let if closed == 0 && ended == 0 => return true,
            SyntaxKind::Let if closed == 0 => ended -= 1,
            _ => {}
        }
        before = token.prev_token();
    }
    false
}

/// The last token before an offset that is no trivia.
fn solid_before(diagnosis: &Diagnosis, at: usize) -> Option<SyntaxToken> {
    let offset = u32::try_from(at).ok()?;
    let mut token = match diagnosis.tree.token_at_offset(offset.into()) {
        rowan::TokenAtOffset::Between(before, _) => Some(before),
        rowan::TokenAtOffset::Single(token) if token.text_range().end() == offset.into() => Some(token),
        rowan::TokenAtOffset::Single(token) => token.prev_token(),
        rowan::TokenAtOffset::None => None,
    };
    while let Some(solid) = &token
        && solid.kind().is_trivia()
    {
        token = solid.prev_token();
    }
    token
}

/// What a person would do about a token that does not fit.
fn hint(found: SyntaxKind, repairs: &[&Repair]) -> Option<String> {
    let first = repairs.first()?;
    Some(match first.put_in {
        None if found == SyntaxKind::Eof => return None,
        None => format!("leave {} out", found.shown()),
        Some(SyntaxKind::Ident) => "an expression or a name is missing here".to_owned(),
        Some(kind) if found == SyntaxKind::Eof => {
            let kinds = repairs.iter().filter_map(|repair| repair.put_in).take_while(|&kind| closes(kind));
            let kinds: Vec<&str> = kinds.map(SyntaxKind::shown).take(4).collect();
            match kinds.len() {
                0 | 1 => format!("{} is missing at the end", kind.shown()),
                _ => format!("{} are missing at the end", kinds.join(", then ")),
            }
        }
        Some(kind) => format!("{} is missing before this", kind.shown()),
    })
}

fn edit(repair: &Repair, source: &str) -> Option<Edit> {
    let text = match repair.put_in {
        None => "",
        Some(SyntaxKind::Semicolon) => ";",
        Some(SyntaxKind::ParenClose) => ")",
        Some(SyntaxKind::BracketClose) => " ]",
        Some(SyntaxKind::BraceClose) => " }",
        Some(SyntaxKind::Quote) => "\"",
        Some(SyntaxKind::IndClose) => "''",
        Some(SyntaxKind::In) => " in",
        // Which expression is missing only its author knows.
        Some(_) => return None,
    };
    let (start, end) = ((repair.start as usize).min(source.len()), (repair.end as usize).min(source.len()));
    Some(Edit { range: start..end, text: text.to_owned() })
}

/// The token at an offset, or nothing at all at the end.
fn token_at(diagnosis: &Diagnosis, at: usize, source: &str) -> Range<usize> {
    let at = at.min(source.len());
    let Ok(offset) = u32::try_from(at) else { return at..at };
    if at == source.len() {
        return at..at;
    }
    match diagnosis.tree.token_at_offset(offset.into()).right_biased() {
        Some(token) => {
            let token = crate::token_range(&token);
            at..token.end.max(at)
        }
        None => at..at,
    }
}

/// The line and the column in bytes of an offset, from 1.
fn line_column(source: &str, offset: usize) -> (usize, usize) {
    let before = &source.as_bytes()[..offset.min(source.len())];
    let line = before.iter().filter(|&&c| c == b'\n').count() + 1;
    let start = before.iter().rposition(|&c| c == b'\n').map_or(0, |at| at + 1);
    (line, before.len() - start + 1)
}
