//! The result of a run.

use std::path::PathBuf;

use super::decisions::Decisions;
use crate::error::LabError;
use crate::input::skipped::Skipped;
use crate::tally::Tally;
use crate::tally::issues::IssueKind;

/// The result of a run: its counts, and whether they are complete.
#[derive(Debug)]
#[non_exhaustive]
pub struct RunOutcome {
    /// The counts.
    pub tally: Tally,
    /// `false` if the run was stopped before the end, or a data file changed while it was read.
    pub complete: bool,
    /// The data files that changed while they were read. Their counts may match neither the old nor the new content.
    pub changed: Vec<PathBuf>,
    /// The files and folders that [`Lab::skipped`](crate::Lab::skipped) named, and the data files without rows.
    pub skipped: Vec<Skipped>,
    /// The partial file of [`Lab::decisions`](crate::Lab::decisions) or [`Lab::flips`](crate::Lab::flips) of an incomplete run. A complete run puts it in place.
    pub partial_decisions: Option<PathBuf>,
}

impl RunOutcome {
    /// Creates the result. Puts the decisions in place, or leaves those of an incomplete run next to their target.
    pub(super) fn new(
        mut tally: Tally,
        is_end: bool,
        changed: Vec<PathBuf>,
        decisions: Option<Decisions>,
    ) -> Result<Self, LabError> {
        let complete = is_end && !tally.issues.has(IssueKind::Changed);
        tally.is_part = !complete;
        let partial_decisions = match decisions {
            Some(decisions) if complete => decisions.commit().map(|()| None)?,
            Some(decisions) => decisions.leave()?,
            None => None,
        };
        let skipped = tally.skipped.clone();
        Ok(Self { tally, complete, changed, skipped, partial_decisions })
    }
}
