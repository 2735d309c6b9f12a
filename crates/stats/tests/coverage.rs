//! The coverage of the intervals, by simulation: 2,000 draws for each setting, or the number in `CLOUDAUTH_DRAWS`. Slow
//! settings are separate tests.
//!
//! Each test states the share of draws whose interval must contain the true value, and allows for three and a half standard
//! errors of that share. A correct method fails once in thousands of runs with other seeds, and never with the fixed seed.

#![cfg(test)]

mod support;

use cloudauth_stats::{
    Auc, AucDifference, Bins, Clusters, Confidence, Curve, PairedClusters, PairedScores, Rate, Smoothing,
    clopper_pearson, clopper_pearson_upper, difference_of, holm, kolmogorov_smirnov, mcnemar, most_at_with,
    newcombe_paired, p_of_difference, probit, psi, psi_critical, ratio_of, threshold_interval, wilson,
};
use support::simulation::{Simulation, draws};

/// Checks that at least this share of the intervals contain the true value.
fn holds_in_at_least(share: f64, held: u32, what: &str) {
    let all = f64::from(draws());
    let error = (share * (1.0 - share) / all).sqrt();
    let seen = f64::from(held) / all;
    assert!(seen >= share - 3.5 * error, "{what}: {seen} of the draws hold the truth, not {share}");
}

#[test]
fn paired_difference_holds_the_truth_in_95_of_100_samples() {
    // The number of attempts, and the shares that count in both rates, in the first only, and in the second only.
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
fn paired_difference_never_covers_much_less() {
    let shares = |both: f64| [(0.02, 0.0), (0.1, 0.0), (0.1, 0.02), (0.005, 0.1)].map(|(b, c)| [both, b, c]);
    let small = [30_u64, 100, 300].into_iter().flat_map(|n| [0.02, 0.3, 0.6].map(|both| (n, both)));
    let settings = small.flat_map(|(n, both)| shares(both).map(|shares| (n, shares)));
    let mut seen = Vec::new();
    // The last setting is the worst one of a wider search.
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
    // No attempt changes: the interval is less than a tenth as wide as that of two separate samples.
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
        // Its coverage is right on average over p; at a single p it may be this low.
        holds_in_at_least(0.90, short, &format!("Wilson {n} {p}"));
    }
}

/// Impostors by person: scores of one person are correlated.
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

/// Checks that at most this share of the draws raise a false alarm.
fn alarms_in_at_most(share: f64, alarms: u32, what: &str) {
    let all = f64::from(draws());
    let (seen, error) = (f64::from(alarms) / all, (share * (1.0 - share) / all).sqrt());
    assert!(seen <= share + 3.5 * error, "{what}: {seen} of the draws are wrong, not {share}");
}

/// A proved threshold is too low exactly if the target is proved at the threshold that has the target's rate, because more
/// errors never prove more.
#[test]
fn claims_over_attempts_are_wrong_in_at_most_5_of_100_samples() {
    for (n, target) in [(400, 0.01), (3000, 0.001), (100_000, 1e-4), (300, 0.1)] {
        let (mut simulation, allowed) =
            (Simulation::new(9), most_at_with(target, n, Confidence::P95).unwrap());
        let wrong = (0..draws()).filter(|_| simulation.binomial(n, target) <= allowed).count();
        alarms_in_at_most(0.05, wrong as u32, &format!("{n} {target}"));
    }
}

/// The number of draws in which a claim over people, and the same claim over attempts, is wrong.
fn wrong_claims(population: &Population) -> (u32, u32) {
    let (target, threshold) = (0.01, -probit(0.01));
    let mut simulation = Simulation::new(3);
    let (mut over_people, mut over_attempts) = (0, 0);
    for _ in 0..draws() {
        let clusters: Clusters = population.errors(&mut simulation, threshold).into_iter().collect();
        over_people += u32::from(clusters.is_at_most(target, Confidence::P95));
        let bound = clopper_pearson_upper(clusters.rate(), Confidence::P95);
        over_attempts += u32::from(bound <= target);
    }
    (over_people, over_attempts)
}

#[test]
fn claims_over_people_are_wrong_in_at_most_5_of_100_samples() {
    let population = Population { people: 300, attempts: |_| 10, within: 0.8 };
    let (over_people, over_attempts) = wrong_claims(&population);
    alarms_in_at_most(0.05, over_people, "ten attempts each");
    // The same claim over attempts is wrong far more often.
    assert!(f64::from(over_attempts) / f64::from(draws()) > 0.15, "{over_attempts}");
}

#[test]
fn claims_over_people_whose_attempts_agree_are_wrong_in_at_most_5_of_100_samples() {
    let population = Population { people: 300, attempts: |_| 10, within: 1.0 };
    alarms_in_at_most(0.05, wrong_claims(&population).0, "the same result each time");
}

