//! Frazil for Node: the native half of the package, which `frazil.js` makes JavaScript's own.
//!
//! Data and errors cross as JSON texts, each once as a whole.

mod ending;
mod functions;
mod threads;

use frazil::{Disk, Error, ErrorKind, Evaluator, JobOptions, Options, Root, Source};
use functions::{Callback, with_env};
use napi::bindgen_prelude::{ClassInstance, Either, Env, Function, Object};
use napi_derive::napi;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use threads::later;

/// An error as an exception whose message is its JSON.
fn thrown(error: &Error) -> napi::Error {
    let json = serde_json::to_string(error).unwrap_or_else(|error| error.to_string());
    napi::Error::from_reason(json)
}

fn invalid(error: impl std::fmt::Display) -> napi::Error {
    napi::Error::from_reason(error.to_string())
}

/// Stops the evaluations that were given it.
#[napi]
#[derive(Default)]
pub struct Token(Arc<AtomicBool>);

#[napi]
impl Token {
    /// A token that nobody has set.
    #[napi(constructor)]
    pub fn new() -> Token {
        Token::default()
    }

    /// Stops the evaluations.
    #[napi]
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An evaluator that is being set up.
#[napi]
pub struct Builder(Option<frazil::Builder>);

#[napi]
impl Builder {
    /// By options as JSON.
    #[napi(constructor)]
    pub fn new(env: Env, options: String) -> napi::Result<Builder> {
        let options: Options = serde_json::from_str(&options).map_err(invalid)?;
        let builder = options.builder().map_err(|error| thrown(&error))?;
        Ok(Builder(Some(builder.interrupt(ending::interrupt(env)?))))
    }

    fn change(
        &mut self,
        change: impl FnOnce(frazil::Builder) -> napi::Result<frazil::Builder>,
    ) -> napi::Result<()> {
        let builder = self.0.take().ok_or_else(|| invalid("the evaluator was built already"))?;
        self.0 = Some(change(builder)?);
        Ok(())
    }

    /// Adds a function from the JSON of its arguments to that of `{ "ok": … }` or `{ "error": … }`.
    #[napi]
    pub fn function(
        &mut self,
        name: String,
        arity: u32,
        run: Function<'_, String, String>,
    ) -> napi::Result<()> {
        let callback = Callback::new(run)?;
        self.change(|builder| {
            Ok(builder.json_function(&name, arity as usize, move |arguments| callback.answer(arguments)))
        })
    }

    /// Adds a value as JSON.
    #[napi]
    pub fn global(&mut self, name: String, json: String) -> napi::Result<()> {
        let value: serde_json::Value = serde_json::from_str(&json).map_err(invalid)?;
        self.change(|builder| builder.global(&name, &value).map_err(|error| thrown(&error)))
    }

    /// Tells events as JSON of `[kind, text]`.
    #[napi]
    pub fn on_event(&mut self, run: Function<'_, String, String>) -> napi::Result<()> {
        let callback = Callback::new(run)?;
        self.change(|builder| Ok(builder.on_event(move |event| callback.tell(event))))
    }

