//! All sessions, and which of them the state file does not hold as they are.

use std::collections::{HashMap, HashSet, VecDeque};

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};

use super::history::History;
use super::magic::Magic;
use super::outcome::Outcome;
use super::session::{Act, Refused, Session, Stage};

/// The most sessions that are kept; the oldest is forgotten for one more.
pub(crate) const KEPT: usize = 100_000;

/// A session whose record in the state file is not current; `None` if the record is to be deleted.
pub(crate) type Unsaved = (String, Option<Session>);

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sessions {
    by_certify_id: HashMap<String, Session>,
    /// In the order in which they began.
    order: VecDeque<String>,
    certify_id_by_link: HashMap<String, String>,
    history: History,
    /// Whose record on disk is not what is here.
    #[serde(skip)]
    unsaved: HashSet<String>,
    /// Those that a commit is writing.
    #[serde(skip)]
    in_commit: HashSet<String>,
}

impl Sessions {
    pub(crate) fn insert(&mut self, session: Session) {
        let id = session.certify_id.clone();
        for link in [&session.token, &session.code] {
            self.certify_id_by_link.insert(link.clone(), id.clone());
        }
        self.unsaved.insert(id.clone());
        self.order.push_back(id.clone());
        self.by_certify_id.insert(id, session);
        if self.order.len() > KEPT {
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

    /// To look at.
    pub(crate) fn get(&self, certify_id: &str) -> Option<&Session> {
        self.by_certify_id.get(certify_id)
    }

    /// To change.
    pub(crate) fn get_mut(&mut self, certify_id: &str) -> Option<&mut Session> {
        let session = self.by_certify_id.get_mut(certify_id)?;
        self.unsaved.insert(session.certify_id.clone());
        Some(session)
    }

    /// The session behind a link's token or short code.
    pub(crate) fn behind(&self, link: &str) -> Option<&Session> {
        self.by_certify_id.get(self.certify_id_by_link.get(link)?).filter(|session| !session.deleted)
    }

    /// The latest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Session> {
        self.order.iter().rev().filter_map(|id| self.by_certify_id.get(id))
    }

    /// What the person does, once: gives the session as it is then.
    pub(crate) fn act(&mut self, certify_id: &str, act: Act, now: UnixTime) -> Result<Session, Refused> {
        let session = self.by_certify_id.get_mut(certify_id).ok_or(Refused::Unknown)?;
        session.check(now)?;
        session.stage = match act {
            Act::GiveUp => Stage::GivenUp,
            Act::LetExpire => Stage::Expired,
            Act::Submit(None) if session.forced.is_none() && session.magic == Magic::Person(1) => {
                Stage::GivenUp
            }
            Act::Submit(chosen) => {
                let forced = session.forced.clone();
                let wanted =
                    forced.or(chosen).or_else(|| session.magic.outcome()).or_else(|| session.rule.clone());
                Stage::Finished(wanted.unwrap_or_else(Outcome::pass))
            }
        };
        let session = session.clone();
        self.unsaved.insert(session.certify_id.clone());
        if let Some(outcome) = session.result() {
            self.history.remember(&session.identity, outcome, now);
        }
        Ok(session)
    }

    /// Whether an identity ended in 201, 202 or 203 before: then it cannot begin again.
    pub(crate) fn is_without_source(&self, identity: &str) -> bool {
        self.history.is_without_source(identity)
    }

    /// How often an identity has failed today.
    pub(crate) fn failures_today(&self, identity: &str, now: UnixTime) -> u32 {
        self.history.failures_today(identity, now)
    }

    pub(crate) const fn history(&self) -> &History {
        &self.history
    }

    /// What was saved, in the place of what is here.
    pub(crate) fn restored(sessions: Vec<Session>, history: History) -> Self {
        let mut restored = Self { history, ..Self::default() };
        sessions.into_iter().for_each(|session| restored.insert(session));
        restored
    }

    /// Takes the sessions that the state file does not hold as they are. [`committed`](Self::committed) or
    /// [`not_committed`](Self::not_committed) follows.
    pub(crate) fn take_unsaved(&mut self) -> Vec<Unsaved> {
        self.in_commit = std::mem::take(&mut self.unsaved);
        self.in_commit.iter().map(|id| (id.clone(), self.by_certify_id.get(id).cloned())).collect()
    }

    /// The sessions that were taken are saved.
    pub(crate) fn committed(&mut self) {
        self.in_commit.clear();
    }

    /// The sessions that were taken could not be saved.
    pub(crate) fn not_committed(&mut self) {
        self.unsaved.extend(self.in_commit.drain());
    }

    /// Forgets which sessions are unsaved, where there is no state file.
    pub(crate) fn discard_unsaved(&mut self) {
        self.unsaved.clear();
    }

    pub(crate) fn unsaved_count(&self) -> usize {
        self.unsaved.union(&self.in_commit).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> UnixTime {
        UnixTime::from_secs(1_767_323_045 + minutes * 60)
    }

    fn one(session: Session) -> Sessions {
        let mut sessions = Sessions::default();
        sessions.insert(session);
        sessions
    }

    #[test]
    fn a_session_takes_one_submission() {
        let mut sessions = one(Session::test("c", Magic::None));
        assert_eq!(sessions.behind("tc").unwrap().certify_id, "c");
        assert_eq!(sessions.behind("sc").unwrap().certify_id, "c");
        let done = sessions.act("c", Act::Submit(None), at(1)).unwrap();
        assert!(done.result().unwrap().passed());
        for act in [Act::Submit(None), Act::GiveUp, Act::LetExpire] {
            assert_eq!(sessions.act("c", act, at(1)).unwrap_err(), Refused::Used);
        }
        assert_eq!(sessions.act("x", Act::Submit(None), at(1)).unwrap_err(), Refused::Unknown);
    }

    #[test]
    fn forgets_the_oldest_session_beyond_the_cap() {
        let mut sessions = Sessions::default();
        for at in 0..=KEPT {
            sessions.insert(Session::test(&at.to_string(), Magic::None));
        }
        assert_eq!(sessions.latest().count(), KEPT);
        assert!(
            sessions.get("0").is_none() && sessions.behind("t0").is_none() && sessions.get("1").is_some()
        );
        let forgotten: Vec<_> =
            sessions.take_unsaved().into_iter().filter(|(_, one)| one.is_none()).collect();
        assert_eq!(forgotten.len(), 1, "its record is deleted");
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
    fn a_session_dies_after_thirty_minutes() {
        let submit = |minutes| one(Session::test("c", Magic::None)).act("c", Act::Submit(None), at(minutes));
        assert!(submit(29).is_ok());
        assert_eq!(submit(30).unwrap_err(), Refused::Expired);
    }

    #[test]
    fn what_is_forced_beats_the_choice_which_beats_the_identity_which_beats_the_rule() {
        let outcome = |code: &str| Some(Outcome::with_sub_code(code));
        let ended = |forced: Option<&str>, chosen: Option<&str>, magic, rule: Option<&str>| {
            let (forced, rule) = (forced.and_then(outcome), rule.and_then(outcome));
            let mut sessions = one(Session { forced, rule, ..Session::test("c", magic) });
            let done = sessions.act("c", Act::Submit(chosen.and_then(outcome)), at(1)).unwrap();
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
    fn failures_are_counted_by_the_day() {
        let mut sessions = Sessions::default();
        for (id, code) in [("a", "204"), ("b", "205"), ("c", "200")] {
            sessions.insert(Session::test(id, Magic::None));
            sessions.act(id, Act::Submit(Some(Outcome::with_sub_code(code))), at(0)).unwrap();
        }
        assert_eq!(sessions.failures_today("i", at(0)), 2);
        assert_eq!(sessions.failures_today("i", at(24 * 60)), 0, "tomorrow is another day");
        assert_eq!(sessions.failures_today("other", at(0)), 0);
    }
}
