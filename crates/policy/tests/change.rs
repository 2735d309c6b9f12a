//! Differences, hashes, traces, live policies and formatting.

#![cfg(test)]

use std::sync::{Arc, Mutex};

use cloudauth_policy::{Evidence, Flag, LivePolicy, Policy, Verdict, builtin, diff, format};
use cloudauth_protocol::{Body, CertifyId, DescribeFaceVerify, FaceVerifyStatus, Reply, SceneId, parse};

const APPROVE: &str = "then = { decision = \"approve\", reason = \"match\" }";
const VPN_APPROVE: &str = "then = { decision = \"approve\", reason = \"match\" }\nagainst_vendor = { device_risk = \"VPNs are common\" }";

fn worked() -> Policy {
    Policy::parse(builtin::ONBOARDING).unwrap()
}

/// The onboarding policy with both match thresholds 1.5 points higher.
fn stricter() -> Policy {
    let text = builtin::ONBOARDING
        .replace("value = 75.0, far = \"1/10000\"", "value = 76.5, far = \"5/100000\"")
        .replace("value = 70.0, far = \"1/1000\"", "value = 71.5, far = \"5/10000\"")
        .replace("verify_score = 75.0, quality_score", "verify_score = 76.5, quality_score");
    Policy::parse(&text).unwrap()
}

fn passing(score: f64) -> Evidence<'static> {
    let mut evidence = Evidence::default();
    (evidence.sub_code, evidence.passed) = (Some("200"), Flag::True);
    (evidence.face_attack, evidence.face_occlusion) = (Flag::False, Flag::False);
    (evidence.verify_score, evidence.face_attack_score) = (Some(score), Some(0.0004));
    evidence
}

#[test]
fn diff_finds_three_regions_of_22680_cells() {
    let difference = diff(&worked(), &stricter()).unwrap();
    assert_eq!((difference.cells, difference.changed(), difference.other_words), (22_680, 150, 0));
    let regions: Vec<(String, usize)> =
        difference.regions.iter().map(|region| (region.to_string(), region.cells)).collect();
    let cells: Vec<usize> = regions.iter().map(|(_, cells)| *cells).collect();
    assert_eq!(cells, [72, 72, 6]);
    let approving = regions.iter().find(|(text, _)| text.starts_with("approve")).unwrap();
    assert_eq!(
        approving,
        &(
            "approve becomes review when sub_code is 200 or 210, passed is T, face_attack is F, face_occlusion is F, \
             75 <= verify_score < 76.5, face_attack_score < 0.5"
                .to_owned(),
            6
        )
    );
    assert!(
        regions
            .iter()
            .filter(|(text, _)| text.starts_with("review becomes reject"))
            .all(|(text, _)| text.contains("70 <= verify_score < 71.5"))
    );
}

#[test]
fn diff_is_exact_and_empty_for_equal_policies() {
    let (one, other) = (worked(), stricter());
    assert_eq!(diff(&one, &one).unwrap().changed(), 0);
    for score in [69.9, 70.0, 71.49, 71.5, 74.9, 75.0, 76.49, 76.5, 99.0] {
        let (before, after) =
            (one.decide(&passing(score)).verdict(), other.decide(&passing(score)).verdict());
        let expected = matches!(score, 70.0..71.5 | 75.0..76.5);
        assert_eq!(before != after, expected, "{score}");
    }
    // Policies with other inputs and other codes.
    let vendor = Policy::parse(builtin::VENDOR).unwrap();
    let regions = diff(&vendor, &one).unwrap().regions;
    assert!(
        regions.iter().any(|region| (region.before, region.after) == (Verdict::Approve, Verdict::Reject))
    );
    assert!(
        regions.iter().all(|region| (region.before, region.after) != (Verdict::Reject, Verdict::Approve))
    );
}

