//! One run of a sweep gives the same counts as a replay with each value.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cloudauth_lab::{Lab, Mapping, Replay, RunControl, RunOutcome, Source, Sweep, SweepPlan};
use cloudauth_policy::{Input, Policy, builtin};

const MAPPING: &str =
    "format = 1\nshape = \"flat\"\ntime = \"day\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\n";

/// Rows with scores at, just beside and between the values, without a score, and out of range.
fn write_rows(folder: &Path) -> Vec<Source> {
    let scores = [
        "72",
        "74.999",
        "75",
        "75.000000000000014",
        "74.99999999999999",
        "75.5",
        "76",
        "76.004",
        "80",
        "79.995",
        "90",
        "55",
        "",
        "101",
        "69.5",
        "0",
        "100",
    ];
    let mut text = "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score,label,day,channel\n".to_owned();
    for number in 0..3000 {
        let code = ["200", "204", "200", "210"][number % 4];
        let passed = if code == "204" { "F" } else { "T" };
        let label = ["genuine", "impostor", ""][number % 3];
        let (score, quality) = (scores[number % scores.len()], ["79", "80", "81", ""][number / 17 % 4]);
        let attack = ["0.1", "0.5", "0.49995", "0.9"][number / 5 % 4];
        let day = 1 + number % 10;
        writeln!(text, "{code},{passed},F,F,{score},{quality},{attack},{label},2026-03-{day:02},app")
            .unwrap();
    }
    let file = folder.join("rows.csv");
    fs::write(&file, text).unwrap();
    Source::find(&[file]).unwrap()
}

fn run(lab: Lab<'_>, sources: &[Source]) -> RunOutcome {
    lab.mapping(Mapping::parse(MAPPING).unwrap()).run(sources, &RunControl::default()).unwrap()
}

/// The policy without its examples, with a rule for the scores at exactly `match_auto` if `edge` is set.
fn policy(comparison: &str, edge: bool) -> String {
    let text = builtin::ONBOARDING.split("[[assert]]").next().unwrap();
    let text = text.replace("\">= $match_auto\"", &format!("\"{comparison} $match_auto\""));
    let rule = "[[rule]]\nid = \"edge\"\nwhen = { sub_code = [\"200\", \"210\"], passed = \"T\", verify_score = \">= $match_auto\" }\nthen = { decision = \"retry\", reason = \"edge\" }\n\n";
    let grey = "[[rule]]\nid = \"grey-zone\"";
    assert!(text.contains(grey));
    if edge { text.replacen(grey, &format!("{rule}{grey}"), 1) } else { text }
}

/// The policy with another value, as a user edits it: the vendor's rate does not fit the value any more.
fn edited(policy: &str, name: &str, value: f64) -> String {
    let line = policy.lines().find(|line| line.starts_with(name)).unwrap();
    policy.replace(line, &format!("{name} = {{ value = {value:?} }}"))
}

fn assert_equals_replays(policy: &str, name: &str, values: Vec<f64>, again: bool) -> Sweep {
    let folder = tempfile::tempdir().unwrap();
    let sources = write_rows(folder.path());
    let plan = SweepPlan::new(policy, name, values).unwrap();
    let tally = run(Lab::sweep(&plan).threads(2), &sources).tally;
    let sweep = Sweep::of(&tally, &plan);
    let mut decided = 0;
    for value in &sweep.values {
        let Some(outcome) = value.outcome else {
            assert!(value.problem.is_some(), "{}", value.value);
            continue;
        };
        let policy = Policy::parse_allowing_failing_examples(&edited(policy, name, value.value)).unwrap();
        let replay = Replay::of(&run(Lab::new(&policy), &sources).tally);
        assert_eq!(outcome.verdicts, replay.verdicts, "{name} = {}", value.value);
        let (reviews, fraud) = (replay.verdicts.review.all, replay.verdicts.approve.impostor);
        assert_eq!(outcome.reviews_per_day, Some(reviews as f64 / 10.0));
        assert_eq!(outcome.fraud_approved.map(|rate| (rate.count, rate.of)), Some((fraud, 1000)));
        let refused = 1000 - replay.verdicts.approve.genuine;
        assert_eq!(outcome.customers_not_approved.map(|rate| (rate.count, rate.of)), Some((refused, 1000)));
        decided += 1;
    }
    assert!(decided > 3, "{decided}");
    assert_eq!((sweep.rows, sweep.days, sweep.decided_again > 0), (3000, Some(10), again));
    sweep
}

