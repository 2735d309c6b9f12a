//! Policies: reading, proving, formatting, comparing, deciding.

use std::sync::LazyLock;

use cloudauth_policy::{
    Columns, Dialect, Evidence, EvidenceIssue, FlatEvidence, Form, Policy, Verdict, builtin, diff, format,
};
use serde_json::{Map, Value};

/// The file that is read, or its problems. A policy that is accepted keeps its meaning through `format`.
pub(super) fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => {
            let problems = error.problems().len();
            assert!((1..=101).contains(&problems), "{problems} problems");
            let _ = format!("{error} {error:?}");
            return;
        }
    };
    let formatted = format(text).expect("a policy is TOML");
    let again = Policy::parse(&formatted).expect("a formatted policy is a policy");
    assert_eq!(format(&formatted).as_deref(), Some(formatted.as_str()), "a formatted policy is formatted");
    assert_eq!(policy.reference(), again.reference());
    if let Ok(difference) = diff(&policy, &again) {
        assert_eq!(difference.changed(), 0);
    }
    let nothing = Evidence::default();
    assert_ne!(policy.decide(&nothing).verdict(), Verdict::Approve, "missing evidence is approved");
    assert_eq!(policy.explain(&nothing).decision.rule(), policy.decide(&nothing).rule());
    for dialect in Dialect::ALL {
        let _ = policy.sql(dialect, &Columns::default());
    }
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
    let document = document.expect("serde_json reads it");
    for policy in BUILTIN.iter() {
        let (mut labels, mut malformed) = (Vec::new(), Vec::new());
        let evidence = Evidence::read(
            Form::Flat,
            |input| flat.value(input),
            &mut labels,
            |issue| {
                if let EvidenceIssue::Malformed(input) = issue {
                    malformed.push(input);
                }
            },
        );
        let decision = policy.decide(&evidence);
        assert!(decision.approval().is_none());
        assert_eq!(policy.explain(&evidence).decision.rule(), decision.rule());
        if decision.verdict() == Verdict::Approve {
            let bad = policy.inputs().find(|input| malformed.contains(input));
            assert_eq!(bad, None, "a malformed input is approved");
            assert_eq!(document.get("passed").and_then(Value::as_str), Some("T"));
        }
    }
}
