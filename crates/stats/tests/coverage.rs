//! How often the intervals hold the truth, by simulation: 2,000 draws, or as many as `CLOUDAUTH_DRAWS` says (20,000 by hand).
//!
//! Each test says what share of its draws must hold the truth, and allows for three and a half standard errors of that share,
//! so that a right method fails once in thousands of runs with other seeds, and never with the fixed seed that passes.

#![cfg(test)]

mod support;

use cloudauth_stats::{
    Bins, Clusters, Confidence, Curve, Rate, Smoothing, clopper_pearson, clopper_pearson_upper,
    kolmogorov_smirnov, mcnemar, newcombe_paired, probit, psi, psi_critical, threshold_interval, wilson,
};
use support::simulation::{Simulation, draws};

/// At least this share of the draws must hold the truth.
fn holds_in_at_least(share: f64, held: u32, what: &str) {
    let all = f64::from(draws());
    let error = (share * (1.0 - share) / all).sqrt();
    let seen = f64::from(held) / all;
    assert!(seen >= share - 3.5 * error, "{what}: {seen} of the draws hold the truth, not {share}");
}

#[test]
fn paired_difference_holds_the_truth_in_95_of_100_samples() {
    // Of n attempts the shares that count in both rates, in the first only, and in the second only.
    let cases = [
        (2000, [0.1, 0.006, 0.0]),
        (2000, [0.1, 0.0005, 0.0]),
        (2000, [0.1, 0.002, 0.001]),
        (200, [0.3, 0.05, 0.03]),
        (50, [0.2, 0.1, 0.05]),
        (100_000, [1e-4, 5e-5, 2e-5]),
        (1_000_000, [1e-6, 3e-6, 0.0]),
        (500, [0.9, 0.02, 0.01]),
    ];
    for (n, shares) in cases {
        let mut simulation = Simulation::new(1);
        let truth = shares[1] - shares[2];
        let held = (0..draws()).filter(|_| {
            let [both, first, second] = simulation.multinomial(n, shares);
            let interval =
                newcombe_paired(both, first, second, n - both - first - second, Confidence::P95).unwrap();
            interval.contains(truth)
        });
        holds_in_at_least(0.95, held.count() as u32, &format!("{n} {shares:?}"));
    }
}

#[test]
fn paired_difference_never_falls_far_short() {
    let shares = |both: f64| [(0.02, 0.0), (0.1, 0.0), (0.1, 0.02), (0.005, 0.1)].map(|(b, c)| [both, b, c]);
    let small = [30_u64, 100, 300].into_iter().flat_map(|n| [0.02, 0.3, 0.6].map(|both| (n, both)));
    let settings = small.flat_map(|(n, both)| shares(both).map(|shares| (n, shares)));
    let mut seen = Vec::new();
    // The last is the worst of a wider search.
    for (n, shares) in settings.chain([(2000, [0.6, 0.005, 0.0])]) {
        let mut simulation = Simulation::new(8);
        let held = (0..draws()).filter(|_| {
            let [both, first, second] = simulation.multinomial(n, shares);
            let neither = n - both - first - second;
            let interval = newcombe_paired(both, first, second, neither, Confidence::P95).unwrap();
            interval.contains(shares[1] - shares[2])
        });
        let held = held.count() as u32;
        holds_in_at_least(0.925, held, &format!("{n} {shares:?}"));
        seen.push(f64::from(held) / f64::from(draws()));
    }
    let mean = seen.iter().sum::<f64>() / seen.len() as f64;
    assert!(mean >= 0.95, "{mean}");
}

