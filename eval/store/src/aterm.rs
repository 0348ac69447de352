//! Derivations as they are written: the format of `.drv` files.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use crate::context::{MAX_DYNAMIC_DEPTH, OutputName};
use crate::derivation::{Derivation, Env, InputDrvs, InputNode, Output, STRUCTURED_ATTRS};
use crate::error::Lossy;
use crate::hash::{Algorithm, Hash, HashError, Sha256Digest, hex_into};
use crate::path::{Method, PathError, StoreDir, StorePath};

/// What is left out of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mask {
    /// Nothing.
    None,
    /// The outputs' paths, also in the variables of their names.
    Outputs,
}

/// Appends the text of `drv`, and returns where in `out` its input derivations stand.
pub(crate) fn write(drv: &Derivation, store: &StoreDir, out: &mut Vec<u8>) -> Range<usize> {
    let mut writer = Writer { store, mask: Mask::None, out };
    writer.reserve(drv);
    writer.head(drv);
    let start = writer.out.len();
    writer.list(drv.input_drvs.iter(), |w, (path, node)| {
        w.out.push(b'(');
        w.path(path);
        w.out.push(b',');
        w.input_node(node);
        w.out.push(b')');
    });
    let end = writer.out.len();
    writer.tail(drv);
    start..end
}

/// Appends the text of `drv` with `inputs`, as [`write_inputs_modulo`] wrote them, for its inputs.
pub(crate) fn write_modulo(drv: &Derivation, store: &StoreDir, mask: Mask, inputs: &[u8], out: &mut Vec<u8>) {
    let mut writer = Writer { store, mask, out };
    writer.reserve(drv);
    writer.head(drv);
    writer.out.extend_from_slice(inputs);
    writer.tail(drv);
}

/// Appends inputs given by their hashes; pairs of equal hash are neighbours.
pub(crate) fn write_inputs_modulo(inputs: &[(Sha256Digest, &OutputName)], out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, group) in inputs.chunk_by(|a, b| a.0 == b.0).enumerate() {
        out.extend_from_slice(if i == 0 { b"(\"" } else { b",(\"" });
        hex_into(&group[0].0, out);
        out.extend_from_slice(b"\",[");
        for (i, (_, output)) in group.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write_plain(output, out);
        }
        out.extend_from_slice(b"])");
    }
    out.push(b']');
}

