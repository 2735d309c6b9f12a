//! Policies that come with the crate: files to start from, each proved by the tests.

/// `Passed` decides, as the vendor says; what contradicts itself is looked at.
pub const VENDOR: &str = include_str!("../policies/vendor.toml");
/// The vendor's table: choose a false-accept rate, get its score.
pub const THRESHOLD: &str = include_str!("../policies/threshold.toml");
/// Account opening: attacks first, a grey zone that people look at, and what the person can do about it.
pub const ONBOARDING: &str = include_str!("../policies/onboarding.toml");

/// All of them, by name.
pub const ALL: [(&str, &str); 3] = [("vendor", VENDOR), ("threshold", THRESHOLD), ("onboarding", ONBOARDING)];
