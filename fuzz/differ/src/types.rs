//! What kind of value an expression is meant to have, and the builtins by what they take and give.

/// What an expression is meant to be.
#[derive(Clone, PartialEq, Debug)]
pub enum Type {
    Int,
    /// An integer near enough to zero to count or index with.
    Small,
    Float,
    /// An integer or a float.
    Number,
    Bool,
    Null,
    /// A string, of a sort that a builtin makes sense of.
    Text(Sort),
    Path,
    List(Box<Type>),
    /// A set whose attributes are of one type.
    Dict(Box<Type>),
    /// A set of known attributes.
    Record(Vec<(String, Type)>),
    Function(Box<Type>, Box<Type>),
    Derivation,
    Any,
    /// Any one type, the same one wherever its letter stands in a signature.
    Variable(char),
}

/// What a text is about.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sort {
    Plain,
    /// The name of an attribute.
    Name,
    Version,
    DrvName,
    Regex,
    /// JSON and TOML documents.
    Json,
    Toml,
    Algorithm,
    Hash,
    /// A name that a store path may have.
    StoreName,
}

impl Type {
    pub fn list(of: Type) -> Type {
        Type::List(Box::new(of))
    }

    pub fn dict(of: Type) -> Type {
        Type::Dict(Box::new(of))
    }

    pub fn function(from: Type, to: Type) -> Type {
        Type::Function(Box::new(from), Box::new(to))
    }

    pub const STRING: Type = Type::Text(Sort::Plain);

    /// The type with what was found for its variables.
    pub fn with(&self, found: &[(char, Type)]) -> Type {
        match self {
            Type::Variable(v) => {
                found.iter().find(|(name, _)| name == v).map_or(Type::Any, |(_, t)| t.clone())
            }
            Type::List(of) => Type::list(of.with(found)),
            Type::Dict(of) => Type::dict(of.with(found)),
            Type::Function(from, to) => Type::function(from.with(found), to.with(found)),
            Type::Record(fields) => {
                Type::Record(fields.iter().map(|(name, of)| (name.clone(), of.with(found))).collect())
            }
            other => other.clone(),
        }
    }

    /// Whether a value of this type serves as one of `goal`; finds variables of this type that make it so.
    pub fn serves(&self, goal: &Type, found: &mut Vec<(char, Type)>) -> bool {
        match (self, goal) {
            (_, Type::Any) => true,
            (Type::Variable(v), goal) => match found.iter().find(|(name, _)| name == v) {
                Some((_, bound)) => bound == goal,
                None => {
                    found.push((*v, goal.clone()));
                    true
                }
            },
            (Type::List(a), Type::List(b)) | (Type::Dict(a), Type::Dict(b)) => a.serves(b, found),
            (Type::Function(a, b), Type::Function(c, d)) => c == a && b.serves(d, found),
            (Type::Int | Type::Float | Type::Small | Type::Number, Type::Number) => true,
            (Type::Small, Type::Int) => true,
            (Type::Text(_), Type::Text(Sort::Plain)) => true,
            (Type::Record(fields), Type::Record(wanted)) => {
                wanted.iter().all(|(name, of)| fields.iter().any(|(n, t)| n == name && t.serves(of, found)))
            }
            (Type::Record(fields), Type::Dict(of)) => fields.iter().all(|(_, t)| t.serves(of, found)),
            (a, b) => a == b,
        }
    }
}

/// A builtin, or a family of its uses.
pub struct Builtin {
    pub name: &'static str,
    pub takes: Vec<Type>,
    pub gives: Type,
}

