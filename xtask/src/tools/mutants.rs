//! Mutation tests: cargo-mutants changes the code in small ways, one at a time, and the tests of its crate must notice.

use anyhow::{Result, bail};

use super::installed;
use crate::shell::{command, root};

const MUTANTS: &str = "cargo-mutants@27.1.0";

/// A crate, and the part of it that is changed.
struct Part {
    name: &'static str,
    features: &'static str,
    /// The files below the crate's folder; empty means all.
    files: &'static [&'static str],
    /// The files that are left out.
    without: &'static [&'static str],
}

const PARTS: [Part; 5] = [
    Part { name: "protocol", features: "serde", files: &[], without: &[] },
    // A call and its credentials. The rest only passes them on.
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
    },
    Part { name: "policy", features: "", files: &[], without: &[] },
    // The suite of all stores is itself a test.
    Part { name: "flow", features: "", files: &[], without: &["src/testing/**"] },
    Part { name: "lab", features: "", files: &[], without: &[] },
];

/// Runs the mutation tests of a crate. CI does not run them, because they take long.
pub(crate) fn run(name: &str, more: &[&str]) -> Result<()> {
    let Some(part) = PARTS.iter().find(|part| part.name == name) else {
        bail!("no mutation tests for `{name}`: expected protocol, client, policy, flow or lab");
    };
    let program = installed(MUTANTS)?;
    let (package, output) = (format!("cloudauth-{name}"), format!("target/mutants/{name}"));
    let mut args = vec!["mutants", "--package", &package, "--features", part.features, "--output", &output];
    // The unchanged tree is tested first. A mutant whose tests then take five times as long loops.
    // Only the crate's tests: its examples and benches notice nothing, and building takes most of the time.
    args.push("--cargo-arg=--tests");
    if more.iter().any(|arg| arg.starts_with("--shard")) {
        // A shard is then a sample of all files. By default it is a run of neighbours.
        args.extend(["--sharding", "round-robin"]);
    }
    let of_crate = |file: &&str| format!("crates/{name}/{file}");
    let (files, without): (Vec<_>, Vec<_>) =
        (part.files.iter().map(of_crate).collect(), part.without.iter().map(of_crate).collect());
    // Files that the caller names replace those of the part.
    if !more.iter().any(|arg| arg.starts_with("--file") || arg.starts_with("-f")) {
        args.extend(files.iter().flat_map(|file| ["--file", file]));
        args.extend(without.iter().flat_map(|file| ["--exclude", file]));
    }
    args.extend(more);
    std::fs::create_dir_all(root().join(&output))?;
    // All seeds of the flow's simulation would take half a minute for each mutation.
    let settings = [("CLOUDAUTH_SIM_SEEDS", "100"), ("CARGO_PROFILE_DEV_DEBUG", "none")];
    crate::shell::run(command(&program, &args).envs(settings))
}
