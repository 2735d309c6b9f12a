//! Requests for credentials, and the response document that all of the vendor's sources share.

use std::time::{Duration, SystemTime};

use cloudauth_protocol::{Body, Credentials, UnixTime};
use cloudauth_transport::{Limits, TransportError};
use http::header::DATE;
use http::{Request, Response};
use serde::Deserialize;

use super::error::ProvideError;
use super::provide_problem::ProvideProblem;
use super::provider::{CredentialStep, ExpiringCredentials};

/// The limits of one request. The vendor's SDKs allow five seconds to connect and ten to read.
pub(super) const LIMITS: Limits = Limits::DEFAULT.with_attempt(Duration::from_secs(10));

/// When credentials without an expiry are renewed.
const RENEW_AFTER: Duration = Duration::from_secs(60 * 60);

/// Returns the step that sends a request, if the request could be built.
pub(super) fn send(
    provider: &str,
    request: http::Result<Request<Body>>,
    limits: Limits,
) -> Result<CredentialStep, ProvideError> {
    let request = request.map_err(|_| ProvideError::of(provider, ProvideProblem::CannotBuild))?;
    Ok(CredentialStep::Send(request, limits))
}

/// Returns the response, if one was received.
pub(super) fn received(
    provider: &str,
    answer: Result<Response<Body>, TransportError>,
) -> Result<Response<Body>, ProvideError> {
    answer.map_err(|error| {
        ProvideError::of(provider, ProvideProblem::Unreachable).with_source(error).transient()
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    code: Option<String>,
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    security_token: Option<String>,
    #[serde(default)]
    expiration: Option<String>,
    /// STS nests the credentials.
    #[serde(default)]
    credentials: Option<Box<Document>>,
}

/// Reads the credentials from a response. The error quotes only the response's code, and only if it is a
/// plain word.
pub(super) fn read_credentials(
    provider: &str,
    now: UnixTime,
    answer: Result<Response<Body>, TransportError>,
) -> Result<ExpiringCredentials, ProvideError> {
    let failed = |problem| ProvideError::of(provider, problem);
    let response = received(provider, answer)?;
    let document = serde_json::from_slice::<Document>(response.body().as_bytes());
    let code = document.as_ref().ok().and_then(|document| document.code.as_deref());
    if !response.status().is_success() || code.is_some_and(|code| code != "Success") {
        let code = code.filter(|code| is_plain(code)).map(str::to_owned);
        let error = failed(ProvideProblem::Refused { status: response.status().as_u16(), code });
        return Err(if response.status().is_server_error() { error.transient() } else { error });
    }
    let document = document.map_err(|_| failed(ProvideProblem::NotADocument))?;
    let document = match document.credentials {
        Some(nested) => *nested,
        None => document,
    };
    let Document {
        access_key_id: Some(id),
        access_key_secret: Some(secret),
        security_token: Some(token),
        expiration,
        ..
    } = document
    else {
        return Err(failed(ProvideProblem::Incomplete));
    };
    let credentials = Credentials::temporary(&id, &secret, &token)
        .map_err(|error| ProvideError::invalid_credentials(provider, error))?;
    let Some(text) = expiration else {
        return Ok(ExpiringCredentials::from(credentials).renew_at(now.plus(RENEW_AFTER)));
    };
    let expires_at = humantime::parse_rfc3339(&text)
        .map(|time: SystemTime| UnixTime::from(time))
        .map_err(|_| failed(ProvideProblem::InvalidExpiration))?;
    // Measured by the clock of the server, because the local clock may be wrong.
    let date =
        response.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let lifetime = expires_at.since(date.map_or(now, UnixTime::from));
    if lifetime.is_zero() {
        return Err(failed(ProvideProblem::Expired));
    }
    Ok(ExpiringCredentials::new(credentials, now.plus(lifetime)))
}

/// Returns whether a code may be shown: the vendor's codes are words with dots.
fn is_plain(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_')
}
