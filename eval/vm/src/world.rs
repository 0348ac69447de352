//! All that one evaluator holds: heap, tables, caches, settings and limits.

use crate::attrs::Positions;
use crate::builtins;
#[cfg(feature = "cache")]
use crate::cache::Keeper;
use crate::contexts::Contexts;
use crate::error::{Error, ErrorKind};
use crate::files::{Files, Pos};
use crate::host::Host;
use crate::link::Code;
use crate::lint::Lints;
use crate::reclaim::{Program, ProgramText};
use crate::restrict::Restricted;
use crate::slots::Slots;
use frazil_code::file::Names;
use frazil_store::StoreDir;
use frazil_store::derivation::{HashModulo, Scratch};
use frazil_store::path::StorePath;
use frazil_syntax::symbol::{Symbol, Symbols};
use frazil_value::{Heap, Layouts, Val};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What an evaluation may use. A breach is an error of its kind, after which the evaluator works on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Frames entered: calls, thunks run, steps of builtins.
    pub steps: u64,
    /// Bytes of the heap.
    pub heap: u64,
    /// Nested calls: CppNix's `max-call-depth`.
    pub depth: u32,
    /// Wall time of one evaluation.
    pub wall: Option<Duration>,
    /// Set by another thread, it stops the evaluation.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { steps: u64::MAX, heap: u64::MAX, depth: 10_000, wall: None, cancel: None }
    }
}

/// What changes the answers of an evaluation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `currentSystem`
    pub system: Vec<u8>,
    /// The store's directory.
    pub store_dir: StoreDir,
    /// Entries of `NIX_PATH` and `-I`: prefix and path.
    pub nix_path: Vec<(Vec<u8>, Vec<u8>)>,
    /// The user's home, for `~/` paths.
    pub home: Option<Vec<u8>>,
    /// `pure-eval`
    pub pure: bool,
    /// `restrict-eval`
    pub restricted: bool,
    /// `trace-verbose`
    pub trace_verbose: bool,
    /// `abort-on-warn`
    pub abort_on_warn: bool,
    /// `trace-function-calls`
    pub trace_calls: bool,
    /// The experimental feature `pipe-operators`.
    pub pipe_operators: bool,
    /// The experimental feature `parse-toml-timestamps`.
    pub toml_timestamps: bool,
    /// What is done about constructs that may be unwanted.
    pub lints: Lints,
    /// Experimental features.
    pub features: Features,
    /// `allow-import-from-derivation`
    pub imports_builds: bool,
    /// `allowed-uris`: what may be fetched in restricted evaluation.
    pub allowed_uris: Vec<String>,
    /// What is not evaluated stays a thunk where it is one in CppNix, for those who look at values that are not evaluated
    /// to the bottom.
    pub patient: bool,
}

/// Experimental features that programs can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the features'")]
pub struct Features {
    pub flakes: bool,
    pub fetch_tree: bool,
    pub fetch_closure: bool,
    pub verified_fetches: bool,
    pub dynamic_derivations: bool,
    pub ca_derivations: bool,
    pub impure_derivations: bool,
    pub git_hashing: bool,
    pub blake3_hashes: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            system: b"x86_64-linux".to_vec(),
            store_dir: StoreDir::default(),
            nix_path: Vec::new(),
            home: None,
            pure: false,
            restricted: false,
            trace_verbose: false,
            abort_on_warn: false,
            trace_calls: false,
            pipe_operators: false,
            toml_timestamps: false,
            lints: Lints::default(),
            features: Features::default(),
            imports_builds: true,
            allowed_uris: Vec::new(),
            patient: false,
        }
    }
}

/// Exact counts of what an evaluator did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what is counted")]
pub struct Stats {
    pub thunks: u64,
    pub forced: u64,
    pub calls: u64,
    pub builtin_calls: u64,
    pub selects: u64,
    pub select_hits: u64,
    pub updates: u64,
    pub files: u64,
    pub source_bytes: u64,
    pub derivations: u64,
    pub natives: u64,
}

/// A derivation that was made, as those that depend on it need it.
pub struct Drv {
    /// Its hash modulo inputs.
    pub modulo: HashModulo,
    /// The store paths that it refers to.
    pub inputs: Box<[StorePath]>,
}

