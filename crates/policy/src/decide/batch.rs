//! Decisions on batches of rows, in coded columns.

use std::fmt;
use std::ops::{Add, Mul};

use crate::document::Kind;
use crate::document::verdict::Verdict;
use crate::evidence::input::Input;
use crate::evidence::{Evidence, Flag};
use crate::proof::compiled::CompiledPolicy;
use crate::proof::grid::{Axis, Scale, bin};

/// The values of one input in all rows. Exhaustive: callers build it, and an input is read in one of two ways.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// Codes and flags, as the classes from [`Policy::class`](crate::Policy::class).
    Classes(&'a [u8]),
    /// Scores; NaN for a missing score.
    Scores(&'a [f64]),
}

impl Column<'_> {
    const fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Scores(scores) => scores.len(),
        }
    }
}

/// The error for columns that do not fit the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchError(&'static str);

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BatchError {}

/// A batch of rows to decide.
#[derive(Debug)]
pub struct Batch<'p> {
    policy: &'p CompiledPolicy,
    columns: &'p [Column<'p>],
    rows: usize,
}

/// The number of rows in one pass, small enough for the first-level cache.
const CHUNK: usize = 1024;

impl<'p> Batch<'p> {
    pub(crate) fn new(policy: &'p CompiledPolicy, columns: &'p [Column<'p>]) -> Result<Self, BatchError> {
        let inputs = &policy.document.inputs;
        if inputs.len() != columns.len() {
            return Err(BatchError("the batch needs one column for each input of the policy"));
        }
        for (input, column) in inputs.iter().zip(columns) {
            match (&input.kind, column) {
                (Kind::Score { .. }, Column::Scores(_))
                | (Kind::Code(_) | Kind::Flag, Column::Classes(_)) => {}
                (Kind::Labels(_), _) => return Err(BatchError("labels cannot be a column")),
                _ => {
                    return Err(BatchError(
                        "a score needs a column of scores, every other input a column of classes",
                    ));
                }
            }
        }
        if policy
            .table
            .grid
            .axes
            .iter()
            .any(|axis| !matches!(axis.scale, Scale::Score { .. }) && axis.size > 256)
        {
            return Err(BatchError("a code with more than 254 values cannot be a column"));
        }
        let rows = columns.first().map_or(0, Column::len);
        if columns.iter().any(|column| column.len() != rows) {
            return Err(BatchError("the columns have different lengths"));
        }
        Ok(Self { policy, columns, rows })
    }

    /// Writes the number of the rule that decides each row; the number after the last rule is `otherwise`. Elements of
    /// `decided` beyond the last row stay unchanged.
    pub fn rules(&self, decided: &mut [u8]) {
        // A vector register holds twice as many of the narrow numbers.
        if self.policy.table.grid.cells < 1 << 16 {
            self.rules_by::<u16>(decided);
        } else {
            self.rules_by::<u32>(decided);
        }
    }

    fn rules_by<N: CellNumber>(&self, decided: &mut [u8])
    where
        usize: TryFrom<N>,
    {
        let table = &self.policy.table;
        let mut cells = [N::default(); CHUNK];
        for (number, decided) in decided.chunks_mut(CHUNK).enumerate() {
            let begin = number * CHUNK;
            let rows = decided.len().min(self.rows.saturating_sub(begin));
            let cells = cells.get_mut(..rows).unwrap_or_default();
            cells.fill(N::default());
            for (axis, column) in table.grid.axes.iter().zip(self.columns) {
                // Never larger than the number of cells.
                let stride = N::try_from(axis.stride).unwrap_or_default();
                match (column, &axis.scale) {
                    (Column::Classes(classes), _) => {
                        // A class out of range becomes the last class, which is not understood.
                        let last = u8::try_from(axis.size - 1).unwrap_or(u8::MAX);
                        let classes = classes.get(begin..begin + rows).unwrap_or_default();
                        for (cell, class) in cells.iter_mut().zip(classes) {
                            *cell = *cell + N::from((*class).min(last)) * stride;
                        }
                    }
                    (Column::Scores(scores), Scale::Score { least, most, cuts }) => {
                        let scores = scores.get(begin..begin + rows).unwrap_or_default();
                        add_bins(cells, scores, stride, (*least, *most), cuts);
                    }
                    (Column::Scores(_), _) => {}
                }
            }
            for (decided, cell) in decided.iter_mut().zip(cells.iter()) {
                let cell = usize::try_from(*cell).unwrap_or(usize::MAX);
                *decided = table.rules.get(cell).copied().unwrap_or(u8::MAX);
            }
        }
    }

    /// Returns the number of rows with each verdict: approve, review, retry, reject.
    #[must_use]
    pub fn counts(&self) -> [u64; 4] {
        let mut decided = vec![0; self.rows];
        self.rules(&mut decided);
        let mut by_rule = [0_u64; 256];
        for rule in decided {
            if let Some(count) = by_rule.get_mut(usize::from(rule)) {
                *count += 1;
            }
        }
        Verdict::ALL.map(|verdict| {
            let rules = 0..=self.policy.document.rules.len();
            let of_verdict = rules.filter(|rule| self.policy.document.outcome(*rule).verdict == verdict);
            of_verdict.filter_map(|rule| by_rule.get(rule)).sum()
        })
    }
}

/// The number of a cell.
trait CellNumber:
    Copy + Default + From<u8> + From<bool> + TryFrom<usize> + Add<Output = Self> + Mul<Output = Self>
{
    /// Returns the lowest bits of a number.
    fn lowest_bits(number: i64) -> Self;
}

impl CellNumber for u16 {
    fn lowest_bits(number: i64) -> Self {
        number as Self
    }
}

impl CellNumber for u32 {
    fn lowest_bits(number: i64) -> Self {
        number as Self
    }
}

/// The most cuts that a row is compared with in one pass.
const MOST_CUTS: usize = 4;

/// Adds the bins of the scores.
fn add_bins<N: CellNumber>(cells: &mut [N], scores: &[f64], stride: N, range: (f64, f64), cuts: &[f64]) {
    let (first, rest) = cuts.split_at(cuts.len().min(MOST_CUTS));
    match *first {
        [] => add_bins_of(cells, scores, stride, range, []),
        [a] => add_bins_of(cells, scores, stride, range, [a]),
        [a, b] => add_bins_of(cells, scores, stride, range, [a, b]),
        [a, b, c] => add_bins_of(cells, scores, stride, range, [a, b, c]),
        [a, b, c, d, ..] => add_bins_of(cells, scores, stride, range, [a, b, c, d]),
    }
    for cut in rest {
        for (cell, score) in cells.iter_mut().zip(scores) {
            *cell = *cell + N::from(*score >= *cut && *score <= range.1) * stride;
        }
    }
}

/// The bins that are computed before they are added.
const BINS: usize = 256;

/// Adds the bins of the scores by this many cuts. The first loop has numbers as wide as the scores and the second narrow ones, and
/// both have no branch, so the compiler can vectorize each; one loop over both takes twice as long.
fn add_bins_of<N: CellNumber, const CUTS: usize>(
    cells: &mut [N],
    scores: &[f64],
    stride: N,
    (least, most): (f64, f64),
    cuts: [f64; CUTS],
) {
    let mut bins = [0; BINS];
    for (cells, scores) in cells.chunks_mut(BINS).zip(scores.chunks(BINS)) {
        for (bin, score) in bins.iter_mut().zip(scores) {
            let reached =
                cuts.iter().fold(i64::from(*score >= least), |bin, cut| bin + i64::from(*score >= *cut));
            *bin = reached & -i64::from(*score <= most);
        }
        for (cell, bin) in cells.iter_mut().zip(&bins) {
            *cell = *cell + N::lowest_bits(*bin) * stride;
        }
    }
}

impl CompiledPolicy {
    /// Returns the number of the rule of one row; see [`Policy::rule_of_row`](crate::Policy::rule_of_row).
    #[inline]
    pub(crate) fn rule_of_row(
        &self,
        class: impl Fn(Input) -> u8,
        score: impl Fn(Input) -> Option<f64>,
    ) -> usize {
        let class_of = |axis: &Axis| match &axis.scale {
            Scale::Code(..) | Scale::Flag => usize::from(class(axis.name)).min(axis.size - 1),
            Scale::Score { least, most, cuts } => bin(score(axis.name), *least, *most, cuts),
            Scale::Label { .. } => 0,
        };
        self.table.rule(self.table.grid.axes.iter().map(|axis| class_of(axis) * axis.stride).sum())
    }

    /// Returns the class of a code or a flag; see [`Policy::class`](crate::Policy::class).
    pub(crate) fn class(&self, input: Input, value: Option<&str>) -> Option<u8> {
        let axis = self.table.grid.axes.iter().find(|axis| axis.name == input)?;
        let flag = value.map_or(Flag::Invalid, Flag::from_wire);
        let evidence = match &axis.scale {
            Scale::Code(..) => Evidence { code: value, sub_code: value, ..Evidence::default() },
            Scale::Flag => {
                Evidence { passed: flag, face_attack: flag, face_occlusion: flag, ..Evidence::default() }
            }
            _ => return None,
        };
        u8::try_from(axis.class_of(&evidence)).ok()
    }
}
