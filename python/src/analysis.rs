//! The result of an analysis.

use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use serde_json::Value;

use crate::chart::{self, Chart};
use crate::html;
use crate::json::to_python;
use crate::table::{Table, stream, tables};

/// The result of an analysis: the document of the command, and its lists as tables.
#[pyclass(frozen, module = "cloudauth")]
pub(crate) struct Analysis {
    document: Value,
    /// The name of the table that stands for the analysis.
    main: &'static str,
}

#[pymethods]
impl Analysis {
    /// The document that the command prints with `--output json`.
    #[getter]
    fn document(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &self.document)
    }

    /// The tables of the document, by name.
    #[getter]
    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for (name, rows) in tables(&self.document) {
            all.set_item(name, Table::of(&rows)?)?;
        }
        Ok(all)
    }

    /// The main table: the rules of a replay, the changes of a comparison, the targets of a calibration, the values of a sweep.
    #[getter]
    fn table(&self) -> PyResult<Table> {
        let rows = tables(&self.document).into_iter().find(|(name, _)| name == self.main);
        Table::of(&rows.map(|(_, rows)| rows).unwrap_or_default())
    }

    /// The chart of a sweep over labelled rows: error rates by the value of the threshold, and the cost. None for others.
    #[getter]
    fn chart(&self) -> Option<Chart> {
        chart::sweep(&self.document)
    }

    /// The Arrow PyCapsule interface of the main table. `requested_schema` is ignored, as the interface allows.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        stream(py, &self.table()?.rows)
    }

    fn __repr__(&self) -> String {
        let names: Vec<String> = tables(&self.document).into_iter().map(|(name, _)| name).collect();
        format!("<cloudauth.Analysis with the tables {}>", names.join(", "))
    }

    fn _repr_html_(&self) -> String {
        shown(&self.document, &["verdicts", self.main, "thresholds", "warnings", "issues"])
    }
}

impl Analysis {
    pub(crate) const fn new(document: Value, main: &'static str) -> Self {
        Self { document, main }
    }
}

/// Shows the policy of an analysis, its chart, and these of its tables.
pub(crate) fn shown(document: &Value, names: &[&str]) -> String {
    let text = |name: &str| document.pointer(name).and_then(Value::as_str).unwrap_or_default();
    let rows = document.get("rows").and_then(Value::as_u64);
    let rows = rows.map(|rows| format!(", {rows} rows")).unwrap_or_default();
    let mut page = format!(
        "<p><b>{} {}</b>{rows}</p>",
        html::escaped(text("/policy/id")),
        html::escaped(text("/policy/version"))
    );
    page += &chart::sweep(document).map(|chart| chart.svg).unwrap_or_default();
    for (name, rows) in tables(document).into_iter().filter(|(name, _)| names.contains(&name.as_str())) {
        // A table that cannot be made is not shown; the document has its rows.
        if let Ok(found) = Table::of(&rows) {
            page += &format!("<p>{}</p>{}", html::escaped(&name), html::table(&found.rows));
        }
    }
    page
}
