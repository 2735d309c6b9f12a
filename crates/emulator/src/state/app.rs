//! The state that all requests share, in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use sha2::{Digest, Sha256};
use tokio::sync::{Notify, broadcast};

use super::callback_queue::CallbackQueue;
use super::change::Change;
use super::journal::Journal;
use super::saver::Saver;
use super::settings::Settings;
use super::snapshot::EmulatorRecord;
use super::store::Store;
use super::sync::locked;
use crate::faults::FaultInjector;
use crate::gateway::{Nonces, Quota, hex};
use crate::sessions::SessionTable;
use crate::time::Clock;

/// The state that all requests share.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) http: ureq::Agent,
    pub(super) seed: AtomicU64,
    /// The number of ids made so far.
    pub(super) made: AtomicU64,
    nonces: Mutex<Nonces>,
    sessions: Mutex<SessionTable>,
    faults: Mutex<FaultInjector>,
    quota: Mutex<Quota>,
    callbacks: Mutex<CallbackQueue>,
    journal: Mutex<Journal>,
    pub(super) saver: Saver,
    /// The record at the start, for a reset.
    pub(super) initial: EmulatorRecord,
    /// Notified when a callback is scheduled or done.
    pub(crate) callbacks_changed: Notify,
    /// Changes, for the subscribers of the admin API.
    pub(crate) changes: broadcast::Sender<Change>,
}

impl AppState {
    pub(crate) fn new(
        settings: Settings,
        seed: u64,
        clock: Clock,
        http: ureq::Agent,
        store: Option<Store>,
    ) -> Self {
        let faults = FaultInjector::new(seed, settings.faults.clone());
        let initial = EmulatorRecord::initial(seed, clock.save(), faults.clone());
        Self {
            settings,
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
            initial,
            callbacks_changed: Notify::new(),
            changes: broadcast::Sender::new(256),
        }
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, SessionTable> {
        locked(&self.sessions)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultInjector> {
        locked(&self.faults)
    }

    pub(crate) fn quota(&self) -> MutexGuard<'_, Quota> {
        locked(&self.quota)
    }

    pub(crate) fn nonces(&self) -> MutexGuard<'_, Nonces> {
        locked(&self.nonces)
    }

    pub(crate) fn callbacks(&self) -> MutexGuard<'_, CallbackQueue> {
        locked(&self.callbacks)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        locked(&self.journal)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed.load(Ordering::Relaxed)
    }

    /// Returns a new id of 32 hexadecimal digits. The seed and the number of previous ids determine it.
    pub(crate) fn fresh_id(&self, what: &str) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::digest(format!("{} {what} {number}", self.seed()));
        hex(digest.get(..16).unwrap_or_default())
    }

    /// Returns a hash that identifies texts without storing them.
    pub(crate) fn digest(&self, texts: &[&str]) -> String {
        let digest = Sha256::digest(format!("{} {texts:?}", self.seed()));
        hex(&digest)
    }

    /// Returns a new request id: an upper-case UUID, like the vendor's.
    pub(crate) fn fresh_request_id(&self) -> String {
        let digits = self.fresh_id("request").to_ascii_uppercase();
        let part = |from, to| digits.get(from..to).unwrap_or_default();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }

    /// Notifies subscribers of a change.
    pub(crate) fn changed(&self, change: Change) {
        // There may be no subscriber.
        let _ = self.changes.send(change);
    }
}
