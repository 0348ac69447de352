//! Settings: CppNix's table of them, and the files, variables and flags that change them.
//!
//! Everything here is a function of what is passed in; the world is asked through [`Outside`]. The evaluator's settings
//! have accessors; those of builds are checked and kept, and have no effect, since Frazil builds nothing. A value is
//! text: bytes that are not UTF-8 have become replacement characters before they come here.

mod conf;
mod feature;
mod table;

use std::collections::BTreeMap;
use std::fmt;

pub use feature::{Feature, FeatureSet};
pub use table::{Kind, SETTINGS, Setting};

/// What settings ask of the world.
pub trait Outside {
    /// An environment variable; `None` is an unset one.
    fn variable(&self, name: &str) -> Option<String>;
    /// The text of a file, links followed.
    fn read(&self, path: &str) -> Result<String, Unreadable>;
    /// Whether there is anything at a path.
    fn exists(&self, path: &str) -> bool;
    /// The working directory, absolute.
    fn working_directory(&self) -> String;
}

/// No variables and no files: settings are what they are by themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Outside for Nothing {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &str) -> Result<String, Unreadable> {
        Err(Unreadable::Missing)
    }

    fn exists(&self, _: &str) -> bool {
        false
    }

    fn working_directory(&self) -> String {
        "/".to_owned()
    }
}

/// Why a file could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There is none.
    Missing,
    /// It is there, and no file or not to be opened.
    Other,
}

/// Why settings could not be taken; the text is CppNix's, without `error: `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// The user asked for something that does not exist; a command adds how to get help.
    Usage(String),
    /// Something else went wrong.
    Failure(String),
}

impl SettingsError {
    /// The message alone.
    pub fn message(&self) -> &str {
        match self {
            SettingsError::Usage(message) | SettingsError::Failure(message) => message,
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for SettingsError {}

pub use frazil_vm::lint::{Lint, Lints};

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Bool(bool),
    /// Wide enough for every width; what CppNix cuts off is cut off already.
    Integer(i128),
    Text(String),
    Words(Vec<String>),
    Features(FeatureSet),
    Lint(Lint),
}

/// The value of every setting, and what there is to say about how they were set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// By the index of [`SETTINGS`].
    values: Vec<Value>,
    /// Whether somebody set it, by the same index.
    overridden: Vec<bool>,
    unknown: BTreeMap<String, String>,
    warnings: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        let mut nowhere = Vec::new();
        let value = |setting: &Setting| {
            parse(setting, setting.default, &mut nowhere).expect("the table's defaults are values")
        };
        Settings {
            values: SETTINGS.iter().map(value).collect(),
            overridden: vec![false; SETTINGS.len()],
            unknown: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }
}

/// A name of the command line or of a file, looked up in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named {
    index: usize,
    /// It was said with `extra-`, and adds.
    appends: bool,
}

fn index_of(name: &str) -> Option<usize> {
    SETTINGS
        .binary_search_by(|setting| setting.name.cmp(name))
        .ok()
        .or_else(|| SETTINGS.iter().position(|setting| setting.aliases.contains(&name)))
}

fn is_appendable(kind: Kind) -> bool {
    matches!(kind, Kind::Words | Kind::Stores | Kind::Features)
}

fn look_up(name: &str) -> Option<Named> {
    if let Some(index) = index_of(name) {
        return Some(Named { index, appends: false });
    }
    let index = index_of(name.strip_prefix("extra-")?)?;
    is_appendable(SETTINGS[index].kind).then_some(Named { index, appends: true })
}

/// A flag of the command line that stands for a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    named: Named,
    /// What the flag itself says; `None` when a value follows it.
    says: Option<&'static str>,
}

