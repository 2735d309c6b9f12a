//! Drift: how the scores of recent months differ from a reference.

use std::fmt;
use std::ops::RangeInclusive;

use cloudauth_policy::Input;
use serde::Serialize;

use crate::analysis::data_issue::{DataIssue, data_issues};
use crate::error::{LabError, LabProblem};
use crate::tally::policy_name::PolicyName;
use crate::tally::{Decider, ScoreCut, Scores, Tally};
use cloudauth_stats::{
    Binned, Confidence, Grid, LabelledGrid, Smoothing, jensen_shannon, mean_shift_of_grids, psi,
    psi_critical, wasserstein_of_grids,
};

/// The number of bins, each with the same share of the reference.
const BINS: u64 = 10;

/// The shift of the scores: the result of `cloudauth lab drift`. The shares between the policy's thresholds are exact. All other
/// figures count scores on a grid, see [`ScoreShift::score_grid`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Drift {
    /// The policy whose thresholds are shown.
    pub policy: PolicyName,
    /// The reference months: first and last.
    pub reference: (String, String),
    /// The current months: first and last.
    pub current: (String, String),
    /// The shift of each score.
    pub scores: Vec<ScoreShift>,
    /// The figures of each month.
    pub months: Vec<Month>,
    /// The data issues of the run.
    pub issues: Vec<DataIssue>,
}

/// The shift of one score between the reference and the current months.
///
/// The grid covers scores from 0 to 100, and from 0 to 1 for the attack score. A policy's range can be wider. With a score outside
/// the grid every figure except `between` is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScoreShift {
    /// `verify_score`, `quality_score` or `face_attack_score`.
    pub score: Input,
    /// The step of the grid that scores are rounded down to for every figure except `between`.
    pub score_grid: f64,
    /// Valid scores outside the grid, in the reference and the current months.
    pub outside_grid: u64,
    /// The rows of the reference with the score, and without.
    pub reference: (u64, u64),
    /// The rows of the current months with the score, and without.
    pub current: (u64, u64),
    /// The population stability index over tenths of the reference. A value that a tenth of the reference has is a bin of its
    /// own, and so are missing scores. `None` with a single bin. The usual limits, 0.1 and 0.25, have no statistical basis.
    pub psi: Option<f64>,
    /// The value that the index exceeds in 5 of 100 cases without drift.
    pub psi_critical: Option<f64>,
    /// The Kolmogorov-Smirnov distance: the largest difference of the two distributions.
    pub ks: Option<f64>,
    /// The p-value of the distance. With millions of rows it is always near 0: look at the distance.
    pub ks_p: Option<f64>,
    /// The Jensen-Shannon divergence, in bits.
    pub js: Option<f64>,
    /// The change of the mean score, in the score's unit: negative if scores fell.
    pub mean_shift: Option<f64>,
    /// The earth mover's distance, in the score's unit: the average shift of a score, up or down.
    pub distance: Option<f64>,
    /// The share of rows between the values that the policy compares with the score. These shares change decisions. Exact.
    pub between: Vec<ScoreBand>,
}

/// A band of scores between two neighbouring values that the policy compares with the score, and the share of rows in it.
/// `Display` writes it as a policy's condition does: `> 75 and < 80`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScoreBand {
    /// The lower end.
    pub from: BandEnd,
    /// The upper end.
    pub to: BandEnd,
    /// The share of the reference's rows.
    pub reference: f64,
    /// The share of the current months' rows.
    pub current: f64,
}

/// An end of a [`ScoreBand`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BandEnd {
    /// The value as the policy has it.
    pub value: f64,
    /// Whether a score equal to the value is outside the band.
    pub exclusive: bool,
}

impl fmt::Display for ScoreBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (above, below) =
            (if self.from.exclusive { ">" } else { ">=" }, if self.to.exclusive { "<" } else { "<=" });
        write!(f, "{above} {} and {below} {}", self.from.value, self.to.value)
    }
}

/// A month.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Month {
    /// `2026-01`.
    pub month: String,
    /// The rows with a `verify_score`.
    pub rows: u64,
    /// The population stability index of `verify_score` against the reference.
    pub psi: Option<f64>,
    /// The value that the index of this month exceeds in 5 of 100 cases without drift. It is larger in a month with fewer rows.
    pub psi_critical: Option<f64>,
    /// The median score.
    pub median: Option<f64>,
    /// The 10th percentile of the score.
    pub p10: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
}

/// A range of months, each by its first day: `2026-01` or `2026-01..2026-03`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Months(RangeInclusive<String>);

