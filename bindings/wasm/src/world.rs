//! What an evaluation in a page sees: files in memory, trees whose contents JavaScript holds, JavaScript's clock.

use crate::scripts::Script;
use frazil::{FileKind, Host, HostError, HostResult, Memory};
use std::collections::BTreeMap;
use std::sync::Arc;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn milliseconds() -> f64;
}

/// Files by layers, of which an earlier one hides what a later one has at the same path; directories hold the entries of all.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) layers: Vec<Memory>,
}

impl World {
    /// The first answer of a layer that has something there.
    fn first<T>(&self, ask: impl Fn(&Memory) -> HostResult<T>) -> HostResult<T> {
        let mut answers = self.layers.iter().map(ask);
        answers.find(|answer| !matches!(answer, Err(HostError::NotFound))).unwrap_or(Err(HostError::NotFound))
    }
}

impl Host for World {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        self.first(|layer| layer.read_file(path))
    }

    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        let mut names = BTreeMap::new();
        let mut found = false;
        for layer in &self.layers {
            match layer.read_dir(path) {
                Ok(entries) => {
                    found = true;
                    for (name, kind) in entries {
                        names.entry(name).or_insert(kind);
                    }
                }
                Err(HostError::NotFound) => {}
                Err(error) if !found => return Err(error),
                // What is hidden by a directory.
                Err(_) => {}
            }
        }
        if found { Ok(names.into_iter().collect()) } else { Err(HostError::NotFound) }
    }

    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        self.first(|layer| layer.kind(path))
    }

    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        self.first(|layer| layer.read_link(path))
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.layers.iter().find_map(|layer| layer.env(name))
    }

    fn now(&self) -> i64 {
        (js_sys::Date::now() / 1000.0) as i64
    }

    fn clock(&self) -> u64 {
        (milliseconds() * 1e6) as u64
    }

    fn message(&self, line: &str) {
        self.layers.iter().for_each(|layer| layer.message(line));
    }
}

/// An entry of a tree: a path, what is there, and where its contents begin and end, or what it links to.
#[derive(serde::Deserialize)]
struct Entry(String, Kind, f64, f64, #[serde(default)] String);

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    File,
    Executable,
    Link,
}

/// Files that were unpacked elsewhere, below a directory.
#[wasm_bindgen]
pub struct Tree {
    pub(crate) files: Memory,
}

#[wasm_bindgen]
impl Tree {
    /// By the JSON of its entries, and what reads the bytes from one number to another.
    #[wasm_bindgen(constructor)]
    pub fn new(directory: &str, entries: &str, read: js_sys::Function) -> Result<Tree, String> {
        let entries: Vec<Entry> = serde_json::from_str(entries).map_err(|error| error.to_string())?;
        let read = Script::new(read);
        let mut files = Memory::new();
        for Entry(name, kind, from, to, target) in entries {
            let path = format!("{}/{name}", directory.trim_end_matches('/'));
            files = match kind {
                Kind::Link => files.link(path, target),
                kind => {
                    let read = read.clone();
                    files.later(path, matches!(kind, Kind::Executable), move || read.read(from, to))
                }
            };
        }
        Ok(Tree { files })
    }
}
