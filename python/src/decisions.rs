//! The decision of each row of a table.

use std::sync::Arc;

use arrow_array::types::{ArrowDictionaryKeyType, Int8Type, Int16Type};
use arrow_array::{ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, StringArray, UInt8Array};
use arrow_buffer::BooleanBuffer;
use cloudauth_lab::DataIssue;
use cloudauth_policy::{Policy, RuleReport, Verdict};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use serde_json::{Map, Value, json};

use crate::analysis::shown;
use crate::errors::Error;
use crate::html;
use crate::json::to_python;
use crate::table::{batch, stream};

/// The decisions on a table, one row for each of its rows: `verdict`, `rule`, `reason`, `hint`, `queue`. The columns are
/// dictionaries of a byte a row, or of two for a policy with more than 127 rules.
#[pyclass(frozen, module = "cloudauth")]
pub(crate) struct Decisions {
    rows: RecordBatch,
    /// The number of the rule of each row.
    numbers: UInt8Array,
    /// The policy, and the verdict and the name of each of its rules.
    policy: Value,
    rules: Vec<(Verdict, String)>,
    issues: Value,
}

#[pymethods]
impl Decisions {
    /// The number of rows by verdict.
    #[getter]
    fn counts(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &Value::Object(self.verdicts(&py.detach(|| self.by_rule()))))
    }

    /// The data issues of the inputs that the policy reads, as in `cloudauth lab replay --output json`: missing or malformed
    /// values.
    #[getter]
    fn issues(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &self.issues)
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
        let counts = self.by_rule();
        let rule = |((verdict, rule), rows): (&(Verdict, String), &u64)| json!({ "rule": rule, "verdict": verdict.as_str(), "rows": rows });
        let document = json!({
            "policy": self.policy,
            "rows": self.numbers.len(),
            "verdicts": Value::from_iter([self.verdicts(&counts)]),
            "rules": self.rules.iter().zip(&counts).map(rule).collect::<Vec<_>>(),
            "issues": self.issues,
        });
        shown(&document, &["verdicts", "rules", "issues"]) + &html::table(&self.rows)
    }
}

impl Decisions {
    pub(crate) fn new(policy: &Policy, rules: Vec<u8>, issues: &[DataIssue]) -> PyResult<Self> {
        let report = policy.report().rules;
        // Without an early exit, so that the compiler can vectorize it.
        if usize::from(rules.iter().fold(0, |most, rule| *rule.max(&most))) >= report.len() {
            return Err(Error::new_err("a row has no decision, which is a bug"));
        }
        let numbers = UInt8Array::from(rules);
        let column = |word: fn(&RuleReport<'_>) -> Option<String>| {
            words(&numbers, &report.iter().map(word).collect::<Vec<_>>())
        };
        let columns = [
            ("verdict", column(|rule| Some(rule.verdict.as_str().to_owned()))?),
            ("rule", column(|rule| Some(rule.rule.to_owned()))?),
            ("reason", column(|rule| Some(rule.reason.to_owned()))?),
            ("hint", column(|rule| rule.hint.map(str::to_owned))?),
            ("queue", column(|rule| rule.queue.map(str::to_owned))?),
        ];
        let about = policy.reference();
        Ok(Self {
            rows: batch(columns)?,
            policy: json!({ "id": about.id, "version": about.version }),
            rules: report.iter().map(|rule| (rule.verdict, rule.rule.to_owned())).collect(),
            numbers,
            issues: serde_json::to_value(issues).map_err(|error| Error::new_err(error.to_string()))?,
        })
    }

    /// Counts the rows by rule.
    fn by_rule(&self) -> Vec<u64> {
        let mut counts = vec![0; self.rules.len()];
        for rule in self.numbers.values() {
            if let Some(count) = counts.get_mut(usize::from(*rule)) {
                *count += 1;
            }
        }
        counts
    }

    fn verdicts(&self, by_rule: &[u64]) -> Map<String, Value> {
        let rows = |verdict: Verdict| {
            let rules = self.rules.iter().zip(by_rule).filter(|((other, _), _)| *other == verdict);
            rules.map(|(_, rows)| rows).sum::<u64>()
        };
        Verdict::ALL.iter().map(|verdict| (verdict.as_str().to_owned(), rows(*verdict).into())).collect()
    }
}

/// A word for each row, by the number of its rule. Rules with the same word share an entry of the dictionary. Its keys are signed,
/// because older versions of PyArrow convert no others for pandas.
fn words(rules: &UInt8Array, words: &[Option<String>]) -> PyResult<ArrayRef> {
    let mut distinct: Vec<&str> = words.iter().flatten().map(String::as_str).collect();
    distinct.sort_unstable();
    distinct.dedup();
    // One key more stands for no word.
    match i8::try_from(distinct.len()) {
        Ok(none) => {
            let key = |place: usize| i8::try_from(place).unwrap_or(none);
            coded::<Int8Type>(rules, words, distinct, none, key)
        }
        Err(_) => {
            let key = |place: usize| i16::try_from(place).unwrap_or(i16::MAX);
            coded::<Int16Type>(rules, words, distinct, i16::MAX, key)
        }
    }
}

fn coded<K: ArrowDictionaryKeyType>(
    rules: &UInt8Array,
    words: &[Option<String>],
    distinct: Vec<&str>,
    none: K::Native,
    key: impl Fn(usize) -> K::Native,
) -> PyResult<ArrayRef> {
    let mut entries = [none; 256];
    for (entry, word) in entries.iter_mut().zip(words) {
        let place = word.as_ref().and_then(|word| distinct.binary_search(&word.as_str()).ok());
        *entry = place.map_or(none, &key);
    }
    let entry = |rule: &u8| entries.get(usize::from(*rule)).copied().unwrap_or(none);
    let keys: Vec<K::Native> = rules.values().iter().map(entry).collect();
    let nulls = words.contains(&None).then(|| validity(&keys, none).into());
    let keys = PrimitiveArray::<K>::new(keys.into(), nulls);
    let column = DictionaryArray::try_new(keys, Arc::new(StringArray::from(distinct)));
    Ok(Arc::new(column.map_err(|error| Error::new_err(error.to_string()))?))
}

/// Returns which keys are those of an entry. Whole words of bits take half as long as arrow's loop over positions.
fn validity<N: PartialEq + Copy>(keys: &[N], none: N) -> BooleanBuffer {
    let bits = |keys: &[N]| keys.iter().rev().fold(0, |bits, key| bits << 1 | u64::from(*key != none));
    let words: Vec<u64> = keys.chunks(64).map(bits).collect();
    BooleanBuffer::new(words.into(), 0, keys.len())
}
