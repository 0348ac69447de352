//! Sets of bytes, and the names POSIX has for some.

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) fn of(includes: impl Fn(u8) -> bool) -> ByteSet {
        let mut set = ByteSet::default();
        (0..=u8::MAX).filter(|&c| includes(c)).for_each(|c| set.insert(c));
        set
    }

    pub(super) fn insert(&mut self, c: u8) {
        self.0[usize::from(c >> 6)] |= 1 << (c & 63);
    }

    pub(super) fn contains(&self, c: u8) -> bool {
        self.0[usize::from(c >> 6)] & (1 << (c & 63)) != 0
    }

    pub(super) fn union(mut self, other: &ByteSet) -> ByteSet {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
        self
    }

    pub(super) fn complement(self) -> ByteSet {
        ByteSet(self.0.map(|word| !word))
    }
}

/// The class of this name, which may be in any case; only ASCII has classes.
pub(super) fn class(name: &[u8]) -> Option<ByteSet> {
    let is_space = |c: u8| c.is_ascii_whitespace() || c == 0x0b;
    Some(match &*name.to_ascii_lowercase() {
        b"alnum" => ByteSet::of(|c| c.is_ascii_alphanumeric()),
        b"alpha" => ByteSet::of(|c| c.is_ascii_alphabetic()),
        b"blank" => ByteSet::of(|c| matches!(c, b' ' | b'\t')),
        b"cntrl" => ByteSet::of(|c| c.is_ascii_control()),
        b"d" | b"digit" => ByteSet::of(|c| c.is_ascii_digit()),
        b"graph" => ByteSet::of(|c| c.is_ascii_graphic()),
        b"lower" => ByteSet::of(|c| c.is_ascii_lowercase()),
        b"print" => ByteSet::of(|c| c.is_ascii_graphic() || c == b' '),
        b"punct" => ByteSet::of(|c| c.is_ascii_punctuation()),
        b"s" | b"space" => ByteSet::of(is_space),
        b"upper" => ByteSet::of(|c| c.is_ascii_uppercase()),
        b"w" => ByteSet::of(|c| c.is_ascii_alphanumeric() || c == b'_'),
        b"xdigit" => ByteSet::of(|c| c.is_ascii_hexdigit()),
        _ => return None,
    })
}

/// The bytes equivalent to the one of this name: it in both cases.
pub(super) fn equivalents(name: &[u8]) -> Option<ByteSet> {
    let wanted = collating_element(name)?;
    Some(ByteSet::of(|c| c.eq_ignore_ascii_case(&wanted)))
}

/// The byte of this name. Letters are named as they are, nothing else is.
pub(super) fn collating_element(name: &[u8]) -> Option<u8> {
    if let [letter] = name {
        return letter.is_ascii_alphabetic().then_some(*letter);
    }
    NAMES.iter().find(|(_, other)| other.as_bytes() == name).map(|(c, _)| *c)
}

const NAMES: [(u8, &str); 76] = [
    (0x00, "NUL"),
    (0x01, "SOH"),
    (0x02, "STX"),
    (0x03, "ETX"),
    (0x04, "EOT"),
    (0x05, "ENQ"),
    (0x06, "ACK"),
    (0x07, "alert"),
    (0x08, "backspace"),
    (b'\t', "tab"),
    (b'\n', "newline"),
    (0x0b, "vertical-tab"),
    (0x0c, "form-feed"),
    (b'\r', "carriage-return"),
    (0x0e, "SO"),
    (0x0f, "SI"),
    (0x10, "DLE"),
    (0x11, "DC1"),
    (0x12, "DC2"),
    (0x13, "DC3"),
    (0x14, "DC4"),
    (0x15, "NAK"),
    (0x16, "SYN"),
    (0x17, "ETB"),
    (0x18, "CAN"),
    (0x19, "EM"),
    (0x1a, "SUB"),
    (0x1b, "ESC"),
    (0x1c, "IS4"),
    (0x1d, "IS3"),
    (0x1e, "IS2"),
    (0x1f, "IS1"),
    (b' ', "space"),
    (b'!', "exclamation-mark"),
    (b'"', "quotation-mark"),
    (b'#', "number-sign"),
    (b'$', "dollar-sign"),
    (b'%', "percent-sign"),
    (b'&', "ampersand"),
    (b'\'', "apostrophe"),
    (b'(', "left-parenthesis"),
    (b')', "right-parenthesis"),
    (b'*', "asterisk"),
    (b'+', "plus-sign"),
    (b',', "comma"),
    (b'-', "hyphen"),
    (b'.', "period"),
    (b'/', "slash"),
    (b'0', "zero"),
    (b'1', "one"),
    (b'2', "two"),
    (b'3', "three"),
    (b'4', "four"),
    (b'5', "five"),
    (b'6', "six"),
    (b'7', "seven"),
    (b'8', "eight"),
    (b'9', "nine"),
    (b':', "colon"),
    (b';', "semicolon"),
    (b'<', "less-than-sign"),
    (b'=', "equals-sign"),
    (b'>', "greater-than-sign"),
    (b'?', "question-mark"),
    (b'@', "commercial-at"),
    (b'[', "left-square-bracket"),
    (b'\\', "backslash"),
    (b']', "right-square-bracket"),
    (b'^', "circumflex"),
    (b'_', "underscore"),
    (b'`', "grave-accent"),
    (b'{', "left-curly-bracket"),
    (b'|', "vertical-line"),
    (b'}', "right-curly-bracket"),
    (b'~', "tilde"),
    (0x7f, "DEL"),
];
