//! The expected costs of a sweep, against replays with each value and the exact bound over people.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cloudauth_lab::{
    Confidence, Costs, Lab, Language, Mapping, Replay, Report, RunControl, Source, Sweep, SweepPlan, TARGETS,
    Tally, ValueCost,
};
use cloudauth_policy::{Policy, builtin};
use cloudauth_stats::{Clusters, clopper_pearson};

const COSTS: &str =
    "format = 1\n[cost]\nimpostor_approved = 5000\ngenuine_rejected = 30.5\nreview = 2\nretry = 0.5\n";

/// A person of the test: the label, and the scores of all attempts.
struct Person {
    is_genuine: bool,
    scores: Vec<f64>,
}

/// Impostors around the threshold and genuine people above it. Each third person tries again, with similar scores.
fn people(impostors: u32, genuine: u32) -> Vec<Person> {
    let person = |number: u32, of: u32, is_genuine: bool| {
        let place = f64::from(number) / f64::from(of);
        let score = if is_genuine { 70.0 + 25.0 * place } else { 40.0 + 38.0 * place };
        let tries = if number.is_multiple_of(3) { 1 + number % 5 } else { 1 };
        let scores = (0..tries).map(|attempt| score + f64::from(attempt) / 4.0).collect();
        Person { is_genuine, scores }
    };
    let impostor = (0..impostors).map(|number| person(number, impostors, false));
    impostor.chain((0..genuine).map(|number| person(number, genuine, true))).collect()
}

fn write_rows(folder: &Path, people: &[Person]) -> Vec<Source> {
    let mut text =
        "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score,label,subject\n"
            .to_owned();
    // The attempts of a person are far apart.
    for attempt in 0..5 {
        for (number, person) in people.iter().enumerate() {
            let Some(score) = person.scores.get(attempt) else { continue };
            let label = if person.is_genuine { "genuine" } else { "impostor" };
            writeln!(text, "200,T,F,F,{score},90,0.01,{label},s{number}").unwrap();
        }
    }
    let file = folder.join("rows.csv");
    fs::write(&file, text).unwrap();
    Source::find(&[file]).unwrap()
}

fn mapping(subject: bool) -> Mapping {
    let subject = if subject { "subject = \"subject\"\n" } else { "" };
    Mapping::parse(&format!("format = 1\n{subject}[label]\ncolumn = \"label\"\n")).unwrap()
}

fn plan(from: f64, to: f64, step: f64) -> SweepPlan {
    SweepPlan::new(builtin::ONBOARDING, "match_auto", SweepPlan::values(from, to, step).unwrap()).unwrap()
}

fn tally(plan: &SweepPlan, sources: &[Source], subject: bool, threads: usize) -> Tally {
    let lab = Lab::sweep(plan).keep_people().threads(threads).mapping(mapping(subject));
    lab.run(sources, &RunControl::default()).unwrap().tally
}

fn with_costs(tally: &Tally, plan: &SweepPlan, costs: &str, prior: f64) -> Sweep {
    Sweep::of(tally, plan).with_costs(tally, Costs::parse(costs).unwrap(), prior).unwrap()
}

fn costs(sweep: &Sweep) -> Vec<(f64, ValueCost)> {
    sweep.values.iter().filter_map(|value| Some((value.value, value.outcome?.cost?))).collect()
}

#[test]
fn the_cost_of_each_value_is_that_of_its_own_replay() {
    let (folder, plan, prior) = (tempfile::tempdir().unwrap(), plan(69.0, 79.0, 1.25), 0.004);
    let sources = write_rows(folder.path(), &people(120, 300));
    let sweep = with_costs(&tally(&plan, &sources, true, 2), &plan, COSTS, prior);
    let line = builtin::ONBOARDING.lines().find(|line| line.starts_with("match_auto")).unwrap();
    let found = costs(&sweep);
    assert_eq!(found.len(), 8, "69 is invalid");
    for (value, cost) in &found {
        let edited = builtin::ONBOARDING.replace(line, &format!("match_auto = {{ value = {value:?} }}"));
        let policy = Policy::parse_allowing_failing_examples(&edited).unwrap();
        let lab = Lab::new(&policy).mapping(mapping(false));
        let rows = Replay::of(&lab.run(&sources, &RunControl::default()).unwrap().tally).verdicts;
        let all = [rows.approve, rows.review, rows.retry, rows.reject];
        let (genuine, impostor): (u64, u64) =
            (all.iter().map(|rows| rows.genuine).sum(), all.iter().map(|rows| rows.impostor).sum());
        let share = |rows: u64, of: u64| rows as f64 / of as f64;
        let of_impostor = 5000.0 * share(rows.approve.impostor, impostor)
            + 2.0 * share(rows.review.impostor, impostor)
            + 0.5 * share(rows.retry.impostor, impostor);
        let of_genuine = 30.5 * share(rows.reject.genuine, genuine)
            + 2.0 * share(rows.review.genuine, genuine)
            + 0.5 * share(rows.retry.genuine, genuine);
        let expected = 1000.0 * (prior * of_impostor + (1.0 - prior) * of_genuine);
        assert!((cost.per_1000 / expected - 1.0).abs() < 1e-9, "{value}: {} {expected}", cost.per_1000);
        assert!(cost.low < cost.per_1000 && cost.per_1000 < cost.high, "{value}: {cost:?}");
    }
    let found_cost = sweep.cost.as_ref().unwrap();
    let lowest = found.iter().map(|(_, cost)| cost.per_1000).fold(f64::INFINITY, f64::min);
    let (_, cheapest) = found.iter().find(|(value, _)| *value == found_cost.cheapest).unwrap();
    assert_eq!((cheapest.per_1000, cheapest.extra, cheapest.extra_interval), (lowest, 0.0, (0.0, 0.0)));
    for (value, cost) in &found {
        assert!((cost.extra - (cost.per_1000 - lowest)).abs() < 1e-9);
        let (from, to) = found_cost.flat;
        let is_flat = (from..=to).contains(value);
        // Outside the flat range, the nearest value costs more; the costs here have one minimum.
        assert_eq!(is_flat, cost.extra_interval.0 <= 0.0, "{value}: {cost:?} {:?}", found_cost.flat);
    }
    assert_eq!((found_cost.people.genuine, found_cost.people.impostor), (300, 120));
}

