//! Paths and files: importing, reading, looking up, and hashing sources to their place in the store.

use super::{Builtin, Want, row, strict};
#[cfg(feature = "cache")]
use crate::cache::{Keeper, Reading};
use crate::coerce::{Coerce, CoerceTo};
use crate::error::{Error, ErrorKind};
use crate::files::{File, Origin, Pos};
#[cfg(feature = "cache")]
use crate::host::Stamped;
use crate::host::{FileKind, HostError, Stamp, TreePart};
use crate::machine::Machine;
use crate::native::{Args, Native, Step, then, then_closure, then_expected, traced};
#[cfg(feature = "cache")]
use crate::world::State;
use frazil_code::{FileCode, ScopeError};
use frazil_store::context::ContextElem;
use frazil_store::hash::{Algorithm, Hash, Hasher};
use frazil_store::nar::{self, Event};
use frazil_store::path::{Method, StorePath};
use frazil_syntax::symbol::Symbol;
use frazil_value::Val;
use std::sync::Arc;

pub(super) const TABLE: &[Builtin] = &[
    row("import", 1, &[], |_, a| path_of(a[0], &[], REALISING, |m, path, _| m.import(&path))),
    row("scopedImport", 2, &[], |_, a| {
        let scope = a[0];
        path_of(a[1], &[scope], REALISING, move |_, path, _| {
            then_closure(Step::Force(scope), &[], move |m, scope| {
                m.expect(
                    scope,
                    Want::Attrs,
                    "while evaluating the first argument passed to builtins.scopedImport",
                )?;
                m.scoped_import(&path, scope)
            })
        })
    }),
    row("readFile", 1, &[], |_, a| path_of(a[0], &[], REALISING, |m, path, _| read_file(m, &path))),
    row("readDir", 1, &[], |_, a| path_of(a[0], &[], REALISING, |m, path, _| read_dir(m, &path))),
    row("readFileType", 1, &[], |_, a| {
        path_of(a[0], &[], REALISING, |m, path, _| {
            // Links on the way are not followed, as everywhere else.
            let is_link = |at: &[u8]| m.st.host.kind(at) == Ok(FileKind::Symlink);
            let ends = path.iter().enumerate().skip(1).filter(|(_, c)| **c == b'/').map(|(end, _)| end);
            if let Some(link) = ends.map(|end| &path[..end]).find(|at| is_link(at)) {
                let text = format!("path '{}' is a symlink", crate::message::text(link));
                return Err(Error::new(ErrorKind::File, text));
            }
            let kind = m.kind_at(&path)?;
            Ok(Step::Done(kind_name(m, kind)))
        })
    }),
    row("pathExists", 1, &[], |_, a| then(Step::Force(a[0]), &[], |m, _, v| path_exists(m, v))),
    row("baseNameOf", 1, &[], |_, a| {
        const CONTEXT: &str = "while evaluating the first argument passed to builtins.baseNameOf";
        let string = Coerce::new(a[0], CoerceTo::PLAIN, Pos::NONE, CONTEXT);
        then(Step::Run(Box::new(string)), &[], |m, _, v| {
            let string = m.heap.string(v);
            Ok(Step::Done(m.heap.new_string(base_name(string.bytes), string.context)))
        })
    }),
    row("dirOf", 1, &[strict(0, Want::Any, "")], dir_of),
    row("toPath", 1, &[], |_, a| {
        path_of(
            a[0],
            &[],
            "while evaluating the first argument passed to builtins.toPath",
            |m, path, context| Ok(Step::Done(m.heap.new_string(&path, context))),
        )
    }),
    row("storePath", 1, &[], |_, a| {
        path_of(a[0], &[], "while evaluating the first argument passed to 'builtins.storePath'", store_path)
    }),
    row(
        "findFile",
        2,
        &[strict(0, Want::List, "while evaluating the first argument passed to builtins.findFile")],
        |_, a| Ok(Step::ReturnRun(Box::new(FindFile { list: a[0], name: a[1], context: None }))),
    ),
    row(
        "getEnv",
        1,
        &[strict(0, Want::Plain, "while evaluating the first argument passed to builtins.getEnv")],
        |m, a| {
            let hidden = m.st.settings.pure || m.st.settings.restricted;
            let value = if hidden { None } else { m.st.host.env(m.heap.bytes(a[0])) };
            Ok(Step::Done(m.heap.new_string(&value.unwrap_or_default(), 0)))
        },
    ),
    row(
        "toFile",
        2,
        &[
            strict(0, Want::Plain, "while evaluating the first argument passed to builtins.toFile"),
            strict(1, Want::String, "while evaluating the second argument passed to builtins.toFile"),
        ],
        to_file,
    ),
    row("filterSource", 2, &[], |_, a| {
        let filter = a[0];
        const CONTEXT: &str =
            "while evaluating the second argument (the path to filter) passed to 'builtins.filterSource'";
        path_of(a[1], &[filter], CONTEXT, move |_, path, context| {
            const FILTER: &str = "while evaluating the first argument passed to builtins.filterSource";
            let path = path.clone();
            then_expected(filter, Want::Function, FILTER, &[], move |m, filter| {
                let source = Source {
                    name: base_name(&path).to_vec(),
                    path: path.clone(),
                    method: Method::Nar,
                    expected: None,
                };
                add_path(m, source, context, Some(filter))
            })
        })
    }),
    row(
        "path",
        1,
        &[strict(0, Want::Attrs, "while evaluating the argument passed to 'builtins.path'")],
        |_, a| {
            Ok(Step::ReturnRun(Box::new(PathArgs {
                set: a[0],
                order: Vec::new(),
                i: 0,
                context: None,
                path: None,
                path_context: 0,
                name: None,
                filter: None,
                method: Method::Nar,
                expected: None,
            })))
        },
    ),
];

// ---- text ---------------------------------------------------------------------------------------------

/// The path without `.`, `..`, double slashes or a slash at the end. It starts with a slash.
pub fn canonical(path: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    for part in path.split(|&c| c == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let end = out.iter().rposition(|&c| c == b'/').unwrap_or(0);
                out.truncate(end);
            }
            _ => {
                out.push(b'/');
                out.extend_from_slice(part);
            }
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

/// The last part, after one slash at the end was taken off.
pub(super) fn base_name(path: &[u8]) -> &[u8] {
    let path = match path {
        [rest @ .., b'/'] if !rest.is_empty() => rest,
        _ => path,
    };
    &path[path.iter().rposition(|&c| c == b'/').map_or(0, |i| i + 1)..]
}

/// The directory that a canonical path lies in.
pub fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&c| c == b'/') {
        None | Some(0) => b"/",
        Some(i) => &path[..i],
    }
}

