//! What literals mean: numbers, escapes, indentation.

use crate::error::SyntaxErrorKind;

/// The value of an integer literal.
pub(crate) fn int(text: &[u8]) -> Result<i64, SyntaxErrorKind> {
    text.iter()
        .try_fold(0_i64, |value, digit| value.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
        .ok_or_else(|| SyntaxErrorKind::InvalidInt(text.into()))
}

/// The value of a float literal; C's `strtod` reports what is too large, and what is too small to be normal.
pub(crate) fn float(text: &[u8]) -> Result<f64, SyntaxErrorKind> {
    let invalid = || SyntaxErrorKind::InvalidFloat(text.into());
    let value: f64 = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or_else(invalid)?;
    let digits = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    let is_zero = !digits.iter().any(|byte| matches!(byte, b'1'..=b'9'));
    if value.is_normal() || is_zero { Ok(value) } else { Err(invalid()) }
}

/// Appends a piece of a string to `out`, escapes resolved.
pub(crate) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| matches!(byte, b'\\' | b'\r')) {
        out.extend_from_slice(&rest[..at]);
        let escaped = rest[at] == b'\\';
        let next = rest.get(at + 1).copied();
        rest = &rest[rest.len().min(at + 1)..];
        if !escaped {
            out.push(b'\n');
            if next == Some(b'\n') {
                rest = &rest[1..];
            }
        } else if let Some(byte) = next {
            out.push(match byte {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => other,
            });
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest);
}

/// Refuses a piece of a string that holds NUL, unless each is escaped.
pub(crate) fn check_nul(text: &[u8]) -> Result<(), SyntaxErrorKind> {
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte == 0 {
            let mut value = Vec::new();
            unescape(text, &mut value);
            return Err(SyntaxErrorKind::NulByte(value.into()));
        }
        if byte == b'\\' {
            bytes.next();
        }
    }
    Ok(())
}

/// Refuses a piece of an indented string that holds NUL, unless it is escaped.
pub(crate) fn check_ind_nul(text: &[u8]) -> Result<(), SyntaxErrorKind> {
    if text.starts_with(b"''") { Ok(()) } else { Err(SyntaxErrorKind::NulByte(text.into())) }
}

/// A piece of an indented string as the lexer cuts it.
pub(crate) enum IndPiece<'a> {
    /// Text as written, whose lines may be indented.
    Raw(&'a [u8]),
    /// What an escape stands for.
    Escaped(&'a [u8]),
    /// `''\x`, with what follows the quotes.
    Backslash(&'a [u8]),
}

/// What a token of an indented string is.
pub(crate) fn ind_piece(text: &[u8]) -> IndPiece<'_> {
    match text {
        b"$" | b"''$" => IndPiece::Escaped(b"$"),
        b"'" => IndPiece::Escaped(b"'"),
        b"'''" => IndPiece::Escaped(b"''"),
        [b'\'', b'\'', rest @ ..] => IndPiece::Backslash(rest),
        _ => IndPiece::Raw(text),
    }
}

/// Finds how far the lines of an indented string are indented at least.
pub(crate) struct Indentation {
    least: usize,
    current: usize,
    at_line_start: bool,
}

impl Indentation {
    /// Before the first piece.
    pub(crate) fn new() -> Indentation {
        // CppNix's value for "no line at all".
        Indentation { least: 1_000_000, current: 0, at_line_start: true }
    }

    /// An interpolation or an escape comes.
    pub(crate) fn solid(&mut self) {
        if self.at_line_start {
            self.at_line_start = false;
            self.least = self.least.min(self.current);
        }
    }

    /// A piece of raw text comes.
    pub(crate) fn raw(&mut self, text: &[u8]) {
        let mut rest = text;
        loop {
            if !self.at_line_start {
                let Some(at) = rest.iter().position(|&byte| byte == b'\n') else { return };
                rest = &rest[at + 1..];
                self.at_line_start = true;
                self.current = 0;
            }
            let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
            self.current += spaces;
            match rest.get(spaces) {
                None => return,
                Some(b'\n') => {
                    self.current = 0;
                    rest = &rest[spaces + 1..];
                }
                Some(_) => {
                    self.solid();
                    rest = &rest[spaces..];
                }
            }
        }
    }

    /// What is to be taken from the start of each line.
    pub(crate) fn least(&self) -> usize {
        self.least
    }
}

/// Takes the indentation away, piece by piece.
pub(crate) struct Strip {
    indentation: usize,
    dropped: usize,
    at_line_start: bool,
}

impl Strip {
    /// Before the first piece.
    pub(crate) fn new(indentation: usize) -> Strip {
        Strip { indentation, dropped: 0, at_line_start: true }
    }

    /// An interpolation comes.
    pub(crate) fn solid(&mut self) {
        self.at_line_start = false;
        self.dropped = 0;
    }

    /// Appends a piece of text to `out`; CppNix strips what escapes stand for, too.
    pub(crate) fn text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.at_line_start {
                let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
                let drop = self.indentation.saturating_sub(self.dropped).min(spaces);
                self.dropped += spaces;
                out.extend_from_slice(&rest[drop..spaces]);
                rest = &rest[spaces..];
                if rest.is_empty() {
                    return;
                }
                self.dropped = 0;
                self.at_line_start = rest[0] == b'\n';
                out.push(rest[0]);
                rest = &rest[1..];
            } else {
                let line = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
                self.at_line_start = rest[line - 1] == b'\n';
                out.extend_from_slice(&rest[..line]);
                rest = &rest[line..];
            }
        }
    }
}

/// The length of the last piece without its last line, if that is only spaces.
pub(crate) fn without_blank_end(text: &[u8]) -> usize {
    match text.iter().rposition(|&byte| byte == b'\n') {
        Some(at) if text[at + 1..].iter().all(|&byte| byte == b' ') => at + 1,
        _ => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (text, expected) in [(r"a\nb\q\\", "a\nbq\\"), ("\r\n\r", "\n\n"), ("\\\r\n", "\r\n")] {
            let mut out = Vec::new();
            unescape(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(int(b"007"), Ok(7));
        assert_eq!(float(b"0.0e9"), Ok(0.0));
        assert!(float(b"1.0e-320").is_err());
    }

    #[test]
    fn indentation() {
        for (pieces, expected) in
            [(&["  a\n    b\n", "   c\n"][..], 2), (&["\n  \n"], 1_000_000), (&["    a\n b"], 1)]
        {
            let mut indentation = Indentation::new();
            pieces.iter().for_each(|piece| indentation.raw(piece.as_bytes()));
            assert_eq!(indentation.least(), expected);
        }
    }

    #[test]
    fn blank_ends() {
        assert_eq!(without_blank_end(b"a\n  "), 2);
        assert_eq!(without_blank_end(b"a\n b"), 4);
        assert_eq!(without_blank_end(b"  "), 2);
    }
}
