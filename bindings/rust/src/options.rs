//! How an evaluator is to be and what it is to evaluate, as data: the form in which other languages and machines say it.

use crate::{
    Access, Engine, Error, ErrorKind, Guarded, JobOptions, Jobs, Limits, Overlay, Root, Session, Source,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How an evaluator is to be. It can reach nothing but what is named here; what is left out is as it is by itself. Paths on
/// Windows may be its own, as `C:\\x`, or a program's: see `Disk`.
///
/// ```
/// let options: frazil::Options = serde_json::from_str(
///     r#"{ "files": { "/lib/default.nix": "{ seven = 7; }" }, "paths": { "lib": "/lib" }, "limits": { "memory": "64MiB" } }"#,
/// ).unwrap();
/// let session = options.builder()?.build().session();
/// assert_eq!(session.eval("(import <lib>).seven")?.to_json()?, "7");
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// What `<name>` means: names and paths, which may be read.
    pub paths: BTreeMap<String, String>,
    /// Files in memory, by absolute path. They lie over those of the disk.
    pub files: BTreeMap<String, String>,
    /// Variables of the environment, beside those of the process that are allowed.
    pub env: BTreeMap<String, String>,
    /// Files and directories of the disk that may be read.
    pub roots: Vec<String>,
    /// Variables of the process's environment that may be read.
    pub variables: Vec<String>,
    /// Whether all files and variables may be read.
    pub unrestricted: bool,
    /// What may be used.
    pub limits: LimitOptions,
    /// `builtins.currentSystem`.
    pub system: Option<String>,
    /// The directory of store paths.
    pub store: Option<String>,
    /// `pure-eval`.
    pub pure: bool,
    /// Settings of `nix.conf` by their names, such as `extra-experimental-features`.
    pub settings: BTreeMap<String, String>,
    /// A directory in which code of files and listings of directories are kept from one process to the next, at most 1 GiB of
    /// it; see [`Builder::cache`](crate::Builder::cache). It need not be one that may be read.
    #[cfg(feature = "disk")]
    pub cache: Option<String>,
}

/// What an evaluation may use; no bound where none is given, but for the depth of calls.
///
/// ```
/// let limits = frazil::LimitOptions { seconds: Some(1.5), ..Default::default() };
/// assert_eq!(limits.limits()?.wall, Some(std::time::Duration::from_millis(1500)));
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitOptions {
    /// Frames entered.
    pub steps: Option<u64>,
    /// The heap's size: bytes, or a text such as `"512MiB"`.
    pub memory: Option<Memory>,
    /// Wall time of one evaluation.
    pub seconds: Option<f64>,
    /// Nested calls.
    pub depth: Option<u32>,
}

/// A size in memory.
///
/// ```
/// assert_eq!(frazil::MemoryOption::Text("2 KiB".to_owned()).bytes()?, 2048);
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Memory {
    /// So many bytes.
    Bytes(u64),
    /// A number and a unit: `B`, `KiB`, `MiB`, `GiB`.
    Text(String),
}

impl Memory {
    /// How many bytes that is.
    ///
    /// ```
    /// assert!(frazil::MemoryOption::Text("much".to_owned()).bytes().is_err());
    /// ```
    pub fn bytes(&self) -> Result<u64, Error> {
        let text = match self {
            Memory::Bytes(bytes) => return Ok(*bytes),
            Memory::Text(text) => text,
        };
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let unit = match text[end..].trim() {
            "" | "B" => Some(1),
            "KiB" => Some(1 << 10),
            "MiB" => Some(1 << 20),
            "GiB" => Some(1 << 30),
            _ => None,
        };
        let bytes = unit.and_then(|unit: u64| text[..end].parse::<u64>().ok()?.checked_mul(unit));
        bytes.ok_or_else(|| invalid(format!("'{text}' is no size in memory, such as '512MiB'")))
    }
}

fn invalid(text: String) -> Error {
    Error::new(ErrorKind::Type, text)
}

impl LimitOptions {
    /// The limits that are meant.
    ///
    /// ```
    /// assert!(frazil::LimitOptions { seconds: Some(-1.0), ..Default::default() }.limits().is_err());
    /// ```
    pub fn limits(&self) -> Result<Limits, Error> {
        let wall = |seconds: f64| {
            Duration::try_from_secs_f64(seconds)
                .map_err(|_| invalid(format!("{seconds} is no time in seconds")))
        };
        let unlimited = Limits::default();
        Ok(Limits {
            steps: self.steps.unwrap_or(unlimited.steps),
            heap: self.memory.as_ref().map(Memory::bytes).transpose()?.unwrap_or(unlimited.heap),
            depth: self.depth.unwrap_or(unlimited.depth),
            wall: self.seconds.map(wall).transpose()?,
            cancel: None,
        })
    }
}

