//! The lab's conclusions from synthetic rows.

use std::path::PathBuf;

use cloudauth_lab::{
    Calibration, Compare, Lab, Language, Mapping, Replay, Report, RestsOn, RunControl, SegmentRates, Shape,
    Source, TARGETS, Tally, TargetRate, Warning, WarningKind, set_threshold,
};
use cloudauth_policy::{Policy, builtin};
use serde_json::json;

/// A policy that approves from a score on.
fn approves_from(score: f64) -> Policy {
    let text = builtin::THRESHOLD.split("[[example]]").next().unwrap();
    Policy::parse(&set_threshold(text, "match", score, "for a test").unwrap()).unwrap()
}

/// CSV rows with a score, a label and a subject; an empty subject means none.
#[derive(Default)]
struct Rows(String);

impl Rows {
    fn new() -> Self {
        Self::default()
    }

    fn add(mut self, count: usize, score: f64, label: &str, subject: &str) -> Self {
        let row = json!({
            "sub_code": "200", "passed": "T", "face_attack": "F", "face_occlusion": "F", "face_attack_score": 0.01,
            "quality_score": 90, "verify_score": score, "label": label, "subject": subject,
        });
        self.0 += &format!("{row}\n").repeat(count);
        self
    }

    fn counted(&self, policy: &Policy, candidate: Option<&Policy>) -> Tally {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("rows.jsonl");
        std::fs::write(&path, &self.0).unwrap();
        let lab = Lab::new(policy).keep_people().mapping(Mapping::of(Shape::Flat));
        let lab = match candidate {
            Some(candidate) => lab.against(candidate),
            None => lab,
        };
        lab.run(&Source::find(&[path]).unwrap(), &RunControl::default()).unwrap().tally
    }
}

#[test]
fn difference_of_rates_of_the_same_attempts_is_paired() {
    let rows = Rows::new()
        .add(200, 81.0, "impostor", "")
        .add(12, 78.0, "impostor", "")
        .add(1788, 60.0, "impostor", "");
    let (policy, candidate) = (approves_from(76.0), approves_from(80.0));
    let pair = Compare::of(&rows.counted(&policy, Some(&candidate))).unwrap().fraud_approved.unwrap();
    assert_eq!((pair.policy.count, pair.candidate.count, pair.only_policy), (212, 200, 12));
    let (low, high) = pair.difference.unwrap();
    assert!((low + 0.0100).abs() < 5e-5 && (high + 0.0023).abs() < 5e-5, "{low} {high}");
    assert!((pair.p - 0.5_f64.powi(11)).abs() < 1e-12, "{}", pair.p);
    // Another policy with the same decisions on these rows has a narrow interval. The policy itself has none.
    let alike =
        Compare::of(&rows.counted(&policy, Some(&approves_from(77.0)))).unwrap().fraud_approved.unwrap();
    let (low, high) = alike.difference.unwrap();
    assert!(low > -0.002 && high < 0.002 && low < 0.0 && high > 0.0, "{low} {high}");
    let itself = Compare::of(&rows.counted(&policy, Some(&policy))).unwrap().fraud_approved.unwrap();
    assert_eq!(itself.difference, Some((0.0, 0.0)));
    let page = Report::of(&rows.counted(&policy, Some(&candidate)), &TARGETS).html(Language::En).unwrap();
    assert!(page.contains("-1.00\u{a0}% … -0.23\u{a0}%"), "the report has no interval of the difference");
}

#[test]
fn recommendation_rests_on_people_where_subjects_are_mapped() {
    // 400 people with ten attempts each; one of them always passes. Counted by attempt, this would prove 1/100.
    let rows = |subjects: bool| {
        let mut rows = Rows::new().add(3000, 90.0, "genuine", "");
        for person in 0..400 {
            let subject = if subjects { format!("person {person}") } else { String::new() };
            rows = rows.add(
                10,
                if person == 0 { 85.0 } else { 40.0 + f64::from(person % 30) },
                "impostor",
                &subject,
            );
        }
        Calibration::of(&rows.counted(&approves_from(75.0), None), &[0.01], 1)
    };
    let (people, attempts) = (rows(true), rows(false));
    let (people, attempts) = (&people.targets[0], &attempts.targets[0]);
    assert_eq!((attempts.recommended, attempts.rests_on), (Some(69.01), RestsOn::Attempts));
    assert_eq!(people.proved.as_ref().map(|at| at.threshold), Some(69.01));
    assert_eq!((people.recommended, people.rests_on), (Some(85.01), RestsOn::People));
    assert_eq!(people.proved_over_people.as_ref().map(|at| (at.threshold, at.fmr.count)), Some((85.01, 0)));
    assert!(people.words.contains("4000 impostors by 400 people"), "{}", people.words);
    // A third of the people would not be enough for that.
    let few = (0..130).fold(Rows::new(), |rows, person| rows.add(30, 50.0, "impostor", &format!("{person}")));
    let few = Calibration::of(&few.counted(&approves_from(75.0), None), &[0.01], 1);
    let few = &few.targets[0];
    assert!(few.proved.is_some() && few.recommended.is_none() && few.withheld.is_none(), "{few:?}");
    assert!(few.words.contains("not proved over people: 3900 impostors by 130 people"), "{}", few.words);
}

