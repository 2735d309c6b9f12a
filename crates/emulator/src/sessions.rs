//! Verifications: begun, submitted once, or left to die after 30 minutes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};

use crate::magic::Magic;
use crate::outcome::Outcome;
use crate::time::{day_in_china, millis};

/// How long a CertifyId and its link live.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The most sessions that are kept; the oldest is forgotten for one more.
pub(crate) const KEPT: usize = 100_000;

/// The most identities that the history remembers, of each kind.
const IDENTITIES: usize = 10_000;

/// A session whose record in the state file is not current; `None` if the record is to be deleted.
pub(crate) type Unsaved = (String, Option<Session>);

/// One verification.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) certify_id: String,
    /// Of the long link, and of the short one.
    pub(crate) token: String,
    pub(crate) code: String,
    pub(crate) order: String,
    pub(crate) scene_id: String,
    pub(crate) return_url: String,
    /// The link that was given, if the MetaInfo was believed.
    pub(crate) link: Option<String>,
    pub(crate) callback: Option<CallbackTarget>,
    pub(crate) magic: Magic,
    /// What the rule file says, for who asks for nothing by themselves.
    pub(crate) rule: Option<Outcome>,
    /// What somebody who looks after the emulator wants, whatever anybody else does.
    pub(crate) forced: Option<Outcome>,
    #[serde(with = "millis")]
    pub(crate) begun: UnixTime,
    pub(crate) stage: Stage,
    /// Name and number, hashed: who must not begin again after some results.
    pub(crate) identity: String,
    /// How many questions are still to be answered 424.
    pub(crate) pending: u16,
    /// Whether the result was asked for, which a deletion may have to wait for.
    pub(crate) queried: bool,
    pub(crate) deleted: bool,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The person has not finished; after 30 minutes they cannot any more.
    Open,
    Finished(Outcome),
    GivenUp,
    /// Expired before its time, as somebody wished.
    Expired,
}

/// Where to call back, and with which token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CallbackTarget {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

impl std::fmt::Debug for CallbackTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallbackTarget([redacted])")
    }
}

impl Session {
    pub(crate) fn result(&self) -> Option<&Outcome> {
        match &self.stage {
            Stage::Finished(outcome) => Some(outcome),
            _ => None,
        }
    }

    pub(crate) fn expires(&self) -> UnixTime {
        self.begun.plus(LIFETIME)
    }

    pub(crate) fn is_iframe(&self) -> bool {
        self.return_url == "iframe"
    }

    /// Whether the person may still submit.
    pub(crate) fn check(&self, now: UnixTime) -> Result<(), Refused> {
        match self.stage {
            _ if self.deleted => Err(Refused::Unknown),
            Stage::Finished(_) | Stage::GivenUp => Err(Refused::Used),
            Stage::Expired => Err(Refused::Expired),
            Stage::Open if now >= self.expires() || self.magic == Magic::Person(2) => Err(Refused::Expired),
            Stage::Open => Ok(()),
        }
    }
}

/// What the person does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Submits, and chooses what comes out, or leaves it to the rules.
    Submit(Option<Outcome>),
    GiveUp,
    LetExpire,
}

/// Why a submission is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown,
    Expired,
    Used,
}

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
}

/// What is remembered of people, by a hash of name and number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct History {
    /// The authoritative source could not be asked about them.
    without_source: BTreeSet<String>,
    /// The last day on which they failed, and how often then.
    failures: BTreeMap<String, (u64, u32)>,
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
        self.history.without_source.contains(identity)
    }

    /// How often an identity has failed today.
    pub(crate) fn failures_today(&self, identity: &str, now: UnixTime) -> u32 {
        let found = self.history.failures.get(identity);
        found.filter(|(day, _)| *day == day_in_china(now)).map_or(0, |(_, count)| *count)
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

    /// Takes the sessions that the state file does not hold as they are.
    pub(crate) fn take_unsaved(&mut self) -> Vec<Unsaved> {
        let unsaved = std::mem::take(&mut self.unsaved).into_iter();
        unsaved.map(|id| (id.clone(), self.by_certify_id.get(&id).cloned())).collect()
    }

    /// Puts back sessions that could not be saved.
    pub(crate) fn still_unsaved(&mut self, unsaved: Vec<Unsaved>) {
        self.unsaved.extend(unsaved.into_iter().map(|(id, _)| id));
    }

    pub(crate) fn unsaved_count(&self) -> usize {
        self.unsaved.len()
    }
}

impl History {
    fn remember(&mut self, identity: &str, outcome: &Outcome, now: UnixTime) {
        if outcome.is_without_source() {
            self.without_source.insert(identity.to_owned());
            if self.without_source.len() > IDENTITIES {
                self.without_source.pop_first();
            }
        }
        if !outcome.passed() {
            let today = day_in_china(now);
            if self.failures.len() >= IDENTITIES {
                self.failures.retain(|_, (day, _)| *day == today);
                if self.failures.len() >= IDENTITIES {
                    self.failures.pop_first();
                }
            }
            let failed = self.failures.entry(identity.to_owned()).or_default();
            *failed = (today, if failed.0 == today { failed.1.saturating_add(1) } else { 1 });
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn at(minutes: u64) -> UnixTime {
        UnixTime::from_secs(1_767_323_045 + minutes * 60)
    }

    pub(crate) fn session(id: &str, magic: Magic) -> Session {
        Session {
            certify_id: id.into(),
            token: format!("t{id}"),
            code: format!("s{id}"),
            order: "1".into(),
            scene_id: "1".into(),
            return_url: "https://shop.example".into(),
            link: None,
            callback: None,
            magic,
            rule: None,
            forced: None,
            begun: at(0),
            stage: Stage::Open,
            identity: "i".into(),
            pending: 0,
            queried: false,
            deleted: false,
        }
    }

    fn one(session: Session) -> Sessions {
        let mut sessions = Sessions::default();
        sessions.insert(session);
        sessions
    }

    #[test]
    fn a_session_takes_one_submission() {
        let mut sessions = one(session("c", Magic::None));
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
            sessions.insert(session(&at.to_string(), Magic::None));
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
    fn remembers_a_bounded_number_of_identities() {
        let mut history = History::default();
        for at in 0..IDENTITIES + 9 {
            history.remember(&at.to_string(), &Outcome::with_sub_code("201"), self::at(0));
        }
        assert_eq!((history.without_source.len(), history.failures.len()), (IDENTITIES, IDENTITIES));
    }

    #[test]
    fn a_session_dies_after_thirty_minutes() {
        let submit = |minutes| one(session("c", Magic::None)).act("c", Act::Submit(None), at(minutes));
        assert!(submit(29).is_ok());
        assert_eq!(submit(30).unwrap_err(), Refused::Expired);
    }

    #[test]
    fn what_is_forced_beats_the_choice_which_beats_the_identity_which_beats_the_rule() {
        let outcome = |code: &str| Some(Outcome::with_sub_code(code));
        let ended = |forced: Option<&str>, chosen: Option<&str>, magic, rule: Option<&str>| {
            let (forced, rule) = (forced.and_then(outcome), rule.and_then(outcome));
            let mut sessions = one(Session { forced, rule, ..session("c", magic) });
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
            sessions.insert(session(id, Magic::None));
            sessions.act(id, Act::Submit(Some(Outcome::with_sub_code(code))), at(0)).unwrap();
        }
        assert_eq!(sessions.failures_today("i", at(0)), 2);
        assert_eq!(sessions.failures_today("i", at(24 * 60)), 0, "tomorrow is another day");
        assert_eq!(sessions.failures_today("other", at(0)), 0);
    }
}
