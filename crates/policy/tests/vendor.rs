//! V5: an approval against the vendor's signal needs a reason.

#![cfg(test)]

mod random;

use cloudauth_policy::{Evidence, Flag, Policy, Problem, Verdict, builtin, nominal_far};
use random::Dice;

const APPROVE: &str = "then = { decision = \"approve\", reason = \"match\" }";

/// A policy with one approving rule, correct except for the `when` under test.
fn approving(when: &str, more: &str) -> String {
    format!(
        r#"
format = 1
[policy]
id = "approving"
version = "1"
[policy.otherwise]
decision = "review"
reason = "no_rule_matched"
[inputs]
code = {{ type = "code", values = ["200", "417"] }}
sub_code = {{ type = "code", values = ["200", "201", "202", "203", "204", "205", "206", "210", "299"] }}
passed = {{ type = "flag" }}
face_attack = {{ type = "flag" }}
face_occlusion = {{ type = "flag" }}
verify_score = {{ type = "score", range = [0.0, 100.0] }}
quality_score = {{ type = "score", range = [0.0, 100.0] }}
face_attack_score = {{ type = "score", range = [0.0, 1.0] }}
[[rule]]
id = "approve"
when = {{ {when} }}
{APPROVE}
{more}
[[rule]]
id = "rest"
when = {{ sub_code = ["200", "201", "202", "203", "204", "205", "206", "210", "299", "unknown", "missing"] }}
then = {{ decision = "review", reason = "rest" }}
"#
    )
}

/// The conditions of an approval that no signal of the vendor contradicts, with one condition replaced.
fn when(input: &str, condition: &str) -> String {
    let usual = [
        ("code", "\"200\""),
        ("sub_code", "[\"200\", \"210\"]"),
        ("passed", "\"T\""),
        ("face_attack", "\"F\""),
        ("face_occlusion", "\"F\""),
        ("verify_score", "\">= 75\""),
        ("face_attack_score", "\"< 0.5\""),
    ];
    let other = (!usual.iter().any(|(name, _)| *name == input)).then_some((input, condition));
    let parts = usual
        .into_iter()
        .chain(other)
        .map(|(name, usual)| format!("{name} = {}", if name == input { condition } else { usual }));
    parts.collect::<Vec<_>>().join(", ")
}

fn problems(text: &str) -> Vec<Problem> {
    Policy::parse(text).map(|_| Vec::new()).unwrap_or_else(|error| error.problems().to_vec())
}

/// Approvals against each signal, with the checker's message.
const AGAINST: [(&str, &str, &str); 14] = [
    ("face_attack", "\"T\"", "where face_attack is T, against the vendor's signal"),
    ("face_attack", "[\"T\", \"F\"]", "where face_attack is T, against the vendor's signal"),
    ("face_occlusion", "\"T\"", "where face_occlusion is T, against the vendor's signal"),
    ("passed", "\"F\"", "where passed is F, against the vendor's signal"),
    ("sub_code", "[\"200\", \"206\"]", "where sub_code is 206, against the vendor's signal"),
    ("sub_code", "[\"200\", \"205\"]", "where sub_code is 205, against the vendor's signal"),
    ("sub_code", "[\"200\", \"299\"]", "where sub_code is 299, against the vendor's signal"),
    ("code", "\"417\"", "where code is 417, against the vendor's signal"),
    ("face_attack_score", "\">= 0.5\"", "where face_attack_score >= 0.5, against the vendor's signal"),
    ("face_attack_score", "\"valid\"", "where face_attack_score is valid, against the vendor's signal"),
    ("face_attack_score", "\"<= 0.5\"", "where face_attack_score < 0.5000000000000001, against the vendor's"),
    (
        "face_attack_score",
        "\">= 0.25 and < 0.375\"",
        "where 0.25 <= face_attack_score < 0.375, although rule `rest` gives review for the better score face_attack_score < 0.25",
    ),
    (
        "verify_score",
        "\"< 75\"",
        "where verify_score < 75, although rule `rest` gives review for the better score verify_score >= 75",
    ),
    (
        "quality_score",
        "\"< 50\"",
        "where quality_score < 50, although rule `rest` gives review for the better score quality_score >= 50",
    ),
];

