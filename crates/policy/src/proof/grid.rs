//! The grid of cells. Thresholds divide each score into a finite number of bins, every other input has a finite number of
//! classes, and a policy gives the same decision to all inputs in one cell. A check of every cell is a check of every input.

use crate::document::problem::{Case, InputValues};
use crate::document::{Condition, DeclaredInput, Document, Kind, Promise, Test};
use crate::evidence::input::Input;
use crate::evidence::{Evidence, Flag};

/// A dimension of the grid.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    /// The index of the input in the document.
    pub(crate) input: usize,
    pub(crate) name: Input,
    pub(crate) scale: Scale,
    /// The number of classes.
    pub(crate) size: usize,
    /// The distance between the numbers of neighbouring cells.
    pub(crate) stride: usize,
}

/// The classes of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scale {
    /// The values in the order of the file, then unknown, then missing; and the packed values, if all of them are short.
    Code(Vec<String>, Option<Vec<u64>>),
    /// `T`, `F`, invalid.
    Flag,
    /// Invalid, then the bin below the first cut, then one bin from each cut.
    Score { least: f64, most: f64, cuts: Vec<f64> },
    /// Absent, present. `None` stands for all labels that are not in the list.
    Label { label: Option<String>, listed: Vec<String> },
}

/// All axes, and the number of cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grid {
    pub(crate) axes: Vec<Axis>,
    pub(crate) cells: usize,
}

/// The cells that match a list of conditions: the class is allowed on each axis, and each group of `any` has a label that is
/// present.
#[derive(Debug)]
pub(crate) struct Area {
    allowed: Vec<Vec<usize>>,
    any: Vec<Vec<usize>>,
}

impl Grid {
    /// Returns the grid of a document. The number of cells saturates.
    pub(crate) fn of(document: &Document) -> Self {
        let promised = document.asserts.iter().filter_map(|assert| match &assert.promise {
            Promise::Never { when, .. } => Some(when),
            Promise::Monotone { .. } => None,
        });
        let conditions: Vec<&Condition> =
            document.rules.iter().map(|rule| &rule.when).chain(promised).flatten().collect();
        let cuts = |input: usize| {
            let boundaries = conditions.iter().filter(|condition| condition.input == input);
            let boundaries = boundaries.filter_map(|condition| match condition.test {
                Test::Between { from, below } => Some([from, below]),
                _ => None,
            });
            boundaries.flatten().flatten().collect::<Vec<f64>>()
        };
        Self::from_inputs(&document.inputs, cuts)
    }

