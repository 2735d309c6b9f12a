//! Properties of the statistics for arbitrary scores.

#![cfg(test)]

use cloudauth_stats::{
    Confidence, Curve, Grid, LabelledGrid, Rate, ThresholdStep, attempts_needed, clopper_pearson,
    clopper_pearson_upper, grid::edge_index, jeffreys, kolmogorov_smirnov, most_at, probit, threshold,
    wasserstein, wilson,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Realistic scores: with few decimals, and so with ties, or with all decimals.
fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0..=10_000_u32).prop_map(|k| f64::from(k) / 100.0),
        (0..=20_u32).prop_map(f64::from),
        0.0..=100.0
    ]
}

/// Any double, often an invalid score or one next to an edge of the grid.
fn any_double() -> impl Strategy<Value = f64> {
    let beside = (0..=10_000_u32).prop_map(|k| f64::from(k) / 100.0);
    prop_oneof![
        score(),
        any::<f64>(),
        beside.clone().prop_map(f64::next_up),
        beside.prop_map(f64::next_down),
        Just(f64::NAN),
    ]
}

fn rate() -> impl Strategy<Value = Rate> {
    (1..2_000_000_u64, 0.0..=1.0).prop_map(|(n, share)| Rate::new((n as f64 * share) as u64, n).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn a_higher_threshold_accepts_fewer(genuine in vec(score(), 0..60), impostor in vec(score(), 0..60)) {
        let curve = Curve::of(&genuine, &impostor).unwrap();
        let points: Vec<_> = curve.points().collect();
        for pair in points.windows(2) {
            prop_assert!(pair[0].threshold < pair[1].threshold);
            prop_assert!(pair[0].fmr.count() >= pair[1].fmr.count());
            prop_assert!(pair[0].fnmr.count() <= pair[1].fnmr.count());
        }
        for point in &points {
            let by_hand = impostor.iter().filter(|score| **score >= point.threshold).count() as u64;
            prop_assert_eq!(point.fmr.count(), by_hand);
            prop_assert_eq!(curve.at(point.threshold), *point);
        }
        prop_assert_eq!(points.last().unwrap().fmr.count(), 0);
    }

    #[test]
    fn auc_of_mirrored_scores_is_the_complement(genuine in vec(score(), 1..60), impostor in vec(score(), 1..60)) {
        let auc = Curve::of(&genuine, &impostor).unwrap().auc().unwrap();
        let mirrored = |scores: &[f64]| scores.iter().map(|score| -score).collect::<Vec<_>>();
        let other = Curve::of(&mirrored(&genuine), &mirrored(&impostor)).unwrap().auc().unwrap();
        prop_assert!((auc + other - 1.0).abs() < 1e-15);
        prop_assert!((Curve::of(&impostor, &genuine).unwrap().auc().unwrap() - other).abs() < 1e-15);
    }

    #[test]
    fn eer_is_between_its_ends(genuine in vec(score(), 1..60), impostor in vec(score(), 1..60)) {
        let curve = Curve::of(&genuine, &impostor).unwrap();
        let (eer, hull) = (curve.eer().unwrap(), curve.eer_of_hull().unwrap());
        prop_assert!(0.0 <= eer.low && eer.low <= eer.high && eer.high <= 1.0);
        prop_assert!(hull <= eer.interpolated + 1e-12 && hull <= 0.5 + 1e-12);
        prop_assert!(curve.points().any(|point| point.threshold == eer.threshold));
    }

    #[test]
    fn intervals_hold_the_rate(rate in rate(), confidence in 0.5..0.9999) {
        let confidence = Confidence::new(confidence).unwrap();
        let share = rate.fraction().unwrap();
        let exact = clopper_pearson(rate, confidence);
        for interval in [exact, wilson(rate, confidence), jeffreys(rate, confidence)] {
            prop_assert!(0.0 <= interval.low && interval.high <= 1.0);
            prop_assert!(interval.low <= share + 1e-15 && share <= interval.high + 1e-15);
        }
        // A higher confidence gives a wider interval, and a one-sided bound is tighter.
        prop_assert!(clopper_pearson_upper(rate, confidence) <= exact.high);
        let more = Rate::new(rate.count() + 1, rate.of() + 1).unwrap();
        prop_assert!(clopper_pearson(more, confidence).high >= exact.high - 1e-15);
    }

    #[test]
    fn attempts_needed_are_the_smallest_number(target in 1e-6..0.5_f64, errors in 0..5_u64) {
        let needed = attempts_needed(target, errors, Confidence::P95).unwrap();
        let bound = |n| clopper_pearson_upper(Rate::new(errors, n).unwrap(), Confidence::P95);
        prop_assert!(bound(needed) <= target * (1.0 + 1e-9));
        prop_assert!(needed == errors + 1 || bound(needed - 1) > target * (1.0 - 1e-9));
    }

    #[test]
    fn probit_is_odd_and_ascends(k in 1..1_u32 << 19, p in 1e-15..0.5_f64, q in 1e-15..0.5_f64) {
        let exact = f64::from(k) / f64::from(1_u32 << 20);
        prop_assert_eq!(probit(exact), -probit(1.0 - exact));
        prop_assert_eq!(probit(p) < probit(q), p < q);
    }

    #[test]
    fn grids_merge_to_the_grid_of_all(first in vec(any_double(), 0..80), second in vec(any_double(), 0..80)) {
        let mut merged = Grid::of(&first);
        prop_assert!(merged.merge(&Grid::of(&second)));
        let all = [first, second].concat();
        prop_assert_eq!(&merged, &Grid::of(&all));
        prop_assert_eq!(merged.valid() + merged.invalid(), all.len() as u64);
        // The grid of each label equals the grid of its scores, also with the vectorized code for many rows.
        let many: Vec<f64> = all.iter().copied().cycle().take(all.len() * 200).collect();
        let labels: Vec<bool> = (0..many.len()).map(|at| at % 3 == 0).collect();
        let mut labelled = LabelledGrid::default();
        labelled.add(&many, &labels);
        let only = |kind: bool| many.iter().zip(&labels).filter(move |row| *row.1 == kind).map(|row| *row.0);
        for (grid, kind) in [(&labelled.genuine, true), (&labelled.impostor, false)] {
            prop_assert_eq!(grid, &Grid::of(&only(kind).collect::<Vec<_>>()));
        }
    }

    #[test]
    fn a_grid_counts_like_a_comparison(scores in vec(any_double(), 0..80), k in 0..=10_000_u32) {
        let threshold = f64::from(k) / 100.0;
        let valid: Vec<f64> = scores.iter().copied().filter(|score| (0.0..=100.0).contains(score)).collect();
        let by_hand = valid.iter().filter(|score| **score >= threshold).count() as u64;
        prop_assert_eq!(Grid::of(&scores).at_least(threshold), Some(by_hand));
        prop_assert_eq!(Curve::of(&[], &valid).unwrap().at(threshold).fmr.count(), by_hand);
        prop_assert_eq!(edge_index(threshold), Some(k as usize));
        prop_assert_eq!(Grid::of(&scores).at_least(threshold.next_up()), None);
    }

    #[test]
    fn a_threshold_meets_its_target(impostor in vec(score(), 1..80), target in 0.0..1.0_f64) {
        let curve = Curve::of(&[], &impostor).unwrap();
        let allowed = most_at(target, impostor.len() as u64).unwrap();
        prop_assert!(allowed as f64 / impostor.len() as f64 <= target);
        prop_assert!((allowed + 1) as f64 / impostor.len() as f64 > target);
        let smallest = threshold(&curve, target, ThresholdStep::Double).unwrap().point;
        prop_assert!(smallest.fmr.fraction().unwrap() <= target);
        if smallest.threshold.is_finite() {
            prop_assert!(curve.at(smallest.threshold.next_down()).fmr.fraction().unwrap() > target);
        }
        for step in [1, 7, 50, 100] {
            let chosen = threshold(&curve, target, ThresholdStep::Hundredths(step)).unwrap().point;
            prop_assert!(chosen.fmr.fraction().unwrap() <= target);
            if chosen.threshold.is_finite() {
                let multiple = (chosen.threshold * 100.0 / f64::from(step)).round();
                prop_assert_eq!(multiple * f64::from(step) / 100.0, chosen.threshold);
                let before = (multiple - 1.0) * f64::from(step) / 100.0;
                prop_assert!(curve.at(before).fmr.fraction().unwrap() > target);
            }
        }
    }

    #[test]
    fn drift_is_zero_of_the_same_and_grows_with_a_shift(scores in vec(score(), 1..60), shift in 0.0..10.0_f64) {
        let shifted: Vec<f64> = scores.iter().map(|score| score - shift).collect();
        let distance = wasserstein(&scores, &shifted).unwrap().unwrap();
        prop_assert!((distance - shift).abs() < 1e-9, "{distance} {shift}");
        let same = kolmogorov_smirnov(&scores, &scores).unwrap().unwrap();
        prop_assert_eq!((same.distance, same.p), (0.0, 1.0));
        let moved = kolmogorov_smirnov(&scores, &shifted).unwrap().unwrap();
        prop_assert!((0.0..=1.0).contains(&moved.p) && (moved.fell || shift == 0.0 || moved.distance == 0.0));
    }
}

/// For every count of a total. The methods to compute a quantile change along the way, and the bounds must ascend throughout.
#[test]
fn bounds_ascend_with_the_count() {
    let mut last = clopper_pearson(Rate::new(0, 5000).unwrap(), Confidence::P95);
    for count in 1..=5000 {
        let next = clopper_pearson(Rate::new(count, 5000).unwrap(), Confidence::P95);
        assert!(
            next.low > last.low && (next.high > last.high || last.high == 1.0),
            "{count}: {last:?} {next:?}"
        );
        last = next;
    }
}