/// Symbols that the machine asks for by name.
pub struct Known(Vec<Symbol>);

macro_rules! known {
    ($($name:ident = $text:literal),* $(,)?) => {
        #[expect(non_camel_case_types, reason = "indices into a table, named as the attributes")]
        enum Index { $($name),* }
        impl Known {
            fn new(symbols: &mut Symbols) -> Known {
                Known(vec![$(symbols.intern($text.as_bytes())),*])
            }
            $(#[doc = concat!("`", $text, "`")]
            #[inline]
            pub fn $name(&self) -> Symbol {
                self.0[Index::$name as usize]
            })*
        }
    };
}

known! {
    out_path = "outPath", drv_path = "drvPath", type_ = "type", meta = "meta", name = "name", value = "value",
    system = "system", overrides = "__overrides", outputs = "outputs", output_name = "outputName",
    ignore_nulls = "__ignoreNulls", file = "file", line = "line", column = "column", functor = "__functor",
    to_string = "__toString", right = "right", wrong = "wrong", structured_attrs = "__structuredAttrs",
    builder = "builder", args = "args", content_addressed = "__contentAddressed", impure = "__impure",
    output_hash = "outputHash", output_hash_algo = "outputHashAlgo", output_hash_mode = "outputHashMode",
    recurse = "recurseForDerivations", start_set = "startSet", operator = "operator", key = "key", path = "path",
    prefix = "prefix", derivation = "derivation", version = "version", drv_attrs = "drvAttrs", all = "all", out = "out",
    success = "success", all_outputs = "allOutputs", filter = "filter", recursive = "recursive", sha256 = "sha256",
    hash = "hash", hash_algo = "hashAlgo", to_hash_format = "toHashFormat",
}

/// What an evaluator holds besides its heap, layouts and code.
pub struct State {
    /// Names.
    pub symbols: Symbols,
    /// How many of them were there before any program.
    pub(crate) own_symbols: usize,
    /// Names the machine asks for.
    pub known: Known,
    /// Names with a meaning to the compiler.
    pub names: Names,
    /// Sources.
    pub files: Files,
    /// For each unit, its code's number; `u32::MAX` before it first runs.
    pub(crate) units: Vec<u32>,
    /// The builtins in scope everywhere.
    pub globals: FxHashMap<Symbol, Val>,
    /// Values of imported files, by resolved path.
    pub(crate) imports: FxHashMap<Arc<[u8]>, Val>,
    /// Resolved paths of imported files, by the path asked for.
    pub(crate) import_paths: FxHashMap<Arc<[u8]>, Arc<[u8]>>,
    /// String contexts.
    pub contexts: Contexts,
    /// Where attributes are defined.
    pub(crate) positions: Positions,
    /// The string of each symbol that was asked for.
    pub(crate) symbol_strings: Vec<Val>,
    /// Those of them that were made since the heap was last collected.
    pub(crate) new_symbol_strings: Vec<Val>,
    /// Room for the code of the next unit.
    pub(crate) chunk: frazil_code::Chunk,
    /// The first position of what stands for CppNix's `derivation-internal.nix`.
    pub(crate) derivation_source: Option<u32>,
    /// Programs that were texts: an embedder may ask for one over and over.
    pub(crate) programs: FxHashMap<ProgramText, Program>,
    /// The XML document that an error interrupted last, as it would be if its elements ended there.
    pub unfinished: Vec<u8>,
    /// The errors that thunks failed with.
    pub(crate) failures: Slots<Arc<Error>>,
    /// Values that must survive collections: handles of the embedder.
    pub handles: Vec<Val>,
    /// Values that the host holds for the time being; whoever pushes them truncates the list again.
    pub pins: Vec<Val>,
    /// What was forced, if somebody wants to know.
    pub forces: crate::forces::Forces,
    /// Bytes that the heap had handed out when it was last collected.
    pub(crate) collected_at: u64,
    /// About as many bytes were live then: values that were old already count, whether or not they still were.
    pub(crate) live: u64,
    /// Bytes handed out since the last collection when the next one was found due, and put off; 0 before.
    pub(crate) due_at: u64,
    /// Bytes that were live when all of the heap was last looked at.
    pub(crate) live_at_last: u64,
    /// Bytes that tables held beside the heap when it was last asked which programs are needed.
    pub(crate) beside_at_last: u64,
    /// How many units had code when the heap was last collected.
    old_codes: usize,
    /// Bytes to hand out before it is collected again, at least `min_budget`.
    pub(crate) budget: u64,
    pub(crate) min_budget: u64,
    /// Every derivation made, by its path.
    pub drvs: FxHashMap<StorePath, Drv>,
    /// Texts of derivations, if they are kept.
    pub drv_texts: Option<std::collections::BTreeMap<StorePath, Vec<u8>>>,
    pub(crate) scratch: Scratch,
    /// Store paths of hashed sources, by path.
    pub(crate) sources: FxHashMap<Arc<[u8]>, StorePath>,
    /// Functions of the embedder's, by the number that their values hold.
    pub functions: Vec<builtins::embedder::Function>,
    pub(crate) regexes: builtins::regex::Cache,
    pub(crate) readdirs: FxHashMap<Arc<[u8]>, Val>,
    pub(crate) search: FxHashMap<Vec<u8>, Option<Arc<[u8]>>>,
    /// What keeps code and listings from one process to the next, if anything does.
    #[cfg(feature = "cache")]
    pub cache: Option<Box<dyn Keeper>>,
    /// The way out.
    pub host: Arc<dyn Host>,
    /// What guards the way out in pure and restricted evaluation.
    pub(crate) guard: Option<Arc<Restricted>>,
    /// What changes answers.
    pub settings: Settings,
    /// What may be used.
    pub limits: Limits,
    /// Counts.
    pub stats: Stats,
    pub(crate) steps_left: u64,
    pub(crate) deadline: u64,
}

