//! Fetchers. All that CppNix checks before it fetches is checked; then they say that there is nothing to fetch with.

use super::{Builtin, Want, row, strict};
use crate::coerce::{Coerce, CoerceTo};
use crate::error::{Error, ErrorKind};
use crate::files::Pos;
use crate::host::FileKind;
use crate::inputs::{Attr, Attrs, FlakeRef, Input, Refusal, Scheme, git_url, is_true, warn_of_parameters};
use crate::machine::Machine;
use crate::message::{bytes, text};
use crate::native::{Native, Step, then, traced};
use crate::world::Features;
use frazil_store::hash::{Algorithm, Hash};
use frazil_store::path::{Method, check_name};
use frazil_syntax::symbol::Symbol;
use frazil_text::url::Url;
use frazil_value::Val;
use std::borrow::Cow;

pub(super) const TABLE: &[Builtin] = &[
    row(
        "fetchClosure",
        1,
        &[strict(0, Want::Attrs, "while evaluating the argument passed to builtins.fetchClosure")],
        |_, _| Err(unavailable("fetchClosure")),
    ),
    row("fetchGit", 1, &[strict(0, Want::Any, "")], |m, a| fetch_git_argument(m, a[0])),
    row("fetchMercurial", 1, &[strict(0, Want::Any, "")], fetch_mercurial),
    row("fetchTarball", 1, &[strict(0, Want::Any, "")], |m, a| fetch_url(m, a[0], true)),
    row("fetchTree", 1, &[strict(0, Want::Any, "")], |m, a| fetch_tree(m, a[0])),
    row("fetchurl", 1, &[strict(0, Want::Any, "")], |m, a| fetch_url(m, a[0], false)),
    row(
        "flakeRefToString",
        1,
        &[strict(0, Want::Attrs, "while evaluating the argument passed to builtins.flakeRefToString")],
        |m, a| Ok(ForceAttrs::start(m, a[0], FLAKE_REF)),
    ),
    row(
        "getFlake",
        1,
        &[strict(0, Want::Plain, "while evaluating the argument passed to builtins.getFlake")],
        get_flake,
    ),
    row(
        "parseFlakeRef",
        1,
        &[strict(0, Want::Plain, "while evaluating the argument passed to builtins.parseFlakeRef")],
        parse_flake_ref,
    ),
];

/// The builtins that only an experimental feature brings.
pub(super) fn is_enabled(features: &Features, name: &str) -> bool {
    match name {
        "fetchClosure" => features.fetch_closure,
        "fetchTree" => features.fetch_tree,
        "outputOf" => features.dynamic_derivations,
        _ => true,
    }
}

fn unavailable(name: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("'builtins.{name}' is not available: this evaluator has no access to the network"),
    )
}

fn refused(refusal: Refusal) -> Error {
    Error::eval(refusal.message)
}

// ---- attributes, forced one after the other -----------------------------------------------------------

