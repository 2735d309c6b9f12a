//! Builds the query layer by layer.

use crate::document::{Condition, DeclaredInput, Document, Kind, Test};
use crate::evidence::input::Input;
use crate::proof::compiled::CompiledPolicy;
use crate::sql::columns::Columns;
use crate::sql::dialect::Dialect;
use crate::sql::error::{SqlError, SqlProblem};

/// Returns the query; see [`Policy::sql`](crate::Policy::sql).
pub(crate) fn query(
    policy: &CompiledPolicy,
    dialect: Dialect,
    columns: &Columns,
) -> Result<String, SqlError> {
    let document = &policy.document;
    columns.check(&document.inputs)?;
    let kept = |of: &str| -> Result<Vec<String>, SqlError> {
        let one = |name: &String| dialect.name(name).map(|name| format!("{of}.{name} AS {name}"));
        columns.kept.iter().map(one).collect()
    };

    let mut read = kept("cloudauth_row")?;
    // A callback has its SubCode in `passed`, even if the policy does not declare that input.
    let passed = dialect.exact_text(&column(dialect, columns, Input::Passed)?);
    for input in &document.inputs {
        read.push(reading(dialect, columns, input, &passed)?);
    }
    let mut ruled = kept("cloudauth_read")?;
    ruled.push(format!("{} AS policy_rule", rules(dialect, document)?));
    let mut said = kept("cloudauth_ruled")?;
    said.push("cloudauth_ruled.policy_rule AS policy_rule".to_owned());
    let by_rule = |what: &dyn Fn(usize) -> String| by_rule(dialect, document, what);
    let (id, verdict) = (
        by_rule(&|rule| document.rule_id(rule).to_owned())?,
        by_rule(&|rule| document.outcome(rule).verdict.to_string())?,
    );
    said.push(format!("{id} AS policy_rule_id"));
    said.push(format!("{verdict} AS policy_verdict"));
    said.push(format!("{} AS policy_reason", by_rule(&|rule| document.outcome(rule).reason.clone())?));
    let reference = &policy.reference;
    for (text, name) in [
        (&reference.id, "policy_id"),
        (&reference.version, "policy_version"),
        (&reference.content_hash, "policy_content"),
    ] {
        said.push(format!("{} AS {name}", dialect.text(text)?));
    }

    let table = columns.table.split('.').map(|part| dialect.name(part)).collect::<Result<Vec<_>, _>>()?;
    let read = select(&read, &format!("{} AS cloudauth_row", table.join(".")));
    let ruled = select(&ruled, &format!("({}\n) AS cloudauth_read", deeper(&read)));
    Ok(select(&said, &format!("({}\n) AS cloudauth_ruled", deeper(&ruled))))
}

fn select(columns: &[String], from: &str) -> String {
    let columns: Vec<String> = columns.iter().map(|column| format!("  {column}")).collect();
    format!("SELECT\n{}\nFROM {from}", columns.join(",\n"))
}

fn deeper(sql: &str) -> String {
    sql.lines().fold(String::new(), |text, line| text + "\n  " + line)
}

fn column(dialect: Dialect, columns: &Columns, input: Input) -> Result<String, SqlError> {
    Ok(format!("cloudauth_row.{}", dialect.name(columns.of_input(input.name()))?))
}

/// Returns a column of the innermost layer: the value in the words of the policy file. `passed` is the expression of that
/// column, where a callback has its SubCode.
fn reading(
    dialect: Dialect,
    columns: &Columns,
    input: &DeclaredInput,
    passed: &str,
) -> Result<String, SqlError> {
    let name = input.name();
    let column = column(dialect, columns, input.name)?;
    let texts = |values: &[&str]| -> Result<String, SqlError> {
        let texts = values.iter().map(|value| dialect.text(value));
        Ok(texts.collect::<Result<Vec<_>, _>>()?.join(", "))
    };
    let exact = dialect.exact_text(&column);
    let read = match &input.kind {
        Kind::Code(values) => {
            let values = texts(&values.iter().map(String::as_str).collect::<Vec<_>>())?;
            let (with_zeros, code) = dialect.code_with_zeros(&exact);
            let mut words = format!(
                "CASE WHEN {exact} IN ({values}) THEN {exact} WHEN {with_zeros} AND {code} IN ({values}) THEN {code} WHEN {exact} IS NOT NULL AND {exact} NOT IN ('', 'null') THEN 'unknown'"
            );
            if input.name == Input::SubCode {
                let is_code = dialect.is_sub_code_in_passed(passed);
                let (with_zeros, code) = dialect.code_with_zeros(passed);
                words += &format!(
                    " WHEN {is_code} THEN CASE WHEN {passed} IN ({values}) THEN {passed} WHEN {with_zeros} AND {code} IN ({values}) THEN {code} ELSE 'unknown' END"
                );
            }
            words + " ELSE 'missing' END"
        }
        Kind::Flag => format!("CASE WHEN {exact} IN ('T', 'F') THEN {exact} ELSE 'invalid' END"),
        Kind::Score { .. } if columns.texts.iter().any(|text| text == name) => {
            dialect.score_of_text(name, &column)?
        }
        Kind::Score { .. } => dialect.score(name, &column),
        Kind::Labels(_) => {
            return Err(SqlProblem::Labels(name.to_string()).into_error());
        }
    };
    Ok(format!("{read} AS policy_{name}"))
}

