//! Values, traces and errors of small programs, against the answers of CppNix in `answers/`.
#![expect(clippy::disallowed_methods, reason = "this test reads the checkout it is part of")]

mod quiet;

use quiet::{Quiet, answer};
use std::sync::Arc;

/// What a program traces and what becomes of it, as `answers/record.py` writes it.
fn lines(program: &str) -> Vec<String> {
    let host = Arc::new(Quiet::default());
    // As `record.py` passes it: a program that begins with `-` is no flag.
    let outcome = match answer(&mut host.evaluator(), &format!(" {program}")) {
        Ok(value) => format!("= {value}"),
        Err(error) => format!("! {}", error.data().message.lines().next().unwrap_or_default()),
    };
    host.messages().into_iter().filter(|line| line.starts_with("trace: ")).chain([outcome]).collect()
}

fn check(family: &str) {
    let file = format!("{}/tests/answers/{family}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut wrong = String::new();
    for entry in text.split("\n\n").filter_map(|entry| entry.strip_prefix("> ")) {
        let mut entry = entry.trim_end().lines();
        let program = entry.next().expect("split gives one line at least");
        let (expected, found): (Vec<_>, Vec<_>) = (entry.collect(), lines(program));
        if expected != found {
            wrong += &format!("> {program}\n  CppNix {expected:?}\n  Frazil {found:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn numbers() {
    check("numbers");
}

#[test]
fn strings() {
    check("strings");
}

#[test]
fn lists() {
    check("lists");
}

#[test]
fn sets_and_functions() {
    check("attrs");
}

#[test]
fn order_of_forcing() {
    check("order");
}

#[test]
fn values_of_other_types() {
    check("types");
}

#[test]
fn texts_and_corners() {
    check("texts");
}

#[test]
fn toml() {
    check("toml");
}
