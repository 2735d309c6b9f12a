//! The policy that a run decided by.

use serde::Serialize;

/// The name of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PolicyName {
    /// Its id.
    pub id: String,
    /// Its version, for people.
    pub version: String,
    /// What it says, hashed.
    pub content_hash: String,
}
