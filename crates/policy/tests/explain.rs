//! The changes that `explain` lists, against a search by brute force.

#![cfg(test)]

mod random;

use cloudauth_policy::{Evidence, Flag, Policy, Trace, Verdict, builtin};
use random::{Dice, random_policy};

const VERDICTS: [Verdict; 4] = [Verdict::Approve, Verdict::Review, Verdict::Retry, Verdict::Reject];

fn score<'e>(evidence: &'e mut Evidence<'_>, input: &str) -> &'e mut Option<f64> {
    match input {
        "verify_score" => &mut evidence.verify_score,
        "quality_score" => &mut evidence.quality_score,
        "face_attack_score" => &mut evidence.face_attack_score,
        other => panic!("{other}"),
    }
}

fn flag<'e>(evidence: &'e mut Evidence<'_>, input: &str) -> &'e mut Flag {
    match input {
        "passed" => &mut evidence.passed,
        "face_attack" => &mut evidence.face_attack,
        "face_occlusion" => &mut evidence.face_occlusion,
        other => panic!("{other}"),
    }
}

/// The number of changes of an input that lead to a verdict.
fn listed(changes: &[cloudauth_policy::Counterfactual], input: &str, verdict: Verdict) -> usize {
    changes.iter().filter(|near| near.input == input && near.would == verdict).count()
}

/// For each score and verdict: the nearest value with that verdict, searched on both sides of every cut.
fn check_scores(policy: &Policy, evidence: &Evidence<'_>, trace: &Trace<'_>) -> usize {
    let mut compared = 0;
    for (input, cuts) in policy.report().cuts {
        let most = if input == "face_attack_score" { 1.0 } else { 100.0 };
        let now = *score(&mut evidence.clone(), input);
        let valid = now.filter(|now| (0.0..=most).contains(now));
        let edges = cuts.iter().flat_map(|cut| [*cut, cut.next_down()]).chain([0.0, most]);
        let edges: Vec<f64> = edges.collect();
        for verdict in VERDICTS.into_iter().filter(|verdict| *verdict != trace.decision.verdict()) {
            let reaches = |value: f64| {
                let mut changed = evidence.clone();
                *score(&mut changed, input) = Some(value);
                policy.decide(&changed).verdict() == verdict
            };
            let values = edges.iter().copied().filter(|edge| reaches(*edge));
            let best =
                values.map(|value| valid.map_or(0.0, |now| (now - value).abs())).min_by(f64::total_cmp);
            let near: Vec<_> =
                trace.nearest.iter().filter(|near| near.input == input && near.would == verdict).collect();
            assert_eq!(near.len(), usize::from(best.is_some()), "{input} {verdict} {evidence:?} {near:?}");
            if let (Some(best), Some(near), Some(_)) = (best, near.first(), valid) {
                assert!((near.distance.unwrap() - best).abs() < 1e-9, "{input} {evidence:?} {best} {near:?}");
                compared += 1;
            }
        }
    }
    compared
}

fn check_flags_and_codes(policy: &Policy, evidence: &Evidence<'_>, trace: &Trace<'_>) {
    let here = trace.decision.verdict();
    let inputs: Vec<&str> = policy.inputs().map(cloudauth_policy::Input::name).collect();
    for verdict in VERDICTS.into_iter().filter(|verdict| *verdict != here) {
        for input in
            ["passed", "face_attack", "face_occlusion"].into_iter().filter(|name| inputs.contains(name))
        {
            let reaches = |value: Flag| {
                let mut changed = evidence.clone();
                *flag(&mut changed, input) = value;
                usize::from(policy.decide(&changed).verdict() == verdict)
            };
            let values = reaches(Flag::True) + reaches(Flag::False);
            assert_eq!(listed(&trace.nearest, input, verdict), values, "{input} {evidence:?}");
            assert_eq!(listed(&trace.if_not_understood, input, verdict), reaches(Flag::Invalid), "{input}");
        }
        let reaches = |value: Option<&'static str>| {
            let mut changed = evidence.clone();
            changed.sub_code = value;
            usize::from(policy.decide(&changed).verdict() == verdict)
        };
        let codes = ["200", "201", "202", "203", "204", "205", "206", "210"];
        let values: usize = codes.iter().map(|code| reaches(Some(code))).sum();
        assert_eq!(listed(&trace.nearest, "sub_code", verdict), values, "{evidence:?}");
        let others = reaches(Some("299")) + reaches(None);
        assert_eq!(listed(&trace.if_not_understood, "sub_code", verdict), others, "{evidence:?}");
    }
}

#[test]
fn lists_the_nearest_value_of_each_input_for_each_verdict() {
    let mut dice = Dice(11);
    let mut policies =
        vec![Policy::parse(builtin::ONBOARDING).unwrap(), Policy::parse(builtin::VENDOR).unwrap()];
    policies.extend((0..30).map(|_| random_policy(&mut dice).1));
    let mut compared = 0;
    for policy in &policies {
        for _ in 0..200 {
            let mut evidence = dice.evidence();
            // Most random codes are decided before a score matters.
            if dice.roll().is_multiple_of(2) {
                (evidence.sub_code, evidence.passed) = (Some("200"), Flag::True);
                (evidence.face_attack, evidence.face_occlusion) = (Flag::False, Flag::False);
            }
            let trace = policy.explain(&evidence);
            compared += check_scores(policy, &evidence, &trace);
            check_flags_and_codes(policy, &evidence, &trace);
            let is_sorted = trace.nearest.is_sorted_by_key(|near| near.distance.is_none());
            assert!(is_sorted, "values with a distance come first: {:?}", trace.nearest);
        }
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn an_invalid_score_does_not_hide_the_nearest_value() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let mut evidence = Evidence::default();
    (evidence.sub_code, evidence.passed) = (Some("200"), Flag::True);
    (evidence.face_attack, evidence.face_occlusion) = (Flag::False, Flag::False);
    (evidence.verify_score, evidence.quality_score) = (Some(75.5), Some(90.0));
    evidence.face_attack_score = Some(0.001);
    let trace = policy.explain(&evidence);
    let first = &trace.nearest[0];
    assert_eq!((first.input, first.change.as_str()), ("verify_score", "70 <= verify_score < 75"));
    assert_eq!((first.would, first.distance), (Verdict::Review, Some(0.5)));
    let invalid = trace.if_not_understood.iter().find(|near| near.input == "verify_score").unwrap();
    assert_eq!((invalid.change.as_str(), invalid.would), ("verify_score is invalid", Verdict::Review));
}
