//! Misspelled values and conditions: the message shows the correct spelling.

use super::*;

#[test]
fn v1_suggests_the_braces_of_a_threshold() {
    let line = "match_auto   = { value = 75.0, far = \"1/10000\", note = \"auto-approve\" }";
    for (written, rule, message, help) in [
        (
            "match_auto = 76.5",
            "V1",
            "threshold `match_auto` must be a table",
            "write match_auto = { value = 76.5 }",
        ),
        (
            "match_auto = 76",
            "V1",
            "threshold `match_auto` must be a table",
            "write match_auto = { value = 76 }",
        ),
        ("match_auto = \"76.5\"", "V1", "threshold `match_auto` must be a table", "{ value = 76.5 }"),
        ("match_auto = \"76,5\"", "V1", "threshold `match_auto` must be a table", "{ value = 76.5 }"),
        ("match_auto = true", "V1", "threshold `match_auto` must be a table", "{ value = 75.0 }"),
        (
            "match_auto = { value = \"76.5\" }",
            "V8",
            "the value of threshold `match_auto` is not a number",
            "write match_auto = { value = 76.5 }",
        ),
        ("match_auto = { value = nan }", "V8", "the value of threshold `match_auto` is not a number", ""),
        ("match_auto = { note = \"x\" }", "V1", "threshold `match_auto` lacks `value`", "write match_auto"),
    ] {
        let text = with(line, written);
        assert_problem(&text, rule, message, help);
        assert_eq!(problems(&text).len(), 1, "one cause, one problem: {:#?}", problems(&text));
    }
}

#[test]
fn v1_recognises_a_decimal_comma() {
    let line = "match_auto   = { value = 75.0, far = \"1/10000\", note = \"auto-approve\" }";
    for written in ["match_auto = 76,5", "match_auto = { value = 76,5 }"] {
        let text = with(line, written);
        assert_problem(&text, "V1", "invalid TOML: ", "if this is a number with a decimal comma, write 76.5");
    }
    assert_problem(
        &with(">= $match_auto", ">= 76,5"),
        "V1",
        "the comparison is not with a number",
        "write the decimal point as a point: 76.5",
    );
}

#[test]
fn v1_recognises_a_missing_and() {
    for written in [
        ">= $match_floor < $match_auto",
        ">=$match_floor<$match_auto",
        ">= $match_floor < 75",
        ">= 70 < $match_auto",
        ">= 70 <= 75",
        ">= $match_floor $match_auto",
    ] {
        let found = problems(&with(">= $match_auto", written));
        let message = "the condition is not a comparison";
        let problem = found.iter().find(|problem| problem.message == message).unwrap();
        let help = problem.help.as_deref().unwrap();
        assert_eq!(help, "join comparisons with `and`; for `or` write two rules", "{written}");
    }
}