impl Months {
    /// Checks, before data is read, that no month would be compared with itself.
    ///
    /// # Errors
    /// If a month is in both ranges.
    pub fn check_apart(&self, other: &Self) -> Result<(), LabError> {
        if self.0.start() <= other.0.end() && other.0.start() <= self.0.end() {
            return Err(LabProblem::MonthsOverlap.into_error());
        }
        Ok(())
    }
}

impl std::str::FromStr for Months {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self, LabError> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let is_month = |month: &str| {
            month.len() == 7
                && crate::input::time::day_of_date(&format!("{month}-01"))
                    .is_some_and(|day| crate::input::time::month(day) == month)
        };
        if is_month(first) && is_month(last) && first <= last {
            Ok(Self(first.to_owned()..=last.to_owned()))
        } else {
            Err(LabProblem::NotMonths.into_error())
        }
    }
}

impl Drift {
    /// Computes the drift of a run. Without months, the last month is compared with all months before it.
    ///
    /// # Errors
    /// If no row has a time, no row is in the requested months, or a month would be compared with itself.
    pub fn of(tally: &Tally, reference: Option<&Months>, current: Option<&Months>) -> Result<Self, LabError> {
        let decider = &tally.decider;
        let months: Vec<(String, &Scores)> =
            tally.periods.iter().map(|(day, scores)| (crate::input::time::month(*day), scores)).collect();
        let Some((last, _)) = months.last() else {
            return Err(LabProblem::NoTimes.into_error());
        };
        let current = current.cloned().unwrap_or_else(|| Months(last.clone()..=last.clone()));
        let earlier = || {
            let mut before = months.iter().map(|(month, _)| month).filter(|month| *month < current.0.start());
            let first = before.next()?;
            Some(Months(first.clone()..=before.next_back().unwrap_or(first).clone()))
        };
        let Some(reference) = reference.cloned().or_else(earlier) else {
            return Err(LabProblem::NoEarlierMonth(current.0.start().clone()).into_error());
        };
        reference.check_apart(&current)?;
        let (old, new) = (sum(&months, &reference)?, sum(&months, &current)?);
        let verify_edges = tenths(&old.verify);
        let month = |(month, scores): &(String, &Scores)| Month {
            month: month.clone(),
            rows: scores.verify.valid(),
            psi: bins_of(&old.verify, &scores.verify, &verify_edges)
                .and_then(|(old, new)| psi(&old, &new, Smoothing::HalfCount)),
            psi_critical: bins_of(&old.verify, &scores.verify, &verify_edges).as_ref().and_then(critical),
            median: quantile(&scores.verify, 5),
            p10: quantile(&scores.verify, 1),
            p90: quantile(&scores.verify, 9),
        };
        Ok(Self {
            policy: decider.name(),
            reference: (reference.0.start().clone(), reference.0.end().clone()),
            current: (current.0.start().clone(), current.0.end().clone()),
            scores: vec![
                ScoreShift::of(Input::VerifyScore, &old.verify, &new.verify, decider),
                ScoreShift::of(Input::QualityScore, &old.quality, &new.quality, decider),
                ScoreShift::of(Input::FaceAttackScore, &old.attack, &new.attack, decider),
            ],
            months: months.iter().map(month).collect(),
            issues: data_issues(tally),
        })
    }
}

fn sum(all: &[(String, &Scores)], months: &Months) -> Result<Scores, LabError> {
    let mut sum = Scores::default();
    all.iter().filter(|(month, _)| months.0.contains(month)).for_each(|(_, scores)| sum.merge(scores));
    if sum.verify.valid() + sum.verify.invalid() == 0 {
        return Err(LabProblem::NoRowsIn(months.0.start().clone(), months.0.end().clone()).into_error());
    }
    Ok(sum)
}

impl ScoreShift {
    fn of(score: Input, old: &Grid, new: &Grid, decider: &Decider) -> Self {
        let edges = tenths(old);
        let bins = bins_of(old, new, &edges);
        let apart = LabelledGrid { genuine: old.clone(), impostor: new.clone() }.kolmogorov_smirnov();
        Self {
            score,
            score_grid: 1.0 / f64::from(old.per_unit()),
            outside_grid: old.outside() + new.outside(),
            reference: (old.valid(), old.invalid()),
            current: (new.valid(), new.invalid()),
            psi: bins.as_ref().and_then(|(old, new)| psi(old, new, Smoothing::HalfCount)),
            psi_critical: bins.as_ref().and_then(critical),
            ks: apart.map(|apart| apart.distance),
            ks_p: apart.map(|apart| apart.p),
            js: bins.as_ref().and_then(|(old, new)| jensen_shannon(old, new)),
            mean_shift: mean_shift_of_grids(old, new),
            distance: wasserstein_of_grids(old, new),
            between: between(old, new, decider, score),
        }
    }
}

