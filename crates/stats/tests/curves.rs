//! ROC, AUC, EER and thresholds against scikit-learn, pyeer, bob and pROC, on seven sets of scores: with ties, all equal,
//! inverted, with an impostor at the top.

#![cfg(test)]

mod support;

use cloudauth_stats::{
    Chosen, Confidence, Curve, LabelledGrid, ThresholdStep, attempts_needed, clopper_pearson,
    clopper_pearson_upper, threshold, threshold_interval, threshold_with,
};
use serde_json::Value;
use support::{Compared, SETS, json, scores};

fn sets() -> Vec<(&'static str, Value, Curve)> {
    let golden = json(include_str!("golden/metrics.json"));
    let curve = |csv| {
        let (genuine, impostor) = scores(csv);
        Curve::of(&genuine, &impostor).unwrap()
    };
    SETS.iter().map(|(name, csv)| (*name, golden[name].clone(), curve(csv))).collect()
}

#[test]
fn roc_points_match_the_reference() {
    let mut compared = Compared::default();
    for (name, golden, curve) in sets() {
        compared.count(curve.genuine(), &golden["n_genuine"], name);
        compared.count(curve.impostor(), &golden["n_impostor"], name);
        let points: Vec<_> = curve.points().collect();
        let roc = &golden["roc"];
        if roc["thresholds"].is_null() {
            compared.count(points.len() as u64, &roc["n_points"], name);
            for (index, key) in [(0, "first"), (roc["mid_index"].as_u64().unwrap() as usize, "mid")] {
                compared.exact(points[index].threshold, &roc[key][0], name);
                compared.count(points[index].fmr.count(), &roc[key][1], name);
                compared.count(points[index].fnmr.count(), &roc[key][2], name);
            }
            compared.count(points.iter().map(|point| point.fmr.count()).sum(), &roc["sum_fm"], name);
            compared.count(points.iter().map(|point| point.fnmr.count()).sum(), &roc["sum_fnm"], name);
            continue;
        }
        assert_eq!(points.len(), roc["thresholds"].as_array().unwrap().len());
        for (index, point) in points.iter().enumerate() {
            compared.exact(point.threshold, &roc["thresholds"][index], name);
            compared.count(point.fmr.count(), &roc["fm"][index], name);
            compared.count(point.fnmr.count(), &roc["fnm"][index], name);
        }
        // scikit-learn has the same number of points, and begins with the one that accepts no attempt.
        compared.count(points.len() as u64, &golden["sklearn_roc"]["n"], name);
        compared.exact(points.last().unwrap().threshold, &golden["sklearn_roc"]["first_threshold"], name);
    }
    assert_eq!(compared.values, 7 * 2 + 9 + 6 * 2 + 3 * (187 + 9 + 10 + 8 + 2 + 7));
}

#[test]
fn counts_rates_and_intervals_at_a_threshold() {
    let mut compared = Compared::default();
    for (name, golden, curve) in sets() {
        for (threshold, at) in golden["at"].as_object().unwrap() {
            let (what, threshold) = (format!("{name} at {threshold}"), threshold.parse::<f64>().unwrap());
            let (point, above) = (curve.at(threshold), curve.at(threshold.next_up()));
            compared.count(point.fmr.count(), &at["fm_ge"], &what);
            compared.count(point.fnmr.count(), &at["fnm_ge"], &what);
            compared.exact(point.fmr.fraction().unwrap(), &at["fmr_ge"], &what);
            compared.exact(point.fnmr.fraction().unwrap(), &at["fnmr_ge"], &what);
            if threshold.is_finite() {
                compared.count(above.fmr.count(), &at["fm_gt"], &what);
                compared.count(above.fnmr.count(), &at["fnm_gt"], &what);
            }
            for (rate, key) in [(point.fmr, "fmr_cp95"), (point.fnmr, "fnmr_cp95")] {
                let interval = clopper_pearson(rate, Confidence::P95);
                compared.relative(interval.low, &at[key][0], 1e-9, &what);
                compared.relative(interval.high, &at[key][1], 1e-9, &what);
            }
            let upper = clopper_pearson_upper(point.fmr, Confidence::P95);
            compared.relative(upper, &at["fmr_upper95_one_sided"], 1e-9, &what);
        }
    }
    assert_eq!(compared.values, 874);
}

