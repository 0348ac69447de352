//! Looks into each room: tokens, trees, scopes, instructions; and everything that is wrong with a text.

use crate::evaluator::{Evaluator, Program, Source, load, read};
use frazil_code::FileCode;
use frazil_syntax::expr::Expr;
use frazil_syntax::symbol::Symbols;
use frazil_syntax::tree::SyntaxNode;
use frazil_syntax::{Options, parse_lossless};
use frazil_vm::{Error, ErrorKind, Pos};
use std::fmt::Write;

/// A room to look into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// Kinds, ranges and texts of tokens, trivia among them.
    Tokens,
    /// The lossless tree.
    Tree,
    /// The compact tree with what its variables mean, unit by unit.
    Ir,
    /// The instructions of each unit.
    Bytecode,
}

impl Evaluator {
    /// A program as one of the rooms has it.
    pub fn explain(&mut self, view: View, source: &Source) -> Result<String, Error> {
        let options = self.options();
        let mut m = self.world().machine();
        if let View::Tokens | View::Tree = view {
            let text = read(&mut m, source)?.text;
            let (tree, _) = parse_lossless(&String::from_utf8_lossy(&text), &options);
            return Ok(if view == View::Tokens { tokens(&tree) } else { nodes(&tree) });
        }
        let unit = load(&mut m, source)?;
        let code = m.st.files.get(m.st.files.of_unit(unit)).code.clone();
        Ok(if view == View::Ir { units(&code, &m.st.symbols) } else { instructions(&code, &m.st.symbols) })
    }

    /// All that is wrong with a program before it runs: its syntax, or else its first undefined variable.
    pub fn check(&mut self, source: &Source) -> Result<Vec<Error>, Error> {
        let options = self.options();
        let mut m = self.world().machine();
        let Program { origin, text, base } = read(&mut m, source)?;
        let errors = match std::str::from_utf8(&text) {
            Ok(text) => parse_lossless(text, &options).1,
            // The lossless tree is of UTF-8; the compact one says what is first wrong.
            Err(_) => Vec::new(),
        };
        if errors.is_empty() {
            return Ok(m.load(origin, text, base, None).err().into_iter().collect());
        }
        let start = m.st.files.next_start(text.len());
        m.st.files.add_broken(origin, text, base);
        let at = |offset| Pos(start + offset);
        let error = |error: &frazil_syntax::SyntaxError| {
            let message = error.render(|offset| m.st.show_pos(at(offset)));
            Error::new(ErrorKind::Syntax, String::from_utf8_lossy(&message)).at(at(error.offset))
        };
        Ok(errors.iter().map(error).collect())
    }

    /// Names that mean something in every program, in order.
    pub fn globals(&mut self) -> Vec<String> {
        let state = &self.world().state;
        let name = |symbol| String::from_utf8_lossy(state.symbols.name(symbol)).into_owned();
        let mut names: Vec<String> = state.globals.keys().map(|&symbol| name(symbol)).collect();
        names.sort_unstable();
        names
    }

    /// What changes how texts are read.
    pub fn options(&mut self) -> Options {
        Options { pipe_operators: self.world().state.settings.pipe_operators }
    }
}

/// Writing to a `String` does not fail.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {
        writeln!($out, $($arg)*).expect("a String takes all")
    };
}

fn tokens(tree: &SyntaxNode) -> String {
    let mut out = String::new();
    for token in tree.descendants_with_tokens().filter_map(|element| element.into_token()) {
        line!(out, "{:?}@{:?} {:?}", token.kind(), token.text_range(), token.text());
    }
    out
}

fn nodes(tree: &SyntaxNode) -> String {
    use rowan::{NodeOrToken, WalkEvent};
    let (mut out, mut depth) = (String::new(), 0);
    for event in tree.preorder_with_tokens() {
        match event {
            WalkEvent::Enter(NodeOrToken::Node(node)) => {
                line!(out, "{:1$}{2:?}@{3:?}", "", 2 * depth, node.kind(), node.text_range());
                depth += 1;
            }
            WalkEvent::Enter(NodeOrToken::Token(token)) => {
                line!(
                    out,
                    "{:1$}{2:?}@{3:?} {4:?}",
                    "",
                    2 * depth,
                    token.kind(),
                    token.text_range(),
                    token.text()
                );
            }
            WalkEvent::Leave(NodeOrToken::Node(_)) => depth -= 1,
            WalkEvent::Leave(NodeOrToken::Token(_)) => {}
        }
    }
    out
}

fn units(code: &FileCode, symbols: &Symbols) -> String {
    let mut out = String::new();
    for i in 0..code.unit_count() as u32 {
        let unit = code.unit(i);
        let captures: Vec<_> = code.captures(&unit).collect();
        line!(
            out,
            "unit {i} {:?}: body {} params {} captures {captures:?}",
            unit.kind,
            unit.body.0,
            unit.params
        );
    }
    for (i, expr) in code.exprs.nodes.iter().enumerate() {
        let var = code.var(frazil_syntax::expr::ExprId(i as u32));
        match expr {
            Expr::Var(name) => {
                line!(out, "{i:4}  Var({}) = {var:?}", String::from_utf8_lossy(symbols.name(*name)))
            }
            expr => line!(out, "{i:4}  {expr:?}"),
        }
    }
    out
}

fn instructions(code: &FileCode, symbols: &Symbols) -> String {
    let mut out = String::new();
    for unit in 0..code.unit_count() as u32 {
        out.push_str(&format!("unit {unit}: "));
        out.push_str(&frazil_code::dump::dump(&frazil_code::emit(code, unit), code, symbols));
    }
    out
}
