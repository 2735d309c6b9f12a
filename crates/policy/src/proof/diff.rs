//! The difference of two policies: every region of the input space in which the verdict changes.

use std::collections::BTreeMap;
use std::fmt;

use cloudauth_protocol::mask_digits;
use serde_json::{Value, json};

use crate::document::problem::Case;
use crate::document::verdict::Verdict;
use crate::document::{DeclaredInput, Kind};
use crate::evidence::input::Input;
use crate::evidence::{Evidence, Flag};
use crate::proof::compiled::CompiledPolicy;
use crate::proof::grid::{Axis, Grid, Scale, runs};
use crate::proof::table::MOST_CELLS;

/// The difference of two policies.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The number of cells that both policies together make.
    pub cells: usize,
    /// The regions in which the verdict changes, merged as far as possible.
    pub regions: Vec<Region>,
    /// The number of cells with the same verdict but another reason, hint or queue.
    pub other_words: usize,
}

impl Difference {
    /// Returns the number of cells in which the verdict changes.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.regions.iter().map(|region| region.cells).sum()
    }
}

/// A region of the input space in which one verdict changes to another.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Region {
    /// The verdict of the old policy.
    pub before: Verdict,
    /// The verdict of the new policy.
    pub after: Verdict,
    /// The inputs of the region in English: `sub_code is 200 or 210, passed is T, 75 <= verify_score < 76.5`.
    pub when: String,
    /// The inputs of the region as data. Empty: every input.
    pub case: Case,
    /// The constrained inputs as JSON; see [`to_json`](Self::to_json).
    inputs: Vec<Value>,
    /// The number of cells.
    pub cells: usize,
}

impl Region {
    /// Returns the region as a JSON object. `inputs` has an object for each constrained input: codes and flags have `values`,
    /// scores `ranges` with `from` (included) and `below` (excluded), labels `label` and `present`. `null` means no bound, or
    /// an unknown label. `unknown`, `missing` and `invalid` state whether such values belong to the region.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "before": self.before.as_str(),
            "after": self.after.as_str(),
            "when": self.when,
            "inputs": self.inputs,
            "cells": self.cells,
        })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} becomes {} when {}", self.before, self.after, self.when)
    }
}

/// The error for two policies that together make too many cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge(usize);

impl TooLarge {
    /// The most cells that two policies together may make.
    pub const LIMIT: usize = MOST_CELLS;

    /// Returns the number of cells.
    #[must_use]
    pub const fn cells(&self) -> usize {
        self.0
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the two policies together make {} cells; the limit is {MOST_CELLS}", self.0)
    }
}

impl std::error::Error for TooLarge {}

/// A box of cells: for each axis the classes, in order.
type Classes = Vec<Vec<usize>>;

/// Compares two policies over every input.
///
/// # Errors
/// If the two policies together make too many cells.
pub(crate) fn diff(before: &CompiledPolicy, after: &CompiledPolicy) -> Result<Difference, TooLarge> {
    let grid = joint(before, after);
    if grid.cells > MOST_CELLS {
        return Err(TooLarge(grid.cells));
    }
    let mut changed: BTreeMap<(usize, usize), Vec<Classes>> = BTreeMap::new();
    let mut other_words = 0;
    for cell in 0..grid.cells {
        let labels = labels_of(&grid, cell);
        let evidence = evidence_of(&grid, cell, &labels);
        let one = before.document.outcome(before.rule_for(&evidence));
        let other = after.document.outcome(after.rule_for(&evidence));
        if one.verdict != other.verdict {
            let classes = grid.axes.iter().map(|axis| vec![grid.class(cell, axis)]).collect();
            changed.entry((place(one.verdict), place(other.verdict))).or_default().push(classes);
        } else if one != other {
            other_words += 1;
        }
    }
    let mut regions = Vec::new();
    for ((before, after), boxes) in changed {
        let (Some(before), Some(after)) = (Verdict::ALL.get(before), Verdict::ALL.get(after)) else {
            continue;
        };
        let (before, after) = (*before, *after);
        for classes in merged(boxes, grid.axes.len()) {
            let parts = grid.axes.iter().zip(&classes);
            let parts = parts.filter(|(axis, classes)| classes.len() < axis.size);
            let inputs = parts.clone().map(|(axis, classes)| classes_json(axis, classes)).collect();
            let values: Vec<_> = parts.map(|(axis, classes)| axis.values(classes)).collect();
            let case = Case::new(values);
            let when = if case.inputs().is_empty() { "always".to_owned() } else { case.to_string() };
            let cells = classes.iter().map(Vec::len).product();
            regions.push(Region { before, after, when, case, inputs, cells });
        }
    }
    regions.sort_by_key(|region| std::cmp::Reverse((region.after == Verdict::Approve, region.cells)));
    Ok(Difference { cells: grid.cells, regions, other_words })
}