/// Returns the middle layer: the rules in the order of the file.
fn rules(dialect: Dialect, document: &Document) -> Result<String, SqlError> {
    let mut lines = vec!["CASE".to_owned()];
    for (number, rule) in document.rules.iter().enumerate() {
        let mut all = Vec::new();
        for condition in &rule.when {
            all.push(holds(dialect, document, condition)?);
        }
        let when = if all.is_empty() { "1 = 1".to_owned() } else { all.join(" AND ") };
        lines.push(format!("    WHEN {when} THEN {number}"));
    }
    lines.push(format!("    ELSE {}", document.rules.len()));
    lines.push("  END".to_owned());
    Ok(lines.join("\n"))
}

/// Returns a condition. It may be NULL instead of false, which is safe because no condition is negated.
fn holds(dialect: Dialect, document: &Document, condition: &Condition) -> Result<String, SqlError> {
    let lost = || SqlProblem::LostInput.into_error();
    let input = document.inputs.get(condition.input).ok_or_else(lost)?;
    let column = format!("cloudauth_read.policy_{}", input.name());
    match (&condition.test, &input.kind) {
        (Test::Classes(classes), kind) => {
            let known: Vec<&str> = match kind {
                Kind::Code(values) => {
                    values.iter().map(String::as_str).chain(["unknown", "missing"]).collect()
                }
                _ => vec!["T", "F", "invalid"],
            };
            let words = classes.iter().map(|class| dialect.text(known.get(*class).ok_or_else(lost)?));
            let words = words.collect::<Result<Vec<_>, _>>()?;
            Ok(match words.as_slice() {
                [one] => format!("{column} = {one}"),
                several => format!("{column} IN ({})", several.join(", ")),
            })
        }
        (test, Kind::Score { least, most }) => {
            let number = |number: f64| dialect.number(number);
            let range = format!("{column} >= {} AND {column} <= {}", number(*least), number(*most));
            match test {
                Test::Invalid => Ok(format!("CASE WHEN {range} THEN 0 ELSE 1 END = 1")),
                Test::Between { from: Some(from), .. } if from > most => Ok("1 = 0".to_owned()),
                Test::Between { from, below } => {
                    let mut all = format!("({range})");
                    // A bound at the end of the range, or beyond it, has no effect.
                    if let Some(from) = from.filter(|from| from > least) {
                        let (operator, bound) = shorter(from, ">=", ">");
                        all += &format!(" AND {column} {operator} {}", number(bound));
                    }
                    if let Some(below) = below.filter(|below| below <= most) {
                        let (operator, bound) = shorter(below, "<", "<=");
                        all += &format!(" AND {column} {operator} {}", number(bound));
                    }
                    Ok(all)
                }
                _ => Err(lost()),
            }
        }
        _ => Err(lost()),
    }
}

/// Returns the bound with its operator, or the previous double with the other operator, whichever needs fewer digits: `> 70`
/// means `>= 70.00000000000001`.
fn shorter<'a>(bound: f64, operator: &'a str, other: &'a str) -> (&'a str, f64) {
    let before = bound.next_down();
    let length = |number: f64| format!("{number:?}").len();
    if length(before) < length(bound) { (other, before) } else { (operator, bound) }
}

/// Returns an expression with a text for each rule; `otherwise`, which never approves, is the ELSE branch. The expression names
/// the number once, because some engines compute a subquery's column again at every use.
fn by_rule(
    dialect: Dialect,
    document: &Document,
    what: &dyn Fn(usize) -> String,
) -> Result<String, SqlError> {
    let mut text = "CASE cloudauth_ruled.policy_rule".to_owned();
    for rule in 0..document.rules.len() {
        text += &format!("\n    WHEN {rule} THEN {}", dialect.text(&what(rule))?);
    }
    Ok(text + &format!("\n    ELSE {}\n  END", dialect.text(&what(document.rules.len()))?))
}
