//! All sessions, by CertifyId and by link. The table tracks which of them are unsaved.

use std::collections::{HashMap, HashSet, VecDeque};

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};

use super::history::IdentityHistory;
use super::magic::EndUserScenario;
use super::outcome::SessionOutcome;
use super::session::{ActionError, Session, SessionStage, UserAction};

/// The maximum number of sessions. One more replaces the oldest.
pub(crate) const MAX_SESSIONS: usize = 100_000;

/// The CertifyId of a session whose record in the state file is out of date, and the session. `None` deletes the record.
pub(crate) type Unsaved = (String, Option<Session>);

/// All sessions.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct SessionTable {
    by_certify_id: HashMap<String, Session>,
    /// The CertifyIds, oldest first.
    order: VecDeque<String>,
    certify_id_by_link: HashMap<String, String>,
    history: IdentityHistory,
    /// Sessions whose record in the state file is out of date.
    #[serde(skip)]
    unsaved: HashSet<String>,
    /// Sessions that a commit is writing.
    #[serde(skip)]
    in_commit: HashSet<String>,
}

impl SessionTable {
    pub(crate) fn insert(&mut self, session: Session) {
        let id = session.certify_id.clone();
        for link in [&session.token, &session.code] {
            self.certify_id_by_link.insert(link.clone(), id.clone());
        }
        self.unsaved.insert(id.clone());
        self.order.push_back(id.clone());
        self.by_certify_id.insert(id, session);
        if self.order.len() > MAX_SESSIONS {
            self.forget_oldest();
        }
    }

    pub(crate) fn forget_oldest(&mut self) {
        let Some(id) = self.order.pop_front() else { return };
        let Some(session) = self.by_certify_id.remove(&id) else { return };
        for link in [&session.token, &session.code] {
            self.certify_id_by_link.remove(link);
        }
        self.unsaved.insert(id);
    }

    pub(crate) fn get(&self, certify_id: &str) -> Option<&Session> {
        self.by_certify_id.get(certify_id)
    }

    /// Returns a session for a change, and marks it unsaved.
    pub(crate) fn get_mut(&mut self, certify_id: &str) -> Option<&mut Session> {
        let session = self.by_certify_id.get_mut(certify_id)?;
        self.unsaved.insert(session.certify_id.clone());
        Some(session)
    }

    /// Returns the session of a long or short link.
    pub(crate) fn by_link(&self, link: &str) -> Option<&Session> {
        self.by_certify_id.get(self.certify_id_by_link.get(link)?).filter(|session| !session.deleted)
    }

