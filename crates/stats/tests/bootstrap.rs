//! The bootstrap against the reference: generator, indices, replicates, percentiles.

#![cfg(test)]

mod support;

use cloudauth_stats::{
    Confidence, Curve, Draws, Rate, Resampler, ThresholdStep, clopper_pearson, percentile,
    percentile_interval, replicate_rate, replicate_rate_of_subjects, threshold,
};
use serde_json::Value;
use support::{Compared, SETS, json, labelled, number};

fn golden() -> Value {
    json(include_str!("golden/bootstrap.json"))
}

type Attempts = Vec<(u64, f64)>;

/// The data that the golden file was computed from.
fn data() -> (Attempts, Attempts) {
    let csv = SETS.iter().find(|(name, _)| *name == "ties").unwrap().1;
    let first = |label: &str, most| labelled(csv, label).into_iter().take(most).collect();
    (first("genuine", 300), first("impostor", 400))
}

#[test]
fn draws_match_the_reference_generator() {
    let (golden, mut compared) = (golden(), Compared::default());
    let mut draws = Draws::new(42);
    for bits in golden["seed42_first8"].as_array().unwrap() {
        assert_eq!(draws.bits().to_string(), bits.as_str().unwrap());
        compared.values += 1;
    }
    let mut draws = Draws::new(42);
    for index in golden["seed42_below10"].as_array().unwrap() {
        compared.count(draws.below(10) as u64, index, "an index below 10");
    }
    assert_eq!(compared.values, 8 + 20);
}

/// The golden file's five columns.
fn columns(curve: &Curve, golden: &Value) -> [f64; 5] {
    let at = curve.at(number(&golden["threshold"]));
    let chosen = threshold(curve, number(&golden["target_fmr"]), ThresholdStep::Double).unwrap().point;
    [
        at.fmr.fraction().unwrap(),
        at.fnmr.fraction().unwrap(),
        chosen.threshold,
        chosen.fnmr.fraction().unwrap(),
        curve.eer().unwrap().interpolated,
    ]
}

fn compare(golden: &Value, resampler: &Resampler) {
    let mut compared = Compared::default();
    let size = golden["B"].as_u64().unwrap() as usize;
    let replicates =
        resampler.replicates(size, golden["seed"].as_u64().unwrap(), |curve| columns(curve, golden));
    for (row, expected) in replicates.iter().zip(golden["first_3_replicates"].as_array().unwrap()) {
        for column in 0..5 {
            compared.absolute(row[column], &expected[column], 1e-15, "a replicate");
        }
    }
    for column in 0..5 {
        let values: Vec<f64> = replicates.iter().map(|row| row[column]).collect();
        let mean = values.iter().sum::<f64>() / size as f64;
        compared.relative(mean, &golden["mean"][column], 1e-13, "the mean");
        let interval = percentile_interval(&values, Confidence::P95).unwrap();
        compared.relative(interval.low, &golden["percentile_2_5"][column], 1e-13, "2.5 %");
        compared.relative(interval.high, &golden["percentile_97_5"][column], 1e-13, "97.5 %");
    }
    assert_eq!(compared.values, 15 + 15);
}

#[test]
fn resamples_attempts() {
    let (genuine, impostor) = data();
    let scores = |attempts: &[(u64, f64)]| attempts.iter().map(|(_, score)| *score).collect::<Vec<_>>();
    compare(&golden()["iid"], &Resampler::attempts(&scores(&genuine), &scores(&impostor)).unwrap());
}

#[test]
fn resamples_subjects() {
    let (genuine, impostor) = data();
    compare(&golden()["cluster"], &Resampler::subjects(&genuine, &impostor).unwrap());
}

#[test]
fn replicates_of_a_rate_spread_like_its_interval() {
    let rate = Rate::new(300, 1_000_000).unwrap();
    let values = replicate_rate(rate, 2000, 1);
    assert_eq!(values, replicate_rate(rate, 2000, 1));
    let (bootstrap, exact) =
        (percentile_interval(&values, Confidence::P95).unwrap(), clopper_pearson(rate, Confidence::P95));
    assert!((bootstrap.low / exact.low - 1.0).abs() < 0.02, "{bootstrap:?} {exact:?}");
    assert!((bootstrap.high / exact.high - 1.0).abs() < 0.02, "{bootstrap:?} {exact:?}");
    // A hundred attempts by each person carry no more information than one, if each person always has the same outcome.
    let people: Vec<Rate> =
        (0..1000).map(|at| Rate::new(if at < 30 { 100 } else { 0 }, 100).unwrap()).collect();
    let values = replicate_rate_of_subjects(&people, 2000, 1);
    let (bootstrap, exact) = (
        percentile_interval(&values, Confidence::P95).unwrap(),
        clopper_pearson(Rate::new(30, 1000).unwrap(), Confidence::P95),
    );
    assert!((bootstrap.low / exact.low - 1.0).abs() < 0.1, "{bootstrap:?} {exact:?}");
    assert!((bootstrap.high / exact.high - 1.0).abs() < 0.1, "{bootstrap:?} {exact:?}");
}

#[test]
fn percentiles_of_invalid_input_are_missing() {
    assert_eq!(
        (percentile(&[], 0.5), percentile(&[1.0, f64::NAN], 0.5), percentile(&[1.0], 1.5)),
        (None, None, None)
    );
    assert_eq!((percentile(&[3.0, 1.0], 0.25), percentile(&[2.0], 1.0)), (Some(1.5), Some(2.0)));
    let nothing = Resampler::attempts(&[], &[]).unwrap();
    assert_eq!(nothing.replicates(2, 0, Curve::auc), [None, None]);
    assert!(replicate_rate(Rate::new(0, 0).unwrap(), 1, 0)[0].is_nan());
    assert!(replicate_rate_of_subjects(&[], 1, 0)[0].is_nan());
}

#[test]
fn weights_have_the_moments_of_gamma_variables() {
    let mut draws = Draws::new(7);
    assert_eq!(draws.weight(0).to_bits(), 0);
    for units in [1, 2, 3, 40, 10_000] {
        let values: Vec<f64> = (0..20_000).map(|_| draws.weight(units)).collect();
        let moment = |power: i32, center: f64| {
            values.iter().map(|value| (value - center).powi(power)).sum::<f64>() / values.len() as f64
        };
        let shape = units as f64;
        let (mean, variance) = (moment(1, 0.0), moment(2, shape));
        assert!((mean / shape - 1.0).abs() < 5.0 / (20_000.0 * shape).sqrt(), "{units}: {mean}");
        assert!((variance / shape - 1.0).abs() < 0.08, "{units}: {variance}");
        // The skewness is 2 / sqrt(shape).
        let skewness = moment(3, shape) / shape.powf(1.5);
        assert!((skewness - 2.0 / shape.sqrt()).abs() < 0.25, "{units}: {skewness}");
    }
}
