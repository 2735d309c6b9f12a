//! The name of the policy of a run.

use serde::Serialize;

/// The name of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PolicyName {
    /// Its id.
    pub id: String,
    /// Its version, for people.
    pub version: String,
    /// The hash of its content.
    pub content_hash: String,
}
