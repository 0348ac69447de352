//! A world in memory: files in a map, an environment, and messages that are kept.

use frazil_engine::{FileKind, Host, HostError, HostResult};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

/// Links on the way of one path, at most; Linux's number.
const MAX_LINKS: usize = 40;

/// Files in memory. Directories are there by the files in them; a clone sees the same messages.
///
/// ```
/// use frazil::{Engine, Memory};
///
/// let host = Memory::new().file("/a/b.nix", "builtins.trace \"here\" 1");
/// let mut evaluator = Engine::builder().host(host.clone()).build().evaluator();
/// evaluator.eval("import /a/b.nix")?;
/// assert_eq!(host.messages(), ["trace: here"]);
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory {
    entries: Arc<BTreeMap<Vec<u8>, Entry>>,
    /// Whether one of them is a link.
    has_links: bool,
    variables: Arc<BTreeMap<Vec<u8>, Vec<u8>>>,
    messages: Arc<Mutex<Vec<String>>>,
    now: i64,
}

#[derive(Clone, Debug)]
enum Entry {
    File { contents: Contents, executable: bool },
    Link(Vec<u8>),
}

/// What reads a file that is not at hand.
type Read = dyn Fn() -> Result<Vec<u8>, String> + Send + Sync;

#[derive(Clone)]
enum Contents {
    Here(Arc<[u8]>),
    Elsewhere(Arc<Read>),
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Contents::Here(bytes) => write!(f, "{} bytes", bytes.len()),
            Contents::Elsewhere(_) => f.write_str("elsewhere"),
        }
    }
}

