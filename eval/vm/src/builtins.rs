//! The builtins: one table, one file per family.
//!
//! A builtin is a row and a function below it. The row names the arguments that are forced before it runs, in the order
//! in which CppNix forces them, with the type they must have and the words of the trace.

pub mod attrs;
pub mod debug;
pub mod derivation;
pub mod embedder;
pub mod fetch;
pub mod functions;
pub mod hashes;
pub mod json;
pub mod lists;
pub mod numbers;
pub mod paths;
pub mod regex;
pub mod strings;
pub mod toml;
pub mod types;
pub mod xml;

use crate::error::Error;
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::Step;
use crate::world::World;
use frazil_value::{Heap, Val};
use std::borrow::Cow;

/// What type a forced argument must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Want {
    Any,
    Int,
    /// An integer or a float.
    Number,
    Bool,
    String,
    /// A string without context.
    Plain,
    List,
    Attrs,
    /// A function, or a set with `__functor`.
    Function,
    /// Anything, but the trace says why it was forced.
    Said,
}

/// An argument that is forced before a builtin runs.
#[derive(Clone, Copy, Debug)]
pub struct Strict {
    /// Which argument.
    pub arg: u8,
    /// What it must be.
    pub want: Want,
    /// What the trace says of it.
    context: &'static str,
}

impl Strict {
    /// What the trace says of it.
    pub fn context(&self) -> &'static str {
        self.context
    }
}

/// A row of the table.
#[derive(Clone, Copy)]
pub struct Builtin {
    /// The name in `builtins`.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: u8,
    /// The arguments forced before it runs.
    pub strict: &'static [Strict],
    /// What it does with as many arguments.
    pub run: Run,
}

impl Builtin {
    /// Whether the trace says that it was called.
    pub(crate) fn is_traced(&self) -> bool {
        // The embedder's functions name themselves.
        !self.is_lambda() && !matches!(self.name, "addErrorContext" | embedder::NAME)
    }

    /// Whether it is a function of the language in CppNix, and calls of it are said to be those of a lambda.
    pub(crate) fn is_lambda(&self) -> bool {
        self.name == "derivation"
    }

    /// What the trace says then.
    pub(crate) fn trace_line(&self) -> Cow<'static, str> {
        format!("while calling the '{}' builtin", self.name).into()
    }
}

