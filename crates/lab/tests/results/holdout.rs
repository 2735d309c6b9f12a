//! Thresholds chosen on some days and tested on others, against calibrations of the two parts in files of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{
    Calibration, Days, Holdout, HoldoutDays, HoldoutRate, Lab, Language, Mapping, Proportion, Report,
    RestsOn, RunControl, Source, Tally, TargetRate, TargetReason, WarningKind, curve,
};
use cloudauth_policy::{Policy, builtin};
use cloudauth_stats::{Clusters, Confidence, Interval, difference_of};

struct Line {
    /// Days from 1 to 60; 0 is a row without a time.
    day: u32,
    subject: String,
    row: String,
}

/// One attempt of each subject, and a second one a month later for each tenth. Impostors score higher in the second month.
fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for number in 0..6000_u32 {
        let is_impostor = number % 3 == 0;
        let day = if number % 97 == 0 { 0 } else { 1 + number % 60 };
        let spread = f64::from(number * 7919 % 1000) / 1000.0;
        let score = if is_impostor { 30.0 + 45.0 * spread * spread } else { 65.0 + 34.0 * spread };
        let row = |day: u32, subject: String| {
            let score = if is_impostor && day > 30 { score + 4.0 } else { score };
            let label = if is_impostor { "impostor" } else { "genuine" };
            Line { day, subject, row: format!("200,T,F,F,{score:.2},90,0.01,{label}") }
        };
        let subject = if number % 50 == 7 { String::new() } else { format!("s{number}") };
        lines.push(row(day, subject.clone()));
        if number % 10 == 0 {
            lines.push(row(31 + number % 30, subject));
        }
    }
    lines
}

fn write<'l>(folder: &Path, name: &str, lines: impl Iterator<Item = &'l Line>) -> PathBuf {
    let header = "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score,label,day,subject\n";
    let date = |day: u32| match day {
        0 => String::new(),
        day if day <= 30 => format!("2026-06-{day:02}"),
        day => format!("2026-07-{:02}", day - 30),
    };
    let rows = lines.map(|line| format!("{},{},{}\n", line.row, date(line.day), line.subject));
    let file = folder.join(name);
    fs::write(&file, header.to_owned() + &rows.collect::<String>()).unwrap();
    file
}

fn run(lab: Lab<'_>, file: &Path) -> Tally {
    run_with(lab, file, "subject = \"subject\"\n[label]\ncolumn = \"label\"\n")
}

fn run_with(lab: Lab<'_>, file: &Path, columns: &str) -> Tally {
    let mapping = &format!("format = 1\ntime = \"day\"\n{columns}");
    let lab = lab.keep_people().mapping(Mapping::parse(mapping).unwrap());
    lab.run(&Source::find(&[file.to_owned()]).unwrap(), &RunControl::default()).unwrap().tally
}

fn days(text: &str) -> Days {
    text.parse().unwrap()
}

fn targets() -> [TargetRate; 3] {
    ["1/50", "1/200", "1/100000"].map(|target| target.parse().unwrap())
}

#[test]
fn each_part_has_the_figures_of_a_file_of_its_own() {
    let (folder, lines) = (tempfile::tempdir().unwrap(), lines());
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let is_of_train = |line: &&Line| (1..=30).contains(&line.day);
    let known: Vec<&str> = lines
        .iter()
        .filter(is_of_train)
        .map(|line| &*line.subject)
        .filter(|subject| !subject.is_empty())
        .collect();
    let is_known = |line: &&Line| known.contains(&&*line.subject);
    let all = write(folder.path(), "all.csv", lines.iter());
    let train_file = write(folder.path(), "train.csv", lines.iter().filter(is_of_train));
    let later = || lines.iter().filter(|line| line.day > 30);
    let test_file = write(folder.path(), "test.csv", later().filter(|line| !is_known(line)));

    let train = run(Lab::new(&policy).days(days("..2026-06-30")), &all);
    let lab = Lab::new(&policy).days(days("2026-07-01..2026-07-31")).threads(3);
    let test = run(lab.without_people_of(&train).unwrap(), &all);
    let found = Holdout::of(&train, &test, &targets(), 1).unwrap();

    let (chosen, tested) = (run(Lab::new(&policy), &train_file), run(Lab::new(&policy), &test_file));
    assert_eq!((found.train.rows, found.test.rows), (chosen.rows(), tested.rows()));
    let dropped = later().filter(is_known).count() as u64;
    assert!(found.dropped_rows == dropped && dropped > 200 && found.has_subjects, "{dropped}");
    assert_eq!(
        (found.train.first.as_deref(), found.train.last.as_deref(), found.test.last.as_deref()),
        (Some("2026-06-01"), Some("2026-06-30"), Some("2026-07-30"))
    );
    let calibration = Calibration::of(&chosen, &targets(), 1);
    let tested = curve(&tested);
    for (found, expected) in found.targets.iter().zip(&calibration.targets) {
        let shown = expected.shown.as_ref().map(|errors| errors.threshold);
        assert_eq!(
            (found.threshold, found.is_proved),
            (expected.recommended.or(shown), expected.recommended.is_some())
        );
        let errors = tested.iter().find(|errors| Some(errors.threshold) == found.threshold).unwrap();
        let (fmr, fnmr) = (found.fmr.unwrap(), found.fnmr.unwrap());
        let counts = |rate: Proportion| (rate.count, rate.of, rate.rate);
        assert_eq!([fmr.test, fnmr.test].map(counts), [errors.fmr, errors.fnmr].map(counts));
        for HoldoutRate { train, test, optimism, interval, .. } in [fmr, fnmr] {
            let (optimism, (low, high)) = (optimism.unwrap(), interval.unwrap());
            assert!((optimism - (test.rate.unwrap() - train.rate.unwrap())).abs() < 1e-15);
            assert!(low <= optimism && optimism <= high, "{low} {optimism} {high}");
        }
    }
    // The impostors of the second month score higher, which the training days do not know.
    let [first, _, last] = found.targets.as_slice() else { panic!("three targets") };
    assert!(first.is_proved && first.fmr.unwrap().interval.unwrap().0 > 0.0, "{:?}", first.fmr);
    assert!(!last.is_proved, "{last:?}");
}