#[test]
fn rejects_an_approval_against_the_vendors_signal() {
    assert_eq!(problems(&approving(&when("code", "\"200\""), "")), [], "without the fault the policy holds");
    for (input, condition, expected) in AGAINST {
        let found = problems(&approving(&when(input, condition), ""));
        let fits = |problem: &Problem| {
            problem.rule == "V5"
                && problem.message.contains(expected)
                && problem.help.as_deref().unwrap().contains(&format!("against_vendor = {{ {input} = "))
        };
        assert!(found.iter().any(fits), "{input} = {condition}: {found:#?}");
    }
}

#[test]
fn a_reason_covers_its_input_only() {
    for (input, condition, _) in AGAINST {
        let with =
            |reason: &str| approving(&when(input, condition), &format!("against_vendor = {{ {reason} }}"));
        assert_eq!(
            problems(&with(&format!("{input} = \"checked by a person\""))),
            [],
            "{input} = {condition}"
        );
        let other = if input == "passed" { "face_attack" } else { "passed" };
        let found = problems(&with(&format!("{other} = \"checked by a person\"")));
        let not_needed =
            format!("rule `approve` needs no reason for `{other}`: it does not approve against that signal");
        assert!(found.iter().any(|problem| problem.message == not_needed), "{input}: {found:#?}");
        assert!(
            found.iter().any(|problem| problem.message.contains("approves where")),
            "{input}: {found:#?}"
        );
    }
}

#[test]
fn rejects_a_reason_that_no_approval_needs() {
    for (more, message) in [
        (
            "against_vendor = { face_attack = \"why\" }",
            "rule `approve` needs no reason for `face_attack`: it does not approve against that signal",
        ),
        ("against_vendor = \"why\"", "`against_vendor` must be a table"),
        ("against_vendor = {}", "`against_vendor` has no reason"),
        ("against_vendor = { face_attack = \" \" }", "`face_attack`"),
        ("against_vendor = { face_atack = \"why\" }", "`face_atack` is not among the [inputs]"),
    ] {
        let found = problems(&approving(&when("code", "\"200\""), more));
        assert!(found.iter().any(|problem| problem.message.contains(message)), "{more}: {found:#?}");
    }
    let reviewing = builtin::VENDOR.replace(
        "then = { decision = \"review\", reason = \"no_reference_photo\", queue = \"identity\" }",
        "then = { decision = \"review\", reason = \"x\" }\nagainst_vendor = { sub_code = \"why\" }",
    );
    assert_eq!(problems(&reviewing)[0].message, "`against_vendor` is in a rule that does not approve");
}

#[test]
fn a_reason_never_allows_a_value_that_is_not_understood() {
    for (input, condition) in [
        ("passed", "[\"T\", \"invalid\"]"),
        ("face_attack", "[\"F\", \"invalid\"]"),
        ("sub_code", "[\"200\", \"unknown\"]"),
        ("verify_score", "\"invalid\""),
    ] {
        let reason = format!("against_vendor = {{ {input} = \"why\" }}");
        let found = problems(&approving(&when(input, condition), &reason));
        let expected = format!("rule `approve` approves where {input} is ");
        assert!(found.iter().any(|problem| problem.message.starts_with(&expected)), "{input}: {found:#?}");
    }
}

#[test]
fn a_reason_is_shown_and_hashed() {
    let text = |reason: &str| {
        let more = format!("against_vendor = {{ face_occlusion = \"{reason}\" }}");
        approving(&when("face_occlusion", "[\"T\", \"F\"]"), &more)
    };
    let (policy, other) =
        (Policy::parse(&text("masks at work")).unwrap(), Policy::parse(&text("another")).unwrap());
    let report = policy.report();
    assert_eq!(report.overrides.len(), 1);
    let shown = report.overrides[0];
    assert_eq!((shown.rule, shown.input, shown.reason), ("approve", "face_occlusion", "masks at work"));
    assert_ne!(policy.reference().content_hash, other.reference().content_hash);
    assert_eq!(policy.reference().behaviour_hash, other.reference().behaviour_hash);
    let formatted = cloudauth_policy::format(&text("masks at work")).unwrap();
    assert_eq!(Policy::parse(&formatted).unwrap().reference(), policy.reference());

    let mut evidence = Evidence::default();
    assert!(policy.explain(&evidence).overrides.is_empty(), "the rule that decides has no reason");
    (evidence.code, evidence.sub_code, evidence.passed) = (Some("200"), Some("200"), Flag::True);
    (evidence.face_attack, evidence.face_occlusion) = (Flag::False, Flag::True);
    (evidence.verify_score, evidence.face_attack_score) = (Some(80.0), Some(0.01));
    let trace = policy.explain(&evidence);
    assert_eq!(trace.decision.verdict(), Verdict::Approve);
    assert_eq!(trace.overrides, report.overrides);
    let expected = serde_json::json!([{ "input": "face_occlusion", "reason": "masks at work" }]);
    assert_eq!(trace.to_json()["against_vendor"], expected);
}

