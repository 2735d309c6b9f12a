//! Every statistic against a slow and plain computation, on difficult samples: ties, one class, one row, scores between
//! hundredths or out of range, one impostor among a million, a few people with many attempts.

#![cfg(test)]

mod support;

use cloudauth_stats::{
    Bins, Clusters, Confidence, Curve, Grid, LabelledGrid, Rate, Smoothing, ThresholdStep, attempts_needed,
    clopper_pearson, jensen_shannon, kolmogorov_smirnov, mcnemar, mean_shift_of_grids, newcombe_paired, psi,
    psi_critical, threshold, threshold_with, wasserstein, wilson,
};
use support::simulation::Simulation;

/// Genuine and impostor scores.
type Sample = (Vec<f64>, Vec<f64>);

fn samples() -> Vec<Sample> {
    let mut simulation = Simulation::new(11);
    let mut drawn = |size: usize, score: &dyn Fn(&mut Simulation) -> f64| -> Vec<f64> {
        (0..size).map(|_| score(&mut simulation)).collect()
    };
    let with_ties = |s: &mut Simulation| 60.0 + s.below(12) as f64 * 2.5;
    let between_hundredths = |s: &mut Simulation| 100.0 * s.unit();
    let mut all = vec![
        (vec![70.0, 75.5, 80.0], vec![75.5, 60.0]),
        (vec![75.0; 20], vec![75.0; 30]),
        (vec![80.0], vec![60.0]),
        (vec![60.0], vec![80.0]),
        (vec![76.534], vec![76.5389]),
        (vec![0.0, 100.0], vec![0.0, 100.0]),
    ];
    for (genuine, impostor) in [(1, 7), (9, 4), (30, 25), (2, 60)] {
        all.push((drawn(genuine, &with_ties), drawn(impostor, &with_ties)));
        all.push((drawn(genuine, &between_hundredths), drawn(impostor, &between_hundredths)));
    }
    all
}

fn share(count: usize, of: usize) -> f64 {
    count as f64 / of as f64
}

#[test]
fn rates_auc_and_eer_match_counting() {
    for (genuine, impostor) in samples() {
        let what = format!("{genuine:?} {impostor:?}");
        let curve = Curve::of(&genuine, &impostor).unwrap();
        let fmr = |t: f64| share(impostor.iter().filter(|score| **score >= t).count(), impostor.len());
        let fnmr = |t: f64| share(genuine.iter().filter(|score| **score < t).count(), genuine.len());
        let mut thresholds = [genuine.clone(), impostor.clone(), vec![f64::INFINITY]].concat();
        thresholds.sort_by(f64::total_cmp);
        for t in thresholds.iter().copied().chain([-1.0, 0.0, 75.005, 76.535, 101.0]) {
            let at = curve.at(t);
            assert_eq!((at.fmr.fraction(), at.fnmr.fraction()), (Some(fmr(t)), Some(fnmr(t))), "{t} {what}");
        }
        let wins = genuine.iter().flat_map(|g| impostor.iter().map(move |i| (g, i)));
        let wins: f64 = wins.map(|(g, i)| if g > i { 1.0 } else { f64::from(u8::from(g == i)) / 2.0 }).sum();
        let auc = wins / (genuine.len() * impostor.len()) as f64;
        assert!((curve.auc().unwrap() - auc).abs() < 1e-12, "{what}");

        // FVC2000: of the last threshold with FNMR <= FMR and the first with FNMR >= FMR, the one with the smaller sum.
        let before =
            thresholds.iter().copied().filter(|t| fnmr(*t) <= fmr(*t)).fold(f64::NEG_INFINITY, f64::max);
        let after = thresholds.iter().copied().filter(|t| fnmr(*t) >= fmr(*t)).fold(f64::INFINITY, f64::min);
        let sum = |t: f64| fmr(t) + fnmr(t);
        let t = if before > f64::NEG_INFINITY && sum(before) <= sum(after) { before } else { after };
        let eer = curve.eer().unwrap();
        let rates = (fmr(t).min(fnmr(t)), fmr(t).max(fnmr(t)));
        assert_eq!((eer.low, eer.high), rates, "{what}");
        assert_eq!(
            (fmr(eer.threshold).min(fnmr(eer.threshold)), sum(eer.threshold)),
            (rates.0, sum(t)),
            "{what}"
        );

        // The hull: the lowest rates of a mixture of two thresholds.
        let points: Vec<(f64, f64)> = thresholds.iter().map(|t| (fmr(*t), fnmr(*t))).collect();
        let mixed = |(x, y): (f64, f64), (u, v): (f64, f64)| {
            let (over, under) = (x - y, v - u);
            (over >= 0.0 && under >= 0.0)
                .then(|| if over + under > 0.0 { x + over / (over + under) * (u - x) } else { x })
        };
        let best =
            points.iter().flat_map(|a| points.iter().filter_map(|b| mixed(*a, *b))).fold(1.0, f64::min);
        assert!((curve.eer_of_hull().unwrap() - best).abs() < 1e-12, "{what}: {best}");
    }
    let eer = Curve::of(&[70.0, 75.5, 80.0], &[75.5, 60.0]).unwrap().eer().unwrap();
    assert_eq!((eer.threshold, eer.low, eer.high), (80.0, 0.0, 2.0 / 3.0));
    for (genuine, impostor) in [(vec![70.0], vec![]), (vec![], vec![70.0])] {
        let one_class = Curve::of(&genuine, &impostor).unwrap();
        assert_eq!((one_class.auc(), one_class.eer(), one_class.eer_of_hull()), (None, None, None));
    }
}