/// A file with personal data can be passed by mistake.
#[test]
fn v1_quotes_nothing_of_a_file_that_is_not_a_policy() {
    let person = "CertName = \"ZHANG SAN\"\nCertNo = \"999999199001012003\"\n\"LI SI\" = 1\n";
    for text in [
        person.to_owned(),
        format!("format = 1\n{person}"),
        "{\"CertName\":\"ZHANG SAN\",\"CertNo\":\"999999199001012003\"}".to_owned(),
        "id,mobile\n1,13900000000\n".to_owned(),
        "x = 1,13900000000\n".to_owned(),
        with("then = { decision = \"approve\"", "then = { decision = \"ZHANG SAN\""),
        with("[inputs]", "[inputs]\n\"ZHANG SAN\" = 1"),
        // A value that looks like an identifier, wherever the language has words and numbers of its own.
        with("then = { decision = \"approve\"", "then = { decision = \"ZHANGSAN\""),
        with("when = { face_attack = \"T\" }", "when = { face_attack = \"ZHANGSAN\" }"),
        with("when = { face_attack = \"T\" }", "when = { face_attack = [\"ZHANGSAN\", 1] }"),
        with("when = { face_attack = \"T\" }", "when = { face_attack = [\"T\", \"T\", \"ZHANGSAN\"] }"),
        with("when = { face_attack = \"T\" }", "when = { \"ZHANG SAN\" = \"T\" }"),
        with("when = { face_attack = \"T\" }", "when = { 999999199001012003 = \"T\" }"),
        with(">= $match_auto", "ZHANGSAN"),
        with(">= $match_auto", ">= ZHANGSAN"),
        with(">= $match_auto", ">= $ZHANGSAN"),
        with(">= $match_auto", ">= 75 and and ZHANGSAN"),
        with(">= $match_auto", ">= 13999999999"),
        with(">= $match_auto", ">= 13999999998 and < 13999999999"),
        with("verify_score = \">= $match_auto\"", "verify_score = 13999999999"),
        with(
            "match_auto   = { value = 75.0, far = \"1/10000\"",
            "match_auto = { value = 75.0, far = \"ZHANGSAN\"",
        ),
        with("match_auto   = { value = 75.0,", "match_auto = { value = \"13999999999\","),
        with("values = [\"200\", ", "values = [\"200\", \"ZHANGSAN\", "),
        with("values = [\"200\", ", "values = [\"200\", \"13999999999.0\", "),
        with("values = [\"200\", ", "values = [\"200\", 13999999999, "),
        with("passed            = { type = \"flag\"", "passed = { type = \"ZHANGSAN\""),
        with("\"retry_floor\", ", "\"ZHANGSAN\", "),
        with("rule = \"grey-zone\" }", "rule = \"ZHANGSAN\" }"),
        with("format = 1", "format = 13999999999"),
        with("format = 1", "format = 1\nZHANG = SAN"),
    ] {
        let found = problems(&text);
        assert!(!found.is_empty(), "{text}");
        for secret in ["ZHANG", "LI SI", "999999", "139"] {
            assert!(!format!("{found:?}").contains(secret), "{text}: {found:#?}");
        }
    }
}

#[test]
fn v1_explains_mistakes_around_and() {
    for (to, message) in [
        (">= $match_auto and", "the condition lacks a comparison"),
        ("and >= $match_auto", "the condition lacks a comparison"),
        (">= $match_auto and and < 90", "the condition lacks a comparison"),
        (">= $match_auto or < 60", "`or` is not allowed in a condition"),
        (">= $match_auto && < 90", "`&&` is not allowed in a condition"),
    ] {
        assert_problem(&with(">= $match_auto", to), "V1", message, "");
    }
    for to in [">= $match_auto  and  <= 100", ">= $match_auto and\\t<= 100"] {
        assert_eq!(problems(&with(">= $match_auto", to)), [], "{to}");
    }
}

#[test]
fn conditions_accept_json_and_toml_numbers() {
    let hash = |text: &str| Policy::parse(text).unwrap().reference().content_hash.clone();
    let expected = hash(builtin::ONBOARDING);
    for number in ["60", "60.0", "6e1", "6e+01", "+60", "6_0.0", "600e-1", "6.0E+1"] {
        let text = with("verify_score = \">= $retry_floor\"", &format!("verify_score = \">= {number}\""))
            .replace("retry_floor  = { value = 60.0 }\n", "")
            .replace("\"retry_floor\", ", "");
        assert_eq!(hash(&text), expected, "{number}");
    }
    for wrong in ["nan", "inf", "0x3c", "6__0", "_60", "60_", "6e", "1e999", "--5"] {
        let text = with(">= $match_auto", &format!(">= {wrong}"));
        assert_problem(&text, "V1", "the comparison is not with a number", "");
    }
}

