//! The sink that builds the compact tree, and decides what CppNix decides while parsing.
//!
//! What is not complete yet (list elements, arguments, names of a path, definitions of a set) waits on one stack
//! per kind; the grammar's values are marks into those stacks, or nodes, or names.

mod bindings;
mod strings;

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::expr::{
    Args, AttrName, AttrValue, BinOp, Expr, ExprId, Exprs, Formal, Formals, Lambda, LintKind, NO_POS, Offset,
    Part, Run, Select,
};
use crate::kind::SyntaxKind;
use crate::lexer::Token;
use crate::parser::{Rule, Sink, Slot};
use crate::symbol::{Symbol, Symbols};
use bindings::Bindings;
use strings::IndPart;

/// What a symbol of the grammar means: a node, a name, a mark into a stack; its rule knows which.
#[derive(Clone, Copy)]
pub(crate) struct Value(u32);

/// Set in the value of an application that is still being read: the rest is where in `pending` its function is.
const OPEN_CALL: u32 = 1 << 31;

/// A call in parentheses takes more arguments itself, as in CppNix; but if it has this many they are not copied.
const MAX_COPIED_ARGS: u32 = 16;

impl Value {
    const NOTHING: Value = Value(0);

    fn expr(self) -> ExprId {
        ExprId(self.0)
    }

    fn mark(self) -> usize {
        self.0 as usize
    }
}

type Arg = Slot<Value>;

/// Builds [`Exprs`].
pub(crate) struct Compact<'a> {
    source: &'a [u8],
    symbols: &'a mut Symbols,
    exprs: Exprs,
    /// List elements, and the functions and arguments of calls.
    pending: Vec<ExprId>,
    names: Vec<AttrName>,
    parts: Vec<Part>,
    ind_parts: Vec<IndPart>,
    formals: Vec<Formal>,
    /// The names of an `inherit` that is being read.
    inherited: Vec<(Symbol, Offset)>,
    bindings: Bindings,
    /// The doc comment before the next token.
    doc: Option<Run>,
    /// The tokens that have doc comments, in their order.
    docs: Vec<(Offset, Run)>,
    or: Symbol,
    body: Symbol,
    cur_pos: Symbol,
}

