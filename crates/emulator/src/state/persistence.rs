//! Snapshots, reset and saving of the state.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::app::AppState;
use super::change::Change;
use super::journal::Journal;
use super::saver::{SavingStatus, StateFile};
use super::snapshot::{EmulatorRecord, Snapshot};
use crate::gateway::Quota;
use crate::sessions::SessionTable;

/// The pause between retries of a failed commit.
const SAVE_AGAIN: Duration = Duration::from_secs(5);

impl AppState {
    fn record(&self) -> EmulatorRecord {
        let history = self.sessions().history().clone();
        let (faults, callbacks) = (self.faults().clone(), self.callbacks().clone());
        let made = self.made.load(Ordering::Relaxed);
        EmulatorRecord { seed: self.seed(), made, clock: self.clock.save(), history, faults, callbacks }
    }

    /// Takes a snapshot. It does not include the journal, the nonces or the current second of the quota.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut sessions: Vec<_> = self.sessions().latest().cloned().collect();
        sessions.reverse();
        Snapshot::new(self.record(), sessions)
    }

    /// Restores a snapshot, in memory and in the state file.
    pub(crate) fn restore(&self, snapshot: Snapshot) {
        // Locked first, so that no commit can write older state over newer.
        let mut file = self.saver.file();
        self.put(snapshot);
        if let Some(file) = &mut *file {
            file.is_stale = true;
            if !self.saver.is_failing() {
                self.save_to(file);
            }
        }
    }

    /// Restores the initial state.
    pub(crate) fn reset(&self) {
        self.restore(Snapshot::new(self.initial.clone(), Vec::new()));
        *self.journal() = Journal::default();
        self.changed(Change::Journal);
    }

    /// Restores a snapshot in memory only.
    pub(crate) fn put(&self, snapshot: Snapshot) {
        let Snapshot { record, sessions, .. } = snapshot;
        self.seed.store(record.seed, Ordering::Relaxed);
        self.made.store(record.made, Ordering::Relaxed);
        let old = (
            std::mem::take(&mut *self.nonces()),
            std::mem::replace(&mut *self.sessions(), SessionTable::restored(sessions, record.history)),
            std::mem::replace(&mut *self.callbacks(), record.callbacks.restored()),
        );
        // Dropping a hundred thousand sessions takes time.
        drop(std::thread::spawn(move || drop(old)));
        *self.quota() = Quota::default();
        *self.faults() = record.faults;
        self.clock.restore(&record.clock);
        self.callbacks_changed.notify_waiters();
        for change in [Change::Sessions, Change::Callbacks, Change::Faults, Change::Clock] {
            self.changed(change);
        }
    }

    /// Saves the changes to the state file, if there is one.
    ///
    /// After a failed commit, this does nothing until a retry succeeds. So no call waits for a full disk, and
    /// no call writes everything that is unsaved.
    pub(crate) fn save(&self) {
        if !self.saver.has_file() {
            self.sessions().discard_unsaved();
        } else if !self.saver.is_failing()
            && let Some(file) = &mut *self.saver.file()
        {
            self.save_to(file);
        }
    }

    /// Commits the unsaved changes. They stay unsaved if the commit fails.
    fn save_to(&self, file: &mut StateFile) {
        let unsaved = self.sessions().take_unsaved();
        let result = if file.is_stale {
            file.store.replace(self.snapshot())
        } else {
            file.store.save(&unsaved, &self.record())
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
                // Calls during the retry left their changes unsaved.
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
                // The result is in the saving status.
                let _ = tokio::task::spawn_blocking(move || state.retry_save()).await;
            }
        }
    }

    /// Returns whether the state file is current; `None` without a state file. Does not wait for a running commit.
    pub(crate) fn saving_status(&self) -> Option<SavingStatus> {
        self.saver
            .has_file()
            .then(|| SavingStatus { unsaved: self.sessions().unsaved_count(), error: self.saver.error() })
    }

    /// Saves the changes and closes the state file, so that another emulator can open it.
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
    use super::super::settings::Settings;
    use super::super::store::Store;
    use super::*;
    use crate::gateway::AccessKeys;
    use crate::http::Limits;
    use crate::sessions::{Magic, Session};
    use crate::time::Clock;

    fn open(path: &std::path::Path) -> (AppState, Option<Snapshot>) {
        let (store, saved) = Store::open(path).unwrap();
        (state(Some(store)), saved)
    }

    fn state(store: Option<Store>) -> AppState {
        let settings = Settings {
            url: String::new(),
            admin_token: None,
            keys: AccessKeys::new(),
            accept_any_id: false,
            calls_per_second: None,
            failures_per_day: None,
            faults: Vec::new(),
            rules: Vec::new(),
            limits: Limits::default(),
        };
        let clock = Clock::frozen(cloudauth_protocol::UnixTime::from_secs(0));
        AppState::new(settings, 0, clock, ureq::agent(), store)
    }

    fn limit(state: &AppState, pages: u32) {
        state.saver.file().as_ref().unwrap().store.limit_pages(pages).unwrap();
    }

    fn saved_sessions(path: &std::path::Path) -> usize {
        open(path).1.map_or(0, |saved| saved.sessions.len())
    }

    #[test]
    fn a_retry_saves_sessions_after_a_failed_commit() {
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
        state.restore(Snapshot::new(state.record(), sessions));
        assert!(state.saving_status().unwrap().error.is_some());
        // The disk has space again: a commit would succeed.
        limit(&state, 10_000);
        state.sessions().insert(Session::test("a call", Magic::None));
        // A call does not wait for a retry either.
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
    fn a_restored_snapshot_is_saved_after_a_failed_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (state, _) = open(&path);
        state.sessions().insert(Session::test("old", Magic::None));
        state.save();
        limit(&state, 8);
        let sessions = (0..200).map(|at| Session::test(&at.to_string(), Magic::None)).collect();
        state.restore(Snapshot::new(state.record(), sessions));
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