struct Writer<'a> {
    store: &'a StoreDir,
    mask: Mask,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    /// Room for the whole text: values, and something for the syntax around each.
    fn reserve(&mut self, drv: &Derivation) {
        let env: usize = drv.env.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        let args: usize = drv.args.iter().map(|arg| arg.len() + 3).sum();
        let paths = drv.outputs.len() + drv.input_srcs.len() + drv.input_drvs.0.len();
        let structured = drv.structured_attrs.as_ref().map_or(0, |json| json.len() * 5 / 4);
        self.out.reserve(256 + env * 17 / 16 + args * 17 / 16 + structured + paths * 96);
    }

    /// All before the input derivations.
    fn head(&mut self, drv: &Derivation) {
        let start: &[u8] = match drv.input_drvs.is_dynamic() {
            true => b"DrvWithVersion(\"xp-dyn-drv\",",
            false => b"Derive(",
        };
        self.out.extend_from_slice(start);
        self.list(&drv.outputs, |w, (name, output)| w.output(name, output));
        self.out.push(b',');
    }

    /// All after the input derivations.
    fn tail(&mut self, drv: &Derivation) {
        self.out.push(b',');
        self.list(&drv.input_srcs, |w, path| w.path(path));
        self.out.push(b',');
        write_plain(&drv.system, self.out);
        self.out.push(b',');
        write_escaped(&drv.builder, self.out);
        self.out.push(b',');
        self.list(&drv.args, |w, arg| write_escaped(arg, w.out));
        self.out.push(b',');
        self.env(drv);
        self.out.push(b')');
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.out.push(b'[');
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            write(self, item);
        }
        self.out.push(b']');
    }

    fn path(&mut self, path: &StorePath) {
        self.out.push(b'"');
        self.store.print_into(path, self.out);
        self.out.push(b'"');
    }

    fn output(&mut self, name: &[u8], output: &Output) {
        self.out.push(b'(');
        write_plain(name, self.out);
        self.out.push(b',');
        match output.path() {
            Some(path) if self.mask == Mask::None => self.path(path),
            _ => write_plain(b"", self.out),
        }
        self.out.extend_from_slice(b",\"");
        match output {
            Output::InputAddressed(_) | Output::Deferred => self.out.extend_from_slice(b"\",\""),
            Output::Fixed { method, hash, .. } => {
                self.method(*method, hash.algorithm());
                hex_into(hash.digest(), self.out);
            }
            Output::Floating { method, algorithm } => self.method(*method, *algorithm),
            Output::Impure { method, algorithm } => {
                self.method(*method, *algorithm);
                self.out.extend_from_slice(b"impure");
            }
        }
        self.out.extend_from_slice(b"\")");
    }

    fn method(&mut self, method: Method, algorithm: Algorithm) {
        self.out.extend_from_slice(method.prefix().as_bytes());
        self.out.extend_from_slice(algorithm.name().as_bytes());
        self.out.extend_from_slice(b"\",\"");
    }

    /// Recursive: [`InputNode`] is nested no deeper than [`MAX_DYNAMIC_DEPTH`].
    fn input_node(&mut self, node: &InputNode) {
        if node.dynamic.is_empty() {
            return self.list(&node.outputs, |w, output| write_plain(output, w.out));
        }
        self.out.push(b'(');
        self.list(&node.outputs, |w, output| write_plain(output, w.out));
        self.out.push(b',');
        self.list(&node.dynamic, |w, (output, node)| {
            w.out.push(b'(');
            write_plain(output, w.out);
            w.out.push(b',');
            w.input_node(node);
            w.out.push(b')');
        });
        self.out.push(b')');
    }

    fn env(&mut self, drv: &Derivation) {
        let structured = drv.structured_attrs.as_ref().map(|json| (STRUCTURED_ATTRS, &**json));
        let n_before = match structured {
            Some((key, _)) => drv.env.iter().take_while(|(name, _)| *name < key).count(),
            None => 0,
        };
        let before = drv.env.iter().take(n_before);
        let variables = before.chain(structured).chain(drv.env.iter().skip(n_before));
        self.list(variables, |w, (name, value)| {
            let is_masked = w.mask == Mask::Outputs && drv.outputs.contains_key(name);
            w.out.push(b'(');
            write_escaped(name, w.out);
            w.out.push(b',');
            write_escaped(if is_masked { b"" } else { value }, w.out);
            w.out.push(b')');
        });
    }
}

/// A string CppNix writes as it is, special characters or not.
fn write_plain(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut copied = 0;
    for at in special_bytes(text) {
        out.extend_from_slice(&text[copied..at]);
        out.push(b'\\');
        out.push(match text[at] {
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            quote_or_backslash => quote_or_backslash,
        });
        copied = at + 1;
    }
    out.extend_from_slice(&text[copied..]);
    out.push(b'"');
}

fn is_special(c: u8) -> bool {
    matches!(c, b'"' | b'\\' | b'\n' | b'\r' | b'\t')
}

/// Where the bytes to escape are.
fn special_bytes(text: &[u8]) -> impl Iterator<Item = usize> {
    let (words, rest) = text.as_chunks::<8>();
    let from_words = words
        .iter()
        .enumerate()
        .flat_map(|(i, word)| Candidates(candidates(u64::from_le_bytes(*word))).map(move |at| 8 * i + at));
    from_words.chain(text.len() - rest.len()..text.len()).filter(|&at| is_special(text[at]))
}

/// The high bit of each byte that is a quote, a backslash or a control character, and of some others; after Warren,
/// "Hacker's Delight" (2nd edition, section 6-1).
fn candidates(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    let below = |word: u64, n: u8| word.wrapping_sub(ONES * n as u64) & !word & HIGHS;
    let equal = |c: u8| below(word ^ (ONES * c as u64), 1);
    below(word, b' ') | equal(b'"') | equal(b'\\')
}

/// The bytes of a word whose high bits are set, from the lowest on.
struct Candidates(u64);

impl Iterator for Candidates {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let bit = (self.0 != 0).then(|| self.0.trailing_zeros())?;
        self.0 &= self.0 - 1;
        Some(bit as usize / 8)
    }
}

/// The derivation of this name written so.
///
/// As lenient as CppNix: commas in lists may be missing or too many, and what follows the end is
/// not looked at. Unlike CppNix it takes structured attributes as they stand, be they JSON or not.
pub fn parse(store: &StoreDir, name: &str, text: &[u8]) -> Result<Derivation, AtermError> {
    Reader { store, name, rest: text }.derivation()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Traditional,
    Dynamic,
}

