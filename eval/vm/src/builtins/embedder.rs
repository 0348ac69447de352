//! Functions of the embedder's: JSON in, JSON out, called as any builtin.

use super::json::{ToJson, from_json};
use super::{Builtin, list, row};
use crate::error::{Error, ErrorKind};
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Step, then};
use crate::world::World;
use frazil_value::Val;
use std::sync::Arc;

/// What a function of the embedder's does: from the JSON text of its list of arguments to that of its result.
pub type Run = dyn Fn(&[u8]) -> Result<Vec<u8>, String> + Send + Sync;

/// A function that the embedder registered.
#[derive(Clone)]
pub struct Function {
    /// What the program calls it.
    pub name: String,
    /// What it does.
    pub run: Arc<Run>,
}

/// The most arguments that such a function may take.
pub const MAX_ARITY: usize = 8;

/// No program can write it, and `builtins` does not have it.
pub(super) const NAME: &str = "«function of the embedder»";

/// One row for each number of arguments; the first argument is the number of the function.
pub(super) const TABLE: &[Builtin] = &[
    row(NAME, 2, &[], call),
    row(NAME, 3, &[], call),
    row(NAME, 4, &[], call),
    row(NAME, 5, &[], call),
    row(NAME, 6, &[], call),
    row(NAME, 7, &[], call),
    row(NAME, 8, &[], call),
    row(NAME, 9, &[], call),
];

fn call(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let arguments = list(m.heap, a[1..].to_vec());
    let json = Step::Run(Box::new(ToJson::new(arguments, true).with_plain_paths()));
    then(json, &[a[0]], |m, kept, json| {
        let number = m.heap.as_int(kept[0]).expect("the function's number, which `add_function` gave");
        let Function { name, run } = m.st.functions[number as usize].clone();
        let failed = |text| {
            let frame = format!("while calling the embedder's function '{name}'");
            Error::new(ErrorKind::Embedder, text).while_(Pos::NONE, frame)
        };
        let answer = run(m.heap.bytes(json)).map_err(failed)?;
        from_json(m, &answer).map(Step::Done).map_err(|error| match error.kind().is_limit() {
            true => error,
            false => failed(format!("its answer is no data: {}", error.data().message)),
        })
    })
}

impl Machine<'_> {
    /// The value of a JSON text.
    pub fn read_json(&mut self, json: &[u8]) -> Result<Val, Error> {
        from_json(self, json)
    }
}

impl World {
    /// Puts a function into scope everywhere, by its name. It takes from one argument to [`MAX_ARITY`].
    pub fn add_function(&mut self, arity: usize, function: Function) {
        assert!((1..=MAX_ARITY).contains(&arity), "a function takes from 1 to {MAX_ARITY} arguments");
        let number = self.state.functions.len() as i64;
        let name = self.state.symbols.intern(function.name.as_bytes());
        self.state.functions.push(function);
        let row = super::TABLE.iter().position(|row| row.name == NAME && row.arity as usize == arity + 1);
        let primop = self.heap.new_primop(row.expect("there is a row for each arity") as u32);
        let v = self.heap.new_partial(primop, std::iter::once(self.heap.new_int(number)));
        self.state.globals.insert(name, v);
    }

    /// Puts the value of a JSON text into scope everywhere, by that name.
    pub fn add_global(&mut self, name: &str, json: &[u8]) -> Result<(), Error> {
        let v = from_json(&mut self.machine(), json)?;
        let name = self.state.symbols.intern(name.as_bytes());
        self.state.globals.insert(name, v);
        Ok(())
    }
}
