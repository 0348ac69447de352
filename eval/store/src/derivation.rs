//! Derivations: what is built, from what, and which store paths follow from it.
//!
//! A [`Draft`] is a derivation as the user wrote it. [`Draft::finish`] checks it, computes its
//! outputs' paths and its own, and returns it as a [`Derivation`] with its hash modulo inputs,
//! which the caller keeps for those that depend on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::aterm::{self, Mask};
use crate::context::{DerivedPath, OutputName, placeholder};
use crate::error::Lossy;
use crate::hash::{Algorithm, Format, Hash, HashError, Sha256Digest, sha256};
use crate::path::{DRV_EXTENSION, Method, PathError, StoreDir, StorePath, output_path_name};

/// The environment variable that carries structured attributes in a written derivation.
pub const STRUCTURED_ATTRS: &[u8] = b"__json";

/// A derivation whose outputs are as known as they can be before anything is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    /// The name, without [`DRV_EXTENSION`].
    pub name: String,
    /// What it makes.
    pub outputs: BTreeMap<OutputName, Output>,
    /// The outputs of other derivations it needs.
    pub input_drvs: InputDrvs,
    /// The store paths it needs as they are.
    pub input_srcs: BTreeSet<StorePath>,
    /// The system it is built on.
    pub system: Vec<u8>,
    /// The program that builds it.
    pub builder: Vec<u8>,
    /// The program's arguments.
    pub args: Vec<Vec<u8>>,
    /// The program's environment, but for [`STRUCTURED_ATTRS`].
    pub env: Env,
    /// Structured attributes as JSON text. CppNix writes them without spaces and sorted by key.
    pub structured_attrs: Option<Vec<u8>>,
}

/// An output of a derivation, by how its path comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The path follows from the inputs.
    InputAddressed(StorePath),
    /// The content is known beforehand, and the path follows from it.
    Fixed {
        /// How the content is hashed.
        method: Method,
        /// The content's hash.
        hash: Hash,
        /// The path.
        path: StorePath,
    },
    /// The path will follow from the content.
    Floating {
        /// How the content is to be hashed.
        method: Method,
        /// With which algorithm.
        algorithm: Algorithm,
    },
    /// The path will follow from the inputs, once their paths are known.
    Deferred,
    /// As floating, but every build may differ.
    Impure {
        /// How the content is to be hashed.
        method: Method,
        /// With which algorithm.
        algorithm: Algorithm,
    },
}

impl Output {
    /// The path, if it is known.
    pub fn path(&self) -> Option<&StorePath> {
        match self {
            Output::InputAddressed(path) | Output::Fixed { path, .. } => Some(path),
            Output::Floating { .. } | Output::Deferred | Output::Impure { .. } => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Output::InputAddressed(_) => Kind::InputAddressed,
            Output::Fixed { .. } => Kind::Fixed,
            Output::Floating { .. } => Kind::Floating,
            Output::Deferred => Kind::Deferred,
            Output::Impure { .. } => Kind::Impure,
        }
    }
}

/// What the outputs of a derivation, which are all alike, are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Output::InputAddressed`].
    InputAddressed,
    /// [`Output::Fixed`], and the only output.
    Fixed,
    /// [`Output::Floating`].
    Floating,
    /// [`Output::Deferred`].
    Deferred,
    /// [`Output::Impure`].
    Impure,
}

/// Environment variables, in byte order of name, no name twice.
#[derive(Clone, Default)]
pub struct Env {
    variables: Vec<Variable>,
    /// Names and values one after the other: a derivation has dozens, most of them short.
    text: Vec<u8>,
}

/// Where the name and the value of a variable end in the text; the value follows the name.
#[derive(Clone, Copy)]
struct Variable {
    start: usize,
    middle: usize,
    end: usize,
}

impl Env {
    /// The value of this variable.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.find(name).ok().map(|at| self.parts(self.variables[at]).1)
    }

    /// Sets this variable, over any value it had. Cheapest in byte order of name.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        let start = self.text.len();
        let middle = start + name.len();
        let new = Variable { start, middle, end: middle + value.len() };
        let at = match self.variables.last() {
            Some(&last) if self.parts(last).0 >= name => self.find(name),
            _ => Err(self.variables.len()),
        };
        match at {
            Ok(at) => self.variables[at] = new,
            Err(at) => self.variables.insert(at, new),
        }
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
    }

    /// All variables, in byte order of name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.variables.iter().map(|&variable| self.parts(variable))
    }

    fn find(&self, name: &[u8]) -> Result<usize, usize> {
        self.variables.binary_search_by(|&other| self.parts(other).0.cmp(name))
    }

    fn parts(&self, Variable { start, middle, end }: Variable) -> (&[u8], &[u8]) {
        (&self.text[start..middle], &self.text[middle..end])
    }
}

