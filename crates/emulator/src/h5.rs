//! What stands behind a `CertifyUrl`: the page of the end user.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use cloudauth_protocol::SubCode;
use minijinja::{Value, context};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::json;

use crate::callback;
use crate::journal::{Entry, What};
use crate::outcome::Outcome;
use crate::pages::{Language, Page, html, render};
use crate::sessions::{Act, Refused, Session, Stage};
use crate::state::State;

/// What a `Location` header cannot hold as it is: control characters and spaces, beside what is not ASCII.
const UNPRINTABLE: &AsciiSet = &CONTROLS.add(b' ');

/// The short link.
pub(crate) async fn short(
    Shared(state): Shared<Arc<State>>,
    Path(code): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let token = state.sessions().behind(&code).map(|session| session.token.clone());
    match token {
        Some(token) => to(StatusCode::FOUND, &format!("/h5/{token}")),
        None => unknown(&code, Language::of(query.as_deref(), &headers)),
    }
}

/// The page.
pub(crate) async fn page(
    Shared(state): Shared<Arc<State>>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let language = Language::of(query.as_deref(), &headers);
    let now = state.clock.now();
    let session = state.sessions().behind(&token).cloned();
    let Some(session) = session else { return unknown(&token, language) };
    match (session.check(now), &session.stage) {
        (Ok(()), _) => {
            let minutes_left = session.expires().since(now).as_secs().div_ceil(60);
            let asks_for = session
                .forced
                .as_ref()
                .map_or_else(|| session.magic.words(), |forced| format!("SubCode {}", forced.sub_code));
            let of_state =
                context! { state => "open", sub_codes => sub_codes(language), asks_for, minutes_left };
            shown(StatusCode::OK, &session, language, of_state)
        }
        (Err(_), Stage::Finished(_)) if session.is_iframe() => shown(
            StatusCode::OK,
            &session,
            language,
            context! { state => "done", message => message(&session) },
        ),
        (Err(_), Stage::GivenUp) if session.is_iframe() => shown(
            StatusCode::OK,
            &session,
            language,
            context! { state => "given_up", message => message(&session) },
        ),
        (Err(refused), _) => refusal(refused, &session, language),
    }
}

/// Submits. Form fields `sub_code` and `verify_score` choose the result; else the identity does.
pub(crate) async fn submit(
    Shared(state): Shared<Arc<State>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: String,
) -> Response<Body> {
    let field = |name: &str| {
        let mut fields = form_urlencoded::parse(form.as_bytes());
        fields.find(|(found, value)| found == name && !value.is_empty()).map(|(_, value)| value.into_owned())
    };
    let score = field("verify_score").map(|score| score.parse().unwrap_or(f64::NAN));
    match Outcome::wished(field("sub_code").as_deref(), score) {
        Ok(chosen) => act(&state, &token, Act::Submit(chosen), "submit", Language::of(Some(&form), &headers)),
        Err(problem) => html(StatusCode::BAD_REQUEST, problem.to_owned(), "", "*"),
    }
}

/// Gives up.
pub(crate) async fn cancel(
    Shared(state): Shared<Arc<State>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: String,
) -> Response<Body> {
    act(&state, &token, Act::GiveUp, "cancel", Language::of(Some(&form), &headers))
}

/// Lets the link die before its time.
pub(crate) async fn expire(
    Shared(state): Shared<Arc<State>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: String,
) -> Response<Body> {
    act(&state, &token, Act::LetExpire, "expire", Language::of(Some(&form), &headers))
}

fn act(state: &State, token: &str, what: Act, name: &str, language: Language) -> Response<Body> {
    let session = state.sessions().behind(token).cloned();
    let Some(session) = session else { return unknown(token, language) };
    let again = format!("/h5/{}?lang={}", session.token, language.as_str());
    match perform(state, &session.certify_id, what, name, What::Page) {
        Ok(session) if session.stage == Stage::Expired => to(StatusCode::SEE_OTHER, &again),
        Ok(session) => to(StatusCode::SEE_OTHER, &way_back(&session).unwrap_or(again)),
        Err(refused) => refusal(refused, &session, language),
    }
}

