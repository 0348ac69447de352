//! Hashes of strings and files.

use super::{Builtin, Want, row, strict};
use crate::error::{Error, ErrorKind};
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Native, Step, traced};
use frazil_store::hash::{Algorithm, Format, Hash, HashError};
use frazil_value::Val;

pub(super) const TABLE: &[Builtin] = &[
    row(
        "hashString",
        2,
        &[strict(0, Want::Plain, "while evaluating the first argument passed to builtins.hashString")],
        |m, a| {
            // The algorithm must be known before the text is looked at.
            let algorithm = algorithm(m, a[0])?;
            Ok(Step::ReturnRun(Box::new(HashString { algorithm, text: a[1] })))
        },
    ),
    row(
        "hashFile",
        2,
        &[strict(0, Want::Plain, "while evaluating the first argument passed to builtins.hashFile")],
        |m, a| {
            let algorithm = algorithm(m, a[0])?;
            super::paths::path_of(a[1], &[], super::paths::REALISING, move |m, path, _| {
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
    enabled(m, Algorithm::parse(m.heap.bytes(name)).map_err(usage)?)
}

/// The algorithm, unless it is of an experimental feature that is not on.
fn enabled(m: &Machine<'_>, algorithm: Algorithm) -> Result<Algorithm, Error> {
    if algorithm == Algorithm::Blake3 && !m.st.settings.features.blake3_hashes {
        return Err(Error::eval(crate::inputs::missing_feature("blake3-hashes")));
    }
    Ok(algorithm)
}

/// The error that something is called by no name that there is.
fn usage(error: HashError) -> Error {
    Error::new(ErrorKind::Usage, error.to_string())
}

fn digits(m: &Machine<'_>, hash: &Hash) -> Val {
    m.heap.new_string(hash.to_digits(Format::Base16).as_bytes(), 0)
}

/// `hashString` of a text still to be forced.
struct HashString {
    algorithm: Algorithm,
    text: Val,
}

impl HashString {
    const CONTEXT: &str = "while evaluating the second argument passed to builtins.hashString";
}

impl Native for HashString {
    traced!(self, visit: [self.text]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input == Val::ABSENT {
            return Ok(Step::Force(self.text));
        }
        m.expect(input, Want::String, HashString::CONTEXT)?;
        Ok(Step::Done(digits(m, &self.algorithm.hash(m.heap.bytes(input)))))
    }

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        error.add_trace(Pos::NONE, HashString::CONTEXT);
    }
}

/// `convertHash`: its three attributes, forced in turn; the algorithm may be absent.
struct Convert {
    set: Val,
    fields: Vec<Option<Vec<u8>>>,
}

impl Convert {
    const CONTEXTS: [&str; 3] = [
        "while evaluating the attribute 'hash'",
        "while evaluating the attribute 'hashAlgo'",
        "while evaluating the attribute 'toHashFormat'",
    ];
}

impl Native for Convert {
    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        if let Some(context) = Convert::CONTEXTS.get(self.fields.len()) {
            error.add_trace(Pos::NONE, *context);
        }
    }

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            m.expect(input, Want::Plain, Convert::CONTEXTS[self.fields.len()])?;
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
            Some(name) => Some(Algorithm::parse(name).map_err(usage)?),
            None => None,
        };
        let text = |i: usize| self.fields[i].as_deref().unwrap_or_default();
        let hash = Hash::parse(text(0), algorithm).map_err(|e| Error::eval(e.to_string()))?;
        enabled(m, hash.algorithm())?;
        let format = Format::parse(text(2)).map_err(usage)?;
        if Format::is_deprecated(text(2)) {
            m.st.say("warning: \"base32\" is a deprecated alias for hash format \"nix32\".");
        }
        let converted = match format {
            Format::Sri => hash.to_prefixed(format),
            _ => hash.to_digits(format),
        };
        Ok(Step::Done(m.heap.new_string(converted.as_bytes(), 0)))
    }
}
