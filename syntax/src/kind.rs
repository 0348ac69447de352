//! Every kind of token and node, in one flat enum.

/// The kind of a token or of a node of the lossless tree.
///
/// The tokens of the grammar come first, in the order of `grammar.txt`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum SyntaxKind {
    /// The end of the text. A NUL byte outside of strings and comments ends it too.
    Eof,
    /// A byte that starts no token.
    Invalid,
    /// `a'b-c`
    Ident,
    /// A piece of a string, or of a path after its first interpolation.
    StrText,
    /// A piece of an indented string.
    IndText,
    /// `12`
    Int,
    /// `1.5`, `.5e-3`
    Float,
    /// `./a`, `/a`, `a/b`, or as much of it as stands before `${`.
    Path,
    /// `~/a`
    HomePath,
    /// `<nixpkgs/lib>`
    SearchPath,
    /// Nothing; it stands after each path.
    PathEnd,
    /// `https://nixos.org`
    Uri,
    /// `if`
    If,
    /// `then`
    Then,
    /// `else`
    Else,
    /// `assert`
    Assert,
    /// `with`
    With,
    /// `let`
    Let,
    /// `in`
    In,
    /// `rec`
    Rec,
    /// `inherit`
    Inherit,
    /// `==`
    EqEq,
    /// `!=`
    NotEq,
    /// `<=`
    LessEq,
    /// `>=`
    GreaterEq,
    /// `//`
    Update,
    /// `++`
    Concat,
    /// `&&`
    AndAnd,
    /// `||`
    OrOr,
    /// `->`
    Implies,
    /// `or`
    OrKw,
    /// `<|`
    PipeFrom,
    /// `|>`
    PipeInto,
    /// `${`
    DollarBrace,
    /// `''`, with spaces and the line break after it.
    IndOpen,
    /// `''`
    IndClose,
    /// `...`
    Ellipsis,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `?`
    Question,
    /// `:`
    Colon,
    /// `@`
    At,
    /// `;`
    Semicolon,
    /// `!`
    Bang,
    /// `.`
    Dot,
    /// `"`
    Quote,
    /// `(`
    ParenOpen,
    /// `)`
    ParenClose,
    /// `{`
    BraceOpen,
    /// `}`
    BraceClose,
    /// `[`
    BracketOpen,
    /// `]`
    BracketClose,
    /// `=`
    Assign,
    /// `,`
    Comma,

    /// Spaces, tabs and line breaks.
    Whitespace,
    /// `# …` or `/* … */`
    Comment,
    /// `/** … */`
    DocComment,

    /// The whole text.
    File,
    /// A token that fits nowhere.
    Error,
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
    /// `f a`; of more arguments, each is a call around the call of those before.
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

impl SyntaxKind {
    const LAST: SyntaxKind = SyntaxKind::InheritBinding;

    /// Every kind, by its number.
    pub(crate) fn from_raw(raw: u16) -> SyntaxKind {
        ALL[usize::from(raw)]
    }

    /// How messages call a token of this kind: `';'`, `identifier`.
    pub fn shown(self) -> &'static str {
        crate::parser::name(self)
    }

    /// Whether a token of this kind may stand anywhere between others and means nothing.
    pub fn is_trivia(self) -> bool {
        matches!(self, SyntaxKind::Whitespace | SyntaxKind::Comment | SyntaxKind::DocComment)
    }
}

/// `ALL[kind as usize] == kind`
const ALL: [SyntaxKind; SyntaxKind::LAST as usize + 1] = {
    use SyntaxKind::*;
    [
        Eof,
        Invalid,
        Ident,
        StrText,
        IndText,
        Int,
        Float,
        Path,
        HomePath,
        SearchPath,
        PathEnd,
        Uri,
        If,
        Then,
        Else,
        Assert,
        With,
        Let,
        In,
        Rec,
        Inherit,
        EqEq,
        NotEq,
        LessEq,
        GreaterEq,
        Update,
        Concat,
        AndAnd,
        OrOr,
        Implies,
        OrKw,
        PipeFrom,
        PipeInto,
        DollarBrace,
        IndOpen,
        IndClose,
        Ellipsis,
        Less,
        Greater,
        Plus,
        Minus,
        Star,
        Slash,
        Question,
        Colon,
        At,
        Semicolon,
        Bang,
        Dot,
        Quote,
        ParenOpen,
        ParenClose,
        BraceOpen,
        BraceClose,
        BracketOpen,
        BracketClose,
        Assign,
        Comma,
        Whitespace,
        Comment,
        DocComment,
        File,
        Error,
        Lambda,
        Pattern,
        Formal,
        AssertExpr,
        WithExpr,
        LetExpr,
        IfExpr,
        UnaryExpr,
        BinaryExpr,
        HasAttrExpr,
        CallExpr,
        SelectExpr,
        Var,
        Literal,
        StringExpr,
        IndStringExpr,
        PathExpr,
        Interpolation,
        ParenExpr,
        LetBodyExpr,
        SetExpr,
        ListExpr,
        Name,
        Binding,
        InheritBinding,
    ]
};