/// Returns the critical value of the PSI of two samples.
fn critical((old, new): &(Binned, Binned)) -> Option<f64> {
    let all = |binned: &Binned| binned.counts.iter().sum::<u64>() + binned.invalid;
    let own = usize::from(old.invalid + new.invalid > 0);
    let bins = u32::try_from(old.counts.len() + own).unwrap_or(u32::MAX);
    psi_critical(bins, all(old), all(new), Confidence::P95)
}

fn between(old: &Grid, new: &Grid, decider: &Decider, score: Input) -> Vec<ScoreBand> {
    let mut cuts: Vec<&ScoreCut> = decider.cuts_of(score).collect();
    cuts.dedup_by(|later, earlier| later.boundary == earlier.boundary);
    if cuts.is_empty() {
        return Vec::new();
    }
    let (least, most) = decider.range(score);
    // All valid scores reach the lower end of the first band, and none is above the last band.
    let share = |grid: &Grid, from: Option<&ScoreCut>, to: Option<&ScoreCut>| {
        let from = from.map_or_else(|| Some(grid.valid()), |from| grid.reaching(from.boundary))?;
        let to = to.map_or(Some(0), |to| grid.reaching(to.boundary))?;
        Some(from.saturating_sub(to) as f64 / (grid.valid() + grid.invalid()).max(1) as f64)
    };
    let starts = [None].into_iter().chain(cuts.iter().copied().map(Some));
    let ends = cuts.iter().copied().map(Some).chain([None]);
    let band = |(from, to): (Option<&ScoreCut>, Option<&ScoreCut>)| {
        let (reference, current) = (share(old, from, to)?, share(new, from, to)?);
        let end = |value: f64, exclusive: bool| BandEnd { value, exclusive };
        let to_end = to.map_or(end(most, false), |cut| end(cut.value, !cut.exclusive));
        let from_end = from.map_or(end(least, false), |cut| end(cut.value, cut.exclusive));
        Some(ScoreBand { from: from_end, to: to_end, reference, current })
    };
    starts.zip(ends).filter_map(band).collect()
}

/// Returns the grid positions that divide the scores into tenths; fewer if scores tie. A value that a tenth of the scores have
/// is a bin of its own, so that a shift to either side of it shows.
fn tenths(grid: &Grid) -> Vec<usize> {
    let valid = grid.valid();
    let mut edges = Vec::new();
    let (mut below, mut next, mut is_after_tie) = (0, 1, false);
    for (at, count) in grid.counts().iter().enumerate() {
        let is_tie = *count > 0 && count * BINS >= valid;
        let mut is_edge = is_tie || is_after_tie;
        while next < BINS && below > 0 && below * BINS >= next * valid {
            is_edge = true;
            next += 1;
        }
        if is_edge {
            edges.push(at);
        }
        below += count;
        is_after_tie = is_tie;
    }
    edges
}

/// Returns the scores of both samples by bin, without the bins that are empty in both. `None` with a score outside the grid or
/// a single bin.
fn bins_of(old: &Grid, new: &Grid, edges: &[usize]) -> Option<(Binned, Binned)> {
    if old.outside() + new.outside() > 0 {
        return None;
    }
    let counts = binned(old, edges).into_iter().zip(binned(new, edges));
    let (of_old, of_new): (Vec<u64>, Vec<u64>) = counts.filter(|(old, new)| old + new > 0).unzip();
    let own = usize::from(old.invalid() + new.invalid() > 0);
    let of = |counts, invalid| Binned { counts, invalid };
    (of_old.len() + own > 1).then(|| (of(of_old, old.invalid()), of(of_new, new.invalid())))
}

fn binned(grid: &Grid, edges: &[usize]) -> Vec<u64> {
    let mut counts = vec![0; edges.len() + 1];
    for (at, count) in grid.counts().iter().enumerate() {
        let bin = edges.partition_point(|edge| *edge <= at);
        if let Some(bin) = counts.get_mut(bin) {
            *bin += count;
        }
    }
    counts
}

/// Returns the smallest grid score with at least this number of tenths of the scores at or below it. `None` if it is outside
/// the grid.
fn quantile(grid: &Grid, of_ten: u64) -> Option<f64> {
    let valid = grid.valid();
    let mut below = grid.below();
    if below > 0 && below * 10 >= of_ten * valid {
        return None;
    }
    for (at, count) in grid.counts().iter().enumerate() {
        below += count;
        if *count > 0 && below * 10 >= of_ten * valid {
            return grid.edge(at);
        }
    }
    None
}
