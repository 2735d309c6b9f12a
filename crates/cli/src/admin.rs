//! A client of a running emulator's admin API, `/_emu/v1`.

use std::time::Duration;

use http::{Method, Request};
use serde_json::{Value, json};

use crate::args::Running;
use crate::commands::entropy;
use crate::failure::Failure;

/// An emulator that runs somewhere.
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

    /// With a limit for each request.
    pub(crate) fn within(running: &Running, limit: Duration) -> Result<Self, Failure> {
        let missing = "which emulator? Start one with `cloudauth emulator` and set CLOUDAUTH_ENDPOINT as it says, or give --endpoint";
        let endpoint = running.endpoint.as_ref().ok_or_else(|| Failure::usage(missing))?;
        // Not quoted: a URL may hold a password.
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(Failure::usage("--endpoint: give the scheme too, as in http://127.0.0.1:8080"));
        }
        let config =
            ureq::Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(limit));
        let token = std::env::var("CLOUDAUTH_EMULATOR_TOKEN").ok();
        Ok(Self { agent: config.build().into(), url: endpoint.trim_end_matches('/').to_owned(), token })
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, None)
    }

    /// A request with a body; `null` if the answer has none.
    pub(crate) fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let request = Request::builder().method(method).uri(format!("{}/_emu/v1{path}", self.url));
        let request = request.header("content-type", "application/json");
        let request = match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(body).map_err(|_| Failure::usage("--endpoint is not a URL"))?;
        let answer = self.agent.run(request);
        let failed = |error| {
            let reason = unreachable(&error);
            Failure::network(format!(
                "no emulator answers at --endpoint: {reason}; start one with `cloudauth emulator`"
            ))
        };
        let mut answer = answer.map_err(failed)?;
        let text = answer.body_mut().read_to_string().map_err(failed)?;
        let document: Value = serde_json::from_str(&text).unwrap_or_default();
        if answer.status().is_success() {
            return Ok(document);
        }
        let said = |field| document.get(field).and_then(Value::as_str);
        let Some(error) = said("error") else {
            return Err(Failure::usage("the server at --endpoint is not an emulator"));
        };
        let message = format!("{error}\nnext: {}", said("hint").unwrap_or_default());
        Err(match answer.status().as_u16() {
            401 => Failure::refused(format!(
                "{message}\n(this command takes the token from CLOUDAUTH_EMULATOR_TOKEN)"
            )),
            _ => Failure::other(message),
        })
    }

    /// The CertifyId of the latest verification.
    pub(crate) fn latest(&self) -> Result<String, Failure> {
        let all = self.get("/sessions")?;
        let latest = all.pointer("/sessions/0/certify_id").and_then(Value::as_str).map(str::to_owned);
        latest.ok_or_else(|| {
            Failure::usage("this emulator has no verification yet; give --callback-url to begin one")
        })
    }

    /// Starts a verification of a made-up person and returns its CertifyId. It has a callback token, so that forged
    /// callbacks differ from genuine ones.
    pub(crate) fn begin(&self, callback_url: &str) -> Result<String, Failure> {
        let token: String = entropy::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let wanted = json!({ "callback_url": callback_url, "callback_token": token });
        let begun = self.send(Method::POST, "/sessions", Some(wanted))?;
        let id = begun.get("certify_id").and_then(Value::as_str).map(str::to_owned);
        id.ok_or_else(|| Failure::other("the emulator did not say what it began"))
    }
}

/// Why a server could not be reached. Never quotes its URL, which may hold a secret.
pub(crate) fn unreachable(error: &ureq::Error) -> String {
    use std::io::ErrorKind;
    match error {
        ureq::Error::HostNotFound => "host not found".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::TlsRequired => "https needs a build with the feature `rustls`".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer in time".to_owned(),
            // How a TLS handshake that fails surfaces, an untrusted certificate among others.
            ErrorKind::InvalidData => format!("TLS handshake failed: {error}"),
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::UnexpectedEof => {
                "connection closed without an answer".to_owned()
            }
            kind => format!("connection failed: {kind}"),
        },
        ureq::Error::Protocol(_) => "the answer is not HTTP".to_owned(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "the address is not a URL".to_owned(),
        _ => "the request cannot be sent".to_owned(),
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
    fn each_way_to_fail_reads_differently() {
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
