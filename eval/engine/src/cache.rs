//! Code of files and listings of directories, kept on disk: a text that was parsed once is not parsed again, a file is not read
//! and a directory not listed that did not change, by whatever process.
//!
//! An entry of code is named by the hash of all that it depends on, so that none is ever out of date. Other entries say which
//! code the text of a file has, and what is in a directory, each with the stamp that the file or directory had. Entries end with a checksum, so that what was damaged is not used.
//! They are written under another name first: processes may share a directory. A cache that cannot be read or written is no
//! error: files are then read as if there were none.
#![expect(clippy::disallowed_methods, reason = "this is where an evaluation meets the system")]

mod listings;
mod texts;

use frazil_code::FileCode;
use frazil_store::hash::{Algorithm, Hasher, hex_into};
use frazil_syntax::symbol::{Symbol, Symbols};
use frazil_syntax::words::{Reader, Writer};
use frazil_vm::cache::{Keeper, Reading};
use frazil_vm::host::{FileKind, Stamp};
use listings::Listings;
use rustc_hash::{FxBuildHasher, FxHashSet};
use std::fs::{self, DirBuilder, DirEntry};
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use texts::{Text, Texts};

/// A text of fewer bytes takes no longer to read than its entry.
const MIN_TEXT: usize = 2048;
/// Entries are spread over so many directories.
const SHARDS: u64 = 256;
/// One in so many entries that are written looks whether its directory is full.
const LOOKS: u8 = 16;
/// So many files or directories are many; and one in so many of an entry's has to be new for it to be written again.
const MANY: usize = 16;
/// Bytes of a hash.
const HASH: usize = 32;

/// What the code of a text depends on beside the text and its scope: this program.
const READER: &str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("FRAZIL_READER"));

type Key = [u8; HASH];

/// A directory in which code of files and listings of directories are kept. It may be shared with other processes, and removed
/// at any time. Whoever may write there can change what programs mean, so it has to be as safe as the programs.
///
/// Code is found by the text of its file. That a file has the same text, or a directory the same listing, is trusted while
/// [`Host::stamp`](crate::Host::stamp) is what it was: for a [`Disk`](crate::Disk) while it has its times, none of which was less
/// than two seconds ago when it was read.
///
/// ```
/// use frazil_engine::Cache;
///
/// let cache = Cache::new("/home/me/.cache/frazil", 1 << 30);
/// assert_eq!(cache.directory(), std::path::Path::new("/home/me/.cache/frazil"));
/// ```
#[derive(Clone, Debug)]
pub struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    /// How many bytes each of its directories may hold.
    shard: u64,
    /// Whether writing failed, so that it is not tried over and over.
    is_read_only: AtomicBool,
    /// How many entries this process wrote: makes their first names unique.
    written: AtomicU32,
}

impl Cache {
    /// As many bytes as the command line lets a cache hold.
    pub const MAX: u64 = 1 << 30;

    /// A cache in `directory`, which is made when something is first kept. Once it holds about `max` bytes, its oldest entries
    /// are removed.
    pub fn new(directory: impl Into<PathBuf>, max: u64) -> Cache {
        let (is_read_only, written) = (AtomicBool::new(false), AtomicU32::new(0));
        Cache(Arc::new(Inner { directory: directory.into(), shard: max / SHARDS, is_read_only, written }))
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.0.directory
    }

    fn place(&self, key: &Key) -> (PathBuf, String) {
        let mut name = Vec::new();
        hex_into(key, &mut name);
        let name = String::from_utf8(name).expect("digits");
        let (shard, name) = name.split_at(2);
        (self.0.directory.join("code").join(shard), name.to_owned())
    }

    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let (shard, name) = self.place(key);
        let mut entry = fs::read(shard.join(name)).ok()?;
        let (content, sum) = entry.split_last_chunk()?;
        if *sum != checksum(content) {
            return None;
        }
        entry.truncate(content.len());
        Some(entry)
    }

    fn put(&self, key: &Key, content: &[u8]) {
        if !self.0.is_read_only.load(Relaxed) && self.write(key, content).is_err() {
            self.0.is_read_only.store(true, Relaxed);
        }
    }

    fn write(&self, key: &Key, content: &[u8]) -> io::Result<()> {
        let (shard, name) = self.place(key);
        let n = self.0.written.fetch_add(1, Relaxed);
        let first_name = shard.join(format!("{}-{n}.new", std::process::id()));
        let entry = [content, &checksum(content)].concat();
        if fs::write(&first_name, &entry).is_err() {
            private(DirBuilder::new().recursive(true)).create(&shard)?;
            fs::write(&first_name, &entry)?;
        }
        fs::rename(&first_name, shard.join(name))?;
        if key[1].is_multiple_of(LOOKS) {
            self.make_room(&shard)?;
        }
        Ok(())
    }

    /// Removes the oldest entries of a directory that holds too much, down to three quarters of what it may hold.
    fn make_room(&self, shard: &Path) -> io::Result<()> {
        let known = |entry: io::Result<DirEntry>| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        };
        let mut entries: Vec<_> = fs::read_dir(shard)?.filter_map(known).collect();
        let mut held: u64 = entries.iter().map(|(_, len, _)| len).sum();
        if held <= self.0.shard {
            return Ok(());
        }
        entries.sort();
        for (_, len, path) in entries {
            if held <= self.0.shard / 4 * 3 {
                break;
            }
            // Another process may have been faster.
            let _ = fs::remove_file(path);
            held -= len;
        }
        Ok(())
    }
}

/// Makes directories that nobody else may look into, where the system has that.
fn private(builder: &mut DirBuilder) -> &mut DirBuilder {
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
    builder
}