/// While a machine runs, the heap is collected when so many bytes were handed out since the last time, at least.
const MIN_BUDGET: u64 = 24 << 20;
/// The same between evaluations, where a small heap is soon collected: a process may have many evaluators.
const IDLE_BUDGET: u64 = 4 << 20;
/// To collect a heap of which no more than so much is new takes less than anybody would notice.
const MUCH: u64 = 16 << 20;
/// So many bytes are handed out between two collections, however small the limit is.
const LEAST_BUDGET: u64 = 1 << 20;

/// Names with a meaning to the compiler.
pub fn compiler_names(symbols: &mut Symbols) -> Names {
    let mut intern = |name: &str| symbols.intern(name.as_bytes());
    Names {
        overrides: intern("__overrides"),
        find_file: intern("__findFile"),
        nix_path: intern("__nixPath"),
        sub: intern("__sub"),
        mul: intern("__mul"),
        div: intern("__div"),
        less_than: intern("__lessThan"),
    }
}

/// One evaluator's world.
pub struct World {
    /// Values.
    pub heap: Heap,
    /// Layouts of attribute sets.
    pub layouts: Layouts,
    pub(crate) codes: boxcar::Vec<Code>,
    /// The rest.
    pub state: State,
}

impl World {
    /// A world with all builtins and nothing evaluated.
    pub fn new(host: Arc<dyn Host>, settings: Settings, limits: Limits) -> World {
        let restricted = settings.pure || settings.restricted;
        let guard = restricted.then(|| Arc::new(Restricted::new(host.clone(), settings.pure)));
        let host: Arc<dyn Host> = guard.clone().map_or(host, |guard| guard);
        let mut symbols = Symbols::new();
        for name in crate::names::MET.split_ascii_whitespace() {
            symbols.intern(if name == "''" { b"" } else { name.as_bytes() });
        }
        let known = Known::new(&mut symbols);
        let names = compiler_names(&mut symbols);
        let state = State {
            symbols,
            own_symbols: 0,
            known,
            names,
            files: Files::new(host.clone()),
            units: Vec::new(),
            globals: FxHashMap::default(),
            imports: FxHashMap::default(),
            import_paths: FxHashMap::default(),
            contexts: Contexts::default(),
            positions: Positions::default(),
            symbol_strings: Vec::new(),
            new_symbol_strings: Vec::new(),
            chunk: frazil_code::Chunk::default(),
            derivation_source: None,
            failures: Slots::default(),
            programs: FxHashMap::default(),
            unfinished: Vec::new(),
            handles: Vec::new(),
            pins: Vec::new(),
            forces: Default::default(),
            collected_at: 0,
            live: 0,
            due_at: 0,
            live_at_last: 0,
            beside_at_last: 0,
            old_codes: 0,
            budget: MIN_BUDGET,
            min_budget: MIN_BUDGET,
            drvs: FxHashMap::default(),
            drv_texts: None,
            scratch: Scratch::default(),
            sources: FxHashMap::default(),
            functions: Vec::new(),
            regexes: Default::default(),
            readdirs: FxHashMap::default(),
            search: FxHashMap::default(),
            #[cfg(feature = "cache")]
            cache: None,
            host,
            guard,
            settings,
            limits,
            stats: Stats::default(),
            steps_left: u64::MAX,
            deadline: u64::MAX,
        };
        let mut world =
            World { heap: Heap::new(), layouts: Layouts::new(), codes: boxcar::Vec::new(), state };
        world.heap.set_limit(world.state.limits.heap);
        builtins::install(&mut world);
        world.state.own_symbols = world.state.symbols.end();
        if restricted {
            world.machine().allow_search_path();
        }
        world
    }

