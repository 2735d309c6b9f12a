//! Faulty policies, each with the expected problem, numbers and location.

#![cfg(test)]

mod spelling;

use cloudauth_policy::{Policy, Problem, builtin};

/// The onboarding policy with one change.
fn with(from: &str, to: &str) -> String {
    assert_eq!(builtin::ONBOARDING.matches(from).count(), 1, "{from}");
    builtin::ONBOARDING.replace(from, to)
}

const ORDER: &str =
    "order = [[\"retry_floor\", \"match_floor\", \"match_auto\"], [\"attack_watch\", \"attack_block\"]]";

fn problems(text: &str) -> Vec<Problem> {
    Policy::parse(text).map(|_| Vec::new()).unwrap_or_else(|error| error.problems().to_vec())
}

/// The only problem of a file: its check, and a part of its message and of its help.
#[track_caller]
fn assert_problem(text: &str, rule: &str, message: &str, help: &str) {
    let found = problems(text);
    let fits = |problem: &Problem| {
        problem.rule == rule
            && problem.message.contains(message)
            && problem.help.as_deref().unwrap_or_default().contains(help)
    };
    assert!(found.iter().any(fits), "expected {rule} {message} / {help}, found {found:#?}");
}

#[test]
fn proves_the_built_in_policies() {
    for (name, text) in builtin::ALL {
        assert_eq!(problems(text), [], "{name}");
        let policy = Policy::parse(text).unwrap();
        assert!(
            policy.report().rules.iter().all(|rule| rule.cells > 0 || rule.rule == "otherwise"),
            "{name}"
        );
    }
}

#[test]
fn v1_reports_unknown_and_duplicate_names_with_a_suggestion() {
    for (from, to, message, help) in [
        ("id = \"attack-flag\"", "id = \"attack-score-block\"", "duplicate id `attack-score-block`", ""),
        (
            "then = { decision = \"reject\", reason = \"presentation_attack\" }",
            "then = { decision = \"rejekt\", reason = \"x\" }",
            "the value is not a decision",
            "did you mean `reject`?",
        ),
        (
            "when = { face_attack = \"T\" }",
            "when = { face_atack = \"T\" }",
            "`face_atack` is not among the [inputs]",
            "did you mean `face_attack`?",
        ),
        (
            "when = { face_attack = \"T\" }",
            "when = { face_attack = \"t\" }",
            "the condition names no value of `face_attack`",
            "did you mean `T`?",
        ),
        (">= $match_auto", ">= $match_outo", "unknown threshold", "did you mean `match_auto`?"),
        (">= $match_auto", ">= 75", "the threshold `match_auto` is not used", ""),
        (">= $match_auto", "=> 75", "the condition is not a comparison", ">=, >, <=, <"),
        (">= $match_auto", ">= inf", "the comparison is not with a number", ""),
        (">= $match_auto", ">= 80 and < 75", "never holds", ""),
        (
            "change_note =",
            "changenote =",
            "unknown key `changenote` in [policy]",
            "did you mean `change_note`?",
        ),
        ("format = 1", "format = 2", "unsupported format 2: this program reads format 1", ""),
        (
            "verify_score      = { type = \"score\"",
            "verify_score = { type = \"flag\"",
            "`verify_score` has the wrong type",
            "its type is \"score\"",
        ),
        ("rule = \"mismatch\" }", "rule = \"mismatsh\" }", "unknown rule", "did you mean `mismatch`?"),
        (
            "order = [\"reject\", \"retry\", \"review\", \"approve\"]",
            "order = [\"reject\", \"approve\"]",
            "`order` does not name each decision once",
            "",
        ),
        (
            "order = [\"reject\", \"retry\", \"review\", \"approve\"]",
            "order = [\"reject\", \"retry\", \"review\", \"approve\", \"approve\"]",
            "`order` does not name each decision once",
            "",
        ),
    ] {
        assert_problem(&with(from, to), "V1", message, help);
    }
    assert_problem("format = ", "V1", "invalid TOML: ", "");
    assert_problem("", "V1", "`format` is missing", "begin with `format = 1`");
}

