//! What of the world outside an evaluation may see.

use frazil_engine::{FileKind, Host, HostError, HostResult, Stats, TreePart};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Links on the way of one path, at most; Linux's number.
const MAX_LINKS: usize = 40;

/// What of the world outside an evaluation may see: nothing, but for what is allowed.
///
/// ```
/// use frazil::{Access, Engine, ErrorKind, Guarded, Memory};
///
/// let host = Memory::new().file("/open/x.nix", "1").file("/closed/y.nix", "2");
/// let access = Access::none().root("/open");
/// let mut evaluator = Engine::builder().host(Guarded::new(host, access)).build().evaluator();
/// assert!(evaluator.eval("import /open/x.nix").is_ok());
/// assert_eq!(evaluator.eval("import /closed/y.nix").unwrap_err().kind(), ErrorKind::Restricted);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    roots: Vec<Vec<u8>>,
    variables: BTreeSet<Vec<u8>>,
    everything: bool,
}

impl Access {
    /// No files and no variables.
    ///
    /// ```
    /// assert_eq!(frazil::Access::none(), frazil::Access::default());
    /// ```
    pub fn none() -> Access {
        Access::default()
    }

    /// All files and all variables.
    ///
    /// ```
    /// use frazil::{Access, Engine, Guarded, Memory};
    ///
    /// let host = Guarded::new(Memory::new().file("/x", "hi"), Access::everything());
    /// assert!(Engine::builder().host(host).build().evaluator().eval("builtins.readFile /x").is_ok());
    /// ```
    pub fn everything() -> Access {
        Access { everything: true, ..Access::default() }
    }

    /// Allows a file, or a directory and all that is below it. Links are followed first, in this path as in those that
    /// a program names, so that none leads out.
    ///
    /// ```
    /// let access = frazil::Access::none().root("/srv/config");
    /// assert_ne!(access, frazil::Access::none());
    /// ```
    #[must_use]
    pub fn root(mut self, path: impl AsRef<[u8]>) -> Access {
        self.roots.push(path.as_ref().to_vec());
        self
    }

    /// Allows a variable of the environment. Others are as if they were not set.
    ///
    /// ```
    /// let access = frazil::Access::none().variable("LANG");
    /// assert_ne!(access, frazil::Access::none());
    /// ```
    #[must_use]
    pub fn variable(mut self, name: impl AsRef<[u8]>) -> Access {
        self.variables.insert(name.as_ref().to_vec());
        self
    }
}

/// The path of a directory without links, and whether it is allowed.
type Directory = (Arc<[u8]>, bool);

/// A host of which only what an [`Access`] allows can be seen.
///
/// ```
/// use frazil::{Access, Engine, Guarded, Memory};
///
/// let host = Memory::new().env("SECRET", "1").env("LANG", "C");
/// let host = Guarded::new(host, Access::none().variable("LANG"));
/// let mut evaluator = Engine::builder().host(host).build().evaluator();
/// let value = evaluator.eval("map builtins.getEnv [ \"LANG\" \"SECRET\" ]")?;
/// assert_eq!(evaluator.to_json(&value)?, r#"["C",""]"#);
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Debug)]
pub struct Guarded<H> {
    host: H,
    access: Access,
    /// The roots without links, found when first needed.
    roots: OnceLock<Vec<Vec<u8>>>,
    /// Directories, by the path asked for.
    known: Mutex<BTreeMap<Vec<u8>, Directory>>,
}

impl<H: Host> Guarded<H> {
    /// That host, seen with that access.
    ///
    /// ```
    /// let host = frazil::Guarded::new(frazil::Memory::new(), frazil::Access::none());
    /// assert!(frazil::Host::read_file(&host, b"/etc/passwd").is_err());
    /// ```
    pub fn new(host: H, access: Access) -> Guarded<H> {
        Guarded { host, access, roots: OnceLock::new(), known: Mutex::default() }
    }

