//! What there is to see.

use super::plot::{Plot, Scale, plain};
use super::words::Words;
use crate::drift::Drift;
use crate::row::Label;
use crate::stats::{Confidence, Estimate, LabelledGrid, estimates};
use crate::tally::Tally;

/// Scores of each label as they are spread, and the policy's thresholds.
pub(super) fn histogram(tally: &Tally, words: &Words) -> String {
    // Half points: enough to see by, and no noise of the last digit.
    let halves = |label: Label| -> Vec<f64> {
        let counts = tally.scores.get(label.number()).map(crate::stats::Grid::counts).unwrap_or_default();
        let all: u64 = counts.iter().sum();
        counts.chunks(50).map(|half| half.iter().sum::<u64>() as f64 / all.max(1) as f64).collect()
    };
    let labels = [
        (Label::Unlabelled, "unlabelled", words.get("unlabelled")),
        (Label::Genuine, "genuine", words.get("genuine")),
        (Label::Impostor, "impostor", words.get("impostor")),
    ];
    let shares: Vec<_> =
        labels.into_iter().map(|(label, class, name)| (halves(label), class, name)).collect();
    let most = shares.iter().flat_map(|(shares, ..)| shares).copied().fold(0.01, f64::max);
    let mut plot = Plot::new(Scale::Linear(0.0, 100.0), Scale::Linear(0.0, most));
    for (shares, class, name) in &shares {
        if shares.iter().any(|share| *share > 0.0) {
            plot.bars(class, 0.5, (0_u32..).map(|half| f64::from(half) / 2.0).zip(shares.iter().copied()));
            plot.named(class, name);
        }
    }
    plot.rules(&thresholds(tally));
    plot.svg(words.get("histogram"), "verify_score", words.get("share_of_rows"), plain)
}

fn thresholds(tally: &Tally) -> Vec<(f64, String)> {
    tally.decider.thresholds.iter().map(|(name, score)| (*score, format!("{name} {score}"))).collect()
}

/// The errors at every threshold, with their intervals.
pub(super) fn operating(tally: &Tally) -> Vec<Estimate> {
    let [genuine, impostor, _] = tally.scores.clone();
    let grid = LabelledGrid { genuine, impostor };
    let points: Vec<_> = grid.operating_points().filter(|point| point.threshold.is_finite()).collect();
    estimates(points, Confidence::P95)
}

const LEAST: f64 = 1e-5;

/// Both errors over the threshold.
pub(super) fn errors(tally: &Tally, all: &[Estimate], words: &Words) -> String {
    let mut plot = Plot::new(Scale::Linear(0.0, 100.0), Scale::Log(LEAST, 1.0));
    let rate = |rate: crate::stats::Rate| rate.fraction().unwrap_or(0.0);
    let fmr: Vec<_> = all.iter().map(|at| (at.point.threshold, at.fmr.low, at.fmr.high)).collect();
    let fnmr: Vec<_> = all.iter().map(|at| (at.point.threshold, at.fnmr.low, at.fnmr.high)).collect();
    plot.band("impostor", &fmr)
        .line("impostor", all.iter().map(|at| (at.point.threshold, rate(at.point.fmr))));
    plot.band("genuine", &fnmr)
        .line("genuine", all.iter().map(|at| (at.point.threshold, rate(at.point.fnmr))));
    let vendor = (0..=100).map(|tenth| 70.0 + f64::from(tenth) / 10.0);
    plot.line("vendor", vendor.map(|score| (score, cloudauth_policy::nominal_far(score).unwrap_or(LEAST))));
    plot.named("impostor", words.get("fmr"))
        .named("genuine", words.get("fnmr"))
        .named("vendor", words.get("vendor_line"));
    plot.rules(&thresholds(tally));
    plot.svg(words.get("errors"), "verify_score", words.get("error_rate"), plain)
}

/// The trade of one error for the other, on normal axes.
pub(super) fn det(all: &[Estimate], words: &Words) -> String {
    let scale = Scale::Probit(LEAST, 0.8);
    let mut plot = Plot::new(scale, scale);
    let rate = |rate: crate::stats::Rate| rate.fraction().unwrap_or(0.0);
    let band: Vec<_> = all.iter().map(|at| (rate(at.point.fmr), at.fnmr.low, at.fnmr.high)).collect();
    let line = all.iter().map(|at| (rate(at.point.fmr), rate(at.point.fnmr)));
    plot.band("genuine", &band).line("genuine", line);
    for score in [70.0, 75.0, 80.0] {
        if let Some(at) = all.iter().find(|at| at.point.threshold == score) {
            plot.dot("impostor", (rate(at.point.fmr), rate(at.point.fnmr)), &format!("{score}"));
        }
    }
    plot.named("genuine", words.get("det_line")).named("impostor", words.get("det_dots"));
    plot.svg(words.get("det"), words.get("fmr"), words.get("fnmr"), plain)
}

/// Who got a label, by points of the score.
pub(super) fn coverage(bands: &[crate::calibrate::Band], words: &Words) -> String {
    let mut plot = Plot::new(Scale::Linear(0.0, 100.0), Scale::Linear(0.0, 1.0));
    let share = |count: u64, band: &crate::calibrate::Band| count as f64 / band.attempts.max(1) as f64;
    let from = |band: &crate::calibrate::Band| f64::from(band.from);
    plot.bars("genuine", 1.0, bands.iter().map(|band| (from(band), share(band.labelled, band))));
    let seen = bands.iter().filter(|band| band.attempts > 0);
    plot.line("impostor", seen.map(|band| (from(band) + 0.5, share(band.approved, band))));
    plot.named("genuine", words.get("labelled")).named("impostor", words.get("approved"));
    plot.svg(words.get("coverage"), "verify_score", words.get("share_of_rows"), plain)
}

/// Scores month by month, and how far from the reference.
pub(super) fn drift(drift: &Drift, words: &Words) -> [String; 2] {
    let last = (drift.months.len().max(2) - 1) as f64;
    let months = || (0_u32..).map(f64::from).zip(&drift.months);
    let label = |at: f64| {
        let month = (at.fract() == 0.0).then(|| drift.months.get(at as usize)).flatten();
        month.map(|month| month.month.clone()).unwrap_or_default()
    };
    let mut spread = Plot::new(Scale::Linear(0.0, last), Scale::Linear(0.0, 100.0));
    let band: Vec<_> =
        months().filter_map(|(at, month)| Some((at, month.tenth?, month.ninetieth?))).collect();
    spread
        .band("genuine", &band)
        .line("genuine", months().filter_map(|(at, month)| Some((at, month.median?))));
    spread.named("genuine", words.get("median_and_tenths"));
    let most = drift.months.iter().filter_map(|month| month.psi).fold(0.3, f64::max);
    let mut psi = Plot::new(Scale::Linear(0.0, last), Scale::Linear(0.0, most));
    psi.line("impostor", months().filter_map(|(at, month)| Some((at, month.psi?))));
    for (at, month) in months() {
        if let Some(index) = month.psi {
            psi.dot("impostor", (at, index), &format!("{}: {index:.4}", month.month));
        }
    }
    psi.named("impostor", words.get("psi"));
    [
        spread.svg(words.get("spread"), words.get("month"), "verify_score", label),
        psi.svg(words.get("psi"), words.get("month"), "PSI", label),
    ]
}
