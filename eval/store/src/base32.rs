//! Nix's base 32: its own alphabet, least significant digit last.

/// The digits in order: no `e`, `o`, `t` or `u`. They ascend in ASCII too.
pub const ALPHABET: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

const INVALID: u8 = 0xff;

const DIGITS: [u8; 256] = {
    let mut digits = [INVALID; 256];
    let mut value = 0;
    while value < 32 {
        digits[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// How many digits `len` bytes take.
pub const fn encoded_len(len: usize) -> usize {
    (len * 8).div_ceil(5)
}

/// Appends the digits of `bytes`.
pub fn encode_into(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + encoded_len(bytes.len()), 0);
    encode_to_slice(bytes, &mut out[start..]);
}

/// Writes the digits of `bytes` over all of `out`.
///
/// # Panics
/// If `out` is not [`encoded_len`] long.
pub fn encode_to_slice(bytes: &[u8], out: &mut [u8]) {
    assert_eq!(out.len(), encoded_len(bytes.len()), "one slot per digit");
    // Digits leave from the low end, which is written last.
    let (mut pending, mut bits) = (0u32, 0);
    let mut slots = out.iter_mut().rev();
    let mut put = |value: u32| {
        let slot = slots.next().expect("encoded_len counts every digit");
        *slot = ALPHABET[(value & 31) as usize];
    };
    for &byte in bytes {
        pending |= u32::from(byte) << bits;
        bits += 8;
        while bits >= 5 {
            put(pending);
            pending >>= 5;
            bits -= 5;
        }
    }
    if bits > 0 {
        put(pending);
    }
}

/// The digits of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    let mut digits = Vec::new();
    encode_into(bytes, &mut digits);
    digits.into_iter().map(char::from).collect()
}

/// The bytes `text` stands for, or `None` at a character that is no digit.
///
/// For as many digits as whole bytes take. As in CppNix, a spare bit that is set makes one byte more.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8 + 1);
    let (mut pending, mut bits) = (0u32, 0);
    for &c in text.iter().rev() {
        pending |= u32::from(digit(c)?) << bits;
        bits += 5;
        if bits >= 8 {
            bytes.push(pending as u8);
            pending >>= 8;
            bits -= 8;
        }
    }
    if pending != 0 {
        bytes.push(pending as u8);
    }
    Some(bytes)
}

/// Whether `c` is a digit.
pub fn is_digit(c: u8) -> bool {
    DIGITS[usize::from(c)] != INVALID
}

fn digit(c: u8) -> Option<u8> {
    Some(DIGITS[usize::from(c)]).filter(|&value| value != INVALID)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_answers() {
        assert_eq!(encode(b""), "");
        assert_eq!(encode(&[1]), "01");
        assert_eq!(encode(&[0xff]), "7z");
        // builtins.convertHash { hash = builtins.hashString "sha256" ""; … toHashFormat = "nix32"; }
        let empty = crate::hash::Algorithm::Sha256.hash(b"");
        assert_eq!(encode(empty.digest()), "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73");
    }

    #[test]
    fn overflow_makes_a_byte_too_many() {
        assert_eq!(decode(b"zz"), Some(vec![0xff, 3]));
        assert_eq!(decode(b"e"), None);
    }

    proptest! {
        #[test]
        fn round_trip(bytes: Vec<u8>) {
            let mut decoded = decode(encode(&bytes).as_bytes()).unwrap();
            decoded.resize(bytes.len(), 0); // The digits fit whole bytes, or end in zero bits.
            prop_assert_eq!(decoded, bytes);
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