#[test]
fn thresholds_are_the_smallest_on_the_grid_that_meet_the_target() {
    for (genuine, impostor) in samples() {
        let curve = Curve::of(&genuine, &impostor).unwrap();
        let accepted = |t: f64| impostor.iter().filter(|score| **score >= t).count();
        for target in [0.001, 0.05, 0.3, 0.5, 0.9] {
            let first = (0..=10_001)
                .map(|k| f64::from(k) / 100.0)
                .find(|t| share(accepted(*t), impostor.len()) <= target)
                .unwrap();
            let shown = threshold(&curve, target, ThresholdStep::Hundredths(1)).unwrap().point.threshold;
            assert_eq!(shown.max(0.0), first, "{target} {impostor:?}");
            let proves = |t: f64| at_most(accepted(t), impostor.len(), target) <= 0.05;
            let proved = (0..=10_001).map(|k| f64::from(k) / 100.0).find(|t| proves(*t));
            let ours = threshold_with(&curve, target, Confidence::P95, ThresholdStep::Hundredths(1));
            assert_eq!(
                ours.ok().map(|chosen| chosen.point.threshold.max(0.0)),
                proved,
                "{target} {impostor:?}"
            );
        }
    }
}

/// The binomial probability of at most `k` of `n`, term by term.
fn at_most(k: usize, n: usize, p: f64) -> f64 {
    let mut term = (1.0 - p).powi(n as i32);
    let mut sum = term;
    for i in 1..=k {
        term *= (n - i + 1) as f64 / i as f64 * p / (1.0 - p);
        sum += term;
    }
    sum
}