fn dir_of(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    if let Some(path) = m.heap.as_path(a[0]) {
        return Ok(Step::Done(m.heap.new_path(parent(path))));
    }
    const CONTEXT: &str = "while evaluating the first argument passed to 'builtins.dirOf'";
    let string = Coerce::new(a[0], CoerceTo::PLAIN, Pos::NONE, CONTEXT);
    then(Step::Run(Box::new(string)), &[], |m, _, v| {
        let string = m.heap.string(v);
        let dir = match string.bytes.iter().rposition(|&c| c == b'/') {
            None => b".",
            Some(0) => &b"/"[..],
            Some(i) => &string.bytes[..i],
        };
        Ok(Step::Done(m.heap.new_string(dir, string.context)))
    })
}

// ---- values as paths ----------------------------------------------------------------------------------

/// Goes on with the absolute path that a value means, and its string context.
pub(super) fn path_of(
    v: Val,
    held: &[Val],
    context: &'static str,
    go_on: impl FnMut(&mut Machine<'_>, Vec<u8>, u32) -> Result<Step, Error> + Send + 'static,
) -> Result<Step, Error> {
    path_at(v, held, Pos::NONE, context, go_on)
}

/// `path_of` a value at a position.
fn path_at(
    v: Val,
    held: &[Val],
    pos: Pos,
    context: &'static str,
    mut go_on: impl FnMut(&mut Machine<'_>, Vec<u8>, u32) -> Result<Step, Error> + Send + 'static,
) -> Result<Step, Error> {
    let string = Coerce::to_path(v, pos, context);
    then_closure(Step::Run(Box::new(string)), held, move |m, v| {
        let string = m.heap.string(v);
        if !string.bytes.starts_with(b"/") {
            let text = crate::message::text(string.bytes);
            return Err(Error::eval(format!("string '{text}' doesn't represent an absolute path"))
                .while_(pos, context));
        }
        if string.context != 0 && context == REALISING {
            realise(m, string.bytes, string.context).map_err(|refusal| {
                let path = crate::message::text(string.bytes);
                let line = format!("while realising the context of path '{path}'");
                refusal.error().while_(pos, line)
            })?;
        }
        go_on(m, canonical(string.bytes), string.context)
    })
}

/// What the trace says of a path whose file is read.
pub(super) const REALISING: &str = "while realising the context of a path";

/// Why what a string refers to is not there.
pub(super) enum Unrealised {
    /// A store path of that name is missing.
    Invalid(String),
    /// It would have to be built.
    Unbuilt(String),
}

impl Unrealised {
    fn error(self) -> Error {
        match self {
            Unrealised::Invalid(name) => Error::eval(format!("path '{name}' is not valid")),
            Unrealised::Unbuilt(why) => Error::new(ErrorKind::Unavailable, why),
        }
    }
}

/// Whether all that a string refers to, which is used as that path, is in the store.
fn realise(m: &Machine<'_>, path: &[u8], context: u32) -> Result<(), Unrealised> {
    let store = &m.st.settings.store_dir;
    let check = |path: &StorePath| match m.st.host.kind(store.print(path).as_bytes()) {
        Ok(_) | Err(HostError::Forbidden(_)) => Ok(()),
        Err(_) => Err(Unrealised::Invalid(path.as_str().to_owned())),
    };
    let mut builds = Vec::new();
    for elem in m.st.contexts.elements(context) {
        match elem {
            ContextElem::Opaque(path) | ContextElem::DrvDeep(path) => check(path)?,
            ContextElem::Built(built) => {
                check(built.base())?;
                builds.push(built);
            }
        }
    }
    let Some(built) = builds.first() else { return Ok(()) };
    let shown = crate::message::text(&built.display(store)).into_owned();
    if !m.st.settings.imports_builds {
        let option = "the option 'allow-import-from-derivation' is disabled";
        return Err(Unrealised::Unbuilt(format!(
            "cannot build '{shown}' during evaluation because {option}"
        )));
    }
    // Of what is in the store by that name all of it is there; what is not below the store says nothing.
    let in_store = path.strip_prefix(store.as_str().as_bytes()).is_some_and(|rest| rest.starts_with(b"/"));
    if in_store && m.st.host.kind(path).is_ok() {
        return Ok(());
    }
    Err(Unrealised::Unbuilt(format!(
        "cannot build '{shown}' during evaluation because this evaluator has no store"
    )))
}

impl Machine<'_> {
    /// A path as a string: as it is, or its place in the store.
    pub(crate) fn path_string(&mut self, v: Val, copy: bool) -> Result<Val, Error> {
        let path = self.heap.as_path(v).expect("a path");
        if !copy {
            let own = path.strip_prefix(INTERNAL_FILES).map(|name| [b"/", name].concat());
            return Ok(self.heap.new_string(own.as_deref().unwrap_or(path), 0));
        }
        let place = self.source_path(path)?;
        Ok(self.store_path_string(place))
    }

    /// The string of a store path, depending on it.
    pub(crate) fn store_path_string(&mut self, path: StorePath) -> Val {
        let text = self.st.settings.store_dir.print(&path);
        if let Some(guard) = &self.st.guard {
            guard.allow(text.as_bytes());
        }
        let context = self.st.contexts.of([ContextElem::Opaque(path)]);
        self.heap.new_string(text.as_bytes(), context)
    }

    /// Where a source would lie if it were copied to the store under its own name.
    fn source_path(&mut self, path: &[u8]) -> Result<StorePath, Error> {
        if let Some(known) = self.st.sources.get(path) {
            return Ok(known.clone());
        }
        let name = base_name(path).to_vec();
        if name.ends_with(b".drv") {
            return Err(Error::eval("file names are not allowed to end in '.drv'"));
        }
        let source = Source { name, path: path.to_vec(), method: Method::Nar, expected: None };
        // Only messages tell whether links on the way to it were followed.
        let mut walk = match Walk::of(self, path) {
            Err(_) => Walk::of(self, &self.real_parent(path))?,
            Ok(walk) => walk,
        };
        while walk.next(self)?.is_some() {
            walk.answer(true);
        }
        let place = walk.finish(self, &source)?;
        self.st.sources.insert(path.into(), place.clone());
        Ok(place)
    }

    /// The host's answer about a path, or its error as one of evaluation.
    pub(crate) fn host_result<T>(&self, path: &[u8], result: Result<T, HostError>) -> Result<T, Error> {
        self.told(path, result, |path, why| format!("reading '{path}': {why}"))
    }

    /// What a path names.
    pub(crate) fn kind_at(&self, path: &[u8]) -> Result<FileKind, Error> {
        let kind = self.st.host.kind(path);
        self.told(path, kind, |path, why| format!("getting status of \"{path}\": {why}"))
    }

    /// The bytes of the file at a path.
    pub(crate) fn file_at(&self, path: &[u8]) -> Result<Arc<[u8]>, Error> {
        self.told(path, self.st.host.read_file(path), |path, why| match why {
            // It can be opened. CppNix then says how many bytes it tried to read.
            "Is a directory" => format!("reading '{path}': {why}"),
            _ => format!("opening file '{path}': {why}"),
        })
    }

    /// The same of a path all of whose links are followed before anything else.
    pub(crate) fn realised_file(&self, path: &[u8]) -> Result<Arc<[u8]>, Error> {
        self.realised_result(path, self.st.host.read_file(path), |path| self.file_at(path))
    }

    /// The host's answer, or its error, of which `failed` says how the system's failures are told.
    fn told<T>(
        &self,
        path: &[u8],
        result: Result<T, HostError>,
        failed: fn(path: &str, why: &str) -> String,
    ) -> Result<T, Error> {
        result.map_err(|error| {
            let bad = self.no_store_path(path);
            let path = crate::message::text(path);
            match error {
                HostError::NotFound => bad
                    .unwrap_or_else(|| Error::new(ErrorKind::File, format!("path '{path}' does not exist"))),
                HostError::Forbidden(why) => Error::new(ErrorKind::Restricted, why),
                HostError::Failed(why) => Error::new(ErrorKind::File, failed(&path, &why)),
            }
        })
    }

    /// The error of a path in the store below something that can be no store path. CppNix finds that out when it looks for a
    /// file that is not there.
    fn no_store_path(&self, path: &[u8]) -> Option<Error> {
        let store = self.st.settings.store_dir.as_str().as_bytes();
        let base = path.strip_prefix(store)?.strip_prefix(b"/")?.split(|&c| c == b'/').next()?;
        StorePath::parse(base).err().map(|error| Error::eval(error.to_string()))
    }

    /// The host's answer about a path all of whose links are followed before anything else; if it failed, `again` asks once
    /// more at the end of the links.
    fn realised_result<T>(
        &self,
        path: &[u8],
        result: Result<T, HostError>,
        again: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let realising = |path: &[u8], e: Error| {
            let path = crate::message::text(path);
            e.while_(Pos::NONE, format!("while realising the context of path '{path}'"))
        };
        let error = match result {
            Ok(found) => return Ok(found),
            Err(error @ HostError::Forbidden(_)) => return self.host_result(path, Err(error)),
            Err(error) => error,
        };
        let path = self.followed_all(path).map_err(|e| realising(path, e))?;
        if error != HostError::NotFound {
            return again(&path);
        }
        let missing = self.host_result(&path, Err(error));
        missing.map_err(|e| if self.no_store_path(&path).is_some() { realising(&path, e) } else { e })
    }
}

// ---- importing ----------------------------------------------------------------------------------------

/// Links followed before a file is given up, as the system does.
const MAX_LINKS: usize = 40;
/// Links that lead to a file to be imported, at most; CppNix's.
const MAX_FILE_LINKS: usize = 1023;

impl Machine<'_> {
    /// The file that an expression's path means: links followed, `default.nix` in a directory.
    pub fn resolve_file(&mut self, path: &[u8]) -> Result<Arc<[u8]>, Error> {
        if let Some(known) = self.st.import_paths.get(path) {
            return Ok(known.clone());
        }
        if path == FETCHURL_PATH {
            return Ok(path.into());
        }
        let mut file = path.to_vec();
        let mut kind = self.imported_kind(&file)?;
        for _ in 0..MAX_FILE_LINKS {
            if kind != FileKind::Symlink {
                break;
            }
            let target = self.host_result(&file, self.st.host.read_link(&file))?;
            let base = if target.starts_with(b"/") { &b""[..] } else { parent(&file) };
            file = canonical(&[base, b"/", &target].concat());
            kind = self.imported_kind(&file)?;
        }
        if kind == FileKind::Symlink {
            let text = format!(
                "too many symbolic links encountered while traversing the path '{}'",
                crate::message::text(&file)
            );
            return Err(Error::new(ErrorKind::File, text));
        }
        if kind == FileKind::Directory {
            file = canonical(&[&file[..], b"/default.nix"].concat());
        }
        let file: Arc<[u8]> = file.into();
        self.st.import_paths.insert(path.into(), file.clone());
        Ok(file)
    }

    /// What a path names. If it cannot be said, that is an error at the path without links on the way.
    fn imported_kind(&self, path: &[u8]) -> Result<FileKind, Error> {
        self.kind_at(path).or_else(|_| {
            let folder = self.followed_all(parent(path))?;
            self.kind_at(&canonical(&[&folder[..], b"/", base_name(path)].concat()))
        })
    }

    /// The value of a file, evaluated once.
    pub fn import(&mut self, path: &[u8]) -> Result<Step, Error> {
        let file = self.resolve_file(path)?;
        if let Some(&v) = self.st.imports.get(&file) {
            return Ok(Step::Return(v));
        }
        let unit = self.load_file(&file)?;
        let v = self.heap.new_thunk(unit, std::iter::empty::<Val>());
        self.st.imports.insert(file, v);
        Ok(Step::Return(v))
    }

    /// The unit of a file. Its text is not read if the cache knows the file.
    fn load_file(&mut self, file: &[u8]) -> Result<u32, Error> {
        // Asked for before the text: what changes in between is seen the next time.
        #[cfg(feature = "cache")]
        let stamp = self.st.cache.as_ref().and_then(|_| self.st.host.stamp(file, Stamped::Text));
        #[cfg(not(feature = "cache"))]
        let stamp = None;
        #[cfg(feature = "cache")]
        if let Some((len, code)) = stamp.and_then(|stamp| self.code_of_file(file, &stamp)) {
            self.note_source(len as usize);
            let added = self.st.files.add_unread(file.to_vec(), len, parent(file).to_vec(), code);
            return Ok(self.add_units(added).first_unit);
        }
        let source = self.read(file)?;
        self.load_stamped(Origin::File(file.to_vec()), source, parent(file).to_vec(), None, stamp)
    }

    /// The bytes of a file.
    pub fn read(&self, path: &[u8]) -> Result<Arc<[u8]>, Error> {
        if path == FETCHURL_PATH {
            return Ok(FETCHURL.into());
        }
        self.file_at(path)
    }

    /// The program of a file's unit, as CppNix prints expressions.
    pub fn show_unit(&self, unit: u32) -> Vec<u8> {
        let file = self.st.files.get(self.st.files.of_unit(unit));
        let home = self.st.settings.home.as_deref().unwrap_or(b"/");
        let places = frazil_syntax::show::Places { base: &file.base_dir, home };
        frazil_syntax::show::show(&file.code.exprs, &self.st.symbols, places)
    }

    fn scoped_import(&mut self, path: &[u8], scope: Val) -> Result<Step, Error> {
        let file = self.resolve_file(path)?;
        let source = self.read(&file)?;
        let names = self.attrs(scope).0;
        let base = parent(&file).to_vec();
        let unit = self.load(Origin::File(file.to_vec()), source, base, Some(&names))?;
        let function = self.heap.new_closure(unit, std::iter::empty::<Val>());
        Ok(Step::ReturnCall(function, Args::from_slice(&[scope])))
    }

    /// Parses a text and resolves its scopes; answers the unit of the whole. With a `scope` of names the unit is a function
    /// of the set that holds them.
    pub fn load(
        &mut self,
        origin: Origin,
        source: Arc<[u8]>,
        base_dir: Vec<u8>,
        scope: Option<&[Symbol]>,
    ) -> Result<u32, Error> {
        self.load_stamped(origin, source, base_dir, scope, None)
    }

    fn note_source(&mut self, len: usize) {
        self.st.stats.files += 1;
        self.st.stats.source_bytes += len as u64;
    }

    /// The same of a file that had a stamp before it was read.
    fn load_stamped(
        &mut self,
        origin: Origin,
        source: Arc<[u8]>,
        base_dir: Vec<u8>,
        scope: Option<&[Symbol]>,
        stamp: Option<Stamp>,
    ) -> Result<u32, Error> {
        self.note_source(source.len());
        #[cfg(feature = "cache")]
        if let Some(code) = self.kept_code(&origin, &source, scope, stamp) {
            return self.add_code(origin, source, base_dir, code);
        }
        #[cfg(not(feature = "cache"))]
        let _ = stamp;
        let options = self.reading_options();
        let parsed = frazil_syntax::parse(&source, &mut self.st.symbols, &options);
        let start = self.st.files.next_start(source.len());
        let exprs = match parsed {
            Ok(exprs) => exprs,
            Err(error) => {
                self.st.files.add_broken(origin, source, base_dir);
                let text = error.render(|offset| self.st.show_pos(Pos(start + offset)));
                let text = crate::message::text(&text).into_owned();
                return Err(Error::new(ErrorKind::Syntax, text).at(Pos(start + error.offset)));
            }
        };
        let (globals, lints) = (&self.st.globals, exprs.lints.clone());
        let patient = self.st.settings.patient;
        let is_global = |name| globals.contains_key(&name);
        let resolved = frazil_code::resolve(exprs, &is_global, self.st.names, scope, patient);
        let code = match resolved {
            Ok(code) => code,
            Err(error) => {
                self.st.files.add_broken(origin, source.clone(), base_dir);
                // What there is to say about the text comes before what its names mean.
                self.lint(&lints, &source, start)?;
                return Err(self.scope_error(error, start));
            }
        };
        self.add_code(origin, source, base_dir, code)
    }

    /// The code of a file from the cache. What is not the same for all who read the file is not kept, nor are texts of no file,
    /// which may be nobody else's business.
    #[cfg(feature = "cache")]
    fn kept_code(
        &mut self,
        origin: &Origin,
        source: &[u8],
        scope: Option<&[Symbol]>,
        stamp: Option<Stamp>,
    ) -> Option<FileCode> {
        let Origin::File(path) = origin else { return None };
        let place = stamp.map(|stamp| (&path[..], stamp));
        if scope.is_some() {
            None
        } else {
            self.ask_cache(|cache, reading| cache.code(source, place, reading))
        }
    }

    /// The code of a file that has a stamp, and the length of its text.
    #[cfg(feature = "cache")]
    fn code_of_file(&mut self, path: &[u8], stamp: &Stamp) -> Option<(u32, FileCode)> {
        let found = self.ask_cache(|cache, reading| cache.code_of_file(path, stamp, reading));
        // What there is to say of a text quotes it.
        found.filter(|(_, code)| code.exprs.lints.is_empty())
    }

    /// What the cache answers, if it is to be asked for code.
    #[cfg(feature = "cache")]
    fn ask_cache<T>(&mut self, ask: impl FnOnce(&mut dyn Keeper, Reading<'_>) -> Option<T>) -> Option<T> {
        let options = self.reading_options();
        let State { cache: Some(cache), symbols, names, globals, settings, .. } = &mut *self.st else {
            return None;
        };
        if settings.patient {
            return None;
        }
        let globals = &mut globals.keys().copied();
        ask(&mut **cache, Reading { symbols, names: *names, globals, options })
    }

    fn reading_options(&self) -> frazil_syntax::Options {
        frazil_syntax::Options { pipe_operators: self.st.settings.pipe_operators }
    }

    /// Adds a file; answers the unit of the whole.
    fn add_code(
        &mut self,
        origin: Origin,
        source: Arc<[u8]>,
        base_dir: Vec<u8>,
        code: FileCode,
    ) -> Result<u32, Error> {
        let file = self.st.files.add(origin, source.clone(), base_dir, code);
        let File { first_unit, start, code, .. } = self.add_units(file);
        let (first_unit, start, code) = (*first_unit, *start, code.clone());
        self.lint(&code.exprs.lints, &source, start)?;
        Ok(first_unit)
    }

    /// Makes room for the units of a file.
    fn add_units(&mut self, file: u32) -> &File {
        let count = self.st.files.unit_count();
        self.st.units.resize(count.max(self.st.units.len()), u32::MAX);
        self.st.files.get(file)
    }
}

impl Machine<'_> {
    /// The error of a file whose positions begin at `start`.
    fn scope_error(&self, error: ScopeError, start: u32) -> Error {
        let (error, pos) = match error {
            ScopeError::Undefined { name, pos } => {
                let name = crate::message::text(self.st.symbols.name(name));
                let text = format!("undefined variable '{name}'");
                (Error::new(ErrorKind::UndefinedVariable, text), pos)
            }
            ScopeError::TooManyCaptures { pos } => {
                let text = "this expression uses more than 65535 values from around it";
                (Error::new(ErrorKind::Syntax, text), pos)
            }
        };
        error.at(crate::link::position(start, pos))
    }
}