struct Reader<'a> {
    store: &'a StoreDir,
    name: &'a str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn derivation(mut self) -> Result<Derivation, AtermError> {
        let version = self.version()?;
        self.expect("[")?;
        let mut outputs = BTreeMap::new();
        while !self.end_of_list() {
            let (name, output) = self.output()?;
            outputs.entry(name).or_insert(output);
        }
        self.expect(",[")?;
        let mut input_drvs = InputDrvs::default();
        while !self.end_of_list() {
            self.expect("(")?;
            let path = self.path()?;
            let path = self.store.parse(&path)?;
            self.expect(",")?;
            input_drvs.0.insert(path, self.input_node(version, 0)?);
            self.expect(")")?;
        }
        self.expect(",")?;
        let input_srcs = self.input_srcs()?;
        self.expect(",")?;
        let system = self.string()?.into_owned();
        self.expect(",")?;
        let builder = self.string()?.into_owned();
        self.expect(",[")?;
        let mut args = Vec::new();
        while !self.end_of_list() {
            args.push(self.string()?.into_owned());
        }
        self.expect(",[")?;
        let (env, structured_attrs) = self.env()?;
        self.expect(")")?;
        let name = self.name.into();
        Ok(Derivation { name, outputs, input_drvs, input_srcs, system, builder, args, env, structured_attrs })
    }

    fn version(&mut self) -> Result<Version, AtermError> {
        self.expect("D")?;
        match self.rest.first() {
            Some(b'e') => {
                self.expect("erive(")?;
                Ok(Version::Traditional)
            }
            Some(b'r') => {
                self.expect("rvWithVersion(")?;
                let version = self.string()?;
                if *version != *b"xp-dyn-drv" {
                    return Err(AtermError::UnknownVersion { version: version.into() });
                }
                self.expect(",")?;
                Ok(Version::Dynamic)
            }
            _ => Err(AtermError::NotADerivation),
        }
    }

    fn output(&mut self) -> Result<(OutputName, Output), AtermError> {
        self.expect("(")?;
        let name = self.string()?;
        self.expect(",")?;
        let path = self.string()?;
        self.expect(",")?;
        let method_algorithm = self.string()?;
        self.expect(",")?;
        let hash = self.string()?;
        self.expect(")")?;
        let output = match (&*method_algorithm, &*path) {
            (b"", b"") => Output::Deferred,
            (b"", _) => {
                check_path(&path)?;
                Output::InputAddressed(self.store.parse(&path)?)
            }
            _ => self.content_addressed(&name, &path, &method_algorithm, &hash)?,
        };
        Ok((OutputName::from(&*name), output))
    }

    fn content_addressed(
        &self,
        name: &[u8],
        path: &[u8],
        method_algorithm: &[u8],
        hash: &[u8],
    ) -> Result<Output, AtermError> {
        let (method, algorithm) = Method::split_prefix(method_algorithm);
        let algorithm = Algorithm::parse(algorithm)?;
        match (hash, path) {
            (b"impure", b"") => Ok(Output::Impure { method, algorithm }),
            (b"impure", _) => Err(AtermError::ImpureWithPath),
            (b"", b"") => Ok(Output::Floating { method, algorithm }),
            (b"", _) => Err(AtermError::FloatingWithPath),
            _ => {
                check_path(path)?;
                let hash = Hash::parse_unprefixed(hash, algorithm)?;
                Ok(Output::fixed(self.store, self.name, name, method, hash)?)
            }
        }
    }

    /// Recursive, hence the limit on `depth`.
    fn input_node(&mut self, version: Version, depth: usize) -> Result<InputNode, AtermError> {
        if depth > MAX_DYNAMIC_DEPTH {
            return Err(AtermError::TooDeep);
        }
        let is_nested = match (version, self.rest.first()) {
            (Version::Traditional, _) | (Version::Dynamic, Some(b'[')) => false,
            (Version::Dynamic, Some(b'(')) => true,
            (Version::Dynamic, _) => return Err(AtermError::BadInputDrvs),
        };
        if !is_nested {
            return Ok(InputNode { outputs: self.output_names()?, dynamic: BTreeMap::new() });
        }
        self.expect("(")?;
        let mut node = InputNode { outputs: self.output_names()?, dynamic: BTreeMap::new() };
        self.expect(",[")?;
        while !self.end_of_list() {
            self.expect("(")?;
            let output = OutputName::from(&*self.string()?);
            self.expect(",")?;
            node.dynamic.insert(output, self.input_node(version, depth + 1)?);
            self.expect(")")?;
        }
        self.expect(")")?;
        Ok(node)
    }

    fn output_names(&mut self) -> Result<BTreeSet<OutputName>, AtermError> {
        self.expect("[")?;
        let mut names = BTreeSet::new();
        while !self.end_of_list() {
            names.insert(OutputName::from(&*self.string()?));
        }
        Ok(names)
    }

    fn input_srcs(&mut self) -> Result<BTreeSet<StorePath>, AtermError> {
        self.expect("[")?;
        let mut paths = BTreeSet::new();
        while !self.end_of_list() {
            let path = self.path()?;
            paths.insert(self.store.parse(&path)?);
        }
        Ok(paths)
    }

    fn env(&mut self) -> Result<(Env, Option<Vec<u8>>), AtermError> {
        let (mut env, mut structured_attrs) = (Env::default(), None);
        while !self.end_of_list() {
            self.expect("(")?;
            let name = self.string()?;
            self.expect(",")?;
            let value = self.string()?;
            self.expect(")")?;
            match &*name {
                STRUCTURED_ATTRS => structured_attrs = Some(value.into_owned()),
                _ => env.set(&name, &value),
            }
        }
        Ok((env, structured_attrs))
    }

    fn expect(&mut self, text: &'static str) -> Result<(), AtermError> {
        self.rest = self.rest.strip_prefix(text.as_bytes()).ok_or(AtermError::Expected { text })?;
        Ok(())
    }

    /// Passes a comma, or passes the end and says so.
    fn end_of_list(&mut self) -> bool {
        let c = self.rest.first();
        if let Some(b',' | b']') = c {
            self.rest = &self.rest[1..];
        }
        c == Some(&b']')
    }

    fn path(&mut self) -> Result<Cow<'a, [u8]>, AtermError> {
        let path = self.string()?;
        check_path(&path)?;
        Ok(path)
    }

    fn string(&mut self) -> Result<Cow<'a, [u8]>, AtermError> {
        self.expect("\"")?;
        let text = self.rest;
        let mut value = Cow::Borrowed(b"".as_slice());
        let mut start = 0;
        loop {
            let found = text[start..].iter().position(|c| matches!(c, b'"' | b'\\'));
            let at = start + found.ok_or(AtermError::Unterminated)?;
            append(&mut value, &text[start..at]);
            if text[at] == b'"' {
                self.rest = &text[at + 1..];
                return Ok(value);
            }
            let &escaped = text.get(at + 1).ok_or(AtermError::Unterminated)?;
            value.to_mut().push(unescape(escaped));
            start = at + 2;
        }
    }
}

