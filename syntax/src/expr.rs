//! The compact tree that is compiled: twelve-byte nodes in one arena, children by index.
//!
//! It is made by one sink of the parser's events; the other sink builds the lossless tree for tools. Everything
//! that CppNix decides while parsing is decided here: merged attribute paths, stripped indented strings,
//! duplicate attributes and formals, names given to lambdas. Scopes are the compiler's business.

mod pack;

use crate::symbol::Symbol;

/// A byte offset into one source text, which is shorter than 512 MiB.
pub type Offset = u32;

/// The position of what has none in CppNix, whose messages then show no place.
pub const NO_POS: Offset = u32::MAX;

/// The index of a node in [`Exprs::nodes`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExprId(pub u32);

/// A run of entries in one of the side tables of [`Exprs`]; which one is said where it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// The first entry.
    pub start: u32,
    /// How many entries.
    pub len: u32,
}

impl Run {
    /// The run as a range, for slicing the side table.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

/// The arguments of a call: a [`Run`] in [`Exprs::lists`] in less space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(Rust, packed(2))]
pub struct Args {
    start: u32,
    len: u16,
}

impl Args {
    /// How many a call has at most; what has more is a call of a call.
    pub const MAX: u32 = u16::MAX as u32;

    pub(crate) fn new(run: Run) -> Args {
        Args { start: run.start, len: u16::try_from(run.len).expect("no call has more than `Args::MAX`") }
    }

    /// Where they are.
    pub fn run(self) -> Run {
        Run { start: self.start, len: self.len.into() }
    }
}

/// A number of eight bytes that need not be aligned, since nodes are not.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(Rust, packed(4))]
pub struct Number<T: Copy>(pub T);

/// A binary operator that forces both sides alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it")]
pub enum BinOp {
    Eq,
    NotEq,
    And,
    Or,
    Implies,
    Update,
    ConcatLists,
    /// `a < b`; `a > b` is `Less` with the sides swapped, `a <= b` is `!(b < a)`, `a >= b` is `!(a < b)`,
    /// as CppNix desugars them (so the sides of `>` and `<=` are stored swapped and `swapped` orders of forcing follow).
    Less,
    Sub,
    Mul,
    Div,
}

/// An expression. Positions are those that CppNix reports, in [`Exprs::pos`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Expr {
    /// `12`
    Int(Number<i64>),
    /// `1.5`
    Float(Number<f64>),
    /// A string without interpolation, escapes resolved; [`Exprs::text`] has it. URIs too.
    Str(Run),
    /// A path literal without interpolation, as written: `./a`, `/a`, `a/b`, `~/a`.
    Path(Run),
    /// `<nixpkgs/lib>`, without the angle brackets.
    SearchPath(Run),
    /// A variable.
    Var(Symbol),
    /// `__curPos`
    CurPos,
    /// `"a${b}c"` or an indented string with interpolation: [`Exprs::parts`]. The result is a string.
    Interpolation(Run),
    /// `./a/${b}`: [`Exprs::parts`], the first of which is a [`Expr::Path`]. The result is a path.
    PathInterpolation(Run),
    /// `a + b`
    Plus(ExprId, ExprId),
    /// Another binary operator.
    Binary(BinOp, ExprId, ExprId),
    /// `!a`
    Not(ExprId),
    /// `-a`: CppNix's `__sub 0 a`.
    Negate(ExprId),
    /// `base.path`, or `base.path or default`: the index of a [`Select`] in [`Exprs::selects`].
    Select(u32),
    /// `base ? path`: the index of a [`Select`] without default in [`Exprs::selects`].
    HasAttr(u32),
    /// `f a b`: the function, and the arguments in [`Exprs::lists`]. `(f a) b` is one call of two arguments, too, as in
    /// CppNix; a call whose function is a call is `(f a) or`, or has more than sixteen arguments before it, or [`Args::MAX`].
    Call(ExprId, Args),
    /// The index of a [`Lambda`] in [`Exprs::lambdas`].
    Lambda(u32),
    /// `{ … }` or `rec { … }`: the index of an [`AttrSet`] for [`Exprs::set`].
    AttrSet(u32),
    /// `let … in body`: the bindings, an index for [`Exprs::set`] (without dynamic attributes), and the body.
    Let(u32, ExprId),
    /// `[ … ]`: [`Exprs::lists`].
    List(Run),
    /// `with scope; body`
    With(ExprId, ExprId),
    /// `if`: condition, `then` and `else` are the three consecutive entries of [`Exprs::lists`] from this one on.
    If(u32),
    /// `assert condition; body`
    Assert(ExprId, ExprId),
}