/// What an attribute must be.
enum Expected {
    Anything,
    /// A string without context; the text is for the trace.
    Plain(&'static str),
    /// What can be coerced to a string.
    Text(&'static str),
    /// Not there.
    Nothing,
}

/// Goes on with the values of the attributes.
type Finish = fn(m: &mut Machine<'_>, values: &[(Symbol, Val)]) -> Result<Step, Error>;

/// What is done with the attributes of an argument.
#[derive(Clone, Copy)]
struct Reading {
    /// The builtin.
    who: &'static str,
    /// What an attribute of that name must be.
    expected: fn(name: &[u8]) -> Expected,
    /// Whether an unexpected attribute is blamed where it is defined.
    blames_attribute: bool,
    /// Goes on with the values of the attributes.
    finish: Finish,
}

/// Forces the attributes of a set in the order of their symbols.
struct ForceAttrs {
    set: Val,
    todo: Vec<(Symbol, Val)>,
    i: usize,
    /// What the trace says of the attribute that is being forced.
    context: Option<&'static str>,
    reading: Reading,
}

impl ForceAttrs {
    fn start(m: &mut Machine<'_>, set: Val, reading: Reading) -> Step {
        let (keys, values) = m.attrs(set);
        let values = values.iter().map(|slot| slot.get());
        let mut todo: Vec<(Symbol, Val)> = keys.iter().copied().zip(values).collect();
        todo.sort_unstable_by_key(|(name, _)| *name);
        Step::ReturnRun(Box::new(ForceAttrs { set, todo, i: 0, context: None, reading }))
    }
}

impl Native for ForceAttrs {
    traced!(self, visit: [self.set], self.todo.iter().map(|(_, v)| *v));

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            let (name, value) = &mut self.todo[self.i];
            if let Some(context) = self.context.take().filter(|_| !m.fits(input, Want::Plain)) {
                let pos = m.attr_pos(self.set, *name);
                return Err(m.unwanted_at(input, Want::Plain, pos, context));
            }
            *value = input;
            self.i += 1;
        }
        let Some(&(name, v)) = self.todo.get(self.i) else {
            return (self.reading.finish)(m, &self.todo);
        };
        let pos = m.attr_pos(self.set, name);
        match (self.reading.expected)(m.st.symbols.name(name)) {
            Expected::Anything => {}
            Expected::Plain(context) => self.context = Some(context),
            Expected::Text(context) => {
                return Ok(Step::Run(Box::new(Coerce::new(v, CoerceTo::PLAIN, pos, context))));
            }
            Expected::Nothing => {
                let who = self.reading.who;
                let text = format!("unsupported argument '{}' to '{who}'", m.shown_name(name));
                let blamed = if self.reading.blames_attribute { pos } else { Pos::NONE };
                return Err(Error::eval(text).at(blamed));
            }
        }
        Ok(Step::Force(v))
    }

    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        if let (Some(context), Some(&(name, _))) = (self.context, self.todo.get(self.i)) {
            error.add_trace(m.attr_pos(self.set, name), context);
        }
    }

    fn call_site(&self, m: &mut Machine<'_>) -> Option<Pos> {
        self.todo.get(self.i).map(|&(name, _)| m.attr_pos(self.set, name))
    }
}

/// How a builtin says that an attribute of an input will not do.
struct Complaints {
    negative: fn(name: &str, n: i64) -> String,
    other: fn(name: &str, what: &str) -> String,
}

/// The attributes of an input.
fn attrs_of(m: &mut Machine<'_>, values: &[(Symbol, Val)], complaints: &Complaints) -> Result<Attrs, Error> {
    let mut attrs = Attrs::new();
    for &(symbol, v) in values {
        let value = match (v.as_bool(), m.heap.as_int(v)) {
            (Some(b), _) => Attr::Bool(b),
            (_, Some(n)) => match u64::try_from(n) {
                Ok(n) => Attr::Int(n),
                Err(_) => return Err(Error::eval((complaints.negative)(&m.shown_name(symbol), n))),
            },
            _ if v.is_string() => Attr::Str(text(m.heap.bytes(v)).into_owned()),
            _ => return Err(Error::typed((complaints.other)(&m.shown_name(symbol), &m.describe(v)))),
        };
        attrs.insert(text(m.st.symbols.name(symbol)).into_owned(), value);
    }
    Ok(attrs)
}

fn text_of(m: &Machine<'_>, v: Val) -> String {
    text(m.heap.bytes(v)).into_owned()
}

// ---- trees --------------------------------------------------------------------------------------------

const FETCH_TREE: Reading = Reading {
    who: "fetchTree",
    expected: |name| match name {
        b"type" => Expected::Plain("while evaluating the `type` argument passed to 'fetchTree'"),
        _ => Expected::Anything,
    },
    blames_attribute: false,
    finish: |m, values| {
        let complaints = Complaints {
            negative: |name, n| format!("negative value given for 'fetchTree' argument '{name}': {n}"),
            other: |name, what| {
                format!(
                    "argument '{name}' to 'fetchTree' is {what} while a string, Boolean or integer is expected"
                )
            },
        };
        let mut attrs = input_attrs(m, values, &complaints)?;
        if attrs.get("type") == Some(&Attr::Str("git".into())) {
            attrs.entry("shallow".into()).or_insert(Attr::Bool(true));
        }
        if attrs.contains_key("name") {
            return Err(Error::eval("argument 'name' isn’t supported in call to 'fetchTree'"));
        }
        let input = Input::from_attrs(attrs, &m.st.settings.features).map_err(refused)?;
        fetch_input(m, &input, "fetchTree")
    },
};