#[test]
fn claims_over_people_with_different_attempts_are_wrong_in_at_most_5_of_100_samples() {
    let populations = [
        Population { people: 400, attempts: |_| 1, within: 0.0 },
        // Most people have one attempt, some have many.
        Population { people: 500, attempts: |s| if s.unit() < 0.02 { 20 } else { 1 }, within: 0.8 },
        Population { people: 500, attempts: |s| 1 + s.below(4), within: 0.9 },
    ];
    for (number, population) in populations.iter().enumerate() {
        alarms_in_at_most(0.05, wrong_claims(population).0, &format!("population {number}"));
    }
}

fn interval_over_people_holds(people: usize, truth: f64) {
    let population = Population { people, attempts: |s| 1 + s.below(5), within: 0.8 };
    let mut simulation = Simulation::new(4);
    let held = (0..draws()).filter(|_| {
        let people: Clusters = population.errors(&mut simulation, -probit(truth)).into_iter().collect();
        people.interval(Confidence::P95).contains(truth)
    });
    holds_in_at_least(0.95, held.count() as u32, &format!("{people} {truth}"));
}

#[test]
fn interval_over_people_holds_a_small_rate() {
    interval_over_people_holds(150, 0.05);
}

#[test]
fn interval_over_people_holds_a_large_rate() {
    interval_over_people_holds(60, 0.3);
}

/// Two policies on the same attempts of few people. Scores of one person are correlated; the second policy has another threshold, and
/// with `own_scores` a matcher of its own.
struct TwoPolicies {
    people: Population,
    /// The error rates of both policies.
    rates: [f64; 2],
    own_scores: bool,
}

