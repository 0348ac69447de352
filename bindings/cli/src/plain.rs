//! Messages as CppNix's logger writes them where colours are not wanted: no escape sequences, carriage returns or bells, and
//! blanks for tabs.

use unicode_width::UnicodeWidthChar;

/// A tab ends at the next multiple of so many columns.
const TAB: usize = 8;

/// The text without what steers a terminal. Columns are counted from the start of the whole, line breaks or not.
pub fn plain(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|c| matches!(c, b'\t' | b'\r' | 0x07 | 0x1b)) {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    let (mut column, mut rest) = (0, text);
    while let [first, tail @ ..] = rest {
        match first {
            0x1b => rest = after_escape(tail),
            b'\t' => {
                let blanks = TAB - column % TAB;
                out.resize(out.len() + blanks, b' ');
                (column, rest) = (column + blanks, tail);
            }
            b'\r' | 0x07 => rest = tail,
            _ => {
                let (width, len) = character(rest);
                out.extend_from_slice(&rest[..len]);
                (column, rest) = (column + width, &rest[len..]);
            }
        }
    }
    out
}

/// The columns and bytes of the first character; a byte that begins none counts as one.
fn character(text: &[u8]) -> (usize, usize) {
    match text.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()) {
        Some(c) => (c.width().unwrap_or(0), c.len_utf8()),
        None => (1, 1),
    }
}

/// What follows an escape sequence, of which `text` is all but the first byte.
fn after_escape(text: &[u8]) -> &[u8] {
    fn skip(text: &[u8], is_part: impl Fn(&u8) -> bool) -> &[u8] {
        &text[text.iter().take_while(|&c| is_part(c)).count()..]
    }
    match text {
        [b'[', rest @ ..] => {
            let rest = skip(skip(rest, |c| (0x30..=0x3f).contains(c)), |c| (0x20..=0x2f).contains(c));
            match rest {
                [0x40..=0x7e, rest @ ..] => rest,
                rest => rest,
            }
        }
        [b']', rest @ ..] => match skip(rest, |c| !matches!(c, 0x1b | 0x07)) {
            [0x1b, b'\\', rest @ ..] | [0x1b | 0x07, rest @ ..] => rest,
            rest => rest,
        },
        [0x40..=0x5f, rest @ ..] => rest,
        rest => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    fn check(text: &str, expected: &str) {
        assert_eq!(String::from_utf8_lossy(&plain(text.as_bytes())), expected);
    }

    /// Each answer is CppNix 2.34.8's.
    #[test]
    fn what_steers_a_terminal_is_left_out() {
        check("error: ab\tcd", "error: ab       cd");
        check("trace: 日\tb", "trace: 日       b");
        check("a\rb\u{7}c", "abc");
        check("a\u{1b}[31;1mred\u{1b}[0m", "ared");
        check("a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{7}", "alink");
    }

    #[test]
    fn other_bytes_stay() {
        assert_eq!(plain(b"\xff\tb"), b"\xff       b");
    }
}