impl Flag {
    /// The flag of that name, without its two dashes.
    ///
    /// A setting's older names stand for the last flag that CppNix makes of it: `--build-keep-log` is `--no-keep-build-log`, and
    /// `--binary-caches` is `--extra-substituters`.
    pub fn named(name: &str) -> Option<Flag> {
        if let Some(index) = index_of(name) {
            let Setting { kind, name: own, .. } = SETTINGS[index];
            let old = own != name;
            let says = match kind {
                Kind::Bool | Kind::RenamedLint(_) if old => Some("false"),
                Kind::OneOf([_, "relaxed", _]) if old => Some("relaxed"),
                Kind::Bool | Kind::RenamedLint(_) | Kind::OneOf([_, "relaxed", _]) => Some("true"),
                _ => None,
            };
            return Some(Flag { named: Named { index, appends: old && is_appendable(kind) }, says });
        }
        let own = |prefix| {
            let name = name.strip_prefix(prefix)?;
            index_of(name).filter(|index| SETTINGS[*index].name == name)
        };
        let switch = |index, says| Flag { named: Named { index, appends: false }, says: Some(says) };
        if let Some(index) = own("no-") {
            let kind = SETTINGS[index].kind;
            let has = matches!(kind, Kind::Bool | Kind::RenamedLint(_) | Kind::OneOf([_, "relaxed", _]));
            return has.then_some(switch(index, "false"));
        }
        if let Some(index) = own("relaxed-") {
            let has = matches!(SETTINGS[index].kind, Kind::OneOf([_, "relaxed", _]));
            return has.then_some(switch(index, "relaxed"));
        }
        let index = own("extra-").filter(|index| is_appendable(SETTINGS[*index].kind))?;
        Some(Flag { named: Named { index, appends: true }, says: None })
    }

    /// Whether the next word of the command line is its value.
    pub fn takes_value(self) -> bool {
        self.says.is_none()
    }

    /// The feature without which the flag is refused, once the whole command line has been read.
    pub fn feature(self) -> Option<Feature> {
        SETTINGS[self.named.index].feature
    }
}

impl Settings {
    /// The settings that files and variables make, before any command line.
    ///
    /// In this order, what comes later winning: `nix.conf` of `NIX_CONF_DIR` (or `/etc/nix`); the files of
    /// `NIX_USER_CONF_FILES`, or else those of the configuration folders, the last one first; `NIX_CONFIG`; `NIX_PATH`.
    pub fn load(outside: &dyn Outside) -> Result<Settings, SettingsError> {
        let mut settings = Settings::default();
        if let Some("1" | "yes" | "true") = outside.variable("NIX_ABORT_ON_WARN").as_deref() {
            settings.put("abort-on-warn", Value::Bool(true));
        }
        let folder = outside.variable("NIX_CONF_DIR").filter(|dir| !dir.is_empty());
        let system = format!("{}/nix.conf", folder.as_deref().unwrap_or("/etc/nix").trim_end_matches('/'));
        settings.apply_file(&system, outside)?;
        settings.overridden.fill(false);
        for file in user_files(outside).iter().rev() {
            settings.apply_file(file, outside)?;
        }
        if let Some(text) = outside.variable("NIX_CONFIG") {
            settings.apply(&text, "NIX_CONFIG", outside)?;
        }
        if let Some(path) = outside.variable("NIX_PATH") {
            settings.set("nix-path", &split_nix_path(&path).join(" "))?;
        }
        Ok(settings)
    }

    fn apply_file(&mut self, path: &str, outside: &dyn Outside) -> Result<(), SettingsError> {
        // As CppNix: a file that is not there, or not to be read, sets nothing.
        outside.read(path).map_or(Ok(()), |text| self.apply(&text, path, outside))
    }

    /// Takes the settings of a text in `nix.conf`'s format, experimental features first.
    pub fn apply(&mut self, text: &str, path: &str, outside: &dyn Outside) -> Result<(), SettingsError> {
        let lines = conf::parse(text, path, outside)?;
        let about_features =
            |name: &str| matches!(name, "experimental-features" | "extra-experimental-features");
        for (name, value) in lines.iter().filter(|(name, _)| about_features(name)) {
            self.set(name, value)?;
        }
        let ignores_path = outside.variable("NIX_PATH").is_some();
        for (name, value) in lines.iter().filter(|(name, _)| !about_features(name)) {
            if !(ignores_path && matches!(name.as_str(), "nix-path" | "extra-nix-path")) {
                self.set(name, value)?;
            }
        }
        Ok(())
    }

