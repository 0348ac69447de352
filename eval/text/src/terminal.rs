//! Texts as CppNix writes them to a log that is no terminal: without control sequences, tabs as spaces.

use std::borrow::Cow;
use unicode_width::UnicodeWidthChar;

/// Columns from one tab stop to the next.
const TAB: usize = 8;

/// A text without control sequences, bells and carriage returns, its tabs filled up with spaces. Columns are counted from the
/// start of the text, over the ends of its lines.
pub fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|c| b"\x1b\t\r\x07".contains(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + 2 * TAB);
    let (mut rest, mut column) = (text, 0);
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'\x1b' => rest = &rest[sequence(rest)..],
            b'\r' | b'\x07' => {}
            b'\t' => {
                let width = TAB - column % TAB;
                out.resize(out.len() + width, b' ');
                column += width;
            }
            _ => {
                let (len, width) = character(first, behind);
                rest = &behind[len - 1..];
                out.push(first);
                out.extend_from_slice(&behind[..len - 1]);
                column += width;
            }
        }
    }
    Cow::Owned(out)
}

/// Bytes and columns of the character that starts with a byte; a byte that is no text takes a column.
fn character(first: u8, behind: &[u8]) -> (usize, usize) {
    if first.is_ascii() {
        return (1, usize::from(!first.is_ascii_control()));
    }
    let len = match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let bytes: Vec<u8> = std::iter::once(first).chain(behind.iter().copied().take(len - 1)).collect();
    match str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()) {
        Some(c) => (len, c.width().unwrap_or(0)),
        None => (1, 1),
    }
}

/// The length of a control sequence of ECMA-48 behind its escape.
fn sequence(text: &[u8]) -> usize {
    let run = |from: usize, range: std::ops::RangeInclusive<u8>| {
        from + text[from..].iter().take_while(|c| range.contains(c)).count()
    };
    match text.first() {
        Some(b'[') => {
            let end = run(run(1, 0x30..=0x3f), 0x20..=0x2f);
            end + usize::from(text.get(end).is_some_and(|c| (0x40..=0x7e).contains(c)))
        }
        Some(b']') => {
            let end = text.iter().position(|c| b"\x1b\x07".contains(c)).unwrap_or(text.len());
            match &text[end..] {
                [b'\x1b', b'\\', ..] => end + 2,
                [] => end,
                _ => end + 1,
            }
        }
        Some(0x40..=0x5f) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CppNix 2.34.8 writes for `builtins.trace` of these.
    #[test]
    fn texts_are_written_as_cppnix_writes_them() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"trace: a\tb", b"trace: a        b"),
            ("trace: 日\tb".as_bytes(), "trace: 日       b".as_bytes()),
            ("trace: ü\tb".as_bytes(), "trace: ü        b".as_bytes()),
            ("trace: e\u{301}\tb".as_bytes(), "trace: e\u{301}        b".as_bytes()),
            ("trace: 😀\tb".as_bytes(), "trace: 😀       b".as_bytes()),
            (b"trace: \xc3(\tb", b"trace: \xc3(       b"),
            (b"trace: \xff\xfe\tb", b"trace: \xff\xfe       b"),
            (b"trace: a\xe2\x82\tb", b"trace: a\xe2\x82      b"),
            (b"trace: a\x1b[31mred\x1b[0m\tb", b"trace: ared     b"),
            (b"trace: a\x1b]8;;http://x\x1b\\red\x1b[0m\tb", b"trace: ared     b"),
            (b"trace: a\x1b]x\x07y", b"trace: ay"),
            (b"trace: a\x1bQb\x07c\x01d\tb", b"trace: abc\x01d     b"),
            (b"trace: a\x7fx\ty", b"trace: a\x7fx       y"),
            (b"trace: a\r\nb", b"trace: a\nb"),
            (b"trace: a\tb\rc\xc3\xbc\td\n\te", b"trace: a        bc\xc3\xbc     d\n       e"),
            (b"a\x1b[?1;2hx\x1b", b"ax"),
            (b"a\x1b[3", b"a"),
            (b"a\x1b]3", b"a"),
        ];
        for (text, wanted) in cases {
            assert_eq!(plain(text).as_ref(), *wanted, "{}", text.escape_ascii());
        }
    }
}
