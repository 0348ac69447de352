//! Hashes of strings and files.

use super::{Builtin, Want, row, strict};
use crate::error::{Error, ErrorKind};
use crate::files::Pos;
use crate::inputs::require_feature;
use crate::machine::Machine;
use crate::native::{Native, Step, then_expected};
use frazil_store::hash::{Algorithm, Format, Hash, HashError};
use frazil_value::Val;

pub(super) const TABLE: &[Builtin] = &[
    row(
        "hashString",
        2,
        &[strict(0, Want::Plain, "while evaluating the first argument passed to builtins.hashString")],
        |m, a| {
            let algorithm = algorithm(m, m.heap.bytes(a[0]))?;
            const CONTEXT: &str = "while evaluating the second argument passed to builtins.hashString";
            then_expected(a[1], Want::String, CONTEXT, &[], move |m, text| {
                Ok(Step::Done(digits(m, &algorithm.hash(m.heap.bytes(text)))))
            })
        },
    ),
    row(
        "hashFile",
        2,
        &[strict(0, Want::Plain, "while evaluating the first argument passed to builtins.hashFile")],
        |m, a| {
            let algorithm = algorithm(m, m.heap.bytes(a[0]))?;
            super::paths::path_of(a[1], &[], super::paths::REALISING, move |m, path, _| {
                let contents = m.realised_file(&path)?;
                Ok(Step::Done(digits(m, &algorithm.hash(&contents))))
            })
        },
    ),
    row(
        "convertHash",
        1,
        &[strict(0, Want::Attrs, "while evaluating the first argument passed to builtins.convertHash")],
        |_, a| Ok(Step::ReturnRun(Box::new(Convert { set: a[0], fields: Vec::new(), algorithm: None }))),
    ),
];

/// The algorithm of that name, if it may be used.
pub(super) fn algorithm(m: &Machine<'_>, name: &[u8]) -> Result<Algorithm, Error> {
    let algorithm = Algorithm::parse(name).map_err(usage)?;
    require_algorithm(m, algorithm)?;
    Ok(algorithm)
}

fn require_algorithm(m: &Machine<'_>, algorithm: Algorithm) -> Result<(), Error> {
    let enabled = algorithm != Algorithm::Blake3 || m.st.settings.features.blake3_hashes;
    require_feature(enabled, "blake3-hashes")
}

/// Fails if a hash says that it is of an algorithm that may not be used.
pub(super) fn require_hash(m: &Machine<'_>, hash: &[u8]) -> Result<(), Error> {
    let name = hash.iter().position(|c| b"-:".contains(c)).map_or(&b""[..], |at| &hash[..at]);
    Algorithm::parse(name).map_or(Ok(()), |algorithm| require_algorithm(m, algorithm))
}

/// The error that something is called by no name that there is.
fn usage(error: HashError) -> Error {
    Error::new(ErrorKind::Usage, error.to_string())
}

fn digits(m: &Machine<'_>, hash: &Hash) -> Val {
    m.heap.new_string(hash.to_digits(Format::Base16).as_bytes(), 0)
}

/// `convertHash`: its three attributes, forced in turn; the algorithm may be absent.
struct Convert {
    set: Val,
    fields: Vec<Option<Vec<u8>>>,
    algorithm: Option<Algorithm>,
}

const CONTEXTS: [&str; 3] = [
    "while evaluating the attribute 'hash'",
    "while evaluating the attribute 'hashAlgo'",
    "while evaluating the attribute 'toHashFormat'",
];

impl Native for Convert {
    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        error.add_trace(Pos::NONE, CONTEXTS[self.fields.len()]);
    }

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            m.expect(input, Want::Plain, CONTEXTS[self.fields.len()])?;
            let text = m.heap.bytes(input).to_vec();
            if self.fields.len() == 1 {
                self.algorithm = Some(algorithm(m, &text)?);
            }
            self.fields.push(Some(text));
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
        let text = |i: usize| self.fields[i].as_deref().unwrap_or_default();
        let format = Format::parse(text(2)).map_err(usage)?;
        if Format::is_deprecated(text(2)) {
            m.st.say("warning: \"base32\" is a deprecated alias for hash format \"nix32\".");
        }
        require_hash(m, text(0))?;
        let hash = Hash::parse(text(0), self.algorithm).map_err(|e| Error::eval(e.to_string()))?;
        let converted = match format {
            Format::Sri => hash.to_prefixed(format),
            _ => hash.to_digits(format),
        };
        Ok(Step::Done(m.heap.new_string(converted.as_bytes(), 0)))
    }
}
