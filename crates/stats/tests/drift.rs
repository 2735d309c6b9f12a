//! Drift, paired comparison and presentation attacks against SciPy's and the reference's numbers.

#![cfg(test)]

mod support;

use cloudauth_stats::{
    AttackReport, Binned, Bins, Confidence, Curve, Draws, Grid, LabelledGrid, Rate, Smoothing, Transactions,
    jensen_shannon, kolmogorov_smirnov, mcnemar, mean_shift_of_grids, newcombe, psi, psi_critical,
    wasserstein, wasserstein_of_grids,
};
use serde_json::Value;
use support::{Compared, SETS, column, json, number, scores};

fn samples() -> (Vec<f64>, [(&'static str, Vec<f64>); 2]) {
    (
        column(include_str!("golden/drift_ref.csv")),
        [
            ("shifted", column(include_str!("golden/drift_shifted.csv"))),
            ("same", column(include_str!("golden/drift_same.csv"))),
        ],
    )
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

#[test]
fn psi_matches_the_reference() {
    let golden = json(include_str!("golden/drift.json"));
    let (reference, samples) = samples();
    let mut compared = Compared::default();
    for (name, current) in samples {
        let golden = &golden[name];
        compared.count(reference.len() as u64, &golden["n_ref"], name);
        compared.count(current.len() as u64, &golden["n_cur"], name);
        for (bins, edges) in [("fixed10", None), ("decile", Bins::quantiles(&reference, 10))] {
            for (key, smoothing) in
                [("half_count", Smoothing::HalfCount), ("eps1e-4", Smoothing::AtLeast(1e-4))]
            {
                let (what, golden) = (format!("{name} {bins} {key}"), &golden[format!("psi_{bins}_{key}")]);
                let bins = edges.clone().unwrap_or_else(|| Bins::new(numbers(&golden["edges"])).unwrap());
                for (at, edge) in bins.edges().iter().enumerate() {
                    compared.absolute(*edge, &golden["edges"][at], 1e-13, &what);
                }
                let (from, to) = (bins.count(&reference), bins.count(&current));
                for at in 0..10 {
                    compared.count(from.counts[at], &golden["ref_counts"][at], &what);
                    compared.count(to.counts[at], &golden["cur_counts"][at], &what);
                }
                compared.relative(psi(&from, &to, smoothing).unwrap(), &golden["value"], 1e-12, &what);
                let critical =
                    psi_critical(10, reference.len() as u64, current.len() as u64, Confidence::P95);
                compared.relative(critical.unwrap(), &golden["yurdakul_crit95"], 1e-12, &what);
            }
        }
        let bins = Bins::new(numbers(&golden["psi_fixed10_half_count"]["edges"])).unwrap();
        let divergence = jensen_shannon(&bins.count(&reference), &bins.count(&current)).unwrap();
        compared.relative(divergence, &golden["js_divergence_bits_fixed10"], 1e-12, name);
        let distance = wasserstein(&reference, &current).unwrap().unwrap();
        compared.relative(distance, &golden["wasserstein"], 1e-12, name);
    }
    assert_eq!(compared.values, 2 * (2 + 4 * (11 + 20 + 2) + 2));
}

#[test]
fn distances_of_distributions_match_scipy() {
    let golden = json(include_str!("golden/drift.json"));
    let (reference, samples) = samples();
    let mut compared = Compared::default();
    for (name, current) in samples {
        let (ks, golden) = (kolmogorov_smirnov(&reference, &current).unwrap().unwrap(), &golden[name]["ks"]);
        compared.absolute(ks.distance, &golden["statistic"], 1e-15, name);
        compared.exact(ks.at, &golden["location"], name);
        compared.exact(if ks.fell { -1.0 } else { 1.0 }, &golden["sign"], name);
        compared.relative(ks.p, &golden["pvalue_asymp"], 1e-6, name);
        let grid = LabelledGrid { genuine: Grid::of(&reference), impostor: Grid::of(&current) };
        assert_eq!(grid.kolmogorov_smirnov(), Some(ks), "{name}");
    }
    let small = &golden["ks_small_with_ties"];
    let ks = kolmogorov_smirnov(&numbers(&small["a"]), &numbers(&small["b"])).unwrap().unwrap();
    compared.exact(ks.distance, &small["statistic"], "small, with ties");

    let golden = json(include_str!("golden/metrics.json"));
    for (name, csv) in SETS {
        let (genuine, impostor) = scores(csv);
        let (ks, golden) = (kolmogorov_smirnov(&genuine, &impostor).unwrap().unwrap(), &golden[name]);
        compared.absolute(ks.distance, &golden["ks"]["statistic"], 1e-15, name);
        // The reference uses the approximation for large samples; the next test checks the exact test for small ones.
        if genuine.len() * impostor.len() > 1_000_000 {
            compared.absolute(ks.p, &golden["ks"]["pvalue_asymp"], 1e-15, name);
        }
        // The largest TPR - FPR is the same distance.
        let curve = Curve::of(&genuine, &impostor).unwrap();
        let best =
            curve.points().map(|point| 1.0 - point.fnmr.fraction().unwrap() - point.fmr.fraction().unwrap());
        // pyeer lacks the threshold that accepts no attempt, so its result differs where that threshold is the best.
        if !["inverted", "constant"].contains(&name) {
            compared.absolute(best.fold(0.0, f64::max), &golden["pyeer"]["j_index"], 1e-15, name);
        }
    }
    assert_eq!(compared.values, 2 * 4 + 1 + 7 + 2 + 5);
}

/// The exact p-value: the share of all divisions of the values with at least the observed distance.
fn by_permutation(a: &[f64], b: &[f64]) -> f64 {
    let all = [a, b].concat();
    let distance = |picked: u32| {
        let share = |first: bool, most: f64| {
            let own = || (0..all.len()).filter(|at| (picked >> at & 1 == 1) == first);
            (own().filter(|at| all[*at] <= most).count(), own().count())
        };
        let apart = |most: f64| {
            let ((below, n), (other, m)) = (share(true, most), share(false, most));
            (below * m).abs_diff(other * n)
        };
        all.iter().map(|most| apart(*most)).max().unwrap()
    };
    let seen = distance((1 << a.len()) - 1);
    let divisions: Vec<u32> =
        (0..1 << all.len()).filter(|picked: &u32| picked.count_ones() as usize == a.len()).collect();
    divisions.iter().filter(|picked| distance(**picked) >= seen).count() as f64 / divisions.len() as f64
}

#[test]
fn small_samples_get_the_exact_permutation_p() {
    let mut draws = Draws::new(3);
    for (n, m) in [(1, 1), (1, 5), (3, 4), (5, 5), (4, 7), (6, 6), (2, 9)] {
        // Few ties, and then more and more.
        for values in [1000, 6, 2, 1] {
            let mut sample = |size| (0..size).map(|_| draws.below(values) as f64).collect::<Vec<_>>();
            let (a, b) = (sample(n), sample(m));
            let (ours, exact) = (kolmogorov_smirnov(&a, &b).unwrap().unwrap().p, by_permutation(&a, &b));
            assert!((ours - exact).abs() < 1e-12, "{a:?} {b:?}: {ours} is not {exact}");
        }
    }
    // SciPy: ks_2samp(range(100), range(30, 130), method="exact") and range(10) against range(8, 108).
    let range = |from: u32, to: u32| (from..to).map(f64::from).collect::<Vec<_>>();
    for (a, b, golden) in [
        (range(0, 100), range(30, 130), 0.000_120_161_642_919_466_94),
        (range(0, 10), range(8, 108), 4.691_067_947_920_932e-13),
    ] {
        let ours = kolmogorov_smirnov(&a, &b.iter().map(|b| b + 0.5).collect::<Vec<_>>()).unwrap().unwrap().p;
        assert!((ours - golden).abs() < 1e-12, "{ours} is not {golden}");
    }
}

#[test]
fn mean_shift_has_a_sign() {
    let (low, high) = (Grid::of(&[70.0, 71.0]), Grid::of(&[72.0, 72.5, 73.0]));
    assert_eq!((mean_shift_of_grids(&low, &high), mean_shift_of_grids(&high, &low)), (Some(2.0), Some(-2.0)));
    // Scores spread in both directions: the mean stays the same, and the distance grows.
    let (narrow, wide) = (Grid::of(&[50.0, 50.0]), Grid::of(&[40.0, 60.0]));
    assert_eq!(mean_shift_of_grids(&narrow, &wide), Some(0.0));
    assert!((wasserstein_of_grids(&narrow, &wide).unwrap() - 10.0).abs() < 1e-9);
    assert_eq!(mean_shift_of_grids(&narrow, &Grid::default()), None);
}

#[test]
fn paired_and_unpaired_tests_match_the_references() {
    let golden = json(include_str!("golden/paired_probit_pad.json"));
    let mut compared = Compared::default();
    for row in golden["mcnemar"].as_array().unwrap() {
        let test = mcnemar(row["b"].as_u64().unwrap(), row["c"].as_u64().unwrap());
        compared.relative(test.p, &row["mcnemar_exact_two_sided"], 1e-11, "McNemar");
        compared.relative(test.mid_p, &row["mid_p"], 1e-11, "McNemar, mid-p");
    }
    for row in golden["newcombe_difference"].as_array().unwrap() {
        let count = |key: &str| row[key].as_u64().unwrap();
        let rates =
            (Rate::new(count("k1"), count("n1")).unwrap(), Rate::new(count("k2"), count("n2")).unwrap());
        let interval = newcombe(rates.0, rates.1, Confidence::P95).unwrap();
        compared.exact(rates.0.fraction().unwrap() - rates.1.fraction().unwrap(), &row["diff"], "difference");
        compared.relative(interval.low, &row["newcombe95"][0], 1e-11, "Newcombe");
        compared.relative(interval.high, &row["newcombe95"][1], 1e-11, "Newcombe");
    }
    assert_eq!(compared.values, 6 * 2 + 3 * 3);
}

#[test]
fn presentation_attack_rates_match_the_reference() {
    let golden = &json(include_str!("golden/paired_probit_pad.json"))["pad"];
    let mut compared = Compared::default();
    let attacks: Vec<(String, Vec<f64>)> = golden["attacks"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(species, scores)| (species.clone(), numbers(scores)))
        .collect();
    let attacks: Vec<(&str, &[f64])> =
        attacks.iter().map(|(species, scores)| (species.as_str(), scores.as_slice())).collect();
    for (threshold, at) in golden["at"].as_object().unwrap() {
        let report = AttackReport::at(threshold.parse().unwrap(), &attacks, &numbers(&golden["bona_fide"]));
        for (species, apcer) in &report.apcer {
            compared.exact(apcer.fraction().unwrap(), &at["apcer"][species], species);
        }
        compared.exact(report.bpcer.fraction().unwrap(), &at["bpcer"], threshold);
        let highest = numbers(&at["apcer"].as_object().unwrap().values().cloned().collect());
        assert_eq!(report.worst().unwrap().1.fraction(), highest.into_iter().reduce(f64::max));
    }
    assert_eq!(compared.values, 4 * 4);
    assert_eq!(AttackReport::at(0.5, &[("mask", &[])], &[]).worst(), None);
}

#[test]
fn attempts_without_a_score_count_as_failed() {
    let golden = &json(include_str!("golden/paired_probit_pad.json"))["fta"];
    let mut compared = Compared::default();
    let grid = |kind: &str| {
        let mut grid = Grid::default();
        for value in golden[kind].as_array().unwrap() {
            if value.is_null() { grid.add_missing(1) } else { grid.add(&[number(value)]) }
        }
        grid
    };
    let both = LabelledGrid { genuine: grid("genuine"), impostor: grid("impostor") };
    let at = both.curve().at(number(&golden["t"]));
    let genuine = Transactions { errors: at.fnmr, failed: both.genuine.invalid() };
    let impostor = Transactions { errors: at.fmr, failed: both.impostor.invalid() };
    compared.count(both.genuine.valid(), &golden["genuine_valid"], "valid genuine");
    compared.count(both.impostor.valid(), &golden["impostor_valid"], "valid impostors");
    for (rate, key) in [
        (genuine.fta(), "genuine_fta"),
        (impostor.fta(), "impostor_fta"),
        (at.fmr, "fmr"),
        (at.fnmr, "fnmr"),
        (impostor.far(), "far"),
        (genuine.frr(), "frr"),
    ] {
        compared.exact(rate.fraction().unwrap(), &golden[key], key);
    }
    assert_eq!((both.genuine.fta(), both.impostor.fta()), (genuine.fta(), impostor.fta()));
    assert_eq!(compared.values, 8);
}

#[test]
fn invalid_input_has_no_drift() {
    assert_eq!(
        (Bins::new(vec![1.0]), Bins::new(vec![1.0, f64::NAN]), Bins::quantiles(&[], 10)),
        (None, None, None)
    );
    assert_eq!(Bins::quantiles(&[1.0], 0), None);
    let bins = Bins::new(vec![0.0, 50.0, 100.0]).unwrap();
    let binned = bins.count(&[0.0, 49.9, 50.0, 100.0, 100.1, -0.1, f64::NAN]);
    assert_eq!(binned, Binned { counts: vec![2, 2], invalid: 3 });
    let (none, other) = (bins.count(&[]), Binned { counts: vec![1], invalid: 0 });
    for smoothing in [Smoothing::HalfCount, Smoothing::AtLeast(1e-4)] {
        assert_eq!((psi(&binned, &none, smoothing), psi(&binned, &other, smoothing)), (None, None));
        // Missing scores are drift too.
        let before = Binned { counts: vec![2, 2], invalid: 0 };
        assert!(psi(&before, &binned, smoothing).unwrap() > 0.1);
    }
    assert_eq!(
        (psi_critical(1, 5, 5, Confidence::P95), psi_critical(5, 0, 5, Confidence::P95)),
        (None, None)
    );
    assert_eq!((wasserstein(&[], &[1.0]), kolmogorov_smirnov(&[1.0], &[])), (Ok(None), Ok(None)));
    assert!(
        wasserstein(&[f64::NAN], &[1.0]).is_err() && kolmogorov_smirnov(&[1.0], &[f64::INFINITY]).is_err()
    );
    assert_eq!(newcombe(Rate::new(0, 0).unwrap(), Rate::new(1, 2).unwrap(), Confidence::P95), None);
}