#[test]
fn auc_and_eer_match_the_references() {
    let mut compared = Compared::default();
    for (name, golden, curve) in sets() {
        let auc = curve.auc().unwrap();
        compared.exact(auc, &golden["auc_mann_whitney"], name);
        for (tool, key) in [("sklearn_roc", "auc"), ("sklearn_roc", "auc_trapz")] {
            compared.absolute(auc, &golden[tool][key], 1e-14, name);
        }
        let (eer, golden_eer) = (curve.eer().unwrap(), &golden["eer"]);
        compared.absolute(eer.interpolated, &golden_eer["interpolated"], 1e-15, name);
        compared.absolute(curve.eer_of_hull().unwrap(), &golden_eer["rocch"], 1e-15, name);
        // pyeer lacks the threshold that accepts no attempt, and so reports an error rate of 1 for equal scores.
        if name == "constant" {
            assert_eq!((eer.low, eer.mid(), eer.high, eer.threshold), (0.0, 0.5, 1.0, 75.0));
            continue;
        }
        compared.absolute(auc, &golden["pyeer_auc"], 1e-14, name);
        compared.exact(eer.low, &golden_eer["pyeer_low"], name);
        compared.exact(eer.high, &golden_eer["pyeer_high"], name);
        compared.exact(eer.mid(), &golden_eer["pyeer"], name);
        compared.exact(eer.threshold, &golden_eer["pyeer_threshold"], name);
    }
    assert_eq!(compared.values, 7 * 5 + 6 * 5);
}

#[test]
fn thresholds_match_bob_where_it_does_not_interpolate() {
    let bob = json(include_str!("golden/bob.json"));
    let mut compared = Compared::default();
    for (name, _, curve) in sets() {
        let golden = &bob[name];
        for (threshold, rates) in golden["farfrr"].as_object().unwrap() {
            let point = curve.at(threshold.parse().unwrap());
            compared.exact(point.fmr.fraction().unwrap(), &rates[0], name);
            compared.exact(point.fnmr.fraction().unwrap(), &rates[1], name);
        }
        if ["continuous", "ties", "tiny", "separable"].contains(&name) {
            compared.exact(curve.eer().unwrap().mid(), &golden["eer"], name);
        }
        for (target, chosen) in golden["far_threshold"].as_object().unwrap() {
            // Its threshold is the next observed score; it allows the same number of errors.
            let ours = threshold(&curve, target.parse().unwrap(), ThresholdStep::Double).unwrap();
            compared.exact(ours.point.fmr.fraction().unwrap(), &chosen["far"], name);
        }
    }
    for (text, interval) in bob["clopper_pearson"].as_object().unwrap() {
        let (k, n) = text.split_once('/').unwrap();
        let rate = cloudauth_stats::Rate::new(k.parse().unwrap(), n.parse().unwrap()).unwrap();
        let ours = clopper_pearson(rate, Confidence::P95);
        compared.relative(ours.low, &interval[0], 1e-9, text);
        compared.relative(ours.high, &interval[1], 1e-9, text);
    }
    assert_eq!(compared.values, 7 * 10 + 4 + 7 * 8 + 8);
}

fn three_steps(
    compared: &mut Compared,
    golden: &Value,
    what: &str,
    choose: impl Fn(ThresholdStep) -> Chosen,
) {
    let steps = [
        ("t_smallest_double", ThresholdStep::Double),
        ("t_grid_0_01", ThresholdStep::Hundredths(1)),
        ("t_grid_0_5", ThresholdStep::Hundredths(50)),
    ];
    for (key, step) in steps {
        let chosen = choose(step);
        compared.count(chosen.allowed, &golden["max_k"], what);
        compared.exact(chosen.point.threshold, &golden[key], what);
    }
}

