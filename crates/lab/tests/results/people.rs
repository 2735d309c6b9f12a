//! Intervals over people: attempts of one person count together wherever subjects are known.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cloudauth_lab::{
    Calibration, Compare, Confidence, GroupRates, Lab, LabelledPeople, Mapping, Proportion, RestsOn,
    RunControl, SegmentRates, Source, Sweep, SweepPlan, Tally,
};
use cloudauth_policy::{Policy, builtin};
use cloudauth_stats::{
    Auc, Clusters, Curve, Interval, PairedClusters, Rate, clopper_pearson, difference_of, holm, mcnemar,
    p_of_difference, ratio_of,
};
use cloudauth_tests::Dice;

/// An attempt of a person, who may have no subject.
struct Attempt {
    subject: Option<usize>,
    is_genuine: bool,
    score: f64,
    channel: &'static str,
}

/// Attempts of 60 people with up to 12 attempts each, in any order. The scores of one person are similar; some people have rows of
/// both labels.
fn attempts(seed: u64) -> Vec<Attempt> {
    let mut dice = Dice(seed);
    let mut all: Vec<(usize, Attempt)> = Vec::new();
    for subject in 0..60 {
        let (is_genuine, own) = (dice.roll(3) > 0, 60.0 + dice.roll(30) as f64);
        let usual = dice.of(&["app", "branch", "web"]);
        for _ in 0..1 + dice.roll(12) {
            let is_genuine = is_genuine ^ (dice.roll(20) == 0);
            let score = own + dice.roll(40) as f64 / 8.0;
            let channel = if dice.roll(4) == 0 { "app" } else { usual };
            all.push((dice.roll(1000), Attempt { subject: Some(subject), is_genuine, score, channel }));
        }
    }
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, attempt)| attempt).collect()
}

fn write(folder: &Path, attempts: &[Attempt]) -> Vec<Source> {
    let mut text =
        "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score,label,subject,channel\n"
            .to_owned();
    for Attempt { subject, is_genuine, score, channel } in attempts {
        let label = if *is_genuine { "genuine" } else { "impostor" };
        let subject = subject.map(|subject| format!("s{subject}")).unwrap_or_default();
        writeln!(text, "200,T,F,F,{score},90,0.01,{label},{subject},{channel}").unwrap();
    }
    let file = folder.join("rows.csv");
    fs::write(&file, text).unwrap();
    Source::find(&[file]).unwrap()
}

fn mapping() -> Mapping {
    let text = "format = 1\nsubject = \"subject\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\n";
    Mapping::parse(text).unwrap()
}

/// The attempts of one label by person, each with whether it counts. An attempt without a subject is a person.
fn by_person(attempts: &[Attempt], is_genuine: bool, counts: impl Fn(f64) -> bool) -> Vec<Rate> {
    people_of(attempts, |attempt| (attempt.is_genuine == is_genuine).then(|| counts(attempt.score)))
}

/// The same for any attempts: `counts` returns `None` for those of no interest.
fn people_of(attempts: &[Attempt], counts: impl Fn(&Attempt) -> Option<bool>) -> Vec<Rate> {
    let mut people: BTreeMap<(Option<usize>, usize), (u64, u64)> = BTreeMap::new();
    for (number, attempt) in attempts.iter().enumerate() {
        let Some(is_counted) = counts(attempt) else { continue };
        let alone = if attempt.subject.is_none() { number } else { 0 };
        let (count, of) = people.entry((attempt.subject, alone)).or_default();
        *count += u64::from(is_counted);
        *of += 1;
    }
    people.into_values().map(|(count, of)| Rate::new(count, of).unwrap()).collect()
}

fn plan() -> SweepPlan {
    SweepPlan::new(builtin::ONBOARDING, "match_auto", SweepPlan::values(71.0, 80.0, 1.5).unwrap()).unwrap()
}

fn swept(plan: &SweepPlan, attempts: &[Attempt], keep_people: bool, threads: usize) -> (Tally, Sweep) {
    let folder = tempfile::tempdir().unwrap();
    let sources = write(folder.path(), attempts);
    let lab = Lab::sweep(plan).threads(threads).mapping(mapping());
    let lab = if keep_people { lab.keep_people() } else { lab };
    let tally = lab.run(&sources, &RunControl::default()).unwrap().tally;
    let sweep = Sweep::of(&tally, plan);
    (tally, sweep)
}

fn assert_interval(ours: Proportion, exact: Interval) {
    assert!(
        (ours.low - exact.low).abs() < 1e-12 && (ours.high - exact.high).abs() < 1e-12,
        "{ours:?} {exact:?}"
    );
}

