//! What fetchers are asked for: inputs as attributes, as URLs, and as references to flakes. Nothing is fetched here.

use crate::message::{bytes, text};
use crate::world::Features;
use frazil_store::hash::{Algorithm, Format, Hash};
use frazil_text::url::{Url, UrlError};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The value of an input's attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attr {
    /// Text, as [`text`] gives it.
    Str(String),
    /// A number.
    Int(u64),
    /// `true` or `false`.
    Bool(bool),
}

/// The attributes of an input.
pub type Attrs = BTreeMap<String, Attr>;

/// Why an input is refused, in CppNix's words.
#[derive(Debug)]
pub struct Refusal {
    /// The message.
    pub message: String,
    /// Whether it is that of a bad URL, for which flake references try another reading.
    bad_url: bool,
}

impl From<UrlError> for Refusal {
    fn from(error: UrlError) -> Refusal {
        Refusal { message: error.0, bad_url: true }
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), bad_url: false })
}

fn bad_url<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), bad_url: true })
}

/// A way to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A file from a URL.
    File,
    /// A repository.
    Git,
    /// An archive of a forge.
    Forge(&'static str),
    /// A Mercurial repository.
    Hg,
    /// A name in the registries.
    Indirect,
    /// A folder.
    Path,
    /// An archive from a URL.
    Tarball,
}

const CURL: &[&str] = &["url", "narHash", "name", "unpack", "rev", "revCount", "lastModified"];

/// In the order in which they are asked whether a URL is theirs.
const SCHEMES: &[(Scheme, &[&str])] = &[
    (Scheme::File, CURL),
    (
        Scheme::Git,
        &[
            "url",
            "ref",
            "rev",
            "shallow",
            "submodules",
            "lfs",
            "exportIgnore",
            "lastModified",
            "revCount",
            "narHash",
            "allRefs",
            "name",
            "dirtyRev",
            "dirtyShortRev",
            "verifyCommit",
            "keytype",
            "publicKey",
            "publicKeys",
        ],
    ),
    (Scheme::Forge("github"), FORGE),
    (Scheme::Forge("gitlab"), FORGE),
    (Scheme::Hg, &["url", "ref", "rev", "revCount", "narHash", "name"]),
    (Scheme::Indirect, &["id", "ref", "rev", "narHash"]),
    (Scheme::Path, &["path", "rev", "revCount", "lastModified", "narHash"]),
    (Scheme::Forge("sourcehut"), FORGE),
    (Scheme::Tarball, CURL),
];
const FORGE: &[&str] = &["owner", "repo", "ref", "rev", "narHash", "lastModified", "host", "treeHash"];
/// Attributes of git inputs that a feature is needed for.
const VERIFIED: &[&str] = &["verifyCommit", "keytype", "publicKey", "publicKeys"];
const ARCHIVES: &[&str] = &[".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst"];

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Scheme::File => "file",
            Scheme::Git => "git",
            Scheme::Forge(name) => name,
            Scheme::Hg => "hg",
            Scheme::Indirect => "indirect",
            Scheme::Path => "path",
            Scheme::Tarball => "tarball",
        }
    }

    fn needs_flakes(self) -> bool {
        matches!(self, Scheme::Forge(_) | Scheme::Indirect | Scheme::Path)
    }
}

/// Fails unless an experimental feature is enabled.
pub(crate) fn require_feature(enabled: bool, name: &str) -> Result<(), crate::Error> {
    if enabled { Ok(()) } else { Err(crate::Error::eval(missing_feature(name))) }
}

/// The error that an experimental feature is not enabled.
pub fn missing_feature(name: &str) -> String {
    format!(
        "experimental Nix feature '{name}' is disabled; add '--extra-experimental-features {name}' to enable it"
    )
}

fn require(enabled: bool, name: &str) -> Result<(), Refusal> {
    if enabled { Ok(()) } else { refuse(missing_feature(name)) }
}

// ---- attributes ---------------------------------------------------------------------------------------

