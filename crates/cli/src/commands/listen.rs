//! `cloudauth listen`: receives callbacks, tells of each, and hands them on.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use cloudauth::{Callback, SubCode};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use crate::args::Listen;
use crate::failure::Failure;
use crate::output::Output;

/// What each request needs.
struct Receiver {
    output: Output,
    forward_to: Option<String>,
    http: ureq::Agent,
}

pub(crate) async fn run(args: Listen, output: &Output) -> Result<u8, Failure> {
    if args.forward_to.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://"))
    {
        return Err(Failure::usage("--forward-to takes an address that begins with http:// or https://"));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await;
    let listener =
        listener.map_err(|error| Failure::other(format!("cannot listen on port {}: {error}", args.port)))?;
    let url = format!("http://{}", listener.local_addr().map_err(Failure::other)?);
    let to =
        args.forward_to.as_deref().map(|url| format!(", handed on to {}", shown(url))).unwrap_or_default();
    output.print(
        &format!("listening  CallbackUrl {url}/callback{to}; stop it with Ctrl-C"),
        &json!({ "callback_url": format!("{url}/callback") }),
    );
    let http = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_millis(900)));
    let receiver = Receiver {
        output: Output { format: output.format, language: output.language },
        forward_to: args.forward_to,
        http: http.build().into(),
    };
    let router = Router::new().fallback(receive).with_state(Arc::new(receiver));
    tokio::select! {
        served = axum::serve(listener, router) => served.map(|()| 0).map_err(Failure::other),
        _ = tokio::signal::ctrl_c() => Ok(0),
    }
}

/// Tells of a request, hands it on, and answers what the other answered, or 200.
async fn receive(State(receiver): State<Arc<Receiver>>, RawQuery(query): RawQuery) -> StatusCode {
    let query = query.unwrap_or_default();
    let callback = Callback::parse(&query).ok();
    let status = match &receiver.forward_to {
        Some(url) => hand_on(&receiver.http, url, &query).await,
        None => Some(200),
    };
    let answered = match (&receiver.forward_to, status) {
        (None, _) => String::new(),
        (Some(_), Some(status)) => format!(" -> {status}"),
        (Some(_), None) => " -> no answer".to_owned(),
    };
    let Some(callback) = callback else {
        receiver.output.print(
            &format!("probe      {}{answered}", "no callback's parameters"),
            &json!({ "probe": true, "status": status }),
        );
        return code(status);
    };
    let claimed = callback.claimed_sub_code().map(ToString::to_string);
    let meaning =
        callback.claimed_sub_code().and_then(SubCode::manual).map(|entry| receiver.output.say(entry.meaning));
    let human = format!(
        "callback   CertifyId {} claims SubCode {} ({}){answered}",
        callback.certify_id().as_str(),
        claimed.as_deref().unwrap_or("-"),
        meaning.unwrap_or("unknown"),
    );
    let document = json!({
        "certify_id": callback.certify_id().as_str(),
        "claimed_sub_code": claimed,
        "status": status,
    });
    receiver.output.print(&human, &document);
    code(status)
}

fn code(status: Option<u16>) -> StatusCode {
    status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_GATEWAY)
}

async fn hand_on(http: &ureq::Agent, url: &str, query: &str) -> Option<u16> {
    let joint = if url.contains('?') { '&' } else { '?' };
    let (http, url) =
        (http.clone(), if query.is_empty() { url.to_owned() } else { format!("{url}{joint}{query}") });
    spawn_blocking(move || http.get(url).call().ok().map(|answer| answer.status().as_u16())).await.ok()?
}

/// An address without what may be secret in it.
fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