impl Expr {
    /// Whether CppNix has a call here, which takes further arguments itself: `(f a) b` is one call of two.
    pub(crate) fn is_call(self) -> bool {
        match self {
            Expr::Call(..) | Expr::SearchPath(_) | Expr::Negate(_) => true,
            Expr::Binary(op, ..) => matches!(op, BinOp::Less | BinOp::Sub | BinOp::Mul | BinOp::Div),
            _ => false,
        }
    }
}

const _: () = assert!(size_of::<Expr>() == 12, "every node pays for this");

/// One piece of an attribute path.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum AttrName {
    /// `a` or `"a"`
    Static(Symbol),
    /// `${e}` or `"a${e}"`
    Dynamic(ExprId),
}

/// One of four sorts, and a number: enumerations that there are many of, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Packed(u32);

impl Packed {
    const SORT: u32 = 30;

    fn new(sort: u32, n: u32) -> Packed {
        debug_assert!(n < 1 << Packed::SORT, "no text is long enough for so many nodes");
        Packed(sort << Packed::SORT | n)
    }

    fn unpack(self) -> (u32, u32) {
        (self.0 >> Packed::SORT, self.0 & ((1 << Packed::SORT) - 1))
    }
}

/// `base.path or default`
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Select {
    /// What is selected from.
    pub base: ExprId,
    /// Places for [`Exprs::name`]; at least one.
    pub path: Run,
    /// What stands after `or`.
    pub default: Option<ExprId>,
}

/// A part of an interpolation and where it stands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Part {
    /// The expression between `${` and `}`, or a piece of text as [`Expr::Str`].
    pub expr: ExprId,
    /// CppNix's position of the part, which errors about its type name.
    pub pos: Offset,
}

/// `arg: body`, `{ a, b ? c, … }@arg: body`
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Lambda {
    /// The name of the whole argument, if it has one.
    pub arg: Option<Symbol>,
    /// The pattern, if there is one.
    pub formals: Option<Formals>,
    /// The body.
    pub body: ExprId,
    /// The name that the attribute or variable bound to it gives; for messages.
    pub name: Option<Symbol>,
    /// The doc comment (RFC 145) before it, in the source: start and length.
    pub doc: Option<Run>,
}

/// A set pattern.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Formals {
    /// [`Exprs::formals`], in order of the bytes of their names, as CppNix keeps them; no name twice.
    pub formals: Run,
    /// Whether the pattern ends in `...`.
    pub ellipsis: bool,
}

/// A formal of a set pattern.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Formal {
    /// Its name.
    pub name: Symbol,
    /// Where it stands.
    pub pos: Offset,
    /// What stands after `?`.
    pub default: Option<ExprId>,
}

/// Attribute definitions of a set or a `let`, after merging.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AttrSet {
    /// `rec`, or a `let`.
    pub recursive: bool,
    /// [`Exprs::attrs`], in order of the bytes of their names; no name twice.
    pub attrs: Run,
    /// [`Exprs::dynamics`], in the order of the source.
    pub dynamics: Run,
    /// [`Exprs::lists`]: the expressions `e` of `inherit (e) …`, in the order of the source.
    pub sources: Run,
}

/// An [`AttrSet`] in less space.
#[derive(Clone, Copy, Debug)]
struct PackedSet {
    /// The first of its attributes.
    first: u32,
    /// How many they are, and whether it is recursive.
    len: u32,
    /// The index in [`Exprs::rests`], if it has anything there.
    rest: u32,
}

impl PackedSet {
    const RECURSIVE: u32 = 1 << 31;
    const NO_REST: u32 = u32::MAX;
}

/// What an attribute is bound to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum AttrValue {
    /// `name = value;`
    Plain(ExprId),
    /// `inherit name;`: the [`Expr::Var`], to be resolved outside of a recursive set.
    Inherited(ExprId),
    /// `inherit (e) name;`: which of [`AttrSet::sources`].
    InheritedFrom(u32),
}

/// A static attribute.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Attr {
    /// Its name.
    pub name: Symbol,
    /// Where its name stands.
    pub pos: Offset,
    value: Packed,
}

impl Attr {
    pub(crate) fn new(name: Symbol, pos: Offset, value: AttrValue) -> Attr {
        let value = match value {
            AttrValue::Plain(id) => Packed::new(0, id.0),
            AttrValue::Inherited(id) => Packed::new(1, id.0),
            AttrValue::InheritedFrom(source) => Packed::new(2, source),
        };
        Attr { name, pos, value }
    }

