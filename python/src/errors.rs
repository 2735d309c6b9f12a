//! The exceptions of the module.

use cloudauth_lab::LabError;
use cloudauth_policy::PolicyError as CheckFailed;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(cloudauth, Error, PyException, "What this module raises.");
create_exception!(
    cloudauth,
    PolicyError,
    Error,
    "A policy file fails its check. `path`, `line` and `column` are those of the first problem, `problems` has all of them."
);
create_exception!(cloudauth, DataError, Error, "Data, a mapping or an argument cannot be used.");

/// Returns the exception of a policy that fails its check, with the location in the file.
pub(crate) fn of_policy(py: Python<'_>, path: &str, error: &CheckFailed) -> PyErr {
    let located = |problem: &cloudauth_policy::Problem| format!("{path}:{problem}");
    let message = match error.problems() {
        [] => format!("{path}: policy check failed"),
        problems => problems.iter().map(located).collect::<Vec<_>>().join("\n"),
    };
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

/// Returns the exception of data that cannot be used.
pub(crate) fn of_data(error: impl Into<LabError>) -> PyErr {
    let error: LabError = error.into();
    DataError::new_err(cloudauth_cli::with_sources(&error))
}