#[test]
fn content_and_behaviour_have_separate_hashes() {
    let worked = worked();
    let same = |text: &str| {
        let policy = Policy::parse(text).unwrap();
        let (one, other) = (worked.reference(), policy.reference());
        (one.content_hash == other.content_hash, one.behaviour_hash == other.behaviour_hash)
    };
    assert!(
        worked.reference().content_hash.starts_with("sha256:") && worked.reference().content_hash.len() == 71
    );
    let text = builtin::ONBOARDING;
    assert_eq!(same(text), (true, true));
    assert_eq!(same(&format(text).unwrap()), (true, true), "spaces");
    assert_eq!(
        same(&text.replace("owner       = \"risk", "owner = \"another-risk")),
        (true, true),
        "who wrote it"
    );
    assert_eq!(same(&text.replace("note = \"auto-approve\"", "note = \"x\"")), (true, true), "notes");
    assert_eq!(same(&text.replace("match_auto", "auto")), (true, true), "names of thresholds");
    // An equivalent policy: another id, a comparison in two parts, a cut without effect, another order of inputs.
    assert_eq!(same(&text.replace("\"grey-zone\"", "\"grey\"")), (false, true), "ids");
    assert_eq!(
        same(&text.replace("verify_score = \"valid\"", "verify_score = \">= 0 and <= 100\"")),
        (false, true)
    );
    let split = "[[rule]]\nid = \"attack-flag-low\"\nwhen = { face_attack = \"T\", verify_score = \"< 33\" }\nthen = { decision = \"reject\", reason = \"presentation_attack\" }\n\n[[rule]]\nid = \"attack-flag\"";
    assert_eq!(same(&text.replace("[[rule]]\nid = \"attack-flag\"", split)), (false, true), "a rule in two");
    let flag = "passed            = { type = \"flag\" }                       # T / F\n";
    let moved = text.replace(flag, "").replace(
        "face_occlusion    = { type = \"flag\" }\n",
        &format!("face_occlusion = {{ type = \"flag\" }}\n{flag}"),
    );
    assert_eq!(same(&moved), (false, true), "the order of the inputs");
    assert_eq!(
        same(&text.replace("reason = \"near_match\"", "reason = \"near\"")),
        (false, false),
        "another reason"
    );
    let stricter = stricter();
    assert_ne!(worked.reference().behaviour_hash, stricter.reference().behaviour_hash);
}

