//! A program as a tree of texts, which can be made smaller part by part.

/// How tightly an expression binds, or how tightly it must where it stands.
pub type Level = u8;

/// `x: …`, `let`, `if` and the like.
pub const OPEN: Level = 0;
/// `f a`
pub const CALL: Level = 14;
/// `a.b`
pub const SELECT: Level = 15;
/// A name, a literal, anything in brackets.
pub const ATOM: Level = 16;

/// A part of a program.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    role: Role,
    pieces: Vec<Piece>,
}

/// What a part is to the whole.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Role {
    /// An expression, which may stand for any other.
    Expr(Level),
    /// A binding, an element, a formal: the whole remains a program without it.
    Item,
}

#[derive(Clone, PartialEq, Debug)]
enum Piece {
    Text(String),
    /// A node, and how tightly an expression must bind there.
    Node(Node, Level),
}

impl Node {
    /// An expression with nothing in it yet.
    pub fn expr(level: Level) -> Node {
        Node { role: Role::Expr(level), pieces: Vec::new() }
    }

    /// What can be left out, with nothing in it yet.
    pub fn item() -> Node {
        Node { role: Role::Item, pieces: Vec::new() }
    }

    /// A literal or a name.
    pub fn atom(text: impl Into<String>) -> Node {
        Node::expr(ATOM).text(text)
    }

    /// With a text behind it.
    pub fn text(mut self, text: impl Into<String>) -> Node {
        self.pieces.push(Piece::Text(text.into()));
        self
    }

    /// With an expression behind it, where any may stand.
    pub fn open(self, node: Node) -> Node {
        self.at(OPEN, node)
    }

    /// With an expression behind it, where only one may stand that binds so tightly.
    pub fn at(mut self, level: Level, node: Node) -> Node {
        self.pieces.push(Piece::Node(node, level));
        self
    }

    /// With items behind it.
    pub fn items(mut self, items: impl IntoIterator<Item = Node>) -> Node {
        self.pieces.extend(items.into_iter().map(|item| Piece::Node(item, OPEN)));
        self
    }

    /// The call of a builtin or another function.
    pub fn call(function: Node, arguments: impl IntoIterator<Item = Node>) -> Node {
        arguments
            .into_iter()
            .fold(Node::expr(CALL).at(CALL, function), |call, argument| call.text(" ").at(SELECT, argument))
    }

    /// The text of the program.
    pub fn print(&self) -> String {
        let mut out = String::new();
        self.write(OPEN, &mut out);
        out
    }

    fn write(&self, wanted: Level, out: &mut String) {
        let loose = matches!(self.role, Role::Expr(level) if level < wanted);
        if loose {
            out.push('(');
        }
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Node(node, level) => node.write(*level, out),
            }
        }
        if loose {
            out.push(')');
        }
    }

    /// How many nodes there are.
    pub fn size(&self) -> usize {
        1 + self.nodes().map(Node::size).sum::<usize>()
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Node(node, _) => Some(node),
            Piece::Text(_) => None,
        })
    }

    /// The program with its node number `n` in the order of the text replaced; gone for `None`.
    fn with(&self, n: usize, replacement: Option<&Node>) -> Node {
        fn walk(node: &Node, n: &mut usize, replacement: Option<&Node>) -> Option<Node> {
            if *n == 0 {
                *n = usize::MAX;
                return replacement.cloned();
            }
            *n -= 1;
            let pieces = node.pieces.iter().filter_map(|piece| match piece {
                Piece::Node(child, level) if *n < usize::MAX / 2 => {
                    walk(child, n, replacement).map(|child| Piece::Node(child, *level))
                }
                piece => Some(piece.clone()),
            });
            Some(Node { role: node.role, pieces: pieces.collect() })
        }
        let mut n = n;
        walk(self, &mut n, replacement).unwrap_or_else(|| Node::atom("null"))
    }

    fn get(&self, n: usize) -> &Node {
        fn walk<'a>(node: &'a Node, n: &mut usize) -> Option<&'a Node> {
            if *n == 0 {
                return Some(node);
            }
            *n -= 1;
            node.nodes().find_map(|child| walk(child, n))
        }
        let mut n = n;
        walk(self, &mut n).expect("n is below the size")
    }

    /// The expressions inside of a node that are not inside of one another.
    fn nearest<'a>(&'a self, out: &mut Vec<&'a Node>) {
        for node in self.nodes() {
            match node.role {
                Role::Expr(_) => out.push(node),
                Role::Item => node.nearest(out),
            }
        }
    }

    /// The smallest program that still has the property, as far as leaving out parts leads there.
    pub fn minimised(&self, has_property: &mut dyn FnMut(&Node) -> bool) -> Node {
        const SIMPLE: [&str; 6] = ["null", "0", "\"\"", "[ ]", "{ }", "true"];
        let mut best = self.clone();
        let mut n = 0;
        while n < best.size() {
            let node = best.get(n);
            let mut candidates = Vec::new();
            match node.role {
                Role::Item => candidates.push(best.with(n, None)),
                // The whole may not become a flag.
                Role::Expr(_) if n == 0 && node.print().starts_with("(-") => {}
                Role::Expr(_) => {
                    let mut inner = Vec::new();
                    node.nearest(&mut inner);
                    candidates.extend(inner.iter().map(|inner| best.with(n, Some(inner))));
                    if node.size() > 1 || node.print().len() > 4 {
                        candidates.extend(SIMPLE.iter().map(|text| best.with(n, Some(&Node::atom(*text)))));
                    }
                }
            }
            match candidates.into_iter().find(|smaller| has_property(smaller)) {
                Some(smaller) => best = smaller,
                None => n += 1,
            }
        }
        best
    }
}