/// Borrows what it can: a string without escapes is one run.
fn append<'a>(value: &mut Cow<'a, [u8]>, run: &'a [u8]) {
    if value.is_empty() && matches!(value, Cow::Borrowed(_)) {
        *value = Cow::Borrowed(run);
    } else {
        value.to_mut().extend_from_slice(run);
    }
}

fn unescape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => other,
    }
}

fn check_path(path: &[u8]) -> Result<(), AtermError> {
    match path.first() {
        Some(b'/') => Ok(()),
        _ => Err(AtermError::BadPath { path: path.into() }),
    }
}

/// Why a text is no derivation; [`Display`](fmt::Display) is CppNix's message, before which it says
/// `error parsing derivation '…': `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtermError {
    /// Something else stands where this should.
    Expected {
        /// What should stand there.
        text: &'static str,
    },
    /// A string without end.
    Unterminated,
    /// A path that is not absolute.
    BadPath {
        /// The path.
        path: Vec<u8>,
    },
    /// Neither form of a derivation.
    NotADerivation,
    /// A version not known.
    UnknownVersion {
        /// The version.
        version: Vec<u8>,
    },
    /// Neither form of an input.
    BadInputDrvs,
    /// More than [`MAX_DYNAMIC_DEPTH`] outputs of outputs.
    TooDeep,
    /// An impure output that has a path.
    ImpureWithPath,
    /// A floating output that has a path.
    FloatingWithPath,
    /// A path that is no store path.
    Path(PathError),
    /// A hash that is none.
    Hash(HashError),
}

impl From<PathError> for AtermError {
    fn from(error: PathError) -> AtermError {
        AtermError::Path(error)
    }
}

impl From<HashError> for AtermError {
    fn from(error: HashError) -> AtermError {
        AtermError::Hash(error)
    }
}

