//! Where the rows lie: the table, and which of its columns is which input.

use crate::document::{DeclaredInput, Kind};
use crate::evidence::input::Input;
use crate::sql::error::SqlError;
use crate::suggest::did_you_mean;

/// Where the rows lie. Names are as the warehouse has them, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub(super) table: String,
    named: Vec<(String, String)>,
    pub(super) texts: Vec<String>,
    pub(super) kept: Vec<String>,
}

/// The table `verifications`, whose columns have the names of the inputs.
impl Default for Columns {
    fn default() -> Self {
        Self::of("verifications")
    }
}

impl Columns {
    /// Of this table, whose columns have the names of the inputs. A point divides a schema from a table. For a subquery put
    /// `WITH name AS (..)` before the query, and give its name.
    #[must_use]
    pub fn of(table: impl Into<String>) -> Self {
        Self { table: table.into(), named: Vec::new(), texts: Vec::new(), kept: Vec::new() }
    }

    /// An input lies in a column of another name.
    #[must_use]
    pub fn column(mut self, input: impl Into<String>, column: impl Into<String>) -> Self {
        self.named.push((input.into(), column.into()));
        self
    }

    /// A score lies in a column of texts. A text is a number if it is one as JSON writes them, with nothing around it and at
    /// most three digits of exponent; everything else is invalid.
    #[must_use]
    pub fn text(mut self, input: impl Into<String>) -> Self {
        self.texts.push(input.into());
        self
    }

    /// A column that comes out beside the decision, such as the row's key.
    #[must_use]
    pub fn keep(mut self, column: impl Into<String>) -> Self {
        self.kept.push(column.into());
        self
    }

    pub(super) fn of_input<'a>(&'a self, input: &'a str) -> &'a str {
        self.named.iter().find(|(name, _)| name == input).map_or(input, |(_, column)| column)
    }

    /// Refuses what the policy does not have, and what could be taken for something else.
    pub(super) fn check(&self, inputs: &[DeclaredInput]) -> Result<(), SqlError> {
        let names = self.named.iter().map(|(input, _)| input);
        for (at, name) in names.clone().enumerate() {
            if names.clone().take(at).any(|other| other == name) {
                return Err(SqlError::new(format!("the input `{name}` has two columns")));
            }
        }
        // The query reads it for the SubCode of callbacks.
        for name in names.filter(|name| *name != Input::Passed.name()).chain(&self.texts) {
            if !inputs.iter().any(|input| input.name() == name) {
                let help = did_you_mean(name, inputs.iter().map(|input| input.name()));
                return Err(SqlError::new(format!("the policy has no input `{name}`; {help}")));
            }
        }
        let is_score = |name: &String| {
            inputs.iter().any(|input| input.name() == name && matches!(input.kind, Kind::Score { .. }))
        };
        if let Some(name) = self.texts.iter().find(|name| !is_score(name)) {
            return Err(SqlError::new(format!("`{name}` is not a score; text applies to scores only")));
        }
        for (at, name) in self.kept.iter().enumerate() {
            if name.to_lowercase().starts_with("policy_") {
                return Err(SqlError::new(format!(
                    "the column `{name}` cannot be kept: names that begin with `policy_` are the query's own"
                )));
            }
            let same = |other: &String| other.to_lowercase() == name.to_lowercase();
            if self.kept.iter().take(at).any(same) {
                return Err(SqlError::new(format!("the column `{name}` is kept twice")));
            }
        }
        Ok(())
    }
}