/// Tells what was damaged by accident.
fn checksum(bytes: &[u8]) -> [u8; 8] {
    FxBuildHasher.hash_one(bytes).to_le_bytes()
}

fn hash_of(bytes: &[u8]) -> Key {
    Algorithm::Blake3.hash(bytes).digest().try_into().expect("BLAKE3 has 32 bytes")
}

/// Whether an entry of so many files or directories, so many of them new, is to be written: it has many, and one that grows by
/// each of many evaluations is written seldom.
fn is_worth_writing(n_known: usize, n_new: usize) -> bool {
    n_known >= MANY && n_new >= n_known.div_ceil(MANY)
}

fn put_stamp(writer: &mut Writer, stamp: &Stamp) {
    for part in stamp.0 {
        writer.word(part as u32);
        writer.word((part >> 32) as u32);
    }
}

fn take_stamp(reader: &mut Reader<'_>) -> Option<Stamp> {
    let mut stamp = Stamp([0; 4]);
    for part in &mut stamp.0 {
        *part = u64::from(reader.word()?) | u64::from(reader.word()?) << 32;
    }
    Some(stamp)
}

/// What one evaluator asks for what is kept.
pub fn asker(cache: &Cache) -> Box<dyn Keeper> {
    Box::new(Asker {
        cache: cache.clone(),
        scope: None,
        texts: Texts::default(),
        listings: Listings::default(),
    })
}

struct Asker {
    cache: Cache,
    /// What code depends on beside its text, and stays the same: the hash of it, and the names of builtins.
    scope: Option<Scope>,
    texts: Texts,
    listings: Listings,
}

struct Scope {
    hash: Key,
    globals: FxHashSet<Vec<u8>>,
    options: frazil_syntax::Options,
}

impl Scope {
    fn new(reading: &mut Reading<'_>) -> Scope {
        let Reading { symbols, globals, options, .. } = reading;
        let globals: FxHashSet<Vec<u8>> = globals.map(|name| symbols.name(name).to_vec()).collect();
        Scope { hash: scope_hash(&globals, options), globals, options: *options }
    }
}

impl Asker {
    /// What code depends on beside its text. `None` if texts are read in another way than the first was.
    fn scope<'a>(of: &'a mut Option<Scope>, reading: &mut Reading<'_>) -> Option<&'a Scope> {
        let scope: &Scope = of.get_or_insert_with(|| Scope::new(reading));
        (scope.options == reading.options).then_some(scope)
    }
}

impl Keeper for Asker {
    fn code(
        &mut self,
        source: &[u8],
        place: Option<(&[u8], Stamp)>,
        mut reading: Reading<'_>,
    ) -> Option<FileCode> {
        if source.len() < MIN_TEXT {
            return None;
        }
        let Scope { hash, globals, options } = Asker::scope(&mut self.scope, &mut reading)?;
        let mut hasher = Hasher::new(Algorithm::Blake3);
        hasher.update(hash);
        hasher.update(source);
        let key: Key = hasher.finish().digest().try_into().expect("BLAKE3 has 32 bytes");
        let Reading { symbols, names, .. } = reading;
        let kept = self.cache.get(&key).and_then(|entry| FileCode::unpack(&entry, symbols, names));
        let code = kept.or_else(|| {
            let entry = read(source, options, globals)?;
            self.cache.put(&key, &entry);
            FileCode::unpack(&entry, symbols, names)
        })?;
        if let (Some((path, stamp)), Ok(len)) = (place, source.len().try_into()) {
            self.texts.keep(path, stamp, Text { key, len });
        }
        Some(code)
    }

    fn code_of_file(
        &mut self,
        path: &[u8],
        stamp: &Stamp,
        mut reading: Reading<'_>,
    ) -> Option<(u32, FileCode)> {
        let scope = Asker::scope(&mut self.scope, &mut reading)?;
        let Text { key, len } = self.texts.find(&self.cache, &scope.hash, path, stamp)?;
        let Reading { symbols, names, .. } = reading;
        Some((len, FileCode::unpack(&self.cache.get(&key)?, symbols, names)?))
    }

    fn listing(&mut self, dir: &[u8], stamp: &Stamp, entry: &mut dyn FnMut(&[u8], FileKind)) -> bool {
        self.listings.tell(&self.cache, dir, stamp, entry)
    }

    fn keep_listing(&mut self, dir: &[u8], stamp: Stamp, entries: &[(Vec<u8>, Option<FileKind>)]) {
        self.listings.keep(dir, stamp, entries);
    }

    fn settle(&mut self) {
        self.texts.settle(&self.cache);
        self.listings.settle(&self.cache);
    }
}

fn scope_hash(globals: &FxHashSet<Vec<u8>>, options: &frazil_syntax::Options) -> Key {
    let mut names: Vec<&[u8]> = globals.iter().map(|name| &name[..]).collect();
    names.sort();
    // No name of a builtin has a zero byte.
    hash_of(&[READER.as_bytes(), &[0, u8::from(options.pipe_operators)], &names.join(&0)].concat())
}

/// The entry of a text, whose names are met by an interner of its own. `None` if it is no program.
fn read(source: &[u8], options: &frazil_syntax::Options, globals: &FxHashSet<Vec<u8>>) -> Option<Vec<u8>> {
    let mut symbols = Symbols::new();
    let exprs = frazil_syntax::parse(source, &mut symbols, options).ok()?;
    let names = frazil_vm::world::compiler_names(&mut symbols);
    let is_global = |name: Symbol| globals.contains(symbols.name(name));
    frazil_code::resolve(exprs, &is_global, names, None, false).ok()?.pack(&symbols)
}
