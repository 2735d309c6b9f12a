//! Intervals, quantiles and the figures of planning against SciPy's and statsmodels', for counts up to 1e8.

#![cfg(test)]

mod support;

use cloudauth_stats::{
    Confidence, McNemarPlan, Queue, Rate, attempts_needed, clopper_pearson, clopper_pearson_lower,
    clopper_pearson_upper, fisher, holm, jeffreys, koopman, poisson, probit, rule_of_3, wilson,
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

fn planning(part: &str) -> Vec<Value> {
    let golden = json(include_str!("golden/planning.json"));
    golden[part].as_array().unwrap().clone()
}

fn confidence(row: &Value) -> Confidence {
    Confidence::new(number(&row["confidence"])).unwrap()
}

#[test]
fn attempts_needed_match_scipy_with_errors() {
    let mut compared = Compared::default();
    for row in planning("attempts_needed") {
        let errors = row["errors"].as_u64().unwrap();
        let needed = attempts_needed(number(&row["target"]), errors, confidence(&row)).unwrap();
        compared.count(needed, &row["needed"], &row.to_string());
    }
    assert_eq!(compared.values, 90);
}

#[test]
fn power_of_mcnemar_matches_the_sum_over_all_samples() {
    let mut compared = Compared::default();
    for row in planning("mcnemar_power") {
        let plan = McNemarPlan::new(number(&row["only_first"]), number(&row["only_second"])).unwrap();
        let power = plan.power(row["attempts"].as_u64().unwrap(), confidence(&row)).unwrap();
        compared.relative(power, &row["power"], 1e-9, &row.to_string());
    }
    assert_eq!(compared.values, 12);
}

#[test]
fn planned_attempts_are_the_first_with_the_power() {
    let p95 = Confidence::P95;
    for (first, second) in [(0.02, 0.01), (0.004, 0.0), (0.5, 0.1), (1.0, 0.0), (0.0, 1.0), (3e-4, 1e-4)] {
        let plan = McNemarPlan::new(first, second).unwrap();
        let attempts = plan.attempts(0.8, p95).unwrap();
        assert!(plan.power(attempts, p95).unwrap() >= 0.8, "{first} {second}: {attempts}");
        assert!(plan.power(attempts - 1, p95).unwrap() < 0.8, "{first} {second}: {attempts}");
    }
    assert_eq!(McNemarPlan::new(1.0, 0.0).unwrap().attempts(0.8, p95), Some(6));
    // More than half of the limit of a million changes. Twice as many would be above it.
    let plan = McNemarPlan::new(0.2, 0.2012).unwrap();
    let attempts = plan.attempts(0.8, p95).unwrap();
    assert!(plan.power(attempts, p95).unwrap() >= 0.8 && plan.power(attempts - 1, p95).unwrap() < 0.8);
    // The normal approximation (Connor 1987, Biometrics 43:207): z of 0.975 and of 0.8.
    let (changed, difference): (f64, f64) = (0.4012, 0.0012);
    let root = 1.959_964 * changed.sqrt() + 0.841_621 * (changed - difference.powi(2)).sqrt();
    let about = (root / difference).powi(2);
    assert!((attempts as f64 / about - 1.0).abs() < 2e-3, "{attempts} {about}");
    assert!(attempts as f64 * changed > 8e5, "{attempts}");
    // Equal policies, and a difference that a million changes do not show.
    assert_eq!(McNemarPlan::new(0.1, 0.1).unwrap().attempts(0.8, p95), None);
    assert_eq!(McNemarPlan::new(0.1, 0.100_001).unwrap().attempts(0.8, p95), None);
    // No number of attempts that can be counted is enough.
    assert_eq!(McNemarPlan::new(1e-20, 0.0).unwrap().attempts(0.8, p95), None);
    let invalid = [(0.6, 0.5), (0.0, 0.0), (-0.1, 0.2), (f64::NAN, 0.1)];
    assert!(invalid.iter().all(|(first, second)| McNemarPlan::new(*first, *second).is_none()));
}

#[test]
fn queues_match_the_poisson_form_of_erlang_c() {
    let mut compared = Compared::default();
    for row in planning("erlang_c") {
        let queue = Queue::of(number(&row["load"]), row["agents"].as_u64().unwrap()).unwrap();
        let what = row.to_string();
        compared.relative(queue.waits, &row["waits"], 1e-9, &what);
        compared.relative(queue.occupancy, &row["occupancy"], 1e-15, &what);
        compared.relative(queue.within(number(&row["wait"])), &row["within"], 1e-9, &what);
        compared.relative(queue.mean_wait(), &row["mean_wait"], 1e-9, &what);
    }
    for row in planning("agents_needed") {
        let (wait, service) = (number(&row["wait"]), number(&row["service"]));
        let queue = Queue::needed(number(&row["load"]), wait, service).unwrap();
        compared.count(queue.agents, &row["agents"], &row.to_string());
        assert_eq!(Queue::of(number(&row["load"]), queue.agents), Some(queue));
    }
    assert_eq!(compared.values, 10 * 4 + 7);
}

#[test]
fn an_overloaded_team_has_no_queue() {
    assert_eq!((Queue::of(5.0, 5), Queue::of(0.0, 5), Queue::of(f64::NAN, 5)), (None, None, None));
    let invalid =
        [(1e9, 0.0, 0.8), (f64::NAN, 0.0, 0.8), (1.0, -1.0, 0.8), (1.0, 0.0, 1.0), (1.0, f64::NAN, 0.8)];
    for (load, wait, service) in invalid {
        assert_eq!(Queue::needed(load, wait, service), None, "{load} {wait} {service}");
    }
}

#[test]
fn ratios_and_tests_of_groups_match_statsmodels_and_scipy() {
    let mut compared = Compared::default();
    for row in planning("groups") {
        let rate = |count: &str, of: &str| {
            Rate::new(row[count].as_u64().unwrap(), row[of].as_u64().unwrap()).unwrap()
        };
        let (first, second) = (rate("x", "n"), rate("y", "m"));
        let interval = koopman(first, second, confidence(&row)).unwrap();
        compared.relative(interval.low, &row["koopman"][0], 1e-9, &row.to_string());
        compared.relative(interval.high, &row["koopman"][1], 1e-9, &row.to_string());
        compared.relative(fisher(first, second), &row["fisher"], 1e-9, &row.to_string());
        compared.relative(fisher(second, first), &row["fisher"], 1e-9, &row.to_string());
    }
    assert_eq!(compared.values, 24 * 4);
    let nothing = Rate::new(0, 0).unwrap();
    assert_eq!(koopman(nothing, Rate::new(1, 2).unwrap(), Confidence::P95), None);
    assert_eq!(fisher(nothing, Rate::new(1, 2).unwrap()), 1.0);
}

#[test]
fn corrected_p_values_match_statsmodels() {
    let mut compared = Compared::default();
    for row in planning("holm") {
        let p: Vec<f64> = row["p"].as_array().unwrap().iter().map(number).collect();
        for (ours, golden) in holm(&p).into_iter().zip(row["holm"].as_array().unwrap()) {
            compared.relative(ours, golden, 1e-15, "Holm");
        }
    }
    assert_eq!(compared.values, 3 + 1 + 5 + 20);
    assert_eq!(holm(&[0.02, f64::NAN]), [0.04, 1.0]);
    assert!(holm(&[]).is_empty());
}