/// Impostors, some of them with a subject each, and nine genuine attempts.
fn calibrated(without: usize, with: usize, genuine_subject: &str) -> Calibration {
    let mut rows = Rows::new().add(without, 60.0, "impostor", "").add(9, 90.0, "genuine", genuine_subject);
    for person in 0..with {
        rows = rows.add(1, 50.0, "impostor", &format!("{person}"));
    }
    Calibration::of(&rows.counted(&approves_from(75.0), None), &[0.02], 1)
}

#[test]
fn recommendation_rests_on_attempts_where_most_impostors_have_no_subject() {
    // One person could have made all attempts. In the second case only genuine people have a subject.
    for (without, with, genuine) in [(301, 300, ""), (600, 0, "g")] {
        let calibration = calibrated(without, with, genuine);
        let target = &calibration.targets[0];
        assert_eq!(target.rests_on, RestsOn::AttemptsWithoutSubject, "{without} {with}");
        assert_eq!(target.people, None);
        assert_eq!(target.recommended, target.proved.as_ref().map(|at| at.threshold));
        let counts = calibration.without_subject.unwrap();
        assert_eq!((counts.impostor, calibration.impostor.count), (without as u64, (without + with) as u64));
    }
    // No row has a subject: the mapping names no subject column.
    let none = calibrated(600, 0, "");
    assert_eq!((none.targets[0].rests_on, none.without_subject), (RestsOn::Attempts, None));
}

#[test]
fn people_who_try_often_count_once_even_if_most_attempts_have_no_subject() {
    let mut rows = Rows::new().add(3000, 50.0, "impostor", "").add(40, 70.0, "impostor", "often");
    for person in 0..240 {
        rows = rows.add(8, 50.0, "impostor", &format!("{person}"));
    }
    let calibration = Calibration::of(&rows.counted(&approves_from(75.0), None), &[0.02], 1);
    let target = &calibration.targets[0];
    // 40 of 4,960 attempts would prove 50.01, but one person made all of them.
    assert_eq!(target.proved.as_ref().map(|at| at.threshold), Some(50.01));
    assert_eq!((target.rests_on, target.recommended), (RestsOn::AttemptsWithoutSubject, Some(70.01)));
}

#[test]
fn few_attempts_without_a_subject_count_as_one_person_each() {
    let calibration = calibrated(300, 300, "");
    let target = &calibration.targets[0];
    let people = target.people.unwrap();
    assert_eq!((target.rests_on, people.impostors, people.genuine), (RestsOn::People, 600, 9));
    assert_eq!(
        calibration.without_subject.map(|without| (without.impostor, without.genuine)),
        Some((300, 9))
    );
    // One attempt each: the interval over people equals the interval over attempts.
    let at = target.proved_over_people.as_ref().unwrap();
    assert_eq!(Some(at.threshold), target.proved.as_ref().map(|at| at.threshold));
    assert!((people.fmr_high.unwrap() / at.fmr.high - 1.0).abs() < 2e-4, "{people:?} {at:?}");
    // No genuine attempt has a subject, so there are no figures of genuine people.
    assert_eq!((people.fnmr_low, people.fnmr_high), (None, None));
    assert!(calibrated(0, 300, "g").targets[0].people.unwrap().fnmr_high.is_some());
}

#[test]
fn warns_of_swapped_labels_and_other_scales_and_recommends_nothing() {
    let check = |rows: Rows| {
        let calibration = Calibration::of(&rows.counted(&approves_from(75.0), None), &[0.01], 1);
        let target = calibration.targets[0].clone();
        assert_eq!(target.recommended.is_none(), !calibration.warnings.is_empty(), "{target:?}");
        (calibration.warnings.first().map(|warning| (warning.kind, warning.text.clone())), target)
    };
    let (fine, target) = check(Rows::new().add(1000, 90.0, "genuine", "").add(1000, 60.0, "impostor", ""));
    assert_eq!((fine, target.recommended, target.withheld), (None, Some(60.01), None));
    let (swapped, target) = check(Rows::new().add(1000, 60.0, "genuine", "").add(1000, 90.0, "impostor", ""));
    let (kind, text) = swapped.unwrap();
    assert_eq!((kind, target.withheld), (WarningKind::LabelsSwapped, Some(90.01)));
    assert_eq!(text, "AUC is 0.000: genuine people score below impostors; are the labels swapped?");
    assert!(target.words.contains(&text), "{}", target.words);
    let (tied, _) = check(Rows::new().add(200, 75.0, "genuine", "").add(200, 75.0, "impostor", ""));
    assert_eq!(tied.unwrap().0, WarningKind::NoSeparation);
    let (small, _) = check(
        Rows::new().add(992, 0.97, "genuine", "").add(8, 97.0, "genuine", "").add(1000, 0.3, "impostor", ""),
    );
    let (kind, text) = small.unwrap();
    assert_eq!(kind, WarningKind::ScaleTo1);
    assert_eq!(text, "99 % of the genuine scores are at most 1: is the scale 0 to 1 instead of 0 to 100?");
    let (ten, _) = check(Rows::new().add(500, 9.5, "genuine", "").add(500, 3.0, "impostor", ""));
    assert_eq!(ten.unwrap().0, WarningKind::ScaleTo10);
    // Impostors may have such low scores; genuine people may not.
    let (fine, _) = check(Rows::new().add(50, 90.0, "genuine", "").add(5000, 0.5, "impostor", ""));
    assert_eq!(fine, None);
    let (thousand, _) = check(
        Rows::new().add(90, 930.0, "genuine", "").add(10, 93.0, "genuine", "").add(9, 30.0, "impostor", ""),
    );
    assert_eq!(thousand.unwrap().0, WarningKind::MostlyWithoutScore);
}