// ---- reading ------------------------------------------------------------------------------------------

fn read_file(m: &mut Machine<'_>, path: &[u8]) -> Result<Step, Error> {
    let contents = m.realised_file(path)?;
    if contents.contains(&0) {
        let path = crate::message::text(path);
        return Err(Error::eval(format!(
            "the contents of the file '{path}' cannot be represented as a Nix string"
        )));
    }
    m.check_string_len(contents.len() as u64)?;
    Ok(Step::Done(m.heap.new_string(&contents, 0)))
}

fn kind_text(kind: FileKind) -> &'static [u8] {
    match kind {
        FileKind::Regular { .. } => b"regular",
        FileKind::Directory => b"directory",
        FileKind::Symlink => b"symlink",
        FileKind::Other => b"unknown",
    }
}

fn kind_name(m: &mut Machine<'_>, kind: FileKind) -> Val {
    let symbol = m.st.symbols.intern(kind_text(kind));
    m.symbol_string(symbol)
}

fn read_dir(m: &mut Machine<'_>, path: &[u8]) -> Result<Step, Error> {
    if let Some(&known) = m.st.readdirs.get(path) {
        return Ok(Step::Done(known));
    }
    // Asked for before the listing: what changes in between is seen the next time.
    #[cfg(feature = "cache")]
    let stamp = m.st.cache.as_ref().and_then(|_| m.st.host.stamp(path, Stamped::Listing));
    #[cfg(feature = "cache")]
    if let Some(kept) = stamp.and_then(|stamp| kept_listing(m, path, &stamp)) {
        m.st.readdirs.insert(path.into(), kept);
        return Ok(Step::Done(kept));
    }
    let entries = m.realised_result(path, m.st.host.read_dir(path), |path| {
        let entries = m.st.host.read_dir(path);
        m.told(path, entries, |path, why| format!("cannot read directory \"{path}\": {why}"))
    })?;
    #[cfg(feature = "cache")]
    if let (Some(cache), Some(stamp)) = (&mut m.st.cache, stamp) {
        cache.keep_listing(path, stamp, &entries);
    }
    let (mut names, mut values) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
    for (name, kind) in entries {
        let kind = match kind {
            Some(kind) => kind,
            None => {
                let file = [path, b"/", &name[..]].concat();
                m.kind_at(&file)?
            }
        };
        names.push(m.st.symbols.intern(&name));
        values.push(kind_name(m, kind));
    }
    let v = m.new_attrs(&names, &values);
    m.st.readdirs.insert(path.into(), v);
    Ok(Step::Done(v))
}

