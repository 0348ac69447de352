//! Any bytes as a Rust string, and back without loss.
//!
//! Messages quote the program, whose strings and names need not be UTF-8. A byte that belongs to no character stands in the
//! string as a character of its own, from the last ones of the last private plane; those of the text's own characters that
//! lie there are taken for such bytes, too, so that no two texts become one.

use std::borrow::Cow;

/// The character that stands for the byte 0.
const FIRST: u32 = 0x10_FF00;

/// The byte that a character stands for.
fn hidden(c: char) -> Option<u8> {
    (c as u32).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok())
}

fn hide(byte: u8) -> char {
    char::from_u32(FIRST + byte as u32).expect("the plane ends with the last byte's character")
}

/// The text of these bytes.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(|c| hidden(c).is_some())
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(2 * bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match hidden(c) {
                None => out.push(c),
                Some(_) => out.extend(c.encode_utf8(&mut [0; 4]).bytes().map(hide)),
            }
        }
        out.extend(chunk.invalid().iter().copied().map(hide));
    }
    Cow::Owned(out)
}

/// The bytes of a text.
pub fn bytes(text: &str) -> Cow<'_, [u8]> {
    if !text.chars().any(|c| hidden(c).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match hidden(c) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(out)
}

/// A text for those who want Unicode: what is none becomes U+FFFD.
pub fn lossy(text: String) -> String {
    match bytes(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_come_back() {
        for case in
            [&b"plain"[..], b"\xff", b"a\xe2\x82", "é\u{10FFFF}\u{10FF00}".as_bytes(), b"\x80\xf4\x8f\xbf"]
        {
            assert_eq!(*bytes(&text(case)), *case);
        }
    }

    #[test]
    fn unicode_stays_as_it_is() {
        assert!(matches!(text("grün".as_bytes()), Cow::Borrowed("grün")));
        assert_eq!(lossy(text(b"a\xffb").into_owned()), "a\u{FFFD}b");
    }
}