/// Returns the classes of one axis as JSON.
fn classes_json(axis: &Axis, classes: &[usize]) -> Value {
    let (input, has) = (axis.name(), |class: usize| classes.contains(&class));
    match &axis.scale {
        Scale::Code(values, _) => {
            let listed =
                classes.iter().filter_map(|class| values.get(*class)).map(|value| mask_digits(value));
            let listed: Vec<_> = listed.collect();
            let (unknown, missing) = (has(values.len()), has(values.len() + 1));
            json!({ "input": input, "values": listed, "unknown": unknown, "missing": missing })
        }
        Scale::Flag => {
            let values: Vec<&str> =
                classes.iter().filter_map(|class| ["T", "F"].get(*class).copied()).collect();
            json!({ "input": input, "values": values, "invalid": has(2) })
        }
        Scale::Score { .. } => {
            let ranges = runs(classes.iter().copied().filter(|class| *class > 0));
            let range = |(first, last): &(usize, usize)| json!({ "from": axis.bounds(*first).0, "below": axis.bounds(*last).1 });
            json!({ "input": input, "ranges": ranges.iter().map(range).collect::<Vec<_>>(), "invalid": has(0) })
        }
        Scale::Label { label, .. } => {
            let label = label.as_deref().map(mask_digits);
            json!({ "input": input, "label": label, "present": has(1) })
        }
    }
}

fn place(verdict: Verdict) -> usize {
    Verdict::ALL.iter().position(|other| *other == verdict).unwrap_or_default()
}

/// Merges boxes that differ on one axis only, axis by axis, until nothing changes.
fn merged(mut boxes: Vec<Classes>, axes: usize) -> Vec<Classes> {
    loop {
        let before = boxes.len();
        // The last axes first: scores, which read well as intervals.
        for axis in (0..axes).rev() {
            let mut joined: BTreeMap<Classes, Vec<usize>> = BTreeMap::new();
            for mut classes in boxes {
                let own = classes.get_mut(axis).map(std::mem::take).unwrap_or_default();
                joined.entry(classes).or_default().extend(own);
            }
            boxes = joined
                .into_iter()
                .map(|(mut classes, mut own)| {
                    own.sort_unstable();
                    if let Some(place) = classes.get_mut(axis) {
                        *place = own;
                    }
                    classes
                })
                .collect();
        }
        if boxes.len() == before {
            return boxes;
        }
    }
}

/// Returns a grid on which each policy gives one decision per cell.
fn joint(one: &CompiledPolicy, other: &CompiledPolicy) -> Grid {
    let mut inputs: Vec<DeclaredInput> = one.document.inputs.clone();
    for input in &other.document.inputs {
        match inputs.iter_mut().find(|found| found.name == input.name) {
            None => inputs.push(input.clone()),
            Some(found) => match (&mut found.kind, &input.kind) {
                (Kind::Code(all), Kind::Code(more)) | (Kind::Labels(all), Kind::Labels(more)) => {
                    let new = more.iter().filter(|value| !all.contains(value)).cloned();
                    all.extend(new.collect::<Vec<_>>());
                }
                (Kind::Score { least, most }, Kind::Score { least: low, most: high }) => {
                    (*least, *most) = (least.min(*low), most.max(*high));
                }
                _ => {}
            },
        }
    }
    let names: Vec<Input> = inputs.iter().map(|input| input.name).collect();
    Grid::from_inputs(&inputs, |at| {
        let mut cuts = Vec::new();
        for axis in one.table.grid.axes.iter().chain(&other.table.grid.axes) {
            if let Scale::Score { least, most, cuts: own } = &axis.scale
                && names.get(at) == Some(&axis.name)
            {
                cuts.extend_from_slice(own);
                // A score is valid up to the end of the range of each policy.
                cuts.extend([*least, most.next_up()]);
            }
        }
        cuts
    })
}

fn labels_of(grid: &Grid, cell: usize) -> Vec<Box<str>> {
    let there = grid.axes.iter().filter(|axis| grid.class(cell, axis) == 1);
    let label = |axis: &Axis| match &axis.scale {
        Scale::Label { label, .. } => Some(label.clone().unwrap_or_else(|| "\u{0}".to_owned()).into()),
        _ => None,
    };
    there.filter_map(label).collect()
}

/// Returns evidence in a cell.
fn evidence_of<'a>(grid: &'a Grid, cell: usize, labels: &'a [Box<str>]) -> Evidence<'a> {
    let mut evidence = Evidence { device_risk: labels, ..Evidence::default() };
    for axis in &grid.axes {
        let class = grid.class(cell, axis);
        match &axis.scale {
            Scale::Code(values, _) => {
                // A listed value never contains a control character.
                let unknown = (class == values.len()).then_some("\u{0}");
                let value = values.get(class).map(String::as_str).or(unknown);
                if axis.name == Input::Code { evidence.code = value } else { evidence.sub_code = value }
            }
            Scale::Flag => {
                let flag = [Flag::True, Flag::False].get(class).copied().unwrap_or_default();
                match axis.name {
                    Input::Passed => evidence.passed = flag,
                    Input::FaceAttack => evidence.face_attack = flag,
                    _ => evidence.face_occlusion = flag,
                }
            }
            Scale::Score { least, .. } => {
                let score = (class > 0).then(|| axis.bounds(class).0.unwrap_or(*least));
                match axis.name {
                    Input::VerifyScore => evidence.verify_score = score,
                    Input::QualityScore => evidence.quality_score = score,
                    _ => evidence.face_attack_score = score,
                }
            }
            Scale::Label { .. } => {}
        }
    }
    evidence
}
