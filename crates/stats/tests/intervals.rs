//! Intervals and quantiles against SciPy's, for counts up to 1e8.

#![cfg(test)]

mod support;

use cloudauth_stats::{
    Confidence, Rate, attempts_needed, clopper_pearson, clopper_pearson_lower, clopper_pearson_upper,
    jeffreys, poisson, probit, rule_of_3, wilson,
};
use serde_json::Value;
use support::{Compared, json, number};

#[test]
fn intervals_match_scipy() {
    let golden = json(include_str!("golden/intervals.json"));
    let mut compared = Compared::default();
    for row in golden["rows"].as_array().unwrap() {
        let (rate, confidence) = question(row);
        // SciPy's own upper bounds are up to 2e-9 off here, as the 40 digits of the next test show.
        let scipy_is_off = rate.of() == 100_000_000 && (1..4).contains(&rate.count());
        let tolerance = if scipy_is_off { 2e-9 } else { 1e-9 };
        for (name, interval) in [
            ("cp", clopper_pearson(rate, confidence)),
            ("wilson", wilson(rate, confidence)),
            ("jeffreys", jeffreys(rate, confidence)),
        ] {
            let what = format!("{name} of {rate} at {}", confidence.get());
            compared.relative(interval.low, &row[name][0], tolerance, &what);
            compared.relative(interval.high, &row[name][1], tolerance, &what);
            assert!(interval.contains(rate.fraction().unwrap()), "{what}");
        }
        let what = format!("one-sided bounds of {rate} at {}", confidence.get());
        compared.relative(clopper_pearson_lower(rate, confidence), &row["cp_one_sided"][0], tolerance, &what);
        compared.relative(clopper_pearson_upper(rate, confidence), &row["cp_one_sided"][1], tolerance, &what);
    }
    assert_eq!(compared.values, 416 * 8);
    println!("worst relative error {:e}", compared.worst);
}

fn question(row: &Value) -> (Rate, Confidence) {
    let rate = Rate::new(row["k"].as_u64().unwrap(), row["n"].as_u64().unwrap()).unwrap();
    (rate, Confidence::new(number(&row["conf"])).unwrap())
}

#[test]
fn intervals_match_forty_digits() {
    let golden = json(include_str!("golden/intervals_precise.json"));
    let mut compared = Compared::default();
    for row in golden["rows"].as_array().unwrap() {
        let (rate, confidence) = question(row);
        let what = format!("{rate} at {}", confidence.get());
        for (name, interval) in
            [("cp", clopper_pearson(rate, confidence)), ("jeffreys", jeffreys(rate, confidence))]
        {
            compared.relative(interval.low, &row[name][0], 1e-13, &what);
            compared.relative(interval.high, &row[name][1], 1e-13, &what);
        }
        compared.relative(clopper_pearson_upper(rate, confidence), &row["upper"], 1e-13, &what);
    }
    assert_eq!(compared.values, 32 * 5);
    println!("worst relative error {:e}", compared.worst);
}

#[test]
fn attempts_needed_match_the_reference() {
    let golden = json(include_str!("golden/intervals.json"));
    let mut compared = Compared::default();
    for row in golden["rule_of_3"].as_array().unwrap() {
        let target = number(&row["target"]);
        for (errors, name) in [(0, "n_exact_zero_errors_95"), (1, "n_exact_one_error_95")] {
            let needed = attempts_needed(target, errors, Confidence::P95).unwrap();
            if !row[name].is_null() {
                compared.count(needed, &row[name], &format!("{name} for {target}"));
            }
        }
        compared.count(rule_of_3(target).round() as u64, &row["n_rule_of_3"], "the rule of 3");
    }
    let thirty = &golden["rule_of_30"];
    let interval = poisson(thirty["k"].as_u64().unwrap(), Confidence::P90);
    for (side, end) in [interval.low, interval.high].into_iter().enumerate() {
        compared.relative(end, &thirty["poisson_90"][side], 1e-9, "Poisson");
        compared.relative(end / 30.0 - 1.0, &thirty["relative_90"][side], 1e-9, "Poisson, relative");
    }
    assert_eq!(compared.values, 3 * 3 + 2 * 2 + 4);
}

#[test]
fn normal_quantiles_match_the_reference() {
    let golden = json(include_str!("golden/paired_probit_pad.json"));
    let mut compared = Compared::default();
    for row in golden["probit"].as_array().unwrap() {
        compared.absolute(probit(number(&row["p"])), &row["z"], 1e-9, "probit");
    }
    assert_eq!(compared.values, 18);
    println!("worst error {:e}", compared.worst);
    assert_eq!((probit(0.0), probit(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    assert!(probit(-0.1).is_nan() && probit(1.1).is_nan() && probit(f64::NAN).is_nan());
}

#[test]
fn invalid_input_has_no_result() {
    assert_eq!((Rate::new(2, 1), Confidence::new(1.0), Confidence::new(f64::NAN)), (None, None, None));
    assert_eq!(attempts_needed(0.0, 0, Confidence::P95), None);
    assert_eq!(attempts_needed(f64::NAN, 0, Confidence::P95), None);
    let nothing = Rate::new(0, 0).unwrap();
    assert_eq!(nothing.fraction(), None);
    for interval in [clopper_pearson(nothing, Confidence::P95), wilson(nothing, Confidence::P95)] {
        assert_eq!((interval.low, interval.high), (0.0, 1.0));
    }
}
