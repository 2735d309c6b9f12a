//! Tables for Python: any library with the Arrow PyCapsule interface reads them without a copy.

use std::sync::Arc;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, RecordBatchOptions,
    StringArray,
};
use arrow_schema::{ArrowError, Field, Schema};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use serde_json::Value;

use crate::errors::Error;
use crate::html;

/// A row of a document: its members by path.
pub(crate) type Row = Vec<(String, Value)>;

/// A small table of an analysis.
#[pyclass(frozen, module = "cloudauth")]
pub(crate) struct Table {
    pub(crate) rows: RecordBatch,
}

#[pymethods]
impl Table {
    /// The names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.rows.schema_ref().fields().iter().map(|field| field.name().clone()).collect()
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
        format!("<cloudauth.Table of {} rows: {}>", self.rows.num_rows(), self.column_names().join(", "))
    }

    fn _repr_html_(&self) -> String {
        html::table(&self.rows)
    }
}

impl Table {
    /// Creates a table of rows of a document. A column has the type of its values, or is text if they differ.
    pub(crate) fn of(rows: &[Row]) -> PyResult<Self> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in rows.iter().flatten() {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let column = |name: &str| {
            let value =
                |row: &Row| row.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
            column(&rows.iter().map(|row| value(row).filter(|value| !value.is_null())).collect::<Vec<_>>())
        };
        Ok(Self { rows: batch(names.iter().map(|name| (*name, column(name))))? })
    }
}

/// Creates a batch of columns.
pub(crate) fn batch<'n>(columns: impl IntoIterator<Item = (&'n str, ArrayRef)>) -> PyResult<RecordBatch> {
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|(name, column)| (Field::new(name, column.data_type().clone(), true), column))
        .unzip();
    let options = RecordBatchOptions::new().with_row_count(columns.is_empty().then_some(0));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(failed)
}

fn failed(error: ArrowError) -> PyErr {
    Error::new_err(error.to_string())
}

/// Returns a batch as an Arrow stream, which shares its buffers.
pub(crate) fn stream<'py>(py: Python<'py>, rows: &RecordBatch) -> PyResult<Bound<'py, PyCapsule>> {
    let reader = RecordBatchIterator::new([Ok(rows.clone())], rows.schema());
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), c"arrow_array_stream")
}

fn column(values: &[Option<Value>]) -> ArrayRef {
    let all = |is: fn(&Value) -> bool| values.iter().flatten().all(is);
    let each = values.iter().map(Option::as_ref);
    if all(Value::is_string) {
        Arc::new(each.map(|value| value?.as_str()).collect::<StringArray>())
    } else if all(Value::is_i64) {
        Arc::new(each.map(|value| value?.as_i64()).collect::<Int64Array>())
    } else if all(Value::is_number) {
        Arc::new(each.map(|value| value?.as_f64()).collect::<Float64Array>())
    } else if all(Value::is_boolean) {
        Arc::new(each.map(|value| value?.as_bool()).collect::<BooleanArray>())
    } else {
        Arc::new(each.map(|value| value.map(Value::to_string)).collect::<StringArray>())
    }
}

/// Returns the tables of a document: its lists of objects, and its objects of objects, whose keys become the columns `name`,
/// and `group` above it.
pub(crate) fn tables(document: &Value) -> Vec<(String, Vec<Row>)> {
    let members = document.as_object().into_iter().flatten();
    let rows = |value: &Value| match value {
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
            Some(list.iter().map(|one| flat(Vec::new(), one)).collect())
        }
        value => keyed(value),
    };
    members.filter_map(|(name, value)| Some((name.clone(), rows(value)?))).collect()
}

fn keyed(value: &Value) -> Option<Vec<Row>> {
    let members = of_objects(value)?;
    let key = |name: &str, of: &String| vec![(name.to_owned(), Value::String(of.clone()))];
    let mut rows = Vec::new();
    for (name, value) in members {
        match of_objects(value) {
            Some(inner) => rows.extend(
                inner
                    .iter()
                    .map(|(inner, value)| flat([key("group", name), key("name", inner)].concat(), value)),
            ),
            None => rows.push(flat(key("name", name), value)),
        }
    }
    Some(rows)
}

/// The members of an object, if all of them are objects.
fn of_objects(value: &Value) -> Option<&serde_json::Map<String, Value>> {
    value.as_object().filter(|members| !members.is_empty() && members.values().all(Value::is_object))
}

/// Adds the members of an object to a row, those of its objects by path. A list is text.
fn flat(mut row: Row, value: &Value) -> Row {
    fn add(row: &mut Row, path: &str, value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                add(row, &path, value);
            }),
            Value::Array(_) => row.push((path.to_owned(), Value::String(value.to_string()))),
            value => row.push((path.to_owned(), value.clone())),
        }
    }
    add(&mut row, "", value);
    row
}