#[test]
fn behaviour_hash_covers_codes_that_are_not_listed_and_only_what_decides() {
    let (worked, text) = (worked(), builtin::ONBOARDING);
    let is_same = |text: &str| {
        Policy::parse(text).unwrap().reference().behaviour_hash == worked.reference().behaviour_hash
    };
    let listed = |codes: &str| {
        text.replace(r#"["200", "201", "202", "203", "204", "205", "206", "210"]"#, &format!("[{codes}]"))
    };
    let reordered = r#""210", "206", "205", "204", "203", "202", "201", "200""#;
    assert!(is_same(&listed(reordered)), "the order of the codes");
    // A code that is listed, and decided as one that is not.
    let more = listed(&format!(r#"{reordered}, "298""#));
    let unknown = r#"sub_code = ["unknown", "missing"]"#;
    assert!(is_same(&more.replace(unknown, r#"sub_code = ["unknown", "missing", "298"]"#)));
    // Another outcome of codes that are not listed; then another one than that of a missing code.
    let then = r#"then = { decision = "review", reason = "unknown_sub_code" }"#;
    let rejected = r#"then = { decision = "reject", reason = "unknown_sub_code" }"#;
    let apart = format!(
        "when = {{ sub_code = \"unknown\" }}\n{rejected}\n\n[[rule]]\nid = \"missing-code\"\n\
         when = {{ sub_code = \"missing\" }}\n{then}"
    );
    let text = text.split("[[example]]").next().unwrap();
    let when = format!("when = {{ {unknown} }}\n{then}");
    assert!(text.contains(&when));
    for changed in [text.replace(then, rejected), text.replace(&when, &apart)] {
        assert!(!is_same(&changed), "the outcome of codes that are not listed");
    }
}

#[test]
fn two_policies_with_too_many_cells_together_are_not_compared() {
    // Each cut of a score makes another class.
    let with_cuts = |score: &str| {
        let rule = |cut: i32| {
            let then = r#"then = { decision = "retry", reason = "x" }"#;
            format!(
                "[[rule]]\nid = \"r{cut}\"\nwhen = {{ sub_code = \"204\", {score} = \">= {cut}\" }}\n{then}\n"
            )
        };
        let rules: String = (10..45).rev().map(rule).collect();
        let text = builtin::ONBOARDING.split("[[example]]").next().unwrap();
        let mismatch = "[[rule]]\nid = \"mismatch\"";
        assert!(text.contains(mismatch));
        Policy::parse(&text.replace(mismatch, &format!("{rules}{mismatch}"))).unwrap()
    };
    let error = diff(&with_cuts("verify_score"), &with_cuts("quality_score")).unwrap_err();
    assert!(error.cells() > 1_048_576, "{error}");
    assert!(error.to_string().ends_with("the limit is 1048576"), "{error}");
}

#[test]
fn listing_a_label_changes_the_behaviour_hash() {
    let with = |labels: &str| {
        let inputs = format!(
            "device_risk = {{ type = \"labels\", values = [{labels}] }}\nface_attack_score = {{ type"
        );
        let rule = "[[rule]]\nid = \"device\"\nwhen = { device_risk = [\"ROOT\", \"unknown\"] }\nthen = { decision = \"review\", reason = \"device_risk\" }\n\n[[rule]]\nid = \"liveness-risk\"";
        let vpn = "[[rule]]\nid = \"vpn\"\nwhen = { device_risk = \"VPN\", sub_code = \"205\" }\nthen = { decision = \"review\", reason = \"liveness_risk\", queue = \"fraud\" }\n\n";
        let vpn_is_listed = labels.contains("VPN");
        let rule = if vpn_is_listed { format!("{vpn}{rule}") } else { rule.to_owned() };
        let text = builtin::ONBOARDING
            .replace(APPROVE, if vpn_is_listed { VPN_APPROVE } else { APPROVE })
            .replace("face_attack_score = { type", &inputs)
            .replace("[[rule]]\nid = \"liveness-risk\"", &rule);
        Policy::parse(&text).unwrap()
    };
    let (one, other) = (with("\"ROOT\""), with("\"ROOT\", \"VPN\""));
    let labels: [Box<str>; 1] = ["VPN".into()];
    let mut evidence = passing(80.0);
    evidence.device_risk = &labels;
    assert_ne!(one.decide(&evidence).verdict(), other.decide(&evidence).verdict());
    assert_ne!(one.reference().behaviour_hash, other.reference().behaviour_hash);
    let regions = diff(&one, &other).unwrap().regions;
    assert!(
        regions.iter().any(|region| region.to_string().starts_with("review becomes approve when")
            && region.when.contains("device_risk has VPN")),
        "{regions:?}"
    );
}

#[test]
fn a_trace_has_failed_conditions_and_counterfactuals() {
    let policy = worked();
    let mut evidence = passing(74.2);
    evidence.quality_score = Some(f64::NAN);
    let trace = policy.explain(&evidence);
    assert_eq!((trace.decision.verdict(), trace.decision.rule()), (Verdict::Review, "grey-zone"));
    let checked: Vec<(&str, &str)> =
        trace.checked.iter().map(|rule| (rule.rule, rule.failed.as_str())).collect();
    assert_eq!(checked[0], ("attack-flag", "face_attack is F, needs T"));
    assert_eq!(
        checked[1],
        ("attack-score-block", "face_attack_score is 0.0004, needs >= $attack_block (0.9)")
    );
    assert_eq!(checked[7], ("approve", "verify_score is 74.2, needs >= $match_auto (75)"));
    assert_eq!(checked.len(), 8);
    assert_eq!(trace.not_understood, ["quality_score"]);
    let nearest = &trace.nearest[0];
    assert_eq!((nearest.change.as_str(), nearest.would), ("verify_score >= 75", Verdict::Approve));
    assert!((nearest.distance.unwrap() - 0.8).abs() < 1e-9);
    assert!((trace.nominal_far.unwrap() - 0.000_144_544).abs() < 1e-9);
    let json = trace.to_json();
    assert_eq!(
        (&json["decision"], &json["queue"], &json["inputs"]["quality_score"]),
        (&"review".into(), &"match".into(), &"NaN".into())
    );
    assert_eq!(json["policy"]["version"], "2025.12.1");
    let down = trace.nearest.iter().find(|near| near.change == "60 <= verify_score < 70").unwrap();
    assert!((down.distance.unwrap() - 4.2).abs() < 1e-9 && down.would == Verdict::Reject, "{down:?}");
    let changes: Vec<&str> = trace.nearest.iter().map(|near| near.change.as_str()).collect();
    assert!(changes.contains(&"face_attack is T") && changes.contains(&"sub_code is 201"), "{changes:?}");
    // Also from an invalid score.
    evidence.verify_score = None;
    let trace = policy.explain(&evidence);
    let is_listed = |near: &cloudauth_policy::Counterfactual| {
        near.change == "verify_score >= 75" && near.would == Verdict::Approve
    };
    assert!(trace.nearest.iter().any(is_listed), "{:?}", trace.nearest);
    evidence.verify_score = Some(150.0);
    let trace = policy.explain(&evidence);
    assert!(
        trace.checked[7].failed.starts_with("verify_score is 150.0 (out of range), needs"),
        "{:?}",
        trace.checked[7]
    );
    assert_eq!(trace.nominal_far, None);
}

#[test]
fn a_trace_does_not_show_unknown_codes() {
    let policy = worked();
    let mut evidence = passing(80.0);
    evidence.sub_code = Some("999999199001012003");
    let trace = policy.explain(&evidence);
    assert_eq!(trace.decision.rule(), "unknown-code");
    assert_eq!(trace.not_understood, ["sub_code", "quality_score"]);
    evidence.quality_score = Some(80.0);
    evidence.sub_code = Some("200");
    assert!(policy.explain(&evidence).not_understood.is_empty());
    evidence.sub_code = Some("999999199001012003");
    let trace = policy.explain(&evidence);
    assert!(!format!("{trace:?} {}", trace.to_json()).contains("9999"), "{trace:?}");
}

#[test]
fn a_trace_shows_only_labels_that_the_policy_lists() {
    let text = builtin::THRESHOLD
        .replace("face_attack = { type = \"flag\" }", "face_attack = { type = \"flag\" }\ndevice_risk = { type = \"labels\", values = [\"ROOT\", \"VPN\"] }")
        .replace(APPROVE, VPN_APPROVE)
        .replace("[[rule]]\nid = \"attack-flag\"", "[[rule]]\nid = \"rooted\"\nwhen = { device_risk = [\"ROOT\", \"unknown\"] }\nthen = { decision = \"reject\", reason = \"device\" }\n\n[[rule]]\nid = \"vpn\"\nwhen = { device_risk = \"VPN\", sub_code = \"206\" }\nthen = { decision = \"reject\", reason = \"vpn\" }\n\n[[rule]]\nid = \"clean\"\nwhen = { device_risk = \"none\", sub_code = \"206\", passed = \"T\" }\nthen = { decision = \"retry\", reason = \"vpn\" }\n\n[[rule]]\nid = \"attack-flag\"");
    let policy = Policy::parse(&text).unwrap();
    let mut evidence = passing(80.0);
    let none: [Box<str>; 0] = [];
    let vpn: [Box<str>; 1] = ["VPN".into()];
    let both: [Box<str>; 2] = ["VPN".into(), "Secret".into()];
    for (labels, sub_code, rule, failed) in [
        (&none[..], "206", "clean", "device_risk is [], needs ROOT, unknown"),
        (&vpn[..], "206", "vpn", "device_risk is [\"VPN\"], needs ROOT, unknown"),
        (&vpn[..], "200", "match", "device_risk is [\"VPN\"], needs ROOT, unknown"),
    ] {
        (evidence.device_risk, evidence.sub_code) = (labels, Some(sub_code));
        let trace = policy.explain(&evidence);
        assert_eq!((trace.decision.rule(), trace.checked[0].failed.as_str()), (rule, failed));
    }
    evidence.device_risk = &both;
    let trace = policy.explain(&evidence);
    assert_eq!((trace.decision.rule(), trace.not_understood.as_slice()), ("rooted", &["device_risk"][..]));
    assert_eq!(trace.to_json()["inputs"]["device_risk"], serde_json::json!(["VPN", "(unknown)"]));
}

#[test]
fn regions_can_have_several_ranges() {
    let band = |bounds: &str| {
        let rule = format!(
            "[[rule]]\nid = \"band\"\nwhen = {{ sub_code = \"204\", verify_score = \"{bounds}\" }}\nthen = {{ decision = \"reject\", reason = \"x\" }}\n\n[[rule]]\nid = \"face-differs\""
        );
        let text = builtin::THRESHOLD.split("[[assert]]").next().unwrap();
        Policy::parse(&text.replace("[[rule]]\nid = \"face-differs\"", &rule)).unwrap()
    };
    let (one, other) = (band(">= 20 and < 60"), band(">= 30 and < 50"));
    let difference = diff(&one, &other).unwrap();
    let regions: Vec<String> = difference.regions.iter().map(ToString::to_string).collect();
    assert_eq!(
        regions,
        [
            "reject becomes retry when sub_code is 204, face_attack is F or invalid, 20 <= verify_score < 30 or 50 <= verify_score < 60"
        ]
    );
    let words: Vec<String> =
        diff(&band("invalid"), &band("< 20")).unwrap().regions.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "retry becomes reject when sub_code is 204, face_attack is F or invalid, verify_score < 20",
            "reject becomes retry when sub_code is 204, face_attack is F or invalid, verify_score is invalid",
        ]
    );
}

#[test]
fn an_approval_names_the_verification_and_the_policy() {
    let live = LivePolicy::new(worked());
    let asked = DescribeFaceVerify::new(SceneId::new(1).unwrap(), CertifyId::new("sha1").unwrap());
    let approved = live.decide_reply(&asked, &finished(75.0)).unwrap();
    let approval = approved.decision().approval().unwrap();
    assert_eq!(approval.certify_id().as_str(), "sha1");
    assert_eq!(approval.request_id().unwrap().as_str(), "130A2C10-B9EE-4D84-88E3-5384FF039795");
    assert_eq!((approval.rule(), approval.policy()), ("approve", worked().reference()));
    let review = live.decide_reply(&asked, &finished(74.9)).unwrap();
    assert_eq!(review.decision().approval(), None);
    assert!(live.decide_reply(&asked, &parsed(r#"{"Code":"403"}"#)).is_none(), "a pending verification");
    assert_eq!(worked().about().supersedes, Some("sha256:5f0c0c5e0d3b"));
}

#[test]
fn evidence_alone_never_gives_an_approval() {
    let (policy, live) = (worked(), LivePolicy::new(worked()));
    let evidence = passing(75.0);
    assert_eq!(policy.decide(&evidence).verdict(), Verdict::Approve);
    assert_eq!(policy.decide(&evidence).approval(), None);
    assert_eq!(live.decide(&evidence).decision().verdict(), Verdict::Approve);
    assert_eq!(live.decide(&evidence).decision().approval(), None);
    assert_eq!(policy.explain(&evidence).decision.approval(), None);
}

/// A reply that the onboarding policy approves if its score is 75 or more.
fn finished(verify_score: f64) -> Reply<FaceVerifyStatus> {
    let material = format!(
        r#"{{\"faceAttack\":\"F\",\"faceOcclusion\":\"F\",\"facialPictureFront\":{{\"qualityScore\":90,\"verifyScore\":{verify_score},\"faceAttackScore\":0.01}}}}"#
    );
    parsed(&format!(
        r#"{{"Code":"200","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","ResultObject":{{"Passed":"T","SubCode":"200","MaterialInfo":"{material}"}}}}"#
    ))
}

fn parsed(body: &str) -> Reply<FaceVerifyStatus> {
    parse::<DescribeFaceVerify>(&http::Response::new(Body::from(body.to_owned()))).unwrap()
}

#[test]
fn a_shadow_has_no_effect_on_decisions() {
    let live = Arc::new(LivePolicy::new(worked()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let shadow = live.shadow(stricter(), move |disagreement| {
        ear.lock()
            .unwrap()
            .push((disagreement.active.rule().to_owned(), disagreement.candidate.rule().to_owned()));
    });
    for score in [60.0, 75.0, 80.0] {
        let evidence = passing(score);
        assert_eq!(live.decide(&evidence).decision().verdict() == Verdict::Approve, score >= 75.0);
    }
    assert_eq!(shadow.counts(), (3, 1));
    assert_eq!(*told.lock().unwrap(), [("approve".to_owned(), "grey-zone".to_owned())]);
    live.end_shadow();
    let _ = live.decide(&passing(75.0));
    assert_eq!(shadow.counts(), (3, 1));
}

#[test]
fn a_failed_replacement_keeps_the_policy_in_force() {
    let live = LivePolicy::new(worked());
    let before = live.current();
    let error = live
        .replace(&builtin::ONBOARDING.replace(
            "[policy.otherwise]\ndecision = \"review\"",
            "[policy.otherwise]\ndecision = \"approve\"",
        ))
        .unwrap_err();
    assert_eq!(error.problems()[0].rule, "V5");
    assert_eq!(live.current().reference(), before.reference());
    live.replace(builtin::VENDOR).unwrap();
    assert_eq!(live.current().reference().id, "vendor");
    assert_eq!(before.decide(&passing(75.0)).rule(), "approve", "who has begun goes on by the old one");
}

#[test]
fn formatting_keeps_the_meaning_and_is_idempotent() {
    for (name, text) in builtin::ALL {
        let once = format(text).unwrap();
        assert_eq!(format(&once).as_ref(), Some(&once), "{name}");
        let (before, after) = (Policy::parse(text).unwrap(), Policy::parse(&once).unwrap());
        assert_eq!(before.reference(), after.reference(), "{name}");
        let comments = |text: &str| text.matches('#').count();
        assert_eq!(comments(text), comments(&once), "{name}");
    }
    for text in [builtin::VENDOR, builtin::THRESHOLD] {
        assert_eq!(format(text).as_deref(), Some(text), "these are written as everybody does");
    }
    let once = format(builtin::ONBOARDING).unwrap();
    assert!(once.contains("\neffective = 2025-12-01T00:00:00+08:00\n"), "a file with a date is formatted");
}

#[test]
fn regions_are_also_json() {
    let regions = diff(&worked(), &stricter()).unwrap().regions;
    let approving = regions.iter().find(|region| region.before == Verdict::Approve).unwrap();
    let expected = serde_json::json!([
        { "input": "sub_code", "values": ["200", "210"], "unknown": false, "missing": false },
        { "input": "passed", "values": ["T"], "invalid": false },
        { "input": "face_attack", "values": ["F"], "invalid": false },
        { "input": "face_occlusion", "values": ["F"], "invalid": false },
        { "input": "verify_score", "ranges": [{ "from": 75.0, "below": 76.5 }], "invalid": false },
        { "input": "face_attack_score", "ranges": [{ "from": null, "below": 0.5 }], "invalid": false },
    ]);
    assert_eq!(approving.to_json()["inputs"], expected);
    assert_eq!(approving.to_json()["when"], approving.when);
}
