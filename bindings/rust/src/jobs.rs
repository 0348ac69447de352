//! The derivations of a set, one at a time, each with its record or its error: nix-eval-jobs' walk.

use crate::{Arguments, Error, ErrorKind, Evaluator, Handle, Scope, Type, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Which jobs are wanted, and what of them.
///
/// ```
/// let options = frazil::JobOptions { meta: true, ..Default::default() };
/// assert!(!options.force_recurse);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct JobOptions {
    /// Whether sets are looked into that do not say `recurseForDerivations`.
    pub force_recurse: bool,
    /// Whether records have the `meta` of their derivation.
    pub meta: bool,
    /// Whether records have the derivations that theirs needs. Texts of all derivations are then kept.
    pub input_drvs: bool,
    /// Only jobs of these systems; of all, if there is none.
    pub systems: Vec<String>,
    /// Only the jobs of this shard.
    pub shard: Option<Shard>,
    /// Attribute paths of jobs that are not wanted again.
    pub skip: BTreeSet<String>,
    /// How deep sets are looked into; without bound but that of calls if there is none.
    pub max_depth: Option<u32>,
}

/// One part of many, by a hash of the attribute path that is the same everywhere.
///
/// ```
/// use frazil::Shard;
///
/// let shards = [Shard { index: 0, of: 2 }, Shard { index: 1, of: 2 }];
/// for attr in ["hello", "python3Packages.numpy", "a.b.c"] {
///     assert_eq!(shards.iter().filter(|shard| shard.holds(attr)).count(), 1);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Shard {
    /// Which part, from 0.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

impl Shard {
    /// Whether that job is of this part.
    ///
    /// ```
    /// assert!(frazil::Shard { index: 0, of: 1 }.holds("anything"));
    /// ```
    pub fn holds(self, attr: &str) -> bool {
        // FNV-1a, then mixed: its low bits alone would not spread names that end alike.
        let hash = attr.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        self.of <= 1 || mixed % u64::from(self.of) == u64::from(self.index)
    }
}

/// A job: an attribute path, and what is there.
///
/// ```
/// let mut evaluator = frazil::Engine::new().evaluator();
/// let set = evaluator.eval("{ ok = derivation { name = \"x\"; system = \"s\"; builder = \"b\"; }; no = throw \"no\"; }")?;
/// let jobs = frazil::Jobs::new(&mut evaluator, &set, Default::default())?.collect(&mut evaluator);
/// assert_eq!(jobs[0].attr, "no");
/// assert_eq!(jobs[0].outcome.as_ref().unwrap_err().message(), "no");
/// assert_eq!(jobs[1].outcome.as_ref().unwrap().name, "x");
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The attribute path as one writes it: parts with dots are in quotes.
    pub attr: String,
    /// Its parts.
    pub attr_path: Vec<String>,
    /// The derivation, or why there is none.
    pub outcome: Result<JobRecord, Error>,
}

#[cfg(feature = "serde")]
impl Job {
    /// The job as a line of nix-eval-jobs has it. An error is its text in `error`, and all of it in `failure`.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let set = evaluator.eval("{ a = throw \"no\"; }")?;
    /// let job = frazil::Jobs::new(&mut evaluator, &set, Default::default())?.next(&mut evaluator).unwrap();
    /// assert_eq!(job.to_json()["attrPath"][0], "a");
    /// assert_eq!(job.to_json()["failure"]["code"], "thrown");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::json!({ "attr": self.attr, "attrPath": self.attr_path });
        match &self.outcome {
            Err(error) => {
                json["error"] = error.render().into();
                json["failure"] = serde_json::to_value(error).unwrap_or_default();
            }
            Ok(record) => {
                json["drvPath"] = record.drv_path.as_str().into();
                json["name"] = record.name.as_str().into();
                json["system"] = record.system.as_str().into();
                json["outputs"] = record.outputs.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                if let Some(inputs) = &record.input_drvs {
                    json["inputDrvs"] = inputs.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                }
                if let Some(meta) = record.meta.as_deref().and_then(|meta| serde_json::from_str(meta).ok()) {
                    json["meta"] = meta;
                }
            }
        }
        json
    }
}

/// The derivation of a job.
///
/// ```
/// assert!(frazil::JobRecord::default().outputs.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobRecord {
    /// The name, with the version.
    pub name: String,
    /// The path of its `.drv`.
    pub drv_path: String,
    /// The system that it is built on.
    pub system: String,
    /// Its outputs and their paths.
    pub outputs: BTreeMap<String, Option<String>>,
    /// The derivations that it needs with their outputs, if they are wanted.
    pub input_drvs: Option<BTreeMap<String, Vec<String>>>,
    /// The JSON text of `meta`, if it is wanted and can be one.
    pub meta: Option<String>,
}

