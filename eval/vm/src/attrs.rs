//! Attribute sets: looking up, merging, iterating, and where attributes are defined.

use crate::files::Pos;
use crate::link::Site;
use crate::machine::Machine;
use crate::slots::Slots;
use frazil_syntax::symbol::Symbol;
use frazil_value::layout::LayoutKeys;
use frazil_value::{LayoutId, Overlay, Plan, Slot, Source, Sources, Val};
use rustc_hash::{FxHashMap, FxHashSet};

/// An entry of [`Positions`]; 0 is for sets whose attributes are defined nowhere.
pub(crate) type PositionsId = u32;

/// Slots of one set, each with that of another.
pub(crate) type SlotPairs = Vec<(u32, u32)>;

/// As many entries fit into the header of a set.
const MAX_POSITIONS: usize = (1 << 24) - 1;

enum Entry {
    None,
    /// The position of each slot.
    Literal(Box<[Pos]>),
    /// The left and the right entry of a merge, with the layouts that were merged.
    Update {
        left: PositionsId,
        right: PositionsId,
        layouts: (LayoutId, LayoutId),
    },
    /// The attributes of another set with some removed: its entry and layout.
    Subset {
        of: PositionsId,
        layout: LayoutId,
    },
}

/// Where the attributes of sets are defined, by entry; one is shared by all sets made in the same way.
pub(crate) struct Positions {
    entries: Slots<Entry>,
    /// Entries of sets that are made anew with each run of the same code, by their positions.
    literals: FxHashMap<Box<[Pos]>, PositionsId>,
    updates: FxHashMap<(PositionsId, PositionsId, LayoutId, LayoutId), PositionsId>,
    subsets: FxHashMap<(PositionsId, LayoutId), PositionsId>,
}

impl Default for Positions {
    fn default() -> Positions {
        let mut entries = Slots::default();
        entries.add(Entry::None);
        Positions {
            entries,
            literals: FxHashMap::default(),
            updates: FxHashMap::default(),
            subsets: FxHashMap::default(),
        }
    }
}

impl Positions {
    fn add(&mut self, entry: Entry) -> PositionsId {
        if self.entries.len() > MAX_POSITIONS {
            return 0;
        }
        self.entries.add(entry)
    }

    pub(crate) fn literal(&mut self, pos: Box<[Pos]>) -> PositionsId {
        self.add(Entry::Literal(pos))
    }

    /// The entry of these positions, one for all that ask for the same.
    fn shared_literal(&mut self, pos: &[Pos]) -> PositionsId {
        if let Some(&known) = self.literals.get(pos) {
            return known;
        }
        let id = self.literal(pos.into());
        self.literals.insert(pos.into(), id);
        id
    }

    fn update(
        &mut self,
        left: PositionsId,
        right: PositionsId,
        layouts: (LayoutId, LayoutId),
    ) -> PositionsId {
        if left == 0 && right == 0 {
            return 0;
        }
        let key = (left, right, layouts.0, layouts.1);
        if let Some(&known) = self.updates.get(&key) {
            return known;
        }
        let id = self.add(Entry::Update { left, right, layouts });
        self.updates.insert(key, id);
        id
    }

    pub(crate) fn subset(&mut self, of: PositionsId, layout: LayoutId) -> PositionsId {
        if of == 0 {
            return 0;
        }
        if let Some(&known) = self.subsets.get(&(of, layout)) {
            return known;
        }
        let id = self.add(Entry::Subset { of, layout });
        self.subsets.insert((of, layout), id);
        id
    }

    /// Tells the positions of the entries that sets have by these numbers, and the layouts; keeps the entries in `seen`.
    pub(crate) fn reach(
        &self,
        sets: Vec<PositionsId>,
        seen: &mut FxHashSet<PositionsId>,
        tell: &mut dyn FnMut(Pos),
        tell_layout: &mut dyn FnMut(LayoutId),
    ) {
        let mut todo = sets;
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            match self.entries.get(id) {
                Entry::None => {}
                Entry::Literal(pos) => pos.iter().for_each(|&pos| tell(pos)),
                Entry::Update { left, right, layouts } => {
                    todo.extend([*left, *right]);
                    [layouts.0, layouts.1].into_iter().for_each(&mut *tell_layout);
                }
                Entry::Subset { of, layout } => {
                    todo.push(*of);
                    tell_layout(*layout);
                }
            }
        }
    }

    /// Ends all entries but these, and the first.
    pub(crate) fn retain(&mut self, seen: &FxHashSet<PositionsId>) {
        let stays = |id: PositionsId| id == 0 || seen.contains(&id);
        self.entries.retain(|id, _| stays(id));
        self.literals.retain(|_, id| stays(*id));
        // The key's entries and layouts are those of the entry.
        self.updates.retain(|_, id| stays(*id));
        self.subsets.retain(|_, id| stays(*id));
    }
}