    fn forbidden(path: &[u8]) -> HostError {
        let path = String::from_utf8_lossy(path);
        HostError::Forbidden(format!("access to absolute path '{path}' is forbidden in restricted mode"))
    }

    /// The path without links; what is not there is its own name.
    fn real(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        self.real_below(Vec::new(), path)
    }

    /// A path without links, and what lies below it.
    fn real_below(&self, mut real: Vec<u8>, path: &[u8]) -> HostResult<Vec<u8>> {
        let mut links = 0;
        let mut names: Vec<Vec<u8>> = names(path);
        while let Some(name) = names.pop() {
            if name == b".." {
                real.truncate(real.iter().rposition(|&byte| byte == b'/').unwrap_or(0));
                continue;
            }
            let parent = real.len();
            real.push(b'/');
            real.extend_from_slice(&name);
            if matches!(self.host.kind(&real), Ok(FileKind::Symlink)) {
                links += 1;
                if links > MAX_LINKS {
                    return Err(HostError::Failed("Too many levels of symbolic links".to_owned()));
                }
                let target = self.host.read_link(&real)?;
                real.truncate(if target.starts_with(b"/") { 0 } else { parent });
                names.extend(self::names(&target));
            }
        }
        Ok(if real.is_empty() { b"/".to_vec() } else { real })
    }

    /// What is known of a directory, looked up once.
    fn directory(&self, path: &[u8]) -> HostResult<Directory> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((real, is_inside)) = known.get(path) {
            return Ok((real.clone(), *is_inside));
        }
        // The way to a root is known to have no links.
        let root = self.roots().iter().map(|root| without_slash(root)).find(|root| is_below(path, root));
        let root = root.unwrap_or_default();
        let real = self.real_below(root.to_vec(), &path[root.len()..])?;
        let is_inside = self.is_inside(&real);
        let found = (Arc::from(real), is_inside);
        known.insert(path.to_vec(), found.clone());
        Ok(found)
    }

    fn roots(&self) -> &[Vec<u8>] {
        let real = |root: &Vec<u8>| self.real(root).unwrap_or_else(|_| root.clone());
        self.roots.get_or_init(|| self.access.roots.iter().map(real).collect())
    }

    /// Whether the path, which has no links, is a root or below one.
    fn is_inside(&self, real: &[u8]) -> bool {
        self.roots().iter().any(|root| is_below(real, root))
    }

    /// Whether the path is allowed; a link at its end is what is asked for unless `follow`.
    fn admit(&self, path: &[u8], follow: bool) -> HostResult<()> {
        if self.access.everything {
            return Ok(());
        }
        let slash = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        let (parent, name) = (&path[..slash], &path[(slash + 1).min(path.len())..]);
        let is_name = !matches!(name, b"." | b"..");
        let (parent, name) = if is_name { (parent, name) } else { (path, &b""[..]) };
        let (parent, is_inside) = self.directory(parent)?;
        // What lies in an allowed directory is allowed, but for what a link leads to.
        if is_inside && !follow {
            return Ok(());
        }
        let mut real = parent.to_vec();
        if !name.is_empty() {
            if real != b"/" {
                real.push(b'/');
            }
            real.extend_from_slice(name);
        }
        if follow && matches!(self.host.kind(&real), Ok(FileKind::Symlink)) {
            real = self.real(&real)?;
        }
        if self.is_inside(&real) { Ok(()) } else { Err(Self::forbidden(path)) }
    }

    /// Whether a root lies below the path, so that the path is known to be a directory.
    fn leads_to_a_root(&self, path: &[u8]) -> bool {
        let roots = self.roots().iter().chain(&self.access.roots);
        roots.into_iter().any(|root| is_below(root, path))
    }
}

/// The names of a path, the first one last.
fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty() && name != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}

fn without_slash(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").unwrap_or(path)
}

