//! The policy: reads, proves, decides, explains.

use std::fmt;

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

/// A policy that was proved over every possible input and compiled to a table. There is no policy without a proof.
#[derive(Clone)]
pub struct Policy(CompiledPolicy);

/// Shows what identifies the policy. Its codes and labels may be personal data in the wrong file.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(self.reference()).finish()
    }
}

impl Policy {
    /// Reads a policy file and proves it.
    ///
    /// # Errors
    /// If the check fails. The error has every problem, with its location.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::read(Problems::new(text), text)
    }

    /// Reads a policy file to explore it, for example with another value of a threshold. The checks are those of
    /// [`parse`](Self::parse), except that examples may fail; [`failing_examples`](Self::failing_examples) lists those.
    ///
    /// # Errors
    /// If another check fails. The error has every problem, with its location.
    pub fn parse_allowing_failing_examples(text: &str) -> Result<Self, PolicyError> {
        Self::read(Problems::new(text).allow_failing_examples(), text)
    }

    /// Returns the examples that fail. Only a policy from
    /// [`parse_allowing_failing_examples`](Self::parse_allowing_failing_examples) can have some.
    pub fn failing_examples(&self) -> impl Iterator<Item = &Problem> {
        self.0.warnings.iter().filter(|warning| warning.rule == "V9")
    }

    fn read(mut problems: Problems<'_>, text: &str) -> Result<Self, PolicyError> {
        let document = read::document(text, &mut problems);
        // A document with problems is not proved.
        let mut document = document.filter(|_| problems.is_empty());
        // The hash is of the file, whose names are masked in everything else.
        let content_hash = document.as_ref().map(hash::content).unwrap_or_default();
        if let Some(document) = &mut document {
            document.mask_names();
        }
        let table = document.as_ref().and_then(|document| Table::of(document, &mut problems));
        if let (Some(document), Some(table)) = (&document, &table) {
            check::check(document, table, &mut problems);
        }
        match (document, table) {
            (Some(document), Some(table)) if problems.is_empty() => {
                let reference = PolicyRef {
                    id: document.id.clone(),
                    version: document.version.clone(),
                    content_hash,
                    behaviour_hash: hash::behaviour(&document, &table),
                };
                let warnings = problems.take_warnings();
                Ok(Self(CompiledPolicy { reference, document, table, warnings }))
            }
            _ => Err(PolicyError::new(problems.into_problems())),
        }
    }

    /// Decides. Every input has a decision, and the checker has proved that no rule approves a missing, malformed or unknown
    /// value. Allocates nothing. Evidence can be filled in by hand, so the decision has no
    /// [`Approval`](crate::Approval): that needs a reply, see [`LivePolicy::decide_reply`](crate::LivePolicy::decide_reply).
    pub fn decide<'p>(&'p self, evidence: &Evidence<'_>) -> Decision<'p> {
        self.decision(self.0.rule_for(evidence))
    }

    pub(crate) const fn decision(&self, rule: usize) -> Decision<'_> {
        Decision::new(&self.0, rule)
    }

    /// Decides and explains: for each earlier rule the first failed condition with the value it read, and the nearest changes
    /// that lead to another verdict.
    #[must_use]
    pub fn explain(&self, evidence: &Evidence<'_>) -> Trace<'_> {
        Trace::of(&self.0, evidence)
    }

    /// Decides a batch of rows in coded columns, which have the order of [`inputs`](Self::inputs).
    ///
    /// # Errors
    /// If the columns do not match the policy's inputs, or have different lengths.
    pub fn batch<'p>(&'p self, columns: &'p [Column<'p>]) -> Result<Batch<'p>, BatchError> {
        Batch::new(&self.0, columns)
    }

    /// Returns the number of the rule that decides one row without labels, as a [`Batch`] of this row does: from the class of
    /// each code and flag, see [`class`](Self::class), and each score.
    ///
    /// ```
    /// use cloudauth_policy::{Evidence, Input, Policy, builtin};
    ///
    /// let policy = Policy::parse(builtin::ONBOARDING)?;
    /// let missing = |input| policy.class(input, None).unwrap_or_default();
    /// assert_eq!(policy.rule_of_row(missing, |_| None), policy.decide(&Evidence::default()).rule_number());
    /// # Ok::<(), cloudauth_policy::PolicyError>(())
    /// ```
    #[inline]
    pub fn rule_of_row(&self, class: impl Fn(Input) -> u8, score: impl Fn(Input) -> Option<f64>) -> usize {
        self.0.rule_of_row(class, score)
    }

    /// Returns the identity of the policy.
    #[must_use]
    pub const fn reference(&self) -> &PolicyRef {
        &self.0.reference
    }

    /// Returns the file's metadata: its owner, the change note, the effective date.
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

    /// Returns what the checker covered.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        self.0.report()
    }

    /// Returns the values that rules and assertions compare with scores, ascending within each input, without duplicates. It
    /// leaves out comparisons that hold for the whole range of a score, or for no part of it.
    #[must_use]
    pub fn cuts(&self) -> Vec<Cut<'_>> {
        self.0.cuts()
    }

    /// Returns the valid range of a score; `None` if the policy does not declare the input, or if it is not a score.
    #[must_use]
    pub fn range(&self, input: Input) -> Option<(f64, f64)> {
        self.0.range(input)
    }

    /// Returns the class of a code or a flag, for a [`Column`]; `None` if the policy does not declare the input, or if it is a
    /// score.
    #[must_use]
    pub fn class(&self, input: Input, value: Option<&str>) -> Option<u8> {
        self.0.class(input, value)
    }

    /// Returns the declared inputs, in the order of the columns of a [`Batch`].
    pub fn inputs(&self) -> impl Iterator<Item = Input> + '_ {
        self.0.document.inputs.iter().map(|input| input.name)
    }

    /// Returns an SQL query that decides each row of a table as [`Policy::decide`] does.
    ///
    /// The result has the kept columns, then `policy_rule` (the number of the rule that decides, as in
    /// [`Batch::rules`](crate::Batch::rules)), `policy_rule_id`, `policy_verdict` and `policy_reason`. The columns `policy_id`,
    /// `policy_version` and `policy_content` are the same in each row.
    ///
    /// A score is a column of numbers, or of text with [`Columns::text`]. Codes and flags are text. NULL and an empty code are
    /// missing. The query does not trim values or fold case. It reads the column of `passed` even if the policy does not
    /// declare that input, because a callback has its SubCode there.
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
    /// If the policy uses labels, if the dialect cannot quote a name or a text, or if the columns name an input that the
    /// policy does not declare.
    pub fn sql(&self, dialect: Dialect, columns: &Columns) -> Result<String, SqlError> {
        query::query(&self.0, dialect, columns)
    }
}

/// Compares two policies over every input.
///
/// # Errors
/// If the two policies together make too many cells.
pub fn diff(before: &Policy, after: &Policy) -> Result<Difference, TooLarge> {
    diff::diff(&before.0, &after.0)
}