/// Attributes as JSON.
fn to_json(attrs: &Attrs) -> String {
    let mut out = Vec::from(*b"{");
    for (i, (name, value)) in attrs.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        json_string(name, &mut out);
        out.push(b':');
        match value {
            Attr::Str(value) => json_string(value, &mut out),
            Attr::Int(n) => out.extend_from_slice(n.to_string().as_bytes()),
            Attr::Bool(b) => out.extend_from_slice(b.to_string().as_bytes()),
        }
    }
    out.push(b'}');
    text(&out).into_owned()
}

fn json_string(value: &str, out: &mut Vec<u8>) {
    let start = out.len();
    if frazil_text::json::string_into(&bytes(value), out).is_err() {
        // CppNix fails to say what is wrong then.
        out.truncate(start);
        out.extend_from_slice(b"\"\"");
    }
}

fn maybe_str<'a>(attrs: &'a Attrs, name: &str) -> Result<Option<&'a str>, Refusal> {
    match attrs.get(name) {
        None => Ok(None),
        Some(Attr::Str(value)) => Ok(Some(value)),
        Some(_) => refuse(format!("input attribute '{name}' is not a string {}", to_json(attrs))),
    }
}

fn str_of<'a>(attrs: &'a Attrs, name: &str) -> Result<&'a str, Refusal> {
    match maybe_str(attrs, name)? {
        Some(value) => Ok(value),
        None => refuse(format!("input attribute '{name}' is missing")),
    }
}

fn maybe_int(attrs: &Attrs, name: &str) -> Result<Option<u64>, Refusal> {
    match attrs.get(name) {
        None => Ok(None),
        Some(Attr::Int(value)) => Ok(Some(*value)),
        Some(_) => refuse(format!("input attribute '{name}' is not an integer")),
    }
}

/// Whether an attribute is there and true.
pub fn is_true(attrs: &Attrs, name: &str) -> Result<bool, Refusal> {
    match attrs.get(name) {
        None => Ok(false),
        Some(Attr::Bool(value)) => Ok(*value),
        Some(_) => refuse(format!("input attribute '{name}' is not a Boolean")),
    }
}

fn hash(result: Result<Hash, frazil_store::hash::HashError>) -> Result<Hash, Refusal> {
    result.or_else(|error| refuse(error.to_string()))
}

