//! Snapshots, reset, and the state file: how what all requests share is taken, put back and kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::app::State;
use super::journal::Journal;
use super::saver::{SavingStatus, StateFile};
use super::snapshot::{Rest, Snapshot};
use crate::gateway::Quota;
use crate::sessions::Sessions;

/// The pause between a failed commit of the state file and its retry.
const SAVE_AGAIN: Duration = Duration::from_secs(5);

impl State {
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
        let mut file = self.saver.file();
        self.put(snapshot);
        if let Some(file) = &mut *file {
            file.is_stale = true;
            if !self.saver.is_failing() {
                self.save_to(file);
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
        if !self.saver.has_file() {
            self.sessions().discard_unsaved();
        } else if !self.saver.is_failing()
            && let Some(file) = &mut *self.saver.file()
        {
            self.save_to(file);
        }
    }

    /// Commits what is unsaved. After an error it stays unsaved.
    fn save_to(&self, file: &mut StateFile) {
        let unsaved = self.sessions().take_unsaved();
        let result = if file.is_stale {
            file.store.replace(self.snapshot())
        } else {
            file.store.save(&unsaved, &self.rest())
        };
        if self.saver.committed(result) {
            file.is_stale = false;
            self.sessions().committed();
        } else {
            self.sessions().not_committed();
        }
    }

    /// Retries a failed commit.
    fn retry_save(&self) {
        if let Some(file) = &mut *self.saver.file()
            && self.saver.is_failing()
        {
            self.save_to(file);
            if !self.saver.is_failing() {
                // Calls that came during the retry have left their changes unsaved.
                self.save_to(file);
            }
        }
    }

    /// Retries failed commits for as long as the emulator runs.
    pub(crate) async fn keep_saving(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SAVE_AGAIN).await;
            if self.saver.is_failing() {
                let state = Arc::clone(&self);
                // The result is in the status.
                let _ = tokio::task::spawn_blocking(move || state.retry_save()).await;
            }
        }
    }

    /// How current the state file is; `None` without one. Does not wait for a commit.
    pub(crate) fn saving_status(&self) -> Option<SavingStatus> {
        self.saver
            .has_file()
            .then(|| SavingStatus { unsaved: self.sessions().unsaved_count(), error: self.saver.error() })
    }

    /// Writes what is unsaved and closes the state file, so that another emulator may open it.
    pub(crate) fn close(&self) {
        let file = self.saver.file().take();
        if let Some(mut file) = file {
            self.save_to(&mut file);
        }
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::super::setup::Setup;
    use super::super::store::Store;
    use super::*;
    use crate::gateway::Keys;
    use crate::http::Limits;
    use crate::sessions::{Magic, Session};
    use crate::time::Clock;

    fn open(path: &std::path::Path) -> (State, Option<Snapshot>) {
        let (store, saved) = Store::open(path).unwrap();
        (state(Some(store)), saved)
    }

    fn state(store: Option<Store>) -> State {
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
        State::new(setup, 0, clock, ureq::agent(), store)
    }

    fn limit(state: &State, pages: u32) {
        state.saver.file().as_ref().unwrap().store.limit_pages(pages).unwrap();
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
            state.sessions().insert(Session::test(&at.to_string(), Magic::None));
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
        let sessions = (0..200).map(|at| Session::test(&at.to_string(), Magic::None)).collect();
        state.restore(Snapshot::new(state.rest(), sessions));
        assert!(state.saving_status().unwrap().error.is_some());
        // The disk has space again, and a commit would succeed.
        limit(&state, 10_000);
        state.sessions().insert(Session::test("a call", Magic::None));
        // A call does not wait for the lock of a retry either.
        let retry = state.saver.file();
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
    fn status_does_not_wait_for_a_commit() {
        let folder = tempfile::tempdir().unwrap();
        let (state, _) = open(&folder.path().join("state.db"));
        state.sessions().insert(Session::test("a", Magic::None));
        let commit = state.saver.file();
        assert_eq!(state.saving_status(), Some(SavingStatus { unsaved: 1, error: None }));
        drop(commit);
    }

    #[test]
    fn remembers_no_unsaved_sessions_without_a_state_file() {
        let state = state(None);
        state.sessions().insert(Session::test("a", Magic::None));
        state.save();
        assert_eq!(state.saving_status(), None);
        assert_eq!(state.sessions().unsaved_count(), 0);
    }

    #[test]
    fn a_snapshot_that_could_not_be_saved_is_saved_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (state, _) = open(&path);
        state.sessions().insert(Session::test("old", Magic::None));
        state.save();
        limit(&state, 8);
        let sessions = (0..200).map(|at| Session::test(&at.to_string(), Magic::None)).collect();
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
        state.sessions().insert(Session::test("a", Magic::None));
        state.save();
        state.sessions().forget_oldest();
        state.close();
        assert_eq!(saved_sessions(&path), 0);
    }
}
