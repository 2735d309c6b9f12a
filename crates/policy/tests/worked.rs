//! The onboarding policy against the results of an independent program: 16,200 cells, the cells of each rule, and 5,000 cases.
//! `policy_check.json` and `policy_cases.jsonl` hold these results.

#![cfg(test)]

use cloudauth_policy::{Column, Evidence, Flag, Input, Policy, Verdict, builtin};
use serde_json::Value;

fn worked() -> Policy {
    Policy::parse(builtin::ONBOARDING).unwrap()
}

/// A score of a case: a number, or a string for NaN and infinities.
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
fn cells_match_the_reference() {
    let reference: Value = serde_json::from_str(include_str!("policy_check.json")).unwrap();
    let policy = worked();
    let report = policy.report();
    assert_eq!(report.cells as u64, reference["check"]["cells"].as_u64().unwrap());
    let dims: Vec<u64> = report.dimensions.iter().map(|(_, size)| *size as u64).collect();
    assert_eq!(serde_json::to_value(dims).unwrap(), reference["dims"]);
    assert_eq!(report.cuts.len(), 3);
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
fn the_5000_cases_match_the_reference() {
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
fn the_cases_match_in_batches() {
    let (policy, cases) = (worked(), cases());
    let class = |name: &str| -> Vec<u8> {
        cases
            .iter()
            .map(|case| policy.class(name.parse().unwrap(), case["input"][name].as_str()).unwrap())
            .collect()
    };
    let scores = |name: &str| -> Vec<f64> {
        cases.iter().map(|case| score(&case["input"][name]).unwrap_or(f64::NAN)).collect()
    };
    let names: Vec<&str> = policy.inputs().map(Input::name).collect();
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
fn one_ulp_changes_the_decision() {
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

#[test]
fn a_long_text_never_equals_a_code() {
    let policy = worked();
    let mut evidence = Evidence::default();
    evidence.passed = Flag::True;
    for unknown in ["x\0\0\0\0\u{3}200", "\0\0\0\0\u{3}200", "2000000", "20", "\u{3}200", "200200200"] {
        evidence.sub_code = Some(unknown);
        assert_eq!(policy.decide(&evidence).rule(), "unknown-code", "{unknown:?}");
    }
}

#[test]
fn an_explanation_shows_no_text_that_is_no_code() {
    let policy = worked();
    let mut evidence = Evidence::default();
    evidence.sub_code = Some("张三");
    let shown = format!("{:?}", policy.explain(&evidence));
    assert!(!shown.contains("张三"), "{shown}");
    evidence.sub_code = Some("204");
    assert!(format!("{:?}", policy.explain(&evidence)).contains("204"));
}

#[test]
fn rejects_wrong_columns_and_unknown_classes_are_not_understood() {
    let policy = worked();
    let names: Vec<&str> = policy.inputs().map(Input::name).collect();
    assert_eq!(
        names,
        [
            "sub_code",
            "passed",
            "face_attack",
            "face_occlusion",
            "verify_score",
            "quality_score",
            "face_attack_score"
        ]
    );
    assert_eq!(
        (
            policy.class(Input::SubCode, Some("200")),
            policy.class(Input::SubCode, Some("x")),
            policy.class(Input::SubCode, None)
        ),
        (Some(0), Some(8), Some(9))
    );
    assert_eq!(
        (
            policy.class(Input::Passed, Some("T")),
            policy.class(Input::Passed, Some("F")),
            policy.class(Input::Passed, Some("t"))
        ),
        (Some(0), Some(1), Some(2))
    );
    assert_eq!((policy.class(Input::VerifyScore, None), policy.class(Input::Code, None)), (None, None));
    let (codes, flags, scores) = ([200_u8, 0], [0_u8, 1], [88.0, 88.0]);
    let (code, flag, score) = (Column::Classes(&codes), Column::Classes(&flags), Column::Scores(&scores));
    let columns = [code, flag, flag, flag, score, score, score];
    let mut decided = [77; 3];
    policy.batch(&columns).unwrap().rules(&mut decided);
    let report = policy.report();
    // The first row: a class out of range, passed, attack T. There is no third row.
    assert_eq!((report.rules[usize::from(decided[0])].rule, decided[2]), ("attack-flag", 77));
    let misfits: [(&[Column<'_>], &str); 4] = [
        (&columns[..6], "the batch needs one column for each input of the policy"),
        (&[score, flag, flag, flag, score, score, score], "a score needs a column of scores"),
        (&[code, flag, flag, flag, flag, score, score], "a score needs a column of scores"),
        (
            &[Column::Classes(&codes[..1]), flag, flag, flag, score, score, score],
            "the columns have different lengths",
        ),
    ];
    for (columns, expected) in misfits {
        let error = policy.batch(columns).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn batches_cross_chunk_boundaries() {
    let policy = worked();
    let rows = 1024 * 2 + 7;
    let codes = vec![0_u8; rows];
    let (passed, no) = (vec![0_u8; rows], vec![1_u8; rows]);
    let verify: Vec<f64> = (0..rows).map(|row| if row % 2 == 0 { 88.0 } else { 10.0 }).collect();
    let attack = vec![0.1; rows];
    let columns = [
        Column::Classes(&codes),
        Column::Classes(&passed),
        Column::Classes(&no),
        Column::Classes(&no),
        Column::Scores(&verify),
        Column::Scores(&verify),
        Column::Scores(&attack),
    ];
    let batch = policy.batch(&columns).unwrap();
    assert_eq!(batch.counts(), [1028, 0, 0, 1027]);
    let mut decided = vec![0; rows];
    batch.rules(&mut decided);
    assert!(
        decided.iter().enumerate().all(|(row, rule)| (*rule == 7) == (row % 2 == 0)),
        "the eighth rule approves"
    );
}

/// Policies with few and many cuts, and with more cells than 16 bits can number.
#[test]
fn batches_decide_as_single_rows() {
    for bands in [0, 1, 2, 30] {
        let bands: String = (0..bands)
            .map(|band| {
                let (from, below) = (60.0 + f64::from(band) * 0.25, 60.25 + f64::from(band) * 0.25);
                format!(
                    "[[rule]]\nid = \"band-{band}\"\nwhen = {{ sub_code = \"204\", verify_score = \">= {from:.2} and < {below:.2}\", quality_score = \">= $quality_good\" }}\nthen = {{ decision = \"reject\", reason = \"band\" }}\n\n"
                )
            })
            .collect();
        let text = builtin::ONBOARDING
            .replace("[[rule]]\nid = \"mismatch-near\"", &format!("{bands}[[rule]]\nid = \"mismatch-near\""));
        let policy = Policy::parse(&text).unwrap();
        let cuts: Vec<f64> = policy.cuts().iter().map(|cut| cut.value).collect();
        let edges = cuts.iter().flat_map(|cut| [cut.next_down(), *cut, cut.next_up()]);
        let edges: Vec<f64> =
            edges.chain([-0.0, -1.0, 100.0, 100.0_f64.next_up(), f64::NAN, f64::INFINITY]).collect();
        let rows = 3000;
        let classes: Vec<Vec<u8>> = [11_usize, 3, 4, 3]
            .iter()
            .enumerate()
            .map(|(column, size)| (0..rows).map(|row| (row * 7 / (column + 1) % size) as u8).collect())
            .collect();
        let scores: Vec<Vec<f64>> = [1, 5, 11]
            .iter()
            .map(|step| (0..rows).map(|row| edges[row * step / 3 % edges.len()]).collect())
            .collect();
        let columns: Vec<Column<'_>> = classes
            .iter()
            .map(|classes| Column::Classes(classes))
            .chain(scores.iter().map(|scores| Column::Scores(scores)))
            .collect();
        let mut decided = vec![0; rows];
        policy.batch(&columns).unwrap().rules(&mut decided);
        let place = |input: Input| policy.inputs().position(|other| other == input).unwrap();
        for (row, rule) in decided.iter().enumerate() {
            let expected = policy.rule_of_row(
                |input| classes[place(input)][row],
                |input| Some(scores[place(input) - 4][row]).filter(|score| !score.is_nan()),
            );
            assert_eq!(usize::from(*rule), expected, "row {row}");
        }
    }
}

#[test]
fn a_decision_has_the_reason_hint_and_queue_of_its_rule() {
    let policy = worked();
    let mut evidence = Evidence::default();
    for (sub_code, expected) in [
        ("201", ("name_id_mismatch", Some("confirm_identity_details"), None)),
        ("202", ("no_reference_photo", None, Some("identity"))),
        ("206", ("vendor_risk_strategy", Some("remove_virtual_environment"), Some("fraud"))),
        ("x", ("unknown_sub_code", None, None)),
    ] {
        evidence.sub_code = Some(sub_code);
        let decision = policy.decide(&evidence);
        assert_eq!((decision.reason(), decision.hint(), decision.queue()), expected, "{sub_code}");
    }
    let about = policy.about();
    assert_eq!(
        (about.owner, about.effective),
        (Some("risk-onboarding@example.com"), Some("2025-12-01T00:00:00+08:00"))
    );
    assert!(
        about.description.unwrap().starts_with("Account opening")
            && about.change_note.unwrap().starts_with("RISK-1432")
    );
    let far: Vec<Option<f64>> =
        policy.report().thresholds.iter().map(|threshold| threshold.nominal_far).collect();
    assert_eq!(far.iter().flatten().count(), 2, "the table has rates for 75 and 70: {far:?}");
    assert_eq!(policy.report().thresholds[0].note, Some("auto-approve"));
}
