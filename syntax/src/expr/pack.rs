//! The tree in words, to be kept and read again by another process.

use super::*;
use crate::words::{NONE, Reader, Words, Writer, of_name, to_name};

impl Exprs {
    /// Adds the tree to `to`, all but what only its parser needs.
    pub fn pack(&self, to: &mut Writer) {
        to.table(&self.nodes);
        to.table(&self.pos);
        to.table(&self.operand_starts);
        to.text(&self.text);
        to.table(&self.lists);
        to.table(&self.parts);
        to.table(&self.selects);
        to.table(&self.names);
        to.table(&self.lambdas);
        to.table(&self.formals);
        to.table(&self.sets);
        to.table(&self.rests);
        to.table(&self.attrs);
        to.table(&self.dynamics);
        to.table(&self.docs);
        to.table(&self.lints);
        to.word(self.root.map_or(NONE, |root| root.0));
    }

    /// The tree that [`Exprs::pack`] added. `None` if what is there is none.
    pub fn unpack(from: &mut Reader<'_>) -> Option<Exprs> {
        let exprs = Exprs {
            nodes: from.table()?,
            pos: from.table()?,
            starts: Vec::new(),
            operand_starts: from.table()?,
            text: from.text()?.to_vec(),
            lists: from.table()?,
            parts: from.table()?,
            selects: from.table()?,
            names: from.table()?,
            lambdas: from.table()?,
            formals: from.table()?,
            sets: from.table()?,
            rests: from.table()?,
            attrs: from.table()?,
            dynamics: from.table()?,
            docs: from.table()?,
            lints: from.table()?,
            root: to_id(from.word()?),
        };
        (exprs.nodes.len() == exprs.pos.len()).then_some(exprs)
    }
}

const OPERATORS: [BinOp; 11] = [
    BinOp::Eq,
    BinOp::NotEq,
    BinOp::And,
    BinOp::Or,
    BinOp::Implies,
    BinOp::Update,
    BinOp::ConcatLists,
    BinOp::Less,
    BinOp::Sub,
    BinOp::Mul,
    BinOp::Div,
];

const LINTS: [LintKind; 5] =
    [LintKind::Uri, LintKind::AbsolutePath, LintKind::HomePath, LintKind::ShortPath, LintKind::Or];

/// Where the second number of the first word of a node begins, behind its sort.
const SECOND: u32 = 8;

fn of_id(id: Option<ExprId>) -> u32 {
    id.map_or(NONE, |id| id.0)
}

fn to_id(word: u32) -> Option<ExprId> {
    (word != NONE).then_some(ExprId(word))
}

/// A number of eight bytes as two words, the lower one first.
fn halves(n: u64) -> [u32; 2] {
    [n as u32, (n >> 32) as u32]
}