#[test]
fn v1_suggests_the_spelling_of_a_value_of_the_wrong_type() {
    let input = "input = { sub_code = \"204\", passed = \"F\"";
    for (from, to, message, help) in [
        (
            input,
            "input = { sub_code = 204, passed = \"F\"",
            "`sub_code` must be a string",
            "write sub_code = \"204\"",
        ),
        (
            input,
            "input = { sub_code = 204.0, passed = \"F\"",
            "`sub_code` must be a string",
            "write sub_code = \"204\"",
        ),
        (
            input,
            "input = { sub_code = \"204\", passed = false",
            "`passed` must be a string",
            "write passed = \"F\"",
        ),
        (
            input,
            "input = { sub_code = \"204\", passed = 0",
            "`passed` must be a string",
            "write \"T\" or \"F\"",
        ),
        (
            "verify_score = 75.0,",
            "verify_score = \"75.0\",",
            "`verify_score` must be a number",
            "write verify_score = 75.0",
        ),
        (
            "verify_score = 75.0,",
            "verify_score = \"high\",",
            "`verify_score` must be a number",
            "`nan` is an invalid score",
        ),
        (
            "when = { sub_code = \"205\" }",
            "when = { sub_code = 205 }",
            "the condition on `sub_code` is not in quotes",
            "write sub_code = \"205\"",
        ),
        (
            "sub_code = [\"202\", \"203\"]",
            "sub_code = [202, 203]",
            "the condition on `sub_code` is not in quotes",
            "write sub_code = [\"202\", \"203\"]",
        ),
        (
            "when = { face_attack = \"T\" }",
            "when = { face_attack = true }",
            "the condition on `face_attack` is not in quotes",
            "write face_attack = \"T\"",
        ),
        (
            "verify_score = \">= $match_auto\"",
            "verify_score = 75",
            "the condition on `verify_score` is not in quotes",
            "write verify_score = \">= 75\"",
        ),
        (
            "verify_score = \">= $match_auto\"",
            "verify_score = [70, 80]",
            "the condition on `verify_score` is not in quotes",
            "write it in quotes, such as \"T\" or \">= 75\"",
        ),
        ("values = [\"200\", ", "values = [200, ", "`sub_code` must be a non-empty string", "write \"200\""),
    ] {
        assert_problem(&with(from, to), "V1", message, help);
    }
    let labels = builtin::VENDOR
        .replace(
            "passed = { type",
            "device_risk = { type = \"labels\", values = [\"ROOT\"] }\npassed = { type",
        )
        .replace(
            "input = { sub_code = \"210\",",
            "input = { device_risk = [\"ROOT\", 1], sub_code = \"210\",",
        );
    assert_problem(&labels, "V1", "`device_risk` must be a list of strings", "each label in quotes");
}

#[test]
fn v1_rejects_a_declared_code_that_evidence_cannot_hold() {
    for (written, message, help) in [
        ("\"200.0\"", "a declared value is not a code", "write \"200\""),
        ("\"(malformed)\"", "a declared value is not a code", "1 to 15 digits without a leading zero"),
        ("\"0200\"", "a declared value is not a code", "1 to 15 digits"),
        ("\"2e2\"", "a declared value is not a code", "1 to 15 digits"),
        ("\"200 \"", "a declared value is not a code", "1 to 15 digits"),
        ("\"ABC\"", "a declared value is not a code", "1 to 15 digits"),
        ("\"1000000000000000\"", "a declared value is not a code", "1 to 15 digits"),
        ("\"2\\t0\"", "a declared value contains control characters", "remove them"),
        ("\"null\"", "`null` is reserved", "remove it"),
        ("\"unknown\"", "`unknown` is reserved", "remove it"),
        ("\"201\"", "`sub_code` declares a value twice", "remove one"),
    ] {
        let text = with("values = [\"200\", ", &format!("values = [\"200\", {written}, "));
        assert_problem(&text, "V1", message, help);
    }
    for code in ["0", "7", "999999999999999"] {
        let text = with("values = [\"200\", ", &format!("values = [\"200\", \"{code}\", "))
            .replace("sub_code = [\"202\", \"203\"]", &format!("sub_code = [\"202\", \"203\", \"{code}\"]"));
        assert_eq!(problems(&text), [], "{code}");
    }
}

