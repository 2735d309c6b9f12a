//! What stands behind a `CertifyUrl`: the page of the end user.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use minijinja::{Value, context};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::assets::html;
use super::language::Language;
use super::return_url::{message, origin, way_back};
use super::templates::{Page, render, sub_codes};
use crate::http::shown as without_query;
use crate::lifecycle::{perform, status_of};
use crate::sessions::{Act, Outcome, Refused, Session, Stage};
use crate::state::{State, What};

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

fn to(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("to {}\n", without_query(location))));
    *response.status_mut() = status;
    // A ReturnUrl may hold spaces or letters of any alphabet; a header may not.
    let location = utf8_percent_encode(location, UNPRINTABLE).to_string();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
