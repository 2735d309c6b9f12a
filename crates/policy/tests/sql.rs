//! The SQL of a policy agrees with the policy, row by row in SQLite, and every guard in the query is needed.

#![cfg(test)]

mod random;

use cloudauth_policy::{Columns, Dialect, Policy, builtin};
use random::rows::{CODES, FLAGS, INPUTS, Row, Rows, rule_of};
use random::{CODES_ALONE, Dice, EDGES, random_policy, without_quotes};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value as Json;

/// A careless table: case-insensitive text, and scores without a type.
fn table(rows: impl Iterator<Item = Vec<Value>>) -> Connection {
    let database = Connection::open_in_memory().unwrap();
    let texts = INPUTS[..5].iter().map(|name| format!("{name} COLLATE NOCASE")).collect::<Vec<_>>();
    let columns = format!("number INTEGER, {}, {}", texts.join(", "), INPUTS[5..].join(", "));
    database.execute_batch(&format!("CREATE TABLE verifications ({columns}); BEGIN")).unwrap();
    let mut insert =
        database.prepare("INSERT INTO verifications VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)").unwrap();
    for (number, row) in rows.enumerate() {
        insert.execute(params_from_iter([Value::from(number as i64)].into_iter().chain(row))).unwrap();
    }
    drop(insert);
    database.execute_batch("COMMIT").unwrap();
    database
}

fn values(row: &Row) -> Vec<Value> {
    let texts = row.texts.iter().map(|text| text.map_or(Value::Null, |text| Value::from(text.to_owned())));
    texts.chain(row.scores.iter().map(|score| score.map_or(Value::Null, Value::from))).collect()
}

fn sql(policy: &Policy) -> String {
    policy.sql(Dialect::Sqlite, &Columns::default().keep("number")).unwrap()
}

/// The rule of each row, by row number, or the error of the engine.
fn decided(database: &Connection, sql: &str) -> rusqlite::Result<Vec<usize>> {
    let mut query = database.prepare(&format!("SELECT policy_rule FROM ({sql}) ORDER BY number"))?;
    query.query_map([], |row| Ok(usize::from(row.get::<_, u8>(0)?)))?.collect()
}

fn mismatches(policy: &Policy, rows: &[Row], sql: &str) -> usize {
    let decided = decided(&table(rows.iter().map(values)), sql).unwrap();
    assert_eq!(decided.len(), rows.len());
    let wrong = |(row, rule): &(&Row, usize)| rule_of(policy, &row.evidence()) != *rule;
    rows.iter().zip(decided).filter(wrong).count()
}

fn rows(policy: &Policy, dice: &mut Dice, count: usize) -> Vec<Row> {
    let made = Rows::of(policy);
    (0..count).map(|_| made.row(dice)).collect()
}

#[test]
fn built_in_policies_agree_with_sqlite() {
    let mut dice = Dice(7);
    for (name, text) in builtin::ALL {
        let policy = Policy::parse(text).unwrap();
        let rows = rows(&policy, &mut dice, 20_000);
        assert_eq!(mismatches(&policy, &rows, &sql(&policy)), 0, "{name}");
        let mut rules: Vec<usize> = rows.iter().map(|row| rule_of(&policy, &row.evidence())).collect();
        rules.sort_unstable();
        rules.dedup();
        let deciding = policy.report().rules.iter().filter(|rule| rule.cells > 0).count();
        assert_eq!(rules.len(), deciding, "{name}: every rule must come up");
    }
}

#[test]
fn difficult_numbers_and_texts_agree_with_sqlite() {
    for text in [EDGES.to_owned(), without_quotes()] {
        let policy = Policy::parse(&text).unwrap();
        let rows = rows(&policy, &mut Dice(17), 10_000);
        assert_eq!(mismatches(&policy, &rows, &sql(&policy)), 0, "{text}");
    }
}

#[test]
fn callbacks_agree_with_sqlite_without_a_passed_input() {
    let policy = Policy::parse(CODES_ALONE).unwrap();
    let mut rows = rows(&policy, &mut Dice(23), 10_000);
    assert_eq!(mismatches(&policy, &rows, &sql(&policy)), 0);
    // With a code, without a code, and with a code in `passed`.
    rows.retain(|row| row.texts[1].is_none() && row.texts[2] == Some("206"));
    assert!(rows.len() > 5 && rows.iter().all(|row| policy.decide(&row.evidence()).rule() == "risk"));
    let renamed = Columns::default().column("passed", "ok");
    assert!(policy.sql(Dialect::Sqlite, &renamed).unwrap().contains("cloudauth_row.\"ok\""));
}

