//! Values as Python's objects: evaluated as they are looked at.

use crate::convert::{Builder, Evaluated, MAX_DEPTH};
use crate::session::{Session, drv_json};
use frazil::{Error, Root, Type};
use pyo3::exceptions::{PyIndexError, PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString, PyTuple};
use std::sync::OnceLock;

/// A value of an evaluator, which may not be evaluated yet.
#[pyclass(frozen, module = "frazil._native", mapping)]
pub(crate) struct Value {
    pub(crate) session: Session,
    pub(crate) root: Root,
    /// Attributes and elements that were asked for, since a value never changes.
    known: OnceLock<Py<PyDict>>,
}

impl Value {
    pub(crate) fn new(session: Session, root: Root) -> Value {
        Value { session, root, known: OnceLock::new() }
    }

    fn child(&self, root: Root) -> Value {
        Value::new(self.session.clone(), root)
    }

    fn run<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Root) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        self.session.run(py, |_| work(&self.root))
    }

    fn look_up(&self, key: &Bound<'_, PyAny>) -> PyResult<Value> {
        let py = key.py();
        if let Ok(name) = key.cast::<PyString>() {
            let name = name.extract::<String>()?;
            let (kind, found) = self.run(py, |root| {
                let found = root.get(&name)?;
                found.iter().try_for_each(|root| root.force().map(|_| ()))?;
                Ok((root.type_of()?, found))
            })?;
            return match (found, kind) {
                (Some(root), _) => Ok(self.child(root)),
                (None, Type::Attrs) => Err(PyKeyError::new_err(name)),
                (None, kind) => Err(self.no(kind, "attributes")),
            };
        }
        if !key.is_instance_of::<PyInt>() {
            return Err(PyTypeError::new_err("a value is asked for a str or an int"));
        }
        let index = key.extract::<isize>()?;
        let (kind, found) = self.run(py, |root| {
            let kind = root.force()?;
            let len = if kind == Type::List { root.len()?.unwrap_or(0) } else { 0 };
            let index = if index < 0 { len.checked_add_signed(index) } else { Some(index.unsigned_abs()) };
            let found = index.map_or(Ok(None), |index| root.index(index))?;
            found.iter().try_for_each(|root| root.force().map(|_| ()))?;
            Ok((kind, found))
        })?;
        match (found, kind) {
            (Some(root), _) => Ok(self.child(root)),
            (None, Type::List) => Err(PyIndexError::new_err(format!("the list has no element {index}"))),
            (None, kind) => Err(self.no(kind, "elements")),
        }
    }

    fn no(&self, kind: Type, what: &str) -> PyErr {
        PyTypeError::new_err(format!("a {} has no {what}", kind.name()))
    }
}

#[pymethods]
impl Value {
    /// What the value is; `thunk` if it is not evaluated.
    #[getter]
    fn kind(&self, py: Python<'_>) -> PyResult<&'static str> {
        self.run(py, Root::type_of).map(Type::name)
    }

    /// Evaluates the value, not what it holds, and answers it.
    fn force(slf: Bound<'_, Value>) -> PyResult<Bound<'_, Value>> {
        slf.get().run(slf.py(), Root::force)?;
        Ok(slf)
    }

    /// Evaluates the value with all that it holds, and answers it.
    fn force_deep(slf: Bound<'_, Value>) -> PyResult<Bound<'_, Value>> {
        slf.get().run(slf.py(), Root::force_deep)?;
        Ok(slf)
    }

    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        if let Some(known) = self.known.get()
            && let Some(value) = known.bind(py).get_item(key)?
        {
            return Ok(value);
        }
        let value = Bound::new(py, self.look_up(key)?)?.into_any();
        self.known.get_or_init(|| PyDict::new(py).unbind()).bind(py).set_item(key, &value)?;
        Ok(value)
    }

    fn __contains__(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        if let Ok(key) = key.extract::<String>() {
            let kind = self.run(py, Root::force)?;
            if kind == Type::Attrs {
                return Ok(self.run(py, |root| root.get(key))?.is_some());
            }
            if kind != Type::List {
                return Err(self.no(kind, "attributes"));
            }
        }
        let elements = self.to_python(py)?;
        elements.contains(key)
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        let (kind, len) = self.run(py, |root| Ok((root.force()?, root.len()?)))?;
        len.ok_or_else(|| self.no(kind, "length"))
    }

    /// Over the names of a set, or the elements of a list.
    fn __iter__<'py>(slf: &Bound<'py, Value>) -> PyResult<Bound<'py, PyAny>> {
        let (py, value) = (slf.py(), slf.get());
        let kind = value.run(py, Root::force)?;
        match kind {
            Type::Attrs => value.keys(py)?.into_pyobject(py)?.call_method0("__iter__"),
            Type::List => {
                let items = value.elements(py)?;
                items.into_pyobject(py)?.call_method0("__iter__")
            }
            kind => Err(value.no(kind, "elements")),
        }
    }