impl PartialEq for Env {
    fn eq(&self, other: &Env) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Env {}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy;
        f.debug_map().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

impl FromIterator<(Vec<u8>, Vec<u8>)> for Env {
    /// Of equal names the last wins.
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, Vec<u8>)>>(variables: I) -> Env {
        let mut env = Env::default();
        for (name, value) in variables {
            env.set(&name, &value);
        }
        env
    }
}

/// The outputs of other derivations that a derivation needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputDrvs(pub(crate) BTreeMap<StorePath, InputNode>);

impl InputDrvs {
    /// Adds this output of a derivation in the store.
    pub fn insert(&mut self, drv: StorePath, output: OutputName) {
        self.0.entry(drv).or_default().outputs.insert(output);
    }

    /// Adds an output of a derivation that may itself be an output.
    ///
    /// # Panics
    /// If `built` is a plain path, which belongs to [`Derivation::input_srcs`].
    pub fn insert_built(&mut self, built: &DerivedPath) {
        let (last, others) = built.outputs().split_last().expect("a plain path is no output");
        let node = self.0.entry(built.base().clone()).or_default();
        let node = others.iter().fold(node, |node, output| node.dynamic.entry(output.clone()).or_default());
        node.outputs.insert(last.clone());
    }

    /// The derivations in the store, in order, and what is needed of each.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&StorePath, &InputNode)> {
        self.0.iter()
    }

    /// Whether an output of an output is needed, which takes a newer format to write.
    pub(crate) fn is_dynamic(&self) -> bool {
        self.0.values().any(|node| !node.dynamic.is_empty())
    }
}

/// What is needed of one derivation.
///
/// Nested no deeper than [`MAX_DYNAMIC_DEPTH`](crate::context::MAX_DYNAMIC_DEPTH), so that it may
/// be walked by recursion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputNode {
    pub(crate) outputs: BTreeSet<OutputName>,
    pub(crate) dynamic: BTreeMap<OutputName, InputNode>,
}

impl InputNode {
    /// The outputs needed, in order.
    pub fn outputs(&self) -> &BTreeSet<OutputName> {
        &self.outputs
    }

    /// The outputs that are derivations of which in turn something is needed, in order.
    pub fn dynamic(&self) -> &BTreeMap<OutputName, InputNode> {
        &self.dynamic
    }
}

/// The hash of a derivation in which its inputs stand as their own such hashes, not as paths: what
/// those that depend on it see of it.
///
/// One hash serves all outputs: a derivation with a hash per output would be one of fixed outputs,
/// which have only one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashModulo {
    /// The hash.
    pub digest: Sha256Digest,
    /// Whether some input's path is not known yet, so that this hash cannot address an output.
    pub deferred: bool,
    /// The outputs, in order.
    pub outputs: Arc<[OutputName]>,
}

/// The hashes of derivations already seen.
pub trait HashesModulo {
    /// The hash of the derivation written at this path.
    fn hash_modulo(&self, drv: &StorePath) -> Option<HashModulo>;
}

impl HashesModulo for BTreeMap<StorePath, HashModulo> {
    fn hash_modulo(&self, drv: &StorePath) -> Option<HashModulo> {
        self.get(drv).cloned()
    }
}

impl<S: BuildHasher> HashesModulo for std::collections::HashMap<StorePath, HashModulo, S> {
    fn hash_modulo(&self, drv: &StorePath) -> Option<HashModulo> {
        self.get(drv).cloned()
    }
}

/// Buffers to write derivations into; keep one and use it again.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    aterm: Vec<u8>,
    inputs: Vec<u8>,
}

impl Scratch {
    /// The derivation finished last, as it is to be written to the store.
    pub fn aterm(&self) -> &[u8] {
        &self.aterm
    }
}