/// The listing of a directory from the cache. Names are met in the order in which they are when the host lists it.
#[cfg(feature = "cache")]
fn kept_listing(m: &mut Machine<'_>, path: &[u8], stamp: &Stamp) -> Option<Val> {
    let State { cache: Some(cache), symbols, .. } = &mut *m.st else { return None };
    let (mut names, mut kinds) = (Vec::new(), Vec::new());
    let is_kept = cache.listing(path, stamp, &mut |name, kind| {
        names.push(symbols.intern(name));
        kinds.push(symbols.intern(kind_text(kind)));
    });
    if !is_kept {
        return None;
    }
    let values: Vec<Val> = kinds.into_iter().map(|kind| m.symbol_string(kind)).collect();
    Some(m.new_attrs(&names, &values))
}

fn path_exists(m: &mut Machine<'_>, v: Val) -> Result<Step, Error> {
    let must_be_dir = v.is_string() && {
        let text = m.heap.bytes(v);
        text.ends_with(b"/") || text.ends_with(b"/.")
    };
    path_of(v, &[], REALISING, move |m, path, _| {
        let mut kind = m.st.host.kind(&path);
        if must_be_dir && kind == Ok(FileKind::Symlink) {
            kind = m.st.host.read_dir(&path).map(|_| FileKind::Directory);
        }
        if let Err(HostError::Failed(_)) = kind {
            kind = Ok(m.realised_result(&path, kind, |path| m.kind_at(path))?);
        }
        // CppNix 2.34 fails at what can be no store path; its later versions answer as here.
        Ok(Step::Done(Val::bool(match kind {
            Ok(kind) => !must_be_dir || kind == FileKind::Directory,
            Err(_) => false,
        })))
    })
}

