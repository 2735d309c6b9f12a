//! Policies: reading, proving, formatting, comparing, deciding.

use std::sync::LazyLock;

use cloudauth_policy::{
    Columns, Dialect, Evidence, EvidenceIssue, FlatEvidence, Form, Input, Policy, Verdict, builtin, diff,
    format,
};
use serde_json::{Map, Value};

use super::replies::is_out_of_range;
use crate::reach::reached;

/// The file that is read, or its problems. A policy that is accepted keeps its meaning through `format`.
pub(super) fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => {
            let problems = error.problems().len();
            assert!((1..=101).contains(&problems), "{problems} problems");
            let _ = format!("{error} {error:?}");
            reached("a policy with problems");
            return;
        }
    };
    let formatted = format(text).expect("a policy is TOML");
    let again = Policy::parse(&formatted).expect("a formatted policy is a policy");
    assert_eq!(format(&formatted).as_deref(), Some(formatted.as_str()), "a formatted policy is formatted");
    assert_eq!(policy.reference(), again.reference());
    reached("a policy");
    if let Ok(difference) = diff(&policy, &again) {
        assert_eq!(difference.changed(), 0);
    }
    let nothing = Evidence::default();
    assert_ne!(policy.decide(&nothing).verdict(), Verdict::Approve, "missing evidence is approved");
    let mut labels: [Labels; 8] = std::array::from_fn(|_| Vec::new());
    let sample: Vec<_> = SAMPLE.iter().zip(&mut labels).map(|(flat, labels)| read(flat, labels).0).collect();
    for evidence in sample.iter().chain([&nothing]) {
        let decision = policy.decide(evidence);
        assert_eq!(policy.explain(evidence).decision.rule(), decision.rule());
        assert_eq!(again.decide(evidence).rule(), decision.rule());
        if decision.verdict() == Verdict::Approve {
            reached("evidence that is approved");
        }
    }
    differences(&policy, &sample);
    for dialect in Dialect::ALL {
        let _ = policy.sql(dialect, &Columns::default());
    }
}

/// The difference from a worked policy: it changes no verdict if none of the sample changes, and none changes without a region.
fn differences(policy: &Policy, sample: &[Evidence<'_>]) {
    for other in BUILTIN.iter() {
        let Ok(difference) = diff(other, policy) else { continue };
        let found = |before: Verdict, after: Verdict| {
            difference.regions.iter().any(|region| (region.before, region.after) == (before, after))
        };
        for evidence in sample {
            let (before, after) = (other.decide(evidence).verdict(), policy.decide(evidence).verdict());
            assert!(before == after || found(before, after), "{before:?} becomes {after:?} in no region");
            if before != after {
                reached("a verdict that changes");
            }
        }
        let cells = difference.regions.iter().map(|region| region.cells).sum::<usize>();
        assert!(cells <= difference.cells && difference.changed() == cells);
    }
}

/// Evidence that the worked policies decide in several ways.
static SAMPLE: LazyLock<[FlatEvidence<'static>; 8]> = LazyLock::new(|| {
    [
        r#"{"sub_code":"200","passed":"T","face_attack":"F","face_occlusion":"F","verify_score":99,"quality_score":99,"face_attack_score":0}"#,
        r#"{"sub_code":"200","passed":"T","face_attack":"F","face_occlusion":"F","verify_score":70.5,"quality_score":50,"face_attack_score":0.5}"#,
        r#"{"sub_code":"210","passed":"T","face_attack":"F","face_occlusion":"F","verify_score":76.5,"quality_score":99,"face_attack_score":0}"#,
        r#"{"sub_code":"200","passed":"T","face_attack":"T","face_occlusion":"F","verify_score":99}"#,
        r#"{"sub_code":"204","passed":"F","face_attack":"F","face_occlusion":"F","verify_score":30}"#,
        r#"{"sub_code":"205","passed":"F","device_risk":["Root","VirtualCamera"]}"#,
        r#"{"sub_code":"999","passed":"F","face_attack":"x","verify_score":"x"}"#,
        r#"{"sub_code":"206","passed":"F"}"#,
    ]
    .map(|text| FlatEvidence::parse(text).unwrap())
});

type Labels = Vec<Box<str>>;

/// The evidence, and the inputs whose values are malformed.
fn read<'a>(flat: &'a FlatEvidence<'a>, labels: &'a mut Labels) -> (Evidence<'a>, Vec<Input>) {
    let mut malformed = Vec::new();
    let evidence = Evidence::read(
        Form::Flat,
        |input| flat.value(input),
        labels,
        |issue| {
            if let EvidenceIssue::Malformed(input) = issue {
                malformed.push(input);
            }
        },
    );
    (evidence, malformed)
}

static BUILTIN: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    [builtin::ONBOARDING, builtin::THRESHOLD, builtin::VENDOR].map(|text| Policy::parse(text).unwrap()).into()
});

/// Flat evidence: serde_json reads the same document, the explanation agrees with the decision, and nothing malformed is
/// approved.
pub(super) fn evidence(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let document = serde_json::from_str::<Map<String, Value>>(text);
    let flat = match FlatEvidence::parse(text) {
        Ok(flat) => flat,
        Err(error) => {
            assert!(error.to_string().len() < 1024);
            return;
        }
    };
    // A number that no double holds is a malformed score, and an error for serde_json.
    assert!(document.is_ok() || is_out_of_range(data), "serde_json reads it");
    let mut labels = Vec::new();
    let (evidence, malformed) = read(&flat, &mut labels);
    if !malformed.is_empty() {
        reached("malformed evidence");
    }
    for policy in BUILTIN.iter() {
        let decision = policy.decide(&evidence);
        assert!(decision.approval().is_none());
        assert_eq!(policy.explain(&evidence).decision.rule(), decision.rule());
        if decision.verdict() == Verdict::Approve {
            reached("evidence that is approved");
            let bad = policy.inputs().find(|input| malformed.contains(input));
            assert_eq!(bad, None, "a malformed input is approved");
            let passed = |document: &Map<String, Value>| document.get("passed") == Some(&Value::from("T"));
            assert!(document.iter().all(passed), "approved, and not passed");
        }
    }
}