impl Memory {
    /// An empty world.
    ///
    /// ```
    /// assert!(frazil::Memory::new().messages().is_empty());
    /// ```
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Adds a file, by its absolute path.
    ///
    /// ```
    /// let host = frazil::Memory::new().file("/x.nix", "1").file("/bytes", [0xff, 0xfe]);
    /// ```
    #[must_use]
    pub fn file(self, path: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Memory {
        self.entry(
            path.as_ref(),
            Entry::File { contents: Contents::Here(contents.as_ref().into()), executable: false },
        )
    }

    /// Adds a file that its owner may execute.
    ///
    /// ```
    /// let host = frazil::Memory::new().executable("/builder.sh", "#!/bin/sh\n");
    /// ```
    #[must_use]
    pub fn executable(self, path: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Memory {
        self.entry(
            path.as_ref(),
            Entry::File { contents: Contents::Here(contents.as_ref().into()), executable: true },
        )
    }

    /// Adds a file that is only read when a program reads it, each time anew.
    ///
    /// ```
    /// let host = frazil::Memory::new().later("/x.nix", false, || Ok(b"7".to_vec()));
    /// let mut evaluator = frazil::Engine::builder().host(host).build().evaluator();
    /// let value = evaluator.eval("import /x.nix")?;
    /// assert_eq!(evaluator.print(&value)?, "7");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    #[must_use]
    pub fn later(
        self,
        path: impl AsRef<[u8]>,
        executable: bool,
        read: impl Fn() -> Result<Vec<u8>, String> + Send + Sync + 'static,
    ) -> Memory {
        self.entry(path.as_ref(), Entry::File { contents: Contents::Elsewhere(Arc::new(read)), executable })
    }

    /// Adds a symbolic link.
    ///
    /// ```
    /// let host = frazil::Memory::new().file("/real.nix", "7").link("/x.nix", "real.nix");
    /// let mut evaluator = frazil::Engine::builder().host(host).build().evaluator();
    /// let value = evaluator.eval("import /x.nix")?;
    /// assert_eq!(evaluator.print(&value)?, "7");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    #[must_use]
    pub fn link(self, path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Memory {
        self.entry(path.as_ref(), Entry::Link(target.as_ref().to_vec()))
    }

    fn entry(mut self, path: &[u8], entry: Entry) -> Memory {
        self.has_links |= matches!(entry, Entry::Link(_));
        Arc::make_mut(&mut self.entries).insert(path.to_vec(), entry);
        self
    }

    /// Sets a variable of the environment.
    ///
    /// ```
    /// let host = frazil::Memory::new().env("HOME", "/home/me");
    /// ```
    #[must_use]
    pub fn env(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Memory {
        Arc::make_mut(&mut self.variables).insert(name.as_ref().to_vec(), value.as_ref().to_vec());
        self
    }

    /// Sets `builtins.currentTime`, which else is 0.
    ///
    /// ```
    /// let host = frazil::Memory::new().time(1_700_000_000);
    /// let mut evaluator = frazil::Engine::builder().host(host).build().evaluator();
    /// let value = evaluator.eval("builtins.currentTime")?;
    /// assert_eq!(evaluator.print(&value)?, "1700000000");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    #[must_use]
    pub fn time(mut self, seconds: i64) -> Memory {
        self.now = seconds;
        self
    }

    /// The messages so far: traces and warnings.
    ///
    /// ```
    /// let host = frazil::Memory::new();
    /// frazil::Engine::builder().host(host.clone()).build().evaluator().eval("builtins.trace 1 2")?;
    /// assert_eq!(host.messages(), ["trace: 1"]);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The path without links on the way to its last name; nor there if `follow`.
    fn resolve<'p>(&self, path: &'p [u8], follow: bool) -> HostResult<Cow<'p, [u8]>> {
        // An empty world lies over many others, and is asked first for all that they hold.
        if self.entries.is_empty() && path.iter().any(|byte| !matches!(byte, b'/' | b'.')) {
            return Err(HostError::NotFound);
        }
        // Most worlds have no links, and evaluators ask for plain paths.
        if !self.has_links && is_plain(path) {
            return Ok(Cow::Borrowed(path));
        }
        let mut links = 0;
        let mut resolved: Vec<u8> = Vec::new();
        // Names still to be walked, the next one last.
        let mut names: Vec<Vec<u8>> = Vec::new();
        push_names(&mut names, path);
        while let Some(name) = names.pop() {
            if name == b".." {
                let parent = resolved.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                resolved.truncate(parent);
                continue;
            }
            let parent = resolved.len();
            resolved.push(b'/');
            resolved.extend_from_slice(&name);
            if let Some(Entry::Link(target)) = self.entries.get(&resolved)
                && (follow || !names.is_empty())
            {
                links += 1;
                if links > MAX_LINKS {
                    return Err(HostError::Failed("Too many levels of symbolic links".to_owned()));
                }
                resolved.truncate(if target.starts_with(b"/") { 0 } else { parent });
                push_names(&mut names, target);
            }
        }
        Ok(Cow::Owned(if resolved.is_empty() { b"/".to_vec() } else { resolved }))
    }

    /// What lies below a directory, by path.
    fn below(&self, directory: &[u8]) -> impl Iterator<Item = (&[u8], &Entry)> {
        let mut prefix = directory.to_vec();
        if prefix != b"/" {
            prefix.push(b'/');
        }
        let from = (Bound::Included(prefix.clone()), Bound::Unbounded);
        let len = prefix.len();
        self.entries
            .range::<Vec<u8>, _>(from)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(move |(path, entry)| (&path[len..], entry))
    }
}

fn kind(entry: &Entry) -> FileKind {
    match entry {
        Entry::File { executable, .. } => FileKind::Regular { executable: *executable },
        Entry::Link(_) => FileKind::Symlink,
    }
}

/// Whether the path is absolute and has nothing in it but names.
fn is_plain(path: &[u8]) -> bool {
    let is_name = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
    path == b"/"
        || path.strip_prefix(b"/").is_some_and(|names| names.split(|&byte| byte == b'/').all(is_name))
}

/// The names of a path, the first one last.
fn push_names(names: &mut Vec<Vec<u8>>, path: &[u8]) {
    let parts = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty() && name != b".");
    names.extend(parts.rev().map(<[u8]>::to_vec));
}

impl Host for Memory {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        let path = self.resolve(path, true)?;
        match self.entries.get(&*path) {
            Some(Entry::File { contents: Contents::Here(bytes), .. }) => Ok(bytes.clone()),
            Some(Entry::File { contents: Contents::Elsewhere(read), .. }) => {
                read().map(Arc::from).map_err(HostError::Failed)
            }
            None if self.below(&path).next().is_some() => Err(HostError::Failed("Is a directory".to_owned())),
            _ => Err(HostError::NotFound),
        }
    }

    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        let path = self.resolve(path, true)?;
        if self.entries.contains_key(&*path) {
            return Err(HostError::Failed("Not a directory".to_owned()));
        }
        let mut names: Vec<(Vec<u8>, Option<FileKind>)> = Vec::new();
        for (rest, entry) in self.below(&path) {
            let slash = rest.iter().position(|&byte| byte == b'/');
            let name = &rest[..slash.unwrap_or(rest.len())];
            if names.last().is_none_or(|(last, _)| last != name) {
                let kind = if slash.is_some() { FileKind::Directory } else { kind(entry) };
                names.push((name.to_vec(), Some(kind)));
            }
        }
        if names.is_empty() && *path != *b"/" { Err(HostError::NotFound) } else { Ok(names) }
    }

    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        let path = self.resolve(path, false)?;
        match self.entries.get(&*path) {
            Some(entry) => Ok(kind(entry)),
            None if *path == *b"/" || self.below(&path).next().is_some() => Ok(FileKind::Directory),
            None => Err(HostError::NotFound),
        }
    }

    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        match self.entries.get(&*self.resolve(path, false)?) {
            Some(Entry::Link(target)) => Ok(target.clone()),
            _ => Err(HostError::NotFound),
        }
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.variables.get(name).cloned()
    }

    fn now(&self) -> i64 {
        self.now
    }

    /// There is no clock: time stands still, and a limit of wall time is never breached.
    fn clock(&self) -> u64 {
        0
    }

    fn message(&self, line: &str) {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    }
}
