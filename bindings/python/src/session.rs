//! Evaluators: how Python calls into them, and how they call back.

use crate::convert::{exception, plain};
use crate::value::Value;
use frazil::{Error, ErrorKind, Event, JobOptions, Options, Root, Source};
use pyo3::exceptions::{PyException, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How often this process came out of a fork.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// Notes that the process came out of a fork, in the child.
#[pyfunction]
pub(crate) fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Whether the interpreter is about to end.
static ENDS: AtomicBool = AtomicBool::new(false);

/// Notes that the interpreter is about to end.
#[pyfunction]
pub(crate) fn ending() {
    ENDS.store(true, Ordering::Relaxed);
}

/// Stops evaluations that were given it.
#[pyclass(frozen, module = "frazil._native")]
#[derive(Default)]
pub(crate) struct Token(Arc<AtomicBool>);

#[pymethods]
impl Token {
    #[new]
    fn new() -> Token {
        Token::default()
    }

    /// Stops the evaluations.
    fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An exception that Python raised in the midst of an evaluation, until the evaluation has ended.
type Raised = Arc<Mutex<Option<PyErr>>>;

fn lock(raised: &Raised) -> std::sync::MutexGuard<'_, Option<PyErr>> {
    raised.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An evaluator.
#[pyclass(frozen, module = "frazil._native")]
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) inner: frazil::Session,
    raised: Raised,
    /// [`FORKS`] when it was made.
    forks: u64,
}

impl Drop for Session {
    /// The end of the process frees all memory at once.
    fn drop(&mut self) {
        if ENDS.load(Ordering::Relaxed) {
            std::mem::forget(self.inner.clone());
        }
    }
}

