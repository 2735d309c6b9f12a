//! A client of the admin API of a running emulator, `/_emu/v1`.

use std::time::Duration;

use http::{Method, Request};
use serde_json::{Value, json};

use crate::args::Running;
use crate::failure::Failure;
use crate::random::entropy;
use crate::words::{Said, emulator as words};

/// A running emulator.
#[derive(Debug)]
pub(crate) struct Admin {
    agent: ureq::Agent,
    url: String,
    token: Option<String>,
}

impl Admin {
    pub(crate) fn of(running: &Running) -> Result<Self, Failure> {
        Self::within(running, Duration::from_secs(30))
    }

    /// Creates a client with a timeout for each request.
    pub(crate) fn within(running: &Running, limit: Duration) -> Result<Self, Failure> {
        let endpoint = running.endpoint.as_ref().ok_or_else(|| Failure::usage(words::WHICH))?;
        // Not quoted: a URL may hold a password.
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(Failure::usage(words::SCHEME));
        }
        let config =
            ureq::Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(limit));
        let token = std::env::var("CLOUDAUTH_EMULATOR_TOKEN").ok();
        Ok(Self { agent: config.build().into(), url: endpoint.trim_end_matches('/').to_owned(), token })
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, None)
    }

    /// Sends a request and returns the body of the response; `null` if it has none.
    pub(crate) fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let request = Request::builder().method(method).uri(format!("{}/_emu/v1{path}", self.url));
        let request = request.header("content-type", "application/json");
        let request = match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(body).map_err(|_| Failure::usage(words::NOT_A_URL))?;
        let answer = self.agent.run(request);
        let failed = |error| Failure::network(words::no_answer(&unreachable(&error)));
        let mut answer = answer.map_err(failed)?;
        let text = answer.body_mut().read_to_string().map_err(failed)?;
        let document: Value = serde_json::from_str(&text).unwrap_or_default();
        if answer.status().is_success() {
            return Ok(document);
        }
        let said = |field| document.get(field).and_then(Value::as_str);
        let Some(error) = said("error") else {
            return Err(Failure::usage(words::NOT_AN_EMULATOR));
        };
        let hint = said("hint").unwrap_or_default();
        Err(match answer.status().as_u16() {
            401 => Failure::refused(words::reported(error, hint, true)),
            _ => Failure::other(words::reported(error, hint, false)),
        })
    }

    /// The CertifyId of the latest verification.
    pub(crate) fn latest(&self) -> Result<String, Failure> {
        let all = self.get("/sessions")?;
        let latest = all.pointer("/sessions/0/certify_id").and_then(Value::as_str).map(str::to_owned);
        latest.ok_or_else(|| Failure::usage(words::NO_VERIFICATION))
    }

    /// Starts a verification of a made-up person and returns its CertifyId. It has a callback token, so that forged
    /// callbacks differ from genuine ones.
    pub(crate) fn begin(&self, callback_url: &str) -> Result<String, Failure> {
        let token: String = entropy::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let wanted = json!({ "callback_url": callback_url, "callback_token": token });
        let begun = self.send(Method::POST, "/sessions", Some(wanted))?;
        let id = begun.get("certify_id").and_then(Value::as_str).map(str::to_owned);
        id.ok_or_else(|| Failure::other(words::NOT_BEGUN))
    }
}

/// Describes why a server is unreachable. It never quotes the URL, which may contain a secret.
pub(crate) fn unreachable(error: &ureq::Error) -> Said {
    use std::io::ErrorKind;
    match error {
        ureq::Error::HostNotFound => words::HOST_NOT_FOUND.into(),
        ureq::Error::Timeout(_) => words::NO_ANSWER_IN_TIME.into(),
        ureq::Error::TlsRequired => words::TLS_REQUIRED.into(),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => words::CONNECTION_REFUSED.into(),
            ErrorKind::TimedOut | ErrorKind::WouldBlock => words::NO_ANSWER_IN_TIME.into(),
            // A TLS handshake that fails, because of an untrusted certificate for example.
            ErrorKind::InvalidData => words::tls_failed(error),
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::UnexpectedEof => {
                words::CLOSED.into()
            }
            kind => words::connection_failed(kind),
        },
        ureq::Error::Protocol(_) => words::NOT_HTTP.into(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => words::ADDRESS_NOT_A_URL.into(),
        _ => words::CANNOT_SEND.into(),
    }
}

/// The text of a field, or `-`.
pub(crate) fn text(of: &Value, field: &str) -> String {
    match of.get(field) {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_own_message() {
        let unreachable = |error: &ureq::Error| unreachable(error).en;
        let io = |kind, text: &str| unreachable(&ureq::Error::Io(Error::new(kind, text.to_owned())));
        let reasons = [
            io(ErrorKind::ConnectionRefused, ""),
            io(ErrorKind::InvalidData, "invalid peer certificate: UnknownIssuer"),
            io(ErrorKind::UnexpectedEof, ""),
            unreachable(&ureq::Error::HostNotFound),
            unreachable(&ureq::Error::TlsRequired),
            unreachable(&ureq::Error::Timeout(ureq::Timeout::Global)),
        ];
        assert_eq!(reasons.iter().collect::<std::collections::BTreeSet<_>>().len(), reasons.len());
        assert!(reasons[1].contains("certificate"), "{reasons:?}");
        assert!(!unreachable(&ureq::Error::BadUri("planted-secret".to_owned())).contains("planted"));
    }
}
