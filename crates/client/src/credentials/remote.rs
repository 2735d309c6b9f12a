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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_767_323_045);
    const KEYS: &str = r#""AccessKeyId":"STS.id","AccessKeySecret":"planted","SecurityToken":"planted""#;

    fn read(
        status: u16,
        date: Option<&str>,
        body: impl Into<Vec<u8>>,
    ) -> Result<ExpiringCredentials, ProvideError> {
        let mut response = Response::builder().status(status);
        if let Some(date) = date {
            response = response.header(DATE, date);
        }
        read_credentials("test", NOW, Ok(response.body(Body::from(body.into())).unwrap()))
    }

    fn expiring(time: &str) -> String {
        format!(r#"{{{KEYS},"Expiration":"{time}"}}"#)
    }

    #[test]
    fn code_is_shown_only_if_it_is_a_plain_word() {
        let (longest, too_long) = ("c".repeat(64), "c".repeat(65));
        for (code, is_shown) in [
            ("NoPermission", true),
            ("EntityNotExist.Role_2", true),
            (&*longest, true),
            (&*too_long, false),
            ("planted secret", false),
            ("planted/secret", false),
            ("密码", false),
        ] {
            let error = read(403, None, format!(r#"{{"Code":"{code}"}}"#)).unwrap_err();
            assert_eq!(error.to_string().contains(code), is_shown, "{error}");
        }
    }

    #[test]
    fn error_says_why_a_response_gives_no_credentials_and_whether_to_try_again() {
        let without = |field: &str| expiring("2026-01-02T04:04:05Z").replace(field, "Other");
        for (status, body, expected, is_transient) in [
            (403, "<html>".to_owned(), "test: refused with HTTP 403", false),
            (500, "<html>".to_owned(), "test: refused with HTTP 500", true),
            (200, r#"{"Code":"Failed"}"#.to_owned(), "test: refused with HTTP 200, code Failed", false),
            (200, "<html>".to_owned(), "test: the response is not a credentials document", false),
            (200, without("AccessKeyId"), "test: the response lacks a part of the credentials", false),
            (200, without("AccessKeySecret"), "test: the response lacks a part of the credentials", false),
            (200, without("SecurityToken"), "test: the response lacks a part of the credentials", false),
            (200, expiring("tomorrow"), "test: the response's Expiration is not a time", false),
            // 03:04:05 is now.
            (200, expiring("2026-01-02T03:04:05Z"), "test: returned expired credentials", false),
        ] {
            let error = read(status, None, body).unwrap_err();
            assert_eq!((&*error.to_string(), error.is_transient()), (expected, is_transient));
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
        let silent = TransportError::new(
            cloudauth_transport::TransportErrorKind::Connect,
            cloudauth_transport::Sent::No,
        );
        let error = read_credentials("test", NOW, Err(silent)).unwrap_err();
        assert_eq!((&*error.to_string(), error.is_transient()), ("test: cannot be reached", true));
    }

    #[test]
    fn lifetime_is_measured_by_the_clock_of_the_server() {
        let in_an_hour = NOW.plus(Duration::from_secs(3600));
        let found = read(200, None, expiring("2026-01-02T04:04:05Z")).unwrap();
        assert_eq!((found.expires_at, found.renew_at), (Some(in_an_hour), None));
        // The server's clock is two hours ahead of this one.
        let date = Some("Fri, 02 Jan 2026 05:04:05 GMT");
        assert_eq!(read(200, date, expiring("2026-01-02T06:04:05Z")).unwrap().expires_at, Some(in_an_hour));
        assert!(read(200, date, expiring("2026-01-02T04:04:05Z")).is_err());
    }

    #[test]
    fn credentials_without_an_expiry_are_renewed_after_an_hour() {
        let found = read(200, None, format!(r#"{{"Code":"Success",{KEYS}}}"#)).unwrap();
        assert_eq!((found.expires_at, found.renew_at), (None, Some(NOW.plus(Duration::from_secs(3600)))));
        let nested = read(200, None, format!(r#"{{"Credentials":{{{KEYS}}}}}"#)).unwrap();
        assert_eq!(nested.credentials.access_key_id(), "STS.id");
    }
}
