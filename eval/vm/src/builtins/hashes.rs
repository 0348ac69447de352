//! Hashes of strings and files.

use super::{Builtin, Want, row, strict};
use crate::coerce::{Coerce, CoerceTo};
use crate::error::Error;
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Native, Step, then_closure};
use frazil_store::hash::{Algorithm, Format, Hash};
use frazil_value::Val;

pub(super) const TABLE: &[Builtin] = &[
    row(
        "hashString",
        2,
        &[
            strict(0, Want::Plain, "while evaluating the first argument passed to builtins.hashString"),
            strict(1, Want::String, "while evaluating the second argument passed to builtins.hashString"),
        ],
        |m, a| {
            let algorithm = algorithm(m, a[0])?;
            Ok(Step::Done(digits(m, &algorithm.hash(m.heap.bytes(a[1])))))
        },
    ),
    row(
        "hashFile",
        2,
        &[strict(0, Want::Plain, "while evaluating the first argument passed to builtins.hashFile")],
        |m, a| {
            let algorithm = algorithm(m, a[0])?;
            let path = Coerce::new(a[1], CoerceTo::PLAIN, Pos::NONE, "while realising the context of a path");
            then_closure(Step::Run(Box::new(path)), &[], move |m, path| {
                let path = super::paths::canonical(m.heap.bytes(path));
                let contents = m.host_result(&path, m.st.host.read_file(&path))?;
                Ok(Step::Done(digits(m, &algorithm.hash(&contents))))
            })
        },
    ),
    row(
        "convertHash",
        1,
        &[strict(0, Want::Attrs, "while evaluating the first argument passed to builtins.convertHash")],
        |_, a| Ok(Step::ReturnRun(Box::new(Convert { set: a[0], fields: Vec::new() }))),
    ),
];

fn algorithm(m: &Machine<'_>, name: Val) -> Result<Algorithm, Error> {
    Algorithm::parse(m.heap.bytes(name)).map_err(|error| Error::eval(error.to_string()))
}

fn digits(m: &Machine<'_>, hash: &Hash) -> Val {
    m.heap.new_string(hash.to_digits(Format::Base16).as_bytes(), 0)
}

/// `convertHash`: its three attributes, forced in turn; the algorithm may be absent.
struct Convert {
    set: Val,
    fields: Vec<Option<Vec<u8>>>,
}

impl Native for Convert {
    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        const CONTEXTS: [&str; 3] = [
            "while evaluating the attribute 'hash'",
            "while evaluating the attribute 'hashAlgo'",
            "while evaluating the attribute 'toHashFormat'",
        ];
        if input != Val::ABSENT {
            m.expect(input, Want::Plain, CONTEXTS[self.fields.len()])?;
            self.fields.push(Some(m.heap.bytes(input).to_vec()));
        }
        while self.fields.len() < 3 {
            let known = &m.st.known;
            let name = [known.hash(), known.hash_algo(), known.to_hash_format()][self.fields.len()];
            match m.attr(self.set, name) {
                Some(slot) => return Ok(Step::Force(slot.get())),
                None if self.fields.len() == 1 => self.fields.push(None),
                None => {
                    let name = m.shown_name(name);
                    let error = Error::typed(format!("attribute '{name}' missing"));
                    return Err(error.while_(Pos::NONE, format!("while locating the attribute '{name}'")));
                }
            }
        }
        let algorithm = match &self.fields[1] {
            Some(name) => Some(Algorithm::parse(name).map_err(|e| Error::eval(e.to_string()))?),
            None => None,
        };
        let text = |i: usize| self.fields[i].as_deref().unwrap_or_default();
        let hash = Hash::parse(text(0), algorithm).map_err(|e| Error::eval(e.to_string()))?;
        let format = Format::parse(text(2)).map_err(|e| Error::eval(e.to_string()))?;
        if Format::is_deprecated(text(2)) {
            m.st.host.message("warning: \"base32\" is a deprecated alias for hash format \"nix32\".");
        }
        let converted = match format {
            Format::Sri => hash.to_prefixed(format),
            _ => hash.to_digits(format),
        };
        Ok(Step::Done(m.heap.new_string(converted.as_bytes(), 0)))
    }
}
