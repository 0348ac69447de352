//! Derivations CppNix 2.34.8 wrote: each is read, written again byte for byte, and its paths are
//! computed again from what it contains.
//!
//! `data/drvs` holds one of every kind. `FRAZIL_DRVS` names a directory with more, such as
//! `nix-instantiate --store DIR nixpkgs -A hello` makes.
#![expect(clippy::disallowed_methods, reason = "this test reads files that are not in the checkout")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use frazil_store::hash::Format;
use frazil_store::{Derivation, Draft, HashModulo, Output, Scratch, StoreDir, StorePath, aterm};

struct Written {
    text: Vec<u8>,
    drv: Derivation,
}

#[derive(Default)]
struct Checker {
    store: StoreDir,
    written: BTreeMap<StorePath, Written>,
    hashes: BTreeMap<StorePath, HashModulo>,
    scratch: Scratch,
}

impl Checker {
    fn read(dir: &Path) -> Checker {
        let mut checker = Checker::default();
        for entry in std::fs::read_dir(dir).expect("a directory of derivations") {
            let file = entry.unwrap();
            let name = file.file_name().into_string().unwrap();
            if name.ends_with(".drv") {
                let path = StorePath::parse(name.as_bytes()).unwrap();
                let text = std::fs::read(file.path()).unwrap();
                let drv = aterm::parse(&checker.store, path.derivation_name().unwrap(), &text);
                let drv = drv.unwrap_or_else(|error| panic!("{path}: {error}"));
                checker.written.insert(path, Written { text, drv });
            }
        }
        checker
    }

    fn check_all(&mut self) {
        for path in self.written.keys().cloned().collect::<Vec<_>>() {
            self.check(&path);
        }
    }

    /// Checks the inputs first, then this one, each once.
    fn check(&mut self, path: &StorePath) {
        if self.hashes.contains_key(path) {
            return;
        }
        let inputs: Vec<_> = self.written[path].drv.input_drvs.iter().map(|(p, _)| p.clone()).collect();
        for input in inputs {
            self.check(&input);
        }
        let Written { text, drv } = &self.written[path];
        self.check_text(path, text, drv);
        let hash = drv.hash_modulo(&self.store, &self.hashes, &mut self.scratch).unwrap();

        let mut blank = blanked(drv);
        blank.fill_outputs(&self.store, &self.hashes, &mut self.scratch).unwrap();
        assert_eq!(blank, *drv, "{path}");

        let finished = draft_of(drv).finish(&self.store, &self.hashes, &mut self.scratch).unwrap();
        assert_eq!(finished.drv, *drv, "{path}");
        assert_eq!(finished.path, *path);
        assert_eq!(finished.modulo, hash, "{path}");
        assert!(self.scratch.aterm() == text, "{path}");
        self.hashes.insert(path.clone(), hash);
    }

    fn check_text(&self, path: &StorePath, text: &[u8], drv: &Derivation) {
        let mut again = Vec::new();
        drv.write(&self.store, &mut again);
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(text), "{path}");
        assert_eq!(drv.store_path(&self.store, &again).unwrap(), *path);
    }
}

/// The derivation before its outputs had paths.
fn blanked(drv: &Derivation) -> Derivation {
    let mut blank = drv.clone();
    for (name, output) in &mut blank.outputs {
        if let Output::InputAddressed(_) = output {
            *output = Output::Deferred;
            blank.env.set(name, b"");
        }
    }
    blank
}

fn draft_of(drv: &Derivation) -> Draft {
    let mut draft = Draft::new(drv.name.clone());
    draft.set_outputs(drv.outputs.keys().map(|name| &**name)).unwrap();
    draft.system = drv.system.clone();
    draft.builder = drv.builder.clone();
    draft.args = drv.args.clone();
    draft.env = drv
        .env
        .iter()
        .filter(|(name, _)| !drv.outputs.contains_key(*name))
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect();
    draft.structured_attrs = drv.structured_attrs.clone();
    draft.input_drvs = drv.input_drvs.clone();
    draft.input_srcs = drv.input_srcs.clone();
    match drv.outputs.values().next().unwrap() {
        Output::Fixed { method, hash, .. } => {
            draft.output_hash = Some(hash.to_digits(Format::Sri).into());
            draft.output_hash_mode = Some(*method);
        }
        Output::Floating { method, algorithm } => {
            draft.content_addressed = true;
            draft.output_hash_algo = Some(*algorithm);
            draft.output_hash_mode = Some(*method);
        }
        Output::Impure { method, algorithm } => {
            draft.impure = true;
            draft.output_hash_algo = Some(*algorithm);
            draft.output_hash_mode = Some(*method);
        }
        Output::InputAddressed(_) | Output::Deferred => {}
    }
    draft
}

#[test]
fn one_of_every_kind() {
    let mut checker = Checker::read(Path::new("tests/data/drvs"));
    checker.check_all();
    assert_eq!(checker.hashes.len(), 24);
}

#[test]
fn a_closure_of_nixpkgs() {
    let Some(dir) = std::env::var_os("FRAZIL_DRVS").map(PathBuf::from) else {
        eprintln!("SKIPPED: FRAZIL_DRVS names no directory of derivations");
        return;
    };
    let mut checker = Checker::read(&dir);
    checker.check_all();
    assert!(!checker.hashes.is_empty(), "no derivations in {}", dir.display());
    eprintln!("{} derivations agree", checker.hashes.len());
}

/// Every text cut short, and every text with a byte changed, is read without a panic.
#[test]
fn damaged_texts_are_read() {
    let checker = Checker::read(Path::new("tests/data/drvs"));
    for (path, Written { text, .. }) in &checker.written {
        for at in 0..text.len() {
            let _ = aterm::parse(&checker.store, path.name(), &text[..at]);
            let mut damaged = text.clone();
            for byte in *b"\"[(]),\\\0\xff" {
                damaged[at] = byte;
                let _ = aterm::parse(&checker.store, path.name(), &damaged);
            }
        }
    }
}
