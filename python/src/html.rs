//! Results as HTML, for notebooks. Every value is escaped.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, Float64Type, Int8Type, Int16Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};

/// The most rows of a table that are shown.
const MOST_ROWS: usize = 20;

/// Shows the first rows of a table.
pub(crate) fn table(rows: &RecordBatch) -> String {
    let heads = rows.schema_ref().fields().iter().map(|field| format!("<th>{}</th>", escaped(field.name())));
    let mut html = format!("<table><thead><tr>{}</tr></thead><tbody>", heads.collect::<String>());
    for row in 0..rows.num_rows().min(MOST_ROWS) {
        let cells = rows.columns().iter().map(|column| format!("<td>{}</td>", escaped(&cell(column, row))));
        html += &format!("<tr>{}</tr>", cells.collect::<String>());
    }
    html += "</tbody></table>";
    if rows.num_rows() > MOST_ROWS {
        html += &format!("<p>… {} rows in all</p>", rows.num_rows());
    }
    html
}

fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    if let Some(texts) = column.as_string_opt::<i32>() {
        return texts.value(row).to_owned();
    }
    if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        return numbers.value(row).to_string();
    }
    if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
        return numbers.value(row).to_string();
    }
    if let Some(truths) = column.as_boolean_opt() {
        return truths.value(row).to_string();
    }
    word::<Int8Type>(column, row).or_else(|| word::<Int16Type>(column, row)).unwrap_or_default()
}

fn word<K: ArrowDictionaryKeyType>(column: &ArrayRef, row: usize) -> Option<String> {
    let coded = column.as_dictionary_opt::<K>()?;
    let (words, key) = (coded.values().as_string_opt::<i32>()?, coded.key(row)?);
    (key < words.len()).then(|| words.value(key).to_owned())
}

/// Escapes a text.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