/// The function of a builtin.
pub type Run = fn(&mut Machine<'_>, &[Val]) -> Result<Step, Error>;

const fn strict(arg: u8, want: Want, context: &'static str) -> Strict {
    Strict { arg, want, context }
}

const fn row(name: &'static str, arity: u8, strict: &'static [Strict], run: Run) -> Builtin {
    Builtin { name, arity, strict, run }
}

const FAMILIES: &[&[Builtin]] = &[
    types::TABLE,
    numbers::TABLE,
    lists::TABLE,
    attrs::TABLE,
    strings::TABLE,
    paths::TABLE,
    functions::TABLE,
    debug::TABLE,
    hashes::TABLE,
    json::TABLE,
    xml::TABLE,
    toml::TABLE,
    regex::TABLE,
    derivation::TABLE,
    fetch::TABLE,
    embedder::TABLE,
];

const COUNT: usize = {
    let (mut n, mut i) = (0, 0);
    while i < FAMILIES.len() {
        n += FAMILIES[i].len();
        i += 1;
    }
    n
};

/// All builtins that are functions.
pub static TABLE: [Builtin; COUNT] = {
    let mut table = [FAMILIES[0][0]; COUNT];
    let (mut n, mut i) = (0, 0);
    while i < FAMILIES.len() {
        let mut j = 0;
        while j < FAMILIES[i].len() {
            table[n] = FAMILIES[i][j];
            n += 1;
            j += 1;
        }
        i += 1;
    }
    table
};

/// Builtins in scope by their own name; all others are so behind two underscores.
const UNPREFIXED: &[&str] = &[
    "abort",
    "baseNameOf",
    "break",
    "builtins",
    "derivation",
    "derivationStrict",
    "dirOf",
    "false",
    "fetchGit",
    "fetchMercurial",
    "fetchTarball",
    "fetchTree",
    "fromTOML",
    "import",
    "isNull",
    "map",
    "null",
    "placeholder",
    "removeAttrs",
    "scopedImport",
    "throw",
    "toString",
    "true",
];

/// The version of the language and of CppNix whose answers these are.
pub const NIX_VERSION: &str = "2.34.8";
const LANG_VERSION: i64 = 6;

/// Puts all builtins into scope.
pub(crate) fn install(world: &mut World) {
    let now = if world.state.settings.pure { None } else { Some(world.state.host.now()) };
    let mut values: Vec<(&str, Val)> = Vec::new();
    let features = &world.state.settings.features;
    let is_named = |row: &Builtin| row.name != embedder::NAME && fetch::is_enabled(features, row.name);
    for (index, builtin) in TABLE.iter().enumerate().filter(|(_, row)| is_named(row)) {
        values.push((builtin.name, world.heap.new_primop(index as u32)));
    }
    let heap = &world.heap;
    let settings = &world.state.settings;
    values.push(("true", Val::TRUE));
    values.push(("false", Val::FALSE));
    values.push(("null", Val::NULL));
    values.push(("nixVersion", heap.new_string(NIX_VERSION.as_bytes(), 0)));
    values.push(("langVersion", heap.new_int(LANG_VERSION)));
    values.push(("storeDir", heap.new_string(settings.store_dir.as_str().as_bytes(), 0)));
    if let Some(now) = now {
        values.push(("currentSystem", heap.new_string(&settings.system, 0)));
        values.push(("currentTime", heap.new_int(now)));
    }
    let entries = settings.nix_path.clone();
    let nix_path = search_path(world, &entries);
    values.push(("nixPath", nix_path));
    install_values(world, values);
}

fn search_path(world: &mut World, entries: &[(Vec<u8>, Vec<u8>)]) -> Val {
    let m = world.machine();
    let (prefix, path) = (m.st.known.prefix(), m.st.known.path());
    let mut m = m;
    let entries: Vec<Val> = entries
        .iter()
        .map(|(name, place)| {
            let (name, place) = (m.heap.new_string(name, 0), m.heap.new_string(place, 0));
            m.new_attrs(&[prefix, path], &[name, place])
        })
        .collect();
    m.heap.new_list(entries.into_iter())
}

fn install_values(world: &mut World, values: Vec<(&str, Val)>) {
    let mut m = world.machine();
    let builtins_name = m.st.symbols.intern(b"builtins");
    let (mut names, mut all) = (vec![builtins_name], vec![Val::ABSENT]);
    for (name, v) in values {
        // No program can say a name with a space, so that is in nobody's way.
        let is_hidden = name.contains(' ');
        let as_it_is = is_hidden || UNPREFIXED.contains(&name);
        let global = if as_it_is { name.to_owned() } else { format!("__{name}") };
        let global = m.st.symbols.intern(global.as_bytes());
        m.st.globals.insert(global, v);
        if is_hidden {
            continue;
        }
        // Operators are builtins, too, by internal names only.
        names.push(m.st.symbols.intern(name.as_bytes()));
        all.push(v);
    }
    let builtins = m.new_attrs(&names, &all);
    m.attr(builtins, builtins_name).expect("just put there").set(builtins);
    m.st.globals.insert(builtins_name, builtins);
}

impl Machine<'_> {
    /// An error if a forced argument is not what it must be.
    #[inline(always)]
    pub(crate) fn check_want(&mut self, v: Val, strict: &Strict) -> Result<(), Error> {
        if self.fits(v, strict.want) { Ok(()) } else { Err(self.unwanted(v, strict.want, strict.context)) }
    }

    /// Whether a forced value is what it must be.
    #[inline(always)]
    pub(crate) fn fits(&self, v: Val, want: Want) -> bool {
        match want {
            Want::Any | Want::Said => true,
            Want::Int => self.heap.as_int(v).is_some(),
            Want::Number => self.heap.as_int(v).is_some() || self.heap.as_float(v).is_some(),
            Want::Bool => v.as_bool().is_some(),
            Want::String => v.is_string(),
            Want::Plain => v.is_string() && self.heap.string(v).context == 0,
            Want::List => v.is_list(),
            Want::Attrs => v.is_attrs(),
            Want::Function => v.is_func() || self.is_functor(v),
        }
    }

    fn is_functor(&self, v: Val) -> bool {
        v.is_attrs() && self.attr(v, self.st.known.functor()).is_some()
    }

    /// The error that a value is not what it must be.
    #[cold]
    pub(crate) fn unwanted(&mut self, v: Val, want: Want, context: &'static str) -> Error {
        self.unwanted_at(v, want, Pos::NONE, context)
    }

    /// `unwanted`, at a position.
    #[cold]
    pub(crate) fn unwanted_at(&mut self, v: Val, want: Want, pos: Pos, context: &'static str) -> Error {
        let what = match want {
            Want::Any | Want::Said => "a value",
            Want::Int => "an integer",
            Want::Number => "a float",
            Want::Bool => "a Boolean",
            Want::String | Want::Plain => "a string",
            Want::List => "a list",
            Want::Attrs => "a set",
            Want::Function => "a function",
        };
        let error = if want == Want::Plain && v.is_string() {
            self.has_context(v)
        } else {
            self.wanted(what, v).at(pos)
        };
        error.while_(pos, context)
    }

    fn has_context(&mut self, v: Val) -> Error {
        let string = self.heap.string(v);
        let text = crate::message::text(string.bytes).into_owned();
        let first = self.st.contexts.elements(string.context).next().expect("the context is not empty");
        let path = crate::message::text(&first.display(&self.st.settings.store_dir)).into_owned();
        Error::eval(format!("the string '{text}' is not allowed to refer to a store path (such as '{path}')"))
    }

    /// The bytes of a forced value that must be a string without context.
    pub fn expect_plain(&mut self, v: Val, context: &'static str) -> Result<&[u8], Error> {
        let v = self.expect(v, Want::Plain, context)?;
        Ok(self.heap.bytes(v))
    }

    /// A check of a result from the program; the context is for the trace.
    pub(crate) fn expect(&mut self, v: Val, want: Want, context: &'static str) -> Result<Val, Error> {
        self.check_want(v, &strict(0, want, context)).map(|()| v)
    }
}

/// A list of these values.
pub(crate) fn list(heap: &Heap, values: Vec<Val>) -> Val {
    heap.new_list(values.into_iter())
}