    /// The evaluator.
    #[napi]
    pub fn build(&mut self, keep_derivations: bool) -> napi::Result<Session> {
        let builder = self.0.take().ok_or_else(|| invalid("the evaluator was built already"))?;
        let session = builder.build().session();
        if keep_derivations {
            let keep = |evaluator: &mut Evaluator| {
                evaluator.keep_derivations();
                Ok(())
            };
            session.with(keep).map_err(|error| thrown(&error))?;
        }
        Ok(Session(session))
    }
}

/// Does work on JavaScript's own thread, which never waits for others.
fn now<T>(env: Env, work: impl FnOnce() -> Result<T, Error>) -> napi::Result<T> {
    with_env(env, work).map_err(|error| thrown(&error))
}

fn flag(token: Option<&Token>) -> Option<Arc<AtomicBool>> {
    token.map(|token| token.0.clone())
}

/// An evaluator.
#[napi]
pub struct Session(frazil::Session);

impl Drop for Session {
    fn drop(&mut self) {
        ending::spare(&self.0);
    }
}

fn source(text: String, base: Option<String>) -> Result<Source, Error> {
    Ok(match base {
        Some(base) => Source::text(text, Disk::to_nix(base)?),
        None => Source::file(Disk::to_nix(text)?),
    })
}

#[napi]
impl Session {
    /// The value of a text, with the directory that its paths start from, or of a file.
    #[napi]
    pub fn eval<'env>(
        &self,
        env: &'env Env,
        text: String,
        base: Option<String>,
        token: Option<&Token>,
    ) -> napi::Result<Object<'env>> {
        let (session, flag) = (self.0.clone(), flag(token));
        later(env, move || {
            let value = session.stopped_by(flag).eval(source(text, base)?)?;
            Ok(Value(value.within(&session)?))
        })
    }

    /// The same, at once.
    #[napi]
    pub fn eval_sync(&self, env: Env, text: String, base: Option<String>) -> napi::Result<Value> {
        now(env, || self.0.without_waiting().eval(source(text, base)?)?.within(&self.0).map(Value))
    }

    /// The value of data as [`Value::ask`] has the arguments of a call.
    #[napi]
    pub fn value(
        &self,
        env: Env,
        argument: String,
        values: Vec<ClassInstance<'_, Value>>,
    ) -> napi::Result<Value> {
        let argument: Argument = serde_json::from_str(&argument).map_err(invalid)?;
        let argument = argument.with(&values)?;
        now(env, || argument.root(&self.0.without_waiting())?.within(&self.0).map(Value))
    }

    /// All that is wrong with a program before it runs, as JSON.
    #[napi]
    pub fn check(&self, env: Env, text: String) -> napi::Result<String> {
        let errors = now(env, || self.0.without_waiting().with(|evaluator| evaluator.check(text.as_str())))?;
        serde_json::to_string(&errors).map_err(invalid)
    }

    /// A walk over the jobs of a value, by options as JSON.
    #[napi]
    pub fn jobs<'env>(&self, env: &'env Env, value: &Value, options: String) -> napi::Result<Object<'env>> {
        let options: JobOptions = serde_json::from_str(&options).map_err(invalid)?;
        let (session, root) = (self.0.clone(), value.0.clone());
        later(env, move || {
            let jobs = session.jobs(&root, options)?;
            Ok(Jobs { session, jobs: Arc::new(Mutex::new(jobs)) })
        })
    }

    /// Stops the evaluation at work.
    #[napi]
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Frees what nothing needs; answers the bytes still live.
    #[napi]
    pub fn collect(&self, env: Env) -> napi::Result<f64> {
        now(env, || self.0.without_waiting().collect().map(|bytes| bytes as f64))
    }

    /// What was asked of the world outside, as JSON.
    #[napi]
    pub fn inputs(&self, env: Env) -> napi::Result<String> {
        let inputs = now(env, || self.0.without_waiting().inputs())?;
        let json = serde_json::json!({
            "files": inputs.files, "directories": inputs.directories,
            "lookedAt": inputs.looked_at, "variables": inputs.variables,
        });
        Ok(json.to_string())
    }

    /// What was counted, as JSON.
    #[napi]
    pub fn counts(&self, env: Env) -> napi::Result<String> {
        let counts = now(env, || self.0.without_waiting().counts())?;
        let stats = counts.stats;
        let json = serde_json::json!({
            "thunks": stats.thunks, "calls": stats.calls, "builtinCalls": stats.builtin_calls, "files": stats.files,
            "derivations": stats.derivations, "allocatedBytes": counts.allocated, "reservedBytes": counts.reserved,
        });
        Ok(json.to_string())
    }

    /// The texts of derivations and of all that they depend on, as JSON by path.
    #[napi]
    pub fn derivation_closure(&self, env: Env, paths: Vec<String>) -> napi::Result<String> {
        now(env, || {
            self.0.without_waiting().with(|evaluator| {
                let closure = evaluator.derivation_closure(&paths).into_iter();
                let texts =
                    closure.map(|(path, text)| (path, String::from_utf8_lossy(text).into_owned().into()));
                Ok(serde_json::Value::Object(texts.collect()).to_string())
            })
        })
    }
}

/// A walk over jobs.
#[napi]
pub struct Jobs {
    session: frazil::Session,
    jobs: Arc<Mutex<frazil::Jobs>>,
}

impl Drop for Jobs {
    fn drop(&mut self) {
        ending::spare(&self.session);
    }
}

#[napi]
impl Jobs {
    /// The next job as JSON.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env, token: Option<&Token>) -> napi::Result<Object<'env>> {
        let (session, jobs, flag) = (self.session.clone(), self.jobs.clone(), flag(token));
        later(env, move || {
            session.stopped_by(flag).with(|evaluator| {
                let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(jobs.next(evaluator).map(|job| job.to_json().to_string()))
            })
        })
    }
}

/// A value of an evaluator, which may not be evaluated yet.
#[napi]
pub struct Value(Root);

impl Drop for Value {
    fn drop(&mut self) {
        ending::spare(self.0.session());
    }
}

/// An argument of a call, which is made where the call is.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
enum Argument {
    /// The value of that number among those that came along.
    Number(usize),
    #[serde(skip)]
    Value(Root),
    /// Data.
    Data(serde_json::Value),
    /// A set, some of whose members are values.
    Set(Vec<(String, Argument)>),
}