impl Derivation {
    /// What the outputs are, which must be all alike.
    pub fn kind(&self) -> Result<Kind, DerivationError> {
        let mut outputs = self.outputs.iter();
        let (name, first) = outputs.next().ok_or(DerivationError::NoOutput)?;
        let kind = first.kind();
        if kind == Kind::Fixed && **name != *b"out" {
            return Err(DerivationError::FixedNotOut);
        }
        for (_, output) in outputs {
            match (first, output) {
                _ if output.kind() != kind => return Err(DerivationError::Mixed),
                (Output::Fixed { .. }, _) => return Err(DerivationError::SecondFixed),
                (Output::Floating { algorithm: a, .. }, Output::Floating { algorithm: b, .. }) if a != b => {
                    return Err(DerivationError::FloatingAlgorithms);
                }
                _ => {}
            }
        }
        Ok(kind)
    }

    /// Appends the derivation as it is written to the store.
    pub fn write(&self, store: &StoreDir, out: &mut Vec<u8>) {
        aterm::write(self, store, out);
    }

    /// Where the derivation lies once written, given what [`Derivation::write`] wrote.
    pub fn store_path(&self, store: &StoreDir, aterm: &[u8]) -> Result<StorePath, PathError> {
        let mut references: Vec<&StorePath> =
            self.input_srcs.iter().chain(self.input_drvs.0.keys()).collect();
        references.sort_unstable();
        references.dedup();
        let name = format!("{}{DRV_EXTENSION}", self.name);
        store.make_text_path(name.as_bytes(), &sha256(aterm), references)
    }

    /// The hash modulo inputs, by which those that depend on this derivation are addressed.
    pub fn hash_modulo(
        &self,
        store: &StoreDir,
        inputs: &dyn HashesModulo,
        scratch: &mut Scratch,
    ) -> Result<HashModulo, DerivationError> {
        let kind = self.kind()?;
        if let Some(hash) = self.fixed_hash(store) {
            return Ok(hash);
        }
        let deferred = self.write_inputs_modulo(inputs, &mut scratch.inputs)?;
        scratch.aterm.clear();
        aterm::write_modulo(self, store, Mask::None, &scratch.inputs, &mut scratch.aterm);
        Ok(self.modulo(sha256(&scratch.aterm), deferred || is_built_first(kind)))
    }

    /// Gives each deferred output its path, and the variable of its name the path as value; unless
    /// some input's path is not known yet, in which case nothing changes.
    ///
    /// A variable that has a value already keeps it.
    pub fn fill_outputs(
        &mut self,
        store: &StoreDir,
        inputs: &dyn HashesModulo,
        scratch: &mut Scratch,
    ) -> Result<(), DerivationError> {
        let deferred = self.write_inputs_modulo(inputs, &mut scratch.inputs)?;
        self.fill_from_inputs(store, deferred, scratch)
    }

    /// As [`Derivation::fill_outputs`], the inputs standing in `scratch` already.
    fn fill_from_inputs(
        &mut self,
        store: &StoreDir,
        deferred: bool,
        scratch: &mut Scratch,
    ) -> Result<(), DerivationError> {
        if deferred {
            return Ok(());
        }
        scratch.aterm.clear();
        aterm::write_modulo(self, store, Mask::Outputs, &scratch.inputs, &mut scratch.aterm);
        let digest = sha256(&scratch.aterm);
        for (name, output) in &mut self.outputs {
            if *output == Output::Deferred {
                let path = store.make_output_path(name, &digest, &self.name)?;
                if self.env.get(name).is_none_or(<[u8]>::is_empty) {
                    self.env.set(name, store.print(&path).as_bytes());
                }
                *output = Output::InputAddressed(path);
            }
        }
        Ok(())
    }

    /// The hash of a derivation of fixed output: one of the content, whatever makes it.
    fn fixed_hash(&self, store: &StoreDir) -> Option<HashModulo> {
        let Output::Fixed { method, hash, path } = self.outputs.values().next()? else {
            return None;
        };
        let (prefix, hash) = (method.prefix(), hash.to_prefixed(Format::Base16));
        let content = format!("fixed:out:{prefix}{hash}:{}", store.print(path));
        Some(self.modulo(sha256(content.as_bytes()), false))
    }

    fn modulo(&self, digest: Sha256Digest, deferred: bool) -> HashModulo {
        HashModulo { digest, deferred, outputs: self.outputs.keys().cloned().collect() }
    }

