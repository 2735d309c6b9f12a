//! The charts of a sweep: the errors and the expected cost with each value of the threshold.

use super::charts::{above_zero, error_rates, smallest_rate};
use super::plot::Plot;
use super::scale::{Axis, Scale, nice_step};
use super::words::Words;
use crate::analysis::figures::amount;
use crate::analysis::proportion::Proportion;
use crate::analysis::sweep::{Sweep, SweepOutcome, SweepValue, ValueCost};

/// Draws the errors with each value of a sweep, the current value, and the values that are not counted. `None` without labels.
pub(super) fn errors(sweep: &Sweep, words: Words) -> Option<String> {
    let rates = |of: fn(&SweepOutcome) -> Option<Proportion>| -> Vec<(f64, Option<Proportion>)> {
        sweep.values.iter().map(|value| (value.value, value.outcome.as_ref().and_then(of))).collect()
    };
    let both = [
        (rates(|outcome| outcome.fraud_approved), "impostor", "fraud_approved"),
        (rates(|outcome| outcome.customers_not_approved), "genuine", "not_approved"),
    ];
    let found = |rates: &[(f64, Option<Proportion>)]| {
        rates.iter().filter_map(|(_, rate)| Some(rate.as_ref()?.of)).max()
    };
    let most = both.iter().filter_map(|(rates, ..)| found(rates)).max()?;
    let mut plot = over_values(sweep, error_rates(smallest_rate(most, 1e-2), words), words)?;
    for (rates, class, name) in both.iter().filter(|(rates, ..)| found(rates).is_some()) {
        let of = |rate: &Option<Proportion>, of: fn(&Proportion) -> f64| rate.as_ref().map_or(f64::NAN, of);
        let ends = |rate| (of(rate, |rate| rate.low), of(rate, |rate| rate.high));
        let band: Vec<_> = rates.iter().map(|(at, rate)| (*at, ends(rate).0, ends(rate).1)).collect();
        let line = rates.iter().map(|(at, rate)| (*at, above_zero(rate.as_ref().and_then(|rate| rate.rate))));
        plot.band(class, &band).line(class, line).named(class, words.get(name));
    }
    Some(named_broken(&mut plot, sweep, words).svg(words.get("sweep")))
}

/// Draws the expected cost of 1,000 attempts with each value, the cheapest value, and the range around it whose cost the data cannot
/// tell from its cost. `None` without costs.
pub(super) fn costs(sweep: &Sweep, words: Words) -> Option<String> {
    let found = sweep.cost.as_ref()?;
    let cost = |value: &SweepValue| (value.value, value.outcome.as_ref().and_then(|outcome| outcome.cost));
    let costs: Vec<(f64, Option<ValueCost>)> = sweep.values.iter().map(cost).collect();
    let all = || costs.iter().filter_map(|(_, cost)| cost.as_ref());
    let low = all().map(|cost| cost.low).fold(f64::INFINITY, f64::min);
    let high = all().map(|cost| cost.high).fold(0.0, f64::max);
    // An axis from 0 would hide the shape of high costs that differ little.
    let step = nice_step((high - low) / 5.0);
    let from = if low > high / 2.0 { (low / step).floor() * step } else { 0.0 };
    let y = Axis::new(Scale::Linear(from, high), words.get("cost_per_1000"));
    let mut plot = over_values(sweep, y, words)?;
    let (first, last) = found.flat;
    if first < last {
        plot.shade("flat", first, last);
    }
    let of = |cost: &Option<ValueCost>, of: fn(&ValueCost) -> f64| cost.as_ref().map_or(f64::NAN, of);
    let ends = |cost| (of(cost, |cost| cost.low), of(cost, |cost| cost.high));
    let band: Vec<_> = costs.iter().map(|(at, cost)| (*at, ends(cost).0, ends(cost).1)).collect();
    let line = costs.iter().map(|(at, cost)| (*at, of(cost, |cost| cost.per_1000)));
    plot.band("cost", &band).line("cost", line).named("cost", words.get("cost_line"));
    if let Some((at, Some(cost))) = costs.iter().find(|(at, _)| *at == found.cheapest) {
        let title = format!("{} {at}: {}", sweep.threshold, amount(cost.per_1000));
        plot.dot("cost", (*at, cost.per_1000), &format!("{} {at}", words.get("cheapest")), &title);
    }
    if first < last {
        plot.named("flat", words.get("flat"));
    }
    Some(named_broken(&mut plot, sweep, words).svg(words.get("cost_h")))
}

