//! Checks signatures. Written from the vendor's documents, with encoder and canonicalizer of its own.

mod v1;
mod v3;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::request::Parts;
use cloudauth_protocol::UnixTime;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::GatewayError;
use crate::nonces::Nonces;

/// RFC 3986: all but unreserved characters are encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// How far a timestamp may be off, either way.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// What an access key signs with.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) secret: String,
    /// The security token, of a temporary key.
    pub(crate) token: Option<String>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// A request with everything that a signature covers. No `Debug`: it holds the person.
pub(crate) struct Incoming {
    pub(crate) parts: Parts,
    pub(crate) body: Vec<u8>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
}

impl Incoming {
    pub(crate) fn new(parts: Parts, body: Vec<u8>) -> Self {
        let pairs = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect();
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let is_form =
            parts.headers.get("content-type").and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
            });
        let form = if is_form { pairs(&body) } else { Vec::new() };
        Self { parts, body, query, form }
    }

    /// A parameter, wherever it stands.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().chain(&self.form).find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn action(&self) -> Option<&str> {
        self.header("x-acs-action").filter(|_| self.is_v3()).or_else(|| self.param("Action"))
    }

    pub(crate) fn version(&self) -> Option<&str> {
        self.header("x-acs-version").filter(|_| self.is_v3()).or_else(|| self.param("Version"))
    }

    pub(crate) fn is_v3(&self) -> bool {
        self.header("authorization").is_some_and(|value| value.starts_with("ACS3-"))
    }

    /// XML is what the gateway answers when V1 does not ask for JSON.
    pub(crate) fn wants_xml(&self) -> bool {
        !self.is_v3() && !self.param("Format").is_some_and(|format| format.eq_ignore_ascii_case("json"))
    }
}

/// What a request claims, by either signature.
struct Claim<'a> {
    access_key_id: &'a str,
    token: Option<&'a str>,
    time: &'a str,
    nonce: &'a str,
}

/// Checks the signature of a request, its time and its nonce; gives the access key's id.
pub(crate) fn verify<'a>(
    request: &'a Incoming,
    keys: &HashMap<String, Key>,
    nonces: &Mutex<Nonces>,
    now: UnixTime,
) -> Result<&'a str, GatewayError> {
    let claim = if request.is_v3() { v3::claim(request)? } else { v1::claim(request)? };
    let key = keys.get(claim.access_key_id).ok_or_else(|| {
        GatewayError::new(
            StatusCode::NOT_FOUND,
            "InvalidAccessKeyId.NotFound",
            "Specified access key is not found.",
        )
    })?;
    check_token(key, claim.token)?;
    check_time(claim.time, now)?;
    if request.is_v3() { v3::check(request, key) } else { v1::check(request, key) }?;
    let mut nonces = nonces.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !nonces.is_fresh(claim.access_key_id, claim.nonce, now) {
        return Err(GatewayError::bad_request(
            "SignatureNonceUsed",
            "Specified signature nonce was used already.",
        ));
    }
    Ok(claim.access_key_id)
}

fn check_token(key: &Key, given: Option<&str>) -> Result<(), GatewayError> {
    match (&key.token, given) {
        (None, None) => Ok(()),
        (Some(expected), Some(given)) if expected == given => Ok(()),
        (Some(_), None) => Err(GatewayError::bad_request(
            "MissingSecurityToken",
            "SecurityToken is mandatory for this action.",
        )),
        _ => Err(GatewayError::bad_request(
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatch with the AccessKey.",
        )),
    }
}

fn check_time(text: &str, now: UnixTime) -> Result<(), GatewayError> {
    let Some(time) = parse_time(text) else {
        return Err(GatewayError::bad_request(
            "InvalidTimeStamp.Format",
            "Specified time stamp or date value is not well formatted.",
        ));
    };
    if now.since(time).max(time.since(now)) > WINDOW {
        return Err(GatewayError::bad_request(
            "InvalidTimeStamp.Expired",
            "Specified time stamp or date value is expired.",
        ));
    }
    Ok(())
}

/// `yyyy-MM-ddTHH:mm:ssZ`, and nothing else.
fn parse_time(text: &str) -> Option<UnixTime> {
    let well_formed = text.len() == 20
        && text.char_indices().all(|(at, c)| match at {
            4 | 7 => c == '-',
            10 => c == 'T',
            13 | 16 => c == ':',
            19 => c == 'Z',
            _ => c.is_ascii_digit(),
        });
    if !well_formed {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    // Days since the epoch, with years that begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(UnixTime::from_secs(days * 86_400 + hour * 3_600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_protocol_writes_them() {
        for secs in [0, 951_782_400, 951_868_800, 1_767_323_045, 4_107_542_400, 253_402_300_799] {
            let time = UnixTime::from_secs(secs);
            assert_eq!(parse_time(&time.to_string()), Some(time));
        }
        for bad in [
            "",
            "2026-01-02 03:04:05Z",
            "2026-01-02T03:04:05",
            "2026-13-02T03:04:05Z",
            "2026-01-02T03:04:05+",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }
}
