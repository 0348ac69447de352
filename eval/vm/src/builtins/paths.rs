//! Paths and files: importing, reading, looking up, and hashing sources to their place in the store.

use super::{Builtin, Want, row, strict};
use crate::coerce::{Coerce, CoerceTo};
use crate::error::{Error, ErrorKind};
use crate::files::{Origin, Pos};
use crate::host::{FileKind, HostError};
use crate::machine::Machine;
use crate::native::{Args, Native, Step, then, then_closure, traced};
use frazil_store::context::ContextElem;
use frazil_store::hash::{Algorithm, Hash, Hasher};
use frazil_store::nar::{self, Event};
use frazil_store::path::{Method, StorePath};
use frazil_syntax::symbol::Symbol;
use frazil_value::Val;
use std::sync::Arc;

pub(super) const TABLE: &[Builtin] = &[
    row("import", 1, &[], |_, a| {
        path_of(a[0], &[], "while realising the context of a path", |m, path, _| m.import(&path))
    }),
    row("scopedImport", 2, &[], |_, a| {
        let scope = a[0];
        path_of(a[1], &[scope], "while realising the context of a path", move |_, path, _| {
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
    row("readFile", 1, &[], |_, a| {
        path_of(a[0], &[], "while realising the context of a path", |m, path, _| read_file(m, &path))
    }),
    row("readDir", 1, &[], |_, a| {
        path_of(a[0], &[], "while realising the context of a path", |m, path, _| read_dir(m, &path))
    }),
    row("readFileType", 1, &[], |_, a| {
        path_of(a[0], &[], "while realising the context of a path", |m, path, _| {
            let kind = m.host_result(&path, m.st.host.kind(&path))?;
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
        |_, a| Ok(Step::ReturnRun(Box::new(FindFile { list: a[0], name: a[1] }))),
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
        path_of(a[1], &[filter], CONTEXT, move |_, path, _| {
            then_closure(Step::Force(filter), &[], move |m, filter| {
                m.expect(
                    filter,
                    Want::Function,
                    "while evaluating the first argument passed to builtins.filterSource",
                )?;
                let source = Source {
                    name: base_name(&path).to_vec(),
                    path: path.clone(),
                    method: Method::Nar,
                    expected: None,
                };
                add_path(m, source, Some(filter))
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
                i: 0,
                path: None,
                name: None,
                filter: None,
                method: Method::Nar,
                expected: None,
                coercing: false,
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
fn base_name(path: &[u8]) -> &[u8] {
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
fn path_of(
    v: Val,
    held: &[Val],
    context: &'static str,
    mut go_on: impl FnMut(&mut Machine<'_>, Vec<u8>, u32) -> Result<Step, Error> + Send + 'static,
) -> Result<Step, Error> {
    let string = Coerce::new(v, CoerceTo::PLAIN, Pos::NONE, context);
    then_closure(Step::Run(Box::new(string)), held, move |m, v| {
        let string = m.heap.string(v);
        if !string.bytes.starts_with(b"/") {
            let text = String::from_utf8_lossy(string.bytes);
            return Err(Error::eval(format!("string '{text}' doesn't represent an absolute path"))
                .while_(Pos::NONE, context));
        }
        let built = m.st.contexts.elements(string.context).find_map(|elem| match elem {
            ContextElem::Built(built) => Some(built.display(&m.st.settings.store_dir)),
            _ => None,
        });
        if let Some(built) = built
            && m.st.host.kind(string.bytes).is_err()
        {
            let built = String::from_utf8_lossy(&built).into_owned();
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("cannot build '{built}' during evaluation because this evaluator has no store"),
            ));
        }
        go_on(m, canonical(string.bytes), string.context)
    })
}

impl Machine<'_> {
    /// A path as a string: as it is, or its place in the store.
    pub(crate) fn path_string(&mut self, v: Val, copy: bool) -> Result<Val, Error> {
        let path = self.heap.as_path(v).expect("a path");
        if !copy {
            return Ok(self.heap.new_string(path, 0));
        }
        let place = self.source_path(path)?;
        Ok(self.store_path_string(place))
    }

    /// The string of a store path, depending on it.
    pub(crate) fn store_path_string(&mut self, path: StorePath) -> Val {
        let text = self.st.settings.store_dir.print(&path);
        let context = self.st.contexts.of([ContextElem::Opaque(path)]);
        self.heap.new_string(text.as_bytes(), context)
    }

    /// Where a source would lie if it were copied to the store under its own name.
    fn source_path(&mut self, path: &[u8]) -> Result<StorePath, Error> {
        if let Some(known) = self.st.sources.get(path) {
            return Ok(known.clone());
        }
        let name = base_name(path).to_vec();
        let source = Source { name, path: path.to_vec(), method: Method::Nar, expected: None };
        let mut walk = Walk::new(self, &source)?;
        while walk.next(self)?.is_some() {
            walk.answer(true);
        }
        let place = walk.finish(self, &source).map_err(|e| {
            e.while_(Pos::NONE, format!("while adding path '{}'", String::from_utf8_lossy(path)))
        })?;
        self.st.sources.insert(path.into(), place.clone());
        Ok(place)
    }

    /// The host's answer about a path, or its error as one of evaluation.
    pub(crate) fn host_result<T>(&self, path: &[u8], result: Result<T, HostError>) -> Result<T, Error> {
        result.map_err(|error| {
            let path = String::from_utf8_lossy(path);
            match error {
                HostError::NotFound => Error::new(ErrorKind::File, format!("path '{path}' does not exist")),
                HostError::Forbidden(why) => Error::new(ErrorKind::Restricted, why),
                HostError::Failed(why) => Error::new(ErrorKind::File, format!("reading '{path}': {why}")),
            }
        })
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
        let mut kind = self.host_result(&file, self.st.host.kind(&file))?;
        for _ in 0..MAX_FILE_LINKS {
            if kind != FileKind::Symlink {
                break;
            }
            let target = self.host_result(&file, self.st.host.read_link(&file))?;
            let base = if target.starts_with(b"/") { &b""[..] } else { parent(&file) };
            file = canonical(&[base, b"/", &target].concat());
            kind = self.host_result(&file, self.st.host.kind(&file))?;
        }
        if kind == FileKind::Symlink {
            let text = format!(
                "too many symbolic links encountered while traversing the path '{}'",
                String::from_utf8_lossy(&file)
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

    /// The value of a file, evaluated once.
    pub fn import(&mut self, path: &[u8]) -> Result<Step, Error> {
        let file = self.resolve_file(path)?;
        if let Some(&v) = self.st.imports.get(&file) {
            return Ok(Step::Return(v));
        }
        let source = self.read(&file)?;
        let origin = Origin::File(file.to_vec());
        let unit = self.load(origin, source, parent(&file).to_vec(), None)?;
        let v = self.heap.new_thunk(unit, std::iter::empty::<Val>());
        self.st.imports.insert(file, v);
        Ok(Step::Return(v))
    }

    /// The bytes of a file.
    pub fn read(&self, path: &[u8]) -> Result<Arc<[u8]>, Error> {
        if path == FETCHURL_PATH {
            return Ok(FETCHURL.into());
        }
        self.host_result(path, self.st.host.read_file(path))
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
        self.st.stats.files += 1;
        self.st.stats.source_bytes += source.len() as u64;
        let options = frazil_syntax::Options { pipe_operators: self.st.settings.pipe_operators };
        let parsed = frazil_syntax::parse(&source, &mut self.st.symbols, &options);
        let start = self.st.files.next_start();
        let exprs = match parsed {
            Ok(exprs) => exprs,
            Err(error) => {
                self.st.files.add_broken(origin, source, base_dir);
                let text = error.render(|offset| self.st.show_pos(Pos(start + offset)));
                let text = String::from_utf8_lossy(&text).into_owned();
                return Err(Error::new(ErrorKind::Syntax, text).at(Pos(start + error.offset)));
            }
        };
        let globals = &self.st.globals;
        let resolved = frazil_code::resolve(exprs, &|name| globals.contains_key(&name), self.st.names, scope);
        let code = match resolved {
            Ok(code) => code,
            Err(error) => {
                self.st.files.add_broken(origin, source, base_dir);
                let name = String::from_utf8_lossy(self.st.symbols.name(error.name)).into_owned();
                let text = format!("undefined variable '{name}'");
                return Err(Error::new(ErrorKind::UndefinedVariable, text).at(Pos(start + error.pos)));
            }
        };
        let file = self.st.files.add(origin, source.clone(), base_dir, code);
        let lints = &self.st.files.get(file).code.exprs.lints;
        self.lint(lints, &source, start)?;
        let count = self.st.files.unit_count();
        self.st.units.resize(count, u32::MAX);
        Ok(self.st.files.get(file).first_unit)
    }
}

// ---- reading ------------------------------------------------------------------------------------------

fn read_file(m: &mut Machine<'_>, path: &[u8]) -> Result<Step, Error> {
    let contents = m.host_result(path, m.st.host.read_file(path))?;
    if contents.contains(&0) {
        let path = String::from_utf8_lossy(path);
        return Err(Error::eval(format!(
            "the contents of the file '{path}' cannot be represented as a Nix string"
        )));
    }
    m.check_string_len(contents.len() as u64)?;
    Ok(Step::Done(m.heap.new_string(&contents, 0)))
}

fn kind_name(m: &mut Machine<'_>, kind: FileKind) -> Val {
    let name: &[u8] = match kind {
        FileKind::Regular { .. } => b"regular",
        FileKind::Directory => b"directory",
        FileKind::Symlink => b"symlink",
        FileKind::Other => b"unknown",
    };
    let symbol = m.st.symbols.intern(name);
    m.symbol_string(symbol)
}

fn read_dir(m: &mut Machine<'_>, path: &[u8]) -> Result<Step, Error> {
    if let Some(&known) = m.st.readdirs.get(path) {
        return Ok(Step::Done(known));
    }
    let entries = match m.st.host.read_dir(path) {
        Err(HostError::Failed(why)) => {
            let path = m.followed(path);
            let path = String::from_utf8_lossy(&path);
            return Err(Error::new(ErrorKind::File, format!("cannot read directory \"{path}\": {why}")));
        }
        entries => m.host_result(path, entries)?,
    };
    let (mut names, mut values) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
    for (name, kind) in entries {
        let kind = match kind {
            Some(kind) => kind,
            None => {
                let file = [path, b"/", &name[..]].concat();
                m.host_result(&file, m.st.host.kind(&file))?
            }
        };
        names.push(m.st.symbols.intern(&name));
        values.push(kind_name(m, kind));
    }
    let v = m.new_attrs(&names, &values);
    m.st.readdirs.insert(path.into(), v);
    Ok(Step::Done(v))
}

fn path_exists(m: &mut Machine<'_>, v: Val) -> Result<Step, Error> {
    let must_be_dir = v.is_string() && {
        let text = m.heap.bytes(v);
        text.ends_with(b"/") || text.ends_with(b"/.")
    };
    path_of(v, &[], "while realising the context of a path", move |m, path, _| {
        let mut kind = m.st.host.kind(&path);
        if must_be_dir && kind == Ok(FileKind::Symlink) {
            kind = m.st.host.read_dir(&path).map(|_| FileKind::Directory);
        }
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
    let text = String::from_utf8_lossy(&path).into_owned();
    let prefix = format!("{}/", store.as_str());
    let Some(rest) = text.strip_prefix(&prefix) else {
        return Err(Error::eval(format!("path '{text}' is not in the Nix store")));
    };
    let base = rest.split('/').next().unwrap_or(rest);
    let parsed = StorePath::parse(base.as_bytes()).map_err(|e| Error::eval(e.to_string()))?;
    let added = m.st.contexts.of([ContextElem::Opaque(parsed)]);
    let context = m.st.contexts.union(context, added);
    Ok(Step::Done(m.heap.new_string(&path, context)))
}

// ---- the search path ----------------------------------------------------------------------------------

/// `findFile`: starts anew after each value that it had to force.
struct FindFile {
    list: Val,
    name: Val,
}

impl Native for FindFile {
    traced!(self, visit: [self.list, self.name]);

    fn resume(&mut self, m: &mut Machine<'_>, _: Val) -> Result<Step, Error> {
        let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for slot in m.heap.list(self.list) {
            let Some(entry) = m.heap.peek(slot.get()) else { return Ok(Step::Force(slot.get())) };
            m.expect(
                entry,
                Want::Attrs,
                "while evaluating an element of the list passed to builtins.findFile",
            )?;
            let mut prefix = Vec::new();
            if let Some(slot) = m.attr(entry, m.st.known.prefix()) {
                let Some(v) = m.heap.peek(slot.get()) else { return Ok(Step::Force(slot.get())) };
                m.expect(v, Want::Plain, "while evaluating the `prefix` attribute of an element of the list passed to builtins.findFile")?;
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
                    m.expect(path, Want::String, CONTEXT)?;
                    m.heap.bytes(path).to_vec()
                }
            };
            entries.push((prefix, path));
        }
        let Some(name) = m.heap.peek(self.name) else { return Ok(Step::Force(self.name)) };
        m.expect(name, Want::Plain, "while evaluating the second argument passed to builtins.findFile")?;
        let name = m.heap.bytes(name).to_vec();
        let found = m.find_file(&entries, &name)?;
        Ok(Step::Done(m.heap.new_path(&found)))
    }
}

/// The file that `<nix/fetchurl.nix>` names. It lies in the evaluator itself.
pub const FETCHURL_PATH: &[u8] = b"/__corepkgs__/fetchurl.nix";
const FETCHURL: &[u8] = include_bytes!("fetchurl.nix");

impl Machine<'_> {
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
            let Some(base) = self.search_entry(place) else { continue };
            let file =
                if rest.is_empty() { base.to_vec() } else { canonical(&[&base[..], b"/", rest].concat()) };
            if self.st.host.kind(&file).is_ok() {
                return Ok(file);
            }
        }
        if name == b"nix/fetchurl.nix" {
            return Ok(FETCHURL_PATH.to_vec());
        }
        let name = String::from_utf8_lossy(name);
        Err(Error::new(
            ErrorKind::Thrown,
            if self.st.settings.pure {
                format!("cannot look up '<{name}>' in pure evaluation mode (use '--impure' to override)")
            } else {
                format!("file '{name}' was not found in the Nix search path (add it using $NIX_PATH or -I)")
            },
        ))
    }

    /// The directory that an entry of a search path means, if it is there.
    fn search_entry(&mut self, place: &[u8]) -> Option<Arc<[u8]>> {
        if let Some(known) = self.st.search.get(place) {
            return known.clone();
        }
        let is_url = place.windows(3).any(|w| w == b"://")
            || place.starts_with(b"channel:")
            || place.starts_with(b"flake:");
        let path = if place.starts_with(b"/") {
            canonical(place)
        } else {
            let here = self.st.host.working_directory();
            canonical(&[&here[..], b"/", place].concat())
        };
        let found: Option<Arc<[u8]>> = (!is_url && self.st.host.kind(&path).is_ok()).then(|| path.into());
        if found.is_none() {
            let text = String::from_utf8_lossy(place);
            self.st
                .host
                .message(&format!("warning: Nix search path entry '{text}' does not exist, ignoring"));
        }
        self.st.search.insert(place.to_vec(), found.clone());
        found
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
                let (name, other) = (String::from_utf8_lossy(name), other.to_bytes());
                return Err(Error::eval(format!(
                    "files created by builtins.toFile may not reference derivations, but {name} references {}",
                    String::from_utf8_lossy(&other)
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
    i: usize,
    path: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    filter: Option<Val>,
    method: Method,
    expected: Option<Hash>,
    coercing: bool,
}

impl Native for PathArgs {
    traced!(self, visit: [self.set], self.filter.iter());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let (keys, values) = m.attrs(self.set);
        if input != Val::ABSENT {
            let key = m.st.symbols.name(keys[self.i]).to_vec();
            match &key[..] {
                b"path" if !self.coercing => {
                    self.coercing = true;
                    const CONTEXT: &str = "while evaluating the 'path' attribute passed to 'builtins.path'";
                    return Ok(Step::Run(Box::new(crate::native::Closure::at_once(
                        &[input],
                        move |_: &mut Machine<'_>, _| {
                            path_of(input, &[], CONTEXT, |m, path, _| Ok(Step::Done(m.heap.new_path(&path))))
                        },
                    ))));
                }
                b"path" => self.path = Some(m.heap.as_path(input).expect("a path was asked for").to_vec()),
                b"name" => {
                    m.expect(
                        input,
                        Want::Plain,
                        "while evaluating the `name` attribute passed to builtins.path",
                    )?;
                    self.name = Some(m.heap.bytes(input).to_vec());
                }
                b"filter" => {
                    m.expect(
                        input,
                        Want::Function,
                        "while evaluating the `filter` parameter passed to builtins.path",
                    )?;
                    self.filter = Some(input);
                }
                b"recursive" => {
                    m.expect(
                        input,
                        Want::Bool,
                        "while evaluating the `recursive` attribute passed to builtins.path",
                    )?;
                    self.method = if input == Val::TRUE { Method::Nar } else { Method::Flat };
                }
                _ => {
                    m.expect(
                        input,
                        Want::Plain,
                        "while evaluating the `sha256` attribute passed to builtins.path",
                    )?;
                    let hash = Hash::parse_allow_empty(m.heap.bytes(input), Some(Algorithm::Sha256));
                    self.expected = Some(hash.map_err(|e| Error::eval(e.to_string()))?);
                }
            }
            self.i += 1;
        }
        if let Some(value) = values.get(self.i) {
            let key = m.st.symbols.name(keys[self.i]);
            if !matches!(key, b"path" | b"name" | b"filter" | b"recursive" | b"sha256") {
                let text =
                    format!("unsupported argument '{}' to 'builtins.path'", String::from_utf8_lossy(key));
                return Err(Error::eval(text).at(m.attr_pos(self.set, keys[self.i])));
            }
            return Ok(Step::Force(value.get()));
        }
        let Some(path) = self.path.take() else {
            return Err(Error::eval(
                "missing required 'path' attribute in the first argument to 'builtins.path'",
            ));
        };
        let name = self.name.take().filter(|n| !n.is_empty()).unwrap_or_else(|| base_name(&path).to_vec());
        add_path(m, Source { name, path, method: self.method, expected: self.expected.take() }, self.filter)
    }
}

fn add_path(m: &mut Machine<'_>, source: Source, filter: Option<Val>) -> Result<Step, Error> {
    let walk = Walk::new(m, &source)?;
    Ok(Step::ReturnRun(Box::new(AddPath { source, filter, walk })))
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

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        let path = String::from_utf8_lossy(&self.source.path);
        error.add_trace(Pos::NONE, format!("while adding path '{path}'"));
    }
}

enum Node {
    Directory,
    Entry(Vec<u8>),
    File { path: Vec<u8>, executable: bool },
    Symlink(Vec<u8>),
    End,
}

/// A tree of files, walked in the order of an archive.
struct Walk {
    nodes: Vec<Node>,
    /// What is still to be visited, the next last.
    todo: Vec<Visit>,
    asked: Option<(Vec<u8>, Vec<u8>, FileKind)>,
}

enum Visit {
    Entry { path: Vec<u8>, name: Vec<u8>, kind: Option<FileKind> },
    End,
}

impl Walk {
    fn new(m: &mut Machine<'_>, source: &Source) -> Result<Walk, Error> {
        let mut walk = Walk { nodes: Vec::new(), todo: Vec::new(), asked: None };
        let mut path = source.path.clone();
        for _ in 0..MAX_LINKS {
            match m.host_result(&path, m.st.host.kind(&path))? {
                FileKind::Symlink => {
                    let target = m.host_result(&path, m.st.host.read_link(&path))?;
                    let base = if target.starts_with(b"/") { &b""[..] } else { parent(&path) };
                    path = canonical(&[base, b"/", &target].concat());
                }
                kind => {
                    walk.enter(m, path, kind)?;
                    return Ok(walk);
                }
            }
        }
        let text = format!(
            "too many symbolic links encountered while traversing the path '{}'",
            String::from_utf8_lossy(&source.path)
        );
        Err(Error::new(ErrorKind::File, text))
    }

    fn enter(&mut self, m: &mut Machine<'_>, path: Vec<u8>, kind: FileKind) -> Result<(), Error> {
        match kind {
            FileKind::Regular { executable } => self.nodes.push(Node::File { path, executable }),
            FileKind::Symlink => {
                let target = m.host_result(&path, m.st.host.read_link(&path))?;
                self.nodes.push(Node::Symlink(target));
            }
            FileKind::Directory => {
                self.nodes.push(Node::Directory);
                self.todo.push(Visit::End);
                let mut entries = m.host_result(&path, m.st.host.read_dir(&path))?;
                entries.sort_by(|a, b| b.0.cmp(&a.0));
                for (name, kind) in entries {
                    let path = [&path[..], b"/", &name].concat();
                    self.todo.push(Visit::Entry { path, name, kind });
                }
            }
            FileKind::Other => {
                let path = String::from_utf8_lossy(&path);
                return Err(Error::new(ErrorKind::File, format!("file '{path}' has an unsupported type")));
            }
        }
        Ok(())
    }

    /// The next file that a filter is to be asked about; [`Walk::answer`] tells whether to take it.
    fn next(&mut self, m: &mut Machine<'_>) -> Result<Option<(Vec<u8>, FileKind)>, Error> {
        if let Some((path, name, kind)) = self.asked.take() {
            self.nodes.push(Node::Entry(name));
            self.enter(m, path, kind)?;
        }
        while let Some(visit) = self.todo.pop() {
            match visit {
                Visit::End => self.nodes.push(Node::End),
                Visit::Entry { path, name, kind } => {
                    // Whether a file is executable is not in a directory's listing.
                    let kind = match kind {
                        Some(kind @ (FileKind::Directory | FileKind::Symlink)) => kind,
                        _ => m.host_result(&path, m.st.host.kind(&path))?,
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
                String::from_utf8_lossy(&source.path)
            );
            return Err(Error::eval(text));
        }
        if m.st.host.writes_store() {
            let text = store.print(&path);
            m.host_result(&source.path, m.st.host.copy_to_store(&text, &source.path))?;
        }
        Ok(path)
    }

    fn hash_flat(&self, m: &Machine<'_>, source: &Source) -> Result<Hash, Error> {
        match self.nodes.as_slice() {
            [Node::File { path, .. }] => {
                let contents = m.host_result(path, m.st.host.read_file(path))?;
                Ok(Algorithm::Sha256.hash(&contents))
            }
            _ => {
                let path = String::from_utf8_lossy(&source.path);
                Err(Error::new(ErrorKind::File, format!("'{path}' is not a regular file")))
            }
        }
    }

    fn hash_nar(&self, m: &Machine<'_>) -> Result<Hash, Error> {
        let mut writer = nar::Writer::new(Hasher::new(Algorithm::Sha256));
        for node in &self.nodes {
            let written = match node {
                Node::Directory => writer.event(Event::Directory),
                Node::Entry(name) => writer.event(Event::Entry(name)),
                Node::Symlink(target) => writer.event(Event::Symlink(target)),
                Node::End => writer.event(Event::End),
                Node::File { path, executable } => {
                    let contents = m.host_result(path, m.st.host.read_file(path))?;
                    writer.file(*executable, &contents)
                }
            };
            written.map_err(|e| Error::eval(e.to_string()))?;
        }
        Ok(writer.finish().finish())
    }
}