#[test]
fn every_analysis_with_labels_warns_of_swapped_labels_and_other_scales() {
    let (policy, candidate) = (approves_from(75.0), approves_from(80.0));
    let warnings = |rows: &Rows| {
        let tally = rows.counted(&policy, Some(&candidate));
        let kinds = |warnings: &[Warning]| warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>();
        let compare = Compare::of(&tally).unwrap();
        assert_eq!(compare.rests_on, RestsOn::Attempts);
        let all = [
            kinds(&compare.warnings),
            kinds(&Replay::of(&tally).warnings),
            kinds(&SegmentRates::of(&tally).warnings),
            kinds(&Calibration::of(&tally, &[0.01], 1).warnings),
        ];
        assert!(all.iter().all(|kinds| *kinds == all[0]), "{all:?}");
        let page = Report::of(&tally, &TARGETS).html(Language::En).unwrap();
        (all[0].clone(), page.matches("Are the labels swapped?").count(), page.contains("0 to 1 instead of"))
    };
    let fine = Rows::new().add(100, 90.0, "genuine", "").add(100, 60.0, "impostor", "");
    assert_eq!(warnings(&fine), (vec![], 0, false));
    let swapped = Rows::new().add(100, 60.0, "genuine", "").add(100, 90.0, "impostor", "");
    assert_eq!(warnings(&swapped), (vec![WarningKind::LabelsSwapped], 3, false));
    let fraction = Rows::new().add(100, 0.9, "genuine", "").add(100, 0.6, "impostor", "");
    assert_eq!(warnings(&fraction), (vec![WarningKind::ScaleTo1], 0, true));
    // Another scale shows without labels too.
    assert_eq!(warnings(&Rows::new().add(100, 0.9, "", "")), (vec![WarningKind::ScaleTo1], 0, true));
}

#[test]
fn report_says_that_labels_separate_only_where_they_do() {
    let tied = Rows::new().add(200, 75.0, "genuine", "").add(200, 75.0, "impostor", "");
    let touching =
        Rows::new().add(9, 75.0, "genuine", "").add(9, 75.0, "impostor", "").add(9, 80.0, "genuine", "");
    let separate = Rows::new().add(200, 75.0, "genuine", "").add(200, 60.0, "impostor", "");
    let page = |rows: &Rows| {
        Report::of(&rows.counted(&approves_from(75.0), None), &TARGETS).html(Language::En).unwrap()
    };
    let (tied, touching, separate) = (page(&tied), page(&touching), page(&separate));
    assert!(separate.contains("separate completely") && !separate.contains("none avoids both"));
    for page in [&tied, &touching] {
        assert!(!page.contains("separate completely") && page.contains("none avoids both"));
    }
    assert!(
        tied.contains("does not tell genuine people from impostors")
            && !touching.contains("These data support no recommendation")
    );
}

#[test]
fn a_target_is_shown_as_it_was_written() {
    let rows = Rows::new().add(50, 90.0, "genuine", "").add(3, 60.0, "impostor", "");
    let tally = rows.counted(&approves_from(75.0), None);
    let targets: Vec<TargetRate> = ["3/10", "0.1%", "0.6", "1e-3"].map(|text| text.parse().unwrap()).into();
    let calibration = Calibration::of(&tally, &targets, 1);
    let shown: Vec<&str> = calibration.targets.iter().map(|target| &*target.target).collect();
    assert_eq!(shown, ["3/10", "0.1%", "0.6", "1e-3"]);
    assert!(calibration.targets[1].words.contains("cannot support 0.1%"), "{}", calibration.targets[1].words);
    assert_eq!((calibration.targets[1].fmr, calibration.targets[3].fmr), (0.001, 0.001));
}
