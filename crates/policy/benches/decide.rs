//! The cost of a decision, single and in batches, and of proving a policy.
//!
//! `cargo bench -p cloudauth-policy`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a bench may panic")]

use std::hint::black_box;

use cloudauth_policy::{Column, Evidence, Flag, Policy, builtin};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ROWS: usize = 1 << 20;

fn passing() -> Evidence<'static> {
    let mut evidence = Evidence::default();
    (evidence.sub_code, evidence.passed) = (Some("200"), Flag::True);
    (evidence.face_attack, evidence.face_occlusion) = (Flag::False, Flag::False);
    (evidence.verify_score, evidence.quality_score) = (Some(74.2), Some(90.1));
    evidence.face_attack_score = Some(0.0004);
    evidence
}

/// A policy of 200 rules: the onboarding policy with extra bands that do not change it.
fn large() -> String {
    let bands: String = (0..184)
        .map(|at| {
            let from = 60.0 + f64::from(at) * 0.05;
            format!(
                "[[rule]]\nid = \"band-{at}\"\nwhen = {{ sub_code = \"204\", verify_score = \">= {from:.2} and < {:.2}\", quality_score = \">= $quality_good\" }}\nthen = {{ decision = \"reject\", reason = \"band\" }}\n\n",
                from + 0.05
            )
        })
        .collect();
    builtin::ONBOARDING
        .replace("[[rule]]\nid = \"mismatch-near\"", &format!("{bands}[[rule]]\nid = \"mismatch-near\""))
}

fn benches(c: &mut Criterion) {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let evidence = passing();
    c.bench_function("decide", |b| b.iter(|| policy.decide(black_box(&evidence)).verdict()));
    c.bench_function("explain", |b| b.iter(|| policy.explain(black_box(&evidence))));
    c.bench_function("check the worked policy", |b| {
        b.iter(|| Policy::parse(black_box(builtin::ONBOARDING)).unwrap())
    });
    let large = large();
    let parsed = Policy::parse(&large).unwrap();
    assert_eq!(parsed.report().rules.len(), 201);
    let mut group = c.benchmark_group("a policy of 200 rules");
    group.sample_size(10);
    group.bench_function("check", |b| b.iter(|| Policy::parse(black_box(&large)).unwrap()));
    group.finish();

    let classes: Vec<Vec<u8>> = [10_u8, 3, 3, 3]
        .iter()
        .map(|size| (0..ROWS).map(|row| (row * 7 % usize::from(*size)) as u8).collect())
        .collect();
    let scores: Vec<Vec<f64>> = [100.0, 100.0, 1.0]
        .iter()
        .map(|most| (0..ROWS).map(|row| (row * 7919 % 10_007) as f64 / 10_007.0 * most).collect())
        .collect();
    let columns: Vec<Column<'_>> = classes
        .iter()
        .map(|classes| Column::Classes(classes))
        .chain(scores.iter().map(|scores| Column::Scores(scores)))
        .collect();
    let batch = policy.batch(&columns).unwrap();
    let mut decided = vec![0; ROWS];
    let mut group = c.benchmark_group("columns");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("rules", |b| b.iter(|| batch.rules(black_box(&mut decided))));
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
