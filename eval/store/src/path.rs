//! Store paths: their names, their hashes, and how both are made from content.

use std::fmt::{self, Write as _};
use std::hash;
use std::str;
use std::sync::Arc;

use crate::base32;
use crate::error::Lossy;
use crate::hash::{Algorithm, Format, Hash, Sha256Digest, compress, hex_into, sha256};

/// The digits of a store path's hash part: 160 bits in base 32.
pub const HASH_PART_LEN: usize = 32;

/// The longest name, in bytes: with the hash part it fits what file systems allow.
pub const MAX_NAME_LEN: usize = 211;

/// What the names of written derivations end in.
pub const DRV_EXTENSION: &str = ".drv";

/// Room for the parts of a fingerprint that are much the same for all.
const FINGERPRINT_LEN: usize = 256;
/// About how many bytes each reference takes there.
const REFERENCE_LEN: usize = 80;

/// The directory all store paths lie in: absolute and canonical, as `/nix/store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreDir(Arc<str>);

impl Default for StoreDir {
    fn default() -> StoreDir {
        StoreDir(Arc::from("/nix/store"))
    }
}

impl StoreDir {
    /// The store directory at this path, or `None` if the path is not absolute.
    pub fn new(path: &str) -> Option<StoreDir> {
        let canonical = String::from_utf8(canonical(path.as_bytes())?);
        Some(StoreDir(Arc::from(canonical.expect("canonical cuts at slashes only"))))
    }

    /// The directory's path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The store path at this absolute path, which must name an entry of the store itself.
    pub fn parse(&self, path: &[u8]) -> Result<StorePath, PathError> {
        let canonical = canonical(path).ok_or_else(|| PathError::NotAbsolute { path: path.into() })?;
        let slash = canonical.iter().rposition(|&c| c == b'/').expect("canonical is absolute");
        if canonical[..slash] != *self.0.as_bytes() {
            return Err(PathError::NotInStore { path: canonical });
        }
        StorePath::parse(&canonical[slash + 1..])
    }

    /// The absolute path of a store path.
    pub fn print(&self, path: &StorePath) -> String {
        let mut printed = String::with_capacity(self.0.len() + 1 + path.as_str().len());
        printed.push_str(&self.0);
        printed.push('/');
        printed.push_str(path.as_str());
        printed
    }

    /// Appends the absolute path of a store path.
    pub fn print_into(&self, path: &StorePath, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
        out.push(b'/');
        out.extend_from_slice(path.as_str().as_bytes());
    }

    /// The store path of a thing of this kind, hash and name: the rule all others rest on.
    pub fn make_path(&self, kind: &str, hash: &Hash, name: &[u8]) -> Result<StorePath, PathError> {
        self.finish_path(kind.into(), hash.algorithm(), hash.digest(), name)
    }

    /// The path of an input-addressed output, given the derivation's hash modulo.
    pub fn make_output_path(
        &self,
        output: &[u8],
        modulo: &Sha256Digest,
        drv_name: &str,
    ) -> Result<StorePath, PathError> {
        // Bytes, not text: an output's name is checked only as part of the path's name.
        let mut kind = Vec::with_capacity(FINGERPRINT_LEN);
        kind.extend_from_slice(b"output:");
        kind.extend_from_slice(output);
        self.finish_path(kind, Algorithm::Sha256, modulo, &output_path_name(drv_name, output))
    }