    /// Writes the inputs as their hashes, and tells whether one of them is deferred.
    ///
    /// Inputs of equal hash become one, even if their derivations differ: as two sources do that
    /// have the same content but come from different places.
    fn write_inputs_modulo(
        &self,
        hashes: &dyn HashesModulo,
        out: &mut Vec<u8>,
    ) -> Result<bool, DerivationError> {
        let mut deferred = false;
        let mut inputs: Vec<(Sha256Digest, &OutputName)> = Vec::with_capacity(self.input_drvs.0.len());
        for (drv, node) in self.input_drvs.iter() {
            let hash =
                hashes.hash_modulo(drv).ok_or_else(|| DerivationError::UnknownInput { drv: drv.clone() })?;
            deferred |= hash.deferred;
            for output in &node.outputs {
                if !hash.outputs.contains(output) {
                    let (output, name) = (output.clone(), self.name.clone());
                    return Err(DerivationError::NoHash { output, name });
                }
                inputs.push((hash.digest, output));
            }
        }
        inputs.sort_unstable();
        inputs.dedup();
        out.clear();
        aterm::write_inputs_modulo(&inputs, out);
        Ok(deferred)
    }
}

/// Whether outputs of this kind have no path before they are built.
fn is_built_first(kind: Kind) -> bool {
    matches!(kind, Kind::Floating | Kind::Impure)
}

/// A derivation as the user wrote it: what `derivationStrict` gathers from its attributes.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The name, without [`DRV_EXTENSION`]; [`check_name`](crate::path::check_name) should have
    /// approved of it.
    pub name: String,
    /// The system.
    pub system: Vec<u8>,
    /// The builder.
    pub builder: Vec<u8>,
    /// The builder's arguments.
    pub args: Vec<Vec<u8>>,
    /// The other attributes, as variables; empty if they are structured.
    pub env: Env,
    /// Structured attributes as JSON text, without spaces and sorted by key.
    pub structured_attrs: Option<Vec<u8>>,
    /// The outputs' names; see [`Draft::set_outputs`].
    pub outputs: BTreeSet<OutputName>,
    /// The outputs of other derivations it needs.
    pub input_drvs: InputDrvs,
    /// The store paths it needs as they are.
    pub input_srcs: BTreeSet<StorePath>,
    /// `outputHash`.
    pub output_hash: Option<Vec<u8>>,
    /// `outputHashAlgo`, if an algorithm has that name.
    pub output_hash_algo: Option<Algorithm>,
    /// `outputHashMode`.
    pub output_hash_mode: Option<Method>,
    /// `__contentAddressed`.
    pub content_addressed: bool,
    /// `__impure`.
    pub impure: bool,
}

/// A finished derivation.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The derivation.
    pub drv: Derivation,
    /// Where it lies once written.
    pub path: StorePath,
    /// Its hash modulo inputs.
    pub modulo: HashModulo,
    /// The zero hash that stands for an empty `outputHash`: CppNix warns of it.
    pub assumed_hash: Option<Hash>,
}

impl Draft {
    /// A derivation of this name, of one output `out`, and nothing else yet.
    pub fn new(name: String) -> Draft {
        Draft {
            name,
            system: Vec::new(),
            builder: Vec::new(),
            args: Vec::new(),
            env: Env::default(),
            structured_attrs: None,
            outputs: BTreeSet::from([out_name()]),
            input_drvs: InputDrvs::default(),
            input_srcs: BTreeSet::new(),
            output_hash: None,
            output_hash_algo: None,
            output_hash_mode: None,
            content_addressed: false,
            impure: false,
        }
    }

