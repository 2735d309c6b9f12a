//! What all requests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::{Notify, broadcast};

use crate::callback::Queue;
use crate::clock::Clock;
use crate::fault::{Fault, Faults};
use crate::journal::Journal;
use crate::nonces::Nonces;
use crate::quota::Quota;
use crate::rules::Rule;
use crate::sessions::Sessions;
use crate::snapshot::{Rest, Snapshot};
use crate::store::Store;
use crate::verify::{Keys, hex};

/// What the emulator was started with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) url: String,
    /// Who may look after it from elsewhere; `None` on loopback, where everybody may.
    pub(crate) admin_token: Option<String>,
    pub(crate) keys: Keys,
    pub(crate) accept_any_id: bool,
    /// Calls of one action that an access key may make in a second.
    pub(crate) calls_a_second: Option<u32>,
    /// Failed scans of one identity in a day.
    pub(crate) failures_a_day: Option<u32>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) rules: Vec<Rule>,
}

/// Keys, clock, sessions, and what has been seen.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) setup: Setup,
    pub(crate) clock: Clock,
    pub(crate) http: ureq::Agent,
    seed: AtomicU64,
    made: AtomicU64,
    nonces: Mutex<Nonces>,
    sessions: Mutex<Sessions>,
    faults: Mutex<Faults>,
    quota: Mutex<Quota>,
    callbacks: Mutex<Queue>,
    journal: Mutex<Journal>,
    store: Option<Mutex<Store>>,
    /// As it was at the start.
    beginning: Rest,
    /// Told when a callback is wanted or has been made.
    pub(crate) callbacks_moved: Notify,
    /// Who looks on is told what has changed.
    pub(crate) changes: broadcast::Sender<&'static str>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
            store: store.map(Mutex::new),
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

    fn rest(&self) -> Rest {
        let history = self.sessions().history().clone();
        let (faults, callbacks) = (self.faults().clone(), self.callbacks().clone());
        let made = self.made.load(Ordering::Relaxed);
        Rest { seed: self.seed(), made, clock: self.clock.save(), history, faults, callbacks }
    }

    /// All of it, but for the journal, the nonces and this second's calls.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut sessions: Vec<_> = self.sessions().latest().cloned().collect();
        sessions.reverse();
        Snapshot::new(self.rest(), sessions)
    }

    /// As it was when the snapshot was taken.
    pub(crate) fn restore(&self, snapshot: Snapshot) {
        self.put(snapshot.clone());
        if let Some(store) = &self.store {
            locked(store).replace(&snapshot);
        }
    }

    /// As it was at the start.
    pub(crate) fn reset(&self) {
        self.restore(Snapshot::new(self.beginning.clone(), Vec::new()));
        *self.journal() = Journal::default();
        self.changed("journal");
    }

    pub(crate) fn put(&self, snapshot: Snapshot) {
        let Snapshot { rest, sessions, .. } = snapshot;
        self.seed.store(rest.seed, Ordering::Relaxed);
        self.made.store(rest.made, Ordering::Relaxed);
        let old = (
            std::mem::take(&mut *self.nonces()),
            std::mem::replace(&mut *self.sessions(), Sessions::restored(sessions, rest.history)),
            std::mem::replace(&mut *self.callbacks(), rest.callbacks.restored()),
        );
        // Nobody needs to wait until a hundred thousand of them are gone.
        drop(std::thread::spawn(move || drop(old)));
        *self.quota() = Quota::default();
        *self.faults() = rest.faults;
        self.clock.restore(&rest.clock);
        self.callbacks_moved.notify_waiters();
        for what in ["sessions", "callbacks", "faults", "clock"] {
            self.changed(what);
        }
    }

    /// Writes what has changed to the state file, if there is one.
    pub(crate) fn save(&self) {
        let Some(store) = &self.store else { return };
        // Locked first, so that what is older is not written over what is newer.
        let mut store = locked(store);
        let changed = self.sessions().take_unsaved();
        store.save(&changed, &self.rest());
    }
}
