//! The exceptions of the module.

use std::path::Path;

use cloudauth_cli::FileError;
use cloudauth_lab::{LabError, LabProblem};
use cloudauth_policy::PolicyError as CheckFailed;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::data::TABLE;

create_exception!(cloudauth, Error, PyException, "What this module raises.");
create_exception!(
    cloudauth,
    PolicyError,
    Error,
    "A policy file fails its check. `path`, `line` and `column` are those of the first problem, `problems` has all of them."
);
create_exception!(
    cloudauth,
    DataError,
    Error,
    "Data, a mapping or an argument cannot be used. `path` and `line` say where; each is `None` if no file or line is to blame."
);

/// Adds the exceptions to the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("Error", py.get_type::<Error>())?;
    module.add("PolicyError", py.get_type::<PolicyError>())?;
    let of_data = py.get_type::<DataError>();
    of_data.setattr("path", py.None())?;
    of_data.setattr("line", py.None())?;
    module.add("DataError", of_data)
}

/// Returns the exception of a policy that fails its check, with the location in the file.
///
/// `what` is the first line of the message.
pub(crate) fn of_policy(py: Python<'_>, path: &str, what: Option<&str>, error: &CheckFailed) -> PyErr {
    let located = |problem: &cloudauth_policy::Problem| format!("{path}:{problem}");
    let mut lines: Vec<String> = what.map(str::to_owned).into_iter().collect();
    lines.extend(error.problems().iter().map(located));
    if lines.is_empty() {
        lines.push(format!("{path}: policy check failed"));
    }
    let message = lines.join("\n");
    let exception = PolicyError::new_err(message);
    match with_location(py, &exception, path, error) {
        Ok(()) => exception,
        Err(other) => other,
    }
}

fn with_location(py: Python<'_>, exception: &PyErr, path: &str, error: &CheckFailed) -> PyResult<()> {
    let value = exception.value(py);
    value.setattr("path", path)?;
    let problems = error.problems().iter().map(cloudauth_cli::policy_problem).collect();
    value.setattr("problems", crate::json::to_python(py, &problems)?)?;
    let first = error.problems().first();
    value.setattr("line", first.map(|problem| problem.line))?;
    value.setattr("column", first.map(|problem| problem.column))
}

/// Returns the exception of a sweep: that of the policy if it fails its check with every value.
pub(crate) fn of_sweep(py: Python<'_>, path: &str, error: LabError) -> PyErr {
    match error.problem() {
        LabProblem::PolicyFails(_, problems) => of_policy(py, path, Some(&error.to_string()), problems),
        _ => of_data(py, error),
    }
}

/// Returns the exception of data that cannot be used.
pub(crate) fn of_data(py: Python<'_>, error: impl Into<LabError>) -> PyErr {
    let error: LabError = error.into();
    let path = error.path().filter(|path| *path != Path::new(TABLE));
    located(py, cloudauth_cli::with_sources(&error), path, None)
}

/// Returns the exception of a file that cannot be used.
pub(crate) fn of_file(py: Python<'_>, error: FileError) -> PyErr {
    located(py, error.message, error.path.as_deref(), error.line)
}

fn located(py: Python<'_>, message: String, path: Option<&Path>, line: Option<usize>) -> PyErr {
    let exception = DataError::new_err(message);
    let set = || -> PyResult<()> {
        let value = exception.value(py);
        value.setattr("path", path.map(|path| path.display().to_string()))?;
        value.setattr("line", line)
    };
    match set() {
        Ok(()) => exception,
        Err(other) => other,
    }
}
