//! A policy: loaded, checked, decided by, explained.

use std::path::PathBuf;

use cloudauth_lab::Lab;
use cloudauth_policy::{self as policy, FlatEvidence};
use pyo3::prelude::*;

use crate::data::{self, Data, Settings};
use crate::decisions::Decisions;
use crate::errors::{DataError, of_policy};
use crate::json::to_python;
use crate::row;

/// A policy that was proved over every possible input.
#[pyclass(frozen, module = "cloudauth")]
pub(crate) struct Policy {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) policy: policy::Policy,
}

#[pymethods]
impl Policy {
    /// Reads and checks a policy: a file, or `builtin:vendor`, `builtin:threshold`, `builtin:onboarding`. With
    /// `allow_failing_examples`, only its examples may fail. Standard input (`-`) is refused: read it, and pass the text to `parse`.
    #[staticmethod]
    #[pyo3(signature = (path, *, allow_failing_examples = false))]
    fn load(py: Python<'_>, path: PathBuf, allow_failing_examples: bool) -> PyResult<Self> {
        let text = data::read_file(py, &path, cloudauth_cli::policy_text)?;
        Self::read(py, path.display().to_string(), text, allow_failing_examples)
    }

    /// Reads and checks the text of a policy.
    #[staticmethod]
    #[pyo3(signature = (text, *, allow_failing_examples = false))]
    fn parse(py: Python<'_>, text: String, allow_failing_examples: bool) -> PyResult<Self> {
        Self::read(py, "policy".to_owned(), text, allow_failing_examples)
    }

    /// The id of the policy.
    #[getter]
    fn id(&self) -> &str {
        &self.policy.reference().id
    }

    /// The version of the policy.
    #[getter]
    fn version(&self) -> &str {
        &self.policy.reference().version
    }

    /// The hash of the policy's content.
    #[getter]
    fn content_hash(&self) -> &str {
        &self.policy.reference().content_hash
    }

    /// The text of the policy file.
    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    /// Returns what the check covered: cells, rules, thresholds and warnings, as `cloudauth policy check --output json`.
    fn check(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &cloudauth_cli::policy_report(&self.policy))
    }

    /// Decides each row of a table, or of a Parquet file.
    #[pyo3(signature = (table, *, mapping = None, threads = None, allow_missing_inputs = false))]
    fn decide(
        &self,
        py: Python<'_>,
        table: &Bound<'_, PyAny>,
        mapping: Option<PathBuf>,
        threads: Option<usize>,
        allow_missing_inputs: bool,
    ) -> PyResult<Decisions> {
        let settings = Settings::new(py, mapping, threads, allow_missing_inputs)?;
        let data = Data::of(table)?;
        let source = data.single()?;
        let decided =
            data::run(py, |control| settings.apply(Lab::new(&self.policy)).decide(source, control))?;
        data::check(py, decided.changed.then(|| source.path()), decided.complete)?;
        py.detach(|| Decisions::new(&self.policy, decided.rules, &decided.issues))
    }

    /// Decides one row and explains the decision: earlier rules with the condition that failed, and the smallest changes that
    /// change the verdict; as `cloudauth policy explain --output json`. Columns that are not inputs are ignored.
    fn explain(&self, py: Python<'_>, row: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let text = row::text(row)?;
        let flat = FlatEvidence::parse(&text);
        let flat = flat.map_err(|error| DataError::new_err(format!("invalid row: {error}")))?;
        to_python(py, &cloudauth_cli::explanation(&self.policy, &flat))
    }

    fn __repr__(&self) -> String {
        format!("<cloudauth.Policy {} {}>", self.id(), self.version())
    }
}

impl Policy {
    fn read(py: Python<'_>, path: String, text: String, allow_failing_examples: bool) -> PyResult<Self> {
        let parsed = py.detach(|| {
            if allow_failing_examples {
                policy::Policy::parse_allowing_failing_examples(&text)
            } else {
                policy::Policy::parse(&text)
            }
        });
        match parsed {
            Ok(policy) => Ok(Self { path, text, policy }),
            Err(error) => Err(of_policy(py, &path, None, &error)),
        }
    }
}
