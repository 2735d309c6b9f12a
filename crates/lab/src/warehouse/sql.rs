//! The query that counts what a run would count. The rows stay in the warehouse; [`Lab::finish`] reads the counts.
//!
//! Each layer is a common table expression. `cloudauth_lab_raw` takes each column of the mapping once: non-empty strings, and
//! scores as doubles. `cloudauth_lab_read` converts them as the lab reads a row: inputs, label, kind of attack, day, segments.
//! `cloudauth_lab_said` applies the policies, by [`cloudauth_policy::Policy::sql`]. The final `SELECT` counts one part after
//! the other, because each part has few groups and their combination has as many groups as rows.

mod day;
mod engine;
mod parts;
mod rows;

use cloudauth_policy::{Columns, Dialect, Input, Policy};

use crate::error::{LabError, LabProblem};
use crate::input::mapping::{Mapping, Shape};
use crate::run::Lab;
use crate::tally::Scales;
use engine::{deeper, named, no_sql};
use rows::SqlRows;

impl Lab<'_> {
    /// Returns a query for one table of a warehouse that counts what [`Lab::run`] would count. Pass its result to
    /// [`Lab::finish`], as CSV or JSON Lines. A dot in the table's name separates schema and table.
    ///
    /// The mapping names columns of the table. Codes, flags, labels, kinds of attack and segments are strings, integers or
    /// booleans; scores are numbers; the time is a date, a timestamp, or a string that begins with a date.
    /// The query needs SQLite 3.35 or newer where the dialect is SQLite.
    ///
    /// ```
    /// use cloudauth_lab::{Lab, Mapping};
    /// use cloudauth_policy::{Dialect, Policy, builtin};
    ///
    /// let policy = Policy::parse(builtin::ONBOARDING)?;
    /// let mapping = Mapping::parse("format = 1\ntime = \"day\"\nsegments = [\"channel\"]")?;
    /// let sql = Lab::new(&policy).mapping(mapping).sql(Dialect::DuckDb, "risk.verifications")?;
    /// assert!(sql.contains("FROM \"risk\".\"verifications\" AS cloudauth_row"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the mapping or a policy has no exact form in the dialect; the error names it. Examples: raw responses, paths into
    /// documents, lists of labels, names and strings that cannot be quoted safely.
    pub fn sql(&self, dialect: Dialect, table: &str) -> Result<String, LabError> {
        let Some(mapping) = &self.mapping else {
            return Err(LabProblem::SqlNeedsMapping.into_error());
        };
        if mapping.shape == Shape::Reply {
            return Err(LabProblem::SqlOfReplies.into_error());
        }
        let rows = SqlRows::of(dialect, mapping, &|input| {
            [Some(self.policy), self.candidate]
                .into_iter()
                .flatten()
                .any(|policy| policy.inputs().any(|other| other == input))
        })?;
        let table = table.split('.').map(|part| dialect.name(part)).collect::<Result<Vec<_>, _>>();
        let table = table.map_err(no_sql)?.join(".");
        let mut raw = select(&rows.raw, &format!("{table} AS cloudauth_row"));
        if mapping.time.is_some() {
            raw = day::with_day(dialect, &raw, mapping.timezone.minutes());
        }
        let mut layers = vec![
            named(dialect, "raw", &raw),
            named(dialect, "read", &select(&rows.read, "cloudauth_lab_raw")),
            named(dialect, "first", &decided(dialect, self.policy, &rows, "cloudauth_lab_read", &[])?),
        ];
        let mut said = rows.kept("cloudauth_lab_first");
        said.push("cloudauth_lab_first.policy_rule AS lab_rule".to_owned());
        said.push("cloudauth_lab_first.policy_verdict AS lab_verdict".to_owned());
        let Some(candidate) = self.candidate else {
            layers.push(named(dialect, "said", &select(&said, "cloudauth_lab_first")));
            return self.counted(dialect, mapping, &rows, &layers);
        };
        layers.push(named(dialect, "by_first", &select(&said, "cloudauth_lab_first")));
        let second =
            decided(dialect, candidate, &rows, "cloudauth_lab_by_first", &["lab_rule", "lab_verdict"])?;
        layers.push(named(dialect, "second", &second));
        let mut said = rows.kept("cloudauth_lab_second");
        said.extend(["lab_rule", "lab_verdict"].map(|name| format!("cloudauth_lab_second.{name} AS {name}")));
        said.push("cloudauth_lab_second.policy_rule AS lab_candidate_rule".to_owned());
        said.push("cloudauth_lab_second.policy_verdict AS lab_candidate_verdict".to_owned());
        layers.push(named(dialect, "said", &select(&said, "cloudauth_lab_second")));
        self.counted(dialect, mapping, &rows, &layers)
    }

    fn counted(
        &self,
        dialect: Dialect,
        mapping: &Mapping,
        rows: &SqlRows,
        layers: &[String],
    ) -> Result<String, LabError> {
        let parts =
            parts::all(dialect, self.policy, self.candidate, mapping, rows, &Scales::of(self.policy)?);
        let parts = parts.map_err(no_sql)?;
        Ok(format!("WITH\n{}\n{}", layers.join(",\n"), parts.join("\nUNION ALL\n")))
    }
}

/// Returns the decision columns of a policy on a layer.
fn decided(
    dialect: Dialect,
    policy: &Policy,
    rows: &SqlRows,
    from: &str,
    more: &[&str],
) -> Result<String, LabError> {
    let mut columns = Columns::of(from);
    let callback = Some(Input::Passed).filter(|passed| policy.inputs().all(|input| input != *passed));
    for input in policy.inputs().chain(callback) {
        columns = columns.column(input.name(), format!("lab_{input}"));
    }
    for name in rows.names().chain(more.iter().copied()) {
        columns = columns.keep(name);
    }
    policy.sql(dialect, &columns).map_err(no_sql)
}

fn select(columns: &[String], from: &str) -> String {
    format!("SELECT{}\nFROM {from}", deeper(&columns.join(",\n")))
}
