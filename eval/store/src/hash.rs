//! Hash algorithms, and hashes as people write them.

use base64ct::{Base64, Encoding};
use std::fmt;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::base32;
use crate::error::Lossy;

/// The longest digest, that of SHA-512.
const MAX_DIGEST: usize = 64;

/// A hash algorithm of the store.
///
/// Whether BLAKE3 is allowed is an experimental feature, and the caller's to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// BLAKE3, 32 bytes.
    Blake3,
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl Algorithm {
    /// The algorithm of this name.
    pub fn parse(name: &[u8]) -> Result<Algorithm, HashError> {
        match name {
            b"blake3" => Ok(Algorithm::Blake3),
            b"md5" => Ok(Algorithm::Md5),
            b"sha1" => Ok(Algorithm::Sha1),
            b"sha256" => Ok(Algorithm::Sha256),
            b"sha512" => Ok(Algorithm::Sha512),
            _ => Err(HashError::UnknownAlgorithm { name: name.into() }),
        }
    }

    /// The name Nix gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Blake3 => "blake3",
            Algorithm::Md5 => "md5",
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    /// The length of a digest, in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Blake3 | Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        }
    }

    /// The hash of `bytes`.
    pub fn hash(self, bytes: &[u8]) -> Hash {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lower case hexadecimal.
    Base16,
    /// Nix's base 32.
    Nix32,
    /// Padded base 64.
    Base64,
    /// `sha256-` and base 64.
    Sri,
}

impl Format {
    /// The format of this name; `base32` is the old name of `nix32` (see [`Format::is_deprecated`]).
    pub fn parse(name: &[u8]) -> Result<Format, HashError> {
        match name {
            b"base16" => Ok(Format::Base16),
            b"nix32" | b"base32" => Ok(Format::Nix32),
            b"base64" => Ok(Format::Base64),
            b"sri" => Ok(Format::Sri),
            _ => Err(HashError::UnknownFormat { name: name.into() }),
        }
    }

    /// Whether CppNix warns of this name: `"base32" is a deprecated alias for hash format "nix32".`
    pub fn is_deprecated(name: &[u8]) -> bool {
        name == b"base32"
    }
}

/// A digest and the algorithm that made it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash {
    algorithm: Algorithm,
    /// The digest, then zeros: so that equal hashes have equal bytes.
    bytes: [u8; MAX_DIGEST],
}

impl Hash {
    /// The hash of these bytes.
    ///
    /// # Panics
    /// If `digest` is not [`Algorithm::digest_len`] long.
    pub fn new(algorithm: Algorithm, digest: &[u8]) -> Hash {
        assert_eq!(digest.len(), algorithm.digest_len(), "a {algorithm} digest");
        let mut bytes = [0; MAX_DIGEST];
        bytes[..digest.len()].copy_from_slice(digest);
        Hash { algorithm, bytes }
    }

