//! Code of files and listings of directories, kept on disk.
#![cfg(feature = "disk")]
#![expect(clippy::disallowed_methods, reason = "a cache is files")]

use frazil_engine::cache::asker;
use frazil_engine::{
    Cache, Disk, Evaluator, FileKind, Host, HostResult, Limits, Settings, Source, Stamp, Stamped,
};
use frazil_vm::restrict::Restricted;
use rustc_hash::FxBuildHasher;
use std::fs;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::SystemTime;

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
    evaluator.world().state.cache = Some(asker(cache));
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

/// The disk, whose stamps are of what there is now, so that no test has to wait; and how often directories were listed and
/// files read.
#[derive(Default)]
struct Counted(AtomicUsize, AtomicUsize);

impl Counted {
    /// How often a directory was listed since the last time.
    fn take(&self) -> usize {
        self.0.swap(0, Relaxed)
    }

    /// How often a file was read since the last time.
    fn take_read(&self) -> usize {
        self.1.swap(0, Relaxed)
    }
}

impl Host for Counted {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        self.1.fetch_add(1, Relaxed);
        Disk.read_file(path)
    }
    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        self.0.fetch_add(1, Relaxed);
        let mut entries = Disk.read_dir(path)?;
        if path.ends_with(b"vague") {
            entries.iter_mut().for_each(|(_, kind)| *kind = None);
        }
        Ok(entries)
    }
    fn stamp(&self, path: &[u8], of: Stamped) -> Option<Stamp> {
        let mut hasher = DefaultHasher::new();
        match of {
            Stamped::Text => Disk.read_file(path).ok()?.hash(&mut hasher),
            Stamped::Listing => {
                let mut entries = Disk.read_dir(path).ok()?;
                entries.sort_by(|one, other| one.0.cmp(&other.0));
                entries.hash(&mut hasher);
            }
        }
        Some(Stamp([hasher.finish(), 0, 1 << 40, u64::MAX]))
    }
    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        Disk.kind(path)
    }
    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        Disk.read_link(path)
    }
    fn env(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn now(&self) -> i64 {
        0
    }
    fn clock(&self) -> u64 {
        0
    }
    fn message(&self, _: &str) {}
}

impl Scratch {
    /// A directory of so many, each with a file and a directory.
    fn parent(&self, n_children: usize) -> PathBuf {
        let parent = self.0.join("parent");
        for n in 0..n_children {
            let child = parent.join(format!("child-{n}"));
            fs::create_dir_all(child.join("inner")).expect("a directory");
            fs::write(child.join(format!("file-{n}")), "").expect("a file");
        }
        parent
    }

    fn entries(&self) -> Vec<PathBuf> {
        entries(&self.0.join("cache"))
    }
}

/// The listings of all that is in a directory, as an evaluator sees them that has this cache.
fn listings(cache: Option<&Cache>, host: Arc<dyn Host>, parent: &Path) -> String {
    let mut evaluator = Evaluator::new(host, Settings::default(), Limits::default());
    evaluator.world().state.cache = cache.map(asker);
    let parent = String::from_utf8(Disk::to_nix(parent).expect("a path")).expect("a plain name");
    let program = format!(
        "builtins.mapAttrs (name: _: builtins.readDir ({parent} + \"/${{name}}\")) (builtins.readDir {parent})"
    );
    let shown = evaluator.eval(&Source::from(&*program)).and_then(|v| {
        let v = evaluator.force_deep(v)?;
        evaluator.print(v)
    });
    evaluator.settle();
    String::from_utf8(shown.expect("a value")).expect("plain names")
}

#[test]
fn directories_are_not_listed_again() {
    let (scratch, host) = (Scratch::new("listed"), Arc::new(Counted::default()));
    let (cache, parent) = (scratch.cache(), scratch.parent(20));
    #[cfg(unix)]
    for n in 0..4 {
        std::os::unix::fs::symlink(format!("child-{n}"), parent.join(format!("link-{n}"))).expect("a link");
    }
    let n_children = fs::read_dir(&parent).expect("it is there").count();
    let plain = listings(None, host.clone(), &parent);
    assert_eq!(host.take(), 1 + n_children);
    assert_eq!(listings(Some(&cache), host.clone(), &parent), plain);
    assert_eq!(host.take(), 1 + n_children);
    let [entry] = &scratch.entries()[..] else { panic!("one entry") };
    let long_ago = SystemTime::UNIX_EPOCH;
    let set_time = |entry: &Path| fs::File::options().write(true).open(entry)?.set_modified(long_ago);
    set_time(entry).expect("it can be written");
    // What they are all in, and the first of them.
    assert_eq!(listings(Some(&cache), host.clone(), &parent), plain);
    assert_eq!(host.take(), 2);
    // Nothing is new, so nothing is written.
    assert_eq!(fs::metadata(entry).and_then(|entry| entry.modified()).expect("it has one"), long_ago);
}

