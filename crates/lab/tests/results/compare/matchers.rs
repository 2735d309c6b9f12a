//! Two matchers on the same labelled attempts: the areas under the ROC curves of `verify_score` and `second_score`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cloudauth_lab::{
    Compare, DataIssue, Lab, Language, Mapping, MatcherFinding, Matchers, Report, RestsOn, RunControl,
    RunOutcome, Source, TARGETS,
};
use cloudauth_policy::{Policy, builtin};
use cloudauth_stats::{AucDifference, Confidence, PairedScores};
use serde_json::{Value, json};

use crate::checkpoint;

/// A row: the label, both scores as they are written, and the subject.
struct Row {
    label: &'static str,
    first: String,
    second: String,
    subject: Option<usize>,
}

fn row(is_genuine: bool, first: impl ToString, second: impl ToString) -> Row {
    let label = if is_genuine { "genuine" } else { "impostor" };
    Row { label, first: first.to_string(), second: second.to_string(), subject: None }
}

const COLUMNS: &str = "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score,label,subject,other";

fn csv(rows: &[Row]) -> String {
    let mut text = format!("{COLUMNS}\n");
    for Row { label, first, second, subject } in rows {
        let subject = subject.map(|subject| format!("s{subject}")).unwrap_or_default();
        writeln!(text, "200,T,F,F,{first},90,0.01,{label},{subject},{second}").unwrap();
    }
    text
}

fn mapping() -> Mapping {
    let text = "format = 1\nsubject = \"subject\"\nsecond_score = \"other\"\n[label]\ncolumn = \"label\"\n";
    Mapping::parse(text).unwrap()
}

fn run_file(path: &Path, mapping: Mapping, threads: usize) -> RunOutcome {
    let [policy, candidate] =
        [builtin::ONBOARDING, builtin::VENDOR].map(|policy| Policy::parse(policy).unwrap());
    let lab = Lab::new(&policy).against(&candidate).mapping(mapping).keep_people().threads(threads);
    lab.run(&Source::find(&[path.to_owned()]).unwrap(), &RunControl::default()).unwrap()
}

fn run(rows: &[Row]) -> Compare {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, csv(rows)).unwrap();
    Compare::of(&run_file(&path, mapping(), 2).tally).unwrap()
}

fn matchers(rows: &[Row]) -> Matchers {
    run(rows).matchers.unwrap()
}

/// The rows of a set of the statistics crate. The second score is the one that pROC was given there.
fn of_set(csv: &str) -> Vec<Row> {
    let rows = csv.lines().skip(1).enumerate().map(|(place, line)| {
        let mut fields = line.split(',');
        let is_genuine = fields.next() == Some("genuine");
        let first: f64 = fields.next().unwrap().parse().unwrap();
        row(is_genuine, first, first.floor() + (place * 7 % 11) as f64)
    });
    rows.collect()
}

fn is_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} is not {expected}");
}

#[test]
fn areas_and_their_difference_are_those_of_proc() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../../stats/tests/golden/planning.json")).unwrap();
    let golden = golden["delong"].as_array().unwrap();
    for (name, csv) in [
        ("continuous", include_str!("../../../../stats/tests/golden/scores_continuous.csv")),
        ("tiny", include_str!("../../../../stats/tests/golden/scores_tiny.csv")),
    ] {
        let golden = golden.iter().find(|row| row["set"] == name).unwrap();
        let of = |member: &str| golden[member].as_f64().unwrap();
        let found = matchers(&of_set(csv));
        assert_eq!(json!([found.genuine, found.impostor]), json!([golden["genuine"], golden["impostor"]]));
        let aucs = found.aucs.unwrap();
        is_close(aucs.first.auc, of("auc"));
        is_close(aucs.second.auc, of("second"));
        is_close(aucs.p.unwrap(), of("p"));
        // pROC has the difference of the first.
        let (low, high) = aucs.difference_interval.unwrap();
        is_close(-high, of("diff_low"));
        is_close(-low, of("diff_high"));
        is_close(aucs.difference, of("second") - of("auc"));
        assert_eq!(found.finding, MatcherFinding::NotDistinguished, "{name}");
        assert_eq!((found.rests_on, found.people), (RestsOn::Attempts, None));
    }
}

