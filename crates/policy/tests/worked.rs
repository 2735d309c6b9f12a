//! The worked policy, against reference numbers that a program of another author computed: 16,200 cells, who decides how
//! many of them, and 5,000 cases. `policy_check.json` and `policy_cases.jsonl` come with the project's reference material.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use cloudauth_policy::{Column, Evidence, Flag, Policy, Verdict, builtin};
use serde_json::Value;

fn worked() -> Policy {
    Policy::parse(builtin::ONBOARDING).unwrap()
}

/// A score of the cases: a number, or a text for what JSON has no word for.
fn score(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            other => panic!("{other}"),
        },
        _ => None,
    }
}

fn evidence(input: &Value) -> Evidence<'_> {
    let flag = |name: &str| input[name].as_str().map_or(Flag::Invalid, Flag::from_wire);
    let mut evidence = Evidence::default();
    evidence.sub_code = input["sub_code"].as_str();
    evidence.passed = flag("passed");
    evidence.face_attack = flag("face_attack");
    evidence.face_occlusion = flag("face_occlusion");
    evidence.verify_score = score(&input["verify_score"]);
    evidence.quality_score = score(&input["quality_score"]);
    evidence.face_attack_score = score(&input["face_attack_score"]);
    evidence
}

fn cases() -> Vec<Value> {
    include_str!("policy_cases.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn its_cells_are_those_of_the_reference() {
    let reference: Value = serde_json::from_str(include_str!("policy_check.json")).unwrap();
    let policy = worked();
    let report = policy.report();
    assert_eq!(report.cells as u64, reference["check"]["cells"].as_u64().unwrap());
    let dims: Vec<u64> = report.dimensions.iter().map(|(_, size)| *size as u64).collect();
    assert_eq!(serde_json::to_value(dims).unwrap(), reference["dims"]);
    for (name, cuts) in &report.cuts {
        assert_eq!(serde_json::to_value(cuts).unwrap(), reference["cuts"][name], "{name}");
    }
    assert_eq!(report.rules.len(), reference["rules"].as_array().unwrap().len());
    for (number, rule) in report.rules.iter().enumerate() {
        assert_eq!(rule.rule, reference["rules"][number]);
        assert_eq!(rule.verdict.as_str(), reference["decisions"][number]);
        assert_eq!(
            rule.cells as u64,
            reference["check"]["per_rule"][rule.rule].as_u64().unwrap(),
            "{}",
            rule.rule
        );
    }
}

#[test]
fn its_5000_cases_come_out_as_in_the_reference() {
    let (policy, cases) = (worked(), cases());
    assert_eq!(cases.len(), 5000);
    for case in &cases {
        let decision = policy.decide(&evidence(&case["input"]));
        assert_eq!(
            (decision.rule(), decision.verdict().as_str()),
            (case["rule"].as_str().unwrap(), case["decision"].as_str().unwrap()),
            "{case}"
        );
    }
}

#[test]
fn the_same_cases_in_columns_come_out_the_same() {
    let (policy, cases) = (worked(), cases());
    let class = |name: &str| -> Vec<u8> {
        cases.iter().map(|case| policy.class(name, case["input"][name].as_str()).unwrap()).collect()
    };
    let scores = |name: &str| -> Vec<f64> {
        cases.iter().map(|case| score(&case["input"][name]).unwrap_or(f64::NAN)).collect()
    };
    let names: Vec<&str> = policy.inputs().collect();
    let classes: Vec<Vec<u8>> = names[..4].iter().map(|name| class(name)).collect();
    let numbers: Vec<Vec<f64>> = names[4..].iter().map(|name| scores(name)).collect();
    let columns: Vec<Column<'_>> = classes
        .iter()
        .map(|classes| Column::Classes(classes))
        .chain(numbers.iter().map(|scores| Column::Scores(scores)))
        .collect();
    let batch = policy.batch(&columns).unwrap();
    let mut decided = vec![0; cases.len()];
    batch.rules(&mut decided);
    let report = policy.report();
    for (case, rule) in cases.iter().zip(&decided) {
        assert_eq!(report.rules[usize::from(*rule)].rule, case["rule"].as_str().unwrap(), "{case}");
    }
    let approved = cases.iter().filter(|case| case["decision"] == "approve").count() as u64;
    assert_eq!((batch.counts()[0], batch.counts().iter().sum::<u64>()), (approved, 5000));
    assert!(policy.batch(&columns[1..]).is_err());
}

#[test]
fn one_ulp_decides() {
    let policy = worked();
    let mut evidence = Evidence::default();
    (evidence.sub_code, evidence.passed) = (Some("200"), Flag::True);
    (evidence.face_attack, evidence.face_occlusion) = (Flag::False, Flag::False);
    evidence.face_attack_score = Some(0.0);
    let mut at = |score: f64| {
        evidence.verify_score = Some(score);
        policy.decide(&evidence).verdict()
    };
    assert_eq!((at(75.0), at(75.0_f64.next_down())), (Verdict::Approve, Verdict::Review));
    assert_eq!((at(100.0), at(100.0_f64.next_up())), (Verdict::Approve, Verdict::Review));
    assert_eq!((at(-0.0), at(f64::NAN)), (Verdict::Reject, Verdict::Review));
}