#[test]
fn directories_that_changed_are_listed_again() {
    let (scratch, host) = (Scratch::new("changed"), Arc::new(Counted::default()));
    let (cache, parent) = (scratch.cache(), scratch.parent(40));
    listings(Some(&cache), host.clone(), &parent);
    let first = fs::read(&scratch.entries()[0]).expect("it can be read");
    fs::write(parent.join("child-10/new"), "").expect("a file");
    host.take();
    assert_eq!(
        listings(Some(&cache), host.clone(), &parent),
        listings(None, Arc::new(Counted::default()), &parent)
    );
    assert_eq!(host.take(), 3);
    // One of forty is not worth writing.
    assert_eq!(fs::read(&scratch.entries()[0]).expect("it can be read"), first);
    fs::remove_file(parent.join("child-11/file-11")).expect("it is there");
    fs::remove_file(parent.join("child-12/file-12")).expect("it is there");
    fs::create_dir(parent.join("child-12/file-12")).expect("a directory");
    assert_eq!(
        listings(Some(&cache), host.clone(), &parent),
        listings(None, Arc::new(Counted::default()), &parent)
    );
    assert_eq!(host.take(), 5);
    listings(Some(&cache), host.clone(), &parent);
    assert_eq!(host.take(), 2);
}

#[test]
fn few_directories_are_not_kept() {
    let (scratch, host) = (Scratch::new("few"), Arc::new(Counted::default()));
    // The first that is listed is not known to be one of many.
    listings(Some(&scratch.cache()), host.clone(), &scratch.parent(16));
    assert_eq!(scratch.entries().len(), 0);
    listings(Some(&scratch.cache()), host.clone(), &scratch.parent(17));
    assert_eq!(scratch.entries().len(), 1);
}

#[test]
fn directories_of_unknown_kinds_are_not_kept() {
    let (scratch, host) = (Scratch::new("vague"), Arc::new(Counted::default()));
    let (cache, parent) = (scratch.cache(), scratch.parent(20));
    fs::create_dir_all(parent.join("vague/inner")).expect("a directory");
    let plain = listings(None, host.clone(), &parent);
    for n_listed in [22, 3] {
        host.take();
        assert_eq!(listings(Some(&cache), host.clone(), &parent), plain);
        assert_eq!(host.take(), n_listed);
    }
}

#[cfg(unix)]
#[test]
fn directories_that_changed_lately_are_not_kept() {
    let scratch = Scratch::new("lately");
    listings(Some(&scratch.cache()), Arc::new(Disk), &scratch.parent(20));
    assert_eq!(scratch.entries().len(), 0);
    assert_eq!(Disk.stamp(&Disk::to_nix(&scratch.0).expect("a path"), Stamped::Listing), None);
    // What is no directory that lies on a disk.
    for path in [concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "/proc", "/nowhere"] {
        assert_eq!(Disk.stamp(path.as_bytes(), Stamped::Listing), None, "{path}");
    }
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/src").as_bytes();
    assert!(Disk.stamp(old, Stamped::Listing).is_some());
    assert_eq!(Disk.stamp(old, Stamped::Listing), Disk.stamp(old, Stamped::Listing));
}

#[test]
fn damaged_listings_are_made_anew() {
    let (scratch, host) = (Scratch::new("torn"), Arc::new(Counted::default()));
    let (cache, parent) = (scratch.cache(), scratch.parent(20));
    let plain = listings(Some(&cache), host.clone(), &parent);
    let [entry] = &scratch.entries()[..] else { panic!("one entry") };
    let whole = fs::read(entry).expect("it can be read");
    let content = &whole[..whole.len() - 8];
    let summed = |content: &[u8]| [content, &FxBuildHasher.hash_one(content).to_le_bytes()].concat();
    assert_eq!(summed(content), whole);
    let torn = (0..content.len()).step_by(17).map(|end| summed(&content[..end]));
    // A number that is no kind's, of the last name.
    let mut strange = content.to_vec();
    let inner = content.windows(5).rposition(|name| name == b"inner").expect("it is in all");
    strange[inner - 2] = 9;
    for damage in torn.chain([whole[1..].to_vec(), summed(&strange)]) {
        fs::write(entry, damage).expect("it can be written");
        assert_eq!(listings(Some(&cache), host.clone(), &parent), plain);
    }
}

