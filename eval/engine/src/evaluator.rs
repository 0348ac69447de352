//! One evaluation's world behind plain verbs: evaluate, force, select, print.

use crate::select::AutoArgs;
use frazil_store::StoreDir;
use frazil_store::path::StorePath;
use frazil_syntax::symbol::Symbol;
use frazil_value::Val;
use frazil_vm::builtins::functions::DeepSeq;
use frazil_vm::builtins::json::ToJson;
use frazil_vm::builtins::xml::ToXml;
use frazil_vm::files::Origin;
use frazil_vm::print::PrintOptions;
use frazil_vm::world::State;
use frazil_vm::{Error, Host, Limits, Machine, Pos, Settings, Step, World};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or a directory with `default.nix`; an absolute path.
    File(Vec<u8>),
    /// A text, and the directory that its relative paths start from.
    Text(Vec<u8>, Vec<u8>),
    /// As `Text`, read from standard input.
    Stdin(Vec<u8>, Vec<u8>),
}

impl Source {
    /// A file, or a directory with `default.nix`, by its absolute path.
    pub fn file(path: impl AsRef<[u8]>) -> Source {
        Source::File(path.as_ref().to_vec())
    }

    /// A text whose relative paths start from the directory `base`.
    pub fn text(text: impl AsRef<[u8]>, base: impl AsRef<[u8]>) -> Source {
        Source::Text(text.as_ref().to_vec(), base.as_ref().to_vec())
    }
}

/// A text whose relative paths start from the root.
impl From<&str> for Source {
    fn from(text: &str) -> Source {
        Source::text(text, "/")
    }
}

impl From<&Source> for Source {
    fn from(source: &Source) -> Source {
        source.clone()
    }
}

/// A place in a source, as people name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The file's path, `«string»` or `«stdin»`.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The byte in the line, from 1.
    pub column: u32,
}

/// What a `.drv` says, with whole store paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrvFile {
    /// The name, without `.drv`.
    pub name: String,
    /// The system it is built on.
    pub system: String,
    /// The program that builds it.
    pub builder: String,
    /// Outputs and their paths, where those are known before the build.
    pub outputs: BTreeMap<String, Option<String>>,
    /// The derivations that it needs, each with the outputs that it needs of it.
    pub input_drvs: BTreeMap<String, Vec<String>>,
    /// The sources that it needs.
    pub input_srcs: Vec<String>,
}

impl DrvFile {
    fn new(store: &StoreDir, drv: &frazil_store::derivation::Derivation) -> DrvFile {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let outputs = drv.outputs.iter();
        DrvFile {
            name: drv.name.clone(),
            system: text(&drv.system),
            builder: text(&drv.builder),
            outputs: outputs.map(|(name, o)| (text(name), o.path().map(|p| store.print(p)))).collect(),
            input_drvs: drv
                .input_drvs
                .iter()
                .map(|(path, node)| (store.print(path), node.outputs().iter().map(|o| text(o)).collect()))
                .collect(),
            input_srcs: drv.input_srcs.iter().map(|path| store.print(path)).collect(),
        }
    }
}

/// An evaluator: everything it evaluates shares one heap and one cache of files.
pub struct Evaluator {
    world: World,
}

impl Evaluator {
    /// An evaluator in this world.
    pub fn new(host: Arc<dyn Host>, settings: Settings, limits: Limits) -> Evaluator {
        Evaluator { world: World::new(host, settings, limits) }
    }

