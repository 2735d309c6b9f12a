//! ROC, AUC, EER and thresholds against scikit-learn, pyeer, bob and pROC, on seven sets of scores: with ties, all equal,
//! inverted, with an impostor at the top.

#![cfg(test)]

mod support;

use cloudauth_stats::{
    Auc, AucDifference, Chosen, Confidence, Curve, LabelledGrid, PairedScores, ThresholdStep,
    attempts_needed, clopper_pearson, clopper_pearson_upper, threshold, threshold_interval, threshold_with,
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

/// The second score of an attempt is its score without decimals, plus 0 to 10 by its place in the file.
fn with_second_scores(csv: &str) -> Vec<PairedScores> {
    let rows = csv.lines().skip(1).enumerate();
    rows.map(|(place, line)| {
        let mut fields = line.split(',');
        let genuine = u64::from(fields.next() == Some("genuine"));
        let first: f64 = fields.next().unwrap().parse().unwrap();
        let second = first.floor() + (place * 7 % 11) as f64;
        PairedScores { first, second, genuine, impostor: 1 - genuine }
    })
    .collect()
}

#[test]
fn delong_matches_proc() {
    let golden = json(include_str!("golden/planning.json"));
    let mut compared = Compared::default();
    for row in golden["delong"].as_array().unwrap() {
        let set = row["set"].as_str().unwrap();
        let csv = SETS.iter().find(|(name, _)| *name == set).unwrap().1;
        let (genuine, impostor) = scores(csv);
        let auc = Auc::of(&Curve::of(&genuine, &impostor).unwrap()).unwrap();
        compared.relative(auc.area, &row["auc"], 1e-12, set);
        compared.relative(auc.variance, &row["variance"], 1e-9, set);
        let interval = auc.interval(Confidence::P95);
        compared.relative(interval.low, &row["low"], 1e-9, set);
        compared.relative(interval.high, &row["high"], 1e-9, set);

        let paired = AucDifference::of(with_second_scores(csv)).unwrap();
        assert_eq!(paired.first.area, auc.area);
        compared.relative(paired.first.variance, &row["variance"], 1e-9, set);
        compared.relative(paired.second.area, &row["second"], 1e-12, set);
        compared.relative(paired.second.variance, &row["second_variance"], 1e-9, set);
        let covariance = (paired.first.variance + paired.second.variance - paired.variance) / 2.0;
        compared.absolute(covariance, &row["covariance"], 1e-15, set);
        compared.relative(paired.p(), &row["p"], 1e-9, set);
        let interval = paired.interval(Confidence::P95);
        compared.relative(interval.low, &row["diff_low"], 1e-9, set);
        compared.relative(interval.high, &row["diff_high"], 1e-9, set);
    }
    assert_eq!(compared.values, 7 * 11);
}

/// Rows of genuine scores and impostor scores. `subject` numbers their places.
fn rows_of<'a>(
    scores: [&'a [f64]; 2],
    subject: impl Fn(usize, bool) -> usize + Copy + 'a,
) -> impl Iterator<Item = (usize, f64, bool)> + 'a {
    let [genuine, impostor] = scores;
    let rows = |scores: &'a [f64], is_genuine| {
        scores.iter().enumerate().map(move |(place, score)| (subject(place, is_genuine), *score, is_genuine))
    };
    rows(genuine, true).chain(rows(impostor, false))
}

#[test]
fn subjects_with_one_attempt_each_have_the_variance_of_delong() {
    for (name, csv) in SETS {
        let (genuine, impostor) = scores(csv);
        let curve = Curve::of(&genuine, &impostor).unwrap();
        let auc = Auc::of(&curve).unwrap();
        let alone = |place: usize, is_genuine: bool| 2 * place + usize::from(is_genuine);
        let rows = || rows_of([&genuine, &impostor], alone);
        for known in [0, 3, usize::MAX] {
            // The attempts without a row are subjects, too.
            let found = Auc::of_subjects(&curve, rows().take(known)).unwrap();
            assert_eq!(found.area, auc.area);
            assert!((found.variance - auc.variance).abs() <= 1e-12 * auc.variance, "{name} {known}");
        }
    }
}

#[test]
fn attempts_of_one_subject_that_agree_are_one_attempt_of_an_area() {
    let (genuine, impostor) = scores(SETS[0].1);
    let auc = Auc::of(&Curve::of(&genuine, &impostor).unwrap()).unwrap();
    let four = |scores: &[f64]| -> Vec<f64> { scores.iter().flat_map(|score| [*score; 4]).collect() };
    let (genuine, impostor) = (four(&genuine), four(&impostor));
    let curve = Curve::of(&genuine, &impostor).unwrap();
    let of_four = |place: usize, is_genuine: bool| place / 4 * 2 + usize::from(is_genuine);
    let found = Auc::of_subjects(&curve, rows_of([&genuine, &impostor], of_four)).unwrap();
    assert_eq!(found.area, auc.area);
    assert!((found.variance / auc.variance - 1.0).abs() < 1e-12, "{} {}", found.variance, auc.variance);
    // Attempts that count as independent give a fourth of it.
    assert!(Auc::of(&curve).unwrap().variance < auc.variance / 3.9);
}