#[test]
fn v1_rejects_a_declared_label_that_evidence_cannot_hold() {
    let with_label = |label: &str| {
        let rule = format!(
            "[[rule]]\nid = \"risk\"\nwhen = {{ device_risk = [{label}, \"unknown\"] }}\nthen = {{ decision = \"review\", reason = \"risk\" }}\n\n[[rule]]\nid = \"attack-flag\""
        );
        with("[[rule]]\nid = \"attack-flag\"", &rule).replace(
            "face_attack_score = { type",
            &format!(
                "device_risk = {{ type = \"labels\", values = [{label}] }}\nface_attack_score = {{ type"
            ),
        )
    };
    for (written, message, help) in [
        ("\"(malformed)\"", "`(malformed)` stands for a malformed label", "remove it"),
        ("\"ROOT,VPN\"", "a declared value is not a label", "a label has no comma"),
        ("\" ROOT\"", "a declared value is not a label", "no blank at its beginning or end"),
        ("\"ROOT\\u00a0\"", "a declared value is not a label", "no blank at its beginning or end"),
        ("\"[ROOT]\"", "a declared value is not a label", "no `[` at its beginning"),
        ("\"RO\\nOT\"", "a declared value contains control characters", "remove them"),
        ("\"none\"", "`none` is reserved", "remove it"),
    ] {
        assert_problem(&with_label(written), "V1", message, help);
    }
    for label in ["\"ROOT\"", "\"Virtual Camera\"", "\"\u{6a21}\u{62df}\u{5668}\"", "\"a]\""] {
        assert_eq!(problems(&with_label(label)), [], "{label}");
    }
}

#[test]
fn v9_reads_an_example_like_recorded_results() {
    for (from, to) in [
        ("sub_code = \"204\", passed = \"F\"", "sub_code = \"204.0\", passed = \"F\""),
        ("sub_code = \"204\", passed = \"F\"", "passed = \"204\""),
        ("sub_code = \"204\", passed = \"F\"", "sub_code = \"null\", passed = \"204\""),
    ] {
        assert_eq!(problems(&with(from, to)), [], "{to}");
    }
}

#[test]
fn v1_rejects_two_examples_with_one_name() {
    let text = with("name = \"one ulp below\"", "name = \"vendor sample\"");
    assert_problem(&text, "V1", "two examples have the name `vendor sample`", "its own name");
}

#[test]
fn v9_allows_failing_examples_only() {
    let text = with("verify_score = 75.0, quality_score", "verify_score = 74.9, quality_score");
    let policy = Policy::parse_allowing_failing_examples(&text).unwrap();
    let failing: Vec<&str> = policy.failing_examples().map(|example| example.message.as_str()).collect();
    let expected = "example `exactly on the auto-approve threshold`: expected approve (rule `approve`), got review (rule `grey-zone`)";
    assert_eq!(failing, [expected]);
    assert!(Policy::parse(&text).is_err());
    let unsafe_text = text.replace("face_attack = [\"T\", \"invalid\"]", "face_attack = \"F\"");
    assert!(Policy::parse_allowing_failing_examples(&unsafe_text).is_err(), "proofs still hold");
}

/// Ids are masked in messages only.
#[test]
fn v9_tells_apart_rules_whose_masked_ids_are_equal() {
    let text = with("id = \"mismatch\"\n", "id = \"to-13900000001\"\n")
        .replace("id = \"mismatch-near\"", "id = \"to-13900000002\"");
    let expecting = |rule: &str| text.replace("rule = \"mismatch\" }", &format!("rule = \"{rule}\" }}"));
    assert_eq!(problems(&expecting("to-13900000001")), []);
    for (rule, shown) in [("to-13900000002", "to-[digits]"), ("otherwise", "otherwise")] {
        let message = format!("expected reject (rule `{shown}`), got reject (rule `to-[digits]`)");
        assert_problem(&expecting(rule), "V9", &message, "");
    }
}