const FETCH_GIT: Reading = Reading {
    who: "fetchGit",
    expected: |_| Expected::Anything,
    blames_attribute: false,
    finish: |m, values| {
        let complaints = Complaints {
            negative: |name, n| format!("negative value given for 'fetchGit' argument '{name}': {n}"),
            other: |name, what| {
                format!(
                    "argument '{name}' to 'fetchGit' is {what} while a string, Boolean or integer is expected"
                )
            },
        };
        let mut attrs = input_attrs(m, values, &complaints)?;
        if let Some(Attr::Str(url)) = attrs.get_mut("url") {
            *url = git_url(url).map_err(refused)?.to_string();
        }
        fetch_git(m, attrs)
    },
};

/// The attributes of an input, among which paths are texts.
fn input_attrs(
    m: &mut Machine<'_>,
    values: &[(Symbol, Val)],
    complaints: &Complaints,
) -> Result<Attrs, Error> {
    let mut values = values.to_vec();
    for (_, v) in &mut values {
        if let Some(path) = m.heap.as_path(*v) {
            *v = m.heap.new_string(path, 0);
        }
    }
    attrs_of(m, &values, complaints)
}

fn fetch_tree(m: &mut Machine<'_>, argument: Val) -> Result<Step, Error> {
    if argument.is_attrs() {
        if m.attr(argument, m.st.known.type_()).is_none() {
            return Err(Error::eval("argument 'type' is missing in call to 'fetchTree'"));
        }
        return Ok(ForceAttrs::start(m, argument, FETCH_TREE));
    }
    const CONTEXT: &str = "while evaluating the first argument passed to 'fetchTree'";
    then(Step::Run(Box::new(Coerce::new(argument, CoerceTo::PLAIN, Pos::NONE, CONTEXT))), &[], |m, _, url| {
        if !m.st.settings.features.flakes {
            return Err(Error::eval(
                "passing a string argument to 'fetchTree' requires the 'flakes' experimental feature",
            ));
        }
        let url = Url::parse(&text_of(m, url), false).map_err(|error| refused(error.into()))?;
        warn_of_parameters(&url, &mut |line| m.st.say(line));
        let input = Input::from_url(&url, true, &m.st.settings.features).map_err(refused)?;
        fetch_input(m, &input, "fetchTree")
    })
}

fn fetch_git_argument(m: &mut Machine<'_>, argument: Val) -> Result<Step, Error> {
    if argument.is_attrs() {
        if m.attr(argument, m.st.known.type_()).is_some() {
            return Err(Error::eval("unexpected argument 'type'"));
        }
        return Ok(ForceAttrs::start(m, argument, FETCH_GIT));
    }
    const CONTEXT: &str = "while evaluating the first argument passed to 'fetchGit'";
    then(Step::Run(Box::new(Coerce::new(argument, CoerceTo::PLAIN, Pos::NONE, CONTEXT))), &[], |m, _, url| {
        let url = git_url(&text_of(m, url)).map_err(refused)?.to_string();
        fetch_git(m, Attrs::from([("url".to_owned(), Attr::Str(url))]))
    })
}

fn fetch_git(m: &mut Machine<'_>, mut attrs: Attrs) -> Result<Step, Error> {
    attrs.insert("type".into(), Attr::Str("git".into()));
    if !attrs.contains_key("exportIgnore") && !is_true(&attrs, "submodules").map_err(refused)? {
        attrs.insert("exportIgnore".into(), Attr::Bool(true));
    }
    let input = Input::from_attrs(attrs, &m.st.settings.features).map_err(refused)?;
    fetch_input(m, &input, "fetchGit")
}

