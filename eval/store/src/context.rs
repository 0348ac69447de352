//! String contexts: what a string depends on.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::error::Lossy;
use crate::hash::{compress, sha256};
use crate::path::{PathError, StoreDir, StorePath, output_path_name};
use crate::{base32, hash};

/// The name of a derivation's output. Any bytes: only names that become part of a path are checked.
pub type OutputName = Arc<[u8]>;

/// How often an output may be taken of an output.
///
/// Real ones go two or three deep. CppNix sets no limit and overflows its stack in the end.
pub const MAX_DYNAMIC_DEPTH: usize = 256;

/// A store path, or an output of a derivation that is itself one of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DerivedPath {
    base: StorePath,
    /// The outputs to take, first to last: none for the plain path.
    outputs: Arc<[OutputName]>,
}

impl DerivedPath {
    /// The path itself.
    pub fn opaque(base: StorePath) -> DerivedPath {
        DerivedPath { base, outputs: Arc::default() }
    }

    /// This output of this derivation.
    pub fn built(drv: &DerivedPath, output: OutputName) -> Result<DerivedPath, ContextError> {
        if drv.outputs.len() == MAX_DYNAMIC_DEPTH {
            return Err(ContextError::TooDeep);
        }
        let outputs = drv.outputs.iter().cloned().chain([output]).collect();
        Ok(DerivedPath { base: drv.base.clone(), outputs })
    }

    /// The store path all outputs are ultimately taken of.
    pub fn base(&self) -> &StorePath {
        &self.base
    }

    /// The outputs to take, first to last: none for the plain path.
    pub fn outputs(&self) -> &[OutputName] {
        &self.outputs
    }

    /// Whether this is a plain path.
    pub fn is_opaque(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The derivation and the output taken of it last; `None` for a plain path.
    pub fn split_last(&self) -> Option<(DerivedPath, &OutputName)> {
        let (last, others) = self.outputs.split_last()?;
        Some((DerivedPath { base: self.base.clone(), outputs: others.into() }, last))
    }

    /// The path as people read it: `/nix/store/….drv^out^lib`.
    pub fn display(&self, store: &StoreDir) -> Vec<u8> {
        let mut text = store.print(&self.base).into_bytes();
        for output in &*self.outputs {
            text.push(b'^');
            text.extend_from_slice(output);
        }
        text
    }

    /// What stands for this path in a builder's environment until the path is known.
    ///
    /// `None` for a plain path, which is known.
    pub fn placeholder(&self) -> Option<String> {
        let (first, others) = self.outputs.split_first()?;
        let mut digest = upstream_output(&self.base, first);
        for output in others {
            digest = computed_output(&digest, output);
        }
        Some(format!("/{}", base32::encode(&digest)))
    }
}

impl Ord for DerivedPath {
    /// CppNix compares the derivation first, and a plain path is less than an output: so fewer
    /// outputs come first, then the base decides, then the outputs from the first on.
    fn cmp(&self, other: &DerivedPath) -> Ordering {
        let by_depth = self.outputs.len().cmp(&other.outputs.len());
        by_depth.then_with(|| (&self.base, &self.outputs).cmp(&(&other.base, &other.outputs)))
    }
}

impl PartialOrd for DerivedPath {
    fn partial_cmp(&self, other: &DerivedPath) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn upstream_output(drv: &StorePath, output: &[u8]) -> hash::Sha256Digest {
    // CppNix cuts four bytes off, whatever they are.
    let name = drv.name();
    let drv_name = &name[..name.len().saturating_sub(4)];
    let name = output_path_name(drv_name, output);
    sha256(&[b"nix-upstream-output:", drv.hash_part().as_bytes(), b":", &name].concat())
}

fn computed_output(drv: &hash::Sha256Digest, output: &[u8]) -> hash::Sha256Digest {
    let drv = base32::encode(&compress::<20>(drv));
    sha256(&[b"nix-computed-output:", drv.as_bytes(), b":", output].concat())
}

/// What stands for a derivation's own output in its environment: `builtins.placeholder`.
pub fn placeholder(output: &[u8]) -> String {
    let digest = sha256(&[b"nix-output:".as_slice(), output].concat());
    format!("/{}", base32::encode(&digest))
}

/// One thing a string depends on. The order is that of CppNix's contexts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContextElem {
    /// A store path. Written `path`.
    Opaque(StorePath),
    /// A derivation, all it needs to be built, and all their outputs. Written `=path`.
    DrvDeep(StorePath),
    /// An output of a derivation. Written `!output!path`; the path has at least one output.
    Built(DerivedPath),
}

impl ContextElem {
    /// This output of a derivation in the store.
    pub fn built(drv: StorePath, output: OutputName) -> ContextElem {
        ContextElem::Built(DerivedPath { base: drv, outputs: Arc::new([output]) })
    }

    /// The element written so.
    pub fn parse(text: &[u8]) -> Result<ContextElem, ContextError> {
        let bad = |reason| ContextError::Malformed { text: text.into(), reason };
        match text {
            [] => Err(bad("String context element should never be an empty string")),
            [b'!', built @ ..] if built.contains(&b'!') => parse_built(built),
            [b'!', ..] => Err(bad("String content element beginning with '!' should have a second '!'")),
            [b'=', drv @ ..] => Ok(ContextElem::DrvDeep(StorePath::parse(drv)?)),
            path if path.contains(&b'!') => {
                Err(bad("String content element not beginning with '!' should not have a second '!'"))
            }
            path => Ok(ContextElem::Opaque(StorePath::parse(path)?)),
        }
    }