fn store_path(m: &mut Machine<'_>, path: Vec<u8>, context: u32) -> Result<Step, Error> {
    if m.st.settings.pure {
        return Err(Error::eval("'builtins.storePath' is not allowed in pure evaluation mode"));
    }
    let store = m.st.settings.store_dir.clone();
    let name = |path: &[u8]| Some(path.strip_prefix(store.as_str().as_bytes())?.strip_prefix(b"/")?.to_vec());
    // A link that is itself a store path is meant; any other is followed.
    let is_store_path = name(&path).is_some_and(|name| StorePath::parse(&name).is_ok());
    let path = if is_store_path { path } else { m.follow(&path)?.map_err(|rest| endless(&rest))? };
    let Some(name) = name(&path) else {
        let path = crate::message::text(&path);
        return Err(Error::eval(format!("path '{path}' is not in the Nix store")));
    };
    let base = name.split(|&c| c == b'/').next().unwrap_or_default();
    let parsed = StorePath::parse(base).map_err(|e| Error::eval(e.to_string()))?;
    let added = m.st.contexts.of([ContextElem::Opaque(parsed)]);
    let context = m.st.contexts.union(context, added);
    Ok(Step::Done(m.heap.new_string(&path, context)))
}

// ---- the search path ----------------------------------------------------------------------------------

/// `findFile`: starts anew after each value that it had to force.
struct FindFile {
    list: Val,
    name: Val,
    /// What the trace says of the value that is being forced.
    context: Option<&'static str>,
}

impl Native for FindFile {
    traced!(self, visit: [self.list, self.name]);

    fn resume(&mut self, m: &mut Machine<'_>, _: Val) -> Result<Step, Error> {
        let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        self.context = None;
        for slot in m.heap.list(self.list) {
            let Some(entry) = m.heap.peek(slot.get()) else { return Ok(Step::Force(slot.get())) };
            m.expect(
                entry,
                Want::Attrs,
                "while evaluating an element of the list passed to builtins.findFile",
            )?;
            let mut prefix = Vec::new();
            if let Some(slot) = m.attr(entry, m.st.known.prefix()) {
                const CONTEXT: &str = "while evaluating the `prefix` attribute of an element of the list passed to builtins.findFile";
                let Some(v) = m.heap.peek(slot.get()) else {
                    self.context = Some(CONTEXT);
                    return Ok(Step::Force(slot.get()));
                };
                m.expect(v, Want::Plain, CONTEXT)?;
                prefix = m.heap.bytes(v).to_vec();
            }
            let path = m.required_attr(entry, m.st.known.path(), "in an element of the __nixPath")?;
            let Some(mut path) = m.heap.peek(path) else { return Ok(Step::Force(path)) };
            // A set counts by its `outPath`.
            while path.is_attrs() {
                let out_path =
                    m.required_attr(path, m.st.known.out_path(), "in an element of the __nixPath")?;
                match m.heap.peek(out_path) {
                    Some(v) => path = v,
                    None => return Ok(Step::Force(out_path)),
                }
            }
            let path = match m.heap.as_path(path) {
                Some(path) => path.to_vec(),
                None => {
                    const CONTEXT: &str = "while evaluating the `path` attribute of an element of the list passed to builtins.findFile";
                    if !path.is_string() {
                        let (what, value) = (m.describe(path), m.show_short(path));
                        let error = Error::typed(format!("cannot coerce {what} to a string: {value}"));
                        return Err(error.while_(Pos::NONE, CONTEXT));
                    }
                    let string = m.heap.string(path);
                    realise(m, string.bytes, string.context).map_err(|refusal| match refusal {
                        Unrealised::Invalid(name) => {
                            let path = crate::message::text(string.bytes);
                            Error::eval(format!("cannot find '{path}', since path '{name}' is not valid"))
                        }
                        refusal => refusal.error(),
                    })?;
                    string.bytes.to_vec()
                }
            };
            entries.push((prefix, path));
        }
        const CONTEXT: &str = "while evaluating the second argument passed to builtins.findFile";
        let Some(name) = m.heap.peek(self.name) else {
            self.context = Some(CONTEXT);
            return Ok(Step::Force(self.name));
        };
        m.expect(name, Want::Plain, CONTEXT)?;
        let name = m.heap.bytes(name).to_vec();
        let found = m.find_file(&entries, &name)?;
        Ok(Step::Done(m.heap.new_path(&found)))
    }

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        self.context.into_iter().for_each(|context| error.add_trace(Pos::NONE, context));
    }
}

