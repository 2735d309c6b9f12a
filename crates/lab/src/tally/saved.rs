//! The tally as a checkpoint stores it. Only this crate reads it: a tally that others made could contradict itself.

use std::collections::{BTreeMap, BTreeSet};

use cloudauth_stats::Grid;
use serde::Deserialize;

use super::failing_example::FailingExample;
use super::issues::Issues;
use super::parts::{Decider, Example, Scores, SubjectScore, VerdictMatrix};
use super::{MatcherRows, SegmentRows, SweepRows, Tally, Values};
use crate::input::skipped::Skipped;
use crate::input::timezone::TimeZone;

/// The fields of [`Tally`], for its `Deserialize`.
#[derive(Deserialize)]
#[serde(remote = "Tally")]
pub(crate) struct SavedTally {
    decider: Decider,
    candidate: Option<Decider>,
    segment_names: Vec<String>,
    #[serde(skip)]
    is_part: bool,
    seen: BTreeSet<String>,
    #[serde(skip)]
    absent: Vec<String>,
    #[serde(skip)]
    timezone: TimeZone,
    #[serde(skip)]
    skipped: Vec<Skipped>,
    #[serde(skip)]
    failing_examples: Vec<FailingExample>,
    rows: u64,
    #[serde(rename = "notes")]
    issues: Issues,
    rules: Vec<u64>,
    sub_codes: BTreeMap<Box<str>, Vec<u64>>,
    days: BTreeMap<i32, VerdictMatrix>,
    segments: Vec<Values<SegmentRows>>,
    people_rows: u64,
    scores: [Grid; 3],
    approved: Vec<u64>,
    periods: BTreeMap<i32, Scores>,
    attacks: Values<Grid>,
    bona_fide: Grid,
    kept: Vec<SubjectScore>,
    kept_all: bool,
    known_people: u64,
    sweep: SweepRows,
    matchers: Option<MatcherRows>,
    #[serde(with = "super::parts::pairs")]
    examples: BTreeMap<(usize, usize), Vec<Example>>,
}