    /// The element, written.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            ContextElem::Opaque(path) => path.as_str().into(),
            ContextElem::DrvDeep(drv) => [b"=", drv.as_str().as_bytes()].concat(),
            ContextElem::Built(path) => {
                let mut text = vec![b'!'];
                for output in path.outputs.iter().rev() {
                    text.extend_from_slice(output);
                    text.push(b'!');
                }
                text.extend_from_slice(path.base.as_str().as_bytes());
                text
            }
        }
    }

    /// The element as people read it.
    pub fn display(&self, store: &StoreDir) -> Vec<u8> {
        match self {
            ContextElem::Opaque(path) => store.print(path).into(),
            ContextElem::DrvDeep(drv) => format!("{} (deep)", store.print(drv)).into(),
            ContextElem::Built(path) => path.display(store),
        }
    }
}

/// `output!…!path`, the last output first.
fn parse_built(text: &[u8]) -> Result<ContextElem, ContextError> {
    let mut parts = text.rsplit(|&c| c == b'!');
    let base = StorePath::parse(parts.next().expect("rsplit yields one part at least"))?;
    let outputs: Arc<[OutputName]> = parts.map(OutputName::from).collect();
    if outputs.len() > MAX_DYNAMIC_DEPTH {
        return Err(ContextError::TooDeep);
    }
    Ok(ContextElem::Built(DerivedPath { base, outputs }))
}

/// Why a text is no context element; [`Display`](fmt::Display) is CppNix's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextError {
    /// Exclamation marks missing or too many.
    Malformed {
        /// The text.
        text: Vec<u8>,
        /// What it should have been.
        reason: &'static str,
    },
    /// The path is none.
    Path(PathError),
    /// More than [`MAX_DYNAMIC_DEPTH`] outputs of outputs.
    TooDeep,
}

impl From<PathError> for ContextError {
    fn from(error: PathError) -> ContextError {
        ContextError::Path(error)
    }
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContextError::Malformed { text, reason } => {
                write!(f, "Bad String Context element: {reason}: {}", Lossy(text))
            }
            ContextError::Path(error) => error.fmt(f),
            ContextError::TooDeep => {
                write!(f, "more than {MAX_DYNAMIC_DEPTH} outputs of outputs of derivations")
            }
        }
    }
}

impl std::error::Error for ContextError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GEN: &str = "x9xn3n1jl3mxi9wrsjz4jlwvd1hs0jl9-gen.drv.drv";

    fn built(drv: &str, outputs: &[&str]) -> DerivedPath {
        let opaque = DerivedPath::opaque(StorePath::parse(drv.as_bytes()).unwrap());
        outputs.iter().fold(opaque, |drv, output| DerivedPath::built(&drv, output.as_bytes().into()).unwrap())
    }

    #[test]
    fn placeholders() {
        // builtins.placeholder "out", and those of a written derivation with dynamic inputs
        assert_eq!(placeholder(b"out"), "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9");
        let of = |outputs: &[&str]| built(GEN, outputs).placeholder().unwrap();
        assert_eq!(of(&["out"]), "/1w5jkppgm3c4h2jyyc89niy7qjsg0bpmaz744prrkfvwdbz7bfb3");
        assert_eq!(of(&["out", "out"]), "/1di8qm8836m82s1cmdp6qimxmnfd83zga8lfj5vihz3m3qqs6k2z");
        assert_eq!(of(&["out", "foo", "bar"]), "/0kklkf0l8wccy00i45vjbjvmcsz4ac8limg9zq01427fr8qna4j8");
    }

    #[test]
    fn written_forms_round_trip() {
        for text in [GEN.into(), format!("={GEN}"), format!("!out!{GEN}"), format!("!b!a!{GEN}")] {
            let elem = ContextElem::parse(text.as_bytes()).unwrap();
            assert_eq!(elem.to_bytes(), text.as_bytes());
        }
        let nested = ContextElem::parse(format!("!b!a!{GEN}").as_bytes());
        assert_eq!(nested, Ok(ContextElem::Built(built(GEN, &["a", "b"]))));
    }

    #[test]
    fn refusals() {
        let error = |text: &str| ContextElem::parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            error(""),
            "Bad String Context element: String context element should never be an empty string: "
        );
        assert_eq!(
            error("!x"),
            "Bad String Context element: \
             String content element beginning with '!' should have a second '!': !x"
        );
        assert_eq!(
            error("x!"),
            "Bad String Context element: \
             String content element not beginning with '!' should not have a second '!': x!"
        );
        assert_eq!(error("=x"), "'x' is too short to be a valid store path");
    }

    #[test]
    fn order() {
        let other = "y9xn3n1jl3mxi9wrsjz4jlwvd1hs0jl9-gen.drv";
        let sorted = [
            GEN.into(),
            other.into(),
            format!("={GEN}"),
            format!("!a!{GEN}"),
            format!("!b!{GEN}"),
            format!("!a!{other}"),
            format!("!z!a!{GEN}"),
            format!("!a!b!{GEN}"),
        ];
        let elems = sorted.map(|text| ContextElem::parse(text.as_bytes()).unwrap());
        assert!(elems.is_sorted_by(|a, b| a < b));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = ContextElem::parse(&bytes);
        }
    }
}
