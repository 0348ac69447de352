//! The house stands as the README draws it.
#![expect(clippy::disallowed_methods, reason = "this test reads the checkout it is part of")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms whose roots may leave out `forbid(unsafe_code)`.
const UNSAFE_ROOMS: &[&str] =
    &["eval/value", "bindings/wasm", "bindings/python", "bindings/node", "bindings/c"];

/// A room that looks into any other, as tests do.
const MEASUREMENTS: &str = "benches";

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

fn manifest(room: &str) -> toml::Table {
    let path = top().join(room).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The members of the workspace, by folder.
fn rooms() -> Vec<String> {
    let members = manifest(".")["workspace"]["members"].as_array().expect("members is a list").clone();
    members.iter().map(|member| member.as_str().expect("members are names").to_owned()).collect()
}

/// The names of all crates that a manifest asks for, on any target, but not for its tests.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let tables = std::iter::once(manifest).chain(targets.filter_map(|(_, table)| table.as_table()));
    tables
        .flat_map(|table| ["dependencies", "build-dependencies"].map(|kind| table.get(kind)))
        .filter_map(|table| table?.as_table())
        .flat_map(|table| {
            table.iter().map(|(name, entry)| {
                let renamed = entry.get("package").and_then(toml::Value::as_str);
                renamed.unwrap_or(name).to_owned()
            })
        })
        .collect()
}

/// Arrows as pairs of the room that is used and the room that uses it.
fn drawn_arrows(readme: &str) -> BTreeSet<(String, String)> {
    let block = readme.split("```arrows\n").nth(1).expect("the README draws arrows");
    let block = block.split("```").next().expect("split gives one part at least");
    let mut arrows = BTreeSet::new();
    for line in block.lines() {
        let (from, to) = line.split_once("->").unwrap_or_else(|| panic!("no arrow in '{line}'"));
        for to in to.split(',') {
            arrows.insert((from.trim().to_owned(), to.trim().to_owned()));
        }
    }
    arrows
}

#[test]
fn arrows_are_those_of_the_readme() {
    let manifests: BTreeMap<String, toml::Table> =
        rooms().into_iter().map(|room| (room.clone(), manifest(&room))).collect();
    let room_of: BTreeMap<&str, &str> = manifests
        .iter()
        .map(|(room, manifest)| (manifest["package"]["name"].as_str().expect("a name"), room.as_str()))
        .collect();
    let mut arrows = BTreeSet::new();
    for (room, manifest) in &manifests {
        for name in dependencies(manifest) {
            if let Some(used) = room_of.get(name.as_str()) {
                assert_ne!(*used, MEASUREMENTS, "{room} uses the measurements");
                if room != MEASUREMENTS {
                    arrows.insert(((*used).to_owned(), room.clone()));
                }
            }
        }
    }
    let readme = fs::read_to_string(top().join("README.md")).expect("there is a README");
    let drawn = drawn_arrows(&readme);
    let missing: Vec<_> = arrows.difference(&drawn).collect();
    let idle: Vec<_> = drawn.difference(&arrows).collect();
    assert!(missing.is_empty(), "arrows that the README does not draw: {missing:?}");
    assert!(idle.is_empty(), "arrows of the README that no manifest has: {idle:?}");
}

#[test]
fn every_room_says_the_oldest_compiler() {
    for room in rooms() {
        let package = &manifest(&room)["package"];
        let inherits = package.get("rust-version").and_then(|version| version.get("workspace"));
        assert_eq!(
            inherits.and_then(toml::Value::as_bool),
            Some(true),
            "{room} has no `rust-version.workspace = true`"
        );
    }
}

#[test]
fn every_room_is_in_the_readme() {
    let readme = fs::read_to_string(top().join("README.md")).expect("there is a README");
    for room in rooms() {
        let name = manifest(&room)["package"]["name"].as_str().expect("a name").to_owned();
        assert!(readme.contains(&format!("| `{room}` | `{name}` |")), "the README's table has no {room}");
    }
}

/// The crate roots of a room: its library and its programs.
fn roots(room: &str) -> Vec<PathBuf> {
    let folder = top().join(room);
    let manifest = manifest(room);
    let programs = manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    let mut roots: Vec<PathBuf> =
        programs.filter_map(|program| program.get("path")?.as_str()).map(|path| folder.join(path)).collect();
    roots.extend(["src/lib.rs", "src/main.rs"].map(|path| folder.join(path)));
    roots.retain(|root| root.exists());
    roots.sort();
    roots.dedup();
    assert!(!roots.is_empty(), "{room} has no crate root");
    roots
}

#[test]
fn unsafe_code_is_forbidden_where_it_has_no_business() {
    for room in rooms().iter().filter(|room| !UNSAFE_ROOMS.contains(&room.as_str())) {
        for root in roots(room) {
            let text = fs::read_to_string(&root).expect("a source file");
            assert!(
                text.lines().any(|line| line == "#![forbid(unsafe_code)]"),
                "{} has no #![forbid(unsafe_code)]",
                root.display()
            );
        }
    }
}

/// Every `.rs` file below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the checkout") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            // Folders of other tools, and packages of other languages, lie beside the sources.
            if !["target", "node_modules", ".venv"].iter().any(|name| path.ends_with(name)) {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_module_says_what_it_is() {
    for room in rooms() {
        let mut files = Vec::new();
        sources(&top().join(room), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).expect("a source file");
            let first = text.lines().find(|line| !line.starts_with("#!["));
            assert!(
                first.is_some_and(|line| line.len() > "//! ".len() && line.starts_with("//! ")),
                "{} does not begin with a `//!` line",
                file.display()
            );
        }
    }
}
