//! Drift: ties, missing scores, and what the report says and draws.

use cloudauth_lab::{Drift, Lab, Language, Report, RunControl, Source, TARGETS, Tally};
use cloudauth_policy::{Policy, builtin};
use serde_json::json;

/// Counts rows, each group with a month, a number of rows, and a score.
fn counted(groups: &[(u32, usize, f64)]) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let lines = |(month, rows, score): &(u32, usize, f64)| {
        let row = json!({"sub_code": "200", "verify_score": score, "time": format!("2026-0{month}-01")});
        format!("{row}\n").repeat(*rows)
    };
    std::fs::write(&path, groups.iter().map(lines).collect::<String>()).unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    Lab::new(&policy).run(&Source::find(&[path]).unwrap(), &RunControl::default()).unwrap().tally
}

fn summary(tally: &Tally, language: Language) -> String {
    let page = Report::of(tally, &TARGETS).html(language).unwrap();
    page.split("<nav").next().unwrap().replace("<b>", "").replace("</b>", "")
}

#[test]
fn a_shift_of_scores_that_tie_in_the_reference_is_drift() {
    let cases: [&[(u32, usize, f64)]; 5] = [
        // All rows of the reference tie, inside the grid and at either end of it.
        &[(1, 100, 90.0), (2, 100, 60.0)],
        &[(1, 100, 100.0), (2, 100, 60.0)],
        &[(1, 100, 0.0), (2, 100, 60.0)],
        // The lowest value falls; the higher of two values falls, without reaching the lower one.
        &[(1, 50, 80.0), (1, 50, 90.0), (2, 50, 40.0), (2, 50, 90.0)],
        &[(1, 50, 80.0), (1, 50, 90.0), (2, 50, 80.0), (2, 50, 85.0)],
    ];
    for groups in cases {
        let tally = counted(groups);
        let drift = Drift::of(&tally, None, None).unwrap();
        let verify = &drift.scores[0];
        assert!(verify.psi.unwrap() > verify.psi_critical.unwrap(), "{groups:?} {verify:?}");
        assert!(drift.months[1].psi.unwrap() > drift.months[1].psi_critical.unwrap(), "{groups:?}");
        assert!(summary(&tally, Language::En).contains("verify_score drifted in 2026-02"), "{groups:?}");
        assert!(summary(&tally, Language::Zh).contains("已发生漂移"), "{groups:?}");
    }
}

#[test]
fn psi_of_a_single_bin_is_not_available_and_the_report_rests_on_ks() {
    let tally = counted(&[(1, 100, 90.0), (2, 100, 90.0)]);
    let drift = Drift::of(&tally, None, None).unwrap();
    let verify = &drift.scores[0];
    assert_eq!((verify.psi, verify.psi_critical, verify.js, verify.ks), (None, None, None, Some(0.0)));
    let told = summary(&tally, Language::En);
    assert!(told.contains("verify_score did not drift in 2026-02 beyond chance: KS D 0.0000, p 1.0000."));
    assert!(summary(&tally, Language::Zh).contains("KS D 为 0.0000，p 值为 1.0000。"));
}

#[test]
fn report_never_denies_a_drift_that_only_ks_shows() {
    // A part of the rows falls within the lowest tenth, which no bin shows.
    let reference = (0..1000).map(|n| (1, 2, 70.0 + f64::from(n) / 50.0));
    let current = (0..1000).map(|n| (2, 2, if n < 60 { 30.0 } else { 70.0 + f64::from(n) / 50.0 }));
    let tally = counted(&reference.chain(current).collect::<Vec<_>>());
    let drift = Drift::of(&tally, None, None).unwrap();
    let verify = &drift.scores[0];
    assert!(verify.psi < verify.psi_critical && verify.ks_p.unwrap() < 0.01, "{verify:?}");
    let told = summary(&tally, Language::En);
    assert!(told.contains("verify_score drifted in 2026-02: KS D 0.0600, p "), "{told}");
}

#[test]
fn chart_draws_the_critical_value_of_each_month() {
    let scores = |month: u32, rows: usize| {
        (0..40).map(move |n| (month, rows / 40, 60.0 + f64::from(n * 7 % 40) + f64::from(month) / 100.0))
    };
    let groups = [(1, 4000), (2, 40), (3, 400), (4, 4000)].into_iter();
    let tally = counted(&groups.flat_map(|(month, rows)| scores(month, rows)).collect::<Vec<_>>());
    let drift = Drift::of(&tally, None, None).unwrap();
    let page = Report::of(&tally, &TARGETS).html(Language::En).unwrap();
    let line = page.split("class='line equal' d='M").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    // The distance from the axis of each point is proportional to the critical value of its month.
    let heights: Vec<f64> = line
        .split('L')
        .map(|point| 271.0 - point.split(' ').nth(1).unwrap().parse::<f64>().unwrap())
        .collect();
    let critical: Vec<f64> = drift.months.iter().map(|month| month.psi_critical.unwrap()).collect();
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    assert_eq!(heights.len(), 4, "{line}");
    assert!(critical[1] > 5.0 * critical[2] && critical[2] > 2.0 * critical[3], "{critical:?}");
    for (height, critical_value) in heights.iter().zip(&critical) {
        assert!((height / most(&heights) - critical_value / most(&critical)).abs() < 0.002, "{line}");
    }
}
