//! What all requests share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, broadcast};

use crate::bounds::Limits;
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

/// The pause between a failed commit of the state file and its retry.
const SAVE_AGAIN: Duration = Duration::from_secs(5);

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
    pub(crate) limits: Limits,
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
    /// Empty without a state file, and once the emulator has stopped.
    store: Mutex<Option<Saving>>,
    /// Whether the latest commit failed. Calls read this without the store's lock, which a retry holds for long.
    is_failing: AtomicBool,
    /// As it was at the start.
    beginning: Rest,
    /// Told when a callback is wanted or has been made.
    pub(crate) callbacks_moved: Notify,
    /// Who looks on is told what has changed.
    pub(crate) changes: broadcast::Sender<&'static str>,
}

/// The state file and whether it is current.
#[derive(Debug)]
struct Saving {
    store: Store,
    /// Whether everything in the file has to be replaced.
    is_stale: bool,
    /// Why the latest commit failed.
    error: Option<String>,
}

impl Saving {
    const fn new(store: Store) -> Self {
        Self { store, is_stale: false, error: None }
    }

    /// Notes whether a commit succeeded. A full disk does not stop the emulator; it prints one message.
    fn committed(&mut self, result: Result<(), String>) -> bool {
        match (&result, &self.error) {
            (Err(error), None) => {
                eprintln!("cloudauth emulator: the state file was not written: {error}; it is tried again");
            }
            (Ok(()), Some(_)) => eprintln!("cloudauth emulator: the state file is current again"),
            _ => {}
        }
        self.error = result.err();
        self.error.is_none()
    }
}

