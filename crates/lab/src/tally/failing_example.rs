//! An example of a policy that fails, in an exploratory run.

use cloudauth_policy::{Policy, ProblemKind};

/// An example that fails, and the name of its policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FailingExample {
    /// The id and the version of the policy.
    pub(crate) policy: String,
    /// What the example expects, and what the policy decides.
    pub(crate) problem: ProblemKind,
}

impl FailingExample {
    pub(crate) fn all_of(policy: &Policy) -> Vec<Self> {
        let named = format!("{} {}", policy.reference().id, policy.reference().version);
        let of_problem = |problem: &ProblemKind| Self { policy: named.clone(), problem: problem.clone() };
        policy.failing_examples().map(|problem| of_problem(&problem.kind)).collect()
    }
}
