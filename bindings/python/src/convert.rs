//! Values to Python's objects, and errors to its exceptions.

use frazil::{Error, Sink};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyList, PyString};
use std::ops::ControlFlow;

/// How deeply a value may be nested that becomes Python's objects, whose own code recurses.
pub(crate) const MAX_DEPTH: usize = 1000;

/// The exception of an error; the package's `_errors` has the classes.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let raise = || -> PyResult<PyErr> {
        let json = serde_json::to_string(error).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let made = py.import("frazil._errors")?.call_method1("from_json", (json,))?;
        Ok(PyErr::from_value(made))
    };
    raise().unwrap_or_else(|failure| failure)
}

/// Plain data of Python's; options are such.
pub(crate) fn plain(object: &Bound<'_, PyAny>) -> PyResult<serde_json::Value> {
    use serde_json::Value;
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(list) = object.cast::<PyList>() {
        return Ok(Value::Array(list.iter().map(|item| plain(&item)).collect::<PyResult<_>>()?));
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let entry = |(name, item): (Bound<'_, PyAny>, Bound<'_, PyAny>)| Ok((name.extract()?, plain(&item)?));
        return Ok(Value::Object(dict.iter().map(entry).collect::<PyResult<_>>()?));
    }
    if let Ok(b) = object.cast::<PyBool>() {
        return Ok(Value::Bool(b.is_true()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::String(text.extract()?));
    }
    if let Ok(float) = object.cast::<PyFloat>() {
        return Ok(float.extract::<f64>()?.into());
    }
    Ok(object.extract::<i64>()?.into())
}

/// A list or dictionary that is being filled.
enum Open<'py> {
    List(Vec<Bound<'py, PyAny>>),
    Dict(Bound<'py, PyDict>, Option<Bound<'py, PyString>>),
}

/// Builds Python's objects of what it is told.
pub(crate) struct Builder<'py> {
    py: Python<'py>,
    open: Vec<Open<'py>>,
    /// Names that were met before, by the evaluator's number.
    names: Vec<Option<Bound<'py, PyString>>>,
    pub(crate) done: PyResult<Option<Bound<'py, PyAny>>>,
}

impl<'py> Builder<'py> {
    pub(crate) fn new(py: Python<'py>) -> Builder<'py> {
        Builder { py, open: Vec::new(), names: Vec::new(), done: Ok(None) }
    }

    fn fail(&mut self, error: PyErr) -> ControlFlow<()> {
        self.done = Err(error);
        ControlFlow::Break(())
    }

    fn put(&mut self, object: Bound<'py, PyAny>) -> ControlFlow<()> {
        match self.open.last_mut() {
            None => self.done = Ok(Some(object)),
            Some(Open::List(items)) => items.push(object),
            Some(Open::Dict(dict, name)) => {
                if let Some(name) = name.take()
                    && let Err(error) = dict.set_item(name, object)
                {
                    return self.fail(error);
                }
            }
        }
        ControlFlow::Continue(())
    }
}

impl Sink for Builder<'_> {
    fn null(&mut self) -> ControlFlow<()> {
        self.put(self.py.None().into_bound(self.py))
    }

    fn bool(&mut self, b: bool) -> ControlFlow<()> {
        self.put(pyo3::types::PyBool::new(self.py, b).to_owned().into_any())
    }

    fn int(&mut self, n: i64) -> ControlFlow<()> {
        match n.into_pyobject(self.py) {
            Ok(object) => self.put(object.into_any()),
        }
    }

    fn float(&mut self, f: f64) -> ControlFlow<()> {
        self.put(PyFloat::new(self.py, f).into_any())
    }

    fn string(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.put(PyString::new(self.py, text).into_any()),
            Err(_) => self.fail(PyValueError::new_err("the string is not UTF-8; ask for its bytes")),
        }
    }

    fn begin_list(&mut self, _: usize) -> ControlFlow<()> {
        self.open.push(Open::List(Vec::new()));
        ControlFlow::Continue(())
    }

    fn begin_set(&mut self, _: usize) -> ControlFlow<()> {
        self.open.push(Open::Dict(PyDict::new(self.py), None));
        ControlFlow::Continue(())
    }

    fn name(&mut self, number: u32, bytes: &[u8]) -> ControlFlow<()> {
        let at = number as usize;
        if self.names.len() <= at {
            self.names.resize(at + 1, None);
        }
        let known = &mut self.names[at];
        let name = known.get_or_insert_with(|| PyString::intern(self.py, &String::from_utf8_lossy(bytes)));
        if let Some(Open::Dict(_, waiting)) = self.open.last_mut() {
            *waiting = Some(name.clone());
        }
        ControlFlow::Continue(())
    }

    fn end(&mut self) -> ControlFlow<()> {
        match self.open.pop() {
            Some(Open::List(items)) => match PyList::new(self.py, items) {
                Ok(list) => self.put(list.into_any()),
                Err(error) => self.fail(error),
            },
            Some(Open::Dict(dict, _)) => self.put(dict.into_any()),
            None => ControlFlow::Continue(()),
        }
    }
}

/// Is told everything and keeps nothing: what it was told is evaluated then.
pub(crate) struct Evaluated;

impl Sink for Evaluated {
    fn null(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn bool(&mut self, _: bool) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn int(&mut self, _: i64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn float(&mut self, _: f64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn string(&mut self, _: &[u8]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn begin_list(&mut self, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn begin_set(&mut self, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn name(&mut self, _: u32, _: &[u8]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn end(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
