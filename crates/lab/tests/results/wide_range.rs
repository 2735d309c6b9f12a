//! Scores outside the lab's grid but inside a policy's range: figures that count scores on the grid are missing instead of wrong,
//! and the figures at the policy's thresholds stay exact.

use cloudauth_lab::{
    Calibration, Drift, Lab, Language, Mapping, Report, RestsOn, RunControl, ScoreShift, Shape, Source,
    TARGETS, Tally, curve,
};
use cloudauth_policy::{Policy, builtin};

/// Scores with a label and a month.
type Rows<'a> = &'a [(f64, &'a str, u32)];

/// The tally of fifty rows of each kind, with this range of the score.
fn counted(range: &str, rows: Rows<'_>) -> Tally {
    let text = builtin::ONBOARDING.split("[[example]]").next().unwrap();
    let policy =
        Policy::parse(&text.replacen("range = [0.0, 100.0]", &format!("range = {range}"), 1)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let line = |(score, label, month): &(f64, &str, u32)| {
        let fixed = "\"sub_code\":\"200\",\"passed\":\"T\",\"face_attack\":\"F\",\"face_occlusion\":\"F\",\"face_attack_score\":0.01";
        format!("{{{fixed},\"verify_score\":{score},\"label\":\"{label}\",\"time\":\"2026-0{month}-15\"}}\n")
            .repeat(50)
    };
    std::fs::write(&path, rows.iter().map(line).collect::<String>()).unwrap();
    let lab = Lab::new(&policy).mapping(Mapping::of(Shape::Flat));
    lab.run(&Source::find(&[path]).unwrap(), &RunControl::default()).unwrap().tally
}

fn verify(tally: &Tally) -> ScoreShift {
    Drift::of(tally, None, None).unwrap().scores[0].clone()
}

/// PSI, its critical value, KS, its p, JS, mean shift, distance.
fn on_the_grid(shift: &ScoreShift) -> [Option<f64>; 7] {
    let ScoreShift { psi, psi_critical, ks, ks_p, js, mean_shift, distance, .. } = shift;
    [*psi, *psi_critical, *ks, *ks_p, *js, *mean_shift, *distance]
}

#[test]
fn drift_of_scores_outside_the_grid_is_not_available() {
    let far = [(300.0, "", 1), (900.0, "", 2)];
    let one_side = [(80.0, "", 1), (90.0, "", 1), (90.0, "", 2), (100.5, "", 2)];
    let below = [(-5.0, "", 1), (60.0, "", 1), (60.0, "", 2)];
    for (range, rows, outside) in
        [("[0.0, 1000.0]", &far[..], 100), ("[0.0, 1000.0]", &one_side, 50), ("[-10.0, 100.0]", &below, 50)]
    {
        let tally = counted(range, rows);
        let shift = verify(&tally);
        assert_eq!((on_the_grid(&shift), shift.outside_grid), ([None; 7], outside), "{rows:?}");
        // The shares between thresholds are still exact.
        let (reference, current) =
            shift.between.iter().fold((0.0, 0.0), |sum, band| (sum.0 + band.reference, sum.1 + band.current));
        assert!((reference - 1.0).abs() < 1e-9 && (current - 1.0_f64).abs() < 1e-9, "{shift:?}");
        let drift = Drift::of(&tally, None, None).unwrap();
        let note = drift.issues.iter().find(|note| note.message.contains("`verify_score` outside 0 to 100"));
        assert_eq!(note.map(|note| (note.rows, note.left_out)), Some((outside, false)), "{rows:?}");
    }
    // A wide range alone changes nothing.
    let shift = verify(&counted("[0.0, 1000.0]", &[(80.0, "", 1), (90.0, "", 2)]));
    assert!(on_the_grid(&shift).iter().all(Option::is_some) && shift.outside_grid == 0, "{shift:?}");
}

#[test]
fn quantiles_outside_the_grid_are_not_available() {
    let months = |range: &str, rows: Rows<'_>| {
        let drift = Drift::of(&counted(range, rows), None, None).unwrap();
        drift.months.iter().map(|month| (month.p10, month.median, month.p90)).collect::<Vec<_>>()
    };
    let low = months("[-10.0, 100.0]", &[(-5.0, "", 1), (-6.0, "", 1), (60.0, "", 1), (60.0, "", 2)]);
    assert_eq!(low, [(None, None, Some(60.0)), (Some(60.0), Some(60.0), Some(60.0))]);
    let high = months("[0.0, 1000.0]", &[(80.0, "", 1), (500.0, "", 1), (600.0, "", 1), (80.0, "", 2)]);
    assert_eq!(high[0], (Some(80.0), None, None));
}

#[test]
fn calibration_of_scores_outside_the_grid_is_not_available() {
    let labelled =
        [(900.0, "genuine", 1), (300.0, "impostor", 1), (60.0, "impostor", 2), (90.0, "genuine", 2)];
    let tally = counted("[0.0, 1000.0]", &labelled);
    let calibration = Calibration::of(&tally, &[0.5], 1);
    assert_eq!((calibration.auc, calibration.eer, calibration.outside_grid), (None, None, 100));
    assert_eq!((calibration.bands.len(), calibration.labels_stop_below), (0, None));
    let target = &calibration.targets[0];
    assert_eq!((target.shown.as_ref(), target.proved.as_ref(), target.between), (None, None, None));
    assert_eq!((target.recommended, target.withheld, target.rests_on), (None, None, RestsOn::Attempts));
    assert_eq!(target.words, "not available: 100 scores are outside 0 to 100");
    let auto = calibration.thresholds.iter().find(|at| at.threshold == 75.0).unwrap();
    assert_eq!((auto.fmr.count, auto.fmr.of, auto.fnmr.count, auto.fnmr.of), (50, 100, 0, 100));
    // The curve has the hundredths from 0 to 100 and the policy's thresholds.
    assert_eq!(curve(&tally).len(), 10_001);
    let on_the_grid = Calibration::of(&counted("[0.0, 1000.0]", &labelled[2..]), &[0.5], 1);
    assert_eq!((on_the_grid.auc, on_the_grid.targets[0].recommended), (Some(1.0), Some(60.01)));
}

#[test]
fn a_report_on_scores_outside_the_grid_says_what_is_not_available() {
    let labelled =
        [(900.0, "genuine", 1), (300.0, "impostor", 1), (60.0, "impostor", 2), (90.0, "genuine", 2)];
    for (language, words) in
        [(Language::En, "Not available: <b>100</b> rows"), (Language::Zh, "无法计算：<b>100</b>")]
    {
        let page = Report::of(&counted("[0.0, 1000.0]", &labelled), &TARGETS).html(language).unwrap();
        // Summary, histogram, errors, coverage, drift.
        assert_eq!(page.matches(words).count(), 5, "{words}");
        // One plot remains: the days.
        let (_, body) = page.split_once("<body>").unwrap();
        assert!(
            body.matches("<svg").count() <= 1
                && !body.contains("NaN")
                && !body.contains("have the same score")
        );
    }
}
