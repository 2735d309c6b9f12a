//! What all requests share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::fault::Faults;
use crate::nonces::Nonces;
use crate::quota::Quota;
use crate::sessions::Sessions;
use crate::verify::Key;

/// Keys, clock, sessions, and what has been seen.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) url: String,
    pub(crate) keys: HashMap<String, Key>,
    pub(crate) accept_any_id: bool,
    pub(crate) clock: Clock,
    pub(crate) nonces: Mutex<Nonces>,
    pub(crate) http: ureq::Agent,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) seed: u64,
    pub(crate) made: AtomicU64,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) quota: Mutex<Quota>,
    /// Calls of one action that an access key may make in a second.
    pub(crate) calls_a_second: Option<u32>,
}

impl State {
    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 32 hexadecimal digits that follow from the seed and from how many were made before.
    pub(crate) fn fresh_id(&self, what: &str) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::digest(format!("{} {what} {number}", self.seed));
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// What a list of texts is known by, without keeping them.
    pub(crate) fn digest(&self, texts: &[&str]) -> String {
        let digest = Sha256::digest(format!("{} {texts:?}", self.seed));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// An upper-case UUID, as the vendor's are.
    pub(crate) fn fresh_request_id(&self) -> String {
        let digits = self.fresh_id("request").to_ascii_uppercase();
        let part = |from, to| digits.get(from..to).unwrap_or_default();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn quota(&self) -> MutexGuard<'_, Quota> {
        self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
