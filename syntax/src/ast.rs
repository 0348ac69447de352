//! Typed views of the lossless tree, for tools. Accessors return `Option`, because the text may be wrong.

use crate::kind::SyntaxKind;
use crate::tree::{SyntaxNode, SyntaxToken};

/// A node of a certain kind.
pub trait AstNode: Sized {
    /// The view of a node, if it is of the kind.
    fn cast(node: SyntaxNode) -> Option<Self>;

    /// The node.
    fn syntax(&self) -> &SyntaxNode;
}

macro_rules! nodes {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub struct $name(SyntaxNode);

        impl AstNode for $name {
            fn cast(node: SyntaxNode) -> Option<$name> {
                (node.kind() == SyntaxKind::$name).then_some($name(node))
            }

            fn syntax(&self) -> &SyntaxNode {
                &self.0
            }
        }
    )*};
}

nodes! {
    /// The whole text.
    File,
    /// `a: b`, `{ a }@b: c`
    Lambda,
    /// `{ a, b ? c, … }`
    Pattern,
    /// `a`, `b ? c` in a pattern.
    Formal,
    /// `assert a; b`
    AssertExpr,
    /// `with a; b`
    WithExpr,
    /// `let … in b`
    LetExpr,
    /// `if a then b else c`
    IfExpr,
    /// `!a`, `-a`
    UnaryExpr,
    /// `a + b`, and pipes
    BinaryExpr,
    /// `a ? b.c`
    HasAttrExpr,
    /// `f a`
    CallExpr,
    /// `a.b.c`, `a.b or c`
    SelectExpr,
    /// A variable.
    Var,
    /// A number, a search path or a URI.
    Literal,
    /// `"…"`
    StringExpr,
    /// `''…''`
    IndStringExpr,
    /// `./a`, `./${a}`
    PathExpr,
    /// `${a}` in a string or a path.
    Interpolation,
    /// `(a)`
    ParenExpr,
    /// `let { … }`
    LetBodyExpr,
    /// `{ … }`, `rec { … }`
    SetExpr,
    /// `[ … ]`
    ListExpr,
    /// One name of a path: `a`, `"a"`, `${a}`.
    Name,
    /// `a.b = c;`
    Binding,
    /// `inherit a b;`, `inherit (a) b c;`
    InheritBinding,
}

macro_rules! exprs {
    ($($name:ident,)*) => {
        /// An expression.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        #[expect(missing_docs, reason = "the types say it")]
        pub enum Expr {
            $($name($name),)*
        }

        impl AstNode for Expr {
            fn cast(node: SyntaxNode) -> Option<Expr> {
                match node.kind() {
                    $(SyntaxKind::$name => Some(Expr::$name($name(node))),)*
                    _ => None,
                }
            }

            fn syntax(&self) -> &SyntaxNode {
                match self {
                    $(Expr::$name(expr) => expr.syntax(),)*
                }
            }
        }
    };
}

exprs! {
    Lambda, AssertExpr, WithExpr, LetExpr, IfExpr, UnaryExpr, BinaryExpr, HasAttrExpr, CallExpr, SelectExpr, Var,
    Literal, StringExpr, IndStringExpr, PathExpr, ParenExpr, LetBodyExpr, SetExpr, ListExpr,
}

/// The children of a type.
fn children<N: AstNode>(node: &impl AstNode) -> impl Iterator<Item = N> {
    node.syntax().children().filter_map(N::cast)
}

fn nth<N: AstNode>(node: &impl AstNode, n: usize) -> Option<N> {
    children(node).nth(n)
}

fn tokens(node: &impl AstNode) -> impl Iterator<Item = SyntaxToken> {
    node.syntax().children_with_tokens().filter_map(|child| child.into_token())
}

fn has(node: &impl AstNode, kind: SyntaxKind) -> bool {
    tokens(node).any(|token| token.kind() == kind)
}

fn ident(node: &impl AstNode) -> Option<SyntaxToken> {
    tokens(node).find(|token| matches!(token.kind(), SyntaxKind::Ident | SyntaxKind::OrKw))
}

/// The first token that is no trivia.
fn first(node: &impl AstNode) -> Option<SyntaxToken> {
    tokens(node).find(|token| !token.kind().is_trivia())
}

impl File {
    /// The expression.
    pub fn expr(&self) -> Option<Expr> {
        nth(self, 0)
    }
}

impl Lambda {
    /// The name of the whole argument.
    pub fn arg(&self) -> Option<SyntaxToken> {
        ident(self)
    }

    /// The set pattern.
    pub fn pattern(&self) -> Option<Pattern> {
        nth(self, 0)
    }

    /// What stands after the colon.
    pub fn body(&self) -> Option<Expr> {
        nth(self, 0)
    }
}

impl Pattern {
    /// The formals.
    pub fn formals(&self) -> impl Iterator<Item = Formal> {
        children(self)
    }

    /// Whether it ends in `...`.
    pub fn has_ellipsis(&self) -> bool {
        has(self, SyntaxKind::Ellipsis)
    }
}

impl Formal {
    /// Its name.
    pub fn name(&self) -> Option<SyntaxToken> {
        ident(self)
    }