/// Whether an allowed prefix is `SCHEME:`.
fn is_whole_scheme(prefix: &str) -> bool {
    prefix
        .strip_suffix(':')
        .is_some_and(|scheme| scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c)))
}

/// Where the evaluator's own files lie.
pub const INTERNAL_FILES: &[u8] = b"/__corepkgs__/";
/// The file that `<nix/fetchurl.nix>` names. It lies in the evaluator itself.
pub const FETCHURL_PATH: &[u8] = b"/__corepkgs__/fetchurl.nix";
const FETCHURL: &[u8] = include_bytes!("fetchurl.nix");

/// The error of links that never end.
fn endless(path: &[u8]) -> Error {
    let path = crate::message::text(path);
    Error::new(ErrorKind::File, format!("infinite symlink recursion in path '{path}'"))
}

impl Machine<'_> {
    /// The path with the links on the way to it followed.
    fn real_parent(&self, path: &[u8]) -> Vec<u8> {
        let mut names: Vec<&[u8]> = path.split(|&c| c == b'/').filter(|name| !name.is_empty()).collect();
        let last = names.pop().unwrap_or_default();
        let mut real = Vec::new();
        for name in names {
            real = self.followed(&[&real[..], b"/", name].concat());
        }
        [&real[..], b"/", last].concat()
    }

    /// The path with a link at its end followed, for messages.
    fn followed(&self, path: &[u8]) -> Vec<u8> {
        let mut path = path.to_vec();
        for _ in 0..MAX_LINKS {
            let Ok(target) = self.st.host.read_link(&path) else { break };
            path = if target.starts_with(b"/") {
                target
            } else {
                canonical(&[parent(&path), b"/", &target].concat())
            };
        }
        path
    }

    /// The path with all links on it followed.
    fn followed_all(&self, path: &[u8]) -> Result<Vec<u8>, Error> {
        self.follow(path)?.map_err(|_| endless(path))
    }

    /// The same, or what is left of the path behind links that never end.
    fn follow(&self, path: &[u8]) -> Result<Result<Vec<u8>, Vec<u8>>, Error> {
        let parts = |path: &[u8]| -> Vec<Vec<u8>> {
            path.split(|&c| c == b'/').filter(|part| !part.is_empty()).rev().map(<[u8]>::to_vec).collect()
        };
        let (mut todo, mut at, mut links) = (parts(path), b"/".to_vec(), 0);
        while let Some(part) = todo.pop() {
            let next = canonical(&[&at[..], b"/", &part].concat());
            let kind = match self.st.host.kind(&next) {
                Err(HostError::Failed(_)) => self.kind_at(&next)?,
                Err(_) => FileKind::Other,
                Ok(kind) => kind,
            };
            if kind != FileKind::Symlink {
                at = next;
                continue;
            }
            links += 1;
            if links > MAX_FILE_LINKS {
                return Ok(Err(todo.iter().rev().flat_map(|part| [b"/", &part[..]].concat()).collect()));
            }
            let target = self.host_result(&next, self.st.host.read_link(&next))?;
            if target.starts_with(b"/") {
                at = b"/".to_vec();
            }
            todo.extend(parts(&target));
        }
        Ok(Ok(at))
    }

    /// Looks a name of `<…>` up in a search path.
    pub fn find_file(&mut self, entries: &[(Vec<u8>, Vec<u8>)], name: &[u8]) -> Result<Vec<u8>, Error> {
        for (prefix, place) in entries {
            let rest: &[u8] = if prefix.is_empty() {
                name
            } else {
                match name.strip_prefix(&prefix[..]) {
                    Some(b"") => b"",
                    Some([b'/', rest @ ..]) => rest,
                    _ => continue,
                }
            };
            let Some(base) = self.search_entry(place)? else { continue };
            let file =
                if rest.is_empty() { base.to_vec() } else { canonical(&[&base[..], b"/", rest].concat()) };
            let file = self.followed_all(&file)?;
            match self.st.host.kind(&file) {
                Ok(_) => return Ok(file),
                Err(error @ HostError::Forbidden(_)) => return self.host_result(&file, Err(error)),
                Err(_) => self.no_store_path(&file).map_or(Ok(()), Err)?,
            }
        }
        if name == b"nix/fetchurl.nix" {
            return Ok(FETCHURL_PATH.to_vec());
        }
        let name = crate::message::text(name);
        Err(Error::new(
            ErrorKind::Thrown,
            if self.st.settings.pure {
                format!("cannot look up '<{name}>' in pure evaluation mode (use '--impure' to override)")
            } else {
                format!("file '{name}' was not found in the Nix search path (add it using $NIX_PATH or -I)")
            },
        ))
    }

    /// Lets restricted evaluation see what is on the search path.
    pub(crate) fn allow_search_path(&mut self) {
        for (_, place) in self.st.settings.nix_path.clone() {
            if let Some(guard) = self.st.guard.clone() {
                guard.allow(&self.search_place(&place));
                // What is allowed is not forbidden.
                let _ = self.search_entry(&place);
            }
        }
    }

    /// An error if restricted evaluation may not fetch from there.
    pub(crate) fn check_uri(&self, uri: &str) -> Result<(), Error> {
        let (Some(guard), true) = (&self.st.guard, self.st.settings.restricted) else { return Ok(()) };
        let is_allowed = |prefix: &String| {
            uri.strip_prefix(prefix.as_str()).is_some_and(|rest| {
                rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/') || is_whole_scheme(prefix)
            })
        };
        if self.st.settings.allowed_uris.iter().any(is_allowed) {
            return Ok(());
        }
        let local = match frazil_text::url::Url::parse(uri, false) {
            _ if uri.starts_with('/') => Some(uri.to_owned()),
            Ok(url) if url.scheme == "file" => url.file_path().ok(),
            _ => None,
        };
        let Some(path) = local else {
            let text = format!("access to URI '{uri}' is forbidden in restricted mode");
            return Err(Error::new(ErrorKind::Restricted, text));
        };
        let path = canonical(&crate::message::bytes(&path));
        self.host_result(&path, guard.check(&path))
    }

    /// The directory that an entry of a search path names.
    fn search_place(&self, place: &[u8]) -> Vec<u8> {
        if place.starts_with(b"/") {
            return canonical(place);
        }
        canonical(&[&self.st.host.working_directory()[..], b"/", place].concat())
    }

    /// The directory that an entry of a search path means, if it is there.
    fn search_entry(&mut self, place: &[u8]) -> Result<Option<Arc<[u8]>>, Error> {
        if let Some(known) = self.st.search.get(place) {
            return Ok(known.clone());
        }
        let is_url = place.windows(3).any(|w| w == b"://")
            || place.starts_with(b"channel:")
            || place.starts_with(b"flake:");
        let path = self.search_place(place);
        let kind = self.st.host.kind(&path);
        if let Err(HostError::Forbidden(_)) = kind {
            self.host_result(&path, kind.clone())?;
        }
        if let (false, Err(HostError::NotFound), Some(error)) = (is_url, &kind, self.no_store_path(&path)) {
            return Err(error);
        }
        let found: Option<Arc<[u8]>> = (!is_url && kind.is_ok()).then(|| path.into());
        if found.is_none() {
            let text = crate::message::text(place);
            self.st.say(&format!("warning: Nix search path entry '{text}' does not exist, ignoring"));
        }
        self.st.search.insert(place.to_vec(), found.clone());
        Ok(found)
    }
}