/// The rate of one label over people, computed from the lines: an attempt without a subject is one more person.
fn over_people(lines: &[&Line], threshold: f64, label: &str) -> (Clusters, Interval) {
    let (mut people, mut alone) = (BTreeMap::<&str, (u64, u64)>::new(), Vec::new());
    for line in lines.iter().filter(|line| line.row.ends_with(label)) {
        let score: f64 = line.row.split(',').nth(4).unwrap().parse().unwrap();
        let error = u64::from((score >= threshold) == (label == "impostor"));
        if line.subject.is_empty() {
            alone.push((error, 1, 1));
        } else {
            let (errors, attempts) = people.entry(&line.subject).or_default();
            (*errors, *attempts) = (*errors + error, *attempts + 1);
        }
    }
    let mut clusters = Clusters::default();
    clusters.extend(people.into_values().map(|(errors, attempts)| (errors, attempts, 1)).chain(alone));
    let interval = clusters.interval(Confidence::P95);
    (clusters, interval)
}

#[test]
fn intervals_count_people_where_rows_have_a_subject() {
    let (folder, mut lines) = (tempfile::tempdir().unwrap(), lines());
    // Each tenth person of the training days tries four times.
    let again: Vec<Line> = lines
        .iter()
        .filter(|line| (1..=30).contains(&line.day) && line.subject.ends_with('4'))
        .flat_map(|line| {
            (0..3).map(|_| Line { row: line.row.clone(), subject: line.subject.clone(), ..*line })
        })
        .collect();
    lines.extend(again);
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let all = write(folder.path(), "all.csv", lines.iter());
    let train = run(Lab::new(&policy).days(days("..2026-06-30")), &all);
    let lab = Lab::new(&policy).days(days("2026-07-01.."));
    let test = run(lab.without_people_of(&train).unwrap(), &all);
    let found = Holdout::of(&train, &test, &targets(), 1).unwrap();
    assert_eq!((found.rests_on, &*found.warnings), (RestsOn::People, &[][..]));

    let on_train: Vec<&Line> = lines.iter().filter(|line| (1..=30).contains(&line.day)).collect();
    let known: BTreeSet<&str> =
        on_train.iter().map(|line| &*line.subject).filter(|of| !of.is_empty()).collect();
    let on_test: Vec<&Line> =
        lines.iter().filter(|line| line.day > 30 && !known.contains(&*line.subject)).collect();
    let parts = [&on_train, &on_test];
    let mut counted = BTreeMap::new();
    for target in &found.targets {
        for (label, rate) in [("impostor", target.fmr.unwrap()), ("genuine", target.fnmr.unwrap())] {
            let [(train, of_train), (test, of_test)] =
                parts.map(|lines| over_people(lines, target.threshold.unwrap(), label));
            counted.insert(label, train.subjects() + test.subjects());
            for (rate, people, interval) in [(rate.train, &train, of_train), (rate.test, &test, of_test)] {
                assert_eq!((rate.count, rate.of), (people.rate().count(), people.rate().of()));
                assert_eq!((rate.low, rate.high), (interval.low, interval.high));
            }
            let side = |rate: Proportion, interval| (rate.rate.unwrap(), interval);
            let difference = difference_of(side(rate.test, of_test), side(rate.train, of_train));
            assert_eq!(rate.interval, Some((difference.low, difference.high)), "{label}");
        }
    }
    let people = found.people.unwrap();
    assert_eq!((people.impostor, people.genuine), (counted["impostor"], counted["genuine"]));

    // Without subjects, the same rows count as independent, and the intervals are shorter.
    let alone = |of: &str| run_with(Lab::new(&policy).days(days(of)), &all, "[label]\ncolumn = \"label\"\n");
    let attempts = Holdout::of(&alone("..2026-06-30"), &alone("2026-07-01.."), &targets(), 1).unwrap();
    assert_eq!((attempts.rests_on, attempts.people), (RestsOn::Attempts, None));
    let width = |found: &Holdout| {
        let train = found.targets[0].fmr.unwrap().train;
        train.high - train.low
    };
    assert!(width(&attempts) < width(&found));
}