    /// The path of a text, given the SHA-256 of its bytes and what it refers to, in order.
    pub fn make_text_path<'a>(
        &self,
        name: &[u8],
        digest: &Sha256Digest,
        references: impl IntoIterator<Item = &'a StorePath>,
    ) -> Result<StorePath, PathError> {
        let kind = self.kind_with_references("text", references);
        self.finish_path(kind, Algorithm::Sha256, digest, name)
    }

    fn kind_with_references<'a>(
        &self,
        kind: &str,
        references: impl IntoIterator<Item = &'a StorePath>,
    ) -> Vec<u8> {
        let references = references.into_iter();
        let mut out = Vec::with_capacity(FINGERPRINT_LEN + REFERENCE_LEN * references.size_hint().0);
        out.extend_from_slice(kind.as_bytes());
        for reference in references {
            out.push(b':');
            self.print_into(reference, &mut out);
        }
        out
    }

    /// Completes a fingerprint that begins with the kind, and takes the path from its hash.
    fn finish_path(
        &self,
        mut fingerprint: Vec<u8>,
        algorithm: Algorithm,
        digest: &[u8],
        name: &[u8],
    ) -> Result<StorePath, PathError> {
        fingerprint.push(b':');
        fingerprint.extend_from_slice(algorithm.name().as_bytes());
        fingerprint.push(b':');
        hex_into(digest, &mut fingerprint);
        fingerprint.push(b':');
        fingerprint.extend_from_slice(self.0.as_bytes());
        fingerprint.push(b':');
        fingerprint.extend_from_slice(name);
        StorePath::new(&compress(&sha256(&fingerprint)), name)
    }

    /// The path of content without references.
    pub fn make_content_path(
        &self,
        name: &[u8],
        method: Method,
        hash: &Hash,
    ) -> Result<StorePath, PathError> {
        self.make_content_path_with_references(name, method, hash, &[])
    }

    /// The path of content with these references, in order; only text and SHA-256 archives may
    /// have any.
    pub fn make_content_path_with_references(
        &self,
        name: &[u8],
        method: Method,
        hash: &Hash,
        references: &[StorePath],
    ) -> Result<StorePath, PathError> {
        match (method, hash.algorithm()) {
            (Method::Text, Algorithm::Sha256) => {
                let digest = hash.digest().try_into().expect("SHA-256 has 32 bytes");
                self.make_text_path(name, &digest, references)
            }
            (Method::Text, algorithm) => Err(PathError::TextAlgorithm { algorithm }),
            (Method::Git, Algorithm::Md5 | Algorithm::Sha512 | Algorithm::Blake3) => {
                Err(PathError::GitAlgorithm { algorithm: hash.algorithm() })
            }
            (Method::Nar, Algorithm::Sha256) => {
                let kind = self.kind_with_references("source", references);
                self.finish_path(kind, Algorithm::Sha256, hash.digest(), name)
            }
            _ if !references.is_empty() => Err(PathError::References { name: name.into() }),
            _ => {
                let hash = hash.to_prefixed(Format::Base16);
                let content = format!("fixed:out:{}{hash}:", method.prefix());
                let digest = Algorithm::Sha256.hash(content.as_bytes());
                self.make_path("output:out", &digest, name)
            }
        }
    }
}

/// `name-output`, or for the output `out` the bare name.
pub fn output_path_name(drv_name: &str, output: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(drv_name.len() + 1 + output.len());
    name.extend_from_slice(drv_name.as_bytes());
    if output != b"out" {
        name.push(b'-');
        name.extend_from_slice(output);
    }
    name
}

/// How the content of a store path is turned into the bytes that are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The bytes of one file.
    Flat,
    /// The Nix archive of a tree.
    Nar,
    /// The Git object of a tree.
    Git,
    /// The bytes of one file, which may refer to other store paths.
    Text,
}

impl Method {
    /// The method of this `outputHashMode`; `recursive` is the old name of `nar`.
    ///
    /// Whether `git` and `text` are allowed are experimental features, and the caller's to ask.
    pub fn parse_mode(mode: &[u8]) -> Option<Method> {
        match mode {
            b"flat" => Some(Method::Flat),
            b"nar" | b"recursive" => Some(Method::Nar),
            b"git" => Some(Method::Git),
            b"text" => Some(Method::Text),
            _ => None,
        }
    }

    /// What stands before the algorithm in a written derivation.
    pub const fn prefix(self) -> &'static str {
        match self {
            Method::Flat => "",
            Method::Nar => "r:",
            Method::Git => "git:",
            Method::Text => "text:",
        }
    }

    /// Cuts [`Method::prefix`] off `text`.
    pub fn split_prefix(text: &[u8]) -> (Method, &[u8]) {
        for method in [Method::Nar, Method::Git, Method::Text] {
            if let Some(rest) = text.strip_prefix(method.prefix().as_bytes()) {
                return (method, rest);
            }
        }
        (Method::Flat, text)
    }
}

