//! The conformance suite of all stores. Mount it once per store, and assert that it reports no failures:
//!
//! ```
//! use cloudauth_flow::testing::{MemoryStore, conformance};
//!
//! # pollster::block_on(async {
//! let open = async || MemoryStore::default(); // a new, empty store for each check
//! let failures = conformance::run(open).await;
//! assert!(failures.is_empty(), "{failures:#?}");
//! # });
//! ```

mod calls;
mod claims;
mod commits;
mod damage;
mod events;
mod outbox;
mod pages;
mod purges;
mod support;

use self::support::Check;
use crate::machine::ids::VerificationId;
use crate::store::contract::Store;

/// Runs every check, each with a store that `open` returns: empty, and used by no one else. Returns the failures, one line each.
pub async fn run<S: Store>(open: impl AsyncFn() -> S) -> Vec<String> {
    run_checks(&checks(), open).await
}

/// Runs every check of the outbox. They fail for a store without one.
pub async fn outbox<S: Store>(open: impl AsyncFn() -> S) -> Vec<String> {
    run_checks(outbox::CHECKS, open).await
}

/// Runs every check of the start pages. They fail for a store without them.
pub async fn pages<S: Store>(open: impl AsyncFn() -> S) -> Vec<String> {
    run_checks(pages::CHECKS, open).await
}

async fn run_checks<S: Store>(checks: &[(&str, Check)], open: impl AsyncFn() -> S) -> Vec<String> {
    let mut failures = Vec::new();
    for (name, check) in checks {
        let store = open().await;
        if let Err(problem) = check(&store).await {
            failures.push(format!("{name}: {problem}"));
        }
    }
    failures
}

/// Runs the check of documents that cannot be read, with an empty store that no one else uses. `damage` makes the document of a
/// verification unreadable, and `mend` writes it back. Returns the failure.
pub async fn run_damaged(
    store: &dyn Store,
    damage: impl AsyncFn(&VerificationId),
    mend: impl AsyncFn(&VerificationId),
) -> Option<String> {
    damage::check(store, damage, mend).await.err()
}

/// Returns the names of the checks.
#[must_use]
pub fn names() -> Vec<&'static str> {
    checks().into_iter().map(|(name, _)| name).collect()
}

fn checks() -> Vec<(&'static str, Check)> {
    [commits::CHECKS, claims::CHECKS, calls::CHECKS, events::CHECKS, purges::CHECKS].concat()
}
