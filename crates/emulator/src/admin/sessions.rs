//! Sessions: listing, starting, forcing an outcome, and acting for the end user.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{Response, StatusCode};
use cloudauth_protocol::Bilingual;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::problem::{AdminError, AdminResult, created, unknown_session};
use crate::callbacks;
use crate::http::{both, origin, without_secrets};
use crate::lifecycle::{self, NewSession, perform};
use crate::sessions::{
    self, ActionError, CallbackTarget, Magic, Session, SessionOutcome, SessionStage, UserAction,
};
use crate::state::{AppState, Change, EntrySource};

/// The maximum number of listed sessions.
const MAX_LISTED: usize = 200;

#[derive(Deserialize)]
pub(super) struct SessionFilter {
    state: Option<String>,
}

/// A requested outcome.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestedOutcome {
    sub_code: Option<String>,
    verify_score: Option<f64>,
}

impl RequestedOutcome {
    fn outcome(&self) -> Result<Option<SessionOutcome>, AdminError> {
        SessionOutcome::requested(self.sub_code.as_deref(), self.verify_score).map_err(|reason| {
            AdminError::bad(
                reason,
                both(
                    "example: {\"sub_code\": \"204\", \"verify_score\": 42.5}",
                    "例如：{\"sub_code\": \"204\", \"verify_score\": 42.5}",
                ),
            )
            .command(both(
                "example: `cloudauth trigger 204 --score 42.5`",
                "例如：`cloudauth trigger 204 --score 42.5`",
            ))
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionChange {
    forced: Option<RequestedOutcome>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSessionRequest {
    outer_order_no: Option<String>,
    scene_id: Option<String>,
    return_url: Option<String>,
    callback_url: Option<String>,
    callback_token: Option<String>,
    id_number: Option<String>,
}

/// The state of a session, as the API shows it.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum ViewState {
    Open,
    Finished,
    #[serde(rename = "given_up")]
    Cancelled,
    Expired,
    Deleted,
}

pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    Query(filter): Query<SessionFilter>,
) -> Json<Value> {
    let sessions = state.sessions();
    let all = sessions.latest().map(|session| view(&state, session));
    let wanted = all.filter(|session| {
        filter.state.as_ref().is_none_or(|wanted| session.get("state") == Some(&json!(wanted)))
    });
    Json(json!({ "sessions": wanted.take(MAX_LISTED).collect::<Vec<_>>() }))
}

pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    Path(certify_id): Path<String>,
) -> AdminResult<Value> {
    let session = state.sessions().get(&certify_id).cloned();
    session.map(|session| Json(view(&state, &session))).ok_or_else(unknown_session)
}

/// Starts a session without a call, for an invented person.
pub(super) async fn begin(
    State(state): State<Arc<AppState>>,
    new: Result<Json<NewSessionRequest>, JsonRejection>,
) -> Result<Response<Body>, AdminError> {
    let Json(new) = new?;
    // This date of birth has no magic meaning.
    let id_number = new.id_number.or_else(|| sessions::id_number("19850505", 1)).unwrap_or_default();
    if !sessions::is_id_number(&id_number) || !sessions::is_synthetic(&id_number) {
        return Err(AdminError::bad(
            both(
                "`id_number` must be a valid ID number of the area 999999",
                "`id_number` 须为 999999 地区的有效身份证号",
            ),
            both("docs/emulator.md lists magic identities", "测试身份证号见 docs/zh/emulator.md"),
        ));
    }
    let texts = [&new.scene_id, &new.return_url, &new.callback_url, &new.callback_token];
    if texts.into_iter().flatten().any(|text| sessions::is_too_long(text)) {
        return Err(AdminError::bad(
            both("a text is longer than 8 KiB", "有文本超过 8 KiB"),
            both("shorten the addresses and the token", "请缩短地址和 token"),
        ));
    }
    let callback = match new.callback_url {
        Some(url) => {
            callbacks::check(&state, &url).await.map_err(|reason| {
                AdminError::bad(reason, both("start your receiver first", "请先启动回调接收端"))
            })?;
            Some(CallbackTarget { url, token: new.callback_token })
        }
        None => None,
    };
    let order = new.outer_order_no.unwrap_or_else(|| state.fresh_id("order"));
    if order.is_empty() || order.len() > 32 || !order.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(AdminError::bad(
            both(
                "`outer_order_no` must be 1 to 32 letters and digits",
                "`outer_order_no` 须为 1 至 32 位字母或数字",
            ),
            both("omit it for a generated one", "省略时自动生成"),
        ));
    }
    let session = lifecycle::start(
        &state,
        NewSession {
            order: &order,
            scene_id: new.scene_id.as_deref().unwrap_or("1000000006"),
            user_id: None,
            return_url: new.return_url.as_deref().unwrap_or("https://shop.example/verified"),
            callback,
            magic: Magic::of(&id_number),
            identity: state.digest(&["张三", &id_number]),
            wants_long_link: true,
            has_valid_meta_info: true,
        },
    );
    state.changed(Change::Sessions);
    state.save();
    Ok(created(view(&state, &session)))
}

/// Forces an outcome, or removes a forced one.
pub(super) async fn patch(
    State(state): State<Arc<AppState>>,
    Path(certify_id): Path<String>,
    change: Result<Json<SessionChange>, JsonRejection>,
) -> AdminResult<Value> {
    let Json(change) = change?;
    let forced = change.forced.map(|requested| requested.outcome()).transpose()?.flatten();
    let session = {
        let mut sessions = state.sessions();
        let session = sessions.get_mut(&certify_id).ok_or_else(unknown_session)?;
        session.forced = forced;
        session.clone()
    };
    state.changed(Change::Sessions);
    state.save();
    Ok(Json(view(&state, &session)))
}

pub(super) async fn submit(
    State(state): State<Arc<AppState>>,
    Path(certify_id): Path<String>,
    requested: Result<Json<RequestedOutcome>, JsonRejection>,
) -> AdminResult<Value> {
    let Json(requested) = requested?;
    act(&state, &certify_id, UserAction::Submit(requested.outcome()?), "submit")
}

pub(super) async fn cancel(
    State(state): State<Arc<AppState>>,
    Path(certify_id): Path<String>,
) -> AdminResult<Value> {
    act(&state, &certify_id, UserAction::Cancel, "cancel")
}

pub(super) async fn expire(
    State(state): State<Arc<AppState>>,
    Path(certify_id): Path<String>,
) -> AdminResult<Value> {
    act(&state, &certify_id, UserAction::Expire, "expire")
}

fn act(state: &AppState, certify_id: &str, act: UserAction, name: &str) -> AdminResult<Value> {
    match perform(state, certify_id, act, name, EntrySource::Admin) {
        Ok(session) => Ok(Json(view(state, &session))),
        Err(ActionError::Unknown) => Err(unknown_session()),
        Err(ActionError::Ended) => Err(over(both(
            "the session has already ended: it takes one submission",
            "该认证已结束：每次认证只能提交一次",
        ))),
        Err(ActionError::Expired) => Err(over(both(
            "the session has expired: its lifetime is 30 minutes by the emulator's clock",
            "该认证已过期：有效期为 30 分钟（按模拟器时钟）",
        ))),
    }
}

/// The error of an action on a session that is over.
fn over(error: Bilingual) -> AdminError {
    let hint = both("start another: POST /_emu/v1/sessions", "请重新发起：POST /_emu/v1/sessions");
    AdminError::new(StatusCode::CONFLICT, error, hint).command(both(
        "start another: `cloudauth trigger 200 --callback-url URL`",
        "请重新发起：`cloudauth trigger 200 --callback-url URL`",
    ))
}

fn view(state: &AppState, session: &Session) -> Value {
    let of = |outcome: &SessionOutcome| json!({ "sub_code": outcome.sub_code, "verify_score": outcome.verify_score });
    let view_state = match session.stage {
        _ if session.deleted => ViewState::Deleted,
        SessionStage::Finished(_) => ViewState::Finished,
        SessionStage::Cancelled => ViewState::Cancelled,
        SessionStage::Expired => ViewState::Expired,
        SessionStage::Open if session.check(state.clock.now()).is_err() => ViewState::Expired,
        SessionStage::Open => ViewState::Open,
    };
    let asks_for = session.magic.description();
    json!({
        "certify_id": session.certify_id,
        "outer_order_no": session.order,
        "scene_id": session.scene_id,
        "state": view_state,
        "begun": session.begun.to_string(),
        "expires": session.expires().to_string(),
        "asks_for": asks_for.en,
        "asks_for_zh": asks_for.zh,
        "sub_code": session.result().map(|outcome| &outcome.sub_code),
        "verify_score": session.result().map(|outcome| outcome.verify_score),
        "forced": session.forced.as_ref().map(of),
        "link": session.link,
        "return_to": origin(&session.return_url),
        "callback_to": session.callback.as_ref().map(|target| without_secrets(&target.url)),
        "queried": session.queried,
    })
}
