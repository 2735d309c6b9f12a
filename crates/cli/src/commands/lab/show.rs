//! Prints analyses and writes files.

use std::path::Path;

use cloudauth_files::Named;
use cloudauth_lab::{Language, Proportion, Report, Tally};
use serde::Serialize;
use serde_json::Value;

use super::document::of_analysis;
use crate::failure::Failure;
use crate::output::Output;
use crate::text;
use crate::words::{self, lab as said};

/// Prints an analysis of the counts. Only the document has the members of `beside`.
pub(super) fn print(
    output: &Output,
    tally: &Tally,
    human: &str,
    document: &impl Serialize,
    beside: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<(), Failure> {
    let document = of_analysis(document, tally, beside).map_err(Failure::system)?;
    let (timezone, has_days) = tally.timezone();
    let days = if has_days { output.pick(said::days(timezone)) } else { String::new() };
    output.print(&format!("{human}{days}"), &document);
    Ok(())
}

/// The members that report a failed output in the document of the analysis.
pub(super) fn of_failure<T>(written: &Result<T, Failure>) -> impl Iterator<Item = (&'static str, Value)> {
    written.as_ref().err().into_iter().flat_map(Failure::members)
}

/// Writes the report, and prints its path. Only the document has the members of `beside`.
pub(super) fn page(
    (report, tally): (&Report<'_>, &Tally),
    beside: impl IntoIterator<Item = (&'static str, Value)>,
    (failing, failing_json): (String, Value),
    to: &Path,
    output: &Output,
) -> Result<(), Failure> {
    let language = match output.language {
        words::Language::Zh => Language::Zh,
        words::Language::En => Language::En,
    };
    text::write(to, &report.html(language).map_err(Failure::other)?)?;
    let file = [("report", to.display().to_string().into()), ("failing_examples", failing_json)];
    let document = of_analysis(report, tally, beside.into_iter().chain(file)).map_err(Failure::system)?;
    output.print(&(failing + &output.pick(said::page_written(to.display()))), &document);
    Ok(())
}

/// Extensions of other formats than comma-separated values.
const NOT_CSV: [&str; 9] = ["parquet", "json", "jsonl", "ndjson", "tsv", "xlsx", "gz", "zst", "html"];

/// Refuses, before the run, an output whose name promises another format than CSV.
pub(super) fn refuse_other_format(flag: &str, file: Option<&Path>) -> Result<(), Failure> {
    match other_format(file) {
        Some(extension) => Err(Failure::usage(said::not_csv(flag, &extension))),
        None => Ok(()),
    }
}

/// Refuses, before the run, an output of rows whose name promises another format than CSV and JSON Lines.
pub(super) fn refuse_other_row_format(flag: &str, file: Option<&Path>) -> Result<(), Failure> {
    match other_format(file).filter(|extension| !["jsonl", "ndjson"].contains(&&**extension)) {
        Some(extension) => Err(Failure::usage(said::not_rows(flag, &extension))),
        None => Ok(()),
    }
}

/// Returns the extension of another format than CSV.
fn other_format(file: Option<&Path>) -> Option<String> {
    let extension = file?.extension()?.to_string_lossy().to_lowercase();
    NOT_CSV.contains(&&*extension).then_some(extension)
}

/// Names an output by its flag.
pub(super) fn named<'p>(flag: &'p str, path: Option<&'p Path>) -> Option<Named<'p>> {
    path.map(|path| Named::new(flag, path))
}

/// The columns of a rate in a CSV file: count, of, rate, low, high.
pub(super) fn csv_columns(share: &Proportion) -> String {
    let rate = share.rate.map(|rate| rate.to_string()).unwrap_or_default();
    format!("{},{},{rate},{},{}", share.count, share.of, share.low, share.high)
}
