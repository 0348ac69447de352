//! Trees as text, byte for byte as CppNix's `nix-instantiate --parse` prints them.

use crate::expr::{AttrName, AttrSet, AttrValue, BinOp, Expr, ExprId, Exprs, Lambda, Number, Run, Select};
use crate::symbol::{Symbol, Symbols};

/// What relative paths and `~` are taken from.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The folder of the file, absolute.
    pub base: &'a [u8],
    /// The user's home.
    pub home: &'a [u8],
}

/// The whole tree, without a line break at the end.
pub fn show(exprs: &Exprs, symbols: &Symbols, places: Places<'_>) -> Vec<u8> {
    exprs.root.map_or_else(Vec::new, |root| show_expr(exprs, symbols, places, root))
}

/// One expression of a tree.
pub fn show_expr(exprs: &Exprs, symbols: &Symbols, places: Places<'_>, expr: ExprId) -> Vec<u8> {
    let mut show = Show { exprs, symbols, places, todo: vec![Step::Expr(expr)], out: Vec::new() };
    while let Some(step) = show.todo.pop() {
        show.step(step);
    }
    show.out
}

/// A name, quoted if it is not an identifier.
pub fn name(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push_name(name, &mut out);
    out
}

const KEYWORDS: [&[u8]; 9] = [b"if", b"then", b"else", b"assert", b"with", b"let", b"in", b"rec", b"inherit"];

fn push_name(name: &[u8], out: &mut Vec<u8>) {
    let starts = name.first().is_some_and(|&byte| byte.is_ascii_alphabetic() || byte == b'_');
    let is_part = |&byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'\'' | b'-');
    if starts && name.iter().all(is_part) && !KEYWORDS.contains(&name) {
        out.extend_from_slice(name);
    } else {
        push_string(name, out);
    }
}