    /// The names of a set.
    fn keys(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        match self.run(py, Root::force)? {
            Type::Attrs => self.run(py, Root::names),
            kind => Err(self.no(kind, "attributes")),
        }
    }

    /// Names and values of a set, not evaluated.
    fn lazy_items(&self, py: Python<'_>) -> PyResult<Vec<(String, Value)>> {
        let names = self.keys(py)?;
        names.into_iter().map(|name| self.lazy(py, &name).map(|value| (name, value))).collect()
    }

    /// The elements of a list, not evaluated.
    fn elements(&self, py: Python<'_>) -> PyResult<Vec<Value>> {
        match self.run(py, Root::force)? {
            Type::List => {
                let len = self.run(py, Root::len)?.unwrap_or(0);
                let items =
                    self.run(py, |root| (0..len).map(|i| root.index(i)).collect::<Result<Vec<_>, _>>())?;
                Ok(items.into_iter().flatten().map(|root| self.child(root)).collect())
            }
            kind => Err(self.no(kind, "elements")),
        }
    }

    /// An attribute, not evaluated.
    fn lazy(&self, py: Python<'_>, name: &str) -> PyResult<Value> {
        let found = self.run(py, |root| root.get(name))?;
        found.map(|root| self.child(root)).ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    /// The value at an attribute path: `a."b.c".0`.
    fn path(&self, py: Python<'_>, path: &str) -> PyResult<Value> {
        self.run(py, |root| root.path(path)).map(|root| self.child(root))
    }

    /// The result of a call: with the positional arguments one after the other, then with a set of those that have names.
    #[pyo3(signature = (*arguments, **names))]
    fn __call__(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyTuple>,
        names: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Value> {
        let mut roots = Vec::new();
        for argument in arguments {
            roots.push(self.session.root_of(&argument)?);
        }
        if names.is_some() || roots.is_empty() {
            let mut attrs = Vec::new();
            for (name, value) in names.into_iter().flatten() {
                attrs.push((name.extract::<String>()?, self.session.root_of(&value)?));
            }
            roots.push(self.session.run(py, |session| session.set(&attrs))?);
        }
        let result = self.run(py, |root| root.call(&roots.iter().collect::<Vec<_>>()))?;
        Ok(self.child(result))
    }

    /// The value as Python's own: dict, list, str, int, float, bool, None; evaluated with all that it holds.
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // Evaluated first, and without the lock of the interpreter, which is then held only to make objects.
        let made = py.detach(|| {
            self.root.walk(MAX_DEPTH, &mut Evaluated)?;
            self.root.session().with(|evaluator| {
                Python::attach(|py| {
                    let mut builder = Builder::new(py);
                    evaluator.enter(|scope| {
                        let v = scope.value(self.root.handle());
                        scope.walk(v, MAX_DEPTH, &mut builder)
                    })?;
                    Ok(builder.done.map(|object| object.map(Bound::unbind)))
                })
            })
        });
        let object = made.map_err(|error| self.session.raise(py, &error))??;
        Ok(object.unwrap_or_else(|| py.None()).into_bound(py))
    }

    /// The value as JSON, as `builtins.toJSON` writes it.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, Root::to_json)
    }