    /// What stands after `?`.
    pub fn default(&self) -> Option<Expr> {
        nth(self, 0)
    }
}

impl AssertExpr {
    /// What is asserted.
    pub fn condition(&self) -> Option<Expr> {
        nth(self, 0)
    }

    /// What stands after the semicolon.
    pub fn body(&self) -> Option<Expr> {
        nth(self, 1)
    }
}

impl WithExpr {
    /// The set whose attributes become variables.
    pub fn scope(&self) -> Option<Expr> {
        nth(self, 0)
    }

    /// What stands after the semicolon.
    pub fn body(&self) -> Option<Expr> {
        nth(self, 1)
    }
}

/// Nodes with definitions.
pub trait HasBindings: AstNode {
    /// `a.b = c;`
    fn bindings(&self) -> impl Iterator<Item = Binding> {
        children(self)
    }

    /// `inherit …;`
    fn inherits(&self) -> impl Iterator<Item = InheritBinding> {
        children(self)
    }
}

impl HasBindings for LetExpr {}
impl HasBindings for LetBodyExpr {}
impl HasBindings for SetExpr {}

impl LetExpr {
    /// What stands after `in`.
    pub fn body(&self) -> Option<Expr> {
        nth(self, 0)
    }
}

impl SetExpr {
    /// Whether it starts with `rec`.
    pub fn is_recursive(&self) -> bool {
        has(self, SyntaxKind::Rec)
    }
}

impl IfExpr {
    /// The condition.
    pub fn condition(&self) -> Option<Expr> {
        nth(self, 0)
    }

    /// What stands after `then`.
    pub fn then(&self) -> Option<Expr> {
        nth(self, 1)
    }

    /// What stands after `else`.
    pub fn otherwise(&self) -> Option<Expr> {
        nth(self, 2)
    }
}

impl UnaryExpr {
    /// `!` or `-`
    pub fn operator(&self) -> Option<SyntaxToken> {
        first(self)
    }

    /// What stands after it.
    pub fn operand(&self) -> Option<Expr> {
        nth(self, 0)
    }
}

impl BinaryExpr {
    /// What stands before the operator.
    pub fn left(&self) -> Option<Expr> {
        nth(self, 0)
    }

    /// The operator.
    pub fn operator(&self) -> Option<SyntaxToken> {
        first(self)
    }

    /// What stands after the operator.
    pub fn right(&self) -> Option<Expr> {
        nth(self, 1)
    }
}

impl HasAttrExpr {
    /// What stands before `?`.
    pub fn base(&self) -> Option<Expr> {
        nth(self, 0)
    }

    /// The path.
    pub fn path(&self) -> impl Iterator<Item = Name> {
        children(self)
    }
}

impl CallExpr {
    /// The function.
    pub fn function(&self) -> Option<Expr> {
        nth(self, 0)
    }

    /// The argument; `None` also for `f or`, whose argument is a variable that the grammar has no expression for.
    pub fn argument(&self) -> Option<Expr> {
        nth(self, 1)
    }
}

impl SelectExpr {
    /// What is selected from.
    pub fn base(&self) -> Option<Expr> {
        nth(self, 0)
    }

    /// The path.
    pub fn path(&self) -> impl Iterator<Item = Name> {
        children(self)
    }

    /// What stands after `or`.
    pub fn default(&self) -> Option<Expr> {
        nth(self, 1)
    }
}

impl Var {
    /// Its name.
    pub fn name(&self) -> Option<SyntaxToken> {
        ident(self)
    }
}

impl Literal {
    /// The only token.
    pub fn token(&self) -> Option<SyntaxToken> {
        first(self)
    }
}

/// Nodes that are made of text and `${…}`.
pub trait HasInterpolations: AstNode {
    /// The interpolations.
    fn interpolations(&self) -> impl Iterator<Item = Interpolation> {
        children(self)
    }
}

impl HasInterpolations for StringExpr {}
impl HasInterpolations for IndStringExpr {}
impl HasInterpolations for PathExpr {}
impl HasInterpolations for Name {}

impl Interpolation {
    /// What stands between the braces.
    pub fn expr(&self) -> Option<Expr> {
        nth(self, 0)
    }
}

impl ParenExpr {
    /// What stands between the parentheses.
    pub fn expr(&self) -> Option<Expr> {
        nth(self, 0)
    }
}

impl ListExpr {
    /// The elements.
    pub fn items(&self) -> impl Iterator<Item = Expr> {
        children(self)
    }
}

impl Name {
    /// The identifier, if it is no string and no `${…}`.
    pub fn ident(&self) -> Option<SyntaxToken> {
        ident(self)
    }

    /// What stands in `${…}`, if it is that.
    pub fn expr(&self) -> Option<Expr> {
        nth(self, 0)
    }
}

impl Binding {
    /// What stands before `=`.
    pub fn path(&self) -> impl Iterator<Item = Name> {
        children(self)
    }

    /// What stands after `=`.
    pub fn value(&self) -> Option<Expr> {
        nth(self, 0)
    }
}

impl InheritBinding {
    /// What stands in parentheses.
    pub fn from(&self) -> Option<Expr> {
        nth(self, 0)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        children(self)
    }
}