/// Starts a plot over the values of a sweep, with the current value and the values that are not counted.
fn over_values(sweep: &Sweep, y: Axis, words: Words) -> Option<Plot> {
    let (from, to) = (sweep.values.first()?.value, sweep.values.last()?.value);
    let current = format!("{} {}", words.get("value_in_file"), sweep.current);
    let rules: Vec<_> =
        Some((sweep.current, current)).filter(|(at, _)| (from..=to).contains(at)).into_iter().collect();
    let mut plot = Plot::new(Axis::new(Scale::Linear(from, to), &sweep.threshold), y, &rules);
    for (from, to) in broken(sweep) {
        plot.hatch(from, to);
    }
    Some(plot)
}

fn named_broken<'p>(plot: &'p mut Plot, sweep: &Sweep, words: Words) -> &'p mut Plot {
    match broken(sweep).is_empty() {
        true => plot,
        false => plot.named("broken", words.get("not_counted")),
    }
}

/// Returns the ranges of values that are not counted. Each ends halfway to the next value that is.
fn broken(sweep: &Sweep) -> Vec<(f64, f64)> {
    let values = &sweep.values;
    let middle = |a: usize, b: usize| {
        let value = |at: usize| values.get(at).map(|value| value.value);
        value(a).zip(value(b)).map(|(a, b)| f64::midpoint(a, b))
    };
    let mut ranges = Vec::new();
    let mut at = 0;
    for run in values.chunk_by(|a, b| a.outcome.is_some() == b.outcome.is_some()) {
        let (first, next) = (at, at + run.len());
        at = next;
        if let [start, ..] = run
            && let [.., end] = run
            && start.outcome.is_none()
        {
            let from = first.checked_sub(1).and_then(|before| middle(before, first)).unwrap_or(start.value);
            ranges.push((from, middle(next - 1, next).unwrap_or(end.value)));
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use cloudauth_policy::{Policy, builtin};

    use super::*;
    use crate::analysis::sweep::SweepPlan;
    use crate::language::Language;
    use crate::tally::Tally;

    /// Returns a sweep of 1 to `valid.len()`, in which the check of the policy fails with some values.
    fn sweep(valid: &[bool]) -> Sweep {
        let policy = Policy::parse(builtin::ONBOARDING).unwrap();
        let plan = SweepPlan::new(builtin::ONBOARDING, "match_auto", vec![75.0]).unwrap();
        let mut sweep = Sweep::of(&Tally::new(&policy, None, &[]), &plan);
        let mut counted = sweep.values.pop().unwrap();
        let outcome = counted.outcome.as_mut().unwrap();
        outcome.fraud_approved = Some(Proportion::new(1, 100));
        for (number, valid) in (1_u32..).zip(valid) {
            let outcome = counted.outcome.filter(|_| *valid);
            sweep.values.push(crate::analysis::sweep::SweepValue {
                value: f64::from(number),
                outcome,
                ..counted.clone()
            });
        }
        sweep
    }

    #[test]
    fn values_that_are_not_counted_are_ranges_between_the_others() {
        let of = |valid: &[bool]| broken(&sweep(valid));
        assert_eq!(of(&[true, true]), []);
        assert_eq!(of(&[false, false, true, false, true, false]), [(1.0, 2.5), (3.5, 4.5), (5.5, 6.0)]);
        assert_eq!((of(&[false]), of(&[])), (vec![(1.0, 1.0)], vec![]));
    }

    #[test]
    fn a_value_that_is_not_counted_breaks_line_and_band() {
        let words = Words::of(Language::En);
        let drawn = |valid: &[bool]| errors(&sweep(valid), words);
        let whole = drawn(&[true; 5]).unwrap();
        assert!(!whole.contains("broken") && whole.matches("class='band").count() == 1, "{whole}");
        let parted = drawn(&[true, true, false, true, true]).unwrap();
        let line =
            parted.split("<path class='line impostor' d='").nth(1).unwrap().split('\'').next().unwrap();
        assert_eq!((line.matches('M').count(), parted.matches("class='band").count()), (2, 2), "{parted}");
        assert!(parted.contains("class='broken'") && parted.contains(words.get("not_counted")), "{parted}");
        assert_eq!(drawn(&[false, false]), None);
    }
}