    /// Sets one setting by any of its names; an unknown one is kept, and warned of by [`Settings::finish`].
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingsError> {
        match look_up(name) {
            Some(named) => self.assign(named, value),
            None => {
                // Of two values for an unknown name CppNix keeps the first.
                self.unknown.entry(name.to_owned()).or_insert_with(|| value.to_owned());
                Ok(())
            }
        }
    }

    /// `--option`: as [`Settings::set`], but what is the user's mistake is warned of only.
    pub fn set_option(&mut self, name: &str, value: &str) -> Result<(), SettingsError> {
        match self.set(name, value) {
            Err(SettingsError::Usage(message)) => {
                self.warnings.push(message);
                Ok(())
            }
            other => other,
        }
    }

    /// Does what a flag says, with the value that followed it if it takes one.
    pub fn set_flag(&mut self, flag: Flag, value: &str) -> Result<(), SettingsError> {
        let Some(says) = flag.says else { return self.assign(flag.named, value) };
        // A switch does not ask for its experimental feature here: the command line is refused as a whole at its end.
        let setting = &SETTINGS[flag.named.index];
        let value = parse(setting, says, &mut self.warnings)?;
        self.store(flag.named.index, value);
        Ok(())
    }

    /// `--impure`.
    pub fn set_impure(&mut self) {
        self.put("pure-eval", Value::Bool(false));
    }

    fn assign(&mut self, named: Named, text: &str) -> Result<(), SettingsError> {
        let setting = &SETTINGS[named.index];
        if let Some(feature) = setting.feature.filter(|feature| !self.has_feature(*feature)) {
            self.warnings.push(format!(
                "Ignoring setting '{}' because experimental feature '{}' is not enabled",
                setting.name,
                feature.name()
            ));
            return Ok(());
        }
        let mut value = parse(setting, text, &mut self.warnings)?;
        if named.appends {
            match (&mut value, &self.values[named.index]) {
                (Value::Words(new), Value::Words(old)) => {
                    new.splice(0..0, old.iter().cloned());
                }
                (Value::Features(new), Value::Features(old)) => *new = new.union(*old),
                _ => unreachable!("only words and features are added to, by is_appendable"),
            }
        }
        self.store(named.index, value);
        Ok(())
    }

    /// Keeps a value, and what a renamed setting means for the one that took its place.
    fn store(&mut self, index: usize, value: Value) {
        let Setting { kind, name, .. } = SETTINGS[index];
        if let (Kind::RenamedLint(target), Value::Bool(on)) = (kind, &value) {
            let (lint, word) = if *on { (Lint::Warn, "warn") } else { (Lint::Ignore, "ignore") };
            self.warnings.push(format!("'{name}' is deprecated, use '{target} = {word}' instead"));
            let target = index_of(target).expect("a renamed setting names a row");
            if !self.overridden[target] {
                self.values[target] = Value::Lint(lint);
            }
        }
        self.values[index] = value;
        self.overridden[index] = true;
    }

    /// Ends the reading of settings: names nobody knows become warnings, in their order.
    pub fn finish(&mut self) {
        let unknown = std::mem::take(&mut self.unknown);
        self.warnings.extend(unknown.keys().map(|name| format!("unknown setting '{name}'")));
    }