#[test]
fn warns_of_a_code_outside_the_vendors_table() {
    let policy = Policy::parse(&approving(&when("code", "\"200\""), "")).unwrap();
    let warnings: Vec<String> =
        policy.report().warnings.iter().map(|warning| warning.message.clone()).collect();
    assert_eq!(warnings, ["SubCode `299` is not in the vendor's table"]);
    for (name, text) in builtin::ALL {
        assert_eq!(Policy::parse(text).unwrap().report().warnings, [], "{name}");
    }
    // A code of another product of the vendor is known.
    let text = approving(&when("code", "\"200\""), "").replace("299", "207").replace("417", "9999");
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.report().warnings[0].message, "Code `9999` is not in the vendor's table");
}

/// Approving rules with random conditions on values that are understood.
fn random_text(dice: &mut Dice) -> String {
    let flags = ["\"T\"", "\"F\"", "\"F\"", "[\"T\", \"F\"]"];
    let score = |dice: &mut Dice, bounds: [f64; 4]| {
        let (one, other) = (dice.of(&bounds), dice.of(&bounds));
        match dice.roll() % 6 {
            0 => format!("\">= {one}\""),
            1 => format!("\"< {one}\""),
            2 => format!("\"<= {one}\""),
            3 => format!("\"> {one}\""),
            4 if one != other => format!("\">= {} and < {}\"", one.min(other), one.max(other)),
            _ => "\"valid\"".to_owned(),
        }
    };
    let rules: String = (0..1 + dice.roll() % 4)
        .map(|number| {
            let sub_code = dice.of(&["[\"200\", \"210\"]", "[\"200\", \"206\"]", "\"299\"", "\"200\""]);
            let (passed, attack, occlusion) =
                (dice.of(&["\"T\"", "\"T\"", "[\"T\", \"F\"]"]), dice.of(&flags), dice.of(&flags));
            let verify = score(dice, [70.0, 75.0, 80.0, 90.0]);
            let attack_score = score(dice, [0.25, 0.5, 0.75, 0.9]);
            let decision = dice.of(&["approve", "approve", "reject"]);
            format!(
                "[[rule]]\nid = \"r{number}\"\nwhen = {{ sub_code = {sub_code}, passed = {passed}, \
                 face_attack = {attack}, face_occlusion = {occlusion}, verify_score = {verify}, \
                 face_attack_score = {attack_score} }}\nthen = {{ decision = \"{decision}\", reason = \"x\" }}\n"
            )
        })
        .collect();
    // Without two of the inputs there are fewer cells to prove.
    let unread = ["code = { type = \"code\", values = [\"200\", \"417\"] }\n", "code = \"200\", "];
    let quality = "quality_score = { type = \"score\", range = [0.0, 100.0] }\n";
    let base = approving(&when("code", "\"200\""), "").replace(&format!("\n{}", unread[0]), "\n");
    let base = base.replace(&format!("{{ {}", unread[1]), "{ ").replace(quality, "");
    base.replacen("[[rule]]", &format!("{rules}[[rule]]"), 1)
}

