//! What all requests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use sha2::{Digest, Sha256};
use tokio::sync::{Notify, broadcast};

use super::callback_queue::Queue;
use super::journal::Journal;
use super::saver::Saver;
use super::setup::Setup;
use super::snapshot::Rest;
use super::store::Store;
use super::sync::locked;
use crate::faults::Faults;
use crate::gateway::{Nonces, Quota, hex};
use crate::sessions::Sessions;
use crate::time::Clock;

/// Keys, clock, sessions, and what has been seen.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) setup: Setup,
    pub(crate) clock: Clock,
    pub(crate) http: ureq::Agent,
    pub(super) seed: AtomicU64,
    pub(super) made: AtomicU64,
    nonces: Mutex<Nonces>,
    sessions: Mutex<Sessions>,
    faults: Mutex<Faults>,
    quota: Mutex<Quota>,
    callbacks: Mutex<Queue>,
    journal: Mutex<Journal>,
    pub(super) saver: Saver,
    /// As it was at the start.
    pub(super) beginning: Rest,
    /// Told when a callback is wanted or has been made.
    pub(crate) callbacks_moved: Notify,
    /// Who looks on is told what has changed.
    pub(crate) changes: broadcast::Sender<&'static str>,
}

impl State {
    pub(crate) fn new(
        setup: Setup,
        seed: u64,
        clock: Clock,
        http: ureq::Agent,
        store: Option<Store>,
    ) -> Self {
        let faults = Faults::new(seed, setup.faults.clone());
        let beginning = Rest::beginning(seed, clock.save(), faults.clone());
        Self {
            setup,
            clock,
            http,
            seed: AtomicU64::new(seed),
            made: AtomicU64::new(0),
            nonces: Mutex::default(),
            sessions: Mutex::default(),
            faults: Mutex::new(faults),
            quota: Mutex::default(),
            callbacks: Mutex::default(),
            journal: Mutex::default(),
            saver: Saver::new(store),
            beginning,
            callbacks_moved: Notify::new(),
            changes: broadcast::Sender::new(256),
        }
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        locked(&self.sessions)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(crate) fn quota(&self) -> MutexGuard<'_, Quota> {
        locked(&self.quota)
    }

    pub(crate) fn nonces(&self) -> MutexGuard<'_, Nonces> {
        locked(&self.nonces)
    }

    pub(crate) fn callbacks(&self) -> MutexGuard<'_, Queue> {
        locked(&self.callbacks)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        locked(&self.journal)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed.load(Ordering::Relaxed)
    }

    /// 32 hexadecimal digits that follow from the seed and from how many were made before.
    pub(crate) fn fresh_id(&self, what: &str) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::digest(format!("{} {what} {number}", self.seed()));
        hex(digest.get(..16).unwrap_or_default())
    }

    /// What a list of texts is known by, without keeping them.
    pub(crate) fn digest(&self, texts: &[&str]) -> String {
        let digest = Sha256::digest(format!("{} {texts:?}", self.seed()));
        hex(&digest)
    }

    /// An upper-case UUID, as the vendor's are.
    pub(crate) fn fresh_request_id(&self) -> String {
        let digits = self.fresh_id("request").to_ascii_uppercase();
        let part = |from, to| digits.get(from..to).unwrap_or_default();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }

    /// Tells who looks on that something is not what it was.
    pub(crate) fn changed(&self, what: &'static str) {
        // Nobody may be looking.
        let _ = self.changes.send(what);
    }
}