// ---- into the store -----------------------------------------------------------------------------------

fn to_file(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let (name, contents) = (m.heap.bytes(a[0]), m.heap.string(a[1]));
    let mut references = Vec::new();
    for elem in m.st.contexts.elements(contents.context) {
        match elem {
            ContextElem::Opaque(path) => references.push(path.clone()),
            other => {
                let (name, other) = (crate::message::text(name), other.to_bytes());
                return Err(Error::eval(format!(
                    "files created by builtins.toFile may not reference derivations, but {name} references {}",
                    crate::message::text(&other)
                )));
            }
        }
    }
    references.sort_unstable();
    let store = m.st.settings.store_dir.clone();
    let digest = frazil_store::hash::sha256(contents.bytes);
    let path = store.make_text_path(name, &digest, &references).map_err(|e| Error::eval(e.to_string()))?;
    if m.st.host.writes_store() {
        let place = store.print(&path);
        m.host_result(place.as_bytes(), m.st.host.write_store(&place, contents.bytes))?;
    }
    Ok(Step::Done(m.store_path_string(path)))
}

/// What is to be hashed, and how.
struct Source {
    name: Vec<u8>,
    path: Vec<u8>,
    method: Method,
    expected: Option<Hash>,
}

struct PathArgs {
    set: Val,
    /// Its slots, in the order in which they are looked at.
    order: Vec<u32>,
    i: usize,
    /// What the trace says of the attribute that is being forced.
    context: Option<&'static str>,
    path: Option<Vec<u8>>,
    /// What the path refers to.
    path_context: u32,
    name: Option<Vec<u8>>,
    filter: Option<Val>,
    method: Method,
    expected: Option<Hash>,
}

impl Native for PathArgs {
    traced!(self, visit: [self.set], self.filter.iter());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if self.order.is_empty() {
            self.order = m.met_order(self.set);
        }
        let (keys, values) = m.attrs(self.set);
        if input != Val::ABSENT {
            let key = keys[self.order[self.i] as usize];
            let (key, pos) = (m.st.symbols.name(key).to_vec(), m.attr_pos(self.set, key));
            let want = match &key[..] {
                b"path" => Want::Any,
                b"filter" => Want::Function,
                b"recursive" => Want::Bool,
                _ => Want::Plain,
            };
            if let Some(context) = self.context.take().filter(|_| !m.fits(input, want)) {
                return Err(m.unwanted_at(input, want, pos, context));
            }
            match &key[..] {
                b"path" => {
                    let string = m.heap.string(input);
                    (self.path, self.path_context) = (Some(string.bytes.to_vec()), string.context);
                }
                b"name" => self.name = Some(m.heap.bytes(input).to_vec()),
                b"filter" => self.filter = Some(input),
                b"recursive" => self.method = if input == Val::TRUE { Method::Nar } else { Method::Flat },
                _ => {
                    super::hashes::require_hash(m, m.heap.bytes(input))?;
                    let hash = Hash::parse_allow_empty(m.heap.bytes(input), Some(Algorithm::Sha256));
                    self.expected = Some(hash.map_err(|e| Error::eval(e.to_string()))?);
                }
            }
            self.i += 1;
        }
        if let Some(slot) = self.order.get(self.i).map(|&slot| slot as usize) {
            let (key, value) = (keys[slot], &values[slot]);
            let pos = m.attr_pos(self.set, key);
            self.context = Some(match m.st.symbols.name(key) {
                b"path" => {
                    const CONTEXT: &str = "while evaluating the 'path' attribute passed to 'builtins.path'";
                    let step = path_at(value.get(), &[], pos, CONTEXT, |m, path, context| {
                        Ok(Step::Done(m.heap.new_string(&path, context)))
                    })?;
                    return Ok(match step {
                        Step::ReturnRun(native) => Step::Run(native),
                        step => step,
                    });
                }
                b"name" => "while evaluating the `name` attribute passed to builtins.path",
                b"filter" => "while evaluating the `filter` parameter passed to builtins.path",
                b"recursive" => "while evaluating the `recursive` attribute passed to builtins.path",
                b"sha256" => "while evaluating the `sha256` attribute passed to builtins.path",
                _ => {
                    let text = format!("unsupported argument '{}' to 'builtins.path'", m.shown_name(key));
                    return Err(Error::eval(text).at(pos));
                }
            });
            return Ok(Step::Force(value.get()));
        }
        let Some(path) = self.path.take() else {
            return Err(Error::eval(
                "missing required 'path' attribute in the first argument to 'builtins.path'",
            ));
        };
        let name = self.name.take().filter(|n| !n.is_empty()).unwrap_or_else(|| base_name(&path).to_vec());
        let source = Source { name, path, method: self.method, expected: self.expected.take() };
        add_path(m, source, self.path_context, self.filter)
    }

    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        if let (Some(context), Some(pos)) = (self.context, self.call_site(m)) {
            error.add_trace(pos, context);
        }
    }

    fn call_site(&self, m: &mut Machine<'_>) -> Option<Pos> {
        let slot = *self.order.get(self.i)?;
        let key = m.attrs(self.set).0[slot as usize];
        Some(m.attr_pos(self.set, key))
    }
}

fn add_path(m: &mut Machine<'_>, source: Source, context: u32, filter: Option<Val>) -> Result<Step, Error> {
    realise(m, &source.path, context).map_err(|refusal| while_adding(&source, refusal.error()))?;
    let walk = Walk::new(m, &source, filter.is_some()).map_err(|e| while_adding(&source, e))?;
    Ok(Step::ReturnRun(Box::new(AddPath { source, filter, walk })))
}

fn while_adding(source: &Source, error: Error) -> Error {
    let path = crate::message::text(&source.path);
    error.while_(Pos::NONE, format!("while adding path '{path}'"))
}