#[test]
fn problems_have_a_line_and_a_column() {
    let problem =
        problems(&with("when = { face_attack = \"T\" }", "when = { face_atack = \"T\" }")).remove(0);
    let line =
        builtin::ONBOARDING.lines().position(|line| line.contains("when = { face_attack = \"T\" }")).unwrap();
    assert_eq!((problem.line, problem.column), (line + 1, 10));
    assert!(problem.to_string().starts_with(&format!("{}:10: `face_atack` is not among", line + 1)));
}

#[test]
fn v2_reports_the_432_cells_of_an_unhandled_sub_code() {
    let without = with("sub_code = [\"202\", \"203\"]", "sub_code = \"202\"");
    assert_problem(&without, "V2", "no rule covers the case that sub_code is 203", "");
    // A rule names it but does not handle all of its cells.
    let partly = with("sub_code = [\"202\", \"203\"]", "sub_code = \"202\"").replace(
        "[[rule]]\nid = \"vendor-strategy\"",
        "[[rule]]\nid = \"some\"\nwhen = { sub_code = \"203\", face_attack = \"T\" }\nthen = { decision = \"review\", reason = \"x\" }\n\n[[rule]]\nid = \"vendor-strategy\"",
    );
    assert_problem(
        &partly,
        "V2",
        "`otherwise` decides 432 of the cells where sub_code is 203",
        "for example: sub_code is 203",
    );
    let fewer = with("values = [\"200\", \"201\", \"202\", \"203\"", "values = [\"200\", \"201\", \"202\"")
        .replace("sub_code = [\"202\", \"203\"]", "sub_code = \"202\"");
    // A longer code is another code.
    let longer = builtin::ONBOARDING.replace("\"200\"", "\"2000\"");
    assert_problem(&longer, "V2", "SubCode 200 is not among the values", "");
    assert_problem(&fewer, "V2", "SubCode 203 is not among the values", "it is on the vendor's page");
}

#[test]
fn v3_requires_rules_for_unknown_and_missing_codes() {
    assert_problem(
        &with("[\"unknown\", \"missing\"]", "\"unknown\""),
        "V3",
        "no rule covers the case that sub_code is missing",
        "",
    );
    let approving = with(
        "when = { sub_code = [\"unknown\", \"missing\"] }\nthen = { decision = \"review\"",
        "when = { sub_code = [\"unknown\", \"missing\"] }\nthen = { decision = \"approve\"",
    );
    assert_problem(
        &approving,
        "V5",
        "rule `unknown-code` approves where sub_code is unknown",
        "for example:",
    );
}

#[test]
fn v4_reports_a_dead_rule_with_the_rules_that_hide_it() {
    let planted = with(
        "[[rule]]\nid = \"grey-zone\"",
        "[[rule]]\nid = \"late\"\nwhen = { sub_code = \"205\" }\nthen = { decision = \"reject\", reason = \"x\" }\n\n[[rule]]\nid = \"grey-zone\"",
    );
    assert_problem(
        &planted,
        "V4",
        "rule `late` never decides",
        "earlier rules cover its cells: `liveness-risk` (810 cells), `attack-flag` (540 cells), `attack-score-block`",
    );
}

#[test]
fn v5_rejects_an_otherwise_that_approves() {
    let planted =
        with("[policy.otherwise]\ndecision = \"review\"", "[policy.otherwise]\ndecision = \"approve\"");
    assert_problem(&planted, "V5", "`otherwise` must not approve", "is never approved");
}

#[test]
fn v5_rejects_an_approval_of_an_unreadable_quality_alone() {
    let asks = |quality: &str| {
        with(
            "face_attack_score = \"< $attack_watch\", verify_score = \">= $match_auto\"",
            &format!(
                "face_attack_score = \"< $attack_watch\", verify_score = \">= $match_auto\", quality_score = \"{quality}\""
            ),
        )
    };
    assert_problem(
        &asks("invalid"),
        "V5",
        "rule `approve` approves where quality_score is invalid",
        "for example:",
    );
    let v5 = |policy: &str| problems(policy).iter().any(|problem| problem.rule == "V5");
    assert!(!v5(&asks("valid")));
}

#[test]
fn v6_finds_the_six_cells_that_ignore_the_attack_flag() {
    let planted = with(
        "passed = \"T\", face_attack = \"F\", face_occlusion = \"F\", face_attack_score = \"< $attack_watch\"",
        "passed = \"T\", face_occlusion = \"F\", face_attack_score = \"< $attack_watch\"",
    );
    assert_problem(
        &planted,
        "V6",
        "assertion `never-approve-attack` fails in 6 cells",
        "rule `approve` gives approve where sub_code is 200, passed is T, face_attack is invalid",
    );
    assert_problem(&planted, "V5", "rule `approve` approves where face_attack is invalid (6 cells)", "");
}