#[test]
fn random_policies_agree_with_sqlite() {
    let mut dice = Dice(11);
    for _ in 0..60 {
        let (text, policy) = random_policy(&mut dice);
        let rows = rows(&policy, &mut dice, 2000);
        assert_eq!(mismatches(&policy, &rows, &sql(&policy)), 0, "{text}");
    }
}

#[test]
fn the_5000_cases_of_the_reference_agree_with_sqlite() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let cases = include_str!("policy_cases.jsonl").lines();
    let cases: Vec<Json> = cases.map(|line| serde_json::from_str(line).unwrap()).collect();
    let value = |name: &&str, case: &Json| match (&case["input"][*name], name.ends_with("score")) {
        (Json::Number(number), _) => Value::from(number.as_f64().unwrap()),
        // SQLite has no NaN: it is stored as NULL.
        (Json::String(text), true) => text.parse::<f64>().map_or(Value::Null, Value::from),
        (Json::String(text), false) => Value::from(text.clone()),
        _ => Value::Null,
    };
    let rows = cases.iter().map(|case| INPUTS.iter().map(|name| value(name, case)).collect());
    let database = table(rows);
    let mut query = database
        .prepare(&format!("SELECT policy_rule_id, policy_verdict FROM ({}) ORDER BY number", sql(&policy)))
        .unwrap();
    let found = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let found: Vec<(String, String)> = found.map(Result::unwrap).collect();
    assert_eq!(found.len(), 5000);
    for (case, (rule, verdict)) in cases.iter().zip(found) {
        assert_eq!(
            (case["rule"].as_str(), case["decision"].as_str()),
            (Some(&*rule), Some(&*verdict)),
            "{case}"
        );
    }
}

/// The columns beside the rule number match the policy.
#[test]
fn the_query_returns_the_texts_of_the_rule() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let rows = rows(&policy, &mut Dice(3), 3000);
    let database = table(rows.iter().map(values));
    let words = "policy_rule_id || '|' || policy_verdict || '|' || policy_reason || '|' || policy_id || '|' || policy_version || '|' || policy_content";
    let mut query =
        database.prepare(&format!("SELECT {words} FROM ({}) ORDER BY number", sql(&policy))).unwrap();
    let found = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for (row, found) in rows.iter().zip(found.map(Result::unwrap)) {
        let decision = policy.decide(&row.evidence());
        let by = decision.policy();
        let (id, version, content) = (&by.id, &by.version, &by.content_hash);
        let (rule, verdict, reason) = (decision.rule(), decision.verdict(), decision.reason());
        assert_eq!(found, format!("{rule}|{verdict}|{reason}|{id}|{version}|{content}"));
    }
}

/// Text in score columns, integers in code columns, bytes, and text with a zero byte.
#[test]
fn values_of_another_type_agree_with_the_reader() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let good = || -> Vec<Value> {
        let text = |text: &str| Value::from(text.to_owned());
        vec![text("200"), text("200"), text("T"), text("F"), text("F"), 80.0.into(), 90.0.into(), 0.1.into()]
    };
    let changed = |at: usize, value: Value| {
        let mut row = good();
        row[at] = value;
        row
    };
    let rows = [
        (good(), "approve"),
        (changed(1, Value::from(200)), "approve"),
        (changed(1, Value::from(200.0)), "approve"),
        (changed(1, Value::from(200.5)), "unknown-code"),
        (changed(1, Value::from("200.0\0".to_owned())), "unknown-code"),
        (changed(1, Value::from("200\0".to_owned())), "unknown-code"),
        (changed(2, Value::from(1)), "contradiction"),
        (changed(3, Value::from("f".to_owned())), "grey-zone"),
        (changed(5, Value::from(80)), "approve"),
        // As in the service: a text is not a score.
        (changed(5, Value::from("80".to_owned())), "no-score"),
        (changed(5, Value::from("80 of 100".to_owned())), "no-score"),
        (changed(5, Value::Blob(b"80".to_vec())), "no-score"),
    ];
    let database = table(rows.iter().map(|(row, _)| row.clone()));
    let report = policy.report();
    for (number, rule) in decided(&database, &sql(&policy)).unwrap().into_iter().enumerate() {
        assert_eq!(report.rules[rule].rule, rows[number].1, "{:?}", rows[number].0);
    }
}