#[test]
fn each_value_of_a_sweep_has_the_intervals_over_people() {
    let (plan, mut attempts) = (plan(), attempts(1));
    for without in [0, 40] {
        // Some attempts without a subject count as one more person each.
        attempts.iter_mut().take(without).for_each(|attempt| attempt.subject = None);
        let (tally, sweep) = swept(&plan, &attempts, true, 2);
        assert_eq!(swept(&plan, &attempts, true, 1), (tally, sweep.clone()), "on another number of threads");
        assert_eq!(sweep.rests_on, RestsOn::People);
        let count = |is_genuine| by_person(&attempts, is_genuine, |_| true).len() as u64;
        let LabelledPeople { genuine, impostor, .. } = sweep.people.unwrap();
        assert_eq!((genuine, impostor), (count(true), count(false)));
        let mut seen = 0;
        for value in &sweep.values {
            let (outcome, threshold) = (value.outcome.unwrap(), value.value);
            for (is_genuine, ours) in
                [(false, outcome.fraud_approved), (true, outcome.customers_not_approved)]
            {
                let ours = ours.unwrap();
                let counts = |score: f64| (score >= threshold) != is_genuine;
                let clusters: Clusters = by_person(&attempts, is_genuine, counts).into_iter().collect();
                assert_eq!(clusters.rate(), Rate::new(ours.count, ours.of).unwrap());
                assert_interval(ours, clusters.interval(Confidence::P95));
                let by_attempts = clopper_pearson(clusters.rate(), Confidence::P95);
                seen += u32::from(ours.high - ours.low > 1.5 * (by_attempts.high - by_attempts.low));
            }
        }
        assert!(seen > 4, "attempts of one person make intervals wider: {seen}");
    }
}

#[test]
fn a_sweep_says_what_its_intervals_rest_on() {
    let (plan, mut attempts) = (plan(), attempts(2));
    let (_, by_attempts) = swept(&plan, &attempts, false, 1);
    assert_eq!((by_attempts.rests_on, by_attempts.people), (RestsOn::Attempts, None));
    let fraud = by_attempts.values[0].outcome.unwrap().fraud_approved.unwrap();
    assert_interval(fraud, clopper_pearson(Rate::new(fraud.count, fraud.of).unwrap(), Confidence::P95));
    let most = attempts.iter().filter(|attempt| !attempt.is_genuine).count() / 2 + 1;
    attempts
        .iter_mut()
        .filter(|attempt| !attempt.is_genuine)
        .take(most)
        .for_each(|attempt| attempt.subject = None);
    let (_, partly) = swept(&plan, &attempts, true, 1);
    assert_eq!(partly.rests_on, RestsOn::AttemptsWithoutSubject);
    assert!(partly.people.is_some());
    attempts.iter_mut().for_each(|attempt| attempt.subject = None);
    let (_, none) = swept(&plan, &attempts, true, 1);
    assert_eq!(none, by_attempts, "without any subject");
}

/// The onboarding policy that approves from a score on.
fn approves_from(score: f64) -> Policy {
    let line = builtin::ONBOARDING.lines().find(|line| line.starts_with("match_auto")).unwrap();
    let text = builtin::ONBOARDING.replace(line, &format!("match_auto = {{ value = {score:?} }}"));
    Policy::parse_allowing_failing_examples(&text).unwrap()
}

fn compared(
    policies: &[Policy; 2],
    attempts: &[Attempt],
    keep_people: bool,
    threads: usize,
) -> (Tally, Compare) {
    let folder = tempfile::tempdir().unwrap();
    let sources = write(folder.path(), attempts);
    let [policy, candidate] = policies;
    let lab = Lab::new(policy).against(candidate).threads(threads).mapping(mapping());
    let lab = if keep_people { lab.keep_people() } else { lab };
    let tally = lab.run(&sources, &RunControl::default()).unwrap().tally;
    let compare = Compare::of(&tally).unwrap();
    (tally, compare)
}