#[test]
fn v7_finds_the_72_cells_that_are_not_monotone() {
    let planted = with(
        "[[rule]]\nid = \"approve\"",
        "[[rule]]\nid = \"bad-band\"\nwhen = { sub_code = [\"200\", \"210\"], passed = \"T\", verify_score = \">= 60 and < $match_floor\" }\nthen = { decision = \"approve\", reason = \"x\" }\n\n[[rule]]\nid = \"approve\"",
    );
    assert_problem(
        &planted,
        "V7",
        "assertion `higher-score-never-hurts` fails in 72 cells",
        "rule `bad-band` gives approve where sub_code is 200, passed is T",
    );
    assert_problem(&planted, "V7", "", "and rule `grey-zone` gives review where 70 <= verify_score < 75");
}

#[test]
fn v8_checks_thresholds_their_order_and_their_rate() {
    assert_problem(
        &with("match_auto   = { value = 75.0", "match_auto   = { value = 72.0"),
        "V8",
        "72 is not 1/10000 in the vendor's table",
        "1/10000 is at 75",
    );
    assert_problem(
        &with("match_auto   = { value = 75.0", "match_auto   = { value = nan"),
        "V8",
        "the value of threshold `match_auto` is not a number",
        "",
    );
    let ordered = with(ORDER, "order = [\"match_auto\", \"match_floor\"]");
    assert_problem(&ordered, "V8", "`match_auto` (75) must be below `match_floor` (70)", "");
    let ordered = with(ORDER, "order = [\"retry_floor\", \"match_floor\", \"match_auto\"]");
    assert_eq!(problems(&ordered), []);
}

#[test]
fn v9_reports_a_failing_example() {
    let planted = with("verify_score = 75.0, quality_score", "verify_score = 74.9, quality_score");
    assert_problem(&planted, "V9", "expected approve (rule `approve`), got review (rule `grey-zone`)", "");
}

#[test]
fn v9_reports_the_right_decision_by_another_rule() {
    let planted = with("rule = \"mismatch\" }", "rule = \"pass-below-floor\" }");
    assert_problem(
        &planted,
        "V9",
        "expected reject (rule `pass-below-floor`), got reject (rule `mismatch`)",
        "",
    );
    let without = with(", rule = \"mismatch\" }", " }");
    assert_eq!(problems(&without), [], "the rule may be left open");
}

#[test]
fn v11_accepts_254_rules_and_rejects_255() {
    let with_rules = |count: usize| {
        let own = builtin::VENDOR.matches("[[rule]]").count();
        let rules: String = (own..count).map(|at| format!("[[rule]]\nid = \"r{at}\"\nwhen = {{ sub_code = \"204\", quality_score = \">= {at} and < {}\" }}\nthen = {{ decision = \"review\", reason = \"x\" }}\n\n", at + 1)).collect();
        let text = builtin::VENDOR.replacen("[[rule]]", &format!("{rules}[[rule]]"), 1);
        text.replace(
            "passed = { type = \"flag\" }",
            "passed = { type = \"flag\" }\nquality_score = { type = \"score\", range = [0.0, 1000.0] }",
        )
    };
    assert_eq!(problems(&with_rules(254)), []);
    assert_problem(&with_rules(255), "V11", "the policy has 255 rules; the limit is 254", "");
}

#[test]
fn v11_rejects_a_policy_that_is_too_large_to_prove() {
    let many: String = (1..900).map(|at| format!("[[rule]]\nid = \"r{at}\"\nwhen = {{ verify_score = \">= {}\" }}\nthen = {{ decision = \"review\", reason = \"x\" }}\n", f64::from(at) / 10.0 + 0.05)).collect();
    let planted = with(
        "# ---------------------------------------------------------------- promises",
        &format!("{many}\n# ----"),
    );
    assert_problem(&planted, "V11", "cells; the limit is 1048576", "remove inputs or thresholds");
}