#[test]
fn intervals_are_those_of_the_exact_bound_over_people() {
    let only = "format = 1\n[cost]\nimpostor_approved = 2\ngenuine_rejected = 0\nreview = 0\nretry = 0\n";
    let (folder, plan, people) = (tempfile::tempdir().unwrap(), plan(71.0, 80.0, 3.0), people(200, 5));
    let sources = write_rows(folder.path(), &people);
    let sweep = with_costs(&tally(&plan, &sources, true, 2), &plan, only, 0.25);
    for (value, cost) in costs(&sweep) {
        let mut clusters = Clusters::default();
        clusters.extend(people.iter().filter(|person| !person.is_genuine).map(|person| {
            let approved = person.scores.iter().filter(|score| **score >= value).count();
            (approved as u64, person.scores.len() as u64, 1)
        }));
        let exact = clusters.interval(Confidence::P95);
        let scale = 1000.0 * 0.25 * 2.0;
        // 2,000 draws place the ends of an interval to a few per cent of its width.
        let near = 0.06 * (exact.high - exact.low) * scale;
        assert!((cost.low - exact.low * scale).abs() < near, "{value}: {cost:?} {exact:?}");
        assert!((cost.high - exact.high * scale).abs() < near, "{value}: {cost:?} {exact:?}");
    }
    // No impostor reaches 80: the cost is 0, and its interval is not.
    let (_, last) = costs(&sweep).pop().unwrap();
    assert!(last.per_1000 == 0.0 && last.low == 0.0 && last.high > 1.0, "{last:?}");
}

#[test]
fn rows_without_subjects_count_as_independent() {
    let only = "format = 1\n[cost]\nimpostor_approved = 1\ngenuine_rejected = 0\nreview = 0\nretry = 0\n";
    let (folder, plan) = (tempfile::tempdir().unwrap(), plan(74.0, 76.0, 1.0));
    let sources = write_rows(folder.path(), &people(200, 5));
    let sweep = with_costs(&tally(&plan, &sources, false, 2), &plan, only, 0.5);
    assert!(sweep.cost.as_ref().unwrap().rests_on_attempts);
    for value in &sweep.values {
        let outcome = value.outcome.unwrap();
        let (cost, fraud) = (outcome.cost.unwrap(), outcome.fraud_approved.unwrap());
        let exact =
            clopper_pearson(cloudauth_stats::Rate::new(fraud.count, fraud.of).unwrap(), Confidence::P95);
        let near = 0.06 * (exact.high - exact.low) * 500.0;
        assert!((cost.low - exact.low * 500.0).abs() < near, "{cost:?} {exact:?}");
        assert!((cost.high - exact.high * 500.0).abs() < near, "{cost:?} {exact:?}");
    }
}

#[test]
fn rows_of_costs_are_the_same_on_any_number_of_threads_and_after_a_stop() {
    let (folder, plan) = (tempfile::tempdir().unwrap(), plan(71.0, 78.0, 1.0));
    let sources = write_rows(folder.path(), &people(20_000, 2000));
    let whole = tally(&plan, &sources, true, 1);
    assert!(tally(&plan, &sources, true, 4) == whole);
    let state = folder.path().join("state.json");
    let lab = || Lab::sweep(&plan).keep_people().threads(1).mapping(mapping(true)).resume(state.clone());
    let control = RunControl::default();
    control.stop_after(1);
    assert!(!lab().run(&sources, &control).unwrap().complete);
    let resumed = lab().run(&sources, &RunControl::default()).unwrap().tally;
    assert!(resumed == whole);
    let cost = || with_costs(&whole, &plan, COSTS, 0.001);
    assert_eq!(cost(), cost());
}