#[test]
fn listings_that_are_too_many_give_way() {
    let scratch = Scratch::new("many");
    let cache = Cache::new(scratch.0.join("cache"), 1 << 30);
    let entries: Vec<_> =
        (0..100).map(|n| (format!("{n:0100}").into_bytes(), Some(FileKind::Symlink))).collect();
    let dir = |set: &str, n: usize| format!("/parent/{set}-{n}").into_bytes();
    // Asks for so many, keeps what is not known, and answers how much was.
    let ask = |set: &str, n_dirs: usize| {
        let mut keeper = asker(&cache);
        let is_known = |n: &usize| {
            let is_known = keeper.listing(&dir(set, *n), &Stamp([1; 4]), &mut |name, kind| {
                assert_eq!((name.len(), kind), (100, FileKind::Symlink));
            });
            if !is_known {
                keeper.keep_listing(&dir(set, *n), Stamp([1; 4]), &entries);
            }
            is_known
        };
        let n_known = (0..n_dirs).filter(is_known).count();
        keeper.settle();
        n_known
    };
    assert_eq!([ask("a", 151), ask("a", 151)], [0, 150]);
    // Both do not fit.
    assert_eq!([ask("b", 151), ask("b", 151), ask("a", 10)], [0, 150, 0]);
    // Nor do so many.
    assert_eq!([ask("c", 1000), ask("c", 1000), ask("b", 151)], [0, 0, 150]);
}

#[test]
fn what_shows_a_part_has_no_stamp() {
    let scratch = Scratch::new("part");
    let parent = scratch.parent(2);
    let path = |path: &Path| Disk::to_nix(path).expect("a path");
    let host = Restricted::new(Arc::new(Counted::default()), false);
    host.allow(&path(&parent.join("child-0")));
    assert_eq!(host.stamp(&path(&parent), Stamped::Listing), None);
    assert_eq!(host.stamp(&path(&parent.join("child-1")), Stamped::Listing), None);
    assert!(host.stamp(&path(&parent.join("child-0")), Stamped::Listing).is_some());
    assert!(host.stamp(&path(&parent.join("child-0/inner")), Stamped::Listing).is_some());
}

/// The value of the file `all.nix` in a directory, or how it fails, as an evaluator sees it that has this cache.
fn all(cache: &Cache, host: &Arc<Counted>, dir: &Path) -> Result<String, String> {
    let mut evaluator = Evaluator::new(host.clone(), Settings::default(), Limits::default());
    evaluator.world().state.cache = Some(asker(cache));
    let path = Disk::to_nix(dir.join("all.nix")).expect("a path");
    let value = evaluator.eval(&Source::File(path)).and_then(|v| evaluator.force_deep(v));
    let shown = value.and_then(|v| evaluator.print(v));
    evaluator.settle();
    let shown = shown.map(|text| String::from_utf8(text).expect("plain text"));
    shown.map_err(|error| evaluator.render(&error, true))
}

#[test]
fn files_are_not_read_again() {
    let (scratch, host) = (Scratch::new("unread"), Arc::new(Counted::default()));
    let (cache, dir) = (scratch.cache(), &scratch.0);
    let write = |name: &str, text: &str| {
        fs::write(dir.join(name), format!("# {}\n{text}", "-".repeat(2100))).expect("a program");
    };
    let ask = || (all(&cache, &host, dir), host.take_read());
    for n in 0..20 {
        write(&format!("{n}.nix"), &format!("[ {n} ]"));
    }
    let parts: String = (0..20).map(|n| format!("++ import ./{n}.nix ")).collect();
    write("all.nix", &format!("[ ] {parts}"));
    let (value, n_read) = ask();
    assert!(value.as_deref().is_ok_and(|text| text.starts_with("[ 0 1 2 ")), "{value:?}");
    assert_eq!(n_read, 21);
    // But for the program itself.
    assert_eq!(ask(), (value, 1));
    // A file that changed is read, and so is one whose places are asked for.
    write("7.nix", "[\n  (throw \"seven\") ]");
    let (failure, n_read) = ask();
    assert!(
        failure.as_ref().is_err_and(|text| text.contains("7.nix:3:4") && text.contains("seven")),
        "{failure:?}"
    );
    assert!((2..5).contains(&n_read), "{n_read}");
    // What has warnings is read, as they quote it.
    write("7.nix", "[ 7 ] ++ [ https://example.org ]");
    assert!((0..2).all(|_| ask().1 == 2));
    // What is damaged is read.
    scratch.entries().iter().for_each(|entry| fs::write(entry, "no").expect("it can be written"));
    assert_eq!(ask().1, 21);
}

#[test]
fn few_files_are_read_again() {
    let (scratch, host) = (Scratch::new("few"), Arc::new(Counted::default()));
    fs::write(scratch.0.join("all.nix"), format!("# {}\n1", "-".repeat(2100))).expect("a program");
    let ask = || (all(&scratch.cache(), &host, &scratch.0), host.take_read());
    assert_eq!([ask(), ask()], [(Ok("1".to_owned()), 1), (Ok("1".to_owned()), 1)]);
}
