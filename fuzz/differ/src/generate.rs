//! Programs that are likely to mean something: each expression is made for a type, from what is in scope.

use crate::program::{ATOM, CALL, Level, Node, OPEN, SELECT};
use crate::random::Random;
use crate::types::{Builtin, Sort, Type, builtins};

/// Makes programs.
pub struct Generator {
    random: Random,
    builtins: Vec<Builtin>,
    /// Variables in scope, the innermost last.
    scope: Vec<(String, Type)>,
    /// How many nodes are still to be spent, so that programs stay readable.
    budget: isize,
}

/// Names of variables and attributes: few, so that they meet.
const NAMES: &[&str] = &["a", "b", "c", "d", "x", "y", "z", "foo", "bar", "x'", "a-b", "_", "self"];
/// Names of attributes that need quotes.
const STRANGE: &[&str] = &["a b", "", "1", "with", "a.b", "${", "ü", "\n", "or", "A", "B", "aa"];
/// Files of the world that programs see.
const PATHS: &[&str] = &[
    "./x.nix",
    "./data/a.json",
    "./data",
    "./data/missing",
    "./fun.nix",
    "./.",
    "./data/../x.nix",
    "/nonexistent/a/b/c",
    "./text",
    "./data/deep/er",
    "./broken.nix",
    "./rec.nix",
    "./link",
    "./dangling",
    "../.",
    "<world>",
    "<world/x.nix>",
    "<nope>",
    "~/x",
    "./data/a.json/b",
    "./a/./b/../c",
];

/// A name as an attribute's name is written.
fn attribute(name: &str) -> String {
    if NAMES.contains(&name) || name == "or" || is_plain(name) { name.to_owned() } else { quoted(name) }
}

