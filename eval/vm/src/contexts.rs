//! String contexts, hash-consed: equal contexts have equal numbers, and unions are remembered.

use frazil_store::context::ContextElem;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::sync::Arc;

/// The number of a context; 0 is the empty one.
pub type ContextId = u32;

/// All contexts of an evaluator.
pub struct Contexts {
    elems: Vec<ContextElem>,
    elem_ids: HashMap<ContextElem, u32, FxBuildHasher>,
    /// Elements of each context, in the order of [`ContextElem`].
    sets: Vec<Arc<[u32]>>,
    set_ids: HashMap<Arc<[u32]>, ContextId, FxBuildHasher>,
    unions: HashMap<(ContextId, ContextId), ContextId, FxBuildHasher>,
    /// Numbers in all contexts.
    numbers: usize,
}

impl Default for Contexts {
    fn default() -> Contexts {
        let empty: Arc<[u32]> = Arc::new([]);
        Contexts {
            elems: Vec::new(),
            elem_ids: HashMap::default(),
            sets: vec![empty.clone()],
            set_ids: [(empty, 0)].into_iter().collect(),
            unions: HashMap::default(),
            numbers: 0,
        }
    }
}

impl Contexts {
    fn elem(&mut self, elem: ContextElem) -> u32 {
        let Contexts { elems, elem_ids, .. } = self;
        *elem_ids.entry(elem).or_insert_with_key(|elem| {
            elems.push(elem.clone());
            elems.len() as u32 - 1
        })
    }

    fn set(&mut self, mut ids: Vec<u32>) -> ContextId {
        ids.sort_by(|&a, &b| self.elems[a as usize].cmp(&self.elems[b as usize]));
        ids.dedup();
        let ids: Arc<[u32]> = ids.into();
        let Contexts { sets, set_ids, numbers, .. } = self;
        *set_ids.entry(ids).or_insert_with_key(|ids| {
            *numbers += ids.len();
            sets.push(ids.clone());
            sets.len() as u32 - 1
        })
    }

    /// How many bytes they take, about.
    pub(crate) fn held(&self) -> u64 {
        const ELEM: usize = 120;
        const SET: usize = 64;
        const UNION: usize = 16;
        (self.elems.len() * ELEM + self.sets.len() * SET + self.unions.len() * UNION + self.numbers * 4)
            as u64
    }

    /// The context of these elements.
    pub fn of(&mut self, elems: impl IntoIterator<Item = ContextElem>) -> ContextId {
        let ids = elems.into_iter().map(|e| self.elem(e)).collect();
        self.set(ids)
    }

    /// The context of all elements of both.
    pub fn union(&mut self, a: ContextId, b: ContextId) -> ContextId {
        if a == b || b == 0 {
            return a;
        }
        if a == 0 {
            return b;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&known) = self.unions.get(&key) {
            return known;
        }
        let ids = self.sets[a as usize].iter().chain(self.sets[b as usize].iter()).copied().collect();
        let union = self.set(ids);
        self.unions.insert(key, union);
        union
    }

    /// The elements, in order.
    pub fn elements(&self, id: ContextId) -> impl ExactSizeIterator<Item = &ContextElem> {
        self.sets[id as usize].iter().map(|&e| &self.elems[e as usize])
    }
}
