//! The charts of the report.

use cloudauth_policy::{Input, Verdict};

use super::plot::Plot;
use super::scale::{Axis, Scale};
use super::words::Words;
use crate::analysis::calibrate::{Band, Calibration};
use crate::analysis::drift::Drift;
use crate::input::row::Label;
use crate::tally::{ScoreCut, Tally};
use cloudauth_stats::{Estimate, Grid, Rate};

/// From the multiple of ten below the lowest score to 100.
pub(super) fn scores(tally: &Tally, words: Words) -> Axis {
    let first = |grid: &Grid| grid.counts().iter().position(|count| *count > 0);
    let least = tally.scores.iter().filter_map(first).min().unwrap_or_default();
    // The axis covers at least half of the scale, and all thresholds of the policy.
    let cuts = || tally.decider.cuts_of(Input::VerifyScore).map(|cut| cut.value);
    let lowest = cuts().fold(f64::INFINITY, f64::min);
    let from = (least / 1000 * 10).min(50) as f64;
    let from = if lowest < from { (lowest / 10.0).floor() * 10.0 } else { from };
    let to = cuts().fold(100.0, f64::max);
    Axis::new(Scale::Linear(from, to), words.get("score_axis"))
}

fn shares(high: f64, name: &str, words: Words) -> Axis {
    Axis::shares(Scale::Linear(0.0, high), words.get(name), words.get("percent"))
}

/// The label of a threshold: its name, if it has one, and its value.
pub(super) fn threshold_name(name: Option<&str>, exclusive: bool, value: f64) -> String {
    let sign = if exclusive { "> " } else { "" };
    let name = name.map(|name| format!("{name} ")).unwrap_or_default();
    format!("{name}{sign}{value}")
}

fn thresholds(tally: &Tally) -> Vec<(f64, String)> {
    let name = |cut: &ScoreCut| (cut.value, threshold_name(cut.name.as_deref(), cut.exclusive, cut.value));
    tally.decider.cuts_of(Input::VerifyScore).map(name).collect()
}

/// Draws the score distribution of each label, and the policy's thresholds.
pub(super) fn histogram(tally: &Tally, words: Words) -> String {
    let groups = [Label::Unlabelled, Label::Impostor, Label::Genuine].into_iter();
    let groups = groups.zip(["unlabelled", "impostor", "genuine"]).filter_map(|(label, class)| {
        let counts = tally.scores.get(label.number())?.counts();
        let all: u64 = counts.iter().sum();
        (all > 0).then_some((counts, all, class))
    });
    let groups: Vec<_> = groups.collect();
    // Bins of half a point show every detail; with few rows they would only show noise.
    let fewest = groups.iter().map(|(_, all, _)| *all).min().unwrap_or_default();
    let (width, cells) = match fewest {
        0..2_000 => (2.0, 200),
        2_000..20_000 => (1.0, 100),
        _ => (0.5, 50),
    };
    let bars = |counts: &[u64], all: u64| -> Vec<(f64, f64)> {
        let bars = counts.chunks(cells).map(|bar| bar.iter().sum::<u64>() as f64 / all as f64);
        (0_u32..).map(|at| f64::from(at) * width).zip(bars).collect()
    };
    let groups: Vec<_> = groups.into_iter().map(|(counts, all, class)| (bars(counts, all), class)).collect();
    let most = groups.iter().flat_map(|(bars, _)| bars).map(|(_, share)| *share).fold(0.01, f64::max);
    let mut plot = Plot::new(scores(tally, words), shares(most, "share_of_group", words), &thresholds(tally));
    for (bars, class) in groups {
        plot.steps(class, width, bars).named(class, words.get(class));
    }
    plot.svg(words.get("histogram"))
}

/// A logarithmic axis has no position for zero.
pub(super) fn above_zero(rate: Option<f64>) -> f64 {
    rate.filter(|rate| *rate > 0.0).unwrap_or(f64::NAN)
}

fn rate(rate: Rate) -> f64 {
    above_zero(rate.fraction())
}

/// The logarithmic axis of error rates, from `low` to 1.
pub(super) fn error_rates(low: f64, words: Words) -> Axis {
    Axis::shares(Scale::Log(low, 1.0), words.get("error_rate"), words.get("percent"))
}

