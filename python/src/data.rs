//! The data of a call: files, or an Arrow table, whose buffers are not copied; and the run over it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use arrow_array::ffi_stream::RecordBatchStreamReader;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_pyarrow::FromPyArrow;
use cloudauth_cli::FileError;
use cloudauth_lab::{Lab, LabError, Mapping, RunControl, RunOutcome, Skipped, Source};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::errors::{DataError, of_data, of_file};

/// The name of a table in errors and documents.
pub(crate) const TABLE: &str = "table";
/// How often a run looks whether it was interrupted.
const EVERY: Duration = Duration::from_millis(50);

/// The data.
pub(crate) struct Data {
    sources: Vec<Source>,
    skipped: Vec<Skipped>,
}

impl Data {
    /// Reads the argument of a call: an object with the Arrow PyCapsule interface, a path, or a list of paths.
    pub(crate) fn of(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        let table = if data.hasattr("__arrow_c_stream__")? {
            let batches = RecordBatchStreamReader::from_pyarrow_bound(data)?;
            let schema = batches.schema();
            // The library's message may quote values.
            let failed = |_| io::Error::other("its library could not produce all rows");
            Source::stream(TABLE, schema, batches.map(move |batch| batch.map_err(failed)))
        } else if data.hasattr("__arrow_c_array__")? {
            let batch = RecordBatch::from_pyarrow_bound(data)?;
            Source::table(TABLE, &[batch]).map_err(|error| of_data(data.py(), error))?
        } else {
            return Self::files(data);
        };
        Ok(Self { sources: vec![table], skipped: Vec::new() })
    }

    fn files(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        let one = data.extract::<PathBuf>().map(|path| vec![path]);
        let Ok(paths) = one.or_else(|_| data.extract::<Vec<PathBuf>>()) else {
            let found = data.get_type().fully_qualified_name()?;
            return Err(PyTypeError::new_err(format!(
                "the data must be a table with the Arrow PyCapsule interface (pandas 2.2, Polars 1, PyArrow 14, DuckDB 1.4 or newer), a path, or a list of paths, not {found}"
            )));
        };
        let found = cloudauth_cli::find_data(&paths);
        let found = found.map_err(|error| of_file(data.py(), error))?;
        Ok(Self { sources: found.sources, skipped: found.skipped })
    }

    /// Returns the only source, for a decision of each row.
    pub(crate) fn single(&self) -> PyResult<&Source> {
        match self.sources.as_slice() {
            [source] => Ok(source),
            sources => Err(DataError::new_err(format!(
                "decide takes one table or one Parquet file, not {} files",
                sources.len()
            ))),
        }
    }

    /// Runs over all sources.
    pub(crate) fn run(&self, py: Python<'_>, lab: Lab<'_>) -> PyResult<RunOutcome> {
        let lab = lab.skipped(self.skipped.clone());
        let ran = run(py, |control| lab.run(&self.sources, control))?;
        check(py, ran.changed.first().map(PathBuf::as_path), ran.complete)?;
        if ran.tally.has_no_rows() {
            return Err(DataError::new_err("the data has no rows"));
        }
        Ok(ran)
    }

    /// Returns an analysis of a run as the command prints it with `--output json`.
    pub(crate) fn document(&self, ran: &RunOutcome, analysis: &impl Serialize) -> PyResult<Value> {
        cloudauth_cli::analysis_document(analysis, ran, &self.sources)
            .map_err(|error| DataError::new_err(format!("the analysis cannot be written: {error}")))
    }
}

/// How to read the data.
pub(crate) struct Settings {
    mapping: Option<Mapping>,
    threads: Option<usize>,
    allow_missing_inputs: bool,
}

/// Reads a file, without the GIL. Refuses standard input, which belongs to the calling program.
pub(crate) fn read_file<T: Send>(
    py: Python<'_>,
    path: &Path,
    read: impl FnOnce(&Path) -> Result<T, FileError> + Send,
) -> PyResult<T> {
    if path == Path::new("-") {
        return Err(DataError::new_err("standard input (`-`) is not read here: name a file"));
    }
    py.detach(|| read(path)).map_err(|error| of_file(py, error))
}

impl Settings {
    pub(crate) fn new(
        py: Python<'_>,
        mapping: Option<PathBuf>,
        threads: Option<usize>,
        allow_missing_inputs: bool,
    ) -> PyResult<Self> {
        if threads.is_some_and(|threads| !(1..=1024).contains(&threads)) {
            return Err(DataError::new_err("threads must be from 1 to 1024"));
        }
        let mapping = mapping.map(|path| read_file(py, &path, cloudauth_cli::read_mapping));
        Ok(Self { mapping: mapping.transpose()?, threads, allow_missing_inputs })
    }

    /// Refuses a mapping that has no labels.
    pub(crate) fn check_label(&self, py: Python<'_>) -> PyResult<()> {
        let checked = self.mapping.as_ref().map_or(Ok(()), Mapping::check_label);
        checked.map_err(|error| of_data(py, error))
    }

    pub(crate) fn apply<'p>(&self, mut lab: Lab<'p>) -> Lab<'p> {
        if let Some(mapping) = &self.mapping {
            lab = lab.mapping(mapping.clone());
        }
        if let Some(threads) = self.threads {
            lab = lab.threads(threads);
        }
        if self.allow_missing_inputs { lab.allow_missing_inputs() } else { lab }
    }
}

/// Runs without the interpreter's lock. Ctrl-C stops it.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&RunControl) -> Result<T, LabError> + Send,
) -> PyResult<T> {
    let (control, caller, has_ended) = (RunControl::default(), thread::current(), AtomicBool::new(false));
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let result = work(&control);
            // The thread itself ends a little later.
            has_ended.store(true, Ordering::Release);
            caller.unpark();
            result
        });
        let mut interrupted = Ok(());
        while !has_ended.load(Ordering::Acquire) && !worker.is_finished() {
            py.detach(|| thread::park_timeout(EVERY));
            interrupted = interrupted.and_then(|()| py.check_signals());
            if interrupted.is_err() {
                control.stop();
            }
        }
        let result = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        interrupted.and_then(|()| result.map_err(|error| of_data(py, error)))
    })
}

/// Refuses the results of data that changed while it was read, and those of a part.
pub(crate) fn check(py: Python<'_>, changed: Option<&Path>, complete: bool) -> PyResult<()> {
    match changed {
        Some(file) => {
            let message = format!("{} changed while it was read", file.display());
            Err(of_file(py, FileError { message, path: Some(file.to_owned()), line: None }))
        }
        None if complete => Ok(()),
        None => Err(DataError::new_err("the run was stopped before its end")),
    }
}
