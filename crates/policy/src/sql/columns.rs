//! The table of a query, and the columns of the inputs.

use crate::document::{DeclaredInput, Kind};
use crate::evidence::input::Input;
use crate::sql::error::{SqlError, SqlProblem};
use crate::suggest::did_you_mean;

/// The table and its columns. Names are those of the warehouse, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub(super) table: String,
    named: Vec<(String, String)>,
    pub(super) texts: Vec<String>,
    pub(super) kept: Vec<String>,
}

/// The table `verifications`, with columns named like the inputs.
impl Default for Columns {
    fn default() -> Self {
        Self::of("verifications")
    }
}

impl Columns {
    /// Uses this table, with columns named like the inputs. A dot separates the schema from the table. For a subquery, put
    /// `WITH name AS (..)` before the query and pass its name.
    #[must_use]
    pub fn of(table: impl Into<String>) -> Self {
        Self { table: table.into(), named: Vec::new(), texts: Vec::new(), kept: Vec::new() }
    }

    /// Sets the column of an input.
    #[must_use]
    pub fn column(mut self, input: impl Into<String>, column: impl Into<String>) -> Self {
        self.named.push((input.into(), column.into()));
        self
    }

    /// Declares that the column of a score holds text. The text must be a JSON number without surrounding characters and with
    /// at most three exponent digits; any other text is invalid.
    #[must_use]
    pub fn text(mut self, input: impl Into<String>) -> Self {
        self.texts.push(input.into());
        self
    }

    /// Keeps a column in the result, such as the key of the row.
    #[must_use]
    pub fn keep(mut self, column: impl Into<String>) -> Self {
        self.kept.push(column.into());
        self
    }

    pub(super) fn of_input<'a>(&'a self, input: &'a str) -> &'a str {
        self.named.iter().find(|(name, _)| name == input).map_or(input, |(_, column)| column)
    }

    /// Rejects inputs that the policy does not declare, and ambiguous columns.
    pub(super) fn check(&self, inputs: &[DeclaredInput]) -> Result<(), SqlError> {
        let names = self.named.iter().map(|(input, _)| input);
        for (at, name) in names.clone().enumerate() {
            if names.clone().take(at).any(|other| other == name) {
                return Err(SqlProblem::TwoColumns(name.clone()).into_error());
            }
        }
        // The query always reads `passed`, for the SubCode of callbacks.
        for name in names.filter(|name| *name != Input::Passed.name()).chain(&self.texts) {
            if !inputs.iter().any(|input| input.name() == name) {
                let help = did_you_mean(name, inputs.iter().map(|input| input.name()));
                return Err(SqlProblem::NoInput(name.clone(), help).into_error());
            }
        }
        let is_score = |name: &String| {
            inputs.iter().any(|input| input.name() == name && matches!(input.kind, Kind::Score { .. }))
        };
        if let Some(name) = self.texts.iter().find(|name| !is_score(name)) {
            return Err(SqlProblem::NotAScore(name.clone()).into_error());
        }
        for (at, name) in self.kept.iter().enumerate() {
            if name.to_lowercase().starts_with("policy_") {
                return Err(SqlProblem::ReservedColumn(name.clone()).into_error());
            }
            let same = |other: &String| other.to_lowercase() == name.to_lowercase();
            if self.kept.iter().take(at).any(same) {
                return Err(SqlProblem::KeptTwice(name.clone()).into_error());
            }
        }
        Ok(())
    }
}