#[test]
fn interval_ends_have_the_expected_tails() {
    for (k, n) in [(0, 1), (1, 1), (0, 30), (3, 30), (15, 30), (30, 30), (1, 400), (7, 1000)] {
        let rate = Rate::new(k as u64, n as u64).unwrap();
        let exact = clopper_pearson(rate, Confidence::P95);
        assert!(k == n || (at_most(k, n, exact.high) - 0.025).abs() < 1e-9, "{k} {n}");
        assert!(k == 0 || (1.0 - at_most(k - 1, n, exact.low) - 0.025).abs() < 1e-9, "{k} {n}");
        // Wilson's ends solve (p - share)^2 = z^2 p (1 - p) / n.
        let (p, z2) = (k as f64 / n as f64, 1.959_963_984_540_054_f64.powi(2));
        let short = wilson(rate, Confidence::P95);
        for end in [short.low, short.high].into_iter().filter(|end| *end > 0.0 && *end < 1.0) {
            assert!(((end - p).powi(2) - z2 * end * (1.0 - end) / n as f64).abs() < 1e-12, "{k} {n}: {end}");
        }
    }
    // One error in a million, and no error.
    let rare = clopper_pearson(Rate::new(1, 1_000_000).unwrap(), Confidence::P95);
    assert!(
        (at_most(1, 1_000_000, rare.high) - 0.025).abs() < 1e-9 && rare.low > 2.5e-8 && rare.low < 2.6e-8
    );
    for (target, errors) in [(0.3, 0), (0.05, 2), (0.01, 0), (0.001, 1)] {
        let needed = attempts_needed(target, errors, Confidence::P95).unwrap() as usize;
        let enough = |n: usize| at_most(errors as usize, n, target) <= 0.05;
        assert!(enough(needed) && !enough(needed - 1), "{target} {errors}");
    }
}

#[test]
fn paired_intervals_match_published_examples_and_plain_sums() {
    // Newcombe 1998, table II: 36 pairs count in both rates, 12 and 2 in one, 0 in neither.
    let published = newcombe_paired(36, 12, 2, 0, Confidence::P95).unwrap();
    assert!((published.low - 0.0569).abs() < 5e-5 && (published.high - 0.3404).abs() < 5e-5, "{published:?}");
    for (first, second) in [(0, 0), (1, 0), (0, 12), (7, 3), (25, 25), (60, 31)] {
        let (least, all) = (first.min(second), first + second);
        let two_sided = (2.0 * at_most(least as usize, all as usize, 0.5)).min(1.0);
        assert!((mcnemar(first, second).p - two_sided).abs() < 1e-12, "{first} {second}");
    }
}

#[test]
fn drift_matches_counting() {
    for (old, new) in samples() {
        let what = format!("{old:?} {new:?}");
        let below = |scores: &[f64], most: f64| {
            share(scores.iter().filter(|score| **score <= most).count(), scores.len())
        };
        let mut all = [old.clone(), new.clone()].concat();
        all.sort_by(f64::total_cmp);
        let apart =
            all.iter().map(|most| (below(&old, *most) - below(&new, *most)).abs()).fold(0.0, f64::max);
        assert!((kolmogorov_smirnov(&old, &new).unwrap().unwrap().distance - apart).abs() < 1e-12, "{what}");
        // The area between the two distributions.
        let area: f64 = all
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) * (below(&old, pair[0]) - below(&new, pair[0])).abs())
            .sum();
        assert!((wasserstein(&old, &new).unwrap().unwrap() - area).abs() < 1e-9, "{what}");
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        let shift = mean_shift_of_grids(&Grid::of(&old), &Grid::of(&new)).unwrap();
        // The grid cuts scores down to hundredths.
        assert!((shift - (mean(&new) - mean(&old))).abs() <= 0.01 + 1e-9, "{what}");

        let bins = Bins::new(vec![0.0, 40.0, 70.0, 77.5, 100.0]).unwrap();
        let counts = |scores: &[f64]| {
            [0.0, 40.0, 70.0, 77.5].map(|from| {
                let to = [40.0, 70.0, 77.5, 100.1].into_iter().find(|to| *to > from).unwrap();
                scores.iter().filter(|score| **score >= from && **score < to).count() as f64
            })
        };
        let (a, b) = (counts(&old), counts(&new));
        let smooth = |count: f64, all: usize| (count + 0.5) / (all as f64 + 2.0);
        let index: f64 = a
            .iter()
            .zip(&b)
            .map(|(a, b)| (smooth(*a, old.len()), smooth(*b, new.len())))
            .map(|(a, b)| (b - a) * (b / a).ln())
            .sum();
        let binned = (bins.count(&old), bins.count(&new));
        assert!((psi(&binned.0, &binned.1, Smoothing::HalfCount).unwrap() - index).abs() < 1e-12, "{what}");
        // Jensen-Shannon: the entropy of the mixture minus the mean entropy.
        let entropy = |shares: &[f64]| -> f64 {
            -shares.iter().filter(|p| **p > 0.0).map(|p| p * p.log2()).sum::<f64>()
        };
        let shares = |counts: [f64; 4], all: usize| counts.map(|count| count / all as f64);
        let (a, b) = (shares(a, old.len()), shares(b, new.len()));
        let mixture: Vec<f64> = a.iter().zip(&b).map(|(a, b)| f64::midpoint(*a, *b)).collect();
        let divergence = entropy(&mixture) - f64::midpoint(entropy(&a), entropy(&b));
        assert!((jensen_shannon(&binned.0, &binned.1).unwrap() - divergence).abs() < 1e-9, "{what}");
    }
    // Chi-squared with two degrees of freedom has a plain quantile: -2 ln(0.05).
    let critical = psi_critical(3, 100, 50, Confidence::P95).unwrap();
    assert!((critical + 2.0 * 0.05_f64.ln() * (0.01 + 0.02)).abs() < 1e-12);
}