#[test]
fn paired_difference_is_narrow_where_the_policies_agree() {
    // The same counts both ways: 200 attempts count in both rates, 12 only in the first.
    let one = newcombe_paired(200, 12, 0, 1788, Confidence::P95).unwrap();
    let other = newcombe_paired(200, 0, 12, 1788, Confidence::P95).unwrap();
    assert!((other.low + 0.00996487).abs() < 1e-8 && (other.high + 0.00229925).abs() < 1e-8, "{other:?}");
    assert!((one.low + other.high).abs() < 1e-15 && (one.high + other.low).abs() < 1e-15);
    // No attempt changes: less than a tenth of what two samples of that size would leave open.
    let none = newcombe_paired(212, 0, 0, 1788, Confidence::P95).unwrap();
    assert!(none.low > -0.002 && none.high < 0.002 && none.contains(0.0), "{none:?}");
    assert_eq!(newcombe_paired(0, 0, 0, 0, Confidence::P95), None);
    for all_of_one_kind in
        [[0, 0, 0, 5], [5, 0, 0, 0], [0, 5, 0, 0], [0, 0, 5, 0], [1, 1, 1, 1], [1, 9, 9, 1]]
    {
        let [both, first, second, neither] = all_of_one_kind;
        let interval = newcombe_paired(both, first, second, neither, Confidence::P95).unwrap();
        let difference = (first as f64 - second as f64) / (both + first + second + neither) as f64;
        assert!(
            interval.contains(difference) && interval.low >= -1.0 && interval.high <= 1.0,
            "{interval:?}"
        );
    }
}

#[test]
fn clopper_pearson_holds_the_truth_and_wilson_nearly() {
    for (n, p) in [(10, 0.3), (200, 0.01), (2000, 0.5), (100_000, 1e-4), (1_000_000, 1e-6), (30, 0.99)] {
        let mut simulation = Simulation::new(2);
        let (mut exact, mut short) = (0, 0);
        for _ in 0..draws() {
            let rate = Rate::new(simulation.binomial(n, p), n).unwrap();
            exact += u32::from(clopper_pearson(rate, Confidence::P95).contains(p));
            short += u32::from(wilson(rate, Confidence::P95).contains(p));
        }
        holds_in_at_least(0.95, exact, &format!("Clopper-Pearson {n} {p}"));
        // It holds on average over p; at a given one it may fall to this.
        holds_in_at_least(0.90, short, &format!("Wilson {n} {p}"));
    }
}

/// Impostors by person: each person's attempts share a part of their luck.
struct Population {
    people: usize,
    attempts: fn(&mut Simulation) -> usize,
    /// The correlation of two scores of one person.
    within: f64,
}

impl Population {
    /// The errors of each person at a threshold, in standard deviations above the mean score.
    fn errors(&self, simulation: &mut Simulation, threshold: f64) -> Vec<Rate> {
        let (own, rest) = (self.within.sqrt(), (1.0 - self.within).sqrt());
        let person = |_| {
            let (attempts, luck) = ((self.attempts)(simulation), simulation.normal());
            let errors =
                (0..attempts).filter(|_| own * luck + rest * simulation.normal() >= threshold).count();
            Rate::new(errors as u64, attempts as u64).unwrap()
        };
        (0..self.people).map(person).collect()
    }
}

/// A threshold is recommended too low exactly where the rate is said to be at most the target at the threshold that has the
/// target's rate: more errors never prove more.
#[test]
fn claims_over_people_are_wrong_in_at_most_5_of_100_samples() {
    let populations = [
        Population { people: 300, attempts: |_| 10, within: 0.8 },
        Population { people: 300, attempts: |_| 10, within: 1.0 },
        Population { people: 400, attempts: |_| 1, within: 0.0 },
        // Many try once and some often.
        Population { people: 500, attempts: |s| if s.unit() < 0.02 { 20 } else { 1 }, within: 0.8 },
        Population { people: 500, attempts: |s| 1 + s.below(4), within: 0.9 },
    ];
    let (target, threshold) = (0.01, -probit(0.01));
    let mut naive = 0;
    for (number, population) in populations.iter().enumerate() {
        let mut simulation = Simulation::new(3);
        let mut wrong = 0;
        // Each draw is some thousand attempts: half of the draws is enough.
        for _ in 0..draws() / 2 {
            let people = population.errors(&mut simulation, threshold);
            let clusters: Clusters = people.into_iter().collect();
            wrong += u32::from(clusters.is_at_most(target, Confidence::P95));
            let by_attempts = clopper_pearson_upper(clusters.rate(), Confidence::P95) <= target;
            naive += u32::from(number == 0 && by_attempts);
        }
        let all = f64::from(draws() / 2);
        let share = f64::from(wrong) / all;
        assert!(share <= 0.05 + 3.5 * (0.05 * 0.95 / all).sqrt(), "{number}: {share}");
    }
    // What the same claim over attempts does: this is the fault.
    assert!(f64::from(naive) / f64::from(draws() / 2) > 0.15, "{naive}");
}