impl Argument {
    /// The same with values in place of their numbers.
    fn with(self, values: &[ClassInstance<'_, Value>]) -> napi::Result<Argument> {
        Ok(match self {
            Argument::Number(number) => {
                let value = values.get(number).ok_or_else(|| invalid("there is no such value"))?;
                Argument::Value(value.0.clone())
            }
            Argument::Set(members) => {
                let with = |(name, member): (String, Argument)| Ok((name, member.with(values)?));
                Argument::Set(members.into_iter().map(with).collect::<napi::Result<_>>()?)
            }
            other => other,
        })
    }

    fn root(self, session: &frazil::Session) -> Result<Root, Error> {
        match self {
            Argument::Number(_) => Err(Error::new(ErrorKind::Internal, "a number that stands for no value")),
            Argument::Value(root) => Ok(root),
            Argument::Data(data) => session.to_value(&data),
            Argument::Set(members) => {
                let root = |(name, member): (String, Argument)| Ok((name, member.root(session)?));
                session.set(&members.into_iter().map(root).collect::<Result<Vec<_>, Error>>()?)
            }
        }
    }
}

/// Another value; or a text, which for most questions is JSON; or nothing.
type Answer = Either<Value, Option<String>>;

/// What is asked of a value.
enum Ask {
    Kind,
    Force,
    Get(String),
    Index(usize),
    Path(String),
    Call(Vec<Argument>),
    Data { bigint: bool },
    Json,
    Nix { deep: bool },
    Text,
    Doc,
    Length,
    Names,
    IsDerivation,
    Derivation,
}

impl Ask {
    fn new(what: &str, argument: String, values: &[ClassInstance<'_, Value>]) -> napi::Result<Ask> {
        Ok(match what {
            "kind" => Ask::Kind,
            "force" => Ask::Force,
            "get" => Ask::Get(argument),
            "index" => Ask::Index(argument.parse().map_err(invalid)?),
            "path" => Ask::Path(argument),
            "call" => {
                let arguments: Vec<Argument> = serde_json::from_str(&argument).map_err(invalid)?;
                let with = |argument: Argument| argument.with(values);
                Ask::Call(arguments.into_iter().map(with).collect::<napi::Result<_>>()?)
            }
            "data" => Ask::Data { bigint: argument == "bigint" },
            "json" => Ask::Json,
            "nix" => Ask::Nix { deep: argument == "deep" },
            "text" => Ask::Text,
            "doc" => Ask::Doc,
            "length" => Ask::Length,
            "names" => Ask::Names,
            "isDerivation" => Ask::IsDerivation,
            "derivation" => Ask::Derivation,
            _ => return Err(invalid(format!("a value is not asked '{what}'"))),
        })
    }

    /// The answer, by way of that form of the value's session: another value, a text which for most questions is JSON,
    /// or nothing.
    fn answer(self, root: &Root, session: &frazil::Session) -> Result<Answer, Error> {
        let own = root.session();
        Ok(match self.answer_within(&root.within(session)?)? {
            Either::A(value) => Either::A(Value(value.0.within(own)?)),
            text => text,
        })
    }

    fn answer_within(self, root: &Root) -> Result<Answer, Error> {
        let value = |root: Root| Either::A(Value(root));
        let found = |root: Option<Root>| root.map_or(Either::B(None), value);
        let json = |json: serde_json::Value| Either::B(Some(json.to_string()));
        Ok(match self {
            Ask::Kind => json(root.type_of()?.name().into()),
            Ask::Force => json(root.force()?.name().into()),
            Ask::Get(name) => found(root.get(name)?),
            Ask::Index(index) => found(root.index(index)?),
            Ask::Path(path) => value(root.path(&path)?),
            Ask::Call(arguments) => {
                let roots = arguments.into_iter().map(|argument| argument.root(root.session()));
                let roots: Vec<Root> = roots.collect::<Result<_, _>>()?;
                value(root.call(&roots.iter().collect::<Vec<_>>())?)
            }
            Ask::Data { bigint } => Either::B(Some(root.to_javascript(bigint)?)),
            Ask::Json => Either::B(Some(root.to_json()?)),
            Ask::Nix { deep } => Either::B(Some(root.print(deep)?)),
            Ask::Text => Either::B(Some(root.coerce()?)),
            Ask::Doc => json(root.doc()?.into()),
            Ask::Length => json(root.len()?.into()),
            Ask::Names => json(root.names()?.into()),
            Ask::IsDerivation => json(root.is_derivation()?.into()),
            Ask::Derivation => match root.derivation()? {
                None => Either::B(None),
                Some((path, None)) => json(serde_json::json!({ "drvPath": path })),
                Some((path, Some(file))) => json(serde_json::json!({
                    "drvPath": path, "name": file.name, "system": file.system, "builder": file.builder,
                    "outputs": file.outputs, "inputDrvs": file.input_drvs, "inputSrcs": file.input_srcs,
                })),
            },
        })
    }
}

#[napi]
impl Value {
    /// Asks the value something.
    #[napi]
    pub fn ask<'env>(
        &self,
        env: &'env Env,
        what: String,
        argument: String,
        values: Vec<ClassInstance<'_, Value>>,
        token: Option<&Token>,
    ) -> napi::Result<Object<'env>> {
        let (ask, root, flag) = (Ask::new(&what, argument, &values)?, self.0.clone(), flag(token));
        later(env, move || ask.answer(&root, &root.session().stopped_by(flag)))
    }

    /// The same, at once.
    #[napi]
    pub fn ask_sync(
        &self,
        env: Env,
        what: String,
        argument: String,
        values: Vec<ClassInstance<'_, Value>>,
    ) -> napi::Result<Answer> {
        let ask = Ask::new(&what, argument, &values)?;
        now(env, || ask.answer(&self.0, &self.0.session().without_waiting()))
    }
}