/// Name, arguments, result. `a` and `b` are any types, in brackets lists, in braces sets.
const SIGNATURES: &str = "
add number number number
sub number number number
mul number number number
div number number number
add int int int
sub int int int
mul int int int
div int int int
bitAnd int int int
bitOr int int int
bitXor int int int
ceil number int
floor number int
lessThan number number bool
lessThan string string bool
lessThan [number] [number] bool
lessThan path path bool
all a>bool [a] bool
any a>bool [a] bool
attrNames {a} [name]
attrValues {a} [a]
baseNameOf string string
baseNameOf path string
dirOf string string
dirOf path path
catAttrs name [{a}] [a]
compareVersions version version int
compareVersions string string int
concatLists [[a]] [a]
concatMap a>[b] [a] [b]
concatStringsSep string [string] string
deepSeq any a a
seq any a a
elem a [a] bool
elemAt [a] small a
filter a>bool [a] [a]
foldl' b>a>b b [a] b
fromJSON json any
fromTOML toml any
functionArgs function {bool}
genList int>a small [a]
getAttr name {a} a
getContext string any
getEnv string string
groupBy a>string [a] {[a]}
hasAttr name {a} bool
hasContext string bool
hashString algorithm string string
hashFile algorithm path string
convertHash hash string
head [a] a
tail [a] [a]
length [a] int
intersectAttrs {a} {b} {b}
isAttrs any bool
isBool any bool
isFloat any bool
isFunction any bool
isInt any bool
isList any bool
isNull any bool
isPath any bool
isString any bool
listToAttrs [pair] {any}
map a>b [a] [b]
mapAttrs string>a>b {a} {b}
match regex string any
split regex string [any]
parseDrvName drvname any
partition a>bool [a] any
path any string
filterSource path>string>bool path string
pathExists path bool
pathExists string bool
placeholder string string
readDir path any
readFile path string
readFileType path string
removeAttrs {a} [name] {a}
replaceStrings [string] [string] string string
scopedImport {any} path any
import path any
sort a>a>bool [a] [a]
sort string>string>bool [string] [string]
splitVersion version [string]
stringLength string int
substring int int string string
substring small small string string
toFile storename string string
toJSON any string
toPath string string
toString any string
toString string string
toXML any string
trace any a a
traceVerbose any a a
warn string a a
addErrorContext string a a
tryEval a any
typeOf any string
unsafeDiscardStringContext string string
unsafeDiscardOutputDependency string string
addDrvOutputDependencies string string
unsafeGetAttrPos name {a} any
zipAttrsWith string>[a]>b [{a}] {b}
derivation any any
derivationStrict any any
storePath string string
abort string a
throw string a
outputOf string string string
findFile any string path
appendContext string any string
";

/// All builtins that are worth a call.
pub fn builtins() -> Vec<Builtin> {
    SIGNATURES
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().expect("the line is not empty");
            let mut takes: Vec<Type> = words.map(read).collect();
            let gives = takes.pop().expect("a result stands at the end");
            Builtin { name, takes, gives }
        })
        .collect()
}

fn read(text: &str) -> Type {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            '>' if depth == 0 => return Type::function(read(&text[..at]), read(&text[at + 1..])),
            _ => {}
        }
    }
    let inside = || &text[1..text.len() - 1];
    match text {
        _ if text.starts_with('[') => Type::list(read(inside())),
        _ if text.starts_with('{') => Type::dict(read(inside())),
        "int" => Type::Int,
        "small" => Type::Small,
        "number" => Type::Number,
        "bool" => Type::Bool,
        "string" => Type::STRING,
        "name" => Type::Text(Sort::Name),
        "version" => Type::Text(Sort::Version),
        "drvname" => Type::Text(Sort::DrvName),
        "regex" => Type::Text(Sort::Regex),
        "json" => Type::Text(Sort::Json),
        "toml" => Type::Text(Sort::Toml),
        "algorithm" => Type::Text(Sort::Algorithm),
        "storename" => Type::Text(Sort::StoreName),
        "hash" => Type::Record(
            ["hash", "hashAlgo", "toHashFormat"]
                .map(|name| (name.to_owned(), Type::Text(Sort::Hash)))
                .to_vec(),
        ),
        "pair" => {
            Type::Record(vec![("name".to_owned(), Type::Text(Sort::Name)), ("value".to_owned(), Type::Any)])
        }
        "path" => Type::Path,
        "any" => Type::Any,
        "function" => Type::function(Type::Any, Type::Any),
        "a" | "b" => Type::Variable(if text == "a" { 'a' } else { 'b' }),
        _ => unreachable!("no type is called {text}"),
    }
}
