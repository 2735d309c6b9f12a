//! One session: begun, submitted once, or left to die after 30 minutes.

use std::time::Duration;

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};

use super::magic::Magic;
use super::outcome::Outcome;
use crate::time::millis;

/// How long a CertifyId and its link live.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30 * 60);

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
    #[serde(with = "millis::time")]
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

#[cfg(test)]
impl Session {
    /// An open session.
    pub(crate) fn test(id: &str, magic: Magic) -> Self {
        Self {
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
            begun: UnixTime::from_secs(1_767_323_045),
            stage: Stage::Open,
            identity: "i".into(),
            pending: 0,
            queried: false,
            deleted: false,
        }
    }
}