/// How current the state file is.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SavingStatus {
    /// The sessions that are not in it as they are.
    unsaved: usize,
    /// Why the latest commit failed.
    error: Option<String>,
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
            store: Mutex::new(store.map(Saving::new)),
            is_failing: AtomicBool::new(false),
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
        // Locked first, so that no older state is written over a newer one.
        let mut saving = locked(&self.store);
        self.put(snapshot);
        if let Some(saving) = &mut *saving {
            saving.is_stale = true;
            if !self.is_failing() {
                self.save_to(saving);
            }
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
    ///
    /// After a failed commit this does nothing until a retry succeeds: a call neither waits for a full disk nor writes
    /// everything that is unsaved.
    pub(crate) fn save(&self) {
        if !self.is_failing()
            && let Some(saving) = &mut *locked(&self.store)
        {
            self.save_to(saving);
        }
    }

    fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::SeqCst)
    }

    /// Commits what is unsaved. After an error it stays unsaved.
    fn save_to(&self, saving: &mut Saving) {
        let unsaved = self.sessions().take_unsaved();
        let result = if saving.is_stale {
            saving.store.replace(self.snapshot())
        } else {
            saving.store.save(&unsaved, &self.rest())
        };
        let is_saved = saving.committed(result);
        self.is_failing.store(!is_saved, Ordering::SeqCst);
        if is_saved {
            saving.is_stale = false;
        } else {
            self.sessions().still_unsaved(unsaved);
        }
    }

    /// Retries a failed commit.
    fn retry_save(&self) {
        if let Some(saving) = &mut *locked(&self.store)
            && self.is_failing()
        {
            self.save_to(saving);
            if !self.is_failing() {
                // Calls that came during the retry have left their changes unsaved.
                self.save_to(saving);
            }
        }
    }

    /// Retries failed commits for as long as the emulator runs.
    pub(crate) async fn keep_saving(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SAVE_AGAIN).await;
            if self.is_failing() {
                let state = Arc::clone(&self);
                // The result is in the status.
                let _ = tokio::task::spawn_blocking(move || state.retry_save()).await;
            }
        }
    }

    /// How current the state file is; `None` without one.
    pub(crate) fn saving_status(&self) -> Option<SavingStatus> {
        let saving = locked(&self.store);
        let error = saving.as_ref()?.error.clone();
        Some(SavingStatus { unsaved: self.sessions().unsaved_count(), error })
    }

    /// Writes what is unsaved and closes the state file, so that another emulator may open it.
    pub(crate) fn close(&self) {
        if let Some(mut saving) = locked(&self.store).take() {
            self.save_to(&mut saving);
        }
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::*;
    use crate::sessions::tests::session;

    fn open(path: &std::path::Path) -> (State, Option<Snapshot>) {
        let (store, saved) = Store::open(path).unwrap();
        let setup = Setup {
            url: String::new(),
            admin_token: None,
            keys: Keys::new(),
            accept_any_id: false,
            calls_a_second: None,
            failures_a_day: None,
            faults: Vec::new(),
            rules: Vec::new(),
            limits: Limits::default(),
        };
        let clock = Clock::frozen(cloudauth_protocol::UnixTime::from_secs(0));
        (State::new(setup, 0, clock, ureq::agent(), Some(store)), saved)
    }

    fn limit(state: &State, pages: u32) {
        locked(&state.store).as_ref().unwrap().store.limit_pages(pages).unwrap();
    }

    fn saved_sessions(path: &std::path::Path) -> usize {
        open(path).1.map_or(0, |saved| saved.sessions.len())
    }

    #[test]
    fn sessions_that_could_not_be_saved_are_saved_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (state, _) = open(&path);
        state.save();
        limit(&state, 8);
        for at in 0..200 {
            state.sessions().insert(session(&at.to_string(), crate::magic::Magic::None));
            state.save();
        }
        let status = state.saving_status().unwrap();
        assert!(status.unsaved > 0 && status.error.as_ref().unwrap().contains("full"), "{status:?}");
        limit(&state, 10_000);
        state.retry_save();
        assert_eq!(state.saving_status(), Some(SavingStatus { unsaved: 0, error: None }));
        drop(state);
        assert_eq!(saved_sessions(&path), 200);
    }

    #[test]
    fn calls_do_not_write_while_the_last_commit_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (state, _) = open(&path);
        state.save();
        limit(&state, 4);
        let sessions = (0..200).map(|at| session(&at.to_string(), crate::magic::Magic::None)).collect();
        state.restore(Snapshot::new(state.rest(), sessions));
        assert!(state.saving_status().unwrap().error.is_some());
        // The disk has space again, and a commit would succeed.
        limit(&state, 10_000);
        state.sessions().insert(session("a call", crate::magic::Magic::None));
        // A call does not wait for the lock of a retry either.
        let retry = locked(&state.store);
        state.save();
        drop(retry);
        assert!(state.saving_status().unwrap().error.is_some());
        state.restore(state.snapshot());
        assert!(state.saving_status().unwrap().error.is_some());
        state.retry_save();
        assert_eq!(state.saving_status(), Some(SavingStatus { unsaved: 0, error: None }));
        drop(state);
        assert_eq!(saved_sessions(&path), 201);
    }

    #[test]
    fn a_snapshot_that_could_not_be_saved_is_saved_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (state, _) = open(&path);
        state.sessions().insert(session("old", crate::magic::Magic::None));
        state.save();
        limit(&state, 8);
        let sessions = (0..200).map(|at| session(&at.to_string(), crate::magic::Magic::None)).collect();
        state.restore(Snapshot::new(state.rest(), sessions));
        assert!(state.saving_status().unwrap().error.is_some());
        limit(&state, 10_000);
        state.close();
        let saved = open(&path).1.unwrap().sessions;
        assert_eq!(saved.len(), 200);
        assert!(saved.iter().all(|session| session.certify_id != "old"));
    }

    #[test]
    fn a_forgotten_session_is_deleted_from_the_state_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (state, _) = open(&path);
        state.sessions().insert(session("a", crate::magic::Magic::None));
        state.save();
        state.sessions().forget_oldest();
        state.close();
        assert_eq!(saved_sessions(&path), 0);
    }
}