/// Returns the power of ten at or below the smallest rate that so many attempts can show, from 1/1000000 to `highest`.
pub(super) fn smallest_rate(attempts: u64, highest: f64) -> f64 {
    10_f64.powf(-(attempts.max(1) as f64).log10().ceil()).clamp(1e-6, highest)
}

/// Returns the power of ten below all observed rates and the smallest rate that the data can show.
fn least(all: &[Estimate]) -> f64 {
    let most = all.iter().map(|at| at.point.fmr.of().max(at.point.fnmr.of())).max();
    smallest_rate(most.unwrap_or(1), 1e-3)
}

/// Draws both error rates over the threshold.
pub(super) fn errors(tally: &Tally, all: &[Estimate], words: Words) -> String {
    // The vendor's table ends at 1/100000.
    let y = error_rates(least(all).min(1e-5), words);
    let mut plot = Plot::new(scores(tally, words), y, &thresholds(tally));
    let fmr: Vec<_> = all.iter().map(|at| (at.point.threshold, at.fmr.low, at.fmr.high)).collect();
    let fnmr: Vec<_> = all.iter().map(|at| (at.point.threshold, at.fnmr.low, at.fnmr.high)).collect();
    plot.band("impostor", &fmr).band("genuine", &fnmr);
    plot.line("impostor", all.iter().map(|at| (at.point.threshold, rate(at.point.fmr))));
    plot.line("genuine", all.iter().map(|at| (at.point.threshold, rate(at.point.fnmr))));
    let vendor = (0..=100).map(|tenth| 70.0 + f64::from(tenth) / 10.0);
    plot.line(
        "vendor",
        vendor.map(|score| (score, cloudauth_policy::nominal_far(score).unwrap_or(f64::NAN))),
    );
    plot.named("impostor", words.get("fmr")).named("genuine", words.get("fnmr"));
    plot.named("vendor", words.get("vendor_line")).svg(words.get("errors"))
}

/// Draws the DET curve: one error rate over the other, on normal axes. `None` if no threshold has both errors.
pub(super) fn det(all: &[Estimate], words: Words) -> Option<String> {
    let both = |at: &&Estimate| at.point.fmr.count() > 0 && at.point.fnmr.count() > 0;
    let seen: Vec<_> = all.iter().filter(both).collect();
    if seen.is_empty() {
        return None;
    }
    let low = least(all);
    let axis = |name| Axis::shares(Scale::Probit(low, 0.5), words.get(name), words.get("percent"));
    let mut plot = Plot::new(axis("fmr"), axis("fnmr"), &[]);
    let band: Vec<_> = seen.iter().map(|at| (rate(at.point.fmr), at.fnmr.low, at.fnmr.high)).collect();
    plot.line("equal", [(low, low), (0.5, 0.5)]).band("genuine", &band);
    plot.line("genuine", seen.iter().map(|at| (rate(at.point.fmr), rate(at.point.fnmr))));
    for score in [70.0, 75.0, 80.0] {
        if let Some(at) = all.iter().find(|at| at.point.threshold == score) {
            // A rate of zero is drawn on the axis.
            let place = |of: Rate| of.fraction().unwrap_or(f64::NAN);
            let point = (place(at.point.fmr), place(at.point.fnmr));
            let class = if both(&at) { "impostor" } else { "impostor none" };
            let title = format!("{score}: FMR {}, FNMR {}", at.point.fmr, at.point.fnmr);
            plot.dot(class, point, &format!("{score}"), &title);
        }
    }
    plot.named("genuine", words.get("det_line")).named("impostor", words.get("det_dots"));
    Some(plot.named("equal", words.get("det_equal")).svg(words.get("det")))
}

/// A share of fewer rows says little.
const FEW: u64 = 30;