    /// The bytes of a string or path.
    fn to_bytes(&self, py: Python<'_>) -> PyResult<Vec<u8>> {
        self.run(py, Root::bytes)
    }

    /// The value in the language's own words; what is not evaluated is `<CODE>`, unless it is to be by `deep`.
    #[pyo3(signature = (*, deep = false))]
    fn to_nix(&self, py: Python<'_>, deep: bool) -> PyResult<String> {
        self.run(py, |root| root.print(deep))
    }

    /// What the documentation comment of the function that the value is says, evaluated.
    fn doc(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.run(py, Root::doc)
    }

    /// The text of a string or path, or of a set that stands for one; of other values, what they are.
    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        let text = self.run(py, |root| {
            Ok(match root.force()? {
                Type::String | Type::Path => Some(root.text()?),
                Type::Attrs if root.get("__toString")?.is_some() || root.get("outPath")?.is_some() => {
                    Some(root.coerce()?)
                }
                _ => None,
            })
        })?;
        text.map_or_else(|| self.__repr__(py), Ok)
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        match self.run(py, Root::force)? {
            Type::Bool => self.to_python(py)?.extract(),
            Type::Null => Ok(false),
            kind => Err(PyTypeError::new_err(format!("a {} is neither true nor false", kind.name()))),
        }
    }

    fn __int__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.run(py, Root::force)? {
            Type::Int => self.to_python(py),
            kind => Err(PyTypeError::new_err(format!("a {} is no int", kind.name()))),
        }
    }

    fn __float__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.run(py, Root::force)? {
            Type::Float => self.to_python(py),
            Type::Int => py.get_type::<pyo3::types::PyFloat>().call1((self.to_python(py)?,)),
            kind => Err(PyTypeError::new_err(format!("a {} is no float", kind.name()))),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let kind = self.run(py, Root::type_of)?;
        Ok(match kind {
            Type::Thunk => "<Value, not evaluated>".to_owned(),
            Type::Attrs | Type::List => {
                let len = self.run(py, Root::len)?.unwrap_or(0);
                format!("<Value {} of {len}>", kind.name())
            }
            Type::Function => "<Value function>".to_owned(),
            _ => format!("<Value {}>", self.run(py, |root| root.print(false))?),
        })
    }

    /// Whether it is a derivation.
    fn is_derivation(&self, py: Python<'_>) -> PyResult<bool> {
        self.run(py, Root::is_derivation)
    }

    /// The path of the derivation's `.drv`.
    #[getter]
    fn drv_path(&self, py: Python<'_>) -> PyResult<String> {
        let path = self.run(py, |root| root.path("drvPath")?.text())?;
        Ok(path)
    }

    /// The derivation as JSON; `None` if it is none.
    fn derivation_json(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let found = self.run(py, Root::derivation)?;
        let Some((path, file)) = found else { return Ok(None) };
        if let Some(file) = file {
            return Ok(Some(drv_json(&path, &file).to_string()));
        }
        let (name, system, outputs) = self.run(py, |root| {
            let names = match root.get("outputs")? {
                Some(outputs) => outputs.to::<Vec<String>>()?,
                None => vec!["out".to_owned()],
            };
            let mut outputs = std::collections::BTreeMap::new();
            for output in names {
                let set = root.get(&output)?.unwrap_or_else(|| root.clone());
                outputs.insert(output, set.path("outPath")?.text()?);
            }
            Ok((root.path("name")?.text()?, root.path("system")?.text()?, outputs))
        })?;
        let json =
            serde_json::json!({ "drv_path": path, "name": name, "system": system, "outputs": outputs });
        Ok(Some(json.to_string()))
    }

    fn _ipython_key_completions_(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        match self.run(py, Root::force)? {
            Type::Attrs => self.keys(py),
            _ => Ok(Vec::new()),
        }
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Value>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("frazil._html")?.call_method1("render", (slf,))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a value cannot be pickled; pickle to_python(), or an EvalSpec that makes it",
        ))
    }
}