/// The vendor's signals against which an approval goes, from the meaning of each input.
fn signals(policy: &Policy, evidence: &Evidence<'_>) -> Vec<&'static str> {
    let mut against = Vec::new();
    for (input, is_against) in [
        ("sub_code", !matches!(evidence.sub_code, Some("200" | "210"))),
        ("passed", evidence.passed != Flag::True),
        ("face_attack", evidence.face_attack != Flag::False),
        ("face_occlusion", evidence.face_occlusion != Flag::False),
        ("face_attack_score", evidence.face_attack_score.unwrap() >= 0.5),
    ] {
        against.extend(is_against.then_some(input));
    }
    // The next cell of a score; all bounds of these policies are on cell boundaries.
    let approves = |evidence: &Evidence<'_>| policy.decide(evidence).verdict() == Verdict::Approve;
    let next = |at: f64, edges: &[f64]| edges.iter().copied().find(|edge| *edge > at);
    let mut better = evidence.clone();
    better.verify_score = next(evidence.verify_score.unwrap(), &VERIFY_EDGES).or(evidence.verify_score);
    against.extend((!approves(&better)).then_some("verify_score"));
    let attack = evidence.face_attack_score.unwrap();
    let lower = ATTACK_EDGES.iter().copied().rev().find(|edge| *edge < attack);
    let mut better = evidence.clone();
    better.face_attack_score = lower.or(Some(attack));
    let is_worse = !approves(&better) && !against.contains(&"face_attack_score");
    against.extend(is_worse.then_some("face_attack_score"));
    against
}

const VERIFY_EDGES: [f64; 9] =
    [0.0, 70.0, 70.00000000000001, 75.0, 75.00000000000001, 80.0, 80.00000000000001, 90.0, 90.00000000000001];
const ATTACK_EDGES: [f64; 9] = [
    0.0,
    0.25,
    0.25000000000000006,
    0.5,
    0.5000000000000001,
    0.75,
    0.7500000000000001,
    0.9,
    0.9000000000000001,
];

/// Each random policy gets the reasons that the checker requires. These must be exactly the reasons that its approvals need,
/// found by deciding every combination of values, one for each cell.
#[test]
fn requires_exactly_the_reasons_that_approvals_need() {
    let mut dice = Dice(12);
    let (mut proved, mut needed) = (0, 0);
    for _ in 0..60 {
        let text = random_text(&mut dice);
        let found = problems(&text);
        if found.iter().any(|problem| problem.rule != "V5") {
            continue;
        }
        let mut asked: Vec<(String, String)> = Vec::new();
        for problem in &found {
            let rule = problem.message.split('`').nth(1).unwrap().to_owned();
            let help = problem.help.as_deref().unwrap();
            let input = help.split("against_vendor = { ").nth(1).unwrap().split(' ').next().unwrap();
            asked.push((rule, input.to_owned()));
        }
        asked.sort();
        asked.dedup();
        let mut given = text.clone();
        for rule in ["r0", "r1", "r2", "r3", "approve"] {
            let own: Vec<String> = asked
                .iter()
                .filter(|(of, _)| of == rule)
                .map(|(_, input)| format!("{input} = \"why\""))
                .collect();
            if !own.is_empty() {
                let id = format!("id = \"{rule}\"\n");
                given = given.replace(&id, &format!("{id}against_vendor = {{ {} }}\n", own.join(", ")));
            }
        }
        let policy = Policy::parse(&given).unwrap_or_else(|error| panic!("{given}\n{error:#?}"));
        let mut witnessed: Vec<(String, String)> = Vec::new();
        for_each_cell(|evidence| {
            let decision = policy.decide(evidence);
            if decision.verdict() == Verdict::Approve {
                for input in signals(&policy, evidence) {
                    witnessed.push((decision.rule().to_owned(), input.to_owned()));
                }
            }
        });
        witnessed.sort();
        witnessed.dedup();
        assert_eq!(asked, witnessed, "{text}");
        proved += 1;
        needed += asked.len();
    }
    assert!(proved > 30 && needed > 60, "{proved} {needed}");
}

fn for_each_cell(mut visit: impl FnMut(&Evidence<'_>)) {
    let flag = |bit: u8| if bit == 0 { Flag::True } else { Flag::False };
    let mut evidence = Evidence::default();
    for sub_code in ["200", "206", "210", "299"] {
        evidence.sub_code = Some(sub_code);
        for bits in 0..8_u8 {
            evidence.passed = flag(bits & 1);
            evidence.face_attack = flag(bits & 2);
            evidence.face_occlusion = flag(bits & 4);
            for verify in VERIFY_EDGES {
                for attack in ATTACK_EDGES {
                    (evidence.verify_score, evidence.face_attack_score) = (Some(verify), Some(attack));
                    visit(&evidence);
                }
            }
        }
    }
}

/// `vendor_far.json` is an independent reference for the vendor's table of false-accept rates.
#[test]
fn nominal_far_matches_the_reference() {
    let reference: serde_json::Value = serde_json::from_str(include_str!("vendor_far.json")).unwrap();
    let rows = reference["closed_form_at_table"].as_array().unwrap();
    for row in rows {
        let (ours, theirs) = (nominal_far(row[0].as_f64().unwrap()).unwrap(), row[1].as_f64().unwrap());
        assert!(((ours - theirs) / theirs).abs() < 1e-14, "{ours} is not {theirs}");
    }
    assert_eq!(rows.len(), 5);
}