fn values(from: f64, to: f64, step: f64) -> Vec<f64> {
    SweepPlan::values(from, to, step).unwrap()
}

#[test]
fn each_value_has_the_counts_of_its_own_replay() {
    let sweep = assert_equals_replays(&policy(">=", false), "match_auto", values(69.0, 81.0, 0.5), false);
    let counts: Vec<u64> =
        sweep.values.iter().filter_map(|value| Some(value.outcome?.verdicts.approve.all)).collect();
    assert!(counts.first() > counts.last(), "{counts:?}");
    assert_eq!((sweep.current, sweep.input), (75.0, Input::VerifyScore));
    assert_eq!(sweep.values.iter().filter(|value| value.is_current).count(), 1);
}

#[test]
fn thresholds_that_exclude_their_value_are_swept_exactly() {
    assert_equals_replays(&policy(">", false), "match_auto", values(74.0, 77.0, 0.25), false);
}

#[test]
fn rows_at_a_value_are_decided_again_if_the_policy_compares_both_ways() {
    assert_equals_replays(&policy(">", true), "match_auto", values(74.5, 80.0, 0.5), true);
}

#[test]
fn other_scores_can_be_swept() {
    assert_equals_replays(&policy(">=", false), "quality_good", values(78.0, 82.0, 1.0), false);
    assert_equals_replays(&policy(">=", false), "attack_watch", values(0.1, 0.8, 0.05), false);
}