fn whole(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

impl Words<3> for Expr {
    fn words(&self) -> [u32; 3] {
        let pair = |sort: u32, [a, b]: [u32; 2]| [sort, a, b];
        let run = |sort: u32, run: Run| [sort, run.start, run.len];
        match *self {
            Expr::Int(Number(n)) => pair(0, halves(n as u64)),
            Expr::Float(Number(n)) => pair(1, halves(n.to_bits())),
            Expr::Str(text) => run(2, text),
            Expr::Path(text) => run(3, text),
            Expr::SearchPath(text) => run(4, text),
            Expr::Var(name) => [5, name.0, 0],
            Expr::CurPos => [6, 0, 0],
            Expr::Interpolation(parts) => run(7, parts),
            Expr::PathInterpolation(parts) => run(8, parts),
            Expr::Plus(a, b) => [9, a.0, b.0],
            Expr::Binary(op, a, b) => [10 | (op as u32) << SECOND, a.0, b.0],
            Expr::Not(a) => [11, a.0, 0],
            Expr::Negate(a) => [12, a.0, 0],
            Expr::Select(at) => [13, at, 0],
            Expr::HasAttr(at) => [14, at, 0],
            Expr::Call(f, args) => [15 | args.run().len << SECOND, f.0, args.run().start],
            Expr::Lambda(at) => [16, at, 0],
            Expr::AttrSet(at) => [17, at, 0],
            Expr::Let(at, body) => [18, at, body.0],
            Expr::List(items) => run(19, items),
            Expr::With(a, b) => [20, a.0, b.0],
            Expr::If(at) => [21, at, 0],
            Expr::Assert(a, b) => [22, a.0, b.0],
        }
    }

    fn from_words([first, a, b]: [u32; 3], names: &[Symbol]) -> Option<Expr> {
        let second = first >> SECOND;
        let (run, left, right) = (Run { start: a, len: b }, ExprId(a), ExprId(b));
        Some(match first & ((1 << SECOND) - 1) {
            0 => Expr::Int(Number(whole(a, b) as i64)),
            1 => Expr::Float(Number(f64::from_bits(whole(a, b)))),
            2 => Expr::Str(run),
            3 => Expr::Path(run),
            4 => Expr::SearchPath(run),
            5 => Expr::Var(*names.get(a as usize)?),
            6 => Expr::CurPos,
            7 => Expr::Interpolation(run),
            8 => Expr::PathInterpolation(run),
            9 => Expr::Plus(left, right),
            10 => Expr::Binary(*OPERATORS.get(second as usize)?, left, right),
            11 => Expr::Not(left),
            12 => Expr::Negate(left),
            13 => Expr::Select(a),
            14 => Expr::HasAttr(a),
            15 => Expr::Call(left, Args { start: b, len: second.try_into().ok()? }),
            16 => Expr::Lambda(a),
            17 => Expr::AttrSet(a),
            18 => Expr::Let(a, right),
            19 => Expr::List(run),
            20 => Expr::With(left, right),
            21 => Expr::If(a),
            22 => Expr::Assert(left, right),
            _ => return None,
        })
    }
}

impl Words<1> for ExprId {
    fn words(&self) -> [u32; 1] {
        [self.0]
    }

    fn from_words([id]: [u32; 1], _: &[Symbol]) -> Option<ExprId> {
        Some(ExprId(id))
    }
}

impl Words<2> for Run {
    fn words(&self) -> [u32; 2] {
        [self.start, self.len]
    }

    fn from_words([start, len]: [u32; 2], _: &[Symbol]) -> Option<Run> {
        Some(Run { start, len })
    }
}

impl Words<4> for [Run; 2] {
    fn words(&self) -> [u32; 4] {
        let [a, b] = *self;
        [a.start, a.len, b.start, b.len]
    }

    fn from_words([a, n, b, m]: [u32; 4], _: &[Symbol]) -> Option<[Run; 2]> {
        Some([Run { start: a, len: n }, Run { start: b, len: m }])
    }
}

/// What [`Exprs::operand_starts`] has of one node.
impl Words<3> for (ExprId, [Offset; 2]) {
    fn words(&self) -> [u32; 3] {
        let (id, [left, right]) = *self;
        [id.0, left, right]
    }

    fn from_words([id, left, right]: [u32; 3], _: &[Symbol]) -> Option<(ExprId, [Offset; 2])> {
        Some((ExprId(id), [left, right]))
    }
}

impl Words<2> for Part {
    fn words(&self) -> [u32; 2] {
        [self.expr.0, self.pos]
    }

    fn from_words([expr, pos]: [u32; 2], _: &[Symbol]) -> Option<Part> {
        Some(Part { expr: ExprId(expr), pos })
    }
}

impl Words<4> for Select {
    fn words(&self) -> [u32; 4] {
        [self.base.0, self.path.start, self.path.len, of_id(self.default)]
    }

    fn from_words([base, start, len, default]: [u32; 4], _: &[Symbol]) -> Option<Select> {
        Some(Select { base: ExprId(base), path: Run { start, len }, default: to_id(default) })
    }
}

/// A piece of an attribute path.
impl Words<1> for Packed {
    fn words(&self) -> [u32; 1] {
        [self.0]
    }

    fn from_words([word]: [u32; 1], names: &[Symbol]) -> Option<Packed> {
        Some(match Packed(word).unpack() {
            (0, name) => Packed::new(0, names.get(name as usize)?.0),
            _ => Packed(word),
        })
    }
}

impl Words<7> for Lambda {
    fn words(&self) -> [u32; 7] {
        let (start, len) = self.formals.map_or((0, NONE), |Formals { formals, ellipsis }| {
            (formals.start, formals.len << 1 | u32::from(ellipsis))
        });
        let doc = self.doc.unwrap_or(Run { start: 0, len: NONE });
        [of_name(self.arg), start, len, self.body.0, of_name(self.name), doc.start, doc.len]
    }

    fn from_words([arg, start, len, body, name, doc, doc_len]: [u32; 7], names: &[Symbol]) -> Option<Lambda> {
        Some(Lambda {
            arg: to_name(arg, names)?,
            formals: (len != NONE)
                .then_some(Formals { formals: Run { start, len: len >> 1 }, ellipsis: len & 1 == 1 }),
            body: ExprId(body),
            name: to_name(name, names)?,
            doc: (doc_len != NONE).then_some(Run { start: doc, len: doc_len }),
        })
    }
}

impl Words<3> for Formal {
    fn words(&self) -> [u32; 3] {
        [self.name.0, self.pos, of_id(self.default)]
    }

    fn from_words([name, pos, default]: [u32; 3], names: &[Symbol]) -> Option<Formal> {
        Some(Formal { name: *names.get(name as usize)?, pos, default: to_id(default) })
    }
}

impl Words<3> for PackedSet {
    fn words(&self) -> [u32; 3] {
        [self.first, self.len, self.rest]
    }

    fn from_words([first, len, rest]: [u32; 3], _: &[Symbol]) -> Option<PackedSet> {
        Some(PackedSet { first, len, rest })
    }
}

impl Words<3> for Attr {
    fn words(&self) -> [u32; 3] {
        [self.name.0, self.pos, self.value.0]
    }

    fn from_words([name, pos, value]: [u32; 3], names: &[Symbol]) -> Option<Attr> {
        Some(Attr { name: *names.get(name as usize)?, pos, value: Packed(value) })
    }
}

impl Words<3> for Dynamic {
    fn words(&self) -> [u32; 3] {
        [self.name.0, self.value.0, self.pos]
    }

    fn from_words([name, value, pos]: [u32; 3], _: &[Symbol]) -> Option<Dynamic> {
        Some(Dynamic { name: ExprId(name), value: ExprId(value), pos })
    }
}

/// A doc comment and where what it is of stands.
impl Words<3> for (Offset, Run) {
    fn words(&self) -> [u32; 3] {
        let (pos, comment) = *self;
        [pos, comment.start, comment.len]
    }

    fn from_words([pos, start, len]: [u32; 3], _: &[Symbol]) -> Option<(Offset, Run)> {
        Some((pos, Run { start, len }))
    }
}

impl Words<3> for Lint {
    fn words(&self) -> [u32; 3] {
        [self.kind as u32, self.start, self.end]
    }

    fn from_words([kind, start, end]: [u32; 3], _: &[Symbol]) -> Option<Lint> {
        Some(Lint { kind: *LINTS.get(kind as usize)?, start, end })
    }
}
