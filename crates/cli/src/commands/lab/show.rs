//! Prints analyses and writes files.

use std::path::Path;

use cloudauth_files::Named;
use cloudauth_lab::{Language, Proportion, RunOutcome, Skipped, Source, Sweep, Tally, report_with_sweep};
use serde::Serialize;
use serde_json::{Value, json};

use super::run::Data;
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

/// Returns the document of an analysis, with the members of `beside`.
pub(super) fn of_analysis(
    analysis: &impl Serialize,
    tally: &Tally,
    beside: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(analysis)?;
    if let Some(document) = document.as_object_mut() {
        document.insert("timezone".to_owned(), tally.timezone().0.name().into());
        document.extend(beside.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(document)
}

/// Returns the members of a document with the files that were read and skipped, and whether the run is complete. Locations in the
/// document refer to files by their number.
pub(super) fn of_run(ran: &RunOutcome, sources: &[Source]) -> [(&'static str, Value); 3] {
    let names: Vec<String> = sources.iter().map(|source| source.path().display().to_string()).collect();
    [("sources", json!(names)), of_skipped(&ran.skipped), ("complete", json!(ran.complete))]
}

/// Returns the member of a document with the files that were not read, and those without rows.
pub(super) fn of_skipped(skipped: &[Skipped]) -> (&'static str, Value) {
    let one = |skipped: &Skipped| json!({ "path": skipped.path.display().to_string(), "reason": skipped.reason.to_string() });
    ("skipped", skipped.iter().map(one).collect())
}

/// Writes the report, and prints its path.
pub(super) fn page(
    (tally, sweep): (&Tally, Option<&Sweep>),
    complete: bool,
    data: &Data,
    (failing, failing_json): (String, Value),
    to: &Path,
    output: &Output,
) -> Result<(), Failure> {
    let language = match output.language {
        words::Language::Zh => Language::Zh,
        words::Language::En => Language::En,
    };
    let page = report_with_sweep(tally, sweep, language).map_err(Failure::other)?;
    text::write(to, &page)?;
    let (skipped, paths) = of_skipped(data.skipped());
    output.print(
        &(failing + &output.pick(said::page_written(to.display()))),
        &json!({
            "report": to.display().to_string(), "complete": complete, "timezone": tally.timezone().0.name(), skipped: paths,
            "failing_examples": failing_json,
        }),
    );
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
