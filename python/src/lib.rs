//! The Python package `cloudauth`: the command, and policies over Arrow tables.
//!
//! The numbers are those of the command: both call the lab, and documents have the shape of `--output json`. Every call that
//! reads data releases the interpreter's lock.

mod analysis;
mod calls;
mod chart;
mod data;
mod decisions;
mod errors;
mod html;
mod json;
mod policy;
mod row;
mod table;

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command with these arguments, of which the first is its own name. Returns the exit code.
#[pyfunction]
fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| cloudauth_cli::run(arguments))
}

/// The native part of the package; use `cloudauth`.
#[pymodule]
fn _cloudauth(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    errors::add_to(module)?;
    module.add_class::<policy::Policy>()?;
    module.add_class::<decisions::Decisions>()?;
    module.add_class::<analysis::Analysis>()?;
    module.add_class::<table::Table>()?;
    module.add_class::<chart::Chart>()?;
    module.add_function(wrap_pyfunction!(calls::replay, module)?)?;
    module.add_function(wrap_pyfunction!(calls::compare, module)?)?;
    module.add_function(wrap_pyfunction!(calls::calibrate, module)?)?;
    module.add_function(wrap_pyfunction!(calls::sweep, module)?)?;
    module.add_function(wrap_pyfunction!(main, module)?)
}
