//! The lossless tree, for tools: every byte of the text is in it, whatever is wrong with the text.

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::expr::Offset;
use crate::kind::SyntaxKind;
use crate::lexer::{Lexer, Token};
use crate::parser::{Rule, Sink, Slot, parse};
use crate::symbol::Symbols;
use crate::{MAX_LEN, Options};
use rowan::{Checkpoint, GreenNodeBuilder};

/// Nix, as rowan knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Nix {}

impl rowan::Language for Nix {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        SyntaxKind::from_raw(raw.0)
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        rowan::SyntaxKind(kind as u16)
    }
}

/// A node of the lossless tree.
pub type SyntaxNode = rowan::SyntaxNode<Nix>;
/// A token of the lossless tree.
pub type SyntaxToken = rowan::SyntaxToken<Nix>;

/// How deep the lossless tree may be: rowan drops it by recursion. What is deeper has its tokens, but no nodes.
pub const MAX_DEPTH: u32 = 1000;

/// The lossless tree of a text, and what is wrong with it, in the order of the text.
///
/// Of what is wrong with the meaning of the text, as two definitions of an attribute, only the first is reported.
pub fn parse_lossless(source: &str, options: &Options) -> (SyntaxNode, Vec<SyntaxError>) {
    let diagnosis = diagnose(source, options);
    (diagnosis.tree, diagnosis.errors)
}

/// What [`diagnose`] finds.
#[derive(Debug)]
pub struct Diagnosis {
    /// The lossless tree.
    pub tree: SyntaxNode,
    /// What is wrong, in the order of the text.
    pub errors: Vec<SyntaxError>,
    /// What the parser did to go on after tokens that do not fit, in the order of the text.
    pub repairs: Vec<Repair>,
}

/// A change by which a text gets on after an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Repair {
    /// The offset of the error that it mends.
    pub error: Offset,
    /// What is to be left out; nothing if something is put in.
    pub start: Offset,
    /// Where that ends.
    pub end: Offset,
    /// What is put in; an identifier stands for an expression.
    pub put_in: Option<SyntaxKind>,
}

/// As [`parse_lossless`], with what would mend the errors.
pub fn diagnose(source: &str, options: &Options) -> Diagnosis {
    let mut tree = Tree::new(source);
    if source.len() > MAX_LEN {
        tree.error(SyntaxError { offset: 0, kind: SyntaxErrorKind::TooLong });
        return tree.finish();
    }
    let mut lexer = Lexer::tolerant(source.as_bytes(), options.pipe_operators);
    if let Err(error) = parse(&mut lexer, &mut tree) {
        tree.error(error);
    }
    tree.errors.append(&mut lexer.into_errors());
    tree.errors.extend(crate::parse(source.as_bytes(), &mut Symbols::new(), options).err());
    tree.errors.sort_by_key(|error| error.offset);
    tree.errors.dedup();
    tree.finish()
}

/// What a symbol of the grammar is in the tree.
#[derive(Clone, Copy)]
struct Part {
    start: Checkpoint,
    /// How deep its deepest node is.
    depth: u32,
}

/// Builds the lossless tree.
struct Tree<'a> {
    source: &'a str,
    builder: GreenNodeBuilder<'static>,
    /// Trivia that belong before the next token, but behind the nodes that end before it.
    waiting: Vec<Token>,
    /// Up to where the text is in the tree.
    done: usize,
    errors: Vec<SyntaxError>,
    repairs: Vec<Repair>,
    too_deep: bool,
}