#[test]
fn thresholds_for_a_target_match_the_reference() {
    let mut compared = Compared::default();
    for (name, golden, curve) in sets() {
        for (target, golden) in golden["threshold_for_target_fmr"].as_object().unwrap() {
            let (what, target) = (format!("{name} for {target}"), target.parse::<f64>().unwrap());
            three_steps(&mut compared, golden, &what, |step| threshold(&curve, target, step).unwrap());
            let point = threshold(&curve, target, ThresholdStep::Double).unwrap().point;
            compared.exact(point.fmr.fraction().unwrap(), &golden["fmr_at_t"], &what);
            compared.exact(point.fnmr.fraction().unwrap(), &golden["fnmr_at_t"], &what);

            let sure = |step| threshold_with(&curve, target, Confidence::P95, step);
            let (proven, needed) = (&golden["conf95"], &golden["n_impostors_needed_zero_errors_95"]);
            if proven.is_null() {
                let none = sure(ThresholdStep::Double).unwrap_err();
                assert_eq!((none.have, none.need), (curve.impostor(), needed.as_u64()), "{what}");
                compared.values += 1;
            } else {
                three_steps(&mut compared, proven, &what, |step| sure(step).unwrap());
                let rate = cloudauth_stats::Rate::new(proven["max_k"].as_u64().unwrap(), curve.impostor());
                let upper = clopper_pearson_upper(rate.unwrap(), Confidence::P95);
                compared.relative(upper, &proven["upper95"], 1e-9, &what);
            }
            let interval = threshold_interval(&curve, target, Confidence::P95);
            if target == 0.0 {
                assert_eq!((interval, attempts_needed(target, 0, Confidence::P95)), (None, None));
                continue;
            }
            compared.count(attempts_needed(target, 0, Confidence::P95).unwrap(), needed, &what);
            let (interval, golden) = (interval.unwrap(), &golden["quantile_ci95"]);
            compared.count(interval.ranks.0, &golden["rank_hi"], &what);
            compared.count(interval.ranks.1, &golden["rank_lo"], &what);
            compared.exact(interval.scores.high, &golden["t_hi"], &what);
            compared.exact(interval.scores.low, &golden["t_lo"], &what);
            compared.relative(interval.coverage, &golden["coverage"], 1e-9, &what);
        }
    }
    assert_eq!(compared.values, 1086);
}

#[test]
fn a_grid_has_the_same_counts_at_its_thresholds() {
    let mut compared = 0;
    for (name, csv) in SETS {
        let (genuine, impostor) = scores(csv);
        let exact = Curve::of(&genuine, &impostor).unwrap();
        let mut grid = LabelledGrid::default();
        grid.genuine.add(&genuine);
        grid.impostor.add(&impostor);
        let coarse = grid.curve();
        for point in grid.operating_points() {
            assert_eq!(point, exact.at(point.threshold), "{name}");
            assert_eq!(point, coarse.at(point.threshold), "{name}");
            compared += 1;
        }
        if name != "continuous" {
            assert_eq!(coarse, exact, "{name}");
            assert_eq!(coarse.auc(), exact.auc());
        }
    }
    assert_eq!(compared, 7 * 10_002);
}

#[test]
fn no_attempts_have_no_rate() {
    let empty = Curve::of(&[], &[]).unwrap();
    assert_eq!((empty.auc(), empty.eer(), empty.eer_of_hull()), (None, None, None));
    assert_eq!(empty.at(50.0).fmr.fraction(), None);
    assert_eq!(threshold(&empty, 0.5, ThresholdStep::Double), None);
    assert_eq!(
        threshold_with(&empty, 0.5, Confidence::P95, ThresholdStep::Double).unwrap_err().need,
        Some(5)
    );
    assert_eq!(Curve::of(&[1.0, f64::NAN], &[]).unwrap_err().index(), 1);
    let one = Curve::of(&[80.0], &[60.0]).unwrap();
    assert_eq!((one.at(f64::NAN).fmr.count(), one.at(f64::NAN).fnmr.count()), (0, 1));
    assert_eq!(threshold(&one, 1.0, ThresholdStep::Double).unwrap().point.threshold, f64::NEG_INFINITY);
    assert_eq!(threshold(&one, f64::NAN, ThresholdStep::Double), None);
    for step in [ThresholdStep::Double, ThresholdStep::Hundredths(0), ThresholdStep::Hundredths(u32::MAX)] {
        assert!(step.above(f64::NAN).is_nan());
        assert_eq!(step.above(f64::INFINITY), f64::INFINITY);
        for score in [1e300, -1e300, 1e12, -1e12, 0.0, f64::MIN_POSITIVE] {
            assert!(step.above(score) > score, "{step:?} {score}");
        }
    }
}
