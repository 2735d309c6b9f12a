//! The messages of the admin API, in English and Chinese.

use axum::Json;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use cloudauth_protocol::Bilingual;
use serde_json::{Value, json};

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

/// Returns the response of a request that failed: what failed, and what to do. `command` is the hint for users of the command
/// `cloudauth`, if they must do something else than users of the HTTP API.
pub(crate) fn problem(
    status: StatusCode,
    error: &Message,
    hint: Bilingual,
    command: Option<Bilingual>,
) -> Response<Body> {
    let with_command = |mut document: Value, command: Option<&str>| {
        if let (Value::Object(fields), Some(command)) = (&mut document, command) {
            fields.insert("command".to_owned(), command.into());
        }
        document
    };
    let zh = json!({ "error": error.zh, "hint": hint.zh });
    let zh = with_command(zh, command.map(|command| command.zh));
    let document = json!({ "error": error.en, "hint": hint.en, "zh": zh });
    let document = with_command(document, command.map(|command| command.en));
    (status, Json(document)).into_response()
}
