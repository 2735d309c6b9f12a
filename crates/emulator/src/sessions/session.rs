//! A session. It takes one submission, and expires after 30 minutes.

use std::time::Duration;

use cloudauth_protocol::{Bilingual, UnixTime};
use serde::{Deserialize, Serialize};

use super::id_number::masked;
use super::magic::{EndUserScenario, MAX_DIGITS, Magic};
use super::outcome::SessionOutcome;
use crate::http::both;
use crate::time::millis;

/// The lifetime of a CertifyId and its link.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The maximum size of each text of a session, in bytes: addresses, callback token, scene.
const MAX_TEXT: usize = 8 << 10;

/// Returns whether a text is too long for a session.
pub(crate) fn is_too_long(text: &str) -> bool {
    text.len() > MAX_TEXT
}

/// A session: one `CertifyId` with its link. `Debug` shows the id and the state: who has the link can act for the end user.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) certify_id: String,
    /// The path of the long link.
    pub(crate) token: String,
    /// The path of the short link.
    pub(crate) code: String,
    pub(crate) order: String,
    pub(crate) scene_id: String,
    pub(crate) return_url: String,
    /// The `CertifyUrl`. `None` if the MetaInfo is not from a browser.
    pub(crate) link: Option<String>,
    pub(crate) callback: Option<CallbackTarget>,
    pub(crate) magic: Magic,
    /// The outcome by the rule file. The magic identity takes precedence.
    pub(crate) rule: Option<SessionOutcome>,
    /// The outcome that the admin API forced. It takes precedence over all others.
    pub(crate) forced: Option<SessionOutcome>,
    #[serde(with = "millis::time")]
    pub(crate) begun: UnixTime,
    pub(crate) stage: SessionStage,
    /// The hash of name and ID number.
    pub(crate) identity: String,
    /// The number of `DescribeFaceVerify` calls that are still to be answered 424.
    pub(crate) pending: u16,
    /// Whether the result was queried. `DeleteAfterQuery` depends on it.
    pub(crate) queried: bool,
    pub(crate) deleted: bool,
}

/// The state of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionStage {
    /// The end user has not submitted. After 30 minutes they no longer can.
    Open,
    Finished(SessionOutcome),
    /// The end user cancelled.
    #[serde(rename = "given_up")]
    Cancelled,
    /// Expired early, on request.
    Expired,
}

/// The address and the token of the callback.
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

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = masked(&self.certify_id);
        f.debug_struct("Session").field("certify_id", &id).field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl Session {
    /// Checks a saved session, which may have been edited.
    pub(crate) fn check_saved(&self) -> Result<(), Bilingual> {
        let texts = [
            &self.certify_id,
            &self.token,
            &self.code,
            &self.order,
            &self.scene_id,
            &self.return_url,
            &self.identity,
        ];
        let callback = self.callback.iter().flat_map(|target| [Some(&target.url), target.token.as_ref()]);
        if texts.into_iter().chain(callback.flatten()).any(|text| is_too_long(text)) {
            return Err(both("a text is longer than 8 KiB", "有文本超过 8 KiB"));
        }
        if !self.magic.is_possible() || self.pending > MAX_DIGITS {
            return Err(both(
                "`magic` and `pending` must be from 0 to 999",
                "`magic` 和 `pending` 须在 0 至 999 之间",
            ));
        }
        [self.rule.as_ref(), self.forced.as_ref(), self.result()]
            .into_iter()
            .flatten()
            .try_for_each(SessionOutcome::check)
    }

    /// Returns the outcome of a finished session.
    pub(crate) fn result(&self) -> Option<&SessionOutcome> {
        match &self.stage {
            SessionStage::Finished(outcome) => Some(outcome),
            _ => None,
        }
    }

    pub(crate) fn expires(&self) -> UnixTime {
        self.begun.plus(LIFETIME)
    }

    pub(crate) fn is_iframe(&self) -> bool {
        self.return_url == "iframe"
    }

    /// Returns an error if the end user can no longer submit.
    pub(crate) fn check(&self, now: UnixTime) -> Result<(), ActionError> {
        match self.stage {
            _ if self.deleted => Err(ActionError::Unknown),
            SessionStage::Finished(_) | SessionStage::Cancelled => Err(ActionError::Ended),
            SessionStage::Expired => Err(ActionError::Expired),
            SessionStage::Open if now >= self.expires() => Err(ActionError::Expired),
            SessionStage::Open if self.magic.end_user() == EndUserScenario::LetsExpire => {
                Err(ActionError::Expired)
            }
            SessionStage::Open => Ok(()),
        }
    }
}

/// An action of the end user on the page.
#[derive(Clone, Debug)]
pub(crate) enum UserAction {
    /// Submits. `None` leaves the outcome to the magic identity and the rules.
    Submit(Option<SessionOutcome>),
    Cancel,
    Expire,
}

/// The reason why the end user's action is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActionError {
    Unknown,
    Expired,
    /// The session has already ended.
    Ended,
}

#[cfg(test)]
impl Session {
    /// Creates an open session.
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
            stage: SessionStage::Open,
            identity: "i".into(),
            pending: 0,
            queried: false,
            deleted: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_link() {
        let url = "https://user:planted@shop.example/planted".to_owned();
        let session = Session {
            token: "planted".into(),
            code: "planted".into(),
            order: "planted".into(),
            return_url: url.clone(),
            link: Some(url.clone()),
            callback: Some(CallbackTarget { url, token: Some("planted".into()) }),
            ..Session::test("id1", Magic::None)
        };
        assert_eq!(format!("{session:?}"), r#"Session { certify_id: "id1", stage: Open, .. }"#);
    }
}
