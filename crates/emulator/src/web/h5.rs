//! The end user's page: the target of a `CertifyUrl`, and its forms.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use minijinja::{Value, context};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::assets::html;
use super::language::Language;
use super::return_url::{message, policy_source, way_back};
use super::templates::{Page, render, sub_codes};
use crate::http::without_secrets;
use crate::lifecycle::{perform, status_of};
use crate::sessions::{ActionError, Session, SessionOutcome, SessionStage, UserAction};
use crate::state::{AppState, EntrySource};

/// Characters to encode in a `Location` header, in addition to those outside ASCII.
const UNPRINTABLE: &AsciiSet = &CONTROLS.add(b' ');

/// Handles the short link: redirects to the long one.
pub(crate) async fn short(
    State(state): State<Arc<AppState>>,
    Path(code): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let token = state.sessions().by_link(&code).map(|session| session.token.clone());
    match token {
        Some(token) => to(StatusCode::FOUND, &format!("/h5/{token}")),
        None => unknown(&code, Language::of(query.as_deref(), &headers)),
    }
}

/// Handles the long link: shows the page.
pub(crate) async fn page(
    State(state): State<Arc<AppState>>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let language = Language::of(query.as_deref(), &headers);
    let now = state.clock.now();
    let session = state.sessions().by_link(&token).cloned();
    let Some(session) = session else { return unknown(&token, language) };
    match (session.check(now), &session.stage) {
        (Ok(()), _) => {
            let minutes_left = session.expires().since(now).as_secs().div_ceil(60);
            let asks_for = match (&session.forced, session.magic.description()) {
                (Some(forced), _) => format!("SubCode {}", forced.sub_code),
                (None, magic) if language == Language::Zh => magic.zh,
                (None, magic) => magic.en,
            };
            let of_state =
                context! { state => "open", sub_codes => sub_codes(language), asks_for, minutes_left };
            shown(StatusCode::OK, &session, language, of_state)
        }
        (Err(_), SessionStage::Finished(_)) if session.is_iframe() => shown(
            StatusCode::OK,
            &session,
            language,
            context! { state => "done", message => message(&session) },
        ),
        (Err(_), SessionStage::Cancelled) if session.is_iframe() => shown(
            StatusCode::OK,
            &session,
            language,
            context! { state => "given_up", message => message(&session) },
        ),
        (Err(refused), _) => refusal(refused, &session, language),
    }
}

/// Handles a submission. The form fields `sub_code` and `verify_score` choose the outcome.
pub(crate) async fn submit(
    State(state): State<Arc<AppState>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: String,
) -> Response<Body> {
    let field = |name: &str| {
        let mut fields = form_urlencoded::parse(form.as_bytes());
        fields.find(|(found, value)| found == name && !value.is_empty()).map(|(_, value)| value.into_owned())
    };
    let score = field("verify_score").map(|score| score.parse().unwrap_or(f64::NAN));
    let language = Language::of(Some(&form), &headers);
    match SessionOutcome::requested(field("sub_code").as_deref(), score) {
        Ok(chosen) => act(&state, &token, UserAction::Submit(chosen), "submit", language),
        Err(reason) => {
            let text = if language == Language::Zh { reason.zh } else { reason.en };
            html(StatusCode::BAD_REQUEST, text.to_owned(), "", "*")
        }
    }
}

/// Handles a cancellation.
pub(crate) async fn cancel(
    State(state): State<Arc<AppState>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: String,
) -> Response<Body> {
    act(&state, &token, UserAction::Cancel, "cancel", Language::of(Some(&form), &headers))
}

/// Handles an early expiry.
pub(crate) async fn expire(
    State(state): State<Arc<AppState>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: String,
) -> Response<Body> {
    act(&state, &token, UserAction::Expire, "expire", Language::of(Some(&form), &headers))
}

fn act(state: &AppState, token: &str, what: UserAction, name: &str, language: Language) -> Response<Body> {
    let session = state.sessions().by_link(token).cloned();
    let Some(session) = session else { return unknown(token, language) };
    let again = format!("/h5/{}?lang={}", session.token, language.as_str());
    match perform(state, &session.certify_id, what, name, EntrySource::Page) {
        Ok(session) if session.stage == SessionStage::Expired => to(StatusCode::SEE_OTHER, &again),
        Ok(session) => to(StatusCode::SEE_OTHER, &way_back(&session).unwrap_or(again)),
        Err(refused) => refusal(refused, &session, language),
    }
}

fn refusal(refused: ActionError, session: &Session, language: Language) -> Response<Body> {
    let state = match refused {
        ActionError::Unknown => "unknown",
        ActionError::Expired => "expired",
        ActionError::Ended => "used",
    };
    shown(status_of(refused), session, language, context! { state })
}

fn unknown(token: &str, language: Language) -> Response<Body> {
    let page = render(Page::H5, language, context! { state => "unknown", token });
    html(status_of(ActionError::Unknown), page, "", "*")
}

fn shown(status: StatusCode, session: &Session, language: Language, of_state: Value) -> Response<Body> {
    let iframe = session.is_iframe();
    // A `javascript:` URL must not become a link.
    let is_web = session.return_url.starts_with("https://") || session.return_url.starts_with("http://");
    let return_to = is_web.then_some(&session.return_url);
    let (token, certify_id) = (&session.token, &session.certify_id);
    let page = render(Page::H5, language, context! { token, certify_id, iframe, return_to, ..of_state });
    // The redirect after a form leads to the ReturnUrl, which the policy must allow.
    html(status, page, &policy_source(&session.return_url), "*")
}

fn to(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("to {}\n", without_secrets(location))));
    *response.status_mut() = status;
    // A ReturnUrl may contain spaces and non-ASCII letters, which a header may not.
    let location = utf8_percent_encode(location, UNPRINTABLE).to_string();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