    /// Changes what may be used from the next evaluation on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.heap.set_limit(limits.heap);
        self.state.limits = limits;
        self.state.budget = self.state.budget_beside(0);
    }

    /// While a machine runs, the heap is collected when at least so many bytes were handed out since the last time.
    pub fn collect_after(&mut self, bytes: u64) {
        (self.state.budget, self.state.min_budget) = (bytes, bytes);
    }

    /// Frees all values that neither handles, imported files, builtins nor code need. Answers the bytes still live. When
    /// many programs were read since the last time, those that no value needs any more are freed, too.
    pub fn collect(&mut self) -> u64 {
        if self.has_many_programs() {
            return self.collect_programs();
        }
        let World { heap, layouts, codes, state } = self;
        let live = heap.collect(&mut |visit| state.roots(codes, visit), layouts);
        state.live_at_last = live;
        state.note_collection(heap, codes, live);
        live
    }

    /// Whether more memory is held than the limit allows.
    pub fn over_limit(&self) -> bool {
        self.state.over_limit(&self.heap, &self.layouts)
    }

    /// Frees values as [`World::collect`] does if so much was handed out since the last time that it is due: many short
    /// evaluations do not come to it by themselves.
    pub fn collect_if_due(&mut self) {
        let since = self.heap.allocated() - self.state.collected_at;
        if since > self.state.live.max(IDLE_BUDGET).min(self.state.budget) || self.has_many_programs() {
            // What a long evaluation made is looked at first, and often that is all. So where it is much, as much again is
            // waited for.
            match self.state.due_at {
                0 => self.state.due_at = since.max(1),
                due_at if since < MUCH || since / 2 >= due_at => drop(self.collect()),
                _ => {}
            }
        }
    }
}

impl State {
    /// Bytes to hand out before the next collection, beside so many live ones: no more than the limit has room for. Between
    /// collections of all the heap few objects die that are not young, so only those are looked at most times.
    fn budget_beside(&self, live: u64) -> u64 {
        let room = self.limits.heap.saturating_sub(live) / 2;
        (live / 8).max(self.min_budget).min(room.max(LEAST_BUDGET))
    }

    /// Notes that the heap was collected, about `live` bytes being left.
    pub(crate) fn note_collection(&mut self, heap: &Heap, codes: &boxcar::Vec<Code>, live: u64) {
        self.collected_at = heap.allocated();
        self.live = live;
        self.due_at = 0;
        self.budget = self.budget_beside(live);
        self.old_codes = codes.count();
        self.new_symbol_strings.clear();
    }

    /// Frees values while a machine runs whose values `machine` shows: young ones, or all if that is due.
    pub(crate) fn collect_beside(
        &mut self,
        heap: &Heap,
        layouts: &Layouts,
        codes: &boxcar::Vec<Code>,
        machine: &[Val],
    ) {
        let all = self.live > 2 * self.live_at_last.max(self.min_budget) || self.budget < self.min_budget;
        let mut roots = |visit: &mut dyn FnMut(Val)| {
            machine.iter().for_each(|&v| visit(v));
            if all { self.roots(codes, visit) } else { self.young_roots(codes, visit) }
        };
        let live = if all {
            heap.collect_at_safepoint(&mut roots, layouts)
        } else {
            self.live + heap.collect_young(&mut roots, layouts)
        };
        if all {
            self.live_at_last = live;
        }
        self.note_collection(heap, codes, live);
    }

