//! Programs that nobody can reach any more: their trees, code, positions and failures end, so that an evaluator which is
//! given new texts for ever holds no more than it needs.
//!
//! A file stays while a closure or a thunk that has not run is of one of its units, or while something can ask for a
//! position in it: the attributes of a set, the trace of a failure. Only a collection knows that, so it is one that asks.

use crate::error::Error;
use crate::files::{Origin, Pos};
use crate::machine::Machine;
use crate::world::World;
use frazil_syntax::symbol::Symbol;
use frazil_value::heap::Reference;
use frazil_value::{LayoutId, Val};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// A program's text, and the directory that its relative paths start from.
pub(crate) type ProgramText = (Arc<[u8]>, Vec<u8>);

/// What is known of a text that was a program.
pub(crate) struct Program {
    /// The unit of the whole.
    unit: u32,
    /// Whether it was asked for again since it was last asked which programs are needed.
    again: bool,
}

/// Programs and what they left in tables, of fewer bytes than this, about, are not looked for.
const MANY: u64 = 1 << 20;

impl Machine<'_> {
    /// The unit of a program that is a text, read if it is not known.
    pub fn load_text(&mut self, text: &[u8], base: &[u8]) -> Result<u32, Error> {
        let key: ProgramText = (text.into(), base.to_vec());
        if let Some(known) = self.st.programs.get_mut(&key) {
            known.again = true;
            return Ok(known.unit);
        }
        let unit = self.load(Origin::Text, key.0.clone(), key.1.clone(), None)?;
        self.st.programs.insert(key, Program { unit, again: false });
        Ok(unit)
    }
}

impl World {
    /// Whether so many programs were read that it is worth to look for those that are not needed. That takes time in
    /// proportion to what is alive, so there must be programs in proportion to it.
    pub(crate) fn has_many_programs(&self) -> bool {
        let left = self.state.beside(&self.layouts).saturating_sub(self.state.beside_at_last);
        self.state.files.added() + left > MANY.max(self.state.live / 8)
    }

    /// Collects the heap, and ends all programs that are not needed.
    pub(crate) fn collect_programs(&mut self) -> u64 {
        let World { heap, layouts, codes, state } = self;
        // They are made again for names that are asked for.
        state.symbol_strings.clear();
        let mut units = vec![false; state.units.len()];
        let mut symbols = vec![false; state.symbols.end()];
        let mut keys = vec![false; layouts.end()];
        let (mut failures, mut sets) = (FxHashSet::default(), FxHashSet::default());
        let mut roots = |visit: &mut dyn FnMut(Val)| state.roots(codes, visit);
        let live = heap.collect_telling(&mut roots, layouts, &mut |reference| match reference {
            Reference::Unit(unit) => units[unit as usize] = true,
            Reference::Set(layout, positions) => {
                keys[layout.0 as usize] = true;
                sets.insert(positions);
            }
            Reference::Failure(failure) => drop(failures.insert(failure)),
            Reference::Symbol(symbol) => symbols[symbol as usize] = true,
        });

        state.programs.retain(|_, program| {
            units[program.unit as usize] |= program.again;
            std::mem::take(&mut program.again)
        });
        let mut files = vec![false; state.files.end()];
        for (unit, _) in (0..).zip(&units).filter(|(_, needed)| **needed) {
            files[state.files.of_unit(unit) as usize] = true;
        }
        let mut positions = FxHashSet::default();
        let mut note = |pos| {
            if let Some(file) = state.files.of_pos(pos) {
                files[file as usize] = true;
            }
        };
        let mut note_keys = |layout: LayoutId| keys[layout.0 as usize] = true;
        state.positions.reach(sets.into_iter().collect(), &mut positions, &mut note, &mut note_keys);
        for (_, error) in state.failures.iter().filter(|(failure, _)| failures.contains(failure)) {
            let error = error.data();
            note(error.pos);
            error.traces.iter().for_each(|line| note(line.pos));
        }
        state.derivation_source.into_iter().for_each(|start| note(Pos(start)));

        state.units.fill(u32::MAX);
        for code in std::mem::take(codes).into_iter().filter(|code| files[code.file as usize]) {
            code.shapes.iter().for_each(|&(layout, _)| note_keys(layout));
            let literals = code.shapes.iter().map(|&(_, positions)| positions).collect();
            state.positions.reach(literals, &mut positions, &mut |_| {}, &mut note_keys);
            let unit = code.unit as usize;
            state.units[unit] = codes.push(code) as u32;
        }
        let has_layout = |layout: LayoutId| keys.get(layout.0 as usize).is_some_and(|&needed| needed);
        for (_, code) in codes.iter() {
            let formals = code.formals.iter().map(|(site, _)| site);
            code.sites.iter().chain(formals).for_each(|site| site.forget(has_layout));
        }
        layouts.retain(has_layout);
        state.files.retain(|file| files[file as usize]);
        state.units.truncate(state.files.unit_count());
        state.units.shrink_to_fit();
        state.positions.retain(&positions);
        state.failures.retain(|failure, _| failures.contains(&failure));
        // Patterns are texts of programs, and soon made again.
        state.regexes.clear();

        symbols[..state.own_symbols].fill(true);
        let mut note_name = |name: Symbol| symbols[name.0 as usize] = true;
        state.globals.keys().copied().for_each(&mut note_name);
        state.files.iter().flat_map(|file| file.code.exprs.symbols()).for_each(&mut note_name);
        (0..layouts.end()).flat_map(|id| layouts.keys(LayoutId(id as u32)).to_vec()).for_each(&mut note_name);
        state.symbols.retain(|name| symbols[name.0 as usize]);
        state.live_at_last = live;
        state.beside_at_last = state.beside(layouts);
        state.note_collection(heap, codes, live);
        live
    }
}
