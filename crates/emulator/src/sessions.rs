//! Verifications: begun, submitted once, or left to die after 30 minutes.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use cloudauth_protocol::{SubCode, UnixTime};

use crate::magic::Magic;

/// How long a CertifyId and its link live.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// One verification.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) certify_id: String,
    pub(crate) token: String,
    pub(crate) scene_id: String,
    pub(crate) return_url: String,
    pub(crate) callback: Option<CallbackTarget>,
    pub(crate) magic: Magic,
    pub(crate) begun: UnixTime,
    pub(crate) result: Option<Outcome>,
    /// Name and number, hashed: who must not begin again after some results.
    pub(crate) identity: String,
    /// How many questions are still to be answered 424.
    pub(crate) pending: u16,
    /// Whether the person has given up.
    pub(crate) given_up: bool,
    /// Whether the result was asked for, which a deletion may have to wait for.
    pub(crate) queried: bool,
    pub(crate) deleted: bool,
}

/// Where to call back, and with which token.
#[derive(Clone)]
pub(crate) struct CallbackTarget {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

impl std::fmt::Debug for CallbackTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallbackTarget([redacted])")
    }
}

/// How a submission ended.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) sub_code: SubCode,
    pub(crate) verify_score: f64,
}

/// Why a submission is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown,
    Expired,
    Used,
}

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_certify_id: HashMap<String, Session>,
    certify_id_by_token: HashMap<String, String>,
    /// Identities that the authoritative source could not be asked about.
    without_source: HashSet<String>,
}

impl Sessions {
    pub(crate) fn insert(&mut self, session: Session) {
        self.certify_id_by_token.insert(session.token.clone(), session.certify_id.clone());
        self.by_certify_id.insert(session.certify_id.clone(), session);
    }

    pub(crate) fn get_mut(&mut self, certify_id: &str) -> Option<&mut Session> {
        self.by_certify_id.get_mut(certify_id)
    }

    /// The session behind a link, if it may still be submitted.
    pub(crate) fn open(&mut self, token: &str, now: UnixTime) -> Result<&mut Session, Refused> {
        let certify_id = self.certify_id_by_token.get(token).ok_or(Refused::Unknown)?;
        let session = self.by_certify_id.get_mut(certify_id).ok_or(Refused::Unknown)?;
        if session.deleted {
            Err(Refused::Unknown)
        } else if session.result.is_some() || session.given_up {
            Err(Refused::Used)
        } else if now.since(session.begun) >= LIFETIME || session.magic == Magic::Person(2) {
            Err(Refused::Expired)
        } else {
            Ok(session)
        }
    }

    /// The one submission of a session.
    pub(crate) fn submit(
        &mut self,
        token: &str,
        chosen: Option<Outcome>,
        now: UnixTime,
    ) -> Result<Session, Refused> {
        let session = self.open(token, now)?;
        if session.magic == Magic::Person(1) && chosen.is_none() {
            session.given_up = true;
            return Ok(session.clone());
        }
        let outcome = chosen.unwrap_or_else(|| Outcome::of(session.magic));
        let has_no_source = matches!(outcome.sub_code.as_str(), "201" | "202" | "203");
        session.result = Some(outcome);
        let session = session.clone();
        if has_no_source {
            self.without_source.insert(session.identity.clone());
        }
        Ok(session)
    }

    /// Whether an identity ended in 201, 202 or 203 before: then it cannot begin again.
    pub(crate) fn is_without_source(&self, identity: &str) -> bool {
        self.without_source.contains(identity)
    }
}

/// The lowest score that the vendor's table names (one false accept in a thousand). That the emulator lets people
/// pass from there on is its own invention: the service's own threshold is not documented.
const PASSING_SCORE: f64 = 70.0;

impl Outcome {
    /// What a magic identity asks for.
    fn of(magic: Magic) -> Self {
        match magic {
            Magic::SubCode(code) => Self::with_sub_code(&code.to_string()),
            Magic::ScoreTenths(tenths) => {
                let verify_score = f64::from(tenths) / 10.0;
                let sub_code =
                    if verify_score >= PASSING_SCORE { SubCode::Passed } else { SubCode::FaceDiffers };
                Self { sub_code, verify_score }
            }
            _ => Self::with_sub_code("200"),
        }
    }

    /// A SubCode with a score that goes with it.
    pub(crate) fn with_sub_code(code: &str) -> Self {
        let sub_code = SubCode::from_wire(code);
        let verify_score = if sub_code.means_pass() == Some(false) { 42.5 } else { 88.25 };
        Self { sub_code, verify_score }
    }

    pub(crate) fn passed(&self) -> bool {
        self.sub_code.means_pass() == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> UnixTime {
        UnixTime::from_secs(1_767_323_045 + minutes * 60)
    }

    fn sessions() -> Sessions {
        let mut sessions = Sessions::default();
        sessions.insert(Session {
            certify_id: "c".into(),
            token: "t".into(),
            scene_id: "1".into(),
            return_url: "https://shop.example".into(),
            callback: None,
            magic: Magic::None,
            begun: at(0),
            result: None,
            identity: String::new(),
            pending: 0,
            given_up: false,
            queried: false,
            deleted: false,
        });
        sessions
    }

    #[test]
    fn a_session_takes_one_submission() {
        let mut sessions = sessions();
        assert!(sessions.submit("t", None, at(1)).unwrap().result.unwrap().passed());
        assert_eq!(sessions.submit("t", None, at(1)).unwrap_err(), Refused::Used);
        assert_eq!(sessions.submit("x", None, at(1)).unwrap_err(), Refused::Unknown);
    }

    #[test]
    fn a_session_dies_after_thirty_minutes() {
        assert!(sessions().submit("t", None, at(29)).is_ok());
        assert_eq!(sessions().submit("t", None, at(30)).unwrap_err(), Refused::Expired);
    }

    #[test]
    fn a_score_passes_from_seventy_on() {
        assert!(!Outcome::of(Magic::ScoreTenths(699)).passed());
        assert!(Outcome::of(Magic::ScoreTenths(700)).passed());
        assert!(Outcome::of(Magic::SubCode(210)).passed() && !Outcome::of(Magic::SubCode(205)).passed());
    }
}