    /// Iterates over the sessions, newest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Session> {
        self.order.iter().rev().filter_map(|id| self.by_certify_id.get(id))
    }

    /// Applies an action of the end user, and returns the changed session.
    pub(crate) fn act(
        &mut self,
        certify_id: &str,
        act: UserAction,
        now: UnixTime,
    ) -> Result<Session, ActionError> {
        let session = self.by_certify_id.get_mut(certify_id).ok_or(ActionError::Unknown)?;
        session.check(now)?;
        session.stage = match act {
            UserAction::Cancel => SessionStage::Cancelled,
            UserAction::Expire => SessionStage::Expired,
            UserAction::Submit(None)
                if session.forced.is_none() && session.magic.end_user() == EndUserScenario::Cancels =>
            {
                SessionStage::Cancelled
            }
            UserAction::Submit(chosen) => {
                let forced = session.forced.clone();
                let wanted =
                    forced.or(chosen).or_else(|| session.magic.outcome()).or_else(|| session.rule.clone());
                SessionStage::Finished(wanted.unwrap_or_else(SessionOutcome::pass))
            }
        };
        let session = session.clone();
        self.unsaved.insert(session.certify_id.clone());
        if let Some(outcome) = session.result() {
            self.history.remember(&session.identity, outcome, now);
        }
        Ok(session)
    }

    /// Returns whether an earlier session of an identity ended in 201, 202 or 203. Such an identity cannot
    /// start another session.
    pub(crate) fn is_blocked(&self, identity: &str) -> bool {
        self.history.is_blocked(identity)
    }

    /// Returns the number of failures of an identity today.
    pub(crate) fn failures_today(&self, identity: &str, now: UnixTime) -> u32 {
        self.history.failures_today(identity, now)
    }

    pub(crate) const fn history(&self) -> &IdentityHistory {
        &self.history
    }

    /// Creates the table from saved sessions.
    pub(crate) fn restored(sessions: Vec<Session>, history: IdentityHistory) -> Self {
        let mut restored = Self { history, ..Self::default() };
        sessions.into_iter().for_each(|session| restored.insert(session));
        restored
    }

    /// Takes the unsaved sessions for a commit. Call [`committed`](Self::committed) or
    /// [`not_committed`](Self::not_committed) afterwards.
    pub(crate) fn take_unsaved(&mut self) -> Vec<Unsaved> {
        self.in_commit = std::mem::take(&mut self.unsaved);
        self.in_commit.iter().map(|id| (id.clone(), self.by_certify_id.get(id).cloned())).collect()
    }

    /// Records that the commit succeeded.
    pub(crate) fn committed(&mut self) {
        self.in_commit.clear();
    }

    /// Records that the commit failed: its sessions are still unsaved.
    pub(crate) fn not_committed(&mut self) {
        self.unsaved.extend(self.in_commit.drain());
    }

    /// Forgets which sessions are unsaved: those of an emulator without a state file, or just read from it.
    pub(crate) fn discard_unsaved(&mut self) {
        self.unsaved.clear();
    }

    pub(crate) fn unsaved_count(&self) -> usize {
        self.unsaved.union(&self.in_commit).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::magic::Magic;
    use super::*;

    fn at(minutes: u64) -> UnixTime {
        UnixTime::from_secs(1_767_323_045 + minutes * 60)
    }

    fn one(session: Session) -> SessionTable {
        let mut sessions = SessionTable::default();
        sessions.insert(session);
        sessions
    }

    #[test]
    fn a_session_takes_one_submission() {
        let mut sessions = one(Session::test("c", Magic::None));
        assert_eq!(sessions.by_link("tc").unwrap().certify_id, "c");
        assert_eq!(sessions.by_link("sc").unwrap().certify_id, "c");
        let done = sessions.act("c", UserAction::Submit(None), at(1)).unwrap();
        assert!(done.result().unwrap().passed());
        for act in [UserAction::Submit(None), UserAction::Cancel, UserAction::Expire] {
            assert_eq!(sessions.act("c", act, at(1)).unwrap_err(), ActionError::Ended);
        }
        assert_eq!(sessions.act("x", UserAction::Submit(None), at(1)).unwrap_err(), ActionError::Unknown);
    }

    #[test]
    fn forgets_the_oldest_session_beyond_the_cap() {
        let mut sessions = SessionTable::default();
        for at in 0..=MAX_SESSIONS {
            sessions.insert(Session::test(&at.to_string(), Magic::None));
        }
        assert_eq!(sessions.latest().count(), MAX_SESSIONS);
        assert!(
            sessions.get("0").is_none() && sessions.by_link("t0").is_none() && sessions.get("1").is_some()
        );
        let forgotten: Vec<_> =
            sessions.take_unsaved().into_iter().filter(|(_, one)| one.is_none()).collect();
        assert_eq!(forgotten.len(), 1, "the record of the oldest is deleted");
    }

    #[test]
    fn sessions_in_a_commit_count_as_unsaved() {
        let mut sessions = one(Session::test("a", Magic::None));
        assert_eq!(sessions.take_unsaved().len(), 1);
        sessions.insert(Session::test("b", Magic::None));
        assert!(sessions.get_mut("a").is_some());
        assert_eq!(sessions.unsaved_count(), 2);
        sessions.not_committed();
        assert_eq!(sessions.take_unsaved().len(), 2);
        sessions.committed();
        assert_eq!(sessions.unsaved_count(), 0);
    }

    #[test]
    fn a_session_expires_after_thirty_minutes() {
        let submit =
            |minutes| one(Session::test("c", Magic::None)).act("c", UserAction::Submit(None), at(minutes));
        assert!(submit(29).is_ok());
        assert_eq!(submit(30).unwrap_err(), ActionError::Expired);
    }

    #[test]
    fn a_forced_outcome_precedes_the_choice_then_the_magic_identity_then_the_rule() {
        let outcome = |code: &str| Some(SessionOutcome::with_sub_code(code));
        let ended = |forced: Option<&str>, chosen: Option<&str>, magic, rule: Option<&str>| {
            let (forced, rule) = (forced.and_then(outcome), rule.and_then(outcome));
            let mut sessions = one(Session { forced, rule, ..Session::test("c", magic) });
            let done = sessions.act("c", UserAction::Submit(chosen.and_then(outcome)), at(1)).unwrap();
            done.result().unwrap().sub_code.clone()
        };
        let magic = Magic::SubCode(203);
        assert_eq!(ended(Some("201"), Some("202"), magic, Some("204")), "201");
        assert_eq!(ended(None, Some("202"), magic, Some("204")), "202");
        assert_eq!(ended(None, None, magic, Some("204")), "203");
        assert_eq!(ended(None, None, Magic::None, Some("204")), "204");
        assert_eq!(ended(None, None, Magic::None, None), "200");
    }

    #[test]
    fn counts_failures_per_day() {
        let mut sessions = SessionTable::default();
        for (id, code) in [("a", "204"), ("b", "205"), ("c", "200")] {
            sessions.insert(Session::test(id, Magic::None));
            sessions.act(id, UserAction::Submit(Some(SessionOutcome::with_sub_code(code))), at(0)).unwrap();
        }
        assert_eq!(sessions.failures_today("i", at(0)), 2);
        assert_eq!(sessions.failures_today("i", at(24 * 60)), 0, "the count restarts the next day");
        assert_eq!(sessions.failures_today("other", at(0)), 0);
    }
}