/// The number of draws in which the interval over people holds the true difference, in which that over attempts does, and in which
/// the p-value over people is at most 0.05.
fn differences(policies: &TwoPolicies) -> [u32; 3] {
    let [first_at, second_at] = policies.rates.map(|rate| -probit(rate));
    let truth = policies.rates[0] - policies.rates[1];
    let (own, rest) = (policies.people.within.sqrt(), (1.0 - policies.people.within).sqrt());
    let (mut simulation, mut found) = (Simulation::new(10), [0; 3]);
    for _ in 0..draws() {
        let (mut people, mut all) = (PairedClusters::default(), [0; 4]);
        for _ in 0..policies.people.people {
            let (luck, other) = (simulation.normal(), simulation.normal());
            let mut counts = [0; 4];
            for _ in 0..(policies.people.attempts)(&mut simulation) {
                let first = own * luck + rest * simulation.normal();
                let second =
                    if policies.own_scores { own * other + rest * simulation.normal() } else { first };
                counts[usize::from(first < first_at) * 2 + usize::from(second < second_at)] += 1;
            }
            let [both, only_first, only_second, neither] = counts;
            people.extend([(only_first, only_second, both + only_first + only_second + neither, 1)]);
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        let [both, only_first, only_second, neither] = all;
        let over_attempts = newcombe_paired(both, only_first, only_second, neither, Confidence::P95);
        found[0] += u32::from(people.interval(Confidence::P95).unwrap().contains(truth));
        found[1] += u32::from(over_attempts.unwrap().contains(truth));
        found[2] += u32::from(people.p() <= 0.05);
    }
    found
}

#[test]
fn paired_difference_over_few_people_holds_the_truth_in_95_of_100_samples() {
    let population = |people, attempts, within| Population { people, attempts, within };
    let cases = [
        // Thirty people with twenty attempts each.
        TwoPolicies { people: population(30, |_| 20, 0.8), rates: [0.2, 0.1], own_scores: false },
        TwoPolicies { people: population(30, |_| 20, 0.8), rates: [0.1, 0.1], own_scores: true },
        TwoPolicies {
            people: population(100, |s| 1 + s.below(20), 0.9),
            rates: [0.02, 0.05],
            own_scores: false,
        },
        TwoPolicies { people: population(8, |_| 40, 0.5), rates: [0.3, 0.3], own_scores: true },
    ];
    for (number, case) in cases.iter().enumerate() {
        let [over_people, over_attempts, alarms] = differences(case);
        holds_in_at_least(0.95, over_people, &format!("case {number}"));
        // The interval over attempts is far too short.
        assert!(f64::from(over_attempts) < 0.9 * f64::from(draws()), "{number}: {over_attempts}");
        if case.rates[0] == case.rates[1] {
            alarms_in_at_most(0.05, alarms, &format!("case {number}"));
        }
    }
}

/// The number of draws in which one of three groups of people is reported to differ from the others, although all have the same rate,
/// in which the interval of the difference of two groups leaves out 0, in which that of their ratio leaves out 1, and in which the first
/// group has a p-value of at most 0.005, as a correction for ten groups asks for.
fn group_alarms(groups: [usize; 3], attempts: fn(&mut Simulation) -> usize, rate: f64) -> [u32; 4] {
    let mut simulation = Simulation::new(11);
    let [mut alarms, mut missed, mut missed_ratio, mut small] = [0; 4];
    for _ in 0..draws() {
        let people = groups.map(|people| {
            let group = Population { people, attempts, within: 0.8 };
            group.errors(&mut simulation, -probit(rate))
        });
        let estimated = |numbers: &[usize]| {
            let clusters: Clusters =
                numbers.iter().flat_map(|number| people[*number].iter().copied()).collect();
            (clusters.rate().fraction().unwrap(), clusters.interval(Confidence::P95))
        };
        let own = [0, 1, 2].map(|group| estimated(&[group]));
        let others = [[1, 2], [0, 2], [0, 1]].map(|groups| estimated(&groups));
        let p = [0, 1, 2].map(|group| p_of_difference(own[group], others[group], Confidence::P95));
        small += u32::from(p[0] <= 0.005);
        alarms += u32::from(holm(&p).iter().any(|p| *p <= 0.05));
        missed += u32::from(!difference_of(own[0], own[1]).contains(0.0));
        missed_ratio += u32::from(!ratio_of(own[0], own[1]).contains(1.0));
    }
    [alarms, missed, missed_ratio, small]
}

fn groups_of_people_are_told_apart_in_at_most_5_of_100_samples(
    groups: [usize; 3],
    attempts: fn(&mut Simulation) -> usize,
    rate: f64,
) {
    let [alarms, missed, missed_ratio, small] = group_alarms(groups, attempts, rate);
    alarms_in_at_most(0.05, alarms, &format!("{groups:?} {rate}"));
    alarms_in_at_most(0.05, missed, &format!("{groups:?} {rate}, difference"));
    alarms_in_at_most(0.05, missed_ratio, &format!("{groups:?} {rate}, ratio"));
    alarms_in_at_most(0.005, small, &format!("{groups:?} {rate}, many groups"));
}

#[test]
fn small_groups_of_people_with_many_attempts_are_told_apart_in_at_most_5_of_100_samples() {
    groups_of_people_are_told_apart_in_at_most_5_of_100_samples([20, 30, 60], |_| 10, 0.1);
}

#[test]
fn groups_of_people_with_rare_errors_are_told_apart_in_at_most_5_of_100_samples() {
    groups_of_people_are_told_apart_in_at_most_5_of_100_samples([40, 30, 60], |s| 1 + s.below(3), 0.05);
}

fn threshold_interval_holds(n: u32, target: f64) {
    let mut simulation = Simulation::new(5);
    // For uniform scores from 0 to 100, the true threshold of a rate is known.
    let truth = 100.0 * (1.0 - target);
    let held = (0..draws()).filter(|_| {
        let scores: Vec<f64> = (0..n).map(|_| 100.0 * simulation.unit()).collect();
        let interval =
            threshold_interval(&Curve::of(&[], &scores).unwrap(), target, Confidence::P95).unwrap();
        interval.scores.contains(truth)
    });
    holds_in_at_least(0.95, held.count() as u32, &format!("{n} {target}"));
}

#[test]
fn threshold_interval_holds_the_threshold_of_a_large_rate() {
    threshold_interval_holds(200, 0.05);
    threshold_interval_holds(600, 0.01);
}

#[test]
fn threshold_interval_holds_the_threshold_of_a_small_rate() {
    threshold_interval_holds(1000, 0.001);
}

#[test]
fn psi_is_above_its_critical_value_in_5_of_100_samples_without_drift() {
    let mut simulation = Simulation::new(6);
    let alarms = (0..draws()).filter(|_| {
        let mut sample = |size| (0..size).map(|_| simulation.unit()).collect::<Vec<_>>();
        let (reference, current) = (sample(500), sample(200));
        let bins = Bins::quantiles(&reference, 10).unwrap();
        let index = psi(&bins.count(&reference), &bins.count(&current), Smoothing::HalfCount).unwrap();
        index > psi_critical(10, 500, 200, Confidence::P95).unwrap()
    });
    alarms_in_at_most(0.05, alarms.count() as u32, "PSI");
}

#[test]
fn tests_of_drift_and_change_keep_their_error_rate() {
    let mut simulation = Simulation::new(6);
    let (mut by_distance, mut by_change) = (0, 0);
    for _ in 0..draws() {
        let mut sample = |size| (0..size).map(|_| simulation.normal()).collect::<Vec<_>>();
        let (small, other) = (sample(15), sample(25));
        by_distance += u32::from(kolmogorov_smirnov(&small, &other).unwrap().unwrap().p <= 0.05);
        let first = simulation.binomial(20, 0.5);
        by_change += u32::from(mcnemar(first, 20 - first).p <= 0.05);
    }
    alarms_in_at_most(0.05, by_distance, "KS");
    alarms_in_at_most(0.05, by_change, "McNemar");
}

/// The number of samples whose intervals of the AUC hold its true value: over people, and over attempts. Scores are normal, and
/// those of one person correlate by 0.6. Each third person has attempts of both kinds.
fn areas_that_hold(people: usize, attempts: usize, area: f64) -> [u32; 2] {
    let mut simulation = Simulation::new(19);
    let [mut over_people, mut over_attempts] = [0; 2];
    for _ in 0..draws() {
        let (mut rows, mut scores) = (Vec::new(), [Vec::new(), Vec::new()]);
        for person in 0..people {
            let own = simulation.normal();
            for attempt in 0..attempts {
                let is_genuine = if person % 3 == 0 { attempt % 2 == 0 } else { person % 3 == 1 };
                let mean = if is_genuine { 2.0_f64.sqrt() * probit(area) } else { 0.0 };
                let score = mean + 0.6_f64.sqrt() * own + 0.4_f64.sqrt() * simulation.normal();
                rows.push((person, score, is_genuine));
                scores[usize::from(is_genuine)].push(score);
            }
        }
        let curve = Curve::of(&scores[1], &scores[0]).unwrap();
        let [of_people, of_attempts] = [Auc::of_subjects(&curve, rows), Auc::of(&curve)]
            .map(|auc| auc.unwrap().logit_interval(Confidence::P95).contains(area));
        over_people += u32::from(of_people);
        over_attempts += u32::from(of_attempts);
    }
    [over_people, over_attempts]
}

#[test]
fn interval_of_an_area_holds_the_truth_in_about_95_of_100_samples() {
    for (people, attempts, area, least) in
        [(90, 1, 0.8, 0.935), (75, 4, 0.8, 0.935), (150, 4, 0.95, 0.935), (150, 4, 0.99, 0.92)]
    {
        let [over_people, over_attempts] = areas_that_hold(people, attempts, area);
        holds_in_at_least(least, over_people, &format!("{people} {attempts} {area}"));
        if attempts > 1 {
            let share = f64::from(over_attempts) / f64::from(draws());
            assert!(share < 0.87, "attempts are not independent: {share}");
        }
    }
}

/// The number of samples that take the areas of two matchers for different, although they are the same: over people, and over
/// attempts. Both scores are the same normal number with noise of their own, and the attempts of one person correlate by 0.6.
fn false_differences(people: usize, attempts: usize, area: f64) -> [u32; 2] {
    let mut simulation = Simulation::new(23);
    let [mut over_people, mut over_attempts] = [0; 2];
    for _ in 0..draws() {
        let mut rows = Vec::new();
        for person in 0..people {
            let own = [0; 3].map(|_| simulation.normal());
            for attempt in 0..attempts {
                let is_genuine = if person % 3 == 0 { attempt % 2 == 0 } else { person % 3 == 1 };
                let mean = if is_genuine { 2.0_f64.sqrt() * probit(area) } else { 0.0 };
                let [common, first, second] =
                    own.map(|own| 0.6_f64.sqrt() * own + 0.4_f64.sqrt() * simulation.normal());
                let score = |noise: f64| mean + 0.8_f64.sqrt() * common + 0.2_f64.sqrt() * noise;
                let (genuine, impostor) = (u64::from(is_genuine), u64::from(!is_genuine));
                let (first, second) = (score(first), score(second));
                rows.push((Some(person), PairedScores { first, second, genuine, impostor }));
            }
        }
        let by_attempts = AucDifference::of(rows.iter().map(|(_, attempt)| *attempt)).unwrap();
        over_attempts += u32::from(by_attempts.p() <= 0.05);
        over_people += u32::from(AucDifference::of_subjects(rows).unwrap().p() <= 0.05);
    }
    [over_people, over_attempts]
}

#[test]
fn two_matchers_that_are_alike_differ_in_about_5_of_100_samples() {
    // A third of the people have one label, a third the other, and a third both: 45 people are 30 of each label.
    let cases = [(90, 1, 0.8), (45, 4, 0.8), (75, 4, 0.8), (150, 4, 0.95), (150, 4, 0.99)];
    for (people, attempts, area) in cases {
        let [over_people, over_attempts] = false_differences(people, attempts, area);
        alarms_in_at_most(0.055, over_people, &format!("{people} {attempts} {area}"));
        // A test that never finds a difference would pass the line before.
        assert!(
            f64::from(over_people) > 0.025 * f64::from(draws()),
            "{people} {attempts} {area}: {over_people}"
        );
        if attempts > 1 {
            let share = f64::from(over_attempts) / f64::from(draws());
            assert!(share > 0.1, "attempts are not independent: {share}");
        }
    }
}