    pub(crate) fn wants_collection(&self, heap: &Heap) -> bool {
        heap.allocated() - self.collected_at > self.budget
    }

    /// Shows all values in tables and code to a collection.
    pub(crate) fn roots(&self, codes: &boxcar::Vec<Code>, visit: &mut dyn FnMut(Val)) {
        codes.iter().flat_map(|(_, code)| code.consts.iter()).for_each(|&v| visit(v));
        self.symbol_strings.iter().for_each(|&v| visit(v));
        self.small_roots(visit);
    }

    /// The same without those of which it is known that they are old.
    fn young_roots(&self, codes: &boxcar::Vec<Code>, visit: &mut dyn FnMut(Val)) {
        let new = (self.old_codes..codes.count()).filter_map(|i| codes.get(i));
        new.flat_map(|code| code.consts.iter()).for_each(|&v| visit(v));
        self.new_symbol_strings.iter().for_each(|&v| visit(v));
        self.small_roots(visit);
    }

    fn small_roots(&self, visit: &mut dyn FnMut(Val)) {
        [&self.handles, &self.pins, &self.forces.thunks].into_iter().flatten().for_each(|&v| visit(v));
        self.globals
            .values()
            .chain(self.imports.values())
            .chain(self.readdirs.values())
            .for_each(|&v| visit(v));
    }

    /// Starts the clock and the count of an evaluation.
    pub(crate) fn start_limits(&mut self) {
        self.steps_left = self.limits.steps;
        let wall = self.limits.wall.map(|wall| wall.as_nanos().min(u64::MAX as u128) as u64);
        self.deadline = wall.map_or(u64::MAX, |wall| self.host.clock().saturating_add(wall));
    }

    /// The error of a limit that is breached, looked at every so many frames.
    #[cold]
    pub(crate) fn check_limits(&mut self, heap: &Heap, layouts: &Layouts) -> Result<(), Error> {
        self.host.progress(&self.stats);
        if self.over_limit(heap, layouts) {
            return Err(self.out_of_memory());
        }
        if self.limits.cancel.as_ref().is_some_and(|c| c.load(Ordering::Relaxed)) {
            return Err(Error::new(ErrorKind::Cancelled, "evaluation cancelled"));
        }
        if self.deadline != u64::MAX && self.host.clock() > self.deadline {
            return Err(Error::new(ErrorKind::Time, "time limit exceeded"));
        }
        Ok(())
    }

    fn over_limit(&self, heap: &Heap, layouts: &Layouts) -> bool {
        !heap.has_room(self.beside(layouts))
    }

    /// Bytes that tables hold beside the heap, about: names, contexts, layouts, failures, derivations. A program makes as many as it
    /// likes.
    pub(crate) fn beside(&self, layouts: &Layouts) -> u64 {
        /// As measured on sets of one attribute, on `throw`, and on derivations without inputs.
        const LAYOUT: u64 = 120;
        const FAILURE: u64 = 260;
        const DERIVATION: u64 = 200;
        let names = self.symbols.held() + 8 * self.symbol_strings.len() as u64 + self.contexts.held();
        let [layouts, failures, drvs] =
            [layouts.end(), self.failures.end(), self.drvs.len()].map(|n| n as u64);
        names + layouts * LAYOUT + failures * FAILURE + drvs * DERIVATION
    }

    /// From now on files are read anew.
    pub fn forget_files(&mut self) {
        self.imports.clear();
        self.import_paths.clear();
        self.sources.clear();
        self.readdirs.clear();
        self.search.clear();
    }

    /// Shows a line for people.
    pub(crate) fn say(&self, line: &str) {
        self.host.message_bytes(&crate::message::bytes(line));
    }

    pub(crate) fn out_of_memory(&self) -> Error {
        Error::new(ErrorKind::Memory, format!("memory limit of {} bytes exceeded", self.limits.heap))
    }

    /// The source position as `FILE:LINE:COLUMN`.
    pub fn show_pos(&self, pos: Pos) -> String {
        match self.files.locate(pos) {
            None => "«none»:0".into(),
            Some(at) => format!("{}:{}:{}", at.origin, at.line, at.column),
        }
    }
}