/// A policy in which neighbouring cells always differ.
const TIGHT: &str = r#"
format = 1
[policy]
id = "tight"
version = "1"
[policy.otherwise]
decision = "review"
reason = "otherwise"
[inputs]
sub_code = { type = "code", values = ["200", "201", "202", "203", "204", "205", "206", "210", "211"] }
passed = { type = "flag" }
verify_score = { type = "score", range = [0.0, 100.0] }
[[rule]]
id = "missing"
when = { sub_code = "missing" }
then = { decision = "retry", reason = "missing" }
[[rule]]
id = "unknown"
when = { sub_code = "unknown" }
then = { decision = "reject", reason = "unknown" }
[[rule]]
id = "invalid-flag"
when = { passed = "invalid" }
then = { decision = "reject", reason = "invalid" }
[[rule]]
id = "invalid-score"
when = { verify_score = "invalid" }
then = { decision = "review", reason = "invalid_score" }
[[rule]]
id = "others"
when = { sub_code = ["201", "202", "203", "204", "205", "206", "210", "211"] }
then = { decision = "review", reason = "others" }
[[rule]]
id = "approve"
when = { sub_code = "200", passed = "T", verify_score = ">= 74.1" }
then = { decision = "approve", reason = "match" }
[[rule]]
id = "low"
when = { verify_score = "< 74.1" }
then = { decision = "reject", reason = "low" }
[[rule]]
id = "rest"
when = { sub_code = "200" }
then = { decision = "review", reason = "rest" }
"#;

/// Without any one of the guards, some row gets another decision, or the engine reports an error.
#[test]
fn every_guard_of_the_query_is_needed() {
    // The same policy without the rule for invalid scores, so that its comparisons need their guards.
    let without = TIGHT.replace(
        r#"when = { verify_score = "invalid" }"#,
        r#"when = { passed = "F", verify_score = "invalid" }"#,
    );
    let column = "cloudauth_read.policy_verify_score";
    let (least, most) = (format!("{column} >= CAST(0 AS REAL)"), format!("{column} <= CAST(100 AS REAL)"));
    let range = format!("{least} AND {most}");
    let guards = [
        ("above the range", most.as_str(), "1 = 1"),
        ("below the range", least.as_str(), "1 = 1"),
        (
            "invalid by a negation",
            &format!("CASE WHEN {range} THEN 0 ELSE 1 END = 1"),
            &format!("NOT ({range})"),
        ),
        ("the collation", " COLLATE BINARY", " COLLATE NOCASE"),
        ("empty is missing", "NOT IN ('', 'null')", "IS NOT NULL"),
        ("a fraction of zeros", "GLOB '[0-9]*.0*'", "GLOB ''"),
        ("only zeros", "NOT GLOB '*[^0]*'", "IS NOT NULL"),
        ("a SubCode in passed", "GLOB '[0-9][0-9][0-9]'", "GLOB ''"),
        ("NULL is missing", "ELSE 'missing'", "ELSE 'unknown'"),
        ("other is unknown", "THEN 'unknown'", "THEN 'missing'"),
        ("other is invalid", "ELSE 'invalid'", "ELSE NULL"),
        ("a text is not a score", "IN ('real', 'integer')", "IN ('real', 'integer', 'text')"),
        ("codes are text", "CAST(cloudauth_row.\"sub_code\" AS TEXT)", "cloudauth_row.\"sub_code\""),
        ("the very number", "CAST(2607161971782451 AS REAL)", "CAST(2607161971782452 AS REAL)"),
        ("from, not above", ">= (CAST", "> (CAST"),
        ("below, not to", "< (CAST", "<= (CAST"),
    ];
    for (what, guard, without_it) in guards {
        let mut noticed = 0;
        for text in [TIGHT, &without] {
            let policy = Policy::parse(text).unwrap();
            let whole = sql(&policy);
            assert!(whole.contains(guard), "{what}: {guard} is not in\n{whole}");
            let mut dice = Dice(5);
            let made = rows(&policy, &mut dice, 4000);
            let mut all: Vec<Vec<Value>> = made.iter().map(values).collect();
            let mut expected: Vec<usize> = made.iter().map(|row| rule_of(&policy, &row.evidence())).collect();
            // Rows that no reader has in this form: SQLite gives them their type.
            let mut odd = all[0].clone();
            (odd[1], odd[2], odd[5]) = (Value::from(200), Value::from("T".to_owned()), Value::from(80.0));
            all.push(odd.clone());
            (odd[1], odd[5]) = (Value::from("200".to_owned()), Value::from("80".to_owned()));
            all.push(odd);
            let rule = |row: Row| rule_of(&policy, &row.evidence());
            let texts = [None, Some("200"), Some("T"), None, None];
            expected.push(rule(Row { texts, scores: [Some(80.0), None, None] }));
            expected.push(rule(Row { texts, ..Row::default() }));
            let database = table(all.into_iter());
            assert_eq!(decided(&database, &whole).unwrap(), expected, "{what}");
            let changed = decided(&database, &whole.replace(guard, without_it));
            noticed += usize::from(changed.map_or(true, |changed| changed != expected));
        }
        assert!(noticed > 0, "nothing notices that a guard is missing: {what}");
    }
}