/// Attempts of people, some of whom have no subject. The second matcher is better, and has another scale.
fn attempts() -> Vec<Row> {
    let attempt = |number: usize| {
        let person = number / 4;
        let is_genuine = !person.is_multiple_of(3);
        let noise = (number * 7919 % 400) as f64 / 10.0;
        let own = (person * 31 % 17) as f64 * 2.0;
        let first = 20.0 + noise / 2.0 + own + if is_genuine { 12.0 } else { 0.0 };
        let second = -1000.0 + 3.5 * (noise / 2.0 + own / 4.0 + if is_genuine { 20.0 } else { 0.0 });
        Row { subject: (!number.is_multiple_of(9)).then_some(person), ..row(is_genuine, first, second) }
    };
    (0..1200).map(attempt).collect()
}

#[test]
fn attempts_of_one_person_count_together() {
    let rows = attempts();
    let found = matchers(&rows);
    let mut paired: Vec<(Option<usize>, PairedScores)> = rows
        .iter()
        .map(|Row { label, first, second, subject }| {
            let genuine = u64::from(*label == "genuine");
            let [first, second] = [first, second].map(|score| score.parse().unwrap());
            (*subject, PairedScores { first, second, genuine, impostor: 1 - genuine })
        })
        .collect();
    paired.sort_by_key(|(subject, _)| *subject);
    let alone = AucDifference::of(paired.iter().map(|(_, paired)| *paired)).unwrap();
    let exact = AucDifference::of_subjects(paired.clone()).unwrap();
    let aucs = found.aucs.unwrap();
    assert_eq!((aucs.first.auc, aucs.second.auc), (exact.first.area, exact.second.area));
    is_close(aucs.p.unwrap(), exact.p());
    is_close(aucs.effective, exact.effective);
    let interval = exact.interval(Confidence::P95);
    is_close(aucs.difference_interval.unwrap().0, -interval.high);
    is_close(aucs.difference_interval.unwrap().1, -interval.low);
    let [of_first, of_second] = [exact.first, exact.second].map(|auc| auc.logit_interval(Confidence::P95));
    is_close(aucs.first.interval.unwrap().0, of_first.low);
    is_close(aucs.second.interval.unwrap().1, of_second.high);
    assert!(exact.variance > 1.2 * alone.variance, "{exact:?} {alone:?}");
    assert_eq!((found.rests_on, found.finding), (RestsOn::People, MatcherFinding::SecondHigher));
    let people = |label: &str| {
        let mut known: Vec<usize> =
            rows.iter().filter(|row| row.label == label).filter_map(|row| row.subject).collect();
        let without = rows.iter().filter(|row| row.label == label && row.subject.is_none()).count();
        known.sort_unstable();
        known.dedup();
        (known.len() + without) as u64
    };
    let count = found.people.unwrap();
    assert_eq!((count.genuine, count.impostor), (people("genuine"), people("impostor")));
    // `verify_score` is from 0 to 100.
    let shrunk = |score: &str| (score.parse::<f64>().unwrap() + 1000.0) / 4.0;
    let reversed: Vec<Row> = rows
        .into_iter()
        .map(|row| Row { first: shrunk(&row.second).to_string(), second: row.first, ..row })
        .collect();
    let found = matchers(&reversed);
    assert_eq!(found.finding, MatcherFinding::FirstHigher);
    is_close(found.aucs.unwrap().difference, -aucs.difference);
}

#[test]
fn every_format_and_number_of_threads_gives_the_same_figures() {
    let folder = tempfile::tempdir().unwrap();
    let rows = attempts();
    let table = folder.path().join("rows.csv");
    fs::write(&table, csv(&rows)).unwrap();
    let expected = run_file(&table, mapping(), 1).tally;
    assert_eq!(run_file(&table, mapping(), 3).tally, expected, "on other threads");
    let mut lines = String::new();
    for Row { label, first, second, subject } in &rows {
        let mut line = json!({
            "sub_code": "200", "passed": "T", "face_attack": "F", "face_occlusion": "F", "quality_score": 90,
            "face_attack_score": 0.01, "label": label, "subject": subject.map(|subject| format!("s{subject}")),
        });
        line["verify_score"] = serde_json::from_str(first).unwrap();
        line["other"] = serde_json::from_str(second).unwrap();
        writeln!(lines, "{line}").unwrap();
    }
    let path = folder.path().join("rows.jsonl");
    fs::write(&path, lines).unwrap();
    let matchers = |tally| Compare::of(tally).unwrap().matchers.unwrap();
    assert_eq!(matchers(&run_file(&path, mapping(), 2).tally), matchers(&expected));
}