impl<'a> Compact<'a> {
    pub(crate) fn new(source: &'a [u8], symbols: &'a mut Symbols) -> Compact<'a> {
        let (or, body, cur_pos) =
            (symbols.intern(b"or"), symbols.intern(b"body"), symbols.intern(b"__curPos"));
        Compact {
            source,
            symbols,
            exprs: Exprs::with_capacity(source.len()),
            pending: Vec::new(),
            names: Vec::new(),
            parts: Vec::new(),
            ind_parts: Vec::new(),
            formals: Vec::new(),
            inherited: Vec::new(),
            bindings: Bindings::default(),
            doc: None,
            docs: Vec::new(),
            or,
            body,
            cur_pos,
        }
    }

    /// The tree, once the parser is done.
    pub(crate) fn finish(mut self, root: Option<Value>) -> Exprs {
        self.exprs.root = root.map(Value::expr);
        self.exprs.docs.append(&mut self.docs);
        self.exprs.docs.sort_by_key(|&(pos, _)| pos);
        self.exprs.keep_operand_starts();
        self.exprs
    }

    /// The error to report when the parser stopped with `error`: definitions are checked when their set ends, so
    /// those of the sets that are still open may hold an error that CppNix would have met before.
    pub(crate) fn first_error(&mut self, error: SyntaxError) -> SyntaxError {
        self.bindings.check_open(&mut self.exprs, self.symbols).err().unwrap_or(error)
    }

    fn add(&mut self, expr: Expr, pos: Offset, start: Offset) -> Value {
        let id = self.exprs.nodes.len() as u32;
        self.exprs.nodes.push(expr);
        self.exprs.pos.push(pos);
        self.exprs.starts.push(start);
        Value(id)
    }

    fn slice(&self, token: Token) -> &'a [u8] {
        &self.source[token.start as usize..token.end as usize]
    }

    fn text(&mut self, text: &[u8]) -> Run {
        let start = self.exprs.text.len();
        self.exprs.text.extend_from_slice(text);
        Run { start: start as u32, len: text.len() as u32 }
    }

    /// Moves what waits above `mark` into the tree.
    fn take_pending(&mut self, mark: usize) -> Run {
        let run = Run { start: self.exprs.lists.len() as u32, len: (self.pending.len() - mark) as u32 };
        self.exprs.lists.extend(self.pending.drain(mark..));
        run
    }

    fn lambda(
        &mut self,
        start: Offset,
        arg: Option<Symbol>,
        formals: Option<Formals>,
        body: ExprId,
    ) -> Value {
        let index = self.exprs.lambdas.len() as u32;
        self.exprs.lambdas.push(Lambda { arg, formals, body, name: None, doc: None });
        let value = self.add(Expr::Lambda(index), start, start);
        if let Some(doc) = self.doc_at(start) {
            self.document(value.expr(), doc);
        }
        value
    }

    /// The doc comment of the token at `pos`.
    fn doc_at(&self, pos: Offset) -> Option<Run> {
        let at = self.docs.binary_search_by_key(&pos, |&(pos, _)| pos).ok()?;
        Some(self.docs[at].1)
    }

    /// Gives a lambda its doc comment, and the lambdas that are its body, up to one that has its own.
    fn document(&mut self, mut at: ExprId, doc: Run) {
        while let Expr::Lambda(index) = self.exprs.get(at) {
            let lambda = &mut self.exprs.lambdas[index as usize];
            if lambda.doc.is_some() {
                return;
            }
            lambda.doc = Some(doc);
            at = lambda.body;
        }
    }

    /// Gives a lambda its name, and the lambdas that are its body.
    fn name(&mut self, mut at: ExprId, name: Symbol) {
        while let Expr::Lambda(index) = self.exprs.get(at) {
            let lambda = &mut self.exprs.lambdas[index as usize];
            lambda.name = Some(name);
            at = lambda.body;
        }
    }

    /// `function ':' …` and its kin: the formals are those above the mark in `set`.
    fn pattern(
        &mut self,
        start: Offset,
        set: Value,
        arg: Option<Symbol>,
        body: Value,
    ) -> Result<Value, SyntaxError> {
        let (mark, ellipsis) = ((set.0 >> 1) as usize, set.0 & 1 == 1);
        let formals = &mut self.formals[mark..];
        check_formals(formals, start, arg, self.symbols)?;
        let symbols = &*self.symbols;
        formals.sort_unstable_by(|a, b| symbols.name(a.name).cmp(symbols.name(b.name)));
        let run = Run { start: self.exprs.formals.len() as u32, len: formals.len() as u32 };
        self.exprs.formals.extend(self.formals.drain(mark..));
        Ok(self.lambda(start, arg, Some(Formals { formals: run, ellipsis }), body.expr()))
    }

    /// The value of a pattern: a mark, and whether it ends in `...`.
    fn formal_set(mark: usize, ellipsis: bool) -> Value {
        Value((mark as u32) << 1 | u32::from(ellipsis))
    }

    /// The name that a token is. It is interned only where it is used, as in CppNix, by whose order of names sets are
    /// forced deeply.
    fn named(&mut self, token: &Arg) -> Symbol {
        self.symbols.intern(&self.source[token.start as usize..token.value.0 as usize])
    }

    fn formal(&mut self, name: &Arg, default: Option<ExprId>) -> Value {
        let formal = Formal { name: self.named(name), pos: name.start, default };
        self.formals.push(formal);
        Value(self.formals.len() as u32 - 1)
    }

    fn binary(&mut self, op: BinOp, left: &Arg, pos: Offset, right: &Arg) -> Value {
        let start = left.start.min(right.start);
        self.add(Expr::Binary(op, left.value.expr(), right.value.expr()), pos, start)
    }

    /// An operator that has its position in CppNix from nothing but the operand.
    fn around(&mut self, expr: Expr, operand: Value, start: Offset) -> Value {
        let pos = self.exprs.pos(operand.expr());
        self.add(expr, pos, start)
    }

    fn push_arg(&mut self, function: &Arg, arg: &Arg) -> Value {
        self.lint_or(arg);
        let mut value = function.value;
        if value.0 & OPEN_CALL == 0 {
            value = Value(self.pending.len() as u32 | OPEN_CALL);
            self.pending.push(function.value.expr());
        }
        self.pending.push(arg.value.expr());
        value
    }

    /// Makes the node of a call whose arguments are complete.
    fn end_call(&mut self, call: &Arg) -> Value {
        if call.value.0 & OPEN_CALL == 0 {
            return call.value;
        }
        let mark = (call.value.0 & !OPEN_CALL) as usize;
        let mut args = self.take_pending(mark + 1);
        let mut function = self.pending.pop().expect("a call's function is below its arguments");
        while args.len > Args::MAX {
            let first = Run { len: Args::MAX, ..args };
            function = self.call(function, first, call.start, call.start).expr();
            args = Run { start: args.start + Args::MAX, len: args.len - Args::MAX };
        }
        self.call(function, args, call.start, call.start)
    }

    /// A call at `pos`, unless the function is itself a call: CppNix adds to that one, and keeps its position.
    fn call(&mut self, function: ExprId, args: Run, pos: Offset, start: Offset) -> Value {
        match self.exprs.get(function) {
            Expr::Call(inner, before)
                if before.run().len <= MAX_COPIED_ARGS && args.len <= Args::MAX - MAX_COPIED_ARGS =>
            {
                let before = before.run();
                let run = Run { start: self.exprs.lists.len() as u32, len: before.len + args.len };
                self.exprs.lists.extend_from_within(before.range());
                self.exprs.lists.extend_from_within(args.range());
                self.exprs.nodes[function.0 as usize] = Expr::Call(inner, Args::new(run));
                self.exprs.starts[function.0 as usize] = start;
                Value(function.0)
            }
            inner => {
                let pos = if inner.is_call() { self.exprs.pos(function) } else { pos };
                self.add(Expr::Call(function, Args::new(args)), pos, start)
            }
        }
    }

    fn call_one(&mut self, function: &Arg, arg: &Arg, pos: Offset, start: Offset) -> Value {
        let args = Run { start: self.exprs.lists.len() as u32, len: 1 };
        self.exprs.lists.push(arg.value.expr());
        self.call(function.value.expr(), args, pos, start)
    }

    fn select(&mut self, base: &Arg, path: Value, default: Option<ExprId>) -> u32 {
        let mark = path.mark();
        let path = self.exprs.add_path(self.names.drain(mark..));
        self.exprs.selects.push(Select { base: base.value.expr(), path, default });
        self.exprs.selects.len() as u32 - 1
    }

    fn push_name(&mut self, name: AttrName) -> Value {
        self.names.push(name);
        Value(self.names.len() as u32 - 1)
    }

    /// A string or `${e}` as a name: static if CppNix sees a string, whatever stands around it.
    fn string_name(&mut self, name: Value) -> AttrName {
        match self.exprs.get(name.expr()) {
            Expr::Str(text) => AttrName::Static(self.symbols.intern(self.exprs.bytes(text))),
            _ => AttrName::Dynamic(name.expr()),
        }
    }

    fn bind(&mut self, path: &Arg, expr: &Arg) {
        let (mark, value) = (path.value.mark(), expr.value.expr());
        if let Some(&AttrName::Static(name)) = self.names.last() {
            self.name(value, name);
        }
        if let Some(doc) = self.doc_at(path.start) {
            self.document(value, doc);
            self.exprs.docs.push((expr.start, doc));
        }
        self.bindings.bind(&self.names[mark..], path.start, value);
        self.names.truncate(mark);
    }

    /// `inherit …;`: the names above `mark`.
    fn inherit(&mut self, mark: usize) {
        for at in mark..self.inherited.len() {
            let (name, pos) = self.inherited[at];
            let var = self.add(Expr::Var(name), pos, pos).expr();
            self.bindings.inherit(name, pos, AttrValue::Inherited(var));
        }
        self.inherited.truncate(mark);
    }

    /// `inherit (e) …;`: the names above `mark`.
    fn inherit_from(&mut self, source: ExprId, mark: usize) {
        let source = self.bindings.source(source);
        for (name, pos) in self.inherited.drain(mark..) {
            self.bindings.inherit(name, pos, AttrValue::InheritedFrom(source));
        }
    }

    fn inherit_name(&mut self, names: Value, name: Symbol, pos: Offset) -> Value {
        self.inherited.push((name, pos));
        names
    }

    /// CppNix warns of `f or` where it would be read otherwise if `or` were a name like others.
    fn lint_or(&mut self, arg: &Arg) {
        let id = arg.value.expr();
        let Expr::Call(_, args) = self.exprs.get(id) else { return };
        let &[or] = &self.exprs.lists[args.run().range()] else { return };
        if self.exprs.get(or) == Expr::Var(self.or) && self.exprs.pos(id) == arg.start {
            let end = self.exprs.starts[or.0 as usize] + "or".len() as Offset;
            self.lint(LintKind::Or, arg.start, end);
        }
    }

    fn set(&mut self, recursive: bool, start: Offset) -> Result<Value, SyntaxError> {
        let set = self.bindings.close(recursive, &mut self.exprs, self.symbols)?;
        Ok(self.add(Expr::AttrSet(set), start, start))
    }

    fn let_in(&mut self, start: Offset, body: Value) -> Result<Value, SyntaxError> {
        let set = self.bindings.close(true, &mut self.exprs, self.symbols)?;
        if self.exprs.set(set).dynamics.len > 0 {
            return Err(SyntaxError { offset: start, kind: SyntaxErrorKind::DynamicInLet });
        }
        Ok(self.add(Expr::Let(set, body.expr()), NO_POS, start))
    }

    fn let_body(&mut self, start: Offset) -> Result<Value, SyntaxError> {
        let base = self.set(true, start)?.expr();
        let path = self.exprs.add_path([AttrName::Static(self.body)]);
        self.exprs.selects.push(Select { base, path, default: None });
        Ok(self.add(Expr::Select(self.exprs.selects.len() as u32 - 1), NO_POS, start))
    }

    fn list(&mut self, mark: usize, start: Offset) -> Value {
        let run = self.take_pending(mark);
        let first = self.exprs.lists[run.range()].first();
        let pos = first.map_or(NO_POS, |&first| self.exprs.pos(first));
        self.add(Expr::List(run), pos, start)
    }

    fn branches(&mut self, start: Offset, branches: [&Arg; 3]) -> Value {
        let index = self.exprs.lists.len() as u32;
        self.exprs.lists.extend(branches.map(|branch| branch.value.expr()));
        self.add(Expr::If(index), start, start)
    }
}