    /// Returns the grid of these inputs, with these cuts for each score.
    pub(crate) fn from_inputs(inputs: &[DeclaredInput], cuts: impl Fn(usize) -> Vec<f64>) -> Self {
        let mut axes = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            let mut add = |scale: Scale| {
                let size = match &scale {
                    Scale::Code(values, _) => values.len() + 2,
                    Scale::Flag => 3,
                    Scale::Score { cuts, .. } => cuts.len() + 2,
                    Scale::Label { .. } => 2,
                };
                axes.push(Axis { input: at, name: input.name, scale, size, stride: 0 });
            };
            match &input.kind {
                Kind::Code(values) => {
                    let packed = values.iter().map(|value| packed(value)).collect();
                    add(Scale::Code(values.clone(), packed));
                }
                Kind::Flag => add(Scale::Flag),
                Kind::Score { least, most } => {
                    let mut cuts = cuts(at);
                    // A cut outside the range has no effect.
                    cuts.retain(|cut| *cut > *least && *cut <= *most);
                    cuts.sort_by(f64::total_cmp);
                    cuts.dedup();
                    add(Scale::Score { least: *least, most: *most, cuts });
                }
                Kind::Labels(labels) => {
                    for label in labels.iter().map(Some).chain([None]) {
                        add(Scale::Label { label: label.cloned(), listed: labels.clone() });
                    }
                }
            }
        }
        let mut cells = 1_usize;
        for axis in axes.iter_mut().rev() {
            axis.stride = cells;
            cells = cells.saturating_mul(axis.size);
        }
        Self { axes, cells }
    }

    pub(crate) fn class(&self, cell: usize, axis: &Axis) -> usize {
        cell / axis.stride % axis.size
    }

    /// Returns the cell of the evidence.
    pub(crate) fn cell(&self, evidence: &Evidence<'_>) -> usize {
        self.axes.iter().map(|axis| axis.class_of(evidence) * axis.stride).sum()
    }

    /// Returns the cells that match conditions.
    pub(crate) fn area(&self, conditions: &[Condition]) -> Area {
        let mut allowed: Vec<Vec<usize>> = self.axes.iter().map(|axis| (0..axis.size).collect()).collect();
        let mut any = Vec::new();
        for condition in conditions {
            let of_input = || self.axes.iter().enumerate().filter(|(_, axis)| axis.input == condition.input);
            match &condition.test {
                Test::Labels(labels) if !labels.is_empty() => {
                    let axes = of_input().map(|(at, _)| at).enumerate();
                    any.push(axes.filter(|(label, _)| labels.contains(label)).map(|(_, at)| at).collect());
                }
                test => {
                    for (at, axis) in of_input() {
                        if let Some(classes) = allowed.get_mut(at) {
                            classes.retain(|class| axis.holds(test, *class));
                        }
                    }
                }
            }
        }
        Area { allowed, any }
    }

    /// Visits every cell of an area once.
    pub(crate) fn for_each(&self, area: &Area, mut visit: impl FnMut(usize)) {
        if area.allowed.iter().any(Vec::is_empty) {
            return;
        }
        let mut at = vec![0_usize; self.axes.len()];
        loop {
            let class = |axis: usize| area.allowed.get(axis).and_then(|classes| classes.get(*at.get(axis)?));
            let has = |axis: &usize| class(*axis) == Some(&1);
            if area.any.iter().all(|labels| labels.iter().any(has)) {
                let parts = self.axes.iter().enumerate();
                visit(
                    parts
                        .map(|(number, axis)| class(number).copied().unwrap_or_default() * axis.stride)
                        .sum(),
                );
            }
            // Count up, like an odometer.
            let mut axis = self.axes.len();
            loop {
                if axis == 0 {
                    return;
                }
                axis -= 1;
                let last = area.allowed.get(axis).map_or(0, Vec::len);
                let Some(digit) = at.get_mut(axis) else { return };
                *digit += 1;
                if *digit < last {
                    break;
                }
                *digit = 0;
            }
        }
    }

    /// Returns the values of every input in a cell.
    pub(crate) fn case(&self, cell: usize) -> Case {
        Case::new(self.axes.iter().map(|axis| axis.values(&[self.class(cell, axis)])).collect())
    }
}