    /// The warnings since this was last asked, without `warning: `.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    fn put(&mut self, name: &'static str, value: Value) {
        self.values[index_of(name).expect("the table has the evaluator's settings")] = value;
    }

    fn get(&self, name: &'static str) -> &Value {
        &self.values[index_of(name).expect("the table has the evaluator's settings")]
    }

    fn bool(&self, name: &'static str) -> bool {
        matches!(self.get(name), Value::Bool(true))
    }

    fn words(&self, name: &'static str) -> &[String] {
        match self.get(name) {
            Value::Words(words) => words,
            other => unreachable!("'{name}' is words, not {other:?}"),
        }
    }

    fn text(&self, name: &'static str) -> &str {
        match self.get(name) {
            Value::Text(text) => text,
            other => unreachable!("'{name}' is text, not {other:?}"),
        }
    }

    fn lint(&self, name: &'static str) -> Lint {
        match self.get(name) {
            Value::Lint(lint) => *lint,
            other => unreachable!("'{name}' is a lint, not {other:?}"),
        }
    }

    fn features(&self) -> FeatureSet {
        match self.get("experimental-features") {
            Value::Features(features) => *features,
            other => unreachable!("features, not {other:?}"),
        }
    }

    /// Whether an experimental feature is on.
    pub fn has_feature(&self, feature: Feature) -> bool {
        self.features().contains(feature)
    }

    /// `max-call-depth`.
    pub fn max_call_depth(&self) -> u32 {
        match self.get("max-call-depth") {
            Value::Integer(depth) => u32::try_from(*depth).unwrap_or(u32::MAX),
            other => unreachable!("a number, not {other:?}"),
        }
    }

    /// `pure-eval`.
    pub fn pure_eval(&self) -> bool {
        self.bool("pure-eval")
    }

    /// `restrict-eval`.
    pub fn restrict_eval(&self) -> bool {
        self.bool("restrict-eval")
    }

    /// `allow-import-from-derivation`.
    pub fn allow_import_from_derivation(&self) -> bool {
        self.bool("allow-import-from-derivation")
    }

    /// `trace-import-from-derivation`.
    pub fn trace_import_from_derivation(&self) -> bool {
        self.bool("trace-import-from-derivation")
    }

    /// `trace-function-calls`.
    pub fn trace_function_calls(&self) -> bool {
        self.bool("trace-function-calls")
    }

    /// `trace-verbose`.
    pub fn trace_verbose(&self) -> bool {
        self.bool("trace-verbose")
    }

    /// `show-trace`.
    pub fn show_trace(&self) -> bool {
        self.bool("show-trace")
    }

    /// `abort-on-warn`.
    pub fn abort_on_warn(&self) -> bool {
        self.bool("abort-on-warn")
    }

    /// `allowed-uris`.
    pub fn allowed_uris(&self) -> &[String] {
        self.words("allowed-uris")
    }

    /// What is done about each construct that a lint is about.
    pub fn lints(&self) -> Lints {
        Lints {
            url_literals: self.lint_url_literals(),
            short_path_literals: self.lint_short_path_literals(),
            absolute_path_literals: self.lint_absolute_path_literals(),
        }
    }

    /// `lint-url-literals`.
    pub fn lint_url_literals(&self) -> Lint {
        self.lint("lint-url-literals")
    }

    /// `lint-short-path-literals`.
    pub fn lint_short_path_literals(&self) -> Lint {
        self.lint("lint-short-path-literals")
    }

    /// `lint-absolute-path-literals`.
    pub fn lint_absolute_path_literals(&self) -> Lint {
        self.lint("lint-absolute-path-literals")
    }

    /// `warn-dirty`.
    pub fn warn_dirty(&self) -> bool {
        self.bool("warn-dirty")
    }

    /// `builtins.currentSystem`: `eval-system`, or `system`.
    pub fn current_system(&self) -> &str {
        match self.text("eval-system") {
            "" => self.text("system"),
            system => system,
        }
    }

    /// `store`.
    pub fn store_uri(&self) -> &str {
        self.text("store")
    }

    /// The search path for `<…>`, each entry as `PREFIX=PATH` or `PATH`: `includes` (the `-I` of a command line),
    /// `nix-path`, and the folders that channels are in. Pure evaluation has none of it, restricted evaluation no channels.
    pub fn search_path(&self, includes: &[String], outside: &dyn Outside) -> Vec<String> {
        if self.pure_eval() {
            return Vec::new();
        }
        let mut entries = [includes, self.words("nix-path")].concat();
        if self.restrict_eval() {
            return entries;
        }
        let home = home(outside);
        let definitions = if self.bool("use-xdg-base-directories") {
            let state = outside.variable("NIX_STATE_HOME").or_else(|| {
                let base =
                    outside.variable("XDG_STATE_HOME").unwrap_or_else(|| format!("{home}/.local/state"));
                Some(format!("{base}/nix"))
            });
            format!("{}/defexpr", state.unwrap_or_default())
        } else {
            format!("{home}/.nix-defexpr")
        };
        let state = outside.variable("NIX_STATE_DIR").filter(|dir| !dir.is_empty());
        let root = format!("{}/profiles/per-user/root/channels", state.as_deref().unwrap_or("/nix/var/nix"));
        let named = format!("{root}/nixpkgs");
        for (prefix, path) in [("", format!("{definitions}/channels")), ("nixpkgs=", named), ("", root)] {
            if outside.exists(&path) {
                entries.push(format!("{prefix}{path}"));
            }
        }
        entries
    }
}