/// A walk over the jobs of a value. It holds handles only, so that the evaluator is free between two jobs.
///
/// ```
/// let mut evaluator = frazil::Engine::new().evaluator();
/// let set = evaluator.eval("{ a = derivation { name = \"a\"; system = \"s\"; builder = \"b\"; }; b = { }; }")?;
/// let mut jobs = frazil::Jobs::new(&mut evaluator, &set, Default::default())?;
/// assert_eq!(jobs.next(&mut evaluator).unwrap().attr, "a");
/// assert!(jobs.next(&mut evaluator).is_none());
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Debug)]
pub struct Jobs {
    options: JobOptions,
    /// What is still to be looked at, the next one last.
    todo: Vec<(Vec<String>, Handle)>,
}

/// What an attribute turned out to be.
enum Found {
    Job(JobRecord),
    /// A set to be looked into.
    Set(Vec<(String, Handle)>),
    /// Nothing that is wanted.
    Nothing,
}

impl Jobs {
    /// A walk over the jobs of a value, which is called first if it is a function of optional arguments.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let set = evaluator.eval("{ system ? \"s\" }: { x = derivation { name = \"x\"; inherit system; builder = \"b\"; }; }")?;
    /// let jobs = frazil::Jobs::new(&mut evaluator, &set, Default::default())?.collect(&mut evaluator);
    /// assert_eq!(jobs.len(), 1);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn new(evaluator: &mut Evaluator, value: &Handle, options: JobOptions) -> Result<Jobs, Error> {
        if options.shard.is_some_and(|shard| shard.index >= shard.of) {
            return Err(Error::new(ErrorKind::Eval, "a shard's number is below the number of shards"));
        }
        if options.input_drvs {
            evaluator.keep_derivations();
        }
        let root = evaluator.enter(|scope| {
            let v = scope.value(value);
            let v = scope.call_auto(v, &Arguments::default())?;
            Ok::<Handle, Error>(scope.keep(v))
        })?;
        Ok(Jobs { options, todo: vec![(Vec::new(), root)] })
    }

    /// The next job.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let set = evaluator.eval("{ bad = 1; }")?;
    /// let job = frazil::Jobs::new(&mut evaluator, &set, Default::default())?.next(&mut evaluator).unwrap();
    /// assert_eq!(job.outcome.unwrap_err().message(), "attribute 'bad' is an integer, which is not supported");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn next(&mut self, evaluator: &mut Evaluator) -> Option<Job> {
        while let Some((path, handle)) = self.todo.pop() {
            let attr = join(&path);
            let options = &self.options;
            let found = evaluator.enter(|scope| {
                let v = scope.value(&handle);
                look(scope, v, &attr, path.len(), options)
            });
            let outcome = match found {
                Ok(Found::Nothing) => continue,
                Ok(Found::Set(attrs)) => {
                    let deeper = |(name, handle)| ([path.as_slice(), &[name]].concat(), handle);
                    self.todo.extend(attrs.into_iter().rev().map(deeper));
                    continue;
                }
                Ok(Found::Job(mut record)) => {
                    if options.input_drvs
                        && let Some(file) = evaluator.derivation_file(&record.drv_path)
                    {
                        record.input_drvs = Some(file.input_drvs);
                    }
                    Ok(record)
                }
                Err(error) if self.wants(&attr) => Err(error),
                Err(_) => continue,
            };
            return Some(Job { attr, attr_path: path, outcome });
        }
        None
    }

    /// All jobs that are left.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let set = evaluator.eval("{ a = throw \"1\"; b = throw \"2\"; c = null; }")?;
    /// assert_eq!(frazil::Jobs::new(&mut evaluator, &set, Default::default())?.collect(&mut evaluator).len(), 2);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn collect(mut self, evaluator: &mut Evaluator) -> Vec<Job> {
        std::iter::from_fn(|| self.next(evaluator)).collect()
    }

    fn wants(&self, attr: &str) -> bool {
        self.options.wants(attr)
    }
}

impl JobOptions {
    fn wants(&self, attr: &str) -> bool {
        self.shard.is_none_or(|shard| shard.holds(attr)) && !self.skip.contains(attr)
    }
}