#[test]
fn a_stopped_run_resumes_with_its_scores() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    // More rows than a chunk has.
    let rows: Vec<Row> = (0..8).flat_map(|_| attempts()).collect();
    fs::write(&path, csv(&rows)).unwrap();
    let whole = run_file(&path, mapping(), 2).tally;
    let policies = [builtin::ONBOARDING, builtin::VENDOR].map(|policy| Policy::parse(policy).unwrap());
    let [policy, candidate] = &policies;
    let state = folder.path().join("state.json");
    let sources = Source::find(&[path]).unwrap();
    let lab = || {
        let lab = Lab::new(policy).against(candidate).mapping(mapping()).keep_people();
        lab.threads(1).resume(state.clone())
    };
    let control = RunControl::default();
    control.stop_after(1);
    let part = lab().run(&sources, &control).unwrap();
    assert!(!part.complete && Compare::of(&part.tally).unwrap().matchers.unwrap().aucs.is_some());
    // Without the rows so far, the rest would be compared alone.
    let stopped = fs::read_to_string(&state).unwrap();
    let whole_document = checkpoint::read(&state);
    let refused = |edit: &dyn Fn(&mut Value)| {
        let mut edited = whole_document.clone();
        edit(&mut edited);
        checkpoint::write(&state, &edited);
        let error = lab().run(&sources, &RunControl::default()).unwrap_err();
        assert!(error.to_string().contains("state.json is of another command, policy"), "{error}");
    };
    refused(&|edited| edited["tally"]["matchers"] = Value::Null);
    // A position beyond the files would never end.
    refused(&|edited| edited["position"]["source"] = 2.into());
    fs::write(&state, stopped).unwrap();
    assert_eq!(lab().run(&sources, &RunControl::default()).unwrap().tally, whole);
}

#[test]
fn a_column_with_another_role_is_not_the_second_score() {
    for (of, is_refused) in [("verify_score", true), ("who", true), ("label", true), ("other", false)] {
        let text =
            format!("format = 1\nsubject = \"who\"\nsecond_score = \"{of}\"\n[label]\ncolumn = \"label\"\n");
        let found = Mapping::parse(&text).map_err(|error| error.to_string());
        assert_eq!(found.is_err(), is_refused, "{of}: {found:?}");
        assert!(found.err().is_none_or(|error| error.contains("`second_score` names the column of")), "{of}");
    }
}

#[test]
fn attempts_without_both_scores_are_left_out_and_counted() {
    let mut rows = attempts();
    rows.iter_mut().for_each(|row| row.subject = None);
    let whole = matchers(&rows);
    // Each of them reads as a score that is missing, and all but the empty one and `null` as a data issue.
    let bad = ["", "null", "NaN", "inf", "1e999", "0x1F", "true", "12,5", "[1]"];
    let mut more: Vec<Row> = bad.iter().map(|bad| row(true, "71", format!("\"{bad}\""))).collect();
    more.push(row(false, "71", ""));
    // `verify_score` has a range, 0 to 100. The other score has none.
    more.push(row(false, "101", "5"));
    more.push(row(false, "", ""));
    let unlabelled = Row { label: "", ..row(true, "80", "x") };
    let compare = run(&rows.into_iter().chain(more).chain([unlabelled]).collect::<Vec<_>>());
    let found = compare.matchers.unwrap();
    let left_out = found.left_out;
    assert_eq!((left_out.genuine, left_out.impostor), (bad.len() as u64, 3));
    assert_eq!((left_out.without_first, left_out.without_second), (2, bad.len() as u64 + 2));
    assert_eq!(found.aucs, whole.aucs);
    assert_eq!((found.genuine, found.impostor), (whole.genuine, whole.impostor));
    let is_second = |issue: &&DataIssue| issue.message.contains("second matcher");
    let issue = compare.issues.iter().find(is_second).unwrap();
    // The unlabelled row has one, too.
    assert_eq!((issue.rows, issue.left_out), (bad.len() as u64 - 2 + 1, false));

    let huge: Vec<Row> = (0..40)
        .map(|number| row(number % 2 == 0, 60 + number, if number % 2 == 0 { "1e308" } else { "-1e308" }))
        .collect();
    let found = matchers(&huge);
    assert_eq!((found.aucs.unwrap().second.auc, found.left_out.genuine), (1.0, 0));
}