impl Options {
    /// The engine that is meant, to be added to.
    ///
    /// ```
    /// let options = frazil::Options { system: Some("riscv64-linux".to_owned()), ..Default::default() };
    /// let session = options.builder()?.build().session();
    /// assert_eq!(session.eval("builtins.currentSystem")?.text()?, "riscv64-linux");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn builder(&self) -> Result<crate::Builder, Error> {
        let mut builder = Engine::builder();
        if !self.settings.is_empty() {
            let said = |error| match error {
                crate::settings::SettingsError::Failure(text)
                | crate::settings::SettingsError::Usage(text) => invalid(text),
            };
            let mut settings = crate::settings::Settings::load(&crate::settings::Nothing).map_err(said)?;
            for (name, value) in &self.settings {
                settings.set_option(name, value).map_err(said)?;
            }
            settings.finish();
            builder = builder.settings(&settings).pure(self.pure || settings.pure_eval());
        } else {
            builder = builder.pure(self.pure);
        }
        builder = self.host(builder)?.limits(self.limits.limits()?);
        for (name, path) in &self.paths {
            builder = builder.search_path(name, to_nix(path)?);
        }
        if let Some(system) = &self.system {
            builder = builder.system(system);
        }
        if let Some(store) = &self.store {
            builder = builder.store_dir(store);
        }
        #[cfg(feature = "disk")]
        if let Some(cache) = &self.cache {
            let dir = crate::Disk::to_system(&to_nix(cache)?)?.into_owned();
            builder = builder.cache(&crate::Cache::new(dir, crate::Cache::MAX));
        }
        Ok(builder)
    }

    fn host(&self, builder: crate::Builder) -> Result<crate::Builder, Error> {
        let mut upper = crate::Memory::new();
        for (path, contents) in &self.files {
            upper = upper.file(to_nix(path)?, contents);
        }
        for (name, value) in &self.env {
            upper = upper.env(name, value);
        }
        #[cfg(feature = "disk")]
        let lower = crate::Disk;
        #[cfg(not(feature = "disk"))]
        let lower = crate::Memory::new();
        let mut access = if self.unrestricted { Access::everything() } else { Access::none() };
        for root in self.roots.iter().chain(self.paths.values()) {
            access = access.root(to_nix(root)?);
        }
        for name in &self.variables {
            access = access.variable(name);
        }
        Ok(builder.host(Overlay { upper, lower: Guarded::new(lower, access) }))
    }
}

/// A path as a program knows it.
#[cfg(feature = "disk")]
fn to_nix(path: &str) -> Result<Vec<u8>, Error> {
    Ok(crate::Disk::to_nix(path)?)
}

/// A path, which is a program's where there is no disk.
#[cfg(not(feature = "disk"))]
fn to_nix(path: &str) -> Result<Vec<u8>, Error> {
    Ok(path.as_bytes().to_vec())
}

/// What is to be evaluated, and how: all that another process or machine needs to do it.
///
/// ```
/// let spec = frazil::EvalSpec { expr: Some("{ n }: n * 2".to_owned()), ..Default::default() }.arg("n", "21");
/// let (_session, value) = spec.open()?;
/// assert_eq!(value.to_json()?, "42");
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvalSpec {
    /// The program's file, or the directory of its `default.nix`. It may be read, with all that lies beside it.
    pub file: Option<String>,
    /// The program's text, if it is in no file.
    pub expr: Option<String>,
    /// The attribute path that is wanted of its value.
    pub attr: Option<String>,
    /// Arguments, as programs, for functions on the way.
    pub args: BTreeMap<String, String>,
    /// How the evaluator is to be.
    pub options: Options,
    /// Which jobs are wanted.
    pub jobs: JobOptions,
}

impl EvalSpec {
    /// Adds an argument: a name and a program.
    ///
    /// ```
    /// let spec = frazil::EvalSpec::default().arg("config", "{ }");
    /// assert_eq!(spec.args["config"], "{ }");
    /// ```
    #[must_use]
    pub fn arg(mut self, name: &str, program: &str) -> EvalSpec {
        self.args.insert(name.to_owned(), program.to_owned());
        self
    }

    /// The value, in a session of its own.
    ///
    /// ```
    /// assert!(frazil::EvalSpec::default().open().is_err());
    /// ```
    pub fn open(&self) -> Result<(Session, Root), Error> {
        let mut options = self.options.clone();
        options.roots.extend(self.file.iter().cloned());
        let session = options.builder()?.build().session();
        let value = self.value(&session)?;
        Ok((session, value))
    }

    /// The value, in that session.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let spec = frazil::EvalSpec { expr: Some("{ a = 1; }".into()), attr: Some("a".into()), ..Default::default() };
    /// assert_eq!(spec.value(&session)?.to_json()?, "1");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn value(&self, session: &Session) -> Result<Root, Error> {
        let source = match (&self.file, &self.expr) {
            (Some(file), None) => Source::file(to_nix(file)?),
            (None, Some(text)) => Source::text(text, "/"),
            _ => return Err(invalid("either a file or an expression is to be evaluated".to_owned())),
        };
        let handle = session.with(|evaluator| {
            evaluator.enter(|scope| {
                let mut arguments = crate::Arguments::default();
                for (name, program) in &self.args {
                    let v = scope.delay(program, "/")?;
                    arguments.add(name, v);
                }
                let v = scope.eval(source)?;
                let v = scope.select(v, self.attr.as_deref().unwrap_or_default(), &arguments)?;
                let v = scope.call_auto(v, &arguments)?;
                Ok(scope.keep(v))
            })
        })?;
        Ok(session.root(handle))
    }

    /// The jobs of the value, in a session of its own.
    ///
    /// ```
    /// let text = "{ x = derivation { name = \"x\"; system = \"s\"; builder = \"b\"; }; }";
    /// let spec = frazil::EvalSpec { expr: Some(text.to_owned()), ..Default::default() };
    /// let (session, mut jobs) = spec.open_jobs()?;
    /// assert_eq!(session.with(|evaluator| Ok(jobs.next(evaluator)))?.unwrap().attr, "x");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn open_jobs(&self) -> Result<(Session, Jobs), Error> {
        let (session, value) = self.open()?;
        let jobs = session.jobs(&value, self.jobs.clone())?;
        Ok((session, jobs))
    }
}