#[test]
fn a_missing_column_is_an_error() {
    let policy = Policy::parse(builtin::VENDOR).unwrap();
    let database = table(std::iter::empty());
    let columns = Columns::default().column("sub_code", "subcode").keep("number");
    let sql = policy.sql(Dialect::Sqlite, &columns).unwrap();
    assert!(decided(&database, &sql).unwrap_err().to_string().contains("subcode"));
}

#[test]
fn rejects_a_policy_without_an_exact_form_in_sql() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let error = |dialect, columns: Columns| policy.sql(dialect, &columns).unwrap_err().to_string();
    let column = |name: &str| Columns::default().column("passed", name);
    for (dialect, columns, part) in [
        (Dialect::DuckDb, column(""), "is empty"),
        (Dialect::DuckDb, column("a\nb"), "control characters"),
        (Dialect::Postgres, column(&"x".repeat(64)), "more than 63 bytes"),
        (Dialect::ClickHouse, column("a`b"), "a backtick"),
        (Dialect::ClickHouse, column("a\\b"), "a backslash"),
        (Dialect::Spark, column("${x}"), "`${`"),
        (Dialect::MaxCompute, column("a b"), "only letters"),
        (Dialect::Sqlite, Columns::default().text("verify_score"), "an ulp off"),
        (Dialect::DuckDb, Columns::default().text("passed"), "`passed` is not a score"),
        (Dialect::DuckDb, Columns::default().text("verify"), "no input `verify`"),
        (Dialect::DuckDb, Columns::default().column("pased", "p"), "did you mean `passed`?"),
        (Dialect::DuckDb, column("a").column("passed", "b"), "two columns"),
        (Dialect::DuckDb, Columns::default().keep("Policy_id"), "is reserved"),
        (Dialect::DuckDb, Columns::default().keep("id").keep("ID"), "twice"),
        (Dialect::DuckDb, Columns::of("a..b"), "is empty"),
    ] {
        let message = error(dialect, columns);
        assert!(message.contains(part), "{part}: {message}");
    }
    let labels = TIGHT
        .replace("passed = {", "device_risk = { type = \"labels\", values = [\"emulator\"] }\npassed = {")
        .replace("when = { passed = \"invalid\" }", "when = { device_risk = [\"emulator\", \"unknown\"] }");
    let labels = Policy::parse(&labels).unwrap();
    let message = labels.sql(Dialect::DuckDb, &Columns::default()).unwrap_err().to_string();
    assert!(message.contains("`device_risk`, a list of labels"), "{message}");
    let quoted = Policy::parse(
        &TIGHT
            .replace("reason = \"match\"", "reason = \"it's\"")
            .replace("version = \"1\"", "version = '1\\'"),
    );
    let quoted = quoted.unwrap();
    for dialect in Dialect::ALL {
        let sql = quoted.sql(dialect, &Columns::default());
        match dialect {
            Dialect::Spark | Dialect::MaxCompute => {
                assert!(sql.unwrap_err().to_string().contains("settings"))
            }
            Dialect::Postgres => assert!(sql.unwrap().contains("E'1\\\\' AS policy_version")),
            Dialect::ClickHouse => assert!(sql.unwrap().contains("'1\\\\' AS policy_version")),
            _ => assert!(sql.unwrap().contains("'1\\' AS policy_version")),
        }
    }
}