#[test]
fn interval_over_people_holds_the_truth() {
    let population = Population { people: 150, attempts: |s| 1 + s.below(5), within: 0.8 };
    for truth in [0.02, 0.3] {
        let mut simulation = Simulation::new(4);
        let held = (0..draws()).filter(|at| {
            // An interval costs more than a claim.
            if at % 10 > 0 {
                return true;
            }
            let people: Clusters = population.errors(&mut simulation, -probit(truth)).into_iter().collect();
            people.interval(Confidence::P95).contains(truth)
        });
        let missed = draws() - held.count() as u32;
        let all = f64::from(draws() / 10);
        assert!(
            f64::from(missed) / all <= 0.05 + 3.5 * (0.05 * 0.95 / all).sqrt(),
            "{truth}: {missed} of {all}"
        );
    }
}

#[test]
fn threshold_interval_holds_the_true_threshold() {
    for (n, target) in [(200, 0.05), (2000, 0.01), (1000, 0.001)] {
        let mut simulation = Simulation::new(5);
        // Of uniform scores from 0 to 100 the threshold for a rate is known.
        let truth = 100.0 * (1.0 - target);
        let held = (0..draws() / 4).filter(|_| {
            let scores: Vec<f64> = (0..n).map(|_| 100.0 * simulation.unit()).collect();
            let interval =
                threshold_interval(&Curve::of(&[], &scores).unwrap(), target, Confidence::P95).unwrap();
            interval.scores.contains(truth)
        });
        let (held, all) = (held.count() as f64, f64::from(draws() / 4));
        assert!(held / all >= 0.95 - 3.5 * (0.95 * 0.05 / all).sqrt(), "{n} {target}: {held} of {all}");
    }
}

#[test]
fn tests_of_drift_and_change_keep_their_error_rate() {
    let mut simulation = Simulation::new(6);
    let all = draws() / 4;
    let (mut by_distance, mut by_index, mut by_change) = (0, 0, 0);
    for _ in 0..all {
        let mut sample = |size| (0..size).map(|_| simulation.normal()).collect::<Vec<_>>();
        let (small, other) = (sample(15), sample(25));
        by_distance += u32::from(kolmogorov_smirnov(&small, &other).unwrap().unwrap().p <= 0.05);
        let (reference, current) = (sample(1000), sample(400));
        let bins = Bins::quantiles(&reference, 10).unwrap();
        let index = psi(&bins.count(&reference), &bins.count(&current), Smoothing::HalfCount).unwrap();
        by_index += u32::from(index > psi_critical(10, 1000, 400, Confidence::P95).unwrap());
        let first = simulation.binomial(20, 0.5);
        by_change += u32::from(mcnemar(first, 20 - first).p <= 0.05);
    }
    for (alarms, what) in [(by_distance, "KS"), (by_index, "PSI"), (by_change, "McNemar")] {
        let (share, error) = (f64::from(alarms) / f64::from(all), (0.05 * 0.95 / f64::from(all)).sqrt());
        assert!(share <= 0.05 + 3.5 * error, "{what}: {share}");
    }
}