#[test]
fn v11_reads_a_file_of_at_most_1_mib() {
    let padded =
        |length: usize| builtin::ONBOARDING.to_owned() + &"#".repeat(length - builtin::ONBOARDING.len());
    assert!(problems(&padded(1 << 20)).is_empty());
    assert_problem(&padded((1 << 20) + 1), "V11", "the file has more than 1048576 bytes", "");
}

#[test]
fn v1_rejects_keys_without_effect() {
    let monotone = "monotone = \"verify_score\"";
    assert_problem(
        &with(monotone, "monotone = \"verify_score\"\nwhen = { nonsense = 1 }"),
        "V1",
        "unknown key `when` in [[assert]]",
        "",
    );
    let never = "never = \"approve\"\nwhen = { verify_score = \"invalid\" }";
    assert_problem(
        &with(never, &format!("{never}\norder = []")),
        "V1",
        "unknown key `order` in [[assert]]",
        "",
    );
    assert_problem(
        &with("expect = { decision = \"reject\", rule = \"mismatch\" }", "expect = { rule = \"mismatch\" }"),
        "V1",
        "expects no `decision`",
        "",
    );
    assert_problem(
        &with("effective   = 2025-12-01T00:00:00+08:00", "effective = 07:32:00"),
        "V1",
        "must be a date and time with a zone",
        "",
    );
    assert_problem(
        &with("version     = \"2025.12.1\"", "version = \"\\u001b[2J\""),
        "V1",
        "contains control characters",
        "",
    );
    let vendor = builtin::VENDOR.replace(
        "input = { sub_code = \"210\", passed = \"T\" }",
        "input = { sub_code = \"210\", passed = \"T\", face_attack = \"T\" }",
    );
    assert_problem(&vendor, "V1", "`face_attack` is not among the [inputs]", "allowed: sub_code, passed");
    assert_problem(
        &with(
            "verify_score      = { type = \"score\", range = [0.0, 100.0] }",
            "verify_score = { type = \"score\", range = [0.0, \"x\", 100.0] }",
        ),
        "V8",
        "needs a range of two numbers",
        "",
    );
}

#[test]
fn v5_rejects_approvals_against_the_vendors_signal() {
    let blind = builtin::VENDOR
        .replace("passed = { type = \"flag\" }\n", "")
        .replace(", passed = \"T\" }\nthen", " }\nthen");
    let blind: String = blind
        .split("[[rule]]")
        .filter(|rule| !rule.contains("passed = ["))
        .collect::<Vec<_>>()
        .join("[[rule]]");
    let blind = blind.split("[[assert]]").next().unwrap().to_owned() + "\n";
    assert_problem(&blind, "V5", "the policy approves without checking `passed`", "declare passed");
    let lenient = builtin::VENDOR.replace(
        "when = { sub_code = \"204\" }\nthen = { decision = \"retry\"",
        "when = { sub_code = \"204\" }\nthen = { decision = \"approve\"",
    );
    assert_problem(&lenient, "V5", "rule `face-differs` approves where sub_code is 204", "");
    assert_problem(&lenient, "V5", "rule `face-differs` approves where passed is F", "");
}

#[test]
fn v6_rejects_an_assertion_without_effect() {
    let never = "never = \"approve\"\nwhen = { verify_score = \"invalid\" }";
    assert_problem(
        &with(never, "never = \"approve\"\nwhen = { verify_score = \"> 100\" }"),
        "V6",
        "has no effect",
        "",
    );
}

#[test]
fn v8_rejects_a_rate_for_other_scores_or_outside_the_table() {
    assert_problem(
        &with("attack_watch = { value = 0.50 }", "attack_watch = { value = 0.50, far = \"1/1000\" }"),
        "V8",
        "`attack_watch` is compared with `face_attack_score`",
        "remove `far`",
    );
    assert_problem(
        &with("retry_floor  = { value = 60.0 }", "retry_floor = { value = 60.0, far = \"1/10\" }"),
        "V8",
        "the vendor's table has no rate for 60",
        "covers 70 to 80",
    );
}