    /// Its value.
    pub fn value(&self) -> AttrValue {
        match self.value.unpack() {
            (0, id) => AttrValue::Plain(ExprId(id)),
            (1, id) => AttrValue::Inherited(ExprId(id)),
            (_, source) => AttrValue::InheritedFrom(source),
        }
    }
}

/// `${name} = value;`
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Dynamic {
    /// The name's expression.
    pub name: ExprId,
    /// The value.
    pub value: ExprId,
    /// Where it stands.
    pub pos: Offset,
}

/// Something that is allowed but may be unwanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lint {
    /// What it is.
    pub kind: LintKind,
    /// Where it starts.
    pub start: Offset,
    /// Where it ends.
    pub end: Offset,
}

/// What CppNix can warn of while parsing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LintKind {
    /// `https://nixos.org`; CppNix's `lint-url-literals`.
    Uri,
    /// `/a`; CppNix's `lint-absolute-path-literals`.
    AbsolutePath,
    /// `~/a`; CppNix's `lint-absolute-path-literals`.
    HomePath,
    /// `a/b`; CppNix's `lint-short-path-literals`.
    ShortPath,
    /// `[ f or x ]`, where `f or` is a call; CppNix always warns.
    Or,
}

/// The tree of one file.
#[derive(Default, Debug)]
pub struct Exprs {
    /// The nodes.
    pub nodes: Vec<Expr>,
    /// The position of each node, as long as `nodes`: [`NO_POS`] where CppNix has none.
    pub pos: Vec<Offset>,
    /// Where the text of each node starts, with its parentheses and quotes, while the tree is being made. The position of an
    /// operand of `+` in CppNix's messages is this, and so is that of `e` in `inherit (e) …`.
    pub(crate) starts: Vec<Offset>,
    /// Of each [`Expr::Plus`], in order, where the texts of its operands start.
    operand_starts: Vec<(ExprId, [Offset; 2])>,
    /// The bytes of strings and paths.
    pub text: Vec<u8>,
    /// Call arguments, list elements, sources, branches of `if`.
    pub lists: Vec<ExprId>,
    /// Parts of interpolations.
    pub parts: Vec<Part>,
    /// Selections.
    pub selects: Vec<Select>,
    /// Pieces of attribute paths: [`Exprs::name`].
    names: Vec<Packed>,
    /// Lambdas.
    pub lambdas: Vec<Lambda>,
    /// Formals.
    pub formals: Vec<Formal>,
    /// Sets and the bindings of `let`s: [`Exprs::set`].
    sets: Vec<PackedSet>,
    /// Of sets that have any, the dynamic attributes and the sources.
    rests: Vec<[Run; 2]>,
    /// Static attributes.
    pub attrs: Vec<Attr>,
    /// Dynamic attributes.
    pub dynamics: Vec<Dynamic>,
    /// What has a doc comment: the position of an attribute, or of its value, and the comment; sorted by position.
    pub docs: Vec<(Offset, Run)>,
    /// What CppNix can be told to warn of, in the order in which it would.
    pub lints: Vec<Lint>,
    /// The expression of the whole file.
    pub root: Option<ExprId>,
}

impl Exprs {
    /// Room for the tree of a text of `len` bytes, as much as such trees take on average.
    pub(crate) fn with_capacity(len: usize) -> Exprs {
        let n_nodes = len / 20 + 16;
        Exprs {
            nodes: Vec::with_capacity(n_nodes),
            pos: Vec::with_capacity(n_nodes),
            starts: Vec::with_capacity(n_nodes),
            text: Vec::with_capacity(len / 4),
            lists: Vec::with_capacity(n_nodes / 2),
            attrs: Vec::with_capacity(n_nodes / 2),
            ..Exprs::default()
        }
    }