/// A declared code may be a phone number in the wrong file.
#[test]
fn a_declared_code_that_may_be_personal_data_is_masked_everywhere() {
    const PHONE: &str = "13999999999";
    let declared = with("\"206\", \"210\"]", &format!("\"206\", \"210\", \"{PHONE}\"]"));
    let rule = "[[rule]]\nid = \"phone\"\nwhen = { WHEN }\nthen = { decision = \"review\", reason = \"phone\" }\n\n[[rule]]\nid = \"liveness-risk\"";
    let when = |when: &str| declared.replace("[[rule]]\nid = \"liveness-risk\"", &rule.replace("WHEN", when));
    let named = format!("sub_code = \"{PHONE}\"");
    let files = [
        (declared.clone(), "no rule covers the case that sub_code is [digits]"),
        (when(&format!("{named}, face_attack = \"F\"")), "where sub_code is [digits]"),
        (when("sub_code = \"13999999998\""), "the condition names no value of `sub_code`"),
        (
            when(&named).replace(
                "decision = \"review\", reason = \"phone\"",
                "decision = \"approve\", reason = \"phone\"",
            ),
            "[digits]",
        ),
    ];
    for (text, message) in files {
        let found = problems(&text);
        assert!(found.iter().any(|problem| problem.message.contains(message)), "{message}: {found:#?}");
        let shown = format!("{found:?}");
        assert!(!shown.contains("13999"), "{shown}");
    }

    let policy = Policy::parse(&when(&named)).unwrap();
    let mut evidence = cloudauth_policy::Evidence::default();
    for code in ["200", PHONE] {
        evidence.sub_code = Some(code);
        let trace = policy.explain(&evidence);
        let shown = format!("{} {trace:?}", trace.to_json());
        assert!(shown.contains("[digits]") && !shown.contains("13999"), "{shown}");
    }
    // The hashes tell two such codes apart.
    let other = Policy::parse(&when(&named).replace(PHONE, "13999999998")).unwrap();
    assert_ne!(policy.reference().behaviour_hash, other.reference().behaviour_hash);
    let before = Policy::parse(builtin::ONBOARDING).unwrap();
    let difference = cloudauth_policy::diff(&before, &policy).unwrap();
    let regions: Vec<_> = difference.regions.iter().map(|region| region.to_json().to_string()).collect();
    let shown = format!("{regions:?} {difference:?}");
    assert!(regions.iter().all(|region| !region.contains("13999")) && !regions.is_empty(), "{shown}");
}

#[test]
fn v1_repeats_only_words_that_the_policy_declares() {
    let list = |list: &str| with("sub_code = [\"202\", \"203\"]", &format!("sub_code = {list}"));
    assert_problem(&list("[\"202\", 203]"), "V1", "is not in quotes", "write sub_code = [\"202\", \"203\"]");
    let flag =
        |flag: &str| with("when = { face_attack = \"T\" }", &format!("when = {{ face_attack = {flag} }}"));
    assert_problem(&flag("[\"T\", true]"), "V1", "is not in quotes", "write face_attack = [\"T\", \"T\"]");
    // Another word may be the name of a person.
    for text in [list("[\"Zhang San\", 203]"), flag("[\"Zhang San\", true]")] {
        assert_problem(&text, "V1", "is not in quotes", "write it in quotes");
        assert!(!format!("{:?}", problems(&text)).contains("Zhang"));
    }
}

#[test]
fn v1_rejects_a_promise_about_what_is_not_a_declared_score() {
    for (name, help) in
        [("passed", "allowed: verify_score"), ("verify_scroe", "did you mean `verify_score`?")]
    {
        let text = with("monotone = \"verify_score\"", &format!("monotone = \"{name}\""));
        assert_problem(&text, "V1", "`monotone` does not name a score of the [inputs]", help);
    }
}
