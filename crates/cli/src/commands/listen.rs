//! `cloudauth listen`: receives callbacks, prints each one and forwards it.

use std::collections::HashMap;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use cloudauth::{Callback, Endpoint, SubCode, mask_digits};
use http_body_util::LengthLimitError;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::admin::{Admin, check_url};
use crate::args::{Listen, Running};
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::words::unreachable::{ADDRESS_NOT_A_URL, unreachable};
use crate::words::{Said, Text, emulator as words};

/// The largest body that is forwarded, in bytes.
const MOST_BODY: usize = 1 << 20;
/// The most verifications whose callbacks are counted.
const MOST_COUNTED: usize = 10_000;
/// The most characters of a method that are printed.
const LONGEST_METHOD: usize = 32;
/// The timeout of a question to the emulator, which waits one second for the response to its callback.
const ANSWER: Duration = Duration::from_millis(400);
/// The timeout of a body.
const BODY: Duration = Duration::from_secs(10);

/// The state that all requests share.
struct Receiver {
    output: Output,
    forward_to: Option<Uri>,
    http: ureq::Agent,
    /// The emulator that checks tokens.
    emulator: Option<Admin>,
    /// The number of callbacks for each CertifyId.
    seen: Mutex<HashMap<String, u32>>,
}

/// Whether a callback carries the token that its verification was started with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Authenticity {
    Genuine,
    Forged,
    /// No emulator was asked, or the verification has no token.
    Unchecked,
}

impl Authenticity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Genuine => "genuine",
            Self::Forged => "forged",
            Self::Unchecked => "unchecked",
        }
    }

    const fn words(self) -> Text {
        match self {
            Self::Genuine => words::GENUINE,
            Self::Forged => words::FORGED,
            Self::Unchecked => words::UNCHECKED,
        }
    }
}

pub(crate) async fn run(args: Listen, output: &Output) -> Result<u8, Failure> {
    let forward_to = args.forward_to.as_deref().map(target).transpose()?;
    let emulator = emulator(&args.running).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await;
    let listener =
        listener.map_err(|error| Failure::start(error.kind(), words::cannot_listen(args.port, error)))?;
    let own = listener.local_addr().map_err(Failure::other)?;
    if forward_to.as_ref().is_some_and(|target| is_at(target, own)) {
        return Err(Failure::usage(words::TO_ITSELF));
    }
    let url = format!("http://{own}");
    let unchecked = match (&emulator, &args.running.endpoint) {
        (Some(_), _) => None,
        (None, Some(_)) => Some(words::NO_EMULATOR),
        (None, None) => Some(words::NO_ENDPOINT),
    };
    output.stream(
        &output.pick(words::listening(&url, forward_to.as_ref().map(shown).as_deref(), unchecked)),
        &json!({ "callback_url": format!("{url}/callback") }),
    );
    let http = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_millis(900)));
    let receiver = Receiver {
        output: Output::new(output.format, output.language),
        forward_to,
        http: http.build().into(),
        emulator,
        seen: Mutex::default(),
    };
    let router = Router::new().fallback(receive).with_state(Arc::new(receiver));
    tokio::select! {
        () = output::failed() => Ok(0),
        served = axum::serve(listener, router) => served.map(|()| 0).map_err(Failure::other),
        _ = tokio::signal::ctrl_c() => Ok(0),
    }
}

/// Returns whether a URL leads to this address on loopback: each request would be forwarded without end.
fn is_at(target: &Uri, own: SocketAddr) -> bool {
    let host = target.host().unwrap_or_default();
    let is_here = host.eq_ignore_ascii_case("localhost") || host.parse() == Ok(own.ip());
    is_here && target.port_u16().unwrap_or(80) == own.port()
}

/// Reads the URL to which requests are forwarded.
fn target(url: &str) -> Result<Uri, Failure> {
    let parsed = check_url("--forward-to", url)?;
    // The parser drops a fragment.
    if url.contains('#') { Err(Failure::usage(words::NO_FRAGMENT)) } else { Ok(parsed) }
}

/// Returns the emulator at the endpoint, if one answers there. `CLOUDAUTH_ENDPOINT` may also name the service itself, with or
/// without its scheme, which must not receive any token.
async fn emulator(running: &Running) -> Result<Option<Admin>, Failure> {
    let Some(endpoint) = &running.endpoint else { return Ok(None) };
    if !endpoint.contains("://") && endpoint.parse::<Endpoint>().is_ok() {
        return Ok(None);
    }
    let admin = Admin::within(running, ANSWER)?;
    let asked = spawn_blocking(move || admin.is_emulator().then_some(admin));
    Ok(asked.await.ok().flatten())
}