/// Whether `path` is `root`, or below it.
fn is_below(path: &[u8], root: &[u8]) -> bool {
    path.strip_prefix(without_slash(root)).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

impl<H: Host> Host for Guarded<H> {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        self.admit(path, true)?;
        self.host.read_file(path)
    }

    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        self.admit(path, true)?;
        self.host.read_dir(path)
    }

    #[cfg(feature = "disk")]
    fn stamp(&self, path: &[u8], of: frazil_engine::Stamped) -> Option<frazil_engine::Stamp> {
        self.admit(path, true).ok()?;
        self.host.stamp(path, of)
    }

    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        match self.admit(path, false) {
            Err(_) if self.leads_to_a_root(path) => self.host.kind(path),
            admitted => admitted.and_then(|()| self.host.kind(path)),
        }
    }

    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        match self.admit(path, false) {
            Err(_) if self.leads_to_a_root(path) => self.host.read_link(path),
            admitted => admitted.and_then(|()| self.host.read_link(path)),
        }
    }

    fn env(&self, name: &[u8]) -> Option<Vec<u8>> {
        let allowed = self.access.everything || self.access.variables.contains(name);
        allowed.then(|| self.host.env(name)).flatten()
    }

    fn working_directory(&self) -> Vec<u8> {
        self.host.working_directory()
    }

    fn now(&self) -> i64 {
        self.host.now()
    }

    fn clock(&self) -> u64 {
        self.host.clock()
    }

    fn message(&self, line: &str) {
        self.host.message(line);
    }

    fn message_bytes(&self, line: &[u8]) {
        self.host.message_bytes(line);
    }

    fn progress(&self, stats: &Stats) {
        self.host.progress(stats);
    }

    fn writes_store(&self) -> bool {
        self.host.writes_store()
    }

    fn write_store(&self, path: &str, contents: &[u8]) -> HostResult<()> {
        self.host.write_store(path, contents)
    }

    fn copy_to_store(&self, path: &str, source: &[u8], parts: &[TreePart]) -> HostResult<()> {
        self.host.copy_to_store(path, source, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    fn guarded(access: Access) -> Guarded<Memory> {
        let host = Memory::new()
            .file("/in/a", "a")
            .file("/in/deep/b", "b")
            .file("/inner", "no")
            .file("/secret", "no")
            .link("/in/out", "/secret")
            .link("/in/up", "../secret")
            .link("/in/dirout", "..")
            .link("/in/alias", "deep")
            .link("/door", "/in");
        Guarded::new(host, access)
    }

    #[test]
    fn only_what_is_below_a_root_is_seen() {
        let host = guarded(Access::none().root("/in"));
        assert!(host.read_file(b"/in/a").is_ok());
        assert!(host.read_file(b"/in/alias/b").is_ok());
        assert!(host.read_dir(b"/in").is_ok());
        for path in
            ["/secret", "/inner", "/in/out", "/in/up", "/in/dirout/secret", "/in/../secret", "/", "/nothing"]
        {
            let answer = host.read_file(path.as_bytes());
            assert!(matches!(answer, Err(HostError::Forbidden(_))), "{path}: {answer:?}");
        }
        assert!(matches!(host.kind(b"/in/none"), Err(HostError::NotFound)));
        assert!(matches!(host.kind(b"/secret"), Err(HostError::Forbidden(_))));
        assert!(host.read_dir(b"/in/.").is_ok() && host.read_dir(b"/in/deep/..").is_ok());
        for path in ["/", "/in/..", "/in/deep/../.."] {
            assert!(matches!(host.read_dir(path.as_bytes()), Err(HostError::Forbidden(_))), "{path}");
        }
    }

    #[test]
    fn a_root_may_be_a_link() {
        let host = guarded(Access::none().root("/door"));
        assert!(host.read_file(b"/door/a").is_ok() && host.read_file(b"/in/a").is_ok());
        assert!(matches!(host.read_file(b"/secret"), Err(HostError::Forbidden(_))));
    }
}
