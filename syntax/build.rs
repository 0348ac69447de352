//! Makes the parser's tables from `grammar.txt`.
#![expect(clippy::disallowed_methods, reason = "a build script writes where cargo tells it to")]

#[path = "build/grammar.rs"]
mod grammar;
#[path = "build/lalr.rs"]
mod lalr;
#[path = "build/write.rs"]
mod write;

fn main() {
    println!("cargo::rerun-if-changed=grammar.txt");
    println!("cargo::rerun-if-changed=build");
    let grammar = grammar::read(include_str!("grammar.txt"));
    let tables = lalr::tables(&grammar);
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let path = std::path::Path::new(&out).join("tables.rs");
    std::fs::write(path, write::rust(&grammar, &tables)).expect("OUT_DIR can be written");
}
