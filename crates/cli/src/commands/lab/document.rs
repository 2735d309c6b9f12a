//! Analyses as documents for programs.

use cloudauth_lab::{RunOutcome, Skipped, Source, Tally};
use serde::Serialize;
use serde_json::{Value, json};

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
