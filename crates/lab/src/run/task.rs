//! The settings of a run that its threads share.

use cloudauth_policy::{Input, Policy};

use super::decisions::RowWriter;
use crate::analysis::calibrate::Days;
use crate::analysis::sweep::SweepPlan;
use crate::error::{LabError, LabProblem};
use crate::input::header;
use crate::input::json::Wanted;
use crate::input::mapping::{Mapping, Shape};
use crate::input::row::slot;
use crate::input::source::Source;
use crate::tally::segment::crossed;
use crate::tally::{Room, Scales, hash_of_subject};

/// The settings that all threads share.
pub(crate) struct Task<'t> {
    pub(crate) policy: &'t Policy,
    pub(crate) candidate: Option<&'t Policy>,
    /// The sweep whose lowest and highest value the two policies have.
    pub(crate) sweep: Option<&'t SweepPlan>,
    pub(crate) mapping: &'t Mapping,
    pub(crate) sources: &'t [Source],
    pub(crate) wanted: Wanted,
    /// The slots in which the first policy's scores are counted.
    pub(crate) scales: Scales,
    pub(crate) slots: Vec<String>,
    /// The days whose rows are counted; all if `None`.
    pub(crate) days: Option<Days>,
    /// The hashes of subjects whose rows are left out, ascending.
    pub(crate) known_people: &'t [u64],
    /// The numbers of two segments that are crossed.
    pub(crate) crossed: Option<(usize, usize)>,
    /// Whether there is a mapping file, so that its columns are required.
    pub(crate) is_mapped: bool,
    pub(crate) keep_people: bool,
    /// Whether segments keep rows of people.
    pub(crate) keep_segment_people: bool,
    /// Whether the score of a second matcher is compared with that of the first.
    pub(crate) compares_matchers: bool,
    /// The room for rows of people, for those of segments, and for those of two matchers.
    pub(crate) room: [Room; 3],
    /// The writer of decisions or changed verdicts, if the run writes them.
    pub(crate) writer: Option<RowWriter>,
    /// Whether rows are decided and not counted.
    pub(crate) only_decides: bool,
    pub(crate) allow_missing_inputs: bool,
}

impl<'t> Task<'t> {
    /// Returns the policy, and the candidate if there is one.
    pub(crate) const fn policies(&self) -> [Option<&'t Policy>; 2] {
        [Some(self.policy), self.candidate]
    }

    /// Returns whether a policy reads an input.
    pub(crate) fn asks(&self, input: Input) -> bool {
        self.policies().into_iter().flatten().any(|policy| policy.inputs().any(|other| other == input))
    }

    /// Returns whether the run keeps the first rows of each change as examples. A sweep shows none.
    pub(crate) const fn has_examples(&self) -> bool {
        self.candidate.is_some() && self.sweep.is_none()
    }

    /// Returns whether ids are needed: for examples and the file of rows.
    pub(crate) const fn names_rows(&self) -> bool {
        self.has_examples() || self.writer.is_some()
    }

    /// Returns whether the run writes rows of this kind.
    #[cfg(feature = "parquet")]
    pub(crate) fn writes(&self, kind: super::decisions::RowKind) -> bool {
        self.writer.is_some_and(|writer| writer.kind == kind)
    }

    /// Returns whether the subjects of rows are needed.
    pub(crate) const fn names_people(&self) -> bool {
        self.keep_people || self.keep_segment_people || !self.known_people.is_empty()
    }

    /// Returns whether labelled rows are kept.
    pub(crate) const fn keeps_rows(&self) -> bool {
        self.keep_people || self.compares_matchers
    }

    /// Returns whether rows of this day are counted.
    pub(super) fn is_wanted(&self, day: Option<i32>) -> bool {
        self.days.is_none_or(|days| day.is_some_and(|day| days.contains(day)))
    }

    /// Returns whether rows of this subject are left out.
    pub(super) fn knows(&self, subject: Option<&str>) -> bool {
        !self.known_people.is_empty()
            && subject
                .is_some_and(|subject| self.known_people.binary_search(&hash_of_subject(subject)).is_ok())
    }

    /// Returns the names of the segments: those of the mapping, and the crossed ones.
    pub(crate) fn segments(&self) -> Vec<String> {
        let name = |number: usize| self.mapping.segments.get(number).map_or("", String::as_str);
        let crossed = self.crossed.map(|(first, second)| crossed(name(first), name(second)));
        self.mapping.segments.iter().cloned().chain(crossed).collect()
    }

    /// Returns the column of each slot in a file.
    pub(crate) fn columns(&self, source: usize, names: &[&[u8]]) -> Result<Vec<Option<usize>>, LabError> {
        let file = self.file(source);
        let mut columns = Vec::with_capacity(self.slots.len());
        for (slot, path) in self.slots.iter().enumerate() {
            let column = header::column(names, path)
                .map_err(|()| LabProblem::ColumnTwice(file.to_string(), path.clone()).into_error())?;
            let is_needed = self.is_mapped && self.mapping.must_have(slot) && !path.is_empty();
            if column.is_none() && is_needed {
                let shown = header::shown(names, &self.slots);
                return Err(LabProblem::NoColumn(file.to_string(), path.clone(), shown).into_error());
            }
            columns.push(column);
        }
        if !self.finds_inputs(|slot| columns.get(slot).is_some_and(Option::is_some)) {
            let shown = header::shown(names, &self.slots);
            return Err(LabProblem::NoInputs(file.to_string(), shown).into_error());
        }
        Ok(columns)
    }

    /// Returns whether the file has an input that a policy reads; `true` if no input has a column.
    pub(crate) fn finds_inputs(&self, is_there: impl Fn(usize) -> bool) -> bool {
        let is_reply = self.mapping.shape == Shape::Reply;
        let is_placed = |slot: &usize| self.slots.get(*slot).is_some_and(|path| !path.is_empty());
        let wanted = Input::ALL.into_iter().filter(|input| is_reply || self.asks(*input));
        let mut slots = wanted.map(|input| input as usize).filter(is_placed).peekable();
        self.allow_missing_inputs || slots.peek().is_none() || slots.any(is_there)
    }

    /// Returns the slots, other than inputs, whose paths the mapping names. Missing inputs are counted separately.
    pub(crate) fn named(&self) -> impl Iterator<Item = (usize, &String)> {
        let slots = self.slots.iter().enumerate().skip(Input::ALL.len());
        slots.filter(|(slot, path)| self.is_mapped && *slot != slot::RESULT && !path.is_empty())
    }

    /// Returns the name of a file, for errors.
    pub(super) fn file(&self, source: usize) -> String {
        self.sources.get(source).map(|source| source.path().display().to_string()).unwrap_or_default()
    }
}