#[test]
fn a_named_column_is_read_for_its_input_and_for_no_other() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let named = Columns::default().column("passed", "ok").column("sub_code", "inner");
    let query = policy.sql(Dialect::Sqlite, &named).unwrap();
    let of = |column: &str| format!("cloudauth_row.\"{column}\"");
    let [ok, inner, passed, sub_code] = ["ok", "inner", "passed", "sub_code"].map(of);
    assert!(!query.contains(&passed) && !query.contains(&sub_code), "{query}");
    let by_default = policy.sql(Dialect::Sqlite, &Columns::default()).unwrap();
    assert_eq!(query.replace(&ok, &passed).replace(&inner, &sub_code), by_default);
}

#[test]
fn names_are_quoted() {
    let policy = Policy::parse(builtin::VENDOR).unwrap();
    let columns = Columns::of("risk.Face \"x\"").column("passed", "Passed; DROP").keep("id");
    let sql = policy.sql(Dialect::DuckDb, &columns).unwrap();
    assert!(sql.contains("FROM \"risk\".\"Face \"\"x\"\"\" AS cloudauth_row"), "{sql}");
    assert!(sql.contains("cloudauth_row.\"Passed; DROP\" AS VARCHAR"), "{sql}");
    let sql = policy.sql(Dialect::Spark, &columns).unwrap();
    assert!(sql.contains("FROM `risk`.`Face \"x\"` AS cloudauth_row"), "{sql}");
    for dialect in Dialect::ALL {
        assert_eq!(dialect.as_str().parse(), Ok(dialect));
    }
    let error = "duck".parse::<Dialect>().unwrap_err().to_string();
    assert!(error.contains("did you mean `duckdb`?"), "{error}");
}

/// SQLite does not always read a decimal as the nearest double; the query uses exact parts.
#[test]
fn numbers_for_sqlite_are_exact() {
    let database = Connection::open_in_memory().unwrap();
    let mut dice = Dice(2);
    let odd =
        [5e-324, f64::MIN_POSITIVE, 1e-310, 1e300, f64::MAX / 2.0, 0.1, 99.999_999_999_999_99, 1e22, 640.0];
    let random = std::iter::repeat_with(|| (dice.roll() >> 11) as f64 / (1_u64 << 53) as f64 * 100.0);
    for number in odd.into_iter().chain(random.take(300)) {
        let text = format!("{number:?}");
        let most = if number > 100.0 { "1.7976931348623157e308" } else { "100.0" };
        let policy = TIGHT
            .replace("74.1", &text)
            .replace("100.0]", &format!("{most}]"))
            .replace(r#"verify_score = "invalid""#, r#"passed = "F", verify_score = "invalid""#);
        let sql = sql(&Policy::parse(&policy).unwrap());
        // The query writes `> x` for `>=` the next double, if that is shorter.
        let from = sql.split("policy_verify_score >").map(|part| part.split(" THEN").next().unwrap());
        let from = from.filter(|part| !part.contains("<=") && !part.contains("< ")).last().unwrap();
        let from = from.strip_prefix("= ").map_or((from, false), |from| (from, true));
        let read: f64 = database.query_row(&format!("SELECT {}", from.0), [], |row| row.get(0)).unwrap();
        let read = if from.1 { read } else { read.next_up() };
        assert_eq!(read, number, "{}", from.0);
    }
}

#[test]
fn generated_rows_cover_every_code_and_flag() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let score = [Some(80.0), Some(90.0), Some(0.1)];
    let codes = CODES.iter().flat_map(|code| FLAGS.iter().map(move |flag| (*code, *flag)));
    let rows: Vec<Row> = codes
        .flat_map(|(code, flag)| {
            [
                [Some(flag), Some("F"), Some("F")],
                [Some("T"), Some(flag), Some("F")],
                [Some("T"), Some("F"), Some(flag)],
            ]
            .map(|[one, two, three]| Row { texts: [None, Some(code), one, two, three], scores: score })
        })
        .collect();
    assert_eq!(mismatches(&policy, &rows, &sql(&policy)), 0);
}