impl Axis {
    pub(crate) const fn name(&self) -> &'static str {
        self.name.name()
    }

    /// Returns the class of the evidence on this axis.
    pub(crate) fn class_of(&self, evidence: &Evidence<'_>) -> usize {
        match &self.scale {
            Scale::Code(values, packed) => code_class(values, packed.as_deref(), self.text_of(evidence)),
            Scale::Flag => match self.flag_of(evidence) {
                Flag::True => 0,
                Flag::False => 1,
                Flag::Invalid => 2,
            },
            Scale::Score { least, most, cuts } => bin(self.score_of(evidence), *least, *most, cuts),
            Scale::Label { label: Some(label), .. } => {
                usize::from(evidence.device_risk.iter().any(|found| **found == **label))
            }
            Scale::Label { label: None, listed } => {
                let is_listed = |found: &str| listed.iter().any(|label| label == found);
                usize::from(!evidence.device_risk.iter().all(|found| is_listed(found)))
            }
        }
    }

    pub(crate) fn text_of<'e>(&self, evidence: &Evidence<'e>) -> Option<&'e str> {
        if self.name == Input::Code { evidence.code } else { evidence.sub_code }
    }

    pub(crate) fn flag_of(&self, evidence: &Evidence<'_>) -> Flag {
        match self.name {
            Input::Passed => evidence.passed,
            Input::FaceAttack => evidence.face_attack,
            _ => evidence.face_occlusion,
        }
    }

    pub(crate) fn score_of(&self, evidence: &Evidence<'_>) -> Option<f64> {
        match self.name {
            Input::VerifyScore => evidence.verify_score,
            Input::QualityScore => evidence.quality_score,
            _ => evidence.face_attack_score,
        }
    }

    /// Returns whether a test matches a class.
    pub(crate) fn holds(&self, test: &Test, class: usize) -> bool {
        match (test, &self.scale) {
            (Test::Classes(classes), _) => classes.contains(&class),
            (Test::Invalid, _) => class == 0,
            (Test::Between { from, below }, Scale::Score { least, cuts, .. }) => {
                // A bin is entirely inside or outside the bounds, so its start is enough.
                let begin =
                    if class == 1 { Some(least) } else { class.checked_sub(2).and_then(|at| cuts.get(at)) };
                class != 0
                    && begin.is_some_and(|begin| {
                        from.is_none_or(|from| *begin >= from) && below.is_none_or(|below| *begin < below)
                    })
            }
            // An empty list of labels: the label is absent.
            (Test::Labels(_), _) => class == 0,
            (Test::Between { .. }, _) => false,
        }
    }

    /// Returns whether the values of a class are understood.
    pub(crate) fn is_understood(&self, class: usize) -> bool {
        match &self.scale {
            Scale::Code(values, _) => class < values.len(),
            Scale::Flag => class < 2,
            Scale::Score { .. } => class > 0,
            Scale::Label { label, .. } => label.is_some() || class == 0,
        }
    }

    /// Returns the start and the end of a bin; `None` at the ends of the range.
    pub(crate) fn bounds(&self, class: usize) -> (Option<f64>, Option<f64>) {
        let Scale::Score { cuts, .. } = &self.scale else { return (None, None) };
        let cut = |at: Option<usize>| at.and_then(|at| cuts.get(at)).copied();
        (cut(class.checked_sub(2)), cut(class.checked_sub(1)))
    }

    /// Returns the values of classes, for people. Adjacent bins of a score become one range. A declared value that may be
    /// personal data is masked.
    pub(crate) fn values(&self, classes: &[usize]) -> InputValues {
        self.exact_values(classes).masked()
    }

    /// Returns the values of classes as the policy declares them, which only a hash may use.
    pub(crate) fn exact_values(&self, classes: &[usize]) -> InputValues {
        let input = self.name;
        let one = |class: &usize| match &self.scale {
            Scale::Code(values, _) => values.get(*class).map_or_else(
                || if *class == values.len() { "unknown".to_owned() } else { "missing".to_owned() },
                Clone::clone,
            ),
            _ => ["T", "F", "invalid"].get(*class).copied().unwrap_or_default().to_owned(),
        };
        match &self.scale {
            Scale::Code(..) | Scale::Flag => {
                InputValues::OneOf { input, values: classes.iter().map(one).collect() }
            }
            Scale::Label { label, .. } => {
                InputValues::Label { input, label: label.clone(), present: classes.contains(&1) }
            }
            Scale::Score { .. } => {
                let valid = classes.iter().copied().filter(|class| *class > 0);
                let bounds = |run: (usize, usize)| (self.bounds(run.0).0, self.bounds(run.1).1);
                InputValues::Score {
                    input,
                    invalid: classes.contains(&0),
                    ranges: runs(valid).into_iter().map(bounds).collect(),
                }
            }
        }
    }
}

/// Returns the first and last of each run of consecutive numbers.
pub(crate) fn runs(numbers: impl Iterator<Item = usize>) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}

/// Returns the class of a code. Short codes are compared as numbers, which is faster than comparing strings.
fn code_class(values: &[String], keys: Option<&[u64]>, text: Option<&str>) -> usize {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return values.len() + 1 };
    let found = match keys {
        Some(keys) => packed(text).and_then(|key| keys.iter().position(|other| *other == key)),
        None => values.iter().position(|value| value == text),
    };
    found.unwrap_or(values.len())
}

/// Packs a text of up to seven bytes and its length into one number.
fn packed(text: &str) -> Option<u64> {
    if text.len() > 7 {
        return None;
    }
    Some(text.bytes().fold(text.len() as u64, |key, byte| key << 8 | u64::from(byte)))
}

/// Returns the bin of a score: 0 if the score is missing or out of range.
pub(crate) fn bin(score: Option<f64>, least: f64, most: f64, cuts: &[f64]) -> usize {
    match score {
        // A range does not contain NaN.
        Some(score) if score >= least && score <= most => {
            1 + cuts.iter().map(|cut| usize::from(score >= *cut)).sum::<usize>()
        }
        _ => 0,
    }
}
