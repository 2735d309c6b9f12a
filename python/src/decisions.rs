//! The decision of each row of a table.

use std::sync::Arc;

use arrow_array::types::UInt8Type;
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, StringArray, UInt8Array};
use cloudauth_policy::Policy;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use serde_json::Value;

use crate::analysis::{Analysis, shown};
use crate::errors::Error;
use crate::html;
use crate::json::to_python;
use crate::table::{batch, stream};

/// The decisions on a table, one row for each of its rows: `verdict`, `rule`, `reason`, `hint`, `queue`. The columns are
/// dictionaries of a byte a row.
#[pyclass(frozen, module = "cloudauth")]
pub(crate) struct Decisions {
    rows: RecordBatch,
    replay: Value,
}

#[pymethods]
impl Decisions {
    /// The number of rows by verdict.
    #[getter]
    fn counts(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let verdicts = self.replay.get("verdicts").and_then(Value::as_object);
        let all = verdicts.into_iter().flatten();
        let counts = all.map(|(name, rows)| (name.clone(), rows.get("all").cloned().unwrap_or_default()));
        to_python(py, &Value::Object(counts.collect()))
    }

    /// The data issues of the rows, as in `cloudauth lab replay --output json`: missing or malformed values.
    #[getter]
    fn issues(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, self.replay.get("issues").unwrap_or(&Value::Null))
    }

    /// The counts of the same run, as `replay` returns them.
    #[getter]
    fn replay(&self) -> Analysis {
        Analysis::new(self.replay.clone(), "rules")
    }

    /// The Arrow PyCapsule interface. `requested_schema` is ignored, as the interface allows.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        stream(py, &self.rows)
    }

    fn __len__(&self) -> usize {
        self.rows.num_rows()
    }

    fn __repr__(&self) -> String {
        format!("<cloudauth.Decisions of {} rows>", self.rows.num_rows())
    }

    fn _repr_html_(&self) -> String {
        shown(&self.replay, &["verdicts", "rules", "issues"]) + &html::table(&self.rows)
    }
}

impl Decisions {
    pub(crate) fn new(policy: &Policy, rules: &[u8], replay: Value) -> PyResult<Self> {
        let report = policy.report().rules;
        if rules.iter().any(|rule| usize::from(*rule) >= report.len()) {
            return Err(Error::new_err("a row has no decision, which is a bug"));
        }
        let column = |word: fn(&cloudauth_policy::RuleReport<'_>) -> Option<String>| {
            words(rules, &report.iter().map(word).collect::<Vec<_>>())
        };
        let columns = [
            ("verdict", column(|rule| Some(rule.verdict.as_str().to_owned()))?),
            ("rule", column(|rule| Some(rule.rule.to_owned()))?),
            ("reason", column(|rule| Some(rule.reason.to_owned()))?),
            ("hint", column(|rule| rule.hint.map(str::to_owned))?),
            ("queue", column(|rule| rule.queue.map(str::to_owned))?),
        ];
        Ok(Self { rows: batch(columns)?, replay })
    }
}

/// A word for each row, by the number of its rule. Rules with the same word share an entry of the dictionary.
fn words(rules: &[u8], words: &[Option<String>]) -> PyResult<ArrayRef> {
    let mut distinct: Vec<&str> = words.iter().flatten().map(String::as_str).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let entry = |word: &String| u8::try_from(distinct.binary_search(&word.as_str()).ok()?).ok();
    let entries: Vec<Option<u8>> = words.iter().map(|word| entry(word.as_ref()?)).collect();
    let entry = |rule: &u8| entries.get(usize::from(*rule)).copied().flatten();
    let keys: UInt8Array = if entries.contains(&None) {
        rules.iter().map(entry).collect()
    } else {
        rules.iter().map(|rule| entry(rule).unwrap_or(u8::MAX)).collect::<Vec<_>>().into()
    };
    let values = Arc::new(StringArray::from(distinct));
    let column = DictionaryArray::<UInt8Type>::try_new(keys, values);
    Ok(Arc::new(column.map_err(|error| Error::new_err(error.to_string()))?))
}
