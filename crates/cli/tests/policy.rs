//! The commands of `cloudauth policy`.

#![cfg(test)]

mod support;

use std::io::Write;
use std::process::{Output, Stdio};

use cloudauth_tests::without_environment;
use serde_json::Value;
use support::{json, text};

fn run(args: &[&str], stdin: &str) -> Output {
    let mut command = without_environment(env!("CARGO_BIN_EXE_cloudauth"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its input closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn passing(score: f64) -> String {
    format!(
        r#"{{"sub_code":"200","passed":"T","face_attack":"F","face_occlusion":"F","verify_score":{score},"face_attack_score":0.0004}}"#
    )
}

#[test]
fn check_prints_the_cells_of_each_rule_and_the_vendors_rate() {
    let output = run(&["policy", "check", "builtin:onboarding"], "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let shown = text(&output);
    for part in [
        "cn-onboarding 2025.12.1: all 16200 cells hold",
        "match_auto                   75  vendor's rate 1/10000",
        "approve                  approve       6 cells",
        "content    sha256:",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let document = json(&run(&["policy", "check", "builtin:vendor", "--output", "json"], ""));
    assert_eq!((&document["holds"], &document["cells"]), (&Value::Bool(true), &Value::from(30)));
}

#[test]
fn an_invalid_policy_exits_with_1_and_shows_line_and_hint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    let good = text(&run(&["policy", "show", "vendor"], ""));
    std::fs::write(&file, good.replace("when = { sub_code = \"201\" }", "when = { subcode = \"201\" }"))
        .unwrap();
    let file = file.to_str().unwrap();
    let output = run(&["policy", "check", file], "");
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output);
    assert!(
        shown.contains(
            "bad.toml:38:10: `subcode` is not among the [inputs] [V1]\n    did you mean `sub_code`?"
        ),
        "{shown}"
    );
    let output = run(&["policy", "check", file, "--output", "json"], "");
    let document = json(&output);
    assert_eq!((output.status.code(), &document["holds"]), (Some(1), &Value::Bool(false)));
    assert_eq!(
        (&document["problems"][0]["line"], &document["problems"][0]["rule"]),
        (&38.into(), &"V1".into())
    );
    // An invalid policy does not decide.
    assert_eq!(run(&["policy", "decide", file], "{}").status.code(), Some(1));
    assert_eq!(run(&["policy", "check", "builtin:nobody"], "").status.code(), Some(2));
    assert_eq!(run(&["policy", "check", "/nowhere/policy.toml"], "").status.code(), Some(2));
}

#[test]
fn decide_exits_with_the_code_of_the_verdict() {
    for (evidence, exit, decision) in [
        (passing(75.0), 0, "approve"),
        (passing(74.9), 8, "review"),
        (passing(60.0), 3, "reject"),
        (r#"{"sub_code":"201"}"#.to_owned(), 3, "retry"),
        ("{}".to_owned(), 8, "review"),
        (r#"{"sub_code":200,"passed":true,"verify_score":"99"}"#.to_owned(), 8, "review"),
    ] {
        let output = run(&["policy", "decide", "builtin:onboarding", "--output", "json"], &evidence);
        let document = json(&output);
        assert_eq!(
            (output.status.code(), document["decision"].as_str()),
            (Some(exit), Some(decision)),
            "{evidence}"
        );
        assert!(document["policy"]["content"].as_str().unwrap().starts_with("sha256:"));
    }
    for bad in ["", "[]", "nonsense", r#"{"name":"planted"}"#] {
        let output = run(&["policy", "decide", "builtin:onboarding"], bad);
        assert_eq!(output.status.code(), Some(2), "{bad}");
        assert!(!text(&output).contains("planted"));
    }
}

/// `lab replay` and `policy decide` approve the same flat line.
#[test]
fn decide_reads_flat_evidence_as_the_lab_does() {
    let line = r#"{"sub_code":200.0,"passed":"T","face_attack":"F","face_occlusion":"F","verify_score":"88.25","quality_score":90,"face_attack_score":0.01}"#;
    let decide = |evidence: &str| {
        let output = run(&["policy", "decide", "builtin:onboarding", "--output", "json"], evidence);
        (output.status.code(), json(&output)["data_issues"].to_string())
    };
    assert_eq!(decide(line), (Some(0), "[]".to_owned()));
    for (written, instead, issue) in [
        ("200.0", r#""200 ""#, "`sub_code` is malformed"),
        (r#""88.25""#, r#""+88.25""#, "`verify_score` is malformed"),
        (r#""88.25""#, "1E400", "`verify_score` is malformed"),
        (r#""T""#, "true", "`passed` is malformed"),
        (r#""T""#, r#""T","device_risk":[5]"#, "`device_risk` is malformed"),
    ] {
        let (exit, issues) = decide(&line.replace(written, instead));
        assert!(issues.contains(issue), "{instead}: {issues}");
        assert!(exit == Some(8) || instead.contains("device_risk"), "{instead}: {exit:?}");
    }
    let twice = run(&["policy", "decide", "builtin:onboarding"], &line.replacen('{', r#"{"passed":"F","#, 1));
    assert_eq!(twice.status.code(), Some(2));
    assert!(text(&twice).contains("duplicate member `passed`"), "{}", text(&twice));
}

#[test]
fn decides_on_a_whole_reply_unless_it_is_pending() {
    let answer = r#"{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200","MaterialInfo":"{\"faceAttack\":\"F\",\"faceOcclusion\":\"F\",\"facialPictureFront\":{\"verifyScore\":88.25,\"faceAttackScore\":0.001,\"pictureUrl\":\"https://x.example/planted\"}}"}}"#;
    let output = run(&["policy", "explain", "builtin:onboarding"], answer);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("approve by the rule `approve`") && !text(&output).contains("planted"));
    assert_eq!(run(&["policy", "decide", "builtin:onboarding"], r#"{"Code":"424"}"#).status.code(), Some(5));
    assert_eq!(run(&["policy", "decide", "builtin:onboarding"], r#"{"Code":"417"}"#).status.code(), Some(2));
}

#[test]
fn decide_reports_a_sub_code_in_passed() {
    let output = run(&["policy", "decide", "builtin:onboarding", "--output", "json"], r#"{"passed":"206"}"#);
    let issue =
        "`passed` holds a SubCode, as in a callback: it counts as `sub_code`, and `passed` is invalid";
    assert_eq!(json(&output)["data_issues"], serde_json::json!([issue]), "{}", text(&output));
}

#[test]
fn explain_lists_failed_conditions_and_the_nearest_change() {
    let shown = text(&run(&["policy", "explain", "builtin:onboarding"], &passing(74.2)));
    assert!(
        shown.contains("approve                  verify_score is 74.2, needs >= $match_auto (75)"),
        "{shown}"
    );
    assert!(shown.contains("approve  if verify_score >= 75 (0.8 away)"), "{shown}");
}

#[test]
fn explain_lists_the_nearest_value_beside_a_missing_one() {
    let evidence = r#"{"sub_code":"200","passed":"T","verify_score":75.5,"face_attack":"F","face_occlusion":"F","face_attack_score":0.001,"quality_score":90}"#;
    let shown = text(&run(&["policy", "explain", "builtin:onboarding"], evidence));
    let (values, missing) = shown.split_once("with an input missing or invalid").unwrap();
    assert!(
        values.contains(
            "changes of one input that change the verdict\n  review   if 70 <= verify_score < 75 (0.5 away)\n"
        ),
        "{shown}"
    );
    assert!(values.contains("  reject   if 60 <= verify_score < 70 (5.5 away)\n"), "{shown}");
    assert!(missing.contains("  review   if verify_score is invalid\n"), "{shown}");
    let document = json(&run(&["policy", "explain", "builtin:onboarding", "--output", "json"], evidence));
    assert_eq!(document["nearest"][0]["input"], "verify_score");
    assert_eq!(document["nearest"][0]["distance"], 0.5);
    assert_eq!(document["if_not_understood"][0]["distance"], Value::Null);
}

#[test]
fn diff_describes_the_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stricter.toml");
    let worked = text(&run(&["policy", "show", "threshold"], ""));
    let stricter = worked
        .replace("value = 75.0, far = \"1/10000\"", "value = 76.5, far = \"5/100000\"")
        .replace("verify_score = 75.0 }", "verify_score = 76.5 }");
    std::fs::write(&file, stricter).unwrap();
    let output = run(&["policy", "diff", "builtin:threshold", file.to_str().unwrap()], "");
    let expected = "approve becomes review when sub_code is 200 or 210, passed is T, face_attack is F, 75 <= verify_score < 76.5";
    assert!(output.status.code() == Some(0) && text(&output).contains(expected), "{}", text(&output));
    let same = json(&run(&["policy", "diff", "builtin:vendor", "builtin:vendor", "--output", "json"], ""));
    assert_eq!((&same["changed"], same["before"] == same["after"]), (&0.into(), true));
}

/// The vendor policy with an approval of a SubCode that the vendor's table lacks, and a reason for it.
const OVERRIDE: [(&str, &str); 3] = [
    ("\"206\", \"210\"] }", "\"206\", \"210\", \"299\"] }"),
    (
        "when = { sub_code = [\"200\", \"210\"], passed = \"T\" }",
        "when = { sub_code = [\"200\", \"210\", \"299\"], passed = \"T\" }\nagainst_vendor = { sub_code = \"299 is announced for May\" }",
    ),
    (
        "when = { sub_code = [\"200\", \"210\"], passed = [",
        "when = { sub_code = [\"200\", \"210\", \"299\"], passed = [",
    ),
];

#[test]
fn an_approval_against_the_vendor_is_shown_by_check_explain_and_diff() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    let vendor = text(&run(&["policy", "show", "vendor"], ""));
    let changed = OVERRIDE.iter().fold(vendor, |text, (from, to)| text.replace(from, to));
    std::fs::write(&file, &changed).unwrap();
    let file = file.to_str().unwrap();

    let shown = text(&run(&["policy", "check", file], ""));
    let warning = "p.toml:17:1: SubCode `299` is not in the vendor's table [V2]\n    check the spelling";
    assert!(shown.contains(warning), "{shown}");
    let reason = "approved against the vendor's signal\n  passed                   sub_code           299 is announced for May";
    assert!(shown.contains(reason), "{shown}");
    let document = json(&run(&["policy", "check", file, "--output", "json"], ""));
    assert_eq!(document["warnings"][0]["message"], "SubCode `299` is not in the vendor's table");
    let expected = serde_json::json!({
        "rule": "passed", "input": "sub_code", "reason": "299 is announced for May"
    });
    assert_eq!(document["against_vendor"], serde_json::json!([expected]));

    let shown = text(&run(&["policy", "explain", file], r#"{"sub_code":"299","passed":"T"}"#));
    assert!(shown.contains("against the vendor's sub_code: 299 is announced for May"), "{shown}");
    let shown = text(&run(&["policy", "diff", "builtin:vendor", file], ""));
    assert!(shown.contains("new: `passed` approves against the vendor's sub_code: 299 is"), "{shown}");
    let document = json(&run(&["policy", "diff", file, "builtin:vendor", "--output", "json"], ""));
    assert_eq!(document["against_vendor"], serde_json::json!({ "added": [], "removed": [expected] }));

    let without = changed.replace("against_vendor = { sub_code = \"299 is announced for May\" }", "");
    std::fs::write(file, without).unwrap();
    let output = run(&["policy", "check", file], "");
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output);
    assert!(shown.contains("policy check failed\n"), "{shown}");
    assert!(shown.contains("approves where sub_code is 299, against the vendor's signal"), "{shown}");
}

#[test]
fn diff_explores_a_threshold_with_failing_examples_when_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    let worked = text(&run(&["policy", "show", "threshold"], ""));
    std::fs::write(&file, worked.replace("value = 75.0, far = \"1/10000\"", "value = 76.5")).unwrap();
    let args = ["policy", "diff", "builtin:threshold", file.to_str().unwrap()];
    let output = run(&args, "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("policy check failed"), "{}", text(&output));
    let output = run(&[&args[..], &["--allow-failing-examples"]].concat(), "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let shown = text(&output);
    assert!(shown.contains("failing example, allowed: "), "{shown}");
    assert!(
        shown.contains("example `exactly on the threshold`: expected approve (rule `match`), got review"),
        "{shown}"
    );
    let document = json(&run(&[&args[..], &["--allow-failing-examples", "--output", "json"]].concat(), ""));
    assert_eq!(document["failing_examples"].as_array().unwrap().len(), 1);
    let range = &document["regions"][0]["inputs"][3]["ranges"][0];
    assert_eq!((range["from"].as_f64(), range["below"].as_f64()), (Some(75.0), Some(76.5)), "{document}");
}

#[test]
fn fmt_formats_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    let vendor = text(&run(&["policy", "show", "vendor"], ""));
    std::fs::write(&file, vendor.replace("decision = \"review\"", "decision=\"review\"  ")).unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(run(&["policy", "fmt", "--check", path], "").status.code(), Some(1));
    assert_eq!(run(&["policy", "fmt", path], "").status.code(), Some(0));
    assert_eq!(run(&["policy", "fmt", "--check", path], "").status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim_end(), vendor.trim_end());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    for (empty, args) in [("", &["policy", "fmt", path][..]), ("\n \n", &["policy", "fmt", "--check", path])]
    {
        std::fs::write(&file, empty).unwrap();
        let output = run(args, "");
        assert_eq!(output.status.code(), Some(2), "{empty:?}");
        assert!(text(&output).contains("is empty: there is no policy to format"), "{}", text(&output));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), empty);
    }
}

#[test]
fn names_that_may_be_id_numbers_are_masked() {
    const NUMBER: &str = "999999199001012003";
    let folder = tempfile::tempdir().unwrap();
    let mut policy = cloudauth::policy::builtin::THRESHOLD.to_owned();
    for (from, to) in [
        ("id = \"threshold\"", "id = \"NUMBER\""),
        ("version = \"", "version = \"NUMBER-"),
        ("id = \"match\"", "id = \"a NUMBER\""),
        ("rule = \"match\"", "rule = \"a NUMBER\""),
        ("\nmatch = ", "\nm_NUMBER = "),
        ("$match", "$m_NUMBER"),
        ("name = \"", "name = \"NUMBER "),
    ] {
        assert!(policy.contains(from), "{from}");
        policy = policy.replace(from, &to.replace("NUMBER", NUMBER));
    }
    let path = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let good = path("p.toml", &policy);
    let evidence = path("e.json", &passing(60.0));
    let invalid = [
        policy.replacen(&format!("$m_{NUMBER}"), "75", 9),
        policy.clone()
            + policy
                .rsplit_once("[[example]]")
                .map(|(_, last)| format!("[[example]]{last}"))
                .unwrap()
                .as_str(),
        policy.replace("id = \"attack-flag\"", &format!("id = \"a {NUMBER}\"")),
        policy.replace("expect = { decision = \"approve\"", "expect = { decision = \"reject\""),
        policy.replace("value = 75.0", "value = \"75.0\""),
    ];
    let mut shown = String::new();
    for (number, text) in invalid.iter().enumerate() {
        assert_ne!(*text, policy, "{number}");
        let file = path("q.toml", text);
        for more in [&[][..], &["--output", "json"], &["--lang", "zh"]] {
            let output = run(&[&["policy", "check", &file], more].concat(), "");
            assert_eq!(output.status.code(), Some(1), "{number} {}", self::text(&output));
            shown += &self::text(&output);
        }
    }
    for args in [
        &["policy", "check", &good][..],
        &["policy", "check", &good, "--output", "json"],
        &["policy", "decide", &good, "--evidence", &evidence, "--output", "json"],
        &["policy", "explain", &good, "--evidence", &evidence],
        &["policy", "explain", &good, "--evidence", &evidence, "--output", "json"],
        &["policy", "diff", "builtin:vendor", &good],
        &["policy", "sql", &good, "--dialect", "sqlite"],
    ] {
        let output = run(args, "");
        assert!(!matches!(output.status.code(), Some(1 | 2) | None), "{args:?} {}", self::text(&output));
        shown += &self::text(&output);
    }
    assert!(shown.contains("[digits]") && !shown.contains(NUMBER), "{shown}");
}

#[test]
fn sql_writes_one_query_with_the_given_names() {
    let args = ["policy", "sql", "builtin:onboarding", "--dialect", "postgres", "--table", "risk.Log"];
    let more = ["--column", "verify_score=Score", "--text", "verify_score", "--keep", "certify_id"];
    let output = run(&[&args[..], &more].concat(), "");
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    for part in [
        "SELECT\n  cloudauth_ruled.\"certify_id\" AS \"certify_id\"",
        "FROM \"risk\".\"Log\" AS cloudauth_row",
        "CAST((CAST(cloudauth_row.\"Score\" AS text) COLLATE \"C\") AS double precision)",
        "cloudauth_read.policy_verify_score >= CAST('75.0' AS double precision) THEN 7",
        "'cn-onboarding' AS policy_id",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains(';'), "it can be part of another query: {shown}");
    let document = json(&run(&[&args[..], &more, &["--output", "json"]].concat(), ""));
    assert_eq!(document["sql"].as_str(), Some(shown.trim_end()));
    assert_eq!(document["dialect"], "postgres");
    assert_eq!(
        document["rules"][7],
        serde_json::json!({ "number": 7, "rule": "approve", "decision": "approve" })
    );
    assert_eq!(document["rules"].as_array().map(Vec::len), Some(17));

    for (args, part) in [
        (vec!["--dialect", "oracle"], "possible values: duckdb, postgres"),
        (vec![], "--dialect"),
        (vec!["--dialect", "duckdb", "--column", "verify_score"], "INPUT=COLUMN"),
        (vec!["--dialect", "duckdb", "--column", "score=x"], "unknown input: "),
        (vec!["--dialect", "sqlite", "--text", "verify_score"], "cannot be a text in sqlite"),
    ] {
        let output = run(&[&["policy", "sql", "builtin:onboarding"], &args[..]].concat(), "");
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(part), "{part}: {}", text(&output));
    }
}

#[test]
fn the_schema_has_the_inputs_of_the_policies() {
    let schema = json(&run(&["policy", "schema"], ""));
    for input in ["sub_code", "passed", "verify_score", "device_risk"] {
        assert!(schema["properties"]["inputs"]["properties"][input].is_object(), "{input}");
    }
    assert_eq!(schema["properties"]["format"]["const"], 1);
}

#[test]
fn a_demo_with_a_policy_exits_with_its_decision() {
    for (identity, exit, decision) in [
        ("999999199001012003", 0, "approve"),
        ("999999200001017400", 8, "review"),
        ("999999199001012054", 3, "reject"),
        ("999999199001012011", 3, "retry"),
    ] {
        let identity = if identity == "999999200001017400" { score_identity() } else { identity.to_owned() };
        let output =
            run(&["demo", "--identity", &identity, "--policy", "builtin:onboarding", "--output", "json"], "");
        let document = json(&output);
        assert_eq!(
            (output.status.code(), document["decision"]["decision"].as_str()),
            (Some(exit), Some(decision)),
            "{}",
            text(&output)
        );
    }
}

/// An identity whose verifyScore is 74.0.
fn score_identity() -> String {
    cloudauth_emulator::id_number("20000101", 740).unwrap()
}

#[test]
fn decide_takes_a_row_of_the_lab_and_ignores_what_no_policy_reads() {
    let row = r#"{"sub_code":"200","passed":"T","verify_score":88,"face_attack":"F","face_occlusion":"F","quality_score":90,"face_attack_score":0.01"#;
    let others = r#","id":"a1","subject":"p1","time":"2026-03-01","label":"genuine","attack":"""#;
    for command in ["decide", "explain"] {
        let args = ["policy", command, "builtin:onboarding", "--output", "json"];
        let (alone, whole) = (run(&args, &format!("{row}}}")), run(&args, &format!("{row}{others}}}")));
        assert_eq!(whole.status.code(), Some(0), "{}", String::from_utf8_lossy(&whole.stderr));
        assert_eq!(alone.stdout, whole.stdout);
    }
    let refused = format!("{row}{others},\"id\":\"a2\"}}");
    for evidence in [r#"{"lable":"x"}"#, &refused] {
        assert_eq!(run(&["policy", "decide", "builtin:onboarding"], evidence).status.code(), Some(2));
    }
}

#[test]
fn decide_knows_a_reply_by_either_spelling_of_its_members() {
    let reply = r#"{"requestId":"x","code":"200","resultObject":{"Passed":"T","SubCode":"200"}}"#;
    let output = run(&["policy", "decide", "builtin:vendor"], reply);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}
