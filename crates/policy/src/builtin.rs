//! The built-in policies: files to start from, each proved by the tests.

/// Follows the vendor's `Passed`; contradictory results go to review.
pub const VENDOR: &str = include_str!("../policies/vendor.toml");
/// Requires a score on top of `Passed`, chosen by its false-accept rate in the vendor's table.
pub const THRESHOLD: &str = include_str!("../policies/threshold.toml");
/// A policy for account opening: attacks first, a grey zone for review, and hints for the person.
pub const ONBOARDING: &str = include_str!("../policies/onboarding.toml");

/// All built-in policies, by name.
pub const ALL: [(&str, &str); 3] = [("vendor", VENDOR), ("threshold", THRESHOLD), ("onboarding", ONBOARDING)];
