//! JSON documents as Python's dictionaries and lists.

use pyo3::prelude::*;
use serde_json::Value;

/// Converts a document.
pub(crate) fn to_python(py: Python<'_>, document: &Value) -> PyResult<Py<PyAny>> {
    Ok(py.import("json")?.call_method1("loads", (document.to_string(),))?.unbind())
}