    /// Replaces the outputs: at least one, none twice, none called `drvPath`.
    pub fn set_outputs<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), DerivationError> {
        self.outputs.clear();
        for name in names {
            if self.outputs.contains(name) {
                return Err(DerivationError::DuplicateOutput { name: name.into() });
            }
            if name == b"drvPath" {
                return Err(DerivationError::OutputDrvPath);
            }
            self.outputs.insert(name.into());
        }
        if self.outputs.is_empty() { Err(DerivationError::EmptyOutputs) } else { Ok(()) }
    }

    /// Checks the derivation and computes all paths that can be known now.
    ///
    /// Fails as CppNix does, in its order. [`Scratch::aterm`] then holds what is to be written.
    pub fn finish(
        mut self,
        store: &StoreDir,
        inputs: &dyn HashesModulo,
        scratch: &mut Scratch,
    ) -> Result<Finished, DerivationError> {
        self.check()?;
        let assumed_hash = self.assumed_hash();
        let outputs = self.make_outputs(store)?;
        let mut drv = self.into_derivation(outputs);
        if drv.env.get(STRUCTURED_ATTRS).is_some() {
            return Err(DerivationError::ReservedVariable);
        }
        let kind = drv.kind()?;
        let mut deferred = is_built_first(kind);
        if kind != Kind::Fixed {
            deferred |= drv.write_inputs_modulo(inputs, &mut scratch.inputs)?;
        }
        if kind == Kind::Deferred {
            drv.fill_from_inputs(store, deferred, scratch)?;
        }
        scratch.aterm.clear();
        let inputs_at = aterm::write(&drv, store, &mut scratch.aterm);
        let path = drv.store_path(store, &scratch.aterm)?;
        let modulo = drv.fixed_hash(store).unwrap_or_else(|| {
            // The same text but for the inputs: hashed around them, not written again.
            let mut hasher = Sha256::new();
            hasher.update(&scratch.aterm[..inputs_at.start]);
            hasher.update(&scratch.inputs);
            hasher.update(&scratch.aterm[inputs_at.end..]);
            drv.modulo(hasher.finalize().into(), deferred)
        });
        Ok(Finished { drv, path, modulo, assumed_hash })
    }

    fn check(&self) -> Result<(), DerivationError> {
        if self.builder.is_empty() {
            return Err(DerivationError::NoBuilder);
        }
        if self.system.is_empty() {
            return Err(DerivationError::NoSystem);
        }
        let makes_text = self.output_hash_mode == Some(Method::Text) && self.is_single_out();
        if self.name.ends_with(DRV_EXTENSION) && !makes_text {
            return Err(DerivationError::DrvName);
        }
        Ok(())
    }

    fn is_single_out(&self) -> bool {
        self.outputs.len() == 1 && self.outputs.contains(b"out".as_slice())
    }

    fn assumed_hash(&self) -> Option<Hash> {
        let is_empty = self.output_hash.as_ref().is_some_and(Vec::is_empty);
        self.output_hash_algo.filter(|_| is_empty).map(Hash::zero)
    }

    /// The outputs, before those addressed by input have a path; sets the variable of each.
    fn make_outputs(&mut self, store: &StoreDir) -> Result<BTreeMap<OutputName, Output>, DerivationError> {
        if let Some(hash) = &self.output_hash {
            let hash = fixed_output(self.is_single_out(), hash, self.output_hash_algo)?;
            return self.make_fixed(store, hash);
        }
        if self.content_addressed && self.impure {
            return Err(DerivationError::ImpureAndContentAddressed);
        }
        let method = self.output_hash_mode.unwrap_or(Method::Nar);
        let algorithm = self.output_hash_algo.unwrap_or(Algorithm::Sha256);
        let output = match (self.impure, self.content_addressed) {
            (true, _) => Output::Impure { method, algorithm },
            (_, true) => Output::Floating { method, algorithm },
            _ => Output::Deferred,
        };
        for name in &self.outputs {
            let is_deferred = output == Output::Deferred;
            let value = if is_deferred { String::new() } else { placeholder(name) };
            self.env.set(name, value.as_bytes());
        }
        Ok(self.outputs.iter().map(|name| (name.clone(), output.clone())).collect())
    }

    fn make_fixed(
        &mut self,
        store: &StoreDir,
        hash: Hash,
    ) -> Result<BTreeMap<OutputName, Output>, DerivationError> {
        let method = self.output_hash_mode.unwrap_or(Method::Flat);
        let output = Output::fixed(store, &self.name, b"out", method, hash)?;
        let path = output.path().expect("a fixed output has a path");
        self.env.set(b"out", store.print(path).as_bytes());
        Ok(BTreeMap::from([(out_name(), output)]))
    }

    fn into_derivation(self, outputs: BTreeMap<OutputName, Output>) -> Derivation {
        Derivation {
            name: self.name,
            outputs,
            input_drvs: self.input_drvs,
            input_srcs: self.input_srcs,
            system: self.system,
            builder: self.builder,
            args: self.args,
            env: self.env,
            structured_attrs: self.structured_attrs,
        }
    }
}

impl Output {
    /// The output of this content.
    pub fn fixed(
        store: &StoreDir,
        drv_name: &str,
        output: &[u8],
        method: Method,
        hash: Hash,
    ) -> Result<Output, PathError> {
        let name = output_path_name(drv_name, output);
        let path = store.make_content_path(&name, method, &hash)?;
        Ok(Output::Fixed { method, hash, path })
    }
}