fn is_plain(name: &str) -> bool {
    const KEYWORDS: &[&str] = &["if", "then", "else", "assert", "with", "let", "in", "rec", "inherit"];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-'".contains(c))
        && !KEYWORDS.contains(&name)
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for (at, c) in text.char_indices() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' if text[at + 1..].starts_with('{') => out.push_str("\\$"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Generator {
    /// The programs of a seed.
    pub fn new(seed: u64) -> Generator {
        Generator { random: Random::new(seed), builtins: builtins(), scope: Vec::new(), budget: 0 }
    }

    /// A program.
    pub fn program(&mut self) -> Node {
        self.scope.clear();
        self.budget = 12 + self.random.below(70) as isize;
        let of = self.any_type(2);
        let depth = 3 + self.random.below(5);
        let body = self.expr(&of, depth);
        // A word that starts with a minus is a flag.
        if body.print().starts_with('-') { Node::expr(ATOM).text("(").open(body).text(")") } else { body }
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.random.percent(percent)
    }

    fn any_type(&mut self, depth: usize) -> Type {
        let inner = depth.saturating_sub(1);
        match self.random.below(if depth == 0 { 9 } else { 17 }) {
            0 => Type::Int,
            1 => Type::Small,
            2 => Type::Float,
            3 => Type::Number,
            4 => Type::Bool,
            5 => Type::Null,
            6 | 7 => Type::STRING,
            8 => Type::Path,
            9 | 10 => Type::list(self.any_type(inner)),
            11 => Type::dict(self.any_type(inner)),
            12 | 13 => {
                let n = self.random.below(4);
                let mut fields: Vec<(String, Type)> = Vec::new();
                for _ in 0..n {
                    let name = self.name();
                    if fields.iter().all(|(other, _)| *other != name) {
                        fields.push((name, self.any_type(inner)));
                    }
                }
                Type::Record(fields)
            }
            14 => Type::function(self.any_type(inner), self.any_type(inner)),
            15 => Type::Derivation,
            _ => Type::Text(*self.random.pick(&[
                &Sort::Version,
                &Sort::DrvName,
                &Sort::Regex,
                &Sort::Json,
                &Sort::Toml,
                &Sort::Name,
                &Sort::StoreName,
            ])),
        }
    }

    fn name(&mut self) -> String {
        self.random.pick(NAMES).to_owned()
    }

    /// The name of an attribute.
    fn key(&mut self) -> String {
        if self.chance(8) { self.random.pick(STRANGE).to_owned() } else { self.name() }
    }

    /// An expression that is likely of a type.
    fn expr(&mut self, of: &Type, depth: usize) -> Node {
        self.budget -= 1;
        let wrong;
        let of = match of {
            Type::Any | Type::Variable(_) => {
                wrong = self.any_type(2.min(depth));
                &wrong
            }
            // What is of the wrong type finds out where it is looked at.
            _ if self.random.below(1000) < 8 => {
                wrong = self.any_type(1);
                &wrong
            }
            of => of,
        };
        if self.chance(if depth == 0 { 60 } else { 25 })
            && let Some(variable) = self.variable(of)
        {
            return variable;
        }
        if depth == 0 || self.budget <= 0 {
            return self.literal(of, 0);
        }
        match self.random.below(10) {
            0..=2 => self.literal(of, depth),
            3..=5 => self.builtin(of, depth).unwrap_or_else(|| self.literal(of, depth)),
            6 | 7 => self.operator(of, depth).unwrap_or_else(|| self.literal(of, depth)),
            _ => self.wrapped(of, depth - 1),
        }
    }

    /// A variable of a type, or one that holds such a value.
    fn variable(&mut self, of: &Type) -> Option<Node> {
        let mut found = Vec::new();
        for (at, (name, has)) in self.scope.iter().enumerate() {
            if self.scope[at + 1..].iter().any(|(other, _)| other == name) {
                continue;
            }
            if has.serves(of, &mut Vec::new()) {
                found.push(Node::atom(name.clone()));
            }
            if let Type::Record(fields) = has {
                for (field, has) in fields {
                    if has.serves(of, &mut Vec::new()) {
                        found.push(
                            Node::expr(SELECT)
                                .at(ATOM, Node::atom(name.clone()))
                                .text(format!(".{}", attribute(field))),
                        );
                    }
                }
            }
        }
        let n = found.len();
        (n > 0).then(|| found.swap_remove(self.random.below(n)))
    }

    // ---- literals -------------------------------------------------------------------------------------

    fn literal(&mut self, of: &Type, depth: usize) -> Node {
        let inner = depth.saturating_sub(1);
        match of {
            Type::Int => self.int(),
            Type::Small => {
                let n = self.random.below(5);
                Node::atom(n.to_string())
            }
            Type::Float => self.float(),
            Type::Number => {
                if self.chance(60) {
                    self.int()
                } else {
                    self.float()
                }
            }
            Type::Bool => Node::atom(*self.random.pick(&[&"true", &"false"])),
            Type::Null => Node::atom("null"),
            Type::Text(sort) => self.text(*sort, depth),
            Type::Path => self.path(inner),
            Type::List(of) => {
                let n = self.random.below(5);
                let items: Vec<Node> =
                    (0..n).map(|_| Node::item().text(" ").at(SELECT, self.expr(of, inner))).collect();
                Node::expr(ATOM).text("[").items(items).text(" ]")
            }
            Type::Dict(of) => {
                let n = self.random.below(4);
                let fields: Vec<(String, Type)> = (0..n).map(|_| (self.key(), Type::clone(of))).collect();
                self.set(&fields, inner)
            }
            Type::Record(fields) => self.set(fields, inner),
            Type::Function(from, to) => self.function(from, to, inner),
            Type::Derivation => self.derivation(inner),
            Type::Any | Type::Variable(_) => {
                let of = self.any_type(1);
                self.literal(&of, depth)
            }
        }
    }

    fn int(&mut self) -> Node {
        const SPECIAL: &[&str] = &[
            "9223372036854775807",
            "-9223372036854775807",
            "4294967296",
            "2147483648",
            "1000000",
            "00",
            "007",
            "-1",
            "(-9223372036854775807 - 1)",
            "9007199254740993",
            "65536",
        ];
        let text = match self.random.below(8) {
            0 => self.random.pick(SPECIAL).to_owned(),
            1 => format!("-{}", self.random.below(20)),
            _ => self.random.below(12).to_string(),
        };
        if text.starts_with('-') { Node::expr(13).text(text) } else { Node::atom(text) }
    }

    fn float(&mut self) -> Node {
        const SPECIAL: &[&str] = &[
            "0.0",
            "1.0",
            "1.0e3",
            "1.5e10",
            "1.0e15",
            "1.0e16",
            "1.0e100",
            "1e3",
            "0.1",
            "3.0e-5",
            "1.0e-7",
            "123456789.123",
            "9223372036854775807.0",
            "1.0e308",
            "4.9e-324",
            ".5",
            "2.",
            "0.30000000000000004",
            "100000.0",
            "1000000.0",
            "999999.5",
            "1.7976931348623157e308",
            "5.0e-1",
        ];
        if self.chance(15) {
            return Node::expr(13)
                .text("-")
                .at(13, Node::atom(*self.random.pick(&[&"0.0", &"1.5", &"2.25", &"1.0e10"])));
        }
        let text = if self.chance(60) {
            self.random.pick(SPECIAL).to_owned()
        } else {
            format!("{}.{}", self.random.below(100), self.random.below(1000))
        };
        Node::atom(text)
    }

    fn text(&mut self, sort: Sort, depth: usize) -> Node {
        if depth > 0 && self.chance(20) {
            return self.expr(&Type::STRING, depth - 1);
        }
        let pool = crate::texts::of(sort);
        match sort {
            Sort::Plain => {}
            Sort::Name => return Node::atom(quoted(&self.key())),
            Sort::Regex if self.chance(50) => return Node::atom(quoted(&self.regex(3))),
            Sort::Json if self.chance(50) => return Node::atom(quoted(&self.json(3))),
            _ => return Node::atom(quoted(self.random.pick(pool))),
        }
        if depth == 0 || self.chance(40) {
            return if self.chance(12) {
                self.indented(0)
            } else {
                Node::atom(quoted(self.random.pick(pool)))
            };
        }
        if self.chance(25) { self.indented(depth) } else { self.interpolated(depth) }
    }

    /// What a string may be interpolated with.
    fn stringable(&mut self) -> Type {
        match self.random.below(12) {
            0 => Type::Path,
            1 => Type::Derivation,
            2 => Type::Record(vec![("outPath".to_owned(), Type::STRING)]),
            3 => Type::Record(vec![("__toString".to_owned(), Type::function(Type::Any, Type::STRING))]),
            _ => Type::STRING,
        }
    }

    fn interpolated(&mut self, depth: usize) -> Node {
        let mut node = Node::expr(ATOM).text("\"");
        for _ in 0..1 + self.random.below(3) {
            let inner = quoted(self.random.pick(crate::texts::of(Sort::Plain)));
            node = node.text(&inner[1..inner.len() - 1]);
            let of = self.stringable();
            let part = self.expr(&of, depth - 1);
            node = node.items([Node::item().text("${").open(part).text("}")]);
        }
        node.text("\"")
    }

    fn indented(&mut self, depth: usize) -> Node {
        const LINES: &[&str] = &[
            "",
            "\n",
            "\n  a\n",
            "\n    b\n  c\n",
            " x",
            "\n\t\ttab\n",
            "''${not}",
            "'''",
            "$",
            "$$",
            "''\\n",
            "''\\",
            "\n ",
            "\n      \n    deep\n",
            "\r\n",
            "''\\${",
            "\\n",
            "' ",
            "\n  ",
            "''$",
        ];
        let mut node = Node::expr(ATOM).text("''");
        for _ in 0..1 + self.random.below(4) {
            node = node.items([Node::item().text(*self.random.pick(&LINES.iter().collect::<Vec<_>>()))]);
            if depth > 0 && self.chance(50) {
                let of = self.stringable();
                let part = self.expr(&of, depth - 1);
                node = node.items([Node::item().text("${").open(part).text("}")]);
            }
        }
        node.text("''")
    }

    fn path(&mut self, depth: usize) -> Node {
        if depth > 0 && self.chance(20) {
            let part = self.expr(&Type::Text(Sort::Name), depth - 1);
            return Node::expr(ATOM).text("./data/${").open(part).text("}");
        }
        if depth > 0 && self.chance(20) {
            let part = self.expr(&Type::STRING, depth - 1);
            return Node::expr(9).at(9, Node::atom("./data")).text(" + ").at(10, part);
        }
        Node::atom(*self.random.pick(&PATHS.iter().collect::<Vec<_>>()))
    }

    fn regex(&mut self, depth: usize) -> String {
        const ATOMS: &[&str] = &[
            "a",
            "b",
            ".",
            "[a-z]",
            "[^a]",
            "[[:alpha:]]",
            "[0-9]",
            "x",
            "\\.",
            "^",
            "$",
            "()",
            "[]a]",
            "[^-a]",
            "-",
            " ",
            "[[:space:]]+",
            "\\(",
            "[a-]",
            "",
            "[[:digit:][:upper:]]",
            "ü",
            "\n",
            "foo",
            "/",
            "[[.a.]]",
            "[[=a=]]",
            "\\1",
            "\\w",
            "{",
            "}",
            "[b-a]",
            "(",
            ")",
            "*",
            "[",
            "\\",
            "[[:foo:]]",
        ];
        // The last ones are seldom right.
        let good = if self.chance(92) { 20 } else { ATOMS.len() };
        let atom = ATOMS[self.random.below(good)].to_owned();
        if depth == 0 {
            return atom;
        }
        match self.random.below(9) {
            0 => format!("({})", self.regex(depth - 1)),
            1 => format!("{}|{}", self.regex(depth - 1), self.regex(depth - 1)),
            2 => format!("({})*", self.regex(depth - 1)),
            3 => {
                let repeat = *self
                    .random
                    .pick(&[&"*", &"+", &"?", &"{2}", &"{1,2}", &"{0,}", &"{,2}", &"{2,1}", &"**", &"+?"]);
                format!("{atom}{repeat}")
            }
            4 => atom,
            _ => format!("{}{}", self.regex(depth - 1), self.regex(depth - 1)),
        }
    }

    fn json(&mut self, depth: usize) -> String {
        const LEAVES: &[&str] = &[
            "1",
            "-0",
            "1.5",
            "1e3",
            "true",
            "null",
            "\"a\"",
            "\"\\u00e9\"",
            "\"\\ud83d\\ude00\"",
            "0",
            "-1.0",
            "\"\"",
            "1E-2",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "[]",
            "{}",
            "18446744073709551615",
            "18446744073709551616",
            "1e400",
            "\"\\ud800\"",
            "01",
            "+1",
            ".5",
            "tru",
            "'a'",
            "\"a",
            "\"\\x\"",
            "1.",
            "\"\t\"",
            "nan",
            "[1,]",
            "{\"a\":1,}",
            "/**/1",
            "\"\\u0000\"",
            "",
            "-",
            "[",
            "{\"a\"",
            "1 2",
        ];
        let good = if self.chance(96) { 19 } else { LEAVES.len() };
        if depth == 0 || self.chance(30) {
            return LEAVES[self.random.below(good)].to_owned();
        }
        let n = self.random.below(4);
        if self.chance(50) {
            let items: Vec<String> = (0..n).map(|_| self.json(depth - 1)).collect();
            return format!("[{}]", items.join(self.random.pick(&[",", " , ", ",\n"])));
        }
        let fields: Vec<String> =
            (0..n).map(|_| format!("\"{}\":{}", self.name(), self.json(depth - 1))).collect();
        format!("{{{}}}", fields.join(","))
    }

    // ---- sets and functions ---------------------------------------------------------------------------

    /// The name of an attribute before `=` or behind a dot.
    fn written(&mut self, name: &str, depth: usize) -> Node {
        match self.random.below(14) {
            0 => Node::item().text(quoted(name)),
            1 => Node::item().text("${").open(Node::atom(quoted(name))).text("}"),
            2 if depth > 0 && name == "foo" => {
                let part = Node::expr(9).at(9, Node::atom("\"fo\"")).text(" + ").at(10, Node::atom("\"o\""));
                Node::item().text("${").open(part).text("}")
            }
            _ => Node::item().text(attribute(name)),
        }
    }

    fn set(&mut self, fields: &[(String, Type)], depth: usize) -> Node {
        let recursive = self.chance(18);
        let height = self.scope.len();
        let mut bindings = Vec::new();
        if recursive && self.chance(70) {
            let plain = fields.iter().filter(|(name, _)| is_plain(name) && name != "or");
            self.scope.extend(plain.cloned().collect::<Vec<_>>());
        }
        for (name, of) in fields {
            bindings.push(self.binding(name, of, recursive, depth));
        }
        if self.chance(6) {
            // One name more, which may be there already.
            let (name, of) = (self.key(), self.any_type(1));
            bindings.push(self.binding(&name, &of, recursive, depth));
        }
        self.scope.truncate(height);
        let node = Node::expr(ATOM).text(if recursive { "rec {" } else { "{" });
        node.items(bindings).text(" }")
    }

    fn binding(&mut self, name: &str, of: &Type, recursive: bool, depth: usize) -> Node {
        let plain = is_plain(name) && name != "or";
        if plain && !recursive && self.chance(35) && self.scope.iter().any(|(n, t)| n == name && t == of) {
            return Node::item().text(format!(" inherit {name};"));
        }
        if plain && depth > 0 && self.chance(5) {
            let from = self.expr(&Type::Record(vec![(name.to_owned(), of.clone())]), depth - 1);
            return Node::item().text(" inherit (").open(from).text(format!(") {name};"));
        }
        if let Type::Record(fields) = of
            && !fields.is_empty()
            && depth > 0
            && self.chance(40)
        {
            // `a.b = 1; a.c = 2;`
            let mut node = Node::item();
            for (field, of) in fields {
                let (first, second) = (attribute(name), self.written(field, depth));
                let value = self.expr(of, depth - 1);
                node = node.items([Node::item()
                    .text(format!(" {first}."))
                    .items([second])
                    .text(" = ")
                    .open(value)
                    .text(";")]);
            }
            return node;
        }
        let value = self.expr(of, depth.saturating_sub(1));
        let name = if recursive { Node::item().text(attribute(name)) } else { self.written(name, depth) };
        Node::item().text(" ").items([name]).text(" = ").open(value).text(";")
    }

    fn function(&mut self, from: &Type, to: &Type, depth: usize) -> Node {
        let height = self.scope.len();
        let node = match from {
            Type::Record(fields) if self.chance(80) => {
                let mut node = Node::expr(OPEN);
                let at = self.random.below(6);
                if at == 0 {
                    node = node.text("args@");
                }
                node = node.text("{ ");
                for (name, of) in fields {
                    if !is_plain(name) || name == "or" {
                        continue;
                    }
                    let mut formal = Node::item().text(name.clone());
                    if self.chance(35) {
                        formal = formal.text(" ? ").open(self.expr(of, depth.saturating_sub(1)));
                    }
                    node = node.items([formal.text(", ")]);
                    self.scope.push((name.clone(), of.clone()));
                }
                if self.chance(25) {
                    let formal = self.expr(&Type::Int, depth.saturating_sub(1));
                    node = node.items([Node::item().text("extra ? ").open(formal).text(", ")]);
                    self.scope.push(("extra".to_owned(), Type::Int));
                }
                // A comma may stand before the dots or the brace only where something follows or was left.
                node = node.text(if self.chance(75) { "..." } else { "" }).text(" }");
                if at == 1 {
                    node = node.text("@args");
                }
                if at < 2 {
                    self.scope.push(("args".to_owned(), from.clone()));
                }
                node.text(": ")
            }
            _ => {
                let name = self.name();
                self.scope.push((name.clone(), from.clone()));
                Node::expr(OPEN).text(format!("{name}: "))
            }
        };
        let body = self.expr(to, depth);
        self.scope.truncate(height);
        node.open(body)
    }

    fn derivation(&mut self, depth: usize) -> Node {
        let name = self.random.pick(crate::texts::of(Sort::StoreName));
        let mut node = Node::expr(ATOM)
            .text("{")
            .items([Node::item().text(format!(" name = {};", quoted(name)))])
            .items([Node::item().text(" system = \"x86_64-linux\";")])
            .items([Node::item().text(" builder = \"/bin/sh\";")]);
        for _ in 0..self.random.below(4) {
            let (name, of) = match self.random.below(14) {
                0 => ("args".to_owned(), Type::list(self.stringable())),
                1 => ("outputs".to_owned(), Type::list(Type::Text(Sort::Name))),
                2 => ("__structuredAttrs".to_owned(), Type::Bool),
                3 => ("__ignoreNulls".to_owned(), Type::Bool),
                4 => ("outputHash".to_owned(), Type::Text(Sort::Hash)),
                5 => ("outputHashMode".to_owned(), Type::Text(Sort::Hash)),
                6 => ("outputHashAlgo".to_owned(), Type::Text(Sort::Algorithm)),
                7 => ("passAsFile".to_owned(), Type::list(Type::Text(Sort::Name))),
                8 => ("__contentAddressed".to_owned(), Type::Bool),
                _ => (self.name(), if self.chance(60) { self.stringable() } else { self.any_type(2) }),
            };
            let value = self.expr(&of, depth.saturating_sub(1));
            node = node.items([Node::item().text(format!(" {} = ", attribute(&name))).open(value).text(";")]);
        }
        Node::call(Node::atom("derivation"), [node.text(" }")])
    }

    // ---- what makes a value from others ---------------------------------------------------------------

    fn builtin(&mut self, of: &Type, depth: usize) -> Option<Node> {
        let found: Vec<usize> = (0..self.builtins.len())
            .filter(|&n| self.builtins[n].gives.serves(of, &mut Vec::new()))
            .collect();
        if found.is_empty() {
            return None;
        }
        let chosen = found[self.random.below(found.len())];
        let Builtin { name, ref takes, ref gives } = self.builtins[chosen];
        let mut bound = Vec::new();
        gives.serves(of, &mut bound);
        let takes = takes.clone();
        if matches!(name, "throw" | "abort") && !self.chance(12) {
            return None;
        }
        for variable in ['a', 'b'] {
            if bound.iter().all(|(name, _)| *name != variable) {
                let of = self.any_type(1);
                bound.push((variable, of));
            }
        }
        let arguments: Vec<Node> = takes
            .iter()
            .map(|takes| {
                let of = takes.with(&bound);
                if name == "fromTOML" { self.text(Sort::Toml, 0) } else { self.expr(&of, depth - 1) }
            })
            .collect();
        const GLOBAL: &[&str] = &[
            "map",
            "toString",
            "throw",
            "abort",
            "baseNameOf",
            "dirOf",
            "isNull",
            "removeAttrs",
            "derivation",
            "import",
            "placeholder",
            "fromTOML",
            "derivationStrict",
            "scopedImport",
        ];
        let function = match self.random.below(20) {
            0 => Node::atom(format!("__{name}")),
            _ if GLOBAL.contains(&name) => Node::atom(name),
            _ => Node::expr(SELECT).text(format!("builtins.{name}")),
        };
        // Seldom one argument too few or too many.
        let mut arguments = arguments;
        match self.random.below(150) {
            0 => drop(arguments.pop()),
            1 => arguments.push(Node::atom("1")),
            _ => {}
        }
        Some(Node::call(function, arguments))
    }

    /// Two operands around an operator.
    fn binary(
        &mut self,
        (left, level, right): (Level, Level, Level),
        sign: &str,
        types: [&Type; 2],
        depth: usize,
    ) -> Node {
        let a = self.expr(types[0], depth - 1);
        let b = self.expr(types[1], depth - 1);
        Node::expr(level).at(left, a).text(format!(" {sign} ")).at(right, b)
    }

    fn operator(&mut self, of: &Type, depth: usize) -> Option<Node> {
        const SUM: (Level, Level, Level) = (9, 9, 10);
        const PRODUCT: (Level, Level, Level) = (10, 10, 11);
        Some(match of {
            Type::Int | Type::Float | Type::Number | Type::Small => match self.random.below(5) {
                0 => self.binary(SUM, "+", [of, of], depth),
                1 => self.binary(SUM, "-", [of, of], depth),
                2 => self.binary(PRODUCT, "*", [of, of], depth),
                3 => self.binary(PRODUCT, "/", [of, of], depth),
                _ => Node::expr(13).text("-").at(13, self.expr(of, depth - 1)),
            },
            Type::Text(Sort::Plain) => {
                let other = self.stringable();
                self.binary(SUM, "+", [of, &other], depth)
            }
            Type::Path => self.binary(SUM, "+", [of, &Type::STRING], depth),
            Type::List(_) => self.binary((12, 11, 11), "++", [of, of], depth),
            Type::Dict(_) => self.binary((8, 7, 7), "//", [of, of], depth),
            Type::Record(fields) => {
                let kept = fields.iter().filter(|_| self.random.percent(50));
                let fewer = Type::Record(kept.cloned().collect());
                if self.chance(50) {
                    self.binary((8, 7, 7), "//", [&fewer, of], depth)
                } else {
                    self.binary((8, 7, 7), "//", [of, &fewer], depth)
                }
            }
            Type::Bool => match self.random.below(9) {
                0 => Node::expr(8).text("!").at(8, self.expr(of, depth - 1)),
                1 => self.binary((4, 4, 5), "&&", [of, of], depth),
                2 => self.binary((3, 3, 4), "||", [of, of], depth),
                3 => self.binary((3, 2, 2), "->", [of, of], depth),
                4 => {
                    let inner = Type::dict(self.any_type(1));
                    let set = self.expr(&inner, depth - 1);
                    let mut node = Node::expr(12).at(13, set).text(" ? ").text(attribute(&self.key()));
                    if self.chance(20) {
                        node = node.text(format!(".{}", attribute(&self.key())));
                    }
                    node
                }
                5 | 6 => {
                    let inner = self.any_type(2);
                    let sign = *self.random.pick(&[&"==", &"!="]);
                    self.binary((6, 5, 6), sign, [&inner, &inner], depth)
                }
                _ => {
                    let inner = match self.random.below(6) {
                        0 => Type::STRING,
                        1 => Type::list(Type::Number),
                        2 => Type::Path,
                        3 => Type::list(self.any_type(1)),
                        _ => Type::Number,
                    };
                    let sign = *self.random.pick(&[&"<", &"<=", &">", &">="]);
                    self.binary((7, 6, 7), sign, [&inner, &inner], depth)
                }
            },
            _ => return None,
        })
    }

    /// A value of the type within something that hands it on.
    fn wrapped(&mut self, of: &Type, depth: usize) -> Node {
        match self.random.below(23) {
            0 | 1 => {
                let condition = self.expr(&Type::Bool, depth);
                let (a, b) = (self.expr(of, depth), self.expr(of, depth));
                Node::expr(OPEN).text("if ").open(condition).text(" then ").open(a).text(" else ").open(b)
            }
            2..=5 => self.let_in(of, depth),
            6 => {
                let of_set = self.record_with(of);
                let set = self.expr(&of_set, depth);
                let Type::Record(fields) = of_set else { unreachable!("it is a record") };
                let height = self.scope.len();
                let fields: Vec<_> =
                    fields.into_iter().filter(|(name, _)| is_plain(name) && name != "or").collect();
                // What is bound otherwise hides what `with` brings.
                let new: Vec<_> = fields
                    .into_iter()
                    .filter(|(name, _)| self.scope.iter().all(|(other, _)| other != name))
                    .collect();
                self.scope.extend(new);
                let body = self.expr(of, depth);
                self.scope.truncate(height);
                Node::expr(OPEN).text("with ").open(set).text("; ").open(body)
            }
            7 => {
                let condition =
                    if self.chance(85) { Node::atom("true") } else { self.expr(&Type::Bool, depth) };
                Node::expr(OPEN).text("assert ").open(condition).text("; ").open(self.expr(of, depth))
            }
            8..=10 => {
                let from = if self.chance(60) { self.record_with(of) } else { self.any_type(2) };
                let function = self.function(&from, of, depth);
                let argument = self.expr(&from, depth);
                match self.random.below(10) {
                    0 => Node::expr(1).at(1, argument).text(" |> ").at(2, function),
                    1 => Node::expr(1).at(2, function).text(" <| ").at(1, argument),
                    _ => Node::call(function, [argument]),
                }
            }
            11 | 12 => {
                let name = self.key();
                let set = self.expr(&Type::Record(vec![(name.clone(), of.clone())]), depth);
                let written = self.written(&name, depth);
                Node::expr(SELECT).at(ATOM, set).text(".").items([written])
            }
            13 => {
                let (name, set) = (self.key(), Type::dict(of.clone()));
                let (set, other) = (self.expr(&set, depth), self.expr(of, depth));
                Node::expr(SELECT).at(ATOM, set).text(format!(".{} or ", attribute(&name))).at(SELECT, other)
            }
            14 => {
                let value = self.expr(of, depth);
                let value = Node::call(Node::atom("builtins.tryEval"), [value]);
                Node::expr(SELECT).at(ATOM, value).text(".value")
            }
            15 => {
                let value = self.expr(of, depth);
                let json = Node::call(Node::atom("builtins.toJSON"), [value]);
                Node::call(Node::atom("builtins.fromJSON"), [json])
            }
            16 => {
                let function = self.function(&Type::Any, &Type::function(Type::Int, of.clone()), depth);
                let set = Node::expr(ATOM).text("{ __functor = ").open(function).text("; }");
                Node::call(set, [self.expr(&Type::Int, depth)])
            }
            17 => {
                let height = self.scope.len();
                let binding = self.let_bindings(depth);
                let body = self.expr(of, depth);
                self.scope.truncate(height);
                Node::expr(ATOM).text("let {").items(binding).text(" body = ").open(body).text("; }")
            }
            18 => {
                let start =
                    self.expr(&Type::list(Type::Record(vec![("key".to_owned(), Type::Small)])), depth);
                let closure = Node::expr(CALL)
                    .text("builtins.genericClosure ")
                    .text("{ startSet = ")
                    .open(start)
                    .text("; operator = item: if item.key > 3 then [ ] else [ { key = item.key + 1; from = item.key; } { key = item.key + 2; } ]; }");
                Node::call(Node::atom("builtins.seq"), [closure, self.expr(of, depth)])
            }
            19 => {
                let name = self.random.pick(&["a", "b", "x", "missing"]).to_owned();
                let default = self.expr(of, depth);
                let set = self.expr(&Type::Any, depth);
                Node::expr(SELECT).at(ATOM, set).text(format!(".{name}.b or ")).at(SELECT, default)
            }
            20 => {
                let of_variables = [self.any_type(1), self.any_type(1)];
                let list = self.expr(&Type::list(of_variables[0].clone()), depth);
                let function = self.function(of, &Type::function(of_variables[0].clone(), of.clone()), depth);
                let start = self.expr(of, depth);
                Node::call(Node::atom("builtins.foldl'"), [function, start, list])
            }
            21 => {
                let text = self.expr(&Type::STRING, depth);
                let value = self.expr(of, depth);
                let traced =
                    *self.random.pick(&[&"builtins.trace", &"builtins.addErrorContext", &"builtins.seq"]);
                Node::call(Node::atom(traced), [text, value])
            }
            _ => {
                let value = self.expr(of, depth);
                let list = Node::expr(ATOM).text("[ ").at(SELECT, value).text(" ]");
                let head = *self.random.pick(&[&"builtins.head", &"__head"]);
                Node::call(Node::atom(head), [list])
            }
        }
    }

    /// A set type one of whose attributes serves.
    fn record_with(&mut self, of: &Type) -> Type {
        let mut fields = vec![(self.name(), of.clone())];
        for _ in 0..self.random.below(3) {
            let name = self.name();
            if fields.iter().all(|(other, _)| *other != name) {
                let of = self.any_type(1);
                fields.push((name, of));
            }
        }
        Type::Record(fields)
    }

    /// Bindings whose names are in scope from then on.
    fn let_bindings(&mut self, depth: usize) -> Vec<Node> {
        let n = 1 + self.random.below(3);
        let mut fields: Vec<(String, Type)> = Vec::new();
        for _ in 0..n {
            let (name, of) = (self.name(), self.any_type(2));
            if fields.iter().all(|(other, _)| *other != name) {
                fields.push((name, of));
            }
        }
        // What is bound later may be used earlier, at the risk of running in circles.
        let ahead = self.chance(25);
        if ahead {
            self.scope.extend(fields.iter().cloned());
        }
        let mut bindings = Vec::new();
        for (name, of) in &fields {
            let value = self.expr(of, depth);
            bindings.push(Node::item().text(format!(" {name} = ")).open(value).text(";"));
            if !ahead {
                self.scope.push((name.clone(), of.clone()));
            }
        }
        bindings
    }

    fn let_in(&mut self, of: &Type, depth: usize) -> Node {
        let height = self.scope.len();
        let bindings = self.let_bindings(depth);
        let body = self.expr(of, depth);
        self.scope.truncate(height);
        Node::expr(OPEN).text("let").items(bindings).text(" in ").open(body)
    }
}
