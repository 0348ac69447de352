//! Layouts against a plain map: what they find, and the plans to make one set of two.

use frazil_syntax::symbol::{Symbol, Symbols};
use frazil_value::{LayoutId, Layouts, Plan, Source, Sources};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Names that collide, share beginnings and come in every length; often more than are searched one by one.
fn names() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        prop::collection::vec("[a-c]{0,3}", 0..8),
        prop::collection::btree_set("[a-z]{1,4}", 0..60).prop_map(|names| names.into_iter().collect()),
    ]
}

struct World {
    layouts: Layouts,
    symbols: Symbols,
}

impl World {
    fn new() -> World {
        World { layouts: Layouts::new(), symbols: Symbols::new() }
    }

    /// The layout of names in any order.
    fn layout(&mut self, names: &[String]) -> LayoutId {
        let keys: Vec<Symbol> = names.iter().map(|name| self.symbols.intern(name.as_bytes())).collect();
        self.layouts.intern_unsorted(&keys, &self.symbols).0
    }

    fn names(&self, layout: LayoutId) -> Vec<String> {
        let name = |key: &Symbol| String::from_utf8(self.symbols.name(*key).to_vec()).expect("made of text");
        self.layouts.keys(layout).iter().map(name).collect()
    }

    /// The set that a plan makes of two sets whose values are these.
    fn carry_out(&self, plan: &Plan, left: &[&str], right: &[&str]) -> BTreeMap<String, String> {
        let sources: Vec<Source> = match &plan.sources {
            Sources::Narrow(packed) => packed.iter().map(|&source| Sources::narrow(source)).collect(),
            Sources::Wide(packed) => packed.iter().map(|&source| Sources::wide(source)).collect(),
        };
        let value = |source: Source| [left, right][source.set][source.slot].to_owned();
        self.names(plan.layout).into_iter().zip(sources.into_iter().map(value)).collect()
    }
}

/// A set as a map from its names, all with this value.
fn map(names: &[String], value: &str) -> BTreeMap<String, String> {
    names.iter().map(|name| (name.clone(), value.to_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn keys_are_in_order_and_once(names in names()) {
        let mut world = World::new();
        let layout = world.layout(&names);
        let expected: Vec<String> = names.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        prop_assert_eq!(world.names(layout), &*expected);
        prop_assert_eq!(world.layouts.len(layout), expected.len());
    }

    #[test]
    fn the_first_of_equal_keys_counts(names in names()) {
        let mut symbols = Symbols::new();
        let keys: Vec<Symbol> = names.iter().map(|name| symbols.intern(name.as_bytes())).collect();
        let (_, order) = Layouts::new().intern_unsorted(&keys, &symbols);
        let mut first = BTreeMap::new();
        for (i, name) in names.iter().enumerate() {
            first.entry(name).or_insert(i as u32);
        }
        prop_assert_eq!(order, first.into_values().collect::<Vec<_>>());
    }

    #[test]
    fn equal_keys_are_one_layout(names in names(), others in names()) {
        let mut world = World::new();
        let (a, b) = (world.layout(&names), world.layout(&others));
        let reversed: Vec<String> = names.iter().rev().cloned().collect();
        prop_assert_eq!(world.layout(&reversed), a);
        prop_assert_eq!(a == b, world.names(a) == world.names(b));
        prop_assert_eq!(a == LayoutId::EMPTY, names.is_empty());
    }

    #[test]
    fn a_key_is_found_at_its_slot(names in names(), absent in "[A-Z]{1,2}") {
        let mut world = World::new();
        let layout = world.layout(&names);
        let stranger = world.symbols.intern(absent.as_bytes());
        // The second time around, the cache of searches answers.
        for _ in 0..2 {
            for (slot, &key) in world.layouts.keys(layout).iter().enumerate() {
                prop_assert_eq!(world.layouts.find(layout, key), Some(slot as u32));
            }
            prop_assert_eq!(world.layouts.find(layout, stranger), None);
        }
    }

    #[test]
    fn update_takes_the_right_side_first(left in names(), right in names()) {
        let mut world = World::new();
        let (a, b) = (world.layout(&left), world.layout(&right));
        let (left, right) = (map(&left, "left"), map(&right, "right"));
        let values = |map: &BTreeMap<String, String>| map.values().cloned().collect::<Vec<_>>();
        let (l, r) = (values(&left), values(&right));
        let (l, r): (Vec<&str>, Vec<&str>) = (l.iter().map(|v| &**v).collect(), r.iter().map(|v| &**v).collect());
        let mut expected = left.clone();
        expected.extend(right.clone());
        for _ in 0..2 {
            let plan = world.layouts.update(a, b, &world.symbols);
            prop_assert_eq!(world.carry_out(&plan, &l, &r), expected.clone());
        }
    }

    #[test]
    fn intersection_takes_the_right_values(left in names(), right in names()) {
        let mut world = World::new();
        let (a, b) = (world.layout(&left), world.layout(&right));
        let (left, mut expected) = (map(&left, "left"), map(&right, "right"));
        let r = vec!["right"; expected.len()];
        expected.retain(|name, _| left.contains_key(name));
        for _ in 0..2 {
            let plan = world.layouts.intersection(a, b);
            prop_assert_eq!(world.carry_out(&plan, &[], &r), expected.clone());
        }
    }
}
