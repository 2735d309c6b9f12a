//! Mutation tests: cargo-mutants changes a part of the code in small ways, and the tests of its crate must notice.

use anyhow::{Result, bail};

use super::installed;
use crate::shell::{command, root, run};

const MUTANTS: &str = "cargo-mutants@27.1.0";

/// What is changed, and the tests that must notice.
struct Part {
    name: &'static str,
    features: &'static str,
    /// The files, below the crate's folder. Empty means all of them.
    files: &'static [&'static str],
    /// The files that are left out.
    without: &'static [&'static str],
    /// The tests that are built and run besides the unit tests, the fastest first. Examples and benches are not built:
    /// building takes most of the time.
    tests: &'static [&'static str],
}

const PARTS: [Part; 5] = [
    Part {
        name: "protocol",
        features: "serde",
        files: &[],
        without: &[],
        tests: &[],
    },
    Part {
        name: "client",
        features: "pictures,policy,tracing",
        files: &[
            "src/exchange.rs",
            "src/exchange/**",
            "src/credentials/**",
            "src/endpoints.rs",
            "src/inputs.rs",
            "src/retry.rs",
            "src/timeout.rs",
        ],
        without: &[],
        tests: &["client", "credentials", "exchange", "exchange_model"],
    },
    Part { name: "policy", features: "", files: &[], without: &[], tests: &[] },
    Part { name: "flow", features: "", files: &[], without: &["src/testing/**"], tests: &[] },
    Part { name: "lab", features: "", files: &[], without: &[], tests: &[] },
];