/// All that is said before an input is fetched, and that it cannot be.
fn fetch_input(m: &mut Machine<'_>, input: &Input, who: &'static str) -> Result<Step, Error> {
    let indirect = input.scheme == Some(Scheme::Indirect);
    if indirect && !m.st.settings.pure && m.st.settings.features.flakes {
        return Err(unavailable(who));
    }
    if m.st.settings.pure && !input.is_locked().map_err(refused)? {
        let hashed = input.has_hash().map_err(refused)?;
        let url = input.url().map_err(refused)?;
        if !hashed {
            return Err(Error::eval(format!(
                "in pure evaluation mode, '{who}' doesn't fetch unlocked input '{url}'"
            )));
        }
        m.st.say(&format!(
            "warning: Input '{url}' is unlocked (e.g. lacks a Git revision) but is checked by NAR hash. This is not \
             reproducible and will break after garbage collection or when shared."
        ));
    }
    let url = input.url().map_err(refused)?.to_string();
    m.check_uri(&url)?;
    if is_true(&input.attrs, "__final").map_err(refused)? {
        return Err(Error::eval(format!("input '{url}' is not allowed to use the '__final' attribute")));
    }
    Err(unfetched(m, input, who).while_(Pos::NONE, format!("while fetching the input '{url}'")))
}

/// Why an input cannot be fetched, as far as can be seen from here.
fn unfetched(m: &Machine<'_>, input: &Input, who: &'static str) -> Error {
    let local = |url: &str| Url::parse(url, false).ok().filter(|url| url.scheme == "file");
    let found = |path: &str| m.st.host.kind(&bytes(path)).ok();
    match (input.scheme, input.attrs.get("url"), input.attrs.get("path")) {
        (Some(Scheme::Tarball), Some(Attr::Str(url)), _) if let Some(url) = local(url) => {
            let Ok(path) = url.file_path() else { return unavailable(who) };
            if !path.starts_with('/') {
                return Error::eval(format!(
                    "tarball '{url}' must use an absolute path. The 'file' scheme does not support relative paths."
                ));
            }
            let quoted = quoted(&path);
            match found(&path) {
                None => Error::eval(format!("tarball {quoted} does not exist.")),
                Some(FileKind::Directory) if found(&format!("{path}/.git")).is_some() => {
                    Error::eval(format!(
                        "tarball {quoted} is a git repository, not a tarball. Please use `git+file` as the scheme."
                    ))
                }
                Some(FileKind::Directory) => {
                    Error::eval(format!("tarball {quoted} is a directory, not a file."))
                }
                Some(_) => unavailable(who),
            }
        }
        (Some(Scheme::Git), Some(Attr::Str(url)), _) if let Some(url) = local(url) => match url.file_path() {
            Ok(path) if path.starts_with('/') && found(&path).is_none() => {
                Error::eval(format!("Git repository {} does not exist.", quoted(&path)))
            }
            _ => unavailable(who),
        },
        (Some(Scheme::Path), _, Some(Attr::Str(path))) if !path.starts_with('/') => {
            let url = input.url().map(|url| url.to_string()).unwrap_or_default();
            Error::eval(format!("cannot fetch input '{url}' because it uses a relative path"))
        }
        _ => unavailable(who),
    }
}

/// A path as the standard library of C++ quotes it.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

// ---- flakes -------------------------------------------------------------------------------------------

const FLAKE_REF: Reading = Reading {
    who: "flakeRefToString",
    expected: |_| Expected::Anything,
    blames_attribute: false,
    finish: |m, values| {
        let complaints = Complaints {
            negative: |name, n| format!("negative value given for flake ref attr {name}: {n}"),
            other: |name, what| {
                format!(
                    "flake reference attribute sets may only contain integers, Booleans, and strings, but \
                     attribute '{name}' is {what}"
                )
            },
        };
        let attrs = attrs_of(m, values, &complaints)?;
        let flake = FlakeRef::from_attrs(attrs, &m.st.settings.features).map_err(refused)?;
        let url = flake.url().map_err(refused)?.to_string();
        Ok(Step::Done(m.heap.new_string(&bytes(&url), 0)))
    },
};

fn read_flake_ref(m: &Machine<'_>, source: Val) -> Result<FlakeRef, Error> {
    let source = text_of(m, source);
    FlakeRef::parse(&source, &m.st.settings.features, &mut |line| m.st.say(line)).map_err(refused)
}

fn parse_flake_ref(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let attrs = read_flake_ref(m, a[0])?.attrs();
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (name, value) in attrs {
        names.push(m.st.symbols.intern(&bytes(&name)));
        values.push(match value {
            Attr::Str(value) => m.heap.new_string(&bytes(&value), 0),
            Attr::Int(n) => m.heap.new_int(n as i64),
            Attr::Bool(b) => Val::bool(b),
        });
    }
    Ok(Step::Done(m.new_attrs(&names, &values)))
}