/// An attribute path as one writes it.
fn join(path: &[String]) -> String {
    let part = |name: &String| {
        let quoted = name.is_empty() || name.contains(['.', '"', ' ']);
        if quoted { format!("{name:?}") } else { name.clone() }
    };
    path.iter().map(part).collect::<Vec<_>>().join(".")
}

fn look<'v>(
    scope: &mut Scope<'_, 'v>,
    v: Value<'v>,
    attr: &str,
    depth: usize,
    options: &JobOptions,
) -> Result<Found, Error> {
    let v = scope.call_auto(v, &Arguments::default())?;
    match scope.type_of(v) {
        Type::Attrs if scope.is_derivation(v)? => {
            if !options.wants(attr) {
                return Ok(Found::Nothing);
            }
            let record = record(scope, v, options)?;
            let wanted = options.systems.is_empty() || options.systems.contains(&record.system);
            Ok(if wanted { Found::Job(record) } else { Found::Nothing })
        }
        Type::Attrs => {
            let mut recurse = options.force_recurse || depth == 0;
            if !options.force_recurse
                && let Some(flag) = scope.get(v, "recurseForDerivations")
            {
                let flag = scope.force(flag)?;
                let not_bool = || Error::new(ErrorKind::Type, "'recurseForDerivations' is not a Boolean");
                recurse = scope.as_bool(flag).ok_or_else(not_bool)?;
            }
            if !recurse || options.max_depth.is_some_and(|max| depth >= max as usize) {
                return Ok(Found::Nothing);
            }
            let attrs = scope.attrs(v).into_iter();
            let kept = attrs.map(|(name, v)| (String::from_utf8_lossy(&name).into_owned(), scope.keep(v)));
            Ok(Found::Set(kept.collect()))
        }
        Type::Null => Ok(Found::Nothing),
        // A flag is no job.
        Type::Bool if attr.rsplit('.').next() == Some("recurseForDerivations") => Ok(Found::Nothing),
        _ => {
            let text = format!("attribute '{attr}' is {}, which is not supported", scope.describe(v));
            Err(Error::new(ErrorKind::Type, text))
        }
    }
}

fn record<'v>(scope: &mut Scope<'_, 'v>, v: Value<'v>, options: &JobOptions) -> Result<JobRecord, Error> {
    let mut text = |name: &str| -> Result<Option<String>, Error> {
        let Some(v) = scope.get(v, name) else { return Ok(None) };
        let bytes = scope.to_text(v, "while evaluating an attribute of a job")?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    };
    let missing =
        || Error::new(ErrorKind::MissingAttribute, "derivation does not contain a 'drvPath' attribute");
    let mut record = JobRecord {
        drv_path: text("drvPath")?.filter(|path| !path.is_empty()).ok_or_else(missing)?,
        name: text("name")?.unwrap_or_default(),
        system: text("system")?.unwrap_or_default(),
        ..JobRecord::default()
    };
    for name in output_names(scope, v)? {
        let set = scope.get(v, &name).unwrap_or(v);
        let set = scope.force(set)?;
        let path = match scope.get(set, "outPath") {
            Some(path) => Some(scope.to_text(path, "while evaluating an output path of a job")?),
            None => None,
        };
        record.outputs.insert(name, path.map(|path| String::from_utf8_lossy(&path).into_owned()));
    }
    if options.meta
        && let Some(meta) = scope.get(v, "meta")
    {
        // What in it fails, or is no JSON, is left out, as nix-eval-jobs does.
        record.meta = meta_json(scope, meta);
    }
    Ok(record)
}

fn output_names<'v>(scope: &mut Scope<'_, 'v>, v: Value<'v>) -> Result<Vec<String>, Error> {
    let Some(outputs) = scope.get(v, "outputs") else { return Ok(vec!["out".to_owned()]) };
    let outputs = scope.force(outputs)?;
    let mut names = Vec::new();
    for name in scope.items(outputs) {
        let bytes = scope.to_text(name, "while evaluating the name of an output of a job")?;
        names.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(names)
}

/// The attributes of `meta` that have a form in JSON.
fn meta_json<'v>(scope: &mut Scope<'_, 'v>, meta: Value<'v>) -> Option<String> {
    let meta = scope.force(meta).ok()?;
    let attrs = scope.attrs(meta);
    let good: Vec<_> = attrs.into_iter().filter(|&(_, v)| scope.to_json(v, true).is_ok()).collect();
    let set = scope.set(&good);
    scope.to_json(set, true).ok()
}