    /// Everything the evaluator holds.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    pub(crate) fn state(&self) -> &State {
        &self.world.state
    }

    /// What may be used.
    pub fn limits(&self) -> &Limits {
        &self.world.state.limits
    }

    /// Keeps a value that goes to the host alive, until the host lets go of it by [`Evaluator::unpin`].
    pub fn pin(&mut self, v: Val) -> Val {
        self.world.state.pins.push(v);
        v
    }

    /// How many values are pinned.
    pub fn pins(&self) -> usize {
        self.world.state.pins.len()
    }

    /// From now on notes so many thunks that begin to run, and forgets those noted before.
    pub fn watch_forces(&mut self, room: usize) {
        self.world.state.forces = frazil_vm::forces::Forces { room, ..Default::default() };
    }

    /// The thunks noted since [`Evaluator::watch_forces`]: each with its place and how many frames were below it.
    pub fn forces(&self) -> Vec<(Val, Pos, u32)> {
        let forces = &self.world.state.forces;
        forces.thunks.iter().zip(&forces.notes).map(|(&thunk, &(pos, frames))| (thunk, pos, frames)).collect()
    }

    /// Lets go of all values pinned since there were so many.
    pub fn unpin(&mut self, pins: usize) {
        self.world.state.pins.truncate(pins);
    }

    /// Runs a machine that may collect the heap; what it answers is pinned.
    fn run(&mut self, work: impl FnOnce(&mut Machine<'_>) -> Result<Val, Error>) -> Result<Val, Error> {
        let v = work(&mut self.world.machine().collecting())?;
        Ok(self.pin(v))
    }

    /// The value of a program, forced.
    pub fn eval(&mut self, source: &Source) -> Result<Val, Error> {
        self.run(|m| {
            let unit = match source {
                Source::Text(text, base) => m.load_text(text, base)?,
                _ => load(m, source)?,
            };
            let program = m.heap.new_thunk(unit, std::iter::empty::<Val>());
            m.run(Step::Return(program))
        })
    }

    /// A text to be evaluated when its value is wanted; it is parsed now.
    pub fn delay(&mut self, text: &[u8], base: &[u8]) -> Result<Val, Error> {
        self.run(|m| program(m, &Source::text(text, base)))
    }

    /// A program as `nix-instantiate --parse` prints it.
    pub fn parse(&mut self, source: &Source) -> Result<Vec<u8>, Error> {
        let mut m = self.world.machine();
        let unit = load(&mut m, source)?;
        Ok(m.show_unit(unit))
    }

    /// The bytes of a file.
    pub fn read_file(&mut self, path: &[u8]) -> Result<Arc<[u8]>, Error> {
        self.world.machine().read(path)
    }

    /// The file that `<name>` means.
    pub fn find_file(&mut self, name: &[u8]) -> Result<Vec<u8>, Error> {
        let entries = self.world.state.settings.nix_path.clone();
        self.world.machine().find_file(&entries, name)
    }

    /// The value of a text in whose scope are these names.
    pub fn eval_in_scope(&mut self, text: &[u8], base: &[u8], scope: &[(Symbol, Val)]) -> Result<Val, Error> {
        self.run(|m| {
            let (names, values): (Vec<Symbol>, Vec<Val>) = scope.iter().copied().unzip();
            let set = m.new_attrs(&names, &values);
            let unit = m.load(Origin::Text, text.into(), base.to_vec(), Some(&names))?;
            let function = m.heap.new_closure(unit, std::iter::empty::<Val>());
            m.call(function, &[set])
        })
    }

    /// The result of a call.
    pub fn call(&mut self, function: Val, arguments: &[Val]) -> Result<Val, Error> {
        self.run(|m| m.call(function, arguments))
    }

    /// A value, forced.
    pub fn force(&mut self, v: Val) -> Result<Val, Error> {
        self.run(|m| m.force(v))
    }

    /// A value, forced with all that it holds.
    pub fn force_deep(&mut self, v: Val) -> Result<Val, Error> {
        self.run(|m| m.run_native(DeepSeq::new(v)))
    }

    /// The value at an attribute path.
    pub fn select(&mut self, v: Val, path: &[u8], args: &AutoArgs) -> Result<Val, Error> {
        self.run(|m| crate::select::along_path(m, v, path, args))
    }

    /// A function with a set pattern called with what `args` has for it; any other value as it is.
    pub fn auto_call(&mut self, v: Val, args: &AutoArgs) -> Result<Val, Error> {
        self.run(|m| crate::select::auto_call(m, v, args))
    }

    /// The derivations that a value is or holds: paths with output names. Those before an error are answered, too.
    pub fn derivations(
        &mut self,
        v: Val,
        args: &AutoArgs,
    ) -> (Vec<crate::select::Instance>, Result<(), Error>) {
        crate::select::derivations(&mut self.world.machine().collecting(), v, args)
    }

    /// A value as `nix-instantiate --eval` prints it; nothing is forced.
    pub fn print(&mut self, v: Val) -> Result<Vec<u8>, Error> {
        self.world.machine().print(v, PrintOptions::RESULT)
    }

    /// A value as a trace shows it, in one line; nothing is forced.
    pub fn show(&mut self, v: Val) -> Vec<u8> {
        self.world.machine().show_value(v)
    }

    /// A value as JSON; forced with all that it holds if `strict`.
    pub fn to_json(&mut self, v: Val, strict: bool) -> Result<Vec<u8>, Error> {
        let mut m = self.world.machine().collecting();
        let text = m.run_native(ToJson::new(v, strict))?;
        Ok(m.heap.bytes(text).to_vec())
    }

    /// A value as XML; forced with all that it holds if `strict`.
    pub fn to_xml(&mut self, v: Val, strict: bool, location: bool) -> Result<Vec<u8>, Error> {
        let mut m = self.world.machine().collecting();
        let text = m.run_native(ToXml::new(v, strict, location))?;
        Ok(m.heap.bytes(text).to_vec())
    }

    /// What [`Evaluator::to_xml`] had written when it failed, with its elements closed.
    pub fn unfinished_xml(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.world.state.unfinished)
    }

    /// Tells `sink` a value as plain data; see [`crate::walk::walk`].
    pub fn walk(&mut self, v: Val, max_depth: usize, sink: &mut dyn crate::Sink) -> Result<(), Error> {
        crate::walk::walk(&mut self.world.machine().collecting(), v, max_depth, sink)
    }

    /// The value of a JSON text.
    pub fn read_json(&mut self, json: &[u8]) -> Result<Val, Error> {
        self.run(|m| m.read_json(json))
    }

    /// The text of a value that can be coerced to a string.
    pub fn to_text(&mut self, v: Val, context: &'static str) -> Result<Vec<u8>, Error> {
        use frazil_vm::coerce::{Coerce, CoerceTo};
        let mut m = self.world.machine();
        let text = m.run_native(Coerce::new(v, CoerceTo::PLAIN, frazil_vm::Pos::NONE, context))?;
        Ok(m.heap.bytes(text).to_vec())
    }

    /// From now on the texts of derivations are kept, to be asked for by [`Evaluator::derivation_texts`].
    pub fn keep_derivations(&mut self) {
        self.world.state.drv_texts.get_or_insert_default();
    }

    /// The texts of all derivations made since they are kept.
    pub fn derivation_texts(&self) -> Option<&BTreeMap<StorePath, Vec<u8>>> {
        self.world.state.drv_texts.as_ref()
    }

    /// What the derivation at that path says, if it was made since derivations are kept.
    pub fn derivation_file(&self, path: &[u8]) -> Option<DrvFile> {
        let State { drv_texts, settings, .. } = &self.world.state;
        let path = settings.store_dir.parse(path).ok()?;
        let text = drv_texts.as_ref()?.get(&path)?;
        let name = path.derivation_name().ok()?;
        let drv = frazil_store::aterm::parse(&settings.store_dir, name, text).ok()?;
        Some(DrvFile::new(&settings.store_dir, &drv))
    }

    /// The texts of derivations and of all that they depend on, by path. Only kept ones are there.
    pub fn derivation_closure(&self, roots: &[Vec<u8>]) -> BTreeMap<String, &[u8]> {
        let State { drvs, drv_texts, settings, .. } = &self.world.state;
        let mut closure = BTreeMap::new();
        let Some(texts) = drv_texts else { return closure };
        let mut todo: Vec<&StorePath> = Vec::new();
        let parsed: Vec<StorePath> =
            roots.iter().filter_map(|root| settings.store_dir.parse(root).ok()).collect();
        todo.extend(&parsed);
        while let Some(path) = todo.pop() {
            let Some(text) = texts.get(path) else { continue };
            if closure.insert(settings.store_dir.print(path), text.as_slice()).is_none() {
                todo.extend(drvs.get(path).into_iter().flat_map(|drv| drv.inputs.iter()));
            }
        }
        closure
    }

    /// Where that is.
    pub fn locate(&self, pos: Pos) -> Option<Position> {
        let at = self.world.state.files.locate(pos).filter(|_| pos != Pos::NONE)?;
        Some(Position { file: at.origin.to_string(), line: at.line, column: at.column })
    }

    /// Has the cache, if there is one, write what is new; for when an evaluation ends.
    #[cfg(feature = "disk")]
    pub fn settle(&mut self) {
        self.world.state.cache.iter_mut().for_each(|cache| cache.settle());
    }

    /// From now on files are read anew.
    pub fn forget_files(&mut self) {
        self.world.state.forget_files();
    }

    /// A host's text as a string value.
    pub fn string(&mut self, text: &[u8]) -> Val {
        let v = self.world.heap.new_string(text, 0);
        self.pin(v)
    }

    /// The error as CppNix prints it, with all of its trace if `show_trace`.
    pub fn render(&self, error: &Error, show_trace: bool) -> String {
        crate::render::render(error, &self.world.state.files, show_trace)
    }
}

