//! A client of the admin API of a running emulator, `/_emu/v1`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloudauth::web_url;
use cloudauth_emulator::Emulator;
use http::{Method, Request, StatusCode, Uri};
use serde_json::{Value, json};

use crate::args::Running;
use crate::failure::Failure;
use crate::random::entropy;
use crate::words::emulator as words;
use crate::words::errors::url_of;
use crate::words::unreachable::unreachable;

/// The longest response that is read, in bytes. It lists at most 200 sessions, whose texts have at most 8 KiB each.
const LONGEST: u64 = 10 << 20;

/// A running emulator. It has no `Debug`, because its URL can hold a password.
pub(crate) struct Admin {
    agent: ureq::Agent,
    url: String,
    token: Option<String>,
    /// Whether the emulator has asked for the token. The server at the address can be another one, which must not receive it.
    needs_token: AtomicBool,
}

impl Admin {
    pub(crate) fn of(running: &Running) -> Result<Self, Failure> {
        Self::within(running, Duration::from_secs(30))
    }

    /// Creates a client with a timeout for each request.
    pub(crate) fn within(running: &Running, limit: Duration) -> Result<Self, Failure> {
        let endpoint = running.endpoint.as_ref().ok_or_else(|| Failure::usage(words::WHICH))?;
        check_base("--endpoint", endpoint)?;
        let config =
            ureq::Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(limit));
        let token = std::env::var("CLOUDAUTH_EMULATOR_TOKEN").ok();
        let url = endpoint.trim_end_matches('/').to_owned();
        Ok(Self { agent: config.build().into(), url, token, needs_token: AtomicBool::new(false) })
    }

    /// Asks the server whether it is an emulator.
    pub(crate) fn is_emulator(&self) -> bool {
        self.get("/info").is_ok_and(|info| {
            info.get("access_key_id").and_then(Value::as_str) == Some(Emulator::ACCESS_KEY_ID)
                && info.get("accepts_any_id").is_some_and(Value::is_boolean)
                && info.get("seed").is_some_and(Value::is_string)
        })
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, None)
    }

    /// Sends a request and returns the body of the response; `null` if it has none.
    pub(crate) fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut token = self.token.as_deref().filter(|_| self.needs_token.load(Ordering::Relaxed));
        let (mut status, mut document) = self.ask(&method, path, &body, token)?;
        if token.is_none() && status == StatusCode::UNAUTHORIZED && is_problem(&document) {
            token = self.token.as_deref();
            if token.is_some() {
                self.needs_token.store(true, Ordering::Relaxed);
                (status, document) = self.ask(&method, path, &body, token)?;
            }
        }
        if status.is_success() {
            return Ok(document);
        }
        let said = |field| document.get(field).and_then(Value::as_str);
        let Some(error) = said("error") else {
            return Err(Failure::usage(words::NOT_AN_EMULATOR));
        };
        let hint = said("command").or_else(|| said("hint")).unwrap_or_default();
        let zh = |field| document.pointer(&format!("/zh/{field}")).and_then(Value::as_str);
        let in_chinese = zh("error").zip(zh("command").or_else(|| zh("hint")));
        Err(match status {
            StatusCode::UNAUTHORIZED => Failure::refused(words::reported((error, hint), in_chinese, true)),
            _ => Failure::other(words::reported((error, hint), in_chinese, false)),
        })
    }

    /// Sends a request once. Returns the status, and the body of the response; `null` if it is not JSON.
    fn ask(
        &self,
        method: &Method,
        path: &str,
        body: &str,
        token: Option<&str>,
    ) -> Result<(StatusCode, Value), Failure> {
        let request = Request::builder().method(method).uri(format!("{}/_emu/v1{path}", self.url));
        let request = request.header("content-type", "application/json");
        let request = match token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let request = request.body(body).map_err(|_| Failure::usage(words::BAD_TOKEN))?;
        let failed = |error| Failure::network(words::no_answer(&unreachable(&error)));
        let mut answer = self.agent.run(request).map_err(failed)?;
        let text = answer.body_mut().with_config().limit(LONGEST).read_to_string().map_err(failed)?;
        Ok((answer.status(), serde_json::from_str(&text).unwrap_or_default()))
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

/// Returns whether a document is an error of an emulator's admin API, which says it in both languages.
fn is_problem(document: &Value) -> bool {
    ["/error", "/hint", "/zh/error", "/zh/hint"]
        .iter()
        .all(|member| document.pointer(member).is_some_and(Value::is_string))
}

/// Checks the URL of an option. The error does not quote it, because a URL may hold a password.
pub(crate) fn check_url(option: &str, url: &str) -> Result<Uri, Failure> {
    match web_url(url) {
        Ok(parsed) => Ok(parsed),
        Err(_) if !url.contains("://") => Err(Failure::usage(words::scheme(option))),
        Err(error) => Err(Failure::usage(url_of(option, error))),
    }
}

/// Checks the URL of an option to which the command appends a path.
pub(crate) fn check_base(option: &str, url: &str) -> Result<Uri, Failure> {
    let parsed = check_url(option, url)?;
    if url.contains(['?', '#']) { Err(Failure::usage(words::not_a_base(option))) } else { Ok(parsed) }
}

/// The text of a field, or `-`.
pub(crate) fn text(of: &Value, field: &str) -> String {
    match of.get(field) {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => "-".to_owned(),
    }
}