#[test]
fn a_comparison_has_paired_intervals_and_p_values_over_people() {
    let (policies, mut attempts) = ([approves_from(74.0), approves_from(76.5)], attempts(3));
    let mut seen = 0;
    for without in [0, 40] {
        attempts.iter_mut().take(without).for_each(|attempt| attempt.subject = None);
        let (tally, compare) = compared(&policies, &attempts, true, 2);
        assert_eq!(
            compared(&policies, &attempts, true, 1),
            (tally, compare.clone()),
            "on another number of threads"
        );
        assert_eq!(compare.rests_on, RestsOn::People);
        for (is_genuine, pair) in [(false, compare.fraud_approved), (true, compare.customers_not_approved)] {
            let pair = pair.unwrap();
            let counts = |from: f64| by_person(&attempts, is_genuine, |score| (score >= from) != is_genuine);
            let (policy, candidate) = (counts(74.0), counts(76.5));
            assert_interval(
                pair.policy,
                policy.iter().copied().collect::<Clusters>().interval(Confidence::P95),
            );
            assert_interval(
                pair.candidate,
                candidate.iter().copied().collect::<Clusters>().interval(Confidence::P95),
            );
            let mut both = PairedClusters::default();
            // A higher threshold changes attempts in one direction only.
            both.extend(policy.iter().zip(&candidate).map(|(policy, candidate)| {
                let (first, second) = (policy.count(), candidate.count());
                (second.saturating_sub(first), first.saturating_sub(second), policy.of(), 1)
            }));
            let (low, high) = pair.difference.unwrap();
            let exact = both.interval(Confidence::P95).unwrap();
            assert!((low - exact.low).abs() < 1e-12 && (high - exact.high).abs() < 1e-12);
            assert!((pair.p - both.p()).abs() < 1e-12);
            seen += u32::from(pair.p > 2.0 * mcnemar(pair.only_policy, pair.only_candidate).p);
        }
    }
    assert!(seen > 0, "changes of one person count once");
    let itself = compared(&[approves_from(74.0), approves_from(74.0)], &attempts, true, 1).1;
    let pair = itself.fraud_approved.unwrap();
    assert_eq!((pair.difference, pair.p), (Some((0.0, 0.0)), 1.0));
}

#[test]
fn a_comparison_without_subjects_counts_attempts() {
    let (policies, mut attempts) = ([approves_from(74.0), approves_from(76.5)], attempts(4));
    let (_, by_attempts) = compared(&policies, &attempts, false, 1);
    assert_eq!((by_attempts.rests_on, by_attempts.people), (RestsOn::Attempts, None));
    attempts.iter_mut().for_each(|attempt| attempt.subject = None);
    assert_eq!(compared(&policies, &attempts, true, 1).1, by_attempts);
}

fn segmented(attempts: &[Attempt], keep_people: bool, threads: usize) -> (Tally, SegmentRates) {
    let (folder, policy) = (tempfile::tempdir().unwrap(), Policy::parse(builtin::ONBOARDING).unwrap());
    let sources = write(folder.path(), attempts);
    let lab = Lab::new(&policy).threads(threads).mapping(mapping());
    let lab = if keep_people { lab.keep_segment_people() } else { lab };
    let tally = lab.run(&sources, &RunControl::default()).unwrap().tally;
    let rates = SegmentRates::of(&tally);
    (tally, rates)
}

/// Checks the rates of all channels. `counts` tells whether an attempt counts, or is of no interest.
fn assert_rates(ours: &GroupRates, attempts: &[Attempt], counts: impl Fn(&Attempt) -> Option<bool>) {
    let channels = ["app", "branch", "web"];
    let estimated = |people: Vec<Rate>, confidence| {
        let clusters: Clusters = people.into_iter().collect();
        (clusters.rate(), (clusters.rate().fraction().unwrap(), clusters.interval(confidence)))
    };
    let own = |channel: &str, confidence| {
        estimated(people_of(attempts, |of| counts(of).filter(|_| of.channel == channel)), confidence)
    };
    let p = holm(&channels.map(|channel| {
        let others = people_of(attempts, |of| counts(of).filter(|_| of.channel != channel));
        let (_, others) = estimated(others, Confidence::P95);
        p_of_difference(own(channel, Confidence::P95).1, others, Confidence::P95)
    }));
    for (channel, p) in channels.into_iter().zip(p) {
        let (ours, (rate, (_, interval))) = (ours.values[channel], own(channel, Confidence::P95));
        assert_eq!((ours.rate.count, ours.rate.of), (rate.count(), rate.of()), "{channel}");
        assert_interval(ours.rate, interval);
        assert!((ours.p - p).abs() < 1e-9, "{channel}: {} {p}", ours.p);
    }
    let Some(largest) = &ours.largest else { return };
    let shown =
        ours.values.values().filter(|value| value.finding != cloudauth_lab::GroupFinding::TooFew).count();
    let confidence = Confidence::new(1.0 - 0.05 / (shown * (shown - 1) / 2) as f64).unwrap();
    let (high, low) = (own(&largest.highest, confidence).1, own(&largest.lowest, confidence).1);
    let (difference, ratio) = (difference_of(high, low), ratio_of(high, low));
    assert!((largest.difference_interval.0 - difference.low).abs() < 1e-9, "{largest:?} {difference:?}");
    assert!((largest.ratio_interval.0 - ratio.low).abs() < 1e-9, "{largest:?} {ratio:?}");
}