fn get_flake(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let flake = read_flake_ref(m, a[0])?;
    if m.st.settings.pure && !flake.input.is_locked().map_err(refused)? {
        let source = text_of(m, a[0]);
        return Err(Error::eval(format!(
            "cannot call 'getFlake' on unlocked flake reference '{source}', at «none»:0 (use --impure to override)"
        )));
    }
    if flake.input.scheme == Some(Scheme::Indirect) {
        return Err(unavailable("getFlake"));
    }
    let url = flake.input.url().map_err(refused)?;
    let error = unfetched(m, &flake.input, "getFlake");
    Err(error.while_(Pos::NONE, format!("while fetching the input '{url}'")))
}

// ---- Mercurial ----------------------------------------------------------------------------------------

const MERCURIAL: Reading = Reading {
    who: "fetchMercurial",
    expected: |name| match name {
        b"url" => Expected::Text("while evaluating the `url` attribute passed to builtins.fetchMercurial"),
        b"rev" => Expected::Plain("while evaluating the `rev` attribute passed to builtins.fetchMercurial"),
        b"name" => Expected::Plain("while evaluating the `name` attribute passed to builtins.fetchMercurial"),
        _ => Expected::Nothing,
    },
    blames_attribute: true,
    finish: |m, values| {
        let value = |wanted: &[u8]| {
            let found = values.iter().find(|(name, _)| m.st.symbols.name(*name) == wanted);
            found.map(|&(_, v)| text_of(m, v))
        };
        let Some(url) = value(b"url").filter(|url| !url.is_empty()) else {
            return Err(Error::eval("'url' argument required"));
        };
        let (rev, name) = (value(b"rev"), value(b"name").unwrap_or_else(|| "source".into()));
        fetch_hg(m, &url, rev, name)
    },
};

fn fetch_mercurial(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    if a[0].is_attrs() {
        return Ok(ForceAttrs::start(m, a[0], MERCURIAL));
    }
    const CONTEXT: &str = "while evaluating the first argument passed to builtins.fetchMercurial";
    then(Step::Run(Box::new(Coerce::new(a[0], CoerceTo::PLAIN, Pos::NONE, CONTEXT))), &[], |m, _, url| {
        fetch_hg(m, &text_of(m, url), None, "source".into())
    })
}

fn fetch_hg(m: &mut Machine<'_>, url: &str, rev: Option<String>, name: String) -> Result<Step, Error> {
    m.check_uri(url)?;
    let is_commit = |rev: &String| rev.len() == 40 && rev.bytes().all(|c| c.is_ascii_hexdigit());
    if m.st.settings.pure && !rev.as_ref().is_some_and(is_commit) {
        return Err(Error::eval("in pure evaluation mode, 'fetchMercurial' requires a Mercurial revision"));
    }
    let url = if url.contains("://") { url.to_owned() } else { format!("file://{url}") };
    let mut attrs = Attrs::from([
        ("type".to_owned(), Attr::Str("hg".into())),
        ("url".to_owned(), Attr::Str(url)),
        ("name".to_owned(), Attr::Str(name)),
    ]);
    if let Some(rev) = rev {
        let key = if is_commit(&rev) { "rev" } else { "ref" };
        attrs.insert(key.into(), Attr::Str(rev));
    }
    let input = Input::from_attrs(attrs, &m.st.settings.features).map_err(refused)?;
    let url = input.url().map_err(refused)?;
    Err(unavailable("fetchMercurial").while_(Pos::NONE, format!("while fetching the input '{url}'")))
}

// ---- files and archives -------------------------------------------------------------------------------

const fn download(who: &'static str, finish: Finish) -> Reading {
    Reading {
        who,
        expected: |name| match name {
            b"url" => Expected::Plain("while evaluating the url we should fetch"),
            b"sha256" => Expected::Plain("while evaluating the sha256 of the content we should fetch"),
            b"name" => Expected::Plain("while evaluating the name of the content we should fetch"),
            _ => Expected::Nothing,
        },
        blames_attribute: false,
        finish,
    }
}

/// What is to be downloaded.
struct Download {
    url: String,
    hash: Option<Hash>,
    name: Option<String>,
    /// Whether it was asked for by a set.
    by_set: bool,
    /// Whether it is an archive to be unpacked.
    unpack: bool,
}