#[test]
fn refuses_costs_without_a_meaning() {
    for (old, new, says) in [
        ("format = 1", "format = 2", "unknown format 2; the supported format is 1"),
        // A newer version may have other keys.
        (
            "format = 1\n[cost]\n",
            "format = 2\ncurrency = \"CNY\"\n[cost]\nfee = 1\n",
            "unknown format 2; the supported format is 1",
        ),
        ("format = 1\n", "", "line 1, column 1: missing field `format`"),
        ("retry = 0.5\n", "", "line 2, column 1: missing field `retry`"),
        ("= 5000", "= -1", "line 3: `impostor_approved`: must be a number from 0 to 1e12"),
        ("= 30", "= nan", "line 4: `genuine_rejected`: must be a number from 0 to 1e12"),
        ("= 2\n", "= 1e13\n", "line 5: `review`: must be a number from 0 to 1e12"),
        ("= 2\n", "= \"zhang san\"\n", "line 5, column 10: `review`: must be a number, not text"),
        (
            "review =",
            "\"review\" = true\nreviews =",
            "line 5, column 12: `review`: must be a number, not true or",
        ),
        (
            "= 0.5\n",
            "= 0\nfee = 2\n",
            "line 7, column 1: unknown field `fee`, expected one of `impostor_approved`",
        ),
        ("= 0.5\n", "= 0\n李四 = 2\n", "line 7"),
    ] {
        let file =
            "format = 1\n[cost]\nimpostor_approved = 5000\ngenuine_rejected = 30\nreview = 2\nretry = 0.5\n";
        assert!(Costs::parse(file).is_ok() && file.contains(old));
        let error = Costs::parse(&file.replace(old, new)).unwrap_err().to_string();
        assert!(error.starts_with(says), "{new}: {error}");
        assert!(!error.contains("zhang") && !error.contains("李四"), "{error}");
    }
    let (folder, plan) = (tempfile::tempdir().unwrap(), plan(74.0, 76.0, 1.0));
    let sources = write_rows(folder.path(), &people(40, 0));
    let counts = tally(&plan, &sources, true, 1);
    let of = |prior| Sweep::of(&counts, &plan).with_costs(&counts, Costs::parse(COSTS).unwrap(), prior);
    for prior in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(of(prior).unwrap_err().to_string().contains("share of impostors"), "{prior}");
    }
    assert!(of(0.1).unwrap_err().to_string().contains("labelled genuine people"));
}

#[test]
fn a_report_shows_the_costs_in_a_chart_and_in_the_table() {
    let (folder, plan) = (tempfile::tempdir().unwrap(), plan(69.0, 79.0, 1.0));
    let sources = write_rows(folder.path(), &people(120, 300));
    let rows = tally(&plan, &sources, true, 1);
    let sweep = with_costs(&rows, &plan, COSTS, 0.004);
    let cost = sweep.cost.as_ref().unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let run = Lab::new(&policy).mapping(mapping(true)).run(&sources, &RunControl::default()).unwrap();
    for (language, words) in [
        (
            Language::En,
            ["Expected cost of 1,000 attempts", "is the cheapest", "The data cannot tell the cost"],
        ),
        (Language::Zh, ["每千次尝试的预期成本", "时成本最低", "数据无法区分"]),
    ] {
        let mut report = Report::of(&run.tally, &TARGETS);
        report.sweep = Some(sweep.clone());
        let page = report.html(language).unwrap();
        let part = page.split("<section id=\"sweep\">").nth(1).unwrap().split("</section>").next().unwrap();
        for word in words {
            assert!(page.contains(word) && part.contains(word), "{word}");
        }
        assert!(cost.flat.0 < cost.flat.1 && part.matches("class='flat'").count() == 1, "{:?}", cost.flat);
        assert_eq!((part.matches("<svg").count(), part.matches("<circle").count()), (2, 1));
        // Each value that is counted has its cost.
        for (value, cost) in costs(&sweep) {
            let [cost, low, high] = [cost.per_1000, cost.low, cost.high]
                .map(|cost| if cost < 1000.0 { format!("{cost:.2}") } else { format!("{cost:.0}") });
            let told = format!("<td>{cost} <span class=\"soft\">({low}–{high})");
            assert!(part.contains(&told), "{value}: {told}");
        }
        assert!(!part.contains("NaN") && !part.contains("{{"));
        report.sweep = Some(Sweep::of(&rows, &plan));
        let without = report.html(language).unwrap();
        assert!(!words.iter().any(|word| without.contains(word)));
    }
}