fn is_commit(value: &str) -> bool {
    value.len() == 40 && value.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Whether git takes it as the name of a branch or tag.
fn is_ref(name: &str) -> bool {
    let forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    name != "@"
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && !name.contains(forbidden)
        && (!name.starts_with('-') || name.contains('/'))
        && name.split('/').all(part)
}

fn is_mercurial_ref(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_./@+-".contains(c))
}

fn is_flake_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

/// A git URL with the abbreviations that git knows written out.
pub fn git_url(url: &str) -> Result<Url, Refusal> {
    let mut url = url.to_owned();
    if !url.starts_with('/')
        && let Some(at) = url.split('/').next().and_then(|first| first.rfind('@'))
        && let Some(colon) = url[at..].rfind(':')
    {
        url = format!("ssh://{}/{}", &url[..at + colon], &url[at + colon + 1..]);
    }
    if !url.starts_with("file:") && !url.starts_with("git+file:") && !url.contains("://") {
        let path: Vec<String> = url.split('/').map(str::to_owned).collect();
        if path[0].contains(':') {
            return bad_url(format!(
                "SCP-like URL '{url}' is not supported; use SSH URL syntax instead (ssh://...)"
            ));
        }
        let authority = url.starts_with('/').then(Default::default);
        return Ok(Url { scheme: "file".into(), authority, path, ..Url::default() });
    }
    let mut parsed = Url::parse(&url, false)?;
    if let (Some("git"), transport) = parsed.application() {
        parsed.scheme = transport.to_owned();
    }
    Ok(parsed)
}

// ---- inputs -------------------------------------------------------------------------------------------

/// What a fetcher is asked for.
#[derive(Clone, Debug)]
pub struct Input {
    /// `None` of one that nobody knows.
    pub scheme: Option<Scheme>,
    /// What is known of it.
    pub attrs: Attrs,
}

impl Input {
    /// The input of attributes.
    pub fn from_attrs(attrs: Attrs, features: &Features) -> Result<Input, Refusal> {
        let Some(name) = maybe_str(&attrs, "type")? else {
            return refuse("'type' attribute to specify input scheme is required but not provided");
        };
        let found = SCHEMES.iter().find(|(scheme, _)| scheme.name() == name);
        let Some(&(scheme, allowed)) = found else { return Input { scheme: None, attrs }.sound() };
        require(!scheme.needs_flakes() || features.flakes, "flakes")?;
        for attr in attrs.keys() {
            if !matches!(attr.as_str(), "type" | "__final") && !allowed.contains(&attr.as_str()) {
                return refuse(format!("input attribute '{attr}' not supported by scheme '{name}'"));
            }
        }
        scheme.input(attrs, features)?.sound()
    }

    /// The input of a URL, by the first scheme that takes it. A tree if `tree`, else a file may do.
    pub fn from_url(url: &Url, tree: bool, features: &Features) -> Result<Input, Refusal> {
        for &(scheme, allowed) in SCHEMES {
            if let Some(attrs) = scheme.attrs_of(url, tree, allowed)? {
                let input = match scheme {
                    Scheme::Git | Scheme::Hg | Scheme::Forge(_) => scheme.input(attrs, features)?,
                    _ => Input { scheme: Some(scheme), attrs },
                };
                require(!scheme.needs_flakes() || features.flakes, "flakes")?;
                return input.sound();
            }
        }
        match url.application() {
            (Some("file"), "git") => refuse(format!(
                "input '{url}' is unsupported; did you mean 'git+file' instead of 'file+git'?"
            )),
            _ => refuse(format!("input '{url}' is unsupported")),
        }
    }

    /// The same, if the attributes that all schemes share are as they must be.
    fn sound(self) -> Result<Input, Refusal> {
        str_of(&self.attrs, "type")?;
        maybe_str(&self.attrs, "ref")?;
        maybe_int(&self.attrs, "revCount")?;
        maybe_int(&self.attrs, "lastModified")?;
        Ok(self)
    }

    fn str(&self, name: &str) -> Result<&str, Refusal> {
        str_of(&self.attrs, name)
    }

    fn nar_hash(&self) -> Result<Option<Hash>, Refusal> {
        match maybe_str(&self.attrs, "narHash")? {
            None => Ok(None),
            Some("") => Ok(Some(Hash::zero(Algorithm::Sha256))),
            Some(value) => match hash(Hash::parse_sri(&bytes(value)))? {
                hash if hash.algorithm() == Algorithm::Sha256 => Ok(Some(hash)),
                _ => refuse("narHash must use SHA-256"),
            },
        }
    }

    fn rev(&self) -> Result<Option<String>, Refusal> {
        let Some(value) = maybe_str(&self.attrs, "rev")? else { return Ok(None) };
        let value = bytes(value);
        let parsed = Hash::parse_prefixed(&value).or_else(|_| Hash::parse(&value, Some(Algorithm::Sha1)));
        Ok(Some(hash(parsed)?.to_digits(Format::Base16)))
    }

    /// Whether it means the same thing for ever.
    pub fn is_locked(&self) -> Result<bool, Refusal> {
        Ok(match self.scheme {
            None | Some(Scheme::Indirect) => false,
            Some(Scheme::Git | Scheme::Hg | Scheme::Forge(_)) => self.rev()?.is_some(),
            Some(Scheme::File | Scheme::Path | Scheme::Tarball) => self.nar_hash()?.is_some(),
        })
    }

    /// Whether a hash of its content is known.
    pub fn has_hash(&self) -> Result<bool, Refusal> {
        Ok(self.nar_hash()?.is_some())
    }

    /// The URL that stands for it.
    pub fn url(&self) -> Result<Url, Refusal> {
        let Some(scheme) = self.scheme else {
            return refuse(format!("cannot show unsupported input '{}'", to_json(&self.attrs)));
        };
        let mut url;
        let mut more: Vec<(&str, String)> = Vec::new();
        match scheme {
            Scheme::File | Scheme::Tarball => {
                url = Url::parse(self.str("url")?, false)?;
                more.extend(self.nar_hash()?.map(|hash| ("narHash", hash.to_prefixed(Format::Sri))));
            }
            Scheme::Path => {
                let path = self.str("path")?.split('/').map(str::to_owned).collect();
                url = Url { scheme: "path".into(), path, ..Url::default() };
                for (name, value) in &self.attrs {
                    if !matches!(name.as_str(), "path" | "type" | "__final") {
                        url.query.insert(name.clone(), shown(value));
                    }
                }
            }
            Scheme::Indirect => {
                let mut path = vec![self.str("id")?.to_owned()];
                path.extend(maybe_str(&self.attrs, "ref")?.map(str::to_owned));
                path.extend(self.rev()?);
                url = Url { scheme: "flake".into(), path, ..Url::default() };
            }
            Scheme::Forge(name) => {
                let mut path = vec![self.str("owner")?.to_owned(), self.str("repo")?.to_owned()];
                path.extend(maybe_str(&self.attrs, "ref")?.map(str::to_owned));
                path.extend(self.rev()?);
                url = Url { scheme: name.into(), path, ..Url::default() };
                more.extend(self.nar_hash()?.map(|hash| ("narHash", hash.to_prefixed(Format::Sri))));
                more.extend(maybe_str(&self.attrs, "host")?.map(|host| ("host", host.to_owned())));
            }
            Scheme::Hg | Scheme::Git => {
                url = Url::parse(self.str("url")?, false)?;
                if scheme == Scheme::Hg {
                    url.scheme = format!("hg+{}", url.scheme);
                } else if url.scheme != "git" {
                    url.scheme = format!("git+{}", url.scheme);
                }
                more.extend(self.rev()?.map(|rev| ("rev", rev)));
                more.extend(maybe_str(&self.attrs, "ref")?.map(|name| ("ref", name.to_owned())));
                if scheme == Scheme::Git {
                    for name in ["shallow", "lfs", "submodules", "exportIgnore", "verifyCommit"] {
                        more.extend(is_true(&self.attrs, name)?.then(|| (name, "1".to_owned())));
                    }
                    if let Some(key) = maybe_str(&self.attrs, "publicKey")? {
                        let kind = maybe_str(&self.attrs, "keytype")?.unwrap_or("ssh-ed25519");
                        more.extend([("keytype", kind.to_owned()), ("publicKey", key.to_owned())]);
                    }
                }
            }
        }
        url.query.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok(url)
    }
}

fn shown(value: &Attr) -> String {
    match value {
        Attr::Str(value) => value.clone(),
        Attr::Int(n) => n.to_string(),
        Attr::Bool(b) => (*b as u8).to_string(),
    }
}

impl Scheme {
    /// The input of these attributes, whose names it knows.
    fn input(self, mut attrs: Attrs, features: &Features) -> Result<Input, Refusal> {
        match self {
            Scheme::File | Scheme::Tarball => {}
            Scheme::Path => {
                str_of(&attrs, "path")?;
            }
            Scheme::Indirect => {
                let id = str_of(&attrs, "id")?;
                if !is_flake_id(id) {
                    return bad_url(format!("'{id}' is not a valid flake ID"));
                }
            }
            Scheme::Hg => {
                Url::parse(str_of(&attrs, "url")?, false)?;
                if let Some(name) = maybe_str(&attrs, "ref")?.filter(|name| !is_mercurial_ref(name)) {
                    return bad_url(format!("invalid Mercurial branch/tag name '{name}'"));
                }
            }
            Scheme::Git => {
                let verified = attrs.keys().any(|name| VERIFIED.contains(&name.as_str()));
                require(!verified || features.verified_fetches, "verified-fetches")?;
                is_true(&attrs, "verifyCommit")?;
                if let Some(name) = maybe_str(&attrs, "ref")?.filter(|name| !is_ref(name)) {
                    return bad_url(format!("invalid Git branch/tag name '{name}'"));
                }
                let url = git_url(str_of(&attrs, "url")?)?.to_string();
                attrs.insert("url".into(), Attr::Str(url));
                for name in ["shallow", "submodules", "allRefs"] {
                    is_true(&attrs, name)?;
                }
            }
            Scheme::Forge(_) => forge(&attrs)?,
        }
        Ok(Input { scheme: Some(self), attrs })
    }

    /// The attributes that a URL stands for, if it is one of this scheme.
    fn attrs_of(self, url: &Url, tree: bool, allowed: &[&str]) -> Result<Option<Attrs>, Refusal> {
        let mut attrs = Attrs::new();
        attrs.insert("type".into(), Attr::Str(self.name().into()));
        let mut put = |name: &str, value: Attr| {
            attrs.insert(name.into(), value);
        };
        let (application, transport) = url.application();
        match self {
            Scheme::File | Scheme::Tarball => {
                let archive =
                    url.path.last().is_some_and(|last| ARCHIVES.iter().any(|end| last.ends_with(end)));
                let ours = match application {
                    Some(application) => application == self.name(),
                    None => (self == Scheme::Tarball) == (tree || archive),
                };
                if !ours || !["file", "http", "https"].contains(&transport) {
                    return Ok(None);
                }
                let mut plain = Url { scheme: transport.to_owned(), ..url.clone() };
                for name in ["narHash", "rev"] {
                    url.query.get(name).into_iter().for_each(|value| put(name, Attr::Str(value.clone())));
                }
                for name in ["revCount", "lastModified"] {
                    let number = url.query.get(name).and_then(|value| value.parse().ok());
                    number.into_iter().for_each(|n| put(name, Attr::Int(n)));
                }
                allowed.iter().for_each(|name| drop(plain.query.remove(*name)));
                put("url", Attr::Str(plain.to_string()));
            }
            Scheme::Git | Scheme::Hg => {
                let git = url.scheme == "git" || application == Some("git");
                let hg = ["hg+http", "hg+https", "hg+ssh", "hg+file"].contains(&url.scheme.as_str());
                if !(if self == Scheme::Git { git } else { hg }) {
                    return Ok(None);
                }
                let mut plain = Url { query: BTreeMap::new(), ..url.clone() };
                if self == Scheme::Hg {
                    plain.scheme = transport.to_owned();
                }
                for (name, value) in &url.query {
                    match name.as_str() {
                        "rev" | "ref" => put(name, Attr::Str(value.clone())),
                        "keytype" | "publicKey" | "publicKeys" if self == Scheme::Git => {
                            put(name, Attr::Str(value.clone()));
                        }
                        "shallow" | "submodules" | "lfs" | "exportIgnore" | "allRefs" | "verifyCommit"
                            if self == Scheme::Git =>
                        {
                            put(name, Attr::Bool(value == "1"));
                        }
                        _ => drop(plain.query.insert(name.clone(), value.clone())),
                    }
                }
                put("url", Attr::Str(plain.to_string()));
            }
            Scheme::Forge(name) if url.scheme == name => return forge_attrs(url, attrs).map(Some),
            Scheme::Indirect if url.scheme == "flake" => return indirect_attrs(url, attrs).map(Some),
            Scheme::Path if url.scheme == "path" => {
                if let Some(authority) = url.authority.as_ref().filter(|a| !a.host().is_empty()) {
                    return refuse(format!("path URL '{url}' should not have an authority ('{authority}')"));
                }
                put("path", Attr::Str(url.file_path()?));
                for (name, value) in &url.query {
                    match (name.as_str(), value.parse()) {
                        ("rev" | "narHash", _) => put(name, Attr::Str(value.clone())),
                        ("revCount" | "lastModified", Ok(n)) => put(name, Attr::Int(n)),
                        ("revCount" | "lastModified", Err(_)) => {
                            return refuse(format!("path URL '{url}' has invalid parameter '{name}'"));
                        }
                        _ => return refuse(format!("path URL '{url}' has unsupported parameter '{name}'")),
                    }
                }
            }
            _ => return Ok(None),
        }
        Ok(Some(attrs))
    }
}

/// Checks the attributes of a forge's archive.
fn forge(attrs: &Attrs) -> Result<(), Refusal> {
    str_of(attrs, "owner")?;
    str_of(attrs, "repo")?;
    let (name, rev) = (maybe_str(attrs, "ref")?, maybe_str(attrs, "rev")?);
    if let (Some(name), Some(rev)) = (name, rev) {
        let json = to_json(attrs);
        return bad_url(format!(
            "input {json} contains both a commit hash ('{rev}') and a branch/tag name ('{name}')"
        ));
    }
    if let Some(rev) = rev {
        hash(Hash::parse(&bytes(rev), Some(Algorithm::Sha1)))?;
    }
    if name.is_some_and(|name| !is_ref(name)) {
        return bad_url(format!("input {} contains an invalid branch/tag name", to_json(attrs)));
    }
    let is_host = |host: &str| host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    if maybe_str(attrs, "host")?.is_some_and(|host| !is_host(host)) {
        return bad_url(format!("input {} contains an invalid instance host", to_json(attrs)));
    }
    Ok(())
}

fn forge_attrs(url: &Url, mut attrs: Attrs) -> Result<Attrs, Refusal> {
    let path = url.segments();
    let (mut rev, mut name) = (None, None);
    match path.as_slice() {
        [] | [_] => return bad_url(format!("URL '{url}' is invalid")),
        [_, _] => {}
        [_, _, one] if is_commit(one) => rev = Some(one.clone()),
        [_, _, more @ ..] => name = Some(more.join("/")),
    }
    for (parameter, value) in &url.query {
        let (place, what) = match parameter.as_str() {
            "rev" => (&mut rev, "commit hashes"),
            "ref" => (&mut name, "branch/tag names"),
            _ => continue,
        };
        if place.replace(value.clone()).is_some() {
            return bad_url(format!("URL '{url}' contains multiple {what}"));
        }
    }
    let mut put = |name: &str, value: Option<String>| {
        attrs.extend(value.map(|value| (name.to_owned(), Attr::Str(value))));
    };
    put("owner", path.first().cloned());
    put("repo", path.get(1).cloned());
    put("rev", rev);
    put("ref", name);
    put("host", url.query.get("host").cloned());
    put("narHash", url.query.get("narHash").cloned());
    Ok(attrs)
}

fn indirect_attrs(url: &Url, mut attrs: Attrs) -> Result<Attrs, Refusal> {
    let path = url.segments();
    let (mut rev, mut name) = (None, None);
    match path.as_slice() {
        [_] => {}
        [_, one] if is_commit(one) => rev = Some(one.to_ascii_lowercase()),
        [_, one] if is_ref(one) => name = Some(one.clone()),
        [_, one] => {
            return bad_url(format!("in flake URL '{url}', '{one}' is not a commit hash or branch/tag name"));
        }
        [_, one, _] if !is_ref(one) => {
            return bad_url(format!("in flake URL '{url}', '{one}' is not a branch/tag name"));
        }
        [_, _, two] if !is_commit(two) => {
            return bad_url(format!("in flake URL '{url}', '{two}' is not a commit hash"));
        }
        [_, one, two] => (name, rev) = (Some(one.clone()), Some(two.to_ascii_lowercase())),
        _ => return bad_url(format!("GitHub URL '{url}' is invalid")),
    }
    if !is_flake_id(&path[0]) {
        return bad_url(format!("'{}' is not a valid flake ID", path[0]));
    }
    let mut put = |name: &str, value: Option<String>| {
        attrs.extend(value.map(|value| (name.to_owned(), Attr::Str(value))));
    };
    put("id", path.first().cloned());
    put("rev", rev);
    put("ref", name);
    Ok(attrs)
}

// ---- references to flakes -----------------------------------------------------------------------------

/// An input and the folder in it where the flake is.
pub struct FlakeRef {
    /// Where it comes from.
    pub input: Input,
    /// The folder; empty for the whole.
    dir: String,
}

impl FlakeRef {
    /// The reference of attributes.
    pub fn from_attrs(mut attrs: Attrs, features: &Features) -> Result<FlakeRef, Refusal> {
        let dir = attrs.remove("dir");
        let input = Input::from_attrs(attrs, features)?;
        let mut holder = Attrs::new();
        holder.extend(dir.map(|dir| ("dir".to_owned(), dir)));
        let dir = maybe_str(&holder, "dir")?.unwrap_or_default().to_owned();
        Ok(FlakeRef { input, dir })
    }

    /// The reference that a text stands for. `warn` hears of what is left out.
    pub fn parse(source: &str, features: &Features, warn: &mut dyn FnMut(&str)) -> Result<FlakeRef, Refusal> {
        let (flake, fragment) = match Self::from_id(source, features)? {
            Some(found) => found,
            None => match Self::from_text_url(source, features, warn) {
                Err(refusal) if refusal.bad_url => Self::from_path(source, features, warn)?,
                found => found?,
            },
        };
        if !fragment.is_empty() {
            return refuse(format!("unexpected fragment '{fragment}' in flake reference '{source}'"));
        }
        Ok(flake)
    }

    /// The attributes.
    pub fn attrs(mut self) -> Attrs {
        if !self.dir.is_empty() {
            self.input.attrs.entry("dir".into()).or_insert(Attr::Str(self.dir));
        }
        self.input.attrs
    }

    /// The URL.
    pub fn url(&self) -> Result<Url, Refusal> {
        let mut url = self.input.url()?;
        if !self.dir.is_empty() {
            url.query.entry("dir".into()).or_insert_with(|| self.dir.clone());
        }
        Ok(url)
    }

    fn from_url(mut url: Url, features: &Features) -> Result<(FlakeRef, String), Refusal> {
        let dir = url.query.remove("dir").unwrap_or_default();
        let fragment = std::mem::take(&mut url.fragment);
        Ok((FlakeRef { input: Input::from_url(&url, true, features)?, dir }, fragment))
    }

    fn from_id(source: &str, features: &Features) -> Result<Option<(FlakeRef, String)>, Refusal> {
        let (path, fragment) = match source.split_once('#') {
            Some((path, fragment)) => (path, Some(fragment)),
            None => (source, None),
        };
        let in_fragment = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=%:@/? \"^".contains(c);
        let id = path.split('/').next().unwrap_or_default();
        let rest = path.get(id.len() + 1..);
        if !is_flake_id(id)
            || rest.is_some_and(|rest| !is_mercurial_ref(rest))
            || fragment.is_some_and(|fragment| !fragment.chars().all(in_fragment))
        {
            return Ok(None);
        }
        let path = path.split('/').map(str::to_owned).collect();
        let url = Url { scheme: "flake".into(), path, ..Url::default() };
        let input = Input::from_url(&url, true, features)?;
        let fragment = frazil_text::url::percent_decode(fragment.unwrap_or_default())?;
        Ok(Some((FlakeRef { input, dir: String::new() }, fragment)))
    }

    fn from_text_url(
        source: &str,
        features: &Features,
        warn: &mut dyn FnMut(&str),
    ) -> Result<(FlakeRef, String), Refusal> {
        let url = Url::parse(source, true)?;
        warn_of_parameters(&url, warn);
        Self::from_url(url, features)
    }

    fn from_path(
        source: &str,
        features: &Features,
        warn: &mut dyn FnMut(&str),
    ) -> Result<(FlakeRef, String), Refusal> {
        let (before, fragment) = source.split_once('#').unwrap_or((source, ""));
        let (path, query) = before.split_once('?').unwrap_or((before, ""));
        if fragment.contains(['\n', '\r']) {
            return refuse(format!("invalid flakeref '{source}'"));
        }
        let mut url = Url { scheme: "path".into(), ..Url::default() };
        url.set_query(query)?;
        warn_of_parameters(&url, warn);
        url.fragment = frazil_text::url::percent_decode(fragment)?;
        if !path.starts_with('/') {
            return bad_url(format!("flake reference '{source}' is not an absolute path"));
        }
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if path.ends_with('/') {
            parts.push("");
        }
        url.path = std::iter::once("").chain(parts).map(str::to_owned).collect();
        url.authority = Some(Default::default());
        Self::from_url(url, features)
    }
}

/// Says which parameters of a URL were left out.
pub fn warn_of_parameters(url: &Url, warn: &mut dyn FnMut(&str)) {
    for parameter in &url.dubious {
        let mut line = String::new();
        let ending = "is missing equal sign '=', ignoring";
        write!(line, "warning: dubious URI query '{parameter}' {ending}").expect("a string takes all");
        warn(&line);
    }
}