fn push_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            b'$' if text.get(at + 1) == Some(&b'{') => out.extend(b"\\$"),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// A float as C++ streams print it: `%g`, with six digits.
fn push_float(value: f64, out: &mut Vec<u8>) {
    const DIGITS: i32 = 6;
    if value == 0.0 {
        return out.push(b'0');
    }
    let scientific = format!("{value:.*e}", DIGITS as usize - 1);
    let (digits, exponent) = scientific.split_once('e').expect("`e` formats so");
    let exponent: i32 = exponent.parse().expect("`e` formats so");
    if (-4..DIGITS).contains(&exponent) {
        let fixed = format!("{value:.*}", (DIGITS - 1 - exponent) as usize);
        out.extend(without_zeros(&fixed).bytes());
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend(format!("{}e{sign}{:02}", without_zeros(digits), exponent.abs()).bytes());
    }
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// What is still to be printed; the last first.
#[derive(Clone, Copy)]
enum Step {
    Expr(ExprId),
    Text(&'static str),
    Name(Symbol),
    /// A piece of [`Exprs::text`], as a string.
    Str(Run),
}

struct Show<'a> {
    exprs: &'a Exprs,
    symbols: &'a Symbols,
    places: Places<'a>,
    todo: Vec<Step>,
    out: Vec<u8>,
}

impl<'a> Show<'a> {
    fn step(&mut self, step: Step) {
        match step {
            Step::Text(text) => self.out.extend(text.bytes()),
            Step::Str(text) => push_string(self.exprs.bytes(text), &mut self.out),
            Step::Name(symbol) => push_name(self.symbols.name(symbol), &mut self.out),
            Step::Expr(id) => {
                let first = self.todo.len();
                self.expr(id);
                // `expr` appended the steps in the order of the text.
                self.todo[first..].reverse();
            }
        }
    }

    fn push(&mut self, steps: &[Step]) {
        self.todo.extend_from_slice(steps);
    }

    fn list(&self, run: Run) -> &'a [ExprId] {
        &self.exprs.lists[run.range()]
    }

    /// Prints a leaf, or appends the steps of anything else.
    fn expr(&mut self, id: ExprId) {
        use Step::{Expr as E, Name, Text as T};
        let exprs = self.exprs;
        match exprs.get(id) {
            Expr::Int(Number(value)) => self.out.extend(value.to_string().bytes()),
            Expr::Float(Number(value)) => push_float(value, &mut self.out),
            Expr::Str(text) => self.push(&[Step::Str(text)]),
            Expr::Path(text) => self.path(exprs.bytes(text)),
            Expr::Var(symbol) => self.push(&[Name(symbol)]),
            Expr::CurPos => self.push(&[T("__curPos")]),
            Expr::Interpolation(parts) | Expr::PathInterpolation(parts) => {
                let parts = exprs.parts[parts.range()].iter().map(|part| part.expr);
                self.separated("(", parts, " + ", ")");
            }
            Expr::Plus(left, right) => self.push(&[T("("), E(left), T(" + "), E(right), T(")")]),
            Expr::Binary(op, left, right) if !exprs.get(id).is_call() => {
                self.push(&[T("("), E(left), T(operator(op)), E(right), T(")")]);
            }
            Expr::SearchPath(_) | Expr::Negate(_) | Expr::Binary(..) | Expr::Call(..) => self.call(id),
            Expr::Not(operand) => self.push(&[T("(! "), E(operand), T(")")]),
            Expr::Select(select) => {
                let Select { base, path, default } = exprs.selects[select as usize];
                self.push(&[T("("), E(base), T(").")]);
                self.attr_path(path);
                if let Some(default) = default {
                    self.push(&[T(" or ("), E(default), T(")")]);
                }
            }
            Expr::HasAttr(select) => {
                let Select { base, path, .. } = exprs.selects[select as usize];
                self.push(&[T("(("), E(base), T(") ? ")]);
                self.attr_path(path);
                self.push(&[T(")")]);
            }
            Expr::Lambda(lambda) => self.lambda(exprs.lambdas[lambda as usize]),
            Expr::AttrSet(set) => {
                let set = exprs.set(set);
                self.push(&[T(if set.recursive { "rec { " } else { "{ " })]);
                self.bindings(set);
                self.push(&[T("}")]);
            }
            Expr::Let(set, body) => {
                self.push(&[T("(let ")]);
                self.bindings(exprs.set(set));
                self.push(&[T("in "), E(body), T(")")]);
            }
            Expr::List(items) => {
                self.push(&[T("[ ")]);
                for &item in self.list(items) {
                    self.push(&[T("("), E(item), T(") ")]);
                }
                self.push(&[T("]")]);
            }
            Expr::With(scope, body) => self.push(&[T("(with "), E(scope), T("; "), E(body), T(")")]),
            Expr::If(branches) => {
                let [condition, then, other] = self.exprs.branches(branches);
                self.push(&[T("(if "), E(condition), T(" then "), E(then), T(" else "), E(other), T(")")]);
            }
            Expr::Assert(condition, body) => self.push(&[T("assert "), E(condition), T("; "), E(body)]),
        }
    }

    fn separated(
        &mut self,
        open: &'static str,
        items: impl Iterator<Item = ExprId>,
        separator: &'static str,
        close: &'static str,
    ) {
        self.push(&[Step::Text(open)]);
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.push(&[Step::Text(separator)]);
            }
            self.push(&[Step::Expr(item)]);
        }
        self.push(&[Step::Text(close)]);
    }

    /// A call with all its arguments: where the function is a call itself, CppNix has but one node for both.
    fn call(&mut self, id: ExprId) {
        let mut at = id;
        let mut runs = Vec::new();
        self.push(&[Step::Text("(")]);
        while let Expr::Call(function, args) = self.exprs.get(at) {
            runs.push(args.run());
            at = function;
            if self.is_or(args.run()) {
                break;
            }
        }
        match self.exprs.get(at) {
            Expr::SearchPath(path) if !self.ends_in_or(&runs) => {
                self.push(&[Step::Text("__findFile __nixPath "), Step::Str(path)]);
            }
            Expr::Negate(operand) if !self.ends_in_or(&runs) => {
                self.push(&[Step::Text("__sub 0 "), Step::Expr(operand)]);
            }
            Expr::Binary(op, left, right) if self.exprs.get(at).is_call() && !self.ends_in_or(&runs) => {
                let op = Step::Text(operator(op));
                self.push(&[op, Step::Expr(left), Step::Text(" "), Step::Expr(right)]);
            }
            _ => self.push(&[Step::Expr(at)]),
        }
        for args in runs.into_iter().rev() {
            for &arg in self.list(args) {
                self.push(&[Step::Text(" "), Step::Expr(arg)]);
            }
        }
        self.push(&[Step::Text(")")]);
    }

    /// Whether the innermost call is `f or`, which is a call of its own.
    fn ends_in_or(&self, runs: &[Run]) -> bool {
        runs.last().is_some_and(|&args| self.is_or(args))
    }

    fn is_or(&self, args: Run) -> bool {
        let first = self.list(args).first().map(|&first| self.exprs.get(first));
        matches!(first, Some(Expr::Var(name)) if self.symbols.name(name) == b"or")
    }

    fn attr_path(&mut self, path: Run) {
        for (at, name) in path.range().map(|at| self.exprs.name(at)).enumerate() {
            if at > 0 {
                self.push(&[Step::Text(".")]);
            }
            match name {
                AttrName::Static(name) => self.push(&[Step::Name(name)]),
                AttrName::Dynamic(name) => {
                    self.push(&[Step::Text("\"${"), Step::Expr(name), Step::Text("}\"")])
                }
            }
        }
    }

    fn lambda(&mut self, lambda: Lambda) {
        use Step::{Expr as E, Name, Text as T};
        self.push(&[T("(")]);
        if let Some(formals) = lambda.formals {
            self.push(&[T("{ ")]);
            for (at, formal) in self.exprs.formals[formals.formals.range()].iter().enumerate() {
                self.push(&[T(if at > 0 { ", " } else { "" }), Name(formal.name)]);
                if let Some(default) = formal.default {
                    self.push(&[T(" ? "), E(default)]);
                }
            }
            if formals.ellipsis {
                self.push(&[T(if formals.formals.len > 0 { ", ..." } else { "..." })]);
            }
            self.push(&[T(if lambda.arg.is_some() { " } @ " } else { " }" })]);
        }
        self.todo.extend(lambda.arg.map(Name));
        self.push(&[T(": "), E(lambda.body), T(")")]);
    }

    fn bindings(&mut self, set: AttrSet) {
        use Step::{Expr as E, Name, Text as T};
        let exprs = self.exprs;
        let attrs = &exprs.attrs[set.attrs.range()];
        let mut inherited =
            attrs.iter().filter(|attr| matches!(attr.value(), AttrValue::Inherited(_))).peekable();
        if inherited.peek().is_some() {
            self.push(&[T("inherit")]);
            for attr in inherited {
                self.push(&[T(" "), Name(attr.name)]);
            }
            self.push(&[T("; ")]);
        }
        let mut from: Vec<(u32, Symbol)> = Vec::new();
        for attr in attrs {
            if let AttrValue::InheritedFrom(source) = attr.value() {
                from.push((source, attr.name));
            }
        }
        from.sort_by_key(|&(source, _)| source);
        for names in from.chunk_by(|a, b| a.0 == b.0) {
            let source = self.list(set.sources)[names[0].0 as usize];
            self.push(&[T("inherit ("), E(source), T(")")]);
            for &(_, name) in names {
                self.push(&[T(" "), Name(name)]);
            }
            self.push(&[T("; ")]);
        }
        for attr in attrs {
            if let AttrValue::Plain(value) = attr.value() {
                self.push(&[Name(attr.name), T(" = "), E(value), T("; ")]);
            }
        }
        for dynamic in &exprs.dynamics[set.dynamics.range()] {
            self.push(&[T("\"${"), E(dynamic.name), T("}\" = "), E(dynamic.value), T("; ")]);
        }
    }

    /// A path as CppNix keeps it: absolute, without `.` and `..`, but with a slash before an interpolation.
    fn path(&mut self, text: &[u8]) {
        if let Some(rest) = text.strip_prefix(b"~") {
            self.out.extend_from_slice(self.places.home);
            self.out.extend_from_slice(rest);
            return;
        }
        let base = if text.starts_with(b"/") { b"" } else { self.places.base };
        let mut names: Vec<&[u8]> = Vec::new();
        for name in base.split(|&byte| byte == b'/').chain(text.split(|&byte| byte == b'/')) {
            match name {
                b"" | b"." => {}
                b".." => drop(names.pop()),
                _ => names.push(name),
            }
        }
        for name in &names {
            self.out.push(b'/');
            self.out.extend_from_slice(name);
        }
        if names.is_empty() {
            self.out.push(b'/');
        }
        if text.len() > 1 && text.ends_with(b"/") {
            self.out.push(b'/');
        }
    }
}

fn operator(op: BinOp) -> &'static str {
    match op {
        BinOp::Eq => " == ",
        BinOp::NotEq => " != ",
        BinOp::And => " && ",
        BinOp::Or => " || ",
        BinOp::Implies => " -> ",
        BinOp::Update => " // ",
        BinOp::ConcatLists => " ++ ",
        BinOp::Less => "__lessThan ",
        BinOp::Sub => "__sub ",
        BinOp::Mul => "__mul ",
        BinOp::Div => "__div ",
    }
}
