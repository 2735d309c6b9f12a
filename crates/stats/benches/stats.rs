//! The cost of the statistics: ROC, AUC and every operating point with its intervals, from 10 million labelled scores.
//!
//! `cargo bench -p cloudauth-stats`

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may panic")]

use std::hint::black_box;
use std::time::Duration;

use cloudauth_stats::{
    Confidence, Curve, Draws, LabelledGrid, Rate, Resampler, clopper_pearson, estimates, probit,
    replicate_rate,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ROWS: usize = 10_000_000;

/// Scores with two decimals, alternately genuine and impostor, with means of about 88 and 45 points.
fn labelled(rows: usize) -> (Vec<f64>, Vec<bool>) {
    let mut draws = Draws::new(1);
    let scores = (0..rows).map(|at| {
        let z = probit((draws.bits() >> 12) as f64 / (1_u64 << 52) as f64 + 1e-17);
        let score = if at % 2 == 0 { 88.0 + 7.0 * z } else { 45.0 + 9.0 * z };
        (score.clamp(0.0, 100.0) * 100.0).round() / 100.0
    });
    (scores.collect(), (0..rows).map(|at| at % 2 == 0).collect())
}

fn whole(scores: &[f64], genuine: &[bool]) -> (LabelledGrid, Curve, Option<f64>, usize) {
    let mut grid = LabelledGrid::default();
    grid.add(scores, genuine);
    let curve = grid.curve();
    let auc = curve.auc();
    let points = estimates(grid.operating_points(), Confidence::P95).len();
    (grid, curve, auc, points)
}

fn benches(c: &mut Criterion) {
    let (scores, genuine) = labelled(ROWS);
    let mut rows = c.benchmark_group("10 M labelled scores");
    rows.sample_size(10)
        .measurement_time(Duration::from_secs(5))
        .throughput(Throughput::Elements(ROWS as u64));
    rows.bench_function("grid", |b| {
        b.iter(|| {
            let mut grid = LabelledGrid::default();
            grid.add(black_box(&scores), black_box(&genuine));
            grid
        });
    });
    rows.bench_function("grid, ROC, AUC, every operating point with its intervals", |b| {
        b.iter(|| whole(black_box(&scores), black_box(&genuine)));
    });
    rows.finish();

    let (grid, ..) = whole(&scores, &genuine);
    let mut counts = c.benchmark_group("from counts");
    counts.sample_size(10);
    counts.bench_function("ROC and AUC", |b| b.iter(|| black_box(&grid).curve().auc()));
    counts.bench_function("10,002 operating points with 20,004 intervals", |b| {
        b.iter(|| estimates(black_box(&grid).operating_points(), Confidence::P95));
    });
    for (k, n) in [(0, 300_000), (3, 100_000_000), (300, 1_000_000), (5_000_000, 10_000_000)] {
        let rate = Rate::new(k, n).unwrap();
        counts.bench_function(format!("Clopper-Pearson of {rate}"), |b| {
            b.iter(|| clopper_pearson(black_box(rate), Confidence::P95));
        });
    }
    counts.finish();

    let mut exact = c.benchmark_group("off the grid");
    exact.sample_size(10);
    let halves = |rows: usize| {
        let of = |kind| {
            scores
                .iter()
                .zip(&genuine)
                .take(rows)
                .filter(move |(_, is)| **is == kind)
                .map(|(score, _)| *score)
        };
        (of(true).collect::<Vec<f64>>(), of(false).collect::<Vec<f64>>())
    };
    let (all_genuine, all_impostor) = halves(ROWS);
    exact.bench_function("curve of 10 M by sorting", |b| {
        b.iter(|| Curve::of(black_box(&all_genuine), black_box(&all_impostor)));
    });
    let (some_genuine, some_impostor) = halves(100_000);
    let resampler = Resampler::attempts(&some_genuine, &some_impostor).unwrap();
    exact.bench_function("200 bootstrap replicates of 100,000 scores", |b| {
        b.iter(|| black_box(&resampler).replicates(200, 1, |curve| curve.at(70.0)));
    });
    let rate = Rate::new(300, 1_000_000).unwrap();
    exact.bench_function("1,000 bootstrap replicates of a rate", |b| {
        b.iter(|| replicate_rate(black_box(rate), 1000, 1));
    });
    exact.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