/// Most genuine attempts have no subject, and all impostors have one: the proof counts people, and the intervals take most genuine
/// attempts as people of their own.
#[test]
fn a_target_says_what_its_proof_counts() {
    let (folder, mut lines) = (tempfile::tempdir().unwrap(), lines());
    for line in lines.iter_mut().filter(|line| line.row.ends_with("genuine")) {
        line.subject.clear();
    }
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let all = write(folder.path(), "all.csv", lines.iter());
    let of = |text: &str| run(Lab::new(&policy).days(days(text)), &all);
    let found = Holdout::of(&of("..2026-06-30"), &of("2026-07-01.."), &targets(), 1).unwrap();
    assert_eq!(found.rests_on, RestsOn::AttemptsWithoutSubject);
    let of_targets: Vec<RestsOn> = found.targets.iter().map(|target| target.rests_on).collect();
    assert_eq!(of_targets, vec![RestsOn::People; targets().len()]);
    let document = serde_json::to_value(&found).unwrap();
    assert_eq!(document["targets"][0]["rests_on"], "people");
    let tally = of("..2026-06-30");
    let mut same = found.clone();
    same.targets.iter_mut().for_each(|target| target.rests_on = found.rests_on);
    for (language, says) in [
        (Language::En, "What is proved on the training days counts people, not attempts."),
        (Language::Zh, "训练期的“可证明”按人而非按次数得出。"),
    ] {
        let times = [&found, &same].map(|found| {
            let mut report = Report::of(&tally, &targets());
            report.holdout = Some(found.clone());
            report.html(language).unwrap().matches(says).count()
        });
        assert_eq!(times, [1, 0], "{says}");
    }
}

#[test]
fn doubtful_labels_are_warned_of_and_not_proved() {
    let (folder, lines) = (tempfile::tempdir().unwrap(), lines());
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let all = write(folder.path(), "all.csv", lines.iter());
    let swapped = "[label]\ncolumn = \"label\"\ngenuine = [\"impostor\"]\nimpostor = [\"genuine\"]\n";
    let of = |text: &str, columns: &str| run_with(Lab::new(&policy).days(days(text)), &all, columns);
    let found =
        Holdout::of(&of("..2026-06-30", swapped), &of("2026-07-01..", swapped), &targets(), 1).unwrap();
    let told: Vec<_> = found.warnings.iter().map(|warning| (warning.on, warning.warning.kind)).collect();
    assert_eq!(
        told,
        [(HoldoutDays::Train, WarningKind::LabelsSwapped), (HoldoutDays::Test, WarningKind::LabelsSwapped)]
    );
    let document = serde_json::to_value(&found).unwrap();
    assert_eq!(
        (&document["warnings"][1]["on"], &document["warnings"][1]["kind"]),
        (&"test".into(), &"labels_swapped".into())
    );
    for target in &found.targets {
        assert!(!target.is_proved, "{target:?}");
        assert!(matches!(
            target.reason,
            Some(TargetReason::Withheld(_) | TargetReason::TooFewImpostors { .. })
        ));
    }
    // Only the test days are wrong.
    let right = "[label]\ncolumn = \"label\"\n";
    let found = Holdout::of(&of("..2026-06-30", right), &of("2026-07-01..", swapped), &targets(), 1).unwrap();
    assert!(found.targets[0].is_proved);
    assert_eq!(found.warnings.iter().map(|warning| warning.on).collect::<Vec<_>>(), [HoldoutDays::Test]);
}

#[test]
fn days_without_labels_are_refused() {
    let (folder, lines) = (tempfile::tempdir().unwrap(), lines());
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let all = write(folder.path(), "all.csv", lines.iter());
    let of = |text: &str| run(Lab::new(&policy).days(days(text)), &all);
    let error = Holdout::of(&of("..2026-06-30"), &of("2027-01-01.."), &targets(), 1).unwrap_err();
    assert!(error.to_string().contains("the days of --test have no labelled impostors"), "{error}");
    let error = Holdout::of(&of("..2020-06-30"), &of("2026-01-01.."), &targets(), 1).unwrap_err();
    assert!(error.to_string().contains("the days of --train"), "{error}");
}