/// `//` does not copy the left side if it is larger than this, and so many times larger than the right one.
const OVERLAID: u32 = 64;
const OVERLAY_RATIO: u32 = 4;
/// Nor does it copy two sets that together are larger than this.
const HUGE: u32 = 512;
/// Layers that together are smaller than this are merged.
const SMALL: u32 = 128;
/// Layers of one set, at most.
const MAX_LAYERS: usize = 8;

type Layers = smallvec::SmallVec<[Val; 16]>;
type Layered = smallvec::SmallVec<[(Val, LayoutId); 16]>;

impl<'w> Machine<'w> {
    /// The slot of an attribute.
    #[inline]
    pub fn attr(&self, set: Val, name: Symbol) -> Option<&'w Slot> {
        self.layer_of(set, name).map(|(set, slot)| self.heap.attr(set, slot))
    }

    /// The plain set that an attribute comes from, which is the set itself or one of its layers, and the slot there.
    #[inline]
    fn layer_of(&self, set: Val, name: Symbol) -> Option<(Val, u32)> {
        let mut set = set;
        loop {
            if let Some(layout) = self.heap.layout(set) {
                return self.layouts.find(layout, name).map(|slot| (set, slot));
            }
            set = match self.heap.overlay(set) {
                Overlay::Flat(flat) => flat,
                Overlay::Layers { base, delta, .. } => match self.layer_of(delta, name) {
                    Some(found) => return Some(found),
                    None => base,
                },
            };
        }
    }

    /// Those of the attributes with these names that there are: name, value, and where it is defined.
    pub(crate) fn attrs_with_pos(&self, set: Val, names: &[Symbol]) -> Vec<(Symbol, Val, Pos)> {
        let mut layers = Layers::new();
        self.push_layers(set, &mut layers);
        let layers: Layered = layers.iter().rev().map(|&layer| (layer, self.plain_parts(layer).0)).collect();
        let found = names.iter().filter_map(|&name| {
            let in_layer = |&(layer, layout): &(Val, _)| Some((layer, self.layouts.search(layout, name)?));
            let (layer, slot) = layers.iter().find_map(in_layer)?;
            let pos = self.slot_pos(self.heap.positions(layer), slot, name);
            Some((name, self.heap.attr(layer, slot).get(), pos))
        });
        found.collect()
    }

    /// The slot of the attribute that a site selects.
    #[inline(always)]
    pub(crate) fn attr_at(&mut self, set: Val, site: &Site) -> Option<&'w Slot> {
        self.st.stats.selects += 1;
        let Some(layout) = self.heap.layout(set) else { return self.attr(set, site.name) };
        let slot = match site.get(layout) {
            Some(slot) => {
                self.st.stats.select_hits += 1;
                slot
            }
            None => {
                let slot = self.layouts.find(layout, site.name);
                site.set(layout, slot);
                slot
            }
        };
        slot.map(|slot| self.heap.attr(set, slot))
    }

    /// The same set, as a plain one.
    pub fn flat(&mut self, set: Val) -> Val {
        if self.heap.layout(set).is_some() {
            return set;
        }
        match self.heap.overlay(set) {
            Overlay::Flat(flat) => flat,
            Overlay::Layers { base, delta, .. } => {
                // As deep as there are layers.
                let (base, delta) = (self.flat(base), self.flat(delta));
                let flat = self.merge(base, delta);
                self.heap.set_flattened(set, flat);
                flat
            }
        }
    }

    /// The keys in order of their names, and the values.
    pub fn attrs(&mut self, set: Val) -> (LayoutKeys, &'w [Slot]) {
        let set = self.flat(set);
        let layout = self.heap.layout(set).expect("just flattened");
        (self.layouts.keys(layout), self.heap.attr_values(set, self.layouts))
    }

    /// The slots of a set in CppNix's order: that in which it first met the names.
    pub(crate) fn met_order(&mut self, set: Val) -> Vec<u32> {
        let keys = self.attrs(set).0;
        let mut order: Vec<u32> = (0..keys.len() as u32).collect();
        order.sort_unstable_by_key(|&slot| keys[slot as usize]);
        order
    }

    /// What CppNix compares of two flat sets of the same size, in the order of [`Self::met_order`]: the slots of
    /// each name up to the first where the two differ, and the two names there.
    pub(crate) fn met_pairs(&mut self, a: Val, b: Val) -> (SlotPairs, Option<(Symbol, Symbol)>) {
        let left = self.met_order(a);
        if self.heap.layout(a) == self.heap.layout(b) {
            return (left.into_iter().map(|slot| (slot, slot)).collect(), None);
        }
        let right = self.met_order(b);
        let (names_a, names_b) = (self.attrs(a).0, self.attrs(b).0);
        let names = |(x, y): (u32, u32)| (names_a[x as usize], names_b[y as usize]);
        let mut pairs: SlotPairs = left.into_iter().zip(right).collect();
        let same = pairs.iter().take_while(|&&pair| matches!(names(pair), (x, y) if x == y)).count();
        let differ = pairs.get(same).copied().map(names);
        pairs.truncate(same);
        (pairs, differ)
    }

    /// How many attributes there are.
    pub fn attr_count(&mut self, set: Val) -> usize {
        let set = self.flat(set);
        self.layouts.len(self.heap.layout(set).expect("just flattened"))
    }

    fn plain_parts(&self, set: Val) -> (LayoutId, &'w [Slot]) {
        (self.heap.layout(set).expect("a plain set"), self.heap.attr_values(set, self.layouts))
    }

    /// `a // b` of two plain sets, copied.
    fn merge(&mut self, a: Val, b: Val) -> Val {
        let ((la, va), (lb, vb)) = (self.plain_parts(a), self.plain_parts(b));
        let plan = self.layouts.update(la, lb, &self.st.symbols);
        let positions = self.st.positions.update(self.heap.positions(a), self.heap.positions(b), (la, lb));
        self.gather(&plan, [va, vb], positions)
    }

    /// The set that a plan makes of the values of two others.
    pub(crate) fn gather(&self, plan: &Plan, sets: [&[Slot]; 2], positions: PositionsId) -> Val {
        // A list is known by what holds it, when it is printed.
        let keeps_lists = self.st.settings.patient;
        let value = |source: Source| {
            let v = sets[source.set][source.slot].get();
            if v.is_element() {
                return v;
            }
            // A thunk that has run is not worth keeping.
            match self.heap.peek(v) {
                Some(value) if !(keeps_lists && value.is_list()) => value,
                _ => v,
            }
        };
        match &plan.sources {
            Sources::Narrow(packed) => {
                let values = packed.iter().map(|&source| value(Sources::narrow(source)));
                self.heap.new_attrs(plan.layout, positions, values)
            }
            Sources::Wide(packed) => {
                let values = packed.iter().map(|&source| value(Sources::wide(source)));
                self.heap.new_attrs(plan.layout, positions, values)
            }
        }
    }

    /// `a // b` of two sets.
    pub fn update(&mut self, a: Val, b: Val) -> Val {
        let empty = self.heap.empty_attrs();
        if b == empty {
            return a;
        }
        if a == empty {
            return b;
        }
        self.st.stats.updates += 1;
        let (na, nb) = (self.size(a), self.size(b));
        let is_overlaid = na > OVERLAID && nb * OVERLAY_RATIO <= na || na + nb > HUGE;
        if !is_overlaid {
            return self.merge_flat(a, b);
        }
        self.update_layers(a, b)
    }

    /// `a // b` as layers. A layer is merged with the one below if that is no larger, or both are small, as in a
    /// log-structured merge tree (O'Neil and others, 1996): so few layers are looked through, and little is copied.
    fn update_layers(&mut self, a: Val, b: Val) -> Val {
        let mut layers = Layers::new();
        self.push_layers(a, &mut layers);
        self.push_layers(b, &mut layers);
        let mut stack = Layers::new();
        for layer in layers {
            let mut layer = layer;
            while let Some(&below) = stack.last() {
                let (under, over) = (self.size(below), self.size(layer));
                if under > over && under + over > SMALL && stack.len() < MAX_LAYERS {
                    break;
                }
                stack.pop();
                layer = self.merge(below, layer);
            }
            stack.push(layer);
        }
        let mut size = self.size(stack[0]);
        let mut whole = stack[0];
        for (depth, &layer) in stack[1..].iter().enumerate() {
            size += self.size(layer);
            whole = self.heap.new_overlay(depth as u32 + 1, size, whole, layer);
        }
        whole
    }

    /// The plain sets that a set is made of, the lowest first.
    fn push_layers(&self, set: Val, layers: &mut Layers) {
        if self.heap.layout(set).is_some() {
            return layers.push(set);
        }
        match self.heap.overlay(set) {
            Overlay::Flat(flat) => layers.push(flat),
            // As deep as there are layers.
            Overlay::Layers { base, delta, .. } => {
                self.push_layers(base, layers);
                self.push_layers(delta, layers);
            }
        }
    }

    /// How many attributes there are at most.
    fn size(&self, set: Val) -> u32 {
        match self.heap.layout(set) {
            Some(layout) => self.layouts.len(layout) as u32,
            None => self.heap.overlay_size(set),
        }
    }

    fn merge_flat(&mut self, a: Val, b: Val) -> Val {
        let (a, b) = (self.flat(a), self.flat(b));
        self.merge(a, b)
    }

    /// A set of names in any order; of equal names the first counts.
    pub fn new_attrs(&mut self, names: &[Symbol], values: &[Val]) -> Val {
        let (layout, order) = self.layouts.intern_unsorted(names, &self.st.symbols);
        self.heap.new_attrs(layout, 0, order.iter().map(|&i| values[i as usize]))
    }

    /// The same with positions.
    pub(crate) fn new_attrs_at(&mut self, names: &[Symbol], values: &[Val], pos: &[Pos]) -> Val {
        let (layout, order) = self.layouts.intern_unsorted(names, &self.st.symbols);
        let positions = if pos.iter().all(|&p| p == Pos::NONE) {
            0
        } else {
            let pos: smallvec::SmallVec<[Pos; 16]> = order.iter().map(|&i| pos[i as usize]).collect();
            self.st.positions.shared_literal(&pos)
        };
        self.heap.new_attrs(layout, positions, order.iter().map(|&i| values[i as usize]))
    }

    /// Where an attribute is defined.
    pub fn attr_pos(&self, set: Val, name: Symbol) -> Pos {
        let Some((layer, slot)) = self.layer_of(set, name) else { return Pos::NONE };
        self.slot_pos(self.heap.positions(layer), slot, name)
    }

    fn slot_pos(&self, id: PositionsId, slot: u32, name: Symbol) -> Pos {
        let (mut id, mut slot) = (id, slot);
        loop {
            match self.st.positions.entries.get(id) {
                Entry::None => return Pos::NONE,
                Entry::Literal(pos) => return pos.get(slot as usize).copied().unwrap_or(Pos::NONE),
                Entry::Update { left, right, layouts } => match self.layouts.find(layouts.1, name) {
                    Some(at) => (id, slot) = (*right, at),
                    None => match self.layouts.find(layouts.0, name) {
                        Some(at) => (id, slot) = (*left, at),
                        None => return Pos::NONE,
                    },
                },
                Entry::Subset { of, layout } => match self.layouts.find(*layout, name) {
                    Some(at) => (id, slot) = (*of, at),
                    None => return Pos::NONE,
                },
            }
        }
    }

    /// The symbol that a string is.
    pub fn symbol(&mut self, string: Val) -> Symbol {
        if let Some(known) = self.heap.cached_symbol(string) {
            return Symbol(known);
        }
        let symbol = self.st.symbols.intern(self.heap.bytes(string));
        self.heap.cache_symbol(string, symbol.0);
        symbol
    }

    /// The string of a symbol.
    pub fn symbol_string(&mut self, symbol: Symbol) -> Val {
        let at = symbol.0 as usize;
        let strings = &mut self.st.symbol_strings;
        if strings.len() <= at {
            strings.resize(at + 1, Val::ABSENT);
        }
        if strings[at] == Val::ABSENT {
            let string = self.heap.new_string(self.st.symbols.name(symbol), 0);
            self.heap.cache_symbol(string, symbol.0);
            self.st.symbol_strings[at] = string;
            self.st.new_symbol_strings.push(string);
        }
        self.st.symbol_strings[at]
    }
}