#[test]
fn segments_have_intervals_and_p_values_over_people() {
    let mut attempts = attempts(5);
    for without in [0, 40] {
        attempts.iter_mut().take(without).for_each(|attempt| attempt.subject = None);
        let (tally, rates) = segmented(&attempts, true, 2);
        assert_eq!(segmented(&attempts, true, 1), (tally, rates.clone()), "on another number of threads");
        assert_eq!(rates.rests_on, RestsOn::People);
        let count = |is_genuine| by_person(&attempts, is_genuine, |_| true).len() as u64;
        let LabelledPeople { genuine, impostor, .. } = rates.people.unwrap();
        assert_eq!((genuine, impostor), (count(true), count(false)));
        let channels = &rates.segments["channel"];
        let approves = |attempt: &Attempt| attempt.score >= 75.0;
        assert_rates(&channels.fraud_approved, &attempts, |of| (!of.is_genuine).then(|| approves(of)));
        assert_rates(&channels.customers_not_approved, &attempts, |of| of.is_genuine.then(|| !approves(of)));
        assert_rates(&channels.approved, &attempts, |of| Some(approves(of)));
        for at in &channels.thresholds {
            assert_rates(&at.fmr, &attempts, |of| (!of.is_genuine).then_some(of.score >= at.threshold));
            assert_rates(&at.fnmr, &attempts, |of| of.is_genuine.then_some(of.score < at.threshold));
        }
        assert!(channels.thresholds.len() > 2 && channels.customers_not_approved.largest.is_some());
    }
    attempts.iter_mut().for_each(|attempt| attempt.subject = None);
    let (_, by_attempts) = segmented(&attempts, false, 1);
    assert_eq!((by_attempts.rests_on, by_attempts.people), (RestsOn::Attempts, None));
    assert_eq!(segmented(&attempts, true, 1).1, by_attempts, "without any subject");
}

#[test]
fn a_segment_with_more_than_100_values_counts_attempts() {
    let names: Vec<&'static str> = (0..101).map(|number| &*format!("c{number}").leak()).collect();
    let rates = |values: usize| {
        let mut attempts = attempts(9);
        attempts.iter_mut().zip(names.iter().take(values).cycle()).for_each(|(of, name)| of.channel = name);
        let (people, by_attempts) = (segmented(&attempts, true, 1).1, segmented(&attempts, false, 1).1);
        assert_eq!(people.rests_on, RestsOn::People);
        let [people, by_attempts] = [people, by_attempts].map(|rates| rates.segments["channel"].clone());
        (people.rests_on, people.approved == by_attempts.approved)
    };
    assert_eq!(rates(100), (RestsOn::People, false));
    assert_eq!(rates(101), (RestsOn::AttemptsOfTooMany, true));
}

#[test]
fn the_interval_of_the_auc_counts_people() {
    let mut attempts = attempts(23);
    for (number, attempt) in attempts.iter_mut().enumerate() {
        attempt.score += number as f64 / 977.0;
        attempt.subject = attempt.subject.filter(|_| number % 9 > 0);
    }
    let folder = tempfile::tempdir().unwrap();
    let sources = write(folder.path(), &attempts);
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let interval = |lab: Lab<'_>| {
        let tally = lab.mapping(mapping()).run(&sources, &RunControl::default()).unwrap().tally;
        Calibration::of(&tally, &[0.1], 1).auc_interval.unwrap()
    };
    // The lab counts scores in steps of a hundredth.
    let step = |score: f64| (score * 100.0).floor() / 100.0;
    let scores = |is_genuine: bool| -> Vec<f64> {
        attempts.iter().filter(|of| of.is_genuine == is_genuine).map(|of| step(of.score)).collect()
    };
    let curve = Curve::of(&scores(true), &scores(false)).unwrap();
    let mut rows: Vec<(usize, f64, bool)> =
        attempts.iter().filter_map(|of| Some((of.subject?, step(of.score), of.is_genuine))).collect();
    rows.sort_by_key(|(subject, ..)| *subject);
    let is_same = |found: (f64, f64), auc: Auc| {
        let exact = auc.logit_interval(Confidence::P95);
        assert!((found.0 - exact.low).abs() < 1e-12 && (found.1 - exact.high).abs() < 1e-12, "{found:?}");
        exact.high - exact.low
    };
    let found = interval(Lab::new(&policy).keep_people());
    assert_eq!(found.rests_on, RestsOn::People);
    let over_people = is_same((found.low, found.high), Auc::of_subjects(&curve, rows).unwrap());
    let found = interval(Lab::new(&policy));
    assert_eq!(found.rests_on, RestsOn::Attempts);
    let over_attempts = is_same((found.low, found.high), Auc::of(&curve).unwrap());
    assert!(over_people > 1.2 * over_attempts, "{over_people} {over_attempts}");
}