impl<'a> Tree<'a> {
    fn new(source: &'a str) -> Tree<'a> {
        let mut builder = GreenNodeBuilder::new();
        builder.start_node(raw(SyntaxKind::File));
        Tree {
            source,
            builder,
            waiting: Vec::new(),
            done: 0,
            errors: Vec::new(),
            repairs: Vec::new(),
            too_deep: false,
        }
    }

    fn finish(mut self) -> Diagnosis {
        self.flush();
        // A NUL byte ends the text for CppNix.
        let rest = &self.source[self.done..];
        if !rest.is_empty() {
            self.builder.token(raw(SyntaxKind::Invalid), rest);
        }
        self.builder.finish_node();
        Diagnosis {
            tree: SyntaxNode::new_root(self.builder.finish()),
            errors: self.errors,
            repairs: self.repairs,
        }
    }

    fn repair(&mut self, start: Offset, end: Offset, put_in: Option<SyntaxKind>) {
        if let Some(error) = self.errors.last() {
            self.repairs.push(Repair { error: error.offset, start, end, put_in });
        }
    }

    fn flush(&mut self) {
        for at in 0..self.waiting.len() {
            self.push(self.waiting[at]);
        }
        self.waiting.clear();
    }

    fn push(&mut self, token: Token) {
        let text = &self.source[token.start as usize..token.end as usize];
        if !text.is_empty() {
            self.builder.token(raw(token.kind), text);
            self.done = token.end as usize;
        }
    }

    fn node(&mut self, kind: SyntaxKind, start: Checkpoint) {
        self.builder.start_node_at(start, raw(kind));
        self.builder.finish_node();
    }

    fn report_depth(&mut self, offset: u32) {
        if !self.too_deep {
            self.too_deep = true;
            self.errors.push(SyntaxError { offset, kind: SyntaxErrorKind::TooDeep });
        }
    }
}

fn raw(kind: SyntaxKind) -> rowan::SyntaxKind {
    rowan::SyntaxKind(kind as u16)
}

/// The node that a rule makes, and from which of its symbols on; the others only pass on what they have.
fn node(rule: Rule) -> Option<(SyntaxKind, usize)> {
    let (kind, from) = match rule {
        Rule::Lambda | Rule::LambdaFormals | Rule::LambdaFormalsAt | Rule::LambdaAtFormals => {
            (SyntaxKind::Lambda, 0)
        }
        Rule::Assert => (SyntaxKind::AssertExpr, 0),
        Rule::With => (SyntaxKind::WithExpr, 0),
        Rule::Let => (SyntaxKind::LetExpr, 0),
        Rule::If => (SyntaxKind::IfExpr, 0),
        Rule::Not | Rule::Negate => (SyntaxKind::UnaryExpr, 0),
        Rule::PipeFrom
        | Rule::PipeInto
        | Rule::EqEq
        | Rule::NotEq
        | Rule::Less
        | Rule::LessEq
        | Rule::Greater
        | Rule::GreaterEq
        | Rule::And
        | Rule::Or
        | Rule::Implies
        | Rule::Update
        | Rule::Plus
        | Rule::Minus
        | Rule::Times
        | Rule::Divide
        | Rule::Concat => (SyntaxKind::BinaryExpr, 0),
        Rule::HasAttr => (SyntaxKind::HasAttrExpr, 0),
        Rule::Call | Rule::CallOr => (SyntaxKind::CallExpr, 0),
        Rule::Select | Rule::SelectOr => (SyntaxKind::SelectExpr, 0),
        Rule::Var => (SyntaxKind::Var, 0),
        Rule::String => (SyntaxKind::StringExpr, 0),
        Rule::IndString => (SyntaxKind::IndStringExpr, 0),
        Rule::Path | Rule::PathInterpolation => (SyntaxKind::PathExpr, 0),
        Rule::Paren => (SyntaxKind::ParenExpr, 0),
        Rule::LetBody => (SyntaxKind::LetBodyExpr, 0),
        Rule::RecSet | Rule::Set | Rule::EmptySet => (SyntaxKind::SetExpr, 0),
        Rule::List => (SyntaxKind::ListExpr, 0),
        Rule::FirstExpr => (SyntaxKind::Interpolation, 0),
        Rule::FirstTextExpr | Rule::PartExpr | Rule::IndPartExpr => (SyntaxKind::Interpolation, 1),
        Rule::FirstBind => (SyntaxKind::Binding, 0),
        Rule::Bind => (SyntaxKind::Binding, 1),
        Rule::Inherit | Rule::InheritFrom => (SyntaxKind::InheritBinding, 1),
        Rule::FirstName | Rule::FirstString => (SyntaxKind::Name, 0),
        Rule::InheritName | Rule::InheritString => (SyntaxKind::Name, 1),
        Rule::PathName | Rule::PathString => (SyntaxKind::Name, 2),
        Rule::FormalsEllipsis | Rule::OnlyEllipsis | Rule::FormalsComma | Rule::Formals | Rule::NoFormals => {
            (SyntaxKind::Pattern, 0)
        }
        Rule::Formal | Rule::FormalDefault => (SyntaxKind::Formal, 0),
        Rule::File
        | Rule::CallEnd
        | Rule::CallHead
        | Rule::Interpolation
        | Rule::EmptyString
        | Rule::PartText
        | Rule::IndPartText
        | Rule::IndPartsStart
        | Rule::BindsStart
        | Rule::InheritStart
        | Rule::NameString
        | Rule::NameExpr
        | Rule::ListStart
        | Rule::ListItem => return None,
    };
    Some((kind, from))
}

impl Sink for Tree<'_> {
    type Value = Part;

    const TOLERANT: bool = true;

    fn trivia(&mut self, token: Token) {
        self.waiting.push(token);
    }

    fn token(&mut self, token: Token) -> Part {
        let is_empty = token.start == token.end;
        if is_empty && !matches!(token.kind, SyntaxKind::PathEnd | SyntaxKind::Eof) {
            // What was forgotten belongs right behind what stands before, not behind the blanks that follow it.
            let at = self.done as Offset;
            self.repair(at, at, Some(token.kind));
        }
        self.flush();
        let start = self.builder.checkpoint();
        self.push(token);
        match token.kind {
            SyntaxKind::Int | SyntaxKind::Float | SyntaxKind::SearchPath | SyntaxKind::Uri => {
                self.node(SyntaxKind::Literal, start);
                Part { start, depth: 1 }
            }
            _ => Part { start, depth: 0 },
        }
    }

    fn reduce(&mut self, rule: Rule, args: &[Slot<Part>]) -> Result<Part, SyntaxError> {
        let depth = args.iter().map(|arg| arg.value.depth).max().unwrap_or(0);
        let start = args.first().map_or_else(|| self.builder.checkpoint(), |arg| arg.value.start);
        let Some((kind, from)) = node(rule) else { return Ok(Part { start, depth }) };
        let of_node = args[from..].iter().map(|arg| arg.value.depth).max().unwrap_or(0) + 1;
        if of_node > MAX_DEPTH {
            self.report_depth(args[from].start);
            return Ok(Part { start, depth });
        }
        self.node(kind, args[from].value.start);
        Ok(Part { start, depth: depth.max(of_node) })
    }

    fn skip(&mut self, token: Token) {
        self.repair(token.start, token.end, None);
        self.waiting.push(Token { kind: SyntaxKind::Error, ..token });
    }

    fn error(&mut self, error: SyntaxError) {
        self.errors.push(error);
    }
}
