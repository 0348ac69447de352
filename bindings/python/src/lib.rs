//! Frazil for Python: evaluators and values as Python objects. What has no need of Rust is in the package's own modules.

mod convert;
mod session;
mod value;

use pyo3::prelude::*;

/// The command line: the words behind the program's name; answers the exit status.
#[pyfunction]
fn main(py: Python<'_>, words: Vec<std::ffi::OsString>) -> u8 {
    let words = std::iter::once("frazil".into()).chain(words).collect();
    py.detach(|| frazil_cli::run(words))
}

/// The native half of the package.
#[pymodule(gil_used = false)]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_function(wrap_pyfunction!(main, m)?)?;
    m.add_function(wrap_pyfunction!(session::forked, m)?)?;
    m.py().import("atexit")?.call_method1("register", (wrap_pyfunction!(session::ending, m)?,))?;
    m.add_class::<session::Session>()?;
    m.add_class::<session::Token>()?;
    m.add_class::<session::Jobs>()?;
    m.add_class::<value::Value>()
}