impl fmt::Display for AtermError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AtermError::Expected { text } => write!(f, "expected string '{text}'"),
            AtermError::Unterminated => f.write_str("unterminated string in derivation"),
            AtermError::BadPath { path } => {
                write!(f, "bad path '{}' in derivation", Lossy(path))
            }
            AtermError::NotADerivation => {
                f.write_str("derivation does not start with 'Derive' or 'DrvWithVersion'")
            }
            AtermError::UnknownVersion { version } => {
                write!(f, "Unknown derivation ATerm format version '{}'", Lossy(version))
            }
            AtermError::BadInputDrvs => f.write_str("invalid inputDrvs entry in derivation"),
            AtermError::TooDeep => {
                write!(f, "more than {MAX_DYNAMIC_DEPTH} outputs of outputs of derivations")
            }
            AtermError::ImpureWithPath => {
                f.write_str("impure derivation output should not specify output path")
            }
            AtermError::FloatingWithPath => {
                f.write_str("content-addressing derivation output should not specify output path")
            }
            AtermError::Path(error) => error.fmt(f),
            AtermError::Hash(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AtermError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::DerivedPath;
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    const GEN: &str = "x9xn3n1jl3mxi9wrsjz4jlwvd1hs0jl9-gen.drv";

    fn error(text: &str) -> String {
        parse(&StoreDir::default(), "x", text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn refusals() {
        assert_eq!(error(""), "expected string 'D'");
        assert_eq!(error("D"), "derivation does not start with 'Derive' or 'DrvWithVersion'");
        assert_eq!(error("Derive("), "expected string '['");
        assert_eq!(error("Derive([(\"out\\"), "unterminated string in derivation");
        assert_eq!(error("DrvWithVersion(\"x\","), "Unknown derivation ATerm format version 'x'");
        assert_eq!(error("Derive([(\"out\",\"x\",\"\",\"\")"), "bad path 'x' in derivation");
        assert_eq!(
            error("Derive([(\"out\",\"/x\",\"sha256\",\"impure\")"),
            "impure derivation output should not specify output path"
        );
    }

    #[test]
    fn lists_are_lenient() {
        let text = br#"Derive([,("out","","","")],[],[],"s","b",["a""b",,"c"],[])trailing"#;
        assert_eq!(error(std::str::from_utf8(text).unwrap()), "expected string '\"'");
        let text = br#"Derive([,("out","","","")],[],[],"s","b",["a""b"],[])trailing"#;
        let drv = parse(&StoreDir::default(), "x", text).unwrap();
        assert_eq!(drv.args, [b"a", b"b"]);
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = r#"([],[("a","#.repeat(100_000);
        let path = format!("/nix/store/{GEN}");
        let text = format!(r#"DrvWithVersion("xp-dyn-drv",[],[("{path}",{deep}"#);
        assert_eq!(parse(&StoreDir::default(), "x", text.as_bytes()), Err(AtermError::TooDeep));
    }

    fn drvs() -> impl Strategy<Value = Derivation> {
        let name = "[a-z]{1,3}";
        let inputs = vec(vec(name, 1..4), 0..4);
        let text = || vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(b'\n')], 0..80);
        (btree_set(name, 0..3), inputs, text(), vec(text(), 0..3), vec((text(), text()), 0..4), any::<bool>())
            .prop_map(|(outputs, inputs, builder, args, env, is_structured)| {
                let base = StorePath::parse(GEN.as_bytes()).unwrap();
                let mut input_drvs = InputDrvs::default();
                for outputs in inputs {
                    let built = outputs.iter().fold(DerivedPath::opaque(base.clone()), |drv, output| {
                        DerivedPath::built(&drv, output.as_bytes().into()).unwrap()
                    });
                    input_drvs.insert_built(&built);
                }
                Derivation {
                    name: "x".into(),
                    outputs: outputs.iter().map(|name| (name.as_bytes().into(), Output::Deferred)).collect(),
                    input_drvs,
                    input_srcs: BTreeSet::from([base]),
                    system: b"x86_64-linux".into(),
                    builder,
                    args,
                    env: env.into_iter().collect(),
                    structured_attrs: is_structured.then(|| b"{\"a\":1}".into()),
                }
            })
    }

    proptest! {
        #[test]
        fn round_trip(drv in drvs()) {
            let store = StoreDir::default();
            let mut text = Vec::new();
            drv.write(&store, &mut text);
            prop_assert_eq!(parse(&store, "x", &text), Ok(drv));
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = parse(&StoreDir::default(), "x", &bytes);
            let _ = parse(&StoreDir::default(), "x", &[b"Derive([(\"", &*bytes].concat());
        }
    }
}
