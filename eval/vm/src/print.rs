//! Values as people read them: in messages, in traces, and as the result of an evaluation.

use crate::builtins::paths::INTERNAL_FILES;
use crate::error::Error;
use crate::files::Pos;
use crate::link::Code;
use crate::machine::Machine;
use frazil_code::UnitKind;
use frazil_syntax::expr::{Expr, Exprs};
use frazil_syntax::symbol::Symbol;
use frazil_value::{Kind, Slot, Tag, Val};
use rustc_hash::FxHashSet;

/// How much of a value is shown, and how.
#[derive(Clone, Copy, Debug)]
pub struct PrintOptions {
    /// `<CODE>` and `<LAMBDA>`, as `nix-instantiate --eval` prints; otherwise `«thunk»` and where a lambda stands.
    pub ambiguous: bool,
    /// Sets within sets and lists, at most.
    pub max_depth: usize,
    /// Attributes in all, at most.
    pub max_attrs: usize,
    /// List elements in all, at most.
    pub max_items: usize,
    /// Bytes of a string, at most.
    pub max_string: usize,
}

impl PrintOptions {
    /// The result of an evaluation.
    pub const RESULT: PrintOptions = PrintOptions {
        ambiguous: true,
        max_depth: usize::MAX,
        max_attrs: usize::MAX,
        max_items: usize::MAX,
        max_string: usize::MAX,
    };
    /// A value in a trace.
    pub const TRACE: PrintOptions = PrintOptions { ambiguous: false, ..PrintOptions::RESULT };
    /// A value in an error's message.
    pub const ERROR: PrintOptions =
        PrintOptions { ambiguous: false, max_depth: 10, max_attrs: 10, max_items: 10, max_string: 1024 };
}

