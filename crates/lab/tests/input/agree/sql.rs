//! The SQL of a policy, in SQLite, decides by the same rule as the reader of evidence.

use std::collections::BTreeMap;

use cloudauth_policy::{Columns, Dialect, FlatEvidence, Input, InputKind, Policy};
use regex::Regex;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, types::Value as Sql};

use super::{Case, by_decide, made, policies};

/// A policy that does not declare `passed`, in which a callback has its SubCode.
const CODES_ALONE: &str = r#"
format = 1
policy = { id = "codes-alone", version = "1", otherwise = { decision = "review", reason = "otherwise" } }
inputs.sub_code = { type = "code", values = ["200", "201", "202", "203", "204", "205", "206", "210"] }
[[rule]]
id = "good"
when = { sub_code = ["200", "201", "202", "203", "210"] }
then = { decision = "review", reason = "good" }
[[rule]]
id = "204"
when = { sub_code = "204" }
then = { decision = "review", reason = "mismatch" }
[[rule]]
id = "risk"
when = { sub_code = ["205", "206"] }
then = { decision = "reject", reason = "risk" }
[[rule]]
id = "odd"
when = { sub_code = ["unknown", "missing"] }
then = { decision = "retry", reason = "odd" }
"#;

#[test]
fn the_query_decides_by_the_same_rule() {
    let (all, _) = made();
    let database = Connection::open_in_memory().unwrap();
    let names = Input::ALL.map(|input| format!("{input} COLLATE NOCASE")).join(", ");
    database.execute_batch(&format!("CREATE TABLE log (number INTEGER, {names}); BEGIN")).unwrap();
    let mut insert = database.prepare("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").unwrap();
    let all: Vec<&Case> = all.iter().filter(|case| case.twice.is_none()).collect();
    for (number, case) in all.iter().enumerate() {
        let line = case.flat();
        let flat = FlatEvidence::parse(&line).unwrap();
        let mut row = vec![Sql::from(number as i64)];
        row.extend(Input::ALL.map(|input| {
            let written = case.values[input as usize].unwrap_or("null");
            match input.kind() {
                // SQLite refuses scores in text columns.
                InputKind::Score => flat.value(input).score().0.map_or(Sql::Null, Sql::from),
                _ if written == "null" => Sql::Null,
                // A column of numbers.
                _ if !written.starts_with('"')
                    && written.parse::<f64>().is_ok_and(|number| number < 1e15) =>
                {
                    written
                        .parse::<i64>()
                        .map_or_else(|_| Sql::from(written.parse::<f64>().unwrap()), Sql::from)
                }
                _ => Sql::from(case.column(input)),
            }
        }));
        insert.execute(rusqlite::params_from_iter(row)).unwrap();
    }
    drop(insert);
    let [worked, _] = policies();
    for policy in [worked, Policy::parse(CODES_ALONE).unwrap()] {
        let sql = policy.sql(Dialect::Sqlite, &Columns::of("log").keep("number")).unwrap();
        for (case, rule) in all.iter().zip(asked(&database, &sql, all.len())) {
            // SQLite compares a number by its value, not by its spelling.
            let line = case.flat().replace(":2e2,", ":200,");
            assert_eq!(by_decide(&policy, &line, &mut BTreeMap::new()), Some(rule), "{line}");
        }
    }
}

/// The rule that decides each row in a query.
fn asked(database: &Connection, sql: &str, count: usize) -> Vec<String> {
    let mut query = database.prepare(&format!("SELECT policy_rule_id FROM ({sql}) ORDER BY number")).unwrap();
    let rules: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(rules.len(), count);
    rules
}

/// All columns are texts, as with `policy sql --text`. SQLite's own dialect refuses scores in texts; here SQLite replaces
/// DataFusion, which uses the regular expressions of the crate `regex`.
#[test]
fn the_query_over_texts_decides_by_the_same_rule() {
    let (all, _) = made();
    let all: Vec<&Case> = all.iter().filter(|case| case.twice.is_none()).collect();
    let database = Connection::open_in_memory().unwrap();
    let pattern =
        |context: &Context<'_>| context.get_or_create_aux(1, |text| Regex::new(text.as_str().unwrap()));
    let text = |context: &Context<'_>| context.get::<Option<String>>(0);
    let flags = FunctionFlags::SQLITE_DETERMINISTIC;
    let is_like = database.create_scalar_function("regexp_like", 2, flags, move |context| {
        let pattern = pattern(context)?;
        Ok(text(context)?.map(|text| pattern.is_match(&text)))
    });
    let replace = database.create_scalar_function("regexp_replace", 3, flags, move |context| {
        let (pattern, new) = (pattern(context)?, context.get::<String>(2)?);
        Ok(text(context)?.map(|text| pattern.replace(&text, new).into_owned()))
    });
    is_like.and(replace).unwrap();
    let names = Input::ALL.map(|input| format!("{input} TEXT")).join(", ");
    database.execute_batch(&format!("CREATE TABLE log (number INTEGER, {names}); BEGIN")).unwrap();
    let mut insert = database.prepare("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").unwrap();
    for (number, case) in all.iter().enumerate() {
        let texts = Input::ALL.map(|input| Some(case.column(input)).filter(|text| !text.is_empty()));
        let texts = texts.map(|text| text.map_or(Sql::Null, Sql::from));
        let row = [Sql::from(number as i64)].into_iter().chain(texts);
        insert.execute(rusqlite::params_from_iter(row)).unwrap();
    }
    let [worked, _] = policies();
    for policy in [worked, Policy::parse(CODES_ALONE).unwrap()] {
        let mut columns = Columns::of("log").keep("number");
        for input in policy.inputs().filter(|input| input.kind() == InputKind::Score) {
            columns = columns.text(input.name());
        }
        let sql = policy.sql(Dialect::DataFusion, &columns).unwrap().replace("TRY_CAST(", "CAST(");
        for (case, rule) in all.iter().zip(asked(&database, &sql, all.len())) {
            let line = case.flat();
            assert_eq!(by_decide(&policy, &line, &mut BTreeMap::new()), Some(rule), "{line}");
        }
    }
}