    /// The hash all of zeros, which stands for one not known yet.
    pub fn zero(algorithm: Algorithm) -> Hash {
        Hash { algorithm, bytes: [0; MAX_DIGEST] }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digest.
    pub fn digest(&self) -> &[u8] {
        &self.bytes[..self.algorithm.digest_len()]
    }

    /// `algo:digest`, `algo-digest` or a bare digest, told apart by its length.
    ///
    /// `expected` is the algorithm where it is known, which a prefix must then repeat.
    pub fn parse(text: &[u8], expected: Option<Algorithm>) -> Result<Hash, HashError> {
        Hash::parse_with_format(text, expected).map(|(hash, _)| hash)
    }

    /// As [`Hash::parse`], and the format met.
    pub fn parse_with_format(text: &[u8], expected: Option<Algorithm>) -> Result<(Hash, Format), HashError> {
        let (prefix, digest, is_sri) = split_prefix(text);
        let named = prefix.map(Algorithm::parse).transpose()?;
        let algorithm = match (named, expected) {
            (None, None) => return Err(HashError::UntypedInContext { text: text.into() }),
            (Some(named), Some(expected)) if named != expected => {
                return Err(HashError::WrongType { text: text.into(), expected });
            }
            (Some(algorithm), _) | (None, Some(algorithm)) => algorithm,
        };
        let format = if is_sri { Format::Sri } else { format_by_len(digest, algorithm)? };
        Ok((decode(digest, algorithm, format)?, format))
    }

    /// As [`Hash::parse`], but the text must name its algorithm.
    pub fn parse_prefixed(text: &[u8]) -> Result<Hash, HashError> {
        match split_prefix(text) {
            (None, ..) => Err(HashError::Untyped { text: text.into() }),
            _ => Hash::parse(text, None),
        }
    }

    /// `algo-base64` and nothing else.
    pub fn parse_sri(text: &[u8]) -> Result<Hash, HashError> {
        let dash = text.iter().position(|&c| c == b'-');
        let dash = dash.ok_or_else(|| HashError::NotSri { text: text.into() })?;
        decode(&text[dash + 1..], Algorithm::parse(&text[..dash])?, Format::Sri)
    }

    /// A bare digest, its format told by its length.
    pub fn parse_unprefixed(digest: &[u8], algorithm: Algorithm) -> Result<Hash, HashError> {
        decode(digest, algorithm, format_by_len(digest, algorithm)?)
    }

    /// As [`Hash::parse`]; the empty text is the zero hash, of which CppNix warns
    /// (`found empty hash, assuming 'sha256-AAA…='`).
    pub fn parse_allow_empty(text: &[u8], expected: Option<Algorithm>) -> Result<Hash, HashError> {
        match (text, expected) {
            (b"", None) => Err(HashError::EmptyUntyped),
            (b"", Some(algorithm)) => Ok(Hash::zero(algorithm)),
            _ => Hash::parse(text, expected),
        }
    }

    /// The digest in this format, after the algorithm's name only if the format is SRI.
    pub fn to_digits(&self, format: Format) -> String {
        match format {
            Format::Base16 => base16ct::lower::encode_string(self.digest()),
            Format::Nix32 => base32::encode(self.digest()),
            Format::Base64 => Base64::encode_string(self.digest()),
            Format::Sri => format!("{}-{}", self.algorithm, self.to_digits(Format::Base64)),
        }
    }

    /// The algorithm's name and the digest in this format.
    pub fn to_prefixed(&self, format: Format) -> String {
        match format {
            Format::Sri => self.to_digits(format),
            _ => format!("{}:{}", self.algorithm, self.to_digits(format)),
        }
    }

    /// The digest folded to `N` bytes by exclusive or.
    pub fn compress<const N: usize>(&self) -> [u8; N] {
        compress(self.digest())
    }
}

/// `digest` folded to `N` bytes by exclusive or.
pub fn compress<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut folded = [0; N];
    for (i, byte) in digest.iter().enumerate() {
        folded[i % N] ^= byte;
    }
    folded
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_digits(Format::Sri))
    }
}

/// A digest of SHA-256.
pub type Sha256Digest = [u8; 32];

/// The SHA-256 of `bytes`, for those who need no [`struct@Hash`].
pub fn sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256::digest(bytes).into()
}

/// Appends `bytes` in lower case hexadecimal.
pub fn hex_into(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    base16ct::lower::encode(bytes, &mut out[start..]).expect("there is room for two digits a byte");
}

/// A hash in the making, fed piece by piece.
#[derive(Clone)]
pub struct Hasher(Inner);

#[derive(Clone)]
enum Inner {
    Blake3(Box<blake3::Hasher>),
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// The hasher of nothing yet.
    pub fn new(algorithm: Algorithm) -> Hasher {
        Hasher(match algorithm {
            Algorithm::Blake3 => Inner::Blake3(Box::default()),
            Algorithm::Md5 => Inner::Md5(Md5::new()),
            Algorithm::Sha1 => Inner::Sha1(Sha1::new()),
            Algorithm::Sha256 => Inner::Sha256(Sha256::new()),
            Algorithm::Sha512 => Inner::Sha512(Sha512::new()),
        })
    }