/// A program that was read.
pub(crate) struct Program {
    pub(crate) origin: Origin,
    pub(crate) text: Arc<[u8]>,
    /// The directory that its relative paths start from.
    pub(crate) base: Vec<u8>,
}

/// Reads a program.
pub(crate) fn read(m: &mut Machine<'_>, source: &Source) -> Result<Program, Error> {
    Ok(match source {
        Source::File(path) => {
            let file = m.resolve_file(path)?;
            let base = frazil_vm::builtins::paths::parent(&file).to_vec();
            Program { text: m.read(&file)?, origin: Origin::File(file.to_vec()), base }
        }
        Source::Text(text, base) => {
            Program { origin: Origin::Text, text: text.as_slice().into(), base: base.clone() }
        }
        Source::Stdin(text, base) => {
            Program { origin: Origin::Stdin, text: text.as_slice().into(), base: base.clone() }
        }
    })
}

/// The first unit of a program.
pub(crate) fn load(m: &mut Machine<'_>, source: &Source) -> Result<u32, Error> {
    let Program { origin, text, base } = read(m, source)?;
    m.load(origin, text, base, None)
}

/// A program as a thunk.
fn program(m: &mut Machine<'_>, source: &Source) -> Result<Val, Error> {
    let unit = load(m, source)?;
    Ok(m.heap.new_thunk(unit, std::iter::empty::<Val>()))
}
