//! What was forced, in order: for those who want to see laziness at work.

use crate::files::Pos;
use crate::machine::Machine;
use frazil_value::{ThunkCode, Val};

/// Thunks that began to run while somebody watched.
#[derive(Default)]
pub struct Forces {
    /// How many more are to be noted.
    pub room: usize,
    /// The thunks, in the order in which they began.
    pub thunks: Vec<Val>,
    /// Where each stands in the source, and how many frames were below it.
    pub notes: Vec<(Pos, u32)>,
}

impl Machine<'_> {
    /// Notes that a thunk begins to run.
    #[cold]
    pub(crate) fn note_force(&mut self, thunk: Val, code: ThunkCode, frames: usize) {
        let pos = match code {
            ThunkCode::Unit(unit) => {
                let file = self.st.files.get(self.st.files.of_unit(unit));
                let body = file.code.unit(unit - file.first_unit).body;
                crate::link::position(file.start, file.code.exprs.pos(body))
            }
            ThunkCode::Select { unit, at } => self.code(unit).pos_at(at as usize),
            ThunkCode::Apply { .. } => self.apply_pos(thunk),
        };
        let forces = &mut self.st.forces;
        forces.room -= 1;
        forces.thunks.push(thunk);
        forces.notes.push((pos, frames as u32));
    }
}
