//! What holds of builtins whatever they are given.

mod quiet;

use proptest::prelude::*;
use quiet::{Quiet, answer};
use std::sync::Arc;

/// The value of a program that has one.
fn value(program: &str) -> String {
    let mut evaluator = Arc::new(Quiet::default()).evaluator();
    answer(&mut evaluator, program).unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn list(elements: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let elements: String = elements.into_iter().map(|element| format!("{element} ")).collect();
    format!("[ {elements}]")
}

/// A set from small names to numbers.
fn set() -> impl Strategy<Value = String> {
    prop::collection::btree_map("[a-e]{1,2}", any::<i32>(), 0..8).prop_map(|set| {
        let attrs: String = set.iter().map(|(name, n)| format!("\"{name}\" = {n}; ")).collect();
        format!("{{ {attrs}}}")
    })
}

/// A value that JSON can hold, as a program and nested some levels deep.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i32>().prop_map(|n| format!("({n})")),
        (-1e6..1e6f64).prop_map(|f| format!("({f:?})")),
        "[a-zé \\t]{0,6}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(list),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4).prop_map(|set| {
                let attrs: String = set.iter().map(|(name, v)| format!("\"{name}\" = {v}; ")).collect();
                format!("{{ {attrs}}}")
            }),
        ]
    })
}

fn version() -> impl Strategy<Value = String> {
    prop::collection::vec("[0-9]{1,3}|[a-c]|pre|\\.|-", 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn sort_is_stable(keys in prop::collection::vec(0..6i32, 0..50)) {
        let pairs: Vec<(usize, i32)> = keys.iter().copied().enumerate().collect();
        let mut sorted = pairs.clone();
        sorted.sort_by_key(|pair| pair.1);
        let show = |pairs: &[(usize, i32)]| list(pairs.iter().map(|(i, key)| format!("[ {key} {i} ]")));
        let program = format!("builtins.sort (a: b: builtins.head a < builtins.head b) {}", show(&pairs));
        prop_assert_eq!(value(&program), show(&sorted));
    }

    /// Breadth first, each key once, as a queue finds them.
    #[test]
    fn generic_closure_goes_breadth_first(edges in prop::collection::vec(prop::collection::vec(0..8usize, 0..4), 8)) {
        let (mut order, mut at) = (vec![0], 0);
        while at < order.len() {
            for &next in &edges[order[at]] {
                if !order.contains(&next) {
                    order.push(next);
                }
            }
            at += 1;
        }
        let edges = list(edges.iter().map(list));
        let program = format!(
            "map (x: x.key) (builtins.genericClosure {{ startSet = [ {{ key = 0; }} ]; \
             operator = x: map (key: {{ inherit key; }}) (builtins.elemAt {edges} x.key); }})"
        );
        prop_assert_eq!(value(&program), list(order));
    }

    #[test]
    fn update_is_associative(a in set(), b in set(), c in set()) {
        prop_assert_eq!(value(&format!("({a} // {b}) // {c}")), value(&format!("{a} // ({b} // {c})")));
    }

    #[test]
    fn json_comes_back(v in json()) {
        prop_assert_eq!(value(&format!("builtins.fromJSON (builtins.toJSON {v})")), value(&v));
    }

    #[test]
    fn versions_compare_both_ways(a in version(), b in version()) {
        let compare = |a: &str, b: &str| value(&format!("builtins.compareVersions \"{a}\" \"{b}\""));
        let turned = compare(&b, &a);
        let turned = match &*turned {
            "1" => "-1",
            "-1" => "1",
            same => same,
        };
        prop_assert_eq!(compare(&a, &b), turned);
        prop_assert_eq!(compare(&a, &a), "0");
    }

    #[test]
    fn map_attrs_and_list_to_attrs_undo(a in set()) {
        let program = format!(
            "builtins.listToAttrs (builtins.attrValues (builtins.mapAttrs (name: value: {{ inherit name value; }}) {a}))"
        );
        prop_assert_eq!(value(&program), value(&a));
    }
}
