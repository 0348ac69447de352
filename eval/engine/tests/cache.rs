//! Code of files, kept on disk.
#![cfg(feature = "disk")]
#![expect(clippy::disallowed_methods, reason = "a cache is files")]

use frazil_engine::{Cache, Disk, Evaluator, Limits, Settings, Source};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory that is gone when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("frazil-cache-{name}.{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a scratch directory");
        Scratch(dir)
    }

    /// A program that is long enough to be kept.
    fn program(&self, text: &str) -> PathBuf {
        let file = self.0.join("program.nix");
        fs::write(&file, format!("# {}\n{text}", "-".repeat(2100))).expect("a program");
        file
    }

    fn cache(&self) -> Cache {
        Cache::new(self.0.join("cache"), 1 << 20)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The value of a file, and how it fails.
fn value(cache: &Cache, file: &Path) -> Result<String, String> {
    let mut evaluator = Evaluator::new(Arc::new(Disk), Settings::default(), Limits::default());
    evaluator.world().state.cache = Some(frazil_engine::cache::asker(cache));
    let path = Disk::to_nix(file).expect("a path");
    let shown = evaluator.eval(&Source::File(path)).and_then(|v| {
        let v = evaluator.force_deep(v)?;
        evaluator.print(v)
    });
    let shown = shown.map(|text| String::from_utf8_lossy(&text).into_owned());
    shown.map_err(|error| evaluator.render(&error, true))
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(dir) else { return Vec::new() };
    let paths = found.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { entries(&path) } else { vec![path] }).collect()
}

#[test]
fn a_kept_file_is_read_again() {
    let scratch = Scratch::new("again");
    let file = scratch.program("let x = { b = 1; a = [ 1.5 \"s\" (y: y) ]; }; in x // { c = x.b + 1; }");
    let first = value(&scratch.cache(), &file).expect("a value");
    assert_eq!(entries(&scratch.0.join("cache")).len(), 1);
    assert_eq!(value(&scratch.cache(), &file), Ok(first));
    assert_eq!(entries(&scratch.0.join("cache")).len(), 1);
    // Another text is another entry.
    let file = scratch.program("2");
    assert_eq!(value(&scratch.cache(), &file).as_deref(), Ok("2"));
    assert_eq!(entries(&scratch.0.join("cache")).len(), 2);
}

#[test]
fn errors_of_a_kept_file_have_their_places() {
    let scratch = Scratch::new("errors");
    for text in ["let\n x = throw \"no\"; in\nx", "{ a = 1; a = 2; }", "1 +\n nowhere"] {
        let file = scratch.program(text);
        let without = value(&Cache::new(scratch.0.join("program.nix/no"), 0), &file);
        assert!(without.is_err());
        assert_eq!(value(&scratch.cache(), &file), without);
        assert_eq!(value(&scratch.cache(), &file), without);
    }
}

#[test]
fn a_damaged_entry_is_made_anew() {
    let scratch = Scratch::new("damaged");
    let file = scratch.program("{ a = 1; }.a");
    assert_eq!(value(&scratch.cache(), &file).as_deref(), Ok("1"));
    let [entry] = &entries(&scratch.0.join("cache"))[..] else { panic!("one entry") };
    let whole = fs::read(entry).expect("it can be read");
    for damage in [&b""[..], &whole[..whole.len() / 2], &[&whole[..], b"x"].concat()] {
        fs::write(entry, damage).expect("it can be written");
        assert_eq!(value(&scratch.cache(), &file).as_deref(), Ok("1"));
        assert_eq!(fs::read(entry).expect("it can be read"), whole);
    }
}

#[test]
fn a_full_cache_lets_the_oldest_go() {
    let scratch = Scratch::new("full");
    let cache = Cache::new(scratch.0.join("cache"), 256 * 2048);
    for n in 0..3000 {
        let file = scratch.program(&format!("{n}"));
        assert_eq!(value(&cache, &file), Ok(n.to_string()));
    }
    let n_entries = entries(&scratch.0.join("cache")).len();
    assert!((256..3000).contains(&n_entries), "{n_entries} entries");
}