#[test]
fn scores_out_of_range_are_failures_to_acquire() {
    let scores = [-0.001, 0.0, 50.0, 100.0, 100.001, f64::NAN, f64::INFINITY, 150.0];
    let grid = Grid::of(&scores);
    assert_eq!((grid.valid(), grid.invalid(), grid.fta().to_string()), (3, 5, "5/8".to_owned()));
    let curve = LabelledGrid { genuine: grid.clone(), impostor: grid }.curve();
    assert_eq!(
        (curve.genuine(), curve.at(100.0).fmr.to_string(), curve.auc()),
        (3, "1/3".to_owned(), Some(0.5))
    );
}

/// The probability that the weighted sum of errors minus the claimed share of attempts is positive, by drawing the
/// exponential weights.
fn by_drawing(
    people: &[(u64, u64, u64)],
    p: f64,
    errs: bool,
    simulation: &mut Simulation,
    draws: u32,
) -> f64 {
    let all: f64 = people.iter().map(|(_, attempts, times)| (attempts * times) as f64).sum();
    let squares: f64 = people.iter().map(|(_, attempts, times)| (attempts * attempts * times) as f64).sum();
    let more = squares / all * (f64::from(u8::from(errs)) - p);
    let positive = (0..draws).filter(|_| {
        let mut sum = -more * simulation.unit().ln();
        for (errors, attempts, times) in people {
            for _ in 0..*times {
                sum -= (*errors as f64 - p * *attempts as f64) * simulation.unit().ln();
            }
        }
        sum > 0.0
    });
    positive.count() as f64 / f64::from(draws)
}

#[test]
fn bounds_over_people_match_drawn_weights() {
    let groups: [&[(u64, u64, u64)]; 5] = [
        // A few people with many attempts.
        &[(0, 1, 20), (3, 40, 1), (0, 25, 2)],
        &[(1, 10, 2), (0, 10, 18)],
        &[(0, 3, 10)],
        &[(5, 5, 3), (1, 2, 4), (0, 1, 9)],
        &[(2, 3, 1)],
    ];
    let mut simulation = Simulation::new(12);
    for people in groups {
        let mut clusters = Clusters::default();
        clusters.extend(people.iter().copied());
        let interval = clusters.interval(Confidence::P95);
        let draws = 20_000;
        let error = 4.0 * (0.025 * 0.975 / f64::from(draws)).sqrt();
        let above = by_drawing(people, interval.high, true, &mut simulation, draws);
        assert!((above - 0.025).abs() < error, "{people:?} {interval:?}: {above}");
        let below = 1.0 - by_drawing(people, interval.low, false, &mut simulation, draws);
        assert!(interval.low == 0.0 || (below - 0.025).abs() < error, "{people:?} {interval:?}: {below}");
    }
}