fn fixed_output(
    is_single_out: bool,
    hash: &[u8],
    algorithm: Option<Algorithm>,
) -> Result<Hash, DerivationError> {
    if !is_single_out {
        return Err(DerivationError::FixedOutputs);
    }
    Ok(Hash::parse_allow_empty(hash, algorithm)?)
}

fn out_name() -> OutputName {
    b"out".as_slice().into()
}

/// Why a derivation is none; [`Display`](fmt::Display) is CppNix's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DerivationError {
    /// No builder, or an empty one.
    NoBuilder,
    /// No system, or an empty one.
    NoSystem,
    /// The name ends in [`DRV_EXTENSION`], and the output is not one text.
    DrvName,
    /// An output named twice.
    DuplicateOutput {
        /// The name.
        name: Vec<u8>,
    },
    /// An output named as an attribute every derivation has.
    OutputDrvPath,
    /// The list of outputs is empty.
    EmptyOutputs,
    /// A fixed output that is not the only one, or not `out`.
    FixedOutputs,
    /// Content-addressed and impure.
    ImpureAndContentAddressed,
    /// A variable named [`STRUCTURED_ATTRS`].
    ReservedVariable,
    /// `outputHash` is no hash.
    Hash(HashError),
    /// A path cannot be made.
    Path(PathError),
    /// An input whose hash modulo the caller does not know.
    UnknownInput {
        /// The input.
        drv: StorePath,
    },
    /// An output its derivation does not have.
    NoHash {
        /// The output.
        output: OutputName,
        /// The derivation that needs it.
        name: String,
    },
    /// A written derivation without outputs.
    NoOutput,
    /// A written derivation with outputs of several kinds.
    Mixed,
    /// A written derivation with several fixed outputs.
    SecondFixed,
    /// A written derivation whose fixed output has another name than `out`.
    FixedNotOut,
    /// A written derivation with floating outputs of several algorithms.
    FloatingAlgorithms,
}

impl From<HashError> for DerivationError {
    fn from(error: HashError) -> DerivationError {
        DerivationError::Hash(error)
    }
}

impl From<PathError> for DerivationError {
    fn from(error: PathError) -> DerivationError {
        DerivationError::Path(error)
    }
}

impl fmt::Display for DerivationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DerivationError::DuplicateOutput { name } => {
                write!(f, "duplicate derivation output '{}'", Lossy(name))
            }
            DerivationError::Hash(error) => error.fmt(f),
            DerivationError::Path(error) => error.fmt(f),
            DerivationError::UnknownInput { drv } => {
                write!(f, "the hash of input derivation '{drv}' is not known")
            }
            DerivationError::NoHash { output, name } => {
                write!(f, "no hash for output '{}' of derivation '{name}'", Lossy(output))
            }
            DerivationError::NoBuilder => f.write_str("required attribute 'builder' missing"),
            DerivationError::NoSystem => f.write_str("required attribute 'system' missing"),
            DerivationError::DrvName => f.write_str(
                "derivation names are allowed to end in '.drv' only if they produce a single derivation file",
            ),
            DerivationError::OutputDrvPath => {
                f.write_str("invalid derivation output name 'drvPath'")
            }
            DerivationError::EmptyOutputs => {
                f.write_str("derivation cannot have an empty set of outputs")
            }
            DerivationError::FixedOutputs => {
                f.write_str("multiple outputs are not supported in fixed-output derivations")
            }
            DerivationError::ImpureAndContentAddressed => {
                f.write_str("derivation cannot be both content-addressed and impure")
            }
            DerivationError::ReservedVariable => f.write_str(
                "Cannot have an environment variable named '__json'. This key is reserved for encoding structured attrs",
            ),
            DerivationError::NoOutput => f.write_str("must have at least one output"),
            DerivationError::Mixed => f.write_str("can't mix derivation output types"),
            DerivationError::SecondFixed => {
                f.write_str("only one fixed output is allowed for now")
            }
            DerivationError::FixedNotOut => {
                f.write_str("single fixed output must be named \"out\"")
            }
            DerivationError::FloatingAlgorithms => {
                f.write_str("all floating outputs must use the same hash algorithm")
            }
        }
    }
}

impl std::error::Error for DerivationError {}