    /// All names in the tree, some of them more than once.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol> {
        let vars =
            self.nodes.iter().filter_map(|node| if let Expr::Var(name) = node { Some(*name) } else { None });
        let names = (0..self.names.len()).map(|at| self.name(at));
        let paths =
            names.filter_map(|name| if let AttrName::Static(name) = name { Some(name) } else { None });
        let lambdas = self.lambdas.iter().flat_map(|lambda| lambda.arg.into_iter().chain(lambda.name));
        let formals = self.formals.iter().map(|formal| formal.name);
        vars.chain(paths).chain(lambdas).chain(formals).chain(self.attrs.iter().map(|attr| attr.name))
    }

    /// Keeps of the nodes' starts what is needed later.
    pub(crate) fn keep_operand_starts(&mut self) {
        let starts = std::mem::take(&mut self.starts);
        let operands = self.nodes.iter().enumerate().filter_map(|(id, node)| match node {
            Expr::Plus(a, b) => Some((ExprId(id as u32), [starts[a.0 as usize], starts[b.0 as usize]])),
            _ => None,
        });
        self.operand_starts = operands.collect();
    }

    /// Where the texts of the operands of an [`Expr::Plus`] start, with their parentheses and quotes: CppNix's positions of
    /// them in messages.
    pub fn operand_starts(&self, plus: ExprId) -> [Offset; 2] {
        let at = self.operand_starts.binary_search_by_key(&plus.0, |(id, _)| id.0).expect("an `Expr::Plus`");
        self.operand_starts[at].1
    }

    /// Gives back what was reserved for growth.
    pub fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.pos.shrink_to_fit();
        self.operand_starts.shrink_to_fit();
        self.text.shrink_to_fit();
        self.lists.shrink_to_fit();
        self.parts.shrink_to_fit();
        self.selects.shrink_to_fit();
        self.names.shrink_to_fit();
        self.lambdas.shrink_to_fit();
        self.formals.shrink_to_fit();
        self.sets.shrink_to_fit();
        self.rests.shrink_to_fit();
        self.attrs.shrink_to_fit();
        self.dynamics.shrink_to_fit();
        self.docs.shrink_to_fit();
        self.lints.shrink_to_fit();
    }

    /// The piece of an attribute path that is at a place of a [`Select`]'s run.
    pub fn name(&self, at: usize) -> AttrName {
        match self.names[at].unpack() {
            (0, name) => AttrName::Static(Symbol(name)),
            (_, id) => AttrName::Dynamic(ExprId(id)),
        }
    }

    pub(crate) fn add_path(&mut self, path: impl IntoIterator<Item = AttrName>) -> Run {
        let start = self.names.len() as u32;
        self.names.extend(path.into_iter().map(|name| match name {
            AttrName::Static(name) => Packed::new(0, name.0),
            AttrName::Dynamic(id) => Packed::new(1, id.0),
        }));
        Run { start, len: self.names.len() as u32 - start }
    }

    /// How many sets and bindings of `let`s there are.
    pub fn set_count(&self) -> usize {
        self.sets.len()
    }

    /// The set, or the bindings of the `let`, of that number.
    pub fn set(&self, index: u32) -> AttrSet {
        let set = self.sets[index as usize];
        let empty = Run { start: 0, len: 0 };
        let [dynamics, sources] = self.rests.get(set.rest as usize).copied().unwrap_or([empty; 2]);
        let attrs = Run { start: set.first, len: set.len & !PackedSet::RECURSIVE };
        AttrSet { recursive: set.len & PackedSet::RECURSIVE != 0, attrs, dynamics, sources }
    }

    pub(crate) fn add_set(&mut self, set: AttrSet) -> u32 {
        let set = self.packed(set);
        self.sets.push(set);
        self.sets.len() as u32 - 1
    }

    pub(crate) fn change_set(&mut self, index: u32, set: AttrSet) {
        self.sets[index as usize] = self.packed(set);
    }

    fn packed(&mut self, set: AttrSet) -> PackedSet {
        let AttrSet { recursive, attrs, dynamics, sources } = set;
        let rest = if dynamics.len + sources.len > 0 {
            self.rests.push([dynamics, sources]);
            self.rests.len() as u32 - 1
        } else {
            PackedSet::NO_REST
        };
        let recursive = if recursive { PackedSet::RECURSIVE } else { 0 };
        PackedSet { first: attrs.start, len: attrs.len | recursive, rest }
    }

    /// The node at `id`.
    pub fn get(&self, id: ExprId) -> Expr {
        self.nodes[id.0 as usize]
    }

    /// The position of the node at `id`.
    pub fn pos(&self, id: ExprId) -> Offset {
        self.pos[id.0 as usize]
    }

    /// The condition, `then` and `else` of an [`Expr::If`].
    pub fn branches(&self, at: u32) -> [ExprId; 3] {
        let at = at as usize;
        [self.lists[at], self.lists[at + 1], self.lists[at + 2]]
    }

    /// The bytes of a string or path.
    pub fn bytes(&self, text: Run) -> &[u8] {
        &self.text[text.range()]
    }
}