/// An entry of the store, as its base name: 32 digits, a dash, a name.
///
/// Cheap to clone. The order is that of the base names, as in CppNix.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StorePath(Arc<str>);

impl StorePath {
    /// The path of this hash and name.
    pub fn new(hash: &[u8; 20], name: &[u8]) -> Result<StorePath, PathError> {
        let mut digits = [0; HASH_PART_LEN];
        base32::encode_to_slice(hash, &mut digits);
        let base = || [&digits, b"-".as_slice(), name].concat();
        check_name(name).map_err(|error| PathError::Name { base: base(), error })?;
        // One allocation, the path's own: valid names are short.
        let mut scratch = [0; HASH_PART_LEN + 1 + MAX_NAME_LEN];
        scratch[..HASH_PART_LEN].copy_from_slice(&digits);
        scratch[HASH_PART_LEN] = b'-';
        let len = HASH_PART_LEN + 1 + name.len();
        scratch[HASH_PART_LEN + 1..len].copy_from_slice(name);
        let base = str::from_utf8(&scratch[..len]).expect("digits and checked names are ASCII");
        Ok(StorePath(Arc::from(base)))
    }

    /// The path of this base name.
    pub fn parse(base: &[u8]) -> Result<StorePath, PathError> {
        if base.len() < HASH_PART_LEN + 1 {
            return Err(PathError::TooShort { base: base.into() });
        }
        let (digits, name) = base.split_at(HASH_PART_LEN);
        if let Some(&found) = digits.iter().find(|&&c| !base32::is_digit(c)) {
            return Err(PathError::NotADigit { base: base.into(), found });
        }
        // Whatever stands where the dash should be: CppNix does not look.
        check_name(&name[1..]).map_err(|error| PathError::Name { base: base.into(), error })?;
        match str::from_utf8(base) {
            Ok(base) => Ok(StorePath(Arc::from(base))),
            Err(_) => Err(PathError::NoDash { base: base.into() }),
        }
    }

    /// The base name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 32 digits.
    pub fn hash_part(&self) -> &str {
        &self.0[..HASH_PART_LEN]
    }

    /// What follows the dash.
    pub fn name(&self) -> &str {
        &self.0[HASH_PART_LEN + 1..]
    }

    /// Whether this is a written derivation.
    pub fn is_derivation(&self) -> bool {
        self.name().ends_with(DRV_EXTENSION)
    }

    /// The name of the derivation written here, or an error if none is.
    pub fn derivation_name(&self) -> Result<&str, PathError> {
        let name = self.name().strip_suffix(DRV_EXTENSION);
        name.ok_or_else(|| PathError::NotADerivation { path: self.clone() })
    }
}

impl fmt::Debug for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl hash::Hash for StorePath {
    /// Sixteen digits are random enough; the rest is left to `eq`.
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        let digits = &self.0.as_bytes()[..16];
        state.write_u128(u128::from_ne_bytes(digits.try_into().expect("sixteen digits")));
    }
}

/// Whether `name` may be the name of a store path.
pub fn check_name(name: &[u8]) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME_LEN {
        return Err(NameError::TooLong { name: name.into() });
    }
    match name.split(|&c| c == b'-').next() {
        Some(dots @ (b"." | b"..")) if dots.len() == name.len() => {
            return Err(NameError::Dots { name: name.into() });
        }
        Some(dots @ (b"." | b"..")) => {
            return Err(NameError::LeadingDots { name: name.into(), n_dots: dots.len() });
        }
        _ => {}
    }
    match name.iter().find(|&&c| !is_name_byte(c)) {
        Some(&found) => Err(NameError::Illegal { name: name.into(), found }),
        None => Ok(()),
    }
}

fn is_name_byte(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"+-._?=".contains(&c)
}

/// `path` without empty and dot components, `..` resolved in the text; `None` if not absolute.
fn canonical(path: &[u8]) -> Option<Vec<u8>> {
    if path.first() != Some(&b'/') {
        return None;
    }
    let mut canonical = Vec::with_capacity(path.len());
    for component in path.split(|&c| c == b'/') {
        match component {
            b"" | b"." => {}
            b".." => canonical.truncate(canonical.iter().rposition(|&c| c == b'/').unwrap_or(0)),
            _ => {
                canonical.push(b'/');
                canonical.extend_from_slice(component);
            }
        }
    }
    if canonical.is_empty() {
        canonical.push(b'/');
    }
    Some(canonical)
}

