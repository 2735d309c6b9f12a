//! Looking after a running emulator over its `/_emu/v1`.

use http::{Method, Request};
use serde_json::{Value, json};

use crate::args::Running;
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
        let missing = "which emulator? Start one with `cloudauth emulator` and set CLOUDAUTH_ENDPOINT as it says, or give --endpoint";
        let endpoint = running.endpoint.as_ref().ok_or_else(|| Failure::usage(missing))?;
        let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false);
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
        let request = request.body(body).map_err(|_| Failure::usage("--endpoint is no address"))?;
        let answer = self.agent.run(request);
        let nobody = "no emulator answers at --endpoint; start one with `cloudauth emulator`";
        let mut answer = answer.map_err(|_| Failure::network(nobody))?;
        let text = answer.body_mut().read_to_string().map_err(|_| Failure::network(nobody))?;
        let document: Value = serde_json::from_str(&text).unwrap_or_default();
        if answer.status().is_success() {
            return Ok(document);
        }
        let said = |field| document.get(field).and_then(Value::as_str);
        let Some(error) = said("error") else {
            return Err(Failure::usage("what answers at --endpoint is no emulator"));
        };
        let message = format!("{error}\nnext: {}", said("hint").unwrap_or_default());
        Err(match answer.status().as_u16() {
            401 => Failure::refused(format!(
                "{message}\n(this command takes the token from CLOUDAUTH_EMULATOR_TOKEN)"
            )),
            _ => Failure::other(message),
        })
    }

    /// The CertifyId of the verification that began last.
    pub(crate) fn latest(&self) -> Result<String, Failure> {
        let all = self.get("/sessions")?;
        let latest = all.pointer("/sessions/0/certify_id").and_then(Value::as_str).map(str::to_owned);
        latest.ok_or_else(|| {
            Failure::usage("this emulator has no verification yet; give --callback-url to begin one")
        })
    }

    /// Begins a verification of somebody made up, and gives its CertifyId.
    pub(crate) fn begin(&self, callback_url: &str) -> Result<String, Failure> {
        let begun = self.send(Method::POST, "/sessions", Some(json!({ "callback_url": callback_url })))?;
        let id = begun.get("certify_id").and_then(Value::as_str).map(str::to_owned);
        id.ok_or_else(|| Failure::other("the emulator did not say what it began"))
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