fn home(outside: &dyn Outside) -> String {
    outside.variable("HOME").unwrap_or_default()
}

/// The files of `NIX_USER_CONF_FILES`, or those of the configuration folders, the most important first.
fn user_files(outside: &dyn Outside) -> Vec<String> {
    if let Some(files) = outside.variable("NIX_USER_CONF_FILES") {
        return files.split(':').filter(|file| !file.is_empty()).map(str::to_owned).collect();
    }
    let own = outside.variable("NIX_CONFIG_HOME").unwrap_or_else(|| {
        let base =
            outside.variable("XDG_CONFIG_HOME").unwrap_or_else(|| format!("{}/.config", home(outside)));
        format!("{base}/nix")
    });
    let shared = outside.variable("XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".to_owned());
    let shared = shared.split(':').filter(|dir| !dir.is_empty()).map(|dir| format!("{dir}/nix"));
    std::iter::once(own).chain(shared).map(|dir| format!("{dir}/nix.conf")).collect()
}

/// The entries of `NIX_PATH`, which stand between colons, those inside of addresses excepted.
pub fn split_nix_path(path: &str) -> Vec<String> {
    let bytes = path.as_bytes();
    let mut entries = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let next_colon = |from: usize| bytes[from..].iter().position(|b| *b == b':').map(|at| from + at);
        let Some(mut end) = next_colon(start) else {
            entries.push(path[start..].to_owned());
            break;
        };
        let target = path[start..end].rfind('=').map_or(start, |at| start + at + 1);
        if is_pseudo_url(&path[target..]) || path[target..].starts_with("flake:") {
            end = next_colon(end + 1).unwrap_or(bytes.len());
        }
        entries.push(path[start..end].to_owned());
        start = end + 1;
    }
    entries
}

/// Whether a text is an address that can be fetched, or `channel:`.
pub fn is_pseudo_url(text: &str) -> bool {
    let schemes = ["http", "https", "file", "channel", "git", "s3", "ssh"];
    text.starts_with("channel:")
        || text.split_once("://").is_some_and(|(scheme, _)| schemes.contains(&scheme))
}

fn parse(setting: &Setting, text: &str, warnings: &mut Vec<String>) -> Result<Value, SettingsError> {
    let name = setting.name;
    let usage = |message: String| Err(SettingsError::Usage(message));
    let integer = |number: Result<i128, String>| match number {
        Ok(number) => Ok(Value::Integer(number)),
        Err(_) => Err(SettingsError::Usage(format!("setting '{name}' has invalid value '{text}'"))),
    };
    match setting.kind {
        Kind::Bool | Kind::RenamedLint(_) => match text {
            "true" | "yes" | "1" => Ok(Value::Bool(true)),
            "false" | "no" | "0" => Ok(Value::Bool(false)),
            _ => usage(format!("Boolean setting '{name}' has invalid value '{text}'")),
        },
        Kind::Lint => match text {
            "ignore" => Ok(Value::Lint(Lint::Ignore)),
            "warn" => Ok(Value::Lint(Lint::Warn)),
            "fatal" => Ok(Value::Lint(Lint::Fatal)),
            _ => usage(format!(
                "option '{name}' has invalid value '{text}' (expected 'ignore', 'warn', or 'fatal')"
            )),
        },
        Kind::U32 => integer(with_unit::<u32>(text).map(i128::from)),
        Kind::U64 => integer(with_unit::<u64>(text).map(i128::from)),
        Kind::I64 => integer(with_unit::<i64>(text).map(i128::from)),
        Kind::Jobs if text == "auto" => Ok(Value::Integer(1)),
        Kind::Jobs => match number::<u32>(text) {
            Some(jobs) => Ok(Value::Integer(i128::from(jobs))),
            None => usage(format!("configuration setting '{name}' should be 'auto' or an integer")),
        },
        Kind::OneOf(choices) if choices.contains(&text) => Ok(Value::Text(text.to_owned())),
        Kind::OneOf(_) => usage(format!("option '{name}' has invalid value '{text}'")),
        Kind::Path | Kind::AbsolutePath if text.is_empty() => {
            usage(format!("setting '{name}' is a path and paths cannot be empty"))
        }
        Kind::AbsolutePath | Kind::OptionalPath if !text.is_empty() && !text.starts_with('/') => {
            Err(SettingsError::Failure(format!("not an absolute path: \"{text}\"")))
        }
        Kind::Store => check_store(text).map(|()| Value::Text(text.to_owned())),
        Kind::Stores => {
            let stores = conf::words(text).map(|store| check_store(store).map(|()| store.to_owned()));
            Ok(Value::Words(stores.collect::<Result<_, _>>()?))
        }
        Kind::Text | Kind::Path | Kind::AbsolutePath | Kind::OptionalPath => Ok(Value::Text(text.to_owned())),
        Kind::Words => Ok(Value::Words(conf::words(text).map(str::to_owned).collect())),
        Kind::Features => Ok(Value::Features(parse_features(text, warnings))),
    }
}