enum Task {
    Value(Val, usize),
    Text(&'static [u8]),
    Name(Symbol),
    ItemShown,
    AttrShown,
    /// Elements of a list from this one on, at this depth.
    List(Val, usize, usize),
    /// Attributes in this order, from this one on.
    Attrs(Vec<(Symbol, Val)>, usize, usize),
}

impl Machine<'_> {
    /// A value as text; nothing is forced. An error if it is nested deeper than calls may be.
    pub fn print(&mut self, v: Val, options: PrintOptions) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        let mut seen: FxHashSet<u64> = FxHashSet::default();
        let (mut attrs_shown, mut items_shown) = (0, 0);
        let mut tasks = vec![Task::Value(v, 0)];
        while let Some(task) = tasks.pop() {
            match task {
                // Counted when they are done, as CppNix does: what is inside of one does not count it yet.
                Task::ItemShown => items_shown += 1,
                Task::AttrShown => attrs_shown += 1,
                Task::Text(text) => out.extend_from_slice(text),
                Task::Name(name) => {
                    out.extend_from_slice(&frazil_syntax::show::name(self.st.symbols.name(name)));
                }
                Task::List(list, i, depth) => {
                    let elements = self.heap.list(list);
                    let Some(element) = elements.get(i) else {
                        out.extend_from_slice(b" ]");
                        continue;
                    };
                    out.push(b' ');
                    if items_shown >= options.max_items {
                        elide(&mut out, elements.len() - i, "item", "items");
                        out.extend_from_slice(b" ]");
                        continue;
                    }
                    tasks.push(Task::List(list, i + 1, depth));
                    tasks.push(Task::ItemShown);
                    tasks.push(Task::Value(element.get(), depth + 1));
                }
                Task::Attrs(attrs, i, depth) => {
                    let Some(&(name, v)) = attrs.get(i) else {
                        out.extend_from_slice(b" }");
                        continue;
                    };
                    out.push(b' ');
                    if attrs_shown >= options.max_attrs {
                        elide(&mut out, attrs.len() - i, "attribute", "attributes");
                        out.extend_from_slice(b" }");
                        continue;
                    }
                    tasks.push(Task::Attrs(attrs, i + 1, depth));
                    tasks.push(Task::AttrShown);
                    tasks.push(Task::Text(b";"));
                    tasks.push(Task::Value(v, depth + 1));
                    tasks.push(Task::Text(b" = "));
                    tasks.push(Task::Name(name));
                }
                Task::Value(v, depth) => {
                    self.tick(out.len() as u64)?;
                    self.check_nesting(depth)?;
                    // A list is known by where it is held, a set by itself.
                    let holder = v;
                    let v = self.heap.peek(v).unwrap_or(v);
                    let identity = if v.is_list() { holder } else { v };
                    // All empty sets are one in CppNix, which only its output for programs does not show.
                    let is_empty = v == self.heap.empty_attrs();
                    let is_container = v.is_attrs() || v.is_list() && !self.heap.list(v).is_empty();
                    if is_container && !(is_empty && options.ambiguous) && !seen.insert(identity.bits()) {
                        out.extend_from_slice("«repeated»".as_bytes());
                    } else if v.is_list() && depth >= options.max_depth {
                        out.extend_from_slice(b"[ ... ]");
                    } else if v.is_attrs() && depth >= options.max_depth {
                        out.extend_from_slice(b"{ ... }");
                    } else if v.is_list() {
                        out.push(b'[');
                        tasks.push(Task::List(v, 0, depth));
                    } else if v.is_attrs() {
                        out.push(b'{');
                        let attrs = self.printed_attrs(v, options);
                        tasks.push(Task::Attrs(attrs, 0, depth));
                    } else {
                        self.print_simple(v, options, &mut out);
                    }
                }
            }
        }
        Ok(out)
    }

    /// Attributes in the order in which they are printed: if not all are, those first that say what a set is.
    fn printed_attrs(&mut self, set: Val, options: PrintOptions) -> Vec<(Symbol, Val)> {
        let (keys, values) = self.attrs(set);
        let mut attrs: Vec<(Symbol, Val)> = keys.iter().copied().zip(values.iter().map(Slot::get)).collect();
        if options.max_attrs != usize::MAX {
            let is_important = |name: &Symbol| matches!(self.st.symbols.name(*name), b"type" | b"_type");
            attrs.sort_by_key(|(name, _)| !is_important(name));
        }
        attrs
    }

    fn print_simple(&self, v: Val, options: PrintOptions, out: &mut Vec<u8>) {
        match v.tag() {
            Tag::Int => out.extend_from_slice(v.as_small_int().expect("an integer").to_string().as_bytes()),
            Tag::Immediate => out.extend_from_slice(match v {
                Val::TRUE => b"true",
                Val::FALSE => b"false",
                _ => b"null",
            }),
            Tag::String => print_string(self.heap.bytes(v), options.max_string, out),
            Tag::Boxed => match (self.heap.as_path(v), self.heap.as_int(v), self.heap.as_float(v)) {
                (Some(path), ..) => match path.strip_prefix(INTERNAL_FILES) {
                    Some(name) => out.extend_from_slice(&[b"<nix/", name, b">"].concat()),
                    None => out.extend_from_slice(path),
                },
                (_, Some(n), _) => out.extend_from_slice(n.to_string().as_bytes()),
                (.., Some(f)) => out.extend_from_slice(frazil_text::float::to_general(f).as_bytes()),
                _ => out.extend_from_slice("«external»".as_bytes()),
            },
            Tag::Thunk if options.ambiguous && !self.heap.is_busy(v) => out.extend_from_slice(b"<CODE>"),
            Tag::Thunk if self.heap.is_busy(v) => {
                out.extend_from_slice("«potential infinite recursion»".as_bytes());
            }
            Tag::Thunk => out.extend_from_slice("«thunk»".as_bytes()),
            Tag::Func if options.ambiguous => out.extend_from_slice(match self.function_kind(v) {
                FunctionKind::Lambda { .. } | FunctionKind::Derivation => b"<LAMBDA>",
                FunctionKind::Builtin(_) => b"<PRIMOP>",
                FunctionKind::PartialBuiltin(_) => b"<PRIMOP-APP>",
            }),
            Tag::Func => {
                let text = match self.function_kind(v) {
                    FunctionKind::Lambda { name, pos } => {
                        let name = name.map(|n| format!(" {}", self.shown_name(n)));
                        format!("«lambda{} @ {}»", name.unwrap_or_default(), self.st.show_pos(pos))
                    }
                    FunctionKind::Derivation => {
                        "«lambda @ «nix-internal»/derivation-internal.nix:30:1»".to_owned()
                    }
                    FunctionKind::Builtin(name) => format!("«primop {name}»"),
                    FunctionKind::PartialBuiltin(name) => format!("«partially applied primop {name}»"),
                };
                out.extend_from_slice(text.as_bytes());
            }
            Tag::List | Tag::Attrs => unreachable!("printed as tasks"),
        }
    }

    /// An error if something is nested deeper than calls may be.
    pub fn check_nesting(&self, depth: usize) -> Result<(), Error> {
        if depth > self.st.limits.depth as usize {
            return Err(Error::new(crate::ErrorKind::CallDepth, "stack overflow; max-call-depth exceeded"));
        }
        Ok(())
    }

    /// A value in a trace.
    pub fn show_value(&mut self, v: Val) -> Vec<u8> {
        self.print(v, PrintOptions::TRACE).unwrap_or_else(|e| e.to_string().into_bytes())
    }

    /// A value in a message.
    pub fn show_short(&mut self, v: Val) -> String {
        let text = self.print(v, PrintOptions::ERROR).unwrap_or_else(|e| e.to_string().into_bytes());
        crate::message::text(&text).into_owned()
    }

    /// What a value is, in a message: `a list`.
    pub fn describe(&self, v: Val) -> String {
        match v.tag() {
            Tag::Thunk => "a thunk".into(),
            Tag::Attrs => "a set".into(),
            Tag::List => "a list".into(),
            Tag::String if self.heap.string(v).context != 0 => "a string with context".into(),
            Tag::String => "a string".into(),
            Tag::Int => "an integer".into(),
            Tag::Immediate if v == Val::NULL => "null".into(),
            Tag::Immediate => "a Boolean".into(),
            Tag::Boxed => match self.heap.boxed_kind(v) {
                Kind::Path => "a path".into(),
                Kind::Float => "a float".into(),
                Kind::BigInt => "an integer".into(),
                _ => "an external value".into(),
            },
            Tag::Func => match self.function_kind(v) {
                FunctionKind::Lambda { .. } | FunctionKind::Derivation => "a function".into(),
                FunctionKind::Builtin(name) => format!("the built-in function '{name}'"),
                FunctionKind::PartialBuiltin(name) => {
                    format!("the partially applied built-in function '{name}'")
                }
            },
        }
    }

    /// The name of a builtin, whether or not it was given some of its arguments.
    pub fn builtin_name(&self, v: Val) -> Option<&'static str> {
        match self.function_kind(v) {
            FunctionKind::Builtin(name) | FunctionKind::PartialBuiltin(name) => Some(name),
            FunctionKind::Derivation => Some("derivation"),
            FunctionKind::Lambda { .. } => None,
        }
    }

    pub(crate) fn function_kind(&self, v: Val) -> FunctionKind {
        let (function, given) = match self.heap.function(v) {
            (Kind::Partial, _) => {
                let (function, args) = self.heap.partial(v);
                (function, args.len())
            }
            _ => (v, 0),
        };
        match self.heap.function(function) {
            (Kind::Closure, unit) => {
                let (name, pos) = self.lambda_of(unit, given);
                FunctionKind::Lambda { name, pos }
            }
            (_, index) => {
                let name = crate::builtins::TABLE[index as usize].name;
                if name == "derivation" {
                    return FunctionKind::Derivation;
                }
                if given == 0 { FunctionKind::Builtin(name) } else { FunctionKind::PartialBuiltin(name) }
            }
        }
    }

    /// Name and position of the lambda that a unit is when it has been given so many arguments.
    pub(crate) fn lambda_of(&self, unit: u32, given: usize) -> (Option<Symbol>, Pos) {
        let file = self.st.files.get(self.st.files.of_unit(unit));
        let tree = &file.code.exprs;
        let UnitKind::Lambda(first) = file.code.unit(unit - file.first_unit).kind else {
            return (None, Pos::NONE);
        };
        let index = nth_lambda(tree, first, given);
        let pos = lambda_offset(tree, index).map_or(Pos::NONE, |offset| Pos(file.start + offset));
        (tree.lambdas[index as usize].name, pos)
    }

    pub(crate) fn lambda_pos(&self, code: &Code) -> Pos {
        self.lambda_of(code.unit, code.params as usize - 1).1
    }

    fn lambda_name(&self, code: &Code) -> String {
        match self.lambda_of(code.unit, code.params as usize - 1).0 {
            Some(name) => crate::message::text(self.st.symbols.name(name)).into_owned(),
            None => "anonymous lambda".into(),
        }
    }

    pub(crate) fn missing_argument(&mut self, code: &Code, set: Val) -> Error {
        // Of several, the one whose name was met first.
        let needed = code.formals.iter().filter(|(_, has_default)| !has_default).map(|(site, _)| site.name);
        let missing = needed.filter(|&name| self.attr(set, name).is_none()).min();
        let name = missing.expect("a formal without an attribute");
        let text = format!(
            "function '{}' called without required argument '{}'",
            self.lambda_name(code),
            self.shown_name(name)
        );
        Error::typed(text).at(self.lambda_pos(code))
    }

    pub(crate) fn unexpected_argument(&mut self, code: &Code, set: Val) -> Error {
        let (keys, _) = self.attrs(set);
        let is_formal = |key: &Symbol| code.formals.iter().any(|(site, _)| site.name == *key);
        let name = *keys.iter().filter(|key| !is_formal(key)).min().expect("more attributes than formals");
        let formals = code.formals.iter().map(|(site, _)| self.st.symbols.name(site.name));
        let suggestions = best_matches(formals, self.st.symbols.name(name));
        let text = format!(
            "function '{}' called with unexpected argument '{}'",
            self.lambda_name(code),
            self.shown_name(name)
        );
        Error::typed(text).at(self.lambda_pos(code)).suggest(suggestions)
    }

    /// Names of a set that are like one that it has not.
    pub fn suggestions(&mut self, set: Val, name: Symbol) -> Vec<String> {
        let (keys, _) = self.attrs(set);
        best_matches(keys.iter().map(|&key| self.st.symbols.name(key)), self.st.symbols.name(name))
    }
}