/// Adds a source to the store, asking a filter about each file.
struct AddPath {
    source: Source,
    filter: Option<Val>,
    walk: Walk,
}

impl Native for AddPath {
    traced!(self, visit: self.filter.iter());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        self.step(m, input).map_err(|e| while_adding(&self.source, e))
    }

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        let path = crate::message::text(&self.source.path);
        error.add_trace(Pos::NONE, format!("while adding path '{path}'"));
    }
}

impl AddPath {
    fn step(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            let context = "while evaluating the return value of the path filter function";
            let keep = m.expect(input, Want::Bool, context)? == Val::TRUE;
            self.walk.answer(keep);
        }
        while let Some((path, kind)) = self.walk.next(m)? {
            if let Some(filter) = self.filter {
                let path = m.heap.new_string(&path, 0);
                let kind = kind_name(m, kind);
                return Ok(Step::Call(filter, Args::from_slice(&[path, kind])));
            }
            self.walk.answer(true);
        }
        let place = self.walk.finish(m, &self.source)?;
        Ok(Step::Done(m.store_path_string(place)))
    }
}

/// A tree of files, walked in the order of an archive.
struct Walk {
    nodes: Vec<TreePart>,
    /// What is still to be visited, the next last.
    todo: Vec<Visit>,
    asked: Option<(Vec<u8>, Vec<u8>, FileKind)>,
}

enum Visit {
    Entry { path: Vec<u8>, name: Vec<u8>, kind: Option<FileKind> },
    End,
}

impl Walk {
    /// A walk of what is at a path: a link is a link.
    fn of(m: &mut Machine<'_>, path: &[u8]) -> Result<Walk, Error> {
        let mut walk = Walk { nodes: Vec::new(), todo: Vec::new(), asked: None };
        let kind = m.kind_at(path)?;
        walk.enter(m, path.to_vec(), kind)?;
        Ok(walk)
    }

    /// A walk of what a path leads to; a filter is asked about places without links on the way.
    fn new(m: &mut Machine<'_>, source: &Source, is_filtered: bool) -> Result<Walk, Error> {
        match m.st.host.kind(&source.path) {
            Ok(kind) if kind != FileKind::Symlink && !is_filtered => Walk::of(m, &source.path),
            _ => {
                let path = m.followed_all(&source.path)?;
                Walk::of(m, &path)
            }
        }
    }

    fn enter(&mut self, m: &mut Machine<'_>, path: Vec<u8>, kind: FileKind) -> Result<(), Error> {
        match kind {
            FileKind::Regular { executable } => self.nodes.push(TreePart::File { path, executable }),
            FileKind::Symlink => {
                let target = m.host_result(&path, m.st.host.read_link(&path))?;
                self.nodes.push(TreePart::Symlink(target));
            }
            FileKind::Directory => {
                self.nodes.push(TreePart::Directory);
                self.todo.push(Visit::End);
                let mut entries = m.host_result(&path, m.st.host.read_dir(&path))?;
                entries.sort_by(|a, b| b.0.cmp(&a.0));
                for (name, kind) in entries {
                    let path = [&path[..], b"/", &name].concat();
                    self.todo.push(Visit::Entry { path, name, kind });
                }
            }
            FileKind::Other => {
                let path = crate::message::text(&path);
                return Err(Error::new(ErrorKind::File, format!("file '{path}' has an unsupported type")));
            }
        }
        Ok(())
    }

    /// The next file that a filter is to be asked about; [`Walk::answer`] tells whether to take it.
    fn next(&mut self, m: &mut Machine<'_>) -> Result<Option<(Vec<u8>, FileKind)>, Error> {
        if let Some((path, name, kind)) = self.asked.take() {
            self.nodes.push(TreePart::Entry(name));
            self.enter(m, path, kind)?;
        }
        while let Some(visit) = self.todo.pop() {
            match visit {
                Visit::End => self.nodes.push(TreePart::End),
                Visit::Entry { path, name, kind } => {
                    // Whether a file is executable is not in a directory's listing.
                    let kind = match kind {
                        Some(kind @ (FileKind::Directory | FileKind::Symlink)) => kind,
                        _ => m.kind_at(&path)?,
                    };
                    self.asked = Some((path.clone(), name, kind));
                    return Ok(Some((path, kind)));
                }
            }
        }
        Ok(None)
    }

    fn answer(&mut self, keep: bool) {
        if !keep {
            self.asked = None;
        }
    }

    /// The store path of what was walked.
    fn finish(&mut self, m: &mut Machine<'_>, source: &Source) -> Result<StorePath, Error> {
        let hash = match source.method {
            Method::Flat => self.hash_flat(m, source)?,
            _ => self.hash_nar(m)?,
        };
        let store = m.st.settings.store_dir.clone();
        let place = |hash: &Hash| {
            store.make_content_path(&source.name, source.method, hash).map_err(|e| Error::eval(e.to_string()))
        };
        let path = place(&hash)?;
        if let Some(expected) = &source.expected
            && place(expected)? != path
        {
            let text = format!(
                "store path mismatch in (possibly filtered) path added from '{}'",
                crate::message::text(&source.path)
            );
            return Err(Error::eval(text));
        }
        if m.st.host.writes_store() {
            let text = store.print(&path);
            let mut parts = std::mem::take(&mut self.nodes);
            if let (Method::Flat, [TreePart::File { executable, .. }]) = (source.method, &mut parts[..]) {
                *executable = false;
            }
            let copied = m.st.host.copy_to_store(&text, &source.path, &parts);
            m.host_result(&source.path, copied)?;
        }
        Ok(path)
    }

    fn hash_flat(&self, m: &Machine<'_>, source: &Source) -> Result<Hash, Error> {
        match self.nodes.as_slice() {
            [TreePart::File { path, .. }] => {
                let contents = m.file_at(path)?;
                Ok(Algorithm::Sha256.hash(&contents))
            }
            _ => {
                m.file_at(&source.path)?;
                let path = crate::message::text(&source.path);
                Err(Error::new(ErrorKind::File, format!("'{path}' is not a regular file")))
            }
        }
    }

    fn hash_nar(&self, m: &Machine<'_>) -> Result<Hash, Error> {
        let mut writer = nar::Writer::new(Hasher::new(Algorithm::Sha256));
        for node in &self.nodes {
            let written = match node {
                TreePart::Directory => writer.event(Event::Directory),
                TreePart::Entry(name) => writer.event(Event::Entry(name)),
                TreePart::Symlink(target) => writer.event(Event::Symlink(target)),
                TreePart::End => writer.event(Event::End),
                TreePart::File { path, executable } => {
                    let contents = m.file_at(path)?;
                    writer.file(*executable, &contents)
                }
            };
            written.map_err(|e| Error::eval(e.to_string()))?;
        }
        Ok(writer.finish().finish())
    }
}