    /// Adds `bytes` at the end.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::Blake3(hasher) => {
                hasher.update(bytes);
            }
            Inner::Md5(hasher) => hasher.update(bytes),
            Inner::Sha1(hasher) => hasher.update(bytes),
            Inner::Sha256(hasher) => hasher.update(bytes),
            Inner::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The hash of all that was added.
    pub fn finish(self) -> Hash {
        match self.0 {
            Inner::Blake3(hasher) => Hash::new(Algorithm::Blake3, hasher.finalize().as_bytes()),
            Inner::Md5(hasher) => Hash::new(Algorithm::Md5, &hasher.finalize()),
            Inner::Sha1(hasher) => Hash::new(Algorithm::Sha1, &hasher.finalize()),
            Inner::Sha256(hasher) => Hash::new(Algorithm::Sha256, &hasher.finalize()),
            Inner::Sha512(hasher) => Hash::new(Algorithm::Sha512, &hasher.finalize()),
        }
    }
}

/// What stands before the first `:`, or else before the first `-`; the rest; whether it was `-`.
fn split_prefix(text: &[u8]) -> (Option<&[u8]>, &[u8], bool) {
    for separator in *b":-" {
        if let Some(at) = text.iter().position(|&c| c == separator) {
            return (Some(&text[..at]), &text[at + 1..], separator == b'-');
        }
    }
    (None, text, false)
}

fn format_by_len(digest: &[u8], algorithm: Algorithm) -> Result<Format, HashError> {
    let len = algorithm.digest_len();
    match digest.len() {
        n if n == len * 2 => Ok(Format::Base16),
        n if n == base32::encoded_len(len) => Ok(Format::Nix32),
        n if n == len.div_ceil(3) * 4 => Ok(Format::Base64),
        _ => Err(HashError::WrongLength { digest: digest.into(), algorithm }),
    }
}

fn decode(digest: &[u8], algorithm: Algorithm, format: Format) -> Result<Hash, HashError> {
    let bytes = match format {
        Format::Base16 => base16ct::mixed::decode_vec(digest).ok(),
        Format::Nix32 => base32::decode(digest),
        Format::Base64 | Format::Sri => decode_base64(digest),
    };
    // A digit out of place leaves CppNix with nothing, of which it then blames the length.
    let bytes = bytes.unwrap_or_default();
    if bytes.len() == algorithm.digest_len() {
        return Ok(Hash::new(algorithm, &bytes));
    }
    Err(HashError::Invalid { format, digest: digest.into(), found: bytes.len(), algorithm })
}

/// Base 64 as CppNix reads it: it ends at the first `=`, skips newlines and ignores spare bits.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().position(|&c| c == b'=').unwrap_or(text.len());
    let mut bytes = Vec::with_capacity(end * 3 / 4);
    let (mut pending, mut bits) = (0u32, 0);
    for &c in text[..end].iter().filter(|&&c| c != b'\n') {
        pending = pending << 6 | u32::from(base64_digit(c)?);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((pending >> bits) as u8);
        }
    }
    Some(bytes)
}

fn base64_digit(c: u8) -> Option<u8> {
    match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Why a text is no hash; [`Display`](fmt::Display) is CppNix's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashError {
    /// No algorithm has this name.
    UnknownAlgorithm {
        /// The name.
        name: Vec<u8>,
    },
    /// No format has this name.
    UnknownFormat {
        /// The name.
        name: Vec<u8>,
    },
    /// Neither the text nor the caller names the algorithm.
    UntypedInContext {
        /// The text.
        text: Vec<u8>,
    },
    /// The text does not name its algorithm.
    Untyped {
        /// The text.
        text: Vec<u8>,
    },
    /// The text names another algorithm than the caller.
    WrongType {
        /// The text.
        text: Vec<u8>,
        /// The caller's algorithm.
        expected: Algorithm,
    },
    /// The text has no dash.
    NotSri {
        /// The text.
        text: Vec<u8>,
    },
    /// No format of this algorithm has so many digits.
    WrongLength {
        /// The digits.
        digest: Vec<u8>,
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The digits stand for too few or too many bytes.
    Invalid {
        /// How they were read.
        format: Format,
        /// The digits.
        digest: Vec<u8>,
        /// How many bytes they stand for; none if one is no digit.
        found: usize,
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The empty text, and no algorithm known.
    EmptyUntyped,
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HashError::UnknownAlgorithm { name } => write!(
                f,
                "unknown hash algorithm '{}', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'",
                Lossy(name)
            ),
            HashError::UnknownFormat { name } => write!(
                f,
                "unknown hash format '{}', expect 'base16', 'base32', 'base64', or 'sri'",
                Lossy(name)
            ),
            HashError::UntypedInContext { text } => write!(
                f,
                "hash '{}' does not include a type, nor is the type otherwise known from context",
                Lossy(text)
            ),
            HashError::Untyped { text } => {
                write!(f, "hash '{}' does not include a type", Lossy(text))
            }
            HashError::WrongType { text, expected } => {
                write!(f, "hash '{}' should have type '{expected}'", Lossy(text))
            }
            HashError::NotSri { text } => write!(f, "hash '{}' is not SRI", Lossy(text)),
            HashError::WrongLength { digest, algorithm } => {
                let digest = Lossy(digest);
                write!(f, "hash '{digest}' has wrong length for hash algorithm '{algorithm}'")
            }
            HashError::Invalid { format, digest, found, algorithm } => write!(
                f,
                "invalid {} hash '{}', length {found} != expected length {}",
                decoder_name(*format),
                Lossy(digest),
                algorithm.digest_len()
            ),
            HashError::EmptyUntyped => f.write_str("empty hash requires explicit hash algorithm"),
        }
    }
}

