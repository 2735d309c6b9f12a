//! `cloudauth policy sql`: prints a policy as SQL.

use cloudauth::policy::Columns;
use serde_json::json;

use super::load::load;
use crate::args::Sql;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(args: &Sql, output: &Output) -> Result<u8, Failure> {
    let policy = load(&args.file)?;
    let mut columns = Columns::of(&args.table);
    for (input, column) in &args.columns {
        columns = columns.column(input.name(), column);
    }
    for input in &args.texts {
        columns = columns.text(input.name());
    }
    for column in &args.kept {
        columns = columns.keep(column);
    }
    let sql = policy.sql(args.dialect, &columns).map_err(Failure::usage)?;
    let reference = policy.reference();
    // The numbers of the rules in `policy_rule`.
    let report = policy.report();
    let rules = report.rules.iter().enumerate().map(
        |(number, rule)| json!({ "number": number, "rule": rule.rule, "decision": rule.verdict.as_str() }),
    );
    let document = json!({
        "dialect": args.dialect.as_str(),
        "sql": sql,
        "id": reference.id,
        "version": reference.version,
        "content": reference.content_hash,
        "rules": rules.collect::<Vec<_>>(),
    });
    output.print_file(&sql, &document);
    Ok(0)
}
