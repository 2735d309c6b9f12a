//! A policy that was proved, and what it decides.

use crate::decide::batch::{Batch, BatchError, Column};
use crate::decide::decision::Decision;
use crate::decide::trace::Trace;
use crate::document::problem::{PolicyError, Problem, Problems};
use crate::document::read;
use crate::evidence::Evidence;
use crate::evidence::input::Input;
use crate::proof::compiled::{CompiledPolicy, PolicyRef};
use crate::proof::cuts::Cut;
use crate::proof::diff::{self, Difference, TooLarge};
use crate::proof::report::{About, Report};
use crate::proof::table::Table;
use crate::proof::{check, hash};
use crate::sql::columns::Columns;
use crate::sql::dialect::Dialect;
use crate::sql::error::SqlError;
use crate::sql::query;

/// A policy: read, proved over every possible input, and compiled to a table. One that is not proved is not made.
#[derive(Clone, Debug)]
pub struct Policy(CompiledPolicy);

impl Policy {
    /// Reads a policy file and proves it.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::read(Problems::new(text), text)
    }

    /// Reads a policy file to explore it, such as another value of a threshold: everything is proved as by
    /// [`parse`](Self::parse), except that examples may fail. [`failing_examples`](Self::failing_examples) lists those.
    ///
    /// # Errors
    /// All other problems, each with its place.
    pub fn parse_allowing_failing_examples(text: &str) -> Result<Self, PolicyError> {
        Self::read(Problems::new(text).allow_failing_examples(), text)
    }

    /// The examples that fail. Only [`parse_allowing_failing_examples`](Self::parse_allowing_failing_examples) gives such a
    /// policy.
    pub fn failing_examples(&self) -> impl Iterator<Item = &Problem> {
        self.0.warnings.iter().filter(|warning| warning.rule == "V9")
    }

    fn read(mut problems: Problems<'_>, text: &str) -> Result<Self, PolicyError> {
        let document = read::document(text, &mut problems);
        // What was not read as it was meant is not worth proving.
        let document = document.filter(|_| problems.is_empty());
        let table = document.as_ref().and_then(|document| Table::of(document, &mut problems));
        if let (Some(document), Some(table)) = (&document, &table) {
            check::check(document, table, &mut problems);
        }
        match (document, table) {
            (Some(document), Some(table)) if problems.is_empty() => {
                let reference = PolicyRef {
                    id: document.id.clone(),
                    version: document.version.clone(),
                    content_hash: hash::content(&document),
                    behaviour_hash: hash::behaviour(&document, &table),
                };
                let warnings = problems.take_warnings();
                Ok(Self(CompiledPolicy { reference, document, table, warnings }))
            }
            _ => Err(PolicyError::new(problems.into_problems())),
        }
    }

    /// Decides. There is a decision for everything: what is missing, malformed or unknown is never an approval by
    /// accident, which is proved. No allocation. Evidence can be filled in by hand, so the decision has no
    /// [`Approval`](crate::Approval): that takes a reply, see [`LivePolicy::decide_reply`](crate::LivePolicy::decide_reply).
    pub fn decide<'p>(&'p self, evidence: &Evidence<'_>) -> Decision<'p> {
        self.decision(self.0.rule_for(evidence))
    }

    pub(crate) const fn decision(&self, rule: usize) -> Decision<'_> {
        Decision::new(&self.0, rule)
    }

    /// Decides and tells why: for each rule the first condition that failed and the value that it read, and the nearest
    /// change that would decide otherwise.
    #[must_use]
    pub fn explain(&self, evidence: &Evidence<'_>) -> Trace<'_> {
        Trace::of(&self.0, evidence)
    }

    /// Decides many at once, over coded columns.
    ///
    /// # Errors
    /// If the columns are not those of the policy's inputs, or not of one length.
    pub fn batch<'p>(&'p self, columns: &'p [Column<'p>]) -> Result<Batch<'p>, BatchError> {
        Batch::new(&self.0, columns)
    }

    /// Which policy this is.
    #[must_use]
    pub const fn reference(&self) -> &PolicyRef {
        &self.0.reference
    }

    /// Who is responsible for it, what changed, and since when it holds, where the file says so.
    #[must_use]
    pub fn about(&self) -> About<'_> {
        About {
            owner: self.0.document.owner.as_deref(),
            description: self.0.document.description.as_deref(),
            change_note: self.0.document.change_note.as_deref(),
            effective: self.0.document.effective.as_deref(),
            supersedes: self.0.document.supersedes.as_deref(),
        }
    }

    /// What the checker has looked at.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        self.0.report()
    }

    /// The values that rules and promises compare with scores, ascending within each input, each once. Comparisons that hold
    /// for the whole range of a score, or nowhere in it, are left out.
    #[must_use]
    pub fn cuts(&self) -> Vec<Cut<'_>> {
        self.0.cuts()
    }

    /// The range in which a score is valid; `None` if the policy does not declare the input, or if it is not a score.
    #[must_use]
    pub fn range(&self, input: Input) -> Option<(f64, f64)> {
        self.0.range(input)
    }

    /// The class of a code or a flag, for a [`Column`]; `None` if the input is not one of the policy's, or is a score.
    #[must_use]
    pub fn class(&self, input: Input, value: Option<&str>) -> Option<u8> {
        self.0.class(input, value)
    }

    /// The inputs that the policy declares, in the order in which columns are given.
    pub fn inputs(&self) -> impl Iterator<Item = Input> + '_ {
        self.0.document.inputs.iter().map(|input| input.name)
    }

    /// One query that decides each row of a table as [`Policy::decide`] would.
    ///
    /// It gives the columns that are kept, then `policy_rule` (the number of the rule that decides, as in
    /// [`Batch::rules`](crate::Batch::rules): the one after the last is `otherwise`), `policy_rule_id`, `policy_verdict`,
    /// `policy_reason`, and the same in each row, `policy_id`, `policy_version` and `policy_content`.
    ///
    /// A score is a column of numbers, or one of texts where [`Columns::text`] says so; codes and flags are texts.
    /// NULL is missing, and so is an empty code. Nothing is trimmed, and no case is folded. The query reads the column of
    /// `passed` even if the policy does not declare that input: a callback has its SubCode there.
    ///
    /// ```
    /// use cloudauth_policy::{Columns, Dialect, Policy, builtin};
    ///
    /// let policy = Policy::parse(builtin::ONBOARDING)?;
    /// let columns = Columns::of("risk.verifications").column("verify_score", "score").keep("certify_id");
    /// let sql = policy.sql(Dialect::DuckDb, &columns)?;
    /// assert!(sql.starts_with("SELECT\n  cloudauth_ruled.\"certify_id\""));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the policy looks at labels, if a name or a text cannot be quoted in the dialect, or if the columns speak of
    /// what the policy does not have.
    pub fn sql(&self, dialect: Dialect, columns: &Columns) -> Result<String, SqlError> {
        query::query(&self.0, dialect, columns)
    }
}

/// Compares two policies over every input.
///
/// # Errors
/// If they make too many cells together.
pub fn diff(before: &Policy, after: &Policy) -> Result<Difference, TooLarge> {
    diff::diff(&before.0, &after.0)
}