/// What the person does, or somebody for them, with all that follows from it: the callback, the journal.
pub(crate) fn perform(
    state: &State,
    certify_id: &str,
    act: Act,
    name: &str,
    who: What,
) -> Result<Session, Refused> {
    let now = state.clock.now();
    let done = state.sessions().act(certify_id, act, now);
    let status = match done {
        Ok(_) => StatusCode::SEE_OTHER,
        Err(refused) => status_of(refused),
    };
    let code = done.as_ref().ok().and_then(Session::result).map(|outcome| outcome.sub_code.clone());
    let entry = Entry::new(now, who, name, status.as_u16());
    state.journal().write(Entry { code, certify_id: Some(certify_id.to_owned()), ..entry });
    if let Ok(session) = &done {
        callback::schedule(state, session);
    }
    state.changed("sessions");
    state.changed("journal");
    state.save();
    done
}

/// What the browser brings back, or posts to the page around it: that the scan is finished, not that anybody passed.
fn message(session: &Session) -> String {
    let (code, sub_code, reason) = match session.stage {
        Stage::GivenUp => (1003, "Z1008", "user cancelled"),
        _ => (1000, "Z5050", "success"),
    };
    let extra = json!({ "certifyId": session.certify_id });
    json!({ "code": code, "subCode": sub_code, "reason": reason, "extInfo": extra }).to_string()
}

/// `ReturnUrl` with the parameter `response`; `None` in iframe mode. It stands in the query, and for a page whose router
/// keeps its routes behind the `#`, at the end.
fn way_back(session: &Session) -> Option<String> {
    if session.is_iframe() {
        return None;
    }
    let (url, message) = (&session.return_url, message(session));
    let pairs = [("response", Some(message.as_str()))];
    let routed = url.split_once('#').filter(|(_, route)| route.starts_with('/') || route.starts_with("!/"));
    Some(match routed {
        Some((page, route)) => format!("{page}#{}", callback::with_pairs(route, &pairs)),
        None => callback::with_pairs(url, &pairs),
    })
}

/// The SubCodes and what they mean, to choose from.
pub(crate) fn sub_codes(language: Language) -> Vec<Value> {
    let row = |row: &cloudauth_protocol::Manual| {
        let meaning = if language == Language::Zh { row.meaning.zh } else { row.meaning.en };
        context! { code => row.code, meaning }
    };
    SubCode::MANUAL.iter().map(row).collect()
}

const fn status_of(refused: Refused) -> StatusCode {
    match refused {
        Refused::Unknown => StatusCode::NOT_FOUND,
        Refused::Expired => StatusCode::GONE,
        Refused::Used => StatusCode::CONFLICT,
    }
}

fn refusal(refused: Refused, session: &Session, language: Language) -> Response<Body> {
    let state = match refused {
        Refused::Unknown => "unknown",
        Refused::Expired => "expired",
        Refused::Used => "used",
    };
    shown(status_of(refused), session, language, context! { state })
}

fn unknown(token: &str, language: Language) -> Response<Body> {
    let page = render(Page::H5, language, context! { state => "unknown", token });
    html(status_of(Refused::Unknown), page, "", "*")
}

fn shown(status: StatusCode, session: &Session, language: Language, of_state: Value) -> Response<Body> {
    let iframe = session.is_iframe();
    // No link leads to a script.
    let is_web = session.return_url.starts_with("https://") || session.return_url.starts_with("http://");
    let return_to = is_web.then_some(&session.return_url);
    let (token, certify_id) = (&session.token, &session.certify_id);
    let page = render(Page::H5, language, context! { token, certify_id, iframe, return_to, ..of_state });
    // A form's answer leads there, and the browser looks whether it may.
    html(status, page, &origin(&session.return_url), "*")
}

fn origin(url: &str) -> String {
    let parsed = url.split('#').next().and_then(|url| url.parse::<Uri>().ok());
    let origin = parsed.and_then(|url| Some(format!("{}://{}", url.scheme_str()?, url.authority()?)));
    // Into a header goes what browsers would send there.
    origin
        .filter(|origin| origin.bytes().all(|b| b.is_ascii_graphic() && b != b';' && b != b','))
        .unwrap_or_default()
}

fn to(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("to {}\n", callback::shown(location))));
    *response.status_mut() = status;
    // A ReturnUrl may hold spaces or letters of any alphabet; a header may not.
    let location = utf8_percent_encode(location, UNPRINTABLE).to_string();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
