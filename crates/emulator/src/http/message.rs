//! The messages of the admin API, in English and Chinese.

use axum::Json;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use cloudauth_protocol::Bilingual;
use serde_json::json;

/// A message with values, in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) en: String,
    pub(crate) zh: String,
}

impl Message {
    pub(crate) fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }
}

impl From<Bilingual> for Message {
    fn from(text: Bilingual) -> Self {
        Self::new(text.en, text.zh)
    }
}

/// A text without values, in both languages.
pub(crate) const fn both(en: &'static str, zh: &'static str) -> Bilingual {
    Bilingual { zh, en }
}

/// Returns the response of a request that failed: what failed, and what to do.
pub(crate) fn problem(status: StatusCode, error: &Message, hint: Bilingual) -> Response<Body> {
    let zh = json!({ "error": error.zh, "hint": hint.zh });
    (status, Json(json!({ "error": error.en, "hint": hint.en, "zh": zh }))).into_response()
}