/// Why a name cannot be a store path's; [`Display`](fmt::Display) is CppNix's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The empty name.
    Empty,
    /// Longer than [`MAX_NAME_LEN`].
    TooLong {
        /// The name.
        name: Vec<u8>,
    },
    /// `.` or `..`.
    Dots {
        /// The name.
        name: Vec<u8>,
    },
    /// `.-…` or `..-…`.
    LeadingDots {
        /// The name.
        name: Vec<u8>,
        /// One or two.
        n_dots: usize,
    },
    /// A byte no name holds.
    Illegal {
        /// The name.
        name: Vec<u8>,
        /// The first such byte.
        found: u8,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Empty => f.write_str("name must not be empty"),
            NameError::TooLong { name } => {
                let name = Lossy(name);
                write!(f, "name '{name}' must be no longer than {MAX_NAME_LEN} characters")
            }
            NameError::Dots { name } => write!(f, "name '{}' is not valid", Lossy(name)),
            NameError::LeadingDots { name, n_dots } => write!(
                f,
                "name '{}' is not valid: first dash-separated component must not be '{}'",
                Lossy(name),
                &".."[..*n_dots]
            ),
            NameError::Illegal { name, found } => {
                let found = Lossy(std::slice::from_ref(found));
                write!(f, "name '{}' contains illegal character '{found}'", Lossy(name))
            }
        }
    }
}

impl std::error::Error for NameError {}

/// Why a text is no store path, or none can be made; [`Display`](fmt::Display) is CppNix's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// The path does not begin with a slash.
    NotAbsolute {
        /// The path.
        path: Vec<u8>,
    },
    /// The path is no entry of the store directory.
    NotInStore {
        /// The path, canonical.
        path: Vec<u8>,
    },
    /// The base name has no room for a name.
    TooShort {
        /// The base name.
        base: Vec<u8>,
    },
    /// The hash part holds something that is no digit.
    NotADigit {
        /// The base name.
        base: Vec<u8>,
        /// The first such byte.
        found: u8,
    },
    /// The name is none.
    Name {
        /// The base name.
        base: Vec<u8>,
        /// What is wrong with its name.
        error: NameError,
    },
    /// Instead of a dash there is a byte that is not even ASCII. CppNix takes it.
    NoDash {
        /// The base name.
        base: Vec<u8>,
    },
    /// A derivation was asked for, and this is none.
    NotADerivation {
        /// The path.
        path: StorePath,
    },
    /// Git knows SHA-1 and SHA-256 only.
    GitAlgorithm {
        /// The other algorithm.
        algorithm: Algorithm,
    },
    /// Texts are hashed with SHA-256 only. CppNix stops at an assertion.
    TextAlgorithm {
        /// The other algorithm.
        algorithm: Algorithm,
    },
    /// Fixed content with references.
    References {
        /// The content's name.
        name: Vec<u8>,
    },
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathError::NotAbsolute { path } => {
                write!(f, "not an absolute path: \"{}\"", Lossy(path))
            }
            PathError::NotInStore { path } => {
                write!(f, "path \"{}\" is not in the Nix store", Lossy(path))
            }
            PathError::TooShort { base } => {
                write!(f, "'{}' is too short to be a valid store path", Lossy(base))
            }
            PathError::NotADigit { base, found } => {
                let found = Lossy(std::slice::from_ref(found));
                let base = Lossy(base);
                write!(f, "store path '{base}' contains illegal base-32 character '{found}'")
            }
            PathError::Name { base, error } => {
                write!(f, "path '{}' is not a valid store path: {error}", Lossy(base))
            }
            PathError::NoDash { base } => {
                write!(f, "path '{}' is not a valid store path: no dash", Lossy(base))
            }
            PathError::NotADerivation { path } => {
                write!(f, "store path '{path}' is not a valid derivation path")
            }
            PathError::GitAlgorithm { algorithm } => {
                write!(f, "Git file ingestion must use SHA-1 or SHA-256 hash, but instead using: {algorithm}")
            }
            PathError::TextAlgorithm { algorithm } => {
                write!(f, "text must use SHA-256 hash, but instead using: {algorithm}")
            }
            PathError::References { name } => {
                let name = Lossy(name);
                write!(f, "fixed output derivation '{name}' is not allowed to refer to other store paths.")?;
                f.write_char('\n')?;
                f.write_str("You may need to use the 'unsafeDiscardReferences' derivation attribute, see the manual for more details.")
            }
        }
    }
}

