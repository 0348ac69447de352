//! Stable text of a chunk, for `frazil explain --bytecode` and for tests.

use crate::emit::Chunk;
use std::fmt::Write;

/// The instructions of a chunk, one a line.
pub fn dump(chunk: &Chunk) -> String {
    let mut text = String::new();
    let registers = chunk.n_regs;
    writeln!(text, "params {} captures {} registers {registers}", chunk.params, chunk.captures)
        .expect("a String takes all");
    for (i, op) in chunk.ops.iter().enumerate() {
        writeln!(text, "{i:4}  {op:?}").expect("a String takes all");
    }
    text
}
