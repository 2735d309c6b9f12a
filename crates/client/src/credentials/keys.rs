//! The document that all of the vendor's sources answer with, or that stands inside their answer.

use std::time::{Duration, SystemTime};

use cloudauth_protocol::{Body, Credentials, UnixTime};
use cloudauth_transport::{Limits, TransportError};
use http::Response;
use http::header::DATE;
use serde::Deserialize;

use super::provide::{ProvideError, Provided};

/// What one request for credentials may take; the vendor's SDKs give five seconds to connect and ten to read.
pub(super) const LIMITS: Limits = Limits::DEFAULT.with_attempt(Duration::from_secs(10));

/// When others are asked for in place of those that do not say when they end.
const UNTOLD: Duration = Duration::from_secs(60 * 60);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Keys {
    #[serde(default)]
    code: Option<String>,
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    security_token: Option<String>,
    #[serde(default)]
    expiration: Option<String>,
    /// STS puts them a level deeper.
    #[serde(default)]
    credentials: Option<Box<Keys>>,
}

/// Credentials out of an answer. No text of the answer is quoted but a code that is a plain word.
pub(super) fn read(
    provider: &str,
    now: UnixTime,
    answer: Result<Response<Body>, TransportError>,
) -> Result<Provided, ProvideError> {
    let failed = |why: String| ProvideError::new(provider, why);
    let response = body_of(provider, answer)?;
    let keys = serde_json::from_slice::<Keys>(response.body().as_bytes());
    let code = keys.as_ref().ok().and_then(|keys| keys.code.as_deref());
    if !response.status().is_success() || code.is_some_and(|code| code != "Success") {
        let code =
            code.filter(|code| is_plain(code)).map(|code| format!(", code {code}")).unwrap_or_default();
        let error = failed(format!("refused with HTTP {}{code}", response.status().as_u16()));
        return Err(if response.status().is_server_error() { error.passing() } else { error });
    }
    let keys = keys.map_err(|_| failed("the answer is not the document that is expected".to_owned()))?;
    let keys = match keys.credentials {
        Some(deeper) => *deeper,
        None => keys,
    };
    let Keys {
        access_key_id: Some(id),
        access_key_secret: Some(secret),
        security_token: Some(token),
        expiration,
        ..
    } = keys
    else {
        return Err(failed("the answer lacks a part of the credentials".to_owned()));
    };
    let credentials = Credentials::temporary(&id, &secret, &token)
        .map_err(|error| ProvideError::unusable(provider, error))?;
    let Some(text) = expiration else {
        return Ok(Provided::from(credentials).renewed_at(now.plus(UNTOLD)));
    };
    let end = humantime::parse_rfc3339(&text)
        .map(|time: SystemTime| UnixTime::from(time))
        .map_err(|_| failed("the answer's Expiration is not a time".to_owned()))?;
    // By the clock of whoever says so, which this machine's may be far from.
    let date =
        response.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let lives = end.since(date.map_or(now, UnixTime::from));
    if lives.is_zero() {
        return Err(failed("gave credentials that have expired".to_owned()));
    }
    Ok(Provided::until(credentials, now.plus(lives)))
}

/// The response, if one came.
pub(super) fn body_of(
    provider: &str,
    answer: Result<Response<Body>, TransportError>,
) -> Result<Response<Body>, ProvideError> {
    answer.map_err(|error| ProvideError::new(provider, "cannot be reached").with_source(error).passing())
}

/// Whether a text of somebody else's may be shown: the vendor's codes are words with dots.
fn is_plain(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_')
}