impl std::error::Error for PathError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn text_path_error(name: &str) -> String {
        let digest = sha256(b"x");
        StoreDir::default().make_text_path(name.as_bytes(), &digest, []).unwrap_err().to_string()
    }

    #[test]
    fn names_as_to_file_refuses_them() {
        // builtins.toFile "" "x", and so on
        assert_eq!(
            text_path_error(""),
            "path '9r1mh2rc3s3i33vpdw86kqqyvy9i1y4w-' is not a valid store path: \
             name must not be empty"
        );
        assert_eq!(
            text_path_error(".."),
            "path 'hv29bhyiqgqrrvfwnrc9gg9g9cw83k4b-..' is not a valid store path: \
             name '..' is not valid"
        );
        assert_eq!(
            text_path_error(".-x"),
            "path 'h1gm37fzbbcqjq5lzy9nv2sxrfr2blwq-.-x' is not a valid store path: \
             name '.-x' is not valid: first dash-separated component must not be '.'"
        );
    }

    #[test]
    fn names_with_dots_inside() {
        for good in [".x", "..x", "...", "a..", "-.", "-"] {
            assert_eq!(check_name(good.as_bytes()), Ok(()), "{good}");
        }
        assert!(check_name(&[b'a'; MAX_NAME_LEN]).is_ok());
        assert!(check_name(&[b'a'; MAX_NAME_LEN + 1]).is_err());
    }

    #[test]
    fn paths_are_made_canonical_first() {
        let store = StoreDir::default();
        let path = store.parse(format!("//nix/./x/../store/{A}-x/").as_bytes()).unwrap();
        assert_eq!(store.print(&path), format!("/nix/store/{A}-x"));
        assert_eq!((path.hash_part(), path.name()), (A, "x"));
    }

    #[test]
    fn paths_outside() {
        let error = |path: &str| StoreDir::default().parse(path.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("foo"), "not an absolute path: \"foo\"");
        assert_eq!(error("/"), "path \"/\" is not in the Nix store");
        assert_eq!(error("/nix/store"), "path \"/nix/store\" is not in the Nix store");
        assert_eq!(
            error(&format!("/nix/store/{A}-x/y")),
            format!("path \"/nix/store/{A}-x/y\" is not in the Nix store")
        );
        assert_eq!(error("/nix/store/a"), "'a' is too short to be a valid store path");
    }

    #[test]
    fn content_paths_of_written_derivations() {
        let path = |name: &str, method, hash: &str| {
            let hash = Hash::parse_allow_empty(hash.as_bytes(), Some(Algorithm::Sha256))
                .or_else(|_| Hash::parse(hash.as_bytes(), None))
                .unwrap();
            let path = StoreDir::default().make_content_path(name.as_bytes(), method, &hash);
            path.unwrap().to_string()
        };
        assert_eq!(
            path("gitmode", Method::Git, "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            "avp93k2drdq7bvafvbz47nzmp71va6b1-gitmode"
        );
        assert_eq!(
            path("text.drv", Method::Text, "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
            "2dpccnw61bxzqgmv6r7zny2i3qfg1c1m-text.drv"
        );
        assert_eq!(
            StoreDir::default()
                .make_content_path(b"blake", Method::Flat, &Hash::zero(Algorithm::Blake3))
                .unwrap()
                .to_string(),
            "v2df2crrassn1izfvhwxjxihvpi323li-blake"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = StorePath::parse(&bytes);
            let _ = StoreDir::default().parse(&bytes);
            let _ = check_name(&bytes);
        }

        #[test]
        fn any_tail_is_read(tail: Vec<u8>) {
            let _ = StorePath::parse(&[A.as_bytes(), &tail].concat());
        }
    }
}