impl Download {
    fn of(m: &Machine<'_>, values: &[(Symbol, Val)], unpack: bool) -> Result<Download, Error> {
        let (mut url, mut hash, mut name) = (None, None, None);
        for &(symbol, v) in values {
            match m.st.symbols.name(symbol) {
                b"url" => url = Some(text_of(m, v)),
                b"name" => name = Some(text_of(m, v)),
                _ => {
                    let parsed = Hash::parse_allow_empty(m.heap.bytes(v), Some(Algorithm::Sha256));
                    hash = Some(parsed.map_err(|error| Error::eval(error.to_string()))?);
                }
            }
        }
        match url {
            Some(url) => Ok(Download { url, hash, name, by_set: true, unpack }),
            None => Err(Error::eval("'url' argument required")),
        }
    }

    fn who(&self) -> &'static str {
        if self.unpack { "fetchTarball" } else { "fetchurl" }
    }

    fn fetch(mut self, m: &mut Machine<'_>) -> Result<Step, Error> {
        let who = self.who();
        if self.unpack
            && let Some(channel) = self.url.strip_prefix("channel:")
        {
            self.url = format!("https://channels.nixos.org/{channel}/nixexprs.tar.xz");
        }
        m.check_uri(&self.url)?;
        let name = self.store_name()?;
        if m.st.settings.pure && self.hash.is_none() {
            return Err(Error::eval(format!(
                "in pure evaluation mode, '{who}' requires a 'sha256' argument"
            )));
        }
        if let Some(hash) = &self.hash {
            let method = if self.unpack { Method::Nar } else { Method::Flat };
            let store = &m.st.settings.store_dir;
            let path = store.make_content_path(&bytes(&name), method, hash);
            let path = path.map_err(|error| Error::eval(error.to_string()))?;
            if m.st.host.kind(store.print(&path).as_bytes()).is_ok() {
                return Ok(Step::Done(m.store_path_string(path)));
            }
        }
        if !self.unpack {
            return Err(unavailable(who));
        }
        let attrs = Attrs::from([
            ("type".to_owned(), Attr::Str("tarball".into())),
            ("url".to_owned(), Attr::Str(self.url)),
        ]);
        let input = Input::from_attrs(attrs, &m.st.settings.features).map_err(refused)?;
        let url = input.url().map_err(refused)?;
        Err(unfetched(m, &input, who).while_(Pos::NONE, format!("while fetching the input '{url}'")))
    }

    /// The name that it has in the store.
    fn store_name(&self) -> Result<Cow<'_, str>, Error> {
        let own = if self.unpack { "source" } else { "" };
        let name = match self.name.as_deref().unwrap_or(own) {
            "" => text(super::paths::base_name(self.url.as_bytes())),
            name => Cow::Borrowed(name),
        };
        let Err(error) = check_name(&bytes(&name)) else { return Ok(name) };
        let who = self.who();
        let so_that = "so that it can create a valid store path.";
        let advice = match self {
            Download { name: Some(_), .. } => {
                format!("Please change the value for the 'name' attribute passed to '{who}', {so_that}")
            }
            Download { by_set: true, .. } => {
                format!("Please add a valid 'name' attribute to the argument for '{who}', {so_that}")
            }
            _ => format!(
                "Please pass an attribute set with 'url' and 'name' attributes to '{who}',  {so_that}"
            ),
        };
        let url = &self.url;
        Err(Error::eval(format!("invalid store path name when fetching URL '{url}': {error}. {advice}")))
    }
}

fn fetch_url(m: &mut Machine<'_>, argument: Val, unpack: bool) -> Result<Step, Error> {
    if argument.is_attrs() {
        let reading = if unpack {
            download("fetchTarball", |m, values| Download::of(m, values, true)?.fetch(m))
        } else {
            download("fetchurl", |m, values| Download::of(m, values, false)?.fetch(m))
        };
        return Ok(ForceAttrs::start(m, argument, reading));
    }
    m.expect(argument, Want::Plain, "while evaluating the url we should fetch")?;
    let url = text_of(m, argument);
    Download { url, hash: None, name: None, by_set: false, unpack }.fetch(m)
}