/// Forwards a request, prints it, and responds with the status of the target, or 200.
async fn receive(State(receiver): State<Arc<Receiver>>, request: Request<Body>) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body = match timeout(BODY, to_bytes(body, MOST_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => {
            let (reason, status) = match error.source().is_some_and(|source| source.is::<LengthLimitError>())
            {
                true => (words::BODY_TOO_LARGE, StatusCode::PAYLOAD_TOO_LARGE),
                false => (words::BODY_BROKEN, StatusCode::BAD_REQUEST),
            };
            return receiver.refuse(&parts, reason, status);
        }
        Err(_) => {
            return receiver.refuse(&parts, words::BODY_TOO_SLOW, StatusCode::REQUEST_TIMEOUT);
        }
    };
    spawn_blocking(move || receiver.handle(&parts, body.to_vec()))
        .await
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl Receiver {
    /// Prints a request that is not forwarded.
    fn refuse(&self, parts: &Parts, reason: Text, status: StatusCode) -> StatusCode {
        let method = method(parts);
        let human = self.output.pick(words::malformed(&method, &reason.into()));
        let document = json!({ "malformed": reason.en, "method": method, "status": status.as_u16() });
        self.output.stream(&human, &document);
        status
    }

    fn handle(&self, parts: &Parts, body: Vec<u8>) -> StatusCode {
        let (query, method) = (parts.uri.query().unwrap_or_default(), method(parts));
        let forwarded = self.forward_to.as_ref().map(|url| self.forward(url, parts, body));
        let answered = match &forwarded {
            None => String::new(),
            Some(Ok(status)) => format!(" -> {status}"),
            Some(Err(reason)) => self.output.pick(words::not_forwarded(reason)),
        };
        let status = match &forwarded {
            None => Some(StatusCode::OK.as_u16()),
            Some(forwarded) => forwarded.as_ref().ok().copied(),
        };
        let reason = forwarded.and_then(Result::err).map(|reason| reason.en);
        let outcome = json!({ "method": method, "status": status, "forward_error": reason });
        match Callback::parse(query) {
            Ok(callback) => self.print_callback(&callback, &answered, outcome),
            Err(error) if names_a_verification(query) => {
                let reason = Said::from(&error);
                let human = self.output.pick(words::malformed(&method, &reason)) + &answered;
                self.output.stream(&human, &merged(json!({ "malformed": error.to_string() }), outcome));
            }
            Err(_) => {
                let human = self.output.pick(words::probe(&method)) + &answered;
                self.output.stream(&human, &merged(json!({ "probe": true }), outcome));
            }
        }
        status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_GATEWAY)
    }

    fn print_callback(&self, callback: &Callback, answered: &str, outcome: Value) {
        let id = callback.certify_id().as_str();
        let authenticity = self.check(callback);
        let count = self.count(id);
        let claimed = callback.claimed_sub_code().map(ToString::to_string);
        let meaning = callback.claimed_sub_code().and_then(SubCode::manual).map(|entry| entry.meaning.into());
        // A forged callback can have any text there.
        let shown = mask_digits(id);
        let human = words::callback(
            authenticity.words(),
            &shown,
            claimed.as_deref().unwrap_or("-"),
            meaning.unwrap_or(words::UNKNOWN),
            count,
        );
        let human = self.output.pick(human) + answered;
        let document = json!({
            "certify_id": shown,
            "claimed_sub_code": claimed,
            "authenticity": authenticity.as_str(),
            "duplicate": count.map(|count| count > 1),
        });
        self.output.stream(&human, &merged(document, outcome));
    }

    /// Checks with the emulator whether the token of the callback belongs to the verification.
    fn check(&self, callback: &Callback) -> Authenticity {
        let Some(emulator) = &self.emulator else { return Authenticity::Unchecked };
        let token = callback.token().map_or("", |token| token.expose());
        let question = json!({ "certify_id": callback.certify_id().as_str(), "callback_token": token });
        let answer = emulator.send(Method::POST, "/callbacks/check", Some(question));
        match answer.ok().as_ref().and_then(|answer| answer.get("verdict")).and_then(Value::as_str) {
            Some("genuine") => Authenticity::Genuine,
            Some("forged") => Authenticity::Forged,
            _ => Authenticity::Unchecked,
        }
    }

    /// Counts the callbacks of a verification; `None` beyond the verifications that are counted.
    fn count(&self, certify_id: &str) -> Option<u32> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_COUNTED && !seen.contains_key(certify_id) {
            return None;
        }
        let count = seen.entry(certify_id.to_owned()).or_default();
        *count += 1;
        Some(*count)
    }

    /// Forwards the request with its method, query, content type and body. Returns the status of the response.
    fn forward(&self, target: &Uri, parts: &Parts, body: Vec<u8>) -> Result<u16, Said> {
        let query = parts.uri.query().unwrap_or_default();
        let joint = if target.query().is_some() { '&' } else { '?' };
        let url = if query.is_empty() { target.to_string() } else { format!("{target}{joint}{query}") };
        let mut request = http::Request::builder().method(&parts.method).uri(url);
        if let Some(content_type) = parts.headers.get(CONTENT_TYPE) {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let sent = if body.is_empty() {
            self.http.run(request.body(()).map_err(|_| Said::from(ADDRESS_NOT_A_URL))?)
        } else {
            let config =
                self.http.configure_request(request.body(body).map_err(|_| Said::from(ADDRESS_NOT_A_URL))?);
            self.http.run(config.allow_non_standard_methods(true).build())
        };
        sent.map(|answer| answer.status().as_u16()).map_err(|error| unreachable(&error))
    }
}

/// The method of a request, which is any text of the sender.
fn method(parts: &Parts) -> String {
    let method: String = parts.method.as_str().chars().take(LONGEST_METHOD).collect();
    mask_digits(&method).into_owned()
}

/// Whether an invalid query is that of a callback.
fn names_a_verification(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("certifyId=") || pair.starts_with("transactionId="))
}

/// Two objects as one.
fn merged(mut document: Value, more: Value) -> Value {
    if let (Some(document), Value::Object(more)) = (document.as_object_mut(), more) {
        document.extend(more);
    }
    document
}

/// A URL without its user, password and query, which may hold secrets.
fn shown(url: &Uri) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let (scheme, host) = (url.scheme_str().unwrap_or_default(), url.host().unwrap_or_default());
    format!("{scheme}://{host}{port}{}", url.path())
}