/// What a function is, for messages.
pub(crate) enum FunctionKind {
    Lambda {
        name: Option<Symbol>,
        pos: Pos,
    },
    /// `derivation`, which is a lambda of a file of CppNix's own.
    Derivation,
    Builtin(&'static str),
    PartialBuiltin(&'static str),
}

/// The lambda `n` levels inside of the body of lambda `first`.
pub(crate) fn nth_lambda(tree: &Exprs, first: u32, n: usize) -> u32 {
    (0..n).fold(first, |at, _| match tree.get(tree.lambdas[at as usize].body) {
        Expr::Lambda(next) => next,
        _ => at,
    })
}

/// Where a lambda stands.
pub(crate) fn lambda_offset(tree: &Exprs, index: u32) -> Option<u32> {
    tree.nodes.iter().position(|node| *node == Expr::Lambda(index)).map(|i| tree.pos[i])
}

fn elide(out: &mut Vec<u8>, n: usize, one: &str, many: &str) {
    let what = if n == 1 { one } else { many };
    out.extend_from_slice(format!("«{n} {what} elided»").as_bytes());
}

/// A string literal.
fn print_string(text: &[u8], max: usize, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    let shown = text.len().min(max);
    while text.len() - rest.len() < shown {
        let byte = rest[0];
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'$' if rest.get(1) == Some(&b'{') => out.extend_from_slice(b"\\$"),
            _ => out.push(byte),
        }
        rest = &rest[1..];
    }
    out.push(b'"');
    if !rest.is_empty() {
        out.push(b' ');
        elide(out, rest.len(), "byte", "bytes");
    }
}

/// How many suggestions are made at most, and how far from what was written.
const MAX_SUGGESTIONS: usize = 5;
const MAX_DISTANCE: usize = 2;

/// The names nearest to `wanted`.
pub(crate) fn best_matches<'a>(names: impl Iterator<Item = &'a [u8]>, wanted: &[u8]) -> Vec<String> {
    let near = names.filter(|name| name.len().abs_diff(wanted.len()) <= MAX_DISTANCE);
    let mut found: Vec<(usize, &[u8])> =
        near.map(|name| (distance(name, wanted), name)).filter(|(d, _)| *d <= MAX_DISTANCE).collect();
    found.sort_unstable();
    found.truncate(MAX_SUGGESTIONS);
    found.into_iter().map(|(_, name)| crate::message::text(name).into_owned()).collect()
}

/// The edit distance of Levenshtein.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + (x != y) as usize;
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