/// Draws the label coverage, by points of the score.
pub(super) fn coverage(tally: &Tally, of: &Calibration, words: Words) -> String {
    let rules: Vec<_> = of
        .labels_stop_below
        .map(|at| (at, format!("{} {at}", words.get("labels_end"))))
        .into_iter()
        .collect();
    let mut plot = Plot::new(scores(tally, words), shares(1.0, "share_of_point", words), &rules);
    let from = |band: &Band| f64::from(band.from);
    let share = |count: u64, band: &Band| count as f64 / band.attempts as f64;
    let labelled = |few: bool| {
        let bands = of.bands.iter().filter(move |band| band.attempts > 0 && (band.attempts < FEW) == few);
        bands.map(move |band| (from(band), share(band.labelled, band)))
    };
    plot.steps("vendor", 1.0, labelled(false)).steps("vendor few", 1.0, labelled(true));
    let approved = |band: &Band| if band.attempts < FEW { f64::NAN } else { share(band.approved, band) };
    plot.line("approve", of.bands.iter().map(|band| (from(band) + 0.5, approved(band))));
    plot.named("vendor", words.get("labelled")).named("vendor few", words.get("labelled_few"));
    plot.named("approve", words.get("approved")).svg(words.get("coverage"))
}

/// Draws scores month by month, and their distance from the reference.
pub(super) fn drift(drift: &Drift, words: Words) -> [String; 2] {
    let last = u32::try_from(drift.months.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let months = || (0_u32..).map(f64::from).zip(&drift.months);
    let axis = || {
        Axis::named(last, words.get("month"), |at| {
            drift.months.get(at as usize).map(|month| month.month.clone()).unwrap_or_default()
        })
    };
    let least = drift.months.iter().filter_map(|month| month.p10).fold(50.0, f64::min);
    let y = Axis::new(Scale::Linear((least / 10.0).floor() * 10.0, 100.0), words.get("score_axis"));
    let mut spread = Plot::new(axis(), y, &[]);
    let band: Vec<_> = months().filter_map(|(at, month)| Some((at, month.p10?, month.p90?))).collect();
    spread
        .band("genuine", &band)
        .line("genuine", months().map(|(at, month)| (at, month.median.unwrap_or(f64::NAN))))
        .named("genuine", words.get("median_and_tenths"));
    let of_chance = drift.months.iter().filter_map(|month| month.psi_critical);
    let most = drift.months.iter().filter_map(|month| month.psi).chain(of_chance).fold(1e-4, f64::max);
    let mut psi = Plot::new(axis(), Axis::new(Scale::Linear(0.0, most * 1.15), "PSI"), &[]);
    // Each month has its own critical value, because few rows differ more by chance.
    psi.line("equal", months().map(|(at, month)| (at, month.psi_critical.unwrap_or(f64::NAN))));
    psi.line("impostor", months().map(|(at, month)| (at, month.psi.unwrap_or(f64::NAN))));
    for (at, month) in months() {
        let index = month.psi.unwrap_or(f64::NAN);
        psi.dot("impostor", (at, index), "", &format!("{}: {index:.4}", month.month));
    }
    psi.named("impostor", words.get("psi")).named("equal", words.get("psi_critical"));
    [spread.svg(words.get("spread")), psi.svg(words.get("psi"))]
}

/// Draws the share of rows that are not approved, day by day. `None` for a single day.
pub(super) fn days(tally: &Tally, words: Words) -> Option<String> {
    let (first, last) = (*tally.days.keys().next()?, *tally.days.keys().next_back()?);
    let since = |day: i32| u32::try_from(day.saturating_sub(first)).unwrap_or_default();
    if first == last {
        return None;
    }
    let share_of = |verdict| {
        let days = tally.days.iter();
        days.map(move |(day, share)| {
            let all = share.sum(|_, _, _| true).max(1);
            (f64::from(since(*day)), share.sum(|says, _, _| says == verdict) as f64 / all as f64)
        })
    };
    let others = Verdict::ALL.map(|verdict| (verdict, verdict.as_str()));
    let others = others.iter().skip(1);
    let most = others.clone().flat_map(|(verdict, _)| share_of(*verdict)).map(|(_, share)| share);
    let most = most.fold(0.01, f64::max);
    let name_of = |at| crate::input::time::shown(first.saturating_add(i32::try_from(at).unwrap_or(i32::MAX)));
    let x = Axis::named(since(last), words.get("day"), name_of);
    let mut plot = Plot::new(x, shares(most * 1.05, "share_of_day", words), &[]);
    for (verdict, class) in others {
        plot.line(class, share_of(*verdict)).named(class, words.get(class));
    }
    Some(plot.svg(words.get("not_approved_by_day")))
}