/// Refuses a name that comes twice; of several the one that CppNix names, whose symbol is the oldest.
fn check_formals(
    formals: &mut [Formal],
    start: Offset,
    arg: Option<Symbol>,
    symbols: &Symbols,
) -> Result<(), SyntaxError> {
    let duplicate = |name, offset| {
        let kind = SyntaxErrorKind::DuplicateFormal(crate::show::name(symbols.name(name)).into());
        Err(SyntaxError { offset, kind })
    };
    formals.sort_unstable_by_key(|formal| (formal.name, formal.pos));
    if let Some(pair) = formals.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return duplicate(pair[1].name, pair[1].pos);
    }
    match arg {
        Some(arg) if formals.iter().any(|formal| formal.name == arg) => duplicate(arg, start),
        _ => Ok(()),
    }
}

impl Sink for Compact<'_> {
    type Value = Value;

    const TOLERANT: bool = false;

    fn trivia(&mut self, token: Token) {
        if token.kind == SyntaxKind::DocComment {
            self.doc = Some(Run { start: token.start, len: token.end - token.start });
        }
    }

    fn token(&mut self, token: Token) -> Value {
        if let Some(doc) = self.doc.take() {
            self.docs.push((token.start, doc));
        }
        match token.kind {
            SyntaxKind::Ident | SyntaxKind::OrKw | SyntaxKind::IndText => Value(token.end),
            SyntaxKind::StrText
            | SyntaxKind::Int
            | SyntaxKind::Float
            | SyntaxKind::Path
            | SyntaxKind::HomePath
            | SyntaxKind::SearchPath
            | SyntaxKind::Uri => self.literal(token),
            _ => Value::NOTHING,
        }
    }

    fn reduce(&mut self, rule: Rule, args: &[Arg]) -> Result<Value, SyntaxError> {
        let start = args.first().map_or(0, |arg| arg.start);
        Ok(match (rule, args) {
            (Rule::File, [expr]) => expr.value,

            (Rule::Lambda, [arg, _, body]) => {
                let name = self.named(arg);
                self.lambda(start, Some(name), None, body.value.expr())
            }
            (Rule::LambdaFormals, [set, _, body]) => self.pattern(start, set.value, None, body.value)?,
            (Rule::LambdaFormalsAt, [set, _, arg, _, body])
            | (Rule::LambdaAtFormals, [arg, _, set, _, body]) => {
                let name = self.named(arg);
                self.pattern(start, set.value, Some(name), body.value)?
            }
            (Rule::Assert, [_, condition, _, body]) => {
                self.add(Expr::Assert(condition.value.expr(), body.value.expr()), start, start)
            }
            (Rule::With, [_, scope, _, body]) => {
                self.add(Expr::With(scope.value.expr(), body.value.expr()), start, start)
            }
            (Rule::Let, [_, _, _, body]) => self.let_in(start, body.value)?,
            (Rule::If, [_, condition, _, then, _, other]) => self.branches(start, [condition, then, other]),

            (Rule::PipeFrom, [function, op, arg]) | (Rule::PipeInto, [arg, op, function]) => {
                self.call_one(function, arg, op.start, start)
            }

            (Rule::Not, [_, operand]) => self.around(Expr::Not(operand.value.expr()), operand.value, start),
            (Rule::Negate, [_, operand]) => self.add(Expr::Negate(operand.value.expr()), start, start),
            (Rule::EqEq, [left, _, right]) => self.binary(BinOp::Eq, left, NO_POS, right),
            (Rule::NotEq, [left, _, right]) => self.binary(BinOp::NotEq, left, NO_POS, right),
            (Rule::Less, [left, op, right]) => self.binary(BinOp::Less, left, op.start, right),
            (Rule::Greater, [left, op, right]) => self.binary(BinOp::Less, right, op.start, left),
            (Rule::LessEq, [left, op, right]) => {
                let less = self.binary(BinOp::Less, right, op.start, left);
                self.around(Expr::Not(less.expr()), less, start)
            }
            (Rule::GreaterEq, [left, op, right]) => {
                let less = self.binary(BinOp::Less, left, op.start, right);
                self.around(Expr::Not(less.expr()), less, start)
            }
            (Rule::And, [left, op, right]) => self.binary(BinOp::And, left, op.start, right),
            (Rule::Or, [left, op, right]) => self.binary(BinOp::Or, left, op.start, right),
            (Rule::Implies, [left, op, right]) => self.binary(BinOp::Implies, left, op.start, right),
            (Rule::Update, [left, op, right]) => self.binary(BinOp::Update, left, op.start, right),
            (Rule::HasAttr, [base, _, path]) => {
                let select = self.select(base, path.value, None);
                self.around(Expr::HasAttr(select), base.value, start)
            }
            (Rule::Plus, [left, op, right]) => {
                self.add(Expr::Plus(left.value.expr(), right.value.expr()), op.start, start)
            }
            (Rule::Minus, [left, op, right]) => self.binary(BinOp::Sub, left, op.start, right),
            (Rule::Times, [left, op, right]) => self.binary(BinOp::Mul, left, op.start, right),
            (Rule::Divide, [left, op, right]) => self.binary(BinOp::Div, left, op.start, right),
            (Rule::Concat, [left, op, right]) => self.binary(BinOp::ConcatLists, left, op.start, right),

            (Rule::Call, [function, arg]) => self.push_arg(function, arg),
            (Rule::CallHead, [function]) => function.value,
            (Rule::CallEnd, [call]) => self.end_call(call),

            (Rule::Select, [base, _, path]) => {
                let select = self.select(base, path.value, None);
                self.add(Expr::Select(select), start, start)
            }
            (Rule::SelectOr, [base, _, path, _, default]) => {
                self.lint_or(default);
                let select = self.select(base, path.value, Some(default.value.expr()));
                self.add(Expr::Select(select), start, start)
            }
            (Rule::CallOr, [function, or]) => {
                let or = self.add(Expr::Var(self.or), start, or.start).expr();
                let args = Run { start: self.exprs.lists.len() as u32, len: 1 };
                self.exprs.lists.push(or);
                self.add(Expr::Call(function.value.expr(), Args::new(args)), start, start)
            }

            (Rule::Var, [name]) => {
                let name = self.named(name);
                self.add(if name == self.cur_pos { Expr::CurPos } else { Expr::Var(name) }, start, start)
            }
            (Rule::String, [_, string, _]) | (Rule::Paren, [_, string, _]) => {
                self.exprs.starts[string.value.expr().0 as usize] = start;
                string.value
            }
            (Rule::IndString, [_, parts, _]) => self.ind_string(parts.value.mark(), start),
            (Rule::Path, [path, _]) => path.value,
            (Rule::PathInterpolation, [path, parts, _]) => self.path(path, parts.value.mark()),
            (Rule::LetBody, _) => self.let_body(start)?,
            (Rule::RecSet, _) => self.set(true, start)?,
            (Rule::Set, _) => self.set(false, start)?,
            (Rule::EmptySet, _) => {
                self.bindings.open();
                self.set(false, start)?
            }
            (Rule::List, [_, list, _]) => self.list(list.value.mark(), start),

            (Rule::Interpolation, [parts]) => self.interpolation(parts.value.mark(), start),
            (Rule::EmptyString, _) => self.add(Expr::Str(Run { start: 0, len: 0 }), NO_POS, start),
            (Rule::PartText, [parts, text]) => {
                self.push_part(text);
                parts.value
            }
            (Rule::PartExpr, [parts, open, expr, _]) => {
                self.parts.push(Part { expr: expr.value.expr(), pos: open.start });
                parts.value
            }
            (Rule::FirstExpr, [open, expr, _]) => {
                self.parts.push(Part { expr: expr.value.expr(), pos: open.start });
                Value(self.parts.len() as u32 - 1)
            }
            (Rule::FirstTextExpr, [text, open, expr, _]) => {
                self.push_part(text);
                self.parts.push(Part { expr: expr.value.expr(), pos: open.start });
                Value(self.parts.len() as u32 - 2)
            }
            (Rule::IndPartText, [parts, text]) => {
                self.ind_parts.push(IndPart::Text { start: text.start, end: text.value.0 });
                parts.value
            }
            (Rule::IndPartExpr, [parts, open, expr, _]) => {
                self.ind_parts.push(IndPart::Expr(Part { expr: expr.value.expr(), pos: open.start }));
                parts.value
            }
            (Rule::IndPartsStart, _) => Value(self.ind_parts.len() as u32),

            (Rule::BindsStart, _) => {
                self.bindings.open();
                Value::NOTHING
            }
            (Rule::FirstBind, [path, _, expr, _]) => {
                self.bindings.open();
                self.bind(path, expr);
                Value::NOTHING
            }
            (Rule::Bind, [_, path, _, expr, _]) => {
                self.bind(path, expr);
                Value::NOTHING
            }
            (Rule::Inherit, [_, _, names, _]) => {
                self.inherit(names.value.mark());
                Value::NOTHING
            }
            (Rule::InheritFrom, [_, _, _, source, _, names, _]) => {
                self.inherit_from(source.value.expr(), names.value.mark());
                Value::NOTHING
            }
            (Rule::InheritStart, _) => Value(self.inherited.len() as u32),
            (Rule::InheritName, [names, name]) => {
                let symbol = self.named(name);
                self.inherit_name(names.value, symbol, name.start)
            }
            (Rule::InheritString, [names, name]) => match self.string_name(name.value) {
                AttrName::Static(symbol) => self.inherit_name(names.value, symbol, name.start),
                AttrName::Dynamic(_) => {
                    return Err(SyntaxError { offset: name.start, kind: SyntaxErrorKind::DynamicInInherit });
                }
            },

            (Rule::FirstName, [name]) => {
                let name = self.named(name);
                self.push_name(AttrName::Static(name))
            }
            (Rule::FirstString, [name]) => {
                let name = self.string_name(name.value);
                self.push_name(name)
            }
            (Rule::PathName, [path, _, name]) => {
                let name = self.named(name);
                self.push_name(AttrName::Static(name));
                path.value
            }
            (Rule::PathString, [path, _, name]) => {
                let name = self.string_name(name.value);
                self.push_name(name);
                path.value
            }
            (Rule::NameString, [_, string, _]) => string.value,
            (Rule::NameExpr, [_, expr, _]) => expr.value,

            (Rule::ListStart, _) => Value(self.pending.len() as u32),
            (Rule::ListItem, [list, item]) => {
                self.lint_or(item);
                self.pending.push(item.value.expr());
                list.value
            }

            (Rule::FormalsEllipsis, [_, formals, ..]) => Self::formal_set(formals.value.mark(), true),
            (Rule::Formals, [_, formals, ..]) | (Rule::FormalsComma, [_, formals, ..]) => {
                Self::formal_set(formals.value.mark(), false)
            }
            (Rule::OnlyEllipsis, _) => Self::formal_set(self.formals.len(), true),
            (Rule::NoFormals, _) => Self::formal_set(self.formals.len(), false),
            (Rule::Formal, [name]) => self.formal(name, None),
            (Rule::FormalDefault, [name, _, default]) => self.formal(name, Some(default.value.expr())),

            _ => unreachable!("grammar.txt gives {rule:?} another number of symbols"),
        })
    }

    fn skip(&mut self, _: Token) {}

    fn error(&mut self, _: SyntaxError) {}
}