/// What is said by a dictionary of plain data.
fn said<T: serde::de::DeserializeOwned>(options: &Bound<'_, PyDict>) -> PyResult<T> {
    let data = plain(options.as_any())?;
    serde_json::from_value(data).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// A path as a program knows it.
fn to_nix(py: Python<'_>, path: OsString) -> PyResult<Vec<u8>> {
    frazil::Disk::to_nix(path).map_err(|error| exception(py, &error.into()))
}

fn callback(function: Py<PyAny>, raised: Raised) -> impl Fn(&[u8]) -> Result<Vec<u8>, String> + Send + Sync {
    move |arguments| {
        Python::attach(|py| {
            let answer = || -> PyResult<Vec<u8>> {
                let json = py.import("json")?;
                let arguments =
                    json.call_method1("loads", (arguments,))?.extract::<Vec<Bound<'_, PyAny>>>()?;
                let answer = function.call1(py, PyTuple::new(py, arguments)?)?;
                let options = PyDict::new(py);
                options.set_item("allow_nan", false)?;
                let text = json.call_method("dumps", (answer,), Some(&options))?;
                Ok(text.extract::<String>()?.into_bytes())
            };
            answer().map_err(|error| {
                let text = error.to_string();
                *lock(&raised) = Some(error);
                text
            })
        })
    }
}

#[pymethods]
impl Session {
    /// An evaluator by its options, functions by name with how many arguments they take, values as JSON by name, what is
    /// told of events, and whether texts of derivations are kept.
    #[new]
    #[pyo3(signature = (options, functions, globals, on_event, keep_derivations))]
    fn new(
        py: Python<'_>,
        options: &Bound<'_, PyDict>,
        functions: BTreeMap<String, (usize, Py<PyAny>)>,
        globals: BTreeMap<String, String>,
        on_event: Option<Py<PyAny>>,
        keep_derivations: bool,
    ) -> PyResult<Session> {
        let options: Options = said(options)?;
        let raised = Raised::default();
        let mut builder = options.builder().map_err(|error| exception(py, &error))?;
        for (name, (arity, function)) in functions {
            if !(1..=frazil::MAX_ARITY).contains(&arity) {
                let text =
                    format!("'{name}' is to take from 1 to {} arguments, not {arity}", frazil::MAX_ARITY);
                return Err(PyValueError::new_err(text));
            }
            builder = builder.json_function(&name, arity, callback(function, raised.clone()));
        }
        for (name, json) in globals {
            let value: serde_json::Value =
                serde_json::from_str(&json).map_err(|error| PyValueError::new_err(error.to_string()))?;
            builder = builder.global(&name, &value).map_err(|error| exception(py, &error))?;
        }
        if let Some(on_event) = on_event {
            builder = builder.on_event(move |event| tell(&on_event, event));
        }
        let signalled = raised.clone();
        let interrupt = move || {
            Python::attach(|py| {
                let signal = py.check_signals();
                signal.map_err(|error| *lock(&signalled) = Some(error)).is_err()
            })
        };
        let inner = builder.interrupt(interrupt).build().session();
        if keep_derivations {
            let keep = |evaluator: &mut frazil::Evaluator| {
                evaluator.keep_derivations();
                Ok(())
            };
            inner.with(keep).map_err(|error| exception(py, &error))?;
        }
        Ok(Session { inner, raised, forks: FORKS.load(Ordering::Relaxed) })
    }

    /// The value of a text whose relative paths start from `base`.
    #[pyo3(signature = (text, base, token = None))]
    fn eval(&self, py: Python<'_>, text: &str, base: OsString, token: Option<&Token>) -> PyResult<Value> {
        self.eval_source(py, Source::text(text, to_nix(py, base)?), token)
    }

    /// The value of a file.
    #[pyo3(signature = (path, token = None))]
    fn eval_file(&self, py: Python<'_>, path: OsString, token: Option<&Token>) -> PyResult<Value> {
        self.eval_source(py, Source::file(to_nix(py, path)?), token)
    }

    /// The value of a JSON text.
    fn read_json(&self, py: Python<'_>, json: &[u8]) -> PyResult<Value> {
        self.run(py, |session| session.read_json(json)).map(|root| Value::new(self.clone(), root))
    }

    /// All that is wrong with a program before it runs.
    fn check(&self, py: Python<'_>, text: &str) -> PyResult<Vec<Py<PyAny>>> {
        let errors = self.run(py, |session| session.with(|evaluator| evaluator.check(text)))?;
        Ok(errors.iter().map(|error| exception(py, error).into_value(py).into_any()).collect())
    }

    /// Stops the evaluation at work.
    fn cancel(&self) {
        self.inner.cancel();
    }

    /// Frees what nothing needs; answers the bytes still live.
    fn collect(&self, py: Python<'_>) -> PyResult<u64> {
        self.run(py, frazil::Session::collect)
    }

    /// Files, directories, paths looked at, and variables that were asked for.
    #[expect(clippy::type_complexity, reason = "four lists, which Python names")]
    fn inputs(&self, py: Python<'_>) -> PyResult<(Vec<String>, Vec<String>, Vec<String>, Vec<String>)> {
        let inputs = self.run(py, frazil::Session::inputs)?;
        Ok((inputs.files, inputs.directories, inputs.looked_at, inputs.variables))
    }

    /// What was counted.
    fn counts(&self, py: Python<'_>) -> PyResult<BTreeMap<&'static str, u64>> {
        let counts = self.run(py, frazil::Session::counts)?;
        let stats = counts.stats;
        Ok(BTreeMap::from([
            ("thunks", stats.thunks),
            ("calls", stats.calls),
            ("builtin_calls", stats.builtin_calls),
            ("files", stats.files),
            ("derivations", stats.derivations),
            ("allocated_bytes", counts.allocated),
            ("reserved_bytes", counts.reserved),
        ]))
    }

    /// The text of a `.drv` and of all that it depends on, by path.
    fn derivation_closure(&self, py: Python<'_>, paths: Vec<String>) -> PyResult<BTreeMap<String, Vec<u8>>> {
        self.run(py, |session| {
            session.with(|evaluator| {
                let closure = evaluator.derivation_closure(&paths);
                Ok(closure.into_iter().map(|(path, text)| (path, text.to_vec())).collect())
            })
        })
    }

    /// What the `.drv` at that path says, as JSON.
    fn derivation_file(&self, py: Python<'_>, path: &str) -> PyResult<Option<String>> {
        let file = self.run(py, |session| session.with(|evaluator| Ok(evaluator.derivation_file(path))))?;
        Ok(file.map(|file| drv_json(path, &file).to_string()))
    }

    /// A walk over the jobs of a value, by its options.
    fn jobs(&self, py: Python<'_>, value: &Value, options: &Bound<'_, PyDict>) -> PyResult<Jobs> {
        let options: JobOptions = said(options)?;
        let root = value.root.clone();
        let jobs = self.run(py, |session| session.jobs(&root, options))?;
        Ok(Jobs { session: self.clone(), jobs: Mutex::new(jobs) })
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("an evaluator cannot be pickled; pickle an EvalSpec, and open it there"))
    }
}

/// What a `.drv` says, as JSON.
pub(crate) fn drv_json(path: &str, file: &frazil::DrvFile) -> serde_json::Value {
    serde_json::json!({
        "drv_path": path, "name": file.name, "system": file.system, "builder": file.builder,
        "outputs": file.outputs, "input_drvs": file.input_drvs, "input_srcs": file.input_srcs,
    })
}

fn tell(on_event: &Py<PyAny>, event: &Event<'_>) {
    let (kind, text) = match event {
        Event::Trace(text) => ("trace", text),
        Event::Warn(text) => ("warn", text),
        Event::Read(text) => ("read", text),
        Event::Derivation(text) => ("derivation", text),
        Event::Message(text) => ("message", text),
        _ => return,
    };
    Python::attach(|py| {
        // Nobody waits for its answer, so that its exception is told as those of destructors are.
        if let Err(error) = on_event.call1(py, (kind, *text)) {
            error.write_unraisable(py, Some(on_event.bind(py)));
        }
    });
}

impl Session {
    fn eval_source(&self, py: Python<'_>, source: Source, token: Option<&Token>) -> PyResult<Value> {
        let token = token.map(|token| token.0.clone());
        let root = self.run(py, |session| session.stopped_by(token).eval(source)?.within(session))?;
        Ok(Value::new(self.clone(), root))
    }

    /// Does what may evaluate, without the interpreter's lock. Others wait for the evaluator without it, too.
    pub(crate) fn run<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&frazil::Session) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        if self.forks != FORKS.load(Ordering::Relaxed) && self.inner.try_with(|_| Ok(())).is_err() {
            let text = "the evaluator was at work when the process was forked; make one in the child";
            return Err(PyRuntimeError::new_err(text));
        }
        let answer = py.detach(|| work(&self.inner));
        answer.map_err(|error| self.raise(py, &error))
    }

    /// The exception of an error: what Python raised itself, where that was the reason.
    pub(crate) fn raise(&self, py: Python<'_>, error: &Error) -> PyErr {
        let raised = lock(&self.raised).take();
        match (error.kind(), raised) {
            (ErrorKind::Cancelled, Some(signal)) => signal,
            // Ctrl-C, or the wish to leave, is for whoever started the evaluation.
            (ErrorKind::Embedder, Some(cause)) if !cause.is_instance_of::<PyException>(py) => cause,
            (ErrorKind::Embedder, Some(cause)) => {
                let exception = exception(py, error);
                exception.set_cause(py, Some(cause));
                exception
            }
            _ => exception(py, error),
        }
    }

    /// The value of any object: a value of this evaluator as it is, other objects as JSON has them.
    pub(crate) fn root_of(&self, object: &Bound<'_, PyAny>) -> PyResult<Root> {
        if let Ok(value) = object.cast::<Value>() {
            return Ok(value.get().root.clone());
        }
        let py = object.py();
        let options = PyDict::new(py);
        options.set_item("allow_nan", false)?;
        let text = py.import("json")?.call_method("dumps", (object,), Some(&options))?;
        let text = text.cast::<PyString>()?.extract::<String>()?;
        self.run(py, |session| session.read_json(text))
    }
}

/// A walk over jobs.
#[pyclass(frozen, module = "frazil._native")]
pub(crate) struct Jobs {
    session: Session,
    jobs: Mutex<frazil::Jobs>,
}

#[pymethods]
impl Jobs {
    /// The next job as JSON; `None` if there is none.
    #[pyo3(signature = (token = None))]
    fn next(&self, py: Python<'_>, token: Option<&Token>) -> PyResult<Option<String>> {
        let token = token.map(|token| token.0.clone());
        self.session.run(py, |session| {
            session.stopped_by(token).with(|evaluator| {
                let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(jobs.next(evaluator).map(|job| job.to_json().to_string()))
            })
        })
    }
}