#[test]
fn labels_are_proved_like_other_inputs() {
    let text = with("face_attack_score = { type", "device_risk = { type = \"labels\", values = [\"ROOT\", \"VPN\"] }\nface_attack_score = { type")
        .replace("[[rule]]\nid = \"liveness-risk\"", "[[rule]]\nid = \"device\"\nwhen = { device_risk = [\"ROOT\", \"unknown\"] }\nthen = { decision = \"review\", reason = \"device_risk\" }\n\n[[rule]]\nid = \"vpn\"\nwhen = { device_risk = \"VPN\", sub_code = \"204\" }\nthen = { decision = \"review\", reason = \"vpn\" }\n\n[[rule]]\nid = \"liveness-risk\"");
    // A listed label is a risk that the vendor reports.
    assert_problem(
        &text,
        "V5",
        "rule `approve` approves where device_risk has VPN, against the vendor's signal",
        "against_vendor = { device_risk = \"..\" }",
    );
    let approve = "then = { decision = \"approve\", reason = \"match\" }";
    let reason = "against_vendor = { device_risk = \"VPNs are common\" }";
    let text = text.replace(approve, &format!("{approve}\n{reason}"));
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.report().cells, 16_200 * 8);
    let labels = |labels: &[&str]| labels.iter().map(|label| Box::from(*label)).collect::<Vec<Box<str>>>();
    for (given, expected) in [
        (labels(&["VPN"]), "unknown-code"),
        (labels(&["VPN", "ROOT"]), "device"),
        (labels(&["Cloud"]), "device"),
        (labels(&[]), "unknown-code"),
    ] {
        let mut evidence = cloudauth_policy::Evidence::default();
        evidence.device_risk = &given;
        assert_eq!(policy.decide(&evidence).rule(), expected, "{given:?}");
    }
    // A listed label that no rule names would be approved unnoticed.
    let unnamed = text.replace("device_risk = \"VPN\", ", "");
    assert_problem(&unnamed, "V2", "no rule covers the case that device_risk has VPN", "then it is unknown");
    // An unknown label must not be approved.
    assert_problem(
        &text.replace("[\"ROOT\", \"unknown\"]", "\"ROOT\""),
        "V5",
        "rule `approve` approves where device_risk has an unknown label",
        "",
    );
}

#[test]
fn v8_rejects_a_number_outside_the_range_of_its_score() {
    for to in [">= 100.5", ">= -1"] {
        assert_problem(&with(">= $match_auto", to), "V8", "is outside the range", "the range is 0 to 100");
    }
    let far = "match_auto   = { value = 75.0, far = \"1/10000\", note";
    let text = with(far, "match_auto = { value = 101, note");
    assert_problem(&text, "V8", "the number is outside the range of `verify_score`", "the range is 0 to 100");
}

#[test]
fn v8_rejects_a_range_that_is_not_two_growing_numbers() {
    let declared = "verify_score      = { type = \"score\", range = ";
    let range = |range: &str| with(&format!("{declared}[0.0, 100.0]"), &format!("{declared}{range}"));
    for wrong in ["[100, 100]", "[100, 0]", "[0]", "[0, 1, 2]", "[0, inf]", "[-inf, 100]", "[0, nan]"] {
        assert_problem(
            &range(wrong),
            "V8",
            "`verify_score` needs a range of two numbers",
            "range = [0.0, 100.0]",
        );
    }
    assert!(problems(&range("[-0.0, 100.0]")).is_empty());
}

#[test]
fn v8_the_built_in_order_rejects_an_approval_threshold_below_the_floor() {
    let without_examples = builtin::ONBOARDING.split("[[example]]").next().unwrap();
    assert_eq!(problems(without_examples), []);
    let far = "{ value = 75.0, far = \"1/10000\",";
    for (value, below) in
        [("65", "`match_floor` (70) must be below `match_auto` (65)"), ("70", "below `match_auto` (70)")]
    {
        let text = without_examples.replace(far, &format!("{{ value = {value},"));
        let text = text.replace("far = \"1/10000\"", "");
        assert_problem(&text, "V8", below, "`order` in [thresholds]");
    }
    let attack =
        without_examples.replace("attack_block = { value = 0.90 }", "attack_block = { value = 0.4 }");
    assert_problem(&attack, "V8", "`attack_watch` (0.5) must be below `attack_block` (0.4)", "");
    let mixed = with(ORDER, "order = [[\"match_floor\"], \"match_auto\"]");
    assert_problem(&mixed, "V1", "`order` mixes names and lists", "a list of lists");
    let unknown = with(ORDER, "order = [[\"match_flor\"]]");
    assert_problem(&unknown, "V1", "unknown threshold", "did you mean `match_floor`?");
}
