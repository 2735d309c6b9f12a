//! A client of the admin API of a running emulator, `/_emu/v1`.

use std::time::Duration;

use cloudauth::web_url;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::args::Running;
use crate::failure::Failure;
use crate::random::entropy;
use crate::words::emulator as words;
use crate::words::errors::url_of;
use crate::words::unreachable::unreachable;

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
        check_url("--endpoint", endpoint)?;
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
        let request = request.body(body).map_err(|_| Failure::usage(words::BAD_TOKEN))?;
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
        let hint = said("command").or_else(|| said("hint")).unwrap_or_default();
        let zh = |field| document.pointer(&format!("/zh/{field}")).and_then(Value::as_str);
        let in_chinese = zh("error").zip(zh("command").or_else(|| zh("hint")));
        Err(match answer.status().as_u16() {
            401 => Failure::refused(words::reported((error, hint), in_chinese, true)),
            _ => Failure::other(words::reported((error, hint), in_chinese, false)),
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

/// Checks the URL of an option. The error does not quote it, because a URL may hold a password.
pub(crate) fn check_url(option: &str, url: &str) -> Result<(), Failure> {
    match web_url(url) {
        Ok(_) => Ok(()),
        Err(_) if !url.contains("://") => Err(Failure::usage(words::scheme(option))),
        Err(error) => Err(Failure::usage(url_of(option, error))),
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
