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
}

impl SyntaxKind {
    /// Whether a token of this kind may stand anywhere between others and means nothing.
    pub fn is_trivia(self) -> bool {
        matches!(self, SyntaxKind::Whitespace | SyntaxKind::Comment | SyntaxKind::DocComment)
    }
}
