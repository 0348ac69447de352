//! A resolved file in words, to be kept and read again by another process.

use super::*;
use frazil_syntax::symbol::Symbols;
use frazil_syntax::words::{Reader, Words, Writer};

impl FileCode {
    /// The file as bytes that [`FileCode::unpack`] makes it from again. `symbols` must be an interner that has met nothing but
    /// this file: its names are kept in the order in which the text has them, which programs can see. `None` for code that is
    /// patient, which nothing but an explanation runs.
    pub fn pack(&self, symbols: &Symbols) -> Option<Vec<u8>> {
        if self.patient.is_some() {
            return None;
        }
        let mut to = Writer::default();
        to.names(symbols);
        self.exprs.pack(&mut to);
        to.table(&self.units);
        to.table(&self.captures);
        to.table(&self.meanings);
        to.table(&sorted(self.delayed.iter().map(|(&id, &unit)| Delayed(id, unit))));
        to.table(&self.boxed.iter().map(|&held| Held(held)).collect::<Vec<_>>());
        to.table(&sorted(self.rebound.iter().map(|(&key, &var)| Rebound(key, var))));
        to.table(&self.withs);
        to.table(&self.with_places.iter().map(|&held| Held(held)).collect::<Vec<_>>());
        to.table(&self.sets);
        to.table(&self.lambdas);
        Some(to.finish())
    }

    /// The file that [`FileCode::pack`] made bytes of, its names met in `symbols` as if its text had been read. `None` if the
    /// bytes are no file; bytes that `pack` did not make are not looked at any closer than that.
    pub fn unpack(bytes: &[u8], symbols: &mut Symbols, names: Names) -> Option<FileCode> {
        let mut from = Reader::new(bytes);
        from.names(symbols)?;
        let exprs = Exprs::unpack(&mut from)?;
        let code = FileCode {
            names,
            units: from.table()?,
            captures: from.table()?,
            meanings: from.table()?,
            delayed: from.table()?.into_iter().map(|Delayed(id, unit)| (id, unit)).collect(),
            boxed: from.table()?.into_iter().map(|Held(held)| held).collect(),
            rebound: from.table()?.into_iter().map(|Rebound(key, var)| (key, var)).collect(),
            withs: from.table()?,
            with_places: from.table()?.into_iter().map(|Held(held)| held).collect(),
            sets: from.table()?,
            lambdas: from.table()?,
            exprs,
            patient: None,
        };
        let is_whole = from.is_at_end() && code.meanings.len() == code.exprs.nodes.len();
        (is_whole && code.sets.len() == code.exprs.set_count()).then_some(code)
    }
}

/// Entries of a map in one order.
fn sorted<T: Words<N>, const N: usize>(entries: impl Iterator<Item = T>) -> Vec<T> {
    let mut entries: Vec<T> = entries.collect();
    entries.sort_by_key(T::words);
    entries
}

/// An entry of [`FileCode::delayed`].
struct Delayed(ExprId, u32);

impl Words<2> for Delayed {
    fn words(&self) -> [u32; 2] {
        [self.0.0, self.1]
    }

    fn from_words([id, unit]: [u32; 2], _: &[Symbol]) -> Option<Delayed> {
        Some(Delayed(ExprId(id), unit))
    }
}

/// An entry of [`FileCode::rebound`].
struct Rebound((ExprId, bool), Var);

impl Words<3> for Rebound {
    fn words(&self) -> [u32; 3] {
        let Rebound((id, flag), var) = *self;
        [id.0, flag.into(), Meaning::of_var(var).0]
    }

    fn from_words([id, flag, var]: [u32; 3], _: &[Symbol]) -> Option<Rebound> {
        Some(Rebound((ExprId(id), flag == 1), Meaning(var).var()))
    }
}

impl Words<4> for PackedUnit {
    fn words(&self) -> [u32; 4] {
        let rest = u32::from(self.captures) | u32::from(self.params) << 16 | (self.kind as u32) << 24;
        [self.start, self.first_capture, self.locals, rest]
    }

    fn from_words([start, first_capture, locals, rest]: [u32; 4], _: &[Symbol]) -> Option<PackedUnit> {
        let kind = match rest >> 24 {
            0 => PackedKind::File,
            1 => PackedKind::Thunk,
            2 => PackedKind::Lambda,
            _ => return None,
        };
        let (captures, params) = (rest as u16, (rest >> 16) as u8);
        Some(PackedUnit { start, first_capture, locals, captures, params, kind })
    }
}

impl Words<1> for PackedPlace {
    fn words(&self) -> [u32; 1] {
        [self.0]
    }

    fn from_words([word]: [u32; 1], _: &[Symbol]) -> Option<PackedPlace> {
        Some(PackedPlace(word))
    }
}

impl Words<1> for Meaning {
    fn words(&self) -> [u32; 1] {
        [self.0]
    }

    fn from_words([word]: [u32; 1], _: &[Symbol]) -> Option<Meaning> {
        Some(Meaning(word))
    }
}

/// A place, and a slot of the set in it or the position of the `with` whose set it holds.
struct Held((Place, u32));

impl Words<2> for Held {
    fn words(&self) -> [u32; 2] {
        let Held((place, with)) = *self;
        [PackedPlace::new(place).0, with]
    }

    fn from_words([place, with]: [u32; 2], _: &[Symbol]) -> Option<Held> {
        Some(Held((PackedPlace(place).unpack(), with)))
    }
}

impl Words<3> for Group {
    fn words(&self) -> [u32; 3] {
        [self.local, self.sources, u32::from(self.boxed) | u32::from(self.sources_boxed) << 1]
    }

    fn from_words([local, sources, flags]: [u32; 3], _: &[Symbol]) -> Option<Group> {
        Some(Group { local, boxed: flags & 1 == 1, sources, sources_boxed: flags & 2 == 2 })
    }
}