/// Refuses what can be no store: a word that is no address, no path, and none of the names that stores have.
pub fn check_store(text: &str) -> Result<(), SettingsError> {
    let base = text.split_once('?').map_or(text, |(base, _)| base);
    if matches!(base, "" | "auto" | "daemon" | "local") || base.contains(['/', ':']) {
        return Ok(());
    }
    Err(SettingsError::Usage(format!("Cannot parse Nix store '{text}'")))
}

fn parse_features(text: &str, warnings: &mut Vec<String>) -> FeatureSet {
    let mut features = FeatureSet::default();
    let names: std::collections::BTreeSet<&str> = conf::words(text).collect();
    for name in names {
        match Feature::named(name) {
            Some(feature) => features.insert(feature),
            None if name == "no-url-literals" => warnings.push(format!(
                "experimental feature '{name}' has been stabilized and renamed; \
                 use 'lint-url-literals = fatal' setting instead"
            )),
            None => warnings.push(format!("unknown experimental feature '{name}'")),
        }
    }
    features
}

/// A type of number that settings have, which wraps around where CppNix's does.
trait Number: Sized {
    /// The value of a run of digits after its sign, if it fits.
    fn from_parts(negative: bool, digits: u64) -> Option<Self>;
    /// The product, cut to the type's width.
    fn times(self, factor: u64) -> Self;
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn from_parts(negative: bool, digits: u64) -> Option<Self> {
                if negative && <$type>::MIN == 0 {
                    return None;
                }
                let value = i128::from(digits);
                <$type>::try_from(if negative { -value } else { value }).ok()
            }

            fn times(self, factor: u64) -> Self {
                self.wrapping_mul(factor as $type)
            }
        }
    )*};
}

number!(u32, u64, i64);

/// A decimal number and nothing else; a sign may stand before it, `-` only for types that have negative values.
fn number<N: Number>(text: &str) -> Option<N> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    N::from_parts(negative, plain.then(|| digits.parse().ok()).flatten()?)
}

/// A count with a unit of 1024 if wished, or what is wrong with it: the values of `--timeout` and its kin.
pub fn count(text: &str) -> Result<u64, SettingsError> {
    with_unit(text).map_err(SettingsError::Usage)
}

/// A number with a unit of 1024, or what is wrong with it.
fn with_unit<N: Number>(text: &str) -> Result<N, String> {
    let unit =
        text.chars().next_back().filter(char::is_ascii_alphabetic).map(|unit| unit.to_ascii_uppercase());
    let (digits, factor) = match unit {
        None => (text, 1),
        Some(unit) => {
            let power = "KMGT".find(unit).ok_or_else(|| format!("invalid unit specifier '{unit}'"))?;
            (&text[..text.len() - 1], 1 << (10 * (power as u32 + 1)))
        }
    };
    match number::<N>(digits) {
        Some(number) => Ok(number.times(factor)),
        None => Err(format!("'{digits}' is not an integer")),
    }
}
