//! Verifications: looking at them, and doing what their person would.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{Answer, Problem, created};
use crate::callbacks;
use crate::http::shown;
use crate::lifecycle::{self, Beginning, perform};
use crate::sessions::{self, Act, CallbackTarget, Magic, Outcome, Refused, Session, Stage};
use crate::state::{State, What};

/// How many are listed.
const LISTED: usize = 200;

#[derive(Deserialize)]
pub(super) struct Which {
    state: Option<String>,
}

/// What a wish for a result says.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    sub_code: Option<String>,
    verify_score: Option<f64>,
}

impl Wish {
    fn outcome(&self) -> Result<Option<Outcome>, Problem> {
        let wished = Outcome::wished(self.sub_code.as_deref(), self.verify_score);
        wished
            .map_err(|problem| Problem::bad(problem, "as in {\"sub_code\": \"204\", \"verify_score\": 42.5}"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    forced: Option<Wish>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    outer_order_no: Option<String>,
    scene_id: Option<String>,
    return_url: Option<String>,
    callback_url: Option<String>,
    callback_token: Option<String>,
    id_number: Option<String>,
}

pub(super) async fn list(Shared(state): Shared<Arc<State>>, Query(which): Query<Which>) -> Json<Value> {
    let sessions = state.sessions();
    let all = sessions.latest().map(|session| view(&state, session));
    let wanted =
        all.filter(|one| which.state.as_ref().is_none_or(|wanted| one.get("state") == Some(&json!(wanted))));
    Json(json!({ "sessions": wanted.take(LISTED).collect::<Vec<_>>() }))
}

pub(super) async fn get(Shared(state): Shared<Arc<State>>, Path(certify_id): Path<String>) -> Answer<Value> {
    let session = state.sessions().get(&certify_id).cloned();
    session.map(|session| Json(view(&state, &session))).ok_or_else(unknown)
}

/// Begins one without a call: for somebody made up.
pub(super) async fn begin(
    Shared(state): Shared<Arc<State>>,
    new: Result<Json<New>, JsonRejection>,
) -> Result<Response<Body>, Problem> {
    let Json(new) = new?;
    // Whoever is born on that day asks for nothing.
    let id_number = new.id_number.or_else(|| sessions::id_number("19850505", 1)).unwrap_or_default();
    if !sessions::is_id_number(&id_number) || !sessions::is_synthetic(&id_number) {
        return Err(Problem::bad(
            "`id_number` is no ID number of the area 999999",
            "docs/emulator.md lists the magic ones",
        ));
    }
    let texts = [&new.scene_id, &new.return_url, &new.callback_url, &new.callback_token];
    if texts.into_iter().flatten().any(|text| lifecycle::is_too_long(text)) {
        return Err(Problem::bad("a text is longer than 8 KiB", "shorten addresses and token"));
    }
    let callback = match new.callback_url {
        Some(url) => {
            callbacks::check(&state, &url)
                .await
                .map_err(|problem| Problem::bad(problem, "start your receiver first"))?;
            Some(CallbackTarget { url, token: new.callback_token })
        }
        None => None,
    };
    let order = new.outer_order_no.unwrap_or_else(|| state.fresh_id("order"));
    if order.is_empty() || order.len() > 32 || !order.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Problem::bad(
            "`outer_order_no` is at most 32 letters and digits",
            "leave it out for a new one",
        ));
    }
    let session = lifecycle::begin(
        &state,
        Beginning {
            order: &order,
            scene_id: new.scene_id.as_deref().unwrap_or("1000000006"),
            user_id: None,
            return_url: new.return_url.as_deref().unwrap_or("https://shop.example/verified"),
            callback,
            magic: Magic::of(&id_number),
            identity: state.digest(&["张三", &id_number]),
            wants_long_link: true,
            is_believed: true,
        },
    );
    state.changed("sessions");
    state.save();
    Ok(created(view(&state, &session)))
}

/// Forces a result, whatever the person does, or lifts it.
pub(super) async fn patch(
    Shared(state): Shared<Arc<State>>,
    Path(certify_id): Path<String>,
    change: Result<Json<Change>, JsonRejection>,
) -> Answer<Value> {
    let Json(change) = change?;
    let forced = change.forced.map(|wish| wish.outcome()).transpose()?.flatten();
    let session = {
        let mut sessions = state.sessions();
        let session = sessions.get_mut(&certify_id).ok_or_else(unknown)?;
        session.forced = forced;
        session.clone()
    };
    state.changed("sessions");
    state.save();
    Ok(Json(view(&state, &session)))
}

pub(super) async fn submit(
    Shared(state): Shared<Arc<State>>,
    Path(certify_id): Path<String>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Answer<Value> {
    let Json(wish) = wish?;
    act(&state, &certify_id, Act::Submit(wish.outcome()?), "submit")
}

pub(super) async fn cancel(
    Shared(state): Shared<Arc<State>>,
    Path(certify_id): Path<String>,
) -> Answer<Value> {
    act(&state, &certify_id, Act::GiveUp, "cancel")
}

pub(super) async fn expire(
    Shared(state): Shared<Arc<State>>,
    Path(certify_id): Path<String>,
) -> Answer<Value> {
    act(&state, &certify_id, Act::LetExpire, "expire")
}

fn act(state: &State, certify_id: &str, act: Act, name: &str) -> Answer<Value> {
    match perform(state, certify_id, act, name, What::Admin) {
        Ok(session) => Ok(Json(view(state, &session))),
        Err(Refused::Unknown) => Err(unknown()),
        Err(Refused::Used) => {
            let words = "this verification was submitted, and takes one submission";
            Err(Problem::new(StatusCode::CONFLICT, words, "begin another: POST /_emu/v1/sessions"))
        }
        Err(Refused::Expired) => {
            let words = "this verification has expired: it lives 30 minutes of the emulator's clock";
            Err(Problem::new(StatusCode::CONFLICT, words, "begin another: POST /_emu/v1/sessions"))
        }
    }
}

fn unknown() -> Problem {
    Problem::not_found("no such CertifyId", "GET /_emu/v1/sessions lists them")
}

fn view(state: &State, session: &Session) -> Value {
    let of =
        |outcome: &Outcome| json!({ "sub_code": outcome.sub_code, "verify_score": outcome.verify_score });
    let stage = match session.stage {
        _ if session.deleted => "deleted",
        Stage::Finished(_) => "finished",
        Stage::GivenUp => "given_up",
        Stage::Expired => "expired",
        Stage::Open if session.check(state.clock.now()).is_err() => "expired",
        Stage::Open => "open",
    };
    json!({
        "certify_id": session.certify_id,
        "outer_order_no": session.order,
        "scene_id": session.scene_id,
        "state": stage,
        "begun": session.begun.to_string(),
        "expires": session.expires().to_string(),
        "asks_for": session.magic.words(),
        "sub_code": session.result().map(|outcome| &outcome.sub_code),
        "verify_score": session.result().map(|outcome| outcome.verify_score),
        "forced": session.forced.as_ref().map(of),
        "link": session.link,
        "return_to": shown(&session.return_url),
        "callback_to": session.callback.as_ref().map(|target| shown(&target.url)),
        "queried": session.queried,
    })
}