#[test]
fn subjects_with_attempts_of_both_kinds_have_a_covariance() {
    // By the definition, over all pairs.
    let (genuine, impostor) = ([9.0, 7.0, 4.0, 5.0], [6.0, 3.0, 8.0, 5.0]);
    let curve = Curve::of(&genuine, &impostor).unwrap();
    let placement = |score: f64, others: &[f64]| {
        let wins = others.iter().map(|other| f64::from(score > *other) + f64::from(score == *other) / 2.0);
        wins.sum::<f64>() / others.len() as f64
    };
    let area = genuine.iter().map(|score| placement(*score, &impostor)).sum::<f64>() / 4.0;
    let (mut squares, mut others, mut products) = (0.0, 0.0, 0.0);
    for (genuine_score, impostor_score) in genuine.iter().zip(&impostor) {
        let (u, w) =
            (placement(*genuine_score, &impostor) - area, 1.0 - placement(*impostor_score, &genuine) - area);
        (squares, others, products) = (squares + u * u, others + w * w, products + u * w);
    }
    let expected = (squares + others + 2.0 * products) * 4.0 / 3.0 / 16.0;
    let rows = (0..4).flat_map(|place| [(place, genuine[place], true), (place, impostor[place], false)]);
    let found = Auc::of_subjects(&curve, rows).unwrap();
    assert!((found.area - area).abs() < 1e-15 && (found.variance - expected).abs() < 1e-15, "{found:?}");
    assert!(products != 0.0);
    // One subject made all attempts.
    assert_eq!(Auc::of_subjects(&curve, rows_of([&genuine, &impostor], |_, _| 0)), None);
}

#[test]
fn counted_attempts_give_the_same_areas_as_single_ones() {
    let single = with_second_scores(SETS[1].1);
    let mut counted: Vec<PairedScores> = Vec::new();
    for attempt in &single {
        match counted.iter_mut().find(|row| (row.first, row.second) == (attempt.first, attempt.second)) {
            Some(row) => {
                row.genuine += attempt.genuine;
                row.impostor += attempt.impostor;
            }
            None => counted.push(*attempt),
        }
    }
    assert!(counted.len() < single.len());
    let (counted, single) = (AucDifference::of(counted).unwrap(), AucDifference::of(single).unwrap());
    assert_eq!(counted.difference(), single.difference());
    assert!((counted.variance / single.variance - 1.0).abs() < 1e-12);
}

#[test]
fn areas_need_two_attempts_of_each_kind_and_no_nan() {
    let attempt = |first, genuine, impostor| PairedScores { first, second: 1.0, genuine, impostor };
    assert_eq!(AucDifference::of([attempt(1.0, 2, 1)]), None);
    assert_eq!(AucDifference::of([attempt(1.0, 1, 2)]), None);
    assert_eq!(AucDifference::of([attempt(1.0, 2, 2), attempt(f64::NAN, 1, 1)]), None);
    // Each score orders all attempts, and they disagree: the placements do not vary.
    let attempt_of = |first, second, genuine, impostor| PairedScores { first, second, genuine, impostor };
    let opposed = AucDifference::of([attempt_of(1.0, 0.0, 2, 0), attempt_of(0.0, 1.0, 0, 2)]).unwrap();
    assert_eq!((opposed.difference(), opposed.variance, opposed.p()), (1.0, 0.0, 0.0));
    let same = AucDifference::of([attempt(1.0, 2, 2)]).unwrap();
    assert_eq!((same.difference(), same.variance, same.p()), (0.0, 0.0, 1.0));
    assert_eq!(Auc::of(&Curve::of(&[1.0], &[2.0, 3.0]).unwrap()), None);
}

/// One impostor causes every wrong pair: the variance is about the square of what is missing to 1. The upper limit of a Poisson
/// count of one is 5.57.
#[test]
fn an_interval_of_log_odds_is_wide_enough_near_1() {
    let auc = Auc { area: 1.0 - 1e-5, variance: 1e-10 };
    let interval = auc.logit_interval(Confidence::P95);
    assert!((1.0 - interval.low) / 1e-5 > 5.57 && interval.high < 1.0, "{interval:?}");
    assert!((1.0 - auc.interval(Confidence::P95).low) / 1e-5 < 3.0);
    let odds = |area: f64| (area / (1.0 - area)).ln();
    let wide = Auc { area: 0.7, variance: 0.01 }.logit_interval(Confidence::P95);
    assert!((odds(wide.low) + odds(wide.high) - 2.0 * odds(0.7)).abs() < 1e-12, "{wide:?}");
    let certain = Auc { area: 1.0, variance: 0.0 }.logit_interval(Confidence::P95);
    assert_eq!((certain.low, certain.high), (1.0, 1.0));
}
