//! One row of a table, from a dictionary or a Series.

use cloudauth_policy::Input;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::DataError;

/// Returns the inputs of a row as a JSON object. None, NaN and the NULL of pandas are missing, as in a table. Other columns are
/// ignored.
pub(crate) fn text(row: &Bound<'_, PyAny>) -> PyResult<String> {
    let inputs = PyDict::new(row.py());
    let mut is_there = false;
    for input in Input::ALL {
        if !row.contains(input.name())? {
            continue;
        }
        is_there = true;
        let value = row.get_item(input.name())?;
        // A scalar of NumPy.
        let value = if value.hasattr("item")? { value.call_method0("item")? } else { value };
        let is_null = value.is_none() || value.get_type().name()? == "NAType";
        let number: Option<f64> = value.extract().ok();
        match number {
            // JSON has no infinity.
            Some(number) if number.is_infinite() => inputs.set_item(input.name(), number.to_string())?,
            Some(number) if number.is_nan() => {}
            _ if is_null => {}
            _ => inputs.set_item(input.name(), value)?,
        }
    }
    if !is_there {
        let names = Input::ALL.map(Input::name).join(", ");
        return Err(DataError::new_err(format!("the row has no input of a policy; they are: {names}")));
    }
    row.py().import("json")?.call_method1("dumps", (inputs,))?.extract()
}