impl std::error::Error for HashError {}

fn decoder_name(format: Format) -> &'static str {
    match format {
        Format::Base16 => "base16",
        Format::Nix32 => "nix32",
        Format::Base64 => "Base64",
        Format::Sri => "SRI",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Algorithm; 5] =
        [Algorithm::Blake3, Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];

    fn error(text: &str, expected: Option<Algorithm>) -> String {
        Hash::parse(text.as_bytes(), expected).unwrap_err().to_string()
    }

    #[test]
    fn digests_of_nothing() {
        let hex = |algorithm: Algorithm| algorithm.hash(b"").to_digits(Format::Base16);
        assert_eq!(hex(Algorithm::Md5), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex(Algorithm::Sha1), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(
            Algorithm::Sha256.hash(b"").to_digits(Format::Sri),
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
        assert_eq!(
            Algorithm::Blake3.hash(b"").to_digits(Format::Base16),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
    }

    #[test]
    fn refusals() {
        // builtins.convertHash { hash = …; toHashFormat = "sri"; }
        assert_eq!(error("sha256:xx", None), "hash 'xx' has wrong length for hash algorithm 'sha256'");
        assert_eq!(error("sha256-!!", None), "invalid SRI hash '!!', length 0 != expected length 32");
        assert_eq!(
            error("xx", None),
            "hash 'xx' does not include a type, nor is the type otherwise known from context"
        );
        assert_eq!(
            error("foo:xx", None),
            "unknown hash algorithm 'foo', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'"
        );
        assert_eq!(error("sha1-xx", Some(Algorithm::Md5)), "hash 'sha1-xx' should have type 'md5'");
    }

    #[test]
    fn empty_is_zero_only_where_allowed() {
        let zero = Hash::parse_allow_empty(b"", Some(Algorithm::Sha256)).unwrap();
        assert_eq!(zero.to_digits(Format::Sri), "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(Hash::parse_allow_empty(b"", None), Err(HashError::EmptyUntyped));
    }

    #[test]
    fn unpadded_sri_is_read() {
        let text = b"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        assert_eq!(Hash::parse(text, None), Ok(Algorithm::Sha256.hash(b"")));
    }

    proptest! {
        #[test]
        fn every_format_round_trips(bytes: Vec<u8>) {
            for algorithm in ALL {
                let hash = algorithm.hash(&bytes);
                for format in [Format::Base16, Format::Nix32, Format::Base64, Format::Sri] {
                    let text = hash.to_prefixed(format);
                    prop_assert_eq!(
                        Hash::parse_with_format(text.as_bytes(), None),
                        Ok((hash, format))
                    );
                }
            }
        }

        #[test]
        fn pieces_hash_as_the_whole(a: Vec<u8>, b: Vec<u8>) {
            for algorithm in ALL {
                let mut hasher = Hasher::new(algorithm);
                hasher.update(&a);
                hasher.update(&b);
                prop_assert_eq!(hasher.finish(), algorithm.hash(&[a.clone(), b.clone()].concat()));
            }
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = Hash::parse(&bytes, None);
            let _ = Hash::parse(&bytes, Some(Algorithm::Md5));
            let _ = Hash::parse_sri(&bytes);
        }
    }
}