#[test]
fn values_that_break_a_promise_are_marked_and_not_counted() {
    let plan = SweepPlan::new(builtin::ONBOARDING, "match_auto", values(69.0, 80.0, 1.0)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tally = run(Lab::sweep(&plan), &write_rows(folder.path())).tally;
    let sweep = Sweep::of(&tally, &plan);
    let of = |value: f64| sweep.values.iter().find(|found| found.value == value).unwrap();
    // `match_floor` is 70 and must be below.
    for broken in [69.0, 70.0] {
        assert_eq!((of(broken).outcome, of(broken).problem.as_ref().unwrap().rule), (None, "V8"));
    }
    assert!(of(71.0).outcome.is_some() && of(71.0).problem.is_none());
    // An example is exactly at 75.
    assert_eq!((of(75.0).failing_examples, of(76.0).failing_examples), (0, 1));
    let none = SweepPlan::new(builtin::ONBOARDING, "match_auto", values(60.0, 70.0, 1.0)).unwrap_err();
    assert_eq!(none.to_string(), "the policy cannot be used with match_auto = 60");
    assert!(SweepPlan::new(builtin::ONBOARDING, "nobody", values(60.0, 70.0, 1.0)).is_err());
}

#[test]
fn values_are_the_decimals_that_a_person_writes() {
    let written: Vec<f64> =
        ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"].map(|text| text.parse().unwrap()).into();
    assert_eq!(values(0.1, 0.75, 0.1), written);
    assert_eq!((values(65.0, 85.0, 0.5).len(), values(70.0, 70.0, 1.0)), (41, vec![70.0]));
    let wrong =
        [(70.0, 60.0, 1.0), (60.0, 70.0, 0.0), (60.0, 70.0, -1.0), (0.0, 100.0, 0.05), (0.0, 1.0, 1e-7)];
    for (from, to, step) in wrong.into_iter().chain([(f64::NAN, 70.0, 1.0), (0.0, f64::INFINITY, 1.0)]) {
        assert!(SweepPlan::values(from, to, step).is_err(), "{from} {to} {step}");
    }
}

#[test]
fn a_stopped_sweep_resumes_with_the_same_counts() {
    let folder = tempfile::tempdir().unwrap();
    let sources = write_rows(folder.path());
    let plan = SweepPlan::new(&policy(">", true), "match_auto", values(74.5, 80.0, 0.5)).unwrap();
    let other = SweepPlan::new(&policy(">", true), "match_auto", values(74.5, 80.0, 0.25)).unwrap();
    let checkpoint = folder.path().join("state.json");
    let resumed = || run(Lab::sweep(&plan).resume(checkpoint.clone()), &sources).tally;
    let whole = run(Lab::sweep(&plan), &sources).tally;
    assert_eq!(Sweep::of(&resumed(), &plan), Sweep::of(&whole, &plan));
    assert_eq!(Sweep::of(&resumed(), &plan), Sweep::of(&whole, &plan), "from the checkpoint at the end");
    let lab = Lab::sweep(&other).resume(checkpoint).mapping(Mapping::parse(MAPPING).unwrap());
    assert!(lab.run(&sources, &RunControl::default()).is_err(), "a checkpoint of other values");
}

/// Ids are checked in the runs that use them: a comparison has examples with ids, a sweep has none.
#[test]
fn a_sweep_reads_no_ids() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.jsonl");
    fs::write(&file, "{\"id\": [1], \"sub_code\": \"200\", \"passed\": \"T\", \"verify_score\": 75.5}\n")
        .unwrap();
    let sources = Source::find(&[file]).unwrap();
    let plan = SweepPlan::new(&policy(">=", false), "match_auto", values(75.0, 76.0, 1.0)).unwrap();
    let about_ids = |lab: Lab<'_>| {
        let ran = lab.run(&sources, &RunControl::default()).unwrap();
        Replay::of(&ran.tally).issues.iter().filter(|issue| issue.message.contains("has an id")).count()
    };
    let (lower, higher) = (policy(">=", false), policy(">", false));
    let [lower, higher] = [lower, higher].map(|text| Policy::parse(&text).unwrap());
    assert_eq!((about_ids(Lab::new(&lower).against(&higher)), about_ids(Lab::sweep(&plan))), (1, 0));
}

/// The same rows in columns, which batches decide.
#[cfg(feature = "parquet")]
fn as_parquet(csv: &Path) -> Vec<Source> {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};

    let text = fs::read_to_string(csv).unwrap();
    let cells: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let (header, rows) = cells.split_first().unwrap();
    let column = |(number, name): (usize, &&str)| {
        let cells = rows.iter().map(|row| Some(row[number]).filter(|cell| !cell.is_empty()));
        let array: ArrayRef = if name.ends_with("score") {
            Arc::new(Float64Array::from_iter(cells.map(|cell| cell?.parse().ok())))
        } else {
            Arc::new(StringArray::from_iter(cells))
        };
        ((*name).to_owned(), array, true)
    };
    let batch = RecordBatch::try_from_iter_with_nullable(header.iter().enumerate().map(column)).unwrap();
    let file = csv.with_extension("parquet");
    let to = fs::File::create(&file).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(to, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    Source::find(&[file]).unwrap()
}

#[cfg(feature = "parquet")]
#[test]
fn columns_give_the_same_sweep_as_rows() {
    let folder = tempfile::tempdir().unwrap();
    let rows = write_rows(folder.path());
    let columns = as_parquet(&folder.path().join("rows.csv"));
    for (comparison, edge) in [(">=", false), (">", false), (">", true)] {
        let plan = SweepPlan::new(&policy(comparison, edge), "match_auto", values(72.0, 80.0, 0.5)).unwrap();
        let sweep = |sources: &[Source]| Sweep::of(&run(Lab::sweep(&plan), sources).tally, &plan);
        let (rows, columns) = (sweep(&rows), sweep(&columns));
        assert_eq!(
            (rows.values, rows.decided_again),
            (columns.values, columns.decided_again),
            "{comparison} {edge}"
        );
    }
}