#[test]
fn matchers_that_order_alike_have_no_interval() {
    let rows: Vec<Row> = attempts().into_iter().map(|row| Row { second: row.first.clone(), ..row }).collect();
    let found = matchers(&rows);
    let aucs = found.aucs.unwrap();
    assert_eq!((aucs.difference, aucs.difference_interval, aucs.p), (0.0, None, None));
    assert!(aucs.difference.is_sign_positive() && aucs.first == aucs.second && aucs.first.interval.is_some());
    assert_eq!(found.finding, MatcherFinding::NotDistinguished);
    // Both separate the labels completely, by other orders.
    let apart: Vec<Row> = (0..80)
        .map(|n| {
            row(
                n % 2 == 0,
                if n % 2 == 0 { 70 + n / 4 } else { n / 2 },
                if n % 2 == 0 { 900 - n } else { n * 7 % 80 },
            )
        })
        .collect();
    let found = matchers(&apart);
    let aucs = found.aucs.unwrap();
    assert_eq!((aucs.first.auc, aucs.second.auc, aucs.p), (1.0, 1.0, None));
    assert_eq!((aucs.first.interval, found.finding), (None, MatcherFinding::NotDistinguished));
}

#[test]
fn nothing_is_concluded_from_swapped_labels_or_a_few_attempts() {
    let swapped: Vec<Row> = attempts()
        .into_iter()
        .map(|row| Row { label: if row.label == "genuine" { "impostor" } else { "genuine" }, ..row })
        .collect();
    let found = matchers(&swapped);
    assert!(found.aucs.unwrap().p.unwrap() < 0.05);
    assert_eq!(found.finding, MatcherFinding::Doubtful);
    // A distance: lower is more alike.
    let distance = |row: Row| Row { second: (-row.second.parse::<f64>().unwrap()).to_string(), ..row };
    assert_eq!(
        matchers(&attempts().into_iter().map(distance).collect::<Vec<_>>()).finding,
        MatcherFinding::Doubtful
    );

    let few: Vec<Row> = attempts().into_iter().map(|row| Row { subject: None, ..row }).collect();
    let mut impostors = 0;
    let few: Vec<Row> = few
        .into_iter()
        .filter(|row| {
            impostors += u32::from(row.label == "impostor");
            row.label == "genuine" || impostors <= 29
        })
        .collect();
    let found = matchers(&few);
    assert!(found.impostor == 29 && found.aucs.unwrap().p.unwrap() < 0.05);
    assert_eq!(found.finding, MatcherFinding::TooFew);
    // The matchers disagree about a few impostors only.
    for (few, finding) in [(5, MatcherFinding::TooFew), (6, MatcherFinding::SecondHigher)] {
        let score = |n: usize, is_high: bool| {
            let is_genuine = n.is_multiple_of(2);
            row(is_genuine, if is_high { 90 } else { 40 }, if is_genuine { 90 } else { 40 })
        };
        let rows: Vec<Row> = (0..2000).map(|n| score(n, n.is_multiple_of(2) || n < 2 * few)).collect();
        let found = matchers(&rows);
        let aucs = found.aucs.unwrap();
        assert!(aucs.p.unwrap() < 0.05 && (aucs.effective - few as f64).abs() < 0.5, "{aucs:?}");
        assert_eq!(found.finding, finding);
    }
}

#[test]
fn without_labels_there_is_no_area_and_the_output_says_so() {
    let unlabelled: Vec<Row> = attempts().into_iter().map(|row| Row { label: "", ..row }).collect();
    for rows in [unlabelled, attempts().into_iter().filter(|row| row.label == "genuine").collect()] {
        let found = matchers(&rows);
        assert_eq!((found.aucs, found.finding, found.impostor), (None, MatcherFinding::TooFew, 0));
        assert!(found.finding.text(Language::En).starts_with("too few"));
    }
}

#[test]
fn only_a_comparison_reads_the_second_score() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    // The column does not exist.
    fs::write(&path, csv(&attempts()).replace(",other", ",another")).unwrap();
    let sources = Source::find(&[path]).unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let lab = || Lab::new(&policy).mapping(mapping());
    assert!(lab().run(&sources, &RunControl::default()).unwrap().complete);
    let error = lab().against(&policy).run(&sources, &RunControl::default()).unwrap_err();
    assert!(error.to_string().contains("`other`"), "{error}");
}

#[test]
fn a_report_has_both_areas() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, csv(&attempts())).unwrap();
    let tally = run_file(&path, mapping(), 1).tally;
    let aucs = Compare::of(&tally).unwrap().matchers.unwrap().aucs.unwrap();
    for (language, says) in
        [(Language::En, "second_score has the higher AUC"), (Language::Zh, "second_score 的 AUC 更高")]
    {
        let page = Report::of(&tally, &TARGETS).html(language).unwrap();
        for part in [says.to_owned(), format!("{:.6}", aucs.second.auc), format!("{:.6}", aucs.difference)] {
            assert!(page.contains(&part), "{part}");
        }
    }
}
